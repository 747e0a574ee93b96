/* What a host does of its own accord, from its loop or from inside a callback: publish, read, look, send, close; and,
 * if the fault says so, die there. Any public call is legal in a callback, or says WSM_ERR_REENTRANT (I-52). */
#include <stdio.h>
#include <string.h>

#include "world.h"

bool wsm__sim_is_own_tag(const wsm__sim_machine *node, uint64_t tag) {
    (void)node;
    return (tag & WSM__SIM_OWN_TAG) != 0;
}

void wsm__sim_machine_publish(wsm__sim_machine *node) {
    wsm_sim *sim = node->sim;
    char text[512];
    wsm_update update;
    wsm__sim_command command = {.client = WSM__SIM_NOBODY, .agent = WSM__SIM_NOBODY};
    if (!wsm__sim_machine_enter(node, node->life)) return;
    uint32_t k = (uint32_t)sim->oracle.commands_count;
    uint32_t pad = wsm__sim_draw(sim, WSM__SIM_HOST, 300);
    int len =
        snprintf(text, sizeof text, "{\"k\":%u,\"v\":0,\"pad\":\"%.*s\"}", k, (int)pad,
                 "................................................................................................"
                 "................................................................................................"
                 "................................................................................................"
                 "............");
    wsm_update_init(&update, sizeof update);
    update.exchange = (wsm_slice){text, (size_t)len};
    update.priority = (wsm_priority)wsm__sim_draw(sim, WSM__SIM_HOST, 5);
    if (wsm__sim_draw(sim, WSM__SIM_HOST, 3) == 1 && sim->oracle.agents_count > 0) {
        command.agent = wsm__sim_draw(sim, WSM__SIM_HOST, sim->oracle.agents_count);
        update.sender_agent_id = sim->oracle.agents[command.agent].name;
    }
    command.priority = update.priority ? (int)update.priority : (int)WSM_PRIORITY_NORMAL;
    command.exchange[0] = wsm__sim_copy(text, (size_t)len);
    command.sends[0] = 1;
    wsm__sim_oracle_command(&sim->oracle, &command);
    wsm__sim_tags_add(&node->tags, WSM__SIM_OWN_TAG | k);
    int err = wsm_broadcast(node->hub, &update, WSM__SIM_OWN_TAG | k);
    wsm__sim_say(sim, "hub %u broadcasts %u: %d", node->idx, k, err);
    if (err) {
        if (node->hub && !wsm__sim_tags_take(&node->tags, WSM__SIM_OWN_TAG | k))
            wsm__sim_break(sim, "I-64", "a broadcast was refused (%d) and has a result", err);
        sim->oracle.commands[k].is_refused = true;
    }
    wsm__sim_machine_leave(node);
}

void wsm__sim_machine_read(wsm__sim_machine *node) {
    wsm_sim *sim = node->sim;
    if (!wsm__sim_machine_enter(node, node->life)) return;
    uint64_t head = wsm_hub_position(node->hub, NULL);
    uint64_t after = head ? wsm__sim_draw(sim, WSM__SIM_HOST, (uint32_t)head + 1) : 0;
    uint64_t tag = WSM__SIM_OWN_TAG | WSM__SIM_PAGE_TAG | after;
    wsm__sim_tags_add(&node->tags, tag);
    if (wsm_records_read(node->hub, NULL, after, wsm__sim_draw(sim, WSM__SIM_HOST, 50), tag) && node->hub &&
        !wsm__sim_tags_take(&node->tags, tag))
        wsm__sim_break(sim, "I-64", "a read was refused and has an answer");
    wsm__sim_machine_leave(node);
}

static void count_metric(void *user, const wsm_metric *metric) {
    *(uint64_t *)user += metric->name[0] != '\0';
}

static void look(wsm__sim_machine *node, wsm__sim_line *line) {
    uint64_t metrics = 0;
    wsm_hub_metrics(node->hub, count_metric, &metrics);
    if (line && line->conn) {
        wsm_conn_info info;
        wsm_conn_info_init(&info, sizeof info);
        wsm_conn_info_get(line->conn, &info);
    }
}

static void send_own(wsm__sim_line *line) {
    static const char text[] = "{\"type\":\"x_host\",\"note\":\"for you alone\"}";
    wsm_conn_send(line->conn, WSM_DATA_TEXT, text, sizeof text - 1, WSM_PRIORITY_NORMAL);
}

static void act(wsm__sim_machine *node, wsm__sim_line *line) {
    wsm_sim *sim = node->sim;
    bool has_conn = line && line->conn;
    switch (wsm__sim_draw(sim, WSM__SIM_HOST, 10)) {
    case 0: look(node, line); break;
    case 1:
        if (wsm_hub_tick(node->hub) != 0) wsm__sim_break(sim, "I-52", "a tick inside a callback did something");
        break;
    case 2:
    case 3: wsm__sim_machine_publish(node); break;
    case 4:
        if (has_conn) send_own(line);
        break;
    case 5:
        if (has_conn) wsm_conn_close(line->conn, 4900, "the host says so");
        break;
    case 6:
        if (has_conn) wsm__sim_line_drop(line);
        break;
    case 7: wsm__sim_machine_read(node); break;
    case 8:
        if (has_conn) wsm_conn_recv(line->conn, "", 0);
        break;
    default:
        if (has_conn) wsm__sim_line_pump(line);
        break;
    }
}

void wsm__sim_machine_reenter(wsm__sim_machine *node, wsm__sim_line *line) {
    wsm_sim *sim = node->sim;
    if (node->is_reentered || !node->hub) return; /* `hub` is NULL while it is being made */
    if (wsm__sim_fails(sim, WSM_SIM_CRASH_INSIDE, WSM__SIM_HOST)) {
        wsm__sim_machine_crash(node, "inside a callback");
        wsm__sim_machine_restart_in(node, (1 + wsm__sim_draw(sim, WSM__SIM_HOST, 40)) * 100ull * WSM__SIM_MS);
        return;
    }
    if (!wsm__sim_fails(sim, WSM_SIM_REENTRY, WSM__SIM_HOST)) return;
    node->is_reentered = true;
    if (wsm__sim_machine_enter(node, node->life)) {
        act(node, line);
        wsm__sim_machine_leave(node);
    }
    node->is_reentered = false;
}
