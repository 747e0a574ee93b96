/* What must hold when it is quiet again: everybody has everything, every command has its answer, the counters add up,
 * the hub says who is there. */
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

void wsm__sim_check_end(wsm_sim *sim) {
    check_heads(sim);
    check_commands(sim);
    wsm__sim_check_sides(sim);
    wsm__sim_check_mail_end(sim);
    for (uint32_t i = 0; i < sim->nodes_count; i++)
        if (sim->nodes[i]->hub) wsm__sim_check_counters(sim->nodes[i], true);
    for (uint32_t i = 0; i < sim->clients_count; i++)
        if (sim->clients[i]->phase == WSM__SIM_LIVE) {
            wsm__sim_check_roster(sim->clients[i]);
            break;
        }
}
