/* Shrunk from seed 1. Broke I-80: client 0 is cut without a word, after 30505 ms, and nothing fails */
#include "replay.h"

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 0};
    return replay_script(&script, "I-80");
}
