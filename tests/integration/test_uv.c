/* libwsm-uv over real sockets: a hub and its clients on one loop, and raw sockets for what a good client never does.
 * Each test ends with an empty loop and with nothing left of what the library allocated. */
#define _GNU_SOURCE /* sockets, mkdtemp, memmem */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "wsm/uv.h"

#define PATIENCE_MS 20000
#define MANY        200
#define SECRET      "an integration test's secret of at least 32 bytes"

typedef struct world {
    wsm_uv *uv; /* first, as wsm_uv_new wants it */
    uv_loop_t loop;
    wsm_hub *hub;
    wsm_config config;
    wsm_host host;
    wsm_uv_listener at;
    atomic_size_t live; /* bytes that the hub holds */
    int opened, closed; /* connections */
    size_t push;        /* bytes to send to whoever sends something; 0: echo */
    int close_in_data;
    int uv_done;
} world;

typedef struct peer {
    wsm_uv_client *uv; /* first, as wsm_uv_connect wants it */
    size_t live;
    size_t want, got; /* bytes of messages */
    int messages, opened, closed, refused, intact;
    uint16_t code;
    char last[512];
    char error[384];
    int close_in_data, free_in_data, free_in_close;
    int done;
} peer;

/* ---- the server
 * ------------------------------------------------------------------------------------------------------- */

static void *counted(void *user, void *ptr, size_t old_size, size_t new_size) {
    world *w = user;
    void *out = NULL;
    if (new_size == 0)
        free(ptr);
    else if (!(out = realloc(ptr, new_size)))
        return NULL;
    atomic_fetch_add(&w->live, new_size);
    atomic_fetch_sub(&w->live, old_size);
    return out;
}

static void uv_done(void *user) {
    world *w = user;
    w->uv_done++;
}

static void server_data(void *user, wsm_conn *conn, void *conn_user, wsm_data type, const void *bytes, size_t len) {
    world *w = user;
    (void)conn_user;
    if (w->close_in_data) {
        wsm_uv_close(w->uv, uv_done, w);
        return;
    }
    if (w->push == 0) {
        assert_int_equal(wsm_conn_send(conn, type, bytes, len, WSM_PRIORITY_DEFAULT), 0);
        return;
    }
    void *much = calloc(1, w->push);
    assert_int_equal(wsm_conn_send(conn, WSM_DATA_BINARY, much, w->push, WSM_PRIORITY_DEFAULT), 0);
    free(much);
}

static void server_state(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state state, uint16_t code) {
    world *w = user;
    (void)conn, (void)conn_user, (void)code;
    w->opened += state == WSM_CONN_OPEN;
    w->closed += state == WSM_CONN_CLOSED;
}

static void world_init(world *w) {
    memset(w, 0, sizeof *w);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    wsm_config_init(&w->config, sizeof w->config);
    w->config.message_bytes_max = 16u << 20;
    w->config.queue_bytes_max = 64u << 20;
    w->config.connections_per_address = w->config.preauth_per_address = 0;
    w->config.memory_budget_bytes = (uint64_t)1 << 30;
    wsm_host_init(&w->host, sizeof w->host);
    w->host.alloc = counted;
    w->host.on_data = server_data;
    w->host.on_conn_state = server_state;
    wsm_uv_listener_init(&w->at, sizeof w->at);
    w->at.plain = 1;
}

static void world_open(world *w) {
    char why[256] = "";
    assert_int_equal(wsm_uv_new(&w->uv, &w->loop, &w->host), 0);
    assert_int_equal(wsm_hub_new(&w->hub, &w->config, &w->host, NULL, w), 0);
    assert_int_equal(wsm_uv_attach(w->uv, w->hub), 0);
    int err = wsm_uv_listen(w->uv, &w->at, why, sizeof why);
    if (err) fail_msg("%s: %s", wsm_strerror(err), why);
    assert_int_not_equal(wsm_uv_port(w->uv), 0);
}

/* ---- running
 * ---------------------------------------------------------------------------------------------------------- */

static void on_impatient(uv_timer_t *timer) {
    *(int *)timer->data = 1;
}

static void on_timer_closed(uv_handle_t *handle) {
    handle->data = NULL;
}

/* Run until *flag is at least `least`, or for `ms`. Returns whether it is. */
static int run_until(world *w, const int *flag, int least, uint64_t ms) {
    uv_timer_t timer;
    int late = 0;
    uv_timer_init(&w->loop, &timer);
    timer.data = &late;
    uv_timer_start(&timer, on_impatient, ms, 0);
    while (!late && *flag < least) uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, on_timer_closed);
    while (timer.data) uv_run(&w->loop, UV_RUN_NOWAIT);
    return *flag >= least;
}

static void run_for(world *w, uint64_t ms) {
    static const int never;
    run_until(w, &never, 1, ms);
}

static void world_close(world *w) {
    if (!w->close_in_data) wsm_uv_close(w->uv, uv_done, w);
    wsm_hub_free(w->hub);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->uv_done, 1);
    assert_true(w->closed >= w->opened); /* one that never opened is told of too */
    assert_int_equal(atomic_load(&w->live), 0);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

/* ---- clients
 * ---------------------------------------------------------------------------------------------------------- */

static void *peer_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    peer *p = user;
    void *out = NULL;
    if (new_size == 0)
        free(ptr);
    else if (!(out = realloc(ptr, new_size)))
        return NULL;
    p->live += new_size;
    p->live -= old_size;
    return out;
}

static void peer_done(void *user) {
    peer *p = user;
    p->done++;
}

static void peer_free(peer *p) {
    wsm_uv_client_close(p->uv, peer_done, p);
    p->uv = NULL;
}

static void peer_open(void *user, wsm_client *client) {
    peer *p = user;
    p->opened++;
    if (p->want == 0) return;
    unsigned char *bytes = malloc(p->want);
    for (size_t i = 0; i < p->want; i++) bytes[i] = (unsigned char)(i * 31 + (i >> 8));
    assert_int_equal(wsm_client_send(client, WSM_DATA_BINARY, bytes, p->want), 0);
    free(bytes);
}

static void peer_data(void *user, wsm_client *client, wsm_data type, const void *bytes, size_t len) {
    peer *p = user;
    const unsigned char *b = bytes;
    (void)type;
    p->messages++;
    p->got += len;
    p->intact = 1;
    for (size_t i = 0; i < len; i++) p->intact &= b[i] == (unsigned char)(i * 31 + (i >> 8));
    if (p->close_in_data) wsm_client_close(client, 1000, NULL);
    if (p->free_in_data) peer_free(p);
}

static void peer_message(void *user, wsm_client *client, const wsm_client_message *message) {
    peer *p = user;
    (void)client;
    p->messages++;
    snprintf(p->last, sizeof p->last, "%.*s", (int)message->json.len, message->json.ptr);
}

static void peer_refused(void *user, wsm_client *client, int status, wsm_slice body) {
    peer *p = user;
    (void)client, (void)body;
    p->refused = status;
}

static void peer_close(void *user, wsm_client *client, uint16_t code, wsm_slice reason) {
    peer *p = user;
    (void)client, (void)reason;
    p->closed++;
    p->code = code;
    snprintf(p->error, sizeof p->error, "%s", wsm_uv_client_error(p->uv));
    if (p->free_in_close) peer_free(p);
}

static int peer_try(world *w, peer *p, const char *url, const char *ca, wsm_client_config *config) {
    wsm_client_config plain;
    wsm_client_host host;
    wsm_client_config_init(&plain, sizeof plain);
    plain.plain = 1;
    plain.queue_bytes_max = 32u << 20;
    wsm_client_host_init(&host, sizeof host);
    host.alloc = peer_alloc;
    host.on_open = peer_open;
    host.on_data = peer_data;
    host.on_message = peer_message;
    host.on_refused = peer_refused;
    host.on_close = peer_close;
    return wsm_uv_connect(&p->uv, &w->loop, url, ca, config ? config : &plain, &host, p);
}

static void peer_connect(world *w, peer *p, const char *host, const char *ca) {
    char url[64];
    snprintf(url, sizeof url, "%s://%s:%u/", ca ? "wss" : "ws", host, wsm_uv_port(w->uv));
    assert_int_equal(peer_try(w, p, url, ca, NULL), 0);
}

static void peer_fini(world *w, peer *p) {
    if (p->uv) peer_free(p);
    assert_true(run_until(w, &p->done, 1, PATIENCE_MS));
    assert_int_equal(p->done, 1);
    assert_int_equal(p->live, 0);
}

/* ---- raw sockets
 * ------------------------------------------------------------------------------------------------------ */

static int raw_connect(const world *w, int receive_buffer) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(wsm_uv_port(w->uv))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    if (receive_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void raw_send(int fd, const void *bytes, size_t len) {
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void raw_upgrade(int fd) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    raw_send(fd, request, sizeof request - 1);
}

/* Everything up to the end, or what there is after `ms`. Returns the bytes; *over tells whether the end came. */
static size_t raw_read(world *w, int fd, char *out, size_t cap, int *over) {
    size_t len = 0;
    *over = 0;
    for (int i = 0; i < PATIENCE_MS / 10 && !*over && len < cap; i++) {
        ssize_t n = recv(fd, out + len, cap - len, MSG_DONTWAIT);
        if (n == 0) *over = 1;
        if (n < 0 && errno != EAGAIN) *over = -1;
        if (n > 0) len += (size_t)n;
        if (n < 0) run_for(w, 10);
    }
    return len;
}

static const unsigned char hello_frame[] = {0x81, 0x85, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};

/* ---- echo
 * ------------------------------------------------------------------------------------------------------------- */

static void echo_of(size_t len) {
    world w;
    peer p = {.want = len, .close_in_data = 1};
    world_init(&w);
    world_open(&w);
    peer_connect(&w, &p, "127.0.0.1", NULL);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.got, len);
    assert_true(p.intact);
    assert_int_equal(p.code, 1000);
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    peer_fini(&w, &p);
    world_close(&w);
}

static void one_byte_comes_back(void **state) {
    (void)state;
    echo_of(1);
}

static void a_message_of_64_kib_comes_back(void **state) {
    (void)state;
    echo_of(64u << 10);
}

static void a_message_of_16_mib_comes_back(void **state) {
    (void)state;
    echo_of(16u << 20);
}

static void many_connections_share_a_loop(void **state) {
    (void)state;
    world w;
    peer *p = calloc(MANY, sizeof *p);
    world_init(&w);
    w.at.accepts_per_turn = 7; /* not a divisor: the last turn takes fewer */
    world_open(&w);
    for (int i = 0; i < MANY; i++) {
        p[i].want = 1000 + (size_t)i;
        p[i].close_in_data = 1;
        peer_connect(&w, &p[i], "localhost", NULL);
    }
    assert_true(run_until(&w, &w.closed, MANY, PATIENCE_MS));
    for (int i = 0; i < MANY; i++) {
        assert_true(run_until(&w, &p[i].closed, 1, PATIENCE_MS));
        assert_int_equal(p[i].got, p[i].want);
        peer_fini(&w, &p[i]);
    }
    assert_int_equal(w.opened, MANY);
    free(p);
    world_close(&w);
}

/* ---- ends
 * ------------------------------------------------------------------------------------------------------------- */

static void a_half_closed_peer_still_gets_its_answer(void **state) {
    (void)state;
    world w;
    char got[4096];
    int over;
    world_init(&w);
    world_open(&w);
    int fd = raw_connect(&w, 0);
    raw_upgrade(fd);
    raw_send(fd, hello_frame, sizeof hello_frame);
    shutdown(fd, SHUT_WR);
    size_t len = raw_read(&w, fd, got, sizeof got, &over);
    assert_int_equal(over, 1);
    assert_true(len > 7);
    assert_non_null(memmem(got, len, "\x81\x05hello", 7));
    close(fd);
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    world_close(&w);
}

/* The rest of the request is still on its way, unread: a plain close would answer it with a reset. */
static void a_refusal_arrives_though_more_input_follows(void **state) {
    (void)state;
    world w;
    char got[4096], junk[100000];
    int over;
    world_init(&w);
    world_open(&w);
    int fd = raw_connect(&w, 0);
    memset(junk, 'x', sizeof junk);
    raw_send(fd, "BREW / HTTP/9.9\r\n\r\n", 19);
    raw_send(fd, junk, sizeof junk);
    size_t len = raw_read(&w, fd, got, sizeof got, &over);
    assert_int_equal(over, 1);
    assert_true(len > 12);
    assert_memory_equal(got, "HTTP/1.1 ", 9);
    close(fd);
    world_close(&w);
}

static void a_peer_that_vanishes_under_a_long_write_is_closed_once(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.push = 8u << 20;
    world_open(&w);
    int fd = raw_connect(&w, 4096);
    raw_upgrade(fd);
    raw_send(fd, hello_frame, sizeof hello_frame);
    assert_true(run_until(&w, &w.opened, 1, PATIENCE_MS));
    run_for(&w, 100);
    close(fd); /* with unread input: a reset */
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    run_for(&w, 50);
    assert_int_equal(w.closed, 1);
    world_close(&w);
}

static void a_peer_that_does_not_read_is_cut_in_time(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.push = 8u << 20;
    w.config.stall_timeout_ms = 200;
    world_open(&w);
    int fd = raw_connect(&w, 4096);
    raw_upgrade(fd);
    raw_send(fd, hello_frame, sizeof hello_frame);
    assert_true(run_until(&w, &w.opened, 1, PATIENCE_MS));
    assert_true(run_until(&w, &w.closed, 1, 8000));
    close(fd);
    world_close(&w);
}

/* As above, but the peer starts to read when the hub has given it up: what libuv still writes must be there. */
static void a_peer_that_reads_too_late_breaks_nothing(void **state) {
    (void)state;
    world w;
    static char sink[1 << 20];
    world_init(&w);
    w.push = 8u << 20;
    w.config.stall_timeout_ms = 200;
    world_open(&w);
    int fd = raw_connect(&w, 65536);
    raw_upgrade(fd);
    raw_send(fd, hello_frame, sizeof hello_frame);
    assert_true(run_until(&w, &w.opened, 1, PATIENCE_MS));
    run_for(&w, 400);
    for (int i = 0; i < 5000 && w.closed == 0; i++) {
        while (recv(fd, sink, sizeof sink, MSG_DONTWAIT) > 0) {
        }
        run_for(&w, 1);
    }
    assert_int_equal(w.closed, 1);
    close(fd);
    world_close(&w);
}

static void closing_in_a_callback_of_the_hub_is_legal(void **state) {
    (void)state;
    world w;
    peer p = {.want = 10};
    world_init(&w);
    w.close_in_data = 1;
    world_open(&w);
    peer_connect(&w, &p, "127.0.0.1", NULL);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.code, 1006);
    peer_fini(&w, &p);
    world_close(&w);
}

static void freeing_a_client_in_its_callbacks_is_legal(void **state) {
    (void)state;
    world w;
    peer in_data = {.want = 10, .free_in_data = 1}, in_close = {.want = 10, .close_in_data = 1, .free_in_close = 1};
    world_init(&w);
    world_open(&w);
    peer_connect(&w, &in_data, "127.0.0.1", NULL);
    peer_connect(&w, &in_close, "127.0.0.1", NULL);
    assert_true(run_until(&w, &w.closed, 2, PATIENCE_MS));
    assert_int_equal(in_data.messages, 1);
    assert_int_equal(in_data.closed, 0);
    assert_int_equal(in_close.closed, 1);
    peer_fini(&w, &in_data);
    peer_fini(&w, &in_close);
    world_close(&w);
}

static void a_client_can_be_freed_before_it_is_connected(void **state) {
    (void)state;
    world w;
    peer p = {0};
    world_init(&w);
    world_open(&w);
    peer_connect(&w, &p, "localhost", NULL);
    peer_fini(&w, &p);
    assert_int_equal(p.closed, 0);
    world_close(&w);
}

/* ---- what cannot be
 * ----------------------------------------------------------------------------------------------------- */

static void a_port_where_nobody_listens_ends_with_1006_and_a_sentence(void **state) {
    (void)state;
    world w;
    peer p = {0};
    world_init(&w);
    world_open(&w);
    assert_int_equal(peer_try(&w, &p, "ws://127.0.0.1:1/", NULL, NULL), 0);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.code, 1006);
    assert_int_equal(p.opened, 0);
    assert_non_null(strstr(p.error, "refused"));
    peer_fini(&w, &p);
    world_close(&w);
}

static void a_server_that_never_answers_is_given_up(void **state) {
    (void)state;
    world w;
    peer p = {0};
    wsm_client_config config;
    char url[64];
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 5), 0);
    getsockname(fd, (struct sockaddr *)&at, &len);
    world_init(&w);
    world_open(&w);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", ntohs(at.sin_port));
    wsm_client_config_init(&config, sizeof config);
    config.plain = 1;
    config.handshake_timeout_ms = 100;
    assert_int_equal(peer_try(&w, &p, url, NULL, &config), 0);
    assert_true(run_until(&w, &p.closed, 1, 5000));
    assert_int_equal(p.code, 1006);
    peer_fini(&w, &p);
    close(fd);
    world_close(&w);
}

static void urls_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const urls[] = {"",
                                       "http://127.0.0.1/",
                                       "ws:/127.0.0.1",
                                       "ws://",
                                       "ws:///path",
                                       "ws://user@127.0.0.1/",
                                       "ws://127.0.0.1:0/",
                                       "ws://127.0.0.1:65536/",
                                       "ws://127.0.0.1:80x/",
                                       "ws://127.0.0.1:/",
                                       "ws://[::1/",
                                       "ws://[::1]x/",
                                       "ws://[zz]/",
                                       "ws://127.0.0.1/a b",
                                       "ws://127.0.0.1/a#b",
                                       "ws://127.0.0.1/a\r\nX: y",
                                       "ws://a\r\nb/",
                                       "wss://localhost/"}; /* without tls_ca */
    world w;
    world_init(&w);
    world_open(&w);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        peer p = {0};
        assert_int_equal(peer_try(&w, &p, urls[i], NULL, NULL), WSM_ERR_INVALID);
        assert_null(p.uv);
        assert_int_equal(p.live, 0);
    }
    world_close(&w);
}

static void a_place_that_cannot_be_listened_at_is_told_with_a_sentence(void **state) {
    (void)state;
    world w;
    char why[256];
    world_init(&w);
    world_open(&w);
    uint16_t port = wsm_uv_port(w.uv);
    w.at.port = port;
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_STATE);
    assert_non_null(strstr(why, "in use"));
    assert_int_equal(wsm_uv_port(w.uv), port);
    w.at.address = "localhost";
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_INVALID);
    assert_non_null(strstr(why, "numeric"));
    w.at.address = "127.0.0.1";
    w.at.tls_cert = w.at.tls_key = "/nowhere/at/all.pem";
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_INVALID);
    assert_non_null(strstr(why, "/nowhere/at/all.pem"));
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, NULL, 0), WSM_ERR_INVALID);
    world_close(&w);
}

static void a_larger_listener_struct_is_taken_if_its_surplus_is_zero(void **state) {
    (void)state;
    struct {
        wsm_uv_listener known;
        uint64_t surplus;
    } later;
    world w;
    world_init(&w);
    world_open(&w);
    memset(&later, 0, sizeof later);
    wsm_uv_listener_init(&later.known, sizeof later);
    assert_int_equal(wsm_uv_listen(w.uv, &later.known, NULL, 0), 0);
    later.surplus = 1;
    assert_int_equal(wsm_uv_listen(w.uv, &later.known, NULL, 0), WSM_ERR_VERSION);
    world_close(&w);
}

/* ---- a hub
 * ------------------------------------------------------------------------------------------------------------ */

static void *broadcaster(void *arg) {
    world *w = arg;
    wsm_update update;
    wsm_update_init(&update, sizeof update);
    update.exchange = (wsm_slice){"{\"text\":\"from a thread\"}", 24};
    usleep(100000); /* the loop sleeps by now */
    return (void *)(intptr_t)wsm_broadcast(w->hub, &update, 1);
}

static void mint(const world *w, char *out, size_t cap) {
    wsm_claims claims;
    wsm_key key;
    size_t len;
    wsm_key_init(&key, sizeof key);
    key.secret = SECRET;
    key.secret_len = sizeof SECRET - 1;
    assert_int_equal(wsm_hub_key_add(w->hub, &key), 0);
    uv_timeval64_t now;
    uv_gettimeofday(&now);
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){"ada", 3};
    claims.iat = now.tv_sec;
    claims.exp = now.tv_sec + 600;
    claims.permission = WSM_PERMISSION_ACTIVE;
    assert_int_equal(wsm_token_mint(&claims, &key, out, cap, &len), 0);
}

static void a_broadcast_of_another_thread_reaches_a_sleeping_client(void **state) {
    (void)state;
    world w;
    peer p = {0};
    wsm_client_config config;
    char token[4097], url[64];
    pthread_t thread;
    void *result = NULL;
    world_init(&w);
    w.at.plain = 0;
    world_open(&w);
    mint(&w, token, sizeof token);
    wsm_client_config_init(&config, sizeof config);
    config.token = token;
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws", wsm_uv_port(w.uv));
    assert_int_equal(peer_try(&w, &p, url, NULL, &config), 0);
    assert_true(run_until(&w, &p.opened, 1, PATIENCE_MS));
    assert_int_equal(pthread_create(&thread, NULL, broadcaster, &w), 0);
    for (int i = 0; i < 100 && !strstr(p.last, "from a thread"); i++) {
        int before = p.messages;
        run_until(&w, &p.messages, before + 1, 500);
    }
    pthread_join(thread, &result);
    assert_null(result);
    assert_non_null(strstr(p.last, "from a thread"));
    peer_fini(&w, &p);
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    world_close(&w);
}

static void a_client_without_a_token_is_refused_with_401(void **state) {
    (void)state;
    world w;
    peer p = {0};
    wsm_client_config config;
    char url[64];
    world_init(&w);
    w.at.plain = 0;
    world_open(&w);
    wsm_client_config_init(&config, sizeof config);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws", wsm_uv_port(w.uv));
    assert_int_equal(peer_try(&w, &p, url, NULL, &config), 0);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.refused, 401);
    peer_fini(&w, &p);
    world_close(&w);
    assert_int_equal(w.opened, 0);
}

/* Everything that waits is written before the transports go. */
static void a_shutdown_closes_its_clients_with_1001(void **state) {
    (void)state;
    world w;
    peer p = {0};
    world_init(&w);
    world_open(&w);
    peer_connect(&w, &p, "127.0.0.1", NULL);
    assert_true(run_until(&w, &p.opened, 1, PATIENCE_MS));
    assert_int_equal(wsm_hub_shutdown(w.hub, NULL), 0);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.code, 1001);
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    peer_fini(&w, &p);
    for (int i = 0; i < 100 && !wsm_hub_is_down(w.hub); i++) run_for(&w, 10);
    assert_true(wsm_hub_is_down(w.hub));
    world_close(&w);
}

/* ---- TLS
 * -------------------------------------------------------------------------------------------------------------- */

typedef struct pem {
    char dir[64], cert[96], key[96];
} pem;

static void pem_make(pem *files) {
    char command[512];
    snprintf(files->dir, sizeof files->dir, "/tmp/wsm-test-uv-XXXXXX");
    assert_non_null(mkdtemp(files->dir));
    snprintf(files->cert, sizeof files->cert, "%s/cert.pem", files->dir);
    snprintf(files->key, sizeof files->key, "%s/key.pem", files->dir);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost -keyout %s -out %s >/dev/null 2>&1",
             files->key, files->cert);
    int status = system(command);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void pem_remove(const pem *files) {
    unlink(files->cert);
    unlink(files->key);
    rmdir(files->dir);
}

static void tls_world(world *w, const pem *files) {
    world_init(w);
    w->at.tls_cert = files->cert;
    w->at.tls_key = files->key;
    world_open(w);
}

static void tls_carries_small_and_large_messages(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 64u << 10, 16u << 20};
    world w;
    pem files;
    pem_make(&files);
    tls_world(&w, &files);
    for (int i = 0; i < 3; i++) {
        peer p = {.want = sizes[i], .close_in_data = 1};
        peer_connect(&w, &p, "localhost", files.cert);
        assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
        assert_string_equal(p.error, "");
        assert_int_equal(p.got, sizes[i]);
        assert_true(p.intact);
        assert_int_equal(p.code, 1000);
        peer_fini(&w, &p);
    }
    assert_true(run_until(&w, &w.closed, 3, PATIENCE_MS));
    world_close(&w);
    pem_remove(&files);
}

static void tls_refused(const char *host, const char *ca, const pem *files) {
    world w;
    peer p = {.want = 1};
    tls_world(&w, files);
    peer_connect(&w, &p, host, ca);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.opened, 0);
    assert_int_equal(p.code, 1006);
    assert_int_not_equal(p.error[0], '\0');
    peer_fini(&w, &p);
    world_close(&w);
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state) {
    (void)state;
    pem ours, other;
    pem_make(&ours);
    pem_make(&other);
    tls_refused("localhost", other.cert, &ours);
    pem_remove(&ours);
    pem_remove(&other);
}

static void a_certificate_of_another_host_is_refused(void **state) {
    (void)state;
    pem files;
    pem_make(&files);
    tls_refused("127.0.0.1", files.cert, &files);
    pem_remove(&files);
}

static void a_key_of_another_certificate_is_refused(void **state) {
    (void)state;
    world w;
    pem ours, other;
    char why[256];
    pem_make(&ours);
    pem_make(&other);
    world_init(&w);
    world_open(&w);
    w.at.tls_cert = ours.cert;
    w.at.tls_key = other.key;
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_INVALID);
    assert_non_null(strstr(why, other.key));
    world_close(&w);
    pem_remove(&ours);
    pem_remove(&other);
}

static void noise_on_a_tls_port_gets_an_alert_and_an_end(void **state) {
    (void)state;
    world w;
    pem files;
    char got[256];
    int over;
    pem_make(&files);
    tls_world(&w, &files);
    int fd = raw_connect(&w, 0);
    raw_upgrade(fd);
    size_t len = raw_read(&w, fd, got, sizeof got, &over);
    assert_int_equal(over, 1);
    assert_true(len == 0 || got[0] == 0x15); /* an alert, or nothing; never HTTP */
    close(fd);
    world_close(&w);
    pem_remove(&files);
}

static void a_tls_client_that_vanishes_is_closed_once(void **state) {
    (void)state;
    world w;
    pem files;
    peer p = {.want = 4u << 20, .free_in_data = 1};
    pem_make(&files);
    tls_world(&w, &files);
    w.push = 8u << 20;
    peer_connect(&w, &p, "localhost", files.cert);
    assert_true(run_until(&w, &p.messages, 1, PATIENCE_MS));
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    peer_fini(&w, &p);
    world_close(&w);
    pem_remove(&files);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_comes_back),
        cmocka_unit_test(a_message_of_64_kib_comes_back),
        cmocka_unit_test(a_message_of_16_mib_comes_back),
        cmocka_unit_test(many_connections_share_a_loop),
        cmocka_unit_test(a_half_closed_peer_still_gets_its_answer),
        cmocka_unit_test(a_refusal_arrives_though_more_input_follows),
        cmocka_unit_test(a_peer_that_vanishes_under_a_long_write_is_closed_once),
        cmocka_unit_test(a_peer_that_does_not_read_is_cut_in_time),
        cmocka_unit_test(a_peer_that_reads_too_late_breaks_nothing),
        cmocka_unit_test(closing_in_a_callback_of_the_hub_is_legal),
        cmocka_unit_test(freeing_a_client_in_its_callbacks_is_legal),
        cmocka_unit_test(a_client_can_be_freed_before_it_is_connected),
        cmocka_unit_test(a_port_where_nobody_listens_ends_with_1006_and_a_sentence),
        cmocka_unit_test(a_server_that_never_answers_is_given_up),
        cmocka_unit_test(urls_that_are_none_are_refused),
        cmocka_unit_test(a_place_that_cannot_be_listened_at_is_told_with_a_sentence),
        cmocka_unit_test(a_larger_listener_struct_is_taken_if_its_surplus_is_zero),
        cmocka_unit_test(a_broadcast_of_another_thread_reaches_a_sleeping_client),
        cmocka_unit_test(a_client_without_a_token_is_refused_with_401),
        cmocka_unit_test(a_shutdown_closes_its_clients_with_1001),
        cmocka_unit_test(tls_carries_small_and_large_messages),
        cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused),
        cmocka_unit_test(a_certificate_of_another_host_is_refused),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
        cmocka_unit_test(noise_on_a_tls_port_gets_an_alert_and_an_end),
        cmocka_unit_test(a_tls_client_that_vanishes_is_closed_once),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
