/* The tree itself: nodes, who knows of them, and what every record of a context changes in its node. */
#include "sidebar/tree.h"

#include <assert.h>

#include "sidebar/data_refs.h"
#include "wsm/error.h"

/* ---- texts ----------------------------------------------------------------------------------------------------------
 */

int wsm__text_new(wsm__mem *mem, wsm_slice from, wsm__text *text) {
    *text = (wsm__text){0};
    if (from.len == 0) return WSM_OK;
    text->ptr = wsm__strndup(mem, from.ptr, from.len);
    if (!text->ptr) return WSM_ERR_NOMEM;
    text->len = from.len;
    return WSM_OK;
}

void wsm__text_free(wsm__mem *mem, wsm__text *text) {
    if (text->ptr) wsm__free(mem, text->ptr, text->len + 1);
    *text = (wsm__text){0};
}

void wsm__text_move(wsm__mem *mem, wsm__text *to, wsm__text *from) {
    wsm__text_free(mem, to);
    *to = *from;
    *from = (wsm__text){0};
}

wsm_slice wsm__text_get(const wsm__text *text) {
    return wsm__slice(text->ptr, text->len);
}

/* ---- nodes ----------------------------------------------------------------------------------------------------------
 */

static void side_init(wsm__tree *tree, wsm__side *side, wsm__context *context) {
    *side = (wsm__side){.context = context,
                        .status = WSM__STATUS_ACTIVE,
                        .creator = WSM__AGENT_NONE,
                        .coordinator = WSM__AGENT_NONE,
                        .priority = WSM_PRIORITY_NORMAL};
    wsm__list_init(&side->members);
    wsm__list_init(&side->in_watching);
    wsm__ring_init(&side->by_agent, sizeof(wsm__member *));
    wsm__ring_init(&side->cross, sizeof(wsm__side *));
    wsm__ring_init(&side->named, sizeof(wsm__named));
    wsm__ring_init(&side->marks, sizeof(wsm__mark));
    wsm__ring_init(&side->learnt, sizeof(wsm__learnt));
    wsm__ring_init(&side->pins, sizeof(uint64_t));
    wsm__ring_init(&side->waits, sizeof(wsm__side *));
    wsm__ring_init(&side->offered, sizeof(uint64_t));
    wsm__map_init(&side->refs, tree->mem, tree->seed);
}

static wsm__side *side_new(wsm__tree *tree, wsm__context *context) {
    wsm__side *side = wsm__alloc(tree->mem, sizeof *side);
    if (side) side_init(tree, side, context);
    return side;
}

static void side_fini(wsm__tree *tree, wsm__side *side) {
    wsm__list *node;
    wsm__mem *mem = tree->mem;
    while ((node = wsm__list_first(&side->members)) != NULL) {
        wsm__member *member = WSM__CONTAINER(node, wsm__member, in_side);
        wsm__list_remove(node);
        wsm__ring_fini(&member->spans, mem);
        wsm__free(mem, member, sizeof *member);
    }
    wsm__list_remove(&side->in_watching);
    wsm__refs_free(tree, side);
    wsm__ring_fini(&side->by_agent, mem);
    wsm__ring_fini(&side->cross, mem);
    wsm__ring_fini(&side->named, mem);
    wsm__ring_fini(&side->marks, mem);
    wsm__ring_fini(&side->learnt, mem);
    wsm__ring_fini(&side->pins, mem);
    wsm__ring_fini(&side->waits, mem);
    wsm__text_free(mem, &side->task);
    wsm__text_free(mem, &side->criteria);
    wsm__text_free(mem, &side->failure);
    wsm__text_free(mem, &side->findings);
    wsm__ring_fini(&side->offered, mem);
    wsm__text_free(mem, &side->waiting_text);
    wsm__text_free(mem, &side->wake_text);
    wsm__free(mem, side->views, side->views_count * sizeof *side->views);
}

static void side_free(wsm__tree *tree, wsm__side *side) {
    side_fini(tree, side);
    wsm__free(tree->mem, side, sizeof *side);
}

/* Room for a node at `idx`, empty places in between included. */
static int reserve_place(wsm__tree *tree, uint32_t idx) {
    while (tree->sides.count <= idx) {
        wsm__side **place = wsm__ring_push(&tree->sides, tree->mem);
        if (!place) return WSM_ERR_NOMEM;
        *place = NULL;
    }
    return WSM_OK;
}

static void set_place(wsm__tree *tree, wsm__side *side) {
    *(wsm__side **)wsm__ring_at(&tree->sides, side->context->idx) = side;
}

int wsm__tree_init(wsm__tree *tree, wsm__mem *mem, const unsigned char seed[16], const wsm__tree_limits *limits,
                   wsm__context *main) {
    *tree = (wsm__tree){.mem = mem, .limits = *limits};
    memcpy(tree->seed, seed, sizeof tree->seed);
    wsm__list_init(&tree->watching);
    wsm__ring_init(&tree->sides, sizeof(wsm__side *));
    wsm__ring_init(&tree->agents, sizeof(wsm__tree_agent));
    tree->main = side_new(tree, main);
    if (tree->main && !reserve_place(tree, main->idx)) {
        set_place(tree, tree->main);
        return WSM_OK;
    }
    wsm__tree_fini(tree);
    return WSM_ERR_NOMEM;
}

static void free_all(wsm__tree *tree) {
    for (uint32_t i = 0; i < tree->sides.count; i++) {
        wsm__side **place = wsm__ring_at(&tree->sides, i);
        if (*place && *place != tree->main) side_free(tree, *place);
        *place = NULL;
    }
    wsm__ring_fini(&tree->agents, tree->mem);
    tree->count = tree->live = 0;
}

void wsm__tree_fini(wsm__tree *tree) {
    if (!tree->mem) return; /* it was never begun */
    free_all(tree);
    wsm__ring_fini(&tree->sides, tree->mem);
    if (tree->main) side_free(tree, tree->main);
    tree->main = NULL;
}

void wsm__tree_clear(wsm__tree *tree) {
    wsm__context *main = tree->main->context;
    free_all(tree);
    side_fini(tree, tree->main);
    side_init(tree, tree->main, main);
    set_place(tree, tree->main);
}

wsm__side *wsm__tree_of(const wsm__tree *tree, const wsm__context *context) {
    if (!context || context->idx >= tree->sides.count) return NULL;
    return *(wsm__side **)wsm__ring_at(&tree->sides, context->idx);
}

bool wsm__side_is_main(const wsm__side *side) {
    return side->parent == NULL;
}

bool wsm__side_is_live(const wsm__side *side) {
    return side->status < WSM__STATUS_MERGED;
}

wsm_slice wsm__side_id(const wsm__side *side) {
    return wsm__slice(side->context->id, side->context->id_len);
}

/* ---- who sees -------------------------------------------------------------------------------------------------------
 */

bool wsm__tree_sees(const wsm__tree *tree, const wsm__side *side, uint32_t agent, uint64_t offset) {
    (void)tree;
    if (wsm__side_is_main(side)) return true;
    const wsm__member *member = wsm__side_member(side, agent);
    if (!member || !member->is_member) return false;
    for (uint32_t i = member->spans.count; i > 0; i--) {
        const wsm__span *span = wsm__ring_at(&member->spans, i - 1);
        if ((span->has_all || span->from <= offset) && (!span->to || offset <= span->to)) return true;
    }
    return false;
}

static bool is_known_by_itself(const wsm__side *side, uint32_t agent) {
    const wsm__member *member = wsm__side_member(side, agent);
    if (member && (member->is_member || member->invited)) return true;
    return side->merged_at && side->parent && wsm__side_has(side->parent, agent);
}

bool wsm__tree_knows(const wsm__tree *tree, const wsm__side *side, uint32_t agent) {
    (void)tree;
    for (; !wsm__side_is_main(side); side = side->parent) {
        if (agent == WSM__AGENT_HUB || is_known_by_itself(side, agent)) return true;
        if (side->is_private) return false;
    }
    return true;
}

/* ---- birth ----------------------------------------------------------------------------------------------------------
 */

static wsm__no no(int err, const char *field, const char *why) {
    return (wsm__no){err, field, why};
}

/* How many sidebars the agent has created in the minute before. */
static uint32_t created_lately(const wsm__tree_agent *agent, int64_t now_ms, uint32_t most) {
    uint32_t count = 0;
    for (const wsm__side *side = agent->last_created; side && count < most; side = side->by_creator) {
        if (now_ms - side->born_ms >= 60000) break;
        count++;
    }
    return count;
}

/* Live children of a sidebar, as its creator-to-be may count them: of private ones not even the number is told. */
static uint32_t children_known(const wsm__tree *tree, const wsm__side *parent, uint32_t agent) {
    uint32_t count = 0;
    if (parent->live_children < tree->limits.children_max) return 0; /* few enough in any case */
    for (const wsm__side *child = parent->first_child; child; child = child->sibling)
        count += wsm__side_is_live(child) && wsm__tree_knows(tree, child, agent);
    return count;
}

wsm__no wsm__tree_birth_no(const wsm__tree *tree, const wsm__birth *birth) {
    const wsm__tree_limits *limits = &tree->limits;
    const wsm__side *parent = birth->parent;
    if (limits->participants_max && birth->agents_count > limits->participants_max)
        return no(WSM_ERR_LIMIT, "participants", "participants: more than a sidebar may have");
    if (limits->depth_max && parent->depth >= limits->depth_max)
        return no(WSM_ERR_LIMIT, "parent_id", "parent_id: deeper than sidebars may be nested");
    if (limits->children_max && !wsm__side_is_main(parent) &&
        children_known(tree, parent, birth->creator) >= limits->children_max)
        return no(WSM_ERR_LIMIT, "parent_id", "parent_id: it has as many children as a sidebar may have");
    if (birth->creator >= tree->agents.count) return no(WSM_OK, NULL, NULL);
    const wsm__tree_agent *agent = wsm__ring_at(&tree->agents, birth->creator);
    if (limits->open_per_creator && agent->open >= limits->open_per_creator)
        return no(WSM_ERR_LIMIT, NULL, "as many open sidebars as an agent may have created");
    if (limits->created_per_min &&
        created_lately(agent, birth->time_ms, limits->created_per_min) >= limits->created_per_min)
        return no(WSM_ERR_RATE_LIMITED, NULL, "more sidebars than an agent may create in a minute");
    return no(WSM_OK, NULL, NULL);
}

static int reserve_agent(wsm__tree *tree, uint32_t agent) {
    if (agent >= WSM__AGENT_HUB) return WSM_OK;
    while (tree->agents.count <= agent) {
        wsm__tree_agent *place = wsm__ring_push(&tree->agents, tree->mem);
        if (!place) return WSM_ERR_NOMEM;
        *place = (wsm__tree_agent){0};
    }
    return WSM_OK;
}

int wsm__tree_reserve_agent(wsm__tree *tree, uint32_t agent) {
    return reserve_agent(tree, agent);
}

static int take_views(wsm__tree *tree, wsm__side *side, const wsm__birth *birth) {
    if (birth->views_count == 0) return WSM_OK;
    side->views = wsm__alloc(tree->mem, birth->views_count * sizeof *side->views);
    if (!side->views) return WSM_ERR_NOMEM;
    memcpy(side->views, birth->views, birth->views_count * sizeof *side->views);
    side->views_count = birth->views_count;
    for (uint32_t i = 0; i < birth->views_count; i++)
        if (wsm__ring_reserve(&birth->views[i].of->pins, tree->mem, birth->views_count)) return WSM_ERR_NOMEM;
    return WSM_OK;
}

static int take_cross(wsm__tree *tree, wsm__side *side, const wsm__birth *birth) {
    if (wsm__ring_reserve(&side->cross, tree->mem, birth->cross_count + 2)) return WSM_ERR_NOMEM;
    if (birth->parent) wsm__side_cross(side, birth->forked_from ? birth->forked_from : birth->parent);
    for (uint32_t i = 0; i < birth->cross_count; i++) wsm__side_cross(side, birth->cross[i]);
    return birth->forked_from ? wsm__side_cross_prepare(tree, birth->forked_from) : WSM_OK;
}

static int take_all(wsm__tree *tree, wsm__side *side, const wsm__birth *birth) {
    int err = wsm__text_new(tree->mem, birth->task, &side->task);
    if (!err) err = wsm__text_new(tree->mem, birth->criteria, &side->criteria);
    if (!err) err = take_views(tree, side, birth);
    if (!err) err = take_cross(tree, side, birth);
    if (!err) err = wsm__side_reserve(tree, side, birth->agents, birth->agents_count);
    if (!err) err = reserve_agent(tree, birth->creator);
    if (!err) err = wsm__side_note_prepare(tree, side);
    return err ? err : reserve_place(tree, birth->context->idx);
}

wsm__side *wsm__tree_birth_prepare(wsm__tree *tree, const wsm__birth *birth) {
    wsm__side *side = side_new(tree, birth->context);
    if (!side) return NULL;
    side->parent = birth->parent;
    side->forked_from = birth->forked_from;
    side->depth = birth->parent->depth + 1;
    side->creator = birth->creator;
    side->coordinator = birth->coordinator;
    side->priority = (uint8_t)birth->priority;
    side->is_private = birth->is_private;
    side->is_hidden = birth->is_private || birth->parent->is_hidden;
    side->is_reviewed = birth->is_reviewed;
    side->conflict_policy = birth->conflict_policy;
    side->born = side->active = side->shown = birth->offset;
    side->born_ms = side->active_ms = birth->time_ms;
    if (take_all(tree, side, birth)) {
        side_free(tree, side);
        return NULL;
    }
    return side;
}

void wsm__tree_birth_abandon(wsm__tree *tree, wsm__side *side) {
    if (side) side_free(tree, side);
}

void wsm__side_link(wsm__tree *tree, wsm__side *side) {
    wsm__side *parent = side->parent;
    set_place(tree, side);
    if (parent->last_child)
        parent->last_child->sibling = side;
    else
        parent->first_child = side;
    parent->last_child = side;
    parent->children++;
    parent->live_children++;
    tree->count++;
    tree->live++;
    if (side->creator < tree->agents.count) {
        wsm__tree_agent *agent = wsm__ring_at(&tree->agents, side->creator);
        side->by_creator = agent->last_created;
        agent->last_created = side;
        agent->open++;
    }
    for (uint32_t i = 0; i < side->views_count; i++) wsm__refs_pin(side->views[i].of, side->views[i].up_to);
}

void wsm__tree_birth_commit(wsm__tree *tree, wsm__side *side) {
    wsm__side_link(tree, side);
    for (wsm__list *node = side->members.next; node != &side->members; node = node->next)
        wsm__side_join(tree, side, WSM__CONTAINER(node, wsm__member, in_side)->agent, side->born, false);
    if (side->forked_from) wsm__side_cross(side->forked_from, side);
}

void wsm__tree_died(wsm__tree *tree, wsm__side *side) {
    side->parent->live_children--;
    tree->live--;
    if (side->creator < tree->agents.count) ((wsm__tree_agent *)wsm__ring_at(&tree->agents, side->creator))->open--;
    if (side->is_hidden) return;
    for (wsm__member *member = wsm__side_first_member(side); member; member = wsm__side_next_member(member))
        ((wsm__tree_agent *)wsm__ring_at(&tree->agents, member->agent))->load--;
}

/* ---- records --------------------------------------------------------------------------------------------------------
 */

int wsm__side_note_prepare(wsm__tree *tree, wsm__side *side) {
    return wsm__ring_reserve(&side->marks, tree->mem, 1);
}

void wsm__side_note(wsm__side *side, uint64_t offset, int64_t time_ms, uint64_t bytes) {
    if (side->records++ == 0) {
        side->born_bytes = bytes;
        if (wsm__side_is_main(side)) side->born_ms = time_ms; /* nobody spawned it */
    }
    side->bytes += bytes;
    side->active = offset;
    if (!wsm__side_names_hidden(side, offset)) side->shown = offset;
    if (time_ms > side->active_ms) side->active_ms = time_ms;
    side->is_warned = false;
    const wsm__mark *last = side->marks.count > 0 ? wsm__ring_at(&side->marks, side->marks.count - 1) : NULL;
    bool is_far = offset - (last ? last->offset : side->born) >= WSM__MARK_SPAN;
    if (side->records % WSM__MARK_EVERY != 0 && !is_far) return;
    wsm__mark *mark = wsm__ring_push(&side->marks, NULL); /* reserved */
    *mark = (wsm__mark){offset, side->records, side->bytes};
}

int wsm__side_learn(wsm__tree *tree, wsm__side *side, uint64_t from, const wsm__learnt *learnt) {
    for (uint32_t i = 0; i < side->learnt.count; i++) {
        wsm__learnt *known = wsm__ring_at(&side->learnt, i);
        if (!known->is_partial || known->mark.offset != from) continue;
        *known = *learnt;
        return WSM_OK;
    }
    if (side->learnt.count == WSM__LEARNT_MAX) wsm__ring_pop(&side->learnt, tree->mem);
    wsm__learnt *place = wsm__ring_push(&side->learnt, tree->mem);
    if (place) *place = *learnt;
    return place ? WSM_OK : WSM_ERR_NOMEM;
}

int wsm__side_cross_prepare(wsm__tree *tree, wsm__side *side) {
    return wsm__ring_reserve(&side->cross, tree->mem, 1);
}

void wsm__side_cross(wsm__side *side, wsm__side *other) {
    for (uint32_t i = 0; i < side->cross.count; i++)
        if (*(wsm__side **)wsm__ring_at(&side->cross, i) == other) return;
    if (side->cross.count >= WSM__CROSS_MAX) return;
    *(wsm__side **)wsm__ring_push(&side->cross, NULL) = other; /* reserved */
}
