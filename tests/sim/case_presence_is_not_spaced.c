/* Shrunk from seed 5. Broke I-44: two changes of agent-0 go out within 125 ms, and 1000 must lie between */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {3, 0, "wsm__sim_client_act 100", 80},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 5u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 2;
    return replay_script(&script, "I-44");
}
