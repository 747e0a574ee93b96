/* The life of a connection: from wsm_conn_new to the shell that is freed at the end of a turn. What it says and means
 * is decided elsewhere (handshake.c, session.c, commands.c); here are its phases, its deadlines and its end. */
#include "hub/mentions.h"
#include "limits.h"

wsm__slot *wsm__peer_slot(const wsm_hub *hub, uint32_t slot) {
    return wsm__ring_at(&hub->slots, slot);
}

wsm_conn *wsm__peer_of(const wsm_hub *hub, uint32_t slot, uint32_t gen) {
    if (slot >= hub->slots.count) return NULL;
    wsm_conn *conn = wsm__peer_slot(hub, slot)->conn;
    return conn && conn->gen == gen ? conn : NULL;
}

bool wsm__peer_is_up(const wsm_conn *conn) {
    return conn->phase == WSM__PHASE_HELLO || conn->phase == WSM__PHASE_VERDICT || conn->phase == WSM__PHASE_LIVE ||
           conn->phase == WSM__PHASE_PLAIN;
}

static wsm_conn_state state_of(wsm__phase phase) {
    switch (phase) {
    case WSM__PHASE_LIVE:
    case WSM__PHASE_PLAIN: return WSM_CONN_OPEN;
    case WSM__PHASE_CLOSING: return WSM_CONN_CLOSING;
    case WSM__PHASE_GONE: return WSM_CONN_CLOSED;
    default: return WSM_CONN_HANDSHAKE;
    }
}

/* Told where the phase changes, so that every "conn_open" of the audit trail has one "conn_close". */
static void audit_end(wsm_conn *conn) {
    const char *name = conn->close_code == 1006 ? "cut" : wsm_close_name(conn->close_code);
    wsm__call_audit(conn->hub, "conn_close", conn, name[0] ? name : "with a code of the peer's own", 0);
}

void wsm__peer_to(wsm_conn *conn, wsm__phase phase) {
    if (conn->phase >= (uint8_t)phase) return;
    bool ends = conn->phase == WSM__PHASE_LIVE; /* which it can only leave */
    conn->phase = (uint8_t)phase;
    if (ends) audit_end(conn);
    wsm__call_conn_state(conn, state_of(phase));
}

void wsm__peer_preauth_done(wsm_conn *conn) {
    if (!conn->counted_preauth) return;
    conn->counted_preauth = false;
    conn->hub->preauth_count--;
    if (conn->address) conn->address->preauth--;
}

/* ---- deadlines ------------------------------------------------------------------------------------------------------
 */

void wsm__peer_rearm(wsm_conn *conn, uint64_t when) {
    if (when == UINT64_MAX || (conn->timer.armed && conn->timer.when <= when)) return;
    wsm__heap_arm(&conn->hub->heap, &conn->timer, when);
}

void wsm__peer_closes(wsm_conn *conn) {
    uint32_t limit = conn->hub->config.close_timeout_ms;
    if (limit) wsm__peer_rearm(conn, conn->hub->now + limit);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* When the writing stalls; UINT64_MAX: nothing waits. */
static uint64_t stall_at(const wsm_conn *conn) {
    uint32_t limit = conn->hub->config.stall_timeout_ms;
    if (limit == 0 || conn->io.cut || !wsm__io_has_output(&conn->io)) return UINT64_MAX;
    return conn->io.progress_at + limit;
}

static void link_due(wsm_conn *conn, uint64_t *next) {
    bool pinged = false;
    bool was_open = conn->io.link.state == WSM__LINK_OPEN;
    bool waits = wsm__io_has_output(&conn->io);
    *next = earlier(*next, wsm__link_tick(&conn->io.link, conn->hub->now, waits, &pinged));
    if (pinged && conn->phase == WSM__PHASE_LIVE) conn->position_due = true;
    if (was_open &&
        conn->io.link.state != WSM__LINK_OPEN) { /* the link has closed itself: no life, or too slow a message */
        conn->close_code = conn->io.link.code_sent;
        if (conn->close_code == 4012) conn->hub->count.conns_timed_out++;
        wsm__session_leave(conn);
        wsm__peer_to(conn, WSM__PHASE_CLOSING);
    }
    wsm__turn_notify(conn);
}

static void handshake_due(wsm_conn *conn, uint64_t *next) {
    wsm_hub *hub = conn->hub;
    if (conn->phase == WSM__PHASE_HTTP || conn->phase == WSM__PHASE_BODY) {
        if (hub->now >= conn->hs->deadline)
            wsm__peer_answer(conn, 408, NULL, "bad_message", "the request took too long");
        else
            *next = earlier(*next, conn->hs->deadline);
    }
    if (conn->phase == WSM__PHASE_HELLO) {
        if (hub->now >= conn->hello_by)
            wsm__peer_shut(conn, 4001, NULL);
        else
            *next = earlier(*next, conn->hello_by);
    }
}

static int64_t expiry_of(const wsm_conn *conn) { /* by the wall, ms, the leeway included */
    return (conn->identity.claims.exp + WSM__TOKEN_LEEWAY_S) * 1000;
}

/* The token's end by the wall is a moment of the monotonic clock from here on: a wall that is set back gives nobody
 * more time. */
void wsm__peer_expires(wsm_conn *conn) {
    int64_t exp = conn->identity.claims.exp;
    if (exp <= 0 || exp > (int64_t)(WSM__NUMBER_MAX / 1000)) return; /* a host's own peer, without an end */
    int64_t left = expiry_of(conn) - conn->hub->wall;
    conn->expires_at = conn->hub->now + (left > 0 ? (uint64_t)left : 0) + 1;
    wsm__peer_rearm(conn, conn->expires_at);
}

static void token_due(wsm_conn *conn, uint64_t *next) {
    wsm_hub *hub = conn->hub;
    if (conn->phase != WSM__PHASE_LIVE || conn->expires_at == 0) return;
    if (hub->now >= conn->expires_at || hub->wall > expiry_of(conn))
        wsm__peer_shut(conn, 4003, NULL);
    else
        *next = earlier(*next, conn->expires_at);
}

void wsm__peer_timer(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    uint64_t next = UINT64_MAX;
    handshake_due(conn, &next);
    token_due(conn, &next);
    if (conn->io.linked) link_due(conn, &next);
    if (stall_at(conn) <= hub->now) {
        hub->count.conns_slow++;
        wsm__peer_cut(conn, 4008);
    }
    next = earlier(next, stall_at(conn));
    if (conn->position_at && conn->position_at <= hub->now) {
        conn->position_at = 0;
        conn->position_due = true;
        wsm__turn_notify(conn);
    }
    if (conn->position_at) next = earlier(next, conn->position_at);
    wsm__replay_pump(conn); /* a page may have waited for its share of bytes, or anything for memory */
    wsm__delivery_pump(conn);
    wsm__presence_pump(conn);
    wsm__watch_pump(conn);
    wsm__status_pump(conn);
    if (!conn->notified && wsm__io_has_output(&conn->io)) wsm__turn_notify(conn);
    wsm__peer_rearm(conn, next);
}

/* ---- output ---------------------------------------------------------------------------------------------------------
 */

typedef enum load { RECORD, HINT, NOTICE } load; /* a notice may use the room that is kept for critical ones */

/* A record that was kept when queues were larger goes alone: whoever is cut for it comes back, and meets it again. */
static int push(wsm_conn *conn, wsm__lane lane, wsm__frame *frame, uint64_t offset, load what) {
    wsm_hub *hub = conn->hub;
    if (conn->phase >= WSM__PHASE_CLOSING) return WSM_OK;
    int err = wsm__io_push(&conn->io, lane, frame, offset, what == NOTICE, hub->now);
    if (err == WSM_ERR_BUSY && what == RECORD) err = wsm__io_push_alone(&conn->io, lane, frame, offset, hub->now);
    if (err) {
        if (err == WSM_ERR_NOMEM) hub->count.no_memory++;
        return err;
    }
    hub->count.enqueued++;
    wsm__turn_notify(conn);
    if (hub->config.stall_timeout_ms) wsm__peer_rearm(conn, conn->io.progress_at + hub->config.stall_timeout_ms);
    return WSM_OK;
}

static void overflow(wsm_conn *conn, wsm__lane lane, int err) {
    wsm_hub *hub = conn->hub;
    if (err == WSM_ERR_BUSY) hub->count.conns_slow++;
    hub->count.enqueued++; /* the one that did not fit */
    hub->count.dropped_overflow++;
    wsm__drops_all(conn, "overflow", &hub->count.dropped_overflow);
    wsm__call_drop(conn, wsm__lane_name(lane), "overflow", 1);
    wsm__peer_shut(conn, err == WSM_ERR_BUSY ? 4008 : 1013, NULL);
}

bool wsm__peer_push(wsm_conn *conn, wsm__lane lane, wsm__frame *frame, uint64_t offset) {
    int err = push(conn, lane, frame, offset, RECORD);
    if (err == WSM_ERR_NOMEM) {
        wsm__peer_rearm(conn, conn->hub->now + WSM__RETRY_MS);
        return false;
    }
    if (err) overflow(conn, lane, err);
    return true;
}

static int push_notice(wsm_conn *conn, wsm__lane lane, uint64_t offset, const wsm__context *context) {
    wsm_hub *hub = conn->hub;
    wsm__frame *frame = hub->scratch.err ? NULL : wsm__frame_of(&hub->mem, 1, hub->scratch.ptr, hub->scratch.len, NULL);
    wsm__buf_clear(&hub->scratch);
    if (!frame) {
        hub->count.no_memory++;
        return WSM_ERR_NOMEM;
    }
    if (context) wsm__audience_mark(frame, context, NULL);
    int err = push(conn, lane, frame, offset,
                   context ? HINT : NOTICE); /* a hint of a context takes no room that is kept for others */
    wsm__frame_unref(frame);
    return err;
}

void wsm__peer_notice(wsm_conn *conn, wsm__lane lane) {
    wsm__peer_notice_of(conn, lane, 0);
}

void wsm__peer_notice_of(wsm_conn *conn, wsm__lane lane, uint64_t offset) {
    int err = push_notice(conn, lane, offset, NULL);
    if (err) overflow(conn, lane, err); /* a notice that is left out would be a lie: come back and resume */
}

bool wsm__peer_hint(wsm_conn *conn, wsm__lane lane) {
    return push_notice(conn, lane, 0, NULL) == WSM_OK;
}

bool wsm__peer_hint_of(wsm_conn *conn, wsm__lane lane, const wsm__context *context) {
    return push_notice(conn, lane, 0, context) == WSM_OK;
}

int wsm__peer_link(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    const wsm__link_limits *limits = conn->plain ? &hub->plain_limits : &hub->link_limits;
    int32_t tenth = (int32_t)(limits->ping_interval_ms / 10);
    int32_t jitter = tenth ? (int32_t)(wsm__uuid_random(&hub->ids) % (2 * (uint64_t)tenth + 1)) - tenth : 0;
    int err = wsm__link_init(&conn->io.link, &hub->mem, hub->pool, limits, false, NULL, NULL, hub->now, jitter);
    if (err) return err;
    conn->io.linked = true;
    bool pinged;
    wsm__peer_rearm(conn, wsm__link_tick(&conn->io.link, hub->now, false, &pinged));
    return WSM_OK;
}

/* ---- the end --------------------------------------------------------------------------------------------------------
 */

void wsm__peer_unhand(wsm_conn *conn) {
    wsm__handshake *hs = conn->hs;
    if (!hs) return;
    if (hs->request.conn) wsm__call_request_end(conn, &hs->request);
    conn->hs = NULL;
    wsm__identity_fini(&hs->request.identity, &conn->hub->mem);
    wsm__wipe(hs->in.ptr, hs->in.ptr ? hs->in.len : 0); /* it held a token */
    wsm__wipe(hs->token.ptr, hs->token.ptr ? hs->token.len : 0);
    wsm__buf_fini(&hs->in);
    wsm__buf_fini(&hs->token);
    wsm__free(&conn->hub->mem, hs, sizeof *hs);
}

void wsm__peer_cut(wsm_conn *conn, uint16_t code) {
    if (conn->phase >= WSM__PHASE_GONE || conn->io.cut) return;
    if (conn->close_code == 0) conn->close_code = code;
    wsm__session_leave(conn);
    wsm__peer_preauth_done(conn);
    wsm__drops_all(conn, "closed", &conn->hub->count.dropped_closed);
    conn->io.cut = true; /* what was handed out stays: the host may be writing it until it has closed the transport */
    wsm__peer_to(conn, WSM__PHASE_CLOSING);
    wsm__turn_notify(conn);
}

void wsm__peer_shut(wsm_conn *conn, uint16_t code, const char *reason) {
    wsm_hub *hub = conn->hub;
    if (conn->phase >= WSM__PHASE_CLOSING) return;
    if (!wsm__peer_is_up(conn)) {
        wsm__peer_answer(conn, 503, "Retry-After: 1\r\n", "shutting_down", "the connection was closed by the server");
        return;
    }
    conn->close_code = code;
    wsm__session_leave(conn);
    wsm__peer_preauth_done(conn);
    wsm_slice why = wsm__slice_str(reason ? reason : wsm_close_name(code));
    if (conn->io.linked)
        wsm__link_close(&conn->io.link, code, why, hub->now);
    else
        conn->io.finishing = true;
    wsm__peer_to(conn, WSM__PHASE_CLOSING);
    if (conn->io.linked) wsm__peer_closes(conn);
    wsm__turn_notify(conn);
}

/* ---- HTTP answers ---------------------------------------------------------------------------------------------------
 */

void wsm__peer_answer_body(wsm_conn *conn, int status, const char *headers, const char *type, wsm_slice body) {
    wsm_hub *hub = conn->hub;
    wsm__buf out;
    if (conn->phase >= WSM__PHASE_CLOSING) return;
    wsm__buf_init(&out, &hub->mem, 0);
    wsm__http_answer(&out, status, headers, type, body.ptr, body.len);
    wsm__frame *frame = out.err ? NULL : wsm__frame_raw(&hub->mem, out.ptr, out.len);
    if (!frame || wsm__io_push_raw(&conn->io, frame, hub->now)) hub->count.no_memory++;
    wsm__frame_unref(frame);
    wsm__buf_fini(&out);
    wsm__peer_preauth_done(conn);
    conn->io.finishing = true; /* without memory for an answer the transport just goes */
    wsm__peer_to(conn, WSM__PHASE_CLOSING);
    wsm__peer_closes(conn);
    wsm__turn_notify(conn);
}

void wsm__peer_answer(wsm_conn *conn, int status, const char *headers, const char *code, const char *message) {
    char body[256];
    wsm__buf out;
    wsm__json_out json;
    wsm__buf_init(&out, &conn->hub->mem, sizeof body);
    wsm__json_open(&json, &out);
    wsm__json_name(&json, "error");
    wsm__json_out inner;
    wsm__json_open(&inner, &out);
    wsm__json_str(&inner, "code", wsm__slice_str(code));
    wsm__json_str(&inner, "message", wsm__slice_str(message));
    wsm__json_close(&inner);
    wsm__json_close(&json);
    conn->hub->count.conns_refused++;
    wsm__peer_answer_body(conn, status, headers, "application/json",
                          out.err ? wsm__slice("{}", 2) : wsm__slice(out.ptr, out.len));
    wsm__buf_fini(&out);
}

void wsm__peer_free(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__session_leave(conn);
    wsm__peer_preauth_done(conn);
    wsm__peer_unhand(conn);
    wsm__heap_disarm(&hub->heap, &conn->timer);
    wsm__list_remove(&conn->in_conns);
    wsm__list_remove(&conn->in_noisy);
    wsm__address_release(hub, conn->address);
    wsm__identity_fini(&conn->identity, &hub->mem);
    wsm__io_fini(&conn->io);
    wsm__free(&hub->mem, conn, sizeof *conn);
}
