/* Shrunk from seed 608. Broke I-33: agent-3 is called 2 times in 4500 ms, up to offset 23; 1 a minute may */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 50, 0, 2", 1},
    {0, 1, "draw_limits 50, 0, 2", 2},
    {0, 0, "draw_limits 100, 3", 1},
    {0, 1, "draw_limits 100, 3", 1},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "draw_mentions 30, 1, 3, 0", 1},
    {0, 1, "draw_mentions 30, 1, 3, 0", 1},
    {0, 0, "draw_log 5", 4},
    {0, 0, "wsm__sim_plan_draw 10", 3},
    {-3, 1, "draw_client 20", 19},
    {3, 0, "step sim->clients_count", 2},
    {3, 6, "draw bound", 7},
    {3, 7, "draw bound", 2},
    {3, 20, "draw bound", 7},
    {3, 21, "draw bound", 2},
    {3, 10, "wsm__sim_machine_reenter crash_inside", 1},
    {3, 29, "delay 64", 1},
    {3, 0, "wsm__sim_machine_reenter 40", 3},
    {3, 0, "wsm__sim_client_lost (uint32_t)wait", 24},
    {3, 1, "wsm__sim_client_lost (uint32_t)wait", 1},
    {4, 0, "step 15", 1},
    {4, 2, "wsm__sim_client_lost (uint32_t)wait", 24},
    {5, 8, "wsm__sim_store_latency store_slow", 1},
    {5, 0, "wsm__sim_store_latency 100", 19},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 608u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 4;
    return replay_script(&script, "I-33");
}
