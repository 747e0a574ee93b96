/* SipHash-2-4 (Aumasson and Bernstein), the keyed hash of our tables and content comparisons. */
#ifndef WSM_LIB_UTIL_SIPHASH_H
#define WSM_LIB_UTIL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t wsm__siphash(const unsigned char key[16], const void *bytes, size_t len);

#endif
