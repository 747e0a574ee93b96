/* The public calls of a connection: taking it up, bytes in, bytes out, and its end. */
#include "abi.h"
#include "hub/mentions.h"
#include "limits.h"

static const wsm_peer peer_defaults = {.size = sizeof(wsm_peer)};

void wsm_peer_init(wsm_peer *peer, size_t size) {
    wsm__abi_init(peer, size, &peer_defaults, sizeof peer_defaults);
}

/* ---- taking up ------------------------------------------------------------------------------------------------------
 */

static int slot_take(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    if (hub->free_slot != WSM__SLOT_NONE) {
        conn->slot = hub->free_slot;
        hub->free_slot = wsm__peer_slot(hub, conn->slot)->next_free;
    } else {
        if (!wsm__ring_push(&hub->slots, &hub->mem)) return WSM_ERR_NOMEM;
        conn->slot = hub->slots.count - 1;
    }
    wsm__peer_slot(hub, conn->slot)->conn = conn;
    conn->gen = ++hub->gen;
    return WSM_OK;
}

static void slot_give(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    *wsm__peer_slot(hub, conn->slot) = (wsm__slot){NULL, hub->free_slot};
    hub->free_slot = conn->slot;
}

static bool is_over(uint32_t count, uint32_t limit) {
    return limit && count > limit;
}

/* The HTTP status that a newcomer is refused with; 0: welcome. */
static int early_refusal(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    const wsm_config *config = &hub->config;
    if (hub->is_shutting_down) return 503;
    if (is_over(hub->conns_count, config->connections_max) || is_over(hub->preauth_count, config->preauth_max))
        return 503;
    if (config->memory_budget_bytes && atomic_load(&hub->mem.used) > config->memory_budget_bytes / 10 * 9) return 503;
    if (conn->address && is_over(conn->address->conns, config->connections_per_address)) return 429;
    if (conn->address && is_over(conn->address->preauth, config->preauth_per_address)) return 429;
    if (!wsm__bucket_take(&hub->accepts, hub->now, config->connections_per_s, config->connections_burst, 1)) return 429;
    return 0;
}

static int hand(wsm_conn *conn) { /* a handshake for a RAW peer */
    wsm_hub *hub = conn->hub;
    wsm__handshake *hs = wsm__zalloc(&hub->mem, sizeof *hs);
    if (!hs) return WSM_ERR_NOMEM;
    size_t max =
        (size_t)hub->config.http_line_bytes_max + hub->config.http_header_bytes_max + hub->config.http_body_bytes_max;
    wsm__buf_init(&hs->in, &hub->mem, max + 64);
    wsm__buf_init(&hs->token, &hub->mem, (size_t)WSM__TOKEN_BYTES_MAX * 2);
    hs->deadline = hub->config.handshake_timeout_ms ? hub->now + hub->config.handshake_timeout_ms : UINT64_MAX;
    conn->hs = hs;
    conn->counted_preauth = true;
    hub->preauth_count++;
    if (conn->address) conn->address->preauth++;
    hs->refuse = early_refusal(conn);
    wsm__peer_rearm(conn, hs->deadline);
    return WSM_OK;
}

/* A peer that comes upgraded: it brings a token or an identity, or is plain. */
static int vouched(wsm_conn *conn, const wsm_peer *peer) {
    wsm_hub *hub = conn->hub;
    wsm__identity identity = {0};
    int refusal = early_refusal(conn);
    int err = WSM_OK;
    if (!refusal && !conn->plain && (!hub->is_ready || hub->is_shutting_down)) refusal = 503;
    if (refusal) return refusal == 503 && hub->is_shutting_down ? WSM_ERR_SHUTTING_DOWN : WSM_ERR_BUSY;
    if (peer->kind == WSM_PEER_WEBSOCKET) err = wsm__peer_link(conn);
    if (err) return err;
    if (conn->plain) {
        hub->count.conns_opened++;
        wsm__peer_to(conn, WSM__PHASE_PLAIN);
        return WSM_OK;
    }
    if (peer->claims) {
        err = wsm__identity_copy(&identity, &hub->mem, peer->claims);
        if (!err) wsm__session_open(conn, &identity, peer->epoch, peer->after);
        return err;
    }
    wsm__peer_to(conn, WSM__PHASE_HELLO); /* so that a refusal is a close */
    if (peer->token.ptr) return wsm__hello_ask(conn, peer->token, peer->epoch, peer->after);
    wsm__hello_verdict(conn, WSM_ERR_UNAUTHORIZED, &identity);
    return WSM_OK;
}

static int conn_new(wsm_conn **out, wsm_hub *hub, const wsm_peer *peer, void *user) {
    wsm_conn *conn = wsm__zalloc(&hub->mem, sizeof *conn);
    if (!conn) return WSM_ERR_NOMEM;
    conn->hub = hub;
    conn->user = user;
    conn->timer.kind = WSM__TIMER_CONN;
    conn->kind = (uint8_t)peer->kind;
    conn->plain = peer->plain != 0;
    conn->encrypted = peer->encrypted != 0;
    wsm__list_init(&conn->in_conns);
    wsm__list_init(&conn->in_noisy);
    wsm__io_init(&conn->io, &hub->blocks, &hub->agent_lanes, peer->kind == WSM_PEER_MESSAGE);
    wsm__uuid_v7(&hub->ids, hub->wall, conn->id);
    int err = slot_take(conn);
    if (err) {
        wsm__free(&hub->mem, conn, sizeof *conn);
        return err;
    }
    hub->conns_count++;
    hub->count.conns_accepted++;
    wsm__list_push(&hub->conns, &conn->in_conns);
    conn->address = wsm__address_take(hub, peer->address);
    err = peer->kind == WSM_PEER_RAW ? hand(conn) : vouched(conn, peer);
    if (err) {
        conn->phase = WSM__PHASE_GONE; /* the host was never told of it */
        wsm_conn_closed(conn);
        return err;
    }
    *out = conn;
    return WSM_OK;
}

int wsm_conn_new(wsm_conn **out, wsm_hub *hub, const wsm_peer *given, void *user) {
    wsm_peer peer = peer_defaults;
    if (!out) return WSM_ERR_INVALID;
    *out = NULL;
    if (!hub || !given) return WSM_ERR_INVALID;
    int err = wsm__abi_copy(&peer, sizeof peer, given);
    if (err) return err;
    if (peer.kind > WSM_PEER_MESSAGE || (peer.epoch && strlen(peer.epoch) != 16)) return WSM_ERR_INVALID;
    uint32_t most = hub->config.connections_max;
    if (hub->is_down) return WSM_ERR_SHUTTING_DOWN;
    if (most && hub->conns_count >= most + most / 8 + 64) return WSM_ERR_BUSY; /* no room even to refuse politely */
    wsm__turn_enter(hub);
    err = conn_new(out, hub, &peer, user);
    wsm__turn_leave(hub);
    return err;
}

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
        wsm__call_audit(hub, "conn_close", conn, event->why ? event->why : wsm_close_name(event->code), 0);
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

size_t wsm_conn_pending(wsm_conn *conn, wsm_vec *vec, size_t cap) {
    if (!conn || !vec || cap == 0 || conn->phase == WSM__PHASE_GONE) return 0;
    if (conn->position_due) {
        wsm__turn_enter(conn->hub);
        wsm__replay_position(conn);
        wsm__turn_leave(conn->hub);
        if (conn->phase == WSM__PHASE_GONE) return 0;
    }
    size_t count = wsm__io_vec(&conn->io, vec, cap);
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
    return conn->catching_up || conn->presence_lags || conn->want_drained || wsm__io_is_over(&conn->io);
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

void wsm_conn_closed(wsm_conn *conn) {
    if (!conn) return;
    wsm_hub *hub = conn->hub;
    bool was_gone = conn->phase == WSM__PHASE_GONE;
    if (wsm__peer_slot(hub, conn->slot)->conn != conn) return; /* a shell already */
    wsm__turn_enter(hub);
    if (!was_gone && conn->close_code == 0) conn->close_code = 1006;
    wsm__session_leave(conn);
    wsm__peer_preauth_done(conn);
    hub->count.dropped_closed += conn->io.lanes.count;
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
    if (!conn || !may_close_with(code) || (reason && strlen(reason) > WSM__CLOSE_REASON_MAX)) return WSM_ERR_INVALID;
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
