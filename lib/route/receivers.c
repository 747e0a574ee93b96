/* Dense arrays of receivers. Removing is a scan of four bytes a connection: some microseconds at ten thousand, and it
 * saves a position table per context and connection. */
#include "route/receivers.h"

#include "wsm/error.h"

int wsm__receivers_add(wsm__receivers *receivers, wsm__mem *mem, uint32_t slot) {
    if (receivers->count == receivers->cap) {
        uint32_t cap = receivers->cap ? receivers->cap * 2 : 8;
        uint32_t *slots = wsm__resize(mem, receivers->slots, receivers->cap * sizeof *slots, cap * sizeof *slots);
        if (!slots) return WSM_ERR_NOMEM;
        receivers->slots = slots;
        receivers->cap = cap;
    }
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
