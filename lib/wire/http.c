/* Heads are read from left to right, byte by byte, and the first byte that breaks a rule or a limit decides. So the
 * verdict on the first n bytes never changes when more come, whatever the cuts.
 *
 * Stricter than RFC 9112 where leniency has cost others: only the origin form of a target (nobody proxies through us),
 * no Transfer-Encoding in requests, no folding, no bare CR or LF, no empty line before the head. */
#include "wire/http.h"

#include <string.h>

/* Reading stops with `verdict` -1 ("more is needed") or a status. */
typedef struct reader {
    const char *bytes;
    size_t len, at;
    size_t end; /* at which `over` is the verdict */
    int over;
    int bad, other_version, too_large; /* statuses: malformed, not HTTP/1.1, body over the limit */
    int verdict;
    bool (*more)(
        unsigned char); /* with NEED_MORE: bytes of this kind will not change that, up to `end`; NULL: any may */
} reader;

#define NEED_MORE (-1)

static bool fail(reader *r, int status) {
    if (r->verdict == 0) r->verdict = status;
    return false;
}

static bool peek(reader *r, unsigned char *c) {
    if (r->verdict != 0) return false;
    if (r->at == r->len) return fail(r, NEED_MORE);
    if (r->at == r->end) return fail(r, r->over);
    *c = (unsigned char)r->bytes[r->at];
    return true;
}

static bool is_digit(unsigned char c) {
    return c >= '0' && c <= '9';
}

static bool is_hex(unsigned char c) {
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_alnum(unsigned char c) {
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_one_of(unsigned char c, const char *set) {
    return c != 0 && strchr(set, c) != NULL;
}

static bool is_token(unsigned char c) { /* RFC 9110, section 5.6.2 */
    return is_alnum(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
}

static bool is_target(unsigned char c) { /* path and query, RFC 3986 */
    return is_alnum(c) || is_one_of(c, "-._~!$&'()*+,;=:@/?%");
}

static bool is_plain_target(unsigned char c) {
    return is_target(c) && c != '%';
}

static bool is_host(unsigned char c) {
    return is_alnum(c) || is_one_of(c, "-._~!$&'()*+,;=%:[]");
}

static bool is_text(unsigned char c) { /* field values and reason phrases; other bytes than ASCII are opaque */
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool expect(reader *r, const char *text) {
    unsigned char c;
    for (; *text; text++, r->at++) {
        if (!peek(r, &c)) return false;
        if (c != (unsigned char)*text) return fail(r, r->bad);
    }
    return true;
}

/* At least `least` bytes that `is` likes. */
static bool run(reader *r, bool (*is)(unsigned char), size_t least, wsm_slice *out) {
    size_t from = r->at;
    unsigned char c;
    while (peek(r, &c) && is(c)) r->at++;
    if (r->verdict == NEED_MORE) r->more = is;
    if (r->verdict != 0) return false;
    if (r->at - from < least) return fail(r, r->bad);
    *out = wsm__slice(r->bytes + from, r->at - from);
    return true;
}

/* ---- the first line ---- */

static bool target(reader *r, wsm__http_head *head) {
    size_t from = r->at, question = 0;
    unsigned char c, escape = 0;
    if (!peek(r, &c)) return false;
    if (c != '/') return fail(r, r->bad);
    for (; peek(r, &c) && is_target(c); r->at++) {
        if (escape > 0 && !is_hex(c)) return fail(r, r->bad);
        escape = c == '%' ? 2 : escape > 0 ? (unsigned char)(escape - 1) : 0;
        if (c == '?' && question == 0) question = r->at;
    }
    if (r->verdict == NEED_MORE && escape == 0) r->more = is_plain_target;
    if (r->verdict != 0) return false;
    if (escape > 0) return fail(r, r->bad);
    head->target = head->path = wsm__slice(r->bytes + from, r->at - from);
    if (question > 0) {
        head->path.len = question - from;
        head->query = wsm__slice(r->bytes + question + 1, r->at - question - 1);
    }
    return true;
}

static bool version(reader *r) {
    unsigned char major, minor;
    if (!expect(r, "HTTP/") || !peek(r, &major)) return false;
    if (!is_digit(major)) return fail(r, r->bad);
    r->at++;
    if (!expect(r, ".") || !peek(r, &minor)) return false;
    if (!is_digit(minor)) return fail(r, r->bad);
    r->at++;
    if (major != '1' || minor != '1') return fail(r, r->other_version);
    return true;
}

static bool request_line(reader *r, wsm__http_head *head) {
    return run(r, is_token, 1, &head->method) && expect(r, " ") && target(r, head) && expect(r, " ") && version(r) &&
           expect(r, "\r\n");
}

static bool status_line(reader *r, wsm__http_head *head) {
    wsm_slice code, reason;
    if (!version(r) || !expect(r, " ") || !run(r, is_digit, 3, &code)) return false;
    if (code.len != 3 || code.ptr[0] == '0') return fail(r, r->bad);
    head->status = (code.ptr[0] - '0') * 100 + (code.ptr[1] - '0') * 10 + (code.ptr[2] - '0');
    return expect(r, " ") && run(r, is_text, 0, &reason) && expect(r, "\r\n");
}

/* ---- header lines ---- */

static wsm_slice trim(wsm_slice text) {
    while (text.len > 0 && is_one_of((unsigned char)text.ptr[0], " \t")) text.ptr++, text.len--;
    while (text.len > 0 && is_one_of((unsigned char)text.ptr[text.len - 1], " \t")) text.len--;
    return text;
}

static bool content_length(reader *r, wsm__http_head *head, wsm_slice value, uint64_t max) {
    if (head->has_length) return fail(r, r->bad);
    head->has_length = true;
    if (wsm__slice_u64(value, UINT64_MAX, &head->content_length)) {
        return head->content_length <= max || fail(r, r->too_large);
    }
    bool is_number = value.len > 0 && value.ptr[0] != '0';
    for (size_t i = 0; i < value.len; i++) is_number = is_number && is_digit((unsigned char)value.ptr[i]);
    return fail(r, is_number ? r->too_large : r->bad); /* a number beyond 64 bits is over any limit */
}

static bool host(reader *r, wsm_slice value) {
    if (value.len == 0) return fail(r, r->bad);
    for (size_t i = 0; i < value.len; i++) {
        if (!is_host((unsigned char)value.ptr[i])) return fail(r, r->bad);
    }
    return true;
}

static bool header_line(reader *r, const wsm__http_limits *limits, bool is_request, wsm__http_head *head) {
    size_t most = limits->headers_max < WSM__HTTP_HEADERS_MAX ? limits->headers_max : WSM__HTTP_HEADERS_MAX;
    if (head->headers_count >= most) return fail(r, r->over);
    wsm_slice name, value;
    if (!run(r, is_token, 1, &name) || !expect(r, ":") || !run(r, is_text, 0, &value) || !expect(r, "\r\n"))
        return false;
    value = trim(value);
    head->headers[head->headers_count].name = name;
    head->headers[head->headers_count].value = value;
    head->headers_count++;
    if (wsm__slice_is_nocase(name, "content-length")) {
        return content_length(r, head, value, is_request ? limits->body_bytes_max : UINT64_MAX);
    }
    if (!is_request) return true;
    if (wsm__slice_is_nocase(name, "transfer-encoding")) return fail(r, r->bad);
    return !wsm__slice_is_nocase(name, "host") || host(r, value);
}

/* The end of the head is an empty line; a request then has one Host, no more and no less. */
static bool header_lines(reader *r, const wsm__http_limits *limits, bool is_request, wsm__http_head *head) {
    unsigned char c;
    while (peek(r, &c) && c != '\r') {
        if (!header_line(r, limits, is_request, head)) return false;
    }
    if (!expect(r, "\r\n")) return false;
    return !is_request || wsm__http_header(head, "host", NULL).ptr || fail(r, r->bad);
}

static long parse(reader *r, const wsm__http_limits *limits, bool is_request, wsm__http_head *head) {
    *head = (wsm__http_head){0};
    if (is_request ? request_line(r, head) : status_line(r, head)) {
        r->end = r->at + limits->header_bytes_max;
        r->over = is_request ? 431 : r->bad;
        if (header_lines(r, limits, is_request, head)) return (long)r->at;
    }
    head->more = r->verdict == NEED_MORE ? r->more : NULL;
    head->more_end = r->end;
    return r->verdict == NEED_MORE ? 0 : -r->verdict;
}

long wsm__http_parse_request(const char *bytes, size_t len, const wsm__http_limits *limits, wsm__http_head *head) {
    reader r = {.bytes = bytes, .len = len, .end = limits->line_bytes_max, .over = 414};
    r.bad = 400;
    r.other_version = 505;
    r.too_large = 413;
    return parse(&r, limits, true, head);
}

long wsm__http_parse_response(const char *bytes, size_t len, const wsm__http_limits *limits, wsm__http_head *head) {
    reader r = {.bytes = bytes, .len = len, .end = limits->line_bytes_max};
    r.over = r.bad = r.other_version = r.too_large = 502;
    return parse(&r, limits, false, head);
}

bool wsm__http_is_more_of_it(const wsm__http_head *head, const char *bytes, size_t from, size_t len) {
    if (!head->more || len > head->more_end) return false;
    while (from < len && head->more((unsigned char)bytes[from])) from++;
    return from == len;
}

/* ---- asking a head ---- */

wsm_slice wsm__http_header(const wsm__http_head *head, const char *name, bool *repeated) {
    wsm_slice value = {NULL, 0};
    size_t count = 0;
    for (size_t i = 0; i < head->headers_count; i++) {
        if (!wsm__slice_is_nocase(head->headers[i].name, name)) continue;
        value = head->headers[i].value;
        count++;
    }
    if (repeated) *repeated = count > 1;
    return count == 1 ? value : (wsm_slice){NULL, 0};
}

bool wsm__http_list_next(const wsm__http_head *head, const char *name, wsm__http_list *walk, wsm_slice *item) {
    for (; walk->header < head->headers_count; walk->header++, walk->at = 0) {
        if (!wsm__slice_is_nocase(head->headers[walk->header].name, name)) continue;
        wsm_slice value = head->headers[walk->header].value;
        while (walk->at < value.len) {
            const char *from = value.ptr + walk->at;
            const char *comma = memchr(from, ',', value.len - walk->at);
            size_t len = comma ? (size_t)(comma - from) : value.len - walk->at;
            walk->at += len + (comma ? 1 : 0);
            *item = trim(wsm__slice(from, len));
            if (item->len > 0) return true;
        }
    }
    return false;
}

wsm_slice wsm__http_query_get(wsm_slice query, const char *name) {
    size_t name_len = strlen(name);
    while (query.len > 0) {
        const char *end = memchr(query.ptr, '&', query.len);
        wsm_slice pair = wsm__slice(query.ptr, end ? (size_t)(end - query.ptr) : query.len);
        query.ptr += pair.len + (end ? 1 : 0);
        query.len -= pair.len + (end ? 1 : 0);
        if (pair.len < name_len || memcmp(pair.ptr, name, name_len) != 0) continue;
        if (pair.len == name_len) return wsm__slice(pair.ptr + name_len, 0);
        if (pair.ptr[name_len] == '=') return wsm__slice(pair.ptr + name_len + 1, pair.len - name_len - 1);
    }
    return (wsm_slice){NULL, 0};
}

const char *wsm__http_reason(int status) {
    switch (status) {
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return status < 300 ? "OK" : status < 400 ? "Redirect" : status < 500 ? "Refused" : "Error";
    }
}
