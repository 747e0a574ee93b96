/* memory_update and memory_archived: the checks, and the record that is made of them. */
#include "hub/mentions.h"

static bool is_sensitive(const wsm__message *message) {
    int idx = wsm__msg_field_idx(message->type, "sensitive", WSM__MAY_UP);
    return idx >= 0 && message->fields[idx].kind == WSM__JSON_TRUE;
}

static void put_fields(wsm__json_out *out, const wsm__message *message, wsm_priority priority) {
    const wsm__msg_row *row = wsm__msg_row_of(message->type);
    for (size_t i = 0; i < row->fields_count; i++) {
        bool implied = priority == WSM_PRIORITY_CRITICAL &&
                       strcmp(row->fields[i].name, "ack_required") == 0; /* a critical one always asks for it */
        if (implied)
            wsm__json_bool(out, "ack_required", true);
        else if (message->fields[i].kind)
            wsm__json_raw(out, row->fields[i].name, message->fields[i].raw);
    }
}

/* Nothing that is said in a background sidebar interrupts anybody. */
static wsm_priority priority_of(const wsm__message *message, const wsm__side *side) {
    wsm_priority own = (wsm_priority)side->priority;
    wsm_priority said = message->has_priority ? message->priority : own;
    return own == WSM_PRIORITY_BACKGROUND && said > WSM_PRIORITY_NORMAL ? WSM_PRIORITY_NORMAL : said;
}

/* What may not happen now, though the message is well-formed and the sender may. */
static wsm__no refusal(wsm_hub *hub, const wsm__command *command, const wsm__side *side) {
    uint32_t rate = hub->config.agent_deliveries_per_s;
    const wsm__receivers *receivers = wsm__audience_receivers(hub, side->context);
    int err = wsm__submit_room(hub, command->text.len);
    if (err) return (wsm__no){err, NULL, NULL};
    if (command->agent && receivers &&
        !wsm__bucket_take(&command->agent->deliveries, hub->now, rate, rate, receivers->count))
        return (wsm__no){WSM_ERR_RATE_LIMITED, NULL, "more receivers than an agent may reach"};
    return (wsm__no){WSM_OK, NULL, NULL};
}

/* Whom its text calls; nobody is no error. In a background sidebar nobody is woken. */
static int name_callees(wsm_hub *hub, const wsm__command *command, const wsm__side *side, wsm__record_head *head,
                        wsm__buf *to, wsm__buf *result) {
    wsm__callees callees;
    if (command->message->type != WSM__MSG_MEMORY_UPDATE || side->priority == WSM_PRIORITY_BACKGROUND) return WSM_OK;
    wsm__callees_init(&callees, hub, command, side, head->hop);
    wsm__callees_scan(&callees, wsm__message_field(command->message, "exchange").raw);
    if (callees.count > 0) {
        wsm__callees_put(&callees, to);
        head->to = wsm__slice(to->ptr, to->len);
    }
    if (callees.named > 0) {
        wsm__buf_puts(result, "{\"mentions\":");
        wsm__buf_put(result, callees.answer.ptr, callees.answer.len);
        wsm__buf_puts(result, "}}");
        head->result = wsm__slice(result->ptr, result->len);
    }
    int err = callees.answer.err ? callees.answer.err : to->err ? to->err : result->err;
    wsm__callees_fini(&callees);
    return err;
}

/* Who calls somebody hears how far that is: he waits until the log knows him. */
static bool may_call(const wsm__message *message) {
    return message->type == WSM__MSG_MEMORY_UPDATE &&
           wsm__callees_may_be_in(wsm__message_field(message, "exchange").raw);
}

void wsm__update_submit(wsm_hub *hub, const wsm__command *command) {
    const wsm__message *message = command->message;
    wsm__side *side;
    wsm__record_head head;
    wsm__json_out out;
    if (command->conn && !command->conn->reads_main && wsm__slice_is(message->context_id, "main")) {
        wsm__answer_error(hub, command->origin, WSM_ERR_FORBIDDEN, "context_id",
                          "context_id: the token does not cover this context");
        return;
    }
    if (!wsm__submit_begin(hub, command, &head)) return;
    if (is_sensitive(message)) {
        wsm__answer_error(hub, command->origin, WSM_ERR_UNSUPPORTED, "sensitive",
                          "sensitive: this hub cannot seal content, and keeps none in clear that asks for it");
        return;
    }
    if (!wsm__side_may_publish(hub, command, &side)) return;
    if (may_call(message) && wsm__park(hub, command, NULL)) return;
    wsm__no no = refusal(hub, command, side);
    if (no.err) {
        wsm__side_refuse(hub, command, &no);
        return;
    }
    head.priority = priority_of(message, side);
    wsm__buf to, result;
    wsm__buf_init(&to, &hub->mem, 0);
    wsm__buf_init(&result, &hub->mem, 0);
    int err = name_callees(hub, command, side, &head, &to, &result);
    if (err) {
        wsm__answer_error(hub, command->origin, err, NULL, NULL);
    } else {
        wsm__submit_open(hub, message, &head, &out);
        put_fields(&out, message, head.priority);
        wsm__submit_close(hub, &head, &out, command->origin);
    }
    wsm__buf_fini(&to);
    wsm__buf_fini(&result);
}
