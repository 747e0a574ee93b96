/* The log: what a host implements to keep records, and how the log talks back to the hub.
 *
 * A log is an ordered sequence of records. It gives each its offset, 1, 2, 3 and so on, without a hole, within an
 * epoch. The hub appends; the log keeps and then *delivers*, each record once, in order, those of this node and, where
 * the engine is shared, those of the others. The hub's state is the fold of what is delivered, and nothing else.
 *
 *     hub    open ─▶  log: wsm_log_snapshot? wsm_log_deliver* wsm_log_ready
 *     hub  append ─▶  log: keeps ─▶ wsm_log_deliver (the records) and wsm_log_done (the end of the append), any order
 *     hub    read ─▶  log: wsm_log_page, once
 *
 * The functions of the struct are called on the hub's thread and must not block; the wsm_log_... functions are the way
 * back, callable from any thread, also from inside the struct's functions. One that finds no memory (WSM_ERR_NOMEM) has
 * taken nothing: the log keeps the word and says it again a little later, before what comes after it; so a log that
 * does everything inside the calls to it needs a timer all the same. They copy what they are given, and call `wake` of
 * the host at most. */
#ifndef WSM_LOG_H
#define WSM_LOG_H

#include "error.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One record. `bytes` are opaque to the log and must come back exactly as they were; they hold no NUL and are valid
 * UTF-8. At most 16 MiB + 4 KiB. */
typedef struct wsm_record {
    uint64_t offset;
    const void *bytes;
    size_t len;
} wsm_record;

/* How an append ended. */
#define WSM_LOG_SYNCED  0 /* kept; survives kill -9 and power loss: acknowledged as durable */
#define WSM_LOG_WRITTEN 1 /* kept, but a crash may lose it: acknowledged as not durable */
/* a negative wsm_err: not kept. WSM_ERR_STORE_FAILED is what senders are told. */

typedef struct wsm_log {
    size_t size;
    void *user;

    /* Begin to load. The log answers, then or later, with at most one wsm_log_snapshot, any number of wsm_log_deliver
     * with the records after it, and wsm_log_ready. Until then the hub answers `busy` and 503. Required.
     * Returns 0 or an error, which wsm_hub_new passes on. */
    int (*open)(void *user, wsm_hub *hub);

    /* Append a batch, in order and all or nothing. `append_id` names it in wsm_log_done, and is never 0. The records
     * are borrowed for the call. A returned error means that nothing was taken, and no wsm_log_done follows:
     * WSM_ERR_BUSY and WSM_ERR_NOMEM are passed on to the senders, any other tells them WSM_ERR_STORE_FAILED. Required.
     */
    int (*append)(void *user, uint64_t append_id, const wsm_vec *records, size_t count);

    /* Read records from..to, both included: at most `records_max` and about `bytes_max` bytes, but at least one if
     * there is any. Answer with wsm_log_page. A returned error: nothing was taken and no wsm_log_page follows; who
     * waited for the page is told, or closed to come back. NULL: the log cannot read back (what memory has trimmed is
     * gone). */
    int (*read)(void *user, uint64_t read_id, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max);

    /* Records up to `offset` are not asked for any more and may go. Called only of a log that has `save`. After a
     * returned error the hub asks again later. NULL: the log keeps its own retention. */
    int (*trim)(void *user, uint64_t offset);

    /* Keep a snapshot of the hub's state; an older one may go. At the next open it is handed back, and the records
     * after `offset` are delivered behind it: so they must stay, although some of them may be in the snapshot. Borrowed
     * for the call. A returned error: the older one stays, and the hub saves again after more records. NULL: no
     * snapshots (the log then delivers from the first record it has at the next open). */
    int (*save)(void *user, uint64_t offset, const void *bytes, size_t len);

    /* The hub is being freed, or could not be made after open was called: finish what was appended, call nothing of the
     * hub any more once this returns. May block. NULL: there is nothing to do. */
    void (*close)(void *user);
} wsm_log;

/* Fills `log` with zeroes and its size; `size` is sizeof(wsm_log) as the caller knows it. Any thread. */
WSM_API void wsm_log_init(wsm_log *log, size_t size);

/* What a log knows once it has loaded. */
typedef struct wsm_log_info {
    size_t size;
    const char *epoch;     /* 16 hex digits, lower case; new whenever a log begins anew */
    uint64_t first_offset; /* of the oldest record that can be read; 0: none */
    uint64_t last_offset;  /* of the newest record; 0: none. The next one is last_offset + 1 */
    int durable;           /* 1: what it has kept so far survives kill -9 and power loss */
} wsm_log_info;

/* Fills `info` with zeroes and its size; `size` is sizeof(wsm_log_info) as the caller knows it. Any thread. */
WSM_API void wsm_log_info_init(wsm_log_info *info, size_t size);

/* The snapshot that stands before the records to come. Only between open and wsm_log_ready.
 * Errors: WSM_ERR_INVALID, WSM_ERR_NOMEM (say it again). Thread: any. */
WSM_API int wsm_log_snapshot(wsm_hub *hub, uint64_t offset, const void *bytes, size_t len);

/* Records, in order. A record that was delivered already is ignored; a hole is an error that the hub reports and reads
 * again. A record whose bytes are broken is delivered with len 0: it becomes a `gap` (reason corrupt).
 * Errors: WSM_ERR_INVALID, WSM_ERR_NOMEM (there is no room for all of them now: deliver them again, a little later. A
 * hub with a memory budget takes the first of them as far as they fit, and ignores those when they come again; what is
 * larger than its budget is taken part by part). Thread: any. */
WSM_API int wsm_log_deliver(wsm_hub *hub, const wsm_record *records, size_t count);

/* The end of the append `append_id`: WSM_LOG_SYNCED, WSM_LOG_WRITTEN or a negative wsm_err. Exactly once each.
 * Errors: WSM_ERR_INVALID, WSM_ERR_NOMEM (say it again). Thread: any. */
WSM_API int wsm_log_done(wsm_hub *hub, uint64_t append_id, int outcome);

/* The answer to `read`: the records of the range that there are, in order, as many as the limits allowed; `outcome` 0
 * or a negative wsm_err. count 0 with outcome 0: there is none. Exactly once each. Errors: WSM_ERR_INVALID,
 * WSM_ERR_NOMEM (say it again, with fewer records if need be). Thread: any. */
WSM_API int wsm_log_page(wsm_hub *hub, uint64_t read_id, const wsm_record *records, size_t count, int outcome);

/* Loading has ended. `outcome` 0 with `info`, or negative: the log cannot be used, and the hub says so in on_ready;
 * `info` may be NULL then. Errors: WSM_ERR_INVALID (also: an epoch that is none), WSM_ERR_NOMEM (say it again). Thread:
 * any. */
WSM_API int wsm_log_ready(wsm_hub *hub, const wsm_log_info *info, int outcome);

/* For tests of a log: where what it says to a stand-in for a hub goes. Each member takes the arguments of the function
 * of its name and returns what that function returns to the log; NULL returns 0. Called on the thread that the log
 * calls from, and without any check of the arguments. libwsm-sim's wsm_log_conformance() is built on it. */
typedef struct wsm_log_probe {
    size_t size;
    void *user;
    int (*snapshot)(void *user, uint64_t offset, const void *bytes, size_t len);
    int (*deliver)(void *user, const wsm_record *records, size_t count);
    int (*done)(void *user, uint64_t append_id, int outcome);
    int (*page)(void *user, uint64_t read_id, const wsm_record *records, size_t count, int outcome);
    int (*ready)(void *user, const wsm_log_info *info, int outcome);
} wsm_log_probe;

/* Make the stand-in: a handle that is good for the wsm_log_... functions, which hand everything to `probe`, and for
 * nothing else. `probe` has its size set; the struct is copied. Errors: WSM_ERR_INVALID, WSM_ERR_VERSION,
 * WSM_ERR_NOMEM; then `*hub` is NULL. Thread: any. */
WSM_API int wsm_log_probe_new(wsm_hub **hub, const wsm_log_probe *probe);

/* Free it, with none of its calls under way: the log must not know it any more. NULL does nothing. Thread: any. */
WSM_API void wsm_log_probe_free(wsm_hub *hub);

#ifdef __cplusplus
}
#endif

#endif
