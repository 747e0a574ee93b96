/* The client's inside, shared by its files: client.c (life and the way in), outbox.c (bytes out), handshake.c (HTTP),
 * session.c (the hub's protocol), news.c (calling the host).
 *
 * A client only ever moves forward through its states. Whoever finds that it is over calls wsm__client_end, which calls
 * nobody: the host hears of it from news.c, when the outermost call into the library returns. */
#ifndef WSM_LIB_CLIENT_CLIENT_H
#define WSM_LIB_CLIENT_CLIENT_H

#include "client/seen.h"
#include "limits.h"
#include "wire/link.h"
#include "wire/outq.h"
#include "wsm/client.h"

typedef enum wsm__client_state {
    WSM__CLIENT_ASKING = 0, /* the request is on its way, the answer's head is not complete */
    WSM__CLIENT_REFUSED,    /* the answer was no upgrade; its body is being read */
    WSM__CLIENT_GREETING,   /* upgraded; `welcome` has not come (not in plain mode) */
    WSM__CLIENT_OPEN,       /* from here on the link knows whether it is closing */
    WSM__CLIENT_OVER
} wsm__client_state;

/* What the host has still to be told after the end, in this order. */
typedef enum wsm__client_news {
    WSM__NEWS_REFUSED = 0, /* on_refused, if there was an answer */
    WSM__NEWS_CUT,         /* close_transport, unless the transport went by itself */
    WSM__NEWS_CLOSE,       /* on_close */
    WSM__NEWS_TOLD
} wsm__client_news;

struct wsm_client {
    wsm__mem mem; /* counts this struct too */
    wsm_client_host host;
    void *user;
    wsm_client_config config; /* numbers only: its texts were used up by the request, and are NULL */

    wsm__client_state state;
    wsm__client_news news;
    bool gone;        /* wsm_client_closed was called */
    bool receiving;   /* inside wsm_client_recv */
    bool freed;       /* a shell: calls nobody, and goes when the outermost call returns */
    uint32_t depth;   /* calls into the library that are under way */
    uint64_t due;     /* next deadline, monotonic ms; UINT64_MAX: none */
    uint64_t open_by; /* deadline of the handshake; UINT64_MAX: none */

    unsigned char nonce[16];
    wsm__buf answer; /* the HTTP answer so far; after a refusal its body */
    int status;      /* of the refusal; 0: none that could be read */
    bool answered;   /* there is something to tell in on_refused */
    size_t body_max; /* as much of the body as is waited for */

    wsm__ws_pool *pool;
    wsm__link_limits limits;
    wsm__link link;

    wsm__ring data;         /* of wsm__frame *: messages that wait */
    size_t data_bytes;      /* of their frames */
    wsm__frame *held;       /* taken from the link, but there was no memory to hand it out */
    wsm__chain_pool blocks; /* of `out` alone */
    wsm__outq out;
    uint32_t control_known; /* control frames that waited when we last looked: more of them are news */
    bool fresh;             /* something waits that bytes_waiting was not called for */
    bool close_out;         /* our close frame was handed out: nothing may follow */

    uint16_t code; /* what on_close will say; 0: not known yet */
    char reason[WSM__CLOSE_REASON_MAX];
    size_t reason_len;

    char epoch[17];
    uint64_t position;
    bool resuming; /* the configuration named an epoch */
    wsm__seen seen;
};

/* client.c */
void wsm__client_end(wsm_client *client, uint16_t code); /* over; a code that is known already stays */
void wsm__client_opened(wsm_client *client);             /* the link counts from now; in plain mode that is all */

/* outbox.c, beside its public functions */
void wsm__client_wrote(wsm_client *client, size_t len);
int wsm__client_queue(wsm_client *client, wsm_data type, wsm_slice bytes); /* as wsm_client_send */
uint32_t wsm__client_control_count(const wsm_client *client);              /* control frames that wait in the link */
void wsm__client_outbox_fini(wsm_client *client);

/* handshake.c: queue the request (WSM_ERR_NOMEM, WSM_ERR_INVALID: a text that cannot stand in it), and take bytes of
 * the answer. Returns 0 or WSM_ERR_NOMEM; `*used` of them were part of the answer. */
int wsm__client_ask(wsm_client *client, const wsm_client_config *config);
int wsm__client_answer(wsm_client *client, const char *bytes, size_t len, size_t *used);

/* session.c: a whole text message from the hub. Returns 0, or the error that closes the link. */
int wsm__client_message(wsm_client *client, wsm_slice text);

/* news.c: the only file that calls the host, clocks and random bytes apart. */
void wsm__client_call_open(wsm_client *client);
void wsm__client_call_message(wsm_client *client, const wsm_client_message *message);
void wsm__client_call_data(wsm_client *client, wsm_data type, wsm_slice bytes);
void wsm__client_call_news(wsm_client *client); /* all that waits to be told */

#endif
