/* A ring of intrusive links with its head in it. A link that is in no list points at itself. */
#ifndef WSM_UV_LIST_H
#define WSM_UV_LIST_H

typedef struct wsm__uv_link {
    struct wsm__uv_link *prev, *next;
} wsm__uv_link;

static inline void wsm__uv_link_init(wsm__uv_link *link) {
    link->prev = link->next = link;
}

static inline int wsm__uv_link_is_alone(const wsm__uv_link *link) {
    return link->next == link;
}

static inline void wsm__uv_link_remove(wsm__uv_link *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    wsm__uv_link_init(link);
}

static inline void wsm__uv_link_append(wsm__uv_link *head, wsm__uv_link *link) {
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/* Everything of `from` goes to the end of `to`; `from` is empty then. */
static inline void wsm__uv_link_move_all(wsm__uv_link *to, wsm__uv_link *from) {
    if (wsm__uv_link_is_alone(from)) return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    wsm__uv_link_init(from);
}

#endif
