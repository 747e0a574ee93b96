/* What is known of an authenticated agent: its claims, with the rules that hold for them wherever they come from. */
#ifndef WSM_LIB_AUTH_CLAIMS_H
#define WSM_LIB_AUTH_CLAIMS_H

#include <stdbool.h>

#include "mem.h"
#include "util/slice.h"
#include "wsm/token.h"

#define WSM__SPECIALTY_BYTES_MAX 64u
#define WSM__PATTERN_BYTES_MAX   128u
#define WSM__JTI_BYTES_MAX       128u

/* Claims that own their text, in one block. */
typedef struct wsm__identity {
    wsm_claims claims; /* slices point into `block` */
    char *block;
    size_t block_size;
} wsm__identity;

/* The rules that need no clock: sub, the words, the lists and their lengths, exp and, with iat, the life of at most 24
 * h. `claims` is of the size we know. 0 or WSM_ERR_INVALID. */
int wsm__claims_check(const wsm_claims *claims);

/* Copies claims that keep these rules. WSM_ERR_INVALID if they break one, WSM_ERR_VERSION, WSM_ERR_NOMEM; then `out` is
 * untouched. */
int wsm__identity_copy(wsm__identity *out, wsm__mem *mem, const wsm_claims *claims);
void wsm__identity_fini(wsm__identity *identity, wsm__mem *mem); /* harmless twice, or on a zeroed one */

bool wsm__agent_id_is_valid(wsm_slice id); /* 1-64 of [A-Za-z0-9._-]; "hub" is valid here */
bool wsm__identity_may_read(const wsm__identity *identity, wsm_slice context_id); /* the `contexts` patterns */

#endif
