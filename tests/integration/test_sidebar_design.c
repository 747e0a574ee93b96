/* The design's own pseudocode as a test: each method of SidebarContext, its fields and AgentCapability's, and each
 * field of each message interface, as members of a sidebar see them on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "side_talk.h"

typedef struct scene {
    hub_world *world;
    peer *ada, *bob, *cy;
} scene;

static scene begin(void) {
    scene s = {.world = calloc(1, sizeof *s.world)};
    assert_non_null(s.world);
    world_init(s.world);
    assert_int_equal(world_start(s.world, NULL), 0);
    s.ada = world_join_skilled(s.world, "ada", "research");
    s.bob = world_join_skilled(s.world, "bob", "debugging");
    s.cy = world_join_skilled(s.world, "cy", "testing");
    world_run(s.world, 10);
    return s;
}

static void finish(scene *s) {
    world_end(s->world);
    assert_int_equal(s->world->mem.live, 0);
    free(s->world);
}

static void ok(const char *answer) {
    if (strcmp(answer_of(answer), "ack") != 0) fail_msg("%s", answer);
}

/* The context as `by` is shown it; valid until the next but one. */
static const char *shown(peer *by, const char *id) {
    static char rooms[2][32768];
    static int next;
    peer_ask(by, "context_request", "\"context_id\":\"%s\"", id);
    const char *line = peer_last(by, "\"type\":\"context_snapshot\"");
    if (!line) fail_msg("no snapshot of %s", id);
    char *room = rooms[next++ % 2];
    snprintf(room, sizeof rooms[0], "%s", line_get(line, "context"));
    return room;
}

static void assert_member(const char *line, const char *path, const char *value) {
    if (!line_is(line, path, value)) fail_msg("%s is %s, not %s, in %s", path, line_get(line, path), value, line);
}

static void assert_holds(const char *line, const char *path, const char *part) {
    if (!strstr(line_get(line, path), part)) fail_msg("%s has no %s in %s", path, part, line);
}

/* ---- SidebarContext -------------------------------------------------------------------------------------------------
 */

static void inherit_from_parent(void **state) {
    char id[SIDE_ID], offset[32];
    (void)state;
    scene s = begin();
    ok(peer_ask(s.ada, "data_ref", "\"name\":\"repo\",\"value\":\"git://x\""));
    const char *answer = peer_ask(s.ada, "memory_update", "\"exchange\":\"known before\"");
    ok(answer);
    snprintf(offset, sizeof offset, "%s", line_get(answer, "offset"));
    side_spawn(s.ada, "\"bob\"", "", id);
    ok(peer_ask(s.ada, "memory_update", "\"exchange\":\"known later\""));
    const char *context = shown(s.bob, id);
    assert_member(context, "inherited_memory.0.context_id", "main");
    assert_true(strtoul(line_get(context, "inherited_memory.0.up_to_offset"), NULL, 10) >= strtoul(offset, NULL, 10));
    assert_member(context, "data_refs.repo.value", "git://x");
    assert_holds(context, "cross_sidebar_refs", "\"main\"");
    assert_member(context, "parent_context_id", "main");
    finish(&s);
}

static void spawn_child_sidebar(void **state) {
    char id[SIDE_ID], child[SIDE_ID];
    (void)state;
    scene s = begin();
    side_spawn(s.ada, "\"bob\"", ",\"priority\":\"low\"", id);
    ok(peer_ask(s.bob, "data_ref", "\"context_id\":\"%s\",\"name\":\"log\",\"value\":[1]", id));
    const char *answer =
        peer_ask(s.bob, "sidebar_child_spawn",
                 "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"find it\",\"assigned_agents\":[\"cy\"]", id);
    ok(answer);
    snprintf(child, sizeof child, "%s", line_get(answer, "result.sidebar_id"));
    const char *context = shown(s.cy, child);
    assert_member(context, "sidebar_id", child);
    assert_member(context, "parent_context_id", id);
    assert_holds(context, "participants", "\"cy\"");
    assert_member(context, "success_criteria", "find it");
    assert_member(context, "priority", "low");
    assert_member(context, "data_refs.log.value", "[1]");
    assert_holds(context, "cross_sidebar_refs", id);
    assert_holds(shown(s.ada, id), "child_sidebar_ids", child);
    assert_member(shown(s.ada, id), "status", "active"); /* spawning_child has passed with the child's record */
    ok(peer_ask(s.cy, "data_ref", "\"context_id\":\"%s\",\"name\":\"log\",\"value\":[2]", child));
    assert_member(shown(s.cy, child), "data_refs.log.value", "[2]");
    assert_member(shown(s.ada, id), "data_refs.log.value", "[1]"); /* a child never changes its parent */
    finish(&s);
}

static void fork_sidebar(void **state) {
    char id[SIDE_ID], fork[SIDE_ID];
    (void)state;
    scene s = begin();
    side_spawn(s.ada, "\"bob\"", ",\"priority\":\"high\",\"success_criteria\":\"it runs\"", id);
    ok(peer_ask(s.bob, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"tried\"", id));
    ok(peer_ask(s.bob, "data_ref", "\"context_id\":\"%s\",\"name\":\"log\",\"value\":7", id));
    const char *answer =
        peer_ask(s.bob, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"again\"", id);
    ok(answer);
    snprintf(fork, sizeof fork, "%s", line_get(answer, "result.sidebar_id"));
    const char *context = shown(s.ada, fork);
    assert_member(context, "forked_from", id);
    assert_holds(context, "participants", "\"ada\"");
    assert_holds(context, "participants", "\"bob\"");
    assert_member(context, "success_criteria", "it runs");
    assert_member(context, "priority", "high");
    assert_member(context, "data_refs.log.value", "7");
    assert_holds(context, "cross_sidebar_refs", id);
    assert_holds(context, "inherited_memory", id);         /* its local memory ... */
    assert_holds(context, "inherited_memory", "\"main\""); /* ... and what it had inherited */
    assert_holds(shown(s.ada, id), "cross_sidebar_refs", fork);
    assert_member(shown(s.ada, id), "status", "active");
    finish(&s);
}

static void merge_back_to_parent(void **state) {
    char id[SIDE_ID];
    (void)state;
    scene s = begin();
    side_spawn(s.ada, "\"bob\"", "", id);
    ok(peer_ask(s.bob, "memory_update", "\"context_id\":\"%s\",\"exchange\":{\"found\":1}", id));
    ok(peer_ask(s.bob, "data_ref", "\"context_id\":\"%s\",\"name\":\"log\",\"value\":7", id));
    ok(peer_ask(s.ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"consolidating\"", id));
    ok(peer_ask(s.ada, "sidebar_merge",
                "\"sidebar_id\":\"%s\",\"consolidated_findings\":{\"why\":\"rust\"},\"success\":true", id));
    const char *merge = peer_last(s.cy, "\"type\":\"sidebar_merge\""); /* who reads the parent, reads it */
    assert_non_null(merge);
    char line[8192];
    snprintf(line, sizeof line, "%s", merge);
    assert_member(line, "sidebar_id", id);
    assert_member(line, "parent_id", "null");
    assert_member(line, "consolidated_findings.why", "rust");
    assert_member(line, "new_data_refs.log", "7");
    assert_member(line, "exchanges_to_merge.0.exchange.found", "1");
    assert_member(line, "exchanges_to_merge.0.sender_agent_id", "bob");
    assert_member(line, "child_results", "[]");
    assert_member(line, "success", "true");
    assert_member(shown(s.ada, id), "status", "merged");
    assert_member(shown(s.cy, "main"), "data_refs.log.value", "7");
    finish(&s);
}

static void update_activity(void **state) {
    char id[SIDE_ID], created[40];
    (void)state;
    scene s = begin();
    side_spawn(s.ada, "\"bob\"", "", id);
    const char *context = shown(s.ada, id);
    snprintf(created, sizeof created, "%s", line_get(context, "created_at"));
    assert_member(context, "last_activity", created);
    world_run(s.world, 5000);
    assert_member(shown(s.ada, id), "last_activity", created); /* looking is no activity */
    ok(peer_ask(s.bob, "memory_update", "\"context_id\":\"%s\",\"exchange\":1", id));
    context = shown(s.ada, id);
    assert_member(context, "created_at", created);
    assert_true(strcmp(line_get(context, "last_activity"), created) > 0);

    ok(peer_ask(s.bob, "memory_update", "\"exchange\":1"));
    snprintf(created, sizeof created, "%s", line_get(shown(s.ada, "main"), "last_activity"));
    world_run(s.world, 5000);
    ok(peer_ask(s.bob, "memory_update", "\"exchange\":2"));
    assert_member(shown(s.ada, "main"), "created_at", created); /* it began with its first record */
    finish(&s);
}

static void every_field_of_the_context_is_shown(void **state) {
    static const char *const fields[] = {"sidebar_id",        "parent_context_id",  "child_sidebar_ids",
                                         "forked_from",       "participants",       "agent_capabilities",
                                         "coordinator_agent", "inherited_memory",   "local_memory",
                                         "data_refs",         "cross_sidebar_refs", "status",
                                         "priority",          "created_at",         "last_activity",
                                         "success_criteria",  "failure_reason"};
    static const char *const capability[] = {"agent_id", "specialties", "availability", "current_load",
                                             "preferred_collaborators"};
    char id[SIDE_ID], path[80];
    (void)state;
    scene s = begin();
    peer_ask(s.bob, "agent_presence",
             "\"status\":\"working\",\"preferred_collaborators\":[\"cy\"],\"availability\":\"busy\"");
    side_spawn(s.ada, "\"bob\"", ",\"coordinator_agent\":\"bob\"", id);
    const char *context = shown(s.ada, id);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (line_is(context, fields[i], "")) fail_msg("no %s in %s", fields[i], context);
    for (size_t i = 0; i < sizeof capability / sizeof *capability; i++) {
        snprintf(path, sizeof path, "agent_capabilities.bob.%s", capability[i]);
        if (line_is(context, path, "")) fail_msg("no %s in %s", path, context);
    }
    assert_member(context, "coordinator_agent", "bob");
    assert_member(context, "agent_capabilities.bob.specialties", "[\"debugging\"]");
    assert_member(context, "agent_capabilities.bob.availability", "busy");
    assert_member(context, "agent_capabilities.bob.current_load", "1");
    assert_member(context, "agent_capabilities.bob.preferred_collaborators", "[\"cy\"]");
    assert_member(context, "forked_from", "null");
    assert_member(context, "failure_reason", "null");
    finish(&s);
}

/* ---- messages -------------------------------------------------------------------------------------------------------
 */

/* The fields of the interfaces, beside BaseMessage's; behind `=` what is sent below, or what must come of it. */
static const struct {
    const char *type, *fields[14];
} interfaces[] = {
    {"memory_update", {"exchange=1", "context_id", "priority=normal"}},
    {"sidebar_spawn",
     {"sidebar_id", "parent_id=main", "participants=[\"ada\",\"bob\",\"cy\"]", "inherited_context",
      "task_description=a task", "success_criteria=c", "priority=normal", "requested_by=ada"}},
    {"sidebar_status_update",
     {"sidebar_id", "old_status=active", "new_status=consolidating", "reason=r", "updated_by=ada"}},
    {"sidebar_pause", {"sidebar_id", "reason=r", "resume_condition=lunch", "paused_by=ada"}},
    {"sidebar_resume", {"sidebar_id", "reason=r", "resumed_by=ada"}},
    {"sidebar_fork",
     {"original_sidebar_id", "new_sidebar_id", "fork_reason=r", "participants=[\"ada\",\"bob\",\"cy\"]",
      "forked_by=ada"}},
    {"sidebar_child_spawn",
     {"parent_sidebar_id", "child_sidebar_id", "sub_task_description=t", "assigned_agents=[\"ada\",\"bob\"]",
      "spawned_by=ada"}},
    {"sidebar_merge",
     {"sidebar_id", "parent_id=null", "consolidated_findings", "exchanges_to_merge", "child_results", "success=true"}},
    {"sidebar_archive", {"sidebar_id", "archive_reason=r", "final_status=merged", "archived_by=ada"}},
    {"mention_route",
     {"target_agents=[\"bob\"]", "message=m", "context_refs=[\"main\"]", "sidebar_id", "priority=urgent"}},
    {"agent_presence", {"agent_id=ada", "status=working", "current_context", "active_sidebars", "specialties"}},
    {"sidebar_test_result",
     {"sidebar_id", "test_description=t", "result=inconclusive", "findings=f", "next_test_suggestion=n",
      "tested_by=bob"}},
    {"sidebar_waiting_update",
     {"sidebar_id", "waiting_for=system_resource", "description=d", "estimated_wait_time=60",
      "dependency_refs=[\"gpu\"]"}},
};

static void assert_field(const char *line, const char *field) {
    char path[80];
    const char *value = strchr(field, '=');
    snprintf(path, sizeof path, "%.*s", value ? (int)(value - field) : (int)strlen(field), field);
    if (line_is(line, path, "")) fail_msg("no %s in %s", path, line);
    if (value) assert_member(line, path, value + 1);
}

static void every_field_of_every_interface_arrives(void **state) {
    char id[SIDE_ID];
    (void)state;
    scene s = begin();
    side_spawn(s.ada, "\"bob\",\"cy\"", ",\"success_criteria\":\"c\"", id);
    ok(peer_ask(s.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":1", id));
    ok(peer_ask(s.ada, "sidebar_child_spawn",
                "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[\"bob\"]", id));
    char child[SIDE_ID];
    snprintf(child, sizeof child, "%s",
             line_get(peer_last(s.bob, "\"type\":\"sidebar_child_spawn\""), "child_sidebar_id"));
    ok(peer_ask(s.ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"r\"",
                child));
    ok(peer_ask(s.ada, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":\"lunch\"", id));
    ok(peer_ask(s.ada, "sidebar_resume", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", id));
    ok(peer_ask(s.bob, "sidebar_test_result",
                "\"sidebar_id\":\"%s\",\"test_description\":\"t\",\"result\":\"inconclusive\",\"findings\":\"f\","
                "\"next_test_suggestion\":\"n\"",
                id));
    ok(peer_ask(s.bob, "sidebar_waiting_update",
                "\"sidebar_id\":\"%s\",\"waiting_for\":\"system_resource\",\"description\":\"d\","
                "\"estimated_wait_time\":60,\"dependency_refs\":[\"gpu\"]",
                id));
    assert_member(shown(s.cy, id), "waiting.waiting_for", "system_resource");
    assert_member(shown(s.cy, id), "waiting.description", "d");
    ok(peer_ask(s.ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"active\",\"reason\":\"r\"",
                id));
    assert_member(shown(s.cy, id), "waiting", "");
    ok(peer_ask(s.ada, "mention_route",
                "\"target_agents\":[\"bob\"],\"message\":\"m\",\"context_refs\":[\"main\"],\"sidebar_id\":\"%s\","
                "\"priority\":\"urgent\"",
                id));
    ok(peer_ask(s.ada, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\"", id));
    ok(peer_ask(s.ada, "sidebar_status_update",
                "\"sidebar_id\":\"%s\",\"new_status\":\"consolidating\",\"reason\":\"r\"", id));
    ok(peer_ask(s.ada, "sidebar_merge", "\"sidebar_id\":\"%s\"", id));
    ok(peer_ask(s.ada, "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"r\"", id));
    ok(peer_ask(s.ada, "agent_presence", "\"status\":\"working\",\"current_context\":\"main\""));
    world_run(s.world, 2000); /* it is the last who tells: the others have been told before */
    for (size_t i = 0; i < sizeof interfaces / sizeof *interfaces; i++) {
        char part[80], line[8192];
        snprintf(part, sizeof part, "\"type\":\"%s\"", interfaces[i].type);
        if (!peer_last(s.bob, part)) fail_msg("no %s", interfaces[i].type);
        snprintf(line, sizeof line, "%s", peer_last(s.bob, part));
        for (const char *const *field = interfaces[i].fields; *field; field++) assert_field(line, *field);
        assert_true(strlen(line_get(line, "message_id")) == 36 && strlen(line_get(line, "timestamp")) == 24);
        assert_string_not_equal(line_get(line, "sender_agent_id"), "");
    }
    finish(&s);
}

/* DuplicateAck: original_message_id, message. */
static void what_is_sent_twice_is_done_once(void **state) {
    static const char command[] =
        "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-0000000000aa\",\"exchange\":\"once\"}";
    char line[8192];
    (void)state;
    scene s = begin();
    for (int i = 0; i < 2; i++) {
        peer_say(s.ada, command);
        world_run(s.world, 1);
    }
    assert_non_null(peer_last(s.ada, "\"type\":\"duplicate_ack\""));
    snprintf(line, sizeof line, "%s", peer_last(s.ada, "\"type\":\"duplicate_ack\""));
    assert_field(line, "original_message_id=00000000-0000-4000-8000-0000000000aa");
    assert_field(line, "message");
    assert_field(line, "message_id");
    assert_field(line, "timestamp");
    assert_int_equal(peer_count(s.bob, "\"once\""), 1);
    finish(&s);
}

static void the_chat_interface_spawns_a_sidebar(void **state) {
    (void)state;
    scene s = begin();
    peer_say(s.ada,
             "{\"type\":\"spawn_sidebar\",\"participants\":[\"bob\"],\"task\":\"look\",\"inherit_context\":true}");
    world_run(s.world, 1);
    const char *line = peer_last(s.bob, "\"type\":\"sidebar_spawn\"");
    assert_non_null(line);
    assert_member(line, "task_description", "look");
    assert_member(line, "requested_by", "ada");
    assert_member(line, "parent_id", "main");
    assert_member(line, "inherited_context.0.context_id", "main");
    finish(&s);
}

static void a_client_may_send_the_interface_as_it_is(void **state) {
    (void)state;
    scene s = begin();
    const char *answer = peer_ask(
        s.ada, "sidebar_spawn",
        "\"timestamp\":\"2026-01-02T03:04:05Z\",\"sender_agent_id\":\"ada\",\"sidebar_id\":\"mine\","
        "\"parent_id\":\"main\",\"participants\":[\"bob\"],\"inherited_context\":[],\"task_description\":\"t\","
        "\"success_criteria\":\"c\",\"priority\":\"background\",\"requested_by\":\"ada\"");
    ok(answer);
    char line[8192];
    snprintf(line, sizeof line, "%s", peer_last(s.bob, "\"type\":\"sidebar_spawn\""));
    assert_member(line, "client_ref", "mine");
    assert_string_not_equal(line_get(line, "sidebar_id"), "mine");
    assert_member(line, "priority", "background");
    assert_member(line, "origin_time", "2026-01-02T03:04:05Z");
    answer = peer_ask(s.ada, "sidebar_spawn",
                      "\"participants\":[\"bob\"],\"task_description\":\"t\",\"requested_by\":\"bob\"");
    assert_string_equal(answer_of(answer), "forbidden");
    finish(&s);
}

static void there_are_five_priorities(void **state) {
    static const char *const words[] = {"critical", "high", "normal", "low", "background"};
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char id[SIDE_ID], more[40];
        scene s = begin();
        snprintf(more, sizeof more, ",\"priority\":\"%s\"", words[i]);
        side_spawn(s.ada, "\"bob\"", more, id);
        assert_member(shown(s.bob, id), "priority", words[i]);
        ok(peer_ask(s.bob, "memory_update", "\"context_id\":\"%s\",\"exchange\":1",
                    id)); /* the default of its records */
        assert_member(peer_last(s.ada, "\"type\":\"memory_update\""), "priority", words[i]);
        finish(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inherit_from_parent),
        cmocka_unit_test(spawn_child_sidebar),
        cmocka_unit_test(fork_sidebar),
        cmocka_unit_test(merge_back_to_parent),
        cmocka_unit_test(update_activity),
        cmocka_unit_test(every_field_of_the_context_is_shown),
        cmocka_unit_test(every_field_of_every_interface_arrives),
        cmocka_unit_test(what_is_sent_twice_is_done_once),
        cmocka_unit_test(the_chat_interface_spawns_a_sidebar),
        cmocka_unit_test(a_client_may_send_the_interface_as_it_is),
        cmocka_unit_test(there_are_five_priorities),
    };
    return cmocka_run_group_tests_name("sidebar/design", tests, NULL, NULL);
}
