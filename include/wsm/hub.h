/* The hub: configuration, life, and what a host asks of it. */
#ifndef WSM_HUB_H
#define WSM_HUB_H

#include "conn.h"
#include "host.h"
#include "log.h"
#include "token.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every limit and habit of a hub. wsm_config_init fills in the defaults, which stand in the comments; 0 means "none"
 * where a limit is meant, and one at a time for what ends in _burst. Strings are copied by wsm_hub_new. Times are
 * milliseconds unless the name says otherwise. Each number has a highest value, `max` of its wsm_config_key: a hub is
 * not made with one above it (WSM_ERR_INVALID).
 */
typedef struct wsm_config {
    size_t size;

    /* Who it is. */
    const char *server_name;    /* in `welcome`; "libwsm" */
    const char *server_version; /* the library's */
    const char *ws_path;        /* "/ws"; begins with a slash */
    const char *audience;       /* `aud` a token must carry; NULL: not checked */
    const char *workspace_key;  /* secret text of at least 32 bytes under which messages are digested to know a repeat
                                   from other content; the same for all nodes of a log. NULL: derived from the epoch */
    const char *const *origins; /* allowed values of Origin, as in "https://a.example:8443", but for case: an upgrade
                                   whose Origin is none of them is refused, one without Origin is not */
    size_t origins_count;       /* 0: no browser may connect */
    const char *const *hosts;   /* allowed values of Host, the port included, but for case */
    size_t hosts_count;         /* 0: not checked */
    uint32_t hello_auth;        /* 1: the token may come in `hello`; 0 */

    /* Connections. */
    uint32_t connections_max;         /* 10000 */
    uint32_t connections_per_agent;   /* 2; at most 8, which is what 0 means */
    uint32_t connections_per_address; /* 64 */
    uint32_t connections_per_s;       /* 200 */
    uint32_t connections_burst;       /* 2000 */
    uint32_t preauth_max;             /* 1024 connections that have not shown a token yet */
    uint32_t preauth_per_address;     /* 16 */
    uint32_t auth_failures_per_min;   /* 10 for an address, then it is blocked for auth_block_ms */
    uint32_t auth_block_ms;           /* 60000 */
    uint32_t handshake_timeout_ms;    /* 10000, for the whole HTTP request */
    uint32_t auth_timeout_ms;         /* 5000, for `hello` after the upgrade */
    uint32_t close_timeout_ms;        /* 5000, for the close handshake; 0: none */
    uint32_t stall_timeout_ms;        /* 10000 without progress in writing: closed as a slow consumer */
    uint32_t ping_interval_ms;        /* 30000 of silence, give or take a tenth */
    uint32_t ping_strikes;            /* 3 intervals without a byte, or output that goes, close with 4012 */
    uint32_t presence_grace_ms;       /* 15000 after an agent's last connection it is offline */
    uint32_t position_interval_ms;    /* 1000: `position` at most that often */

    /* HTTP. */
    uint32_t http_line_bytes_max;   /* 2048 */
    uint32_t http_header_bytes_max; /* 8192 */
    uint32_t http_headers_max;      /* 64 */
    uint32_t http_body_bytes_max;   /* 262144 */

    /* Messages. */
    uint32_t message_bytes_max;       /* 262144; at most 16 MiB */
    uint32_t fragments_max;           /* 128 */
    uint32_t assembly_timeout_ms;     /* 30000 for a fragmented message */
    uint32_t control_frames_per_s;    /* 10 */
    uint32_t control_frames_burst;    /* 20 */
    uint32_t json_depth_max;          /* 32 */
    uint32_t json_values_max;         /* 4096 */
    uint32_t json_key_bytes_max;      /* 128 */
    uint32_t agent_messages_per_s;    /* 50 */
    uint32_t agent_messages_burst;    /* 100 */
    uint32_t agent_deliveries_per_s;  /* 100000 */
    uint32_t violations_per_min;      /* 10 malformed messages close with 4011 */
    uint32_t rate_violations_per_min; /* 100 refused for their rate close with 4013 */

    /* Queues of a connection. */
    uint32_t queue_messages_agent; /* 200 */
    uint32_t queue_messages_human; /* 50 */
    uint32_t queue_bytes_max;      /* 1 MiB; the last quarter for critical messages only */

    /* Memory of the log, per context, and of the hub. */
    uint32_t history_records_max;  /* 1000 */
    uint32_t history_bytes_max;    /* 4 MiB */
    uint32_t history_age_s;        /* 86400 */
    uint32_t replay_page_records;  /* 1024 */
    uint32_t replay_page_bytes;    /* 1 MiB */
    uint32_t replays_max;          /* 16 pages asked of the log at a time */
    uint32_t dedup_window_ms;      /* 300000 for records */
    uint32_t dedup_soft_ms;        /* 30000 for presence and status */
    uint32_t dedup_ids_max;        /* 4096 for each sender */
    uint32_t inbox_max;            /* 65536 commands from other threads */
    uint32_t appends_max;          /* 65536 records that the log has not kept yet */
    uint32_t snapshot_records;     /* 10000 records between snapshots; 0: only at the end */
    uint64_t memory_budget_bytes;  /* 256 MiB; at 70 % the oldest records in memory leave it, at 80 % the longest
                                      queues are shed, at 90 % new connections are refused */
    uint32_t replay_bytes_per_min; /* 16 MiB of replays for one agent, beyond a first 16 MiB */

    /* What the log's store keeps (wsm_log.trim; the log may have limits of its own). 0 for both: all. Nothing goes that
     * the last snapshot or a replay under way still needs. Who resumes below it is told by a `gap`. */
    uint32_t store_records_max; /* 0: no limit; else so many of the newest stay */
    uint32_t store_age_s;       /* 0: no limit; else older ones go, give or take a sixteenth */

    /* Sidebars, and the data references of each context. */
    uint32_t sidebar_idle_warn_s;      /* 86400 without a record: a warning; 0: none */
    uint32_t sidebar_idle_archive_s;   /* 604800 without a record: it is archived; 0: never */
    uint32_t sidebars_per_creator;     /* 32 open ones that an agent has begun */
    uint32_t sidebars_per_min;         /* 10 that an agent begins within a minute */
    uint32_t sidebar_participants_max; /* 64, at most 256 */
    uint32_t sidebar_depth_max;        /* 8 below main */
    uint32_t sidebar_children_max;     /* 64 live ones of a sidebar */
    uint32_t data_refs_max;            /* 256 names of a context */
    uint32_t data_refs_bytes_max;      /* 512 KiB of names and values */

    /* Mentions and deliveries. */
    uint32_t mentions_per_message;      /* 16 names in the text of an update */
    uint32_t mention_group_max;         /* 64 agents of one group, at most 256; the others get a mention_digest */
    uint32_t mentions_per_min_to_agent; /* 60 */
    uint32_t mention_pair_per_min;      /* 30 from one agent to one other */
    uint32_t hop_max;                   /* 8: a longer chain of causes mentions nobody (loop_guard) */
    uint32_t mailbox_messages_max;      /* 1000 open deliveries of an agent */
    uint32_t mailbox_bytes_max;         /* 1 MiB of them */
    uint32_t mailbox_age_s;             /* 604800, then it expires */
    uint32_t mention_lease_ms;          /* 300000 to work on one when none is given */
    uint64_t mailbox_total_bytes_max;   /* 256 MiB of all agents */

    uint32_t presence_interval_ms; /* 1000: one change of an agent's presence goes out that often; 0: every one */
} wsm_config;

/* Fills in the defaults; `size` is sizeof(wsm_config) as the caller knows it. Any thread. */
WSM_API void wsm_config_init(wsm_config *config, size_t size);

/* One row for each number or text of wsm_config, so that a program can offer every key without listing them. */
typedef struct wsm_config_key {
    const char *name;  /* as in the struct */
    size_t offset;     /* of the member */
    size_t width;      /* 4 or 8: an unsigned number of that many bytes; 0: text */
    uint64_t max;      /* highest value that is accepted */
    const char *about; /* a phrase */
} wsm_config_key;

/* Row `index`, or NULL behind the last. Static. Any thread. */
WSM_API const wsm_config_key *wsm_config_key_at(size_t index);

/* Set a number (decimal digits) or text by name, in a struct that wsm_config_init has made. A text is not copied: it
 * has to live until wsm_hub_new, and is not checked here. Errors: WSM_ERR_NOT_FOUND (no such key, or none in a struct
 * of this size), WSM_ERR_INVALID (not a number, or out of range; an argument is NULL). Any thread, one at a time. */
WSM_API int wsm_config_set(wsm_config *config, const char *name, const char *value);

/* Make a hub.
 *
 * `config` NULL takes the defaults. `host` has at least bytes_waiting and close_transport. `log` NULL takes the
 * built-in one in memory, whose records are never durable; the struct is copied, what it points to stays the host's and
 * must outlive the hub. `user` comes back in callbacks. on_ready, and others, may run before this returns; `*hub` is
 * set by then (and NULL again if it was freed in one of them). Errors: WSM_ERR_INVALID (also: a number over its highest
 * value, a workspace_key under 32 bytes, a ws_path without a slash), WSM_ERR_VERSION, WSM_ERR_RANDOM, WSM_ERR_NOMEM (a
 * memory_budget_bytes that is too small for anything, too), or what the log's `open` returned; then `*hub` is NULL.
 * Thread: the one that will tick it. */
WSM_API int wsm_hub_new(wsm_hub **hub, const wsm_config *config, const wsm_host *host, const wsm_log *log, void *user);

/* Do what is due, and what other threads have left in the inbox. Returns the milliseconds until the next deadline, 0
 * for "again at once", -1 for none (or for a hub that was freed in a callback of this call). Calling it too often does
 * no harm. Thread: the hub's. Inside a callback: returns 0 and does nothing. */
WSM_API int64_t wsm_hub_tick(wsm_hub *hub);

/* Milliseconds until the next deadline, as wsm_hub_tick returns it: ask after any other call. Thread: the hub's. */
WSM_API int64_t wsm_hub_next(const wsm_hub *hub);

/* How to shut down. */
typedef struct wsm_shutdown {
    size_t size;
    int restart;          /* 1: close with 1012 instead of 1001 */
    uint32_t deadline_ms; /* 10000: connections that have not closed by then are cut; 0: at once */
} wsm_shutdown;

/* Fills in the defaults; `size` is sizeof(wsm_shutdown) as the caller knows it. Any thread. */
WSM_API void wsm_shutdown_init(wsm_shutdown *how, size_t size);

/* Take no new connection and no new command, let the log finish what was appended, answer, save a snapshot, then close
 * every connection. `how` NULL takes the defaults. A second call does nothing. The hub has to be ticked on; ask
 * wsm_hub_is_down when it is over. Errors: WSM_ERR_INVALID, WSM_ERR_VERSION. Thread: the hub's. */
WSM_API int wsm_hub_shutdown(wsm_hub *hub, const wsm_shutdown *how);

/* 1: the shutdown has ended; every connection is gone and the hub can be freed. Thread: the hub's. */
WSM_API int wsm_hub_is_down(const wsm_hub *hub);

/* 1: loaded, not shutting down: commands and connections are taken. Thread: the hub's. */
WSM_API int wsm_hub_is_ready(const wsm_hub *hub);

/* Free the hub and every connection of it: neither close_transport nor on_conn_state is called, but on_request_end, and
 * the handles are gone. The log is closed first. What was asked and not answered (wsm_broadcast, wsm_submit,
 * wsm_records_read) is not answered any more; shut down first. Inside a callback of this hub it is done when the
 * outermost call returns. NULL does nothing. Thread: the hub's; no other may call in. */
WSM_API void wsm_hub_free(wsm_hub *hub);

/* Add a key for tokens (copied), or replace the one of the same `kid`; at most 8. The first is the one that a token
 * without `kid` is checked with. Errors: WSM_ERR_INVALID (a secret under 32 bytes, a kid of 0 or over 128),
 * WSM_ERR_LIMIT, WSM_ERR_VERSION, WSM_ERR_NOMEM. Thread: the hub's. */
WSM_API int wsm_hub_key_add(wsm_hub *hub, const wsm_key *key);

/* Forget the key of this `kid`, NULL: the one that has none (it is wiped). Connections stay. Errors: WSM_ERR_INVALID,
 * WSM_ERR_NOT_FOUND. Thread: the hub's. */
WSM_API int wsm_hub_key_remove(wsm_hub *hub, const char *kid);

/* Check a token with the hub's keys, as an upgrade would (but token_check is not asked). `claims`, made by
 * wsm_claims_init, is filled; its pointers are valid until the next call of this function with this hub, or its end.
 * Errors: WSM_ERR_INVALID, WSM_ERR_TOKEN..., WSM_ERR_TOKEN_EXPIRED, WSM_ERR_NOMEM. Thread: the hub's. */
WSM_API int wsm_hub_token_check(wsm_hub *hub, const char *token, size_t len, wsm_claims *claims);

/* A memory update, as the memory service hands it over. Everything is copied. */
typedef struct wsm_update {
    size_t size;
    wsm_slice exchange;          /* required: one JSON value, which may be somebody else's; passed on byte for byte */
    const char *context_id;      /* NULL: "main" */
    const char *sender_agent_id; /* an agent id; NULL: "hub". The host vouches for it */
    const char *message_id;      /* a UUID: a repeat within the window is answered as a duplicate; NULL: minted */
    const char *topic;           /* NULL: none */
    const char *key;             /* NULL: none */
    const char *const *tags;
    size_t tags_count;     /* at most 16 */
    wsm_priority priority; /* any but WSM_PRIORITY_URGENT */
} wsm_update;

/* Fills `update` with zeroes and its size; `size` is sizeof(wsm_update) as the caller knows it. Any thread. */
WSM_API void wsm_update_init(wsm_update *update, size_t size);

/* Store a memory update and send it to everyone it concerns.
 *
 * 0 means that the command is in the inbox; its outcome comes once, with `tag` (which is the caller's own, and may be
 * any number), to on_result on the hub's thread, unless the hub is freed before. `wake` may be called inside. Errors:
 * WSM_ERR_INVALID (no exchange, no such priority, more than 16 tags, a sender that is no agent id, or too long),
 * WSM_ERR_VERSION, WSM_ERR_BUSY (the inbox is full), WSM_ERR_SHUTTING_DOWN, WSM_ERR_NOMEM; then on_result is not
 * called. Whatever else is wrong with the update comes to on_result. Thread: any. */
WSM_API int wsm_broadcast(wsm_hub *hub, const wsm_update *update, uint64_t tag);

/* Any command of the protocol, for the host (`as_agent` NULL) or in an agent's name, as of one that may write. `json`
 * is the message as a client would send it, copied. Otherwise as wsm_broadcast; WSM_ERR_INVALID: no message, one over
 * 16 MiB, or an `as_agent` that is no agent id. Thread: any. */
WSM_API int wsm_submit(wsm_hub *hub, const char *as_agent, const char *json, size_t len, uint64_t tag);

/* Ask for records. `after` 0 starts at the oldest; `limit` 0 takes 100, at most 1024; `claims` says who reads (NULL:
 * the host, all; copied). The answer comes once, with `tag`, to on_page, perhaps inside this call; unless the hub is
 * freed before. Errors: WSM_ERR_INVALID (a larger limit; claims that no token may have), WSM_ERR_VERSION, WSM_ERR_BUSY
 * (the log is not loaded), WSM_ERR_NOMEM. Thread: the hub's. */
WSM_API int wsm_records_read(wsm_hub *hub, const wsm_claims *claims, uint64_t after, size_t limit, uint64_t tag);

/* Where the log is: `epoch` gets 16 hex digits and a NUL; the returned offset is that of the last applied record, 0 for
 * none. Before the log is loaded the epoch is "". `epoch` may be NULL. Thread: the hub's. */
WSM_API uint64_t wsm_hub_position(const wsm_hub *hub, char epoch[17]);

/* One number of the hub. */
typedef struct wsm_metric {
    const char *name;   /* as in "wsm_messages_received_total"; static */
    const char *labels; /* as in "lane=\"normal\"", or NULL; valid during the call */
    const char *help;   /* a sentence; static */
    int is_counter;     /* 1: only ever grows; 0: a gauge */
    double value;
} wsm_metric;

typedef void (*wsm_metric_fn)(void *user, const wsm_metric *metric);

/* Call `fn` for each number, those of one name side by side. `fn` calls nothing of this hub. Walks over all
 * connections. Thread: the hub's. */
WSM_API void wsm_hub_metrics(const wsm_hub *hub, wsm_metric_fn fn, void *user);

#ifdef __cplusplus
}
#endif

#endif
