/* sidebar/tree and members: who belongs, who sees, who knows, and the limits of what may begin. */
#include "sidebar_world.h"

#define ADA  0u
#define BOB  1u
#define CLEO 2u

#define AGENTS 100u /* that are known */

static const wsm__tree_limits no_limits = {0};

static void everybody_belongs_to_main(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    assert_true(wsm__side_has(w.main, ADA));
    assert_true(wsm__tree_sees(&w.tree, w.main, 77, 1));
    assert_ptr_equal(wsm__tree_of(&w.tree, w.main->context), w.main);
    world_close(&w);
}

static void a_member_sees_what_came_while_it_was_one(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *side = world_spawn(&w, "s", w.main, 1);
    const uint32_t bob = BOB;
    uint64_t born = w.offset;
    w.offset = 10;
    assert_int_equal(wsm__side_reserve(&w.tree, side, &bob, 1), 0);
    assert_false(wsm__tree_sees(&w.tree, side, BOB, 10)); /* reserved only */
    wsm__side_join(&w.tree, side, BOB, 10, false);
    assert_true(wsm__tree_sees(&w.tree, side, ADA, born));
    assert_false(wsm__tree_sees(&w.tree, side, BOB, 9));
    assert_true(wsm__tree_sees(&w.tree, side, BOB, 10));
    wsm__side_leave(&w.tree, side, BOB, 20);
    assert_false(wsm__tree_sees(&w.tree, side, BOB, 15)); /* no longer a member, so nothing */
    assert_int_equal(wsm__side_reserve(&w.tree, side, &bob, 1), 0);
    wsm__side_join(&w.tree, side, BOB, 30, false);
    assert_true(wsm__tree_sees(&w.tree, side, BOB, 15)); /* it is one again, and was one then */
    assert_false(wsm__tree_sees(&w.tree, side, BOB, 25));
    world_close(&w);
}

static void history_all_opens_what_came_before(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *side = world_spawn(&w, "s", w.main, 1);
    const uint32_t bob = BOB;
    assert_int_equal(wsm__side_reserve(&w.tree, side, &bob, 1), 0);
    wsm__side_invite(side, BOB, WSM__HISTORY_ALL);
    assert_int_equal(wsm__side_member(side, BOB)->invited, WSM__HISTORY_ALL);
    assert_false(wsm__side_has(side, BOB));
    wsm__side_join(&w.tree, side, BOB, 50, true);
    assert_true(wsm__tree_sees(&w.tree, side, BOB, 1));
    world_close(&w);
}

static void an_agent_finds_its_sidebars_and_a_sidebar_its_agents(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *a = world_spawn(&w, "a", w.main, 3), *b = world_spawn(&w, "b", w.main, 2);
    uint32_t count = 0;
    for (wsm__member *m = wsm__tree_first_of(&w.tree, BOB); m; m = wsm__tree_next_of(m)) count++;
    assert_int_equal(count, 2);
    assert_int_equal(wsm__tree_agent_load(&w.tree, BOB), 2);
    wsm__side_leave(&w.tree, a, BOB, ++w.offset);
    assert_ptr_equal(wsm__tree_first_of(&w.tree, BOB)->side, b);
    assert_null(wsm__tree_next_of(wsm__tree_first_of(&w.tree, BOB)));
    assert_int_equal(wsm__tree_agent_load(&w.tree, BOB), 1);
    assert_int_equal(wsm__side_first_member(a)->agent, ADA);
    assert_int_equal(wsm__side_next_member(wsm__side_first_member(a))->agent, CLEO);
    assert_null(wsm__tree_first_of(&w.tree, 99));
    world_close(&w);
}

static void a_private_sidebar_is_known_to_those_inside(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__birth birth = {.parent = w.main, .creator = ADA, .coordinator = WSM__AGENT_NONE, .is_private = true};
    wsm__side *side = world_spawn_as(&w, "p", birth, 1);
    wsm__side *child = world_spawn(&w, "c", side, 1); /* open, below a private one */
    const uint32_t bob = BOB;
    assert_true(wsm__tree_knows(&w.tree, side, ADA));
    assert_true(wsm__tree_knows(&w.tree, side, WSM__AGENT_HUB));
    assert_false(wsm__tree_knows(&w.tree, side, BOB));
    assert_false(wsm__tree_knows(&w.tree, child, BOB));
    assert_int_equal(wsm__tree_agent_load(&w.tree, ADA), 0); /* the number would tell */
    assert_int_equal(wsm__side_reserve(&w.tree, side, &bob, 1), 0);
    wsm__side_invite(side, BOB, WSM__HISTORY_SINCE);
    assert_true(wsm__tree_knows(&w.tree, side, BOB));
    wsm__side_leave(&w.tree, side, BOB, ++w.offset); /* it declines */
    assert_false(wsm__tree_knows(&w.tree, side, BOB));
    side->merged_at = ++w.offset; /* its merge stands in main */
    assert_true(wsm__tree_knows(&w.tree, side, BOB));
    world_close(&w);
}

static void what_begins_keeps_the_limits(void **state) {
    (void)state;
    world w;
    static const wsm__tree_limits limits = {
        .participants_max = 3, .depth_max = 2, .children_max = 2, .open_per_creator = 4, .created_per_min = 3};
    assert_int_equal(world_open(&w, 0, limits), 0);
    wsm__birth birth = {.parent = w.main, .creator = ADA, .time_ms = w.time, .agents_count = 4};
    assert_string_equal(wsm__tree_birth_no(&w.tree, &birth).field, "participants");
    birth.agents_count = 3;
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, 0);
    wsm__side *a = world_spawn(&w, "a", w.main, 1), *b = world_spawn(&w, "b", a, 1);
    birth.parent = b; /* depth 3 */
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, WSM_ERR_LIMIT);
    world_spawn(&w, "c", a, 1);
    birth.parent = a; /* a third child */
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, WSM_ERR_LIMIT);
    birth.parent = w.main; /* a fourth one within the minute */
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, WSM_ERR_RATE_LIMITED);
    birth.time_ms = w.time += 60000;
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, 0);
    wsm__side *d = world_spawn(&w, "d", w.main, 1);
    birth.time_ms = w.time += 60000; /* four are open */
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, WSM_ERR_LIMIT);
    wsm__side_to(&w.tree, d, WSM__STATUS_FAILED);
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, 0);
    birth.creator = WSM__AGENT_HUB; /* the host is not limited */
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, 0);
    world_close(&w);
}

static void who_comes_and_goes_often_keeps_the_newest_times(void **state) {
    (void)state;
    world w;
    const uint32_t bob = BOB;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *side = world_spawn(&w, "s", w.main, 1);
    for (uint64_t i = 1; i <= 100; i++) {
        assert_int_equal(wsm__side_reserve(&w.tree, side, &bob, 1), 0);
        wsm__side_join(&w.tree, side, BOB, 100 * i, false);
        if (i < 100) wsm__side_leave(&w.tree, side, BOB, 100 * i + 10);
    }
    assert_int_equal(wsm__side_member(side, BOB)->spans.count, WSM__SPANS_MAX);
    assert_true(wsm__tree_sees(&w.tree, side, BOB, 9905));
    assert_false(wsm__tree_sees(&w.tree, side, BOB, 105));
    world_close(&w);
}

static void private_children_limit_only_those_who_know_them(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, (wsm__tree_limits){.children_max = 2}), 0);
    wsm__side *parent = world_spawn(&w, "s", w.main, 2);
    wsm__birth birth = {.parent = parent, .creator = ADA, .coordinator = WSM__AGENT_NONE, .is_private = true};
    world_spawn_as(&w, "a", birth, 1);
    world_spawn_as(&w, "b", birth, 1);
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, WSM_ERR_LIMIT);
    assert_int_equal(wsm__merge_no(&w.tree, parent, ADA).err, WSM_ERR_CONFLICT);
    birth.creator = BOB; /* a member of the parent, but of none of them */
    assert_int_equal(wsm__tree_birth_no(&w.tree, &birth).err, 0);
    assert_int_equal(wsm__merge_no(&w.tree, parent, BOB).err, 0);
    wsm__buf buf;
    wsm__buf_init(&buf, &w.mem, 0);
    wsm__merge_put_children(parent, &buf);
    assert_int_equal(buf.len, 2); /* [] */
    wsm__buf_fini(&buf);
    world_close(&w);
}

static void cross_references_stand_once(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *a = world_spawn(&w, "a", w.main, 1);
    wsm__birth birth = {.parent = w.main, .forked_from = a, .creator = ADA, .cross = &a, .cross_count = 1};
    wsm__side *b = world_spawn_as(&w, "b", birth, 1);
    assert_int_equal(b->cross.count, 1);
    assert_int_equal(a->cross.count, 2); /* main, by its spawn, and the fork */
    world_close(&w);
}

/* A story that uses everything; every allocation fails once, and nothing of what failed shows. */
static int story(world *w) {
    wsm__side *a = world_spawn(w, "a", w->main, 3);
    if (!a) return WSM_ERR_NOMEM;
    const uint32_t agents[] = {7, 1, 9};
    if (wsm__side_reserve(&w->tree, a, agents, 3)) return WSM_ERR_NOMEM;
    wsm__side_join(&w->tree, a, 7, ++w->offset, false);
    wsm__side_invite(a, 9, WSM__HISTORY_SINCE);
    for (int i = 0; i < 70; i++)
        if (world_record(w, a, 10)) return WSM_ERR_NOMEM;
    if (world_set(w, w->main, "x", "1") || world_set(w, a, "x", "2") || world_set(w, w->main, "x", "3"))
        return WSM_ERR_NOMEM;
    wsm__side *b = world_spawn(w, "b", a, 2);
    if (!b) return WSM_ERR_NOMEM;
    if (wsm__waits_prepare(&w->tree, a, 1)) return WSM_ERR_NOMEM;
    wsm__text text;
    if (wsm__text_new(&w->mem, wsm__slice_str("\"so\""), &text)) return WSM_ERR_NOMEM;
    wsm__side_to(&w->tree, a, WSM__STATUS_WAITING);
    wsm__waits_set(&w->tree, a, WSM__WAITING_SIDEBAR, &text, &b, 1);
    if (world_set(w, b, "y", "[1]")) return WSM_ERR_NOMEM;
    if (wsm__side_named_prepare(&w->tree, a, 1)) return WSM_ERR_NOMEM;
    b->is_hidden = true; /* for once, so that it is noted */
    wsm__side_named(a, b, w->offset, 10);
    b->is_hidden = false;
    wsm__merge_plan *plan;
    wsm__no no;
    if (wsm__merge_prepare(&w->tree, b, &plan, &no)) return WSM_ERR_NOMEM;
    wsm__merge_commit(&w->tree, plan, ++w->offset, 0);
    uint64_t digest;
    return wsm__tree_digest(&w->tree, &digest);
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        world w;
        int err = world_open(&w, n, no_limits);
        if (!err) err = story(&w);
        bool failed = test_mem_has_failed(&w.host);
        world_close(&w);
        if (!failed) {
            assert_int_equal(err, 0);
            assert_true(n > 20);
            break;
        }
        assert_int_equal(err, WSM_ERR_NOMEM);
    }
}

static void the_snapshot_brings_back_the_same_state(void **state) {
    (void)state;
    world w;
    uint64_t before, after;
    wsm__buf buf;
    wsm__json_value value;
    static const wsm__scan_limits scan = {.depth_max = 32, .values_max = UINT32_MAX, .key_bytes_max = 128};
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    assert_int_equal(story(&w), 0);
    wsm__side *a = wsm__tree_of(&w.tree, wsm__log_context(&w.log, wsm__slice_str("a")));
    assert_int_equal(wsm__tree_digest(&w.tree, &before), 0);
    wsm__buf_init(&buf, &w.mem, 0);
    wsm__tree_save(&w.tree, &buf);
    uint64_t version = a->version;
    wsm__tree_clear(&w.tree);
    assert_int_equal(w.tree.count, 0);
    assert_int_equal(wsm__json_check(wsm__slice(buf.ptr, buf.len), &scan, &value, NULL), 0);
    assert_int_equal(wsm__tree_load(&w.tree, &w.log, AGENTS, value.raw), 0);
    assert_int_equal(wsm__tree_digest(&w.tree, &after), 0);
    assert_true(before == after);
    a = wsm__tree_of(&w.tree, wsm__log_context(&w.log, wsm__slice_str("a")));
    assert_int_equal(a->version, version);
    assert_true(wsm__side_has(a, 7));
    assert_int_equal(wsm__side_member(a, 9)->invited, WSM__HISTORY_SINCE);
    assert_int_equal(wsm__tree_agent_load(&w.tree, 7), 1);
    assert_int_equal(a->live_children, 1);
    assert_int_equal(a->waits.count, 1);
    assert_int_equal(a->named.count, 1);
    assert_ptr_equal(wsm__waits_next(&w.tree, NULL), a);
    for (size_t cut = 1; cut < buf.len; cut += 7) { /* no text makes it crash */
        wsm__json_value broken;
        buf.ptr[cut] ^= 1;
        if (!wsm__json_check(wsm__slice(buf.ptr, buf.len), &scan, &broken, NULL) && broken.kind == WSM__JSON_ARRAY) {
            wsm__tree_clear(&w.tree);
            wsm__tree_load(&w.tree, &w.log, AGENTS, broken.raw);
        }
        buf.ptr[cut] ^= 1;
    }
    wsm__buf_fini(&buf);
    world_close(&w);
}

static void loading_may_lack_memory(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        world w;
        wsm__buf buf;
        static const wsm__scan_limits scan = {.depth_max = 32, .values_max = UINT32_MAX, .key_bytes_max = 128};
        wsm__json_value value;
        assert_int_equal(world_open(&w, 0, no_limits), 0);
        assert_int_equal(story(&w), 0);
        wsm__buf_init(&buf, &w.mem, 0);
        wsm__tree_save(&w.tree, &buf);
        assert_int_equal(wsm__json_check(wsm__slice(buf.ptr, buf.len), &scan, &value, NULL), 0);
        wsm__tree_clear(&w.tree);
        w.host.fail_at = w.host.calls + n;
        int err = wsm__tree_load(&w.tree, &w.log, AGENTS, value.raw);
        bool failed = test_mem_has_failed(&w.host);
        wsm__buf_fini(&buf);
        world_close(&w);
        assert_int_equal(err, failed ? WSM_ERR_NOMEM : WSM_OK);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_belongs_to_main),
        cmocka_unit_test(a_member_sees_what_came_while_it_was_one),
        cmocka_unit_test(history_all_opens_what_came_before),
        cmocka_unit_test(an_agent_finds_its_sidebars_and_a_sidebar_its_agents),
        cmocka_unit_test(a_private_sidebar_is_known_to_those_inside),
        cmocka_unit_test(what_begins_keeps_the_limits),
        cmocka_unit_test(who_comes_and_goes_often_keeps_the_newest_times),
        cmocka_unit_test(private_children_limit_only_those_who_know_them),
        cmocka_unit_test(cross_references_stand_once),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(the_snapshot_brings_back_the_same_state),
        cmocka_unit_test(loading_may_lack_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
