/* The six triggers of the design, each with what it sets off: something is stored, a sidebar begins, an agent turns to
 * another context, a data reference is made, memory is archived, a connection is restored. */
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
    peer *ada, *bob, *cy;
} room;

static peer *join(room *r, const char *name) {
    peer *p = world_join(&r->w, name, WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r->w, 10);
    return p;
}

static void open_room(room *r) {
    memset(r, 0, sizeof *r);
    r->log = kept_log_of(&r->kept);
    world_init(&r->w);
    assert_int_equal(world_start(&r->w, &r->log), 0);
    r->ada = join(r, "ada");
    r->bob = join(r, "bob");
    r->cy = join(r, "cy");
}

static void close_room(room *r) {
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
    kept_log_free(&r->kept);
}

static void expect_ack(const char *answer) {
    if (strcmp(answer_of(answer), "ack") != 0) fail_msg("%s", answer);
}

static void a_new_exchange_is_heard_by_all_whom_it_concerns_and_nobody_else(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    open_room(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    expect_ack(peer_ask(r.cy, "memory_update", "\"exchange\":\"for all\""));
    expect_ack(peer_ask(r.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"for two\"", side));
    peer *all[] = {r.ada, r.bob, r.cy};
    for (int i = 0; i < 3; i++) assert_int_equal(peer_count(all[i], "for all"), 1);
    for (int i = 0; i < 3; i++) assert_int_equal(peer_count(all[i], "for two"), i < 2);
    close_room(&r);
}

static void a_sidebar_that_begins_is_told_to_its_participants_also_to_one_who_is_offline(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    open_room(&r);
    peer_leave(r.cy);
    world_run(&r.w, 20000); /* he is offline for good */
    side_spawn(r.ada, "\"bob\",\"cy\"", "", side);
    assert_true(line_is(peer_last(r.bob, "\"type\":\"sidebar_spawn\""), "sidebar_id", side));
    r.cy = join(&r, "cy"); /* afresh: no position, so nothing is replayed */
    assert_int_equal(peer_count(r.cy, "\"type\":\"sidebar_spawn\""), 1);
    const char *told = peer_last(r.cy, "\"type\":\"sidebar_spawn\"");
    assert_true(line_is(told, "sidebar_id", side));
    char id[64];
    snprintf(id, sizeof id, "%s", line_get(told, "message_id"));
    expect_ack(peer_ask(r.cy, "mention_ack", "\"mention_id\":\"%s\",\"state\":\"replied\"", id));
    peer_leave(r.cy);
    r.cy = join(&r, "cy");
    assert_int_equal(peer_count(r.cy, "\"type\":\"sidebar_spawn\""), 0); /* it was answered */
    close_room(&r);
}

static void an_agent_that_turns_to_another_context_is_told_of_as_presence(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    open_room(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    const char *turn = "\"status\":\"working\",\"current_context\":\"%s\"";
    expect_ack(peer_ask(r.ada, "agent_presence", turn, "main"));
    world_run(&r.w, 2000);
    assert_true(line_is(peer_last(r.cy, "\"agent_id\":\"ada\""), "current_context", "main"));
    expect_ack(peer_ask(r.ada, "agent_presence", turn, side));
    world_run(&r.w, 2000);
    const char *told = peer_last(r.cy, "\"agent_id\":\"ada\"");
    assert_true(line_is(told, "type", "agent_presence") && line_is(told, "current_context", side));
    expect_ack(peer_ask(r.cy, "agent_list", "\"filter\":{\"context\":\"%s\"}", side));
    assert_non_null(peer_last(r.cy, "\"agent_id\":\"ada\""));
    close_room(&r);
}

static void a_data_reference_is_told_to_the_contexts_that_see_it(void **state) {
    room r;
    char side[SIDE_ID], line[8192];
    (void)state;
    open_room(&r);
    expect_ack(peer_ask(r.cy, "data_ref", "\"name\":\"commit\",\"value\":\"a1\""));
    assert_true(line_is(peer_last(r.bob, "\"type\":\"data_ref\""), "name", "commit"));
    side_spawn(r.ada, "\"bob\"", "", side);
    expect_ack(peer_ask(r.ada, "data_ref", "\"context_id\":\"%s\",\"name\":\"inner\",\"value\":2", side));
    assert_true(line_is(peer_last(r.bob, "\"type\":\"data_ref\""), "name", "inner"));
    assert_int_equal(peer_count(r.cy, "\"inner\""), 0);
    expect_ack(peer_ask(r.bob, "context_request", "\"context_id\":\"%s\"", side)); /* its own, and what it looks into */
    snprintf(line, sizeof line, "%s", peer_last(r.bob, "\"type\":\"context_snapshot\""));
    assert_true(line_is(line, "context.data_refs.inner.context_id", side));
    assert_true(line_is(line, "context.data_refs.commit.context_id", "main"));
    close_room(&r);
}

static void what_leaves_the_working_memory_is_told_as_memory_archived(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    open_room(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    expect_ack(peer_ask(r.ada, "memory_archived", "\"subject\":\"the build\",\"tier\":\"episodic\""));
    assert_true(line_is(peer_last(r.cy, "\"type\":\"memory_archived\""), "subject", "the build"));
    expect_ack(peer_ask(r.ada, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", side));
    expect_ack(peer_ask(r.ada, "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"r\"", side));
    world_run(&r.w, 1000);
    const char *told = peer_last(r.bob, "\"type\":\"memory_archived\""); /* the hub has put its records away */
    assert_true(line_is(told, "context_id", side) && line_is(told, "sender_agent_id", "hub"));
    assert_int_equal(peer_count(r.cy, side), 0);
    close_room(&r);
}

static void a_connection_that_is_restored_gets_what_it_has_missed(void **state) {
    room r;
    char epoch[17];
    (void)state;
    open_room(&r);
    uint64_t seen = wsm_hub_position(r.w.hub, epoch);
    peer_leave(r.cy);
    for (int i = 0; i < 3; i++) expect_ack(peer_ask(r.ada, "memory_update", "\"exchange\":\"missed %d\"", i));
    r.cy = world_join(&r.w, "cy", WSM_PERMISSION_ACTIVE, epoch, seen);
    world_run(&r.w, 10);
    assert_true(line_is(peer_last(r.cy, "\"type\":\"welcome\""), "resume", "replayed"));
    assert_int_equal(peer_count(r.cy, "missed"), 3);
    assert_true(line_is(peer_last(r.cy, "\"type\":\"replay_end\""), "count", "3"));
    expect_ack(peer_ask(r.ada, "memory_update", "\"exchange\":\"live\""));
    assert_int_equal(peer_count(r.cy, "\"live\""), 1);
    close_room(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_exchange_is_heard_by_all_whom_it_concerns_and_nobody_else),
        cmocka_unit_test(a_sidebar_that_begins_is_told_to_its_participants_also_to_one_who_is_offline),
        cmocka_unit_test(an_agent_that_turns_to_another_context_is_told_of_as_presence),
        cmocka_unit_test(a_data_reference_is_told_to_the_contexts_that_see_it),
        cmocka_unit_test(what_leaves_the_working_memory_is_told_as_memory_archived),
        cmocka_unit_test(a_connection_that_is_restored_gets_what_it_has_missed),
    };
    return cmocka_run_group_tests_name("triggers", tests, NULL, NULL);
}
