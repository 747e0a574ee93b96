/* The token bucket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/bucket.h"

static void a_fresh_bucket_is_full(void **state) {
    (void)state;
    wsm__bucket bucket = {0};
    assert_int_equal(wsm__bucket_wait(&bucket, 1000, 50, 3, 1), 0);
    for (int i = 0; i < 3; i++) assert_true(wsm__bucket_take(&bucket, 1000, 50, 3, 1));
    assert_false(wsm__bucket_take(&bucket, 1000, 50, 3, 1));
    assert_int_equal(wsm__bucket_wait(&bucket, 1000, 50, 3, 1), 20);
}

static void it_refills_in_fractions_of_a_token(void **state) {
    (void)state;
    wsm__bucket bucket = {0};
    assert_true(wsm__bucket_take(&bucket, 0, 3, 1, 1)); /* three a second: one each 333.3 ms */
    assert_false(wsm__bucket_take(&bucket, 333, 3, 1, 1));
    assert_int_equal(wsm__bucket_wait(&bucket, 333, 3, 1, 1), 1);
    assert_true(wsm__bucket_take(&bucket, 334, 3, 1, 1));
    int taken = 0;
    wsm__bucket steady = {0};
    for (uint64_t now = 0; now < 100000; now++) taken += wsm__bucket_take(&steady, now, 3, 1, 1);
    assert_in_range(taken, 299, 301);
}

static void it_never_holds_more_than_the_burst(void **state) {
    (void)state;
    wsm__bucket bucket = {0};
    assert_true(wsm__bucket_take(&bucket, 0, 10, 5, 1));
    for (int i = 0; i < 5; i++) assert_true(wsm__bucket_take(&bucket, UINT64_MAX, 10, 5, 1));
    assert_false(wsm__bucket_take(&bucket, UINT64_MAX, 10, 5, 1));
}

static void a_demand_above_the_burst_passes_when_the_bucket_had_time_for_it(void **state) {
    (void)state;
    wsm__bucket bucket = {0};
    assert_true(wsm__bucket_take(&bucket, 0, 10, 5, 5));
    assert_false(wsm__bucket_take(&bucket, 1999, 10, 5, 20));
    assert_int_equal(wsm__bucket_wait(&bucket, 1999, 10, 5, 20), 1);
    assert_true(wsm__bucket_take(&bucket, 2000, 10, 5, 20));
}

static void a_refused_demand_takes_nothing(void **state) {
    (void)state;
    wsm__bucket bucket = {0};
    assert_true(wsm__bucket_take(&bucket, 0, 1, 10, 6));
    assert_false(wsm__bucket_take(&bucket, 0, 1, 10, 5));
    assert_true(wsm__bucket_take(&bucket, 0, 1, 10, 4));
}

static void a_rate_of_zero_is_no_limit_and_a_clock_that_stands_adds_nothing(void **state) {
    (void)state;
    wsm__bucket bucket = {0};
    for (int i = 0; i < 1000; i++) assert_true(wsm__bucket_take(&bucket, 0, 0, 0, UINT32_MAX));
    assert_int_equal(wsm__bucket_wait(&bucket, 0, 0, 0, 1), 0);
    assert_true(wsm__bucket_take(&bucket, 5000, 1, 1, 1));
    assert_false(wsm__bucket_take(&bucket, 4000, 1, 1, 1));
    assert_false(wsm__bucket_take(&bucket, 5000, 1, 1, 1));
    assert_true(wsm__bucket_take(&bucket, 6000, 1, 1, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_bucket_is_full),
        cmocka_unit_test(it_refills_in_fractions_of_a_token),
        cmocka_unit_test(it_never_holds_more_than_the_burst),
        cmocka_unit_test(a_demand_above_the_burst_passes_when_the_bucket_had_time_for_it),
        cmocka_unit_test(a_refused_demand_takes_nothing),
        cmocka_unit_test(a_rate_of_zero_is_no_limit_and_a_clock_that_stands_adds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
