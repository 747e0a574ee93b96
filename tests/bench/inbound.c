/* What one update costs the core, from the bytes of a WebSocket frame to the frame queued at one receiver: two RAW
 * peers in memory, the log in memory, limits off. Taking the queued bytes out again is not counted.
 *
 *     inbound EXCHANGE_BYTES RUNS
 *
 * Prints, for each run, nanoseconds of CPU per update, and last the length of a frame that came in. */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsm/wsm.h>

#include "common.h"

#define BATCH   64 /* updates between two looks at the clock; fits the receiver's queue */
#define UPDATES 20000

static uint64_t delivered; /* messages that the receiver's queue held */

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user;
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user;
    fprintf(stderr, "inbound: the hub closed a connection\n");
    exit(1);
}

static size_t take_out(wsm_conn *conn) {
    wsm_vec vec[64];
    size_t n, total = 0;
    while ((n = wsm_conn_pending(conn, vec, 64)) > 0) {
        size_t len = 0;
        for (size_t i = 0; i < n; i++) len += vec[i].len;
        wsm_conn_sent(conn, len);
        total += len;
    }
    return total;
}

static wsm_conn *open_one(wsm_hub *hub, const char *agent, int active) {
    char token[BENCH_TOKEN_MAX], request[2048];
    wsm_conn *conn;
    wsm_peer peer;
    wsm_peer_init(&peer, sizeof peer);
    bench_token(token, agent, active);
    if (wsm_conn_new(&conn, hub, &peer, NULL) < 0) bench_die("wsm_conn_new");
    wsm_conn_recv(conn, request, bench_request(request, sizeof request, token, NULL, 0));
    while (wsm_hub_tick(hub) == 0) {
    }
    take_out(conn);
    return conn;
}

static wsm_hub *hub_make(void) {
    wsm_host host;
    wsm_config config;
    wsm_key key;
    wsm_hub *hub;
    wsm_host_init(&host, sizeof host);
    host.bytes_waiting = bytes_waiting;
    host.close_transport = close_transport;
    wsm_config_init(&config, sizeof config);
    wsm_config_set(&config, "agent_messages_per_s", "0");
    wsm_config_set(&config, "agent_deliveries_per_s", "0");
    if (wsm_hub_new(&hub, &config, &host, NULL, NULL) < 0) bench_die("wsm_hub_new");
    wsm_key_init(&key, sizeof key);
    key.secret = BENCH_SECRET;
    key.secret_len = strlen(BENCH_SECRET);
    if (wsm_hub_key_add(hub, &key) < 0) bench_die("wsm_hub_key_add");
    return hub;
}

/* CPU nanoseconds for a batch, and what the receiver got. */
static uint64_t batch(wsm_hub *hub, wsm_conn *writer, wsm_conn *reader, unsigned char *frames, size_t *lens) {
    uint64_t began = bench_cpu_ns();
    for (size_t i = 0, at = 0; i < BATCH; at += lens[i++]) {
        wsm_conn_recv(writer, frames + at, lens[i]);
        wsm_hub_tick(hub);
    }
    uint64_t took = bench_cpu_ns() - began;
    wsm_conn_info info;
    wsm_conn_info_init(&info, sizeof info);
    wsm_conn_info_get(reader, &info);
    delivered += info.queued_messages;
    take_out(reader);
    take_out(writer);
    while (wsm_hub_tick(hub) == 0) {
    }
    return took;
}

int main(int argc, char **argv) {
    size_t exchange_len = argc > 1 ? strtoul(argv[1], NULL, 10) : 1024, lens[BATCH] = {0};
    size_t runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 5, cap = exchange_len + 512;
    unsigned char *frames = malloc(BATCH * cap);
    wsm_hub *hub = hub_make();
    wsm_conn *reader = open_one(hub, "reader", 0), *writer = open_one(hub, "writer", 1);
    uint64_t number = 0;
    if (!frames) bench_die("malloc");
    take_out(reader);
    for (size_t run = 0; run < runs; run++) {
        uint64_t took = 0;
        delivered = 0;
        for (size_t done = 0; done < UPDATES; done += BATCH) {
            for (size_t i = 0, at = 0; i < BATCH; at += lens[i++])
                lens[i] = bench_update(frames + at, cap, exchange_len, ++number);
            took += batch(hub, writer, reader, frames, lens);
        }
        if (delivered < UPDATES) {
            fprintf(stderr, "inbound: only %llu of %d were queued\n", (unsigned long long)delivered, UPDATES);
            return 1;
        }
        printf("%.1f ", (double)took / (double)((UPDATES + BATCH - 1) / BATCH * BATCH));
    }
    printf("%zu\n", lens[0]);
    wsm_conn_closed(reader);
    wsm_conn_closed(writer);
    wsm_hub_free(hub);
    free(frames);
    return 0;
}
