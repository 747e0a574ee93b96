/* Who is there: agents by name, their connections as slots, and the order in which their presence last changed.
 *
 * Presence is soft state: each agent has one current frame and a version, and the agents stand in a list by version. A
 * connection that cannot take presence now only remembers the version it has seen; what it missed is the tail of the
 * list behind that, each agent once, its newest value. So nothing queues up and nothing is lost but what was overtaken.
 */
#ifndef WSM_LIB_ROUTE_REGISTRY_H
#define WSM_LIB_ROUTE_REGISTRY_H

#include "limits.h"
#include "util/bucket.h"
#include "util/heap.h"
#include "util/list.h"
#include "util/map.h"
#include "wire/frame.h"

#define WSM__AGENT_SLOTS 8u /* connections of one agent that are told apart; connections_per_agent is at most this */

/* The fields of presence, raw JSON each. */
typedef enum wsm__presence_field {
    WSM__PRESENCE_STATUS = 0,
    WSM__PRESENCE_CONTEXT,
    WSM__PRESENCE_SIDEBARS,
    WSM__PRESENCE_SPECIALTIES,
    WSM__PRESENCE_AVAILABILITY,
    WSM__PRESENCE_COLLABORATORS,
    WSM__PRESENCE_NOTE,
    WSM__PRESENCE_FIELDS
} wsm__presence_field;

typedef struct wsm__agent {
    uint8_t name_len;
    uint8_t slots_count;
    uint8_t actives; /* connections that may take part; only these make an agent present */
    bool present;    /* announced and not offline */
    wsm_kind kind;
    uint32_t number;  /* in the roster, UINT32_MAX: it has no card yet */
    uint64_t card_at; /* monotonic ms when its card was written last; 0: never */
    uint32_t slots[WSM__AGENT_SLOTS];
    wsm__bucket messages, deliveries, replay;
    wsm__heap_node timer; /* offline after the grace, then forgotten */
    wsm__heap_node soon;  /* a change of its presence waits for its turn */
    uint64_t told_at;     /* monotonic ms of its last announcement; 0: never */
    uint64_t told_mark;   /* hash of what that said */
    bool has_fields;      /* those that it came with are set */
    bool by_itself;       /* the change that waits was its own word */
    bool hands_over;      /* it went offline, and sidebars that it led may have no new coordinator yet */
    uint64_t idle_at;     /* monotonic ms since which it has no active connection */
    wsm__list in_order;   /* by version */
    uint64_t version;     /* 0: never announced */
    wsm__frame *frame;    /* its presence as last announced, while somebody lags behind it; else NULL */
    char *fields;         /* the raw values, one behind the other */
    uint32_t fields_len[WSM__PRESENCE_FIELDS];
    char name[];
} wsm__agent;

typedef struct wsm__registry {
    wsm__mem *mem;
    wsm__map agents;
    wsm__list order;
    uint64_t version;
    uint32_t present;
} wsm__registry;

void wsm__registry_init(wsm__registry *registry, wsm__mem *mem, const unsigned char seed[16]);
void wsm__registry_fini(wsm__registry *registry, wsm__heap *heap);

wsm__agent *wsm__registry_get(const wsm__registry *registry, wsm_slice name); /* NULL: not known */
wsm__agent *wsm__registry_take(wsm__registry *registry, wsm_slice name);      /* made if need be; NULL: no memory */
void wsm__registry_forget(wsm__registry *registry, wsm__agent *agent, wsm__heap *heap);
wsm_slice wsm__agent_name(const wsm__agent *agent);

bool wsm__agent_add(wsm__agent *agent, uint32_t slot); /* false: no room */
void wsm__agent_remove(wsm__agent *agent, uint32_t slot);

wsm_slice wsm__agent_field(const wsm__agent *agent, wsm__presence_field field); /* absent: none */
/* Replace all fields. 1: changed; 0: they are the same already; WSM_ERR_NOMEM: no effect. */
int wsm__agent_set_fields(wsm__registry *registry, wsm__agent *agent, const wsm_slice fields[WSM__PRESENCE_FIELDS]);

/* The agent's presence is now `frame` (a reference is taken): it moves to the end of the order with a new version. */
void wsm__registry_announce(wsm__registry *registry, wsm__agent *agent, wsm__frame *frame, bool present);
/* Nobody lags behind it: the frame is not needed until the next change. */
void wsm__registry_release_frame(wsm__agent *agent);
/* The agent whose presence changed next after `version`; NULL: none. */
wsm__agent *wsm__registry_changed_after(const wsm__registry *registry, uint64_t version);

#endif
