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

void wsm__side_named(wsm__side *side, wsm__side *other, uint64_t offset, uint64_t bytes) {
    if (other->is_hidden && other != side)
        *(wsm__named *)wsm__ring_push(&side->named, NULL) = (wsm__named){offset, other, bytes}; /* reserved */
}

/* The place of the first that is not before `offset`. */
static uint32_t first_from(const wsm__side *side, uint64_t offset) {
    uint32_t low = 0, high = side->named.count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (named_at(side, mid)->offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool wsm__side_names_hidden(const wsm__side *side, uint64_t offset) {
    uint32_t idx = first_from(side, offset);
    return idx < side->named.count && named_at(side, idx)->offset == offset;
}

bool wsm__side_names_secrets(const wsm__tree *tree, const wsm__side *side, uint32_t agent, uint64_t offset) {
    if (agent == WSM__AGENT_HUB) return false;
    for (uint32_t low = first_from(side, offset); low < side->named.count && named_at(side, low)->offset == offset;
         low++)
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

static bool birth_names_hidden(const wsm__side *side) {
    if (wsm__side_is_main(side)) return false;
    if (side->parent->is_hidden || (side->forked_from && side->forked_from->is_hidden)) return true;
    for (uint32_t i = 0; i < side->views_count; i++)
        if (side->views[i].of->is_hidden) return true;
    return false;
}

void wsm__side_count_named(const wsm__tree *tree, const wsm__side *side, uint64_t from, uint64_t up_to, uint32_t agent,
                           uint64_t *records, uint64_t *bytes) {
    uint64_t last = 0;
    bool has_birth = from <= side->born && side->born <= up_to;
    *records = *bytes = 0;
    if (agent == WSM__AGENT_NONE) return; /* though all may know of one that was merged into main */
    if (has_birth && birth_names_hidden(side)) {
        last = side->born;
        if (!wsm__side_birth_names_secrets(tree, side, agent) &&
            !wsm__side_names_secrets(tree, side, agent, side->born)) {
            ++*records;
            *bytes += side->born_bytes;
        }
    }
    for (uint32_t i = first_from(side, from); i < side->named.count && named_at(side, i)->offset <= up_to; i++) {
        if (named_at(side, i)->offset == last) continue; /* it names several */
        last = named_at(side, i)->offset;
        if (wsm__side_names_secrets(tree, side, agent, last)) continue;
        ++*records;
        *bytes += named_at(side, i)->bytes;
    }
}

bool wsm__side_has_secrets(const wsm__tree *tree, const wsm__side *side, uint32_t agent) {
    for (uint32_t i = 0; i < side->named.count; i++)
        if (!wsm__tree_knows(tree, named_at(side, i)->side, agent)) return true;
    return false;
}
