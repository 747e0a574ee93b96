/* A connection as the hub sees it, and what stands around it until it is upgraded. */
#ifndef WSM_LIB_HUB_CONN_H
#define WSM_LIB_HUB_CONN_H

#include "auth/claims.h"
#include "conn/io.h"
#include "route/registry.h"
#include "util/heap.h"
#include "util/uuid.h"
#include "wire/http.h"
#include "wire/upgrade.h"
#include "wsm/hub.h"

/* Where a connection is; it only moves forwards, by peer_transit in peer.c. */
typedef enum wsm__phase {
    WSM__PHASE_HTTP = 0, /* the head of a request is coming */
    WSM__PHASE_BODY,     /* its body is coming */
    WSM__PHASE_REQUEST,  /* the host has the request and will answer */
    WSM__PHASE_TOKEN,    /* the host is checking the token */
    WSM__PHASE_HELLO,    /* upgraded, waiting for `hello` */
    WSM__PHASE_VERDICT,  /* the same, and the host is checking the token */
    WSM__PHASE_LIVE,     /* a member of the hub */
    WSM__PHASE_PLAIN,    /* upgraded, plain mode */
    WSM__PHASE_CLOSING,  /* nothing more is taken in; what waits is written, then the transport goes */
    WSM__PHASE_GONE      /* a shell */
} wsm__phase;

/* Limits by the address of the other end. */
typedef struct wsm__address {
    char *name;
    size_t name_len;
    uint32_t conns, preauth, failures;
    uint64_t blocked_until; /* monotonic ms */
    wsm__heap_node timer;   /* end of the minute in which `failures` are counted, or of the block */
} wsm__address;

struct wsm_request {
    wsm_conn *conn;
    void *user;
    wsm_slice body;
    wsm__identity identity;
    bool has_identity;
};

/* What is only needed until the upgrade. */
typedef struct wsm__handshake {
    wsm__buf in;
    wsm__http_head head;
    size_t head_len;
    size_t parsed; /* bytes that the parser has seen */
    int refuse;    /* decided at accept: the status to answer with once the request has come; 0: none */
    wsm_request request;
    wsm__buf token; /* kept while the host checks it */
    char epoch[17]; /* "": first visit */
    uint64_t after;
    uint64_t deadline;
} wsm__handshake;

/* Counts events in windows of a minute. */
typedef struct wsm__strikes {
    uint64_t window; /* minute of the monotonic clock */
    uint32_t count;
} wsm__strikes;

/* What every delivery looks at stands first, up to the beginning of io's link: fan-out to a thousand receivers costs as
 * many cache misses as it touches lines. */
struct wsm_conn {
    wsm_hub *hub;
    void *user;
    uint32_t slot, gen;
    uint8_t phase; /* wsm__phase */
    uint8_t told;  /* wsm_conn_state that on_conn_state has seen */
    uint8_t kind;  /* wsm_peer_kind */
    bool plain, counted_preauth, encrypted;
    bool in_recv;  /* wsm_conn_recv is on the stack */
    bool notified; /* bytes_waiting was called and has not been answered to the end */
    bool want_drained;
    bool cut_called; /* close_transport was called */
    bool eof;
    bool reads_main;
    bool catching_up;
    bool replaying;  /* replay_start was sent, replay_end was not */
    bool reading;    /* a page is on its way, or waits for its turn */
    bool reads_mail; /* the record of a delivery is on its way */
    bool mail_waits; /* a delivery has found no room in the queue */
    bool card_waits; /* what its token says of its agent is not in the log yet */
    bool presence_lags;
    bool position_due;
    uint16_t close_code;
    uint64_t position_at; /* 0: not armed */
    uint64_t cursor;      /* records up to here are in the queue or were sent (replay.c) */
    uint64_t keep_to;     /* what is queued of them up to here is never shed (shed.c) */
    wsm__list in_noisy;
    wsm__heap_node timer;
    wsm__io io;

    wsm__handshake *hs;
    wsm__agent *agent; /* NULL: not a member */
    wsm__address *address;
    wsm__identity identity; /* sub, rights; valid when `agent` is not NULL */
    uint64_t hello_by;
    uint64_t expires_at; /* when its token has run out, the leeway included; 0: never */
    wsm__list in_conns;
    wsm__strikes malformed, too_fast;
    struct wsm__history_job *history;    /* of a context that it was let into; NULL: none under way */
    struct wsm__watch *watches;          /* contexts that it watches (watch.c); NULL: none */
    uint64_t status_interval, status_at; /* of system_status, in ms; 0: it has not asked for it (status.c) */
    uint64_t replay_to, replay_count;
    uint64_t lost_told; /* what is gone was told as of this state (audience.c) */
    uint64_t began;     /* where it started or resumed: what lies above comes to it live or in the replay */
    uint64_t position_sent, presence_seen;
    /* Of this range, though the cursor was set back before it, what is urgent came, and of the other two lanes what
     * lies below where each of them was cut. */
    uint64_t had_from, had_to, had_normal, had_background;
    uint64_t messages_in, bytes_in;
    char id[WSM__UUID_LEN];
};

#endif
