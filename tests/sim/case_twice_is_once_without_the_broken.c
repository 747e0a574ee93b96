/* Written by hand: two connections of one agent, and a table of one id. What the first says twice takes effect twice,
 * since the second has said something in between; that breaks at a crash. Broke I-22: offset 4 was there and is passed
 * over */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 4096, 1, 3, 20", 1},
    {0, 1, "draw_limits 4096, 1, 3, 20", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {-1, 0, "draw_client 3", 2},
    {-2, 0, "draw_client 6", 5},
    {-2, 0, "draw_client 2", 1},
    {4, 0, "step sim->clients_count", 1},
    {5, 0, "wsm__sim_client_act 100", 70},
    {6, 0, "strike_process crash", 1},
    {6, 0, "wsm__sim_store_crash bad_record", 1},
    {6, 0, "wsm__sim_store_crash (uint32_t)(store->count - low + 1)", 2},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 5;
    return replay_script(&script, "I-22");
}
