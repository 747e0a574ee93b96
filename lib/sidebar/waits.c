/* Waits and resume conditions: see waits.h. */
#include "sidebar/waits.h"

#include "wsm/error.h"

static const char *const words[] = {NULL, "human_input", "external_dependency", "other_sidebar", "system_resource"};

const char *wsm__waiting_word(wsm__waiting_for what) {
    return words[what];
}

wsm__waiting_for wsm__waiting_of(wsm_slice word) {
    for (int i = WSM__WAITING_HUMAN; i <= WSM__WAITING_RESOURCE; i++)
        if (wsm__slice_is(word, words[i])) return (wsm__waiting_for)i;
    return WSM__WAITING_NONE;
}

static wsm__side *wait_at(const wsm__side *side, uint32_t idx) {
    return *(wsm__side **)wsm__ring_at(&side->waits, idx);
}

int wsm__waits_prepare(wsm__tree *tree, wsm__side *side, uint32_t count) {
    return wsm__ring_reserve(&side->waits, tree->mem, count);
}

static bool waits_for(const wsm__side *side, const wsm__side *other) {
    for (uint32_t i = 0; i < side->waits.count; i++)
        if (wait_at(side, i) == other) return true;
    return false;
}

static void watch(wsm__tree *tree, wsm__side *side) {
    wsm__list_remove(&side->in_watching);
    if (side->waits.count > 0 || side->wake != WSM__WAKE_NONE) wsm__list_push(&tree->watching, &side->in_watching);
}

void wsm__waits_set(wsm__tree *tree, wsm__side *side, wsm__waiting_for what, wsm__text *text, wsm__side *const *on,
                    uint32_t count) {
    while (side->waits.count > 0) side->waits.count--; /* the room stays */
    side->waits.head = 0;
    side->waiting_for = (uint8_t)what;
    wsm__text_move(tree->mem, &side->waiting_text, text);
    for (uint32_t i = 0; i < count; i++) {
        if (on[i] == side || waits_for(side, on[i])) continue;
        *(wsm__side **)wsm__ring_push(&side->waits, NULL) = on[i]; /* reserved */
    }
    watch(tree, side);
}

bool wsm__waits_over(const wsm__side *side) {
    if (side->status != WSM__STATUS_WAITING || side->waiting_for != WSM__WAITING_SIDEBAR || side->waits.count == 0)
        return false;
    for (uint32_t i = 0; i < side->waits.count; i++)
        if (wsm__side_is_live(wait_at(side, i))) return false;
    return true;
}

/* A walk in depth with the way kept in `cycle`, without recursion: cycle[i] is the i-th on the way, and `next[i]` would
 * be where it goes on; since a node is entered once, its next wait is found again by looking for the one just left. */
static uint32_t next_wait(const wsm__side *side, const wsm__side *last) {
    uint32_t i = 0;
    if (!last) return 0;
    while (i < side->waits.count && wait_at(side, i) != last) i++;
    return i + 1;
}

uint32_t wsm__waits_cycle(wsm__tree *tree, wsm__side *side, wsm__side **cycle, uint32_t cap) {
    uint32_t depth = 1;
    const wsm__side *last = NULL;
    uint32_t walk = ++tree->walk;
    if (cap == 0) return 0;
    cycle[0] = side;
    while (depth > 0) {
        wsm__side *at = cycle[depth - 1];
        uint32_t idx = next_wait(at, last);
        last = NULL;
        if (at->status != WSM__STATUS_WAITING || idx >= at->waits.count || depth == cap) {
            last = at;
            depth--;
            continue;
        }
        wsm__side *next = wait_at(at, idx);
        if (next == side) return depth;
        if (next->mark == walk) {
            last = next;
            continue;
        }
        next->mark = walk;
        cycle[depth++] = next;
    }
    return 0;
}

wsm__side *wsm__waits_next(const wsm__tree *tree, const wsm__side *after) {
    wsm__list *node = after ? after->in_watching.next : tree->watching.next;
    return node == &tree->watching ? NULL : WSM__CONTAINER(node, wsm__side, in_watching);
}

/* ---- what resumes ---------------------------------------------------------------------------------------------------
 */

void wsm__wake_set(wsm__tree *tree, wsm__side *side, const wsm__condition *condition, wsm__text *text) {
    side->wake = (uint8_t)condition->kind;
    side->wake_side = condition->side;
    side->wake_ms =
        condition->time_ms > 0 ? condition->time_ms : 0; /* past is past; a snapshot has no numbers below 0 */
    wsm__text_move(tree->mem, &side->wake_text, text);
    watch(tree, side);
}

static bool watches(const wsm__side *side, wsm__wake what) {
    return side->status == WSM__STATUS_PAUSED && side->wake == what;
}

bool wsm__wake_is_met_by_end(const wsm__side *side) {
    return watches(side, WSM__WAKE_SIDEBAR) && !wsm__side_is_live(side->wake_side);
}

bool wsm__wake_is_met_by_time(const wsm__side *side, int64_t now_ms) {
    return watches(side, WSM__WAKE_TIME) && now_ms >= side->wake_ms;
}

bool wsm__wake_is_met_by_mention(const wsm__side *side, wsm_slice agent_id) {
    return watches(side, WSM__WAKE_MENTION) && wsm__slice_eq(agent_id, wsm__text_get(&side->wake_text));
}

bool wsm__wake_is_met_by_key(const wsm__side *side, const wsm__side *where, wsm_slice key) {
    return watches(side, WSM__WAKE_KEY) && (where == side || where == side->parent) &&
           wsm__slice_eq(key, wsm__text_get(&side->wake_text));
}
