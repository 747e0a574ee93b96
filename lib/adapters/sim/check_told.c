/* What the hub says of a sidebar: a snapshot that was asked for, against the model at the same record; who is told of a
 * circle of waits; and, when it is quiet, that everything that ends by itself has ended. */
#include <string.h>

#include "json.h"
#include "world.h"

typedef unsigned long long ull;

typedef struct look {
    wsm__sim_client *client;
    const wsm__sim_json *json;
    const wsm__sim_sides *sides;
    const wsm__sim_side *side;
    uint32_t context; /* the snapshot's */
} look;

static void expect(const look *at, bool holds, const char *what) {
    size_t len;
    const char *raw = wsm__sim_json_raw(at->json, at->context, &len);
    if (!holds)
        wsm__sim_break(at->client->sim, "I-46", "client %u is told of %s, %s: %.*s", at->client->idx, at->side->id,
                       what, (int)(len < 400 ? len : 400), raw);
}

static bool is(const look *at, const char *name, const char *word) {
    uint32_t node = wsm__sim_json_member(at->json, at->context, name);
    return word ? wsm__sim_json_is(at->json, node, word) : wsm__sim_json_type(at->json, node) == WSM__SIM_NULL;
}

/* ---- snapshots ------------------------------------------------------------------------------------------------------
 */

static void check_members(const look *at) {
    const wsm__sim_oracle *oracle = &at->client->sim->oracle;
    uint32_t list = wsm__sim_json_member(at->json, at->context, "participants");
    wsm__sim_agents told = 0;
    for (uint32_t node = wsm__sim_json_first(at->json, list); node; node = wsm__sim_json_next(at->json, node)) {
        char name[80] = "";
        wsm__sim_json_string(at->json, node, name, sizeof name);
        const wsm__sim_agent *agent = wsm__sim_oracle_find_agent(oracle, name);
        if (agent) told |= 1ull << agent->idx;
    }
    expect(at, told == at->side->members, "with other members than the records give");
    uint32_t leads = at->side->coordinator;
    expect(at, is(at, "coordinator_agent", leads == WSM__SIM_NOBODY ? NULL : oracle->agents[leads].name),
           "led by somebody else than the records say");
}

static bool is_value(const look *at, uint32_t node, const wsm__sim_value *value, const wsm__sim_side *where) {
    size_t len;
    uint64_t version = 0;
    const char *raw = wsm__sim_json_raw(at->json, wsm__sim_json_member(at->json, node, "value"), &len);
    wsm__sim_json_uint(at->json, wsm__sim_json_member(at->json, node, "version"), &version);
    return raw && strlen(value->json) == len && memcmp(raw, value->json, len) == 0 && version == value->version &&
           wsm__sim_json_is(at->json, wsm__sim_json_member(at->json, node, "context_id"), where->id);
}

/* The names that one layer adds: those that the sidebar sees in it. */
static uint32_t check_layer(const look *at, const wsm__sim_side *layer, uint32_t refs) {
    uint32_t seen = 0;
    for (uint32_t i = 0; i < layer->refs_count; i++) {
        const wsm__sim_side *where;
        const char *name = layer->refs[i].name;
        const wsm__sim_value *value = wsm__sim_ref_seen(at->sides, at->side, name, &where);
        if (!value || where != layer) continue;
        seen++;
        expect(at, is_value(at, wsm__sim_json_member(at->json, refs, name), value, where),
               "with another value under a name than the records give");
    }
    return seen;
}

static void check_refs(const look *at) {
    uint32_t refs = wsm__sim_json_member(at->json, at->context, "data_refs");
    uint32_t seen = check_layer(at, at->side, refs);
    for (uint32_t i = 0; i < at->side->views_count; i++)
        seen += check_layer(at, at->sides->at[at->side->views[i].of], refs);
    expect(at, seen == wsm__sim_json_count(at->json, refs), "with names that nobody has set there or above");
}

static void check_status(const look *at) {
    uint64_t version = 0;
    wsm__sim_json_uint(at->json, wsm__sim_json_member(at->json, at->context, "version"), &version);
    expect(at, is(at, "status", wsm__sim_status_word((wsm__sim_status)at->side->status)), "with another status");
    expect(at, is(at, "final_status", wsm__sim_status_word((wsm__sim_status)at->side->final)),
           "with another final status");
    expect(at, version == at->side->version, "with another version of the status");
    expect(at, is(at, "visibility", at->side->is_private ? "private" : "open"), "with another visibility");
    if (at->side->forked_from != WSM__SIM_NO_SIDE && !is(at, "forked_from", NULL))
        expect(at, is(at, "forked_from", at->sides->at[at->side->forked_from]->id), "forked from another one");
    if (!is(at, "parent_context_id", NULL))
        expect(at, is(at, "parent_context_id", at->sides->at[at->side->parent]->id), "below another one");
}

static void check_offsets(const look *at) {
    uint32_t local = wsm__sim_json_member(at->json, at->context, "local_memory");
    uint32_t list = wsm__sim_json_member(at->json, local, "offsets");
    for (uint32_t node = wsm__sim_json_first(at->json, list); node; node = wsm__sim_json_next(at->json, node)) {
        uint64_t offset = 0;
        wsm__sim_json_uint(at->json, node, &offset);
        if (!wsm__sim_side_admits(at->side, at->client->agent->idx, offset))
            wsm__sim_break(at->client->sim, "I-40", "client %u is shown offset %llu of %s", at->client->idx,
                           (ull)offset, at->side->id);
    }
}

/* The snapshot says by which record of the context it was made. Only if the model has come no further, and nothing
 * elsewhere has changed it since, must it be the same. */
void wsm__sim_check_snapshot(wsm__sim_client *client) {
    const wsm__sim_json *json = client->sim->oracle.json;
    char id[40];
    uint64_t version = 0;
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&client->sim->oracle, client->epoch);
    size_t len = wsm__sim_json_string(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "context_id"), id, sizeof id);
    look at = {.client = client, .json = json, .context = wsm__sim_json_member(json, WSM__SIM_ROOT, "context")};
    wsm__sim_json_uint(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "version"), &version);
    if (!epoch || len == SIZE_MAX || client->sim->is_users) return;
    at.sides = &epoch->sides;
    at.side = wsm__sim_side_find(at.sides, id, len);
    if (!at.side || at.side->idx == 0) {
        if (!at.side)
            wsm__sim_break(client->sim, "I-46", "client %u is told of %s, which is not there", client->idx, id);
        return;
    }
    check_offsets(&at);
    if (version != at.side->active || at.side->touched > version) return;
    client->sim->snapshots++;
    check_status(&at);
    check_members(&at);
    check_refs(&at);
}

/* ---- when it is quiet -----------------------------------------------------------------------------------------------
 */

static bool all_ended(const wsm__sim_sides *sides, const wsm__sim_side *side) {
    for (uint32_t i = 0; i < side->waits_count; i++)
        if (wsm__sim_side_is_live(sides->at[side->waits[i]])) return false;
    return side->waits_count > 0;
}

static void check_idle(wsm_sim *sim, const wsm__sim_machine *node, const wsm__sim_side *side) {
    int64_t archive_ms = (int64_t)node->config.sidebar_idle_archive_s * 1000;
    int64_t idle_ms = wsm__sim_machine_wall(node) - side->active_wall;
    bool is_odd = sim->rates[WSM_SIM_CLOCK_JUMP] || sim->rates[WSM_SIM_CLOCK_STALL] || sim->rates[WSM_SIM_LATE_TICK];
    if (archive_ms && !is_odd && side->status != WSM__SIM_ARCHIVED && idle_ms > archive_ms + 60000)
        wsm__sim_break(sim, "I-80", "%s is idle for %lld s and not archived", side->id, (long long)idle_ms / 1000);
}

static void check_machine(wsm_sim *sim, const wsm__sim_machine *node) {
    const wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&sim->oracle, node->store.epoch);
    for (uint32_t i = 1; epoch && i < epoch->sides.count; i++) {
        const wsm__sim_side *side = epoch->sides.at[i];
        if (side->status == WSM__SIM_WAITS_FOR && all_ended(&epoch->sides, side))
            wsm__sim_break(sim, "I-80", "%s waits for what has ended", side->id);
        bool is_woken = side->status == WSM__SIM_PAUSED && side->wake_side != WSM__SIM_NO_SIDE &&
                        !wsm__sim_side_is_live(epoch->sides.at[side->wake_side]);
        if (is_woken) wsm__sim_break(sim, "I-80", "%s is paused although its condition is met", side->id);
        check_idle(sim, node, side);
    }
}

void wsm__sim_check_sides(wsm_sim *sim) {
    for (uint32_t i = 0; i < sim->nodes_count; i++)
        if (sim->nodes[i]->hub) check_machine(sim, sim->nodes[i]);
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        const wsm__sim_client *client = sim->clients[i];
        if (client->phase == WSM__SIM_LIVE) wsm__sim_check_circles(client);
    }
}
