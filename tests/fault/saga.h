/* A saga is told to several agents of one hub, line by line: what they say, when they come and go, how time passes and
 * when the hub goes down. It is told again and again, each time with another failing allocation in another line, as a
 * story is (story.h), but to a hub that folds records from a log, and judged by all of its state:
 *
 *     of whoever speaks at most the connection is closed, with 1013 (I-65); he comes back, resumes and says it again
 *     an answer is the one that there is in peace, or "try again", and then there was no effect: said again, it is
 *         acknowledged as a first one, and not as a duplicate (I-64)
 *     what the hub has to do by itself it does later
 *     at the end its snapshot is, to the byte, that of another hub that folds the same log in peace, and but for minted
 *         ids and times that of the telling without faults
 *     each agent has got each record that he gets in peace, once in one form, over whichever of his connections (I-01)
 *     as many blocks are allocated as before */
#ifndef WSM_TESTS_SAGA_H
#define WSM_TESTS_SAGA_H

#include <stddef.h>
#include <stdint.h>

#include "wsm/wsm.h"

/* Message ids: 00000000-0000-4000-8000-0000000000<two digits>. */
#define SAGA_ID(n) "00000000-0000-4000-8000-0000000000" n

typedef enum saga_kind {
    SAYS,    /* `who` says `type` with the id `id`; `rest` are its other members, in which $1 to $9 are sidebars */
    SUBMITS, /* the same, by the host in nobody's name */
    JOINS,   /* `who` connects */
    LEAVES,  /* `who` loses the connection */
    RESUMES, /* `who` comes back and wants what has come since the line before he left */
    PASSES,  /* `ms` of time */
    CRASHES, /* the hub is gone and starts again from its records and its last snapshot; all come back */
    RESTARTS /* the same, but it is shut down, with a snapshot */
} saga_kind;

typedef struct line {
    saga_kind kind;
    int who;
    const char *id, *type, *rest;
    const char *want;  /* the answer: NULL: ack, else the code of an error */
    int names;         /* 1 to 9: the sidebar that the ack tells of; 0: none */
    const char *tells; /* what stands in the answer; NULL: anything */
    uint64_t ms;
} line;

typedef struct saga {
    const char *name;
    const char *cast[6];              /* `who` is the place in it; NULL: no more */
    size_t present;                   /* as many of them are there when it begins */
    void (*tune)(wsm_config *config); /* NULL: as it is */
    const line *lines;
    size_t count;
} saga;

/* How sagas are written: those who take part, and their lines. */
enum { ADA, BOB, CLEO, DAN };

#define LINES(list) .lines = (list), .count = sizeof(list) / sizeof *(list)
#define CAST        .cast = {"ada", "bob", "cleo", "dan"}
#define SAY(who_, n, type_, rest_)                                                                                     \
    { .kind = SAYS, .who = who_, .id = SAGA_ID(n), .type = type_, .rest = rest_ }
#define SAY_NO(who_, n, type_, rest_, code)                                                                            \
    { .kind = SAYS, .who = who_, .id = SAGA_ID(n), .type = type_, .rest = rest_, .want = code }
#define PASS(ms_)                                                                                                      \
    { .kind = PASSES, .ms = ms_ }

/* Tell it in all ways; fails the running cmocka test with a sentence that names saga, line, allocation and mode. */
void saga_tell(const saga *told);

#endif
