/* Chains of frames: a queue that owns nothing while it is empty. Its links are borrowed from a pool that all queues of
 * a hub share: the few links in use stay in the processor's cache, however many connections take turns with them, and
 * moving a frame from one chain to another needs no memory. */
#ifndef WSM_LIB_WIRE_CHAIN_H
#define WSM_LIB_WIRE_CHAIN_H

#include <stdbool.h>

#include "wire/frame.h"

typedef struct wsm__chain_link {
    struct wsm__chain_link *next;
    wsm__frame *frame;
    uint64_t offset; /* of its record; 0: none */
} wsm__chain_link;

typedef struct wsm__chain_pool {
    wsm__mem *mem;
    wsm__chain_link *idle; /* the last one given back is the first one taken */
    uint32_t idle_count;
} wsm__chain_pool;

typedef struct wsm__chain { /* zeroed: empty */
    wsm__chain_link *first, *last;
} wsm__chain;

void wsm__chain_pool_init(wsm__chain_pool *pool, wsm__mem *mem);
void wsm__chain_pool_fini(wsm__chain_pool *pool); /* after all chains are empty */

bool wsm__chain_is_empty(const wsm__chain *chain);

/* At the end; takes a reference of its own. WSM_ERR_NOMEM: no effect. */
int wsm__chain_push(wsm__chain *chain, wsm__chain_pool *pool, wsm__frame *frame, uint64_t offset);
/* The first of `from` becomes the last of `to`, with its reference. `from` is not empty. */
void wsm__chain_move(wsm__chain *to, wsm__chain *from);
/* Drops the first, with its reference. Not empty. */
void wsm__chain_pop(wsm__chain *chain, wsm__chain_pool *pool);
uint32_t wsm__chain_clear(wsm__chain *chain, wsm__chain_pool *pool); /* returns how many were dropped */

#endif
