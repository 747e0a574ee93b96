/* The cJSON wrapper: strictness in front of it, reading, bounds, and threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "proto/json.h"
#include "wsm/error.h"

/* cJSON allocates with malloc; the tests are run with a leak checker, and here every tree is freed. */
static wsm__json *parse(const char *text) {
    int err;
    wsm__json *json = wsm__json_parse(wsm__slice_str(text), &err);
    if (json == NULL) fail_msg("%s: %d", text, err);
    assert_int_equal(err, 0);
    return json;
}

static int refusal(const char *text) {
    int err;
    wsm__json *json = wsm__json_parse(wsm__slice_str(text), &err);
    assert_null(json);
    return err;
}

static void test_reads_a_tree(void **state) {
    wsm_slice text;
    int64_t seconds;
    (void)state;
    wsm__json *json = parse(" {\"sub\":\"a\\u00e9\",\"exp\":1767323045.9,\"wsm\":{\"can\":[\"x\",\"y\"]},\"n\":null} ");
    const wsm__json_node *root = wsm__json_root(json);
    assert_true(wsm__json_is_object(root));
    assert_false(wsm__json_is_array(root));
    assert_true(wsm__json_text(wsm__json_get(root, "sub"), &text));
    assert_true(wsm__slice_is(text, "a\xC3\xA9"));
    assert_true(wsm__json_seconds(wsm__json_get(root, "exp"), &seconds));
    assert_true(seconds == 1767323045);
    const wsm__json_node *can = wsm__json_get(wsm__json_get(root, "wsm"), "can");
    assert_true(wsm__json_is_array(can));
    assert_int_equal(wsm__json_count(can), 2);
    assert_true(wsm__json_text(wsm__json_at(can, 1), &text));
    assert_true(wsm__slice_is(text, "y"));
    assert_null(wsm__json_at(can, 2));
    wsm__json_free(json);
}

static void test_names_are_case_sensitive(void **state) {
    (void)state;
    wsm__json *json = parse("{\"Sub\":\"a\",\"SUB\":\"b\"}");
    assert_null(wsm__json_get(wsm__json_root(json), "sub"));
    assert_non_null(wsm__json_get(wsm__json_root(json), "Sub"));
    wsm__json_free(json);
}

static void test_absent_and_wrong_kinds_are_no_trouble(void **state) {
    wsm_slice text;
    int64_t seconds;
    (void)state;
    wsm__json *json = parse("[1,\"x\",{}]");
    const wsm__json_node *root = wsm__json_root(json);
    assert_null(wsm__json_get(root, "a"));
    assert_null(wsm__json_get(NULL, "a"));
    assert_null(wsm__json_at(wsm__json_at(root, 2), 0));
    assert_int_equal(wsm__json_count(NULL), 0);
    assert_int_equal(wsm__json_count(wsm__json_at(root, 2)), 0);
    assert_false(wsm__json_text(wsm__json_at(root, 0), &text));
    assert_false(wsm__json_text(NULL, &text));
    assert_false(wsm__json_seconds(wsm__json_at(root, 1), &seconds));
    assert_false(wsm__json_seconds(NULL, &seconds));
    wsm__json_free(json);
    wsm__json_free(NULL);
}

static void test_seconds_are_bounded(void **state) {
    static const struct {
        const char *text;
        bool good;
        int64_t seconds;
    } samples[] = {{"[9007199254740992]", true, 9007199254740992},
                   {"[-9007199254740992]", true, -9007199254740992},
                   {"[9007199254740994]", false, 0},
                   {"[-1e300]", false, 0},
                   {"[-1.9]", true, -1},
                   {"[1e3]", true, 1000},
                   {"[0]", true, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        wsm__json *json = parse(samples[i].text);
        int64_t seconds = 0;
        assert_int_equal(wsm__json_seconds(wsm__json_at(wsm__json_root(json), 0), &seconds), samples[i].good);
        assert_true(seconds == samples[i].seconds);
        wsm__json_free(json);
    }
}

static void test_what_cjson_lets_through_is_refused_before(void **state) {
    static const char *const texts[] = {"",
                                        "{",
                                        "{\"a\":01}",
                                        "{\"a\":1e999}",
                                        "{\"a\":\"\n\"}",
                                        "{\"a\":\"\xFF\"}",
                                        "{\"a\":\"x\\u0000y\"}",
                                        "{\"a\":\"\\ud800\"}",
                                        "{\"a\":1} x",
                                        "\xEF\xBB\xBF{}",
                                        "{\"a\":1,\"a\":2}",
                                        "{\"a\":1,\"\\u0061\":2}",
                                        "{\"wsm\":{\"permission\":\"observer\",\"permission\":\"active\"}}",
                                        "[[[{\"a\":1,\"a\":2}]]]"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_int_equal(refusal(texts[i]), WSM_ERR_BAD_JSON);
}

/* cJSON cuts a number after 63 characters and then stumbles over the rest, which must not look like a lack of memory.
 */
static void test_numbers_that_cjson_cannot_read_are_bad_json(void **state) {
    char text[200];
    (void)state;
    for (int len = 60; len <= 70; len++) {
        snprintf(text, sizeof text, "{\"a\":%0*d,\"b\":\"%070d \\\" %070d\"}", 1, 7, 1, 1);
        wsm__json_free(parse(text));
        snprintf(text, sizeof text, "{\"a\":1%0*d}", len - 1, 0);
        if (len <= 63) {
            wsm__json_free(parse(text));
        } else {
            assert_int_equal(refusal(text), WSM_ERR_BAD_JSON);
        }
    }
}

static const char *array_of(char text[], size_t count) {
    for (size_t i = 0; i < count; i++) memcpy(text + 2 * i, ",1", 2);
    text[0] = '[';
    memcpy(text + 2 * count, "]", 2);
    return text;
}

static void test_depth_and_values_are_bounded(void **state) {
    char text[2 * 4096 + 2];
    (void)state;
    assert_int_equal(refusal("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), WSM_ERR_BAD_JSON);
    wsm__json_free(parse(array_of(text, 4095))); /* the array is a value, too */
    assert_int_equal(refusal(array_of(text, 4096)), WSM_ERR_TOO_LARGE);
}

static void *parse_often(void *failures) {
    for (int i = 0; i < 2000; i++) {
        int err;
        wsm__json *json = wsm__json_parse(wsm__slice_str("{\"a\":[1,2,{\"b\":\"c\"}]}"), &err);
        if (json == NULL) atomic_fetch_add((atomic_int *)failures, 1);
        wsm__json_free(json);
    }
    return NULL;
}

static void test_threads_may_parse_at_once(void **state) {
    pthread_t threads[4];
    atomic_int failures = 0;
    (void)state;
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, parse_often, &failures), 0);
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_tree),
        cmocka_unit_test(test_names_are_case_sensitive),
        cmocka_unit_test(test_absent_and_wrong_kinds_are_no_trouble),
        cmocka_unit_test(test_seconds_are_bounded),
        cmocka_unit_test(test_what_cjson_lets_through_is_refused_before),
        cmocka_unit_test(test_numbers_that_cjson_cannot_read_are_bad_json),
        cmocka_unit_test(test_depth_and_values_are_bounded),
        cmocka_unit_test(test_threads_may_parse_at_once),
    };
    return cmocka_run_group_tests_name("proto/json", tests, NULL, NULL);
}
