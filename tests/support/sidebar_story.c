/* See sidebar_story.h. */
#include "sidebar_story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const story_names[STORY_CAST] = {"ada", "bob", "cy", "dot", "eve"};

enum { ADA, BOB, CY, DOT, EVE };

/* Only the first thing that went wrong is kept. */
static void check(story *s, int good, const char *what, const char *line) {
    if (!good && !s->why[0]) snprintf(s->why, sizeof s->why, "%s: %s", what, line ? line : "nothing");
}

static void ok(story *s, const char *answer) {
    check(s, strcmp(answer_of(answer), "ack") == 0, "no ack", answer);
}

static void refused(story *s, const char *answer, const char *code) {
    check(s, strcmp(answer_of(answer), code) == 0, code, answer);
}

static void keep(story *s, char id[SIDE_ID], const char *text) {
    snprintf(id, SIDE_ID, "%s", text);
    check(s, *id != '\0', "no id", text);
}

void story_init(story *s) {
    *s = (story){.world = calloc(1, sizeof *s->world)};
    if (!s->world) abort();
    world_init(s->world);
}

void story_start(story *s, const wsm_log *log) {
    check(s, world_start(s->world, log) == 0, "no hub", NULL);
    for (int i = 0; i < STORY_CAST; i++)
        s->cast[i] = world_join(s->world, story_names[i], WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(s->world, 10);
    for (int i = 0; i < STORY_CAST; i++) peer_forget(s->cast[i]);
}

void story_begin(story *s) {
    story_init(s);
    story_start(s, NULL);
}

static void act_one_four_agents_meet(story *s) {
    ok(s, peer_ask(s->cast[EVE], "memory_update", "\"exchange\":\"the build is red\",\"topic\":\"build\""));
    ok(s, peer_ask(s->cast[EVE], "data_ref", "\"name\":\"commit\",\"value\":\"a1\""));
    const char *answer =
        peer_ask(s->cast[ADA], "spawn_sidebar",
                 "\"participants\":[\"bob\",\"cy\",\"dot\"],\"task\":\"why is the build red\",\"inherit_context\":true,"
                 "\"success_criteria\":\"it is green\",\"coordinator_agent\":\"ada\",\"merge_policy\":\"review\","
                 "\"sidebar_id\":\"my first\"");
    ok(s, answer);
    keep(s, s->side, line_get(answer, "result.sidebar_id"));
    for (int i = ADA; i <= DOT; i++)
        check(s, peer_count(s->cast[i], "\"type\":\"sidebar_spawn\"") == 1, "count of type:sidebar_spawn",
              s->cast[i]->text);
    check(s, peer_count(s->cast[EVE], "sidebar_spawn") == 0, "count of sidebar_spawn", s->cast[EVE]->text);
    ok(s, peer_ask(s->cast[BOB], "memory_update", "\"context_id\":\"%s\",\"exchange\":\"it is the linker\"", s->side));
    ok(s, peer_ask(s->cast[CY], "memory_update", "\"context_id\":\"%s\",\"exchange\":\"no, the disk\"", s->side));
    refused(s, peer_ask(s->cast[EVE], "memory_update", "\"context_id\":\"%s\",\"exchange\":\"me too\"", s->side),
            "forbidden");
}

static void act_two_a_child(story *s) {
    const char *answer = peer_ask(s->cast[BOB], "sidebar_child_spawn",
                                  "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"look at the disk\","
                                  "\"assigned_agents\":[\"cy\"]",
                                  s->side);
    ok(s, answer);
    keep(s, s->child, line_get(answer, "result.sidebar_id"));
    ok(s, peer_ask(s->cast[CY], "memory_update", "\"context_id\":\"%s\",\"exchange\":\"it is full\"", s->child));
    ok(s, peer_ask(s->cast[CY], "sidebar_test_result",
                   "\"sidebar_id\":\"%s\",\"test_description\":\"df\",\"result\":\"failed\",\"findings\":\"0 bytes\"",
                   s->child));
    refused(s, peer_ask(s->cast[DOT], "context_request", "\"context_id\":\"%s\"", s->child), "forbidden");
    ok(s, peer_ask(s->cast[CY], "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"consolidating\"",
                   s->child));
    ok(s, peer_ask(s->cast[CY], "sidebar_merge", "\"sidebar_id\":\"%s\",\"exchanges_to_merge\":\"none\"", s->child));
    check(s, peer_count(s->cast[DOT], "\"type\":\"sidebar_merge\"") == 1, "count of type:sidebar_merge",
          s->cast[DOT]->text);
}

static void act_three_pause_test_wait(story *s) {
    refused(s, peer_ask(s->cast[BOB], "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"tired\"", s->side),
            "forbidden");
    ok(s, peer_ask(s->cast[ADA], "sidebar_pause",
                   "\"sidebar_id\":\"%s\",\"reason\":\"lunch\",\"resume_condition\":\"we have eaten\"", s->side));
    world_run(s->world, 60000);
    ok(s, peer_ask(s->cast[ADA], "sidebar_resume", "\"sidebar_id\":\"%s\",\"reason\":\"eaten\"", s->side));
    ok(s, peer_ask(s->cast[DOT], "sidebar_test_result",
                   "\"sidebar_id\":\"%s\",\"test_description\":\"clean and build\",\"result\":\"passed\","
                   "\"findings\":\"green\",\"next_test_suggestion\":\"twice\"",
                   s->side));
    ok(s, peer_ask(s->cast[DOT], "sidebar_waiting_update",
                   "\"sidebar_id\":\"%s\",\"waiting_for\":\"human_input\",\"description\":\"may we delete it\","
                   "\"estimated_wait_time\":60",
                   s->side));
    ok(s, peer_ask(s->cast[ADA], "sidebar_status_update",
                   "\"sidebar_id\":\"%s\",\"new_status\":\"active\",\"reason\":\"we may\"", s->side));
}

static void act_four_merge(story *s) {
    char offset[2][32];
    const char *found =
        peer_ask(s->cast[DOT], "memory_update", "\"context_id\":\"%s\",\"exchange\":\"deleted\"", s->side);
    ok(s, found);
    snprintf(offset[0], sizeof offset[0], "%s", line_get(found, "offset"));
    found = peer_ask(s->cast[DOT], "memory_update", "\"context_id\":\"%s\",\"exchange\":\"a joke\"", s->side);
    ok(s, found);
    snprintf(offset[1], sizeof offset[1], "%s", line_get(found, "offset"));
    ok(s, peer_ask(s->cast[BOB], "data_ref", "\"context_id\":\"%s\",\"name\":\"commit\",\"value\":\"b2\"", s->side));
    ok(s, peer_ask(s->cast[EVE], "data_ref", "\"name\":\"commit\",\"value\":\"c3\""));
    refused(s, peer_ask(s->cast[ADA], "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"done\"", s->side),
            "invalid_transition");
    ok(s, peer_ask(s->cast[ADA], "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"consolidating\"",
                   s->side));
    ok(s,
       peer_ask(s->cast[ADA], "sidebar_merge",
                "\"sidebar_id\":\"%s\",\"consolidated_findings\":{\"cause\":\"disk\"},\"exchanges_to_merge\":[%s,%s],"
                "\"success\":true",
                s->side, offset[0], offset[1]));
    char merge[8192];
    snprintf(merge, sizeof merge, "%s", peer_last(s->cast[EVE], "\"type\":\"sidebar_merge\""));
    check(s, line_is(merge, "conflicts.0.name", "commit"), "conflicts.0.name", merge);
    check(s, line_is(merge, "exchanges_to_merge.1.exchange", "a joke"), "exchanges_to_merge.1.exchange", merge);
    check(s, line_is(merge, "child_results.0.sidebar_id", s->child), "child_results.0.sidebar_id", merge);
    ok(s, peer_ask(s->cast[EVE], "sidebar_merge_decision",
                   "\"sidebar_id\":\"%s\",\"accept\":[%s],\"refuse\":[%s],\"reason\":\"not funny\"", s->side, offset[0],
                   offset[1]));
    refused(s, peer_ask(s->cast[EVE], "sidebar_merge_decision", "\"sidebar_id\":\"%s\",\"accept\":\"all\"", s->side),
            "invalid_transition");
}

static void act_five_archive_and_fork(story *s) {
    ok(s, peer_ask(s->cast[ADA], "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"done\"", s->side));
    refused(s, peer_ask(s->cast[BOB], "memory_update", "\"context_id\":\"%s\",\"exchange\":\"late\"", s->side),
            "invalid_transition");
    const char *answer = peer_ask(s->cast[DOT], "sidebar_fork",
                                  "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"it is red again\"", s->side);
    ok(s, answer);
    keep(s, s->fork, line_get(answer, "result.sidebar_id"));
    ok(s,
       peer_ask(s->cast[BOB], "memory_update", "\"context_id\":\"%s\",\"exchange\":\"the linker after all\"", s->fork));
    ok(s, peer_ask(s->cast[CY], "context_request", "\"context_id\":\"%s\"", s->fork));
    ok(s, peer_ask(s->cast[CY], "context_request", "\"context_id\":\"%s\"", s->side));
}

const char *story_play(story *s) {
    act_one_four_agents_meet(s);
    act_two_a_child(s);
    act_three_pause_test_wait(s);
    act_four_merge(s);
    act_five_archive_and_fork(s);
    world_run(s->world, 2000);
    return s->why[0] ? s->why : NULL;
}

void story_end(story *s) {
    world_end(s->world);
    if (s->world->mem.live != 0) abort();
    free(s->world);
}
