/* lib/client/client.c: a client's life over its whole length, in time, in want of memory, and in wrong hands. */
#include "client_world.h"

#include "client/client.h"
#include "wsm/error.h"

static void plain_world(world *w) {
    world_init(w);
    w->config.plain = 1;
    world_open_up(w);
    world_flush(w);
}

/* ---- new
 * -------------------------------------------------------------------------------------------------------------- */

static void the_defaults_are_those_of_the_header(void **state) {
    (void)state;
    wsm_client_config config;
    wsm_client_config_init(&config, sizeof config);
    assert_int_equal(config.size, sizeof config);
    assert_string_equal(config.path, "/ws");
    assert_int_equal(config.handshake_timeout_ms, 10000);
    assert_int_equal(config.close_timeout_ms, 5000);
    assert_int_equal(config.ping_interval_ms, 30000);
    assert_int_equal(config.ping_strikes, 3);
    assert_int_equal(config.message_bytes_max, 16 << 20);
    assert_int_equal(config.fragments_max, 131072);
    assert_int_equal(config.queue_bytes_max, 16 << 20);
    assert_int_equal(config.memory_budget_bytes, 256 << 20);
}

static void new_says_what_is_wrong_and_leaves_nothing(void **state) {
    (void)state;
    world w;
    world_init(&w);
    wsm_client *client = (wsm_client *)&w;
    assert_int_equal(wsm_client_new(NULL, &w.config, &w.host, &w), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_new(&client, NULL, &w.host, &w), WSM_ERR_INVALID);
    assert_null(client);
    assert_int_equal(wsm_client_new(&client, &w.config, NULL, &w), WSM_ERR_INVALID);
    w.host.bytes_waiting = NULL;
    assert_int_equal(world_new(&w), WSM_ERR_INVALID);
    w.host.bytes_waiting = world_waiting;
    w.host.close_transport = NULL;
    assert_int_equal(world_new(&w), WSM_ERR_INVALID);
    w.host.close_transport = world_cut;
    w.config.message_bytes_max = (16 << 20) + 1;
    assert_int_equal(world_new(&w), WSM_ERR_INVALID);
    w.config.message_bytes_max = 1000;
    w.random_fails = true;
    assert_int_equal(world_new(&w), WSM_ERR_RANDOM);
    w.random_fails = false;
    w.config.memory_budget_bytes = 500;
    assert_int_equal(world_new(&w), WSM_ERR_NOMEM);
    w.config.memory_budget_bytes = 0;
    assert_int_equal(world_new(&w), 0);
    assert_string_equal(w.log, "");
    world_fini(&w);
}

/* Memory of this size, which the compiler must not know: it would warn about the very thing that is tested. */
static void *exactly(volatile size_t size) {
    return malloc(size);
}

static void structs_of_another_age_are_understood(void **state) {
    (void)state;
    world w;
    world_init(&w);

    size_t old = offsetof(wsm_client_config, plain);
    wsm_client_config *older = exactly(old);
    assert_non_null(older);
    wsm_client_config_init(older, old);
    older->host = "h";
    assert_int_equal(wsm_client_new(&w.client, older, &w.host, &w), 0);
    assert_int_equal(wsm_client_next(w.client), 10000);
    wsm_client_free(w.client);
    free(older);

    struct {
        wsm_client_host host;
        uint64_t more;
    } newer = {w.host, 0};
    newer.host.size = sizeof newer;
    assert_int_equal(wsm_client_new(&w.client, &w.config, &newer.host, &w), 0);
    wsm_client_free(w.client);
    newer.more = 1;
    assert_int_equal(wsm_client_new(&w.client, &w.config, &newer.host, &w), WSM_ERR_VERSION);
    world_fini(&w);
}

static void without_callbacks_of_its_own_a_host_gets_the_defaults(void **state) {
    (void)state;
    world w;
    world_init(&w);
    wsm_client_host host;
    wsm_client_host_init(&host, sizeof host);
    host.bytes_waiting = world_waiting;
    host.close_transport = world_cut;
    assert_int_equal(wsm_client_new(&w.client, &w.config, &host, &w), 0);
    assert_in_range(wsm_client_next(w.client), 9000, 10000);
    assert_int_equal(wsm_client_close(w.client, 1000, NULL), 0);
    assert_string_equal(w.log, "cut\n");
    world_fini(&w);
}

static void nothing_happens_to_no_client(void **state) {
    (void)state;
    assert_int_equal(wsm_client_recv(NULL, "x", 1), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_close(NULL, 1000, NULL), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_tick(NULL), -1);
    assert_int_equal(wsm_client_next(NULL), -1);
    wsm_client_closed(NULL);
    wsm_client_free(NULL);
}

/* ---- messages
 * --------------------------------------------------------------------------------------------------------- */

static void a_plain_client_echoes_both_kinds_whole_or_in_fragments(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.config.plain = 1;
    w.echo = true;
    world_open_up(&w);
    assert_int_equal(wsm_client_recv(w.client, NULL, 1), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_recv(w.client, NULL, 0), 0);
    server_frame(&w, 0x81, "text", 4);
    server_frame(&w, 0x02, "\x01", 1);
    server_frame(&w, 0x89, "p", 1);
    server_frame(&w, 0x00, "", 0);
    server_frame(&w, 0x80, "\x02", 1);
    server_frame(&w, 0x82, "", 0);
    server_expect(&w, 0x1, "text", 4);
    server_expect(&w, 0xa, "p", 1);
    server_expect(&w, 0x2, "\x01\x02", 2);
    server_expect(&w, 0x2, "", 0);
    assert_false(server_has_frame(&w));
    world_fini(&w);
}

/* ---- the end
 * ---------------------------------------------------------------------------------------------------------- */

static void a_close_of_the_server_is_answered_and_told_once(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    server_close(&w, 4008, "slow_consumer");
    server_expect_close(&w, 4008);
    assert_string_equal(w.log, "open\ncut\nclose 4008 slow_consumer\n");
    wsm_client_closed(w.client);
    assert_int_equal(wsm_client_close(w.client, 1000, NULL), 0);
    assert_int_equal(wsm_client_tick(w.client), -1);
    assert_string_equal(w.log, "open\ncut\nclose 4008 slow_consumer\n");
    world_fini(&w);
}

static void a_close_without_a_code_is_1005(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    server_frame(&w, 0x88, "", 0);
    assert_string_equal(w.log, "open\ncut\nclose 1005 \n");
    world_fini(&w);
}

static void a_close_of_ours_waits_for_the_answer(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    assert_int_equal(wsm_client_close(w.client, 1000, NULL), 0);
    assert_int_equal(wsm_client_close(w.client, 4001, "again"), 0); /* does nothing */
    world_flush(&w);
    server_expect_close(&w, 1000);
    server_frame(&w, 0x81, "late", 4); /* nobody listens */
    assert_string_equal(w.log, "open\n");
    server_close(&w, 1000, "");
    assert_string_equal(w.log, "open\ncut\nclose 1000 \n");
    world_fini(&w);
}

static void a_close_that_nobody_answers_ends_in_time(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    wsm_client_close(w.client, 1000, "bye");
    world_flush(&w);
    assert_int_equal(wsm_client_next(w.client), 5000);
    w.now += 4999;
    assert_int_equal(wsm_client_tick(w.client), 1);
    w.now += 1;
    assert_int_equal(wsm_client_tick(w.client), -1);
    assert_string_equal(w.log, "open\ncut\nclose 1006 \n");
    world_fini(&w);
}

static void a_cut_is_1006_whatever_we_were_saying(void **state) {
    (void)state;
    for (int closing = 0; closing < 2; closing++) {
        world w;
        plain_world(&w);
        wsm_vec vec;
        wsm_client_send(w.client, WSM_DATA_TEXT, "x", 1);
        if (closing) wsm_client_close(w.client, 1000, "bye");
        wsm_client_closed(w.client);
        assert_string_equal(w.log, "open\nclose 1006 \n");
        assert_int_equal(wsm_client_pending(w.client, &vec, 1), 0);
        assert_int_equal(wsm_client_recv(w.client, "x", 1), WSM_ERR_CLOSED);
        assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "x", 1), WSM_ERR_STATE);
        world_fini(&w);
    }
}

static void codes_that_may_not_be_sent_are_refused(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    static const uint16_t bad[] = {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(wsm_client_close(w.client, bad[i], NULL), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_close(w.client, 1000, "\xff"), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_queued(w.client), 0);
    assert_int_equal(wsm_client_close(w.client, 4012, NULL), 0);
    world_flush(&w);
    server_expect(&w, 0x8,
                  "\x0f\xac"
                  "heartbeat_timeout",
                  19);
    world_fini(&w);
}

static void what_the_server_breaks_closes_with_its_code(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        uint16_t code;
    } cases[] = {
        {"\x81\x80\0\0\0\0", 6, 1002}, /* masked by a server */
        {"\xc1\x00", 2, 1002},         /* a reserved bit */
        {"\x80\x00", 2, 1002},         /* a continuation of nothing */
        {"\x09\x00", 2, 1002},         /* a fragmented ping */
        {"\x88\x01\x03", 3, 1002},     /* half a code */
        {"\x88\x02\x03\xed", 4, 1002}, /* 1005 on the wire */
        {"\x81\x01\xff", 3, 1007},     /* text that is not UTF-8 */
        {"\x88\x03\x03\xe8\xff", 5, 1007},
        {"\x82\x7f\0\0\0\x01\0\0\0\0", 10, 1009},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t chunk = 0; chunk < 2; chunk++) {
            world w;
            plain_world(&w);
            w.chunk = chunk;
            world_feed(&w, cases[i].bytes, cases[i].len);
            server_expect_close(&w, cases[i].code);
            char log[64];
            snprintf(log, sizeof log, "open\ncut\nclose %u %s\n", cases[i].code, wsm_close_name(cases[i].code));
            assert_string_equal(w.log, log);
            world_fini(&w);
        }
    }
}

/* ---- time
 * ------------------------------------------------------------------------------------------------------------- */

static void silence_is_pinged_and_three_strikes_close(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    int64_t wait = wsm_client_next(w.client);
    assert_in_range(wait, 27000, 33000); /* give or take a tenth */
    for (int strike = 0; strike < 3; strike++) {
        w.now += (uint64_t)wait;
        wait = wsm_client_tick(w.client);
        world_flush(&w);
        unsigned char *payload;
        size_t len;
        assert_int_equal(server_read_frame(&w, &payload, &len), 0x9);
        assert_false(server_has_frame(&w));
    }
    assert_string_equal(w.log, "open\n");
    w.now += (uint64_t)wait;
    wait = wsm_client_tick(w.client);
    world_flush(&w);
    server_expect_close(&w, 4012);
    w.now += (uint64_t)wait;
    wsm_client_tick(w.client);
    assert_string_equal(w.log, "open\ncut\nclose 4012 heartbeat_timeout\n");
    world_fini(&w);
}

/* Its ping stands behind what it sends, and a hub that receives a long message has nothing to say meanwhile. */
static void who_sends_a_long_message_slowly_does_not_take_the_hub_for_silent(void **state) {
    (void)state;
    static char much[200000];
    world w;
    plain_world(&w);
    world_flush(&w);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_BINARY, much, sizeof much), 0);
    for (int second = 0; second < 199; second++) {
        wsm_vec vec[4];
        assert_true(wsm_client_pending(w.client, vec, 4) > 0);
        wsm_client_sent(w.client, 1000);
        w.now += 1000;
        wsm_client_tick(w.client);
    }
    assert_string_equal(w.log, "open\n");
    for (int second = 0; second < 170; second++) { /* nothing goes any more */
        w.now += 1000;
        wsm_client_tick(w.client);
    }
    assert_string_equal(w.log, "open\ncut\nclose 4012 heartbeat_timeout\n");
    world_fini(&w);
}

static void any_byte_proves_life(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    for (int i = 0; i < 20; i++) {
        w.now += (uint64_t)wsm_client_next(w.client);
        wsm_client_tick(w.client);
        world_flush(&w);
        unsigned char *payload;
        size_t len;
        assert_int_equal(server_read_frame(&w, &payload, &len), 0x9);
        char pong[125];
        memcpy(pong, payload, len);
        server_frame(&w, 0x8a, pong, len);
    }
    assert_string_equal(w.log, "open\n");
    world_fini(&w);
}

static void without_limits_there_is_no_deadline(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.config.plain = 1;
    w.config.handshake_timeout_ms = 0;
    w.config.ping_interval_ms = 0;
    w.config.queue_bytes_max = 0;
    w.config.fragments_max = 0;
    w.config.message_bytes_max = 0;
    assert_int_equal(world_new(&w), 0);
    assert_int_equal(wsm_client_next(w.client), -1);
    server_accept(&w);
    assert_int_equal(wsm_client_next(w.client), -1);
    server_frame(&w, 0x01, "a", 1);
    server_frame(&w, 0x80, "b", 1);
    assert_string_equal(w.log, "open\ntext ab\n");
    world_fini(&w);
}

/* ---- memory
 * ----------------------------------------------------------------------------------------------------------- */

static void a_message_beyond_the_budget_closes_with_1013(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.config.plain = 1;
    w.config.memory_budget_bytes = 64 << 10;
    w.chunk = 1000;
    world_open_up(&w);
    static char big[256 << 10];
    memset(big, 'x', sizeof big);
    server_frame(&w, 0x82, big, sizeof big);
    assert_int_equal(w.err, WSM_ERR_NOMEM);
    server_expect_close(&w, 1013);
    assert_string_equal(w.log, "open\ncut\nclose 1013 overload\n");
    world_fini(&w);
}

#define RECORD "{\"type\":\"memory_update\",\"offset\":9,\"exchange\":1}"

/* A whole session, in which something may fail at any point. Either all came to pass, or the client ended with 1013. */
static void session(world *w) {
    server_accept(w);
    server_text(w, WELCOME);
    server_text(w, RECORD);
    server_frame(w, 0x01, "{\"type\":\"posi", 13);
    server_frame(w, 0x89, "p", 1);
    server_frame(w, 0x80, "tion\",\"offset\":9}", 17);
    for (int i = 0; i < 12 && wsm_client_next(w->client) >= 0; i++) {
        int err = wsm_client_send(w->client, WSM_DATA_TEXT, "{}", 2);
        if (err == WSM_ERR_NOMEM) err = wsm_client_send(w->client, WSM_DATA_TEXT, "{}", 2);
        if (err) assert_true(w->err == WSM_ERR_NOMEM || w->mem.fail_forever);
    }
    world_flush(w);
    if (!w->err) {
        w->now += 40000;
        wsm_client_tick(w->client);
        wsm_client_close(w->client, 1000, "bye");
        world_flush(w);
        server_close(w, 1000, "");
    }
    wsm_client_closed(w->client);
}

static void every_failing_allocation_ends_well(void **state) {
    (void)state;
    for (int forever = 0; forever < 2; forever++) {
        for (size_t n = 1;; n++) {
            world w;
            world_init(&w);
            w.mem.fail_at = n;
            w.mem.fail_forever = forever;
            int err = world_new(&w);
            if (err) {
                assert_int_equal(err, WSM_ERR_NOMEM);
                assert_null(w.client);
                assert_int_equal(w.mem.live, 0);
                continue;
            }
            session(&w);
            bool failed = test_mem_has_failed(&w.mem);
            const char *end = strstr(w.log, "close ");
            assert_non_null(end);
            assert_null(strstr(end + 1, "close ")); /* told once */
            if (w.err) {
                assert_int_equal(w.err, WSM_ERR_NOMEM);
                assert_string_equal(end, strstr(w.log, "open") ? "close 1013 overload\n" : end);
                assert_memory_equal(end, "close 1013", 10);
            }
            if (!failed) assert_string_equal(end, "close 1000 \n");
            world_fini(&w);
            if (!failed) break;
        }
    }
}

static void the_reserve_tells_the_server_of_want_of_memory(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    w.mem.fail_at = 1;
    w.mem.fail_forever = 1;
    server_frame(&w, 0x82, "a", 1);
    assert_int_equal(w.err, WSM_ERR_NOMEM);
    server_expect_close(&w, 1013);
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_header),
        cmocka_unit_test(new_says_what_is_wrong_and_leaves_nothing),
        cmocka_unit_test(structs_of_another_age_are_understood),
        cmocka_unit_test(without_callbacks_of_its_own_a_host_gets_the_defaults),
        cmocka_unit_test(nothing_happens_to_no_client),
        cmocka_unit_test(a_plain_client_echoes_both_kinds_whole_or_in_fragments),
        cmocka_unit_test(a_close_of_the_server_is_answered_and_told_once),
        cmocka_unit_test(a_close_without_a_code_is_1005),
        cmocka_unit_test(a_close_of_ours_waits_for_the_answer),
        cmocka_unit_test(a_close_that_nobody_answers_ends_in_time),
        cmocka_unit_test(a_cut_is_1006_whatever_we_were_saying),
        cmocka_unit_test(codes_that_may_not_be_sent_are_refused),
        cmocka_unit_test(what_the_server_breaks_closes_with_its_code),
        cmocka_unit_test(silence_is_pinged_and_three_strikes_close),
        cmocka_unit_test(who_sends_a_long_message_slowly_does_not_take_the_hub_for_silent),
        cmocka_unit_test(any_byte_proves_life),
        cmocka_unit_test(without_limits_there_is_no_deadline),
        cmocka_unit_test(a_message_beyond_the_budget_closes_with_1013),
        cmocka_unit_test(every_failing_allocation_ends_well),
        cmocka_unit_test(the_reserve_tells_the_server_of_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
