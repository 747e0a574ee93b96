/* The state table of a sidebar through the public API: every pair of the ten statuses is tried, each by the message
 * that is meant for it. What is not in the table is invalid_transition with a reason, and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "side_talk.h"

enum { ACTIVE, TESTING, PAUSED, WAITING, REVIEWING, SPAWNING, CONSOLIDATING, MERGED, ARCHIVED, FAILED, COUNT };

static const char *const words[COUNT] = {"active",         "testing",       "paused", "waiting",  "reviewing",
                                         "spawning_child", "consolidating", "merged", "archived", "failed"};

/* By status before and after, as sidebar_status_update changes it. */
static const char may[COUNT][COUNT + 1] = {
    /*                  A T P W R S C M A F */
    [ACTIVE] = /*    */ ".xxxxxx..x", [TESTING] = /*   */ "x.xxx....x",
    [PAUSED] = /*    */ "x.......xx", /* back to active, which it was */
    [WAITING] = /*   */ "x.x......x", [REVIEWING] = /* */ "x.....x..x",
    [SPAWNING] = /*  */ "x.........", /* likewise; a child's spawn does it by itself */
    [CONSOLIDATING] = "....x....x",   /* merged by sidebar_merge alone */[MERGED] = /*    */ "........x.",
    [ARCHIVED] = /*  */ "..........", [FAILED] = /*    */ "........x.",
};

static hub_world *begin(peer **ada) {
    hub_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    world_init(w);
    w->config.sidebars_per_min = 1000;
    assert_int_equal(world_start(w, NULL), 0);
    *ada = world_join(w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_join(w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    return w;
}

static void finish(hub_world *w) {
    world_end(w);
    assert_int_equal(w->mem.live, 0);
    free(w);
}

static const char *update(peer *by, const char *id, int to) {
    return peer_ask(by, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"%s\",\"reason\":\"r\"", id,
                    words[to]);
}

static const char *merge(peer *by, const char *id) {
    return peer_ask(by, "sidebar_merge", "\"sidebar_id\":\"%s\"", id);
}

static const char *archive(peer *by, const char *id) {
    return peer_ask(by, "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"r\"", id);
}

static const char *put_off(peer *by, const char *id) {
    return peer_ask(by, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", id);
}

static const char *resume(peer *by, const char *id) {
    return peer_ask(by, "sidebar_resume", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", id);
}

static const char *wait_for(peer *by, const char *id) {
    return peer_ask(by, "sidebar_waiting_update",
                    "\"sidebar_id\":\"%s\",\"waiting_for\":\"human_input\",\"description\":\"d\"", id);
}

/* The messages of their own, by the status in which they may be sent, and the one that follows. */
static const struct {
    const char *(*say)(peer *by, const char *id);
    char may[COUNT + 1];
    int to;
} messages[] = {
    /*          A T P W R S C M A F */
    {put_off, "xx.x......", PAUSED},   {resume, "..x.......", ACTIVE},
    {wait_for, "xx.x......", WAITING}, /* it may wait for something else */
    {merge, "x...x.x...", MERGED},     /* consolidating on its way; once merged, a merge is a repeat */
    {archive, "..x....x.x", ARCHIVED},
};

static const char *status(peer *by, const char *id) {
    peer_forget(by);
    peer_ask(by, "context_request", "\"context_id\":\"%s\"", id);
    return line_get(peer_last(by, "\"type\":\"context_snapshot\""), "context.status");
}

static void bring(peer *by, const char *id, int to) {
    static const int way[COUNT][3] = {[TESTING] = {TESTING},
                                      [PAUSED] = {PAUSED},
                                      [WAITING] = {WAITING},
                                      [REVIEWING] = {REVIEWING},
                                      [SPAWNING] = {SPAWNING},
                                      [CONSOLIDATING] = {CONSOLIDATING},
                                      [MERGED] = {CONSOLIDATING, MERGED},
                                      [ARCHIVED] = {CONSOLIDATING, MERGED, ARCHIVED},
                                      [FAILED] = {FAILED}};
    for (int i = 0; i < 3 && way[to][i] != ACTIVE; i++) {
        int next = way[to][i];
        assert_string_equal(answer_of(next == MERGED ? merge(by, id) : update(by, id, next)), "ack");
    }
    assert_string_equal(status(by, id), words[to]);
}

static void every_pair_of_statuses_is_in_the_table_or_refused(void **state) {
    (void)state;
    for (int from = ACTIVE; from < COUNT; from++) {
        peer *ada;
        hub_world *w = begin(&ada);
        for (int to = ACTIVE; to < COUNT; to++) {
            char id[SIDE_ID], answer[1024];
            side_spawn(ada, "\"bob\"", "", id);
            assert_string_not_equal(id, "");
            bring(ada, id, from);
            snprintf(answer, sizeof answer, "%s", update(ada, id, to));
            bool good = may[from][to] == 'x';
            const char *wanted = good ? "ack" : "invalid_transition";
            if (strcmp(answer_of(answer), wanted) != 0) fail_msg("%s to %s: %s", words[from], words[to], answer);
            assert_string_equal(status(ada, id), words[good ? to : from]);
        }
        finish(w);
    }
}

static void every_message_has_its_statuses(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        for (int from = ACTIVE; from < COUNT; from++) {
            char id[SIDE_ID], answer[1024];
            peer *ada;
            hub_world *w = begin(&ada);
            side_spawn(ada, "\"bob\"", "", id);
            bring(ada, id, from);
            snprintf(answer, sizeof answer, "%s", messages[i].say(ada, id));
            bool good = messages[i].may[from] == 'x', again = messages[i].to == MERGED && from == MERGED;
            const char *wanted = good ? "ack" : again ? "duplicate_ack" : "invalid_transition";
            if (strcmp(answer_of(answer), wanted) != 0) fail_msg("%zu in %s: %s", i, words[from], answer);
            assert_string_equal(status(ada, id), words[good ? messages[i].to : from]);
            finish(w);
        }
}

static void a_paused_sidebar_becomes_what_it_was(void **state) {
    static const int before[] = {ACTIVE, TESTING, WAITING};
    (void)state;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        char id[SIDE_ID];
        peer *ada;
        hub_world *w = begin(&ada);
        side_spawn(ada, "\"bob\"", "", id);
        bring(ada, id, before[i]);
        assert_string_equal(answer_of(put_off(ada, id)), "ack");
        assert_string_equal(status(ada, id), "paused");
        for (int to = TESTING; to < COUNT; to++) {
            if (to == before[i] || to == ARCHIVED || to == FAILED) continue;
            if (strcmp(answer_of(update(ada, id, to)), "invalid_transition") != 0)
                fail_msg("paused, before that %s, to %s", words[before[i]], words[to]);
        }
        assert_string_equal(answer_of(resume(ada, id)), "ack");
        assert_string_equal(status(ada, id), words[before[i]]);
        finish(w);
    }
}

static void a_childs_spawn_brings_its_parent_back_to_work(void **state) {
    static const int before[] = {ACTIVE, SPAWNING};
    (void)state;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        char id[SIDE_ID];
        peer *ada;
        hub_world *w = begin(&ada);
        side_spawn(ada, "\"bob\"", "", id);
        bring(ada, id, before[i]);
        const char *answer =
            peer_ask(ada, "sidebar_child_spawn",
                     "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[]", id);
        assert_string_equal(answer_of(answer), "ack");
        assert_string_equal(status(ada, id), "active");
        finish(w);
    }
}

static void a_sidebar_that_does_not_work_has_no_children(void **state) {
    static const int before[] = {TESTING, PAUSED, WAITING, REVIEWING, CONSOLIDATING, MERGED, ARCHIVED, FAILED};
    (void)state;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        char id[SIDE_ID];
        peer *ada;
        hub_world *w = begin(&ada);
        side_spawn(ada, "\"bob\"", "", id);
        bring(ada, id, before[i]);
        const char *answer =
            peer_ask(ada, "sidebar_child_spawn",
                     "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[]", id);
        assert_string_equal(answer_of(answer), "invalid_transition");
        assert_string_equal(status(ada, id), words[before[i]]);
        finish(w);
    }
}

static void a_change_may_depend_on_the_version(void **state) {
    char id[SIDE_ID];
    peer *ada;
    (void)state;
    hub_world *w = begin(&ada);
    side_spawn(ada, "\"bob\"", "", id);
    bring(ada, id, TESTING);
    const char *version = line_get(peer_last(ada, "context_snapshot"), "context.version");
    const char *update = "\"sidebar_id\":\"%s\",\"new_status\":\"%s\",\"if_version\":%s";
    assert_string_equal(answer_of(peer_ask(ada, "sidebar_status_update", update, id, "active", "99999")), "conflict");
    assert_string_equal(status(ada, id), "testing");
    assert_string_equal(answer_of(peer_ask(ada, "sidebar_status_update", update, id, "active", version)), "ack");
    assert_string_equal(answer_of(peer_ask(ada, "sidebar_status_update", update, id, "testing", version)), "conflict");
    finish(w);
}

static void failing_needs_a_reason_and_keeps_it(void **state) {
    char id[SIDE_ID];
    peer *ada;
    (void)state;
    hub_world *w = begin(&ada);
    side_spawn(ada, "\"bob\"", "", id);
    assert_string_equal(
        answer_of(peer_ask(ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"failed\"", id)),
        "bad_message");
    assert_string_equal(
        answer_of(peer_ask(ada, "sidebar_status_update",
                           "\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"no disk\"", id)),
        "ack");
    assert_string_equal(status(ada, id), "failed");
    assert_true(line_is(peer_last(ada, "context_snapshot"), "context.failure_reason", "no disk"));
    assert_string_equal(answer_of(archive(ada, id)), "ack");
    assert_true(line_is(peer_last(ada, "\"type\":\"sidebar_archive\""), "final_status", "failed"));
    assert_string_equal(status(ada, id), "archived");
    assert_true(line_is(peer_last(ada, "context_snapshot"), "context.final_status", "failed"));
    finish(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_statuses_is_in_the_table_or_refused),
        cmocka_unit_test(every_message_has_its_statuses),
        cmocka_unit_test(a_paused_sidebar_becomes_what_it_was),
        cmocka_unit_test(a_childs_spawn_brings_its_parent_back_to_work),
        cmocka_unit_test(a_sidebar_that_does_not_work_has_no_children),
        cmocka_unit_test(a_change_may_depend_on_the_version),
        cmocka_unit_test(failing_needs_a_reason_and_keeps_it),
    };
    return cmocka_run_group_tests_name("sidebar/status", tests, NULL, NULL);
}
