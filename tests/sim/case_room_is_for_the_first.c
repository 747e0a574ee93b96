/* Written by hand: the newest record, an update in a sidebar, breaks at a crash; main is written to first, and then
 * the sidebar. Broke I-04: seq 2 at offset 7 of the sidebar follows seq 2 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_sides 2", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {5, 0, "wsm__sim_client_act 2", 1},
    {6, 0, "strike_process crash", 1},
    {6, 0, "wsm__sim_store_crash bad_record", 1},
    {6, 0, "wsm__sim_store_crash (uint32_t)(store->count - low + 1)", 3},
    {8, 0, "wsm__sim_client_act 2", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 8;
    return replay_script(&script, "I-04");
}
