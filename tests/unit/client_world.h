/* A client under test and all that is around it: a clock, random bytes and an allocator that the test rules, a server
 * of a few lines that speaks through the library's own wire pieces, and a log of what the client told its host.
 *
 * Tests write what the server sends and read the log, a line for each callback, and `out`, the bytes the client wrote.
 */
#ifndef WSM_TESTS_CLIENT_WORLD_H
#define WSM_TESTS_CLIENT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem_fault.h"
#include "wire/upgrade.h"
#include "wsm/client.h"

#define EPOCH   "0123456789abcdef"
#define WELCOME "{\"type\":\"welcome\",\"epoch\":\"" EPOCH "\",\"offset\":7,\"resume\":\"none\"}"

typedef enum world_call {
    CALL_NONE,
    CALL_WAITING,
    CALL_CUT,
    CALL_OPEN,
    CALL_MESSAGE,
    CALL_DATA,
    CALL_CLOSE,
    CALL_REFUSED
} world_call;

typedef struct world {
    test_mem mem; /* first: the allocator gets the same `user` */
    uint64_t now;
    uint32_t random;
    bool random_fails;
    wsm_client_config config;
    wsm_client_host host;
    wsm_client *client;
    size_t chunk;         /* bytes handed to recv at a time; 0: all */
    size_t write_max;     /* bytes that one write takes; 0: all */
    bool told;            /* bytes_waiting was called since the last flush */
    bool started;         /* the request waits without it */
    world_call free_in;   /* free the client in this callback */
    world_call close_in;  /* close it with 4321 in this callback */
    world_call closed_in; /* tell that the transport is gone in this callback */
    bool echo;            /* on_data sends it back */
    int err;              /* first that recv returned */
    char log[16384];
    size_t log_len;
    unsigned char *out;
    size_t out_len, out_cap, out_read;
} world;

static inline void world_note(world *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int wrote = vsnprintf(w->log + w->log_len, sizeof w->log - w->log_len, format, args);
    va_end(args);
    assert_true(wrote >= 0 && (size_t)wrote < sizeof w->log - w->log_len);
    w->log_len += (size_t)wrote;
}

static inline void world_react(world *w, world_call call) {
    if (w->close_in == call) assert_int_equal(wsm_client_close(w->client, 4321, NULL), 0);
    if (w->closed_in == call) wsm_client_closed(w->client);
    if (w->free_in != call) return;
    wsm_client_free(w->client);
    w->client = NULL;
}

static inline uint64_t world_mono(void *user) {
    return ((world *)user)->now;
}

static inline int world_random(void *user, void *bytes, size_t len) {
    world *w = user;
    if (w->random_fails) return -1;
    for (size_t i = 0; i < len; i++) ((unsigned char *)bytes)[i] = (unsigned char)(++w->random * 37u);
    return 0;
}

static inline void world_waiting(void *user, wsm_client *client) {
    world *w = user;
    assert_ptr_equal(client, w->client);
    w->told = true;
    world_react(w, CALL_WAITING);
}

static inline void world_cut(void *user, wsm_client *client) {
    (void)client;
    world_note(user, "cut\n");
    world_react(user, CALL_CUT);
}

static inline void world_open(void *user, wsm_client *client) {
    (void)client;
    world_note(user, "open\n");
    world_react(user, CALL_OPEN);
}

static inline void world_message(void *user, wsm_client *client, const wsm_client_message *message) {
    (void)client;
    assert_int_equal(message->size, sizeof *message);
    world_note(user, "message %.*s", (int)message->type.len, message->type.ptr);
    if (message->offset) world_note(user, " %llu", (unsigned long long)message->offset);
    if (message->original_message_id.ptr)
        world_note(user, " to %.*s", (int)message->original_message_id.len, message->original_message_id.ptr);
    world_note(user, "\n");
    world_react(user, CALL_MESSAGE);
}

static inline void world_data(void *user, wsm_client *client, wsm_data type, const void *bytes, size_t len) {
    world *w = user;
    if (len <= 64)
        world_note(w, "%s %.*s\n", type == WSM_DATA_TEXT ? "text" : "binary", (int)len, (const char *)bytes);
    else
        world_note(w, "%s of %zu\n", type == WSM_DATA_TEXT ? "text" : "binary", len);
    if (w->echo) assert_int_equal(wsm_client_send(client, type, bytes, len), 0);
    assert_int_equal(wsm_client_recv(client, "x", 1), WSM_ERR_REENTRANT);
    world_react(w, CALL_DATA);
}

static inline void world_close(void *user, wsm_client *client, uint16_t code, wsm_slice reason) {
    (void)client;
    world_note(user, "close %u %.*s\n", code, (int)reason.len, reason.len ? reason.ptr : "");
    world_react(user, CALL_CLOSE);
}

static inline void world_refused(void *user, wsm_client *client, int status, wsm_slice body) {
    (void)client;
    if (body.len <= 64)
        world_note(user, "refused %d %.*s\n", status, (int)body.len, body.len ? body.ptr : "");
    else
        world_note(user, "refused %d of %zu\n", status, body.len);
    world_react(user, CALL_REFUSED);
}

static inline void world_init(world *w) {
    memset(w, 0, sizeof *w);
    w->now = 1000000;
    wsm_client_config_init(&w->config, sizeof w->config);
    w->config.host = "hub.test:8002";
    wsm_client_host_init(&w->host, sizeof w->host);
    w->host.clock_mono = world_mono;
    w->host.random = world_random;
    w->host.alloc = test_alloc;
    w->host.bytes_waiting = world_waiting;
    w->host.close_transport = world_cut;
    w->host.on_open = world_open;
    w->host.on_message = world_message;
    w->host.on_data = world_data;
    w->host.on_close = world_close;
    w->host.on_refused = world_refused;
}

static inline int world_new(world *w) {
    w->started = false;
    return wsm_client_new(&w->client, &w->config, &w->host, w);
}

/* Write everything that waits; nothing may wait that was not announced. */
static inline void world_flush(world *w) {
    wsm_vec vec[3], again[3];
    for (size_t count; w->client && (count = wsm_client_pending(w->client, vec, 3)) > 0;) {
        assert_true(w->told || !w->started);
        /* It begins with the same bytes; more, when the first call had no memory for them. */
        assert_in_range(wsm_client_pending(w->client, again, 3), count, test_mem_has_failed(&w->mem) ? 3 : count);
        assert_memory_equal(vec, again, count * sizeof *vec);
        size_t sent = 0;
        for (size_t i = 0; i < count; i++) {
            size_t len = vec[i].len;
            if (w->write_max && len > w->write_max - sent) len = w->write_max - sent;
            if (w->out_len + len > w->out_cap) {
                w->out_cap = (w->out_len + len) * 2;
                w->out = realloc(w->out, w->out_cap);
                assert_non_null(w->out);
            }
            if (len) memcpy(w->out + w->out_len, vec[i].base, len);
            w->out_len += len;
            sent += len;
        }
        wsm_client_sent(w->client, sent);
    }
    w->started = true;
    w->told = false;
}

static inline void world_feed(world *w, const void *bytes, size_t len) {
    const char *at = bytes;
    while (len && w->client) {
        size_t part = w->chunk && w->chunk < len ? w->chunk : len;
        char *copy = malloc(part); /* of its own, so that nothing can be kept of it */
        assert_non_null(copy);
        memcpy(copy, at, part);
        int err = wsm_client_recv(w->client, copy, part);
        free(copy);
        if (!w->err && err != WSM_ERR_CLOSED) w->err = err;
        world_flush(w);
        at += part;
        len -= part;
    }
}

/* ---- the server ---- */

static inline void server_frame(world *w, uint8_t first_byte, const void *payload, size_t len) {
    unsigned char head[10] = {first_byte};
    size_t head_len = len < 126 ? 2 : len < 65536 ? 4 : 10;
    head[1] = (unsigned char)(len < 126 ? len : len < 65536 ? 126 : 127);
    for (size_t i = 2; i < head_len; i++) head[i] = (unsigned char)((uint64_t)len >> 8 * (head_len - 1 - i));
    unsigned char *bytes = malloc(head_len + len);
    assert_non_null(bytes);
    memcpy(bytes, head, head_len);
    if (len) memcpy(bytes + head_len, payload, len);
    world_feed(w, bytes, head_len + len);
    free(bytes);
}

static inline void server_text(world *w, const char *text) {
    server_frame(w, 0x81, text, strlen(text));
}

static inline void server_close(world *w, uint16_t code, const char *reason) {
    char payload[125] = {(char)(code >> 8), (char)code};
    size_t len = strlen(reason);
    memcpy(payload + 2, reason, len);
    server_frame(w, 0x88, payload, 2 + len);
}

/* The client's request, as it stands in `out`; it counts as read then. */
static inline void server_read_request(world *w, wsm__http_head *head) {
    static const wsm__http_limits limits = {2048, 8192, 64, 0};
    world_flush(w);
    long len = wsm__http_parse_request((const char *)w->out, w->out_len, &limits, head);
    assert_true(len > 0);
    w->out_read = (size_t)len;
}

/* A right answer, in memory of the test. */
static inline char *server_answer(world *w, const char *protocol, size_t *len) {
    wsm__http_head head;
    wsm__upgrade ask;
    const char *why = NULL;
    server_read_request(w, &head);
    assert_int_equal(wsm__upgrade_read(&head, &ask, &why), 0);
    wsm__mem mem;
    wsm__buf buf;
    wsm__mem_init(&mem, NULL, NULL, 0);
    wsm__buf_init(&buf, &mem, 0);
    assert_int_equal(wsm__upgrade_accept(&buf, ask.key, protocol), 0);
    char *answer = malloc(buf.len + 1);
    assert_non_null(answer);
    memcpy(answer, buf.ptr, buf.len);
    answer[buf.len] = 0;
    *len = buf.len;
    wsm__buf_fini(&buf);
    return answer;
}

static inline void server_accept(world *w) {
    size_t len;
    char *answer = server_answer(w, w->config.plain ? NULL : "wsm.v1", &len);
    world_feed(w, answer, len);
    free(answer);
}

static inline bool server_has_frame(const world *w) {
    return w->out_read < w->out_len;
}

/* The client's next frame, unmasked in place. Returns its opcode; `*payload` points into `out`. */
static inline uint8_t server_read_frame(world *w, unsigned char **payload, size_t *len) {
    unsigned char *at = w->out + w->out_read;
    size_t have = w->out_len - w->out_read;
    assert_true(have >= 6);
    assert_int_equal(at[0] & 0xf0, 0x80);
    assert_int_equal(at[1] & 0x80, 0x80); /* a client masks (RFC 6455, section 5.1) */
    size_t ext = (at[1] & 0x7f) == 126 ? 2 : (at[1] & 0x7f) == 127 ? 8 : 0;
    *len = ext ? 0 : at[1] & 0x7fu;
    for (size_t i = 0; i < ext; i++) *len = *len << 8 | at[2 + i];
    assert_true(have >= 2 + ext + 4 + *len);
    const unsigned char *mask = at + 2 + ext;
    *payload = at + 2 + ext + 4;
    for (size_t i = 0; i < *len; i++) (*payload)[i] ^= mask[i & 3];
    w->out_read += 2 + ext + 4 + *len;
    return at[0] & 0x0f;
}

static inline void server_expect(world *w, uint8_t opcode, const void *payload, size_t len) {
    unsigned char *got;
    size_t got_len;
    assert_int_equal(server_read_frame(w, &got, &got_len), opcode);
    assert_int_equal(got_len, len);
    assert_memory_equal(got, payload, len);
}

static inline void server_expect_close(world *w, uint16_t code) {
    unsigned char *got;
    size_t len;
    assert_int_equal(server_read_frame(w, &got, &len), 0x8);
    assert_true(len >= 2);
    assert_int_equal(got[0] << 8 | got[1], code);
    assert_false(server_has_frame(w));
}

/* ---- whole tests ---- */

static inline void world_open_up(world *w) {
    assert_int_equal(world_new(w), 0);
    server_accept(w);
    if (!w->config.plain) server_text(w, WELCOME);
}

/* End the client, if the test has not, and see that nothing is left. */
static inline void world_fini(world *w) {
    wsm_client_free(w->client);
    w->client = NULL;
    assert_int_equal(w->mem.live, 0);
    free(w->out);
    w->out = NULL;
    w->out_len = w->out_cap = w->out_read = 0;
}

#endif
