/* The inside of a wsm_uv, shared by server.c (life) and listen.c (listeners). */
#ifndef WSM_UV_SERVER_H
#define WSM_UV_SERVER_H

#include "stream.h"
#include "wsm/uv.h"

typedef struct wsm__uv_listener wsm__uv_listener;

struct wsm_uv {
    uv_async_t async; /* the hub's wake */
    wsm_hub *hub;     /* NULL: not attached yet, or let go */
    wsm__uv_listener *listeners;
    uint16_t port;
    void (*done)(void *user);
    void *done_user;
    wsm__uv_turn turn; /* last: its buffer is large */
};

void wsm__uv_listeners_begin(wsm_uv *uv); /* a new turn: what had to wait is accepted */
void wsm__uv_listeners_close(wsm_uv *uv);
void wsm__uv_listeners_free(wsm_uv *uv);

#endif
