/* route/mention: what is a mention in the text of an exchange, and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "route/mention.h"

/* What is found, as "handle:ada role:testing here", shortened of punctuation. */
static const char *found(const char *json) {
    static char out[1024];
    static const char *const kinds[] = {"handle:", "role:", "here"};
    size_t len = strlen(json);
    char *exact = malloc(len); /* no byte behind the text: a sanitizer sees one too many */
    assert_non_null(exact);
    memcpy(exact, json, len);
    wsm__mention_scan scan;
    wsm__mention mention;
    out[0] = '\0';
    wsm__mention_init(&scan, wsm__slice(exact, len));
    while (wsm__mention_next(&scan, &mention)) {
        while (wsm__mention_shorten(&mention)) {
        }
        if (out[0]) strcat(out, " ");
        strcat(out, kinds[mention.kind]);
        if (mention.kind != WSM__MENTION_HERE) strncat(out, mention.name, mention.len);
    }
    free(exact);
    return out;
}

static void assert_found(const char *const rows[][2], size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(found(rows[i][0]), rows[i][1]) != 0)
            fail_msg("%s: expected \"%s\", found \"%s\"", rows[i][0], rows[i][1], found(rows[i][0]));
}
#define FOUND(rows) assert_found(rows, sizeof(rows) / sizeof *(rows))

static void handles_roles_and_here_are_found_in_string_values(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"\"@ada look at this\"", "handle:ada"},
        {"\"thanks, @ada.\"", "handle:ada"},
        {"\"(@ada, @bob-2: @c_d.e!)\"", "handle:ada handle:bob-2 handle:c_d.e"},
        {"{\"text\":\"@role:testing please\",\"more\":[\"@here\",{\"deep\":\"@eve\"}]}",
         "role:testing here handle:eve"},
        {"{\"@ada\":\"a key is no text\"}", ""},
        {"{\"@ada\" : \"@bob\"}", "handle:bob"},
        {"\"@herere @here.\"", "handle:herere here"},
        {"\"@role:\"", ""},
        {"\"@role:@bob\"", "handle:bob"},
        {"\"@role\"", "handle:role"},
        {"17", ""},
        {"\"\"", ""},
        {"\"@\"", ""},
        {"\"@ @. @-x\"", ""},
    };
    FOUND(rows);
}

static void addresses_urls_and_code_are_no_mentions(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"\"write to ada@example.org or a.b+c@x.y\"", ""},
        {"\"jos\u00e9@example.org\"", ""},
        {"\"see https://example.org/@ada and @bob\"", "handle:bob"},
        {"\"//cdn/@ada @bob\"", "handle:bob"},
        {"\"ssh://git@ada/x\"", ""},
        {"\"use `@ada` here, @bob\"", "handle:bob"},
        {"\"```\\n@ada\\n``` @bob\"", "handle:bob"},
        {"\"``a ` @ada`` @bob\"", "handle:bob"},
        {"\"an open ` tick and @ada\"", "handle:ada"},
        {"\"`one `` @ada ``` @bob\"", "handle:ada handle:bob"},
        {"\"@ada@example.social\"", ""},
        {"\"x=@ada a&@bob\"", ""},
    };
    FOUND(rows);
}

static void scripts_without_spaces_may_stand_beside(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"\"\u8bf7@ada\u770b\u4e00\u4e0b\"", "handle:ada"},
        {"\"\u3002@ada\uff0c@bob\u3001\"", "handle:ada handle:bob"},
        {"\"\u201c@ada\u201d \u2014@bob\"", "handle:ada handle:bob"},
        {"\"@ada\u00e9\"", ""},
        {"\"\u00bf@ada?\"", "handle:ada"},
    };
    FOUND(rows);
}

static void escapes_are_decoded(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"\"\\u0040ada\"", "handle:ada"},
        {"\"@\\u0061da\"", "handle:ada"},
        {"\"\\n@ada\\t@bob\"", "handle:ada handle:bob"},
        {"\"\\\"@ada\\\"\"", "handle:ada"},
        {"\"\\ud83d\\ude00@ada\"", "handle:ada"},
        {"\"https:\\/\\/x\\/@ada\"", ""},
        {"\"\\\\@ada\"", "handle:ada"},
    };
    FOUND(rows);
}

static void a_name_that_is_too_long_is_none(void **state) {
    (void)state;
    char json[200] = "\"@";
    memset(json + 2, 'a', 64);
    strcpy(json + 66, "\"");
    assert_int_equal(strlen(found(json)), 7 + 64);
    memset(json + 2, 'a', 65);
    strcpy(json + 67, " @bob\"");
    assert_string_equal(found(json), "handle:bob");
}

/* Backquotes that are never closed are looked for once for each length, not once for each of them. */
static void many_open_ticks_cost_one_pass_each(void **state) {
    (void)state;
    size_t len = 1 << 20;
    char *json = malloc(len + 64);
    assert_non_null(json);
    size_t at = 0;
    json[at++] = '"';
    for (size_t i = 0; at < len; i++) {
        size_t run = 1 + i % 9;
        if (run <= 8 && i >= 9) run = 9; /* each length once, then only runs that are plain text */
        memset(json + at, '`', run);
        at += run;
        json[at++] = ' ';
    }
    memcpy(json + at, "@ada\"", 5);
    wsm__mention_scan scan;
    wsm__mention mention;
    wsm__mention_init(&scan, wsm__slice(json, at + 5));
    assert_true(wsm__mention_next(&scan, &mention));
    assert_false(wsm__mention_next(&scan, &mention));
    free(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_roles_and_here_are_found_in_string_values),
        cmocka_unit_test(addresses_urls_and_code_are_no_mentions),
        cmocka_unit_test(scripts_without_spaces_may_stand_beside),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(a_name_that_is_too_long_is_none),
        cmocka_unit_test(many_open_ticks_cost_one_pass_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
