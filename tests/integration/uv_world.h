/* A hub and its clients on one loop, over real sockets, and raw sockets for what a good client never does. The tests of
 * libwsm-uv share it. A world ends with an empty loop, and with nothing left of what the library allocated. The file
 * that includes this defines _GNU_SOURCE, and includes cmocka, first. */
#ifndef WSM_TEST_UV_WORLD_H
#define WSM_TEST_UV_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "wsm/uv.h"

#define PATIENCE_MS patience_ms()

/* Under valgrind, where ciphers are slow, there is more of it: WSM_SLOW says so. */
static inline uint64_t patience_ms(void) {
    return getenv("WSM_SLOW") ? 200000 : 20000;
}

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
    uint64_t sent_at; /* of the thread's broadcast */
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

/* ---- the server -------------------------------------------------------------------------------------------------- */

static inline void *counted(void *user, void *ptr, size_t old_size, size_t new_size) {
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

static inline void uv_done(void *user) {
    world *w = user;
    w->uv_done++;
}

static inline void server_data(void *user, wsm_conn *conn, void *conn_user, wsm_data type, const void *bytes,
                               size_t len) {
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

static inline void server_state(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state state, uint16_t code) {
    world *w = user;
    (void)conn, (void)conn_user, (void)code;
    w->opened += state == WSM_CONN_OPEN;
    w->closed += state == WSM_CONN_CLOSED;
}

static inline void world_init(world *w) {
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

static inline void world_open(world *w) {
    char why[256] = "";
    assert_int_equal(wsm_uv_new(&w->uv, &w->loop, &w->host), 0);
    assert_int_equal(wsm_hub_new(&w->hub, &w->config, &w->host, NULL, w), 0);
    assert_int_equal(wsm_uv_attach(w->uv, w->hub), 0);
    int err = wsm_uv_listen(w->uv, &w->at, why, sizeof why);
    if (err) fail_msg("%s: %s", wsm_strerror(err), why);
    assert_int_not_equal(wsm_uv_port(w->uv), 0);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static inline void on_impatient(uv_timer_t *timer) {
    *(int *)timer->data = 1;
}

static inline void on_timer_closed(uv_handle_t *handle) {
    handle->data = NULL;
}

/* Run until *flag is at least `least`, or for `ms`. Returns whether it is. */
static inline int run_until(world *w, const int *flag, int least, uint64_t ms) {
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

static inline void run_for(world *w, uint64_t ms) {
    static const int never;
    run_until(w, &never, 1, ms);
}

static inline void world_close(world *w) {
    if (!w->close_in_data) wsm_uv_close(w->uv, uv_done, w);
    wsm_hub_free(w->hub);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->uv_done, 1);
    assert_true(w->closed >= w->opened); /* one that never opened is told of too */
    assert_int_equal(atomic_load(&w->live), 0);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

static inline void *peer_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
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

static inline void peer_done(void *user) {
    peer *p = user;
    p->done++;
}

static inline void peer_free(peer *p) {
    wsm_uv_client_close(p->uv, peer_done, p);
    p->uv = NULL;
}

static inline void peer_open(void *user, wsm_client *client) {
    peer *p = user;
    p->opened++;
    if (p->want == 0) return;
    unsigned char *bytes = malloc(p->want);
    for (size_t i = 0; i < p->want; i++) bytes[i] = (unsigned char)(i * 31 + (i >> 8));
    assert_int_equal(wsm_client_send(client, WSM_DATA_BINARY, bytes, p->want), 0);
    free(bytes);
}

static inline void peer_data(void *user, wsm_client *client, wsm_data type, const void *bytes, size_t len) {
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

static inline void peer_message(void *user, wsm_client *client, const wsm_client_message *message) {
    peer *p = user;
    (void)client;
    p->messages++;
    snprintf(p->last, sizeof p->last, "%.*s", (int)message->json.len, message->json.ptr);
}

static inline void peer_refused(void *user, wsm_client *client, int status, wsm_slice body) {
    peer *p = user;
    (void)client, (void)body;
    p->refused = status;
}

static inline void peer_close(void *user, wsm_client *client, uint16_t code, wsm_slice reason) {
    peer *p = user;
    (void)client, (void)reason;
    p->closed++;
    p->code = code;
    snprintf(p->error, sizeof p->error, "%s", wsm_uv_client_error(p->uv));
    if (p->free_in_close) peer_free(p);
}

static inline int peer_try(world *w, peer *p, const char *url, const char *ca, wsm_client_config *config) {
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

static inline void peer_connect(world *w, peer *p, const char *host, const char *ca) {
    char url[64];
    snprintf(url, sizeof url, "%s://%s:%u/", ca ? "wss" : "ws", host, wsm_uv_port(w->uv));
    assert_int_equal(peer_try(w, p, url, ca, NULL), 0);
}

static inline void peer_fini(world *w, peer *p) {
    if (p->uv) peer_free(p);
    assert_true(run_until(w, &p->done, 1, PATIENCE_MS));
    assert_int_equal(p->done, 1);
    assert_int_equal(p->live, 0);
}

/* ---- raw sockets ------------------------------------------------------------------------------------------------- */

static inline int raw_connect(const world *w, int receive_buffer) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(wsm_uv_port(w->uv))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    if (receive_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline void raw_send(int fd, const void *bytes, size_t len) {
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static inline void raw_upgrade(int fd) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    raw_send(fd, request, sizeof request - 1);
}

/* Everything up to the end, or what there is after `ms`. Returns the bytes; *over tells whether the end came. */
static inline size_t raw_read(world *w, int fd, char *out, size_t cap, int *over) {
    size_t len = 0;
    *over = 0;
    for (uint64_t i = 0; i < PATIENCE_MS / 10 && !*over && len < cap; i++) {
        ssize_t n = recv(fd, out + len, cap - len, MSG_DONTWAIT);
        if (n == 0) *over = 1;
        if (n < 0 && errno != EAGAIN) *over = -1;
        if (n > 0) len += (size_t)n;
        if (n < 0) run_for(w, 10);
    }
    return len;
}

static const unsigned char hello_frame[] = {0x81, 0x85, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};

#endif
