/* Shutting down, step by step at the ends of turns: let the log finish and answer, keep a snapshot, close every
 * connection, and cut those that have not gone by the deadline. */
#include "abi.h"
#include "hub/mentions.h"

static const wsm_shutdown defaults = {.size = sizeof(wsm_shutdown), .deadline_ms = 10000};

enum { STEP_ANSWER = 0, STEP_CLOSE, STEP_WAIT, STEP_DOWN };

void wsm_shutdown_init(wsm_shutdown *how, size_t size) {
    wsm__abi_init(how, size, &defaults, sizeof defaults);
}

int wsm_hub_shutdown(wsm_hub *hub, const wsm_shutdown *given) {
    wsm_shutdown how = defaults;
    if (!hub) return WSM_ERR_INVALID;
    int err = given ? wsm__abi_copy(&how, sizeof how, given) : WSM_OK;
    if (err) return err;
    if (hub->is_shutting_down) return WSM_OK;
    wsm__turn_enter(hub);
    wsm__digests_flush(hub);
    hub->is_shutting_down = true;
    atomic_store(&hub->inbox_closed, true);
    hub->shutdown_code = how.restart ? 1012 : 1001;
    hub->shutdown_by = hub->now + how.deadline_ms;
    wsm__turn_chores_soon(hub, how.deadline_ms);
    wsm__call_log(hub, WSM_LEVEL_INFO, "shutdown", NULL, "no new connections, no new commands");
    wsm__turn_leave(hub);
    return WSM_OK;
}

static void close_all(wsm_hub *hub, bool cut) {
    wsm__list *next;
    for (wsm__list *node = hub->conns.next; node != &hub->conns; node = next) {
        wsm_conn *conn = WSM__CONTAINER(node, wsm_conn, in_conns);
        next = node->next;
        if (cut)
            wsm__peer_cut(conn, 1006);
        else if (conn->phase != WSM__PHASE_REQUEST) /* the host's answers are on their way */
            wsm__peer_shut(conn, (uint16_t)hub->shutdown_code, NULL);
    }
}

void wsm__shutdown_step(wsm_hub *hub) {
    bool is_late = hub->now >= hub->shutdown_by;
    if (hub->shutdown_step == STEP_ANSWER && ((hub->pendings.count == 0 && hub->batch_items.count == 0) || is_late)) {
        int err = hub->is_ready ? wsm__snapshot_save(hub) : WSM_OK;
        if (err == WSM_ERR_NOMEM && !is_late) {
            wsm__turn_chores_soon(hub, WSM__RETRY_MS);
            return;
        }
        hub->shutdown_step = STEP_CLOSE;
        if (err) wsm__call_log(hub, WSM_LEVEL_WARN, "snapshot_failed", NULL, "the next start folds more records");
    }
    if (hub->shutdown_step == STEP_CLOSE) {
        hub->shutdown_step = STEP_WAIT;
        close_all(hub, false);
    }
    if (hub->shutdown_step == STEP_WAIT && is_late) close_all(hub, true);
    if (hub->shutdown_step == STEP_WAIT && hub->conns_count == 0) {
        hub->shutdown_step = STEP_DOWN;
        hub->is_down = true;
    }
}

int wsm_hub_is_down(const wsm_hub *hub) {
    return hub && hub->is_down;
}
