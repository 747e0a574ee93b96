/* JSON Web Tokens: the compact form, HS256 and nothing else (RFC 7515, RFC 8725 sections 3.1, 3.2, 3.11). */
#ifndef WSM_LIB_AUTH_JWT_H
#define WSM_LIB_AUTH_JWT_H

#include "auth/claims.h"
#include "auth/keyring.h"

/* Check signature, then claims: exp, nbf, iat with 30 s of leeway, life of at most 24 h, aud if `audience` is not NULL,
 * sub, and the `wsm` object. `now_s`: seconds since the Unix epoch. On success `*out` is filled and owned by the
 * caller. Errors: WSM_ERR_TOKEN..., WSM_ERR_TOKEN_EXPIRED, WSM_ERR_NOMEM, WSM_ERR_INTERNAL; then `*out` is untouched.
 */
int wsm__jwt_check(const wsm__keyring *ring, wsm_slice token, const char *audience, int64_t now_s, wsm__mem *mem,
                   wsm__identity *out);

/* wsm_token_mint with the memory to take. */
int wsm__jwt_mint(wsm__mem *mem, const wsm_claims *claims, const wsm_key *key, char *out, size_t cap, size_t *len);

#endif
