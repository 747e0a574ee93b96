/* The simulator's own JSON reader: what it takes, what it refuses, and what it answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/json.h"

static void assert_raw(const wsm__sim_json *json, uint32_t node, const char *expected) {
    size_t len;
    const char *raw = wsm__sim_json_raw(json, node, &len);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(raw, expected, len);
}

/* Read from a block of exactly the text's size, so that the sanitizer sees one byte too far. */
static bool reads(const char *text, size_t len) {
    char *exact = malloc(len ? len : 1);
    memcpy(exact, text, len);
    wsm__sim_json json = {0};
    bool ok = wsm__sim_json_read(&json, exact, len);
    assert_true(ok == !json.why);
    wsm__sim_json_fini(&json);
    free(exact);
    return ok;
}

static void members_are_found_by_their_names(void **state) {
    (void)state;
    static const char text[] =
        " {\"type\" : \"ack\", \"offset\":12,\"result\":{\"a\":[1,[2,3],{\"b\":null}]},\"d\":true} ";
    wsm__sim_json json = {0};
    assert_true(wsm__sim_json_read(&json, text, strlen(text)));

    assert_int_equal(wsm__sim_json_type(&json, WSM__SIM_ROOT), WSM__SIM_OBJECT);
    assert_int_equal(wsm__sim_json_count(&json, WSM__SIM_ROOT), 4);
    assert_true(wsm__sim_json_is(&json, wsm__sim_json_member(&json, WSM__SIM_ROOT, "type"), "ack"));
    assert_false(wsm__sim_json_is(&json, wsm__sim_json_member(&json, WSM__SIM_ROOT, "type"), "ac"));
    assert_false(wsm__sim_json_is(&json, wsm__sim_json_member(&json, WSM__SIM_ROOT, "type"), "acks"));
    uint64_t offset = 0;
    assert_true(wsm__sim_json_uint(&json, wsm__sim_json_member(&json, WSM__SIM_ROOT, "offset"), &offset));
    assert_int_equal(offset, 12);
    uint32_t array = wsm__sim_json_member(&json, wsm__sim_json_member(&json, WSM__SIM_ROOT, "result"), "a");
    assert_raw(&json, array, "[1,[2,3],{\"b\":null}]");
    assert_raw(&json, wsm__sim_json_element(&json, wsm__sim_json_element(&json, array, 1), 1), "3");
    assert_int_equal(wsm__sim_json_type(&json, wsm__sim_json_element(&json, array, 2)), WSM__SIM_OBJECT);
    assert_int_equal(wsm__sim_json_type(&json, wsm__sim_json_member(&json, WSM__SIM_ROOT, "d")), WSM__SIM_TRUE);
    wsm__sim_json_fini(&json);
}

static void what_is_not_there_is_node_0_all_the_way_down(void **state) {
    (void)state;
    wsm__sim_json json = {0};
    assert_true(wsm__sim_json_read(&json, "{\"a\":[]}", 8));
    uint32_t none = wsm__sim_json_member(&json, wsm__sim_json_member(&json, WSM__SIM_ROOT, "b"), "c");
    uint64_t value;
    char text[8];

    assert_int_equal(none, 0);
    assert_int_equal(wsm__sim_json_type(&json, none), WSM__SIM_MISSING);
    assert_false(wsm__sim_json_is(&json, none, ""));
    assert_false(wsm__sim_json_uint(&json, none, &value));
    assert_true(wsm__sim_json_string(&json, none, text, sizeof text) == SIZE_MAX);
    assert_int_equal(wsm__sim_json_element(&json, wsm__sim_json_member(&json, WSM__SIM_ROOT, "a"), 0), 0);
    assert_int_equal(wsm__sim_json_first(&json, wsm__sim_json_member(&json, WSM__SIM_ROOT, "a")), 0);
    assert_raw(&json, none, "");

    assert_false(wsm__sim_json_read(&json, "{\"a\":1", 6));
    assert_int_equal(wsm__sim_json_member(&json, WSM__SIM_ROOT, "a"), 0);
    wsm__sim_json_fini(&json);
}

static void walks_visit_each_child_once(void **state) {
    (void)state;
    wsm__sim_json json = {0};
    static const char text[] = "[[1,2],{\"x\":{\"y\":3}},4]";
    assert_true(wsm__sim_json_read(&json, text, strlen(text)));
    static const char *const expected[] = {"[1,2]", "{\"x\":{\"y\":3}}", "4"};
    size_t seen = 0;
    for (uint32_t it = wsm__sim_json_first(&json, WSM__SIM_ROOT); it; it = wsm__sim_json_next(&json, it)) {
        assert_true(seen < 3);
        assert_raw(&json, it, expected[seen++]);
    }
    assert_int_equal(seen, 3);
    wsm__sim_json_fini(&json);
}

static void strings_come_out_unescaped(void **state) {
    (void)state;
    static const char text[] = "[\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u00e4\\u20AC\\uD83D\\uDE00\",\"\xC3\xA4\"]";
    wsm__sim_json json = {0};
    char into[64];
    assert_true(wsm__sim_json_read(&json, text, strlen(text)));

    assert_int_equal(wsm__sim_json_string(&json, 2, into, sizeof into), 9);
    assert_string_equal(into, "a\"\\/\b\f\n\r\t");
    assert_int_equal(wsm__sim_json_string(&json, 3, into, sizeof into), 9);
    assert_string_equal(into, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
    assert_true(wsm__sim_json_is(&json, 3, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"));
    assert_false(wsm__sim_json_is(&json, 3, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98"));
    assert_false(wsm__sim_json_is(&json, 3, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80!"));
    assert_true(wsm__sim_json_is(&json, 4, "\xC3\xA4"));
    assert_true(wsm__sim_json_string(&json, 4, into, 2) == SIZE_MAX);
    assert_int_equal(wsm__sim_json_string(&json, 4, into, 3), 2);
    wsm__sim_json_fini(&json);
}

static void integers_are_digits_up_to_2_to_the_53(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } cases[] = {{"0", true, 0},
                 {"9007199254740991", true, 9007199254740991u},
                 {"9007199254740992", false, 0},
                 {"18446744073709551616", false, 0},
                 {"-1", false, 0},
                 {"1.0", false, 0},
                 {"1e3", false, 0},
                 {"\"1\"", false, 0}};
    wsm__sim_json json = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 0;
        assert_true(wsm__sim_json_read(&json, cases[i].text, strlen(cases[i].text)));
        assert_true(wsm__sim_json_uint(&json, WSM__SIM_ROOT, &value) == cases[i].ok);
        assert_true(value == cases[i].value);
    }
    wsm__sim_json_fini(&json);
}

static void good_texts_are_taken(void **state) {
    (void)state;
    static const char *const texts[] = {"{}",
                                        "[]",
                                        " [ ] ",
                                        "null",
                                        "-0",
                                        "0.5e-7",
                                        "1E+2",
                                        "\"\"",
                                        "\"\x7f\"",
                                        "\"\xEF\xBF\xBF\"",
                                        "\"\xF4\x8F\xBF\xBF\"",
                                        "{\"a\":{\"b\":1},\"b\":{\"a\":1}}",
                                        "[{\"k\":1},{\"k\":2}]",
                                        "{\"\":0}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_true(reads(texts[i], strlen(texts[i])));
}

static void bad_texts_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "[",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{\"a\" 1}",
                                        "{1:1}",
                                        "tru",
                                        "truE",
                                        "nul",
                                        "01",
                                        "-",
                                        "+1",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "1e+",
                                        "0x1",
                                        "NaN",
                                        "\"",
                                        "\"\\",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u00g0\"",
                                        "\"\\u0000\"",
                                        "\"\\uD800\"",
                                        "\"\\uDC00\"",
                                        "\"\\uD800\\u0041\"",
                                        "\"\\uD800x\"",
                                        "\"\n\"",
                                        "\"\t\"",
                                        "\"\x80\"",
                                        "\"\xC0\x80\"",
                                        "\"\xC1\xBF\"",
                                        "\"\xE0\x9F\xBF\"",
                                        "\"\xED\xA0\x80\"",
                                        "\"\xF0\x8F\xBF\xBF\"",
                                        "\"\xF4\x90\x80\x80\"",
                                        "\"\xF5\x80\x80\x80\"",
                                        "\"\xE2\x82\"",
                                        "\"\xC3",
                                        "{}x",
                                        "[] []",
                                        "1 1",
                                        "{\"a\":1,\"a\":2}",
                                        "{\"a\":1,\"\\u0061\":2}",
                                        "{\"o\":{\"a\":1,\"a\":2}}",
                                        "]",
                                        "}",
                                        "[}",
                                        "{]",
                                        "'a'",
                                        "// x\n1",
                                        "\xEF\xBB\xBF{}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (reads(texts[i], strlen(texts[i]))) fail_msg("took %s", texts[i]);
    }
    assert_false(reads("\"\0\"", 3));
    assert_false(reads("{}\0", 3));
}

static void every_cut_text_is_refused(void **state) {
    (void)state;
    static const char text[] = "{\"a\":[1,-2.5e3,\"\\uD83D\\uDE00\xE2\x82\xAC\",{\"b\":true}],\"c\":null}";
    assert_true(reads(text, strlen(text)));
    for (size_t len = 0; len < strlen(text); len++) assert_false(reads(text, len));
}

static void depth_ends_at_64(void **state) {
    (void)state;
    char text[130];
    for (size_t depth = 64; depth <= 65; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_true(reads(text, 2 * depth) == (depth == 64));
    }
}

static void a_document_is_used_again(void **state) {
    (void)state;
    wsm__sim_json json = {0};
    char text[4096] = "[0";
    for (size_t i = 0; i < 900; i++) strcat(text, ",1");
    strcat(text, "]");
    assert_true(wsm__sim_json_read(&json, text, strlen(text)));
    assert_int_equal(wsm__sim_json_count(&json, WSM__SIM_ROOT), 901);
    assert_false(wsm__sim_json_read(&json, "[", 1));
    assert_true(wsm__sim_json_read(&json, "[7]", 3));
    assert_int_equal(wsm__sim_json_count(&json, WSM__SIM_ROOT), 1);
    assert_raw(&json, 2, "7");
    wsm__sim_json_fini(&json);
    assert_null(json.nodes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_their_names),
        cmocka_unit_test(what_is_not_there_is_node_0_all_the_way_down),
        cmocka_unit_test(walks_visit_each_child_once),
        cmocka_unit_test(strings_come_out_unescaped),
        cmocka_unit_test(integers_are_digits_up_to_2_to_the_53),
        cmocka_unit_test(good_texts_are_taken),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(every_cut_text_is_refused),
        cmocka_unit_test(depth_ends_at_64),
        cmocka_unit_test(a_document_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
