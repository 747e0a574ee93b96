/* The handle and its thread. The hub's thread puts work into the handle under the mutex; the worker takes it out, and
 * alone touches the store. */
#ifndef WSM_LIB_SQLITE_WORKER_H
#define WSM_LIB_SQLITE_WORKER_H

#include <pthread.h>

#include "file.h"
#include "store.h"
#include "wsm/sqlite.h"

#define WSM__SQLITE_QUEUE_BYTES_MAX (128u << 20) /* of records that wait; a hub's whole budget is 256 MiB */
#define WSM__SQLITE_READS_MAX       1024u        /* that wait for an answer; a hub asks for 16 pages at a time */

/* The way back into the hub; unit tests put a recorder here. */
typedef struct wsm__sqlite_calls {
    int (*snapshot)(wsm_hub *hub, uint64_t offset, const void *bytes, size_t len);
    int (*deliver)(wsm_hub *hub, const wsm_record *records, size_t count);
    int (*done)(wsm_hub *hub, uint64_t append_id, int outcome);
    int (*page)(wsm_hub *hub, uint64_t read_id, const wsm_record *records, size_t count, int outcome);
    int (*ready)(wsm_hub *hub, const wsm_log_info *info, int outcome);
} wsm__sqlite_calls;

typedef struct wsm__sqlite_read {
    struct wsm__sqlite_read *next;
    uint64_t read_id, from, to;
    size_t records_max, bytes_max;
} wsm__sqlite_read;

/* The life of a hub at this log. Only the hub's thread moves to OPENING and CLOSING, only the worker to the others. */
typedef enum wsm__sqlite_hub {
    WSM__SQLITE_HUB_NONE,
    WSM__SQLITE_HUB_OPENING, /* open() was called, the worker has not begun to load */
    WSM__SQLITE_HUB_OPEN,
    WSM__SQLITE_HUB_CLOSING /* close() waits until the worker has finished */
} wsm__sqlite_hub;

struct wsm_sqlite {
    wsm__sqlite_calls calls; /* constant while a hub is here */
    wsm__sqlite_lock lock;
    char *path, *vfs;
    uint32_t queue_max;
    pthread_t thread;

    pthread_mutex_t mutex; /* guards what follows, up to the store */
    pthread_cond_t work;   /* the worker waits here, */
    pthread_cond_t idle;   /* and close() here */
    wsm_hub *hub;
    wsm__sqlite_hub state;
    bool stop;
    wsm__sqlite_batch *batches, **batches_end;
    wsm__sqlite_read *reads, **reads_end;
    size_t reads_count;
    wsm__sqlite_snapshot save; /* at most one waits; a newer one takes its place */
    uint64_t trim_to;
    uint64_t queued_bytes;  /* of records that wait, those being committed included */
    wsm_sqlite_stats stats; /* `queued` counts like queued_bytes; `bytes` is not kept */

    /* The worker's alone. */
    wsm__sqlite_store store;
    bool loaded;         /* the hub has had wsm_log_ready without an error */
    uint64_t delivered;  /* the last offset that the hub has had */
    uint64_t failing;    /* appends that failed since the last that did not: one episode, two log lines */
    int64_t repair_at;   /* when a broken store is opened again, */
    int64_t repair_wait; /* and how long to wait if that fails */
    int64_t retain_at;   /* when retention is looked at; -1: no need. All in ms of the monotonic clock */
};

/* Start the thread; the store is open. Returns 0, WSM_ERR_NOMEM or WSM_ERR_LOG_IO. */
int wsm__sqlite_worker_start(wsm_sqlite *db);

/* Finish what waits, end the thread. */
void wsm__sqlite_worker_stop(wsm_sqlite *db);

/* For unit tests: make `calls` the way back. Before a hub is here. */
void wsm__sqlite_calls_set(wsm_sqlite *db, const wsm__sqlite_calls *calls);

#endif
