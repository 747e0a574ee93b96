/* Chains of frames: a queue that owns nothing while it is empty. What it holds stands in blocks of some items, borrowed
 * from a pool that all queues of a hub share: the few blocks in use stay in the processor's cache, however many
 * connections take turns with them. */
#ifndef WSM_LIB_WIRE_CHAIN_H
#define WSM_LIB_WIRE_CHAIN_H

#include <stdbool.h>

#include "wire/frame.h"

#define WSM__CHAIN_ITEMS 7u /* a block has two cache lines */

typedef struct wsm__chain_item {
    wsm__frame *frame;
    uint64_t offset; /* of its record; 0: none */
} wsm__chain_item;

typedef struct wsm__chain_block {
    struct wsm__chain_block *next;
    uint32_t begin, end; /* of the items in use */
    wsm__chain_item items[WSM__CHAIN_ITEMS];
} wsm__chain_block;

typedef struct wsm__chain_pool {
    wsm__mem *mem;
    wsm__chain_block *idle; /* the last one given back is the first one taken */
    uint32_t idle_count;
} wsm__chain_pool;

typedef struct wsm__chain { /* zeroed: empty; no block of it is */
    wsm__chain_block *first, *last;
} wsm__chain;

typedef bool wsm__chain_drops(const void *user, const wsm__chain_item *item);

typedef struct wsm__chain_place { /* zeroed: before the first item */
    const wsm__chain_block *block;
    uint32_t idx;
} wsm__chain_place;

void wsm__chain_pool_init(wsm__chain_pool *pool, wsm__mem *mem);

/* See to it that the next push or move finds a block. 0 or WSM_ERR_NOMEM. */
int wsm__chain_pool_reserve(wsm__chain_pool *pool);

void wsm__chain_pool_fini(wsm__chain_pool *pool); /* after all chains are empty */

bool wsm__chain_is_empty(const wsm__chain *chain);
const wsm__chain_item *wsm__chain_first(const wsm__chain *chain);                         /* not empty */
const wsm__chain_item *wsm__chain_next(const wsm__chain *chain, wsm__chain_place *place); /* NULL: the end */

/* At the end; takes a reference of its own. WSM_ERR_NOMEM: no effect. */
int wsm__chain_push(wsm__chain *chain, wsm__chain_pool *pool, wsm__frame *frame, uint64_t offset);
/* The first of `from`, which is not empty, becomes the last of `to`. WSM_ERR_NOMEM: no effect. */
int wsm__chain_move(wsm__chain *to, wsm__chain *from, wsm__chain_pool *pool);
void wsm__chain_pop(wsm__chain *chain, wsm__chain_pool *pool); /* drops the first; not empty */
/* Drops what `drops` says; returns how many, their bytes are added to `*bytes`. */
uint32_t wsm__chain_purge(wsm__chain *chain, wsm__chain_pool *pool, wsm__chain_drops *drops, const void *user,
                          size_t *bytes);
/* The same with the records behind an offset. */
uint32_t wsm__chain_cut(wsm__chain *chain, wsm__chain_pool *pool, uint64_t after, size_t *bytes);
uint32_t wsm__chain_clear(wsm__chain *chain, wsm__chain_pool *pool); /* returns how many were dropped */

#endif
