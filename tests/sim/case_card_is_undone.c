/* Broke I-33: offset 13 calls all who have a specialty, and not agent-5, who has it */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 0, 10000, 500, 20", 1},
    {0, 1, "draw_network 0, 10000, 500, 20", 3},
    {0, 0, "draw_limits 65536, 1, 3, 20", 1},
    {0, 1, "draw_limits 65536, 1, 3, 20", 1},
    {0, 0, "draw_limits 200, 1", 1},
    {0, 1, "draw_limits 200, 1", 1},
    {0, 0, "draw_limits 2000, 3", 1},
    {0, 1, "draw_limits 2000, 3", 1},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 8},
    {-2, 1, "draw_client 4", 3},
    {-3, 4, "draw_client 20", 9},
    {-4, 4, "draw_client 20", 9},
    {-5, 4, "draw_client 20", 11},
    {-6, 4, "draw_client 20", 19},
    {-7, 4, "draw_client 20", 17},
    {-8, 4, "draw_client 20", 15},
    {2, 0, "step 15", 5},
    {2, 5, "wsm__sim_client_lost (uint32_t)wait", 94},
    {2, 6, "wsm__sim_client_lost (uint32_t)wait", 66},
    {3, 0, "strike_process crash", 1},
    {3, 0, "strike_process 5000", 1875},
    {3, 0, "step 15", 14},
    {3, 0, "wsm__sim_client_lost (uint32_t)wait", 83},
    {3, 11, "wsm__sim_client_lost (uint32_t)wait", 30},
    {3, 12, "wsm__sim_client_lost (uint32_t)wait", 18},
    {3, 13, "wsm__sim_client_lost (uint32_t)wait", 1},
    {3, 20, "wsm__sim_client_lost (uint32_t)wait", 124},
    {3, 22, "wsm__sim_client_lost (uint32_t)wait", 483},
    {3, 27, "wsm__sim_client_lost (uint32_t)wait", 370},
    {3, 28, "wsm__sim_client_lost (uint32_t)wait", 775},
    {4, 0, "step 15", 2},
    {4, 0, "fill_random no_random", 1},
    {4, 1, "wsm__sim_client_lost (uint32_t)wait", 1529},
    {5, 0, "step 15", 12},
    {6, 0, "step 15", 6},
    {6, 0, "wsm__sim_store_latency store_slow", 1},
    {6, 0, "wsm__sim_store_latency 100", 23},
    {7, 0, "step 15", 1},
    {8, 0, "step 15", 1},
    {9, 0, "step sim->clients_count", 5},
    {9, 0, "step 15", 1},
    {12, 0, "step 15", 2},
    {15, 0, "step sim->clients_count", 1},
    {15, 0, "wsm__sim_client_act 4", 3},
    {15, 3, "draw bound", 13},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 619776u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 14;
    return replay_script(&script, "I-33");
}
