/* Commands about mentions: mention_route calls agents, mention_ack says how far one is; and what time does to both. */
#include "hub/mentions.h"

#define AGAIN_MS 10000 /* an end whose append may have failed is written once more */

static const wsm__origin nobody = {.kind = WSM__ORIGIN_NONE};
static const char too_often[] = "target_agents: called too often, or by too long a chain of messages";

/* ---- mention_route --------------------------------------------------------------------------------------------------
 */

/* What it is about: a sidebar that the sender takes part in, or main. False: answered, or parked. */
static bool find_side(wsm_hub *hub, const wsm__command *command, wsm__side **side) {
    wsm__json_value id = wsm__message_field(command->message, "sidebar_id");
    wsm__no no = {WSM_OK, NULL, NULL};
    wsm__ask ask;
    if (wsm__park(hub, command, NULL)) return false;
    wsm__ask_of_command(&ask, hub, command);
    *side = id.kind ? wsm__ask_side(&ask, "sidebar_id", &no) : hub->tree.main;
    if (*side && !wsm__side_is_main(*side) && ask.who != WSM__ROSTER_HUB && !wsm__side_has(*side, ask.who))
        no = (wsm__no){WSM_ERR_FORBIDDEN, "sidebar_id", "sidebar_id: only its members mention somebody in it"};
    if (!no.err) return true;
    wsm__side_refuse(hub, command, &no);
    return false;
}

static void name_targets(wsm__callees *callees, wsm__json_value targets) {
    size_t at = 0;
    wsm_slice name;
    wsm__json_value value;
    while (wsm__json_next_element(targets.raw, &at, &value))
        if (wsm__json_string_is_plain(value.raw, &name)) wsm__callees_name(callees, name);
}

/* Everything that was said; the priority stands in the envelope already. */
static void put_body(wsm_hub *hub, const wsm__command *command, const wsm__record_head *head, wsm__json_out *out) {
    const wsm__message *message = command->message;
    const wsm__msg_row *type = wsm__msg_row_of(message->type);
    wsm__submit_open(hub, message, head, out);
    for (size_t i = 0; i < type->fields_count; i++)
        if (message->fields[i].kind && (type->fields[i].need & WSM__MAY_UP) &&
            strcmp(type->fields[i].name, "priority") != 0)
            wsm__json_raw(out, type->fields[i].name, message->fields[i].raw);
}

static void append_mention(wsm_hub *hub, const wsm__command *command, wsm__record_head *head,
                           const wsm__callees *callees) {
    wsm__json_out out;
    wsm__buf to, result;
    wsm__buf_init(&to, &hub->mem, 0);
    wsm__buf_init(&result, &hub->mem, 0);
    wsm__callees_put(callees, &to);
    wsm__buf_puts(&result, "{\"targets\":");
    wsm__buf_put(&result, callees->answer.ptr, callees->answer.len);
    wsm__buf_puts(&result, "}}");
    head->to = wsm__slice(to.ptr, to.len);
    head->result = wsm__slice(result.ptr, result.len);
    if (to.err || result.err) {
        wsm__answer_error(hub, command->origin, WSM_ERR_NOMEM, NULL, NULL);
    } else {
        put_body(hub, command, head, &out);
        wsm__submit_close(hub, head, &out, command->origin);
    }
    wsm__buf_fini(&to);
    wsm__buf_fini(&result);
}

static void refuse_all(wsm_hub *hub, const wsm__command *command, const wsm__callees *callees) {
    bool is_often = callees->err == WSM_ERR_LOOP_GUARD;
    wsm__verdict verdict = {.err = callees->err ? callees->err : WSM_ERR_UNKNOWN_AGENT,
                            .field = "target_agents",
                            .message = is_often ? too_often : NULL,
                            .retry_after_ms = is_often ? callees->wait_ms : 0};
    wsm__answer(hub, command->origin, &verdict);
}

void wsm__mention_submit(wsm_hub *hub, const wsm__command *command) {
    wsm__side *side;
    wsm__record_head head;
    wsm__callees callees;
    if (!wsm__submit_begin(hub, command, &head)) return;
    if (!find_side(hub, command, &side)) return;
    int err = wsm__submit_room(hub, command->text.len);
    if (err) {
        wsm__answer_error(hub, command->origin, err, NULL, NULL);
        return;
    }
    head.context_id = wsm__slice_str(WSM__MAIL);
    wsm__json_value priority = wsm__message_field(command->message, "priority");
    bool is_urgent = priority.kind && wsm__json_string_is(priority.raw, "urgent");
    head.priority = is_urgent ? WSM_PRIORITY_URGENT : WSM_PRIORITY_NORMAL;
    wsm__callees_init(&callees, hub, command, side, head.hop);
    name_targets(&callees, wsm__message_field(command->message, "target_agents"));
    if (callees.answer.err)
        wsm__answer_error(hub, command->origin, callees.answer.err, NULL, NULL);
    else if (callees.count == 0)
        refuse_all(hub, command, &callees);
    else
        append_mention(hub, command, &head, &callees);
    wsm__callees_fini(&callees);
}

/* ---- mention_ack ----------------------------------------------------------------------------------------------------
 */

static bool uuid_field(wsm__json_value value, unsigned char id[16]) {
    wsm_slice text;
    return value.kind == WSM__JSON_STRING && wsm__json_string_is_plain(value.raw, &text) &&
           wsm__uuid_parse(text.ptr, text.len, id);
}

/* The open delivery to `target` that an answer means: ids are of their senders' choosing, so it may say whose. */
static wsm__delivery *delivery_field(const wsm_hub *hub, wsm__json_value mention, wsm__json_value mention_sender,
                                     uint32_t target) {
    unsigned char id[16];
    wsm_slice name;
    uint32_t sender = WSM__LEDGER_ANYONE;
    if (!uuid_field(mention, id)) return NULL;
    if (mention_sender.kind == WSM__JSON_STRING && wsm__json_string_is_plain(mention_sender.raw, &name)) {
        sender = wsm__roster_find(&hub->roster, name);
        if (sender == WSM__ROSTER_NONE) return NULL;
    }
    return wsm__ledger_find(&hub->ledger, id, target, sender);
}

static wsm__delivery_state state_field(wsm__json_value value) {
    wsm_slice word;
    if (value.kind != WSM__JSON_STRING || !wsm__json_string_is_plain(value.raw, &word)) return WSM__DELIVERY_NONE;
    return wsm__slice_is(word, "lease_ended") ? WSM__DELIVERY_QUEUED : wsm__delivery_state_of(word);
}

/* The record says whose mention it is, so that it means the same one whatever comes before it. */
static void put_answer(wsm_hub *hub, const wsm__command *command, const wsm__record_head *head,
                       const wsm__delivery *delivery, wsm__json_out *out) {
    put_body(hub, command, head, out);
    if (!wsm__message_field(command->message, "mention_sender").kind && delivery->sender != WSM__ROSTER_NONE)
        wsm__json_str(out, "mention_sender", wsm__roster_name(&hub->roster, delivery->sender));
}

void wsm__mention_ack_submit(wsm_hub *hub, const wsm__command *command) {
    wsm__record_head head;
    wsm__json_out out;
    const wsm__message *message = command->message;
    if (!wsm__submit_begin(hub, command, &head)) return;
    if (wsm__park(hub, command, NULL)) return;
    uint32_t target = wsm__roster_find(&hub->roster, command->sender);
    const wsm__delivery *delivery = delivery_field(hub, wsm__message_field(message, "mention_id"),
                                                   wsm__message_field(message, "mention_sender"), target);
    if (!delivery) {
        wsm__answer_error(hub, command->origin, WSM_ERR_NOT_FOUND, "mention_id",
                          "mention_id: no open delivery of that mention");
        return;
    }
    if (!wsm__ledger_may(delivery, state_field(wsm__message_field(message, "state")))) {
        wsm__answer_error(hub, command->origin, WSM_ERR_INVALID_TRANSITION, "state", NULL);
        return;
    }
    head.context_id = wsm__slice_str(WSM__MAIL);
    put_answer(hub, command, &head, delivery, &out);
    wsm__submit_close(hub, &head, &out, command->origin);
}

/* ---- what time does -------------------------------------------------------------------------------------------------
 */

static void append_end(wsm_hub *hub, const wsm__delivery *delivery) {
    char id[WSM__UUID_LEN];
    wsm__json_out out;
    bool works = delivery->state == WSM__DELIVERY_WORKING;
    wsm__record_head head = {.type = WSM__MSG_MENTION_ACK,
                             .sender = wsm__slice_str("hub"),
                             .context_id = wsm__slice_str(WSM__MAIL),
                             .time_ms = hub->wall,
                             .priority = WSM_PRIORITY_NORMAL};
    wsm__uuid_v7(&hub->ids, hub->wall, id);
    wsm__uuid_parse(id, sizeof id, head.id);
    wsm__submit_open(hub, NULL, &head, &out);
    wsm__uuid_format(delivery->id, id);
    wsm__json_str(&out, "mention_id", wsm__slice(id, sizeof id));
    if (delivery->sender != WSM__ROSTER_NONE)
        wsm__json_str(&out, "mention_sender", wsm__roster_name(&hub->roster, delivery->sender));
    wsm__json_str(&out, "state", wsm__slice_str(works ? "lease_ended" : "expired"));
    wsm__json_str(&out, "target", wsm__roster_name(&hub->roster, delivery->target));
    if (wsm__submit_close(hub, &head, &out, &nobody)) hub->count.no_memory++;
}

void wsm__mention_due(wsm_hub *hub) {
    wsm__delivery *delivery;
    if (!hub->is_ready || hub->is_shutting_down) return;
    if (hub->wall + AGAIN_MS < hub->due_wall) wsm__ledger_rearm(&hub->ledger); /* what was deferred, by another clock */
    hub->due_wall = hub->wall;
    for (uint32_t most = 256; (delivery = wsm__ledger_first_due(&hub->ledger)) != NULL; most--) {
        int64_t in_ms = wsm__ledger_due_ms(delivery) - hub->wall;
        if (in_ms > 0 || most == 0) {
            wsm__turn_chores_soon(hub, in_ms > 60000 ? 60000 : in_ms > 0 ? (uint64_t)in_ms : 0);
            return;
        }
        append_end(hub, delivery);
        wsm__ledger_defer(&hub->ledger, delivery, hub->wall + AGAIN_MS);
    }
}

/* ---- the fold -------------------------------------------------------------------------------------------------------
 */

/* Whose delivery a record is about: the sender's own, or, where the hub speaks, the one that it names. */
static wsm__delivery *delivery_of(const wsm_hub *hub, const wsm__fold *fold) {
    wsm_slice name = fold->head.sender;
    wsm__json_value target = wsm__json_member_of(fold->body, "target");
    if (wsm__slice_is(name, "hub") &&
        (target.kind != WSM__JSON_STRING || !wsm__json_string_is_plain(target.raw, &name)))
        return NULL;
    return delivery_field(hub, wsm__json_member_of(fold->body, "mention_id"),
                          wsm__json_member_of(fold->body, "mention_sender"), wsm__roster_find(&hub->roster, name));
}

int wsm__mention_ack_prepare(wsm_hub *hub, wsm__fold *fold) {
    wsm__delivery *delivery = delivery_of(hub, fold);
    wsm__delivery_state state = state_field(wsm__json_member_of(fold->body, "state"));
    bool is_hub = wsm__slice_is(fold->head.sender, "hub");
    bool is_hubs = state == WSM__DELIVERY_QUEUED || state == WSM__DELIVERY_EXPIRED;
    if (!delivery)
        fold->refusal = WSM_ERR_NOT_FOUND;
    else if (is_hub != is_hubs || !wsm__ledger_may(delivery, state))
        fold->refusal = WSM_ERR_INVALID_TRANSITION;
    else if (state == WSM__DELIVERY_QUEUED && fold->head.time_ms < delivery->lease_ms)
        fold->refusal = WSM_ERR_CONFLICT; /* the lease was renewed meanwhile */
    fold->plan = delivery;
    return WSM_OK;
}

void wsm__mention_ack_commit(wsm_hub *hub, wsm__fold *fold) {
    wsm__delivery *delivery = fold->plan;
    wsm__delivery_state state = state_field(wsm__json_member_of(fold->body, "state"));
    wsm__json_value seconds = wsm__json_member_of(fold->body, "lease_seconds");
    uint32_t target = delivery->target;
    uint64_t lease_ms = hub->lease_ms, given;
    if (seconds.kind && wsm__json_u64(seconds, UINT32_MAX, &given)) lease_ms = given * 1000;
    wsm__delivery_status(hub, delivery, state, wsm__json_member_of(fold->body, "note").raw);
    wsm__ledger_set(&hub->ledger, delivery, state, fold->head.time_ms, lease_ms);
    const wsm__agent *agent = wsm__audience_agent(hub, target);
    wsm_conn *conn = agent ? wsm__delivery_conn(hub, agent) : NULL;
    if (conn && state == WSM__DELIVERY_QUEUED) wsm__delivery_pump(conn);
    wsm__turn_chores_soon(hub, 1000);
}
