/* What memory holds of the log: the newest records of each context, ready to be sent, and where each context stands.
 *
 * Two things live here. The *state* of a context, its last sequence number, is part of the fold. The *cache* of frames
 * is not: it is trimmed per context by count, bytes and age, and what has left it is read from the log's store, or
 * gone.
 *
 * Sequence numbers are counted by the fold: a record gets its number when it is applied. So that a record that is read
 * back from the store can be numbered without folding again, its head carries the number that its writer expected;
 * where the two differ (an append before it failed, two nodes wrote at once) the difference is noted from that offset
 * on. Where records have broken, what later heads tell says more than counting (fates.h). */
#ifndef WSM_LIB_MEMORY_LOG_H
#define WSM_LIB_MEMORY_LOG_H

#include "memory/fates.h"
#include "proto/record.h"
#include "util/list.h"
#include "util/map.h"
#include "util/ring.h"
#include "wire/frame.h"

/* From `offset` on, a record's number is what its head says less `ahead`. */
typedef struct wsm__seq_fix {
    uint64_t offset;
    int64_t ahead;
} wsm__seq_fix;

typedef struct wsm__context {
    char *id;
    size_t id_len;
    uint32_t idx;
    uint64_t seq;      /* of its last record */
    uint64_t lost;     /* of the log, as of its last record */
    uint64_t inflight; /* of its records, appended by this node and neither applied nor failed */
    uint64_t maybe;    /* that failed, and may come yet */
    wsm__ring fixes;   /* of wsm__seq_fix, by offset */
    wsm__list entries; /* in memory, oldest first */
    uint32_t count;
    uint64_t bytes;
    uint64_t trimmed_to; /* records of this context up to this offset are not in memory */
    uint64_t trimmed_to_seq;
} wsm__context;

/* Who sees a record beside the members of its context. Few records have one. */
typedef struct wsm__reach {
    wsm__context *also;        /* its members too; NULL: none */
    const wsm__context *about; /* of a mention: what whom it calls must be able to read; NULL: its own context */
    uint32_t refs;
    uint32_t history_of; /* the record lets this agent see what its context held before; WSM__REACH_NOBODY: none */
    uint32_t count;
    uint32_t agents[]; /* by their number in the roster */
} wsm__reach;

#define WSM__REACH_NOBODY UINT32_MAX
#define WSM__REACH_NAMED  (UINT32_MAX - 1) /* history_of: all those in `agents`, whom the host has let in */

/* NULL: no memory. `agents` is filled by the caller. */
wsm__reach *wsm__reach_new(wsm__mem *mem, uint32_t count);
wsm__reach *wsm__reach_ref(wsm__reach *reach);          /* the same; NULL stays NULL */
void wsm__reach_free(wsm__mem *mem, wsm__reach *reach); /* one reference less; NULL does nothing */
bool wsm__reach_has(const wsm__reach *reach, uint32_t agent);
bool wsm__reach_grants(const wsm__reach *reach, uint32_t agent); /* history_of says it */

/* One record in memory. */
typedef struct wsm__entry {
    wsm__list in_context;
    wsm__context *context;
    wsm__frame *frame;
    wsm__reach *reach; /* NULL: the members of its context, nobody else */
    uint64_t offset, seq;
    int64_t time_ms;
    wsm_priority priority;
} wsm__entry;

/* A record to be folded in. */
typedef struct wsm__log_item {
    wsm__context *context;
    uint64_t offset;
    uint64_t seq;      /* its number, ... */
    uint64_t room;     /* ... and how many behind it may have been used, too: of wsm__log_number */
    uint64_t expected; /* what its head says */
    bool is_vouchable; /* its head has an `at` */
    int64_t time_ms;
    wsm_priority priority;
    wsm__reach *reach; /* taken on success; NULL: none */
    wsm__frame *frame; /* a reference is taken */
} wsm__log_item;

/* An offset without a message: refused by apply, or broken. */
typedef struct wsm__void {
    uint64_t offset;
    bool is_corrupt;
    bool is_lost; /* it may have had a number */
} wsm__void;

/* What is known of a record's number. */
typedef struct wsm__log_claim {
    const wsm__record_head *head;
    bool is_vouched; /* its number is what its head says, less `ahead` */
    int64_t ahead;
} wsm__log_claim;

typedef struct wsm__log_limits {
    uint32_t records_max, bytes_max, age_s; /* per context; 0: none */
} wsm__log_limits;

typedef struct wsm__log {
    wsm__mem *mem;
    wsm__log_limits limits;
    uint64_t applied;    /* offset of the last record that was folded */
    uint64_t lost;       /* records that are gone and may have had a number, ever */
    uint64_t broken;     /* records that could not be read, ever */
    wsm__map by_id;      /* of wsm__context */
    wsm__ring contexts;  /* the same by idx */
    wsm__ring slots;     /* of {offset, entry}, by offset; entry NULL: trimmed */
    uint32_t dead;       /* such slots */
    wsm__ring voids;     /* of wsm__void, by offset, the newest WSM__LOG_VOIDS */
    uint32_t corrupt;    /* broken ones among them */
    wsm__ring untold;    /* of wsm__fate: what heads have to tell */
    uint64_t trimmed;    /* records, ever */
    uint64_t reached_to; /* of those the last that others than its context's members see */
    uint64_t bytes;      /* in memory now */
    uint64_t looked_to;  /* by wsm__log_trim_one: up to this offset */
} wsm__log;

#define WSM__LOG_VOIDS 4096u
#define WSM__LOG_FIXES 1024u

int wsm__log_init(wsm__log *log, wsm__mem *mem, const unsigned char seed[16], const wsm__log_limits *limits);
void wsm__log_fini(wsm__log *log);

wsm__context *wsm__log_context(const wsm__log *log, wsm_slice id); /* NULL: there is none */
wsm__context *wsm__log_context_at(const wsm__log *log, uint32_t idx);
uint32_t wsm__log_context_count(const wsm__log *log);
int wsm__log_context_new(wsm__log *log, wsm_slice id, wsm__context **context); /* WSM_ERR_NOMEM: no effect */

/* How many numbers behind the last one of `context` may have been those of records that are gone. */
uint64_t wsm__log_room(const wsm__log *log, const wsm__context *context);
/* The number that the fold gives the next record if it is one of `context`, and what room stays behind it. */
uint64_t wsm__log_number(const wsm__log *log, const wsm__context *context, const wsm__log_claim *claim, uint64_t *room);

/* Fold one record in: count it, keep it in memory, trim. WSM_ERR_NOMEM: no effect. */
int wsm__log_add(wsm__log *log, const wsm__log_item *item);
/* A record that nobody is sent (a card, an answer to a mention): its offset is passed. */
void wsm__log_pass(wsm__log *log, uint64_t offset);
/* A record that apply refused, or that is corrupt: it has an offset and nothing else. `is_vouchable`: heads may tell
 * that it is void. WSM_ERR_NOMEM: no effect. */
int wsm__log_add_void(wsm__log *log, const wsm__void *at, bool is_vouchable);

/* What has grown too old by the wall clock leaves memory; at most `quantum` records. True: call again. */
bool wsm__log_trim_aged(wsm__log *log, int64_t now_ms, uint32_t quantum);

/* One of the oldest records leaves memory, but never a context's newest. Goes on where the last call has ended. False:
 * among the next hundred or so there is none. */
bool wsm__log_trim_one(wsm__log *log);

/* The first record in memory behind `after`; NULL: none. The same of one context; and the one at an offset. */
wsm__entry *wsm__log_next(const wsm__log *log, uint64_t after);
wsm__entry *wsm__log_next_in(const wsm__context *context, uint64_t after);
wsm__entry *wsm__log_at(const wsm__log *log, uint64_t offset);
/* All records of a context leave memory: it is archived. */
void wsm__log_release(wsm__log *log, wsm__context *context);

/* For a record read back from the store: is it void, and what is its number? */
bool wsm__log_is_void(const wsm__log *log, uint64_t offset);
uint64_t wsm__log_next_corrupt(const wsm__log *log, uint64_t after); /* the next broken record's offset; 0: none */
uint64_t wsm__log_number_at(const wsm__context *context, uint64_t offset, uint64_t expected);

#endif
