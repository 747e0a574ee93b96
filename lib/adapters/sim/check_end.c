/* What must hold when it is quiet again: everybody has everything, every command has its answer, the counters add up,
 * the hub says who is there. */
#include <string.h>

#include "json.h"
#include "world.h"

static void check_commands(wsm_sim *sim) {
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        wsm__sim_client *client = sim->clients[i];
        if (client->phase == WSM__SIM_LIVE && client->open_count > 0)
            wsm__sim_break(sim, "I-07", "client %u has no answer to command %u, and is connected", i, client->open[0]);
        for (size_t k = client->sent_from;
             k < client->sent_count && client->phase == WSM__SIM_LIVE && !client->is_tampered; k++)
            if (!client->sent[k].is_answered)
                wsm__sim_break(sim, "I-07", "client %u has no answer to %s on its connection", i, client->sent[k].id);
    }
}

static void check_heads(wsm_sim *sim) {
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        wsm__sim_client *client = sim->clients[i];
        if (client->phase != WSM__SIM_LIVE || !client->node->hub) continue;
        uint64_t head = wsm_hub_position(client->node->hub, NULL);
        wsm__sim_check_complete(client, head); /* nothing is on its way any more */
    }
}

/* Somebody of that name was there already when the roster was asked for. */
static bool was_there(const wsm_sim *sim, uint32_t agent, uint64_t at) {
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        const wsm__sim_client *client = sim->clients[i];
        if (client->agent->idx == agent && client->phase == WSM__SIM_LIVE && client->opened_at + 5ull * WSM__SIM_S < at)
            return true; /* and not only on its way */
    }
    return false;
}

/* The roster that the hub answered last, against the sessions that are open. */
static void check_presence(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    wsm__sim_json *json = sim->oracle.json;
    bool listed[sizeof sim->oracle.agents / sizeof sim->oracle.agents[0]] = {false};
    uint64_t grace = client->node->config.presence_grace_ms * (uint64_t)WSM__SIM_MS;
    if (sim->left_at + grace > client->listed_at) return; /* somebody has left meanwhile */
    if (client->roster.len == 0 || !wsm__sim_json_read(json, client->roster.at, client->roster.len)) return;
    uint32_t list = wsm__sim_json_member(json, WSM__SIM_ROOT, "agents");
    if (wsm__sim_json_member(json, WSM__SIM_ROOT, "truncated")) return;
    for (uint32_t node = wsm__sim_json_first(json, list); node; node = wsm__sim_json_next(json, node)) {
        char name[80] = "";
        wsm__sim_json_string(json, wsm__sim_json_member(json, node, "agent_id"), name, sizeof name);
        const wsm__sim_agent *agent = wsm__sim_oracle_find_agent(&sim->oracle, name);
        if (!agent || agent->sessions == 0)
            wsm__sim_break(sim, "I-44", "the hub lists %s, who is not there", name);
        else
            listed[agent->idx] = true;
    }
    for (uint32_t i = 0; i < sim->oracle.agents_count; i++)
        if (sim->oracle.agents[i].sessions > 0 && !listed[i] && was_there(sim, i, client->listed_at))
            wsm__sim_break(sim, "I-44", "the hub does not list %s, who is there", sim->oracle.agents[i].name);
}

void wsm__sim_check_end(wsm_sim *sim) {
    check_heads(sim);
    check_commands(sim);
    wsm__sim_check_sides(sim);
    wsm__sim_check_mail_end(sim);
    for (uint32_t i = 0; i < sim->nodes_count; i++)
        if (sim->nodes[i]->hub) wsm__sim_check_counters(sim->nodes[i], true);
    for (uint32_t i = 0; i < sim->clients_count; i++)
        if (sim->clients[i]->phase == WSM__SIM_LIVE) {
            check_presence(sim->clients[i]);
            break;
        }
}
