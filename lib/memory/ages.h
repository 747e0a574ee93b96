/* How old the records of the log are, by and large: a mark now and then, so that it can be told which offsets have
 * passed an age without keeping the time of each record. */
#ifndef WSM_LIB_MEMORY_AGES_H
#define WSM_LIB_MEMORY_AGES_H

#include <stddef.h>
#include <stdint.h>

#define WSM__AGES_MARKS 32u

typedef struct wsm__age_mark {
    uint64_t offset;
    int64_t time_ms;
} wsm__age_mark;

typedef struct wsm__ages { /* zeroed: empty */
    wsm__age_mark marks[WSM__AGES_MARKS];
    size_t count; /* oldest first */
} wsm__ages;

/* A record of this time. A mark is set if the last one is a sixteenth of `age_ms` older, or there is none. */
void wsm__ages_note(wsm__ages *ages, uint64_t offset, int64_t time_ms, int64_t age_ms);

/* The highest offset that is known to be older than `before_ms`; 0: none is. Forgets the marks below it. */
uint64_t wsm__ages_passed(wsm__ages *ages, int64_t before_ms);

#endif
