/* Sidebars and a log that keeps what it said it had lost: a failed append leaves the outcome open, so a record may come
 * after commands that were checked without it. What was made from the state before it is void, and its sender is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "side_talk.h"
#include "slow_log.h"

typedef struct room {
    hub_world w;
    slow_log slow;
    wsm_log log;
    peer *ada, *bob;
    char side[SIDE_ID];
} room;

static void enter_room(room *r) {
    world_init(&r->w);
    assert_int_equal(world_start(&r->w, &r->log), 0);
    r->ada = world_join(&r->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->bob = world_join(&r->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r->w, 5);
}

static void open_room(room *r) {
    memset(r, 0, sizeof *r);
    r->log = slow_log_of(&r->slow);
    enter_room(r);
}

static void close_room(room *r) {
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
}

/* Says it; the log holds its record back. Returns the number of the append. */
static int say(room *r, peer *p, const char *fields) {
    int idx = r->slow.count;
    assert_int_equal(peer_say(p, "{\"message_id\":\"0190c000-0000-7000-8000-%012d\",%s}", idx, fields), 0);
    world_run(&r->w, 5);
    assert_int_equal(r->slow.count, idx + 1);
    return idx;
}

static void lose(room *r, int idx) {
    assert_int_equal(wsm_log_done(r->slow.hub, r->slow.ids[idx], WSM_ERR_STORE_FAILED), 0);
    world_run(&r->w, 5);
}

static void deliver(room *r, int idx) {
    slow_log_deliver(&r->slow, idx);
    world_run(&r->w, 5);
}

static void keep(room *r, int idx) {
    slow_log_deliver(&r->slow, idx);
    assert_int_equal(wsm_log_done(r->slow.hub, r->slow.ids[idx], WSM_LOG_SYNCED), 0);
    world_run(&r->w, 5);
}

/* The answer to what was said with the append `idx`. */
static const char *answer_to(const peer *p, int idx) {
    char part[80];
    snprintf(part, sizeof part, "\"original_message_id\":\"0190c000-0000-7000-8000-%012d\"", idx);
    const char *line = peer_last(p, part);
    return line ? line : "";
}

static const char *seen(room *r, const char *side, const char *name) {
    char path[64];
    peer_forget(r->ada);
    peer_ask(r->ada, "context_request", "\"context_id\":\"%s\"", side);
    snprintf(path, sizeof path, "context.data_refs.%s.value", name);
    return line_get(peer_last(r->ada, "\"type\":\"context_snapshot\""), path);
}

#define SPAWN "\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[]"
#define SET_1 "\"type\":\"data_ref\",\"name\":\"n\",\"value\":1"
#define SET_2 "\"type\":\"data_ref\",\"name\":\"n\",\"value\":2"

static void spawned(room *r, int idx) {
    snprintf(r->side, sizeof r->side, "%s", line_get(answer_to(r->ada, idx), "result.sidebar_id"));
    assert_string_not_equal(r->side, "");
}

/* Its views would end before the change: neither the old value, which nobody had needed, nor the new one. */
static void a_sidebar_that_would_lose_a_value_of_its_parent_does_not_begin(void **state) {
    (void)state;
    room r;
    open_room(&r);
    keep(&r, say(&r, r.ada, SET_1));
    int change = say(&r, r.bob, SET_2);
    lose(&r, change);
    int spawn = say(&r, r.ada, SPAWN);
    deliver(&r, change);
    keep(&r, spawn);
    assert_string_equal(answer_of(answer_to(r.ada, spawn)), "conflict");

    int again = say(&r, r.ada, SPAWN);
    keep(&r, again);
    spawned(&r, again);
    assert_string_equal(seen(&r, r.side, "n"), "2");
    close_room(&r);
}

/* A value that was set for the first time is no loss: the view ends before it. So is one that a view still needs. */
static void a_sidebar_whose_view_is_whole_begins(void **state) {
    (void)state;
    room r;
    open_room(&r);
    int change = say(&r, r.bob, SET_1);
    lose(&r, change);
    int spawn = say(&r, r.ada, SPAWN);
    deliver(&r, change);
    keep(&r, spawn);
    spawned(&r, spawn);
    assert_string_equal(seen(&r, r.side, "n"), "");

    int other = say(&r, r.ada, SPAWN);
    keep(&r, other);
    change = say(&r, r.bob, SET_2);
    lose(&r, change);
    spawn = say(&r, r.ada, SPAWN);
    deliver(&r, change);
    keep(&r, spawn);
    spawned(&r, spawn);
    assert_string_equal(seen(&r, r.side, "n"), "1");
    close_room(&r);
}

static void a_fork_that_would_lose_a_value_of_the_original_does_not_begin(void **state) {
    (void)state;
    room r;
    char fields[256];
    open_room(&r);
    int spawn = say(&r, r.ada, "\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[\"bob\"]");
    keep(&r, spawn);
    spawned(&r, spawn);
    snprintf(fields, sizeof fields, SET_1 ",\"context_id\":\"%s\"", r.side);
    keep(&r, say(&r, r.ada, fields));
    snprintf(fields, sizeof fields, SET_2 ",\"context_id\":\"%s\"", r.side);
    int change = say(&r, r.bob, fields);
    lose(&r, change);
    snprintf(fields, sizeof fields,
             "\"type\":\"sidebar_fork\",\"original_sidebar_id\":\"%s\",\"fork_reason\":\"once more\"", r.side);
    int fork = say(&r, r.ada, fields);
    deliver(&r, change);
    keep(&r, fork);
    assert_string_equal(answer_of(answer_to(r.ada, fork)), "conflict");
    close_room(&r);
}

/* Both were made from the same state. One that waits keeps its version, so only the status tells the second apart. */
static void a_second_wait_made_from_the_state_before_is_void(void **state) {
    (void)state;
    room r;
    char fields[256];
    open_room(&r);
    int spawn = say(&r, r.ada, "\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[\"bob\"]");
    keep(&r, spawn);
    spawned(&r, spawn);
    snprintf(fields, sizeof fields,
             "\"type\":\"sidebar_waiting_update\",\"sidebar_id\":\"%s\",\"waiting_for\":\"human_input\","
             "\"description\":\"d\"",
             r.side);
    int first = say(&r, r.bob, fields);
    lose(&r, first);
    int second = say(&r, r.ada, fields);
    deliver(&r, first);
    keep(&r, second);
    assert_string_equal(answer_of(answer_to(r.ada, second)), "conflict");
    assert_int_equal(peer_count(r.bob, "\"old_status\":\"active\""), 1);
    close_room(&r);
}

static void a_merge_takes_on_what_was_said_just_before_it(void **state) {
    room r;
    (void)state;
    open_room(&r);
    keep(&r, say(&r, r.ada, "\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[\"bob\"]"));
    char fields[300];
    snprintf(r.side, sizeof r.side, "%s", line_get(peer_last(r.ada, "\"type\":\"sidebar_spawn\""), "sidebar_id"));
    snprintf(fields, sizeof fields, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"the last word\"",
             r.side);
    int word = say(&r, r.ada, fields); /* on its way to the log */
    int before = r.slow.count;
    peer_say(r.ada, "{\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"consolidated_findings\":1}", r.side);
    world_run(&r.w, 5);
    assert_int_equal(r.slow.count, before); /* it waits */
    snprintf(fields, sizeof fields, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"too late\"",
             r.side);
    (void)say(&r, r.bob, fields); /* others may go on, and hold up nobody */
    keep(&r, word);
    assert_int_equal(r.slow.count, before + 2);
    assert_non_null(strstr(r.slow.bytes[before + 1], "\"sidebar_merge\""));
    assert_non_null(strstr(r.slow.bytes[before + 1], "the last word"));
    close_room(&r);
}

/* He says it while the sidebar changes: both wait for that, and then the merge for what he has said. */
static void a_merge_that_has_waited_for_a_change_waits_for_what_was_said_before_it(void **state) {
    room r;
    (void)state;
    open_room(&r);
    keep(&r, say(&r, r.ada, "\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[\"bob\"]"));
    char fields[300];
    snprintf(r.side, sizeof r.side, "%s", line_get(peer_last(r.ada, "\"type\":\"sidebar_spawn\""), "sidebar_id"));
    snprintf(fields, sizeof fields, SET_1 ",\"context_id\":\"%s\"", r.side);
    int change = say(&r, r.bob, fields);
    int before = r.slow.count;
    peer_say(r.ada, "{\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"the last word\"}", r.side);
    peer_say(r.ada, "{\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"consolidated_findings\":1}", r.side);
    world_run(&r.w, 5);
    assert_int_equal(r.slow.count, before);
    keep(&r, change);
    assert_int_equal(r.slow.count, before + 1);
    assert_non_null(strstr(r.slow.bytes[before], "\"memory_update\""));
    keep(&r, before);
    assert_int_equal(r.slow.count, before + 2);
    assert_non_null(strstr(r.slow.bytes[before + 1], "\"sidebar_merge\""));
    assert_non_null(strstr(r.slow.bytes[before + 1], "the last word"));
    close_room(&r);
}

typedef struct picky_log { /* refuses when it is told to */
    wsm_log inner;
    int refuses;
} picky_log;

static int picky_open(void *user, wsm_hub *hub) {
    picky_log *log = user;
    return log->inner.open(log->inner.user, hub);
}

static int picky_append(void *user, uint64_t id, const wsm_vec *records, size_t count) {
    picky_log *log = user;
    return log->refuses ? WSM_ERR_BUSY : log->inner.append(log->inner.user, id, records, count);
}

static void open_picky_room(room *r, picky_log *picky) {
    memset(r, 0, sizeof *r);
    *picky = (picky_log){.inner = slow_log_of(&r->slow)};
    r->log = picky->inner;
    r->log.user = picky;
    r->log.open = picky_open;
    r->log.append = picky_append;
    enter_room(r);
}

/* The log has refused what he said last, and still has what he said before that. */
static void a_merge_waits_for_what_is_on_its_way_though_the_last_word_was_refused(void **state) {
    room r;
    picky_log picky;
    (void)state;
    open_picky_room(&r, &picky);
    keep(&r, say(&r, r.ada, "\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[\"bob\"]"));
    char fields[300];
    snprintf(r.side, sizeof r.side, "%s", line_get(peer_last(r.ada, "\"type\":\"sidebar_spawn\""), "sidebar_id"));
    snprintf(fields, sizeof fields, "\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"kept\"", r.side);
    int word = say(&r, r.ada, fields);
    picky.refuses = 1;
    peer_say(r.ada, "{\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"refused\"}", r.side);
    world_run(&r.w, 5);
    picky.refuses = 0;
    assert_int_equal(peer_count(r.ada, "\"code\":\"busy\""), 1);
    peer_say(r.ada, "{\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"consolidated_findings\":1}", r.side);
    world_run(&r.w, 5);
    keep(&r, word);
    assert_int_equal(r.slow.count, word + 2);
    assert_non_null(strstr(r.slow.bytes[word + 1], "\"sidebar_merge\""));
    assert_non_null(strstr(r.slow.bytes[word + 1], "\"kept\""));
    close_room(&r);
}

/* A merge changes its parent as well, and does not wait for what others change there. The log has refused it, and still
 * has the change: who begins a sidebar waits for that, and its views hold it. */
static void a_beginning_waits_for_a_change_though_the_last_one_was_refused(void **state) {
    room r;
    picky_log picky;
    (void)state;
    open_picky_room(&r, &picky);
    keep(&r, say(&r, r.ada, SET_1));
    int spawn = say(&r, r.ada, SPAWN);
    keep(&r, spawn);
    spawned(&r, spawn);
    int change = say(&r, r.bob, SET_2);
    picky.refuses = 1;
    peer_say(r.ada, "{\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"consolidated_findings\":1}", r.side);
    world_run(&r.w, 5);
    picky.refuses = 0;
    assert_int_equal(peer_count(r.ada, "\"code\":\"busy\""), 1);
    peer_say(r.ada, "{\"message_id\":\"0190c000-0000-7000-8000-%012d\"," SPAWN "}", change + 1);
    world_run(&r.w, 5);
    assert_int_equal(r.slow.count, change + 1); /* it waits */
    keep(&r, change);
    assert_int_equal(r.slow.count, change + 2);
    keep(&r, change + 1);
    spawned(&r, change + 1);
    assert_string_equal(seen(&r, r.side, "n"), "2");
    close_room(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sidebar_that_would_lose_a_value_of_its_parent_does_not_begin),
        cmocka_unit_test(a_sidebar_whose_view_is_whole_begins),
        cmocka_unit_test(a_fork_that_would_lose_a_value_of_the_original_does_not_begin),
        cmocka_unit_test(a_merge_takes_on_what_was_said_just_before_it),
        cmocka_unit_test(a_merge_that_has_waited_for_a_change_waits_for_what_was_said_before_it),
        cmocka_unit_test(a_merge_waits_for_what_is_on_its_way_though_the_last_word_was_refused),
        cmocka_unit_test(a_beginning_waits_for_a_change_though_the_last_one_was_refused),
        cmocka_unit_test(a_second_wait_made_from_the_state_before_is_void),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
