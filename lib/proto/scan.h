/* A strict JSON scanner (RFC 8259) that allocates nothing and does not recurse: it checks grammar, UTF-8, escapes,
 * depth, counts and number ranges in one pass, and yields the members of the top-level object as slices of the input.
 *
 * Refused beyond the grammar, because somebody downstream would stumble over it: `\u0000`, lone surrogates, a number
 * that no double can hold, and text behind the value. */
#ifndef WSM_LIB_PROTO_SCAN_H
#define WSM_LIB_PROTO_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

typedef struct wsm__scan_limits {
    uint32_t depth_max;     /* of the whole text, 1 for a flat object; at most 64 */
    uint32_t values_max;    /* values of every kind, nested ones too */
    uint32_t key_bytes_max; /* of any key, as written */
} wsm__scan_limits;

typedef enum wsm__json_kind {
    WSM__JSON_NULL = 1,
    WSM__JSON_FALSE,
    WSM__JSON_TRUE,
    WSM__JSON_NUMBER,
    WSM__JSON_STRING,
    WSM__JSON_ARRAY,
    WSM__JSON_OBJECT
} wsm__json_kind;

typedef struct wsm__json_value {
    wsm__json_kind kind;
    wsm_slice raw; /* as written; a string with its quotes */
} wsm__json_value;

typedef struct wsm__json_member {
    wsm_slice key; /* as written, without the quotes; may hold escapes */
    wsm__json_value value;
} wsm__json_member;

typedef struct wsm__scan_error {
    int err;         /* WSM_ERR_BAD_JSON, WSM_ERR_TOO_LARGE (values, key, members) */
    size_t at;       /* byte offset */
    const char *why; /* static, a phrase as in "expected ':'" */
} wsm__scan_error;

/* Check one value that fills `text` but for white space. 0, or the error, with *error filled (may be NULL). */
int wsm__json_check(wsm_slice text, const wsm__scan_limits *limits, wsm__json_value *value, wsm__scan_error *error);

/* Check an object and list its members, in order; more than `cap` is WSM_ERR_TOO_LARGE, a key twice (after decoding its
 * escapes) WSM_ERR_BAD_JSON, another kind of value WSM_ERR_BAD_JSON. */
int wsm__json_members(wsm_slice text, const wsm__scan_limits *limits, wsm__json_member *members, size_t cap,
                      size_t *count, wsm__scan_error *error);

/* Walk the elements of an array, or the members of an object, that was checked already. Start with *at = 0. */
bool wsm__json_next_element(wsm_slice array, size_t *at, wsm__json_value *value);
bool wsm__json_next_member(wsm_slice object, size_t *at, wsm__json_member *member);
/* The member of that name of an object that was checked; of kind 0: it has none. */
wsm__json_value wsm__json_member_of(wsm_slice object, const char *name);
wsm__json_kind wsm__json_kind_of(wsm_slice raw);
/* Whether a key stands twice in an object at any level of a checked value. Of an object at most 64 members are
 * compared; more: true. */
bool wsm__json_has_duplicate_keys(wsm_slice value);

/* Strings that were checked already. `raw` with its quotes. */
bool wsm__json_string_is(wsm_slice raw, const char *text);          /* equal after decoding */
bool wsm__json_key_is(wsm_slice key, const char *text);             /* the same for a key without quotes */
bool wsm__json_string_is_plain(wsm_slice raw, wsm_slice *inner);    /* no escapes: then inner is its text */
size_t wsm__json_string_len(wsm_slice raw);                         /* in bytes, decoded */
long wsm__json_string_decode(wsm_slice raw, char *out, size_t cap); /* length, or -1 if it does not fit */
bool wsm__json_keys_equal(wsm_slice a, wsm_slice b);                /* two keys without quotes, after decoding */
/* A whole number 0..max without sign, fraction, exponent. */
bool wsm__json_u64(wsm__json_value value, uint64_t max, uint64_t *number);

#endif
