/* Look for a seed that breaks something: what `make check-mutants` runs against each planted bug. It goes through the
 * runs that are named (SEED:PROFILE), then through the seeds one after the other, each in each profile, until one
 * breaks an invariant, or the runs or seconds are over, and prints one line:
 *
 *     found <runs> <seed> <profile> <invariant> <what was seen>
 *     none <runs>
 *
 * A bug may as well end the process (an assertion, a sanitizer): so the run that is on stands in the last line of
 * `at <runs> <seed> <profile>` before it. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wsm/sim.h>

#define PROFILES 3u

static const struct {
    const char *name;
    wsm_sim_profile profile;
} profiles[PROFILES] = {{"rough", WSM_SIM_ROUGH}, {"brutal", WSM_SIM_BRUTAL}, {"calm", WSM_SIM_CALM}};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int breaks(uint64_t run, uint64_t seed, size_t which) {
    unsigned long long number = run, the_seed = seed;
    const char *name = profiles[which].name;
    wsm_sim_report report;
    wsm_sim_report_init(&report, sizeof report);
    printf("at %llu %llu %s\n", number, the_seed, name);
    fflush(stdout);
    int broke = wsm_sim_swarm(seed, profiles[which].profile, NULL, &report, NULL, NULL);
    if (broke == 0) return 0;
    const char *invariant = broke < 0 ? "error" : report.invariant;
    printf("found %llu %llu %s %s %s\n", number, the_seed, name, invariant, report.what);
    return 1;
}

/* "4711:brutal"; PROFILES: it is no such thing. */
static size_t read_run(const char *text, uint64_t *seed) {
    char *end;
    *seed = strtoull(text, &end, 10);
    for (size_t i = 0; i < PROFILES && *end == ':'; i++)
        if (strcmp(end + 1, profiles[i].name) == 0) return i;
    return PROFILES;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: hunt FIRST-SEED RUNS-MAX SECONDS-MAX [SEED:PROFILE ...]\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10), most = strtoull(argv[2], NULL, 10), runs = 0;
    double until = seconds() + strtod(argv[3], NULL);
    for (int i = 4; i < argc; i++) {
        uint64_t named;
        size_t which = read_run(argv[i], &named);
        if (which == PROFILES) return 2;
        if (breaks(++runs, named, which)) return 1;
    }
    for (uint64_t i = 0; i < most && seconds() < until; i++)
        if (breaks(++runs, seed + i / PROFILES, i % PROFILES)) return 1;
    printf("none %llu\n", (unsigned long long)runs);
    return 0;
}
