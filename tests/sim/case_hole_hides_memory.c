/* Shrunk from seed 802. Broke I-01: client 5 is told that all up to 19 has come; offset 10 has not */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 1, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 0, "draw_limits 1024, 1, 3, 20", 1},
    {0, 1, "draw_limits 1024, 1, 3, 20", 1},
    {0, 0, "draw_retention 3", 2},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "draw_log 0, 1, 10, 100", 1},
    {0, 1, "draw_log 0, 1, 10, 100", 2},
    {0, 0, "wsm__sim_plan_draw 10", 5},
    {-1, 4, "draw_client 20", 3},
    {-3, 4, "draw_client 20", 3},
    {-4, 4, "draw_client 20", 3},
    {-5, 4, "draw_client 20", 3},
    {3, 0, "strike_lines stall", 1},
    {3, 0, "some_line sim->clients_count", 5},
    {3, 0, "strike_lines 20000", 6751},
    {6, 0, "wsm__sim_client_act 2", 1},
    {6, 0, "pick_row sum", 24},
    {6, 0, "names most + 1", 1},
    {6, 0, "names at->sim->oracle.agents_count", 5},
    {17, 0, "step 64", 56},
    {17, 7, "wsm__sim_machine_reenter reentry", 1},
    {17, 0, "act 10", 5},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 802u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 16;
    return replay_script(&script, "I-01");
}
