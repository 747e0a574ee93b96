/* Fan-out: one pointer into a queue per receiver. Connections that are catching up are left out: their cursor covers
 * it. */
#include "hub/hub.h"
#include "util/prefetch.h"

#define AHEAD 4u /* receivers */

wsm__lane wsm__fanout_lane(wsm_priority priority) {
    if (priority >= WSM_PRIORITY_URGENT) return WSM__LANE_CRITICAL;
    return priority == WSM_PRIORITY_BACKGROUND ? WSM__LANE_BACKGROUND : WSM__LANE_NORMAL;
}

/* Each receiver is cold: since the last record the kernel has used the caches for all that was written. */
static void look_ahead(const wsm_hub *hub, uint32_t idx) {
    if (idx < AHEAD) return;
    const wsm_conn *conn = wsm__peer_slot(hub, hub->receivers.slots[idx - AHEAD])->conn;
    wsm__prefetch(conn, offsetof(wsm_conn, io.link) + WSM__CACHE_LINE);
}

uint32_t wsm__fanout_record(wsm_hub *hub, wsm__frame *frame, const wsm__fold *fold) {
    wsm__lane lane = wsm__fanout_lane(fold->head.priority);
    uint32_t reached = 0;
    for (uint32_t i = hub->receivers.count; i > 0; i--) { /* backwards: one that overflows leaves the array */
        wsm_conn *conn = wsm__peer_slot(hub, hub->receivers.slots[i - 1])->conn;
        look_ahead(hub, i - 1);
        wsm__prefetch(conn->user, WSM__CACHE_LINE); /* bytes_waiting comes next */
        if (conn->catching_up) continue;
        if (!wsm__peer_push(conn, lane, frame, fold->offset)) { /* its cursor stays and brings it later */
            conn->catching_up = true;
            conn->keep_to = conn->cursor;
            continue;
        }
        conn->cursor = fold->offset;
        reached++;
        if (conn->position_at || conn->phase != WSM__PHASE_LIVE) continue;
        conn->position_at = hub->now + hub->config.position_interval_ms;
        wsm__peer_rearm(conn, conn->position_at);
    }
    return reached;
}
