/* The host: the callbacks by which the library reaches the world.
 *
 * For all callbacks: `user` is what was given to wsm_hub_new, or to wsm_conn_new where it says so. Events are borrowed,
 * valid during the call. All run on the hub's thread, except `alloc` and `wake`, which must be safe from any. Any
 * public call is legal inside a callback, or answers WSM_ERR_REENTRANT; an object freed inside one becomes a closed
 * shell that goes away when the outermost call into the library returns. The exceptions are what the machine provides
 * (clocks, `random`, `alloc`) and `wake`: they call nothing of the library. NULL means "not wanted", or the default
 * that is named. */
#ifndef WSM_HOST_H
#define WSM_HOST_H

#include "error.h"
#include "token.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* realloc with sizes: old_size 0 allocates, new_size 0 frees (and returns NULL). NULL for no memory; `ptr` is untouched
 * then. Thread: any. */
typedef void *(*wsm_alloc_fn)(void *user, void *ptr, size_t old_size, size_t new_size);

/* Levels of log lines. */
typedef enum wsm_level { WSM_LEVEL_DEBUG = 0, WSM_LEVEL_INFO = 1, WSM_LEVEL_WARN = 2, WSM_LEVEL_ERROR = 3 } wsm_level;

/* Where a connection is in its life. It only ever moves downwards in this list. */
typedef enum wsm_conn_state {
    WSM_CONN_HANDSHAKE = 0, /* HTTP, token */
    WSM_CONN_OPEN = 1,
    WSM_CONN_CLOSING = 2, /* our close frame or HTTP answer is on its way */
    WSM_CONN_CLOSED = 3
} wsm_conn_state;

/* The outcome of a wsm_broadcast or wsm_submit, told once. */
typedef struct wsm_result {
    size_t size;
    uint64_t tag;
    int err;                 /* 0, or why not; then of what follows `field`, `message` and `retry_after_ms` count */
    int durable;             /* 1: survives kill -9 and power loss */
    int duplicate;           /* 1: this message_id was done before; the rest is its first result */
    uint64_t offset;         /* place in the log; 0: the command made no record */
    const char *epoch;       /* 16 hex digits */
    const char *field;       /* the field that is to blame, or NULL */
    const char *message;     /* a sentence, or NULL */
    wsm_slice json;          /* `result` of the ack: JSON, or absent */
    uint64_t retry_after_ms; /* with an error that says "later"; else 0 */
} wsm_result;

/* A record that was applied: after this, receivers have it in their queues. */
typedef struct wsm_applied {
    size_t size;
    uint64_t offset;
    wsm_slice context_id;
    wsm_slice sender_agent_id;
    wsm_slice type;
    wsm_slice json; /* the message as receivers get it */
    uint32_t receivers;
} wsm_applied;

/* Something the operator should look at, or that an audit trail keeps. */
typedef struct wsm_event {
    size_t size;
    const char *name;   /* static. To on_audit: conn_open, and for each of them one conn_close; agent_intake. To
                           on_security: auth_failed, origin_refused, host_refused, rate_limited, too_many_violations,
                           second_primary, surplus_connection, wake_reproduction. There may be more with each release */
    wsm_slice agent_id; /* absent: not known */
    wsm_slice connection_id;
    wsm_slice address;
    wsm_slice detail; /* a sentence; never a secret */
    int err;          /* the error that it was, or 0 */
} wsm_event;

/* Messages that were given up, of one lane and for one reason; each is told of once. What a connection loses by
 * overflow, by shed, or because the hub closes it is told at once and under its name. What goes in the middle of a
 * change (left, status, and closed where wsm_conn_closed has said that the transport is gone) is told at the end of the
 * turn, as one sum that names no connection. */
typedef struct wsm_drop {
    size_t size;
    const char *lane;   /* control, emergency, critical, normal, background */
    const char *reason; /* overflow: the connection is closed as too slow. closed: it has ended. shed: memory is short,
                           and the connection reads them again later. left: the agent belongs to their sidebar no
                           longer. status: a mention_status found no room */
    uint64_t count;
    wsm_slice connection_id; /* absent, as is agent_id: a sum of all connections, be it that of one alone */
    wsm_slice agent_id;      /* also absent of a connection that is nobody's yet */
} wsm_drop;

/* A page of records, the answer to wsm_records_read. */
typedef struct wsm_page {
    size_t size;
    uint64_t tag;
    int err;
    const char *epoch;
    const wsm_slice *messages; /* JSON, as receivers get them, in order */
    size_t count;
    uint64_t next_after; /* ask for the next page with this */
    int more;            /* 1: there is a next page */
    uint64_t trimmed_to; /* records of the range up to here are gone; 0: none are */
} wsm_page;

/* A merge without findings of its own: what the host is asked to put together. Valid during the call. */
typedef struct wsm_merge {
    size_t size;
    const char *sidebar_id;
    wsm_slice exchanges; /* JSON array: the updates that go along, as in exchanges_to_merge of wsm-protocol(7) */
    wsm_slice findings;  /* JSON object: what the library has found: critical, tests, values */
} wsm_merge;

/* An agent that the log has come to know, or whose card has changed. */
typedef struct wsm_intake {
    size_t size;
    wsm_slice agent_id;
    wsm_kind kind;
    wsm_slice specialties; /* JSON: an array of strings */
    uint64_t offset;       /* of the card's record */
} wsm_intake;

typedef struct wsm_host {
    size_t size;

    /* What the machine provides. */
    uint64_t (*clock_mono)(void *user);                 /* milliseconds, never backwards. Default: CLOCK_MONOTONIC */
    int64_t (*clock_wall)(void *user);                  /* milliseconds since the Unix epoch. Default: CLOCK_REALTIME */
    int (*random)(void *user, void *bytes, size_t len); /* 0, all bytes filled, or an error; fit for secrets. Default:
                                                           getrandom */
    wsm_alloc_fn alloc;                                 /* any thread. Default: realloc and free */

    /* The transport. `conn_user` is what wsm_conn_new was given. */
    void (*bytes_waiting)(void *user, wsm_conn *conn, void *conn_user);   /* required: wsm_conn_pending has something */
    void (*close_transport)(void *user, wsm_conn *conn, void *conn_user); /* required: nothing more to say; write what
                                    is pending if it can be, close, and call wsm_conn_closed (also from here) */
    void (*wake)(void *user); /* any thread, from inside what that thread has called: see to it that wsm_hub_tick is
                                 called soon on the hub's thread. Needed if any other thread calls. May come before
                                 wsm_hub_new has returned, and more often than something is to do */

    /* Questions. */
    int (*token_check)(void *user, wsm_conn *conn, wsm_slice token, wsm_claims *claims); /* 0 with claims filled (what
                                    they point to is copied right after the return), a WSM_ERR_TOKEN... or
                                    WSM_ERR_TOKEN_EXPIRED, WSM_ERR_NOMEM (the peer may come again), or WSM_ERR_PENDING
                                    and later wsm_conn_authorize; inside wsm_request_claims that counts as
                                    WSM_ERR_TOKEN. Default: the hub's keys */
    int (*message_veto)(void *user, wsm_slice agent_id, wsm_slice type, wsm_slice json); /* every command that is well
                                    formed, also those of wsm_broadcast and wsm_submit (agent_id "hub", if the host
                                    speaks for itself): 0, or the error that the sender gets. Default: 0 */

    /* News. Of one kind of line, and of one name of event, ten a second are told and the rest is counted
     * (wsm_log_lines_suppressed_total, wsm_events_suppressed_total). */
    void (*on_log)(void *user, wsm_level level, const char *line); /* one printable line, at most 1 KiB */
    void (*on_audit)(void *user, const wsm_event *event);
    void (*on_security)(void *user, const wsm_event *event);
    void (*on_ready)(void *user,
                     int err); /* once: 0, the log is loaded and commands are taken; else it cannot be used */
    void (*on_result)(void *user, const wsm_result *result);
    void (*on_applied)(void *user, const wsm_applied *applied);
    void (*on_page)(void *user, const wsm_page *page); /* also inside wsm_records_read */
    void (*on_drop)(void *user, const wsm_drop *drop);
    void (*on_conn_state)(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state state, uint16_t close_code); /* a
                                    state that it has reached, each at most once; CLOSED comes inside wsm_conn_closed.
                                    close_code: 0 before CLOSING; 1006: cut, without a code */
    void (*on_drained)(void *user, wsm_conn *conn, void *conn_user); /* once after wsm_conn_send said WSM_ERR_BUSY, when
                                    all that waited is written */

    /* Peers in plain mode: a whole message, untouched. Of a MESSAGE peer it is always WSM_DATA_TEXT. */
    void (*on_data)(void *user, wsm_conn *conn, void *conn_user, wsm_data type, const void *bytes, size_t len);

    /* An HTTP request to a RAW peer that is no upgrade to the hub. Answer now or later with wsm_request_respond.
     * Default: 404, or 426 for the hub's own path. */
    void (*on_request)(void *user, wsm_request *request);
    void (*on_request_end)(void *user, wsm_request *request); /* answered, or its connection went, also by wsm_hub_free:
                                    the handle dies when this returns */

    /* A question: the findings of a merge whose sender gives none. Write at most `cap` (65536) bytes of JSON, no NUL
     * behind it, to `out`, set *len and return 1; 0: take what the library has found. What is no JSON is not taken, and
     * logged. */
    int (*extract_findings)(void *user, const wsm_merge *merge, char *out, size_t cap, size_t *len);

    /* News: an agent is there for the first time, or with another kind or other specialties. After a crash it may be
     * told a second time, not of what the log held before the start. Also an audit event, "agent_intake". */
    void (*on_intake)(void *user, const wsm_intake *intake);
} wsm_host;

/* Fills `host` with zeroes and its size; `size` is sizeof(wsm_host) as the caller knows it. Any thread. */
WSM_API void wsm_host_init(wsm_host *host, size_t size);

#ifdef __cplusplus
}
#endif

#endif
