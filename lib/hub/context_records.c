/* context_request with `records`: a page of the records of a context, its own or those that it has inherited, which its
 * members may read though they never belonged to the context that made them (views: sidebar/inherit.h).
 *
 * A page costs the same wherever it begins: a run of memory, or one page of the log's store, and then what memory holds
 * behind it. It may end before it is full, and `more` says so. What nobody can read any more stands in `gaps`. */
#include "hub/sides.h"
#include "limits.h"

#define PULL_USUAL 100u
#define PULL_BYTES 65536u /* of records; one is sent in any case */
#define PULL_GAPS  64u

struct wsm__pull_job {
    wsm__origin origin;
    wsm__side *side, *of;
    uint32_t who;
    uint64_t at, to; /* looked at up to here; the last one that is seen */
    uint64_t count, limit, gaps_count;
    size_t paid, used; /* bytes of the pace that the agent has */
    bool is_full;
    wsm__buf records, gaps; /* arrays, not closed yet */
};

typedef struct wsm__pull_job pull_job;

static void job_free(wsm_hub *hub, pull_job *job) {
    wsm__buf_fini(&job->records);
    wsm__buf_fini(&job->gaps);
    wsm__free(&hub->mem, job, sizeof *job);
}

void wsm__pull_drop(wsm_hub *hub, wsm__read *read) {
    if (read->pull) job_free(hub, read->pull);
    read->pull = NULL;
}

/* ---- the page -------------------------------------------------------------------------------------------------------
 */

static void add_gap(pull_job *job, uint64_t from, uint64_t to, const char *reason) {
    wsm__json_out one;
    wsm__buf_putc(&job->gaps, job->gaps_count > 0 ? ',' : '[');
    wsm__json_open(&one, &job->gaps);
    wsm__json_num(&one, "from_offset", from);
    wsm__json_num(&one, "to_offset", to);
    wsm__json_str(&one, "reason", wsm__slice_str(reason));
    wsm__json_close(&one);
    job->at = to;
    if (++job->gaps_count == PULL_GAPS) job->is_full = true;
}

static bool may_see(const wsm_hub *hub, const pull_job *job, uint64_t offset) {
    if (job->of != job->side) /* a view shows a run of offsets to all, but what names a secret */
        return !wsm__side_names_secrets(&hub->tree, job->of, job->who, offset) &&
               (offset != job->of->born || !wsm__side_birth_names_secrets(&hub->tree, job->of, job->who));
    return job->who == WSM__AGENT_HUB || wsm__tree_sees(&hub->tree, job->side, job->who, offset);
}

/* From elsewhere it is shown without its number: where one is missing, a record was withheld that names a secret. */
static void put_record(pull_job *job, wsm_slice text) {
    size_t len = 0, at = job->of == job->side ? 0 : wsm__record_message_seq(text, &len);
    wsm__buf_put_slice(&job->records, wsm__slice(text.ptr, at));
    wsm__buf_put_slice(&job->records, wsm__slice(text.ptr + at + len, text.len - at - len));
}

/* False: the page is full without it. */
static bool add_record(const wsm_hub *hub, pull_job *job, const wsm__frame *frame, uint64_t offset) {
    if (!may_see(hub, job, offset)) return true;
    wsm_slice text = wsm__frame_payload(frame);
    job->is_full = job->count == job->limit || (job->count > 0 && job->records.len + text.len > PULL_BYTES);
    if (job->is_full) return false;
    wsm__buf_putc(&job->records, job->count++ > 0 ? ',' : '[');
    put_record(job, text);
    return true;
}

/* Broken records before `offset`; whose they were is not known. */
static void add_corrupt(const wsm_hub *hub, pull_job *job, uint64_t offset) {
    uint64_t corrupt;
    while (!job->is_full && (corrupt = wsm__log_next_corrupt(&hub->records, job->at)) != 0 && corrupt < offset)
        add_gap(job, corrupt, corrupt, "corrupt");
}

static void add_from_memory(wsm_hub *hub, pull_job *job) {
    const wsm__context *context = job->of->context;
    const wsm__entry *entry = wsm__log_next_in(context, job->at);
    while (!job->is_full && entry && entry->offset <= job->to) {
        add_corrupt(hub, job, entry->offset);
        if (job->is_full || !add_record(hub, job, entry->frame, entry->offset)) break;
        job->at = entry->offset;
        const wsm__list *next = entry->in_context.next;
        entry = next == &context->entries ? NULL : WSM__CONTAINER(next, wsm__entry, in_context);
    }
    if (!job->is_full) add_corrupt(hub, job, job->to + 1);
    if (!job->is_full) job->at = job->to;
}

/* ---- the answer -----------------------------------------------------------------------------------------------------
 */

static void close_array(wsm__buf *buf) {
    if (buf->len == 0) wsm__buf_putc(buf, '[');
    wsm__buf_putc(buf, ']');
}

static wsm_slice text_of(const wsm__buf *buf) {
    return wsm__slice(buf->ptr, buf->len);
}

static void answer_conn(wsm_hub *hub, const pull_job *job, wsm_conn *conn) {
    wsm__encoder enc;
    wsm__verdict verdict = {.err = WSM_OK};
    wsm__answer_begin(hub, &enc, WSM__MSG_CONTEXT_RECORDS);
    wsm__encode_str(&enc, "context_id", wsm__side_id(job->side));
    if (job->origin.has_id) wsm__encode_str(&enc, "cause", wsm__slice(job->origin.message_id, WSM__UUID_LEN));
    wsm__encode_str(&enc, "of", wsm__side_id(job->of));
    wsm__encode_raw(&enc, "records", text_of(&job->records));
    wsm__encode_num(&enc, "next_after", job->at);
    wsm__encode_bool(&enc, "more", job->at < job->to);
    wsm__encode_raw(&enc, "gaps", text_of(&job->gaps));
    wsm__encode_end(&enc);
    wsm__peer_notice(conn, WSM__LANE_NORMAL);
    wsm__answer(hub, &job->origin, &verdict);
}

static void answer_host(wsm_hub *hub, const pull_job *job) {
    wsm__buf buf;
    wsm__json_out out;
    wsm__buf_init(&buf, &hub->mem, 0);
    wsm__json_open(&out, &buf);
    wsm__json_str(&out, "context_id", wsm__side_id(job->side));
    wsm__json_str(&out, "of", wsm__side_id(job->of));
    wsm__json_raw(&out, "records", text_of(&job->records));
    wsm__json_num(&out, "next_after", job->at);
    wsm__json_bool(&out, "more", job->at < job->to);
    wsm__json_raw(&out, "gaps", text_of(&job->gaps));
    wsm__json_close(&out);
    wsm__verdict verdict = {.err = buf.err ? WSM_ERR_NOMEM : WSM_OK, .result = wsm__slice(buf.ptr, buf.len)};
    wsm__answer(hub, &job->origin, &verdict);
    wsm__buf_fini(&buf);
}

/* What was paid for and not needed goes back. */
void wsm__pull_settle(wsm_conn *conn, size_t paid, size_t used) {
    if (conn && conn->agent && paid > used) wsm__bucket_give(&conn->agent->replay, (uint32_t)(paid - used));
}

static void finish(wsm_hub *hub, pull_job *job, int err) {
    bool is_conn = job->origin.kind == WSM__ORIGIN_CONN;
    wsm_conn *conn = is_conn ? wsm__peer_of(hub, job->origin.slot, job->origin.gen) : NULL;
    job->used += job->records.len;
    wsm__pull_settle(conn, job->paid, job->used);
    close_array(&job->records);
    close_array(&job->gaps);
    if (job->records.err || job->gaps.err) err = WSM_ERR_NOMEM;
    if (!err && is_conn && (!conn || conn->phase != WSM__PHASE_LIVE)) err = WSM_ERR_CLOSED;
    if (err)
        wsm__answer_error(hub, &job->origin, err, NULL, NULL);
    else if (conn)
        answer_conn(hub, job, conn);
    else
        answer_host(hub, job);
    job_free(hub, job);
}

/* ---- reading --------------------------------------------------------------------------------------------------------
 */

/* Asks the store for what has left memory. False: it has nothing of it, which is told as a gap. */
static bool ask_store(wsm_hub *hub, pull_job *job) {
    uint64_t trimmed = job->of->context->trimmed_to, first = hub->log.read ? hub->store_first : UINT64_MAX;
    uint64_t to = trimmed < job->to ? trimmed : job->to;
    if (job->at >= to) return false;
    if (job->at + 1 < first) add_gap(job, job->at + 1, to < first ? to : first - 1, "trimmed");
    if (job->at >= to) return false;
    wsm__read *read = wsm__zalloc(&hub->mem, sizeof *read);
    if (!read) {
        finish(hub, job, WSM_ERR_NOMEM);
        return true;
    }
    *read = (wsm__read){.from = job->at + 1,
                        .to = to,
                        .records_max = hub->config.replay_page_records,
                        .bytes_max = hub->config.replay_page_bytes / 4,
                        .pull = job};
    wsm__read_ask(hub, read);
    return true;
}

static int add_page(wsm_hub *hub, pull_job *job, const wsm_record *records, size_t count) {
    for (size_t i = 0; i < count && !job->is_full && records[i].offset <= job->to; i++) {
        wsm__stored stored;
        bool is_added = true;
        if (records[i].offset <= job->at) continue;
        if (records[i].offset > job->at + 1) add_gap(job, job->at + 1, records[i].offset - 1, "trimmed");
        if (job->is_full) break;
        job->used += records[i].len;
        int err = wsm__read_record(hub, &records[i], &stored);
        if (err == WSM_ERR_NOMEM) return err;
        if (err) add_gap(job, records[i].offset, records[i].offset, "corrupt");
        if (!err && stored.frame && stored.context == job->of->context)
            is_added = add_record(hub, job, stored.frame, records[i].offset);
        wsm__read_release(hub, &stored);
        if (is_added) job->at = records[i].offset;
    }
    return WSM_OK;
}

/* Much may have happened while the store was read: the asker may have gone, or been removed. */
static wsm__no still_no(const wsm_hub *hub, const pull_job *job) {
    return wsm__rights_no(&hub->tree, job->side, job->who, WSM__OP_READ, "context_id");
}

void wsm__pull_page(wsm_hub *hub, wsm__read *read, const wsm_record *records, size_t count, int outcome) {
    pull_job *job = read->pull;
    uint64_t to = read->to;
    read->pull = NULL;
    wsm__read_end(hub, read);
    wsm__no no = still_no(hub, job);
    if (outcome < 0 && outcome != WSM_ERR_NOMEM) outcome = WSM_ERR_STORE_FAILED;
    if (outcome == 0) outcome = no.err;
    if (outcome == 0) outcome = add_page(hub, job, records, count);
    if (outcome == 0 && count == 0) add_gap(job, job->at + 1, to, "trimmed");
    if (outcome < 0) {
        finish(hub, job, outcome);
        return;
    }
    if (!job->is_full && job->at >= to && to < job->to && job->of->context->trimmed_to <= to) add_from_memory(hub, job);
    finish(hub, job, WSM_OK);
}

void wsm__pull_failed(wsm_hub *hub, wsm__read *read, int err) {
    pull_job *job = read->pull;
    read->pull = NULL;
    finish(hub, job, err == WSM_ERR_NOMEM ? err : WSM_ERR_STORE_FAILED);
}

/* ---- the request ----------------------------------------------------------------------------------------------------
 */

static wsm__json_value wanted(const wsm__command *command, const char *name) {
    size_t at = 0;
    wsm__json_member member;
    wsm__json_value object = wsm__message_field(command->message, "records");
    while (wsm__json_next_member(object.raw, &at, &member))
        if (wsm__json_key_is(member.key, name) && member.value.kind != WSM__JSON_NULL) return member.value;
    return (wsm__json_value){0};
}

static uint64_t number(const wsm__command *command, const char *name, uint64_t if_absent) {
    uint64_t value = if_absent;
    wsm__json_value field = wanted(command, name);
    if (field.kind) wsm__json_u64(field, UINT64_MAX, &value);
    return value;
}

/* What it asks for: its own records, or a view. One that is not inherited is as one that is not there. */
static wsm__no aim(const wsm_hub *hub, const wsm__command *command, pull_job *job) {
    char room[WSM__CONTEXT_ID_MAX];
    wsm__json_value name = wanted(command, "of");
    long len = name.kind ? wsm__json_string_decode(name.raw, room, sizeof room) : 0;
    const wsm__context *context = len > 0 ? wsm__context_named(hub, wsm__slice(room, (size_t)len)) : NULL;
    wsm__side *of = name.kind ? wsm__tree_of(&hub->tree, context) : job->side;
    const wsm__view *view = NULL;
    for (uint32_t i = 0; of != job->side && i < job->side->views_count; i++)
        if (of && job->side->views[i].of == of) view = &job->side->views[i];
    if (of != job->side && !view)
        return (wsm__no){WSM_ERR_NOT_FOUND, "records", "of: nothing of such a context is inherited here"};
    if (command->conn && !wsm__identity_may_read(&command->conn->identity, wsm__side_id(of)))
        return (wsm__no){WSM_ERR_FORBIDDEN, "records", "of: the token does not let you read that context"};
    uint64_t from = of->born;
    if (view && view->from > from) from = view->from;
    job->of = of;
    job->to = view ? view->up_to : of->active;
    job->at = from > 0 ? from - 1 : 0;
    if (number(command, "after", 0) > job->at) job->at = number(command, "after", 0);
    if (view && view->mode >= WSM__INHERIT_REFS) job->at = job->to; /* data references alone */
    if (job->at > job->to) job->at = job->to;
    job->limit = number(command, "limit", PULL_USUAL);
    return (wsm__no){WSM_OK, NULL, NULL};
}

/* Reading is paced like a replay. False: answered. */
bool wsm__pull_pay(wsm_hub *hub, const wsm__command *command, uint32_t want, size_t *paid) {
    uint32_t burst = hub->config.replay_bytes_per_min, rate = burst / 60 > 0 ? burst / 60 : 1;
    if (burst == 0 || !command->conn || !command->agent) return true;
    if (want > burst) want = burst;
    *paid = want;
    if (wsm__bucket_take(&command->agent->replay, hub->now, rate, burst, want)) return true;
    *paid = 0;
    wsm__verdict verdict = {.err = WSM_ERR_RATE_LIMITED,
                            .retry_after_ms =
                                1 + wsm__bucket_wait(&command->agent->replay, hub->now, rate, burst, want)};
    wsm__answer(hub, command->origin, &verdict);
    return false;
}

void wsm__context_records(wsm_hub *hub, const wsm__command *command, wsm__side *side, uint32_t who) {
    pull_job *job = wsm__zalloc(&hub->mem, sizeof *job);
    if (!job) {
        wsm__answer_error(hub, command->origin, WSM_ERR_NOMEM, NULL, NULL);
        return;
    }
    *job = (pull_job){.origin = *command->origin, .side = side, .who = who};
    wsm__buf_init(&job->records, &hub->mem, 0);
    wsm__buf_init(&job->gaps, &hub->mem, 0);
    wsm__no no = aim(hub, command, job);
    if (no.err) wsm__side_refuse(hub, command, &no);
    bool is_stored = !no.err && job->of->context->trimmed_to > job->at;
    uint32_t want = is_stored ? hub->config.replay_page_bytes / 4 : PULL_BYTES;
    if (no.err || !wsm__pull_pay(hub, command, want, &job->paid)) {
        job_free(hub, job);
        return;
    }
    if (ask_store(hub, job)) return;
    if (!job->is_full) add_from_memory(hub, job);
    finish(hub, job, WSM_OK);
}
