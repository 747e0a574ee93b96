/* How much a view of long ago holds, where the records that tell have left memory. The tree knows sums at its marks
 * (sidebar/inherit.h), so what has to be read lies between two of them: a few pages of the log's store, however long
 * the log is. They are read one at a time, and paced like a replay. The command that wants to know is parked until its
 * page is there, and is looked at again; what was counted stays with the context, so it goes on from there. */
#include "hub/sides.h"

struct wsm__sum_job {
    uint64_t ticket; /* of the command */
    wsm__origin origin;
    wsm__side *side;
    wsm__mark at;            /* counted up to here */
    uint64_t up_to, records; /* as in wsm__unread */
    uint64_t lost;           /* an offset that cannot be read; 0: none */
    size_t paid, used;       /* bytes of the pace that the agent has */
};

typedef struct wsm__sum_job sum_job;

void wsm__sum_drop(wsm_hub *hub, wsm__read *read) {
    if (read->sum) wsm__free(&hub->mem, read->sum, sizeof *read->sum);
    read->sum = NULL;
}

/* ---- the page -------------------------------------------------------------------------------------------------------
 */

/* Counts on; what is broken, or missing, ends it. */
static int count_page(wsm_hub *hub, sum_job *job, const wsm_record *records, size_t count) {
    uint64_t began = job->at.offset;
    for (size_t i = 0; i < count && records[i].offset <= job->up_to && job->at.records < job->records; i++) {
        wsm__stored stored;
        if (records[i].offset <= job->at.offset) continue;
        job->used += records[i].len;
        int err = wsm__read_record(hub, &records[i], &stored);
        if (err == WSM_ERR_NOMEM) return err;
        if (err || records[i].offset > job->at.offset + 1) job->lost = job->at.offset + 1;
        if (!job->lost) {
            bool is_of_it = stored.frame && stored.context == job->side->context;
            job->at.offset++;
            job->at.records += is_of_it;
            job->at.bytes += is_of_it ? wsm__record_unnumbered_len(wsm__frame_payload(stored.frame)) : 0;
        }
        wsm__read_release(hub, &stored);
        if (job->lost) break;
    }
    if (job->at.offset == began) job->lost = began + 1;
    return WSM_OK;
}

static int learn(wsm_hub *hub, const sum_job *job, uint64_t began) {
    wsm__learnt sum = {.mark = job->at, .is_partial = job->at.offset < job->up_to && job->at.records < job->records};
    int err = job->at.offset > began ? wsm__side_learn(&hub->tree, job->side, began, &sum) : WSM_OK;
    wsm__learnt lost = {.mark = {.offset = job->lost, .records = WSM__UNCOUNTED}};
    return err || !job->lost ? err : wsm__side_learn(&hub->tree, job->side, job->at.offset, &lost);
}

static void settle(wsm_hub *hub, const sum_job *job) {
    bool is_conn = job->origin.kind == WSM__ORIGIN_CONN;
    wsm_conn *conn = is_conn ? wsm__peer_of(hub, job->origin.slot, job->origin.gen) : NULL;
    wsm__pull_settle(conn, job->paid, job->used);
}

void wsm__sum_page(wsm_hub *hub, wsm__read *read, const wsm_record *records, size_t count, int outcome) {
    sum_job job = *read->sum;
    uint64_t began = job.at.offset;
    wsm__read_end(hub, read);
    if (outcome == 0) outcome = count_page(hub, &job, records, count);
    if (outcome == 0) outcome = learn(hub, &job, began);
    settle(hub, &job);
    wsm__parked_has_sum(hub, job.ticket, outcome);
}

void wsm__sum_failed(wsm_hub *hub, wsm__read *read, int err) {
    settle(hub, read->sum);
    wsm__parked_has_sum(hub, read->sum->ticket, err);
}

/* ---- the request ----------------------------------------------------------------------------------------------------
 */

static sum_job *job_new(wsm_hub *hub, const wsm__command *command, const wsm__unread *unread) {
    sum_job *made = wsm__zalloc(&hub->mem, sizeof *made);
    if (!made) return NULL;
    *made = (sum_job){.ticket = ++hub->next_sum,
                      .origin = *command->origin,
                      .side = wsm__tree_of(&hub->tree, unread->side->context),
                      .at = unread->at,
                      .up_to = unread->up_to,
                      .records = unread->records};
    if (made->at.offset + 1 < made->side->born) made->at.offset = made->side->born - 1;
    return made;
}

static void ask_page(wsm_hub *hub, wsm__read *read, sum_job *job) {
    *read = (wsm__read){.from = job->at.offset + 1,
                        .to = job->up_to,
                        .records_max = hub->config.replay_page_records,
                        .bytes_max = hub->config.replay_page_bytes / 4,
                        .sum = job};
    wsm__read_ask(hub, read);
}

bool wsm__sum_ask(wsm_hub *hub, const wsm__command *command, const wsm__unread *unread) {
    uint64_t next = unread->at.offset + 1 > unread->side->born ? unread->at.offset + 1 : unread->side->born;
    int failed = wsm__park_sum_err(hub, command);
    if (failed == WSM_ERR_NOMEM) { /* the next time there may be some, and a record says for ever what it inherits */
        wsm__answer_error(hub, command->origin, failed, NULL, NULL);
        return true;
    }
    if (!hub->log.read || next < hub->store_first || failed) return false;
    sum_job *job = job_new(hub, command, unread);
    wsm__read *read = job ? wsm__zalloc(&hub->mem, sizeof *read) : NULL;
    if (!read) wsm__answer_error(hub, command->origin, WSM_ERR_NOMEM, NULL, NULL);
    if (read && wsm__pull_pay(hub, command, hub->config.replay_page_bytes / 4, &job->paid)) {
        if (wsm__park_for_sum(hub, command, job->ticket)) {
            ask_page(hub, read, job);
            return true;
        }
        settle(hub, job);
    }
    if (read) wsm__free(&hub->mem, read, sizeof *read);
    if (job) wsm__free(&hub->mem, job, sizeof *job);
    return true; /* answered */
}
