/* Who may do what with a sidebar, as one table. An agent is often several things at once; one that may is enough. */
#ifndef WSM_LIB_SIDEBAR_RIGHTS_H
#define WSM_LIB_SIDEBAR_RIGHTS_H

#include "sidebar/tree.h"

/* What somebody is to a sidebar; bits. */
typedef enum wsm__role {
    WSM__ROLE_HOST = 1,        /* the hub, and the host that speaks for it */
    WSM__ROLE_COORDINATOR = 2, /* leads; where nobody does, every member */
    WSM__ROLE_MEMBER = 4,
    WSM__ROLE_INVITED = 8,
    WSM__ROLE_PARENT_MEMBER = 16, /* of the context above */
    WSM__ROLE_OUTSIDER = 32,      /* knows that it exists, nothing more */
    WSM__ROLE_STRANGER = 64       /* may not even know that */
} wsm__role;

typedef enum wsm__op {
    WSM__OP_READ = 0, /* its records, its snapshot */
    WSM__OP_PUBLISH,
    WSM__OP_DATA_REF,
    WSM__OP_TEST,
    WSM__OP_WAIT,
    WSM__OP_LEAVE,
    WSM__OP_FORK,
    WSM__OP_SPAWN, /* a sidebar under it */
    WSM__OP_JOIN,
    WSM__OP_INVITE,
    WSM__OP_REMOVE,
    WSM__OP_PAUSE,
    WSM__OP_RESUME,
    WSM__OP_STATUS,
    WSM__OP_FAIL,
    WSM__OP_MERGE,
    WSM__OP_DECIDE, /* on a merge that waits for review */
    WSM__OP_ARCHIVE,
    WSM__OP_COUNT
} wsm__op;

unsigned wsm__roles_of(const wsm__tree *tree, const wsm__side *side, uint32_t agent); /* bits of wsm__role */
bool wsm__roles_may(unsigned roles, wsm__op op);

/* not_found for a stranger, the very answer to an id that does not exist; forbidden; or nothing. `field` names the
 * sidebar in the message, NULL is "sidebar_id". On main everybody may read, publish, set references and spawn. */
wsm__no wsm__rights_no(const wsm__tree *tree, const wsm__side *side, uint32_t agent, wsm__op op, const char *field);
wsm__no wsm__rights_unknown(const char *field); /* the answer to an id that does not exist */

#endif
