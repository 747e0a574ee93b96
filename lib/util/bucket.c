/* The token bucket. A rate per second is that many thousandths per millisecond, so all arithmetic is whole and exact.
 */
#include "util/bucket.h"

static uint64_t capacity(uint32_t burst, uint32_t count) {
    return (uint64_t)(burst > count ? burst : count) * 1000;
}

static uint64_t level_at(const wsm__bucket *bucket, uint64_t now, uint32_t rate, uint64_t cap) {
    if (!bucket->started) return cap;
    uint64_t have = bucket->millis < cap ? bucket->millis : cap;
    uint64_t passed = now > bucket->at ? now - bucket->at : 0;
    if (passed > (cap - have) / rate) return cap;
    return have + passed * rate;
}

bool wsm__bucket_take(wsm__bucket *bucket, uint64_t now, uint32_t rate, uint32_t burst, uint32_t count) {
    if (rate == 0) return true;
    bucket->millis = level_at(bucket, now, rate, capacity(burst, count));
    if (!bucket->started || now > bucket->at) bucket->at = now;
    bucket->started = true;
    uint64_t need = (uint64_t)count * 1000;
    if (bucket->millis < need) return false;
    bucket->millis -= need;
    return true;
}

void wsm__bucket_give(wsm__bucket *bucket, uint32_t count) {
    bucket->millis += (uint64_t)count * 1000;
}

uint64_t wsm__bucket_wait(const wsm__bucket *bucket, uint64_t now, uint32_t rate, uint32_t burst, uint32_t count) {
    if (rate == 0) return 0;
    uint64_t have = level_at(bucket, now, rate, capacity(burst, count)), need = (uint64_t)count * 1000;
    return have >= need ? 0 : (need - have + rate - 1) / rate;
}
