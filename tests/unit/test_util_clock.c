/* RFC 3339: writing, reading, and the calendar between. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

static bool parse(const char *text, int64_t *ms) {
    size_t len = strlen(text);
    char *exact = malloc(len ? len : 1);
    if (len) memcpy(exact, text, len);
    bool ok = wsm__time_parse(exact, len, ms);
    free(exact);
    return ok;
}

static void assert_format(int64_t ms, const char *text) {
    char out[WSM__TIME_LEN];
    wsm__time_format(out, ms);
    assert_memory_equal(out, text, WSM__TIME_LEN);
}

static void times_are_written_in_utc_with_milliseconds(void **state) {
    (void)state;
    assert_format(0, "1970-01-01T00:00:00.000Z");
    assert_format(-1, "1969-12-31T23:59:59.999Z");
    assert_format(951782400000, "2000-02-29T00:00:00.000Z");
    assert_format(1767323045678, "2026-01-02T03:04:05.678Z");
    assert_format(4107542399999, "2100-02-28T23:59:59.999Z");
    assert_format(4107542400000, "2100-03-01T00:00:00.000Z");
    assert_format(INT64_MIN, "0000-01-01T00:00:00.000Z");
    assert_format(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

static void every_day_of_the_years_is_that_of_the_c_library(void **state) {
    (void)state;
    for (int64_t day = -719528; day <= 2932896; day++) { /* 0000-01-01 to 9999-12-31 */
        time_t seconds = (time_t)(day * 86400 + 45296);
        struct tm tm;
        char expected[64], out[WSM__TIME_LEN];
        int64_t ms;
        if (day % 7 && day % 365 && (day < 10957 || day > 12784)) continue; /* four years day by day, others by week */
        gmtime_r(&seconds, &tm);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT12:34:56.007Z", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday);
        wsm__time_format(out, (int64_t)seconds * 1000 + 7);
        assert_memory_equal(out, expected, WSM__TIME_LEN);
        assert_true(wsm__time_parse(out, sizeof out, &ms));
        assert_int_equal(ms, (int64_t)seconds * 1000 + 7);
    }
}

static void all_forms_of_the_rfc_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {/* the first three: RFC 3339, section 5.8 */
                {"1985-04-12T23:20:50.52Z", 482196050520},
                {"1996-12-19T16:39:57-08:00", 851042397000},
                {"1937-01-01T12:00:27.87+00:20", -1041337172130},
                {"1970-01-01t00:00:00z", 0},
                {"1970-01-01T00:00:00-00:00", 0},
                {"1970-01-01T00:00:00.123456789Z", 123},
                {"1970-01-01T05:30:00.1+05:30", 100},
                {"1990-12-31T23:59:60Z", 662687999999},
                {"1990-12-31T15:59:60.5-08:00", 662687999999}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ms = -1;
        assert_true(parse(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
}

static void anything_else_is_refused(void **state) {
    (void)state;
    const char *const bad[] = {"",
                               "1970-01-01",
                               "1970-01-01T00:00:00",
                               "1970-01-01T00:00:00.Z",
                               "1970-01-01 00:00:00Z",
                               "1970-01-01T00:00:00.1234567890Z",
                               "1970-13-01T00:00:00Z",
                               "1970-00-01T00:00:00Z",
                               "1970-01-32T00:00:00Z",
                               "1970-01-00T00:00:00Z",
                               "1970-02-29T00:00:00Z",
                               "1900-02-29T00:00:00Z",
                               "2000-02-30T00:00:00Z",
                               "1970-04-31T00:00:00Z",
                               "1970-01-01T24:00:00Z",
                               "1970-01-01T00:60:00Z",
                               "1970-01-01T00:00:61Z",
                               "1970-01-01T00:00:60Z",
                               "1990-12-31T23:58:60Z",
                               "1970-01-01T00:00:00+24:00",
                               "1970-01-01T00:00:00+00:60",
                               "1970-01-01T00:00:00+0000",
                               "1970-01-01T00:00:00+00:00Z",
                               "1970-01-01T00:00:00ZZ",
                               "1970/01/01T00:00:00Z",
                               "1970-01-01T00-00-00Z",
                               "+970-01-01T00:00:00Z",
                               "1970-01-01T00:00: 0Z",
                               "1970-01-01T00:00:00,5Z"};
    int64_t ms = 42;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(parse(bad[i], &ms));
    assert_int_equal(ms, 42);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_in_utc_with_milliseconds),
        cmocka_unit_test(every_day_of_the_years_is_that_of_the_c_library),
        cmocka_unit_test(all_forms_of_the_rfc_are_read),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
