/* The handshake from both sides: a table of requests with their status, then what is read from them, the answers, and
 * the client's check of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "mem_fault.h"
#include "wire/upgrade.h"
#include "wsm/error.h"

static const wsm__http_limits limits = {
    .line_bytes_max = 2048, .header_bytes_max = 8192, .headers_max = 64, .body_bytes_max = 1000};

#define HOST    "Host: a\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECT "Connection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define GET     "GET /ws HTTP/1.1\r\n"
#define ALL     HOST UPGRADE CONNECT VERSION KEY
#define ASK(h)  GET ALL h "\r\n"
#define OFFER   "Sec-WebSocket-Protocol: "
#define BEARER  "Authorization: Bearer "
#define EPOCH   "0123456789abcdef"

static const struct row {
    const char *name, *request;
    int status;
} rows[] = {
    {"the smallest upgrade", ASK(""), 0},
    {"a browser's lists", GET HOST "Upgrade: h2c, WebSocket\r\nConnection: keep-alive, Upgrade\r\n" VERSION KEY "\r\n",
     0},
    {"lists over two headers", GET HOST UPGRADE "Upgrade: h2c\r\nConnection: close\r\n" CONNECT VERSION KEY "\r\n", 0},
    {"everything in capitals", GET HOST "UPGRADE: WEBSOCKET\r\nCONNECTION: UPGRADE\r\n" VERSION KEY "\r\n", 0},
    {"extensions are not taken", ASK("Sec-WebSocket-Extensions: permessage-deflate\r\n"), 0},
    {"POST", "POST /ws HTTP/1.1\r\n" ALL "\r\n", 405},
    {"HEAD", "HEAD /ws HTTP/1.1\r\n" ALL "\r\n", 405},
    {"get", "get /ws HTTP/1.1\r\n" ALL "\r\n", 405},
    {"no Upgrade", GET HOST CONNECT VERSION KEY "\r\n", 426},
    {"another Upgrade", GET HOST "Upgrade: h2c\r\n" CONNECT VERSION KEY "\r\n", 426},
    {"an Upgrade that begins alike", GET HOST "Upgrade: websocket2\r\n" CONNECT VERSION KEY "\r\n", 426},
    {"no Connection", GET HOST UPGRADE VERSION KEY "\r\n", 400},
    {"another Connection", GET HOST UPGRADE "Connection: keep-alive\r\n" VERSION KEY "\r\n", 400},
    {"no version", GET HOST UPGRADE CONNECT KEY "\r\n", 426},
    {"version 8", GET HOST UPGRADE CONNECT "Sec-WebSocket-Version: 8\r\n" KEY "\r\n", 426},
    {"version 013", GET HOST UPGRADE CONNECT "Sec-WebSocket-Version: 013\r\n" KEY "\r\n", 426},
    {"two versions", ASK(VERSION), 400},
    {"no key", GET HOST UPGRADE CONNECT VERSION "\r\n", 400},
    {"two keys", ASK(KEY), 400},
    {"a key of 15 bytes", GET HOST UPGRADE CONNECT VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n\r\n", 400},
    {"a key of 17 bytes", GET HOST UPGRADE CONNECT VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWE=\r\n\r\n", 400},
    {"a key without padding", GET HOST UPGRADE CONNECT VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n\r\n",
     400},
    {"a key of other letters", GET HOST UPGRADE CONNECT VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j_Q==\r\n\r\n",
     400},
    {"a key with loose bits", GET HOST UPGRADE CONNECT VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n\r\n",
     400},
    {"a body", ASK("Content-Length: 3\r\n"), 400},
    {"an empty body", ASK("Content-Length: 0\r\n"), 0},
    {"an origin", ASK("Origin: https://a.example\r\n"), 0},
    {"two origins", ASK("Origin: https://a.example\r\nOrigin: https://b.example\r\n"), 400},

    {"a bearer token", ASK(BEARER "a.b.c\r\n"), 0},
    {"a bearer in lower case", ASK("authorization: bearer a.b.c\r\n"), 0},
    {"a token in X-Memory-Auth", ASK("X-Memory-Auth: a.b.c\r\n"), 0},
    {"a token as a subprotocol", ASK(OFFER "wsm.v1, wsm.token.a.b.c\r\n"), 0},
    {"the same token three times", ASK(BEARER "a.b.c\r\nX-Memory-Auth: a.b.c\r\n" OFFER "wsm.token.a.b.c\r\n"), 0},
    {"other tokens in two headers", ASK(BEARER "a.b.c\r\nX-Memory-Auth: a.b.d\r\n"), 400},
    {"another token as a subprotocol", ASK(BEARER "a.b.c\r\n" OFFER "wsm.token.a.b.d\r\n"), 400},
    {"two tokens as subprotocols", ASK(OFFER "wsm.token.a, wsm.token.b\r\n"), 400},
    {"two Authorizations", ASK(BEARER "a\r\n" BEARER "a\r\n"), 400},
    {"two X-Memory-Auths", ASK("X-Memory-Auth: a\r\nX-Memory-Auth: a\r\n"), 400},
    {"Basic", ASK("Authorization: Basic YTpi\r\n"), 400},
    {"an Authorization of no scheme", ASK("Authorization: a.b.c\r\n"), 400},
    {"an empty Authorization", ASK("Authorization:\r\n"), 400},
    {"a bearer of nothing", ASK("Authorization: Bearer\r\n"), 400},
    {"a bearer of two words", ASK(BEARER "a b\r\n"), 400},
    {"a bearer beyond ASCII", ASK(BEARER "\xc3\xa9\r\n"), 400},
    {"an empty X-Memory-Auth", ASK("X-Memory-Auth:\r\n"), 400},
    {"an empty token as a subprotocol", ASK(OFFER "wsm.token.\r\n"), 400},
    {"a token in the URL", "GET /ws?token=a HTTP/1.1\r\n" ALL "\r\n", 400},
    {"an access_token in the URL", "GET /ws?a=b&access_token=a HTTP/1.1\r\n" ALL "\r\n", 400},
    {"an empty token in the URL", "GET /ws?token HTTP/1.1\r\n" ALL "\r\n", 400},

    {"a session in a header", ASK("X-Memory-Session: s\r\n"), 0},
    {"a session as a subprotocol", ASK(OFFER "wsm.session.s\r\n"), 0},
    {"the same session twice", ASK("X-Memory-Session: s\r\n" OFFER "wsm.session.s\r\n"), 0},
    {"two sessions", ASK("X-Memory-Session: s\r\n" OFFER "wsm.session.t\r\n"), 400},
    {"two sessions as subprotocols", ASK(OFFER "wsm.session.s, wsm.session.t\r\n"), 400},
    {"an empty session", ASK(OFFER "wsm.session.\r\n"), 400},
    {"a subprotocol of two words", ASK(OFFER "wsm.v1 chat\r\n"), 400},
    {"other subprotocols", ASK(OFFER "chat, superchat\r\n"), 0},

    {"a position", "GET /ws?epoch=" EPOCH "&after=7 HTTP/1.1\r\n" ALL "\r\n", 0},
    {"the largest position", "GET /ws?epoch=" EPOCH "&after=9007199254740991 HTTP/1.1\r\n" ALL "\r\n", 0},
    {"a position beyond it", "GET /ws?epoch=" EPOCH "&after=9007199254740992 HTTP/1.1\r\n" ALL "\r\n", 400},
    {"an epoch alone", "GET /ws?epoch=" EPOCH " HTTP/1.1\r\n" ALL "\r\n", 0},
    {"a number alone", "GET /ws?after=7 HTTP/1.1\r\n" ALL "\r\n", 400},
    {"a short epoch", "GET /ws?epoch=0123&after=7 HTTP/1.1\r\n" ALL "\r\n", 400},
    {"an epoch that is not hex", "GET /ws?epoch=0123456789abcdeg&after=7 HTTP/1.1\r\n" ALL "\r\n", 400},
    {"an empty epoch", "GET /ws?epoch=&after=7 HTTP/1.1\r\n" ALL "\r\n", 400},
    {"an empty number", "GET /ws?epoch=" EPOCH "&after= HTTP/1.1\r\n" ALL "\r\n", 400},
    {"a negative number", "GET /ws?epoch=" EPOCH "&after=-1 HTTP/1.1\r\n" ALL "\r\n", 400},
};

static wsm__http_head head;
static wsm__upgrade read_out;

static void parse_request(const char *text) {
    assert_int_equal(wsm__http_parse_request(text, strlen(text), &limits, &head), strlen(text));
}

static void run_row(void **state) {
    const struct row *r = *state;
    const char *why = NULL;
    parse_request(r->request);
    assert_int_equal(wsm__upgrade_read(&head, &read_out, &why), r->status);
    assert_int_equal(strlen(why) > 0, r->status != 0);
}

static void read_request(const char *text) {
    const char *why;
    parse_request(text);
    assert_int_equal(wsm__upgrade_read(&head, &read_out, &why), 0);
}

/* ---- what is read ---- */

static void a_full_request_is_read_whole(void **state) {
    (void)state;
    read_request("GET /ws?x=y&epoch=" EPOCH "&after=42 HTTP/1.1\r\n" ALL "Origin: https://a.example\r\n" OFFER
                 "chat,wsm.session.s-1 , wsm.token.a.b.c\r\n" OFFER "wsm.v1\r\n\r\n");
    assert_true(wsm__slice_is(read_out.key, "dGhlIHNhbXBsZSBub25jZQ=="));
    assert_true(read_out.has_protocol);
    assert_true(read_out.any_protocol);
    assert_true(wsm__slice_is(read_out.token, "a.b.c"));
    assert_true(wsm__slice_is(read_out.session, "s-1"));
    assert_true(wsm__slice_is(read_out.origin, "https://a.example"));
    assert_true(wsm__slice_is(read_out.epoch, EPOCH));
    assert_int_equal(read_out.after, 42);
}

static void what_is_not_said_is_absent(void **state) {
    (void)state;
    read_request(ASK(""));
    assert_false(read_out.has_protocol);
    assert_false(read_out.any_protocol);
    assert_null(read_out.token.ptr);
    assert_null(read_out.session.ptr);
    assert_null(read_out.origin.ptr);
    assert_null(read_out.epoch.ptr);
    assert_int_equal(read_out.after, 0);
}

static void a_protocol_of_another_name_is_seen_as_such(void **state) {
    (void)state;
    read_request(ASK(OFFER "chat, WSM.V1\r\n"));
    assert_false(read_out.has_protocol);
    assert_true(read_out.any_protocol);
}

static void an_upgrade_is_wanted_by_either_header(void **state) {
    (void)state;
    parse_request(ASK(""));
    assert_true(wsm__upgrade_is_wanted(&head));
    parse_request(GET HOST "upgrade: x\r\n\r\n");
    assert_true(wsm__upgrade_is_wanted(&head));
    parse_request(GET HOST KEY "\r\n");
    assert_true(wsm__upgrade_is_wanted(&head));
    parse_request(GET HOST CONNECT VERSION "\r\n");
    assert_false(wsm__upgrade_is_wanted(&head));
}

static void any_request_may_carry_a_token(void **state) {
    (void)state;
    wsm_slice token;
    parse_request("POST /send HTTP/1.1\r\n" HOST BEARER " a.b.c\r\n\r\n");
    assert_int_equal(wsm__http_token(&head, &token), 0);
    assert_true(wsm__slice_is(token, "a.b.c"));
    parse_request("POST /send HTTP/1.1\r\n" HOST "X-Memory-Auth: d\r\n\r\n");
    assert_int_equal(wsm__http_token(&head, &token), 0);
    assert_true(wsm__slice_is(token, "d"));
    parse_request("POST /send HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(wsm__http_token(&head, &token), 401);
    parse_request("POST /send HTTP/1.1\r\n" HOST "Authorization: Basic x\r\n\r\n");
    assert_int_equal(wsm__http_token(&head, &token), 400);
}

/* ---- answers ---- */

typedef struct fixture {
    test_mem fault;
    wsm__mem mem;
    wsm__buf buf;
} fixture;

static void setup(fixture *f) {
    *f = (fixture){0};
    wsm__mem_init(&f->mem, test_alloc, &f->fault, 0);
    wsm__buf_init(&f->buf, &f->mem, 0);
}

static void teardown(fixture *f) {
    wsm__buf_fini(&f->buf);
    assert_int_equal(atomic_load(&f->mem.used), 0);
    assert_int_equal(atomic_load(&f->fault.live), 0);
}

static void expect_text(const fixture *f, const char *text) {
    assert_int_equal(f->buf.err, 0);
    if (!wsm__slice_is(wsm__slice(f->buf.ptr, f->buf.len), text)) {
        fail_msg("got '%.*s', wanted '%s'", (int)f->buf.len, f->buf.ptr, text);
    }
}

static void the_rfcs_key_gets_the_rfcs_answer(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    assert_int_equal(wsm__upgrade_accept(&f.buf, wsm__slice_str("dGhlIHNhbXBsZSBub25jZQ=="), "wsm.v1"), 0);
    expect_text(&f, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: wsm.v1\r\n\r\n");
    teardown(&f);
}

static void no_protocol_is_echoed_in_plain_mode(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    assert_int_equal(wsm__upgrade_accept(&f.buf, wsm__slice_str("dGhlIHNhbXBsZSBub25jZQ=="), NULL), 0);
    expect_text(&f, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    teardown(&f);
}

static void an_answer_has_the_fixed_headers(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__http_answer(&f.buf, 426, "Sec-WebSocket-Version: 13\r\n", NULL, "{}", 2);
    expect_text(&f, "HTTP/1.1 426 Upgrade Required\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                    "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                    "Sec-WebSocket-Version: 13\r\n\r\n{}");
    teardown(&f);
}

static void an_answer_may_be_of_another_type_and_empty(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__http_answer(&f.buf, 200, NULL, "text/plain", NULL, 0);
    expect_text(&f, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
                    "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n");
    teardown(&f);
}

static void no_content_has_no_length(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__http_answer(&f.buf, 204, NULL, NULL, "x", 1);
    expect_text(&f, "HTTP/1.1 204 No Content\r\n"
                    "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n");
    teardown(&f);
}

/* ---- the client ---- */

static const unsigned char nonce[16] = {'t', 'h', 'e', ' ', 's', 'a', 'm', 'p', 'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'};

static void a_client_asks_as_a_server_reads(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__upgrade_ask ask = {.host = "h:1",
                            .path = "/ws?x=y",
                            .origin = "https://o",
                            .token = "a.b.c",
                            .epoch = EPOCH,
                            .protocol = "wsm.v1",
                            .after = 9};
    wsm__upgrade_write(&f.buf, &ask, nonce);
    wsm__buf_putc(&f.buf, 0);
    assert_int_equal(f.buf.err, 0);
    read_request(f.buf.ptr);
    assert_true(wsm__slice_is(head.target, "/ws?x=y&epoch=" EPOCH "&after=9"));
    assert_true(wsm__slice_is(wsm__http_header(&head, "host", NULL), "h:1"));
    assert_true(wsm__slice_is(read_out.key, "dGhlIHNhbXBsZSBub25jZQ=="));
    assert_true(wsm__slice_is(read_out.token, "a.b.c"));
    assert_true(wsm__slice_is(read_out.origin, "https://o"));
    assert_true(read_out.has_protocol);
    assert_int_equal(read_out.after, 9);
    teardown(&f);
}

static void a_client_asks_for_no_more_than_it_must(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__upgrade_write(&f.buf, &(wsm__upgrade_ask){.host = "h", .path = "/"}, nonce);
    expect_text(&f, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    teardown(&f);
}

#define ANSWER "HTTP/1.1 101 Switching Protocols\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SUB    "Sec-WebSocket-Protocol: wsm.v1\r\n"

static void a_client_checks_every_rule_of_the_answer(void **state) {
    (void)state;
    static const struct {
        const char *answer, *protocol;
        int err;
    } answers[] = {
        {ANSWER UPGRADE CONNECT ACCEPT SUB "\r\n", "wsm.v1", 0},
        {ANSWER UPGRADE CONNECT ACCEPT "\r\n", NULL, 0},
        {ANSWER "upgrade: WebSocket\r\nconnection: x, upgrade\r\n" ACCEPT "\r\n", NULL, 0},
        {"HTTP/1.1 401 Unauthorized\r\n\r\n", "wsm.v1", WSM_ERR_REFUSED},
        {"HTTP/1.1 200 OK\r\n" UPGRADE CONNECT ACCEPT SUB "\r\n", "wsm.v1", WSM_ERR_REFUSED},
        {ANSWER CONNECT ACCEPT "\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER "Upgrade: h2c\r\n" CONNECT ACCEPT "\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE UPGRADE CONNECT ACCEPT "\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE ACCEPT "\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE "Connection: close\r\n" ACCEPT "\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT "\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT ACCEPT ACCEPT "\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT "Sec-WebSocket-Accept: \r\n\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT ACCEPT SUB "\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT ACCEPT "\r\n", "wsm.v1", WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT ACCEPT "Sec-WebSocket-Protocol: chat\r\n\r\n", "wsm.v1", WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT ACCEPT SUB SUB "\r\n", "wsm.v1", WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", NULL, WSM_ERR_HTTP},
        {ANSWER UPGRADE CONNECT ACCEPT "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b\r\n\r\n", NULL,
         WSM_ERR_HTTP},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t len = strlen(answers[i].answer);
        assert_int_equal(wsm__http_parse_response(answers[i].answer, len, &limits, &head), len);
        assert_int_equal(wsm__upgrade_verify(&head, nonce, answers[i].protocol), answers[i].err);
    }
}

/* ---- without memory ---- */

static void each_failing_allocation_is_kept_by_the_buffer(void **state) {
    (void)state;
    static const wsm__upgrade_ask ask = {.host = "h", .path = "/", .token = "a.b.c", .protocol = "wsm.v1"};
    for (size_t n = 1;; n++) {
        fixture f;
        setup(&f);
        f.fault.fail_at = n;
        wsm__upgrade_write(&f.buf, &ask, nonce);
        int err = wsm__upgrade_accept(&f.buf, wsm__slice_str("dGhlIHNhbXBsZSBub25jZQ=="), "wsm.v1");
        wsm__http_answer(&f.buf, 200, "A: b\r\n", NULL, "{}", 2);
        bool failed = test_mem_has_failed(&f.fault);
        assert_int_equal(f.buf.err, failed ? WSM_ERR_NOMEM : 0);
        if (!failed) assert_int_equal(err, 0);
        teardown(&f);
        if (!failed) break;
    }
}

int main(void) {
    enum { ROWS = sizeof rows / sizeof *rows };
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(a_full_request_is_read_whole),
        cmocka_unit_test(what_is_not_said_is_absent),
        cmocka_unit_test(a_protocol_of_another_name_is_seen_as_such),
        cmocka_unit_test(an_upgrade_is_wanted_by_either_header),
        cmocka_unit_test(any_request_may_carry_a_token),
        cmocka_unit_test(the_rfcs_key_gets_the_rfcs_answer),
        cmocka_unit_test(no_protocol_is_echoed_in_plain_mode),
        cmocka_unit_test(an_answer_has_the_fixed_headers),
        cmocka_unit_test(an_answer_may_be_of_another_type_and_empty),
        cmocka_unit_test(no_content_has_no_length),
        cmocka_unit_test(a_client_asks_as_a_server_reads),
        cmocka_unit_test(a_client_asks_for_no_more_than_it_must),
        cmocka_unit_test(a_client_checks_every_rule_of_the_answer),
        cmocka_unit_test(each_failing_allocation_is_kept_by_the_buffer),
    };
    static struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] = (struct CMUnitTest){.name = rows[i].name, .test_func = run_row};
        table[i].initial_state = (void *)(uintptr_t)&rows[i];
    }
    int failed = cmocka_run_group_tests_name("wire_upgrade: the table", table, NULL, NULL);
    return failed + cmocka_run_group_tests_name("wire_upgrade", others, NULL, NULL);
}
