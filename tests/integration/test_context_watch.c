/* Watching a context: a reader who starts with the snapshot and applies delta after delta has at any time what a new
 * snapshot would say, as somebody else's JSON library finds; and is told no more, no later and no oftener than
 * promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_patch.h"
#include "side_talk.h"

typedef struct room {
    hub_world w;
    peer *ada, *bob, *cy;
    char side[SIDE_ID];
    cJSON *mirror; /* what bob has made of what he was told; NULL: nothing yet */
    double version;
    int snapshots, deltas, ended;
    size_t delta_bytes, snapshot_bytes;
} room;

static void open_room(room *r, const char *visibility) {
    memset(r, 0, sizeof *r);
    world_init(&r->w);
    r->w.config.agent_messages_per_s = 0;
    r->w.config.sidebars_per_creator = r->w.config.sidebars_per_min = 100;
    r->w.config.data_refs_bytes_max = 2u << 20;
    r->w.config.queue_bytes_max = 1u << 20;
    assert_int_equal(world_start(&r->w, NULL), 0);
    r->ada = world_join(&r->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->bob = world_join(&r->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->cy = world_join(&r->w, "cy", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r->w, 2000);
    side_spawn(r->ada, "\"bob\"", visibility, r->side);
}

static void close_room(room *r) {
    cJSON_Delete(r->mirror);
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
}

static void ok(const char *answer) {
    if (strcmp(answer_of(answer), "ack") != 0) fail_msg("%s", answer);
}

static void no(const char *answer, const char *code) {
    if (strcmp(answer_of(answer), code) != 0) fail_msg("not %s: %s", code, answer);
}

static double number_in(const cJSON *message, const char *name) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(message, name);
    return cJSON_IsNumber(value) ? value->valuedouble : -1;
}

static void take_snapshot(room *r, cJSON *message, size_t len) {
    cJSON_Delete(r->mirror);
    r->mirror = cJSON_DetachItemFromObjectCaseSensitive(message, "context");
    r->version = number_in(message, "version");
    r->snapshots++;
    r->snapshot_bytes += len;
}

static void take_delta(room *r, cJSON *message, size_t len) {
    assert_true(number_in(message, "from_version") == r->version);
    assert_true(number_in(message, "to_version") >= r->version);
    if (json_patch_apply(&r->mirror, cJSON_GetObjectItemCaseSensitive(message, "patch")))
        fail_msg("cannot be applied: %s", cJSON_PrintUnformatted(message));
    r->version = number_in(message, "to_version");
    r->ended += cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(message, "ended"));
    r->deltas++;
    r->delta_bytes += len;
}

/* Bob reads what he was sent. */
static void follow(room *r) {
    for (const char *line = r->bob->text; line && *line; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line, "\n");
        cJSON *message = cJSON_ParseWithLength(line, len);
        const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message, "type"));
        if (type && strcmp(type, "context_snapshot") == 0) take_snapshot(r, message, len);
        if (type && strcmp(type, "context_delta") == 0) take_delta(r, message, len);
        cJSON_Delete(message);
    }
    peer_forget(r->bob);
}

/* What he has is what anybody who asks now is told; Ada may see as much as he does. */
static void assert_is_current(room *r) {
    world_run(&r->w, 2500); /* also presence that waits for its second */
    follow(r);
    peer_forget(r->ada);
    ok(peer_ask(r->ada, "context_request", "\"context_id\":\"%s\"", r->side));
    cJSON *message = cJSON_Parse(peer_last(r->ada, "\"context_snapshot\""));
    cJSON *now = cJSON_GetObjectItemCaseSensitive(message, "context");
    if (!cJSON_Compare(now, r->mirror, 1))
        fail_msg("he has\n%s\nand not\n%s", cJSON_PrintUnformatted(r->mirror), cJSON_PrintUnformatted(now));
    assert_true(number_in(message, "version") == r->version);
    cJSON_Delete(message);
}

static void watch(room *r, unsigned interval) {
    ok(peer_ask(r->bob, "context_watch", "\"context_id\":\"%s\",\"interval_ms\":%u", r->side, interval));
    follow(r);
    assert_non_null(r->mirror);
}

static void say(room *r, const char *what) {
    ok(peer_ask(r->ada, "memory_update", "\"context_id\":\"%s\",%s", r->side, what));
}

static void deltas_make_what_a_snapshot_says(void **state) {
    (void)state;
    room r;
    char child[SIDE_ID];
    open_room(&r, "");
    watch(&r, 1000);
    assert_is_current(&r);
    assert_int_equal(r.deltas, 0);

    for (int i = 0; i < 30; i++) say(&r, "\"exchange\":\"some words that are no longer than they have to be\"");
    say(&r, "\"exchange\":\"keyed\",\"key\":\"plan/a~b\"");
    assert_is_current(&r);
    say(&r, "\"exchange\":\"keyed anew\",\"key\":\"plan/a~b\"");
    ok(peer_ask(r.ada, "data_ref", "\"context_id\":\"%s\",\"name\":\"n\",\"value\":{\"x\":[1, 2]}", r.side));
    assert_is_current(&r);
    ok(peer_ask(r.ada, "data_ref", "\"context_id\":\"%s\",\"name\":\"n\",\"value\":{\"x\":[1, 2, 3]}", r.side));
    assert_is_current(&r);
    ok(peer_ask(r.ada, "data_ref", "\"context_id\":\"%s\",\"name\":\"n\",\"value\":null", r.side));
    snprintf(child, sizeof child, "%s",
             line_get(peer_ask(r.ada, "sidebar_child_spawn",
                               "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\","
                               "\"assigned_agents\":[\"bob\"]",
                               r.side),
                      "result.sidebar_id"));
    assert_is_current(&r);
    ok(peer_ask(r.ada, "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"cy\"]", r.side));
    ok(peer_ask(r.cy, "sidebar_join", "\"sidebar_id\":\"%s\"", r.side));
    assert_is_current(&r);
    ok(peer_ask(r.ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"r\"",
                child));
    ok(peer_ask(r.ada, "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"r\"", child));
    ok(peer_ask(r.ada, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", r.side));
    assert_is_current(&r);
    ok(peer_ask(r.cy, "sidebar_leave", "\"sidebar_id\":\"%s\"", r.side));
    ok(peer_ask(r.ada, "sidebar_resume", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", r.side));
    assert_is_current(&r);
    assert_int_equal(r.snapshots, 1);
    assert_true(r.deltas >= 7);
    close_room(&r);
}

/* Who belongs to it changed what he says of himself: no record of the context, and told all the same. */
static void presence_of_its_members_is_part_of_it(void **state) {
    (void)state;
    room r;
    open_room(&r, "");
    watch(&r, 100);
    double before = r.version;
    ok(peer_ask(r.ada, "agent_presence",
                "\"status\":\"working\",\"availability\":\"busy\",\"specialties\":[\"maps\"]"));
    assert_is_current(&r);
    assert_int_equal(r.deltas, 1);
    assert_true(r.version == before);
    close_room(&r);
}

static void what_changes_within_the_interval_comes_in_one(void **state) {
    (void)state;
    room r;
    open_room(&r, "");
    watch(&r, 5000);
    for (int i = 0; i < 40; i++) {
        say(&r, "\"exchange\":\"more\"");
        world_run(&r.w, 100);
    }
    follow(&r);
    assert_int_equal(r.deltas, 0); /* 4 s */
    world_run(&r.w, 1500);
    follow(&r);
    assert_int_equal(r.deltas, 1);
    world_run(&r.w, 60000);
    assert_is_current(&r);
    assert_int_equal(r.deltas, 1); /* nothing more has changed */

    say(&r, "\"exchange\":\"after a long silence\"");
    world_run(&r.w, 5);
    follow(&r);
    assert_int_equal(r.deltas, 2); /* and is told at once */
    close_room(&r);
}

static void what_happens_elsewhere_is_not_told(void **state) {
    (void)state;
    room r;
    char other[SIDE_ID];
    open_room(&r, "");
    watch(&r, 100);
    side_spawn(r.ada, "", ",\"visibility\":\"private\"", other);
    for (int i = 0; i < 5; i++) {
        ok(peer_ask(r.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"hidden\"", other));
        ok(peer_ask(r.ada, "memory_update", "\"exchange\":\"in main\""));
        ok(peer_ask(r.ada, "sidebar_child_spawn",
                    "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[],\"visibility\":"
                    "\"private\"",
                    r.side));
        world_run(&r.w, 1000);
    }
    assert_int_equal(peer_count(r.bob, "hidden"), 0);
    assert_int_equal(peer_count(r.bob, "context_delta"), 0); /* also not that something has happened */
    follow(&r);
    char *text = cJSON_PrintUnformatted(r.mirror);
    assert_null(strstr(text, other));
    cJSON_free(text);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(r.mirror, "child_sidebar_ids")), 0);
    close_room(&r);
}

static void who_leaves_is_told_nothing_more(void **state) {
    (void)state;
    room r;
    open_room(&r, ",\"visibility\":\"private\"");
    watch(&r, 100);
    world_run(&r.w, 1000);
    r.bob->stalled = 1; /* a delta waits in his queue */
    say(&r, "\"exchange\":\"secret\",\"key\":\"secret\"");
    world_run(&r.w, 1000);
    ok(peer_ask(r.ada, "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]", r.side));
    say(&r, "\"exchange\":\"secret\",\"key\":\"secret too\"");
    world_run(&r.w, 1000);
    r.bob->stalled = 0;
    peer_drain(r.bob);
    assert_int_equal(peer_count(r.bob, "secret"), 0);
    assert_int_equal(peer_count(r.bob, "context_delta"), 0);
    no(peer_ask(r.bob, "context_watch", "\"context_id\":\"%s\",\"interval_ms\":100", r.side), "not_found");
    close_room(&r);
}

/* A reader who takes nothing for long: his queue does not fill with deltas, and in the end he has all. */
static void a_slow_reader_is_not_closed_for_what_he_watches(void **state) {
    (void)state;
    room r;
    open_room(&r, "");
    watch(&r, 100);
    r.bob->stalled = 1;
    for (int i = 0; i < 20; i++) {
        ok(peer_ask(r.ada, "data_ref", "\"context_id\":\"%s\",\"name\":\"n\",\"value\":%d", r.side, i));
        world_run(&r.w, 200);
    }
    assert_int_equal(r.bob->gone, 0);
    r.bob->stalled = 0;
    peer_drain(r.bob);
    assert_is_current(&r);
    close_room(&r);
}

static void who_has_the_version_is_answered_by_the_difference(void **state) {
    (void)state;
    room r;
    open_room(&r, "");
    watch(&r, 600000);
    say(&r, "\"exchange\":\"more\"");
    ok(peer_ask(r.bob, "context_request", "\"context_id\":\"%s\",\"have_version\":%.0f", r.side, r.version));
    follow(&r);
    assert_int_equal(r.deltas, 1);
    ok(peer_ask(r.bob, "context_request", "\"context_id\":\"%s\",\"have_version\":1", r.side));
    follow(&r);
    assert_int_equal(r.snapshots, 2); /* not a version that he was told last */
    say(&r, "\"exchange\":\"and more\"");
    world_run(&r.w, 700000);
    assert_is_current(&r); /* the snapshot was where the next delta began */
    assert_int_equal(r.deltas, 2);
    close_room(&r);
}

static void limits_and_ends_are_told(void **state) {
    (void)state;
    room r;
    char more[SIDE_ID];
    open_room(&r, "");
    assert_string_equal(line_get(peer_ask(r.bob, "context_watch", "\"interval_ms\":1"), "result.interval_ms"), "100");
    assert_string_equal(line_get(peer_ask(r.bob, "context_watch", "\"interval_ms\":700"), "result.interval_ms"), "700");
    for (int i = 1; i < 16; i++) {
        side_spawn(r.ada, "\"bob\"", "", more);
        ok(peer_ask(r.bob, "context_watch", "\"context_id\":\"%s\",\"interval_ms\":100", more));
    }
    no(peer_ask(r.bob, "context_watch", "\"context_id\":\"%s\",\"interval_ms\":100", r.side), "limit");
    assert_string_equal(line_get(peer_ask(r.bob, "context_watch", "\"interval_ms\":0"), "result.interval_ms"), "0");
    ok(peer_ask(r.bob, "context_watch", "\"context_id\":\"%s\",\"interval_ms\":100", r.side));
    no(peer_ask(r.bob, "context_watch", "\"context_id\":\"sb-nothing\",\"interval_ms\":100"), "not_found");
    no(peer_ask(r.bob, "context_watch", "\"interval_ms\":600001"), "bad_message");
    no(peer_ask(r.bob, "context_watch", "\"context_id\":\"%s\"", r.side), "bad_message");
    assert_int_equal(host_ask(&r.w, NULL, "{\"type\":\"context_watch\",\"interval_ms\":100}"), WSM_ERR_UNSUPPORTED);
    close_room(&r);
}

static void what_outgrows_a_message_is_watched_no_more(void **state) {
    (void)state;
    room r;
    char value[16384];
    open_room(&r, "");
    watch(&r, 100);
    assert_true(r.w.config.data_refs_bytes_max > r.w.config.queue_bytes_max / 2);
    memset(value, 'x', sizeof value);
    for (int i = 0; r.ended == 0; i++) {
        assert_true(i < 100);
        ok(peer_ask(r.ada, "data_ref", "\"context_id\":\"%s\",\"name\":\"n%d\",\"value\":\"%.*s\"", r.side, i,
                    (int)sizeof value, value));
        world_run(&r.w, 1000);
        follow(&r);
    }
    int deltas = r.deltas;
    assert_int_equal(r.ended, 1);
    assert_true(deltas > 5);
    say(&r, "\"exchange\":\"more\"");
    world_run(&r.w, 2000);
    follow(&r);
    assert_int_equal(r.deltas, deltas);
    no(peer_ask(r.bob, "context_request", "\"context_id\":\"%s\"", r.side), "limit");
    close_room(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deltas_make_what_a_snapshot_says),
        cmocka_unit_test(presence_of_its_members_is_part_of_it),
        cmocka_unit_test(what_changes_within_the_interval_comes_in_one),
        cmocka_unit_test(what_happens_elsewhere_is_not_told),
        cmocka_unit_test(who_leaves_is_told_nothing_more),
        cmocka_unit_test(a_slow_reader_is_not_closed_for_what_he_watches),
        cmocka_unit_test(who_has_the_version_is_answered_by_the_difference),
        cmocka_unit_test(limits_and_ends_are_told),
        cmocka_unit_test(what_outgrows_a_message_is_watched_no_more),
    };
    return cmocka_run_group_tests_name("context_watch", tests, NULL, NULL);
}
