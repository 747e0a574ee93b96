/* Written by hand: client 1 comes when there is no memory for the announcement, and says something of itself at once.
 * Broke I-44: the hub lists agent-1 with the note ""; he said "1" last */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "wsm__sim_plan_draw 10", 1},    {-2, 4, "draw_client 20", 5},          {3, 0, "step sim->clients_count", 1},
    {3, 0, "strike_process no_memory", 1}, {3, 0, "strike_process 60", 24},       {3, 0, "strike_process 3000", 110},
    {4, 0, "step sim->clients_count", 1},  {4, 0, "wsm__sim_client_act 100", 80},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 3;
    return replay_script(&script, "I-44");
}
