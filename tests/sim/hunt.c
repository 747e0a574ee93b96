/* Look for a seed that breaks something: what `make check-mutants` runs against each planted bug. It goes through the
 * runs that are named (SEED:PROFILE), then through the seeds one after the other, each in each profile, until one
 * breaks an invariant, or the runs or seconds are over, and prints one line:
 *
 *     found <runs> <seed> <profile> <invariant> <what was seen>
 *     none <runs>
 *
 * A bug may as well end the process (an assertion, a sanitizer): so the run that is on stands in the last line of
 * `at <runs> <seed> <profile>` before it.
 *
 * Of the seeds, worlds may be chosen: `mailbox_age_s<60`, `queue_bytes_max=8192`, `store_refuse` (more than 0) let only
 * those be run whose plan fulfils all of them. Names are those of the configuration, of the faults, and of `features`
 * below. A plan costs far less than a run, so that what is rare is found sooner. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/sim/world.h"

#define PROFILES 3u

static const struct {
    const char *name;
    wsm_sim_profile profile;
} profiles[PROFILES] = {{"rough", WSM_SIM_ROUGH}, {"brutal", WSM_SIM_BRUTAL}, {"calm", WSM_SIM_CALM}};

/* ---- which worlds ---------------------------------------------------------------------------------------------------
 */

#define NOTHING UINT64_MAX

static uint64_t fault_of(const wsm_sim *sim, const char *name, size_t len) {
    for (unsigned kind = 0; kind < WSM_SIM_FAULTS; kind++) {
        const char *word = wsm_sim_fault_name((wsm_sim_fault_kind)kind);
        if (strlen(word) == len && memcmp(word, name, len) == 0) return sim->rates[kind];
    }
    return NOTHING;
}

static uint64_t key_of(const wsm_config *config, const char *name, size_t len) {
    const wsm_config_key *key;
    uint32_t narrow;
    uint64_t value;
    for (size_t i = 0; (key = wsm_config_key_at(i)) != NULL; i++) {
        if (key->width == 0 || strlen(key->name) != len || memcmp(key->name, name, len) != 0) continue;
        memcpy(&narrow, (const char *)config + key->offset, sizeof narrow);
        if (key->width == sizeof narrow) return narrow;
        memcpy(&value, (const char *)config + key->offset, sizeof value);
        return value;
    }
    return NOTHING;
}

static uint64_t feature_of(const wsm_sim *sim, const wsm__sim_plan *plan, const char *name, size_t len) {
    const wsm__sim_machine *node = sim->nodes[0];
    const struct {
        const char *name;
        uint64_t value;
    } features[] = {{"steps", plan->steps},
                    {"gap_ms", plan->gap_ms},
                    {"mentions", sim->mail != NULL},
                    {"sidebars", sim->sides_max},
                    {"clients", sim->clients_count},
                    {"durable", node->store.is_durable},
                    {"cannot_read", node->cannot_read},
                    {"retain", node->store.retain},
                    {"store_us", sim->store_us},
                    {"delay_us", sim->delay_us},
                    {"bytes_per_ms", sim->bytes_per_ms},
                    {"window", sim->window}};
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        if (strlen(features[i].name) == len && memcmp(features[i].name, name, len) == 0) return features[i].value;
    return NOTHING;
}

static bool is_met(const wsm_sim *sim, const wsm__sim_plan *plan, const char *condition) {
    size_t len = strcspn(condition, "<=>");
    uint64_t asked = condition[len] ? strtoull(condition + len + 1, NULL, 10) : 0;
    uint64_t value = key_of(&sim->nodes[0]->config, condition, len);
    if (value == NOTHING) value = fault_of(sim, condition, len);
    if (value == NOTHING) value = feature_of(sim, plan, condition, len);
    if (value == NOTHING) {
        fprintf(stderr, "hunt: no world has %s\n", condition);
        exit(2);
    }
    if (condition[len] == '<') return value < asked;
    return condition[len] == '=' ? value == asked : value > asked;
}

static bool is_run(const char *argument) {
    return strchr(argument, ':') != NULL;
}

/* Whether that world fulfils the conditions among the arguments. */
static bool is_wanted(uint64_t seed, wsm_sim_profile profile, char **arguments, int count) {
    wsm__sim_plan plan;
    bool met = true;
    wsm_sim *sim = wsm__sim_new(seed, profile, NULL, NULL);
    wsm__sim_plan_draw(sim, &plan);
    for (int i = 0; i < count && met; i++) met = is_run(arguments[i]) || is_met(sim, &plan, arguments[i]);
    wsm_sim_free(sim);
    return met;
}

/* ---- the hunt -------------------------------------------------------------------------------------------------------
 */

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
    (void)fflush(stdout);
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
        fprintf(stderr, "usage: hunt FIRST-SEED RUNS-MAX SECONDS-MAX [SEED:PROFILE ...] [CONDITION ...]\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10), most = strtoull(argv[2], NULL, 10), runs = 0;
    double until = seconds() + strtod(argv[3], NULL);
    bool chooses = false;
    for (int i = 4; i < argc; i++) {
        uint64_t named;
        chooses |= !is_run(argv[i]);
        if (!is_run(argv[i])) continue;
        size_t which = read_run(argv[i], &named);
        if (which == PROFILES) return 2;
        if (breaks(++runs, named, which)) return 1;
    }
    for (uint64_t i = 0, begun = 0; begun < most && seconds() < until; i++) {
        if (chooses && !is_wanted(seed + i / PROFILES, profiles[i % PROFILES].profile, argv + 4, argc - 4)) continue;
        begun++;
        if (breaks(++runs, seed + i / PROFILES, i % PROFILES)) return 1;
    }
    printf("none %llu\n", (unsigned long long)runs);
    return 0;
}
