/* The check of UTF-8, against a decoder that works by code points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "util/utf8.h"

/* Length of the well-formed character at `at`, 0 if there is none: RFC 3629 by its numbers rather than by its bytes. */
static size_t reference_char(const unsigned char *at, size_t len) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (at[0] < 0x80) return 1;
    size_t need = at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    if (need == 0 || need > len) return 0;
    uint32_t code = at[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if (at[i] >> 6 != 2) return 0;
        code = code << 6 | (at[i] & 63u);
    }
    if (code < least[need] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
    return need;
}

static bool reference(const unsigned char *bytes, size_t len) {
    for (size_t at = 0, step; at < len; at += step)
        if ((step = reference_char(bytes + at, len - at)) == 0) return false;
    return true;
}

static bool is_valid_in_pieces(const unsigned char *bytes, size_t len) {
    wsm__utf8 utf8;
    wsm__utf8_init(&utf8);
    for (size_t i = 0; i < len; i++)
        if (!wsm__utf8_feed(&utf8, bytes + i, 1)) return false;
    return wsm__utf8_is_whole(&utf8);
}

static void assert_agrees(const unsigned char *bytes, size_t len) {
    bool expected = reference(bytes, len);
    if (wsm__utf8_is_valid(bytes, len) != expected || is_valid_in_pieces(bytes, len) != expected)
        fail_msg("%02x %02x %02x %02x", bytes[0], bytes[1], bytes[2], bytes[3]);
}

static void every_sequence_of_three_bytes_is_judged_rightly(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 1u << 24; bits++) {
        unsigned char bytes[4] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8), (unsigned char)bits, 0};
        if (wsm__utf8_is_valid(bytes, 3) != reference(bytes, 3)) assert_agrees(bytes, 3);
    }
}

static void sequences_of_four_bytes_are_judged_rightly_at_the_edges(void **state) {
    (void)state;
    static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
                                          0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
    size_t n = sizeof edges;
    for (size_t i = 0; i < n * n * n * n; i++) {
        unsigned char bytes[4] = {edges[i % n], edges[i / n % n], edges[i / n / n % n], edges[i / n / n / n]};
        assert_agrees(bytes, 4);
    }
}

static void a_bad_byte_is_found_wherever_it_stands_in_long_ascii(void **state) {
    (void)state;
    unsigned char text[80];
    for (size_t len = 1; len <= sizeof text; len++) {
        for (size_t at = 0; at < len; at++) {
            memset(text, 'a', sizeof text);
            text[at] = 0xff;
            assert_false(wsm__utf8_is_valid(text, len));
            assert_true(wsm__utf8_is_valid(text, at));
        }
    }
}

static void a_character_may_be_cut_anywhere_but_must_end(void **state) {
    (void)state;
    const char *text = "h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80 and a tail of plain letters";
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        wsm__utf8 utf8;
        wsm__utf8_init(&utf8);
        assert_true(wsm__utf8_feed(&utf8, text, cut));
        bool inside = ((unsigned char)text[cut] & 0xC0) == 0x80;
        assert_int_equal(wsm__utf8_is_whole(&utf8), !inside);
        assert_true(wsm__utf8_feed(&utf8, text + cut, strlen(text) - cut));
        assert_true(wsm__utf8_is_whole(&utf8));
    }
    assert_true(wsm__utf8_is_valid(NULL, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_of_three_bytes_is_judged_rightly),
        cmocka_unit_test(sequences_of_four_bytes_are_judged_rightly_at_the_edges),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands_in_long_ascii),
        cmocka_unit_test(a_character_may_be_cut_anywhere_but_must_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
