/* The database as a file. A SQLite file begins with 100 bytes that tell what it is
 * (https://sqlite.org/fileformat2.html, section 1.3): "SQLite format 3\0", the user_version at 60 and the
 * application_id at 68, both big-endian. We write these two in the transaction that makes the schema, before WAL is
 * switched on, so the main file always has them and a stranger's file can be told without opening it for writing. */
#define _DEFAULT_SOURCE
#include "file.h"

#include "store.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

#define HEADER_LEN     100
#define HEADER_VERSION 60
#define HEADER_APP_ID  68
#define LOCK_TRIES     16 /* somebody unlinked the lock file between our open and our flock */

static const char magic[16] = "SQLite format 3";

int wsm__sqlite_file_resolve(char **resolved, const char *path, char *why, size_t why_cap) {
    char *real = realpath(path, NULL);
    char *cwd = real || path[0] == '/' ? NULL : realpath(".", NULL);
    if (!real && path[0] != '/' && !cwd) {
        return wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_IO, "%s: no current directory: %s", path, strerror(errno));
    }
    if (real) {
        *resolved = sqlite3_mprintf("%s", real);
    } else {
        *resolved = cwd ? sqlite3_mprintf("%s/%s", cwd, path) : sqlite3_mprintf("%s", path);
    }
    free(real);
    free(cwd);
    return *resolved ? 0 : wsm__sqlite_say_why(why, why_cap, WSM_ERR_NOMEM, "%s: out of memory", path);
}

static uint32_t load_be32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static int header_check(const unsigned char *header, const char *path, char *why, size_t why_cap) {
    uint32_t app_id = load_be32(header + HEADER_APP_ID);
    uint32_t version = load_be32(header + HEADER_VERSION);
    if (memcmp(header, magic, sizeof magic) != 0) {
        return wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_FORMAT,
                                   "%s: is not a SQLite database; expected a log made by libwsm, or no file", path);
    }
    if (app_id != WSM__SQLITE_APPLICATION_ID || version == 0) {
        return wsm__sqlite_say_why(
            why, why_cap, WSM_ERR_LOG_FORMAT,
            "%s: is a database of another application (application_id 0x%08x); expected a log made by libwsm (0x%08x)",
            path, (unsigned)app_id, WSM__SQLITE_APPLICATION_ID);
    }
    if (version > WSM__SQLITE_SCHEMA_VERSION) {
        return wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_FORMAT,
                                   "%s: has schema version %u, and this library knows versions up to %u; "
                                   "it needs a newer libwsm",
                                   path, (unsigned)version, WSM__SQLITE_SCHEMA_VERSION);
    }
    return 0;
}

int wsm__sqlite_file_probe(wsm__sqlite_file *kind, const char *path, char *why, size_t why_cap) {
    /* O_NONBLOCK: opening a FIFO would wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        *kind = WSM__SQLITE_FILE_ABSENT;
        return 0;
    }
    if (fd < 0) {
        return wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_IO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    struct stat st;
    unsigned char header[HEADER_LEN] = {0};
    int err = 0;
    if (fstat(fd, &st) != 0) {
        err = wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_IO, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        err = wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_FORMAT, "%s: is not a regular file", path);
    } else if (st.st_size == 0) {
        *kind = WSM__SQLITE_FILE_EMPTY;
    } else if (pread(fd, header, sizeof header, 0) < 0) {
        err = wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_IO, "%s: cannot be read: %s", path, strerror(errno));
    } else {
        *kind = WSM__SQLITE_FILE_OURS;
        err = header_check(header, path, why, why_cap);
    }
    close(fd);
    return err;
}

int wsm__sqlite_file_create(const char *path, char *why, size_t why_cap) {
    unlink(path); /* of a start that did not get far */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    int failed = fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) != 0;
    int reason = errno;
    if (fd >= 0) close(fd);
    if (!failed) return 0;
    if (fd >= 0) unlink(path);
    return wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_IO, "%s: cannot be created: %s", path, strerror(reason));
}

static int sync_path(const char *path, int flags) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0) return -1;
    int failed = fsync(fd);
    int reason = errno;
    close(fd);
    errno = reason;
    return failed;
}

static int sync_folder_of(const char *path) { /* it is absolute */
    char *folder = sqlite3_mprintf("%.*s/.", (int)(strrchr(path, '/') - path), path);
    errno = ENOMEM;
    int failed = folder ? sync_path(folder, O_DIRECTORY) : -1;
    sqlite3_free(folder);
    return failed;
}

static int remove_beside(const char *path, const char *suffix) {
    char *beside = sqlite3_mprintf("%s%s", path, suffix);
    errno = ENOMEM;
    int failed = beside ? unlink(beside) : -1;
    sqlite3_free(beside);
    return failed && errno != ENOENT;
}

int wsm__sqlite_file_place(const char *made, const char *path, char *why, size_t why_cap) {
    bool ready = !remove_beside(path, "-wal") && !remove_beside(path, "-journal") && !remove_beside(path, "-shm") &&
                 sync_path(made, 0) == 0;
    bool placed = ready && rename(made, path) == 0;
    if (placed && sync_folder_of(path) == 0) return 0;
    int reason = errno;
    if (placed) unlink(path);
    return wsm__sqlite_say_why(why, why_cap, reason == ENOMEM ? WSM_ERR_NOMEM : WSM_ERR_LOG_IO,
                               "%s: cannot be created: %s", path, strerror(reason));
}

bool wsm__sqlite_file_has_wal(const char *path) {
    struct stat st;
    char *wal = sqlite3_mprintf("%s-wal", path);
    bool has = !wal || (stat(wal, &st) == 0 ? st.st_size > 0 : errno != ENOENT);
    sqlite3_free(wal);
    return has;
}

/* Whether `fd` is still the file that others find at `path`: its last owner unlinks it. */
static bool lock_is_current(int fd, const char *path) {
    struct stat ours, theirs;
    return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

int wsm__sqlite_lock_take(wsm__sqlite_lock *lock, const char *path, char *why, size_t why_cap) {
    lock->path = sqlite3_mprintf("%s.lock", path);
    if (!lock->path) return wsm__sqlite_say_why(why, why_cap, WSM_ERR_NOMEM, "%s: out of memory", path);
    int err = 0;
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
        if (lock->fd < 0) {
            err = wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_IO, "%s: cannot be created: %s", lock->path,
                                      strerror(errno));
            break;
        }
        if (flock(lock->fd, LOCK_EX | LOCK_NB) != 0) {
            err = errno == EWOULDBLOCK
                      ? wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_LOCKED,
                                            "%s: is in use by another process (%s is locked)", path, lock->path)
                      : wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_IO, "%s: cannot be locked: %s", lock->path,
                                            strerror(errno));
            break;
        }
        if (lock_is_current(lock->fd, lock->path)) return 0;
        close(lock->fd);
        lock->fd = -1;
        err = wsm__sqlite_say_why(why, why_cap, WSM_ERR_LOG_LOCKED, "%s: %s keeps changing hands", path, lock->path);
    }
    if (lock->fd >= 0) close(lock->fd);
    sqlite3_free(lock->path);
    *lock = (wsm__sqlite_lock)WSM__SQLITE_LOCK_NONE;
    return err;
}

void wsm__sqlite_lock_release(wsm__sqlite_lock *lock) {
    if (lock->fd < 0) return;
    /* Unlinked while it is held, so whoever waits for it notices. A file with content is none of ours: it stays. */
    struct stat st;
    if (fstat(lock->fd, &st) == 0 && st.st_size == 0) unlink(lock->path);
    close(lock->fd);
    sqlite3_free(lock->path);
    *lock = (wsm__sqlite_lock)WSM__SQLITE_LOCK_NONE;
}
