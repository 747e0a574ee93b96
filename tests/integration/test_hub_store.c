/* The hub on a log that reads back: what has left memory looks the same when it comes from the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kept_world.h"

static char *test_copy(const char *text) {
    assert_non_null(text);
    char *copy = malloc(strlen(text) + 1);
    assert_non_null(copy);
    return strcpy(copy, text);
}

static void a_record_from_the_store_is_the_same_to_the_byte(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.history_records_max = 2;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    for (int i = 0; i < 9; i++) peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":{\"n\":%d}}", i);
    world_run(&k.w, 10);
    char *live[9];
    for (int i = 0; i < 9; i++) {
        char part[32];
        snprintf(part, sizeof part, "\"exchange\":{\"n\":%d}", i);
        live[i] = test_copy(peer_last(ada, part));
    }
    /* when bob comes from the beginning, all but the last two are only in the store */
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_OBSERVER, KEPT_EPOCH, 0);
    world_run(&k.w, 10);
    assert_true(k.kept.reads > 0);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(peer_count(bob, live[i]), 1);
        char seq[32];
        snprintf(seq, sizeof seq, "\"seq\":%d,", i + 1);
        assert_non_null(strstr(live[i], seq));
        free(live[i]);
    }
    kept_world_end(&k);
}

/* Ada says five things; the log keeps them all, and loses the third on its way back. */
static peer *lose_the_third(kept_world *k) {
    k->kept.loses = 4; /* the first is ada's card */
    kept_world_begin(k);
    peer *ada = kept_world_join(k, "ada");
    for (int i = 1; i <= 5; i++) peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":%d}", i);
    return ada;
}

static void a_record_that_the_log_left_out_is_read_again_and_comes_in_order(void **state) {
    (void)state;
    kept_world k = {0};
    peer *ada = lose_the_third(&k);
    assert_int_equal(k.kept.reads, 1);
    assert_int_equal(peer_count(ada, "memory_update"), 5);
    assert_int_equal(peer_count(ada, "\"type\":\"gap\""), 0);
    assert_true(strstr(ada->text, "\"exchange\":3}") < strstr(ada->text, "\"exchange\":4}"));
    assert_non_null(strstr(peer_last(ada, "memory_update"), "\"offset\":6,\"seq\":5"));
    kept_world_end(&k);
}

static void what_cannot_be_read_again_is_a_gap(void **state) {
    (void)state;
    kept_world k = {.kept = {.misses = 4}};
    peer *ada = lose_the_third(&k);
    assert_int_equal(k.kept.reads, 1); /* the log has said that it has no more */
    assert_int_equal(peer_count(ada, "memory_update"), 4);
    assert_non_null(
        strstr(peer_last(ada, "\"type\":\"gap\""), "\"from_offset\":4,\"to_offset\":4,\"reason\":\"corrupt\""));
    assert_true(strstr(ada->text, "\"type\":\"gap\"") < strstr(ada->text, "\"exchange\":4}"));
    assert_non_null(strstr(peer_last(ada, "memory_update"), "\"offset\":6,\"seq\":5")); /* the hole keeps its number */
    kept_world_end(&k);
}

static void a_log_that_does_not_answer_holds_the_others_up_for_a_while_only(void **state) {
    (void)state;
    kept_world k = {.kept = {.no_pages = 1}};
    peer *ada = lose_the_third(&k);
    world_run(&k.w, 9000);
    assert_int_equal(peer_count(ada, "memory_update"), 2);
    world_run(&k.w, 2000);
    assert_int_equal(peer_count(ada, "memory_update"), 4);
    assert_int_equal(peer_count(ada, "\"type\":\"gap\""), 1);
    kept_world_end(&k);
}

static int cards_of(const kept_log *kept) {
    static const char card[] = "{\"v\":1,\"type\":\"agent_card\"";
    int count = 0;
    for (size_t i = 0; i < kept->count; i++)
        count += kept->records[i].len >= sizeof card && !memcmp(kept->records[i].bytes, card, sizeof card - 1);
    return count;
}

static void a_hole_is_closed_even_when_any_allocation_fails_once(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        kept_world k = {.kept = {.loses = 4}};
        kept_world_begin(&k);
        peer *ada = kept_world_join(&k, "ada");
        for (int i = 1; i <= 2; i++) peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":%d}", i);
        k.w.mem.fail_at = k.w.mem.calls + n;
        for (int i = 3; i <= 5; i++) peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":%d}", i);
        int failed = test_mem_has_failed(&k.w.mem);
        k.w.mem.fail_at = 0;
        world_run(&k.w, 20000);
        peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 0);
        peer_say(bob, "{\"type\":\"memory_update\",\"exchange\":6}");
        world_run(&k.w, 100);
        assert_int_equal(wsm_hub_position(k.w.hub, NULL), k.kept.count);
        assert_non_null(peer_last(bob, "\"exchange\":6}"));
        assert_int_equal(peer_count(bob, "memory_update") + peer_count(bob, "\"type\":\"gap\""),
                         (int)k.kept.count - cards_of(&k.kept));
        kept_world_end(&k);
        if (!failed) break;
    }
}

#define MANY 3000

static void say_with_id(peer *p, int n) {
    peer_say(p, "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-%012d\",\"exchange\":%d}", n, n);
}

/* The ids of five busy minutes would make a snapshot of many megabytes, written on the hub's own thread. */
static void a_snapshot_stays_small_and_the_ids_come_back_with_the_records(void **state) {
    (void)state;
    kept_world k = {0};
    for (int run = 0; run < 3; run++) {
        kept_world_init(&k);
        k.w.config.snapshot_records = 100;
        k.w.config.inbox_max = 0;
        k.w.wall += 1000;
        k.kept.no_snapshots = run == 2; /* folded from the beginning it is the same */
        kept_world_open(&k);
        assert_true(wsm_hub_is_ready(k.w.hub));
        peer *ada = kept_world_join(&k, "ada");
        for (int n = 1; n <= MANY; n++) say_with_id(ada, n);
        assert_int_equal(k.kept.count, MANY + 1); /* with her card */
        assert_int_equal(wsm_hub_position(k.w.hub, NULL), MANY + 1);
        assert_int_equal(peer_count(ada, "duplicate_ack"), run == 0 ? 0 : MANY);
        if (run > 0) assert_non_null(strstr(peer_last(ada, "duplicate_ack"), "\"offset\":3001,\"durable\":true"));
        assert_in_range(k.kept.snapshot_offset, MANY / 4, MANY / 2);
        assert_in_range(k.kept.snapshot_len, 1, 256 << 10);
        kept_world_close(&k);
    }
    kept_log_free(&k.kept);
}

static void a_chain_of_causes_goes_on_after_a_restart(void **state) {
    (void)state;
    kept_world k = {0};
    for (unsigned run = 0; run < 3; run++) {
        char hop[32];
        kept_world_init(&k);
        k.w.config.snapshot_records = run == 1 ? 0 : 2; /* from a snapshot, from the records, from both */
        kept_world_open(&k);
        peer *ada = kept_world_join(&k, "ada");
        for (unsigned i = run * 3 + 1; i <= run * 3 + 3; i++) {
            peer_say(ada,
                     "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-%012u\","
                     "\"cause\":\"00000000-0000-4000-8000-%012u\",\"exchange\":1}",
                     i, i - 1);
            snprintf(hop, sizeof hop, "\"hop\":%u,", i);
            assert_non_null(strstr(peer_last(ada, "memory_update"), hop));
        }
        kept_world_close(&k);
    }
    kept_log_free(&k.kept);
}

/* A snapshot leans on the records behind its place: it never asks for any that an older one has let go. */
static void the_places_of_snapshots_only_move_forwards(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.snapshot_records = 50;
    k.w.config.dedup_ids_max = 1500;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer *bob = kept_world_join(&k, "bob");
    uint64_t before = 0;
    for (int n = 1; n <= MANY; n++) {
        say_with_id(n % 7 ? ada : bob, n);
        assert_true(k.kept.snapshot_offset >= before);
        before = k.kept.snapshot_offset;
        if (n % 500 == 0) world_run(&k.w, 60000);
    }
    world_run(&k.w, k.w.config.dedup_window_ms + 1000u);
    for (int n = MANY + 1; n <= MANY + 50; n++) say_with_id(ada, n); /* only these are within the window */
    assert_int_equal(k.kept.snapshot_offset, MANY + 50);
    kept_world_end(&k);
}

static void say_many(peer *p, int from, int to) {
    for (int n = from; n <= to; n++) peer_say(p, "{\"type\":\"memory_update\",\"exchange\":%d}", n);
}

static void by_default_the_store_keeps_everything(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.snapshot_records = 20;
    k.w.config.history_records_max = 10;
    kept_world_open(&k);
    say_many(kept_world_join(&k, "ada"), 1, 300);
    world_run(&k.w, 100000);
    assert_int_equal(k.kept.trimmed, 0);
    kept_world_end(&k);
}

static void what_is_over_the_number_goes_and_who_resumes_below_it_is_told(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.snapshot_records = 20;
    k.w.config.history_records_max = 10;
    k.w.config.store_records_max = 50;
    kept_world_open(&k);
    say_many(kept_world_join(&k, "ada"), 1, 305);
    assert_int_equal(k.kept.trimmed, 250); /* as of the last snapshot, at 300 */
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 7);
    world_run(&k.w, 100);
    assert_int_equal(peer_count(bob, "\"resume\":\"gap\""), 1);
    assert_non_null(strstr(peer_last(bob, "\"type\":\"gap\""),
                           "\"to_seq\":249,\"from_offset\":8,\"to_offset\":250,\"reason\":\"trimmed\""));
    assert_int_equal(peer_count(bob, "memory_update"), 56);
    peer *carl = world_join(&k.w, "carl", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 250);
    world_run(&k.w, 100);
    assert_int_equal(peer_count(carl, "\"resume\":\"replayed\""), 1);
    assert_int_equal(peer_count(carl, "memory_update"), 56);
    assert_int_equal(peer_count(carl, "\"type\":\"gap\""), 0);
    kept_world_end(&k);
}

static void what_a_replay_still_reads_stays(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.snapshot_records = 20;
    k.w.config.history_records_max = 10;
    k.w.config.store_records_max = 50;
    k.w.config.stall_timeout_ms = 0;
    k.w.config.queue_messages_agent = 10;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    say_many(ada, 1, 60);
    peer *bob = &k.w.peers[k.w.peers_count];
    bob->stalled = 1;
    world_join(&k.w, "bob", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 15);
    say_many(ada, 61, 300);
    assert_in_range(k.kept.trimmed, 15, 30);
    bob->stalled = 0;
    peer_drain(bob);
    world_run(&k.w, 1000);
    assert_int_equal(peer_count(bob, "\"type\":\"gap\""), 0);
    assert_int_equal(peer_count(bob, "memory_update"), 286); /* 15 was the fourteenth, behind a card */
    say_many(ada, 301, 320);
    assert_int_equal(k.kept.trimmed, 270);
    kept_world_end(&k);
}

static void what_is_too_old_goes_also_after_a_restart(void **state) {
    (void)state;
    kept_world k = {0};
    for (int run = 0; run < 2; run++) {
        kept_world_init(&k);
        k.w.config.snapshot_records = 10;
        k.w.config.store_age_s = 1600;
        kept_world_open(&k);
        peer *ada = kept_world_join(&k, "ada");
        for (int n = 1; n <= 10; n++) { /* a record every hundred seconds */
            say_many(ada, n, n);
            if (run == 1) assert_in_range(k.kept.trimmed, n < 9 ? 0 : n - 8, n < 6 ? 0 : n - 5);
            world_run(&k.w, 100000);
        }
        assert_in_range(k.kept.trimmed, run ? 3 : 0, run ? 5 : 0);
        kept_world_close(&k);
    }
    kept_log_free(&k.kept);
}

static void a_small_queue_makes_a_replay_read_no_record_twice(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.history_records_max = 10;
    k.w.config.queue_bytes_max = 8192;
    k.w.config.replay_bytes_per_min = 200000; /* about a thousand of these records */
    kept_world_open(&k);
    say_many(kept_world_join(&k, "ada"), 1, 1500);
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 0);
    world_run(&k.w, 120000);
    assert_int_equal(peer_count(bob, "replay_end"), 1);
    assert_in_range(k.kept.records_read, 1490, 1600);
    kept_world_end(&k);
}

static void a_read_that_is_refused_does_not_keep_the_others_waiting(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.history_records_max = 10;
    k.w.config.replays_max = 1;
    kept_world_open(&k);
    say_many(kept_world_join(&k, "ada"), 1, 40);
    k.kept.holds_pages = 1;
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 0);
    peer *cy = world_join(&k.w, "cy", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 0);
    peer *dot = world_join(&k.w, "dot", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 0);
    assert_int_equal(k.kept.held_count, 1); /* bob's; the others wait for their turn */
    k.kept.holds_pages = 0;
    k.kept.refuses = 1; /* cy's */
    kept_log_answer(&k.kept, 0);
    world_run(&k.w, 1000);
    assert_int_equal(peer_count(bob, "replay_end"), 1);
    assert_int_equal(peer_count(cy, "replay_end"), 0);
    assert_int_equal(peer_count(dot, "replay_end"), 1);
    assert_int_equal(peer_count(dot, "memory_update"), 40);
    kept_world_end(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_from_the_store_is_the_same_to_the_byte),
        cmocka_unit_test(a_record_that_the_log_left_out_is_read_again_and_comes_in_order),
        cmocka_unit_test(what_cannot_be_read_again_is_a_gap),
        cmocka_unit_test(a_log_that_does_not_answer_holds_the_others_up_for_a_while_only),
        cmocka_unit_test(a_hole_is_closed_even_when_any_allocation_fails_once),
        cmocka_unit_test(a_snapshot_stays_small_and_the_ids_come_back_with_the_records),
        cmocka_unit_test(a_chain_of_causes_goes_on_after_a_restart),
        cmocka_unit_test(the_places_of_snapshots_only_move_forwards),
        cmocka_unit_test(a_read_that_is_refused_does_not_keep_the_others_waiting),
        cmocka_unit_test(a_small_queue_makes_a_replay_read_no_record_twice),
        cmocka_unit_test(by_default_the_store_keeps_everything),
        cmocka_unit_test(what_is_over_the_number_goes_and_who_resumes_below_it_is_told),
        cmocka_unit_test(what_a_replay_still_reads_stays),
        cmocka_unit_test(what_is_too_old_goes_also_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
