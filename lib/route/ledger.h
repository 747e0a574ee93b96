/* The ledger of deliveries: who was mentioned in which record and has not answered yet.
 *
 *     queued ─▶ delivered ─▶ seen ─▶ working (for a while) ─▶ replied | declined | failed, or expired
 *
 * Part of the fold, but for what is soft: that a delivery is on its way to a connection, and the frame that is kept for
 * it. Each is one entry of the target's mailbox, where it stands by the offset of its record. An answer finds it by the
 * mention's id and its sender: ids are of the sender's choosing, and another may have taken the same, or he himself
 * again after a while. Ended ones are forgotten at once. Times are those of records; nothing here reads a clock. */
#ifndef WSM_LIB_ROUTE_LEDGER_H
#define WSM_LIB_ROUTE_LEDGER_H

#include "proto/scan.h"
#include "util/buf.h"
#include "util/heap.h"
#include "util/list.h"
#include "util/map.h"
#include "util/ring.h"
#include "wire/frame.h"

typedef enum wsm__delivery_state {
    WSM__DELIVERY_NONE = 0,
    WSM__DELIVERY_QUEUED,
    WSM__DELIVERY_DELIVERED, /* soft: after a restart it is queued again */
    WSM__DELIVERY_SEEN,
    WSM__DELIVERY_WORKING,
    WSM__DELIVERY_REPLIED,
    WSM__DELIVERY_DECLINED,
    WSM__DELIVERY_FAILED,
    WSM__DELIVERY_EXPIRED
} wsm__delivery_state;

const char *wsm__delivery_word(wsm__delivery_state state);
wsm__delivery_state wsm__delivery_state_of(wsm_slice word); /* NONE: no such word */

typedef struct wsm__delivery {
    wsm__list in_mailbox;
    struct wsm__delivery *alike; /* the next of the same id and target */
    wsm__heap_node due;          /* soft: by when it is looked at again, in ms of the records' time */
    uint64_t offset;             /* of the record with the mention */
    unsigned char id[16];
    uint32_t target, sender; /* numbers of the roster */
    uint32_t bytes;
    uint8_t state;
    bool is_urgent, is_hidden;
    uint32_t context; /* what the target must be able to read: the idx of a context */
    int64_t queued_ms;
    int64_t lease_ms;   /* until when it is worked on */
    uint32_t slot, gen; /* soft: the connection that has it while state is DELIVERED */
    wsm__frame *frame;  /* soft: NULL: to be read from the log */
} wsm__delivery;

typedef struct wsm__ledger_limits {
    uint32_t messages_max, bytes_max; /* of one mailbox; 0: none */
    uint64_t total_bytes_max;         /* of all, and of all about hidden contexts; 0: none */
    uint32_t age_s;                   /* until it expires; 0: never */
} wsm__ledger_limits;

typedef struct wsm__mailbox {
    wsm__list deliveries;  /* open ones, by offset */
    uint32_t count, bytes; /* of all */
    uint32_t hidden_count, hidden_bytes;
} wsm__mailbox;

typedef struct wsm__ledger {
    wsm__mem *mem;
    wsm__ledger_limits limits;
    wsm__map by_id;      /* of wsm__delivery, by id and target: the oldest of those alike */
    wsm__ring mailboxes; /* of wsm__mailbox *, by number; NULL: none yet */
    wsm__map hidden;     /* what an agent's mailbox holds about a hidden context, by both */
    wsm__heap due;
    uint32_t count;
    uint64_t bytes, hidden_bytes;
} wsm__ledger;

void wsm__ledger_init(wsm__ledger *ledger, wsm__mem *mem, const unsigned char seed[16],
                      const wsm__ledger_limits *limits);
void wsm__ledger_fini(wsm__ledger *ledger);
void wsm__ledger_clear(wsm__ledger *ledger);

/* A mention as it is folded in. */
typedef struct wsm__ledger_item {
    uint64_t offset;
    const unsigned char *id;
    uint32_t sender;
    uint32_t context;
    uint32_t bytes;
    bool is_urgent, is_hidden; /* is_hidden: not everybody knows of the context */
    int64_t time_ms;
} wsm__ledger_item;

/* Does a delivery of these bytes about this context fit the target's mailbox, `more` others beside it? */
bool wsm__ledger_fits(const wsm__ledger *ledger, const wsm__ledger_item *item, uint32_t target, uint32_t more);

/* Queue it for a target. The offset is above all others of the target. 0, WSM_ERR_CONFLICT (it is not: it is there
 * already) or WSM_ERR_NOMEM; then no effect. */
int wsm__ledger_add(wsm__ledger *ledger, const wsm__ledger_item *item, uint32_t target);
/* Take back what was just added, at an add that failed for another target. Harmless if it is not there. */
void wsm__ledger_undo(wsm__ledger *ledger, uint64_t offset, uint32_t target);

#define WSM__LEDGER_ANYONE UINT32_MAX /* as WSM__ROSTER_NONE */

/* The target's oldest open delivery of a mention with this id, from this sender or from anyone; NULL: none. */
wsm__delivery *wsm__ledger_find(const wsm__ledger *ledger, const unsigned char id[16], uint32_t target,
                                uint32_t sender);
wsm__delivery *wsm__ledger_at(const wsm__ledger *ledger, uint32_t target, uint64_t offset); /* NULL: none */
/* The target's first open delivery behind `after`; NULL: none. */
wsm__delivery *wsm__ledger_next(const wsm__ledger *ledger, uint32_t target, uint64_t after);
const wsm__mailbox *wsm__ledger_mailbox(const wsm__ledger *ledger, uint32_t target); /* NULL: never had one */

/* May it become `state` from where it is? */
bool wsm__ledger_may(const wsm__delivery *delivery, wsm__delivery_state state);
/* It becomes `state` by a record of the time `time_ms`: `lease_ms` counts for WORKING. An end frees it. Cannot fail. */
void wsm__ledger_set(wsm__ledger *ledger, wsm__delivery *delivery, wsm__delivery_state state, int64_t time_ms,
                     uint64_t lease_ms);

/* Soft: it went to this connection; or those that did are to be delivered again, because it is gone. */
void wsm__ledger_delivered(wsm__delivery *delivery, uint32_t slot, uint32_t gen);
uint32_t wsm__ledger_lost(wsm__ledger *ledger, uint32_t target, uint32_t slot, uint32_t gen); /* how many */
/* The one of this record was taken back before it went out on that connection. */
void wsm__ledger_withdraw(wsm__ledger *ledger, uint32_t target, uint32_t slot, uint32_t gen, uint64_t offset);
/* Soft: keep the record's frame with it (a reference is taken), or let it go. */
void wsm__ledger_pin(wsm__delivery *delivery, wsm__frame *frame);

/* The delivery whose lease or age ends first; NULL: none ever. Looked at again not before `ms`: its end is on its way.
 */
wsm__delivery *wsm__ledger_first_due(const wsm__ledger *ledger);
int64_t wsm__ledger_due_ms(const wsm__delivery *delivery);
void wsm__ledger_defer(wsm__ledger *ledger, wsm__delivery *delivery, int64_t ms);

/* Each ends by its own lease or age again, whatever was deferred: the wall's clock was set back. */
void wsm__ledger_rearm(wsm__ledger *ledger);

uint32_t wsm__ledger_count(const wsm__ledger *ledger);

/* For the snapshot: a JSON array. Loading takes a checked array into an empty ledger; so many agents are known.
 * WSM_ERR_LOG_CORRUPT, WSM_ERR_NOMEM: to be cleared. */
void wsm__ledger_save(const wsm__ledger *ledger, wsm__buf *buf);
int wsm__ledger_load(wsm__ledger *ledger, uint32_t agents, wsm_slice array);

#endif
