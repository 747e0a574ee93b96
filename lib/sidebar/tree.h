/* The tree of contexts: `main` at the root, sidebars below it, who belongs to each and since which record.
 *
 * Part of the fold: it knows records by their offset and time, agents by their number in the roster, and reads no
 * clock. What a record does is done in two steps, so that a lack of memory changes nothing: `prepare` judges, reserves
 * and may fail, `commit` cannot. Nodes are never freed before the tree is: an archived sidebar can still be read and
 * forked.
 *
 * Read the folder in this order: tree.h, lifecycle.h (status), rights.h (who may what), inherit.h (views), data_refs.h,
 * waits.h, merge.h, tree_state.h (snapshot). */
#ifndef WSM_LIB_SIDEBAR_TREE_H
#define WSM_LIB_SIDEBAR_TREE_H

#include "memory/log.h"
#include "util/buf.h"
#include "util/heap.h"
#include "util/map.h"
#include "util/ring.h"
#include "wsm/types.h"

#define WSM__AGENT_NONE UINT32_MAX       /* as WSM__ROSTER_NONE */
#define WSM__AGENT_HUB  (UINT32_MAX - 1) /* as WSM__ROSTER_HUB */

typedef enum wsm__status {
    WSM__STATUS_NONE = 0,
    WSM__STATUS_ACTIVE,
    WSM__STATUS_TESTING,
    WSM__STATUS_PAUSED,
    WSM__STATUS_WAITING,
    WSM__STATUS_REVIEWING,
    WSM__STATUS_SPAWNING_CHILD,
    WSM__STATUS_CONSOLIDATING,
    WSM__STATUS_MERGED,
    WSM__STATUS_ARCHIVED,
    WSM__STATUS_FAILED,
    WSM__STATUS_COUNT
} wsm__status;

typedef struct wsm__side wsm__side;
typedef struct wsm__member wsm__member;

/* Why something is not done. */
typedef struct wsm__no {
    int err;           /* WSM_OK: nothing against it */
    const char *field; /* static, may be NULL */
    const char *why;   /* static */
} wsm__no;

/* How much somebody was let in to read. */
typedef enum wsm__history {
    WSM__HISTORY_NONE = 0, /* not invited */
    WSM__HISTORY_SINCE,    /* from the joining on */
    WSM__HISTORY_ALL
} wsm__history;

/* A run of offsets during which an agent was a member. */
typedef struct wsm__span {
    uint64_t from, to; /* both records included, the ones that let it in and out; to 0: still */
    bool has_all;      /* it may also read what came before */
} wsm__span;

/* An agent and a sidebar: a member, one that was, or one that is invited. */
struct wsm__member {
    wsm__side *side;
    uint32_t agent;
    uint8_t invited;       /* wsm__history */
    bool is_member;        /* now */
    bool is_chained;       /* it stands in the agent's chain */
    wsm__ring spans;       /* of wsm__span, oldest first */
    wsm__list in_side;     /* in the order of the first joining or invitation */
    wsm__member *of_agent; /* the next of the same agent */
};

/* Another context's records and data references, as they were up to an offset. Nothing is copied. */
typedef struct wsm__view {
    wsm__side *of;
    uint64_t from;  /* first offset that is seen; 0: from the beginning */
    uint64_t up_to; /* the last one */
    uint8_t mode;   /* wsm__inherit */
    /* What of it is for all to see, as counted when it was made: what names hidden sidebars comes on top of it, for
     * those who know of them (wsm__view_count). WSM__UNCOUNTED: only the store could tell. */
    uint64_t records, bytes;
} wsm__view;

#define WSM__UNCOUNTED ((UINT64_C(1) << 53) - 1)

/* Text that a node owns; NULL: none. */
typedef struct wsm__text {
    char *ptr;
    size_t len;
} wsm__text;

typedef enum wsm__wake {
    WSM__WAKE_NONE = 0,
    WSM__WAKE_SIDEBAR,
    WSM__WAKE_TIME,
    WSM__WAKE_MENTION,
    WSM__WAKE_KEY
} wsm__wake;

/* What is known of a context at some offset: for counting what a view holds. */
typedef struct wsm__mark {
    uint64_t offset, records, bytes;
} wsm__mark;

/* The same, as it was read from the log's store. */
typedef struct wsm__learnt {
    wsm__mark mark;  /* with WSM__UNCOUNTED records: from there on none can be told */
    bool is_partial; /* the end of a page: what is asked for lies behind it */
} wsm__learnt;

/* A record of a context names a sidebar that not everybody knows of. */
typedef struct wsm__named {
    uint64_t offset;
    wsm__side *side;
    uint64_t bytes; /* of that record */
} wsm__named;

struct wsm__side {
    wsm__context *context;
    wsm__side *parent;      /* NULL: it is main */
    wsm__side *forked_from; /* NULL: it was spawned */
    wsm__side *first_child, *last_child, *sibling;
    wsm__side *by_creator;                   /* the one that the same agent has created before */
    uint32_t children, live_children, depth; /* depth 0: main */
    uint32_t creator, coordinator;           /* WSM__AGENT_NONE: nobody leads */

    uint8_t status, before; /* `before`: what it goes back to from paused and spawning_child */
    uint8_t final;          /* as it was when it was archived; WSM__STATUS_NONE: it is not */
    uint8_t priority;       /* wsm_priority, of its records by default */
    bool is_hidden;         /* it, or one above it, is private: not everybody knows of it */
    bool is_private, is_reviewed, is_offered, is_warned; /* is_offered: its merge waits for the parent's decision */
    bool success;                                        /* what its merge said */
    uint8_t conflict_policy;                             /* wsm__conflict_policy */
    uint64_t version;                                    /* of the status: how often it was changed */
    uint64_t born, active;                               /* offsets of its first and its last record */
    uint64_t shown;                                      /* of the last one that names no hidden sidebar */
    int64_t born_ms, active_ms;
    uint64_t merged_at;                /* offset of its merge; 0: none */
    wsm__text task, criteria, failure; /* raw JSON strings */
    wsm__text findings;                /* of its merge, raw JSON, until its parent has taken them on */
    wsm__ring offered;                 /* of uint64_t, rising: the updates of a merge that waits for a decision */

    wsm__list members;      /* of wsm__member, by in_side */
    wsm__ring by_agent;     /* of wsm__member *, sorted by agent */
    uint32_t members_count; /* those that are members now */

    wsm__view *views; /* nearest first */
    uint32_t views_count;
    wsm__ring cross; /* of wsm__side *: contexts it has to do with */
    wsm__ring named; /* of wsm__named, by offset: which of its records name a hidden sidebar */

    uint64_t records, bytes; /* of its own, ever */
    uint64_t born_bytes;     /* of its first record; main's does not matter */
    wsm__ring marks;         /* of wsm__mark, one for each WSM__MARK_EVERY records, and one in each WSM__MARK_SPAN */

    wsm__map refs;       /* of wsm__ref, by name (data_refs.h) */
    uint32_t refs_count; /* names that have a value */
    uint64_t refs_bytes; /* of these names and values */
    uint64_t refs_old_bytes;
    wsm__ring pins; /* of uint64_t, sorted: up to which offsets views see this one */

    uint8_t waiting_for; /* wsm__waiting_for (waits.h) */
    wsm__text waiting_text;
    wsm__ring waits;     /* of wsm__side *: the sidebars it waits for */
    uint8_t wake;        /* wsm__wake: what resumes it */
    wsm__text wake_text; /* of a key, or an agent's number in decimal */
    bool is_woken;       /* that has happened */
    wsm__side *wake_side;
    int64_t wake_ms;

    wsm__list in_watching; /* it waits for sidebars, or something would resume it */
    uint32_t mark;         /* of walks */
    wsm__heap_node timer;  /* the hub's, as is the next one: no part of the fold */
    uint64_t in_flight;    /* none later than the append of this number changes it */
    wsm__ring learnt;      /* the hub's, too: of wsm__learnt, the newest that were read from the log's store */
    bool is_to_be_told;    /* the hub's, too: archived, and no record says yet that its own are put away */
};

#define WSM__MARK_EVERY 64u
#define WSM__MARK_SPAN  4096u /* offsets: so what lies between two marks can be read in a few pages */
#define WSM__LEARNT_MAX 16u
#define WSM__SPANS_MAX  64u   /* times that an agent belonged to one; the oldest is forgotten */
#define WSM__NAMED_MAX  1024u /* records of one that name hidden sidebars; more are refused */
#define WSM__CROSS_MAX  256u  /* contexts that one has to do with; later ones are not noted */

/* What the tree knows of an agent. */
typedef struct wsm__tree_agent {
    wsm__member *first;      /* by of_agent */
    wsm__side *last_created; /* by by_creator */
    uint32_t load, open;     /* live sidebars: those of a member that all know of, all those of their creator */
} wsm__tree_agent;

typedef struct wsm__tree_limits { /* 0: none */
    uint32_t participants_max, depth_max, children_max;
    uint32_t open_per_creator, created_per_min;
    uint32_t refs_max, refs_bytes_max;
} wsm__tree_limits;

typedef struct wsm__tree {
    wsm__mem *mem;
    wsm__tree_limits limits;
    unsigned char seed[16];
    wsm__side *main;
    wsm__ring sides;  /* of wsm__side *, by the context's idx; NULL: that context is no sidebar */
    wsm__ring agents; /* of wsm__tree_agent, by number */
    uint32_t count, live;
    wsm__list watching; /* of wsm__side */
    uint32_t walk;      /* number of the last walk, for `mark` */
} wsm__tree;

/* `main` becomes the root. WSM_ERR_NOMEM: the tree is as after fini. */
int wsm__tree_init(wsm__tree *tree, wsm__mem *mem, const unsigned char seed[16], const wsm__tree_limits *limits,
                   wsm__context *main);
void wsm__tree_fini(wsm__tree *tree);
void wsm__tree_clear(wsm__tree *tree); /* all sidebars go, and what main knows: for a snapshot that could not be read */

/* The node of a context: the root for `main`, NULL for one that is no sidebar. */
wsm__side *wsm__tree_of(const wsm__tree *tree, const wsm__context *context);
wsm_slice wsm__side_id(const wsm__side *side);
bool wsm__side_is_main(const wsm__side *side);
bool wsm__side_is_live(const wsm__side *side); /* not merged, failed, archived */

/* ---- who belongs ----------------------------------------------------------------------------------------------------
 * Everybody is a member of main. */

wsm__member *wsm__side_member(const wsm__side *side,
                              uint32_t agent);             /* also one that was, or is invited; NULL: neither */
bool wsm__side_has(const wsm__side *side, uint32_t agent); /* is it a member now */
/* May an agent see the record at `offset` of `side`: it is a member now, and was then, or was granted all of its
 * history. */
bool wsm__tree_sees(const wsm__tree *tree, const wsm__side *side, uint32_t agent, uint64_t offset);
/* May an agent know that a sidebar exists. A private one is known to its members, the invited, and, once it was merged,
 * to the parent's members; an open one to all who know its parent. */
bool wsm__tree_knows(const wsm__tree *tree, const wsm__side *side, uint32_t agent);

/* The sidebars of which an agent is a member now, main left out. NULL: no more. */
wsm__member *wsm__tree_first_of(const wsm__tree *tree, uint32_t agent);
wsm__member *wsm__tree_next_of(const wsm__member *member);
/* The members of a sidebar now, in the order in which they joined. NULL: no more. */
wsm__member *wsm__side_first_member(const wsm__side *side);
wsm__member *wsm__side_next_member(const wsm__member *member);

/* Its live sidebars, as everybody may count them: hidden ones left out. */
uint32_t wsm__tree_agent_load(const wsm__tree *tree, uint32_t agent);

/* ---- changes --------------------------------------------------------------------------------------------------------
 * What can fail stands in functions that return int or a pointer: they reserve, and change nothing that shows. The
 * others cannot fail, and are called in `commit`. */

/* What a record says of a new sidebar. All arrays and texts are copied. */
typedef struct wsm__birth {
    wsm__context *context;
    wsm__side *parent, *forked_from; /* forked_from NULL: spawned */
    uint32_t creator, coordinator;
    const uint32_t *agents; /* its first members, each once, the creator among them unless that is the hub */
    uint32_t agents_count;
    const wsm__view *views;
    uint32_t views_count;
    wsm__side *const *cross;
    uint32_t cross_count;
    wsm_slice task, criteria; /* raw JSON strings, or absent */
    wsm_priority priority;
    bool is_private, is_reviewed;
    uint8_t conflict_policy;
    uint64_t offset;
    int64_t time_ms;
} wsm__birth;

/* May it be: depth, children, participants, the creator's limits. */
wsm__no wsm__tree_birth_no(const wsm__tree *tree, const wsm__birth *birth);
wsm__side *wsm__tree_birth_prepare(wsm__tree *tree, const wsm__birth *birth); /* NULL: no memory */
void wsm__tree_birth_commit(wsm__tree *tree, wsm__side *side);
void wsm__tree_birth_abandon(wsm__tree *tree, wsm__side *side); /* frees it; NULL does nothing */

/* A record of this context was folded. */
int wsm__side_note_prepare(wsm__tree *tree, wsm__side *side);
void wsm__side_note(wsm__side *side, uint64_t offset, int64_t time_ms, uint64_t bytes);
/* A sum that was read from the store, counted from `from` on: if that was a partial one, it takes its place, so a sum
 * of many pages makes it forget no other. No part of the fold. */
int wsm__side_learn(wsm__tree *tree, wsm__side *side, uint64_t from, const wsm__learnt *learnt);

/* Room for what the functions below change for these agents. */
int wsm__side_reserve(wsm__tree *tree, wsm__side *side, const uint32_t *agents, uint32_t count);
void wsm__side_join(wsm__tree *tree, wsm__side *side, uint32_t agent, uint64_t offset, bool all);
void wsm__side_leave(wsm__tree *tree, wsm__side *side, uint32_t agent, uint64_t offset); /* the invitation goes too */
void wsm__side_invite(wsm__side *side, uint32_t agent, wsm__history history);

/* A side, as one that this one has to do with; at most once. */
int wsm__side_cross_prepare(wsm__tree *tree, wsm__side *side);
void wsm__side_cross(wsm__side *side, wsm__side *other);

/* Records that name hidden sidebars (named.c). They are told to those who know of these when they are made; whoever may
 * read them later has to be looked at once more. */
int wsm__side_named_prepare(wsm__tree *tree, wsm__side *side, uint32_t count);
/* An open one is not noted, nor that it names itself: who reads there has been told of it. */
void wsm__side_named(wsm__side *side, wsm__side *other, uint64_t offset, uint64_t bytes);
bool wsm__side_has_room_for_names(const wsm__side *side, uint32_t count);
bool wsm__side_names_hidden(const wsm__side *side, uint64_t offset); /* whether the record there names any */
/* Whether the record at `offset` names one that the agent may not know of; and whether any does. */
bool wsm__side_names_secrets(const wsm__tree *tree, const wsm__side *side, uint32_t agent, uint64_t offset);
/* Whether the record that it began with does: it names its parent, what it was forked from, what it sees. */
bool wsm__side_birth_names_secrets(const wsm__tree *tree, const wsm__side *side, uint32_t agent);
bool wsm__side_has_secrets(const wsm__tree *tree, const wsm__side *side, uint32_t agent);
/* Of the records from `from` to `up_to` how many, and of how many bytes, name hidden sidebars all of which the agent
 * may know of; WSM__AGENT_HUB: all that name any, WSM__AGENT_NONE: none. */
void wsm__side_count_named(const wsm__tree *tree, const wsm__side *side, uint64_t from, uint64_t up_to, uint32_t agent,
                           uint64_t *records, uint64_t *bytes);

int wsm__text_new(wsm__mem *mem, wsm_slice from, wsm__text *text); /* an absent or empty one: no allocation */
void wsm__text_free(wsm__mem *mem, wsm__text *text);
void wsm__text_move(wsm__mem *mem, wsm__text *to, wsm__text *from); /* `from` is empty then */
wsm_slice wsm__text_get(const wsm__text *text);

int wsm__tree_reserve_agent(wsm__tree *tree, uint32_t agent);
/* Into its parent's and its creator's lists; for birth and snapshot. */
void wsm__side_link(wsm__tree *tree, wsm__side *side);
/* For lifecycle.c: what counts live sidebars counts one less. */
void wsm__tree_died(wsm__tree *tree, wsm__side *side);

#endif
