/* The queue of what was handed out: a ring of frames, and how far into the first one the host has come. */
#include "wire/outq.h"

static wsm__frame *frame_at(const wsm__outq *q, uint32_t idx) {
    return *(wsm__frame **)wsm__ring_at(&q->frames, idx);
}

static wsm_slice part_of(const wsm__outq *q, const wsm__frame *frame) {
    return q->payload_only ? wsm__frame_payload(frame) : wsm__frame_bytes(frame);
}

static void pop(wsm__outq *q, wsm__mem *mem) {
    wsm__frame_unref(frame_at(q, 0));
    wsm__ring_pop(&q->frames, mem);
}

void wsm__outq_init(wsm__outq *q, bool payload_only) {
    *q = (wsm__outq){.payload_only = payload_only};
    wsm__ring_init(&q->frames, sizeof(wsm__frame *));
}

void wsm__outq_fini(wsm__outq *q, wsm__mem *mem) {
    while (q->frames.count > 0) pop(q, mem);
    wsm__ring_fini(&q->frames, mem);
    q->front_sent = 0;
    q->bytes = 0;
}

int wsm__outq_push(wsm__outq *q, wsm__mem *mem, wsm__frame *frame) {
    wsm__frame **slot = wsm__ring_push(&q->frames, mem);
    if (!slot) return WSM_ERR_NOMEM;
    *slot = wsm__frame_ref(frame);
    q->bytes += part_of(q, frame).len;
    return 0;
}

size_t wsm__outq_vec(const wsm__outq *q, wsm_vec *vec, size_t cap) {
    size_t count = q->frames.count < cap ? q->frames.count : cap;
    for (size_t i = 0; i < count; i++) {
        wsm_slice part = part_of(q, frame_at(q, (uint32_t)i));
        size_t gone = i == 0 ? q->front_sent : 0;
        vec[i] = (wsm_vec){part.ptr + gone, part.len - gone};
    }
    return count;
}

/* A frame without bytes (an empty payload) goes with the bytes before it, or by itself with a `sent` of 0. */
size_t wsm__outq_sent(wsm__outq *q, wsm__mem *mem, size_t len, uint32_t *done) {
    size_t left = len;
    while (q->frames.count > 0) {
        size_t rest = part_of(q, frame_at(q, 0)).len - q->front_sent;
        if (rest > left) {
            q->front_sent += left;
            left = 0;
            break;
        }
        left -= rest;
        q->front_sent = 0;
        pop(q, mem);
        (*done)++;
    }
    q->bytes -= len - left;
    return len - left;
}
