/* See box.h. */
#include "box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char secret[] = "a secret of more than thirty-two bytes";

static uint64_t clock_mono(void *user) {
    return ((box *)user)->mono;
}

static int64_t clock_wall(void *user) {
    return ((box *)user)->wall;
}

static int fill_random(void *user, void *bytes, size_t len) {
    box *b = user;
    for (size_t i = 0; i < len; i++) ((unsigned char *)bytes)[i] = (unsigned char)fuzz_next(&b->random);
    return 0;
}

static void *box_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    return test_alloc(&((box *)user)->mem, ptr, old_size, new_size);
}

static void note_peak(box *b) {
    size_t now = b->mem.live;
    if (now > b->live && now - b->live > b->peak) b->peak = now - b->live;
}

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user;
}

/* Writes what waits, at least as far as byte `to`; and not further, if there is a cut. */
static void drain(box *b, wsm_conn *conn, size_t to) {
    wsm_vec vec[4];
    size_t count;
    while (b->out.len < to && (count = wsm_conn_pending(conn, vec, 4)) > 0) {
        size_t room = b->sent_max ? b->sent_max : SIZE_MAX, sent = 0, to_cut = fuzz_piece(&b->out_cuts, b->out.len);
        if (room > to_cut) room = to_cut;
        for (size_t i = 0; i < count && room > 0; i++) {
            size_t part = vec[i].len < room ? vec[i].len : room;
            fuzz_put(&b->out, vec[i].base, part);
            sent += part;
            room -= part;
        }
        wsm_conn_sent(conn, sent);
        if (!b->conn) return; /* it was the last */
    }
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    box *b = user;
    (void)conn_user;
    fuzz_print(&b->told, "cut\n");
    b->gone = true;
    if (b->conn) drain(b, conn, SIZE_MAX);
    b->conn = NULL;
    wsm_conn_closed(conn);
}

static void on_state(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state state, uint16_t code) {
    box *b = user;
    (void)conn, (void)conn_user;
    b->code = code;
    fuzz_print(&b->told, "state %d %u\n", (int)state, code);
}

static void on_data(void *user, wsm_conn *conn, void *conn_user, wsm_data type, const void *bytes, size_t len) {
    box *b = user;
    (void)conn_user;
    fuzz_print(&b->told, "data %d %zu %016llx\n", (int)type, len, (unsigned long long)fuzz_hash(bytes, len));
    FUZZ_EXPECT(wsm_conn_recv(conn, "x", 1) == WSM_ERR_REENTRANT);
}

static void note_event(box *b, const char *kind, const wsm_event *event) {
    fuzz_print(&b->told, "%s %s %d %.*s\n", kind, event->name, event->err, (int)event->detail.len,
               event->detail.ptr ? event->detail.ptr : "");
}

static void on_audit(void *user, const wsm_event *event) {
    note_event(user, "audit", event);
}

static void on_security(void *user, const wsm_event *event) {
    note_event(user, "security", event);
}

static void on_log(void *user, wsm_level level, const char *line) {
    box *b = user;
    size_t len = strlen(line);
    FUZZ_EXPECT(len < 1024);
    for (size_t i = 0; i < len; i++) FUZZ_EXPECT((unsigned char)line[i] >= 0x20 && (unsigned char)line[i] < 0x7f);
    fuzz_print(&b->told, "log %d %s\n", (int)level, line);
}

static void on_applied(void *user, const wsm_applied *applied) {
    box *b = user;
    fuzz_print(&b->told, "applied %llu %016llx\n", (unsigned long long)applied->offset,
               (unsigned long long)fuzz_hash(applied->json.ptr, applied->json.len));
}

/* A path that is a number asks for that status. */
static int status_of(wsm_slice path) {
    int status = 0;
    for (size_t i = 1; i < path.len && i <= 3; i++)
        status = status * 10 + (path.ptr[i] >= '0' && path.ptr[i] <= '9' ? path.ptr[i] - '0' : 9);
    return path.len == 4 && status >= 200 && status <= 599 ? status : 200;
}

static void on_request(void *user, wsm_request *request) {
    box *b = user;
    wsm_slice path = wsm_request_path(request), body = wsm_request_body(request);
    fuzz_print(&b->told, "request %.*s %zu %016llx\n", (int)path.len, path.ptr, body.len,
               (unsigned long long)fuzz_hash(body.ptr, body.len));
    b->request = request;
    if (b->answers == BOX_ANSWER_NOW) wsm_request_respond(request, status_of(path), "X-Box: 1\r\n", "{}", 2);
}

static void on_request_end(void *user, wsm_request *request) {
    box *b = user;
    FUZZ_EXPECT(b->request == request);
    fuzz_print(&b->told, "request ends\n");
    b->request = NULL;
}

static int token_check(void *user, wsm_conn *conn, wsm_slice token, wsm_claims *claims) {
    box *b = user;
    (void)conn;
    if (b->defers_tokens) return WSM_ERR_PENDING;
    return wsm_hub_token_check(b->hub, token.ptr, token.len, claims);
}

void box_init(box *b) {
    *b = (box){.mono = 1000, .wall = 1767323045678, .random = 7};
    fuzz_mem_begin(&b->mem);
    wsm_config_init(&b->config, sizeof b->config);
    wsm_host_init(&b->host, sizeof b->host);
    b->host.clock_mono = clock_mono;
    b->host.clock_wall = clock_wall;
    b->host.random = fill_random;
    b->host.alloc = box_alloc;
    b->host.bytes_waiting = bytes_waiting;
    b->host.close_transport = close_transport;
    b->host.on_conn_state = on_state;
    b->host.on_data = on_data;
    b->host.on_audit = on_audit;
    b->host.on_security = on_security;
    b->host.on_log = on_log;
    b->host.on_applied = on_applied;
    b->host.on_request = on_request;
    b->host.on_request_end = on_request_end;
    b->host.token_check = token_check;
}

static wsm_key the_key(void) {
    wsm_key key;
    wsm_key_init(&key, sizeof key);
    key.secret = secret;
    key.secret_len = sizeof secret - 1;
    return key;
}

const char *box_token(void) {
    static char token[4096];
    if (token[0]) return token;
    wsm_claims claims;
    wsm_key key = the_key();
    size_t len;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){BOX_AGENT, strlen(BOX_AGENT)};
    claims.iat = 1767323000;
    claims.exp = claims.iat + 3600;
    claims.permission = WSM_PERMISSION_ACTIVE;
    FUZZ_EXPECT(wsm_token_mint(&claims, &key, token, sizeof token, &len) == 0);
    return token;
}

bool box_start(box *b) {
    wsm_key key = the_key();
    int err = wsm_hub_new(&b->hub, &b->config, &b->host, NULL, b);
    if (!err) err = wsm_hub_key_add(b->hub, &key);
    FUZZ_EXPECT(err == 0 || fuzz_mem_is_short(&b->mem));
    return err == 0;
}

bool box_open(box *b, wsm_peer_kind kind, bool plain) {
    wsm_peer peer;
    wsm_peer_init(&peer, sizeof peer);
    peer.kind = kind;
    peer.plain = plain;
    peer.address = "192.0.2.1";
    if (kind != WSM_PEER_RAW && !plain) peer.token = (wsm_slice){box_token(), strlen(box_token())};
    b->live = b->mem.live;
    int err = wsm_conn_new(&b->conn, b->hub, &peer, NULL);
    FUZZ_EXPECT(err == 0 || fuzz_mem_is_short(&b->mem));
    if (b->gone) b->conn = NULL;
    note_peak(b);
    return err == 0;
}

void box_recv(box *b, const void *bytes, size_t len) {
    if (!b->conn) return;
    char *copy = fuzz_copy(bytes, len);
    b->last_err = wsm_conn_recv(b->conn, copy, len);
    free(copy);
    note_peak(b);
}

void box_drain(box *b) {
    if (b->conn) drain(b, b->conn, SIZE_MAX);
}

size_t box_write(box *b, size_t to) {
    fuzz_cut(&b->out_cuts, to);
    if (b->conn) drain(b, b->conn, to);
    return b->out.len;
}

void box_run(box *b, uint64_t ms) {
    uint64_t end = b->mono + ms;
    for (int turns = 0; b->mono < end; turns++) {
        int64_t next = wsm_hub_tick(b->hub);
        FUZZ_EXPECT(turns < 10000); /* a timer that spins (I-80) */
        uint64_t step = next < 0 ? ms : next == 0 ? 1 : (uint64_t)next;
        if (step > end - b->mono) step = end - b->mono;
        b->mono += step;
        b->wall += (int64_t)step;
    }
    wsm_hub_tick(b->hub);
}

/* Memory in use is no matter of behaviour: a buffer that grew in steps is larger than one that grew at once. */
static void note_number(void *user, const wsm_metric *metric) {
    fuzz_text *numbers = &((box *)user)->numbers;
    if (strcmp(metric->name, "wsm_memory_bytes") == 0) return;
    fuzz_put(numbers, metric->name, strlen(metric->name) + 1);
    if (metric->labels) fuzz_put(numbers, metric->labels, strlen(metric->labels));
    fuzz_put(numbers, "\n", 1);
    fuzz_put(numbers, &metric->value, sizeof metric->value);
}

void box_count(box *b) {
    if (b->hub) wsm_hub_metrics(b->hub, note_number, b);
}

void box_leave(box *b) {
    wsm_hub_free(b->hub);
    b->hub = NULL;
    b->conn = NULL;
    fuzz_mem_end(&b->mem);
}

void box_end(box *b) {
    box_count(b);
    box_leave(b);
}

void box_free(box *b) {
    fuzz_text_free(&b->out);
    fuzz_text_free(&b->told);
    fuzz_text_free(&b->numbers);
}

void box_tell(const box *b, fuzz_text *seen) {
    fuzz_put(seen, b->out.ptr ? b->out.ptr : "", b->out.len);
    fuzz_put(seen, b->told.ptr ? b->told.ptr : "", b->told.len);
    fuzz_put(seen, b->numbers.ptr ? b->numbers.ptr : "", b->numbers.len);
    fuzz_print(seen, "%d %u\n", b->gone, b->code);
}

static void expect_same(const char *what, const fuzz_text *a, const fuzz_text *b) {
    if (fuzz_same(a, b)) return;
    fprintf(stderr, "not the same: %s\n", what);
    fuzz_show("one", a->ptr, a->len);
    fuzz_show("other", b->ptr, b->len);
    FUZZ_FAIL("the same for every cut");
}

void box_expect_same(const box *a, const box *b) {
    expect_same("what went to the peer", &a->out, &b->out);
    expect_same("what the host was told", &a->told, &b->told);
    expect_same("the hub's numbers", &a->numbers, &b->numbers);
    FUZZ_EXPECT(a->gone == b->gone && a->code == b->code);
}
