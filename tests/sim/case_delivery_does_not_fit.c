/* Written by hand, from what a seed once broke: an update that calls agent-1 is delivered and not seen, agent-1 is cut,
 * and comes back to a queue that its replay has filled so far that the delivery does not fit. Broke I-80: the faults
 * have been over for 165036 ms; client 1 is in phase 0, checked to 4, with 0 commands open (-1); the hub is ready at 10
 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1048576, 8192, 16384, 65536", 1},
    {0, 1, "draw_limits 1048576, 8192, 16384, 65536", 1},
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 2},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    LARGE_UPDATE(4, 3600),
    {4, 0, "draw bound", 7},
    {4, 0, "step 15", 14},
    {4, 0, "step 50", 49},
    {10, 0, "strike_lines cut", 1},
    {10, 0, "some_line sim->clients_count", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1163u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 9;
    return replay_script(&script, "I-80");
}
