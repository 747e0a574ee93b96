/* Sidebars and what has left memory: a resume brings what names its reader, and what memory still holds, wherever the
 * store begins; and a log that refuses is not asked for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hub_world.h"
#include "kept_log.h"

#define MS    UINT64_C(1)
#define ID_OF 32

typedef struct room {
    hub_world w;
    kept_log kept;
    wsm_log log;
    unsigned next;
    char side[ID_OF];
    char epoch[17];
} room;

static int refuse(void *user, uint64_t id, uint64_t from, uint64_t to, size_t records, size_t bytes) {
    (void)user, (void)id, (void)from, (void)to, (void)records, (void)bytes;
    return WSM_ERR_BUSY;
}

static void open_room(room *r, uint32_t history_records_max) {
    memset(r, 0, sizeof *r);
    r->log = kept_log_of(&r->kept);
    world_init(&r->w);
    r->w.config.history_records_max = history_records_max;
    assert_int_equal(world_start(&r->w, &r->log), 0);
    world_run(&r->w, 5 * MS);
}

static void close_room(room *r) {
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
    kept_log_free(&r->kept);
}

static peer *join(room *r, const char *name, wsm_permission permission, uint64_t after) {
    peer *p = world_join(&r->w, name, permission, after ? r->epoch : NULL, after);
    world_run(&r->w, 5 * MS);
    return p;
}

static uint64_t head(room *r) {
    return wsm_hub_position(r->w.hub, r->epoch);
}

/* Says it, %s being the sidebar, and must be acknowledged. */
static void say(room *r, peer *p, const char *format) {
    char id[64], fields[1024], text[1200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(fields, sizeof fields, format, r->side);
#pragma GCC diagnostic pop
    snprintf(id, sizeof id, "0190c000-0000-7000-8000-%012u", ++r->next);
    snprintf(text, sizeof text, "{\"message_id\":\"%s\",%s}", id, fields);
    assert_int_equal(peer_say(p, "%s", text), 0);
    world_run(&r->w, 5 * MS);
    snprintf(text, sizeof text, "\"original_message_id\":\"%s\"", id);
    const char *answer = peer_last(p, text);
    if (!answer || !strstr(answer, "\"type\":\"ack\"")) fail_msg("%s", answer ? answer : "no answer");
    const char *minted = strstr(answer, "\"sidebar_id\":\"");
    if (minted) memcpy(r->side, minted + 14, 25);
}

static void spawn(room *r, peer *p) {
    say(r, p, "\"type\":\"sidebar_spawn\",\"task_description\":\"look\",\"participants\":[]");
}

static void say_some(room *r, peer *p, int count, const char *what) {
    for (int i = 0; i < count; i++) say(r, p, what);
}

#define INTO    "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":"
#define INSIDE  INTO "\"inside\""
#define IN_MAIN "\"type\":\"memory_update\",\"exchange\":\"in main\""

static void an_invitation_that_has_left_memory_is_found_by_a_resume(void **state) {
    (void)state;
    room r;
    open_room(&r, 4);
    peer *ada = join(&r, "ada", WSM_PERMISSION_ACTIVE, 0), *dan = join(&r, "dan", WSM_PERMISSION_ACTIVE, 0);
    uint64_t before = head(&r);
    peer_leave(dan);
    spawn(&r, ada);
    say(&r, ada, "\"type\":\"sidebar_invite\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"]");
    say_some(&r, ada, 10, INSIDE);
    dan = join(&r, "dan", WSM_PERMISSION_ACTIVE, before);
    assert_non_null(peer_last(dan, "sidebar_invite"));
    assert_null(peer_last(dan, "inside"));
    close_room(&r);
}

static void who_is_not_known_is_let_into_no_history(void **state) {
    (void)state;
    room r;
    open_room(&r, 1000);
    peer *ada = join(&r, "ada", WSM_PERMISSION_ACTIVE, 0);
    uint64_t before = head(&r);
    spawn(&r, ada);
    say(&r, ada, "\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\"");
    peer *observer = join(&r, "olga", WSM_PERMISSION_OBSERVER, before); /* the log has no card of her */
    assert_non_null(peer_last(observer, "sidebar_merge"));
    const char *bounds = peer_last(observer, "replay_start");
    assert_non_null(bounds);
    assert_null(strstr(bounds, "context_id"));
    close_room(&r);
}

static void what_memory_holds_is_sent_where_the_store_has_a_hole(void **state) {
    (void)state;
    room r;
    open_room(&r, 3);
    peer *ada = join(&r, "ada", WSM_PERMISSION_ACTIVE, 0);
    spawn(&r, ada);
    uint64_t before = head(&r);
    say(&r, ada, INSIDE); /* the newest of the sidebar: memory keeps it */
    say_some(&r, ada, 10, IN_MAIN);
    peer_leave(ada);
    r.kept.trimmed = before + 4; /* the store has let it go */
    ada = join(&r, "ada", WSM_PERMISSION_ACTIVE, before);
    assert_non_null(peer_last(ada, "inside"));
    assert_non_null(peer_last(ada, "trimmed"));
    close_room(&r);
}

static void a_log_that_refuses_reads_is_not_asked_for_ever(void **state) {
    (void)state;
    room r;
    memset(&r, 0, sizeof r);
    r.log = kept_log_of(&r.kept);
    r.log.read = refuse;
    world_init(&r.w);
    r.w.config.history_records_max = 2;
    assert_int_equal(world_start(&r.w, &r.log), 0);
    world_run(&r.w, 5 * MS);
    peer *ada = join(&r, "ada", WSM_PERMISSION_ACTIVE, 0), *dan = join(&r, "dan", WSM_PERMISSION_ACTIVE, 0);
    peer_leave(dan);
    say(&r, ada, "\"type\":\"sidebar_spawn\",\"task_description\":\"look\",\"participants\":[\"dan\"]");
    say_some(&r, ada, 5, INSIDE); /* the spawn, a delivery for dan, leaves memory */
    alarm(20);
    dan = join(&r, "dan", WSM_PERMISSION_ACTIVE, 0);
    alarm(0);
    assert_non_null(peer_last(dan, "welcome"));
    close_room(&r);
}

static const char *place(const peer *p, const char *part) {
    const char *at = strstr(p->text, part);
    if (!at) fail_msg("%s is missing in %s", part, p->text);
    return at;
}

/* His joining waits in the lane of the background, where others may go first; what it begins does not. */
static void a_joining_of_the_background_comes_before_the_history_and_what_follows(void **state) {
    (void)state;
    room r;
    open_room(&r, 1000);
    peer *ada = join(&r, "ada", WSM_PERMISSION_ACTIVE, 0), *dan = join(&r, "dan", WSM_PERMISSION_ACTIVE, 0);
    spawn(&r, ada);
    say(&r, ada, INTO "\"before\"");
    say(&r, ada, "\"type\":\"sidebar_invite\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"],\"history\":\"all\"");
    peer_forget(dan);
    dan->stalled = 1;
    say(&r, ada, "\"type\":\"memory_update\",\"priority\":\"background\",\"exchange\":\"earlier\"");
    peer_say(dan, "{\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\",\"history\":\"all\",\"priority\":\"background\"}",
             r.side);
    world_run(&r.w, 5 * MS);
    say(&r, ada, INTO "\"after\",\"priority\":\"background\"");
    dan->stalled = 0;
    peer_drain(dan);
    world_run(&r.w, 5 * MS);
    static const char *const order[] = {"earlier",    "\"sidebar_join\"", "\"replay_start\"",
                                        "\"before\"", "\"replay_end\"",   "\"after\""};
    for (size_t i = 1; i < sizeof order / sizeof *order; i++)
        if (place(dan, order[i]) < place(dan, order[i - 1])) fail_msg("%s comes too early in %s", order[i], dan->text);
    close_room(&r);
}

/* What came before the sidebar is nothing of it: it is neither read nor paid for. */
static void a_history_reads_the_store_from_the_birth_of_its_sidebar_on(void **state) {
    (void)state;
    room r;
    open_room(&r, 4);
    peer *ada = join(&r, "ada", WSM_PERMISSION_ACTIVE, 0), *dan = join(&r, "dan", WSM_PERMISSION_ACTIVE, 0);
    say_some(&r, ada, 40, IN_MAIN);
    spawn(&r, ada);
    uint64_t born = head(&r);
    say_some(&r, ada, 10, INSIDE);
    say(&r, ada, "\"type\":\"sidebar_invite\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"],\"history\":\"all\"");
    uint64_t joined = head(&r) + 1;
    r.kept.records_read = 0;
    say(&r, dan, "\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\",\"history\":\"all\"");
    assert_int_equal(peer_count(dan, "\"inside\""), 10);
    assert_int_equal(peer_count(dan, "sidebar_spawn"), 1);
    assert_in_range(r.kept.records_read, 1, joined - born);
    close_room(&r);
}

/* His joining still waited for him when he was removed, and has gone with what he may not read any more. */
static void who_is_removed_before_his_joining_has_gone_out_is_told_of_no_history(void **state) {
    (void)state;
    room r;
    open_room(&r, 1000);
    peer *ada = join(&r, "ada", WSM_PERMISSION_ACTIVE, 0), *dan = join(&r, "dan", WSM_PERMISSION_ACTIVE, 0);
    spawn(&r, ada);
    say(&r, ada, INTO "\"before\"");
    say(&r, ada, "\"type\":\"sidebar_invite\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"],\"history\":\"all\"");
    peer_forget(dan);
    dan->stalled = 1;
    peer_say(dan, "{\"type\":\"sidebar_join\",\"sidebar_id\":\"%s\",\"history\":\"all\"}", r.side);
    world_run(&r.w, 5 * MS);
    say(&r, ada, "\"type\":\"sidebar_remove\",\"sidebar_id\":\"%s\",\"agent_ids\":[\"dan\"]");
    dan->stalled = 0;
    peer_drain(dan);
    world_run(&r.w, 5 * MS);
    place(dan, "\"sidebar_remove\"");
    assert_null(peer_last(dan, "\"sidebar_join\""));
    assert_null(peer_last(dan, "before"));
    assert_null(peer_last(dan, "replay_start"));
    assert_null(peer_last(dan, "replay_end"));
    close_room(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invitation_that_has_left_memory_is_found_by_a_resume),
        cmocka_unit_test(who_is_not_known_is_let_into_no_history),
        cmocka_unit_test(what_memory_holds_is_sent_where_the_store_has_a_hole),
        cmocka_unit_test(a_joining_of_the_background_comes_before_the_history_and_what_follows),
        cmocka_unit_test(a_history_reads_the_store_from_the_birth_of_its_sidebar_on),
        cmocka_unit_test(who_is_removed_before_his_joining_has_gone_out_is_told_of_no_history),
        cmocka_unit_test(a_log_that_refuses_reads_is_not_asked_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
