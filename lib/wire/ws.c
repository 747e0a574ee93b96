/* The message layer. The only user of wslay, and of its frame layer alone: it tracks a frame's state across any cut;
 * messages, limits and verdicts are ours.
 *
 * A frame's header is collected here first (14 bytes at most) and judged at each byte, because wslay shows a header
 * only together with payload, and does not check masks, reserved bits or opcodes. Then wslay is fed the header and
 * never a byte beyond the end of that frame. So a frame boundary of ours is one of wslay's, and a context between
 * frames holds nothing of anybody: it can serve another engine.
 *
 * The mask is taken off on the way to wslay, eight bytes at a time, and wslay sees an unmasked frame: it would go byte
 * by byte, which was a fifth of all that a message costs. */
#include "wire/ws.h"

#include <assert.h>
#include <string.h>
#include <wslay/wslay.h>

#include "wsm/error.h"

#define HEAD_BYTES_MAX     14u
#define CONTROL_BYTES_MAX  125u
#define CONTEXT_BYTES      4288u /* what wslay allocates for one (4 264 with malloc's own), rounded up */
#define FIN                0x80u
#define MASKED             0x80u
#define RESERVED           0x70u
#define CLOSE_CODE_ABSENT  1005u
#define CLOSE_PROTOCOL     1002u
#define CLOSE_NO_BINARY    1003u
#define CLOSE_INVALID_DATA 1007u
#define CLOSE_POLICY       1008u
#define CLOSE_TOO_BIG      1009u

typedef struct reader {
    struct reader *next; /* in the pool */
    wslay_frame_context_ptr context;
    const unsigned char *input; /* the caller's bytes, during a call */
    size_t input_len;
    unsigned char head[HEAD_BYTES_MAX];
    uint8_t head_len; /* 0: at a frame boundary */
    uint8_t head_fed; /* of it, to wslay */
    uint8_t control_len;
    unsigned char control[CONTROL_BYTES_MAX];
    unsigned char mask[8]; /* twice the key, turned so that its first byte is the next one's; zeroes: none */
    uint64_t unfed;        /* payload of this frame that wslay has not got */
    uint64_t left;         /* payload that wslay has not given back */
} reader;

struct wsm__ws_pool {
    wsm__mem *mem;
    reader *idle;
    size_t count, max;
};

typedef struct fault {
    uint16_t code; /* 0: none */
    const char *why;
} fault;

static const fault no_fault = {0, NULL};

/* ---- the pool ---- */

static size_t min_size(size_t a, uint64_t b) {
    return a < b ? a : (size_t)b;
}

/* Copies and takes off the mask (RFC 6455, section 5.3). */
static void unmask(uint8_t *to, const unsigned char *from, size_t len, unsigned char mask[8]) {
    uint64_t key, word;
    unsigned char turned[8];
    size_t i = 0;
    memcpy(&key, mask, sizeof key);
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, from + i, sizeof word);
        word ^= key;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < len; i++) to[i] = from[i] ^ mask[i % 4];
    for (i = 0; i < sizeof turned; i++) turned[i] = mask[(len + i) % 4];
    memcpy(mask, turned, sizeof turned);
}

/* wslay asks for bytes: the rest of the header, then payload up to the end of the frame. */
static ssize_t feed(uint8_t *to, size_t room, int flags, void *user) {
    (void)flags;
    reader *r = user;
    size_t head = min_size(room, (uint64_t)(r->head_len - r->head_fed));
    memcpy(to, r->head + r->head_fed, head);
    r->head_fed = (uint8_t)(r->head_fed + head);

    size_t body = min_size(min_size(room - head, r->input_len), r->unfed);
    if (body > 0) {
        unmask(to + head, r->input, body, r->mask);
        r->input += body;
        r->input_len -= body;
        r->unfed -= body;
    }
    return head + body > 0 ? (ssize_t)(head + body) : -1;
}

static void reader_free(wsm__ws_pool *pool, reader *r) {
    wslay_frame_context_free(r->context);
    wsm__mem_uncharge(pool->mem, CONTEXT_BYTES);
    wsm__free(pool->mem, r, sizeof *r);
}

static reader *reader_new(wsm__ws_pool *pool) {
    static const struct wslay_frame_callbacks callbacks = {NULL, feed, NULL};
    reader *r = wsm__zalloc(pool->mem, sizeof *r);
    if (!r) return NULL;
    if (wsm__mem_charge(pool->mem, CONTEXT_BYTES) != 0) goto fail;
    if (wslay_frame_context_init(&r->context, &callbacks, r) == 0) return r;
    wsm__mem_uncharge(pool->mem, CONTEXT_BYTES);
fail:
    wsm__free(pool->mem, r, sizeof *r);
    return NULL;
}

static reader *pool_take(wsm__ws_pool *pool) {
    reader *r = pool->idle;
    if (!r) return reader_new(pool);
    pool->idle = r->next;
    pool->count--;
    return r;
}

static void pool_put(wsm__ws_pool *pool, reader *r) {
    if (r->head_len > 0 || pool->count >= pool->max) {
        reader_free(pool, r); /* amid a frame it is of no use to anyone else */
        return;
    }
    r->next = pool->idle;
    pool->idle = r;
    pool->count++;
}

wsm__ws_pool *wsm__ws_pool_new(wsm__mem *mem, size_t max) {
    wsm__ws_pool *pool = wsm__zalloc(mem, sizeof *pool);
    if (!pool) return NULL;
    pool->mem = mem;
    pool->max = max;
    return pool;
}

void wsm__ws_pool_free(wsm__ws_pool *pool) {
    if (!pool) return;
    while (pool->idle) {
        reader *r = pool->idle;
        pool->idle = r->next;
        reader_free(pool, r);
    }
    wsm__free(pool->mem, pool, sizeof *pool);
}

/* ---- headers (RFC 6455, section 5.2) ---- */

static bool is_control(uint8_t opcode) {
    return opcode >= WSLAY_CONNECTION_CLOSE;
}

static uint8_t head_opcode(const reader *r) {
    return r->head[0] & 0x0f;
}

static bool head_is_fin(const reader *r) {
    return (r->head[0] & FIN) != 0;
}

static size_t length_bytes(const reader *r) {
    unsigned char short_len = r->head[1] & 0x7f;
    return short_len < 126 ? 0 : short_len == 126 ? 2 : 8;
}

static bool head_is_whole(const reader *r) {
    if (r->head_len < 2) return false;
    return r->head_len == 2 + length_bytes(r) + (r->head[1] & MASKED ? 4 : 0);
}

static uint64_t head_length(const reader *r) {
    size_t count = length_bytes(r);
    if (count == 0) return r->head[1] & 0x7f;
    uint64_t length = 0;
    for (size_t i = 0; i < count; i++) length = length << 8 | r->head[2 + i];
    return length;
}

static fault check_first_byte(const wsm__ws *ws, const reader *r) {
    uint8_t opcode = head_opcode(r);
    if (r->head[0] & RESERVED) return (fault){CLOSE_PROTOCOL, "a reserved bit is set"};
    switch (opcode) {
    case WSLAY_CONTINUATION_FRAME: return ws->opcode ? no_fault : (fault){CLOSE_PROTOCOL, "a continuation of nothing"};
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME: return ws->opcode ? (fault){CLOSE_PROTOCOL, "a new message inside another"} : no_fault;
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG: return head_is_fin(r) ? no_fault : (fault){CLOSE_PROTOCOL, "a fragmented control frame"};
    default: return (fault){CLOSE_PROTOCOL, "an unknown opcode"};
    }
}

static fault check_second_byte(const wsm__ws *ws, const reader *r) {
    bool masked = (r->head[1] & MASKED) != 0;
    if (masked != ws->from_client) {
        return (fault){CLOSE_PROTOCOL, masked ? "a masked frame from a server" : "an unmasked frame from a client"};
    }
    if (is_control(head_opcode(r)) && (r->head[1] & 0x7f) > CONTROL_BYTES_MAX) {
        return (fault){CLOSE_PROTOCOL, "a control frame over 125 bytes"};
    }
    return no_fault;
}

static fault check_whole_head(const wsm__ws *ws, const reader *r) {
    uint64_t length = head_length(r);
    size_t count = length_bytes(r);
    if (length >> 63) return (fault){CLOSE_PROTOCOL, "a length over 63 bits"};
    if ((count == 2 && length < 126) || (count == 8 && length <= 0xffff)) {
        return (fault){CLOSE_PROTOCOL, "a length in more bytes than needed"};
    }
    if (is_control(head_opcode(r))) return no_fault;

    if (head_opcode(r) == WSLAY_BINARY_FRAME && !ws->limits->binary)
        return (fault){CLOSE_NO_BINARY, "a binary message"};
    if (ws->fragments >= ws->limits->fragments_max) return (fault){CLOSE_POLICY, "too many fragments"};
    assert(ws->message.len <= ws->limits->message_bytes_max);
    if (length > ws->limits->message_bytes_max - ws->message.len)
        return (fault){CLOSE_TOO_BIG, "a message over the limit"};
    return no_fault;
}

/* Takes the mask out of the header. */
static void take_mask(reader *r) {
    memset(r->mask, 0, sizeof r->mask);
    if (!(r->head[1] & MASKED)) return;
    r->head[1] &= 0x7f;
    r->head_len = (uint8_t)(r->head_len - 4);
    memcpy(r->mask, r->head + r->head_len, 4);
    memcpy(r->mask + 4, r->mask, 4);
}

static void begin_payload(wsm__ws *ws, reader *r) {
    r->unfed = r->left = head_length(r);
    take_mask(r);
    r->head_fed = 0;
    r->control_len = 0;
    if (is_control(head_opcode(r))) return;
    ws->fragments++;
    if (head_opcode(r) != WSLAY_CONTINUATION_FRAME) ws->opcode = head_opcode(r);
}

/* Collect header bytes from the input until the header is whole or breaks a rule. */
static fault take_head(wsm__ws *ws, reader *r) {
    while (r->input_len > 0 && !head_is_whole(r)) {
        r->head[r->head_len++] = *r->input++;
        r->input_len--;
        fault found = no_fault;
        if (r->head_len == 1) found = check_first_byte(ws, r);
        if (r->head_len == 2) found = check_second_byte(ws, r);
        if (found.code == 0 && head_is_whole(r)) found = check_whole_head(ws, r);
        if (found.code != 0) return found;
        if (head_is_whole(r)) begin_payload(ws, r);
    }
    return no_fault;
}

/* ---- payloads ---- */

bool wsm__ws_close_code_is_valid(uint16_t code) {
    if (code >= 3000) return code <= 4999;
    if (code < 1000 || code > 1014) return false;
    return code != 1004 && code != CLOSE_CODE_ABSENT && code != 1006;
}

static fault take_close(const reader *r, wsm__ws_event *event) {
    *event = (wsm__ws_event){.kind = WSM__WS_CLOSE, .code = CLOSE_CODE_ABSENT, .payload = {"", 0}};
    if (r->control_len == 0) return no_fault;
    if (r->control_len == 1) return (fault){CLOSE_PROTOCOL, "a close frame with half a code"};
    event->code = (uint16_t)(r->control[0] << 8 | r->control[1]);
    event->payload = wsm__slice((const char *)r->control + 2, r->control_len - 2u);
    if (!wsm__ws_close_code_is_valid(event->code)) return (fault){CLOSE_PROTOCOL, "a close code that may not be sent"};
    if (!wsm__utf8_is_valid(event->payload.ptr, event->payload.len)) {
        return (fault){CLOSE_INVALID_DATA, "a close reason that is not UTF-8"};
    }
    return no_fault;
}

static fault take_control(wsm__ws *ws, reader *r, const struct wslay_frame_iocb *part, wsm__ws_event *event) {
    memcpy(r->control + r->control_len, part->data, part->data_length);
    r->control_len = (uint8_t)(r->control_len + part->data_length);
    if (r->left > 0) return no_fault;
    if (head_opcode(r) == WSLAY_CONNECTION_CLOSE) {
        ws->dead = true;
        return take_close(r, event);
    }
    event->kind = head_opcode(r) == WSLAY_PING ? WSM__WS_PING : WSM__WS_PONG;
    event->payload = wsm__slice((const char *)r->control, r->control_len);
    return no_fault;
}

/* A message that lies whole in one part is given out where it lies; any other is collected in `message`. */
static fault take_data(wsm__ws *ws, reader *r, const struct wslay_frame_iocb *part, wsm__ws_event *event) {
    static const fault bad_text = {CLOSE_INVALID_DATA, "text that is not UTF-8"};
    bool ends = r->left == 0 && head_is_fin(r);
    bool is_text = ws->opcode == WSLAY_TEXT_FRAME;
    if (is_text && !wsm__utf8_feed(&ws->utf8, part->data, part->data_length)) return bad_text;

    wsm_slice payload = wsm__slice((const char *)part->data, part->data_length);
    if (!ends || ws->message.len > 0) {
        wsm__buf_put(&ws->message, part->data, part->data_length);
        payload = wsm__slice(ws->message.ptr, ws->message.len);
    }
    if (!ends || ws->message.err != 0) return no_fault;
    if (is_text && !wsm__utf8_is_whole(&ws->utf8)) return bad_text;

    event->kind = is_text ? WSM__WS_TEXT : WSM__WS_BINARY;
    event->payload = payload;
    ws->release_message = ws->message.cap > 0;
    ws->opcode = 0; /* and `utf8` is at its start again, since the text was whole */
    ws->fragments = 0;
    return no_fault;
}

/* ---- the engine ---- */

void wsm__ws_init(wsm__ws *ws, wsm__mem *mem, wsm__ws_pool *pool, const wsm__ws_limits *limits, bool from_client) {
    *ws = (wsm__ws){.pool = pool, .limits = limits, .from_client = from_client};
    wsm__buf_init(&ws->message, mem, limits->message_bytes_max);
    wsm__utf8_init(&ws->utf8);
}

static void give_back(wsm__ws *ws) {
    if (ws->frame) pool_put(ws->pool, ws->frame);
    ws->frame = NULL;
}

void wsm__ws_fini(wsm__ws *ws) {
    give_back(ws);
    wsm__buf_fini(&ws->message);
}

static void die(wsm__ws *ws) {
    ws->dead = true;
    ws->opcode = 0;
    wsm__ws_fini(ws);
}

/* Go on until there is an event, a fault, or nothing left to go on with. */
static fault advance(wsm__ws *ws, reader *r, wsm__ws_event *event) {
    while (event->kind == WSM__WS_NONE && ws->message.err == 0) {
        if (!head_is_whole(r)) {
            fault found = take_head(ws, r);
            if (found.code != 0 || !head_is_whole(r)) return found;
        }
        struct wslay_frame_iocb part = {0};
        ssize_t got = wslay_frame_recv(r->context, &part);
        if (got == WSLAY_ERR_WANT_READ) return no_fault;
        if (got < 0) return (fault){CLOSE_PROTOCOL, "a malformed frame"};

        r->left -= part.data_length;
        bool control = is_control(head_opcode(r));
        fault found = control ? take_control(ws, r, &part, event) : take_data(ws, r, &part, event);
        if (found.code != 0) return found;
        if (r->left == 0) r->head_len = 0;
    }
    return no_fault;
}

int wsm__ws_recv(wsm__ws *ws, const void *bytes, size_t len, size_t *used, wsm__ws_event *event) {
    *event = (wsm__ws_event){.kind = WSM__WS_NONE};
    *used = 0;
    if (ws->release_message) wsm__buf_fini(&ws->message);
    ws->release_message = false;
    if (ws->dead) {
        give_back(ws);
        *used = len;
        return 0;
    }
    if (len > 0 && !ws->frame) ws->frame = pool_take(ws->pool);
    reader *r = ws->frame;
    if (!r) {
        if (len > 0) die(ws);
        return len > 0 ? WSM_ERR_NOMEM : 0;
    }

    r->input = bytes;
    r->input_len = len;
    fault found = advance(ws, r, event);
    *used = len - r->input_len;
    r->input = NULL;
    r->input_len = 0;

    if (ws->message.err != 0) {
        *event = (wsm__ws_event){.kind = WSM__WS_NONE};
        die(ws);
        return WSM_ERR_NOMEM;
    }
    if (found.code != 0) {
        *event = (wsm__ws_event){.kind = WSM__WS_ERROR, .code = found.code, .why = found.why};
        die(ws);
        return 0;
    }
    if (event->kind == WSM__WS_NONE && r->head_len == 0) give_back(ws);
    return 0;
}

bool wsm__ws_is_mid_message(const wsm__ws *ws) {
    return ws->opcode != 0 || (ws->frame && ((const reader *)ws->frame)->head_len > 0);
}
