/* A script that once broke an invariant must break none any more. Included by the cases that `wsm-sim shrink` writes.
 */
#ifndef WSM_TESTS_SIM_REPLAY_H
#define WSM_TESTS_SIM_REPLAY_H

#include <stdio.h>
#include <string.h>

#include <wsm/sim.h>

static int replay_script(const wsm_sim_script *script, const char *invariant) {
    wsm_sim_report report;
    wsm_sim_report_init(&report, sizeof report);
    int broken = wsm_sim_swarm(0, WSM_SIM_CALM, script, &report, NULL, NULL);
    if (broken) printf("%s (it was written for %s): %s\n", report.invariant, invariant, report.what);
    printf("%d passed, %d failed\n", !broken, broken != 0);
    return broken != 0;
}

#endif
