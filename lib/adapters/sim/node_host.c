/* The host's callbacks as a machine gives them to its hub: memory that fails, random bytes that fail, tokens that are
 * checked late or never; then the checks, then what the test itself wants to hear. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define FOREVER UINT64_MAX

static uint64_t clock_mono(void *user) {
    return wsm__sim_machine_mono(user);
}

static int64_t clock_wall(void *user) {
    return wsm__sim_machine_wall(user);
}

static int fill_random(void *user, void *bytes, size_t len) {
    wsm__sim_machine *node = user;
    unsigned char *at = bytes;
    if (!node->dying && wsm__sim_fails(node->sim, WSM_SIM_NO_RANDOM, WSM__SIM_HOST)) return -1;
    for (size_t i = 0; i < len; i++) {
        node->random = node->random * 6364136223846793005u + 1442695040888963407u;
        at[i] = (unsigned char)(node->random >> 56);
    }
    return 0;
}

static void *give(void *user, void *ptr, size_t old_size, size_t new_size) {
    wsm__sim_machine *node = user;
    if (new_size > old_size && node->fail_for > 0 && !node->dying) {
        if (node->fail_after > 0) {
            node->fail_after--;
        } else {
            if (node->fail_for != FOREVER) node->fail_for--;
            node->sim->oracle.memory_failed = true;
            wsm__sim_mark(node->sim, WSM_SIM_NO_MEMORY);
            return NULL;
        }
    }
    node->live += new_size;
    node->live -= old_size;
    if (new_size == 0) {
        free(ptr);
        node->blocks--;
        return NULL;
    }
    if (old_size == 0) node->blocks++;
    unsigned char *at = wsm__sim_resize(ptr, new_size);
    if (new_size > old_size) memset(at + old_size, node->sim->fill, new_size - old_size);
    return at;
}

/* The hub that called is the living one. Callbacks that come before wsm_hub_new has returned count as living, too. */
static bool is_heard(const wsm__sim_machine *node) {
    return !node->dying;
}

static wsm__sim_line *line_of(wsm_conn *conn, void *conn_user) {
    wsm__sim_line *line = conn_user;
    if (!line->conn && line->is_accepted && !line->is_over && !line->is_cut)
        line->conn = conn; /* within wsm_conn_new */
    return line;
}

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    wsm__sim_line *line = line_of(conn, conn_user);
    wsm__sim_line_waiting(line);
    wsm__sim_machine_reenter(node, line);
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    wsm__sim_line_over(line_of(conn, conn_user));
}

static void wake(void *user) {
    wsm__sim_machine *node = user;
    if (node->hub && is_heard(node)) wsm__sim_machine_tick_soon(node, 50000);
}

/* ---- tokens ---------------------------------------------------------------------------------------------------------
 */

static const wsm__sim_client *bearer(const wsm__sim_line *line) {
    const wsm_sim *sim = line->sim;
    for (uint32_t i = 0; i < sim->clients_count; i++)
        if (sim->clients[i]->line == line) return sim->clients[i];
    return NULL;
}

static void token_checked(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_line *line = object;
    const wsm__sim_client *client = bearer(line);
    (void)sim;
    (void)number;
    if (!line->conn || !client || !wsm__sim_machine_enter(line->node, line->node_life)) return;
    if (client->is_stranger)
        wsm_conn_authorize(line->conn, WSM_ERR_TOKEN_SIGNATURE, NULL);
    else if (wsm_conn_authorize(line->conn, 0, &client->claims) == WSM_ERR_NOMEM)
        wsm__sim_in(line->sim, 10ull * WSM__SIM_MS, token_checked, line, 0);
    wsm__sim_machine_leave(line->node);
}

static int token_check(void *user, wsm_conn *conn, wsm_slice token, wsm_claims *claims) {
    wsm__sim_machine *node = user;
    wsm_sim *sim = node->sim;
    if (!is_heard(node)) return WSM_ERR_TOKEN;
    wsm__sim_line *line = line_of(conn, wsm__sim_line_find(sim, conn));
    const wsm__sim_client *client = line ? bearer(line) : NULL;
    if (!client) return wsm_hub_token_check(node->hub, token.ptr, token.len, claims);
    if (wsm__sim_fails_on(line, WSM_SIM_TOKEN_NEVER, WSM__SIM_HOST)) return WSM_ERR_PENDING;
    if (wsm__sim_fails_on(line, WSM_SIM_TOKEN_LATE, WSM__SIM_HOST)) {
        wsm__sim_in(sim, wsm__sim_draw(sim, WSM__SIM_HOST, 100) * 50ull * WSM__SIM_MS, token_checked, line, 0);
        return WSM_ERR_PENDING;
    }
    if (client->is_stranger) return WSM_ERR_TOKEN_SIGNATURE;
    *claims = client->claims;
    return WSM_OK;
}

static int message_veto(void *user, wsm_slice agent_id, wsm_slice type, wsm_slice json) {
    wsm__sim_machine *node = user;
    static const int vetoes[] = {WSM_ERR_FORBIDDEN, WSM_ERR_LIMIT, WSM_ERR_RATE_LIMITED, WSM_ERR_BUSY};
    if (!is_heard(node)) return WSM_ERR_FORBIDDEN;
    wsm__sim_machine_reenter(node, NULL);
    if (wsm__sim_fails(node->sim, WSM_SIM_VETO, WSM__SIM_HOST)) {
        wsm__sim_mark_message(node, WSM_SIM_VETO, type, json);
        return vetoes[wsm__sim_draw(node->sim, WSM__SIM_HOST, 4)];
    }
    return node->own.message_veto ? node->own.message_veto(node->own_user, agent_id, type, json) : WSM_OK;
}

/* ---- news -----------------------------------------------------------------------------------------------------------
 */

static void on_log(void *user, wsm_level level, const char *line) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    if (strlen(line) > 1024 || strpbrk(line, "\n\r\x1b"))
        wsm__sim_break(node->sim, "I-95", "a log line is too long, or holds bytes as they came: %.80s", line);
    wsm__sim_say(node->sim, "hub %u says %s", node->idx, line);
    if (node->own.on_log) node->own.on_log(node->own_user, level, line);
    wsm__sim_machine_reenter(node, NULL);
}

static void on_audit(void *user, const wsm_event *event) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    if (node->own.on_audit) node->own.on_audit(node->own_user, event);
    wsm__sim_machine_reenter(node, NULL);
}

static void on_security(void *user, const wsm_event *event) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    if (node->own.on_security) node->own.on_security(node->own_user, event);
    wsm__sim_machine_reenter(node, NULL);
}

static void start_anew(wsm_sim *sim, void *object, uint64_t life) {
    wsm__sim_machine *node = object;
    (void)sim;
    if (node->life != life || !node->hub) return;
    wsm__sim_machine_crash(node, "its log could not be loaded");
    wsm__sim_machine_restart_in(node, 1000ull * WSM__SIM_MS);
}

static void on_ready(void *user, int err) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    wsm__sim_say(node->sim, "hub %u is ready: %d", node->idx, err);
    node->is_ready = err == 0;
    if (err)
        wsm__sim_in(node->sim, WSM__SIM_MS, start_anew, node, node->life);
    else
        wsm__sim_check_ready(node);
    if (node->own.on_ready) node->own.on_ready(node->own_user, err);
}

static void on_result(void *user, const wsm_result *result) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    if (wsm__sim_is_own_tag(node, result->tag))
        wsm__sim_check_result(node, result);
    else if (node->own.on_result)
        node->own.on_result(node->own_user, result);
    wsm__sim_machine_reenter(node, NULL);
}

static void on_applied(void *user, const wsm_applied *applied) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    wsm__sim_check_applied(node, applied);
    if (node->own.on_applied) node->own.on_applied(node->own_user, applied);
    wsm__sim_machine_reenter(node, NULL);
}

static void on_page(void *user, const wsm_page *page) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    if (wsm__sim_is_own_tag(node, page->tag))
        wsm__sim_check_page(node, page);
    else if (node->own.on_page)
        node->own.on_page(node->own_user, page);
    wsm__sim_machine_reenter(node, NULL);
}

static void on_drop(void *user, const wsm_drop *drop) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    wsm__sim_say(node->sim, "hub %u drops %llu of %s: %s", node->idx, (unsigned long long)drop->count, drop->lane,
                 drop->reason);
    wsm__sim_check_drop(node, drop);
    if (node->own.on_drop) node->own.on_drop(node->own_user, drop);
    wsm__sim_machine_reenter(node, NULL);
}

static void on_conn_state(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state state, uint16_t code) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    wsm__sim_line *line = state == WSM_CONN_CLOSED ? conn_user : line_of(conn, conn_user);
    if (line && code) line->close_code = code;
    if (line && code == 4012 && state == WSM_CONN_CLOSING) wsm__sim_check_4012(line);
    wsm__sim_check_conn_state(node, line, conn, state);
    if (node->own.on_conn_state) node->own.on_conn_state(node->own_user, conn, NULL, state, code);
    if (state != WSM_CONN_CLOSED) wsm__sim_machine_reenter(node, line);
}

static void on_drained(void *user, wsm_conn *conn, void *conn_user) {
    wsm__sim_machine *node = user;
    if (!is_heard(node)) return;
    if (node->own.on_drained) node->own.on_drained(node->own_user, conn, NULL);
    wsm__sim_machine_reenter(node, conn_user);
}

static void on_intake(void *user, const wsm_intake *intake) {
    wsm__sim_machine *node = user;
    if (is_heard(node)) node->own.on_intake(node->own_user, intake);
}

static int extract_findings(void *user, const wsm_merge *merge, char *out, size_t cap, size_t *len) {
    wsm__sim_machine *node = user;
    return is_heard(node) ? node->own.extract_findings(node->own_user, merge, out, cap, len) : 0;
}

static int own_token_check(void *user, wsm_conn *conn, wsm_slice token, wsm_claims *claims) {
    wsm__sim_machine *node = user;
    return is_heard(node) ? node->own.token_check(node->own_user, conn, token, claims) : WSM_ERR_TOKEN;
}

static void on_request(void *user, wsm_request *request) {
    wsm__sim_machine *node = user;
    if (is_heard(node)) node->own.on_request(node->own_user, request);
}

static void on_request_end(void *user, wsm_request *request) {
    wsm__sim_machine *node = user;
    if (node->own.on_request_end) node->own.on_request_end(node->own_user, request);
}

void wsm__sim_machine_host(wsm__sim_machine *node, wsm_host *host) {
    wsm_host_init(host, sizeof *host);
    host->clock_mono = clock_mono;
    host->clock_wall = clock_wall;
    host->random = fill_random;
    host->alloc = give;
    host->bytes_waiting = bytes_waiting;
    host->close_transport = close_transport;
    host->wake = wake;
    if (node->own.token_check)
        host->token_check = own_token_check;
    else if (node->late_tokens)
        host->token_check = token_check;
    if (node->own.on_request) {
        host->on_request = on_request;
        host->on_request_end = on_request_end;
    }
    host->message_veto = message_veto;
    host->on_log = on_log;
    host->on_audit = on_audit;
    host->on_security = on_security;
    host->on_ready = on_ready;
    host->on_result = on_result;
    host->on_applied = on_applied;
    host->on_page = on_page;
    host->on_drop = on_drop;
    host->on_conn_state = on_conn_state;
    host->on_drained = on_drained;
    if (node->own.on_intake) host->on_intake = on_intake;
    if (node->own.extract_findings) host->extract_findings = extract_findings;
}
