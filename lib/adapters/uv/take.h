/* Structs of the border (they begin with `size_t size`), as in wsm/types.h: what both sides know is copied. */
#ifndef WSM_UV_TAKE_H
#define WSM_UV_TAKE_H

#include <stddef.h>
#include <string.h>

#include "wsm/error.h"

/* min(given->size, size) bytes of `given` over the defaults in `known`. WSM_ERR_INVALID, WSM_ERR_VERSION. */
static inline int wsm__uv_take(void *known, size_t size, const void *given) {
    size_t given_size = 0;
    if (given) memcpy(&given_size, given, sizeof given_size);
    if (given_size < sizeof given_size) return WSM_ERR_INVALID;
    for (size_t i = size; i < given_size; i++)
        if (((const unsigned char *)given)[i]) return WSM_ERR_VERSION;
    memcpy(known, given, given_size < size ? given_size : size);
    memcpy(known, &size, sizeof size);
    return WSM_OK;
}

#endif
