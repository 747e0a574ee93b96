/* Written by hand: with a budget of 470 kB a hub crashes when 400 kB of records stand behind its snapshot. Broke I-80:
 * the faults have been over for 166596 ms; client 0 is in phase 0, checked to 65, with 1 commands open (72); the hub
 * is not ready at 0 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 10000, 1, 7, 50, 0", 1},
    {0, 1, "draw_limits 10000, 1, 7, 50, 0", 3},
    SMALL_BUDGET,
    TEN_LARGE_UPDATES(54, 18320),
    TEN_LARGE_UPDATES(64, 18320),
    LARGE_UPDATE(74, 18320),
    {75, 0, "strike_process crash", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 74;
    return replay_script(&script, "I-80");
}
