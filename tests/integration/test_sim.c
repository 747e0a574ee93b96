/* Worlds of a test's own, through wsm/sim.h: what a host's author would write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wsm/sim.h"

typedef struct world {
    wsm_sim *sim;
    wsm_sim_hub *hub;
    wsm_sim_client *ada, *bob;
} world;

static void begin(world *w, uint64_t seed) {
    assert_int_equal(wsm_sim_new(&w->sim, seed, WSM_SIM_CALM), 0);
    assert_int_equal(wsm_sim_hub_add(w->sim, &w->hub, NULL, NULL, NULL), 0);
    assert_int_equal(wsm_sim_client_add(w->sim, &w->ada, w->hub, "ada", WSM_PERMISSION_ACTIVE, 1), 0);
    assert_int_equal(wsm_sim_client_add(w->sim, &w->bob, w->hub, "bob", WSM_PERMISSION_ACTIVE, 1), 0);
    assert_int_equal(wsm_sim_run(w->sim, 1000, NULL, NULL), 0);
}

static void end(world *w) {
    const char *what = "";
    if (wsm_sim_broken(w->sim, &what)) fail_msg("%s: %s", wsm_sim_broken(w->sim, NULL), what);
    wsm_sim_free(w->sim);
}

static int both_live(void *user) {
    world *w = user;
    return wsm_sim_client_is_live(w->ada) && wsm_sim_client_is_live(w->bob);
}

static void what_one_publishes_the_other_sees(void **state) {
    world w;
    (void)state;
    begin(&w, 1);
    assert_int_equal(wsm_sim_client_publish(w.ada, WSM_PRIORITY_NORMAL), 1);
    assert_int_equal(wsm_sim_run(w.sim, 5000, NULL, NULL), 0);
    assert_true(wsm_sim_client_saw(w.bob, "\"sender_agent_id\":\"ada\""));
    assert_false(wsm_sim_client_saw(w.bob, "\"type\":\"memory_update\"")); /* once */
    assert_true(wsm_sim_client_saw(w.ada, "\"type\":\"ack\""));
    end(&w);
}

/* Found by fuzzing: what a write had under way was nobody's any more. The sanitizers and valgrind see it. */
static void a_world_may_end_while_its_log_writes(void **state) {
    world w;
    (void)state;
    begin(&w, 1);
    assert_true(wsm_sim_client_publish(w.ada, WSM_PRIORITY_NORMAL) >= 1);
    for (int ms = 0; ms < 20; ms++) { /* the end comes at each stage of the way there and back */
        assert_int_equal(wsm_sim_run(w.sim, 1, NULL, NULL), 0);
        if (ms % 2 == 0) assert_true(wsm_sim_client_publish(w.ada, WSM_PRIORITY_NORMAL) >= 1);
    }
    end(&w);
}

static void time_is_virtual(void **state) {
    world w;
    (void)state;
    begin(&w, 2);
    assert_int_equal(wsm_sim_now(w.sim), 1000);
    assert_int_equal(wsm_sim_run(w.sim, 24u * 3600 * 1000, NULL, NULL), 0); /* a day */
    assert_int_equal(wsm_sim_now(w.sim), 1000 + 24u * 3600 * 1000);
    end(&w);
}

/* Found by the simulator: a ping that waited was taken for output that had made no progress since the last message. */
static void an_idle_connection_lives_through_its_pings(void **state) {
    world w;
    (void)state;
    begin(&w, 3);
    assert_true(wsm_sim_client_saw(w.ada, "\"type\":\"welcome\""));
    assert_int_equal(wsm_sim_run(w.sim, 600000, NULL, NULL), 0);
    assert_true(wsm_sim_client_is_live(w.ada));
    assert_false(wsm_sim_client_saw(w.ada, "\"type\":\"welcome\"")); /* it never had to come back */
    end(&w);
}

static void a_crash_loses_nothing_that_was_acknowledged(void **state) {
    world w;
    (void)state;
    begin(&w, 4);
    for (int i = 0; i < 20; i++) wsm_sim_client_publish(w.ada, WSM_PRIORITY_NORMAL);
    assert_int_equal(wsm_sim_run(w.sim, 30, NULL, NULL), 0);
    wsm_sim_crash(w.hub);
    assert_null(wsm_sim_hub_get(w.hub));
    assert_int_equal(wsm_sim_run(w.sim, 3000, NULL, NULL), 0);
    assert_int_equal(wsm_sim_restart(w.hub), 0);
    assert_int_equal(wsm_sim_run(w.sim, 60000, both_live, &w), 1);
    for (int i = 0; i < 20; i++) assert_true(wsm_sim_client_saw(w.bob, "\"sender_agent_id\":\"ada\",\"context_id\""));
    end(&w);
}

static void a_fault_at_every_occasion_is_survived(void **state) {
    world w;
    (void)state;
    begin(&w, 5);
    assert_int_equal(wsm_sim_fault(w.sim, WSM_SIM_SPLIT, 1000), 0);
    assert_int_equal(wsm_sim_fault(w.sim, WSM_SIM_STORE_FAIL, 500), 0);
    for (int i = 0; i < 10; i++) wsm_sim_client_publish(w.ada, WSM_PRIORITY_CRITICAL);
    wsm_sim_cut_all(w.hub);
    assert_int_equal(wsm_sim_run(w.sim, 120000, NULL, NULL), 0);
    assert_true(both_live(&w));
    assert_int_equal(wsm_sim_fault(w.sim, WSM_SIM_SPLIT, 1001), WSM_ERR_INVALID);
    assert_int_equal(wsm_sim_fault(w.sim, WSM_SIM_CUT, 100), WSM_ERR_UNSUPPORTED); /* would wait for ever */
    assert_int_equal(wsm_sim_fault(w.sim, WSM_SIM_CUT, 0), 0);
    end(&w);
}

static int calls;

static void count_applied(void *user, const wsm_applied *applied) {
    assert_ptr_equal(user, &calls);
    calls += applied->offset > 0;
}

static int intakes, drains, questions;

static void count_intake(void *user, const wsm_intake *intake) {
    assert_ptr_equal(user, &calls);
    intakes += intake->agent_id.len == 3;
}

static void count_drained(void *user, wsm_conn *conn, void *conn_user) {
    assert_ptr_equal(user, &calls);
    assert_non_null(conn);
    assert_null(conn_user);
    drains++;
}

static int answer_findings(void *user, const wsm_merge *merge, char *out, size_t cap, size_t *len) {
    assert_ptr_equal(user, &calls);
    assert_non_null(merge->sidebar_id);
    assert_true(cap > 16);
    memcpy(out, "{\"summary\":\"m\"}", *len = 15);
    questions++;
    return 1;
}

static wsm_conn *newest;

static void keep_opened(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state state, uint16_t close_code) {
    (void)user, (void)conn_user, (void)close_code;
    if (state == WSM_CONN_OPEN && !newest) newest = conn;
}

static char side[64];

static void note_side(void *user, const wsm_applied *applied) {
    (void)user;
    if (applied->type.len == 13 && memcmp(applied->type.ptr, "sidebar_spawn", 13) == 0)
        snprintf(side, sizeof side, "%.*s", (int)applied->context_id.len, applied->context_id.ptr);
}

/* Everything that wsm/sim.h promises to hand on, beside what the other tests use. */
static void a_host_of_the_tests_own_is_asked_and_told_when_there_is_room(void **state) {
    world w;
    wsm_host host;
    char merge[128];
    (void)state;
    wsm_host_init(&host, sizeof host);
    host.on_intake = count_intake;
    host.on_drained = count_drained;
    host.on_conn_state = keep_opened;
    host.extract_findings = answer_findings;
    host.on_applied = note_side;
    assert_int_equal(wsm_sim_new(&w.sim, 6, WSM_SIM_CALM), 0);
    assert_int_equal(wsm_sim_hub_add(w.sim, &w.hub, NULL, &host, &calls), 0);
    assert_int_equal(wsm_sim_client_add(w.sim, &w.ada, w.hub, "ada", WSM_PERMISSION_ACTIVE, 1), 0);
    wsm_sim_run(w.sim, 1000, NULL, NULL);
    assert_int_equal(intakes, 1);
    while (wsm_conn_send(newest, WSM_DATA_TEXT, "{\"type\":\"note\"}", 15, WSM_PRIORITY_NORMAL) != WSM_ERR_BUSY) {
    }
    wsm_sim_run(w.sim, 1000, NULL, NULL);
    assert_int_equal(drains, 1);
    const char spawn[] = "{\"type\":\"sidebar_spawn\",\"participants\":[],\"task_description\":\"x\"}";
    assert_int_equal(wsm_sim_client_send(w.ada, spawn), 0);
    wsm_sim_run(w.sim, 1000, NULL, NULL);
    snprintf(merge, sizeof merge, "{\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\"}", side);
    assert_int_equal(wsm_sim_client_send(w.ada, merge), 0);
    wsm_sim_run(w.sim, 1000, NULL, NULL);
    assert_int_equal(questions, 1);
    end(&w);
}

static void a_host_of_the_tests_own_hears_its_news(void **state) {
    world w;
    wsm_host host;
    wsm_config config;
    (void)state;
    wsm_host_init(&host, sizeof host);
    wsm_config_init(&config, sizeof config);
    host.on_applied = count_applied;
    config.server_name = "mine";
    assert_int_equal(wsm_sim_new(&w.sim, 6, WSM_SIM_CALM), 0);
    assert_int_equal(wsm_sim_hub_add(w.sim, &w.hub, &config, &host, &calls), 0);
    assert_int_equal(wsm_sim_client_add(w.sim, &w.ada, w.hub, "ada", WSM_PERMISSION_ACTIVE, 1), 0);
    wsm_sim_run(w.sim, 1000, NULL, NULL);
    assert_true(wsm_sim_client_saw(w.ada, "\"name\":\"mine\""));
    calls = 0;
    assert_int_equal(wsm_sim_client_send(w.ada, "{\"type\":\"memory_update\",\"exchange\":1}"), 0);
    wsm_sim_run(w.sim, 1000, NULL, NULL);
    assert_int_equal(calls, 1);
    end(&w);
}

/* The same choices give the same run, whether they are drawn or read from a script. */
static void count_closes(void *user, const char *line) {
    if (strstr(line, "is closed with 4013")) ++*(int *)user;
}

/* Found by fuzzing: it came back and sent everything again at once, and again, and never got out of it. */
static void a_client_that_was_closed_for_its_rate_comes_back_with_patience(void **state) {
    wsm_config config;
    wsm_host host;
    wsm_sim *sim;
    wsm_sim_hub *hub;
    wsm_sim_client *ada;
    int closes = 0;
    (void)state;
    wsm_config_init(&config, sizeof config);
    config.agent_messages_per_s = 1;
    config.agent_messages_burst = 2;
    config.rate_violations_per_min = 3;
    wsm_host_init(&host, sizeof host);
    host.on_applied = count_applied;
    assert_int_equal(wsm_sim_new(&sim, 1, WSM_SIM_CALM), 0);
    assert_int_equal(wsm_sim_hub_add(sim, &hub, &config, &host, &calls), 0);
    assert_int_equal(wsm_sim_client_add(sim, &ada, hub, "ada", WSM_PERMISSION_ACTIVE, 1), 0);
    wsm_sim_trace(sim, count_closes, &closes);
    assert_int_equal(wsm_sim_run(sim, 1000, NULL, NULL), 0);
    calls = 0;

    for (int i = 0; i < 60; i++) assert_true(wsm_sim_client_publish(ada, WSM_PRIORITY_NORMAL) >= 1);
    assert_int_equal(wsm_sim_run(sim, 300000, NULL, NULL), 0);

    assert_null(wsm_sim_broken(sim, NULL));
    assert_int_equal(calls, 60);
    assert_in_range(closes, 1, 5);
    wsm_sim_free(sim);
}

static void a_seed_is_a_run(void **state) {
    wsm_sim_report first, second;
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        wsm_sim_report_init(&first, sizeof first);
        wsm_sim_report_init(&second, sizeof second);
        assert_int_equal(wsm_sim_swarm(seed, WSM_SIM_BRUTAL, NULL, &first, NULL, NULL), 0);
        assert_int_equal(wsm_sim_swarm(seed, WSM_SIM_BRUTAL, NULL, &second, NULL, NULL), 0);
        assert_int_equal(first.trace, second.trace);
        assert_int_equal(first.events, second.events);
        assert_true(first.events > 100);
    }
}

static void an_empty_script_is_a_quiet_run(void **state) {
    wsm_sim_script script = {.size = sizeof script, .seed = 5, .profile = WSM_SIM_BRUTAL};
    wsm_sim_report report;
    (void)state;
    wsm_sim_report_init(&report, sizeof report);
    assert_int_equal(wsm_sim_swarm(0, WSM_SIM_CALM, &script, &report, NULL, NULL), 0);
    for (unsigned i = 0; i < WSM_SIM_FAULTS; i++) assert_int_equal(report.faults[i], 0);
}

static void what_breaks_nothing_is_not_shrunk(void **state) {
    wsm_sim_script *script;
    wsm_sim_report report;
    (void)state;
    wsm_sim_report_init(&report, sizeof report);
    assert_int_equal(wsm_sim_shrink(1, WSM_SIM_CALM, 10, NULL, NULL, &script, &report), WSM_ERR_NOT_FOUND);
    assert_null(script);
}

static void every_invariant_is_explained_and_every_fault_has_a_name(void **state) {
    const wsm_sim_invariant *row;
    size_t count = 0;
    (void)state;
    for (; (row = wsm_sim_invariant_at(count)) != NULL; count++) {
        assert_true(strlen(row->id) == 4 && row->id[0] == 'I' && row->id[1] == '-');
        assert_true(strlen(row->explain) > 20);
    }
    assert_true(count >= 30);
    for (unsigned i = 0; i < WSM_SIM_FAULTS; i++) assert_non_null(wsm_sim_fault_name((wsm_sim_fault_kind)i));
    assert_null(wsm_sim_fault_name((wsm_sim_fault_kind)WSM_SIM_FAULTS));
    for (unsigned i = 0; i < WSM_SIM_DURINGS; i++) assert_non_null(wsm_sim_during_name((wsm_sim_during)i));
    assert_null(wsm_sim_during_name((wsm_sim_during)WSM_SIM_DURINGS));
}

/* What strikes a hub is told with what was under way there, if only that nothing was. */
static void every_fault_is_marked_with_what_it_met(void **state) {
    static const wsm_sim_fault_kind kinds[] = {WSM_SIM_CRASH, WSM_SIM_CLOCK_JUMP, WSM_SIM_STORE_FAIL, WSM_SIM_READ_FAIL,
                                               WSM_SIM_REENTRY};
    uint64_t faults = 0, joins = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        wsm_sim_report report;
        wsm_sim_report_init(&report, sizeof report);
        assert_int_equal(wsm_sim_swarm(seed, WSM_SIM_BRUTAL, NULL, &report, NULL, NULL), 0);
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            uint64_t marks = 0;
            for (unsigned k = 0; k < WSM_SIM_DURINGS; k++) marks += report.marks[kinds[i]][k];
            assert_true(marks >= report.faults[kinds[i]]);
            faults += report.faults[kinds[i]];
        }
        joins += report.marks[WSM_SIM_TOKEN_LATE][WSM_SIM_DURING_JOIN];
        assert_true(report.marks[WSM_SIM_TOKEN_LATE][WSM_SIM_DURING_JOIN] == report.faults[WSM_SIM_TOKEN_LATE]);
        assert_true(report.marks[WSM_SIM_TOKEN_LATE][WSM_SIM_DURING_REPLAY] == 0);
    }
    assert_true(faults > 100 && joins > 0);
}

static void a_run_tells_how_long_it_took_to_heal(void **state) {
    uint64_t longest = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        wsm_sim_report report;
        wsm_sim_report_init(&report, sizeof report);
        assert_int_equal(wsm_sim_swarm(seed, WSM_SIM_ROUGH, NULL, &report, NULL, NULL), 0);
        assert_true(report.heal_ms <= report.heal_most_ms);
        if (report.heal_ms > longest) longest = report.heal_ms;
    }
    assert_true(longest > 0);
}

static void misuse_is_an_error(void **state) {
    wsm_sim *sim;
    wsm_sim_hub *hub, *ninth;
    wsm_sim_client *client;
    (void)state;
    assert_int_equal(wsm_sim_new(NULL, 1, WSM_SIM_CALM), WSM_ERR_INVALID);
    assert_int_equal(wsm_sim_new(&sim, 1, (wsm_sim_profile)3), WSM_ERR_INVALID);
    assert_int_equal(wsm_sim_new(&sim, 1, WSM_SIM_CALM), 0);
    assert_null(wsm_sim_token(sim, "ada", WSM_PERMISSION_ACTIVE)); /* there is no machine whose clock could tell */
    for (int i = 0; i < 8; i++) assert_int_equal(wsm_sim_hub_add(sim, &hub, NULL, NULL, NULL), 0);
    assert_int_equal(wsm_sim_hub_add(sim, &ninth, NULL, NULL, NULL), WSM_ERR_LIMIT);
    assert_int_equal(wsm_sim_client_add(sim, &client, NULL, "ada", WSM_PERMISSION_ACTIVE, 0), WSM_ERR_INVALID);
    assert_int_equal(wsm_sim_client_add(sim, &client, hub, "two words", WSM_PERMISSION_ACTIVE, 0), WSM_ERR_INVALID);
    assert_int_equal(wsm_sim_client_add(sim, &client, hub, "hub", WSM_PERMISSION_ACTIVE, 0), WSM_ERR_INVALID);
    assert_int_equal(
        wsm_sim_client_add(sim, &client, hub, "an-agent-with-a-name-of-32-bytes", WSM_PERMISSION_ACTIVE, 0),
        WSM_ERR_INVALID);
    assert_null(client);
    assert_null(wsm_sim_token(sim, "two words", WSM_PERMISSION_ACTIVE));
    assert_non_null(wsm_sim_token(sim, "ada", WSM_PERMISSION_ACTIVE));
    for (int i = 0; i < 48; i++) {
        char name[8] = {'a', (char)('0' + i / 10), (char)('0' + i % 10)};
        assert_int_equal(wsm_sim_client_add(sim, &client, hub, name, WSM_PERMISSION_ACTIVE, 0), 0);
    }
    assert_int_equal(wsm_sim_client_add(sim, &client, hub, "b", WSM_PERMISSION_ACTIVE, 0), WSM_ERR_LIMIT);
    assert_int_equal(wsm_sim_after(sim, 1, NULL, NULL), WSM_ERR_INVALID);
    assert_int_equal(wsm_sim_run(NULL, 1, NULL, NULL), WSM_ERR_INVALID);
    wsm_sim_free(sim);
    wsm_sim_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_publishes_the_other_sees),
        cmocka_unit_test(a_world_may_end_while_its_log_writes),
        cmocka_unit_test(time_is_virtual),
        cmocka_unit_test(an_idle_connection_lives_through_its_pings),
        cmocka_unit_test(a_crash_loses_nothing_that_was_acknowledged),
        cmocka_unit_test(a_fault_at_every_occasion_is_survived),
        cmocka_unit_test(a_host_of_the_tests_own_hears_its_news),
        cmocka_unit_test(a_host_of_the_tests_own_is_asked_and_told_when_there_is_room),
        cmocka_unit_test(a_client_that_was_closed_for_its_rate_comes_back_with_patience),
        cmocka_unit_test(a_seed_is_a_run),
        cmocka_unit_test(an_empty_script_is_a_quiet_run),
        cmocka_unit_test(what_breaks_nothing_is_not_shrunk),
        cmocka_unit_test(every_invariant_is_explained_and_every_fault_has_a_name),
        cmocka_unit_test(every_fault_is_marked_with_what_it_met),
        cmocka_unit_test(a_run_tells_how_long_it_took_to_heal),
        cmocka_unit_test(misuse_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
