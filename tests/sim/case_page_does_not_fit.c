/* Shrunk from seed 161. Broke I-80: the faults have been over for 750 s; client 5 is in phase 0, checked to 6, with 0
 * commands open (-1); the hub is ready at 14 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 65536, 0, 8192, 1500, 300", 1},
    {0, 1, "draw_network 65536, 0, 8192, 1500, 300", 4},
    {0, 0, "draw_limits 200, 2, 5, 20, 0", 1},
    {0, 1, "draw_limits 200, 2, 5, 20, 0", 1},
    {0, 0, "draw_limits 4194304, 2000, 20000", 1},
    {0, 1, "draw_limits 4194304, 2000, 20000", 1},
    {0, 0, "wsm__sim_plan_draw 8", 7},
    {0, 0, "wsm__sim_plan_draw 10", 5},
    {-6, 0, "draw_kind 10", 7},
    {-6, 0, "draw_client 12", 11},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 161u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 9;
    return replay_script(&script, "I-80");
}
