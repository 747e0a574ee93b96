/* Records about sidebars: `prepare` judges once more and reserves all that the change needs, `commit` changes the tree.
 * Whatever a record says of the state before (version, conflicts) has to be true when it is applied: a record that was
 * made from another state is void, and its sender is told. */
#include "hub/sides.h"

#include <assert.h>

/* Between prepare and commit. */
typedef struct side_plan {
    wsm__ask ask;
    wsm__side *born; /* a new node, not in the tree yet */
    wsm__context *context;
    wsm__text text, findings, wake;
    wsm__ring offered; /* of uint64_t */
    wsm__merge_plan *merge;
    wsm__ref *ref;
    wsm__value *value;
} side_plan;

static int refuse(wsm__fold *fold, const wsm__no *no) {
    fold->refusal = no->err;
    fold->field = no->field;
    fold->why = no->why;
    return WSM_OK;
}

static int refuse_stale(wsm__fold *fold) {
    static const wsm__no stale = {WSM_ERR_CONFLICT, NULL, "the state has changed meanwhile"};
    return refuse(fold, &stale);
}

static bool says_number(const wsm__ask *ask, const char *name, uint64_t number) {
    uint64_t said;
    wsm__json_value value = wsm__ask_field(ask, name);
    return !value.kind || (wsm__json_u64(value, UINT64_MAX, &said) && said == number);
}

static int text_of(wsm_hub *hub, const wsm__ask *ask, const char *name, wsm__text *text) {
    wsm__json_value value = wsm__ask_field(ask, name);
    return wsm__text_new(&hub->mem, value.kind == WSM__JSON_STRING ? value.raw : wsm__slice(NULL, 0), text);
}

/* ---- beginning ------------------------------------------------------------------------------------------------------
 */

static bool view_of(const wsm__ask *ask, wsm_slice object, wsm__view *view) {
    size_t at = 0;
    char room[WSM__CONTEXT_ID_MAX];
    wsm__inherit mode = WSM__INHERIT_ALL;
    wsm__json_member member;
    *view = (wsm__view){.records = WSM__UNCOUNTED, .bytes = WSM__UNCOUNTED};
    while (wsm__json_next_member(object, &at, &member)) {
        bool is_text = member.value.kind == WSM__JSON_STRING;
        long len = is_text ? wsm__json_string_decode(member.value.raw, room, sizeof room) : -1;
        wsm_slice text = wsm__slice(room, len < 0 ? 0 : (size_t)len);
        if (wsm__json_key_is(member.key, "context_id"))
            view->of = wsm__tree_of(&ask->hub->tree, wsm__context_named(ask->hub, text));
        if (wsm__json_key_is(member.key, "mode")) wsm__inherit_of(text, &mode);
        if (wsm__json_key_is(member.key, "from_offset")) wsm__json_u64(member.value, WSM__NUMBER_MAX, &view->from);
        if (wsm__json_key_is(member.key, "up_to_offset")) wsm__json_u64(member.value, WSM__NUMBER_MAX, &view->up_to);
        if (wsm__json_key_is(member.key, "records")) wsm__json_u64(member.value, WSM__NUMBER_MAX, &view->records);
        if (wsm__json_key_is(member.key, "bytes")) wsm__json_u64(member.value, WSM__NUMBER_MAX, &view->bytes);
    }
    view->mode = (uint8_t)mode;
    return view->of != NULL;
}

static uint32_t views_of(const wsm__ask *ask, wsm__view views[WSM__VIEWS_MAX]) {
    size_t at = 0;
    uint32_t count = 0;
    wsm__json_value list = wsm__ask_field(ask, "inherited_context"), value;
    while (list.kind == WSM__JSON_ARRAY && count < WSM__VIEWS_MAX && wsm__json_next_element(list.raw, &at, &value))
        if (value.kind == WSM__JSON_OBJECT && view_of(ask, value.raw, &views[count])) count++;
    return count;
}

static void take_words(const wsm__ask *ask, wsm__birth *birth) {
    bool is_child = ask->type == WSM__MSG_SIDEBAR_CHILD_SPAWN;
    wsm__json_value task = wsm__ask_field(ask, is_child ? "sub_task_description" : "task_description");
    wsm__json_value criteria = wsm__ask_field(ask, "success_criteria");
    if (task.kind == WSM__JSON_STRING) birth->task = task.raw;
    if (criteria.kind == WSM__JSON_STRING)
        birth->criteria = criteria.raw;
    else if (is_child)
        birth->criteria = birth->task;
}

/* A fork takes over what the original is for and how it is treated. */
static void take_over(const wsm__side *original, wsm__birth *birth) {
    birth->task = wsm__text_get(&original->task);
    birth->criteria = wsm__text_get(&original->criteria);
    birth->is_private = original->is_private;
    birth->is_reviewed = original->is_reviewed;
    birth->conflict_policy = original->conflict_policy;
    birth->priority = (wsm_priority)original->priority;
}

/* Its views end where they did when it was asked for. A value that was changed since is gone if no view needed it: what
 * begins then would see neither. Whoever forks an offset of long ago takes what there still is. */
static bool views_are_whole(const wsm__ask *ask, const wsm__birth *birth) {
    if (birth->views_count == 0 || wsm__ask_field(ask, "at_offset").kind) return true;
    return birth->views[0].of != ask->side || wsm__refs_reach(ask->side, birth->views[0].up_to);
}

static int birth_prepare(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__ask *ask = &plan->ask;
    wsm__view views[WSM__VIEWS_MAX];
    wsm__birth birth = {.parent = ask->side,
                        .creator = ask->who,
                        .coordinator = ask->coordinator,
                        .agents = ask->agents,
                        .agents_count = ask->agents_count,
                        .views = views,
                        .views_count = views_of(ask, views),
                        .cross = ask->sides,
                        .cross_count = ask->sides_count,
                        .priority = ask->priority,
                        .is_private = ask->is_private,
                        .is_reviewed = ask->is_reviewed,
                        .conflict_policy = (uint8_t)ask->policy,
                        .offset = fold->offset,
                        .time_ms = fold->head.time_ms};
    if (!views_are_whole(ask, &birth)) return refuse_stale(fold);
    take_words(ask, &birth);
    if (ask->type == WSM__MSG_SIDEBAR_FORK) {
        birth.parent = wsm__ask_fork_parent(ask);
        birth.forked_from = ask->side;
        take_over(ask->side, &birth);
    }
    if (fold->context && wsm__tree_of(&hub->tree, fold->context)) return refuse_stale(fold); /* the id is taken */
    /* a context from an attempt before that lacked memory is used again */
    if (!fold->context && wsm__log_context_new(&hub->records, fold->head.context_id, &fold->context))
        return WSM_ERR_NOMEM;
    birth.context = fold->context;
    if (wsm__audience_reserve(hub, fold->context->idx, ask->agents_count)) return WSM_ERR_NOMEM;
    plan->born = wsm__tree_birth_prepare(&hub->tree, &birth);
    return plan->born ? WSM_OK : WSM_ERR_NOMEM;
}

static void birth_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__side *side = plan->born, *parent = side->parent;
    plan->born = NULL;
    wsm__tree_birth_commit(&hub->tree, side);
    if (parent->status == WSM__STATUS_SPAWNING_CHILD) wsm__side_to(&hub->tree, parent, (wsm__status)parent->before);
    for (wsm__member *m = wsm__side_first_member(side); m; m = wsm__side_next_member(m))
        wsm__audience_joined(hub, m->agent, side->context);
    side->timer.kind = WSM__TIMER_SIDE;
    wsm__side_look_soon(hub, side);
    (void)fold;
}

/* ---- status ---------------------------------------------------------------------------------------------------------
 */

static int status_prepare(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    if (!says_number(ask, "version", ask->side->version + 1)) return refuse_stale(fold);
    return ask->change.to == WSM__STATUS_FAILED ? text_of(hub, ask, "reason", &plan->text) : WSM_OK;
}

static void status_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__side *side = plan->ask.side;
    bool was_live = wsm__side_is_live(side);
    (void)fold;
    wsm__side_to(&hub->tree, side, plan->ask.change.to);
    if (side->status == WSM__STATUS_FAILED) wsm__text_move(&hub->mem, &side->failure, &plan->text);
    if (was_live && !wsm__side_is_live(side)) wsm__side_ended(hub, side);
    wsm__side_look_soon(hub, side);
}

static int pause_prepare(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    if (!says_number(ask, "version", ask->side->version + 1)) return refuse_stale(fold);
    return wsm__text_new(&hub->mem, ask->condition.text, &plan->wake);
}

static void pause_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    status_commit(hub, fold, plan);
    if (plan->ask.condition.kind) wsm__wake_set(&hub->tree, plan->ask.side, &plan->ask.condition, &plan->wake);
}

static int waiting_prepare(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    uint64_t more = ask->was == WSM__STATUS_WAITING ? 0 : 1;
    if (!says_number(ask, "version", ask->side->version + more)) return refuse_stale(fold);
    /* one that waits already keeps its version: only the status tells that the record was made before */
    if (wsm__ask_field(ask, "old_status").kind && !wsm__ask_is(ask, "old_status", wsm__status_word(ask->was)))
        return refuse_stale(fold);
    if (wsm__waits_prepare(&hub->tree, ask->side, ask->sides_count)) return WSM_ERR_NOMEM;
    return text_of(hub, ask, "description", &plan->text);
}

static void waiting_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__ask *ask = &plan->ask;
    (void)fold;
    if (ask->was != WSM__STATUS_WAITING) wsm__side_to(&hub->tree, ask->side, WSM__STATUS_WAITING);
    wsm__waits_set(&hub->tree, ask->side, ask->waiting_for, &plan->text, ask->sides, ask->sides_count);
    wsm__side_look_soon(hub, ask->side);
    wsm__side_deadlock(hub, ask->side);
}

static int archive_prepare(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    bool by_table = wsm__status_may(ask->was, (wsm__status)ask->side->before, WSM__STATUS_ARCHIVED);
    (void)hub;
    return says_number(ask, "version", ask->side->version + (by_table ? 1 : 2)) ? WSM_OK : refuse_stale(fold);
}

static void archive_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__side *side = plan->ask.side;
    bool was_live = wsm__side_is_live(side);
    if (!wsm__status_may((wsm__status)side->status, (wsm__status)side->before, WSM__STATUS_ARCHIVED))
        wsm__side_to(&hub->tree, side, WSM__STATUS_PAUSED);
    wsm__side_to(&hub->tree, side, WSM__STATUS_ARCHIVED);
    if (was_live) wsm__side_ended(hub, side);
    if (fold->head.node == hub->node) wsm__side_put_away(hub, side);
}

/* ---- members --------------------------------------------------------------------------------------------------------
 */

static int members_prepare(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    (void)fold;
    if (wsm__side_reserve(&hub->tree, ask->side, ask->agents, ask->agents_count)) return WSM_ERR_NOMEM;
    return wsm__audience_reserve(hub, ask->side->context->idx, ask->agents_count);
}

static void join_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    for (uint32_t i = 0; i < ask->agents_count; i++) {
        wsm__side_join(&hub->tree, ask->side, ask->agents[i], fold->offset, ask->history == WSM__HISTORY_ALL);
        wsm__audience_joined(hub, ask->agents[i], ask->side->context);
    }
}

static void leave_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    for (uint32_t i = 0; i < ask->agents_count; i++) {
        wsm__side_leave(&hub->tree, ask->side, ask->agents[i], fold->offset);
        wsm__audience_left(hub, ask->agents[i], ask->side->context);
    }
}

static void invite_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    (void)hub;
    (void)fold;
    for (uint32_t i = 0; i < ask->agents_count; i++) wsm__side_invite(ask->side, ask->agents[i], ask->history);
}

static void coordinator_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    (void)hub;
    (void)fold;
    plan->ask.side->coordinator = plan->ask.coordinator;
}

static void warning_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    (void)hub;
    (void)fold;
    plan->ask.side->is_warned = true;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------
 */

static int ref_prepare(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__ask *ask = &plan->ask;
    if (!says_number(ask, "version", wsm__refs_version(ask->side, ask->set.name) + 1)) return refuse_stale(fold);
    plan->value = wsm__refs_prepare(&hub->tree, ask->side, &ask->set, &plan->ref);
    return plan->value ? WSM_OK : WSM_ERR_NOMEM;
}

static void ref_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__ask *ask = &plan->ask;
    wsm__refs_commit(&hub->tree, ask->side, plan->ref, plan->value, fold->offset, ask->who);
    wsm__refs_settle(&hub->tree, ask->side);
    plan->value = NULL;
}

/* Whether the record's part is what the state gives now. */
static int says_the_same(wsm_hub *hub, const wsm__ask *ask, const char *name,
                         void (*put)(const wsm__side *side, wsm__buf *buf), bool *same) {
    wsm__buf buf;
    wsm__buf_init(&buf, &hub->mem, 0);
    put(ask->side, &buf);
    *same = wsm__slice_eq(wsm__ask_field(ask, name).raw, wsm__slice(buf.ptr, buf.len));
    int err = buf.err ? WSM_ERR_NOMEM : WSM_OK;
    wsm__buf_fini(&buf);
    return err;
}

static int refs_to_parent(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__no no = {WSM_OK, NULL, NULL};
    if (wsm__merge_prepare(&hub->tree, plan->ask.side, &plan->merge, &no)) return WSM_ERR_NOMEM;
    return no.err ? refuse(fold, &no) : WSM_OK;
}

/* The offsets of the updates that a merge brings, in their order. */
static int offered_of(wsm_hub *hub, const wsm__ask *ask, wsm__ring *offered) {
    size_t at = 0;
    wsm__json_value list = wsm__ask_field(ask, "exchanges_to_merge"), value;
    while (list.kind == WSM__JSON_ARRAY && wsm__json_next_element(list.raw, &at, &value)) {
        size_t in = 0;
        uint64_t offset;
        wsm__json_member member;
        while (value.kind == WSM__JSON_OBJECT && wsm__json_next_member(value.raw, &in, &member)) {
            if (!wsm__json_key_is(member.key, "offset") || !wsm__json_u64(member.value, WSM__NUMBER_MAX, &offset))
                continue;
            uint64_t *place = wsm__ring_push(offered, &hub->mem);
            if (!place) return WSM_ERR_NOMEM;
            *place = offset;
        }
    }
    return WSM_OK;
}

static int merge_prepare(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    bool same_refs, same_conflicts;
    wsm__json_value findings = wsm__ask_field(ask, "consolidated_findings");
    if (says_the_same(hub, ask, "new_data_refs", wsm__merge_put_refs, &same_refs) ||
        says_the_same(hub, ask, "conflicts", wsm__merge_put_conflicts, &same_conflicts))
        return WSM_ERR_NOMEM;
    if (!same_refs || !same_conflicts) return refuse_stale(fold);
    if (findings.raw.len <= WSM__PROSE_BYTES_MAX && wsm__text_new(&hub->mem, findings.raw, &plan->findings))
        return WSM_ERR_NOMEM;
    if (!ask->side->is_reviewed) return refs_to_parent(hub, fold, plan);
    if (offered_of(hub, ask, &plan->offered)) return WSM_ERR_NOMEM;
    return wsm__side_cross_prepare(&hub->tree, ask->side->parent); /* both sides of a review name each other */
}

/* What the children have found is in this merge, and needs no longer be kept. */
static void forget_findings(wsm_hub *hub, wsm__side *side) {
    for (wsm__side *child = side->first_child; child; child = child->sibling)
        wsm__text_free(&hub->mem, &child->findings);
}

static void merge_into_parent(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__side *side = plan->ask.side;
    wsm__merge_commit(&hub->tree, plan->merge, fold->offset, plan->ask.who);
    plan->merge = NULL;
    wsm__side_to(&hub->tree, side, WSM__STATUS_MERGED);
    forget_findings(hub, side);
    wsm__side_ended(hub, side);
}

static void merge_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__side *side = plan->ask.side;
    side->success = wsm__ask_field(&plan->ask, "success").kind == WSM__JSON_TRUE;
    side->merged_at = fold->offset;
    wsm__text_move(&hub->mem, &side->findings, &plan->findings);
    if (side->status != WSM__STATUS_CONSOLIDATING) wsm__side_to(&hub->tree, side, WSM__STATUS_CONSOLIDATING);
    if (!side->is_reviewed) {
        merge_into_parent(hub, fold, plan);
        return;
    }
    side->is_offered = true;
    wsm__ring_fini(&side->offered, &hub->mem);
    side->offered = plan->offered;
    wsm__ring_init(&plan->offered, sizeof(uint64_t));
    wsm__side_cross(side->parent, side);
}

static int decision_prepare(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    return plan->ask.takes_none ? WSM_OK : refs_to_parent(hub, fold, plan);
}

static void decision_commit(wsm_hub *hub, wsm__fold *fold, side_plan *plan) {
    wsm__ring_fini(&plan->ask.side->offered, &hub->mem);
    if (plan->ask.takes_none)
        wsm__side_to(&hub->tree, plan->ask.side, WSM__STATUS_REVIEWING);
    else
        merge_into_parent(hub, fold, plan);
}

/* ---- names ----------------------------------------------------------------------------------------------------------
 */

/* Sidebars that the record names beside the one that it is about. */
static int names_prepare(wsm_hub *hub, side_plan *plan) {
    const wsm__ask *ask = &plan->ask;
    uint32_t count = ask->sides_count + (ask->condition.kind == WSM__WAKE_SIDEBAR);
    return wsm__side_named_prepare(&hub->tree, plan->born ? plan->born : ask->side, count);
}

static void names_commit(wsm__side *side, const wsm__ask *ask, const wsm__fold *fold) {
    size_t bytes = wsm__record_message_len(fold->head.type, fold->offset, 0, fold->body);
    for (uint32_t i = 0; i < ask->sides_count; i++) wsm__side_named(side, ask->sides[i], fold->offset, bytes);
    if (ask->condition.kind == WSM__WAKE_SIDEBAR) wsm__side_named(side, ask->condition.side, fold->offset, bytes);
}

/* ---- the table ------------------------------------------------------------------------------------------------------
 */

static const struct row {
    wsm__msg_type type;
    int (*prepare)(wsm_hub *hub, wsm__fold *fold, side_plan *plan); /* NULL: nothing to reserve */
    void (*commit)(wsm_hub *hub, wsm__fold *fold, side_plan *plan); /* NULL: only told */
} rows[] = {
    {WSM__MSG_SIDEBAR_SPAWN, birth_prepare, birth_commit},
    {WSM__MSG_SIDEBAR_CHILD_SPAWN, birth_prepare, birth_commit},
    {WSM__MSG_SIDEBAR_FORK, birth_prepare, birth_commit},
    {WSM__MSG_SIDEBAR_STATUS_UPDATE, status_prepare, status_commit},
    {WSM__MSG_SIDEBAR_PAUSE, pause_prepare, pause_commit},
    {WSM__MSG_SIDEBAR_RESUME, status_prepare, status_commit},
    {WSM__MSG_SIDEBAR_ARCHIVE, archive_prepare, archive_commit},
    {WSM__MSG_SIDEBAR_WAITING_UPDATE, waiting_prepare, waiting_commit},
    {WSM__MSG_SIDEBAR_TEST_RESULT, NULL, NULL},
    {WSM__MSG_SIDEBAR_JOIN, members_prepare, join_commit},
    {WSM__MSG_SIDEBAR_LEAVE, members_prepare, leave_commit},
    {WSM__MSG_SIDEBAR_INVITE, members_prepare, invite_commit},
    {WSM__MSG_SIDEBAR_REMOVE, members_prepare, leave_commit},
    {WSM__MSG_SIDEBAR_MERGE, merge_prepare, merge_commit},
    {WSM__MSG_SIDEBAR_MERGE_DECISION, decision_prepare, decision_commit},
    {WSM__MSG_DATA_REF, ref_prepare, ref_commit},
    {WSM__MSG_SIDEBAR_COORDINATOR, NULL, coordinator_commit},
    {WSM__MSG_SIDEBAR_IDLE_WARNING, NULL, warning_commit},
};

static const struct row *row_of(wsm__msg_type type) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].type == type) return &rows[i];
    return NULL;
}

void wsm__side_abandon(wsm_hub *hub, wsm__fold *fold) {
    side_plan *plan = fold->plan;
    if (!plan) return;
    wsm__tree_birth_abandon(&hub->tree, plan->born);
    wsm__text_free(&hub->mem, &plan->text);
    wsm__text_free(&hub->mem, &plan->findings);
    wsm__text_free(&hub->mem, &plan->wake);
    wsm__ring_fini(&plan->offered, &hub->mem);
    wsm__merge_abandon(&hub->tree, plan->merge);
    wsm__value_free(&hub->tree, plan->value);
    wsm__free(&hub->mem, plan, sizeof *plan);
    fold->plan = NULL;
}

/* Where a record counts: given by what it is about, and not by its head alone. */
static bool is_in_place(const wsm__fold *fold, const wsm__ask *ask) {
    bool begins = ask->type == WSM__MSG_SIDEBAR_SPAWN || ask->type == WSM__MSG_SIDEBAR_CHILD_SPAWN ||
                  ask->type == WSM__MSG_SIDEBAR_FORK;
    bool in_parent = ask->type == WSM__MSG_SIDEBAR_MERGE || ask->type == WSM__MSG_SIDEBAR_MERGE_DECISION;
    if (begins) return true;
    return fold->context == (in_parent ? ask->side->parent->context : ask->side->context);
}

int wsm__side_prepare(wsm_hub *hub, wsm__fold *fold) {
    const struct row *row = row_of(fold->head.type);
    assert(row); /* fold.c sends no other type here */
    side_plan *plan = wsm__zalloc(&hub->mem, sizeof *plan);
    if (!plan) return WSM_ERR_NOMEM;
    fold->plan = plan;
    wsm__ring_init(&plan->offered, sizeof(uint64_t));
    wsm__ask_of_record(&plan->ask, hub, fold);
    wsm__no no = wsm__ask_check(&plan->ask);
    if (!no.err && !is_in_place(fold, &plan->ask)) no.err = WSM_ERR_BAD_MESSAGE;
    if (no.err) return refuse(fold, &no);
    int err = row->prepare ? row->prepare(hub, fold, plan) : WSM_OK;
    if (!err && !fold->refusal) err = names_prepare(hub, plan);
    if (err) wsm__side_abandon(hub, fold);
    return err;
}

const wsm__side *wsm__side_born_by(const wsm__fold *fold) {
    const side_plan *plan = fold->plan;
    return plan ? plan->born : NULL;
}

void wsm__side_commit(wsm_hub *hub, wsm__fold *fold) {
    const struct row *row = row_of(fold->head.type);
    assert(row);
    side_plan *plan = fold->plan;
    wsm__side *named_by = plan->born ? plan->born : plan->ask.side;
    if (row->commit) row->commit(hub, fold, plan);
    names_commit(named_by, &plan->ask, fold);
    wsm__side_abandon(hub, fold); /* what is left of the plan */
}
