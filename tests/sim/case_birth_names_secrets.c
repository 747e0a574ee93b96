/* Written by hand: a child of a private sidebar, which inherits nothing, is forked, and whom the fork lets in asks for
 * the records of the child. Broke I-41: client 1 (agent-1) is told of the private one */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {3, 0, "birth_words 2", 1},
    {4, 0, "wsm__sim_client_act 2", 1},
    {4, 0, "pick_row sum", 32},
    {4, 0, "birth_words 4", 2},
    {5, 0, "wsm__sim_client_act 2", 1},
    {5, 0, "pick_row sum", 38},
    {5, 0, "pick_side count - 1", 1},
    {5, 0, "do_fork 2", 1},
    {5, 0, "names most + 1", 1},
    {5, 0, "names at->sim->oracle.agents_count", 1},
    {6, 0, "step sim->clients_count", 1},
    {6, 0, "wsm__sim_client_act 2", 1},
    {6, 0, "pick_row sum", 102},
    {6, 0, "ask 2", 1},
    {6, 0, "pick_source 8", 2},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 5;
    return replay_script(&script, "I-41");
}
