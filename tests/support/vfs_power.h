/* A SQLite VFS over the default one whose machine can lose its power, and whose calls fail by number.
 *
 * Beside each file it keeps what a disk would surely have: the content at the last sync. What was written since is a
 * list, and when the power goes a random part of it has reached the disk: sector by sector, in no order, one of them
 * perhaps torn. A name is on the disk once its folder was synced, which SQLite does with the first sync of a journal or
 * WAL that it has made; before that a new file may be gone, and a removed one may be back.
 *
 * One thread at a time. */
#ifndef WSM_TESTS_VFS_POWER_H
#define WSM_TESTS_VFS_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFS_POWER "power"

typedef enum power_op { POWER_WRITE, POWER_SYNC, POWER_TRUNCATE, POWER_OPEN, POWER_DELETE, POWER_OPS } power_op;

typedef struct vfs_power {
    uint64_t calls;  /* of all kinds, since vfs_power_on */
    uint64_t at;     /* the call at which it happens, from 1; 0: never */
    bool is_crash;   /* the power goes before that call is done; else the call fails */
    bool is_kill;    /* with is_crash: only the process ends, and what it wrote is still on its way to the disk */
    bool is_forever; /* and all that follow fail, too, of every kind */
    bool is_dead;    /* the power is gone: every call fails, nothing reaches the disk */
    uint64_t failed[POWER_OPS], crashes;            /* of all lives */
    uint64_t survived, lost, torn, names_unsettled; /* sectors of crashes; names that could have gone either way */
} vfs_power;

/* Register the VFS; one per process. */
vfs_power *vfs_power_register(void);
void vfs_power_unregister(void);

/* The machine starts: what lies in the files is what the disk has. Counts from 0 and forgets `at`. */
void vfs_power_on(void);

/* After a kill, with all files closed: the process starts again. */
void vfs_power_again(void);

/* After a crash, with all files closed: make the files what the disk has. `seed` decides what that is. */
void vfs_power_settle(uint64_t seed);

#endif
