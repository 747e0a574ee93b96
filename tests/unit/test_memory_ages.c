/* memory/ages: which offsets have passed an age. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory/ages.h"

static void an_offset_has_passed_when_its_mark_is_old(void **state) {
    (void)state;
    wsm__ages ages = {0};
    assert_int_equal(wsm__ages_passed(&ages, INT64_MAX), 0);
    for (int i = 1; i <= 100; i++) wsm__ages_note(&ages, (uint64_t)i, i * 10, 1600); /* a mark every hundred */
    assert_int_equal(wsm__ages_passed(&ages, 10), 0);
    assert_int_equal(wsm__ages_passed(&ages, 11), 1);
    assert_int_equal(wsm__ages_passed(&ages, 500), 41); /* never more than a sixteenth too late, never too early */
    assert_int_equal(wsm__ages_passed(&ages, 500), 41); /* and the same when it could not be acted upon */
    assert_int_equal(wsm__ages_passed(&ages, 1000), 91);
}

static void the_marks_are_bounded_though_nobody_asks(void **state) {
    (void)state;
    wsm__ages ages = {0};
    for (int i = 1; i <= 1000; i++) wsm__ages_note(&ages, (uint64_t)i, i * 1000, 1600);
    assert_int_equal(ages.count, WSM__AGES_MARKS);
    assert_int_equal(wsm__ages_passed(&ages, INT64_MAX), 1000);
    assert_int_equal(ages.count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offset_has_passed_when_its_mark_is_old),
        cmocka_unit_test(the_marks_are_bounded_though_nobody_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
