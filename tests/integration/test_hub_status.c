/* system_status: who may and asks is told how the hub is doing, at once and then every few seconds; nobody else is, and
 * of what not everybody knows nothing is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "side_talk.h"

#define STATUS "\"type\":\"system_status\""
#define QUEUE  8 /* messages */

typedef struct fixture {
    hub_world w;
    peer *ada, *bob, *ops;
} fixture;

static peer *join_to_watch(hub_world *world, const char *name, const char *contexts) {
    wsm_slice patterns[1] = {{contexts, contexts ? strlen(contexts) : 0}};
    wsm_claims claims;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){name, strlen(name)};
    claims.exp = (int64_t)(world->wall / 1000) + 3600;
    claims.permission = WSM_PERMISSION_OBSERVER;
    claims.can = WSM_CAN_STATUS;
    if (contexts) claims.contexts = patterns, claims.contexts_count = 1, claims.contexts_present = true;
    return world_join_as(world, &claims, NULL, 0);
}

static void begin(fixture *f) {
    memset(f, 0, sizeof *f);
    world_init(&f->w);
    f->w.config.mention_pair_per_min = f->w.config.mentions_per_min_to_agent = 1000;
    f->w.config.queue_messages_agent = QUEUE;
    assert_int_equal(world_start(&f->w, NULL), 0);
    f->ada = world_join(&f->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    f->bob = world_join(&f->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    f->ops = join_to_watch(&f->w, "ops", NULL);
    world_run(&f->w, 1000);
    peer_forget(f->ops);
}

static void end(fixture *f) {
    world_end(&f->w);
    assert_int_equal(f->w.mem.live, 0);
}

static void who_asks_is_told_at_once_and_then_every_five_seconds(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    const char *said = peer_ask(f.ops, "system_status", "%s", "");
    assert_string_equal(answer_of(said), "ack");
    assert_string_equal(line_get(said, "result.interval_s"), "5");
    assert_int_equal(peer_count(f.ops, STATUS), 1);
    said = peer_last(f.ops, STATUS);
    assert_true(line_is(said, "interval_s", "5") && line_is(said, "connections", "3") &&
                line_is(said, "agents_present", "2") && line_is(said, "contexts.0.context_id", "main") &&
                line_is(said, "contexts.0.wake_permille", "0") && line_is(said, "contexts.1", ""));
    world_run(&f.w, 4900);
    assert_int_equal(peer_count(f.ops, STATUS), 1);
    peer_leave(f.bob);
    world_run(&f.w, 20200); /* the grace of presence goes by */
    assert_int_equal(peer_count(f.ops, STATUS), 6);
    said = peer_last(f.ops, STATUS);
    assert_true(line_is(said, "connections", "2") && line_is(said, "agents_present", "1"));
    end(&f);
}

static void the_interval_may_be_changed_and_ended(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    assert_string_equal(line_get(peer_ask(f.ops, "system_status", "\"interval_s\":60"), "result.interval_s"), "60");
    world_run(&f.w, 59000);
    assert_int_equal(peer_count(f.ops, STATUS), 1);
    assert_string_equal(line_get(peer_ask(f.ops, "system_status", "\"interval_s\":1"), "result.interval_s"), "1");
    world_run(&f.w, 3100);
    assert_int_equal(peer_count(f.ops, STATUS), 1 + 1 + 3);
    assert_string_equal(line_get(peer_ask(f.ops, "system_status", "\"interval_s\":0"), "result.interval_s"), "0");
    world_run(&f.w, 120000);
    assert_int_equal(peer_count(f.ops, STATUS), 5);
    end(&f);
}

static void who_may_not_is_told_so(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    const char *said = peer_ask(f.ada, "system_status", "%s", "");
    assert_string_equal(answer_of(said), "forbidden");
    assert_string_equal(line_get(said, "field"), "type");
    said = peer_ask(f.ops, "system_status", "\"interval_s\":3601");
    assert_string_equal(answer_of(said), "bad_message");
    assert_string_equal(line_get(said, "field"), "interval_s");
    assert_int_equal(host_ask(&f.w, NULL, "{\"type\":\"system_status\"}"), WSM_ERR_UNSUPPORTED);
    world_run(&f.w, 60000);
    assert_int_equal(peer_count(f.ada, STATUS) + peer_count(f.ops, STATUS), 0);
    end(&f);
}

static void a_queue_without_room_gets_the_next_one(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    peer_ask(f.ops, "system_status", "\"interval_s\":1");
    peer_forget(f.ops);
    f.ops->stalled = 1;
    world_run(&f.w, 9500);
    peer_leave(f.bob);
    f.ops->stalled = 0;
    peer_drain(f.ops);

    assert_non_null(f.ops->conn); /* it was not cut for it */
    int waited = peer_count(f.ops, STATUS);
    assert_in_range(waited, 1, QUEUE);
    world_run(&f.w, 3100);
    assert_int_equal(peer_count(f.ops, STATUS), waited + 3);
    assert_true(line_is(peer_last(f.ops, STATUS), "connections", "2"));
    end(&f);
}

/* ---- contexts -------------------------------------------------------------------------------------------------------
 */

/* Two calls without a cause, in the next minute three with one. A minute later all five count as what may cause. */
static void feed(fixture *f, const char *about) {
    static int id = 100;
    int first = id;
    for (int i = 0; i < 5; i++) {
        char cause[80] = "";
        if (i == 2) world_run(&f->w, 60000);
        if (i >= 2) snprintf(cause, sizeof cause, ",\"cause\":\"00000000-0000-4000-8000-%012d\"", first);
        peer_say(f->ada,
                 "{\"type\":\"mention_route\",\"message_id\":\"00000000-0000-4000-8000-%012d\",\"target_agents\":"
                 "[\"bob\"],\"message\":\"m\",\"sidebar_id\":\"%s\"%s}",
                 id++, about, cause);
    }
}

static void contexts_stand_there_for_whom_they_are(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    char open[SIDE_ID], hidden[SIDE_ID], quiet[SIDE_ID];
    peer *narrow = join_to_watch(&f.w, "narrow", "main");
    side_spawn(f.ada, "\"bob\"", "", open);
    side_spawn(f.ada, "\"bob\"", ",\"visibility\":\"private\"", hidden);
    side_spawn(f.ada, "\"bob\"", "", quiet);
    world_run(&f.w, 600000); /* the spawns' own wakes are out of the window */
    feed(&f, open);
    feed(&f, hidden); /* a minute goes by */
    peer_ask(f.ops, "system_status", "\"interval_s\":1");
    peer_ask(narrow, "system_status", "\"interval_s\":1");
    const char *said = peer_last(f.ops, STATUS);
    assert_true(line_is(said, "contexts.1.context_id", open) && line_is(said, "contexts.1.wake_permille", "600") &&
                line_is(said, "contexts.2", ""));
    assert_int_equal(peer_count(f.ops, hidden), 0);
    said = peer_last(narrow, STATUS);
    assert_true(line_is(said, "contexts.0.context_id", "main") && line_is(said, "contexts.1", ""));
    /* What is over has no line. */
    said = peer_ask(f.ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"r\"",
                    open);
    assert_string_equal(answer_of(said), "ack");
    peer_forget(f.ops);
    world_run(&f.w, 1100);
    assert_true(line_is(peer_last(f.ops, STATUS), "contexts.1", ""));
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_is_told_at_once_and_then_every_five_seconds),
        cmocka_unit_test(the_interval_may_be_changed_and_ended),
        cmocka_unit_test(who_may_not_is_told_so),
        cmocka_unit_test(a_queue_without_room_gets_the_next_one),
        cmocka_unit_test(contexts_stand_there_for_whom_they_are),
    };
    return cmocka_run_group_tests_name("hub_status", tests, NULL, NULL);
}
