/* A SQLite VFS over the default one: every call goes through, but writes, syncs and reads fail while their counter says
 * so. A failing sync leaves what was written in place, as a kernel does: nobody knows whether it is on the disk. */
#include "vfs_fault.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

typedef struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this struct */
} fault_file;

static vfs_fault fault;
static sqlite3_vfs vfs;

static bool strikes(atomic_int *left) {
    int now = atomic_load(left);
    if (now > 0) atomic_fetch_sub(left, 1);
    return now != 0;
}

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((fault_file *)file)->real;
}

static int file_close(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}
static int file_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at) {
    if (strikes(&fault.reads)) return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), bytes, len, at);
}
static int file_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at) {
    if (strikes(&fault.writes)) return SQLITE_FULL;
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, len, at);
}
static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}
static int file_sync(sqlite3_file *file, int flags) {
    if (strikes(&fault.syncs)) return SQLITE_IOERR_FSYNC;
    atomic_fetch_add(&fault.synced, 1);
    return real_of(file)->pMethods->xSync(real_of(file), flags);
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

/* Version 2: shared memory, but no mapped pages, which would pass the faults by. */
static const sqlite3_io_methods methods = {2,
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
    fault_file *ours = (fault_file *)file;
    ours->real = (sqlite3_file *)(ours + 1);
    int rc = real->xOpen(real, name, ours->real, flags, flags_out);
    file->pMethods = ours->real->pMethods ? &methods : NULL;
    return rc;
}

vfs_fault *vfs_fault_register(void) {
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    vfs = *real;
    vfs.pNext = NULL;
    vfs.zName = VFS_FAULT;
    vfs.szOsFile = real->szOsFile + (int)sizeof(fault_file);
    vfs.pAppData = real;
    vfs.xOpen = vfs_open;
    sqlite3_vfs_register(&vfs, 0);
    memset(&fault, 0, sizeof fault);
    return &fault;
}

void vfs_fault_unregister(void) {
    sqlite3_vfs_unregister(&vfs);
}
