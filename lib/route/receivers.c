/* Dense arrays of receivers. Removing is a scan of four bytes a connection: some microseconds at ten thousand, and it
 * saves a position table per context and connection. */
#include "route/receivers.h"

#include "wsm/error.h"

int wsm__receivers_reserve(wsm__receivers *receivers, wsm__mem *mem, uint32_t count) {
    uint32_t cap = receivers->cap ? receivers->cap : 8;
    while (cap - receivers->count < count) cap *= 2;
    if (cap == receivers->cap) return WSM_OK;
    uint32_t *slots = wsm__resize(mem, receivers->slots, receivers->cap * sizeof *slots, cap * sizeof *slots);
    if (!slots) return WSM_ERR_NOMEM;
    receivers->slots = slots;
    receivers->cap = cap;
    return WSM_OK;
}

int wsm__receivers_add(wsm__receivers *receivers, wsm__mem *mem, uint32_t slot) {
    if (wsm__receivers_reserve(receivers, mem, 1)) return WSM_ERR_NOMEM;
    receivers->slots[receivers->count++] = slot;
    return WSM_OK;
}

void wsm__receivers_remove(wsm__receivers *receivers, uint32_t slot) {
    for (uint32_t i = 0; i < receivers->count; i++) {
        if (receivers->slots[i] != slot) continue;
        receivers->slots[i] = receivers->slots[--receivers->count];
        return;
    }
}

void wsm__receivers_fini(wsm__receivers *receivers, wsm__mem *mem) {
    wsm__free(mem, receivers->slots, receivers->cap * sizeof *receivers->slots);
    *receivers = (wsm__receivers){0};
}
