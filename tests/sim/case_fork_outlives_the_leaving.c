/* Written by hand: a sidebar of two; while one of them does not read, and his window is full, the other one forks it
 * without him and removes him from it. Broke I-42: client 1 gets offset 5 after it heard that it has left */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 65536, 0, 8192, 1500, 300", 1},
    {0, 1, "draw_network 65536, 0, 8192, 1500, 300", 4},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {3, 0, "names most + 1", 1},
    {3, 0, "names at->sim->oracle.agents_count", 1},
    {4, 0, "strike_lines stall", 1},
    {4, 0, "some_line sim->clients_count", 1},
    {4, 0, "strike_lines 20000", 3000},
    {4, 0, "update 200", 199},
    {5, 0, "wsm__sim_client_act 2", 1},
    {5, 0, "pick_row sum", 38},
    {5, 0, "do_fork 2", 1},
    {6, 0, "wsm__sim_client_act 2", 1},
    {6, 0, "pick_row sum", 61},
    {6, 0, "names at->sim->oracle.agents_count", 1},
    {6, 0, "do_remove 2", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 5;
    return replay_script(&script, "I-42");
}
