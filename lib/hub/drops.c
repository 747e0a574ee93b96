/* What queues gave up: every frame is counted by its reason, and told to the host by its lane. In the middle of a
 * change nobody is called: then it is told at the end of the turn, of all connections together. */
#include "hub/hub.h"

void wsm__drops_all(wsm_conn *conn, const char *reason, uint64_t *counter) {
    uint32_t dropped[WSM__LANES];
    *counter += wsm__lanes_drop_all(&conn->io.lanes, conn->io.pool, dropped);
    for (int i = 0; i < WSM__LANES; i++) wsm__call_drop(conn, wsm__lane_name((wsm__lane)i), reason, dropped[i]);
}

void wsm__drops_note(wsm_hub *hub, wsm__untold why, const uint32_t dropped[WSM__LANES]) {
    uint64_t *const counters[WSM__UNTOLD_REASONS] = {
        [WSM__UNTOLD_LEFT] = &hub->count.dropped_left,
        [WSM__UNTOLD_CLOSED] = &hub->count.dropped_closed,
        [WSM__UNTOLD_STATUS] = &hub->count.dropped_status,
    };
    for (int i = 0; i < WSM__LANES; i++) {
        *counters[why] += dropped[i];
        hub->untold[why][i] += dropped[i];
        hub->has_untold = hub->has_untold || dropped[i] > 0;
    }
}

void wsm__drops_closed(wsm_conn *conn) {
    uint32_t dropped[WSM__LANES];
    wsm__lanes_drop_all(&conn->io.lanes, conn->io.pool, dropped);
    wsm__drops_note(conn->hub, WSM__UNTOLD_CLOSED, dropped);
}

void wsm__drops_tell(wsm_hub *hub) {
    static const char *const words[WSM__UNTOLD_REASONS] = {
        [WSM__UNTOLD_LEFT] = "left", [WSM__UNTOLD_CLOSED] = "closed", [WSM__UNTOLD_STATUS] = "status"};
    if (!hub->has_untold) return;
    hub->has_untold = false;
    for (int why = 0; why < WSM__UNTOLD_REASONS; why++) {
        for (int i = 0; i < WSM__LANES; i++) {
            uint64_t count = hub->untold[why][i];
            hub->untold[why][i] = 0;
            wsm__call_drops(hub, wsm__lane_name((wsm__lane)i), words[why], count);
        }
    }
}
