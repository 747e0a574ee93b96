/* Fan-out: one pointer into a queue per receiver. Connections that are catching up are left out: their cursor covers
 * it. */
#include "hub/hub.h"

wsm__lane wsm__fanout_lane(wsm_priority priority) {
    if (priority >= WSM_PRIORITY_URGENT) return WSM__LANE_CRITICAL;
    return priority == WSM_PRIORITY_BACKGROUND ? WSM__LANE_BACKGROUND : WSM__LANE_NORMAL;
}

uint32_t wsm__fanout_record(wsm_hub *hub, wsm__frame *frame, const wsm__fold *fold) {
    wsm__lane lane = wsm__fanout_lane(fold->head.priority);
    uint32_t reached = 0;
    for (uint32_t i = hub->receivers.count; i > 0; i--) { /* backwards: one that overflows leaves the array */
        wsm_conn *conn = wsm__peer_slot(hub, hub->receivers.slots[i - 1])->conn;
        if (conn->catching_up) continue;
        if (!wsm__peer_push(conn, lane, frame, fold->offset)) { /* its cursor stays and brings it later */
            conn->catching_up = true;
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
