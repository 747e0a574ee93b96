/* A tree over a small log, for the tests of lib/sidebar: records are counted up by hand, agents are numbers. */
#ifndef WSM_TESTS_SIDEBAR_WORLD_H
#define WSM_TESTS_SIDEBAR_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "sidebar/data_refs.h"
#include "sidebar/inherit.h"
#include "sidebar/lifecycle.h"
#include "sidebar/merge.h"
#include "sidebar/rights.h"
#include "sidebar/tree.h"
#include "sidebar/tree_state.h"
#include "sidebar/waits.h"
#include "wsm/error.h"

typedef struct world {
    test_mem host;
    wsm__mem mem;
    wsm__log log;
    wsm__tree tree;
    wsm__side *main;
    uint64_t offset;
    int64_t time;
} world;

static const unsigned char world_seed[16] = "0123456789abcde";

static inline int world_open(world *w, size_t fail_at, wsm__tree_limits limits) {
    static const wsm__log_limits log_limits = {.records_max = 1000};
    wsm__context *context;
    *w = (world){.host = {.fail_at = fail_at}, .time = 1000000};
    wsm__mem_init(&w->mem, test_alloc, &w->host, 0);
    wsm__log_init(&w->log, &w->mem, world_seed, &log_limits);
    int err = wsm__log_context_new(&w->log, wsm__slice_str("main"), &context);
    if (!err) err = wsm__tree_init(&w->tree, &w->mem, world_seed, &limits, context);
    w->main = w->tree.main;
    return err;
}

static inline void world_close(world *w) {
    wsm__tree_fini(&w->tree);
    wsm__log_fini(&w->log);
    assert_int_equal(w->host.live, 0);
}

/* A sidebar of the first `count` agents 0, 1, 2, …; NULL: no memory. */
static inline wsm__side *world_spawn_as(world *w, const char *id, wsm__birth birth, uint32_t count) {
    uint32_t agents[64];
    for (uint32_t i = 0; i < count; i++) agents[i] = i;
    birth.agents = agents;
    birth.agents_count = count;
    birth.offset = ++w->offset;
    birth.time_ms = w->time;
    if (!birth.priority) birth.priority = WSM_PRIORITY_NORMAL;
    if (wsm__log_context_new(&w->log, wsm__slice_str(id), &birth.context)) return NULL;
    wsm__side *side = wsm__tree_birth_prepare(&w->tree, &birth);
    if (side) wsm__tree_birth_commit(&w->tree, side);
    return side;
}

static inline wsm__side *world_spawn(world *w, const char *id, wsm__side *parent, uint32_t count) {
    wsm__view views[WSM__VIEWS_MAX];
    wsm__inherit_how how = {.mode = WSM__INHERIT_ALL};
    wsm__birth birth = {.parent = parent, .creator = 0, .coordinator = WSM__AGENT_NONE, .views = views};
    birth.views_count = wsm__inherit_views(&w->tree, parent, w->offset, WSM__AGENT_HUB, &how, views, NULL);
    return world_spawn_as(w, id, birth, count);
}

/* A record of some bytes in a context. */
static inline int world_record(world *w, wsm__side *side, size_t bytes) {
    char *payload;
    wsm__frame *frame = wsm__frame_new(&w->mem, 1, bytes, &payload);
    if (!frame) return WSM_ERR_NOMEM;
    memset(payload, ' ', bytes);
    wsm__log_item item = {.context = side->context,
                          .offset = w->offset + 1,
                          .seq = side->context->seq + 1,
                          .time_ms = w->time,
                          .priority = WSM_PRIORITY_NORMAL,
                          .frame = frame};
    int err = wsm__side_note_prepare(&w->tree, side);
    if (!err) err = wsm__log_add(&w->log, &item);
    wsm__frame_unref(frame);
    if (err) return err;
    wsm__side_note(side, ++w->offset, w->time, bytes);
    return WSM_OK;
}

static inline int world_set(world *w, wsm__side *side, const char *name, const char *json) {
    wsm__ref *ref;
    wsm__ref_set set = {.name = wsm__slice_str(name), .value = wsm__slice_str(json)};
    wsm__no no = wsm__refs_no(&w->tree, side, &set);
    if (no.err) return no.err;
    wsm__value *value = wsm__refs_prepare(&w->tree, side, &set, &ref);
    if (!value) return WSM_ERR_NOMEM;
    wsm__refs_commit(&w->tree, side, ref, value, ++w->offset, 0);
    wsm__refs_settle(&w->tree, side);
    return WSM_OK;
}

static inline bool world_sees(const wsm__side *side, const char *name, const char *json) {
    const wsm__side *where;
    const wsm__value *value = wsm__refs_seen(side, wsm__slice_str(name), &where);
    if (!json) return value == NULL;
    return value && wsm__slice_is(wsm__slice(value->json, value->len), json);
}

#endif
