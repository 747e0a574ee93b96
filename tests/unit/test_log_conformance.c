/* wsm_log_conformance: the logs that we ship keep every rule of log.h, and each of a row of broken logs is found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/world.h"
#include "hub/hub.h"
#include "toy_log.h"

typedef struct verdicts {
    char first_rule[64];
    bool has_expected;
    const char *expected;
    bool prints;
} verdicts;

static void on_breach(void *user, const wsm_log_breach *breach) {
    verdicts *seen = user;
    if (seen->prints) print_message("%s, script %s: %s\n", breach->rule, breach->script, breach->what);
    if (!seen->first_rule[0]) snprintf(seen->first_rule, sizeof seen->first_rule, "%s", breach->rule);
    if (seen->expected && strcmp(seen->expected, breach->rule) == 0) seen->has_expected = true;
}

static void assert_conforms(const wsm_log_maker *maker, wsm_log_report *report) {
    verdicts seen = {.prints = true};
    wsm_log_report_init(report, sizeof *report);
    assert_int_equal(wsm_log_conformance(maker, on_breach, &seen, report), 0);
    assert_int_equal(report->breaches, 0);
    assert_true(report->appends > 100 && report->records > 1000 && report->closes > 100);
}

static void the_honest_toy_conforms(void **state) {
    (void)state;
    for (int syncs = 0; syncs <= 1; syncs++) {
        toy_log *toy = toy_new(TOY_HONEST, syncs);
        wsm_log_maker maker;
        wsm_log_report report;
        toy_maker(toy, &maker);
        maker.rounds = 200;
        assert_conforms(&maker, &report);
        assert_true(report.crashes > 100 && report.errors > 40 && report.reads > 200 && report.saves > 40);
        toy_free(toy);
    }
}

static void each_broken_toy_is_found_out(void **state) {
    (void)state;
    int missed = 0;
    for (toy_bug bug = TOY_HONEST + 1; bug < TOY_BUGS_END; bug++) {
        verdicts seen = {.expected = toy_bug_rule(bug)};
        for (int syncs = 1; syncs >= 0; syncs--) {
            toy_log *toy = toy_new(bug, syncs);
            wsm_log_maker maker;
            toy_maker(toy, &maker);
            assert_true(wsm_log_conformance(&maker, on_breach, &seen, NULL) >= 0);
            toy_free(toy);
        }
        if (seen.has_expected) continue;
        missed++;
        print_message("%s should break %s; broke %s\n", toy_bug_name(bug), toy_bug_rule(bug),
                      seen.first_rule[0] ? seen.first_rule : "nothing");
    }
    assert_int_equal(missed, 0);
}

/* ---- the built-in log ---- */

static int memory_fresh(void *user) {
    (void)user;
    return 0;
}

static int memory_make(void *user, wsm_hub *hub, wsm_log *log) {
    (void)user;
    return wsm__log_memory_new(log, hub);
}

static void the_built_in_log_conforms(void **state) {
    (void)state;
    wsm_log_maker maker;
    wsm_log_report report;
    wsm_log_maker_init(&maker, sizeof maker);
    maker.fresh = memory_fresh;
    maker.make = memory_make;
    maker.forgets = 1;
    assert_conforms(&maker, &report);
}

/* ---- the simulator's own log
 * ------------------------------------------------------------------------------------------ */

/* A world with one machine on which no hub runs: the stand-in is its hub, and each pump is one event. */
typedef struct sim_disk {
    wsm_sim *sim;
    wsm__sim_machine *machine;
    bool syncs;
    uint64_t worlds;
    void (*close)(void *user);
} sim_disk;

static int sim_fresh(void *user) {
    sim_disk *disk = user;
    wsm_config config;
    wsm_config_init(&config, sizeof config);
    wsm_sim_free(disk->sim);
    assert_int_equal(wsm_sim_new(&disk->sim, ++disk->worlds, WSM_SIM_CALM), 0);
    disk->machine = wsm__sim_machine_new(disk->sim, &config, NULL, NULL);
    disk->machine->store.is_durable = disk->syncs;
    disk->sim->store_us = 500;
    return 0;
}

static int sim_pump(void *user) {
    sim_disk *disk = user;
    return wsm__sim_step(disk->sim, disk->sim->now + 10 * WSM__SIM_S);
}

/* In a world the process ends before its log does; here the log has to finish by itself. */
static void sim_close(void *user) {
    wsm__sim_store *store = user;
    while (wsm__sim_step(store->node->sim, store->node->sim->now + 10 * WSM__SIM_S)) {
    }
    wsm__sim_store_crash(store, true);
}

static int sim_make(void *user, wsm_hub *hub, wsm_log *log) {
    sim_disk *disk = user;
    disk->machine->hub = hub;
    disk->machine->depth = 1; /* always inside a call: nobody ticks it */
    disk->machine->life++;
    wsm__sim_store_log(&disk->machine->store, log);
    log->close = sim_close;
    return 0;
}

static void sim_unmake(void *user) {
    sim_disk *disk = user;
    disk->machine->hub = NULL;
}

static void sim_crash(void *user) {
    sim_disk *disk = user;
    wsm__sim_store_crash(&disk->machine->store, false);
    sim_unmake(disk);
}

static void sim_fail(void *user, int on) {
    sim_disk *disk = user;
    disk->machine->store.is_full = on;
}

static void the_simulators_log_conforms(void **state) {
    (void)state;
    for (int syncs = 0; syncs <= 1; syncs++) {
        sim_disk disk = {.syncs = syncs};
        wsm_log_maker maker;
        wsm_log_report report;
        wsm_log_maker_init(&maker, sizeof maker);
        maker.user = &disk;
        maker.fresh = sim_fresh;
        maker.make = sim_make;
        maker.unmake = sim_unmake;
        maker.pump = sim_pump;
        maker.crash = sim_crash;
        maker.fail = sim_fail;
        maker.rounds = 100;
        maker.record_max = 1 << 20;
        assert_conforms(&maker, &report);
        assert_true(report.crashes > 50 && report.errors > 30);
        disk.machine->hub = NULL;
        wsm_sim_free(disk.sim);
    }
}

/* ---- the suite itself ---- */

static void rules_have_names_and_sentences(void **state) {
    (void)state;
    size_t count = 0;
    const char *sentence;
    while (wsm_log_rule(count, &sentence)) {
        assert_true(strlen(sentence) > 15);
        for (size_t i = 0; i < count; i++) assert_string_not_equal(wsm_log_rule(i, NULL), wsm_log_rule(count, NULL));
        count++;
    }
    assert_null(sentence);
    /* Every rule has a broken log that breaks it. */
    for (size_t i = 0; i < count; i++) {
        bool is_broken = false;
        for (toy_bug bug = TOY_HONEST + 1; bug < TOY_BUGS_END; bug++)
            is_broken = is_broken || strcmp(toy_bug_rule(bug), wsm_log_rule(i, NULL)) == 0;
        if (!is_broken) print_message("nothing breaks %s\n", wsm_log_rule(i, NULL));
        assert_true(is_broken);
    }
}

static void makers_that_are_not_whole_are_refused(void **state) {
    (void)state;
    wsm_log_maker maker;
    wsm_log_maker_init(&maker, sizeof maker);
    assert_int_equal(wsm_log_conformance(NULL, NULL, NULL, NULL), WSM_ERR_INVALID);
    assert_int_equal(wsm_log_conformance(&maker, NULL, NULL, NULL), WSM_ERR_INVALID);
    maker.fresh = memory_fresh;
    assert_int_equal(wsm_log_conformance(&maker, NULL, NULL, NULL), WSM_ERR_INVALID);
}

static void a_stand_in_without_callbacks_takes_everything(void **state) {
    (void)state;
    wsm_log_probe probe = {.size = sizeof probe};
    wsm_hub *hub = NULL;
    assert_int_equal(wsm_log_probe_new(NULL, &probe), WSM_ERR_INVALID);
    assert_int_equal(wsm_log_probe_new(&hub, NULL), WSM_ERR_INVALID);
    assert_null(hub);
    assert_int_equal(wsm_log_probe_new(&hub, &probe), 0);
    assert_int_equal(wsm_log_snapshot(hub, 1, "s", 1), 0);
    assert_int_equal(wsm_log_deliver(hub, NULL, 0), 0);
    assert_int_equal(wsm_log_done(hub, 1, 0), 0);
    assert_int_equal(wsm_log_page(hub, 1, NULL, 0, 0), 0);
    assert_int_equal(wsm_log_ready(hub, NULL, WSM_ERR_LOG_IO), 0);
    wsm_log_probe_free(hub);
    wsm_log_probe_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_honest_toy_conforms),
        cmocka_unit_test(each_broken_toy_is_found_out),
        cmocka_unit_test(the_built_in_log_conforms),
        cmocka_unit_test(the_simulators_log_conforms),
        cmocka_unit_test(rules_have_names_and_sentences),
        cmocka_unit_test(makers_that_are_not_whole_are_refused),
        cmocka_unit_test(a_stand_in_without_callbacks_takes_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
