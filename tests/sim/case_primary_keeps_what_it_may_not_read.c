/* Written by hand: an agent's primary connection may read nothing of main, its backup may; the one that calls it is
 * answered, the primary goes home, and the backup must get the mention. Broke I-33: client 2 (agent-1) is there, and
 * the mention at 3 has not come */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_mentions 2", 1}, {0, 0, "wsm__sim_plan_draw 10", 2}, {-2, 3, "draw_client 20", 19},
    {-3, 0, "draw_client 6", 5},  {-3, 0, "draw_client idx", 1},      {-3, 0, "draw_client 2", 1},
    {-3, 0, "draw_kind 10", 9},   {3, 0, "wsm__sim_client_act 4", 3}, {WSM_SIM_AFTER, 1, "go_home 6", 5},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 2;
    return replay_script(&script, "I-33");
}
