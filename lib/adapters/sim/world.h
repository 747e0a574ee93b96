/* The inside of a world, and what the files of this folder offer each other. Read them in this order: choice.c and
 * tape.c (every random choice), world.c (time), net.c (transports), store*.c (the log), node*.c (a machine with a hub),
 * oracle.c, checks.h and check_*.c (what must hold), client*.c (model clients), swarm*.c (a run from a seed), shrink.c,
 * user*.c (worlds of a test's own). */
#ifndef WSM_LIB_SIM_WORLD_H
#define WSM_LIB_SIM_WORLD_H

#include "bytes.h"
#include "choice.h"
#include "mail.h"
#include "memory.h"
#include "oracle.h"
#include "wsm/wsm.h"

#define WSM__SIM_MS       1000000u /* ns */
#define WSM__SIM_S        1000000000u
#define WSM__SIM_NODES    8
#define WSM__SIM_OWN_TAG  (1ull << 63) /* of broadcasts and reads of the simulator's own */
#define WSM__SIM_PAGE_TAG (1ull << 62) /* of reads */
#define WSM__SIM_AGENTS   48

typedef struct wsm_sim_hub wsm__sim_machine;
typedef struct wsm_sim_client wsm__sim_client;
typedef struct wsm__sim_line wsm__sim_line;

/* ---- time (world.c) -------------------------------------------------------------------------------------------------
 */

typedef void (*wsm__sim_fn)(wsm_sim *sim, void *object, uint64_t number);

typedef struct wsm__sim_due {
    uint64_t at, tie; /* ns; equal times in the order of asking */
    wsm__sim_fn fn;
    void *object;
    uint64_t number;
} wsm__sim_due;

struct wsm_sim {
    uint64_t now; /* ns since the world began */
    wsm__sim_due *heap;
    size_t heap_count, heap_cap;
    uint64_t ties;

    wsm__sim_choices choices;
    wsm__sim_arena arena;
    uint64_t seed;
    wsm_sim_profile profile;
    uint32_t rates[WSM_SIM_FAULTS];          /* per mille */
    uint32_t delay_us, bytes_per_ms, window; /* of the network; 0: no delay, no limit */
    uint32_t store_us;                       /* of the log */
    bool is_calm;                            /* the faults are over */
    bool is_ending;                          /* nobody says anything more: what is under way gets its answers */
    uint64_t calm_at;                        /* when they were over */
    uint64_t left_at;                        /* when a session ended last */
    uint64_t applied_at;                     /* when a hub applied a record last */
    uint64_t sides_moved_at;                 /* when a record last changed a sidebar */
    uint32_t sides_max;                      /* live sidebars that clients keep about; 0: they make none */
    uint64_t snapshots;                      /* that were compared with the model */
    struct wsm__sim_replies *replies;        /* how requests about hidden sidebars are answered (check_sidebar.c) */
    uint64_t events_max;                     /* 0: the usual */
    bool is_users;                           /* a test's own world: records may come from elsewhere */
    bool async_writes;                       /* transports hold what they were handed while they write it */
    bool is_heavy;                           /* contents are often large */
    bool pump_later;                         /* they write some time after they were told that bytes wait */
    bool close_later;                        /* they close some time after they were told to */
    unsigned char fill;                      /* what new memory holds */

    wsm__sim_machine *nodes[WSM__SIM_NODES];
    uint32_t nodes_count;
    wsm__sim_line *lines; /* all that there ever were and are not free for use */
    wsm__sim_client **clients;
    uint32_t clients_count, clients_cap;

    wsm__sim_oracle oracle;
    wsm__sim_mail *mail; /* NULL: nobody mentions anybody */
    wsm_sim_report report;
    wsm_sim_line_fn say;
    void *say_user;
    char token[1024];
};

void wsm__sim_at(wsm_sim *sim, uint64_t ns, wsm__sim_fn fn, void *object, uint64_t number);
void wsm__sim_in(wsm_sim *sim, uint64_t ns, wsm__sim_fn fn, void *object, uint64_t number); /* from now */
bool wsm__sim_step(wsm_sim *sim, uint64_t until); /* one event; false: there is none up to then, and it is then */
void wsm__sim_mix(wsm_sim *sim, uint64_t value);  /* into the trace */
void wsm__sim_mix_bytes(wsm_sim *sim, const void *bytes, size_t len);
void wsm__sim_say(wsm_sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void wsm__sim_break(wsm_sim *sim, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* the first one counts */
bool wsm__sim_is_broken(const wsm_sim *sim);
wsm_sim *wsm__sim_new(uint64_t seed, wsm_sim_profile profile, const wsm_sim_script *script, wsm__sim_tape *tape);
/* Draws whether a fault happens, counts it, and says so. */
bool wsm__sim_fails_at(wsm_sim *sim, wsm_sim_fault_kind kind, unsigned stream, const char *where);
bool wsm__sim_fails_on_at(const wsm__sim_line *line, wsm_sim_fault_kind kind, unsigned stream, const char *where);
uint32_t wsm__sim_draw_at(wsm_sim *sim, unsigned stream, uint32_t bound, const char *where, const char *which);
/* A choice's name is the function that asks and the text of its bound: scripts find it by them. */
#define wsm__sim_fails(sim, kind, stream) wsm__sim_fails_at(sim, kind, stream, __func__)
/* It goes wrong on one connection. */
#define wsm__sim_fails_on(line, kind, stream) wsm__sim_fails_on_at(line, kind, stream, __func__)
#define wsm__sim_draw(sim, stream, bound)     wsm__sim_draw_at(sim, stream, bound, __func__, #bound)

/* ---- marks (marks.c): a fault meets what is under way anywhere, on a connection, or a message
 * ---------------
 */

void wsm__sim_mark(wsm_sim *sim, wsm_sim_fault_kind kind);
void wsm__sim_mark_line(const wsm__sim_line *line, wsm_sim_fault_kind kind);
void wsm__sim_mark_message(wsm__sim_machine *node, wsm_sim_fault_kind kind, wsm_slice type, wsm_slice json);

/* ---- transports (net.c) ---------------------------------------------------------------------------------------------
 */

#define WSM__SIM_REASONS 5u /* for dropping a frame */

typedef struct wsm__sim_frames { /* of the queues, as the hub counts them */
    double meant, sent, queued, dropped[WSM__SIM_REASONS];
} wsm__sim_frames;

typedef struct wsm__sim_pipe {
    wsm__sim_bytes bytes; /* in flight or arrived, oldest first */
    wsm__sim_bytes lens;  /* MESSAGE: of each message, 4 bytes */
    size_t arrived;       /* of them, and not taken */
    uint64_t free_at;     /* the last byte that was sent arrives then */
} wsm__sim_pipe;

typedef struct wsm__sim_ear { /* the client's end */
    void (*on_bytes)(wsm_sim *sim, void *user, const void *bytes, size_t len);
    void (*on_closed)(wsm_sim *sim, void *user);
    void *user;
} wsm__sim_ear;

struct wsm__sim_line {
    wsm__sim_line *next;
    wsm_sim *sim;
    wsm__sim_machine *node;
    uint32_t node_life;
    wsm_peer_kind kind;
    wsm_conn *conn;   /* the hub's end; NULL: closed */
    bool client_open; /* ear is told */
    bool is_cut, is_silent, is_stalled, is_pumping, is_closing, is_accepted, is_over;
    wsm__sim_pipe up, down;
    wsm_vec writing[4]; /* what the hub's end was handed and has not written yet (async_writes) */
    size_t writing_count;
    wsm_conn_state state;
    uint16_t close_code;         /* as the host hears it */
    int64_t expires_ms;          /* by the hub's wall: the end of its token */
    uint64_t silent_at;          /* ns */
    uint64_t waits_from;         /* ns: since then the hub's end has always had more to write; 0: it has nothing */
    uint64_t went_at;            /* ns: it has written */
    bool must_close;             /* something was dropped that only goes with it */
    const wsm__sim_agent *agent; /* whose it is, once it is open */
    wsm_permission permission;
    wsm_purpose purpose;
    wsm__sim_ear ear;
    const wsm_claims *claims; /* WEBSOCKET and MESSAGE: who it is */
    char epoch[17];           /* and where it resumes; "": first visit */
    uint64_t after;
    char address[24];
};

wsm__sim_line *wsm__sim_line_open(wsm_sim *sim, wsm__sim_machine *node, wsm_peer_kind kind, const wsm__sim_ear *ear);
void wsm__sim_line_dial(wsm__sim_line *line); /* after kind, claims, epoch are set */
void wsm__sim_line_write(wsm__sim_line *line, const void *bytes, size_t len);
void wsm__sim_line_close(wsm__sim_line *line); /* by the client; its end is dead at once */
void wsm__sim_line_half(wsm__sim_line *line);
void wsm__sim_line_cut(wsm__sim_line *line);
void wsm__sim_line_silence(wsm__sim_line *line);
void wsm__sim_line_stall(wsm__sim_line *line, bool on);
void wsm__sim_line_waiting(wsm__sim_line *line);  /* the hub has bytes */
void wsm__sim_line_over(wsm__sim_line *line);     /* the hub wants the transport closed */
void wsm__sim_lines_lost(wsm__sim_machine *node); /* its process died */
void wsm__sim_lines_fini(wsm_sim *sim);
wsm__sim_line *wsm__sim_line_find(wsm_sim *sim, const wsm_conn *conn); /* NULL: none has it */
void wsm__sim_line_pump(wsm__sim_line *line);
void wsm__sim_line_drop(wsm__sim_line *line); /* the host closes it, here and now */

/* ---- the log (store.c, store_load.c, store_chores.c)
 * --------------------------------------------------------------------------------
 */

typedef struct wsm__sim_kept {
    char *bytes;
    uint32_t len;
    bool is_broken;
    bool was_failed; /* its append was said to have failed, and it was kept after all */
    uint64_t at;     /* where the hub stood that appended it */
} wsm__sim_kept;

typedef struct wsm__sim_batch {
    struct wsm__sim_batch *next;
    uint64_t id;
    size_t count;
    wsm__sim_kept records[];
} wsm__sim_batch;

typedef struct wsm__sim_snap {
    uint64_t offset; /* 0: none */
    char *bytes;
    size_t len;
} wsm__sim_snap;

typedef struct wsm__sim_news { /* what the hub is to be told, in order */
    struct wsm__sim_news *next;
    enum {
        WSM__SIM_NEWS_DELIVER,
        WSM__SIM_NEWS_DONE,
        WSM__SIM_NEWS_PAGE,
        WSM__SIM_NEWS_SNAPSHOT,
        WSM__SIM_NEWS_READY
    } kind;
    uint64_t id, from, to;
    uint64_t asked_to; /* PAGE: to which the hub has asked */
    int outcome;
} wsm__sim_news;

typedef struct wsm__sim_chore wsm__sim_chore;

typedef struct wsm__sim_store {
    wsm__sim_machine *node;
    char epoch[17];
    uint64_t epochs; /* so far */
    bool is_durable; /* the kind of log: syncs before it delivers, or never */
    bool is_full;
    wsm__sim_kept *records;             /* of this epoch; offset is index + 1 */
    uint64_t first, count, cap, synced; /* first: that can be read; synced <= count */
    uint64_t delivered;                 /* to the hub of this life */
    uint64_t loaded_from;               /* offset of the snapshot that this life began with */
    wsm__sim_snap snap;
    uint64_t retain;   /* records kept beside a snapshot, whatever the hub says; 0: all */
    bool trims;        /* the hub may let go of records */
    uint64_t let_go;   /* up to here it has, in this epoch */
    uint64_t saved_to; /* the newest snapshot of this life that was taken, kept or not */
    wsm__sim_chore *chores, **chores_end;
    wsm__sim_batch *queue, **queue_end, *writing;
    wsm__sim_news *news, **news_end;
    bool news_due, is_busy, is_open;
    uint64_t life;       /* grows at each open and crash: older events mean nothing */
    uint64_t refused_in; /* the event in which a read was refused last; 0: none was */
    uint32_t refused;    /* how many were in it */
    bool was_clean;
} wsm__sim_store;

void wsm__sim_store_init(wsm__sim_store *store, wsm__sim_machine *node);
void wsm__sim_store_fini(wsm__sim_store *store);
void wsm__sim_store_log(wsm__sim_store *store, wsm_log *log); /* for wsm_hub_new */
void wsm__sim_store_crash(wsm__sim_store *store, bool is_clean);
void wsm__sim_store_tell(wsm__sim_store *store, wsm__sim_news news);
void wsm__sim_store_forget(wsm__sim_store *store); /* what waits */
bool wsm__sim_store_is_vague(const wsm__sim_store *store, uint64_t offset);
uint64_t wsm__sim_store_latency(wsm__sim_store *store, uint64_t base_us);
int wsm__sim_store_open(void *user, wsm_hub *hub); /* store_load.c */
int wsm__sim_store_read(void *user, uint64_t id, uint64_t from, uint64_t to, size_t records, size_t bytes); /* " */
int wsm__sim_store_save(void *user, uint64_t offset, const void *bytes, size_t len); /* store_chores.c */
int wsm__sim_store_trim(void *user, uint64_t offset);
void wsm__sim_store_do_chores(wsm__sim_store *store);   /* all that are left, without a fault */
void wsm__sim_store_drop_chores(wsm__sim_store *store); /* they were never done */
/* The first record that the hub must be able to read: the log has it, and the hub has not let go of it. */
uint64_t wsm__sim_store_readable(const wsm__sim_store *store);
int wsm__sim_store_news(wsm__sim_store *store, const wsm__sim_news *news); /* " */

/* ---- a machine (node.c, node_host.c) --------------------------------------------------------------------------------
 */

struct wsm_sim_hub {
    wsm_sim *sim;
    uint32_t idx;
    wsm_hub *hub;   /* NULL: down */
    wsm_hub *dying; /* the process is dead, the call into it has not returned */
    uint32_t life, depth;
    bool is_ready, starts_again;
    bool late_tokens; /* the host checks tokens itself */
    bool cannot_read; /* its log cannot read back */
    wsm_config config;
    wsm_host host, own; /* the library's, and the user's */
    void *own_user;
    wsm__sim_store store;

    uint64_t tick_at; /* ns; UINT64_MAX: none is due */
    uint64_t up_since;
    uint64_t stall_from, stall_lost;  /* of the monotonic clock, ns; stall_from UINT64_MAX: it runs */
    uint64_t stall_until, late_until; /* the clock stood, and a tick was late, until then */
    int64_t wall_offset;              /* ms */
    uint64_t mono_base;               /* ms */
    uint64_t spins, spin_at, checks;
    bool is_reentered, has_must_close;
    uint64_t drops[WSM__SIM_REASONS]; /* that the host was told of, in this life */
    uint64_t shutdown_by;             /* ns; 0: none */
    uint64_t shutdown_late;           /* after it what is unanswered may stay so */

    size_t live, blocks;           /* what the hub has allocated */
    uint64_t fail_after, fail_for; /* allocations until one fails; then so many fail; 0, 0: none */
    uint64_t random;
    uint64_t next_tag;
    wsm__sim_tags tags;
};

wsm__sim_machine *wsm__sim_machine_new(wsm_sim *sim, const wsm_config *config, const wsm_host *own, void *own_user);
int wsm__sim_machine_start(wsm__sim_machine *node);
void wsm__sim_machine_crash(wsm__sim_machine *node, const char *why);
void wsm__sim_machine_shutdown(wsm__sim_machine *node, bool restart);
void wsm__sim_machine_free(wsm__sim_machine *node);
void wsm__sim_machine_restart_in(wsm__sim_machine *node, uint64_t ns);
bool wsm__sim_machine_enter(wsm__sim_machine *node, uint32_t life); /* false: it is down, or another process */
void wsm__sim_machine_leave(wsm__sim_machine *node);
void wsm__sim_machine_tick_soon(wsm__sim_machine *node, uint64_t ns);
int64_t wsm__sim_machine_wall(const wsm__sim_machine *node);
uint64_t wsm__sim_machine_mono(const wsm__sim_machine *node);
void wsm__sim_machine_host(wsm__sim_machine *node, wsm_host *host);         /* node_host.c: fills in the callbacks */
void wsm__sim_machine_reenter(wsm__sim_machine *node, wsm__sim_line *line); /* node_reenter.c: a callback calls back */
void wsm__sim_machine_publish(wsm__sim_machine *node);                /* node_reenter.c: a record of the host's own */
void wsm__sim_machine_read(wsm__sim_machine *node);                   /* node_reenter.c: a page for the host */
bool wsm__sim_is_own_tag(const wsm__sim_machine *node, uint64_t tag); /* not the test's own */
void wsm__sim_machine_heal(wsm__sim_machine *node);

/* ---- model clients (client.c, client_recv.c, client_send.c, client_bad.c)
 * -------------------------------------------- */

typedef enum wsm__sim_phase {
    WSM__SIM_AWAY,
    WSM__SIM_HTTP,    /* the upgrade is asked for */
    WSM__SIM_WAITING, /* for welcome */
    WSM__SIM_LIVE
} wsm__sim_phase;

typedef struct wsm__sim_sent { /* a request on this connection */
    uint32_t command;          /* index into the oracle's; UINT32_MAX: no memory update */
    uint32_t variant;
    uint8_t op;                               /* wsm__sim_op */
    char about[40];                           /* id of the sidebar in question; "": none */
    uint64_t pull_after, pull_limit, pull_at; /* a page of records: what was asked, and the log's end then */
    char id[37];
    uint32_t note; /* agent_presence: what it says; 0: another request */
    bool is_answered;
    bool is_vague; /* an error came that may have been of another request under this id */
    bool is_presence;
} wsm__sim_sent;

struct wsm_sim_client {
    wsm_sim *sim;
    uint32_t idx;
    wsm__sim_machine *node;
    wsm__sim_agent *agent;
    wsm_claims claims;
    wsm_slice contexts[1], skills[1];
    bool is_observer, reads_main, reads_sides, is_scripted;
    /* Habits. */
    bool flaps, repeats, lies, is_thief, is_malicious, floods, is_stranger, comes_back;
    wsm_peer_kind kind;
    uint32_t piece; /* fragments of messages; 0: whole */

    wsm__sim_phase phase;
    wsm__sim_line *line;
    uint64_t life; /* grows with each connection */
    struct wsm__sim_reader *reader;
    struct wsm__sim_response *response;
    wsm__sim_bytes out;
    uint64_t mask;
    char token[768];
    int64_t token_at;                     /* wall ms; 0: none */
    uint32_t token_s;                     /* life of its tokens; 0: hours */
    uint64_t applied_life, applied_order; /* of its commands: the last applied one of those sent once */
    bool is_stopped;                      /* told to stop, or has decided to */
    bool is_tampered;                     /* it has sent nonsense on this connection */
    bool said_close;
    uint32_t fails;    /* attempts without success */
    uint32_t told_off; /* told to stop; who flaps does not: two of one agent would cut each other out for ever */
    uint32_t pace_ms;  /* between two commands that are sent again, since it was closed for its rate; 0: it was not */
    uint64_t heard_at, opened_at;
    uint64_t pings;

    char epoch[17]; /* "": none */
    uint64_t position;
    /* This connection. */
    uint64_t base; /* records above it must come */
    uint64_t head; /* the log's end at welcome */
    bool asked_resume, replays, is_resynced;
    uint64_t kept_from; /* what it resumed from could be read from there on */
    char asked_epoch[17];
    uint64_t asked_after;
    uint64_t replay_to, replay_count, replay_beside;
    uint64_t checked_to, last_critical, last_normal, last_background, highest;
    uint8_t *got; /* of base + 1 + index: 1 came, 2 in a gap */
    size_t got_count, got_cap;
    wsm__sim_sent *sent;
    size_t sent_count, sent_cap, sent_from;
    uint32_t nameless;         /* requests without a readable id: their errors carry null */
    uint32_t lost_ids;         /* ... of malformed ones that may or may not carry it */
    wsm__sim_agent_seen *seen; /* presence, by agent */
    uint32_t *open;            /* commands without an answer */
    size_t open_count, open_cap;
    uint32_t numbers;           /* commands so far */
    uint64_t orders;            /* first sendings so far */
    uint64_t listed_at;         /* when agent_list was last answered */
    struct wsm__sim_told *told; /* of sidebars (check_sidebar.c) */
    uint64_t lowest[3];         /* by rank: below it nothing is missing (check_lanes.c) */
    uint64_t heard_since;       /* messages since the background lane overtook */
    uint64_t nonsense_life, nonsense_at;
    uint32_t nonsense; /* errors of that kind in this minute */
    wsm__sim_bytes roster;
    wsm__sim_bytes tail; /* scripted: what came, line by line */
    size_t tail_seen;
};

wsm__sim_client *wsm__sim_client_new(wsm_sim *sim, wsm__sim_machine *node, const char *agent,
                                     wsm_permission permission);
void wsm__sim_client_fini(wsm__sim_client *client);
void wsm__sim_client_connect(wsm__sim_client *client);
void wsm__sim_client_come_back(wsm__sim_client *client, uint64_t ns);
void wsm__sim_client_lost(wsm__sim_client *client);                               /* its connection has ended */
void wsm__sim_client_leave(wsm__sim_client *client);                              /* says goodbye */
void wsm__sim_client_text(wsm__sim_client *client, const char *text, size_t len); /* a message has come */
void wsm__sim_client_raw(wsm__sim_client *client, const char *text, size_t len);  /* a message goes out */
void wsm__sim_client_bytes_out(wsm__sim_client *client);                          /* what is in `out` */
uint32_t wsm__sim_client_publish(wsm__sim_client *client, wsm_priority priority); /* UINT32_MAX: it cannot */
void wsm__sim_client_transmit(wsm__sim_client *client, uint32_t command, uint32_t variant);
void wsm__sim_client_resend(wsm__sim_client *client);                                    /* what has no answer */
void wsm__sim_client_ask(wsm__sim_client *client, const char *type, const char *fields); /* another request */
/* context_request; NULL: it did not come to it */
wsm__sim_sent *wsm__sim_client_ask_about(wsm__sim_client *client, const char *id, const char *fields);
/* A command of another kind than an update of main; it is completed. `fields` is what its message says beside. */
void wsm__sim_client_order(wsm__sim_client *client, wsm__sim_command *command, const char *type, const char *fields);
void wsm__sim_client_misbehave(wsm__sim_client *client);
void wsm__sim_client_act(wsm__sim_client *client); /* one step of the workload */
bool wsm__sim_client_is_at_head(const wsm__sim_client *client);
void wsm__sim_client_closing(wsm__sim_client *client, unsigned code);         /* a close frame has come */
bool wsm__sim_client_has_used(const wsm__sim_client *client, const char *id); /* for a command of his agent */
wsm__sim_sent *wsm__sim_client_note(wsm__sim_client *client, uint32_t command, uint32_t variant, const char *id);
void wsm__sim_client_retry(wsm__sim_client *client, uint32_t command, uint64_t ms);
void wsm__sim_client_id(const wsm__sim_client *client, uint32_t number, char id[37]);
void wsm__sim_client_open(wsm__sim_client *client, uint32_t command); /* it wants an answer */
void wsm__sim_client_settled(wsm__sim_client *client, uint32_t command);
bool wsm__sim_may_be_named(const char *agent); /* an agent id, and short enough for a world */
void wsm__sim_mint(wsm_sim *sim, const wsm_claims *claims, char *out, size_t cap);

/* ---- a run from a seed (swarm_plan.c, swarm_fault.c, swarm.c)
 * -------------------------------------------------------- */

typedef struct wsm__sim_plan {
    uint32_t steps;  /* of the workload */
    uint32_t gap_ms; /* between two of them, about */
} wsm__sim_plan;

void wsm__sim_plan_draw(wsm_sim *sim, wsm__sim_plan *plan); /* makes the machine and the clients */
void wsm__sim_strike(wsm_sim *sim);                         /* what goes wrong at a step */
void wsm__sim_strike_soon(wsm__sim_client *client);         /* the same, at this client, in a moment */
void wsm__sim_calm(wsm_sim *sim);                           /* the faults are over */
uint64_t wsm__sim_heal_ms(const wsm_sim *sim);              /* heal.c: how long healing may take from here */

typedef struct wsm__sim_how {
    uint64_t seed;
    wsm_sim_profile profile;
    const wsm_sim_script *script; /* by stream; NULL: none */
    wsm__sim_tape *tape;          /* by name; NULL: none */
    uint32_t steps;               /* of the workload; 0: as the plan has it */
    wsm_sim_line_fn line;
    void *user;
    unsigned char fill;  /* what new memory holds */
    uint64_t events_max; /* 0: as many as say that something spins; more than these break "long" */
} wsm__sim_how;

typedef int (*wsm__sim_run_fn)(const wsm__sim_how *how, wsm_sim_report *report, uint32_t *steps);

int wsm__sim_swarm_run(const wsm__sim_how *how, wsm_sim_report *report, uint32_t *steps); /* steps: that were begun */
/* wsm_sim_shrink, of runs of any kind. */
int wsm__sim_shrink_by(wsm__sim_run_fn run, uint64_t seed, wsm_sim_profile profile, size_t runs_max,
                       wsm_sim_shrink_fn tell, void *user, wsm_sim_script **out, wsm_sim_report *report);

#include "checks.h"

#endif
