/* The inside of a hub, and what the files of this folder offer each other. Read the folder in this order: hub.c (life),
 * turn.c (what every call begins and ends with), calls.c (the host's callbacks), inbox.c (other threads), accept.c,
 * peer.c and handshake.c (from bytes to a connection), session.c (from a token to a member), commands.c (from a message
 * to a record), apply.c and ahead.c (from a record to state), fanout.c, replay.c, presence.c, answers.c, and the small
 * ones. */
#ifndef WSM_LIB_HUB_HUB_H
#define WSM_LIB_HUB_HUB_H

#include "auth/jwt.h"
#include "conn/io.h"
#include "hub/command.h"
#include "hub/conn.h"
#include "hub/counters.h"
#include "hub/rules.h"
#include "limits.h"
#include "memory/ages.h"
#include "memory/dedup.h"
#include "memory/log.h"
#include "proto/decode.h"
#include "proto/encode.h"
#include "route/ledger.h"
#include "route/receivers.h"
#include "route/registry.h"
#include "route/roster.h"
#include "sidebar/tree.h"
#include "util/bucket.h"
#include "util/crypto.h"
#include "util/heap.h"
#include "util/uuid.h"
#include "wire/http.h"
#include "wire/upgrade.h"
#include "wsm/hub.h"

/* Records that the log has left out (hole.c). */
typedef enum wsm__hole_state {
    WSM__HOLE_NONE = 0,
    WSM__HOLE_ASKED, /* a read is under way */
    WSM__HOLE_READ   /* it was answered: what is not there now is gone */
} wsm__hole_state;

/* Wakes of one minute (wakes.c). */
typedef struct wsm__wake_minute {
    uint64_t number; /* of the minute, from 1; 0: none */
    uint32_t all, caused;
    bool warned;
} wsm__wake_minute;

#define WSM__WAKE_MINUTES 8u

/* A connection's number; generations tell who had it before. */
typedef struct wsm__slot {
    wsm_conn *conn; /* NULL: free */
    uint32_t next_free;
} wsm__slot;

#define WSM__SLOT_NONE UINT32_MAX

#define WSM__MAIL "hub/mail" /* id of the context of mail; wsm__context_named hides it from clients */

/* How often the host was told of each kind of thing (calls.c). */
typedef struct wsm__told {
    struct {
        const char *kind; /* static */
        wsm__bucket rate;
    } of[WSM__LOG_KINDS];
} wsm__told;

/* ---- the hub --------------------------------------------------------------------------------------------------------
 */

typedef enum wsm__untold { /* why something was dropped in the middle of a change */
                           WSM__UNTOLD_LEFT,
                           WSM__UNTOLD_CLOSED,
                           WSM__UNTOLD_STATUS,
                           WSM__UNTOLD_REASONS
} wsm__untold;

struct wsm_hub {
    wsm__mem mem;
    wsm_log_probe *probe; /* this is no hub but a stand-in for one: nothing but mem and host.random is set */
    wsm_host host;
    void *user;
    wsm_log log;
    wsm_config config; /* texts are ours, in config_texts */
    wsm__ring config_texts;

    uint64_t now; /* both clocks as of this turn, ms */
    int64_t wall;
    int depth;      /* of calls into the library */
    bool cards_due; /* a card may not have been taken */
    bool is_ready, is_failed, is_shutting_down, is_down, free_asked, log_opened;
    uint64_t ready_at; /* monotonic ms */
    uint64_t shutdown_by;
    int shutdown_code;
    int shutdown_step;

    unsigned char seed[16];
    wsm__uuid_gen ids;
    uint64_t node;
    char epoch[17];
    wsm__digest *digest;

    wsm__heap heap;
    wsm__heap_node chores; /* expiry of windows, aged records, retries: once a second while there is something */
    wsm__log records;
    wsm__context *main;
    wsm__context *mail;  /* records that belong to no context: mentions, answers to them, cards */
    wsm__ring audiences; /* of wsm__receivers, by the idx of the context */
    wsm__roster roster;
    wsm__tree tree;
    wsm__ledger ledger;
    int64_t due_wall;       /* the wall's time when its ends were looked at last */
    wsm__map wake_rates;    /* of wakes.c, by sender and target */
    wsm__map context_wakes; /* of wakes.c, by the idx of the context */
    wsm__map held;          /* of digests.c, by target and context */
    uint64_t calls;         /* messages that were looked at for whom they call */
    wsm__wake_minute wakes[WSM__WAKE_MINUTES];
    wsm__list parked; /* commands that wait for records under way (parked.c) */
    uint32_t parked_count;
    struct wsm__parked *unparked; /* the one that is looked at again */
    wsm__dedup dedup, soft_dedup;
    wsm__registry registry;
    wsm__map addresses;
    wsm__keyring keys;
    wsm__identity checked; /* what wsm_hub_token_check handed out */

    wsm__ws_pool *pool;
    wsm__link_limits link_limits, plain_limits;
    wsm__http_limits http_limits;
    wsm__scan_limits scan_limits, log_scan_limits;
    wsm__chain_pool blocks; /* of all queues */
    wsm__lane_limits agent_lanes, human_lanes;
    wsm__bucket accepts;
    wsm__told log_kinds, audit_kinds, security_kinds;

    wsm__ring slots;    /* of wsm__slot */
    uint32_t free_slot; /* first of the free ones, WSM__SLOT_NONE: none */
    wsm__list conns, noisy, shells;
    uint32_t conns_count, preauth_count, gen;
    uint32_t presence_lagging;
    uint64_t untold[WSM__UNTOLD_REASONS][WSM__LANES]; /* drops that the host has still to be told of */
    bool has_untold;
    uint64_t shed_at; /* monotonic ms; not looked at again before */

    _Atomic(wsm__inbox_item *) inbox; /* newest first */
    atomic_uint inbox_count;
    atomic_uint inbox_records;                       /* deliveries of the log that wait */
    _Atomic uint64_t inbox_part_from, inbox_part_to; /* what was taken of one that did not fit */
    atomic_bool inbox_closed;
    atomic_bool inbox_snapshot;              /* one waits to be loaded */
    atomic_bool inbox_starved;               /* the budget had no room for a delivery */
    wsm__inbox_item *backlog, *backlog_last; /* taken from the inbox, oldest first */
    size_t backlog_done;                     /* records of the first one that are done */
    wsm__inbox_item *ahead;                  /* of the backlog, the one that is looked at ahead; NULL: the first */
    size_t ahead_done;                       /* its records that have been */
    size_t ahead_bytes;                      /* of the backlog up to it */
    wsm__fates_heard heard;                  /* of ahead.c */

    wsm__buf batch;        /* records of this turn, one behind the other */
    wsm__ring batch_items; /* of wsm__batch_item */
    uint64_t batch_first;  /* number of the first */
    uint64_t next_number;
    wsm__ring pendings;     /* of wsm__pending *, by number; NULL: finished */
    uint64_t pendings_base; /* number of the first slot */
    uint64_t passed_number; /* none up to this one will be applied any more */
    uint64_t maybe_number;  /* of the last whose append failed and that may come yet; 0: none may */
    wsm__ring batches;      /* of {first, count} that the log has not ended */
    wsm__map inflight;      /* of wsm__pending, by id and sender */
    uint64_t since_snapshot;
    uint64_t snapshot_at; /* as the log was told last */
    uint64_t told_to;     /* the last record that was answered with another result than its head has; 0: none */
    uint64_t refold_to;   /* records up to here are in the snapshot but for their ids */
    uint64_t store_first; /* the oldest record that can be asked for, as far as is known */
    uint64_t loaded_to;   /* the newest one when the log had loaded */
    wsm__ages ages;       /* kept if store_age_s asks for it */
    bool loaded_durable;

    wsm__list watches;   /* of wsm__watch: those that know of no change (watch.c) */
    uint64_t reshaped;   /* how many records have changed more than the context they stand in */
    uint64_t stirred[2]; /* records and presence when the watches were looked through */

    wsm__list readers; /* of wsm__read, asked or waiting */
    uint32_t reads_active;
    uint64_t next_read, next_sum;
    struct {
        wsm__hole_state state;
        uint64_t read_id;
        uint64_t by; /* monotonic ms; 0: there is none */
    } hole;

    wsm__rules rules,
        usual_rules; /* its own; what is in force while a record is folded stands in `tree`, `ledger` and here: */
    uint32_t lease_ms;
    char rules_text[WSM__RULES_TEXT];
    size_t rules_text_len;

    wsm__buf scratch; /* a message or record under construction; empty between uses */
    wsm__counters count;
};

/* hub.c */
void wsm__hub_ready(wsm_hub *hub, int err);
void wsm__hub_free_now(wsm_hub *hub);

/* Whose deadline a node of the heap is. */
enum {
    WSM__TIMER_CONN = 1,
    WSM__TIMER_AGENT,
    WSM__TIMER_ADDRESS,
    WSM__TIMER_SIDE,
    WSM__TIMER_CHORES,
    WSM__TIMER_PRESENCE
};

/* turn.c: every public function that does anything stands between these two. */
void wsm__turn_enter(wsm_hub *hub);
uint64_t wsm__turn_now(wsm_hub *hub);  /* monotonic ms, for a call that needs no turn either */
bool wsm__turn_leave(wsm_hub *hub);    /* true: the hub was freed, as a callback had asked */
void wsm__turn_notify(wsm_conn *conn); /* it has output, or is over: tell the host when the turn ends */
void wsm__turn_settle(wsm_hub *hub); /* what earlier bytes of this call asked for happens before later ones are read */
void wsm__turn_chores_soon(wsm_hub *hub, uint64_t in_ms);

/* calls.c: the only file that calls the host. */
int wsm__call_random(wsm_hub *hub, void *bytes, size_t len);
void wsm__call_bytes_waiting(wsm_conn *conn);
void wsm__call_close_transport(wsm_conn *conn);
void wsm__call_wake(wsm_hub *hub);
int wsm__call_token_check(wsm_conn *conn, wsm_slice token, wsm__identity *identity);
int wsm__call_veto(wsm_hub *hub, wsm_slice agent, wsm_slice type, wsm_slice json);
bool wsm__call_findings(wsm_hub *hub, const wsm_merge *merge, char *out, size_t cap,
                        wsm_slice *findings); /* false: the library's own */
void wsm__call_log(wsm_hub *hub, wsm_level level, const char *event, const wsm_conn *conn, const char *detail);
void wsm__call_audit(wsm_hub *hub, const char *name, const wsm_conn *conn, const char *detail, int err);
void wsm__call_security(wsm_hub *hub, const char *name, const wsm_conn *conn, const char *detail, int err);
void wsm__call_intake(wsm_hub *hub, const wsm_intake *intake);
void wsm__call_ready(wsm_hub *hub, int err);
void wsm__call_result(wsm_hub *hub, wsm_result *result);
void wsm__call_applied(wsm_hub *hub, uint64_t offset, const wsm__record_head *head, wsm_slice json, uint32_t receivers);
void wsm__call_page(wsm_hub *hub, wsm_page *page);
void wsm__call_drop(wsm_conn *conn, const char *lane, const char *reason, uint64_t count);
void wsm__call_drops(wsm_hub *hub, const char *lane, const char *reason, uint64_t count); /* of all together */
void wsm__call_conn_state(wsm_conn *conn, wsm_conn_state state);
void wsm__call_drained(wsm_conn *conn);
void wsm__call_data(wsm_conn *conn, wsm_data type, wsm_slice bytes);
bool wsm__call_request(wsm_conn *conn, wsm_request *request); /* false: the host wants none */
void wsm__call_request_end(wsm_conn *conn, wsm_request *request);
int wsm__call_log_append(wsm_hub *hub, uint64_t id, const wsm_vec *records, size_t count);
int wsm__call_log_read(wsm_hub *hub, const wsm__read *read);
int wsm__call_log_trim(wsm_hub *hub, uint64_t offset);
int wsm__call_log_save(wsm_hub *hub, uint64_t offset, const void *bytes, size_t len);

/* inbox.c */
int wsm__inbox_drain(wsm_hub *hub, uint32_t quantum); /* 1: there is more */
void wsm__inbox_drop_all(wsm_hub *hub);
/* The next delivered record that was not looked at ahead; the caller counts it in ahead_done. NULL: there is none yet,
 * or the log has loaded. */
const wsm_record *wsm__inbox_ahead(wsm_hub *hub, bool *has_ended);
/* Deliver the records of an append and end it, in one, on the hub's own thread inside a turn: nobody needs to be woken.
 */
int wsm__inbox_append_ended(wsm_hub *hub, uint64_t append_id, int outcome, const wsm_record *records, size_t count);

/* log_probe.c: the way of what a log says to a stand-in. */
int wsm__probe_snapshot(wsm_hub *hub, uint64_t offset, const void *bytes, size_t len);
int wsm__probe_deliver(wsm_hub *hub, const wsm_record *records, size_t count);
int wsm__probe_done(wsm_hub *hub, uint64_t append_id, int outcome);
int wsm__probe_page(wsm_hub *hub, uint64_t read_id, const wsm_record *records, size_t count, int outcome);
int wsm__probe_ready(wsm_hub *hub, const wsm_log_info *info, int outcome);

/* log_memory.c */
int wsm__log_memory_new(wsm_log *log, wsm_hub *hub);

/* addresses.c */
wsm__address *wsm__address_take(wsm_hub *hub, const char *name); /* NULL: no memory, or no name */
void wsm__address_release(wsm_hub *hub, wsm__address *address);
void wsm__address_failed(wsm_hub *hub, wsm__address *address);
bool wsm__address_is_blocked(const wsm_hub *hub, const wsm__address *address);
void wsm__addresses_fini(wsm_hub *hub);
void wsm__address_timer(wsm_hub *hub, wsm__address *address);

/* peer.c: the life of a connection. */
#define WSM__RETRY_MS 100u /* what lacked memory is tried again by the connection's timer */

bool wsm__peer_push(wsm_conn *conn, wsm__lane lane, wsm__frame *frame, uint64_t offset); /* overflow closes it; false:
                                                                           no memory, and its timer runs */
void wsm__peer_notice(wsm_conn *conn, wsm__lane lane); /* the notice in hub->scratch; no memory closes it, too */
/* drops.c */
void wsm__drops_all(wsm_conn *conn, const char *reason, uint64_t *counter); /* what waits for it: told at once */
void wsm__drops_note(wsm_hub *hub, wsm__untold why, const uint32_t dropped[WSM__LANES]); /* told later */
void wsm__drops_closed(wsm_conn *conn); /* what waits for one that has gone: told later */
void wsm__drops_tell(wsm_hub *hub);
bool wsm__peer_hint(wsm_conn *conn, wsm__lane lane); /* one that can be told later, too; false: it was not */
/* As a hint, of a context: whoever leaves that loses it, too. */
bool wsm__peer_hint_of(wsm_conn *conn, wsm__lane lane, const wsm__context *context);
/* One that stands for records from this offset on: no `position` goes beyond it before it is out. */
void wsm__peer_notice_of(wsm_conn *conn, wsm__lane lane, uint64_t offset);
void wsm__peer_shut(wsm_conn *conn, uint16_t code, const char *reason); /* begin to close; twice does nothing */
void wsm__peer_cut(wsm_conn *conn, uint16_t code);                      /* end without a handshake */
void wsm__peer_answer(wsm_conn *conn, int status, const char *headers, const char *code,
                      const char *message); /* HTTP */
void wsm__peer_answer_body(wsm_conn *conn, int status, const char *headers, const char *type, wsm_slice body);
int wsm__peer_link(wsm_conn *conn);    /* frames from here on */
void wsm__peer_unhand(wsm_conn *conn); /* the handshake's memory goes */
void wsm__peer_preauth_done(wsm_conn *conn);
void wsm__peer_timer(wsm_conn *conn);                /* its deadline came */
void wsm__peer_rearm(wsm_conn *conn, uint64_t when); /* look at it not later than this */
void wsm__peer_closes(wsm_conn *conn);               /* it has so long to go by itself */
void wsm__peer_expires(wsm_conn *conn);              /* it is open: its token ends some day */
void wsm__peer_free(wsm_conn *conn);
void wsm__peer_to(wsm_conn *conn, wsm__phase phase);
bool wsm__peer_is_up(const wsm_conn *conn); /* upgraded, or open without a link, and not closing */
wsm__slot *wsm__peer_slot(const wsm_hub *hub, uint32_t slot);
wsm_conn *wsm__peer_of(const wsm_hub *hub, uint32_t slot, uint32_t gen); /* NULL: gone */
void wsm__peer_run(wsm_conn *conn, const char *bytes, size_t len);

/* handshake.c */
size_t wsm__handshake_recv(wsm_conn *conn, const char *bytes,
                           size_t len); /* bytes used; the phase says what comes next */
void wsm__handshake_token(wsm_conn *conn, int err, wsm__identity *identity); /* the verdict; takes the identity on 0 */

/* hello.c */
void wsm__hello_text(wsm_conn *conn, wsm_slice text); /* the first message */
int wsm__hello_ask(wsm_conn *conn, wsm_slice token, const char *epoch,
                   uint64_t after); /* epoch NULL: first visit. WSM_ERR_NOMEM: there is no verdict */
void wsm__hello_verdict(wsm_conn *conn, int err, wsm__identity *identity); /* takes the identity on 0 */

/* session.c */
void wsm__session_open(wsm_conn *conn, wsm__identity *identity, const char *epoch,
                       uint64_t after);  /* takes the identity */
void wsm__session_leave(wsm_conn *conn); /* out of all routes; twice does nothing */

/* commands.c */
wsm__context *wsm__context_named(const wsm_hub *hub, wsm_slice id); /* as a client may name it; NULL: there is none */
void wsm__command_again(wsm_hub *hub, const wsm__command *command); /* it was checked and has waited */
void wsm__command_text(wsm_conn *conn, wsm_slice text);
void wsm__command_host(wsm_hub *hub, wsm_slice agent, wsm_slice text, uint64_t tag);

/* cards.c */
void wsm__cards_retry(wsm_hub *hub);                    /* those that are not in the log yet */
void wsm__card_of(wsm_conn *conn);                      /* by its token */
void wsm__card_ensure(wsm_hub *hub, wsm__agent *agent); /* before it acts: that there is one */
int wsm__card_prepare(wsm_hub *hub, wsm__fold *fold);
int wsm__cards_learn(wsm_hub *hub, const wsm__fold *fold); /* whom a record names is known; WSM_ERR_NOMEM: again */
void wsm__card_told(wsm_hub *hub, const wsm__fold *fold);  /* it was folded in: the host hears of it */

/* update.c */
void wsm__update_submit(wsm_hub *hub, const wsm__command *command);

/* submit.c: what all commands that become records go through, in this order. */
bool wsm__submit_begin(wsm_hub *hub, const wsm__command *command,
                       wsm__record_head *head);       /* false: answered, as a repeat */
int wsm__submit_room(const wsm_hub *hub, size_t len); /* 0, WSM_ERR_TOO_LARGE, WSM_ERR_BUSY */
void wsm__submit_open(wsm_hub *hub, const wsm__message *message, const wsm__record_head *head,
                      wsm__json_out *out); /* the body in hub->scratch, its envelope written; `message` may be NULL */
int wsm__submit_close(wsm_hub *hub, wsm__record_head *head, wsm__json_out *out,
                      const wsm__origin *origin); /* appends; an error is answered */

/* appends.c */
int wsm__append_add(wsm_hub *hub, wsm__record_head *head, const wsm__origin *origin,
                    wsm_slice body); /* WSM_ERR_NOMEM: no effect */
void wsm__append_flush(wsm_hub *hub);
void wsm__append_done(wsm_hub *hub, uint64_t append_id, int outcome);
wsm__pending *wsm__append_find(const wsm_hub *hub, uint64_t number);
uint64_t wsm__append_last_in(const wsm_hub *hub, const wsm__context *context); /* under way there; 0: none is */
void wsm__append_changes(wsm_hub *hub, uint64_t number, wsm__side *side, wsm__side *other); /* NULL: none */
uint64_t wsm__append_last_changing(const wsm_hub *hub, wsm__side *side);                    /* under way; 0: none is */
/* Those up to `number` are applied, or come no more: what is told as under way leaves them out. */
void wsm__append_passed(wsm_hub *hub, uint64_t number);
void wsm__append_settle(wsm_hub *hub, wsm__pending *pending); /* answers when it is both kept and applied */
void wsm__append_init(wsm_hub *hub);
void wsm__append_fini(wsm_hub *hub);
wsm__pending *wsm__append_in_flight(const wsm_hub *hub, wsm_slice sender, const unsigned char id[16]);
int wsm__append_wait(wsm_hub *hub, wsm__pending *pending, const wsm__origin *origin);

/* fold.c: what each type of record does to the state. */
int wsm__fold_prepare(wsm_hub *hub, wsm__fold *fold); /* WSM_ERR_NOMEM: no effect */
void wsm__fold_abandon(wsm_hub *hub, wsm__fold *fold);
void wsm__fold_commit(wsm_hub *hub, wsm__fold *fold);

/* apply.c: 0, or WSM_ERR_NOMEM: nothing changed, try again. */
int wsm__apply(wsm_hub *hub, const wsm_record *record); /* also WSM_ERR_PENDING: records before it are read again */
int wsm__apply_corrupt(wsm_hub *hub, uint64_t offset);  /* the next record is lost, or broken; errors as above */

/* ahead.c: sets what later heads tell of a record that is about to be applied. 0, WSM_ERR_PENDING: what tells it may
 * still come, or WSM_ERR_NOMEM. */
int wsm__ahead_ask(wsm_hub *hub, wsm__fold *fold);
void wsm__ahead_end(wsm_hub *hub); /* nothing is loaded any more */

/* hole.c: make the records up to `to` the last that were applied. 0, WSM_ERR_PENDING, or WSM_ERR_NOMEM. */
int wsm__hole_fill(wsm_hub *hub, uint64_t to);
int wsm__hole_page(wsm_hub *hub, const wsm_record *records, size_t count, int outcome); /* 0, or WSM_ERR_NOMEM */

/* fanout.c */
uint32_t wsm__fanout_record(wsm_hub *hub, wsm__frame *frame, const wsm__fold *fold);
wsm__lane wsm__fanout_lane(wsm_priority priority);

/* replay.c */
const char *wsm__replay_begin(wsm_conn *conn, const char *epoch, uint64_t after); /* the word for welcome.resume */
void wsm__replay_start(wsm_conn *conn);                                           /* after welcome, if it said so */
void wsm__replay_pump(wsm_conn *conn);
void wsm__replay_page(wsm_hub *hub, uint64_t read_id, const wsm_record *records, size_t count, int outcome);
void wsm__replay_stop(wsm_conn *conn);
void wsm__replay_gap(wsm_conn *conn, const wsm__context *context, uint64_t from, uint64_t to, uint64_t to_seq,
                     const char *reason);
void wsm__replay_bounds(wsm_conn *conn, wsm__msg_type type, const wsm__context *context, const char *first,
                        uint64_t first_value, const char *second, uint64_t second_value); /* replay_start, _end */
bool wsm__replay_may(wsm_conn *conn, size_t bytes);                                       /* false: later */
bool wsm__replay_push(wsm_conn *conn, wsm__frame *frame, uint64_t offset);                /* false: no memory now */
bool wsm__replay_ask(wsm_conn *conn, uint64_t from, uint64_t to, uint32_t room); /* false: the log cannot be read */
void wsm__replay_position(wsm_conn *conn);

/* history.c */
void wsm__history_begin(wsm_conn *conn, const wsm__context *context, uint64_t from);
bool wsm__history_step(wsm_conn *conn, uint32_t room); /* false: waits for a page or its pace */
bool wsm__history_page(wsm_conn *conn, const wsm_record *records, size_t count, uint64_t to);
void wsm__history_end(wsm_conn *conn);
void wsm__history_forget(wsm_conn *conn, const wsm__context *context); /* it may not be read any more */
uint64_t wsm__history_from(const wsm_conn *conn);

/* audience.c */
wsm__receivers *wsm__audience_main(const wsm_hub *hub);
wsm__reader wsm__audience_reader(const wsm_conn *conn);
bool wsm__audience_sees(const wsm_hub *hub, const wsm__reader *reader, const wsm__context *context,
                        const wsm__reach *reach, uint64_t offset);
/* The same without the time: what was granted of a context from before the joining included. */
bool wsm__audience_may_read(const wsm_hub *hub, const wsm__reader *reader, const wsm__context *context,
                            uint64_t offset);
/* Either of the two. */
bool wsm__audience_may_have(const wsm_hub *hub, const wsm__reader *reader, const wsm__context *context,
                            const wsm__reach *reach, uint64_t offset);
bool wsm__audience_reads(const wsm_hub *hub, const wsm__reader *reader, const wsm__context *context);
/* The frame of a record remembers whose it is, for wsm__audience_left. */
void wsm__audience_mark(wsm__frame *frame, const wsm__context *context, wsm__reach *reach);
bool wsm__audience_is_silent(wsm__msg_type type); /* its records are sent to nobody */
int wsm__audience_reach(const wsm_hub *hub, const wsm__record_head *head, wsm__context *also, wsm__reach **reach);
wsm__receivers *wsm__audience_receivers(const wsm_hub *hub, const wsm__context *context); /* NULL: none yet */
wsm__agent *wsm__audience_agent(const wsm_hub *hub, uint32_t number); /* NULL: has no connection here */
int wsm__audience_grow(wsm_hub *hub);                                 /* room for every context that there is */
int wsm__audience_reserve(wsm_hub *hub, uint32_t context_idx, uint32_t agents); /* so many may join without failing */
void wsm__audience_joined(wsm_hub *hub, uint32_t agent, const wsm__context *context);
void wsm__audience_left(wsm_hub *hub, uint32_t agent,
                        const wsm__context *context); /* and what waits, and it sees in no other way, is purged */
int wsm__audience_connect(wsm_conn *conn);            /* WSM_ERR_NOMEM: in no array */
void wsm__audience_disconnect(wsm_conn *conn);
uint64_t wsm__audience_trimmed(const wsm_conn *conn); /* up to here something that it reads has left memory */
uint64_t wsm__audience_lost(const wsm_conn *conn);    /* changes whenever more has */
/* One gap for each context that it reads. `next` is the record behind them if it is at hand, else NULL. */
/* The last number of `context` in a range that ends at `end`; `next`: what was read behind it, or NULL. 0: not known.
 */
uint64_t wsm__audience_last_seq(const wsm__context *context, uint64_t end, const wsm__stored *next);
void wsm__audience_gaps(wsm_conn *conn, uint64_t from, uint64_t to, const char *reason, const wsm__stored *next);
void wsm__audience_fini(wsm_hub *hub);

/* reads.c */
void wsm__read_ask(wsm_hub *hub, wsm__read *read);
size_t wsm__read_most(const wsm_hub *hub, size_t bytes); /* of so many as the budget of memory lets a page have */
void wsm__read_next(wsm_hub *hub);
void wsm__read_end(wsm_hub *hub, wsm__read *read);
wsm__read *wsm__read_find(const wsm_hub *hub, uint64_t id);
void wsm__read_free(wsm_hub *hub, wsm__read *read);
/* What a record from the store is to its readers. 0, also for one that has no message; WSM_ERR_LOG_CORRUPT,
 * WSM_ERR_NOMEM. */
int wsm__read_record(wsm_hub *hub, const wsm_record *record, wsm__stored *stored);
void wsm__read_release(wsm_hub *hub, wsm__stored *stored);
void wsm__records_page(wsm_hub *hub, wsm__read *read, const wsm_record *records, size_t count, int outcome);

/* watch.c */
void wsm__watch_stir(wsm_hub *hub);                                /* what is watched may have changed */
void wsm__watch_pump(wsm_conn *conn);                              /* sends what is due */
void wsm__watch_drop(wsm_conn *conn, const wsm__context *context); /* NULL: all of them */

/* presence.c */
void wsm__presence_joined(wsm_hub *hub, wsm_conn *conn);
void wsm__presence_left(wsm_hub *hub, wsm__agent *agent);
void wsm__presence_timer(wsm_hub *hub, wsm__agent *agent);
void wsm__presence_soon(wsm_hub *hub, wsm__agent *agent); /* its change waits no longer */
/* It has come into that sidebar, or left it, or it has ended. */
void wsm__presence_shifted(wsm_hub *hub, uint32_t agent, const wsm__side *side);
void wsm__presence_submit(wsm_hub *hub, const wsm__command *command);
void wsm__presence_list(wsm_hub *hub, const wsm__command *command);
void wsm__presence_pump(wsm_conn *conn); /* what it missed, as far as there is room */

/* answers.c */
typedef struct wsm__verdict {
    int err;
    const char *field, *message;
    uint64_t retry_after_ms;
    bool duplicate, durable, has_offset;
    uint64_t offset;
    wsm_slice result; /* JSON */
} wsm__verdict;
void wsm__answer(wsm_hub *hub, const wsm__origin *origin, const wsm__verdict *verdict);
void wsm__answer_error(wsm_hub *hub, const wsm__origin *origin, int err, const char *field, const char *message);
void wsm__answer_begin(wsm_hub *hub, wsm__encoder *enc, wsm__msg_type type);

/* snapshot.c */
int wsm__snapshot_save(wsm_hub *hub);
int wsm__snapshot_load(wsm_hub *hub, uint64_t offset, wsm_slice text);

/* retain.c: let go in the store what nobody will ask for. */
void wsm__retain(wsm_hub *hub);

/* shed.c: what to give up when the budget of memory runs out. */
bool wsm__memory_is_short(const wsm_hub *hub);
bool wsm__memory_is_tight(const wsm_hub *hub); /* soon: nothing should be read ahead */
bool wsm__memory_is_full(const wsm_hub *hub);  /* what is under way needs the rest */
void wsm__shed(wsm_hub *hub);
void wsm__shed_history(wsm_hub *hub); /* to be called often: it sees whether it is needed */

/* status.c: system_status, every few seconds to those who asked. */
void wsm__status_submit(wsm_hub *hub, const wsm__command *command);
void wsm__status_pump(wsm_conn *conn); /* sends what is due */

/* shutdown.c */
void wsm__shutdown_step(wsm_hub *hub);

/* config.c */
int wsm__config_take(wsm_hub *hub, const wsm_config *config);
void wsm__config_release(wsm_hub *hub);

#endif
