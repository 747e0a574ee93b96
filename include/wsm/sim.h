/* The simulator: hubs, clients, network and logs in virtual time, from one seed, with faults (library wsm-sim).
 *
 * Two ways to use it. A *swarm* run draws everything from its seed, a world of model clients that behave well and
 * badly, a network that cuts and stalls, a log that fails and loses what it had not synced, crashes and restarts, and
 * checks at every step what must never break (`invariants`, named I-01 and so on; wsm_sim_invariant_at lists them). A
 * *test of your own* makes a world, adds a hub with your options and callbacks, lets your own code or scripted clients
 * talk to it, decides what fails and when, and lets time pass.
 *
 * The same seed, profile and calls give the same run, to the last byte. What a seed means may change with every
 * release; a run that matters is kept as a script (wsm_sim_script), which is the list of all choices that were made.
 *
 * A world belongs to one thread; worlds are independent of each other. Without memory for itself (not for the hubs,
 * whose allocations may fail as the test decides) the simulator ends the process.
 *
 * Everything that is made in a world lives until wsm_sim_free. Callbacks of a world are called inside wsm_sim_run,
 * those of a hub also inside the calls that start or crash it; any function of this header may be called inside them,
 * but wsm_sim_free and wsm_sim_run. */
#ifndef WSM_SIM_H
#define WSM_SIM_H

#include "conn.h"
#include "host.h"
#include "hub.h"
#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wsm_sim wsm_sim;               /* a world */
typedef struct wsm_sim_hub wsm_sim_hub;       /* a machine with a hub and its log */
typedef struct wsm_sim_client wsm_sim_client; /* a scripted client */
typedef struct wsm_sim_stream wsm_sim_stream; /* a transport between your own client code and a hub */

/* How hard a swarm run tries. A world of your own begins without faults when it is calm, else with WSM_SIM_SPLIT at 100
 * (rough) or 600 (brutal) per mille; wsm_sim_fault sets others. */
typedef enum wsm_sim_profile { WSM_SIM_CALM = 0, WSM_SIM_ROUGH = 1, WSM_SIM_BRUTAL = 2 } wsm_sim_profile;

/* What can go wrong. Rates are per mille of the occasions that the comment names. */
typedef enum wsm_sim_fault_kind {
    WSM_SIM_SPLIT = 0,         /* a write or a delivery is cut at some byte: of all of them */
    WSM_SIM_DELAY = 1,         /* a delivery takes up to five seconds: of all of them */
    WSM_SIM_CUT = 2,           /* a connection is reset; of the workload's steps, as all others up to CRASH */
    WSM_SIM_HALF_CLOSE = 3,    /* a client closes its half */
    WSM_SIM_STALL = 4,         /* a client stops reading for a while */
    WSM_SIM_SILENCE = 5,       /* a connection dies without telling either end */
    WSM_SIM_STORM = 6,         /* many connections are reset at once */
    WSM_SIM_CLOCK_JUMP = 7,    /* the wall clock jumps, up to a day, either way */
    WSM_SIM_CLOCK_STALL = 8,   /* the monotonic clock stands still for a while */
    WSM_SIM_SHUTDOWN = 9,      /* a hub is shut down and started again */
    WSM_SIM_CRASH = 10,        /* a hub's process dies; its log keeps what was synced, and perhaps more */
    WSM_SIM_LATE_TICK = 11,    /* a tick comes up to a minute late: of all ticks */
    WSM_SIM_NO_MEMORY = 12,    /* an allocation of a hub fails, once or for a while: of the workload's steps */
    WSM_SIM_NO_RANDOM = 13,    /* the hub's random bytes fail: of all calls */
    WSM_SIM_STORE_REFUSE = 14, /* the log refuses an append, a read or a snapshot at once: of all calls */
    WSM_SIM_STORE_FAIL = 15,   /* a write fails: of all writes */
    WSM_SIM_SYNC_FAIL = 16,    /* a sync fails, and what it should have kept may appear later: of all syncs */
    WSM_SIM_DISK_FULL = 17,    /* nothing can be written for a while: of the workload's steps */
    WSM_SIM_STORE_SLOW = 18,   /* the log takes up to ten seconds: of all its answers */
    WSM_SIM_STORE_ORDER = 19,  /* the log's answers come twice or in another order: of all its answers */
    WSM_SIM_READ_FAIL = 20,    /* reading back or loading fails: of all reads */
    WSM_SIM_BAD_RECORD = 21,   /* a kept record is found broken after a restart: of the restarts */
    WSM_SIM_TOKEN_LATE = 22,   /* the host checks a token later: of all checks */
    WSM_SIM_TOKEN_NEVER = 23,  /* ... or never */
    WSM_SIM_VETO = 24,         /* the host refuses a message: of all messages */
    WSM_SIM_REENTRY = 25,      /* a callback calls back into the hub: of all callbacks */
    WSM_SIM_CRASH_INSIDE = 26, /* the process dies inside a callback: of all callbacks */
    WSM_SIM_BAD_BYTES = 27     /* a malicious peer sends broken frames, HTTP or JSON: of what it sends */
} wsm_sim_fault_kind;
#define WSM_SIM_FAULTS 28u

/* The word for a kind of fault, as in "half_close"; NULL: no such kind. Static. Any thread. */
WSM_API const char *wsm_sim_fault_name(wsm_sim_fault_kind kind);

/* What can be under way when it does. */
typedef enum wsm_sim_during {
    WSM_SIM_DURING_STARTUP = 0,      /* a hub loads its log */
    WSM_SIM_DURING_SHUTDOWN = 1,     /* a hub shuts down */
    WSM_SIM_DURING_JOIN = 2,         /* a client dials, and has not been welcomed */
    WSM_SIM_DURING_REPLAY = 3,       /* a client that came back is sent what it missed */
    WSM_SIM_DURING_HISTORY = 4,      /* a client that was let in with the history of a sidebar is sent it */
    WSM_SIM_DURING_PUBLISH = 5,      /* an update of main has no answer yet */
    WSM_SIM_DURING_PUBLISH_SIDE = 6, /* ... of a sidebar */
    WSM_SIM_DURING_PUBLISH_HOST = 7, /* ... a broadcast of the host has no result yet */
    WSM_SIM_DURING_SPAWN = 8,        /* spawn, child spawn or fork; as below, without an answer yet */
    WSM_SIM_DURING_MEMBERS = 9,      /* join, leave, invite or remove */
    WSM_SIM_DURING_STATUS = 10,      /* pause, resume, wait, test results, status, archive */
    WSM_SIM_DURING_DATA_REF = 11,    /* a data reference */
    WSM_SIM_DURING_MERGE = 12,       /* a merge, or a decision on one */
    WSM_SIM_DURING_MENTION = 13,     /* a mention, by message or in the text of an update */
    WSM_SIM_DURING_ANSWER = 14,      /* an answer to a mention */
    WSM_SIM_DURING_DELIVERY = 15,    /* a mention waits for its target */
    WSM_SIM_DURING_LEASE = 16,       /* a target works on one */
    WSM_SIM_DURING_PRESENCE = 17,    /* a client tells its presence */
    WSM_SIM_DURING_QUESTION = 18,    /* a client asks for the agents, or for a snapshot */
    WSM_SIM_DURING_REST = 19         /* none of these */
} wsm_sim_during;
#define WSM_SIM_DURINGS 20u

/* The word for it, as in "data_ref"; NULL: no such thing. Static. Any thread. */
WSM_API const char *wsm_sim_during_name(wsm_sim_during during);

/* ---- runs from a seed -----------------------------------------------------------------------------------------------
 */

/* A choice by name. The name is the place in the simulator that asks, as "strike_process crash". */
typedef struct wsm_sim_choice {
    int32_t step; /* 0: the plan; -1 and down: its clients; 1: the start; 2 and up: the workload; or WSM_SIM_AFTER */
    uint32_t nth; /* of the choices of this name in this step, from 0 */
    const char *name;
    uint32_t value;
} wsm_sim_choice;
#define WSM_SIM_AFTER INT32_MAX /* when the faults are over */

/* The choices of a run, in place of random ones; what a script does not say is the quietest: nothing fails, the
 * shortest wait, the first of a list. It says them by name (`named` or `steps` are set), which stays valid when the
 * simulator learns new ones, or in order, for each kind of choice. */
#define WSM_SIM_STREAMS 7u
typedef struct wsm_sim_script {
    size_t size;
    uint64_t seed;
    wsm_sim_profile profile;
    const uint32_t *choices[WSM_SIM_STREAMS];
    size_t counts[WSM_SIM_STREAMS];
    const wsm_sim_choice *named;
    size_t named_count;
    uint32_t steps; /* of the workload; 0: as the plan has it */
} wsm_sim_script;

/* What a run did. */
typedef struct wsm_sim_report {
    size_t size;
    uint64_t seed;
    uint64_t trace;                  /* rolling hash of all that happened: equal runs have equal traces */
    uint64_t hub_ms;                 /* virtual time that hubs were up */
    uint64_t events;                 /* steps of the simulation */
    uint64_t published;              /* records that came into being */
    uint64_t delivered;              /* messages that clients read */
    uint64_t acked;                  /* commands that were acknowledged, durable or not */
    uint64_t crashes;                /* recovered from */
    uint64_t resumes;                /* connections that came back with a position */
    uint64_t faults[WSM_SIM_FAULTS]; /* injected, by kind */
    char invariant[8];               /* that broke, as in "I-20"; "": none */
    char what[512];                  /* what was seen */
    uint64_t heal_ms;                /* virtual time from the end of the faults until everybody was at the log's end */
    uint64_t heal_most_ms;           /* that it may take (I-80) */
    uint64_t marks[WSM_SIM_FAULTS][WSM_SIM_DURINGS]; /* how often a fault struck while something was under way: on that
                                        connection or, where it strikes a hub, anywhere */
} wsm_sim_report;

/* Fills `report` with zeroes and its size; `size` is sizeof(wsm_sim_report) as the caller knows it. Any thread. */
WSM_API void wsm_sim_report_init(wsm_sim_report *report, size_t size);

/* A line of a run's trace, as it happens; valid during the call. */
typedef void (*wsm_sim_line_fn)(void *user, const char *line);

/* Run a seed from beginning to end. `script` NULL draws the choices from the seed, else it says them (and the seed and
 * profile); it is borrowed for the call. `line`, if not NULL, hears what happens. `report`, which wsm_sim_report_init
 * has made, is required. Returns 0 when nothing broke, 1 when `report` says what did, or WSM_ERR_INVALID. Any thread.
 */
WSM_API int wsm_sim_swarm(uint64_t seed, wsm_sim_profile profile, const wsm_sim_script *script, wsm_sim_report *report,
                          wsm_sim_line_fn line, void *user);

/* How shrinking goes on: after each run, the size of the smallest script so far. Not 0: that is small enough. */
typedef int (*wsm_sim_shrink_fn)(void *user, size_t runs, size_t choices, uint32_t steps);

/* Find a smaller script that breaks the same invariant as `seed` does, in at most `runs_max` runs or until `tell`
 * (NULL: nobody) says that it is enough. `*out` is made by the library; free it with wsm_sim_script_free. `report`,
 * which is required, tells what the smallest script did. Returns 0, or WSM_ERR_NOT_FOUND (this seed breaks nothing) or
 * WSM_ERR_INVALID; then `*out` is NULL. Any thread. */
WSM_API int wsm_sim_shrink(uint64_t seed, wsm_sim_profile profile, size_t runs_max, wsm_sim_shrink_fn tell, void *user,
                           wsm_sim_script **out, wsm_sim_report *report);

/* Free a script that wsm_sim_shrink has made. NULL does nothing. Any thread. */
WSM_API void wsm_sim_script_free(wsm_sim_script *script);

/* An invariant that is checked. */
typedef struct wsm_sim_invariant {
    const char *id;      /* "I-01" */
    const char *explain; /* a sentence or two */
} wsm_sim_invariant;

/* Row `index`, or NULL behind the last. Static. Any thread. */
WSM_API const wsm_sim_invariant *wsm_sim_invariant_at(size_t index);

/* ---- a world of your own --------------------------------------------------------------------------------------------
 */

/* A world without anything in it. Errors: WSM_ERR_INVALID. */
WSM_API int wsm_sim_new(wsm_sim **sim, uint64_t seed, wsm_sim_profile profile);

/* Free a world and all that was made in it; its hubs end as at a crash, and nobody is told. NULL does nothing. */
WSM_API void wsm_sim_free(wsm_sim *sim);

/* Virtual milliseconds since the world began. The clock for your own code: wsm_client takes it as clock_mono. */
WSM_API uint64_t wsm_sim_now(const wsm_sim *sim);

/* Let time pass: until `until` answers not 0, or `ms` have passed. `until` is asked after each event; NULL: only time
 * counts. Returns 1 when `until` said so, 0 when the time was up, or WSM_ERR_INVALID or, when an invariant broke,
 * WSM_ERR_INTERNAL (see wsm_sim_broken). */
WSM_API int wsm_sim_run(wsm_sim *sim, uint64_t ms, int (*until)(void *user), void *user);

/* Call `fn` once, when `ms` have passed. Never within the call. What `user` points to has to be there then: it cannot
 * be called off. Errors: WSM_ERR_INVALID. */
WSM_API int wsm_sim_after(wsm_sim *sim, uint64_t ms, void (*fn)(void *user), void *user);

/* How often, of a thousand occasions, `kind` goes wrong by itself; 0: never. Errors: WSM_ERR_INVALID,
 * WSM_ERR_UNSUPPORTED: a swarm run has occasions for it, a world of your own has not. Those are what strikes at a step
 * of the workload (CUT to CRASH, NO_MEMORY, DISK_FULL: call wsm_sim_client_cut, wsm_sim_cut_all and wsm_sim_crash when
 * you want them), BAD_BYTES, TOKEN_LATE and TOKEN_NEVER (a token_check of yours may answer late). */
WSM_API int wsm_sim_fault(wsm_sim *sim, wsm_sim_fault_kind kind, uint32_t per_mille);

/* The id of the invariant that has broken and, if `what` is not NULL, what was seen; NULL: none has. Valid until
 * wsm_sim_free. */
WSM_API const char *wsm_sim_broken(const wsm_sim *sim, const char **what);

/* Hear what happens, line by line. `fn` NULL: no more. */
WSM_API void wsm_sim_trace(wsm_sim *sim, wsm_sim_line_fn fn, void *user);

/* Start a hub with your configuration (NULL: the defaults) on a machine of its own with a durable log. Of `host` (NULL:
 * none) the news and questions are used, with `user`; clocks, memory, random bytes and transport are the simulator's
 * (so the `conn_user` that your callbacks get is NULL, and wsm_conn_new is not yours to call). On a restart the same
 * are used again: the structs are copied, the texts and lists that they name have to stay. Errors: WSM_ERR_INVALID,
 * WSM_ERR_LIMIT (8 machines), those of wsm_hub_new; then `*hub` is NULL. */
WSM_API int wsm_sim_hub_add(wsm_sim *sim, wsm_sim_hub **hub, const wsm_config *config, const wsm_host *host,
                            void *user);

/* The hub that runs there now, for wsm_broadcast and the like; NULL: none does. Valid until the machine crashes or is
 * shut down. The simulator ticks it. */
WSM_API wsm_hub *wsm_sim_hub_get(const wsm_sim_hub *hub);

/* Its process dies now, without a word to anybody: connections break, the log keeps what was synced and perhaps some of
 * what was written. It does not start again by itself. */
WSM_API void wsm_sim_crash(wsm_sim_hub *hub);

/* Start it again, if it does not run. Errors: WSM_ERR_INVALID, those of wsm_hub_new. */
WSM_API int wsm_sim_restart(wsm_sim_hub *hub);

/* A scripted client: it connects as `agent`, answers pings, keeps its position, checks what it is told, and does
 * nothing by itself but to come back after a cut when `comes_back` is not 0. It is there at once, and connected after
 * some time: see wsm_sim_client_is_live. Errors: WSM_ERR_INVALID (also: a name that is no agent id, or over 31 bytes),
 * WSM_ERR_LIMIT (48 agents); then `*client` is NULL. */
WSM_API int wsm_sim_client_add(wsm_sim *sim, wsm_sim_client **client, wsm_sim_hub *hub, const char *agent,
                               wsm_permission permission, int comes_back);

/* Send a message of the protocol as it is; what comes of it is the test's to check (wsm_sim_client_saw). Errors:
 * WSM_ERR_INVALID, WSM_ERR_STATE (not connected). */
WSM_API int wsm_sim_client_send(wsm_sim_client *client, const char *json);

/* Publish a memory update that the client accounts for: it is sent as soon as there is a connection, and again after a
 * cut until it is answered. Returns its number, 1 and up, or WSM_ERR_INVALID. */
WSM_API int wsm_sim_client_publish(wsm_sim_client *client, wsm_priority priority);

/* 1: a message that holds `part` has come since the client was made; it counts only what came after the last one that
 * was found. Let time pass in between. 0: none has; NULL and "" are never found. */
WSM_API int wsm_sim_client_saw(wsm_sim_client *client, const char *part);

/* 1: connected and up to date; 0: not, or NULL. */
WSM_API int wsm_sim_client_is_live(const wsm_sim_client *client);

/* Reset its connection, if it has one. */
WSM_API void wsm_sim_client_cut(wsm_sim_client *client);

/* What your own client code hears of a stream. NULL: not wanted. */
typedef struct wsm_sim_stream_calls {
    size_t size;
    void (*on_bytes)(void *user, wsm_sim_stream *stream, const void *bytes, size_t len); /* valid during the call */
    void (*on_closed)(void *user,
                      wsm_sim_stream *stream); /* the hub closed it, or it broke. The handle is dead after it */
} wsm_sim_stream_calls;

/* Fills `calls` with zeroes and its size; `size` is sizeof(wsm_sim_stream_calls) as the caller knows it. Any thread. */
WSM_API void wsm_sim_stream_calls_init(wsm_sim_stream_calls *calls, size_t size);

/* A transport to a hub, as a socket would be: bytes in both directions, with the world's delays and faults. A hub that
 * is down closes it after a moment. `calls` is copied. It may be written to at once, and ends with on_closed or with
 * wsm_sim_stream_close. Errors: WSM_ERR_INVALID. */
WSM_API int wsm_sim_stream_open(wsm_sim_stream **stream, wsm_sim_hub *hub, const wsm_sim_stream_calls *calls,
                                void *user);

/* Write; all of it is taken, and copied. After the other end has closed it goes nowhere. */
WSM_API void wsm_sim_stream_write(wsm_sim_stream *stream, const void *bytes, size_t len);

/* Close it. The handle is dead; on_closed is not called. */
WSM_API void wsm_sim_stream_close(wsm_sim_stream *stream);

/* Reset every connection to a hub, as a network that fails. */
WSM_API void wsm_sim_cut_all(wsm_sim_hub *hub);

/* A token for `agent` that the hubs of this world accept (the caller gives no keys of its own), good for a day of the
 * wall clock. The text is valid until the next call. NULL: no hub was made yet, or `agent` is a name that
 * wsm_sim_client_add would not take. */
WSM_API const char *wsm_sim_token(wsm_sim *sim, const char *agent, wsm_permission permission);

#ifdef __cplusplus
}
#endif

#endif
