/* The tree as JSON, for the snapshot: the same state gives the same text, on every node and after every restart. */
#ifndef WSM_LIB_SIDEBAR_TREE_STATE_H
#define WSM_LIB_SIDEBAR_TREE_STATE_H

#include "sidebar/tree.h"

/* An array with one object for each context of the tree, main first, in the order in which they began. */
void wsm__tree_save(const wsm__tree *tree, wsm__buf *buf);

/* Into a tree that knows nothing but main; the log has its contexts already. The array was checked. WSM_ERR_LOG_CORRUPT
 * or WSM_ERR_NOMEM leave it to be cleared. */
int wsm__tree_load(wsm__tree *tree, const wsm__log *log, wsm_slice array);

/* A number that differs when the states do, with overwhelming probability. */
int wsm__tree_digest(const wsm__tree *tree, uint64_t *digest); /* WSM_ERR_NOMEM */

#endif
