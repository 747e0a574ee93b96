/* What must hold of answers: one for each request, true about the log, and honest about durability; and what an error
 * means: that nothing changed. */
#include <string.h>

#include "world.h"

typedef unsigned long long ull;

static bool is_second_thought(const wsm__sim_command *command) { /* sent twice, or with two contents */
    return command->sends[0] + command->sends[1] > 1;
}

void wsm__sim_check_ack(wsm__sim_client *client, wsm__sim_sent *sent, bool is_duplicate, bool has_offset,
                        uint64_t offset, bool is_durable) {
    wsm_sim *sim = client->sim;
    const wsm__sim_store *store = &client->node->store;
    sim->report.acked++;
    if (sent->command == WSM__SIM_NOBODY) return;
    wsm__sim_command *command = &sim->oracle.commands[sent->command];
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&sim->oracle, client->epoch);
    wsm__sim_entry *entry = epoch && has_offset ? wsm__sim_oracle_entry(epoch, offset) : NULL;
    command->is_answered = true;
    if (command->kind == WSM__SIM_ANSWER) return; /* its record is shown to nobody */
    if (!entry || entry->state == WSM__SIM_ENTRY_NONE) {
        if (is_duplicate && offset <= store->loaded_from)
            return; /* known from a snapshot alone: the record was void or broken */
        wsm__sim_break(sim, is_duplicate ? "I-32" : "I-07",
                       "client %u: command %u is acknowledged at %llu, where nothing is", client->idx, sent->command,
                       (ull)offset);
        return;
    }
    if (entry->command == WSM__SIM_NOBODY) return;
    const wsm__sim_command *there = &sim->oracle.commands[entry->command];
    bool is_merge = is_duplicate && command->op == WSM__SIM_OP_MERGE && there->op == WSM__SIM_OP_MERGE;
    if (is_merge && strcmp(command->about, there->about) == 0) return; /* whoever asks: it is merged */
    if (strcmp(there->id, command->id) != 0 || there->agent != command->agent)
        wsm__sim_break(sim, is_duplicate ? "I-32" : "I-07",
                       "client %u: command %u is acknowledged at %llu, where command %u is", client->idx, sent->command,
                       (ull)offset, entry->command);
    else if (!sent->is_vague && (entry->command != sent->command || entry->variant != sent->variant))
        wsm__sim_break(sim, "I-31", "client %u: content %u of command %u is acknowledged; the log has content %u",
                       client->idx, sent->variant, sent->command, entry->variant);
    if (!is_durable && !is_duplicate && store->is_durable)
        wsm__sim_break(sim, "I-21", "client %u: command %u is at %llu of a durable log, and said not to be durable",
                       client->idx, sent->command, (ull)offset);
    if (!is_durable) return;
    bool is_same = strcmp(store->epoch, client->epoch) == 0;
    if (is_same && (!store->is_durable || store->synced < offset))
        wsm__sim_break(sim, "I-20", "client %u: command %u is said to be durable at %llu; synced are %llu", client->idx,
                       sent->command, (ull)offset, (ull)store->synced);
}

static bool is_one_of(const char *code, const char *const *list) {
    for (; *list; list++)
        if (strcmp(code, *list) == 0) return true;
    return false;
}

/* Refusals that an honest, well-made message may meet in a world where nothing fails. */
static bool is_expected(const wsm__sim_client *client, const wsm__sim_command *command, const char *code) {
    static const char *const later[] = {"rate_limited", "busy", "shutting_down", "limit", NULL};
    const wsm_sim *sim = client->sim;
    static const char *const of_sides[] = {"forbidden",     "not_found",   "conflict", "invalid_transition",
                                           "unknown_agent", "bad_message", NULL};
    if (command->is_forbidden && strcmp(code, "forbidden") == 0) return true;
    if ((command->op != WSM__SIM_OP_UPDATE || command->about[0]) && is_one_of(code, of_sides)) return true;
    if (sim->mail && wsm__sim_mail_expects(client, command, code)) return true;
    if (strcmp(code, "id_conflict") == 0) return true; /* looked at on its own */
    if (strcmp(code, "store_failed") == 0) return sim->oracle.store_failed || command->op == WSM__SIM_OP_MERGE;
    if (strcmp(code, "internal") == 0) return sim->oracle.memory_failed || sim->rates[WSM_SIM_NO_RANDOM];
    if (strcmp(code, "too_large") == 0) return true;
    if (sim->rates[WSM_SIM_VETO] && strcmp(code, "forbidden") == 0) return true;
    return is_one_of(code, later);
}

void wsm__sim_check_error(wsm__sim_client *client, wsm__sim_sent *sent, const char *code) {
    static const char *const open_ones[] = {"store_failed", NULL};
    wsm_sim *sim = client->sim;
    if (sent->command == WSM__SIM_NOBODY) return;
    wsm__sim_command *command = &sim->oracle.commands[sent->command];
    if (strcmp(code, "id_conflict") == 0 && command->sends[1] == 0 && !client->is_thief) {
        wsm__sim_break(sim, "I-31", "client %u: id_conflict for command %u, whose id was never used otherwise",
                       client->idx, sent->command);
        return;
    }
    if (!is_expected(client, command, code))
        wsm__sim_break(sim, "I-07", "client %u: command %u, well made, is refused with %s", client->idx, sent->command,
                       code);
    if (command->kind == WSM__SIM_ANSWER) return; /* a record that changed nothing may tell of it */
    if (command->is_forbidden || is_second_thought(command) || is_one_of(code, open_ones)) return;
    command->is_refused = true;
    if (command->effects)
        wsm__sim_break(sim, "I-25", "client %u: command %u was refused with %s and took effect", client->idx,
                       sent->command, code);
}
