/* Shrunk from seed 286. Broke I-40: client 0 gets a history of main up to 6 that nobody has granted */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 2},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 3},
    {-1, 0, "draw_client 7", 6},
    {-1, 4, "draw_client 20", 3},
    {2, 0, "step 15", 1},
    {3, 0, "step 15", 1},
    {4, 0, "step 15", 1},
    {5, 0, "step 15", 1},
    {6, 0, "step 15", 1},
    {7, 0, "step 15", 1},
    {8, 0, "step 15", 1},
    {9, 0, "step 64", 56},
    {9, 0, "step 15", 11},
    {9, 5, "wsm__sim_machine_reenter reentry", 1},
    {9, 0, "act 10", 5},
    {10, 0, "step 15", 8},
    {11, 0, "step sim->clients_count", 1},
    {11, 0, "wsm__sim_client_act 2", 1},
    {11, 0, "pick_row sum", 24},
    {11, 0, "step 15", 6},
    {12, 0, "step sim->clients_count", 1},
    {12, 4, "wsm__sim_machine_reenter reentry", 1},
    {12, 0, "act 10", 5},
    {13, 0, "step sim->clients_count", 1},
    {13, 0, "wsm__sim_client_act 2", 1},
    {13, 0, "pick_row sum", 93},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 286u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 12;
    return replay_script(&script, "I-40");
}
