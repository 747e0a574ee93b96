/* Pages of the log's store: at most so many asked at a time, the others wait their turn. And what the host asks for
 * itself, wsm_records_read. */
#include "hub/hub.h"

#define HOST_LIMIT     100u
#define HOST_LIMIT_MAX 1024u

wsm__read *wsm__read_find(const wsm_hub *hub, uint64_t id) {
    for (wsm__list *node = hub->readers.next; node != &hub->readers; node = node->next) {
        wsm__read *read = WSM__CONTAINER(node, wsm__read, node);
        if (read->is_sent && read->id == id) return read;
    }
    return NULL;
}

void wsm__read_end(wsm_hub *hub, wsm__read *read) {
    if (read->is_sent) hub->reads_active--;
    wsm__list_remove(&read->node);
    wsm__free(&hub->mem, read, sizeof *read);
    wsm__read_next(hub);
}

static void fail(wsm_hub *hub, wsm__read *read, int err) {
    wsm_conn *conn = read->for_host ? NULL : wsm__peer_of(hub, read->slot, read->gen);
    if (read->for_host) {
        wsm_page page = {.tag = read->tag, .err = err, .epoch = hub->epoch, .next_after = read->after};
        wsm__call_page(hub, &page);
    }
    if (conn) wsm__peer_shut(conn, 1013, NULL); /* it comes back and resumes where it was */
}

/* Hands on as many as may be asked at a time. A log that refuses is not asked again in the same breath. */
void wsm__read_next(wsm_hub *hub) {
    uint32_t most = hub->config.replays_max ? hub->config.replays_max : UINT32_MAX;
    wsm__list *next;
    for (wsm__list *node = hub->readers.next; node != &hub->readers && hub->reads_active < most; node = next) {
        wsm__read *read = WSM__CONTAINER(node, wsm__read, node);
        next = node->next;
        if (read->is_sent) continue;
        read->is_sent = true;
        read->id = ++hub->next_read;
        hub->reads_active++;
        hub->count.pages_read++;
        int err = wsm__call_log_read(hub, read);
        if (!err) continue;
        hub->reads_active--;
        wsm__list_remove(&read->node);
        fail(hub, read, err);
        wsm__free(&hub->mem, read, sizeof *read);
        return;
    }
}

void wsm__read_ask(wsm_hub *hub, wsm__read *read) {
    wsm__list_init(&read->node);
    wsm__list_push(&hub->readers, &read->node);
    wsm__read_next(hub);
}

/* The message of a record from the store. NULL: it has none; then *err is 0 for a void one or one of another context,
 * WSM_ERR_LOG_CORRUPT for a broken one, or WSM_ERR_NOMEM. `*seq` stays 0 unless there is a message. */
wsm__frame *wsm__read_frame(wsm_hub *hub, const wsm_record *record, uint64_t *seq, wsm__record_head *head, int *err) {
    wsm_slice body;
    char *payload;
    *err = WSM_OK;
    if (wsm__log_is_void(&hub->records, record->offset)) {
        uint64_t corrupt = wsm__log_next_corrupt(&hub->records, record->offset - 1);
        if (corrupt == record->offset) *err = WSM_ERR_LOG_CORRUPT;
        return NULL;
    }
    *err = record->len ? wsm__record_parse(wsm__slice(record->bytes, record->len), &hub->log_scan_limits, head, &body)
                       : WSM_ERR_LOG_CORRUPT;
    if (*err) {
        *err = WSM_ERR_LOG_CORRUPT;
        return NULL;
    }
    wsm__context *context = wsm__log_context(&hub->records, head->context_id);
    if (!context) return NULL;
    *seq = wsm__log_number_at(context, record->offset, head->expected_seq);
    wsm__frame *frame =
        wsm__frame_new(&hub->mem, 1, wsm__record_message_len(head->type, record->offset, *seq, body), &payload);
    if (frame)
        wsm__record_message_write(payload, head->type, record->offset, *seq, body);
    else
        *err = WSM_ERR_NOMEM;
    return frame;
}

/* ---- for the host ---------------------------------------------------------------------------------------------------
 */

static void send_page(wsm_hub *hub, const wsm__read *read, wsm__frame **frames, size_t count, uint64_t next,
                      uint64_t trimmed) {
    wsm_slice messages[HOST_LIMIT_MAX];
    for (size_t i = 0; i < count; i++) messages[i] = wsm__frame_payload(frames[i]);
    wsm_page page = {.tag = read->tag,
                     .epoch = hub->epoch,
                     .messages = messages,
                     .count = count,
                     .next_after = next,
                     .more = next < hub->records.applied,
                     .trimmed_to = trimmed};
    wsm__call_page(hub, &page);
    for (size_t i = 0; i < count; i++) wsm__frame_unref(frames[i]);
}

static void page_of_memory(wsm_hub *hub, const wsm__read *read) {
    wsm__frame *frames[HOST_LIMIT_MAX];
    size_t count = 0;
    uint64_t at = read->after;
    while (count < read->limit) {
        wsm__entry *entry = wsm__log_next(&hub->records, at);
        if (!entry) {
            at = hub->records.applied > at ? hub->records.applied : at;
            break;
        }
        at = entry->offset;
        if (read->reads_main) frames[count++] = wsm__frame_ref(entry->frame);
    }
    send_page(hub, read, frames, count, at, read->trimmed_to);
}

void wsm__records_page(wsm_hub *hub, wsm__read *read, const wsm_record *records, size_t count, int outcome) {
    wsm__frame *frames[HOST_LIMIT_MAX];
    size_t kept = 0;
    uint64_t at = read->after, trimmed = 0;
    wsm__record_head head;
    if (count > 0 && records[0].offset > at + 1) trimmed = records[0].offset - 1;
    for (size_t i = 0; i < count && outcome == 0 && kept < read->limit; i++) {
        uint64_t seq = 0;
        int err = 0;
        wsm__frame *frame = wsm__read_frame(hub, &records[i], &seq, &head, &err);
        if (err == WSM_ERR_NOMEM) outcome = err;
        if (frame) frames[kept++] = frame;
        at = records[i].offset;
    }
    if (outcome < 0) {
        for (size_t i = 0; i < kept; i++) wsm__frame_unref(frames[i]);
        fail(hub, read, outcome);
    } else if (count == 0) {
        at = trimmed = read->to;
        send_page(hub, read, frames, 0, at, trimmed);
    } else {
        send_page(hub, read, frames, kept, at, trimmed);
    }
    wsm__read_end(hub, read);
}

static bool may_read_main(wsm_hub *hub, const wsm_claims *claims, int *err) {
    wsm__identity identity = {0};
    *err = WSM_OK;
    if (!claims) return true;
    *err = wsm__identity_copy(&identity, &hub->mem, claims);
    if (*err) return false;
    bool may = wsm__identity_may_read(&identity, wsm__slice_str("main"));
    wsm__identity_fini(&identity, &hub->mem);
    return may;
}

int wsm_records_read(wsm_hub *hub, const wsm_claims *claims, uint64_t after, size_t limit, uint64_t tag) {
    int err;
    if (!hub || limit > HOST_LIMIT_MAX) return WSM_ERR_INVALID;
    if (!hub->is_ready) return WSM_ERR_BUSY;
    bool reads_main = may_read_main(hub, claims, &err);
    if (err) return err;
    wsm__read read = {
        .for_host = true, .tag = tag, .after = after, .limit = limit ? limit : HOST_LIMIT, .reads_main = reads_main};
    wsm__turn_enter(hub);
    bool is_old = reads_main && hub->main->trimmed_to > after;
    uint64_t from = after + 1 < hub->store_first ? hub->store_first : after + 1;
    if (is_old && hub->log.read && from <= hub->main->trimmed_to) {
        wsm__read *asked = wsm__alloc(&hub->mem, sizeof *asked);
        if (asked) {
            *asked = read;
            asked->from = from;
            asked->to = hub->main->trimmed_to;
            asked->records_max = read.limit;
            asked->bytes_max = hub->config.replay_page_bytes;
            wsm__read_ask(hub, asked);
        } else {
            err = WSM_ERR_NOMEM;
        }
    } else {
        if (is_old) read.trimmed_to = read.after = hub->main->trimmed_to;
        page_of_memory(hub, &read);
    }
    wsm__turn_leave(hub);
    return err;
}
