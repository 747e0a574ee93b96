/* lib/client/session.c: where a client is in the log, and that it sees nothing twice. */
#include "client_world.h"

#include "wsm/error.h"

#define RECORD(offset) "{\"type\":\"memory_update\",\"offset\":" #offset ",\"exchange\":{\"offset\":1}}"

static void position_is(const world *w, const char *epoch, uint64_t position) {
    char got[17] = "?";
    assert_int_equal(wsm_client_position(w->client, got), position);
    assert_string_equal(got, epoch);
    assert_int_equal(wsm_client_position(w->client, NULL), position);
}

static void greeted(world *w, const char *epoch, uint64_t after, const char *welcome) {
    world_init(w);
    w->config.epoch = epoch;
    w->config.after = after;
    assert_int_equal(world_new(w), 0);
    server_accept(w);
    server_text(w, welcome);
}

static void a_welcome_opens_and_says_where_the_log_is(void **state) {
    (void)state;
    world w;
    world_init(&w);
    assert_int_equal(world_new(&w), 0);
    position_is(&w, "", 0);
    server_accept(&w);
    assert_string_equal(w.log, "");
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "{}", 2), WSM_ERR_STATE);

    server_text(&w, WELCOME);

    assert_string_equal(w.log, "message welcome\nopen\n");
    position_is(&w, EPOCH, 7);
    assert_int_equal(wsm_client_send(w.client, WSM_DATA_TEXT, "{}", 2), 0);
    world_fini(&w);
}

static void what_comes_from_below_the_position_was_meant_to(void **state) {
    (void)state;
    world w;
    greeted(&w, NULL, 0, WELCOME); /* at 7 */
    server_text(&w, RECORD(3));    /* a delivery that waited for a first visit */
    server_text(&w, RECORD(9));
    server_text(&w, "{\"type\":\"replay_start\",\"context_id\":\"sb-1\",\"from\":1,\"to\":8}");
    server_text(&w, RECORD(4));
    server_text(&w, "{\"type\":\"replay_end\",\"context_id\":\"sb-1\",\"offset\":8,\"count\":1}");
    position_is(&w, EPOCH, 7); /* the end of a history is no position */
    server_text(&w, RECORD(9));
    server_text(&w, "{\"type\":\"mention_route\",\"offset\":10}");
    server_text(&w, "{\"type\":\"mention_route\",\"offset\":10}"); /* its lease has ended */
    assert_string_equal(w.log, "message welcome\nopen\nmessage memory_update 3\nmessage memory_update 9\n"
                               "message replay_start\nmessage memory_update 4\nmessage replay_end\n"
                               "message mention_route 10\nmessage mention_route 10\n");
    world_fini(&w);
}

static void a_position_moves_forward_only(void **state) {
    (void)state;
    world w;
    greeted(&w, NULL, 0, WELCOME);
    server_text(&w, "{\"type\":\"position\",\"offset\":9}");
    position_is(&w, EPOCH, 9);
    server_text(&w, "{\"type\":\"position\",\"offset\":8}");
    position_is(&w, EPOCH, 9);
    server_text(&w, "{\"type\":\"replay_end\",\"offset\":12,\"count\":3}");
    position_is(&w, EPOCH, 12);
    server_text(&w, "{\"type\":\"ack\",\"offset\":99,\"original_message_id\":\"m1\"}");
    server_text(&w, "{\"type\":\"gap\",\"from_offset\":1,\"to_offset\":50}");
    server_text(&w, RECORD(60));
    position_is(&w, EPOCH, 12); /* only the hub's word counts */
    assert_string_equal(w.log, "message welcome\nopen\nmessage position\nmessage position\nmessage replay_end\n"
                               "message ack to m1\nmessage gap\nmessage memory_update 60\n");
    world_fini(&w);
}

static void a_client_that_resumes_stays_where_it_was_until_the_hub_moves_it(void **state) {
    (void)state;
    static const char *const words[] = {"replayed", "gap"};
    for (size_t i = 0; i < 2; i++) {
        char welcome[128];
        snprintf(welcome, sizeof welcome,
                 "{\"type\":\"welcome\",\"epoch\":\"" EPOCH "\",\"offset\":70,\"resume\":\"%s\"}", words[i]);
        world w;
        greeted(&w, EPOCH, 42, welcome);
        position_is(&w, EPOCH, 42);
        server_text(&w, RECORD(43));
        position_is(&w, EPOCH, 42);
        server_text(&w, "{\"type\":\"replay_end\",\"offset\":70,\"count\":1}");
        position_is(&w, EPOCH, 70);
        world_fini(&w);
    }
}

static void a_resync_or_another_epoch_starts_at_the_welcome(void **state) {
    (void)state;
    world w;
    greeted(&w, EPOCH, 42, "{\"type\":\"welcome\",\"epoch\":\"" EPOCH "\",\"offset\":9,\"resume\":\"resync\"}");
    position_is(&w, EPOCH, 9);
    server_text(&w, RECORD(10)); /* below the old position, and new all the same */
    assert_string_equal(w.log, "message welcome\nopen\nmessage memory_update 10\n");
    world_fini(&w);

    greeted(&w, EPOCH, 42,
            "{\"type\":\"welcome\",\"epoch\":\"fedcba9876543210\",\"offset\":9,\"resume\":\"replayed\"}");
    position_is(&w, "fedcba9876543210", 9);
    world_fini(&w);
}

static void before_the_welcome_the_configured_point_is_kept(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.config.epoch = EPOCH;
    w.config.after = 42;
    assert_int_equal(world_new(&w), 0);
    position_is(&w, EPOCH, 42); /* a cut now must not lose it */
    world_fini(&w);
}

static void a_record_that_comes_twice_is_seen_once(void **state) {
    (void)state;
    world w;
    greeted(&w, NULL, 0, WELCOME);
    assert_true(wsm_client_has_seen(w.client, 7));
    assert_false(wsm_client_has_seen(w.client, 9));
    server_text(&w, RECORD(9));
    server_text(&w, RECORD(8)); /* overtaken by a faster lane */
    server_text(&w, RECORD(9));
    assert_true(wsm_client_has_seen(w.client, 9));
    assert_false(wsm_client_has_seen(w.client, 10));
    server_text(&w, "{\"type\":\"position\",\"offset\":8}");
    server_text(&w, RECORD(9));
    server_text(&w, RECORD(11));
    server_text(&w, "{\"type\":\"position\",\"offset\":11}");
    assert_string_equal(w.log, "message welcome\nopen\nmessage memory_update 9\nmessage memory_update 8\n"
                               "message position\nmessage memory_update 11\nmessage position\n");
    world_fini(&w);
}

static void a_type_of_a_newer_hub_is_handed_on(void **state) {
    (void)state;
    world w;
    greeted(&w, NULL, 0, WELCOME);
    server_text(&w, "{\"offset\":8,\"type\":\"of_tomorrow\",\"epoch\":5,\"resume\":[],\"x\":null}");
    server_text(&w, "{\"type\":\"of_tomorrow\",\"offset\":8}");
    server_text(&w, " {\"type\":\"error\",\"original_message_id\":null,\"offset\":null} ");
    assert_string_equal(w.log, "message welcome\nopen\nmessage of_tomorrow 8\nmessage error\n");
    world_fini(&w);
}

static void an_error_may_come_before_the_welcome(void **state) {
    (void)state;
    world w;
    greeted(&w, NULL, 0, "{\"type\":\"error\",\"code\":\"unauthorized\"}");
    assert_string_equal(w.log, "message error\n");
    server_text(&w, WELCOME);
    assert_string_equal(w.log, "message error\nmessage welcome\nopen\n");
    world_fini(&w);
}

static void what_no_hub_sends_closes_with_1002(void **state) {
    (void)state;
    static const struct {
        const char *first, *second, *log;
    } cases[] = {
        {"nonsense", NULL, "cut\nclose 1002 bad_json\n"},
        {"[]", NULL, "cut\nclose 1002 bad_json\n"},
        {"{}", NULL, "cut\nclose 1002 bad_message\n"},
        {"{\"type\":5}", NULL, "cut\nclose 1002 bad_message\n"},
        {"{\"type\":\"welcome\"}", NULL, "cut\nclose 1002 bad_message\n"},
        {"{\"type\":\"welcome\",\"epoch\":\"" EPOCH "\"}", NULL, "cut\nclose 1002 bad_message\n"},
        {"{\"type\":\"welcome\",\"epoch\":\"0\",\"offset\":1}", NULL, "cut\nclose 1002 bad_message\n"},
        {"{\"type\":\"welcome\",\"epoch\":\"" EPOCH "\",\"offset\":9007199254740992}", NULL,
         "cut\nclose 1002 bad_message\n"},
        {RECORD(3), NULL, "cut\nclose 1002 bad_message\n"},
        {WELCOME, WELCOME, "message welcome\nopen\ncut\nclose 1002 bad_message\n"},
        {WELCOME, "{\"type\":\"position\",\"offset\":-1}", "message welcome\nopen\ncut\nclose 1002 bad_message\n"},
        {WELCOME, "{\"type\":\"position\",\"offset\":1.5}", "message welcome\nopen\ncut\nclose 1002 bad_message\n"},
        {WELCOME, "{\"type\":\"a\",\"type\":\"b\"}", "message welcome\nopen\ncut\nclose 1002 bad_json\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        greeted(&w, NULL, 0, cases[i].first);
        if (cases[i].second) server_text(&w, cases[i].second);
        server_expect_close(&w, 1002);
        server_text(&w, RECORD(99)); /* nobody listens any more */
        server_close(&w, 1002, "");
        assert_string_equal(w.log, cases[i].log);
        world_fini(&w);
    }
}

static void a_binary_message_is_nothing_the_hub_sends(void **state) {
    (void)state;
    world w;
    greeted(&w, NULL, 0, WELCOME);
    server_frame(&w, 0x82, "x", 1);
    server_expect_close(&w, 1003);
    world_fini(&w);
}

static void open_is_not_told_to_whom_closes_at_the_welcome(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.close_in = CALL_MESSAGE;
    assert_int_equal(world_new(&w), 0);
    server_accept(&w);
    server_text(&w, WELCOME);
    server_expect_close(&w, 4321);
    assert_string_equal(w.log, "message welcome\n");
    world_fini(&w);
}

static void every_cut_gives_the_same_session(void **state) {
    (void)state;
    char first_log[sizeof((world *)0)->log] = "";
    unsigned char *first_out = NULL;
    size_t first_len = 0;
    for (size_t chunk = 0; chunk < 9; chunk++) {
        world w;
        world_init(&w);
        w.chunk = chunk;
        assert_int_equal(world_new(&w), 0);
        server_accept(&w);
        server_text(&w, WELCOME);
        server_text(&w, RECORD(9));
        server_frame(&w, 0x01, "{\"type\":\"mem", 12);
        server_frame(&w, 0x89, "ping", 4);
        server_frame(&w, 0x80, "ory_update\",\"offset\":10}", 24);
        server_text(&w, RECORD(9));
        server_text(&w, "{\"type\":\"position\",\"offset\":10}");
        server_close(&w, 4008, "slow_consumer");
        if (chunk == 0) {
            memcpy(first_log, w.log, w.log_len + 1);
            first_len = w.out_len;
            first_out = malloc(first_len);
            assert_non_null(first_out);
            memcpy(first_out, w.out, first_len);
            assert_non_null(strstr(w.log, "memory_update 10\nmessage position\ncut\nclose 4008 slow_consumer\n"));
        }
        assert_string_equal(w.log, first_log);
        assert_int_equal(w.out_len, first_len);
        assert_memory_equal(w.out, first_out, first_len);
        world_fini(&w);
    }
    free(first_out);
}

static void asking_no_client_is_answered(void **state) {
    (void)state;
    char epoch[17] = "?";
    assert_int_equal(wsm_client_position(NULL, epoch), 0);
    assert_string_equal(epoch, "");
    assert_false(wsm_client_has_seen(NULL, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_welcome_opens_and_says_where_the_log_is),
        cmocka_unit_test(what_comes_from_below_the_position_was_meant_to),
        cmocka_unit_test(a_position_moves_forward_only),
        cmocka_unit_test(a_client_that_resumes_stays_where_it_was_until_the_hub_moves_it),
        cmocka_unit_test(a_resync_or_another_epoch_starts_at_the_welcome),
        cmocka_unit_test(before_the_welcome_the_configured_point_is_kept),
        cmocka_unit_test(a_record_that_comes_twice_is_seen_once),
        cmocka_unit_test(a_type_of_a_newer_hub_is_handed_on),
        cmocka_unit_test(an_error_may_come_before_the_welcome),
        cmocka_unit_test(what_no_hub_sends_closes_with_1002),
        cmocka_unit_test(a_binary_message_is_nothing_the_hub_sends),
        cmocka_unit_test(open_is_not_told_to_whom_closes_at_the_welcome),
        cmocka_unit_test(every_cut_gives_the_same_session),
        cmocka_unit_test(asking_no_client_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
