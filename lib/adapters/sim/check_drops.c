/* What a hub gives up. Each drop is told to the host and counted, by its reason (I-15); what is urgent, an answer or a
 * notice only goes with its connection (I-11); and every frame that was meant for a queue has been sent, was dropped,
 * or waits (I-96). */
#include <string.h>

#include "world.h"

typedef unsigned long long ull;

static const char *const reasons[WSM__SIM_REASONS] = {"overflow", "closed", "shed", "left", "status"};

static wsm__sim_line *line_of(const wsm_sim *sim, wsm_slice id) {
    for (wsm__sim_line *line = sim->lines; line && id.ptr; line = line->next) {
        wsm_conn_info info;
        wsm_conn_info_init(&info, sizeof info);
        if (!line->conn || wsm_conn_info_get(line->conn, &info)) continue;
        if (info.connection_id.len == id.len && memcmp(info.connection_id.ptr, id.ptr, id.len) == 0) return line;
    }
    return NULL;
}

void wsm__sim_check_drop(wsm__sim_machine *node, const wsm_drop *drop) {
    wsm_sim *sim = node->sim;
    uint32_t reason = 0;
    bool may_go = strcmp(drop->lane, "normal") == 0 || strcmp(drop->lane, "background") == 0;
    while (reason < WSM__SIM_REASONS && strcmp(reasons[reason], drop->reason) != 0) reason++;
    if (reason == WSM__SIM_REASONS) {
        wsm__sim_break(sim, "I-15", "%llu frames are dropped for a reason that is none: %s", (ull)drop->count,
                       drop->reason);
        return;
    }
    node->drops[reason] += drop->count;
    if (!may_go && strcmp(drop->reason, "shed") == 0)
        wsm__sim_break(sim, "I-11", "%llu frames of the lane %s are dropped, and their connection goes on",
                       (ull)drop->count, drop->lane);
    bool ends_it = strcmp(drop->reason, "overflow") == 0 || strcmp(drop->reason, "closed") == 0;
    wsm__sim_line *line = ends_it ? line_of(sim, drop->connection_id) : NULL;
    if (!line) return;
    line->must_close = node->has_must_close = true;
}

/* After a call into the hub: who was to be closed for what was dropped is closed. */
void wsm__sim_check_must_close(wsm__sim_machine *node) {
    if (!node->has_must_close) return;
    node->has_must_close = false;
    for (wsm__sim_line *line = node->sim->lines; line; line = line->next) {
        if (line->node != node || !line->must_close) continue;
        line->must_close = false;
        if (line->conn && line->node_life == node->life && line->state < WSM_CONN_CLOSING)
            wsm__sim_break(node->sim, "I-11", "frames for %s were dropped, and it is not closed", line->address);
    }
}

void wsm__sim_read_drops(const wsm_metric *metric, wsm__sim_frames *frames) {
    if (strcmp(metric->name, "wsm_deliveries_total") == 0) frames->meant = metric->value;
    if (strcmp(metric->name, "wsm_deliveries_sent_total") == 0) frames->sent = metric->value;
    if (strcmp(metric->name, "wsm_deliveries_queued") == 0) frames->queued = metric->value;
    if (strcmp(metric->name, "wsm_drops_total") != 0 || !metric->labels) return;
    for (uint32_t i = 0; i < WSM__SIM_REASONS; i++) {
        size_t len = strlen(reasons[i]);
        bool is_it = strncmp(metric->labels, "reason=\"", 8) == 0 && strncmp(metric->labels + 8, reasons[i], len) == 0;
        if (is_it && strcmp(metric->labels + 8 + len, "\"") == 0) frames->dropped[i] = metric->value;
    }
}

void wsm__sim_check_frames(wsm__sim_machine *node, const wsm__sim_frames *frames) {
    double dropped = 0;
    for (uint32_t i = 0; i < WSM__SIM_REASONS; i++) {
        dropped += frames->dropped[i];
        if ((double)node->drops[i] < frames->dropped[i] || (double)node->drops[i] > frames->dropped[i])
            wsm__sim_break(node->sim, "I-15", "the host was told of %llu frames dropped (%s), the counter says %.0f",
                           (ull)node->drops[i], reasons[i], frames->dropped[i]);
    }
    double accounted = frames->sent + dropped + frames->queued;
    if (frames->meant < accounted || frames->meant > accounted)
        wsm__sim_break(node->sim, "I-96", "%.0f frames were meant for queues; %.0f were sent, %.0f dropped, %.0f wait",
                       frames->meant, frames->sent, dropped, frames->queued);
}
