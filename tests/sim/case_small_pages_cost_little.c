/* Shrunk from seed 31. Broke I-80: the faults have been over for 750 s; client 0 is in phase 3, checked to 13, with 1
 * commands open (0); the hub is ready at 22 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 1, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 0, "draw_limits 1024, 1, 3, 20", 1},
    {0, 1, "draw_limits 1024, 1, 3, 20", 1},
    {0, 0, "draw_limits 16777216, 200000, 0", 1},
    {0, 1, "draw_limits 16777216, 200000, 0", 1},
    {0, 1, "wsm__sim_plan_draw 8", 7},
    {0, 0, "wsm__sim_plan_draw 36", 1},
    {-2, 1, "draw_client 20", 19},
    {3, 0, "strike_lines silence", 1},
    {4, 0, "step sim->clients_count", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 31u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 3;
    return replay_script(&script, "I-80");
}
