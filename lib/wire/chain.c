/* Chains of frames, and the pool of their blocks. */
#include "wire/chain.h"

#include <assert.h>

#include "wsm/error.h"

#define IDLE_MAX 8192u /* blocks that a pool keeps: 1 MiB; more come from the host, and go back to it */

void wsm__chain_pool_init(wsm__chain_pool *pool, wsm__mem *mem) {
    *pool = (wsm__chain_pool){.mem = mem};
}

static wsm__chain_block *take(wsm__chain_pool *pool) {
    wsm__chain_block *block = pool->idle;
    if (!block) return wsm__alloc(pool->mem, sizeof *block);
    pool->idle = block->next;
    pool->idle_count--;
    return block;
}

static void give_back(wsm__chain_pool *pool, wsm__chain_block *block) {
    if (pool->idle_count == IDLE_MAX) {
        wsm__free(pool->mem, block, sizeof *block);
        return;
    }
    block->next = pool->idle;
    pool->idle = block;
    pool->idle_count++;
}

int wsm__chain_pool_reserve(wsm__chain_pool *pool) {
    if (pool->idle) return WSM_OK;
    wsm__chain_block *block = take(pool);
    if (!block) return WSM_ERR_NOMEM;
    give_back(pool, block);
    return WSM_OK;
}

void wsm__chain_pool_fini(wsm__chain_pool *pool) {
    while (pool->idle) wsm__free(pool->mem, take(pool), sizeof(wsm__chain_block));
}

bool wsm__chain_is_empty(const wsm__chain *chain) {
    return !chain->first;
}

const wsm__chain_item *wsm__chain_first(const wsm__chain *chain) {
    assert(chain->first);
    return &chain->first->items[chain->first->begin];
}

const wsm__chain_item *wsm__chain_next(const wsm__chain *chain, wsm__chain_place *place) {
    if (!place->block) {
        if (!chain->first) return NULL;
        *place = (wsm__chain_place){chain->first, chain->first->begin};
    } else if (place->idx == place->block->end) {
        if (!place->block->next) return NULL;
        *place = (wsm__chain_place){place->block->next, place->block->next->begin};
    }
    return &place->block->items[place->idx++];
}

static int append(wsm__chain *chain, wsm__chain_pool *pool, wsm__chain_item item) {
    wsm__chain_block *last = chain->last;
    if (!chain->first || last->end == WSM__CHAIN_ITEMS) {
        last = take(pool);
        if (!last) return WSM_ERR_NOMEM;
        last->next = NULL;
        last->begin = last->end = 0;
        if (chain->first)
            chain->last->next = last;
        else
            chain->first = last;
        chain->last = last;
    }
    last->items[last->end++] = item;
    return 0;
}

/* The first item leaves, with its reference; its block too, once it is empty. */
static void detach(wsm__chain *chain, wsm__chain_pool *pool) {
    wsm__chain_block *block = chain->first;
    if (++block->begin < block->end) return;
    chain->first = block->next;
    give_back(pool, block);
}

int wsm__chain_push(wsm__chain *chain, wsm__chain_pool *pool, wsm__frame *frame, uint64_t offset) {
    int err = append(chain, pool, (wsm__chain_item){frame, offset});
    if (!err) wsm__frame_ref(frame);
    return err;
}

int wsm__chain_move(wsm__chain *to, wsm__chain *from, wsm__chain_pool *pool) {
    int err = append(to, pool, *wsm__chain_first(from));
    if (!err) detach(from, pool);
    return err;
}

void wsm__chain_pop(wsm__chain *chain, wsm__chain_pool *pool) {
    wsm__frame *frame = wsm__chain_first(chain)->frame;
    detach(chain, pool);
    wsm__frame_unref(frame);
}

/* What stays closes the ranks within its block. */
static uint32_t purge_block(wsm__chain_block *block, wsm__chain_drops *drops, const void *user, size_t *bytes) {
    uint32_t kept = 0, all = block->end - block->begin;
    for (uint32_t i = block->begin; i < block->end; i++) {
        wsm__chain_item item = block->items[i];
        if (!drops(user, &item)) {
            block->items[kept++] = item;
            continue;
        }
        *bytes += wsm__frame_bytes(item.frame).len;
        wsm__frame_unref(item.frame);
    }
    block->begin = 0;
    block->end = kept;
    return all - kept;
}

uint32_t wsm__chain_purge(wsm__chain *chain, wsm__chain_pool *pool, wsm__chain_drops *drops, const void *user,
                          size_t *bytes) {
    uint32_t gone = 0;
    wsm__chain_block *block, **at = &chain->first;
    while ((block = *at) != NULL) {
        gone += purge_block(block, drops, user, bytes);
        if (block->end > 0) {
            chain->last = block;
            at = &block->next;
        } else {
            *at = block->next;
            give_back(pool, block);
        }
    }
    return gone;
}

static bool is_behind(const void *user, const wsm__chain_item *item) {
    const uint64_t *after = user;
    return item->offset > *after;
}

uint32_t wsm__chain_cut(wsm__chain *chain, wsm__chain_pool *pool, uint64_t after, size_t *bytes) {
    return wsm__chain_purge(chain, pool, is_behind, &after, bytes);
}

uint32_t wsm__chain_clear(wsm__chain *chain, wsm__chain_pool *pool) {
    uint32_t count = 0;
    for (; chain->first; count++) wsm__chain_pop(chain, pool);
    return count;
}
