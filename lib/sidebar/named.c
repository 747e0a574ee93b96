/* Which records of a context name a hidden sidebar. At the time all who read there know of it, or the record is
 * refused; but the history of a context may be granted later, and a view shows it to those of another one. */
#include "sidebar/tree.h"
#include "wsm/error.h"

static const wsm__named *named_at(const wsm__side *side, uint32_t idx) {
    return wsm__ring_at(&side->named, idx);
}

int wsm__side_named_prepare(wsm__tree *tree, wsm__side *side, uint32_t count) {
    return count > 0 ? wsm__ring_reserve(&side->named, tree->mem, count) : WSM_OK;
}

bool wsm__side_has_room_for_names(const wsm__side *side, uint32_t count) {
    return side->named.count + count <= WSM__NAMED_MAX;
}

void wsm__side_named(wsm__side *side, wsm__side *other, uint64_t offset) {
    if (other->is_hidden && other != side)
        *(wsm__named *)wsm__ring_push(&side->named, NULL) = (wsm__named){offset, other}; /* reserved */
}

bool wsm__side_names_secrets(const wsm__tree *tree, const wsm__side *side, uint32_t agent, uint64_t offset) {
    uint32_t low = 0, high = side->named.count;
    if (agent == WSM__AGENT_HUB) return false;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (named_at(side, mid)->offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < side->named.count && named_at(side, low)->offset == offset; low++)
        if (!wsm__tree_knows(tree, named_at(side, low)->side, agent)) return true;
    return false;
}

/* Its own members may know all of that: they see it. Who looks at it from elsewhere may not. */
bool wsm__side_birth_names_secrets(const wsm__tree *tree, const wsm__side *side, uint32_t agent) {
    if (agent == WSM__AGENT_HUB || wsm__side_is_main(side)) return false;
    if (!wsm__tree_knows(tree, side->parent, agent)) return true;
    if (side->forked_from && !wsm__tree_knows(tree, side->forked_from, agent)) return true;
    for (uint32_t i = 0; i < side->views_count; i++)
        if (!wsm__tree_knows(tree, side->views[i].of, agent)) return true;
    return false;
}

bool wsm__side_has_secrets(const wsm__tree *tree, const wsm__side *side, uint32_t agent) {
    for (uint32_t i = 0; i < side->named.count; i++)
        if (!wsm__tree_knows(tree, named_at(side, i)->side, agent)) return true;
    return false;
}
