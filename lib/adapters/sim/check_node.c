/* What must hold of a hub, seen from its host: what is applied, what is there after a start, memory, counters, results.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "world.h"

#define CHECK_EVERY 64u

static wsm__sim_epoch *epoch_of(wsm__sim_machine *node) {
    wsm__sim_oracle *oracle = &node->sim->oracle;
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(oracle, node->store.epoch);
    return epoch ? epoch : wsm__sim_oracle_epoch_new(oracle, node->store.epoch, node->idx);
}

/* ---- what is applied ------------------------------------------------------------------------------------------------
 */

static const char *fault_of_fields(wsm_sim *sim, const wsm__sim_entry *entry, uint64_t offset,
                                   const wsm__sim_command *command) {
    const wsm__sim_json *json = sim->oracle.json;
    uint64_t number;
    size_t len;
    const char *sender = command->agent == WSM__SIM_NOBODY ? "hub" : sim->oracle.agents[command->agent].name;
    if (!wsm__sim_json_is(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "sender_agent_id"), sender)) return "I-45";
    if (!wsm__sim_json_uint(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "offset"), &number) || number != offset)
        return "I-02";
    const char *place = command->about[0] ? command->about : "main";
    if (!wsm__sim_json_is(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "context_id"), place)) return "I-40";
    const char *exchange = wsm__sim_json_raw(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "exchange"), &len);
    const char *sent = command->exchange[entry->variant];
    if (!sent || len != strlen(sent) || memcmp(exchange, sent, len) != 0) return "I-03";
    if (command->id[0] && !wsm__sim_json_is(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "message_id"), command->id))
        return "I-30";
    static const char *const words[] = {"normal", "background", "low", "normal", "high", "urgent", "critical"};
    if (command->about[0]) return NULL; /* the sidebar has a say in its priority */
    if (!wsm__sim_json_is(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "priority"), words[command->priority]))
        return "I-03";
    return NULL;
}

/* "2026-01-02T03:04:05.678Z" in ms since the year 2000; only differences matter. */
int64_t wsm__sim_time_of(const wsm__sim_json *json) {
    char text[40];
    int y, mo, d, h, mi, s, ms;
    uint32_t node = wsm__sim_json_member(json, WSM__SIM_ROOT, "timestamp");
    if (wsm__sim_json_string(json, node, text, sizeof text) == SIZE_MAX) return 0;
    /* NOLINTNEXTLINE(cert-err34-c): the widths keep every number within an int */
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &y, &mo, &d, &h, &mi, &s, &ms) != 7) return 0;
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t days =
        (int64_t)(y - 2000) * 365 + (y - 2000 + 3) / 4 + before[(mo + 11) % 12] + d - 1 + (mo > 2 && y % 4 == 0);
    return (((days * 24 + h) * 60 + mi) * 60 + s) * 1000 + ms;
}

/* A second effect of an id is only right beyond the window: of time, or of the sender's ids. */
static void check_once(wsm__sim_machine *node, wsm__sim_epoch *epoch, uint64_t offset, const wsm__sim_entry *entry,
                       const char *id) {
    wsm_sim *sim = node->sim;
    uint32_t place = (uint32_t)(epoch - sim->oracle.epochs);
    wsm__sim_effect *effect = wsm__sim_oracle_effect(&sim->oracle, entry->agent, id);
    if (effect && effect->epoch == place && effect->offset != offset) {
        const wsm__sim_entry *first = &epoch->entries[effect->offset - 1];
        int64_t newest = first->time;
        uint64_t ids = wsm__sim_mail_answers(node, entry->agent, effect->offset, offset);
        bool is_vague = false; /* a record that is not shown may be of any time when clocks jump */
        for (uint64_t o = effect->offset + 1; o < offset; o++) {
            const wsm__sim_entry *other = &epoch->entries[o - 1];
            if (!other->state && sim->rates[WSM_SIM_CLOCK_JUMP]) is_vague = true;
            bool is_hidden = !other->state && sim->mail; /* an answer to a mention: his, or not */
            if (is_hidden || (other->state && other->agent == entry->agent)) ids++;
            if (other->state && other->time > newest) newest = other->time;
        }
        if (entry->time > newest) newest = entry->time;
        bool is_late = newest - first->time > (int64_t)node->config.dedup_window_ms;
        bool is_evicted = node->config.dedup_ids_max && ids + 1 >= node->config.dedup_ids_max;
        if (first->state == WSM__SIM_ENTRY_RECORD && !is_late && !is_evicted && !is_vague)
            wsm__sim_break(sim, "I-30", "%s took effect at %llu and again at %llu of %s", id,
                           (unsigned long long)effect->offset, (unsigned long long)offset, epoch->name);
    }
    wsm__sim_oracle_effect_put(&sim->oracle, entry->agent, id, place, offset);
}

static void check_order(wsm_sim *sim, const wsm__sim_command *command) {
    if (command->client == WSM__SIM_NOBODY || command->sends[0] + command->sends[1] != 1) return;
    if (command->op == WSM__SIM_OP_MERGE) return; /* it waits for what it has to read; others do not wait for it */
    wsm__sim_client *client = sim->clients[command->client];
    if (command->line_life == client->applied_life && command->line_order < client->applied_order)
        wsm__sim_break(sim, "I-08", "of client %u's messages on one connection a later one was applied first",
                       client->idx);
    client->applied_life = command->line_life;
    client->applied_order = command->line_order;
}

static int priority_of(const wsm__sim_json *json) {
    static const char *const words[] = {"normal", "background", "low", "normal", "high", "urgent", "critical"};
    uint32_t node = wsm__sim_json_member(json, WSM__SIM_ROOT, "priority");
    for (int i = 1; i < 7; i++)
        if (wsm__sim_json_is(json, node, words[i])) return i;
    return WSM_PRIORITY_NORMAL;
}

/* The command that an update came of: its content says so. False: of nobody. */
static bool match_update(wsm_sim *sim, uint64_t offset, wsm__sim_entry *entry) {
    const wsm__sim_json *json = sim->oracle.json;
    uint64_t k = 0, v = 0;
    uint32_t exchange = wsm__sim_json_member(json, WSM__SIM_ROOT, "exchange");
    if (!wsm__sim_json_uint(json, wsm__sim_json_member(json, exchange, "k"), &k) || k >= sim->oracle.commands_count ||
        !wsm__sim_json_uint(json, wsm__sim_json_member(json, exchange, "v"), &v) || v > 1) {
        entry->command = entry->agent = WSM__SIM_NOBODY;
        if (sim->is_users) return true;
        wsm__sim_break(sim, "I-03", "offset %llu holds what nobody sent: %.200s", (unsigned long long)offset,
                       entry->json);
        return false;
    }
    const wsm__sim_command *command = &sim->oracle.commands[k];
    entry->command = (uint32_t)k;
    entry->variant = (uint8_t)v;
    entry->agent = command->agent;
    const char *fault = fault_of_fields(sim, entry, offset, command);
    if (fault)
        wsm__sim_break(sim, fault, "offset %llu differs from command %llu: %.300s", (unsigned long long)offset,
                       (unsigned long long)k, entry->json);
    return true;
}

/* A mention says it in its message. */
static bool match_mention(wsm_sim *sim, uint64_t offset, wsm__sim_entry *entry) {
    const wsm__sim_json *json = sim->oracle.json;
    entry->context = WSM__SIM_MAIL;
    entry->command = wsm__sim_mail_command(sim, entry->json, entry->len);
    entry->agent = WSM__SIM_NOBODY;
    if (entry->command == WSM__SIM_NOBODY) {
        wsm__sim_break(sim, "I-03", "offset %llu holds what nobody sent: %.200s", (unsigned long long)offset,
                       entry->json);
        return false;
    }
    entry->agent = sim->oracle.commands[entry->command].agent;
    if (!wsm__sim_json_is(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "sender_agent_id"),
                          sim->oracle.agents[entry->agent].name))
        wsm__sim_break(sim, "I-45", "the mention at %llu has another sender: %.200s", (unsigned long long)offset,
                       entry->json);
    return true;
}

/* That of another record: by its sender and id. The hub has some of its own. */
static bool match_other(wsm_sim *sim, uint64_t offset, wsm__sim_entry *entry, const char *id) {
    const wsm__sim_json *json = sim->oracle.json;
    char sender[80] = "";
    wsm__sim_json_string(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "sender_agent_id"), sender, sizeof sender);
    const wsm__sim_agent *agent = wsm__sim_oracle_find_agent(&sim->oracle, sender);
    entry->command = WSM__SIM_NOBODY;
    entry->agent = agent ? agent->idx : WSM__SIM_NOBODY;
    wsm__sim_op op = wsm__sim_op_of(json);
    for (size_t k = sim->oracle.commands_count; agent && k > 0; k--) {
        const wsm__sim_command *command = &sim->oracle.commands[k - 1];
        if (command->agent != agent->idx || strcmp(command->id, id) != 0 || command->op != (uint8_t)op) continue;
        entry->command = (uint32_t)(k - 1);
        return true;
    }
    bool is_hubs = strcmp(sender, "hub") == 0 &&
                   (op == WSM__SIM_OP_STATUS || op == WSM__SIM_OP_RESUME || op >= WSM__SIM_OP_ARCHIVE);
    if (!is_hubs && !sim->is_users)
        wsm__sim_break(sim, "I-03", "offset %llu holds what nobody sent: %.300s", (unsigned long long)offset,
                       entry->json);
    return is_hubs || sim->is_users;
}

static void check_new(wsm__sim_machine *node, wsm__sim_epoch *epoch, uint64_t offset, wsm__sim_entry *entry,
                      const wsm_applied *applied) {
    wsm_sim *sim = node->sim;
    wsm__sim_json *json = sim->oracle.json;
    char id[40] = "";
    if (!wsm__sim_json_read(json, entry->json, entry->len)) {
        wsm__sim_break(sim, "I-03", "offset %llu is no JSON: %s", (unsigned long long)offset, json->why);
        return;
    }
    wsm__sim_json_uint(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "seq"), &entry->seq);
    wsm__sim_json_string(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "message_id"), id, sizeof id);
    entry->time = wsm__sim_time_of(json);
    entry->priority = (uint8_t)priority_of(json);
    wsm__sim_op op = wsm__sim_op_of(json);
    bool is_mention =
        sim->mail && wsm__sim_json_is(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "type"), "mention_route");
    if (sim->mail && wsm__sim_json_is(json, wsm__sim_json_member(json, WSM__SIM_ROOT, "type"), "mention_digest")) {
        entry->context = WSM__SIM_MAIL; /* the hub's own, of what it held back */
        entry->command = entry->agent = WSM__SIM_NOBODY;
        return;
    }
    bool is_known = is_mention                 ? match_mention(sim, offset, entry)
                    : op == WSM__SIM_OP_UPDATE ? match_update(sim, offset, entry)
                                               : match_other(sim, offset, entry, id);
    if (!is_known) return;
    if (op < WSM__SIM_OPS) wsm__sim_side_fold(node, epoch, offset, entry);
    wsm__sim_history_granted(sim, epoch, offset);
    if (entry->command == WSM__SIM_NOBODY) return;
    wsm__sim_command *command = &sim->oracle.commands[entry->command];
    if (command->is_forbidden)
        wsm__sim_break(sim, "I-43", "command %u of one who may not write took effect", entry->command);
    if (command->is_refused) wsm__sim_break(sim, "I-25", "command %u was refused and took effect", entry->command);
    command->effects++;
    check_once(node, epoch, offset, entry, id);
    check_order(sim, command);
    sim->report.published++;
    if (sim->mail) wsm__sim_check_call(node, command, entry, offset);
    (void)applied;
}

static void check_skipped(wsm__sim_machine *node, wsm__sim_epoch *epoch, uint64_t to) {
    /* A snapshot may stand for more than the offset that it is kept under: the hub knows the first records after it. */
    if (node->store.loaded_from > 0 && epoch->applied == node->store.loaded_from) return;
    for (uint64_t o = epoch->applied + 1; o <= to && o <= epoch->count; o++) {
        wsm__sim_entry *entry = &epoch->entries[o - 1];
        if (entry->state != WSM__SIM_ENTRY_RECORD) continue;
        wsm__sim_break(node->sim, "I-22", "offset %llu of %s was there and is passed over", (unsigned long long)o,
                       epoch->name);
    }
}

/* Its number, and nothing else, is another one than it was, and a higher one: it gets the highest that it can have had,
 * so that no number is given twice. */
static bool is_renumbered(const char *was, const char *is) {
    static const char name[] = "\"seq\":";
    const char *a = strstr(was, name), *b = strstr(is, name);
    char *rest_a, *rest_b;
    if (!a || !b || a - was != b - is || memcmp(was, is, (size_t)(a - was)) != 0) return false;
    unsigned long long before = strtoull(a + sizeof name - 1, &rest_a, 10),
                       now = strtoull(b + sizeof name - 1, &rest_b, 10);
    return now > before && strcmp(rest_a, rest_b) == 0;
}

/* A record that was shown is shown otherwise: only if nothing told its number. */
static void check_other(wsm__sim_machine *node, const wsm__sim_epoch *epoch, uint64_t offset, wsm__sim_entry *entry,
                        wsm_slice json) {
    wsm_sim *sim = node->sim;
    char *copy = wsm__sim_copy(json.ptr, json.len);
    if (!wsm__sim_store_is_vague(&node->store, offset) || !is_renumbered(entry->json, copy)) {
        wsm__sim_break(sim, "I-24", "offset %llu of %s was %.250s and is %.250s now", (unsigned long long)offset,
                       epoch->name, entry->json, copy);
        free(copy);
        return;
    }
    free(entry->older);
    entry->older = entry->json;
    entry->json = copy;
    entry->len = (uint32_t)json.len;
    if (wsm__sim_json_read(sim->oracle.json, copy, json.len))
        wsm__sim_json_uint(sim->oracle.json, wsm__sim_json_member(sim->oracle.json, WSM__SIM_ROOT, "seq"), &entry->seq);
}

/* A record that was passed over takes effect: only if nothing told that it was void. */
static void check_void(wsm__sim_machine *node, const wsm__sim_epoch *epoch, uint64_t offset, wsm__sim_entry *entry,
                       wsm_slice json) {
    if (entry->was_void && !wsm__sim_store_is_vague(&node->store, offset))
        wsm__sim_break(node->sim, "I-22", "offset %llu of %s was passed over and takes effect now: %.*s",
                       (unsigned long long)offset, epoch->name, (int)(json.len < 250 ? json.len : 250), json.ptr);
    entry->was_void = false;
}

void wsm__sim_check_applied(wsm__sim_machine *node, const wsm_applied *applied) {
    wsm_sim *sim = node->sim;
    wsm__sim_epoch *epoch = epoch_of(node);
    uint64_t offset = applied->offset;
    sim->applied_at = sim->now;
    wsm__sim_mix_bytes(sim, applied->json.ptr, applied->json.len);
    wsm__sim_say(sim, "hub %u applies %llu for %u: %.*s", node->idx, (unsigned long long)offset, applied->receivers,
                 (int)(applied->json.len < 300 ? applied->json.len : 300), applied->json.ptr);
    if (offset <= epoch->applied)
        wsm__sim_break(sim, "I-22", "offset %llu is applied again", (unsigned long long)offset);
    if (offset > (node->store.is_durable ? node->store.synced : node->store.count))
        wsm__sim_break(sim, "I-23", "offset %llu is shown before it is kept", (unsigned long long)offset);
    check_skipped(node, epoch, offset - 1);
    wsm__sim_entry *entry = wsm__sim_oracle_entry_new(epoch, offset);
    for (uint64_t o = epoch->applied + 1; o < offset; o++)
        if (!epoch->entries[o - 1].state) epoch->entries[o - 1].was_void = true;
    epoch->applied = offset;
    check_void(node, epoch, offset, entry, applied->json);
    if (!entry->json) {
        entry->json = wsm__sim_copy(applied->json.ptr, applied->json.len);
        entry->len = (uint32_t)applied->json.len;
        entry->state = WSM__SIM_ENTRY_RECORD;
        check_new(node, epoch, offset, entry, applied);
        wsm__sim_mail_fold(node, offset);
    } else if (entry->len != applied->json.len || memcmp(entry->json, applied->json.ptr, entry->len) != 0) {
        check_other(node, epoch, offset, entry, applied->json);
    }
}

void wsm__sim_check_ready(wsm__sim_machine *node) {
    char name[17];
    wsm__sim_epoch *epoch = epoch_of(node);
    uint64_t position = node->hub ? wsm_hub_position(node->hub, name) : 0;
    if (!node->hub) return;
    if (strcmp(name, node->store.epoch) != 0 || position < node->store.loaded_from)
        wsm__sim_break(node->sim, "I-22", "a hub that is ready stands at %llu of %s", (unsigned long long)position,
                       name);
    if (position < epoch->count)
        wsm__sim_break(node->sim, "I-20", "offset %llu was shown; after the restart the log ends at %llu",
                       (unsigned long long)epoch->count, (unsigned long long)position);
    check_skipped(node, epoch, epoch->count);
    if (position > epoch->applied) epoch->applied = position;
}

/* ---- memory and counters --------------------------------------------------------------------------------------------
 */

typedef struct numbers {
    double memory, pending, inbox, received, answered;
    wsm__sim_frames frames;
} numbers;

static void read_metric(void *user, const wsm_metric *metric) {
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {{"wsm_memory_bytes", offsetof(numbers, memory)},
                {"wsm_log_pending", offsetof(numbers, pending)},
                {"wsm_inbox_commands", offsetof(numbers, inbox)},
                {"wsm_messages_received_total", offsetof(numbers, received)},
                {"wsm_messages_acked_total", offsetof(numbers, answered)},
                {"wsm_messages_duplicate_total", offsetof(numbers, answered)},
                {"wsm_messages_refused_total", offsetof(numbers, answered)},
                {"wsm_messages_orphaned_total", offsetof(numbers, answered)}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(metric->name, rows[i].name) == 0) *(double *)(void *)((char *)user + rows[i].at) += metric->value;
    wsm__sim_read_drops(metric, &((numbers *)user)->frames);
}

void wsm__sim_check_counters(wsm__sim_machine *node, bool is_quiet) {
    numbers now = {0};
    wsm_hub_metrics(node->hub, read_metric, &now);
    double most = now.memory * 1.1 + 65536;
    if ((double)node->live > most)
        wsm__sim_break(node->sim, "I-62", "%zu bytes live, %.0f accounted", node->live, now.memory);
    if (node->config.memory_budget_bytes && now.memory > (double)node->config.memory_budget_bytes)
        wsm__sim_break(node->sim, "I-62", "%.0f bytes accounted, the budget is %llu", now.memory,
                       (unsigned long long)node->config.memory_budget_bytes);
    if (now.answered > now.received || (now.pending <= 0 && now.inbox <= 0 && is_quiet && now.answered < now.received))
        wsm__sim_break(node->sim, "I-96", "%.0f messages received, %.0f answered, nothing pending", now.received,
                       now.answered);
    wsm__sim_check_frames(node, &now.frames);
}

void wsm__sim_check_step(wsm__sim_machine *node) {
    wsm__sim_check_must_close(node);
    if (++node->checks % CHECK_EVERY == 0) wsm__sim_check_counters(node, false);
}

void wsm__sim_check_queue(const wsm__sim_line *line) {
    uint32_t most = line->node->config.queue_bytes_max;
    size_t queued = wsm_conn_queued(line->conn);
    if (most && queued > most + 4096u + 2048u)
        wsm__sim_break(line->sim, "I-12", "%zu bytes queued, the cap is %u", queued, most);
}

void wsm__sim_check_freed(wsm__sim_machine *node) {
    if (node->live || node->blocks)
        wsm__sim_break(node->sim, "I-63", "%zu bytes in %zu blocks are left of a hub that was freed", node->live,
                       node->blocks);
    node->live = node->blocks = 0;
}

/* ---- connections ----------------------------------------------------------------------------------------------------
 */

static const wsm__sim_client *client_of(const wsm__sim_line *line) {
    for (uint32_t i = 0; i < line->sim->clients_count; i++)
        if (line->sim->clients[i]->line == line) return line->sim->clients[i];
    return NULL;
}

static void opened(wsm__sim_line *line) {
    wsm_sim *sim = line->sim;
    const wsm__sim_client *client = client_of(line);
    if (!client) return;
    if (client->is_stranger)
        wsm__sim_break(sim, "I-50", "client %u has no right to be here and was let in", client->idx);
    line->agent = client->agent;
    line->permission = client->claims.permission;
    line->purpose = client->claims.purpose;
    line->expires_ms = client->claims.exp * 1000;
    wsm__sim_agent *agent = &sim->oracle.agents[line->agent->idx];
    if (line->permission != WSM_PERMISSION_ACTIVE) return;
    agent->sessions++;
    if (line->purpose == WSM_PURPOSE_PRIMARY && ++agent->primaries > 1)
        wsm__sim_break(sim, "I-53", "%s has %u primary connections at once", agent->name, agent->primaries);
}

static void shut(wsm__sim_line *line) {
    if (!line->agent || line->permission != WSM_PERMISSION_ACTIVE) return;
    wsm__sim_agent *agent = &line->sim->oracle.agents[line->agent->idx];
    line->sim->left_at = agent->left_at = line->sim->now;
    if (agent->sessions) agent->sessions--;
    if (line->purpose == WSM_PURPOSE_PRIMARY && agent->primaries) agent->primaries--;
    line->agent = NULL;
}

void wsm__sim_check_conn_state(wsm__sim_machine *node, wsm__sim_line *line, const wsm_conn *conn,
                               wsm_conn_state state) {
    (void)conn;
    wsm__sim_mix(node->sim, (uint64_t)state);
    if (!line) return;
    if (state < line->state)
        wsm__sim_break(node->sim, "I-52", "a connection's state goes from %d back to %d", line->state, state);
    line->state = state;
    if (state == WSM_CONN_OPEN) opened(line);
    if (state >= WSM_CONN_CLOSING) shut(line);
}

/* ---- for the host ---------------------------------------------------------------------------------------------------
 */

void wsm__sim_check_result(wsm__sim_machine *node, const wsm_result *result) {
    wsm_sim *sim = node->sim;
    size_t k = (size_t)(result->tag & 0xffffffff);
    wsm__sim_mix(sim, (uint64_t)(int64_t)result->err);
    if (!wsm__sim_tags_take(&node->tags, result->tag)) {
        wsm__sim_break(sim, "I-07", "a second result for tag %zu, or one for a tag that was never taken", k);
        return;
    }
    wsm__sim_command *command = &sim->oracle.commands[k];
    wsm__sim_say(sim, "hub %u: result of %zu is %d at %llu", node->idx, k, result->err,
                 (unsigned long long)result->offset);
    if (result->err) {
        if (result->err != WSM_ERR_STORE_FAILED) {
            command->is_refused = true;
            if (command->effects)
                wsm__sim_break(sim, "I-25", "broadcast %zu failed with %d and took effect", k, result->err);
        }
        return;
    }
    wsm__sim_entry *entry = wsm__sim_oracle_entry(epoch_of(node), result->offset);
    if (!entry || entry->state != WSM__SIM_ENTRY_RECORD || entry->command != k)
        wsm__sim_break(sim, "I-07", "broadcast %zu is said to be at %llu, and is not", k,
                       (unsigned long long)result->offset);
    if (result->durable && (!node->store.is_durable || node->store.synced < result->offset))
        wsm__sim_break(sim, "I-20", "broadcast %zu is said to be durable; synced are %llu", k,
                       (unsigned long long)node->store.synced);
}

static uint64_t offset_of(wsm_slice json) {
    static const char head[] = "{\"type\":\"", name[] = "\",\"offset\":";
    if (json.len < sizeof head + sizeof name + 2 || memcmp(json.ptr, head, sizeof head - 1) != 0) return 0;
    const char *at = memchr(json.ptr + sizeof head - 1, '"', json.len - sizeof name - sizeof head);
    if (!at || memcmp(at, name, sizeof name - 1) != 0) return 0;
    uint64_t offset = 0;
    for (at += sizeof name - 1; *at >= '0' && *at <= '9'; at++) offset = offset * 10 + (uint64_t)(*at - '0');
    return offset;
}

void wsm__sim_check_page(wsm__sim_machine *node, const wsm_page *page) {
    wsm_sim *sim = node->sim;
    wsm__sim_epoch *epoch = epoch_of(node);
    uint64_t after = page->tag & (WSM__SIM_PAGE_TAG - 1), at = after;
    if (!wsm__sim_tags_take(&node->tags, page->tag)) {
        wsm__sim_break(sim, "I-07", "a second page for one read");
        return;
    }
    if (page->err) return;
    if (page->trimmed_to > at) {
        if (page->trimmed_to >= wsm__sim_store_readable(&node->store) && node->store.first && !node->cannot_read)
            wsm__sim_break(sim, "I-05", "a page says that records up to %llu are gone; the log begins at %llu",
                           (unsigned long long)page->trimmed_to, (unsigned long long)node->store.first);
        at = page->trimmed_to;
    }
    for (size_t i = 0; i <= page->count; i++) {
        uint64_t offset = i < page->count ? offset_of(page->messages[i]) : page->next_after + 1;
        for (uint64_t o = at + 1; o < offset && o <= epoch->count; o++)
            if (epoch->entries[o - 1].state == WSM__SIM_ENTRY_RECORD)
                wsm__sim_break(sim, "I-05", "a page after %llu lacks offset %llu (trimmed to %llu)",
                               (unsigned long long)after, (unsigned long long)o, (unsigned long long)page->trimmed_to);
        if (i == page->count || offset > epoch->count) break; /* asked inside the fan-out: on_applied comes next */
        wsm__sim_entry *entry = wsm__sim_oracle_entry(epoch, offset);
        bool is_same = entry && entry->json && entry->len == page->messages[i].len &&
                       memcmp(entry->json, page->messages[i].ptr, entry->len) == 0;
        if (offset <= at || !is_same)
            wsm__sim_break(sim, "I-03", "a page after %llu shows offset %llu otherwise: %.200s",
                           (unsigned long long)after, (unsigned long long)offset, page->messages[i].ptr);
        at = offset;
    }
}
