/* Shrunk from seed 121. Broke I-44: the hub lists agent-1, who is not there */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 1, "wsm__sim_plan_draw 8", 7},  {0, 0, "wsm__sim_plan_draw 36", 14}, {-4, 0, "draw_client 6", 5},
    {-4, 0, "draw_client idx", 1},      {-4, 0, "draw_client 7", 6},         {-15, 3, "wsm__sim_plan_draw 6", 5},
    {WSM_SIM_AFTER, 1, "go_home 6", 5},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 121u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 1;
    return replay_script(&script, "I-44");
}
