/* The rules of sidebars, once more and from the design's text: which status may follow which, what a name stands for,
 * what a merge brings to the parent, who waits for whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "sides.h"

/* ---- status ---------------------------------------------------------------------------------------------------------
 */

static const struct row {
    const char *word;
    wsm__sim_status to[8]; /* ends with NO_STATUS */
} rows[WSM__SIM_STATUSES] = {
    [WSM__SIM_NO_STATUS] = {NULL, {WSM__SIM_NO_STATUS}},
    [WSM__SIM_ACTIVE] = {"active",
                         {WSM__SIM_TESTING, WSM__SIM_PAUSED, WSM__SIM_WAITS_FOR, WSM__SIM_REVIEWING, WSM__SIM_SPAWNING,
                          WSM__SIM_CONSOLIDATING, WSM__SIM_FAILED}},
    [WSM__SIM_TESTING] = {"testing",
                          {WSM__SIM_ACTIVE, WSM__SIM_PAUSED, WSM__SIM_WAITS_FOR, WSM__SIM_REVIEWING, WSM__SIM_FAILED}},
    [WSM__SIM_PAUSED] = {"paused", {WSM__SIM_ARCHIVED, WSM__SIM_FAILED}},
    [WSM__SIM_WAITS_FOR] = {"waiting", {WSM__SIM_ACTIVE, WSM__SIM_PAUSED, WSM__SIM_FAILED}},
    [WSM__SIM_REVIEWING] = {"reviewing", {WSM__SIM_ACTIVE, WSM__SIM_CONSOLIDATING, WSM__SIM_FAILED}},
    [WSM__SIM_SPAWNING] = {"spawning_child", {WSM__SIM_NO_STATUS}},
    [WSM__SIM_CONSOLIDATING] = {"consolidating", {WSM__SIM_MERGED, WSM__SIM_REVIEWING, WSM__SIM_FAILED}},
    [WSM__SIM_MERGED] = {"merged", {WSM__SIM_ARCHIVED}},
    [WSM__SIM_ARCHIVED] = {"archived", {WSM__SIM_NO_STATUS}},
    [WSM__SIM_FAILED] = {"failed", {WSM__SIM_ARCHIVED}},
};

const char *wsm__sim_status_word(wsm__sim_status status) {
    return rows[status].word;
}

wsm__sim_status wsm__sim_status_of(const char *word) {
    for (int i = WSM__SIM_ACTIVE; i < WSM__SIM_STATUSES; i++)
        if (strcmp(rows[i].word, word) == 0) return (wsm__sim_status)i;
    return WSM__SIM_NO_STATUS;
}

bool wsm__sim_side_is_live(const wsm__sim_side *side) {
    return side->status != WSM__SIM_MERGED && side->status != WSM__SIM_ARCHIVED && side->status != WSM__SIM_FAILED;
}

static bool comes_back(int status) {
    return status == WSM__SIM_PAUSED || status == WSM__SIM_SPAWNING;
}

bool wsm__sim_status_may(const wsm__sim_side *side, wsm__sim_status to) {
    if (comes_back(side->status) && side->before == (uint8_t)to) return true;
    for (size_t i = 0; rows[side->status].to[i] != WSM__SIM_NO_STATUS; i++)
        if (rows[side->status].to[i] == to) return true;
    return false;
}

void wsm__sim_status_set(wsm__sim_sides *sides, wsm__sim_side *side, wsm__sim_status to) {
    uint8_t old = side->status;
    bool was_live = wsm__sim_side_is_live(side);
    if (to == WSM__SIM_ARCHIVED) side->final = old == WSM__SIM_PAUSED ? side->before : old;
    side->before = comes_back((int)to) ? old : WSM__SIM_NO_STATUS;
    side->status = (uint8_t)to;
    side->version++;
    if (to != WSM__SIM_PAUSED) {
        side->wake_side = WSM__SIM_NO_SIDE;
        side->wake_ms = 0;
    }
    if (to != WSM__SIM_WAITS_FOR && !(comes_back((int)to) && old == WSM__SIM_WAITS_FOR)) side->waits_count = 0;
    if (to != WSM__SIM_CONSOLIDATING) side->is_offered = false;
    if (was_live && !wsm__sim_side_is_live(side)) sides->live--;
}

/* ---- data references ------------------------------------------------------------------------------------------------
 */

wsm__sim_ref *wsm__sim_ref_of(wsm__sim_side *side, const char *name, bool make) {
    for (uint32_t i = 0; i < side->refs_count; i++)
        if (strcmp(side->refs[i].name, name) == 0) return &side->refs[i];
    if (!make) return NULL;
    if (side->refs_count == side->refs_cap) {
        side->refs_cap = side->refs_cap ? side->refs_cap * 2 : 4;
        side->refs = wsm__sim_resize(side->refs, side->refs_cap * sizeof *side->refs);
    }
    wsm__sim_ref *ref = &side->refs[side->refs_count++];
    *ref = (wsm__sim_ref){.count = 0};
    snprintf(ref->name, sizeof ref->name, "%s", name);
    return ref;
}

static const wsm__sim_value *last_of(const wsm__sim_ref *ref) {
    return ref && ref->count ? &ref->values[ref->count - 1] : NULL;
}

const wsm__sim_value *wsm__sim_ref_last(const wsm__sim_side *side, const char *name) {
    for (uint32_t i = 0; i < side->refs_count; i++)
        if (strcmp(side->refs[i].name, name) == 0) return last_of(&side->refs[i]);
    return NULL;
}

void wsm__sim_ref_set(wsm__sim_side *side, const char *name, uint64_t offset, const char *json, size_t len) {
    wsm__sim_ref *ref = wsm__sim_ref_of(side, name, true);
    const wsm__sim_value *last = last_of(ref);
    uint64_t version = last ? last->version + 1 : 1;
    if (ref->count == ref->cap) {
        ref->cap = ref->cap ? ref->cap * 2 : 4;
        ref->values = wsm__sim_resize(ref->values, ref->cap * sizeof *ref->values);
    }
    ref->values[ref->count++] = (wsm__sim_value){offset, version, json ? wsm__sim_copy(json, len) : NULL};
}

static const wsm__sim_value *value_at(const wsm__sim_side *side, const char *name, uint64_t up_to) {
    const wsm__sim_ref *ref = wsm__sim_ref_of((wsm__sim_side *)side, name, false);
    for (uint32_t i = ref ? ref->count : 0; i > 0; i--)
        if (ref->values[i - 1].offset <= up_to) return &ref->values[i - 1];
    return NULL;
}

const wsm__sim_value *wsm__sim_ref_seen(const wsm__sim_sides *sides, const wsm__sim_side *side, const char *name,
                                        const wsm__sim_side **where) {
    const wsm__sim_value *value = value_at(side, name, UINT64_MAX);
    *where = side;
    for (uint32_t i = 0; !value && i < side->views_count; i++) {
        *where = sides->at[side->views[i].of];
        value = value_at(*where, name, side->views[i].up_to);
    }
    return value && value->json ? value : NULL;
}

static bool is_same(const wsm__sim_value *a, const wsm__sim_value *b) {
    if (!a->json || !b->json) return !a->json && !b->json;
    return strcmp(a->json, b->json) == 0;
}

/* What was changed on both sides since the child began is a conflict. */
static void merge_one(wsm__sim_side *parent, const wsm__sim_side *side, const char *name, uint64_t since,
                      uint64_t offset) {
    char beside[192];
    const wsm__sim_value *ours = wsm__sim_ref_last(side, name), *theirs = wsm__sim_ref_last(parent, name);
    if (!ours) return;
    bool is_conflict = theirs && theirs->offset > since && !is_same(theirs, ours);
    size_t len = ours->json ? strlen(ours->json) : 0;
    if (is_conflict && side->policy == 1) return;
    if (is_conflict && side->policy == 0) {
        snprintf(beside, sizeof beside, "%.150s@%.32s", name, side->id);
        if (ours->json) wsm__sim_ref_set(parent, beside, offset, ours->json, len);
    } else if (theirs ? !is_same(theirs, ours) : ours->json != NULL) {
        wsm__sim_ref_set(parent, name, offset, ours->json, len);
    }
}

void wsm__sim_refs_merge(wsm__sim_sides *sides, const wsm__sim_side *side, uint64_t offset) {
    uint64_t since = side->born;
    for (uint32_t i = side->views_count; i > 0; i--)
        if (side->views[i - 1].of == side->parent) since = side->views[i - 1].up_to;
    for (uint32_t i = 0; i < side->refs_count; i++)
        merge_one(sides->at[side->parent], side, side->refs[i].name, since, offset);
}

/* ---- waits ----------------------------------------------------------------------------------------------------------
 */

/* Whether one comes back to it along waits: spread from where it waits, until nothing new is reached. */
bool wsm__sim_waits_in_circle(const wsm__sim_sides *sides, const wsm__sim_side *side) {
    bool grows = true;
    unsigned char *reached = wsm__sim_zalloc(sides->count);
    if (side->status == WSM__SIM_WAITS_FOR)
        for (uint32_t i = 0; i < side->waits_count; i++) reached[side->waits[i]] = 1;
    while (grows) {
        grows = false;
        for (uint32_t i = 1; i < sides->count; i++) {
            const wsm__sim_side *at = sides->at[i];
            if (reached[i] != 1 || at->status != WSM__SIM_WAITS_FOR) continue;
            reached[i] = 2;
            for (uint32_t k = 0; k < at->waits_count; k++)
                if (!reached[at->waits[k]]) reached[at->waits[k]] = 1;
            grows = true;
        }
    }
    bool is_circle = reached[side->idx] != 0;
    free(reached);
    return is_circle;
}
