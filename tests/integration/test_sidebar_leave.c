/* Who leaves a sidebar while its records wait in his queue: what he sees in no other way goes, what he also sees as a
 * member of another context, or because it names him, stays. The same that a resume would bring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kept_log.h"
#include "side_talk.h"

typedef struct room {
    hub_world w;
    kept_log kept;
    wsm_log log;
    peer *ada, *bob;
    char side[SIDE_ID], fork[SIDE_ID];
} room;

static void open_room(room *r, uint32_t history_records_max) {
    memset(r, 0, sizeof *r);
    r->log = kept_log_of(&r->kept);
    world_init(&r->w);
    r->w.config.history_records_max = history_records_max;
    assert_int_equal(world_start(&r->w, &r->log), 0);
    r->ada = world_join(&r->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->bob = world_join(&r->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r->w, 5);
}

static void close_room(room *r) {
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
    kept_log_free(&r->kept);
}

static void expect_ack(const char *answer) {
    if (strcmp(answer_of(answer), "ack") != 0) fail_msg("%s", answer);
}

static void hold(room *r) {
    world_run(&r->w, 50);
    peer_forget(r->bob);
    r->bob->stalled = 1;
}

static void let_go(room *r) {
    world_run(&r->w, 50);
    r->bob->stalled = 0;
    peer_drain(r->bob);
    world_run(&r->w, 50);
}

static void fork_it(room *r, const char *participants) {
    const char *answer = peer_ask(r->ada, "sidebar_fork",
                                  "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"once more\",\"participants\":[%s]",
                                  r->side, participants);
    expect_ack(answer);
    snprintf(r->fork, sizeof r->fork, "%s", line_get(answer, "result.sidebar_id"));
}

static void remove_bob(room *r, const char *id) {
    expect_ack(peer_ask(r->ada, "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]", id));
}

#define FORK "\"type\":\"sidebar_fork\""

static void a_fork_is_told_to_a_member_of_the_original_who_has_left_the_fork(void **state) {
    (void)state;
    room r;
    open_room(&r, 1000);
    side_spawn(r.ada, "\"bob\"", "", r.side);
    hold(&r);
    fork_it(&r, "\"bob\"");
    expect_ack(peer_ask(r.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"inside\"", r.fork));
    remove_bob(&r, r.fork);
    let_go(&r);
    assert_int_equal(peer_count(r.bob, FORK), 1);
    assert_int_equal(peer_count(r.bob, "inside"), 0);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_remove\""), 1);
    close_room(&r);
}

/* The same when it comes from the store: memory has let go of it. */
static void a_fork_that_was_read_back_is_told_too(void **state) {
    (void)state;
    room r;
    char epoch[17];
    open_room(&r, 1);
    side_spawn(r.ada, "\"bob\"", "", r.side);
    world_run(&r.w, 50);
    uint64_t before = wsm_hub_position(r.w.hub, epoch);
    peer_leave(r.bob);
    fork_it(&r, "\"bob\"");
    expect_ack(peer_ask(r.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"inside\"", r.fork));
    expect_ack(peer_ask(r.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"inside, too\"", r.fork));
    r.w.peers[r.w.peers_count].stalled = 1;
    r.bob = world_join(&r.w, "bob", WSM_PERMISSION_ACTIVE, epoch, before);
    hold(&r);
    remove_bob(&r, r.fork);
    let_go(&r);
    assert_int_equal(peer_count(r.bob, FORK), 1);
    assert_int_equal(peer_count(r.bob, "inside"), 0);
    close_room(&r);
}

static void a_fork_is_not_told_to_who_has_left_the_original(void **state) {
    (void)state;
    room r;
    open_room(&r, 1000);
    side_spawn(r.ada, "\"bob\"", "", r.side);
    hold(&r);
    fork_it(&r, "");
    remove_bob(&r, r.side);
    let_go(&r);
    assert_int_equal(peer_count(r.bob, FORK), 0);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_remove\""), 1);
    close_room(&r);
}

static void an_invitation_is_told_to_who_has_come_and_left(void **state) {
    (void)state;
    room r;
    open_room(&r, 1000);
    side_spawn(r.ada, "", "", r.side);
    hold(&r);
    expect_ack(peer_ask(r.ada, "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]", r.side));
    peer_say(r.bob, "{\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\"}", r.side);
    world_run(&r.w, 5);
    expect_ack(peer_ask(r.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"inside\"", r.side));
    remove_bob(&r, r.side);
    let_go(&r);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_invite\""), 1);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_join\""), 0);
    assert_int_equal(peer_count(r.bob, "inside"), 0);
    close_room(&r);
}

/* ---- what the host hears of it --------------------------------------------------------------------------------------
 */

static struct {
    int calls, named; /* of one reason; those that name a connection or an agent */
    unsigned long long count;
} heard[2];

static void on_drop(void *user, const wsm_drop *drop) {
    int idx = strcmp(drop->reason, "left") == 0 ? 0 : 1;
    (void)user;
    if (idx == 1 && strcmp(drop->reason, "closed") != 0) return;
    heard[idx].calls++;
    heard[idx].named += drop->connection_id.len > 0 || drop->agent_id.len > 0;
    heard[idx].count += drop->count;
}

/* In one sum, at the end of the turn, whoever lost them. */
static void the_host_is_told_in_one_sum_what_those_who_left_have_lost(void **state) {
    (void)state;
    room r;
    memset(heard, 0, sizeof heard);
    memset(&r, 0, sizeof r);
    r.log = kept_log_of(&r.kept);
    world_init(&r.w);
    r.w.host.on_drop = on_drop;
    assert_int_equal(world_start(&r.w, &r.log), 0);
    r.ada = world_join(&r.w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r.bob = world_join(&r.w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    peer *cy = world_join(&r.w, "cy", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r.w, 5);
    side_spawn(r.ada, "\"bob\",\"cy\"", "", r.side);
    world_run(&r.w, 50);
    r.bob->stalled = cy->stalled = 1;
    for (int i = 0; i < 3; i++)
        expect_ack(peer_ask(r.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":%d", r.side, i));
    expect_ack(peer_ask(r.ada, "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\",\"cy\"]", r.side));
    assert_int_equal(heard[0].calls, 1);
    assert_int_equal(heard[0].named, 0);
    assert_true(heard[0].count >= 4 && heard[0].count <= 6); /* what was handed out already is not lost */
    for (int i = 0; i < 3; i++) expect_ack(peer_ask(r.ada, "memory_update", "\"exchange\":%d", i));
    peer_leave(cy); /* its transport is gone */
    world_run(&r.w, 5);
    assert_true(heard[1].calls > 0 && heard[1].count >= 3);
    assert_int_equal(heard[1].named, 0);
    close_room(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_is_told_to_a_member_of_the_original_who_has_left_the_fork),
        cmocka_unit_test(a_fork_that_was_read_back_is_told_too),
        cmocka_unit_test(a_fork_is_not_told_to_who_has_left_the_original),
        cmocka_unit_test(an_invitation_is_told_to_who_has_come_and_left),
        cmocka_unit_test(the_host_is_told_in_one_sum_what_those_who_left_have_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
