/* Shrunk from seed 1026856. Broke I-46: offset 9: an update is left out */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 1, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 0, "draw_limits 1048576, 100, 4000", 1},
    {0, 1, "draw_limits 1048576, 100, 4000", 1},
    {0, 0, "draw_limits 30000, 1000, 5000", 1},
    {0, 1, "draw_limits 30000, 1000, 5000", 1},
    {0, 0, "draw_limits 15000, 0, 500", 1},
    {0, 1, "draw_limits 15000, 0, 500", 1},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {3, 2, "birth_words 3", 2},
    {4, 0, "strike_lines silence", 1},
    {4, 0, "some_line sim->clients_count", 1},
    {4, 0, "step sim->clients_count", 1},
    {4, 0, "wsm__sim_client_act 2", 1},
    {4, 0, "pick_row sum", 40},
    {5, 0, "delay delay", 1},
    {5, 0, "delay 50", 34},
    {6, 0, "step sim->clients_count", 1},
    {6, 0, "wsm__sim_client_act 2", 1},
    {6, 0, "pick_row sum", 93},
    {7, 0, "step sim->clients_count", 1},
    {7, 0, "wsm__sim_client_act 2", 1},
    {8, 0, "step sim->clients_count", 1},
    {8, 0, "wsm__sim_client_act 2", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1026856u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 7;
    return replay_script(&script, "I-46");
}
