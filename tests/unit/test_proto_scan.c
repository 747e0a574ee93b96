/* The strict scanner: what it accepts, what it refuses, where, and that it never reads past the end.
 *
 * Called with `--verdicts` it reads documents from standard input, each as a line with its length and then its bytes,
 * and prints a letter for each: `a` accepted, `d` accepted although a key stands twice, `r` refused. compare_json.py
 * uses that. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/scan.h"
#include "wsm/error.h"

static const wsm__scan_limits usual = {.depth_max = 32, .values_max = 4096, .key_bytes_max = 128};

/* ---- text right before a page that must not be touched ----------------------------------------------------------- */

typedef struct guarded {
    char *map;
    size_t map_len;
    wsm_slice text;
} guarded;

static guarded guard(const char *text, size_t len) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (len + page) / page * page;
    guarded g = {.map_len = room + page};
    g.map = mmap(NULL, g.map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.map != MAP_FAILED);
    assert_int_equal(mprotect(g.map + room, page, PROT_NONE), 0);
    memcpy(g.map + room - len, text, len);
    g.text = wsm__slice(g.map + room - len, len);
    return g;
}

static void unguard(guarded g) {
    assert_int_equal(munmap(g.map, g.map_len), 0);
}

static int check_guarded(const char *text, size_t len) {
    guarded g = guard(text, len);
    wsm__scan_error error;
    int err = wsm__json_check(g.text, &usual, NULL, &error);
    assert_int_equal(err, error.err);
    if (err != 0) {
        assert_true(error.at <= len);
        assert_non_null(error.why);
    }
    unguard(g);
    return err;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef struct sample {
    const char *text;
    size_t len;
} sample;

#define T(text)                                                                                                        \
    { text, sizeof text - 1 }

/* clang-format off */
/* RFC 8259, section by section. */
static const sample accepted[] = {
    /* 2: any value, white space around every token */
    T("null"), T("true"), T("false"), T("0"), T("\"\""), T("[]"), T("{}"), T(" 1"), T("1 "), T("\t\n\r 1 \t\n\r"),
    T("[ ]"), T("{ }"), T(" [ 1 , 2 ] "), T(" { \"a\" : 1 , \"b\" : 2 } "), T("\n{\n\"a\"\n:\n[\n]\n}\n"),
    T("{\"a\"\t:\r1}"),
    /* 4: objects */
    T("{\"a\":1}"), T("{\"\":1}"), T("{\"a\":{}}"), T("{\"a\":null,\"b\":true,\"c\":false}"),
    T("{\"a\":1,\"a\":2}"), T("{\"\\u0061\":1}"), T("{\"a\":[{\"b\":[{}]}]}"),
    /* 5: arrays */
    T("[1]"), T("[1,\"a\",null,true,false,{},[]]"), T("[[],[[]],{}]"), T("[[[[[[[[]]]]]]]]"),
    /* 6: numbers */
    T("-0"), T("-1"), T("10"), T("1234567890"), T("0.0"), T("0.5"), T("-0.5"), T("1.25"), T("0e0"), T("0E0"),
    T("1e1"), T("1E1"), T("1e+1"), T("1e-1"), T("1E+01"), T("1.5e3"), T("-1.5e-3"), T("0e999999999999"),
    T("0.000e99999"), T("1e308"), T("-1e308"), T("1.7976931348623157e308"), T("1.797693134862315807e308"),
    T("17976931348623157e292"), T("0.00017976931348623157e312"), T("1e-999"), T("1e-99999999999999999999"),
    T("0.1e309"), T("10000e304"), T("9007199254740993"), T("123456789012345678901234567890"),
    T("1e00000000000000000000000001"), T("[-0,0]"),
    /* 7: strings */
    T("\"a\""), T("\" \""), T("\"\\\"\""), T("\"\\\\\""), T("\"\\/\""), T("\"\\b\\f\\n\\r\\t\""), T("\"\\u0001\""),
    T("\"\\u001f\""), T("\"\\u007F\""), T("\"\\uABCD\""), T("\"\\uabcd\""), T("\"\\ud7ff\""), T("\"\\ue000\""),
    T("\"\\uFFFF\""), T("\"\\ud800\\udc00\""), T("\"\\uD83D\\uDE00\""), T("\"\\udbff\\uDFFF\""), T("\"\x7f\""),
    T("\"/\""), T("\"'\""), T("\"a long string that is longer than sixteen bytes, without anything special\""),
    T("\"fifteen bytes..\""), T("\"sixteen bytes...\""), T("\"seventeen bytes..\""), T("\"1234567\\n\""),
    T("\"{}[]:,\""), T("\"\\\\\\\"\""),
    /* 8.1: UTF-8 */
    T("\"\xC2\x80\""), T("\"\xC3\xA9\""), T("\"\xDF\xBF\""), T("\"\xE0\xA0\x80\""), T("\"\xE2\x82\xAC\""),
    T("\"\xED\x9F\xBF\""), T("\"\xEE\x80\x80\""), T("\"\xEF\xBF\xBF\""), T("\"\xF0\x90\x80\x80\""),
    T("\"\xF0\x9F\x98\x80\""), T("\"\xF4\x8F\xBF\xBF\""), T("{\"\xC3\xA9\":1}"),
    T("\"a long text, then \xE2\x82\xAC, then more text, \xE2\x82\xAC\xE2\x82\xAC, and its end\""),
    T("\"\xEF\xBB\xBF\""),
};

static const sample refused[] = {
    /* nothing, or no value */
    T(""), T(" "), T("\n"), T("x"), T("'a'"), T("nul"), T("nulL"), T("Null"), T("NULL"), T("tru"), T("True"),
    T("fals"), T("falsE"), T("undefined"), T("NaN"), T("Infinity"), T("-Infinity"), T("nan"), T("inf"),
    T("\xEF\xBB\xBF" "1"), T("\0"), T("1\0"), T("\0" "1"), T("\f1"), T("\v1"), T("\xC2\xA0" "1"),
    T("1\xE2\x80\xA8"), T("//\n1"), T("/**/1"), T("#\n1"),
    /* more than one */
    T("1 2"), T("1,2"), T("{}{}"), T("[][]"), T("nullnull"), T("true1"), T("\"a\"\"b\""), T("{},"), T("[]]"),
    T("{}}"), T("\"a\"x"), T(","), T(":"), T("]"), T("}"),
    /* arrays */
    T("["), T("[1"), T("[1,"), T("[1,]"), T("[,1]"), T("[,]"), T("[1,,2]"), T("[1 2]"), T("[1:2]"), T("[1}"),
    T("[1;2]"), T("[\"a\" \"b\"]"), T("[[]"), T("[{]}"), T("[\"\"a]"), T("[*]"), T("[1,\n"), T("[x"), T("[-]"),
    T("(1)"),
    /* objects */
    T("{"), T("{\"a\""), T("{\"a\":"), T("{\"a\":1"), T("{\"a\":1,"), T("{\"a\":1,}"), T("{,}"), T("{,\"a\":1}"),
    T("{a:1}"), T("{'a':1}"), T("{1:1}"), T("{null:1}"), T("{\"a\" 1}"), T("{\"a\",1}"), T("{\"a\"::1}"),
    T("{\"a\":}"), T("{\"a\"}"), T("{\"a\":1 \"b\":2}"), T("{\"a\":1;\"b\":2}"), T("{\"a\":1]"), T("{:1}"),
    T("{\"a\":1,,\"b\":2}"), T("{[]:1}"), T("{\"a\":\"b\":1}"), T("{\"a\":1,\"b\"}"), T("{\"a\":/*x*/1}"),
    T("{\"a\":01}"), T("{\"a\":x}"), T("{\"\\x\":1}"),
    /* numbers */
    T("-"), T("+1"), T("01"), T("-01"), T("00"), T("1."), T(".5"), T("-.5"), T("1.e1"), T("1e"), T("1e+"),
    T("1E-"), T("e1"), T("1e1.5"), T("1.2.3"), T("0x10"), T("0b1"), T("0o7"), T("1_000"), T("1a"), T("--1"),
    T("-+1"), T("1-"), T("1+1"), T("1e1e1"), T("1ee1"), T("- 1"), T("1 .5"), T("1. 5"), T("\xEF\xBC\x91"), T("1f"),
    T("1d"), T("1L"), T("2."), T("-2."), T("0.e1"), T("1/2"), T("-a"), T("012"), T("1e 1"),
    /* no double holds it */
    T("1e309"), T("-1e309"), T("1e999"), T("-1e999"), T("1e99999999999999999999"), T("10e308"), T("0.1e310"),
    T("1.7976931348623159e308"), T("1.79769313486231581e308"), T("17976931348623159e292"), T("1.8e308"),
    T("2e308"), T("[1e400]"), T("{\"a\":1E400}"), T("0.0000001e316"),
    /* strings */
    T("\""), T("\"a"), T("\"\\\""), T("\"\\"), T("\"\\x\""), T("\"\\a\""), T("\"\\0\""), T("\"\\'\""),
    T("\"\\U0041\""), T("\"\\v\""), T("\"\\u\""), T("\"\\u1\""), T("\"\\u12\""), T("\"\\u123\""), T("\"\\u123g\""),
    T("\"\\u 123\""), T("\"\\u-123\""), T("\"\\u+123\""), T("\"\\u0x1\""), T("\"\\\n\""), T("\"\t\""), T("\"\n\""),
    T("\"\r\""), T("\"\0\""), T("\"\x01\""), T("\"\x1f\""), T("\"sixteen bytes...\n\""), T("\"a\nb\""),
    T("{\"a\n\":1}"),
    /* no character has number 0 here, and half a surrogate is none */
    T("\"\\u0000\""), T("\"a\\u0000b\""), T("{\"\\u0000\":1}"), T("\"\\ud800\""), T("\"\\udbff\""),
    T("\"\\udc00\""), T("\"\\udfff\""), T("\"\\ud800a\""), T("\"\\ud800\\n\""), T("\"\\ud800\\u0041\""),
    T("\"\\ud800\\ud800\""), T("\"\\udc00\\ud800\""), T("\"\\ud800\\udbff\""), T("\"\\ud800\\u\""),
    T("\"\\ud800\\udc0\""), T("\"\\ud800\\\""), T("\"\\uD800\\ue000\""),
    /* UTF-8 */
    T("\"\x80\""), T("\"\xBF\""), T("\"\xC0\x80\""), T("\"\xC1\xBF\""), T("\"\xC2\""), T("\"\xC2 \""),
    T("\"\xC2\xC2\""), T("\"\xE0\x80\x80\""), T("\"\xE0\x9F\xBF\""), T("\"\xE2\x82\""), T("\"\xE2\""),
    T("\"\xE2(\xA1\""), T("\"\xED\xA0\x80\""), T("\"\xED\xBF\xBF\""), T("\"\xF0\x80\x80\x80\""),
    T("\"\xF0\x8F\xBF\xBF\""), T("\"\xF0\x9F\x98\""), T("\"\xF0\x9F\""), T("\"\xF4\x90\x80\x80\""),
    T("\"\xF5\x80\x80\x80\""), T("\"\xF8\x88\x80\x80\x80\""), T("\"\xFE\""), T("\"\xFF\""), T("\xC3\xA9"),
    T("\"\xE9\""), T("{\"\xFF\":1}"), T("\"a long text and then a lone \xA9 byte\""), T("\"\xC2"), T("\"\xE2\x82"),
    T("\"\xF0\x9F\x98"),
};
/* clang-format on */

#define COUNT(array) (sizeof array / sizeof array[0])

static void test_accepts_what_the_grammar_allows(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        if (check_guarded(accepted[i].text, accepted[i].len) != 0) fail_msg("refused: %s", accepted[i].text);
    }
}

static void test_refuses_everything_else(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        if (check_guarded(refused[i].text, refused[i].len) != WSM_ERR_BAD_JSON)
            fail_msg("accepted: %s", refused[i].text);
    }
}

static void test_refuses_every_prefix_of_a_document(void **state) {
    static const char text[] =
        "{\"a\":[1,-2.5e+3,true,false,null,\"\\u20ac \xE2\x82\xAC\\ud83d\\ude00\"],\"b\":{\"\":{}}}";
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++)
        if (check_guarded(text, len) != WSM_ERR_BAD_JSON) fail_msg("accepted the first %zu bytes", len);
    assert_int_equal(check_guarded(text, sizeof text - 1), 0);
}

/* The quick loop takes 16 or 8 bytes at a time: what is special must be seen at every place within. */
static void test_sees_special_bytes_at_every_place_in_a_string(void **state) {
    static const struct {
        const char *bytes;
        int err;
    } specials[] = {{"\x01", WSM_ERR_BAD_JSON},
                    {"\x1f", WSM_ERR_BAD_JSON},
                    {"\x80", WSM_ERR_BAD_JSON},
                    {"\xff", WSM_ERR_BAD_JSON},
                    {"\\", WSM_ERR_BAD_JSON},
                    {"\"", WSM_ERR_BAD_JSON},
                    {"\x7f", 0},
                    {"\\n", 0},
                    {"\xC3\xA9", 0},
                    {" ", 0},
                    {"!", 0},
                    {"#", 0},
                    {"[", 0},
                    {"]", 0}};
    char text[72];
    (void)state;
    for (size_t s = 0; s < COUNT(specials); s++) {
        size_t special_len = strlen(specials[s].bytes);
        for (size_t len = 0; len < 40; len++) {
            for (size_t place = 0; place <= len; place++) {
                memset(text, 'x', sizeof text);
                text[0] = '"';
                memcpy(text + 1 + place, specials[s].bytes, special_len);
                text[1 + len + special_len] = '"';
                if (check_guarded(text, len + special_len + 2) != specials[s].err)
                    fail_msg("byte %02x at %zu of %zu", (unsigned char)specials[s].bytes[0], place, len);
            }
        }
    }
}

static void test_tells_overflow_of_numbers_as_strtod_does(void **state) {
    char text[400];
    (void)state;
    srand(7);
    for (int i = 0; i < 20000; i++) {
        /* digits with a point somewhere, and an exponent that brings them near 10^308 */
        int digits = 1 + rand() % 330, point = rand() % digits, at = 0;
        text[at++] = (char)('1' + rand() % 9);
        if (rand() % 2) at = sprintf(text, "17976931348623157%d", rand() % 99999);
        if (digits < at) digits = at;
        while (at < digits) text[at++] = (char)('0' + rand() % 10);
        memmove(text + point + 2, text + point + 1, (size_t)(digits - point - 1));
        text[point + 1] = '.';
        at = point + 1 == digits ? digits : digits + 1;
        sprintf(text + at, "e%d", 308 - point + rand() % 3 - 1);
        double value = strtod(text, NULL);
        int err = check_guarded(text, strlen(text));
        if ((err != 0) != (value > 1.7976931348623157e308)) fail_msg("%s", text);
    }
}

static void test_long_numbers_without_exponent_are_measured_too(void **state) {
    char text[400];
    (void)state;
    memset(text, '9', sizeof text);
    assert_int_equal(check_guarded(text, 308), 0);
    assert_int_equal(check_guarded(text, 309), WSM_ERR_BAD_JSON);
    text[0] = '1';
    assert_int_equal(check_guarded(text, 309), WSM_ERR_BAD_JSON);
    text[1] = '0';
    assert_int_equal(check_guarded(text, 309), 0);
    text[309] = '.';
    assert_int_equal(check_guarded(text, 320), 0);
    assert_int_equal(check_guarded(text, 310), WSM_ERR_BAD_JSON);
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void test_counts_depth_from_the_outermost_container(void **state) {
    char text[200];
    (void)state;
    for (uint32_t max = 0; max <= 64; max++) {
        wsm__scan_limits limits = {.depth_max = max, .values_max = 4096, .key_bytes_max = 128};
        for (uint32_t depth = 1; depth <= 66; depth++) {
            size_t at = 0;
            for (uint32_t i = 0; i < depth; i++) text[at++] = '[';
            for (uint32_t i = 0; i < depth; i++) text[at++] = ']';
            wsm__scan_error error;
            int err = wsm__json_check(wsm__slice(text, at), &limits, NULL, &error);
            assert_int_equal(err, depth <= max ? 0 : WSM_ERR_BAD_JSON);
            if (err != 0) assert_int_equal(error.at, max);
        }
    }
}

static void test_knows_objects_from_arrays_at_every_depth(void **state) {
    char text[1000];
    wsm__scan_limits limits = {.depth_max = 64, .values_max = 4096, .key_bytes_max = 128};
    (void)state;
    srand(11);
    for (int round = 0; round < 200; round++) {
        char closers[64];
        size_t at = 0;
        for (int i = 0; i < 64; i++) {
            bool is_object = rand() % 2;
            at += (size_t)sprintf(text + at, "%s", is_object ? "{\"a\":" : "[");
            closers[i] = is_object ? '}' : ']';
        }
        text[at++] = '1';
        size_t tail = at;
        for (int i = 63; i >= 0; i--) text[at++] = closers[i];
        assert_int_equal(wsm__json_check(wsm__slice(text, at), &limits, NULL, NULL), 0);
        size_t wrong = tail + (size_t)(rand() % 64);
        text[wrong] = text[wrong] == '}' ? ']' : '}';
        assert_int_equal(wsm__json_check(wsm__slice(text, at), &limits, NULL, NULL), WSM_ERR_BAD_JSON);
    }
}

static void test_bounds_values_and_keys(void **state) {
    wsm__scan_limits limits = {.depth_max = 4, .values_max = 4, .key_bytes_max = 3};
    wsm__scan_error error;
    (void)state;
    assert_int_equal(wsm__json_check(wsm__slice_str("[1,{\"abc\":2}]"), &limits, NULL, &error), 0);
    assert_int_equal(wsm__json_check(wsm__slice_str("[1,2,3,4]"), &limits, NULL, &error), WSM_ERR_TOO_LARGE);
    assert_int_equal(error.at, 7);
    assert_int_equal(wsm__json_check(wsm__slice_str("{\"abcd\":2}"), &limits, NULL, &error), WSM_ERR_TOO_LARGE);
    wsm__json_member members[4];
    size_t count;
    assert_int_equal(wsm__json_members(wsm__slice_str("{\"a\":[1,2,3]}"), &limits, members, 4, &count, &error),
                     WSM_ERR_TOO_LARGE);
}

static void test_says_where_and_what_was_expected(void **state) {
    wsm__scan_error error;
    (void)state;
    assert_int_equal(wsm__json_check(wsm__slice_str("{\"a\" 1}"), &usual, NULL, &error), WSM_ERR_BAD_JSON);
    assert_int_equal(error.at, 5);
    assert_string_equal(error.why, "expected ':'");
    assert_int_equal(wsm__json_check(wsm__slice_str("[1 2]"), &usual, NULL, &error), WSM_ERR_BAD_JSON);
    assert_int_equal(error.at, 3);
    assert_string_equal(error.why, "expected ',' or ']'");
}

static void test_absent_text_is_refused(void **state) {
    (void)state;
    assert_int_equal(wsm__json_check((wsm_slice){NULL, 0}, &usual, NULL, NULL), WSM_ERR_BAD_JSON);
}

static void test_value_is_the_text_without_white_space(void **state) {
    wsm__json_value value;
    (void)state;
    assert_int_equal(wsm__json_check(wsm__slice_str(" [1, 2]\n"), &usual, &value, NULL), 0);
    assert_int_equal(value.kind, WSM__JSON_ARRAY);
    assert_true(wsm__slice_is(value.raw, "[1, 2]"));
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

static int members_of(const char *text, wsm__json_member *members, size_t cap, size_t *count) {
    guarded g = guard(text, strlen(text));
    int err = wsm__json_members(g.text, &usual, members, cap, count, NULL);
    /* The slices shall point into the caller's text, not into the page that goes now. */
    for (size_t i = 0; err == 0 && i < *count; i++) {
        members[i].key.ptr = text + (members[i].key.ptr - g.text.ptr);
        members[i].value.raw.ptr = text + (members[i].value.raw.ptr - g.text.ptr);
    }
    unguard(g);
    return err;
}

static void test_members_come_in_order_as_slices(void **state) {
    wsm__json_member m[7];
    size_t count;
    (void)state;
    int err = members_of(
        " { \"a\" : {\"x\":[1]} , \"b\":[ ],\"c\":\"\\\"\",\"d\":-1.5e3 ,\"e\":true,\"f\":false,\"g\":null} ", m, 7,
        &count);
    assert_int_equal(err, 0);
    assert_int_equal(count, 7);
    static const struct {
        const char *key, *raw;
        wsm__json_kind kind;
    } expected[] = {{"a", "{\"x\":[1]}", WSM__JSON_OBJECT}, {"b", "[ ]", WSM__JSON_ARRAY},
                    {"c", "\"\\\"\"", WSM__JSON_STRING},    {"d", "-1.5e3", WSM__JSON_NUMBER},
                    {"e", "true", WSM__JSON_TRUE},          {"f", "false", WSM__JSON_FALSE},
                    {"g", "null", WSM__JSON_NULL}};
    for (size_t i = 0; i < count; i++) {
        assert_true(wsm__slice_is(m[i].key, expected[i].key));
        assert_true(wsm__slice_is(m[i].value.raw, expected[i].raw));
        assert_int_equal(m[i].value.kind, expected[i].kind);
    }
}

static void test_members_want_an_object_and_nothing_behind(void **state) {
    static const char *const texts[] = {"",    "1",     "[]",         "\"a\"",    "null",
                                        "{}x", "{} {}", "{\"a\":1}}", "{\"a\":1", "{\"a\":1,}"};
    wsm__json_member m[4];
    size_t count;
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) assert_int_equal(members_of(texts[i], m, 4, &count), WSM_ERR_BAD_JSON);
    assert_int_equal(members_of(" {} ", m, 4, &count), 0);
    assert_int_equal(count, 0);
}

static void test_members_are_bounded(void **state) {
    wsm__json_member m[2];
    size_t count;
    (void)state;
    assert_int_equal(members_of("{\"a\":1,\"b\":2}", m, 2, &count), 0);
    assert_int_equal(members_of("{\"a\":1,\"b\":2,\"c\":3}", m, 2, &count), WSM_ERR_TOO_LARGE);
    assert_int_equal(count, 0);
}

static void test_a_key_may_stand_once_however_it_is_written(void **state) {
    static const char *const twice[] = {"{\"a\":1,\"a\":2}",
                                        "{\"a\":1,\"b\":2,\"a\":3}",
                                        "{\"a\":1,\"\\u0061\":2}",
                                        "{\"\\u0061\":1,\"a\":2}",
                                        "{\"\\n\":1,\"\\u000A\":2}",
                                        "{\"\":1,\"\":2}",
                                        "{\"\xF0\x9F\x98\x80\":1,\"\\uD83D\\uDE00\":2}",
                                        "{\"/\":1,\"\\/\":2}"};
    static const char *const once[] = {"{\"a\":1,\"A\":2}", "{\"n\":1,\"\\n\":2}", "{\"\\\\n\":1,\"\\n\":2}",
                                       "{\"a\":{\"a\":1},\"b\":{\"a\":1,\"a\":2}}",
                                       "{\"ab\":1,\"a\":2,\"\\u0061bc\":3}"};
    wsm__json_member m[8];
    size_t count;
    (void)state;
    for (size_t i = 0; i < COUNT(twice); i++) assert_int_equal(members_of(twice[i], m, 8, &count), WSM_ERR_BAD_JSON);
    for (size_t i = 0; i < COUNT(once); i++) assert_int_equal(members_of(once[i], m, 8, &count), 0);
}

static void test_both_entrances_agree(void **state) {
    wsm__json_member m[8];
    size_t count;
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        char text[200];
        sprintf(text, "{\"k\":%s}", accepted[i].text);
        assert_int_equal(members_of(text, m, 8, &count), 0);
        assert_int_equal(count, 1);
    }
}

/* ---- walking and meaning ----------------------------------------------------------------------------------------- */

static void test_walks_elements(void **state) {
    static const char text[] = "[ 1 ,\"a]\\\"\",[2,[3]], {\"x\":\"}\"} ,null,-1e5 ]";
    static const char *const expected[] = {"1", "\"a]\\\"\"", "[2,[3]]", "{\"x\":\"}\"}", "null", "-1e5"};
    (void)state;
    guarded g = guard(text, sizeof text - 1);
    wsm__json_value value;
    size_t count = 0;
    for (size_t at = 0; wsm__json_next_element(g.text, &at, &value); count++)
        assert_true(wsm__slice_is(value.raw, expected[count]));
    assert_int_equal(count, COUNT(expected));
    unguard(g);
    size_t at = 0;
    assert_false(wsm__json_next_element(wsm__slice_str("[]"), &at, &value));
    at = 0;
    assert_false(wsm__json_next_element(wsm__slice_str("[ \n]"), &at, &value));
}

static void test_walks_members(void **state) {
    static const char text[] = "{ \"a\" : 1 ,\"\\\"\":{\"b\":2}, \"\":[ ] , \"\\\\\":\"\\\\\" }";
    static const char *const keys[] = {"a", "\\\"", "", "\\\\"};
    static const char *const values[] = {"1", "{\"b\":2}", "[ ]", "\"\\\\\""};
    (void)state;
    guarded g = guard(text, sizeof text - 1);
    wsm__json_member member;
    size_t count = 0;
    for (size_t at = 0; wsm__json_next_member(g.text, &at, &member); count++) {
        assert_true(wsm__slice_is(member.key, keys[count]));
        assert_true(wsm__slice_is(member.value.raw, values[count]));
    }
    assert_int_equal(count, COUNT(keys));
    unguard(g);
    size_t at = 0;
    assert_false(wsm__json_next_member(wsm__slice_str("{ }"), &at, &member));
}

static bool is_ambiguous(const char *text) {
    guarded g = guard(text, strlen(text));
    bool found = wsm__json_has_duplicate_keys(g.text);
    unguard(g);
    return found;
}

static void test_finds_duplicate_keys_at_any_depth(void **state) {
    char many[1000] = "{";
    (void)state;
    assert_false(is_ambiguous("{\"a\":1,\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":2}]}"));
    assert_false(is_ambiguous("\"{\\\"a\\\":1,\\\"a\\\":2}\""));
    assert_true(is_ambiguous("{\"a\":1,\"b\":2,\"a\":3}"));
    assert_true(is_ambiguous("[1,[{\"x\":{\"a\":1,\"\\u0061\":2}}]]"));
    size_t at = 1;
    for (int i = 0; i < 65; i++) {
        at += (size_t)sprintf(many + at, "%s\"k%d\":0", i > 0 ? "," : "", i);
        strcpy(many + at, "}");
        assert_int_equal(is_ambiguous(many), i == 64);
    }
}

static void test_decodes_strings(void **state) {
    static const struct {
        const char *raw, *text;
    } samples[] = {{"\"\"", ""},
                   {"\"abc\"", "abc"},
                   {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
                   {"\"a\\u0041\\u00e9\\u20AC\"", "aA\xC3\xA9\xE2\x82\xAC"},
                   {"\"\\ud83d\\ude00!\"", "\xF0\x9F\x98\x80!"},
                   {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "\x7f\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"},
                   {"\"\\udbff\\udfff\"", "\xF4\x8F\xBF\xBF"}};
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        guarded g = guard(samples[i].raw, strlen(samples[i].raw));
        char out[64];
        long len = (long)strlen(samples[i].text);
        assert_int_equal(wsm__json_string_decode(g.text, out, sizeof out), len);
        assert_memory_equal(out, samples[i].text, (size_t)len);
        assert_int_equal(wsm__json_string_len(g.text), len);
        assert_int_equal(wsm__json_string_decode(g.text, out, (size_t)len), len);
        if (len > 0) assert_int_equal(wsm__json_string_decode(g.text, out, (size_t)len - 1), -1);
        assert_true(wsm__json_string_is(g.text, samples[i].text));
        assert_false(wsm__json_string_is(g.text, "other"));
        unguard(g);
    }
}

static void test_compares_after_decoding(void **state) {
    wsm_slice inner;
    (void)state;
    assert_false(wsm__json_string_is(wsm__slice_str("\"\\n\""), "\\n"));
    assert_true(wsm__json_string_is(wsm__slice_str("\"\\n\""), "\n"));
    assert_false(wsm__json_string_is(wsm__slice_str("\"ab\""), "a"));
    assert_false(wsm__json_string_is(wsm__slice_str("\"a\""), "ab"));
    assert_false(wsm__json_string_is(wsm__slice_str("\"\\u0061\""), "ab"));
    assert_false(wsm__json_string_is(wsm__slice_str("\"\\u0061b\""), "a"));
    assert_true(wsm__json_key_is(wsm__slice_str("\\u0061b"), "ab"));
    assert_true(wsm__json_keys_equal(wsm__slice_str("\\u0061b"), wsm__slice_str("a\\u0062")));
    assert_false(wsm__json_keys_equal(wsm__slice_str("\\u0061b"), wsm__slice_str("a")));
    assert_true(wsm__json_string_is_plain(wsm__slice_str("\"ab\""), &inner));
    assert_true(wsm__slice_is(inner, "ab"));
    assert_false(wsm__json_string_is_plain(wsm__slice_str("\"a\\n\""), &inner));
}

static bool whole(const char *text, uint64_t max, uint64_t *number) {
    wsm__json_value value;
    assert_int_equal(wsm__json_check(wsm__slice_str(text), &usual, &value, NULL), 0);
    return wsm__json_u64(value, max, number);
}

static void test_whole_numbers_are_exact(void **state) {
    static const char *const none[] = {"-0", "-1", "1.0", "1e3", "0.5", "\"1\"", "true", "null", "18446744073709551616",
                                       "8"};
    uint64_t number;
    (void)state;
    assert_true(whole("9007199254740993", UINT64_MAX, &number));
    assert_true(number == 9007199254740993u);
    assert_true(whole("18446744073709551615", UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    assert_true(whole("0", 7, &number));
    for (size_t i = 0; i < COUNT(none); i++)
        if (whole(none[i], i == COUNT(none) - 1 ? 7 : UINT64_MAX, &number)) fail_msg("%s", none[i]);
}

/* ---- verdicts for compare_json.py -------------------------------------------------------------------------------- */

static int print_verdicts(void) {
    static char text[1 << 20];
    size_t len;
    while (scanf("%zu", &len) == 1 && getchar() == '\n' && len <= sizeof text && fread(text, 1, len, stdin) == len) {
        guarded g = guard(text, len);
        wsm__json_value value;
        char verdict = 'r';
        if (wsm__json_check(g.text, &usual, &value, NULL) == 0)
            verdict = wsm__json_has_duplicate_keys(value.raw) ? 'd' : 'a';
        putchar(verdict);
        unguard(g);
    }
    putchar('\n');
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_the_grammar_allows),
        cmocka_unit_test(test_refuses_everything_else),
        cmocka_unit_test(test_refuses_every_prefix_of_a_document),
        cmocka_unit_test(test_sees_special_bytes_at_every_place_in_a_string),
        cmocka_unit_test(test_tells_overflow_of_numbers_as_strtod_does),
        cmocka_unit_test(test_long_numbers_without_exponent_are_measured_too),
        cmocka_unit_test(test_counts_depth_from_the_outermost_container),
        cmocka_unit_test(test_knows_objects_from_arrays_at_every_depth),
        cmocka_unit_test(test_bounds_values_and_keys),
        cmocka_unit_test(test_says_where_and_what_was_expected),
        cmocka_unit_test(test_absent_text_is_refused),
        cmocka_unit_test(test_value_is_the_text_without_white_space),
        cmocka_unit_test(test_members_come_in_order_as_slices),
        cmocka_unit_test(test_members_want_an_object_and_nothing_behind),
        cmocka_unit_test(test_members_are_bounded),
        cmocka_unit_test(test_a_key_may_stand_once_however_it_is_written),
        cmocka_unit_test(test_both_entrances_agree),
        cmocka_unit_test(test_walks_elements),
        cmocka_unit_test(test_walks_members),
        cmocka_unit_test(test_finds_duplicate_keys_at_any_depth),
        cmocka_unit_test(test_decodes_strings),
        cmocka_unit_test(test_compares_after_decoding),
        cmocka_unit_test(test_whole_numbers_are_exact),
    };
    if (argc > 1 && strcmp(argv[1], "--verdicts") == 0) return print_verdicts();
    return cmocka_run_group_tests_name("proto/scan", tests, NULL, NULL);
}
