/* Mentions in the text of an exchange: `@handle`, `@role:specialty` and `@here` in its string values, not in its keys.
 *
 * Not a mention: what stands inside an e-mail address, a URL, or a code span of one or more backquotes that is closed
 * in the same string; a name that goes on in a letter of its own (`@adaé`). Text of scripts without spaces may stand
 * right before and behind. Escapes are decoded, so `\u0040ada` is one. One pass, no allocation; the text is checked
 * JSON. */
#ifndef WSM_LIB_ROUTE_MENTION_H
#define WSM_LIB_ROUTE_MENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

#define WSM__MENTION_NAME_MAX 64u

typedef enum wsm__mention_kind { WSM__MENTION_HANDLE, WSM__MENTION_ROLE, WSM__MENTION_HERE } wsm__mention_kind;

/* `name` is the handle or the specialty, of [A-Za-z0-9._-], with all that could belong to it: `@ada.` at the end of a
 * sentence is `ada.`. Whoever knows the handles tries the whole first and then wsm__mention_shorten. */
typedef struct wsm__mention {
    wsm__mention_kind kind;
    size_t len;
    char name[WSM__MENTION_NAME_MAX];
} wsm__mention;

typedef struct wsm__mention_scan {
    wsm_slice json;
    size_t at; /* in `json`, outside of strings or at the next character of one */
    bool in_string, in_url;
    uint32_t before;        /* the character before, 0: the string begins */
    uint8_t closed_until_n; /* runs of backquotes that are known not to be closed in this string: bit n-1 */
} wsm__mention_scan;

void wsm__mention_init(wsm__mention_scan *scan, wsm_slice json);
bool wsm__mention_next(wsm__mention_scan *scan, wsm__mention *mention); /* false: no more */
/* Take one mark of punctuation (`.` or `-`) off the end; false: there is none, or nothing would be left. */
bool wsm__mention_shorten(wsm__mention *mention);

#endif
