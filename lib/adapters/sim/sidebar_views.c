/* What a sidebar inherits, by its first record: from where it may, no more than who made it could read, and as much as
 * that record says. */
#include <stdio.h>
#include <string.h>

#include "fold.h"

typedef unsigned long long ull;

static bool is_in_view(const wsm__sim_entry *entry, const wsm__sim_view *view, uint64_t offset) {
    return entry->state == WSM__SIM_ENTRY_RECORD && entry->context == view->of && offset >= view->from &&
           offset <= view->up_to;
}

/* What whoever begins a sidebar sees there himself he may hand on: as a member, or through a view. */
static bool may_hand_on(const wsm__sim_fold *fold, const wsm__sim_side *from, const wsm__sim_view *view,
                        uint64_t offset) {
    if (view->of == from->idx)
        return fold->sender == WSM__SIM_NOBODY || wsm__sim_side_admits(from, fold->sender, offset);
    for (uint32_t i = 0; i < from->views_count; i++)
        if (from->views[i].of == view->of) return offset >= from->views[i].from && offset <= from->views[i].up_to;
    return false;
}

static bool is_above(const wsm__sim_side *from, uint32_t of) {
    for (uint32_t i = 0; i < from->views_count; i++)
        if (from->views[i].of == of) return true;
    return from->idx == of;
}

/* It names a hidden sidebar beside its own: what all are told of how much there is does not count it, since not all may
 * read it. What a merge brings is its parent's, with the name. */
static bool names_hidden(const wsm__sim_fold *fold, const wsm__sim_entry *entry) {
    const char *id = entry->op == WSM__SIM_OP_MERGE || entry->op == WSM__SIM_OP_DECIDE ? NULL : entry->json;
    while (id && (id = strstr(id, "\"sb-")) != NULL) {
        size_t len = strcspn(++id, "\"");
        const wsm__sim_side *named = wsm__sim_side_find(fold->sides, id, len);
        if (named && named->idx != entry->context && named->is_hidden) return true;
    }
    return false;
}

/* Record by record, where the hub has told every record as it was appended. */
static void check_view(const wsm__sim_fold *fold, const wsm__sim_side *from, const wsm__sim_view *view, uint32_t node) {
    uint64_t records = 0, bytes = 0, said_records = 0, said_bytes = 0;
    for (uint64_t offset = 1; view->shows_records && offset <= view->up_to; offset++) {
        const wsm__sim_entry *entry = wsm__sim_oracle_entry(fold->epoch, offset);
        if (!entry || !is_in_view(entry, view, offset)) continue;
        if (!names_hidden(fold, entry)) {
            records++;
            bytes += entry->len - (entry->seq > 0 ? (uint64_t)snprintf(NULL, 0, ",\"seq\":%llu", (ull)entry->seq) : 0);
        }
        if (!may_hand_on(fold, from, view, offset))
            wsm__sim_break(fold->sim, "I-40",
                           "offset %llu lets others read offset %llu of %s, which its sender may not",
                           (ull)fold->offset, (ull)offset, fold->sides->at[view->of]->id);
    }
    bool is_said = wsm__sim_json_uint(fold->json, wsm__sim_json_member(fold->json, node, "records"), &said_records) &&
                   wsm__sim_json_uint(fold->json, wsm__sim_json_member(fold->json, node, "bytes"), &said_bytes);
    if (!is_said || fold->epoch->broken > 0) return;
    wsm__sim_fold_expect(fold, records == said_records && bytes == said_bytes, "it inherits more or less than it says");
}

void wsm__sim_fold_views(const wsm__sim_fold *fold, wsm__sim_side *side, const wsm__sim_side *from) {
    const wsm__sim_json *json = fold->json;
    uint32_t list = wsm__sim_fold_field(fold, "inherited_context");
    for (uint32_t node = wsm__sim_json_first(json, list); node; node = wsm__sim_json_next(json, node)) {
        const wsm__sim_side *of = wsm__sim_fold_side(fold, wsm__sim_json_member(json, node, "context_id"));
        uint32_t mode = wsm__sim_json_member(json, node, "mode");
        wsm__sim_view view = {.of = of ? of->idx : 0};
        view.shows_records = wsm__sim_json_is(json, mode, "all") || wsm__sim_json_is(json, mode, "last_n");
        wsm__sim_json_uint(json, wsm__sim_json_member(json, node, "from_offset"), &view.from);
        wsm__sim_json_uint(json, wsm__sim_json_member(json, node, "up_to_offset"), &view.up_to);
        wsm__sim_fold_expect(fold, of && is_above(from, of->idx), "it inherits from a context that is not above it");
        wsm__sim_fold_expect(fold, view.up_to < fold->offset, "it inherits what is still to come");
        if (!of || side->views_count == WSM__SIM_VIEWS || view.up_to >= fold->offset) continue;
        check_view(fold, from, &view, node);
        side->views[side->views_count++] = view;
    }
}
