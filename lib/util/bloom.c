/* The Bloom filter: one keyed hash of 64 bits, split in two, gives all probes (Kirsch and Mitzenmacher, "Less Hashing,
 * Same Performance", 2006). */
#include "util/bloom.h"

#include <string.h>

#include "util/siphash.h"
#include "wsm/error.h"

#define BITS_PER_NAME 10u
#define PROBES        7u

void wsm__bloom_init(wsm__bloom *bloom, const unsigned char seed[16]) {
    *bloom = (wsm__bloom){0};
    memcpy(bloom->seed, seed, sizeof bloom->seed);
}

void wsm__bloom_fini(wsm__bloom *bloom, wsm__mem *mem) {
    wsm__free(mem, bloom->words, (size_t)(bloom->bits / 8));
    bloom->words = NULL;
    bloom->bits = 0;
    bloom->count = bloom->room = 0;
}

int wsm__bloom_resize(wsm__bloom *bloom, wsm__mem *mem, uint32_t room) {
    uint64_t bits = 512;
    while (bits < (uint64_t)room * BITS_PER_NAME) bits *= 2;
    uint64_t *words = wsm__zalloc(mem, (size_t)(bits / 8));
    if (!words) return WSM_ERR_NOMEM;
    wsm__bloom_fini(bloom, mem);
    bloom->words = words;
    bloom->bits = bits;
    bloom->room = (uint32_t)(bits / BITS_PER_NAME < UINT32_MAX ? bits / BITS_PER_NAME : UINT32_MAX);
    return WSM_OK;
}

static uint64_t probe(const wsm__bloom *bloom, uint64_t hash, uint32_t i) {
    uint64_t step = hash >> 32 | 1; /* odd: it visits every bit */
    return (hash + i * step) & (bloom->bits - 1);
}

void wsm__bloom_add(wsm__bloom *bloom, const void *name, size_t len) {
    if (!bloom->words) return;
    uint64_t hash = wsm__siphash(bloom->seed, name, len);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint64_t bit = probe(bloom, hash, i);
        bloom->words[bit / 64] |= 1ull << bit % 64;
    }
    bloom->count++;
}

bool wsm__bloom_may_have(const wsm__bloom *bloom, const void *name, size_t len) {
    if (!bloom->words) return true;
    uint64_t hash = wsm__siphash(bloom->seed, name, len);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint64_t bit = probe(bloom, hash, i);
        if (!(bloom->words[bit / 64] & 1ull << bit % 64)) return false;
    }
    return true;
}

bool wsm__bloom_is_full(const wsm__bloom *bloom) {
    return bloom->count > bloom->room;
}
