/* `wsm-sim shrink`: the smallest script that still breaks the invariant, as a C test case that replays it. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim_cli.h"

typedef struct progress {
    double until, said_at; /* seconds; until 0: no end */
    int is_shown;
} progress;

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int tell(void *user, size_t runs, size_t choices, uint32_t steps) {
    progress *self = user;
    double at = now();
    if (self->is_shown && at - self->said_at >= 1) {
        fprintf(stderr, "%zu runs: %zu choices, %u steps\n", runs, choices, steps);
        self->said_at = at;
    }
    return self->until > 0 && at >= self->until;
}

static void put_choice(FILE *out, const wsm_sim_choice *choice) {
    if (choice->step == WSM_SIM_AFTER)
        fputs("    {WSM_SIM_AFTER", out);
    else
        fprintf(out, "    {%d", (int)choice->step);
    fprintf(out, ", %u, \"%s\", %u},\n", choice->nth, choice->name, choice->value);
}

static void put_script(FILE *out, const wsm_sim_script *script, const wsm_sim_report *report) {
    fprintf(out, "/* Shrunk from seed %llu. Broke %s: %s */\n#include \"replay.h\"\n\n",
            (unsigned long long)script->seed, report->invariant, report->what);
    if (script->named_count) fputs("static const wsm_sim_choice choices[] = {\n", out);
    for (size_t i = 0; i < script->named_count; i++) put_choice(out, &script->named[i]);
    if (script->named_count) fputs("};\n\n", out);
    fprintf(out,
            "int main(void) {\n    wsm_sim_script script = {.size = sizeof script, .seed = %lluu, .profile = %d};\n",
            (unsigned long long)script->seed, (int)script->profile);
    if (script->named_count)
        fputs("    script.named = choices;\n    script.named_count = sizeof choices / sizeof choices[0];\n", out);
    fprintf(out, "    script.steps = %u;\n    return replay_script(&script, \"%s\");\n}\n", script->steps,
            report->invariant);
}

int sim_shrink(const sim_options *options) {
    wsm_sim_report report;
    wsm_sim_script *script;
    progress course = {.said_at = now(), .is_shown = isatty(2) || options->out};
    if (options->seconds) course.until = course.said_at + options->seconds;
    wsm_sim_report_init(&report, sizeof report);
    int err = wsm_sim_shrink(options->first, sim_profile_of(options, options->first), options->runs, tell, &course,
                             &script, &report);
    if (err) {
        fprintf(stderr, "wsm-sim: seed %llu breaks nothing\n", options->first);
        return 1;
    }
    FILE *out = options->out ? fopen(options->out, "w") : stdout;
    if (!out) {
        perror(options->out);
        wsm_sim_script_free(script);
        return 1;
    }
    put_script(out, script, &report);
    if (options->out) (void)fclose(out);
    fprintf(stderr, "%s in %zu choices, %u steps, %llu events: %s\n", report.invariant, script->named_count,
            script->steps, (unsigned long long)report.events, report.what);
    wsm_sim_script_free(script);
    return 0;
}
