/* A story is a list of calls into the library, and is told again and again, each time with another failing allocation
 * in another call.
 *
 * For each step, each n and both modes (the n-th allocation of the step fails, or it and all after it) the steps before
 * are done in peace, then the step under the fault, then:
 *
 *     CALL   it succeeded, or it answered "no memory", and then nothing that the outside can see has changed, and the
 *            same call now succeeds (I-64). A connection may also begin and be closed with 1013
 *     TICK   whatever lacked memory is done by a later tick (I-64), or a connection that it was for is closed with 1013
 *     INPUT  bytes of one connection: at most this connection is closed (I-65)
 *
 * Then the other steps follow in peace, and what everybody has seen at the end is the same as if no allocation had
 * failed; where a connection was closed, the hub and the others are judged instead. At the end as many blocks are
 * allocated as before the story. */
#ifndef WSM_TESTS_STORY_H
#define WSM_TESTS_STORY_H

#include <stdbool.h>
#include <stddef.h>

#define STORY_SEEN_MAX (256u << 10)

typedef enum step_kind { CALL, TICK, INPUT } step_kind;

typedef struct step {
    const char *name;
    step_kind kind;
    int (*run)(void *world); /* 0 or a negative wsm_err */
} step;

typedef struct story {
    const char *name;
    void *(*start)(void); /* the world; its own memory, without faults */
    void (*finish)(void *world);
    /* What can be seen from outside, as text. `all` false: after a failed call, when nothing may have changed. true: at
     * the end, when only what matters is compared (minted ids and times differ). */
    size_t (*see)(void *world, char *out, size_t cap, bool at_end);
    /* After a step that succeeded under a fault: time passes in peace. Whether a connection was closed. NULL: no. */
    bool (*settle)(void *world);
    /* The story cannot be told to its end: NULL, or a sentence that tells what is wrong with the hub or the others. */
    const char *(*judge)(void *world, step_kind kind, int err);
    const step *steps;
    size_t count;
} story;

/* Tell it in all ways; fails the running cmocka test with a sentence that names story, step, n and mode. */
void story_tell(const story *told);

/* Print how many allocations were made to fail in the whole program; a cmocka group teardown. */
int story_report(void **state);

#endif
