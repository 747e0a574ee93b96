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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_from_the_store_is_the_same_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
