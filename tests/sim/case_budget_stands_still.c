/* Broke I-80: the faults have been over for 179676 ms; client 0 is in phase 3, checked to 16, with 14 commands open
 * (10); the hub is ready at 16 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 1},
    {0, 1, "wsm__sim_plan_draw 1000, 2, 30, 200, 3000, 20000", 2},
    {0, 0, "draw_memory 12", 11},
    {0, 0, "draw_memory 600000, 450000, 900000", 1},
    {0, 1, "draw_memory 600000, 450000, 900000", 1},
    {0, 0, "draw_mentions 2", 1},
    {-1, 0, "draw_client 20", 4},
    {-1, 1, "draw_client 20", 5},
    {-1, 2, "draw_client 20", 15},
    {-1, 4, "draw_client 20", 1},
    {1, 2, "wsm__sim_store_latency store_slow", 1},
    {1, 0, "wsm__sim_store_latency 100", 31},
    {2, 0, "step 15", 8},
    {3, 0, "step 15", 11},
    {4, 0, "step 15", 12},
    {5, 0, "step 15", 5},
    {6, 0, "step 15", 13},
    {8, 0, "step 15", 14},
    {9, 0, "step 15", 12},
    {10, 0, "step 15", 13},
    {11, 0, "step 15", 2},
    {12, 0, "draw bound", 7},
    {12, 0, "step 15", 8},
    {13, 0, "step 15", 10},
    {14, 0, "step 15", 5},
    {14, 0, "step 50", 49},
    {16, 0, "update 64", 63},
    {16, 0, "update 20000", 5878},
    {17, 0, "update 64", 41},
    {17, 0, "update 20000", 11439},
    {19, 0, "update 64", 35},
    {19, 0, "update 20000", 17442},
    {20, 0, "update 64", 58},
    {20, 0, "update 20000", 8370},
    {21, 0, "update 64", 42},
    {21, 0, "update 20000", 8921},
    {22, 0, "update 64", 51},
    {22, 0, "update 20000", 14131},
    {23, 0, "update 64", 48},
    {23, 0, "update 20000", 18838},
    {24, 0, "update 64", 37},
    {24, 0, "update 20000", 16763},
    {25, 0, "update 64", 40},
    {25, 0, "update 20000", 16157},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 810u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 24;
    return replay_script(&script, "I-80");
}
