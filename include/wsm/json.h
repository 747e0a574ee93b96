/* A little strict JSON for hosts: the members of an object as slices, and strings in and out. Thread: any. */
#ifndef WSM_JSON_H
#define WSM_JSON_H

#include "error.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum wsm_json_kind {
    WSM_JSON_NULL = 1,
    WSM_JSON_FALSE = 2,
    WSM_JSON_TRUE = 3,
    WSM_JSON_NUMBER = 4,
    WSM_JSON_STRING = 5,
    WSM_JSON_ARRAY = 6,
    WSM_JSON_OBJECT = 7
} wsm_json_kind;

/* One member of an object; both slices borrow from the text that was given. */
typedef struct wsm_json_member {
    wsm_slice key;   /* as written, without its quotes */
    wsm_slice value; /* as written; a string with its quotes */
    wsm_json_kind kind;
} wsm_json_member;

/* Check that `text` is one strict JSON object (RFC 8259; valid UTF-8, no key twice at its top level, depth at most 32,
 * at most 4096 values, keys of at most 128 bytes, no `\u0000` and no lone surrogate) and list its members, in order:
 * their number goes to `*count`, which is 0 after an error. No object may have more than `cap` members, and none more
 * than 64 whatever `cap` is. The slices borrow from `text`. Errors: WSM_ERR_INVALID (an argument is NULL), or
 * WSM_ERR_BAD_JSON or WSM_ERR_TOO_LARGE (over a limit), with `*at` (may be NULL) the byte it was found at and `*why`
 * (may be NULL) a static phrase. */
WSM_API int wsm_json_members(const char *text, size_t len, wsm_json_member *members, size_t cap, size_t *count,
                             size_t *at, const char **why);

/* Decode a string that wsm_json_members has listed (`raw` is its value as written, with quotes) into `out`, terminated
 * with a NUL; raw.len bytes always suffice. Returns its length without the NUL, or a negative error: WSM_ERR_INVALID
 * (no string), WSM_ERR_TOO_LARGE (`cap`, the NUL included), after which `out` holds nothing of use. */
WSM_API long wsm_json_string(wsm_slice raw, char *out, size_t cap);

/* Write `text` as a JSON string with quotes and escapes into `out`, terminated with a NUL. Returns its length without
 * the NUL, or a negative error: WSM_ERR_INVALID (not valid UTF-8, or NULL with a length), WSM_ERR_TOO_LARGE (`cap`;
 * 6 * len + 3 always suffices), after which `out` holds nothing of use. An absent text is "". */
WSM_API long wsm_json_quote(wsm_slice text, char *out, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
