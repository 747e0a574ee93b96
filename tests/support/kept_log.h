/* A log for tests that keeps everything in plain memory, is done at once, reads back, and survives its hub: the next
 * hub that opens it finds the newest snapshot and the records behind it. */
#ifndef WSM_TESTS_KEPT_LOG_H
#define WSM_TESTS_KEPT_LOG_H

#include "wsm/wsm.h"

#define KEPT_LOG_HELD    8
#define KEPT_LOG_WAITING 4096

typedef struct kept_log {
    wsm_hub *hub;
    wsm_record *records; /* records[i] has the offset i + 1 */
    size_t count, cap;
    char *snapshot;
    size_t snapshot_len;
    uint64_t snapshot_offset;
    int reads;        /* pages asked */
    int records_read; /* on them */
    int no_snapshots; /* 1: the next hub folds everything anew */
    uint64_t loses;   /* the record of this offset is kept, but not delivered while the hub runs */
    uint64_t misses;  /* ... and this one cannot be read back */
    uint64_t trimmed; /* what the hub has let go; it is not read back either */
    int no_pages;     /* 1: reads are taken and never answered */
    int refuses;      /* so many reads, from now on, are refused */
    int refuses_with; /* 0: WSM_ERR_LOG_IO */
    int holds_pages;  /* 1: reads wait for kept_log_answer */
    struct {
        uint64_t id, from, to;
        size_t records_max, bytes_max;
    } held[KEPT_LOG_HELD];
    int held_count;
    int holds; /* 1: appends are kept, and told of only by kept_log_release */
    int waiting_count;
    size_t told; /* records that were delivered while it held */
    struct {
        uint64_t id;
        size_t to;
    } waiting[KEPT_LOG_WAITING];
} kept_log;

wsm_log kept_log_of(kept_log *log); /* `log` zeroed at first */
/* Tell of what is held, as far as it goes: 0, or the error that the hub said. */
int kept_log_release(kept_log *log);
void kept_log_free(kept_log *log);
void kept_log_answer(kept_log *log, int idx); /* the read that was held as the `idx`-th */

#endif
