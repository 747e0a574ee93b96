/* The inside of wsm_log_conformance. The suite plays a hub for a log and keeps, beside it, the history that the log has
 * shown: which record stands at which offset of the epoch. Every word of the log is held against that history at once
 * (logcheck_hear.c), what it loads when it says ready (logcheck_load.c), and what it owes when it is idle
 * (logcheck_drive.c). logcheck.c holds the scripts.
 *
 * A record's bytes are made from two numbers, its batch and its place in it, and begin with both, so that what comes
 * back tells by itself what it ought to be. */
#ifndef WSM_LIB_SIM_LOGCHECK_H
#define WSM_LIB_SIM_LOGCHECK_H

#include <pthread.h>
#include <stdbool.h>

#include "bytes.h"
#include "wsm/log_test.h"

typedef enum wsm__rule {
    WSM__RULE_OPENS,
    WSM__RULE_READY_ONCE,
    WSM__RULE_LOAD_ORDER,
    WSM__RULE_INFO_TRUE,
    WSM__RULE_EPOCH_FORM,
    WSM__RULE_EPOCH_KEPT,
    WSM__RULE_EPOCH_NEW,
    WSM__RULE_OFFSET_ORDER,
    WSM__RULE_DELIVER_ONCE,
    WSM__RULE_DELIVER_ALL,
    WSM__RULE_APPEND_ORDER,
    WSM__RULE_BYTES_EXACT,
    WSM__RULE_ALL_OR_NOTHING,
    WSM__RULE_REFUSED_SILENT,
    WSM__RULE_DONE_ONCE,
    WSM__RULE_DONE_KNOWN,
    WSM__RULE_DONE_COMES,
    WSM__RULE_APPENDS_WORK,
    WSM__RULE_READ_ONCE,
    WSM__RULE_READ_COMES,
    WSM__RULE_READ_RANGE,
    WSM__RULE_READ_LIMITS,
    WSM__RULE_READ_EXACT,
    WSM__RULE_SNAPSHOT_EXACT,
    WSM__RULE_SNAPSHOT_KEPT,
    WSM__RULE_TRIM_KEEPS,
    WSM__RULE_CLOSE_KEEPS,
    WSM__RULE_SYNCED_SURVIVES,
    WSM__RULE_HISTORY_FIXED,
    WSM__RULE_SILENT_AFTER_CLOSE,
    WSM__RULES
} wsm__rule;

/* One append. Its id in the current opening follows from its number. */
typedef struct wsm__lc_batch {
    uint32_t count;
    uint32_t shown; /* of its records, in the history */
    bool refused, ended, may_fail;
    int outcome; /* of wsm_log_done */
} wsm__lc_batch;

/* Which record stands at an offset. Batches are counted from 0 over the whole script. */
typedef struct wsm__lc_place {
    uint32_t batch, idx;
} wsm__lc_place;

typedef struct wsm__lc_read {
    uint64_t from, to;
    size_t records_max, bytes_max;
    uint64_t end; /* of the history, when it was asked */
    bool answered;
} wsm__lc_read;

typedef struct wsm__lc_save {
    uint64_t offset;
    bool taken;
} wsm__lc_save;

typedef struct wsm__lc wsm__lc;

/* One life of the log. It outlives the log, to hear what must not be said any more. */
typedef struct wsm__lc_life {
    struct wsm__lc_life *next;
    wsm__lc *check;
    wsm_hub *hub;
    bool dying; /* a crash is under way: what is said now, nobody hears */
    bool over;
} wsm__lc_life;

#define WSM__LC_GROW(array, count, cap) wsm__lc_grow((void **)&(array), (count), &(cap), sizeof *(array))

struct wsm__lc {
    wsm_log_maker maker;
    wsm_log_report report;
    const char *script;
    char script_text[96];
    uint64_t random;

    wsm_log log;
    bool is_made;          /* make() has filled `log` */
    wsm__lc_life *lives;   /* the newest first */
    pthread_mutex_t mutex; /* guards what follows: a log may speak from its own threads */

    bool has_breach; /* the script is over; the first breach counts */
    wsm__rule rule;
    char what[256];

    uint64_t words; /* how often the log has spoken */
    bool ready, ready_failed, loading, in_call, crashed;
    bool failing, has_failed; /* the storage; since the last opening */
    bool recovering;          /* it works again, and no append has been kept since */
    int nomem;                /* so many of the log's next words find no memory */
    bool starved;             /* one did, and what it was about may be owed still */

    char epoch[17];
    wsm__lc_place *history; /* [offset - 1] */
    size_t end, history_cap;
    uint64_t first;      /* offset that the log says is its first */
    uint64_t durable_to; /* what a crash must leave, by the log's own word at its last opening */
    wsm__lc_place *loaded;
    size_t loaded_count, loaded_cap;
    uint64_t loaded_from, snapshot_at; /* 0: none */

    wsm__lc_batch *batches;
    size_t batches_count, batches_cap, batches_first; /* the first of this life */
    wsm__lc_place last;                               /* delivered in this life, if has_last */
    bool has_last;
    wsm__lc_read *reads; /* of this life; the id is the index + 1 */
    size_t reads_count, reads_cap;
    wsm__lc_save *saves; /* of the script; the bytes follow from the index */
    size_t saves_count, saves_cap;
    uint64_t trimmed, save_newest, save_loaded; /* the saves: index + 1 */
    char epoch_before[17];                      /* of the script before */

    wsm__sim_bytes expected, sent; /* scratch: of the log's words, and of the suite's */
};

/* logcheck_rules.c */
void wsm__lc_breach(wsm__lc *check, wsm__rule rule, const char *format, ...) __attribute__((format(printf, 3, 4)));
const char *wsm__lc_rule_name(wsm__rule rule);
bool wsm__lc_grow(void **array, size_t count, size_t *cap, size_t size); /* room for one more; false: no memory */
uint64_t wsm__lc_random(wsm__lc *check, uint64_t below);
size_t wsm__lc_record_len(const wsm__lc *check, wsm__lc_place place);
void wsm__lc_record_make(const wsm__lc *check, wsm__sim_bytes *out, wsm__lc_place place); /* appends to `out` */
void wsm__lc_save_make(wsm__sim_bytes *out, size_t number);
uint64_t wsm__lc_id(const wsm__lc *check, size_t batch); /* of an append of this life */

/* Which record this is, if it is one of the script's and has exactly its bytes; a breach if not. */
bool wsm__lc_record_is(wsm__lc *check, const wsm_record *record, wsm__lc_place *place);

/* logcheck_hear.c */
void wsm__lc_probe(wsm_log_probe *probe, wsm__lc_life *life);
void wsm__lc_show(wsm__lc *check, wsm__lc_place place); /* the next of the history */

/* logcheck_load.c. The mutex is held. */
void wsm__lc_loaded(wsm__lc *check, const wsm_log_info *info);

/* logcheck_drive.c */
int wsm__lc_begin(wsm__lc *check); /* fresh storage, empty history */
void wsm__lc_end(wsm__lc *check);  /* of a script: close, listen a while, forget */
void wsm__lc_open(wsm__lc *check);
void wsm__lc_open_begin(wsm__lc *check); /* does not wait for ready */
void wsm__lc_close(wsm__lc *check);
void wsm__lc_crash(wsm__lc *check);
void wsm__lc_fail(wsm__lc *check, bool on);
void wsm__lc_recover(wsm__lc *check);           /* the storage works again: append until one is kept */
void wsm__lc_starve(wsm__lc *check, int words); /* so many of the log's next words find no memory */
void wsm__lc_append(wsm__lc *check, uint32_t count);
void wsm__lc_read_ask(wsm__lc *check, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max);
void wsm__lc_save_now(wsm__lc *check, uint64_t offset);
void wsm__lc_trim(wsm__lc *check, uint64_t offset);
void wsm__lc_pump(wsm__lc *check, unsigned times);
void wsm__lc_settle(wsm__lc *check);  /* wait until nothing is owed; what stays owed is a breach */
bool wsm__lc_goes_on(wsm__lc *check); /* no breach so far */
uint64_t wsm__lc_end_offset(wsm__lc *check);

#endif
