/* A request whose answer comes later, from the hub, by `tag`: the address of a small struct that outlives the request,
 * because the client may leave before its answer is known. */
#ifndef WSMD_HTTP_WAIT_H
#define WSMD_HTTP_WAIT_H

#include "http.h"

#define WAITING_ID_CAP 257

typedef struct waiting {
    wsm_request *request; /* NULL: it has gone */
    struct waiting *next, *prev;
    char message_id[WAITING_ID_CAP]; /* of a store, for its answer */
} waiting;

/* NULL: no memory. */
waiting *waiting_new(server *all, wsm_request *request);
uint64_t waiting_tag(const waiting *wait);
/* Ends the wait; returns its request, or NULL if that has gone. */
wsm_request *waiting_take(server *all, waiting *wait);
waiting *waiting_from(uint64_t tag);

#endif
