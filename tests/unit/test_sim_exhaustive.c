/* Small worlds, searched to the end: one script of twelve operations, two clients, one hub with a durable log. Its
 * process dies at every event, and at every pair of events of a shorter one; every allocation fails, once and from then
 * on. Nothing may break, and in the end everybody has everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/world.h"

/* How the world is: what takes its time brings other things in between. */
static const struct world {
    const char *name;
    uint32_t delay_us, bytes_per_ms, window, store_us;
    bool async_writes;
} worlds[] = {
    {"at once", 0, 0, 0, 0, false},
    {"slow log", 500, 0, 65536, 20000, false},
    {"slow network", 9000, 50, 1500, 500, true},
};

typedef struct story {
    const struct world *world;
    wsm_sim *sim;
    wsm_sim_hub *hub;
    wsm_sim_client *ada, *bob;
    unsigned steps;          /* of the script */
    uint64_t events;         /* so far */
    uint64_t crash_at[2];    /* the process dies when so many have happened; 0: it does not */
    unsigned crashes;        /* that came */
    uint64_t fail_at, fails; /* allocation of the hub that fails, and how many from it on */
    bool has_failed;
} story;

static int at_event(void *user) {
    story *s = user;
    s->events++;
    for (size_t i = 0; i < 2; i++)
        if (s->events == s->crash_at[i]) return 1;
    return 0;
}

static void assert_well(const story *s) {
    const char *what;
    const char *broken = wsm_sim_broken(s->sim, &what);
    if (!broken) return;
    fail_msg("%s: %s (crashes at %llu, %llu; allocation %llu for %llu)", broken, what,
             (unsigned long long)s->crash_at[0], (unsigned long long)s->crash_at[1], (unsigned long long)s->fail_at,
             (unsigned long long)s->fails);
}

/* Let time pass, and the process die on the way. */
static void pass(story *s, uint64_t ms) {
    uint64_t until = wsm_sim_now(s->sim) + ms;
    while (wsm_sim_now(s->sim) < until) {
        int crashed = wsm_sim_run(s->sim, until - wsm_sim_now(s->sim), at_event, s);
        assert_well(s);
        if (!crashed) break;
        wsm_sim_crash(s->hub);
        s->crashes++;
        wsm_sim_run(s->sim, 20, NULL, NULL);
        assert_int_equal(wsm_sim_restart(s->hub), 0);
    }
}

static void step(story *s, unsigned number) {
    switch (number) {
    case 0: wsm_sim_client_publish(s->ada, WSM_PRIORITY_NORMAL); break;
    case 1: wsm_sim_client_publish(s->bob, WSM_PRIORITY_CRITICAL); break;
    case 2: wsm_sim_client_publish(s->ada, WSM_PRIORITY_BACKGROUND); break;
    case 3: wsm_sim_client_cut(s->bob); break;
    case 4: wsm_sim_client_publish(s->ada, WSM_PRIORITY_HIGH); break;
    case 5: wsm_sim_client_publish(s->bob, WSM_PRIORITY_NORMAL); break;
    case 6: wsm_sim_client_send(s->ada, "{\"type\":\"agent_presence\",\"status\":\"working\"}"); break;
    case 7: wsm_sim_cut_all(s->hub); break;
    case 8: wsm_sim_client_publish(s->bob, WSM_PRIORITY_LOW); break;
    case 9: wsm_sim_client_publish(s->ada, WSM_PRIORITY_CRITICAL); break;
    case 10: wsm_sim_client_cut(s->ada); break;
    case 11: wsm_sim_client_publish(s->bob, WSM_PRIORITY_NORMAL); break;
    }
}

static bool all_answered(const story *s) {
    return s->ada->open_count == 0 && s->bob->open_count == 0;
}

static int is_at_rest(void *user) {
    const story *s = user;
    return wsm_sim_client_is_live(s->ada) && wsm_sim_client_is_live(s->bob) && all_answered(s);
}

static void play(story *s) {
    wsm_config config;
    wsm_config_init(&config, sizeof config);
    config.snapshot_records = 3;
    config.history_records_max = 4;
    assert_int_equal(wsm_sim_new(&s->sim, 1, WSM_SIM_CALM), 0);
    s->sim->delay_us = s->world->delay_us;
    s->sim->bytes_per_ms = s->world->bytes_per_ms;
    s->sim->window = s->world->window;
    s->sim->store_us = s->world->store_us;
    s->sim->async_writes = s->world->async_writes;
    assert_int_equal(wsm_sim_hub_add(s->sim, &s->hub, &config, NULL, NULL), 0);
    assert_int_equal(wsm_sim_client_add(s->sim, &s->ada, s->hub, "ada", WSM_PERMISSION_ACTIVE, 1), 0);
    assert_int_equal(wsm_sim_client_add(s->sim, &s->bob, s->hub, "bob", WSM_PERMISSION_ACTIVE, 1), 0);
    if (s->fail_at) {
        s->hub->fail_after = s->fail_at;
        s->hub->fail_for = s->fails;
    }
    pass(s, 100);
    for (unsigned i = 0; i < s->steps; i++) {
        step(s, i);
        pass(s, 15);
    }
    s->has_failed = s->fail_at && s->hub->fail_after == 0;
    s->hub->fail_after = s->hub->fail_for = 0;
    int rests = wsm_sim_run(s->sim, 120000, is_at_rest, s); /* everybody comes back and has his answers */
    assert_well(s);
    assert_int_equal(rests, 1);
    wsm_sim_run(s->sim, 3000, NULL, NULL);
    wsm__sim_check_end(s->sim);
    assert_well(s);
    wsm_sim_free(s->sim);
}

static void every_crash_point_of_twelve_operations(void **state) {
    (void)state;
    for (size_t w = 0; w < sizeof worlds / sizeof *worlds; w++) {
        uint64_t points = 0;
        for (uint64_t n = 1;; n++) {
            story s = {.world = &worlds[w], .steps = 12, .crash_at = {n, 0}};
            play(&s);
            if (s.crashes == 0) break;
            points++;
        }
        print_message("%s: %llu crash points\n", worlds[w].name, (unsigned long long)points);
        assert_true(points > 50);
    }
}

/* The second one while the first is being recovered from, and shortly after. */
static void every_pair_of_crash_points_of_five_operations(void **state) {
    (void)state;
    for (size_t w = 0; w < sizeof worlds / sizeof *worlds; w++) {
        uint64_t pairs = 0;
        unsigned crashes = 1;
        for (uint64_t n = 1; crashes > 0; n++) {
            crashes = 2;
            for (uint64_t m = n + 1; m <= n + 40 && crashes == 2; m++) {
                story s = {.world = &worlds[w], .steps = 5, .crash_at = {n, m}};
                play(&s);
                crashes = s.crashes;
                pairs += crashes == 2;
            }
        }
        print_message("%s: %llu pairs of crash points\n", worlds[w].name, (unsigned long long)pairs);
        assert_true(pairs > 100);
    }
}

static void every_failing_allocation_of_twelve_operations(void **state) {
    (void)state;
    static const uint64_t lengths[] = {1, 5, UINT64_MAX};
    for (size_t i = 0; i < 3 * sizeof worlds / sizeof *worlds; i++) {
        uint64_t points = 0;
        for (uint64_t n = 1;; n++) {
            story s = {.world = &worlds[i / 3], .steps = 12, .fail_at = n, .fails = lengths[i % 3]};
            play(&s);
            if (!s.has_failed) break;
            points++;
        }
        print_message("%s: %llu failing allocations\n", worlds[i / 3].name, (unsigned long long)points);
        assert_true(points > 50);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_crash_point_of_twelve_operations),
        cmocka_unit_test(every_pair_of_crash_points_of_five_operations),
        cmocka_unit_test(every_failing_allocation_of_twelve_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
