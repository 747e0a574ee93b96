/* The only file that calls the host. Each callback has one wrapper: NULL means not wanted; our own state is true before
 * the call, and nothing read before it is trusted after it. */
#include "hub/hub.h"

#define LINE_MAX 1024

int wsm__call_random(wsm_hub *hub, void *bytes, size_t len) {
    return hub->host.random(hub->user, bytes, len) ? WSM_ERR_RANDOM : WSM_OK;
}

void wsm__call_bytes_waiting(wsm_conn *conn) {
    conn->hub->host.bytes_waiting(conn->hub->user, conn, conn->user);
}

void wsm__call_close_transport(wsm_conn *conn) {
    conn->hub->host.close_transport(conn->hub->user, conn, conn->user);
}

void wsm__call_wake(wsm_hub *hub) {
    if (hub->host.wake) hub->host.wake(hub->user);
}

int wsm__call_token_check(wsm_conn *conn, wsm_slice token, wsm__identity *identity) {
    wsm_hub *hub = conn->hub;
    if (!hub->host.token_check)
        return wsm__jwt_check(&hub->keys, token, hub->config.audience, hub->wall / 1000, &hub->mem, identity);
    wsm_claims claims;
    wsm_claims_init(&claims, sizeof claims);
    int err = hub->host.token_check(hub->user, conn, token, &claims);
    if (err) return err;
    err = wsm__identity_copy(identity, &hub->mem, &claims);
    return err == WSM_ERR_INVALID ? WSM_ERR_TOKEN_CLAIM : err;
}

int wsm__call_veto(wsm_hub *hub, wsm_slice agent, wsm_slice type, wsm_slice json) {
    return hub->host.message_veto ? hub->host.message_veto(hub->user, agent, type, json) : WSM_OK;
}

bool wsm__call_findings(wsm_hub *hub, const wsm_merge *merge, char *out, size_t cap, wsm_slice *findings) {
    size_t len = 0;
    wsm__json_value value;
    if (!hub->host.extract_findings || hub->host.extract_findings(hub->user, merge, out, cap, &len) != 1) return false;
    bool is_json = len <= cap && wsm__json_check(wsm__slice(out, len), &hub->scan_limits, &value, NULL) == WSM_OK &&
                   !wsm__json_has_duplicate_keys(value.raw);
    if (is_json)
        *findings = value.raw;
    else
        wsm__call_log(hub, WSM_LEVEL_WARN, "findings_not_json", NULL, "what extract_findings wrote is not taken");
    return is_json;
}

/* ---- log lines and events -------------------------------------------------------------------------------------------
 */

typedef struct line {
    char text[LINE_MAX];
    size_t len;
} line;

/* Bytes from outside never reach a log as they are: what is not printable ASCII is escaped, a long line is cut (I-95).
 */
static void line_put(line *out, wsm_slice text) {
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < text.len && out->len + 5 < LINE_MAX; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c < 0x7f && c != '\\') {
            out->text[out->len++] = (char)c;
            continue;
        }
        out->text[out->len++] = '\\';
        out->text[out->len++] = 'x';
        out->text[out->len++] = hex[c >> 4];
        out->text[out->len++] = hex[c & 15];
    }
    out->text[out->len] = '\0';
}

static void line_field(line *out, const char *name, wsm_slice value) {
    if (!value.ptr || value.len == 0) return;
    line_put(out, wsm__slice_str(name));
    line_put(out, value);
}

static wsm_slice conn_id(const wsm_conn *conn) {
    return conn ? wsm__slice(conn->id, sizeof conn->id) : wsm__slice(NULL, 0);
}

static wsm_slice conn_agent(const wsm_conn *conn) {
    return conn && conn->identity.block ? conn->identity.claims.sub : wsm__slice(NULL, 0);
}

static wsm_slice conn_address(const wsm_conn *conn) {
    return conn && conn->address ? wsm__slice(conn->address->name, conn->address->name_len) : wsm__slice(NULL, 0);
}

/* Ten a second of a kind; kinds beyond the table share its last place. What is left out is counted. */
static bool may_tell(wsm_hub *hub, wsm__told *told, const char *kind, uint64_t *suppressed) {
    size_t i = 0;
    while (i + 1 < WSM__LOG_KINDS && told->of[i].kind && strcmp(told->of[i].kind, kind) != 0) i++;
    told->of[i].kind = kind;
    if (wsm__bucket_take(&told->of[i].rate, hub->now, WSM__LOG_LINES_PER_S, WSM__LOG_LINES_PER_S, 1)) return true;
    (*suppressed)++;
    return false;
}

void wsm__call_log(wsm_hub *hub, wsm_level level, const char *event, const wsm_conn *conn, const char *detail) {
    line out = {.len = 0};
    if (!hub->host.on_log || !may_tell(hub, &hub->log_kinds, event, &hub->count.log_suppressed)) return;
    line_put(&out, wsm__slice_str(event));
    line_field(&out, " agent=", conn_agent(conn));
    line_field(&out, " connection=", conn_id(conn));
    line_field(&out, " address=", conn_address(conn));
    line_field(&out, ": ", wsm__slice_str(detail));
    hub->host.on_log(hub->user, level, out.text);
}

static wsm_event event_of(const char *name, const wsm_conn *conn, const char *detail, int err) {
    return (wsm_event){.size = sizeof(wsm_event),
                       .name = name,
                       .agent_id = conn_agent(conn),
                       .connection_id = conn_id(conn),
                       .address = conn_address(conn),
                       .detail = wsm__slice_str(detail),
                       .err = err};
}

void wsm__call_audit(wsm_hub *hub, const char *name, const wsm_conn *conn, const char *detail, int err) {
    if (!hub->host.on_audit || !may_tell(hub, &hub->audit_kinds, name, &hub->count.audit_suppressed)) return;
    wsm_event event = event_of(name, conn, detail, err);
    hub->host.on_audit(hub->user, &event);
}

void wsm__call_intake(wsm_hub *hub, const wsm_intake *intake) {
    static const char name[] = "agent_intake";
    if (hub->host.on_audit && may_tell(hub, &hub->audit_kinds, name, &hub->count.audit_suppressed)) {
        wsm_event event = event_of(name, NULL, "an agent is new, or its card has changed", 0);
        event.agent_id = intake->agent_id;
        hub->host.on_audit(hub->user, &event);
    }
    if (hub->host.on_intake) hub->host.on_intake(hub->user, intake);
}

void wsm__call_security(wsm_hub *hub, const char *name, const wsm_conn *conn, const char *detail, int err) {
    if (!hub->host.on_security || !may_tell(hub, &hub->security_kinds, name, &hub->count.security_suppressed)) return;
    wsm_event event = event_of(name, conn, detail, err);
    hub->host.on_security(hub->user, &event);
}

/* ---- news -----------------------------------------------------------------------------------------------------------
 */

void wsm__call_ready(wsm_hub *hub, int err) {
    if (hub->host.on_ready) hub->host.on_ready(hub->user, err);
}

void wsm__call_result(wsm_hub *hub, wsm_result *result) {
    result->size = sizeof *result;
    if (hub->host.on_result) hub->host.on_result(hub->user, result);
}

void wsm__call_applied(wsm_hub *hub, uint64_t offset, const wsm__record_head *head, wsm_slice json,
                       uint32_t receivers) {
    if (!hub->host.on_applied) return;
    wsm_applied applied = {.size = sizeof applied,
                           .offset = offset,
                           .context_id = head->context_id,
                           .sender_agent_id = head->sender,
                           .type = wsm__slice_str(wsm__msg_row_of(head->type)->name),
                           .json = json,
                           .receivers = receivers};
    hub->host.on_applied(hub->user, &applied);
}

void wsm__call_page(wsm_hub *hub, wsm_page *page) {
    page->size = sizeof *page;
    if (hub->host.on_page) hub->host.on_page(hub->user, page);
}

void wsm__call_drops(wsm_hub *hub, const char *lane, const char *reason, uint64_t count) {
    if (!hub->host.on_drop || count == 0) return;
    wsm_drop drop = {.size = sizeof drop, .lane = lane, .reason = reason, .count = count};
    hub->host.on_drop(hub->user, &drop);
}

void wsm__call_drop(wsm_conn *conn, const char *lane, const char *reason, uint64_t count) {
    wsm_hub *hub = conn->hub;
    if (!hub->host.on_drop || count == 0) return;
    wsm_drop drop = {.size = sizeof drop,
                     .lane = lane,
                     .reason = reason,
                     .count = count,
                     .connection_id = conn_id(conn),
                     .agent_id = conn_agent(conn)};
    hub->host.on_drop(hub->user, &drop);
}

void wsm__call_conn_state(wsm_conn *conn, wsm_conn_state state) {
    wsm_hub *hub = conn->hub;
    if (conn->told >= state) return;
    conn->told = (uint8_t)state;
    if (hub->host.on_conn_state) hub->host.on_conn_state(hub->user, conn, conn->user, state, conn->close_code);
}

void wsm__call_drained(wsm_conn *conn) {
    if (conn->hub->host.on_drained) conn->hub->host.on_drained(conn->hub->user, conn, conn->user);
}

void wsm__call_data(wsm_conn *conn, wsm_data type, wsm_slice bytes) {
    if (conn->hub->host.on_data) conn->hub->host.on_data(conn->hub->user, conn, conn->user, type, bytes.ptr, bytes.len);
}

bool wsm__call_request(wsm_conn *conn, wsm_request *request) {
    if (!conn->hub->host.on_request) return false;
    conn->hub->host.on_request(conn->hub->user, request);
    return true;
}

void wsm__call_request_end(wsm_conn *conn, wsm_request *request) {
    if (conn->hub->host.on_request_end) conn->hub->host.on_request_end(conn->hub->user, request);
}

/* ---- the log --------------------------------------------------------------------------------------------------------
 */

int wsm__call_log_append(wsm_hub *hub, uint64_t id, const wsm_vec *records, size_t count) {
    return hub->log.append(hub->log.user, id, records, count);
}

int wsm__call_log_read(wsm_hub *hub, const wsm__read *read) {
    return hub->log.read(hub->log.user, read->id, read->from, read->to, read->records_max, read->bytes_max);
}

int wsm__call_log_trim(wsm_hub *hub, uint64_t offset) {
    return hub->log.trim(hub->log.user, offset);
}

int wsm__call_log_save(wsm_hub *hub, uint64_t offset, const void *bytes, size_t len) {
    return hub->log.save ? hub->log.save(hub->log.user, offset, bytes, len) : WSM_OK;
}
