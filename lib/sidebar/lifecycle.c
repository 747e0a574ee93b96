/* The table of transitions, and the one function that changes a status. */
#include "sidebar/lifecycle.h"

#include "wsm/error.h"

#define BIT(name) (1u << WSM__STATUS_##name)
#define BACK      (1u << WSM__STATUS_COUNT) /* to what it was before */

static const struct row {
    const char *word, *a2a;
    unsigned to;
} rows[WSM__STATUS_COUNT] = {
    [WSM__STATUS_ACTIVE] = {"active", "working",
                            BIT(TESTING) | BIT(PAUSED) | BIT(WAITING) | BIT(REVIEWING) | BIT(SPAWNING_CHILD) |
                                BIT(CONSOLIDATING) | BIT(FAILED)},
    [WSM__STATUS_TESTING] = {"testing", "working",
                             BIT(ACTIVE) | BIT(PAUSED) | BIT(WAITING) | BIT(REVIEWING) | BIT(FAILED)},
    [WSM__STATUS_PAUSED] = {"paused", "working", BACK | BIT(ARCHIVED) | BIT(FAILED)},
    [WSM__STATUS_WAITING] = {"waiting", "input-required", BIT(ACTIVE) | BIT(PAUSED) | BIT(FAILED)},
    [WSM__STATUS_REVIEWING] = {"reviewing", "working", BIT(ACTIVE) | BIT(CONSOLIDATING) | BIT(FAILED)},
    [WSM__STATUS_SPAWNING_CHILD] = {"spawning_child", "working", BACK},
    [WSM__STATUS_CONSOLIDATING] = {"consolidating", "working", BIT(MERGED) | BIT(REVIEWING) | BIT(FAILED)},
    [WSM__STATUS_MERGED] = {"merged", "completed", BIT(ARCHIVED)},
    [WSM__STATUS_ARCHIVED] = {"archived", "canceled", 0},
    [WSM__STATUS_FAILED] = {"failed", "failed", BIT(ARCHIVED)},
};

const char *wsm__status_word(wsm__status status) {
    return status > WSM__STATUS_NONE && status < WSM__STATUS_COUNT ? rows[status].word : NULL;
}

const char *wsm__status_a2a(wsm__status status) {
    return status > WSM__STATUS_NONE && status < WSM__STATUS_COUNT ? rows[status].a2a : NULL;
}

wsm__status wsm__status_of(wsm_slice word) {
    for (int i = WSM__STATUS_ACTIVE; i < WSM__STATUS_COUNT; i++)
        if (wsm__slice_is(word, rows[i].word)) return (wsm__status)i;
    return WSM__STATUS_NONE;
}

bool wsm__status_may(wsm__status from, wsm__status before, wsm__status to) {
    if (from <= WSM__STATUS_NONE || from >= WSM__STATUS_COUNT || to <= WSM__STATUS_NONE || to >= WSM__STATUS_COUNT)
        return false;
    if (rows[from].to & (1u << to)) return true;
    return (rows[from].to & BACK) && before == to;
}

static wsm__no no(int err, const char *field, const char *why) {
    return (wsm__no){err, field, why};
}

/* Why a change is refused, as exactly as a static sentence can say. */
static const char *sentence(wsm__status from) {
    static const char *const sentences[WSM__STATUS_COUNT] = {
        [WSM__STATUS_ACTIVE] = "an active sidebar cannot become that at once",
        [WSM__STATUS_TESTING] = "a sidebar that is testing cannot become that",
        [WSM__STATUS_PAUSED] = "a paused sidebar resumes to what it was, is archived, or fails",
        [WSM__STATUS_WAITING] = "a waiting sidebar becomes active, paused or failed",
        [WSM__STATUS_REVIEWING] = "a sidebar in review becomes active, consolidating or failed",
        [WSM__STATUS_SPAWNING_CHILD] = "a sidebar that spawns a child becomes what it was",
        [WSM__STATUS_CONSOLIDATING] = "a consolidating sidebar is merged, goes back to review, or fails",
        [WSM__STATUS_MERGED] = "a merged sidebar can only be archived",
        [WSM__STATUS_ARCHIVED] = "an archived sidebar does not change; it can be forked",
        [WSM__STATUS_FAILED] = "a failed sidebar can only be archived",
    };
    return sentences[from];
}

wsm__no wsm__change_no(const wsm__side *side, const wsm__change *change, const char *field) {
    if (change->has_if_version && change->if_version != side->version)
        return no(WSM_ERR_CONFLICT, "if_version", "if_version: the status has another version");
    if (!wsm__status_may((wsm__status)side->status, (wsm__status)side->before, change->to))
        return no(WSM_ERR_INVALID_TRANSITION, field, sentence((wsm__status)side->status));
    if (change->to == WSM__STATUS_FAILED && !change->has_reason)
        return no(WSM_ERR_BAD_MESSAGE, "reason", "reason: expected, because failed needs one");
    return no(WSM_OK, NULL, NULL);
}

wsm__status wsm__side_resumes_to(const wsm__side *side) {
    return side->status == WSM__STATUS_PAUSED ? (wsm__status)side->before : WSM__STATUS_NONE;
}

static void forget_waits(wsm__tree *tree, wsm__side *side) {
    while (side->waits.count > 0) wsm__ring_pop_back(&side->waits, tree->mem);
    wsm__text_free(tree->mem, &side->waiting_text);
    side->waiting_for = 0;
}

static void forget_wake(wsm__tree *tree, wsm__side *side) {
    wsm__text_free(tree->mem, &side->wake_text);
    side->wake = WSM__WAKE_NONE;
    side->is_woken = false;
    side->wake_side = NULL;
    side->wake_ms = 0;
}

void wsm__side_to(wsm__tree *tree, wsm__side *side, wsm__status status) {
    wsm__status old = (wsm__status)side->status;
    bool was_live = wsm__side_is_live(side);
    bool comes_back = (status == WSM__STATUS_PAUSED || status == WSM__STATUS_SPAWNING_CHILD);
    if (status == WSM__STATUS_ARCHIVED) side->final = (uint8_t)(old == WSM__STATUS_PAUSED ? side->before : old);
    side->before = (uint8_t)(comes_back ? old : WSM__STATUS_NONE);
    side->status = (uint8_t)status;
    side->version++;
    if (status != WSM__STATUS_PAUSED) forget_wake(tree, side);
    if (status != WSM__STATUS_WAITING && !(comes_back && old == WSM__STATUS_WAITING)) forget_waits(tree, side);
    if (side->waits.count == 0 && side->wake == WSM__WAKE_NONE) wsm__list_remove(&side->in_watching);
    if (status != WSM__STATUS_CONSOLIDATING) side->is_offered = false;
    if (was_live && !wsm__side_is_live(side)) wsm__tree_died(tree, side);
}
