/* Shrunk from seed 378. Broke I-33: client 2 hears that the mention at 4 is seen, and no record says so */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 2},
    {-2, 0, "draw_client 20", 19},
    {3, 0, "step sim->clients_count", 2},
    {3, 0, "wsm__sim_client_act 4", 3},
    {4, 0, "draw bound", 7},
    {5, 0, "step sim->clients_count", 1},
    {5, 0, "wsm__sim_client_act 4", 3},
    {5, 1, "draw bound", 1},
    {5, 2, "draw bound", 1},
    {5, 3, "draw bound", 2},
    {5, 13, "draw bound", 6},
    {5, 14, "draw bound", 3},
    {6, 1, "draw bound", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 378u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 5;
    return replay_script(&script, "I-33");
}
