/* The WebSocket handshake (RFC 6455, section 4) with the subprotocol wsm.v1, from both sides. */
#ifndef WSM_LIB_WIRE_UPGRADE_H
#define WSM_LIB_WIRE_UPGRADE_H

#include "util/buf.h"
#include "wire/http.h"

typedef struct wsm__upgrade {
    wsm_slice key;
    bool has_protocol; /* wsm.v1 was offered */
    bool any_protocol; /* some subprotocol was offered */
    wsm_slice token;   /* from Authorization: Bearer, X-Memory-Auth or wsm.token.<jwt>; absent: none */
    wsm_slice session; /* from X-Memory-Session or wsm.session.<token> */
    wsm_slice origin;  /* absent: none */
    wsm_slice epoch;   /* from ?epoch=&after= */
    uint64_t after;
} wsm__upgrade;

/* True if the request asks for an upgrade at all (it carries `Upgrade` or a Sec-WebSocket-Key). */
bool wsm__upgrade_is_wanted(const wsm__http_head *head);

/* Read and check. 0, or the status to refuse with: 400 (malformed: key not 16 bytes of base64, Connection without
 * upgrade, the token in two places with different values, Authorization that is not Bearer, epoch or after malformed, a
 * token in the URL), 405 (not GET), 426 (no `websocket` in Upgrade, or version not 13). `*why` gets a short static
 * sentence. */
int wsm__upgrade_read(const wsm__http_head *head, wsm__upgrade *out, const char **why);

/* The token of any request: Authorization: Bearer or X-Memory-Auth. 0, 400, or 401 for none. */
int wsm__http_token(const wsm__http_head *head, wsm_slice *token);

/* Write the 101 answer. `protocol` NULL: none is echoed. WSM_ERR_NOMEM via buf->err. */
int wsm__upgrade_accept(wsm__buf *out, wsm_slice key, const char *protocol);

/* Write a plain answer: status, extra header lines ("Name: value\r\n...", may be NULL), `Connection: close`, JSON body
 * or other `content_type`. */
void wsm__http_answer(wsm__buf *out, int status, const char *headers, const char *content_type, const void *body,
                      size_t len);

/* The client's side: write the request, remember the key; then check the answer. */
typedef struct wsm__upgrade_ask {
    const char *host, *path, *origin, *token, *epoch, *protocol; /* NULL: not sent, host and path excepted */
    uint64_t after;
} wsm__upgrade_ask;
void wsm__upgrade_write(wsm__buf *out, const wsm__upgrade_ask *ask, const unsigned char nonce[16]);
/* 0, WSM_ERR_REFUSED (a whole HTTP answer with another status than 101), or WSM_ERR_HTTP (an answer that breaks a rule:
 * accept value, Upgrade, Connection, a protocol or extension that was not asked for). */
int wsm__upgrade_verify(const wsm__http_head *head, const unsigned char nonce[16], const char *protocol);

#endif
