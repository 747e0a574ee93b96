/* The lanes of a connection: who goes first, and what fits. And the receivers of a context. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conn/lanes.h"
#include "mem_fault.h"
#include "route/receivers.h"
#include "wsm/error.h"

typedef struct fixture {
    test_mem host;
    wsm__mem mem;
    wsm__chain_pool pool;
    wsm__lanes lanes;
} fixture;

static void open_lanes(fixture *f) {
    *f = (fixture){.host = {0}};
    wsm__mem_init(&f->mem, test_alloc, &f->host, 0);
    wsm__chain_pool_init(&f->pool, &f->mem);
    wsm__lanes_init(&f->lanes);
}

static void close_lanes(fixture *f) {
    wsm__lanes_fini(&f->lanes, &f->pool);
    wsm__chain_pool_fini(&f->pool);
    assert_int_equal(f->host.live, 0);
}

static int push(fixture *f, const wsm__lane_limits *limits, wsm__lane lane, uint64_t offset, size_t len) {
    static char text[4096];
    wsm__frame *frame = wsm__frame_of(&f->mem, 1, text, len, NULL);
    int err = wsm__lanes_push(&f->lanes, &f->pool, limits, lane, frame, offset, 0, 0, false);
    wsm__frame_unref(frame);
    return err;
}

static uint64_t pop(fixture *f) {
    wsm__outq got;
    wsm__outq_init(&got, false);
    int moved = wsm__lanes_pop(&f->lanes, &f->pool, &got);
    uint64_t offset = moved ? wsm__chain_first(&got.frames)->offset : UINT64_MAX;
    assert_int_equal(got.count, moved);
    wsm__outq_fini(&got, &f->pool);
    return offset;
}

static void the_more_urgent_goes_first_and_order_holds_within_a_lane(void **state) {
    (void)state;
    static const wsm__lane_limits none = {0};
    fixture f;
    open_lanes(&f);
    push(&f, &none, WSM__LANE_BACKGROUND, 1, 8);
    push(&f, &none, WSM__LANE_NORMAL, 2, 8);
    push(&f, &none, WSM__LANE_NORMAL, 3, 8);
    push(&f, &none, WSM__LANE_CRITICAL, 4, 8);
    push(&f, &none, WSM__LANE_CONTROL, 0, 8);
    assert_int_equal(wsm__lanes_lowest(&f.lanes), 1);
    const uint64_t expected[] = {0, 4, 2, 3, 1, UINT64_MAX};
    for (size_t i = 0; i < 6; i++) assert_int_equal(pop(&f), expected[i]);
    assert_int_equal(f.lanes.bytes, 0);
    close_lanes(&f);
}

static void background_gets_one_in_sixteen_and_never_starves(void **state) {
    (void)state;
    static const wsm__lane_limits none = {0};
    fixture f;
    open_lanes(&f);
    push(&f, &none, WSM__LANE_BACKGROUND, 1000, 8);
    for (uint64_t i = 1; i <= 40; i++) push(&f, &none, WSM__LANE_NORMAL, i, 8);
    int at = 1;
    while (pop(&f) != 1000) at++;
    assert_int_equal(at, 16);
    close_lanes(&f);
}

static void the_last_quarter_of_the_bytes_is_for_critical_ones(void **state) {
    (void)state;
    static const wsm__lane_limits limits = {.bytes_max = 4000, .control_reserve = 1000};
    fixture f;
    open_lanes(&f);
    for (int i = 0; i < 3; i++) assert_int_equal(push(&f, &limits, WSM__LANE_NORMAL, 1, 990), 0);
    assert_int_equal(push(&f, &limits, WSM__LANE_NORMAL, 1, 990), WSM_ERR_BUSY);
    assert_int_equal(push(&f, &limits, WSM__LANE_CRITICAL, 1, 990), 0);
    assert_int_equal(push(&f, &limits, WSM__LANE_CRITICAL, 1, 990), WSM_ERR_BUSY);
    assert_int_equal(push(&f, &limits, WSM__LANE_CONTROL, 0, 990), 0);
    assert_int_equal(push(&f, &limits, WSM__LANE_CONTROL, 0, 990), WSM_ERR_BUSY);
    close_lanes(&f);
}

static void a_notice_may_use_what_is_kept_for_critical_ones(void **state) {
    (void)state;
    static const wsm__lane_limits limits = {.bytes_max = 4000, .control_reserve = 1000};
    char text[900] = {0};
    fixture f;
    open_lanes(&f);
    for (int i = 0; i < 3; i++) assert_int_equal(push(&f, &limits, WSM__LANE_NORMAL, 1, 990), 0);
    wsm__frame *notice = wsm__frame_of(&f.mem, 1, text, sizeof text, NULL);
    assert_int_equal(wsm__lanes_push(&f.lanes, &f.pool, &limits, WSM__LANE_NORMAL, notice, 0, 0, 0, false),
                     WSM_ERR_BUSY);
    assert_int_equal(wsm__lanes_push(&f.lanes, &f.pool, &limits, WSM__LANE_NORMAL, notice, 0, 0, 0, true), 0);
    assert_int_equal(wsm__lanes_push(&f.lanes, &f.pool, &limits, WSM__LANE_NORMAL, notice, 0, 0, 0, true),
                     WSM_ERR_BUSY);
    wsm__frame_unref(notice);
    close_lanes(&f);
}

static void the_number_of_messages_binds_the_soft_lanes_but_no_notice(void **state) {
    (void)state;
    static const wsm__lane_limits limits = {.messages_max = 2};
    fixture f;
    open_lanes(&f);
    assert_int_equal(push(&f, &limits, WSM__LANE_NORMAL, 1, 8), 0);
    assert_int_equal(push(&f, &limits, WSM__LANE_BACKGROUND, 2, 8), 0);
    assert_int_equal(push(&f, &limits, WSM__LANE_NORMAL, 3, 8), WSM_ERR_BUSY);
    assert_int_equal(push(&f, &limits, WSM__LANE_CRITICAL, 3, 8), 0);
    wsm__frame *notice = wsm__frame_of(&f.mem, 1, "x", 1, NULL);
    assert_int_equal(wsm__lanes_push(&f.lanes, &f.pool, &limits, WSM__LANE_NORMAL, notice, 0, 0, 0, true), 0);
    wsm__frame_unref(notice);
    uint32_t dropped[WSM__LANES];
    assert_int_equal(wsm__lanes_drop_all(&f.lanes, &f.pool, dropped), 4);
    assert_int_equal(dropped[WSM__LANE_NORMAL], 2);
    close_lanes(&f);
}

static void without_memory_a_push_has_no_effect(void **state) {
    (void)state;
    static const wsm__lane_limits none = {0};
    fixture f;
    open_lanes(&f);
    f.host.fail_at = f.host.calls + 2; /* the frame is made, its place is not */
    assert_int_equal(push(&f, &none, WSM__LANE_NORMAL, 1, 8), WSM_ERR_NOMEM);
    assert_int_equal(f.lanes.count + f.lanes.bytes, 0);
    assert_int_equal(push(&f, &none, WSM__LANE_NORMAL, 1, 8), 0);
    close_lanes(&f);
}

static void the_records_of_a_lane_behind_an_offset_can_be_cut(void **state) {
    (void)state;
    static const wsm__lane_limits none = {0};
    fixture f;
    open_lanes(&f);
    for (uint64_t offset = 1; offset <= 20; offset++) push(&f, &none, WSM__LANE_NORMAL, offset % 5 ? offset : 0, 8);
    push(&f, &none, WSM__LANE_CRITICAL, 21, 8);
    assert_int_equal(wsm__lanes_first(&f.lanes, WSM__LANE_NORMAL, 9), 11);
    assert_int_equal(wsm__lanes_cut(&f.lanes, &f.pool, WSM__LANE_NORMAL, 9), 8); /* what is no record stays */
    assert_int_equal(wsm__lanes_first(&f.lanes, WSM__LANE_NORMAL, 9), 0);
    assert_int_equal(f.lanes.count, 13);
    assert_int_equal(f.lanes.soft, 12);
    const uint64_t expected[] = {21, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 0, 0, UINT64_MAX};
    for (size_t i = 0; i < 14; i++) assert_int_equal(pop(&f), expected[i]);
    assert_int_equal(f.lanes.bytes, 0);
    close_lanes(&f);
}

static void receivers_come_and_go(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__receivers r = {0};
    wsm__mem_init(&mem, test_alloc, &host, 0);
    for (uint32_t i = 0; i < 20; i++) assert_int_equal(wsm__receivers_add(&r, &mem, i), 0);
    wsm__receivers_remove(&r, 3);
    wsm__receivers_remove(&r, 3);
    wsm__receivers_remove(&r, 99);
    assert_int_equal(r.count, 19);
    for (uint32_t i = 0; i < r.count; i++) assert_int_not_equal(r.slots[i], 3);
    wsm__receivers_fini(&r, &mem);
    assert_int_equal(host.live, 0);
}

static bool has_tag(const void *user, const wsm__chain_item *item) {
    const uint32_t *tag = user;
    return wsm__frame_tag(item->frame) == *tag;
}

static void what_carries_a_tag_is_purged_and_the_rest_keeps_its_order(void **state) {
    (void)state;
    static const wsm__lane_limits none = {0};
    fixture f;
    const uint32_t tag = 7;
    open_lanes(&f);
    for (uint64_t offset = 1; offset <= 6; offset++) {
        wsm__frame *frame = wsm__frame_of(&f.mem, 1, "{}", 2, NULL);
        wsm__frame_set_tag(frame, offset % 2 ? tag : 8);
        wsm__lane lane = offset > 4 ? WSM__LANE_CRITICAL : WSM__LANE_NORMAL;
        assert_int_equal(wsm__lanes_push(&f.lanes, &f.pool, &none, lane, frame, offset, 0, 0, false), 0);
        wsm__frame_unref(frame);
    }
    size_t bytes = f.lanes.bytes;
    uint32_t dropped[WSM__LANES];
    assert_int_equal(wsm__lanes_purge(&f.lanes, &f.pool, has_tag, &tag, dropped), 3);
    assert_int_equal(f.lanes.bytes, bytes / 2);
    assert_int_equal(f.lanes.count, 3);
    assert_int_equal(f.lanes.soft, 2);
    assert_int_equal(wsm__lanes_purge(&f.lanes, &f.pool, has_tag, &tag, NULL), 0);
    const uint64_t expected[] = {6, 2, 4, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) assert_int_equal(pop(&f), expected[i]);
    close_lanes(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_carries_a_tag_is_purged_and_the_rest_keeps_its_order),
        cmocka_unit_test(the_more_urgent_goes_first_and_order_holds_within_a_lane),
        cmocka_unit_test(background_gets_one_in_sixteen_and_never_starves),
        cmocka_unit_test(the_last_quarter_of_the_bytes_is_for_critical_ones),
        cmocka_unit_test(a_notice_may_use_what_is_kept_for_critical_ones),
        cmocka_unit_test(the_number_of_messages_binds_the_soft_lanes_but_no_notice),
        cmocka_unit_test(without_memory_a_push_has_no_effect),
        cmocka_unit_test(the_records_of_a_lane_behind_an_offset_can_be_cut),
        cmocka_unit_test(receivers_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
