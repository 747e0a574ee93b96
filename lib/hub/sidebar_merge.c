/* sidebar_merge: the record carries everything whole, so the sidebar's records are read first: from memory, or, what
 * has left it, page by page from the log. Meanwhile the command waits, and is checked again when they are there. */
#include "hub/sides.h"
#include "proto/phrase.h"

#define FINDINGS_MAX 65536u /* bytes that the host may write */

struct wsm__merge_job {
    wsm__content content;
    uint64_t *offsets; /* that the sender wants; owned, sorted */
    size_t offsets_count;
    wsm__context *context;
    uint64_t next, to; /* of the log still to be read */
    uint64_t asked_at; /* the log's end at that time: of what comes later some may be missing */
    wsm__origin origin;
    size_t name_len, text_len;
    char bytes[]; /* sender, text */
};

typedef struct wsm__merge_job merge_job;

static void job_free(wsm_hub *hub, merge_job *job) {
    wsm__content_fini(&job->content);
    if (job->offsets) wsm__free(&hub->mem, job->offsets, job->offsets_count * sizeof *job->offsets);
    wsm__free(&hub->mem, job, sizeof *job + job->name_len + job->text_len);
}

void wsm__merge_drop(wsm_hub *hub, wsm__read *read) {
    if (read->merge) job_free(hub, read->merge);
    read->merge = NULL;
}

/* ---- what the sender wants ------------------------------------------------------------------------------------------
 */

static int take_offsets(wsm_hub *hub, merge_job *job, wsm_slice list) {
    size_t at = 0, count = 0;
    wsm__json_value value;
    while (wsm__json_next_element(list, &at, &value)) count++;
    if (count == 0) return WSM_OK;
    job->offsets = wsm__alloc(&hub->mem, count * sizeof *job->offsets);
    if (!job->offsets) return WSM_ERR_NOMEM;
    job->offsets_count = count;
    at = 0;
    for (size_t i = 0; i < count && wsm__json_next_element(list, &at, &value); i++) {
        uint64_t offset = 0;
        size_t k = i;
        wsm__json_u64(value, UINT64_MAX, &offset);
        for (; k > 0 && job->offsets[k - 1] > offset; k--) job->offsets[k] = job->offsets[k - 1];
        job->offsets[k] = offset;
    }
    job->content.offsets = job->offsets;
    job->content.offsets_count = count;
    return WSM_OK;
}

static merge_job *job_new(wsm_hub *hub, const wsm__command *command, const wsm__ask *ask) {
    wsm__json_value wanted = wsm__ask_field(ask, "exchanges_to_merge");
    size_t rest = command->sender.len + command->text.len;
    merge_job *made = wsm__zalloc(&hub->mem, sizeof *made + rest);
    if (!made) return NULL;
    made->origin = *command->origin;
    made->context = ask->side->context;
    made->name_len = command->sender.len;
    made->text_len = command->text.len;
    memcpy(made->bytes, command->sender.ptr, made->name_len);
    memcpy(made->bytes + made->name_len, command->text.ptr, made->text_len);
    wsm__json_value findings = wsm__ask_field(ask, "consolidated_findings");
    wsm__content_init(&made->content, &hub->mem, hub->seed, findings.kind == 0);
    if (wanted.kind != WSM__JSON_ARRAY) {
        made->content.takes_all = !wsm__ask_is(ask, "exchanges_to_merge", "none");
    } else if (take_offsets(hub, made, wanted.raw)) {
        job_free(hub, made);
        return NULL;
    }
    return made;
}

/* ---- the record -----------------------------------------------------------------------------------------------------
 */

/* If some of what came after the merge was asked for has left memory unread, all that memory has came behind that: the
 * merge ends where the log ended then, and leaves out nothing in between. */
static int add_from_memory(merge_job *job) {
    uint64_t after = 0;
    const wsm__entry *entry;
    if (job->context->trimmed_to > job->to) return WSM_OK;
    while ((entry = wsm__log_next_in(job->context, after)) != NULL) {
        int err = wsm__content_add(&job->content, wsm__frame_payload(entry->frame));
        if (err) return err;
        after = entry->offset;
    }
    return WSM_OK;
}

static void refuse_size(wsm_hub *hub, const wsm__command *command, size_t bytes) {
    char room[128];
    wsm__phrase why;
    wsm__phrase_init(&why, room, sizeof room);
    wsm__phrase_add(&why, "the merge has ");
    wsm__phrase_add_u64(&why, bytes);
    wsm__phrase_add(&why, " bytes, more than a record may have; merge fewer exchanges");
    wsm__answer_error(hub, command->origin, WSM_ERR_LIMIT, "exchanges_to_merge", room);
}

/* The sender's findings; else the host's; else what the records say. */
static int put_findings(wsm_hub *hub, wsm__buf *buf, const wsm__ask *ask, const merge_job *job) {
    wsm__json_value given = wsm__ask_field(ask, "consolidated_findings");
    wsm__buf exchanges;
    wsm_slice answer;
    if (given.kind) wsm__buf_put_slice(buf, given.raw);
    if (given.kind) return buf->err;
    wsm__content_put_findings(&job->content, buf);
    if (!hub->host.extract_findings || buf->err) return buf->err;
    char *room = wsm__alloc(&hub->mem, FINDINGS_MAX);
    wsm__buf_init(&exchanges, &hub->mem, 0);
    wsm__content_put_exchanges(&job->content, &exchanges);
    int err = !room || exchanges.err ? WSM_ERR_NOMEM : WSM_OK;
    wsm_merge merge = {.size = sizeof merge,
                       .sidebar_id = ask->side->context->id,
                       .exchanges = wsm__slice(exchanges.ptr, exchanges.len),
                       .findings = wsm__slice(buf->ptr, buf->len)};
    if (!err && wsm__call_findings(hub, &merge, room, FINDINGS_MAX, &answer)) {
        wsm__buf_clear(buf);
        wsm__buf_put_slice(buf, answer);
    }
    wsm__buf_fini(&exchanges);
    wsm__free(&hub->mem, room, FINDINGS_MAX);
    return err ? err : buf->err;
}

static void put_body(wsm_hub *hub, const wsm__ask *ask, const merge_job *job, const wsm__record_head *head,
                     const wsm__message *message, wsm_slice findings, wsm__json_out *out) {
    static const char *const own[] = {"consolidated_findings", "exchanges_to_merge", "success", NULL};
    wsm__submit_open(hub, message, head, out);
    wsm__side_relay(out, ask, own);
    wsm__json_bool(out, "success", wsm__ask_field(ask, "success").kind != WSM__JSON_FALSE);
    wsm__side_parent_id(out, ask->side->parent);
    if (ask->side->is_reviewed) wsm__json_str(out, "merge_policy", wsm__slice_str("review"));
    wsm__json_raw(out, "consolidated_findings", findings);
    wsm__json_name(out, "exchanges_to_merge");
    wsm__content_put_exchanges(&job->content, out->buf);
    wsm__json_name(out, "new_data_refs");
    wsm__merge_put_refs(ask->side, out->buf);
    wsm__json_name(out, "conflicts");
    wsm__merge_put_conflicts(ask->side, out->buf);
    wsm__json_name(out, "child_results");
    wsm__merge_put_children(ask->side, out->buf);
}

static void append(wsm_hub *hub, const wsm__command *command, const wsm__ask *ask, const merge_job *job) {
    wsm__record_head head;
    wsm__json_out out;
    wsm__buf findings;
    wsm__side *parent = ask->side->parent;
    if (!wsm__submit_begin(hub, command, &head)) return;
    head.context_id = wsm__side_id(parent);
    head.also = wsm__side_id(ask->side);
    head.priority = wsm__ask_priority(ask, parent);
    wsm__buf_init(&findings, &hub->mem, 0);
    if (put_findings(hub, &findings, ask, job)) {
        wsm__answer_error(hub, command->origin, WSM_ERR_NOMEM, NULL, NULL);
    } else {
        put_body(hub, ask, job, &head, command->message, wsm__slice(findings.ptr, findings.len), &out);
        bool is_too_large = !hub->scratch.err && wsm__submit_room(hub, hub->scratch.len) == WSM_ERR_TOO_LARGE;
        if (is_too_large) refuse_size(hub, command, hub->scratch.len);
        if (is_too_large)
            wsm__buf_clear(&hub->scratch);
        else
            wsm__side_close(hub, &head, &out, command->origin, ask->side, parent);
    }
    wsm__buf_fini(&findings);
}

/* All that has left memory is there: the rest comes from memory, and the record is made. */
static void finish(wsm_hub *hub, const wsm__command *command, const wsm__ask *ask, merge_job *job) {
    int err = add_from_memory(job);
    if (err)
        wsm__answer_error(hub, command->origin, err, NULL, NULL);
    else if (job->content.offsets_count > job->content.found)
        wsm__answer_error(hub, command->origin, WSM_ERR_NOT_FOUND, "exchanges_to_merge",
                          "exchanges_to_merge: not all of them are updates of the sidebar");
    else
        append(hub, command, ask, job);
    job_free(hub, job);
}

/* ---- reading the log ------------------------------------------------------------------------------------------------
 */

/* Decode the kept command once more and check it: much may have happened. */
static void resume(wsm_hub *hub, merge_job *job) {
    wsm__message message;
    wsm__decode_error error;
    wsm__ask ask;
    wsm__command command = {.sender = wsm__slice(job->bytes, job->name_len),
                            .message = &message,
                            .text = wsm__slice(job->bytes + job->name_len, job->text_len),
                            .origin = &job->origin};
    if (job->origin.kind == WSM__ORIGIN_CONN) {
        command.conn = wsm__peer_of(hub, job->origin.slot, job->origin.gen);
        command.agent = command.conn ? command.conn->agent : NULL;
    } else if (!wsm__slice_is(command.sender, "hub")) {
        command.agent = wsm__registry_get(&hub->registry, command.sender);
    }
    bool is_gone = !command.agent && !wsm__slice_is(command.sender, "hub");
    if (is_gone || hub->is_shutting_down || wsm__decode(command.text, &hub->scan_limits, &message, &error)) {
        wsm__answer_error(hub, &job->origin, hub->is_shutting_down ? WSM_ERR_SHUTTING_DOWN : WSM_ERR_CLOSED, NULL,
                          NULL);
        job_free(hub, job);
        return;
    }
    wsm__ask_of_command(&ask, hub, &command);
    wsm__no no = wsm__ask_check(&ask);
    if (no.err) {
        wsm__side_refuse(hub, &command, &no);
        job_free(hub, job);
        return;
    }
    finish(hub, &command, &ask, job);
}

static bool ask_page(wsm_hub *hub, merge_job *job) {
    wsm__read *read = wsm__zalloc(&hub->mem, sizeof *read);
    if (!read) return false;
    *read = (wsm__read){.from = job->next,
                        .to = job->to,
                        .records_max = hub->config.replay_page_records,
                        .bytes_max = hub->config.replay_page_bytes,
                        .merge = job};
    wsm__read_ask(hub, read);
    return true;
}

static void give_up(wsm_hub *hub, merge_job *job, int err) {
    wsm__answer_error(hub, &job->origin, err, NULL, NULL);
    job_free(hub, job);
}

static int add_page(wsm_hub *hub, merge_job *job, const wsm_record *records, size_t count) {
    for (size_t i = 0; i < count && records[i].offset <= job->to; i++) {
        wsm__stored stored;
        int err = wsm__read_record(hub, &records[i], &stored);
        if (err == WSM_ERR_LOG_CORRUPT) err = WSM_OK; /* what is broken was told as a gap */
        if (!err && stored.frame && stored.context == job->context)
            err = wsm__content_add(&job->content, wsm__frame_payload(stored.frame));
        wsm__read_release(hub, &stored);
        if (err) return err;
    }
    return WSM_OK;
}

/* What has left memory while pages were read is read, too. */
static void read_on(merge_job *job) {
    uint64_t left = job->context->trimmed_to;
    if (left > job->asked_at) left = job->asked_at;
    if (left > job->to) job->to = left;
}

void wsm__merge_page(wsm_hub *hub, wsm__read *read, const wsm_record *records, size_t count, int outcome) {
    merge_job *job = read->merge;
    read->merge = NULL;
    wsm__read_end(hub, read);
    if (outcome == 0) outcome = add_page(hub, job, records, count);
    if (outcome < 0) {
        give_up(hub, job, outcome == WSM_ERR_NOMEM ? outcome : WSM_ERR_STORE_FAILED);
        return;
    }
    job->next = count > 0 ? records[count - 1].offset + 1 : job->to + 1;
    read_on(job);
    if (job->next > job->to)
        resume(hub, job);
    else if (!ask_page(hub, job))
        give_up(hub, job, WSM_ERR_NOMEM);
}

void wsm__merge_failed(wsm_hub *hub, wsm__read *read, int err) {
    merge_job *job = read->merge;
    read->merge = NULL;
    give_up(hub, job, err == WSM_ERR_NOMEM ? err : WSM_ERR_STORE_FAILED);
}

void wsm__merge_submit(wsm_hub *hub, const wsm__command *command, wsm__ask *ask) {
    merge_job *job = job_new(hub, command, ask);
    if (!job) {
        wsm__answer_error(hub, command->origin, WSM_ERR_NOMEM, NULL, NULL);
        return;
    }
    bool is_wanted = job->content.takes_all || job->content.offsets_count > 0 || job->content.wants_findings;
    job->next = ask->side->born > hub->store_first ? ask->side->born : hub->store_first;
    job->to = ask->side->context->trimmed_to;
    job->asked_at = hub->records.applied;
    if (!is_wanted || !hub->log.read || job->next > job->to) {
        finish(hub, command, ask, job);
        return;
    }
    if (!ask_page(hub, job)) give_up(hub, job, WSM_ERR_NOMEM);
}
