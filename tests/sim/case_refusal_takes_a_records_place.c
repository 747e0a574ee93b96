/* Shrunk from seed 664172. Broke I-03: offset 6 is no JSON: a name stands twice */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_memory 12", 11},     {0, 0, "draw_mentions 2", 1}, {-1, 0, "draw_client 10", 9},
    {1, 0, "append store_refuse", 1}, {2, 0, "draw bound", 7},      {3, 0, "update 64", 32},
    {3, 0, "update 20000", 15507},    {6, 0, "update 64", 32},      {6, 0, "update 20000", 15083},
    {7, 0, "update 64", 32},          {7, 0, "update 20000", 81},   {8, 4, "append store_refuse", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 664172u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 7;
    return replay_script(&script, "I-03");
}
