/* Shrunk from seed 17003. Broke I-46: offset 21: an update is left out:
 * {"type":"sidebar_merge","offset":21,"seq":15,"message_id":"be1e4a48-0000-7000-8000-000000000013","timestamp":"2026-01-02T03:04:08.370Z","sender_agent_id":"agent-0","context_id":"main","priority":"normal","sidebar_id":"sb-AZt8qZAPcnOQhkGaaneVbQ","success":true,"parent_id":null,"consolidated_findings"
 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 1, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 0, "draw_limits 1048576, 100, 4000", 1},
    {0, 1, "draw_limits 1048576, 100, 4000", 1},
    {0, 0, "draw_sides 2", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {6, 0, "wsm__sim_client_act 2", 1},
    {6, 0, "pick_row sum", 71},
    {19, 0, "wsm__sim_client_act 2", 1},
    {19, 0, "pick_row sum", 67},
    {20, 0, "wsm__sim_client_act 2", 1},
    {21, 0, "wsm__sim_client_act 2", 1},
    {21, 0, "pick_row sum", 93},
    {21, 16, "wsm__sim_store_latency store_slow", 1},
    {21, 0, "wsm__sim_store_latency 100", 1},
    {22, 0, "wsm__sim_client_act 2", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 17003u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 21;
    return replay_script(&script, "I-46");
}
