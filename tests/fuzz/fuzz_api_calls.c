/* F15: sequences of calls to the public API, with arguments that are right, wrong, absent or dead, also from inside the
 * host's callbacks. Every call says one of its errors and harms nothing (I-69); whatever a callback does, nobody uses
 * what is gone (I-52); at the end nothing is left (I-63).
 *
 * Each operation is a byte, then the bytes that it asks for. A callback performs the next operations as well, to a
 * depth of DEPTH_MAX. Handles that are gone are used again only while their shells live: until the outermost call of
 * the hub, or of that client, returns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wsm/wsm.h"

#define CONNS_MAX   6
#define CLIENTS_MAX 2
#define DEPTH_MAX   3
#define STEPS_MAX   400

typedef struct slot {
    wsm_conn *conn;
    bool is_gone; /* closed was called: a shell, as long as hub_depth > 0 */
    bool is_told; /* close_transport was called */
} slot;

typedef struct client_slot {
    wsm_client *client;
    unsigned calls; /* of it, that have not returned */
    bool is_freed;  /* a shell, as long as there are calls */
} client_slot;

typedef struct world {
    test_mem mem;
    uint64_t mono, random;
    fuzz_in in;
    unsigned steps, depth;
    unsigned hub_depth; /* callbacks of the hub among them: it has not returned */
    wsm_hub *hub;
    bool is_freed; /* wsm_hub_free was called inside a callback */
    slot slots[CONNS_MAX];
    client_slot clients[CLIENTS_MAX];
    wsm_request *request;
    wsm_log log;
    wsm_hub *log_hub;
    uint64_t log_last, append_ids[8], read_id;
    size_t appends_open;
    bool log_is_slow;
} world;

static void step(world *w);

/* A call that the host makes of a callback: some of the operations that follow. */
static void perform(world *w) {
    if (w->depth >= DEPTH_MAX || w->in.left == 0) return;
    unsigned count = fuzz_u8(&w->in);
    if (count & 0x80) return;
    w->depth++;
    for (count %= 4; count > 0; count--) step(w);
    w->depth--;
}

/* ---- the host ---- */

static void react(world *w) {
    w->hub_depth++;
    perform(w);
    w->hub_depth--;
}

static uint64_t clock_mono(void *user) {
    return ((world *)user)->mono;
}

static int64_t clock_wall(void *user) {
    return (int64_t)((world *)user)->mono + 1767323045678;
}

static int fill_random(void *user, void *bytes, size_t len) {
    world *w = user;
    for (size_t i = 0; i < len; i++) ((unsigned char *)bytes)[i] = (unsigned char)fuzz_next(&w->random);
    return 0;
}

static void *world_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    return test_alloc(&((world *)user)->mem, ptr, old_size, new_size);
}

static slot *slot_of(world *w, wsm_conn *conn) {
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (w->slots[i].conn == conn) return &w->slots[i];
    return NULL;
}

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    world *w = user;
    slot *s = slot_of(w, conn);
    (void)conn_user;
    FUZZ_EXPECT(!s || !s->is_gone); /* no news of what is gone */
    react(w);
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    world *w = user;
    slot *s = slot_of(w, conn);
    (void)conn_user;
    FUZZ_EXPECT(!s || (!s->is_gone && !s->is_told));
    if (s) s->is_told = true;
    react(w);
}

static void on_conn_state(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state state, uint16_t code) {
    (void)conn, (void)conn_user, (void)state, (void)code;
    react(user);
}

static void on_data(void *user, wsm_conn *conn, void *conn_user, wsm_data type, const void *bytes, size_t len) {
    (void)conn_user, (void)type;
    char *copy = fuzz_copy(bytes, len); /* reads all of it */
    FUZZ_EXPECT(wsm_conn_recv(conn, copy, len ? len : 1) != 0);
    free(copy);
    react(user);
}

static void on_drained(void *user, wsm_conn *conn, void *conn_user) {
    (void)conn, (void)conn_user;
    react(user);
}

static void on_event(void *user, const wsm_event *event) {
    FUZZ_EXPECT(event->name && event->size == sizeof *event);
    react(user);
}

static void on_result(void *user, const wsm_result *result) {
    FUZZ_EXPECT(result->size == sizeof *result && result->err <= 0);
    react(user);
}

static void on_applied(void *user, const wsm_applied *applied) {
    free(fuzz_copy(applied->json.ptr, applied->json.len));
    react(user);
}

static void on_page(void *user, const wsm_page *page) {
    for (size_t i = 0; i < page->count; i++) free(fuzz_copy(page->messages[i].ptr, page->messages[i].len));
    react(user);
}

static void on_drop(void *user, const wsm_drop *drop) {
    FUZZ_EXPECT(drop->count > 0);
    react(user);
}

static void on_ready(void *user, int err) {
    (void)err;
    react(user);
}

static void on_request(void *user, wsm_request *request) {
    world *w = user;
    w->request = request;
    react(w);
}

static void on_request_end(void *user, wsm_request *request) {
    world *w = user;
    FUZZ_EXPECT(w->request == request || !w->request);
    w->request = NULL;
    react(w);
}

static int token_check(void *user, wsm_conn *conn, wsm_slice token, wsm_claims *claims) {
    world *w = user;
    (void)conn;
    unsigned answer = token.len % 4;
    react(w);
    if (answer == 0) return WSM_ERR_PENDING;
    if (answer == 1) return WSM_ERR_TOKEN;
    claims->sub = (wsm_slice){"ada", answer == 2 ? 3u : 0u};
    claims->exp = clock_wall(w) / 1000 + 100;
    claims->permission = WSM_PERMISSION_ACTIVE;
    return 0;
}

static int message_veto(void *user, wsm_slice agent, wsm_slice type, wsm_slice json) {
    (void)agent, (void)type;
    react(user);
    return json.len % 7 == 0 ? WSM_ERR_FORBIDDEN : 0;
}

/* ---- a log: at once, or later by an operation ---- */

static int log_open(void *user, wsm_hub *hub) {
    world *w = user;
    wsm_log_info info;
    w->log_hub = hub;
    if (w->log_is_slow) return 0;
    wsm_log_info_init(&info, sizeof info);
    info.epoch = "0123456789abcdef";
    return wsm_log_ready(hub, &info, 0);
}

static int log_append(void *user, uint64_t id, const wsm_vec *records, size_t count) {
    world *w = user;
    if (w->appends_open == sizeof w->append_ids / sizeof *w->append_ids) return WSM_ERR_STORE_FAILED;
    for (size_t i = 0; i < count; i++) {
        wsm_record record = {w->log_last + 1, records[i].base, records[i].len};
        if (wsm_log_deliver(w->log_hub, &record, 1) == 0) w->log_last++;
    }
    if (w->log_is_slow)
        w->append_ids[w->appends_open++] = id;
    else
        wsm_log_done(w->log_hub, id, WSM_LOG_SYNCED);
    return 0;
}

static int log_read(void *user, uint64_t id, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    world *w = user;
    (void)from, (void)to, (void)records_max, (void)bytes_max;
    return wsm_log_page(w->log_hub, id, NULL, 0, id % 2 ? 0 : WSM_ERR_LOG_IO);
}

static int log_save(void *user, uint64_t offset, const void *bytes, size_t len) {
    (void)user, (void)offset;
    free(fuzz_copy(bytes, len));
    return len % 3 == 0 ? WSM_ERR_LOG_IO : 0;
}

static void log_close(void *user) {
    ((world *)user)->log_hub = NULL;
}

/* ---- the client's host ---- */

static void client_bytes(void *user, wsm_client *client) {
    (void)client;
    perform(user);
}

static void client_message(void *user, wsm_client *client, const wsm_client_message *message) {
    (void)client;
    free(fuzz_copy(message->json.ptr, message->json.len));
    perform(user);
}

static void client_data(void *user, wsm_client *client, wsm_data type, const void *bytes, size_t len) {
    (void)client, (void)type;
    free(fuzz_copy(bytes, len));
    perform(user);
}

static void client_close(void *user, wsm_client *client, uint16_t code, wsm_slice reason) {
    (void)client, (void)code, (void)reason;
    perform(user);
}

static void client_refused(void *user, wsm_client *client, int status, wsm_slice body) {
    (void)client, (void)status;
    free(fuzz_copy(body.ptr, body.len));
    perform(user);
}

/* ---- arguments ---- */

static bool is_usable(const world *w, const slot *s) {
    return s->conn && (w->hub_depth > 0 || !(s->is_gone || w->is_freed));
}

/* A handle: one that lives, a shell, or none. */
static wsm_conn *some_conn(world *w) {
    slot *s = &w->slots[fuzz_below(&w->in, CONNS_MAX)];
    return is_usable(w, s) ? s->conn : NULL;
}

static bool is_there(const client_slot *s) {
    return s->client && (!s->is_freed || s->calls > 0);
}

static wsm_slice some_bytes(world *w) {
    static const char upgrade[] = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Authorization: Bearer abc\r\n\r\n";
    static const char list[] = "{\"type\":\"agent_list\",\"message_id\":\"0190e0a0-7b1c-7def-8123-000000000001\"}";
    static const char update[] = "{\"type\":\"memory_update\",\"message_id\":\"0190e0a0-7b1c-7def-8123-000000000002\","
                                 "\"exchange\":{\"a\":1}}";
    static const char *const texts[] = {"",
                                        "x",
                                        list,
                                        update,
                                        "{\"type\":\"agent_presence\",\"status\":\"idle\"}",
                                        "\xff\xfe",
                                        upgrade,
                                        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
                                        "\x81\x82\0\0\0\0hi",
                                        "\x88\x80\0\0\0\0",
                                        "\x89\x81\0\0\0\0p",
                                        "HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\nx"};
    static const size_t lens[] = {0, 1, 0, 0, 0, 2, 0, 0, 8, 6, 7, 0};
    size_t pick = fuzz_below(&w->in, 14);
    if (pick >= 12) return fuzz_take(&w->in, fuzz_below(&w->in, 64));
    return (wsm_slice){texts[pick], lens[pick] ? lens[pick] : strlen(texts[pick])};
}

static wsm_claims some_claims(world *w) {
    static const char *const names[] = {"ada", "bob", "hub", "", "a b", "ada"};
    wsm_claims claims;
    wsm_claims_init(&claims, fuzz_u8(&w->in) & 1 ? sizeof claims : sizeof claims);
    const char *name = names[fuzz_below(&w->in, 6)];
    claims.sub = (wsm_slice){name, strlen(name)};
    claims.exp = clock_wall(w) / 1000 + (fuzz_u8(&w->in) & 3 ? 3600 : -100);
    claims.permission = (wsm_permission)fuzz_below(&w->in, 3);
    claims.purpose = (wsm_purpose)fuzz_below(&w->in, 4);
    claims.kind = (wsm_kind)fuzz_below(&w->in, 3);
    return claims;
}

static void expect_error(int err) {
    FUZZ_EXPECT(err <= 0 && strcmp(wsm_strerror(err), "unknown error") != 0);
}

/* ---- operations ---- */

static void open_conn(world *w) {
    size_t which = fuzz_below(&w->in, CONNS_MAX);
    slot *s = &w->slots[which];
    wsm_peer peer;
    wsm_conn *conn = NULL;
    unsigned how = fuzz_u8(&w->in);
    wsm_claims claims = some_claims(w);
    if (s->conn || w->is_freed) return;
    wsm_peer_init(&peer, sizeof peer);
    if (how == 255) peer.size = 3; /* no struct of ours was ever so small */
    peer.kind = (wsm_peer_kind)(how % 4);
    peer.plain = (how & 4) != 0;
    peer.address = how & 8 ? "192.0.2.1" : NULL;
    if (how & 16) peer.claims = &claims;
    if (how & 32) peer.token = some_bytes(w);
    if (how & 64) peer.epoch = how & 128 ? "0123456789abcdef" : "short";
    peer.after = how & 128 ? 1 : 0;
    s->is_gone = s->is_told = false;
    int err = wsm_conn_new(&conn, w->hub, &peer, w);
    expect_error(err);
    FUZZ_EXPECT(conn ? err == 0 : err != 0 || w->is_freed);
    if (conn) *s = (slot){.conn = conn};
}

static void close_conn(world *w) {
    slot *s = &w->slots[fuzz_below(&w->in, CONNS_MAX)];
    if (!is_usable(w, s)) return;
    s->is_gone = true;
    wsm_conn_closed(s->conn);
}

static void write_out(world *w) {
    wsm_vec vec[3];
    slot *s = &w->slots[fuzz_below(&w->in, CONNS_MAX)];
    wsm_conn *conn = is_usable(w, s) ? s->conn : NULL;
    size_t cap = fuzz_below(&w->in, 4), total = 0;
    wsm_conn_queued(conn);
    size_t count = wsm_conn_pending(conn, vec, cap);
    FUZZ_EXPECT(count <= cap);
    if (conn && !is_usable(w, s)) { /* a callback has closed it */
        FUZZ_EXPECT(count == 0);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        total += vec[i].len;
        free(fuzz_copy(vec[i].base, vec[i].len));
    }
    size_t sent = fuzz_u8(&w->in);
    wsm_conn_sent(conn, sent & 1 ? total : sent); /* the last: a callback may close it */
}

static void use_request(world *w) {
    wsm_request *request = w->is_freed && w->hub_depth == 0 ? NULL : w->request;
    wsm_claims claims;
    unsigned how = fuzz_u8(&w->in);
    wsm_claims_init(&claims, sizeof claims);
    wsm_request_method(request);
    wsm_request_path(request);
    wsm_request_query(request);
    wsm_request_body(request);
    wsm_request_header(request, "host");
    wsm_request_set_user(request, w);
    wsm_request_user(request);
    wsm_request_conn(request);
    if (how & 1) expect_error(wsm_request_claims(request, &claims));
    static const int statuses[] = {200, 204, 404, 99, 700, 101, -1, 503};
    static const char *const headers[] = {NULL, "X: y\r\n", "Content-Type: a/b\r\n", "broken", "X: y\n", ""};
    if (how & 2) {
        wsm_slice body = some_bytes(w);
        expect_error(wsm_request_respond(request, statuses[how / 4 % 8], headers[how / 32 % 6], body.ptr, body.len));
    }
}

static void hub_call(world *w) {
    wsm_update update;
    wsm_claims claims = some_claims(w);
    wsm_conn_info info;
    wsm_key key;
    char epoch[17];
    unsigned how = fuzz_u8(&w->in);
    wsm_hub *hub = w->is_freed ? NULL : how & 0x80 ? NULL : w->hub;
    wsm_slice bytes = some_bytes(w);
    switch (how % 16) {
    case 0:
        if (hub) wsm_hub_tick(hub);
        break;
    case 1:
        w->mono += (uint64_t)bytes.len * 100;
        if (hub) wsm_hub_tick(hub);
        break;
    case 2:
        wsm_update_init(&update, sizeof update);
        update.exchange = bytes;
        update.topic = how & 16 ? "t" : NULL;
        update.sender_agent_id = how & 32 ? "ada" : NULL;
        update.message_id = how & 64 ? "0190e0a0-7b1c-7def-8123-000000000009" : NULL;
        update.priority = (wsm_priority)(how % 9);
        expect_error(wsm_broadcast(hub, &update, 1));
        break;
    case 3: expect_error(wsm_submit(hub, how & 16 ? "ada" : NULL, bytes.ptr, bytes.len, 2)); break;
    case 4:
        if (hub) expect_error(wsm_records_read(hub, how & 16 ? &claims : NULL, bytes.len, how % 32, 3));
        break;
    case 5:
        if (hub) wsm_hub_position(hub, how & 16 ? epoch : NULL);
        break;
    case 6:
        if (hub && how & 16 && how & 32) expect_error(wsm_hub_shutdown(hub, NULL));
        break;
    case 7:
        if (hub) wsm_hub_is_down(hub), wsm_hub_is_ready(hub), wsm_hub_next(hub);
        break;
    case 8:
        wsm_key_init(&key, sizeof key);
        key.kid = how & 16 ? "k" : NULL;
        key.secret = how & 32 ? "a secret of more than thirty-two bytes" : bytes.ptr;
        key.secret_len = how & 32 ? 38 : bytes.len;
        expect_error(wsm_hub_key_add(hub, how & 64 ? NULL : &key));
        break;
    case 9: expect_error(wsm_hub_key_remove(hub, how & 16 ? "k" : NULL)); break;
    case 10: expect_error(wsm_hub_token_check(hub, bytes.ptr, bytes.len, &claims)); break;
    case 11:
        wsm_conn_info_init(&info, sizeof info);
        expect_error(wsm_conn_info_get(some_conn(w), how & 16 ? &info : NULL));
        break;
    case 12: expect_error(wsm_hub_shutdown(NULL, NULL)); break;
    case 13: expect_error(wsm_broadcast(hub, NULL, 1)); break;
    case 14: /* the hub goes, inside a callback only: outside the sequence would be over */
        if (hub && w->hub_depth > 0 && how & 16 && how & 32 && how & 64) {
            w->is_freed = true;
            wsm_hub_free(hub);
        }
        break;
    default: wsm_hub_free(NULL); break;
    }
}

static void log_call(world *w) {
    unsigned how = fuzz_u8(&w->in);
    wsm_slice bytes = some_bytes(w);
    wsm_log_info info;
    if (w->is_freed) return;
    wsm_hub *hub = how & 0x80 ? NULL : w->hub;
    wsm_log_info_init(&info, sizeof info);
    info.epoch = how & 16 ? "0123456789abcdef" : "x";
    info.last_offset = w->log_last;
    wsm_record record = {how & 16 ? w->log_last + 1 : how % 5, bytes.ptr, bytes.len};
    switch (how % 8) {
    case 0: expect_error(wsm_log_deliver(hub, &record, how & 32 ? 1 : 0)); break;
    case 1:
        if (w->appends_open > 0) {
            uint64_t id = w->append_ids[--w->appends_open];
            expect_error(wsm_log_done(hub ? hub : w->hub, id, how & 32 ? WSM_LOG_WRITTEN : WSM_ERR_STORE_FAILED));
        }
        break;
    case 2: expect_error(wsm_log_ready(hub, how & 32 ? &info : NULL, how & 64 ? WSM_ERR_LOG_IO : 0)); break;
    case 3: expect_error(wsm_log_page(hub, 9999, NULL, 0, 0)); break;
    case 4: expect_error(wsm_log_done(hub, 0, 0)); break;
    case 5: expect_error(wsm_log_done(hub, 1, 7)); break;
    case 6:
        if (how & 64) expect_error(wsm_log_snapshot(hub, 1, bytes.ptr, bytes.len));
        break;
    default: expect_error(wsm_log_deliver(hub, NULL, 1)); break;
    }
}

static void conn_call(world *w) {
    static const uint16_t codes[] = {1000, 1005, 4999, 0, 1011};
    wsm_conn *conn = some_conn(w);
    unsigned how = fuzz_u8(&w->in);
    wsm_slice bytes = some_bytes(w);
    wsm_claims claims = some_claims(w);
    switch (how % 8) {
    case 0:
    case 1:
    case 2: {
        char *copy = fuzz_copy(bytes.ptr, bytes.len);
        expect_error(wsm_conn_recv(conn, how & 16 && bytes.len == 0 ? NULL : copy, bytes.len));
        free(copy);
        break;
    }
    case 3: wsm_conn_eof(conn); break;
    case 4: expect_error(wsm_conn_close(conn, codes[how / 8 % 5], how & 128 ? "why" : NULL)); break;
    case 5:
        expect_error(wsm_conn_send(conn, (wsm_data)(how / 8 % 4), bytes.ptr, bytes.len, (wsm_priority)(how / 32)));
        break;
    case 6:
        expect_error(wsm_conn_authorize(conn, how & 8 ? 0 : how & 16 ? WSM_ERR_TOKEN : 5, how & 32 ? &claims : NULL));
        break;
    default: expect_error(wsm_conn_recv(conn, NULL, 1)); break;
    }
}

static void new_client(world *w, client_slot *s, unsigned how) {
    wsm_client_config config;
    wsm_client_host host;
    if (s->client) return;
    wsm_client_config_init(&config, sizeof config);
    wsm_client_host_init(&host, sizeof host);
    config.host = how & 16 ? "h" : NULL;
    config.plain = (how & 32) != 0;
    config.path = how & 64 ? "/a b" : "/ws";
    host.clock_mono = clock_mono;
    host.clock_wall = clock_wall;
    host.random = fill_random;
    host.alloc = world_alloc;
    host.bytes_waiting = host.close_transport = host.on_open = client_bytes;
    host.on_message = client_message;
    host.on_data = client_data;
    host.on_close = client_close;
    host.on_refused = client_refused;
    expect_error(wsm_client_new(&s->client, &config, &host, w));
}

/* The last call of each case may free the client, in a callback. */
static void call_client(world *w, wsm_client *client, unsigned how, wsm_slice bytes) {
    wsm_vec vec[2];
    char epoch[17];
    switch (how % 9) {
    case 1:
    case 2: {
        char *copy = fuzz_copy(bytes.ptr, bytes.len);
        expect_error(wsm_client_recv(client, copy, bytes.len));
        free(copy);
        break;
    }
    case 3:
        wsm_client_pending(client, vec, how / 16 % 3);
        wsm_client_queued(client);
        wsm_client_sent(client, bytes.len * 10);
        break;
    case 4: wsm_client_closed(client); break;
    case 5:
        w->mono += (uint64_t)bytes.len * 50;
        wsm_client_next(client);
        wsm_client_tick(client);
        break;
    case 6: expect_error(wsm_client_send(client, (wsm_data)(how / 16 % 4), bytes.ptr, bytes.len)); break;
    case 7: expect_error(wsm_client_close(client, how & 16 ? 1000 : 1, how & 32 ? "why" : NULL)); break;
    default:
        if (client) wsm_client_position(client, epoch), wsm_client_has_seen(client, 3);
        break;
    }
}

static void free_client(client_slot *s) {
    if (!s->client || s->is_freed) return;
    s->is_freed = true;
    wsm_client_free(s->client);
}

static void client_call(world *w) {
    client_slot *one = &w->clients[fuzz_below(&w->in, CLIENTS_MAX)];
    client_slot *other = &w->clients[fuzz_below(&w->in, CLIENTS_MAX)];
    unsigned how = fuzz_u8(&w->in);
    wsm_slice bytes = some_bytes(w);
    if (how % 9 == 0) {
        new_client(w, one, how);
        return;
    }
    wsm_client *client = is_there(other) ? other->client : NULL;
    other->calls++;
    call_client(w, client, how, bytes);
    other->calls--;
    if (how % 9 == 8 && (how & 16)) free_client(one);
}

/* Shells have gone when the outermost call has returned. */
static void forget_shells(world *w) {
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (w->slots[i].is_gone) w->slots[i] = (slot){.conn = NULL};
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (w->clients[i].is_freed) w->clients[i] = (client_slot){.client = NULL};
}

static void step(world *w) {
    if (w->in.left == 0 || ++w->steps > STEPS_MAX || (w->is_freed && w->depth == 0)) return;
    switch (fuzz_below(&w->in, 10)) {
    case 0: open_conn(w); break;
    case 1: close_conn(w); break;
    case 2:
    case 3: write_out(w); break;
    case 4: use_request(w); break;
    case 5: hub_call(w); break;
    case 6: log_call(w); break;
    case 7:
    case 8: conn_call(w); break;
    default: client_call(w); break;
    }
    if (w->depth == 0) forget_shells(w);
}

static bool start(world *w, unsigned mode) {
    wsm_host host;
    wsm_config config;
    wsm_config_init(&config, sizeof config);
    wsm_host_init(&host, sizeof host);
    config.hello_auth = mode & 1;
    config.queue_messages_agent = mode & 2 ? 2 : 200;
    config.memory_budget_bytes = mode & 4 ? 40000 : 256u << 20;
    config.history_records_max = mode & 8 ? 1 : 1000;
    config.snapshot_records = mode & 8 ? 1 : 10000;
    host.clock_mono = clock_mono;
    host.clock_wall = clock_wall;
    host.random = fill_random;
    host.alloc = world_alloc;
    host.bytes_waiting = bytes_waiting;
    host.close_transport = close_transport;
    host.on_conn_state = on_conn_state;
    host.on_data = on_data;
    host.on_drained = on_drained;
    host.on_audit = host.on_security = on_event;
    host.on_result = on_result;
    host.on_applied = on_applied;
    host.on_page = on_page;
    host.on_drop = on_drop;
    host.on_ready = on_ready;
    host.on_request = on_request;
    host.on_request_end = on_request_end;
    host.token_check = mode & 16 ? token_check : NULL;
    host.message_veto = mode & 32 ? message_veto : NULL;
    wsm_log_init(&w->log, sizeof w->log);
    w->log.user = w;
    w->log.open = log_open;
    w->log.append = log_append;
    w->log.read = log_read;
    w->log.save = log_save;
    w->log.close = log_close;
    w->log_is_slow = (mode & 128) != 0;
    w->depth = DEPTH_MAX; /* no operations before there is a hub */
    int err = wsm_hub_new(&w->hub, &config, &host, mode & 64 ? &w->log : NULL, w);
    w->depth = 0;
    if (err) FUZZ_EXPECT(!w->hub && (fuzz_mem_is_short(&w->mem) || config.memory_budget_bytes < 1000000));
    return err == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    world w = {.mono = 1000, .random = 3, .in = {data, size}};
    fuzz_mem_begin(&w.mem);
    bool started = start(&w, fuzz_u8(&w.in));
    while (started && w.in.left > 0 && w.steps <= STEPS_MAX && !w.is_freed) step(&w);
    w.depth = DEPTH_MAX; /* and none at the end */
    w.in.left = 0;
    for (size_t i = 0; i < CLIENTS_MAX; i++) wsm_client_free(w.clients[i].client);
    if (started && !w.is_freed) wsm_hub_free(w.hub);
    fuzz_mem_end(&w.mem);
    return 0;
}
