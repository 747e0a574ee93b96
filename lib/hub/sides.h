/* Sidebars in the hub: from a message about one to a record, and from the record to the state. Read in this order:
 * ask.c (what a message or a record says), ask_check.c (whether it may be), sidebars.c (commands), sidebar_merge.c,
 * sums.c, parked.c (commands that wait), sidebar_apply.c and sidebar_records.c (records), sidebar_time.c (what time
 * does), context_request.c, context_records.c, watch.c.
 *
 * A command is checked when it arrives, and its record again when it is applied, by the same functions: both are read
 * through a wsm__ask. */
#ifndef WSM_LIB_HUB_SIDES_H
#define WSM_LIB_HUB_SIDES_H

#include "hub/hub.h"
#include "sidebar/content.h"
#include "sidebar/data_refs.h"
#include "sidebar/inherit.h"
#include "sidebar/lifecycle.h"
#include "sidebar/merge.h"
#include "sidebar/rights.h"
#include "sidebar/waits.h"

#define WSM__ASK_SIDES 64u /* contexts that one message names */

/* What somebody asks for, or what a record says that was done. */
typedef struct wsm__ask {
    wsm_hub *hub;
    const wsm__command *command; /* NULL: it is a record */
    wsm_slice body;              /* of the record */
    wsm__msg_type type;
    wsm_slice sender;
    uint32_t who;    /* his number */
    uint32_t may;    /* WSM__MAY_... */
    uint64_t offset; /* of the record; on arrival the last one that was applied */
    int64_t time_ms;
    bool has_priority;
    wsm_priority priority;

    /* filled in by the check */
    wsm__side *side;                             /* whom it is about; of a spawn the parent, of a fork the original */
    uint32_t agents[WSM__PARTICIPANTS_HARD + 1]; /* those named, and who asks */
    uint32_t agents_count;
    wsm__side *sides[WSM__ASK_SIDES];
    uint32_t sides_count;
    uint32_t coordinator;
    wsm__change change;
    wsm__status was; /* its status before */
    bool has_reason;
    wsm__history history;
    wsm__inherit_how inherit;
    uint64_t at_offset;
    wsm__conflict_policy policy;
    bool is_private, is_reviewed, takes_none;
    wsm__waiting_for waiting_for;
    wsm__condition condition;
    wsm__ref_set set;
    char room[WSM__REASON_BYTES_MAX]; /* for decoded text: a name, a key, an agent */
} wsm__ask;

/* ask.c */
void wsm__ask_of_command(wsm__ask *ask, wsm_hub *hub, const wsm__command *command);
void wsm__ask_of_record(wsm__ask *ask, wsm_hub *hub, const wsm__fold *fold);
wsm__json_value wsm__ask_field(const wsm__ask *ask, const char *name); /* kind 0: absent */
bool wsm__ask_is(const wsm__ask *ask, const char *name, const char *word);
wsm__side *wsm__ask_context(const wsm__ask *ask, wsm_slice id, const char *field, wsm__no *no); /* NULL: *no says why */
/* Reads a field that names a context; absent: main. */
wsm__side *wsm__ask_side(const wsm__ask *ask, const char *field, wsm__no *no);
bool wsm__ask_agents(wsm__ask *ask, const char *field, wsm__no *no); /* adds to `agents`, each once */
void wsm__ask_add_agent(wsm__ask *ask, uint32_t agent);
bool wsm__ask_sides(wsm__ask *ask, const char *field, wsm__no *no);
bool wsm__ask_inherit(wsm__ask *ask, wsm__no *no);
bool wsm__ask_condition(wsm__ask *ask, wsm__no *no);
bool wsm__ask_set(wsm__ask *ask, wsm__no *no);

/* ask_check.c */
wsm__no wsm__ask_check(wsm__ask *ask);
wsm_priority wsm__ask_priority(const wsm__ask *ask, const wsm__side *side); /* what it says, or the context's own */
wsm__side *wsm__ask_fork_parent(const wsm__ask *ask); /* the nearest live one above the original */

/* sidebars.c */
void wsm__side_submit(wsm_hub *hub, const wsm__command *command);
bool wsm__side_may_publish(wsm_hub *hub, const wsm__command *command,
                           wsm__side **side); /* false: answered, or parked */
void wsm__side_refuse(wsm_hub *hub, const wsm__command *command, const wsm__no *no);
void wsm__side_relay(wsm__json_out *out, const wsm__ask *ask,
                     const char *const *except);                       /* as wsm__encode_relay, but */
void wsm__side_parent_id(wsm__json_out *out, const wsm__side *parent); /* null for main */
/* With what `who` may see of them counted; WSM__AGENT_NONE: with what all may see. */
void wsm__side_put_views(wsm__json_out *out, const char *field, const wsm_hub *hub, uint32_t who,
                         const wsm__view *views, uint32_t count);
void wsm__side_names(wsm__buf *buf, const wsm_hub *hub, const uint32_t *agents, uint32_t count);
/* Appends what is in hub->scratch; remembers that the sides will change. */
void wsm__side_close(wsm_hub *hub, wsm__record_head *head, wsm__json_out *out, const wsm__origin *origin,
                     wsm__side *side, wsm__side *other);

/* sidebar_merge.c */
void wsm__merge_submit(wsm_hub *hub, const wsm__command *command, wsm__ask *ask);
void wsm__merge_page(wsm_hub *hub, wsm__read *read, const wsm_record *records, size_t count, int outcome);
void wsm__merge_failed(wsm_hub *hub, wsm__read *read, int err);
void wsm__merge_drop(wsm_hub *hub, wsm__read *read); /* the read ends unanswered; one that is for no merge is let be */

/* sums.c: what views of long ago hold, read from the log's store. */
/* The command that wants to know waits for a page, and is looked at again. False: the store cannot tell. */
bool wsm__sum_ask(wsm_hub *hub, const wsm__command *command, const wsm__unread *unread);
void wsm__sum_page(wsm_hub *hub, wsm__read *read, const wsm_record *records, size_t count, int outcome);
void wsm__sum_failed(wsm_hub *hub, wsm__read *read, int err); /* the command goes on without, or is refused */
void wsm__sum_drop(wsm_hub *hub, wsm__read *read);            /* as wsm__merge_drop */

/* parked.c */
/* The command has to wait, because what it is about is about to change. True: it was parked, or refused as busy. */
bool wsm__park(wsm_hub *hub, const wsm__command *command, wsm__side *side);
/* It waits for that append, but not for those that come meanwhile. True: as above. */
bool wsm__park_once(wsm_hub *hub, const wsm__command *command, uint64_t number);
bool wsm__park_behind(wsm_hub *hub, const wsm__command *command); /* only if the sender has others that wait */
/* It waits for what is read for it. False: refused as busy. */
bool wsm__park_for_sum(wsm_hub *hub, const wsm__command *command, uint64_t ticket);
int wsm__park_sum_err(const wsm_hub *hub, const wsm__command *command); /* why it has waited in vain; 0: it has not */
void wsm__parked_has_sum(wsm_hub *hub, uint64_t ticket, int err);
void wsm__parked_run(wsm_hub *hub);
void wsm__parked_fini(wsm_hub *hub);

/* sidebar_apply.c */
int wsm__side_prepare(wsm_hub *hub, wsm__fold *fold);
const wsm__side *wsm__side_born_by(const wsm__fold *fold); /* of a spawn that was prepared; it is not in the tree yet */
void wsm__side_commit(wsm_hub *hub, wsm__fold *fold);
void wsm__side_abandon(wsm_hub *hub, wsm__fold *fold);

/* sidebar_records.c */
int wsm__side_update_prepare(wsm_hub *hub, wsm__fold *fold); /* memory_update, memory_archived */
void wsm__side_update_commit(wsm_hub *hub, wsm__fold *fold);
void wsm__side_archived_commit(wsm_hub *hub, wsm__fold *fold);
void wsm__side_mentions_commit(wsm_hub *hub, const wsm__fold *fold); /* who was mentioned may resume a sidebar */
int wsm__side_count_prepare(wsm_hub *hub, wsm__fold *fold);          /* of every record */
void wsm__side_count_commit(wsm_hub *hub, const wsm__fold *fold);

/* sidebar_time.c */
void wsm__side_timer(wsm_hub *hub, wsm__side *side);
void wsm__side_look_soon(wsm_hub *hub, wsm__side *side);   /* something may have become due */
void wsm__side_ended(wsm_hub *hub, const wsm__side *side); /* those who wait for it may go on */
void wsm__sides_ready(wsm_hub *hub);                       /* the log is loaded */
bool wsm__sides_offline(wsm_hub *hub, uint32_t agent);  /* it led some: to be asked again until they are handed over */
void wsm__side_deadlock(wsm_hub *hub, wsm__side *side); /* tells of a circle of waits, if there is one */
void wsm__side_put_away(wsm_hub *hub, wsm__side *side); /* its records have left memory: says so in a record */

/* context_request.c */
void wsm__context_submit(wsm_hub *hub, const wsm__command *command);
wsm__side *wsm__context_readable(wsm__ask *ask, wsm_hub *hub,
                                 const wsm__command *command); /* the one it names; NULL: refused */
/* Inits `buf`, to be ended in any case, and puts the context there as the asker may see it. False: answered. */
bool wsm__context_take(wsm__buf *buf, wsm_hub *hub, const wsm__command *command, const wsm__ask *ask);
/* The same for `who`, NULL conn: the host; errors are the buffer's. */
void wsm__context_put(wsm__buf *buf, wsm_hub *hub, const wsm__side *side, uint32_t who, const wsm_conn *conn);
void wsm__context_tell(wsm_conn *conn, const wsm__side *side, const wsm__origin *origin,
                       wsm_slice context); /* a context_snapshot */

/* context_records.c: a page of a context's own records, or of one that it has inherited. */
void wsm__context_records(wsm_hub *hub, const wsm__command *command, wsm__side *side, uint32_t who);
void wsm__pull_page(wsm_hub *hub, wsm__read *read, const wsm_record *records, size_t count, int outcome);
void wsm__pull_failed(wsm_hub *hub, wsm__read *read, int err);
void wsm__pull_drop(wsm_hub *hub, wsm__read *read); /* as wsm__merge_drop */
/* Reading is paced like a replay: so many bytes are paid for, and what was not needed goes back. False: answered. */
bool wsm__pull_pay(wsm_hub *hub, const wsm__command *command, uint32_t want, size_t *paid);
void wsm__pull_settle(wsm_conn *conn, size_t paid, size_t used); /* NULL conn: nobody is there any more */

/* watch.c: deltas of contexts that a connection watches. */
void wsm__watch_submit(wsm_hub *hub, const wsm__command *command);
/* For a client that asks for a context, which stands in `context`. True: it watches it, and was told: of the
 * difference, if it has the version that it was told last, else of the whole. False: it does not. */
bool wsm__watch_answer(wsm_conn *conn, const wsm__side *side, const wsm__origin *origin, uint64_t have,
                       wsm__buf *context);

#endif
