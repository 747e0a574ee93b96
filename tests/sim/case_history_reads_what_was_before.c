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
    TEN_LARGE_UPDATES(3, 19999),
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
