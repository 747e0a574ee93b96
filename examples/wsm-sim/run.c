/* `wsm-sim run`: processes side by side, each with every n-th seed; a failure is shown with its last events. */
#define _POSIX_C_SOURCE 200809L
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim_cli.h"

#define FAILURES_MAX 10u
#define LAST_LINES   12u

typedef struct totals {
    unsigned long long seeds, failed, hub_ms, events, published, delivered, acked, crashes, resumes, digest;
    unsigned long long faults[WSM_SIM_FAULTS];
    sim_marks marks;
    struct {
        unsigned long long ms, most_ms, seed;
    } longest, nearest; /* healings: by time, and by the part of its bound */
} totals;

typedef struct tail {
    char lines[LAST_LINES][260];
    unsigned count;
} tail;

wsm_sim_profile sim_profile_of(const sim_options *options, unsigned long long seed) {
    if (options->profile < 3) return (wsm_sim_profile)options->profile;
    return seed % 2 ? WSM_SIM_ROUGH : WSM_SIM_BRUTAL;
}

static const char *profile_word(wsm_sim_profile profile) {
    return profile == WSM_SIM_CALM ? "calm" : profile == WSM_SIM_ROUGH ? "rough" : "brutal";
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void keep_line(void *user, const char *line) {
    tail *last = user;
    snprintf(last->lines[last->count++ % LAST_LINES], sizeof last->lines[0], "%s", line);
}

static void show(const sim_options *options, const wsm_sim_report *report) {
    static tail last;
    wsm_sim_report again;
    wsm_sim_profile profile = sim_profile_of(options, report->seed);
    wsm_sim_report_init(&again, sizeof again);
    last.count = 0;
    wsm_sim_swarm(report->seed, profile, NULL, &again, keep_line, &last);
    unsigned begin = last.count > LAST_LINES ? last.count - LAST_LINES : 0;
    for (unsigned i = begin; i < last.count; i++) printf("    %s\n", last.lines[i % LAST_LINES]);
    printf("FAILED seed %llu (%s): %s %s\n", (unsigned long long)report->seed, profile_word(profile), report->invariant,
           report->what);
    printf("    wsm-sim replay %llu --profile %s\n", (unsigned long long)report->seed, profile_word(profile));
    (void)fflush(stdout);
}

static void note_heal(totals *sum, unsigned long long ms, unsigned long long most_ms, unsigned long long seed) {
    if (ms >= sum->longest.ms && most_ms)
        sum->longest.ms = ms, sum->longest.most_ms = most_ms, sum->longest.seed = seed;
    if (ms * sum->nearest.most_ms >= sum->nearest.ms * most_ms && most_ms)
        sum->nearest.ms = ms, sum->nearest.most_ms = most_ms, sum->nearest.seed = seed;
}

static void add(totals *sum, const wsm_sim_report *report) {
    sum->seeds++;
    sum->hub_ms += report->hub_ms;
    sum->events += report->events;
    sum->published += report->published;
    sum->delivered += report->delivered;
    sum->acked += report->acked;
    sum->crashes += report->crashes;
    sum->resumes += report->resumes;
    sum->digest += report->trace; /* the same for any number of jobs */
    for (unsigned i = 0; i < WSM_SIM_FAULTS; i++) sum->faults[i] += report->faults[i];
    for (unsigned i = 0; i < WSM_SIM_FAULTS; i++)
        for (unsigned k = 0; k < WSM_SIM_DURINGS; k++) sum->marks.at[i][k] += report->marks[i][k];
    note_heal(sum, report->heal_ms, report->heal_most_ms, report->seed);
}

static void work(const sim_options *options, int job, double until, totals *sum) {
    for (unsigned long long seed = options->first + (unsigned long long)job; seed <= options->last;
         seed += (unsigned long long)options->jobs) {
        wsm_sim_report report;
        wsm_sim_report_init(&report, sizeof report);
        int broken = wsm_sim_swarm(seed, sim_profile_of(options, seed), NULL, &report, NULL, NULL);
        add(sum, &report);
        if (broken) {
            sum->failed++;
            show(options, &report);
            if (sum->failed >= FAILURES_MAX) break;
        }
        if (options->seconds && now() >= until) break;
    }
}

static void merge(totals *sum, const totals *part) {
    unsigned long long *to = (unsigned long long *)(void *)sum;
    const unsigned long long *from = (const unsigned long long *)(const void *)part;
    for (size_t i = 0; i < offsetof(totals, longest) / sizeof *to; i++) to[i] += from[i];
    note_heal(sum, part->longest.ms, part->longest.most_ms, part->longest.seed);
    note_heal(sum, part->nearest.ms, part->nearest.most_ms, part->nearest.seed);
}

static int wait_for(int fd, pid_t child, totals *sum) {
    totals part;
    size_t got = 0;
    while (got < sizeof part) {
        ssize_t n = read(fd, (char *)&part + got, sizeof part - got);
        if (n <= 0) break;
        got += (size_t)n;
    }
    close(fd);
    int status = 0;
    waitpid(child, &status, 0);
    if (got == sizeof part) merge(sum, &part);
    if (got == sizeof part && WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    printf("FAILED: a process died (status %d)\n", status);
    sum->failed++;
    return 1;
}

static void print(const totals *sum, double seconds) {
    double minutes = seconds / 60, hours = (double)sum->hub_ms / 3600000;
    printf(
        "report: %llu seeds, %.1f hub-hours, %llu records, %llu messages read, %llu acknowledged, %llu resumes, %llu "
        "crashes recovered\n",
        sum->seeds, hours, sum->published, sum->delivered, sum->acked, sum->resumes, sum->crashes);
    printf("report: faults:");
    for (unsigned i = 0; i < WSM_SIM_FAULTS; i++)
        printf(" %s %llu", wsm_sim_fault_name((wsm_sim_fault_kind)i), sum->faults[i]);
    printf("\nreport: healed within %.1f s (seed %llu), nearest to the bound of I-80 %.1f of %.1f s (seed %llu)\n",
           (double)sum->longest.ms / 1000, sum->longest.seed, (double)sum->nearest.ms / 1000,
           (double)sum->nearest.most_ms / 1000, sum->nearest.seed);
    printf("report: %.0f seeds a minute, %.0f hub-hours a minute, digest %016llx\n", (double)sum->seeds / minutes,
           hours / minutes, sum->digest);
}

int sim_run(const sim_options *options) {
    totals sum = {0};
    double began = now(), until = began + options->seconds;
    int fds[64];
    pid_t children[64];
    (void)fflush(stdout);
    for (int job = 0; job < options->jobs; job++) {
        int ends[2];
        if (pipe(ends)) return 2;
        children[job] = fork();
        if (children[job] < 0) return 2;
        if (children[job] == 0) {
            totals part = {0};
            close(ends[0]);
            work(options, job, until, &part);
            ssize_t n = write(ends[1], &part, sizeof part);
            (void)fflush(stdout);
            exit(n == (ssize_t)sizeof part ? 0 : 2);
        }
        close(ends[1]);
        fds[job] = ends[0];
    }
    for (int job = 0; job < options->jobs; job++) wait_for(fds[job], children[job], &sum);
    print(&sum, now() - began);
    if (options->marks) sum.failed += sim_marks_print(&sum.marks, sum.seeds);
    printf("%d passed, %llu failed\n", sum.failed == 0, sum.failed);
    return sum.failed ? 1 : 0;
}
