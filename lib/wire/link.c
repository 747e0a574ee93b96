/* The life of an upgraded connection. Its four states are changed in `transit` alone:
 *
 *     OPEN --we close--> CLOSE_QUEUED --peer's close, or an error--> CLOSE_BOTH --all written--> DEAD
 *       `---------------peer's close, or an error------------------------^          time is up --^
 *
 * Every byte from the peer proves it alive. So does output that waited and goes: our ping stands behind it, on a slow
 * link for minutes. A ping carries its number, so that its own pong can be told from any other.
 */
#include "wire/link.h"

#include <assert.h>

#include "limits.h"

#define OPCODE   0x0fu
#define OP_CLOSE 0x8u
#define OP_PING  0x9u
#define OP_PONG  0xau

#define CODE_ABSENT   1005u
#define CODE_POLICY   1008u
#define CODE_OVERLOAD 1013u
#define CODE_SILENT   4012u

#define PING_BYTES 8u

typedef enum link_event { WE_CLOSE, PEER_CLOSED, PEER_FAILED, WROTE_ALL, TIME_UP } link_event;

static void transit(wsm__link *link, link_event event) {
    switch (event) {
    case WE_CLOSE:
        if (link->state == WSM__LINK_OPEN) link->state = WSM__LINK_CLOSE_QUEUED;
        return;
    case PEER_CLOSED:
    case PEER_FAILED:
        if (link->state < WSM__LINK_CLOSE_BOTH) link->state = WSM__LINK_CLOSE_BOTH;
        if (link->close_written) link->state = WSM__LINK_DEAD;
        return;
    case WROTE_ALL:
        if (link->state == WSM__LINK_CLOSE_BOTH && link->close_written) link->state = WSM__LINK_DEAD;
        return;
    case TIME_UP: link->state = WSM__LINK_DEAD; return;
    }
}

/* ---- control frames ---- */

static wsm__frame *control_frame(wsm__link *link, uint8_t opcode, const void *payload, size_t len) {
    unsigned char mask[4];
    if (!link->masked) return wsm__frame_of(link->mem, opcode, payload, len, NULL);
    if (link->random(link->random_user, mask, sizeof mask) != 0) return NULL;
    return wsm__frame_of(link->mem, opcode, payload, len, mask);
}

static wsm__frame *close_frame(wsm__link *link, uint16_t code, wsm_slice reason) {
    unsigned char payload[2 + WSM__CLOSE_REASON_MAX];
    if (code == CODE_ABSENT) return control_frame(link, OP_CLOSE, NULL, 0);
    size_t len = reason.len;
    if (len > WSM__CLOSE_REASON_MAX) {
        len = WSM__CLOSE_REASON_MAX;
        while (len > 0 && ((unsigned char)reason.ptr[len] & 0xc0) == 0x80) len--;
    }
    payload[0] = (unsigned char)(code >> 8);
    payload[1] = (unsigned char)code;
    if (len > 0) memcpy(payload + 2, reason.ptr, len);
    return control_frame(link, OP_CLOSE, payload, 2 + len);
}

static uint8_t opcode_of(const wsm__frame *frame) {
    return (unsigned char)wsm__frame_bytes(frame).ptr[0] & OPCODE;
}

static wsm__frame **control_at(const wsm__link *link, uint32_t idx) {
    return wsm__ring_at(&link->control, idx);
}

/* The newest waiting frame of that kind, or NULL. Few ever wait: the pongs, and one ping. */
static wsm__frame **control_find(const wsm__link *link, uint8_t opcode) {
    for (uint32_t i = link->control.count; i-- > 0;) {
        if (opcode_of(*control_at(link, i)) == opcode) return control_at(link, i);
    }
    return NULL;
}

static int control_push(wsm__link *link, wsm__frame *frame) {
    wsm__frame **slot = frame ? wsm__ring_push(&link->control, link->mem) : NULL;
    if (!slot) {
        wsm__frame_unref(frame);
        return WSM_ERR_NOMEM;
    }
    *slot = frame;
    return 0;
}

static int answer_ping(wsm__link *link, wsm_slice payload) {
    bool may_send = link->state == WSM__LINK_OPEN || link->close;
    if (!may_send) return 0;
    wsm__frame *pong = control_frame(link, OP_PONG, payload.ptr, payload.len);
    if (link->pongs >= WSM__LINK_PONGS && pong) {
        wsm__frame **newest = control_find(link, OP_PONG);
        wsm__frame_unref(*newest);
        *newest = pong;
        return 0;
    }
    if (control_push(link, pong) != 0) return WSM_ERR_NOMEM;
    link->pongs++;
    return 0;
}

static void number_write(unsigned char to[PING_BYTES], uint64_t number) {
    for (size_t i = 0; i < PING_BYTES; i++) to[i] = (unsigned char)(number >> (8 * (PING_BYTES - 1 - i)));
}

static void note_pong(wsm__link *link, wsm_slice payload, uint64_t now) {
    unsigned char expected[PING_BYTES];
    link->pongs_in++;
    number_write(expected, link->pings_out);
    if (link->ping_sent_at == 0 || !wsm__slice_eq(payload, wsm__slice((const char *)expected, PING_BYTES))) return;
    uint64_t passed = now > link->ping_sent_at ? now - link->ping_sent_at : 0;
    uint32_t sample = passed >= UINT32_MAX ? UINT32_MAX : passed == 0 ? 1 : (uint32_t)passed;
    link->rtt_ms = link->rtt_ms == 0 ? sample : (uint32_t)(((uint64_t)link->rtt_ms * 7 + sample + 7) / 8);
    link->ping_sent_at = 0;
}

/* ---- closing ---- */

/* Queue our close frame, once. Without memory the reserve says 1013 in its place. */
static void queue_close(wsm__link *link, uint16_t code, wsm_slice reason, uint64_t now) {
    if (link->code_sent != 0) return;
    link->close = close_frame(link, code, reason);
    link->code_sent = link->close ? code : CODE_OVERLOAD;
    if (!link->close) {
        link->close = link->reserve;
        link->reserve = NULL;
    }
    link->close_by = link->limits->close_timeout_ms ? now + link->limits->close_timeout_ms : UINT64_MAX;
}

static wsm_slice name_of(uint16_t code) {
    return wsm__slice_str(wsm_close_name(code));
}

static void fail(wsm__link *link, uint16_t code, const char *why, wsm__ws_event *event, uint64_t now) {
    queue_close(link, code, name_of(code), now);
    link->close_at_once = true;
    transit(link, PEER_FAILED);
    *event = (wsm__ws_event){.kind = WSM__WS_CLOSE, .code = code, .why = why};
}

static void note_close(wsm__link *link, const wsm__ws_event *event, uint64_t now) {
    link->code_recv = event->code;
    queue_close(link, event->code, (wsm_slice){NULL, 0}, now);
    link->close_at_once = true;
    transit(link, PEER_CLOSED);
}

void wsm__link_close(wsm__link *link, uint16_t code, wsm_slice reason, uint64_t now) {
    if (link->state != WSM__LINK_OPEN) return;
    queue_close(link, code, reason, now);
    transit(link, WE_CLOSE);
}

/* ---- life ---- */

static void ping_rearm(wsm__link *link, uint64_t now) {
    link->ping_at = now + (uint64_t)((int64_t)link->limits->ping_interval_ms + link->jitter);
}

int wsm__link_init(wsm__link *link, wsm__mem *mem, wsm__ws_pool *pool, const wsm__link_limits *limits, bool masked,
                   int (*random)(void *, void *, size_t), void *random_user, uint64_t now, int32_t jitter) {
    *link = (wsm__link){.mem = mem, .limits = limits, .masked = masked, .random = random, .random_user = random_user};
    assert(!masked || random);
    link->jitter = jitter;
    link->heard_at = now;
    wsm__ring_init(&link->control, sizeof(wsm__frame *));
    wsm__ws_init(&link->ws, mem, pool, &limits->ws, !masked);
    ping_rearm(link, now);
    link->reserve = close_frame(link, CODE_OVERLOAD, name_of(CODE_OVERLOAD));
    return link->reserve ? 0 : WSM_ERR_NOMEM;
}

void wsm__link_fini(wsm__link *link) {
    for (uint32_t i = 0; i < link->control.count; i++) wsm__frame_unref(*control_at(link, i));
    wsm__ring_fini(&link->control, link->mem);
    wsm__frame_unref(link->close);
    wsm__frame_unref(link->reserve);
    wsm__ws_fini(&link->ws);
    link->close = link->reserve = NULL;
    link->pongs = 0;
    link->state = WSM__LINK_DEAD;
}

/* ---- bytes in ---- */

/* Deal with what is not for the owner; true if the event was used up. */
static bool take_event(wsm__link *link, wsm__ws_event *event, uint64_t now) {
    const wsm__link_limits *limits = link->limits;
    switch (event->kind) {
    case WSM__WS_PING:
    case WSM__WS_PONG:
        if (!wsm__bucket_take(&link->control_rate, now, limits->control_per_s, limits->control_burst, 1)) {
            fail(link, CODE_POLICY, "too many control frames", event, now);
            return false;
        }
        if (event->kind == WSM__WS_PONG) {
            note_pong(link, event->payload, now);
            return true;
        }
        link->pings_in++;
        if (answer_ping(link, event->payload) == 0) return true;
        fail(link, CODE_OVERLOAD, "out of memory", event, now);
        return false;
    case WSM__WS_CLOSE: note_close(link, event, now); return false;
    case WSM__WS_ERROR: fail(link, event->code, event->why, event, now); return false;
    case WSM__WS_NONE:
    case WSM__WS_TEXT:
    case WSM__WS_BINARY: break;
    }
    return false;
}

void wsm__link_recv(wsm__link *link, const void *bytes, size_t len, size_t *used, wsm__ws_event *event, uint64_t now) {
    const char *at = bytes;
    *used = 0;
    *event = (wsm__ws_event){.kind = WSM__WS_NONE};
    if (link->state >= WSM__LINK_CLOSE_BOTH) {
        wsm__ws_fini(&link->ws);
        *used = len;
        return;
    }
    if (len > 0) {
        link->heard_at = now;
        link->strikes = 0;
        link->pinged = false;
        ping_rearm(link, now);
    }
    do {
        size_t part;
        int err = wsm__ws_recv(&link->ws, len > 0 ? at + *used : at, len - *used, &part, event);
        *used += part;
        if (err != 0) fail(link, CODE_OVERLOAD, "out of memory", event, now);
        if (!wsm__ws_is_mid_message(&link->ws)) {
            link->assembly_by = 0;
        } else if (link->assembly_by == 0 && link->limits->assembly_timeout_ms > 0) {
            link->assembly_by = now + link->limits->assembly_timeout_ms;
        }
        if (err != 0) return;
    } while (take_event(link, event, now));
}

/* ---- bytes out ---- */

bool wsm__link_has_control(const wsm__link *link) {
    return link->control.count > 0 || link->close;
}

wsm__frame *wsm__link_take(wsm__link *link, bool data_waiting, bool *is_close) {
    *is_close = false;
    if (link->control.count > 0) {
        wsm__frame *frame = *control_at(link, 0);
        wsm__ring_pop(&link->control, link->mem);
        if (link->control.count == 0) wsm__ring_fini(&link->control, link->mem); /* an idle link keeps no storage */
        if (opcode_of(frame) == OP_PONG) link->pongs--;
        return frame;
    }
    if (!link->close || (data_waiting && !link->close_at_once)) return NULL;
    wsm__frame *frame = link->close;
    link->close = NULL;
    *is_close = true;
    return frame;
}

void wsm__link_wrote(wsm__link *link, bool all) {
    link->went = true;
    if (!all) return;
    if (link->code_sent != 0 && !link->close) link->close_written = true;
    transit(link, WROTE_ALL);
}

/* ---- time ---- */

static void close_for(wsm__link *link, uint16_t code, uint64_t now) {
    wsm__link_close(link, code, name_of(code), now);
    link->close_at_once = true;
}

/* One ping at most waits: behind a stalled peer more would only pile up. Without memory the strike still counts. */
static bool queue_ping(wsm__link *link, uint64_t now) {
    unsigned char payload[PING_BYTES];
    if (control_find(link, OP_PING)) return false;
    number_write(payload, link->pings_out + 1);
    if (control_push(link, control_frame(link, OP_PING, payload, sizeof payload)) != 0) return false;
    link->pings_out++;
    link->ping_sent_at = now;
    return true;
}

static bool beat(wsm__link *link, uint64_t now, bool waits) {
    bool reads = link->waited && link->went; /* what stood before the last ping, which may not have gone out yet */
    link->waited = waits;
    link->went = false;
    if (link->pinged && !reads) link->strikes++;
    if (link->strikes > 0 && link->strikes == link->limits->ping_strikes) {
        close_for(link, CODE_SILENT, now);
        return false;
    }
    link->pinged = true;
    ping_rearm(link, now);
    return queue_ping(link, now);
}

uint64_t wsm__link_tick(wsm__link *link, uint64_t now, bool waits, bool *pinged) {
    bool beats = link->limits->ping_interval_ms > 0;
    *pinged = false;
    if (link->code_sent != 0 && now >= link->close_by) transit(link, TIME_UP);
    if (link->state == WSM__LINK_OPEN && link->assembly_by != 0 && now >= link->assembly_by) {
        close_for(link, CODE_POLICY, now);
    }
    if (link->state == WSM__LINK_OPEN && beats && now >= link->ping_at) *pinged = beat(link, now, waits);

    if (link->state == WSM__LINK_DEAD) return UINT64_MAX;
    if (link->state != WSM__LINK_OPEN) return link->close_by;
    uint64_t next = beats ? link->ping_at : UINT64_MAX;
    if (link->assembly_by != 0 && link->assembly_by < next) next = link->assembly_by;
    return next;
}
