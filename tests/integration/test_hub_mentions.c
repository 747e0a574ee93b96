/* Mentions through the public API: whom they reach, when again, how they are answered, and what they cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kept_world.h"
#include "side_talk.h"

#define ID(n) "00000000-0000-4000-8000-0000000000" n
#define CALL(id, whom, text)                                                                                           \
    "{\"type\":\"mention_route\",\"message_id\":\"" ID(id) "\",\"target_agents\":[" whom "],\"message\":\"" text "\"}"

/* The hub goes, as by a crash or an end, and comes back on the same log. */
static void restart(kept_world *k, uint64_t later_ms) {
    kept_world_close(k);
    k->w.wall += (int64_t)later_ms;
    kept_world_begin(k);
}

static void answer(peer *p, const char *mention, const char *state) {
    peer_say(p, "{\"type\":\"mention_ack\",\"mention_id\":\"%s\",\"state\":\"%s\"}", mention, state);
}

static void a_mention_reaches_who_is_there_and_its_sender_hears_how_far_it_is(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    peer *ada = kept_world_join(&k, "ada"), *bob = kept_world_join(&k, "bob"), *eve = kept_world_join(&k, "eve");
    peer_say(ada, CALL("01", "\"bob\"", "please look"));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"ack\""), "\"result\":{\"targets\":{\"bob\":\"connected\"}}"));
    assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 1);
    assert_non_null(strstr(peer_last(bob, "mention_route"), "\"message\":\"please look\""));
    assert_null(strstr(peer_last(bob, "mention_route"), "\"seq\""));
    assert_int_equal(peer_count(eve, "mention_route"), 0);
    assert_int_equal(peer_count(ada, "\"type\":\"mention_route\""), 1); /* the sender sees its offset too */
    assert_non_null(strstr(peer_last(ada, "mention_status"), "\"state\":\"delivered\""));
    answer(bob, ID("01"), "seen");
    assert_non_null(strstr(peer_last(ada, "mention_status"), "\"target\":\"bob\",\"state\":\"seen\""));
    peer_say(bob, "{\"type\":\"mention_ack\",\"message_id\":\"" ID("02") "\",\"mention_id\":\"" ID(
                      "01") "\",\"state\":\"replied\",\"note\":\"done\"}");
    assert_int_equal(peer_count(bob, "\"type\":\"ack\""), 1);
    assert_non_null(strstr(peer_last(ada, "mention_status"), "\"state\":\"replied\",\"note\":\"done\""));
    answer(bob, ID("01"), "seen");
    assert_non_null(strstr(peer_last(bob, "\"type\":\"error\""), "\"code\":\"not_found\"")); /* it has ended */
    kept_world_end(&k);
}

/* Nothing but the reading of him who is slow goes on here: no timer, no other message. */
static void what_finds_no_room_comes_as_soon_as_there_is(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.queue_messages_agent = 2;
    kept_world_open(&k);
    peer *bob = kept_world_join(&k, "bob");
    peer_leave(bob);
    peer *ada = kept_world_join(&k, "ada");
    peer_say(ada, CALL("01", "\"bob\"", "first"));
    peer_say(ada, CALL("02", "\"bob\"", "second"));
    peer_say(ada, CALL("03", "\"bob\"", "third"));
    k.w.peers[k.w.peers_count].stalled = 1;
    bob = kept_world_join(&k, "bob");
    assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 0);
    bob->stalled = 0;
    peer_drain(bob);
    assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 3);
    assert_int_equal(bob->gone, 0);
    kept_world_end(&k);
}

static void one_who_is_away_finds_it_when_he_comes_also_after_a_restart(void **state) {
    (void)state;
    for (int with_snapshot = 0; with_snapshot < 2; with_snapshot++) {
        kept_world k = {0};
        kept_world_begin(&k);
        peer *bob = kept_world_join(&k, "bob");
        peer_leave(bob);
        peer *ada = kept_world_join(&k, "ada");
        peer_say(ada, CALL("01", "\"bob\"", "first"));
        peer_say(ada, CALL("02", "\"BOB\"", "second"));
        assert_non_null(strstr(peer_last(ada, "\"type\":\"ack\""), "\"BOB\":\"queued\""));
        if (with_snapshot) {
            wsm_hub_shutdown(k.w.hub, NULL);
            world_run(&k.w, 20000);
            assert_true(k.kept.snapshot_offset > 0);
        }
        restart(&k, 1000);
        bob = kept_world_join(&k, "bob");
        world_run(&k.w, 100);
        assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 2);
        assert_true(strstr(bob->text, "\"first\"") < strstr(bob->text, "\"second\""));
        answer(bob, ID("01"), "seen");
        peer_leave(bob);
        bob = kept_world_join(&k, "bob"); /* what was not seen comes again, what was seen does not */
        world_run(&k.w, 100);
        assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 1);
        assert_non_null(strstr(peer_last(bob, "mention_route"), "\"second\""));
        kept_world_end(&k);
    }
}

static void what_a_resume_brings_is_not_brought_twice(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    peer *bob = kept_world_join(&k, "bob");
    peer_leave(bob);
    peer *ada = kept_world_join(&k, "ada");
    peer_say(ada,
             "{\"type\":\"memory_update\",\"message_id\":\"" ID("01") "\",\"exchange\":\"hello @bob and @nobody\"}");
    assert_non_null(strstr(peer_last(ada, "\"type\":\"ack\""),
                           "\"result\":{\"mentions\":{\"bob\":\"queued\",\"nobody\":\"unknown_agent\"}}"));
    bob = world_join(&k.w, "bob", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 1);
    world_run(&k.w, 100);
    assert_int_equal(peer_count(bob, "hello @bob"), 1);
    assert_non_null(strstr(peer_last(ada, "mention_status"), "\"state\":\"delivered\""));
    peer_leave(bob);
    bob = kept_world_join(&k, "bob"); /* a first visit has no replay: the delivery brings it */
    world_run(&k.w, 100);
    assert_int_equal(peer_count(bob, "hello @bob"), 1);
    kept_world_end(&k);
}

static void a_live_update_is_its_own_delivery(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    peer *ada = kept_world_join(&k, "ada"), *bob = kept_world_join(&k, "bob");
    peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":{\"say\":\"@bob look, @ada did\"}}");
    assert_int_equal(peer_count(bob, "@bob look"), 1);
    assert_int_equal(peer_count(ada, "\"type\":\"mention_status\""), 1);
    assert_int_equal(peer_count(ada, "@bob look"), 1); /* of herself she may speak */
    kept_world_end(&k);
}

static void it_goes_to_the_primary_or_to_the_backup_when_there_is_none(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer *backup = world_join_for(&k.w, "bob", WSM_PURPOSE_BACKUP);
    peer *primary = kept_world_join(&k, "bob");
    peer_say(ada, CALL("01", "\"bob\"", "one"));
    assert_int_equal(peer_count(primary, "mention_route"), 1);
    assert_int_equal(peer_count(backup, "mention_route"), 0);
    peer_leave(primary); /* not seen: the backup has it now */
    assert_int_equal(peer_count(backup, "mention_route"), 1);
    peer_say(ada, CALL("02", "\"bob\"", "two"));
    assert_int_equal(peer_count(backup, "mention_route"), 2);
    kept_world_end(&k);
}

static void what_the_primary_may_not_read_goes_to_the_backup_once_that_is_gone(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer *backup = world_join_for(&k.w, "bob", WSM_PURPOSE_BACKUP);
    wsm_slice only[1] = {{"elsewhere", 9}};
    wsm_claims claims = world_claims(&k.w, "bob");
    claims.contexts = only;
    claims.contexts_count = 1;
    claims.contexts_present = 1;
    peer *primary = world_join_as(&k.w, &claims, NULL, 0);
    peer_say(ada, CALL("01", "\"bob\"", "one"));
    assert_int_equal(peer_count(primary, "mention_route") + peer_count(backup, "mention_route"), 0);
    peer_leave(primary);
    assert_int_equal(peer_count(backup, "mention_route"), 1);
    kept_world_end(&k);
}

static void a_lease_that_ends_brings_it_again_and_age_ends_it(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    peer *ada = kept_world_join(&k, "ada"), *bob = kept_world_join(&k, "bob");
    peer_say(ada, CALL("01", "\"bob\"", "work"));
    peer_say(bob,
             "{\"type\":\"mention_ack\",\"mention_id\":\"" ID("01") "\",\"state\":\"working\",\"lease_seconds\":60}");
    world_run(&k.w, 50000);
    assert_int_equal(peer_count(bob, "mention_route"), 1);
    world_run(&k.w, 20000);
    assert_int_equal(peer_count(bob, "mention_route"), 2);
    assert_non_null(strstr(peer_last(ada, "mention_status"), "\"state\":\"delivered\""));
    peer_say(bob,
             "{\"type\":\"mention_ack\",\"mention_id\":\"" ID("01") "\",\"state\":\"working\",\"lease_seconds\":60}");
    restart(&k, 3600000); /* the lease ends while nobody is there */
    bob = kept_world_join(&k, "bob");
    world_run(&k.w, 5000);
    assert_int_equal(peer_count(bob, "mention_route"), 1);
    peer_leave(bob);
    ada = kept_world_join(&k, "ada");
    world_run(&k.w, 7u * 86400000u + 120000u);
    assert_int_equal(peer_count(ada, "\"state\":\"expired\""), 1);
    bob = kept_world_join(&k, "bob");
    world_run(&k.w, 1000);
    assert_int_equal(peer_count(bob, "mention_route"), 0);
    kept_world_end(&k);
}

static void who_cannot_be_called_is_told_by_name(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.mailbox_messages_max = 2;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer_leave(kept_world_join(&k, "bob"));
    peer_leave(kept_world_join(&k, "Carl"));
    peer_leave(kept_world_join(&k, "carl"));
    peer_say(ada, CALL("01", "\"nobody\"", "x"));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"code\":\"unknown_agent\""));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"field\":\"target_agents\""));
    peer_say(ada, CALL("02", "\"CARL\"", "x"));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"code\":\"ambiguous_agent\""));
    peer_say(ada, CALL("03", "\"ada\"", "x"));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"code\":\"forbidden\""));
    peer_say(ada, CALL("04", "\"role:testing\",\"bob\"", "x"));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"ack\""), "{\"role:testing\":\"forbidden\",\"bob\":\"queued\"}"));
    peer_say(ada, CALL("05", "\"bob\",\"carl\",\"zoe\"", "x"));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"ack\""),
                           "{\"bob\":\"queued\",\"carl\":\"queued\",\"zoe\":\"unknown_agent\"}"));
    peer_say(ada, CALL("05", "\"bob\",\"carl\",\"zoe\"",
                       "x")); /* bob's mailbox is full now; the same again: the first result */
    assert_non_null(
        strstr(peer_last(ada, "duplicate_ack"), "{\"bob\":\"queued\",\"carl\":\"queued\",\"zoe\":\"unknown_agent\"}"));
    kept_world_end(&k);
}

static void a_full_mailbox_is_told(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.mailbox_messages_max = 2;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer_leave(kept_world_join(&k, "bob"));
    for (int n = 1; n <= 3; n++)
        peer_say(ada,
                 "{\"type\":\"mention_route\",\"message_id\":\"00000000-0000-4000-8000-%012d\",\"target_agents\":"
                 "[\"bob\"],\"message\":\"x\"}",
                 n);
    assert_int_equal(peer_count(ada, "\"type\":\"ack\""), 2);
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"code\":\"mailbox_full\""));
    kept_world_end(&k);
}

static void agents_who_keep_waking_each_other_are_stopped(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    peer *ada = kept_world_join(&k, "ada"), *bob = kept_world_join(&k, "bob");
    for (int n = 1; n <= 10; n++) { /* a chain: each answers the one before */
        peer *from = n % 2 ? ada : bob;
        char cause[80] = "";
        if (n > 1) snprintf(cause, sizeof cause, "\"cause\":\"00000000-0000-4000-8000-%012d\",", n - 1);
        peer_say(from,
                 "{\"type\":\"mention_route\",\"message_id\":\"00000000-0000-4000-8000-%012d\",%s"
                 "\"target_agents\":[\"%s\"],\"message\":\"x\"}",
                 n, cause, n % 2 ? "bob" : "ada");
    }
    assert_int_equal(peer_count(bob, "\"target_agents\":[\"bob\"]"), 5);
    assert_int_equal(peer_count(bob, "\"code\":\"loop_guard\""), 1); /* the tenth has nine causes behind it */
    for (int n = 100; n < 140; n++)
        peer_say(ada,
                 "{\"type\":\"mention_route\",\"message_id\":\"00000000-0000-4000-8000-%012d\",\"target_agents\":"
                 "[\"bob\"],\"message\":\"y\"}",
                 n);
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"code\":\"loop_guard\""));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"retry\":\"after\",\"retry_after_ms\":2000"));
    assert_int_equal(peer_count(bob, "\"message\":\"y\""), 25); /* thirty a minute from one to one other */
    kept_world_end(&k);
}

/* Says it `count` times, with ids from `first` on. */
static void call_often(peer *by, const char *whom, int first, int count, const char *more) {
    for (int n = first; n < first + count; n++)
        peer_say(by,
                 "{\"type\":\"mention_route\",\"message_id\":\"00000000-0000-4000-8000-%012d\",\"target_agents\":"
                 "[\"%s\"],\"message\":\"z\"%s}",
                 n, whom, more);
}

static void what_was_held_back_comes_later_as_one_digest(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.mentions_per_min_to_agent = 6;
    k.w.config.mention_pair_per_min = 4;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada"), *bob = kept_world_join(&k, "bob"), *cy = kept_world_join(&k, "cy");
    call_often(ada, "bob", 1, 9, "");
    call_often(cy, "bob", 20, 5, "");
    assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 6); /* four of ada's, two of cy's */
    assert_int_equal(peer_count(ada, "\"code\":\"loop_guard\""), 5);
    assert_int_equal(peer_count(cy, "\"code\":\"loop_guard\""), 3);
    world_run(&k.w, 59000);
    assert_int_equal(peer_count(bob, "mention_digest"), 0);
    world_run(&k.w, 2000);
    assert_int_equal(peer_count(bob, "\"type\":\"mention_digest\""), 1);
    assert_non_null(strstr(peer_last(bob, "mention_digest"), "\"count\":8,\"senders\":[\"ada\",\"cy\"]"));
    assert_int_equal(peer_count(ada, "mention_digest") + peer_count(cy, "mention_digest"), 0);
    world_run(&k.w, 200000);
    assert_int_equal(peer_count(bob, "mention_digest"), 1);
    kept_world_end(&k);
}

static void who_is_named_twice_in_a_call_was_called_once(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.mention_pair_per_min = 1;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada"), *bob = kept_world_join(&k, "bob");
    peer_say(ada, CALL("01", "\"bob\"", "goes"));
    peer_say(ada, CALL("02", "\"bob\",\"BOB\"", "is held back"));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"code\":\"loop_guard\""));
    world_run(&k.w, 61000);
    assert_non_null(strstr(peer_last(bob, "mention_digest"), "\"count\":1,"));
    kept_world_end(&k);
}

static void a_refused_call_costs_the_pair_nothing(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.mentions_per_min_to_agent = 4;
    k.w.config.mention_pair_per_min = 2;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada"), *bob = kept_world_join(&k, "bob"), *cy = kept_world_join(&k, "cy"),
         *dan = kept_world_join(&k, "dan");
    call_often(ada, "bob", 1, 2, "");
    call_often(cy, "bob", 10, 2, "");
    call_often(dan, "bob", 20, 9, ""); /* the target's purse is empty: dan pays nothing */
    assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 4);
    world_run(&k.w, 31000); /* room for two again */
    call_often(dan, "bob", 40, 3, "");
    assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 6);
    kept_world_end(&k);
}

static void a_digest_survives_an_orderly_end_and_tells_of_private_things_to_members_alone(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.mention_pair_per_min = 2;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer_leave(kept_world_join(&k, "bob"));
    char id[SIDE_ID], more[SIDE_ID + 32];
    side_spawn(ada, "\"bob\"", ",\"visibility\":\"private\"", id);
    snprintf(more, sizeof more, ",\"sidebar_id\":\"%s\"", id);
    call_often(ada, "bob", 9001, 5, "");
    call_often(ada, "bob", 9020, 7, more);
    assert_int_equal(wsm_hub_shutdown(k.w.hub, NULL), 0);
    world_run(&k.w, 100);
    restart(&k, 0);
    peer *bob = kept_world_join(&k, "bob"), *eve = kept_world_join(&k, "eve");
    world_run(&k.w, 100);
    assert_int_equal(peer_count(bob, "\"type\":\"mention_digest\""), 2);
    assert_non_null(strstr(peer_last(bob, "\"count\":3"), "mention_digest"));
    assert_non_null(strstr(peer_last(bob, "\"count\":5"), id));
    assert_null(strstr(peer_last(bob, "\"count\":3"), id));
    assert_int_equal(peer_count(eve, "mention_digest"), 0);
    char mention[40];
    snprintf(mention, sizeof mention, "%s", line_get(peer_last(bob, "\"count\":5"), "message_id"));
    answer(bob, mention, "seen");
    assert_int_equal(peer_count(bob, "\"type\":\"error\""), 0);
    /* Who was removed meanwhile hears nothing of it. */
    ada = kept_world_join(&k, "ada");
    call_often(ada, "bob", 9060, 40, more);
    const char *said = peer_ask(ada, "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]", id);
    assert_string_equal(answer_of(said), "ack");
    peer_forget(bob);
    world_run(&k.w, 130000);
    assert_int_equal(peer_count(bob, id), 0);
    kept_world_end(&k);
}

static void a_chain_that_is_too_long_stays_too_long(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.hop_max = 1;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada"), *bob = kept_world_join(&k, "bob");
    call_often(ada, "bob", 1, 1, "");
    call_often(bob, "ada", 2, 1, ",\"cause\":\"00000000-0000-4000-8000-000000000001\"");
    call_often(ada, "bob", 3, 1, ",\"cause\":\"00000000-0000-4000-8000-000000000002\"");
    assert_non_null(strstr(peer_last(ada, "\"code\":\"loop_guard\""), "\"retry\":\"never\""));
    assert_null(strstr(peer_last(ada, "\"code\":\"loop_guard\""), "retry_after_ms"));
    world_run(&k.w, 61000);
    assert_non_null(strstr(peer_last(bob, "mention_digest"), "\"count\":1,\"senders\":[\"ada\"]"));
    kept_world_end(&k);
}

/* ---- the reproduction number ----------------------------------------------------------------------------------------
 */

typedef struct numbers {
    double all, main, side;
    int lines;
    const char *id;
} numbers;

static void take_number(void *user, const wsm_metric *metric) {
    numbers *n = user;
    if (strcmp(metric->name, "wsm_wake_reproduction") == 0) n->all = metric->value;
    if (strcmp(metric->name, "wsm_context_wake_reproduction") != 0) return;
    n->lines++;
    if (strcmp(metric->labels, "context=\"main\"") == 0) n->main = metric->value;
    if (strstr(metric->labels, n->id)) n->side = metric->value;
}

static numbers numbers_of(kept_world *k, const char *id) {
    numbers n = {.side = -1, .id = id};
    wsm_hub_metrics(k->w.hub, take_number, &n);
    return n;
}

/* In the first minute so many wakes without a cause, in the next so many with one, all about one context. */
static void wake(kept_world *k, const char *more, int without, int with) {
    char caused[2 * SIDE_ID];
    static int id = 5000;
    peer *ada = kept_world_join(k, "ada"), *bob = kept_world_join(k, "bob");
    int first = id;
    call_often(ada, "bob", id, without, more);
    id += without;
    snprintf(caused, sizeof caused, "%s,\"cause\":\"00000000-0000-4000-8000-%012d\"", more, first);
    world_run(&k->w, 60000);
    call_often(ada, "bob", id, with, caused);
    id += with;
    peer_leave(ada);
    peer_leave(bob);
}

static void wakes_caused_for_each_wake_are_counted_for_each_context(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.mention_pair_per_min = k.w.config.mentions_per_min_to_agent = 1000;
    kept_world_open(&k);
    peer_leave(kept_world_join(&k, "bob"));
    peer *ada = kept_world_join(&k, "ada");
    char id[SIDE_ID], hidden[SIDE_ID], more[SIDE_ID + 32];
    side_spawn(ada, "\"bob\"", "", id);
    side_spawn(ada, "\"bob\"", ",\"visibility\":\"private\"", hidden);
    peer_leave(ada);
    world_run(&k.w, 600000);                  /* the spawns' own wakes are out of the window */
    assert_true(numbers_of(&k, id).side < 0); /* nothing has happened there: no line */
    snprintf(more, sizeof more, ",\"sidebar_id\":\"%s\"", id);
    wake(&k, more, 8, 6); /* 6 / 8 */
    numbers n = numbers_of(&k, id);
    assert_true(n.side == 0.75 && n.main == 0 && n.all == 0.75);
    assert_int_equal(n.lines, 2);
    assert_int_equal(k.w.security, 0);
    snprintf(more, sizeof more, ",\"sidebar_id\":\"%s\"", hidden);
    world_run(&k.w, 600000);
    wake(&k, more, 8, 12); /* 12 / 8: warned of, and not named */
    n = numbers_of(&k, hidden);
    assert_int_equal(n.lines, 1);
    assert_true(n.side < 0 && n.main == 0 && n.all == 1.5);
    assert_true(k.w.security > 0);
    int warned = k.w.security;
    world_run(&k.w, 600000);
    n = numbers_of(&k, hidden);
    assert_true(n.all == 0 && n.lines == 1);
    wake(&k, "", 10, 10); /* exactly one */
    n = numbers_of(&k, id);
    assert_true(n.main == 1 && n.all == 1);
    assert_int_equal(k.w.security, warned + 2); /* of the context, and of all */
    kept_world_end(&k);
}

static void what_waits_in_the_queue_of_one_who_leaves_a_sidebar_about_it_goes_with_him(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    char id[SIDE_ID];
    peer *ada = kept_world_join(&k, "ada"), *bob = kept_world_join(&k, "bob");
    side_spawn(ada, "\"bob\"", ",\"visibility\":\"private\"", id);
    peer_forget(bob);
    bob->stalled = 1;
    peer_say(ada,
             "{\"type\":\"mention_route\",\"message_id\":\"" ID("01") "\",\"target_agents\":[\"bob\"],"
                                                                      "\"message\":\"a secret\",\"sidebar_id\":\"%s\"}",
             id);
    peer_say(ada, CALL("02", "\"bob\"", "no secret"));
    const char *said = peer_ask(ada, "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]", id);
    assert_string_equal(answer_of(said), "ack");
    bob->stalled = 0;
    peer_drain(bob);
    assert_int_equal(peer_count(bob, "a secret"), 0);
    assert_int_equal(peer_count(bob, "no secret"), 1);
    assert_int_equal(peer_count(bob, "sidebar_remove"), 1);
    assert_int_equal(peer_count(ada, "a secret"), 1); /* her own record stays hers */
    /* Whoever comes back finds it. */
    peer_ask(ada, "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"]", id);
    said = peer_ask(bob, "sidebar_join", "\"sidebar_id\":\"%s\"", id);
    assert_string_equal(answer_of(said), "ack");
    assert_int_equal(peer_count(bob, "a secret"), 1);
    kept_world_end(&k);
}

static void an_observer_is_neither_called_nor_calls(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    peer *eve = world_join(&k.w, "eve", WSM_PERMISSION_OBSERVER, NULL, 0);
    peer *ada = kept_world_join(&k, "ada");
    peer_say(ada, CALL("01", "\"eve\"", "x"));
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"code\":\"unknown_agent\""));
    peer_say(eve, CALL("02", "\"ada\"", "x"));
    assert_non_null(strstr(peer_last(eve, "\"type\":\"error\""), "\"code\":\"forbidden\""));
    kept_world_end(&k);
}

static void a_log_that_keeps_nothing_still_delivers_what_memory_has_trimmed(void **state) {
    (void)state;
    hub_world w;
    world_init(&w);
    w.config.history_records_max = 2;
    assert_int_equal(world_start(&w, NULL), 0);
    peer *ada = world_join(&w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    peer_leave(world_join(&w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0));
    for (int n = 1; n <= 9; n++)
        peer_say(ada, "{\"type\":\"mention_route\",\"target_agents\":[\"bob\"],\"message\":\"m%d\"}", n);
    peer *bob = world_join(&w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&w, 100);
    assert_int_equal(peer_count(bob, "mention_route"), 9);
    world_end(&w);
    assert_int_equal(w.mem.live, 0);
}

static void any_allocation_may_fail_and_each_mention_comes_once(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        kept_world k = {0};
        kept_world_begin(&k);
        peer *ada = kept_world_join(&k, "ada");
        peer_leave(kept_world_join(&k, "bob"));
        k.w.mem.fail_at = k.w.mem.calls + n;
        peer_say(ada, CALL("01", "\"bob\"", "one"));
        peer_say(ada, "{\"type\":\"memory_update\",\"message_id\":\"" ID("02") "\",\"exchange\":\"@bob two\"}");
        int failed = test_mem_has_failed(&k.w.mem);
        k.w.mem.fail_at = 0;
        world_run(&k.w, 2000);
        peer *zoe = kept_world_join(&k, "zoe"); /* who was refused, or cut, says it again */
        (void)zoe;
        ada = kept_world_join(&k, "ada");
        peer_say(ada, CALL("01", "\"bob\"", "one"));
        peer_say(ada, "{\"type\":\"memory_update\",\"message_id\":\"" ID("02") "\",\"exchange\":\"@bob two\"}");
        world_run(&k.w, 2000);
        peer *bob = kept_world_join(&k, "bob");
        world_run(&k.w, 2000);
        assert_int_equal(peer_count(bob, "\"message\":\"one\""), 1);
        assert_int_equal(peer_count(bob, "@bob two"), 1);
        kept_world_end(&k);
        if (!failed) break;
    }
}

static void an_agent_whose_card_found_no_memory_becomes_known_by_itself(void **state) {
    (void)state;
    int tried = 0;
    for (size_t n = 1;; n++) {
        kept_world k = {0};
        kept_world_begin(&k);
        peer *ada = kept_world_join(&k, "ada");
        k.w.mem.fail_at = k.w.mem.calls + n;
        peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
        int failed = test_mem_has_failed(&k.w.mem);
        k.w.mem.fail_at = 0;
        world_run(&k.w, 3000);
        if (bob && bob->conn && !bob->gone && bob->code == 0 && peer_count(bob, "\"type\":\"welcome\"") == 1) {
            peer_say(ada, CALL("01", "\"bob\"", "hello"));
            assert_int_equal(peer_count(bob, "hello"), 1);
            tried += failed;
        }
        kept_world_end(&k);
        if (!failed) break;
    }
    assert_true(tried > 0);
}

static void the_rest_of_a_group_that_is_too_large_gets_a_digest(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.mention_group_max = 2;
    kept_world_open(&k);
    peer *there[5];
    static const char *const names[] = {"bob", "cy", "dan", "eve", "flo"};
    for (int i = 0; i < 5; i++) there[i] = kept_world_join(&k, names[i]);
    world_run(&k.w, 10);
    assert_int_equal(
        host_ask(&k.w, NULL, "{\"type\":\"mention_route\",\"target_agents\":[\"here\"],\"message\":\"all of you\"}"),
        0);
    int called = 0, told = 0;
    for (int i = 0; i < 5; i++) called += peer_count(there[i], "all of you");
    assert_int_equal(called, 2);
    world_run(&k.w, 70000);
    for (int i = 0; i < 5; i++) {
        int digests = peer_count(there[i], "\"type\":\"mention_digest\"");
        assert_int_equal(peer_count(there[i], "all of you") + digests, 1); /* one or the other */
        told += digests;
    }
    assert_int_equal(told, 3);
    kept_world_end(&k);
}

static void a_group_is_those_with_the_specialty_now(void **state) {
    (void)state;
    kept_world k = {0};
    kept_world_begin(&k);
    wsm_slice skills[2] = {{"testing", 7}, {"rust", 4}};
    wsm_claims claims = world_claims(&k.w, "bob");
    claims.specialties = skills;
    claims.specialties_count = 2;
    peer *bob = world_join_as(&k.w, &claims, NULL, 0);
    peer *cy = kept_world_join(&k, "cy");
    assert_int_equal(
        host_ask(&k.w, NULL, "{\"type\":\"mention_route\",\"target_agents\":[\"role:rust\"],\"message\":\"r1\"}"), 0);
    assert_int_equal(peer_count(bob, "r1"), 1);
    assert_int_equal(peer_count(cy, "r1"), 0);
    peer_leave(bob);
    claims.specialties_count = 1;
    bob = world_join_as(&k.w, &claims, NULL, 0);
    assert_int_equal(
        host_ask(&k.w, NULL, "{\"type\":\"mention_route\",\"target_agents\":[\"role:rust\"],\"message\":\"r2\"}"),
        WSM_ERR_UNKNOWN_AGENT);
    assert_int_equal(
        host_ask(&k.w, NULL,
                 "{\"type\":\"mention_route\",\"target_agents\":[\"role:testing\",\"here\"],\"message\":\"r3\"}"),
        0);
    assert_int_equal(peer_count(bob, "r3"), 1);
    assert_int_equal(peer_count(cy, "r3"), 1);
    peer_leave(cy);
    world_run(&k.w, 60000);
    assert_int_equal(
        host_ask(&k.w, NULL, "{\"type\":\"mention_route\",\"target_agents\":[\"here\"],\"message\":\"r4\"}"), 0);
    assert_int_equal(peer_count(bob, "r4"), 1);
    cy = kept_world_join(&k, "cy");
    assert_int_equal(peer_count(cy, "r4"), 0);
    kept_world_end(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mention_reaches_who_is_there_and_its_sender_hears_how_far_it_is),
        cmocka_unit_test(what_finds_no_room_comes_as_soon_as_there_is),
        cmocka_unit_test(one_who_is_away_finds_it_when_he_comes_also_after_a_restart),
        cmocka_unit_test(what_a_resume_brings_is_not_brought_twice),
        cmocka_unit_test(a_live_update_is_its_own_delivery),
        cmocka_unit_test(it_goes_to_the_primary_or_to_the_backup_when_there_is_none),
        cmocka_unit_test(what_the_primary_may_not_read_goes_to_the_backup_once_that_is_gone),
        cmocka_unit_test(a_lease_that_ends_brings_it_again_and_age_ends_it),
        cmocka_unit_test(who_cannot_be_called_is_told_by_name),
        cmocka_unit_test(a_full_mailbox_is_told),
        cmocka_unit_test(agents_who_keep_waking_each_other_are_stopped),
        cmocka_unit_test(what_was_held_back_comes_later_as_one_digest),
        cmocka_unit_test(who_is_named_twice_in_a_call_was_called_once),
        cmocka_unit_test(a_refused_call_costs_the_pair_nothing),
        cmocka_unit_test(a_digest_survives_an_orderly_end_and_tells_of_private_things_to_members_alone),
        cmocka_unit_test(a_chain_that_is_too_long_stays_too_long),
        cmocka_unit_test(wakes_caused_for_each_wake_are_counted_for_each_context),
        cmocka_unit_test(an_agent_whose_card_found_no_memory_becomes_known_by_itself),
        cmocka_unit_test(a_group_is_those_with_the_specialty_now),
        cmocka_unit_test(the_rest_of_a_group_that_is_too_large_gets_a_digest),
        cmocka_unit_test(what_waits_in_the_queue_of_one_who_leaves_a_sidebar_about_it_goes_with_him),
        cmocka_unit_test(an_observer_is_neither_called_nor_calls),
        cmocka_unit_test(a_log_that_keeps_nothing_still_delivers_what_memory_has_trimmed),
        cmocka_unit_test(any_allocation_may_fail_and_each_mention_comes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
