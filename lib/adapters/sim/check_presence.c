/* Presence (I-44). While things move: an agent is announced once in an interval at most, each announcement comes once
 * on a connection, the newest last, and nobody goes who has gone. When it is quiet: who is there is listed, as he was
 * announced last, with what he himself said last and the sidebars that the records give him.
 *
 * An announcement that a connection has no room for is passed over for a newer one; so one connection need not hear
 * each of them. */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "world.h"

typedef unsigned long long ull;

static const char *const fields[] = {"status",      "current_context", "active_sidebars",
                                     "specialties", "availability",    "preferred_collaborators",
                                     "note",        "current_load"};

/* All that is said of an agent in one number. */
static uint64_t said_of(const wsm__sim_json *json, uint32_t node) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        size_t len = 0;
        const char *raw = wsm__sim_json_raw(json, wsm__sim_json_member(json, node, fields[i]), &len);
        for (size_t k = 0; raw && k < len; k++) hash = (hash ^ (unsigned char)raw[k]) * 0x100000001b3u;
        hash = (hash ^ 0xff) * 0x100000001b3u;
    }
    return hash;
}

/* ---- an announcement ------------------------------------------------------------------------------------------------
 */

static void check_interval(wsm__sim_client *client, wsm__sim_agent *agent, const wsm__sim_announced *now) {
    const wsm_sim *sim = client->sim;
    int64_t interval = client->node->config.presence_interval_ms;
    for (uint32_t i = 0; i < WSM__SIM_ANNOUNCED; i++) {
        const wsm__sim_announced *other = &agent->announced[i];
        if (other->life != now->life || !other->id[0]) continue;
        if (strcmp(other->id, now->id) == 0) return; /* another client has heard it before */
        int64_t apart = now->time > other->time ? now->time - other->time : other->time - now->time;
        if (apart + 1 < interval && !sim->rates[WSM_SIM_CLOCK_JUMP])
            wsm__sim_break(client->sim, "I-44", "two changes of %s go out within %lld ms, and %lld must lie between",
                           agent->name, (long long)apart, (long long)interval);
    }
    agent->announced[agent->announced_next++ % WSM__SIM_ANNOUNCED] = *now;
}

void wsm__sim_check_presence(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    const wsm__sim_json *json = sim->oracle.json;
    char name[80] = "";
    wsm__sim_json_string(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "agent_id"), name, sizeof name);
    const wsm__sim_agent *agent = wsm__sim_oracle_find_agent(&sim->oracle, name);
    if (!agent && sim->is_users) return; /* client code of the test's own */
    if (!agent) {
        wsm__sim_break(sim, "I-44", "client %u hears of %s, who does not exist", client->idx, name);
        return;
    }
    wsm__sim_announced now = {.life = client->line->node_life, .time = wsm__sim_time_of(json)};
    wsm__sim_json_string(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "message_id"), now.id, sizeof now.id);
    wsm__sim_agent_seen *seen = &client->seen[agent->idx];
    bool is_gone = wsm__sim_json_is(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "status"), "offline");
    bool is_timed = !sim->rates[WSM_SIM_CLOCK_JUMP], was_told = seen->was_told;
    if (was_told && strcmp(seen->last.id, now.id) == 0)
        wsm__sim_break(sim, "I-44", "client %u hears the same of %s twice", client->idx, name);
    if (was_told && is_timed && now.time < seen->last.time)
        wsm__sim_break(sim, "I-44", "client %u hears of %s as it was before what it heard last", client->idx, name);
    bool is_near = now.time - seen->last.time + 2 < 2 * (int64_t)client->node->config.presence_interval_ms;
    if (was_told && is_timed && is_gone && !seen->is_present && is_near) /* it cannot have come between */
        wsm__sim_break(sim, "I-44", "client %u hears that %s has gone, who had gone before", client->idx, name);
    *seen = (wsm__sim_agent_seen){.is_present = !is_gone, .was_told = true, .last = now};
    seen->said = said_of(json, WSM__SIM_ROOT);
    check_interval(client, &sim->oracle.agents[agent->idx], &now);
}

void wsm__sim_presence_begin(wsm__sim_client *client) {
    memset(client->seen, 0, WSM__SIM_AGENTS * sizeof *client->seen);
}

/* What he has said himself is known now. */
void wsm__sim_presence_said(wsm__sim_client *client, uint32_t note) {
    wsm__sim_agent *agent = &client->sim->oracle.agents[client->agent->idx];
    agent->note = note;
    agent->note_life = client->line->node_life;
    agent->note_at = client->opened_at;
}

/* ---- when it is quiet -----------------------------------------------------------------------------------------------
 */

/* Somebody of that name was there already when the roster was asked for. */
static bool was_there(const wsm_sim *sim, uint32_t agent, uint64_t at) {
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        const wsm__sim_client *client = sim->clients[i];
        if (client->agent->idx == agent && client->phase == WSM__SIM_LIVE && client->opened_at + 5ull * WSM__SIM_S < at)
            return true; /* and not only on its way */
    }
    return false;
}

/* All who were there and have heard of him since they came have heard this last. */
static void check_heard(const wsm__sim_client *asker, const wsm__sim_agent *agent, uint32_t node) {
    wsm_sim *sim = asker->sim;
    uint64_t said = said_of(sim->oracle.json, node);
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        const wsm__sim_client *client = sim->clients[i];
        const wsm__sim_agent_seen *seen = &client->seen[agent->idx];
        if (client->phase != WSM__SIM_LIVE || client->node != asker->node || !client->reads_main || !seen->was_told)
            continue;
        if (seen->said != said)
            wsm__sim_break(sim, "I-44", "client %u has heard of %s otherwise than the hub lists him: %s", i,
                           agent->name, seen->is_present ? "another state" : "that he has gone");
    }
}

/* If all who bear his name are one client. */
static bool is_one(const wsm_sim *sim, uint32_t agent) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->clients_count; i++) count += sim->clients[i]->agent->idx == agent;
    return count == 1;
}

static void check_note(const wsm__sim_client *asker, const wsm__sim_agent *agent, uint32_t node) {
    char note[24] = "", want[24];
    const wsm__sim_json *json = asker->sim->oracle.json;
    bool is_known = agent->note && agent->note_life == asker->node->life && agent->left_at < agent->note_at;
    if (!is_known || !is_one(asker->sim, agent->idx)) return;
    snprintf(want, sizeof want, "%u", agent->note);
    wsm__sim_json_string(json, wsm__sim_json_member(json, node, "note"), note, sizeof note);
    if (strcmp(note, want) != 0)
        wsm__sim_break(asker->sim, "I-44", "the hub lists %s with the note \"%s\"; he said \"%s\" last", agent->name,
                       note, want);
}

static bool lists(const wsm__sim_json *json, uint32_t list, const char *id) {
    for (uint32_t at = wsm__sim_json_first(json, list); at; at = wsm__sim_json_next(json, at))
        if (wsm__sim_json_is(json, at, id)) return true;
    return false;
}

/* The sidebars that everybody may know of. */
static void check_active(const wsm__sim_client *asker, const wsm__sim_agent *agent, uint32_t node) {
    wsm_sim *sim = asker->sim;
    const wsm__sim_json *json = sim->oracle.json;
    const wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&sim->oracle, asker->node->store.epoch);
    uint32_t list = wsm__sim_json_member(json, node, "active_sidebars"), count = 0;
    uint64_t load = UINT64_MAX;
    wsm__sim_json_uint(json, wsm__sim_json_member(json, node, "current_load"), &load);
    for (uint32_t i = 1; epoch && i < epoch->sides.count; i++) {
        const wsm__sim_side *side = epoch->sides.at[i];
        bool is_in = wsm__sim_is_in(side->members, agent->idx) && wsm__sim_side_is_live(side) && !side->is_hidden;
        if (is_in != lists(json, list, side->id))
            wsm__sim_break(sim, "I-44", "the hub lists %s %s %s", agent->name, is_in ? "without" : "with", side->id);
        count += is_in;
    }
    if (epoch && (load != count || wsm__sim_json_count(json, list) != count))
        wsm__sim_break(sim, "I-44", "the hub lists %s with %llu sidebars; he has %u", agent->name, (ull)load, count);
}

/* The roster that the hub answered last, against the sessions that are open. */
void wsm__sim_check_roster(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    wsm__sim_json *json = sim->oracle.json;
    bool listed[WSM__SIM_AGENTS] = {false};
    uint64_t grace = client->node->config.presence_grace_ms * (uint64_t)WSM__SIM_MS;
    if (sim->left_at + grace > client->listed_at) return; /* somebody has left meanwhile */
    if (client->roster.len == 0 || !wsm__sim_json_read(json, client->roster.at, client->roster.len)) return;
    uint32_t list = wsm__sim_json_member(json, WSM__SIM_ROOT, "agents");
    if (wsm__sim_json_member(json, WSM__SIM_ROOT, "truncated")) return;
    uint64_t settled = client->node->config.presence_interval_ms * (uint64_t)WSM__SIM_MS + WSM__SIM_S;
    bool is_settled = sim->sides_moved_at + settled < client->listed_at && client->listed_at > client->opened_at;
    for (uint32_t node = wsm__sim_json_first(json, list); node; node = wsm__sim_json_next(json, node)) {
        char name[80] = "";
        wsm__sim_json_string(json, wsm__sim_json_member(json, node, "agent_id"), name, sizeof name);
        const wsm__sim_agent *agent = wsm__sim_oracle_find_agent(&sim->oracle, name);
        if (!agent || agent->sessions == 0) {
            wsm__sim_break(sim, "I-44", "the hub lists %s, who is not there", name);
            continue;
        }
        listed[agent->idx] = true;
        if (!is_settled || sim->is_users) continue;
        check_heard(client, agent, node);
        check_note(client, agent, node);
        check_active(client, agent, node);
    }
    for (uint32_t i = 0; i < sim->oracle.agents_count; i++)
        if (sim->oracle.agents[i].sessions > 0 && !listed[i] && was_there(sim, i, client->listed_at))
            wsm__sim_break(sim, "I-44", "the hub does not list %s, who is there", sim->oracle.agents[i].name);
}
