/* The client: one connection to a server, bytes in and bytes out like wsm_conn, with the same wire and protocol code.
 *
 * A client belongs to the thread that calls it. It connects once; to come back after a cut make a new one, with the
 * epoch and position that the old one tells. In plain mode it is a WebSocket client and nothing else. */
#ifndef WSM_CLIENT_H
#define WSM_CLIENT_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wsm_client_config {
    size_t size;
    const char *host;   /* for the Host header, as in "localhost:8002"; required */
    const char *path;   /* "/ws" */
    const char *origin; /* NULL: none is sent */
    const char *token;  /* sent as Authorization: Bearer; NULL: none */
    const char *epoch;  /* resume after (epoch, after); NULL: first visit */
    uint64_t after;
    int plain;                     /* 1: no subprotocol; messages come to on_data */
    uint32_t handshake_timeout_ms; /* 10000 */
    uint32_t close_timeout_ms;     /* 5000; 0: none */
    uint32_t ping_interval_ms;     /* 30000 */
    uint32_t ping_strikes;         /* 3 */
    uint32_t message_bytes_max;    /* 16 MiB */
    uint32_t fragments_max;        /* 131072 */
    uint32_t queue_bytes_max;      /* 16 MiB, counted in frames */
    uint64_t memory_budget_bytes;  /* 256 MiB */
} wsm_client_config;

WSM_API void wsm_client_config_init(wsm_client_config *config, size_t size);

/* A message of the hub's protocol. */
typedef struct wsm_client_message {
    size_t size;
    wsm_slice type;
    wsm_slice json;                /* the whole message */
    uint64_t offset;               /* 0: no record */
    wsm_slice original_message_id; /* of ack, duplicate_ack, error; else absent */
} wsm_client_message;

/* Callbacks; the rules of wsm_host hold. `user` is what wsm_client_new was given. */
typedef struct wsm_client_host {
    size_t size;
    uint64_t (*clock_mono)(void *user);
    int64_t (*clock_wall)(void *user);
    int (*random)(void *user, void *bytes, size_t len);
    wsm_alloc_fn alloc;
    void (*bytes_waiting)(void *user, wsm_client *client);   /* required */
    void (*close_transport)(void *user, wsm_client *client); /* required */
    void (*on_open)(void *user,
                    wsm_client *client); /* plain: upgraded; else: `welcome` has come, and was given on_message */
    void (*on_message)(void *user, wsm_client *client, const wsm_client_message *message);
    void (*on_data)(void *user, wsm_client *client, wsm_data type, const void *bytes, size_t len);
    void (*on_close)(void *user, wsm_client *client, uint16_t code,
                     wsm_slice reason); /* once; 1006: cut without a close */
    void (*on_refused)(void *user, wsm_client *client, int status, wsm_slice body); /* no upgrade; on_close follows */
} wsm_client_host;

WSM_API void wsm_client_host_init(wsm_client_host *host, size_t size);

/* Make a client; its upgrade request waits at once (bytes_waiting is not called for it).
 * Errors: WSM_ERR_INVALID, WSM_ERR_VERSION, WSM_ERR_RANDOM, WSM_ERR_NOMEM; then `*client` is NULL. */
WSM_API int wsm_client_new(wsm_client **client, const wsm_client_config *config, const wsm_client_host *host,
                           void *user);

/* As wsm_conn_recv, wsm_conn_pending, wsm_conn_sent, wsm_conn_queued. */
WSM_API int wsm_client_recv(wsm_client *client, const void *bytes, size_t len);
WSM_API size_t wsm_client_pending(wsm_client *client, wsm_vec *vec, size_t cap);
WSM_API void wsm_client_sent(wsm_client *client, size_t len);
WSM_API size_t wsm_client_queued(const wsm_client *client);

/* The transport is gone: on_close is called if it was not yet. The client stays until wsm_client_free. */
WSM_API void wsm_client_closed(wsm_client *client);

/* Do what is due; milliseconds until the next deadline, -1 for none. */
WSM_API int64_t wsm_client_tick(wsm_client *client);
WSM_API int64_t wsm_client_next(const wsm_client *client);

/* Send a message: text (strict JSON unless plain) or, in plain mode, binary. Copied.
 * Errors: WSM_ERR_INVALID, WSM_ERR_STATE (not open), WSM_ERR_BAD_JSON, WSM_ERR_UTF8, WSM_ERR_BUSY (the queue is full),
 * WSM_ERR_NOMEM. */
WSM_API int wsm_client_send(wsm_client *client, wsm_data type, const void *bytes, size_t len);

/* Begin to close. Errors: WSM_ERR_INVALID (a code that may not be sent). */
WSM_API int wsm_client_close(wsm_client *client, uint16_t code, const char *reason);

/* Where to resume: `epoch` gets 16 hex digits and a NUL; returns the last `position`, or the welcome's. Before
 * `welcome` both are what the configuration said ("" and 0 if nothing), so that a client that never got so far loses no
 * place. */
WSM_API uint64_t wsm_client_position(const wsm_client *client, char epoch[17]);

/* 1: a record with this offset was given to on_message already since the position to resume from (a client that
 * resumes sees nothing twice: such records are left out by the library). */
WSM_API int wsm_client_has_seen(const wsm_client *client, uint64_t offset);

/* Free it. Inside one of its callbacks it is done when the outermost call returns. NULL does nothing. */
WSM_API void wsm_client_free(wsm_client *client);

#ifdef __cplusplus
}
#endif

#endif
