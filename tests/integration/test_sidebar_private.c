/* Non-interference: two runs that differ only in what happens inside a private sidebar give every outsider the same
 * bytes, once offsets and minted ids are renumbered. In the second run the sidebar does not exist at all. Insiders are
 * ada and bob; everything that they do inside takes the same time in both runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "side_talk.h"

#define OUTSIDERS 5
#define NO_SUCH   "sb-AAAAAAAAAAAAAAAAAAAAAA"

typedef struct run {
    hub_world *world;
    bool inside; /* whether the private sidebar is there */
    peer *ada, *bob;
    peer *outsider[OUTSIDERS];
    char id[SIDE_ID], club[SIDE_ID]; /* the private one; an open one of eve's, in which the insiders are too */
    char pair[SIDE_ID];              /* an open one of the insiders alone */
} run;

static void usual(wsm_config *config) {
    (void)config;
}

static void small_mailboxes(wsm_config *config) {
    config->mailbox_messages_max = 3;
}

static void narrow(wsm_config *config) {
    config->sidebar_children_max = config->data_refs_max = 2;
    config->mention_pair_per_min = 2;
}

/* One who may be told how the hub is doing. */
static peer *join_with_status(hub_world *world, const char *name) {
    wsm_claims claims;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){name, strlen(name)};
    claims.exp = world->wall / 1000 + 30 * 86400;
    claims.permission = WSM_PERMISSION_ACTIVE;
    claims.can = WSM_CAN_STATUS;
    return world_join_as(world, &claims, NULL, 0);
}

static void begin_with(run *r, bool inside, void (*set)(wsm_config *config)) {
    *r = (run){.world = calloc(1, sizeof *r->world), .inside = inside};
    assert_non_null(r->world);
    world_init(r->world);
    r->world->config.agent_deliveries_per_s =
        0; /* what insiders may say outside does not depend on what they say inside */
    r->world->config.sidebars_per_creator = r->world->config.sidebars_per_min = 1000;
    set(&r->world->config);
    assert_int_equal(world_start(r->world, NULL), 0);
    r->ada = world_join(r->world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->bob = world_join(r->world, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->outsider[0] = join_with_status(r->world, "eve");
    r->outsider[1] = world_join(r->world, "mal", WSM_PERMISSION_OBSERVER, NULL, 0);
    snprintf(r->id, sizeof r->id, "%s", NO_SUCH);
    world_run(r->world, 10);
    side_spawn(r->outsider[0], "\"ada\",\"bob\"", "", r->club);
    assert_string_not_equal(r->club, "");
}

static void begin(run *r, bool inside) {
    begin_with(r, inside, usual);
}

static void finish(run *r) {
    world_end(r->world);
    assert_int_equal(r->world->mem.live, 0);
    free(r->world);
}

/* What an insider asks inside; without the sidebar only its time passes. */
#define INSIDE(r, who, ...)                                                                                            \
    do {                                                                                                               \
        if ((r)->inside)                                                                                               \
            assert_string_equal(answer_of(peer_ask((who), __VA_ARGS__)), "ack");                                       \
        else                                                                                                           \
            world_run((r)->world, 1);                                                                                  \
    } while (0)

static void spawn_inside(run *r) {
    if (r->inside) {
        side_spawn(r->ada, "\"bob\"", ",\"visibility\":\"private\",\"success_criteria\":\"x\"", r->id);
        assert_string_not_equal(r->id, "");
        assert_string_not_equal(r->id, NO_SUCH);
    } else {
        world_run(r->world, 1);
    }
}

static void work_inside(run *r) {
    const char *id = r->id;
    for (int i = 0; i < 20; i++)
        INSIDE(r, i % 2 ? r->ada : r->bob, "memory_update", "\"context_id\":\"%s\",\"exchange\":%d,\"key\":\"k\"", id,
               i);
    INSIDE(r, r->ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":1,\"priority\":\"critical\"", id);
    INSIDE(r, r->bob, "data_ref", "\"context_id\":\"%s\",\"name\":\"n\",\"value\":[1]", id);
    INSIDE(r, r->bob, "sidebar_test_result",
           "\"sidebar_id\":\"%s\",\"test_description\":\"t\",\"result\":\"passed\",\"findings\":\"f\"", id);
    INSIDE(r, r->ada, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":\"later\"", id);
    INSIDE(r, r->ada, "sidebar_resume", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", id);
    INSIDE(r, r->bob, "sidebar_waiting_update",
           "\"sidebar_id\":\"%s\",\"waiting_for\":\"human_input\",\"description\":\"d\"", id);
    INSIDE(r, r->ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"active\"", id);
    INSIDE(r, r->ada, "sidebar_child_spawn",
           "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[\"bob\"],"
           "\"visibility\":\"private\"",
           id);
    INSIDE(r, r->ada, "mention_route",
           "\"sidebar_id\":\"%s\",\"target_agents\":[\"bob\"],\"message\":\"m\",\"priority\":\"urgent\"", id);
}

static void live(run *r) {
    peer *p = r->outsider[0];
    peer_ask(p, "memory_update", "\"exchange\":1,\"key\":\"k\"");
    peer_ask(p, "agent_list", "%s", "");
    peer_ask(p, "mention_route", "\"target_agents\":[\"bob\",\"ada\"],\"message\":\"m\"");
    peer_ask(p, "context_request", "%s", "\"context_id\":\"main\"");
    peer_ask(p, "context_request", "\"context_id\":\"%s\"", r->club);
    peer_ask(p, "memory_update", "\"context_id\":\"%s\",\"exchange\":1", r->club);
    peer_ask(r->outsider[1], "agent_list", "%s", "");
    peer_ask(r->outsider[1], "context_request", "%s", "\"context_id\":\"main\"");
}

/* What is private under a sidebar that outsiders share. */
static void work_below_the_club(run *r, bool is_left_alive) {
    char child[SIDE_ID] = NO_SUCH;
    if (r->inside) {
        const char *answer = peer_ask(r->ada, "sidebar_child_spawn",
                                      "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\","
                                      "\"assigned_agents\":[\"bob\"],\"visibility\":\"private\"",
                                      r->club);
        snprintf(child, sizeof child, "%s", line_get(answer, "result.sidebar_id"));
        assert_string_not_equal(child, "");
    } else {
        world_run(r->world, 1);
    }
    INSIDE(r, r->bob, "memory_update", "\"context_id\":\"%s\",\"exchange\":1", child);
    live(r);
    if (!is_left_alive)
        INSIDE(r, r->ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"r\"",
               child);
    live(r);
}

static void end_inside(run *r) {
    INSIDE(r, r->ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"r\"",
           r->id);
    INSIDE(r, r->ada, "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"r\"", r->id);
}

/* Everything that an outsider could try on an id that he has guessed. */
static void pry(run *r, peer *p) {
    const char *id = r->id;
    peer_ask(p, "context_request", "\"context_id\":\"%s\"", id);
    peer_ask(p, "memory_update", "\"context_id\":\"%s\",\"exchange\":1", id);
    peer_ask(p, "data_ref", "\"context_id\":\"%s\",\"name\":\"n\",\"value\":1", id);
    peer_ask(p, "memory_archived", "\"context_id\":\"%s\",\"subject\":\"s\",\"tier\":\"episodic\"", id);
    peer_ask(p, "sidebar_join", "\"sidebar_id\":\"%s\"", id);
    peer_ask(p, "sidebar_join", "\"sidebar_id\":\"%s\",\"history\":\"all\"", id);
    peer_ask(p, "sidebar_leave", "\"sidebar_id\":\"%s\"", id);
    peer_ask(p, "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"eve\"]", id);
    peer_ask(p, "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]", id);
    peer_ask(p, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"testing\"", id);
    peer_ask(p, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"testing\",\"if_version\":7", id);
    peer_ask(p, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", id);
    peer_ask(p, "sidebar_resume", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", id);
    peer_ask(p, "sidebar_merge", "\"sidebar_id\":\"%s\"", id);
    peer_ask(p, "sidebar_merge_decision", "\"sidebar_id\":\"%s\",\"accept\":\"all\"", id);
    peer_ask(p, "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"r\"", id);
    peer_ask(p, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\"", id);
    peer_ask(p, "sidebar_child_spawn",
             "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[]", id);
    peer_ask(p, "sidebar_spawn", "\"parent_id\":\"%s\",\"participants\":[],\"task\":\"t\"", id);
    peer_ask(p, "sidebar_spawn", "\"parent_id\":\"%s\",\"participants\":[],\"task\":\"t\",\"dry_run\":true", id);
    peer_ask(p, "sidebar_test_result",
             "\"sidebar_id\":\"%s\",\"test_description\":\"t\",\"result\":\"passed\",\"findings\":\"f\"", id);
    peer_ask(p, "sidebar_waiting_update",
             "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"d\"", id);
    peer_ask(p, "mention_route", "\"sidebar_id\":\"%s\",\"target_agents\":[\"ada\"],\"message\":\"m\"", id);
    peer_ask(p, "agent_presence", "\"status\":\"working\",\"current_context\":\"%s\"", id);
    peer_ask(p, "agent_list", "\"filter\":{\"context\":\"%s\"}", id);
}

/* The same through a sidebar of his own: what he may say about others. */
static void pry_from_own(run *r, peer *p) {
    const char *id = r->id;
    char own[SIDE_ID], refs[400];
    side_spawn(p, "", "", own);
    snprintf(refs, sizeof refs, ",\"cross_sidebar_refs\":[\"%s\"]", id);
    char other[SIDE_ID];
    side_spawn(p, "", refs, other);
    peer_ask(
        p, "sidebar_waiting_update",
        "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"d\",\"dependency_refs\":[\"%s\"]",
        own, id);
    peer_ask(p, "context_request", "\"context_id\":\"%s\"", own);
    peer_ask(p, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"active\"", own);
    peer_ask(p, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":{\"sidebar\":\"%s\"}",
             own, id);
    peer_ask(p, "context_request", "\"context_id\":\"%s\"", own);
}

/* One whole run; what each outsider was sent is left in `told`. */
static void play(bool inside, char *told[OUTSIDERS]) {
    run r;
    char epoch[17];
    begin(&r, inside);
    live(&r);
    spawn_inside(&r);
    live(&r);
    uint64_t early = 3;
    work_inside(&r);
    pry(&r, r.outsider[0]);
    pry(&r, r.outsider[1]);
    pry_from_own(&r, r.outsider[0]);
    world_run(r.world, 2000);
    live(&r);
    wsm_hub_position(r.world->hub, epoch);
    r.outsider[2] = world_join(r.world, "oli", WSM_PERMISSION_ACTIVE, NULL, 0);      /* a new one */
    r.outsider[3] = world_join(r.world, "pat", WSM_PERMISSION_ACTIVE, epoch, early); /* one who comes back */
    live(&r);
    work_inside(&r);
    work_below_the_club(&r, false);
    work_below_the_club(&r, true);
    world_run(r.world, 30000);
    for (int i = 0; i < 5; i++) { /* only inside does anything happen */
        INSIDE(&r, r.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":%d", r.id, i);
        world_run(r.world, 3000);
    }
    pry(&r, r.outsider[0]);
    end_inside(&r);
    live(&r);
    pry(&r, r.outsider[0]);
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "sidebar_merge", "\"sidebar_id\":\"%s\"", r.club)), "ack");
    world_run(r.world, UINT64_C(90000) * 1000); /* a day and an hour: idle sidebars are warned */
    live(&r);
    r.outsider[4] = world_join(r.world, "tim", WSM_PERMISSION_ACTIVE, epoch, early);
    pry(&r, r.outsider[4]);
    for (int i = 0; i < OUTSIDERS; i++) told[i] = peer_transcript(r.outsider[i], NULL);
    finish(&r);
}

static void compare(const char *a, const char *b, int outsider) {
    size_t line = 1, at = 0;
    while (a[at] != '\0' && a[at] == b[at]) line += a[at++] == '\n';
    if (a[at] == b[at]) return;
    while (at > 0 && a[at - 1] != '\n') at--;
    fail_msg("outsider %d, line %zu:\n with: %.*s\n without: %.*s", outsider, line, (int)strcspn(a + at, "\n"), a + at,
             (int)strcspn(b + at, "\n"), b + at);
}

static void outsiders_cannot_tell_whether_a_private_sidebar_exists(void **state) {
    char *with[OUTSIDERS], *without[OUTSIDERS];
    (void)state;
    play(true, with);
    play(false, without);
    for (int i = 0; i < OUTSIDERS; i++) {
        assert_true(strlen(with[i]) > 1000);
        compare(with[i], without[i], i);
    }
    for (int i = 0; i < OUTSIDERS; i++) free(with[i]), free(without[i]);
}

/* ---- at random ------------------------------------------------------------------------------------------------------
 */

static unsigned dice(unsigned *seed, unsigned sides) {
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % sides;
}

/* One thing that insiders do inside, or its time. Refusals are as good as anything here. */
static void step_inside(run *r, unsigned *seed) {
    static const char *const words[] = {"active", "testing", "reviewing", "consolidating", "waiting", "spawning_child"};
    peer *by = dice(seed, 2) ? r->ada : r->bob;
    unsigned what = dice(seed, 14), word = dice(seed, 6);
    const char *id = r->id;
    if (!r->inside) {
        world_run(r->world, 1);
        return;
    }
    switch (what) {
    case 0: peer_ask(by, "data_ref", "\"context_id\":\"%s\",\"name\":\"n\",\"value\":%u", id, word); break;
    case 1:
        peer_ask(by, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":{\"key\":\"k\"}",
                 id);
        break;
    case 2: peer_ask(by, "sidebar_resume", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", id); break;
    case 3:
        peer_ask(by, "sidebar_waiting_update",
                 "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"d\",\"dependency_refs\":["
                 "\"%s\"]",
                 id, r->club);
        break;
    case 4: peer_ask(by, "sidebar_leave", "\"sidebar_id\":\"%s\"", id); break;
    case 5:
        peer_ask(by, "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"ada\",\"bob\"],\"history\":\"all\"", id);
        break;
    case 6: peer_ask(by, "sidebar_join", "\"sidebar_id\":\"%s\",\"history\":\"all\"", id); break;
    case 7: peer_ask(by, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\"", id); break;
    case 8:
        peer_ask(by, "sidebar_spawn",
                 "\"participants\":[\"ada\",\"bob\"],\"task\":\"t\",\"visibility\":\"private\",\"parent_id\":\"%s\","
                 "\"cross_sidebar_refs\":[\"%s\"]",
                 dice(seed, 2) ? id : r->club, r->club);
        break;
    case 9: peer_ask(by, "context_request", "\"context_id\":\"%s\"", id); break;
    case 10: peer_ask(by, "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]", id); break;
    case 11:
        peer_ask(by, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"%s\",\"reason\":\"r\"", id,
                 words[word]);
        break;
    default: peer_ask(by, "memory_update", "\"context_id\":\"%s\",\"exchange\":%u,\"key\":\"k\"", id, what); break;
    }
}

/* One thing that happens where outsiders see it; the insiders take part in it. */
static void step_outside(run *r, unsigned *seed) {
    peer *all[] = {r->outsider[0], r->outsider[2], r->ada, r->bob};
    peer *by = all[dice(seed, 4)], *eve = r->outsider[0];
    const char *target = by == r->ada || by == r->bob ? r->club : dice(seed, 2) ? r->id : r->club;
    switch (dice(seed, 18)) {
    case 15: /* an insider says what it works on, which is for all to hear */
        peer_ask(r->ada, "agent_presence",
                 "\"status\":\"working\",\"current_context\":\"%s\",\"active_sidebars\":[\"%s\",\"%s\"]", r->id,
                 r->club, r->id);
        break;
    case 16: peer_ask(r->ada, "agent_presence", "\"status\":\"idle\",\"current_context\":\"main\""); break;
    case 13: /* an insider would name it where outsiders read */
        peer_ask(r->ada, "sidebar_spawn", "\"participants\":[\"eve\"],\"task\":\"t\",\"cross_sidebar_refs\":[\"%s\"]",
                 r->id);
        break;
    case 14:
        peer_ask(r->bob, "sidebar_waiting_update",
                 "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"d\",\"dependency_refs\":["
                 "\"%s\"]",
                 r->club, r->id);
        break;
    case 0: peer_ask(by, "data_ref", "\"context_id\":\"%s\",\"name\":\"n\",\"value\":1", target); break;
    case 1: peer_ask(eve, "context_request", "\"context_id\":\"%s\"", r->club); break;
    case 2: peer_ask(by, "agent_list", "%s", ""); break;
    case 3:
        peer_ask(eve, "sidebar_pause",
                 "\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":{\"sidebar\":\"%s\"}", r->club, target);
        break;
    case 4: peer_ask(eve, "sidebar_resume", "\"sidebar_id\":\"%s\",\"reason\":\"r\"", r->club); break;
    case 5:
        peer_ask(eve, "sidebar_spawn", "\"participants\":[\"ada\"],\"task\":\"t\",\"cross_sidebar_refs\":[\"%s\"]",
                 target);
        break;
    case 6: peer_ask(eve, "sidebar_join", "\"sidebar_id\":\"%s\"", target); break;
    case 7: peer_ask(by, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\"", target); break;
    case 8: peer_ask(by, "agent_presence", "\"status\":\"working\",\"note\":\"n\""); break;
    case 9: peer_ask(by, "mention_route", "\"target_agents\":[\"ada\",\"eve\"],\"message\":\"m\""); break;
    case 10: world_run(r->world, 1 + dice(seed, 20000)); break;
    case 11: peer_ask(eve, "context_request", "%s", "\"context_id\":\"main\""); break;
    case 12: peer_ask(by, "memory_update", "\"context_id\":\"%s\",\"exchange\":2", target); break;
    default: peer_ask(by, "memory_update", "\"exchange\":1,\"key\":\"k\""); break;
    }
}

/* The insiders name a private one where they are among themselves, and then let eve in on what they have there: she
 * is shown nothing of it, and what she is told of how much there is must not count it either. */
static void hand_down(run *r, unsigned *inner, unsigned *outer) {
    char fork[SIDE_ID], secret[SIDE_ID];
    static const char *const modes[] = {"\"all\"", "\"last_n\",\"n\":2", "\"last_n\",\"n\":1", "\"last_n\",\"n\":50"};
    peer *eve = r->outsider[0];
    if (r->inside)
        side_spawn(r->ada, "\"bob\"", ",\"visibility\":\"private\"", secret);
    else
        world_run(r->world, 1);
    for (unsigned i = 0; i < 3; i++) {
        if (r->inside && dice(inner, 2))
            peer_ask(dice(inner, 2) ? r->ada : r->bob, "sidebar_waiting_update",
                     "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"d\",\"dependency_"
                     "refs\":[\"%s\"]",
                     r->pair, secret);
        else
            world_run(r->world, 1);
        peer_ask(r->bob, "memory_update", "\"context_id\":\"%s\",\"exchange\":%u", r->pair, i);
    }
    const char *answer = peer_ask(r->ada, "sidebar_fork",
                                  "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\",\"participants\":"
                                  "[\"ada\",\"bob\",\"eve\"]",
                                  r->pair);
    snprintf(fork, sizeof fork, "%s", line_get(answer, "result.sidebar_id"));
    assert_string_not_equal(fork, "");
    peer_ask(eve, "context_request", "\"context_id\":\"%s\"", fork);
    peer_ask(eve, "context_request", "\"context_id\":\"%s\",\"records\":{\"of\":\"%s\"}", fork, r->pair);
    for (int i = 0; i < 2; i++) { /* what it would be, and what it is */
        peer_ask(i ? eve : r->ada, "sidebar_child_spawn",
                 "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[\"eve\"],"
                 "\"inherit\":{\"mode\":%s}",
                 fork, modes[dice(outer, 4)]);
        peer_ask(eve, "sidebar_child_spawn",
                 "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[],"
                 "\"dry_run\":true,\"inherit\":{\"mode\":%s}",
                 fork, modes[dice(outer, 4)]);
    }
}

static void play_at_random(bool inside, unsigned seed, char *told[OUTSIDERS]) {
    run r;
    char epoch[17];
    begin(&r, inside);
    r.outsider[2] = world_join(r.world, "oli", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(r.world, 10);
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "system_status", "\"interval_s\":3")), "ack");
    spawn_inside(&r);
    side_spawn(r.ada, "\"bob\"", "", r.pair);
    for (int i = 0; i < 60; i++) {
        unsigned inner = seed + (unsigned)i,
                 outer = seed + 7919u * (unsigned)i; /* one's dice do not move the other's */
        step_inside(&r, &inner);
        step_outside(&r, &outer);
        if (dice(&outer, 8) == 0) peer_ask(r.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":1", r.pair);
    }
    unsigned within = seed + 17u, without = seed + 71u;
    hand_down(&r, &within, &without);
    wsm_hub_position(r.world->hub, epoch);
    r.outsider[3] = world_join(r.world, "pat", WSM_PERMISSION_ACTIVE, epoch, 2);
    r.outsider[4] = world_join(r.world, "tim", WSM_PERMISSION_OBSERVER, epoch, 0);
    world_run(r.world, 3000);
    for (int i = 0; i < OUTSIDERS; i++) {
        told[i] = peer_transcript(r.outsider[i], NULL);
        assert_null(strstr(r.outsider[i]->text, r.id));
    }
    finish(&r);
}

static void nothing_that_is_done_inside_is_heard_outside(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 100; seed++) {
        char *with[OUTSIDERS], *without[OUTSIDERS];
        play_at_random(true, seed * 104729u, with);
        play_at_random(false, seed * 104729u, without);
        for (int i = 0; i < OUTSIDERS; i++) {
            compare(with[i], without[i], i);
            free(with[i]), free(without[i]);
        }
    }
}

/* An answer without what belongs to its question alone. */
static void bare(char *out, size_t cap, const char *answer) {
    snprintf(out, cap, "%s %s %s %s %s %s", line_get(answer, "type"), line_get(answer, "code"),
             line_get(answer, "message"), line_get(answer, "field"), line_get(answer, "retry"),
             line_get(answer, "result"));
}

static void an_id_that_exists_is_answered_like_one_that_does_not(void **state) {
    static const char *const asks[][2] = {
        {"context_request", "\"context_id\":\"%s\""},
        {"memory_update", "\"context_id\":\"%s\",\"exchange\":1"},
        {"data_ref", "\"context_id\":\"%s\",\"name\":\"n\",\"value\":1"},
        {"sidebar_join", "\"sidebar_id\":\"%s\""},
        {"sidebar_leave", "\"sidebar_id\":\"%s\""},
        {"sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"r\""},
        {"sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\""},
        {"sidebar_merge", "\"sidebar_id\":\"%s\""},
        {"mention_route", "\"sidebar_id\":\"%s\",\"target_agents\":[\"ada\"],\"message\":\"m\""},
    };
    (void)state;
    run r;
    begin(&r, true);
    spawn_inside(&r);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        char fields[400], real[1024], unreal[1024];
        size_t calls[3];
        snprintf(fields, sizeof fields, asks[i][1], NO_SUCH);
        peer_ask(r.outsider[0], asks[i][0], "%s", fields); /* what grows once has grown */
        calls[0] = r.world->mem.calls;
        bare(unreal, sizeof unreal, peer_ask(r.outsider[0], asks[i][0], "%s", fields));
        calls[1] = r.world->mem.calls;
        snprintf(fields, sizeof fields, asks[i][1], r.id);
        bare(real, sizeof real, peer_ask(r.outsider[0], asks[i][0], "%s", fields));
        calls[2] = r.world->mem.calls;
        assert_int_equal(calls[2] - calls[1], calls[1] - calls[0]); /* and is the same work */
        assert_non_null(strstr(real, "not_found"));
        assert_string_equal(real, unreal);
    }
    finish(&r);
}

static void what_outsiders_may_call_does_not_depend_on_calls_inside(void **state) {
    static const char *const call = "\"target_agents\":[\"bob\"],\"message\":\"m\"";
    char answers[2][1024];
    (void)state;
    for (int inside = 0; inside < 2; inside++) {
        run r;
        begin(&r, inside != 0);
        spawn_inside(&r);
        for (int i = 0; i < 30; i++) /* as many as a pair may have in a minute, and half of what bob may */
            INSIDE(&r, r.ada, "mention_route", "%s,\"sidebar_id\":\"%s\"", call, r.id);
        for (int i = 0; i < 30; i++) peer_ask(r.outsider[0], "mention_route", "%s", call);
        r.outsider[2] = world_join(r.world, "oli", WSM_PERMISSION_ACTIVE, NULL, 0);
        world_run(r.world, 10);
        for (int i = 0; i < 10; i++) peer_ask(r.outsider[2], "mention_route", "%s", call);
        bare(answers[inside], sizeof answers[inside], peer_ask(r.outsider[2], "mention_route", "%s", call));
        finish(&r);
    }
    assert_string_equal(answers[0], answers[1]);
}

/* Insiders fill what bob holds about the private sidebar, to the brim; outsiders call him all the same, and are told no
 * more and no less than where there is none. */
static void a_mailbox_that_insiders_have_filled_is_not_full_for_outsiders(void **state) {
    static const char *const call = "\"target_agents\":[\"bob\"],\"message\":\"m\"";
    char *told[2];
    (void)state;
    for (int inside = 0; inside < 2; inside++) {
        run r;
        begin_with(&r, inside != 0, small_mailboxes);
        spawn_inside(&r);
        for (int i = 0; i < 2; i++) /* the spawn itself is the first that he has not seen */
            INSIDE(&r, r.ada, "mention_route", "%s,\"sidebar_id\":\"%s\"", call, r.id);
        if (inside)
            assert_string_equal(answer_of(peer_ask(r.ada, "mention_route", "%s,\"sidebar_id\":\"%s\"", call, r.id)),
                                "mailbox_full");
        else
            world_run(r.world, 1);
        for (int i = 0; i < 4; i++) peer_ask(r.outsider[0], "mention_route", "%s", call);
        assert_string_equal(answer_of(peer_ask(r.outsider[0], "mention_route", "%s", call)), "mailbox_full");
        told[inside] = peer_transcript(r.outsider[0], NULL);
        finish(&r);
    }
    compare(told[1], told[0], 0);
    free(told[0]), free(told[1]);
}

/* A circle of waits through a private sidebar: its members are told, and for the others nothing has happened. */
static void a_circle_of_waits_is_told_inside_alone(void **state) {
    char *told[2];
    (void)state;
    for (int inside = 0; inside < 2; inside++) {
        char pair[SIDE_ID];
        const char *wait =
            "\"sidebar_id\":\"%s\",\"waiting_for\":\"%s\",\"description\":\"d\",\"dependency_refs\":[\"%s\"]";
        run r;
        begin(&r, inside != 0);
        spawn_inside(&r);
        side_spawn(r.ada, "\"bob\"", "", pair); /* everybody knows of it, and only insiders belong to it */
        INSIDE(&r, r.bob, "sidebar_waiting_update", wait, r.id, "other_sidebar", pair);
        peer_ask(r.ada, "sidebar_waiting_update", wait, pair, inside ? "other_sidebar" : "human_input", r.id);
        assert_int_equal(peer_count(r.bob, "\"type\":\"deadlock\""), inside);
        live(&r);
        peer_ask(r.outsider[0], "context_request", "\"context_id\":\"%s\"", pair);
        assert_int_equal(peer_count(r.outsider[0], "\"type\":\"deadlock\""), 0);
        told[inside] = peer_transcript(r.outsider[0], NULL);
        finish(&r);
    }
    compare(told[1], told[0], 0);
    free(told[0]), free(told[1]);
}

/* Limits: private children are counted against nobody who may not know of them, and what is said inside takes nothing
 * from what others may say. */
static void limits_that_insiders_have_used_up_are_not_used_up_for_outsiders(void **state) {
    char *told[2];
    (void)state;
    for (int inside = 0; inside < 2; inside++) {
        const char *child =
            "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[\"bob\"]%s";
        run r;
        begin_with(&r, inside != 0, narrow);
        spawn_inside(&r);
        for (int i = 0; i < 2; i++)
            INSIDE(&r, r.ada, "sidebar_child_spawn", child, r.club, ",\"visibility\":\"private\"");
        for (int i = 0; i < 2; i++)
            INSIDE(&r, r.ada, "data_ref", "\"context_id\":\"%s\",\"name\":\"n%d\",\"value\":1", r.id, i);
        for (int i = 0; i < 3; i++) { /* two are taken, the third is refused: in both runs alike */
            peer_ask(r.outsider[0], "sidebar_child_spawn", child, r.club, "");
            peer_ask(r.outsider[0], "data_ref", "\"name\":\"m%d\",\"value\":1", i);
            peer_ask(r.outsider[0], "mention_route", "\"target_agents\":[\"bob\"],\"message\":\"m\"");
        }
        peer_ask(r.outsider[0], "agent_list", "%s", "");
        assert_non_null(peer_last(r.outsider[0], "\"code\":\"limit\""));
        told[inside] = peer_transcript(r.outsider[0], NULL);
        finish(&r);
    }
    compare(told[1], told[0], 0);
    free(told[0]), free(told[1]);
}

/* ---- what the host shows ------------------------------------------------------------------------------------------
 */

typedef struct labels {
    const char *id;
    int lines, named; /* lines of metrics; those that name it */
} labels;

static void look_at_metric(void *user, const wsm_metric *metric) {
    labels *seen = user;
    seen->lines++;
    seen->named += metric->labels && strstr(metric->labels, seen->id) != NULL;
}

static void no_label_of_a_metric_names_a_private_sidebar(void **state) {
    run r;
    (void)state;
    begin(&r, true);
    spawn_inside(&r);
    for (int i = 0; i < 12; i++) { /* enough for a line of its own, if it were an open one */
        char cause[64] = "";
        for (int k = 0; k < 2; k++) {
            const char *of = k ? r.id : r.club;
            const char *answer = peer_ask(r.ada, "mention_route",
                                          "\"target_agents\":[\"bob\"],\"message\":\"m\",\"sidebar_id\":\"%s\"", of);
            snprintf(cause, sizeof cause, "%s", line_get(answer, "original_message_id"));
            peer_ask(r.bob, "mention_route",
                     "\"target_agents\":[\"ada\"],\"message\":\"m\",\"sidebar_id\":\"%s\",\"cause\":\"%s\"", of, cause);
        }
        world_run(r.world, 10000);
    }
    labels secret = {.id = r.id}, open = {.id = r.club};
    wsm_hub_metrics(r.world->hub, look_at_metric, &secret);
    wsm_hub_metrics(r.world->hub, look_at_metric, &open);
    assert_true(secret.lines > 10);
    assert_int_equal(secret.named, 0);
    assert_int_equal(open.named, 1);
    finish(&r);
}

static void two_private_sidebars_do_not_fill_each_others_mailbox(void **state) {
    char other[SIDE_ID];
    run r;
    (void)state;
    begin_with(&r, true, small_mailboxes);
    spawn_inside(&r);
    side_spawn(r.outsider[0], "\"bob\"", ",\"visibility\":\"private\"", other);
    const char *call = "\"target_agents\":[\"bob\"],\"message\":\"m\",\"sidebar_id\":\"%s\"";
    for (int i = 0; i < 4; i++) peer_ask(r.ada, "mention_route", call, r.id);
    assert_string_equal(answer_of(peer_ask(r.ada, "mention_route", call, r.id)), "mailbox_full");
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "mention_route", call, other)), "ack");
    finish(&r);
}

static void a_private_child_outlives_its_parent_and_merges_into_it_all_the_same(void **state) {
    char child[SIDE_ID];
    (void)state;
    run r;
    begin(&r, true);
    const char *answer = peer_ask(r.ada, "sidebar_child_spawn",
                                  "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\","
                                  "\"assigned_agents\":[\"bob\"],\"visibility\":\"private\"",
                                  r.club);
    snprintf(child, sizeof child, "%s", line_get(answer, "result.sidebar_id"));
    const char *merge = "\"sidebar_id\":\"%s\",\"consolidated_findings\":\"f\"";
    assert_string_equal(answer_of(peer_ask(r.ada, "sidebar_merge", merge, r.club)), "conflict"); /* she knows of it */
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "sidebar_merge", merge, r.club)), "ack");
    INSIDE(&r, r.bob, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"late\"", child);
    assert_null(peer_last(r.outsider[0], child));
    assert_string_equal(answer_of(peer_ask(r.ada, "sidebar_merge", merge, child)), "ack");
    const char *told = peer_last(r.outsider[0], "\"type\":\"sidebar_merge\"");
    assert_true(line_is(told, "sidebar_id", child) && line_is(told, "parent_id", r.club));
    finish(&r);
}

/* Two agents know of a private sidebar, and one record of an open one, of theirs alone, names it. */
static void name_inside(run *r, char open[SIDE_ID]) {
    begin(r, true);
    spawn_inside(r);
    side_spawn(r->ada, "\"bob\"", "", open);
    const char *waits = "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"d\","
                        "\"dependency_refs\":[\"%s\"]";
    assert_string_equal(answer_of(peer_ask(r->bob, "sidebar_waiting_update", waits, open, r->id)), "ack");
    assert_non_null(peer_last(r->ada, r->id));
}

static void a_history_that_names_a_private_sidebar_is_for_those_who_know_it(void **state) {
    char open[SIDE_ID];
    run r;
    (void)state;
    name_inside(&r, open);
    const char *invite = "\"sidebar_id\":\"%s\",\"agent_ids\":[\"eve\"],\"history\":\"%s\"";
    assert_string_equal(answer_of(peer_ask(r.ada, "sidebar_invite", invite, open, "all")), "forbidden");
    int err =
        host_ask(r.world, NULL,
                 "{\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"eve\"],\"history\":\"all\"}", open);
    assert_int_equal(err, WSM_ERR_FORBIDDEN);
    assert_string_equal(answer_of(peer_ask(r.ada, "sidebar_invite", invite, open, "since_join")), "ack");
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "sidebar_join", "\"sidebar_id\":\"%s\"", open)), "ack");
    peer_ask(r.outsider[0], "context_request", "\"context_id\":\"%s\"", open);
    peer_ask(r.outsider[0], "context_request", "\"context_id\":\"%s\",\"records\":{}", open);
    assert_null(strstr(r.outsider[0]->text, r.id));
    invite = "\"sidebar_id\":\"%s\",\"agent_ids\":[\"eve\"]"; /* who gets to know it may read it */
    assert_string_equal(answer_of(peer_ask(r.ada, "sidebar_invite", invite, r.id)), "ack");
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "sidebar_leave", "\"sidebar_id\":\"%s\"", open)), "ack");
    invite = "\"sidebar_id\":\"%s\",\"agent_ids\":[\"eve\"],\"history\":\"all\"";
    assert_string_equal(answer_of(peer_ask(r.ada, "sidebar_invite", invite, open)), "ack");
    finish(&r);
}

static void no_private_sidebar_is_named_once_somebody_is_invited_to_read_it(void **state) {
    char open[SIDE_ID];
    run r;
    (void)state;
    begin(&r, true);
    spawn_inside(&r);
    side_spawn(r.ada, "\"bob\"", "", open);
    const char *invite = "\"sidebar_id\":\"%s\",\"agent_ids\":[\"eve\"],\"history\":\"all\"";
    assert_string_equal(answer_of(peer_ask(r.ada, "sidebar_invite", invite, open)), "ack");
    const char *pause = "\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":{\"sidebar\":\"%s\"}";
    assert_string_equal(answer_of(peer_ask(r.bob, "sidebar_pause", pause, open, r.id)), "forbidden");
    assert_string_equal(
        answer_of(peer_ask(r.outsider[0], "sidebar_join", "\"sidebar_id\":\"%s\",\"history\":\"all\"", open)), "ack");
    assert_null(strstr(r.outsider[0]->text, r.id));
    finish(&r);
}

static void who_may_not_read_all_of_a_history_grants_none_of_it(void **state) {
    char open[SIDE_ID];
    run r;
    (void)state;
    begin(&r, true);
    side_spawn(r.ada, "\"bob\"", "", open);
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "sidebar_join", "\"sidebar_id\":\"%s\"", open)), "ack");
    world_join(r.world, "oli", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(r.world, 10);
    const char *invite = "\"sidebar_id\":\"%s\",\"agent_ids\":[\"oli\"],\"history\":\"%s\"";
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "sidebar_invite", invite, open, "all")), "forbidden");
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "sidebar_invite", invite, open, "since_join")), "ack");
    finish(&r);
}

static void what_names_a_private_sidebar_is_not_seen_through_a_view(void **state) {
    char open[SIDE_ID], below[SIDE_ID];
    run r;
    (void)state;
    name_inside(&r, open);
    assert_string_equal(
        answer_of(peer_ask(r.ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"active\"", open)),
        "ack");
    const char *answer = peer_ask(r.ada, "sidebar_child_spawn",
                                  "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\","
                                  "\"assigned_agents\":[\"eve\",\"bob\"]",
                                  open);
    snprintf(below, sizeof below, "%s", line_get(answer, "result.sidebar_id"));
    const char *ask = "\"context_id\":\"%s\",\"records\":{\"of\":\"%s\"}";
    peer_forget(r.bob);
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "context_request", ask, below, open)), "ack");
    assert_non_null(peer_last(r.outsider[0], "sidebar_status_update"));
    assert_null(strstr(r.outsider[0]->text, r.id));
    assert_string_equal(answer_of(peer_ask(r.bob, "context_request", ask, below, open)), "ack");
    assert_non_null(strstr(r.bob->text, r.id)); /* he knows it */
    finish(&r);
}

static unsigned long number_in(const char *line, const char *path) {
    return strtoul(line_get(line, path), NULL, 10);
}

/* How many records a page holds; it is a whole one. */
static unsigned long count_in(const char *page) {
    unsigned long count = 0;
    char path[64];
    assert_true(line_is(page, "more", "false"));
    for (;; count++) {
        snprintf(path, sizeof path, "records.%lu.offset", count);
        if (!*line_get(page, path)) return count;
    }
}

/* What one is told of how much is inherited is what one may read of it, whoever one is. */
static void what_is_counted_is_what_the_asker_may_read(void **state) {
    char open[SIDE_ID], below[SIDE_ID];
    run r;
    (void)state;
    name_inside(&r, open);
    peer *readers[] = {r.bob, r.outsider[0]};
    assert_string_equal(
        answer_of(peer_ask(r.ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"active\"", open)),
        "ack");
    const char *child = "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[\"eve\","
                        "\"bob\"],\"inherit\":{\"mode\":\"all\",\"depth\":1}%s";
    unsigned long would =
        number_in(peer_ask(r.ada, "sidebar_child_spawn", child, open, ",\"dry_run\":true"), "result.records");
    const char *answer = peer_ask(r.ada, "sidebar_child_spawn", child, open, "");
    snprintf(below, sizeof below, "%s", line_get(answer, "result.sidebar_id"));
    assert_int_equal(would, 3);
    assert_int_equal(number_in(answer, "result.records"), 3); /* to her, who knows what one of them names */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            number_in(peer_last(readers[i], "\"type\":\"sidebar_child_spawn\""), "inherited_context.0.records"), 2);
        peer_ask(readers[i], "context_request", "\"context_id\":\"%s\"", below);
        const char *snapshot = peer_last(readers[i], "\"type\":\"context_snapshot\"");
        unsigned long told = number_in(snapshot, "context.inherited_memory.0.records");
        assert_int_equal(told, i == 0 ? 3 : 2);
        peer_ask(readers[i], "context_request", "\"context_id\":\"%s\",\"records\":{\"of\":\"%s\"}", below, open);
        assert_int_equal(count_in(peer_last(readers[i], "\"type\":\"context_records\"")), told);
    }
    finish(&r);
}

/* The record that begins a fork names what it was forked from. */
static void what_a_fork_was_made_of_is_not_seen_through_a_view(void **state) {
    char fork[SIDE_ID], below[SIDE_ID];
    run r;
    (void)state;
    begin(&r, true);
    spawn_inside(&r);
    const char *answer = peer_ask(r.ada, "sidebar_fork",
                                  "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"f\","
                                  "\"participants\":[\"ada\",\"bob\"]",
                                  r.id);
    snprintf(fork, sizeof fork, "%s", line_get(answer, "result.sidebar_id"));
    answer = peer_ask(r.ada, "sidebar_child_spawn",
                      "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"inherit\":{\"mode\":\"all\","
                      "\"depth\":1},\"assigned_agents\":[\"eve\",\"bob\"]",
                      fork);
    snprintf(below, sizeof below, "%s", line_get(answer, "result.sidebar_id"));
    const char *ask = "\"context_id\":\"%s\",\"records\":{\"of\":\"%s\"}";
    peer_forget(r.bob);
    assert_string_equal(answer_of(peer_ask(r.outsider[0], "context_request", ask, below, fork)), "ack");
    assert_null(strstr(r.outsider[0]->text, r.id));
    assert_string_equal(answer_of(peer_ask(r.bob, "context_request", ask, below, fork)), "ack");
    assert_non_null(strstr(r.bob->text, r.id)); /* he knows it */
    finish(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outsiders_cannot_tell_whether_a_private_sidebar_exists),
        cmocka_unit_test(nothing_that_is_done_inside_is_heard_outside),
        cmocka_unit_test(what_outsiders_may_call_does_not_depend_on_calls_inside),
        cmocka_unit_test(a_circle_of_waits_is_told_inside_alone),
        cmocka_unit_test(limits_that_insiders_have_used_up_are_not_used_up_for_outsiders),
        cmocka_unit_test(no_label_of_a_metric_names_a_private_sidebar),
        cmocka_unit_test(a_mailbox_that_insiders_have_filled_is_not_full_for_outsiders),
        cmocka_unit_test(two_private_sidebars_do_not_fill_each_others_mailbox),
        cmocka_unit_test(a_private_child_outlives_its_parent_and_merges_into_it_all_the_same),
        cmocka_unit_test(an_id_that_exists_is_answered_like_one_that_does_not),
        cmocka_unit_test(a_history_that_names_a_private_sidebar_is_for_those_who_know_it),
        cmocka_unit_test(no_private_sidebar_is_named_once_somebody_is_invited_to_read_it),
        cmocka_unit_test(who_may_not_read_all_of_a_history_grants_none_of_it),
        cmocka_unit_test(what_names_a_private_sidebar_is_not_seen_through_a_view),
        cmocka_unit_test(what_is_counted_is_what_the_asker_may_read),
        cmocka_unit_test(what_a_fork_was_made_of_is_not_seen_through_a_view),
    };
    return cmocka_run_group_tests_name("sidebar/private", tests, NULL, NULL);
}
