/* Written by hand: client 1 dies in silence, and comes back when the log has grown by a hundred kilobytes, of which
 * its queue takes one record at a time. Broke I-80: the faults have been over for 199.5 s; client 1 is in phase 3,
 * checked to 10, with 0 commands open (-1); the hub is ready at 17 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1048576, 8192, 16384, 65536", 1},
    {0, 1, "draw_limits 1048576, 8192, 16384, 65536", 2},
    {0, 0, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 1, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 0, "draw_limits 16777216, 200000, 0", 1},
    {0, 1, "draw_limits 16777216, 200000, 0", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {3, 0, "strike_lines silence", 1},
    {3, 0, "some_line sim->clients_count", 1},
    TEN_LARGE_UPDATES(3, 7700),
    LARGE_UPDATE(13, 7700),
    LARGE_UPDATE(14, 7700),
    LARGE_UPDATE(15, 7700),
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 16;
    return replay_script(&script, "I-80");
}
