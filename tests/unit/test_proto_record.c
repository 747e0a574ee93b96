/* Records: what is written reads back, by the quick way and by the other, and what is damaged is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "mem_fault.h"
#include "proto/record.h"
#include "wsm/error.h"

#define ID   "0190e0a0-7b1c-7def-8123-456789abcdef"
#define BODY "{\"message_id\":\"" ID "\",\"exchange\":{\"a\":1}}"
#define HEAD                                                                                                           \
    "{\"v\":1,\"type\":\"memory_update\",\"id\":\"" ID                                                                 \
    "\",\"sender\":\"ada\",\"context\":\"main\",\"time\":1767323045678,"                                               \
    "\"priority\":\"normal\",\"digest\":\"AAECAwQFBgcICQoLDA0ODw\",\"by\":\"9f2c00000000abcd:17\"}"

static const wsm__scan_limits usual = {.depth_max = 32, .values_max = 4096, .key_bytes_max = 128};

static wsm__record_head head;
static wsm_slice body;

static int parse(const char *text, const wsm__scan_limits *limits) {
    return wsm__record_parse(wsm__slice_str(text), limits, &head, &body);
}

static wsm__record_head sample(void) {
    wsm__record_head out = {
        .type = WSM__MSG_MEMORY_UPDATE,
        .id = {0x01, 0x90, 0xE0, 0xA0, 0x7B, 0x1C, 0x7D, 0xEF, 0x81, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF},
        .sender = wsm__slice_str("ada"),
        .context_id = wsm__slice_str("main"),
        .time_ms = 1767323045678,
        .priority = WSM_PRIORITY_NORMAL,
        .has_digest = true,
        .node = 0x9f2c00000000abcd,
        .number = 17};
    for (unsigned char i = 0; i < WSM__DIGEST_LEN; i++) out.digest[i] = i;
    return out;
}

static void assert_same_head(const wsm__record_head *a, const wsm__record_head *b) {
    assert_int_equal(a->type, b->type);
    assert_memory_equal(a->id, b->id, sizeof a->id);
    assert_true(wsm__slice_eq(a->sender, b->sender));
    assert_true(wsm__slice_eq(a->context_id, b->context_id));
    assert_true(a->time_ms == b->time_ms);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->has_digest, b->has_digest);
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
    assert_true(a->node == b->node && a->number == b->number);
}

static void test_the_head_is_one_line_of_json(void **state) {
    wsm__mem mem;
    wsm__buf buf;
    test_mem test = {0};
    wsm__record_head in = sample();
    (void)state;
    wsm__mem_init(&mem, test_alloc, &test, 0);
    wsm__buf_init(&buf, &mem, 0);
    wsm__record_put_head(&buf, &in);
    assert_int_equal(buf.len, strlen(HEAD "\n"));
    assert_memory_equal(buf.ptr, HEAD "\n", buf.len);
    wsm__buf_fini(&buf);
    assert_int_equal(mem.used, 0);
}

static void test_what_only_some_records_have_reads_back_too(void **state) {
    wsm__mem mem;
    wsm__buf buf;
    test_mem test = {0};
    wsm__record_head in = sample();
    (void)state;
    wsm__mem_init(&mem, test_alloc, &test, 0);
    wsm__buf_init(&buf, &mem, 0);
    for (int with_arrays = 0; with_arrays < 2; with_arrays++) { /* the quick way, and the scanner's */
        in.expected_seq = 12;
        in.also = wsm__slice_str("sb-1");
        in.hop = 3;
        in.may = WSM__MAY_EXCEED | WSM__MAY_MENTION_ALL;
        in.to = with_arrays ? wsm__slice_str("[\"bob\",\"eve\"]") : wsm__slice(NULL, 0);
        in.rules = wsm__slice_str("1,2,3");
        in.result = with_arrays ? wsm__slice_str("{\"bob\":\"queued\"}") : wsm__slice(NULL, 0);
        in.fates = with_arrays ? wsm__slice_str("[3,0,1,-1]") : wsm__slice(NULL, 0);
        in.has_at = in.is_again = true;
        in.at = 0; /* written all the same */
        in.inflight = 2;
        in.maybe = 1;
        in.told = 4;
        wsm__buf_clear(&buf);
        wsm__record_put_head(&buf, &in);
        wsm__buf_puts(&buf, BODY);
        assert_int_equal(wsm__record_parse(wsm__slice(buf.ptr, buf.len), &usual, &head, &body), 0);
        assert_same_head(&in, &head);
        assert_int_equal(head.expected_seq, 12);
        assert_true(wsm__slice_eq(head.also, in.also));
        assert_int_equal(head.hop, 3);
        assert_int_equal(head.may, 3);
        assert_true(wsm__slice_eq(head.to, in.to));
        assert_true(wsm__slice_eq(head.rules, in.rules));
        assert_true(wsm__slice_eq(head.result, in.result));
        assert_true(wsm__slice_eq(head.fates, in.fates));
        assert_true(head.has_at && head.is_again && head.at == 0);
        assert_true(head.inflight == 2 && head.maybe == 1 && head.told == 4);
    }
    in.to = wsm__slice_str("[\"not an agent\"]");
    wsm__buf_clear(&buf);
    wsm__record_put_head(&buf, &in);
    wsm__buf_puts(&buf, BODY);
    assert_int_equal(wsm__record_parse(wsm__slice(buf.ptr, buf.len), &usual, &head, &body), WSM_ERR_LOG_CORRUPT);
    wsm__buf_fini(&buf);
    assert_int_equal(mem.used, 0);
}

static void test_what_is_written_reads_back(void **state) {
    wsm__mem mem;
    wsm__buf buf;
    test_mem test = {0};
    wsm__record_head in = sample();
    (void)state;
    wsm__mem_init(&mem, test_alloc, &test, 0);
    wsm__buf_init(&buf, &mem, 0);
    for (int i = 0; i < 64; i++) {
        in.priority = (wsm_priority)(1 + i % 6);
        in.has_digest = i % 2 == 0;
        if (!in.has_digest) memset(in.digest, 0, sizeof in.digest);
        in.node = (uint64_t)1 << i;
        in.number = UINT64_MAX >> i;
        in.time_ms = (int64_t)(253402300799999u >> (i % 47));
        in.context_id = wsm__slice_str(i % 3 ? "main" : "side:0190/a-b_c.d");
        wsm__buf_clear(&buf);
        wsm__record_put_head(&buf, &in);
        wsm__buf_puts(&buf, BODY);
        assert_int_equal(wsm__record_parse(wsm__slice(buf.ptr, buf.len), &usual, &head, &body), 0);
        assert_same_head(&in, &head);
        assert_true(wsm__slice_is(body, BODY));
    }
    wsm__buf_fini(&buf);
    assert_int_equal(mem.used, 0);
}

static void test_lack_of_memory_shows_in_the_buffer(void **state) {
    wsm__record_head in = sample();
    (void)state;
    for (size_t n = 1;; n++) {
        test_mem test = {.fail_at = n};
        wsm__mem mem;
        wsm__buf buf;
        wsm__mem_init(&mem, test_alloc, &test, 0);
        wsm__buf_init(&buf, &mem, 0);
        wsm__record_put_head(&buf, &in);
        bool failed = test_mem_has_failed(&test);
        assert_int_equal(buf.err, failed ? WSM_ERR_NOMEM : 0);
        wsm__buf_fini(&buf);
        assert_int_equal(mem.used, 0);
        if (!failed) break;
    }
}

static void test_any_order_and_unknown_members_are_understood(void **state) {
    static const char text[] =
        "{ \"by\":\"9f2c00000000abcd:17\", \"new\":{\"x\":[1,{}]}, \"digest\":\"AAECAwQFBgcICQoLDA0ODw\","
        "\"priority\":\"normal\",\"time\":1767323045678,\"context\":\"main\",\"\\u0073ender\":\"ada\","
        "\"id\":\"" ID "\",\"type\":\"memory_update\",\"v\":1 }\n" BODY;
    wsm__record_head expected = sample();
    (void)state;
    assert_int_equal(parse(text, &usual), 0);
    assert_same_head(&expected, &head);
    assert_int_equal(parse(HEAD "\n" BODY, NULL), 0);
    assert_same_head(&expected, &head);
}

/* HEAD with the first `from` in it made `to`, by the quick way, and by the other with a member put behind. */
static int parse_changed(const char *from, const char *to) {
    char text[1024];
    const char *place = strstr(HEAD, from);
    assert_non_null(place);
    int before = (int)(place - HEAD);
    snprintf(text, sizeof text, "%.*s%s%s\n%s", before, HEAD, to, place + strlen(from), BODY);
    int err = parse(text, &usual);
    char *end = strchr(text, '\n');
    assert_non_null(end);
    static const char member[] = ",\"z\":0}"; /* takes the place of the brace */
    memmove(end + sizeof member - 2, end, strlen(end) + 1);
    memcpy(end - 1, member, sizeof member - 1);
    assert_int_equal(parse(text, &usual), err);
    return err;
}

static void test_members_are_checked(void **state) {
    static const char *const changes[][2] = {
        {"\"v\":1,", ""},
        {"\"v\":1", "\"v\":2"},
        {"\"v\":1", "\"v\":0"},
        {"\"v\":1", "\"v\":\"1\""},
        {"\"v\":1", "\"v\":10"},
        {"\"type\":\"memory_update\",", ""},
        {"memory_update", "no_such"},
        {"memory_update", "ack"},
        {"\"memory_update\"", "1"},
        {"\"memory_update\"", "null"},
        {"\"id\":\"" ID "\",", ""},
        {ID, "0190"},
        {"\"" ID "\"", "1"},
        {"\"sender\":\"ada\",", ""},
        {"\"ada\"", "\"\""},
        {"\"ada\"", "\"a b\""},
        {"\"ada\"", "\"a:b\""},
        {"\"ada\"", "\"\\u0061da\""},
        {"\"ada\"", "1"},
        {"\"ada\"", "null"},
        {"\"ada\"", "\"a\\\"da\""},
        {"\"ada\"", "\"a\tb\""},
        {"\"context\":\"main\",", ""},
        {"\"main\"", "\"\""},
        {"\"main\"", "\"a b\""},
        {"\"main\"", "{}"},
        {"\"time\":1767323045678,", ""},
        {"1767323045678", "-1"},
        {"1767323045678", "1.5"},
        {"1767323045678", "253402300800000"}, /* what is added to it, a lease, must be a number, too */
        {"1767323045678", "9007199254740992"},
        {"1767323045678", "\"1\""},
        {"1767323045678", "01"},
        {"1767323045678", ""},
        {"1767323045678", "1 2"},
        {"\"priority\":\"normal\",", ""},
        {"\"normal\"", "\"soon\""},
        {"\"normal\"", "3"},
        {"\"normal\"", "\"NORMAL\""},
        {"AAECAwQFBgcICQoLDA0ODw", ""},
        {"AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0OD"},
        {"AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODx"},
        {"AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0O+/"},
        {"AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODw=="},
        {"\"AAECAwQFBgcICQoLDA0ODw\"", "1"},
        {",\"by\":\"9f2c00000000abcd:17\"", ""},
        {"9f2c00000000abcd:17", "9f2c00000000abcd"},
        {"9f2c00000000abcd:17", "9f2c00000000abcd:"},
        {"9f2c00000000abcd:17", "9F2C00000000ABCD:17"},
        {"9f2c00000000abcd:17", "9f2c00000000abc:17"},
        {"9f2c00000000abcd:17", "9f2c00000000abcd17"},
        {"9f2c00000000abcd:17", "9f2c00000000abcd:018"},
        {"9f2c00000000abcd:17", "9f2c00000000abcd:18446744073709551616"},
        {"9f2c00000000abcd:17", "9f2c00000000abcd:-1"},
        {"\"sender\"", "\"type\""},
        {"{\"v\"", "[\"v\""},
        {"{\"v\"", "\"v\""},
    };
    (void)state;
    assert_int_equal(parse_changed("ada", "bob"), 0);
    assert_int_equal(parse_changed("\"normal\"", "\"urgent\""), 0);
    assert_int_equal(parse_changed("\"digest\":\"AAECAwQFBgcICQoLDA0ODw\",", ""), 0);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (parse_changed(changes[i][0], changes[i][1]) != WSM_ERR_LOG_CORRUPT)
            fail_msg("%s made %s was accepted", changes[i][0], changes[i][1]);
    }
}

static void test_every_cut_through_the_head_is_corrupt(void **state) {
    static const char text[] = HEAD "\n" BODY;
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_int_equal(wsm__record_parse(wsm__slice(text, len), &usual, &head, &body), WSM_ERR_LOG_CORRUPT);
    assert_int_equal(wsm__record_parse((wsm_slice){NULL, 0}, &usual, &head, &body), WSM_ERR_LOG_CORRUPT);
}

/* Copies of exactly the right size, so that the sanitizer sees a read behind them. */
static void test_nothing_is_read_behind_a_short_record(void **state) {
    (void)state;
    for (size_t digits = 0; digits < 20; digits++) {
        char text[1024];
        int len = snprintf(text, sizeof text, "%.*s%.*s\"}\n", (int)(strstr(HEAD, "9f2c") - HEAD), HEAD, (int)digits,
                           "9f2c00000000abcd:17");
        char *exact = malloc((size_t)len);
        assert_non_null(exact);
        memcpy(exact, text, (size_t)len);
        assert_int_equal(wsm__record_parse(wsm__slice(exact, (size_t)len), &usual, &head, &body), WSM_ERR_LOG_CORRUPT);
        free(exact);
    }
}

static void test_white_space_may_surround_the_head_but_nothing_else(void **state) {
    (void)state;
    assert_int_equal(parse(" " HEAD " \n" BODY, &usual), 0);
    assert_int_equal(parse(HEAD "x\n" BODY, &usual), WSM_ERR_LOG_CORRUPT);
    assert_int_equal(parse(HEAD "}\n" BODY, &usual), WSM_ERR_LOG_CORRUPT);
    assert_int_equal(parse("x" HEAD "\n" BODY, &usual), WSM_ERR_LOG_CORRUPT);
}

static void test_the_body_is_an_object_to_be_spliced(void **state) {
    static const char *const always[] = {"", "[]", "1", "{", "}", " {}", "{} ", "{}\n"};
    static const char *const if_checked[] = {"{x}",
                                             "{\"a\":1,}",
                                             "{\"a\":\"\\ud800\"}",
                                             "{\"type\":\"ack\"}",
                                             "{\"offset\":1}",
                                             "{\"a\":1,\"s\\u0065q\":1}",
                                             "{\"a\":1}{\"b\":2}"};
    char text[1024];
    (void)state;
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        snprintf(text, sizeof text, HEAD "\n%s", always[i]);
        assert_int_equal(parse(text, &usual), WSM_ERR_LOG_CORRUPT);
        assert_int_equal(parse(text, NULL), WSM_ERR_LOG_CORRUPT);
    }
    for (size_t i = 0; i < sizeof if_checked / sizeof if_checked[0]; i++) {
        snprintf(text, sizeof text, HEAD "\n%s", if_checked[i]);
        assert_int_equal(parse(text, &usual), WSM_ERR_LOG_CORRUPT);
        assert_int_equal(parse(text, NULL), 0);
    }
}

static void assert_message(uint64_t offset, uint64_t seq, const char *bytes, const char *expected) {
    char out[256];
    wsm_slice text = wsm__slice_str(bytes);
    memset(out, '#', sizeof out);
    assert_int_equal(wsm__record_message_len(WSM__MSG_MEMORY_UPDATE, offset, seq, text), strlen(expected));
    wsm__record_message_write(out, WSM__MSG_MEMORY_UPDATE, offset, seq, text);
    assert_memory_equal(out, expected, strlen(expected));
    assert_int_equal(out[strlen(expected)], '#');
    size_t seq_len, bare = wsm__record_message_len(WSM__MSG_MEMORY_UPDATE, offset, 0, text);
    wsm_slice message = wsm__slice(out, strlen(expected));
    size_t at = wsm__record_message_seq(message, &seq_len);
    assert_int_equal(seq_len, message.len - bare);
    assert_int_equal(wsm__record_unnumbered_len(message), bare);
    if (seq_len > 0) assert_memory_equal(out + at, ",\"seq\":", 7);
    assert_true(wsm__record_message_offset(message) == offset);
}

static void test_a_message_of_others_has_no_number(void **state) {
    (void)state;
    static const char *const others[] = {"",
                                         "{",
                                         "{\"type\":\"ack\"}",
                                         "{\"type\":\"x\",\"seq\":1}",
                                         "{\"type\":\"x\",\"offset\":12,\"s\":1}",
                                         "{\"type\":\"x\",\"offset\":12"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t len = 9;
        wsm__record_message_seq(wsm__slice_str(others[i]), &len);
        assert_int_equal(len, 0);
    }
}

static void test_readers_get_type_offset_and_seq_in_front(void **state) {
    (void)state;
    assert_message(42, 7, "{\"a\":1}", "{\"type\":\"memory_update\",\"offset\":42,\"seq\":7,\"a\":1}");
    assert_message(42, 0, "{\"a\":1}", "{\"type\":\"memory_update\",\"offset\":42,\"a\":1}");
    assert_message(0, 9, "{}", "{\"type\":\"memory_update\",\"offset\":0,\"seq\":9}");
    assert_message(1, 1, "{ }", "{\"type\":\"memory_update\",\"offset\":1,\"seq\":1 }");
    assert_message(UINT64_MAX, UINT64_MAX, "{\"a\":1}",
                   "{\"type\":\"memory_update\",\"offset\":18446744073709551615,\"seq\":18446744073709551615,\"a\":1}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_head_is_one_line_of_json),
        cmocka_unit_test(test_what_is_written_reads_back),
        cmocka_unit_test(test_what_only_some_records_have_reads_back_too),
        cmocka_unit_test(test_lack_of_memory_shows_in_the_buffer),
        cmocka_unit_test(test_any_order_and_unknown_members_are_understood),
        cmocka_unit_test(test_members_are_checked),
        cmocka_unit_test(test_every_cut_through_the_head_is_corrupt),
        cmocka_unit_test(test_nothing_is_read_behind_a_short_record),
        cmocka_unit_test(test_white_space_may_surround_the_head_but_nothing_else),
        cmocka_unit_test(test_the_body_is_an_object_to_be_spliced),
        cmocka_unit_test(test_readers_get_type_offset_and_seq_in_front),
        cmocka_unit_test(test_a_message_of_others_has_no_number),
    };
    return cmocka_run_group_tests_name("proto/record", tests, NULL, NULL);
}
