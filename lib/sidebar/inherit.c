/* Views: see inherit.h. */
#include "sidebar/inherit.h"

static const char *const words[] = {"all", "last_n", "refs", "none"};

const char *wsm__inherit_word(wsm__inherit mode) {
    return words[mode];
}

bool wsm__inherit_of(wsm_slice word, wsm__inherit *mode) {
    for (int i = WSM__INHERIT_ALL; i <= WSM__INHERIT_NONE; i++)
        if (wsm__slice_is(word, words[i])) {
            *mode = (wsm__inherit)i;
            return true;
        }
    return false;
}

/* The last mark for which `is_before` holds of its offset or its number of records. */
static wsm__mark mark_before(const wsm__side *side, uint64_t offset, uint64_t records) {
    uint32_t low = 0, high = side->marks.count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const wsm__mark *mark = wsm__ring_at(&side->marks, mid);
        if (mark->offset <= offset && mark->records <= records)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 ? *(wsm__mark *)wsm__ring_at(&side->marks, low - 1) : (wsm__mark){0};
}

void wsm__side_count(const wsm__tree *tree, const wsm__side *side, uint64_t up_to, uint64_t *records, uint64_t *bytes) {
    (void)tree;
    *records = side->records;
    *bytes = side->bytes;
    if (up_to >= side->active) return;
    wsm__mark mark = mark_before(side, up_to, UINT64_MAX);
    *records = mark.records;
    *bytes = mark.bytes;
    if (side->context->trimmed_to > mark.offset) return; /* not all of what follows is in memory */
    const wsm__entry *entry = wsm__log_next_in(side->context, mark.offset);
    for (; entry && entry->offset <= up_to; entry = wsm__log_next_in(side->context, entry->offset)) {
        (*records)++;
        *bytes += wsm__frame_payload(entry->frame).len;
    }
}

/* The offset of the n-th last record up to `up_to`, or of one shortly before it. */
static uint64_t offset_of_last(const wsm__tree *tree, const wsm__side *side, uint64_t up_to, uint64_t n) {
    uint64_t records, bytes;
    const wsm__context *context = side->context;
    wsm__side_count(tree, side, up_to, &records, &bytes);
    if (records <= n) return 0;
    uint64_t skip = records - n; /* so many are before it */
    wsm__mark mark = mark_before(side, UINT64_MAX, skip);
    const wsm__entry *entry = wsm__log_next_in(context, mark.offset);
    if (context->trimmed_to > mark.offset) return mark.offset + 1;
    for (uint64_t at = mark.records; entry && at < skip; at++) entry = wsm__log_next_in(context, entry->offset);
    return entry ? entry->offset : mark.offset + 1;
}

static wsm__view view_of(const wsm__tree *tree, wsm__side *of, uint64_t from, uint64_t up_to,
                         const wsm__inherit_how *how) {
    wsm__view view = {.of = of, .from = from, .up_to = up_to, .mode = (uint8_t)how->mode};
    uint64_t records, bytes;
    if (how->mode >= WSM__INHERIT_REFS) return view;
    if (how->mode == WSM__INHERIT_LAST_N) {
        uint64_t last = how->n ? offset_of_last(tree, of, up_to, how->n) : up_to + 1;
        if (last > view.from) view.from = last;
    }
    wsm__side_count(tree, of, up_to, &view.records, &view.bytes);
    if (view.from == 0) return view;
    wsm__side_count(tree, of, view.from - 1, &records, &bytes);
    view.records -= records < view.records ? records : view.records;
    view.bytes -= bytes < view.bytes ? bytes : view.bytes;
    return view;
}

static bool has_view(const wsm__view *views, uint32_t count, const wsm__side *of) {
    for (uint32_t i = 0; i < count; i++)
        if (views[i].of == of) return true;
    return false;
}

uint32_t wsm__inherit_views(const wsm__tree *tree, wsm__side *parent, uint64_t up_to, const wsm__inherit_how *how,
                            wsm__view views[WSM__VIEWS_MAX]) {
    uint32_t count = 0;
    uint64_t depth = how->depth ? how->depth : UINT64_MAX;
    if (how->mode == WSM__INHERIT_NONE) return 0;
    views[count++] = view_of(tree, parent, 0, up_to, how);
    for (uint32_t i = 0; i < parent->views_count && i + 1 < depth && count < WSM__VIEWS_MAX; i++) {
        const wsm__view *theirs = &parent->views[i];
        wsm__inherit_how stricter = *how;
        if (theirs->mode == WSM__INHERIT_NONE || has_view(views, count, theirs->of)) continue;
        if (theirs->mode > stricter.mode && theirs->mode != WSM__INHERIT_LAST_N) stricter.mode = theirs->mode;
        wsm__view view = *theirs; /* what it counted when it was made still holds */
        uint64_t end = theirs->up_to < up_to ? theirs->up_to : up_to;
        if (stricter.mode != theirs->mode || stricter.mode == WSM__INHERIT_LAST_N || end != theirs->up_to)
            view = view_of(tree, theirs->of, theirs->from, end, &stricter);
        views[count++] = view;
    }
    return count;
}
