/* memory_update: the checks, the repeats, and the record that is made of it. */
#include "hub/hub.h"
#include "util/clock.h"

static bool is_true(wsm__json_value value) {
    return value.kind == WSM__JSON_TRUE;
}

/* A repeat of something done, or under way, is answered with the first result and appended no second time. True:
 * answered. */
static bool is_repeat(wsm_hub *hub, wsm_slice sender, const wsm__message *message, const unsigned char *digest,
                      const wsm__origin *origin) {
    wsm__pending *pending = wsm__append_in_flight(hub, sender, message->id);
    const wsm__dedup_entry *seen = pending ? NULL : wsm__dedup_find(&hub->dedup, sender, message->id, hub->wall);
    if (!seen && !pending) return false;
    const unsigned char *first = seen ? seen->digest : pending->digest;
    if ((!seen || seen->has_digest) && !wsm__ct_eq(first, digest, WSM__DIGEST_LEN)) {
        wsm__answer_error(hub, origin, WSM_ERR_ID_CONFLICT, "message_id", NULL);
        return true;
    }
    if (pending) {
        int err = wsm__append_wait(hub, pending, origin);
        if (err) wsm__answer_error(hub, origin, err, NULL, NULL);
        return true;
    }
    wsm__verdict verdict = {.duplicate = true, .has_offset = true, .offset = seen->offset, .durable = seen->is_durable};
    if (seen->offset <= hub->loaded_to) verdict.durable = hub->loaded_durable;
    wsm__answer(hub, origin, &verdict);
    return true;
}

static void put_body(wsm__buf *buf, const wsm__message *message, const char id[WSM__UUID_LEN], wsm_slice sender,
                     int64_t wall) {
    const wsm__msg_row *row = wsm__msg_row_of(message->type);
    char time[WSM__TIME_LEN];
    wsm__json_out out;
    wsm__time_format(time, wall);
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "message_id", wsm__slice(id, WSM__UUID_LEN));
    wsm__json_str(&out, "timestamp", wsm__slice(time, sizeof time));
    wsm__json_str(&out, "sender_agent_id", sender);
    wsm__json_str(&out, "context_id", message->context_id);
    wsm__json_str(&out, "priority", wsm__slice_str(wsm__priority_word(message->priority)));
    if (message->origin_time.ptr) wsm__json_raw(&out, "origin_time", message->origin_time);
    if (message->cause.ptr) wsm__json_str(&out, "cause", message->cause);
    bool critical = message->priority == WSM_PRIORITY_CRITICAL;
    for (size_t i = 0; i < row->fields_count; i++) {
        bool implied =
            critical && strcmp(row->fields[i].name, "ack_required") == 0; /* a critical one always asks for it */
        if (implied)
            wsm__json_bool(&out, "ack_required", true);
        else if (message->fields[i].kind)
            wsm__json_raw(&out, row->fields[i].name, message->fields[i].raw);
    }
    wsm__json_close(&out);
}

/* What may not happen now, though the message is well-formed. 0, or the error with its field. */
static int refusal(wsm_hub *hub, wsm__agent *agent, const wsm__message *message, wsm_slice text, const char **field,
                   const char **why) {
    *field = NULL;
    *why = NULL;
    if (is_true(wsm__message_field(message, "sensitive"))) {
        *field = "sensitive";
        *why = "sensitive: this hub cannot seal content, and keeps none in clear that asks for it";
        return WSM_ERR_UNSUPPORTED;
    }
    if (!wsm__log_context(&hub->records, message->context_id)) {
        *field = "context_id";
        *why = "context_id: there is no such context";
        return WSM_ERR_NOT_FOUND;
    }
    if (hub->config.queue_bytes_max && text.len > hub->config.queue_bytes_max / 2) return WSM_ERR_TOO_LARGE;
    if (hub->config.appends_max && hub->pendings.count >= hub->config.appends_max) return WSM_ERR_BUSY;
    uint32_t rate = hub->config.agent_deliveries_per_s;
    if (agent && !wsm__bucket_take(&agent->deliveries, hub->now, rate, rate, hub->receivers.count)) {
        *why = "more receivers than an agent may reach";
        return WSM_ERR_RATE_LIMITED;
    }
    return WSM_OK;
}

static bool reads(const wsm_hub *hub, const wsm__origin *origin) {
    wsm_conn *conn = origin->kind == WSM__ORIGIN_CONN ? wsm__peer_of(hub, origin->slot, origin->gen) : NULL;
    return !conn || conn->reads_main;
}

void wsm__update_submit(wsm_hub *hub, wsm__agent *agent, wsm_slice sender, const wsm__message *message, wsm_slice text,
                        const wsm__origin *origin) {
    const char *field, *why;
    wsm__record_head head = {.type = message->type,
                             .sender = sender,
                             .context_id = message->context_id,
                             .time_ms = hub->wall,
                             .priority = message->priority};
    int err = WSM_OK;
    if (!reads(hub, origin)) {
        wsm__answer_error(hub, origin, WSM_ERR_FORBIDDEN, "context_id",
                          "context_id: the token does not cover this context");
        return;
    }
    if (message->has_id) {
        memcpy(head.id, message->id, 16);
        head.has_digest = true;
        err = wsm__digest_of(hub->digest, text.ptr, text.len, head.digest);
        if (!err && is_repeat(hub, sender, message, head.digest, origin)) return;
    }
    if (!err)
        err = refusal(hub, agent, message, text, &field, &why);
    else
        field = why = NULL;
    if (err) {
        wsm__answer_error(hub, origin, err, field, why);
        return;
    }
    char id[WSM__UUID_LEN];
    if (message->has_id) {
        memcpy(id, message->message_id.ptr, sizeof id);
    } else {
        wsm__uuid_v7(&hub->ids, hub->wall, id);
        wsm__uuid_parse(id, sizeof id, head.id);
    }
    wsm__buf_clear(&hub->scratch);
    put_body(&hub->scratch, message, id, sender, hub->wall);
    err = hub->scratch.err ? WSM_ERR_NOMEM
                           : wsm__append_add(hub, &head, origin, wsm__slice(hub->scratch.ptr, hub->scratch.len));
    wsm__buf_clear(&hub->scratch);
    if (err) wsm__answer_error(hub, origin, err, NULL, NULL);
}
