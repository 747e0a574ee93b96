/* Who gets what of sidebars: content only those who belonged (I-40), nothing after they have left (I-42), the history
 * whole for whoever was let in with it; and of private ones nothing for outsiders, not even that they exist (I-41). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "world.h"

typedef unsigned long long ull;

#define REPLY_MAX 400u

struct wsm__sim_replies {
    char hidden[WSM__SIM_ASKED][REPLY_MAX], missing[WSM__SIM_ASKED][REPLY_MAX];
};

/* Of one connection. */
struct wsm__sim_told {
    uint64_t left[64]; /* by sidebar: the record by which the client heard that it belongs to it no longer */
    uint32_t circles;  /* of waits that it has to be told of, and has not */
    bool is_history;
    uint64_t owed; /* a history has been granted at that record, and has not begun; 0: none */
    uint32_t context;
    uint64_t from, last, count; /* of the history: the record that let it in, the newest that has come */
    unsigned char *got;         /* below `from`: 1 came, or lies in a gap */
};

void wsm__sim_told_fini(wsm__sim_client *client) {
    if (client->told) free(client->told->got);
    free(client->told);
    client->told = NULL;
}

void wsm__sim_told_begin(wsm__sim_client *client) {
    wsm__sim_told_fini(client);
    client->told = wsm__sim_zalloc(sizeof *client->told);
}

static bool covers(const wsm__sim_client *client, uint32_t context) {
    return context == 0 ? client->reads_main : client->reads_sides;
}

static bool is_for(const wsm__sim_client *client, const wsm__sim_epoch *epoch, uint32_t context, uint64_t offset,
                   bool (*test)(const wsm__sim_side *, uint32_t, uint64_t)) {
    return context < epoch->sides.count && covers(client, context) &&
           test(epoch->sides.at[context], client->agent->idx, offset);
}

bool wsm__sim_is_due(const wsm__sim_client *client, const wsm__sim_epoch *epoch, uint64_t offset) {
    const wsm__sim_entry *entry = &epoch->entries[offset - 1];
    const wsm__sim_machine *node = client->node;
    if (entry->state != WSM__SIM_ENTRY_RECORD) return false;
    if (is_for(client, epoch, entry->context, offset, wsm__sim_side_owes)) return true;
    if (entry->also && is_for(client, epoch, entry->also, offset, wsm__sim_side_owes))
        return !node->cannot_read && offset >= wsm__sim_store_readable(&node->store);
    bool is_named = wsm__sim_is_in(entry->to, client->agent->idx) && covers(client, entry->context);
    return is_named && !node->cannot_read &&
           offset >= wsm__sim_store_readable(&node->store); /* of others' contexts there are no gaps */
}

static bool may_have(const wsm__sim_client *client, const wsm__sim_epoch *epoch, const wsm__sim_entry *entry,
                     uint64_t offset) {
    if (is_for(client, epoch, entry->context, offset, wsm__sim_side_admits)) return true;
    if (entry->also && is_for(client, epoch, entry->also, offset, wsm__sim_side_admits)) return true;
    return wsm__sim_is_in(entry->to, client->agent->idx) && covers(client, entry->context);
}

/* The client has heard that it left this context at a record behind this one. */
static bool has_heard(const struct wsm__sim_told *told, uint32_t context, uint64_t offset) {
    return context > 0 && context < 64 && offset < told->left[context];
}

/* What a second context or its own name still lets it see, and not as the member that it was. */
static bool sees_otherwise(const wsm__sim_client *client, const wsm__sim_epoch *epoch, const wsm__sim_entry *entry,
                           uint64_t offset) {
    if (wsm__sim_is_in(entry->to, client->agent->idx)) return true;
    if (is_for(client, epoch, entry->context, offset, wsm__sim_side_owes)) return true;
    return entry->also && is_for(client, epoch, entry->also, offset, wsm__sim_side_owes);
}

/* It belonged there when it came, and has not heard yet that it does not any more: what was handed out before it left
 * may still come. */
static bool may_still_come(const wsm__sim_client *client, const wsm__sim_epoch *epoch, uint32_t context,
                           uint64_t offset) {
    if (context == 0 || context >= epoch->sides.count || has_heard(client->told, context, offset)) return false;
    const wsm__sim_side *side = epoch->sides.at[context];
    for (uint32_t i = 0; i < side->spans_count; i++) {
        const wsm__sim_span *span = &side->spans[i];
        bool has_it = span->agent == client->agent->idx && (span->has_all || span->from <= offset);
        if (has_it && (span->to == 0 || (offset <= span->to && client->head < span->to))) return true;
    }
    return false;
}

static void check_left(wsm__sim_client *client, const wsm__sim_epoch *epoch, const wsm__sim_entry *entry,
                       uint64_t offset) {
    struct wsm__sim_told *told = client->told;
    uint32_t context = entry->context;
    bool has_left = has_heard(told, context, offset) || (entry->also && has_heard(told, entry->also, offset));
    bool is_late = may_still_come(client, epoch, context, offset) || may_still_come(client, epoch, entry->also, offset);
    if (has_left && !is_late && !sees_otherwise(client, epoch, entry, offset))
        wsm__sim_break(client->sim, "I-42", "client %u gets offset %llu after it heard that it has left", client->idx,
                       (ull)offset);
    if (context == 0 || context >= 64) return;
    if (wsm__sim_is_in(entry->leaves, client->agent->idx))
        told->left[context] = offset;
    else if (entry->op == WSM__SIM_OP_JOIN)
        told->left[context] = 0; /* of others, too: then it would not get it */
}

bool wsm__sim_has_left(const wsm__sim_client *client, const wsm__sim_side *side, uint64_t offset) {
    uint64_t left = side->idx < 64 ? client->told->left[side->idx] : 0;
    if (offset >= left) return false;
    for (uint32_t i = 0; i < side->spans_count; i++)
        if (side->spans[i].agent == client->agent->idx && side->spans[i].from > left) return false; /* it is back */
    return true;
}

static bool has_come(const wsm__sim_client *client, uint64_t offset) {
    size_t at = (size_t)(offset - client->base - 1);
    return offset <= client->base || (at < client->got_count && client->got[at] != 0);
}

/* It is back in a sidebar that it had left. What called it there before comes as a delivery, behind what the stream has
 * brought since: the stream brings that only within its replay, or before the record by which it left, or is back. */
bool wsm__sim_is_passed(const wsm__sim_client *client, const wsm__sim_side *side, uint64_t offset) {
    uint32_t agent = client->agent->idx;
    bool is_back = wsm__sim_is_in(side->members, agent) && !wsm__sim_side_owes(side, agent, offset);
    if (!is_back || client->replays || client->told->is_history) return false;
    if (offset <= client->replay_to) return true;
    for (uint32_t i = 0; i < side->spans_count; i++) {
        const wsm__sim_span *span = &side->spans[i];
        if (span->agent != agent) continue;
        if (span->to > offset && has_come(client, span->to)) return true;
        if (span->from > offset && has_come(client, span->from)) return true;
    }
    return false;
}

/* It belonged to the sidebar from its beginning, and not all the time. */
static bool has_left_since(const wsm__sim_client *client, const wsm__sim_side *side, uint64_t beginning) {
    for (uint32_t i = 0; i < side->spans_count; i++)
        if (side->spans[i].agent == client->agent->idx && side->spans[i].from == beginning && side->spans[i].to > 0)
            return true;
    return false;
}

/* Whoever a sidebar begins with gets its spawn as a delivery too, until it has said that it has seen it; also when it
 * had left, and is back. */
static bool is_delivered_again(const wsm__sim_client *client, const wsm__sim_epoch *epoch, const wsm__sim_entry *entry,
                               uint64_t offset) {
    if (entry->op != WSM__SIM_OP_SPAWN && entry->op != WSM__SIM_OP_CHILD) return false;
    if (offset <= client->checked_to || has_come(client, offset)) return true;
    return has_left_since(client, epoch->sides.at[entry->context], offset);
}

bool wsm__sim_check_side_record(wsm__sim_client *client, wsm__sim_epoch *epoch, uint64_t offset) {
    const wsm__sim_entry *entry = &epoch->entries[offset - 1];
    struct wsm__sim_told *told = client->told;
    if (!may_have(client, epoch, entry, offset))
        wsm__sim_break(client->sim, entry->context == 0 ? "I-51" : "I-40", "client %u (%s) gets offset %llu of %s",
                       client->idx, client->agent->name, (ull)offset,
                       entry->context < epoch->sides.count ? epoch->sides.at[entry->context]->id : "?");
    bool is_old = told->is_history && entry->context == told->context && offset < told->from;
    if (is_old && offset > client->base && wsm__sim_is_in(entry->to, client->agent->idx))
        wsm__sim_break(client->sim, "I-01", "client %u: offset %llu, which names it, comes again in a history",
                       client->idx, (ull)offset);
    if (is_old && offset > told->last) {
        told->last = offset;
        told->count++;
        told->got[offset] = 1;
        client->replay_count += client->replays;
        return true;
    }
    check_left(client, epoch, entry, offset);
    if (entry->op == WSM__SIM_OP_INVITE && wsm__sim_is_in(entry->to, client->agent->idx))
        wsm__sim_client_invited(client, epoch->sides.at[entry->context]);
    if (!is_delivered_again(client, epoch, entry, offset)) return false;
    client->replay_beside += client->replays;
    return true;
}

/* ---- history --------------------------------------------------------------------------------------------------------
 */

static wsm__sim_epoch *epoch_of(const wsm__sim_client *client) {
    return wsm__sim_oracle_epoch(&client->sim->oracle, client->epoch);
}

bool wsm__sim_has_history(const wsm__sim_client *client) {
    return client->told && (client->told->is_history || client->told->owed);
}

void wsm__sim_history_granted(wsm_sim *sim, const wsm__sim_epoch *epoch, uint64_t offset) {
    const wsm__sim_entry *entry = &epoch->entries[offset - 1];
    for (uint32_t i = 0; i < sim->clients_count && entry->joins_with; i++) {
        wsm__sim_client *client = sim->clients[i];
        bool is_there = client->line && client->phase == WSM__SIM_LIVE && client->told && !client->replays;
        if (!is_there || !wsm__sim_is_in(entry->joins_with, client->agent->idx)) continue;
        if (strcmp(client->epoch, epoch->name) != 0 || !wsm__sim_is_due(client, epoch, offset)) continue;
        client->told->owed = offset;
        wsm__sim_strike_soon(client); /* it is over in a moment: without that nothing ever met it */
    }
}

void wsm__sim_history_begins(wsm__sim_client *client, const char *context_id, uint64_t from, uint64_t to) {
    struct wsm__sim_told *told = client->told;
    wsm__sim_epoch *epoch = epoch_of(client);
    const wsm__sim_side *side = epoch ? wsm__sim_side_find(&epoch->sides, context_id, strlen(context_id)) : NULL;
    const wsm__sim_entry *entry = epoch ? wsm__sim_oracle_entry(epoch, to + 1) : NULL;
    wsm__sim_say(client->sim, "client %u: the history of %s begins, up to %llu", client->idx, context_id, (ull)to);
    if (!side || !entry || from != 1 || entry->context != side->idx ||
        !wsm__sim_is_in(entry->joins_with, client->agent->idx)) {
        wsm__sim_break(client->sim, "I-40", "client %u gets a history of %s up to %llu that nobody has granted",
                       client->idx, context_id, (ull)to);
        return;
    }
    if (!has_come(client, to + 1))
        wsm__sim_break(client->sim, "I-02", "client %u gets the history of %s before offset %llu, which grants it",
                       client->idx, context_id, (ull)to + 1);
    if (told->owed <= to + 1) told->owed = 0;
    free(told->got);
    told->got = wsm__sim_zalloc(to + 2);
    told->is_history = true;
    told->context = side->idx;
    told->from = to + 1;
    told->last = told->count = 0;
}

/* What names it, or stands in a second context of its own, comes by that, and not in the history. */
static bool comes_otherwise(const wsm__sim_client *client, const wsm__sim_epoch *epoch, const wsm__sim_entry *entry,
                            uint64_t offset) {
    if (offset <= client->base) return false;
    if (wsm__sim_is_in(entry->to, client->agent->idx)) return true;
    return entry->also && is_for(client, epoch, entry->also, offset, wsm__sim_side_admits);
}

/* What it has had as a member before does not come again. */
static bool was_had(const wsm__sim_side *side, uint32_t agent, uint64_t offset) {
    for (uint32_t i = side->spans_count; i > 0; i--) {
        const wsm__sim_span *span = &side->spans[i - 1];
        if (span->agent == agent && span->from <= offset) return span->to == 0 || offset <= span->to;
    }
    return false;
}

void wsm__sim_history_ends(wsm__sim_client *client, const char *context_id, uint64_t offset, uint64_t count) {
    struct wsm__sim_told *told = client->told;
    wsm__sim_epoch *epoch = epoch_of(client);
    bool is_in =
        told->is_history && epoch && wsm__sim_is_in(epoch->sides.at[told->context]->members, client->agent->idx);
    bool adds_up = is_in ? count == told->count : count >= told->count; /* who leaves loses what was queued of it */
    if (!told->is_history || !epoch || offset != told->from - 1 || !adds_up ||
        strcmp(epoch->sides.at[told->context]->id, context_id) != 0) {
        wsm__sim_break(client->sim, "I-05",
                       "client %u: the history of %s ends at %llu with %llu records; %llu have come, up to %llu",
                       client->idx, context_id, (ull)offset, (ull)count, (ull)told->count, (ull)told->from - 1);
        return;
    }
    told->is_history = false;
    const wsm__sim_side *side = epoch->sides.at[told->context];
    if (!is_in) return;
    for (uint64_t o = 1; o < told->from && o <= epoch->count; o++) {
        const wsm__sim_entry *entry = &epoch->entries[o - 1];
        bool is_broken = entry->state == WSM__SIM_ENTRY_BROKEN;
        bool is_due = (entry->state == WSM__SIM_ENTRY_RECORD || is_broken) && entry->context == told->context &&
                      !comes_otherwise(client, epoch, entry, o);
        if (is_due && !told->got[o] && !was_had(side, client->agent->idx, o))
            wsm__sim_break(client->sim, is_broken ? "I-91" : "I-40",
                           "client %u: the history of %s up to %llu lacks offset %llu%s", client->idx, context_id,
                           (ull)offset, (ull)o, is_broken ? ", and does not say that it is broken" : "");
    }
}

bool wsm__sim_check_history_gap(wsm__sim_client *client, const wsm__sim_epoch *epoch, uint32_t context, uint64_t from,
                                uint64_t to, const char *reason) {
    struct wsm__sim_told *told = client->told;
    if (!told->is_history || context != told->context || to >= told->from) return false;
    for (uint64_t o = from; o <= to && o <= epoch->count && strcmp(reason, "corrupt") == 0; o++)
        if (epoch->entries[o - 1].state == WSM__SIM_ENTRY_RECORD)
            wsm__sim_break(client->sim, "I-05",
                           "client %u is told in a history that offset %llu is corrupt, and it is not", client->idx,
                           (ull)o);
    memset(told->got + from, 1, (size_t)(to - from + 1));
    if (to > told->last) told->last = to;
    return true;
}

/* ---- circles --------------------------------------------------------------------------------------------------------
 */

/* May an agent know of every sidebar that one comes to along waits. */
static bool knows_all(const wsm__sim_sides *sides, const wsm__sim_side *side, uint32_t agent) {
    (void)side;
    for (uint32_t i = 1; i < sides->count; i++) {
        const wsm__sim_side *at = sides->at[i];
        if (at->status == WSM__SIM_WAITS_FOR && at->is_hidden && !wsm__sim_is_in(at->members, agent)) return false;
    }
    return true;
}

/* A wait has closed a circle: the members of the one that waits, if they may know of all, are told. */
void wsm__sim_circle_closed(wsm__sim_machine *node, const wsm__sim_sides *sides, const wsm__sim_side *side) {
    wsm_sim *sim = node->sim;
    wsm__sim_say(sim, "a circle of waits is closed by %s", side->id);
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        wsm__sim_client *client = sim->clients[i];
        uint32_t agent = client->agent->idx;
        bool is_there = node->is_ready && client->node == node && client->phase == WSM__SIM_LIVE && client->told;
        if (is_there && wsm__sim_is_in(side->members, agent) && knows_all(sides, side, agent)) client->told->circles++;
    }
}

void wsm__sim_told_circle(wsm__sim_client *client) {
    if (client->told->circles > 0) client->told->circles--;
}

void wsm__sim_check_circles(const wsm__sim_client *client) {
    if (client->told->circles > 0)
        wsm__sim_break(client->sim, "I-46", "client %u was not told of a circle of waits", client->idx);
}

/* ---- outsiders ------------------------------------------------------------------------------------------------------
 */

void wsm__sim_check_names(wsm__sim_client *client, const char *text, size_t len) {
    const char *at = text + 2, *end = text + len;
    wsm__sim_epoch *epoch = epoch_of(client);
    while (epoch && at < end && (at = memchr(at, '-', (size_t)(end - at))) != NULL) {
        at++;
        if (at[-2] != 'b' || at[-3] != 's') continue;
        size_t left = (size_t)(end - at) + 3;
        const wsm__sim_side *side =
            wsm__sim_side_find(&epoch->sides, at - 3, left < WSM__SIM_ID_LEN ? left : (size_t)WSM__SIM_ID_LEN);
        if (side && side->is_hidden && !wsm__sim_side_is_known(&epoch->sides, side, client->agent->idx))
            wsm__sim_break(client->sim, "I-41", "client %u (%s) is told of %s: %.*s", client->idx, client->agent->name,
                           side->id, (int)(len < 200 ? len : 200), text);
    }
}

static bool is_of_the_moment(const wsm__sim_client *client, const char *code) {
    static const char *const codes[] = {"rate_limited", "busy",        "store_failed", "shutting_down",
                                        "internal",     "id_conflict", "too_large",    "bad_message"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(code, codes[i]) == 0) return true;
    if (strcmp(code, "limit") == 0) return true; /* of memory, of the log */
    return strcmp(code, "forbidden") == 0 && (client->is_observer || client->sim->rates[WSM_SIM_VETO]);
}

/* The answer to a request about a sidebar that is hidden, against that to one about nothing. */
void wsm__sim_check_reply(wsm__sim_client *client, const wsm__sim_sent *sent, const char *code, const char *reply,
                          size_t len) {
    wsm_sim *sim = client->sim;
    wsm__sim_epoch *epoch = epoch_of(client);
    if (!sent->about[0] || !epoch || is_of_the_moment(client, code) || len >= REPLY_MAX) return;
    const wsm__sim_side *side = wsm__sim_side_find(&epoch->sides, sent->about, strlen(sent->about));
    if (side && (!side->is_hidden || wsm__sim_side_is_known(&epoch->sides, side, client->agent->idx))) return;
    if (!sim->replies) sim->replies = wsm__sim_zalloc(sizeof *sim->replies);
    if (side && strcmp(code, "not_found") != 0)
        wsm__sim_break(sim, "I-41", "client %u asks about a sidebar that is hidden from it: %s", client->idx, reply);
    char *mine = side ? sim->replies->hidden[sent->op] : sim->replies->missing[sent->op];
    const char *other = side ? sim->replies->missing[sent->op] : sim->replies->hidden[sent->op];
    memcpy(mine, reply, len);
    mine[len] = '\0';
    if (other[0] && strcmp(mine, other) != 0)
        wsm__sim_break(sim, "I-41", "client %u asks about a sidebar that is %s: %s; of the other kind: %s", client->idx,
                       side ? "hidden from it" : "not there", mine, other);
}
