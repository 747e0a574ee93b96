/* Retention: the oldest records go when there are too many, too large or too old, or when the hub asks for them no
 * more. Never those after the oldest snapshot, without which the state could not be loaded, and never the newest, from
 * which the next offset is counted. `bytes_max` is compared with the pages in use: the sum of all records would have to
 * be read from all of them. */
#include "store.h"

static int bytes_used(wsm__sqlite_store *store, uint64_t *used) {
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_BYTES_USED];
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) *used = (uint64_t)sqlite3_column_int64(stmt, 0);
    wsm__sqlite_db_reset(store, WSM__SQLITE_BYTES_USED);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static bool must_go(const wsm__sqlite_store *store, uint64_t offset, int64_t kept_at, uint64_t used, int64_t now_s) {
    if (offset <= store->trim_to) return true;
    if (store->records_max > 0 && store->last - offset >= store->records_max) return true;
    if (store->bytes_max > 0 && used > store->bytes_max) return true;
    return store->age_s > 0 && now_s > kept_at && (uint64_t)(now_s - kept_at) > store->age_s;
}

/* Walk the oldest rows up to `limit` and set `*cut` to the last one that must go (0: none). */
static int cut_find(wsm__sqlite_store *store, uint64_t limit, int64_t now_s, uint64_t *cut, int *rows) {
    uint64_t used = 0;
    int rc = store->bytes_max > 0 ? bytes_used(store, &used) : SQLITE_OK;
    if (rc != SQLITE_OK) return rc;
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_RECORD_OLDEST];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)limit);
    sqlite3_bind_int(stmt, 2, WSM__SQLITE_RETAIN_ROWS);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint64_t offset = (uint64_t)sqlite3_column_int64(stmt, 0);
        uint64_t len = (uint64_t)sqlite3_column_int64(stmt, 1);
        if (!must_go(store, offset, sqlite3_column_int64(stmt, 2), used, now_s)) {
            rc = SQLITE_DONE;
            break;
        }
        *cut = offset;
        (*rows)++;
        used -= len < used ? len : used;
    }
    wsm__sqlite_db_reset(store, WSM__SQLITE_RECORD_OLDEST);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int wsm__sqlite_retain_step(wsm__sqlite_store *store, int64_t now_s) {
    if (store->broken) return WSM_ERR_STORE_FAILED;
    if (store->first == 0 || store->snapshot_floor == 0) return 0;
    uint64_t limit = store->snapshot_floor < store->last ? store->snapshot_floor : store->last - 1;
    uint64_t cut = 0;
    int rows = 0;
    int rc = cut_find(store, limit, now_s, &cut, &rows);
    if (rc == SQLITE_OK && cut > 0) {
        rc = wsm__sqlite_db_begin(store, WSM__SQLITE_BEGIN_WRITE);
        sqlite3_bind_int64(store->stmt[WSM__SQLITE_RECORD_REMOVE], 1, (sqlite3_int64)cut);
        if (rc == SQLITE_OK) rc = wsm__sqlite_db_run(store, WSM__SQLITE_RECORD_REMOVE);
        if (rc == SQLITE_OK) rc = wsm__sqlite_db_run(store, WSM__SQLITE_COMMIT);
        if (rc == SQLITE_OK) rc = wsm__sqlite_store_extent(store);
    }
    if (rc != SQLITE_OK) return wsm__sqlite_store_fail(store, "old records were not removed", rc);
    return rows == WSM__SQLITE_RETAIN_ROWS;
}
