/* Shrunk from seed 2521. Broke I-33: client 2 (agent-2) is there, and the mention at 5 has not come */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 2000, 0, 100, 20000, 300000", 1},
    {0, 1, "draw_network 2000, 0, 100, 20000, 300000", 1},
    {0, 0, "draw_network 3", 2},
    {0, 0, "draw_limits 200, 2, 5, 20, 0", 1},
    {0, 1, "draw_limits 200, 2, 5, 20, 0", 2},
    {0, 0, "draw_limits 4194304, 2000, 20000", 1},
    {0, 1, "draw_limits 4194304, 2000, 20000", 1},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 3},
    {2, 0, "draw bound", 7},
    {2, 1, "draw bound", 2},
    {4, 0, "strike_process disk_full", 1},
    {4, 0, "strike_process 20000", 375},
    {8, 1, "wsm__sim_store_latency store_slow", 1},
    {8, 0, "wsm__sim_store_latency 100", 8},
    {9, 0, "step 64", 56},
    {9, 0, "wsm__sim_machine_publish 300", 41},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 2521u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 9;
    return replay_script(&script, "I-33");
}
