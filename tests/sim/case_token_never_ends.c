/* Shrunk from seed 6. Broke I-56: the token of 10.0.0.0 has ended, its leeway too, 23014 ms ago; it is still served */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "wsm__sim_plan_draw 10", 9},
    {-10, 0, "wsm__sim_plan_draw 6", 5},
    {1, 0, "delay 64", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 6u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 1;
    return replay_script(&script, "I-56");
}
