/* The keys a token may be signed with. Secrets are wiped when they go. */
#ifndef WSM_LIB_AUTH_KEYRING_H
#define WSM_LIB_AUTH_KEYRING_H

#include "mem.h"
#include "util/slice.h"
#include "wsm/token.h"

#define WSM__KEYS_MAX      8
#define WSM__KID_BYTES_MAX 128u

typedef struct wsm__key {
    char *kid; /* NULL: none */
    unsigned char *secret;
    size_t secret_len;
} wsm__key;

typedef struct wsm__keyring {
    wsm__mem *mem;
    wsm__key keys[WSM__KEYS_MAX]; /* in the order of being added */
    size_t count;
} wsm__keyring;

/* A secret of at least 32 bytes, and a kid that is absent or 1-128 bytes of UTF-8. `key` is of the size we know. */
int wsm__key_check(const wsm_key *key);

void wsm__keyring_init(wsm__keyring *ring, wsm__mem *mem);
void wsm__keyring_fini(wsm__keyring *ring);
int wsm__keyring_add(wsm__keyring *ring, const wsm_key *key); /* errors as wsm_hub_key_add, which has no effect then */
int wsm__keyring_remove(wsm__keyring *ring, const char *kid); /* NULL: the one without; WSM_ERR_NOT_FOUND */

/* The key of this kid; an absent one (ptr NULL) finds the first. NULL: there is none. */
const wsm__key *wsm__keyring_get(const wsm__keyring *ring, wsm_slice kid);

#endif
