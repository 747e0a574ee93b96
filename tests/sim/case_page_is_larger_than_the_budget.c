/* Written by hand: with a budget of 470 kB the host asks for the records of a log of nearly 400 kB: as one page they
 * cannot be taken. Broke I-80: the faults have been over for 165005 ms; client -1 is in phase -1, checked to 0, with 0
 * commands open (-1); the hub is ready at 20 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_memory 12", 11},
    {0, 0, "draw_memory 600000, 450000, 900000", 1},
    {0, 1, "draw_memory 600000, 450000, 900000", 1},
    {3, 0, "update 64", 63},
    {3, 0, "update 20000", 19999},
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
    {13, 0, "update 64", 63},
    {13, 0, "update 20000", 19999},
    {14, 0, "update 64", 63},
    {14, 0, "update 20000", 19999},
    {15, 0, "update 64", 63},
    {15, 0, "update 20000", 19999},
    {16, 0, "update 64", 63},
    {16, 0, "update 20000", 19999},
    {17, 0, "update 64", 63},
    {17, 0, "update 20000", 19999},
    {18, 0, "update 64", 63},
    {18, 0, "update 20000", 19999},
    {19, 0, "update 64", 63},
    {19, 0, "update 20000", 19999},
    {20, 0, "update 64", 63},
    {20, 0, "update 20000", 19999},
    {21, 0, "update 64", 63},
    {21, 0, "update 20000", 19999},
    {22, 0, "step 64", 61},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 21;
    return replay_script(&script, "I-80");
}
