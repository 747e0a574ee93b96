/* Shrunk from seed 425. On a slow link client 0 comes back for all of the log, whose newest record is of the
 * background; while that waits behind the others client 1 says the next. Broke I-02: client 0 gets offset 73 (priority
 * 1) after 0, 72, 74 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_network 0, 10000, 500, 20", 1},
    {0, 1, "draw_network 0, 10000, 500, 20", 3},
    {0, 0, "draw_network 65536, 0, 8192, 1500, 300", 1},
    {0, 1, "draw_network 65536, 0, 8192, 1500, 300", 3},
    {0, 0, "wsm__sim_plan_draw 10", 1},
    {-1, 1, "draw_client 10", 9},
    {72, 0, "update 64", 40},
    {72, 0, "update 7", 1},
    {73, 0, "step sim->clients_count", 1},
    {73, 0, "update 64", 40},
    {73, 0, "update 7", 1},
    {73, 0, "append store_refuse", 1},
    {74, 0, "strike_lines half_close", 1},
    {74, 0, "wsm__sim_client_connect 4", 2},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 425u, .profile = 2};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 73;
    return replay_script(&script, "I-02");
}
