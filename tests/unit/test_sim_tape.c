/* sim/tape and sim/choice: choices by step, name and turn, recorded, made again, and what happens to those that a tape
 * does not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/choice.h"

#define MANY 5000u

static const wsm__sim_point pace = {"walk", "pace"}, turn = {"walk", "turn"}, fall = {"walk", "fall"};

typedef struct fixture {
    wsm__sim_tape tape;
    wsm__sim_choices choices;
} fixture;

/* A run that chooses at random and is recorded. */
static void record(fixture *f, uint64_t seed) {
    *f = (fixture){.choices = {.tape = NULL}};
    wsm__sim_tape_start(&f->tape, NULL, 0);
    wsm__sim_choices_init(&f->choices, seed, NULL, &f->tape);
}

/* A run that makes these choices. */
static void replay(fixture *f, const wsm__sim_made *says, size_t count) {
    wsm__sim_tape_start(&f->tape, says, count);
    wsm__sim_choices_init(&f->choices, 0, NULL, &f->tape);
}

static void end(fixture *f) {
    wsm__sim_tape_fini(&f->tape);
}

static uint32_t pick(fixture *f, uint32_t bound, wsm__sim_point point) {
    return wsm__sim_pick(&f->choices, WSM__SIM_WORK, bound, point);
}

static bool chance(fixture *f, uint32_t per_mille, wsm__sim_point point) {
    return wsm__sim_chance(&f->choices, WSM__SIM_WORK, per_mille, point);
}

static wsm__sim_made said(fixture *f, int32_t step, const char *name, uint32_t nth, uint32_t value) {
    return (wsm__sim_made){step, wsm__sim_tape_name(&f->tape, name), nth, value};
}

static void a_choice_is_kept_by_its_step_its_name_and_its_turn(void **state) {
    (void)state;
    fixture f;
    record(&f, 1);
    wsm__sim_begin(&f.choices, 7);
    while (pick(&f, 1000, pace) == 0) continue;
    size_t before = f.tape.made_count;
    while (pick(&f, 1000, turn) == 0) continue;
    while (pick(&f, 1000, turn) == 0) continue;
    assert_int_equal(before, 1);
    assert_int_equal(f.tape.made_count, 3);
    const wsm__sim_made *made = f.tape.made;
    assert_string_equal(f.tape.names[made[0].name].text, "walk pace");
    assert_string_equal(f.tape.names[made[1].name].text, "walk turn");
    assert_int_equal(made[1].name, made[2].name);
    assert_int_equal(made[2].step, 7);
    assert_true(made[1].nth < made[2].nth);
    end(&f);
}

/* Of 600 names and eight steps. */
static uint32_t one_of_many(fixture *f, uint32_t i) {
    static char names[600][8];
    const char *name = names[i % 600];
    snprintf(names[i % 600], sizeof names[0], "%u", i % 600);
    wsm__sim_begin(&f->choices, (int32_t)(i / 700) - 3);
    return i % 3 ? pick(f, 2 + i % 50, (wsm__sim_point){"many", name}) : chance(f, 300, (wsm__sim_point){"many", name});
}

static void what_was_recorded_is_chosen_again(void **state) {
    (void)state;
    fixture f;
    uint32_t chosen[MANY];
    wsm__sim_made says[MANY];
    record(&f, 2);
    for (uint32_t i = 0; i < MANY; i++) chosen[i] = one_of_many(&f, i);
    size_t count = f.tape.made_count;
    memcpy(says, f.tape.made, count * sizeof *says);
    replay(&f, says, count);
    for (uint32_t i = 0; i < MANY; i++) assert_int_equal(one_of_many(&f, i), chosen[i]);
    assert_int_equal(f.tape.made_count, count);
    assert_memory_equal(f.tape.made, says, count * sizeof *says);
    end(&f);
}

static void what_a_tape_does_not_say_is_the_quietest(void **state) {
    (void)state;
    fixture f;
    record(&f, 3);
    const wsm__sim_made says[] = {said(&f, 1, "walk pace", 1, 4)};
    replay(&f, says, 1);
    wsm__sim_begin(&f.choices, 1);
    assert_int_equal(pick(&f, 9, pace), 0);
    assert_int_equal(pick(&f, 9, pace), 4);
    assert_int_equal(pick(&f, 9, pace), 0);
    assert_int_equal(pick(&f, 9, turn), 0);
    assert_false(chance(&f, 1000, fall));
    wsm__sim_begin(&f.choices, 2);
    assert_int_equal(pick(&f, 9, pace), 0);
    assert_int_equal(pick(&f, 9, pace), 0);
    assert_int_equal(f.tape.made_count, 1);
    end(&f);
}

static void an_empty_tape_says_nothing_of_anything(void **state) {
    (void)state;
    fixture f;
    const wsm__sim_made nothing[1] = {{.value = 0}};
    record(&f, 4);
    replay(&f, nothing, 0);
    for (int i = 0; i < 50; i++) assert_int_equal(pick(&f, 1000, pace), 0);
    assert_int_equal(f.tape.made_count, 0);
    end(&f);
}

static void a_value_out_of_range_comes_back_into_it(void **state) {
    (void)state;
    fixture f;
    record(&f, 5);
    const wsm__sim_made says[] = {said(&f, 1, "walk pace", 0, 23), said(&f, 1, "walk pace", 1, 20),
                                  said(&f, 1, "walk fall", 0, 77)};
    replay(&f, says, 3);
    wsm__sim_begin(&f.choices, 1);
    assert_int_equal(pick(&f, 10, pace), 3);
    assert_int_equal(pick(&f, 10, pace), 0);
    assert_true(chance(&f, 1, fall));
    assert_int_equal(f.tape.made_count, 2); /* as they were made: 3 and 1 */
    assert_int_equal(f.tape.made[0].value, 3);
    assert_int_equal(f.tape.made[1].value, 1);
    end(&f);
}

static void a_choice_that_is_new_shifts_no_other(void **state) {
    (void)state;
    fixture f;
    static const wsm__sim_point fresh = {"walk", "what a later version asks"};
    record(&f, 6);
    const wsm__sim_made says[] = {said(&f, 1, "walk pace", 0, 1), said(&f, 1, "walk turn", 0, 2),
                                  said(&f, 2, "walk pace", 0, 3)};
    replay(&f, says, 3);
    wsm__sim_begin(&f.choices, 1);
    assert_int_equal(pick(&f, 10, fresh), 0);
    assert_int_equal(pick(&f, 10, pace), 1);
    assert_int_equal(pick(&f, 10, fresh), 0);
    assert_int_equal(pick(&f, 10, turn), 2);
    wsm__sim_begin(&f.choices, 2);
    assert_int_equal(pick(&f, 10, pace), 3);
    end(&f);
}

static void a_choice_that_is_made_no_longer_is_passed_over(void **state) {
    (void)state;
    fixture f;
    record(&f, 7);
    const wsm__sim_made says[] = {said(&f, 1, "walk once", 0, 9), said(&f, 1, "walk pace", 0, 1)};
    replay(&f, says, 2);
    wsm__sim_begin(&f.choices, 1);
    assert_int_equal(pick(&f, 10, pace), 1);
    assert_int_equal(f.tape.made_count, 1);
    end(&f);
}

static void names_are_told_apart_by_their_text(void **state) {
    (void)state;
    fixture f;
    char where[] = "walk", which[] = "pace";
    const wsm__sim_point elsewhere = {where, which}; /* another address, as in another build */
    record(&f, 8);
    const wsm__sim_made says[] = {said(&f, 1, "walk pace", 0, 5), said(&f, 1, "walk pace", 1, 6)};
    replay(&f, says, 2);
    wsm__sim_begin(&f.choices, 1);
    assert_int_equal(pick(&f, 10, elsewhere), 5);
    assert_int_equal(pick(&f, 10, pace), 6);
    end(&f);
}

static void what_cannot_be_otherwise_is_no_choice(void **state) {
    (void)state;
    fixture f;
    record(&f, 9);
    const wsm__sim_made says[] = {said(&f, 1, "walk pace", 0, 5)};
    replay(&f, says, 1);
    wsm__sim_begin(&f.choices, 1);
    assert_int_equal(pick(&f, 1, pace), 0);
    assert_int_equal(pick(&f, 0, pace), 0);
    assert_int_equal(pick(&f, 10, pace), 5); /* still the first of its name */
    end(&f);
}

static void a_fault_of_a_tape_happens_whatever_its_rate_is(void **state) {
    (void)state;
    fixture f;
    record(&f, 10);
    assert_false(chance(&f, 0, fall)); /* at random: never */
    const wsm__sim_made says[] = {said(&f, 3, "walk fall", 0, 1)};
    replay(&f, says, 1);
    wsm__sim_begin(&f.choices, 3);
    assert_true(chance(&f, 0, fall));
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_choice_is_kept_by_its_step_its_name_and_its_turn),
        cmocka_unit_test(what_was_recorded_is_chosen_again),
        cmocka_unit_test(what_a_tape_does_not_say_is_the_quietest),
        cmocka_unit_test(an_empty_tape_says_nothing_of_anything),
        cmocka_unit_test(a_value_out_of_range_comes_back_into_it),
        cmocka_unit_test(a_choice_that_is_new_shifts_no_other),
        cmocka_unit_test(a_choice_that_is_made_no_longer_is_passed_over),
        cmocka_unit_test(names_are_told_apart_by_their_text),
        cmocka_unit_test(what_cannot_be_otherwise_is_no_choice),
        cmocka_unit_test(a_fault_of_a_tape_happens_whatever_its_rate_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
