/* Shrunk from seed 722. Broke I-33: clients 4 and 6, both agent-3, get the mention at 6 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 2000, 0, 100, 20000, 300000", 1},
    {0, 1, "draw_network 2000, 0, 100, 20000, 300000", 3},
    {0, 0, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 1, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 6},
    {-5, 0, "draw_client 6", 5},
    {-5, 0, "draw_client idx", 3},
    {-5, 0, "draw_client 2", 1},
    {-7, 0, "draw_client 6", 5},
    {-7, 0, "draw_client idx", 3},
    {-7, 0, "draw_client 10", 9},
    {3, 0, "step sim->clients_count", 2},
    {3, 0, "wsm__sim_client_act 4", 3},
    {3, 2, "draw bound", 2},
    {4, 0, "step 15", 7},
    {5, 0, "wsm__sim_client_act 4", 3},
    {6, 0, "strike_lines half_close", 1},
    {6, 0, "some_line sim->clients_count", 6},
    {6, 0, "step 64", 56},
    {6, 1, "wsm__sim_store_latency 32", 17},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 722u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 5;
    return replay_script(&script, "I-33");
}
