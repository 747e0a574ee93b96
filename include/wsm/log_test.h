/* libwsm-sim: does a log keep its word? Scripts of appends, reads, snapshots, errors and crashes for any implementation
 * of wsm_log, checked against every rule of log.h.
 *
 * The author of a log hands in a maker: how to begin with empty storage, how to put a log on it, how to let it work,
 * and, if he can, how to crash it and how to make its storage fail. The suite plays the hub. A rule that was broken is
 * reported by its name, with a sentence that says what was seen. */
#ifndef WSM_LOG_TEST_H
#define WSM_LOG_TEST_H

#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All members may be called on the suite's thread only. NULL is allowed where it says what it means. */
typedef struct wsm_log_maker {
    size_t size;
    void *user;

    /* Forget the storage of before and begin with an empty one. No log is on it. Returns 0 or an error, which ends the
     * suite. Required. */
    int (*fresh)(void *user);

    /* Make a log on the storage as it is, for `hub`, and fill `log`. The suite calls open, and everything after it.
     * Returns 0 or an error. Required. */
    int (*make)(void *user, wsm_hub *hub, wsm_log *log);

    /* The log was closed (close() has returned): release what `make` made. NULL: nothing to do. */
    void (*unmake)(void *user);

    /* Let the log work a little: turn its loop, or sleep a millisecond for its threads. Returns 0 when it certainly has
     * nothing more to do, 1 if it may have. NULL: the log does everything inside the calls to it. */
    int (*pump)(void *user);

    /* End the log as a power failure would, without close(): what it has not called synced may be lost, and it calls
     * the hub no more once this returns. Releases what `make` made. NULL: it cannot be crashed. */
    void (*crash)(void *user);

    /* From now on (1) the storage refuses writes or syncs, or (0) works again. NULL: it cannot be made to fail. */
    void (*fail)(void *user, int on);

    int forgets;         /* 1: nothing is kept over a close, each open begins a new epoch, as the built-in log does */
    uint32_t rounds;     /* 40: random scripts */
    uint64_t seed;       /* 1: of the random scripts */
    uint32_t pumps_max;  /* 20000: so many pumps without a word end the wait for an answer */
    uint32_t pumps_idle; /* 20: so many pumps without a word, and the log is taken to be idle */
    size_t record_max;   /* 16 MiB + 4 KiB: length of the largest record that is tried */
} wsm_log_maker;

/* Fills in the defaults, which stand in the comments; `size` is sizeof(wsm_log_maker) as the caller knows it. Any
 * thread. */
WSM_API void wsm_log_maker_init(wsm_log_maker *maker, size_t size);

/* A rule that was broken. Valid during the call. */
typedef struct wsm_log_breach {
    size_t size;
    const char *rule;   /* its name, as wsm_log_rule() lists it */
    const char *script; /* what was being played */
    const char *what;   /* a sentence */
} wsm_log_breach;

/* What was played. */
typedef struct wsm_log_report {
    size_t size;
    uint32_t scripts;
    uint32_t breaches; /* at most one a script: what follows the first is not trusted */
    uint64_t opens, closes, crashes, errors;
    uint64_t appends, records, reads, saves;
} wsm_log_report;

/* Fills `report` with zeroes and its size; `size` is sizeof(wsm_log_report) as the caller knows it. Any thread. */
WSM_API void wsm_log_report_init(wsm_log_report *report, size_t size);

/* Play all scripts. `on_breach` (may be NULL) is told of each breach, on the suite's thread; `report` may be NULL.
 * Returns 0 when every rule held, 1 when one was broken, or WSM_ERR_INVALID, WSM_ERR_NOMEM, or what `fresh` or `make`
 * answered. Takes as long as the log does. Thread: any, one log at a time. */
WSM_API int wsm_log_conformance(const wsm_log_maker *maker, void (*on_breach)(void *user, const wsm_log_breach *breach),
                                void *user, wsm_log_report *report);

/* The name of the idx-th rule and in `*sentence` (may be NULL) what it asks for; NULL behind the last. Static. Any
 * thread. */
WSM_API const char *wsm_log_rule(size_t idx, const char **sentence);

#ifdef __cplusplus
}
#endif

#endif
