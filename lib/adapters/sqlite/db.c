/* The connection: open, refuse what is not ours, make the schema, set what makes a commit durable.
 *
 * Whatever is found in the WAL on opening was written before, but nobody knows whether it was synced: after kill -9 it
 * may live in the page cache only, and after a failed fsync the kernel may have dropped it silently. It would be
 * delivered, and then lost with the power. So opening ends with a checkpoint that copies the WAL into the database,
 * syncs that and empties the WAL; a store that cannot do so is not open. */
#define _DEFAULT_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "file.h"
#include "store.h"

#define BUSY_TIMEOUT_MS 5000 /* somebody looks into the file with sqlite3(1) */

static const char *const sql[WSM__SQLITE_STMTS] = {
    [WSM__SQLITE_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [WSM__SQLITE_BEGIN_READ] = "BEGIN",
    [WSM__SQLITE_COMMIT] = "COMMIT",
    [WSM__SQLITE_ROLLBACK] = "ROLLBACK",
    [WSM__SQLITE_SAVEPOINT] = "SAVEPOINT batch",
    [WSM__SQLITE_UNDO] = "ROLLBACK TO batch",
    [WSM__SQLITE_RELEASE] = "RELEASE batch",
    [WSM__SQLITE_EPOCH] = "SELECT value FROM meta WHERE key = 'epoch'",
    /* One subquery each: min() and max() in one SELECT would scan the table. */
    /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one statement in two lines */
    [WSM__SQLITE_EXTENT] = "SELECT (SELECT min(\"offset\") FROM record), (SELECT max(\"offset\") FROM record),"
                           " (SELECT min(\"offset\") FROM snapshot), (SELECT max(\"offset\") FROM snapshot)",
    [WSM__SQLITE_RECORD_PUT] = "INSERT INTO record(\"offset\", bytes, checksum, kept_at) VALUES(?1, ?2, ?3, ?4)",
    [WSM__SQLITE_RECORD_GET] = "SELECT bytes, checksum FROM record WHERE \"offset\" = ?1",
    [WSM__SQLITE_RECORD_BELOW] = "SELECT max(\"offset\") FROM record WHERE \"offset\" < ?1",
    [WSM__SQLITE_RECORD_NEWEST] = "SELECT \"offset\" FROM record ORDER BY \"offset\" DESC LIMIT ?1",
    [WSM__SQLITE_RECORD_MOVE] = "UPDATE record SET \"offset\" = ?2 WHERE \"offset\" = ?1",
    [WSM__SQLITE_RECORD_OLDEST] = "SELECT \"offset\", length(bytes), kept_at FROM record WHERE \"offset\" <= ?1"
                                  " ORDER BY \"offset\" LIMIT ?2",
    [WSM__SQLITE_RECORD_REMOVE] = "DELETE FROM record WHERE \"offset\" <= ?1",
    [WSM__SQLITE_SNAPSHOT_PUT] = "INSERT OR REPLACE INTO snapshot(\"offset\", bytes, checksum) VALUES(?1, ?2, ?3)",
    [WSM__SQLITE_SNAPSHOT_GET] = "SELECT bytes, checksum FROM snapshot WHERE \"offset\" = ?1",
    [WSM__SQLITE_SNAPSHOT_BELOW] = "SELECT max(\"offset\") FROM snapshot WHERE \"offset\" < ?1",
    [WSM__SQLITE_SNAPSHOT_DROP] = "DELETE FROM snapshot WHERE \"offset\" = ?1",
    [WSM__SQLITE_SNAPSHOT_LIST] = "SELECT \"offset\" FROM snapshot ORDER BY \"offset\" DESC",
    [WSM__SQLITE_SNAPSHOT_REMOVE] = "DELETE FROM snapshot WHERE \"offset\" NOT IN"
                                    " (SELECT \"offset\" FROM snapshot ORDER BY \"offset\" DESC LIMIT ?1)",
    [WSM__SQLITE_BYTES_USED] = "SELECT (page_count - freelist_count) * page_size"
                               " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
};

#define SCHEMA                                                                                                         \
    "BEGIN IMMEDIATE;"                                                                                                 \
    "CREATE TABLE meta(key TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT;"                                     \
    "CREATE TABLE record(\"offset\" INTEGER PRIMARY KEY, bytes BLOB NOT NULL, checksum INTEGER NOT NULL,"              \
    " kept_at INTEGER NOT NULL) STRICT;"                                                                               \
    "CREATE TABLE snapshot(\"offset\" INTEGER PRIMARY KEY, bytes BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT;"    \
    "PRAGMA application_id = %" PRIu32 ";"                                                                             \
    "PRAGMA user_version = %" PRIu32 ";"                                                                               \
    "INSERT INTO meta VALUES('schema_version', %" PRIu32 "), ('epoch', '%016" PRIx64 "');"                             \
    "COMMIT"

int wsm__sqlite_db_err(int rc) {
    if (rc == SQLITE_IOERR_NOMEM) return WSM_ERR_NOMEM;
    switch (rc & 0xff) {
    case SQLITE_OK: return 0;
    case SQLITE_NOMEM: return WSM_ERR_NOMEM;
    case SQLITE_NOTADB: return WSM_ERR_LOG_FORMAT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return WSM_ERR_LOG_LOCKED;
    default: return WSM_ERR_LOG_IO;
    }
}

int wsm__sqlite_db_run(wsm__sqlite_store *store, wsm__sqlite_stmt which) {
    int rc = sqlite3_step(store->stmt[which]);
    wsm__sqlite_db_reset(store, which);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int wsm__sqlite_db_begin(wsm__sqlite_store *store, wsm__sqlite_stmt which) {
    int rc = SQLITE_OK;
    if (!sqlite3_get_autocommit(store->db)) rc = wsm__sqlite_db_run(store, WSM__SQLITE_ROLLBACK);
    return rc == SQLITE_OK ? wsm__sqlite_db_run(store, which) : rc;
}

void wsm__sqlite_db_reset(wsm__sqlite_store *store, wsm__sqlite_stmt which) {
    sqlite3_reset(store->stmt[which]);
    sqlite3_clear_bindings(store->stmt[which]);
}

/* Switches that only change this connection; nothing is written. The file may come from anywhere: what it could make us
 * run (triggers, views, functions in its schema) stays off, and its pages are checked before they are used. */
static int harden(sqlite3 *db) {
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return sqlite3_exec(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON", NULL, NULL, NULL);
}

static int schema_create(sqlite3 *db) {
    uint64_t epoch = 0;
    if (getrandom(&epoch, sizeof epoch, 0) != (ssize_t)sizeof epoch) return SQLITE_IOERR;
    char text[1024];
    snprintf(text, sizeof text, SCHEMA, WSM__SQLITE_APPLICATION_ID, WSM__SQLITE_SCHEMA_VERSION,
             WSM__SQLITE_SCHEMA_VERSION, epoch);
    return sqlite3_exec(db, text, NULL, NULL, NULL);
}

/* Run a statement that answers one integer. */
static int integer_get(sqlite3 *db, const char *text, int64_t *value) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, text, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) *value = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* The header's two numbers once more, as SQLite sees them: a newer schema may still lie in the WAL. */
static int identity_check(sqlite3 *db, bool *ours) {
    int64_t app_id = 0, version = 0;
    int rc = integer_get(db, "PRAGMA application_id", &app_id);
    if (rc == SQLITE_OK) rc = integer_get(db, "PRAGMA user_version", &version);
    *ours = (uint32_t)app_id == WSM__SQLITE_APPLICATION_ID && version == WSM__SQLITE_SCHEMA_VERSION;
    return rc;
}

static int statements_prepare(wsm__sqlite_store *store, bool *ours) {
    int rc = SQLITE_OK;
    for (int i = 0; i < WSM__SQLITE_STMTS && rc == SQLITE_OK; i++) {
        rc = sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &store->stmt[i], NULL);
    }
    *ours = rc != SQLITE_ERROR; /* it is: a statement does not fit the tables */
    return *ours ? rc : SQLITE_OK;
}

static int epoch_read(wsm__sqlite_store *store, bool *ours) {
    sqlite3_stmt *stmt = store->stmt[WSM__SQLITE_EPOCH];
    int rc = sqlite3_step(stmt);
    *ours = false;
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (text && strlen(text) == WSM__SQLITE_EPOCH_LEN &&
            strspn(text, "0123456789abcdef") == WSM__SQLITE_EPOCH_LEN) {
            memcpy(store->epoch, text, WSM__SQLITE_EPOCH_LEN + 1);
            *ours = true;
        }
    }
    wsm__sqlite_db_reset(store, WSM__SQLITE_EPOCH);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A file system or VFS that cannot do WAL leaves the mode as it is and calls that success; we do not, since a commit in
 * the other modes may be undone by a power loss. */
static int wal_set(sqlite3 *db) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        rc = mode && strcmp(mode, "wal") == 0 ? SQLITE_OK : SQLITE_PROTOCOL;
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* Switch to WAL and empty it: see the head of this file. */
static int durable_set(sqlite3 *db) {
    int64_t busy = 1;
    int rc = wal_set(db);
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(db,
                          "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 1000;"
                          "PRAGMA journal_size_limit = 16777216",
                          NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) rc = integer_get(db, "PRAGMA wal_checkpoint(TRUNCATE)", &busy);
    if (rc == SQLITE_OK && busy) rc = SQLITE_BUSY;
    if (rc == SQLITE_OK) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return rc;
}

/* Without a journal: a half-made file is thrown away, not rolled back. */
static int tables_make(sqlite3 *db) {
    int rc = sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL", NULL, NULL, NULL);
    return rc == SQLITE_OK ? schema_create(db) : rc;
}

int wsm__sqlite_db_make(const wsm__sqlite_store *store, const char *path, char *why, size_t why_cap) {
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, store->vfs);
    if (rc == SQLITE_OK) rc = tables_make(db);
    int err = wsm__sqlite_db_err(rc);
    if (err) wsm__sqlite_say_why(why, why_cap, err, "%s: %s (SQLite %d)", path, db ? sqlite3_errmsg(db) : "", rc);
    sqlite3_close(db);
    return err;
}

int wsm__sqlite_db_open(wsm__sqlite_store *store, char *why, size_t why_cap) {
    bool ours = true, has_wal = wsm__sqlite_file_has_wal(store->path);
    memset(store->stmt, 0, sizeof store->stmt);
    wsm__crc64_init(&store->crc);
    int rc = sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, store->vfs);
    if (rc == SQLITE_OK) rc = sqlite3_extended_result_codes(store->db, 1);
    if (rc == SQLITE_OK && sqlite3_db_readonly(store->db, "main") == 1) rc = SQLITE_READONLY;
    if (rc == SQLITE_OK) rc = harden(store->db);
    /* Closing a file that is refused below is not to change it by a checkpoint. */
    if (rc == SQLITE_OK && has_wal) sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (rc == SQLITE_OK) rc = identity_check(store->db, &ours);
    if (rc == SQLITE_OK && ours) rc = statements_prepare(store, &ours);
    if (rc == SQLITE_OK && ours) rc = epoch_read(store, &ours);
    if (rc == SQLITE_OK && ours) rc = durable_set(store->db);
    if (rc == SQLITE_OK && ours) rc = wsm__sqlite_store_mend(store);
    if (rc == SQLITE_OK && ours) rc = wsm__sqlite_store_extent(store);
    if (rc == SQLITE_OK && ours) return 0;

    int err = WSM_ERR_LOG_FORMAT;
    if (rc == SQLITE_OK) {
        wsm__sqlite_say_why(why, why_cap, err, "%s: its tables are not those of a libwsm log of schema version %u",
                            store->path, WSM__SQLITE_SCHEMA_VERSION);
    } else {
        err = wsm__sqlite_db_err(rc);
        bool told = store->db && sqlite3_extended_errcode(store->db) == rc; /* some of the codes are ours */
        wsm__sqlite_say_why(why, why_cap, err, "%s: %s (SQLite %d)", store->path,
                            told ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc), rc);
    }
    wsm__sqlite_db_close(store);
    return err;
}

void wsm__sqlite_db_close(wsm__sqlite_store *store) {
    for (int i = 0; i < WSM__SQLITE_STMTS; i++) {
        sqlite3_finalize(store->stmt[i]);
        store->stmt[i] = NULL;
    }
    sqlite3_close(store->db);
    store->db = NULL;
}
