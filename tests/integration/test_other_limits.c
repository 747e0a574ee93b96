/* The state is the fold of the records, however the hub that folds them is configured: what one hub has let pass, or
 * refused, another one with narrower or wider limits lets pass or refuses too. */
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

typedef struct room {
    hub_world w;
    kept_log kept;
    wsm_log log;
    peer *ada, *bob;
} room;

typedef void (*limits)(wsm_config *config);

static void usual(wsm_config *config) {
    (void)config;
}

static void narrow(wsm_config *config) {
    config->mailbox_messages_max = 2;
    config->mailbox_bytes_max = 2000;
    config->mention_lease_ms = 7000;
    config->sidebars_per_creator = 2;
    config->sidebar_participants_max = 3;
    config->data_refs_max = 2;
    config->sidebar_depth_max = 2;
    config->dedup_window_ms = 3000;
    config->dedup_ids_max = 6;
}

static void tiny(wsm_config *config) {
    narrow(config);
    config->mailbox_messages_max = config->sidebars_per_creator = config->data_refs_max = 1;
    config->sidebar_participants_max = 2;
    config->sidebar_depth_max = 1;
    config->mention_lease_ms = 1000;
    config->dedup_window_ms = 500;
    config->dedup_ids_max = 1;
}

static void open_room(room *r, limits set) {
    r->log = kept_log_of(&r->kept);
    memset(&r->w, 0, sizeof r->w);
    world_init(&r->w);
    set(&r->w.config);
    assert_int_equal(world_start(&r->w, &r->log), 0);
    world_run(&r->w, 5);
}

static void close_room(room *r) {
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
}

/* An update under an id of its own, which may be one that was used before. */
static void say_as(peer *p, unsigned id, int exchange) {
    char text[200];
    snprintf(text, sizeof text,
             "{\"type\":\"memory_update\",\"message_id\":\"10000000-0000-4000-8000-%012u\",\"exchange\":%d}", id,
             exchange);
    wsm_conn_recv(p->conn, text, strlen(text));
    world_run(p->world, 2);
}

/* Ids that come again: while they are known, when time has passed, and when others have come between. */
static void repeat_ids(room *r) {
    for (unsigned i = 0; i < 4; i++) say_as(r->ada, i, 1);
    for (unsigned i = 0; i < 4; i++) say_as(r->ada, i, 1);
    world_run(&r->w, 1000);
    for (unsigned i = 0; i < 2; i++) say_as(r->ada, i, 1);
    world_run(&r->w, 4000);
    for (unsigned i = 0; i < 2; i++) say_as(r->ada, i, 1);
    for (unsigned i = 10; i < 20; i++) say_as(r->ada, i, 1);
    for (unsigned i = 10; i < 12; i++) say_as(r->ada, i, 1);
    peer_ask(r->ada, "sidebar_spawn", "\"participants\":[],\"task\":\"t\"");
}

/* Enough of everything to run into each of the limits. */
static void live(room *r) {
    char side[SIDE_ID] = "", below[SIDE_ID];
    r->ada = world_join(&r->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    r->bob = world_join(&r->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_join(&r->w, "cy", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_join(&r->w, "dot", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r->w, 5);
    for (int i = 0; i < 4; i++) {
        const char *answer = peer_ask(r->ada, "mention_route", "\"target_agents\":[\"bob\",\"cy\"],\"message\":\"m\"");
        if (i == 0)
            peer_ask(r->bob, "mention_ack", "\"mention_id\":\"%s\",\"state\":\"working\"",
                     line_get(answer, "original_message_id"));
        peer_ask(r->ada, "data_ref", "\"name\":\"n%d\",\"value\":%d", i, i);
        side_spawn(r->ada, "\"bob\",\"cy\"", "", below);
        if (i == 0) snprintf(side, sizeof side, "%s", below);
        peer_ask(r->bob, "memory_update", "\"exchange\":\"see @ada\"");
    }
    peer_ask(r->bob, "sidebar_child_spawn",
             "\"parent_sidebar_id\":\"%s\",\"sub_task_description\":\"t\",\"assigned_agents\":[]", side);
    peer_ask(r->ada, "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"dot\"]", side);
    repeat_ids(r);
    world_run(&r->w, 50);
}

/* The state as text: what the hub saves when it ends. */
static char *state_of(room *r, limits set) {
    r->kept.no_snapshots = 1;
    open_room(r, set);
    wsm_shutdown how;
    wsm_shutdown_init(&how, sizeof how);
    assert_int_equal(wsm_hub_shutdown(r->w.hub, &how), 0);
    world_run(&r->w, 20000);
    close_room(r);
    assert_non_null(r->kept.snapshot);
    char *text = malloc(r->kept.snapshot_len + 1);
    assert_non_null(text);
    memcpy(text, r->kept.snapshot, r->kept.snapshot_len);
    text[r->kept.snapshot_len] = '\0';
    return text;
}

static void assert_folds_alike(limits written_by) {
    static const limits others[] = {usual, narrow, tiny};
    static room r;
    memset(&r, 0, sizeof r);
    open_room(&r, written_by);
    live(&r);
    close_room(&r);
    size_t count = r.kept.count;
    char *first = state_of(&r, written_by);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char *text = state_of(&r, others[i]);
        assert_int_equal(r.kept.count, count); /* the hub had nothing to add */
        assert_string_equal(first, text);
        free(text);
    }
    free(first);
    kept_log_free(&r.kept);
}

static void a_log_written_by_the_usual_limits_is_folded_alike_by_all(void **state) {
    (void)state;
    assert_folds_alike(usual);
}

static void a_log_written_by_narrow_limits_is_folded_alike_by_all(void **state) {
    (void)state;
    assert_folds_alike(narrow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_written_by_the_usual_limits_is_folded_alike_by_all),
        cmocka_unit_test(a_log_written_by_narrow_limits_is_folded_alike_by_all),
    };
    return cmocka_run_group_tests_name("hub/other_limits", tests, NULL, NULL);
}
