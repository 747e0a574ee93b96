/* lib/client/outbox.c: bytes out, in order, masked, bounded, whatever the writes take. */
#include "client_world.h"

#include "client/client.h"
#include "wsm/error.h"

static void plain_world(world *w) {
    world_init(w);
    w->config.plain = 1;
}

static void messages_go_out_masked_in_order(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    world_open_up(&w);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "one", 3), 0);
    assert_true(w.told);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_BINARY, "\0\xff", 2), 0);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, NULL, 0), 0);
    assert_int_equal(wsm_client_queued(w.client), (6 + 3) + (6 + 2) + 6);

    world_flush(&w);

    const unsigned char *first = w.out + w.out_read, *second = first + 9;
    assert_memory_not_equal(first + 2, second + 2, 4); /* each its own mask (RFC 6455, section 5.3) */
    assert_memory_not_equal(first + 6, "one", 3);
    server_expect(&w, 0x1, "one", 3);
    server_expect(&w, 0x2, "\0\xff", 2);
    server_expect(&w, 0x1, "", 0);
    assert_false(server_has_frame(&w));
    assert_int_equal(wsm_client_queued(w.client), 0);
    world_fini(&w);
}

static void a_partial_write_goes_on_where_it_ended(void **state) {
    (void)state;
    for (size_t write_max = 1; write_max < 40; write_max++) {
        world w;
        plain_world(&w);
        world_open_up(&w);
        w.write_max = write_max;
        for (char c = 'a'; c < 'h'; c++) assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, &c, 1), 0);
        world_flush(&w);
        for (char c = 'a'; c < 'h'; c++) server_expect(&w, 0x1, &c, 1);
        assert_false(server_has_frame(&w));
        world_fini(&w);
    }
}

static void what_was_handed_out_stays_where_it_is(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    world_open_up(&w);
    wsm_vec before[4], after[64];
    wsm_client_send(w.client, WSM_DATA_TEXT, "first", 5);
    assert_int_equal(wsm_client_pending(w.client, before, 4), 1);
    for (int i = 0; i < 100; i++) wsm_client_send(w.client, WSM_DATA_TEXT, "more", 4);
    server_frame(&w, 0x89, "?", 1); /* flushes: but the first must still be first */
    server_expect(&w, 0x1, "first", 5);
    assert_int_equal(wsm_client_pending(w.client, after, 64), 0);
    wsm_client_send(w.client, WSM_DATA_TEXT, "x", 1);
    assert_int_equal(wsm_client_pending(w.client, before, 4), 1);
    wsm_client_send(w.client, WSM_DATA_TEXT, "y", 1);
    assert_int_equal(wsm_client_pending(w.client, after, 64), 2);
    assert_ptr_equal(before[0].base, after[0].base);
    assert_int_equal(wsm_client_pending(w.client, after, 0), 0);
    assert_int_equal(wsm_client_pending(NULL, after, 1), 0);
    assert_int_equal(wsm_client_pending(w.client, NULL, 1), 0);
    assert_int_equal(wsm_client_queued(NULL), 0);
    wsm_client_sent(NULL, 1);
    wsm_client_sent(w.client, 1000000); /* more than was handed out counts as all of it */
    assert_int_equal(wsm_client_queued(w.client), 0);
    world_fini(&w);
}

static void pongs_overtake_messages_that_wait(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    world_open_up(&w);
    wsm_client_send(w.client, WSM_DATA_TEXT, "data", 4);
    server_frame(&w, 0x89, "hi", 2);
    server_expect(&w, 0xa, "hi", 2);
    server_expect(&w, 0x1, "data", 4);
    world_fini(&w);
}

static void a_full_queue_refuses_and_takes_again_when_it_has_drained(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    w.config.queue_bytes_max = 100;
    world_open_up(&w);
    char big[1000];
    memset(big, 'x', sizeof big);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, big, 44), 0); /* 50 bytes as a frame */
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, big, 45), WSM_ERR_BUSY);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, big, 44), 0);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "", 0), WSM_ERR_BUSY);
    assert_int_equal(wsm_client_queued(w.client), 100);
    world_flush(&w);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, big, 1000), 0); /* alone, however large */
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "", 0), WSM_ERR_BUSY);
    world_flush(&w);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "", 0), 0);
    world_fini(&w);
}

static void a_message_of_16_mib_passes_by_default(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    w.echo = true;
    w.chunk = 65536;
    world_open_up(&w);
    size_t len = 16u << 20;
    char *big = malloc(len + 1);
    assert_non_null(big);
    memset(big, 'z', len + 1);
    server_frame(&w, 0x82, big, len);
    server_expect(&w, 0x2, big, len);
    assert_string_equal(w.log, "open\nbinary of 16777216\n");
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_BINARY, big, len + 1), WSM_ERR_INVALID);
    server_frame(&w, 0x82, big, len + 1);
    server_expect_close(&w, 1009);
    free(big);
    world_fini(&w);
}

static void what_may_not_be_sent_is_refused(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    world_open_up(&w);
    assert_int_equal(wsm_client_send(NULL, WSM_DATA_TEXT, "x", 1), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, NULL, 1), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_send(w.client, (wsm_data)0, "x", 1), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_send(w.client, (wsm_data)8, "x", 1), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "\xc0\x80", 2), WSM_ERR_UTF8);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "\xe2\x82", 2), WSM_ERR_UTF8);
    w.random_fails = true;
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "x", 1), WSM_ERR_RANDOM);
    w.random_fails = false;
    wsm_client_close(w.client, 1000, NULL);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "x", 1), WSM_ERR_STATE);
    world_fini(&w);

    world_init(&w);
    world_open_up(&w);
    static const char *const bad[] = {"", "x", "[]", "1", "{", "{\"a\":1,}", "{} x", "{\"a\":\"\xff\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, bad[i], strlen(bad[i])), WSM_ERR_BAD_JSON);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_BINARY, "{}", 2), WSM_ERR_INVALID);
    assert_int_equal(wsm_client_queued(w.client), 0);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "{\"a\":1}", 7), 0);
    world_flush(&w);
    server_expect(&w, 0x1, "{\"a\":1}", 7);
    world_fini(&w);
}

static void what_was_accepted_goes_out_before_a_clean_close(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    world_open_up(&w);
    for (int i = 0; i < 5; i++) assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "data", 4), 0);
    assert_int_equal(wsm_client_close(w.client, 1000, "bye"), 0);
    assert_int_equal(wsm_client_queued(w.client), 5 * 10 + 6 + 5);
    world_flush(&w);
    for (int i = 0; i < 5; i++) server_expect(&w, 0x1, "data", 4);
    server_expect(&w, 0x8,
                  "\x03\xe8"
                  "bye",
                  5);
    assert_false(server_has_frame(&w));
    world_fini(&w);
}

static void nothing_follows_a_close_for_an_error(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    world_open_up(&w);
    for (int i = 0; i < 5; i++) assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "data", 4), 0);
    server_frame(&w, 0x83, "", 0); /* an opcode that does not exist */
    server_expect_close(&w, 1002);
    assert_int_equal(wsm_client_queued(w.client), 0);
    world_fini(&w);
}

/* Waiting bytes can always be handed out, however little memory is left. */
static void no_memory_delays_what_waits_but_loses_nothing(void **state) {
    (void)state;
    world w;
    plain_world(&w);
    world_open_up(&w);
    char text[8];
    for (int i = 0; i < 200; i++)
        assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, text, (size_t)snprintf(text, 8, "%d", i)), 0);
    w.mem.fail_at = 1;
    w.mem.fail_forever = 1;
    wsm_vec vec[64];
    assert_int_not_equal(wsm_client_pending(w.client, vec, 64), 0);
    assert_non_null(w.client->held);
    w.told = true;
    world_flush(&w);
    w.mem.fail_at = 0;
    for (int i = 0; i < 200; i++) server_expect(&w, 0x1, text, (size_t)snprintf(text, 8, "%d", i));
    assert_false(server_has_frame(&w));
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_out_masked_in_order),
        cmocka_unit_test(a_partial_write_goes_on_where_it_ended),
        cmocka_unit_test(what_was_handed_out_stays_where_it_is),
        cmocka_unit_test(pongs_overtake_messages_that_wait),
        cmocka_unit_test(a_full_queue_refuses_and_takes_again_when_it_has_drained),
        cmocka_unit_test(a_message_of_16_mib_passes_by_default),
        cmocka_unit_test(what_may_not_be_sent_is_refused),
        cmocka_unit_test(what_was_accepted_goes_out_before_a_clean_close),
        cmocka_unit_test(nothing_follows_a_close_for_an_error),
        cmocka_unit_test(no_memory_delays_what_waits_but_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
