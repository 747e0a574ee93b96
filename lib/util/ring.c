/* The ring. `cap` is a power of two, so that an index wraps by a mask; a full ring moves to one of twice the size, its
 * front element first. */
#include "util/ring.h"

#include <assert.h>
#include <string.h>

#define FIRST_CAP 8u
#define KEEP_CAP  64u /* a ring that never grew beyond this keeps its storage when it runs empty */
#define MOST_CAP  (1u << 31)

void wsm__ring_init(wsm__ring *ring, uint32_t width) {
    *ring = (wsm__ring){.width = width};
}

void wsm__ring_fini(wsm__ring *ring, wsm__mem *mem) {
    wsm__free(mem, ring->slots, (size_t)ring->cap * ring->width);
    wsm__ring_init(ring, ring->width);
}

static char *slot(const wsm__ring *ring, uint32_t idx) {
    return (char *)ring->slots + (size_t)((ring->head + idx) & (ring->cap - 1)) * ring->width;
}

static int grow(wsm__ring *ring, wsm__mem *mem) {
    if (ring->cap == MOST_CAP) return WSM_ERR_NOMEM;
    uint32_t cap = ring->cap ? ring->cap * 2 : FIRST_CAP;
    char *slots = wsm__alloc(mem, (size_t)cap * ring->width);
    if (!slots) return WSM_ERR_NOMEM;
    if (ring->count) {
        size_t front = (size_t)(ring->cap - ring->head) * ring->width;
        memcpy(slots, slot(ring, 0), front);
        memcpy(slots + front, ring->slots, (size_t)ring->head * ring->width);
    }
    wsm__free(mem, ring->slots, (size_t)ring->cap * ring->width);
    ring->slots = slots;
    ring->cap = cap;
    ring->head = 0;
    return 0;
}

void *wsm__ring_push(wsm__ring *ring, wsm__mem *mem) {
    if (ring->count == ring->cap && grow(ring, mem) != 0) return NULL;
    return slot(ring, ring->count++);
}

int wsm__ring_reserve(wsm__ring *ring, wsm__mem *mem, uint32_t count) {
    while (ring->cap - ring->count < count)
        if (grow(ring, mem) != 0) return WSM_ERR_NOMEM;
    return WSM_OK;
}

void *wsm__ring_at(const wsm__ring *ring, uint32_t idx) {
    assert(idx < ring->count);
    return slot(ring, idx);
}

static void give_back_if_empty(wsm__ring *ring, wsm__mem *mem) {
    if (ring->count == 0 && ring->cap > KEEP_CAP) wsm__ring_fini(ring, mem);
}

void wsm__ring_pop(wsm__ring *ring, wsm__mem *mem) {
    assert(ring->count > 0);
    ring->head = (ring->head + 1) & (ring->cap - 1);
    ring->count--;
    give_back_if_empty(ring, mem);
}

void wsm__ring_pop_back(wsm__ring *ring, wsm__mem *mem) {
    assert(ring->count > 0);
    ring->count--;
    give_back_if_empty(ring, mem);
}
