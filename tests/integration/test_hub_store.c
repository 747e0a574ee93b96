/* The hub on a log that reads back: what has left memory looks the same when it comes from the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hub_world.h"
#include "kept_log.h"

#define EPOCH "00000000000000aa"

static char *test_copy(const char *text) {
    assert_non_null(text);
    char *copy = malloc(strlen(text) + 1);
    assert_non_null(copy);
    return strcpy(copy, text);
}

static void a_record_from_the_store_is_the_same_to_the_byte(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    world_init(&world);
    world.config.history_records_max = 2;
    assert_int_equal(world_start(&world, &log), 0);
    peer *ada = world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    for (int i = 0; i < 9; i++) peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":{\"n\":%d}}", i);
    world_run(&world, 10);
    char *live[9];
    for (int i = 0; i < 9; i++) {
        char part[32];
        snprintf(part, sizeof part, "\"exchange\":{\"n\":%d}", i);
        live[i] = test_copy(peer_last(ada, part));
    }
    /* when bob comes from the beginning, all but the last two are only in the store */
    peer *bob = world_join(&world, "bob", WSM_PERMISSION_OBSERVER, EPOCH, 0);
    world_run(&world, 10);
    assert_true(kept.reads > 0);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(peer_count(bob, live[i]), 1);
        char seq[32];
        snprintf(seq, sizeof seq, "\"seq\":%d,", i + 1);
        assert_non_null(strstr(live[i], seq));
        free(live[i]);
    }
    world_end(&world);
    assert_int_equal(world.mem.live, 0);
    kept_log_free(&kept);
}

/* Ada says five things; the log keeps them all, and loses the third on its way back. */
static peer *lose_the_third(hub_world *world, kept_log *kept) {
    wsm_log log = kept_log_of(kept);
    world_init(world);
    kept->loses = 4; /* the first is ada's card */
    assert_int_equal(world_start(world, &log), 0);
    peer *ada = world_join(world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    for (int i = 1; i <= 5; i++) peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":%d}", i);
    return ada;
}

static void a_record_that_the_log_left_out_is_read_again_and_comes_in_order(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {0};
    peer *ada = lose_the_third(&world, &kept);
    assert_int_equal(kept.reads, 1);
    assert_int_equal(peer_count(ada, "memory_update"), 5);
    assert_int_equal(peer_count(ada, "\"type\":\"gap\""), 0);
    assert_true(strstr(ada->text, "\"exchange\":3}") < strstr(ada->text, "\"exchange\":4}"));
    assert_non_null(strstr(peer_last(ada, "memory_update"), "\"offset\":6,\"seq\":5"));
    world_end(&world);
    assert_int_equal(world.mem.live, 0);
    kept_log_free(&kept);
}

static void what_cannot_be_read_again_is_a_gap(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {.misses = 4};
    peer *ada = lose_the_third(&world, &kept);
    assert_int_equal(kept.reads, 1); /* the log has said that it has no more */
    assert_int_equal(peer_count(ada, "memory_update"), 4);
    assert_non_null(
        strstr(peer_last(ada, "\"type\":\"gap\""), "\"from_offset\":4,\"to_offset\":4,\"reason\":\"corrupt\""));
    assert_true(strstr(ada->text, "\"type\":\"gap\"") < strstr(ada->text, "\"exchange\":4}"));
    assert_non_null(strstr(peer_last(ada, "memory_update"), "\"offset\":6,\"seq\":5")); /* the hole keeps its number */
    world_end(&world);
    assert_int_equal(world.mem.live, 0);
    kept_log_free(&kept);
}

static void a_log_that_does_not_answer_holds_the_others_up_for_a_while_only(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {.no_pages = 1};
    peer *ada = lose_the_third(&world, &kept);
    world_run(&world, 9000);
    assert_int_equal(peer_count(ada, "memory_update"), 2);
    world_run(&world, 2000);
    assert_int_equal(peer_count(ada, "memory_update"), 4);
    assert_int_equal(peer_count(ada, "\"type\":\"gap\""), 1);
    world_end(&world);
    assert_int_equal(world.mem.live, 0);
    kept_log_free(&kept);
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
        hub_world world;
        kept_log kept = {.loses = 4};
        wsm_log log = kept_log_of(&kept);
        world_init(&world);
        assert_int_equal(world_start(&world, &log), 0);
        peer *ada = world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
        for (int i = 1; i <= 2; i++) peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":%d}", i);
        world.mem.fail_at = world.mem.calls + n;
        for (int i = 3; i <= 5; i++) peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":%d}", i);
        int failed = test_mem_has_failed(&world.mem);
        world.mem.fail_at = 0;
        world_run(&world, 20000);
        peer *bob = world_join(&world, "bob", WSM_PERMISSION_ACTIVE, EPOCH, 0);
        peer_say(bob, "{\"type\":\"memory_update\",\"exchange\":6}");
        world_run(&world, 100);
        assert_int_equal(wsm_hub_position(world.hub, NULL), kept.count);
        assert_non_null(peer_last(bob, "\"exchange\":6}"));
        assert_int_equal(peer_count(bob, "memory_update") + peer_count(bob, "\"type\":\"gap\""),
                         (int)kept.count - cards_of(&kept));
        world_end(&world);
        assert_int_equal(world.mem.live, 0);
        kept_log_free(&kept);
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
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    for (int run = 0; run < 3; run++) {
        hub_world world;
        world_init(&world);
        world.config.snapshot_records = 100;
        world.config.inbox_max = 0;
        world.wall += run * 1000;
        kept.no_snapshots = run == 2; /* folded from the beginning it is the same */
        assert_int_equal(world_start(&world, &log), 0);
        assert_true(wsm_hub_is_ready(world.hub));
        peer *ada = world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
        for (int n = 1; n <= MANY; n++) say_with_id(ada, n);
        assert_int_equal(kept.count, MANY + 1); /* with her card */
        assert_int_equal(wsm_hub_position(world.hub, NULL), MANY + 1);
        assert_int_equal(peer_count(ada, "duplicate_ack"), run == 0 ? 0 : MANY);
        if (run > 0) assert_non_null(strstr(peer_last(ada, "duplicate_ack"), "\"offset\":3001,\"durable\":true"));
        assert_in_range(kept.snapshot_offset, MANY / 4, MANY / 2);
        assert_in_range(kept.snapshot_len, 1, 256 << 10);
        world_end(&world);
        assert_int_equal(world.mem.live, 0);
    }
    kept_log_free(&kept);
}

static void a_chain_of_causes_goes_on_after_a_restart(void **state) {
    (void)state;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    for (unsigned run = 0; run < 3; run++) {
        hub_world world;
        char hop[32];
        world_init(&world);
        world.config.snapshot_records = run == 1 ? 0 : 2; /* from a snapshot, from the records, from both */
        assert_int_equal(world_start(&world, &log), 0);
        peer *ada = world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
        for (unsigned i = run * 3 + 1; i <= run * 3 + 3; i++) {
            peer_say(ada,
                     "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-%012u\","
                     "\"cause\":\"00000000-0000-4000-8000-%012u\",\"exchange\":1}",
                     i, i - 1);
            snprintf(hop, sizeof hop, "\"hop\":%u,", i);
            assert_non_null(strstr(peer_last(ada, "memory_update"), hop));
        }
        world_end(&world);
        assert_int_equal(world.mem.live, 0);
    }
    kept_log_free(&kept);
}

/* A snapshot leans on the records behind its place: it never asks for any that an older one has let go. */
static void the_places_of_snapshots_only_move_forwards(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    world_init(&world);
    world.config.snapshot_records = 50;
    world.config.dedup_ids_max = 1500;
    assert_int_equal(world_start(&world, &log), 0);
    peer *ada = world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    peer *bob = world_join(&world, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    uint64_t before = 0;
    for (int n = 1; n <= MANY; n++) {
        say_with_id(n % 7 ? ada : bob, n);
        assert_true(kept.snapshot_offset >= before);
        before = kept.snapshot_offset;
        if (n % 500 == 0) world_run(&world, 60000);
    }
    world_run(&world, world.config.dedup_window_ms + 1000u);
    for (int n = MANY + 1; n <= MANY + 50; n++) say_with_id(ada, n); /* only these are within the window */
    assert_int_equal(kept.snapshot_offset, MANY + 50);
    world_end(&world);
    assert_int_equal(world.mem.live, 0);
    kept_log_free(&kept);
}

static void say_many(peer *p, int from, int to) {
    for (int n = from; n <= to; n++) peer_say(p, "{\"type\":\"memory_update\",\"exchange\":%d}", n);
}

static void by_default_the_store_keeps_everything(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    world_init(&world);
    world.config.snapshot_records = 20;
    world.config.history_records_max = 10;
    assert_int_equal(world_start(&world, &log), 0);
    say_many(world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0), 1, 300);
    world_run(&world, 100000);
    assert_int_equal(kept.trimmed, 0);
    world_end(&world);
    kept_log_free(&kept);
}

static void what_is_over_the_number_goes_and_who_resumes_below_it_is_told(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    world_init(&world);
    world.config.snapshot_records = 20;
    world.config.history_records_max = 10;
    world.config.store_records_max = 50;
    assert_int_equal(world_start(&world, &log), 0);
    say_many(world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0), 1, 305);
    assert_int_equal(kept.trimmed, 250); /* as of the last snapshot, at 300 */
    peer *bob = world_join(&world, "bob", WSM_PERMISSION_ACTIVE, EPOCH, 7);
    world_run(&world, 100);
    assert_int_equal(peer_count(bob, "\"resume\":\"gap\""), 1);
    assert_non_null(strstr(peer_last(bob, "\"type\":\"gap\""),
                           "\"to_seq\":249,\"from_offset\":8,\"to_offset\":250,\"reason\":\"trimmed\""));
    assert_int_equal(peer_count(bob, "memory_update"), 56);
    peer *carl = world_join(&world, "carl", WSM_PERMISSION_ACTIVE, EPOCH, 250);
    world_run(&world, 100);
    assert_int_equal(peer_count(carl, "\"resume\":\"replayed\""), 1);
    assert_int_equal(peer_count(carl, "memory_update"), 56);
    assert_int_equal(peer_count(carl, "\"type\":\"gap\""), 0);
    world_end(&world);
    assert_int_equal(world.mem.live, 0);
    kept_log_free(&kept);
}

static void what_a_replay_still_reads_stays(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    world_init(&world);
    world.config.snapshot_records = 20;
    world.config.history_records_max = 10;
    world.config.store_records_max = 50;
    world.config.stall_timeout_ms = 0;
    world.config.queue_messages_agent = 10;
    assert_int_equal(world_start(&world, &log), 0);
    peer *ada = world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    say_many(ada, 1, 60);
    peer *bob = &world.peers[world.peers_count];
    bob->stalled = 1;
    world_join(&world, "bob", WSM_PERMISSION_ACTIVE, EPOCH, 15);
    say_many(ada, 61, 300);
    assert_in_range(kept.trimmed, 15, 30);
    bob->stalled = 0;
    peer_drain(bob);
    world_run(&world, 1000);
    assert_int_equal(peer_count(bob, "\"type\":\"gap\""), 0);
    assert_int_equal(peer_count(bob, "memory_update"), 286); /* 15 was the fourteenth, behind a card */
    say_many(ada, 301, 320);
    assert_int_equal(kept.trimmed, 270);
    world_end(&world);
    kept_log_free(&kept);
}

static void what_is_too_old_goes_also_after_a_restart(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    for (int run = 0; run < 2; run++) {
        world_init(&world);
        world.config.snapshot_records = 10;
        world.config.store_age_s = 1600;
        world.wall += run * 1000000;
        assert_int_equal(world_start(&world, &log), 0);
        peer *ada = world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
        for (int n = 1; n <= 10; n++) { /* a record every hundred seconds */
            say_many(ada, n, n);
            if (run == 1) assert_in_range(kept.trimmed, n < 9 ? 0 : n - 8, n < 6 ? 0 : n - 5);
            world_run(&world, 100000);
        }
        assert_in_range(kept.trimmed, run ? 3 : 0, run ? 5 : 0);
        world_end(&world);
        assert_int_equal(world.mem.live, 0);
    }
    kept_log_free(&kept);
}

static void a_small_queue_makes_a_replay_read_no_record_twice(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    world_init(&world);
    world.config.history_records_max = 10;
    world.config.queue_bytes_max = 8192;
    world.config.replay_bytes_per_min = 200000; /* about a thousand of these records */
    assert_int_equal(world_start(&world, &log), 0);
    say_many(world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0), 1, 1500);
    peer *bob = world_join(&world, "bob", WSM_PERMISSION_ACTIVE, EPOCH, 0);
    world_run(&world, 120000);
    assert_int_equal(peer_count(bob, "replay_end"), 1);
    assert_in_range(kept.records_read, 1490, 1600);
    world_end(&world);
    assert_int_equal(world.mem.live, 0);
    kept_log_free(&kept);
}

static void a_read_that_is_refused_does_not_keep_the_others_waiting(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    world_init(&world);
    world.config.history_records_max = 10;
    world.config.replays_max = 1;
    assert_int_equal(world_start(&world, &log), 0);
    say_many(world_join(&world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0), 1, 40);
    kept.holds_pages = 1;
    peer *bob = world_join(&world, "bob", WSM_PERMISSION_ACTIVE, EPOCH, 0);
    peer *cy = world_join(&world, "cy", WSM_PERMISSION_ACTIVE, EPOCH, 0);
    peer *dot = world_join(&world, "dot", WSM_PERMISSION_ACTIVE, EPOCH, 0);
    assert_int_equal(kept.held_count, 1); /* bob's; the others wait for their turn */
    kept.holds_pages = 0;
    kept.refuses = 1; /* cy's */
    kept_log_answer(&kept, 0);
    world_run(&world, 1000);
    assert_int_equal(peer_count(bob, "replay_end"), 1);
    assert_int_equal(peer_count(cy, "replay_end"), 0);
    assert_int_equal(peer_count(dot, "replay_end"), 1);
    assert_int_equal(peer_count(dot, "memory_update"), 40);
    world_end(&world);
    assert_int_equal(world.mem.live, 0);
    kept_log_free(&kept);
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
