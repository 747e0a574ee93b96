/* Saving the tree: see tree_state.h.
 *
 *     [{"id":"main","active":9,"active_ms":…,"records":9,"bytes":2048,"marks":[[64,64,9000]],"refs":[["name",
 *       [[9,2,0,"value"],[4,1,0]]]],"born_ms":…},
 *      {"id":"sb-…","parent":"main","fork":null,"n":[creator, coordinator, status, before, final, priority, flags,
 * policy, version, born, born_ms, merged_at],"task":"…",…,"members":[[agent, invited, is_member, from, to, …]],
 *       "views":[["main", from, up_to, mode, records,
 * bytes]],"cross":["main"],"named":[[9,"sb-…",200]],"wait":[what],"waits":["sb-…"],…}]
 *
 * A value of a reference is [offset, version, agent, value], a removal has no fourth. Numbers that mean "none" are
 * 2^32-1. */
#include "sidebar/tree_state.h"

#include "proto/json_out.h"
#include "sidebar/data_refs.h"
#include "util/siphash.h"
#include "wsm/error.h"

static void put_num(wsm__buf *buf, uint64_t number) { /* an element of an array that began with '[' */
    if (buf->len > 0 && buf->ptr[buf->len - 1] != '[') wsm__buf_putc(buf, ',');
    wsm__buf_put_u64(buf, number);
}

static void put_id(wsm__buf *buf, const wsm__side *side) {
    if (buf->len > 0 && buf->ptr[buf->len - 1] != '[') wsm__buf_putc(buf, ',');
    wsm__json_put_string(buf, wsm__side_id(side));
}

static void open_array(wsm__buf *buf) {
    if (buf->len > 0 && buf->ptr[buf->len - 1] != '[' && buf->ptr[buf->len - 1] != ':') wsm__buf_putc(buf, ',');
    wsm__buf_putc(buf, '[');
}

static void put_sides(wsm__json_out *out, const char *name, const wsm__ring *sides) {
    wsm__json_name(out, name);
    wsm__buf_putc(out->buf, '[');
    for (uint32_t i = 0; i < sides->count; i++) put_id(out->buf, *(wsm__side **)wsm__ring_at(sides, i));
    wsm__buf_putc(out->buf, ']');
}

static void put_text(wsm__json_out *out, const char *name, const wsm__text *text) {
    if (text->ptr) wsm__json_raw(out, name, wsm__text_get(text));
}

static void put_marks(wsm__json_out *out, const wsm__side *side) {
    wsm__json_name(out, "marks");
    wsm__buf_putc(out->buf, '[');
    for (uint32_t i = 0; i < side->marks.count; i++) {
        const wsm__mark *mark = wsm__ring_at(&side->marks, i);
        open_array(out->buf);
        put_num(out->buf, mark->offset);
        put_num(out->buf, mark->records);
        put_num(out->buf, mark->bytes);
        wsm__buf_putc(out->buf, ']');
    }
    wsm__buf_putc(out->buf, ']');
}

static void put_values(wsm__buf *buf, const wsm__ref *ref) {
    for (const wsm__value *value = ref->newest; value; value = value->older) {
        open_array(buf);
        put_num(buf, value->offset);
        put_num(buf, value->version);
        put_num(buf, value->agent);
        if (!value->is_removal) {
            wsm__buf_putc(buf, ',');
            wsm__buf_put(buf, value->json, value->len);
        }
        wsm__buf_putc(buf, ']');
    }
}

static void put_refs(wsm__json_out *out, const wsm__side *side) {
    wsm__map_node *cursor = NULL;
    const wsm__ref *ref;
    wsm__json_name(out, "refs");
    wsm__buf_putc(out->buf, '[');
    while ((ref = wsm__map_next(&side->refs, &cursor)) != NULL) {
        if (!ref->newest) continue;
        open_array(out->buf);
        wsm__json_put_string(out->buf, wsm__slice(ref->name, ref->name_len));
        wsm__buf_puts(out->buf, ",[");
        put_values(out->buf, ref);
        wsm__buf_puts(out->buf, "]]");
    }
    wsm__buf_putc(out->buf, ']');
}

static void put_members(wsm__json_out *out, const wsm__side *side) {
    wsm__json_name(out, "members");
    wsm__buf_putc(out->buf, '[');
    for (const wsm__list *node = side->members.next; node != &side->members; node = node->next) {
        const wsm__member *member = WSM__CONTAINER(node, wsm__member, in_side);
        if (!member->invited && member->spans.count == 0) continue; /* reserved, and then not needed */
        open_array(out->buf);
        put_num(out->buf, member->agent);
        put_num(out->buf, member->invited);
        put_num(out->buf, member->is_member);
        for (uint32_t i = 0; i < member->spans.count; i++) {
            const wsm__span *span = wsm__ring_at(&member->spans, i);
            put_num(out->buf, span->from);
            put_num(out->buf, span->to);
            put_num(out->buf, span->has_all);
        }
        wsm__buf_putc(out->buf, ']');
    }
    wsm__buf_putc(out->buf, ']');
}

static void put_views(wsm__json_out *out, const wsm__side *side) {
    wsm__json_name(out, "views");
    wsm__buf_putc(out->buf, '[');
    for (uint32_t i = 0; i < side->views_count; i++) {
        const wsm__view *view = &side->views[i];
        open_array(out->buf);
        put_id(out->buf, view->of);
        put_num(out->buf, view->from);
        put_num(out->buf, view->up_to);
        put_num(out->buf, view->mode);
        put_num(out->buf, view->records);
        put_num(out->buf, view->bytes);
        wsm__buf_putc(out->buf, ']');
    }
    wsm__buf_putc(out->buf, ']');
}

/* Left out where there are none, as in snapshots of before they were noted. */
static void put_named(wsm__json_out *out, const wsm__side *side) {
    if (side->named.count == 0) return;
    wsm__json_name(out, "named");
    wsm__buf_putc(out->buf, '[');
    for (uint32_t i = 0; i < side->named.count; i++) {
        const wsm__named *named = wsm__ring_at(&side->named, i);
        open_array(out->buf);
        put_num(out->buf, named->offset);
        put_id(out->buf, named->side);
        put_num(out->buf, named->bytes);
        wsm__buf_putc(out->buf, ']');
    }
    wsm__buf_putc(out->buf, ']');
}

static void put_offered(wsm__json_out *out, const wsm__side *side) {
    if (side->offered.count == 0) return;
    wsm__json_name(out, "offered");
    wsm__buf_putc(out->buf, '[');
    for (uint32_t i = 0; i < side->offered.count; i++) put_num(out->buf, *(uint64_t *)wsm__ring_at(&side->offered, i));
    wsm__buf_putc(out->buf, ']');
}

static void put_numbers(wsm__json_out *out, const wsm__side *side) {
    uint64_t flags = (side->is_private ? FLAG_PRIVATE : 0u) | (side->is_reviewed ? FLAG_REVIEWED : 0u) |
                     (side->is_offered ? FLAG_OFFERED : 0u) | (side->is_warned ? FLAG_WARNED : 0u) |
                     (side->success ? FLAG_SUCCESS : 0u) | (side->is_woken ? FLAG_WOKEN : 0u);
    const uint64_t numbers[N_COUNT] = {side->creator,
                                       side->coordinator,
                                       side->status,
                                       side->before,
                                       side->final,
                                       side->priority,
                                       flags,
                                       side->conflict_policy,
                                       side->version,
                                       side->born,
                                       (uint64_t)side->born_ms,
                                       side->merged_at,
                                       side->waiting_for,
                                       side->wake,
                                       (uint64_t)side->wake_ms};
    wsm__json_name(out, "n");
    wsm__buf_putc(out->buf, '[');
    for (int i = 0; i < N_COUNT; i++) put_num(out->buf, numbers[i]);
    wsm__buf_putc(out->buf, ']');
}

static void put_side(const wsm__side *side, wsm__buf *buf) {
    wsm__json_out out;
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "id", wsm__side_id(side));
    wsm__json_num(&out, "active", side->active);
    if (side->shown != side->active) wsm__json_num(&out, "shown", side->shown);
    wsm__json_num(&out, "active_ms", (uint64_t)side->active_ms);
    wsm__json_num(&out, "records", side->records);
    wsm__json_num(&out, "bytes", side->bytes);
    put_marks(&out, side);
    put_refs(&out, side);
    if (wsm__side_is_main(side)) {
        wsm__json_num(&out, "born_ms", (uint64_t)side->born_ms);
    } else {
        wsm__json_num(&out, "born_bytes", side->born_bytes);
        wsm__json_str(&out, "parent", wsm__side_id(side->parent));
        if (side->forked_from) wsm__json_str(&out, "fork", wsm__side_id(side->forked_from));
        put_numbers(&out, side);
        put_text(&out, "task", &side->task);
        put_text(&out, "criteria", &side->criteria);
        put_text(&out, "failure", &side->failure);
        put_text(&out, "findings", &side->findings);
        put_offered(&out, side);
        put_text(&out, "waiting", &side->waiting_text);
        if (side->wake_text.ptr) wsm__json_str(&out, "wake", wsm__text_get(&side->wake_text));
        if (side->wake_side) wsm__json_str(&out, "wake_side", wsm__side_id(side->wake_side));
        put_members(&out, side);
        put_views(&out, side);
        put_sides(&out, "waits", &side->waits);
    }
    put_sides(&out, "cross", &side->cross);
    put_named(&out, side);
    wsm__json_close(&out);
}

void wsm__tree_save(const wsm__tree *tree, wsm__buf *buf) {
    bool first = true;
    wsm__buf_putc(buf, '[');
    for (uint32_t i = 0; i < tree->sides.count; i++) {
        const wsm__side *side = *(wsm__side **)wsm__ring_at(&tree->sides, i);
        if (!side) continue;
        if (!first) wsm__buf_putc(buf, ',');
        first = false;
        put_side(side, buf);
    }
    wsm__buf_putc(buf, ']');
}

int wsm__tree_digest(const wsm__tree *tree, uint64_t *digest) {
    static const unsigned char key[16] = "the same for all";
    wsm__buf buf;
    wsm__buf_init(&buf, tree->mem, 0);
    wsm__tree_save(tree, &buf);
    int err = buf.err ? WSM_ERR_NOMEM : WSM_OK;
    if (!err) *digest = wsm__siphash(key, buf.ptr, buf.len);
    wsm__buf_fini(&buf);
    return err;
}
