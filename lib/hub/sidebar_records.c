/* What every record of a context does to its node: it is counted, and it may be what a paused sidebar waits for. */
#include "hub/sides.h"

/* ---- updates --------------------------------------------------------------------------------------------------------
 */

int wsm__side_update_prepare(wsm_hub *hub, wsm__fold *fold) {
    const wsm__side *side = fold->context ? wsm__tree_of(&hub->tree, fold->context) : NULL;
    uint32_t who = wsm__roster_find(&hub->roster, fold->head.sender);
    wsm__no no = wsm__rights_unknown("context_id");
    if (side && wsm__side_is_main(side)) return WSM_OK; /* of an agent that has no card yet, too */
    if (side) no = wsm__rights_no(&hub->tree, side, who, WSM__OP_PUBLISH, "context_id");
    if (!no.err && !wsm__side_is_live(side) && who != WSM__AGENT_HUB)
        no = (wsm__no){WSM_ERR_INVALID_TRANSITION, "context_id", "the sidebar has ended"};
    fold->refusal = no.err;
    fold->field = no.field;
    fold->why = no.why;
    return WSM_OK;
}

/* A key that somebody waits for. */
void wsm__side_update_commit(wsm_hub *hub, wsm__fold *fold) {
    char key[WSM__CONTEXT_ID_MAX];
    size_t at = 0;
    long len = -1;
    wsm__json_member member;
    const wsm__side *where = wsm__tree_of(&hub->tree, fold->context);
    if (!wsm__waits_next(&hub->tree, NULL)) return;
    while (len < 0 && wsm__json_next_member(fold->body, &at, &member))
        if (wsm__json_key_is(member.key, "key")) len = wsm__json_string_decode(member.value.raw, key, sizeof key);
    if (len < 0) return;
    for (wsm__side *side = wsm__waits_next(&hub->tree, NULL); side; side = wsm__waits_next(&hub->tree, side)) {
        if (!wsm__wake_is_met_by_key(side, where, wsm__slice(key, (size_t)len))) continue;
        side->is_woken = true;
        wsm__side_look_soon(hub, side);
    }
}

void wsm__side_archived_commit(wsm_hub *hub, wsm__fold *fold) {
    wsm__side *side = wsm__tree_of(&hub->tree, fold->context);
    if (side && wsm__slice_is(fold->head.sender, "hub")) side->is_to_be_told = false;
}

static void mentioned(wsm_hub *hub, const wsm__side *where, wsm_slice agent_id) {
    for (wsm__side *side = wsm__waits_next(&hub->tree, NULL); side; side = wsm__waits_next(&hub->tree, side)) {
        if (side != where || !wsm__wake_is_met_by_mention(side, agent_id)) continue;
        side->is_woken = true;
        wsm__side_look_soon(hub, side);
    }
}

/* In the sidebar: by an update that was stored there, or by a mention that is about it. */
void wsm__side_mentions_commit(wsm_hub *hub, const wsm__fold *fold) {
    char room[WSM__CONTEXT_ID_MAX];
    size_t at = 0;
    wsm_slice name;
    wsm__json_member member;
    wsm__json_value value;
    const wsm__context *context = fold->context;
    if (!fold->head.to.ptr || !wsm__waits_next(&hub->tree, NULL)) return;
    if (fold->head.type != WSM__MSG_MENTION_ROUTE && fold->head.type != WSM__MSG_MEMORY_UPDATE) return;
    while (fold->head.type == WSM__MSG_MENTION_ROUTE && wsm__json_next_member(fold->body, &at, &member)) {
        if (!wsm__json_key_is(member.key, "sidebar_id")) continue;
        long len = wsm__json_string_decode(member.value.raw, room, sizeof room);
        context = len < 0 ? NULL : wsm__context_named(hub, wsm__slice(room, (size_t)len));
    }
    const wsm__side *where = context ? wsm__tree_of(&hub->tree, context) : NULL;
    at = 0;
    while (where && wsm__json_next_element(fold->head.to, &at, &value))
        if (wsm__json_string_is_plain(value.raw, &name)) mentioned(hub, where, name);
}

/* ---- every record ---------------------------------------------------------------------------------------------------
 */

/* Only what the log's store still has. */
static void put_away(wsm_hub *hub, wsm__side *side) {
    if (hub->log.read) wsm__log_release(&hub->records, side->context);
}

int wsm__side_count_prepare(wsm_hub *hub, wsm__fold *fold) {
    wsm__side *side = fold->context ? wsm__tree_of(&hub->tree, fold->context) : NULL;
    return side ? wsm__side_note_prepare(&hub->tree, side) : WSM_OK; /* a new one has room for its first */
}

void wsm__side_count_commit(wsm_hub *hub, const wsm__fold *fold) {
    wsm__side *side = fold->context ? wsm__tree_of(&hub->tree, fold->context) : NULL;
    if (!side) return;
    int64_t active_ms = side->active_ms;
    bool is_warning = fold->head.type == WSM__MSG_SIDEBAR_IDLE_WARNING;
    size_t bytes = wsm__record_message_len(fold->head.type, fold->offset, 0, fold->body); /* as views show it */
    wsm__side_note(side, fold->offset, fold->head.time_ms, bytes);
    if (is_warning) { /* says that nothing happened, and is nothing that happened */
        side->active_ms = active_ms;
        side->is_warned = true;
    }
    if (side->status == WSM__STATUS_ARCHIVED) put_away(hub, side);
}
