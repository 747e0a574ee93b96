/* See vfs_power.h. Every call goes through to the real file, so that what looks at the files beside SQLite sees them;
 * vfs_power_settle writes them anew. */
#define _DEFAULT_SOURCE
#include "vfs_power.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 64 /* that are made between two starts of the machine */
#define SECTOR    512

typedef struct change { /* a write, or with bytes NULL a truncation to `at` */
    struct change *next;
    size_t at, len;
    unsigned char *bytes;
} change;

/* A file under one of its names. One that was removed stays in the list: it may come back. */
typedef struct shadow {
    char path[512];
    unsigned char *synced;
    size_t synced_len;
    change *first, **end;
    bool is_there, is_on_disk; /* its name, now and surely */
    bool syncs_folder;         /* its first sync settles all names */
    ino_t inode;               /* others may remove or replace the file, and then answer for its name themselves */
} shadow;

typedef struct power_file {
    sqlite3_file base;
    shadow *shadow; /* NULL: not kept (shared memory, temporary files) */
    sqlite3_file *real;
} power_file;

static vfs_power power;
static sqlite3_vfs vfs;
static shadow shadows[FILES_MAX];
static size_t shadows_count;
static uint64_t random_state;

static uint64_t draw(void) { /* xorshift64* */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}

/* ---- what the disk has ----------------------------------------------------------------------------------------------
 */

static void forget_changes(shadow *s) {
    while (s->first) {
        change *next = s->first->next;
        free(s->first->bytes);
        free(s->first);
        s->first = next;
    }
    s->end = &s->first;
}

static void note(shadow *s, size_t at, const void *bytes, size_t len) {
    change *made = calloc(1, sizeof *made);
    if (!made) abort();
    made->at = at;
    made->len = len;
    if (bytes) {
        made->bytes = malloc(len + 1);
        if (!made->bytes) abort();
        memcpy(made->bytes, bytes, len);
    }
    *s->end = made;
    s->end = &made->next;
}

static void resize(shadow *s, size_t len) {
    if (len > s->synced_len) {
        s->synced = realloc(s->synced, len);
        if (!s->synced) abort();
        memset(s->synced + s->synced_len, 0, len - s->synced_len);
    }
    s->synced_len = len;
}

static void put(shadow *s, size_t at, const unsigned char *bytes, size_t len) {
    if (at + len > s->synced_len) resize(s, at + len);
    memcpy(s->synced + at, bytes, len);
}

static void settle_all(shadow *s) { /* a sync */
    for (const change *c = s->first; c; c = c->next) {
        if (c->bytes)
            put(s, c->at, c->bytes, c->len);
        else
            resize(s, c->at);
    }
    forget_changes(s);
}

/* The power has gone: each sector of each write made it or not, or only its first bytes. */
static void settle_some(shadow *s) {
    uint64_t share = draw() % 5; /* none of them, ..., all */
    for (const change *c = s->first; c; c = c->next) {
        if (!c->bytes) {
            if (draw() % 4 < share) resize(s, c->at);
            continue;
        }
        for (size_t done = 0, len; done < c->len; done += len) {
            len = SECTOR - (c->at + done) % SECTOR;
            if (len > c->len - done) len = c->len - done;
            bool is_torn = draw() % 16 == 0;
            if (draw() % 4 >= share) {
                power.lost++;
                continue;
            }
            power.survived += !is_torn;
            power.torn += is_torn;
            put(s, c->at + done, c->bytes + done, is_torn ? draw() % len : len);
        }
    }
    forget_changes(s);
}

static ino_t inode_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static shadow *find(const char *path) {
    for (size_t i = shadows_count; i-- > 0;) {
        if (!shadows[i].is_there || strcmp(shadows[i].path, path) != 0) continue;
        if (shadows[i].inode == inode_of(path)) return &shadows[i];
        shadows[i].is_there = shadows[i].is_on_disk = false;
    }
    return NULL;
}

static shadow *add(const char *path, bool is_new) {
    if (shadows_count == FILES_MAX) abort();
    shadow *s = &shadows[shadows_count++];
    *s = (shadow){.is_there = true, .is_on_disk = !is_new, .inode = inode_of(path)};
    s->end = &s->first;
    snprintf(s->path, sizeof s->path, "%s", path);
    FILE *in = is_new ? NULL : fopen(path, "rb");
    unsigned char bytes[4096];
    for (size_t got; in && (got = fread(bytes, 1, sizeof bytes, in)) > 0;) put(s, s->synced_len, bytes, got);
    if (in) fclose(in);
    return s;
}

static void write_file(const shadow *s) {
    FILE *out = fopen(s->path, "wb");
    size_t len = s->synced_len; /* of an empty one there are no bytes to point at */
    if (!out || (len > 0 && fwrite(s->synced, 1, len, out) != len) || fclose(out) != 0) abort();
}

/* One name: the file that is there now, or the one that surely was. */
static void settle_name(const char *path) {
    shadow *now = NULL, *sure = NULL;
    for (size_t i = 0; i < shadows_count; i++) {
        if (strcmp(shadows[i].path, path) != 0) continue;
        if (shadows[i].is_there) now = &shadows[i];
        if (shadows[i].is_on_disk) sure = &shadows[i];
    }
    if (now != sure) power.names_unsettled++;
    shadow *stays = now == sure || draw() % 2 ? now : sure;
    if (!stays) {
        unlink(path);
        return;
    }
    settle_some(stays);
    write_file(stays);
}

void vfs_power_settle(uint64_t seed) {
    random_state = seed * 0x9E3779B97F4A7C15u + 1;
    for (size_t i = 0; i < shadows_count; i++) {
        bool is_first = true;
        for (size_t k = 0; k < i; k++) is_first = is_first && strcmp(shadows[i].path, shadows[k].path) != 0;
        if (!is_first) continue;
        char shm[520];
        settle_name(shadows[i].path);
        snprintf(shm, sizeof shm, "%.500s-shm", shadows[i].path); /* a file by name, but memory by nature */
        unlink(shm);
    }
    vfs_power_on();
}

void vfs_power_again(void) {
    power.calls = power.at = 0;
    power.is_dead = false;
}

void vfs_power_on(void) {
    for (size_t i = 0; i < shadows_count; i++) {
        forget_changes(&shadows[i]);
        free(shadows[i].synced);
    }
    shadows_count = 0;
    power.calls = power.at = 0;
    power.is_dead = false;
}

/* ---- the VFS --------------------------------------------------------------------------------------------------------
 */

/* Whether this call fails. */
static bool strikes(power_op op) {
    if (power.is_dead) return true;
    power.calls++;
    if (power.at == 0 || (power.is_forever && !power.is_crash ? power.calls < power.at : power.calls != power.at))
        return false;
    power.failed[op] += !power.is_crash;
    power.crashes += power.is_crash;
    power.is_dead = power.is_crash;
    return true;
}

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((power_file *)file)->real;
}

static int file_close(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}
static int file_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at) {
    if (power.is_dead) return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), bytes, len, at);
}
static int file_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at) {
    shadow *s = ((power_file *)file)->shadow;
    bool fails = s && strikes(POWER_WRITE);
    if (s && (!fails || (power.is_crash && !power.is_kill)))
        note(s, (size_t)at, bytes, (size_t)len); /* half of it may be there */
    if (fails) return power.is_crash ? SQLITE_IOERR_WRITE : SQLITE_FULL;
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, len, at);
}
static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    shadow *s = ((power_file *)file)->shadow;
    if (s && strikes(POWER_TRUNCATE)) return SQLITE_IOERR_TRUNCATE;
    if (s) note(s, (size_t)size, NULL, 0);
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}
static int file_sync(sqlite3_file *file, int flags) {
    shadow *s = ((power_file *)file)->shadow;
    if (s && strikes(POWER_SYNC)) {
        /* The kernel has written some of it, and counts the rest as written: no later sync brings it. */
        if (!power.is_dead) settle_some(s);
        return SQLITE_IOERR_FSYNC;
    }
    if (s) settle_all(s);
    for (size_t i = 0; s && s->syncs_folder && i < shadows_count; i++) shadows[i].is_on_disk = shadows[i].is_there;
    if (s) s->syncs_folder = false;
    (void)flags; /* the real disk need not work for this */
    return SQLITE_OK;
}
static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
static int file_lock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xLock(real_of(file), level);
}
static int file_unlock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
static int file_check_lock(sqlite3_file *file, int *reserved) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}
static int file_control(sqlite3_file *file, int op, void *arg) {
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}
static int file_sector_size(sqlite3_file *file) {
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}
static int file_characteristics(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **at) {
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, at);
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}
static int file_shm_unmap(sqlite3_file *file, int remove) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {2, /* no mapped pages: their writes would pass by */
                                           file_close,
                                           file_read,
                                           file_write,
                                           file_truncate,
                                           file_sync,
                                           file_size,
                                           file_lock,
                                           file_unlock,
                                           file_check_lock,
                                           file_control,
                                           file_sector_size,
                                           file_characteristics,
                                           file_shm_map,
                                           file_shm_lock,
                                           file_shm_barrier,
                                           file_shm_unmap,
                                           NULL,
                                           NULL};

static int vfs_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *flags_out) {
    sqlite3_vfs *real = self->pAppData;
    power_file *ours = (power_file *)file;
    bool is_journal = flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL);
    bool is_kept = name && (is_journal || flags & SQLITE_OPEN_MAIN_DB);
    int was_there = 0;
    file->pMethods = NULL;
    if (is_kept && strikes(POWER_OPEN)) return SQLITE_CANTOPEN;
    if (is_kept) real->xAccess(real, name, SQLITE_ACCESS_EXISTS, &was_there);
    ours->real = (sqlite3_file *)(ours + 1);
    ours->shadow = NULL;
    int rc = real->xOpen(real, name, ours->real, flags, flags_out);
    file->pMethods = ours->real->pMethods ? &methods : NULL;
    if (rc != SQLITE_OK || !is_kept) return rc;
    ours->shadow = find(name);
    if (!ours->shadow) ours->shadow = add(name, !was_there);
    if (!was_there && is_journal) ours->shadow->syncs_folder = true;
    return rc;
}

static int vfs_delete(sqlite3_vfs *self, const char *name, int sync_folder) {
    sqlite3_vfs *real = self->pAppData;
    if (strikes(POWER_DELETE)) return SQLITE_IOERR_DELETE;
    shadow *s = find(name);
    if (!s && access(name, F_OK) == 0) s = add(name, false);
    if (s) s->is_there = false;
    for (size_t i = 0; sync_folder && i < shadows_count; i++) shadows[i].is_on_disk = shadows[i].is_there;
    return real->xDelete(real, name, 0);
}

vfs_power *vfs_power_register(void) {
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    vfs = *real;
    vfs.pNext = NULL;
    vfs.zName = VFS_POWER;
    vfs.szOsFile = real->szOsFile + (int)sizeof(power_file);
    vfs.pAppData = real;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    sqlite3_vfs_register(&vfs, 0);
    memset(&power, 0, sizeof power);
    vfs_power_on();
    return &power;
}

void vfs_power_unregister(void) {
    vfs_power_on();
    sqlite3_vfs_unregister(&vfs);
}
