/* Broke I-02: client 2 gets the history of sb-AZt8qZAPcEiv8JZghw9jDg before offset 7, which grants it */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 65536, 0, 8192, 1500, 300", 1},
    {0, 1, "draw_network 65536, 0, 8192, 1500, 300", 4},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 4},
    {-4, 0, "draw_client 6", 5},
    {-4, 0, "draw_client idx", 2},
    {-4, 0, "draw_client 2", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {3, 0, "names most + 1", 1},
    {3, 0, "names at->sim->oracle.agents_count", 1},
    {3, 0, "step 15", 7},
    {3, 0, "part split", 1},
    {3, 32, "delay delay", 1},
    {3, 0, "delay 50", 2},
    {4, 0, "wsm__sim_client_act 2", 1},
    {4, 0, "pick_row sum", 54},
    {4, 1, "do_invite 4", 1},
    {4, 0, "do_invite 2", 1},
    {4, 0, "wsm__sim_client_invited 4", 1},
    {4, 0, "do_join 4", 1},
    {5, 0, "wsm__sim_client_act 2", 1},
    {5, 0, "pick_row sum", 61},
    {5, 0, "names at->sim->oracle.agents_count", 2},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 604189u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 4;
    return replay_script(&script, "I-02");
}
