/* Heads of HTTP/1.1: a table of requests and responses with their verdicts, each row whole and byte by byte, right
 * before a page that may not be read; and the questions that a head answers. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wire/http.h"

static const wsm__http_limits limits = {
    .line_bytes_max = 64, .header_bytes_max = 256, .headers_max = 8, .body_bytes_max = 1000};

#define WHOLE 0 /* the verdict is the length of the row */
#define MORE  (-1)

typedef struct row {
    const char *name, *bytes;
    int verdict; /* WHOLE, MORE, or a status */
} row;

#define LINE    "GET / HTTP/1.1\r\n"
#define HOST    "Host: a\r\n"
#define WITH(h) LINE HOST h "\r\n"
#define X10     "xxxxxxxxxx"
#define X50     X10 X10 X10 X10 X10
#define H       "A: b\r\n"

static const row requests[] = {
    /* the request line */
    {"the smallest request", LINE HOST "\r\n", WHOLE},
    {"a path", "GET /ws HTTP/1.1\r\n" HOST "\r\n", WHOLE},
    {"a query", "GET /ws?epoch=0&after=1 HTTP/1.1\r\n" HOST "\r\n", WHOLE},
    {"an empty query", "GET /ws? HTTP/1.1\r\n" HOST "\r\n", WHOLE},
    {"a question mark in a query", "GET /?a=b?c HTTP/1.1\r\n" HOST "\r\n", WHOLE},
    {"an escape", "GET /%41b%2f HTTP/1.1\r\n" HOST "\r\n", WHOLE},
    {"all characters of a path", "GET /-._~!$&'()*+,;=:@/ HTTP/1.1\r\n" HOST "\r\n", WHOLE},
    {"an unusual method", "BREW!#$ / HTTP/1.1\r\n" HOST "\r\n", WHOLE},
    {"a lower-case method is another method", "get / HTTP/1.1\r\n" HOST "\r\n", WHOLE},
    {"a line of just the limit", "GET /" X10 X10 X10 X10 "xxxxxxxx HTTP/1.1\r\n" HOST "\r\n", WHOLE},
    {"a line of one byte more", "GET /" X10 X10 X10 X10 "xxxxxxxxx HTTP/1.1\r\n" HOST "\r\n", 414},
    {"a line far over the limit", "GET /" X50 X50 X50 " HTTP/1.1\r\n" HOST "\r\n", 414},
    {"a line over the limit that does not end", "GET /" X50 X10, 414},
    {"a method over the limit", X50 X50, 414},
    {"nothing", "", MORE},
    {"part of a method", "GE", MORE},
    {"a line without its end", "GET / HTTP/1.1", MORE},
    {"a line with half its end", "GET / HTTP/1.1\r", MORE},
    {"a line alone", LINE, MORE},
    {"an empty line first", "\r\n" LINE HOST "\r\n", 400},
    {"a space first", " GET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"no method", "/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a bad character in the method", "G(T / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a tab after the method", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"two spaces after the method", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"two spaces before the version", "GET /  HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a space after the version", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
    {"no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400},
    {"the absolute form", "GET http://a/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"the authority form", "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"the asterisk form", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a fragment", "GET /#a HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a backslash", "GET /a\\b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a quote", "GET /\" HTTP/1.1\r\n" HOST "\r\n", 400},
    {"an angle bracket", "GET /<a> HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a byte beyond ASCII", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"DEL in the target", "GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
    {"half an escape", "GET /%4 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"an escape at the end", "GET /% HTTP/1.1\r\n" HOST "\r\n", 400},
    {"an escape of no hex", "GET /%4g HTTP/1.1\r\n" HOST "\r\n", 400},
    {"an escape in an escape", "GET /%%41 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"no version", "GET /\r\n" HOST "\r\n", 400},
    {"a lower-case version", "GET / http/1.1\r\n" HOST "\r\n", 400},
    {"another protocol", "GET / HTTQ/1.1\r\n" HOST "\r\n", 400},
    {"a version without a dot", "GET / HTTP/11\r\n" HOST "\r\n", 400},
    {"a version of letters", "GET / HTTP/a.b\r\n" HOST "\r\n", 400},
    {"a version with three digits", "GET / HTTP/1.10\r\n" HOST "\r\n", 400},
    {"HTTP/1.0", "GET / HTTP/1.0\r\n" HOST "\r\n", 505},
    {"HTTP/0.9", "GET / HTTP/0.9\r\n" HOST "\r\n", 505},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", 505},
    {"HTTP/2.1", "GET / HTTP/2.1\r\n" HOST "\r\n", 505},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
    {"a TLS hello", "\x16\x03\x01\x02", 400},
    {"a bare LF after the line", "GET / HTTP/1.1\n" HOST "\r\n", 400},
    {"a bare CR in the line", "GET /\r HTTP/1.1\r\n" HOST "\r\n", 400},
    {"CR CR LF after the line", "GET / HTTP/1.1\r\r\n" HOST "\r\n", 400},

    /* header lines */
    {"several headers", WITH("Accept: */*\r\nX-A: 1\r\n"), WHOLE},
    {"a header without a space", WITH("A:b\r\n"), WHOLE},
    {"a header with much white space", WITH("A: \t b \t \r\n"), WHOLE},
    {"an empty value", WITH("A:\r\n"), WHOLE},
    {"a value of white space", WITH("A:   \r\n"), WHOLE},
    {"white space inside a value", WITH("A: b \t c\r\n"), WHOLE},
    {"bytes beyond ASCII in a value", WITH("A: \xc3\xa9\xff\r\n"), WHOLE},
    {"a colon in a value", WITH("A: b:c\r\n"), WHOLE},
    {"all characters of a name", WITH("!#$%&'*+-.^_`|~09azAZ: b\r\n"), WHOLE},
    {"the same header twice", WITH(H H), WHOLE},
    {"as many headers as allowed", WITH(H H H H H H H), WHOLE},
    {"one header too many", WITH(H H H H H H H H), 431},
    {"one header too many, its first byte", LINE HOST H H H H H H H "A", 431},
    {"headers of just the limit", WITH("A: " X50 X50 X50 X50 X10 X10 X10 "xxxxxxxxxx\r\n"), WHOLE},
    {"headers of one byte more", WITH("A: " X50 X50 X50 X50 X10 X10 X10 "xxxxxxxxxxx\r\n"), 431},
    {"a header that does not end", LINE HOST "A: " X50 X50 X50 X50 X50 X50, 431},
    {"a name that does not end", LINE X50 X50 X50 X50 X50 X50, 431},
    {"headers without their end", LINE HOST H, MORE},
    {"headers with half their end", LINE HOST H "\r", MORE},
    {"an end of CR and something else", LINE HOST "\ra", 400},
    {"a space before the colon", WITH("A : b\r\n"), 400},
    {"a tab before the colon", WITH("A\t: b\r\n"), 400},
    {"a header without a name", WITH(": b\r\n"), 400},
    {"a header without a colon", WITH("A\r\n"), 400},
    {"a folded value", WITH("A: b\r\n c\r\n"), 400},
    {"a value folded by a tab", WITH("A: b\r\n\tc\r\n"), 400},
    {"white space before the first header", LINE " A: b\r\n" HOST "\r\n", 400},
    {"a bad character in a name", WITH("A(b: c\r\n"), 400},
    {"a byte beyond ASCII in a name", WITH("\xc3\xa9: c\r\n"), 400},
    {"a control character in a value", WITH("A: \x01\r\n"), 400},
    {"DEL in a value", WITH("A: \x7f\r\n"), 400},
    {"a bare LF in a value", WITH("A: b\nC: d\r\n"), 400},
    {"a bare CR in a value", WITH("A: b\rC: d\r\n"), 400},
    {"bare LFs at the end", LINE HOST "\n", 400},

    /* Host */
    {"no host", LINE H "\r\n", 400},
    {"no header at all", LINE "\r\n", 400},
    {"two hosts", WITH("Host: b\r\n"), 400},
    {"the same host twice", WITH("host: a\r\n"), 400},
    {"an empty host", LINE "Host:\r\n\r\n", 400},
    {"a host with its port", LINE "Host: example.org:8080\r\n\r\n", WHOLE},
    {"a host of IPv6", LINE "HOST: [::1]:80\r\n\r\n", WHOLE},
    {"a host with a space", LINE "Host: a b\r\n\r\n", 400},
    {"a host with a path", LINE "Host: a/b\r\n\r\n", 400},
    {"a host with a user", LINE "Host: u@a\r\n\r\n", 400},

    /* bodies */
    {"a body", WITH("Content-Length: 5\r\n"), WHOLE},
    {"an empty body", WITH("content-length: 0\r\n"), WHOLE},
    {"a body of the limit", WITH("Content-Length: 1000\r\n"), WHOLE},
    {"a body over the limit", WITH("Content-Length: 1001\r\n"), 413},
    {"a body of more than 64 bits", WITH("Content-Length: 99999999999999999999999\r\n"), 413},
    {"a body over the limit, before the head's end", LINE HOST "Content-Length: 1001\r\n", 413},
    {"two lengths", WITH("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
    {"the same length twice", WITH("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
    {"a list of lengths", WITH("Content-Length: 5, 5\r\n"), 400},
    {"a negative length", WITH("Content-Length: -1\r\n"), 400},
    {"a length with a plus", WITH("Content-Length: +5\r\n"), 400},
    {"a hexadecimal length", WITH("Content-Length: 0x5\r\n"), 400},
    {"a length with a leading zero", WITH("Content-Length: 05\r\n"), 400},
    {"a long length with a leading zero", WITH("Content-Length: 099999999999999999999999\r\n"), 400},
    {"an empty length", WITH("Content-Length:\r\n"), 400},
    {"a chunked body", WITH("Transfer-Encoding: chunked\r\n"), 400},
    {"any transfer coding", WITH("transfer-encoding: identity\r\n"), 400},
    {"an empty transfer coding", WITH("Transfer-Encoding:\r\n"), 400},
    {"both length and coding", WITH("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},

    /* the first offence decides */
    {"a bad line before too many headers", "GET / HTTP/1.0\r\n" H H H H H H H H H H, 505},
    {"two hosts before a bad line", WITH("Host: b\r\nA : b\r\n"), 400},
    {"a body over the limit before a bad line", WITH("Content-Length: 5000\r\nA : b\r\n"), 413},
};

#define ANSWER "HTTP/1.1 101 Switching Protocols\r\n"

static const row responses[] = {
    {"the smallest answer", "HTTP/1.1 200 \r\n\r\n", WHOLE},
    {"an upgrade", ANSWER "Upgrade: websocket\r\n\r\n", WHOLE},
    {"a reason of several words", "HTTP/1.1 404 Not Found\r\n\r\n", WHOLE},
    {"a body of any size", "HTTP/1.1 200 OK\r\nContent-Length: 123456789\r\n\r\n", WHOLE},
    {"a chunked body", "HTTP/1.1 502 OK\r\nTransfer-Encoding: chunked\r\n\r\n", WHOLE},
    {"part of a line", "HTTP/1.1 10", MORE},
    {"a line alone", ANSWER, MORE},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", 502},
    {"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", 502},
    {"another protocol", "SSH-2.0-x\r\n\r\n", 502},
    {"no status", "HTTP/1.1 \r\n\r\n", 502},
    {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", 502},
    {"a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 502},
    {"a status that begins with zero", "HTTP/1.1 020 OK\r\n\r\n", 502},
    {"a status of letters", "HTTP/1.1 OK\r\n\r\n", 502},
    {"no space after the status", "HTTP/1.1 200\r\n\r\n", 502},
    {"a bare LF", "HTTP/1.1 200 OK\n\r\n", 502},
    {"a folded header", ANSWER "A: b\r\n c\r\n\r\n", 502},
    {"a space before the colon", ANSWER "A : b\r\n\r\n", 502},
    {"two lengths", ANSWER "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 502},
    {"a length of more than 64 bits", ANSWER "Content-Length: 99999999999999999999999\r\n\r\n", 502},
    {"a line over the limit", "HTTP/1.1 200 " X50 X50 "\r\n\r\n", 502},
    {"too many headers", ANSWER H H H H H H H H H "\r\n", 502},
    {"headers over the limit", ANSWER "A: " X50 X50 X50 X50 X50 X50, 502},
};

/* ---- running a row ---- */

typedef long (*parser)(const char *, size_t, const wsm__http_limits *, wsm__http_head *);

static char *page_end; /* the first byte that may not be read */
static wsm__http_head head;

static int make_page(void **state) {
    (void)state;
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + size, size, PROT_NONE) != 0) return -1;
    page_end = pages + size;
    return 0;
}

static int drop_page(void **state) {
    (void)state;
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    return munmap(page_end - size, 2 * size);
}

static long parse_at_edge(parser parse, const char *bytes, size_t len) {
    char *at = page_end - len;
    memcpy(at, bytes, len);
    return parse(at, len, &limits, &head);
}

static void run_row(parser parse, const row *r) {
    size_t len = strlen(r->bytes);
    long wanted = r->verdict == WHOLE ? (long)len : r->verdict == MORE ? 0 : -r->verdict;
    assert_int_equal(parse_at_edge(parse, r->bytes, len), wanted);

    /* Byte by byte: silence, then the one verdict for good. */
    bool decided = false;
    for (size_t have = 0; have <= len; have++) {
        bool may_skip = have > 0 && !decided && wsm__http_is_more_of_it(&head, r->bytes, have - 1, have);
        long verdict = parse_at_edge(parse, r->bytes, have);
        if (may_skip) assert_int_equal(verdict, 0);
        if (verdict == 0 && !decided) continue;
        decided = true;
        assert_int_equal(verdict, wanted);
    }
    assert_int_equal(decided, wanted != 0);

    /* What follows a head does not change it. */
    if (r->verdict == WHOLE) {
        char more[1024];
        int n = snprintf(more, sizeof more, "%s\x81\x05 GET", r->bytes);
        assert_int_equal(parse_at_edge(parse, more, (size_t)n), wanted);
    }
}

static void run_request(void **state) {
    run_row(wsm__http_parse_request, *state);
}

static void run_response(void **state) {
    run_row(wsm__http_parse_response, *state);
}

/* ---- what the table cannot say ---- */

/* A head that comes byte by byte is read anew where a name, a value or a path ends, not for every byte. */
static void long_names_and_values_are_not_read_again_for_every_byte(void **state) {
    (void)state;
    static const wsm__http_limits wide = {2048, 8192, 64, 1000};
    static char text[10240];
    size_t len = (size_t)snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\nHost: a\r\nX%0*d: %0*d\r\n\r\n", 1900, 0,
                                  3000, 0, 4000, 0);
    size_t parses = 0;
    long verdict = 0;
    for (size_t have = 1; have <= len; have++) {
        if (have > 1 && wsm__http_is_more_of_it(&head, text, have - 1, have)) continue;
        verdict = wsm__http_parse_request(text, have, &wide, &head);
        parses++;
    }
    assert_int_equal(verdict, len);
    assert_in_range(parses, 10, 60);
}

static void parse_text(const char *text) {
    assert_int_equal(wsm__http_parse_request(text, strlen(text), &limits, &head), strlen(text));
}

static void a_request_falls_into_its_parts(void **state) {
    (void)state;
    parse_text("POST /a/b?c=d?e HTTP/1.1\r\nHost: h:1\r\nX-Y:  z z \r\nContent-Length: 17\r\n\r\n");
    assert_true(wsm__slice_is(head.method, "POST"));
    assert_true(wsm__slice_is(head.target, "/a/b?c=d?e"));
    assert_true(wsm__slice_is(head.path, "/a/b"));
    assert_true(wsm__slice_is(head.query, "c=d?e"));
    assert_int_equal(head.headers_count, 3);
    assert_true(wsm__slice_is(head.headers[1].name, "X-Y"));
    assert_true(wsm__slice_is(head.headers[1].value, "z z"));
    assert_true(head.has_length);
    assert_int_equal(head.content_length, 17);
}

static void no_query_is_absent_and_an_empty_one_is_not(void **state) {
    (void)state;
    parse_text("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_null(head.query.ptr);
    assert_false(head.has_length);
    parse_text("GET /a? HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_non_null(head.query.ptr);
    assert_int_equal(head.query.len, 0);
    assert_true(wsm__slice_is(head.path, "/a"));
}

static void a_status_is_a_number(void **state) {
    (void)state;
    const char *text = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\n";
    assert_int_equal(wsm__http_parse_response(text, strlen(text), &limits, &head), strlen(text));
    assert_int_equal(head.status, 503);
    assert_true(wsm__slice_is(wsm__http_header(&head, "retry-after", NULL), "7"));
}

static void a_zero_byte_is_refused_anywhere(void **state) {
    (void)state;
    static const char text[] = "GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char copy[sizeof text];
        memcpy(copy, text, sizeof text);
        copy[i] = 0;
        assert_int_equal(parse_at_edge(wsm__http_parse_request, copy, sizeof text - 1), -400);
    }
}

static void headers_are_never_more_than_fit(void **state) {
    (void)state;
    wsm__http_limits many = {.line_bytes_max = 64, .header_bytes_max = 4096, .headers_max = 1000};
    char text[2048] = LINE HOST;
    for (int i = 1; i < WSM__HTTP_HEADERS_MAX; i++) strcat(text, H);
    strcat(text, "\r\n");
    assert_int_equal(wsm__http_parse_request(text, strlen(text), &many, &head), strlen(text));
    strcpy(text + strlen(text) - 2, H "\r\n");
    assert_int_equal(wsm__http_parse_request(text, strlen(text), &many, &head), -431);
}

static void a_header_is_found_without_case_if_it_is_alone(void **state) {
    (void)state;
    parse_text("GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\na: 3\r\nC:\r\n\r\n");
    bool repeated;
    assert_true(wsm__slice_is(wsm__http_header(&head, "b", &repeated), "2"));
    assert_false(repeated);
    assert_null(wsm__http_header(&head, "A", &repeated).ptr);
    assert_true(repeated);
    assert_null(wsm__http_header(&head, "D", &repeated).ptr);
    assert_false(repeated);
    assert_non_null(wsm__http_header(&head, "c", NULL).ptr);
}

static void a_list_is_walked_over_all_its_headers(void **state) {
    (void)state;
    parse_text("GET / HTTP/1.1\r\nHost: h\r\nL: a , b,,\r\nM: x\r\nl:\r\nL: ,c\r\n\r\n");
    static const char *const wanted[] = {"a", "b", "c"};
    wsm__http_list walk = {0};
    wsm_slice item;
    for (size_t i = 0; i < 3; i++) {
        assert_true(wsm__http_list_next(&head, "l", &walk, &item));
        assert_true(wsm__slice_is(item, wanted[i]));
    }
    assert_false(wsm__http_list_next(&head, "l", &walk, &item));
    assert_false(wsm__http_list_next(&head, "l", &walk, &item));
}

static void expect_query(const char *query, const char *name, const char *value) {
    wsm_slice got = wsm__http_query_get(wsm__slice_str(query), name);
    assert_int_equal(got.ptr != NULL, value != NULL);
    if (value) assert_true(wsm__slice_is(got, value));
}

static void a_query_yields_its_values(void **state) {
    (void)state;
    expect_query("a=1&bc=2&d", "a", "1");
    expect_query("a=1&bc=2&d", "bc", "2");
    expect_query("a=1&bc=2&d", "d", "");
    expect_query("a=1&bc=2&d", "b", NULL);
    expect_query("a=1&bc=2&d", "c", NULL);
    expect_query("a=", "a", "");
    expect_query("a=b=c", "a", "b=c");
    expect_query("&&a=1&&", "a", "1");
    expect_query("a=1&a=2", "a", "1");
    expect_query("", "a", NULL);
    assert_null(wsm__http_query_get((wsm_slice){NULL, 0}, "a").ptr);
}

static void every_status_has_a_reason(void **state) {
    (void)state;
    assert_string_equal(wsm__http_reason(404), "Not Found");
    assert_string_equal(wsm__http_reason(101), "Switching Protocols");
    for (int status = 100; status < 600; status++) assert_true(strlen(wsm__http_reason(status)) > 0);
}

int main(void) {
    enum { REQUESTS = sizeof requests / sizeof *requests, RESPONSES = sizeof responses / sizeof *responses };
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(long_names_and_values_are_not_read_again_for_every_byte),
        cmocka_unit_test(a_request_falls_into_its_parts),
        cmocka_unit_test(no_query_is_absent_and_an_empty_one_is_not),
        cmocka_unit_test(a_status_is_a_number),
        cmocka_unit_test(a_zero_byte_is_refused_anywhere),
        cmocka_unit_test(headers_are_never_more_than_fit),
        cmocka_unit_test(a_header_is_found_without_case_if_it_is_alone),
        cmocka_unit_test(a_list_is_walked_over_all_its_headers),
        cmocka_unit_test(a_query_yields_its_values),
        cmocka_unit_test(every_status_has_a_reason),
    };
    static struct CMUnitTest table[REQUESTS + RESPONSES];
    for (size_t i = 0; i < REQUESTS + RESPONSES; i++) {
        const row *r = i < REQUESTS ? &requests[i] : &responses[i - REQUESTS];
        table[i].name = r->name;
        table[i].test_func = i < REQUESTS ? run_request : run_response;
        table[i].initial_state = (void *)(uintptr_t)r;
    }
    int failed = cmocka_run_group_tests_name("wire_http: the table", table, make_page, drop_page);
    return failed + cmocka_run_group_tests_name("wire_http", others, make_page, drop_page);
}
