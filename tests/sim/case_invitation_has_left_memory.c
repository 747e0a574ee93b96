/* Shrunk from seed 403. Broke I-05: client 0: the replay up to 46 lacks offset 46 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 30000, 1000, 5000", 1},
    {0, 1, "draw_limits 30000, 1000, 5000", 1},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "draw_sides 604800, 20, 300, 0", 1},
    {0, 1, "draw_sides 604800, 20, 300, 0", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {3, 0, "step 15", 10},
    {4, 0, "step 15", 10},
    {5, 0, "step 15", 4},
    {6, 0, "step 15", 3},
    {7, 0, "step 15", 13},
    {8, 0, "step 15", 4},
    {9, 0, "step 15", 13},
    {10, 0, "step 15", 9},
    {12, 0, "step 15", 14},
    {40, 0, "step 15", 10},
    {41, 0, "step 15", 10},
    {43, 0, "step 15", 12},
    {44, 0, "strike_lines stall", 1},
    {44, 0, "strike_lines 20000", 10148},
    {44, 0, "step 15", 7},
    {45, 0, "wsm__sim_client_act 2", 1},
    {45, 0, "pick_row sum", 48},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 403u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 44;
    return replay_script(&script, "I-05");
}
