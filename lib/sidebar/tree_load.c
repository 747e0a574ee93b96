/* Loading the tree from a snapshot: see tree_state.h for the promise, tree_state.c for the form. */
#include "limits.h"
#include "proto/scan.h"
#include "sidebar/data_refs.h"
#include "sidebar/inherit.h"
#include "sidebar/tree_state.h"
#include "wsm/error.h"

/* What is counted goes on from here, and must be a number in the next snapshot, too. */
#define COUNT_MAX (WSM__NUMBER_MAX / 2)

/* Two rounds: the nodes with what they own, then what names other nodes. */

typedef struct loader {
    wsm__tree *tree;
    const wsm__log *log;
    uint32_t agents; /* that are known */
    int err;
} loader;

static void *fail(loader *load, int err) { /* the first error stays */
    if (!load->err) load->err = err;
    return NULL;
}

/* The next element of an array, which must be a number. */
static uint64_t next_num(loader *load, wsm_slice array, size_t *at) {
    wsm__json_value value;
    uint64_t number = 0;
    if (!wsm__json_next_element(array, at, &value) || !wsm__json_u64(value, WSM__NUMBER_MAX, &number))
        fail(load, WSM_ERR_LOG_CORRUPT);
    return number;
}

/* An agent that is known, the hub, or nobody. */
static uint32_t agent_of(loader *load, uint64_t number) {
    bool is_nobody = number == WSM__AGENT_HUB || number == WSM__AGENT_NONE;
    if (number >= load->agents && !is_nobody) fail(load, WSM_ERR_LOG_CORRUPT);
    return (uint32_t)number;
}

static uint64_t num_of(loader *load, wsm_slice object, const char *name) {
    uint64_t number = 0;
    if (!wsm__json_u64(wsm__json_member_of(object, name), COUNT_MAX, &number)) fail(load, WSM_ERR_LOG_CORRUPT);
    return number;
}

static wsm_slice array_of(loader *load, wsm_slice object, const char *name) {
    wsm__json_value value = wsm__json_member_of(object, name);
    if (value.kind == WSM__JSON_ARRAY) return value.raw;
    fail(load, WSM_ERR_LOG_CORRUPT);
    return wsm__slice_str("[]");
}

static wsm__side *side_of(loader *load, wsm__json_value value) {
    wsm_slice id;
    wsm__side *side = NULL;
    if (value.kind == WSM__JSON_STRING && wsm__json_string_is_plain(value.raw, &id))
        side = wsm__tree_of(load->tree, wsm__log_context(load->log, id));
    return side ? side : fail(load, WSM_ERR_LOG_CORRUPT);
}

static wsm__side *next_side(loader *load, wsm_slice array, size_t *at) {
    wsm__json_value value;
    if (!wsm__json_next_element(array, at, &value)) return fail(load, WSM_ERR_LOG_CORRUPT);
    return side_of(load, value);
}

static void load_text(loader *load, wsm_slice object, const char *name, wsm__text *text) {
    if (wsm__text_new(load->tree->mem, wsm__json_member_of(object, name).raw, text)) fail(load, WSM_ERR_NOMEM);
}

static void load_plain(loader *load, wsm_slice object, const char *name, wsm__text *text) {
    char plain[4 * 128];
    wsm__json_value value = wsm__json_member_of(object, name);
    if (value.kind != WSM__JSON_STRING) return;
    long len = wsm__json_string_decode(value.raw, plain, sizeof plain);
    if (len < 0) fail(load, WSM_ERR_LOG_CORRUPT);
    if (len > 0 && wsm__text_new(load->tree->mem, wsm__slice(plain, (size_t)len), text)) fail(load, WSM_ERR_NOMEM);
}

static void load_marks(loader *load, wsm__side *side, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value;
    while (!load->err && wsm__json_next_element(array, &at, &value)) {
        size_t in = 0;
        wsm__mark *mark = wsm__ring_push(&side->marks, load->tree->mem);
        if (!mark) {
            fail(load, WSM_ERR_NOMEM);
            return;
        }
        mark->offset = next_num(load, value.raw, &in);
        mark->records = next_num(load, value.raw, &in);
        mark->bytes = next_num(load, value.raw, &in);
    }
}

/* The values of a name, newest first. */
static void load_values(loader *load, wsm__side *side, wsm_slice name, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value, json;
    wsm__value **end = NULL;
    while (!load->err && wsm__json_next_element(array, &at, &value)) {
        size_t in = 0;
        wsm__ref *ref;
        uint64_t offset = next_num(load, value.raw, &in), version = next_num(load, value.raw, &in),
                 agent = next_num(load, value.raw, &in);
        wsm__ref_set set = {.name = name};
        if (wsm__json_next_element(value.raw, &in, &json)) set.value = json.raw;
        agent_of(load, agent);
        if (version > COUNT_MAX) fail(load, WSM_ERR_LOG_CORRUPT);
        if (load->err) return;
        wsm__value *made = wsm__refs_prepare(load->tree, side, &set, &ref);
        if (!made) {
            fail(load, WSM_ERR_NOMEM);
            return;
        }
        made->offset = offset;
        made->version = version;
        made->agent = (uint32_t)agent;
        if (!end && ref->newest) { /* a name twice */
            wsm__value_free(load->tree, made);
            fail(load, WSM_ERR_LOG_CORRUPT);
            return;
        }
        wsm__refs_restore(side, ref, made, end);
        end = &made->older;
    }
}

static void load_refs(loader *load, wsm__side *side, wsm_slice array) {
    char name[2 * WSM__CONTEXT_ID_MAX + 2];
    size_t at = 0;
    wsm__json_value value, element;
    while (!load->err && wsm__json_next_element(array, &at, &value)) {
        size_t in = 0;
        long len = -1;
        if (wsm__json_next_element(value.raw, &in, &element) && element.kind == WSM__JSON_STRING)
            len = wsm__json_string_decode(element.raw, name, sizeof name);
        if (len < 0 || !wsm__json_next_element(value.raw, &in, &element) || element.kind != WSM__JSON_ARRAY)
            fail(load, WSM_ERR_LOG_CORRUPT);
        else
            load_values(load, side, wsm__slice(name, (size_t)len), element.raw);
    }
}

static void load_common(loader *load, wsm__side *side, wsm_slice object) {
    side->active = num_of(load, object, "active");
    side->shown = wsm__json_member_of(object, "shown").kind ? num_of(load, object, "shown") : side->active;
    side->active_ms = (int64_t)num_of(load, object, "active_ms");
    side->records = num_of(load, object, "records");
    side->bytes = num_of(load, object, "bytes");
    load_marks(load, side, array_of(load, object, "marks"));
    load_refs(load, side, array_of(load, object, "refs"));
    wsm__json_value born = wsm__json_member_of(object, "born_ms"); /* of main; older snapshots have none */
    if (born.kind) side->born_ms = (int64_t)num_of(load, object, "born_ms");
    if (wsm__json_member_of(object, "born_bytes").kind)
        side->born_bytes = num_of(load, object, "born_bytes"); /* likewise */
}

static void load_numbers(loader *load, wsm__side *side, wsm_slice array) {
    uint64_t n[N_COUNT];
    size_t at = 0;
    for (int i = 0; i < N_COUNT; i++) n[i] = next_num(load, array, &at);
    if (n[N_STATUS] == WSM__STATUS_NONE || n[N_STATUS] >= WSM__STATUS_COUNT || n[N_BEFORE] >= WSM__STATUS_COUNT ||
        n[N_FINAL] >= WSM__STATUS_COUNT || n[N_PRIORITY] > WSM_PRIORITY_CRITICAL || n[N_POLICY] > 2 ||
        n[N_VERSION] > COUNT_MAX)
        fail(load, WSM_ERR_LOG_CORRUPT);
    if (load->err) return;
    side->coordinator = agent_of(load, n[N_COORDINATOR]);
    side->status = (uint8_t)n[N_STATUS];
    side->before = (uint8_t)n[N_BEFORE];
    side->final = (uint8_t)n[N_FINAL];
    side->is_reviewed = (n[N_FLAGS] & FLAG_REVIEWED) != 0;
    side->is_offered = (n[N_FLAGS] & FLAG_OFFERED) != 0;
    side->is_warned = (n[N_FLAGS] & FLAG_WARNED) != 0;
    side->success = (n[N_FLAGS] & FLAG_SUCCESS) != 0;
    side->is_woken = (n[N_FLAGS] & FLAG_WOKEN) != 0;
    side->version = n[N_VERSION];
    side->merged_at = n[N_MERGED_AT];
    side->waiting_for = (uint8_t)n[N_WAITING_FOR];
    side->wake = (uint8_t)n[N_WAKE];
    side->wake_ms = (int64_t)n[N_WAKE_MS];
}

static void load_offered(loader *load, wsm__side *side, wsm__json_value list) {
    size_t at = 0;
    wsm__json_value value;
    while (!load->err && list.kind == WSM__JSON_ARRAY && wsm__json_next_element(list.raw, &at, &value)) {
        uint64_t *offset = wsm__ring_push(&side->offered, load->tree->mem);
        if (!offset) {
            fail(load, WSM_ERR_NOMEM);
            return;
        }
        if (!wsm__json_u64(value, WSM__NUMBER_MAX, offset)) fail(load, WSM_ERR_LOG_CORRUPT);
    }
}

static void load_member(loader *load, wsm__side *side, wsm_slice array) {
    size_t at = 0, ahead;
    wsm__json_value value;
    uint32_t agent = agent_of(load, next_num(load, array, &at));
    uint64_t invited = next_num(load, array, &at), is_member = next_num(load, array, &at);
    if (invited > WSM__HISTORY_ALL || agent >= load->agents) fail(load, WSM_ERR_LOG_CORRUPT);
    if (load->err) return;
    do {
        if (wsm__side_reserve(load->tree, side, &agent, 1)) {
            fail(load, WSM_ERR_NOMEM);
            return;
        }
        ahead = at;
        if (!wsm__json_next_element(array, &ahead, &value)) break;
        uint64_t from = next_num(load, array, &at), to = next_num(load, array, &at), all = next_num(load, array, &at);
        if (load->err) return;
        wsm__side_join(load->tree, side, agent, from, all != 0);
        ahead = at;
        if (to || wsm__json_next_element(array, &ahead, &value) || !is_member)
            wsm__side_leave(load->tree, side, agent, to);
    } while (!load->err);
    wsm__side_invite(side, agent, (wsm__history)invited);
}

static void load_members(loader *load, wsm__side *side, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value;
    while (!load->err && wsm__json_next_element(array, &at, &value))
        if (value.kind == WSM__JSON_ARRAY)
            load_member(load, side, value.raw);
        else
            fail(load, WSM_ERR_LOG_CORRUPT);
}

static uint32_t count_of(wsm_slice array) {
    size_t at = 0;
    uint32_t count = 0;
    wsm__json_value value;
    while (wsm__json_next_element(array, &at, &value)) count++;
    return count;
}

static void load_views(loader *load, wsm_slice array, wsm__view *views, uint32_t *count) {
    size_t at = 0;
    wsm__json_value value;
    *count = 0;
    while (!load->err && wsm__json_next_element(array, &at, &value)) {
        size_t in = 0;
        if (value.kind != WSM__JSON_ARRAY || *count == WSM__VIEWS_MAX) {
            fail(load, WSM_ERR_LOG_CORRUPT);
            return;
        }
        wsm__view *view = &views[(*count)++];
        view->of = next_side(load, value.raw, &in); /* older than this one, so it is there */
        view->from = next_num(load, value.raw, &in);
        view->up_to = next_num(load, value.raw, &in);
        view->mode = (uint8_t)next_num(load, value.raw, &in);
        view->records = next_num(load, value.raw, &in);
        view->bytes = next_num(load, value.raw, &in);
        if (view->mode > WSM__INHERIT_NONE) fail(load, WSM_ERR_LOG_CORRUPT);
    }
}

/* A new node with what it owns, in its place in the tree. */
static void load_side(loader *load, wsm_slice object) {
    wsm__view views[WSM__VIEWS_MAX];
    wsm_slice id, numbers = array_of(load, object, "n");
    size_t at = 0;
    wsm__json_value value = wsm__json_member_of(object, "fork");
    wsm__birth birth = {.parent = side_of(load, wsm__json_member_of(object, "parent"))};
    if (value.kind) birth.forked_from = side_of(load, value);
    birth.creator = agent_of(load, next_num(load, numbers, &at));
    value = wsm__json_member_of(object, "id");
    if (value.kind == WSM__JSON_STRING && wsm__json_string_is_plain(value.raw, &id))
        birth.context = wsm__log_context(load->log, id);
    if (!birth.context || wsm__tree_of(load->tree, birth.context)) fail(load, WSM_ERR_LOG_CORRUPT);
    load_views(load, array_of(load, object, "views"), views, &birth.views_count);
    birth.views = views;
    at = 0;
    uint64_t n[N_COUNT] = {0};
    for (int i = 0; i < N_COUNT; i++) n[i] = next_num(load, numbers, &at);
    birth.priority = (wsm_priority)n[N_PRIORITY];
    birth.conflict_policy = (uint8_t)n[N_POLICY];
    birth.is_private = (n[N_FLAGS] & FLAG_PRIVATE) != 0; /* before its members are counted */
    birth.offset = n[N_BORN];
    birth.time_ms = (int64_t)n[N_BORN_MS];
    birth.coordinator = WSM__AGENT_NONE;
    if (load->err) return;
    wsm__side *side = wsm__tree_birth_prepare(load->tree, &birth);
    if (!side) {
        fail(load, WSM_ERR_NOMEM);
        return;
    }
    side->cross.count = 0; /* they are in the text, in their order */
    wsm__side_link(load->tree, side);
    load_common(load, side, object);
    load_members(load, side, array_of(load, object, "members"));
    load_numbers(load, side, numbers);
    load_text(load, object, "task", &side->task);
    load_text(load, object, "criteria", &side->criteria);
    load_text(load, object, "failure", &side->failure);
    load_text(load, object, "findings", &side->findings);
    load_offered(load, side, wsm__json_member_of(object, "offered"));
    load_text(load, object, "waiting", &side->waiting_text);
    load_plain(load, object, "wake", &side->wake_text);
    if (!wsm__side_is_live(side)) wsm__tree_died(load->tree, side);
}

static void load_ring(loader *load, wsm__ring *ring, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value;
    if (wsm__ring_reserve(ring, load->tree->mem, count_of(array))) fail(load, WSM_ERR_NOMEM);
    while (!load->err && wsm__json_next_element(array, &at, &value)) {
        wsm__side *side = side_of(load, value);
        if (side) *(wsm__side **)wsm__ring_push(ring, NULL) = side;
    }
}

static void load_named(loader *load, wsm__side *side, wsm__json_value list) {
    size_t at = 0;
    wsm__json_value value;
    while (!load->err && list.kind == WSM__JSON_ARRAY && wsm__json_next_element(list.raw, &at, &value)) {
        size_t in = 0;
        wsm_slice pair = value.kind == WSM__JSON_ARRAY ? value.raw : wsm__slice_str("[]");
        wsm__named named = {.offset = next_num(load, pair, &in)};
        if (!load->err) named.side = next_side(load, pair, &in);
        size_t ahead = in;
        if (wsm__json_next_element(pair, &ahead, &value)) named.bytes = next_num(load, pair, &in); /* old ones: two */
        if (load->err) return;
        wsm__named *place = wsm__ring_push(&side->named, load->tree->mem);
        if (place)
            *place = named;
        else
            fail(load, WSM_ERR_NOMEM);
    }
}

/* The second round: what may name a node that is younger. */
static void load_links(loader *load, wsm_slice object) {
    wsm__side *side = side_of(load, wsm__json_member_of(object, "id"));
    wsm__json_value wake = wsm__json_member_of(object, "wake_side");
    if (!side) return;
    load_ring(load, &side->cross, array_of(load, object, "cross"));
    load_named(load, side, wsm__json_member_of(object, "named"));
    if (wsm__side_is_main(side)) return;
    load_ring(load, &side->waits, array_of(load, object, "waits"));
    if (wake.kind) side->wake_side = side_of(load, wake);
    if (side->wake == WSM__WAKE_SIDEBAR && !side->wake_side) fail(load, WSM_ERR_LOG_CORRUPT);
    if (side->waits.count > 0 || side->wake != WSM__WAKE_NONE)
        wsm__list_push(&load->tree->watching, &side->in_watching);
}

int wsm__tree_load(wsm__tree *tree, const wsm__log *log, uint32_t agents, wsm_slice array) {
    loader load = {tree, log, agents, WSM_OK};
    size_t at = 0;
    wsm__json_value value;
    for (bool first = true; !load.err && wsm__json_next_element(array, &at, &value); first = false) {
        if (value.kind != WSM__JSON_OBJECT)
            fail(&load, WSM_ERR_LOG_CORRUPT);
        else if (first)
            load_common(&load, tree->main, value.raw);
        else
            load_side(&load, value.raw);
    }
    at = 0;
    while (!load.err && wsm__json_next_element(array, &at, &value)) load_links(&load, value.raw);
    return load.err;
}
