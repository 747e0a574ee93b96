/* What a model client does that no hub should have to put up with, and what it must not do for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "adapters/sim/world.h"
#include "wsm/sim.h"

/* Two of one agent that do not stop at 4009 cut each other out. They did so thirty times a second, for as long as the
 * world had faults, and 20 000 000 events were over before it was. */
static void two_that_flap_under_one_name_slow_down(void **state) {
    wsm_sim *sim;
    wsm_sim_hub *hub;
    wsm_sim_client *one, *two;
    (void)state;
    assert_int_equal(wsm_sim_new(&sim, 1, WSM_SIM_CALM), 0);
    assert_int_equal(wsm_sim_hub_add(sim, &hub, NULL, NULL, NULL), 0);
    assert_int_equal(wsm_sim_client_add(sim, &one, hub, "ada", WSM_PERMISSION_ACTIVE, 1), 0);
    assert_int_equal(wsm_sim_client_add(sim, &two, hub, "ada", WSM_PERMISSION_ACTIVE, 1), 0);
    one->flaps = two->flaps = true;
    assert_int_equal(wsm_sim_run(sim, 5000, NULL, NULL), 0);
    uint64_t quickly = sim->report.resumes;
    assert_true(quickly > 20);
    assert_int_equal(wsm_sim_run(sim, 600000, NULL, NULL), 0);
    assert_in_range(sim->report.resumes - quickly, 100, 600);
    wsm_sim_free(sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_that_flap_under_one_name_slow_down)};
    return cmocka_run_group_tests_name("sim/client", tests, NULL, NULL);
}
