/* Shrunk from seed 2. Broke I-33: client 0 is told that agent-1 is called by command 1, which reaches no mailbox */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_mentions 2", 1},
    {0, 1, "draw_mentions 2", 1},
    {0, 0, "draw_mentions 1048576, 400, 2000", 1},
    {0, 1, "draw_mentions 1048576, 400, 2000", 1},
    {0, 1, "wsm__sim_plan_draw 8", 7},
    {0, 0, "wsm__sim_plan_draw 36", 1},
    {3, 0, "wsm__sim_client_act 4", 3},
    {4, 0, "wsm__sim_client_act 4", 3},
    {4, 1, "draw bound", 2},
    {4, 8, "draw bound", 21},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 2u, .profile = 0};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 3;
    return replay_script(&script, "I-33");
}
