/* The lives of a hub on a log that keeps: each has limits of its own, and finds what those before it have left. For
 * tests with cmocka, which they include first.
 *
 *     kept_world k = {.kept = {.misses = 4}};    the log's faults may be there from the beginning
 *     kept_world_init(&k);                       the usual limits; other ones:
 *     k.w.config.history_records_max = 2;
 *     kept_world_open(&k);
 *     ...
 *     kept_world_close(&k);                      the life ends and has left nothing in memory; init and open: the next
 *     kept_world_end(&k);                        the same, and the log ends too */
#ifndef WSM_TESTS_KEPT_WORLD_H
#define WSM_TESTS_KEPT_WORLD_H

#include "hub_world.h"
#include "kept_log.h"

#define KEPT_EPOCH "00000000000000aa"

typedef struct kept_world {
    hub_world w; /* first: the host's callbacks are given it */
    kept_log kept;
} kept_world;

static inline void kept_world_init(kept_world *k) {
    world_init_again(&k->w);
}

static inline void kept_world_open(kept_world *k) {
    wsm_log log = kept_log_of(&k->kept);
    assert_int_equal(world_start(&k->w, &log), 0);
}

/* With the usual limits. */
static inline void kept_world_begin(kept_world *k) {
    kept_world_init(k);
    kept_world_open(k);
}

static inline void kept_world_close(kept_world *k) {
    world_end(&k->w);
    assert_int_equal(k->w.mem.live, 0);
}

static inline void kept_world_end(kept_world *k) {
    kept_world_close(k);
    kept_log_free(&k->kept);
}

static inline peer *kept_world_join(kept_world *k, const char *agent) {
    return world_join(&k->w, agent, WSM_PERMISSION_ACTIVE, NULL, 0);
}

#endif
