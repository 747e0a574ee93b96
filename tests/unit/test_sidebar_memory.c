/* sidebar/inherit, data_refs, merge, content and waits: what a sidebar knows, and what it brings back. */
#include "sidebar/content.h"
#include "sidebar_world.h"

static const wsm__tree_limits no_limits = {0};

static wsm__side *spawn_with(world *w, const char *id, wsm__side *parent, wsm__inherit_how how) {
    wsm__view views[WSM__VIEWS_MAX];
    wsm__birth birth = {.parent = parent, .creator = 0, .coordinator = WSM__AGENT_NONE, .views = views};
    birth.views_count = wsm__inherit_views(&w->tree, parent, w->offset, WSM__AGENT_HUB, &how, views, NULL);
    return world_spawn_as(w, id, birth, 1);
}

static void a_child_sees_all_that_is_above_it(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    for (int i = 0; i < 100; i++) world_record(&w, w.main, 10);
    wsm__side *a = world_spawn(&w, "a", w.main, 1);
    assert_int_equal(a->views_count, 1);
    assert_int_equal(a->views[0].up_to, 100);
    assert_int_equal(a->views[0].records, 100);
    assert_int_equal(a->views[0].bytes, 1000);
    for (int i = 0; i < 5; i++) world_record(&w, a, 20);
    world_record(&w, w.main, 10); /* comes too late for a, and so for what is below it */
    wsm__side *b = world_spawn(&w, "b", a, 1);
    assert_int_equal(b->views_count, 2);
    assert_ptr_equal(b->views[0].of, a);
    assert_int_equal(b->views[0].records, 5);
    assert_ptr_equal(b->views[1].of, w.main);
    assert_int_equal(b->views[1].up_to, 100);
    assert_int_equal(b->views[1].records, 100);
    world_close(&w);
}

static void modes_and_depth_narrow_it(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    for (int i = 0; i < 100; i++) world_record(&w, w.main, 10);
    wsm__side *last = spawn_with(&w, "l", w.main, (wsm__inherit_how){.mode = WSM__INHERIT_LAST_N, .n = 3});
    assert_int_equal(last->views[0].from, 98);
    assert_int_equal(last->views[0].records, 3);
    wsm__side *more = spawn_with(&w, "m", w.main, (wsm__inherit_how){.mode = WSM__INHERIT_LAST_N, .n = 300});
    assert_int_equal(more->views[0].from, 0);
    assert_int_equal(more->views[0].records, 100);
    wsm__side *refs = spawn_with(&w, "r", w.main, (wsm__inherit_how){.mode = WSM__INHERIT_REFS});
    assert_int_equal(refs->views[0].records, 0);
    wsm__side *under = world_spawn(&w, "u", refs, 1); /* sees of main no more than its parent */
    assert_int_equal(under->views[1].mode, WSM__INHERIT_REFS);
    wsm__side *none = spawn_with(&w, "n", w.main, (wsm__inherit_how){.mode = WSM__INHERIT_NONE});
    assert_int_equal(none->views_count, 0);
    wsm__side *near = spawn_with(&w, "d", last, (wsm__inherit_how){.mode = WSM__INHERIT_ALL, .depth = 1});
    assert_int_equal(near->views_count, 1);
    wsm__side *through = world_spawn(&w, "t", last, 1); /* of main the three records that its parent sees */
    assert_int_equal(through->views[1].from, 98);
    assert_int_equal(through->views[1].records, 3);
    world_close(&w);
}

static void counting_costs_the_same_for_much_and_for_little(void **state) {
    (void)state;
    world w;
    uint64_t records, bytes;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    for (int i = 0; i < 5000; i++) world_record(&w, w.main, 10); /* 4000 of them have left memory */
    assert_true(wsm__side_count(w.main, 5000, &records, &bytes));
    assert_int_equal(records, 5000);
    assert_true(wsm__side_count(w.main, 4990, &records, &bytes)); /* exact where memory holds them */
    assert_int_equal(records, 4990);
    assert_int_equal(bytes, 49900);
    assert_false(wsm__side_count(w.main, 1000, &records, &bytes)); /* only the store could tell */
    assert_in_range(records, 1000 - WSM__MARK_EVERY + 1, 1000);
    world_close(&w);
}

static int learn(world *w, uint64_t offset, uint64_t records, uint64_t bytes) {
    return wsm__side_learn(&w->tree, w->main, 0, &(wsm__learnt){.mark = {offset, records, bytes}});
}

/* As a fork of long ago asks it: up to where, and of how much. */
static wsm__view long_ago(world *w, uint64_t up_to, wsm__inherit_how how, wsm__unread *unread) {
    wsm__view views[WSM__VIEWS_MAX];
    *unread = (wsm__unread){.side = NULL};
    assert_int_equal(wsm__inherit_views(&w->tree, w->main, up_to, WSM__AGENT_HUB, &how, views, unread), 1);
    return views[0];
}

static void what_is_read_of_long_ago_is_asked_for_once(void **state) {
    (void)state;
    world w;
    wsm__unread unread;
    const wsm__inherit_how all = {.mode = WSM__INHERIT_ALL}, last = {.mode = WSM__INHERIT_LAST_N, .n = 30};
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    for (int i = 0; i < 5000; i++) world_record(&w, w.main, 10); /* 4000 of them have left memory */
    assert_int_equal(long_ago(&w, 1000, all, &unread).records, WSM__UNCOUNTED);
    assert_ptr_equal(unread.side, w.main);
    assert_int_equal(unread.at.offset, 1000 - 1000 % WSM__MARK_EVERY); /* from the mark before it on */
    assert_int_equal(unread.up_to, 1000);
    assert_int_equal(learn(&w, 1000, 1000, 10000), 0);
    assert_int_equal(long_ago(&w, 1000, all, &unread).bytes, 10000);
    assert_null(unread.side);

    assert_in_range(long_ago(&w, 1000, last, &unread).from, 1, 971); /* of the last thirty where they begin, besides */
    assert_int_equal(unread.records, 970);
    assert_int_equal(learn(&w, 970, 970, 9700), 0);
    assert_int_equal(long_ago(&w, 1000, last, &unread).from, 971);
    assert_int_equal(long_ago(&w, 1000, last, &unread).records, 30);
    assert_null(unread.side);

    assert_int_equal(long_ago(&w, 2000, all, &unread).records, WSM__UNCOUNTED);
    assert_int_equal(learn(&w, unread.at.offset + 1, WSM__UNCOUNTED, 0), 0);
    assert_int_equal(long_ago(&w, 2000, all, &unread).records, WSM__UNCOUNTED);
    assert_null(unread.side); /* nobody can tell */
    world_close(&w);
}

static void learning_may_lack_memory_and_forgets_the_oldest(void **state) {
    (void)state;
    for (size_t n = 0;; n++) {
        world w;
        int err = 0;
        assert_int_equal(world_open(&w, 0, no_limits), 0);
        if (n) w.host.fail_at = w.host.calls + n;
        for (uint64_t i = 1; i <= 2u * WSM__LEARNT_MAX && !err; i++) {
            uint32_t count = w.main->learnt.count;
            err = learn(&w, i, i, 10 * i);
            if (err) assert_int_equal(w.main->learnt.count, count);
        }
        bool failed = test_mem_has_failed(&w.host);
        assert_int_equal(err, failed ? WSM_ERR_NOMEM : WSM_OK);
        if (!failed) {
            assert_int_equal(w.main->learnt.count, WSM__LEARNT_MAX);
            assert_int_equal(((const wsm__learnt *)wsm__ring_at(&w.main->learnt, 0))->mark.offset, WSM__LEARNT_MAX + 1);
        }
        world_close(&w);
        if (n > 0 && !failed) break;
    }
}

/* Page after page takes the place of the one before it; what was asked for stays. */
static void a_sum_of_many_pages_makes_it_forget_no_other(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    assert_int_equal(learn(&w, 100, 100, 1000), 0);
    for (uint64_t from = 100; from < 200; from++) {
        wsm__learnt page = {.mark = {from + 1, from + 1, 10 * from + 10}, .is_partial = from + 1 < 200};
        assert_int_equal(wsm__side_learn(&w.tree, w.main, from, &page), 0);
    }
    assert_int_equal(w.main->learnt.count, 2);
    assert_int_equal(((const wsm__learnt *)wsm__ring_at(&w.main->learnt, 0))->mark.offset, 100);
    assert_int_equal(((const wsm__learnt *)wsm__ring_at(&w.main->learnt, 1))->mark.offset, 200);
    world_close(&w);
}

static void a_value_is_seen_as_it_was(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    world_set(&w, w.main, "x", "1");
    world_set(&w, w.main, "y", "\"old\"");
    wsm__side *a = world_spawn(&w, "a", w.main, 1);
    world_set(&w, w.main, "x", "2");
    assert_true(world_sees(a, "x", "1"));
    assert_true(world_sees(w.main, "x", "2"));
    world_set(&w, a, "x", "3");
    assert_true(world_sees(a, "x", "3"));
    assert_true(world_sees(w.main, "x", "2")); /* a child changes nothing above it */
    wsm__side *b = world_spawn(&w, "b", a, 1);
    assert_true(world_sees(b, "x", "3"));
    assert_true(world_sees(b, "y", "\"old\"")); /* two contexts up */
    world_set(&w, a, "y", NULL);
    assert_true(world_sees(a, "y", NULL)); /* removed here, whatever stands above */
    assert_true(world_sees(b, "y", "\"old\""));
    assert_int_equal(wsm__refs_version(a, wsm__slice_str("y")), 1);
    wsm__refs_walk at = {0};
    const wsm__value *value;
    const wsm__side *where;
    int count = 0;
    while (wsm__refs_next(b, &at, &value, &where)) count++;
    assert_int_equal(count, 2);
    world_close(&w);
}

static void old_values_stay_as_long_as_a_view_needs_them(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    world_set(&w, w.main, "x", "1");
    world_set(&w, w.main, "x", "2"); /* nobody needs the first */
    assert_int_equal(w.main->refs_old_bytes, 0);
    world_spawn(&w, "a", w.main, 1);
    world_set(&w, w.main, "x", "3");
    assert_int_equal(w.main->refs_old_bytes, 2);
    world_set(&w, w.main, "x", "4"); /* nobody needs the third either */
    assert_int_equal(w.main->refs_old_bytes, 2);
    world_close(&w);
}

static void references_have_limits_and_versions(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, (wsm__tree_limits){.refs_max = 2, .refs_bytes_max = 20}), 0);
    assert_int_equal(world_set(&w, w.main, "a", "1"), 0);
    assert_int_equal(world_set(&w, w.main, "b", "1"), 0);
    assert_int_equal(world_set(&w, w.main, "c", "1"), WSM_ERR_LIMIT);
    assert_int_equal(world_set(&w, w.main, "a", "\"0123456789012345678\""), WSM_ERR_LIMIT);
    assert_int_equal(world_set(&w, w.main, "a", NULL), 0);
    assert_int_equal(world_set(&w, w.main, "c", "1"), 0);
    wsm__ref_set set = {.name = wsm__slice_str("c"), .value = wsm__slice_str("2"), .has_if_version = true};
    assert_int_equal(wsm__refs_no(&w.tree, w.main, &set).err, WSM_ERR_CONFLICT); /* 0: not if it is set at all */
    set.if_version = 1;
    assert_int_equal(wsm__refs_no(&w.tree, w.main, &set).err, 0);
    for (int i = 0; i < 20; i++) { /* names that were removed do not pile up */
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        world_set(&w, w.main, "c", NULL);
        assert_int_equal(world_set(&w, w.main, name, "1"), 0);
        assert_int_equal(world_set(&w, w.main, name, NULL), 0);
    }
    assert_true(wsm__map_count(&w.main->refs) <= 4);
    world_spawn(&w, "s", w.main, 1);
    for (int i = 0; i < 40; i++) { /* nor do values that are kept for views */
        char id[8];
        snprintf(id, sizeof id, "s%d", i);
        assert_int_equal(world_set(&w, w.main, "b", "[1,2,3]"), 0);
        world_spawn(&w, id, w.main, 1);
        assert_true(w.main->refs_old_bytes <= 80);
    }
    world_close(&w);
}

/* ---- merging --------------------------------------------------------------------------------------------------------
 */

static void merge(world *w, wsm__side *side) {
    wsm__merge_plan *plan;
    wsm__no no;
    assert_int_equal(wsm__merge_prepare(&w->tree, side, &plan, &no), 0);
    assert_int_equal(no.err, 0);
    wsm__merge_commit(&w->tree, plan, ++w->offset, 0);
}

static wsm__side *conflicting(world *w, wsm__conflict_policy policy) {
    wsm__view views[WSM__VIEWS_MAX];
    wsm__inherit_how how = {.mode = WSM__INHERIT_ALL};
    assert_int_equal(world_open(w, 0, no_limits), 0);
    world_set(w, w->main, "same", "0");
    world_set(w, w->main, "gone", "0");
    wsm__birth birth = {.parent = w->main, .conflict_policy = (uint8_t)policy, .views = views};
    birth.views_count = wsm__inherit_views(&w->tree, w->main, w->offset, WSM__AGENT_HUB, &how, views, NULL);
    wsm__side *side = world_spawn_as(w, "s", birth, 1);
    world_set(w, side, "both", "\"mine\"");
    world_set(w, w->main, "both", "\"theirs\"");
    world_set(w, side, "same", "1");
    world_set(w, w->main, "same", "1"); /* both have set it, to the same */
    world_set(w, side, "new", "1");
    world_set(w, side, "gone", NULL);
    return side;
}

static void a_conflict_is_kept_under_both_origins(void **state) {
    (void)state;
    world w;
    wsm__buf buf;
    wsm__side *side = conflicting(&w, WSM__KEEP_BOTH);
    wsm__buf_init(&buf, &w.mem, 0);
    wsm__merge_put_conflicts(side, &buf);
    wsm__buf_putc(&buf, '\0');
    assert_string_equal(
        buf.ptr, "[{\"name\":\"both\",\"parent\":\"theirs\",\"sidebar\":\"mine\",\"resolution\":\"keep_both\"}]");
    wsm__buf_clear(&buf);
    wsm__merge_put_refs(side, &buf);
    wsm__buf_putc(&buf, '\0');
    assert_string_equal(buf.ptr, "{\"both\":\"mine\",\"same\":1,\"new\":1,\"gone\":null}");
    wsm__buf_fini(&buf);
    merge(&w, side);
    assert_true(world_sees(w.main, "both", "\"theirs\""));
    assert_true(world_sees(w.main, "both@s", "\"mine\""));
    assert_true(world_sees(w.main, "new", "1"));
    assert_true(world_sees(w.main, "gone", NULL));
    assert_int_equal(wsm__refs_version(w.main, wsm__slice_str("same")), 2); /* not set a third time */
    world_close(&w);
}

static void the_other_policies_keep_one(void **state) {
    (void)state;
    world w;
    merge(&w, conflicting(&w, WSM__KEEP_PARENT));
    assert_true(world_sees(w.main, "both", "\"theirs\""));
    assert_true(world_sees(w.main, "both@s", NULL));
    assert_true(world_sees(w.main, "new", "1"));
    world_close(&w);
    merge(&w, conflicting(&w, WSM__KEEP_SIDEBAR));
    assert_true(world_sees(w.main, "both", "\"mine\""));
    world_close(&w);
}

static void a_child_that_who_merges_may_not_know_of_does_not_hold_it_up(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *a = world_spawn(&w, "a", w.main, 1), *b = world_spawn(&w, "b", a, 1);
    b->is_private = true;
    assert_int_equal(wsm__merge_no(&w.tree, a, 0).err, WSM_ERR_CONFLICT);
    assert_int_equal(wsm__merge_no(&w.tree, a, WSM__AGENT_HUB).err, WSM_ERR_CONFLICT);
    assert_int_equal(wsm__merge_no(&w.tree, a, 1).err, 0);
    world_close(&w);
}

static void live_children_and_an_open_decision_forbid_a_merge(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *a = world_spawn(&w, "a", w.main, 1), *b = world_spawn(&w, "b", a, 1);
    assert_int_equal(wsm__merge_no(&w.tree, a, 1).err, WSM_ERR_CONFLICT);
    wsm__side_to(&w.tree, b, WSM__STATUS_FAILED);
    assert_int_equal(wsm__merge_no(&w.tree, a, 1).err, 0);
    wsm__side_to(&w.tree, a, WSM__STATUS_TESTING);
    assert_int_equal(wsm__merge_no(&w.tree, a, 1).err, WSM_ERR_INVALID_TRANSITION);
    wsm__side_to(&w.tree, a, WSM__STATUS_ACTIVE);
    wsm__side_to(&w.tree, a, WSM__STATUS_CONSOLIDATING);
    assert_int_equal(wsm__merge_no(&w.tree, a, 1).err, 0);
    assert_int_equal(wsm__merge_decision_no(a).err, WSM_ERR_INVALID_TRANSITION);
    a->is_offered = true;
    assert_int_equal(wsm__merge_no(&w.tree, a, 1).err, WSM_ERR_CONFLICT);
    assert_int_equal(wsm__merge_decision_no(a).err, 0);
    wsm__buf buf;
    wsm__buf_init(&buf, &w.mem, 0);
    wsm__merge_put_children(a, &buf);
    wsm__buf_putc(&buf, '\0');
    assert_string_equal(buf.ptr, "[{\"sidebar_id\":\"b\",\"status\":\"failed\"}]");
    wsm__buf_fini(&buf);
    world_close(&w);
}

static void what_does_not_fit_into_the_parent_is_refused_whole(void **state) {
    (void)state;
    world w;
    wsm__merge_plan *plan;
    wsm__no no;
    assert_int_equal(world_open(&w, 0, (wsm__tree_limits){.refs_max = 2}), 0);
    world_set(&w, w.main, "a", "1");
    wsm__side *side = world_spawn(&w, "s", w.main, 1);
    world_set(&w, side, "b", "1");
    world_set(&w, side, "c", "1");
    assert_int_equal(wsm__merge_prepare(&w.tree, side, &plan, &no), 0);
    assert_int_equal(no.err, WSM_ERR_LIMIT);
    assert_null(plan);
    assert_true(world_sees(w.main, "b", NULL));
    world_close(&w);
}

static int add_text(wsm__content *content, const char *json) {
    return wsm__content_add(content, wsm__slice_str(json));
}

static const char *const records[] = {
    "{\"type\":\"memory_update\",\"offset\":2,\"sender_agent_id\":\"ada\",\"priority\":\"normal\",\"exchange\":{\"a\":"
    "1},"
    "\"key\":\"k\"}",
    "{\"type\":\"memory_update\",\"offset\":3,\"sender_agent_id\":\"bob\",\"priority\":\"critical\",\"exchange\":\"!"
    "\"}",
    "{\"type\":\"sidebar_pause\",\"offset\":4,\"sender_agent_id\":\"bob\"}",
    "{\"type\":\"sidebar_test_result\",\"offset\":5,\"sender_agent_id\":\"bob\",\"test_description\":\"t\",\"result\":"
    "\"passed\",\"findings\":\"f\"}",
    "{\"type\":\"memory_update\",\"offset\":6,\"sender_agent_id\":\"ada\",\"priority\":\"normal\",\"exchange\":2,"
    "\"key\":"
    "\"k\"}",
};

static void findings_are_put_together_from_the_records(void **state) {
    (void)state;
    for (size_t n = 0;; n++) {
        test_mem host = {.fail_at = n};
        wsm__mem mem;
        wsm__content content;
        wsm__buf buf;
        int err = 0;
        wsm__mem_init(&mem, test_alloc, &host, 0);
        wsm__content_init(&content, &mem, world_seed, true);
        static const uint64_t chosen[] = {3, 6};
        content.offsets = chosen;
        content.offsets_count = 2;
        for (size_t i = 0; i < sizeof records / sizeof *records && !err; i++) err = add_text(&content, records[i]);
        wsm__buf_init(&buf, &mem, 0);
        wsm__content_put_exchanges(&content, &buf);
        wsm__buf_putc(&buf, '\n');
        wsm__content_put_findings(&content, &buf);
        wsm__buf_putc(&buf, '\0');
        if (!err && !buf.err) {
            assert_int_equal(content.found, 2);
            assert_string_equal(
                buf.ptr,
                "[{\"offset\":3,\"sender_agent_id\":\"bob\",\"exchange\":\"!\"},"
                "{\"offset\":6,\"sender_agent_id\":\"ada\",\"exchange\":2}]\n"
                "{\"critical\":[{\"offset\":3,\"sender_agent_id\":\"bob\",\"exchange\":\"!\"}],"
                "\"tests\":[{\"offset\":5,\"tested_by\":\"bob\",\"test_description\":\"t\",\"result\":\"passed\","
                "\"findings\":\"f\"}],\"values\":{\"k\":{\"offset\":6,\"exchange\":2}}}");
        }
        bool failed = test_mem_has_failed(&host);
        assert_true(!failed || err == WSM_ERR_NOMEM || buf.err);
        wsm__buf_fini(&buf);
        wsm__content_fini(&content);
        assert_int_equal(host.live, 0);
        if (n > 0 && !failed) break;
    }
}

/* ---- waiting --------------------------------------------------------------------------------------------------------
 */

static void wait_for(world *w, wsm__side *side, wsm__side **on, uint32_t count) {
    wsm__text text = {0};
    assert_int_equal(wsm__waits_prepare(&w->tree, side, count), 0);
    if (side->status != WSM__STATUS_WAITING) wsm__side_to(&w->tree, side, WSM__STATUS_WAITING);
    wsm__waits_set(&w->tree, side, WSM__WAITING_SIDEBAR, &text, on, count);
}

static void a_circle_of_waits_is_found(void **state) {
    (void)state;
    world w;
    wsm__side *s[5], *cycle[8];
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    for (int i = 0; i < 5; i++) s[i] = world_spawn(&w, (const char *[]){"a", "b", "c", "d", "e"}[i], w.main, 1);
    wait_for(&w, s[0], (wsm__side *[]){s[3], s[1]}, 2); /* d leads nowhere */
    wait_for(&w, s[1], (wsm__side *[]){s[2]}, 1);
    assert_int_equal(wsm__waits_cycle(&w.tree, s[0], cycle, 8), 0);
    wait_for(&w, s[2], (wsm__side *[]){s[4], s[0]}, 2);
    wait_for(&w, s[4], (wsm__side *[]){s[1]}, 1); /* a circle that a is not part of */
    assert_int_equal(wsm__waits_cycle(&w.tree, s[0], cycle, 8), 3);
    assert_ptr_equal(cycle[0], s[0]);
    assert_ptr_equal(cycle[1], s[1]);
    assert_ptr_equal(cycle[2], s[2]);
    wsm__side_to(&w.tree, s[2], WSM__STATUS_ACTIVE); /* it waits no longer */
    assert_int_equal(wsm__waits_cycle(&w.tree, s[0], cycle, 8), 0);
    wait_for(&w, s[3], (wsm__side *[]){s[3]}, 1); /* for itself: left out */
    assert_int_equal(s[3]->waits.count, 0);
    world_close(&w);
}

static void a_wait_is_over_when_all_have_ended(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *a = world_spawn(&w, "a", w.main, 1), *b = world_spawn(&w, "b", w.main, 1),
              *c = world_spawn(&w, "c", w.main, 1);
    wait_for(&w, a, (wsm__side *[]){b, c}, 2);
    wsm__side_to(&w.tree, b, WSM__STATUS_FAILED);
    assert_false(wsm__waits_over(a));
    wsm__side_to(&w.tree, a, WSM__STATUS_PAUSED); /* what it waits for is not forgotten */
    wsm__side_to(&w.tree, a, WSM__STATUS_WAITING);
    wsm__side_to(&w.tree, c, WSM__STATUS_FAILED);
    assert_true(wsm__waits_over(a));
    assert_ptr_equal(wsm__waits_next(&w.tree, NULL), a);
    wsm__side_to(&w.tree, a, WSM__STATUS_ACTIVE);
    assert_null(wsm__waits_next(&w.tree, NULL));
    world_close(&w);
}

static void each_kind_of_condition_resumes(void **state) {
    (void)state;
    world w;
    wsm__text text = {0};
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *a = world_spawn(&w, "a", w.main, 1), *b = world_spawn(&w, "b", w.main, 1);
    wsm__side_to(&w.tree, a, WSM__STATUS_PAUSED);
    wsm__wake_set(&w.tree, a, &(wsm__condition){.kind = WSM__WAKE_TIME, .time_ms = 500}, &text);
    assert_false(wsm__wake_is_met_by_time(a, 499));
    assert_true(wsm__wake_is_met_by_time(a, 500));
    wsm__wake_set(&w.tree, a, &(wsm__condition){.kind = WSM__WAKE_SIDEBAR, .side = b}, &text);
    assert_false(wsm__wake_is_met_by_time(a, 500));
    assert_false(wsm__wake_is_met_by_end(a));
    wsm__side_to(&w.tree, b, WSM__STATUS_FAILED);
    assert_true(wsm__wake_is_met_by_end(a));
    assert_int_equal(wsm__text_new(&w.mem, wsm__slice_str("ada"), &text), 0);
    wsm__wake_set(&w.tree, a, &(wsm__condition){.kind = WSM__WAKE_MENTION}, &text);
    assert_true(wsm__wake_is_met_by_mention(a, wsm__slice_str("ada")));
    assert_false(wsm__wake_is_met_by_mention(a, wsm__slice_str("bob")));
    assert_int_equal(wsm__text_new(&w.mem, wsm__slice_str("k"), &text), 0);
    wsm__wake_set(&w.tree, a, &(wsm__condition){.kind = WSM__WAKE_KEY}, &text);
    assert_true(wsm__wake_is_met_by_key(a, w.main, wsm__slice_str("k")));
    assert_true(wsm__wake_is_met_by_key(a, a, wsm__slice_str("k")));
    assert_false(wsm__wake_is_met_by_key(a, b, wsm__slice_str("k")));
    wsm__side_to(&w.tree, a, WSM__STATUS_ACTIVE);
    assert_false(wsm__wake_is_met_by_key(a, a, wsm__slice_str("k")));
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_sees_all_that_is_above_it),
        cmocka_unit_test(modes_and_depth_narrow_it),
        cmocka_unit_test(counting_costs_the_same_for_much_and_for_little),
        cmocka_unit_test(what_is_read_of_long_ago_is_asked_for_once),
        cmocka_unit_test(learning_may_lack_memory_and_forgets_the_oldest),
        cmocka_unit_test(a_sum_of_many_pages_makes_it_forget_no_other),
        cmocka_unit_test(a_value_is_seen_as_it_was),
        cmocka_unit_test(old_values_stay_as_long_as_a_view_needs_them),
        cmocka_unit_test(references_have_limits_and_versions),
        cmocka_unit_test(a_conflict_is_kept_under_both_origins),
        cmocka_unit_test(the_other_policies_keep_one),
        cmocka_unit_test(a_child_that_who_merges_may_not_know_of_does_not_hold_it_up),
        cmocka_unit_test(live_children_and_an_open_decision_forbid_a_merge),
        cmocka_unit_test(what_does_not_fit_into_the_parent_is_refused_whole),
        cmocka_unit_test(findings_are_put_together_from_the_records),
        cmocka_unit_test(a_circle_of_waits_is_found),
        cmocka_unit_test(a_wait_is_over_when_all_have_ended),
        cmocka_unit_test(each_kind_of_condition_resumes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
