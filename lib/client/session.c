/* The hub's protocol as a client sees it (protocol.md, section 4): where it is in the log, and what it has seen.
 *
 * The position starts where the configuration says or, on a first visit or after `resync`, at the welcome's offset.
 * Only the hub moves it, by `position` and `replay_end`, and only forward. A record above it that comes twice is left
 * out; what comes from below it was meant to. */
#include "client/client.h"

#include "proto/scan.h"

#define MEMBERS_MAX 128u /* of a message's top level; the envelope and the longest message have some 40 */

static const wsm__scan_limits scan_limits = {.depth_max = 64, .values_max = 65536, .key_bytes_max = 65536};

/* What is read of any message. */
typedef struct {
    wsm_slice type, epoch, resume, original_message_id;
    bool has_offset, has_context;
    uint64_t offset;
} envelope;

/* A name or id, which is never written with escapes. Absent: something else. */
static wsm_slice text_of(wsm__json_value value) {
    wsm_slice text = {NULL, 0};
    if (value.kind != WSM__JSON_STRING || !wsm__json_string_is_plain(value.raw, &text)) return wsm__slice(NULL, 0);
    return text;
}

static int member_read(envelope *out, const wsm__json_member *member) {
    if (wsm__json_key_is(member->key, "type")) {
        out->type = text_of(member->value);
    } else if (wsm__json_key_is(member->key, "epoch")) {
        out->epoch = text_of(member->value);
    } else if (wsm__json_key_is(member->key, "resume")) {
        out->resume = text_of(member->value);
    } else if (wsm__json_key_is(member->key, "original_message_id")) {
        out->original_message_id = text_of(member->value);
    } else if (wsm__json_key_is(member->key, "context_id")) {
        out->has_context = true;
    } else if (wsm__json_key_is(member->key, "offset") && member->value.kind != WSM__JSON_NULL) {
        out->has_offset = wsm__json_u64(member->value, WSM__NUMBER_MAX, &out->offset);
        if (!out->has_offset) return WSM_ERR_BAD_MESSAGE;
    }
    return 0;
}

static int envelope_read(envelope *out, wsm_slice text) {
    wsm__json_member members[MEMBERS_MAX];
    size_t count = 0;
    *out = (envelope){0};
    int err = wsm__json_members(text, &scan_limits, members, MEMBERS_MAX, &count, NULL);
    for (size_t i = 0; !err && i < count; i++) err = member_read(out, &members[i]);
    return err ? err : out->type.ptr ? 0 : WSM_ERR_BAD_MESSAGE;
}

/* These carry an offset, but are not records themselves. Any other message with one is, also of a type that a newer hub
 * has. */
static bool is_record(const envelope *message) {
    static const char *const others[] = {"welcome", "position", "replay_start",  "replay_end",
                                         "gap",     "ack",      "duplicate_ack", "error"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (wsm__slice_is(message->type, others[i])) return false;
    return message->has_offset;
}

static void position_set(wsm_client *client, uint64_t offset) {
    if (offset <= client->position) return;
    client->position = offset;
    wsm__seen_drop(&client->seen, offset);
}

static int welcome_take(wsm_client *client, const envelope *message) {
    if (message->epoch.len != 16 || !message->has_offset) return WSM_ERR_BAD_MESSAGE;
    bool resumed = client->resuming && memcmp(client->epoch, message->epoch.ptr, 16) == 0 &&
                   (wsm__slice_is(message->resume, "replayed") || wsm__slice_is(message->resume, "gap"));
    if (!resumed) client->position = message->offset;
    memcpy(client->epoch, message->epoch.ptr, 16);
    client->epoch[16] = '\0';
    client->state = WSM__CLIENT_OPEN;
    client->open_by = UINT64_MAX;
    return 0;
}

/* What lies at or below the position and comes all the same was meant to: the history of a context that the agent was
 * let into, a delivery that waited for it. A mention may come again, when its lease has ended. */
static int record_take(wsm_client *client, const envelope *message, bool *known) {
    if (message->offset <= client->position) return 0;
    *known = wsm__seen_has(&client->seen, message->offset) && !wsm__slice_is(message->type, "mention_route");
    return *known ? 0 : wsm__seen_add(&client->seen, &client->mem, message->offset);
}

/* Our own state first, then the host. `*known` is set for a record that it has had already. */
static int state_take(wsm_client *client, const envelope *message, bool *known) {
    bool welcome = wsm__slice_is(message->type, "welcome");
    if (client->state == WSM__CLIENT_GREETING) {
        if (welcome) return welcome_take(client, message);
        return is_record(message) ? WSM_ERR_BAD_MESSAGE : 0;
    }
    if (welcome) return WSM_ERR_BAD_MESSAGE;
    if (is_record(message)) return record_take(client, message, known);
    bool is_position = wsm__slice_is(message->type, "position") ||
                       (wsm__slice_is(message->type, "replay_end") && !message->has_context); /* no history's */
    if (is_position && message->has_offset) position_set(client, message->offset);
    return 0;
}

int wsm__client_message(wsm_client *client, wsm_slice text) {
    envelope read;
    bool greeting = client->state == WSM__CLIENT_GREETING, known = false;
    int err = envelope_read(&read, text);
    if (!err) err = state_take(client, &read, &known);
    if (err || known) return err;
    const wsm_client_message message = {.size = sizeof message,
                                        .type = read.type,
                                        .json = text,
                                        .offset = is_record(&read) ? read.offset : 0,
                                        .original_message_id = read.original_message_id};
    wsm__client_call_message(client, &message);
    bool opened = greeting && client->state == WSM__CLIENT_OPEN && client->link.state == WSM__LINK_OPEN;
    if (opened) wsm__client_call_open(client);
    return 0;
}

uint64_t wsm_client_position(const wsm_client *client, char epoch[17]) {
    if (epoch) memcpy(epoch, client ? client->epoch : "", client ? sizeof client->epoch : 1);
    return client ? client->position : 0;
}

int wsm_client_has_seen(const wsm_client *client, uint64_t offset) {
    return client && (offset <= client->position || wsm__seen_has(&client->seen, offset));
}
