/* I-13: who does not read delays nobody else. The same world runs twice, once with a reader that stops reading; the
 * others must get as many bytes by each millisecond of virtual time, for no more work: events of the world, and memory
 * of the hub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/world.h"
#include "wsm/sim.h"

#define READERS  3
#define RECORDS  700u /* 14 seconds: it is cut as too slow after ten, and nobody is told that it is away yet */
#define GAP_MS   20u  /* no faster than ada may */
#define STEPS_MS (RECORDS * GAP_MS + 500u)

typedef struct course {
    size_t heard[READERS][STEPS_MS]; /* bytes that each has heard, by millisecond */
    uint64_t events;
    size_t live_most;
    bool was_cut;
} course;

static void run(course *out, bool stalls) {
    wsm_sim *sim;
    wsm_sim_hub *hub;
    wsm_sim_client *ada, *slow, *readers[READERS];
    static const char *const names[READERS] = {"bob", "carol", "dan"};
    *out = (course){.events = 0};
    assert_int_equal(wsm_sim_new(&sim, 1, WSM_SIM_CALM), 0);
    sim->delay_us = 0; /* so that nothing is drawn for one connection that another one's time hangs on */
    sim->window = 4096;
    assert_int_equal(wsm_sim_hub_add(sim, &hub, NULL, NULL, NULL), 0);
    assert_int_equal(wsm_sim_client_add(sim, &ada, hub, "ada", WSM_PERMISSION_ACTIVE, 1), 0);
    assert_int_equal(wsm_sim_client_add(sim, &slow, hub, "slow", WSM_PERMISSION_ACTIVE, 1), 0);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(wsm_sim_client_add(sim, &readers[i], hub, names[i], WSM_PERMISSION_ACTIVE, 1), 0);
    assert_int_equal(wsm_sim_run(sim, 2000, NULL, NULL), 0);
    assert_int_equal(slow->phase, WSM__SIM_LIVE);
    slow->comes_back = false;
    if (stalls) wsm__sim_line_stall(slow->line, true);
    out->events = sim->report.events;
    for (uint32_t ms = 0; ms < STEPS_MS; ms++) {
        if (ms % GAP_MS == 0 && ms / GAP_MS < RECORDS) wsm_sim_client_publish(ada, WSM_PRIORITY_NORMAL);
        assert_int_equal(wsm_sim_run(sim, 1, NULL, NULL), 0);
        for (int i = 0; i < READERS; i++) out->heard[i][ms] = readers[i]->tail.len;
        if (hub->live > out->live_most) out->live_most = hub->live;
    }
    out->events = sim->report.events - out->events;
    out->was_cut = !slow->line || !slow->line->conn;
    for (int i = 0; i < READERS; i++) assert_int_equal(readers[i]->phase, WSM__SIM_LIVE);
    wsm_sim_free(sim);
}

static void who_does_not_read_delays_nobody(void **state) {
    course *without = calloc(1, sizeof *without), *with = calloc(1, sizeof *with);
    (void)state;
    assert_non_null(without);
    assert_non_null(with);
    run(without, false);
    run(with, true);
    assert_false(without->was_cut);
    assert_true(with->was_cut); /* as too slow: it stood in nobody's way until then, nor after */
    for (int i = 0; i < READERS; i++) {
        assert_true(without->heard[i][STEPS_MS - 1] > without->heard[i][0] + RECORDS * 100u);
        assert_memory_equal(with->heard[i], without->heard[i], sizeof with->heard[i]);
    }
    assert_true(with->events <= without->events + without->events / 10);
    assert_true(with->live_most <= without->live_most + (1u << 20)); /* queue_bytes_max; frames are shared */
    free(without);
    free(with);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_does_not_read_delays_nobody)};
    return cmocka_run_group_tests_name("sim/stall", tests, NULL, NULL);
}
