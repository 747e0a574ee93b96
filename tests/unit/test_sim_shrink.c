/* sim/shrink: what is left of a run is what breaks the invariant, and no more. The runs of most stories are small ones
 * of the test's own, which count their tries; the last ones are real, with an invariant that only the test has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/world.h"

#define STEPS  60u
#define NOISES 40u

static uint32_t ask(wsm__sim_choices *choices, uint32_t bound, const char *which) {
    return wsm__sim_pick(choices, WSM__SIM_WORK, bound, (wsm__sim_point){"run", which});
}

static int finish(wsm_sim_report *report, const char *invariant) {
    if (invariant) snprintf(report->invariant, sizeof report->invariant, "%s", invariant);
    return invariant ? 1 : 0;
}

static void begin(const wsm__sim_how *how, wsm_sim_report *report, wsm__sim_choices *choices) {
    wsm_sim_report_init(report, sizeof *report);
    wsm__sim_choices_init(choices, how->seed, NULL, how->tape);
}

/* ---- runs of the test's own -----------------------------------------------------------------------------------------
 */

/* A door that is opened in a step and slammed, hard enough, in a later one. The rest is noise. */
static int slams(const wsm__sim_how *how, wsm_sim_report *report, uint32_t *steps) {
    static const char *const noises[] = {"wind", "rain", "birds", "bells"};
    wsm__sim_choices choices;
    bool is_open = false;
    uint32_t count = how->steps ? how->steps : STEPS;
    begin(how, report, &choices);
    for (uint32_t step = 0; step < count; step++) {
        *steps = step + 1;
        wsm__sim_begin(&choices, 2 + (int32_t)step);
        for (uint32_t i = 0; i < NOISES; i++) ask(&choices, 100, noises[i % 4]);
        if (is_open && ask(&choices, 100, "slam") >= 30) return finish(report, "I-99");
        is_open = is_open || ask(&choices, 10, "open") == 9;
        report->events++;
    }
    return finish(report, NULL);
}

/* Breaks one invariant when something falls, and another when nothing does. */
static int always(const wsm__sim_how *how, wsm_sim_report *report, uint32_t *steps) {
    wsm__sim_choices choices;
    begin(how, report, &choices);
    *steps = 1;
    wsm__sim_begin(&choices, 2);
    return finish(report, ask(&choices, 1000, "fall") > 0 ? "I-98" : "I-97");
}

/* Breaks the same in any case, but says why; numbers and names may differ. */
static int says(const wsm__sim_how *how, wsm_sim_report *report, uint32_t *steps) {
    wsm__sim_choices choices;
    begin(how, report, &choices);
    *steps = 1;
    wsm__sim_begin(&choices, 2);
    uint32_t falls = ask(&choices, 1000, "fall");
    if (falls == 0) snprintf(report->what, sizeof report->what, "agent-1 never fell, which is too seldom");
    if (falls > 0)
        snprintf(report->what, sizeof report->what, "agent-%u fell %u times, which is too often", falls, falls);
    return finish(report, "I-98");
}

/* Falls soon, or goes on until it is given up. */
static int lasts(const wsm__sim_how *how, wsm_sim_report *report, uint32_t *steps) {
    wsm__sim_choices choices;
    begin(how, report, &choices);
    *steps = 1;
    wsm__sim_begin(&choices, 2);
    if (ask(&choices, 1000, "fall") > 0) {
        report->events = 1000;
        return finish(report, "I-98");
    }
    assert_in_range(how->events_max, 1000, 10000);
    report->events = how->events_max;
    return finish(report, "long");
}

static int never(const wsm__sim_how *how, wsm_sim_report *report, uint32_t *steps) {
    wsm__sim_choices choices;
    begin(how, report, &choices);
    *steps = 1;
    return 0;
}

/* ---- runs of the simulator, with an invariant that it does not have -------------------------------------------------
 */

/* Nobody ever comes back after a crash. */
static int comes_back(const wsm__sim_how *how, wsm_sim_report *report, uint32_t *steps) {
    int broken = wsm__sim_swarm_run(how, report, steps);
    if (broken) return broken;
    return finish(report, report->crashes > 0 && report->resumes > 0 ? "I-99" : NULL);
}

static uint64_t a_seed_that_breaks(wsm__sim_run_fn run) {
    for (uint64_t seed = 1; seed < 200; seed++) {
        wsm_sim_report report;
        wsm__sim_tape tape = {.names = NULL};
        wsm__sim_how how = {.seed = seed, .profile = WSM_SIM_BRUTAL, .tape = &tape};
        uint32_t steps = 0;
        wsm__sim_tape_start(&tape, NULL, 0);
        int broken = run(&how, &report, &steps);
        wsm__sim_tape_fini(&tape);
        if (broken && strcmp(report.invariant, "I-99") == 0) return seed;
    }
    fail_msg("no seed breaks it");
    return 0;
}

/* ---- stories --------------------------------------------------------------------------------------------------------
 */

static wsm_sim_script *shrink(wsm__sim_run_fn run, uint64_t seed, size_t runs_max, wsm_sim_report *report) {
    wsm_sim_script *script = NULL;
    wsm_sim_report_init(report, sizeof *report);
    assert_int_equal(wsm__sim_shrink_by(run, seed, WSM_SIM_BRUTAL, runs_max, NULL, NULL, &script, report), WSM_OK);
    assert_non_null(script);
    return script;
}

static const wsm_sim_choice *find(const wsm_sim_script *script, const char *name) {
    for (size_t i = 0; i < script->named_count; i++)
        if (strcmp(script->named[i].name, name) == 0) return &script->named[i];
    return NULL;
}

static void what_is_left_is_what_breaks_it(void **state) {
    (void)state;
    wsm_sim_report report;
    wsm_sim_script *script = shrink(slams, a_seed_that_breaks(slams), 100000, &report);
    assert_string_equal(report.invariant, "I-99");
    assert_int_equal(script->named_count, 2);
    const wsm_sim_choice *open = find(script, "run open"), *slam = find(script, "run slam");
    assert_non_null(open);
    assert_non_null(slam);
    assert_int_equal(open->value, 9);
    assert_int_equal(slam->value, 30); /* just hard enough */
    assert_int_equal(slam->step, open->step + 1);
    assert_int_equal(script->steps, 2);
    wsm_sim_script_free(script);
}

static void another_invariant_is_not_the_same(void **state) {
    (void)state;
    wsm_sim_report report;
    wsm_sim_script *script = shrink(always, 3, 1000, &report);
    assert_string_equal(report.invariant, "I-98"); /* without the choice it would be I-97 */
    assert_int_equal(script->named_count, 1);
    assert_int_equal(script->named[0].value, 1);
    wsm_sim_script_free(script);
}

static void other_words_are_another_bug(void **state) {
    (void)state;
    wsm_sim_report report;
    wsm_sim_script *script = shrink(says, 3, 1000, &report);
    assert_string_equal(report.what, "agent-1 fell 1 times, which is too often");
    assert_int_equal(script->named_count, 1);
    wsm_sim_script_free(script);
}

static void a_try_that_goes_on_for_long_is_given_up(void **state) {
    (void)state;
    wsm_sim_report report;
    wsm_sim_script *script = shrink(lasts, 3, 1000, &report);
    assert_string_equal(report.invariant, "I-98");
    assert_int_equal(report.events, 1000);
    wsm_sim_script_free(script);
}

static void a_seed_that_breaks_nothing_is_not_found(void **state) {
    (void)state;
    wsm_sim_script *script = NULL;
    wsm_sim_report report;
    wsm_sim_report_init(&report, sizeof report);
    assert_int_equal(wsm__sim_shrink_by(never, 1, WSM_SIM_ROUGH, 10, NULL, NULL, &script, &report), WSM_ERR_NOT_FOUND);
    assert_null(script);
}

static void it_ends_with_its_runs_and_keeps_what_it_has(void **state) {
    (void)state;
    wsm_sim_report report;
    wsm_sim_script *script = shrink(slams, a_seed_that_breaks(slams), 3, &report);
    assert_true(script->named_count > 2);
    assert_string_equal(report.invariant, "I-99");
    wsm_sim_script_free(script);
}

static int after_five(void *user, size_t runs, size_t choices, uint32_t steps) {
    size_t *calls = user;
    assert_int_equal(runs, ++*calls);
    assert_true(choices > 0 && steps > 0);
    return runs == 5;
}

static void it_ends_when_it_is_told_that_it_is_enough(void **state) {
    (void)state;
    size_t calls = 0;
    wsm_sim_script *script = NULL;
    wsm_sim_report report;
    wsm_sim_report_init(&report, sizeof report);
    uint64_t seed = a_seed_that_breaks(slams);
    assert_int_equal(wsm__sim_shrink_by(slams, seed, WSM_SIM_BRUTAL, 100000, after_five, &calls, &script, &report),
                     WSM_OK);
    assert_int_equal(calls, 5);
    wsm_sim_script_free(script);
}

static void a_real_run_becomes_a_script_that_does_the_same(void **state) {
    (void)state;
    wsm_sim_report report, again;
    wsm_sim_script *script = shrink(comes_back, a_seed_that_breaks(comes_back), 3000, &report);
    assert_string_equal(report.invariant, "I-99");
    assert_true(script->named_count < 12);
    wsm_sim_report_init(&again, sizeof again);
    assert_int_equal(wsm_sim_swarm(0, WSM_SIM_CALM, script, &again, NULL, NULL), 0); /* the library's all hold */
    assert_true(again.crashes > 0 && again.resumes > 0);
    assert_int_equal(again.trace, report.trace);
    wsm_sim_script_free(script);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_what_breaks_it),
        cmocka_unit_test(another_invariant_is_not_the_same),
        cmocka_unit_test(other_words_are_another_bug),
        cmocka_unit_test(a_try_that_goes_on_for_long_is_given_up),
        cmocka_unit_test(a_seed_that_breaks_nothing_is_not_found),
        cmocka_unit_test(it_ends_with_its_runs_and_keeps_what_it_has),
        cmocka_unit_test(it_ends_when_it_is_told_that_it_is_enough),
        cmocka_unit_test(a_real_run_becomes_a_script_that_does_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
