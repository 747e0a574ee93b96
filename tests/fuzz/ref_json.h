/* A reference for JSON: a small recursive parser into a tree, strict as RFC 8259 and as our own rules ask, which shares
 * no code and no idea with the scanner under test. Slow, and generous with memory. */
#ifndef WSM_TESTS_FUZZ_REF_JSON_H
#define WSM_TESTS_FUZZ_REF_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wsm/types.h"

typedef enum ref_kind { REF_NULL = 1, REF_FALSE, REF_TRUE, REF_NUMBER, REF_STRING, REF_ARRAY, REF_OBJECT } ref_kind;

typedef struct ref_json {
    ref_kind kind;
    wsm_slice raw; /* as written */
    char *text;    /* strings: decoded, terminated */
    size_t text_len;
    double number;
    struct ref_json *child, *next; /* of arrays and objects: the first child; its next sibling */
    size_t count;                  /* children */
    wsm_slice key_raw;             /* members: without quotes */
    char *key;                     /* decoded, terminated */
    size_t key_len;
} ref_json;

typedef struct ref_json_limits {
    size_t depth_max, values_max, key_bytes_max;
} ref_json_limits;

typedef struct ref_json_verdict {
    bool good;
    bool borderline; /* a number so near the largest double that either verdict is right */
    size_t values;
} ref_json_verdict;

/* The tree of one value that fills `text`, or NULL. */
ref_json *ref_json_parse(const void *text, size_t len, const ref_json_limits *limits, ref_json_verdict *verdict);
void ref_json_free(ref_json *json);
const ref_json *ref_json_get(const ref_json *object,
                             const char *key);             /* of the first member of that name; NULL: none */
bool ref_json_is(const ref_json *value, const char *text); /* a string that is this */
/* Whether an object anywhere holds a key twice, or more than `most` members. */
bool ref_json_is_ambiguous(const ref_json *json, size_t most);

#endif
