/* A log that hands back what a target made of it, and a hub on it (F12).
 *
 * Loading ends, once; loading again ends the same (I-24); what is no strict JSON is never applied, whatever stands
 * around it (I-93); who reads the hub then gets strict JSON with rising offsets, each once (I-01, I-02); the hub runs
 * on; and the snapshot that it leaves is loaded to the same place. */
#ifndef WSM_TESTS_FUZZ_TAPE_H
#define WSM_TESTS_FUZZ_TAPE_H

#include "fuzz.h"
#include "wsm/wsm.h"

#define TAPE_RECORDS_MAX 200
#define TAPE_MORE        8 /* that a hub adds at most */

/* It reads back; memory keeps little; snapshots are kept; records come after open has returned. */
enum { TAPE_READS = 1, TAPE_SHORT = 2, TAPE_SAVES = 4, TAPE_LATE = 8 };

typedef struct tape {
    unsigned mode;
    int64_t later_ms; /* the clock of the hubs is so much ahead of where a world's begins */
    wsm_hub *hub;
    wsm_record records[TAPE_RECORDS_MAX + TAPE_MORE]; /* each in a block of its own; NULL: came back broken */
    size_t count;
    char *snapshot;
    size_t snapshot_len;
    uint64_t snapshot_offset;
    char *saved; /* by the hub */
    size_t saved_len;
    uint64_t saved_offset;
} tape;

void tape_run(tape *t);    /* all of the above */
void tape_unwind(tape *t); /* frees what it holds */

#endif
