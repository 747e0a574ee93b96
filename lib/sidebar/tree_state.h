/* The tree as JSON, for the snapshot: the same state gives the same text, on every node and after every restart. */
#ifndef WSM_LIB_SIDEBAR_TREE_STATE_H
#define WSM_LIB_SIDEBAR_TREE_STATE_H

#include "sidebar/tree.h"

/* Places of the numbers of a node, and the bits of one of them. */
enum {
    N_CREATOR,
    N_COORDINATOR,
    N_STATUS,
    N_BEFORE,
    N_FINAL,
    N_PRIORITY,
    N_FLAGS,
    N_POLICY,
    N_VERSION,
    N_BORN,
    N_BORN_MS,
    N_MERGED_AT,
    N_WAITING_FOR,
    N_WAKE,
    N_WAKE_MS,
    N_COUNT
};
enum { FLAG_PRIVATE = 1, FLAG_REVIEWED = 2, FLAG_OFFERED = 4, FLAG_WARNED = 8, FLAG_SUCCESS = 16, FLAG_WOKEN = 32 };

/* An array with one object for each context of the tree, main first, in the order in which they began. */
void wsm__tree_save(const wsm__tree *tree, wsm__buf *buf);

/* Into a tree that knows nothing but main; the log has its contexts already, and so many agents are known. The array
 * was checked. WSM_ERR_LOG_CORRUPT or WSM_ERR_NOMEM leave it to be cleared. */
int wsm__tree_load(wsm__tree *tree, const wsm__log *log, uint32_t agents, wsm_slice array);

/* A number that differs when the states do, with overwhelming probability. */
int wsm__tree_digest(const wsm__tree *tree, uint64_t *digest); /* WSM_ERR_NOMEM */

#endif
