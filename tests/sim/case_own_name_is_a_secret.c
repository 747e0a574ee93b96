/* Written by hand: a private sidebar waits for itself, something more is said there, it is forked, and whom the fork
 * lets in asks for the records of the original. Broke I-01: client 1 asks for records of the original in the fork and
 * offset 4 is left out; and I-46, before that: it inherits more than it says */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {3, 0, "birth_words 2", 1},
    {4, 0, "wsm__sim_client_act 2", 1},
    {4, 0, "pick_row sum", 75},
    {4, 0, "do_wait 4", 1},
    {5, 0, "wsm__sim_client_act 2", 1},
    {5, 0, "pick_row sum", 0},
    {6, 0, "wsm__sim_client_act 2", 1},
    {6, 0, "pick_row sum", 38},
    {6, 0, "do_fork 2", 1},
    {6, 0, "names most + 1", 1},
    {6, 0, "names at->sim->oracle.agents_count", 1},
    {7, 0, "step sim->clients_count", 1},
    {7, 0, "wsm__sim_client_act 2", 1},
    {7, 0, "pick_row sum", 102},
    {7, 0, "ask 2", 1},
    {7, 0, "pick_source 8", 2},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 6;
    return replay_script(&script, "I-46");
}
