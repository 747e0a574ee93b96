/* Shrunk from seed 1910. Broke I-33: client 1 (agent-1) gets the mention at 3, which agent-1 had seen before it came */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_mentions 2", 1},
    {0, 0, "draw_mentions 604800, 2, 20, 120", 1},
    {0, 1, "draw_mentions 604800, 2, 20, 120", 1},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {-1, 4, "draw_client 20", 3},
    {3, 0, "wsm__sim_client_act 4", 3},
    {4, 0, "step 50", 49},
    {5, 0, "strike_process crash", 1},
    {5, 0, "wsm__sim_store_crash bad_record", 1},
    {5, 0, "wsm__sim_store_crash (uint32_t)(store->count - low + 1)", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1910u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 4;
    return replay_script(&script, "I-33");
}
