/* Tokens that come after the upgrade: in the first message, or with a connection that the host upgraded. The host may
 * answer at once or later (wsm_conn_authorize); until then the connection waits, and so does who uses it. */
#include "hub/hub.h"
#include "limits.h"

/* What is kept while the host checks: the token, and where to resume. NULL: no memory. */
static wsm__handshake *keep(wsm_conn *conn, wsm_slice token, const char *epoch, uint64_t after) {
    wsm_hub *hub = conn->hub;
    wsm__handshake *hs = wsm__zalloc(&hub->mem, sizeof *hs);
    if (!hs) return NULL;
    wsm__buf_init(&hs->in, &hub->mem, 0);
    wsm__buf_init(&hs->token, &hub->mem, (size_t)WSM__TOKEN_BYTES_MAX * 2);
    wsm__buf_put_slice(&hs->token, token);
    if (epoch) memcpy(hs->epoch, epoch, 16);
    hs->after = after;
    conn->hs = hs;
    if (!hs->token.err) return hs;
    wsm__peer_unhand(conn);
    return NULL;
}

int wsm__hello_ask(wsm_conn *conn, wsm_slice token, const char *epoch, uint64_t after) {
    wsm_hub *hub = conn->hub;
    wsm__identity identity = {0};
    if (token.len > WSM__TOKEN_BYTES_MAX) {
        wsm__hello_verdict(conn, WSM_ERR_TOKEN, &identity);
        return WSM_OK;
    }
    wsm__handshake *hs = keep(conn, token, epoch, after);
    if (!hs) return WSM_ERR_NOMEM;
    wsm__peer_to(conn, WSM__PHASE_VERDICT);
    int err = wsm__call_token_check(conn, wsm__slice(hs->token.ptr, hs->token.len), &identity);
    if (err == WSM_ERR_PENDING) return WSM_OK;
    if (conn->phase != WSM__PHASE_VERDICT) { /* the host closed it, or answered, inside its callback */
        wsm__identity_fini(&identity, &hub->mem);
        return WSM_OK;
    }
    if (err == WSM_ERR_NOMEM) return err;
    wsm__hello_verdict(conn, err, &identity);
    return WSM_OK;
}

void wsm__hello_verdict(wsm_conn *conn, int err, wsm__identity *identity) {
    wsm_hub *hub = conn->hub;
    if (err == WSM_ERR_NOMEM) {
        hub->count.no_memory++;
        wsm__peer_shut(conn, 1013, NULL);
        return;
    }
    if (err) {
        hub->count.auth_failed++;
        wsm__address_failed(hub, conn->address);
        wsm__call_security(hub, "auth_failed", conn, wsm_strerror(err), err);
        wsm__peer_shut(conn, err == WSM_ERR_TOKEN_EXPIRED ? 4003 : 4002, NULL);
        return;
    }
    char epoch[17] = "";
    uint64_t after = conn->hs ? conn->hs->after : 0;
    if (conn->hs) memcpy(epoch, conn->hs->epoch, sizeof epoch);
    wsm__peer_unhand(conn);
    wsm__session_open(conn, identity, epoch[0] ? epoch : NULL, after);
}

void wsm__hello_text(wsm_conn *conn, wsm_slice text) {
    wsm_hub *hub = conn->hub;
    wsm__message message;
    wsm__decode_error error;
    char token[WSM__TOKEN_BYTES_MAX], epoch[17] = "";
    uint64_t after = 0;
    if (text.len > WSM__TOKEN_BYTES_MAX || wsm__decode(text, &hub->scan_limits, &message, &error) ||
        message.type != WSM__MSG_HELLO) {
        wsm__peer_shut(conn, 4002, NULL);
        return;
    }
    long len = wsm__json_string_decode(wsm__message_field(&message, "token").raw, token, sizeof token);
    wsm__json_value field = wsm__message_field(&message, "epoch");
    if (field.kind) wsm__json_string_decode(field.raw, epoch, 16);
    field = wsm__message_field(&message, "after");
    if (field.kind) wsm__json_u64(field, WSM__NUMBER_MAX, &after);
    if (len < 0) {
        wsm__hello_verdict(conn, WSM_ERR_TOKEN, &(wsm__identity){0});
        return;
    }
    if (wsm__hello_ask(conn, wsm__slice(token, (size_t)len), epoch[0] ? epoch : NULL, after))
        wsm__hello_verdict(conn, WSM_ERR_NOMEM, &(wsm__identity){0});
    wsm__wipe(token, sizeof token);
}
