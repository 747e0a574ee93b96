/* Heap of the core per idle connection: a counting allocator under RAW peers in memory, no socket, no adapter.
 *
 *     idle CONNECTIONS
 *
 * Prints two numbers: bytes per connection when all belong to a few agents, and when each brings an agent of its own,
 * which the hub then knows too (its record, its name, its presence). */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsm/wsm.h>

#include "common.h"

typedef struct counter {
    size_t live;
} counter;

static void *count_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    counter *c = user;
    if (new_size == 0) {
        c->live -= old_size;
        free(ptr);
        return NULL;
    }
    void *now = realloc(ptr, new_size);
    if (now) c->live += new_size - old_size;
    return now;
}

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user;
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user;
    fprintf(stderr, "idle: the hub closed a connection\n");
    exit(1);
}

/* Everything that is said is taken, until nothing more comes. */
static void settle(wsm_hub *hub, wsm_conn **conns, size_t count) {
    wsm_vec vec[64];
    size_t n, taken = 1;
    while (taken) {
        taken = 0;
        while (wsm_hub_tick(hub) == 0) {
        }
        for (size_t i = 0; i < count; i++)
            while ((n = wsm_conn_pending(conns[i], vec, 64)) > 0) {
                size_t len = 0;
                for (size_t k = 0; k < n; k++) len += vec[k].len;
                wsm_conn_sent(conns[i], len);
                taken += len;
            }
    }
}

static void open_some(wsm_hub *hub, wsm_conn **conns, size_t first, size_t last, size_t per_agent) {
    char token[BENCH_TOKEN_MAX], agent[32], request[2048];
    wsm_peer peer;
    wsm_peer_init(&peer, sizeof peer);
    peer.address = "127.0.0.1";
    for (size_t i = first; i < last; i++) {
        snprintf(agent, sizeof agent, "agent-%zu", i / per_agent);
        bench_token(token, agent, 0);
        if (wsm_conn_new(&conns[i], hub, &peer, NULL) < 0) bench_die("wsm_conn_new");
        wsm_conn_recv(conns[i], request, bench_request(request, sizeof request, token, NULL, 0));
        settle(hub, conns + first, i + 1 - first);
    }
    settle(hub, conns, last);
}

static double measure(size_t count, size_t per_agent) {
    static const char *const limits[] = {
        "connections_max", "connections_per_agent", "connections_per_address", "connections_per_s",
        "preauth_max",     "preauth_per_address",   "memory_budget_bytes",     NULL};
    const size_t warm = 64;
    counter c = {0};
    wsm_host host;
    wsm_config config;
    wsm_key key;
    wsm_hub *hub;
    wsm_conn **conns = calloc(warm + count, sizeof *conns);

    wsm_host_init(&host, sizeof host);
    host.alloc = count_alloc;
    host.bytes_waiting = bytes_waiting;
    host.close_transport = close_transport;
    wsm_config_init(&config, sizeof config);
    for (size_t i = 0; limits[i]; i++) wsm_config_set(&config, limits[i], "0");
    if (!conns || wsm_hub_new(&hub, &config, &host, NULL, &c) < 0) bench_die("wsm_hub_new");
    wsm_key_init(&key, sizeof key);
    key.secret = BENCH_SECRET;
    key.secret_len = strlen(BENCH_SECRET);
    if (wsm_hub_key_add(hub, &key) < 0) bench_die("wsm_hub_key_add");

    open_some(hub, conns, 0, warm, per_agent); /* pools and tables that all share */
    size_t before = c.live;
    open_some(hub, conns, warm, warm + count, per_agent);
    double each = (double)(c.live - before) / (double)count;
    for (size_t i = 0; i < warm + count; i++) wsm_conn_closed(conns[i]);
    wsm_hub_free(hub);
    free(conns);
    if (c.live) fprintf(stderr, "idle: %zu bytes were left\n", c.live);
    return each;
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    printf("%.1f %.1f\n", measure(count, 8), measure(count, 1));
    return 0;
}
