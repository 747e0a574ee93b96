/* A SQLite VFS over the default one whose disk fails on command. */
#ifndef WSM_TEST_VFS_FAULT_H
#define WSM_TEST_VFS_FAULT_H

#include <stdatomic.h>

#define VFS_FAULT "fault"

/* How many of the next calls fail; a negative number: all. */
typedef struct vfs_fault {
    atomic_int writes;    /* SQLITE_FULL */
    atomic_int syncs;     /* SQLITE_IOERR_FSYNC; what was written stays written */
    atomic_int reads;     /* SQLITE_IOERR_READ */
    atomic_ullong synced; /* syncs that succeeded */
} vfs_fault;

/* Register the VFS under the name VFS_FAULT; the faults live in the returned struct, one per process. */
vfs_fault *vfs_fault_register(void);
void vfs_fault_unregister(void);

#endif
