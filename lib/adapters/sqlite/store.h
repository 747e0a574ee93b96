/* The store: the database behind the log, seen by one thread. worker.c calls it and decides what the hub is told.
 *
 *     meta      epoch
 *     record    offset, bytes, checksum, kept_at (Unix seconds)
 *     snapshot  offset, bytes, checksum; the last two
 *
 * A checksum covers the epoch, the offset and the bytes, so a row that is whole but in the wrong place is found too.
 *
 * Once a write has failed the store is `broken`: SQLite cannot say whether the transaction is on the disk. It takes
 * nothing more until wsm__sqlite_store_reopen has read from the file what is there. */
#ifndef WSM_LIB_SQLITE_STORE_H
#define WSM_LIB_SQLITE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "checksum.h"
#include "say.h"
#include "wsm/log.h"

#define WSM__SQLITE_EPOCH_LEN        16u
#define WSM__SQLITE_RECORD_BYTES_MAX ((16u << 20) + 4096u) /* wsm/log.h */
#define WSM__SQLITE_OFFSET_MAX       9007199254740991u     /* 2^53 - 1: what every JSON reader keeps exactly */
#define WSM__SQLITE_SNAPSHOTS        2                     /* if the newest is broken, the older one stands in */
#define WSM__SQLITE_RETAIN_ROWS      256                   /* removed per commit, so that appends wait little */

typedef enum wsm__sqlite_stmt {
    WSM__SQLITE_BEGIN_WRITE,
    WSM__SQLITE_BEGIN_READ,
    WSM__SQLITE_COMMIT,
    WSM__SQLITE_ROLLBACK,
    WSM__SQLITE_SAVEPOINT,
    WSM__SQLITE_UNDO,
    WSM__SQLITE_RELEASE,
    WSM__SQLITE_EPOCH,
    WSM__SQLITE_EXTENT,
    WSM__SQLITE_RECORD_PUT,
    WSM__SQLITE_RECORD_GET,
    WSM__SQLITE_RECORD_BELOW,
    WSM__SQLITE_RECORD_NEWEST,
    WSM__SQLITE_RECORD_MOVE,
    WSM__SQLITE_RECORD_OLDEST,
    WSM__SQLITE_RECORD_REMOVE,
    WSM__SQLITE_SNAPSHOT_PUT,
    WSM__SQLITE_SNAPSHOT_GET,
    WSM__SQLITE_SNAPSHOT_BELOW,
    WSM__SQLITE_SNAPSHOT_DROP,
    WSM__SQLITE_SNAPSHOT_LIST,
    WSM__SQLITE_SNAPSHOT_REMOVE,
    WSM__SQLITE_BYTES_USED,
    WSM__SQLITE_STMTS
} wsm__sqlite_stmt;

typedef struct wsm__sqlite_store {
    /* Set by the owner before it is opened, and its own. */
    const char *path;
    const char *vfs;
    wsm__sqlite_say say;
    uint64_t records_max, bytes_max, age_s; /* 0: none */

    sqlite3 *db;
    sqlite3_stmt *stmt[WSM__SQLITE_STMTS];
    wsm__crc64 crc;
    char epoch[WSM__SQLITE_EPOCH_LEN + 1];
    uint64_t first, last;    /* of the records; 0: none */
    uint64_t snapshot_floor; /* offset of the oldest snapshot: what comes after it is needed to load. 0: none */
    uint64_t trim_to;        /* the hub asks no more for what is not above it */
    uint64_t corrupt;        /* met so far */
    bool broken;
    bool told; /* the log line of this episode of failures is out */
} wsm__sqlite_store;

/* One append, queued and then stored. Made by one sqlite3_malloc64; the records point behind them. */
typedef struct wsm__sqlite_batch {
    struct wsm__sqlite_batch *next;
    uint64_t append_id;
    size_t bytes; /* of all records */
    int outcome;  /* 0 or a negative wsm_err, set by wsm__sqlite_store_append */
    size_t count;
    wsm_record records[]; /* their offsets are set by wsm__sqlite_store_append */
} wsm__sqlite_batch;

/* ---- db.c: the connection ---- */

/* Make the tables of a new log in the empty file at `path`. Errors as from wsm__sqlite_db_open. */
int wsm__sqlite_db_make(const wsm__sqlite_store *store, const char *path, char *why, size_t why_cap);

/* Open the database at `path` of the store. On failure nothing stays open. Returns 0, WSM_ERR_LOG_FORMAT,
 * WSM_ERR_LOG_LOCKED, WSM_ERR_LOG_IO or WSM_ERR_NOMEM. */
int wsm__sqlite_db_open(wsm__sqlite_store *store, char *why, size_t why_cap);

/* Checkpoint and close. A store that is not open: nothing. */
void wsm__sqlite_db_close(wsm__sqlite_store *store);

/* The wsm_err of a SQLite result code. */
int wsm__sqlite_db_err(int rc);

/* Step a statement that yields no row to its end and reset it. Returns SQLITE_OK or SQLite's error. */
int wsm__sqlite_db_run(wsm__sqlite_store *store, wsm__sqlite_stmt which);

/* As the above, of a statement that begins a transaction. One that is open still, since there was no memory to roll it
 * back, is rolled back first. */
int wsm__sqlite_db_begin(wsm__sqlite_store *store, wsm__sqlite_stmt which);

/* Reset a statement that yielded rows and forget what was bound: its blobs are borrowed. */
void wsm__sqlite_db_reset(wsm__sqlite_store *store, wsm__sqlite_stmt which);

/* ---- store.c: opening, writing ---- */

/* Open the log at `path`, or make it where there is none. Errors as from wsm__sqlite_db_open, and WSM_ERR_LOG_FORMAT
 * for a file that is not ours: it is not touched. */
int wsm__sqlite_store_open(wsm__sqlite_store *store, char *why, size_t why_cap);

/* Read `first`, `last` and `snapshot_floor` from the file. Returns SQLITE_OK or SQLite's error. */
int wsm__sqlite_store_extent(wsm__sqlite_store *store);

uint64_t wsm__sqlite_store_checksum(const wsm__sqlite_store *store, uint64_t offset, const void *bytes, size_t len);

/* Keep a list of appends in one transaction, each all or nothing, and set `outcome` in each. Returns 0 when the
 * transaction is on the disk; else every outcome is WSM_ERR_STORE_FAILED and the store is broken. */
int wsm__sqlite_store_append(wsm__sqlite_store *store, wsm__sqlite_batch *batches);

/* End a transaction that failed with `rc`: say so, once until an append succeeds again, roll back, and call the store
 * broken. Returns WSM_ERR_STORE_FAILED. */
int wsm__sqlite_store_fail(wsm__sqlite_store *store, const char *what, int rc);

/* Close a broken store and open it again. `last` may then be larger than before: records that were kept after all. An
 * error leaves it broken; try again later. */
int wsm__sqlite_store_reopen(wsm__sqlite_store *store, char *why, size_t why_cap);

/* ---- repair.c ---- */

/* See to it that the newest row and the newest snapshot can be believed. Returns SQLITE_OK or SQLite's error. */
int wsm__sqlite_store_mend(wsm__sqlite_store *store);

/* ---- page.c: reading ---- */

/* Consecutive records. One whose row is lost, unreadable or does not match its checksum has len 0. */
typedef struct wsm__sqlite_page {
    wsm_record *records;
    size_t count, cap;
    unsigned char *bytes;
    size_t bytes_len, bytes_cap;
} wsm__sqlite_page;

/* Read from..to, up to the newest record, within both limits but at least one. What was removed by retention counts as
 * lost here: ask from `first` on. `page` is emptied first. Returns 0, WSM_ERR_LOG_IO or WSM_ERR_NOMEM. */
int wsm__sqlite_page_read(wsm__sqlite_store *store, wsm__sqlite_page *page, uint64_t from, uint64_t to,
                          size_t records_max, size_t bytes_max);
void wsm__sqlite_page_fini(wsm__sqlite_page *page);

/* ---- snapshot.c ---- */

typedef struct wsm__sqlite_snapshot {
    uint64_t offset;
    void *bytes; /* NULL: there is none. Free with sqlite3_free */
    size_t len;
} wsm__sqlite_snapshot;

int wsm__sqlite_snapshot_save(wsm__sqlite_store *store, uint64_t offset, const void *bytes, size_t len);

/* The newest snapshot that is whole. Returns 0 (also if none was ever kept), WSM_ERR_NOMEM, WSM_ERR_LOG_IO, or
 * WSM_ERR_LOG_CORRUPT when all are broken and the records before them are gone: the state cannot be had any more. */
int wsm__sqlite_snapshot_load(wsm__sqlite_store *store, wsm__sqlite_snapshot *snapshot);

/* ---- retain.c ---- */

/* Remove the oldest records that are over a limit, WSM__SQLITE_RETAIN_ROWS at most. Returns 1 if more may have to go,
 * 0 if not, or WSM_ERR_STORE_FAILED. `now_s`: Unix time. */
int wsm__sqlite_retain_step(wsm__sqlite_store *store, int64_t now_s);

#endif
