/* Written by hand: a record whose append is said to have failed is kept, at 3; the next one, at 4, gets another number
 * than it expected, and the heads at 5 to 12 tell that. All of these break, one at each crash. Broke I-24: offset 4 had
 * seq 3, and has seq 2 after a start */
#include "replay.h"

#define CRASH_BREAKS(step, offset)                                                                                     \
    {step, 0, "strike_process crash", 1}, {step, 0, "wsm__sim_store_crash bad_record", 1}, {                           \
        step, 0, "wsm__sim_store_crash (uint32_t)(store->count - low + 1)", (offset)-1                                 \
    }

static const wsm_sim_choice choices[] = {
    {4, 0, "finish sync_fail", 1}, {4, 0, "finish 2", 1}, CRASH_BREAKS(20, 3),  CRASH_BREAKS(23, 5),
    CRASH_BREAKS(26, 6),           CRASH_BREAKS(29, 7),   CRASH_BREAKS(32, 8),  CRASH_BREAKS(35, 9),
    CRASH_BREAKS(38, 10),          CRASH_BREAKS(41, 11),  CRASH_BREAKS(44, 12),
};

int main(void) {
    wsm_sim_script script = {.size = sizeof script, .seed = 1u, .profile = 1};
    script.named = choices;
    script.named_count = sizeof choices / sizeof choices[0];
    script.steps = 45;
    return replay_script(&script, "I-24");
}
