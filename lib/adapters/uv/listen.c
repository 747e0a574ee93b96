/* Listeners. libuv accepts one connection, asks us to take it up, and stops listening until we have: so a listener that
 * had its share of a turn simply leaves that one where it is until the next. */
#define _POSIX_C_SOURCE 200809L /* libuv needs pthread_rwlock_t */

#include <stdio.h>
#include <stdlib.h>

#include "server.h"
#include "take.h"
#include "tls.h"

struct wsm__uv_listener {
    uv_tcp_t tcp;
    wsm_uv *uv;
    wsm__uv_listener *next;
    wsm__uv_tls_config *tls; /* NULL: none */
    uint32_t accepts_max;    /* in a turn */
    uint32_t accepts;
    int plain;
    int waiting; /* libuv holds a connection for us */
};

/* ---- connections ------------------------------------------------------------------------------------------------- */

static void conn_recv(void *end, const void *bytes, size_t len) {
    (void)wsm_conn_recv(end, bytes, len); /* the library answers for itself, also when memory is short */
}

static size_t conn_pending(void *end, wsm_vec *vec, size_t cap) {
    return wsm_conn_pending(end, vec, cap);
}

static void conn_sent(void *end, size_t len) {
    wsm_conn_sent(end, len);
}

static void conn_eof(void *end) {
    wsm_conn_eof(end);
}

static void conn_closed(void *end) {
    wsm_conn_closed(end);
}

static const wsm__uv_end conn_end = {
    .recv = conn_recv, .pending = conn_pending, .sent = conn_sent, .eof = conn_eof, .closed = conn_closed};

/* The other side's address without its port; "" if it has gone already. IPv4 looks the same on an IPv6 socket. */
static void peer_address(const uv_tcp_t *tcp, char *out, size_t cap) {
    struct sockaddr_storage addr;
    int len = sizeof addr;
    out[0] = '\0';
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&addr, &len)) return;
    if (addr.ss_family == AF_INET)
        uv_ip4_name((const struct sockaddr_in *)&addr, out, cap);
    else if (addr.ss_family == AF_INET6)
        uv_ip6_name((const struct sockaddr_in6 *)&addr, out, cap);
    if (strncmp(out, "::ffff:", 7) == 0 && strchr(out, '.')) memmove(out, out + 7, strlen(out + 7) + 1);
}

static void take_up(wsm__uv_listener *listener, wsm__uv_stream *stream) {
    char address[64];
    wsm_conn *conn;
    wsm_peer peer;
    peer_address(&stream->tcp, address, sizeof address);
    wsm_peer_init(&peer, sizeof peer);
    peer.kind = WSM_PEER_RAW;
    peer.plain = listener->plain;
    peer.encrypted = listener->tls != NULL;
    peer.address = address[0] ? address : NULL;
    if (wsm_conn_new(&conn, listener->uv->hub, &peer, stream) || !conn) {
        wsm__uv_stream_cut(stream);
        return;
    }
    if (!listener->tls) {
        wsm__uv_stream_start(stream, &conn_end, conn);
        return;
    }
    wsm__uv_tls *tls = wsm__uv_tls_new(listener->tls, stream, NULL, &conn_end, conn, NULL, 0);
    if (tls) {
        wsm__uv_stream_start(stream, &wsm__uv_tls_end, tls);
    } else {
        wsm_conn_closed(conn);
        wsm__uv_stream_cut(stream);
    }
}

static void accept_one(wsm__uv_listener *listener) {
    wsm__uv_stream *stream = wsm__uv_stream_new(&listener->uv->turn);
    listener->waiting = !stream;
    if (!stream) return; /* again in the next turn */
    listener->accepts++;
    if (uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)&stream->tcp))
        wsm__uv_stream_cut(stream);
    else
        take_up(listener, stream);
}

/* A negative status is told here after libuv, out of descriptors, has shed what it could not take. */
static void on_connection(uv_stream_t *server, int status) {
    wsm__uv_listener *listener = server->data;
    if (status < 0) return;
    if (listener->accepts >= listener->accepts_max)
        listener->waiting = 1;
    else
        accept_one(listener);
}

void wsm__uv_listeners_begin(wsm_uv *uv) {
    if (!uv->hub) return;
    for (wsm__uv_listener *l = uv->listeners; l && !uv->turn.closed; l = l->next) {
        l->accepts = 0;
        if (l->waiting) accept_one(l);
    }
}

/* ---- listening --------------------------------------------------------------------------------------------------- */

void wsm_uv_listener_init(wsm_uv_listener *listener, size_t size) {
    wsm_uv_listener defaults = {.address = "127.0.0.1", .backlog = 1024, .accepts_per_turn = 64};
    if (!listener || size < sizeof size) return;
    memset(listener, 0, size);
    memcpy(listener, &defaults, size < sizeof defaults ? size : sizeof defaults);
    listener->size = size;
}

static void on_closed(uv_handle_t *handle) {
    wsm__uv_listener *listener = handle->data;
    wsm__uv_turn_release(&listener->uv->turn);
}

/* The file descriptor or memory ran short, or the address is not to be had. */
static int bind_and_listen(wsm__uv_listener *listener, const wsm_uv_listener *want, char *why, size_t why_cap) {
    struct sockaddr_storage addr;
    int len = sizeof addr;
    if (uv_ip4_addr(want->address, want->port, (struct sockaddr_in *)&addr) &&
        uv_ip6_addr(want->address, want->port, (struct sockaddr_in6 *)&addr)) {
        snprintf(why, why_cap, "%s is not a numeric address", want->address);
        return WSM_ERR_INVALID;
    }
    int err = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)&addr, 0);
    if (!err) err = uv_listen((uv_stream_t *)&listener->tcp, want->backlog, on_connection);
    if (!err) err = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&addr, &len);
    if (err) {
        snprintf(why, why_cap, "cannot listen at %s, port %u: %s", want->address, want->port, uv_strerror(err));
        return err == UV_ENOMEM ? WSM_ERR_NOMEM : WSM_ERR_STATE;
    }
    /* The port stands at the same place in both kinds of address. */
    listener->uv->port = ntohs(((const struct sockaddr_in *)&addr)->sin_port);
    return WSM_OK;
}

static int listener_new(wsm__uv_listener **made, wsm_uv *uv, const wsm_uv_listener *want, char *why, size_t why_cap) {
    wsm__uv_listener *listener = calloc(1, sizeof *listener);
    if (!listener) return WSM_ERR_NOMEM;
    int err = WSM_OK;
    if (want->tls_cert) err = wsm__uv_tls_server(&listener->tls, want->tls_cert, want->tls_key, why, why_cap);
    if (!err && uv_tcp_init(uv->turn.loop, &listener->tcp)) err = WSM_ERR_NOMEM;
    if (err) {
        wsm__uv_tls_config_free(listener->tls);
        free(listener);
        return err;
    }
    listener->tcp.data = listener;
    listener->uv = uv;
    listener->plain = want->plain;
    listener->accepts_max = want->accepts_per_turn ? want->accepts_per_turn : UINT32_MAX;
    wsm__uv_turn_hold(&uv->turn);
    *made = listener;
    return WSM_OK;
}

static int no(int err, char *why, size_t why_cap, const char *sentence) {
    snprintf(why, why_cap, "%s", sentence);
    return err;
}

static int take(wsm_uv_listener *want, const wsm_uv *uv, const wsm_uv_listener *given, char *why, size_t why_cap) {
    wsm_uv_listener_init(want, sizeof *want);
    if (!uv || uv->turn.closed || !given) return no(WSM_ERR_INVALID, why, why_cap, "uv or listener is NULL, or closed");
    int err = wsm__uv_take(want, sizeof *want, given);
    if (err == WSM_ERR_INVALID) return no(err, why, why_cap, "listener: its size is not set");
    if (err) return no(err, why, why_cap, wsm_strerror(err));
    if (!want->address) return no(WSM_ERR_INVALID, why, why_cap, "address: NULL, expected a numeric address");
    if (want->backlog < 1) return no(WSM_ERR_INVALID, why, why_cap, "backlog: expected 1 or more");
    if (!want->tls_cert != !want->tls_key)
        return no(WSM_ERR_INVALID, why, why_cap, "tls_cert and tls_key belong together: only one of them is set");
    return uv->hub ? WSM_OK : no(WSM_ERR_STATE, why, why_cap, "there is no hub yet: wsm_uv_attach comes first");
}

int wsm_uv_listen(wsm_uv *uv, const wsm_uv_listener *listener, char *why, size_t why_cap) {
    char nowhere[1];
    wsm_uv_listener want;
    wsm__uv_listener *made = NULL;
    if (!why || why_cap == 0) why = nowhere, why_cap = sizeof nowhere;
    why[0] = '\0';
    int err = take(&want, uv, listener, why, why_cap);
    if (err) return err;
    err = listener_new(&made, uv, &want, why, why_cap);
    if (err) return err;
    /* Also one that failed stays in the list: libuv lets go of it later, and it is freed with the rest. */
    made->next = uv->listeners;
    uv->listeners = made;
    err = bind_and_listen(made, &want, why, why_cap);
    if (err) uv_close((uv_handle_t *)&made->tcp, on_closed);
    return err;
}

void wsm__uv_listeners_close(wsm_uv *uv) {
    for (wsm__uv_listener *l = uv->listeners; l; l = l->next)
        if (!uv_is_closing((uv_handle_t *)&l->tcp)) uv_close((uv_handle_t *)&l->tcp, on_closed);
}

void wsm__uv_listeners_free(wsm_uv *uv) {
    while (uv->listeners) {
        wsm__uv_listener *l = uv->listeners;
        uv->listeners = l->next;
        wsm__uv_tls_config_free(l->tls);
        free(l);
    }
}
