/* A link: what a server's connection and a client share once they are upgraded. Receives through `ws`, answers pings,
 * performs the close handshake, tells silence by strikes. It owns the control frames that wait; data frames are its
 * owner's. No clock is read: `now` is handed down, deadlines are asked for. */
#ifndef WSM_LIB_WIRE_LINK_H
#define WSM_LIB_WIRE_LINK_H

#include "util/bucket.h"
#include "util/ring.h"
#include "wire/frame.h"
#include "wire/ws.h"

#define WSM__LINK_PONGS 16 /* answers that wait; further pings are answered by the newest only */

typedef enum wsm__link_state {
    WSM__LINK_OPEN = 0,
    WSM__LINK_CLOSE_QUEUED, /* our close frame waits or was handed out; the peer's has not come */
    WSM__LINK_CLOSE_BOTH,   /* the peer's has come, or after an error is not waited for; done once ours is written */
    WSM__LINK_DEAD          /* over: cut the transport when nothing is left to write */
} wsm__link_state;

typedef struct wsm__link_limits {
    wsm__ws_limits ws;
    uint32_t control_per_s, control_burst; /* more: closed with 1008 */
    uint32_t assembly_timeout_ms;          /* 0: none */
    uint32_t close_timeout_ms;             /* 0: the other side may take as long as it likes */
    uint32_t ping_interval_ms;             /* 0: no heartbeat */
    uint32_t ping_strikes;                 /* intervals without a sign of life after a ping, then 4012; 0: never */
} wsm__link_limits;

typedef struct wsm__link {
    wsm__link_state state;
    bool masked;        /* we are a client */
    bool pinged;        /* since the last byte */
    bool waited;        /* there was output at the last heartbeat */
    bool went;          /* some output went since then */
    bool close_at_once; /* it does not wait for data: the peer has closed, or broke a rule */
    bool close_written;
    wsm__frame *close; /* our close frame until it is handed out */
    wsm__ring control; /* of wsm__frame *: pongs and pings, in order */
    uint32_t pongs;    /* pongs among them */
    uint32_t strikes;
    uint16_t code_sent, code_recv; /* 0: none yet */
    int32_t jitter;                /* ms */
    wsm__mem *mem;
    const wsm__link_limits *limits;
    wsm__ws ws;
    wsm__bucket control_rate;
    uint64_t heard_at;    /* monotonic ms of the last byte */
    uint64_t ping_at;     /* when to ping, or to count a strike */
    uint64_t assembly_by; /* 0: no message under way */
    uint64_t close_by;    /* 0: not closing */
    int (*random)(void *user, void *bytes, size_t len);
    void *random_user;
    wsm__frame *reserve; /* a close frame (1013) made beforehand, for when memory is out (I-65) */
    uint64_t pings_in, pings_out, pongs_in;
    uint64_t ping_sent_at;
    uint32_t rtt_ms; /* rolling average of answered pings; 0: none yet */
} wsm__link;

/* `jitter` spreads the heartbeats: -ping_interval/10 .. +ping_interval/10, chosen by the owner. random may be NULL on
 * the server's side. WSM_ERR_NOMEM: nothing is held. */
int wsm__link_init(wsm__link *link, wsm__mem *mem, wsm__ws_pool *pool, const wsm__link_limits *limits, bool masked,
                   int (*random)(void *, void *, size_t), void *random_user, uint64_t now, int32_t jitter);
void wsm__link_fini(wsm__link *link);

/* As wsm__ws_recv, but pings, pongs, closes and errors are dealt with inside: only TEXT, BINARY and NONE come out, and
 * CLOSE once, with the code that the owner should report (the peer's, or ours for its error), `why` set when the peer
 * broke a rule. After the peer's close or an error further input is ignored. Never fails: out of memory closes with
 * 1013. */
void wsm__link_recv(wsm__link *link, const void *bytes, size_t len, size_t *used, wsm__ws_event *event, uint64_t now);

/* Begin the close handshake. Twice does nothing. `reason` is cut at 123 bytes on a character's edge. */
void wsm__link_close(wsm__link *link, uint16_t code, wsm_slice reason, uint64_t now);

/* The next control frame to hand out, ownership of the reference moves to the caller; NULL: none. `*is_close` says that
 * nothing may follow it. Control frames go before data, but the close frame only when `data_waiting` is false or the
 * link was closed for an error: what was accepted before a clean close still goes out first. */
wsm__frame *wsm__link_take(wsm__link *link, bool data_waiting, bool *is_close);
bool wsm__link_has_control(const wsm__link *link); /* something for wsm__link_take */
void wsm__link_wrote(wsm__link *link, bool all);   /* bytes went; if all that was handed out: CLOSE_BOTH becomes DEAD */

/* What is due: pings and strikes (4012), the assembly time (1008), the close timeout (DEAD). `waits`: there is output,
 * the link's own included. Returns the next deadline in monotonic ms, UINT64_MAX for none. `*pinged` is set when a ping
 * was queued. */
uint64_t wsm__link_tick(wsm__link *link, uint64_t now, bool waits, bool *pinged);

#endif
