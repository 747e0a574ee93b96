/* Apply: fold one record into the state. Deterministic: it reads the record and the state, no clock and no random
 * number. Either everything of a record happens, or, for lack of memory, nothing, and it is tried again. */
#include "hub/mentions.h"

/* The pending that this record answers, if this process has appended it and it came back as it went. */
static wsm__pending *pending_of(const wsm_hub *hub, const wsm__record_head *head, wsm_slice bytes) {
    wsm__pending *pending = head->node == hub->node ? wsm__append_find(hub, head->number) : NULL;
    return pending && wsm__slice_eq(wsm__slice(pending->bytes, pending->bytes_len), bytes) ? pending : NULL;
}

/* Nothing of it happens. `is_vouchable`: heads may tell it. */
static int apply_void(wsm_hub *hub, const wsm__void *at, bool is_vouchable) {
    int err = wsm__log_add_void(&hub->records, at, is_vouchable);
    if (err) return err;
    hub->since_snapshot++;
    hub->count.voided++;
    return WSM_OK;
}

int wsm__apply_corrupt(wsm_hub *hub, uint64_t offset) {
    wsm__fold fold = {.offset = offset};
    int err = wsm__ahead_ask(hub, &fold);
    bool was_void = fold.fate == WSM__FATE_VOID;
    wsm__void at = {.offset = offset, .is_corrupt = true, .is_lost = !was_void};
    if (!err) err = apply_void(hub, &at, was_void);
    if (err) return err;
    hub->count.corrupt++;
    wsm__call_log(hub, WSM_LEVEL_ERROR, "record_corrupt", NULL, "a record came back broken and is passed over");
    for (wsm__list *node = hub->conns.next, *next; node != &hub->conns; node = next) { /* whose it was, nobody knows */
        wsm_conn *conn = WSM__CONTAINER(node, wsm_conn, in_conns);
        next = node->next;
        if (conn->phase == WSM__PHASE_LIVE && !conn->catching_up)
            wsm__audience_gaps(conn, offset, offset, "corrupt", NULL);
    }
    return WSM_OK;
}

/* Tells the sender's pending. Its result is in the head of the record that the pending holds itself. */
static void settle(wsm_hub *hub, wsm__pending *pending, wsm__fold *fold, const wsm__verdict *verdict) {
    if (!pending) return;
    pending->is_applied = true;
    pending->offset = verdict->offset;
    pending->is_duplicate = verdict->duplicate;
    pending->err = verdict->err;
    pending->field = verdict->field;
    pending->why = verdict->message;
    pending->result = verdict->result;
    if (fold && fold->told) { /* it outlives the fold, until both are there */
        pending->told = fold->told;
        pending->told_len = fold->told_len;
        fold->told = NULL;
    }
    wsm__append_settle(hub, pending);
}

/* One of ours, also one whose append is said to have failed. */
static void passed(wsm_hub *hub, const wsm__record_head *head) {
    if (head->node == hub->node && head->number < hub->next_number) wsm__append_passed(hub, head->number);
}

/* The record's message as readers get it; NULL: no memory. */
static wsm__frame *frame_of(wsm_hub *hub, const wsm__fold *fold) {
    char *payload;
    uint64_t seq = fold->context != hub->mail ? fold->seq : 0;
    size_t len = wsm__record_message_len(fold->head.type, fold->offset, seq, fold->body);
    wsm__frame *frame = wsm__frame_new(&hub->mem, 1, len, &payload);
    if (!frame) return NULL;
    wsm__record_message_write(payload, fold->head.type, fold->offset, seq, fold->body);
    return frame;
}

/* WSM_ERR_NOMEM: no effect. */
static int note_id(wsm_hub *hub, const wsm__record_head *head, uint64_t offset) {
    wsm__rules_enter(hub, head);
    int err = wsm__dedup_add(&hub->dedup, head->sender, head->id, head->has_digest ? head->digest : NULL, offset,
                             head->time_ms, head->result);
    wsm__rules_leave(hub);
    if (err || !head->hop) return err;
    err = wsm__dedup_set_hop(&hub->dedup, head->sender, head->id, head->hop);
    if (err) wsm__dedup_undo(&hub->dedup, head->sender, head->id);
    return err;
}

static int keep(wsm_hub *hub, wsm__fold *fold, wsm__frame *frame) {
    const wsm__record_head *head = &fold->head;
    int err = note_id(hub, head, fold->offset);
    if (err) return err;
    if (wsm__audience_is_silent(head->type)) {
        wsm__log_pass(&hub->records, fold->offset);
        return WSM_OK;
    }
    wsm__log_item item = {.context = fold->context,
                          .offset = fold->offset,
                          .seq = fold->seq,
                          .room = fold->room,
                          .expected = head->expected_seq,
                          .is_vouchable = head->has_at,
                          .time_ms = head->time_ms,
                          .priority = head->priority,
                          .reach = fold->reach,
                          .frame = frame};
    err = wsm__log_add(&hub->records, &item);
    if (err) wsm__dedup_undo(&hub->dedup, head->sender, head->id);
    return err;
}

/* What number it gets, if it is accepted. */
static void set_number(const wsm_hub *hub, wsm__fold *fold) {
    wsm__log_claim claim = {.head = &fold->head, .is_vouched = fold->fate == WSM__FATE_RECORD, .ahead = fold->ahead};
    fold->seq = wsm__log_number(&hub->records, fold->context, &claim, &fold->room);
}

/* Everything of an accepted record, or nothing. */
static int take_in(wsm_hub *hub, wsm__fold *fold) {
    bool is_silent = wsm__audience_is_silent(fold->head.type);
    if (!is_silent) set_number(hub, fold);
    wsm__frame *frame = is_silent ? NULL : frame_of(hub, fold);
    int err = frame || is_silent ? WSM_OK : WSM_ERR_NOMEM;
    if (!err && !is_silent) err = wsm__audience_reach(hub, &fold->head, fold->also, &fold->reach);
    if (!err && fold->reach && fold->context == hub->mail)
        fold->reach->about = wsm__delivery_subject(hub, hub->mail, fold->body);
    if (!err && frame) wsm__audience_mark(frame, fold->context, fold->reach);
    wsm__reach *reach = wsm__reach_ref(fold->reach); /* memory may let the record go before it is fanned out */
    if (!err) err = keep(hub, fold, frame);
    if (err) {
        wsm__reach_free(&hub->mem, reach);
        wsm__reach_free(&hub->mem, fold->reach);
        wsm__frame_unref(frame);
        wsm__fold_abandon(hub, fold);
        return err;
    }
    passed(hub, &fold->head);
    hub->since_snapshot++;
    hub->count.applied++;
    if (hub->config.store_age_s)
        wsm__ages_note(&hub->ages, fold->offset, fold->head.time_ms, (int64_t)hub->config.store_age_s * 1000);
    wsm__fold_commit(hub, fold);
    if (fold->head.type != WSM__MSG_MEMORY_UPDATE) hub->reshaped++;
    if (fold->head.type == WSM__MSG_AGENT_CARD) wsm__card_told(hub, fold);
    if (!frame) return WSM_OK; /* and no reach */
    fold->receivers = wsm__fanout_record(hub, frame, fold);
    wsm__reach_free(&hub->mem, reach);
    if (wsm__delivery_is_made_by(&fold->head)) wsm__delivery_go(hub, fold, frame);
    wsm__call_applied(hub, fold->offset, &fold->head, wsm__frame_payload(frame), fold->receivers);
    wsm__frame_unref(frame);
    return WSM_OK;
}

/* A record without effect: its id was seen, or the state refuses it. The first of several nodes has won. One that was
 * shown, and that the state refuses for want of what has broken, keeps its number. */
static int pass_over(wsm_hub *hub, wsm__pending *pending, wsm__fold *fold, const wsm__verdict *verdict) {
    bool was_shown = fold->fate == WSM__FATE_RECORD;
    wsm__void at = {.offset = fold->offset, .is_lost = was_shown && fold->head.expected_seq > 0};
    int err = apply_void(hub, &at, fold->head.has_at && !was_shown);
    if (err) return err;
    passed(hub, &fold->head);
    if (pending) settle(hub, pending, fold, verdict);
    return WSM_OK;
}

static void forget_told(wsm_hub *hub, wsm__fold *fold) {
    if (fold->told) wsm__free(&hub->mem, fold->told, fold->told_len + 1);
    fold->told = NULL;
}

/* The answer carries the result of the first one, which may be forgotten before the log says that it has kept this. */
static int apply_seen(wsm_hub *hub, wsm__pending *pending, wsm__fold *fold, const wsm__dedup_entry *seen) {
    const wsm__record_head *head = &fold->head;
    bool is_other = head->has_digest && seen->has_digest && memcmp(seen->digest, head->digest, WSM__DIGEST_LEN) != 0;
    wsm__verdict verdict = {.err = is_other ? WSM_ERR_ID_CONFLICT : WSM_OK, .duplicate = true, .offset = seen->offset};
    if (pending && seen->result) {
        fold->told = wsm__strndup(&hub->mem, seen->result, seen->result_len);
        fold->told_len = seen->result_len;
        if (!fold->told) return WSM_ERR_NOMEM;
        verdict.result = wsm__slice(fold->told, fold->told_len);
    }
    int err = pass_over(hub, pending, fold, &verdict);
    forget_told(hub, fold);
    return err;
}

static int apply_fold(wsm_hub *hub, wsm__pending *pending, wsm__fold *fold) {
    uint64_t number = fold->head.number;
    bool is_ours = pending != NULL;
    int err = wsm__fold_prepare(hub, fold);
    if (err) return err;
    wsm__verdict verdict = {.err = fold->refusal,
                            .field = fold->field,
                            .message = fold->why,
                            .offset = fold->offset,
                            .result = fold->head.result};
    if (fold->refusal) {
        err = pass_over(hub, pending, fold, &verdict);
        wsm__fold_abandon(hub, fold);
        return err;
    }
    err = take_in(hub, fold);
    if (!err && fold->told) hub->told_to = fold->offset;
    if (!err && is_ours) settle(hub, wsm__append_find(hub, number), fold, &verdict); /* callbacks ran: look again */
    forget_told(hub, fold);
    return err;
}

/* The first one of a record's id, if that makes the record void. What its writer had applied did not know the id, or
 * the head says so: an entry of that time would be one that the table had let go, if nothing had broken. */
static const wsm__dedup_entry *first_of(const wsm_hub *hub, const wsm__fold *fold) {
    const wsm__record_head *head = &fold->head;
    if (fold->fate == WSM__FATE_RECORD) return NULL;
    const wsm__dedup_entry *seen = wsm__dedup_find(&hub->dedup, head->sender, head->id, head->time_ms);
    bool was_new = seen && head->has_at && !head->is_again && seen->offset <= head->at;
    return was_new ? NULL : seen;
}

static int apply_read(wsm_hub *hub, wsm__pending *pending, wsm__fold *fold) {
    const wsm__record_head *head = &fold->head;
    if (fold->fate == WSM__FATE_VOID) return pass_over(hub, NULL, fold, NULL);
    fold->context = wsm__log_context(&hub->records, head->context_id);
    fold->also = head->also.ptr ? wsm__log_context(&hub->records, head->also) : NULL;
    const wsm__dedup_entry *seen = first_of(hub, fold);
    return seen ? apply_seen(hub, pending, fold, seen) : apply_fold(hub, pending, fold);
}

static int apply_one(wsm_hub *hub, uint64_t offset, wsm_slice bytes) {
    wsm__fold fold = {.offset = offset};
    wsm__record_head *head = &fold.head;
    if (bytes.len == 0 || wsm__record_parse(bytes, NULL, head, &fold.body)) return wsm__apply_corrupt(hub, offset);
    wsm__pending *pending = pending_of(hub, head, bytes);
    if (!pending && wsm__record_parse(bytes, &hub->log_scan_limits, head, &fold.body))
        return wsm__apply_corrupt(hub, offset);
    int err = hub->records.broken > 0 ? wsm__ahead_ask(hub, &fold) : WSM_OK;
    if (err) return err;
    if (pending && head->result.ptr) /* what the answer will say must live as long as the pending */
        head->result = wsm__slice(pending->bytes + (head->result.ptr - bytes.ptr), head->result.len);
    err = apply_read(hub, pending, &fold);
    if (!err) wsm__fates_count(&hub->records.untold, &hub->mem, head);
    return err;
}

/* A record that the snapshot holds already: only its id is missing. */
static int refold(wsm_hub *hub, const wsm_record *record) {
    wsm__record_head head;
    wsm_slice body, bytes = wsm__slice(record->bytes, record->len);
    bool is_void = wsm__log_is_void(&hub->records, record->offset);
    if (!is_void && bytes.len > 0 && wsm__record_parse(bytes, NULL, &head, &body) == 0) {
        int err = note_id(hub, &head, record->offset);
        if (err) return err;
    } else if (!is_void) {
        hub->records.broken++; /* its id is missing in the table */
    }
    wsm__log_pass(&hub->records, record->offset); /* what is missing before it took its id along */
    return WSM_OK;
}

int wsm__apply(wsm_hub *hub, const wsm_record *record) {
    if (record->offset <= hub->refold_to && record->offset > hub->records.applied) return refold(hub, record);
    if (record->offset > hub->refold_to && hub->records.applied < hub->refold_to)
        wsm__log_pass(&hub->records, hub->refold_to);
    if (record->offset > hub->records.applied + 1) {
        int err = wsm__hole_fill(hub, record->offset - 1);
        if (err) return err;
    }
    if (record->offset <= hub->records.applied) return WSM_OK;
    return apply_one(hub, record->offset, wsm__slice(record->bytes, record->len));
}
