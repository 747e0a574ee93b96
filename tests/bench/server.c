/* The measured server: a hub with the log in memory on libwsm-uv, limits off that a bench would run into.
 *
 *     server            (started by drain, see common.h) */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <wsm/uv.h>
#include <wsm/wsm.h>

#include "common.h"

typedef struct server {
    wsm_uv *uv; /* must come first: wsm_uv_new */
    wsm_hub *hub;
    uint64_t connected;
} server;

static void on_conn_state(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state state, uint16_t code) {
    server *s = user;
    (void)conn, (void)conn_user, (void)code;
    if (state == WSM_CONN_OPEN) s->connected++;
    if (state == WSM_CONN_CLOSED) s->connected--;
}

static void on_log(void *user, wsm_level level, const char *line) {
    (void)user;
    if (level >= WSM_LEVEL_WARN) fprintf(stderr, "server: %s\n", line);
}

static void on_control(uv_poll_t *poll, int status, int events) {
    server *s = poll->data;
    char byte;
    (void)status, (void)events;
    if (read(BENCH_CONTROL_FD, &byte, 1) <= 0) exit(0);
    bench_usage usage = bench_usage_get(s->connected);
    if (write(BENCH_CONTROL_FD, &usage, sizeof usage) != sizeof usage) exit(0);
}

static void need(int err, const char *what) {
    if (err >= 0) return;
    fprintf(stderr, "server: %s: %s\n", what, wsm_strerror(err));
    exit(1);
}

static void unlimit(wsm_config *config) {
    static const char *const keys[] = {"connections_max",      "connections_per_agent", "connections_per_address",
                                       "connections_per_s",    "preauth_max",           "preauth_per_address",
                                       "agent_messages_per_s", "agent_deliveries_per_s"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) need(wsm_config_set(config, keys[i], "0"), keys[i]);
    need(wsm_config_set(config, "memory_budget_bytes", "0"), "memory_budget_bytes");
}

int main(void) {
    uv_loop_t *loop = uv_default_loop();
    server s = {0};
    wsm_host host;
    wsm_config config;
    wsm_key key;
    wsm_uv_listener listener;
    uv_poll_t control;
    char why[256] = "";

    bench_raise_files();
    wsm_host_init(&host, sizeof host);
    host.on_conn_state = on_conn_state;
    host.on_log = on_log;
    wsm_config_init(&config, sizeof config);
    unlimit(&config);
    need(wsm_uv_new(&s.uv, loop, &host), "wsm_uv_new");
    need(wsm_hub_new(&s.hub, &config, &host, NULL, &s), "wsm_hub_new");
    need(wsm_uv_attach(s.uv, s.hub), "wsm_uv_attach");
    wsm_key_init(&key, sizeof key);
    key.secret = BENCH_SECRET;
    key.secret_len = strlen(BENCH_SECRET);
    need(wsm_hub_key_add(s.hub, &key), "wsm_hub_key_add");
    wsm_uv_listener_init(&listener, sizeof listener);
    listener.address = "127.0.0.1";
    need(wsm_uv_listen(s.uv, &listener, why, sizeof why), why);

    control.data = &s;
    uv_poll_init(loop, &control, BENCH_CONTROL_FD);
    uv_poll_start(&control, UV_READABLE, on_control);
    bench_hello hello = {wsm_uv_port(s.uv)};
    if (write(BENCH_CONTROL_FD, &hello, sizeof hello) != sizeof hello) bench_die("control");
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
