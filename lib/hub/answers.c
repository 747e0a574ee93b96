/* Answers: ack, duplicate_ack and error to a connection, or the outcome of a tag to the host. Each command gets exactly
 * one, here, so that the counters of what was received and what was answered balance. */
#include "hub/hub.h"

void wsm__answer_begin(wsm_hub *hub, wsm__encoder *enc, wsm__msg_type type) {
    char id[WSM__UUID_LEN];
    wsm__uuid_v7(&hub->ids, hub->wall, id);
    wsm__buf_clear(&hub->scratch);
    wsm__encode_begin(enc, &hub->scratch, type, id, hub->wall, wsm__slice_str("hub"));
}

/* `retry` tells the sender what to do: never, now (same message again), after (a while), reauth. */
static const char *retry_word(int err, uint64_t known) {
    switch (err) {
    case WSM_ERR_LOOP_GUARD: return known ? "after" : "never"; /* a spent budget fills again, a long chain stays long */
    case WSM_ERR_RATE_LIMITED:
    case WSM_ERR_BUSY:
    case WSM_ERR_STORE_FAILED:
    case WSM_ERR_SHUTTING_DOWN:
    case WSM_ERR_MAILBOX_FULL:
    case WSM_ERR_NOMEM:
    case WSM_ERR_LIMIT: return "after";
    case WSM_ERR_UNAUTHORIZED:
    case WSM_ERR_TOKEN_EXPIRED: return "reauth";
    case WSM_ERR_CONFLICT: return "now";
    default: return "never";
    }
}

static uint64_t retry_ms(int err, uint64_t known) {
    if (known || strcmp(retry_word(err, known), "after") != 0) return known;
    return 1000;
}

static void send_error(wsm_conn *conn, const wsm__origin *origin, const wsm__verdict *verdict) {
    wsm__encoder enc;
    wsm__answer_begin(conn->hub, &enc, WSM__MSG_ERROR);
    if (origin->has_id)
        wsm__encode_str(&enc, "original_message_id", wsm__slice(origin->message_id, WSM__UUID_LEN));
    else
        wsm__encode_raw(&enc, "original_message_id", wsm__slice_str("null"));
    wsm__encode_str(&enc, "code", wsm__slice_str(wsm_err_code(verdict->err)));
    wsm__encode_str(&enc, "message", wsm__slice_str(verdict->message ? verdict->message : wsm_strerror(verdict->err)));
    if (verdict->field) wsm__encode_str(&enc, "field", wsm__slice_str(verdict->field));
    wsm__encode_str(&enc, "retry", wsm__slice_str(retry_word(verdict->err, verdict->retry_after_ms)));
    uint64_t after = retry_ms(verdict->err, verdict->retry_after_ms);
    if (after) wsm__encode_num(&enc, "retry_after_ms", after);
    wsm__encode_end(&enc);
    wsm__peer_notice(conn, WSM__LANE_CONTROL);
}

static void send_ack(wsm_conn *conn, const wsm__origin *origin, const wsm__verdict *verdict) {
    wsm__encoder enc;
    wsm__answer_begin(conn->hub, &enc, verdict->duplicate ? WSM__MSG_DUPLICATE_ACK : WSM__MSG_ACK);
    wsm__encode_str(&enc, "original_message_id", wsm__slice(origin->message_id, WSM__UUID_LEN));
    if (verdict->duplicate) wsm__encode_str(&enc, "message", wsm__slice_str("already done"));
    if (verdict->has_offset) wsm__encode_num(&enc, "offset", verdict->offset);
    wsm__encode_bool(&enc, "durable", verdict->durable);
    if (verdict->result.ptr) wsm__encode_raw(&enc, "result", verdict->result);
    wsm__encode_end(&enc);
    wsm__peer_notice(conn, WSM__LANE_CONTROL);
}

static void tell_host(wsm_hub *hub, const wsm__origin *origin, const wsm__verdict *verdict) {
    wsm_result result = {.tag = origin->tag, .err = verdict->err, .field = verdict->field, .epoch = hub->epoch};
    result.message = verdict->err ? (verdict->message ? verdict->message : wsm_strerror(verdict->err)) : NULL;
    result.retry_after_ms = verdict->err ? retry_ms(verdict->err, verdict->retry_after_ms) : 0;
    if (!verdict->err) {
        result.durable = verdict->durable;
        result.duplicate = verdict->duplicate;
        result.offset = verdict->has_offset ? verdict->offset : 0;
        result.json = verdict->result;
    }
    wsm__call_result(hub, &result);
}

/* Senders who send nonsense, or too fast, again and again, are sent away. */
static void strike(wsm_conn *conn, int err) {
    wsm_hub *hub = conn->hub;
    bool is_rate = err == WSM_ERR_RATE_LIMITED;
    bool is_nonsense = err == WSM_ERR_BAD_JSON || err == WSM_ERR_BAD_MESSAGE || err == WSM_ERR_UNKNOWN_TYPE ||
                       err == WSM_ERR_TOO_LARGE;
    if (!is_rate && !is_nonsense) return;
    wsm__strikes *strikes = is_rate ? &conn->too_fast : &conn->malformed;
    uint32_t limit = is_rate ? hub->config.rate_violations_per_min : hub->config.violations_per_min;
    if (strikes->count == 0 || hub->now - strikes->window >= 60000) *strikes = (wsm__strikes){hub->now, 0};
    if (++strikes->count < limit || limit == 0) return;
    wsm__call_security(hub, is_rate ? "rate_limited" : "too_many_violations", conn, "the connection is closed", err);
    wsm__peer_shut(conn, is_rate ? 4013 : 4011, NULL);
}

void wsm__answer(wsm_hub *hub, const wsm__origin *origin, const wsm__verdict *verdict) {
    if (origin->kind == WSM__ORIGIN_NONE) return; /* the hub has asked itself */
    wsm_conn *conn = origin->kind == WSM__ORIGIN_CONN ? wsm__peer_of(hub, origin->slot, origin->gen) : NULL;
    bool is_lost = origin->kind == WSM__ORIGIN_CONN && (!conn || conn->phase >= WSM__PHASE_CLOSING);
    if (is_lost)
        hub->count.unanswered++;
    else if (verdict->err)
        hub->count.errored++;
    else if (verdict->duplicate)
        hub->count.duplicates++;
    else
        hub->count.acked++;
    if (verdict->err == WSM_ERR_RATE_LIMITED) hub->count.rate_limited++;
    if (origin->kind == WSM__ORIGIN_HOST) tell_host(hub, origin, verdict);
    if (!conn || is_lost) return;
    if (verdict->err) {
        send_error(conn, origin, verdict);
        strike(conn, verdict->err);
    } else if (origin->has_id) { /* who gives no id asks for no answer */
        send_ack(conn, origin, verdict);
    }
}

void wsm__answer_error(wsm_hub *hub, const wsm__origin *origin, int err, const char *field, const char *message) {
    wsm__verdict verdict = {.err = err, .field = field, .message = message};
    wsm__answer(hub, origin, &verdict);
}
