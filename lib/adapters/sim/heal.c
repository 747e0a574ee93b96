/* How long healing may take when the faults are over (I-80): three heartbeats, and the time for replays. What that is
 * depends on the limits of the world and on the work that is left: it is added up here, generously. */
#include <string.h>

#include "world.h"

/* What model clients wait by themselves: for a welcome, between two looks, for a late token, and before they dial. */
#define PATIENCE_MS 75000u
#define RETRY_MS    1000u /* until what was refused for the moment is said again */

typedef struct work {
    uint64_t records;                        /* to be replayed, to all clients */
    uint64_t of_agent[WSM__SIM_AGENTS];      /* bytes of them that an agent's connections have to get */
    uint64_t open, open_of[WSM__SIM_AGENTS]; /* commands without an answer */
    uint64_t pace_ms;                        /* until the one who was told to be patient has said his again */
} work;

/* Who was let into a sidebar with its history, and has not got past that, reads all from its birth on. */
static void add_history(work *sum, const wsm__sim_client *client, const wsm__sim_epoch *epoch, uint64_t granted) {
    const wsm__sim_store *store = &client->node->store;
    const wsm__sim_entry *by = &epoch->entries[granted - 1];
    if (!wsm__sim_is_in(by->joins_with, client->agent->idx)) return;
    uint64_t o = 1;
    while (o < granted && epoch->entries[o - 1].context != by->context) o++;
    for (; o < granted; o++) {
        sum->records++;
        sum->of_agent[client->agent->idx] += store->records[o - 1].len;
    }
}

static void add_client(work *sum, const wsm__sim_client *client) {
    const wsm__sim_store *store = &client->node->store;
    uint32_t agent = client->agent->idx;
    sum->open += client->open_count;
    sum->open_of[agent] += client->open_count;
    if (client->open_count * client->pace_ms > sum->pace_ms) sum->pace_ms = client->open_count * client->pace_ms;
    bool is_new = strcmp(client->epoch, store->epoch) != 0;
    const wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&client->sim->oracle, store->epoch);
    for (uint64_t i = is_new ? store->count : client->position; i < store->count; i++) {
        if (epoch && i < epoch->count) add_history(sum, client, epoch, i + 1);
        sum->records++;
        sum->of_agent[agent] += store->records[i].len;
    }
}

static uint64_t most(const uint64_t *of) {
    uint64_t found = 0;
    for (unsigned i = 0; i < WSM__SIM_AGENTS; i++)
        if (of[i] > found) found = of[i];
    return found;
}

uint64_t wsm__sim_heal_ms(const wsm_sim *sim) {
    const wsm_config *config = &sim->nodes[0]->config;
    work sum = {0};
    for (uint32_t i = 0; i < sim->clients_count; i++)
        if (sim->clients[i]->comes_back && !sim->clients[i]->is_stopped) add_client(&sum, sim->clients[i]);
    uint64_t ms = 3ull * config->ping_interval_ms + PATIENCE_MS;
    ms += sum.records * (sim->store_us + 2ull * sim->delay_us) / 1000; /* a page may be as small as a record */
    if (config->replay_bytes_per_min) ms += most(sum.of_agent) * 60000 / config->replay_bytes_per_min;
    if (config->agent_messages_per_s) ms += most(sum.open_of) * 1000 / config->agent_messages_per_s;
    if (config->connections_per_s) ms += sim->clients_count * 1000ull / config->connections_per_s;
    return ms + sum.pace_ms + sum.open * RETRY_MS;
}
