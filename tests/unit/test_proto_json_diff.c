/* The difference between two JSON texts: small where they are alike, whole where they are not, and always one that
 * makes the second of the first, as somebody else's JSON library says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_patch.h"
#include "mem_fault.h"
#include "proto/json_diff.h"

/* The patch, terminated; valid until the next call. NULL: no memory. */
static const char *diff(test_mem *host, const char *before, const char *after) {
    static char text[1 << 20];
    wsm__mem mem;
    wsm__buf out;
    wsm__mem_init(&mem, test_alloc, host, 0);
    wsm__buf_init(&out, &mem, 0);
    wsm__json_diff(&out, wsm__slice_str(before), wsm__slice_str(after));
    int err = out.err;
    snprintf(text, sizeof text, "%.*s", (int)out.len, out.ptr ? out.ptr : "");
    wsm__buf_fini(&out);
    assert_int_equal(mem.used, 0);
    return err ? NULL : text;
}

#define PAD "\"pad\":\"what stays the same is long enough that nothing is replaced as a whole for it\""

static void what_differs_is_told_and_nothing_else(void **state) {
    static const struct {
        const char *before, *after, *patch;
    } rows[] = {
        {"{}", "{}", "[]"},
        {"{\"a\":1}", "{\"a\":1}", "[]"},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", "[]"},
        {"{\"a\":1}", "{\"a\":2}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":2}]"},
        {"{\"a\":1,\"b\":[]}", "{\"b\":[]}", "[{\"op\":\"remove\",\"path\":\"/a\"}]"},
        {"{\"b\":1}", "{\"a\":null,\"b\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]"},
        {"{\"a\":{\"b\":{\"c\":\"long enough to be worth it, and more\"}},\"d\":0}",
         "{\"a\":{\"b\":{\"c\":\"long enough to be worth it, and more\",\"e\":1}},\"d\":0}",
         "[{\"op\":\"add\",\"path\":\"/a/b/e\",\"value\":1}]"},
        {"{\"list\":[1,2,3]}", "{\"list\":[1,2,3,4,5]}",
         "[{\"op\":\"replace\",\"path\":\"/list\",\"value\":[1,2,3,4,5]}]"}, /* shorter than two operations */
        {"[\"a first one of some length\",\"a second one of some length\"]",
         "[\"a first one of some length\",\"a second one of some length\",\"x\"]",
         "[{\"op\":\"add\",\"path\":\"/2\",\"value\":\"x\"}]"},
        {"[\"a first one of some length\",\"a second one of some length\",\"x\"]",
         "[\"a second one of some length\",\"x\",\"a third one of length\"]",
         "[{\"op\":\"remove\",\"path\":\"/0\"},{\"op\":\"add\",\"path\":\"/2\",\"value\":\"a third one of length\"}]"},
        {"{\"a/b~c\":1,\"\":0," PAD "}", "{\"a/b~c\":2,\"\":1," PAD "}",
         "[{\"op\":\"replace\",\"path\":\"/a~1b~0c\",\"value\":2},{\"op\":\"replace\",\"path\":\"/\",\"value\":1}]"},
        {"{\"\\u0061\\/\\\"\":1," PAD "}", "{\"\\u0061\\/\\\"\":2," PAD "}",
         "[{\"op\":\"replace\",\"path\":\"/a~1\\\"\",\"value\":2}]"},
        {"{\"a\":1}", "{\"\\u0061\":1}", "[]"},
        {"1", "\"1\"", "[{\"op\":\"replace\",\"path\":\"\",\"value\":\"1\"}]"},
    };
    (void)state;
    test_mem host = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(diff(&host, rows[i].before, rows[i].after), rows[i].patch);
}

static void a_window_that_moves_costs_what_has_moved(void **state) {
    (void)state;
    test_mem host = {0};
    char before[8192] = "[", after[8192] = "[";
    for (int i = 1000; i < 1100; i++) snprintf(before + strlen(before), 8, i > 1000 ? ",%d" : "%d", i);
    for (int i = 1001; i < 1101; i++) snprintf(after + strlen(after), 8, i > 1001 ? ",%d" : "%d", i);
    strcat(before, "]");
    strcat(after, "]");
    assert_string_equal(diff(&host, before, after), "[{\"op\":\"remove\",\"path\":\"/0\"},"
                                                    "{\"op\":\"add\",\"path\":\"/99\",\"value\":1100}]");
}

/* Names that have nothing to do with each other: to search for each of them would cost the square of their number. */
static void an_object_that_was_changed_altogether_is_replaced(void **state) {
    (void)state;
    test_mem host = {0};
    char before[8192] = "{", after[8192] = "{", whole[9000];
    for (int i = 0; i < 200; i++) {
        snprintf(before + strlen(before), 20, "%s\"a%d\":1", i ? "," : "", i);
        snprintf(after + strlen(after), 20, "%s\"b%d\":1", i ? "," : "", i);
    }
    strcat(before, "}");
    strcat(after, "}");
    snprintf(whole, sizeof whole, "[{\"op\":\"replace\",\"path\":\"\",\"value\":%s}]", after);
    assert_string_equal(diff(&host, before, after), whole);
}

/* ---- any two texts --------------------------------------------------------------------------------------------------
 */

static uint32_t below(uint64_t *seed, uint32_t count) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % count;
}

static cJSON *any_value(uint64_t *seed, int depth) {
    static const char *const names[] = {"a", "b", "c/d", "~", "", "e~1f", "offsets", "\"q\"", "\xC3\xA4", "keys"};
    uint32_t kind = below(seed, depth > 0 ? 7 : 5);
    if (kind == 0) return cJSON_CreateNull();
    if (kind == 1) return cJSON_CreateBool(1);
    if (kind == 2) return cJSON_CreateNumber(below(seed, 4));
    if (kind < 5) return cJSON_CreateString(names[below(seed, 10)]);
    cJSON *value = kind == 5 ? cJSON_CreateObject() : cJSON_CreateArray();
    for (uint32_t n = below(seed, 12); n > 0; n--) {
        const char *name = names[below(seed, 10)];
        if (kind == 6)
            cJSON_AddItemToArray(value, any_value(seed, depth - 1));
        else if (!cJSON_GetObjectItemCaseSensitive(value, name))
            cJSON_AddItemToObject(value, name, any_value(seed, depth - 1));
    }
    return value;
}

/* Changes something somewhere in it. */
static void change(cJSON *value, uint64_t *seed) {
    int count = cJSON_GetArraySize(value);
    if (!cJSON_IsArray(value) && !cJSON_IsObject(value)) return;
    uint32_t how = below(seed, 4);
    cJSON *child = count ? cJSON_GetArrayItem(value, (int)below(seed, (uint32_t)count)) : NULL;
    if (child && how < 2) {
        change(child, seed);
    } else if (child && how == 2) {
        cJSON_Delete(cJSON_DetachItemViaPointer(value, child));
    } else if (cJSON_IsArray(value)) {
        cJSON_AddItemToArray(value, any_value(seed, 1));
    } else if (!cJSON_GetObjectItemCaseSensitive(value, "new")) {
        cJSON_AddItemToObject(value, "new", any_value(seed, 1));
    }
}

static size_t assert_applies(const char *before, const char *after) {
    test_mem host = {0};
    const char *text = diff(&host, before, after);
    cJSON *document = cJSON_Parse(before), *wanted = cJSON_Parse(after), *patch = cJSON_Parse(text);
    int failed = json_patch_apply(&document, patch);
    if (failed || !cJSON_Compare(document, wanted, 1))
        fail_msg("operation %d of\n%s\nmakes of\n%s\nnot\n%s", failed, text, before, after);
    cJSON_Delete(document);
    cJSON_Delete(wanted);
    cJSON_Delete(patch);
    return strlen(text);
}

static void the_patch_makes_the_second_of_the_first(void **state) {
    (void)state;
    uint64_t seed = 1;
    size_t patches = 0, texts = 0;
    for (int i = 0; i < 20000; i++) {
        cJSON *value = any_value(&seed, 4);
        char *before = cJSON_PrintUnformatted(value);
        bool is_other = below(&seed, 4) == 0;
        if (is_other) {
            cJSON_Delete(value);
            value = any_value(&seed, 4);
        } else {
            for (uint32_t n = below(&seed, 4); n > 0; n--) change(value, &seed);
        }
        char *after = cJSON_PrintUnformatted(value);
        size_t len = assert_applies(before, after);
        assert_true(len <= strlen(after) + 200);
        patches += len;
        texts += strlen(after);
        cJSON_Delete(value);
        cJSON_free(before);
        cJSON_free(after);
    }
    assert_true(patches < texts); /* three of four were changed a little only */
}

static void without_memory_there_is_no_patch(void **state) {
    (void)state;
    const char *before = "{\"a\":{\"some name\":1,\"list\":[\"one of some length that is kept\",2]}}";
    const char *after = "{\"a\":{\"some other\":1,\"list\":[\"one of some length that is kept\",3,4]},\"b\":1}";
    size_t points = 0;
    for (;; points++) {
        test_mem host = {.fail_at = points + 1};
        if (diff(&host, before, after)) break;
        assert_int_equal(host.live, 0);
    }
    assert_true(points >= 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_is_told_and_nothing_else),
        cmocka_unit_test(a_window_that_moves_costs_what_has_moved),
        cmocka_unit_test(an_object_that_was_changed_altogether_is_replaced),
        cmocka_unit_test(the_patch_makes_the_second_of_the_first),
        cmocka_unit_test(without_memory_there_is_no_patch),
    };
    return cmocka_run_group_tests_name("proto/json_diff", tests, NULL, NULL);
}
