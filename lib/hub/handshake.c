/* From the first byte of a RAW peer to an upgraded connection or an HTTP answer: the request's head and body, the
 * checks of Host, Origin, limits and token, in this order, and the 101. */
#include "hub/hub.h"
#include "limits.h"

static const wsm__http_head *head_of(const wsm_conn *conn) {
    return &conn->hs->head;
}

static bool is_listed(const char *const *list, size_t count, wsm_slice value) {
    for (size_t i = 0; i < count; i++)
        if (wsm__slice_is_nocase(value, list[i])) return true;
    return false;
}

static void refuse(wsm_conn *conn, int status, const char *message) {
    const char *headers = NULL, *code = "bad_message";
    switch (status) {
    case 401:
        headers = "WWW-Authenticate: Bearer\r\n";
        code = "unauthorized";
        break;
    case 403: code = "forbidden"; break;
    case 404: code = "not_found"; break;
    case 405: headers = "Allow: GET\r\n"; break;
    case 413: code = "too_large"; break;
    case 426: headers = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"; break;
    case 429:
        headers = "Retry-After: 1\r\n";
        code = "rate_limited";
        break;
    case 503:
        headers = "Retry-After: 1\r\n";
        code = "busy";
        break;
    default: break;
    }
    wsm__peer_answer(conn, status, headers, code, message);
}

/* What was decided when the connection came, before it had said a word. */
static bool is_refused_early(wsm_conn *conn) {
    if (conn->hs->refuse == 0) return false;
    refuse(conn, conn->hs->refuse, conn->hs->refuse == 429 ? "too many connections" : "not now");
    return true;
}

static void upgrade(wsm_conn *conn, wsm_slice key, const char *protocol) {
    wsm_hub *hub = conn->hub;
    wsm__buf out;
    wsm__buf_init(&out, &hub->mem, 0);
    int err = wsm__upgrade_accept(&out, key, protocol);
    wsm__frame *frame = err || out.err ? NULL : wsm__frame_raw(&hub->mem, out.ptr, out.len);
    if (!frame || wsm__peer_link(conn) || wsm__io_push_raw(&conn->io, frame, hub->now)) {
        hub->count.no_memory++;
        refuse(conn, 503, "out of memory");
    }
    wsm__frame_unref(frame);
    wsm__buf_fini(&out);
    wsm__turn_notify(conn);
}

/* The connection is upgraded: what follows the head in the buffer are frames already. */
static void go_on(wsm_conn *conn) {
    wsm__handshake *hs = conn->hs;
    if (!wsm__peer_is_up(conn)) return;
    conn->hs = NULL; /* keep the bytes while they are read, though the connection has no handshake any more */
    size_t rest = hs->in.len - hs->head_len;
    wsm__peer_run(conn, hs->in.ptr + hs->head_len, rest);
    hs->request.conn = NULL;
    wsm__wipe(hs->in.ptr, hs->in.len);
    wsm__buf_fini(&hs->in);
    if (hs->token.ptr) wsm__wipe(hs->token.ptr, hs->token.len);
    wsm__buf_fini(&hs->token);
    wsm__free(&conn->hub->mem, hs, sizeof *hs);
}

void wsm__handshake_token(wsm_conn *conn, int err, wsm__identity *identity) {
    wsm_hub *hub = conn->hub;
    wsm__handshake *hs = conn->hs;
    wsm__upgrade ask;
    const char *why;
    if (err == WSM_ERR_NOMEM) {
        hub->count.no_memory++;
        refuse(conn, 503, "out of memory");
        return;
    }
    if (err) {
        hub->count.auth_failed++;
        wsm__address_failed(hub, conn->address);
        wsm__call_security(hub, "auth_failed", conn, wsm_strerror(err), err);
        refuse(conn, 401, err == WSM_ERR_TOKEN_EXPIRED ? "the token has expired" : "the token is not valid");
        return;
    }
    wsm__upgrade_read(&hs->head, &ask, &why); /* it was read before: this cannot fail */
    upgrade(conn, ask.key, ask.has_protocol ? "wsm.v1" : NULL);
    if (conn->phase >= WSM__PHASE_CLOSING) {
        wsm__identity_fini(identity, &hub->mem);
        return;
    }
    wsm__session_open(conn, identity, hs->epoch[0] ? hs->epoch : NULL, hs->after);
    go_on(conn);
}

static void ask_token(wsm_conn *conn, wsm_slice token) {
    wsm_hub *hub = conn->hub;
    wsm__identity identity = {0};
    wsm__buf_put_slice(&conn->hs->token, token);
    if (conn->hs->token.err) {
        refuse(conn, 503, "out of memory");
        return;
    }
    wsm__peer_to(conn, WSM__PHASE_TOKEN);
    int err = wsm__call_token_check(conn, wsm__slice(conn->hs->token.ptr, conn->hs->token.len), &identity);
    if (err == WSM_ERR_PENDING) return;
    if (conn->phase != WSM__PHASE_TOKEN) { /* the host closed it, or answered, inside its callback */
        wsm__identity_fini(&identity, &hub->mem);
        return;
    }
    wsm__handshake_token(conn, err, &identity);
}

static void want_hub(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__handshake *hs = conn->hs;
    wsm__upgrade ask = {0};
    const char *why = "";
    if (!wsm__upgrade_is_wanted(head_of(conn))) {
        refuse(conn, wsm__slice_is(head_of(conn)->method, "GET") ? 426 : 405, "this path speaks WebSocket");
        return;
    }
    int status = wsm__upgrade_read(head_of(conn), &ask, &why);
    if (status) {
        refuse(conn, status, why);
    } else if (ask.any_protocol && !ask.has_protocol) {
        refuse(conn, 400, "Sec-WebSocket-Protocol: expected wsm.v1");
    } else if (ask.origin.ptr && !is_listed(hub->config.origins, hub->config.origins_count, ask.origin)) {
        wsm__call_security(hub, "origin_refused", conn, "Origin is not on the list", WSM_ERR_FORBIDDEN);
        refuse(conn, 403, "this Origin is not on the list");
    } else if (!hub->is_ready || hub->is_shutting_down) {
        refuse(conn, 503, hub->is_shutting_down ? "shutting down" : "loading");
    } else if (wsm__address_is_blocked(hub, conn->address)) {
        wsm__peer_answer(conn, 429, "Retry-After: 60\r\n", "rate_limited", "too many tokens were refused");
    } else if (!ask.token.ptr && !hub->config.hello_auth) {
        hub->count.auth_failed++;
        refuse(conn, 401, "a token is required");
    } else {
        if (ask.epoch.ptr) memcpy(hs->epoch, ask.epoch.ptr, ask.epoch.len < 16 ? ask.epoch.len : 16);
        hs->after = ask.after;
        if (ask.token.ptr) {
            ask_token(conn, ask.token);
            return;
        }
        upgrade(conn, ask.key, ask.has_protocol ? "wsm.v1" : NULL);
        if (conn->phase >= WSM__PHASE_CLOSING) return;
        conn->hello_by = hub->now + hub->config.auth_timeout_ms;
        wsm__peer_to(conn, WSM__PHASE_HELLO);
        wsm__peer_rearm(conn, conn->hello_by);
        go_on(conn);
    }
}

static void want_plain(wsm_conn *conn) {
    wsm__upgrade ask;
    const char *why = "";
    int status = wsm__upgrade_read(head_of(conn), &ask, &why);
    if (status) {
        refuse(conn, status, why);
        return;
    }
    upgrade(conn, ask.key, NULL);
    if (conn->phase >= WSM__PHASE_CLOSING) return;
    wsm__peer_preauth_done(conn);
    conn->hub->count.conns_opened++;
    wsm__peer_to(conn, WSM__PHASE_PLAIN);
    go_on(conn);
}

static void request(wsm_conn *conn) {
    wsm__handshake *hs = conn->hs;
    size_t body = (size_t)hs->head.content_length;
    if (hs->in.len - hs->head_len < body) {
        wsm__peer_to(conn, WSM__PHASE_BODY);
        return;
    }
    hs->request.conn = conn;
    hs->request.body = wsm__slice(hs->in.ptr + hs->head_len, body);
    wsm__peer_to(conn, WSM__PHASE_REQUEST);
    conn->hub->count.http_requests++;
    wsm__peer_preauth_done(conn); /* the host's own time now */
    if (wsm__call_request(conn, &hs->request)) return;
    hs->request.conn = NULL;
    refuse(conn, 404, "there is nothing at this path");
}

static void act(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    const wsm__http_head *head = head_of(conn);
    bool repeated = false;
    if (is_refused_early(conn)) return;
    wsm_slice host = wsm__http_header(head, "host", &repeated);
    if (hub->config.hosts_count > 0 && !is_listed(hub->config.hosts, hub->config.hosts_count, host)) {
        wsm__call_security(hub, "host_refused", conn, "Host does not name this server", WSM_ERR_FORBIDDEN);
        refuse(conn, 403, "Host does not name this server");
        return;
    }
    if (conn->plain)
        want_plain(conn);
    else if (wsm__slice_is(head->path, hub->config.ws_path))
        want_hub(conn);
    else
        request(conn);
}

static void parse(wsm_conn *conn) {
    wsm__handshake *hs = conn->hs;
    size_t from = hs->parsed;
    hs->parsed = hs->in.len;
    if (from > 0 && wsm__http_is_more_of_it(&hs->head, hs->in.ptr, from, hs->in.len)) return;
    long head_len = wsm__http_parse_request(hs->in.ptr, hs->in.len, &conn->hub->http_limits, &hs->head);
    if (head_len < 0) refuse(conn, (int)-head_len, wsm__http_reason((int)-head_len));
    if (head_len <= 0) return;
    hs->head_len = (size_t)head_len;
    act(conn);
}

/* The buffer may have moved while more came; the head points into it, and whoever answers later reads it again. */
static void reread(wsm_conn *conn) {
    wsm__handshake *hs = conn->hs;
    wsm__http_parse_request(hs->in.ptr, hs->head_len, &conn->hub->http_limits, &hs->head); /* as it did before */
}

size_t wsm__handshake_recv(wsm_conn *conn, const char *bytes, size_t len) {
    wsm__handshake *hs = conn->hs;
    const char *was = hs->in.ptr;
    if (conn->phase == WSM__PHASE_REQUEST)
        return len; /* one request a connection: the host holds slices of the buffer */
    size_t room = hs->in.max - hs->in.len;
    size_t taken = len < room ? len : room;
    wsm__buf_put(&hs->in, bytes, taken);
    if (hs->in.err || taken == 0) {
        refuse(conn, hs->in.err ? 503 : 413, "too much before the answer");
        return len;
    }
    if (hs->head_len > 0 && hs->in.ptr != was) reread(conn);
    if (hs->head_len == 0)
        parse(conn);
    else if (conn->phase == WSM__PHASE_BODY && hs->in.len - hs->head_len >= hs->head.content_length)
        request(conn);
    return taken;
}
