/* Chains of frames, and the pool of their links. */
#include "wire/chain.h"

#include <assert.h>

#include "wsm/error.h"

#define IDLE_MAX 4096u /* links that a pool keeps: 96 KiB; beyond that they come from the host, and go back to it */

void wsm__chain_pool_init(wsm__chain_pool *pool, wsm__mem *mem) {
    *pool = (wsm__chain_pool){.mem = mem};
}

static wsm__chain_link *take(wsm__chain_pool *pool) {
    wsm__chain_link *link = pool->idle;
    if (!link) return wsm__alloc(pool->mem, sizeof *link);
    pool->idle = link->next;
    pool->idle_count--;
    return link;
}

static void give_back(wsm__chain_pool *pool, wsm__chain_link *link) {
    if (pool->idle_count == IDLE_MAX) {
        wsm__free(pool->mem, link, sizeof *link);
        return;
    }
    link->next = pool->idle;
    pool->idle = link;
    pool->idle_count++;
}

void wsm__chain_pool_fini(wsm__chain_pool *pool) {
    while (pool->idle) wsm__free(pool->mem, take(pool), sizeof(wsm__chain_link));
}

bool wsm__chain_is_empty(const wsm__chain *chain) {
    return !chain->first;
}

static void append(wsm__chain *chain, wsm__chain_link *link) {
    link->next = NULL;
    if (chain->first)
        chain->last->next = link;
    else
        chain->first = link;
    chain->last = link;
}

static wsm__chain_link *detach(wsm__chain *chain) {
    wsm__chain_link *link = chain->first;
    assert(link);
    chain->first = link->next;
    return link;
}

int wsm__chain_push(wsm__chain *chain, wsm__chain_pool *pool, wsm__frame *frame, uint64_t offset) {
    wsm__chain_link *link = take(pool);
    if (!link) return WSM_ERR_NOMEM;
    link->frame = wsm__frame_ref(frame);
    link->offset = offset;
    append(chain, link);
    return 0;
}

void wsm__chain_move(wsm__chain *to, wsm__chain *from) {
    append(to, detach(from));
}

void wsm__chain_pop(wsm__chain *chain, wsm__chain_pool *pool) {
    wsm__chain_link *link = detach(chain);
    wsm__frame_unref(link->frame);
    give_back(pool, link);
}

uint32_t wsm__chain_clear(wsm__chain *chain, wsm__chain_pool *pool) {
    uint32_t count = 0;
    for (; chain->first; count++) wsm__chain_pop(chain, pool);
    return count;
}
