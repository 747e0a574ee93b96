/* The client: one connection to a server, bytes in and bytes out like wsm_conn, with the same wire and protocol code.
 *
 * A client belongs to the thread that calls it; different clients may have different threads. It connects once; to come
 * back after a cut make a new one, with the epoch and position that the old one tells. A position is told about once a
 * second, so what came after it comes again: the old client knows it (wsm_client_has_seen), as does whoever keeps the
 * offsets that he was given. In plain mode it is a WebSocket client and nothing else. */
#ifndef WSM_CLIENT_H
#define WSM_CLIENT_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What to connect as. wsm_client_config_init fills in the defaults, which stand in the comments; 0 means "none" where a
 * limit is meant. Texts are printable ASCII without blanks, and copied. */
typedef struct wsm_client_config {
    size_t size;
    const char *host;   /* for the Host header, as in "localhost:8002"; required */
    const char *path;   /* "/ws"; begins with a slash, may have a query, has no fragment */
    const char *origin; /* NULL or "": none is sent */
    const char *token;  /* sent as Authorization: Bearer; NULL or "": none */
    const char *epoch;  /* 16 hex digits: resume after (epoch, after); NULL or "": first visit */
    uint64_t after;
    int plain;                     /* 1: no subprotocol; messages come to on_data */
    uint32_t handshake_timeout_ms; /* 10000, until on_open */
    uint32_t close_timeout_ms;     /* 5000 */
    uint32_t ping_interval_ms;     /* 30000 of silence, give or take a tenth */
    uint32_t ping_strikes;         /* 3 intervals without a byte close with 4012 */
    uint32_t message_bytes_max;    /* 16 MiB, which is the most, and what 0 means */
    uint32_t fragments_max;        /* 131072 */
    uint32_t queue_bytes_max;      /* 16 MiB, counted in frames; one message always fits into an empty queue */
    uint64_t memory_budget_bytes;  /* 256 MiB */
} wsm_client_config;

/* Fills in the defaults; `size` is sizeof(wsm_client_config) as the caller knows it. Any thread. */
WSM_API void wsm_client_config_init(wsm_client_config *config, size_t size);

/* A message of the hub's protocol. */
typedef struct wsm_client_message {
    size_t size;
    wsm_slice type;
    wsm_slice json;                /* the whole message */
    uint64_t offset;               /* 0: no record */
    wsm_slice original_message_id; /* of ack, duplicate_ack, error, as written; else absent */
} wsm_client_message;

/* Callbacks; the rules of wsm_host hold. `user` is what wsm_client_new was given. */
typedef struct wsm_client_host {
    size_t size;
    uint64_t (*clock_mono)(void *user);
    int64_t (*clock_wall)(void *user);
    int (*random)(void *user, void *bytes, size_t len);
    wsm_alloc_fn alloc;
    void (*bytes_waiting)(void *user, wsm_client *client);   /* required: wsm_client_pending has something */
    void (*close_transport)(void *user, wsm_client *client); /* required: nothing more to say; write what is pending if
                                    it can be, and close. on_close follows without wsm_client_closed */
    void (*on_open)(void *user, wsm_client *client);         /* plain: upgraded; else: `welcome` has come, and was given
                                    to on_message */
    void (*on_message)(void *user, wsm_client *client, const wsm_client_message *message); /* not in plain mode */
    void (*on_data)(void *user, wsm_client *client, wsm_data type, const void *bytes, size_t len); /* in plain mode */
    void (*on_close)(void *user, wsm_client *client, uint16_t code, wsm_slice reason); /* once, the last but for
                                    wsm_client_free; 1006: cut without a close, or never opened */
    void (*on_refused)(void *user, wsm_client *client, int status, wsm_slice body); /* no upgrade: the HTTP status, and
                                    up to 4 KiB of the body; 0: what came was no such answer. on_close follows */
} wsm_client_host;

/* Fills `host` with zeroes and its size; `size` is sizeof(wsm_client_host) as the caller knows it. Any thread. */
WSM_API void wsm_client_host_init(wsm_client_host *host, size_t size);

/* Make a client; its upgrade request waits at once (bytes_waiting is not called for it). Everything in `config` and
 * `host` is copied. It lives until wsm_client_free. Errors: WSM_ERR_INVALID (also: a text of `config` that could not
 * stand in the request), WSM_ERR_VERSION, WSM_ERR_RANDOM, WSM_ERR_NOMEM; then `*client` is NULL. */
WSM_API int wsm_client_new(wsm_client **client, const wsm_client_config *config, const wsm_client_host *host,
                           void *user);

/* As wsm_conn_recv, wsm_conn_pending, wsm_conn_sent, wsm_conn_queued; but the handle stays until wsm_client_free, and
 * no callback runs inside wsm_client_pending. What that has handed out stays valid until it is reported as sent, or the
 * client is freed. */
WSM_API int wsm_client_recv(wsm_client *client, const void *bytes, size_t len);
WSM_API size_t wsm_client_pending(wsm_client *client, wsm_vec *vec, size_t cap);
WSM_API void wsm_client_sent(wsm_client *client, size_t len);
WSM_API size_t wsm_client_queued(const wsm_client *client);

/* The transport is gone: on_close is called if it was not yet. The client stays until wsm_client_free. Twice, or NULL,
 * does nothing. */
WSM_API void wsm_client_closed(wsm_client *client);

/* Do what is due; milliseconds until the next deadline, -1 for none (or for a client that was freed inside). Inside a
 * callback: returns 0 and does nothing. */
WSM_API int64_t wsm_client_tick(wsm_client *client);

/* That deadline, as wsm_client_tick returns it: ask after any other call. */
WSM_API int64_t wsm_client_next(const wsm_client *client);

/* Send a message: text (one strict JSON object unless plain) or, in plain mode, binary. Copied.
 * Errors: WSM_ERR_INVALID (also: over 16 MiB, binary unless plain), WSM_ERR_STATE (not open), WSM_ERR_BAD_JSON,
 * WSM_ERR_UTF8, WSM_ERR_BUSY (the queue is full: try again when wsm_client_queued has become less), WSM_ERR_RANDOM,
 * WSM_ERR_NOMEM. */
WSM_API int wsm_client_send(wsm_client *client, wsm_data type, const void *bytes, size_t len);

/* Begin to close with `code` (1000 to 1003, 1007 to 1014 or 3000-4999) and a reason in UTF-8, of which 123 bytes are
 * sent, or NULL for the code's name. Before the upgrade it ends at once, with 1006. Twice does nothing. Errors:
 * WSM_ERR_INVALID (a code that may not be sent, or no UTF-8). */
WSM_API int wsm_client_close(wsm_client *client, uint16_t code, const char *reason);

/* Where to resume: `epoch` (may be NULL) gets 16 hex digits and a NUL; returns the last `position`, or the welcome's.
 * Before `welcome` both are what the configuration said ("" and 0 if nothing), so that a client that never got so far
 * loses no place. */
WSM_API uint64_t wsm_client_position(const wsm_client *client, char epoch[17]);

/* 1: a record with this offset needs no second look: it was given to on_message since the position, or lies at or below
 * that. Within one client the library leaves out itself what comes twice (but a mention_route, which may come again);
 * ask the old client before what the new one is given after a cut. Of the offsets above the position the newest 65536
 * are remembered. */
WSM_API int wsm_client_has_seen(const wsm_client *client, uint64_t offset);

/* Free it. Inside one of its callbacks it is done when the outermost call returns. NULL does nothing. */
WSM_API void wsm_client_free(wsm_client *client);

#ifdef __cplusplus
}
#endif

#endif
