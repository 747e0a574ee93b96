/* memory/log and memory/dedup: numbers, retention, what is void, and which ids are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "memory/dedup.h"
#include "memory/log.h"
#include "wsm/error.h"

static const wsm_slice none = {NULL, 0};
static const unsigned char seed[16] = "0123456789abcde";

typedef struct fixture {
    test_mem host;
    wsm__mem mem;
    wsm__log log;
    wsm__context *main, *side;
} fixture;

static void open_log(fixture *f, wsm__log_limits limits) {
    *f = (fixture){.host = {0}};
    wsm__mem_init(&f->mem, test_alloc, &f->host, 0);
    wsm__log_init(&f->log, &f->mem, seed, &limits);
    assert_int_equal(wsm__log_context_new(&f->log, wsm__slice_str("main"), &f->main), 0);
    assert_int_equal(wsm__log_context_new(&f->log, wsm__slice_str("side"), &f->side), 0);
}

static void close_log(fixture *f) {
    wsm__log_fini(&f->log);
    assert_int_equal(f->host.live, 0);
}

static int add(fixture *f, wsm__context *context, uint64_t offset, uint64_t expected, int64_t time) {
    wsm__frame *frame = wsm__frame_of(&f->mem, 1, "{}", 2, NULL);
    if (!frame) return WSM_ERR_NOMEM;
    wsm__record_head head = {.expected_seq = expected};
    uint64_t room;
    uint64_t seq = wsm__log_number(&f->log, context, &(wsm__log_claim){.head = &head}, &room);
    wsm__log_item item = {.context = context,
                          .offset = offset,
                          .seq = seq,
                          .room = room,
                          .expected = expected,
                          .time_ms = time,
                          .priority = WSM_PRIORITY_NORMAL,
                          .frame = frame};
    int err = wsm__log_add(&f->log, &item);
    wsm__frame_unref(frame);
    return err;
}

static void each_context_counts_for_itself(void **state) {
    (void)state;
    fixture f;
    open_log(&f, (wsm__log_limits){0});
    for (uint64_t o = 1; o <= 6; o++) assert_int_equal(add(&f, o % 3 ? f.main : f.side, o, 0, 0), 0);
    assert_int_equal(f.main->seq, 4);
    assert_int_equal(f.side->seq, 2);
    assert_int_equal(wsm__log_next(&f.log, 2)->offset, 3);
    assert_int_equal(wsm__log_next(&f.log, 3)->seq, 3);
    assert_null(wsm__log_next(&f.log, 6));
    close_log(&f);
}

static void a_busy_context_is_trimmed_and_a_quiet_one_is_not(void **state) {
    (void)state;
    fixture f;
    open_log(&f, (wsm__log_limits){.records_max = 10});
    add(&f, f.side, 1, 0, 0);
    for (uint64_t o = 2; o <= 2000; o++) assert_int_equal(add(&f, f.main, o, 0, 0), 0);
    assert_int_equal(f.main->count, 10);
    assert_int_equal(f.main->trimmed_to, 1990);
    assert_int_equal(f.main->trimmed_to_seq, 1989);
    assert_int_equal(wsm__log_next(&f.log, 0)->offset, 1); /* the quiet one is still there */
    assert_int_equal(wsm__log_next(&f.log, 1)->offset, 1991);
    assert_true(f.log.slots.count < 200); /* holes do not pile up */
    close_log(&f);
}

static void bytes_and_age_trim_as_well_but_the_newest_stays(void **state) {
    (void)state;
    fixture f;
    open_log(&f, (wsm__log_limits){.bytes_max = 1, .age_s = 10});
    for (uint64_t o = 1; o <= 5; o++) add(&f, f.main, o, 0, (int64_t)o * 1000);
    assert_int_equal(f.main->count, 1);
    assert_false(wsm__log_trim_aged(&f.log, 15000, 100));
    assert_int_equal(f.main->count, 1);
    assert_false(wsm__log_trim_aged(&f.log, 15001, 100));
    assert_int_equal(f.main->count, 0);
    assert_int_equal(f.main->trimmed_to, 5);
    assert_int_equal(f.log.bytes, 0);
    close_log(&f);
}

static void a_head_that_ran_ahead_is_numbered_without_a_hole_also_when_read_back(void **state) {
    (void)state;
    fixture f;
    open_log(&f, (wsm__log_limits){0});
    add(&f, f.main, 1, 1, 0);
    add(&f, f.main, 2, 3, 0); /* the append that expected 2 has failed */
    add(&f, f.main, 3, 4, 0);
    add(&f, f.main, 4, 4, 0); /* and this one was written after that was known */
    assert_int_equal(f.main->seq, 4);
    assert_int_equal(wsm__log_number_at(f.main, 1, 1), 1);
    assert_int_equal(wsm__log_number_at(f.main, 2, 3), 2);
    assert_int_equal(wsm__log_number_at(f.main, 3, 4), 3);
    assert_int_equal(wsm__log_number_at(f.main, 4, 4), 4);
    close_log(&f);
}

static void a_corrupt_record_leaves_its_number_and_a_refused_one_takes_none(void **state) {
    (void)state;
    fixture f;
    open_log(&f, (wsm__log_limits){0});
    add(&f, f.main, 1, 1, 0);
    assert_int_equal(wsm__log_add_void(&f.log, &(wsm__void){2, true, true}, false), 0);
    assert_int_equal(wsm__log_add_void(&f.log, &(wsm__void){.offset = 3}, false), 0);
    add(&f, f.main, 4, 3, 0); /* its writer knew of the one that is broken now */
    assert_int_equal(f.main->seq, 3);
    assert_true(wsm__log_is_void(&f.log, 2));
    assert_true(wsm__log_is_void(&f.log, 3));
    assert_false(wsm__log_is_void(&f.log, 4));
    assert_int_equal(wsm__log_next_corrupt(&f.log, 0), 2);
    assert_int_equal(wsm__log_next_corrupt(&f.log, 2), 0);
    close_log(&f);
}

static void without_memory_nothing_is_half_added(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        fixture f;
        open_log(&f, (wsm__log_limits){.records_max = 4});
        f.host.fail_at = f.host.calls + n;
        for (uint64_t o = 1; o <= 12; o++) {
            uint64_t seq = f.main->seq, applied = f.log.applied;
            if (add(&f, f.main, o, o + o / 5, 0) == 0) continue;
            assert_int_equal(f.main->seq, seq);
            assert_int_equal(f.log.applied, applied);
            assert_int_equal(add(&f, f.main, o, o + o / 5, 0), 0);
        }
        assert_int_equal(f.main->seq, 12);
        bool failed = test_mem_has_failed(&f.host);
        close_log(&f);
        if (!failed) break;
    }
}

/* ---- ids ------------------------------------------------------------------------------------------------------------
 */

static const unsigned char *id_of(unsigned n) {
    static unsigned char id[16];
    memcpy(id, &n, sizeof n);
    return id;
}

static void an_id_is_known_for_the_window_and_to_its_sender_only(void **state) {
    (void)state;
    fixture f = {.host = {0}};
    wsm__dedup dedup;
    unsigned char digest[WSM__DIGEST_LEN] = {9};
    wsm_slice ada = wsm__slice_str("ada"), bob = wsm__slice_str("bob");
    wsm__mem_init(&f.mem, test_alloc, &f.host, 0);
    wsm__dedup_init(&dedup, &f.mem, seed, 1000, 0);
    assert_int_equal(wsm__dedup_add(&dedup, ada, id_of(1), digest, 7, 5000, none), 0);
    assert_int_equal(wsm__dedup_find(&dedup, ada, id_of(1), 6000)->offset, 7);
    assert_memory_equal(wsm__dedup_find(&dedup, ada, id_of(1), 6000)->digest, digest, sizeof digest);
    assert_null(wsm__dedup_find(&dedup, ada, id_of(1), 6001));
    assert_null(wsm__dedup_find(&dedup, bob, id_of(1), 5000));
    assert_int_equal(wsm__dedup_add(&dedup, ada, id_of(1), NULL, 8, 7000, none), 0); /* out of the window: new again */
    assert_int_equal(wsm__dedup_count(&dedup), 1);
    assert_non_null(wsm__dedup_find(&dedup, ada, id_of(1), 1)); /* a clock that goes back does not revive or forget */
    wsm__dedup_expire(&dedup, 9000);
    assert_int_equal(wsm__dedup_count(&dedup), 0);
    wsm__dedup_fini(&dedup);
    assert_int_equal(f.host.live, 0);
}

static void one_sender_cannot_push_out_the_ids_of_another(void **state) {
    (void)state;
    fixture f = {.host = {0}};
    wsm__dedup dedup;
    wsm__mem_init(&f.mem, test_alloc, &f.host, 0);
    wsm__dedup_init(&dedup, &f.mem, seed, 1000, 4);
    wsm__dedup_add(&dedup, wsm__slice_str("bob"), id_of(1), NULL, 1, 0, none);
    for (unsigned i = 0; i < 100; i++) wsm__dedup_add(&dedup, wsm__slice_str("ada"), id_of(i), NULL, i, 0, none);
    assert_int_equal(wsm__dedup_count(&dedup), 5);
    assert_non_null(wsm__dedup_find(&dedup, wsm__slice_str("bob"), id_of(1), 0));
    assert_null(wsm__dedup_find(&dedup, wsm__slice_str("ada"), id_of(95), 0));
    assert_non_null(wsm__dedup_find(&dedup, wsm__slice_str("ada"), id_of(96), 0));
    wsm__dedup_undo(&dedup, wsm__slice_str("ada"), id_of(96));
    assert_null(wsm__dedup_find(&dedup, wsm__slice_str("ada"), id_of(96), 0));
    wsm__dedup_fini(&dedup);
    assert_int_equal(f.host.live, 0);
}

static void an_id_that_finds_no_memory_is_not_remembered_by_half(void **state) {
    (void)state;
    for (size_t n = 1; n < 12; n++) {
        fixture f = {.host = {.fail_at = n}};
        wsm__dedup dedup;
        wsm__mem_init(&f.mem, test_alloc, &f.host, 0);
        wsm__dedup_init(&dedup, &f.mem, seed, 1000, 4);
        int err = wsm__dedup_add(&dedup, wsm__slice_str("ada"), id_of(1), NULL, 1, 0, none);
        assert_int_equal(wsm__dedup_find(&dedup, wsm__slice_str("ada"), id_of(1), 0) != NULL, err == 0);
        assert_int_equal(wsm__dedup_count(&dedup), err == 0);
        wsm__dedup_fini(&dedup);
        assert_int_equal(f.host.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_context_counts_for_itself),
        cmocka_unit_test(a_busy_context_is_trimmed_and_a_quiet_one_is_not),
        cmocka_unit_test(bytes_and_age_trim_as_well_but_the_newest_stays),
        cmocka_unit_test(a_head_that_ran_ahead_is_numbered_without_a_hole_also_when_read_back),
        cmocka_unit_test(a_corrupt_record_leaves_its_number_and_a_refused_one_takes_none),
        cmocka_unit_test(without_memory_nothing_is_half_added),
        cmocka_unit_test(an_id_is_known_for_the_window_and_to_its_sender_only),
        cmocka_unit_test(one_sender_cannot_push_out_the_ids_of_another),
        cmocka_unit_test(an_id_that_finds_no_memory_is_not_remembered_by_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
