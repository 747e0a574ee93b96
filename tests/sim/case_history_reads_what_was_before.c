/* Written by hand: the log has grown by more than a reader may have at once when a sidebar is begun; who joins it with
 * its history waits for that so long that he is not told of presence either. Broke I-44: client 1 has heard of agent-1
 * otherwise than the hub lists him: another state */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 1, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 0, "draw_limits 16777216, 200000, 0", 1},
    {0, 1, "draw_limits 16777216, 200000, 0", 1},
    {0, 0, "draw_limits 30000, 1000, 5000", 1},
    {0, 1, "draw_limits 30000, 1000, 5000", 1},
    {0, 0, "draw_sides 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {3, 0, "update 64", 63},
    {3, 0, "update 20000", 19999},
    {4, 0, "update 64", 63},
    {4, 0, "update 20000", 19999},
    {5, 0, "update 64", 63},
    {5, 0, "update 20000", 19999},
    {6, 0, "update 64", 63},
    {6, 0, "update 20000", 19999},
    {7, 0, "update 64", 63},
    {7, 0, "update 20000", 19999},
    {8, 0, "update 64", 63},
    {8, 0, "update 20000", 19999},
    {9, 0, "update 64", 63},
    {9, 0, "update 20000", 19999},
    {10, 0, "update 64", 63},
    {10, 0, "update 20000", 19999},
    {11, 0, "update 64", 63},
    {11, 0, "update 20000", 19999},
    {12, 0, "update 64", 63},
    {12, 0, "update 20000", 19999},
    {15, 0, "step 15", 14},
    {15, 0, "step 50", 49},
    {17, 0, "wsm__sim_client_act 2", 1},
    {17, 0, "pick_row sum", 24},
    {18, 0, "wsm__sim_client_act 2", 1},
    {18, 0, "pick_row sum", 54},
    {18, 1, "do_invite 4", 1},
    {18, 2, "do_invite 4", 2},
    {18, 0, "wsm__sim_client_invited 4", 1},
    {18, 0, "do_join 4", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 17;
    return replay_script(&script, "I-44");
}
