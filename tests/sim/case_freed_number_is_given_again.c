/* Shrunk from seed 3423548. Broke I-04: seq 3 at offset 5 of main is not above that of a record that has broken */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {-1, 3, "draw_client 20", 19},
    {2, 0, "step 64", 56},
    {2, 0, "wsm__sim_machine_publish 3", 1},
    {3, 0, "strike_process crash", 1},
    {3, 0, "wsm__sim_store_crash bad_record", 1},
    {4, 0, "step 64", 56},
    {5, 0, "strike_process crash", 1},
    {5, 0, "wsm__sim_store_crash bad_record", 1},
    {5, 0, "wsm__sim_store_crash (uint32_t)(store->count - low + 1)", 3},
    {6, 0, "step 64", 56},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 3423548u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 5;
    return replay_script(&script, "I-04");
}
