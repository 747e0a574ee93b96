/* UUIDs: their form, their order, and strict reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "util/uuid.h"

static const unsigned char seed[32] = {1, 2, 3, 4};

static bool parse(const char *text, size_t len, unsigned char out[16]) {
    char *exact = malloc(len ? len : 1);
    if (len) memcpy(exact, text, len);
    bool ok = wsm__uuid_parse(exact, len, out);
    free(exact);
    return ok;
}

static uint64_t time_of(const char id[WSM__UUID_LEN]) {
    unsigned char bytes[16];
    uint64_t ms = 0;
    assert_true(parse(id, WSM__UUID_LEN, bytes));
    for (int i = 0; i < 6; i++) ms = ms << 8 | bytes[i];
    return ms;
}

static void a_version_7_id_has_time_version_and_variant_in_place(void **state) {
    (void)state;
    wsm__uuid_gen gen;
    char id[WSM__UUID_LEN];
    wsm__uuid_seed(&gen, seed);
    wsm__uuid_v7(&gen, 0x017F22E279B0, id); /* the time of RFC 9562, appendix A.6 */
    assert_memory_equal(id, "017f22e2-79b0-7", 15);
    assert_non_null(memchr("89ab", id[19], 4));
    assert_int_equal(time_of(id), 0x017F22E279B0);
}

static void ids_rise_even_when_the_clock_stands_or_goes_back(void **state) {
    (void)state;
    wsm__uuid_gen gen;
    char last[WSM__UUID_LEN], id[WSM__UUID_LEN];
    wsm__uuid_seed(&gen, seed);
    wsm__uuid_v7(&gen, 1000, last);
    for (int i = 0; i < 20000; i++) { /* more than the counter holds: the time steps ahead */
        wsm__uuid_v7(&gen, i % 3 ? 1000 : 500, id);
        assert_true(memcmp(last, id, WSM__UUID_LEN) < 0);
        memcpy(last, id, WSM__UUID_LEN);
    }
    assert_in_range(time_of(last), 1004, 1010);
    wsm__uuid_v7(&gen, 2000, id);
    assert_int_equal(time_of(id), 2000);
}

static void times_beyond_48_bits_are_clamped(void **state) {
    (void)state;
    wsm__uuid_gen gen;
    char id[WSM__UUID_LEN];
    wsm__uuid_seed(&gen, seed);
    wsm__uuid_v7(&gen, -5, id);
    assert_int_equal(time_of(id), 0);
    wsm__uuid_v7(&gen, INT64_MAX, id);
    assert_int_equal(time_of(id), 0xFFFFFFFFFFFF);
}

static void the_generator_is_xoshiro256_starstar(void **state) {
    (void)state;
    wsm__uuid_gen gen;
    unsigned char words[32] = {[0] = 1, [8] = 2, [16] = 3, [24] = 4};
    wsm__uuid_seed(&gen, words);
    assert_true(wsm__uuid_random(&gen) == 11520);
    assert_true(wsm__uuid_random(&gen) == 0);
    assert_true(wsm__uuid_random(&gen) == 1509978240);
    assert_true(wsm__uuid_random(&gen) == 1215971899390074240);
}

static void a_seed_of_zeroes_still_yields_different_numbers(void **state) {
    (void)state;
    wsm__uuid_gen gen;
    const unsigned char zeroes[32] = {0};
    uint64_t sum = 0;
    wsm__uuid_seed(&gen, zeroes);
    for (int i = 0; i < 10; i++) sum |= wsm__uuid_random(&gen);
    assert_true(sum != 0);
}

static void uuids_are_read_strictly(void **state) {
    (void)state;
    static const unsigned char expected[16] = {0x01, 0x7F, 0x22, 0xE2, 0x79, 0xB0, 0x7C, 0xC3,
                                               0x98, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
    const char *text = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"; /* RFC 9562, appendix A.6 */
    unsigned char out[16];
    assert_true(parse(text, 36, out));
    assert_memory_equal(out, expected, 16);
    assert_true(parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", 36, out));
    assert_memory_equal(out, expected, 16);
    for (size_t i = 0; i < 36; i++) {
        char bad[36];
        memcpy(bad, text, 36);
        bad[i] = text[i] == '-' ? '0' : 'g';
        assert_false(parse(bad, 36, out));
    }
    assert_false(parse(text, 35, out));
    assert_false(parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F0", 37, out));
    assert_false(parse("", 0, out));
    assert_memory_equal(out, expected, 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_7_id_has_time_version_and_variant_in_place),
        cmocka_unit_test(ids_rise_even_when_the_clock_stands_or_goes_back),
        cmocka_unit_test(times_beyond_48_bits_are_clamped),
        cmocka_unit_test(the_generator_is_xoshiro256_starstar),
        cmocka_unit_test(a_seed_of_zeroes_still_yields_different_numbers),
        cmocka_unit_test(uuids_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
