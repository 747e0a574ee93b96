/* Pages of records that a client has asked for, of a sidebar or of what it has inherited: everything between the offset
 * that it named and the one that the page ends with, byte for byte as it was first shown, or told as a gap; and nothing
 * that its sidebar does not see (I-40). */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "world.h"

typedef unsigned long long ull;

typedef struct pull {
    wsm__sim_client *client;
    wsm_sim *sim;
    const wsm__sim_json *json;
    wsm__sim_epoch *epoch;
    const wsm__sim_side *side, *of;
    uint64_t from, to; /* what its members see of it */
    uint64_t after, end;
} pull;

static const wsm__sim_sent *asked(const pull *at) {
    uint32_t cause = wsm__sim_json_member(at->json, WSM__SIM_ROOT, "cause");
    for (size_t i = at->client->sent_count; i > 0; i--)
        if (wsm__sim_json_is(at->json, cause, at->client->sent[i - 1].id)) return &at->client->sent[i - 1];
    return NULL;
}

static const wsm__sim_side *side_of(const pull *at, const char *field) {
    char id[40];
    size_t len = wsm__sim_json_string(at->json, wsm__sim_json_member(at->json, WSM__SIM_ROOT, field), id, sizeof id);
    return len == SIZE_MAX ? NULL : wsm__sim_side_find(&at->epoch->sides, id, len);
}

/* It names a hidden sidebar that the asker does not belong to: a view may pass over it. */
static bool names_secrets(const pull *at, const wsm__sim_entry *entry) {
    const char *id = entry->json;
    while (id && (id = strstr(id, "\"sb-")) != NULL) {
        size_t len = strcspn(++id, "\"");
        const wsm__sim_side *named = wsm__sim_side_find(&at->epoch->sides, id, len);
        if (named && named != at->of && named->is_hidden && !wsm__sim_is_in(named->members, at->client->agent->idx))
            return true;
    }
    return false;
}

static bool is_to_be_seen(const pull *at, const wsm__sim_entry *entry, uint64_t offset) {
    if (entry->state != WSM__SIM_ENTRY_RECORD || entry->context != at->of->idx) return false;
    if (offset < at->from || offset > at->to) return false;
    return at->of != at->side || wsm__sim_side_admits(at->side, at->client->agent->idx, offset);
}

/* Whether it has belonged to it at any time since it asked. */
static bool belongs(const pull *at, uint64_t asked_at) {
    if (at->side->idx == 0) return true;
    for (uint32_t i = 0; i < at->side->spans_count; i++) {
        const wsm__sim_span *span = &at->side->spans[i];
        if (span->agent == at->client->agent->idx && (span->to == 0 || span->to > asked_at)) return true;
    }
    return false;
}

static bool aim(pull *at) {
    bool is_own = at->of == at->side;
    at->from = at->of->born;
    at->to = at->of->active;
    for (uint32_t i = 0; !is_own && i < at->side->views_count; i++) {
        const wsm__sim_view *view = &at->side->views[i];
        if (view->of != at->of->idx) continue;
        if (view->from > at->from) at->from = view->from;
        at->to = view->shows_records ? view->up_to : 0;
        return true;
    }
    return is_own;
}

/* Whether `text` is what readers of its own context get, without the number, which stands behind type and offset. */
static bool is_unnumbered(const char *shown, const char *text, size_t len) {
    const char *number = shown ? strchr(shown, ',') : NULL;
    if (number) number = strchr(number + 1, ',');
    if (!number) return false;
    size_t before = (size_t)(number - shown);
    const char *behind = strncmp(number, ",\"seq\":", 7) == 0 ? number + 1 + strcspn(number + 1, ",}") : number;
    return len == before + strlen(behind) && memcmp(text, shown, before) == 0 &&
           memcmp(text + before, behind, len - before) == 0;
}

static bool is_same(const pull *at, const wsm__sim_entry *entry, uint32_t node) {
    size_t len;
    const char *text = wsm__sim_json_raw(at->json, node, &len);
    if (at->of == at->side) return wsm__sim_oracle_shows(entry, text, len);
    return is_unnumbered(entry->json, text, len) || is_unnumbered(entry->older, text, len);
}

/* A hole in what came, up to `offset`: nothing of it may be missing but what lies in a gap. */
static void check_hole(const pull *at, uint64_t from, uint64_t offset) {
    uint32_t gaps = wsm__sim_json_member(at->json, WSM__SIM_ROOT, "gaps");
    for (uint64_t o = from; o < offset; o++) {
        const wsm__sim_entry *entry = wsm__sim_oracle_entry(at->epoch, o);
        bool is_told = !entry || !is_to_be_seen(at, entry, o) || (at->of != at->side && names_secrets(at, entry));
        for (uint32_t gap = wsm__sim_json_first(at->json, gaps); gap && !is_told;
             gap = wsm__sim_json_next(at->json, gap)) {
            uint64_t first = 0, last = 0;
            wsm__sim_json_uint(at->json, wsm__sim_json_member(at->json, gap, "from_offset"), &first);
            wsm__sim_json_uint(at->json, wsm__sim_json_member(at->json, gap, "to_offset"), &last);
            is_told = o >= first && o <= last;
        }
        if (!is_told)
            wsm__sim_break(at->sim, "I-01", "client %u asks for records of %s in %s and offset %llu is left out",
                           at->client->idx, at->of->id, at->side->id, (ull)o);
    }
}

static void check_page(const pull *at) {
    uint32_t list = wsm__sim_json_member(at->json, WSM__SIM_ROOT, "records");
    uint64_t next = at->after + 1;
    for (uint32_t node = wsm__sim_json_first(at->json, list); node; node = wsm__sim_json_next(at->json, node)) {
        uint64_t offset = 0;
        wsm__sim_json_uint(at->json, wsm__sim_json_member(at->json, node, "offset"), &offset);
        const wsm__sim_entry *entry = wsm__sim_oracle_entry(at->epoch, offset);
        if (offset < next || offset > at->end)
            wsm__sim_break(at->sim, "I-02", "client %u gets a page in which offset %llu is out of place",
                           at->client->idx, (ull)offset);
        else if (!entry || !is_to_be_seen(at, entry, offset))
            wsm__sim_break(at->sim, "I-40", "client %u (%s) is shown offset %llu through %s", at->client->idx,
                           at->client->agent->name, (ull)offset, at->side->id);
        else if (!is_same(at, entry, node))
            wsm__sim_break(at->sim, "I-03", "client %u reads offset %llu otherwise than it was sent", at->client->idx,
                           (ull)offset);
        else
            check_hole(at, next, offset);
        next = offset + 1;
    }
    check_hole(at, next, at->end + 1);
}

void wsm__sim_check_pull(wsm__sim_client *client) {
    pull at = {.client = client, .sim = client->sim, .json = client->sim->oracle.json};
    at.epoch = wsm__sim_oracle_epoch(&at.sim->oracle, client->epoch);
    const wsm__sim_sent *sent = asked(&at);
    if (!at.epoch || at.sim->is_users) return;
    at.side = side_of(&at, "context_id");
    at.of = side_of(&at, "of");
    if (!sent || !at.side || !at.of || !aim(&at)) {
        wsm__sim_break(at.sim, "I-40", "client %u gets a page of records that it cannot have asked for", client->idx);
        return;
    }
    if (!belongs(&at, sent->pull_at)) {
        wsm__sim_break(at.sim, "I-40", "client %u (%s) reads through %s, to which it does not belong", client->idx,
                       client->agent->name, at.side->id);
        return;
    }
    at.after = sent->pull_after;
    wsm__sim_json_uint(at.json, wsm__sim_json_member(at.json, WSM__SIM_ROOT, "next_after"), &at.end);
    uint32_t more = wsm__sim_json_member(at.json, WSM__SIM_ROOT, "more");
    bool is_last = wsm__sim_json_type(at.json, more) == WSM__SIM_FALSE;
    if (is_last && at.of != at.side && at.end < at.to)
        wsm__sim_break(at.sim, "I-01", "client %u is told that %s ends at %llu, and it is seen up to %llu", client->idx,
                       at.of->id, (ull)at.end, (ull)at.to);
    if (wsm__sim_json_count(at.json, wsm__sim_json_member(at.json, WSM__SIM_ROOT, "records")) > sent->pull_limit)
        wsm__sim_break(at.sim, "I-40", "client %u gets more records than it asked for", client->idx);
    check_page(&at);
}
