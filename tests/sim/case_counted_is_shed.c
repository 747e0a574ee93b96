/* Written by hand: client 1 resumes, and its first page takes long, so that its last one reaches beyond the end of the
 * replay; it does not read, nor does client 0, and the budget runs short. Broke I-05: client 1: 7 records were
 * replayed, the hub counts 8 */
#include "replay.h"

static const wsm_sim_choice choices[] = {
    SMALL_BUDGET,
    {0, 0, "wsm__sim_plan_draw 10", 2},
    FIVE_LARGE_UPDATES(3, 19999),
    LARGE_UPDATE(8, 19999),
    {9, 0, "strike_lines cut", 1},
    {9, 0, "some_line sim->clients_count", 1},
    {9, 2, "wsm__sim_store_latency store_slow", 1},
    {9, 0, "wsm__sim_store_latency 100", 4},
    LARGE_UPDATE(9, 19999),
    {10, 0, "strike_lines stall", 1},
    {10, 0, "some_line sim->clients_count", 1},
    {10, 0, "strike_lines 20000", 8000},
    LARGE_UPDATE(10, 19999),
    {11, 0, "strike_lines stall", 1},
    {11, 0, "strike_lines 20000", 8000},
    LARGE_UPDATE(11, 19999),
    LARGE_UPDATE(12, 19999),
    LARGE_UPDATE(15, 19999),
    LARGE_UPDATE(16, 19999),
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 17;
    return replay_script(&script, "I-05");
}
