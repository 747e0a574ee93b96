/* The queue of what was handed out: a chain of frames, and how far into the first one the host has come. */
#include "wire/outq.h"

static wsm_slice part_of(const wsm__outq *q, const wsm__frame *frame) {
    return q->payload_only ? wsm__frame_payload(frame) : wsm__frame_bytes(frame);
}

void wsm__outq_init(wsm__outq *q, bool payload_only) {
    *q = (wsm__outq){.payload_only = payload_only};
}

void wsm__outq_fini(wsm__outq *q, wsm__chain_pool *pool) {
    wsm__chain_clear(&q->frames, pool);
    wsm__outq_init(q, q->payload_only);
}

static void count_in(wsm__outq *q, const wsm__frame *frame) {
    q->bytes += part_of(q, frame).len;
    q->count++;
}

int wsm__outq_push(wsm__outq *q, wsm__chain_pool *pool, wsm__frame *frame) {
    int err = wsm__chain_push(&q->frames, pool, frame, 0);
    if (!err) count_in(q, frame);
    return err;
}

int wsm__outq_move(wsm__outq *q, wsm__chain_pool *pool, wsm__chain *from) {
    const wsm__frame *frame = wsm__chain_first(from)->frame;
    int err = wsm__chain_move(&q->frames, from, pool);
    if (!err) count_in(q, frame);
    return err;
}

size_t wsm__outq_vec(const wsm__outq *q, wsm_vec *vec, size_t cap) {
    size_t count = 0, gone = q->front_sent;
    wsm__chain_place place = {0};
    const wsm__chain_item *item;
    while (count < cap && (item = wsm__chain_next(&q->frames, &place)) != NULL) {
        wsm_slice part = part_of(q, item->frame);
        vec[count++] = (wsm_vec){part.ptr + gone, part.len - gone};
        gone = 0;
    }
    return count;
}

/* A frame without bytes (an empty payload) goes with the bytes before it, or by itself with a `sent` of 0. */
size_t wsm__outq_sent(wsm__outq *q, wsm__chain_pool *pool, size_t len, uint32_t *done) {
    size_t left = len;
    while (q->count > 0) {
        size_t rest = part_of(q, wsm__chain_first(&q->frames)->frame).len - q->front_sent;
        if (rest > left) {
            q->front_sent += left;
            left = 0;
            break;
        }
        left -= rest;
        q->front_sent = 0;
        q->count--;
        wsm__chain_pop(&q->frames, pool);
        (*done)++;
    }
    q->bytes -= len - left;
    return len - left;
}
