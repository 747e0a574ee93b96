/* The simulator's own frame codec: frames out as RFC 6455 draws them, frames in at every cut, and each rule broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/codec.h"

#define B(...)                                                                                                         \
    (const unsigned char[]){__VA_ARGS__}, sizeof(const unsigned char[]) {                                              \
        __VA_ARGS__                                                                                                    \
    }

static void assert_out(wsm__sim_bytes *out, const unsigned char *expected, size_t len) {
    assert_false(out->failed);
    assert_int_equal(out->len, len);
    assert_memory_equal(out->at, expected, len);
    wsm__sim_bytes_clear(out);
}

static void client_frames_are_those_of_the_rfc(void **state) {
    (void)state;
    wsm__sim_bytes out = {0};

    /* Section 5.7: a masked "Hello". */
    wsm__sim_message_write(&out, WSM__SIM_TEXT, "Hello", 5, 0x37fa213d, 0);
    assert_out(&out, B(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58));

    wsm__sim_message_write(&out, WSM__SIM_TEXT, "Hello", 5, 0, 3);
    assert_int_equal(out.at[0], 0x01);
    assert_int_equal(out.at[9], 0x80);
    assert_int_equal(out.at[10], 0x82);
    assert_int_equal(out.len, 9 + 8);
    wsm__sim_bytes_clear(&out);

    wsm__sim_message_write(&out, WSM__SIM_TEXT, NULL, 0, 0, 0);
    assert_out(&out, B(0x81, 0x80, 0, 0, 0, 0));

    wsm__sim_close_write(&out, 0, 1000, "ok");
    assert_out(&out, B(0x88, 0x84, 0, 0, 0, 0, 0x03, 0xe8, 'o', 'k'));
    wsm__sim_close_write(&out, 0, 0, NULL);
    assert_out(&out, B(0x88, 0x80, 0, 0, 0, 0));
    wsm__sim_bytes_fini(&out);
}

static void wrong_frames_are_wrong_as_asked(void **state) {
    (void)state;
    wsm__sim_bytes out = {0};
    wsm__sim_frame_write(
        &out,
        &(wsm__sim_frame){
            .opcode = WSM__SIM_PING, .more = true, .rsv = 5, .unmasked = true, .mask = 9, .payload = "x", .len = 1});
    assert_out(&out, B(0x59, 0x01, 'x'));
    wsm__sim_frame_write(&out, &(wsm__sim_frame){.opcode = WSM__SIM_TEXT, .len_bytes = 2, .payload = "x", .len = 1});
    assert_out(&out, B(0x81, 0xfe, 0, 1, 0, 0, 0, 0, 'x'));
    wsm__sim_frame_write(&out, &(wsm__sim_frame){.opcode = WSM__SIM_TEXT, .len_bytes = 8, .payload = "x", .len = 1});
    assert_out(&out, B(0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 'x'));
    wsm__sim_frame_write(&out, &(wsm__sim_frame){.opcode = WSM__SIM_TEXT, .lies = true, .declared = UINT64_MAX});
    assert_out(&out, B(0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0));
    wsm__sim_bytes_fini(&out);
}

/* A server's frame of any length, unmasked. */
static void serve(wsm__sim_bytes *out, unsigned opcode, bool more, const void *payload, size_t len) {
    wsm__sim_frame_write(
        out, &(wsm__sim_frame){.opcode = opcode, .more = more, .unmasked = true, .payload = payload, .len = len});
}

/* Read all, cut at `a` and `b`, from exact blocks; write what was seen as a line of text. */
static void transcript(const wsm__sim_bytes *in, size_t a, size_t b, char *line, size_t cap) {
    wsm__sim_reader reader;
    wsm__sim_reader_init(&reader, 1 << 20);
    size_t cuts[] = {0, a, b, in->len};
    size_t used = 0;
    for (int part = 0; part < 3; part++) {
        size_t len = cuts[part + 1] - cuts[part];
        unsigned char *exact = malloc(len ? len : 1);
        if (len) memcpy(exact, in->at + cuts[part], len);
        for (size_t at = 0;;) {
            wsm__sim_event event;
            at += wsm__sim_reader_feed(&reader, exact + at, len - at, &event);
            if (event.seen == WSM__SIM_SEEN_NONE) {
                assert_int_equal(at, len);
                break;
            }
            used +=
                (size_t)snprintf(line + used, cap - used, "%d/%u/%u:%.*s;", (int)event.seen, event.code, event.frames,
                                 event.len > 20 ? 20 : (int)event.len, event.len ? (const char *)event.bytes : "");
            if (event.seen == WSM__SIM_SEEN_BROKEN) break;
        }
        free(exact);
    }
    wsm__sim_reader_fini(&reader);
}

static void what_is_read_does_not_depend_on_the_cuts(void **state) {
    (void)state;
    wsm__sim_bytes in = {0};
    static const char big[300] = "big";
    serve(&in, WSM__SIM_TEXT, false, "one", 3);
    serve(&in, WSM__SIM_TEXT, true, "tw\xC3", 3);
    serve(&in, WSM__SIM_PING, false, "p", 1);
    serve(&in, WSM__SIM_CONTINUATION, true, NULL, 0);
    serve(&in, WSM__SIM_CONTINUATION, false, "\xA4", 1);
    serve(&in, WSM__SIM_BINARY, false, big, sizeof big);
    serve(&in, WSM__SIM_PONG, false, NULL, 0);
    serve(&in, WSM__SIM_TEXT, false, NULL, 0);
    serve(&in, WSM__SIM_CLOSE, false, "\x0f\xa8slow", 6);

    char whole[512], cut[512];
    transcript(&in, 0, 0, whole, sizeof whole);
    assert_string_equal(whole, "1/0/1:one;2/0/0:p;1/0/3:tw\xC3\xA4;1/0/1:big;3/0/0:;1/0/1:;4/4008/0:slow;");
    for (size_t a = 0; a <= in.len; a++) {
        for (size_t b = a; b <= in.len; b += b > 40 && b < 320 ? 8 : 1) {
            transcript(&in, a, b, cut, sizeof cut);
            assert_string_equal(cut, whole);
        }
    }
    wsm__sim_bytes_fini(&in);
}

static void large_messages_are_read(void **state) {
    (void)state;
    static unsigned char big[70000];
    memset(big, 'x', sizeof big);
    wsm__sim_bytes in = {0};
    serve(&in, WSM__SIM_TEXT, false, big, sizeof big);
    wsm__sim_reader reader;
    wsm__sim_event event;
    wsm__sim_reader_init(&reader, sizeof big);
    assert_int_equal(wsm__sim_reader_feed(&reader, in.at, in.len, &event), in.len);
    assert_int_equal(event.seen, WSM__SIM_SEEN_MESSAGE);
    assert_int_equal(event.len, sizeof big);
    assert_int_equal(event.opcode, WSM__SIM_TEXT);
    wsm__sim_reader_fini(&reader);

    wsm__sim_reader_init(&reader, sizeof big - 1);
    wsm__sim_reader_feed(&reader, in.at, 10, &event);
    assert_int_equal(event.seen, WSM__SIM_SEEN_BROKEN);
    wsm__sim_reader_fini(&reader);
    wsm__sim_bytes_fini(&in);
}

static void each_broken_rule_is_seen(void **state) {
    (void)state;
    static const struct {
        const char *why;
        size_t len;
        unsigned char bytes[12];
    } cases[] = {
        {"a reserved bit is set", 2, {0xC1, 0}},
        {"a reserved bit is set", 2, {0xA1, 0}},
        {"a reserved bit is set", 2, {0x91, 0}},
        {"a server's frame is masked", 2, {0x81, 0x80}},
        {"unknown opcode", 2, {0x83, 0}},
        {"unknown opcode", 2, {0x8B, 0}},
        {"a control frame is fragmented", 2, {0x09, 0}},
        {"a control frame is longer than 125 bytes", 2, {0x89, 126}},
        {"a continuation of nothing", 2, {0x80, 0}},
        {"a message begins inside another", 4, {0x01, 0, 0x81, 0}},
        {"a continuation of nothing", 6, {0x01, 0, 0x80, 0, 0x80, 0}},
        {"a length is not in its shortest form", 4, {0x81, 126, 0, 125}},
        {"a length is not in its shortest form", 10, {0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}},
        {"a length has its highest bit set", 10, {0x81, 127, 0x80}},
        {"a message is too long", 10, {0x81, 127, 0x7F}},
        {"a close frame with half a code", 3, {0x88, 1, 3}},
        {"a close code that may not be sent", 4, {0x88, 2, 0x03, 0xED}},
        {"a close code that may not be sent", 4, {0x88, 2, 0x03, 0xE7}},
        {"a close code that may not be sent", 4, {0x88, 2, 0x0B, 0xB7}},
        {"a close code that may not be sent", 4, {0x88, 2, 0x13, 0x88}},
        {"a close reason is not UTF-8", 5, {0x88, 3, 0x03, 0xE8, 0xFF}},
        {"a text is not UTF-8", 3, {0x81, 1, 0xC3}},
        {"a text is not UTF-8", 6, {0x01, 1, 0xC3, 0x80, 1, 'x'}},
        {"a frame after the close frame", 4, {0x88, 0, 0x89, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wsm__sim_reader reader;
        wsm__sim_event event;
        wsm__sim_reader_init(&reader, 1000);
        size_t at = 0;
        do {
            at += wsm__sim_reader_feed(&reader, cases[i].bytes + at, cases[i].len - at, &event);
        } while (event.seen != WSM__SIM_SEEN_NONE && event.seen != WSM__SIM_SEEN_BROKEN);
        assert_int_equal(event.seen, WSM__SIM_SEEN_BROKEN);
        assert_string_equal(event.why, cases[i].why);
        wsm__sim_reader_feed(&reader, "\x81\x00", 2, &event);
        assert_int_equal(event.seen, WSM__SIM_SEEN_BROKEN);
        wsm__sim_reader_fini(&reader);
    }
}

static void utf8_is_that_of_the_rfc(void **state) {
    (void)state;
    /* Every code point, encoded in every length: only the shortest form of what is no surrogate is UTF-8. */
    for (uint32_t rune = 0; rune < 0x120000; rune += rune < 0x11000 ? 1 : 251) {
        for (size_t len = 1; len <= 4; len++) {
            static const uint32_t ends[] = {0, 0x80, 0x800, 0x10000, 0x200000};
            static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
            if (rune >= ends[len]) continue;
            unsigned char bytes[4];
            for (size_t i = len; i-- > 1;) bytes[i] = (unsigned char)(0x80 | (rune >> (6 * (len - 1 - i)) & 0x3F));
            bytes[0] = (unsigned char)(leads[len] | rune >> (6 * (len - 1)));
            bool good = rune >= ends[len - 1] && rune <= 0x10FFFF && (rune < 0xD800 || rune > 0xDFFF);
            assert_true(wsm__sim_utf8(bytes, len) == (good || (len == 1 && rune < 0x80)));
            if (len > 1) assert_false(wsm__sim_utf8(bytes, len - 1));
        }
    }
    assert_true(wsm__sim_utf8(NULL, 0));
    assert_false(wsm__sim_utf8((const unsigned char *)"abcdefghijk\x80", 12));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_frames_are_those_of_the_rfc),
        cmocka_unit_test(wrong_frames_are_wrong_as_asked),
        cmocka_unit_test(what_is_read_does_not_depend_on_the_cuts),
        cmocka_unit_test(large_messages_are_read),
        cmocka_unit_test(each_broken_rule_is_seen),
        cmocka_unit_test(utf8_is_that_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
