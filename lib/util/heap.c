/* The pairing heap. Each node's children form a list; the first child's `prev` is the parent, so that a node anywhere
 * can be cut out. Removing a root joins its children in two passes: pairs from left to right, then all from the right.
 */
#include "util/heap.h"

#include <stddef.h>

typedef wsm__heap_node heap_node;

void wsm__heap_init(wsm__heap *heap) {
    heap->root = NULL;
    heap->order = 0;
}

static bool is_before(const heap_node *a, const heap_node *b) {
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

/* Both are roots of their own: no siblings, no parent. */
static heap_node *join(heap_node *a, heap_node *b) {
    if (!a) return b;
    if (!b) return a;
    if (is_before(b, a)) {
        heap_node *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (b->next) b->next->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

static heap_node *detach_next(heap_node **list) {
    heap_node *first = *list;
    if (!first) return NULL;
    *list = first->next;
    first->next = first->prev = NULL;
    return first;
}

static heap_node *join_children(heap_node *parent) {
    heap_node *list = parent->child, *pairs = NULL, *root = NULL;
    parent->child = NULL;
    while (list) {
        heap_node *a = detach_next(&list), *b = detach_next(&list);
        a = join(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) root = join(root, detach_next(&pairs));
    return root;
}

static void cut(heap_node *child) {
    if (child->prev->child == child)
        child->prev->child = child->next;
    else
        child->prev->next = child->next;
    if (child->next) child->next->prev = child->prev;
    child->next = child->prev = NULL;
}

void wsm__heap_arm(wsm__heap *heap, wsm__heap_node *node, uint64_t when) {
    wsm__heap_disarm(heap, node);
    *node = (wsm__heap_node){.when = when, .order = heap->order++, .armed = true, .kind = node->kind};
    heap->root = join(heap->root, node);
}

void wsm__heap_disarm(wsm__heap *heap, wsm__heap_node *node) {
    if (!node->armed) return;
    node->armed = false;
    if (node == heap->root) {
        heap->root = join_children(node);
        return;
    }
    cut(node);
    heap->root = join(heap->root, join_children(node));
}

wsm__heap_node *wsm__heap_first(const wsm__heap *heap) {
    return heap->root;
}

wsm__heap_node *wsm__heap_pop_due(wsm__heap *heap, uint64_t now) {
    wsm__heap_node *first = heap->root;
    if (!first || first->when > now) return NULL;
    wsm__heap_disarm(heap, first);
    return first;
}
