/* Shrunk from seed 1097650. Broke I-33: client 3 is not told what becomes of agent-0, whom command 18 names */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 0, 10000, 500, 20", 1},
    {0, 1, "draw_network 0, 10000, 500, 20", 2},
    {0, 0, "draw_limits 300000, 1000, 20000", 1},
    {0, 1, "draw_limits 300000, 1000, 20000", 1},
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 3},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 3},
    {-4, 4, "draw_client 20", 4},
    {1, 0, "wsm__sim_store_latency 32", 2},
    {1, 0, "wsm__sim_client_lost (uint32_t)wait", 63},
    {1, 1, "wsm__sim_client_lost (uint32_t)wait", 23},
    {3, 0, "step 15", 10},
    {3, 3, "wsm__sim_store_latency store_slow", 1},
    {3, 0, "wsm__sim_store_latency 100", 54},
    {4, 0, "step 15", 9},
    {5, 0, "step 15", 10},
    {6, 0, "step 15", 13},
    {7, 0, "step 15", 9},
    {8, 0, "step 15", 5},
    {9, 0, "strike_process shutdown", 1},
    {9, 0, "wsm__sim_machine_shutdown 10", 3},
    {9, 0, "step 15", 7},
    {10, 0, "step 15", 12},
    {11, 0, "step 15", 7},
    {12, 0, "step 15", 9},
    {13, 0, "step 15", 8},
    {14, 0, "step 15", 3},
    {15, 0, "step 15", 4},
    {16, 0, "step 15", 12},
    {17, 0, "step 15", 5},
    {18, 0, "step 15", 9},
    {19, 0, "step 15", 4},
    {20, 0, "step 15", 7},
    {21, 0, "step 15", 3},
    {22, 0, "step sim->clients_count", 3},
    {22, 0, "wsm__sim_client_act 4", 3},
    {22, 0, "step 15", 10},
    {23, 0, "step 15", 14},
    {24, 0, "step 15", 6},
    {25, 0, "step 15", 6},
    {26, 0, "step 15", 9},
    {27, 0, "step 15", 9},
    {27, 0, "wsm__sim_client_lost (uint32_t)wait", 95},
    {28, 0, "step 15", 3},
    {29, 0, "step 15", 13},
    {29, 0, "wsm__sim_client_lost (uint32_t)wait", 100},
    {29, 0, "finish sync_fail", 1},
    {29, 0, "finish 2", 1},
    {30, 1, "wsm__sim_store_latency store_slow", 1},
    {30, 0, "wsm__sim_store_latency 100", 9},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1097650u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 29;
    return replay_script(&script, "I-33");
}
