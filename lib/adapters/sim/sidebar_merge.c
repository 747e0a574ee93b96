/* Merges, in the model: what they carry is what the sidebar held, and either all of it has happened or nothing. */
#include <stdlib.h>
#include <string.h>

#include "fold.h"

static bool has_live_child(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    for (uint32_t i = 1; i < fold->sides->count; i++) {
        const wsm__sim_side *child = fold->sides->at[i];
        bool is_known = fold->sender == WSM__SIM_NOBODY || !child->is_private ||
                        wsm__sim_is_in(child->members | child->asked, fold->sender);
        if (child->parent == side->idx && wsm__sim_side_is_live(child) && is_known) return true;
    }
    return false;
}

/* The newest value of each name that was set in the sidebar, and nothing else. */
static bool has_the_refs(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    uint32_t refs = wsm__sim_fold_field(fold, "new_data_refs"), matched = 0;
    for (uint32_t i = 0; i < side->refs_count; i++) {
        size_t len;
        const wsm__sim_value *last = wsm__sim_ref_last(side, side->refs[i].name);
        uint32_t node = wsm__sim_json_member(fold->json, refs, side->refs[i].name);
        const char *raw = wsm__sim_json_raw(fold->json, node, &len);
        const char *want = last->json ? last->json : "null";
        if (!node || strlen(want) != len || memcmp(raw, want, len) != 0) return false;
        matched++;
    }
    return wsm__sim_json_count(fold->json, refs) == matched;
}

static bool is_update_of(const wsm__sim_entry *entry, const wsm__sim_side *side) {
    return entry->context == side->idx && entry->op == WSM__SIM_OP_UPDATE && entry->command != WSM__SIM_NOBODY &&
           entry->state != WSM__SIM_ENTRY_NONE;
}

static bool is_whole(const wsm__sim_fold *fold, uint32_t node, const wsm__sim_entry *entry) {
    size_t len;
    const wsm__sim_command *command = &fold->sim->oracle.commands[entry->command];
    const char *want = command->exchange[entry->variant];
    const char *raw = wsm__sim_json_raw(fold->json, wsm__sim_json_member(fold->json, node, "exchange"), &len);
    return raw && strlen(want) == len && memcmp(raw, want, len) == 0;
}

static bool carries_all(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    bool is_vague = wsm__sim_broken(fold->node) > 0 || fold->node->cannot_read ||
                    wsm__sim_store_readable(&fold->node->store) > side->born;
    return fold->command && fold->command->wants_all && !is_vague && fold->node->store.loaded_from <= side->born;
}

/* All of them, in order, unless the log has forgotten some; what came after the merge was asked for may be missing. */
static void check_all(const wsm__sim_fold *fold, const wsm__sim_side *side, uint64_t from, uint64_t to) {
    if (!carries_all(fold, side)) return;
    for (uint64_t o = from + 1; o < to; o++)
        wsm__sim_fold_expect(fold, !is_update_of(&fold->epoch->entries[o - 1], side), "an update is left out");
}

/* What its sender had said there before, on the same connection and only once, was at least on its way; unless it was
 * said to be lost, and appeared later. */
static bool is_said_before(const wsm__sim_fold *fold, uint64_t offset) {
    const wsm__sim_store *store = &fold->node->store;
    const wsm__sim_entry *entry = &fold->epoch->entries[offset - 1];
    const wsm__sim_command *merge = fold->command, *said = &fold->sim->oracle.commands[entry->command];
    bool is_once = said->sends[0] + said->sends[1] == 1 && merge->sends[0] == 1;
    bool was_failed = offset <= store->count && store->records[offset - 1].was_failed;
    return is_once && !was_failed && said->client == merge->client && said->line_life == merge->line_life &&
           said->line_order < merge->line_order;
}

static void check_last(const wsm__sim_fold *fold, const wsm__sim_side *side, uint64_t from) {
    if (!carries_all(fold, side)) return;
    for (uint64_t o = from + 1; o < fold->offset; o++)
        wsm__sim_fold_expect(fold, !is_update_of(&fold->epoch->entries[o - 1], side) || !is_said_before(fold, o),
                             "what its sender said just before is left out");
}

static void check_exchanges(const wsm__sim_fold *fold, const wsm__sim_side *side) {
    uint64_t last = side->born;
    uint32_t list = wsm__sim_fold_field(fold, "exchanges_to_merge");
    for (uint32_t node = wsm__sim_json_first(fold->json, list); node; node = wsm__sim_json_next(fold->json, node)) {
        uint64_t offset = 0;
        wsm__sim_json_uint(fold->json, wsm__sim_json_member(fold->json, node, "offset"), &offset);
        const wsm__sim_entry *entry = wsm__sim_oracle_entry(fold->epoch, offset);
        bool is_there = entry && is_update_of(entry, side);
        wsm__sim_fold_expect(fold, is_there && offset > last, "it brings what is no update of the sidebar");
        if (!is_there || wsm__sim_is_broken(fold->sim)) return;
        wsm__sim_fold_expect(fold, is_whole(fold, node, entry), "it brings an update with other content");
        check_all(fold, side, last, offset);
        last = offset;
    }
    check_last(fold, side, last);
}

static void end(const wsm__sim_fold *fold, wsm__sim_side *side) {
    wsm__sim_refs_merge(fold->sides, side, fold->offset);
    fold->sides->at[side->parent]->touched = fold->offset;
    wsm__sim_status_set(fold->sides, side, WSM__SIM_MERGED);
}

void wsm__sim_fold_merge(wsm__sim_fold *fold, wsm__sim_side *side) {
    bool leads = fold->sender == WSM__SIM_NOBODY ||
                 (wsm__sim_is_in(side->members, fold->sender) &&
                  (side->coordinator == WSM__SIM_NOBODY || side->coordinator == fold->sender));
    bool is_at = side->status == WSM__SIM_CONSOLIDATING;
    wsm__sim_fold_expect(fold, leads, "it comes from one who does not lead");
    wsm__sim_fold_expect(fold, !side->is_offered, "it is merged a second time before the first is decided");
    wsm__sim_fold_expect(fold, is_at || wsm__sim_status_may(side, WSM__SIM_CONSOLIDATING), "it may not be merged");
    wsm__sim_fold_expect(fold, !has_live_child(fold, side), "it is merged before its children");
    wsm__sim_fold_expect(fold, has_the_refs(fold, side), "it brings other data references than the sidebar has");
    check_exchanges(fold, side);
    fold->entry->also = side->idx;
    side->touched = side->merged_at = fold->offset;
    if (!is_at) wsm__sim_status_set(fold->sides, side, WSM__SIM_CONSOLIDATING);
    if (side->is_reviewed)
        side->is_offered = true;
    else
        end(fold, side);
}

void wsm__sim_fold_decide(wsm__sim_fold *fold, wsm__sim_side *side) {
    uint32_t accept = wsm__sim_fold_field(fold, "accept");
    const wsm__sim_side *parent = fold->sides->at[side->parent];
    bool takes_none =
        wsm__sim_json_is(fold->json, accept, "none") ||
        (wsm__sim_json_type(fold->json, accept) == WSM__SIM_ARRAY && !wsm__sim_json_first(fold->json, accept));
    bool may = fold->sender == WSM__SIM_NOBODY || parent->idx == 0 || wsm__sim_is_in(parent->members, fold->sender);
    wsm__sim_fold_expect(fold, may, "one decides who is no member of the parent");
    wsm__sim_fold_expect(fold, side->is_offered, "no merge waits for a decision");
    fold->entry->also = side->idx;
    side->touched = fold->offset;
    if (takes_none)
        wsm__sim_status_set(fold->sides, side, WSM__SIM_REVIEWING);
    else
        end(fold, side);
}
