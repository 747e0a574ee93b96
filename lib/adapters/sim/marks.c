/* Marks: what was under way when something went wrong. A fault that never met an operation is a hole in the net that no
 * number of seeds shows; the table of all pairs does. Nothing here draws or changes anything. */
#include <string.h>

#include "world.h"

#define BIT(during) (1u << (during))

static const char *const names[WSM_SIM_DURINGS] = {"startup",  "shutdown",     "join",         "replay",   "history",
                                                   "publish",  "publish_side", "publish_host", "spawn",    "members",
                                                   "status",   "data_ref",     "merge",        "mention",  "answer",
                                                   "delivery", "lease",        "presence",     "question", "rest"};

const char *wsm_sim_during_name(wsm_sim_during during) {
    return (unsigned)during < WSM_SIM_DURINGS ? names[during] : NULL;
}

/* ---- what is under way ----------------------------------------------------------------------------------------------
 */

static wsm_sim_during of_op(unsigned op) {
    static const uint8_t durings[WSM__SIM_OP_COORDINATOR] = {
        [WSM__SIM_OP_UPDATE] = WSM_SIM_DURING_PUBLISH, [WSM__SIM_OP_SPAWN] = WSM_SIM_DURING_SPAWN,
        [WSM__SIM_OP_CHILD] = WSM_SIM_DURING_SPAWN,    [WSM__SIM_OP_FORK] = WSM_SIM_DURING_SPAWN,
        [WSM__SIM_OP_JOIN] = WSM_SIM_DURING_MEMBERS,   [WSM__SIM_OP_LEAVE] = WSM_SIM_DURING_MEMBERS,
        [WSM__SIM_OP_INVITE] = WSM_SIM_DURING_MEMBERS, [WSM__SIM_OP_REMOVE] = WSM_SIM_DURING_MEMBERS,
        [WSM__SIM_OP_STATUS] = WSM_SIM_DURING_STATUS,  [WSM__SIM_OP_PAUSE] = WSM_SIM_DURING_STATUS,
        [WSM__SIM_OP_RESUME] = WSM_SIM_DURING_STATUS,  [WSM__SIM_OP_WAIT] = WSM_SIM_DURING_STATUS,
        [WSM__SIM_OP_TEST] = WSM_SIM_DURING_STATUS,    [WSM__SIM_OP_REF] = WSM_SIM_DURING_DATA_REF,
        [WSM__SIM_OP_MERGE] = WSM_SIM_DURING_MERGE,    [WSM__SIM_OP_DECIDE] = WSM_SIM_DURING_MERGE,
        [WSM__SIM_OP_ARCHIVE] = WSM_SIM_DURING_STATUS};
    return op < WSM__SIM_OP_COORDINATOR ? (wsm_sim_during)durings[op] : WSM_SIM_DURING_QUESTION;
}

static uint32_t of_request(const wsm_sim *sim, const wsm__sim_sent *sent) {
    if (sent->is_presence) return BIT(WSM_SIM_DURING_PRESENCE);
    if (sent->command == WSM__SIM_NOBODY) return BIT(WSM_SIM_DURING_QUESTION);
    const wsm__sim_command *command = &sim->oracle.commands[sent->command];
    if (command->kind == WSM__SIM_ROUTE) return BIT(WSM_SIM_DURING_MENTION);
    if (command->kind == WSM__SIM_ANSWER) return BIT(WSM_SIM_DURING_ANSWER);
    uint32_t calls = command->call ? BIT(WSM_SIM_DURING_MENTION) : 0;
    bool is_aside = command->op == WSM__SIM_OP_UPDATE && command->about[0];
    return calls | (is_aside ? BIT(WSM_SIM_DURING_PUBLISH_SIDE) : BIT(of_op(command->op)));
}

static uint32_t of_client(const wsm__sim_client *client) {
    const wsm__sim_mail *mail = client->sim->mail;
    uint32_t set = 0;
    if (mail && mail->waiting[client->agent->idx] > 0) set |= BIT(WSM_SIM_DURING_DELIVERY);
    if (mail && mail->working[client->agent->idx] > 0) set |= BIT(WSM_SIM_DURING_LEASE);
    if (!client->line) return set;
    if (client->phase < WSM__SIM_LIVE) return set | BIT(WSM_SIM_DURING_JOIN);
    if (client->replays) set |= BIT(WSM_SIM_DURING_REPLAY);
    if (wsm__sim_has_history(client)) set |= BIT(WSM_SIM_DURING_HISTORY);
    for (size_t i = client->sent_from; i < client->sent_count; i++)
        if (!client->sent[i].is_answered) set |= of_request(client->sim, &client->sent[i]);
    return set;
}

static uint32_t of_machine(const wsm__sim_machine *node) {
    uint32_t set = 0;
    bool runs = node->hub || node->depth > 0; /* `hub` is NULL while it is being made */
    if (runs && !node->is_ready && !node->dying) set |= BIT(WSM_SIM_DURING_STARTUP);
    if (node->shutdown_by) set |= BIT(WSM_SIM_DURING_SHUTDOWN);
    for (size_t i = 0; i < node->tags.count; i++)
        if (!(node->tags.open[i] & WSM__SIM_PAGE_TAG)) set |= BIT(WSM_SIM_DURING_PUBLISH_HOST);
    return set;
}

static void add(wsm_sim *sim, wsm_sim_fault_kind kind, uint32_t set) {
    if (set == 0) set = BIT(WSM_SIM_DURING_REST);
    for (unsigned during = 0; during < WSM_SIM_DURINGS; during++)
        if (set & BIT(during)) sim->report.marks[kind][during]++;
}

/* ---- marks ----------------------------------------------------------------------------------------------------------
 */

void wsm__sim_mark(wsm_sim *sim, wsm_sim_fault_kind kind) {
    uint32_t set = 0;
    for (uint32_t i = 0; i < sim->nodes_count; i++) set |= of_machine(sim->nodes[i]);
    for (uint32_t i = 0; i < sim->clients_count; i++) set |= of_client(sim->clients[i]);
    add(sim, kind, set);
}

void wsm__sim_mark_line(const wsm__sim_line *line, wsm_sim_fault_kind kind) {
    wsm_sim *sim = line->sim;
    uint32_t set = of_machine(line->node);
    for (uint32_t i = 0; i < sim->clients_count; i++)
        if (sim->clients[i]->line == line) set |= of_client(sim->clients[i]);
    add(sim, kind, set);
}

static bool is_type(wsm_slice type, const char *name) {
    return type.len == strlen(name) && memcmp(type.ptr, name, type.len) == 0;
}

static bool has(wsm_slice text, const char *part) {
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.ptr + i, part, len) == 0) return true;
    return false;
}

void wsm__sim_mark_message(wsm__sim_machine *node, wsm_sim_fault_kind kind, wsm_slice type, wsm_slice json) {
    uint32_t set = of_machine(node);
    if (is_type(type, "memory_update") && has(json, "\"context_id\":\"sb-")) {
        add(node->sim, kind, set | BIT(WSM_SIM_DURING_PUBLISH_SIDE));
        return;
    }
    if (is_type(type, "mention_route")) set |= BIT(WSM_SIM_DURING_MENTION);
    if (is_type(type, "mention_ack")) set |= BIT(WSM_SIM_DURING_ANSWER);
    if (is_type(type, "agent_presence")) set |= BIT(WSM_SIM_DURING_PRESENCE);
    if (is_type(type, "agent_list") || is_type(type, "context_request")) set |= BIT(WSM_SIM_DURING_QUESTION);
    for (unsigned op = 0; op < WSM__SIM_OP_COORDINATOR; op++)
        if (is_type(type, wsm__sim_op_type((wsm__sim_op)op))) set |= BIT(of_op(op));
    add(node->sim, kind, set);
}
