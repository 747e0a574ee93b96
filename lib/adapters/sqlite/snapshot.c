/* Snapshots. Two are kept, and the records after the older one: when the newest turns out to be broken, the older one
 * and those records yield the same state. */
#include "store.h"

#include <string.h>

int wsm__sqlite_snapshot_save(wsm__sqlite_store *store, uint64_t offset, const void *bytes, size_t len) {
    if (store->broken) return WSM_ERR_STORE_FAILED;
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_SNAPSHOT_PUT];
    int rc = wsm__sqlite_db_begin(store, WSM__SQLITE_BEGIN_WRITE);
    if (rc == SQLITE_OK) {
        uint64_t sum = wsm__sqlite_store_checksum(store, offset, bytes, len);
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)offset);
        rc = sqlite3_bind_blob64(stmt, 2, bytes, len, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 3, (sqlite3_int64)sum);
    }
    if (rc == SQLITE_OK) rc = wsm__sqlite_db_run(store, WSM__SQLITE_SNAPSHOT_PUT);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int(store->stmt[WSM__SQLITE_SNAPSHOT_REMOVE], 1, WSM__SQLITE_SNAPSHOTS);
        rc = wsm__sqlite_db_run(store, WSM__SQLITE_SNAPSHOT_REMOVE);
    }
    if (rc == SQLITE_OK) rc = wsm__sqlite_db_run(store, WSM__SQLITE_COMMIT);
    if (rc == SQLITE_OK) rc = wsm__sqlite_store_extent(store);
    wsm__sqlite_db_reset(store, WSM__SQLITE_SNAPSHOT_PUT);
    return rc == SQLITE_OK ? 0 : wsm__sqlite_store_fail(store, "the snapshot was not kept", rc);
}

/* The offsets of the snapshots, newest first. Returns how many; the list is as long as the file lets it be read. */
static size_t offsets_list(wsm__sqlite_store *store, uint64_t offsets[WSM__SQLITE_SNAPSHOTS], int *rc) {
    size_t count = 0;
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_SNAPSHOT_LIST];
    while (count < WSM__SQLITE_SNAPSHOTS && (*rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        offsets[count++] = (uint64_t)sqlite3_column_int64(stmt, 0);
    }
    wsm__sqlite_db_reset(store, WSM__SQLITE_SNAPSHOT_LIST);
    return count;
}

/* 0: `snapshot` is filled; WSM_ERR_LOG_CORRUPT: this one is broken; WSM_ERR_NOMEM. */
static int snapshot_get(wsm__sqlite_store *store, uint64_t offset, wsm__sqlite_snapshot *snapshot) {
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_SNAPSHOT_GET];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)offset);
    int err = WSM_ERR_LOG_CORRUPT;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(stmt, 0);
        size_t len = (size_t)sqlite3_column_bytes(stmt, 0);
        uint64_t sum = (uint64_t)sqlite3_column_int64(stmt, 1);
        if (!bytes && sqlite3_errcode(store->db) == SQLITE_NOMEM) {
            err = WSM_ERR_NOMEM;
        } else if (bytes && sum == wsm__sqlite_store_checksum(store, offset, bytes, len)) {
            *snapshot = (wsm__sqlite_snapshot){.offset = offset, .bytes = sqlite3_malloc64(len), .len = len};
            if (snapshot->bytes) memcpy(snapshot->bytes, bytes, len);
            err = snapshot->bytes ? 0 : WSM_ERR_NOMEM;
        }
    } else if (wsm__sqlite_db_err(rc) == WSM_ERR_NOMEM) {
        err = WSM_ERR_NOMEM;
    }
    wsm__sqlite_db_reset(store, WSM__SQLITE_SNAPSHOT_GET);
    return err;
}

int wsm__sqlite_snapshot_load(wsm__sqlite_store *store, wsm__sqlite_snapshot *snapshot) {
    *snapshot = (wsm__sqlite_snapshot){0};
    if (store->broken) return WSM_ERR_LOG_IO;
    uint64_t offsets[WSM__SQLITE_SNAPSHOTS];
    int rc = SQLITE_DONE;
    size_t count = offsets_list(store, offsets, &rc);
    if (wsm__sqlite_db_err(rc) == WSM_ERR_NOMEM) return WSM_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        int err = snapshot_get(store, offsets[i], snapshot);
        if (err != WSM_ERR_LOG_CORRUPT) return err;
        wsm__sqlite_say_line(&store->say, WSM_LEVEL_ERROR, "%s: the snapshot at offset %llu is corrupt", store->path,
                             (unsigned long long)offsets[i]);
    }
    /* Without any snapshot nothing was ever removed, and a row missing at the front is a lost one. */
    return store->snapshot_floor == 0 || store->first == 1 ? 0 : WSM_ERR_LOG_CORRUPT;
}
