/* A sentence built piece by piece in a fixed room, always terminated; what does not fit is cut. */
#ifndef WSM_LIB_PROTO_PHRASE_H
#define WSM_LIB_PROTO_PHRASE_H

#include <stddef.h>
#include <stdint.h>

typedef struct wsm__phrase {
    char *ptr;
    size_t cap; /* at least 1 */
    size_t len;
} wsm__phrase;

void wsm__phrase_init(wsm__phrase *phrase, char *room, size_t cap);
void wsm__phrase_add(wsm__phrase *phrase, const char *text);
void wsm__phrase_add_u64(wsm__phrase *phrase, uint64_t number);
void wsm__phrase_add_words(wsm__phrase *phrase, const char *words); /* "a|b|c" as "a, b, c" */

#endif
