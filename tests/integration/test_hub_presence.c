/* Presence through the public API: how often it changes, and what of the sidebars it shows to everybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "held_log.h"
#include "hub_world.h"
#include "side_talk.h"

#define OF_ADA "\"agent_id\":\"ada\""

static peer *join(hub_world *w, const char *agent) {
    return world_join(w, agent, WSM_PERMISSION_ACTIVE, NULL, 0);
}

static void begin(hub_world *w) {
    world_init(w);
    assert_int_equal(world_start(w, NULL), 0);
}

static void end(hub_world *w) {
    world_end(w);
    assert_int_equal(w->mem.live, 0);
}

static void the_newest_of_many_changes_goes_out_once_a_second(void **state) {
    (void)state;
    hub_world w;
    begin(&w);
    peer *bob = join(&w, "bob"), *ada = join(&w, "ada");
    for (int i = 0; i < 25; i++) {
        peer_say(ada, "{\"type\":\"agent_presence\",\"status\":\"%s\",\"note\":\"n%d\"}", i % 2 ? "idle" : "working",
                 i);
        world_run(&w, 100);
    }
    world_run(&w, 1000);
    assert_int_equal(peer_count(bob, OF_ADA), 4); /* online, and three seconds of changes */
    assert_non_null(strstr(peer_last(bob, OF_ADA), "\"note\":\"n24\""));
    assert_non_null(strstr(peer_last(bob, OF_ADA), "\"sender_agent_id\":\"ada\""));
    world_run(&w, 60000);
    assert_int_equal(peer_count(bob, OF_ADA), 4);
    end(&w);
}

static void a_change_that_is_taken_back_in_time_is_never_told(void **state) {
    (void)state;
    hub_world w;
    begin(&w);
    peer *bob = join(&w, "bob"), *ada = join(&w, "ada");
    peer_say(ada, "{\"type\":\"agent_presence\",\"status\":\"working\"}");
    peer_say(ada, "{\"type\":\"agent_presence\",\"status\":\"online\"}");
    world_run(&w, 5000);
    assert_int_equal(peer_count(bob, OF_ADA), 1);
    end(&w);
}

static void who_comes_and_goes_at_once_is_told_of_once_a_second_and_in_turns(void **state) {
    (void)state;
    hub_world w;
    world_init(&w);
    w.config.presence_grace_ms = 0;
    assert_int_equal(world_start(&w, NULL), 0);
    peer *bob = join(&w, "bob");
    for (int i = 0; i < 20; i++) {
        peer *ada = join(&w, "ada");
        world_run(&w, 10);
        peer_leave(ada);
        world_run(&w, 90);
    }
    world_run(&w, 3000);
    int online = peer_count(bob, OF_ADA ",\"status\":\"online\""), all = peer_count(bob, OF_ADA);
    int offline = peer_count(bob, OF_ADA ",\"status\":\"offline\"");
    assert_true(all <= 5);
    assert_int_equal(online, offline);
    assert_int_equal(online + offline, all);
    assert_non_null(strstr(peer_last(bob, OF_ADA), "\"status\":\"offline\""));
    end(&w);
}

static void who_comes_back_as_soon_as_he_was_told_gone_is_told_of_an_interval_later(void **state) {
    (void)state;
    hub_world w;
    world_init(&w);
    w.config.presence_grace_ms = 0;
    assert_int_equal(world_start(&w, NULL), 0);
    peer *bob = join(&w, "bob"), *ada = join(&w, "ada");
    world_run(&w, 5000);
    peer_leave(ada);
    world_run(&w, 30);
    assert_non_null(strstr(peer_last(bob, OF_ADA), "\"status\":\"offline\""));
    join(&w, "ada");
    world_run(&w, 900);
    assert_int_equal(peer_count(bob, OF_ADA), 2);
    world_run(&w, 100);
    assert_int_equal(peer_count(bob, OF_ADA), 3);
    assert_non_null(strstr(peer_last(bob, OF_ADA), "\"status\":\"online\""));
    end(&w);
}

static void what_an_agent_says_of_itself_stays_also_when_there_was_no_memory_for_its_coming(void **state) {
    (void)state;
    int tried = 0;
    for (size_t n = 1;; n++) {
        hub_world w;
        begin(&w);
        peer *bob = join(&w, "bob");
        w.mem.fail_at = w.mem.calls + n;
        peer *ada = join(&w, "ada");
        int failed = test_mem_has_failed(&w.mem);
        w.mem.fail_at = 0;
        if (ada->conn && !ada->gone && peer_count(ada, "\"type\":\"welcome\"") == 1) {
            peer_say(ada, "{\"type\":\"agent_presence\",\"status\":\"working\",\"note\":\"mine\"}");
            world_run(&w, 5000);
            assert_non_null(strstr(peer_last(bob, OF_ADA), "\"note\":\"mine\""));
            assert_non_null(strstr(peer_last(bob, OF_ADA), "\"availability\":\"available\""));
            tried += failed;
        }
        end(&w);
        if (!failed) break;
    }
    assert_true(tried > 0);
}

static void sidebars_and_load_are_counted_by_the_hub_and_private_ones_are_not_shown(void **state) {
    (void)state;
    hub_world w;
    char open_id[SIDE_ID], private_id[SIDE_ID];
    begin(&w);
    peer *eve = join(&w, "eve"), *ada = join(&w, "ada");
    side_spawn(ada, "", ",\"visibility\":\"private\"", private_id);
    world_run(&w, 5000);
    assert_int_equal(peer_count(eve, OF_ADA), 1); /* online */
    side_spawn(ada, "", "", open_id);
    world_run(&w, 5000);
    assert_int_equal(peer_count(eve, OF_ADA), 2);
    const char *last = peer_last(eve, OF_ADA);
    assert_non_null(strstr(last, open_id));
    assert_null(strstr(last, private_id));
    assert_non_null(strstr(last, "\"current_load\":1"));
    peer_say(ada,
             "{\"type\":\"agent_presence\",\"status\":\"working\",\"active_sidebars\":[\"%s\",\"sb-none\"],"
             "\"current_context\":\"%s\"}",
             private_id, open_id);
    last = peer_last(eve, OF_ADA);
    assert_null(strstr(last, private_id));
    assert_null(strstr(last, "sb-none"));
    assert_non_null(strstr(last, "\"current_context\":\"sb-"));
    peer_ask(ada, "sidebar_status_update", "\"sidebar_id\":\"%s\",\"new_status\":\"failed\",\"reason\":\"r\"", open_id);
    world_run(&w, 5000);
    last = peer_last(eve, OF_ADA);
    assert_non_null(strstr(last, "\"active_sidebars\":[]"));
    assert_non_null(strstr(last, "\"current_load\":0"));
    peer_ask(eve, "agent_list", "%s", "");
    assert_null(strstr(eve->text, private_id));
    end(&w);
}

static void a_secret_context_looks_like_one_that_does_not_exist(void **state) {
    (void)state;
    hub_world w;
    char id[SIDE_ID];
    begin(&w);
    peer *eve = join(&w, "eve"), *ada = join(&w, "ada");
    side_spawn(ada, "", ",\"visibility\":\"private\"", id);
    world_run(&w, 1000);
    peer_say(ada, "{\"type\":\"agent_presence\",\"status\":\"online\",\"current_context\":\"%s\"}", id);
    world_run(&w, 1000);
    assert_null(strstr(peer_last(eve, OF_ADA), "current_context"));
    int told = peer_count(eve, OF_ADA);
    peer_say(ada, "{\"type\":\"agent_presence\",\"status\":\"online\",\"current_context\":\"sb-none\"}");
    world_run(&w, 1000); /* nothing that shows has changed */
    assert_int_equal(peer_count(eve, OF_ADA), told);
    const char *answer = peer_ask(eve, "agent_list", "\"filter\":{\"context\":\"%s\"}", id);
    assert_non_null(strstr(answer, "{\"agents\":[]}"));
    answer = peer_ask(eve, "agent_list", "%s", "\"filter\":{\"context\":\"main\"}");
    assert_non_null(strstr(answer, "\"eve\""));
    assert_null(strstr(answer, "\"ada\""));
    end(&w);
}

static char intakes[1024];

static void note_intake(void *user, const wsm_intake *intake) {
    size_t len = strlen(intakes);
    (void)user;
    assert_true(intake->offset > 0);
    snprintf(intakes + len, sizeof intakes - len, "%.*s %d %.*s;", (int)intake->agent_id.len, intake->agent_id.ptr,
             (int)intake->kind, (int)intake->specialties.len, intake->specialties.ptr);
}

static void note_audit(void *user, const wsm_event *event) {
    size_t len = strlen(intakes);
    (void)user;
    if (strcmp(event->name, "agent_intake") != 0) return;
    snprintf(intakes + len, sizeof intakes - len, "audit %.*s;", (int)event->agent_id.len, event->agent_id.ptr);
}

static void the_host_hears_of_new_agents_and_of_changed_cards_once(void **state) {
    (void)state;
    hub_world w;
    intakes[0] = '\0';
    world_init(&w);
    w.host.on_intake = note_intake;
    w.host.on_audit = note_audit;
    assert_int_equal(world_start(&w, NULL), 0);
    peer_leave(world_join_skilled(&w, "ada", "tests"));
    peer_leave(world_join_skilled(&w, "ada", "tests")); /* nothing new */
    peer_leave(world_join_skilled(&w, "ada", "code"));
    world_join(&w, "eve", WSM_PERMISSION_OBSERVER, NULL, 0); /* takes no part */
    assert_string_equal(intakes, "audit ada;ada 0 [\"tests\"];audit ada;ada 0 [\"code\"];");
    end(&w);
}

/* On a log that keeps when it is told to, with a host that notes what it hears of new agents. */
static void begin_held(hub_world *w, held_log *held) {
    wsm_log log = held_log_of(held);
    intakes[0] = '\0';
    world_init(w);
    w->host.on_intake = note_intake;
    assert_int_equal(world_start(w, &log), 0);
    world_run(w, 5);
}

static void keep_all(hub_world *w, held_log *held) {
    while (held->count > 0) {
        held_log_keep(held);
        world_run(w, 5);
    }
}

/* A card that the log has not taken is written once more, by the first command after a while. */
static void a_card_that_is_written_again_says_the_same(void **state) {
    (void)state;
    hub_world w;
    held_log held = {0};
    begin_held(&w, &held);
    peer *ada = world_join_skilled(&w, "ada", "tests");
    world_run(&w, 1500);
    held_log_fail(&held);
    peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":\"mine\"}");
    host_ask(&w, "ada", "{\"type\":\"memory_update\",\"exchange\":\"hers\"}");
    keep_all(&w, &held);
    assert_non_null(peer_last(ada, "hers"));
    assert_non_null(strstr(intakes, "ada 0 [\"tests\"];"));
    assert_null(strstr(intakes, "[]"));
    end(&w);
    held_log_free(&held);
}

static void a_card_that_changes_while_the_first_is_on_its_way_is_told_of(void **state) {
    (void)state;
    hub_world w;
    held_log held = {0};
    begin_held(&w, &held);
    peer_leave(world_join_skilled(&w, "ada", "tests"));
    world_run(&w, 100);
    world_join_skilled(&w, "ada", "code");
    keep_all(&w, &held);
    assert_string_equal(intakes, "ada 0 [\"tests\"];");
    world_run(&w, 3000);
    keep_all(&w, &held);
    assert_non_null(strstr(intakes, "ada 0 [\"code\"];"));
    world_run(&w, 3000);
    assert_int_equal(held.count, 0); /* it is not written for ever */
    end(&w);
    held_log_free(&held);
}

/* Its own card is on its way yet, and its connection has gone. */
static void an_agent_that_the_host_vouches_for_keeps_its_card(void **state) {
    (void)state;
    hub_world w;
    held_log held = {0};
    begin_held(&w, &held);
    peer_leave(world_join_skilled(&w, "ada", "tests"));
    world_run(&w, 1500);
    peer *eve = world_join(&w, "eve", WSM_PERMISSION_OBSERVER, NULL, 0);
    host_ask(&w, "ada", "{\"type\":\"memory_update\",\"exchange\":\"hers\"}");
    host_ask(&w, "bob", "{\"type\":\"memory_update\",\"exchange\":\"his\"}");
    keep_all(&w, &held);
    assert_non_null(peer_last(eve, "hers"));
    assert_non_null(strstr(intakes, "ada 0 [\"tests\"];"));
    assert_null(strstr(intakes, "ada 0 []"));
    assert_non_null(strstr(intakes, "bob 0 [];"));
    end(&w);
    held_log_free(&held);
}

/* Found by the fuzz target api_calls: the transport ends inside the callback that tells of the connection. */
static wsm_conn *opened;

static void note_state(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state to, uint16_t close_code) {
    (void)user, (void)conn_user, (void)to, (void)close_code;
    opened = conn;
}

static void end_at_audit(void *user, const wsm_event *event) {
    (void)user;
    if (strcmp(event->name, "conn_open") == 0) wsm_conn_closed(opened);
}

static void a_host_may_end_a_connection_when_it_hears_of_it(void **state) {
    (void)state;
    hub_world w;
    world_init(&w);
    w.host.on_conn_state = note_state;
    w.host.on_audit = end_at_audit;
    assert_int_equal(world_start(&w, NULL), 0);
    peer *ada = world_join(&w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    ada->conn = NULL;
    assert_int_equal(peer_count(ada, "welcome"), 0);
    world_run(&w, 1000);
    end(&w);
}

static void note_coming(void *user, const wsm_event *event) {
    size_t len = strlen(intakes);
    (void)user;
    if (strncmp(event->name, "conn_", 5) != 0) return;
    snprintf(intakes + len, sizeof intakes - len, "%s %.*s: %.*s;", event->name + 5, (int)event->agent_id.len,
             event->agent_id.ptr, (int)event->detail.len, event->detail.ptr);
}

/* Whoever reads the audit trail knows at any time who is connected. */
static void every_coming_has_its_going_in_the_audit_trail(void **state) {
    (void)state;
    hub_world w;
    intakes[0] = '\0';
    world_init(&w);
    w.host.on_audit = note_coming;
    assert_int_equal(world_start(&w, NULL), 0);
    wsm_conn_closed(world_join(&w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0)->conn); /* a cable is pulled */
    w.peers[0].conn = NULL;
    peer *bob = &w.peers[w.peers_count++]; /* who answers a close as RFC 6455 says */
    wsm_claims claims = world_claims(&w, "bob");
    wsm_peer how;
    wsm_peer_init(&how, sizeof how);
    how.kind = WSM_PEER_WEBSOCKET;
    how.claims = &claims;
    bob->world = &w;
    assert_int_equal(wsm_conn_new(&bob->conn, w.hub, &how, bob), 0);
    assert_int_equal(wsm_conn_close(bob->conn, 1008, "enough"), 0);
    assert_int_equal(wsm_conn_recv(bob->conn, "\x88\x82\0\0\0\0\x03\xf0", 8), WSM_ERR_CLOSED);
    world_run(&w, 1000);
    world_join(&w, "cy", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_join(&w, "cy", WSM_PERMISSION_ACTIVE, NULL, 0);
    assert_int_equal(wsm_hub_shutdown(w.hub, NULL), 0);
    world_run(&w, 1000);
    assert_string_equal(intakes, "open ada: first visit;close ada: cut;open bob: first visit;close bob: policy;"
                                 "open cy: first visit;close cy: superseded;open cy: first visit;close cy: shutdown;");
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_of_many_changes_goes_out_once_a_second),
        cmocka_unit_test(a_change_that_is_taken_back_in_time_is_never_told),
        cmocka_unit_test(who_comes_and_goes_at_once_is_told_of_once_a_second_and_in_turns),
        cmocka_unit_test(who_comes_back_as_soon_as_he_was_told_gone_is_told_of_an_interval_later),
        cmocka_unit_test(what_an_agent_says_of_itself_stays_also_when_there_was_no_memory_for_its_coming),
        cmocka_unit_test(sidebars_and_load_are_counted_by_the_hub_and_private_ones_are_not_shown),
        cmocka_unit_test(the_host_hears_of_new_agents_and_of_changed_cards_once),
        cmocka_unit_test(a_card_that_is_written_again_says_the_same),
        cmocka_unit_test(a_card_that_changes_while_the_first_is_on_its_way_is_told_of),
        cmocka_unit_test(an_agent_that_the_host_vouches_for_keeps_its_card),
        cmocka_unit_test(a_host_may_end_a_connection_when_it_hears_of_it),
        cmocka_unit_test(every_coming_has_its_going_in_the_audit_trail),
        cmocka_unit_test(a_secret_context_looks_like_one_that_does_not_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
