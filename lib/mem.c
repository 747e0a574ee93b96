/* Counting and bounding what the core allocates. Bytes are counted before the host is asked and given back if it has
 * none, so that two threads cannot slip past the budget together. */
#include "mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    (void)user;
    (void)old_size;
    if (new_size) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

void wsm__mem_init(wsm__mem *mem, wsm_alloc_fn alloc, void *user, size_t budget) {
    mem->alloc = alloc ? alloc : default_alloc;
    mem->user = user;
    mem->budget = budget;
    mem->kept = 0;
    atomic_init(&mem->is_open, false);
    atomic_init(&mem->used, 0);
}

static int charge(wsm__mem *mem, size_t size, bool may_all) {
    size_t kept = may_all || atomic_load_explicit(&mem->is_open, memory_order_relaxed) ? 0 : mem->kept;
    size_t most = mem->budget ? mem->budget - kept : SIZE_MAX;
    size_t used = atomic_load_explicit(&mem->used, memory_order_relaxed);
    do {
        if (used > most || size > most - used) return WSM_ERR_NOMEM;
    } while (!atomic_compare_exchange_weak_explicit(&mem->used, &used, used + size, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}

void wsm__mem_open(wsm__mem *mem, bool is_open) {
    atomic_store_explicit(&mem->is_open, is_open, memory_order_relaxed);
}

bool wsm__mem_has_room(wsm__mem *mem, size_t size) {
    size_t most = mem->budget - mem->kept, used = atomic_load_explicit(&mem->used, memory_order_relaxed);
    return !mem->budget || (used <= most && size <= most - used);
}

int wsm__mem_charge(wsm__mem *mem, size_t size) {
    return charge(mem, size, false);
}

void wsm__mem_uncharge(wsm__mem *mem, size_t size) {
    size_t before = atomic_fetch_sub_explicit(&mem->used, size, memory_order_relaxed);
    assert(before >= size);
    (void)before;
}

void *wsm__alloc(wsm__mem *mem, size_t size) {
    return wsm__resize(mem, NULL, 0, size);
}

void *wsm__zalloc(wsm__mem *mem, size_t size) {
    void *ptr = wsm__alloc(mem, size);
    if (ptr) memset(ptr, 0, size);
    return ptr;
}

void *wsm__resize(wsm__mem *mem, void *ptr, size_t old_size, size_t size) {
    assert(size > 0);
    if (size > old_size && wsm__mem_charge(mem, size - old_size) != 0) return NULL;
    void *moved = mem->alloc(mem->user, ptr, old_size, size);
    if (moved && size < old_size) wsm__mem_uncharge(mem, old_size - size);
    if (!moved && size > old_size) wsm__mem_uncharge(mem, size - old_size);
    return moved;
}

void wsm__free(wsm__mem *mem, void *ptr, size_t size) {
    if (!ptr) return;
    mem->alloc(mem->user, ptr, size, 0);
    wsm__mem_uncharge(mem, size);
}

void *wsm__alloc_kept(wsm__mem *mem, size_t size) {
    if (charge(mem, size, true) != 0) return NULL;
    void *ptr = mem->alloc(mem->user, NULL, 0, size);
    if (!ptr) wsm__mem_uncharge(mem, size);
    return ptr;
}

char *wsm__strndup(wsm__mem *mem, const char *text, size_t len) {
    char *copy = wsm__alloc(mem, len + 1);
    if (!copy) return NULL;
    if (len) memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}
