/* What must hold of the stream that one connection receives: each record once, or told as a gap; in order; the bytes
 * that everybody gets; and `position` only when all below it has come. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

typedef unsigned long long ull;

static wsm__sim_epoch *epoch_of(const wsm__sim_client *client) {
    return wsm__sim_oracle_epoch(&client->sim->oracle, client->epoch);
}

uint64_t wsm__sim_broken(const wsm__sim_machine *node) {
    uint64_t broken = 0;
    for (uint64_t i = 0; i < node->store.count; i++) broken += node->store.records[i].is_broken;
    return broken;
}

/* The mark of an offset on this connection; NULL: below its beginning. */
static uint8_t *mark_of(wsm__sim_client *client, uint64_t offset) {
    if (offset <= client->base) return NULL;
    size_t at = (size_t)(offset - client->base - 1);
    if (at >= client->got_cap) {
        size_t cap = client->got_cap ? client->got_cap * 2 : 256;
        while (cap <= at) cap *= 2;
        client->got = wsm__sim_resize(client->got, cap);
        client->got_cap = cap;
    }
    if (at >= client->got_count) {
        memset(client->got + client->got_count, 0, at + 1 - client->got_count);
        client->got_count = at + 1;
    }
    return &client->got[at];
}

/* Lanes: what is normal goes through one and rises. A critical or background record has a lane of its own, or, while
 * the connection catches up, comes in the normal one. What is of the background rises in both together: while some of
 * it waits in the normal lane, the next goes behind it there (fanout.c), and the cursor brings nothing while some waits
 * in its own (replay.c). */
static bool is_in_order(wsm__sim_client *client, const wsm__sim_entry *entry, uint64_t offset) {
    bool is_background = entry->priority == WSM_PRIORITY_BACKGROUND;
    uint64_t *own = entry->priority >= WSM_PRIORITY_URGENT ? &client->last_critical
                    : is_background                        ? &client->last_background
                                                           : &client->last_normal;
    if (offset <= *own && is_background) return false;
    if (offset <= *own) own = &client->last_normal;
    if (offset <= *own) return false;
    *own = offset;
    return true;
}

bool wsm__sim_check_record(wsm__sim_client *client, uint64_t offset, const char *text, size_t len) {
    wsm_sim *sim = client->sim;
    wsm__sim_epoch *epoch = epoch_of(client);
    wsm__sim_entry *entry = epoch ? wsm__sim_oracle_entry(epoch, offset) : NULL;
    bool is_same = entry && wsm__sim_oracle_shows(entry, text, len);
    if (!is_same) {
        wsm__sim_break(sim, "I-03", "client %u gets offset %llu as %.*s; it is %.240s", client->idx, (ull)offset,
                       (int)(len < 200 ? len : 200), text, entry && entry->json ? entry->json : "nothing");
        return false;
    }
    uint8_t *mark = mark_of(client, offset);
    if (wsm__sim_check_again(client, offset, offset > client->checked_to && mark && *mark == 0)) return true;
    if (entry->context != WSM__SIM_MAIL && wsm__sim_check_side_record(client, epoch, offset)) return true;
    mark = mark_of(client, offset);
    /* a gap tells of what its context lacks, and a mention is in none */
    bool is_new = mark && (*mark == 0 || (*mark == 2 && entry->context == WSM__SIM_MAIL));
    if (!mark)
        wsm__sim_break(sim, "I-05", "client %u came for what is after %llu and gets offset %llu", client->idx,
                       (ull)client->base, (ull)offset);
    else if (!is_new)
        wsm__sim_break(sim, "I-01", "client %u gets offset %llu %s", client->idx, (ull)offset,
                       *mark == 1 ? "twice" : "after a gap that covers it");
    else
        *mark = 1;
    if (offset <= client->checked_to)
        wsm__sim_break(sim, "I-02", "client %u gets offset %llu after position %llu", client->idx, (ull)offset,
                       (ull)client->checked_to);
    if (!is_in_order(client, entry, offset))
        wsm__sim_break(sim, "I-02", "client %u gets offset %llu (priority %u) after %llu, %llu, %llu", client->idx,
                       (ull)offset, entry->priority, (ull)client->last_critical, (ull)client->last_normal,
                       (ull)client->last_background);
    wsm__sim_check_lanes(client, epoch, offset);
    bool has_lane = entry->priority >= WSM_PRIORITY_URGENT || entry->priority == WSM_PRIORITY_BACKGROUND;
    if (offset > client->highest && !has_lane) client->highest = offset; /* other lanes may overtake a replay's end */
    bool is_called = sim->mail && wsm__sim_mail_find(sim->mail, offset, client->agent->idx); /* it may be a delivery */
    if (client->replays && has_lane && (offset > client->replay_to || is_called))
        client->replay_beside++;
    else if (client->replays)
        client->replay_count++;
    return true;
}

/* What is broken was of nobody knows which context: all are told. */
static bool is_of(const wsm__sim_entry *entry, uint32_t context) {
    return !entry || entry->state != WSM__SIM_ENTRY_RECORD || entry->context == context;
}

/* What can be read is not trimmed, and what a replay is about to read is not let go of. */
static void check_trimmed(wsm__sim_client *client, uint64_t offset) {
    const wsm__sim_store *store = &client->node->store;
    if (offset >= wsm__sim_store_readable(store))
        wsm__sim_break(client->sim, "I-05", "client %u is told that offset %llu is trimmed; the log begins at %llu",
                       client->idx, (ull)offset, (ull)store->first);
    else if (client->replays && offset >= client->kept_from && store->retain == 0)
        wsm__sim_break(client->sim, "I-05",
                       "client %u is told that offset %llu, which its replay was to bring, is trimmed", client->idx,
                       (ull)offset);
}

void wsm__sim_check_gap(wsm__sim_client *client, uint32_t context, uint64_t from, uint64_t to, const char *reason) {
    wsm_sim *sim = client->sim;
    wsm__sim_epoch *epoch = epoch_of(client);
    const wsm__sim_store *store = &client->node->store;
    bool is_same = epoch && strcmp(store->epoch, client->epoch) == 0;
    if (from == 0 || to < from) {
        wsm__sim_break(sim, "I-01", "client %u gets a gap from %llu to %llu", client->idx, (ull)from, (ull)to);
        return;
    }
    if (epoch && wsm__sim_check_history_gap(client, epoch, context, from, to, reason)) return;
    for (uint64_t o = from; o <= to; o++) {
        wsm__sim_entry *entry = epoch ? wsm__sim_oracle_entry(epoch, o) : NULL;
        if (!is_of(entry, context)) continue;
        uint8_t *mark = mark_of(client, o);
        bool is_there = is_same && entry && wsm__sim_is_due(client, epoch, o) && mark && *mark == 0;
        if (is_there && strcmp(reason, "trimmed") == 0 && !client->node->cannot_read) check_trimmed(client, o);
        if (is_there && strcmp(reason, "corrupt") == 0)
            wsm__sim_break(sim, "I-05", "client %u is told that offset %llu is corrupt, and it is not", client->idx,
                           (ull)o);
        if (mark && *mark == 0) *mark = 2;
    }
}

bool wsm__sim_has_all(const wsm__sim_client *client, uint64_t to) {
    wsm__sim_epoch *epoch = epoch_of(client);
    for (uint64_t o = client->checked_to + 1; epoch && o <= to && o <= epoch->count; o++) {
        size_t at = (size_t)(o - client->base - 1);
        bool has = at < client->got_count && client->got[at] != 0;
        if (!has && wsm__sim_is_due(client, epoch, o)) return false;
    }
    return true;
}

/* What is still on its way from a hub that has died tells nothing of what has broken at its end. */
static bool is_from_the_living(const wsm__sim_client *client) {
    const wsm__sim_machine *node = client->node;
    return !client->line || (node->hub && !node->dying && client->line->node_life == node->life);
}

void wsm__sim_check_complete(wsm__sim_client *client, uint64_t to) {
    wsm_sim *sim = client->sim;
    wsm__sim_epoch *epoch = epoch_of(client);
    if (to <= client->checked_to) return;
    const wsm__sim_store *store = &client->node->store;
    if (strcmp(store->epoch, client->epoch) == 0 && to > store->count)
        wsm__sim_break(sim, "I-02", "client %u is told position %llu; the log ends at %llu", client->idx, (ull)to,
                       (ull)store->count);
    for (uint64_t o = client->checked_to + 1; epoch && o <= to && o <= epoch->count; o++) {
        wsm__sim_entry *entry = &epoch->entries[o - 1];
        const uint8_t *mark = mark_of(client, o);
        if (entry->state == WSM__SIM_ENTRY_BROKEN && client->reads_main && mark && *mark == 0 &&
            is_from_the_living(client))
            wsm__sim_break(sim, "I-91", "client %u is told that all up to %llu has come, and not that %llu is broken",
                           client->idx, (ull)to, (ull)o);
        if (mark && *mark == 0 && wsm__sim_is_due(client, epoch, o)) {
            wsm__sim_break(sim, "I-01", "client %u is told that all up to %llu has come; offset %llu has not",
                           client->idx, (ull)to, (ull)o);
            return;
        }
    }
    client->checked_to = to;
}

/* Where the log that the client was welcomed from begins; that may be gone before the welcome comes. */
static uint64_t log_begins_at(const wsm__sim_client *client) {
    const wsm__sim_epoch *epoch = epoch_of(client);
    return epoch && epoch->lost_from ? epoch->lost_from : wsm__sim_store_readable(&client->node->store);
}

void wsm__sim_check_welcome(wsm__sim_client *client, const char *resume) {
    const char *want = "none";
    wsm_sim *sim = client->sim;
    if (client->asked_resume) {
        bool is_known = strcmp(client->asked_epoch, client->epoch) == 0 && client->asked_after <= client->head;
        want = is_known ? "replayed" : "resync";
        if (is_known && strcmp(resume, "gap") == 0) want = "gap";
    }
    if (strcmp(resume, want) != 0)
        wsm__sim_break(
            sim, "I-05", "client %u asked for what is after %llu of %s; the log is at %llu of %s; it is told \"%s\"",
            client->idx, (ull)client->asked_after, client->asked_epoch, (ull)client->head, client->epoch, resume);
    client->kept_from = log_begins_at(client);
    if (strcmp(resume, "gap") == 0 && client->asked_after + 1 >= client->kept_from && !client->node->cannot_read)
        wsm__sim_break(sim, "I-05",
                       "client %u asked for what is after %llu and is told of a gap; the log begins at %llu",
                       client->idx, (ull)client->asked_after, (ull)client->kept_from);
    bool is_resumed = strcmp(resume, "replayed") == 0 || strcmp(resume, "gap") == 0;
    client->base = client->checked_to = client->replay_to = is_resumed ? client->asked_after : client->head;
    client->is_resynced = strcmp(resume, "resync") == 0;
    if (is_resumed) sim->report.resumes++;
    client->got_count = 0;
    wsm__sim_told_begin(client);
    wsm__sim_presence_begin(client);
    wsm__sim_lanes_begin(client);
    client->last_critical = client->last_normal = client->last_background = client->highest = 0;
}

/* He was taken out of a sidebar since the connection began: what he saw as its member alone left his queue, perhaps
 * when its number had been told. */
static bool may_have_lost(const wsm__sim_client *client, const wsm__sim_epoch *epoch) {
    for (uint64_t o = client->head + 1; epoch && o <= epoch->count; o++)
        if (wsm__sim_is_in(epoch->entries[o - 1].leaves, client->agent->idx)) return true;
    return false;
}

void wsm__sim_check_replay_end(wsm__sim_client *client, uint64_t offset, uint64_t count) {
    wsm_sim *sim = client->sim;
    if (offset < client->head)
        wsm__sim_break(sim, "I-05", "client %u: the replay ends at %llu, the log was at %llu", client->idx, (ull)offset,
                       (ull)client->head);
    if (client->highest > offset)
        wsm__sim_break(sim, "I-06", "client %u got offset %llu within a replay that ends at %llu", client->idx,
                       (ull)client->highest, (ull)offset);
    wsm__sim_epoch *epoch = epoch_of(client);
    bool is_more = count > client->replay_count + client->replay_beside && !may_have_lost(client, epoch);
    if (count < client->replay_count || is_more)
        wsm__sim_break(sim, "I-05", "client %u: %llu records were replayed, the hub counts %llu", client->idx,
                       (ull)client->replay_count, (ull)count);
    for (uint64_t o = client->base + 1; epoch && o <= client->head && o <= epoch->count; o++) {
        const uint8_t *mark = mark_of(client, o);
        if (mark && *mark == 0 && wsm__sim_is_due(client, epoch, o))
            wsm__sim_break(sim, "I-05", "client %u: the replay up to %llu lacks offset %llu", client->idx, (ull)offset,
                           (ull)o);
    }
}

void wsm__sim_check_pings(wsm__sim_client *client) {
    uint64_t interval = client->node->config.ping_interval_ms;
    uint64_t ms = (client->sim->now - client->opened_at) / WSM__SIM_MS;
    if (interval && client->pings > ms * 10 / (interval * 9) + 2)
        wsm__sim_break(client->sim, "I-82", "client %u got %llu pings in %llu ms, the interval is %llu", client->idx,
                       (ull)client->pings, (ull)ms, (ull)interval);
}
