/* The state is the fold of the records: after any mix of commands about contexts, a hub that loads the same log, from a
 * snapshot or from the first record, shows every agent the same as the one that wrote it. At random, from seeds. */
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
#define SIDES    24
#define STEPS    150
#define SEEDS    40
#define TEXT_MAX (4u << 20)

static const char *const names[AGENTS] = {"ada", "bob", "cy", "dot"};

typedef struct run {
    hub_world *world;
    peer *agent[AGENTS];
    unsigned seed;
    char side[SIDES][SIDE_ID];
    int sides;
    unsigned long done; /* commands that were not refused */
} run;

static unsigned dice(run *r, unsigned sides) {
    r->seed = r->seed * 1103515245u + 12345u;
    return (r->seed >> 16) % sides;
}

static void enter(run *r, const wsm_log *log, uint32_t snapshot_records, uint32_t history_records) {
    r->world = calloc(1, sizeof *r->world);
    assert_non_null(r->world);
    world_init(r->world);
    r->world->config.sidebars_per_creator = r->world->config.sidebars_per_min = 1000;
    r->world->config.snapshot_records = snapshot_records;
    if (history_records) r->world->config.history_records_max = history_records;
    assert_int_equal(world_start(r->world, log), 0);
    for (int i = 0; i < AGENTS; i++) r->agent[i] = world_join(r->world, names[i], WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(r->world, 10);
}

static void leave(run *r) {
    world_end(r->world);
    assert_int_equal(r->world->mem.live, 0);
    free(r->world);
}

/* ---- commands -------------------------------------------------------------------------------------------------------
 */

static const char *pick(run *r) {
    return r->sides > 0 ? r->side[dice(r, (unsigned)r->sides)] : "none";
}

static const char *pick_or_main(run *r) {
    return dice(r, 4) == 0 ? "main" : pick(r);
}

static void begin_one(run *r, peer *by, unsigned how) {
    static const char *const modes[] = {"\"all\"", "\"last_n\",\"n\":2", "\"refs\"", "\"none\""};
    static const char *const priorities[] = {"low", "normal", "background"};
    const char *answer = "";
    if (r->sides == SIDES) return;
    if (how == 0)
        answer =
            peer_ask(by, "sidebar_spawn",
                     "\"parent_id\":\"%s\",\"participants\":[\"%s\",\"%s\"],\"task\":\"t\",\"inherit\":{\"mode\":%s},"
                     "\"visibility\":\"%s\",\"merge_policy\":\"%s\",\"priority\":\"%s\"",
                     pick_or_main(r), names[dice(r, AGENTS)], names[dice(r, AGENTS)], modes[dice(r, 4)],
                     dice(r, 3) ? "open" : "private", dice(r, 2) ? "auto" : "review", priorities[dice(r, 3)]);
    else if (how == 1)
        answer = peer_ask(by, "sidebar_child_spawn",
                          "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[\"%s\"],"
                          "\"coordinator_agent\":\"%s\",\"conflict_policy\":\"%s\"",
                          pick(r), names[dice(r, AGENTS)], names[dice(r, AGENTS)],
                          dice(r, 2) ? "keep_both" : "keep_sidebar");
    else
        answer = peer_ask(by, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\"", pick(r));
    if (line_is(answer, "type", "ack")) {
        snprintf(r->side[r->sides++], SIDE_ID, "%s", line_get(answer, "result.sidebar_id"));
        r->done++;
    }
}

static const char *change(run *r, peer *by, unsigned what) {
    static const char *const words[] = {"active", "testing", "reviewing", "consolidating", "failed", "spawning_child"};
    static const char *const conditions[] = {"{\"key\":\"k\"}", "\"later\"", "{\"time\":\"2026-01-02T03:05:00Z\"}"};
    const char *id = pick(r), *other = names[dice(r, AGENTS)];
    switch (what) {
    case 3:
        return peer_ask(by, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"%s\",\"reason\":\"r\"", id,
                        words[dice(r, 6)]);
    case 4:
        return peer_ask(by, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":%s", id,
                        conditions[dice(r, 3)]);
    case 5: return peer_ask(by, "sidebar_resume", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", id);
    case 6:
        return peer_ask(by, "sidebar_waiting_update",
                        "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"d\",\"dependency_"
                        "refs\":[\"%s\"]",
                        id, pick(r));
    case 7:
        return peer_ask(by, "sidebar_merge", "\"sidebar_id\":\"%s\",\"exchanges_to_merge\":\"%s\"", id,
                        dice(r, 2) ? "all" : "none");
    case 8:
        return peer_ask(by, "sidebar_merge_decision", "\"sidebar_id\":\"%s\",\"accept\":\"%s\"", id,
                        dice(r, 2) ? "all" : "none");
    case 9: return peer_ask(by, "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"r\"", id);
    case 10: return peer_ask(by, "sidebar_join", "\"sidebar_id\":\"%s\"", id);
    case 11: return peer_ask(by, "sidebar_leave", "\"sidebar_id\":\"%s\"", id);
    case 12:
        return peer_ask(by, "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"%s\"],\"history\":\"all\"", id,
                        other);
    case 13: return peer_ask(by, "sidebar_join", "\"sidebar_id\":\"%s\",\"history\":\"all\"", id);
    case 14: return peer_ask(by, "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"%s\"]", id, other);
    case 15:
        return peer_ask(by, "data_ref", "\"context_id\":\"%s\",\"name\":\"n%u\",\"value\":%u", pick_or_main(r),
                        dice(r, 3), dice(r, 100));
    case 16:
        return peer_ask(by, "data_ref", "\"context_id\":\"%s\",\"name\":\"n%u\",\"value\":null", pick_or_main(r),
                        dice(r, 3));
    case 17:
        return peer_ask(by, "sidebar_test_result",
                        "\"sidebar_id\":\"%s\",\"test_description\":\"t\",\"result\":\"passed\",\"findings\":\"f\"",
                        id);
    default:
        return peer_ask(by, "memory_update", "\"context_id\":\"%s\",\"exchange\":%u,\"key\":\"%s\"", pick_or_main(r),
                        what, dice(r, 3) ? "j" : "k");
    }
}

static void step(run *r) {
    peer *by = r->agent[dice(r, AGENTS)];
    unsigned what = r->sides < 3 ? 0 : dice(r, 22);
    if (what < 3)
        begin_one(r, by, what);
    else
        r->done += line_is(change(r, by, what), "type", "ack") ? 1 : 0;
    if (dice(r, 10) == 0) world_run(r->world, dice(r, 3000));
}

/* ---- what is shown --------------------------------------------------------------------------------------------------
 */

static void add(char *all, size_t *len, const char *text, size_t text_len) {
    assert_true(*len + text_len + 2 < TEXT_MAX);
    memcpy(all + *len, text, text_len);
    *len += text_len;
    all[(*len)++] = '\n';
    all[*len] = '\0';
}

/* One line for each context and agent. What memory holds of the records may differ, and is left out. */
static char *shown(run *r) {
    char *all = malloc(TEXT_MAX);
    size_t len = 0;
    assert_non_null(all);
    for (int i = -1; i < r->sides; i++)
        for (int a = 0; a < AGENTS; a++) {
            peer_forget(r->agent[a]);
            const char *answer =
                peer_ask(r->agent[a], "context_request", "\"context_id\":\"%s\"", i < 0 ? "main" : r->side[i]);
            const char *line = strstr(r->agent[a]->text, "{\"type\":\"context_snapshot\"");
            add(all, &len, names[a], strlen(names[a]));
            if (!line) {
                add(all, &len, answer_of(answer), strlen(answer_of(answer)));
                continue;
            }
            const char *begin = strstr(line, "\"version\":"), *local = strstr(line, "\"local_memory\"");
            const char *refs = strstr(line, "\"data_refs\":{");
            assert_true(begin && local && refs);
            add(all, &len, begin, (size_t)(local - begin));
            add(all, &len, refs, strcspn(refs, "\n"));
        }
    return all;
}

static void compare(const char *before, const char *after, unsigned seed, const char *how) {
    size_t at = 0;
    while (before[at] != '\0' && before[at] == after[at]) at++;
    if (before[at] == after[at]) return;
    while (at > 0 && before[at - 1] != '\n') at--;
    fail_msg("seed %u, %s:\n before: %.*s\n after: %.*s", seed, how, (int)strcspn(before + at, "\n"), before + at,
             (int)strcspn(after + at, "\n"), after + at);
}

static void restart(unsigned seed, bool with_snapshots, unsigned long *done) {
    kept_log kept = {.no_snapshots = !with_snapshots};
    wsm_log log = kept_log_of(&kept);
    run r = {.seed = seed * 2654435761u};
    enter(&r, &log, 1 + seed % 40, seed % 3 == 0 ? 1 + seed % 5 : 0);
    for (int i = 0; i < STEPS; i++) step(&r);
    int64_t wall = r.world->wall;
    char *before = shown(&r);
    leave(&r); /* like a crash: nothing is said to the log any more */
    enter(&r, &log, 1000, 0);
    assert_true(r.world->wall <= wall);
    char *after = shown(&r);
    compare(before, after, seed, with_snapshots ? "from a snapshot" : "from the records");
    leave(&r);
    *done += r.done;
    free(before);
    free(after);
    kept_log_free(&kept);
}

static void a_hub_that_loads_the_log_shows_the_same(void **state) {
    unsigned long done = 0;
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) restart(seed, seed % 2 == 0, &done);
    assert_true(done > SEEDS * STEPS / 4); /* most commands were more than refusals */
}

/* ---- a time before there was any ---- */

#define SNAPSHOTS 16

typedef struct shelf { /* every snapshot that was made */
    kept_log log;
    wsm_log under;
    kept_log made[SNAPSHOTS];
    int count;
} shelf;

static int shelve(void *user, uint64_t offset, const void *bytes, size_t len) {
    shelf *s = user;
    if (s->count < SNAPSHOTS) {
        kept_log *made = &s->made[s->count++];
        *made = (kept_log){.snapshot = malloc(len), .snapshot_len = len, .snapshot_offset = offset};
        made->records = calloc(offset, sizeof *made->records); /* not to be delivered */
        assert_true(made->snapshot && made->records);
        made->count = made->cap = offset;
        memcpy(made->snapshot, bytes, len);
    }
    return 0;
}

/* Found by fuzzing: anybody could say a time before 1970, and a snapshot that was made before the sidebar went on could
 * not be read any more, nor the log with it. */
static void a_time_long_past_to_resume_at_spoils_no_snapshot(void **state) {
    static shelf s;
    static run r;
    char id[SIDE_ID];
    (void)state;
    wsm_log log = kept_log_of(&s.log);
    log.save = shelve; /* the log is the first in the shelf */
    enter(&r, &log, 1, 0);
    side_spawn(r.agent[0], "\"bob\"", "", id);
    assert_string_equal(answer_of(peer_ask(r.agent[0], "sidebar_pause",
                                           "\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":{\"time\":"
                                           "\"1960-01-01T00:00:00Z\"}",
                                           id)),
                        "ack");
    world_run(r.world, 100);
    assert_int_equal(peer_count(r.agent[1], "\"type\":\"sidebar_resume\""), 1);
    leave(&r);

    assert_in_range(s.count, 3, SNAPSHOTS - 1);
    for (int i = 0; i < s.count; i++) {
        wsm_log again = kept_log_of(&s.made[i]);
        enter(&r, &again, 0, 0);
        assert_int_equal(r.world->ready, 1);
        assert_int_equal(r.world->ready_err, 0);
        leave(&r);
        kept_log_free(&s.made[i]);
    }
    kept_log_free(&s.log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hub_that_loads_the_log_shows_the_same),
        cmocka_unit_test(a_time_long_past_to_resume_at_spoils_no_snapshot),
    };
    return cmocka_run_group_tests_name("sidebar/restart", tests, NULL, NULL);
}
