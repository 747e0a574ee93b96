/* Merging: see merge.h. */
#include "sidebar/merge.h"

#include "proto/json_out.h"
#include "sidebar/lifecycle.h"
#include "wsm/error.h"

static const char *const words[] = {"keep_both", "keep_parent", "keep_sidebar"};

const char *wsm__policy_word(wsm__conflict_policy policy) {
    return words[policy];
}

bool wsm__policy_of(wsm_slice word, wsm__conflict_policy *policy) {
    for (int i = WSM__KEEP_BOTH; i <= WSM__KEEP_SIDEBAR; i++)
        if (wsm__slice_is(word, words[i])) {
            *policy = (wsm__conflict_policy)i;
            return true;
        }
    return false;
}

static const wsm__no fine = {WSM_OK, NULL, NULL};

/* Of a child that he may not know of, who merges is told nothing: it goes on under a parent that has ended. */
static bool has_live_child(const wsm__tree *tree, const wsm__side *side, uint32_t agent) {
    for (const wsm__side *child = side->first_child; child && side->live_children > 0; child = child->sibling)
        if (wsm__side_is_live(child) && wsm__tree_knows(tree, child, agent)) return true;
    return false;
}

wsm__no wsm__merge_no(const wsm__tree *tree, const wsm__side *side, uint32_t agent) {
    wsm__status status = (wsm__status)side->status;
    if (side->is_offered)
        return (wsm__no){WSM_ERR_CONFLICT, "sidebar_id", "sidebar_id: its merge waits for the parent's decision"};
    if (status != WSM__STATUS_CONSOLIDATING &&
        !wsm__status_may(status, (wsm__status)side->before, WSM__STATUS_CONSOLIDATING))
        return (wsm__no){WSM_ERR_INVALID_TRANSITION, "sidebar_id",
                         "only a sidebar that is active, in review or consolidating can be merged"};
    if (has_live_child(tree, side, agent))
        return (wsm__no){WSM_ERR_CONFLICT, "sidebar_id", "its children must be merged, failed or archived first"};
    return fine;
}

wsm__no wsm__merge_decision_no(const wsm__side *side) {
    if (side->is_offered) return fine;
    return (wsm__no){WSM_ERR_INVALID_TRANSITION, "sidebar_id", "no merge of it waits for a decision"};
}

bool wsm__merge_offers(const wsm__side *side, uint64_t offset) {
    uint32_t low = 0, high = side->offered.count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (*(uint64_t *)wsm__ring_at(&side->offered, mid) < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low < side->offered.count && *(uint64_t *)wsm__ring_at(&side->offered, low) == offset;
}

/* ---- data references ------------------------------------------------------------------------------------------------
 */

/* Up to where the sidebar knows its parent. */
static uint64_t base_of(const wsm__side *side) {
    for (uint32_t i = 0; i < side->views_count; i++)
        if (side->views[i].of == side->parent) return side->views[i].up_to;
    return side->born;
}

static bool is_same(const wsm__value *a, const wsm__value *b) {
    if (a->is_removal || b->is_removal) return a->is_removal == b->is_removal;
    return a->len == b->len && memcmp(a->json, b->json, a->len) == 0;
}

/* What the parent has set under that name since; NULL: nothing, or the same. */
static const wsm__value *rival_of(const wsm__side *side, const wsm__ref *ref) {
    const wsm__value *theirs = wsm__refs_at_any(side->parent, wsm__slice(ref->name, ref->name_len), UINT64_MAX);
    if (!theirs || theirs->offset <= base_of(side) || is_same(theirs, ref->newest)) return NULL;
    return theirs;
}

static void put_value(wsm__json_out *out, const char *name, const wsm__value *value) {
    wsm__json_raw(out, name, value->is_removal ? wsm__slice_str("null") : wsm__slice(value->json, value->len));
}

void wsm__merge_put_refs(const wsm__side *side, wsm__buf *buf) {
    wsm__map_node *cursor = NULL;
    const wsm__ref *ref;
    bool first = true;
    wsm__buf_putc(buf, '{');
    while ((ref = wsm__map_next(&side->refs, &cursor)) != NULL) {
        if (!ref->newest) continue;
        if (!first) wsm__buf_putc(buf, ',');
        first = false;
        wsm__json_put_string(buf, wsm__slice(ref->name, ref->name_len));
        wsm__buf_putc(buf, ':');
        if (ref->newest->is_removal)
            wsm__buf_puts(buf, "null");
        else
            wsm__buf_put(buf, ref->newest->json, ref->newest->len);
    }
    wsm__buf_putc(buf, '}');
}

void wsm__merge_put_conflicts(const wsm__side *side, wsm__buf *buf) {
    wsm__map_node *cursor = NULL;
    const wsm__ref *ref;
    bool first = true;
    wsm__buf_putc(buf, '[');
    while ((ref = wsm__map_next(&side->refs, &cursor)) != NULL) {
        const wsm__value *theirs = ref->newest ? rival_of(side, ref) : NULL;
        wsm__json_out out;
        if (!theirs) continue;
        if (!first) wsm__buf_putc(buf, ',');
        first = false;
        wsm__json_open(&out, buf);
        wsm__json_str(&out, "name", wsm__slice(ref->name, ref->name_len));
        put_value(&out, "parent", theirs);
        put_value(&out, "sidebar", ref->newest);
        wsm__json_str(&out, "resolution",
                      wsm__slice_str(wsm__policy_word((wsm__conflict_policy)side->conflict_policy)));
        wsm__json_close(&out);
    }
    wsm__buf_putc(buf, ']');
}

void wsm__merge_put_children(const wsm__side *side, wsm__buf *buf) {
    bool first = true;
    wsm__buf_putc(buf, '[');
    for (const wsm__side *child = side->first_child; child; child = child->sibling) {
        wsm__json_out out;
        if (child->is_private) continue; /* not all who read this may know of it */
        if (!first) wsm__buf_putc(buf, ',');
        first = false;
        wsm__json_open(&out, buf);
        wsm__json_str(&out, "sidebar_id", wsm__side_id(child));
        wsm__json_str(&out, "status", wsm__slice_str(wsm__status_word((wsm__status)child->status)));
        if (child->merged_at) wsm__json_bool(&out, "success", child->success);
        if (child->findings.ptr) wsm__json_raw(&out, "consolidated_findings", wsm__text_get(&child->findings));
        wsm__json_close(&out);
    }
    wsm__buf_putc(buf, ']');
}

/* ---- the transaction ------------------------------------------------------------------------------------------------
 */

typedef struct step {
    wsm__ref *ref;
    wsm__value *value;
} step;

struct wsm__merge_plan {
    wsm__side *parent;
    size_t count, cap;
    step steps[];
};

static size_t plan_size(size_t cap) {
    return sizeof(wsm__merge_plan) + cap * sizeof(step);
}

void wsm__merge_abandon(wsm__tree *tree, wsm__merge_plan *plan) {
    if (!plan) return;
    for (size_t i = 0; i < plan->count; i++) wsm__value_free(tree, plan->steps[i].value);
    wsm__free(tree->mem, plan, plan_size(plan->cap));
}

/* One name for the parent. `as` under another name, for a value that is kept beside the parent's. */
static int add_step(wsm__tree *tree, wsm__merge_plan *plan, wsm_slice name, const wsm__value *value) {
    wsm__ref_set set = {.name = name};
    step *next = &plan->steps[plan->count];
    if (!value->is_removal) set.value = wsm__slice(value->json, value->len);
    next->value = wsm__refs_prepare(tree, plan->parent, &set, &next->ref);
    if (!next->value) return WSM_ERR_NOMEM;
    plan->count++;
    return WSM_OK;
}

static int add_beside(wsm__tree *tree, wsm__merge_plan *plan, const wsm__side *side, const wsm__ref *ref) {
    wsm__buf name;
    if (ref->newest->is_removal) return WSM_OK; /* the parent's value is all there is to keep */
    wsm__buf_init(&name, tree->mem, 0);
    wsm__buf_put(&name, ref->name, ref->name_len);
    wsm__buf_putc(&name, '@');
    wsm__buf_put_slice(&name, wsm__side_id(side));
    int err = name.err ? WSM_ERR_NOMEM : add_step(tree, plan, wsm__slice(name.ptr, name.len), ref->newest);
    wsm__buf_fini(&name);
    return err;
}

static int add_ref(wsm__tree *tree, wsm__merge_plan *plan, const wsm__side *side, const wsm__ref *ref) {
    bool is_conflict = rival_of(side, ref) != NULL;
    if (is_conflict && side->conflict_policy == WSM__KEEP_PARENT) return WSM_OK;
    if (is_conflict && side->conflict_policy == WSM__KEEP_BOTH) return add_beside(tree, plan, side, ref);
    const wsm__value *theirs = wsm__refs_at_any(side->parent, wsm__slice(ref->name, ref->name_len), UINT64_MAX);
    if (theirs ? is_same(theirs, ref->newest) : ref->newest->is_removal) return WSM_OK; /* it is so already */
    return add_step(tree, plan, wsm__slice(ref->name, ref->name_len), ref->newest);
}

static wsm__no room_no(const wsm__tree *tree, const wsm__merge_plan *plan) {
    uint64_t count = plan->parent->refs_count, bytes = plan->parent->refs_bytes;
    for (size_t i = 0; i < plan->count; i++) {
        const wsm__ref *ref = plan->steps[i].ref;
        const wsm__value *value = plan->steps[i].value;
        bool was_set = ref->newest && !ref->newest->is_removal;
        if (was_set) bytes -= ref->name_len + ref->newest->len;
        if (!value->is_removal) bytes += ref->name_len + value->len;
        if (!was_set && !value->is_removal) count++;
        if (was_set && value->is_removal) count--;
    }
    if ((tree->limits.refs_max && count > tree->limits.refs_max && count > plan->parent->refs_count) ||
        (tree->limits.refs_bytes_max && bytes > tree->limits.refs_bytes_max && bytes > plan->parent->refs_bytes))
        return (wsm__no){WSM_ERR_LIMIT, "sidebar_id", "its data references do not fit into the parent's"};
    return fine;
}

int wsm__merge_prepare(wsm__tree *tree, wsm__side *side, wsm__merge_plan **out, wsm__no *no) {
    wsm__map_node *cursor = NULL;
    const wsm__ref *ref;
    size_t cap = wsm__map_count(&side->refs);
    wsm__merge_plan *plan = wsm__alloc(tree->mem, plan_size(cap));
    if (!plan) return WSM_ERR_NOMEM;
    *plan = (wsm__merge_plan){.parent = side->parent, .cap = cap};
    while ((ref = wsm__map_next(&side->refs, &cursor)) != NULL) {
        if (!ref->newest || !add_ref(tree, plan, side, ref)) continue;
        wsm__merge_abandon(tree, plan);
        return WSM_ERR_NOMEM;
    }
    *no = room_no(tree, plan);
    if (no->err) {
        wsm__merge_abandon(tree, plan);
        plan = NULL;
    }
    *out = plan;
    return WSM_OK;
}

void wsm__merge_commit(wsm__tree *tree, wsm__merge_plan *plan, uint64_t offset, uint32_t agent) {
    for (size_t i = 0; i < plan->count; i++)
        wsm__refs_commit(tree, plan->parent, plan->steps[i].ref, plan->steps[i].value, offset, agent);
    wsm__refs_settle(tree, plan->parent);
    plan->count = 0;
    wsm__merge_abandon(tree, plan);
}
