/* What opening mends. The newest row says where the log ends, and everything up to there is delivered; so a row whose
 * offset was damaged would make the log as long as the damage pleases, and a hub load empty records until it dies.
 *
 * A checksum covers the offset. Rows above the newest one that is whole are believed if they stand where the next one
 * had to stand. Otherwise they are moved, lowest first: to the place where the checksum matches, if that is not far,
 * and the row is whole again; else to the next place, where it is broken and becomes a gap. Nothing is thrown away but
 * a snapshot that is broken anyway and claims to be newer than all records.
 *
 * SQLite finds the place of a row by halving. Where the newest rows do not rise, it would put later ones among them,
 * and not find them again: such a file is refused. Further back that only hides rows, which are gaps then. */
#include "store.h"

#define PLACES_MAX  1024u /* that are tried for a row: so many rows may have been lost before it */
#define ROWS_MAX    4096u /* that are looked at */
#define NEWEST_ROWS 28u   /* at least those on the last page of 4096 bytes: a record of a hub has 150 or more */
#define MOVES_MAX   32u   /* rows moved, snapshots dropped: more is no damage but ruin */

/* Whether the row that the statement has stepped to matches its checksum at `offset`, which may be another than its
 * own. */
static bool matches(const wsm__sqlite_store *store, sqlite3_stmt *stmt, uint64_t offset) {
    const void *bytes = sqlite3_column_blob(stmt, 0);
    size_t len = (size_t)sqlite3_column_bytes(stmt, 0);
    uint64_t sum = (uint64_t)sqlite3_column_int64(stmt, 1);
    return bytes && offset <= WSM__SQLITE_OFFSET_MAX && sum == wsm__sqlite_store_checksum(store, offset, bytes, len);
}

/* `*place` is the first of `count` offsets from `first` on at which the row `offset` is whole; 0: it is broken. Returns
 * SQLITE_OK, or an error that says nothing of the row. */
static int place_find(wsm__sqlite_store *store, wsm__sqlite_stmt get, uint64_t offset, uint64_t first, uint64_t count,
                      uint64_t *place) {
    sqlite3_stmt *stmt = store->stmt[get];
    *place = 0;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)offset);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && !sqlite3_column_blob(stmt, 0) && sqlite3_errcode(store->db) == SQLITE_NOMEM)
        rc = SQLITE_NOMEM;
    for (uint64_t o = first; rc == SQLITE_ROW && o < first + count && !*place; o++)
        if (matches(store, stmt, o)) *place = o;
    wsm__sqlite_db_reset(store, get);
    return rc == SQLITE_ROW || rc == SQLITE_DONE || (rc & 0xff) == SQLITE_CORRUPT ? SQLITE_OK : rc;
}

/* The largest offset of a table below `limit`; 0: none. */
static int newest_below(wsm__sqlite_store *store, wsm__sqlite_stmt which, uint64_t limit, uint64_t *newest) {
    sqlite3_stmt *stmt = store->stmt[which];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)limit);
    int rc = sqlite3_step(stmt);
    int64_t value = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    *newest = value > 0 ? (uint64_t)value : 0;
    wsm__sqlite_db_reset(store, which);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* The newest snapshot that may be believed; those above `records` that may not are dropped. */
static int snapshots_mend(wsm__sqlite_store *store, uint64_t records, uint64_t *newest) {
    uint64_t limit = INT64_MAX, place;
    for (unsigned tries = 0; tries < MOVES_MAX; tries++) {
        int rc = newest_below(store, WSM__SQLITE_SNAPSHOT_BELOW, limit, newest);
        if (rc != SQLITE_OK || *newest == 0) return rc;
        rc = place_find(store, WSM__SQLITE_SNAPSHOT_GET, *newest, *newest, 1, &place);
        if (rc != SQLITE_OK || place) return rc;
        if (*newest > records) {
            wsm__sqlite_say_line(&store->say, WSM_LEVEL_ERROR,
                                 "%s: a broken snapshot claims the offset %llu, beyond all records, and was removed",
                                 store->path, (unsigned long long)*newest);
            sqlite3_bind_int64(store->stmt[WSM__SQLITE_SNAPSHOT_DROP], 1, (sqlite3_int64)*newest);
            rc = wsm__sqlite_db_run(store, WSM__SQLITE_SNAPSHOT_DROP);
            if (rc != SQLITE_OK) return rc;
        }
        limit = *newest;
    }
    return SQLITE_CORRUPT;
}

static int row_move(wsm__sqlite_store *store, uint64_t from, uint64_t to, bool is_whole) {
    wsm__sqlite_say_line(
        &store->say, WSM_LEVEL_ERROR, "%s: a damaged row claims the offset %llu; it is taken as %llu, %s", store->path,
        (unsigned long long)from, (unsigned long long)to, is_whole ? "where its checksum is right" : "and is corrupt");
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_RECORD_MOVE];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)from);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)to);
    return wsm__sqlite_db_run(store, WSM__SQLITE_RECORD_MOVE);
}

/* Rows that are broken, newest first, down to one that is whole, whose offset is `*whole` (0: none). */
static int broken_list(wsm__sqlite_store *store, uint64_t rows[ROWS_MAX], size_t *count, uint64_t *whole) {
    uint64_t limit = INT64_MAX, place;
    for (*count = 0; *count < ROWS_MAX; (*count)++) {
        int rc = newest_below(store, WSM__SQLITE_RECORD_BELOW, limit, whole);
        if (rc != SQLITE_OK || *whole == 0) return rc;
        rc = place_find(store, WSM__SQLITE_RECORD_GET, *whole, *whole, 1, &place);
        if (rc != SQLITE_OK || place) return rc;
        limit = rows[*count] = *whole;
    }
    *whole = limit - 1; /* so many rows cannot have lost their offsets: the others are where they are */
    return SQLITE_OK;
}

static int rows_mend(wsm__sqlite_store *store, const uint64_t *rows, size_t count, uint64_t last) {
    unsigned moves = 0;
    for (size_t i = count; i-- > 0;) { /* lowest first */
        uint64_t place;
        if (rows[i] <= last + 1) {
            last = rows[i] > last ? rows[i] : last;
            continue;
        }
        int rc = place_find(store, WSM__SQLITE_RECORD_GET, rows[i], last + 1, PLACES_MAX, &place);
        if (rc == SQLITE_OK && ++moves > MOVES_MAX) rc = SQLITE_CORRUPT;
        if (rc == SQLITE_OK) rc = row_move(store, rows[i], place ? place : last + 1, place != 0);
        if (rc != SQLITE_OK) return rc;
        last = place ? place : last + 1;
    }
    return SQLITE_OK;
}

/* SQLITE_CORRUPT: the newest rows do not rise. A page further back that cannot be read says nothing of them. */
static int order_check(wsm__sqlite_store *store) {
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_RECORD_NEWEST];
    int64_t later = 0;
    bool rises = true;
    sqlite3_bind_int64(stmt, 1, NEWEST_ROWS);
    int rc = sqlite3_step(stmt);
    for (bool is_first = true; rc == SQLITE_ROW && rises; is_first = false, rc = sqlite3_step(stmt)) {
        int64_t offset = sqlite3_column_int64(stmt, 0);
        rises = is_first || offset < later;
        later = offset;
    }
    wsm__sqlite_db_reset(store, WSM__SQLITE_RECORD_NEWEST);
    if (!rises) return SQLITE_CORRUPT;
    return rc == SQLITE_ROW || rc == SQLITE_DONE || (rc & 0xff) == SQLITE_CORRUPT ? SQLITE_OK : rc;
}

int wsm__sqlite_store_mend(wsm__sqlite_store *store) {
    uint64_t whole = 0, saved = 0;
    size_t count = 0;
    uint64_t *rows = sqlite3_malloc64(ROWS_MAX * sizeof *rows);
    if (!rows) return SQLITE_NOMEM;
    int rc = order_check(store);
    if (rc == SQLITE_OK) rc = broken_list(store, rows, &count, &whole);
    if (rc == SQLITE_OK) rc = newest_below(store, WSM__SQLITE_SNAPSHOT_BELOW, INT64_MAX, &saved);
    if (rc == SQLITE_OK && (count > 0 || saved > whole)) rc = snapshots_mend(store, whole, &saved);
    if (rc == SQLITE_OK) rc = rows_mend(store, rows, count, saved > whole ? saved : whole);
    sqlite3_free(rows);
    return rc;
}
