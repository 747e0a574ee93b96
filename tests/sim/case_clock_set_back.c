/* Shrunk from seed 144339. Broke I-34: the mention at 4 is 92775 ms old and still open; 2000 are allowed */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_faults clock_jump", 50},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "draw_mentions 604800, 2, 20, 120", 1},
    {0, 1, "draw_mentions 604800, 2, 20, 120", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {-2, 0, "draw_client 7", 6},
    {2, 0, "step 64", 56},
    {2, 0, "wsm__sim_machine_publish 3", 1},
    {2, 0, "wsm__sim_machine_publish sim->oracle.agents_count", 1},
    {3, 0, "wsm__sim_client_act 4", 3},
    {3, 0, "step 15", 2},
    {4, 0, "step 15", 5},
    {6, 0, "step sim->clients_count", 1},
    {6, 0, "step 15", 6},
    {6, 0, "finish store_fail", 1},
    {7, 0, "step 15", 8},
    {8, 0, "step 15", 14},
    {9, 0, "step 15", 5},
    {10, 0, "step 15", 3},
    {11, 0, "step 15", 4},
    {12, 0, "step 15", 5},
    {13, 0, "strike_clocks clock_jump", 1},
    {13, 0, "strike_clocks 86400", 71},
    {13, 1, "strike_clocks 2", 1},
    {14, 0, "step 15", 14},
    {15, 0, "step 15", 9},
    {16, 0, "step sim->clients_count", 1},
    {16, 0, "step 15", 8},
    {16, 0, "finish store_fail", 1},
    {17, 0, "strike_clocks clock_jump", 1},
    {17, 0, "strike_clocks 86400", 151},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 144339u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 16;
    return replay_script(&script, "I-34");
}
