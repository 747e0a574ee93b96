/* Intrusive doubly linked lists with a head. An element that is in no list points at itself. */
#ifndef WSM_LIB_UTIL_LIST_H
#define WSM_LIB_UTIL_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct wsm__list {
    struct wsm__list *next, *prev;
} wsm__list;

#define WSM__CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void wsm__list_init(wsm__list *head) {
    head->next = head->prev = head;
}

static inline bool wsm__list_is_empty(const wsm__list *head) {
    return head->next == head;
}

static inline void wsm__list_push(wsm__list *head, wsm__list *node) { /* at the end */
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void wsm__list_remove(wsm__list *node) { /* harmless when in no list */
    node->prev->next = node->next;
    node->next->prev = node->prev;
    wsm__list_init(node);
}

static inline wsm__list *wsm__list_first(const wsm__list *head) { /* NULL: empty */
    return head->next == head ? NULL : head->next;
}

/* Moves all of `from` to the end of `to`; `from` is empty then. */
static inline void wsm__list_splice(wsm__list *to, wsm__list *from) {
    if (wsm__list_is_empty(from)) return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    wsm__list_init(from);
}

#endif
