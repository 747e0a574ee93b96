/* What must hold of mentions: each reaches an agent once, on one connection, in order, until it is seen; nobody gets
 * one who may not read; what the sender is told has happened; and in calm nothing stays in a mailbox whose owner is
 * there. */
#include <stdio.h>
#include <string.h>

#include "world.h"

typedef unsigned long long ull;

#define SLACK_MS 90000 /* until what time ends has ended: chores, and a second attempt */

static void fold(const wsm__sim_client *client) {
    if (client->node->hub) wsm__sim_mail_fold(client->node, wsm_hub_position(client->node->hub, NULL));
}

static bool is_open_at_hub(const wsm__sim_client *client) {
    return client->phase == WSM__SIM_LIVE && client->line && client->line->conn && client->line->agent;
}

static bool is_same_epoch(const wsm__sim_client *client) {
    return strcmp(client->sim->mail->epoch, client->epoch) == 0;
}

/* How often it was queued again on account of its lease since the connection began. */
static uint32_t requeued_since(const wsm__sim_delivery *delivery, uint64_t offset) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < delivery->changes_count; i++)
        if (delivery->changes[i].stage == WSM__SIM_IS_QUEUED && delivery->changes[i].offset > offset) count++;
    return count;
}

/* ---- rights ---------------------------------------------------------------------------------------------------------
 */

static wsm__sim_epoch *epoch_of(const wsm__sim_client *client) {
    return wsm__sim_oracle_epoch(&client->sim->oracle, client->epoch);
}

static const wsm__sim_side *side_of(const wsm__sim_client *client, const wsm__sim_delivery *delivery) {
    const wsm__sim_epoch *epoch = epoch_of(client);
    return epoch && delivery->side < epoch->sides.count ? epoch->sides.at[delivery->side] : NULL;
}

/* The token covers it, and whoever is called by a record of a sidebar belonged to it then. */
static bool is_covered(const wsm__sim_client *client, const wsm__sim_delivery *delivery, const wsm__sim_side *side) {
    if (!side || !(side->idx == 0 ? client->reads_main : client->reads_sides)) return false;
    return delivery->is_route || wsm__sim_side_admits(side, client->agent->idx, delivery->offset);
}

bool wsm__sim_mail_may_read(const wsm__sim_client *client, const wsm__sim_delivery *delivery) {
    const wsm__sim_side *side = side_of(client, delivery);
    return side && is_covered(client, delivery, side) &&
           (side->idx == 0 || wsm__sim_is_in(side->members, client->agent->idx));
}

/* Rights are looked at when it is sent: since the connection began and the mention was made he must have had them, and
 * he must not have heard meanwhile that he has them no longer. */
static void check_rights(const wsm__sim_client *client, const wsm__sim_delivery *delivery) {
    const wsm__sim_side *side = side_of(client, delivery);
    uint64_t since = delivery->offset > client->head ? delivery->offset : client->head;
    if (!side || !is_covered(client, delivery, side) || !wsm__sim_side_had(side, client->agent->idx, since))
        wsm__sim_break(client->sim, "I-35", "client %u (%s) gets the mention at %llu, about %s, which it may not read",
                       client->idx, client->agent->name, (ull)delivery->offset, side ? side->id : "?");
    else if (side->idx != 0 && wsm__sim_has_left(client, side, delivery->offset))
        wsm__sim_break(client->sim, "I-42",
                       "client %u (%s) gets the mention at %llu after it heard that it has left %s", client->idx,
                       client->agent->name, (ull)delivery->offset, side->id);
}

/* ---- a delivery comes -----------------------------------------------------------------------------------------------
 */

static void check_once(wsm__sim_client *client, wsm__sim_delivery *delivery, const wsm__sim_receipt *own) {
    wsm_sim *sim = client->sim;
    const char *name = client->agent->name;
    uint32_t again = requeued_since(delivery, client->head);
    if (own->copies > 1 + again)
        wsm__sim_break(sim, "I-33", "client %u (%s) gets the mention at %llu %u times on one connection", client->idx,
                       name, (ull)delivery->offset, own->copies);
    if (wsm__sim_mail_stage(delivery, client->head) != WSM__SIM_IS_QUEUED && again == 0)
        wsm__sim_break(sim, "I-33", "client %u (%s) gets the mention at %llu, which %s had seen before it came",
                       client->idx, name, (ull)delivery->offset, name);
    for (size_t i = 0; i < delivery->receipts_count && again == 0; i++) {
        const wsm__sim_receipt *other = &delivery->receipts[i];
        const wsm__sim_client *holder = sim->clients[other->client];
        bool holds = other->copies > 0 && holder != client && holder->life == other->life && is_open_at_hub(holder);
        if (holds && is_open_at_hub(client) && requeued_since(delivery, holder->head) == 0)
            wsm__sim_break(sim, "I-33", "clients %u and %u, both %s, get the mention at %llu", holder->idx, client->idx,
                           name, (ull)delivery->offset);
    }
}

/* The first copies of one lane come in the order of the log, unless a connection of the agent has died since. */
static void check_order(wsm__sim_client *client, const wsm__sim_delivery *delivery) {
    const wsm__sim_mail *mail = client->sim->mail;
    uint64_t left_at = client->agent->left_at;
    const wsm__sim_side *side = side_of(client, delivery);
    if (delivery->receipts_count > 1 || delivery->requeued_at || delivery->applied_at <= left_at ||
        client->opened_at > delivery->applied_at)
        return;
    if (!side || !wsm__sim_side_owes(side, client->agent->idx, delivery->offset)) return; /* it waited for his rights */
    for (size_t i = mail->count; i > 0; i--) {
        const wsm__sim_delivery *other = &mail->deliveries[i - 1];
        if (other->offset <= delivery->offset) return;
        if (other->agent != delivery->agent || other->is_urgent != delivery->is_urgent || !other->is_route) continue;
        for (size_t r = 0; r < other->receipts_count; r++)
            if (other->receipts[r].client == client->idx && other->receipts[r].life == client->life)
                wsm__sim_break(client->sim, "I-33", "client %u gets the mention at %llu after the one at %llu",
                               client->idx, (ull)delivery->offset, (ull)other->offset);
    }
}

static void note_copy(wsm__sim_client *client, wsm__sim_delivery *delivery) {
    wsm__sim_receipt *own = wsm__sim_mail_receipt(&delivery->receipts, &delivery->receipts_count, client);
    own->copies++;
    if (delivery->is_vague) return;
    check_once(client, delivery, own);
}

void wsm__sim_check_mention(wsm__sim_client *client, uint64_t offset, const char *text, size_t len) {
    wsm_sim *sim = client->sim;
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&sim->oracle, client->epoch);
    wsm__sim_entry *entry = epoch ? wsm__sim_oracle_entry(epoch, offset) : NULL;
    if (entry && entry->agent == client->agent->idx) { /* its own */
        wsm__sim_check_record(client, offset, text, len);
        return;
    }
    if (!entry || !entry->json || entry->len != len || memcmp(entry->json, text, len) != 0) {
        wsm__sim_break(sim, "I-03", "client %u gets a mention at %llu as %.*s", client->idx, (ull)offset,
                       (int)(len < 200 ? len : 200), text);
        return;
    }
    wsm__sim_say(sim, "client %u gets the mention at %llu", client->idx, (ull)offset);
    fold(client);
    if (client->is_observer) wsm__sim_break(sim, "I-43", "client %u observes, and gets a mention", client->idx);
    if (!is_same_epoch(client)) return;
    wsm__sim_delivery *delivery = wsm__sim_mail_find(sim->mail, offset, client->agent->idx);
    if (!delivery) {
        if (!sim->mail->is_vague)
            wsm__sim_break(sim, "I-33", "client %u (%s) gets the mention at %llu, which is not for it, or had no room",
                           client->idx, client->agent->name, (ull)offset);
        return;
    }
    check_rights(client, delivery);
    note_copy(client, delivery);
    if (!delivery->is_vague) check_order(client, delivery);
    wsm__sim_client_mail_came(client, delivery);
}

/* A memory update that names its reader: it comes with the stream, or beside it because it was not seen. */
bool wsm__sim_check_again(wsm__sim_client *client, uint64_t offset, bool is_new) {
    if (!client->sim->mail) return false;
    const wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&client->sim->oracle, client->epoch);
    const wsm__sim_entry *entry = &epoch->entries[offset - 1];
    bool names = entry->command != WSM__SIM_NOBODY && client->sim->oracle.commands[entry->command].call &&
                 client->sim->oracle.commands[entry->command].kind == WSM__SIM_UPDATE;
    if (!names) return false;
    fold(client);
    wsm__sim_delivery *delivery =
        is_same_epoch(client) ? wsm__sim_mail_find(client->sim->mail, offset, client->agent->idx) : NULL;
    if (delivery && entry->context < epoch->sides.count &&
        wsm__sim_is_passed(client, epoch->sides.at[entry->context], offset))
        is_new = false;
    if (is_new) { /* all who read main get it; one of them is called by it */
        if (delivery) wsm__sim_mail_receipt(&delivery->receipts, &delivery->receipts_count, client)->copies++;
        if (delivery && !client->is_observer) wsm__sim_client_mail_came(client, delivery);
        return false;
    }
    bool is_unknown = !delivery && client->sim->mail->is_vague; /* it may have found room when another one broke */
    if (is_unknown && !client->is_observer && !wsm__sim_has_history(client)) return true;
    if (!delivery || client->is_observer) return false;
    check_rights(client, delivery);
    wsm__sim_mail_receipt(&delivery->receipts, &delivery->receipts_count, client)->copies++;
    wsm__sim_client_mail_came(client, delivery);
    return true;
}

/* ---- what the sender hears ------------------------------------------------------------------------------------------
 */

static bool stage_of(const wsm__sim_json *json, uint32_t node, wsm__sim_stage *stage) {
    for (unsigned i = 0; i <= WSM__SIM_IS_EXPIRED; i++)
        if (wsm__sim_json_is(json, node, wsm__sim_stage_words[i])) {
            *stage = (wsm__sim_stage)i;
            return true;
        }
    return false;
}

static bool has_been(const wsm__sim_delivery *delivery, wsm__sim_stage stage) {
    for (uint32_t i = 0; i < delivery->changes_count; i++)
        if (delivery->changes[i].stage == stage) return true;
    return false;
}

void wsm__sim_check_status(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    const wsm__sim_json *json = sim->oracle.json;
    char id[40] = "", target[80] = "", word[24] = "";
    wsm__sim_stage stage = WSM__SIM_IS_QUEUED;
    uint32_t at = wsm__sim_json_member(json, WSM__SIM_ROOT, "state");
    wsm__sim_json_string(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "mention_id"), id, sizeof id);
    wsm__sim_json_string(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "target"), target, sizeof target);
    wsm__sim_json_string(json, at, word, sizeof word);
    const wsm__sim_agent *agent = wsm__sim_oracle_find_agent(&sim->oracle, target);
    uint32_t command = wsm__sim_mail_call(sim, id, client->agent->idx);
    fold(client);
    wsm__sim_say(sim, "client %u hears that the mention %s of %s is %s", client->idx, id, target, word);
    if (command == WSM__SIM_NOBODY || !agent) {
        wsm__sim_break(sim, "I-33", "client %u hears of a mention that is not its own: %s of %s", client->idx, id,
                       target);
        return;
    }
    wsm__sim_delivery *delivery = is_same_epoch(client) ? wsm__sim_mail_of(sim->mail, command, agent->idx) : NULL;
    if (!delivery || delivery->is_vague) return;
    bool is_soft = !stage_of(json, at, &stage);
    wsm__sim_receipt *told = wsm__sim_mail_receipt(&delivery->told, &delivery->told_count, client);
    bool is_folded = client->node->hub && client->node->is_ready; /* one that has gone can tell no more what it held */
    if (!is_soft && is_folded && !has_been(delivery, stage))
        wsm__sim_break(sim, "I-33", "client %u hears that the mention at %llu is %s, and no record says so",
                       client->idx, (ull)delivery->offset, word);
    bool was_requeued =
        has_been(delivery, WSM__SIM_IS_QUEUED); /* being told of it is no promise: hints may be dropped */
    bool is_early = is_soft || stage == WSM__SIM_IS_SEEN;
    bool goes_back = told->told >= WSM__SIM_IS_REPLIED || (is_early && told->told >= WSM__SIM_IS_SEEN && !was_requeued);
    if (goes_back)
        wsm__sim_break(sim, "I-33", "client %u hears that the mention at %llu is %s after it was %s", client->idx,
                       (ull)delivery->offset, word, wsm__sim_stage_words[told->told]);
    if (!is_soft) told->told = stage;
}

static void check_guard(wsm__sim_client *client, const wsm__sim_command *command, uint32_t agent) {
    if (command->sends[0] == 1) wsm__sim_wake_held(client, command, agent);
    if (!wsm__sim_wake_may_be_guarded(client, command, agent))
        wsm__sim_break(client->sim, "I-33", "client %u is told that %s is called too often, and was hardly called",
                       client->idx, client->sim->oracle.agents[agent].name);
}

/* What becomes of a group is told under its name. */
static void check_group(wsm__sim_client *client, const wsm__sim_call *call, uint32_t targets, const char *name) {
    const wsm__sim_json *json = client->sim->oracle.json;
    uint32_t outcome = wsm__sim_json_member(json, targets, name);
    if (!outcome || (!call->may_group && !wsm__sim_json_is(json, outcome, "forbidden")))
        wsm__sim_break(client->sim, "I-33", "client %u, who %s call groups, is told otherwise of %s", client->idx,
                       call->may_group ? "may" : "may not", name);
}

/* The ack of a sidebar's beginning names those whom that does not reach, and no others. In the background it calls
 * nobody.
 */
static void check_unreached(wsm__sim_client *client, uint32_t k) {
    wsm_sim *sim = client->sim;
    const wsm__sim_json *json = sim->oracle.json;
    const wsm__sim_call *call = &sim->mail->calls[sim->oracle.commands[k].call - 1];
    uint32_t result = wsm__sim_json_member(json, WSM__SIM_ROOT, "result");
    uint32_t targets = result ? wsm__sim_json_member(json, result, "targets") : 0;
    uint64_t offset = 0;
    fold(client);
    if (!is_same_epoch(client) || sim->mail->is_vague || sim->oracle.commands[k].effects != 1) return;
    wsm__sim_json_uint(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "offset"), &offset);
    const wsm__sim_entry *entry = wsm__sim_oracle_entry(epoch_of(client), offset);
    if (!entry || entry->command != k || entry->priority == WSM_PRIORITY_BACKGROUND) return;
    for (uint32_t i = 0; i < call->count; i++) {
        const wsm__sim_agent *agent = &sim->oracle.agents[call->agents[i]];
        const wsm__sim_delivery *delivery = wsm__sim_mail_of(sim->mail, k, agent->idx);
        uint32_t outcome = targets ? wsm__sim_json_member(json, targets, agent->name) : 0;
        if (delivery && delivery->is_vague) continue;
        if (wsm__sim_json_is(json, outcome, "mailbox_full") == (delivery != NULL))
            wsm__sim_break(sim, "I-33", "client %u is told otherwise of whether the sidebar of command %u reaches %s",
                           client->idx, k, agent->name);
    }
}

/* The ack of a call says for each name what becomes of it, and says the truth. */
void wsm__sim_check_outcomes(wsm__sim_client *client, uint32_t k) {
    wsm_sim *sim = client->sim;
    const wsm__sim_json *json = sim->oracle.json;
    const wsm__sim_command *command = &sim->oracle.commands[k];
    uint32_t result = wsm__sim_json_member(json, WSM__SIM_ROOT, "result");
    if (!command->call) return;
    if (command->op != WSM__SIM_OP_UPDATE) { /* a sidebar calls those that it begins with */
        check_unreached(client, k);
        return;
    }
    uint32_t targets = wsm__sim_json_member(json, result, command->kind == WSM__SIM_ROUTE ? "targets" : "mentions");
    const wsm__sim_call *call = &sim->mail->calls[command->call - 1];
    fold(client);
    if (!is_same_epoch(client) || sim->mail->is_vague || command->effects != 1 || command->sends[1]) return;
    const wsm__sim_side *side = wsm__sim_side_find(&epoch_of(client)->sides, command->about, strlen(command->about));
    bool is_loud = !side || side->priority != WSM_PRIORITY_BACKGROUND; /* in the others nobody is woken */
    if (call->is_role) check_group(client, call, targets, "role:" WSM__SIM_SKILL);
    if (call->is_here) check_group(client, call, targets, "here");
    for (uint32_t i = 0; i < call->count; i++) {
        const wsm__sim_agent *agent = &sim->oracle.agents[call->agents[i]];
        uint32_t outcome = wsm__sim_json_member(json, targets, agent->name);
        bool is_called = wsm__sim_json_is(json, outcome, "connected") || wsm__sim_json_is(json, outcome, "queued");
        const wsm__sim_delivery *delivery = wsm__sim_mail_of(sim->mail, k, agent->idx);
        uint64_t card = sim->mail->card_at[agent->idx];
        bool was_known = card && card <= call->sent_at && strcmp(call->epoch, sim->mail->epoch) == 0;
        if (is_called && !delivery)
            wsm__sim_break(sim, "I-33", "client %u is told that %s is called by command %u, which reaches no mailbox",
                           client->idx, agent->name, k);
        if (delivery && !delivery->is_vague && wsm__sim_json_is(json, outcome, "mailbox_full"))
            wsm__sim_break(sim, "I-33", "client %u is told that the mailbox of %s is full, and command %u is in it",
                           client->idx, agent->name, k);
        bool is_wake = command->kind == WSM__SIM_ROUTE || (client->node->config.mentions_per_message > 2 && is_loud);
        if (wsm__sim_json_is(json, outcome, "loop_guard")) check_guard(client, command, agent->idx);
        if (!outcome && is_wake)
            wsm__sim_break(sim, "I-33", "client %u is not told what becomes of %s, whom command %u names", client->idx,
                           agent->name, k);
        if (was_known && wsm__sim_json_is(json, outcome, "unknown_agent"))
            wsm__sim_break(sim, "I-33", "client %u is told that %s, whose card is at %llu, is unknown", client->idx,
                           agent->name, (ull)card);
    }
}

/* All that were named were refused; if one alone was named, it was he. */
static bool is_guarded(const wsm__sim_client *client, const wsm__sim_command *command, const wsm__sim_call *call) {
    bool is_one = call->count == 1 && !call->is_group && strstr(command->text[0], "nobody") == NULL;
    if (is_one && command->sends[0] == 1) wsm__sim_wake_held(client, command, call->agents[0]);
    return wsm__sim_wake_may_be_guarded(client, command, is_one ? call->agents[0] : WSM__SIM_NOBODY);
}

bool wsm__sim_mail_expects(const wsm__sim_client *client, const wsm__sim_command *command, const char *code) {
    static const char *const of_calls[] = {"unknown_agent", "mailbox_full", "loop_guard", "forbidden"};
    const wsm__sim_mail *mail = client->sim->mail;
    if (command->kind == WSM__SIM_ANSWER)
        return strcmp(code, "not_found") == 0 || strcmp(code, "invalid_transition") == 0;
    if (command->kind != WSM__SIM_ROUTE) return false;
    const wsm__sim_call *call = &mail->calls[command->call - 1];
    if (strcmp(code, "loop_guard") == 0) return is_guarded(client, command, call);
    bool is_unknown = strcmp(code, "unknown_agent") == 0 && call->count == 1 && !call->is_group && !mail->is_vague;
    uint64_t card = is_unknown ? mail->card_at[call->agents[0]] : 0;
    if (card && card <= call->sent_at && strcmp(call->epoch, mail->epoch) == 0 && is_same_epoch(client) &&
        strstr(command->text[0], "nobody") == NULL)
        return false;
    for (size_t i = 0; i < sizeof of_calls / sizeof of_calls[0]; i++)
        if (strcmp(code, of_calls[i]) == 0) return true;
    return false;
}

/* ---- the record of a call -------------------------------------------------------------------------------------------
 */

void wsm__sim_check_call(wsm__sim_machine *node, const wsm__sim_command *command, const wsm__sim_entry *entry,
                         uint64_t offset) {
    const wsm_sim *sim = node->sim;
    uint64_t hop = 0;
    if (command->kind != WSM__SIM_ROUTE) return;
    uint32_t about = wsm__sim_json_member(sim->oracle.json, WSM__SIM_ROOT, "sidebar_id");
    if (command->about[0] ? !wsm__sim_json_is(sim->oracle.json, about, command->about) : about != 0)
        wsm__sim_break(node->sim, "I-03", "the mention at %llu is not about what its sender said: %.300s", (ull)offset,
                       entry->json);
    if (!node->config.hop_max) return;
    wsm__sim_json_uint(sim->oracle.json, wsm__sim_json_member(sim->oracle.json, WSM__SIM_ROOT, "hop"), &hop);
    if (hop > node->config.hop_max)
        wsm__sim_break(node->sim, "I-33", "the mention at %llu has a chain of %llu causes, and %u are allowed",
                       (ull)offset, (ull)hop, node->config.hop_max);
}

/* ---- when it is quiet -----------------------------------------------------------------------------------------------
 */

static bool can_have(const wsm__sim_client *client, const wsm__sim_delivery *delivery) {
    return client->agent->idx == delivery->agent && !client->is_observer && is_open_at_hub(client) &&
           is_same_epoch(client) && wsm__sim_mail_may_read(client, delivery);
}

static bool has_it(const wsm__sim_client *client, const wsm__sim_delivery *delivery) {
    for (size_t i = 0; i < delivery->receipts_count; i++)
        if (delivery->receipts[i].client == client->idx && delivery->receipts[i].life == client->life &&
            delivery->receipts[i].copies > 0)
            return true;
    return false;
}

/* It is for the primary connection: if that may not read it, nobody gets it. */
static bool is_in_the_way(const wsm__sim_client *client, const wsm__sim_delivery *delivery) {
    return client->agent->idx == delivery->agent && !client->is_observer && is_open_at_hub(client) &&
           !wsm__sim_mail_may_read(client, delivery);
}

/* A connection of his that died in silence is taken for alive until it has missed its pings, and has it until then. */
static bool may_be_held(const wsm__sim_client *there) {
    for (const wsm__sim_line *line = there->sim->lines; line; line = line->next)
        if (line != there->line && line->conn && line->is_silent && line->agent == there->agent) return true;
    return false;
}

static void check_brought(wsm_sim *sim, const wsm__sim_delivery *delivery) {
    const wsm__sim_client *there = NULL;
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        if (is_in_the_way(sim->clients[i], delivery)) return;
        if (!can_have(sim->clients[i], delivery)) continue;
        there = sim->clients[i];
        if (has_it(there, delivery)) return;
    }
    if (!there || delivery->offset < wsm__sim_store_readable(&there->node->store) || there->node->cannot_read) return;
    if (may_be_held(there)) return;
    wsm__sim_break(sim, "I-33", "client %u (%s) is there, and the mention at %llu has not come", there->idx,
                   there->agent->name, (ull)delivery->offset);
}

static void check_ended(wsm__sim_machine *node, const wsm__sim_delivery *delivery) {
    int64_t now = wsm__sim_machine_wall(node), age_ms = (int64_t)node->config.mailbox_age_s * 1000;
    bool works = delivery->stage == WSM__SIM_IS_WORKING;
    bool worked = delivery->requeued_at && delivery->requeued_at + SLACK_MS / 1000ull * WSM__SIM_S > node->sim->now;
    if (works && now > delivery->lease_ms + SLACK_MS)
        wsm__sim_break(node->sim, "I-33", "the lease on the mention at %llu ended %lld ms ago, and no record says so",
                       (ull)delivery->offset, (long long)(now - delivery->lease_ms));
    if (!works && !worked && age_ms && now > delivery->queued_ms + age_ms + SLACK_MS)
        wsm__sim_break(node->sim, "I-34", "the mention at %llu is %lld ms old and still open; %lld are allowed",
                       (ull)delivery->offset, (long long)(now - delivery->queued_ms), (long long)age_ms);
}

void wsm__sim_check_mail_end(wsm_sim *sim) {
    if (!sim->mail) return;
    wsm__sim_machine *node = sim->nodes[0];
    if (!node->hub || strcmp(sim->mail->epoch, node->store.epoch) != 0) return;
    wsm__sim_mail_fold(node, wsm_hub_position(node->hub, NULL));
    wsm__sim_check_held(node);
    for (size_t i = 0; i < sim->mail->count; i++) {
        const wsm__sim_delivery *delivery = &sim->mail->deliveries[i];
        if (delivery->is_vague || delivery->stage >= WSM__SIM_IS_REPLIED) continue;
        check_ended(node, delivery);
        bool is_fresh = delivery->requeued_at + 5ull * WSM__SIM_S > sim->now;
        if (delivery->stage == WSM__SIM_IS_QUEUED && !is_fresh) check_brought(sim, delivery);
    }
}
