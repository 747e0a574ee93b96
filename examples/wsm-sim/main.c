/* wsm-sim: run seeds, replay one, shrink one to a test case, explain an invariant.
 *
 *     wsm-sim run [--seeds A..B] [--profile calm|rough|brutal|mixed] [--jobs N] [--seconds S] [--marks]
 *     wsm-sim replay SEED [--profile P]
 *     wsm-sim shrink SEED [--profile P] [--runs N] [--seconds S] [--out FILE]
 *     wsm-sim explain [I-20]
 *
 * `mixed` is brutal for every even seed and rough for every odd one. Ends with "1 passed, 0 failed", or how many
 * seeds failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_cli.h"

static void usage(FILE *out) {
    fputs("usage: wsm-sim run [--seeds A..B] [--profile calm|rough|brutal|mixed] [--jobs N] [--seconds S] [--marks]\n"
          "       wsm-sim replay SEED [--profile P]\n"
          "       wsm-sim shrink SEED [--profile P] [--runs N] [--seconds S] [--out FILE]\n"
          "       wsm-sim explain [I-20]\n",
          out);
}

static int wrong(const char *what) {
    fprintf(stderr, "wsm-sim: %s\n", what);
    usage(stderr);
    return 2;
}

static int explain(const char *id) {
    int found = 0;
    const wsm_sim_invariant *row;
    for (size_t i = 0; (row = wsm_sim_invariant_at(i)) != NULL; i++) {
        if (id && strcmp(id, row->id) != 0) continue;
        printf("%s  %s\n", row->id, row->explain);
        found = 1;
    }
    if (!found) fprintf(stderr, "wsm-sim: no invariant %s is checked\n", id);
    return found ? 0 : 1;
}

static void print_line(void *user, const char *line) {
    (void)user;
    puts(line);
}

static int replay(const sim_options *options) {
    wsm_sim_report report;
    wsm_sim_report_init(&report, sizeof report);
    int broken =
        wsm_sim_swarm(options->first, sim_profile_of(options, options->first), NULL, &report, print_line, NULL);
    printf("seed %llu, trace %016llx, %llu events\n", (unsigned long long)report.seed, (unsigned long long)report.trace,
           (unsigned long long)report.events);
    if (broken) printf("BROKEN %s: %s\n", report.invariant, report.what);
    return broken ? 1 : 0;
}

static int take_profile(sim_options *options, const char *word) {
    static const char *const words[] = {"calm", "rough", "brutal", "mixed"};
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0) {
            options->profile = (int)i;
            return 0;
        }
    return -1;
}

static int take_seeds(sim_options *options, const char *text) {
    char *end;
    options->first = strtoull(text, &end, 10);
    options->last = options->first;
    if (strncmp(end, "..", 2) == 0) options->last = strtoull(end + 2, &end, 10);
    return *end || options->last < options->first ? -1 : 0;
}

static int take(sim_options *options, int argc, char **argv) {
    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        int err = 0;
        if (strcmp(argv[i], "--seeds") == 0)
            err = take_seeds(options, value);
        else if (strcmp(argv[i], "--profile") == 0)
            err = take_profile(options, value);
        else if (strcmp(argv[i], "--jobs") == 0)
            options->jobs = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            options->seconds = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--runs") == 0)
            options->runs = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--out") == 0)
            options->out = value;
        else if (strcmp(argv[i], "--marks") == 0) {
            options->marks = 1;
            continue;
        } else if (argv[i][0] != '-') {
            options->word = argv[i];
            options->first = options->last = strtoull(argv[i], NULL, 10);
            continue;
        } else
            return -1;
        if (err) return err;
        i++;
    }
    return options->jobs < 1 || options->jobs > 64 ? -1 : 0;
}

int main(int argc, char **argv) {
    sim_options options = {.first = 1, .last = 1000, .profile = 3, .jobs = 1, .runs = 3000};
    if (argc < 2) return wrong("expected a command");
    if (strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    if (take(&options, argc, argv)) return wrong("an option is unknown, or its value is none that it takes");
    if (strcmp(argv[1], "run") == 0) return sim_run(&options);
    if (strcmp(argv[1], "replay") == 0 && options.word) return replay(&options);
    if (strcmp(argv[1], "shrink") == 0 && options.word) return sim_shrink(&options);
    if (strcmp(argv[1], "explain") == 0) return explain(options.word);
    return wrong(strcmp(argv[1], "replay") == 0 || strcmp(argv[1], "shrink") == 0 ? "expected a SEED"
                                                                                  : "there is no such command");
}
