/* Shrunk from seed 77. Broke I-33: client 0 is not told what becomes of agent-1, whom command 0 names */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_faults token_late", 50}, {0, 0, "draw_mentions 2", 1},     {0, 0, "wsm__sim_plan_draw 10", 1},
    {-1, 0, "draw_kind 10", 7},           {2, 0, "append store_refuse", 1}, {2, 0, "token_check token_late", 1},
    {2, 0, "token_check 100", 3},         {3, 0, "draw bound", 7},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 77u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 2;
    return replay_script(&script, "I-33");
}
