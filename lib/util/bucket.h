/* A token bucket in fractional tokens on the monotonic clock. rate 0 means no limit. */
#ifndef WSM_LIB_UTIL_BUCKET_H
#define WSM_LIB_UTIL_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct wsm__bucket {
    uint64_t millis; /* thousandths of a token */
    uint64_t at;     /* monotonic ms of the last refill */
    bool started;
} wsm__bucket;

/* Take `count` tokens of a bucket refilled with `rate` per second up to `burst`. False: not enough; nothing is taken.
 * A burst below `count` is raised to it, so that a single large demand passes once the bucket is full. */
bool wsm__bucket_take(wsm__bucket *bucket, uint64_t now, uint32_t rate, uint32_t burst, uint32_t count);

/* Give back what was taken and not needed. */
void wsm__bucket_give(wsm__bucket *bucket, uint32_t count);

/* Take even below zero is not possible; this tells how long to wait for `count` tokens, in ms (0: now). */
uint64_t wsm__bucket_wait(const wsm__bucket *bucket, uint64_t now, uint32_t rate, uint32_t burst, uint32_t count);

#endif
