/* Data references: see data_refs.h. Names stand in a map, values in a chain below their name. */
#include "sidebar/data_refs.h"

#include "sidebar/inherit.h"
#include "wsm/error.h"

#define OLD_FACTOR 4u /* values kept for views, in limits for values */

static size_t ref_size(size_t name_len) {
    return sizeof(wsm__ref) + name_len;
}

static wsm__ref *ref_of(const wsm__side *side, wsm_slice name) {
    return wsm__map_get(&side->refs, name.ptr, name.len);
}

void wsm__value_free(wsm__tree *tree, wsm__value *value) {
    if (value) wsm__free(tree->mem, value, sizeof *value + value->len);
}

static uint64_t cost_of(const wsm__ref *ref, const wsm__value *value) {
    return ref->name_len + value->len;
}

static bool is_set(const wsm__ref *ref) {
    return ref && ref->newest && !ref->newest->is_removal;
}

/* ---- reading --------------------------------------------------------------------------------------------------------
 */

const wsm__value *wsm__refs_get(const wsm__side *side, wsm_slice name) {
    const wsm__ref *ref = ref_of(side, name);
    return is_set(ref) ? ref->newest : NULL;
}

static const wsm__value *value_at(const wsm__ref *ref, uint64_t offset) {
    const wsm__value *value = ref ? ref->newest : NULL;
    while (value && value->offset > offset) value = value->older;
    return value;
}

const wsm__value *wsm__refs_at_any(const wsm__side *side, wsm_slice name, uint64_t offset) {
    return value_at(ref_of(side, name), offset);
}

uint64_t wsm__refs_version(const wsm__side *side, wsm_slice name) {
    const wsm__ref *ref = ref_of(side, name);
    return ref && ref->newest ? ref->newest->version : 0;
}

/* Versions of a name follow each other, so one that is missing shows. */
static bool ref_reaches(const wsm__ref *ref, uint64_t offset) {
    const wsm__value *value = ref->newest, *newer = NULL;
    for (; value && value->offset > offset; value = value->older) newer = value;
    return !newer || newer->version == (value ? value->version : 0) + 1;
}

bool wsm__refs_reach(const wsm__side *side, uint64_t offset) {
    wsm__map_node *cursor = NULL;
    const wsm__ref *ref;
    if (offset >= side->active) return true;
    while ((ref = wsm__map_next(&side->refs, &cursor)) != NULL)
        if (!ref_reaches(ref, offset)) return false;
    return true;
}

/* Of `side` itself (number 0) or of its views (1, 2, ...): the context and the offset up to which it is seen. */
static const wsm__side *layer(const wsm__side *side, uint32_t number, uint64_t *up_to) {
    *up_to = UINT64_MAX;
    if (number == 0) return side;
    const wsm__view *view = &side->views[number - 1];
    *up_to = view->up_to;
    return view->mode == WSM__INHERIT_NONE ? NULL : view->of;
}

const wsm__value *wsm__refs_seen(const wsm__side *side, wsm_slice name, const wsm__side **where) {
    for (uint32_t i = 0; i <= side->views_count; i++) {
        uint64_t up_to;
        const wsm__side *of = layer(side, i, &up_to);
        const wsm__value *value = of ? value_at(ref_of(of, name), up_to) : NULL;
        if (!value) continue;
        if (where) *where = of;
        return value->is_removal ? NULL : value; /* removed here is removed, whatever is set further up */
    }
    return NULL;
}

const wsm__ref *wsm__refs_next(const wsm__side *side, wsm__refs_walk *at, const wsm__value **value,
                               const wsm__side **where) {
    for (; at->view <= side->views_count; at->view++, at->cursor = NULL) {
        uint64_t up_to;
        const wsm__ref *ref;
        const wsm__side *of = layer(side, at->view, &up_to);
        while (of && (ref = wsm__map_next(&of->refs, &at->cursor)) != NULL) {
            const wsm__value *seen = wsm__refs_seen(side, wsm__slice(ref->name, ref->name_len), where);
            if (!seen || *where != of || value_at(ref, up_to) != seen) continue;
            *value = seen;
            return ref;
        }
    }
    return NULL;
}

/* ---- changing -------------------------------------------------------------------------------------------------------
 */

wsm__no wsm__refs_no(const wsm__tree *tree, const wsm__side *side, const wsm__ref_set *set) {
    const wsm__ref *ref = ref_of(side, set->name);
    bool fits = set->if_version == (is_set(ref) ? ref->newest->version : 0) ||
                (!is_set(ref) && set->if_version == wsm__refs_version(side, set->name));
    if (set->has_if_version && !fits)
        return (wsm__no){WSM_ERR_CONFLICT, "if_version", "if_version: the name has another version"};
    if (!set->value.ptr) return (wsm__no){WSM_OK, NULL, NULL};
    if (!is_set(ref) && tree->limits.refs_max && side->refs_count >= tree->limits.refs_max)
        return (wsm__no){WSM_ERR_LIMIT, "name", "name: as many data references as a context may have"};
    uint64_t bytes = side->refs_bytes + set->name.len + set->value.len;
    if (is_set(ref)) bytes -= cost_of(ref, ref->newest);
    if (tree->limits.refs_bytes_max && bytes > tree->limits.refs_bytes_max)
        return (wsm__no){WSM_ERR_LIMIT, "value", "value: more bytes than the data references of a context may have"};
    return (wsm__no){WSM_OK, NULL, NULL};
}

static void ref_free(wsm__tree *tree, wsm__ref *ref) {
    while (ref->newest) {
        wsm__value *value = ref->newest;
        ref->newest = value->older;
        wsm__value_free(tree, value);
    }
    wsm__free(tree->mem, ref, ref_size(ref->name_len));
}

static wsm__ref *ref_new(wsm__tree *tree, wsm__side *side, wsm_slice name) {
    wsm__ref *ref = wsm__alloc(tree->mem, ref_size(name.len));
    if (!ref) return NULL;
    *ref = (wsm__ref){.name_len = name.len};
    memcpy(ref->name, name.ptr, name.len);
    if (!wsm__map_put(&side->refs, name.ptr, name.len, ref)) return ref;
    ref_free(tree, ref);
    return NULL;
}

/* A name without values, from a prepare that was not followed by commit, shows nowhere and is used by the next. */
wsm__value *wsm__refs_prepare(wsm__tree *tree, wsm__side *side, const wsm__ref_set *set, wsm__ref **ref) {
    wsm__value *value = wsm__alloc(tree->mem, sizeof *value + set->value.len);
    if (!value) return NULL;
    *value = (wsm__value){.is_removal = set->value.ptr == NULL, .len = set->value.len};
    if (set->value.ptr) memcpy(value->json, set->value.ptr, set->value.len);
    *ref = ref_of(side, set->name);
    if (!*ref) *ref = ref_new(tree, side, set->name);
    if (*ref) return value;
    wsm__value_free(tree, value);
    return NULL;
}

/* Is some view's end in [from, to)? */
static bool is_pinned(const wsm__side *side, uint64_t from, uint64_t to) {
    uint32_t low = 0, high = side->pins.count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (*(uint64_t *)wsm__ring_at(&side->pins, mid) < from)
            low = mid + 1;
        else
            high = mid;
    }
    return low < side->pins.count && *(uint64_t *)wsm__ring_at(&side->pins, low) < to;
}

static void drop_old(wsm__tree *tree, wsm__side *side, wsm__ref *ref, wsm__value *before) {
    wsm__value *old = before->older;
    before->older = old->older;
    side->refs_old_bytes -= cost_of(ref, old);
    wsm__value_free(tree, old);
}

/* The oldest value that is kept for views alone. */
static bool drop_oldest(wsm__tree *tree, wsm__side *side) {
    wsm__map_node *cursor = NULL;
    wsm__ref *ref, *found = NULL;
    wsm__value *before = NULL;
    while ((ref = wsm__map_next(&side->refs, &cursor)) != NULL)
        for (wsm__value *at = ref->newest; at && at->older; at = at->older)
            if (!at->older->older && (!before || at->older->offset < before->older->offset)) {
                before = at;
                found = ref;
            }
    if (!before) return false;
    drop_old(tree, side, found, before);
    return true;
}

/* Names that were removed keep their place, so that versions go on; of too many the first goes. */
static void bound_names(wsm__tree *tree, wsm__side *side) {
    wsm__map_node *cursor = NULL;
    wsm__ref *ref;
    uint32_t most = tree->limits.refs_max;
    while (most && wsm__map_count(&side->refs) > 2u * (size_t)most &&
           (ref = wsm__map_next(&side->refs, &cursor)) != NULL) {
        if (is_set(ref) || !ref->newest) continue;
        for (wsm__value *old = ref->newest ? ref->newest->older : NULL; old; old = old->older)
            side->refs_old_bytes -= cost_of(ref, old);
        wsm__map_remove(&side->refs, ref->name, ref->name_len);
        ref_free(tree, ref);
    }
}

void wsm__refs_commit(wsm__tree *tree, wsm__side *side, wsm__ref *ref, wsm__value *value, uint64_t offset,
                      uint32_t agent) {
    wsm__value *old = ref->newest;
    if (is_set(ref)) {
        side->refs_count--;
        side->refs_bytes -= cost_of(ref, old);
    }
    value->offset = offset;
    value->agent = agent;
    value->version = old ? old->version + 1 : 1;
    value->older = old;
    ref->newest = value;
    if (!value->is_removal) {
        side->refs_count++;
        side->refs_bytes += cost_of(ref, value);
    }
    if (old) {
        side->refs_old_bytes += cost_of(ref, old);
        if (!is_pinned(side, old->offset, offset)) drop_old(tree, side, ref, value);
    }
}

void wsm__refs_restore(wsm__side *side, wsm__ref *ref, wsm__value *value, wsm__value **end) {
    value->older = NULL;
    if (end) {
        *end = value;
        side->refs_old_bytes += cost_of(ref, value);
        return;
    }
    ref->newest = value; /* the name's entry is new */
    if (value->is_removal) return;
    side->refs_count++;
    side->refs_bytes += cost_of(ref, value);
}

void wsm__refs_settle(wsm__tree *tree, wsm__side *side) {
    uint64_t old_max = (uint64_t)tree->limits.refs_bytes_max * OLD_FACTOR;
    while (old_max && side->refs_old_bytes > old_max && drop_oldest(tree, side)) continue;
    bound_names(tree, side);
}

void wsm__refs_pin(wsm__side *side, uint64_t offset) {
    uint32_t i = side->pins.count;
    if (i > 0 && *(uint64_t *)wsm__ring_at(&side->pins, i - 1) == offset) return;
    wsm__ring_push(&side->pins, NULL); /* reserved */
    for (; i > 0 && *(uint64_t *)wsm__ring_at(&side->pins, i - 1) > offset; i--)
        *(uint64_t *)wsm__ring_at(&side->pins, i) = *(uint64_t *)wsm__ring_at(&side->pins, i - 1);
    *(uint64_t *)wsm__ring_at(&side->pins, i) = offset;
}

void wsm__refs_free(wsm__tree *tree, wsm__side *side) {
    wsm__map_node *cursor = NULL;
    wsm__ref *ref;
    while ((ref = wsm__map_next(&side->refs, &cursor)) != NULL) ref_free(tree, ref);
    wsm__map_fini(&side->refs);
}
