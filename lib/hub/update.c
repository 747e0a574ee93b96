/* memory_update: the checks, and the record that is made of it. */
#include "hub/hub.h"

static bool is_true(wsm__json_value value) {
    return value.kind == WSM__JSON_TRUE;
}

static void put_fields(wsm__json_out *out, const wsm__message *message) {
    const wsm__msg_row *row = wsm__msg_row_of(message->type);
    bool critical = message->priority == WSM_PRIORITY_CRITICAL;
    for (size_t i = 0; i < row->fields_count; i++) {
        bool implied =
            critical && strcmp(row->fields[i].name, "ack_required") == 0; /* a critical one always asks for it */
        if (implied)
            wsm__json_bool(out, "ack_required", true);
        else if (message->fields[i].kind)
            wsm__json_raw(out, row->fields[i].name, message->fields[i].raw);
    }
}

/* What may not happen now, though the message is well-formed. 0, or the error with its field. */
static int refusal(wsm_hub *hub, const wsm__command *command, const char **field, const char **why) {
    const wsm__message *message = command->message;
    if (is_true(wsm__message_field(message, "sensitive"))) {
        *field = "sensitive";
        *why = "sensitive: this hub cannot seal content, and keeps none in clear that asks for it";
        return WSM_ERR_UNSUPPORTED;
    }
    wsm__context *context = wsm__context_named(hub, message->context_id);
    if (!context) {
        *field = "context_id";
        *why = "context_id: there is no such context";
        return WSM_ERR_NOT_FOUND;
    }
    int err = wsm__submit_room(hub, command->text.len);
    if (err) return err;
    uint32_t rate = hub->config.agent_deliveries_per_s;
    if (command->agent &&
        !wsm__bucket_take(&command->agent->deliveries, hub->now, rate, rate, wsm__audience_main(hub)->count)) {
        *why = "more receivers than an agent may reach";
        return WSM_ERR_RATE_LIMITED;
    }
    return WSM_OK;
}

void wsm__update_submit(wsm_hub *hub, const wsm__command *command) {
    const char *field = NULL, *why = NULL;
    wsm__record_head head;
    wsm__json_out out;
    if (command->conn && !command->conn->reads_main) {
        wsm__answer_error(hub, command->origin, WSM_ERR_FORBIDDEN, "context_id",
                          "context_id: the token does not cover this context");
        return;
    }
    if (!wsm__submit_begin(hub, command, &head)) return;
    int err = refusal(hub, command, &field, &why);
    if (err) {
        wsm__answer_error(hub, command->origin, err, field, why);
        return;
    }
    wsm__submit_open(hub, command->message, &head, &out);
    put_fields(&out, command->message);
    wsm__submit_close(hub, &head, &out, command->origin);
}
