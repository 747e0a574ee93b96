/* Hashes, MACs, and what secrets need: the vectors of the standards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "mem_fault.h"
#include "util/crypto.h"
#include "util/slice.h"

static int hex_digit(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void assert_hex(const unsigned char *bytes, const char *hex) {
    for (size_t i = 0; hex[2 * i]; i++)
        assert_int_equal(bytes[i], hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
}

static void hashes_match_fips_180(void **state) {
    (void)state;
    unsigned char out[WSM__SHA256_LEN];
    assert_int_equal(wsm__sha1("abc", 3, out), 0);
    assert_hex(out, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_int_equal(wsm__sha256("abc", 3, out), 0);
    assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(wsm__sha256("", 0, out), 0);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void the_websocket_accept_key_is_that_of_rfc_6455(void **state) {
    (void)state;
    const char *text = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* section 1.3 */
    unsigned char out[WSM__SHA1_LEN];
    assert_int_equal(wsm__sha1(text, strlen(text), out), 0);
    assert_hex(out, "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
}

static void hmac_matches_rfc_4231(void **state) {
    (void)state;
    unsigned char key[131], data[50], out[WSM__SHA256_LEN];
    memset(key, 0x0b, 20);
    assert_int_equal(wsm__hmac_sha256(key, 20, "Hi There", 8, out), 0);
    assert_hex(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_int_equal(wsm__hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out), 0);
    assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    assert_int_equal(wsm__hmac_sha256(key, 20, data, 50, out), 0);
    assert_hex(out, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
    assert_int_equal(wsm__hmac_sha256(key, 131, text, strlen(text), out), 0);
    assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    text = "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
           "hashed before being used by the HMAC algorithm.";
    assert_int_equal(wsm__hmac_sha256(key, 131, text, strlen(text), out), 0);
    assert_hex(out, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

/* RFC 4493, section 4. */
static void the_digest_is_the_cmac_of_the_rfc(void **state) {
    (void)state;
    static const char *const tags[] = {"bb1d6929e95937287fa37d129b756746", "070a16b46b4d4144f79bdd9dd04a287c",
                                       "dfa66747de9ae63030ca32611497c827", "51f0bebf7e3b9d92fc49741779363cfe"};
    static const size_t lens[] = {0, 16, 40, 64};
    static const unsigned char key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                        0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const unsigned char message[64] = {
        0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
        0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51,
        0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4, 0x11, 0xe5, 0xfb, 0xc1, 0x19, 0x1a, 0x0a, 0x52, 0xef,
        0xf6, 0x9f, 0x24, 0x45, 0xdf, 0x4f, 0x9b, 0x17, 0xad, 0x2b, 0x41, 0x7b, 0xe6, 0x6c, 0x37, 0x10};
    test_mem host = {0};
    wsm__mem mem;
    wsm__digest *digest;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    assert_int_equal(wsm__digest_new(&digest, &mem, key), 0);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 4; i++) {
            unsigned char out[WSM__DIGEST_LEN];
            char hex[2 * WSM__DIGEST_LEN + 1];
            assert_int_equal(wsm__digest_of(digest, message, lens[i], out), 0);
            for (size_t k = 0; k < sizeof out; k++) snprintf(hex + 2 * k, 3, "%02x", out[k]);
            assert_string_equal(hex, tags[i]);
        }
    }
    wsm__digest_free(digest);
    wsm__digest_free(NULL);
    assert_int_equal(host.live, 0);
}

static void a_digest_without_memory_is_an_error(void **state) {
    (void)state;
    test_mem host = {.fail_at = 1};
    wsm__mem mem;
    wsm__digest *digest = (wsm__digest *)&host;
    const unsigned char key[32] = {0};
    wsm__mem_init(&mem, test_alloc, &host, 0);

    assert_int_equal(wsm__digest_new(&digest, &mem, key), WSM_ERR_NOMEM);
    assert_null(digest);
    assert_int_equal(mem.used, 0);
}

static void comparing_sees_a_difference_at_any_place(void **state) {
    (void)state;
    unsigned char a[32] = {0}, b[32] = {0};
    assert_true(wsm__ct_eq(a, b, sizeof a));
    for (size_t i = 0; i < 256; i++) {
        b[i / 8] ^= (unsigned char)(1u << i % 8);
        assert_false(wsm__ct_eq(a, b, sizeof a));
        b[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    assert_true(wsm__ct_eq(a, "x", 0));
}

static void wiping_leaves_zeroes(void **state) {
    (void)state;
    unsigned char secret[9] = "12345678", zeroes[9] = {0};
    wsm__wipe(secret, 8);
    assert_memory_equal(secret, zeroes, 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_match_fips_180),
        cmocka_unit_test(the_websocket_accept_key_is_that_of_rfc_6455),
        cmocka_unit_test(hmac_matches_rfc_4231),
        cmocka_unit_test(the_digest_is_the_cmac_of_the_rfc),
        cmocka_unit_test(a_digest_without_memory_is_an_error),
        cmocka_unit_test(comparing_sees_a_difference_at_any_place),
        cmocka_unit_test(wiping_leaves_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
