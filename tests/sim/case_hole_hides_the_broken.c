/* Shrunk from seed 610248. Broke I-91: client 1 is told that all up to 20 has come, and not that 7 is broken */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_faults token_never", 50},
    {0, 0, "draw_network 2000, 0, 100, 20000, 300000", 1},
    {0, 1, "draw_network 2000, 0, 100, 20000, 300000", 4},
    {0, 0, "draw_limits 10000, 1, 7, 50, 0", 1},
    {0, 1, "draw_limits 10000, 1, 7, 50, 0", 1},
    {0, 0, "draw_limits 200, 1", 1},
    {0, 1, "draw_limits 200, 1", 1},
    {0, 0, "draw_limits 2000, 3", 1},
    {0, 1, "draw_limits 2000, 3", 1},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "draw_sides 604800, 20, 300, 0", 1},
    {0, 1, "draw_sides 604800, 20, 300, 0", 1},
    {0, 0, "draw_log 0, 1, 10, 100", 1},
    {0, 1, "draw_log 0, 1, 10, 100", 1},
    {0, 0, "wsm__sim_plan_draw 10", 3},
    {1, 0, "wsm__sim_client_lost (uint32_t)wait", 1},
    {31, 0, "step 15", 1},
    {32, 0, "step 15", 1},
    {33, 0, "step 15", 1},
    {34, 0, "step 15", 1},
    {35, 0, "step 15", 1},
    {36, 0, "step 15", 1},
    {37, 0, "step 15", 1},
    {38, 0, "step 15", 1},
    {39, 0, "step 15", 1},
    {40, 0, "step 15", 1},
    {41, 0, "step 15", 1},
    {42, 0, "step 15", 1},
    {43, 0, "wsm__sim_client_act 2", 1},
    {43, 0, "pick_row sum", 24},
    {43, 0, "step 15", 1},
    {44, 0, "step 15", 1},
    {45, 0, "strike_process crash", 1},
    {45, 0, "wsm__sim_store_crash bad_record", 1},
    {45, 0, "wsm__sim_store_crash (uint32_t)(store->count - low + 1)", 2},
    {45, 0, "step 15", 5},
    {48, 0, "step 15", 6},
    {49, 0, "step 15", 8},
    {51, 0, "step 15", 9},
    {53, 0, "step 15", 3},
    {55, 0, "step 15", 4},
    {56, 0, "step 15", 3},
    {57, 0, "token_check token_never", 1},
    {58, 0, "wsm__sim_client_act 2", 1},
    {58, 0, "pick_row sum", 48},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 610248u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 57;
    return replay_script(&script, "I-91");
}
