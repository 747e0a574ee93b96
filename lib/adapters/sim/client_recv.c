/* What a model client hears: records and positions, replays and gaps, answers, presence. It believes nothing: what it
 * is told goes through the checks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "world.h"

typedef unsigned long long ull;

static const wsm__sim_json *doc(const wsm__sim_client *client) {
    return client->sim->oracle.json;
}

static uint32_t field(const wsm__sim_client *client, const char *name) {
    return wsm__sim_json_member(doc(client), WSM__SIM_ROOT, name);
}

static uint64_t number(const wsm__sim_client *client, const char *name) {
    uint64_t value = 0;
    wsm__sim_json_uint(doc(client), field(client, name), &value);
    return value;
}

static void text(const wsm__sim_client *client, const char *name, char *into, size_t cap) {
    if (wsm__sim_json_string(doc(client), field(client, name), into, cap) == SIZE_MAX) into[0] = '\0';
}

/* ---- opening --------------------------------------------------------------------------------------------------------
 */

static void on_welcome(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    char resume[16], epoch[40];
    if (client->phase != WSM__SIM_WAITING) {
        wsm__sim_break(sim, "I-50", "client %u is welcomed twice", client->idx);
        return;
    }
    if (client->is_stranger)
        wsm__sim_break(sim, "I-50", "client %u has no right to be here and is welcomed", client->idx);
    if (!wsm__sim_json_is(doc(client), field(client, "agent_id"), client->agent->name))
        wsm__sim_break(sim, "I-45", "client %u is welcomed under another name", client->idx);
    text(client, "resume", resume, sizeof resume);
    text(client, "epoch", epoch, sizeof epoch);
    if (strlen(epoch) != 16) wsm__sim_break(sim, "I-05", "client %u is told epoch \"%s\"", client->idx, epoch);
    memcpy(client->epoch, epoch, 17);
    client->head = number(client, "offset");
    client->phase = WSM__SIM_LIVE;
    client->fails = 0;
    wsm__sim_say(sim, "client %u is welcome at %llu: %s", client->idx, (ull)client->head, resume);
    wsm__sim_check_welcome(client, resume);
    client->position = client->base;
    bool is_fresh = strcmp(resume, "none") == 0 || strcmp(resume, "resync") == 0;
    if (is_fresh) wsm__sim_client_resend(client);
}

static void on_replay_start(wsm__sim_client *client) {
    uint64_t from = number(client, "from"), to = number(client, "to");
    char context[40];
    text(client, "context_id", context, sizeof context);
    if (context[0]) {
        wsm__sim_history_begins(client, context, from, to);
        return;
    }
    if (from != client->base + 1 || to != client->head || client->replays)
        wsm__sim_break(client->sim, "I-05", "client %u: a replay from %llu to %llu, expected from %llu to %llu",
                       client->idx, (ull)from, (ull)to, (ull)client->base + 1, (ull)client->head);
    client->replays = true;
    client->replay_to = to;
    client->replay_count = client->replay_beside = 0;
}

static void on_replay_end(wsm__sim_client *client) {
    char context[40];
    text(client, "context_id", context, sizeof context);
    if (context[0]) {
        wsm__sim_history_ends(client, context, number(client, "offset"), number(client, "count"));
        return;
    }
    if (!client->replays)
        wsm__sim_break(client->sim, "I-05", "client %u: a replay ends that has not begun", client->idx);
    client->replays = false;
    wsm__sim_check_replay_end(client, number(client, "offset"), number(client, "count"));
    wsm__sim_client_resend(client);
}

static void on_position(wsm__sim_client *client) {
    uint64_t offset = number(client, "offset");
    wsm__sim_say(client->sim, "client %u is at %llu", client->idx, (ull)offset);
    if (offset <= client->position)
        wsm__sim_break(client->sim, "I-02", "client %u is told position %llu after %llu", client->idx, (ull)offset,
                       (ull)client->position);
    wsm__sim_check_complete(client, offset);
    client->position = offset;
}

static void on_gap(wsm__sim_client *client) {
    char reason[16], context[40];
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&client->sim->oracle, client->epoch);
    text(client, "reason", reason, sizeof reason);
    text(client, "context_id", context, sizeof context);
    const wsm__sim_side *side = epoch ? wsm__sim_side_find(&epoch->sides, context, strlen(context)) : NULL;
    wsm__sim_say(client->sim, "client %u: a gap from %llu to %llu, %s", client->idx, (ull)number(client, "from_offset"),
                 (ull)number(client, "to_offset"), reason);
    if (side || !epoch)
        wsm__sim_check_gap(client, side ? side->idx : 0, number(client, "from_offset"), number(client, "to_offset"),
                           reason);
    else
        wsm__sim_break(client->sim, "I-05", "client %u is told of a gap in %s, which is not there", client->idx,
                       context);
}

/* ---- answers --------------------------------------------------------------------------------------------------------
 */

/* The request that an answer belongs to. Of several under one id it is that of `command` with content `variant`, if
 * there is one. */
static wsm__sim_sent *asked(wsm__sim_client *client, const char *id, uint32_t command, uint32_t variant) {
    wsm__sim_sent *other = NULL;
    while (client->sent_from < client->sent_count && client->sent[client->sent_from].is_answered) client->sent_from++;
    for (size_t i = client->sent_from; i < client->sent_count; i++) {
        wsm__sim_sent *sent = &client->sent[i];
        if (sent->is_answered || strcmp(sent->id, id) != 0) continue;
        if (sent->variant == variant && (command == WSM__SIM_NOBODY || sent->command == command)) return sent;
        if (!other) other = sent;
    }
    return other;
}

static const wsm__sim_entry *entry_at(const wsm__sim_client *client, uint64_t offset) {
    static const wsm__sim_entry none = {.command = WSM__SIM_NOBODY};
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&client->sim->oracle, client->epoch);
    const wsm__sim_entry *entry = epoch ? wsm__sim_oracle_entry(epoch, offset) : NULL;
    return entry ? entry : &none;
}

/* The content that was refused because the id stands for the other one. */
static uint32_t variant_refused(const wsm__sim_client *client, const char *id) {
    for (size_t i = client->sent_from; i < client->sent_count; i++) {
        const wsm__sim_sent *sent = &client->sent[i];
        if (strcmp(sent->id, id) != 0 || sent->command == WSM__SIM_NOBODY) continue;
        const wsm__sim_command *command = &client->sim->oracle.commands[sent->command];
        const wsm__sim_effect *effect = wsm__sim_oracle_effect(&client->sim->oracle, command->agent, id);
        if (!effect) return 1 - sent->variant; /* the first one is under way */
        return 1u - client->sim->oracle.epochs[effect->epoch].entries[effect->offset - 1].variant;
    }
    return 1;
}

static void keep_roster(wsm__sim_client *client) {
    size_t len;
    const char *raw = wsm__sim_json_raw(doc(client), field(client, "result"), &len);
    if (!raw || len == 0) return;
    wsm__sim_bytes_clear(&client->roster);
    wsm__sim_bytes_add(&client->roster, raw, len);
    client->listed_at = client->sim->now;
}

static void on_ack(wsm__sim_client *client, bool is_duplicate) {
    char id[64];
    uint64_t offset = 0;
    text(client, "original_message_id", id, sizeof id);
    bool has_offset = wsm__sim_json_uint(doc(client), field(client, "offset"), &offset);
    const wsm__sim_entry *entry = entry_at(client, offset);
    wsm__sim_sent *sent = asked(client, id, entry->command, entry->variant);
    bool is_durable = wsm__sim_json_type(doc(client), field(client, "durable")) == WSM__SIM_TRUE;
    wsm__sim_say(client->sim, "client %u: %s of %s at %llu%s", client->idx, is_duplicate ? "duplicate_ack" : "ack", id,
                 (ull)offset, is_durable ? ", durable" : "");
    if (!sent) {
        if (!client->is_tampered)
            wsm__sim_break(client->sim, "I-07",
                           "client %u gets an ack of %s, which it has not asked for, or a second one", client->idx, id);
        return;
    }
    sent->is_answered = true;
    wsm__sim_check_ack(client, sent, is_duplicate, has_offset, offset, is_durable);
    if (sent->note)
        wsm__sim_presence_said(client, sent->note);
    else if (sent->command == WSM__SIM_NOBODY)
        keep_roster(client);
    else if (client->sim->mail)
        wsm__sim_check_outcomes(client, sent->command);
    if (sent->command != WSM__SIM_NOBODY) wsm__sim_client_settled(client, sent->command);
}

static void blur(wsm__sim_client *client, const char *id) {
    for (size_t i = client->sent_from; i < client->sent_count; i++)
        if (!client->sent[i].is_answered && strcmp(client->sent[i].id, id) == 0) client->sent[i].is_vague = true;
}

static bool comes_again(const char *code) {
    static const char *const later[] = {"rate_limited", "busy", "store_failed", "shutting_down", "internal", "limit"};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (strcmp(code, later[i]) == 0) return true;
    return false;
}

static void check_reply(wsm__sim_client *client, const wsm__sim_sent *sent, const char *code, const char *why) {
    char reply[400], retry[16], at[80];
    text(client, "field", at, sizeof at);
    text(client, "retry", retry, sizeof retry);
    int len = snprintf(reply, sizeof reply, "%s, %s, %s, %s", code, why, at, retry);
    if (sent->about[0] && len > 0) wsm__sim_check_reply(client, sent, code, reply, (size_t)len);
}

/* It has been tried often enough. */
static bool is_tired(const wsm__sim_command *command) {
    return (command->op != WSM__SIM_OP_UPDATE || command->about[0]) && command->sends[0] > 5;
}

static void on_error(wsm__sim_client *client) {
    char id[64], code[40], why[300];
    text(client, "original_message_id", id, sizeof id);
    text(client, "code", code, sizeof code);
    text(client, "message", why, sizeof why);
    wsm__sim_say(client->sim, "client %u: error %s of %s: %s", client->idx, code, id, why);
    wsm__sim_check_nonsense(client, code);
    uint32_t content = strcmp(code, "id_conflict") == 0 ? variant_refused(client, id) : 0;
    wsm__sim_sent *sent = id[0] ? asked(client, id, WSM__SIM_NOBODY, content) : NULL;
    if (!sent) {
        if (client->nameless > 0)
            client->nameless--;
        else if (!client->is_tampered)
            wsm__sim_break(client->sim, "I-07", "client %u gets an error %s of \"%s\", which it has not asked for",
                           client->idx, code, id);
        return;
    }
    sent->is_answered = true;
    check_reply(client, sent, code, why);
    blur(client, id);
    uint32_t command = sent->command, variant = sent->variant;
    wsm__sim_check_error(client, sent, code);
    if (command == WSM__SIM_NOBODY || variant != 0) return;
    uint64_t wait = number(client, "retry_after_ms");
    const wsm__sim_command *what = &client->sim->oracle.commands[command];
    if (comes_again(code) && !what->is_forbidden && !is_tired(what))
        wsm__sim_client_retry(client, command, wait ? wait : 1000);
    else
        wsm__sim_client_settled(client, command);
}

/* ---- all of it ------------------------------------------------------------------------------------------------------
 */

/* The offset of a record whose head is as the hub writes it; 0: look closer. */
static uint64_t quick_offset(const char *at, size_t len) {
    static const char head[] = "{\"type\":\"memory_update\",\"offset\":";
    if (len < sizeof head + 20 || memcmp(at, head, sizeof head - 1) != 0) return 0;
    uint64_t offset = 0;
    for (at += sizeof head - 1; *at >= '0' && *at <= '9'; at++) offset = offset * 10 + (uint64_t)(*at - '0');
    return offset;
}

static void note_tail(wsm__sim_client *client, const char *at, size_t len) {
    if (!client->is_scripted) return;
    wsm__sim_bytes_add(&client->tail, at, len);
    wsm__sim_bytes_add(&client->tail, "\n", 1);
}

static bool is(const wsm__sim_client *client, const char *type) {
    return wsm__sim_json_is(doc(client), field(client, "type"), type);
}

void wsm__sim_client_text(wsm__sim_client *client, const char *at, size_t len) {
    wsm_sim *sim = client->sim;
    sim->report.delivered++;
    client->heard_since++;
    note_tail(client, at, len);
    if (sim->sides_max) wsm__sim_check_names(client, at, len);
    uint64_t offset = quick_offset(at, len);
    if (offset && client->phase == WSM__SIM_LIVE) {
        wsm__sim_check_record(client, offset, at, len);
        return;
    }
    if (!wsm__sim_json_read(sim->oracle.json, at, len)) {
        wsm__sim_break(sim, "I-14", "client %u gets what is no JSON (%s): %.*s", client->idx, sim->oracle.json->why,
                       (int)(len < 200 ? len : 200), at);
        return;
    }
    if (client->phase != WSM__SIM_LIVE && !is(client, "welcome")) {
        wsm__sim_break(sim, "I-50", "client %u gets this before welcome: %.*s", client->idx,
                       (int)(len < 200 ? len : 200), at);
        return;
    }
    if (is(client, "welcome"))
        on_welcome(client);
    else if (wsm__sim_op_of(doc(client)) < WSM__SIM_OPS)
        wsm__sim_check_record(client, number(client, "offset"), at, len);
    else if (is(client, "context_snapshot"))
        wsm__sim_check_snapshot(client);
    else if (is(client, "context_records"))
        wsm__sim_check_pull(client);
    else if (is(client, "deadlock"))
        wsm__sim_told_circle(client);
    else if (client->sim->mail && (is(client, "mention_route") || is(client, "mention_digest")))
        wsm__sim_check_mention(client, number(client, "offset"), at, len);
    else if (client->sim->mail && is(client, "mention_status"))
        wsm__sim_check_status(client);
    else if (is(client, "position"))
        on_position(client);
    else if (is(client, "ack") || is(client, "duplicate_ack"))
        on_ack(client, is(client, "duplicate_ack"));
    else if (is(client, "error"))
        on_error(client);
    else if (is(client, "agent_presence"))
        wsm__sim_check_presence(client);
    else if (is(client, "replay_start"))
        on_replay_start(client);
    else if (is(client, "replay_end"))
        on_replay_end(client);
    else if (is(client, "gap"))
        on_gap(client);
}
