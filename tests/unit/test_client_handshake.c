/* lib/client/handshake.c: the request, and every answer that is no upgrade. */
#include "client_world.h"

#include "wsm/error.h"

static void the_request_says_who_asks_and_where_to_resume(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.config.token = "a.b.c";
    w.config.origin = "http://page.test";
    w.config.path = "/hub";
    w.config.epoch = EPOCH;
    w.config.after = 42;
    assert_int_equal(world_new(&w), 0);
    assert_false(w.told); /* it waits at once, without bytes_waiting */

    wsm__http_head head;
    wsm__upgrade ask;
    const char *why = NULL;
    server_read_request(&w, &head);
    assert_int_equal(wsm__upgrade_read(&head, &ask, &why), 0);

    assert_int_equal(w.out_read, w.out_len);
    assert_true(wsm__slice_is(head.target, "/hub?epoch=" EPOCH "&after=42"));
    assert_true(wsm__slice_is(wsm__http_header(&head, "host", NULL), "hub.test:8002"));
    assert_true(wsm__slice_is(ask.origin, "http://page.test"));
    assert_true(wsm__slice_is(ask.token, "a.b.c"));
    assert_true(wsm__slice_is(ask.epoch, EPOCH));
    assert_int_equal(ask.after, 42);
    assert_true(ask.has_protocol);
    world_fini(&w);
}

static void a_plain_request_asks_for_no_subprotocol(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.config.plain = 1;
    w.config.path = "/runCase?case=1";
    w.config.epoch = EPOCH; /* means nothing here */
    assert_int_equal(world_new(&w), 0);

    wsm__http_head head;
    wsm__upgrade ask;
    const char *why = NULL;
    server_read_request(&w, &head);
    assert_int_equal(wsm__upgrade_read(&head, &ask, &why), 0);

    assert_true(wsm__slice_is(head.target, "/runCase?case=1"));
    assert_false(ask.any_protocol);
    assert_null(ask.token.ptr);
    assert_null(ask.epoch.ptr);
    world_fini(&w);
}

static void two_clients_never_use_the_same_key(void **state) {
    (void)state;
    world w;
    world_init(&w);
    wsm__http_head head;
    char first[24];
    assert_int_equal(world_new(&w), 0);
    server_read_request(&w, &head);
    memcpy(first, wsm__http_header(&head, "sec-websocket-key", NULL).ptr, 24);
    wsm_client_free(w.client);
    w.out_len = 0;
    assert_int_equal(world_new(&w), 0);
    server_read_request(&w, &head);
    assert_memory_not_equal(first, wsm__http_header(&head, "sec-websocket-key", NULL).ptr, 24);
    world_fini(&w);
}

static void texts_that_cannot_stand_in_a_request_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *host, *path, *origin, *token, *epoch;
        uint64_t after;
    } cases[] = {
        {NULL, "/ws", NULL, NULL, NULL, 0},
        {"", "/ws", NULL, NULL, NULL, 0},
        {"a b", "/ws", NULL, NULL, NULL, 0},
        {"a\r\nX: y", "/ws", NULL, NULL, NULL, 0},
        {"a\x7f", "/ws", NULL, NULL, NULL, 0},
        {"a", "ws", NULL, NULL, NULL, 0},
        {"a", "", NULL, NULL, NULL, 0},
        {"a", "/ws#x", NULL, NULL, NULL, 0},
        {"a", "/w s", NULL, NULL, NULL, 0},
        {"a", "/ws", "http://a\n", NULL, NULL, 0},
        {"a", "/ws", NULL, "t\xc3\xbc", NULL, 0},
        {"a", "/ws", NULL, "t t", NULL, 0},
        {"a", "/ws", NULL, NULL, "0123456789abcde", 0},
        {"a", "/ws", NULL, NULL, "0123456789abcdef0", 0},
        {"a", "/ws", NULL, NULL, "0123456789ABCDEF", 0},
        {"a", "/ws", NULL, NULL, EPOCH, UINT64_C(1) << 53},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        world_init(&w);
        w.config.host = cases[i].host;
        w.config.path = cases[i].path;
        w.config.origin = cases[i].origin;
        w.config.token = cases[i].token;
        w.config.epoch = cases[i].epoch;
        w.config.after = cases[i].after;
        w.client = (wsm_client *)&w;
        assert_int_equal(world_new(&w), WSM_ERR_INVALID);
        assert_null(w.client);
        world_fini(&w);
    }
}

static void a_request_beyond_any_limit_is_refused_too(void **state) {
    (void)state;
    world w;
    world_init(&w);
    char *token = malloc(20001);
    memset(token, 'x', 20000);
    token[20000] = 0;
    w.config.token = token;
    assert_int_equal(world_new(&w), WSM_ERR_INVALID);
    free(token);
    world_fini(&w);
}

/* ---- refusals
 * -------------------------------------------------------------------------------------------------------- */

#define HEAD_101                                                                                                       \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                                \
    "Sec-WebSocket-Accept: "

static void refusal_is(const char *answer, size_t len, bool eof, const char *log) {
    for (size_t chunk = 0; chunk <= 1; chunk++) {
        world w;
        world_init(&w);
        w.chunk = chunk;
        assert_int_equal(world_new(&w), 0);
        world_flush(&w);
        world_feed(&w, answer, len);
        if (eof) wsm_client_closed(w.client);
        assert_string_equal(w.log, log);
        assert_int_equal(w.err, 0);
        assert_int_equal(wsm_client_recv(w.client, "x", 1), WSM_ERR_CLOSED);
        assert_int_equal(wsm_client_next(w.client), -1);
        assert_int_equal(wsm_client_tick(w.client), -1);
        assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "{}", 2), WSM_ERR_STATE);
        wsm_client_closed(w.client);
        assert_string_equal(w.log, log);
        world_fini(&w);
    }
}

static void answers_that_are_no_upgrade_are_told_with_their_status_and_body(void **state) {
    (void)state;
    static const struct {
        const char *answer;
        bool eof;
        const char *log;
    } cases[] = {
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\n{\"e\"}", false,
         "refused 401 {\"e\"}\ncut\nclose 1006 \n"},
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\n{\"e\"}surplus", false,
         "refused 401 {\"e\"}\ncut\nclose 1006 \n"},
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 50\r\n\r\n{\"e\"", true, "refused 401 {\"e\"\nclose 1006 \n"},
        {"HTTP/1.1 500 Internal Server Error\r\n\r\nsorry", true, "refused 500 sorry\nclose 1006 \n"},
        {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", false, "refused 503 \ncut\nclose 1006 \n"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, "refused 200 ok\ncut\nclose 1006 \n"},
        {HEAD_101 "AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\nSec-WebSocket-Protocol: wsm.v1\r\n\r\n", false,
         "refused 101 \ncut\nclose 1006 \n"},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", false, "refused 101 \ncut\nclose 1006 \n"},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", false, "refused 0 \ncut\nclose 1006 \n"},
        {"\x16\x03\x01\x02", false, "refused 0 \ncut\nclose 1006 \n"},
        {"HTTP/1.1 101 Switching", true, "close 1006 \n"},
        {"", true, "close 1006 \n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refusal_is(cases[i].answer, strlen(cases[i].answer), cases[i].eof, cases[i].log);
}

static void a_head_of_16_kib_is_refused(void **state) {
    (void)state;
    static char answer[16384 + 64];
    memset(answer, 'a', sizeof answer);
    memcpy(answer, "HTTP/1.1 101 OK\r\nX: ", 20);
    refusal_is(answer, sizeof answer, false, "refused 0 \ncut\nclose 1006 \n");
}

static void a_long_body_is_cut_at_4_kib(void **state) {
    (void)state;
    static char answer[8192];
    memset(answer, 'b', sizeof answer);
    memcpy(answer, "HTTP/1.1 500 No\r\n\r\n", 19);
    refusal_is(answer, sizeof answer, false, "refused 500 of 4096\ncut\nclose 1006 \n");
}

/* The right answer but for one change. */
static void changed_answer_is_refused(int plain, const char *protocol, const char *find, const char *replace) {
    world w;
    world_init(&w);
    w.config.plain = plain;
    assert_int_equal(world_new(&w), 0);
    size_t len;
    char *answer = server_answer(&w, protocol, &len);
    char *changed = malloc(len + 200);
    char *at = find ? strstr(answer, find) : NULL;
    if (find) assert_non_null(at);
    if (at)
        snprintf(changed, len + 200, "%.*s%s%s", (int)(at - answer), answer, replace, at + strlen(find));
    else
        snprintf(changed, len + 200, "%s", answer);

    world_feed(&w, changed, strlen(changed));

    assert_string_equal(w.log, "refused 101 \ncut\nclose 1006 \n");
    free(answer);
    free(changed);
    world_fini(&w);
}

static void an_upgrade_that_breaks_a_rule_is_no_upgrade(void **state) {
    (void)state;
    changed_answer_is_refused(0, NULL, NULL, NULL); /* the subprotocol is missing */
    changed_answer_is_refused(0, "wsm.v2", NULL, NULL);
    changed_answer_is_refused(1, "wsm.v1", NULL, NULL); /* none was asked for */
    changed_answer_is_refused(0, "wsm.v1", "ebsocket\r\n", "ebsockets\r\n");
    changed_answer_is_refused(0, "wsm.v1", "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
}

static void an_upgrade_opens_for_every_cut(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 7; chunk++) {
        world w;
        world_init(&w);
        w.config.plain = 1;
        w.chunk = chunk;
        assert_int_equal(world_new(&w), 0);
        size_t len;
        char *answer = server_answer(&w, NULL, &len);
        char *more = malloc(len + 7);
        memcpy(more, answer, len);
        memcpy(more + len, "\x81\x05hello", 7); /* in the same bytes */

        world_feed(&w, more, len + 7);

        assert_string_equal(w.log, "open\ntext hello\n");
        free(answer);
        free(more);
        world_fini(&w);
    }
}

/* ---- time
 * ------------------------------------------------------------------------------------------------------------ */

static void a_handshake_that_takes_too_long_is_cut(void **state) {
    (void)state;
    world w;
    world_init(&w);
    assert_int_equal(world_new(&w), 0);
    world_flush(&w);
    assert_int_equal(wsm_client_next(w.client), 10000);
    w.now += 9999;
    world_feed(&w, "HTTP/1.1 1", 10); /* activity is no excuse */
    assert_int_equal(wsm_client_tick(w.client), 1);
    w.now += 1;

    assert_int_equal(wsm_client_tick(w.client), -1);

    assert_string_equal(w.log, "cut\nclose 1006 \n");
    world_fini(&w);
}

static void a_refusal_whose_body_does_not_end_is_told_in_time(void **state) {
    (void)state;
    world w;
    world_init(&w);
    assert_int_equal(world_new(&w), 0);
    world_feed(&w, "HTTP/1.1 404 No\r\n\r\nno", 21);
    assert_string_equal(w.log, "");
    w.now += 10000;
    wsm_client_tick(w.client);
    assert_string_equal(w.log, "refused 404 no\ncut\nclose 1006 \n");
    world_fini(&w);
}

static void a_hub_that_does_not_greet_is_left(void **state) {
    (void)state;
    world w;
    world_init(&w);
    assert_int_equal(world_new(&w), 0);
    server_accept(&w);
    assert_int_equal(wsm_client_next(w.client), 10000);
    w.now += 10000;

    wsm_client_tick(w.client);
    world_flush(&w);

    server_expect_close(&w, 1008);
    assert_string_equal(w.log, "");
    w.now += 5000;
    wsm_client_tick(w.client);
    assert_string_equal(w.log, "cut\nclose 1008 no welcome\n");
    world_fini(&w);
}

static void a_close_before_the_upgrade_cuts(void **state) {
    (void)state;
    world w;
    world_init(&w);
    assert_int_equal(world_new(&w), 0);
    assert_int_equal(wsm_client_close(w.client, 1000, NULL), 0);
    assert_string_equal(w.log, "cut\nclose 1006 \n");
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_says_who_asks_and_where_to_resume),
        cmocka_unit_test(a_plain_request_asks_for_no_subprotocol),
        cmocka_unit_test(two_clients_never_use_the_same_key),
        cmocka_unit_test(texts_that_cannot_stand_in_a_request_are_refused),
        cmocka_unit_test(a_request_beyond_any_limit_is_refused_too),
        cmocka_unit_test(answers_that_are_no_upgrade_are_told_with_their_status_and_body),
        cmocka_unit_test(a_head_of_16_kib_is_refused),
        cmocka_unit_test(a_long_body_is_cut_at_4_kib),
        cmocka_unit_test(an_upgrade_that_breaks_a_rule_is_no_upgrade),
        cmocka_unit_test(an_upgrade_opens_for_every_cut),
        cmocka_unit_test(a_handshake_that_takes_too_long_is_cut),
        cmocka_unit_test(a_refusal_whose_body_does_not_end_is_told_in_time),
        cmocka_unit_test(a_hub_that_does_not_greet_is_left),
        cmocka_unit_test(a_close_before_the_upgrade_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
