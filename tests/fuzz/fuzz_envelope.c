/* F6: text messages to the decoder, and to a hub. The decoder's errors name a field of the table and never echo; what
 * it accepts has what its type requires. The hub answers each message_id once, with an ack or an error, never both;
 * whoever gives none hears of errors only.
 *
 * Each line of the input is a message; its first byte picks the peer. */
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "hub_world.h"
#include "proto/decode.h"
#include "wsm/error.h"

#define MESSAGES_MAX 48
#define CANARY       "Zq7xZq7x"

static bool is_known_field(const char *field) {
    size_t count;
    const wsm__field_row *envelope = wsm__envelope_rows(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(envelope[i].name, field) == 0) return true;
    for (int type = 1; type < WSM__MSG_COUNT; type++) {
        const wsm__msg_row *row = wsm__msg_row_of((wsm__msg_type)type);
        for (size_t i = 0; i < row->fields_count; i++)
            if (row->fields[i].alias && strcmp(row->fields[i].alias, field) == 0) return true;
        if (wsm__msg_field_idx((wsm__msg_type)type, field, WSM__MAY_UP | WSM__MAY_DOWN) >= 0) return true;
    }
    return false;
}

static void check_refusal(const wsm__decode_error *error, int err) {
    FUZZ_EXPECT(error->err == err);
    FUZZ_EXPECT(err == WSM_ERR_BAD_JSON || err == WSM_ERR_BAD_MESSAGE || err == WSM_ERR_UNKNOWN_TYPE ||
                err == WSM_ERR_TOO_LARGE);
    FUZZ_EXPECT(!error->field || is_known_field(error->field));
    size_t len = strnlen(error->message, sizeof error->message);
    FUZZ_EXPECT(len > 0 && len < sizeof error->message);
    for (size_t i = 0; i < len; i++) FUZZ_EXPECT(error->message[i] >= 0x20 && error->message[i] < 0x7f);
    FUZZ_EXPECT(!strstr(error->message, CANARY));
}

static void check_message(const wsm__message *message) {
    const wsm__msg_row *row = wsm__msg_row_of(message->type);
    FUZZ_EXPECT(row && (row->flow & WSM__FLOW_UP));
    for (size_t i = 0; i < row->fields_count; i++) {
        if (row->fields[i].need & WSM__NEED_UP) FUZZ_EXPECT(message->fields[i].kind != 0);
        if (!(row->fields[i].need & WSM__MAY_UP)) FUZZ_EXPECT(message->fields[i].kind == 0);
    }
    FUZZ_EXPECT(message->has_id == (message->message_id.ptr != NULL));
    FUZZ_EXPECT(message->context_id.len > 0 && message->priority >= WSM_PRIORITY_BACKGROUND);
}

static void decode(wsm_slice text) {
    static const wsm__scan_limits limits[] = {{32, 4096, 128}, {4, 12, 20}};
    char *copy = fuzz_copy(text.ptr, text.len);
    for (int i = 0; i < 2; i++) {
        wsm__message message;
        wsm__decode_error error;
        int err = wsm__decode((wsm_slice){copy, text.len}, &limits[i], &message, &error);
        if (err)
            check_refusal(&error, err);
        else
            check_message(&message);
    }
    free(copy);
}

static void read_answers(answers *book, peer *p) {
    for (char *line = p->text; line && *line;) {
        char *end = strchr(line, '\n');
        answers_came(book, line, (size_t)(end - line));
        line = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    unsigned mode = fuzz_u8(&in);
    hub_world world;
    answers book = {.count = 0};
    unsigned sent = 0, nameless = 0;
    for (fuzz_in copy = in; copy.left > 0;) decode(fuzz_until(&copy, '\n'));
    decode((wsm_slice){(const char *)in.at, in.left});

    world_init(&world);
    fuzz_mem_begin(&world.mem);
    world.config.violations_per_min = mode & 2 ? 0 : 10;
    world.config.agent_messages_per_s = mode & 4 ? 2 : 0;
    world.config.agent_messages_burst = 4;
    if (mode & 8) {
        world.config.json_values_max = 12;
        world.config.json_depth_max = 4;
        world.config.message_bytes_max = 300;
    }
    if (world_start(&world, NULL) == 0) {
        peer *p = world_join(&world, "ada", mode & 1 ? WSM_PERMISSION_OBSERVER : WSM_PERMISSION_ACTIVE, NULL, 0);
        while (in.left > 0 && sent < MESSAGES_MAX && p->conn) {
            wsm_slice line = fuzz_until(&in, '\n');
            if (line.len == 0) continue;
            char *copy = fuzz_copy(line.ptr, line.len);
            sent++;
            if (!answers_asked(&book, line.ptr, line.len)) nameless++;
            wsm_conn_recv(p->conn, copy, line.len);
            free(copy);
        }
        bool is_open = p->conn != NULL && p->code == 0;
        world_run(&world, 100);
        read_answers(&book, p);
        if (!fuzz_mem_is_short(&world.mem)) {
            /* Text beyond the hub's limits cannot be read for its id. */
            if (!(mode & 8)) answers_check(&book, is_open);
            if (!(mode & 8)) FUZZ_EXPECT(book.nameless <= nameless);
            FUZZ_EXPECT(book.nameless <= sent);
        }
    } else {
        FUZZ_EXPECT(fuzz_mem_is_short(&world.mem));
    }
    world_end(&world);
    fuzz_mem_end(&world.mem);
    return 0;
}
