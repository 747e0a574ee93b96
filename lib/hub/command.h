/* A command on its way to a record, and a record on its way into the state or back to somebody who reads. */
#ifndef WSM_LIB_HUB_COMMAND_H
#define WSM_LIB_HUB_COMMAND_H

#include "hub/conn.h"
#include "memory/log.h"
#include "proto/decode.h"
#include "proto/record.h"

/* Who asked. A connection is named by slot and generation, because it may be gone when the answer comes. */
typedef struct wsm__origin {
    enum { WSM__ORIGIN_NONE = 0, WSM__ORIGIN_CONN, WSM__ORIGIN_HOST } kind;
    uint32_t slot, gen;
    uint64_t tag;
    bool has_id;
    char message_id[WSM__UUID_LEN]; /* as the sender wrote it */
} wsm__origin;

/* A command on its way: decoded, its sender known. */
typedef struct wsm__command {
    wsm__agent *agent; /* NULL: the host itself, sender is "hub" */
    wsm_slice sender;
    wsm_conn *conn; /* NULL: it came from the host */
    const wsm__message *message;
    wsm_slice text; /* as received */
    const wsm__origin *origin;
} wsm__command;

/* What later heads tell of a record (memory/fates.h). */
typedef enum wsm__fate_word {
    WSM__FATE_UNKNOWN = 0, /* the fold decides */
    WSM__FATE_RECORD,
    WSM__FATE_VOID
} wsm__fate_word;

/* A record on its way into the state. `prepare` of its type allocates and judges, `commit` cannot fail (fold.c). */
typedef struct wsm__fold {
    uint64_t offset;
    wsm__record_head head;
    wsm_slice body;
    wsm__fate_word fate;
    int64_t ahead;         /* of a record that is vouched for: what its head expected less its number */
    uint64_t seq;          /* its number in its context ... */
    uint64_t room;         /* ... and how many behind it may have been used, too */
    wsm__context *context; /* where it counts; NULL: there is none (yet) */
    wsm__context *also;
    bool is_silent;    /* sent to nobody */
    wsm__reach *reach; /* set by prepare; NULL: the members of the context */
    int refusal;       /* set by prepare: the record changes nothing, and its sender gets this error ... */
    const char *field; /* ... with its field and sentence, static */
    const char *why;
    void *plan; /* of prepare, for commit or abandon */
    char *told; /* set by prepare: a result in place of the head's own; owned; NULL: none */
    size_t told_len;
    uint32_t receivers; /* set when it was fanned out */
} wsm__fold;

typedef struct wsm__waiter { /* a repeat of a command that is under way */
    wsm__list node;
    wsm__origin origin;
} wsm__waiter;

/* A record that was appended and is not both kept and applied yet. */
typedef struct wsm__pending {
    uint64_t number;
    wsm__context *counted;        /* whose `inflight` it is counted in; NULL: none, or not any more */
    struct wsm__side *changes[2]; /* NULL: none, or one only */
    wsm__origin origin;
    wsm__list waiters;
    unsigned char id[16];
    unsigned char digest[WSM__DIGEST_LEN];
    char sender[WSM__AGENT_ID_MAX];
    uint8_t sender_len;
    uint32_t hop;
    char *bytes; /* of the record: it comes back as it went, or is looked at again */
    size_t bytes_len;
    bool is_kept, is_applied, is_durable, is_duplicate;
    int err;
    const char *field, *why; /* of the error; static */
    wsm_slice result;        /* for the ack; points into `bytes`, or into `told` */
    char *told;              /* of the fold, which has given it away */
    size_t told_len;
    uint64_t offset;
} wsm__pending;

/* One record of a batch for the log. */
typedef struct wsm__batch_item {
    size_t at, len;
} wsm__batch_item;

typedef struct wsm__inbox_item wsm__inbox_item;

/* Somebody who reads: a connection, or whom the host reads for. */
typedef struct wsm__reader {
    const wsm__identity *identity; /* NULL: the host itself */
    uint32_t agent;                /* his number in the roster, WSM__ROSTER_NONE: not known */
    bool reads_main;
    bool is_host; /* sees everything */
} wsm__reader;

/* A record that was read back from the store. */
typedef struct wsm__stored {
    wsm__frame *frame; /* NULL: it has no message */
    wsm__context *context;
    wsm__reach *reach;
    uint64_t seq; /* 0: it has no number */
    wsm_priority priority;
} wsm__stored;

typedef struct wsm__read {
    wsm__list node;
    uint64_t id, from, to;
    size_t records_max, bytes_max;
    bool is_sent;
    uint32_t slot, gen;           /* for a connection ... */
    struct wsm__merge_job *merge; /* ... or for a merge; NULL: it is not ... */
    struct wsm__pull_job *pull;   /* ... or for a page of a context's records; NULL: it is not ... */
    struct wsm__sum_job *sum;     /* ... or for a sum of them; NULL: it is not ... */
    bool for_delivery;            /* it is the record of a delivery */
    bool for_host;                /* ... or for wsm_records_read: */
    uint64_t tag, after;
    size_t limit;
    wsm__identity identity; /* of the reader, if it is not the host */
    wsm__reader reader;
    uint64_t trimmed_to;
} wsm__read;

#endif
