/* Claims as JSON: the one place that knows how they are called and worded in a token. */
#ifndef WSM_LIB_AUTH_CLAIMS_JSON_H
#define WSM_LIB_AUTH_CLAIMS_JSON_H

#include "limits.h"
#include "proto/json.h"
#include "util/buf.h"
#include "wsm/token.h"

/* Claims borrowed from a parsed document, and the room for their lists. */
typedef struct wsm__claims_view {
    wsm_claims claims;
    wsm_slice specialties[WSM__SPECIALTIES_MAX];
    wsm_slice contexts[WSM__CONTEXTS_MAX];
} wsm__claims_view;

/* Reads the members' types and words, and `aud` against `audience` (NULL: any). Values are not judged beyond that. An
 * unknown member or capability is passed over: a newer minter may know more. 0 or WSM_ERR_TOKEN_CLAIM. */
int wsm__claims_read(const wsm__json_node *object, const char *audience, wsm__claims_view *view);

/* Appends the claims, which were checked, as an object. The order is fixed; what is absent or the default is left out,
 * but `permission` is always told. */
void wsm__claims_write(wsm__buf *buf, const wsm_claims *claims);

#endif
