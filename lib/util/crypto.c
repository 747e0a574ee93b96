/* The adapter to mbedTLS. CMAC (RFC 4493) is built here on its AES block, because mbedTLS's own is an option that
 * builds leave out, and because the key is then scheduled once for many messages and nothing is allocated for any of
 * them. */
#include "util/crypto.h"

#include <mbedtls/aes.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <stdint.h>
#include <string.h>

#include "wsm/error.h"

#if MBEDTLS_VERSION_NUMBER < 0x03000000 /* 3.0 gave the plain names to the functions that return an error */
#define mbedtls_sha1          mbedtls_sha1_ret
#define mbedtls_sha256        mbedtls_sha256_ret
#define mbedtls_sha256_starts mbedtls_sha256_starts_ret
#define mbedtls_sha256_update mbedtls_sha256_update_ret
#define mbedtls_sha256_finish mbedtls_sha256_finish_ret
#endif

#define BLOCK_LEN 64 /* of SHA-256 */

typedef struct keyed {
    mbedtls_sha256_context inner, outer; /* after their first block, the padded key */
} keyed;

#define AES_LEN 16

struct wsm__digest {
    wsm__mem *mem;
    mbedtls_aes_context aes;
    unsigned char whole[AES_LEN],
        cut[AES_LEN]; /* K1 and K2 of RFC 4493, section 2.3: for a last block that is full, or not */
};

int wsm__sha1(const void *bytes, size_t len, unsigned char out[WSM__SHA1_LEN]) {
    return mbedtls_sha1(bytes, len, out) ? WSM_ERR_INTERNAL : 0;
}

int wsm__sha256(const void *bytes, size_t len, unsigned char out[WSM__SHA256_LEN]) {
    return mbedtls_sha256(bytes, len, out, 0) ? WSM_ERR_INTERNAL : 0;
}

static int feed_pad(mbedtls_sha256_context *sha, const unsigned char block[BLOCK_LEN], unsigned char with) {
    unsigned char pad[BLOCK_LEN];
    for (size_t i = 0; i < BLOCK_LEN; i++) pad[i] = block[i] ^ with;
    mbedtls_sha256_init(sha);
    int err = mbedtls_sha256_starts(sha, 0) || mbedtls_sha256_update(sha, pad, sizeof pad);
    wsm__wipe(pad, sizeof pad);
    return err ? WSM_ERR_INTERNAL : 0;
}

static int keyed_init(keyed *key, const void *secret, size_t len) {
    unsigned char block[BLOCK_LEN] = {0};
    int err = 0;
    if (len > sizeof block)
        err = wsm__sha256(secret, len, block);
    else if (len)
        memcpy(block, secret, len);
    int inner_err = feed_pad(&key->inner, block, 0x36), outer_err = feed_pad(&key->outer, block, 0x5c);
    wsm__wipe(block, sizeof block);
    return err ? err : inner_err ? inner_err : outer_err;
}

static void keyed_fini(keyed *key) {
    mbedtls_sha256_free(&key->inner); /* wipes */
    mbedtls_sha256_free(&key->outer);
}

static int finish_from(const mbedtls_sha256_context *start, const void *bytes, size_t len,
                       unsigned char out[WSM__SHA256_LEN]) {
    mbedtls_sha256_context sha;
    mbedtls_sha256_init(&sha);
    mbedtls_sha256_clone(&sha, start);
    int err = mbedtls_sha256_update(&sha, bytes, len) || mbedtls_sha256_finish(&sha, out);
    mbedtls_sha256_free(&sha);
    return err ? WSM_ERR_INTERNAL : 0;
}

static int keyed_hmac(const keyed *key, const void *bytes, size_t len, unsigned char out[WSM__SHA256_LEN]) {
    unsigned char inner[WSM__SHA256_LEN];
    int err = finish_from(&key->inner, bytes, len, inner);
    if (!err) err = finish_from(&key->outer, inner, sizeof inner, out);
    wsm__wipe(inner, sizeof inner);
    return err;
}

int wsm__hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                     unsigned char out[WSM__SHA256_LEN]) {
    keyed once;
    int err = keyed_init(&once, key, key_len);
    if (!err) err = keyed_hmac(&once, bytes, len, out);
    keyed_fini(&once);
    return err;
}

/* ---- CMAC ---- */

static int aes_block(const wsm__digest *digest, const unsigned char in[AES_LEN], unsigned char out[AES_LEN]) {
    mbedtls_aes_context *aes =
        (mbedtls_aes_context *)(uintptr_t)&digest->aes; /* not const in 2.28; encrypting only reads */
    return mbedtls_aes_crypt_ecb(aes, MBEDTLS_AES_ENCRYPT, in, out) ? WSM_ERR_INTERNAL : 0;
}

/* Times x in GF(2^128), the constant of section 2.3. */
static void times_x(unsigned char out[AES_LEN], const unsigned char in[AES_LEN]) {
    unsigned char carry = 0;
    for (size_t i = AES_LEN; i-- > 0;) {
        unsigned char top = (unsigned char)(in[i] >> 7);
        out[i] = (unsigned char)((in[i] << 1) | carry);
        carry = top;
    }
    out[AES_LEN - 1] ^= (unsigned char)(carry * 0x87);
}

static void mix(unsigned char to[AES_LEN], const unsigned char from[AES_LEN]) {
    uint64_t a[2], b[2]; /* by words: this stands between every two blocks */
    /* NOLINT(gcc-analyzer): all of `to` is set; gcc 12 forgets it in aes_block(chain, chain) */
    memcpy(a, to, sizeof a);
    memcpy(b, from, sizeof b);
    a[0] ^= b[0];
    a[1] ^= b[1];
    memcpy(to, a, sizeof a);
}

int wsm__digest_new(wsm__digest **digest, wsm__mem *mem, const unsigned char key[WSM__DIGEST_KEY_LEN]) {
    unsigned char zero[AES_LEN] = {0}, start[AES_LEN];
    *digest = NULL;
    wsm__digest *made = wsm__alloc(mem, sizeof *made);
    if (!made) return WSM_ERR_NOMEM;
    made->mem = mem;
    mbedtls_aes_init(&made->aes);
    int err = mbedtls_aes_setkey_enc(&made->aes, key, WSM__DIGEST_KEY_LEN * 8) ? WSM_ERR_INTERNAL : 0;
    if (!err) err = aes_block(made, zero, start);
    if (err) {
        wsm__digest_free(made);
        return err;
    }
    times_x(made->whole, start);
    times_x(made->cut, made->whole);
    wsm__wipe(start, sizeof start);
    *digest = made;
    return 0;
}

int wsm__digest_of(const wsm__digest *digest, const void *bytes, size_t len, unsigned char out[WSM__DIGEST_LEN]) {
    unsigned char chain[AES_LEN] = {0}, last[AES_LEN] = {0};
    const unsigned char *at = bytes;
    for (; len > AES_LEN; at += AES_LEN, len -= AES_LEN) {
        mix(chain, at);
        if (aes_block(digest, chain, chain)) return WSM_ERR_INTERNAL;
    }
    if (len) memcpy(last, at, len);
    if (len < AES_LEN) last[len] = 0x80;
    mix(last, len == AES_LEN ? digest->whole : digest->cut);
    mix(chain, last);
    return aes_block(digest, chain, out);
}

void wsm__digest_free(wsm__digest *digest) {
    if (!digest) return;
    wsm__mem *mem = digest->mem;
    mbedtls_aes_free(&digest->aes); /* wipes */
    wsm__wipe(digest, sizeof *digest);
    wsm__free(mem, digest, sizeof *digest);
}

bool wsm__ct_eq(const void *a, const void *b, size_t len) {
    const volatile unsigned char *left = a, *right = b;
    unsigned char differ = 0;
    for (size_t i = 0; i < len; i++) differ = (unsigned char)(differ | (left[i] ^ right[i]));
    return differ == 0;
}

void wsm__wipe(void *bytes, size_t len) {
    mbedtls_platform_zeroize(bytes, len);
}
