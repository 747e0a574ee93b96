/* Shrunk from seed 395. Broke I-24: offset 2 had seq 2, and has seq 1 after a start that found the record before it
 * broken */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 2000, 0, 100, 20000, 300000", 1},
    {0, 1, "draw_network 2000, 0, 100, 20000, 300000", 4},
    {2, 0, "strike_process disk_full", 1},
    {2, 0, "strike_process 20000", 1075},
    {3, 0, "step 15", 2},
    {7, 0, "step 50", 49},
    {8, 0, "strike_process crash", 1},
    {8, 0, "wsm__sim_store_crash bad_record", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 395u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 7;
    return replay_script(&script, "I-24");
}
