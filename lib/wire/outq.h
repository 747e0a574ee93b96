/* The bytes that are on their way out: frames that were handed to the host and wait for `sent`.
 *
 * What stands here is untouchable (design.md, section 5): the host may be writing it. What may still be dropped or
 * overtaken waits elsewhere (lanes of a connection, the queue of a client) and is moved here when it is handed out. */
#ifndef WSM_LIB_WIRE_OUTQ_H
#define WSM_LIB_WIRE_OUTQ_H

#include <stdbool.h>

#include "wire/chain.h"

typedef struct wsm__outq {
    wsm__chain frames;
    uint32_t count;
    bool payload_only; /* MESSAGE peers: vectors hold payloads */
    size_t front_sent; /* bytes of the first frame that have gone */
    size_t bytes;      /* not yet gone */
} wsm__outq;

void wsm__outq_init(wsm__outq *q, bool payload_only);
void wsm__outq_fini(wsm__outq *q, wsm__chain_pool *pool);
/* Takes a reference of its own; WSM_ERR_NOMEM: no effect. */
int wsm__outq_push(wsm__outq *q, wsm__chain_pool *pool, wsm__frame *frame);
/* The first of `from`, which is not empty. WSM_ERR_NOMEM: no effect. */
int wsm__outq_move(wsm__outq *q, wsm__chain_pool *pool, wsm__chain *from);
size_t wsm__outq_vec(const wsm__outq *q, wsm_vec *vec, size_t cap);
/* Returns how many bytes really counted; `*done` grows by the number of frames that have gone whole. */
size_t wsm__outq_sent(wsm__outq *q, wsm__chain_pool *pool, size_t len, uint32_t *done);

#endif
