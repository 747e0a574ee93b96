/* The database as a file: where it is, whose it is, and who has it open. Nothing here goes through SQLite. */
#ifndef WSM_LIB_SQLITE_FILE_H
#define WSM_LIB_SQLITE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define WSM__SQLITE_APPLICATION_ID 0x57534D4Cu /* "WSML"; stands in the file's header */
#define WSM__SQLITE_SCHEMA_VERSION 1u          /* user_version in the file's header */

typedef enum wsm__sqlite_file {
    WSM__SQLITE_FILE_ABSENT,
    WSM__SQLITE_FILE_EMPTY,
    WSM__SQLITE_FILE_OURS
} wsm__sqlite_file;

/* The absolute path of `path`, with symbolic links followed, so that one file has one lock. Free with sqlite3_free. */
int wsm__sqlite_file_resolve(char **resolved, const char *path, char *why, size_t why_cap);

/* What lies at `path`. Opens it for reading only; anything that is not ours to write to is an error. */
int wsm__sqlite_file_probe(wsm__sqlite_file *kind, const char *path, char *why, size_t why_cap);

/* Make the empty file, readable by its owner only whatever the umask. One that is there already is removed. */
int wsm__sqlite_file_create(const char *path, char *why, size_t why_cap);

/* Move the database `made` to `path`, where there is none or an empty file, and put both the file and its name on the
 * disk. What SQLite left there of an older database goes: it would be taken for this one's. */
int wsm__sqlite_file_place(const char *made, const char *path, char *why, size_t why_cap);

/* Whether there is a WAL with anything in it; true where that cannot be told. */
bool wsm__sqlite_file_has_wal(const char *path);

/* The lock lies in a file of its own, PATH.lock: closing any descriptor of the database drops the POSIX locks that
 * SQLite holds on it in this process, so the database itself is touched only once the lock is ours. */
typedef struct wsm__sqlite_lock {
    int fd; /* -1: not held */
    char *path;
} wsm__sqlite_lock;

#define WSM__SQLITE_LOCK_NONE                                                                                          \
    { -1, NULL }

int wsm__sqlite_lock_take(wsm__sqlite_lock *lock, const char *path, char *why, size_t why_cap);
void wsm__sqlite_lock_release(wsm__sqlite_lock *lock);

#endif
