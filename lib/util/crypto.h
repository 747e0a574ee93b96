/* Cryptography through mbedTLS (2.28 and 3.x), and the comparisons and wiping that secrets need. The only user of its
 * headers in the core. */
#ifndef WSM_LIB_UTIL_CRYPTO_H
#define WSM_LIB_UTIL_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

#define WSM__SHA1_LEN   20
#define WSM__SHA256_LEN 32

/* Each returns 0 or WSM_ERR_INTERNAL / WSM_ERR_NOMEM. */
int wsm__sha1(const void *bytes, size_t len, unsigned char out[WSM__SHA1_LEN]); /* RFC 6455's handshake only */
int wsm__sha256(const void *bytes, size_t len, unsigned char out[WSM__SHA256_LEN]);
int wsm__hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                     unsigned char out[WSM__SHA256_LEN]);

/* A keyed digest of messages (I-31) whose key schedule is done once: AES-128-CMAC (RFC 4493). It tells a repeat from
 * other content and gives nothing away without the key; with the AES instructions of today's processors it costs a
 * third of what HMAC-SHA-256 does. Whoever may learn the key can make collisions, as with any MAC. */
typedef struct wsm__digest wsm__digest;
#define WSM__DIGEST_LEN     16
#define WSM__DIGEST_KEY_LEN 16
int wsm__digest_new(wsm__digest **digest, wsm__mem *mem, const unsigned char key[WSM__DIGEST_KEY_LEN]);
int wsm__digest_of(const wsm__digest *digest, const void *bytes, size_t len, unsigned char out[WSM__DIGEST_LEN]);
void wsm__digest_free(wsm__digest *digest);

bool wsm__ct_eq(const void *a, const void *b, size_t len); /* in constant time */
void wsm__wipe(void *bytes, size_t len);                   /* not optimised away */

#endif
