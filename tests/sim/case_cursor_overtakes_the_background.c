/* Shrunk from seed 55. Broke I-02: client 2 gets the history of sb-AZt8qZAPc8mEBinjUjEqNg before offset 5, which grants
 * it */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 1, "draw_network 3", 2},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 2},
    {-3, 0, "draw_client 6", 5},
    {-3, 0, "draw_client idx", 1},
    {-3, 0, "draw_client 2", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {3, 1, "birth_words 4", 2},
    {4, 0, "wsm__sim_client_act 2", 1},
    {4, 0, "pick_row sum", 54},
    {4, 0, "names at->sim->oracle.agents_count", 1},
    {4, 2, "do_invite 4", 2},
    {4, 1, "wsm__sim_client_invited 4", 1},
    {4, 0, "do_join 4", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 55u, .profile = 0};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 3;
    return replay_script(&script, "I-02");
}
