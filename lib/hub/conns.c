/* The public calls of a connection: bytes in, bytes out, and its end. */
#include "abi.h"
#include "hub/mentions.h"
#include "limits.h"
#include "util/utf8.h"

/* ---- bytes in -------------------------------------------------------------------------------------------------------
 */

static void on_event(wsm_conn *conn, const wsm__ws_event *event) {
    wsm_hub *hub = conn->hub;
    if (event->kind != WSM__WS_NONE) wsm__turn_settle(hub);
    if (conn->phase == WSM__PHASE_GONE) return;
    switch (event->kind) {
    case WSM__WS_TEXT:
        conn->messages_in++;
        if (conn->plain)
            wsm__call_data(conn, WSM_DATA_TEXT, event->payload);
        else
            wsm__command_text(conn, event->payload);
        break;
    case WSM__WS_BINARY:
        conn->messages_in++;
        wsm__call_data(conn, WSM_DATA_BINARY, event->payload);
        break;
    case WSM__WS_CLOSE:
        if (conn->close_code == 0) conn->close_code = event->code;
        if (event->why) wsm__call_log(hub, WSM_LEVEL_INFO, "protocol_error", conn, event->why);
        wsm__session_leave(conn);
        wsm__peer_to(conn, WSM__PHASE_CLOSING);
        wsm__peer_closes(conn);
        break;
    default: break;
    }
}

static size_t run_link(wsm_conn *conn, const char *bytes, size_t len) {
    wsm__ws_event event;
    size_t used = 0;
    wsm__link_recv(&conn->io.link, bytes, len, &used, &event, conn->hub->now);
    on_event(conn, &event);
    if (conn->io.link.assembly_by) wsm__peer_rearm(conn, conn->io.link.assembly_by);
    if (wsm__link_has_control(&conn->io.link) || event.kind == WSM__WS_CLOSE)
        wsm__turn_notify(conn); /* pongs, a close */
    return event.kind == WSM__WS_NONE ? len : used;
}

void wsm__peer_run(wsm_conn *conn, const char *bytes, size_t len) {
    while (len > 0 && conn->phase != WSM__PHASE_GONE) {
        size_t used = len;
        if (conn->io.linked)
            used = run_link(conn, bytes, len);
        else if (conn->hs && conn->phase < WSM__PHASE_HELLO)
            used = wsm__handshake_recv(conn, bytes, len);
        bytes += used;
        len -= used;
    }
}

static void run_message(wsm_conn *conn, const char *bytes, size_t len) {
    if (conn->phase >= WSM__PHASE_CLOSING) return;
    conn->messages_in++;
    if (conn->plain)
        wsm__call_data(conn, WSM_DATA_TEXT, wsm__slice(bytes, len));
    else if (len > conn->hub->config.message_bytes_max && conn->hub->config.message_bytes_max)
        wsm__peer_shut(conn, 1009, NULL);
    else
        wsm__command_text(conn, wsm__slice(bytes, len));
}

int wsm_conn_recv(wsm_conn *conn, const void *bytes, size_t len) {
    if (!conn || (!bytes && len > 0)) return WSM_ERR_INVALID;
    if (conn->phase == WSM__PHASE_GONE) return WSM_ERR_CLOSED;
    if (conn->in_recv) return WSM_ERR_REENTRANT;
    if (len == 0) return WSM_OK;
    wsm_hub *hub = conn->hub;
    uint64_t no_memory = hub->count.no_memory;
    wsm__turn_enter(hub);
    bool was_closing = conn->phase == WSM__PHASE_CLOSING;
    conn->in_recv = true;
    conn->bytes_in += len;
    hub->count.bytes_in += len;
    if (conn->kind == WSM_PEER_MESSAGE)
        run_message(conn, bytes, len);
    else
        wsm__peer_run(conn, bytes, len);
    conn->in_recv = false;
    bool starved = !was_closing && conn->phase == WSM__PHASE_CLOSING && hub->count.no_memory > no_memory;
    wsm__turn_leave(hub);
    return starved ? WSM_ERR_NOMEM : was_closing ? WSM_ERR_CLOSED : WSM_OK;
}

/* ---- bytes out ------------------------------------------------------------------------------------------------------
 */

/* False: the connection has ended in the turn that this is, and may be freed. */
static bool position_go(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    uint32_t slot = conn->slot, gen = conn->gen;
    wsm__turn_enter(hub);
    wsm__replay_position(conn);
    bool is_freed = wsm__turn_leave(hub);
    return !is_freed && wsm__peer_of(hub, slot, gen) == conn;
}

size_t wsm_conn_pending(wsm_conn *conn, wsm_vec *vec, size_t cap) {
    if (!conn || !vec || cap == 0 || conn->phase == WSM__PHASE_GONE) return 0;
    if (conn->position_due && !position_go(conn)) return 0;
    uint64_t sent = conn->io.messages_out;
    size_t count = wsm__io_vec(&conn->io, vec, cap);
    conn->hub->count.sent += conn->io.messages_out - sent;
    if (count > 0) return count;
    conn->notified = false;
    if (wsm__io_has_output(&conn->io)) { /* no memory to hand it out: the timer tells the host again */
        conn->hub->count.no_memory++;
        wsm__peer_rearm(conn, conn->hub->now + WSM__RETRY_MS);
    }
    return 0;
}

/* Whether the progress of a connection is somebody's business: what waits elsewhere has room now, or the host asked. */
static bool is_awaited(const wsm_conn *conn) {
    return conn->catching_up || conn->presence_lags || conn->mail_waits || conn->want_drained ||
           wsm__io_is_over(&conn->io);
}

static void go_on(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__turn_enter(hub);
    wsm__replay_pump(conn);
    wsm__presence_pump(conn);
    wsm__delivery_pump(conn);
    if (!wsm__io_has_output(&conn->io)) {
        conn->notified = false;
        if (conn->want_drained) {
            conn->want_drained = false;
            wsm__call_drained(conn);
        }
    }
    if (wsm__io_is_over(&conn->io)) wsm__turn_notify(conn);
    wsm__turn_leave(hub);
}

void wsm_conn_sent(wsm_conn *conn, size_t len) {
    if (!conn || conn->phase == WSM__PHASE_GONE) return;
    wsm_hub *hub = conn->hub;
    uint64_t before = conn->io.bytes_out;
    wsm__io_sent(&conn->io, len, wsm__turn_now(hub));
    hub->count.bytes_out += conn->io.bytes_out - before;
    if (is_awaited(conn))
        go_on(conn);
    else if (!wsm__io_has_output(&conn->io))
        conn->notified = false;
}

size_t wsm_conn_queued(const wsm_conn *conn) {
    return conn ? wsm__io_bytes(&conn->io) : 0;
}

int wsm_conn_send(wsm_conn *conn, wsm_data type, const void *bytes, size_t len, wsm_priority priority) {
    if (!conn || (!bytes && len > 0) || (type != WSM_DATA_TEXT && type != WSM_DATA_BINARY)) return WSM_ERR_INVALID;
    if (conn->phase != WSM__PHASE_LIVE && conn->phase != WSM__PHASE_PLAIN) return WSM_ERR_STATE;
    wsm_hub *hub = conn->hub;
    if (len > WSM__MESSAGE_BYTES_HARD) return WSM_ERR_TOO_LARGE;
    if (!conn->plain) {
        wsm__json_value value;
        if (type != WSM_DATA_TEXT) return WSM_ERR_INVALID;
        int err = wsm__json_check(wsm__slice(bytes, len), &hub->scan_limits, &value, NULL);
        if (!err && value.kind != WSM__JSON_OBJECT) err = WSM_ERR_BAD_JSON; /* as every message of the protocol is */
        if (err) return err;
    }
    wsm__frame *frame = wsm__frame_of(&hub->mem, (uint8_t)type, bytes, len, NULL);
    if (!frame) return WSM_ERR_NOMEM;
    wsm__turn_enter(hub);
    int err = wsm__io_push(&conn->io, wsm__fanout_lane(priority), frame, 0, false, hub->now);
    wsm__frame_unref(frame);
    if (err == WSM_ERR_BUSY) conn->want_drained = true;
    if (!err) {
        hub->count.enqueued++;
        wsm__turn_notify(conn);
        if (hub->config.stall_timeout_ms) wsm__peer_rearm(conn, conn->io.progress_at + hub->config.stall_timeout_ms);
    }
    wsm__turn_leave(hub);
    return err;
}

/* ---- the end --------------------------------------------------------------------------------------------------------
 */

static void slot_give(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    *wsm__peer_slot(hub, conn->slot) = (wsm__slot){NULL, hub->free_slot};
    hub->free_slot = conn->slot;
}

void wsm_conn_closed(wsm_conn *conn) {
    if (!conn) return;
    wsm_hub *hub = conn->hub;
    bool was_gone = conn->phase == WSM__PHASE_GONE;
    if (wsm__peer_slot(hub, conn->slot)->conn != conn) return; /* a shell already */
    wsm__turn_enter(hub);
    if (!was_gone && conn->close_code == 0) conn->close_code = 1006;
    wsm__session_leave(conn);
    wsm__peer_preauth_done(conn);
    wsm__drops_closed(conn);
    hub->count.conns_closed++;
    hub->conns_count--;
    slot_give(conn);
    wsm__heap_disarm(&hub->heap, &conn->timer);
    wsm__list_remove(&conn->in_noisy);
    wsm__list_remove(&conn->in_conns);
    wsm__list_push(&hub->shells, &conn->in_conns);
    conn->cut_called = true;
    if (!was_gone) wsm__peer_unhand(conn);
    wsm__peer_to(conn, WSM__PHASE_GONE);
    wsm__turn_leave(hub);
}

void wsm_conn_eof(wsm_conn *conn) {
    if (!conn || conn->phase == WSM__PHASE_GONE) return;
    wsm__turn_enter(conn->hub);
    conn->eof = true;
    if (conn->close_code == 0 && conn->phase < WSM__PHASE_CLOSING) conn->close_code = 1006;
    if (conn->phase !=
        WSM__PHASE_REQUEST) { /* a host that still answers may do so: some clients half-close after asking */
        wsm__session_leave(conn);
        if (conn->io.linked && conn->io.link.state != WSM__LINK_DEAD) conn->io.closed = true;
        if (conn->io.linked && conn->io.out.bytes == 0) conn->io.link.state = WSM__LINK_DEAD;
        conn->io.finishing = true;
        wsm__peer_to(conn, WSM__PHASE_CLOSING);
        wsm__turn_notify(conn);
    }
    wsm__turn_leave(conn->hub);
}

static bool may_close_with(uint16_t code) {
    return code == 1000 || code == 1001 || code == 1008 || (code >= 1011 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

int wsm_conn_close(wsm_conn *conn, uint16_t code, const char *reason) {
    size_t len = reason ? strlen(reason) : 0;
    if (!conn || !may_close_with(code) || len > WSM__CLOSE_REASON_MAX) return WSM_ERR_INVALID;
    if (reason && !wsm__utf8_is_valid(reason, len)) return WSM_ERR_INVALID;
    if (conn->phase == WSM__PHASE_GONE) return WSM_OK;
    wsm__turn_enter(conn->hub);
    wsm__peer_shut(conn, code, reason);
    wsm__turn_leave(conn->hub);
    return WSM_OK;
}

int wsm_conn_authorize(wsm_conn *conn, int err, const wsm_claims *claims) {
    wsm__identity identity = {0};
    if (!conn || err > 0 || (err == 0 && !claims)) return WSM_ERR_INVALID;
    if (conn->phase != WSM__PHASE_TOKEN && conn->phase != WSM__PHASE_VERDICT) return WSM_ERR_STATE;
    int bad = err ? WSM_OK : wsm__identity_copy(&identity, &conn->hub->mem, claims);
    if (bad) return bad;
    wsm__turn_enter(conn->hub);
    if (conn->phase == WSM__PHASE_TOKEN)
        wsm__handshake_token(conn, err, &identity);
    else
        wsm__hello_verdict(conn, err, &identity);
    wsm__turn_leave(conn->hub);
    return WSM_OK;
}

/* ---- what is known --------------------------------------------------------------------------------------------------
 */

void wsm_conn_info_init(wsm_conn_info *info, size_t size) {
    static const wsm_conn_info empty = {.size = sizeof(wsm_conn_info)};
    wsm__abi_init(info, size, &empty, sizeof empty);
}

int wsm_conn_info_get(const wsm_conn *conn, wsm_conn_info *out) {
    wsm_conn_info info = {.size = sizeof info};
    if (!conn || !out) return WSM_ERR_INVALID;
    info.state = (wsm_conn_state)conn->told;
    info.connection_id = wsm__slice(conn->id, sizeof conn->id);
    if (conn->identity.block) info.agent_id = conn->identity.claims.sub;
    if (conn->address) info.address = wsm__slice(conn->address->name, conn->address->name_len);
    info.permission = conn->identity.claims.permission;
    info.kind = conn->identity.claims.kind;
    info.purpose = conn->identity.claims.purpose;
    info.messages_in = conn->messages_in;
    info.messages_out = conn->io.messages_out;
    info.bytes_in = conn->bytes_in;
    info.bytes_out = conn->io.bytes_out;
    info.queued_bytes = wsm__io_bytes(&conn->io);
    info.queued_messages = wsm__io_count(&conn->io);
    return wsm__abi_fill(out, &info, sizeof info);
}
