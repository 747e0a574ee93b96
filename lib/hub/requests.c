/* HTTP requests that are no upgrade, as the host sees and answers them. */
#include "abi.h"
#include "hub/hub.h"

wsm_slice wsm_request_method(const wsm_request *request) {
    return request ? request->conn->hs->head.method : wsm__slice(NULL, 0);
}

wsm_slice wsm_request_path(const wsm_request *request) {
    return request ? request->conn->hs->head.path : wsm__slice(NULL, 0);
}

wsm_slice wsm_request_query(const wsm_request *request) {
    return request ? request->conn->hs->head.query : wsm__slice(NULL, 0);
}

wsm_slice wsm_request_body(const wsm_request *request) {
    return request ? request->body : wsm__slice(NULL, 0);
}

wsm_slice wsm_request_header(const wsm_request *request, const char *name) {
    bool repeated = false;
    if (!request || !name) return wsm__slice(NULL, 0);
    wsm_slice value = wsm__http_header(&request->conn->hs->head, name, &repeated);
    return repeated ? wsm__slice(NULL, 0) : value;
}

/* The host may answer the request, or end its connection, in the callbacks that this makes: then it is gone. */
static bool is_asked(const wsm_conn *conn, const wsm_request *request) {
    return conn->hs && &conn->hs->request == request;
}

static int identify(wsm_conn *conn, wsm_request *request) {
    wsm_hub *hub = conn->hub;
    wsm__identity identity = {0};
    wsm_slice token;
    int status = wsm__http_token(&conn->hs->head, &token);
    if (status) return status == 401 ? WSM_ERR_UNAUTHORIZED : WSM_ERR_TOKEN;
    int err = wsm__call_token_check(conn, token, &identity);
    if (err == WSM_ERR_PENDING) err = WSM_ERR_TOKEN;
    if (err && err != WSM_ERR_NOMEM) {
        hub->count.auth_failed++;
        wsm__address_failed(hub, conn->address);
        wsm__call_security(hub, "auth_failed", conn, wsm_strerror(err), err);
    }
    if (err) return err;
    if (!is_asked(conn, request)) {
        wsm__identity_fini(&identity, &hub->mem);
        return WSM_ERR_CLOSED;
    }
    request->identity = identity;
    request->has_identity = true;
    return WSM_OK;
}

int wsm_request_claims(wsm_request *request, wsm_claims *claims) {
    if (!request || !claims) return WSM_ERR_INVALID;
    wsm_conn *conn = request->conn;
    wsm_hub *hub = conn->hub;
    wsm__turn_enter(hub); /* a host that answers later asks in no turn, and is told by the time of now */
    int err = wsm__address_is_blocked(hub, conn->address) ? WSM_ERR_RATE_LIMITED : WSM_OK;
    if (!err && !request->has_identity) err = identify(conn, request);
    if (!err) err = wsm__abi_fill(claims, &request->identity.claims, sizeof request->identity.claims);
    wsm__turn_leave(hub);
    return err;
}

void wsm_request_set_user(wsm_request *request, void *user) {
    if (request) request->user = user;
}

void *wsm_request_user(const wsm_request *request) {
    return request ? request->user : NULL;
}

wsm_conn *wsm_request_conn(const wsm_request *request) {
    return request ? request->conn : NULL;
}

int wsm_request_respond(wsm_request *request, int status, const char *headers, const void *body, size_t len) {
    if (!request || status < 200 || status > 599 || (!body && len > 0)) return WSM_ERR_INVALID;
    wsm_conn *conn = request->conn;
    wsm_hub *hub = conn->hub;
    uint64_t no_memory = hub->count.no_memory;
    wsm__turn_enter(hub);
    /* HEAD is answered like GET, its length too, but without the body (RFC 9110, section 9.3.2). */
    bool is_head = wsm__slice_eq(conn->hs->head.method, wsm__slice_str("HEAD"));
    wsm__peer_answer_body(conn, status, headers, NULL, wsm__slice(is_head ? NULL : body, len));
    wsm__peer_unhand(conn);
    int err = hub->count.no_memory > no_memory ? WSM_ERR_NOMEM : WSM_OK;
    wsm__turn_leave(hub);
    return err;
}
