/* Routes and answers. */
#define _POSIX_C_SOURCE 200809L
#include "http.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *path;
    const char *method;
    const char *allow;
    void (*handle)(server *all, wsm_request *request);
} routes[] = {
    {"/", "GET", "Allow: GET, HEAD\r\n", info_page},          {"/store", "POST", "Allow: POST\r\n", store_take},
    {"/exchanges", "GET", "Allow: GET, HEAD\r\n", read_take}, {"/healthz", "GET", "Allow: GET, HEAD\r\n", info_health},
    {"/readyz", "GET", "Allow: GET, HEAD\r\n", info_ready},   {"/metrics", "GET", "Allow: GET, HEAD\r\n", info_metrics},
};

static bool equals(wsm_slice text, const char *other) {
    return text.ptr != NULL && text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

void http_reply(wsm_request *request, int status, const char *type, const char *headers, writer *body) {
    char lines[2048];
    int len = snprintf(lines, sizeof lines, "%s%s%s%s", type != NULL ? "Content-Type: " : "", type != NULL ? type : "",
                       type != NULL ? "\r\n" : "", headers != NULL ? headers : "");
    if (body->failed || len < 0 || (size_t)len >= sizeof lines) {
        (void)wsm_request_respond(request, 503, "Retry-After: 1\r\n", NULL, 0);
    } else {
        /* Short of memory the library answers 503 by itself. */
        (void)wsm_request_respond(request, status, lines, body->ptr, body->len);
    }
    writer_free(body);
}

static void reply_error(wsm_request *request, int status, const char *code, const char *message, const char *field,
                        const char *headers) {
    writer body = {0};
    writer_str(&body, "{\"error\":{\"code\":");
    writer_quote(&body, code);
    writer_str(&body, ",\"message\":");
    writer_quote(&body, message);
    if (field != NULL) {
        writer_str(&body, ",\"field\":");
        writer_quote(&body, field);
    }
    writer_str(&body, "}}\n");
    http_reply(request, status, HTTP_JSON, headers, &body);
}

static int status_of(int err) {
    if (err <= WSM_ERR_TOKEN && err > WSM_ERR_LOG_CORRUPT) return 401;
    switch (err) {
    case WSM_ERR_INVALID:
    case WSM_ERR_BAD_JSON:
    case WSM_ERR_BAD_MESSAGE:
    case WSM_ERR_UNKNOWN_TYPE:
    case WSM_ERR_UTF8: return 400;
    case WSM_ERR_UNAUTHORIZED:
    case WSM_ERR_TOKEN_EXPIRED: return 401;
    case WSM_ERR_FORBIDDEN: return 403;
    case WSM_ERR_NOT_FOUND:
    case WSM_ERR_UNKNOWN_AGENT: return 404;
    case WSM_ERR_CONFLICT:
    case WSM_ERR_ID_CONFLICT:
    case WSM_ERR_INVALID_TRANSITION:
    case WSM_ERR_RESYNC_REQUIRED: return 409;
    case WSM_ERR_TOO_LARGE: return 413;
    case WSM_ERR_LIMIT:
    case WSM_ERR_RATE_LIMITED:
    case WSM_ERR_LOOP_GUARD: return 429;
    case WSM_ERR_UNSUPPORTED: return 501;
    case WSM_ERR_BUSY:
    case WSM_ERR_SHUTTING_DOWN:
    case WSM_ERR_STORE_FAILED:
    case WSM_ERR_NOMEM: return 503;
    default: return 500;
    }
}

/* The codes of the wire; where the library has none of its own ("internal"), what HTTP says is nearer to the truth. */
static const char *code_of(int err, int status) {
    if (status == 401) return err == WSM_ERR_TOKEN_EXPIRED ? "token_expired" : "unauthorized";
    if (err == WSM_ERR_INVALID) return "bad_message";
    if (err == WSM_ERR_NOMEM) return "busy";
    return wsm_err_code(err);
}

void http_fail(wsm_request *request, int err, const char *message, const char *field, uint64_t retry_after_ms) {
    int status = status_of(err);
    char headers[96] = "";
    if (status == 401) {
        (void)snprintf(headers, sizeof headers, "WWW-Authenticate: Bearer\r\n");
    } else if (status == 429 || status == 503) {
        unsigned long long seconds = retry_after_ms / 1000 + (retry_after_ms % 1000 != 0);
        (void)snprintf(headers, sizeof headers, "Retry-After: %llu\r\n", seconds != 0 ? seconds : 1);
    }
    reply_error(request, status, code_of(err, status), message != NULL ? message : wsm_strerror(err), field, headers);
}

/* HEAD is GET whose body the library leaves out (RFC 9110, section 9.3.2). */
static bool is_allowed(const char *allowed, wsm_slice method) {
    return equals(method, allowed) || (strcmp(allowed, "GET") == 0 && equals(method, "HEAD"));
}

void http_take(server *all, wsm_request *request) {
    wsm_slice path = wsm_request_path(request), method = wsm_request_method(request);
    wsm_slice origin = wsm_request_header(request, "Origin");
    size_t i = 0;
    while (i < sizeof routes / sizeof routes[0] && !equals(path, routes[i].path)) i++;
    if (i == sizeof routes / sizeof routes[0]) {
        reply_error(request, 404, "not_found", "there is nothing at this path", NULL, NULL);
    } else if (origin.ptr != NULL && !names_has(&all->origins, origin.ptr, origin.len)) {
        /* A page of somebody else's, in a browser on this machine. */
        reply_error(request, 403, "forbidden", "this origin is not on the list", NULL, NULL);
    } else if (!is_allowed(routes[i].method, method)) {
        reply_error(request, 405, "bad_message", "this path has other methods", NULL, routes[i].allow);
    } else {
        routes[i].handle(all, request);
    }
}
