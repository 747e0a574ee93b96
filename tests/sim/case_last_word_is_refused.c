/* Written by hand: the log takes a second over what somebody says in a sidebar, refuses what he says next, and he
 * merges it meanwhile. Broke I-46: offset 4: what its sender said just before is left out */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_sides 2", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {4, 0, "wsm__sim_client_act 2", 1},
    {4, 0, "wsm__sim_store_latency store_slow", 1},
    {4, 0, "wsm__sim_store_latency 100", 9},
    {5, 0, "wsm__sim_client_act 2", 1},
    {5, 0, "append store_refuse", 1},
    {6, 0, "wsm__sim_client_act 2", 1},
    {6, 0, "pick_row sum", 93},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 5;
    return replay_script(&script, "I-46");
}
