/* Connections: bytes in, bytes out. Thread: the hub's, for every function of this header. */
#ifndef WSM_CONN_H
#define WSM_CONN_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the host hands over, one code path behind it. */
typedef enum wsm_peer_kind {
    WSM_PEER_RAW = 0,       /* bytes from a socket: the library speaks HTTP/1.1, upgrades, and frames */
    WSM_PEER_WEBSOCKET = 1, /* the host did the upgrade; the library frames (RFC 6455, as the server) */
    WSM_PEER_MESSAGE = 2    /* the host frames too: one recv, and one vector, is one whole text message */
} wsm_peer_kind;

typedef struct wsm_peer {
    size_t size;
    wsm_peer_kind kind;
    int plain;                /* 1: messages go to on_data untouched, without the hub's protocol and without a token */
    const char *address;      /* the other end, as text, for limits and logs; NULL: not known, not limited */
    wsm_slice token;          /* WEBSOCKET and MESSAGE, unless plain: one of token ... */
    const wsm_claims *claims; /* ... or an identity that the host vouches for; it counts if both are there */
    const char *epoch;        /* WEBSOCKET and MESSAGE: resume after (epoch, after), 16 characters; NULL: first visit */
    uint64_t after;
    int encrypted; /* 1: the transport is TLS */
} wsm_peer;

/* Fills `peer` with zeroes and its size; `size` is sizeof(wsm_peer) as the caller knows it. Any thread. */
WSM_API void wsm_peer_init(wsm_peer *peer, size_t size);

/* Take up a new connection.
 *
 * Everything in `peer` is copied. `user` comes back in callbacks as `conn_user`. Callbacks may run inside. On success
 * `*conn` lives until wsm_conn_closed, or wsm_hub_free; it is NULL if that was called inside, as by a close_transport
 * for a peer of whole messages that is refused. A peer that is refused (its token, its agent's other connections; a RAW
 * one also for want of room) is still a success: the refusal waits as bytes and the connection is closing. Errors:
 * WSM_ERR_INVALID (also: claims that no token may have, an epoch that is not 16 long), WSM_ERR_VERSION, WSM_ERR_BUSY
 * (too many, from this address too, or over the hub's memory budget; of a peer that brings a token or an identity also
 * while the log loads), WSM_ERR_SHUTTING_DOWN, WSM_ERR_NOMEM; then `*conn` is NULL, no callback has heard of it, and
 * the transport is the host's to close. */
WSM_API int wsm_conn_new(wsm_conn **conn, wsm_hub *hub, const wsm_peer *peer, void *user);

/* Bytes have arrived.
 *
 * Takes all `len` bytes (nothing is kept of the caller's buffer). How the bytes are cut makes no difference, but to a
 * MESSAGE peer, where they are one whole message. len 0 does nothing. Callbacks may run inside; if close_transport was
 * among them and has called wsm_conn_closed, the handle is gone when this returns.
 * Errors: WSM_ERR_INVALID, WSM_ERR_REENTRANT (this connection is in wsm_conn_recv), WSM_ERR_CLOSED (bytes after the end
 * are ignored; not a reason for alarm), WSM_ERR_NOMEM (this connection closes with 1013). What the peer did wrong is no
 * error here: the library answers it. */
WSM_API int wsm_conn_recv(wsm_conn *conn, const void *bytes, size_t len);

/* Hand out the bytes that wait to be written, oldest first.
 *
 * Fills up to `cap` elements of `vec` and returns how many were filled; 0 means nothing waits. The bytes belong to the
 * library and stay valid until they are reported with wsm_conn_sent() or the connection is closed by wsm_conn_closed(),
 * so an asynchronous write may keep pointing at them. Made again before that, the call starts with the same bytes. For
 * a MESSAGE peer each element is one whole message (never split it). Cannot fail; NULL arguments yield 0.
 *
 * Outside of callbacks other callbacks may run inside, as in wsm_conn_recv: 0 may mean that the connection has ended.
 */
WSM_API size_t wsm_conn_pending(wsm_conn *conn, wsm_vec *vec, size_t cap);

/* The first `len` of the bytes handed out were written. A partial write is reported as the part that went; more than
 * was handed out counts as all of it. Callbacks may run inside, as in wsm_conn_recv: when the last word is written,
 * close_transport, after whose wsm_conn_closed the handle is gone. Cannot fail; NULL does nothing. */
WSM_API void wsm_conn_sent(wsm_conn *conn, size_t len);

/* How many bytes wait, handed out or not; 0 for NULL. */
WSM_API size_t wsm_conn_queued(const wsm_conn *conn);

/* The transport is gone. Ends the handle, and what wsm_conn_pending has handed out, in whatever state it is; call
 * exactly once, also after close_transport. Inside a callback it becomes a closed shell until the outermost call
 * returns. Callbacks may run inside. NULL does nothing. */
WSM_API void wsm_conn_closed(wsm_conn *conn);

/* The other end will send no more (a half-close). What waits is still written, and an HTTP request still answered, then
 * close_transport is called, perhaps inside. Twice, or NULL, does nothing. */
WSM_API void wsm_conn_eof(wsm_conn *conn);

/* Begin to close with `code` (1000, 1001, 1008, 1011 to 1014 or 3000-4999) and a reason of at most 123 bytes of UTF-8,
 * or NULL for the code's name; it is copied. A handshake or request that is under way gets 503. A MESSAGE peer is
 * written what waits, and close_transport is called, perhaps inside: the code is the host's to tell (on_conn_state).
 * Twice does nothing. Errors: WSM_ERR_INVALID (the code, the reason, or NULL). */
WSM_API int wsm_conn_close(wsm_conn *conn, uint16_t code, const char *reason);

/* Send one message to this connection alone: not a record. In plain mode any bytes (that a text is UTF-8 is the
 * caller's word); else `type` is text and the bytes are one strict JSON object. Copied. bytes_waiting may be called
 * inside. Errors: WSM_ERR_INVALID, WSM_ERR_BAD_JSON, WSM_ERR_STATE (not open), WSM_ERR_BUSY (the queue is full;
 * on_drained tells when to try again), WSM_ERR_TOO_LARGE (over 16 MiB, or over a limit of JSON in the configuration),
 * WSM_ERR_NOMEM. */
WSM_API int wsm_conn_send(wsm_conn *conn, wsm_data type, const void *bytes, size_t len, wsm_priority priority);

/* The answer to a token_check that said WSM_ERR_PENDING, of an upgrade, a `hello` or a peer that came with a token: err
 * 0 with claims (copied), or one of the errors that token_check may give. The token it was asked about stays valid
 * until then. Callbacks may run inside. Errors: WSM_ERR_INVALID (also: claims that no token may have), WSM_ERR_VERSION,
 * WSM_ERR_NOMEM: it still waits for an answer; WSM_ERR_STATE (nothing was asked, or the peer has gone meanwhile). */
WSM_API int wsm_conn_authorize(wsm_conn *conn, int err, const wsm_claims *claims);

/* What is known of it. Slices are valid until wsm_conn_closed; agent_id is absent before the token was accepted. */
typedef struct wsm_conn_info {
    size_t size;
    wsm_conn_state state;
    wsm_slice connection_id; /* a UUID */
    wsm_slice agent_id;
    wsm_slice address; /* as the host gave it; absent: it gave none */
    wsm_permission permission;
    wsm_kind kind;
    wsm_purpose purpose;
    uint64_t messages_in;
    uint64_t messages_out; /* handed out to be written */
    uint64_t bytes_in;
    uint64_t bytes_out; /* written */
    size_t queued_bytes;
    uint32_t queued_messages;
} wsm_conn_info;

/* Fills `info` with zeroes and its size; `size` is sizeof(wsm_conn_info) as the caller knows it. Any thread. */
WSM_API void wsm_conn_info_init(wsm_conn_info *info, size_t size);

/* Fill in what is known now; `info` was made by wsm_conn_info_init. Errors: WSM_ERR_INVALID. */
WSM_API int wsm_conn_info_get(const wsm_conn *conn, wsm_conn_info *info);

/* An HTTP request that is no upgrade. Lives until it was answered or its connection is gone; on_request_end tells. */

/* Method, path (without query, percent-encoded as sent), query (without its `?`; absent: there is none), body. Valid
 * until the request ends; absent for NULL. */
WSM_API wsm_slice wsm_request_method(const wsm_request *request);
WSM_API wsm_slice wsm_request_path(const wsm_request *request);
WSM_API wsm_slice wsm_request_query(const wsm_request *request);
WSM_API wsm_slice wsm_request_body(const wsm_request *request);

/* A header's value, its name compared without case; absent if there is none or more than one. Valid until the request
 * ends. */
WSM_API wsm_slice wsm_request_header(const wsm_request *request, const char *name);

/* The token in `Authorization: Bearer` or `X-Memory-Auth`, checked as an upgrade's is; what was good once stays so for
 * this request. `claims`, made by wsm_claims_init, is filled, its pointers valid until the request ends. token_check
 * and on_security may run inside. Errors: WSM_ERR_INVALID, WSM_ERR_UNAUTHORIZED (none), WSM_ERR_RATE_LIMITED (its
 * address is blocked for the tokens that were refused), WSM_ERR_TOKEN..., WSM_ERR_TOKEN_EXPIRED, whatever else
 * token_check gave, WSM_ERR_CLOSED (the request has ended inside a callback: the handle is dead), WSM_ERR_NOMEM. */
WSM_API int wsm_request_claims(wsm_request *request, wsm_claims *claims);

/* Keep your own pointer with the request; NULL at first. */
WSM_API void wsm_request_set_user(wsm_request *request, void *user);
WSM_API void *wsm_request_user(const wsm_request *request);

/* The connection that it came on, for wsm_conn_info_get and the like; NULL for NULL. */
WSM_API wsm_conn *wsm_request_conn(const wsm_request *request);

/* Answer: status 200-599, `headers` "Name: value\r\n" lines or NULL, which go out as they are, and a body that is
 * copied. Content-Length, Connection, Cache-Control and X-Content-Type-Options are the library's, as is `Content-Type:
 * application/json` unless `headers` has one. To HEAD the body is not sent. The connection closes after it. Ends
 * `request`; bytes_waiting and on_request_end run inside. Errors: WSM_ERR_INVALID (the request goes on), WSM_ERR_NOMEM
 * (it has ended, and its connection closes without an answer). */
WSM_API int wsm_request_respond(wsm_request *request, int status, const char *headers, const void *body, size_t len);

#ifdef __cplusplus
}
#endif

#endif
