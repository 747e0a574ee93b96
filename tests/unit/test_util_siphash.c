/* SipHash-2-4: the vectors of its authors (key 00..0f, message 00, 01, 02 ... of each length). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/siphash.h"

static void the_reference_vectors_hold(void **state) {
    (void)state;
    static const uint64_t expected[16] = {
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
        0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
        0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
        0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5};
    unsigned char key[16], message[16];
    for (size_t i = 0; i < 16; i++) key[i] = message[i] = (unsigned char)i;
    for (size_t len = 0; len < 16; len++) assert_true(wsm__siphash(key, message, len) == expected[len]);
}

static void the_key_changes_the_hash(void **state) {
    (void)state;
    const unsigned char a[16] = {1}, b[16] = {2};
    assert_true(wsm__siphash(a, "name", 4) != wsm__siphash(b, "name", 4));
    assert_true(wsm__siphash(a, NULL, 0) != wsm__siphash(a, "\0", 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_vectors_hold),
        cmocka_unit_test(the_key_changes_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
