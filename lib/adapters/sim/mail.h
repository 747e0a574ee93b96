/* Mentions as the simulator knows them: an independent model of the deliveries, folded from the records of the store
 * and from what clients sent. It shares no code with lib/route. Read mail.c (the fold), client_mail.c (what model
 * clients send and answer), check_mail.c (what must hold). */
#ifndef WSM_LIB_SIM_MAIL_H
#define WSM_LIB_SIM_MAIL_H

#include "json.h"
#include "oracle.h"

#define WSM__SIM_MAIL                                                                                                  \
    (UINT32_MAX - 1) /* the number of the context that entries with mentions have: nobody reads it as a member */
#define WSM__SIM_SKILL   "s1" /* the specialty that some have */
#define WSM__SIM_CALLS   4u   /* agents that one message names, at most */
#define WSM__SIM_CHANGES 12u

typedef enum wsm__sim_kind { WSM__SIM_UPDATE, WSM__SIM_ROUTE, WSM__SIM_ANSWER } wsm__sim_kind; /* of a command */

typedef enum wsm__sim_stage { /* of a delivery; `delivered` is soft, and none */
                              WSM__SIM_IS_QUEUED,
                              WSM__SIM_IS_SEEN,
                              WSM__SIM_IS_WORKING,
                              WSM__SIM_IS_REPLIED,
                              WSM__SIM_IS_DECLINED,
                              WSM__SIM_IS_FAILED,
                              WSM__SIM_IS_EXPIRED
} wsm__sim_stage;

/* Whom a command names, by construction. */
typedef struct wsm__sim_call {
    uint32_t command;
    uint32_t agents[WSM__SIM_CALLS];
    uint32_t count;
    bool is_group; /* it names a role, or all: others may be called, too */
    bool is_role, is_here, may_group;
    char epoch[17];   /* where the log was when it was first said: who had a card there is known */
    uint64_t sent_at; /* offset */
} wsm__sim_call;

typedef struct wsm__sim_change {
    uint64_t offset;
    wsm__sim_stage stage;
} wsm__sim_change;

typedef struct wsm__sim_receipt { /* the copies that one connection has received */
    uint32_t client;
    uint64_t life;
    uint32_t copies;
    wsm__sim_stage told; /* not used by receivers; what a sender was told last */
} wsm__sim_receipt;

typedef struct wsm__sim_attempt { /* a message that calls somebody, each time that it is sent; or a digest */
    uint64_t at;                  /* ns */
    uint32_t sender, command;     /* WSM__SIM_NOBODY: a digest */
    wsm__sim_agents named;        /* all, if it names a group */
} wsm__sim_attempt;

typedef struct wsm__sim_held { /* a call that was refused for its budget or its chain */
    uint64_t at, offset;       /* when its sender heard of it: ns, and the log's end */
    uint32_t target, sender, life;
    char about[40];
} wsm__sim_held;

typedef struct wsm__sim_delivery {
    uint64_t offset;
    uint32_t command, agent, sender;
    uint32_t bytes;
    wsm__sim_stage stage;
    int64_t queued_ms, lease_ms;
    uint64_t applied_at, requeued_at; /* ns */
    uint32_t side;                    /* what it is about; 0: main */
    uint32_t life;                    /* of the hub that applied it */
    bool wakes;                       /* it is paid for */
    char id[37];                      /* of a digest; "": of a command */
    wsm__sim_agents callers;          /* a digest tells of them */
    uint64_t calls;                   /* and of so many calls; 0: no digest */
    bool is_vague;                    /* the model cannot know */
    bool is_urgent, is_route;         /* not is_route: its record is of the context itself */
    wsm__sim_change changes[WSM__SIM_CHANGES];
    uint32_t changes_count;
    wsm__sim_receipt *receipts, *told;
    size_t receipts_count, told_count;
} wsm__sim_delivery;

#define WSM__SIM_BROKEN UINT64_MAX /* there was a card once, and it cannot be read any more */

typedef struct wsm__sim_mail {
    wsm__sim_json json; /* its own: a client's message is being read when the fold goes on */
    wsm__sim_call *calls;
    size_t calls_count, calls_cap;
    wsm__sim_delivery *deliveries; /* of this epoch */
    size_t count, cap;
    char epoch[17];
    uint64_t folded;
    uint32_t waiting[48], working[48]; /* deliveries by agent: queued, under a lease */
    uint64_t card_at[48];              /* offset of each agent's first sound card; 0: there was none yet */
    uint64_t skilled_at[48];           /* of the first that says it has the specialty */
    wsm__sim_attempt *attempts;
    size_t attempts_count, attempts_cap;
    wsm__sim_held *held;
    size_t held_count, held_cap;
    bool is_vague; /* a record that it was made of has broken */
} wsm__sim_mail;

struct wsm__sim_kept;
struct wsm_sim;
struct wsm_sim_hub;
struct wsm_sim_client;

void wsm__sim_mail_begin(struct wsm_sim *sim);
void wsm__sim_mail_fini(struct wsm_sim *sim);
void wsm__sim_mail_fold(struct wsm_sim_hub *node, uint64_t to); /* records up to there have been applied */
/* The hub goes down: its last words are still on their way, and nobody can ask it then how far it had applied. Only
 * answers are folded: what it dies over may not have been shown, which the model waits for. */
void wsm__sim_mail_last(struct wsm_sim_hub *node);
void wsm__sim_mail_broke(struct wsm_sim *sim);                /* a record of the store has, which is no card */
bool wsm__sim_mail_is_card(const struct wsm__sim_kept *kept); /* also one that has broken */
void wsm__sim_mail_card_broke(struct wsm_sim_hub *node);      /* one of its store has */
wsm__sim_delivery *wsm__sim_mail_find(wsm__sim_mail *mail, uint64_t offset, uint32_t agent);
wsm__sim_delivery *wsm__sim_mail_of(wsm__sim_mail *mail, uint32_t command, uint32_t agent); /* the newest */
wsm__sim_stage wsm__sim_mail_stage(const wsm__sim_delivery *delivery, uint64_t offset);     /* as it was there */
wsm__sim_receipt *wsm__sim_mail_receipt(wsm__sim_receipt **list, size_t *count, const struct wsm_sim_client *client);
/* How many answers of an agent the store has between two offsets: they are shown to nobody, but have ids. */
uint64_t wsm__sim_mail_answers(struct wsm_sim_hub *node, uint32_t agent, uint64_t after, uint64_t before);
/* The command of an agent that called somebody under this id; WSM__SIM_NOBODY: there is none. */
uint32_t wsm__sim_mail_call(const struct wsm_sim *sim, const char *id, uint32_t sender);
uint32_t wsm__sim_mail_command(const struct wsm_sim *sim, const char *text, size_t len); /* WSM__SIM_NOBODY: of none */
extern const char *const wsm__sim_stage_words[];

/* client_mail.c */
void wsm__sim_client_mail_act(struct wsm_sim_client *client);
void wsm__sim_client_mail_came(struct wsm_sim_client *client, const wsm__sim_delivery *delivery);
/* What a memory update says beside its content, and whom that calls: a member `,"say":"..."`. Of those in `likely`, if
 * there are any, one is named more often. */
void wsm__sim_client_say(struct wsm_sim_client *client, wsm__sim_command *command, wsm__sim_agents likely, char *out,
                         size_t cap);
/* The command that comes next begins a sidebar: that calls those whom it names. */
void wsm__sim_client_calls(struct wsm_sim_client *client, wsm__sim_command *command);

/* check_wake.c */
void wsm__sim_wake_tried(struct wsm_sim_client *client, uint32_t command); /* it is sent */
/* May the hub refuse the command's call of an agent (WSM__SIM_NOBODY: of anybody) for its budget or its chain. */
bool wsm__sim_wake_may_be_guarded(const struct wsm_sim_client *client, const wsm__sim_command *command, uint32_t agent);
void wsm__sim_wake_held(const struct wsm_sim_client *client, const wsm__sim_command *command, uint32_t agent);
void wsm__sim_check_budgets(struct wsm_sim_hub *node, const wsm__sim_delivery *newest);
void wsm__sim_check_called(struct wsm_sim_hub *node, const wsm__sim_delivery *like, wsm__sim_agents to);
void wsm__sim_check_digest(struct wsm_sim_hub *node, const wsm__sim_delivery *digest, uint32_t target);
void wsm__sim_check_held(struct wsm_sim_hub *node); /* when it is quiet */
void wsm__sim_wakes_fini(wsm__sim_mail *mail);

/* check_mail.c */
/* May its owner read what a delivery is about on this connection, as the records are now. */
bool wsm__sim_mail_may_read(const struct wsm_sim_client *client, const wsm__sim_delivery *delivery);
void wsm__sim_check_mention(struct wsm_sim_client *client, uint64_t offset, const char *text, size_t len);
bool wsm__sim_check_again(struct wsm_sim_client *client, uint64_t offset, bool is_new); /* true: a delivery */
void wsm__sim_check_status(struct wsm_sim_client *client);
void wsm__sim_check_outcomes(struct wsm_sim_client *client, uint32_t command);
void wsm__sim_check_call(struct wsm_sim_hub *node, const wsm__sim_command *command, const wsm__sim_entry *entry,
                         uint64_t offset);
bool wsm__sim_mail_expects(const struct wsm_sim_client *client, const wsm__sim_command *command, const char *code);
void wsm__sim_check_mail_end(struct wsm_sim *sim);

#endif
