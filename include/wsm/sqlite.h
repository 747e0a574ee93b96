/* libwsm-sqlite: the log and its snapshots in one SQLite database.
 *
 * WAL with synchronous=FULL, one transaction for all that was appended while the last one was being synced, on a thread
 * of its own: the hub's loop never waits for a disk, and a record is delivered only after it is kept. */
#ifndef WSM_SQLITE_H
#define WSM_SQLITE_H

#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wsm_sqlite wsm_sqlite;

typedef struct wsm_sqlite_config {
    size_t size;
    const char *path;     /* of the database; created with mode 0600 if absent */
    uint64_t records_max; /* 1000000: older records go; 0: none */
    uint64_t bytes_max;   /* 4 GiB; 0: none */
    uint64_t age_s;       /* 0: none. Older records go */
    uint32_t queue_max;   /* 65536 records that wait for a commit; more: append answers WSM_ERR_BUSY */
    void (*on_log)(void *user, int level,
                   const char *line); /* one line; wsm_level; from the database's thread, and from
                                         the one that calls wsm_sqlite_open; NULL: nobody hears */
    void *user;
    const char *vfs; /* name of a SQLite VFS; NULL: the default */
} wsm_sqlite_config;

/* Fills in the defaults; `size` is sizeof(wsm_sqlite_config) as the caller knows it. Any thread. */
WSM_API void wsm_sqlite_config_init(wsm_sqlite_config *config, size_t size);

/* Open or create the database and start its thread.
 *
 * Everything in `config` is copied. `why` (may be NULL) has `why_cap` bytes and gets a sentence on failure: which file,
 * what is wrong, what was expected. A file that is not a log of ours, is of a newer schema, or is in use by another
 * process is refused and not touched. Errors: WSM_ERR_INVALID, WSM_ERR_VERSION, WSM_ERR_LOG_FORMAT, WSM_ERR_LOG_LOCKED,
 * WSM_ERR_LOG_IO, WSM_ERR_NOMEM; then `*db` is NULL. Thread: any. */
WSM_API int wsm_sqlite_open(wsm_sqlite **db, const wsm_sqlite_config *config, char *why, size_t why_cap);

/* Fill `log`, which wsm_log_init has made, for wsm_hub_new. One hub at a time (a second one is not made:
 * WSM_ERR_STATE); `db` must outlive it. Errors: WSM_ERR_INVALID. Thread: any. */
WSM_API int wsm_sqlite_log(wsm_sqlite *db, wsm_log *log);

/* Numbers for metrics. */
typedef struct wsm_sqlite_stats {
    size_t size;
    uint64_t commits;
    uint64_t records;  /* appended since open */
    uint64_t failures; /* appends that failed */
    uint64_t corrupt;  /* records whose checksum was wrong */
    uint64_t queued;   /* records that wait */
    uint64_t bytes;    /* of the database file and its WAL */
} wsm_sqlite_stats;

/* Fills `stats` with zeroes and its size; `size` is sizeof(wsm_sqlite_stats) as the caller knows it. Any thread. */
WSM_API void wsm_sqlite_stats_init(wsm_sqlite_stats *stats, size_t size);

/* Fill in the numbers of now. Errors: WSM_ERR_INVALID, WSM_ERR_NOMEM. Thread: any. */
WSM_API int wsm_sqlite_stats_get(wsm_sqlite *db, wsm_sqlite_stats *stats);

/* End the thread, checkpoint and close. The hub must be freed already. May wait for the disk. NULL does nothing.
 * Thread: any, but no other may call with `db`. */
WSM_API void wsm_sqlite_close(wsm_sqlite *db);

#ifdef __cplusplus
}
#endif

#endif
