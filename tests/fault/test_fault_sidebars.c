/* Every allocation fails, in every line of what agents do in sidebars: from the spawn to the archive, also over a crash
 * and an orderly restart of the hub. */
#include "saga.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "story.h"

#define BEGIN(who_, n, place, type_, rest_)                                                                            \
    { .kind = SAYS, .who = who_, .id = SAGA_ID(n), .type = type_, .rest = rest_, .names = place }
#define TELLS(who_, n, type_, rest_, part)                                                                             \
    { .kind = SAYS, .who = who_, .id = SAGA_ID(n), .type = type_, .rest = rest_, .tells = part }
#define IN_1    ",\"sidebar_id\":\"$1\""
#define TASK    ",\"task_description\":\"look\""
#define FORK_1  ",\"original_sidebar_id\":\"$1\",\"fork_reason\":\"r\""
#define SPAWN_4 TASK ",\"participants\":[],\"inherit\":{\"mode\":\"last_n\",\"n\":4}"

static void members_come_go_and_read_what_was_before_them(void **state) {
    (void)state;
    static const line lines[] = {
        BEGIN(ADA, "01", 1, "sidebar_spawn", TASK ",\"participants\":[\"bob\"],\"client_ref\":\"mine\""),
        SAY(BOB, "02", "memory_update", ",\"context_id\":\"$1\",\"exchange\":\"before\""),
        SAY_NO(CLEO, "03", "memory_update", ",\"context_id\":\"$1\",\"exchange\":1", "forbidden"),
        SAY(CLEO, "04", "sidebar_join", IN_1),
        SAY(CLEO, "05", "memory_update", ",\"context_id\":\"$1\",\"exchange\":\"of a new one\""),
        SAY(CLEO, "06", "sidebar_leave", IN_1),
        SAY(ADA, "07", "sidebar_invite", IN_1 ",\"agent_ids\":[\"dan\"],\"history\":\"all\""),
        SAY(DAN, "08", "sidebar_join", IN_1 ",\"history\":\"all\""),
        SAY(ADA, "09", "sidebar_remove", IN_1 ",\"agent_ids\":[\"bob\"]"),
        SAY(DAN, "10", "context_request", ",\"context_id\":\"$1\""),
        SAY(DAN, "12", "context_request", ",\"context_id\":\"$1\",\"records\":{\"limit\":3}"),
        SAY(DAN, "13", "context_request", ",\"context_id\":\"$1\",\"records\":{\"of\":\"main\"}"),
        SAY(DAN, "11", "memory_update", ",\"context_id\":\"$1\",\"exchange\":\"after\""),
    };
    static const saga told = {"members", CAST, .present = 4, LINES(lines)};
    saga_tell(&told);
}

static void work_is_paused_waited_for_tested_and_put_away(void **state) {
    (void)state;
    static const line lines[] = {
        BEGIN(ADA, "01", 1, "sidebar_spawn", TASK ",\"participants\":[\"bob\"],\"visibility\":\"private\""),
        BEGIN(ADA, "02", 2, "sidebar_spawn", TASK ",\"participants\":[\"bob\"]"),
        SAY(BOB, "03", "sidebar_pause", IN_1 ",\"reason\":\"lunch\",\"resume_condition\":\"we have eaten\""),
        SAY(BOB, "04", "sidebar_resume", IN_1 ",\"reason\":\"eaten\""),
        SAY(BOB, "05", "sidebar_pause", IN_1 ",\"reason\":\"r\",\"resume_condition\":{\"key\":\"build\"}"),
        SAY(CLEO, "06", "memory_update", ",\"exchange\":1,\"key\":\"build\""), /* it goes on by itself */
        SAY(BOB, "07", "sidebar_waiting_update",
            IN_1 ",\"waiting_for\":\"other_sidebar\",\"description\":\"the other\",\"dependency_refs\":[\"$2\"]"),
        SAY(ADA, "08", "sidebar_status_update",
            ",\"sidebar_id\":\"$2\",\"new_status\":\"failed\",\"reason\":\"no\""), /* and goes on again */
        SAY(BOB, "09", "sidebar_test_result",
            IN_1 ",\"test_description\":\"t\",\"result\":\"passed\",\"findings\":\"green\""),
        SAY(ADA, "10", "sidebar_status_update", IN_1 ",\"new_status\":\"testing\""),
        SAY(ADA, "14", "sidebar_pause", IN_1 ",\"reason\":\"r\""),
        SAY_NO(CLEO, "11", "sidebar_archive", IN_1 ",\"archive_reason\":\"r\"", "not_found"),
        SAY(ADA, "12", "sidebar_archive", IN_1 ",\"archive_reason\":\"done\""),
        SAY(ADA, "13", "context_request", ""),
    };
    static const saga told = {"status", CAST, .present = 3, LINES(lines)};
    saga_tell(&told);
}

static void names_are_set_inherited_and_taken_away(void **state) {
    (void)state;
    static const line lines[] = {
        SAY(ADA, "01", "data_ref", ",\"name\":\"commit\",\"value\":\"a1\""),
        BEGIN(ADA, "02", 1, "sidebar_spawn", TASK ",\"participants\":[\"bob\"],\"inherit\":{\"mode\":\"all\"}"),
        SAY(BOB, "03", "data_ref", ",\"context_id\":\"$1\",\"name\":\"commit\",\"value\":\"b2\",\"if_version\":0"),
        SAY(CLEO, "04", "data_ref", ",\"name\":\"commit\",\"value\":{\"new\":[1,2]}"),
        SAY_NO(BOB, "05", "data_ref", ",\"context_id\":\"$1\",\"name\":\"commit\",\"value\":1,\"if_version\":7",
               "conflict"),
        SAY(ADA, "10", "context_watch", ",\"context_id\":\"$1\",\"interval_ms\":100"),
        SAY(BOB, "06", "data_ref", ",\"context_id\":\"$1\",\"name\":\"commit\",\"value\":null"),
        PASS(1), /* she is told of the difference */
        SAY(BOB, "07", "data_ref", ",\"context_id\":\"$1\",\"name\":\"a new one\",\"value\":7"),
        SAY(ADA, "08", "context_request", ",\"context_id\":\"$1\""),
        SAY(ADA, "09", "context_request", ""),
        SAY(CLEO, "11", "system_status", ",\"interval_s\":1"),
        PASS(1100),
    };
    static const saga told = {"names", CAST, .present = 3, LINES(lines)};
    saga_tell(&told);
}

static void children_are_merged_at_once_and_what_is_reviewed_is_decided(void **state) {
    (void)state;
    static const line lines[] = {
        BEGIN(ADA, "01", 1, "sidebar_spawn", TASK ",\"participants\":[\"bob\"],\"merge_policy\":\"review\""),
        BEGIN(BOB, "02", 2, "sidebar_child_spawn",
              ",\"parent_sidebar_id\":\"$1\",\"sub_task_description\":\"s\",\"assigned_agents\":[\"ada\"]"),
        SAY(ADA, "03", "memory_update", ",\"context_id\":\"$2\",\"exchange\":\"it is full\",\"priority\":\"critical\""),
        SAY(ADA, "04", "data_ref", ",\"context_id\":\"$2\",\"name\":\"n\",\"value\":1"),
        SAY(BOB, "05", "sidebar_status_update", ",\"sidebar_id\":\"$2\",\"new_status\":\"consolidating\""),
        SAY(BOB, "06", "sidebar_merge", ",\"sidebar_id\":\"$2\",\"exchanges_to_merge\":\"all\",\"success\":true"),
        SAY(CLEO, "07", "data_ref", ",\"name\":\"n\",\"value\":2"),
        SAY(ADA, "08", "sidebar_status_update", IN_1 ",\"new_status\":\"consolidating\""),
        SAY(ADA, "09", "sidebar_merge", IN_1 ",\"exchanges_to_merge\":\"all\",\"consolidated_findings\":{\"cause\":1}"),
        SAY(CLEO, "10", "sidebar_merge_decision", IN_1 ",\"accept\":\"none\",\"reason\":\"no\""),
        SAY(ADA, "11", "sidebar_status_update", IN_1 ",\"new_status\":\"consolidating\""),
        SAY(ADA, "12", "sidebar_merge", IN_1 ",\"exchanges_to_merge\":\"none\""),
        SAY(CLEO, "13", "sidebar_merge_decision", IN_1 ",\"accept\":\"all\""),
        SAY(BOB, "14", "context_request", ""),
    };
    static const saga told = {"merges", CAST, .present = 3, LINES(lines)};
    saga_tell(&told);
}

static void a_fork_goes_its_own_way(void **state) {
    (void)state;
    static const line lines[] = {
        BEGIN(ADA, "01", 1, "sidebar_spawn", TASK ",\"participants\":[\"bob\"],\"success_criteria\":\"green\""),
        SAY(BOB, "02", "memory_update", ",\"context_id\":\"$1\",\"exchange\":\"shared\""),
        SAY(BOB, "03", "data_ref", ",\"context_id\":\"$1\",\"name\":\"n\",\"value\":1"),
        BEGIN(BOB, "04", 2, "sidebar_fork", ",\"original_sidebar_id\":\"$1\",\"fork_reason\":\"r\""),
        SAY(BOB, "05", "data_ref", ",\"context_id\":\"$1\",\"name\":\"n\",\"value\":2"),
        SAY(BOB, "06", "context_request", ",\"context_id\":\"$2\""),
        SAY(ADA, "07", "memory_update", ",\"context_id\":\"$2\",\"exchange\":\"alone\""),
        {.kind = SUBMITS, .id = SAGA_ID("08"), .type = "sidebar_pause", .rest = IN_1 ",\"reason\":\"of the host\""},
    };
    static const saga told = {"a fork", CAST, .present = 2, LINES(lines)};
    saga_tell(&told);
}

static void little_in_memory(wsm_config *config) {
    config->history_records_max = 3;
}

/* Offsets are those of two who are there, and then of the lines. */
static void what_has_left_memory_is_counted_from_the_log(void **state) {
    (void)state;
    static const line lines[] = {
        BEGIN(ADA, "01", 1, "sidebar_spawn", TASK ",\"participants\":[\"bob\"]"),
        SAY(BOB, "02", "memory_update", ",\"context_id\":\"$1\",\"exchange\":\"one\""),
        SAY(ADA, "03", "memory_update", ",\"exchange\":\"beside it\""),
        SAY(BOB, "04", "memory_update", ",\"context_id\":\"$1\",\"exchange\":\"two\""),
        SAY(BOB, "05", "memory_update", ",\"context_id\":\"$1\",\"exchange\":\"three\""),
        SAY(ADA, "06", "memory_update", ",\"exchange\":\"beside it\""),
        SAY(BOB, "07", "memory_update", ",\"context_id\":\"$1\",\"exchange\":\"four\""),
        SAY(BOB, "08", "memory_update", ",\"context_id\":\"$1\",\"exchange\":\"five\""),
        SAY(ADA, "09", "memory_update", ",\"exchange\":\"beside it\""),
        SAY(ADA, "10", "memory_update", ",\"exchange\":\"beside it\""),
        SAY(ADA, "11", "memory_update", ",\"exchange\":\"beside it\""),
        SAY(ADA, "12", "memory_update", ",\"exchange\":\"beside it\""),
        TELLS(BOB, "13", "sidebar_fork", FORK_1 ",\"at_offset\":4,\"dry_run\":true", "\"records\":2,"),
        BEGIN(BOB, "14", 2, "sidebar_fork", FORK_1 ",\"at_offset\":5"),
        TELLS(ADA, "15", "sidebar_spawn", SPAWN_4 ",\"dry_run\":true",
              "\"from_offset\":9,\"up_to_offset\":14,\"mode\":\"last_n\",\"records\":4,"),
        BEGIN(ADA, "16", 3, "sidebar_spawn", SPAWN_4),
        SAY(BOB, "17", "context_request", ",\"context_id\":\"$2\""),
    };
    static const saga told = {"sums", CAST, .present = 2, little_in_memory, LINES(lines)};
    saga_tell(&told);
}

static void soon_idle(wsm_config *config) {
    config->sidebar_idle_warn_s = 600;
    config->sidebar_idle_archive_s = 1800;
    config->dedup_window_ms = 3600000; /* all of it: what is forgotten would depend on the moment of the last record */
}

static void time_warns_archives_wakes_and_hands_over(void **state) {
    (void)state;
    static const line lines[] = {
        BEGIN(ADA, "01", 1, "sidebar_spawn", TASK ",\"participants\":[\"bob\"],\"coordinator_agent\":\"ada\""),
        BEGIN(BOB, "02", 2, "sidebar_spawn", TASK ",\"participants\":[\"ada\"]"),
        SAY(BOB, "03", "sidebar_pause",
            ",\"sidebar_id\":\"$2\",\"reason\":\"r\",\"resume_condition\":{\"time\":\"2026-01-02T03:06:00Z\"}"),
        {.kind = LEAVES, .who = ADA},
        PASS(30000), /* she is offline: bob leads */
        PASS(90000), /* it is past six minutes: the pause is over */
        {.kind = RESUMES, .who = ADA},
        PASS(540000), /* the first is idle */
        SAY(BOB, "04", "memory_update", ",\"context_id\":\"$2\",\"exchange\":\"not idle\""),
        PASS(1000000), /* the second, too */
        PASS(700000),  /* and the first is put away */
        SAY(BOB, "06", "memory_update", ",\"exchange\":\"much later\""),
        SAY(BOB, "05", "context_request", ""),
    };
    static const saga told = {"time", CAST, .present = 2, soon_idle, LINES(lines)};
    saga_tell(&told);
}

static void few_records(wsm_config *config) {
    config->snapshot_records = 5;
}

static void a_hub_comes_back_with_all_of_it(void **state) {
    (void)state;
    static const line lines[] = {
        BEGIN(ADA, "01", 1, "sidebar_spawn", TASK ",\"participants\":[\"bob\"],\"visibility\":\"private\""),
        BEGIN(BOB, "02", 2, "sidebar_child_spawn",
              ",\"parent_sidebar_id\":\"$1\",\"sub_task_description\":\"s\",\"assigned_agents\":[\"ada\"]"),
        SAY(BOB, "03", "data_ref", ",\"context_id\":\"$2\",\"name\":\"n\",\"value\":1"),
        SAY(ADA, "04", "sidebar_pause", IN_1 ",\"reason\":\"r\",\"resume_condition\":{\"sidebar\":\"$2\"}"),
        SAY(BOB, "05", "memory_update", ",\"context_id\":\"$2\",\"exchange\":\"it is full\""),
        {.kind = CRASHES},
        SAY(BOB, "06", "memory_update", ",\"context_id\":\"$2\",\"exchange\":\"very\""),
        SAY(BOB, "05", "memory_update", ",\"context_id\":\"$2\",\"exchange\":\"it is full\""),
        SAY(ADA, "07", "sidebar_invite", ",\"sidebar_id\":\"$2\",\"agent_ids\":[\"cleo\"]"),
        {.kind = RESTARTS},
        SAY(CLEO, "08", "sidebar_join", ",\"sidebar_id\":\"$2\""),
        SAY(BOB, "09", "sidebar_status_update", ",\"sidebar_id\":\"$2\",\"new_status\":\"failed\",\"reason\":\"no\""),
        SAY(ADA, "10", "context_request", ",\"context_id\":\"$2\""),
    };
    static const saga told = {"a restart", CAST, .present = 3, few_records, LINES(lines)};
    saga_tell(&told);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_go_and_read_what_was_before_them),
        cmocka_unit_test(work_is_paused_waited_for_tested_and_put_away),
        cmocka_unit_test(names_are_set_inherited_and_taken_away),
        cmocka_unit_test(children_are_merged_at_once_and_what_is_reviewed_is_decided),
        cmocka_unit_test(a_fork_goes_its_own_way),
        cmocka_unit_test(what_has_left_memory_is_counted_from_the_log),
        cmocka_unit_test(time_warns_archives_wakes_and_hands_over),
        cmocka_unit_test(a_hub_comes_back_with_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, story_report);
}
