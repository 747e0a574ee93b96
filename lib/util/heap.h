/* A heap of deadlines with intrusive nodes, so that arming cannot fail. Equal deadlines fire in the order of arming.
 *
 * A pairing heap: insert and lower are O(1), removing the least and any other is O(log n) amortised, no array grows.
 * A node begins zeroed. */
#ifndef WSM_LIB_UTIL_HEAP_H
#define WSM_LIB_UTIL_HEAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct wsm__heap_node {
    struct wsm__heap_node *child, *next, *prev; /* prev: the parent for a first child */
    uint64_t when;                              /* milliseconds of the monotonic clock */
    uint64_t order;
    bool armed;
    uint8_t kind; /* the owner's, to tell its nodes apart; the heap leaves it alone */
} wsm__heap_node;

typedef struct wsm__heap {
    wsm__heap_node *root;
    uint64_t order;
} wsm__heap;

void wsm__heap_init(wsm__heap *heap);
void wsm__heap_arm(wsm__heap *heap, wsm__heap_node *node, uint64_t when); /* again: moves it */
void wsm__heap_disarm(wsm__heap *heap, wsm__heap_node *node);             /* harmless when not armed */
wsm__heap_node *wsm__heap_first(const wsm__heap *heap);                   /* NULL: none */
wsm__heap_node *wsm__heap_pop_due(wsm__heap *heap, uint64_t now);         /* disarms and returns one that is due */

#endif
