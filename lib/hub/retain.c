/* Retention in the log's store: the hub says from when on it will not ask for a record any more. By default it never
 * does, and the store decides alone.
 *
 * Nothing goes that is still needed: what lies behind the last snapshot, without which the state could not be folded,
 * and what a replay is reading. */
#include "hub/hub.h"

/* The last record that nobody may miss; 0: none may go. */
static uint64_t wanted(wsm_hub *hub) {
    const wsm_config *config = &hub->config;
    uint64_t to = 0;
    if (config->store_records_max && hub->records.applied > config->store_records_max)
        to = hub->records.applied - config->store_records_max;
    if (config->store_age_s) {
        uint64_t aged = wsm__ages_passed(&hub->ages, hub->wall - (int64_t)config->store_age_s * 1000);
        if (aged > to) to = aged;
    }
    return to < hub->snapshot_at ? to : hub->snapshot_at;
}

static uint64_t lowest_cursor(const wsm_hub *hub) {
    uint64_t lowest = UINT64_MAX;
    for (const wsm__list *node = hub->conns.next; node != &hub->conns; node = node->next) {
        const wsm_conn *conn = WSM__CONTAINER(node, wsm_conn, in_conns);
        if (conn->catching_up && conn->cursor < lowest) lowest = conn->cursor;
    }
    return lowest;
}

void wsm__retain(wsm_hub *hub) {
    if (!hub->is_ready || !hub->log.trim || !hub->log.save) return;
    uint64_t to = wanted(hub);
    if (to == 0 || to < hub->store_first) return;
    uint64_t cursor = lowest_cursor(hub);
    if (cursor < to) to = cursor;
    if (to == 0 || to < hub->store_first || wsm__call_log_trim(hub, to)) return;
    hub->store_first = to + 1;
    hub->count.trims++;
}
