/* lib/client/seen.c: the offsets above the position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/seen.h"
#include "mem_fault.h"

static void add(wsm__seen *seen, wsm__mem *mem, uint64_t offset) {
    assert_int_equal(wsm__seen_add(seen, mem, offset), 0);
}

static void a_set_knows_what_was_added_in_any_order(void **state) {
    (void)state;
    test_mem test = {0};
    wsm__mem mem;
    wsm__mem_init(&mem, test_alloc, &test, 0);
    wsm__seen seen = {0};
    assert_false(wsm__seen_has(&seen, 5));

    static const uint64_t offsets[] = {5, 9, 7, 1, 8, 7, UINT64_MAX};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) add(&seen, &mem, offsets[i]);

    assert_int_equal(seen.count, 6);
    for (uint64_t i = 0; i < 12; i++) assert_int_equal(wsm__seen_has(&seen, i), i == 1 || i == 5 || (i >= 7 && i <= 9));
    assert_true(wsm__seen_has(&seen, UINT64_MAX));
    wsm__seen_fini(&seen, &mem);
    assert_int_equal(test.live, 0);
}

static void a_position_drops_all_up_to_it(void **state) {
    (void)state;
    test_mem test = {0};
    wsm__mem mem;
    wsm__mem_init(&mem, test_alloc, &test, 0);
    wsm__seen seen = {0};
    wsm__seen_drop(&seen, 3); /* of nothing */
    for (uint64_t i = 1; i <= 100; i++) add(&seen, &mem, i * 2);

    wsm__seen_drop(&seen, 101);
    assert_int_equal(seen.count, 50);
    assert_false(wsm__seen_has(&seen, 100));
    assert_true(wsm__seen_has(&seen, 102));
    add(&seen, &mem, 101); /* before the first */
    assert_true(wsm__seen_has(&seen, 101));
    wsm__seen_drop(&seen, 200);
    assert_int_equal(seen.count, 0);

    wsm__seen_fini(&seen, &mem);
    assert_int_equal(test.live, 0);
}

static void a_moving_window_needs_no_more_room_than_its_width(void **state) {
    (void)state;
    test_mem test = {0};
    wsm__mem mem;
    wsm__mem_init(&mem, test_alloc, &test, 0);
    wsm__seen seen = {0};

    for (uint64_t i = 1; i <= 100000; i++) {
        add(&seen, &mem, i);
        if (i > 50) wsm__seen_drop(&seen, i - 50);
    }

    assert_int_equal(seen.count, 50);
    assert_in_range(seen.cap, 51, 128);
    assert_true(wsm__seen_has(&seen, 99951));
    assert_false(wsm__seen_has(&seen, 99950));
    wsm__seen_fini(&seen, &mem);
    assert_int_equal(test.live, 0);
}

static void a_full_set_forgets_the_lowest_and_never_claims_too_much(void **state) {
    (void)state;
    test_mem test = {0};
    wsm__mem mem;
    wsm__mem_init(&mem, test_alloc, &test, 0);
    wsm__seen seen = {0};
    for (uint64_t i = 1; i <= WSM__SEEN_MAX; i++) add(&seen, &mem, i * 2);
    assert_true(wsm__seen_has(&seen, 2));

    add(&seen, &mem, WSM__SEEN_MAX * 2 + 2);
    assert_int_equal(seen.count, WSM__SEEN_MAX - WSM__SEEN_MAX / 8 + 1);
    for (uint64_t i = 2; i <= WSM__SEEN_MAX; i++) add(&seen, &mem, (WSM__SEEN_MAX + i) * 2);

    assert_true(seen.count <= WSM__SEEN_MAX);
    assert_true(seen.count >= WSM__SEEN_MAX - WSM__SEEN_MAX / 8);
    assert_true(seen.cap <= 2 * WSM__SEEN_MAX);
    assert_false(wsm__seen_has(&seen, 2));
    assert_true(wsm__seen_has(&seen, WSM__SEEN_MAX * 4));
    for (uint64_t i = 1; i <= WSM__SEEN_MAX * 4; i += 2) assert_false(wsm__seen_has(&seen, i));
    wsm__seen_fini(&seen, &mem);
    assert_int_equal(test.live, 0);
}

static void without_memory_nothing_changes(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        test_mem test = {.fail_at = n};
        wsm__mem mem;
        wsm__mem_init(&mem, test_alloc, &test, 0);
        wsm__seen seen = {0};
        for (uint64_t i = 1; i <= 1000; i++) {
            uint32_t before = seen.count;
            if (wsm__seen_add(&seen, &mem, i) == 0) continue;
            assert_int_equal(seen.count, before);
            assert_false(wsm__seen_has(&seen, i));
            add(&seen, &mem, i);
        }
        assert_int_equal(seen.count, 1000);
        wsm__seen_fini(&seen, &mem);
        assert_int_equal(test.live, 0);
        if (!test_mem_has_failed(&test)) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_knows_what_was_added_in_any_order),
        cmocka_unit_test(a_position_drops_all_up_to_it),
        cmocka_unit_test(a_moving_window_needs_no_more_room_than_its_width),
        cmocka_unit_test(a_full_set_forgets_the_lowest_and_never_claims_too_much),
        cmocka_unit_test(without_memory_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
