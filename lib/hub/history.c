/* The history of a context for somebody who was let in with it: its records before the one that let him in, those he
 * has not seen as a member before. Begun whenever that record is delivered to one of his connections, live or in a
 * replay, so that a cut in the middle begins it again; `position` stays below that record until it is done. */
#include "hub/hub.h"

struct wsm__history_job {
    const wsm__context *context;
    uint64_t at;   /* records up to here were looked at */
    uint64_t from; /* the record that let him in */
    uint64_t count;
    bool is_told; /* that it begins */
};

void wsm__history_begin(wsm_conn *conn, const wsm__context *context, uint64_t from) {
    wsm_hub *hub = conn->hub;
    if (conn->phase != WSM__PHASE_LIVE || conn->history) return;
    conn->history = wsm__zalloc(&hub->mem, sizeof *conn->history);
    if (!conn->history) {
        hub->count.no_memory++;
        wsm__peer_shut(conn, 1013, NULL);
        return;
    }
    const wsm__side *side = wsm__tree_of(&hub->tree, context);
    /* before it was born there is nothing of it: what is not read is not paid for */
    uint64_t at = side && side->born > 0 ? side->born - 1 : 0;
    *conn->history = (struct wsm__history_job){.context = context, .at = at, .from = from};
    conn->catching_up = true;
    conn->cursor = from;
    wsm__peer_rearm(conn, hub->now);
}

void wsm__history_end(wsm_conn *conn) {
    if (conn->history) wsm__free(&conn->hub->mem, conn->history, sizeof *conn->history);
    conn->history = NULL;
}

uint64_t wsm__history_from(const wsm_conn *conn) {
    return conn->history->from;
}

void wsm__history_forget(wsm_conn *conn, const wsm__context *context) {
    if (!conn->history || conn->history->context != context) return;
    wsm__history_end(conn);
    wsm__peer_rearm(conn, conn->hub->now);
}

/* What names him, or stands in a second context of his, has come to this connection already: his invitation, say. */
static bool is_new_to(const wsm_conn *conn, const wsm__reach *reach, uint64_t offset) {
    wsm__reader reader = wsm__audience_reader(conn);
    if (offset <= conn->began) reach = NULL;
    return !wsm__audience_sees(conn->hub, &reader, conn->history->context, reach, offset);
}

/* False: no memory now; the connection's timer goes on. */
static bool push(wsm_conn *conn, wsm__frame *frame, uint64_t offset) {
    if (!wsm__replay_push(conn, frame, offset)) return false;
    if (conn->history) conn->history->count++;
    return true;
}

static void finish(wsm_conn *conn) {
    const wsm__context *context = conn->history->context;
    uint64_t offset = conn->history->from - 1, count = conn->history->count;
    wsm__history_end(conn);
    conn->keep_to = conn->cursor;
    conn->position_due = true;
    wsm__replay_bounds(conn, WSM__MSG_REPLAY_END, context, "offset", offset, "count", count);
}

/* The record that let him in waits. Nothing comes before it; and if he leaves meanwhile, it goes, and no history
 * begins. In the lane of the background nothing waits here (replay.c). */
static bool is_before_its_grant(const wsm_conn *conn) {
    uint64_t from = conn->history->from;
    return wsm__lanes_first(&conn->io.lanes, WSM__LANE_NORMAL, from - 1) == from ||
           wsm__lanes_first(&conn->io.lanes, WSM__LANE_CRITICAL, from - 1) == from;
}

/* All up to `to` is gone. It may end the connection, and the history with it. */
static void tell_gap(wsm_conn *conn, uint64_t from, uint64_t to, const char *reason) {
    const wsm__context *context = conn->history->context;
    wsm__replay_gap(conn, context, from, to, wsm__audience_last_seq(context, to, NULL), reason);
    if (conn->history) conn->history->at = to;
}

/* One step through what memory holds of the context, or knows to be broken. */
static bool step_memory(wsm_conn *conn) {
    struct wsm__history_job *history = conn->history;
    wsm__entry *entry = wsm__log_next_in(history->context, history->at);
    uint64_t corrupt = wsm__log_next_corrupt(&conn->hub->records, history->at);
    if (entry && entry->offset >= history->from) entry = NULL;
    if (corrupt && corrupt < (entry ? entry->offset : history->from)) {
        tell_gap(conn, corrupt, corrupt, "corrupt");
        return true;
    }
    if (!entry) {
        finish(conn);
        return true;
    }
    if (is_new_to(conn, entry->reach, entry->offset)) {
        if (!wsm__replay_may(conn, wsm__frame_bytes(entry->frame).len)) return false;
        if (!push(conn, entry->frame, entry->offset)) return false;
    }
    if (conn->history) conn->history->at = entry->offset;
    return true;
}

bool wsm__history_step(wsm_conn *conn, uint32_t room) {
    struct wsm__history_job *history = conn->history;
    const wsm__context *context = history->context;
    uint64_t to = context->trimmed_to < history->from ? context->trimmed_to : history->from - 1;
    if (!history->is_told) {
        if (is_before_its_grant(conn)) return false; /* what is written goes on from here */
        history->is_told = true;
        wsm__replay_bounds(conn, WSM__MSG_REPLAY_START, context, "from", 1, "to", history->from - 1);
        return true;
    }
    if (to > history->at) {
        if (wsm__replay_ask(conn, history->at + 1, to, room)) return false;
        tell_gap(conn, history->at + 1, to, "trimmed");
        return true;
    }
    return step_memory(conn);
}

/* False: no memory for it now; the page is asked for again from here on. */
static bool take_record(wsm_conn *conn, const wsm_record *record) {
    wsm_hub *hub = conn->hub;
    wsm__stored stored;
    bool done = true;
    if (record->offset <= conn->history->at) return true;
    int err = wsm__read_record(hub, record, &stored);
    if (err == WSM_ERR_NOMEM) {
        hub->count.no_memory++;
        wsm__peer_rearm(conn, hub->now + WSM__RETRY_MS);
        return false;
    }
    const wsm__context *context = conn->history->context;
    if (err) tell_gap(conn, record->offset, record->offset, "corrupt");
    if (stored.frame && stored.context == context && is_new_to(conn, stored.reach, record->offset))
        done = push(conn, stored.frame, record->offset);
    if (done && conn->history) conn->history->at = record->offset;
    wsm__read_release(hub, &stored);
    return done;
}

bool wsm__history_page(wsm_conn *conn, const wsm_record *records, size_t count, uint64_t to) {
    if (count == 0 || records[0].offset > conn->history->at + 1)
        tell_gap(conn, conn->history->at + 1, count ? records[0].offset - 1 : to, "trimmed");
    for (size_t i = 0; i < count && conn->history; i++)
        if (!take_record(conn, &records[i])) return false;
    return true;
}
