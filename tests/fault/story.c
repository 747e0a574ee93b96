/* See story.h. */
#include "story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "malloc_fault.h"
#include "wsm/error.h"

#define N_MAX 5000 /* allocations in one step: more is a mistake of the test */

static char seen_before[STORY_SEEN_MAX], seen_after[STORY_SEEN_MAX], seen_in_peace[STORY_SEEN_MAX];

typedef struct place {
    const story *told;
    size_t step, n;
    fault_mode mode;
} place;

/* From the first line on that differs, some lines of each. */
static void show(const char *left, const char *right) {
    size_t at = 0, line = 0;
    for (; left[at] && left[at] == right[at]; at++)
        if (left[at] == '\n') line = at + 1;
    fprintf(stderr, "---- expected:\n%.1500s\n---- found:\n%.1500s\n", left + line, right + line);
}

static void blame(const place *at, const char *what, const char *left, const char *right) {
    fault_disarm();
    fprintf(stderr, "%s, step %zu (%s), allocation %zu %s: %s\n", at->told->name, at->step,
            at->told->steps[at->step].name, at->n, at->mode == FAULT_ONCE ? "fails once" : "and all after it fail",
            what);
    if (left) show(left, right);
    fail_msg("see above");
}

static void run_in_peace(const place *at, void *world, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        int err = at->told->steps[i].run(world);
        if (err) {
            char what[160];
            snprintf(what, sizeof what, "then step %s said %s, in peace", at->told->steps[i].name, wsm_strerror(err));
            blame(at, what, NULL, NULL);
        }
    }
}

static void see(const story *told, void *world, char *out, bool at_end) {
    size_t len = told->see(world, out, STORY_SEEN_MAX - 1, at_end);
    out[len] = '\0';
}

/* The call failed: nothing has changed, and it succeeds now. */
static void again(const place *at, void *world, int err) {
    char what[160];
    snprintf(what, sizeof what, "it said %s", wsm_strerror(err));
    if (err != WSM_ERR_NOMEM) blame(at, what, NULL, NULL);
    see(at->told, world, seen_after, false);
    if (strcmp(seen_before, seen_after) != 0) blame(at, "it failed and had an effect", seen_before, seen_after);
    err = at->told->steps[at->step].run(world);
    snprintf(what, sizeof what, "the same call again, with memory, said %s", wsm_strerror(err));
    if (err) blame(at, what, NULL, NULL);
}

/* One telling. False: the step has fewer allocations than n. */
static bool tell_once(const place *at) {
    const story *told = at->told;
    const step *here = &told->steps[at->step];
    size_t live = fault_live();
    void *world = told->start();
    run_in_peace(at, world, 0, at->step);
    if (here->kind == CALL) see(told, world, seen_before, false);
    fault_arm(at->n, at->mode);
    int err = here->run(world);
    bool failed = fault_disarm();
    bool is_cut = failed && !err && told->settle && told->settle(world);
    if (here->kind == INPUT && failed) is_cut = true; /* what was said may have been answered with "try again" */
    if (is_cut) {
        const char *wrong = told->judge(world, here->kind, err);
        see(told, world, seen_after, true);
        if (wrong) blame(at, wrong, "", seen_after);
    } else {
        if (here->kind == CALL && err) again(at, world, err);
        run_in_peace(at, world, at->step + 1, told->count);
        see(told, world, seen_after, true);
        if (strcmp(seen_in_peace, seen_after) != 0) blame(at, "it ended differently", seen_in_peace, seen_after);
    }
    told->finish(world);
    if (fault_live() != live) {
        char what[80];
        snprintf(what, sizeof what, "%lld blocks are left", (long long)fault_live() - (long long)live);
        blame(at, what, NULL, NULL);
    }
    return failed;
}

void story_tell(const story *told) {
    place at = {.told = told};
    for (int i = 0; i < 2; i++) { /* twice: libraries keep what they make at their first use */
        void *world = told->start();
        run_in_peace(&at, world, 0, told->count);
        see(told, world, seen_in_peace, true);
        told->finish(world);
    }
    if (getenv("STORY_SHOW")) printf("%s\n", seen_in_peace);
    size_t points = fault_points();
    for (at.step = 0; at.step < told->count; at.step++) {
        for (int mode = 0; mode < 2; mode++) {
            at.mode = (fault_mode)mode;
            for (at.n = 1; tell_once(&at); at.n++) assert_true(at.n < N_MAX);
        }
    }
    printf("%s: %zu steps, %zu allocations failed\n", told->name, told->count, fault_points() - points);
}

int story_report(void **state) {
    (void)state;
    printf("report: allocation points failed: %zu\n", fault_points());
    return 0;
}
