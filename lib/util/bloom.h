/* A Bloom filter over names: says "surely not" for most names that are not in it, and never for one that is. Sized for
 * one false positive in a hundred at the number of names it was made for: some ten bits each and seven probes. It
 * stands before an exact lookup and never decides alone. The hash is keyed: nobody can choose names that collide. */
#ifndef WSM_LIB_UTIL_BLOOM_H
#define WSM_LIB_UTIL_BLOOM_H

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

typedef struct wsm__bloom {
    uint64_t *words;      /* NULL: holds nothing, and knows nothing of what may be in it */
    uint64_t bits;        /* a power of two, or 0 */
    uint32_t count, room; /* names put in, and those it was made for */
    unsigned char seed[16];
} wsm__bloom;

void wsm__bloom_init(wsm__bloom *bloom, const unsigned char seed[16]);
void wsm__bloom_fini(wsm__bloom *bloom, wsm__mem *mem);
/* Make room for `room` names and forget all. WSM_ERR_NOMEM: as before. */
int wsm__bloom_resize(wsm__bloom *bloom, wsm__mem *mem, uint32_t room);
void wsm__bloom_add(wsm__bloom *bloom, const void *name, size_t len);
/* False: it was not added. Without room everything may be in it. */
bool wsm__bloom_may_have(const wsm__bloom *bloom, const void *name, size_t len);
bool wsm__bloom_is_full(const wsm__bloom *bloom); /* more names than it was made for: make it anew, larger */

#endif
