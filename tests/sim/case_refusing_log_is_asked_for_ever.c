/* Shrunk from seed 66. Broke I-80: a log that refuses to read is asked again and again within one call */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 200, 2, 5, 20, 0", 1},
    {0, 1, "draw_limits 200, 2, 5, 20, 0", 1},
    {0, 0, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 1, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 0, "draw_retention 3", 2},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "draw_log 4", 1},
    {0, 0, "wsm__sim_plan_draw 10", 5},
    {-6, 1, "draw_client 20", 19},
    {3, 0, "step sim->clients_count", 5},
    {3, 8, "draw bound", 7},
    {3, 20, "refuses store_refuse", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 66u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 2;
    return replay_script(&script, "I-80");
}
