/* The cursor of a connection. Whoever resumes reads the log from his position: from memory, before that from the log's
 * store, page by page, as fast as his queue drains; what is in neither is told as a `gap`. Live records are left out of
 * his queue meanwhile, because the cursor comes by them. All of it, notices too, goes through one lane, in order.
 *
 * Whoever is let into a context with its history reads that first (history.c): the cursor stands at the record that let
 * him in until it is done. */
#include "hub/mentions.h"
#include "hub/sides.h"

#define PUMP_MOST 64u
#define SKIP_MOST 4096u /* records of others that are passed in one go */

/* No memory now: the connection's timer pumps again. */
static void retry(wsm_conn *conn) {
    conn->hub->count.no_memory++;
    wsm__peer_rearm(conn, conn->hub->now + WSM__RETRY_MS);
}

static bool is_known_epoch(const wsm_hub *hub, const char *epoch) {
    return strcmp(hub->epoch, epoch) == 0;
}

const char *wsm__replay_begin(wsm_conn *conn, const char *epoch, uint64_t after) {
    wsm_hub *hub = conn->hub;
    uint64_t applied = hub->records.applied;
    conn->cursor = conn->began = conn->position_sent = conn->keep_to = applied;
    if (!epoch) return "none";
    if (!is_known_epoch(hub, epoch) || after > applied) return "resync";
    conn->cursor = conn->began = conn->position_sent = after;
    conn->replay_to = applied;
    conn->catching_up = conn->replaying = true;
    conn->lost_told = 0;
    bool is_old = wsm__audience_trimmed(conn) > after;
    bool is_gone = is_old && (!hub->log.read || after + 1 < hub->store_first);
    return is_gone ? "gap" : "replayed";
}

void wsm__replay_bounds(wsm_conn *conn, wsm__msg_type type, const wsm__context *context, const char *first,
                        uint64_t first_value, const char *second, uint64_t second_value) {
    wsm__encoder enc;
    wsm__answer_begin(conn->hub, &enc, type);
    if (context) wsm__encode_str(&enc, "context_id", wsm__slice(context->id, context->id_len));
    wsm__encode_num(&enc, first, first_value);
    wsm__encode_num(&enc, second, second_value);
    wsm__encode_end(&enc);
    wsm__peer_notice(conn, WSM__LANE_NORMAL);
}

void wsm__replay_start(wsm_conn *conn) {
    if (!conn->replaying || conn->phase != WSM__PHASE_LIVE) return;
    conn->hub->count.replays++;
    wsm__replay_bounds(conn, WSM__MSG_REPLAY_START, NULL, "from", conn->cursor + 1, "to", conn->replay_to);
    wsm__replay_pump(conn);
}

static void end_replay(wsm_conn *conn) {
    conn->replaying = false;
    conn->position_due = true;
    wsm__replay_bounds(conn, WSM__MSG_REPLAY_END, NULL, "offset", conn->cursor, "count", conn->replay_count);
}

void wsm__replay_gap(wsm_conn *conn, const wsm__context *context, uint64_t from, uint64_t to, uint64_t to_seq,
                     const char *reason) {
    wsm__encoder enc;
    if (conn->phase != WSM__PHASE_LIVE) return;
    conn->hub->count.gaps++;
    wsm__answer_begin(conn->hub, &enc, WSM__MSG_GAP);
    wsm__encode_str(&enc, "context_id", wsm__slice(context->id, context->id_len));
    if (to_seq) wsm__encode_num(&enc, "to_seq", to_seq);
    wsm__encode_num(&enc, "from_offset", from);
    wsm__encode_num(&enc, "to_offset", to);
    wsm__encode_str(&enc, "reason", wsm__slice_str(reason));
    wsm__encode_end(&enc);
    wsm__peer_notice_of(conn, WSM__LANE_NORMAL, from);
}

/* One agent's replays must not take the hub from the others: a first allowance at once, then so much a minute. False:
 * not now; the connection's timer goes on. */
bool wsm__replay_may(wsm_conn *conn, size_t bytes) {
    wsm_hub *hub = conn->hub;
    uint32_t burst = hub->config.replay_bytes_per_min, rate = burst / 60;
    if (burst == 0 || !conn->agent) return true;
    if (rate == 0) rate = 1;
    uint32_t want = bytes > burst ? burst : (uint32_t)bytes;
    if (wsm__bucket_take(&conn->agent->replay, hub->now, rate, burst, want)) return true;
    wsm__peer_rearm(conn, hub->now + 1 + wsm__bucket_wait(&conn->agent->replay, hub->now, rate, burst, want));
    return false;
}

/* It came before the cursor was set back (shed.c). */
static bool was_had(const wsm_conn *conn, uint64_t offset, wsm_priority priority) {
    if (offset <= conn->had_from || offset > conn->had_to) return false;
    switch (wsm__fanout_lane(priority)) {
    case WSM__LANE_NORMAL: return offset < conn->had_normal;
    case WSM__LANE_BACKGROUND: return offset < conn->had_background;
    default: return true;
    }
}

bool wsm__replay_push(wsm_conn *conn, wsm__frame *frame, uint64_t offset) {
    if (!wsm__io_fits(&conn->io, WSM__LANE_NORMAL, frame))
        return false; /* what is written makes room, and the cursor goes on from here */
    if (!wsm__peer_push(conn, WSM__LANE_NORMAL, frame, offset)) return false;
    if (conn->replaying) { /* what it counts is not shed: a page may go beyond its end */
        conn->replay_count++;
        if (offset > conn->keep_to) conn->keep_to = offset;
    }
    conn->hub->count.replayed += conn->replaying || conn->history;
    if (!conn->position_at) {
        conn->position_at = conn->hub->now + conn->hub->config.position_interval_ms;
        wsm__peer_rearm(conn, conn->position_at);
    }
    return true;
}

/* Ask the store for what has left memory. False: it cannot be asked; the rest is a gap. */
bool wsm__replay_ask(wsm_conn *conn, uint64_t from, uint64_t to, uint32_t room) {
    wsm_hub *hub = conn->hub;
    if (from < hub->store_first) from = hub->store_first;
    if (!hub->log.read || from > to) return false;
    size_t bytes = hub->config.replay_page_bytes / 4;
    if (room < PUMP_MOST) bytes = bytes / PUMP_MOST * room; /* a page for little room costs little of the pace */
    bytes = wsm__read_most(hub, bytes);
    size_t left = wsm__io_left(&conn->io); /* what the queue does not take would be read and paid for again */
    if (bytes > left) bytes = left > 0 ? left : 1;
    if (!wsm__replay_may(conn, bytes)) return true;
    wsm__read *read = wsm__zalloc(&hub->mem, sizeof *read);
    if (!read) {
        retry(conn);
        return true;
    }
    *read = (wsm__read){.from = from,
                        .to = to,
                        .records_max = room < hub->config.replay_page_records ? room : hub->config.replay_page_records,
                        .bytes_max = bytes,
                        .slot = conn->slot,
                        .gen = conn->gen};
    conn->reading = true;
    wsm__read_ask(hub, read);
    return true;
}

/* The next record of the cursor. False: no memory now; the cursor has not moved, and the connection's timer goes on. */
static bool send_record(wsm_conn *conn, wsm__frame *frame, const wsm__context *context, const wsm__reach *reach,
                        uint64_t offset) {
    if (!wsm__replay_push(conn, frame, offset)) return false;
    conn->cursor = offset;
    wsm__delivery_came(conn, offset);
    if (reach && conn->agent && wsm__reach_grants(reach, conn->agent->number))
        wsm__history_begin(conn, context, offset);
    return true;
}

static void tell_corrupt(wsm_conn *conn, uint64_t offset) {
    conn->cursor = offset;
    wsm__audience_gaps(conn, offset, offset, "corrupt", NULL);
}

/* False: stopped for its pace, or without memory. */
static bool step_memory(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__entry *entry = wsm__log_next(&hub->records, conn->cursor);
    uint64_t corrupt = wsm__log_next_corrupt(&hub->records, conn->cursor);
    if (corrupt && (!entry || corrupt < entry->offset)) {
        tell_corrupt(conn, corrupt);
        return true;
    }
    if (!entry) {
        conn->cursor = hub->records.applied;
        return true;
    }
    wsm__reader reader = wsm__audience_reader(conn);
    if (was_had(conn, entry->offset, entry->priority) ||
        !wsm__audience_sees(hub, &reader, entry->context, entry->reach, entry->offset)) {
        conn->cursor = entry->offset;
        return true;
    }
    if (!wsm__replay_may(conn, wsm__frame_bytes(entry->frame).len)) return false;
    return send_record(conn, entry->frame, entry->context, entry->reach, entry->offset);
}

/* A log that cannot be read back: what its contexts have lost is told once, and again when they have lost more. */
static void tell_lost(wsm_conn *conn) {
    uint64_t lost = wsm__audience_lost(conn);
    if (conn->lost_told == lost) return;
    conn->lost_told = lost;
    wsm__audience_gaps(conn, conn->cursor + 1, UINT64_MAX, "trimmed", NULL);
}

static bool is_stopped(wsm_conn *conn) {
    return !conn->catching_up || conn->reading || conn->phase != WSM__PHASE_LIVE;
}

/* How much the queue takes at a time; one by one while memory is tight. What waits in the lane of the background goes
 * first: the cursor's lane is faster, and would bring what is behind it before it. */
static uint32_t room_of(const wsm_conn *conn) {
    if (!wsm__chain_is_empty(&conn->io.lanes.lane[WSM__LANE_BACKGROUND])) return 0;
    uint32_t room = wsm__io_room(&conn->io, PUMP_MOST);
    if (room == 0 || !wsm__memory_is_tight(conn->hub)) return room;
    return conn->io.lanes.count > 0 ? 0 : 1;
}

/* One step of the cursor. False: it waits for a page, for room, or for its pace. */
static bool step(wsm_conn *conn) {
    uint32_t room = room_of(conn);
    if (room == 0) return false;
    if (conn->history) return wsm__history_step(conn, room);
    uint64_t trimmed = wsm__audience_trimmed(conn);
    if (trimmed > conn->cursor) {
        if (wsm__replay_ask(conn, conn->cursor + 1, trimmed, room)) return false;
        tell_lost(conn);
    }
    return step_memory(conn);
}

void wsm__replay_pump(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    for (uint32_t steps = 0; !is_stopped(conn); steps++) {
        if (conn->replaying && !conn->history && conn->cursor >= conn->replay_to) end_replay(conn);
        if (is_stopped(conn)) return;
        if (!conn->history && conn->cursor >= hub->records.applied) {
            conn->catching_up = false;
            conn->keep_to = conn->cursor;
            wsm__presence_pump(conn);
            wsm__delivery_pump(conn);
            return;
        }
        if (steps >= SKIP_MOST) {
            wsm__peer_rearm(conn, hub->now + 1);
            return;
        }
        if (!step(conn)) return;
    }
}

/* ---- pages ----------------------------------------------------------------------------------------------------------
 */

/* The entry of memory that comes next, if this reader sees it. False: no room or no memory now. */
static bool send_entry(wsm_conn *conn, const wsm__entry *entry) {
    wsm__reader reader = wsm__audience_reader(conn);
    if (was_had(conn, entry->offset, entry->priority) ||
        !wsm__audience_sees(conn->hub, &reader, entry->context, entry->reach, entry->offset)) {
        conn->cursor = entry->offset;
        return true;
    }
    return send_record(conn, entry->frame, entry->context, entry->reach, entry->offset);
}

/* What the store lacks up to `end` is a gap, but for what memory still holds, and knows to be broken: contexts are
 * trimmed one by one. False: as above. */
static bool pass_hole(wsm_conn *conn, uint64_t end, const wsm__stored *next) {
    const wsm__log *records = &conn->hub->records;
    while (conn->cursor < end && conn->phase == WSM__PHASE_LIVE && !conn->history) {
        const wsm__entry *entry = wsm__log_next(records, conn->cursor);
        uint64_t corrupt = wsm__log_next_corrupt(records, conn->cursor), known = entry ? entry->offset : UINT64_MAX;
        if (corrupt && corrupt < known) known = corrupt;
        bool is_known = known <= end;
        uint64_t to = is_known ? known - 1 : end;
        if (to > conn->cursor) wsm__audience_gaps(conn, conn->cursor + 1, to, "trimmed", is_known ? NULL : next);
        conn->cursor = to;
        if (is_known && known == corrupt)
            tell_corrupt(conn, corrupt);
        else if (is_known && !send_entry(conn, entry))
            return false;
    }
    return true;
}

/* False: no memory for it now; the connection's timer asks for the page again from here on. */
static bool take_record(wsm_conn *conn, const wsm_record *record) {
    wsm_hub *hub = conn->hub;
    wsm__stored stored;
    if (record->offset <= conn->cursor) return true;
    int err = wsm__read_record(hub, record, &stored);
    if (err == WSM_ERR_NOMEM) {
        retry(conn);
        return false;
    }
    if (!pass_hole(conn, record->offset - 1, &stored) || conn->history) {
        wsm__read_release(hub, &stored);
        return conn->history != NULL; /* a history that begins in the hole comes first */
    }
    bool done = true;
    wsm__reader reader = wsm__audience_reader(conn);
    if (err) wsm__audience_gaps(conn, record->offset, record->offset, "corrupt", NULL);
    if (stored.frame && !was_had(conn, record->offset, stored.priority) &&
        wsm__audience_sees(hub, &reader, stored.context, stored.reach, record->offset))
        done = send_record(conn, stored.frame, stored.context, stored.reach, record->offset);
    else
        conn->cursor = record->offset;
    wsm__read_release(hub, &stored);
    return done;
}

/* False: no memory for all of it; what is left is asked for again. */
static bool take_page(wsm_conn *conn, const wsm_record *records, size_t count, uint64_t to) {
    /* a history that begins in the middle of the page comes first: what follows is read again after it */
    for (size_t i = 0; i < count && conn->phase == WSM__PHASE_LIVE && !conn->history; i++)
        if (!take_record(conn, &records[i])) return false;
    if (count > 0 || conn->cursor >= to) return true;
    return pass_hole(conn, to, NULL);
}

/* The page was paid for by its limit; what it did not need goes back, or small records would be paced as large ones. */
static void give_back(wsm_conn *conn, size_t paid, const wsm_record *records, size_t count) {
    uint32_t burst = conn->hub->config.replay_bytes_per_min;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += records[i].len;
    if (paid > burst) paid = burst;
    if (conn->agent && paid > bytes) wsm__bucket_give(&conn->agent->replay, (uint32_t)(paid - bytes));
}

void wsm__replay_page(wsm_hub *hub, uint64_t read_id, const wsm_record *records, size_t count, int outcome) {
    wsm__read *read = wsm__read_find(hub, read_id);
    if (!read) return;
    if (read->merge) {
        wsm__merge_page(hub, read, records, count, outcome);
        return;
    }
    if (read->pull) {
        wsm__pull_page(hub, read, records, count, outcome);
        return;
    }
    if (read->sum) {
        wsm__sum_page(hub, read, records, count, outcome);
        return;
    }
    if (read->for_host) {
        wsm__records_page(hub, read, records, count, outcome);
        return;
    }
    wsm_conn *conn = wsm__peer_of(hub, read->slot, read->gen);
    uint64_t to = read->to;
    if (read->for_delivery) {
        wsm__read got = *read;
        wsm__read_end(hub, read);
        wsm__delivery_page(hub, &got, records, count, outcome);
        return;
    }
    if (conn) give_back(conn, read->bytes_max, records, count);
    wsm__read_end(hub, read);
    if (!conn || conn->phase != WSM__PHASE_LIVE) return;
    conn->reading = false;
    if (outcome == WSM_ERR_NOMEM) {
        retry(conn);
        return;
    }
    if (outcome < 0) {
        wsm__call_log(hub, WSM_LEVEL_ERROR, "log_read_failed", conn, wsm_strerror(outcome));
        wsm__peer_shut(conn, 1013, NULL);
        return;
    }
    bool done = conn->history ? wsm__history_page(conn, records, count, to) : take_page(conn, records, count, to);
    if (!done) return;
    wsm__replay_pump(conn);
}

void wsm__replay_stop(wsm_conn *conn) {
    conn->catching_up = conn->replaying = conn->reading = false;
    wsm__history_end(conn);
}

void wsm__replay_position(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__encoder enc;
    conn->position_due = false;
    if (conn->phase != WSM__PHASE_LIVE) return;
    uint64_t lowest = wsm__lanes_lowest(&conn->io.lanes);
    uint64_t reached = conn->catching_up ? conn->cursor : hub->records.applied;
    if (conn->history) reached = wsm__history_from(conn) - 1;
    uint64_t position = lowest && lowest - 1 < reached ? lowest - 1 : reached;
    if (position <= conn->position_sent) return;
    wsm__answer_begin(hub, &enc, WSM__MSG_POSITION);
    wsm__encode_num(&enc, "offset", position);
    wsm__encode_end(&enc);
    if (wsm__peer_hint(conn, WSM__LANE_CONTROL)) {
        conn->position_sent = position;
        return;
    }
    conn->position_at = hub->now + WSM__RETRY_MS;
    wsm__peer_rearm(conn, conn->position_at);
}
