/* An incremental check of UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef WSM_LIB_UTIL_UTF8_H
#define WSM_LIB_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wsm__utf8 {
    uint8_t need;      /* continuation bytes still to come */
    uint8_t low, high; /* bounds of the next one */
} wsm__utf8;

void wsm__utf8_init(wsm__utf8 *utf8);
/* False at the first byte that cannot continue valid text; runs of ASCII are checked a word at a time. */
bool wsm__utf8_feed(wsm__utf8 *utf8, const void *bytes, size_t len);
bool wsm__utf8_is_whole(const wsm__utf8 *utf8); /* not inside a character */
bool wsm__utf8_is_valid(const void *bytes, size_t len);

#endif
