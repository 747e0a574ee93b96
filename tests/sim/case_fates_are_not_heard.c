/* Shrunk from seed 395. Broke I-24: offset 4 had seq 1, and has seq 2 after a start that found a broken record
 * before it */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 2000, 0, 100, 20000, 300000", 1},
    {0, 1, "draw_network 2000, 0, 100, 20000, 300000", 4},
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {2, 0, "step 15", 5},
    {3, 0, "strike_process disk_full", 1},
    {3, 0, "strike_process 20000", 3904},
    {4, 0, "wsm__sim_client_act 4", 3},
    {5, 0, "step 15", 1},
    {5, 0, "step 50", 49},
    {6, 0, "strike_process crash", 1},
    {6, 0, "wsm__sim_store_crash bad_record", 1},
    {6, 0, "wsm__sim_store_crash (uint32_t)(store->count - low + 1)", 2},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 395u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 5;
    return replay_script(&script, "I-24");
}
