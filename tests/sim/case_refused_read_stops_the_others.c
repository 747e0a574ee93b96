/* Written by hand: one page is read at a time. Client 1's is on its way when the host asks for one and client 2 for
 * another; the host's is refused, and nobody else asks. Broke I-80: the faults have been over for 165041 ms; client 2
 * is in phase 3, checked to 0, with 0 commands open (-1); the hub is ready at 6 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    {0, 0, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 1, "draw_limits 1000, 1, 2, 8, 50", 1},
    {0, 0, "draw_limits 16, 1, 2", 1},
    {0, 1, "draw_limits 16, 1, 2", 1},
    {0, 0, "wsm__sim_plan_draw 10", 2},
    {5, 0, "strike_lines cut", 1},
    {5, 0, "some_line sim->clients_count", 1},
    {5, 0, "step sim->clients_count", 1},
    {5, 0, "wsm__sim_store_latency store_slow", 1},
    {5, 0, "wsm__sim_store_latency 100", 4},
    {6, 0, "strike_lines cut", 1},
    {6, 0, "some_line sim->clients_count", 2},
    {6, 0, "step 64", 61},
    {7, 0, "step sim->clients_count", 2},
    {7, 0, "refuses store_refuse", 1},
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 6;
    return replay_script(&script, "I-80");
}
