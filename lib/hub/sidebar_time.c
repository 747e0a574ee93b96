/* What happens to sidebars by itself: waits that are over, conditions that are met, idleness, a coordinator who has
 * gone. Never by a change of the state, always by a record that the hub appends: of several nodes the first wins, and
 * after a restart the state alone says what is due. */
#include "hub/sides.h"
#include "util/clock.h"

#define AGAIN_MS 1000u /* when an append is looked at again that may have failed */

void wsm__side_look_soon(wsm_hub *hub, wsm__side *side) {
    side->timer.kind = WSM__TIMER_SIDE;
    if (hub->is_ready && !wsm__side_is_main(side)) wsm__heap_arm(&hub->heap, &side->timer, hub->now);
}

void wsm__sides_ready(wsm_hub *hub) {
    hub->ready_at = hub->now;
    for (uint32_t i = 0; i < hub->tree.sides.count; i++) {
        wsm__side *side = *(wsm__side **)wsm__ring_at(&hub->tree.sides, i);
        if (side && side->status != WSM__STATUS_ARCHIVED) wsm__side_look_soon(hub, side);
    }
}

void wsm__side_ended(wsm_hub *hub, const wsm__side *ended) {
    for (wsm__side *side = wsm__waits_next(&hub->tree, NULL); side; side = wsm__waits_next(&hub->tree, side))
        if (wsm__waits_over(side) || (side->wake_side == ended && wsm__wake_is_met_by_end(side)))
            wsm__side_look_soon(hub, side);
    for (wsm__member *m = wsm__side_first_member(ended); m; m = wsm__side_next_member(m))
        wsm__presence_shifted(hub, m->agent, ended);
}

/* ---- records of the hub's own ---------------------------------------------------------------------------------------
 */

static void open_own(wsm_hub *hub, wsm__msg_type type, const wsm__side *side, wsm__record_head *head,
                     wsm__json_out *out) {
    char id[WSM__UUID_LEN];
    *head = (wsm__record_head){.type = type,
                               .sender = wsm__slice_str("hub"),
                               .context_id = wsm__side_id(side),
                               .time_ms = hub->wall,
                               .priority = (wsm_priority)side->priority};
    wsm__uuid_v7(&hub->ids, hub->wall, id);
    wsm__uuid_parse(id, sizeof id, head->id);
    wsm__submit_open(hub, NULL, head, out);
}

static void close_own(wsm_hub *hub, wsm__record_head *head, wsm__json_out *out, wsm__side *side) {
    static const wsm__origin nobody = {.kind = WSM__ORIGIN_NONE};
    wsm__side_close(hub, head, out, &nobody, side, NULL);
}

static void put(wsm__json_out *out, const char *field, const char *text) {
    wsm__json_str(out, field, wsm__slice_str(text));
}

static void go_on(wsm_hub *hub, wsm__side *side) {
    wsm__record_head head;
    wsm__json_out out;
    open_own(hub, WSM__MSG_SIDEBAR_STATUS_UPDATE, side, &head, &out);
    wsm__json_str(&out, "sidebar_id", wsm__side_id(side));
    put(&out, "new_status", wsm__status_word(WSM__STATUS_ACTIVE));
    put(&out, "reason", "what it waited for has ended");
    put(&out, "old_status", wsm__status_word((wsm__status)side->status));
    put(&out, "updated_by", "hub");
    wsm__json_num(&out, "version", side->version + 1);
    close_own(hub, &head, &out, side);
}

static void resume(wsm_hub *hub, wsm__side *side) {
    wsm__record_head head;
    wsm__json_out out;
    open_own(hub, WSM__MSG_SIDEBAR_RESUME, side, &head, &out);
    wsm__json_str(&out, "sidebar_id", wsm__side_id(side));
    put(&out, "reason", "its condition is met");
    put(&out, "resumed_by", "hub");
    put(&out, "new_status", wsm__status_word(wsm__side_resumes_to(side)));
    wsm__json_num(&out, "version", side->version + 1);
    close_own(hub, &head, &out, side);
}

static void archive(wsm_hub *hub, wsm__side *side) {
    wsm__record_head head;
    wsm__json_out out;
    wsm__status was = (wsm__status)side->status;
    bool by_table = wsm__status_may(was, (wsm__status)side->before, WSM__STATUS_ARCHIVED);
    open_own(hub, WSM__MSG_SIDEBAR_ARCHIVE, side, &head, &out);
    wsm__json_str(&out, "sidebar_id", wsm__side_id(side));
    put(&out, "archive_reason", "idle");
    put(&out, "final_status", wsm__status_word(was == WSM__STATUS_PAUSED ? (wsm__status)side->before : was));
    put(&out, "archived_by", "hub");
    wsm__json_num(&out, "version", side->version + (by_table ? 1 : 2));
    close_own(hub, &head, &out, side);
}

static void warn(wsm_hub *hub, wsm__side *side, int64_t archives_at) {
    char time[WSM__TIME_LEN];
    wsm__record_head head;
    wsm__json_out out;
    wsm__time_format(time, archives_at);
    open_own(hub, WSM__MSG_SIDEBAR_IDLE_WARNING, side, &head, &out);
    wsm__json_str(&out, "sidebar_id", wsm__side_id(side));
    wsm__json_str(&out, "archives_at", wsm__slice(time, sizeof time));
    close_own(hub, &head, &out, side);
}

static void hand_over(wsm_hub *hub, wsm__side *side, uint32_t to) {
    wsm__record_head head;
    wsm__json_out out;
    open_own(hub, WSM__MSG_SIDEBAR_COORDINATOR, side, &head, &out);
    wsm__json_str(&out, "sidebar_id", wsm__side_id(side));
    if (to == WSM__AGENT_NONE)
        wsm__json_raw(&out, "coordinator_agent", wsm__slice_str("null"));
    else
        wsm__json_str(&out, "coordinator_agent", wsm__roster_name(&hub->roster, to));
    put(&out, "reason", "the coordinator has gone offline");
    close_own(hub, &head, &out, side);
}

/* ---- what is due ----------------------------------------------------------------------------------------------------
 */

static bool is_present(const wsm_hub *hub, uint32_t agent) {
    const wsm__agent *there = wsm__audience_agent(hub, agent);
    return there && there->actives > 0;
}

static void arm_in(wsm_hub *hub, wsm__side *side, int64_t in_ms) {
    uint64_t when = hub->now + (in_ms > 0 ? (uint64_t)in_ms : 0);
    if (!side->timer.armed || side->timer.when > when) wsm__heap_arm(&hub->heap, &side->timer, when);
}

/* The lease goes to the first member that is there; without one, every member leads who comes. */
static void pass_on(wsm_hub *hub, wsm__side *side) {
    uint32_t to = WSM__AGENT_NONE;
    for (wsm__member *other = wsm__side_first_member(side); other; other = wsm__side_next_member(other))
        if (to == WSM__AGENT_NONE && other->agent != side->coordinator && is_present(hub, other->agent))
            to = other->agent;
    hand_over(hub, side, to);
}

bool wsm__sides_offline(wsm_hub *hub, uint32_t agent) {
    bool leads = false;
    if (!hub->is_ready || hub->is_shutting_down) return false;
    for (wsm__member *m = wsm__tree_first_of(&hub->tree, agent); m; m = wsm__tree_next_of(m)) {
        if (m->side->coordinator != agent || !wsm__side_is_live(m->side)) continue;
        leads = true;
        if (!wsm__append_last_changing(hub, m->side)) pass_on(hub, m->side);
    }
    return leads;
}

static void tell_archived(wsm_hub *hub, wsm__side *side) {
    wsm__record_head head;
    wsm__json_out out;
    open_own(hub, WSM__MSG_MEMORY_ARCHIVED, side, &head, &out);
    wsm__json_str(&out, "subject", wsm__side_id(side));
    put(&out, "tier", "episodic");
    put(&out, "reason", "the sidebar is archived");
    close_own(hub, &head, &out, side);
}

/* Said again until the record has come back: its append may fail. */
void wsm__side_put_away(wsm_hub *hub, wsm__side *side) {
    if (!hub->is_ready || hub->is_shutting_down) return;
    side->is_to_be_told = true;
    tell_archived(hub, side);
    side->timer.kind = WSM__TIMER_SIDE;
    wsm__heap_arm(&hub->heap, &side->timer, hub->now + AGAIN_MS);
}

/* True: it was idle for too long, and something was appended. */
static bool is_idle(wsm_hub *hub, wsm__side *side) {
    int64_t warn_ms = (int64_t)hub->config.sidebar_idle_warn_s * 1000;
    int64_t archive_ms = (int64_t)hub->config.sidebar_idle_archive_s * 1000;
    int64_t idle_ms = hub->wall - side->active_ms;
    if (archive_ms && idle_ms >= archive_ms) {
        archive(hub, side);
        return true;
    }
    if (archive_ms) arm_in(hub, side, archive_ms - idle_ms);
    if (!warn_ms || side->is_warned || !wsm__side_is_live(side)) return false;
    if (idle_ms < warn_ms) {
        arm_in(hub, side, warn_ms - idle_ms);
        return false;
    }
    warn(hub, side, side->active_ms + archive_ms);
    return true;
}

static bool is_set_going(wsm_hub *hub, wsm__side *side) {
    if (wsm__waits_over(side)) {
        go_on(hub, side);
        return true;
    }
    if (side->is_woken || wsm__wake_is_met_by_end(side) || wsm__wake_is_met_by_time(side, hub->wall)) {
        resume(hub, side);
        return true;
    }
    if (side->status == WSM__STATUS_PAUSED && side->wake == WSM__WAKE_TIME)
        arm_in(hub, side, side->wake_ms - hub->wall);
    return false;
}

/* A coordinator of whom nothing was seen since the hub has started, or since he was named: presence never tells that
 * he went, so he has the same time to come. True: the lease was passed on. */
static bool is_left_alone(wsm_hub *hub, wsm__side *side) {
    int64_t grace_ms = (int64_t)hub->config.presence_grace_ms;
    uint64_t by = hub->ready_at + hub->config.presence_grace_ms;
    if (side->coordinator == WSM__AGENT_NONE || !wsm__side_is_live(side)) return false;
    const wsm__agent *agent = wsm__audience_agent(hub, side->coordinator);
    if (agent && (agent->actives > 0 || agent->timer.armed)) return false;
    if (hub->now < by || hub->wall - side->born_ms < grace_ms) {
        arm_in(hub, side, hub->now < by ? (int64_t)(by - hub->now) : grace_ms - (hub->wall - side->born_ms));
        return false;
    }
    pass_on(hub, side);
    return true;
}

void wsm__side_timer(wsm_hub *hub, wsm__side *side) {
    if (hub->is_shutting_down || (side->status == WSM__STATUS_ARCHIVED && !side->is_to_be_told)) return;
    if (wsm__append_last_changing(hub, side)) {
        arm_in(hub, side, AGAIN_MS);
        return;
    }
    if (side->status == WSM__STATUS_ARCHIVED)
        wsm__side_put_away(hub, side);
    else if (is_set_going(hub, side) || is_left_alone(hub, side) || is_idle(hub, side))
        arm_in(hub, side, AGAIN_MS);
}

/* ---- circles --------------------------------------------------------------------------------------------------------
 */

static bool knows_all(const wsm_hub *hub, uint32_t agent, wsm__side *const *cycle, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!wsm__tree_knows(&hub->tree, cycle[i], agent)) return false;
    return true;
}

static void tell_agent(wsm_hub *hub, uint32_t number, wsm__side *const *cycle, uint32_t count) {
    const wsm__agent *agent = wsm__audience_agent(hub, number);
    for (uint8_t i = 0; agent && i < agent->slots_count; i++) {
        wsm__encoder enc;
        wsm_conn *conn = wsm__peer_slot(hub, agent->slots[i])->conn;
        if (conn->phase != WSM__PHASE_LIVE) continue;
        wsm__buf list;
        wsm__buf_init(&list, &hub->mem, 0);
        wsm__buf_putc(&list, '[');
        for (uint32_t k = 0; k < count; k++) {
            if (k > 0) wsm__buf_putc(&list, ',');
            wsm__json_put_string(&list, wsm__side_id(cycle[k]));
        }
        wsm__buf_putc(&list, ']');
        if (!list.err) {
            wsm__answer_begin(hub, &enc, WSM__MSG_DEADLOCK);
            wsm__encode_raw(&enc, "cycle", wsm__slice(list.ptr, list.len));
            wsm__encode_end(&enc);
            wsm__peer_notice(conn, WSM__LANE_NORMAL);
        }
        wsm__buf_fini(&list);
    }
}

/* The members of all sidebars in it are told once each, if they may know of all of them: the circle is of use only
 * whole. */
void wsm__side_deadlock(wsm_hub *hub, wsm__side *side) {
    wsm__side *cycle[WSM__ASK_SIDES];
    if (!hub->is_ready) return;
    uint32_t count = wsm__waits_cycle(&hub->tree, side, cycle, WSM__ASK_SIDES);
    for (uint32_t i = 0; i < count; i++)
        for (wsm__member *m = wsm__side_first_member(cycle[i]); m; m = wsm__side_next_member(m)) {
            bool was_told = false;
            for (uint32_t k = 0; k < i; k++) was_told |= wsm__side_has(cycle[k], m->agent);
            if (!was_told && knows_all(hub, m->agent, cycle, count)) tell_agent(hub, m->agent, cycle, count);
        }
}
