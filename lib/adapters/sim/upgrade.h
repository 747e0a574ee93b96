/* The HTTP side of the simulator's own codec: the request that asks for the upgrade, and a strict reader of the answer.
 *
 * The key is one constant, that of RFC 6455 section 1.3, and so is the answer that belongs to it: a codec that is to
 * disagree with the core needs no SHA-1 of its own to be right. */
#ifndef WSM_LIB_SIM_UPGRADE_H
#define WSM_LIB_SIM_UPGRADE_H

#include "bytes.h"

/* What the request carries; NULL leaves a header out. */
typedef struct wsm__sim_upgrade {
    const char *target;  /* NULL: "/ws" */
    const char *host;    /* NULL: "localhost" */
    const char *token;   /* Authorization: Bearer */
    const char *session; /* X-Memory-Session */
    const char *origin;
    const char *protocols; /* NULL: "wsm.v1" */
    const char *more;      /* header lines as they are, each with its CRLF */
} wsm__sim_upgrade;

void wsm__sim_upgrade_write(wsm__sim_bytes *out, const wsm__sim_upgrade *ask);

typedef enum wsm__sim_answer {
    WSM__SIM_ANSWER_WAITING,  /* not whole yet */
    WSM__SIM_ANSWER_UPGRADED, /* 101, and all that RFC 6455 asks of it: what follows are frames */
    WSM__SIM_ANSWER_REFUSED,  /* another status, and its whole body */
    WSM__SIM_ANSWER_BROKEN    /* no answer that HTTP/1.1 or RFC 6455 allow: `why` */
} wsm__sim_answer;

typedef struct wsm__sim_response {
    wsm__sim_bytes text; /* the head up to its empty line, then the body */
    size_t head_len, body_len;
    wsm__sim_answer answer;
    int status;
    const char *why;
} wsm__sim_response;

/* A zeroed struct has read nothing. */
void wsm__sim_response_fini(wsm__sim_response *response);

/* Read up to the end of the answer and no further. Returns how many of the bytes it took. */
size_t wsm__sim_response_feed(wsm__sim_response *response, const void *bytes, size_t len);

/* The value of a header, without the spaces around it; NULL if it is not there. `name` is in lower case. Lies in the
 * response. Only after the head is whole. */
const char *wsm__sim_response_header(const wsm__sim_response *response, const char *name, size_t *len);

#endif
