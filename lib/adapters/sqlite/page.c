/* Reading records. Each is looked up by its offset rather than found by walking the table: a lost row is then seen as
 * such, and one damaged page of the file hides the records on it and no others. */
#include "store.h"

#include <string.h>

#define RECORDS_CAP_MIN 64
#define BYTES_CAP_MIN   16384

typedef enum verdict { WHOLE, BROKEN, FULL, FAILED } verdict;

static bool page_room(wsm__sqlite_page *page, size_t len) {
    if (page->count == page->cap) {
        size_t cap = page->cap ? page->cap * 2 : RECORDS_CAP_MIN;
        wsm_record *records = sqlite3_realloc64(page->records, cap * sizeof *records);
        if (!records) return false;
        page->records = records;
        page->cap = cap;
    }
    if (len > page->bytes_cap - page->bytes_len) {
        size_t cap = page->bytes_cap ? page->bytes_cap * 2 : BYTES_CAP_MIN;
        if (cap < page->bytes_len + len) cap = page->bytes_len + len;
        unsigned char *bytes = sqlite3_realloc64(page->bytes, cap);
        if (!bytes) return false;
        page->bytes = bytes;
        page->bytes_cap = cap;
    }
    return true;
}

/* What the file itself is to blame for. The kernel has tried again already what can be tried again, so a sector that
 * cannot be read is a broken record and no reason to stop. */
static bool is_unreadable(int rc) {
    return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB || rc == SQLITE_IOERR_READ ||
           rc == SQLITE_IOERR_SHORT_READ || rc == SQLITE_IOERR_CORRUPTFS || rc == SQLITE_IOERR_DATA;
}

/* Put the record `offset` at the end of the page. The statement is reset by the caller. */
static verdict record_read(wsm__sqlite_store *store, wsm__sqlite_page *page, uint64_t offset, size_t bytes_max,
                           int *rc) {
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_RECORD_GET];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)offset);
    const void *bytes = NULL;
    size_t len = 0;
    *rc = sqlite3_step(stmt);
    if (*rc == SQLITE_ROW) {
        bytes = sqlite3_column_blob(stmt, 0);
        len = (size_t)sqlite3_column_bytes(stmt, 0);
        if (!bytes && sqlite3_errcode(store->db) == SQLITE_NOMEM) {
            *rc = SQLITE_NOMEM;
            return FAILED;
        }
        uint64_t sum = (uint64_t)sqlite3_column_int64(stmt, 1);
        if (!bytes || len > WSM__SQLITE_RECORD_BYTES_MAX ||
            sum != wsm__sqlite_store_checksum(store, offset, bytes, len))
            len = 0;
    } else if (*rc != SQLITE_DONE && !is_unreadable(*rc)) {
        return FAILED;
    }
    if (page->count > 0 && (page->bytes_len >= bytes_max || len > bytes_max - page->bytes_len)) return FULL;
    if (!page_room(page, len)) {
        *rc = SQLITE_NOMEM;
        return FAILED;
    }
    if (len > 0) memcpy(page->bytes + page->bytes_len, bytes, len);
    page->bytes_len += len;
    page->records[page->count++] = (wsm_record){.offset = offset, .len = len};
    return len > 0 ? WHOLE : BROKEN;
}

/* The bytes moved while they grew; now they stay where they are. */
static void page_point(wsm__sqlite_page *page) {
    const unsigned char *at = page->bytes;
    for (size_t i = 0; i < page->count; i++) {
        if (page->records[i].len == 0) continue;
        page->records[i].bytes = at;
        at += page->records[i].len;
    }
}

/* Rolled back, for there is nothing to commit, and COMMIT fails once a damaged page was met. SQLite may have done it by
 * itself. */
static void read_end(wsm__sqlite_store *store) {
    if (!sqlite3_get_autocommit(store->db)) wsm__sqlite_db_run(store, WSM__SQLITE_ROLLBACK);
}

static int page_fail(wsm__sqlite_store *store, wsm__sqlite_page *page, int rc) {
    page->count = 0;
    if (wsm__sqlite_db_err(rc) == WSM_ERR_NOMEM) {
        read_end(store);
        return WSM_ERR_NOMEM;
    }
    wsm__sqlite_store_fail(store, "records cannot be read", rc);
    return WSM_ERR_LOG_IO;
}

int wsm__sqlite_page_read(wsm__sqlite_store *store, wsm__sqlite_page *page, uint64_t from, uint64_t to,
                          size_t records_max, size_t bytes_max) {
    page->count = 0;
    page->bytes_len = 0;
    if (store->broken) return WSM_ERR_LOG_IO;
    uint64_t broken = 0;
    if (to > store->last) to = store->last;
    if (from == 0 || from > to) return 0;
    if (records_max == 0) records_max = 1;

    int rc = wsm__sqlite_db_begin(store, WSM__SQLITE_BEGIN_READ);
    if (rc != SQLITE_OK) return page_fail(store, page, rc);
    for (uint64_t offset = from; offset <= to && page->count < records_max; offset++) {
        verdict seen = record_read(store, page, offset, bytes_max, &rc);
        wsm__sqlite_db_reset(store, WSM__SQLITE_RECORD_GET);
        if (seen == FAILED) return page_fail(store, page, rc);
        if (seen == FULL) break;
        if (seen == BROKEN) broken++;
    }
    read_end(store);
    page_point(page);
    if (broken > 0) {
        store->corrupt += broken;
        wsm__sqlite_say_line(&store->say, WSM_LEVEL_ERROR, "%s: %llu of the records %llu to %llu are corrupt or lost",
                             store->path, (unsigned long long)broken, (unsigned long long)from,
                             (unsigned long long)page->records[page->count - 1].offset);
    }
    return 0;
}

void wsm__sqlite_page_fini(wsm__sqlite_page *page) {
    sqlite3_free(page->records);
    sqlite3_free(page->bytes);
    *page = (wsm__sqlite_page){0};
}
