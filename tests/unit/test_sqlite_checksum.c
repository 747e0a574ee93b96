/* CRC-64/XZ against its published check value, and every way to cut the input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sqlite/checksum.h"

static void check_value_is_that_of_the_catalogue(void **state) {
    (void)state;
    wsm__crc64 crc;
    wsm__crc64_init(&crc);
    assert_true(wsm__crc64_update(&crc, 0, "123456789", 9) == 0x995DC9BBDF1939FAu);
    assert_true(wsm__crc64_update(&crc, 0, "", 0) == 0);
}

static void sum_does_not_depend_on_where_the_input_is_cut(void **state) {
    (void)state;
    wsm__crc64 crc;
    wsm__crc64_init(&crc);
    unsigned char bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 37);
    uint64_t whole = wsm__crc64_update(&crc, 0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        uint64_t sum = wsm__crc64_update(&crc, 0, bytes, cut);
        assert_true(wsm__crc64_update(&crc, sum, bytes + cut, sizeof bytes - cut) == whole);
    }
}

static void every_flipped_bit_is_seen(void **state) {
    (void)state;
    wsm__crc64 crc;
    wsm__crc64_init(&crc);
    unsigned char bytes[64];
    memset(bytes, 'x', sizeof bytes);
    uint64_t whole = wsm__crc64_update(&crc, 0, bytes, sizeof bytes);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
        assert_true(wsm__crc64_update(&crc, 0, bytes, sizeof bytes) != whole);
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_value_is_that_of_the_catalogue),
        cmocka_unit_test(sum_does_not_depend_on_where_the_input_is_cut),
        cmocka_unit_test(every_flipped_bit_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
