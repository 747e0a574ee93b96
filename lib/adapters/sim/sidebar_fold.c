/* What a record does to the model of the sidebars, and whether it may be there at all: who has sent it, from which
 * status, with which version. */
#include <stdlib.h>
#include <string.h>

#include "fold.h"

static const struct {
    const char *type;
    wsm__sim_op op;
} types[] = {{"memory_update", WSM__SIM_OP_UPDATE},
             {"sidebar_spawn", WSM__SIM_OP_SPAWN},
             {"sidebar_child_spawn", WSM__SIM_OP_CHILD},
             {"sidebar_fork", WSM__SIM_OP_FORK},
             {"sidebar_join", WSM__SIM_OP_JOIN},
             {"sidebar_leave", WSM__SIM_OP_LEAVE},
             {"sidebar_invite", WSM__SIM_OP_INVITE},
             {"sidebar_remove", WSM__SIM_OP_REMOVE},
             {"sidebar_status_update", WSM__SIM_OP_STATUS},
             {"sidebar_pause", WSM__SIM_OP_PAUSE},
             {"sidebar_resume", WSM__SIM_OP_RESUME},
             {"sidebar_waiting_update", WSM__SIM_OP_WAIT},
             {"sidebar_test_result", WSM__SIM_OP_TEST},
             {"data_ref", WSM__SIM_OP_REF},
             {"sidebar_merge", WSM__SIM_OP_MERGE},
             {"sidebar_merge_decision", WSM__SIM_OP_DECIDE},
             {"sidebar_archive", WSM__SIM_OP_ARCHIVE},
             {"sidebar_coordinator", WSM__SIM_OP_COORDINATOR},
             {"sidebar_idle_warning", WSM__SIM_OP_WARN},
             {"memory_archived", WSM__SIM_OP_AWAY}};

wsm__sim_op wsm__sim_op_of(const wsm__sim_json *json) {
    uint32_t node = wsm__sim_json_member(json, WSM__SIM_ROOT, "type");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (wsm__sim_json_is(json, node, types[i].type)) return types[i].op;
    return WSM__SIM_OPS;
}

const char *wsm__sim_op_type(wsm__sim_op op) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].op == op) return types[i].type;
    return "context_request";
}

/* ---- reading --------------------------------------------------------------------------------------------------------
 */

uint32_t wsm__sim_fold_field(const wsm__sim_fold *fold, const char *name) {
    return wsm__sim_json_member(fold->json, WSM__SIM_ROOT, name);
}

void wsm__sim_fold_text(const wsm__sim_fold *fold, const char *name, char *into, size_t cap) {
    if (wsm__sim_json_string(fold->json, wsm__sim_fold_field(fold, name), into, cap) == SIZE_MAX) into[0] = '\0';
}

static bool is(const wsm__sim_fold *fold, const char *name, const char *word) {
    return wsm__sim_json_is(fold->json, wsm__sim_fold_field(fold, name), word);
}

static uint32_t agent_of(const wsm__sim_fold *fold, uint32_t node) {
    char name[80];
    if (wsm__sim_json_string(fold->json, node, name, sizeof name) == SIZE_MAX) return WSM__SIM_NOBODY;
    const wsm__sim_agent *agent = wsm__sim_oracle_find_agent(&fold->sim->oracle, name);
    return agent ? agent->idx : WSM__SIM_NOBODY;
}

static wsm__sim_agents agents_of(const wsm__sim_fold *fold, const char *name) {
    wsm__sim_agents agents = 0;
    uint32_t list = wsm__sim_fold_field(fold, name);
    for (uint32_t node = wsm__sim_json_first(fold->json, list); node; node = wsm__sim_json_next(fold->json, node)) {
        uint32_t agent = agent_of(fold, node);
        if (agent != WSM__SIM_NOBODY) agents |= 1ull << agent;
    }
    return agents;
}

wsm__sim_side *wsm__sim_fold_side(const wsm__sim_fold *fold, uint32_t node) {
    char id[80];
    size_t len = wsm__sim_json_string(fold->json, node, id, sizeof id);
    return len == SIZE_MAX ? NULL : wsm__sim_side_find(fold->sides, id, len);
}

static void wrong(const wsm__sim_fold *fold, const char *what) {
    wsm__sim_break(fold->sim, "I-46", "offset %llu: %s: %.300s", (unsigned long long)fold->offset, what,
                   fold->entry->json);
}

static void expect(const wsm__sim_fold *fold, bool holds, const char *what) {
    if (!holds) wrong(fold, what);
}

void wsm__sim_fold_expect(const wsm__sim_fold *fold, bool holds, const char *what) {
    expect(fold, holds, what);
}

static void expect_version(const wsm__sim_fold *fold, uint64_t version) {
    uint64_t said;
    if (wsm__sim_json_uint(fold->json, wsm__sim_fold_field(fold, "version"), &said))
        expect(fold, said == version, "it tells another version than follows from the records before");
}

static void expect_word(const wsm__sim_fold *fold, const char *name, wsm__sim_status status) {
    if (wsm__sim_fold_field(fold, name))
        expect(fold, is(fold, name, wsm__sim_status_word(status)), "it tells another status than follows from before");
}

/* ---- who may --------------------------------------------------------------------------------------------------------
 */

bool wsm__sim_is_in(wsm__sim_agents agents, uint32_t agent) {
    return agent < 64 && (agents >> agent & 1);
}

static bool is_hub(const wsm__sim_fold *fold) {
    return fold->sender == WSM__SIM_NOBODY;
}

static void expect_member(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    expect(fold, is_hub(fold) || side->idx == 0 || wsm__sim_is_in(side->members, fold->sender),
           "it comes from one who is no member");
}

static void expect_leader(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    expect_member(fold, side);
    expect(fold, is_hub(fold) || side->coordinator == WSM__SIM_NOBODY || side->coordinator == fold->sender,
           "it comes from one who does not lead");
}

/* ---- members --------------------------------------------------------------------------------------------------------
 */

static void let_in(const wsm__sim_fold *fold, wsm__sim_side *side, wsm__sim_agents agents, bool has_all) {
    for (uint32_t agent = 0; agent < 64; agent++) {
        if (!wsm__sim_is_in(agents, agent)) continue;
        if (side->spans_count == side->spans_cap) {
            side->spans_cap = side->spans_cap ? side->spans_cap * 2 : 4;
            side->spans = wsm__sim_resize(side->spans, side->spans_cap * sizeof *side->spans);
        }
        side->spans[side->spans_count++] = (wsm__sim_span){agent, has_all, fold->offset, 0};
    }
    side->members |= agents;
    side->ever |= agents;
    side->asked &= ~agents;
    side->asked_all &= ~agents;
}

static void let_go(const wsm__sim_fold *fold, wsm__sim_side *side, wsm__sim_agents agents) {
    for (uint32_t i = 0; i < side->spans_count; i++)
        if (side->spans[i].to == 0 && wsm__sim_is_in(agents, side->spans[i].agent)) side->spans[i].to = fold->offset;
    if (wsm__sim_is_in(agents & side->members, side->coordinator)) side->coordinator = WSM__SIM_NOBODY;
    for (uint32_t agent = 0; agent < 64; agent++)
        if (wsm__sim_is_in(agents, agent)) side->gone[agent] = fold->offset;
    side->members &= ~agents;
    side->asked &= ~agents;
    side->asked_all &= ~agents;
}

static wsm__sim_agents subjects(const wsm__sim_fold *fold) {
    wsm__sim_agents agents = agents_of(fold, "agent_ids");
    return agents || is_hub(fold) ? agents : 1ull << fold->sender;
}

static void on_join(const wsm__sim_fold *fold, wsm__sim_side *side) {
    wsm__sim_agents agents = subjects(fold);
    bool wants_all = is(fold, "history", "all");
    const wsm__sim_side *parent = fold->sides->at[side->parent];
    bool is_open = !side->is_private && (parent->idx == 0 || (agents & ~parent->members) == 0);
    expect(fold, (agents & side->members) == 0, "a member joins");
    expect(fold, is_hub(fold) || (agents & ~side->asked) == 0 || is_open, "one joins who was not invited");
    expect(fold, is_hub(fold) || !wants_all || (agents & ~side->asked_all) == 0,
           "one joins with the history who was invited without");
    let_in(fold, side, agents, wants_all);
    if (wants_all) fold->entry->joins_with = agents;
}

static void on_leave(const wsm__sim_fold *fold, wsm__sim_side *side) {
    wsm__sim_agents agents = subjects(fold);
    expect(fold, (agents & ~(side->members | side->asked)) == 0, "one leaves who is neither a member nor invited");
    fold->entry->to = fold->entry->leaves = agents;
    let_go(fold, side, agents);
}

static void on_remove(const wsm__sim_fold *fold, wsm__sim_side *side) {
    expect_leader(fold, side);
    on_leave(fold, side);
}

static void on_invite(const wsm__sim_fold *fold, wsm__sim_side *side) {
    wsm__sim_agents agents = agents_of(fold, "agent_ids"), others = agents & ~side->members;
    expect_leader(fold, side);
    fold->entry->to = agents;
    side->ever |= agents;
    side->asked |= others;
    side->asked_all = is(fold, "history", "all") ? side->asked_all | others : side->asked_all & ~others;
}

/* ---- beginning ------------------------------------------------------------------------------------------------------
 */

static uint32_t depth_of(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    uint32_t depth = 0;
    for (; side->idx != 0; side = fold->sides->at[side->parent]) depth++;
    return depth;
}

static void check_birth(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    const wsm_config *config = &fold->node->config;
    uint32_t count = (uint32_t)__builtin_popcountll(side->members);
    expect(fold, is_hub(fold) || wsm__sim_is_in(side->members, fold->sender), "who begins it is no member");
    expect(fold, !config->sidebar_participants_max || count <= config->sidebar_participants_max,
           "it has more members than may be");
    expect(fold, !config->sidebar_depth_max || depth_of(fold, side) <= config->sidebar_depth_max,
           "it is deeper than may be");
    if (fold->command && fold->command->named)
        expect(fold, side->members == (fold->command->named | 1ull << fold->sender), "it has other members than asked");
}

static wsm__sim_side *born(wsm__sim_fold *fold, const char *members, const wsm__sim_side *parent) {
    char id[40];
    wsm__sim_fold_text(fold, "context_id", id, sizeof id);
    expect(fold, !wsm__sim_side_find(fold->sides, id, strlen(id)), "its id is that of another one");
    wsm__sim_side *side = wsm__sim_side_new(fold->sides, id, parent->idx);
    side->born = fold->offset;
    side->command = fold->entry->command;
    side->priority = fold->entry->priority;
    let_in(fold, side, agents_of(fold, members), false);
    side->coordinator = agent_of(fold, wsm__sim_fold_field(fold, "coordinator_agent"));
    check_birth(fold, side);
    return side;
}

static void go_back(const wsm__sim_fold *fold, wsm__sim_side *parent) {
    if (parent->status != WSM__SIM_SPAWNING) return;
    wsm__sim_status_set(fold->sides, parent, (wsm__sim_status)parent->before);
    parent->touched = fold->offset;
}

static wsm__sim_side *on_spawn(wsm__sim_fold *fold) {
    bool is_child = fold->op == WSM__SIM_OP_CHILD;
    wsm__sim_side *parent =
        wsm__sim_fold_side(fold, wsm__sim_fold_field(fold, is_child ? "parent_sidebar_id" : "parent_id"));
    if (!parent) {
        wrong(fold, "its parent is not there");
        parent = fold->sides->at[0];
    }
    expect_member(fold, parent);
    expect(fold, parent->status == WSM__SIM_ACTIVE || parent->status == WSM__SIM_SPAWNING,
           "it begins under one that is not active");
    wsm__sim_side *side = born(fold, is_child ? "assigned_agents" : "participants", parent);
    side->is_private = is(fold, "visibility", "private");
    side->is_hidden = side->is_private || parent->is_hidden;
    side->is_reviewed = is(fold, "merge_policy", "review");
    side->policy = is(fold, "conflict_policy", "keep_parent") ? 1 : is(fold, "conflict_policy", "keep_sidebar") ? 2 : 0;
    wsm__sim_fold_views(fold, side, parent);
    go_back(fold, parent);
    return side;
}

static wsm__sim_side *on_fork(wsm__sim_fold *fold) {
    wsm__sim_side *original = wsm__sim_fold_side(fold, wsm__sim_fold_field(fold, "original_sidebar_id"));
    if (!original) {
        wrong(fold, "its original is not there");
        original = fold->sides->at[0];
    }
    expect_member(fold, original);
    wsm__sim_side *parent = fold->sides->at[original->parent];
    while (parent->idx != 0 && !wsm__sim_side_is_live(parent)) parent = fold->sides->at[parent->parent];
    wsm__sim_side *side = born(fold, "participants", parent);
    side->forked_from = original->idx;
    side->coordinator = WSM__SIM_NOBODY;
    side->is_private = original->is_private;
    side->is_hidden = side->is_private || parent->is_hidden;
    side->is_reviewed = original->is_reviewed;
    side->policy = original->policy;
    side->priority = original->priority;
    wsm__sim_fold_views(fold, side, original);
    fold->entry->also = original->idx;
    go_back(fold, parent);
    return side;
}

/* ---- status ---------------------------------------------------------------------------------------------------------
 */

static void on_status(const wsm__sim_fold *fold, wsm__sim_side *side) {
    char word[32];
    wsm__sim_fold_text(fold, "new_status", word, sizeof word);
    wsm__sim_status to = wsm__sim_status_of(word);
    expect_leader(fold, side);
    expect(fold, to != WSM__SIM_MERGED && wsm__sim_status_may(side, to), "its status may not become that");
    expect_word(fold, "old_status", (wsm__sim_status)side->status);
    expect_version(fold, side->version + 1);
    if (is_hub(fold))
        for (uint32_t i = 0; i < side->waits_count; i++)
            expect(fold, !wsm__sim_side_is_live(fold->sides->at[side->waits[i]]), "its wait is not over");
    wsm__sim_status_set(fold->sides, side, to);
}

static void on_pause(const wsm__sim_fold *fold, wsm__sim_side *side) {
    uint32_t condition = wsm__sim_fold_field(fold, "resume_condition");
    expect_leader(fold, side);
    expect(fold, wsm__sim_status_may(side, WSM__SIM_PAUSED), "it may not be paused");
    expect_version(fold, side->version + 1);
    wsm__sim_status_set(fold->sides, side, WSM__SIM_PAUSED);
    const wsm__sim_side *other = wsm__sim_fold_side(fold, wsm__sim_json_member(fold->json, condition, "sidebar"));
    if (other) side->wake_side = other->idx;
}

static void on_resume(const wsm__sim_fold *fold, wsm__sim_side *side) {
    expect_leader(fold, side);
    expect(fold, side->status == WSM__SIM_PAUSED, "one resumes that is not paused");
    expect_version(fold, side->version + 1);
    expect_word(fold, "new_status", (wsm__sim_status)side->before);
    if (side->status == WSM__SIM_PAUSED) wsm__sim_status_set(fold->sides, side, (wsm__sim_status)side->before);
}

static void add_wait(wsm__sim_side *side, uint32_t other) {
    for (uint32_t i = 0; i < side->waits_count; i++)
        if (side->waits[i] == other) return;
    if (other != side->idx && side->waits_count < WSM__SIM_WAITS) side->waits[side->waits_count++] = other;
}

static void on_wait(wsm__sim_fold *fold, wsm__sim_side *side) {
    bool is_new = side->status != WSM__SIM_WAITS_FOR;
    uint32_t list = is(fold, "waiting_for", "other_sidebar") ? wsm__sim_fold_field(fold, "dependency_refs") : 0;
    expect_member(fold, side);
    expect(fold, !is_new || wsm__sim_status_may(side, WSM__SIM_WAITS_FOR), "it may not wait");
    expect_word(fold, "old_status", (wsm__sim_status)side->status);
    expect_version(fold, side->version + (is_new ? 1 : 0));
    if (is_new) wsm__sim_status_set(fold->sides, side, WSM__SIM_WAITS_FOR);
    side->waits_count = 0;
    for (uint32_t node = wsm__sim_json_first(fold->json, list); node; node = wsm__sim_json_next(fold->json, node)) {
        const wsm__sim_side *other = wsm__sim_fold_side(fold, node);
        expect(fold, other != NULL, "it waits for what is not there");
        if (other) add_wait(side, other->idx);
    }
    if (wsm__sim_waits_in_circle(fold->sides, side)) wsm__sim_circle_closed(fold->node, fold->sides, side);
}

static void on_archive(const wsm__sim_fold *fold, wsm__sim_side *side) {
    bool by_table = wsm__sim_status_may(side, WSM__SIM_ARCHIVED);
    expect_leader(fold, side);
    expect(fold, by_table || (is_hub(fold) && side->status != WSM__SIM_ARCHIVED), "it may not be archived");
    expect_version(fold, side->version + (by_table ? 1 : 2));
    expect_word(fold, "final_status", (wsm__sim_status)(side->status == WSM__SIM_PAUSED ? side->before : side->status));
    if (!by_table) wsm__sim_status_set(fold->sides, side, WSM__SIM_PAUSED);
    wsm__sim_status_set(fold->sides, side, WSM__SIM_ARCHIVED);
}

static void on_coordinator(const wsm__sim_fold *fold, wsm__sim_side *side) {
    side->coordinator = agent_of(fold, wsm__sim_fold_field(fold, "coordinator_agent"));
    expect(fold, side->coordinator == WSM__SIM_NOBODY || wsm__sim_is_in(side->members, side->coordinator),
           "one leads who is no member");
}

static void on_ref(const wsm__sim_fold *fold, wsm__sim_side *side) {
    char name[160];
    size_t len;
    uint32_t value = wsm__sim_fold_field(fold, "value");
    const char *raw = wsm__sim_json_raw(fold->json, value, &len);
    bool is_null = wsm__sim_json_type(fold->json, value) == WSM__SIM_NULL;
    wsm__sim_fold_text(fold, "name", name, sizeof name);
    const wsm__sim_value *last = wsm__sim_ref_last(side, name);
    expect_member(fold, side);
    expect(fold, wsm__sim_side_is_live(side), "a reference of one that has ended is set");
    expect_version(fold, last ? last->version + 1 : 1);
    wsm__sim_ref_set(side, name, fold->offset, is_null ? NULL : raw, is_null ? 0 : len);
}

static void on_said(const wsm__sim_fold *fold, wsm__sim_side *side) { /* an update, a test's result */
    expect_member(fold, side);
    expect(fold, is_hub(fold) || wsm__sim_side_is_live(side), "something is said in one that has ended");
}

/* ---- all of them ----------------------------------------------------------------------------------------------------
 */

static void apply(wsm__sim_fold *fold, wsm__sim_side *side) {
    switch (fold->op) {
    case WSM__SIM_OP_JOIN: on_join(fold, side); break;
    case WSM__SIM_OP_LEAVE: on_leave(fold, side); break;
    case WSM__SIM_OP_INVITE: on_invite(fold, side); break;
    case WSM__SIM_OP_REMOVE: on_remove(fold, side); break;
    case WSM__SIM_OP_STATUS: on_status(fold, side); break;
    case WSM__SIM_OP_PAUSE: on_pause(fold, side); break;
    case WSM__SIM_OP_RESUME: on_resume(fold, side); break;
    case WSM__SIM_OP_WAIT: on_wait(fold, side); break;
    case WSM__SIM_OP_REF: on_ref(fold, side); break;
    case WSM__SIM_OP_ARCHIVE: on_archive(fold, side); break;
    case WSM__SIM_OP_COORDINATOR: on_coordinator(fold, side); break;
    case WSM__SIM_OP_MERGE: wsm__sim_fold_merge(fold, side); break;
    case WSM__SIM_OP_DECIDE: wsm__sim_fold_decide(fold, side); break;
    default: on_said(fold, side); break;
    }
}

/* Ids in the record's text: who reads it has been told of these. */
static void note_names(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    const char *at = fold->entry->json;
    while (fold->op != WSM__SIM_OP_UPDATE && (at = strstr(at, "sb-")) != NULL) {
        size_t left = strlen(at);
        wsm__sim_side *named =
            wsm__sim_side_find(fold->sides, at, left < WSM__SIM_ID_LEN ? left : (size_t)WSM__SIM_ID_LEN);
        at += 3;
        if (!named) continue;
        if (named->namers_count + 2 > named->namers_cap) {
            named->namers_cap = named->namers_cap ? named->namers_cap * 2 : 4;
            named->namers = wsm__sim_resize(named->namers, named->namers_cap * sizeof *named->namers);
        }
        if (named != side) named->namers[named->namers_count++] = side->idx;
        if (fold->entry->also && named->idx != fold->entry->also)
            named->namers[named->namers_count++] = fold->entry->also;
    }
}

static bool changes_nothing(wsm__sim_op op) {
    return op == WSM__SIM_OP_UPDATE || op == WSM__SIM_OP_TEST || op == WSM__SIM_OP_WARN || op == WSM__SIM_OP_AWAY;
}

/* The newest record of the context that was seen before it broke, with nothing readable behind it; NULL: there is none.
 */
static const wsm__sim_entry *broken_before(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    for (uint64_t o = fold->offset - 1; o > 0 && fold->node->store.records[o - 1].is_broken; o--) {
        const wsm__sim_entry *entry = &fold->epoch->entries[o - 1];
        if (entry->state != WSM__SIM_ENTRY_BROKEN || entry->context != side->idx) continue;
        return entry;
    }
    return NULL;
}

static void count(const wsm__sim_fold *fold, wsm__sim_side *side) {
    const wsm__sim_entry *entry = fold->entry, *broken = broken_before(fold, side);
    if (wsm__sim_store_is_vague(&fold->node->store, fold->offset)) broken = NULL;
    if (broken && entry->seq <= broken->seq)
        wsm__sim_break(fold->sim, "I-04", "seq %llu at offset %llu of %s is not above that of a record that has broken",
                       (unsigned long long)entry->seq, (unsigned long long)fold->offset, side->id);
    /* what has broken leaves its number free, or that of a record that was never shown */
    bool is_odd = entry->seq <= side->seq || entry->seq - side->seq - 1 > wsm__sim_broken(fold->node);
    if (is_odd && !wsm__sim_store_is_vague(&fold->node->store, fold->offset))
        wsm__sim_break(fold->sim, "I-04", "seq %llu at offset %llu of %s follows seq %llu",
                       (unsigned long long)entry->seq, (unsigned long long)fold->offset, side->id,
                       (unsigned long long)side->seq);
    side->seq = entry->seq;
    side->active = fold->offset;
    if (fold->op != WSM__SIM_OP_WARN) {
        side->active_ms = entry->time > side->active_ms ? entry->time : side->active_ms;
        side->active_wall = wsm__sim_machine_wall(fold->node);
    }
    if (changes_nothing(fold->op)) return;
    side->touched = fold->offset;
    fold->sim->sides_moved_at = fold->sim->now;
}

static wsm__sim_side *side_of(const wsm__sim_fold *fold) {
    bool in_parent = fold->op == WSM__SIM_OP_MERGE || fold->op == WSM__SIM_OP_DECIDE;
    return wsm__sim_fold_side(fold, wsm__sim_fold_field(fold, in_parent ? "sidebar_id" : "context_id"));
}

void wsm__sim_side_fold(wsm__sim_machine *node, wsm__sim_epoch *epoch, uint64_t offset, wsm__sim_entry *entry) {
    wsm_sim *sim = node->sim;
    wsm__sim_fold fold = {.sim = sim,
                          .node = node,
                          .epoch = epoch,
                          .sides = &epoch->sides,
                          .json = sim->oracle.json,
                          .offset = offset,
                          .entry = entry,
                          .op = wsm__sim_op_of(sim->oracle.json),
                          .sender = entry->agent};
    if (entry->command != WSM__SIM_NOBODY) fold.command = &sim->oracle.commands[entry->command];
    bool begins = fold.op == WSM__SIM_OP_SPAWN || fold.op == WSM__SIM_OP_CHILD || fold.op == WSM__SIM_OP_FORK;
    wsm__sim_side *side = begins ? NULL : side_of(&fold);
    if (begins) {
        side = fold.op == WSM__SIM_OP_FORK ? on_fork(&fold) : on_spawn(&fold);
    } else if (!side) {
        wsm__sim_break(sim, "I-40", "offset %llu is of a context that is not there: %.300s", (unsigned long long)offset,
                       entry->json);
        entry->context = WSM__SIM_NO_SIDE;
        return;
    }
    if (!begins) apply(&fold, side);
    if (entry->also && !begins) side = fold.sides->at[side->parent]; /* a merge, a decision: counts in the parent */
    if (!wsm__sim_json_is(fold.json, wsm__sim_fold_field(&fold, "context_id"), side->id))
        wsm__sim_break(sim, "I-40", "offset %llu is not of %s: %.300s", (unsigned long long)offset, side->id,
                       entry->json);
    entry->context = side->idx;
    entry->op = (uint8_t)fold.op;
    note_names(&fold, side);
    count(&fold, side);
}
