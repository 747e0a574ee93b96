/* libwsm-uv: hubs and clients on a libuv loop, with TLS through mbedTLS.
 *
 * Writes happen at the end of the loop's turn, once per connection with all that is pending: tried at once, what does
 * not fit is queued. Everything here belongs to the loop's thread. libuv writes to sockets that may be broken, so the
 * program ignores SIGPIPE. */
#ifndef WSM_UV_H
#define WSM_UV_H

#include "client.h"
#include "hub.h"

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;
typedef struct wsm_uv wsm_uv;               /* a hub's transport on a loop */
typedef struct wsm_uv_client wsm_uv_client; /* a client's */

/* Make the transport and fill in the members of `host` that it provides: bytes_waiting, close_transport, wake. The rest
 * of `host` is the caller's, and so is the struct.
 *
 * Call order: wsm_uv_new, wsm_hub_new(…, host, …, user), wsm_uv_attach, wsm_uv_listen. Because the hub has one `user`
 * for all callbacks, it must be the address of a struct whose first member is a `wsm_uv *`, set before wsm_hub_new
 * (pass `uv` the address of that member, and it is). The `conn_user` of callbacks is the transport's own; every
 * connection of the hub must come from it. The loop stays alive until wsm_uv_close. Errors: WSM_ERR_INVALID,
 * WSM_ERR_NOMEM; then `*uv` is NULL. */
WSM_API int wsm_uv_new(wsm_uv **uv, struct uv_loop_s *loop, wsm_host *host);

/* From now on the hub is ticked by the loop: no other call of wsm_hub_tick is needed. Calls to the hub from any
 * callback of the loop are noticed in the same turn. Errors: WSM_ERR_INVALID, WSM_ERR_STATE (it has a hub). */
WSM_API int wsm_uv_attach(wsm_uv *uv, wsm_hub *hub);

/* A place to listen at. */
typedef struct wsm_uv_listener {
    size_t size;
    const char *address;       /* numeric: "127.0.0.1", which is the default, or "::1" */
    uint16_t port;             /* 0: any; wsm_uv_port tells which */
    int backlog;               /* 1024 */
    int plain;                 /* 1: peers in plain mode */
    const char *tls_cert;      /* path of a PEM chain; NULL: no TLS */
    const char *tls_key;       /* path of its PEM key */
    uint32_t accepts_per_turn; /* 64: how many connections are taken up in one turn of the loop; 0: all */
} wsm_uv_listener;

/* Fills in the defaults; `size` is sizeof(wsm_uv_listener) as the caller knows it. Any thread. */
WSM_API void wsm_uv_listener_init(wsm_uv_listener *listener, size_t size);

/* Listen; may be called several times. Everything in `listener` is copied. `why` (may be NULL) has `why_cap` bytes and
 * gets a sentence on failure.
 * Errors: WSM_ERR_INVALID (also: no numeric address, a certificate or key that cannot be used), WSM_ERR_VERSION,
 * WSM_ERR_STATE (no hub yet; address in use or not available), WSM_ERR_RANDOM, WSM_ERR_NOMEM. */
WSM_API int wsm_uv_listen(wsm_uv *uv, const wsm_uv_listener *listener, char *why, size_t why_cap);

/* The port of the last wsm_uv_listen that succeeded; 0: there was none. */
WSM_API uint16_t wsm_uv_port(const wsm_uv *uv);

/* Stop listening and cut every connection; `done` (may be NULL) is called when the loop holds nothing of `uv` any more,
 * and `uv` is freed by then. Legal inside callbacks. The hub is freed after this call, as soon as the host likes; from
 * this call on no other thread may call into it. NULL and a second call do nothing. */
WSM_API void wsm_uv_close(wsm_uv *uv, void (*done)(void *user), void *user);

/* Open a TCP (or TLS) connection for a client object and run it on the loop.
 *
 * `url` is ws://HOST[:PORT][/PATH[?QUERY]] or wss://…; it replaces `host` and `path` of the configuration. `tls_ca` is
 * a PEM file of trust anchors for wss, required there; the certificate must be HOST's. `host`'s bytes_waiting and
 * close_transport are provided, the rest is the caller's, as is `user`: the address of a struct whose first member is a
 * `wsm_uv_client *`, which is set before any callback. A connection that cannot be opened comes to on_close with 1006.
 * `config` NULL takes the defaults. Errors: WSM_ERR_INVALID (the URL, or `tls_ca` cannot be used; an argument is NULL),
 * those of wsm_client_new; then `*client` is NULL. */
WSM_API int wsm_uv_connect(wsm_uv_client **client, struct uv_loop_s *loop, const char *url, const char *tls_ca,
                           const wsm_client_config *config, const wsm_client_host *host, void *user);

/* The client object behind it, for wsm_client_send and the like; it is freed with `client`, and not by you. NULL for
 * NULL. */
WSM_API wsm_client *wsm_uv_client_get(wsm_uv_client *client);

/* Why the transport failed, as a sentence; "" while it has not. Valid until wsm_uv_client_close. */
WSM_API const char *wsm_uv_client_error(const wsm_uv_client *client);

/* Cut the transport and free both; legal inside callbacks, and the last call with `client`: no callback follows but
 * `done` (may be NULL), when the loop holds nothing of it. NULL does nothing. */
WSM_API void wsm_uv_client_close(wsm_uv_client *client, void (*done)(void *user), void *user);

#ifdef __cplusplus
}
#endif

#endif
