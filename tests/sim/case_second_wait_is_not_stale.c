/* Shrunk from seed 2568. Broke I-46: offset 4: it tells another status than follows from before:
 * {"type":"sidebar_waiting_update","offset":4,"seq":3,"message_id":"3c6ef96a-0000-7000-8000-000000000002","timestamp":"2026-01-02T03:04:07.031Z","sender_agent_id":"agent-0","context_id":"sb-AZt8qZAPcSyyqBCMzBRbYA","priority":"normal","sidebar_id":"sb-AZt8qZAPcSyyqBCMzBRbYA","waiting_for":"human_input"
 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 300000, 1000, 20000", 1},
    {0, 1, "draw_limits 300000, 1000, 20000", 1},
    {0, 0, "draw_sides 2", 1},
    {3, 0, "wsm__sim_client_act 2", 1},
    {3, 0, "pick_row sum", 24},
    {4, 0, "wsm__sim_client_act 2", 1},
    {4, 0, "pick_row sum", 75},
    {4, 0, "finish sync_fail", 1},
    {4, 0, "finish 2", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 2568u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 3;
    return replay_script(&script, "I-46");
}
