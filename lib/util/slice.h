/* Slices: borrowed runs of bytes, and the few comparisons that the code needs of them. */
#ifndef WSM_LIB_UTIL_SLICE_H
#define WSM_LIB_UTIL_SLICE_H

#include <stdbool.h>
#include <string.h>

#include "wsm/types.h"

static inline wsm_slice wsm__slice(const char *ptr, size_t len) {
    return (wsm_slice){ptr, len};
}

static inline wsm_slice wsm__slice_str(const char *text) {
    return (wsm_slice){text, text ? strlen(text) : 0};
}

static inline bool wsm__slice_eq(wsm_slice a, wsm_slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool wsm__slice_is(wsm_slice a, const char *text) {
    return wsm__slice_eq(a, wsm__slice_str(text));
}

/* ASCII only, as HTTP field names and tokens compare (RFC 9110, section 5.1). */
bool wsm__slice_is_nocase(wsm_slice a, const char *text);

/* Decimal digits only, no sign, no leading zero but "0" itself. False: not a number, or above `max`. */
bool wsm__slice_u64(wsm_slice a, uint64_t max, uint64_t *value);

#endif
