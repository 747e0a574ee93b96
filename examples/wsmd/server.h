/* The running server: what main.c sets up and the HTTP handlers look at. It is the `user` of the hub. */
#ifndef WSMD_SERVER_H
#define WSMD_SERVER_H

#include <uv.h>
#include <wsm/hub.h>
#include <wsm/sqlite.h>
#include <wsm/uv.h>

#include "endpoint.h"
#include "log_out.h"
#include "options.h"
#include "secrets.h"

typedef struct server {
    wsm_uv *uv; /* first: libwsm-uv looks for it here */
    wsm_hub *hub;
    wsm_sqlite *sqlite; /* NULL: records are kept in memory only */
    const options *options;
    secrets keys;
    endpoint endpoint;
    name_list hosts, origins;
    log_out log;
    struct waiting *waiting; /* requests whose answer comes later; see http_api.c */
    uint64_t started_ns;     /* uv_hrtime */
    uv_loop_t loop;
    uv_signal_t term, interrupt;
    uv_timer_t down_timer; /* asks whether the shutdown has ended */
    bool has_loop, is_listening, is_ready, is_stopping, is_closing;
    int status; /* of the process */
} server;

#endif
