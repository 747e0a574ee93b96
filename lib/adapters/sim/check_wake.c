/* What calls cost, and what becomes of those that cost too much: nobody is called oftener than the budgets allow,
 * nobody is refused for his chain or his budget while there is some left, a group is called by who may and as far as
 * its limit goes; and who was refused so is named to his target in a digest, later.
 *
 * The simulator does not see how full a purse is. It knows each sending that names somebody, which is no less than what
 * was taken, and each delivery, which is no more. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

typedef unsigned long long ull;

#define WINDOW_NS  (300ull * WSM__SIM_S) /* a purse that is empty has been emptied since, delays included */
#define HELD_NS    (90ull * WSM__SIM_S)  /* until a digest comes, if its target's purse has room */
#define GROUP_MOST 256u

static bool is_timed(const wsm_sim *sim) {
    return !sim->rates[WSM_SIM_CLOCK_JUMP] && !sim->rates[WSM_SIM_CLOCK_STALL];
}

/* ---- sendings -------------------------------------------------------------------------------------------------------
 */

static void add_attempt(wsm__sim_mail *mail, const wsm__sim_attempt *attempt) {
    if (mail->attempts_count == mail->attempts_cap) {
        mail->attempts_cap = mail->attempts_cap ? mail->attempts_cap * 2 : 64;
        mail->attempts = wsm__sim_resize(mail->attempts, mail->attempts_cap * sizeof *mail->attempts);
    }
    mail->attempts[mail->attempts_count++] = *attempt;
}

void wsm__sim_wake_tried(wsm__sim_client *client, uint32_t k) {
    const wsm_sim *sim = client->sim;
    const wsm__sim_command *command = &sim->oracle.commands[k];
    if (!sim->mail || !command->call || command->op != WSM__SIM_OP_UPDATE) return;
    const wsm__sim_call *call = &sim->mail->calls[command->call - 1];
    wsm__sim_attempt attempt = {.at = sim->now, .sender = command->agent, .command = k};
    for (uint32_t i = 0; i < call->count; i++) attempt.named |= 1ull << call->agents[i];
    if (call->is_group) attempt.named = ~0ull;
    add_attempt(sim->mail, &attempt);
}

/* Within the window before `at`, and since; by anybody: NOBODY. */
static uint32_t tried(const wsm_sim *sim, uint32_t agent, uint32_t sender, uint64_t at) {
    const wsm__sim_mail *mail = sim->mail;
    uint32_t count = 0;
    for (size_t i = mail->attempts_count; i > 0 && mail->attempts[i - 1].at + WINDOW_NS > at; i--) {
        const wsm__sim_attempt *attempt = &mail->attempts[i - 1];
        bool is_his = sender == WSM__SIM_NOBODY || attempt->sender == sender;
        count += is_his && wsm__sim_is_in(attempt->named, agent);
    }
    return count;
}

static bool may_be_empty(const wsm__sim_machine *node, uint32_t agent, uint32_t sender, uint64_t at) {
    uint32_t all = node->config.mentions_per_min_to_agent, pair = node->config.mention_pair_per_min;
    return (all && tried(node->sim, agent, WSM__SIM_NOBODY, at) > all) ||
           (pair && tried(node->sim, agent, sender, at) > pair);
}

/* A duplicate_ack says what became of the first one, however long ago that was sent. */
static uint64_t first_tried(const wsm_sim *sim, const wsm__sim_command *command) {
    const wsm__sim_mail *mail = sim->mail;
    for (size_t i = 0; i < mail->attempts_count; i++)
        if (mail->attempts[i].command != WSM__SIM_NOBODY && &sim->oracle.commands[mail->attempts[i].command] == command)
            return mail->attempts[i].at;
    return sim->now;
}

static bool has_chain(const wsm__sim_machine *node, const wsm__sim_command *command) {
    return node->config.hop_max && strstr(command->text[0], "\"cause\":") != NULL;
}

bool wsm__sim_wake_may_be_guarded(const wsm__sim_client *client, const wsm__sim_command *command, uint32_t agent) {
    const wsm_sim *sim = client->sim;
    if (has_chain(client->node, command)) return true;
    uint64_t at = first_tried(sim, command);
    if (agent != WSM__SIM_NOBODY) return may_be_empty(client->node, agent, command->agent, at);
    for (uint32_t i = 0; i < sim->oracle.agents_count; i++) /* of a group any may be */
        if (may_be_empty(client->node, i, command->agent, at)) return true;
    return false;
}

/* ---- deliveries -----------------------------------------------------------------------------------------------------
 */

/* A sidebar that not everybody knows of has a purse of its own. */
static uint32_t purse_of(const wsm__sim_epoch *epoch, const wsm__sim_delivery *delivery) {
    return epoch->sides.at[delivery->side]->is_hidden ? delivery->side : 0;
}

static void check_rate(wsm__sim_machine *node, const wsm__sim_delivery *newest, uint32_t sender, uint32_t per_min) {
    const wsm__sim_mail *mail = node->sim->mail;
    const wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&node->sim->oracle, mail->epoch);
    uint64_t taken = 0;
    int64_t began = wsm__sim_machine_wall(node) - (int64_t)((node->sim->now - node->up_since) / WSM__SIM_MS);
    if (per_min == 0 || !epoch) return;
    for (size_t i = mail->count; i > 0; i--) {
        const wsm__sim_delivery *one = &mail->deliveries[i - 1];
        if (one->life != node->life || one->queued_ms < began) break;
        bool is_his = one->agent == newest->agent && purse_of(epoch, one) == purse_of(epoch, newest) && one->wakes &&
                      (sender == WSM__SIM_NOBODY || one->sender == sender);
        if (!is_his) continue;
        uint64_t ms = newest->queued_ms > one->queued_ms ? (uint64_t)(newest->queued_ms - one->queued_ms) : 0;
        if (++taken * 60000 > (uint64_t)per_min * (60000 + ms + 1))
            wsm__sim_break(node->sim, "I-33", "%s is called %llu times in %llu ms, up to offset %llu; %u a minute may",
                           node->sim->oracle.agents[newest->agent].name, (ull)taken, (ull)ms, (ull)newest->offset,
                           per_min);
    }
}

void wsm__sim_check_budgets(wsm__sim_machine *node, const wsm__sim_delivery *newest) {
    if (!is_timed(node->sim) || !newest->wakes) return;
    check_rate(node, newest, WSM__SIM_NOBODY, node->config.mentions_per_min_to_agent);
    if (newest->sender != WSM__SIM_NOBODY) check_rate(node, newest, newest->sender, node->config.mention_pair_per_min);
}

/* ---- whom a call reaches --------------------------------------------------------------------------------------------
 */

/* Nothing stands in the way of calling him but the group's limit. */
static bool is_free(const wsm__sim_machine *node, const wsm__sim_command *command, uint32_t agent) {
    bool has_room = node->config.mailbox_messages_max >= 1000 && node->config.mailbox_bytes_max >= 1048576;
    return has_room && !has_chain(node, command) && !may_be_empty(node, agent, command->agent, node->sim->now);
}

static void check_role(wsm__sim_machine *node, const wsm__sim_delivery *like, wsm__sim_agents to, uint32_t most) {
    wsm_sim *sim = node->sim;
    const wsm__sim_mail *mail = sim->mail;
    const wsm__sim_command *command = &sim->oracle.commands[like->command];
    const wsm__sim_call *call = &mail->calls[command->call - 1];
    bool is_known = strcmp(call->epoch, mail->epoch) == 0 && !mail->is_vague && !sim->oracle.memory_failed;
    if (!is_known || like->side != 0 || (uint32_t)__builtin_popcountll(to) >= most) return;
    for (uint32_t i = 0; i < sim->oracle.agents_count; i++) {
        bool is_meant = mail->skilled_at[i] && mail->skilled_at[i] <= call->sent_at && i != command->agent;
        if (is_meant && !wsm__sim_is_in(to, i) && is_free(node, command, i))
            wsm__sim_break(sim, "I-33", "offset %llu calls all who have a specialty, and not %s, who has it",
                           (ull)like->offset, sim->oracle.agents[i].name);
    }
}

void wsm__sim_check_called(wsm__sim_machine *node, const wsm__sim_delivery *like, wsm__sim_agents to) {
    wsm_sim *sim = node->sim;
    const wsm__sim_command *command = &sim->oracle.commands[like->command];
    if (command->op != WSM__SIM_OP_UPDATE || !command->call) return;
    const wsm__sim_call *call = &sim->mail->calls[command->call - 1];
    uint32_t groups = (uint32_t)call->is_role + (uint32_t)call->is_here, beside = 0;
    uint32_t most = node->config.mention_group_max ? node->config.mention_group_max : GROUP_MOST;
    wsm__sim_agents named = 0;
    for (uint32_t i = 0; i < call->count; i++) named |= 1ull << call->agents[i];
    for (uint32_t i = 0; i < sim->oracle.agents_count; i++) {
        if (!wsm__sim_is_in(to & ~named, i)) continue;
        bool is_member = call->may_group && (call->is_here || (call->is_role && sim->mail->skilled_at[i]));
        beside++;
        if (!is_member)
            wsm__sim_break(sim, "I-33", "offset %llu calls %s, whom its sender has not named, or may not call",
                           (ull)like->offset, sim->oracle.agents[i].name);
    }
    if (beside > groups * most)
        wsm__sim_break(sim, "I-33", "offset %llu calls %u of %u groups, and %u of each may be", (ull)like->offset,
                       beside, groups, most);
    if (call->is_role && call->may_group) check_role(node, like, to, most);
}

/* ---- digests --------------------------------------------------------------------------------------------------------
 */

/* The sender was told that his call is held back. */
void wsm__sim_wake_held(const wsm__sim_client *client, const wsm__sim_command *command, uint32_t agent) {
    wsm__sim_mail *mail = client->sim->mail;
    if (mail->held_count == mail->held_cap) {
        mail->held_cap = mail->held_cap ? mail->held_cap * 2 : 16;
        mail->held = wsm__sim_resize(mail->held, mail->held_cap * sizeof *mail->held);
    }
    wsm__sim_held *held = &mail->held[mail->held_count++];
    uint64_t offset = client->node->hub ? wsm_hub_position(client->node->hub, NULL) : 0;
    *held = (wsm__sim_held){client->sim->now, offset, agent, command->agent, client->line->node_life, ""};
    memcpy(held->about, command->about, sizeof held->about);
}

/* It names who has called, and counts no more than that. From its target's purse it takes like a call. */
void wsm__sim_check_digest(wsm__sim_machine *node, const wsm__sim_delivery *digest, uint32_t target) {
    wsm_sim *sim = node->sim;
    wsm__sim_mail *mail = sim->mail;
    const wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&sim->oracle, mail->epoch);
    const char *about = digest->side ? epoch->sides.at[digest->side]->id : "";
    wsm__sim_agents callers = 0;
    uint64_t count = 0;
    for (size_t i = 0; i < mail->attempts_count; i++) {
        const wsm__sim_attempt *attempt = &mail->attempts[i];
        if (attempt->command == WSM__SIM_NOBODY || !wsm__sim_is_in(attempt->named, target)) continue;
        if (strcmp(sim->oracle.commands[attempt->command].about, about) != 0) continue;
        callers |= 1ull << attempt->sender;
        count++;
    }
    if (digest->callers & ~callers || digest->calls > count || digest->calls == 0)
        wsm__sim_break(sim, "I-33",
                       "the digest at %llu tells %s of %llu calls; %llu were sent, or not by those whom it names",
                       (ull)digest->offset, sim->oracle.agents[target].name, (ull)digest->calls, (ull)count);
    wsm__sim_attempt own = {
        .at = sim->now, .sender = WSM__SIM_NOBODY, .command = WSM__SIM_NOBODY, .named = 1ull << target};
    add_attempt(mail, &own);
}

static bool was_accounted(const wsm__sim_mail *mail, const wsm__sim_epoch *epoch, const wsm__sim_held *held) {
    for (size_t i = mail->count; i > 0; i--) {
        const wsm__sim_delivery *one = &mail->deliveries[i - 1];
        bool is_it = one->calls > 0 && one->agent == held->target && wsm__sim_is_in(one->callers, held->sender);
        const char *about = one->side ? epoch->sides.at[one->side]->id : "";
        if (is_it && strcmp(about, held->about) == 0 && one->applied_at + WINDOW_NS > held->at) return true;
    }
    return false;
}

/* When the digest must have come: a minute later, and when nobody else empties the target's purse. */
static uint64_t latest(const wsm__sim_machine *node, const wsm__sim_held *held) {
    const wsm__sim_mail *mail = node->sim->mail;
    uint32_t all = node->config.mentions_per_min_to_agent;
    uint64_t since = held->at;
    for (size_t i = mail->attempts_count; i > 0 && mail->attempts[i - 1].at > since; i--)
        if (all && wsm__sim_is_in(mail->attempts[i - 1].named, held->target)) since = mail->attempts[i - 1].at;
    return since + HELD_NS + (all ? 300 * (uint64_t)WSM__SIM_S / all : 0);
}

void wsm__sim_check_held(wsm__sim_machine *node) {
    wsm_sim *sim = node->sim;
    const wsm__sim_mail *mail = sim->mail;
    const wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&sim->oracle, mail->epoch);
    bool has_room = node->config.mailbox_messages_max >= 1000 && node->config.mailbox_bytes_max >= 1048576;
    if (!epoch || !has_room || mail->is_vague || sim->oracle.memory_failed || sim->oracle.store_failed) return;
    if (!is_timed(sim) || sim->rates[WSM_SIM_LATE_TICK]) return;
    for (size_t i = 0; i < mail->held_count; i++) {
        const wsm__sim_held *held = &mail->held[i];
        const wsm__sim_side *side =
            held->about[0] ? wsm__sim_side_find(&epoch->sides, held->about, strlen(held->about)) : epoch->sides.at[0];
        bool is_due = held->life == node->life && latest(node, held) < sim->now && side;
        bool may_hear =
            is_due &&
            (side->idx == 0 || (wsm__sim_side_is_live(side) && wsm__sim_side_owes(side, held->target, held->offset)));
        if (may_hear && !was_accounted(mail, epoch, held))
            wsm__sim_break(sim, "I-33", "a call of %s was held back from %s %llu s ago, and no digest tells of it",
                           sim->oracle.agents[held->sender].name, sim->oracle.agents[held->target].name,
                           (ull)((sim->now - held->at) / WSM__SIM_S));
    }
}

void wsm__sim_wakes_fini(wsm__sim_mail *mail) {
    free(mail->attempts);
    free(mail->held);
}
