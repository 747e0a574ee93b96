/* Shrunk from seed 334. Broke I-04: seq 82 at offset 98 of main is not above that of a record that has broken */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "wsm__sim_plan_draw 10", 4},
    {2, 1, "wsm__sim_store_latency store_slow", 1},
    {2, 0, "wsm__sim_store_latency 100", 28},
    {85, 0, "strike_process crash", 1},
    {85, 0, "wsm__sim_store_crash bad_record", 1},
    {85, 0, "wsm__sim_store_crash (uint32_t)(store->count - low + 1)", 96},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 334u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 84;
    return replay_script(&script, "I-04");
}
