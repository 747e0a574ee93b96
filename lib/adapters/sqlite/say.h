/* Sentences for people: the reason why open failed, and the lines that go to on_log. */
#ifndef WSM_LIB_SQLITE_SAY_H
#define WSM_LIB_SQLITE_SAY_H

#include <stddef.h>

#include "wsm/host.h"

typedef struct wsm__sqlite_say {
    void (*on_log)(void *user, int level, const char *line); /* NULL: nobody listens */
    void *user;
} wsm__sqlite_say;

/* One printable line of at most 1 KiB. */
__attribute__((format(printf, 3, 4))) void wsm__sqlite_say_line(const wsm__sqlite_say *say, wsm_level level,
                                                                const char *format, ...);

/* Put a sentence into `why` (may be NULL) and return `err`, so that a refusal is one statement. */
__attribute__((format(printf, 4, 5))) int wsm__sqlite_say_why(char *why, size_t why_cap, int err, const char *format,
                                                              ...);

#endif
