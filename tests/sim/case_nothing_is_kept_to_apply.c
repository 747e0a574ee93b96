/* Written by hand: while the log takes ten seconds over one record, large ones fill the budget. Broke I-80: the faults
 * have been over for 177943 ms; client 0 is in phase 3, checked to 2, with 12 commands open (1); the hub is ready at 2
 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_memory 12", 11},
    {0, 0, "draw_memory 600000, 450000, 900000", 1},
    {0, 1, "draw_memory 600000, 450000, 900000", 1},
    {3, 0, "wsm__sim_store_latency store_slow", 1},
    {3, 0, "wsm__sim_store_latency 100", 99},
    {4, 0, "update 64", 63},
    {4, 0, "update 20000", 19999},
    {5, 0, "update 64", 63},
    {5, 0, "update 20000", 19999},
    {6, 0, "update 64", 63},
    {6, 0, "update 20000", 19999},
    {7, 0, "update 64", 63},
    {7, 0, "update 20000", 19999},
    {8, 0, "update 64", 63},
    {8, 0, "update 20000", 19999},
    {9, 0, "update 64", 63},
    {9, 0, "update 20000", 19999},
    {10, 0, "update 64", 63},
    {10, 0, "update 20000", 19999},
    {11, 0, "update 64", 63},
    {11, 0, "update 20000", 19999},
    {12, 0, "update 64", 63},
    {12, 0, "update 20000", 19999},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 14;
    return replay_script(&script, "I-80");
}
