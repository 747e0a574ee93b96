/* What a world knows of the contexts of an epoch: the tree of sidebars, who belonged to each and when, and what each
 * knows. A sequential model of its own, folded from the records as the hub showed them first; it shares no code with
 * lib/sidebar and judges each record by the rules of the design, so that a mistake there meets a second opinion.
 *
 * Read in this order: sidebar_model.c (the tree, who belongs), sidebar_rules.c (status, data references, merges,
 * waits), sidebar_fold.c, sidebar_views.c and sidebar_merge.c (what a record does),
 * client_sidebar.c (what clients ask for),
 * check_sidebar.c (who gets what), check_told.c (what is said of a sidebar), check_records.c (what
 * is read in it). */
#ifndef WSM_LIB_SIM_SIDES_H
#define WSM_LIB_SIM_SIDES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wsm/types.h"

#define WSM__SIM_NO_SIDE UINT32_MAX
#define WSM__SIM_ID_LEN  25u /* of a sidebar's id */
#define WSM__SIM_WAITS   8u
#define WSM__SIM_VIEWS   16u

typedef uint64_t wsm__sim_agents; /* a set of agents, by their index; there are fewer than 64 */

typedef enum wsm__sim_status {
    WSM__SIM_NO_STATUS,
    WSM__SIM_ACTIVE,
    WSM__SIM_TESTING,
    WSM__SIM_PAUSED,
    WSM__SIM_WAITS_FOR,
    WSM__SIM_REVIEWING,
    WSM__SIM_SPAWNING,
    WSM__SIM_CONSOLIDATING,
    WSM__SIM_MERGED,
    WSM__SIM_ARCHIVED,
    WSM__SIM_FAILED,
    WSM__SIM_STATUSES
} wsm__sim_status;

/* What clients do with sidebars. The names of the messages are those of the table in client_sidebar.c. */
typedef enum wsm__sim_op {
    WSM__SIM_OP_UPDATE, /* memory_update, in main or in a sidebar */
    WSM__SIM_OP_SPAWN,
    WSM__SIM_OP_CHILD,
    WSM__SIM_OP_FORK,
    WSM__SIM_OP_JOIN,
    WSM__SIM_OP_LEAVE,
    WSM__SIM_OP_INVITE,
    WSM__SIM_OP_REMOVE,
    WSM__SIM_OP_STATUS,
    WSM__SIM_OP_PAUSE,
    WSM__SIM_OP_RESUME,
    WSM__SIM_OP_WAIT,
    WSM__SIM_OP_TEST,
    WSM__SIM_OP_REF,
    WSM__SIM_OP_MERGE,
    WSM__SIM_OP_DECIDE,
    WSM__SIM_OP_ARCHIVE,
    WSM__SIM_OP_COORDINATOR, /* the hub's own, from here on */
    WSM__SIM_OP_WARN,
    WSM__SIM_OP_AWAY, /* memory_archived */
    WSM__SIM_OPS,
    WSM__SIM_OP_ASK = WSM__SIM_OPS, /* context_request: makes no record */
    WSM__SIM_OP_CALL,               /* mention_route, where answers are compared; its command is WSM__SIM_OP_UPDATE */
    WSM__SIM_ASKED                  /* so many kinds of requests may be about a sidebar */
} wsm__sim_op;

typedef struct wsm__sim_span { /* an agent belonged to a sidebar, both records included */
    uint32_t agent;
    bool has_all;      /* it was let in with the history */
    uint64_t from, to; /* to 0: still */
} wsm__sim_span;

typedef struct wsm__sim_value {
    uint64_t offset, version;
    char *json; /* NULL: removed */
} wsm__sim_value;

typedef struct wsm__sim_ref {
    char name[192];
    wsm__sim_value *values; /* oldest first */
    uint32_t count, cap;
} wsm__sim_ref;

typedef struct wsm__sim_view {
    uint32_t of;
    bool shows_records; /* not only data references */
    uint64_t from, up_to;
} wsm__sim_view;

typedef struct wsm__sim_side {
    char id[40];
    uint32_t idx, parent, forked_from; /* 0: main; forked_from WSM__SIM_NO_SIDE: spawned */
    uint32_t coordinator;              /* WSM__SIM_NOBODY: nobody leads */
    uint32_t command;                  /* that made it */
    uint8_t status, before, final;
    int priority, policy; /* policy: 0 keep_both, 1 keep_parent, 2 keep_sidebar */
    bool is_private, is_hidden, is_reviewed, is_offered;
    uint64_t version, seq, born, active, touched, merged_at; /* touched: the last record that changed its state */
    int64_t active_ms, active_wall; /* time of its last activity; from where idleness counts, ms since 1970 */
    wsm__sim_agents members, ever, asked, asked_all; /* now; members or invited at any time; invited; with history */
    wsm__sim_span *spans;
    uint32_t spans_count, spans_cap;
    wsm__sim_ref *refs;
    uint32_t refs_count, refs_cap;
    wsm__sim_view views[WSM__SIM_VIEWS];
    uint32_t views_count;
    uint32_t *namers; /* contexts of which a record names it */
    uint32_t namers_count, namers_cap;
    uint32_t waits[WSM__SIM_WAITS];
    uint32_t waits_count;
    uint64_t gone[64];  /* by agent: the last record that ended its membership or invitation */
    uint32_t wake_side; /* WSM__SIM_NO_SIDE: none */
    int64_t wake_ms;    /* 0: none */
} wsm__sim_side;

typedef struct wsm__sim_sides {
    wsm__sim_side **at; /* 0: main */
    uint32_t count, cap;
    uint32_t live;
} wsm__sim_sides;

void wsm__sim_sides_init(wsm__sim_sides *sides);
void wsm__sim_sides_fini(wsm__sim_sides *sides);
wsm__sim_side *wsm__sim_side_new(wsm__sim_sides *sides, const char *id, uint32_t parent);
wsm__sim_side *wsm__sim_side_find(const wsm__sim_sides *sides, const char *id, size_t len); /* NULL: there is none */
bool wsm__sim_side_is_live(const wsm__sim_side *side);
/* May an agent see the record at an offset, by what the records say of its membership, whenever that was. */
bool wsm__sim_side_admits(const wsm__sim_side *side, uint32_t agent, uint64_t offset);
/* Must it get it as a member: it belongs to it now, and has done so since a record up to that offset. */
bool wsm__sim_side_owes(const wsm__sim_side *side, uint32_t agent, uint64_t offset);
/* Has it been a member after some record from `since` on, up to the newest. */
bool wsm__sim_side_had(const wsm__sim_side *side, uint32_t agent, uint64_t since);
/* May an agent have read the name of a sidebar anywhere. */
bool wsm__sim_side_is_known(const wsm__sim_sides *sides, const wsm__sim_side *side, uint32_t agent);

/* ---- rules (sidebar_rules.c)
 * ----------------------------------------------------------------------------------------- */

wsm__sim_status wsm__sim_status_of(const char *word);
const char *wsm__sim_status_word(wsm__sim_status status);
bool wsm__sim_status_may(const wsm__sim_side *side, wsm__sim_status to);
void wsm__sim_status_set(wsm__sim_sides *sides, wsm__sim_side *side, wsm__sim_status to);
wsm__sim_ref *wsm__sim_ref_of(wsm__sim_side *side, const char *name, bool make);
const wsm__sim_value *wsm__sim_ref_last(const wsm__sim_side *side, const char *name); /* NULL: never set */
void wsm__sim_ref_set(wsm__sim_side *side, const char *name, uint64_t offset, const char *json, size_t len);
/* The value that is seen under a name in a sidebar, its own or one of the views; NULL: none. */
const wsm__sim_value *wsm__sim_ref_seen(const wsm__sim_sides *sides, const wsm__sim_side *side, const char *name,
                                        const wsm__sim_side **where);
/* The data references of a sidebar go to its parent. */
void wsm__sim_refs_merge(wsm__sim_sides *sides, const wsm__sim_side *side, uint64_t offset);
bool wsm__sim_waits_in_circle(const wsm__sim_sides *sides, const wsm__sim_side *side);

#endif
