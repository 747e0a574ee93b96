/* Shrunk from seed 853. Broke I-01: client 1 is told that all up to 9 has come; offset 8 has not */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 65536, 0, 8192, 1500, 300", 1},
    {0, 1, "draw_network 65536, 0, 8192, 1500, 300", 4},
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 2},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 2},
    {5, 0, "strike_process shutdown", 1},
    {5, 1, "delay 64", 1},
    {5, 0, "step 15", 9},
    {5, 2, "wsm__sim_client_lost (uint32_t)wait", 76},
    {6, 0, "step 15", 6},
    {8, 0, "step 15", 13},
    {9, 0, "step 15", 8},
    {10, 0, "step 15", 3},
    {11, 0, "step 15", 6},
    {11, 0, "wsm__sim_client_lost (uint32_t)wait", 125},
    {12, 0, "step 15", 14},
    {13, 0, "step 15", 10},
    {14, 0, "step 15", 9},
    {15, 0, "step 15", 9},
    {16, 0, "step 15", 11},
    {17, 0, "step 15", 13},
    {19, 0, "step 15", 7},
    {20, 0, "step 15", 8},
    {20, 19, "delay delay", 1},
    {20, 0, "delay 50", 2},
    {21, 0, "step 15", 5},
    {22, 0, "step 15", 13},
    {23, 0, "step 15", 5},
    {24, 0, "step 15", 4},
    {25, 0, "step 15", 14},
    {26, 0, "wsm__sim_client_act 2", 1},
    {26, 0, "pick_row sum", 24},
    {27, 0, "wsm__sim_client_act 2", 1},
    {27, 0, "pick_row sum", 54},
    {27, 1, "do_invite 4", 1},
    {28, 0, "wsm__sim_client_act 2", 1},
    {28, 0, "pick_row sum", 64},
    {28, 0, "names at->sim->oracle.agents_count", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 853u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 27;
    return replay_script(&script, "I-01");
}
