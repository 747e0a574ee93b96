/* The traces of runs, one line each: `seed profile trace events`. Builds of every kind must print the same lines. */
#include <stdio.h>
#include <stdlib.h>

#include <wsm/sim.h>

int main(int argc, char **argv) {
    static const char *const names[] = {"calm", "rough", "brutal"};
    if (argc != 3) {
        fprintf(stderr, "usage: traces FIRST-SEED COUNT\n");
        return 2;
    }
    uint64_t first = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10);
    for (uint64_t seed = first; seed < first + count; seed++) {
        const int profile = (int)(seed % 3);
        wsm_sim_report report;
        wsm_sim_report_init(&report, sizeof report);
        wsm_sim_swarm(seed, (wsm_sim_profile)profile, NULL, &report, NULL, NULL);
        printf("%llu %s %016llx %llu\n", (unsigned long long)seed, names[profile], (unsigned long long)report.trace,
               (unsigned long long)report.events);
    }
    return 0;
}
