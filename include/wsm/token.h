/* Tokens: JSON Web Tokens with HS256 (RFC 7519, RFC 7515, RFC 8725), and the keys that sign them. */
#ifndef WSM_TOKEN_H
#define WSM_TOKEN_H

#include "error.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Capabilities (claim `can`), one bit each. */
#define WSM_CAN_BROADCAST_EMERGENCY 0x01u
#define WSM_CAN_MENTION_ALL         0x02u
#define WSM_CAN_STATUS              0x04u
#define WSM_CAN_CURATOR             0x08u
#define WSM_CAN_ADMIN               0x10u

/* What a token says about its bearer. Every pointer is borrowed: from the caller on the way in, from the library on the
 * way out (valid as long as the comment of the function that filled it says). Times are seconds since the Unix epoch.
 */
typedef struct wsm_claims {
    size_t size;
    wsm_slice sub; /* agent id: 1-64 of [A-Za-z0-9._-], not "hub" */
    int64_t exp;   /* required; at most 24 h after `iat`, in a token without one after now (of a host's own peer without
                      `iat` it may be any time); half a minute after it the connection is closed with 4003 */
    int64_t iat;   /* 0: absent */
    int64_t nbf;   /* 0: absent */
    wsm_slice jti; /* absent, or 1-128 bytes of UTF-8 */
    wsm_slice aud; /* absent, or at most 4096 bytes */
    wsm_permission permission;
    wsm_kind kind;
    wsm_purpose purpose;
    uint32_t can; /* WSM_CAN_..., and no other bit */
    const wsm_slice *specialties;
    size_t specialties_count; /* at most 16, each 1-64 bytes */
    const wsm_slice
        *contexts;         /* patterns it may read, each 1-128 bytes, `*` stands for any run; NULL with count 0: all */
    size_t contexts_count; /* at most 64 */
    int contexts_present;  /* 1: the list counts even when empty (then it may read nothing) */
} wsm_claims;

/* Fills `claims` with zeroes and its size; `size` is sizeof(wsm_claims) as the caller knows it. Any thread. */
WSM_API void wsm_claims_init(wsm_claims *claims, size_t size);

/* A key for HS256. Both pointers are the caller's; they are copied where the comment says so. */
typedef struct wsm_key {
    size_t size;
    const char *kid;    /* 1-128 bytes of UTF-8: goes into the header and picks the key; NULL: none */
    const void *secret; /* at least 32 bytes */
    size_t secret_len;
} wsm_key;

/* Fills `key` with zeroes and its size; `size` is sizeof(wsm_key) as the caller knows it. Any thread. */
WSM_API void wsm_key_init(wsm_key *key, size_t size);

/* Mint a token.
 *
 * Writes header.claims.signature, terminated with a NUL, into `out` of `cap` bytes; `*len` gets its length without the
 * NUL. 4096 bytes always suffice; on an error both are as they were. Claims are checked as on arrival; `iat` is taken
 * as the present time for the 24 h limit and must not be 0, and `nbf` lies before `exp`. No clock is read and nothing
 * kept. Errors: WSM_ERR_INVALID (a claim or the key; an argument is NULL), WSM_ERR_VERSION, WSM_ERR_TOO_LARGE (cap or 4
 * KiB), WSM_ERR_INTERNAL (the digest failed), WSM_ERR_NOMEM. Thread: any. */
WSM_API int wsm_token_mint(const wsm_claims *claims, const wsm_key *key, char *out, size_t cap, size_t *len);

#ifdef __cplusplus
}
#endif

#endif
