/* A log for tests that keeps what it is told to: appends wait until the test keeps or fails them, and between two lives
 * a record may break. What it has kept survives its hub, as in kept_log.h. */
#ifndef WSM_TESTS_HELD_LOG_H
#define WSM_TESTS_HELD_LOG_H

#include "kept_log.h"

#define HELD_LOG_APPENDS 64

typedef struct held_append {
    uint64_t id;
    wsm_vec *records;
    size_t count;
} held_append;

typedef struct held_log {
    kept_log kept;
    wsm_log inner;
    held_append appends[HELD_LOG_APPENDS];
    int count;
    int at_once;       /* 1: nothing waits */
    uint64_t loads_to; /* at the start so many are delivered, and then held_log_load goes on; 0: all */
    uint64_t loaded;   /* so far */
    size_t told;       /* records that were delivered to the hub of this life */
} held_log;

wsm_log held_log_of(held_log *log); /* `log` zeroed at first */
void held_log_free(held_log *log);

void held_log_keep(held_log *log);          /* the oldest append is kept, delivered, and ended */
void held_log_fail(held_log *log);          /* it has failed */
void held_log_fail_but_keep(held_log *log); /* the same, and yet it was kept: it is delivered before the next is */
void held_log_break(held_log *log, uint64_t offset);
void held_log_load(held_log *log, uint64_t to); /* of a load that was held: deliver up to here; all: it is ready */

#endif
