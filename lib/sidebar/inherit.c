/* Views: see inherit.h. */
#include "sidebar/inherit.h"

#include "proto/record.h"

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

/* The last mark with at most that offset and so many records. */
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
    wsm__mark last = low > 0 ? *(wsm__mark *)wsm__ring_at(&side->marks, low - 1) : (wsm__mark){0};
    for (uint32_t i = 0; i < side->learnt.count; i++) {
        const wsm__mark *mark = &((const wsm__learnt *)wsm__ring_at(&side->learnt, i))->mark;
        bool is_before = mark->offset <= offset && mark->records <= records && mark->records < WSM__UNCOUNTED;
        if (is_before && mark->offset > last.offset) last = *mark;
    }
    return last;
}

/* The first sum that is wanted is asked for, unless it was, and cannot be told. */
static void note_unread(const wsm__side *side, const wsm__mark *at, uint64_t up_to, uint64_t records,
                        wsm__unread *unread) {
    if (!unread || unread->side) return;
    for (uint32_t i = 0; i < side->learnt.count; i++) {
        const wsm__mark *mark = &((const wsm__learnt *)wsm__ring_at(&side->learnt, i))->mark;
        if (mark->records == WSM__UNCOUNTED && mark->offset > at->offset && mark->offset <= up_to) return;
    }
    *unread = (wsm__unread){.side = side, .at = *at, .up_to = up_to, .records = records};
}

/* The first mark behind `offset`; NULL: there is none. */
static const wsm__mark *mark_behind(const wsm__side *side, uint64_t offset) {
    uint32_t low = 0, high = side->marks.count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (((const wsm__mark *)wsm__ring_at(&side->marks, mid))->offset <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low < side->marks.count ? wsm__ring_at(&side->marks, low) : NULL;
}

static void count_on(const wsm__side *side, wsm__mark *mark, uint64_t up_to) {
    const wsm__entry *entry = wsm__log_next_in(side->context, mark->offset);
    for (; entry && entry->offset <= up_to; entry = wsm__log_next_in(side->context, entry->offset)) {
        mark->records++;
        mark->bytes += wsm__record_unnumbered_len(wsm__frame_payload(entry->frame));
    }
}

static bool count_up_to(const wsm__side *side, uint64_t up_to, uint64_t *records, uint64_t *bytes,
                        wsm__unread *unread) {
    wsm__mark at = {.offset = side->active, .records = side->records, .bytes = side->bytes};
    uint64_t trimmed = side->context->trimmed_to;
    bool is_known = true;
    if (up_to >= side->shown && up_to < side->active) { /* behind it nothing but names of hidden ones */
        uint64_t records_behind, bytes_behind;
        wsm__side_count_named(NULL, side, up_to + 1, side->active, WSM__AGENT_HUB, &records_behind, &bytes_behind);
        at.records -= records_behind;
        at.bytes -= bytes_behind;
    } else if (up_to < side->active) {
        wsm__mark before = mark_before(side, up_to, UINT64_MAX);
        const wsm__mark *behind = mark_behind(side, up_to);
        if (before.offset == up_to || trimmed <= before.offset) {
            count_on(side, &before, up_to);
            at = before;
        } else if (trimmed <= up_to) { /* what memory holds is taken from what is known behind it */
            wsm__mark rest = {.offset = up_to};
            if (behind) at = *behind;
            count_on(side, &rest, at.offset);
            at.records -= rest.records;
            at.bytes -= rest.bytes;
        } else {
            at = before;
            is_known = false;
            note_unread(side, &before, up_to, UINT64_MAX, unread);
        }
    }
    *records = at.records;
    *bytes = at.bytes;
    return is_known;
}

bool wsm__side_count(const wsm__side *side, uint64_t up_to, uint64_t *records, uint64_t *bytes) {
    return count_up_to(side, up_to, records, bytes, NULL);
}

/* The offset of the n-th last record up to `up_to`, or, where only the store could tell, of one shortly before it. */
static uint64_t offset_of_last(const wsm__side *side, uint64_t up_to, uint64_t n, wsm__unread *unread) {
    uint64_t records, bytes;
    const wsm__context *context = side->context;
    count_up_to(side, up_to, &records, &bytes, unread);
    if (records <= n) return 0;
    uint64_t skip = records - n; /* so many are before it */
    wsm__mark mark = mark_before(side, UINT64_MAX, skip);
    const wsm__entry *entry = wsm__log_next_in(context, mark.offset);
    if (context->trimmed_to <= mark.offset) {
        for (uint64_t at = mark.records; entry && at < skip; at++) entry = wsm__log_next_in(context, entry->offset);
        return entry ? entry->offset : mark.offset + 1;
    }
    uint64_t held = context->count, gone = side->records - held; /* memory begins behind so many */
    if (gone > skip || held == 0) {
        if (mark.records < skip) note_unread(side, &mark, up_to, skip, unread);
        return mark.offset + 1;
    }
    for (entry = wsm__log_next_in(context, context->trimmed_to); entry && gone < skip; gone++)
        entry = wsm__log_next_in(context, entry->offset);
    return entry ? entry->offset : mark.offset + 1;
}

/* From where on, up to `up_to`, an agent may read the records of a context without a hole; 0: all of them. */
static uint64_t seen_from(const wsm__side *side, uint32_t agent, uint64_t up_to) {
    uint64_t from = up_to + 1;
    if (agent == WSM__AGENT_HUB || wsm__side_is_main(side)) return 0;
    const wsm__member *member = wsm__side_member(side, agent);
    for (uint32_t i = member ? member->spans.count : 0; i > 0 && from > side->born; i--) {
        const wsm__span *span = wsm__ring_at(&member->spans, i - 1);
        if (span->to && span->to < from - 1) break;
        if (span->has_all) return 0;
        if (span->from < from) from = span->from;
    }
    return from <= side->born ? 0 : from;
}

/* The n that all may see: whoever knows of what others name sees these besides. */
static uint64_t offset_of_last_seen(const wsm__tree *tree, const wsm__side *side, uint64_t up_to, uint64_t n,
                                    wsm__unread *unread) {
    uint64_t records, bytes, most = n;
    for (;;) {
        uint64_t from = offset_of_last(side, up_to, most, unread);
        wsm__side_count_named(tree, side, from, up_to, WSM__AGENT_HUB, &records, &bytes);
        if (from == 0 || most >= n + records) return from;
        most = n + records;
    }
}

bool wsm__view_count(const wsm__tree *tree, const wsm__view *view, uint32_t agent, uint64_t *records, uint64_t *bytes) {
    *records = *bytes = 0;
    if (view->records == WSM__UNCOUNTED) return false;
    if (view->mode < WSM__INHERIT_REFS)
        wsm__side_count_named(tree, view->of, view->from, view->up_to, agent, records, bytes);
    *records += view->records;
    *bytes += view->bytes;
    return true;
}

static void count_view(const wsm__tree *tree, wsm__view *view, wsm__unread *unread) {
    uint64_t records = 0, bytes = 0;
    bool is_known = count_up_to(view->of, view->up_to, &view->records, &view->bytes, unread);
    if (view->from > view->up_to) {
        view->records = view->bytes = 0;
        return;
    }
    if (view->from) is_known = count_up_to(view->of, view->from - 1, &records, &bytes, unread) && is_known;
    if (!is_known) {
        view->records = view->bytes = WSM__UNCOUNTED;
        return;
    }
    view->records -= records;
    view->bytes -= bytes;
    wsm__side_count_named(tree, view->of, view->from, view->up_to, WSM__AGENT_HUB, &records, &bytes);
    view->records -= records;
    view->bytes -= bytes;
}

static wsm__view view_of(const wsm__tree *tree, wsm__side *of, uint64_t from, uint64_t up_to,
                         const wsm__inherit_how *how, wsm__unread *unread) {
    wsm__view view = {.of = of, .from = from, .up_to = up_to, .mode = (uint8_t)how->mode};
    if (how->mode >= WSM__INHERIT_REFS) return view;
    if (how->mode == WSM__INHERIT_LAST_N) {
        uint64_t last = how->n ? offset_of_last_seen(tree, of, up_to, how->n, unread) : up_to + 1;
        if (last > view.from) view.from = last;
    }
    count_view(tree, &view, unread);
    return view;
}

static bool has_view(const wsm__view *views, uint32_t count, const wsm__side *of) {
    for (uint32_t i = 0; i < count; i++)
        if (views[i].of == of) return true;
    return false;
}

uint32_t wsm__inherit_views(const wsm__tree *tree, wsm__side *parent, uint64_t up_to, uint32_t who,
                            const wsm__inherit_how *how, wsm__view views[WSM__VIEWS_MAX], wsm__unread *unread) {
    uint32_t count = 0;
    uint64_t depth = how->depth ? how->depth : UINT64_MAX;
    if (how->mode == WSM__INHERIT_NONE) return 0;
    views[count++] = view_of(tree, parent, seen_from(parent, who, up_to), up_to, how, unread);
    for (uint32_t i = 0; i < parent->views_count && i + 1 < depth && count < WSM__VIEWS_MAX; i++) {
        const wsm__view *theirs = &parent->views[i];
        wsm__inherit_how stricter = *how;
        if (theirs->mode == WSM__INHERIT_NONE || has_view(views, count, theirs->of)) continue;
        if (theirs->mode > stricter.mode && theirs->mode != WSM__INHERIT_LAST_N) stricter.mode = theirs->mode;
        wsm__view view = *theirs; /* what it counted when it was made still holds */
        uint64_t end = theirs->up_to < up_to ? theirs->up_to : up_to;
        if (stricter.mode != theirs->mode || stricter.mode == WSM__INHERIT_LAST_N || end != theirs->up_to)
            view = view_of(tree, theirs->of, theirs->from, end, &stricter, unread);
        else if (view.records == WSM__UNCOUNTED) /* it is of before there were figures for it */
            count_view(tree, &view, unread);
        views[count++] = view;
    }
    return count;
}
