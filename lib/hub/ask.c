/* What a message or a record about sidebars says: fields to numbers, names to nodes. Nothing is judged here beyond
 * whether a name means anything. */
#include "hub/sides.h"
#include "util/clock.h"

void wsm__ask_of_command(wsm__ask *ask, wsm_hub *hub, const wsm__command *command) {
    const wsm__message *message = command->message;
    *ask = (wsm__ask){.hub = hub,
                      .command = command,
                      .type = message->type,
                      .sender = command->sender,
                      .who = command->agent ? command->agent->number : WSM__AGENT_HUB,
                      .offset = hub->records.applied,
                      .time_ms = hub->wall,
                      .has_priority = message->has_priority,
                      .priority = message->priority,
                      .coordinator = WSM__AGENT_NONE};
    if (!command->conn || (command->conn->identity.claims.can & WSM_CAN_ADMIN)) ask->may = WSM__MAY_EXCEED;
}

void wsm__ask_of_record(wsm__ask *ask, wsm_hub *hub, const wsm__fold *fold) {
    *ask = (wsm__ask){.hub = hub,
                      .body = fold->body,
                      .type = fold->head.type,
                      .sender = fold->head.sender,
                      .who = wsm__roster_find(&hub->roster, fold->head.sender),
                      .may = fold->head.may,
                      .offset = fold->offset,
                      .time_ms = fold->head.time_ms,
                      .has_priority = true,
                      .priority = fold->head.priority,
                      .coordinator = WSM__AGENT_NONE};
}

wsm__json_value wsm__ask_field(const wsm__ask *ask, const char *name) {
    size_t at = 0;
    wsm__json_member member;
    if (ask->command) {
        int idx = wsm__msg_field_idx(ask->type, name, WSM__MAY_UP);
        return idx < 0 ? (wsm__json_value){0} : ask->command->message->fields[idx];
    }
    while (wsm__json_next_member(ask->body, &at, &member))
        if (wsm__json_key_is(member.key, name)) return member.value;
    return (wsm__json_value){0};
}

bool wsm__ask_is(const wsm__ask *ask, const char *name, const char *word) {
    wsm__json_value value = wsm__ask_field(ask, name);
    return value.kind == WSM__JSON_STRING && wsm__json_string_is(value.raw, word);
}

/* An id in a room of its own; absent if it is no string or too long to be one. */
static wsm_slice id_in(wsm__json_value value, char *room, size_t cap) {
    long len = value.kind == WSM__JSON_STRING ? wsm__json_string_decode(value.raw, room, cap) : -1;
    return len < 0 ? wsm__slice(NULL, 0) : wsm__slice(room, (size_t)len);
}

static bool token_covers(const wsm__ask *ask, wsm_slice id) {
    const wsm_conn *conn = ask->command ? ask->command->conn : NULL;
    return !conn || wsm__identity_may_read(&conn->identity, id);
}

/* One that the asker may not know of is as one that is not there. */
wsm__side *wsm__ask_context(const wsm__ask *ask, wsm_slice id, const char *field, wsm__no *no) {
    wsm__context *context = id.ptr ? wsm__context_named(ask->hub, id) : NULL;
    wsm__side *side = context ? wsm__tree_of(&ask->hub->tree, context) : NULL;
    if (side && token_covers(ask, id) && wsm__tree_knows(&ask->hub->tree, side, ask->who)) return side;
    *no = wsm__rights_unknown(field);
    return NULL;
}

wsm__side *wsm__ask_side(const wsm__ask *ask, const char *field, wsm__no *no) {
    char room[WSM__CONTEXT_ID_MAX];
    wsm__json_value value = wsm__ask_field(ask, field);
    if (!value.kind || value.kind == WSM__JSON_NULL) return wsm__ask_context(ask, wsm__slice_str("main"), field, no);
    return wsm__ask_context(ask, id_in(value, room, sizeof room), field, no);
}

void wsm__ask_add_agent(wsm__ask *ask, uint32_t agent) {
    for (uint32_t i = 0; i < ask->agents_count; i++)
        if (ask->agents[i] == agent) return;
    if (agent < WSM__AGENT_HUB && ask->agents_count <= WSM__PARTICIPANTS_HARD) ask->agents[ask->agents_count++] = agent;
}

static uint32_t agent_of(const wsm__ask *ask, wsm__json_value value, const char *field, wsm__no *no) {
    char room[WSM__AGENT_ID_MAX];
    uint32_t agent = wsm__roster_find(&ask->hub->roster, id_in(value, room, sizeof room));
    if (agent < WSM__AGENT_HUB) return agent;
    *no = (wsm__no){WSM_ERR_UNKNOWN_AGENT, field, "no agent of that name has been here"};
    return WSM__AGENT_NONE;
}

bool wsm__ask_agents(wsm__ask *ask, const char *field, wsm__no *no) {
    size_t at = 0;
    wsm__json_value list = wsm__ask_field(ask, field), value;
    while (list.kind == WSM__JSON_ARRAY && wsm__json_next_element(list.raw, &at, &value)) {
        uint32_t agent = agent_of(ask, value, field, no);
        if (agent == WSM__AGENT_NONE) return false;
        wsm__ask_add_agent(ask, agent);
    }
    return true;
}

static bool begins(const wsm__ask *ask) {
    return ask->type == WSM__MSG_SIDEBAR_SPAWN || ask->type == WSM__MSG_SIDEBAR_CHILD_SPAWN;
}

/* Whether everybody who will read that name here may know it: the members, and who is invited with the history. */
static bool is_known_to_members(const wsm__ask *ask, const wsm__side *other) {
    const wsm__tree *tree = &ask->hub->tree;
    for (uint32_t i = 0; i < ask->agents_count; i++)
        if (!wsm__tree_knows(tree, other, ask->agents[i])) return false;
    for (const wsm__list *node = ask->side->members.next; node != &ask->side->members; node = node->next) {
        const wsm__member *member = WSM__CONTAINER(node, wsm__member, in_side);
        bool will_read = member->is_member || (member->invited == WSM__HISTORY_ALL && !begins(ask));
        if (will_read && !wsm__tree_knows(tree, other, member->agent)) return false;
    }
    return true;
}

/* Private sidebars are named only where all know them: else the record would give them away. */
static wsm__side *named_side(const wsm__ask *ask, wsm__json_value value, const char *field, wsm__no *no) {
    char room[WSM__CONTEXT_ID_MAX];
    wsm__side *side = wsm__ask_context(ask, id_in(value, room, sizeof room), field, no);
    bool is_one_too_many =
        side && side->is_hidden && !begins(ask) && !wsm__side_has_room_for_names(ask->side, ask->sides_count + 1);
    if (side && !is_one_too_many && is_known_to_members(ask, side)) return side;
    if (side && is_one_too_many)
        *no = (wsm__no){WSM_ERR_LIMIT, field, "its records name private sidebars as often as they may"};
    else if (side)
        *no = (wsm__no){WSM_ERR_FORBIDDEN, field, "a private sidebar is not named where some may not know of it"};
    return NULL;
}

bool wsm__ask_sides(wsm__ask *ask, const char *field, wsm__no *no) {
    size_t at = 0;
    wsm__json_value list = wsm__ask_field(ask, field), value;
    while (list.kind == WSM__JSON_ARRAY && wsm__json_next_element(list.raw, &at, &value) &&
           ask->sides_count < WSM__ASK_SIDES) {
        wsm__side *side = named_side(ask, value, field, no);
        if (!side) return false;
        ask->sides[ask->sides_count++] = side;
    }
    return true;
}

static wsm__json_value member_of(wsm__json_value value, const char *name) {
    return value.kind == WSM__JSON_OBJECT ? wsm__json_member_of(value.raw, name) : (wsm__json_value){0};
}

bool wsm__ask_inherit(wsm__ask *ask, wsm__no *no) {
    char room[16];
    wsm__json_value value = wsm__ask_field(ask, "inherit");
    if (!value.kind) return true;
    bool is_known = wsm__inherit_of(id_in(member_of(value, "mode"), room, sizeof room), &ask->inherit.mode);
    wsm__json_value n = member_of(value, "n"), depth = member_of(value, "depth");
    bool has_n = wsm__json_u64(n, UINT64_MAX, &ask->inherit.n);
    if (depth.kind) wsm__json_u64(depth, UINT64_MAX, &ask->inherit.depth);
    if (is_known && (ask->inherit.mode != WSM__INHERIT_LAST_N || has_n)) return true;
    *no = (wsm__no){WSM_ERR_BAD_MESSAGE, "inherit", "inherit: expected n with the mode last_n"};
    return false;
}

bool wsm__ask_condition(wsm__ask *ask, wsm__no *no) {
    wsm__condition *condition = &ask->condition;
    wsm__json_value object = wsm__ask_field(ask, "resume_condition"), value;
    if (object.kind != WSM__JSON_OBJECT) return true; /* a text is for people */
    if ((value = member_of(object, "sidebar")).kind) {
        condition->kind = WSM__WAKE_SIDEBAR;
        condition->side = named_side(ask, value, "resume_condition", no);
        if (condition->side && !wsm__side_is_main(condition->side)) return true;
        if (condition->side) *no = wsm__rights_unknown("resume_condition");
        return false;
    }
    if ((value = member_of(object, "time")).kind) {
        wsm_slice text = id_in(value, ask->room, sizeof ask->room);
        condition->kind = WSM__WAKE_TIME;
        if (text.ptr && wsm__time_parse(text.ptr, text.len, &condition->time_ms)) return true;
    } else if ((value = member_of(object, "mention")).kind) {
        condition->kind = WSM__WAKE_MENTION;
        condition->text = id_in(value, ask->room, sizeof ask->room);
        return agent_of(ask, value, "resume_condition", no) != WSM__AGENT_NONE;
    } else if ((value = member_of(object, "key")).kind) {
        condition->kind = WSM__WAKE_KEY;
        condition->text = id_in(value, ask->room, sizeof ask->room);
        if (condition->text.ptr) return true;
    }
    *no = (wsm__no){WSM_ERR_BAD_MESSAGE, "resume_condition", "resume_condition: expected one of its members"};
    return false;
}

bool wsm__ask_set(wsm__ask *ask, wsm__no *no) {
    wsm__json_value value = wsm__ask_field(ask, "value"), version = wsm__ask_field(ask, "if_version");
    ask->set.name = id_in(wsm__ask_field(ask, "name"), ask->room, sizeof ask->room);
    if (value.kind && value.kind != WSM__JSON_NULL) ask->set.value = value.raw;
    ask->set.has_if_version = version.kind && wsm__json_u64(version, UINT64_MAX, &ask->set.if_version);
    if (ask->set.name.ptr) return true;
    *no = (wsm__no){WSM_ERR_BAD_MESSAGE, "name", "name: expected a text"};
    return false;
}
