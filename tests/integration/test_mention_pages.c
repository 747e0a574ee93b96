/* Deliveries that have to be read back from the log, by pages that take their time, and queues that have no room when
 * one comes: each reaches its target once, nobody is cut for it, and nobody is told that it came when it did not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kept_log.h"
#include "side_talk.h"

typedef struct room {
    hub_world w;
    kept_log kept;
    wsm_log log;
    peer *ada;
} room;

static void start(room *r, uint32_t messages, uint32_t bytes) {
    r->log = kept_log_of(&r->kept);
    world_init(&r->w);
    r->w.config.history_records_max = 1; /* what was said before the last has left memory */
    r->w.config.queue_messages_agent = messages;
    if (bytes) r->w.config.queue_bytes_max = bytes;
    assert_int_equal(world_start(&r->w, &r->log), 0);
    r->ada = world_join(&r->w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r->w, 50);
}

static void open_room(room *r, uint32_t messages) {
    memset(r, 0, sizeof *r);
    start(r, messages, 0);
    peer_leave(world_join(&r->w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0));
    world_run(&r->w, 50);
}

static void close_room(room *r) {
    world_end(&r->w);
    assert_int_equal(r->w.mem.live, 0);
    kept_log_free(&r->kept);
}

static void call_bob(room *r, int n) {
    peer_say(r->ada, "{\"type\":\"mention_route\",\"target_agents\":[\"bob\"],\"message\":\"m%d\"}", n);
}

/* While the page is read, other things fill the queue of a slow reader. */
static void a_page_that_fits_no_more_waits_for_room(void **state) {
    (void)state;
    room r;
    open_room(&r, 2);
    call_bob(&r, 1);
    call_bob(&r, 2);
    r.kept.holds_pages = 1;
    peer *bob = world_join(&r.w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    assert_int_equal(r.kept.held_count, 1);
    bob->stalled = 1;
    for (int i = 0; i < 2; i++) peer_say(r.ada, "{\"type\":\"memory_update\",\"exchange\":\"fills %d\"}", i);
    r.kept.holds_pages = 0;
    kept_log_answer(&r.kept, 0);
    world_run(&r.w, 50);
    assert_int_equal(bob->gone, 0);
    assert_int_equal(bob->code, 0);
    assert_int_equal(peer_count(bob, "\"type\":\"mention_route\""), 0);
    assert_int_equal(peer_count(r.ada, "\"state\":\"delivered\""), 0);
    bob->stalled = 0;
    peer_drain(bob);
    world_run(&r.w, 50);
    assert_int_equal(peer_count(bob, "fills"), 2);
    assert_int_equal(peer_count(bob, "\"message\":\"m1\""), 1);
    assert_int_equal(peer_count(bob, "\"message\":\"m2\""), 1);
    assert_int_equal(peer_count(r.ada, "\"state\":\"delivered\""), 2);
    close_room(&r);
}

/* Both have asked for the same record by then. */
static void what_the_backup_has_asked_for_goes_out_once_though_the_primary_comes(void **state) {
    (void)state;
    for (int first = 0; first < 2; first++) {
        room r;
        open_room(&r, 200);
        call_bob(&r, 1);
        call_bob(&r, 2);
        r.kept.holds_pages = 1;
        peer *backup = world_join_for(&r.w, "bob", WSM_PURPOSE_BACKUP);
        peer *primary = world_join_for(&r.w, "bob", WSM_PURPOSE_PRIMARY);
        assert_int_equal(r.kept.held_count, 2);
        r.kept.holds_pages = 0;
        kept_log_answer(&r.kept, first);
        kept_log_answer(&r.kept, 1 - first);
        world_run(&r.w, 50);
        for (int n = 1; n <= 2; n++) {
            char part[32];
            snprintf(part, sizeof part, "\"message\":\"m%d\"", n);
            assert_int_equal(peer_count(backup, part) + peer_count(primary, part), 1);
        }
        assert_int_equal(peer_count(r.ada, "\"state\":\"delivered\""), 2);
        close_room(&r);
    }
}

/* It was kept when queues were larger. Whoever was cut for it would come back, and meet it again. */
static void what_is_larger_than_the_queue_comes_alone(void **state) {
    (void)state;
    room r;
    char pad[7001], epoch[17];
    memset(pad, 'x', sizeof pad - 1);
    pad[sizeof pad - 1] = '\0';
    open_room(&r, 200);
    uint64_t before = wsm_hub_position(r.w.hub, epoch);
    assert_string_equal(answer_of(peer_ask(r.ada, "memory_update", "\"exchange\":\"@bob %s\"", pad)), "ack");
    assert_string_equal(answer_of(peer_ask(r.ada, "memory_update", "\"exchange\":\"and %s\"", pad)), "ack");
    world_end(&r.w);
    start(&r, 200, 8192);
    peer *bob = world_join(&r.w, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&r.w, 50);
    assert_int_equal(bob->code, 0);
    assert_int_equal(peer_count(bob, "@bob"), 1);
    assert_int_equal(peer_count(r.ada, "\"state\":\"delivered\""), 1);
    peer *cy = world_join(&r.w, "cy", WSM_PERMISSION_ACTIVE, epoch, before);
    world_run(&r.w, 50);
    assert_int_equal(cy->code, 0);
    assert_int_equal(peer_count(cy, "@bob"), 1);
    assert_int_equal(peer_count(cy, "and x"), 1);
    assert_int_equal(peer_count(cy, "\"type\":\"replay_end\""), 1);
    close_room(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_that_fits_no_more_waits_for_room),
        cmocka_unit_test(what_the_backup_has_asked_for_goes_out_once_though_the_primary_comes),
        cmocka_unit_test(what_is_larger_than_the_queue_comes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
