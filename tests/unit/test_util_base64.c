/* Base64: the vectors of RFC 4648, and that nothing has two texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "util/base64.h"

static const struct {
    const char *plain, *text;
} vectors[] = {/* RFC 4648, section 10 */
               {"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};
#define VECTORS (sizeof vectors / sizeof *vectors)

/* From a block of exactly this size, so that the sanitizer sees a byte too many. */
static long decode(unsigned char *out, const char *text, size_t len, int url) {
    char *exact = malloc(len ? len : 1);
    if (len) memcpy(exact, text, len);
    long got = url ? wsm__base64url_decode(out, exact, len) : wsm__base64_decode(out, exact, len);
    free(exact);
    return got;
}

static void the_vectors_of_the_rfc_hold(void **state) {
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        char text[16];
        unsigned char plain[16];
        size_t len = strlen(vectors[i].plain), text_len = strlen(vectors[i].text);
        assert_int_equal(wsm__base64_encode(text, vectors[i].plain, len), text_len);
        assert_memory_equal(text, vectors[i].text, text_len);
        assert_int_equal(decode(plain, text, text_len, 0), len);
        assert_memory_equal(plain, vectors[i].plain, len);
        while (text_len && text[text_len - 1] == '=') text_len--;
        assert_int_equal(wsm__base64url_encode(text, vectors[i].plain, len), text_len);
        assert_int_equal(decode(plain, text, text_len, 1), len);
        assert_memory_equal(plain, vectors[i].plain, len);
    }
}

static void the_alphabets_differ_in_their_last_two_digits(void **state) {
    (void)state;
    const unsigned char bytes[] = {0xfb, 0xff};
    char text[8];
    unsigned char out[8];
    assert_int_equal(wsm__base64_encode(text, bytes, 2), 4);
    assert_memory_equal(text, "+/8=", 4);
    assert_int_equal(wsm__base64url_encode(text, bytes, 2), 3);
    assert_memory_equal(text, "-_8", 3);
    assert_int_equal(decode(out, "-_8=", 4, 0), -1);
    assert_int_equal(decode(out, "+/8", 3, 1), -1);
}

static void only_the_canonical_text_is_taken(void **state) {
    (void)state;
    unsigned char out[64];
    const char *const bad[] = {"Z",    "Zg",       "Zg=",   "Zg===",  "Zh==",    "Zm9=", "Z===", "====",
                               "=Zg=", "Zg==Zg==", "Zm 8=", "Zm9v\n", "Zm8\xff", "Z=g=", "Zg=a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(decode(out, bad[i], strlen(bad[i]), 0), -1);
    const char *const bad_url[] = {"Z", "Zg==", "Zh", "Zm9", "Zm9vY", "Zm9v=", "Zm.v"};
    for (size_t i = 0; i < sizeof bad_url / sizeof *bad_url; i++)
        assert_int_equal(decode(out, bad_url[i], strlen(bad_url[i]), 1), -1);
}

static void every_text_that_is_taken_is_written_again(void **state) {
    (void)state;
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            const char text[2] = {(char)first, (char)second};
            unsigned char out[4];
            char again[4];
            long len = wsm__base64url_decode(out, text, 2);
            if (len < 0) continue;
            assert_int_equal(len, 1);
            assert_int_equal(wsm__base64url_encode(again, out, 1), 2);
            assert_memory_equal(again, text, 2);
        }
    }
}

static void all_lengths_and_bytes_survive_the_round_trip(void **state) {
    (void)state;
    unsigned char bytes[256], out[260];
    char text[WSM__BASE64_LEN(256)];
    for (int i = 0; i < 256; i++) bytes[i] = (unsigned char)(i * 167);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        assert_int_equal(decode(out, text, wsm__base64_encode(text, bytes, len), 0), len);
        assert_memory_equal(out, bytes, len);
        assert_int_equal(decode(out, text, wsm__base64url_encode(text, bytes, len), 1), len);
        assert_memory_equal(out, bytes, len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_hold),
        cmocka_unit_test(the_alphabets_differ_in_their_last_two_digits),
        cmocka_unit_test(only_the_canonical_text_is_taken),
        cmocka_unit_test(every_text_that_is_taken_is_written_again),
        cmocka_unit_test(all_lengths_and_bytes_survive_the_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
