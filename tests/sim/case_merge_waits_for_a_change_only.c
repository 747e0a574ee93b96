/* Shrunk from seed 1034407. Broke I-46: offset 10: what its sender said just before is left out */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 2000, 0, 100, 20000, 300000", 1},
    {0, 1, "draw_network 2000, 0, 100, 20000, 300000", 3},
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 2},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {-2, 4, "draw_client 20", 1},
    {2, 0, "step sim->clients_count", 1},
    {2, 0, "wsm__sim_client_act 2", 1},
    {2, 0, "pick_row sum", 24},
    {7, 0, "wsm__sim_client_act 2", 1},
    {7, 0, "pick_row sum", 40},
    {8, 0, "wsm__sim_client_act 2", 1},
    {9, 0, "wsm__sim_client_act 2", 1},
    {9, 0, "pick_row sum", 93},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1034407u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 8;
    return replay_script(&script, "I-46");
}
