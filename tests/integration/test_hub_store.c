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
    kept->loses = 3;
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
    assert_non_null(strstr(peer_last(ada, "memory_update"), "\"offset\":5,\"seq\":5"));
    world_end(&world);
    assert_int_equal(world.mem.live, 0);
    kept_log_free(&kept);
}

static void what_cannot_be_read_again_is_a_gap(void **state) {
    (void)state;
    hub_world world;
    kept_log kept = {.misses = 3};
    peer *ada = lose_the_third(&world, &kept);
    assert_int_equal(kept.reads, 1); /* the log has said that it has no more */
    assert_int_equal(peer_count(ada, "memory_update"), 4);
    assert_non_null(
        strstr(peer_last(ada, "\"type\":\"gap\""), "\"from_offset\":3,\"to_offset\":3,\"reason\":\"corrupt\""));
    assert_true(strstr(ada->text, "\"type\":\"gap\"") < strstr(ada->text, "\"exchange\":4}"));
    assert_non_null(strstr(peer_last(ada, "memory_update"), "\"offset\":5,\"seq\":5")); /* the hole keeps its number */
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

static void a_hole_is_closed_even_when_any_allocation_fails_once(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        hub_world world;
        kept_log kept = {.loses = 3};
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
        assert_true(peer_count(bob, "memory_update") + peer_count(bob, "\"type\":\"gap\"") == (int)kept.count);
        world_end(&world);
        assert_int_equal(world.mem.live, 0);
        kept_log_free(&kept);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_from_the_store_is_the_same_to_the_byte),
        cmocka_unit_test(a_record_that_the_log_left_out_is_read_again_and_comes_in_order),
        cmocka_unit_test(what_cannot_be_read_again_is_a_gap),
        cmocka_unit_test(a_log_that_does_not_answer_holds_the_others_up_for_a_while_only),
        cmocka_unit_test(a_hole_is_closed_even_when_any_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
