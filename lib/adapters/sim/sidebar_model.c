/* The tree of sidebars, and who belongs to them; sidebar_fold.c is what a record does to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "oracle.h"
#include "sides.h"

void wsm__sim_sides_init(wsm__sim_sides *sides) {
    *sides = (wsm__sim_sides){.count = 0};
    wsm__sim_side_new(sides, "main", 0);
    sides->live = 0;
}

static void side_free(wsm__sim_side *side) {
    for (uint32_t i = 0; i < side->refs_count; i++) {
        for (uint32_t k = 0; k < side->refs[i].count; k++) free(side->refs[i].values[k].json);
        free(side->refs[i].values);
    }
    free(side->refs);
    free(side->spans);
    free(side->namers);
    free(side);
}

void wsm__sim_sides_fini(wsm__sim_sides *sides) {
    for (uint32_t i = 0; i < sides->count; i++) side_free(sides->at[i]);
    free(sides->at);
    *sides = (wsm__sim_sides){.count = 0};
}

wsm__sim_side *wsm__sim_side_new(wsm__sim_sides *sides, const char *id, uint32_t parent) {
    if (sides->count == sides->cap) {
        sides->cap = sides->cap ? sides->cap * 2 : 8;
        sides->at = wsm__sim_resize(sides->at, sides->cap * sizeof(wsm__sim_side *));
    }
    wsm__sim_side *side = wsm__sim_zalloc(sizeof *side);
    snprintf(side->id, sizeof side->id, "%s", id);
    side->idx = sides->count;
    side->parent = parent;
    side->forked_from = side->wake_side = WSM__SIM_NO_SIDE;
    side->coordinator = side->command = WSM__SIM_NOBODY;
    side->status = WSM__SIM_ACTIVE;
    side->priority = WSM_PRIORITY_NORMAL;
    sides->at[sides->count++] = side;
    sides->live++;
    return side;
}

wsm__sim_side *wsm__sim_side_find(const wsm__sim_sides *sides, const char *id, size_t len) {
    for (uint32_t i = sides->count; i > 0; i--) {
        wsm__sim_side *side = sides->at[i - 1];
        if (strlen(side->id) == len && memcmp(side->id, id, len) == 0) return side;
    }
    return NULL;
}

/* ---- who belongs ----------------------------------------------------------------------------------------------------
 */

bool wsm__sim_side_admits(const wsm__sim_side *side, uint32_t agent, uint64_t offset) {
    if (side->idx == 0) return true;
    for (uint32_t i = 0; i < side->spans_count; i++) {
        const wsm__sim_span *span = &side->spans[i];
        if (span->agent == agent && (span->has_all || span->from <= offset) && (!span->to || offset <= span->to))
            return true;
    }
    return false;
}

bool wsm__sim_side_owes(const wsm__sim_side *side, uint32_t agent, uint64_t offset) {
    if (side->idx == 0) return true;
    if (!(side->members >> agent & 1)) return false;
    for (uint32_t i = side->spans_count; i > 0; i--)
        if (side->spans[i - 1].agent == agent) return side->spans[i - 1].from <= offset;
    return false;
}

bool wsm__sim_side_had(const wsm__sim_side *side, uint32_t agent, uint64_t since) {
    if (side->idx == 0) return true;
    for (uint32_t i = 0; i < side->spans_count; i++)
        if (side->spans[i].agent == agent && (!side->spans[i].to || side->spans[i].to > since)) return true;
    return false;
}

/* A sidebar's name stands in its own records and in those of others: of its children and forks, of the parent when it
 * is merged, and of whoever refers to it. Who is in one of these contexts has been told. Of an open one everybody knows
 * who knows its parent. */
bool wsm__sim_side_is_known(const wsm__sim_sides *sides, const wsm__sim_side *side, uint32_t agent) {
    for (;; side = sides->at[side->parent]) {
        if (side->idx == 0 || (side->ever >> agent & 1)) return true;
        for (uint32_t i = 0; i < side->namers_count; i++) {
            const wsm__sim_side *namer = sides->at[side->namers[i]];
            if (namer->idx == 0 || (namer->ever >> agent & 1)) return true;
        }
        if (side->is_private) return false;
    }
}
