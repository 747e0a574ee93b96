/* The encoder, and writing JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "proto/encode.h"
#include "proto/scan.h"
#include "wsm/error.h"

#define ID "0190e0a0-7b1c-7def-8123-456789abcdef"

typedef struct fixture {
    test_mem test;
    wsm__mem mem;
    wsm__buf buf;
} fixture;

static void begin(fixture *f, size_t fail_at) {
    *f = (fixture){.test = {.fail_at = fail_at}};
    wsm__mem_init(&f->mem, test_alloc, &f->test, 0);
    wsm__buf_init(&f->buf, &f->mem, 0);
}

static void end(fixture *f) {
    wsm__buf_fini(&f->buf);
    assert_int_equal(f->mem.used, 0);
    assert_int_equal(f->test.live, 0);
}

static void assert_text(fixture *f, const char *expected) {
    assert_int_equal(f->buf.err, 0);
    assert_int_equal(f->buf.len, strlen(expected));
    assert_memory_equal(f->buf.ptr, expected, f->buf.len);
}

static void test_strings_are_escaped(void **state) {
    fixture f;
    (void)state;
    begin(&f, 0);
    wsm__json_put_string(&f.buf, wsm__slice_str("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\xE2\x82\xAC"));
    assert_text(&f, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xE2\x82\xAC\"");
    wsm__buf_clear(&f.buf);
    wsm__json_put_string(&f.buf, (wsm_slice){NULL, 0});
    assert_text(&f, "\"\"");
    end(&f);
}

static void test_what_is_written_reads_back(void **state) {
    static const wsm__scan_limits limits = {.depth_max = 1, .values_max = 1, .key_bytes_max = 1};
    fixture f;
    (void)state;
    begin(&f, 0);
    for (int c = 1; c < 128; c++) {
        char in[3] = {(char)c, 'x', (char)c}, out[3];
        wsm__json_value value;
        wsm__buf_clear(&f.buf);
        wsm__json_put_string(&f.buf, wsm__slice(in, 3));
        assert_int_equal(wsm__json_check(wsm__slice(f.buf.ptr, f.buf.len), &limits, &value, NULL), 0);
        assert_int_equal(wsm__json_string_decode(value.raw, out, 3), 3);
        assert_memory_equal(in, out, 3);
    }
    end(&f);
}

static void test_members_get_their_commas(void **state) {
    fixture f;
    wsm__json_out out;
    (void)state;
    begin(&f, 0);
    wsm__json_open(&out, &f.buf);
    wsm__json_close(&out);
    wsm__json_open(&out, &f.buf);
    wsm__json_str(&out, "a", wsm__slice_str("x"));
    wsm__json_num(&out, "b", UINT64_MAX);
    wsm__json_bool(&out, "c", true);
    wsm__json_bool(&out, "d", false);
    wsm__json_raw(&out, "e", wsm__slice_str("[1]"));
    wsm__json_close(&out);
    assert_text(&f, "{}{\"a\":\"x\",\"b\":18446744073709551615,\"c\":true,\"d\":false,\"e\":[1]}");
    end(&f);
}

static void encode_ack(wsm__buf *buf) {
    wsm__encoder enc;
    wsm__encode_begin(&enc, buf, WSM__MSG_ACK, ID, 1767323045678, wsm__slice_str("hub"));
    wsm__encode_str(&enc, "original_message_id", wsm__slice_str(ID));
    wsm__encode_num(&enc, "offset", 42);
    wsm__encode_bool(&enc, "durable", true);
    wsm__encode_raw(&enc, "result", wsm__slice_str("{\"agents\":[]}"));
    wsm__encode_end(&enc);
}

static void test_a_message_carries_its_envelope_and_fields(void **state) {
    fixture f;
    (void)state;
    begin(&f, 0);
    encode_ack(&f.buf);
    assert_text(&f, "{\"type\":\"ack\",\"message_id\":\"" ID "\",\"timestamp\":\"2026-01-02T03:04:05.678Z\","
                    "\"sender_agent_id\":\"hub\",\"original_message_id\":\"" ID "\",\"offset\":42,\"durable\":true,"
                    "\"result\":{\"agents\":[]}}");
    end(&f);
}

static void test_the_late_envelope_may_be_written_as_well(void **state) {
    fixture f;
    wsm__encoder enc;
    (void)state;
    begin(&f, 0);
    wsm__encode_begin(&enc, &f.buf, WSM__MSG_GAP, ID, 0, (wsm_slice){NULL, 0});
    wsm__encode_str(&enc, "context_id", wsm__slice_str("main"));
    wsm__encode_num(&enc, "from_offset", 3);
    wsm__encode_num(&enc, "to_offset", 5);
    wsm__encode_str(&enc, "reason", wsm__slice_str("trimmed"));
    wsm__encode_end(&enc);
    assert_text(&f, "{\"type\":\"gap\",\"message_id\":\"" ID "\",\"timestamp\":\"1970-01-01T00:00:00.000Z\","
                    "\"context_id\":\"main\",\"from_offset\":3,\"to_offset\":5,\"reason\":\"trimmed\"}");
    end(&f);
}

static void test_a_clients_fields_are_passed_on(void **state) {
    static const wsm__scan_limits limits = {.depth_max = 8, .values_max = 64, .key_bytes_max = 128};
    fixture f;
    wsm__json_out out;
    wsm__message message;
    wsm__decode_error error;
    (void)state;
    begin(&f, 0);
    wsm_slice text =
        wsm__slice_str("{\"type\":\"spawn_sidebar\",\"dry_run\":true,\"task\":\"\\u0041\",\"context_id\":\"c\","
                       "\"participants\":[ \"bob\" ],\"inherit_context\":false,\"unknown\":1}");
    assert_int_equal(wsm__decode(text, &limits, &message, &error), 0);
    wsm__json_open(&out, &f.buf);
    wsm__encode_relay(&out, &message, wsm__slice_str("ada"));
    wsm__json_close(&out);
    assert_text(&f, "{\"participants\":[ \"bob\" ],\"task_description\":\"\\u0041\",\"inherit\":{\"mode\":\"none\"},"
                    "\"requested_by\":\"ada\"}");
    end(&f);
}

static void test_lack_of_memory_shows_in_the_buffer(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        fixture f;
        begin(&f, n);
        encode_ack(&f.buf);
        bool failed = test_mem_has_failed(&f.test);
        assert_int_equal(f.buf.err, failed ? WSM_ERR_NOMEM : 0);
        end(&f);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_escaped),
        cmocka_unit_test(test_what_is_written_reads_back),
        cmocka_unit_test(test_members_get_their_commas),
        cmocka_unit_test(test_a_message_carries_its_envelope_and_fields),
        cmocka_unit_test(test_the_late_envelope_may_be_written_as_well),
        cmocka_unit_test(test_a_clients_fields_are_passed_on),
        cmocka_unit_test(test_lack_of_memory_shows_in_the_buffer),
    };
    return cmocka_run_group_tests_name("proto/encode", tests, NULL, NULL);
}
