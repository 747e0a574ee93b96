/* Writing records. Offsets are given out here: last + 1 and so on, and `last` moves only after the COMMIT, so an offset
 * that anybody has seen is never given to other bytes.
 *
 * Appends that wait share one transaction. A savepoint around each keeps one that SQLite will not take (too big) from
 * failing the others; anything else fails all of them. */
#define _POSIX_C_SOURCE 200809L
#include "store.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

int wsm__sqlite_store_extent(wsm__sqlite_store *store) {
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_EXTENT];
    uint64_t ends[4] = {0};
    int rc = sqlite3_step(stmt);
    for (int i = 0; i < 4 && rc == SQLITE_ROW; i++) {
        ends[i] = (uint64_t)sqlite3_column_int64(stmt, i); /* NULL reads as 0 */
        if (ends[i] > WSM__SQLITE_OFFSET_MAX) rc = SQLITE_CORRUPT;
    }
    wsm__sqlite_db_reset(store, WSM__SQLITE_EXTENT);
    if (rc != SQLITE_ROW) return rc;
    store->first = ends[0];
    store->snapshot_floor = ends[2];
    /* The snapshot's too, should the newest records be lost: their offsets are never given out again. */
    store->last = larger(ends[1], ends[3]);
    return SQLITE_OK;
}

uint64_t wsm__sqlite_store_checksum(const wsm__sqlite_store *store, uint64_t offset, const void *bytes, size_t len) {
    unsigned char place[8];
    for (int i = 0; i < 8; i++) place[i] = (unsigned char)(offset >> (8 * i));
    uint64_t sum = wsm__crc64_update(&store->crc, 0, store->epoch, WSM__SQLITE_EPOCH_LEN);
    sum = wsm__crc64_update(&store->crc, sum, place, sizeof place);
    return wsm__crc64_update(&store->crc, sum, bytes, len);
}

int wsm__sqlite_store_fail(wsm__sqlite_store *store, const char *what, int rc) {
    if (!store->told) {
        wsm__sqlite_say_line(&store->say, WSM_LEVEL_ERROR, "%s: %s: %s (SQLite %d)", store->path, what,
                             sqlite3_errmsg(store->db), rc);
    }
    store->told = true;
    if (!sqlite3_get_autocommit(store->db)) wsm__sqlite_db_run(store, WSM__SQLITE_ROLLBACK);
    store->broken = true;
    return WSM_ERR_STORE_FAILED;
}

static int record_put(wsm__sqlite_store *store, const wsm_record *record, int64_t now_s) {
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_RECORD_PUT];
    uint64_t sum = wsm__sqlite_store_checksum(store, record->offset, record->bytes, record->len);
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)record->offset);
    int rc = sqlite3_bind_blob64(stmt, 2, record->bytes, record->len, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, (sqlite3_int64)sum);
    sqlite3_bind_int64(stmt, 4, now_s);
    if (rc == SQLITE_OK) return wsm__sqlite_db_run(store, WSM__SQLITE_RECORD_PUT);
    wsm__sqlite_db_reset(store, WSM__SQLITE_RECORD_PUT);
    return rc;
}

/* Whether an error concerns this append only. SQLite may have rolled the whole transaction back by itself. */
static bool is_own_fault(const wsm__sqlite_store *store, int rc) {
    return ((rc & 0xff) == SQLITE_TOOBIG || (rc & 0xff) == SQLITE_NOMEM) && !sqlite3_get_autocommit(store->db);
}

/* Insert one append inside the transaction, from `*next` on. SQLITE_OK also when it was undone and carries an error. */
static int batch_put(wsm__sqlite_store *store, wsm__sqlite_batch *batch, uint64_t *next, int64_t now_s) {
    batch->outcome = 0;
    if (batch->count > WSM__SQLITE_OFFSET_MAX - *next) {
        batch->outcome = WSM_ERR_STORE_FAILED;
        return SQLITE_OK;
    }
    int rc = wsm__sqlite_db_run(store, WSM__SQLITE_SAVEPOINT);
    for (size_t i = 0; i < batch->count && rc == SQLITE_OK; i++) {
        batch->records[i].offset = *next + i;
        rc = record_put(store, &batch->records[i], now_s);
    }
    if (rc == SQLITE_OK) {
        *next += batch->count;
        return wsm__sqlite_db_run(store, WSM__SQLITE_RELEASE);
    }
    if (!is_own_fault(store, rc)) return rc;
    wsm__sqlite_say_line(&store->say, WSM_LEVEL_ERROR, "%s: an append of %zu records failed: %s (SQLite %d)",
                         store->path, batch->count, sqlite3_errmsg(store->db), rc);
    batch->outcome = WSM_ERR_STORE_FAILED;
    rc = wsm__sqlite_db_run(store, WSM__SQLITE_UNDO);
    return rc == SQLITE_OK ? wsm__sqlite_db_run(store, WSM__SQLITE_RELEASE) : rc;
}

/* SQLITE_CORRUPT: the record `last` is not the last of its table, or cannot be found. Damage of the tree that leads to
 * the newest rows makes SQLite put a row where it is lost, and say that all is well. */
static int end_check(wsm__sqlite_store *store, uint64_t last) {
    sqlite3_stmt *newest = store->stmt[WSM__SQLITE_RECORD_NEWEST], *get = store->stmt[WSM__SQLITE_RECORD_GET];
    sqlite3_bind_int64(newest, 1, 1);
    int rc = sqlite3_step(newest);
    if (rc == SQLITE_ROW && (uint64_t)sqlite3_column_int64(newest, 0) != last) rc = SQLITE_DONE;
    wsm__sqlite_db_reset(store, WSM__SQLITE_RECORD_NEWEST);
    if (rc == SQLITE_ROW) {
        sqlite3_bind_int64(get, 1, (sqlite3_int64)last);
        rc = sqlite3_step(get);
        wsm__sqlite_db_reset(store, WSM__SQLITE_RECORD_GET);
    }
    if (rc != SQLITE_DONE) return rc == SQLITE_ROW ? SQLITE_OK : rc;
    if (!store->told)
        wsm__sqlite_say_line(&store->say, WSM_LEVEL_ERROR,
                             "%s: record %llu is not where it was put: the file is damaged", store->path,
                             (unsigned long long)last);
    store->told = true;
    return SQLITE_CORRUPT;
}

int wsm__sqlite_store_append(wsm__sqlite_store *store, wsm__sqlite_batch *batches) {
    int64_t now_s = (int64_t)time(NULL);
    uint64_t next = store->last + 1;
    int rc = store->broken ? SQLITE_IOERR : wsm__sqlite_db_begin(store, WSM__SQLITE_BEGIN_WRITE);
    for (wsm__sqlite_batch *batch = batches; batch && rc == SQLITE_OK; batch = batch->next) {
        rc = batch_put(store, batch, &next, now_s);
    }
    if (rc == SQLITE_OK && next > store->last + 1) rc = end_check(store, next - 1);
    if (rc == SQLITE_OK) rc = wsm__sqlite_db_run(store, WSM__SQLITE_COMMIT);
    if (rc == SQLITE_OK) {
        if (store->first == 0 && next > 1) store->first = store->last + 1;
        store->last = next - 1;
        store->told = false;
        return 0;
    }
    for (wsm__sqlite_batch *batch = batches; batch; batch = batch->next) batch->outcome = WSM_ERR_STORE_FAILED;
    return store->broken ? WSM_ERR_STORE_FAILED : wsm__sqlite_store_fail(store, "append failed", rc);
}

/* A new log is made beside its place and moved there when it is whole: a crash on the way leaves no log, never half of
 * one. */
static int log_make(const wsm__sqlite_store *store, char *why, size_t why_cap) {
    char *made = sqlite3_mprintf("%s.new", store->path);
    if (!made) return wsm__sqlite_say_why(why, why_cap, WSM_ERR_NOMEM, "%s: out of memory", store->path);
    int err = wsm__sqlite_file_create(made, why, why_cap);
    if (err == 0) err = wsm__sqlite_db_make(store, made, why, why_cap);
    if (err == 0) err = wsm__sqlite_file_place(made, store->path, why, why_cap);
    if (err) unlink(made);
    sqlite3_free(made);
    return err;
}

int wsm__sqlite_store_open(wsm__sqlite_store *store, char *why, size_t why_cap) {
    wsm__sqlite_file kind;
    int err = wsm__sqlite_file_probe(&kind, store->path, why, why_cap);
    if (err == 0 && kind != WSM__SQLITE_FILE_OURS) err = log_make(store, why, why_cap);
    if (err) return err;
    err = wsm__sqlite_db_open(store, why, why_cap);
    if (err && kind == WSM__SQLITE_FILE_ABSENT) unlink(store->path);
    return err;
}

int wsm__sqlite_store_reopen(wsm__sqlite_store *store, char *why, size_t why_cap) {
    char epoch[sizeof store->epoch];
    uint64_t last = store->last;
    wsm__sqlite_file kind;
    memcpy(epoch, store->epoch, sizeof epoch);
    wsm__sqlite_db_close(store);
    int err = wsm__sqlite_file_probe(&kind, store->path, why, why_cap);
    if (err) return err;
    if (kind != WSM__SQLITE_FILE_OURS) {
        return wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_IO, "%s: the file is gone", store->path);
    }
    err = wsm__sqlite_db_open(store, why, why_cap);
    if (err) return err;
    if (memcmp(epoch, store->epoch, sizeof epoch) == 0 && store->last >= last) {
        store->broken = false;
        return 0;
    }
    /* Going on would give offsets that the hub has seen to other records. */
    memcpy(store->epoch, epoch, sizeof epoch);
    store->last = last;
    wsm__sqlite_db_close(store);
    return wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_IO,
                               "%s: was replaced by another log or an older copy while it was in use", store->path);
}
