/* Whether what is asked for may be: rights, status, limits. The same for a command and for its record, so that what two
 * nodes have let pass is decided by the order of the log. */
#include "hub/sides.h"

static const wsm__no fine = {WSM_OK, NULL, NULL};

static wsm__no no(int err, const char *field, const char *why) {
    return (wsm__no){err, field, why};
}

/* The sidebar in `field`, if the asker may do `op` with it. */
static bool take_side(wsm__ask *ask, const char *field, wsm__op op, wsm__no *out) {
    ask->side = wsm__ask_side(ask, field, out);
    if (!ask->side) return false;
    *out = wsm__rights_no(&ask->hub->tree, ask->side, ask->who, op, field);
    return out->err == WSM_OK;
}

static void take_change(wsm__ask *ask, wsm__status to, const char *reason) {
    wsm__json_value version = wsm__ask_field(ask, "if_version"), text = wsm__ask_field(ask, reason);
    ask->change.to = to;
    ask->change.has_reason = text.kind == WSM__JSON_STRING && wsm__json_string_len(text.raw) > 0;
    ask->change.has_if_version = version.kind && wsm__json_u64(version, UINT64_MAX, &ask->change.if_version);
    ask->was = (wsm__status)ask->side->status;
}

wsm_priority wsm__ask_priority(const wsm__ask *ask, const wsm__side *side) {
    return ask->has_priority ? ask->priority : (wsm_priority)side->priority;
}

/* ---- beginning ------------------------------------------------------------------------------------------------------
 */

wsm__side *wsm__ask_fork_parent(const wsm__ask *ask) {
    wsm__side *parent = ask->side->parent;
    while (!wsm__side_is_main(parent) && !wsm__side_is_live(parent)) parent = parent->parent;
    return parent;
}

static wsm__no limits(const wsm__ask *ask, const wsm__side *parent, const char *members) {
    wsm__birth birth = {
        .parent = (wsm__side *)parent, .creator = ask->who, .agents_count = ask->agents_count, .time_ms = ask->time_ms};
    wsm__no out = wsm__tree_birth_no(&ask->hub->tree, &birth);
    if (out.field && strcmp(out.field, "participants") == 0) out.field = members;
    return out;
}

static wsm__no begin(wsm__ask *ask, const char *parent, const char *members) {
    wsm__no out = fine;
    char word[16];
    wsm__json_value value;
    if (!take_side(ask, parent, WSM__OP_SPAWN, &out)) return out;
    if (!wsm__side_is_main(ask->side) && ask->side->status != WSM__STATUS_ACTIVE &&
        ask->side->status != WSM__STATUS_SPAWNING_CHILD)
        return no(WSM_ERR_INVALID_TRANSITION, parent, "only an active sidebar has children spawned under it");
    wsm__ask_add_agent(ask, ask->who);
    if (!wsm__ask_agents(ask, members, &out)) return out;
    if (!wsm__side_is_main(ask->side) && ask->priority > (wsm_priority)ask->side->priority && ask->has_priority &&
        !(ask->may & WSM__MAY_EXCEED))
        return no(WSM_ERR_FORBIDDEN, "priority", "priority: above that of the parent");
    value = wsm__ask_field(ask, "coordinator_agent");
    if (value.kind == WSM__JSON_STRING) {
        char name[WSM__AGENT_ID_MAX];
        long len = wsm__json_string_decode(value.raw, name, sizeof name);
        ask->coordinator =
            len < 0 ? WSM__AGENT_NONE : wsm__roster_find(&ask->hub->roster, wsm__slice(name, (size_t)len));
        bool is_one = false;
        for (uint32_t i = 0; i < ask->agents_count; i++) is_one |= ask->agents[i] == ask->coordinator;
        if (!is_one) return no(WSM_ERR_BAD_MESSAGE, "coordinator_agent", "coordinator_agent: expected a participant");
    }
    if (!wsm__ask_sides(ask, "cross_sidebar_refs", &out) || !wsm__ask_inherit(ask, &out)) return out;
    ask->is_private = wsm__ask_is(ask, "visibility", "private");
    ask->is_reviewed = wsm__ask_is(ask, "merge_policy", "review");
    value = wsm__ask_field(ask, "conflict_policy");
    long len = value.kind == WSM__JSON_STRING ? wsm__json_string_decode(value.raw, word, sizeof word) : -1;
    if (len >= 0) wsm__policy_of(wsm__slice(word, (size_t)len), &ask->policy);
    return limits(ask, ask->side, members);
}

static wsm__no check_spawn(wsm__ask *ask) {
    return begin(ask, "parent_id", "participants");
}

static wsm__no check_child(wsm__ask *ask) {
    wsm__no out = begin(ask, "parent_sidebar_id", "assigned_agents");
    if (!out.err && wsm__side_is_main(ask->side))
        return no(WSM_ERR_BAD_MESSAGE, "parent_sidebar_id", "parent_sidebar_id: main is no sidebar");
    return out;
}

static wsm__no check_fork(wsm__ask *ask) {
    wsm__no out = fine;
    wsm__json_value at = wsm__ask_field(ask, "at_offset");
    if (!take_side(ask, "original_sidebar_id", WSM__OP_FORK, &out)) return out;
    ask->at_offset = ask->offset;
    if (at.kind) wsm__json_u64(at, UINT64_MAX, &ask->at_offset);
    if (ask->at_offset < ask->side->born || (ask->command && ask->at_offset > ask->offset))
        return no(WSM_ERR_BAD_MESSAGE, "at_offset", "at_offset: the original knew nothing then, or will only then");
    if (ask->command && at.kind && ask->who != WSM__AGENT_HUB &&
        !wsm__tree_sees(&ask->hub->tree, ask->side, ask->who, ask->at_offset))
        return no(WSM_ERR_FORBIDDEN, "at_offset", "at_offset: you did not belong to it then");
    wsm__ask_add_agent(ask, ask->who);
    if (wsm__ask_field(ask, "participants").kind) {
        if (!wsm__ask_agents(ask, "participants", &out)) return out;
    } else {
        for (wsm__member *m = wsm__side_first_member(ask->side); m; m = wsm__side_next_member(m))
            wsm__ask_add_agent(ask, m->agent);
    }
    return limits(ask, wsm__ask_fork_parent(ask), "participants");
}

/* ---- status ---------------------------------------------------------------------------------------------------------
 */

static wsm__no check_status(wsm__ask *ask) {
    char word[32];
    wsm__no out = fine;
    wsm__json_value value = wsm__ask_field(ask, "new_status");
    long len = value.kind == WSM__JSON_STRING ? wsm__json_string_decode(value.raw, word, sizeof word) : -1;
    wsm__status to = len < 0 ? WSM__STATUS_NONE : wsm__status_of(wsm__slice(word, (size_t)len));
    wsm__op op = to == WSM__STATUS_FAILED     ? WSM__OP_FAIL
                 : to == WSM__STATUS_ARCHIVED ? WSM__OP_ARCHIVE
                                              : WSM__OP_STATUS;
    if (!take_side(ask, "sidebar_id", op, &out)) return out;
    take_change(ask, to, "reason");
    if (to == WSM__STATUS_MERGED)
        return no(WSM_ERR_INVALID_TRANSITION, "new_status", "a sidebar is merged by sidebar_merge");
    return wsm__change_no(ask->side, &ask->change, "new_status");
}

static wsm__no check_pause(wsm__ask *ask) {
    wsm__no out = fine;
    if (!take_side(ask, "sidebar_id", WSM__OP_PAUSE, &out)) return out;
    take_change(ask, WSM__STATUS_PAUSED, "reason");
    out = wsm__change_no(ask->side, &ask->change, "sidebar_id");
    if (out.err || !wsm__ask_condition(ask, &out)) return out;
    return fine;
}

static wsm__no check_resume(wsm__ask *ask) {
    wsm__no out = fine;
    if (!take_side(ask, "sidebar_id", WSM__OP_RESUME, &out)) return out;
    take_change(ask, wsm__side_resumes_to(ask->side), "reason");
    if (ask->change.to == WSM__STATUS_NONE)
        return no(WSM_ERR_INVALID_TRANSITION, "sidebar_id", "only a paused sidebar is resumed");
    return wsm__change_no(ask->side, &ask->change, "sidebar_id");
}

static wsm__no check_archive(wsm__ask *ask) {
    wsm__no out = fine;
    if (!take_side(ask, "sidebar_id", WSM__OP_ARCHIVE, &out)) return out;
    take_change(ask, WSM__STATUS_ARCHIVED, "archive_reason");
    bool is_idle = ask->who == WSM__AGENT_HUB && ask->side->status != WSM__STATUS_ARCHIVED;
    if (is_idle && !ask->change.has_if_version) return fine; /* the host puts away whatever stands around */
    return wsm__change_no(ask->side, &ask->change, "sidebar_id");
}

static wsm__no check_waiting(wsm__ask *ask) {
    char word[32];
    wsm__no out = fine;
    wsm__json_value value = wsm__ask_field(ask, "waiting_for");
    long len = value.kind == WSM__JSON_STRING ? wsm__json_string_decode(value.raw, word, sizeof word) : -1;
    if (!take_side(ask, "sidebar_id", WSM__OP_WAIT, &out)) return out;
    if (len >= 0) ask->waiting_for = wsm__waiting_of(wsm__slice(word, (size_t)len));
    take_change(ask, WSM__STATUS_WAITING, "description");
    if (ask->was == WSM__STATUS_WAITING) { /* it waits for something else from now on */
        if (ask->change.has_if_version && ask->change.if_version != ask->side->version)
            return no(WSM_ERR_CONFLICT, "if_version", "if_version: the status has another version");
    } else {
        out = wsm__change_no(ask->side, &ask->change, "sidebar_id");
        if (out.err) return out;
    }
    if (ask->waiting_for == WSM__WAITING_SIDEBAR && !wsm__ask_sides(ask, "dependency_refs", &out)) return out;
    return fine;
}

static wsm__no ended(const wsm__ask *ask, const char *field) {
    if (wsm__side_is_live(ask->side) || ask->who == WSM__AGENT_HUB) return fine;
    return no(WSM_ERR_INVALID_TRANSITION, field, "the sidebar has ended");
}

static wsm__no check_test(wsm__ask *ask) {
    wsm__no out = fine;
    return take_side(ask, "sidebar_id", WSM__OP_TEST, &out) ? ended(ask, "sidebar_id") : out;
}

/* What only the hub says. */
static wsm__no check_hubs_own(wsm__ask *ask) {
    wsm__no out = fine;
    if (ask->who != WSM__AGENT_HUB) return no(WSM_ERR_FORBIDDEN, "type", "only the hub says that");
    return take_side(ask, "sidebar_id", WSM__OP_STATUS, &out) ? fine : out;
}

static wsm__no check_coordinator(wsm__ask *ask) {
    wsm__no out = check_hubs_own(ask);
    char name[WSM__AGENT_ID_MAX];
    wsm__json_value value = wsm__ask_field(ask, "coordinator_agent");
    if (out.err) return out;
    long len = value.kind == WSM__JSON_STRING ? wsm__json_string_decode(value.raw, name, sizeof name) : -1;
    if (len >= 0) ask->coordinator = wsm__roster_find(&ask->hub->roster, wsm__slice(name, (size_t)len));
    if (len >= 0 && !wsm__side_has(ask->side, ask->coordinator))
        return no(WSM_ERR_CONFLICT, "coordinator_agent", "coordinator_agent: is no member any longer");
    return fine;
}

/* ---- members --------------------------------------------------------------------------------------------------------
 */

/* Whom it is about: those in agent_ids, or the sender. Only the host speaks for others. */
static bool take_subjects(wsm__ask *ask, wsm__no *out) {
    if (!wsm__ask_agents(ask, "agent_ids", out)) return false;
    if (ask->agents_count == 0 && ask->who == WSM__AGENT_HUB) {
        *out = no(WSM_ERR_BAD_MESSAGE, "agent_ids", "agent_ids: expected from the host");
        return false;
    }
    if (ask->agents_count == 0) wsm__ask_add_agent(ask, ask->who);
    if (ask->who == WSM__AGENT_HUB || (ask->agents_count == 1 && ask->agents[0] == ask->who)) return true;
    *out = no(WSM_ERR_FORBIDDEN, "agent_ids", "agent_ids: an agent speaks for itself here");
    return false;
}

/* The history is granted by who may read it himself, and to those who may read every name in it. */
static wsm__no check_history(const wsm__ask *ask) {
    const wsm__tree *tree = &ask->hub->tree;
    if (ask->history != WSM__HISTORY_ALL) return fine;
    for (uint32_t i = 0; i < ask->agents_count; i++)
        if (wsm__side_has_secrets(tree, ask->side, ask->agents[i]))
            return no(WSM_ERR_FORBIDDEN, "history", "history: it names a private sidebar that not all may know of");
    return fine;
}

static wsm__no check_join(wsm__ask *ask) {
    wsm__no out = fine;
    uint32_t most = ask->hub->tree.limits.participants_max;
    if (!take_side(ask, "sidebar_id", WSM__OP_JOIN, &out) || !take_subjects(ask, &out)) return out;
    bool wants_all = wsm__ask_is(ask, "history", "all");
    ask->history = wants_all ? WSM__HISTORY_ALL : WSM__HISTORY_SINCE;
    for (uint32_t i = 0; i < ask->agents_count; i++) {
        const wsm__member *member = wsm__side_member(ask->side, ask->agents[i]);
        if (member && member->is_member) return no(WSM_ERR_CONFLICT, "sidebar_id", "a member of it already");
        if (wants_all && ask->who != WSM__AGENT_HUB && (!member || member->invited != WSM__HISTORY_ALL))
            return no(WSM_ERR_FORBIDDEN, "history", "history: all needs an invitation that says so");
    }
    if (most && (ask->side->members_count + ask->agents_count > most || ask->side->by_agent.count >= 16 * most))
        return no(WSM_ERR_LIMIT, "sidebar_id", "it has as many members as a sidebar may have");
    return ask->who == WSM__AGENT_HUB ? check_history(ask) : fine; /* else it was checked with the invitation */
}

static wsm__no check_leave(wsm__ask *ask) {
    wsm__no out = fine;
    if (!take_side(ask, "sidebar_id", WSM__OP_LEAVE, &out) || !take_subjects(ask, &out)) return out;
    return fine;
}

static wsm__no check_invite(wsm__ask *ask) {
    wsm__no out = fine;
    if (!take_side(ask, "sidebar_id", WSM__OP_INVITE, &out) || !wsm__ask_agents(ask, "agent_ids", &out)) return out;
    ask->history = wsm__ask_is(ask, "history", "all") ? WSM__HISTORY_ALL : WSM__HISTORY_SINCE;
    uint32_t most = ask->hub->tree.limits.participants_max;
    if (most && ask->side->by_agent.count + ask->agents_count > 4 * most) /* members that were, and the invited */
        return no(WSM_ERR_LIMIT, "agent_ids", "agent_ids: more than a sidebar may know");
    bool has_all = ask->who == WSM__AGENT_HUB || wsm__tree_sees(&ask->hub->tree, ask->side, ask->who, ask->side->born);
    if (ask->history == WSM__HISTORY_ALL && !has_all) /* nor is he told what stands in it */
        return no(WSM_ERR_FORBIDDEN, "history", "history: who may not read all of it does not grant all of it");
    return check_history(ask);
}

static wsm__no check_remove(wsm__ask *ask) {
    wsm__no out = fine;
    if (!take_side(ask, "sidebar_id", WSM__OP_REMOVE, &out) || !wsm__ask_agents(ask, "agent_ids", &out)) return out;
    for (uint32_t i = 0; i < ask->agents_count; i++) {
        const wsm__member *member = wsm__side_member(ask->side, ask->agents[i]);
        if (!member || (!member->is_member && !member->invited))
            return no(WSM_ERR_NOT_FOUND, "agent_ids", "agent_ids: one is neither a member nor invited");
    }
    return fine;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------
 */

static wsm__no check_data_ref(wsm__ask *ask) {
    wsm__no out = fine;
    char room[WSM__CONTEXT_ID_MAX];
    wsm_slice id = ask->command ? ask->command->message->context_id : wsm__slice(NULL, 0);
    if (!ask->command) {
        wsm__json_value value = wsm__ask_field(ask, "context_id");
        long len = value.kind == WSM__JSON_STRING ? wsm__json_string_decode(value.raw, room, sizeof room) : -1;
        if (len >= 0) id = wsm__slice(room, (size_t)len);
    }
    ask->side = wsm__ask_context(ask, id, "context_id", &out);
    if (!ask->side) return out;
    out = wsm__rights_no(&ask->hub->tree, ask->side, ask->who, WSM__OP_DATA_REF, "context_id");
    if (!out.err) out = ended(ask, "context_id");
    if (out.err || !wsm__ask_set(ask, &out)) return out;
    return wsm__refs_no(&ask->hub->tree, ask->side, &ask->set);
}

static wsm__no check_merge(wsm__ask *ask) {
    wsm__no out = fine;
    if (!take_side(ask, "sidebar_id", WSM__OP_MERGE, &out)) return out;
    take_change(ask, WSM__STATUS_MERGED, "sidebar_id");
    if (ask->change.has_if_version && ask->change.if_version != ask->side->version)
        return no(WSM_ERR_CONFLICT, "if_version", "if_version: the status has another version");
    return wsm__merge_no(&ask->hub->tree, ask->side, ask->who);
}

/* Offsets in a decision are of updates that the merge has offered. */
static wsm__no check_offered(const wsm__ask *ask, const char *field) {
    size_t at = 0;
    wsm__json_value list = wsm__ask_field(ask, field), value;
    while (list.kind == WSM__JSON_ARRAY && wsm__json_next_element(list.raw, &at, &value)) {
        uint64_t offset = 0;
        if (wsm__json_u64(value, UINT64_MAX, &offset) && wsm__merge_offers(ask->side, offset)) continue;
        return no(WSM_ERR_NOT_FOUND, field, "an offset that the merge does not offer");
    }
    return fine;
}

static wsm__no check_decision(wsm__ask *ask) {
    wsm__no out = fine;
    if (!take_side(ask, "sidebar_id", WSM__OP_DECIDE, &out)) return out;
    wsm__json_value accept = wsm__ask_field(ask, "accept"), first;
    size_t at = 0;
    ask->takes_none = wsm__ask_is(ask, "accept", "none") ||
                      (accept.kind == WSM__JSON_ARRAY && !wsm__json_next_element(accept.raw, &at, &first));
    ask->was = (wsm__status)ask->side->status;
    out = wsm__merge_decision_no(ask->side);
    if (!out.err) out = check_offered(ask, "accept");
    return out.err ? out : check_offered(ask, "refuse");
}

static const struct row {
    wsm__msg_type type;
    wsm__no (*check)(wsm__ask *ask);
} rows[] = {
    {WSM__MSG_SIDEBAR_SPAWN, check_spawn},
    {WSM__MSG_SIDEBAR_CHILD_SPAWN, check_child},
    {WSM__MSG_SIDEBAR_FORK, check_fork},
    {WSM__MSG_SIDEBAR_STATUS_UPDATE, check_status},
    {WSM__MSG_SIDEBAR_PAUSE, check_pause},
    {WSM__MSG_SIDEBAR_RESUME, check_resume},
    {WSM__MSG_SIDEBAR_ARCHIVE, check_archive},
    {WSM__MSG_SIDEBAR_WAITING_UPDATE, check_waiting},
    {WSM__MSG_SIDEBAR_TEST_RESULT, check_test},
    {WSM__MSG_SIDEBAR_JOIN, check_join},
    {WSM__MSG_SIDEBAR_LEAVE, check_leave},
    {WSM__MSG_SIDEBAR_INVITE, check_invite},
    {WSM__MSG_SIDEBAR_REMOVE, check_remove},
    {WSM__MSG_SIDEBAR_MERGE, check_merge},
    {WSM__MSG_SIDEBAR_MERGE_DECISION, check_decision},
    {WSM__MSG_DATA_REF, check_data_ref},
    {WSM__MSG_SIDEBAR_COORDINATOR, check_coordinator},
    {WSM__MSG_SIDEBAR_IDLE_WARNING, check_hubs_own},
};

wsm__no wsm__ask_check(wsm__ask *ask) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].type == ask->type) return rows[i].check(ask);
    return no(WSM_ERR_UNSUPPORTED, "type", NULL);
}
