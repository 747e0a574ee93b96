/* Reading what a sidebar knows: its members ask for its own records and for those that it has inherited, page by page,
 * and are served exactly what it was told it would inherit, to them and to nobody else. */
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

#define READ_MAX 65536
#define NO_SUCH  "sb-AAAAAAAAAAAAAAAAAAAAAA"

typedef struct room {
    hub_world w;
    kept_log kept;
    wsm_log log;
    peer *ada, *bob, *cy, *dot;
    char result[READ_MAX]; /* what the host was answered last */
} room;

static void on_result(void *user, const wsm_result *result) {
    room *r = user; /* the world comes first */
    snprintf(r->result, sizeof r->result, "%.*s", (int)result->json.len, result->json.ptr ? result->json.ptr : "");
    if (r->w.results_count < WORLD_RESULTS) r->w.results[r->w.results_count++] = *result;
}

static void enter(room *r) {
    assert_int_equal(world_start(&r->w, &r->log), 0);
    world_run(&r->w, 5);
    r->ada = world_join(&r->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->bob = world_join(&r->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->cy = world_join(&r->w, "cy", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->dot = world_join(&r->w, "dot", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r->w, 5);
}

static void prepare(room *r) {
    r->log = kept_log_of(&r->kept);
    world_init(&r->w);
    r->w.host.on_result = on_result;
    r->w.config.agent_messages_per_s = 0;
    r->w.config.sidebars_per_creator = r->w.config.sidebars_per_min = 1000;
}

static void open_room(room *r) {
    memset(r, 0, sizeof *r);
    prepare(r);
    enter(r);
}

static void close_room(room *r) {
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
    kept_log_free(&r->kept);
}

static void expect(const char *answer, const char *what) {
    if (strcmp(answer_of(answer), what) != 0) fail_msg("expected %s: %s", what, answer);
}

static void say_some(peer *p, const char *context, int count, const char *word) {
    for (int i = 0; i < count; i++)
        expect(peer_ask(p, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"%s %d\"", context, word, i), "ack");
}

static void child(peer *by, const char *parent, const char *agents, const char *more, char id[SIDE_ID]) {
    const char *answer = peer_ask(
        by, "sidebar_child_spawn",
        "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[%s]%s", parent, agents, more);
    expect(answer, "ack");
    snprintf(id, SIDE_ID, "%s", line_get(answer, "result.sidebar_id"));
}

/* ---- reading --------------------------------------------------------------------------------------------------------
 */

typedef struct served {
    char text[READ_MAX]; /* the records, one a line */
    size_t len, records, bytes, pages, gaps;
} served;

static const char *page(peer *p, const char *context, const char *records) {
    peer_forget(p);
    expect(peer_ask(p, "context_request", "\"context_id\":\"%s\",\"records\":{%s}", context, records), "ack");
    return peer_last(p, "\"type\":\"context_records\"");
}

static void take_page(served *all, const char *line) {
    char path[40];
    assert_non_null(line);
    for (size_t i = 0;; i++) {
        snprintf(path, sizeof path, "records.%zu", i);
        const char *record = line_get(line, path);
        size_t len = strlen(record);
        if (len == 0) break;
        all->records++;
        all->bytes += len;
        assert_true(all->len + len + 2 < sizeof all->text);
        all->len += (size_t)snprintf(all->text + all->len, sizeof all->text - all->len, "%s\n", record);
    }
    all->gaps += strcmp(line_get(line, "gaps"), "[]") != 0;
    all->pages++;
}

/* All that somebody is served of `of` ("": its own) in a context, in pages of `limit`. */
static const served *read_all(peer *p, const char *context, const char *of, int limit) {
    static served all;
    char fields[300], name[160] = "";
    unsigned long long after = 0;
    all = (served){.len = 0};
    if (*of) snprintf(name, sizeof name, "\"of\":\"%s\",", of);
    do {
        snprintf(fields, sizeof fields, "%s\"after\":%llu,\"limit\":%d", name, after, limit);
        const char *line = page(p, context, fields);
        take_page(&all, line);
        unsigned long long next = strtoull(line_get(line, "next_after"), NULL, 10);
        assert_true(next > after || line_is(line, "more", "false"));
        after = next;
        if (line_is(line, "more", "false")) return &all;
    } while (all.pages < 1000);
    fail_msg("it does not end");
    return NULL;
}

/* ---- stories --------------------------------------------------------------------------------------------------------
 */

static void take_number(char *record) {
    char *at = strstr(record, ",\"seq\":");
    assert_non_null(at);
    memmove(at, at + 1 + strcspn(at + 1, ","), strlen(at + 1 + strcspn(at + 1, ",")) + 1);
}

static void a_member_reads_what_its_sidebar_has_inherited_from_where_it_never_belonged(void **state) {
    room r;
    char secret[SIDE_ID], below[SIDE_ID], heard[READ_MAX];
    (void)state;
    open_room(&r);
    say_some(r.dot, "main", 3, "before");
    side_spawn(r.ada, "\"bob\"", ",\"visibility\":\"private\"", secret);
    say_some(r.bob, secret, 3, "inside");
    snprintf(heard, sizeof heard, "%s", peer_last(r.ada, "inside 2"));
    take_number(heard);
    child(r.bob, secret, "\"cy\"", "", below);
    say_some(r.bob, secret, 2, "later");
    say_some(r.dot, "main", 2, "later");

    const served *got = read_all(r.cy, below, secret, 2);
    assert_int_equal(got->records, 4);         /* its spawn and what was said; nothing of later */
    assert_non_null(strstr(got->text, heard)); /* byte for byte what its members were sent, but for the number */
    assert_null(strstr(got->text, "later"));
    got = read_all(r.cy, below, "main", 2); /* the grandparent, as the parent sees it */
    assert_int_equal(got->records, 3);
    assert_non_null(strstr(got->text, "before 2"));
    assert_null(strstr(got->text, "later"));
    got = read_all(r.cy, below, "", 2); /* its own */
    assert_int_equal(got->records, 1);
    assert_non_null(strstr(got->text, "sidebar_child_spawn"));
    close_room(&r);
}

/* Numbers would tell by a hole that something stood there. */
static void no_number_tells_of_a_record_that_is_withheld(void **state) {
    room r;
    char secret[SIDE_ID], club[SIDE_ID], below[SIDE_ID];
    (void)state;
    open_room(&r);
    side_spawn(r.ada, "\"bob\"", ",\"visibility\":\"private\"", secret);
    side_spawn(r.ada, "\"bob\"", "", club);
    say_some(r.bob, club, 1, "early");
    expect(
        peer_ask(r.bob, "sidebar_waiting_update",
                 "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"d\",\"dependency_refs\":["
                 "\"%s\"]",
                 club, secret),
        "ack");
    say_some(r.bob, club, 1, "late");
    expect(peer_ask(r.ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"active\"", club), "ack");
    child(r.bob, club, "\"cy\"", "", below);
    const served *got = read_all(r.cy, below, club, 100);
    assert_non_null(strstr(got->text, "early"));
    assert_non_null(strstr(got->text, "late"));
    assert_null(strstr(got->text, "waiting_update"));
    assert_null(strstr(got->text, "\"seq\""));
    got = read_all(r.bob, club, "", 100); /* a member's own */
    assert_non_null(strstr(got->text, "waiting_update"));
    assert_non_null(strstr(got->text, "\"seq\""));
    close_room(&r);
}

static void nobody_else_reads_through_a_sidebar(void **state) {
    room r;
    char secret[SIDE_ID], below[SIDE_ID], real[300], unreal[300];
    (void)state;
    open_room(&r);
    side_spawn(r.ada, "\"bob\"", ",\"visibility\":\"private\"", secret);
    say_some(r.bob, secret, 3, "inside");
    child(r.ada, secret, "\"cy\"", "", below);
    for (int i = 0; i < 2; i++) { /* an outsider, and one that was removed, are told that there is none */
        peer *p = i == 0 ? r.dot : r.cy;
        if (i == 1)
            expect(peer_ask(r.ada, "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"cy\"]", below), "ack");
        peer_forget(p);
        const char *answer =
            peer_ask(p, "context_request", "\"context_id\":\"%s\",\"records\":{\"of\":\"%s\"}", below, secret);
        snprintf(real, sizeof real, "%s %s", line_get(answer, "code"), line_get(answer, "message"));
        answer = peer_ask(p, "context_request", "\"context_id\":\"%s\",\"records\":{\"of\":\"%s\"}", NO_SUCH, secret);
        snprintf(unreal, sizeof unreal, "%s %s", line_get(answer, "code"), line_get(answer, "message"));
        assert_string_equal(real, unreal);
        assert_non_null(strstr(real, "not_found"));
        assert_null(strstr(p->text, "inside"));
    }
    close_room(&r);
}

static void what_is_not_inherited_is_as_what_is_not_there(void **state) {
    room r;
    char secret[SIDE_ID], other[SIDE_ID], real[300], unreal[300];
    (void)state;
    open_room(&r);
    side_spawn(r.ada, "\"bob\"", ",\"visibility\":\"private\"", secret);
    side_spawn(r.dot, "\"cy\"", "", other);
    const char *answer =
        peer_ask(r.cy, "context_request", "\"context_id\":\"%s\",\"records\":{\"of\":\"%s\"}", other, secret);
    snprintf(real, sizeof real, "%s %s", line_get(answer, "code"), line_get(answer, "message"));
    answer = peer_ask(r.cy, "context_request", "\"context_id\":\"%s\",\"records\":{\"of\":\"%s\"}", other, NO_SUCH);
    snprintf(unreal, sizeof unreal, "%s %s", line_get(answer, "code"), line_get(answer, "message"));
    assert_string_equal(real, unreal);
    assert_non_null(strstr(real, "not_found"));
    close_room(&r);
}

/* Sums over the views that an answer lists, as it counts them, and as they are served. */
static void compare_promise(room *r, const char *inherit) {
    char side[SIDE_ID], parent[SIDE_ID], promised[40], weight[40], fields[300], line[8192];
    size_t records = 0, bytes = 0;
    side_spawn(r->ada, "\"bob\"", "", parent);
    say_some(r->bob, parent, 5, "in between");
    snprintf(fields, sizeof fields, "\"parent_id\":\"%s\",\"participants\":[\"cy\"],\"task\":\"t\",\"inherit\":{%s}",
             parent, inherit);
    const char *answer = peer_ask(r->ada, "sidebar_spawn", "%s,\"dry_run\":true", fields);
    snprintf(promised, sizeof promised, "%s", line_get(answer, "result.records"));
    snprintf(weight, sizeof weight, "%s", line_get(answer, "result.bytes"));
    answer = peer_ask(r->ada, "sidebar_spawn", "%s", fields);
    assert_string_equal(line_get(answer, "result.records"), promised);
    assert_string_equal(line_get(answer, "result.bytes"), weight);
    snprintf(side, sizeof side, "%s", line_get(answer, "result.sidebar_id"));
    peer_forget(r->cy);
    peer_ask(r->cy, "context_request", "\"context_id\":\"%s\"", side);
    snprintf(line, sizeof line, "%s", peer_last(r->cy, "\"type\":\"context_snapshot\""));
    for (int i = 0; i < 8; i++) {
        char path[60], of[SIDE_ID];
        snprintf(path, sizeof path, "context.inherited_memory.%d.context_id", i);
        snprintf(of, sizeof of, "%s", line_get(line, path));
        if (!*of) break;
        const served *got = read_all(r->cy, side, of, 3);
        snprintf(path, sizeof path, "context.inherited_memory.%d.records", i);
        assert_int_equal(got->records, strtoul(line_get(line, path), NULL, 10));
        if (strstr(inherit, "\"n\":70") && strcmp(of, "main") == 0)
            assert_int_equal(got->records, 70); /* not about so many */
        records += got->records;
        bytes += got->bytes;
    }
    assert_int_equal(records, strtoul(promised, NULL, 10));
    assert_int_equal(bytes, strtoul(weight, NULL, 10));
}

static const char *const ways[] = {"\"mode\":\"all\"",
                                   "\"mode\":\"all\",\"depth\":1",
                                   "\"mode\":\"last_n\",\"n\":4",
                                   "\"mode\":\"last_n\",\"n\":70",
                                   "\"mode\":\"last_n\",\"n\":1,\"depth\":1",
                                   "\"mode\":\"refs\"",
                                   "\"mode\":\"none\""};

static void a_dry_run_promises_exactly_what_is_then_served(void **state) {
    room r;
    (void)state;
    open_room(&r);
    say_some(r.dot, "main", 150, "before");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) compare_promise(&r, ways[i]);
    close_room(&r);
}

static void it_promises_the_same_when_most_has_left_memory_and_after_a_restart(void **state) {
    room r;
    (void)state;
    memset(&r, 0, sizeof r);
    prepare(&r);
    r.w.config.history_records_max = 7;
    enter(&r);
    say_some(r.dot, "main", 150, "before");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) compare_promise(&r, ways[i]);
    world_end(&r.w);
    memset(&r.w, 0, sizeof r.w);
    prepare(&r);
    r.w.config.history_records_max = 7;
    enter(&r);
    say_some(r.dot, "main", 3, "after");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) compare_promise(&r, ways[i]);
    close_room(&r);
}

/* A fork as of long ago says exactly what it is then served, though only the log's store could tell. */
static void fork_at(room *r, const char *side, unsigned long long offset) {
    char fields[200], fork[SIDE_ID], promised[40], weight[40];
    snprintf(fields, sizeof fields, "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\",\"at_offset\":%llu", side,
             offset);
    const char *answer = peer_ask(r->bob, "sidebar_fork", "%s", fields);
    expect(answer, "ack");
    snprintf(promised, sizeof promised, "%s", line_get(answer, "result.records"));
    snprintf(weight, sizeof weight, "%s", line_get(answer, "result.bytes"));
    snprintf(fork, sizeof fork, "%s", line_get(answer, "result.sidebar_id"));
    const served *got = read_all(r->bob, fork, side, 20);
    size_t records = got->records, bytes = got->bytes;
    got = read_all(r->bob, fork, "main", 20);
    assert_int_equal(records + got->records, strtoul(promised, NULL, 10));
    assert_int_equal(bytes + got->bytes, strtoul(weight, NULL, 10));
    assert_true(records > 0);
}

static unsigned long long offset_in(const char *line) {
    return strtoull(line_get(line, "offset"), NULL, 10);
}

static void a_fork_as_of_long_ago_says_exactly_what_it_inherits(void **state) {
    room r;
    char side[SIDE_ID];
    unsigned long long at[] = {0, 0, 0};
    (void)state;
    memset(&r, 0, sizeof r);
    prepare(&r);
    r.w.config.history_records_max = 7;
    enter(&r);
    say_some(r.dot, "main", 30, "before");
    side_spawn(r.ada, "\"bob\"", "", side);
    for (int i = 0; i < 3; i++) {
        say_some(r.ada, side, 1 + 30 * i, "inside");
        at[i] = offset_in(peer_last(r.ada, side));
        say_some(r.dot, "main", 20, "beside");
    }
    say_some(r.ada, side, 100, "after");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++)
            for (int back = 0; back < 2; back++) fork_at(&r, side, at[i] + (back ? 9u : 0u)); /* and between two */
        if (round > 0) break;
        world_end(&r.w); /* and after a restart */
        memset(&r.w, 0, sizeof r.w);
        prepare(&r);
        r.w.config.history_records_max = 7;
        enter(&r);
    }
    close_room(&r);
}

/* What a fork as of the middle asks of the log, of a sidebar with so many records. */
static int reads_for_half(int count) {
    room r;
    char side[SIDE_ID];
    memset(&r, 0, sizeof r);
    prepare(&r);
    r.w.config.history_records_max = 7;
    enter(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    say_some(r.ada, side, count / 2, "inside");
    unsigned long long middle = offset_in(peer_last(r.ada, side));
    say_some(r.ada, side, count / 2, "inside");
    int reads = r.kept.reads, records_read = r.kept.records_read;
    const char *answer = peer_ask(
        r.bob, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\",\"at_offset\":%llu", side, middle);
    assert_int_equal(strtoul(line_get(answer, "result.records"), NULL, 10), 1 + (unsigned long)count / 2);
    reads = r.kept.reads - reads;
    assert_in_range(r.kept.records_read - records_read, 1, 64); /* what lies between two marks */
    int again = r.kept.reads;
    peer_ask(r.bob, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\",\"at_offset\":%llu", side,
             middle);
    assert_int_equal(r.kept.reads, again); /* it is known now */
    close_room(&r);
    return reads;
}

static void a_fork_as_of_long_ago_costs_the_same_of_much_and_of_little(void **state) {
    (void)state;
    assert_int_equal(reads_for_half(40), 1);
    assert_int_equal(reads_for_half(5000), 1);
}

/* While it is read what the same agent sends next waits behind it; and where it cannot be read there is no figure. */
static void what_cannot_be_read_is_not_told(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    memset(&r, 0, sizeof r);
    prepare(&r);
    r.w.config.history_records_max = 7;
    enter(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    say_some(r.ada, side, 20, "inside");
    unsigned long long middle = offset_in(peer_last(r.ada, side));
    say_some(r.ada, side, 20, "inside");
    const char *fork = "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\",\"at_offset\":%llu";
    r.kept.refuses = 1;
    const char *answer = peer_ask(r.bob, "sidebar_fork", fork, side, middle);
    expect(answer, "ack");
    assert_string_equal(line_get(answer, "result.records"), "");
    r.kept.misses = middle - 3;
    answer = peer_ask(r.bob, "sidebar_fork", fork, side, middle);
    expect(answer, "ack");
    assert_string_equal(line_get(answer, "result.records"), "");
    r.kept.misses = 0;
    r.kept.holds_pages = 1;
    expect(peer_ask(r.bob, "sidebar_fork", fork, side, middle - 5), "");
    expect(peer_ask(r.bob, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"behind\"", side), "");
    assert_null(peer_last(r.ada, "\"behind\""));
    r.kept.holds_pages = 0;
    kept_log_answer(&r.kept, 0);
    world_run(&r.w, 5);
    assert_true(offset_in(peer_last(r.bob, "\"type\":\"sidebar_fork\"")) < offset_in(peer_last(r.ada, "\"behind\"")));
    assert_true(line_is(peer_last(r.bob, "\"type\":\"sidebar_fork\""), "inherited_context.0.records", "16"));
    close_room(&r);
}

/* Two sums of one sidebar, each of more pages than it remembers sums: reading one must not make it forget the other. */
static void two_sums_of_many_pages_are_both_told(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    memset(&r, 0, sizeof r);
    prepare(&r);
    r.w.config.history_records_max = 7;
    r.w.config.replay_page_records = 2;
    enter(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    say_some(r.ada, side, 110, "before he came");
    expect(peer_ask(r.dot, "sidebar_join", "\"sidebar_id\":\"%s\"", side), "ack");
    say_some(r.ada, side, 70, "inside");
    unsigned long long middle = offset_in(peer_last(r.ada, side));
    say_some(r.ada, side, 20, "inside");
    int reads = r.kept.reads;
    const char *fork = "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\",\"at_offset\":%llu";
    peer_ask(r.dot, "sidebar_fork", fork, side, middle);
    world_run(&r.w, 1000);
    const char *told = peer_last(r.dot, "\"type\":\"sidebar_fork\"");
    assert_non_null(told);
    assert_true(line_is(told, "inherited_context.0.records", "71"));
    assert_in_range(r.kept.reads - reads, 2, 64);
    close_room(&r);
}

/* With memory it is another sidebar: it is refused, and what it says the next time is exact. */
static void one_that_begins_without_memory_for_counting_is_refused(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    memset(&r, 0, sizeof r);
    prepare(&r);
    r.w.config.history_records_max = 7;
    enter(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    say_some(r.ada, side, 40, "inside");
    const char *child = "\"parent_id\":\"%s\",\"task\":\"t\",\"participants\":[],\"inherit\":{\"mode\":\"last_n\","
                        "\"n\":20,\"depth\":1}";
    r.kept.refuses = 1;
    r.kept.refuses_with = WSM_ERR_NOMEM;
    const char *answer = peer_ask(r.bob, "sidebar_spawn", child, side);
    expect(answer, "internal");
    assert_string_equal(line_get(answer, "retry"), "after");
    answer = peer_ask(r.bob, "sidebar_spawn", child, side);
    expect(answer, "ack");
    assert_string_equal(line_get(answer, "result.records"), "20");
    close_room(&r);
}

static void who_came_late_lets_nobody_read_what_came_before(void **state) {
    room r;
    char side[SIDE_ID], below[SIDE_ID], fork[SIDE_ID];
    (void)state;
    open_room(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    say_some(r.ada, side, 3, "early");
    const char *early = line_get(peer_last(r.ada, "early 2"), "offset");
    char at[24];
    snprintf(at, sizeof at, "%s", early);
    expect(peer_ask(r.cy, "sidebar_join", "\"sidebar_id\":\"%s\"", side), "ack"); /* since_join */
    say_some(r.ada, side, 2, "late");
    child(r.cy, side, "\"dot\"", "", below);
    const served *got = read_all(r.dot, below, side, 10);
    assert_int_equal(got->records, 3); /* from his joining on */
    assert_null(strstr(got->text, "early"));

    const char *answer = peer_ask(r.cy, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\"", side);
    snprintf(fork, sizeof fork, "%s", line_get(answer, "result.sidebar_id"));
    assert_true(line_is(answer, "result.records", "3")); /* main has none before it */
    got = read_all(r.cy, fork, side, 10);
    assert_int_equal(got->records, 3);
    assert_null(strstr(got->text, "early"));
    answer = peer_ask(r.cy, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\",\"at_offset\":%s",
                      side, at);
    expect(answer, "forbidden");
    assert_true(line_is(answer, "field", "at_offset"));
    answer = peer_ask(r.bob, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\",\"at_offset\":%s",
                      side, at);
    expect(answer, "ack"); /* who was there may */
    snprintf(fork, sizeof fork, "%s", line_get(answer, "result.sidebar_id"));
    got = read_all(r.bob, fork, side, 10);
    assert_non_null(strstr(got->text, "early 2"));
    assert_null(strstr(got->text, "late"));
    close_room(&r);
}

static void a_member_reads_of_its_own_sidebar_what_it_was_there_for(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    open_room(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    say_some(r.ada, side, 2, "early");
    expect(peer_ask(r.cy, "sidebar_join", "\"sidebar_id\":\"%s\"", side), "ack");
    say_some(r.ada, side, 2, "late");
    const served *got = read_all(r.cy, side, "", 2);
    assert_int_equal(got->records, 3);
    assert_null(strstr(got->text, "early"));
    got = read_all(r.bob, side, side, 2); /* its own id says the same as none */
    assert_int_equal(got->records, 6);
    close_room(&r);
}

static void what_is_put_away_is_served_from_the_log(void **state) {
    room r;
    char side[SIDE_ID], fork[SIDE_ID];
    (void)state;
    open_room(&r);
    side_spawn(r.ada, "\"bob\"", "", side);
    say_some(r.ada, side, 20, "inside");
    expect(peer_ask(r.ada, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"done\"", side), "ack");
    expect(peer_ask(r.ada, "sidebar_archive", "\"sidebar_id\":\"%s\",\"archive_reason\":\"done\"", side), "ack");
    world_run(&r.w, 100);
    int reads = r.kept.reads;
    const served *got = read_all(r.bob, side, "", 8);
    assert_non_null(strstr(got->text, "inside 19"));
    assert_true(r.kept.reads > reads);
    const char *answer = peer_ask(
        r.bob, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"r\",\"participants\":[\"cy\"]", side);
    snprintf(fork, sizeof fork, "%s", line_get(answer, "result.sidebar_id"));
    char promised[40];
    snprintf(promised, sizeof promised, "%s", line_get(answer, "result.records"));
    reads = r.kept.reads;
    got = read_all(r.cy, fork, side, 8);
    assert_int_equal(got->records, strtoul(promised, NULL, 10));
    assert_non_null(strstr(got->text, "inside 0"));
    assert_true(r.kept.reads > reads);
    assert_int_equal(got->gaps, 0);
    close_room(&r);
}

/* What a page asks of the log and of memory, with a parent of so many records. */
static void cost_of(int count, int *reads, size_t *calls) {
    room r;
    char side[SIDE_ID];
    memset(&r, 0, sizeof r);
    prepare(&r);
    r.w.config.history_records_max = 7;
    enter(&r);
    say_some(r.dot, "main", count, "before");
    side_spawn(r.ada, "\"bob\"", "", side);
    page(r.bob, side, "\"of\":\"main\",\"limit\":5"); /* what grows once has grown */
    *reads = r.kept.reads;
    *calls = r.w.mem.calls;
    const char *line = page(r.bob, side, "\"of\":\"main\",\"limit\":5");
    *reads = r.kept.reads - *reads;
    *calls = r.w.mem.calls - *calls;
    assert_true(line_is(line, "more", "true"));
    assert_non_null(strstr(line, "before 4"));
    close_room(&r);
}

static void a_page_costs_the_same_of_much_and_of_little(void **state) {
    int reads[2];
    size_t calls[2];
    (void)state;
    cost_of(20, &reads[0], &calls[0]);
    cost_of(5000, &reads[1], &calls[1]);
    assert_int_equal(reads[0], 1);
    assert_int_equal(reads[1], 1);
    assert_int_equal(calls[0], calls[1]);
}

static void what_is_asked_wrongly_is_refused_with_the_limit(void **state) {
    static const struct {
        const char *records, *code;
    } asks[] = {{"\"limit\":0", "bad_message"},     {"\"limit\":501", "bad_message"},
                {"\"limit\":\"9\"", "bad_message"}, {"\"after\":-1", "bad_message"},
                {"\"of\":\"\"", "bad_message"},     {"\"since\":1", "bad_message"},
                {"\"of\":\"sb-none\"", "not_found"}};
    room r;
    char side[SIDE_ID];
    (void)state;
    open_room(&r);
    r.w.config.violations_per_min = 0;
    side_spawn(r.ada, "", "", side);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        const char *answer =
            peer_ask(r.ada, "context_request", "\"context_id\":\"%s\",\"records\":{%s}", side, asks[i].records);
        expect(answer, asks[i].code);
        if (i == 1) assert_non_null(strstr(answer, "1 to 500"));
    }
    assert_true(line_is(page(r.ada, side, "\"after\":1000000"), "more", "false")); /* behind the end there is nothing */
    close_room(&r);
}

static void a_token_that_does_not_cover_a_context_reads_nothing_of_it(void **state) {
    room r;
    char side[SIDE_ID];
    static const wsm_slice covered[] = {{"sb-*", 4}};
    (void)state;
    open_room(&r);
    wsm_claims claims = world_claims(&r.w, "eve");
    claims.contexts = covered;
    claims.contexts_count = 1;
    peer *eve = world_join_as(&r.w, &claims, NULL, 0);
    world_run(&r.w, 5);
    say_some(r.dot, "main", 2, "before");
    side_spawn(r.ada, "\"eve\"", "", side);
    expect(peer_ask(eve, "context_request", "\"context_id\":\"%s\",\"records\":{\"of\":\"main\"}", side), "forbidden");
    assert_non_null(strstr(page(eve, side, "\"limit\":5"), "sidebar_spawn"));
    close_room(&r);
}

static void what_nobody_can_read_any_more_is_told(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    memset(&r, 0, sizeof r);
    prepare(&r);
    r.w.config.history_records_max = 3;
    enter(&r);
    say_some(r.dot, "main", 10, "before");
    side_spawn(r.ada, "\"bob\"", "", side);
    r.kept.trimmed = 6; /* the store lets go without a word */
    const char *line = page(r.bob, side, "\"of\":\"main\",\"limit\":20");
    assert_true(line_is(line, "gaps.0.reason", "trimmed"));
    assert_true(line_is(line, "gaps.0.to_offset", "6"));
    assert_null(strstr(line, "before 0"));
    assert_non_null(strstr(line, "before 9"));
    close_room(&r);
}

static void the_host_reads_for_itself_and_in_an_agents_name(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    open_room(&r);
    say_some(r.dot, "main", 2, "before");
    side_spawn(r.ada, "\"bob\"", ",\"visibility\":\"private\"", side);
    const char *ask = "{\"type\":\"context_request\",\"context_id\":\"%s\",\"records\":{\"of\":\"main\"}}";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    assert_int_equal(host_ask(&r.w, NULL, ask, side), 0);
    assert_non_null(strstr(line_get(r.result, "records.1"), "before 1"));
    assert_int_equal(host_ask(&r.w, "bob", ask, side), 0);
    assert_true(line_is(r.result, "more", "false"));
    assert_int_equal(host_ask(&r.w, "dot", ask, side), WSM_ERR_NOT_FOUND);
#pragma GCC diagnostic pop
    close_room(&r);
}

static void who_leaves_while_the_log_reads_leaves_nothing_behind(void **state) {
    room r;
    char side[SIDE_ID];
    (void)state;
    memset(&r, 0, sizeof r);
    prepare(&r);
    r.w.config.history_records_max = 3;
    enter(&r);
    say_some(r.dot, "main", 10, "before");
    side_spawn(r.ada, "\"bob\"", "", side);
    r.kept.no_pages = 1;
    expect(peer_ask(r.bob, "context_request", "\"context_id\":\"%s\",\"records\":{\"of\":\"main\"}", side), "");
    peer_leave(r.bob);
    close_room(&r);
}

/* Whoever reads it through a fork has been told of the original: that it names itself is no secret. */
static void a_record_that_names_its_own_sidebar_is_inherited_too(void **state) {
    (void)state;
    room r;
    char side[SIDE_ID], fork[SIDE_ID], records[SIDE_ID + 16];
    open_room(&r);
    side_spawn(r.ada, "", ",\"visibility\":\"private\"", side);
    expect(peer_ask(r.ada, "sidebar_waiting_update",
                    "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"for itself\","
                    "\"dependency_refs\":[\"%s\"]",
                    side, side),
           "ack");
    const char *answer = peer_ask(
        r.ada, "sidebar_fork", "\"original_sidebar_id\":\"%s\",\"fork_reason\":\"f\",\"participants\":[\"bob\"]", side);
    expect(answer, "ack");
    snprintf(fork, sizeof fork, "%s", line_get(answer, "result.sidebar_id"));
    snprintf(records, sizeof records, "\"of\":\"%s\"", side);
    assert_non_null(strstr(page(r.bob, fork, records), "for itself"));
    close_room(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_reads_what_its_sidebar_has_inherited_from_where_it_never_belonged),
        cmocka_unit_test(no_number_tells_of_a_record_that_is_withheld),
        cmocka_unit_test(nobody_else_reads_through_a_sidebar),
        cmocka_unit_test(what_is_not_inherited_is_as_what_is_not_there),
        cmocka_unit_test(a_dry_run_promises_exactly_what_is_then_served),
        cmocka_unit_test(it_promises_the_same_when_most_has_left_memory_and_after_a_restart),
        cmocka_unit_test(a_fork_as_of_long_ago_says_exactly_what_it_inherits),
        cmocka_unit_test(a_fork_as_of_long_ago_costs_the_same_of_much_and_of_little),
        cmocka_unit_test(what_cannot_be_read_is_not_told),
        cmocka_unit_test(two_sums_of_many_pages_are_both_told),
        cmocka_unit_test(one_that_begins_without_memory_for_counting_is_refused),
        cmocka_unit_test(who_came_late_lets_nobody_read_what_came_before),
        cmocka_unit_test(a_member_reads_of_its_own_sidebar_what_it_was_there_for),
        cmocka_unit_test(what_is_put_away_is_served_from_the_log),
        cmocka_unit_test(a_page_costs_the_same_of_much_and_of_little),
        cmocka_unit_test(what_is_asked_wrongly_is_refused_with_the_limit),
        cmocka_unit_test(a_token_that_does_not_cover_a_context_reads_nothing_of_it),
        cmocka_unit_test(what_nobody_can_read_any_more_is_told),
        cmocka_unit_test(the_host_reads_for_itself_and_in_an_agents_name),
        cmocka_unit_test(a_record_that_names_its_own_sidebar_is_inherited_too),
        cmocka_unit_test(who_leaves_while_the_log_reads_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("sidebar/records", tests, NULL, NULL);
}
