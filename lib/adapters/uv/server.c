/* A hub on a loop: the callbacks that wsm_host asks of a transport, and the life of the wsm_uv. */
#define _POSIX_C_SOURCE 200809L /* libuv needs pthread_rwlock_t */

#include "server.h"

#include <stddef.h>
#include <stdlib.h>

/* ---- the host's callbacks ---------------------------------------------------------------------------------------- */

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn;
    wsm__uv_stream_mark(conn_user);
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn;
    wsm__uv_stream_close(conn_user);
}

/* Any thread: the one thing that libuv allows there. */
static void wake(void *user) {
    wsm_uv *uv = *(wsm_uv **)user;
    uv_async_send(&uv->async);
}

/* ---- the turn's -------------------------------------------------------------------------------------------------- */

static void begin(void *owner) {
    wsm__uv_listeners_begin(owner);
}

static int64_t next(void *owner) {
    wsm_uv *uv = owner;
    return uv->hub ? wsm_hub_next(uv->hub) : -1;
}

static void tick(void *owner) {
    wsm_uv *uv = owner;
    if (uv->hub) wsm_hub_tick(uv->hub);
}

static void gone(void *owner) {
    wsm_uv *uv = owner;
    void (*done)(void *) = uv->done;
    void *user = uv->done_user;
    wsm__uv_listeners_free(uv);
    free(uv);
    if (done) done(user);
}

static const wsm__uv_driver driver = {.begin = begin, .next = next, .tick = tick, .gone = gone};

static void on_async(uv_async_t *async) {
    tick(async->data);
}

static void on_async_closed(uv_handle_t *handle) {
    wsm_uv *uv = handle->data;
    wsm__uv_turn_release(&uv->turn);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

int wsm_uv_new(wsm_uv **uv, struct uv_loop_s *loop, wsm_host *host) {
    if (!uv) return WSM_ERR_INVALID;
    *uv = NULL;
    if (!loop || !host || host->size < offsetof(wsm_host, wake) + sizeof host->wake) return WSM_ERR_INVALID;
    wsm_uv *made = calloc(1, sizeof *made);
    if (!made) return WSM_ERR_NOMEM;
    if (uv_async_init(loop, &made->async, on_async)) {
        free(made);
        return WSM_ERR_NOMEM;
    }
    made->async.data = made;
    wsm__uv_turn_init(&made->turn, loop, &driver, made);
    wsm__uv_turn_hold(&made->turn);
    host->bytes_waiting = bytes_waiting;
    host->close_transport = close_transport;
    host->wake = wake;
    *uv = made;
    return WSM_OK;
}

int wsm_uv_attach(wsm_uv *uv, wsm_hub *hub) {
    if (!uv || !hub || uv->turn.closed) return WSM_ERR_INVALID;
    if (uv->hub) return WSM_ERR_STATE;
    uv->hub = hub;
    return WSM_OK;
}

uint16_t wsm_uv_port(const wsm_uv *uv) {
    return uv ? uv->port : 0;
}

void wsm_uv_close(wsm_uv *uv, void (*done)(void *user), void *user) {
    if (!uv || uv->turn.closed) return;
    uv->done = done;
    uv->done_user = user;
    wsm__uv_listeners_close(uv);
    uv_close((uv_handle_t *)&uv->async, on_async_closed);
    wsm__uv_turn_close(&uv->turn);
    uv->hub = NULL;
}
