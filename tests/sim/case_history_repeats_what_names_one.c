/* Shrunk from seed 2. Broke I-01: client 1: offset 4, which names it, comes again in a history */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_sides 2", 1},
    {0, 1, "wsm__sim_plan_draw 8", 7},
    {0, 0, "wsm__sim_plan_draw 36", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {4, 0, "wsm__sim_client_act 2", 1},
    {4, 0, "pick_row sum", 54},
    {4, 1, "do_invite 4", 1},
    {4, 2, "do_invite 4", 2},
    {4, 0, "wsm__sim_client_invited 4", 1},
    {4, 0, "do_join 4", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 2u, .profile = 0};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 3;
    return replay_script(&script, "I-01");
}
