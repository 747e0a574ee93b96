/* The difference between two JSON texts, as a JSON Patch (RFC 6902) of the operations add, remove and replace. */
#ifndef WSM_LIB_PROTO_JSON_DIFF_H
#define WSM_LIB_PROTO_JSON_DIFF_H

#include "util/buf.h"

/* Appends an array of operations that make `after` of `before`, two checked texts; `[]` if they say the same in the
 * same words. Its work is bounded by the length of the texts, and it is never much longer than `after`: where an object
 * or array has changed too much to be worth it, it is replaced as a whole. */
void wsm__json_diff(wsm__buf *out, wsm_slice before, wsm_slice after);

#endif
