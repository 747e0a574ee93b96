/* Apply: fold one record into the state. Deterministic: it reads the record and the state, no clock and no random
 * number. Either everything of a record happens, or, for lack of memory, nothing, and it is tried again. */
#include "hub/hub.h"

/* The pending that this record answers, if this process has appended it and it came back as it went. */
static wsm__pending *pending_of(const wsm_hub *hub, const wsm__record_head *head, wsm_slice bytes) {
    wsm__pending *pending = head->node == hub->node ? wsm__append_find(hub, head->number) : NULL;
    return pending && wsm__slice_eq(wsm__slice(pending->bytes, pending->bytes_len), bytes) ? pending : NULL;
}

static int apply_void(wsm_hub *hub, uint64_t offset, bool is_corrupt) {
    int err = wsm__log_add_void(&hub->records, offset, is_corrupt);
    if (err) return err;
    hub->since_snapshot++;
    hub->count.voided++;
    if (!is_corrupt) return WSM_OK;
    hub->count.corrupt++;
    wsm__call_log(hub, WSM_LEVEL_ERROR, "record_corrupt", NULL, "a record came back broken and is passed over");
    for (uint32_t i = hub->receivers.count; i > 0; i--) {
        wsm_conn *conn = wsm__peer_slot(hub, hub->receivers.slots[i - 1])->conn;
        if (!conn->catching_up) wsm__replay_gap(conn, offset, offset, hub->main->seq, "corrupt");
    }
    return WSM_OK;
}

static void settle(wsm_hub *hub, wsm__pending *pending, uint64_t offset, bool is_duplicate, int err) {
    if (!pending) return;
    pending->is_applied = true;
    pending->offset = offset;
    pending->is_duplicate = is_duplicate;
    pending->err = err;
    wsm__append_settle(hub, pending);
}

static int apply_update(wsm_hub *hub, wsm__context *context, uint64_t offset, const wsm__record_head *head,
                        wsm_slice body) {
    uint64_t seq = wsm__log_number(&hub->records, context, head->expected_seq);
    char *payload;
    wsm__frame *frame = wsm__frame_new(&hub->mem, 1, wsm__record_message_len(head->type, offset, seq, body), &payload);
    if (!frame) return WSM_ERR_NOMEM;
    wsm__record_message_write(payload, head->type, offset, seq, body);
    int err = wsm__dedup_add(&hub->dedup, head->sender, head->id, head->has_digest ? head->digest : NULL, offset,
                             head->time_ms);
    if (!err) {
        wsm__log_item item = {.context = context,
                              .offset = offset,
                              .expected = head->expected_seq,
                              .time_ms = head->time_ms,
                              .priority = head->priority,
                              .frame = frame};
        err = wsm__log_add(&hub->records, &item);
        if (err) wsm__dedup_undo(&hub->dedup, head->sender, head->id);
    }
    if (err) {
        wsm__frame_unref(frame);
        return err;
    }
    hub->since_snapshot++;
    hub->count.applied++;
    if (context->expected < context->seq) context->expected = context->seq;
    uint32_t receivers = wsm__fanout_record(hub, frame, offset, head->priority);
    wsm__call_applied(hub, offset, head, wsm__frame_payload(frame), receivers);
    wsm__frame_unref(frame);
    return WSM_OK;
}

static int apply_one(wsm_hub *hub, uint64_t offset, wsm_slice bytes) {
    wsm__record_head head;
    wsm_slice body;
    if (bytes.len == 0 || wsm__record_parse(bytes, NULL, &head, &body)) return apply_void(hub, offset, true);
    wsm__pending *pending = pending_of(hub, &head, bytes);
    if (!pending && wsm__record_parse(bytes, &hub->log_scan_limits, &head, &body)) return apply_void(hub, offset, true);
    wsm__context *context = wsm__log_context(&hub->records, head.context_id);
    const wsm__dedup_entry *seen = wsm__dedup_find(&hub->dedup, head.sender, head.id, head.time_ms);
    if (!context || seen) {
        bool is_other =
            seen && head.has_digest && seen->has_digest && memcmp(seen->digest, head.digest, WSM__DIGEST_LEN) != 0;
        int verdict = !context ? WSM_ERR_NOT_FOUND : is_other ? WSM_ERR_ID_CONFLICT : WSM_OK;
        uint64_t first = seen ? seen->offset : offset;
        int err = apply_void(hub, offset, false);
        if (!err) settle(hub, pending, first, seen != NULL, verdict);
        return err;
    }
    uint64_t number = head.number;
    int err = apply_update(hub, context, offset, &head, body);
    if (err) return err;
    settle(hub, pending ? wsm__append_find(hub, number) : NULL, offset, false, WSM_OK); /* callbacks ran: look again */
    return WSM_OK;
}

int wsm__apply(wsm_hub *hub, const wsm_record *record) {
    while (record->offset > hub->records.applied + 1) { /* the log lost something: said, not passed over in silence */
        int err = apply_void(hub, hub->records.applied + 1, true);
        if (err) return err;
    }
    if (record->offset <= hub->records.applied) return WSM_OK;
    return apply_one(hub, record->offset, wsm__slice(record->bytes, record->len));
}
