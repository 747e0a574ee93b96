/* F11: the choices of a simulated swarm (libwsm-sim): what fails when, who does what, how bytes are cut, which
 * allocation fails, when a hub crashes. Whatever is chosen, no invariant breaks.
 *
 * The first byte picks the profile. Then each choice is a byte that says whose it is, and its value in one byte or two.
 * A stream whose choices have come to an end goes on with the quietest. */
#include <stdio.h>

#include "fuzz.h"
#include "wsm/sim.h"

#define CHOICES_MAX 600 /* of a stream: about as many as a seed makes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint32_t choices[WSM_SIM_STREAMS][CHOICES_MAX];
    fuzz_in in = {data, size};
    wsm_sim_script script = {.size = sizeof script, .seed = 1};
    wsm_sim_report report;
    script.profile = (wsm_sim_profile)fuzz_below(&in, 3);
    for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) script.choices[i] = choices[i];
    while (in.left > 0) {
        unsigned tag = fuzz_u8(&in), stream = tag % WSM_SIM_STREAMS;
        uint32_t value = tag & 0x80 ? fuzz_u16(&in) : fuzz_u8(&in);
        if (script.counts[stream] < CHOICES_MAX) choices[stream][script.counts[stream]++] = value;
    }
    wsm_sim_report_init(&report, sizeof report);
    int broken = wsm_sim_swarm(script.seed, script.profile, &script, &report, NULL, NULL);
    if (broken) fprintf(stderr, "%s: %s\n", report.invariant, report.what);
    FUZZ_EXPECT(broken == 0);
    return 0;
}
