/* Written by hand: a data reference of main is changed, the sync of the change fails, and it is kept after all; a
 * sidebar is begun meanwhile. Broke I-46: client 0 is told of the sidebar with another value under a name than the
 * records give */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_sides 2", 1},          {0, 0, "wsm__sim_plan_draw 10", 1},
    {3, 0, "wsm__sim_client_act 2", 1}, {3, 0, "pick_row sum", 83},
    {4, 0, "wsm__sim_client_act 2", 1}, {4, 0, "pick_row sum", 83},
    {4, 0, "finish sync_fail", 1},      {4, 0, "finish 2", 1},
    {5, 0, "wsm__sim_client_act 2", 1}, {5, 0, "pick_row sum", 24},
    {6, 0, "wsm__sim_client_act 2", 1}, {6, 0, "pick_row sum", 102},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 5;
    return replay_script(&script, "I-46");
}
