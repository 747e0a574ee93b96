/* Shrunk from seed 89. Broke I-01: client 2 gets offset 22 twice */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 500, 0, 50, 20000, 200000", 1},
    {0, 1, "draw_network 500, 0, 50, 20000, 200000", 4},
    {0, 0, "draw_limits 1000, 10, 200, 5000", 1},
    {0, 1, "draw_limits 1000, 10, 200, 5000", 1},
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 2},
    {0, 0, "draw_memory 12", 11},
    {0, 0, "wsm__sim_plan_draw 10", 5},
    {-5, 0, "draw_client 6", 5},
    {-5, 0, "draw_client idx", 1},
    {-5, 0, "draw_client 2", 1},
    {2, 0, "step 15", 1},
    {2, 0, "step 50", 49},
    {5, 0, "update 64", 32},
    {5, 0, "update 20000", 11832},
    {11, 0, "step sim->clients_count", 1},
    {11, 0, "update 64", 40},
    {11, 0, "update 20000", 10425},
    {11, 0, "update 7", 1},
    {11, 0, "delay 64", 10},
    {23, 0, "update 64", 32},
    {23, 0, "update 20000", 11946},
    {23, 0, "step 15", 3},
    {24, 0, "update 64", 32},
    {24, 0, "update 20000", 14433},
    {29, 0, "update 64", 32},
    {29, 0, "update 20000", 19369},
    {36, 0, "strike_lines cut", 1},
    {36, 0, "some_line sim->clients_count", 3},
    {48, 0, "update 64", 32},
    {48, 0, "update 20000", 19133},
    {49, 0, "delay 64", 10},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 89u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 59;
    return replay_script(&script, "I-01");
}
