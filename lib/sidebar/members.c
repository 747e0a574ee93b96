/* Who belongs to a sidebar: members, those who were, and the invited. A sidebar finds an agent by bisection, an agent
 * its sidebars by a chain. */
#include "sidebar/tree.h"

#include <assert.h>

#include "wsm/error.h"

static wsm__member *member_at(const wsm__side *side, uint32_t idx) {
    return *(wsm__member **)wsm__ring_at(&side->by_agent, idx);
}

/* Where the agent stands in by_agent, or would stand. */
static uint32_t place_of(const wsm__side *side, uint32_t agent) {
    uint32_t low = 0, high = side->by_agent.count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (member_at(side, mid)->agent < agent)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

wsm__member *wsm__side_member(const wsm__side *side, uint32_t agent) {
    uint32_t place = place_of(side, agent);
    if (place == side->by_agent.count || member_at(side, place)->agent != agent) return NULL;
    return member_at(side, place);
}

bool wsm__side_has(const wsm__side *side, uint32_t agent) {
    if (wsm__side_is_main(side)) return true;
    const wsm__member *member = wsm__side_member(side, agent);
    return member && member->is_member;
}

static wsm__member *now_from(wsm__member *member) { /* the first of the chain that is one now */
    while (member && !member->is_member) member = member->of_agent;
    return member;
}

wsm__member *wsm__tree_first_of(const wsm__tree *tree, uint32_t agent) {
    if (agent >= tree->agents.count) return NULL;
    return now_from(((wsm__tree_agent *)wsm__ring_at(&tree->agents, agent))->first);
}

wsm__member *wsm__tree_next_of(const wsm__member *member) {
    return now_from(member->of_agent);
}

static wsm__member *now_in(const wsm__side *side, wsm__list *node) {
    for (; node != &side->members; node = node->next) {
        wsm__member *member = WSM__CONTAINER(node, wsm__member, in_side);
        if (member->is_member) return member;
    }
    return NULL;
}

wsm__member *wsm__side_first_member(const wsm__side *side) {
    return now_in(side, side->members.next);
}

wsm__member *wsm__side_next_member(const wsm__member *member) {
    return now_in(member->side, member->in_side.next);
}

uint32_t wsm__tree_agent_load(const wsm__tree *tree, uint32_t agent) {
    return agent < tree->agents.count ? ((wsm__tree_agent *)wsm__ring_at(&tree->agents, agent))->load : 0;
}

/* ---- changes --------------------------------------------------------------------------------------------------------
 */

static wsm__member *member_new(wsm__tree *tree, wsm__side *side, uint32_t agent) {
    wsm__member *member = wsm__zalloc(tree->mem, sizeof *member);
    if (!member || !wsm__ring_push(&side->by_agent, tree->mem)) {
        if (member) wsm__free(tree->mem, member, sizeof *member);
        return NULL;
    }
    *member = (wsm__member){.side = side, .agent = agent};
    wsm__ring_init(&member->spans, sizeof(wsm__span));
    side->by_agent.count--;
    uint32_t place = place_of(side, agent);
    side->by_agent.count++;
    for (uint32_t i = side->by_agent.count - 1; i > place; i--)
        *(wsm__member **)wsm__ring_at(&side->by_agent, i) = member_at(side, i - 1);
    *(wsm__member **)wsm__ring_at(&side->by_agent, place) = member;
    wsm__list_push(&side->members, &member->in_side);
    return member;
}

int wsm__side_reserve(wsm__tree *tree, wsm__side *side, const uint32_t *agents, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        wsm__member *member = wsm__side_member(side, agents[i]);
        if (wsm__tree_reserve_agent(tree, agents[i])) return WSM_ERR_NOMEM;
        if (!member) member = member_new(tree, side, agents[i]);
        if (!member || wsm__ring_reserve(&member->spans, tree->mem, 1)) return WSM_ERR_NOMEM;
    }
    return WSM_OK;
}

/* Into the agent's chain, at the first joining or invitation. */
static void chain(wsm__tree *tree, wsm__member *member) {
    wsm__tree_agent *agent = wsm__ring_at(&tree->agents, member->agent);
    if (member->is_chained) return;
    member->is_chained = true;
    member->of_agent = agent->first;
    agent->first = member;
}

static bool counts(const wsm__side *side) { /* in the load of its members */
    return wsm__side_is_live(side) && !side->is_hidden;
}

void wsm__side_join(wsm__tree *tree, wsm__side *side, uint32_t agent, uint64_t offset, bool all) {
    wsm__member *member = wsm__side_member(side, agent);
    assert(member); /* reserved */
    if (member->is_member) return;
    chain(tree, member);
    wsm__span *span = wsm__ring_push(&member->spans, NULL); /* reserved */
    assert(span);
    *span = (wsm__span){.from = offset, .has_all = all};
    if (member->spans.count > WSM__SPANS_MAX) wsm__ring_pop(&member->spans, tree->mem);
    member->is_member = true;
    member->invited = WSM__HISTORY_NONE;
    side->members_count++;
    if (counts(side)) ((wsm__tree_agent *)wsm__ring_at(&tree->agents, agent))->load++;
}

void wsm__side_leave(wsm__tree *tree, wsm__side *side, uint32_t agent, uint64_t offset) {
    wsm__member *member = wsm__side_member(side, agent);
    if (!member) return;
    member->invited = WSM__HISTORY_NONE;
    if (!member->is_member) return;
    member->is_member = false;
    ((wsm__span *)wsm__ring_at(&member->spans, member->spans.count - 1))->to = offset;
    side->members_count--;
    if (counts(side)) ((wsm__tree_agent *)wsm__ring_at(&tree->agents, agent))->load--;
    if (side->coordinator == agent) side->coordinator = WSM__AGENT_NONE;
}

void wsm__side_invite(wsm__side *side, uint32_t agent, wsm__history history) {
    wsm__member *member = wsm__side_member(side, agent);
    assert(member); /* reserved */
    if (!member->is_member) member->invited = (uint8_t)history;
}
