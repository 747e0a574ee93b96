/* Written by hand: with a budget of 470 kB the host asks for the records of a log of nearly 400 kB: as one page they
 * cannot be taken. Broke I-80: the faults have been over for 165005 ms; client -1 is in phase -1, checked to 0, with 0
 * commands open (-1); the hub is ready at 20 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    SMALL_BUDGET,
    TEN_LARGE_UPDATES(3, 19999),
    FIVE_LARGE_UPDATES(13, 19999),
    LARGE_UPDATE(18, 19999),
    LARGE_UPDATE(19, 19999),
    LARGE_UPDATE(20, 19999),
    LARGE_UPDATE(21, 19999),
    {22, 0, "step 64", 61},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 21;
    return replay_script(&script, "I-80");
}
