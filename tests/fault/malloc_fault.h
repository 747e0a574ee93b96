/* malloc, calloc, realloc and free of the whole process, counted, and failing on command.
 *
 * They are defined in the test program, so the dynamic linker gives them to every shared object too: what wslay, cJSON,
 * mbedTLS, SQLite and the C library allocate counts and fails like our own. `--wrap` would not reach them, and
 * AddressSanitizer has interposers of its own, so these tests exist in builds without it only.
 *
 *     for (size_t n = 1;; n++) {
 *         fault_arm(n, FAULT_ONCE);
 *         int err = the_call();
 *         if (!fault_disarm()) break;      the call needs fewer than n allocations: all were tried
 *         ...
 *     }
 */
#ifndef WSM_TESTS_MALLOC_FAULT_H
#define WSM_TESTS_MALLOC_FAULT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum fault_mode { FAULT_ONCE, FAULT_FOREVER } fault_mode;

/* From now on count allocations, in all threads; the n-th (from 1) fails, or it and all after it. */
void fault_arm(size_t n, fault_mode mode);

/* No more. Whether any allocation failed since fault_arm. */
bool fault_disarm(void);

/* The allocations of the calling thread neither count nor fail between these two: the test's own, inside callbacks. */
void fault_pause(void);
void fault_resume(void);

/* Allocations whose caller lies in the shared object with this in its name never fail. One at a time; NULL: none.
 * libuv calls abort() where its own tables cannot grow, and says so in its manual. */
void fault_spare(const char *object);

size_t fault_live(void);   /* blocks that are allocated now */
size_t fault_points(void); /* how often fault_arm has made one, or one and all after it, fail since the program began */

#endif
