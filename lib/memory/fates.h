/* What later records tell of earlier ones, so that a record that breaks in the store changes nothing but itself.
 *
 * The fold decides two things of a record that its own bytes do not tell: whether it is void (a repeat, or refused),
 * and which number it gets. When a record breaks, the fold of the others may decide otherwise than it did when they
 * were shown: a number was the broken one's or nobody's, an id was known or had been forgotten. So each head tells what
 * its writer knew by then:
 *
 *     "seq":12,"at":17,"inflight":2      the writer had applied all up to offset 17; its context stood at 12 - 1 - 2,
 *                                        and two records of that context were appended before and not applied yet
 *     "maybe":1                          one more was appended; the log said that it had failed, and may have kept it
 *     "again":1                          the id of this very record was in the table of ids then; without it the id was
 *                                        new, so that only what lies between `at` and the record can make it a repeat
 *     "fates":[3,0,1,-1]                 what of the records up to `at` is not as their own heads let expect: offset
 *                                        17 - 3 is void, offset 17 - 1 got the number that its head says, less -1
 *     "told":15                          up to here, not up to `at`, `fates` is complete: it has room for so many only
 *
 * A fate that differs is told by every head until WSM__FATE_TELLERS of them are in the log, so that one of them may
 * break, too. The usual head has only `at` more, because hardly any fate differs.
 *
 * A hub that loads, and has met a broken record, looks ahead (hub/ahead.c): the first head that comes with an `at` of o
 * or more has told the fate of o, be it by silence. But silence behind as many broken records as would have told says
 * nothing: they may have been those that told. What no head vouches for is folded as it is: only a record with
 * a broken one between its own `at` and itself is not determined by that, and gets the highest number that it can have
 * had. It was appended, at the very end of a life, beside the broken one, or all who told of it have broken; nothing in
 * the log says what became of both.
 *
 * Heads of older writers have no `at`: they vouch for nothing and are not vouched for. With several writers on one log
 * all of this holds as it stands, because `at` and what is told are about the log, not about its writer. */
#ifndef WSM_LIB_MEMORY_FATES_H
#define WSM_LIB_MEMORY_FATES_H

#include "proto/record.h"
#include "util/buf.h"
#include "util/ring.h"

#define WSM__FATE_TELLERS 8u
#define WSM__FATES_LISTED 32u /* in one head: a few hundred bytes */
#define WSM__FATES_KEPT   4096u

typedef struct wsm__fate {
    uint64_t offset;
    int64_t ahead; /* its head's `seq` less its number */
    bool is_void;
    uint8_t tellers; /* that are in the log */
} wsm__fate;

/* Those that are to be told, by offset. Note one behind all others (WSM_ERR_NOMEM: no effect), or take that back. */
void wsm__fates_init(wsm__ring *fates);
int wsm__fates_note(wsm__ring *fates, wsm__mem *mem, const wsm__fate *fate);
void wsm__fates_unnote(wsm__ring *fates, wsm__mem *mem);

/* Write what a head with this `at` tells, an array; nothing if there is nothing to tell. Returns its `told`. */
uint64_t wsm__fates_put(const wsm__ring *fates, wsm__buf *buf, uint64_t at);

/* A record with this head is in the log: what it tells was told once more. */
void wsm__fates_count(wsm__ring *fates, wsm__mem *mem, const wsm__record_head *head);

/* What has been heard, looking ahead. */
typedef struct wsm__fates_heard {
    wsm__ring fates;
    uint64_t to;                        /* all up to here has been told, ... */
    uint64_t untold_to;                 /* ... but up to here only what is listed */
    uint64_t broken[WSM__FATE_TELLERS]; /* the last heads that could not be read; 0: none */
    uint32_t broken_next;               /* the oldest of them */
} wsm__fates_heard;

/* The head at `offset` came; what it tells of what is `applied` already is not kept. WSM_ERR_NOMEM: no effect. */
int wsm__fates_hear(wsm__fates_heard *heard, wsm__mem *mem, const wsm__record_head *head, uint64_t offset,
                    uint64_t applied);

/* The head at `offset` is broken: nobody knows what it has told. */
void wsm__fates_miss(wsm__fates_heard *heard, uint64_t offset);

/* What was told of a record, not higher than `heard->to`; offsets below it are forgotten. NULL: it is as its head says.
 */
const wsm__fate *wsm__fates_of(wsm__fates_heard *heard, wsm__mem *mem, uint64_t offset);
/* Nothing was told of it, and that may be because who told has broken. */
bool wsm__fates_is_untold(const wsm__fates_heard *heard, uint64_t offset);

#endif
