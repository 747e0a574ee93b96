/* Shrunk from seed 1052793. Broke I-80: 10.0.0.0 is closed as silent, and has had something to read for 3763 ms, and
 * reads */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 500, 0, 50, 20000, 200000", 1},
    {0, 1, "draw_network 500, 0, 50, 20000, 200000", 4},
    {0, 0, "draw_limits 30000, 1000, 5000", 1},
    {0, 1, "draw_limits 30000, 1000, 5000", 1},
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 4},
    {0, 0, "draw_memory 12", 11},
    {0, 0, "draw_memory 1500, 8192, 300", 1},
    {0, 1, "draw_memory 1500, 8192, 300", 2},
    {3, 0, "update 64", 32},
    {3, 0, "update 20000", 10762},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1052793u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 2;
    return replay_script(&script, "I-80");
}
