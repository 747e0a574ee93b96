/* Written by hand: with a budget of 470 kB a hub crashes when 400 kB of records stand behind its snapshot. Broke I-80:
 * the faults have been over for 166596 ms; client 0 is in phase 0, checked to 65, with 1 commands open (72); the hub
 * is not ready at 0 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 10000, 1, 7, 50, 0", 1},
    {0, 1, "draw_limits 10000, 1, 7, 50, 0", 3},
    {0, 0, "draw_memory 12", 11},
    {0, 0, "draw_memory 600000, 450000, 900000", 1},
    {0, 1, "draw_memory 600000, 450000, 900000", 1},
    {54, 0, "update 64", 63},
    {54, 0, "update 20000", 18700},
    {55, 0, "update 64", 63},
    {55, 0, "update 20000", 18700},
    {56, 0, "update 64", 63},
    {56, 0, "update 20000", 18700},
    {57, 0, "update 64", 63},
    {57, 0, "update 20000", 18700},
    {58, 0, "update 64", 63},
    {58, 0, "update 20000", 18700},
    {59, 0, "update 64", 63},
    {59, 0, "update 20000", 18700},
    {60, 0, "update 64", 63},
    {60, 0, "update 20000", 18700},
    {61, 0, "update 64", 63},
    {61, 0, "update 20000", 18700},
    {62, 0, "update 64", 63},
    {62, 0, "update 20000", 18700},
    {63, 0, "update 64", 63},
    {63, 0, "update 20000", 18700},
    {64, 0, "update 64", 63},
    {64, 0, "update 20000", 18700},
    {65, 0, "update 64", 63},
    {65, 0, "update 20000", 18700},
    {66, 0, "update 64", 63},
    {66, 0, "update 20000", 18700},
    {67, 0, "update 64", 63},
    {67, 0, "update 20000", 18700},
    {68, 0, "update 64", 63},
    {68, 0, "update 20000", 18700},
    {69, 0, "update 64", 63},
    {69, 0, "update 20000", 18700},
    {70, 0, "update 64", 63},
    {70, 0, "update 20000", 18700},
    {71, 0, "update 64", 63},
    {71, 0, "update 20000", 18700},
    {72, 0, "update 64", 63},
    {72, 0, "update 20000", 18700},
    {73, 0, "update 64", 63},
    {73, 0, "update 20000", 18700},
    {74, 0, "update 64", 63},
    {74, 0, "update 20000", 18700},
    {75, 0, "strike_process crash", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 74;
    return replay_script(&script, "I-80");
}
