/* A growable ring of fixed-size elements: a queue that can be read from the front and indexed.
 *
 * Holds no storage while empty (wsm__ring_fini, or popping the last of a ring over 64 elements, gives it back). */
#ifndef WSM_LIB_UTIL_RING_H
#define WSM_LIB_UTIL_RING_H

#include <stdint.h>

#include "mem.h"

typedef struct wsm__ring {
    void *slots;
    uint32_t width; /* bytes of an element */
    uint32_t cap;   /* power of two, or 0 */
    uint32_t head;
    uint32_t count;
} wsm__ring;

void wsm__ring_init(wsm__ring *ring, uint32_t width);
void wsm__ring_fini(wsm__ring *ring, wsm__mem *mem);
void *wsm__ring_push(wsm__ring *ring, wsm__mem *mem); /* room for one more at the end, to be filled; NULL: no memory */
int wsm__ring_reserve(wsm__ring *ring, wsm__mem *mem, uint32_t count); /* so many pushes cannot fail; WSM_ERR_NOMEM */
void *wsm__ring_at(const wsm__ring *ring, uint32_t idx);               /* from the front; idx < count */
void wsm__ring_pop(wsm__ring *ring, wsm__mem *mem);                    /* drops the front element */
void wsm__ring_pop_back(wsm__ring *ring, wsm__mem *mem);

#endif
