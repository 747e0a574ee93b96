/* Two JSON texts are walked side by side. Both come from the same writer, so what they share stands in the same order,
 * and the walk through the one seldom has to search in the other; where it has to too often, it gives up. */
#include "proto/json_diff.h"

#include "proto/json_out.h"
#include "proto/scan.h"

#define DEPTH_MAX    8u  /* what lies deeper is compared as text */
#define SEARCHES_MAX 32u /* for members of one object: each may pass over all of it */
#define OP_LEN       40u /* bytes of an operation, its path and value apart, or more */

typedef struct diff {
    wsm__buf *out;
    wsm__buf path; /* of where we are, as RFC 6901 has it */
    uint32_t depth;
} diff;

static void values_differ(diff *d, wsm__json_value before, wsm__json_value after);

static bool is_same(wsm__json_value a, wsm__json_value b) {
    return wsm__slice_eq(a.raw, b.raw);
}

static void put_op(diff *d, const char *op, const wsm__json_value *value) {
    wsm__json_out one;
    if (d->out->err) return;
    if (d->out->ptr[d->out->len - 1] == '}') wsm__buf_putc(d->out, ',');
    wsm__json_open(&one, d->out);
    wsm__json_str(&one, "op", wsm__slice_str(op));
    wsm__json_str(&one, "path", wsm__slice(d->path.ptr ? d->path.ptr : "", d->path.len));
    if (value) wsm__json_raw(&one, "value", value->raw);
    wsm__json_close(&one);
}

/* ---- the path -------------------------------------------------------------------------------------------------------
 */

/* RFC 6901: `~` and `/` within a name are written `~0` and `~1`. */
static void push_key(diff *d, wsm_slice key) {
    wsm__buf_putc(&d->path, '/');
    wsm_slice raw = wsm__slice(key.ptr - 1, key.len + 2);
    size_t at = d->path.len;
    char *room = wsm__buf_room(&d->path, key.len + 1); /* decoded it is not longer */
    if (!room) return;
    long len = wsm__json_string_decode(raw, room, key.len + 1);
    size_t specials = 0;
    for (long i = 0; i < len; i++) specials += room[i] == '~' || room[i] == '/';
    if (!wsm__buf_room(&d->path, (size_t)len + specials)) return;
    d->path.len = at + (size_t)len + specials;
    char *from = d->path.ptr + at + len, *to = d->path.ptr + d->path.len;
    while (from > d->path.ptr + at) {
        char c = *--from;
        bool is_special = c == '~' || c == '/';
        *--to = is_special ? (c == '~' ? '0' : '1') : c;
        if (is_special) *--to = '~';
    }
}

static void push_index(diff *d, uint64_t index) {
    wsm__buf_putc(&d->path, '/');
    wsm__buf_put_u64(&d->path, index);
}

static void pop(diff *d, size_t len) {
    if (!d->path.err) d->path.len = len;
}

/* ---- objects --------------------------------------------------------------------------------------------------------
 */

/* A walk through an object that looks for keys, from where it found the last one on. */
typedef struct seeker {
    wsm_slice object;
    size_t at;
    uint32_t searches;
} seeker;

static bool find_between(seeker *s, size_t from, size_t to, wsm_slice key, wsm__json_value *value) {
    wsm__json_member member;
    size_t at = from;
    while (at < to && wsm__json_next_member(s->object, &at, &member)) {
        if (!wsm__json_keys_equal(member.key, key)) continue;
        *value = member.value;
        s->at = at;
        return true;
    }
    return false;
}

static bool find(seeker *s, wsm_slice key, wsm__json_value *value) {
    wsm__json_member member;
    size_t at = s->at;
    if (wsm__json_next_member(s->object, &at, &member) && wsm__json_keys_equal(member.key, key)) {
        *value = member.value;
        s->at = at;
        return true;
    }
    if (s->searches++ >= SEARCHES_MAX) return false;
    return find_between(s, s->at, s->object.len, key, value) || find_between(s, 0, s->at, key, value);
}

/* False: too much has changed, and what was written is to be taken back. */
static bool objects_differ(diff *d, wsm_slice before, wsm_slice after) {
    seeker old = {.object = before}, new = {.object = after};
    wsm__json_member member;
    wsm__json_value other;
    size_t len = d->path.len;
    for (size_t at = 0; new.searches <= SEARCHES_MAX &&wsm__json_next_member(before, &at, &member);) {
        if (find(&new, member.key, &other)) continue;
        push_key(d, member.key);
        put_op(d, "remove", NULL);
        pop(d, len);
    }
    for (size_t at = 0; old.searches <= SEARCHES_MAX && wsm__json_next_member(after, &at, &member);) {
        bool is_found = find(&old, member.key, &other);
        if (is_found && is_same(other, member.value)) continue;
        push_key(d, member.key);
        if (is_found)
            values_differ(d, other, member.value);
        else
            put_op(d, "add", &member.value);
        pop(d, len);
    }
    return old.searches <= SEARCHES_MAX && new.searches <= SEARCHES_MAX;
}

/* ---- arrays ---------------------------------------------------------------------------------------------------------
 */

static uint64_t length(wsm_slice array) {
    wsm__json_value value;
    uint64_t count = 0;
    for (size_t at = 0; wsm__json_next_element(array, &at, &value);) count++;
    return count;
}

/* How many elements have gone from the front: up to the first one that is still the first. 0, too, if none is. */
static uint64_t gone_before(wsm_slice before, wsm_slice after) {
    wsm__json_value first, value;
    size_t at = 0;
    uint64_t gone = 0;
    if (!wsm__json_next_element(after, &at, &first)) return 0;
    for (at = 0; wsm__json_next_element(before, &at, &value); gone++)
        if (is_same(value, first)) return gone;
    return 0;
}

static void put_at(diff *d, const char *op, uint64_t index, uint64_t times, const wsm__json_value *value) {
    size_t len = d->path.len;
    for (; times > 0 && !d->out->err; times--) {
        push_index(d, index);
        put_op(d, op, value);
        pop(d, len);
    }
}

/* What is an array in a context grows at its end and shrinks at its front; for all else the tail is written anew. */
static bool arrays_differ(diff *d, wsm_slice before, wsm_slice after) {
    uint64_t gone = gone_before(before, after), kept = 0, had = length(before) - gone;
    wsm__json_value a, b;
    size_t at = 0, to = 0, behind;
    if (gone * OP_LEN > after.len) return false;
    for (uint64_t i = 0; i < gone; i++) wsm__json_next_element(before, &at, &a);
    put_at(d, "remove", 0, gone, NULL);
    for (behind = to; wsm__json_next_element(before, &at, &a) && wsm__json_next_element(after, &to, &b); behind = to) {
        if (!is_same(a, b)) break;
        kept++;
    }
    if ((had - kept) * OP_LEN > after.len) return false;
    put_at(d, "remove", kept, had - kept, NULL);
    for (to = behind; wsm__json_next_element(after, &to, &b); kept++) put_at(d, "add", kept, 1, &b);
    return true;
}

/* ---- any values -----------------------------------------------------------------------------------------------------
 */

static void values_differ(diff *d, wsm__json_value before, wsm__json_value after) {
    size_t start = d->out->len;
    bool is_known = before.kind == after.kind && d->depth < DEPTH_MAX;
    bool is_done = false;
    if (is_same(before, after)) return;
    d->depth++;
    if (is_known && after.kind == WSM__JSON_OBJECT) is_done = objects_differ(d, before.raw, after.raw);
    if (is_known && after.kind == WSM__JSON_ARRAY) is_done = arrays_differ(d, before.raw, after.raw);
    d->depth--;
    if (d->out->err || (is_done && d->out->len - start <= after.raw.len + d->path.len + OP_LEN)) return;
    d->out->len = start;
    put_op(d, "replace", &after);
}

void wsm__json_diff(wsm__buf *out, wsm_slice before, wsm_slice after) {
    diff d = {.out = out};
    wsm__buf_init(&d.path, out->mem, 0);
    wsm__buf_putc(out, '[');
    values_differ(&d, (wsm__json_value){wsm__json_kind_of(before), before},
                  (wsm__json_value){wsm__json_kind_of(after), after});
    wsm__buf_putc(out, ']');
    if (d.path.err && !out->err) out->err = d.path.err;
    wsm__buf_fini(&d.path);
}
