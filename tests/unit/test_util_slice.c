/* Comparing slices, and reading numbers from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/slice.h"

static wsm_slice s(const char *text) {
    return wsm__slice_str(text);
}

static void slices_compare_by_content(void **state) {
    (void)state;
    assert_true(wsm__slice_is(s("abc"), "abc"));
    assert_false(wsm__slice_is(s("abc"), "abd"));
    assert_false(wsm__slice_is(s("abc"), "ab"));
    assert_true(wsm__slice_eq((wsm_slice){NULL, 0}, s("")));
}

static void case_is_ignored_for_ascii_letters_only(void **state) {
    (void)state;
    assert_true(wsm__slice_is_nocase(s("Sec-WebSocket-KEY"), "sec-websocket-key"));
    assert_false(wsm__slice_is_nocase(s("upgrade"), "upgrades"));
    assert_false(wsm__slice_is_nocase(s("[@"), "{`")); /* differ in the bit that tells the case */
    assert_false(wsm__slice_is_nocase(s("\xC4"), "\xE4"));
}

static void numbers_are_plain_decimal_digits(void **state) {
    (void)state;
    uint64_t value = 7;
    assert_true(wsm__slice_u64(s("0"), 0, &value));
    assert_int_equal(value, 0);
    assert_true(wsm__slice_u64(s("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(wsm__slice_u64(s("100"), 100, &value));
    assert_int_equal(value, 100);
    const char *const bad[] = {
        "", "-1", "+1", "01", "00", " 1", "1 ", "1a", "1.0", "18446744073709551616", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(wsm__slice_u64(s(bad[i]), UINT64_MAX, &value));
    assert_int_equal(value, 100);
}

static void a_number_above_the_limit_is_refused(void **state) {
    (void)state;
    uint64_t value;
    assert_false(wsm__slice_u64(s("101"), 100, &value));
    assert_false(wsm__slice_u64(s("7"), 5, &value));
    assert_false(wsm__slice_u64(s("10"), 9, &value));
    assert_false(wsm__slice_u64(s("1"), 0, &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_content),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(numbers_are_plain_decimal_digits),
        cmocka_unit_test(a_number_above_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
