/* The table of rights, and what an agent is to a sidebar. */
#include "sidebar/rights.h"

#include "wsm/error.h"

#define H WSM__ROLE_HOST
#define C WSM__ROLE_COORDINATOR
#define M WSM__ROLE_MEMBER
#define I WSM__ROLE_INVITED
#define P WSM__ROLE_PARENT_MEMBER

static const unsigned table[WSM__OP_COUNT] = {
    [WSM__OP_READ] = H | C | M,     [WSM__OP_PUBLISH] = H | C | M,
    [WSM__OP_DATA_REF] = H | C | M, [WSM__OP_TEST] = H | C | M,
    [WSM__OP_WAIT] = H | C | M,     [WSM__OP_LEAVE] = H | C | M | I, /* the invited decline */
    [WSM__OP_FORK] = H | C | M,     [WSM__OP_SPAWN] = H | C | M,
    [WSM__OP_JOIN] = H | I | P, /* the parent's members only while it is open: see wsm__rights_no */
    [WSM__OP_INVITE] = H | C,       [WSM__OP_REMOVE] = H | C,
    [WSM__OP_PAUSE] = H | C,        [WSM__OP_RESUME] = H | C,
    [WSM__OP_STATUS] = H | C,       [WSM__OP_FAIL] = H | C,
    [WSM__OP_MERGE] = H | C,        [WSM__OP_DECIDE] = H | P,
    [WSM__OP_ARCHIVE] = H | C,
};

#undef H
#undef C
#undef M
#undef I
#undef P

unsigned wsm__roles_of(const wsm__tree *tree, const wsm__side *side, uint32_t agent) {
    unsigned roles = 0;
    if (agent == WSM__AGENT_HUB) return WSM__ROLE_HOST;
    if (wsm__side_is_main(side)) return WSM__ROLE_MEMBER;
    const wsm__member *member = wsm__side_member(side, agent);
    if (member && member->is_member) {
        roles |= WSM__ROLE_MEMBER;
        if (side->coordinator == agent || side->coordinator == WSM__AGENT_NONE) roles |= WSM__ROLE_COORDINATOR;
    }
    if (member && member->invited) roles |= WSM__ROLE_INVITED;
    if (!wsm__tree_knows(tree, side, agent)) return WSM__ROLE_STRANGER;
    if (wsm__side_has(side->parent, agent)) roles |= WSM__ROLE_PARENT_MEMBER;
    return roles ? roles : WSM__ROLE_OUTSIDER;
}

bool wsm__roles_may(unsigned roles, wsm__op op) {
    return (table[op] & roles) != 0;
}

wsm__no wsm__rights_unknown(const char *field) {
    /* for one field one sentence: it must not tell what does not exist from what the asker may not know of */
    if (!field) field = "sidebar_id";
    bool is_sidebar = strcmp(field, "sidebar_id") == 0, is_context = strcmp(field, "context_id") == 0;
    const char *why = is_sidebar   ? "sidebar_id: there is no such context"
                      : is_context ? "context_id: there is no such context"
                                   : "there is no such context";
    return (wsm__no){WSM_ERR_NOT_FOUND, field, why};
}

static wsm__no forbidden(const char *field, const char *why) {
    return (wsm__no){WSM_ERR_FORBIDDEN, field, why};
}

wsm__no wsm__rights_no(const wsm__tree *tree, const wsm__side *side, uint32_t agent, wsm__op op, const char *field) {
    unsigned roles = wsm__roles_of(tree, side, agent);
    if (!field) field = "sidebar_id";
    if (roles == WSM__ROLE_STRANGER) return wsm__rights_unknown(field);
    if (wsm__side_is_main(side)) {
        if (op <= WSM__OP_DATA_REF || op == WSM__OP_SPAWN) return (wsm__no){WSM_OK, NULL, NULL};
        return (wsm__no){WSM_ERR_BAD_MESSAGE, field, "main is no sidebar"};
    }
    if (op == WSM__OP_JOIN && side->is_private && !(roles & (WSM__ROLE_HOST | WSM__ROLE_INVITED | WSM__ROLE_MEMBER)))
        return forbidden(field, "a private sidebar is joined by invitation");
    if (op == WSM__OP_JOIN && (roles & WSM__ROLE_MEMBER)) return (wsm__no){WSM_OK, NULL, NULL}; /* it is one already */
    if (wsm__roles_may(roles, op)) return (wsm__no){WSM_OK, NULL, NULL};
    if (op == WSM__OP_DECIDE) return forbidden(field, "only members of the parent decide that");
    if (roles & WSM__ROLE_MEMBER) return forbidden(field, "only the coordinator may do that");
    return forbidden(field, "only members may do that");
}
