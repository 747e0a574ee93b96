/* From an accepted identity to a member of the hub: the rules for several connections of one agent, `welcome`, the
 * resume, and leaving again. */
#include "hub/mentions.h"

static bool is_primary(const wsm_conn *conn) {
    const wsm_claims *claims = &conn->identity.claims;
    return claims->permission == WSM_PERMISSION_ACTIVE && claims->purpose == WSM_PURPOSE_PRIMARY;
}

static bool is_active(const wsm_conn *conn) {
    return conn->identity.claims.permission == WSM_PERMISSION_ACTIVE;
}

/* A restarted agent never waits behind its own ghost: a second primary replaces the first. Anything else over the
 * number is sent away. False: this connection is the one that goes. */
static bool admit(wsm_conn *conn, wsm__agent *agent) {
    wsm_hub *hub = conn->hub;
    for (uint8_t i = 0; i < agent->slots_count && is_primary(conn); i++) {
        wsm_conn *other = wsm__peer_slot(hub, agent->slots[i])->conn;
        if (!is_primary(other)) continue;
        hub->count.conns_superseded++;
        wsm__call_security(hub, "second_primary", conn, "a second primary connection replaces the first", 0);
        wsm__peer_shut(other, 4009, NULL);
        break;
    }
    uint32_t most = hub->config.connections_per_agent ? hub->config.connections_per_agent : WSM__AGENT_SLOTS;
    if (agent->slots_count < most && wsm__agent_add(agent, conn->slot)) return true;
    hub->count.conns_surplus++;
    wsm__call_security(hub, "surplus_connection", conn, "more connections than an agent may have", WSM_ERR_LIMIT);
    wsm__peer_shut(conn, 4014, NULL);
    return false;
}

static const char *kind_word(wsm_kind kind) {
    return kind == WSM_KIND_HUMAN ? "human" : kind == WSM_KIND_SERVICE ? "service" : "agent";
}

static const char *purpose_word(wsm_purpose purpose) {
    return purpose == WSM_PURPOSE_OBSERVER ? "observer" : purpose == WSM_PURPOSE_BACKUP ? "backup" : "primary";
}

static void put_limits(wsm_conn *conn, wsm__buf *buf) {
    const wsm_config *config = &conn->hub->config;
    wsm__json_out limits;
    wsm__json_open(&limits, buf);
    wsm__json_num(&limits, "message_bytes_max", config->message_bytes_max);
    wsm__json_num(&limits, "messages_per_s", config->agent_messages_per_s);
    wsm__json_num(&limits, "messages_burst", config->agent_messages_burst);
    wsm__json_num(&limits, "queue_messages", conn->io.limits->messages_max);
    wsm__json_num(&limits, "queue_bytes", config->queue_bytes_max);
    wsm__json_close(&limits);
}

static void put_server(wsm_conn *conn, wsm__buf *buf) {
    wsm__json_out server;
    wsm__json_open(&server, buf);
    wsm__json_str(&server, "name", wsm__slice_str(conn->hub->config.server_name));
    wsm__json_str(&server, "version", wsm__slice_str(conn->hub->config.server_version));
    wsm__json_close(&server);
}

static void welcome(wsm_conn *conn, const char *resume) {
    wsm_hub *hub = conn->hub;
    const wsm_claims *claims = &conn->identity.claims;
    wsm__encoder enc;
    wsm__buf part;
    wsm__buf_init(&part, &hub->mem, 0);
    wsm__answer_begin(hub, &enc, WSM__MSG_WELCOME);
    wsm__encode_str(&enc, "connection_id", wsm__slice(conn->id, sizeof conn->id));
    wsm__encode_str(&enc, "agent_id", claims->sub);
    wsm__encode_str(&enc, "permission", wsm__slice_str(is_active(conn) ? "active" : "observer"));
    wsm__encode_str(&enc, "kind", wsm__slice_str(kind_word(claims->kind)));
    wsm__encode_str(&enc, "purpose", wsm__slice_str(purpose_word(claims->purpose)));
    wsm__encode_str(&enc, "epoch", wsm__slice_str(hub->epoch));
    wsm__encode_num(&enc, "offset", hub->records.applied);
    wsm__encode_bool(&enc, "session_restored", false);
    wsm__encode_str(&enc, "resume", wsm__slice_str(resume));
    put_limits(conn, &part);
    wsm__encode_raw(&enc, "limits", wsm__slice(part.ptr, part.len));
    wsm__encode_num(&enc, "ping_interval_ms", hub->config.ping_interval_ms);
    wsm__encode_raw(&enc, "features", wsm__slice_str("[\"replay\",\"presence\"]"));
    int err = part.err;
    wsm__buf_clear(&part);
    put_server(conn, &part);
    wsm__encode_raw(&enc, "server", wsm__slice(part.ptr, part.len));
    wsm__encode_end(&enc);
    if (err || part.err) hub->scratch.err = WSM_ERR_NOMEM;
    wsm__buf_fini(&part);
    wsm__peer_notice(conn, WSM__LANE_CONTROL);
}

static void forget_if_unused(wsm_hub *hub, wsm__agent *agent) {
    if (agent->slots_count == 0 && !agent->timer.armed) wsm__heap_arm(&hub->heap, &agent->timer, hub->now);
}

static int join(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__agent *agent = wsm__registry_take(&hub->registry, conn->identity.claims.sub);
    if (!agent) return WSM_ERR_NOMEM;
    agent->timer.kind = WSM__TIMER_AGENT;
    agent->number = wsm__roster_find(&hub->roster, conn->identity.claims.sub);
    if (!admit(conn, agent)) {
        forget_if_unused(hub, agent);
        return WSM_ERR_LIMIT;
    }
    conn->agent = agent;
    conn->reads_main = wsm__identity_may_read(&conn->identity, wsm__slice_str("main"));
    if (wsm__audience_connect(conn)) {
        conn->agent = NULL;
        wsm__agent_remove(agent, conn->slot);
        forget_if_unused(hub, agent);
        return WSM_ERR_NOMEM;
    }
    if (is_active(conn)) agent->actives++;
    agent->kind = conn->identity.claims.kind;
    if (is_active(conn)) wsm__heap_disarm(&hub->heap, &agent->timer); /* who only observes does not stay present */
    return WSM_OK;
}

void wsm__session_open(wsm_conn *conn, wsm__identity *identity, const char *epoch, uint64_t after) {
    wsm_hub *hub = conn->hub;
    conn->identity = *identity;
    *identity = (wsm__identity){0};
    wsm__peer_preauth_done(conn);
    if (conn->identity.claims.kind == WSM_KIND_HUMAN) conn->io.limits = &hub->human_lanes;
    if (conn->phase < WSM__PHASE_HELLO) conn->phase = WSM__PHASE_HELLO; /* upgraded: from here a refusal is a close */
    int err = join(conn);
    if (err == WSM_ERR_NOMEM) {
        hub->count.no_memory++;
        wsm__peer_shut(conn, 1013, NULL);
    }
    if (err) return;
    hub->count.conns_opened++;
    wsm__peer_expires(conn);
    if (epoch) hub->count.conns_resumed++;
    conn->presence_seen = hub->registry.version;
    wsm__peer_to(conn, WSM__PHASE_LIVE);
    if (conn->phase != WSM__PHASE_LIVE) return; /* the host closed it inside the callback */
    wsm__call_audit(hub, "conn_open", conn, epoch ? "resumes" : "first visit", 0);
    if (conn->phase == WSM__PHASE_LIVE && is_active(conn)) wsm__card_of(conn); /* whose append calls the host, too */
    if (conn->phase != WSM__PHASE_LIVE) return;
    welcome(conn, wsm__replay_begin(conn, epoch, after));
    wsm__replay_start(conn);
    if (is_active(conn)) wsm__presence_joined(hub, conn);
    wsm__delivery_pump(conn);
}

void wsm__session_leave(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__agent *agent = conn->agent;
    wsm__replay_stop(conn);
    wsm__watch_drop(conn, NULL);
    if (conn->presence_lags) hub->presence_lagging--;
    conn->presence_lags = false;
    if (!agent) return;
    wsm__audience_disconnect(conn);
    wsm__agent_remove(agent, conn->slot);
    wsm__delivery_lost(conn);
    conn->agent = NULL;
    if (is_active(conn)) wsm__presence_left(hub, agent);
    forget_if_unused(hub, agent);
}
