/* Open and close: the configuration, then the lock, the file, the store and the thread, in this order; close and every
 * failure undo them in reverse. Memory is SQLite's (sqlite3_malloc64), so that one limit and one counter hold for all.
 */
#define _POSIX_C_SOURCE 200809L
#include "wsm/sqlite.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "worker.h"

static const wsm_sqlite_config defaults = {.records_max = 1000000, .bytes_max = (uint64_t)4 << 30, .queue_max = 65536};

/* Fill a caller's struct of `size` bytes from ours of `known`; what the caller knows beyond that is 0. */
static void struct_out(void *theirs, size_t size, const void *ours, size_t known) {
    if (!theirs || size < sizeof(size_t)) return;
    memset(theirs, 0, size);
    memcpy(theirs, ours, size < known ? size : known);
    memcpy(theirs, &size, sizeof size); /* `size` is the first member of each of these structs */
}

void wsm_sqlite_config_init(wsm_sqlite_config *config, size_t size) {
    struct_out(config, size, &defaults, sizeof defaults);
}

static int config_in(wsm_sqlite_config *ours, const wsm_sqlite_config *theirs) {
    if (!theirs || theirs->size < offsetof(wsm_sqlite_config, records_max)) return WSM_ERR_INVALID;
    const unsigned char *bytes = (const unsigned char *)theirs;
    for (size_t i = sizeof *ours; i < theirs->size; i++) {
        if (bytes[i] != 0) return WSM_ERR_VERSION;
    }
    *ours = defaults;
    memcpy(ours, theirs, theirs->size < sizeof *ours ? theirs->size : sizeof *ours);
    if (!ours->path || !*ours->path) return WSM_ERR_INVALID;
    if (ours->queue_max == 0) ours->queue_max = defaults.queue_max;
    return 0;
}

static int sync_init(wsm_sqlite *db) {
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0) return WSM_ERR_NOMEM;
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&db->mutex, NULL);
    pthread_cond_init(&db->work, &monotonic);
    pthread_cond_init(&db->idle, NULL);
    pthread_condattr_destroy(&monotonic);
    return 0;
}

static void sync_fini(wsm_sqlite *db) {
    pthread_cond_destroy(&db->idle);
    pthread_cond_destroy(&db->work);
    pthread_mutex_destroy(&db->mutex);
}

static int db_new(wsm_sqlite **made, const wsm_sqlite_config *config) {
    wsm_sqlite *db = sqlite3_malloc64(sizeof *db);
    if (!db) return WSM_ERR_NOMEM;
    *db = (wsm_sqlite){
        .calls = {wsm_log_snapshot, wsm_log_deliver, wsm_log_done, wsm_log_page, wsm_log_ready},
        .lock = WSM__SQLITE_LOCK_NONE,
        .queue_max = config->queue_max,
        .store = {.say = {config->on_log, config->user},
                  .records_max = config->records_max,
                  .bytes_max = config->bytes_max,
                  .age_s = config->age_s},
    };
    db->batches_end = &db->batches;
    db->reads_end = &db->reads;
    int err = 0;
    if (config->vfs) {
        db->vfs = sqlite3_mprintf("%s", config->vfs);
        if (!db->vfs) err = WSM_ERR_NOMEM;
    }
    db->store.vfs = db->vfs;
    if (err == 0) err = sync_init(db);
    if (err == 0) {
        *made = db;
        return 0;
    }
    sqlite3_free(db->vfs);
    sqlite3_free(db);
    return err;
}

static void db_free(wsm_sqlite *db) {
    sync_fini(db);
    sqlite3_free(db->vfs);
    sqlite3_free(db->path);
    sqlite3_free(db);
}

static void mode_check(const wsm_sqlite *db) {
    struct stat st;
    if (stat(db->path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO))) {
        wsm__sqlite_say_line(&db->store.say, WSM_LEVEL_WARN, "%s: others may open it (mode %03o, expected 600)",
                             db->path, (unsigned)(st.st_mode & 0777));
    }
}

int wsm_sqlite_open(wsm_sqlite **opened, const wsm_sqlite_config *config, char *why, size_t why_cap) {
    wsm_sqlite_config ours;
    wsm_sqlite *db;
    if (!opened) return WSM_ERR_INVALID;
    *opened = NULL;
    int err = config_in(&ours, config);
    if (err == WSM_ERR_INVALID)
        return wsm__sqlite_say_why(why, why_cap, err,
                                   "path: expected the name of a file, in a struct whose size is set");
    if (err) return wsm__sqlite_say_why(why, why_cap, err, "the configuration is not valid: %s", wsm_strerror(err));
    err = db_new(&db, &ours);
    if (err) return wsm__sqlite_say_why(why, why_cap, err, "%s: out of memory", ours.path);

    err = wsm__sqlite_file_resolve(&db->path, ours.path, why, why_cap);
    db->store.path = db->path;
    if (err == 0) err = wsm__sqlite_lock_take(&db->lock, db->path, why, why_cap);
    if (err == 0) err = wsm__sqlite_store_open(&db->store, why, why_cap);
    if (err == 0) {
        mode_check(db);
        err = wsm__sqlite_worker_start(db);
        if (err) wsm__sqlite_say_why(why, why_cap, err, "%s: its thread cannot be started", db->path);
    }
    if (err == 0) {
        *opened = db;
        return 0;
    }
    wsm__sqlite_db_close(&db->store);
    wsm__sqlite_lock_release(&db->lock);
    db_free(db);
    return err;
}

void wsm_sqlite_stats_init(wsm_sqlite_stats *stats, size_t size) {
    static const wsm_sqlite_stats none = {0};
    struct_out(stats, size, &none, sizeof none);
}

static uint64_t file_bytes(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

int wsm_sqlite_stats_get(wsm_sqlite *db, wsm_sqlite_stats *stats) {
    if (!db || !stats || stats->size < sizeof(size_t)) return WSM_ERR_INVALID;
    char *wal = sqlite3_mprintf("%s-wal", db->path);
    if (!wal) return WSM_ERR_NOMEM;
    pthread_mutex_lock(&db->mutex);
    wsm_sqlite_stats now = db->stats;
    pthread_mutex_unlock(&db->mutex);
    now.bytes = file_bytes(db->path) + file_bytes(wal);
    sqlite3_free(wal);
    struct_out(stats, stats->size, &now, sizeof now);
    return 0;
}

void wsm_sqlite_close(wsm_sqlite *db) {
    if (!db) return;
    wsm__sqlite_worker_stop(db);
    wsm__sqlite_db_close(&db->store);
    wsm__sqlite_lock_release(&db->lock);
    db_free(db);
}
