/* A hint to the processor: memory that is about to be used. Where a walk goes over many objects, each of which is cold,
 * the next ones come into the cache while the present one is worked on. Any address will do; the hint never faults. */
#ifndef WSM_LIB_UTIL_PREFETCH_H
#define WSM_LIB_UTIL_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#define WSM__CACHE_LINE 64u

static inline void wsm__prefetch(const void *from, size_t len) {
#if defined(__GNUC__)
    for (size_t at = 0; at < len; at += WSM__CACHE_LINE) __builtin_prefetch((const void *)((uintptr_t)from + at), 1);
#else
    (void)from, (void)len;
#endif
}

#endif
