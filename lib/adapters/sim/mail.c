/* The model of deliveries: a fold of the store's records, in order, by rules of its own. A delivery begins with a
 * record that calls somebody and was applied, as far as the mailbox has room, and ends with an answer, or by time. */
#include "mail.h"

#include <stdlib.h>
#include <string.h>

#include "world.h"

const char *const wsm__sim_stage_words[] = {"queued", "seen", "working", "replied", "declined", "failed", "expired"};

void wsm__sim_mail_begin(wsm_sim *sim) {
    sim->mail = wsm__sim_zalloc(sizeof *sim->mail);
}

static void drop_deliveries(wsm__sim_mail *mail) {
    for (size_t i = 0; i < mail->count; i++) free(mail->deliveries[i].receipts), free(mail->deliveries[i].told);
    mail->count = 0;
    memset(mail->waiting, 0, sizeof mail->waiting);
    memset(mail->working, 0, sizeof mail->working);
}

void wsm__sim_mail_fini(wsm_sim *sim) {
    if (!sim->mail) return;
    drop_deliveries(sim->mail);
    wsm__sim_json_fini(&sim->mail->json);
    free(sim->mail->deliveries);
    free(sim->mail->calls);
    wsm__sim_wakes_fini(sim->mail);
    free(sim->mail);
}

/* What a broken record said is not known any more, and what followed from it neither. */
void wsm__sim_mail_broke(wsm_sim *sim) {
    if (!sim->mail) return;
    sim->mail->is_vague = true;
    for (size_t i = 0; i < sim->mail->count; i++) sim->mail->deliveries[i].is_vague = true;
}

/* ---- finding --------------------------------------------------------------------------------------------------------
 */

wsm__sim_delivery *wsm__sim_mail_find(wsm__sim_mail *mail, uint64_t offset, uint32_t agent) {
    for (size_t i = mail->count; i > 0; i--)
        if (mail->deliveries[i - 1].offset == offset && mail->deliveries[i - 1].agent == agent)
            return &mail->deliveries[i - 1];
    return NULL;
}

wsm__sim_delivery *wsm__sim_mail_of(wsm__sim_mail *mail, uint32_t command, uint32_t agent) {
    for (size_t i = mail->count; i > 0; i--)
        if (mail->deliveries[i - 1].command == command && mail->deliveries[i - 1].agent == agent)
            return &mail->deliveries[i - 1];
    return NULL;
}

wsm__sim_stage wsm__sim_mail_stage(const wsm__sim_delivery *delivery, uint64_t offset) {
    wsm__sim_stage stage = WSM__SIM_IS_QUEUED;
    for (uint32_t i = 0; i < delivery->changes_count && delivery->changes[i].offset <= offset; i++)
        stage = delivery->changes[i].stage;
    return stage;
}

wsm__sim_receipt *wsm__sim_mail_receipt(wsm__sim_receipt **list, size_t *count, const wsm__sim_client *client) {
    for (size_t i = 0; i < *count; i++)
        if ((*list)[i].client == client->idx && (*list)[i].life == client->life) return &(*list)[i];
    *list = wsm__sim_resize(*list, (*count + 1) * sizeof **list);
    (*list)[*count] = (wsm__sim_receipt){.client = client->idx, .life = client->life};
    return &(*list)[(*count)++];
}

/* ---- records --------------------------------------------------------------------------------------------------------
 */

typedef struct parts {
    const char *head, *body;
    size_t head_len, body_len;
} parts;

static bool split(const wsm__sim_kept *kept, parts *out) {
    const char *end = kept->len ? memchr(kept->bytes, '\n', kept->len) : NULL;
    if (!end || kept->is_broken) return false;
    *out = (parts){kept->bytes, end + 1, (size_t)(end - kept->bytes), (size_t)(kept->bytes + kept->len - end - 1)};
    return true;
}

static bool has(const char *at, size_t len, const char *part) {
    size_t part_len = strlen(part);
    for (; len >= part_len; at++, len--)
        if (*at == *part && memcmp(at, part, part_len) == 0) return true;
    return false;
}

static bool is_type(const parts *record, const char *type) {
    static const char before[] = "{\"v\":1,\"type\":\"";
    size_t len = strlen(type), skip = sizeof before - 1;
    return record->head_len > skip + len && memcmp(record->head + skip, type, len) == 0 &&
           record->head[skip + len] == '"';
}

/* The number of the command that a text of ours names: "k=17;". */
uint32_t wsm__sim_mail_command(const wsm_sim *sim, const char *at, size_t len) {
    for (; len > 2; at++, len--) {
        if (at[0] != 'k' || at[1] != '=') continue;
        uint64_t k = 0;
        for (at += 2; *at >= '0' && *at <= '9'; at++) k = k * 10 + (uint64_t)(*at - '0');
        return *at == ';' && k < sim->oracle.commands_count ? (uint32_t)k : WSM__SIM_NOBODY;
    }
    return WSM__SIM_NOBODY;
}

static int64_t time_in_head(wsm__sim_mail *mail) {
    uint64_t ms = 0;
    wsm__sim_json_uint(&mail->json, wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "time"), &ms);
    return (int64_t)ms;
}

static uint32_t agent_at(const wsm_sim *sim, const wsm__sim_json *json, uint32_t node) {
    char name[80] = "";
    wsm__sim_json_string(json, node, name, sizeof name);
    const wsm__sim_agent *agent = wsm__sim_oracle_find_agent(&sim->oracle, name);
    return agent ? agent->idx : WSM__SIM_NOBODY;
}

/* ---- beginnings -----------------------------------------------------------------------------------------------------
 */

static bool is_over(const wsm__sim_delivery *delivery) {
    return delivery->stage >= WSM__SIM_IS_REPLIED;
}

/* Which of an agent's mailboxes: about every hidden sidebar it has one of its own. */
static uint32_t mailbox_of(const wsm__sim_epoch *epoch, uint32_t side) {
    return side < epoch->sides.count && epoch->sides.at[side]->is_hidden ? side : 0;
}

/* Whether a mailbox has room; *is_vague: it depends on what is not known. */
static bool fits(const wsm__sim_machine *node, const wsm__sim_epoch *epoch, uint32_t agent,
                 const wsm__sim_delivery *like, bool *is_vague) {
    const wsm__sim_mail *mail = node->sim->mail;
    uint64_t count = 0, held = 0;
    uint32_t bytes = like->bytes;
    *is_vague = mail->is_vague;
    for (size_t i = 0; i < mail->count; i++) {
        const wsm__sim_delivery *other = &mail->deliveries[i];
        if (other->agent != agent || mailbox_of(epoch, other->side) != mailbox_of(epoch, like->side)) continue;
        *is_vague = *is_vague || other->is_vague;
        if (!is_over(other)) count++, held += other->bytes;
    }
    if (node->config.mailbox_messages_max && count >= node->config.mailbox_messages_max) return false;
    return !node->config.mailbox_bytes_max || held + bytes <= node->config.mailbox_bytes_max;
}

static wsm__sim_delivery *before_of(wsm__sim_mail *mail, const wsm__sim_delivery *like, uint32_t agent) {
    return like->command == WSM__SIM_NOBODY ? NULL : wsm__sim_mail_of(mail, like->command, agent);
}

static void begin_one(wsm__sim_machine *node, const wsm__sim_epoch *epoch, const wsm__sim_delivery *like,
                      uint32_t agent) {
    wsm__sim_mail *mail = node->sim->mail;
    bool is_vague;
    wsm__sim_delivery *before = before_of(mail, like, agent);
    bool has_room = fits(node, epoch, agent, like, &is_vague);
    if (!has_room && !is_vague) return;
    if (mail->count == mail->cap) {
        mail->cap = mail->cap ? mail->cap * 2 : 32;
        mail->deliveries = wsm__sim_resize(mail->deliveries, mail->cap * sizeof *mail->deliveries);
        before = before_of(mail, like, agent);
    }
    wsm__sim_delivery *delivery = &mail->deliveries[mail->count++];
    *delivery = *like;
    delivery->agent = agent;
    mail->waiting[agent]++;
    delivery->is_vague =
        like->is_vague || is_vague || before != NULL; /* its id took effect twice: which is meant by an answer? */
    if (before) before->is_vague = true;
    wsm__sim_check_budgets(node, delivery);
}

/* The context that a mention is about; those that stand in a context are about that. */
static uint32_t side_of(wsm__sim_machine *node, const wsm__sim_epoch *epoch, const parts *record,
                        const wsm__sim_entry *entry) {
    wsm__sim_mail *mail = node->sim->mail;
    char id[40];
    if (entry->context != WSM__SIM_MAIL) return entry->context;
    if (!wsm__sim_json_read(&mail->json, record->body, record->body_len)) return 0;
    size_t len = wsm__sim_json_string(&mail->json, wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "sidebar_id"), id,
                                      sizeof id);
    const wsm__sim_side *side = len == SIZE_MAX ? NULL : wsm__sim_side_find(&epoch->sides, id, len);
    return side ? side->idx : 0;
}

/* Who was no member between the sending and now cannot have been called rightly. */
static void check_reader(wsm__sim_machine *node, const wsm__sim_epoch *epoch, const wsm__sim_delivery *like,
                         uint32_t agent) {
    const wsm_sim *sim = node->sim;
    const wsm__sim_call *call = &sim->mail->calls[sim->oracle.commands[like->command].call - 1];
    uint64_t since = strcmp(call->epoch, sim->mail->epoch) == 0 ? call->sent_at : 0;
    if (!wsm__sim_side_had(epoch->sides.at[like->side], agent, since))
        wsm__sim_break(node->sim, "I-35", "offset %llu calls %s to %s, to which it does not belong",
                       (unsigned long long)like->offset, sim->oracle.agents[agent].name,
                       epoch->sides.at[like->side]->id);
}

/* The names in the head, or whom a sidebar begins with; the sender left out. */
static uint32_t read_targets(wsm__sim_machine *node, const parts *record, wsm__sim_op op, uint32_t agents[64]) {
    wsm__sim_json *json = &node->sim->mail->json;
    bool begins = op == WSM__SIM_OP_SPAWN || op == WSM__SIM_OP_CHILD;
    const char *at = begins ? record->body : record->head;
    const char *name = op == WSM__SIM_OP_SPAWN ? "participants" : op == WSM__SIM_OP_CHILD ? "assigned_agents" : "to";
    uint32_t count = 0;
    if (!wsm__sim_json_read(json, at, begins ? record->body_len : record->head_len)) return 0;
    uint32_t list = wsm__sim_json_member(json, WSM__SIM_ROOT, name);
    for (uint32_t i = wsm__sim_json_first(json, list); i && count < 64; i = wsm__sim_json_next(json, i))
        agents[count++] = agent_at(node->sim, json, i);
    return count;
}

/* Whom a digest tells of, and of how many calls. */
static void read_digest(wsm__sim_machine *node, const parts *record, wsm__sim_delivery *like) {
    wsm__sim_json *json = &node->sim->mail->json;
    if (!wsm__sim_json_read(json, record->body, record->body_len)) return;
    wsm__sim_json_uint(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "count"), &like->calls);
    wsm__sim_json_string(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "message_id"), like->id, sizeof like->id);
    uint32_t list = wsm__sim_json_member(json, WSM__SIM_ROOT, "senders");
    for (uint32_t i = wsm__sim_json_first(json, list); i; i = wsm__sim_json_next(json, i)) {
        uint32_t agent = agent_at(node->sim, json, i);
        if (agent != WSM__SIM_NOBODY) like->callers |= 1ull << agent;
    }
}

static void begin(wsm__sim_machine *node, const wsm__sim_epoch *epoch, const parts *record, uint64_t offset) {
    wsm_sim *sim = node->sim;
    wsm__sim_mail *mail = sim->mail;
    const wsm__sim_entry *entry = &epoch->entries[offset - 1];
    uint32_t agents[64], command = entry->command, side = side_of(node, epoch, record, entry);
    bool is_digest = command == WSM__SIM_NOBODY;
    wsm__sim_agents called = 0;
    if (!wsm__sim_json_read(&mail->json, record->head, record->head_len)) return;
    wsm__sim_delivery like = {.offset = offset,
                              .command = command,
                              .sender = is_digest ? WSM__SIM_NOBODY : sim->oracle.commands[command].agent,
                              .bytes = (uint32_t)record->body_len,
                              .side = side,
                              .is_urgent = entry->priority >= WSM_PRIORITY_URGENT,
                              .queued_ms = time_in_head(mail),
                              .life = node->life,
                              .wakes = entry->op == WSM__SIM_OP_UPDATE,
                              .applied_at = sim->now};
    like.is_route = is_digest || sim->oracle.commands[command].kind == WSM__SIM_ROUTE;
    if (is_digest) read_digest(node, record, &like);
    if (is_digest && node->shutdown_by) like.wakes = false; /* an orderly end waits for no purse */
    uint32_t count = read_targets(node, record, (wsm__sim_op)entry->op, agents);
    for (uint32_t i = 0; i < count; i++) {
        bool is_odd = agents[i] == WSM__SIM_NOBODY || agents[i] == like.sender;
        if (is_odd && !is_digest && entry->op == WSM__SIM_OP_UPDATE)
            wsm__sim_break(sim, "I-33", "offset %llu calls somebody who cannot be meant", (unsigned long long)offset);
        if (is_odd) continue;
        called |= 1ull << agents[i];
        if (is_digest)
            wsm__sim_check_digest(node, &like, agents[i]);
        else
            check_reader(node, epoch, &like, agents[i]);
        begin_one(node, epoch, &like, agents[i]);
    }
    if (!is_digest) wsm__sim_check_called(node, &like, called);
}

/* ---- changes --------------------------------------------------------------------------------------------------------
 */

static bool may(const wsm__sim_delivery *delivery, wsm__sim_stage stage, int64_t time_ms) {
    if (is_over(delivery)) return false;
    switch (stage) {
    case WSM__SIM_IS_QUEUED: return delivery->stage == WSM__SIM_IS_WORKING && time_ms >= delivery->lease_ms;
    case WSM__SIM_IS_SEEN: return delivery->stage == WSM__SIM_IS_QUEUED;
    case WSM__SIM_IS_EXPIRED: return delivery->stage != WSM__SIM_IS_WORKING;
    default: return true;
    }
}

static void count_stage(wsm__sim_mail *mail, const wsm__sim_delivery *delivery, wsm__sim_stage stage) {
    mail->waiting[delivery->agent] += (uint32_t)(stage == WSM__SIM_IS_QUEUED);
    mail->waiting[delivery->agent] -= (uint32_t)(delivery->stage == WSM__SIM_IS_QUEUED);
    mail->working[delivery->agent] += (uint32_t)(stage == WSM__SIM_IS_WORKING);
    mail->working[delivery->agent] -= (uint32_t)(delivery->stage == WSM__SIM_IS_WORKING);
}

static void change(wsm__sim_machine *node, wsm__sim_delivery *delivery, wsm__sim_stage stage, int64_t time_ms,
                   uint64_t lease_ms, uint64_t offset) {
    uint64_t age_ms = node->config.mailbox_age_s * 1000ull;
    if (!may(delivery, stage, time_ms)) return;
    if (stage == WSM__SIM_IS_EXPIRED && !delivery->is_vague && time_ms < delivery->queued_ms + (int64_t)age_ms)
        wsm__sim_break(node->sim, "I-34", "the mention at %llu of %s expires at %llu, before its time",
                       (unsigned long long)delivery->offset, node->sim->oracle.agents[delivery->agent].name,
                       (unsigned long long)offset);
    count_stage(node->sim->mail, delivery, stage);
    delivery->stage = stage;
    if (stage == WSM__SIM_IS_QUEUED) delivery->requeued_at = node->sim->now;
    if (stage == WSM__SIM_IS_WORKING) delivery->lease_ms = time_ms + (int64_t)lease_ms;
    if (delivery->changes_count < WSM__SIM_CHANGES)
        delivery->changes[delivery->changes_count++] = (wsm__sim_change){offset, stage};
    else
        delivery->is_vague = true;
}

static bool stage_at(const wsm__sim_json *json, uint32_t node, wsm__sim_stage *stage) {
    *stage = WSM__SIM_IS_QUEUED;
    if (wsm__sim_json_is(json, node, "lease_ended")) return true;
    for (unsigned i = WSM__SIM_IS_SEEN; i <= WSM__SIM_IS_EXPIRED; i++)
        if (wsm__sim_json_is(json, node, wsm__sim_stage_words[i])) *stage = (wsm__sim_stage)i;
    return *stage != WSM__SIM_IS_QUEUED;
}

uint32_t wsm__sim_mail_call(const wsm_sim *sim, const char *id, uint32_t sender) {
    for (size_t i = sim->mail->calls_count; i > 0; i--) {
        const wsm__sim_command *command = &sim->oracle.commands[sim->mail->calls[i - 1].command];
        if (command->agent == sender && strcmp(command->id, id) == 0) return sim->mail->calls[i - 1].command;
    }
    return WSM__SIM_NOBODY;
}

static wsm__sim_delivery *digest_of(wsm__sim_mail *mail, const char *id, uint32_t agent) {
    for (size_t i = mail->count; i > 0; i--)
        if (mail->deliveries[i - 1].agent == agent && strcmp(mail->deliveries[i - 1].id, id) == 0)
            return &mail->deliveries[i - 1];
    return NULL;
}

static void answered(wsm__sim_machine *node, const parts *record, uint64_t offset) {
    wsm_sim *sim = node->sim;
    wsm__sim_mail *mail = sim->mail;
    char id[40] = "";
    wsm__sim_stage stage;
    uint64_t seconds = 0, lease_ms = node->config.mention_lease_ms;
    if (!wsm__sim_json_read(&mail->json, record->head, record->head_len)) return;
    int64_t time_ms = time_in_head(mail);
    uint32_t agent = agent_at(sim, &mail->json, wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "sender"));
    if (!wsm__sim_json_read(&mail->json, record->body, record->body_len)) return;
    if (agent == WSM__SIM_NOBODY)
        agent = agent_at(sim, &mail->json, wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "target"));
    wsm__sim_json_string(&mail->json, wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "mention_id"), id, sizeof id);
    uint32_t sender = agent_at(sim, &mail->json, wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "mention_sender"));
    bool is_known = stage_at(&mail->json, wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "state"), &stage);
    if (wsm__sim_json_uint(&mail->json, wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "lease_seconds"), &seconds))
        lease_ms = seconds * 1000;
    uint32_t called = wsm__sim_mail_call(sim, id, sender);
    wsm__sim_delivery *delivery =
        called == WSM__SIM_NOBODY ? digest_of(mail, id, agent) : wsm__sim_mail_of(mail, called, agent);
    if (!delivery || !is_known) return;
    uint32_t k = wsm__sim_mail_command(sim, record->body, record->body_len);
    if (k != WSM__SIM_NOBODY && sim->oracle.commands[k].effects++ > 0) delivery->is_vague = true; /* a repeat, or not */
    change(node, delivery, stage, time_ms, lease_ms, offset);
}

uint64_t wsm__sim_mail_answers(wsm__sim_machine *node, uint32_t agent, uint64_t after, uint64_t before) {
    wsm__sim_mail *mail = node->sim->mail;
    parts record;
    uint64_t count = 0;
    for (uint64_t o = after + 1; mail && o < before && o <= node->store.count; o++) {
        if (!split(&node->store.records[o - 1], &record) || !is_type(&record, "mention_ack")) continue;
        if (!wsm__sim_json_read(&mail->json, record.head, record.head_len)) continue;
        uint32_t sender = wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "sender");
        if (agent_at(node->sim, &mail->json, sender) == agent) count++;
    }
    return count;
}

static void carded(wsm__sim_machine *node, const parts *record, uint64_t offset) {
    wsm__sim_mail *mail = node->sim->mail;
    if (!wsm__sim_json_read(&mail->json, record->body, record->body_len)) return;
    uint32_t agent = agent_at(node->sim, &mail->json, wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "agent_id"));
    if (agent == WSM__SIM_NOBODY) return;
    if (!mail->card_at[agent] || mail->card_at[agent] == WSM__SIM_BROKEN) mail->card_at[agent] = offset;
    uint32_t list = wsm__sim_json_member(&mail->json, WSM__SIM_ROOT, "specialties");
    bool is_new = !mail->skilled_at[agent] || mail->skilled_at[agent] == WSM__SIM_BROKEN;
    for (uint32_t i = wsm__sim_json_first(&mail->json, list); i && is_new; i = wsm__sim_json_next(&mail->json, i))
        if (wsm__sim_json_is(&mail->json, i, WSM__SIM_SKILL)) mail->skilled_at[agent] = offset;
}

static bool card_of(const wsm__sim_kept *kept, parts *record) {
    wsm__sim_kept whole = *kept;
    whole.is_broken = false;
    return split(&whole, record) && is_type(record, "agent_card");
}

bool wsm__sim_mail_is_card(const wsm__sim_kept *kept) {
    parts record;
    return card_of(kept, &record);
}

/* Whom others name is known without his card; else he is again when he comes. Of what was said to whom nothing is
 * vague: that stands in their records. */
void wsm__sim_mail_card_broke(wsm__sim_machine *node) {
    wsm__sim_mail *mail = node->sim->mail;
    parts record;
    if (!mail || strcmp(mail->epoch, node->store.epoch) != 0) return;
    for (uint32_t i = 0; i < node->sim->oracle.agents_count; i++) {
        if (mail->card_at[i]) mail->card_at[i] = WSM__SIM_BROKEN;
        if (mail->skilled_at[i]) mail->skilled_at[i] = WSM__SIM_BROKEN;
    }
    for (uint64_t o = 1; o <= mail->folded && o <= node->store.count; o++)
        if (split(&node->store.records[o - 1], &record) && is_type(&record, "agent_card")) carded(node, &record, o);
}

/* ---- the fold -------------------------------------------------------------------------------------------------------
 */

/* What begins a sidebar in the background wakes nobody. */
static bool calls_somebody(const parts *record, const wsm__sim_entry *entry) {
    if (entry->op == WSM__SIM_OP_SPAWN || entry->op == WSM__SIM_OP_CHILD)
        return entry->priority != WSM_PRIORITY_BACKGROUND && entry->command != WSM__SIM_NOBODY;
    return entry->op == WSM__SIM_OP_UPDATE && has(record->head, record->head_len, ",\"to\":[");
}

static void fold_one(wsm__sim_machine *node, const wsm__sim_epoch *epoch, uint64_t offset) {
    parts record;
    if (!split(&node->store.records[offset - 1], &record)) {
        if (card_of(&node->store.records[offset - 1], &record)) /* a hub may have known it that has told nobody yet */
            carded(node, &record, WSM__SIM_BROKEN);
        else
            wsm__sim_mail_broke(node->sim);
        return;
    }
    bool was_shown = offset <= epoch->count && epoch->entries[offset - 1].state == WSM__SIM_ENTRY_RECORD;
    if (is_type(&record, "mention_ack"))
        answered(node, &record, offset);
    else if (is_type(&record, "agent_card"))
        carded(node, &record, offset);
    else if (was_shown && calls_somebody(&record, &epoch->entries[offset - 1]))
        begin(node, epoch, &record, offset);
}

static bool is_answer(const wsm__sim_kept *kept) {
    parts record;
    return split(kept, &record) && is_type(&record, "mention_ack");
}

void wsm__sim_mail_last(wsm__sim_machine *node) {
    wsm__sim_mail *mail = node->sim->mail;
    uint64_t to = mail ? mail->folded : 0, applied = wsm_hub_position(node->hub, NULL);
    if (!mail || strcmp(mail->epoch, node->store.epoch) != 0) return;
    while (to < applied && to < node->store.count && is_answer(&node->store.records[to])) to++;
    wsm__sim_mail_fold(node, to);
}

void wsm__sim_mail_fold(wsm__sim_machine *node, uint64_t to) {
    wsm__sim_mail *mail = node->sim->mail;
    const wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&node->sim->oracle, node->store.epoch);
    if (!mail || !epoch) return;
    if (strcmp(mail->epoch, node->store.epoch) != 0) { /* the log began anew */
        drop_deliveries(mail);
        memcpy(mail->epoch, node->store.epoch, sizeof mail->epoch);
        memset(mail->card_at, 0, sizeof mail->card_at);
        memset(mail->skilled_at, 0, sizeof mail->skilled_at);
        mail->folded = 0;
        mail->is_vague = false;
    }
    for (; mail->folded < to && mail->folded < node->store.count; mail->folded++)
        fold_one(node, epoch, mail->folded + 1);
}
