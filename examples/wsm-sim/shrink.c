/* `wsm-sim shrink`: the smallest script that still breaks the invariant, as a C test case that replays it. */
#include <stdio.h>
#include <string.h>

#include "sim_cli.h"

static void put_script(FILE *out, const wsm_sim_script *script, const wsm_sim_report *report) {
    fprintf(out, "/* Shrunk from seed %llu. Broke %s: %s */\n#include \"replay.h\"\n\n",
            (unsigned long long)script->seed, report->invariant, report->what);
    for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) {
        if (script->counts[i] == 0) continue;
        fprintf(out, "static const uint32_t stream_%u[] = {", i);
        for (size_t k = 0; k < script->counts[i]; k++)
            fprintf(out, "%s%u", k % 24 == 0 ? "\n    " : " ", script->choices[i][k]), fputc(',', out);
        fprintf(out, "\n};\n");
    }
    fprintf(out,
            "\nint main(void) {\n    wsm_sim_script script = {.size = sizeof script, .seed = %lluu, .profile = %d};\n",
            (unsigned long long)script->seed, (int)script->profile);
    for (unsigned i = 0; i < WSM_SIM_STREAMS; i++)
        if (script->counts[i])
            fprintf(out,
                    "    script.choices[%u] = stream_%u, script.counts[%u] = sizeof stream_%u / sizeof stream_%u[0];\n",
                    i, i, i, i, i);
    fprintf(out, "    return replay_script(&script, \"%s\");\n}\n", report->invariant);
}

int sim_shrink(const sim_options *options) {
    wsm_sim_report report;
    wsm_sim_script *script;
    wsm_sim_report_init(&report, sizeof report);
    int err = wsm_sim_shrink(options->first, sim_profile_of(options, options->first), options->runs, &script, &report);
    if (err) {
        fprintf(stderr, "wsm-sim: seed %llu breaks nothing\n", options->first);
        return 1;
    }
    FILE *out = options->out ? fopen(options->out, "w") : stdout;
    if (!out) {
        perror(options->out);
        return 1;
    }
    put_script(out, script, &report);
    if (options->out) (void)fclose(out);
    size_t choices = 0;
    for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) choices += script->counts[i];
    fprintf(stderr, "%s in %zu choices, %llu events: %s\n", report.invariant, choices,
            (unsigned long long)report.events, report.what);
    wsm_sim_script_free(script);
    return 0;
}
