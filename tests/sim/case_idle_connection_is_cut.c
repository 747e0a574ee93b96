/* Shrunk from seed 1. Broke I-80: client 0 is cut without a word, after 32171 ms, and nothing fails */
#include "replay.h"

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.steps = 1;
    return replay_script(&script, "I-80");
}
