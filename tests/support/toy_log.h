/* A log in memory that keeps every rule of log.h, and on request breaks one of them: what wsm_log_conformance() is
 * tested with. Its storage outlives it, its work is done by toy_pump, and it can crash and fail. */
#ifndef WSM_TESTS_TOY_LOG_H
#define WSM_TESTS_TOY_LOG_H

#include <wsm/log_test.h>

/* Each bug, the rule that it breaks, and what it does. */
#define TOY_BUGS(X)                                                                                                    \
    X(HOLE, "offset_order")           /* an offset is left out */                                                      \
    X(FROM_TWO, "offset_order")       /* offsets begin at 2 */                                                         \
    X(DELIVERS_TWICE, "deliver_once") /* a batch is delivered again */                                                 \
    X(DELIVERS_NEVER, "deliver_all")  /* the last record of a batch is kept, but not delivered */                      \
    X(SWAPS, "append_order")          /* two records of a batch change places */                                       \
    X(BATCHES_SWAP, "append_order")   /* the newest append overtakes */                                                \
    X(CHANGES_BYTES, "bytes_exact")   /* a letter */                                                                   \
    X(CUTS_BYTES, "bytes_exact")      /* the last byte */                                                              \
    X(KEEPS_POINTERS, "bytes_exact")  /* the borrowed records are read after the call */                               \
    X(DONE_TWICE, "done_once")                                                                                         \
    X(DONE_NEVER, "done_comes")            /* of every fifth append */                                                 \
    X(DONE_UNKNOWN, "done_known")          /* an id that was never given */                                            \
    X(DONE_STRANGE, "done_known")          /* an outcome that does not exist */                                        \
    X(REFUSES_BUT_KEEPS, "refused_silent") /* the error comes, and the records too */                                  \
    X(FAILS_FOR_NOTHING, "appends_work")   /* every ninth append */                                                    \
    X(STAYS_BROKEN, "appends_work")        /* after a failure nothing works any more */                                \
    X(HALF_ON_FAILURE, "all_or_nothing")   /* a failing append leaves its first record */                              \
    X(SYNCED_IS_NOT, "synced_survives")    /* it says synced before it is */                                           \
    X(DURABLE_IS_NOT, "synced_survives")   /* it says durable when it opens, and is not */                             \
    X(TORN_BATCH, "all_or_nothing")        /* a crash leaves half of an append */                                      \
    X(EPOCH_STAYS, "epoch_new")            /* although a crash took what had been delivered */                         \
    X(EPOCH_CHANGES, "epoch_kept")         /* although nothing is lost */                                              \
    X(EPOCH_SHOUTS, "epoch_form")          /* upper case */                                                            \
    X(EPOCH_SAME, "epoch_new")             /* one epoch for every storage */                                           \
    X(RECOVERS_OTHERS, "history_fixed")    /* a crash makes two records change places */                               \
    X(READY_TWICE, "ready_once")                                                                                       \
    X(READY_NEVER, "opens")     /* with more than 20 records */                                                        \
    X(LOADS_LATE, "info_true")  /* ready comes before the last record */                                               \
    X(INFO_WRONG, "info_true")  /* one too many */                                                                     \
    X(FIRST_WRONG, "info_true") /* the first offset is 0 */                                                            \
    X(READ_TWICE, "read_once")                                                                                         \
    X(READ_NEVER, "read_comes")     /* an empty range */                                                               \
    X(READ_FROM_NEXT, "read_range") /* one too far at the start */                                                     \
    X(READ_PAST_TO, "read_range")   /* one too far at the end */                                                       \
    X(READ_MANY, "read_limits")     /* one more than asked for */                                                      \
    X(READ_FAT, "read_limits")      /* bytes_max is not looked at */                                                   \
    X(READ_THIN, "read_limits")     /* one record a page */                                                            \
    X(READ_NONE, "read_range")      /* nothing when the first record is larger than bytes_max */                       \
    X(READ_OTHER, "read_exact")     /* records of another offset */                                                    \
    X(SNAPSHOT_CHANGED, "snapshot_exact")                                                                              \
    X(SNAPSHOT_OLD, "snapshot_kept")            /* the first that was ever saved */                                    \
    X(SNAPSHOT_LOST, "trim_keeps")              /* by a close */                                                       \
    X(SNAPSHOT_LAST, "load_order")              /* delivered after the records */                                      \
    X(SNAPSHOT_AT_WRONG, "snapshot_exact")      /* with the offset of the newest record */                             \
    X(TRIMS_MORE, "trim_keeps")                 /* one more than it may */                                             \
    X(CLOSE_LOSES, "close_keeps")               /* the last record */                                                  \
    X(CLOSE_FORGETS, "done_comes")              /* what waits when it is closed */                                     \
    X(CLOSE_DROPS_READS, "read_comes")          /* they are not answered */                                            \
    X(SPEAKS_AFTER_CLOSE, "silent_after_close") /* to the hub that is gone */                                          \
    X(NO_MEMORY_LOSES, "offset_order")          /* a delivery that found no memory is not repeated */                  \
    X(NO_MEMORY_DONE, "done_comes")             /* an end that found no memory is not repeated */

#define TOY_ENUM(name, rule) TOY_##name,
typedef enum toy_bug { TOY_HONEST, TOY_BUGS(TOY_ENUM) TOY_BUGS_END } toy_bug;

typedef struct toy_log toy_log;

/* `syncs`: each append is synced before it ends; 0: it is said to be written, and a crash may take it. */
toy_log *toy_new(toy_bug bug, int syncs);
void toy_free(toy_log *toy);
void toy_maker(toy_log *toy, wsm_log_maker *maker);
const char *toy_bug_name(toy_bug bug);
const char *toy_bug_rule(toy_bug bug);

#endif
