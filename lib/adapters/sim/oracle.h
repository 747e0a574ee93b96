/* What a world knows to be true: the agents, every command that was ever sent, and the entries of the log as they came
 * into being, epoch by epoch. It is a sequential model of its own: it shares no code with the core and reads none of
 * its records; an entry is what the hub first showed, and everything later is held against it and against the command
 * that it came from. */
#ifndef WSM_LIB_SIM_ORACLE_H
#define WSM_LIB_SIM_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sides.h"

#define WSM__SIM_NOBODY UINT32_MAX

#define WSM__SIM_ANNOUNCED 8u

typedef struct wsm__sim_announced { /* a change of presence that somebody has heard of */
    char id[37];
    uint32_t life; /* of the hub */
    int64_t time;  /* the hub's, ms */
} wsm__sim_announced;

typedef struct wsm__sim_agent {
    uint32_t idx;
    char name[32];
    uint32_t primaries;                               /* open at the hub, of this life */
    uint32_t sessions;                                /* open at the hub that may take part */
    uint64_t left_at;                                 /* when one of them ended last, ns */
    wsm__sim_announced announced[WSM__SIM_ANNOUNCED]; /* the newest, in turn */
    uint32_t announced_next;
    uint32_t note, note_life; /* what it said of itself last, and to which life of the hub; 0: nothing */
    uint64_t note_at;         /* when the connection began on which it did, ns */
} wsm__sim_agent;

typedef struct wsm__sim_agent_seen { /* by one connection */
    bool is_present, was_told;
    uint64_t said;
    wsm__sim_announced last;
} wsm__sim_agent_seen;

/* A memory update that somebody wants. Variants are other contents under the same id. */
typedef struct wsm__sim_command {
    uint32_t client;                /* WSM__SIM_NOBODY: the host */
    uint32_t number;                /* of that client, or the host's tag */
    uint32_t agent;                 /* index; WSM__SIM_NOBODY: hub */
    int priority;                   /* wsm_priority */
    char id[37];                    /* "": none */
    char *exchange[2], *text[2];    /* the content, and the whole message */
    uint32_t sends[2];              /* how often each was sent */
    uint32_t effects;               /* entries that came of it and are not broken */
    uint8_t op;                     /* wsm__sim_op */
    bool wants_all;                 /* merge: every update goes along */
    char about[40];                 /* id of the sidebar that it is about; "": main, or none */
    wsm__sim_agents named;          /* whom it names as members */
    bool is_forbidden;              /* its sender may not write */
    bool is_answered;               /* for good */
    bool is_refused;                /* an error that changes nothing was the only answer to the only sending */
    uint64_t line_life, line_order; /* the first sending: which connection, which message there */
    uint8_t kind;                   /* wsm__sim_kind */
    uint32_t call;                  /* of mail.h, its index + 1; 0: it names nobody */
} wsm__sim_command;

typedef enum wsm__sim_entry_state {
    WSM__SIM_ENTRY_NONE = 0,
    WSM__SIM_ENTRY_RECORD = 1,
    WSM__SIM_ENTRY_BROKEN = 2
} wsm__sim_entry_state;

typedef struct wsm__sim_entry {
    char *json;  /* as it was first shown; but if its number was vague, as it was shown after the start that told it */
    char *older; /* then, as before */
    uint32_t len;
    uint8_t state;
    bool was_void; /* passed over, in some life, without a word */
    uint8_t priority;
    uint8_t variant;
    uint8_t op;                             /* wsm__sim_op */
    uint32_t context;                       /* 0: main; else an index into the epoch's sides */
    uint32_t also;                          /* a second one whose members get it; 0: none */
    wsm__sim_agents to, leaves, joins_with; /* whom it names; whose membership ends; who is let in with the history */
    uint32_t agent, command;
    uint64_t seq;
    int64_t time; /* ms: the record's own */
} wsm__sim_entry;

typedef struct wsm__sim_epoch {
    char name[17];
    uint32_t node;
    wsm__sim_entry *entries; /* offset is index + 1 */
    uint64_t count, cap;     /* highest offset that was shown */
    uint64_t applied;        /* by the hub of this life */
    uint64_t broken;         /* entries that cannot be read any more */
    uint64_t lost_from;      /* the log is gone: where it began then; 0: it is there */
    wsm__sim_sides sides;    /* as its records make them */
} wsm__sim_epoch;

typedef struct wsm__sim_effect { /* the last effect of (agent, id) */
    uint64_t hash;
    uint32_t epoch;
    uint64_t offset;
} wsm__sim_effect;

typedef struct wsm__sim_tags { /* broadcasts of the host that have no result yet */
    uint64_t *open;
    size_t count, cap;
} wsm__sim_tags;

typedef struct wsm__sim_oracle {
    wsm__sim_agent agents[48];
    uint32_t agents_count;
    wsm__sim_command *commands;
    size_t commands_count, commands_cap;
    wsm__sim_epoch *epochs;
    size_t epochs_count, epochs_cap;
    wsm__sim_effect *effects; /* a hash table */
    size_t effects_count, effects_cap;
    struct wsm__sim_json *json;
    bool memory_failed; /* an allocation of a hub has failed since the beginning */
    bool store_failed;
} wsm__sim_oracle;

void wsm__sim_tags_add(wsm__sim_tags *tags, uint64_t tag);
bool wsm__sim_tags_take(wsm__sim_tags *tags, uint64_t tag); /* false: it is not open */
void wsm__sim_tags_fini(wsm__sim_tags *tags);

void wsm__sim_oracle_init(wsm__sim_oracle *oracle);
void wsm__sim_oracle_fini(wsm__sim_oracle *oracle);
wsm__sim_agent *wsm__sim_oracle_agent(wsm__sim_oracle *oracle, const char *name); /* found or made; NULL: too many */
const wsm__sim_agent *wsm__sim_oracle_find_agent(const wsm__sim_oracle *oracle, const char *name);
uint32_t wsm__sim_oracle_command(wsm__sim_oracle *oracle, const wsm__sim_command *command);
wsm__sim_epoch *wsm__sim_oracle_epoch(wsm__sim_oracle *oracle, const char *name); /* NULL: unknown */
wsm__sim_epoch *wsm__sim_oracle_epoch_new(wsm__sim_oracle *oracle, const char *name, uint32_t node);
wsm__sim_entry *wsm__sim_oracle_entry(wsm__sim_epoch *epoch, uint64_t offset); /* NULL: beyond its end */
wsm__sim_entry *wsm__sim_oracle_entry_new(wsm__sim_epoch *epoch, uint64_t offset);
/* Is it shown like this? Also as it was before, because a hub that has died since may have sent it. */
bool wsm__sim_oracle_shows(const wsm__sim_entry *entry, const char *text, size_t len);
/* The effect of (agent, id) before, in any epoch; put remembers a new one. */
wsm__sim_effect *wsm__sim_oracle_effect(wsm__sim_oracle *oracle, uint32_t agent, const char *id);
void wsm__sim_oracle_effect_put(wsm__sim_oracle *oracle, uint32_t agent, const char *id, uint32_t epoch,
                                uint64_t offset);

#endif
