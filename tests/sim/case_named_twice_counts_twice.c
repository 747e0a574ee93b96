/* Written by hand: one call may go to a target in a minute, and two more are held back that name it and a group that
 * it is in. Broke I-33: the digest at 4 tells agent-1 of 4 calls; 3 were sent, or not by those whom it names */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "draw_mentions 30, 1, 3, 0", 1},
    {0, 1, "draw_mentions 30, 1, 3, 0", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {-1, 1, "draw_client 4", 3},
    {3, 0, "wsm__sim_client_act 4", 3},
    {4, 0, "wsm__sim_client_act 4", 3},
    {4, 1, "draw bound", 2},
    {4, 5, "draw bound", 13},
    {5, 0, "wsm__sim_client_act 4", 3},
    {5, 1, "draw bound", 2},
    {5, 5, "draw bound", 13},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 4;
    return replay_script(&script, "I-33");
}
