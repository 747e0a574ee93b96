/* Taking up a connection: whether there is room for it, and the phase that it begins in. */
#include "abi.h"
#include "hub/hub.h"
#include "limits.h"

static const wsm_peer peer_defaults = {.size = sizeof(wsm_peer)};

void wsm_peer_init(wsm_peer *peer, size_t size) {
    wsm__abi_init(peer, size, &peer_defaults, sizeof peer_defaults);
}

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
    wsm_conn *made = err ? NULL : *out;
    uint32_t slot = made ? made->slot : 0, gen = made ? made->gen : 0;
    bool is_freed = wsm__turn_leave(hub);
    bool has_gone = made && (is_freed || wsm__peer_of(hub, slot, gen) != made);
    if (has_gone && *out == made) *out = NULL;
    return err;
}
