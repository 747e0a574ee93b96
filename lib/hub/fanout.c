/* Fan-out: one pointer into a queue per receiver. Connections that are catching up are left out: their cursor covers
 * it. */
#include "hub/hub.h"
#include "util/prefetch.h"

#define AHEAD 4u /* receivers */

wsm__lane wsm__fanout_lane(wsm_priority priority) {
    if (priority >= WSM_PRIORITY_URGENT) return WSM__LANE_CRITICAL;
    return priority == WSM_PRIORITY_BACKGROUND ? WSM__LANE_BACKGROUND : WSM__LANE_NORMAL;
}

/* What the cursor has brought goes through the normal lane. While it waits there, what is of the background goes behind
 * it, so as not to come before an earlier one; and is kept with it (shed.c), which knows the others by their lanes. */
static wsm__lane lane_of(wsm_conn *conn, wsm__lane lane, uint64_t offset) {
    if (lane != WSM__LANE_BACKGROUND) return lane;
    uint64_t first = wsm__lanes_first(&conn->io.lanes, WSM__LANE_NORMAL, 0);
    if (first == 0 || first > conn->keep_to) return lane;
    conn->keep_to = offset;
    return WSM__LANE_NORMAL;
}

/* 1: it is in the queue. 0: no memory; the cursor stays and brings it later. */
static uint32_t send_to(wsm_conn *conn, wsm__lane lane, wsm__frame *frame, const wsm__fold *fold) {
    wsm_hub *hub = conn->hub;
    if (!wsm__peer_push(conn, lane_of(conn, lane, fold->offset), frame, fold->offset)) {
        conn->catching_up = true;
        conn->keep_to = conn->cursor;
        return 0;
    }
    conn->cursor = fold->offset;
    if (conn->position_at || conn->phase != WSM__PHASE_LIVE) return 1;
    conn->position_at = hub->now + hub->config.position_interval_ms;
    wsm__peer_rearm(conn, conn->position_at);
    return 1;
}

/* Each receiver is cold: since the last record the kernel has used the caches for all that was written. */
static void look_ahead(const wsm_hub *hub, const wsm__receivers *receivers, uint32_t idx) {
    if (idx < AHEAD) return;
    const wsm_conn *conn = wsm__peer_slot(hub, receivers->slots[idx - AHEAD])->conn;
    wsm__prefetch(conn, offsetof(wsm_conn, io.link) + WSM__CACHE_LINE);
}

/* The members of a context. Backwards: one that overflows leaves the array. */
static uint32_t send_to_members(wsm_hub *hub, const wsm__context *context, wsm__lane lane, wsm__frame *frame,
                                const wsm__fold *fold) {
    uint32_t reached = 0;
    const wsm__receivers *receivers = wsm__audience_receivers(hub, context);
    for (uint32_t i = receivers ? receivers->count : 0; i > 0; i--) {
        wsm_conn *conn = wsm__peer_slot(hub, receivers->slots[i - 1])->conn;
        look_ahead(hub, receivers, i - 1);
        wsm__prefetch(conn->user, WSM__CACHE_LINE); /* bytes_waiting comes next */
        if (conn->catching_up || conn->cursor == fold->offset) continue;
        reached += send_to(conn, lane, frame, fold);
    }
    return reached;
}

/* Those whom the record names, as far as they did not get it as members. */
static uint32_t send_to_named(wsm_hub *hub, wsm__lane lane, wsm__frame *frame, const wsm__fold *fold) {
    uint32_t reached = 0;
    for (uint32_t i = 0; i < fold->reach->count; i++) {
        const wsm__agent *agent = wsm__audience_agent(hub, fold->reach->agents[i]);
        for (uint8_t k = agent ? agent->slots_count : 0; k > 0; k--) {
            wsm_conn *conn = wsm__peer_slot(hub, agent->slots[k - 1])->conn;
            wsm__reader reader = wsm__audience_reader(conn);
            if (conn->catching_up || conn->cursor == fold->offset || conn->phase != WSM__PHASE_LIVE) continue;
            if (!wsm__audience_sees(hub, &reader, fold->context, fold->reach, fold->offset)) continue;
            reached += send_to(conn, lane, frame, fold);
        }
    }
    return reached;
}

static void begin_history(wsm_hub *hub, const wsm__fold *fold, uint32_t number) {
    const wsm__agent *agent = wsm__audience_agent(hub, number);
    for (uint8_t k = agent ? agent->slots_count : 0; k > 0; k--) {
        wsm_conn *conn = wsm__peer_slot(hub, agent->slots[k - 1])->conn;
        if (conn->cursor == fold->offset && !conn->catching_up) wsm__history_begin(conn, fold->context, fold->offset);
    }
}

/* Whoever was let in by this record with its context's history reads that now. */
static void begin_histories(wsm_hub *hub, const wsm__fold *fold) {
    const wsm__reach *reach = fold->reach;
    if (reach->history_of != WSM__REACH_NAMED)
        begin_history(hub, fold, reach->history_of);
    else
        for (uint32_t i = 0; i < reach->count; i++) begin_history(hub, fold, reach->agents[i]);
}

uint32_t wsm__fanout_record(wsm_hub *hub, wsm__frame *frame, const wsm__fold *fold) {
    wsm__lane lane = wsm__fanout_lane(fold->head.priority);
    uint32_t reached = send_to_members(hub, fold->context, lane, frame, fold);
    if (!fold->reach) return reached;
    if (fold->reach->also) reached += send_to_members(hub, fold->reach->also, lane, frame, fold);
    reached += send_to_named(hub, lane, frame, fold);
    if (fold->reach->history_of != WSM__REACH_NOBODY) begin_histories(hub, fold);
    return reached;
}
