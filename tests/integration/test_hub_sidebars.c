/* Sidebars through the public API: what is said and what everybody hears of it. */
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
#include "side_talk.h"

#define MS    1u
#define HOUR  3600000u
#define ID_OF 64

typedef struct room {
    hub_world w;
    peer *ada, *bob, *cleo, *dan;
    unsigned next; /* of message ids */
    char side[ID_OF];
} room;

static void settle(room *r) {
    world_run(&r->w, 5 * MS);
}

static void open_room_with(room *r, const wsm_log *log) {
    assert_int_equal(world_start(&r->w, log), 0);
    settle(r);
    r->ada = world_join(&r->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->bob = world_join(&r->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->cleo = world_join(&r->w, "cleo", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->dan = world_join(&r->w, "dan", WSM_PERMISSION_ACTIVE, NULL, 0);
    settle(r);
}

static void open_room(room *r) {
    memset(r, 0, sizeof *r);
    world_init(&r->w);
    open_room_with(r, NULL);
}

static void close_room(room *r) {
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
}

static void forget(room *r) {
    peer_forget(r->ada);
    peer_forget(r->bob);
    peer_forget(r->cleo);
    peer_forget(r->dan);
}

/* Says it with a new message id and waits for the answer, which is returned. */
static const char *say(room *r, peer *p, const char *fields) {
    char id[64], text[4096];
    snprintf(id, sizeof id, "0190c000-0000-7000-8000-%012u", ++r->next);
    snprintf(text, sizeof text, "{\"message_id\":\"%s\",%s}", id, fields);
    assert_int_equal(peer_say(p, "%s", text), 0);
    settle(r);
    snprintf(text, sizeof text, "\"original_message_id\":\"%s\"", id);
    const char *answer = peer_last(p, text);
    assert_non_null(answer);
    return answer;
}

static void expect_ack(const char *answer) {
    if (!strstr(answer, "\"type\":\"ack\"")) fail_msg("%s", answer);
}

static void expect_error(const char *answer, const char *code) {
    char part[64];
    snprintf(part, sizeof part, "\"code\":\"%s\"", code);
    if (!strstr(answer, part)) fail_msg("expected %s: %s", code, answer);
}

/* The text of a field in a line. */
static void field_of(const char *line, const char *name, char *out, size_t cap) {
    char part[64];
    snprintf(part, sizeof part, "\"%s\":\"", name);
    const char *at = strstr(line, part);
    assert_non_null(at);
    at += strlen(part);
    size_t len = strcspn(at, "\"");
    assert_true(len < cap);
    memcpy(out, at, len);
    out[len] = '\0';
}

static const char *fill(room *r, const char *format) { /* %s: the sidebar */
    static char text[4096];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, r->side);
#pragma GCC diagnostic pop
    return text;
}

static const char *say_of(room *r, peer *p, const char *format) {
    return say(r, p, fill(r, format));
}

static void spawn(room *r, peer *p, const char *more) {
    char text[2048];
    snprintf(text, sizeof text, "\"type\":\"sidebar_spawn\",\"task_description\":\"look into it\",%s", more);
    const char *answer = say(r, p, text);
    expect_ack(answer);
    field_of(answer, "sidebar_id", r->side, sizeof r->side);
    assert_memory_equal(r->side, "sb-", 3);
}

static void spawn_pair(room *r) {
    spawn(r, r->ada, "\"participants\":[\"bob\"]");
}

/* ---- beginning and belonging ---- */

static void a_spawn_reaches_its_participants_and_nobody_else(void **state) {
    (void)state;
    room r;
    open_room(&r);
    forget(&r);
    spawn(&r, r.ada, "\"participants\":[\"bob\"],\"client_ref\":\"mine\",\"priority\":\"high\"");
    assert_int_equal(peer_count(r.ada, "\"type\":\"sidebar_spawn\""), 1);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_spawn\""), 1);
    assert_int_equal(peer_count(r.cleo, "sidebar"), 0);
    const char *line = peer_last(r.bob, "sidebar_spawn");
    assert_non_null(strstr(line, "\"participants\":[\"ada\",\"bob\"]"));
    assert_non_null(strstr(line, "\"requested_by\":\"ada\""));
    assert_non_null(strstr(line, "\"inherited_context\":[{\"context_id\":\"main\""));
    assert_non_null(strstr(line, "\"parent_id\":\"main\""));
    assert_non_null(strstr(line, "\"seq\":1"));
    assert_non_null(strstr(line, "\"priority\":\"high\""));
    assert_non_null(strstr(peer_last(r.ada, "\"ack\""), "\"client_ref\":\"mine\""));
    close_room(&r);
}

static void what_is_said_inside_stays_inside(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn_pair(&r);
    forget(&r);
    expect_ack(say_of(&r, r.bob, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"a secret\""));
    assert_int_equal(peer_count(r.ada, "a secret"), 1);
    assert_int_equal(peer_count(r.cleo, "a secret"), 0);
    expect_error(say_of(&r, r.cleo, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":1"), "forbidden");
    expect_error(say_of(&r, r.cleo, "\"type\":\"context_request\",\"context_id\":\"%s\""), "forbidden");
    expect_error(say(&r, r.ada, "\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[\"nobody\"]"),
                 "unknown_agent");
    close_room(&r);
}

static void joining_leaving_inviting_removing(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn_pair(&r);
    expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"before\""));
    forget(&r);
    expect_error(say_of(&r, r.cleo, "\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\",\"history\":\"all\""),
                 "forbidden");
    expect_ack(say_of(&r, r.cleo, "\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\"")); /* it is open */
    assert_int_equal(peer_count(r.ada, "\"type\":\"sidebar_join\""), 1);
    expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"after\""));
    assert_int_equal(peer_count(r.cleo, "after"), 1);
    assert_int_equal(peer_count(r.cleo, "before"), 0);
    expect_error(say_of(&r, r.cleo, "\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\""), "conflict");
    expect_ack(say_of(&r, r.cleo, "\"type\":\"sidebar_leave\",\"sidebar_id\":\"%s\""));
    assert_int_equal(peer_count(r.cleo, "\"type\":\"sidebar_leave\""), 1); /* it sees its own leaving */
    expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"later\""));
    assert_int_equal(peer_count(r.cleo, "later"), 0);
    expect_ack(say_of(&r, r.ada,
                      "\"type\":\"sidebar_invite\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"],\"history\":\"all\""));
    assert_int_equal(peer_count(r.dan, "\"type\":\"sidebar_invite\""), 1);
    expect_ack(say_of(&r, r.dan, "\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\",\"history\":\"all\""));
    assert_int_equal(peer_count(r.dan, "\"exchange\":\"before\""), 1); /* the history */
    assert_int_equal(peer_count(r.dan, "\"exchange\":\"later\""), 1);
    assert_int_equal(peer_count(r.dan, "\"type\":\"sidebar_invite\""), 1); /* it came when he was invited */
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_remove\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"]"));
    assert_int_equal(peer_count(r.dan, "\"type\":\"sidebar_remove\""), 1);
    expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"last\""));
    assert_int_equal(peer_count(r.dan, "\"exchange\":\"last\""), 0);
    close_room(&r);
}

static void a_removed_member_gets_nothing_that_was_queued(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn_pair(&r);
    forget(&r);
    r.bob->stalled = 1;
    expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"first\""));
    expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"queued\""));
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_remove\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]"));
    r.bob->stalled = 0;
    peer_drain(r.bob);
    settle(&r);
    assert_int_equal(peer_count(r.bob, "queued"), 0);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_remove\""), 1);
    close_room(&r);
}

/* ---- isolation ---- */

/* The answers that an outsider gets about `id`, with everything else the same. */
static void probe(room *r, const char *id, char *out, size_t cap) {
    static const char *const tries[] = {
        "\"type\":\"memory_update\",\"exchange\":1,\"context_id\":\"%s\"",
        "\"type\":\"data_ref\",\"name\":\"n\",\"value\":1,\"context_id\":\"%s\"",
        "\"type\":\"context_request\",\"context_id\":\"%s\"",
        "\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\"",
        "\"type\":\"sidebar_leave\",\"sidebar_id\":\"%s\"",
        "\"type\":\"sidebar_invite\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"]",
        "\"type\":\"sidebar_remove\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"]",
        "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"testing\"",
        "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\"",
        "\"type\":\"sidebar_resume\",\"sidebar_id\":\"%s\",\"reason\":\"r\"",
        "\"type\":\"sidebar_fork\",\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\"",
        "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\"",
        "\"type\":\"sidebar_merge_decision\",\"sidebar_id\":\"%s\",\"accept\":\"all\"",
        "\"type\":\"sidebar_archive\",\"sidebar_id\":\"%s\",\"archive_reason\":\"r\"",
        "\"type\":\"sidebar_test_result\",\"sidebar_id\":\"%s\",\"test_description\":\"t\",\"result\":\"passed\","
        "\"findings\":\"\"",
        ("\"type\":\"sidebar_waiting_update\",\"sidebar_id\":\"%s\","
         "\"waiting_for\":\"human_input\",\"description\":\"d\""),
        "\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[],\"parent_id\":\"%s\"",
        "\"type\":\"sidebar_child_spawn\",\"sub_task_description\":\"t\",\"assigned_agents\":[],\"parent_sidebar_id\":"
        "\"%s\"",
        "\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[],\"cross_sidebar_refs\":[\"%s\"]",
    };
    size_t len = 0;
    char text[1024];
    r->next = 1000;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, tries[i], id);
#pragma GCC diagnostic pop
        const char *answer = say(r, r->cleo, text), *code = strstr(answer, "\"original_message_id\"");
        expect_error(answer, "not_found");
        len += (size_t)snprintf(out + len, cap - len, "%s\n", code);
        assert_true(len < cap);
    }
}

static void a_private_sidebar_is_as_none_for_outsiders(void **state) {
    (void)state;
    static char with[16384], without[16384];
    room r;
    open_room(&r);
    forget(&r);
    spawn(&r, r.ada, "\"participants\":[\"bob\"],\"visibility\":\"private\"");
    expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":1"));
    assert_int_equal(peer_count(r.cleo, "sb-"), 0);
    probe(&r, r.side, with, sizeof with);
    probe(&r, "sb-AAAAAAAAAAAAAAAAAAAAAA", without, sizeof without);
    assert_string_equal(with, without);
    const char *answer = say(&r, r.cleo, "\"type\":\"context_request\"");
    expect_ack(answer);
    assert_int_equal(peer_count(r.cleo, "sb-"), 0); /* not among main's children, not in anybody's load */
    assert_non_null(strstr(peer_last(r.cleo, "context_snapshot"), "\"child_sidebar_ids\":[]"));
    expect_ack(say(&r, r.ada, "\"type\":\"context_request\""));
    assert_non_null(strstr(peer_last(r.ada, "context_snapshot"), r.side));
    close_room(&r);
}

static void a_private_sidebar_is_not_named_among_others(void **state) {
    (void)state;
    room r;
    char private[ID_OF];
    open_room(&r);
    spawn(&r, r.ada, "\"participants\":[\"bob\"],\"visibility\":\"private\"");
    memcpy(private, r.side, sizeof private);
    spawn(&r, r.ada, "\"participants\":[\"cleo\"]");
    char text[512];
    snprintf(text, sizeof text,
             "\"type\":\"sidebar_waiting_update\",\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\","
             "\"description\":\"d\",\"dependency_refs\":[\"%s\"]",
             r.side, private);
    forget(&r);
    expect_error(say(&r, r.ada, text), "forbidden");
    assert_int_equal(peer_count(r.cleo, private), 0);
    close_room(&r);
}

/* ---- status ---- */

static void statuses_follow_the_table_and_carry_versions(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn_pair(&r);
    forget(&r);
    expect_ack(
        say_of(&r, r.ada,
               "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"testing\",\"if_version\":0"));
    const char *line = peer_last(r.bob, "sidebar_status_update");
    assert_non_null(strstr(line, "\"old_status\":\"active\""));
    assert_non_null(strstr(line, "\"version\":1"));
    assert_non_null(strstr(line, "\"updated_by\":\"ada\""));
    expect_error(
        say_of(&r, r.bob,
               "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"active\",\"if_version\":0"),
        "conflict");
    expect_error(
        say_of(&r, r.bob, "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"merged\""),
        "invalid_transition");
    expect_error(
        say_of(&r, r.bob, "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"failed\""),
        "bad_message");
    expect_ack(say_of(&r, r.bob, "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"lunch\""));
    expect_ack(say_of(&r, r.bob, "\"type\":\"sidebar_resume\",\"sidebar_id\":\"%s\",\"reason\":\"fed\""));
    assert_non_null(strstr(peer_last(r.ada, "sidebar_resume"), "\"new_status\":\"testing\""));
    expect_ack(
        say_of(&r, r.bob,
               "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"no\""));
    expect_error(say_of(&r, r.bob, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":1"),
                 "invalid_transition");
    expect_ack(say_of(&r, r.ada, "\"type\":\"context_request\",\"context_id\":\"%s\""));
    assert_non_null(strstr(peer_last(r.ada, "context_snapshot"), "\"failure_reason\":\"no\""));
    close_room(&r);
}

static void commands_may_follow_each_other_without_waiting(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn_pair(&r);
    forget(&r);
    for (int i = 0; i < 3; i++) {
        peer_say(r.ada, "{\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"%d\"}", r.side, i);
        peer_say(r.ada, "{\"type\":\"sidebar_resume\",\"sidebar_id\":\"%s\",\"reason\":\"%d\"}", r.side, i);
        peer_say(r.ada, "{\"type\":\"data_ref\",\"context_id\":\"%s\",\"name\":\"n\",\"value\":%d}", r.side, i);
    }
    settle(&r);
    assert_int_equal(peer_count(r.ada, "\"type\":\"error\""), 0);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_resume\""), 3);
    assert_non_null(strstr(peer_last(r.bob, "\"type\":\"data_ref\""), "\"version\":3"));
    close_room(&r);
}

static void the_coordinator_leads_and_is_followed_when_gone(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn(&r, r.ada, "\"participants\":[\"bob\",\"cleo\"],\"coordinator_agent\":\"ada\"");
    expect_error(say_of(&r, r.bob, "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\""), "forbidden");
    forget(&r);
    peer_leave(r.ada);
    world_run(&r.w, 20000);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_coordinator\""), 1);
    assert_non_null(strstr(peer_last(r.bob, "sidebar_coordinator"), "\"coordinator_agent\":\"bob\""));
    expect_ack(say_of(&r, r.bob, "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\""));
    close_room(&r);
}

static void conditions_resume_by_themselves(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn_pair(&r);
    expect_ack(say_of(&r, r.ada,
                      "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\","
                      "\"resume_condition\":{\"key\":\"build\"}"));
    forget(&r);
    expect_ack(say(&r, r.cleo, "\"type\":\"memory_update\",\"exchange\":1,\"key\":\"other\""));
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_resume\""), 0);
    expect_ack(say(&r, r.cleo, "\"type\":\"memory_update\",\"exchange\":1,\"key\":\"build\""));
    settle(&r);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_resume\""), 1);
    assert_non_null(strstr(peer_last(r.bob, "sidebar_resume"), "\"resumed_by\":\"hub\""));
    char first[ID_OF];
    memcpy(first, r.side, sizeof first);
    spawn_pair(&r);
    char text[512];
    snprintf(text, sizeof text,
             "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\","
             "\"resume_condition\":{\"sidebar\":\"%s\"}",
             r.side, first);
    expect_ack(say(&r, r.ada, text));
    forget(&r);
    memcpy(r.side, first, sizeof first);
    expect_ack(
        say_of(&r, r.ada,
               "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"r\""));
    settle(&r);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_resume\""), 1);
    close_room(&r);
}

static void a_mention_in_a_sidebar_resumes_it(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn_pair(&r);
    static const char pause[] = "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\","
                                "\"resume_condition\":{\"mention\":\"bob\"}";
    expect_ack(say_of(&r, r.ada, pause));
    forget(&r);
    expect_ack(say(&r, r.cleo,
                   "\"type\":\"mention_route\",\"target_agents\":[\"bob\"],\"message\":\"m\",\"context_refs\":[]"));
    settle(&r);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_resume\""), 0); /* elsewhere */
    expect_ack(say_of(&r, r.ada,
                      "\"type\":\"mention_route\",\"target_agents\":[\"bob\"],\"message\":\"m\","
                      "\"context_refs\":[],\"sidebar_id\":\"%s\""));
    settle(&r);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_resume\""), 1);
    expect_ack(say_of(&r, r.ada, pause));
    expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"well, @bob?\""));
    settle(&r);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_resume\""), 2);
    close_room(&r);
}

static void a_circle_of_waits_is_told_and_a_wait_ends_with_what_it_waits_for(void **state) {
    (void)state;
    room r;
    char a[ID_OF], b[ID_OF], text[512];
    open_room(&r);
    spawn_pair(&r);
    memcpy(a, r.side, sizeof a);
    spawn_pair(&r);
    memcpy(b, r.side, sizeof b);
    static const char wait[] =
        "\"type\":\"sidebar_waiting_update\",\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\","
        "\"description\":\"d\",\"dependency_refs\":[\"%s\"]";
    forget(&r);
    snprintf(text, sizeof text, wait, a, b);
    expect_ack(say(&r, r.ada, text));
    assert_int_equal(peer_count(r.bob, "\"type\":\"deadlock\""), 0);
    snprintf(text, sizeof text, wait, b, a);
    expect_ack(say(&r, r.ada, text));
    assert_int_equal(peer_count(r.bob, "\"type\":\"deadlock\""), 1);
    assert_int_equal(peer_count(r.cleo, "\"type\":\"deadlock\""), 0);
    memcpy(r.side, b, sizeof b);
    expect_ack(
        say_of(&r, r.ada,
               "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"r\""));
    settle(&r);
    const char *line = peer_last(r.bob, "\"old_status\":\"waiting\"");
    assert_non_null(line);
    assert_non_null(strstr(peer_last(r.bob, "sidebar_status_update"), a));
    assert_non_null(strstr(peer_last(r.bob, "sidebar_status_update"), "\"new_status\":\"active\""));
    close_room(&r);
}

static void idle_sidebars_are_warned_and_put_away(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn_pair(&r);
    forget(&r);
    world_run(&r.w, 24u * HOUR + 2000);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_idle_warning\""), 1);
    expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":1")); /* not idle */
    world_run(&r.w, 6u * 24u * HOUR);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_idle_warning\""), 2);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_archive\""), 0);
    world_run(&r.w, 24u * HOUR + 5000);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_archive\""), 1);
    const char *line = peer_last(r.bob, "\"type\":\"sidebar_archive\"");
    assert_non_null(strstr(line, "\"archive_reason\":\"idle\""));
    assert_non_null(strstr(line, "\"final_status\":\"active\""));
    assert_int_equal(peer_count(r.bob, "\"type\":\"memory_archived\""), 1);
    close_room(&r);
}

/* ---- memory ---- */

static void data_references_are_seen_down_the_chain(void **state) {
    (void)state;
    room r;
    open_room(&r);
    expect_ack(say(&r, r.cleo, "\"type\":\"data_ref\",\"name\":\"a\",\"value\":{\"x\":1}"));
    spawn_pair(&r);
    expect_ack(say(&r, r.cleo, "\"type\":\"data_ref\",\"name\":\"a\",\"value\":2"));
    assert_non_null(strstr(peer_last(r.dan, "data_ref"), "\"version\":2"));
    expect_error(say(&r, r.cleo, "\"type\":\"data_ref\",\"name\":\"a\",\"value\":3,\"if_version\":1"), "conflict");
    expect_ack(say_of(&r, r.bob, "\"type\":\"context_request\",\"context_id\":\"%s\""));
    assert_non_null(strstr(peer_last(r.bob, "context_snapshot"),
                           "\"data_refs\":{\"a\":{\"value\":{\"x\":1},\"version\":1,\"context_id\":\"main\"}}"));
    expect_ack(say_of(&r, r.bob, "\"type\":\"data_ref\",\"context_id\":\"%s\",\"name\":\"a\",\"value\":null"));
    expect_ack(say_of(&r, r.bob, "\"type\":\"context_request\",\"context_id\":\"%s\""));
    assert_non_null(strstr(peer_last(r.bob, "context_snapshot"), "\"data_refs\":{}"));
    close_room(&r);
}

static void a_dry_run_says_what_would_be_inherited(void **state) {
    (void)state;
    room r;
    open_room(&r);
    for (int i = 0; i < 3; i++) expect_ack(say(&r, r.cleo, "\"type\":\"memory_update\",\"exchange\":1"));
    forget(&r);
    const char *answer =
        say(&r, r.ada,
            "\"type\":\"spawn_sidebar\",\"task\":\"t\",\"participants\":[\"bob\"],\"inherit_context\":true,"
            "\"dry_run\":true");
    assert_non_null(strstr(answer, "\"records\":3"));
    assert_int_equal(peer_count(r.bob, "sidebar_spawn"), 0);
    answer = say(&r, r.ada, "\"type\":\"spawn_sidebar\",\"task\":\"t\",\"participants\":[],\"inherit_context\":false");
    assert_non_null(strstr(answer, "\"records\":0"));
    close_room(&r);
}

static void a_merge_brings_everything_to_the_parent(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn_pair(&r);
    expect_ack(
        say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"one\",\"key\":\"k\""));
    expect_ack(say_of(
        &r, r.bob, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"two\",\"priority\":\"critical\""));
    expect_ack(say_of(&r, r.bob,
                      "\"type\":\"sidebar_test_result\",\"sidebar_id\":\"%s\",\"test_description\":\"t\","
                      "\"result\":\"passed\",\"findings\":\"fine\""));
    expect_ack(say_of(&r, r.bob, "\"type\":\"data_ref\",\"context_id\":\"%s\",\"name\":\"d\",\"value\":\"mine\""));
    expect_ack(say(&r, r.cleo, "\"type\":\"data_ref\",\"name\":\"d\",\"value\":\"theirs\""));
    forget(&r);
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\""));
    const char *line = peer_last(r.cleo, "\"type\":\"sidebar_merge\""); /* no member of it */
    assert_non_null(line);
    assert_non_null(strstr(line, "\"parent_id\":null"));
    assert_non_null(strstr(line, "\"context_id\":\"main\""));
    assert_non_null(strstr(line, "\"exchange\":\"one\""));
    assert_non_null(strstr(line, "\"sender_agent_id\":\"bob\",\"exchange\":\"two\""));
    assert_non_null(strstr(line, "\"new_data_refs\":{\"d\":\"mine\"}"));
    assert_non_null(strstr(line, "\"conflicts\":[{\"name\":\"d\",\"parent\":\"theirs\",\"sidebar\":\"mine\""));
    assert_non_null(strstr(line, "\"tests\":[{"));
    assert_non_null(strstr(line, "\"success\":true"));
    assert_int_equal(peer_count(r.ada, "\"type\":\"sidebar_merge\""), 1);
    const char *again = say_of(&r, r.bob, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\"");
    assert_non_null(strstr(again, "\"type\":\"duplicate_ack\""));
    expect_ack(say(&r, r.cleo, "\"type\":\"context_request\""));
    line = peer_last(r.cleo, "context_snapshot");
    assert_non_null(strstr(line, "\"d\":{\"value\":\"theirs\""));
    assert_non_null(strstr(line, "{\"value\":\"mine\""));
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_archive\",\"sidebar_id\":\"%s\",\"archive_reason\":\"done\""));
    assert_non_null(strstr(peer_last(r.bob, "\"type\":\"sidebar_archive\""), "\"final_status\":\"merged\""));
    close_room(&r);
}

static int extract(void *user, const wsm_merge *merge, char *out, size_t cap, size_t *len) {
    hub_world *world = user;
    assert_memory_equal(merge->sidebar_id, "sb-", 3);
    assert_true(merge->exchanges.ptr && merge->findings.ptr);
    *len = (size_t)snprintf(out, cap, world->wakes ? "{\"summary\":" : "{\"summary\":%zu}", merge->exchanges.len);
    return 1;
}

static void a_host_may_put_the_findings_together(void **state) {
    (void)state;
    room r;
    memset(&r, 0, sizeof r);
    world_init(&r.w);
    r.w.host.extract_findings = extract;
    open_room_with(&r, NULL);
    r.w.wakes = 0;
    spawn_pair(&r);
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\""));
    assert_non_null(strstr(peer_last(r.cleo, "sidebar_merge"), "\"consolidated_findings\":{\"summary\":2}"));
    spawn_pair(&r);
    r.w.wakes = 1; /* what it writes now is no JSON */
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\""));
    assert_non_null(strstr(peer_last(r.cleo, "sidebar_merge"), "\"consolidated_findings\":{\"critical\":["));
    spawn_pair(&r);
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"consolidated_findings\":7"));
    assert_non_null(strstr(peer_last(r.cleo, "sidebar_merge"), "\"consolidated_findings\":7"));
    close_room(&r);
}

static void children_come_first_and_their_findings_go_along(void **state) {
    (void)state;
    room r;
    char parent[ID_OF], text[512];
    open_room(&r);
    spawn_pair(&r);
    memcpy(parent, r.side, sizeof parent);
    const char *answer =
        say_of(&r, r.bob,
               "\"type\":\"sidebar_child_spawn\",\"parent_sidebar_id\":\"%s\",\"sub_task_description\":"
               "\"part\",\"assigned_agents\":[\"dan\"]");
    expect_ack(answer);
    field_of(answer, "sidebar_id", r.side, sizeof r.side);
    assert_non_null(strstr(peer_last(r.dan, "sidebar_child_spawn"), "\"spawned_by\":\"bob\""));
    snprintf(text, sizeof text, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\"", parent);
    expect_error(say(&r, r.ada, text), "conflict");
    forget(&r);
    expect_ack(say_of(&r, r.dan,
                      "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"consolidated_findings\":{\"it\":\"works\"}"));
    assert_int_equal(peer_count(r.ada, "\"it\":\"works\""), 1); /* a member of the parent */
    assert_int_equal(peer_count(r.cleo, "\"it\":\"works\""), 0);
    expect_ack(say(&r, r.ada, text));
    const char *line = peer_last(r.cleo, "sidebar_merge");
    assert_non_null(strstr(line, "\"child_results\":[{"));
    assert_non_null(strstr(line, "\"consolidated_findings\":{\"it\":\"works\"}"));
    close_room(&r);
}

static void a_review_takes_some_and_may_refuse_all(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn(&r, r.ada, "\"participants\":[\"bob\"],\"merge_policy\":\"review\"");
    expect_ack(say_of(&r, r.bob, "\"type\":\"data_ref\",\"context_id\":\"%s\",\"name\":\"d\",\"value\":1"));
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"exchanges_to_merge\":\"none\""));
    expect_error(say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\""), "conflict");
    expect_ack(say(&r, r.cleo, "\"type\":\"context_request\""));
    assert_non_null(strstr(peer_last(r.cleo, "context_snapshot"), "\"data_refs\":{}")); /* nothing is taken yet */
    forget(&r);
    expect_ack(
        say_of(&r, r.cleo,
               "\"type\":\"sidebar_merge_decision\",\"sidebar_id\":\"%s\",\"accept\":\"none\",\"reason\":\"not yet\""));
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_merge_decision\""), 1);
    expect_ack(say_of(&r, r.ada, "\"type\":\"context_request\",\"context_id\":\"%s\""));
    assert_non_null(strstr(peer_last(r.ada, "context_snapshot"), "\"status\":\"reviewing\""));
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\""));
    expect_ack(say_of(&r, r.cleo, "\"type\":\"sidebar_merge_decision\",\"sidebar_id\":\"%s\",\"accept\":\"all\""));
    expect_ack(say(&r, r.cleo, "\"type\":\"context_request\""));
    assert_non_null(strstr(peer_last(r.cleo, "context_snapshot"), "\"d\":{\"value\":1"));
    expect_error(say_of(&r, r.cleo, "\"type\":\"sidebar_merge_decision\",\"sidebar_id\":\"%s\",\"accept\":\"all\""),
                 "invalid_transition");
    close_room(&r);
}

/* The hub goes down in order, and the next one is at hand. */
static void end_in_order(room *r) {
    wsm_hub_shutdown(r->w.hub, NULL);
    world_run(&r->w, 20000);
    close_room(r);
    world_init_again(&r->w);
    r->ada = r->bob = r->cleo = r->dan = NULL;
}

/* The next one begins with what the log has kept, and nobody is there yet. */
static void begin_again(room *r, const wsm_log *log) {
    end_in_order(r);
    assert_int_equal(world_start(&r->w, log), 0);
    settle(r);
}

/* The lease of a coordinator who is not seen again after a restart is passed on, by a record; of one who comes in time
 * it is not. */
static void a_coordinator_who_never_returns_is_followed(void **state) {
    (void)state;
    for (int comes = 0; comes < 2; comes++) {
        room r;
        kept_log kept = {0};
        wsm_log log = kept_log_of(&kept);
        memset(&r, 0, sizeof r);
        world_init(&r.w);
        open_room_with(&r, &log);
        spawn(&r, r.ada, "\"participants\":[\"bob\"],\"coordinator_agent\":\"ada\"");
        begin_again(&r, &log);
        r.bob = world_join(&r.w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
        world_run(&r.w, 10000);
        assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_coordinator\""), 0); /* it may still come */
        if (comes) world_join(&r.w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
        world_run(&r.w, 10000);
        assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_coordinator\""), !comes);
        if (!comes) assert_true(line_is(peer_last(r.bob, "sidebar_coordinator"), "coordinator_agent", "bob"));
        world_run(&r.w, 100000);
        assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_coordinator\""), !comes);
        close_room(&r);
        kept_log_free(&kept);
    }
}

/* What a decision names has to be part of the merge, also after a restart. */
static void a_decision_takes_only_what_was_offered(void **state) {
    (void)state;
    room r;
    char text[512];
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    memset(&r, 0, sizeof r);
    world_init(&r.w);
    open_room_with(&r, &log);
    spawn(&r, r.ada, "\"participants\":[\"bob\"],\"merge_policy\":\"review\"");
    expect_ack(say_of(&r, r.bob, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"one\""));
    unsigned long long one = strtoull(line_get(peer_last(r.bob, "\"one\""), "offset"), NULL, 10);
    expect_ack(say_of(&r, r.bob, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"two\""));
    unsigned long long two = strtoull(line_get(peer_last(r.bob, "\"two\""), "offset"), NULL, 10);
    snprintf(text, sizeof text, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"exchanges_to_merge\":[%llu]",
             r.side, one);
    expect_ack(say(&r, r.ada, text));
    begin_again(&r, &log);
    r.cleo = world_join(&r.w, "cleo", WSM_PERMISSION_ACTIVE, NULL, 0);
    settle(&r);
    static const char *const fields[] = {"accept", "refuse"};
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "\"type\":\"sidebar_merge_decision\",\"sidebar_id\":\"%s\",%s\"%s\":[%llu]", r.side,
                 i ? "\"accept\":\"none\"," : "", fields[i], two);
        const char *answer = say(&r, r.cleo, text);
        expect_error(answer, "not_found");
        assert_true(line_is(answer, "field", fields[i]));
    }
    snprintf(text, sizeof text,
             "\"type\":\"sidebar_merge_decision\",\"sidebar_id\":\"%s\",\"accept\":[%llu],\"reason\":\"r\"", r.side,
             one);
    expect_ack(say(&r, r.cleo, text));
    close_room(&r);
    kept_log_free(&kept);
}

static void whom_the_host_lets_in_with_history_reads_it(void **state) {
    (void)state;
    room r;
    open_room(&r);
    spawn(&r, r.ada, "\"participants\":[\"bob\"]");
    expect_ack(say_of(&r, r.bob, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"before\""));
    forget(&r);
    assert_int_equal(host_ask(&r.w, NULL,
                              "{\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"cleo\",\"dan\"],"
                              "\"history\":\"all\"}",
                              r.side),
                     0);
    settle(&r);
    peer *both[] = {r.cleo, r.dan};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(peer_count(both[i], "\"before\""), 1);
        assert_int_equal(peer_count(both[i], "\"type\":\"sidebar_join\""), 1);
        assert_int_equal(peer_count(both[i], "\"type\":\"replay_end\""), 1);
    }
    assert_int_equal(peer_count(r.bob, "\"before\""), 0);
    close_room(&r);
}

static void an_archived_sidebar_is_forked(void **state) {
    (void)state;
    room r;
    char original[ID_OF];
    open_room(&r);
    spawn(&r, r.ada, "\"participants\":[\"bob\"],\"success_criteria\":\"it runs\",\"priority\":\"low\"");
    memcpy(original, r.side, sizeof original);
    expect_ack(say_of(&r, r.bob, "\"type\":\"data_ref\",\"context_id\":\"%s\",\"name\":\"d\",\"value\":1"));
    expect_ack(say_of(&r, r.bob, "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\""));
    expect_ack(say_of(&r, r.bob, "\"type\":\"sidebar_archive\",\"sidebar_id\":\"%s\",\"archive_reason\":\"r\""));
    forget(&r);
    const char *answer =
        say_of(&r, r.bob, "\"type\":\"sidebar_fork\",\"original_sidebar_id\":\"%s\",\"fork_reason\":\"new light\"");
    expect_ack(answer);
    field_of(answer, "sidebar_id", r.side, sizeof r.side);
    const char *line = peer_last(r.ada, "sidebar_fork");
    assert_non_null(strstr(line, "\"success_criteria\":\"it runs\""));
    assert_non_null(strstr(line, "\"participants\":[\"bob\",\"ada\"]"));
    assert_non_null(strstr(line, "\"priority\":\"low\""));
    expect_ack(say_of(&r, r.ada, "\"type\":\"context_request\",\"context_id\":\"%s\""));
    line = peer_last(r.ada, "context_snapshot");
    assert_non_null(strstr(line, "\"d\":{\"value\":1"));
    assert_non_null(strstr(line, "\"status\":\"active\""));
    char part[128];
    snprintf(part, sizeof part, "\"forked_from\":\"%s\"", original);
    assert_non_null(strstr(peer_last(r.ada, "context_snapshot"), part));
    snprintf(part, sizeof part, "\"cross_sidebar_refs\":[\"%s\"]", original);
    assert_non_null(strstr(peer_last(r.ada, "context_snapshot"), part));
    close_room(&r);
}

/* ---- restart ---- */

/* The context as ada sees it, without what the moment adds. */
static void snapshot_of(room *r, char *out, size_t cap) {
    expect_ack(say_of(r, r->ada, "\"type\":\"context_request\",\"context_id\":\"%s\""));
    const char *line = strstr(peer_last(r->ada, "context_snapshot"), "\"context\":");
    assert_non_null(line);
    assert_true(strlen(line) < cap);
    strcpy(out, line);
}

static void live_through(room *r) {
    expect_ack(say(r, r->cleo, "\"type\":\"data_ref\",\"name\":\"up\",\"value\":[1,2]"));
    spawn(r, r->ada, "\"participants\":[\"bob\"],\"visibility\":\"private\",\"merge_policy\":\"review\"");
    expect_ack(say(r, r->cleo, "\"type\":\"data_ref\",\"name\":\"up\",\"value\":3"));
    expect_ack(say_of(r, r->bob, "\"type\":\"data_ref\",\"context_id\":\"%s\",\"name\":\"d\",\"value\":{\"a\":null}"));
    expect_ack(say_of(r, r->ada,
                      "\"type\":\"sidebar_invite\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"],\"history\":\"all\""));
    expect_ack(say_of(r, r->bob,
                      "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\","
                      "\"resume_condition\":{\"key\":\"k\"}"));
}

static void restart(bool with_snapshot) {
    static char before[8192], after[8192];
    room r;
    kept_log kept = {.no_snapshots = !with_snapshot};
    wsm_log log = kept_log_of(&kept);
    memset(&r, 0, sizeof r);
    world_init(&r.w);
    open_room_with(&r, &log);
    live_through(&r);
    snapshot_of(&r, before, sizeof before);
    assert_non_null(strstr(before, "\"up\":{\"value\":[1,2]"));
    end_in_order(&r);
    open_room_with(&r, &log);
    snapshot_of(&r, after, sizeof after);
    if (with_snapshot) { /* what memory does not hold is not listed */
        char *offsets = strstr(before, "\"local_memory\""), *refs = strstr(before, "\"data_refs\"");
        char *now = strstr(after, "\"local_memory\""), *then = strstr(after, "\"data_refs\"");
        assert_true(offsets && refs && now && then);
        *offsets = *now = '\0';
        assert_string_equal(refs, then);
    }
    assert_string_equal(before, after);
    expect_ack(say_of(&r, r.dan, "\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\",\"history\":\"all\""));
    settle(&r);
    assert_int_equal(peer_count(r.dan, "\"type\":\"sidebar_spawn\""), 1); /* read back from the log */
    forget(&r);
    expect_ack(say(&r, r.cleo, "\"type\":\"memory_update\",\"exchange\":1,\"key\":\"k\""));
    settle(&r);
    assert_int_equal(peer_count(r.bob, "\"type\":\"sidebar_resume\""), 1);
    close_room(&r);
    kept_log_free(&kept);
}

static void a_restart_from_a_snapshot_knows_everything(void **state) {
    (void)state;
    restart(true);
}

static void a_restart_from_the_records_knows_everything(void **state) {
    (void)state;
    restart(false);
}

static void a_merge_reads_back_what_has_left_memory(void **state) {
    (void)state;
    room r;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    memset(&r, 0, sizeof r);
    world_init(&r.w);
    r.w.config.history_records_max = 4;
    r.w.config.replay_page_records = 7;
    open_room_with(&r, &log);
    spawn_pair(&r);
    for (int i = 0; i < 30; i++)
        expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"piece\""));
    kept.reads = 0;
    forget(&r);
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\""));
    assert_true(kept.reads >= 4);
    const char *line = peer_last(r.cleo, "sidebar_merge");
    int pieces = 0;
    for (const char *at = line; (at = strstr(at, "piece")) != NULL; at++) pieces++;
    assert_int_equal(pieces, 30);
    close_room(&r);
    kept_log_free(&kept);
}

/* Of what is said while it reads the log it takes on all or what came first, and passes over nothing in between. */
static void a_merge_takes_on_nothing_behind_what_it_leaves_out(void **state) {
    (void)state;
    room r;
    kept_log kept = {0};
    wsm_log log = kept_log_of(&kept);
    memset(&r, 0, sizeof r);
    world_init(&r.w);
    r.w.config.history_records_max = 4;
    open_room_with(&r, &log);
    spawn_pair(&r);
    for (int i = 0; i < 10; i++)
        expect_ack(say_of(&r, r.ada, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"piece\""));
    forget(&r);
    kept.holds_pages = 1;
    peer_say(r.ada, "{\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\"}", r.side);
    settle(&r);
    assert_int_equal(kept.held_count, 1);
    for (int i = 0; i < 6; i++)
        expect_ack(say_of(&r, r.bob, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"later\""));
    kept.holds_pages = 0;
    kept_log_answer(&kept, 0);
    settle(&r);
    const char *line = peer_last(r.cleo, "sidebar_merge");
    assert_non_null(line);
    int pieces = 0, later = 0;
    for (const char *at = line; (at = strstr(at, "piece")) != NULL; at++) pieces++;
    for (const char *at = line; (at = strstr(at, "later")) != NULL; at++) later++;
    assert_int_equal(pieces, 10);
    assert_true(later == 0 || later == 6);
    close_room(&r);
    kept_log_free(&kept);
}

static void a_merge_that_is_too_large_says_its_bytes(void **state) {
    (void)state;
    room r;
    memset(&r, 0, sizeof r);
    world_init(&r.w);
    r.w.config.queue_bytes_max = 8192;
    open_room_with(&r, NULL);
    spawn_pair(&r);
    char text[2048], big[1001];
    memset(big, 'x', 1000);
    big[1000] = '\0';
    for (int i = 0; i < 6; i++) {
        snprintf(text, sizeof text, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"%s\"", r.side,
                 big);
        expect_ack(say(&r, r.ada, text));
    }
    const char *answer = say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\"");
    expect_error(answer, "limit");
    assert_non_null(strstr(answer, "bytes"));
    expect_ack(say_of(&r, r.ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"exchanges_to_merge\":\"none\""));
    close_room(&r);
}

/* ---- a log that takes its time ---- */

#define LATE_MAX 64

typedef struct late_log {
    wsm_hub *hub;
    wsm_record records[LATE_MAX]; /* not delivered yet */
    uint64_t ids[LATE_MAX];       /* of their appends */
    size_t count;
    uint64_t last;
} late_log;

static int late_open(void *user, wsm_hub *hub) {
    late_log *log = user;
    wsm_log_info info;
    log->hub = hub;
    wsm_log_info_init(&info, sizeof info);
    info.epoch = "00000000000000bb";
    return wsm_log_ready(hub, &info, 0);
}

static int late_append(void *user, uint64_t append_id, const wsm_vec *records, size_t count) {
    late_log *log = user;
    for (size_t i = 0; i < count; i++) {
        char *copy = malloc(records[i].len);
        assert_true(copy && log->count < LATE_MAX);
        memcpy(copy, records[i].base, records[i].len);
        log->ids[log->count] = i + 1 == count ? append_id : 0;
        log->records[log->count++] = (wsm_record){++log->last, copy, records[i].len};
    }
    return 0;
}

static void late_close(void *user) {
    (void)user;
}

/* Everything that was appended up to now comes back. */
static void pump(room *r, late_log *log) {
    size_t count = log->count;
    for (size_t i = 0; i < count; i++) {
        wsm_log_deliver(log->hub, &log->records[i], 1);
        if (log->ids[i]) wsm_log_done(log->hub, log->ids[i], WSM_LOG_SYNCED);
        free((void *)(uintptr_t)log->records[i].bytes);
    }
    log->count -= count;
    world_run(&r->w, 5);
}

static void pump_all(room *r, late_log *log) {
    for (int i = 0; i < 30; i++) pump(r, log);
}

static void open_late(room *r, late_log *log) {
    memset(r, 0, sizeof *r);
    memset(log, 0, sizeof *log);
    world_init(&r->w);
    wsm_log given = {.size = sizeof given, .user = log, .open = late_open, .append = late_append, .close = late_close};
    assert_int_equal(world_start(&r->w, &given), 0);
    world_run(&r->w, 5);
}

static void what_follows_waits_for_what_is_under_way(void **state) {
    (void)state;
    room r;
    late_log log;
    open_late(&r, &log);
    r.ada = world_join(&r.w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0); /* her card is under way */
    peer_say(r.ada,
             "{\"type\":\"sidebar_spawn\",\"message_id\":\"0190c000-0000-7000-8000-000000000001\",\"task\":\"t\","
             "\"participants\":[]}");
    world_run(&r.w, 5);
    assert_int_equal(peer_count(r.ada, "\"type\":\"ack\""), 0);
    pump_all(&r, &log);
    field_of(peer_last(r.ada, "\"type\":\"ack\""), "sidebar_id", r.side, sizeof r.side);
    peer_forget(r.ada);
    for (unsigned i = 0; i < 3; i++) {
        peer_say(r.ada, "{\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"p%u\"}", r.side, i);
        peer_say(r.ada, "{\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"u%u\"}", r.side, i);
        peer_say(r.ada, "{\"type\":\"sidebar_resume\",\"sidebar_id\":\"%s\",\"reason\":\"r%u\"}", r.side, i);
        peer_say(r.ada, "{\"type\":\"data_ref\",\"context_id\":\"%s\",\"name\":\"n\",\"value\":%u}", r.side, i);
        peer_say(r.ada, "{\"type\":\"memory_update\",\"exchange\":\"m%u\"}", i);
    }
    pump_all(&r, &log);
    assert_int_equal(peer_count(r.ada, "\"type\":\"error\""), 0);
    const char *at = r.ada->text;
    for (unsigned i = 0; i < 3; i++) { /* in the order in which they were said */
        static const char *const parts[] = {"\"p%u\"", "\"u%u\"", "\"r%u\"", "\"value\":%u", "\"m%u\""};
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            char part[32];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(part, sizeof part, parts[k], i);
#pragma GCC diagnostic pop
            at = strstr(at, part);
            if (!at) fail_msg("%s is missing, or too early in %s", part, r.ada->text);
        }
    }
    close_room(&r);
}

static void commands_that_wait_are_answered_when_the_hub_goes_down(void **state) {
    (void)state;
    room r;
    late_log log;
    open_late(&r, &log);
    r.ada = world_join(&r.w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r.bob = world_join(&r.w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    peer_say(r.ada,
             "{\"type\":\"sidebar_spawn\",\"message_id\":\"0190c000-0000-7000-8000-000000000001\",\"task\":\"t\","
             "\"participants\":[]}");
    peer_say(r.bob, "{\"type\":\"data_ref\",\"name\":\"n\",\"value\":1}");
    peer_leave(r.bob); /* what bob has said waits for nobody */
    wsm_hub_shutdown(r.w.hub, NULL);
    world_run(&r.w, 5);
    assert_int_equal(peer_count(r.ada, "\"code\":\"shutting_down\""), 1);
    pump_all(&r, &log);
    close_room(&r);
}

/* ---- without memory ---- */

/* Things happen whether or not what came before has worked. */
static void stumble(room *r) {
    static const char *const acts[] = {
        "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":1,\"key\":\"k\"",
        "\"type\":\"data_ref\",\"context_id\":\"%s\",\"name\":\"d\",\"value\":[1]",
        "\"type\":\"sidebar_invite\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"cleo\"],\"history\":\"all\"",
        "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":{\"key\":\"k2\"}",
        "\"type\":\"sidebar_resume\",\"sidebar_id\":\"%s\",\"reason\":\"r\"",
        "\"type\":\"sidebar_child_spawn\",\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_"
        "agents\":"
        "[\"dan\"]",
        ("\"type\":\"sidebar_waiting_update\",\"sidebar_id\":\"%s\","
         "\"waiting_for\":\"human_input\",\"description\":\"d\""),
        "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"active\"",
        "\"type\":\"sidebar_fork\",\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\"",
        "\"type\":\"sidebar_remove\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]",
        "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\"",
        "\"type\":\"context_request\",\"context_id\":\"%s\"",
    };
    peer_say(r->ada, "{\"type\":\"data_ref\",\"name\":\"d\",\"value\":0}");
    peer_say(r->ada,
             "{\"type\":\"sidebar_spawn\",\"message_id\":\"0190c000-0000-7000-8000-000000000001\",\"task\":\"t\","
             "\"participants\":[\"bob\"],\"cross_sidebar_refs\":[\"main\"]}");
    world_run(&r->w, 100);
    const char *line = peer_last(r->ada, "\"type\":\"sidebar_spawn\"");
    if (!line) return;
    field_of(line, "sidebar_id", r->side, sizeof r->side);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (!r->ada->conn) return;
        peer_say(r->ada, "{%s}", fill(r, acts[i]));
        if (i % 3 == 2) world_run(&r->w, 40);
    }
    world_run(&r->w, 100);
}

/* The part of the snapshot that holds the agents and the tree. */
static char *state_of(const kept_log *kept) {
    const char *roster = strstr(kept->snapshot, "\"roster\":"), *end = strstr(kept->snapshot, ",\"dedup\":");
    assert_true(roster && end && roster < end);
    char *copy = calloc(1, (size_t)(end - roster) + 1);
    assert_non_null(copy);
    memcpy(copy, roster, (size_t)(end - roster));
    return copy;
}

static char *shut_down(hub_world *w, const kept_log *kept) {
    wsm_hub_shutdown(w->hub, NULL);
    world_run(w, 20000);
    char *state = state_of(kept);
    world_end(w);
    assert_int_equal(w->mem.live, 0);
    return state;
}

/* Whatever failed for lack of memory: the state is what the records make of it, and nothing leaks. */
static void any_allocation_may_fail_and_the_state_is_that_of_the_records(void **state) {
    (void)state;
    for (size_t n = 1;; n += 1 + n / 200) {
        static room r;
        kept_log kept = {0};
        wsm_log log = kept_log_of(&kept);
        memset(&r, 0, sizeof r);
        world_init(&r.w);
        open_room_with(&r, &log);
        r.w.mem.fail_at = r.w.mem.calls + n;
        stumble(&r);
        bool failed = test_mem_has_failed(&r.w.mem);
        r.w.mem.fail_at = 0;
        peer *zoe = world_join(&r.w, "zoe", WSM_PERMISSION_ACTIVE, NULL, 0);
        peer_say(zoe, "{\"type\":\"memory_update\",\"exchange\":1}"); /* what this log has lost shows now */
        world_run(&r.w, 30000);
        char *live = shut_down(&r.w, &kept);
        hub_world again;
        kept.no_snapshots = 1;
        world_init(&again);
        assert_int_equal(world_start(&again, &log), 0);
        world_run(&again, 10);
        char *refolded = shut_down(&again, &kept);
        assert_string_equal(live, refolded);
        free(live);
        free(refolded);
        kept_log_free(&kept);
        assert_true(failed || n > 200); /* the story is long enough */
        if (!failed) break;
    }
}

/* ---- at random ---- */

#define KNOWN 24

typedef struct dice {
    uint64_t state;
    char ids[KNOWN][ID_OF];
    unsigned known;
} dice;

static unsigned roll(dice *d, unsigned sides) {
    d->state = d->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(d->state >> 33) % sides;
}

static const char *one_of(dice *d, const char *const *words, unsigned count) {
    return words[roll(d, count)];
}

/* A command that may or may not be allowed now. */
static void random_command(dice *d, char *out, size_t cap) {
    static const char *const agents[] = {"ada", "bob", "cleo", "dan"};
    static const char *const states[] = {"active",         "testing",       "paused", "waiting", "reviewing",
                                         "spawning_child", "consolidating", "failed", "archived"};
    static const char *const names[] = {"x", "y", "z"}, *const yes_no[] = {"open", "private"};
    static const char *const policies[] = {"auto", "review"}, *const modes[] = {"all", "refs", "none"};
    static const char *const conflicts[] = {"keep_both", "keep_parent", "keep_sidebar"};
    static const char *const accepts[] = {"\"all\"", "\"none\"", "[]"}, *const histories[] = {"since_join", "all"};
    const char *id = d->known ? d->ids[roll(d, d->known)] : "main",
               *other = d->known ? d->ids[roll(d, d->known)] : "main";
    const char *agent = one_of(d, agents, 4), *name = one_of(d, names, 3);
    unsigned number = roll(d, 100);
    switch (roll(d, 18)) {
    case 0:
    case 1:
        snprintf(out, cap,
                 "\"type\":\"sidebar_spawn\",\"parent_id\":\"%s\",\"task\":\"t\",\"participants\":[\"%s\"],"
                 "\"visibility\":\"%s\","
                 "\"merge_policy\":\"%s\",\"conflict_policy\":\"%s\",\"inherit\":{\"mode\":\"%s\"}",
                 roll(d, 3) ? "main" : id, agent, one_of(d, yes_no, 2), one_of(d, policies, 2), one_of(d, conflicts, 3),
                 one_of(d, modes, 3));
        break;
    case 2:
        snprintf(out, cap,
                 "\"type\":\"sidebar_child_spawn\",\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\","
                 "\"assigned_agents\":[\"%s\"],\"coordinator_agent\":\"%s\"",
                 id, agent, agent);
        break;
    case 3:
        snprintf(out, cap, "\"type\":\"sidebar_fork\",\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\"", id);
        break;
    case 4:
        snprintf(out, cap,
                 "\"type\":\"sidebar_status_update\",\"sidebar_id\":\"%s\",\"new_status\":\"%s\",\"reason\":\"r\"", id,
                 one_of(d, states, 9));
        break;
    case 5:
        snprintf(
            out, cap,
            "\"type\":\"sidebar_pause\",\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":{\"key\":\"%s\"}",
            id, name);
        break;
    case 6: snprintf(out, cap, "\"type\":\"sidebar_resume\",\"sidebar_id\":\"%s\",\"reason\":\"r\"", id); break;
    case 7:
        snprintf(out, cap, "\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\",\"history\":\"%s\"", id,
                 one_of(d, histories, 2));
        break;
    case 8: snprintf(out, cap, "\"type\":\"sidebar_leave\",\"sidebar_id\":\"%s\"", id); break;
    case 9:
        snprintf(out, cap,
                 "\"type\":\"sidebar_invite\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"%s\"],\"history\":\"%s\"", id,
                 agent, one_of(d, histories, 2));
        break;
    case 10:
        snprintf(out, cap, "\"type\":\"sidebar_remove\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"%s\"]", id, agent);
        break;
    case 11: snprintf(out, cap, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\"", id); break;
    case 12:
        snprintf(out, cap, "\"type\":\"sidebar_merge_decision\",\"sidebar_id\":\"%s\",\"accept\":%s", id,
                 one_of(d, accepts, 3));
        break;
    case 13:
        snprintf(out, cap, "\"type\":\"sidebar_archive\",\"sidebar_id\":\"%s\",\"archive_reason\":\"r\"", id);
        break;
    case 14:
        snprintf(out, cap,
                 "\"type\":\"sidebar_waiting_update\",\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\","
                 "\"description\":\"d\","
                 "\"dependency_refs\":[\"%s\"]",
                 id, other);
        break;
    case 15:
    case 16:
        snprintf(out, cap, "\"type\":\"data_ref\",\"context_id\":\"%s\",\"name\":\"%s\",\"value\":%s",
                 roll(d, 3) ? id : "main", name,
                 number < 20   ? "null"
                 : number < 60 ? "1"
                               : "[2]");
        break;
    default:
        snprintf(out, cap, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":%u,\"key\":\"%s\"",
                 roll(d, 3) ? id : "main", number, name);
        break;
    }
}

static void note_ids(dice *d, const peer *p) {
    const char *line = peer_last(p, "\"sidebar_id\":\"sb-");
    char id[ID_OF];
    if (!line || !strstr(line, "\"type\":\"ack\"")) return;
    field_of(line, "sidebar_id", id, sizeof id);
    for (unsigned i = 0; i < d->known; i++)
        if (strcmp(d->ids[i], id) == 0) return;
    memcpy(d->ids[d->known < KNOWN ? d->known++ : roll(d, KNOWN)], id, sizeof id);
}

static void random_life(room *r, dice *d, unsigned commands) {
    peer *const all[] = {r->ada, r->bob, r->cleo, r->dan};
    for (unsigned i = 0; i < commands; i++) {
        char fields[1024];
        peer *p = all[roll(d, 4)];
        if (!p->conn) continue;
        random_command(d, fields, sizeof fields);
        peer_say(p, "{\"message_id\":\"0190c000-0000-7000-9000-%012u\",%s}", ++r->next, fields);
        if (roll(d, 3) == 0) world_run(&r->w, roll(d, 50) ? 20 : 3u * HOUR);
        note_ids(d, p);
        if (roll(d, 10) == 0) forget(r);
    }
    world_run(&r->w, 3000);
}

static void compare_again(kept_log *kept, const wsm_log *log, const wsm_config *config, const char *live,
                          bool from_records) {
    hub_world again;
    kept->no_snapshots = from_records;
    world_init(&again);
    again.config = *config;
    assert_int_equal(world_start(&again, log), 0);
    assert_int_equal(again.ready_err, 0);
    char *refolded = shut_down(&again, kept);
    assert_string_equal(live, refolded);
    free(refolded);
}

/* Folded live, folded again from the records, and from a snapshot in the middle and the records behind it: one state.
 */
static void whatever_happens_the_records_make_the_same_state_again(void **state) {
    (void)state;
    uint64_t records = 0;
    for (unsigned seed = 1; seed <= 150; seed++) {
        static room r;
        static dice d;
        kept_log kept = {0};
        wsm_log log = kept_log_of(&kept);
        memset(&r, 0, sizeof r);
        memset(&d, 0, sizeof d);
        d.state = seed;
        world_init(&r.w);
        r.w.config.sidebars_per_min = 0;
        r.w.config.agent_messages_per_s = r.w.config.violations_per_min = 0;
        r.w.config.history_records_max = seed % 3 ? 1000 : 5;
        r.w.config.snapshot_records = 20;
        open_room_with(&r, &log);
        random_life(&r, &d, 250);
        kept_log middle = kept; /* its snapshot is some 20 records old */
        middle.snapshot = malloc(kept.snapshot_len);
        assert_true(middle.snapshot && kept.snapshot);
        memcpy(middle.snapshot, kept.snapshot, kept.snapshot_len);
        char *live = shut_down(&r.w, &kept);
        records += kept.count;
        compare_again(&kept, &log, &r.w.config, live, true);
        free(kept.snapshot);
        kept.snapshot = middle.snapshot;
        kept.snapshot_len = middle.snapshot_len;
        kept.snapshot_offset = middle.snapshot_offset;
        compare_again(&kept, &log, &r.w.config, live, false);
        free(live);
        kept_log_free(&kept);
    }
    if (records < 150 * 60) fail_msg("only %llu records: most is refused", (unsigned long long)records);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spawn_reaches_its_participants_and_nobody_else),
        cmocka_unit_test(what_is_said_inside_stays_inside),
        cmocka_unit_test(joining_leaving_inviting_removing),
        cmocka_unit_test(a_removed_member_gets_nothing_that_was_queued),
        cmocka_unit_test(a_private_sidebar_is_as_none_for_outsiders),
        cmocka_unit_test(a_private_sidebar_is_not_named_among_others),
        cmocka_unit_test(statuses_follow_the_table_and_carry_versions),
        cmocka_unit_test(commands_may_follow_each_other_without_waiting),
        cmocka_unit_test(the_coordinator_leads_and_is_followed_when_gone),
        cmocka_unit_test(conditions_resume_by_themselves),
        cmocka_unit_test(a_mention_in_a_sidebar_resumes_it),
        cmocka_unit_test(a_circle_of_waits_is_told_and_a_wait_ends_with_what_it_waits_for),
        cmocka_unit_test(idle_sidebars_are_warned_and_put_away),
        cmocka_unit_test(data_references_are_seen_down_the_chain),
        cmocka_unit_test(a_dry_run_says_what_would_be_inherited),
        cmocka_unit_test(a_merge_brings_everything_to_the_parent),
        cmocka_unit_test(a_host_may_put_the_findings_together),
        cmocka_unit_test(children_come_first_and_their_findings_go_along),
        cmocka_unit_test(a_review_takes_some_and_may_refuse_all),
        cmocka_unit_test(a_coordinator_who_never_returns_is_followed),
        cmocka_unit_test(a_decision_takes_only_what_was_offered),
        cmocka_unit_test(whom_the_host_lets_in_with_history_reads_it),
        cmocka_unit_test(an_archived_sidebar_is_forked),
        cmocka_unit_test(a_restart_from_a_snapshot_knows_everything),
        cmocka_unit_test(a_restart_from_the_records_knows_everything),
        cmocka_unit_test(a_merge_reads_back_what_has_left_memory),
        cmocka_unit_test(a_merge_takes_on_nothing_behind_what_it_leaves_out),
        cmocka_unit_test(a_merge_that_is_too_large_says_its_bytes),
        cmocka_unit_test(what_follows_waits_for_what_is_under_way),
        cmocka_unit_test(commands_that_wait_are_answered_when_the_hub_goes_down),
        cmocka_unit_test(any_allocation_may_fail_and_the_state_is_that_of_the_records),
        cmocka_unit_test(whatever_happens_the_records_make_the_same_state_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
