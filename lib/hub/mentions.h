/* Mentions in the hub. Read in this order: callees.c (whom a mention calls, and what becomes of it), mentions.c
 * (commands), deliveries.c (the fold, and the way to a connection), wakes.c (what a wake costs), digests.c (what was
 * held back).
 *
 * A delivery is made of a record that calls somebody: a mention_route, a memory_update with names in its text, the
 * spawn of a sidebar. The ledger (route/ledger.h) holds it until it is answered. */
#ifndef WSM_LIB_HUB_MENTIONS_H
#define WSM_LIB_HUB_MENTIONS_H

#include "hub/sides.h"
#include "route/mention.h"

/* Whom one message calls. */
typedef struct wsm__callees {
    wsm_hub *hub;
    const wsm__side *side; /* what they must be able to read */
    uint32_t sender;       /* number in the roster; WSM__ROSTER_HUB: the host */
    bool may_group;        /* the sender's capability */
    uint32_t hop;
    uint64_t message; /* its number: who is held back twice by one is counted once */
    size_t bytes;
    uint32_t agents[WSM__CALLEES_MAX]; /* accepted */
    uint32_t count;
    uint32_t named;   /* asked for, accepted or not */
    int err;          /* of the first that was not accepted */
    uint64_t wait_ms; /* with WSM_ERR_LOOP_GUARD: when the purse that fills last has room again; 0: never */
    wsm__buf answer;  /* a JSON object: what becomes of each, by the name that was used */
} wsm__callees;

/* callees.c */
void wsm__callees_init(wsm__callees *callees, wsm_hub *hub, const wsm__command *command, const wsm__side *side,
                       uint32_t hop);
void wsm__callees_fini(wsm__callees *callees);
void wsm__callees_name(wsm__callees *callees, wsm_slice name);     /* an agent id, "role:x" or "here" */
void wsm__callees_scan(wsm__callees *callees, wsm_slice exchange); /* what its text mentions */
bool wsm__callees_may_be_in(wsm_slice exchange);                   /* false: it mentions nobody, for certain */
/* The record's result, in memory of the fold, with `mailbox_full` for those who have no delivery of it. WSM_ERR_NOMEM:
 * no effect. */
int wsm__callees_amend(wsm_hub *hub, wsm__fold *fold);
/* The names of those who were accepted, as a JSON array, appended to `buf`. */
void wsm__callees_put(const wsm__callees *callees, wsm__buf *buf);

/* mentions.c */
void wsm__mention_submit(wsm_hub *hub, const wsm__command *command);
void wsm__mention_ack_submit(wsm_hub *hub, const wsm__command *command);
void wsm__mention_due(wsm_hub *hub); /* leases and ages that have ended become records */
int wsm__mention_ack_prepare(wsm_hub *hub, wsm__fold *fold);
void wsm__mention_ack_commit(wsm_hub *hub, wsm__fold *fold);

/* deliveries.c */
bool wsm__delivery_is_made_by(const wsm__record_head *head);
/* What those must be able to read whom a record of the context `own` calls. */
const wsm__context *wsm__delivery_subject(const wsm_hub *hub, const wsm__context *own, wsm_slice body);
/* The next agent that a record calls, `at` 0 at first, the sender left out; WSM__ROSTER_NONE: no more. */
uint32_t wsm__delivery_next_target(const wsm_hub *hub, const wsm__fold *fold, size_t *at);
int wsm__delivery_prepare(wsm_hub *hub, wsm__fold *fold); /* WSM_ERR_NOMEM: no effect */
void wsm__delivery_abandon(wsm_hub *hub, const wsm__fold *fold);
void wsm__delivery_go(wsm_hub *hub, const wsm__fold *fold, wsm__frame *frame); /* the record was fanned out */
void wsm__delivery_pump(wsm_conn *conn);                  /* what waits for its agent, as far as there is room */
void wsm__delivery_came(wsm_conn *conn, uint64_t offset); /* it got this record in another way */
void wsm__delivery_lost(wsm_conn *conn);                  /* it is gone: what was not seen is delivered again */
void wsm__delivery_page(wsm_hub *hub, const wsm__read *read, const wsm_record *records, size_t count, int outcome);
void wsm__delivery_status(wsm_hub *hub, const wsm__delivery *delivery, wsm__delivery_state state, wsm_slice note);
wsm_conn *wsm__delivery_conn(const wsm_hub *hub, const wsm__agent *agent); /* its primary, or its backup; NULL */

/* wakes.c */
/* 0, WSM_ERR_LOOP_GUARD with how long to wait, WSM_ERR_NOMEM. `side` is what the mention is about. From the hub only
 * the target's own purse is taken. Who is refused pays nothing. */
int wsm__wake_may(wsm_hub *hub, uint32_t sender, uint32_t target, const wsm__side *side, uint64_t *wait_ms);
void wsm__wake_count(wsm_hub *hub, const wsm__fold *fold, const wsm__context *about, uint32_t targets);
uint32_t wsm__wake_reproduction(const wsm_hub *hub, const wsm__context *context); /* in thousandths; NULL: of all */
/* Of the live sidebars that everybody may know of those where the number is highest, without those where it is 0; with
 * `reader` only those that this token covers. Returns how many of `most`. */
uint32_t wsm__wake_top(const wsm_hub *hub, const wsm__identity *reader, const wsm__context **top, uint32_t most);
void wsm__wakes_expire(wsm_hub *hub);
void wsm__wakes_fini(wsm_hub *hub);

/* digests.c */
#define WSM__HELD_MAX 4096u /* targets and contexts; more are not told of */
/* The call was refused as loop_guard: its target will hear of it later, together with others. False: it is one too
 * many, or there is no memory. */
bool wsm__digest_hold(wsm_hub *hub, uint64_t message, uint32_t sender, uint32_t target, const wsm__side *side);
void wsm__digests_due(wsm_hub *hub);   /* those whose time has come become records */
void wsm__digests_flush(wsm_hub *hub); /* all do: the process ends */
void wsm__digests_fini(wsm_hub *hub);

#endif
