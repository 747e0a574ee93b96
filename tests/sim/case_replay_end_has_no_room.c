/* Shrunk from seed 1163 with more room taken from notices than the bug took, then sized for the bug itself: a large
 * record fills the queue up to where its limit for records is, and nothing is left for replay_end. Broke I-80: the
 * faults have been over for 166069 ms; client 0 is in phase 0, checked to 0, with 1 commands open (6); the hub is ready
 * at 7 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1048576, 8192, 16384, 65536", 1},
    {0, 1, "draw_limits 1048576, 8192, 16384, 65536", 1},
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 2},
    {8, 0, "update 64", 63},
    {8, 0, "update 20000", 3720},
    {9, 0, "strike_lines cut", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1163u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 8;
    return replay_script(&script, "I-80");
}
