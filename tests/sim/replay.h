/* A script that once broke an invariant must break none any more. Included by the cases that `wsm-sim shrink` writes.
 */
#ifndef WSM_TESTS_SIM_REPLAY_H
#define WSM_TESTS_SIM_REPLAY_H

#include <stdio.h>
#include <string.h>

#include <wsm/sim.h>

/* Choices that say one thing together, for the scripts that are written by hand. */

#define CHOICE(step, nth, name, value)                                                                                 \
    { step, nth, name, value }

/* In that step an update comes that is padded with so many bytes, less than 20000; and in each of five, of ten. */
#define LARGE_UPDATE(step, bytes) CHOICE(step, 0, "update 64", 63), CHOICE(step, 0, "update 20000", bytes)
#define FIVE_LARGE_UPDATES(from, bytes)                                                                                \
    LARGE_UPDATE(from, bytes), LARGE_UPDATE(from + 1, bytes), LARGE_UPDATE(from + 2, bytes),                           \
        LARGE_UPDATE(from + 3, bytes), LARGE_UPDATE(from + 4, bytes)
#define TEN_LARGE_UPDATES(from, bytes) FIVE_LARGE_UPDATES(from, bytes), FIVE_LARGE_UPDATES(from + 5, bytes)

/* The hub may have 450 kB, from the start and when it is configured anew. */
#define SMALL_BUDGET                                                                                                   \
    CHOICE(0, 0, "draw_memory 12", 11), CHOICE(0, 0, "draw_memory 600000, 450000, 900000", 1),                         \
        CHOICE(0, 1, "draw_memory 600000, 450000, 900000", 1)

static int replay_script(const wsm_sim_script *script, const char *invariant) {
    wsm_sim_report report;
    wsm_sim_report_init(&report, sizeof report);
    int broken = wsm_sim_swarm(0, WSM_SIM_CALM, script, &report, NULL, NULL);
    if (broken) printf("%s (it was written for %s): %s\n", report.invariant, invariant, report.what);
    printf("%d passed, %d failed\n", !broken, broken != 0);
    return broken != 0;
}

#endif
