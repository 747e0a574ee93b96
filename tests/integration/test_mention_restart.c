/* Deliveries survive the hub: after any mix of mentions, answers and absences, a hub that loads the log brings each
 * mention that nobody has seen yet to its target once, and no other. At random, from seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kept_log.h"
#include "side_talk.h"

#define AGENTS   4
#define STEPS    60
#define SEEDS    60
#define MENTIONS 64

static const char *const names[AGENTS] = {"ada", "bob", "cy", "dot"};

typedef struct run {
    hub_world *world;
    peer *agent[AGENTS]; /* NULL: away */
    unsigned seed;
    struct {
        char id[37];
        int target;
        bool is_seen;
    } mention[MENTIONS];
    int mentions;
} run;

static unsigned dice(run *r, unsigned sides) {
    r->seed = r->seed * 1103515245u + 12345u;
    return (r->seed >> 16) % sides;
}

static void enter(run *r, const wsm_log *log, uint32_t snapshot_records) {
    r->world = calloc(1, sizeof *r->world);
    assert_non_null(r->world);
    world_init(r->world);
    r->world->config.snapshot_records = snapshot_records;
    r->world->config.mentions_per_min_to_agent = r->world->config.mention_pair_per_min = 1000;
    assert_int_equal(world_start(r->world, log), 0);
    for (int i = 0; i < AGENTS; i++) r->agent[i] = world_join(r->world, names[i], WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(r->world, 100);
}

static void leave(run *r) {
    world_end(r->world);
    assert_int_equal(r->world->mem.live, 0);
    free(r->world);
}

static void mention(run *r, int by) {
    int target = (by + 1 + (int)dice(r, AGENTS - 1)) % AGENTS;
    if (r->mentions == MENTIONS) return;
    const char *answer =
        peer_ask(r->agent[by], "mention_route", "\"target_agents\":[\"%s\"],\"message\":\"m\",\"priority\":\"%s\"",
                 names[target], dice(r, 2) ? "urgent" : "normal");
    if (strcmp(answer_of(answer), "ack") != 0) fail_msg("%s", answer);
    snprintf(r->mention[r->mentions].id, 37, "%s", line_get(answer, "original_message_id"));
    r->mention[r->mentions++].target = target;
}

/* The target says something about one that it was brought. */
static void answer(run *r) {
    static const char *const states[] = {"seen", "replied", "declined", "failed", "working"};
    if (r->mentions == 0) return;
    int i = (int)dice(r, (unsigned)r->mentions);
    peer *by = r->agent[r->mention[i].target];
    if (!by || r->mention[i].is_seen) return;
    const char *said =
        peer_ask(by, "mention_ack", "\"mention_id\":\"%s\",\"state\":\"%s\"", r->mention[i].id, states[dice(r, 5)]);
    if (strcmp(answer_of(said), "ack") != 0) fail_msg("%s", said);
    r->mention[i].is_seen = true;
}

static void step(run *r) {
    int who = (int)dice(r, AGENTS);
    unsigned what = dice(r, 6);
    if (!r->agent[who]) {
        if (what < 2) r->agent[who] = world_join(r->world, names[who], WSM_PERMISSION_ACTIVE, NULL, 0);
        world_run(r->world, 10);
    } else if (what == 0 && r->world->peers_count < WORLD_PEERS - AGENTS) {
        peer_leave(r->agent[who]);
        r->agent[who] = NULL;
    } else if (what < 4) {
        mention(r, who);
    } else {
        answer(r);
    }
    if (dice(r, 5) == 0) world_run(r->world, dice(r, 2000));
}

static void restart(unsigned seed, bool with_snapshots, int *open, int *ended) {
    kept_log kept = {.no_snapshots = !with_snapshots};
    wsm_log log = kept_log_of(&kept);
    run r = {.seed = seed * 2654435761u};
    enter(&r, &log, 1 + seed % 20);
    for (int i = 0; i < STEPS; i++) step(&r);
    leave(&r);
    enter(&r, &log, 1000);
    world_run(r.world, 5000);
    for (int i = 0; i < r.mentions; i++)
        for (int a = 0; a < AGENTS; a++) {
            char part[96];
            snprintf(part, sizeof part, "\"type\":\"mention_route\"");
            int count = 0, wanted = a == r.mention[i].target && !r.mention[i].is_seen;
            for (const char *line = r.agent[a]->text; line && *line; line = strchr(line, '\n') + 1) {
                const char *end = strchr(line, '\n'), *id = strstr(line, r.mention[i].id), *type = strstr(line, part);
                count += id && type && id < end && type < end;
            }
            if (count != wanted)
                fail_msg("seed %u: %s got mention %d of %d %d times, not %d", seed, names[a], i, r.mentions, count,
                         wanted);
        }
    for (int i = 0; i < r.mentions; i++) *(r.mention[i].is_seen ? ended : open) += 1;
    leave(&r);
    kept_log_free(&kept);
}

static void what_nobody_has_seen_comes_once_after_a_restart(void **state) {
    int open = 0, ended = 0;
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) restart(seed, seed % 2 == 0, &open, &ended);
    assert_true(open > 2 * (int)SEEDS && ended > 2 * (int)SEEDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_has_seen_comes_once_after_a_restart),
    };
    return cmocka_run_group_tests_name("mention/restart", tests, NULL, NULL);
}
