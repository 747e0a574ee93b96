/* Applying a JSON Patch (RFC 6902), with cJSON and nothing of ours: what a reader of context_delta does. */
#ifndef WSM_TESTS_JSON_PATCH_H
#define WSM_TESTS_JSON_PATCH_H

#include <cjson/cJSON.h>

/* The document that the operations make of `*document`, which they may replace. 0, or which operation (from 1) is none,
 * or cannot be applied: then the document may be half changed. */
int json_patch_apply(cJSON **document, const cJSON *patch);

#endif
