/* Look for a seed that breaks something: what `make check-mutants` runs against each planted bug. It goes through the
 * seeds one after the other until one breaks an invariant, or the seconds are over, and prints one line:
 *
 *     found <runs> <seed> <profile> <invariant> <what was seen>
 *     none <runs>
 *
 * A bug may as well end the process (an assertion, a sanitizer): so the run that is on stands in the last line of
 * `at <runs> <seed> <profile>` before it. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <wsm/sim.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    static const wsm_sim_profile profiles[] = {WSM_SIM_ROUGH, WSM_SIM_BRUTAL, WSM_SIM_CALM};
    static const char *const names[] = {"rough", "brutal", "calm"};
    if (argc != 4) {
        fprintf(stderr, "usage: hunt FIRST-SEED RUNS-MAX SECONDS-MAX\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10), most = strtoull(argv[2], NULL, 10);
    double until = seconds() + strtod(argv[3], NULL);
    uint64_t runs = 0;
    while (runs < most && seconds() < until) {
        const size_t profile = runs % 3;
        wsm_sim_report report;
        wsm_sim_report_init(&report, sizeof report);
        printf("at %llu %llu %s\n", (unsigned long long)++runs, (unsigned long long)seed, names[profile]);
        fflush(stdout);
        int broke = wsm_sim_swarm(seed, profiles[profile], NULL, &report, NULL, NULL);
        if (broke != 0) {
            printf("found %llu %llu %s %s %s\n", (unsigned long long)runs, (unsigned long long)seed, names[profile],
                   broke < 0 ? "error" : report.invariant, report.what);
            return 1;
        }
        seed += profile == 2; /* each seed in each profile */
    }
    printf("none %llu\n", (unsigned long long)runs);
    return 0;
}
