/* The simulator's own HTTP upgrade: the request as it is written, answers at every cut, and answers that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/upgrade.h"

#define GOOD                                                                                                           \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nconnection: Upgrade\r\n"                                \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol:  wsm.v1 \r\n\r\n"
#define REFUSED "HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 4\r\n\r\n{...rest"

static void requests_carry_what_was_asked(void **state) {
    (void)state;
    wsm__sim_bytes out = {0};
    wsm__sim_upgrade_write(&out,
                           &(wsm__sim_upgrade){.target = "/ws?epoch=1&after=2", .token = "t", .more = "X: y\r\n"});
    wsm__sim_bytes_add(&out, "", 1);
    assert_string_equal(out.at,
                        "GET /ws?epoch=1&after=2 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Host: localhost\r\nSec-WebSocket-Protocol: wsm.v1\r\nAuthorization: Bearer t\r\nX: y\r\n\r\n");
    wsm__sim_bytes_fini(&out);
}

/* Feed `text` in two parts; returns how much was taken. */
static size_t feed(wsm__sim_response *response, const char *text, size_t cut) {
    size_t took = wsm__sim_response_feed(response, text, cut);
    if (took == cut) took += wsm__sim_response_feed(response, text + cut, strlen(text) - cut);
    return took;
}

static void an_upgrade_is_read_up_to_its_end(void **state) {
    (void)state;
    static const char text[] = GOOD "\x81\x01x";
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        wsm__sim_response response = {0};
        assert_int_equal(feed(&response, text, cut), strlen(GOOD));
        assert_int_equal(response.answer, WSM__SIM_ANSWER_UPGRADED);
        assert_int_equal(response.status, 101);
        size_t len;
        const char *protocol = wsm__sim_response_header(&response, "sec-websocket-protocol", &len);
        assert_int_equal(len, 6);
        assert_memory_equal(protocol, "wsm.v1", 6);
        assert_null(wsm__sim_response_header(&response, "sec-websocket", &len));
        wsm__sim_response_fini(&response);
    }
}

static void a_refusal_is_read_with_its_body(void **state) {
    (void)state;
    for (size_t cut = 0; cut <= strlen(REFUSED); cut++) {
        wsm__sim_response response = {0};
        assert_int_equal(feed(&response, REFUSED, cut), strlen(REFUSED) - 4);
        assert_int_equal(response.answer, WSM__SIM_ANSWER_REFUSED);
        assert_int_equal(response.status, 503);
        assert_int_equal(response.body_len, 4);
        assert_memory_equal(response.text.at + response.head_len, "{...", 4);
        wsm__sim_response_fini(&response);
    }
}

static void half_an_answer_waits(void **state) {
    (void)state;
    wsm__sim_response response = {0};
    assert_int_equal(wsm__sim_response_feed(&response, GOOD, strlen(GOOD) - 1), strlen(GOOD) - 1);
    assert_int_equal(response.answer, WSM__SIM_ANSWER_WAITING);
    wsm__sim_response_fini(&response);
}

static void wrong_answers_are_seen(void **state) {
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        "HTTP/1.0 503 X\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 5x3 X\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 X\r\n\r\n",
        "HTTP/1.1 503 X\r\nContent-Length: 9x\r\n\r\n",
        "HTTP/1.1 503 X\r\nContent-Length: 99999\r\n\r\n",
        "HTTP/1.1 503 X\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 X\r\nno colon\r\n\r\n",
        "HTTP/1.1 503 X\r\n: x\r\n\r\n",
        "HTTP/1.1 503 X\r\nA : x\r\n\r\n",
        "\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        wsm__sim_response response = {0};
        wsm__sim_response_feed(&response, texts[i], strlen(texts[i]));
        if (response.answer != WSM__SIM_ANSWER_BROKEN) fail_msg("took %s", texts[i]);
        assert_non_null(response.why);
        wsm__sim_response_fini(&response);
    }
    wsm__sim_response response = {0};
    for (int i = 0; i < 9000; i++) wsm__sim_response_feed(&response, "x", 1);
    assert_int_equal(response.answer, WSM__SIM_ANSWER_BROKEN);
    wsm__sim_response_fini(&response);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_carry_what_was_asked),   cmocka_unit_test(an_upgrade_is_read_up_to_its_end),
        cmocka_unit_test(a_refusal_is_read_with_its_body), cmocka_unit_test(half_an_answer_waits),
        cmocka_unit_test(wrong_answers_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
