/* From a message to what it asks for: decode, check who may, and hand over to the file that does it. */
#include "hub/mentions.h"
#include "limits.h"
#include "proto/phrase.h"

#include <assert.h>

static void to_origin(wsm__origin *origin, const char *message_id) {
    origin->has_id = true;
    memcpy(origin->message_id, message_id, WSM__UUID_LEN);
}

static bool is_over_rate(wsm_hub *hub, wsm__agent *agent, const wsm__origin *origin) {
    uint32_t rate = hub->config.agent_messages_per_s, burst = hub->config.agent_messages_burst;
    if (!agent || wsm__bucket_take(&agent->messages, hub->now, rate, burst, 1)) return false;
    wsm__verdict verdict = {.err = WSM_ERR_RATE_LIMITED, .message = "more messages than an agent may send"};
    verdict.retry_after_ms = wsm__bucket_wait(&agent->messages, hub->now, rate, burst, 1);
    wsm__answer(hub, origin, &verdict);
    return true;
}

wsm__context *wsm__context_named(const wsm_hub *hub, wsm_slice id) {
    wsm__context *context = wsm__log_context(&hub->records, id);
    return context == hub->mail ? NULL : context;
}

/* Who does what a client may send; a type that is not here yet is `unsupported`. */
static const struct row {
    wsm__msg_type type;
    bool writes; /* not for observers */
    void (*run)(wsm_hub *hub, const wsm__command *command);
} rows[] = {
    {WSM__MSG_MEMORY_UPDATE, true, wsm__update_submit},
    {WSM__MSG_AGENT_PRESENCE, true, wsm__presence_submit},
    {WSM__MSG_AGENT_LIST, false, wsm__presence_list},
    {WSM__MSG_MEMORY_ARCHIVED, true, wsm__update_submit},
    {WSM__MSG_DATA_REF, true, wsm__side_submit},
    {WSM__MSG_CONTEXT_REQUEST, false, wsm__context_submit},
    {WSM__MSG_CONTEXT_WATCH, false, wsm__watch_submit},
    {WSM__MSG_SYSTEM_STATUS, false, wsm__status_submit},
    {WSM__MSG_SIDEBAR_SPAWN, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_CHILD_SPAWN, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_FORK, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_STATUS_UPDATE, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_PAUSE, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_RESUME, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_ARCHIVE, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_WAITING_UPDATE, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_TEST_RESULT, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_JOIN, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_LEAVE, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_INVITE, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_REMOVE, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_MERGE, true, wsm__side_submit},
    {WSM__MSG_SIDEBAR_MERGE_DECISION, true, wsm__side_submit},
    {WSM__MSG_MENTION_ROUTE, true, wsm__mention_submit},
    {WSM__MSG_MENTION_ACK, true, wsm__mention_ack_submit},
};

static const struct row *row_of(wsm__msg_type type) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].type == type) return &rows[i];
    return NULL;
}

void wsm__command_again(wsm_hub *hub, const wsm__command *command) {
    const struct row *row = row_of(command->message->type);
    assert(row); /* it was found before the command had to wait */
    row->run(hub, command);
}

static void run(wsm_hub *hub, const wsm__command *command, bool may_write) {
    const wsm__message *message = command->message;
    const wsm__origin *origin = command->origin;
    const struct row *row = row_of(message->type);
    const char *impostor = wsm__message_impostor(message, command->sender);
    if (impostor) {
        char room[96];
        wsm__phrase why;
        wsm__phrase_init(&why, room, sizeof room);
        wsm__phrase_add(&why, impostor);
        wsm__phrase_add(&why, ": the hub says who sends");
        wsm__answer_error(hub, origin, WSM_ERR_FORBIDDEN, impostor, room);
        return;
    }
    if (is_over_rate(hub, command->agent, origin)) return;
    if (message->type == WSM__MSG_HELLO) {
        wsm__answer_error(hub, origin, WSM_ERR_BAD_MESSAGE, "type", "type: hello is only for the first message");
        return;
    }
    if (!row) {
        wsm__answer_error(hub, origin, WSM_ERR_UNSUPPORTED, "type", "type: this hub does not do that yet");
        return;
    }
    if (row->writes && !may_write) {
        wsm__answer_error(hub, origin, WSM_ERR_FORBIDDEN, "type", "an observer reads and does not write");
        return;
    }
    int veto =
        wsm__call_veto(hub, command->sender, wsm__slice_str(wsm__msg_row_of(message->type)->name), command->text);
    if (veto) {
        wsm__answer_error(hub, origin, veto, NULL, NULL);
        return;
    }
    if (command->agent && row->writes) wsm__card_ensure(hub, command->agent);
    row->run(hub, command);
}

void wsm__command_text(wsm_conn *conn, wsm_slice text) {
    wsm_hub *hub = conn->hub;
    wsm__message message;
    wsm__decode_error error;
    wsm__origin origin = {.kind = WSM__ORIGIN_CONN, .slot = conn->slot, .gen = conn->gen};
    if (conn->phase == WSM__PHASE_HELLO) {
        wsm__hello_text(conn, text);
        return;
    }
    if (conn->phase != WSM__PHASE_LIVE && conn->phase != WSM__PHASE_VERDICT) return;
    hub->count.received++;
    if (wsm__decode(text, &hub->scan_limits, &message, &error)) {
        if (error.has_id) to_origin(&origin, error.message_id);
        wsm__answer_error(hub, &origin, error.err, error.field, error.message);
        return;
    }
    if (message.has_id) to_origin(&origin, message.message_id.ptr);
    if (conn->phase == WSM__PHASE_VERDICT) {
        wsm__answer_error(hub, &origin, WSM_ERR_BUSY, NULL, "the token is still being checked; wait for welcome");
        return;
    }
    bool may_write = conn->identity.claims.permission == WSM_PERMISSION_ACTIVE;
    wsm__command command = {.agent = conn->agent,
                            .sender = conn->identity.claims.sub,
                            .conn = conn,
                            .message = &message,
                            .text = text,
                            .origin = &origin};
    run(hub, &command, may_write);
}

void wsm__command_host(wsm_hub *hub, wsm_slice name, wsm_slice text, uint64_t tag) {
    wsm__message message;
    wsm__decode_error error;
    wsm__origin origin = {.kind = WSM__ORIGIN_HOST, .tag = tag};
    wsm__agent *agent = NULL;
    hub->count.received++;
    if (hub->is_shutting_down || !hub->is_ready) {
        wsm__answer_error(hub, &origin, hub->is_shutting_down ? WSM_ERR_SHUTTING_DOWN : WSM_ERR_BUSY, NULL, NULL);
        return;
    }
    if (wsm__decode(text, &hub->scan_limits, &message, &error)) {
        wsm__answer_error(hub, &origin, error.err, error.field, error.message);
        return;
    }
    if (message.has_id) to_origin(&origin, message.message_id.ptr);
    bool is_hub = !name.ptr || wsm__slice_is(name, "hub");
    if (!is_hub) {
        agent = wsm__registry_take(&hub->registry, name);
        if (!agent) {
            wsm__answer_error(hub, &origin, WSM_ERR_NOMEM, NULL, NULL);
            return;
        }
        agent->timer.kind = WSM__TIMER_AGENT;
        agent->number = wsm__roster_find(&hub->roster, name);
        if (agent->slots_count == 0 && !agent->timer.armed) /* it is only known for its limits: forgotten again */
            wsm__heap_arm(&hub->heap, &agent->timer, hub->now + hub->config.presence_grace_ms);
    }
    wsm__command command = {.agent = agent,
                            .sender = is_hub ? wsm__slice_str("hub") : name,
                            .message = &message,
                            .text = text,
                            .origin = &origin};
    run(hub, &command, true);
}
