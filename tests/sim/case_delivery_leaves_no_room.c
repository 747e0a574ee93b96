/* Written by hand: with a budget of 470 kB a hub crashes when some 400 kB of records are in a log that delivers all of
 * them at once. Broke I-80: the faults have been over for 166524 ms; client 0 is in phase 0, checked to 17, with 1
 * commands open (23); the hub is not ready at 1 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    SMALL_BUDGET,
    TEN_LARGE_UPDATES(2, 18700),
    TEN_LARGE_UPDATES(12, 18700),
    LARGE_UPDATE(22, 18700),
    LARGE_UPDATE(23, 18700),
    LARGE_UPDATE(24, 18700),
    LARGE_UPDATE(25, 18700),
    {26, 0, "strike_process crash", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 26;
    return replay_script(&script, "I-80");
}
