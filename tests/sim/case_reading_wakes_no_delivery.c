/* Shrunk from seed 53612. Broke I-33: client 2 (agent-2) is there, and the mention at 3 has not come */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 200, 2, 5, 20, 0", 1},
    {0, 1, "draw_limits 200, 2, 5, 20, 0", 1},
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 4},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 2},
    {-1, 0, "draw_client 7", 6},
    {-3, 0, "draw_kind 10", 9},
    {3, 0, "step sim->clients_count", 1},
    {3, 0, "wsm__sim_client_act 4", 3},
    {3, 2, "draw bound", 1},
    {4, 0, "step 15", 7},
    {4, 0, "step 50", 49},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 53612u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 4;
    return replay_script(&script, "I-33");
}
