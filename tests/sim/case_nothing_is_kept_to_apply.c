/* Written by hand: while the log takes ten seconds over one record, large ones fill the budget. Broke I-80: the faults
 * have been over for 177943 ms; client 0 is in phase 3, checked to 2, with 12 commands open (1); the hub is ready at 2
 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    SMALL_BUDGET,
    {3, 0, "wsm__sim_store_latency store_slow", 1},
    {3, 0, "wsm__sim_store_latency 100", 99},
    FIVE_LARGE_UPDATES(4, 19999),
    LARGE_UPDATE(9, 19999),
    LARGE_UPDATE(10, 19999),
    LARGE_UPDATE(11, 19999),
    LARGE_UPDATE(12, 19999),
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 14;
    return replay_script(&script, "I-80");
}
