/* The only user of cJSON: small, already validated objects (claims of a token, `wsm` of a claim, snapshots' heads) read
 * as a tree. cJSON keeps a process-wide error pointer, so parsing is serialised by an atomic lock; its memory is its
 * own malloc, bounded by the size of what it is given: to bound that is the caller's. */
#ifndef WSM_LIB_PROTO_JSON_H
#define WSM_LIB_PROTO_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

typedef struct wsm__json wsm__json;           /* a parsed document */
typedef struct wsm__json_node wsm__json_node; /* borrowed from it */

/* Parse `text`, which is first checked with the strict scanner; no key may stand twice, at any depth. NULL: *err is
 * WSM_ERR_BAD_JSON, WSM_ERR_TOO_LARGE (more than 4096 values) or WSM_ERR_NOMEM. */
wsm__json *wsm__json_parse(wsm_slice text, int *err);
void wsm__json_free(wsm__json *json);
const wsm__json_node *wsm__json_root(const wsm__json *json);
const wsm__json_node *wsm__json_get(const wsm__json_node *object, const char *name); /* case-sensitive; NULL: none */
bool wsm__json_is_object(const wsm__json_node *node);
bool wsm__json_is_array(const wsm__json_node *node);
bool wsm__json_text(const wsm__json_node *node, wsm_slice *text); /* false: not a string */
bool wsm__json_seconds(const wsm__json_node *node,
                       int64_t *value); /* NumericDate: a number, cut to whole seconds, within +-2^53 */
size_t wsm__json_count(const wsm__json_node *array);
const wsm__json_node *wsm__json_at(const wsm__json_node *array, size_t idx); /* NULL: none */

#endif
