/* WebSocket messages (RFC 6455) on wslay's frame layer: reassembly with limits, UTF-8, control frames, closing codes.
 *
 * Pull style: give bytes, take events, until the bytes are used up. The events are the same for every way the bytes are
 * cut (I-60). Between messages an engine holds no wslay context and no buffer: contexts are borrowed from a pool that
 * all engines of a hub share, and go back at each frame boundary at which input ends. */
#ifndef WSM_LIB_WIRE_WS_H
#define WSM_LIB_WIRE_WS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/utf8.h"

typedef struct wsm__ws_pool
    wsm__ws_pool; /* idle wslay contexts, at most `max` kept; their bytes are charged to `mem` */
wsm__ws_pool *wsm__ws_pool_new(wsm__mem *mem, size_t max);
void wsm__ws_pool_free(wsm__ws_pool *pool);

typedef struct wsm__ws_limits {
    size_t message_bytes_max;
    uint32_t fragments_max;
    bool binary; /* false: a binary message is closed with 1003 */
} wsm__ws_limits;

typedef enum wsm__ws_kind {
    WSM__WS_NONE = 0, /* all bytes are used, nothing complete */
    WSM__WS_TEXT,
    WSM__WS_BINARY,
    WSM__WS_PING,
    WSM__WS_PONG,
    WSM__WS_CLOSE, /* code 1005 if the frame had none; payload is the reason */
    WSM__WS_ERROR  /* the peer broke a rule: close with `code`; the engine takes nothing more */
} wsm__ws_kind;

typedef struct wsm__ws_event {
    wsm__ws_kind kind;
    wsm_slice payload; /* valid until the next call */
    uint16_t code;
    const char *why; /* for WSM__WS_ERROR: which rule, static */
} wsm__ws_event;

typedef struct wsm__ws {
    wsm__ws_pool *pool;
    const wsm__ws_limits *limits; /* shared, must outlive the engine */
    bool from_client;             /* true: we are the server, frames must be masked */
    bool dead;
    void *frame;      /* borrowed frame reader, NULL at a boundary */
    wsm__buf message; /* reassembly; empty between messages */
    uint8_t opcode;   /* of the message under way; 0: none */
    uint32_t fragments;
    wsm__utf8 utf8;
    bool release_message; /* message was handed out as an event; forget it at the next call */
} wsm__ws;

void wsm__ws_init(wsm__ws *ws, wsm__mem *mem, wsm__ws_pool *pool, const wsm__ws_limits *limits, bool from_client);
void wsm__ws_fini(wsm__ws *ws);

/* Consume some of the bytes; `*used` says how many. Returns 0 with one event, or WSM_ERR_NOMEM (the engine is then
 * dead, close with 1013). Call again with the rest until the event is NONE. */
int wsm__ws_recv(wsm__ws *ws, const void *bytes, size_t len, size_t *used, wsm__ws_event *event);

bool wsm__ws_is_mid_message(const wsm__ws *ws);  /* a fragmented or partial message is under way */
bool wsm__ws_close_code_is_valid(uint16_t code); /* may stand in a close frame on the wire (section 7.4) */

#endif
