/* Pages of the log's store: at most so many asked at a time, the others wait their turn. And what the host asks for
 * itself, wsm_records_read. */
#include "hub/hub.h"
#include "hub/mentions.h"

#define HOST_LIMIT     100u
#define HOST_LIMIT_MAX 1024u
#define PAGE_PART      16u /* of the budget: a page has to be copied */

wsm__read *wsm__read_find(const wsm_hub *hub, uint64_t id) {
    for (wsm__list *node = hub->readers.next; node != &hub->readers; node = node->next) {
        wsm__read *read = WSM__CONTAINER(node, wsm__read, node);
        if (read->is_sent && read->id == id) return read;
    }
    return NULL;
}

void wsm__read_free(wsm_hub *hub, wsm__read *read) {
    wsm__list_remove(&read->node);
    wsm__merge_drop(hub, read);
    wsm__pull_drop(hub, read);
    wsm__sum_drop(hub, read);
    wsm__identity_fini(&read->identity, &hub->mem);
    wsm__free(&hub->mem, read, sizeof *read);
}

void wsm__read_end(wsm_hub *hub, wsm__read *read) {
    if (read->is_sent) hub->reads_active--;
    wsm__read_free(hub, read);
    wsm__read_next(hub);
}

static void fail(wsm_hub *hub, wsm__read *read, int err) {
    bool is_for_conn = !read->for_host && !read->merge && !read->pull && !read->sum;
    wsm_conn *conn = is_for_conn ? wsm__peer_of(hub, read->slot, read->gen) : NULL;
    if (read->merge) wsm__merge_failed(hub, read, err);
    if (read->pull) wsm__pull_failed(hub, read, err);
    if (read->sum) wsm__sum_failed(hub, read, err);
    if (read->for_host) {
        wsm_page page = {.tag = read->tag, .err = err, .epoch = hub->epoch, .next_after = read->after};
        wsm__call_page(hub, &page);
    }
    if (conn && read->for_delivery) {
        conn->reads_mail = false;
        wsm__peer_rearm(conn, hub->now + WSM__RETRY_MS);
        return;
    }
    if (conn) wsm__peer_shut(conn, 1013, NULL); /* it comes back and resumes where it was */
}

/* Hands on as many as may be asked at a time. A log that refuses is not asked again in the same breath, but soon: the
 * others that wait have nobody else to wake them. */
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
        wsm__read_free(hub, read);
        wsm__turn_chores_soon(hub, WSM__RETRY_MS);
        return;
    }
}

size_t wsm__read_most(const wsm_hub *hub, size_t bytes) {
    size_t most = hub->mem.budget / PAGE_PART;
    return most > 0 && bytes > most ? most : bytes;
}

/* A page that cannot be held is refused, offered again, and holds up what the log has to say after it. */
void wsm__read_ask(wsm_hub *hub, wsm__read *read) {
    read->bytes_max = wsm__read_most(hub, read->bytes_max);
    wsm__list_init(&read->node);
    wsm__list_push(&hub->readers, &read->node);
    wsm__read_next(hub);
}

int wsm__read_record(wsm_hub *hub, const wsm_record *record, wsm__stored *stored) {
    wsm__record_head head;
    wsm_slice body;
    char *payload;
    *stored = (wsm__stored){0};
    if (wsm__log_is_void(&hub->records, record->offset))
        return wsm__log_next_corrupt(&hub->records, record->offset - 1) == record->offset ? WSM_ERR_LOG_CORRUPT
                                                                                          : WSM_OK;
    if (record->len == 0 ||
        wsm__record_parse(wsm__slice(record->bytes, record->len), &hub->log_scan_limits, &head, &body))
        return WSM_ERR_LOG_CORRUPT;
    wsm__context *context = wsm__log_context(&hub->records, head.context_id);
    if (!context || wsm__audience_is_silent(head.type)) return WSM_OK;
    wsm__context *also = head.also.ptr ? wsm__log_context(&hub->records, head.also) : NULL;
    uint64_t seq = context == hub->mail ? 0 : wsm__log_number_at(context, record->offset, head.expected_seq);
    if (wsm__audience_reach(hub, &head, also, &stored->reach)) return WSM_ERR_NOMEM;
    if (stored->reach && context == hub->mail) stored->reach->about = wsm__delivery_subject(hub, context, body);
    size_t len = wsm__record_message_len(head.type, record->offset, seq, body);
    stored->frame = wsm__frame_new(&hub->mem, 1, len, &payload);
    if (!stored->frame) {
        wsm__read_release(hub, stored);
        return WSM_ERR_NOMEM;
    }
    wsm__record_message_write(payload, head.type, record->offset, seq, body);
    wsm__audience_mark(stored->frame, context, stored->reach);
    stored->context = context;
    stored->seq = seq;
    stored->priority = head.priority;
    return WSM_OK;
}

void wsm__read_release(wsm_hub *hub, wsm__stored *stored) {
    wsm__frame_unref(stored->frame);
    wsm__reach_free(&hub->mem, stored->reach);
    *stored = (wsm__stored){0};
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
        if (wsm__audience_may_have(hub, &read->reader, entry->context, entry->reach, entry->offset))
            frames[count++] = wsm__frame_ref(entry->frame);
    }
    send_page(hub, read, frames, count, at, read->trimmed_to);
}

void wsm__records_page(wsm_hub *hub, wsm__read *read, const wsm_record *records, size_t count, int outcome) {
    wsm__frame *frames[HOST_LIMIT_MAX];
    size_t kept = 0;
    uint64_t at = read->after, trimmed = 0;
    wsm__stored stored;
    if (count > 0 && records[0].offset > at + 1) trimmed = records[0].offset - 1;
    for (size_t i = 0; i < count && outcome == 0 && kept < read->limit; i++) {
        if (wsm__read_record(hub, &records[i], &stored) == WSM_ERR_NOMEM) outcome = WSM_ERR_NOMEM;
        if (stored.frame && wsm__audience_may_have(hub, &read->reader, stored.context, stored.reach, records[i].offset))
            frames[kept++] = wsm__frame_ref(stored.frame);
        wsm__read_release(hub, &stored);
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

/* Who asks: the host, or one whom the host names by his claims, which are copied. */
static int reader_of(wsm_hub *hub, const wsm_claims *claims, wsm__read *read) {
    read->reader = (wsm__reader){.is_host = !claims, .agent = WSM__ROSTER_NONE};
    if (!claims) return WSM_OK;
    int err = wsm__identity_copy(&read->identity, &hub->mem, claims);
    if (err) return err;
    read->reader.agent = wsm__roster_find(&hub->roster, read->identity.claims.sub);
    read->reader.reads_main = wsm__identity_may_read(&read->identity, wsm__slice_str("main"));
    return WSM_OK;
}

/* Up to where what he may see has left memory. */
static uint64_t trimmed_for(const wsm_hub *hub, const wsm__reader *reader) {
    uint64_t trimmed = 0;
    for (uint32_t i = 0; i < wsm__log_context_count(&hub->records); i++) {
        const wsm__context *context = wsm__log_context_at(&hub->records, i);
        bool may = reader->is_host || (context == hub->mail ? reader->agent != WSM__ROSTER_NONE
                                                            : wsm__audience_reads(hub, reader, context));
        if (may && context->trimmed_to > trimmed) trimmed = context->trimmed_to;
    }
    return trimmed;
}

int wsm_records_read(wsm_hub *hub, const wsm_claims *claims, uint64_t after, size_t limit, uint64_t tag) {
    if (!hub || limit > HOST_LIMIT_MAX) return WSM_ERR_INVALID;
    if (!hub->is_ready) return WSM_ERR_BUSY;
    wsm__read *read = wsm__zalloc(&hub->mem, sizeof *read);
    if (!read) return WSM_ERR_NOMEM;
    *read = (wsm__read){.for_host = true, .tag = tag, .after = after, .limit = limit ? limit : HOST_LIMIT};
    int err = reader_of(hub, claims, read);
    if (err) {
        wsm__free(&hub->mem, read, sizeof *read);
        return err;
    }
    if (claims) read->reader.identity = &read->identity;
    wsm__turn_enter(hub);
    wsm__list_init(&read->node);
    uint64_t trimmed = trimmed_for(hub, &read->reader);
    uint64_t from = after + 1 < hub->store_first ? hub->store_first : after + 1;
    if (trimmed > after && hub->log.read && from <= trimmed) {
        read->from = from;
        read->to = trimmed;
        read->records_max = read->limit;
        read->bytes_max = hub->config.replay_page_bytes;
        wsm__read_ask(hub, read);
    } else {
        if (trimmed > after) read->trimmed_to = read->after = trimmed;
        page_of_memory(hub, read);
        wsm__read_free(hub, read);
    }
    wsm__turn_leave(hub);
    return WSM_OK;
}
