/* Tokens that the host checks itself, at once or later: of an upgrade, of `hello`, of a peer that comes upgraded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hub_world.h"

static struct {
    int asked, answer;
    wsm_conn *conn;
    char token[32];
    wsm_slice kept; /* it stays valid until the answer */
} check;

static wsm_claims for_an_hour(const hub_world *w) {
    wsm_claims claims = world_claims(w, "ada");
    claims.exp = w->wall / 1000 + 3600;
    return claims;
}

static int token_check(void *user, wsm_conn *conn, wsm_slice token, wsm_claims *claims) {
    check.asked++;
    check.conn = conn;
    check.kept = token;
    snprintf(check.token, sizeof check.token, "%.*s", (int)token.len, token.ptr);
    if (check.answer == 0) *claims = for_an_hour(user);
    return check.answer;
}

static void begin(hub_world *w, int answer) {
    memset(&check, 0, sizeof check);
    check.answer = answer;
    world_init(w);
    w->config.hello_auth = 1;
    w->host.token_check = token_check;
    assert_int_equal(world_start(w, NULL), 0);
}

static void end(hub_world *w) {
    world_end(w);
    assert_int_equal(w->mem.live, 0);
}

static int has(const peer *p, const char *part) {
    size_t len = strlen(part);
    for (size_t i = 0; p->text && i + len <= p->len; i++)
        if (memcmp(p->text + i, part, len) == 0) return 1;
    return 0;
}

static void say_frame(peer *p, const char *text) {
    unsigned char frame[256] = {0x81, 0x80};
    size_t len = strlen(text), at = 6;
    if (len > 125) {
        frame[1] |= 126;
        frame[2] = (unsigned char)(len >> 8);
        frame[3] = (unsigned char)len;
        at = 8; /* masked with zeroes */
    } else {
        frame[1] = (unsigned char)(0x80 | len);
    }
    memcpy(frame + at, text, len);
    assert_int_equal(wsm_conn_recv(p->conn, frame, at + len), 0);
}

static const char upgrade[] = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static peer *upgraded(hub_world *w) {
    wsm_peer how;
    wsm_peer_init(&how, sizeof how);
    peer *p = &w->peers[w->peers_count++];
    p->world = w;
    assert_int_equal(wsm_conn_new(&p->conn, w->hub, &how, p), 0);
    assert_int_equal(wsm_conn_recv(p->conn, upgrade, sizeof upgrade - 1), 0);
    assert_true(has(p, "101 Switching Protocols"));
    return p;
}

/* What a client that does not wait says behind its request moves the buffer in which the request stands. */
static void an_upgrade_that_is_answered_later_may_be_followed_by_much(void **state) {
    static const char ask[] = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Protocol: wsm.v1\r\nAuthorization: Bearer abc\r\n\r\n";
    char update[64];
    (void)state;
    hub_world w;
    wsm_peer how;
    begin(&w, WSM_ERR_PENDING);
    wsm_peer_init(&how, sizeof how);
    peer *p = &w.peers[w.peers_count++];
    p->world = &w;
    assert_int_equal(wsm_conn_new(&p->conn, w.hub, &how, p), 0);
    assert_int_equal(wsm_conn_recv(p->conn, ask, sizeof ask - 1), 0);
    assert_string_equal(check.token, "abc");
    for (int i = 0; i < 60; i++) {
        snprintf(update, sizeof update, "{\"type\":\"memory_update\",\"exchange\":%d}", 1000 + i);
        say_frame(p, update);
    }
    wsm_claims claims = for_an_hour(&w);
    assert_int_equal(wsm_conn_authorize(check.conn, 0, &claims), 0);
    assert_true(has(p, "101 Switching Protocols"));
    assert_true(has(p, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_true(has(p, "Sec-WebSocket-Protocol: wsm.v1"));
    assert_true(has(p, "\"exchange\":1000}") && has(p, "\"exchange\":1059}"));
    end(&w);
}

static peer *with_token(hub_world *w, const char *token) {
    wsm_peer how;
    wsm_peer_init(&how, sizeof how);
    how.kind = WSM_PEER_MESSAGE;
    how.token = (wsm_slice){token, strlen(token)};
    peer *p = &w->peers[w->peers_count++];
    p->world = w;
    assert_int_equal(wsm_conn_new(&p->conn, w->hub, &how, p), 0);
    return p;
}

#define HELLO "{\"type\":\"hello\",\"token\":\"abc\"}"

static void hello_waits_for_the_hosts_answer(void **state) {
    (void)state;
    hub_world w;
    begin(&w, WSM_ERR_PENDING);
    peer *p = upgraded(&w);
    say_frame(p, HELLO);
    assert_string_equal(check.token, "abc");
    world_run(&w, 60000); /* the client has said what it had to say: the time is the host's own */
    assert_false(p->gone);
    assert_false(has(p, "welcome"));
    assert_memory_equal(check.kept.ptr, "abc", 3);
    say_frame(p, "{\"type\":\"agent_list\",\"message_id\":\"00000000-0000-4000-8000-000000000001\"}");
    assert_true(has(p, "\"original_message_id\":\"00000000-0000-4000-8000-000000000001\",\"code\":\"busy\""));
    wsm_claims claims = for_an_hour(&w);
    assert_int_equal(wsm_conn_authorize(check.conn, 0, &claims), 0);
    assert_true(has(p, "\"type\":\"welcome\""));
    assert_int_equal(wsm_conn_authorize(check.conn, 0, &claims), WSM_ERR_STATE);
    say_frame(p, "{\"type\":\"memory_update\",\"exchange\":1}");
    assert_true(has(p, "\"exchange\":1}"));
    end(&w);
}

/* I-56. The wall may be set back meanwhile: that gives nobody more time. */
static void who_stays_beyond_his_tokens_end_is_closed(void **state) {
    (void)state;
    for (int is_set_back = 0; is_set_back < 2; is_set_back++) {
        hub_world w;
        begin(&w, 0);
        peer *p = with_token(&w, "abc"); /* good for an hour, and half a minute is forgiven */
        world_run(&w, 3000 * 1000);
        if (is_set_back) w.wall -= 86400 * 1000;
        world_run(&w, 600 * 1000 + 29000);
        assert_int_equal(p->code, 0);
        world_run(&w, 2000);
        assert_int_equal(p->code, 4003);
        end(&w);
    }
}

static void a_refusal_that_comes_later_closes(void **state) {
    (void)state;
    static const struct {
        int err;
        uint16_t code;
    } rows[] = {{WSM_ERR_TOKEN, 4002}, {WSM_ERR_TOKEN_EXPIRED, 4003}, {WSM_ERR_NOMEM, 1013}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hub_world w;
        begin(&w, WSM_ERR_PENDING);
        peer *p = upgraded(&w), *q = with_token(&w, "xyz");
        assert_string_equal(check.token, "xyz");
        assert_int_equal(wsm_conn_authorize(check.conn, rows[i].err, NULL), 0);
        say_frame(p, HELLO);
        assert_int_equal(wsm_conn_authorize(check.conn, rows[i].err, NULL), 0);
        assert_int_equal(p->code, rows[i].code);
        assert_int_equal(q->code, rows[i].code);
        end(&w);
    }
}

static void a_peer_that_comes_upgraded_may_wait_too(void **state) {
    (void)state;
    hub_world w;
    begin(&w, WSM_ERR_PENDING);
    peer *p = with_token(&w, "xyz");
    assert_null(peer_last(p, "welcome"));
    wsm_claims claims = for_an_hour(&w);
    assert_int_equal(wsm_conn_authorize(check.conn, 0, &claims), 0);
    assert_non_null(peer_last(p, "welcome"));
    end(&w);
}

static void who_leaves_while_his_token_is_checked_is_forgotten(void **state) {
    (void)state;
    hub_world w;
    begin(&w, WSM_ERR_PENDING);
    peer *p = upgraded(&w);
    say_frame(p, HELLO);
    peer_leave(p);
    p = with_token(&w, "xyz");
    assert_int_equal(wsm_hub_shutdown(w.hub, NULL), 0);
    wsm_hub_tick(w.hub);
    assert_int_equal(p->code, 1001);
    end(&w);
}

static void an_answer_at_once_is_as_it_was(void **state) {
    (void)state;
    hub_world w;
    begin(&w, 0);
    peer *p = upgraded(&w);
    say_frame(p, HELLO);
    assert_true(has(p, "\"type\":\"welcome\""));
    assert_non_null(peer_last(with_token(&w, "xyz"), "welcome"));
    check.answer = WSM_ERR_TOKEN_SIGNATURE;
    assert_int_equal(with_token(&w, "xyz")->code, 4002);
    end(&w);
}

static void any_allocation_may_fail_meanwhile(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        hub_world w;
        begin(&w, WSM_ERR_PENDING);
        peer *p = upgraded(&w);
        wsm_claims claims = for_an_hour(&w);
        w.mem.fail_at = w.mem.calls + n;
        unsigned char frame[64] = {0x81, 0x80 | (sizeof HELLO - 1)};
        memcpy(frame + 6, HELLO, sizeof HELLO - 1);
        wsm_conn_recv(p->conn, frame, 6 + sizeof HELLO - 1);
        if (check.conn && p->conn) wsm_conn_authorize(check.conn, 0, &claims);
        int failed = test_mem_has_failed(&w.mem);
        w.mem.fail_at = 0;
        if (!failed) assert_true(has(p, "\"type\":\"welcome\""));
        end(&w);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_waits_for_the_hosts_answer),
        cmocka_unit_test(an_upgrade_that_is_answered_later_may_be_followed_by_much),
        cmocka_unit_test(a_refusal_that_comes_later_closes),
        cmocka_unit_test(a_peer_that_comes_upgraded_may_wait_too),
        cmocka_unit_test(who_stays_beyond_his_tokens_end_is_closed),
        cmocka_unit_test(who_leaves_while_his_token_is_checked_is_forgotten),
        cmocka_unit_test(an_answer_at_once_is_as_it_was),
        cmocka_unit_test(any_allocation_may_fail_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
