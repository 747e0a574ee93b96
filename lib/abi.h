/* Structs that host and library exchange (they all begin with `size_t size`): the library may be newer or older than
 * the program, so nothing is read or written beyond what both know. New members are only ever added at the end. */
#ifndef WSM_LIB_ABI_H
#define WSM_LIB_ABI_H

#include <stddef.h>

/* From the host: copy min(given->size, known_size) bytes of `given` over the defaults that `known` holds already, and
 * set known->size to known_size. WSM_ERR_INVALID: `given` is NULL or its size cannot even hold itself. WSM_ERR_VERSION:
 * it is larger than known, and its surplus is not all zero. On an error `known` is untouched. */
int wsm__abi_copy(void *known, size_t known_size, const void *given);

/* To the host, for the ..._init functions: `size` bytes at `out` get the defaults, zeroes behind them, and out->size =
 * size. Does nothing when `out` is NULL or `size` cannot hold itself. */
void wsm__abi_init(void *out, size_t size, const void *defaults, size_t known_size);

/* To the host, for the getters: fill in min(out->size, known_size) bytes of `known`; out->size stays. WSM_ERR_INVALID:
 * `out` is NULL or its size cannot hold itself. */
int wsm__abi_fill(void *out, const void *known, size_t known_size);

#endif
