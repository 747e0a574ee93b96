/* Mentions that are under way at once: what is said of them is the verdict of the moment when each is applied. And
 * mentions that share an id, because each sender chooses his own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kept_log.h"
#include "side_talk.h"
#include "slow_log.h"

typedef struct room {
    hub_world w;
    slow_log slow;
    wsm_log log;
    peer *ada, *cy;
    char result[128]; /* of the host's last command */
} room;

static void keep_result(void *user, const wsm_result *result) {
    room *r = user; /* the world is its first member */
    r->w.results[r->w.results_count++] = *result;
    snprintf(r->result, sizeof r->result, "%.*s", (int)result->json.len, result->json.ptr);
}

/* Ada and cy are here, bob and dan have been. A mailbox has room for one. */
static void open_room_that_remembers(room *r, uint32_t window_ms) {
    memset(r, 0, sizeof *r);
    r->log = slow_log_of(&r->slow);
    world_init(&r->w);
    if (window_ms) r->w.config.dedup_window_ms = window_ms;
    r->w.config.mailbox_messages_max = 1;
    r->w.host.on_result = keep_result;
    assert_int_equal(world_start(&r->w, &r->log), 0);
    peer_leave(world_join(&r->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0));
    peer_leave(world_join(&r->w, "dan", WSM_PERMISSION_ACTIVE, NULL, 0));
    r->ada = world_join(&r->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->cy = world_join(&r->w, "cy", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r->w, 5);
}

static void open_room(room *r) {
    open_room_that_remembers(r, 0);
}

static void close_room(room *r) {
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
}

#define CALL(id, whom)                                                                                                 \
    "{\"type\":\"mention_route\",\"message_id\":\"" id "\",\"target_agents\":[" whom "],\"message\":\"m\"}"
#define ID_1 "00000000-0000-4000-8000-000000000001"
#define ID_2 "00000000-0000-4000-8000-000000000002"
#define ID_3 "00000000-0000-4000-8000-000000000003"

static void keep(room *r, int idx) {
    slow_log_deliver(&r->slow, idx);
    assert_int_equal(wsm_log_done(r->slow.hub, r->slow.ids[idx], WSM_LOG_SYNCED), 0);
    world_run(&r->w, 5);
}

static void of_two_for_one_place_the_second_is_told_so(void **state) {
    (void)state;
    room r;
    open_room(&r);
    peer_say(r.ada, CALL(ID_1, "\"bob\""));
    peer_say(r.cy, CALL(ID_2, "\"bob\""));
    keep(&r, 0);
    keep(&r, 1);
    assert_non_null(strstr(peer_last(r.ada, "\"original_message_id\":\"" ID_1), "\"bob\":\"queued\""));
    const char *told = peer_last(r.cy, "\"original_message_id\":\"" ID_2);
    assert_string_equal(answer_of(told), "ack");
    assert_string_equal(line_get(told, "result.targets.bob"), "mailbox_full");
    peer *bob = world_join(&r.w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r.w, 50);
    assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 1);
    assert_int_equal(peer_count(bob, ID_1), 1);
    close_room(&r);
}

static void who_is_passed_over_is_told_beside_those_who_are_called(void **state) {
    (void)state;
    room r;
    open_room(&r);
    peer_say(r.ada, CALL(ID_1, "\"bob\""));
    peer_say(r.cy, CALL(ID_2, "\"nobody\",\"BOB\",\"dan\""));
    peer_say(r.cy, CALL(ID_2, "\"nobody\",\"BOB\",\"dan\"")); /* a repeat, while it is under way */
    keep(&r, 0);
    keep(&r, 1);
    static const char told[] =
        "{\"targets\":{\"nobody\":\"unknown_agent\",\"BOB\":\"mailbox_full\",\"dan\":\"queued\"}}";
    assert_non_null(strstr(peer_last(r.cy, "\"type\":\"ack\""), told));
    assert_non_null(strstr(peer_last(r.cy, "duplicate_ack"), told));
    peer_forget(r.cy);
    peer_say(r.cy, CALL(ID_2, "\"nobody\",\"BOB\",\"dan\"")); /* and long after */
    assert_non_null(strstr(peer_last(r.cy, "duplicate_ack"), told));
    close_room(&r);
}

static void an_update_that_wakes_nobody_any_more_is_stored_and_says_so(void **state) {
    (void)state;
    room r;
    open_room(&r);
    peer_say(r.ada, CALL(ID_1, "\"bob\""));
    peer_say(r.cy, "{\"type\":\"memory_update\",\"message_id\":\"" ID_2 "\",\"exchange\":\"@bob, look\"}");
    keep(&r, 0);
    slow_log_deliver(&r.slow, 1); /* it is applied before it is known to be kept */
    world_run(&r.w, 5);
    assert_int_equal(wsm_log_done(r.slow.hub, r.slow.ids[1], WSM_LOG_SYNCED), 0);
    world_run(&r.w, 5);
    assert_non_null(
        strstr(peer_last(r.cy, "\"type\":\"ack\""), "\"result\":{\"mentions\":{\"bob\":\"mailbox_full\"}}"));
    assert_int_equal(peer_count(r.ada, "@bob, look"), 1);
    close_room(&r);
}

/* A sidebar begins with those who do not hear of it, too; who began it is told. */
static void who_begins_a_sidebar_is_told_whom_that_does_not_reach(void **state) {
    (void)state;
    room r;
    open_room(&r);
    peer_say(r.ada, CALL(ID_1, "\"bob\""));
    keep(&r, 0);
    static const char spawn[] =
        "{\"type\":\"sidebar_spawn\",\"message_id\":\"" ID_2 "\",\"participants\":[\"bob\",\"dan\","
        "\"ada\"],\"task\":\"t\",\"client_ref\":\"mine\"}";
    peer_say(r.cy, spawn);
    keep(&r, 1);
    const char *told = peer_last(r.cy, "\"type\":\"ack\"");
    assert_string_equal(line_get(told, "result.targets"), "{\"bob\":\"mailbox_full\"}");
    assert_string_equal(line_get(told, "result.client_ref"), "mine");
    peer_say(r.cy, spawn);
    told = peer_last(r.cy, "duplicate_ack");
    assert_string_equal(line_get(told, "result.targets"), "{\"bob\":\"mailbox_full\"}");
    peer *bob = world_join(&r.w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    peer *dan = world_join(&r.w, "dan", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r.w, 50);
    assert_int_equal(peer_count(bob, "\"type\":\"sidebar_spawn\""), 0);
    assert_int_equal(peer_count(dan, "\"type\":\"sidebar_spawn\""), 1);
    close_room(&r);
}

static void where_all_are_reached_nothing_is_said_of_it(void **state) {
    (void)state;
    room r;
    open_room(&r);
    peer_say(r.cy, "{\"type\":\"sidebar_spawn\",\"message_id\":\"" ID_2
                   "\",\"participants\":[\"bob\",\"dan\"],\"task\":\"t\"}");
    keep(&r, 0);
    assert_string_equal(line_get(peer_last(r.cy, "\"type\":\"ack\""), "result.targets"), "");
    close_room(&r);
}

static void the_host_is_told_too(void **state) {
    (void)state;
    room r;
    static const char call[] = "{\"type\":\"mention_route\",\"target_agents\":[\"bob\"],\"message\":\"m\"}";
    open_room(&r);
    peer_say(r.ada, CALL(ID_1, "\"bob\""));
    assert_int_equal(wsm_submit(r.w.hub, NULL, call, sizeof call - 1, 7), 0);
    world_run(&r.w, 5);
    keep(&r, 0);
    keep(&r, 1);
    assert_int_equal(r.w.results_count, 1);
    assert_int_equal(r.w.results[0].err, 0);
    assert_string_equal(r.result, "{\"targets\":{\"bob\":\"mailbox_full\"}}");
    close_room(&r);
}

/* A failed append was kept after all, and its repeat takes longer than ids are remembered. */
static void a_repeat_of_what_was_kept_after_all_has_the_first_result_however_long_it_takes(void **state) {
    (void)state;
    for (int comes_late = 0; comes_late < 2; comes_late++) {
        room r;
        open_room_that_remembers(&r, 1000);
        peer_say(r.ada, CALL(ID_1, "\"bob\",\"nobody\""));
        assert_int_equal(wsm_log_done(r.slow.hub, r.slow.ids[0], WSM_ERR_STORE_FAILED), 0);
        world_run(&r.w, 5);
        peer_say(r.ada, CALL(ID_1, "\"bob\",\"nobody\""));
        slow_log_deliver(&r.slow, 0);
        if (!comes_late) slow_log_deliver(&r.slow, 1);
        world_run(&r.w, 3000);
        if (comes_late) slow_log_deliver(&r.slow, 1);
        assert_int_equal(wsm_log_done(r.slow.hub, r.slow.ids[1], WSM_LOG_SYNCED), 0);
        world_run(&r.w, 5);
        const char *told = peer_last(r.ada, "duplicate_ack");
        assert_non_null(told);
        assert_string_equal(line_get(told, "result.targets.bob"), "queued");
        assert_string_equal(line_get(told, "result.targets.nobody"), "unknown_agent");
        close_room(&r);
    }
}

static void any_allocation_may_fail_and_the_answer_stays_true(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        room r;
        open_room(&r);
        peer_say(r.ada, CALL(ID_1, "\"bob\""));
        peer_say(r.cy, CALL(ID_2, "\"bob\",\"dan\""));
        keep(&r, 0);
        r.w.mem.fail_at = r.w.mem.calls + n;
        while (wsm_log_deliver(r.slow.hub, &(wsm_record){r.slow.last + 1, r.slow.bytes[1], r.slow.lens[1]}, 1)) {
        }
        world_run(&r.w, 5);
        int failed = test_mem_has_failed(&r.w.mem);
        r.w.mem.fail_at = 0;
        world_run(&r.w, 500);
        while (wsm_log_done(r.slow.hub, r.slow.ids[1], WSM_LOG_SYNCED) == WSM_ERR_NOMEM) {
        }
        world_run(&r.w, 500);
        const char *ack = peer_last(r.cy, "\"type\":\"ack\"");
        if (ack) assert_non_null(strstr(ack, "{\"bob\":\"mailbox_full\",\"dan\":\"queued\"}"));
        if (!ack) assert_true(failed && (r.cy->gone || r.cy->code)); /* a queue without memory was cut */
        close_room(&r);
        if (!failed) break;
    }
}

static void any_allocation_may_fail_and_a_repeat_keeps_the_first_result(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        room r;
        open_room_that_remembers(&r, 1000);
        peer_say(r.ada, CALL(ID_1, "\"bob\""));
        assert_int_equal(wsm_log_done(r.slow.hub, r.slow.ids[0], WSM_ERR_STORE_FAILED), 0);
        world_run(&r.w, 5);
        peer_say(r.ada, CALL(ID_1, "\"bob\""));
        slow_log_deliver(&r.slow, 0);
        world_run(&r.w, 5);
        r.w.mem.fail_at = r.w.mem.calls + n;
        while (wsm_log_deliver(r.slow.hub, &(wsm_record){r.slow.last + 1, r.slow.bytes[1], r.slow.lens[1]}, 1)) {
        }
        world_run(&r.w, 5);
        int failed = test_mem_has_failed(&r.w.mem);
        r.w.mem.fail_at = 0;
        world_run(&r.w, 3000);
        while (wsm_log_done(r.slow.hub, r.slow.ids[1], WSM_LOG_SYNCED) == WSM_ERR_NOMEM) {
        }
        world_run(&r.w, 5);
        const char *told = peer_last(r.ada, "duplicate_ack");
        assert_non_null(told);
        assert_string_equal(line_get(told, "result.targets.bob"), "queued");
        close_room(&r);
        if (!failed) break;
    }
}

/* Her card is not in the log yet: her first words wait for it. */
static void who_calls_before_the_log_knows_him_hears_of_it_all_the_same(void **state) {
    (void)state;
    room r;
    open_room(&r);
    r.slow.holds_cards = 1;
    peer *eve = world_join(&r.w, "eve", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r.w, 5);
    assert_int_equal(r.slow.count, 1);
    peer_say(eve, "{\"type\":\"memory_update\",\"message_id\":\"" ID_1 "\",\"exchange\":\"@cy and @zoe\"}");
    world_run(&r.w, 5);
    assert_int_equal(r.slow.count, 1); /* it must not come into the log before the card does */
    keep(&r, 0);
    assert_int_equal(r.slow.count, 2);
    keep(&r, 1);
    assert_string_equal(line_get(peer_last(eve, "\"type\":\"ack\""), "result.mentions.cy"), "connected");
    assert_string_equal(line_get(peer_last(eve, "\"type\":\"ack\""), "result.mentions.zoe"), "unknown_agent");
    assert_string_equal(line_get(peer_last(eve, "mention_status"), "state"), "delivered");
    close_room(&r);
}

/* ---- one id --------------------------------------------------------------------------------------------------------
 */

typedef struct post {
    hub_world w;
    kept_log kept;
    wsm_log log;
    peer *ada, *cy, *bob;
} post;

static void start(post *p, uint32_t dedup_ids_max) {
    p->log = kept_log_of(&p->kept);
    world_init(&p->w);
    p->w.config.dedup_ids_max = dedup_ids_max;
    assert_int_equal(world_start(&p->w, &p->log), 0);
    p->ada = world_join(&p->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    p->cy = world_join(&p->w, "cy", WSM_PERMISSION_ACTIVE, NULL, 0);
    p->bob = world_join(&p->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&p->w, 5);
}

static void open_post(post *p) {
    memset(p, 0, sizeof *p);
    start(p, 4096);
}

static void close_post(post *p) {
    world_end(&p->w);
    assert_int_equal(p->w.mem.live, 0);
    kept_log_free(&p->kept);
}

#define SAYS(text)                                                                                                     \
    "{\"type\":\"mention_route\",\"message_id\":\"" ID_1 "\",\"target_agents\":[\"bob\"],\"message\":\"" text "\"}"

static const char *reply(post *p, const char *more) {
    return peer_ask(p->bob, "mention_ack", "\"mention_id\":\"" ID_1 "\",\"state\":\"replied\"%s", more);
}

static void each_sender_has_his_own_ids(void **state) {
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        post p;
        open_post(&p);
        peer_say(p.ada, SAYS("of ada"));
        peer_say(p.cy, SAYS("of cy"));
        assert_int_equal(peer_count(p.bob, "of ada") + peer_count(p.bob, "of cy"), 2);
        if (restarts) { /* from a snapshot */
            wsm_hub_shutdown(p.w.hub, NULL);
            world_run(&p.w, 20000);
            assert_true(p.kept.snapshot_offset > 0);
            world_end(&p.w);
            start(&p, 4096);
            assert_int_equal(peer_count(p.bob, "of ada") + peer_count(p.bob, "of cy"), 2);
        }
        assert_string_equal(answer_of(reply(&p, ",\"mention_sender\":\"bob\"")), "not_found");
        assert_string_equal(answer_of(reply(&p, ",\"mention_sender\":\"nobody\"")), "not_found");
        assert_string_equal(answer_of(reply(&p, ",\"mention_sender\":\"cy\"")), "ack");
        assert_int_equal(peer_count(p.cy, "\"state\":\"replied\""), 1);
        assert_int_equal(peer_count(p.ada, "\"state\":\"replied\""), 0);
        assert_string_equal(answer_of(reply(&p, ",\"mention_sender\":\"cy\"")), "not_found");
        assert_string_equal(answer_of(reply(&p, "")), "ack");
        assert_int_equal(peer_count(p.ada, "\"state\":\"replied\""), 1);
        assert_string_equal(answer_of(reply(&p, "")), "not_found");
        close_post(&p);
    }
}

/* Who takes an id that he has seen takes nothing away: an answer that does not say whose is the first one's. */
static void an_answer_that_does_not_say_whose_is_for_the_first(void **state) {
    (void)state;
    post p;
    open_post(&p);
    peer_say(p.ada, SAYS("of ada"));
    peer_say(p.cy, SAYS("of cy"));
    assert_string_equal(answer_of(reply(&p, "")), "ack");
    assert_int_equal(peer_count(p.ada, "\"state\":\"replied\""), 1);
    assert_int_equal(peer_count(p.cy, "\"state\":\"replied\""), 0);
    close_post(&p);
}

/* Long after, when his id is forgotten, a sender may take it again: that is another mention. */
static void an_id_that_is_taken_again_later_is_another_mention(void **state) {
    (void)state;
    post p;
    memset(&p, 0, sizeof p);
    start(&p, 1);
    peer_say(p.ada, SAYS("first"));
    peer_say(p.ada, "{\"type\":\"memory_update\",\"message_id\":\"" ID_3 "\",\"exchange\":\"between\"}");
    peer_say(p.ada, SAYS("second"));
    assert_int_equal(peer_count(p.bob, "\"type\":\"mention_route\""), 2);
    assert_string_equal(answer_of(reply(&p, "")), "ack");
    assert_string_equal(answer_of(reply(&p, "")), "ack");
    assert_string_equal(answer_of(reply(&p, "")), "not_found");
    close_post(&p);
}

/* A lease and an age end for the one that is meant. */
static void time_ends_the_right_one(void **state) {
    (void)state;
    post p;
    open_post(&p);
    peer_say(p.ada, SAYS("of ada"));
    peer_say(p.cy, SAYS("of cy"));
    peer_ask(p.bob, "mention_ack",
             "\"mention_id\":\"" ID_1 "\",\"mention_sender\":\"cy\",\"state\":\"working\",\"lease_seconds\":2");
    peer_ask(p.bob, "mention_ack", "\"mention_id\":\"" ID_1 "\",\"mention_sender\":\"ada\",\"state\":\"seen\"");
    peer_forget(p.bob);
    world_run(&p.w, 5000);
    assert_int_equal(peer_count(p.bob, "of cy"), 1); /* delivered again */
    assert_int_equal(peer_count(p.bob, "of ada"), 0);
    close_post(&p);
}

/* Only so many ids are in a snapshot; those of the records behind them are read from the heads, which tell what was
 * thought when they were written. */
static void a_repeat_after_a_restart_is_told_what_the_first_was(void **state) {
    (void)state;
    static const char *const calls[] = {CALL(ID_1, "\"bob\",\"dan\""), CALL(ID_2, "\"bob\",\"dan\",\"eve\"")};
    post p;
    memset(&p, 0, sizeof p);
    for (int life = 0; life < 2; life++) {
        p.log = kept_log_of(&p.kept);
        world_init(&p.w);
        p.w.config.mailbox_messages_max = 1;
        assert_int_equal(world_start(&p.w, &p.log), 0);
        p.ada = world_join(&p.w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
        if (life == 1) break;
        peer_leave(world_join(&p.w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0));
        peer_leave(world_join(&p.w, "dan", WSM_PERMISSION_ACTIVE, NULL, 0));
        peer_leave(world_join(&p.w, "eve", WSM_PERMISSION_ACTIVE, NULL, 0));
        for (int i = 0; i < 1100; i++) peer_say(p.ada, "{\"type\":\"memory_update\",\"exchange\":%d}", i);
        for (int i = 0; i < 2; i++) assert_int_equal(wsm_submit(p.w.hub, "ada", calls[i], strlen(calls[i]), 1), 0);
        world_run(&p.w, 5); /* both were in one batch */
        wsm_hub_shutdown(p.w.hub, NULL);
        world_run(&p.w, 20000);
        assert_true(p.kept.snapshot_offset > 0);
        world_end(&p.w);
    }
    peer_say(p.ada, "%s", calls[1]);
    const char *again = peer_last(p.ada, "duplicate_ack");
    assert_non_null(again);
    assert_non_null(strstr(again, "{\"bob\":\"mailbox_full\",\"dan\":\"mailbox_full\",\"eve\":\"queued\"}"));
    close_post(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_for_one_place_the_second_is_told_so),
        cmocka_unit_test(who_is_passed_over_is_told_beside_those_who_are_called),
        cmocka_unit_test(an_update_that_wakes_nobody_any_more_is_stored_and_says_so),
        cmocka_unit_test(who_begins_a_sidebar_is_told_whom_that_does_not_reach),
        cmocka_unit_test(where_all_are_reached_nothing_is_said_of_it),
        cmocka_unit_test(the_host_is_told_too),
        cmocka_unit_test(a_repeat_of_what_was_kept_after_all_has_the_first_result_however_long_it_takes),
        cmocka_unit_test(any_allocation_may_fail_and_the_answer_stays_true),
        cmocka_unit_test(any_allocation_may_fail_and_a_repeat_keeps_the_first_result),
        cmocka_unit_test(who_calls_before_the_log_knows_him_hears_of_it_all_the_same),
        cmocka_unit_test(a_repeat_after_a_restart_is_told_what_the_first_was),
        cmocka_unit_test(each_sender_has_his_own_ids),
        cmocka_unit_test(an_answer_that_does_not_say_whose_is_for_the_first),
        cmocka_unit_test(an_id_that_is_taken_again_later_is_another_mention),
        cmocka_unit_test(time_ends_the_right_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
