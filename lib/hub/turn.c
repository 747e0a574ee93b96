/* What every call into a hub begins and ends with. A turn reads the clocks once; at its end the inbox is worked off,
 * what was collected goes to the log, and only then the host hears which connections have output: callbacks that the
 * host makes of it are calls of the same turn, so nothing recurses and nothing is freed under a running function. */
#include "hub/hub.h"
#include "hub/sides.h"

#define ITEMS_PER_TURN 4096u

uint64_t wsm__turn_now(wsm_hub *hub) {
    if (hub->depth > 0) return hub->now;
    uint64_t now = hub->host.clock_mono(hub->user);
    if (now > hub->now) hub->now = now; /* a clock that goes back breaks its contract; time stands still then */
    return hub->now;
}

void wsm__turn_enter(wsm_hub *hub) {
    wsm__turn_now(hub);
    if (hub->depth++ > 0) return;
    hub->wall = hub->host.clock_wall(hub->user);
}

/* Inside a callback there is nothing to do: the turn around it goes on with what it found. */
void wsm__turn_settle(wsm_hub *hub) {
    if (hub->depth > 1 || hub->batch_items.count == 0) return;
    wsm__append_flush(hub);
    wsm__inbox_drain(hub, ITEMS_PER_TURN);
}

void wsm__turn_notify(wsm_conn *conn) {
    if (conn->phase == WSM__PHASE_GONE) return;
    wsm__io_note(&conn->io, conn->hub->now);
    if (conn->in_noisy.next == &conn->in_noisy) wsm__list_push(&conn->hub->noisy, &conn->in_noisy);
}

void wsm__turn_chores_soon(wsm_hub *hub, uint64_t in_ms) {
    uint64_t when = hub->now + in_ms;
    if (!hub->chores.armed || hub->chores.when > when) wsm__heap_arm(&hub->heap, &hub->chores, when);
}

static void tell(wsm_conn *conn) {
    if (conn->phase == WSM__PHASE_GONE) return;
    if (wsm__io_is_over(&conn->io)) {
        if (!conn->cut_called) {
            conn->cut_called = true;
            wsm__call_close_transport(conn);
        }
        return;
    }
    if (conn->position_due && !wsm__io_has_output(&conn->io)) wsm__replay_position(conn);
    if (!conn->notified && wsm__io_has_output(&conn->io)) {
        conn->notified = true;
        wsm__call_bytes_waiting(conn);
    }
}

static void tell_all(wsm_hub *hub) {
    wsm__list round; /* those that become noisy meanwhile have their turn in the next round */
    wsm__list_init(&round);
    wsm__list_splice(&round, &hub->noisy);
    wsm__list *node;
    while ((node = wsm__list_first(&round)) != NULL) {
        wsm__list_remove(node);
        tell(WSM__CONTAINER(node, wsm_conn, in_noisy));
    }
}

static void free_shells(wsm_hub *hub) {
    wsm__list *node;
    while ((node = wsm__list_first(&hub->shells)) != NULL) {
        wsm__list_remove(node);
        wsm__peer_free(WSM__CONTAINER(node, wsm_conn, in_conns));
    }
}

bool wsm__turn_leave(wsm_hub *hub) {
    if (hub->depth > 1) {
        hub->depth--;
        return false;
    }
    do {
        if (wsm__inbox_drain(hub, ITEMS_PER_TURN)) wsm__turn_chores_soon(hub, 0);
        if (hub->is_shutting_down) wsm__shutdown_step(hub);
        wsm__append_flush(hub);
        wsm__inbox_drain(hub, ITEMS_PER_TURN); /* a log that is done at once, as the one in memory */
        if (hub->parked_count > 0) wsm__parked_run(hub);
        if (hub->config.snapshot_records && hub->since_snapshot >= hub->config.snapshot_records && hub->is_ready)
            wsm__snapshot_save(hub);
        wsm__watch_stir(hub);
        wsm__shed_history(hub);
        if (wsm__memory_is_short(hub)) wsm__shed(hub);
        tell_all(hub);
        wsm__drops_tell(hub);
        if (hub->is_shutting_down) wsm__shutdown_step(hub); /* the last transport may have gone */
    } while (!wsm__list_is_empty(&hub->noisy) || hub->batch_items.count > 0 || hub->has_untold);
    free_shells(hub);
    hub->depth--;
    if (!hub->free_asked) return false;
    wsm__hub_free_now(hub);
    return true;
}
