/* lib/defaults.c: clocks that go forward, random bytes that differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "defaults.h"

static void clocks_tell_milliseconds(void **state) {
    (void)state;
    uint64_t before = wsm__default_clock_mono(NULL);
    assert_true(wsm__default_clock_mono(NULL) >= before);

    int64_t wall = wsm__default_clock_wall(NULL);
    assert_true(wall > INT64_C(1600000000000));  /* the year 2020 */
    assert_true(wall < INT64_C(32503680000000)); /* the year 3000 */
}

static void random_fills_every_byte(void **state) {
    (void)state;
    unsigned char seen[1000] = {0}, bytes[1000];
    for (int round = 0; round < 16; round++) {
        assert_int_equal(wsm__default_random(NULL, bytes, sizeof bytes), 0);
        for (size_t i = 0; i < sizeof bytes; i++) seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof seen; i++) assert_int_not_equal(seen[i], 0);
    assert_int_equal(wsm__default_random(NULL, NULL, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_tell_milliseconds),
        cmocka_unit_test(random_fills_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
