/* Written by hand: a record fits a queue of 16 kB; after a crash the hub has queues of 8 kB, and who comes back is due
 * the record. Broke I-80: the faults have been over for 166061 ms; client 0 is in phase 0, checked to 0, with 1
 * commands open (1); the hub is ready at 2 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1048576, 8192, 16384, 65536", 1},
    {0, 1, "draw_limits 1048576, 8192, 16384, 65536", 2},
    LARGE_UPDATE(3, 7700),
    {4, 0, "strike_process crash", 1},
    {4, 0, "configure_anew smaller_queue", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 3;
    return replay_script(&script, "I-80");
}
