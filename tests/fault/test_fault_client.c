/* Every allocation fails, in every call of a client's life. The other end is a hub in the same process, which has
 * memory: the bytes go back and forth by hand. */
#include "fault_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "malloc_fault.h"

#define WIRE_CAP (64u << 10)

typedef struct link {
    fault_world *server;
    wsm_client *client;
    wsm_client_host host;
    wsm_client_config config;
    char down[WIRE_CAP]; /* from the hub to the client, not yet read */
    size_t down_len;
    char told[WIRE_CAP]; /* what on_message heard: its types */
    size_t told_len;
    int opened, closed, seen;
} link;

static uint64_t clock_mono(void *user) {
    return ((link *)user)->server->hub.mono;
}

static int fill_random(void *user, void *bytes, size_t len) {
    (void)user;
    memset(bytes, 'r', len);
    return 0;
}

static void waiting(void *user, wsm_client *client) {
    (void)user, (void)client;
}

static void on_open(void *user, wsm_client *client) {
    (void)client;
    ((link *)user)->opened++;
}

static void on_message(void *user, wsm_client *client, const wsm_client_message *message) {
    link *l = user;
    (void)client;
    l->told_len += (size_t)snprintf(l->told + l->told_len, sizeof l->told - l->told_len, "%.*s\n",
                                    (int)message->type.len, message->type.ptr);
    l->seen += message->type.len == 13 && memcmp(message->type.ptr, "memory_update", 13) == 0;
}

static void on_close(void *user, wsm_client *client, uint16_t code, wsm_slice reason) {
    (void)client, (void)code, (void)reason;
    ((link *)user)->closed++;
}

/* The hub's side of the wire; collected by hand, since peers of fault_world keep text. */
static void server_waiting(void *user, wsm_conn *conn, void *conn_user) {
    link *l = conn_user;
    wsm_vec vec[8];
    size_t count;
    (void)user;
    while ((count = wsm_conn_pending(conn, vec, 8)) > 0) {
        for (size_t i = 0; i < count; i++) {
            if (vec[i].len > sizeof l->down - l->down_len) abort();
            memcpy(l->down + l->down_len, vec[i].base, vec[i].len);
            l->down_len += vec[i].len;
            wsm_conn_sent(conn, vec[i].len);
        }
    }
}

static void server_close(void *user, wsm_conn *conn, void *conn_user) {
    server_waiting(user, conn, conn_user);
    wsm_conn_closed(conn);
    ((link *)conn_user)->server->hub.peers[0].conn = NULL;
}

static void *start(void) {
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    link *l = calloc(1, sizeof *l);
    wsm_key key;
    wsm_claims claims;
    wsm_peer how;
    l->server = fault_world_new();
    l->server->hub.host.bytes_waiting = server_waiting;
    l->server->hub.host.close_transport = server_close;
    l->server->hub.host.on_conn_state = NULL;
    assert_int_equal(fault_world_start(l->server, 0), 0);
    wsm_key_init(&key, sizeof key);
    key.secret = secret;
    key.secret_len = sizeof secret - 1;
    assert_int_equal(wsm_hub_key_add(l->server->hub.hub, &key), 0);
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){"ada", 3};
    claims.iat = l->server->hub.wall / 1000;
    claims.exp = claims.iat + 3600;
    claims.permission = WSM_PERMISSION_ACTIVE;
    assert_int_equal(wsm_token_mint(&claims, &key, l->server->token, sizeof l->server->token, &l->server->token_len),
                     0);
    wsm_peer_init(&how, sizeof how);
    assert_int_equal(wsm_conn_new(&l->server->hub.peers[0].conn, l->server->hub.hub, &how, l), 0);
    wsm_client_host_init(&l->host, sizeof l->host);
    l->host.clock_mono = clock_mono;
    l->host.random = fill_random;
    l->host.bytes_waiting = l->host.close_transport = waiting;
    l->host.on_open = on_open;
    l->host.on_message = on_message;
    l->host.on_close = on_close;
    wsm_client_config_init(&l->config, sizeof l->config);
    l->config.host = "127.0.0.1";
    l->config.token = l->server->token;
    return l;
}

static void finish(void *world) {
    link *l = world;
    wsm_client_free(l->client);
    wsm_conn_closed(l->server->hub.peers[0].conn);
    fault_world_free(l->server);
    free(l);
}

static size_t see(void *world, char *out, size_t cap, bool at_end) {
    const link *l = world;
    (void)at_end;
    int len =
        snprintf(out, cap, "client %d, opened %d, closed %d\n%s", l->client != NULL, l->opened, l->closed, l->told);
    return (size_t)len < cap ? (size_t)len : cap - 1;
}

/* ---- steps ----------------------------------------------------------------------------------------------------------
 */

static int client_new(void *world) {
    link *l = world;
    return wsm_client_new(&l->client, &l->config, &l->host, l);
}

/* What the client has to write goes to the hub, which has memory for it. */
static int flush(void *world) {
    link *l = world;
    wsm_vec vec[4];
    size_t count;
    while (!l->closed && (count = wsm_client_pending(l->client, vec, 4)) > 0) {
        size_t sent = 0;
        for (size_t i = 0; i < count; i++) {
            fault_pause();
            if (l->server->hub.peers[0].conn) wsm_conn_recv(l->server->hub.peers[0].conn, vec[i].base, vec[i].len);
            fault_resume();
            sent += vec[i].len;
        }
        wsm_client_sent(l->client, sent);
    }
    return 0;
}

static int receive(void *world) {
    link *l = world;
    size_t len = l->down_len;
    l->down_len = 0;
    int err = len && !l->closed ? wsm_client_recv(l->client, l->down, len) : 0;
    return err == WSM_ERR_CLOSED ? 0 : err;
}

static int send(void *world) {
    static const char text[] = "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-000000000001\","
                               "\"exchange\":\"of the client\"}";
    return wsm_client_send(((link *)world)->client, WSM_DATA_TEXT, text, sizeof text - 1);
}

static int tick(void *world) {
    link *l = world;
    l->server->hub.mono += 1000;
    wsm_client_tick(l->client);
    return 0;
}

static int begin_close(void *world) {
    return wsm_client_close(((link *)world)->client, 1000, NULL);
}

static bool settle(void *world) {
    link *l = world;
    flush(l);
    return l->closed > 0;
}

/* A client without memory for what came has closed, or goes on. */
static const char *judge(void *world, step_kind kind, int err) {
    link *l = world;
    (void)kind;
    if (err && err != WSM_ERR_NOMEM) return "it said something else than \"no memory\"";
    for (int i = 0; i < 4; i++) {
        flush(l);
        receive(l);
    }
    if (err && !l->closed) return "it said \"no memory\" and is open";
    if (l->closed) return l->closed == 1 ? NULL : "it was closed twice";
    if (!l->opened) return "it is neither open nor closed";
    int before = l->seen;
    int sent = send(l);
    if (sent == WSM_ERR_STATE) return NULL; /* it is closing */
    flush(l);
    receive(l);
    return sent == 0 && l->seen >= before ? NULL : "it sends no more";
}

static void a_client_connects_talks_and_leaves(void **state) {
    (void)state;
    static const step steps[] = {
        {"wsm_client_new", CALL, client_new}, {"request", TICK, flush},   {"upgrade, welcome", INPUT, receive},
        {"wsm_client_send", CALL, send},      {"update", TICK, flush},    {"ack, update", INPUT, receive},
        {"wsm_client_tick", TICK, tick},      {"flush", TICK, flush},     {"wsm_client_close", CALL, begin_close},
        {"close frame", TICK, flush},         {"answer", INPUT, receive},
    };
    static const story told = {"a client's life",           start, finish, see, settle, judge, steps,
                               sizeof steps / sizeof *steps};
    story_tell(&told);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_client_connects_talks_and_leaves)};
    return cmocka_run_group_tests(tests, NULL, story_report);
}
