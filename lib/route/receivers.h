/* The receivers of a context: connection slots, dense, so that fan-out is one walk over an array. */
#ifndef WSM_LIB_ROUTE_RECEIVERS_H
#define WSM_LIB_ROUTE_RECEIVERS_H

#include <stdint.h>

#include "mem.h"

typedef struct wsm__receivers {
    uint32_t *slots;
    uint32_t count, cap;
} wsm__receivers;

int wsm__receivers_add(wsm__receivers *receivers, wsm__mem *mem, uint32_t slot); /* WSM_ERR_NOMEM: no effect */
int wsm__receivers_reserve(wsm__receivers *receivers, wsm__mem *mem,
                           uint32_t count); /* so many adds will not fail; WSM_ERR_NOMEM: no effect */
void wsm__receivers_remove(wsm__receivers *receivers, uint32_t slot); /* harmless if absent; the last takes its place */
void wsm__receivers_fini(wsm__receivers *receivers, wsm__mem *mem);

#endif
