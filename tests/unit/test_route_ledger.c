/* route/ledger: deliveries from the mention to the answer, mailboxes with their limits, and the way through a snapshot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "route/ledger.h"
#include "wsm/error.h"

#define AGENTS 100u /* that are known */

static const unsigned char seed[16] = "0123456789abcde";
static const wsm__ledger_limits usual = {.messages_max = 3, .bytes_max = 1000, .total_bytes_max = 2000, .age_s = 100};

typedef struct fixture {
    test_mem host;
    wsm__mem mem;
    wsm__ledger ledger;
} fixture;

static void begin(fixture *f) {
    *f = (fixture){.host = {0}};
    wsm__mem_init(&f->mem, test_alloc, &f->host, 0);
    wsm__ledger_init(&f->ledger, &f->mem, seed, &usual);
}

static void end(fixture *f) {
    wsm__ledger_fini(&f->ledger);
    assert_int_equal(f->host.live, 0);
}

static const unsigned char *id_of(uint64_t n) {
    static unsigned char ids[8][16];
    memset(ids[n % 8], (int)n, 16);
    return ids[n % 8];
}

static int add(fixture *f, uint64_t n, uint32_t target, uint32_t bytes) {
    wsm__ledger_item item = {
        .offset = n, .id = id_of(n), .sender = 9, .bytes = bytes, .time_ms = (int64_t)n * 1000, .is_urgent = n == 2};
    return wsm__ledger_add(&f->ledger, &item, target);
}

static bool fits(fixture *f, uint32_t target, uint32_t bytes, uint32_t more) {
    return wsm__ledger_fits(&f->ledger, &(wsm__ledger_item){.bytes = bytes}, target, more);
}

static wsm__delivery *find(fixture *f, uint64_t n, uint32_t target) {
    return wsm__ledger_find(&f->ledger, id_of(n), target, WSM__LEDGER_ANYONE);
}

static void a_mailbox_holds_its_deliveries_in_order_of_their_records(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    assert_int_equal(add(&f, 1, 5, 10), 0);
    assert_int_equal(add(&f, 1, 6, 10), 0); /* the same mention, another target */
    assert_int_equal(add(&f, 2, 5, 10), 0);
    assert_int_equal(add(&f, 2, 5, 10), WSM_ERR_CONFLICT);
    assert_int_equal(wsm__ledger_count(&f.ledger), 3);
    assert_ptr_equal(wsm__ledger_next(&f.ledger, 5, 0), find(&f, 1, 5));
    assert_ptr_equal(wsm__ledger_next(&f.ledger, 5, 1), find(&f, 2, 5));
    assert_null(wsm__ledger_next(&f.ledger, 5, 2));
    assert_null(wsm__ledger_next(&f.ledger, 7, 0));
    assert_null(wsm__ledger_next(&f.ledger, 4, 0));
    wsm__ledger_undo(&f.ledger, 2, 5);
    assert_null(find(&f, 2, 5));
    assert_int_equal(wsm__ledger_mailbox(&f.ledger, 5)->count, 1);
    end(&f);
}

static wsm__delivery *add_alike(fixture *f, uint64_t offset, uint32_t sender) {
    wsm__ledger_item item = {.offset = offset, .id = id_of(1), .sender = sender, .bytes = 10};
    assert_int_equal(wsm__ledger_add(&f->ledger, &item, 5), 0);
    return wsm__ledger_at(&f->ledger, 5, offset);
}

static void of_one_id_each_sender_has_his_own(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    wsm__delivery *first = add_alike(&f, 1, 7), *second = add_alike(&f, 2, 8), *third = add_alike(&f, 3, 7);
    assert_ptr_equal(find(&f, 1, 5), first);
    assert_ptr_equal(wsm__ledger_find(&f.ledger, id_of(1), 5, 8), second);
    assert_ptr_equal(wsm__ledger_find(&f.ledger, id_of(1), 5, 7), first);
    assert_null(wsm__ledger_find(&f.ledger, id_of(1), 5, 9));
    assert_null(wsm__ledger_at(&f.ledger, 5, 4));
    wsm__ledger_set(&f.ledger, first, WSM__DELIVERY_REPLIED, 0, 0); /* the head of the chain goes */
    assert_ptr_equal(find(&f, 1, 5), second);
    assert_ptr_equal(wsm__ledger_find(&f.ledger, id_of(1), 5, 7), third);
    wsm__ledger_undo(&f.ledger, 3, 5); /* its end */
    assert_null(wsm__ledger_find(&f.ledger, id_of(1), 5, 7));
    assert_int_equal(wsm__ledger_count(&f.ledger), 1);
    third = add_alike(&f, 4, 9);
    add_alike(&f, 5, 9);
    wsm__ledger_undo(&f.ledger, 4, 5); /* its middle */
    assert_int_equal(wsm__ledger_find(&f.ledger, id_of(1), 5, 9)->offset, 5);
    end(&f);
}

static void a_full_mailbox_takes_no_more(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    assert_true(fits(&f, 1, 1000, 0));
    assert_false(fits(&f, 1, 1001, 0));
    assert_true(fits(&f, 1, 1000, 1));
    assert_false(fits(&f, 1, 1000, 2)); /* three of them would be too much for all mailboxes */
    for (uint64_t n = 1; n <= 3; n++) add(&f, n, 1, 10);
    assert_false(fits(&f, 1, 1, 0));
    assert_true(fits(&f, 2, 1, 0));
    wsm__ledger_set(&f.ledger, find(&f, 1, 1), WSM__DELIVERY_REPLIED, 0, 0);
    assert_true(fits(&f, 1, 1, 0));
    end(&f);
}

static void states_follow_each_other_and_an_end_is_forgotten(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    add(&f, 1, 5, 10);
    wsm__delivery *d = find(&f, 1, 5);
    assert_false(wsm__ledger_may(d, WSM__DELIVERY_QUEUED));
    wsm__ledger_delivered(d, 7, 70);
    assert_int_equal(d->state, WSM__DELIVERY_DELIVERED);
    assert_int_equal(wsm__ledger_lost(&f.ledger, 5, 7, 71), 0); /* another one of that slot */
    assert_int_equal(wsm__ledger_lost(&f.ledger, 5, 7, 70), 1);
    assert_int_equal(d->state, WSM__DELIVERY_QUEUED);
    assert_true(wsm__ledger_may(d, WSM__DELIVERY_SEEN));
    wsm__ledger_set(&f.ledger, d, WSM__DELIVERY_SEEN, 2000, 0);
    assert_false(wsm__ledger_may(d, WSM__DELIVERY_SEEN));
    assert_int_equal(wsm__ledger_lost(&f.ledger, 5, 7, 70), 0); /* it was seen: the connection may go */
    wsm__ledger_set(&f.ledger, d, WSM__DELIVERY_WORKING, 3000, 500);
    assert_false(wsm__ledger_may(d, WSM__DELIVERY_EXPIRED));
    assert_int_equal(wsm__ledger_due_ms(d), 3500);
    wsm__ledger_set(&f.ledger, d, WSM__DELIVERY_WORKING, 3400, 500); /* the lease is renewed */
    assert_int_equal(wsm__ledger_due_ms(d), 3900);
    assert_true(wsm__ledger_may(d, WSM__DELIVERY_QUEUED));
    wsm__ledger_set(&f.ledger, d, WSM__DELIVERY_QUEUED, 3900, 0);
    assert_int_equal(wsm__ledger_due_ms(d), 1000 + 100000); /* its age goes on counting from the mention */
    wsm__ledger_set(&f.ledger, d, WSM__DELIVERY_FAILED, 4000, 0);
    assert_null(find(&f, 1, 5));
    assert_null(wsm__ledger_first_due(&f.ledger));
    assert_int_equal(f.ledger.bytes, 0);
    end(&f);
}

static void a_clock_set_back_keeps_no_end_waiting(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    assert_int_equal(add(&f, 1, 1, 10), 0);
    assert_int_equal(add(&f, 2, 2, 10), 0);
    wsm__ledger_set(&f.ledger, find(&f, 2, 2), WSM__DELIVERY_WORKING, 3000, 500);
    wsm__ledger_defer(&f.ledger, find(&f, 1, 1), 900000); /* by a clock that is right no more */
    wsm__ledger_defer(&f.ledger, find(&f, 2, 2), 900000);
    wsm__ledger_rearm(&f.ledger);
    assert_int_equal(wsm__ledger_due_ms(find(&f, 1, 1)), 1000 + 100000);
    assert_int_equal(wsm__ledger_due_ms(find(&f, 2, 2)), 3500);
    end(&f);
}

static void what_is_due_first_is_found_first(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    for (uint64_t n = 1; n <= 3; n++) add(&f, n, (uint32_t)n, 10);
    assert_ptr_equal(wsm__ledger_first_due(&f.ledger), find(&f, 1, 1));
    wsm__ledger_set(&f.ledger, find(&f, 3, 3), WSM__DELIVERY_WORKING, 4000, 10);
    assert_ptr_equal(wsm__ledger_first_due(&f.ledger), find(&f, 3, 3));
    end(&f);
}

static void a_frame_is_kept_as_long_as_the_delivery(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    add(&f, 1, 5, 10);
    wsm__frame *frame = wsm__frame_of(&f.mem, 1, "{}", 2, NULL);
    wsm__ledger_pin(find(&f, 1, 5), frame);
    wsm__frame_unref(frame);
    assert_true(wsm__slice_is(wsm__frame_payload(find(&f, 1, 5)->frame), "{}"));
    end(&f);
}

static void a_snapshot_brings_back_what_is_open(void **state) {
    (void)state;
    fixture f, g;
    wsm__buf buf, again;
    begin(&f);
    begin(&g);
    for (uint64_t n = 1; n <= 4; n++) add(&f, n, (uint32_t)n % 2, 10 + (uint32_t)n);
    add_alike(&f, 7, 9);
    add_alike(&f, 8, 10);
    add(&f, 9, 5, 10);
    wsm__ledger_delivered(find(&f, 1, 1), 3, 4);
    wsm__ledger_set(&f.ledger, find(&f, 2, 0), WSM__DELIVERY_SEEN, 5000, 0);
    wsm__ledger_set(&f.ledger, find(&f, 3, 1), WSM__DELIVERY_WORKING, 6000, 777);
    wsm__buf_init(&buf, &f.mem, 0);
    wsm__buf_init(&again, &f.mem, 0);
    wsm__ledger_save(&f.ledger, &buf);
    assert_int_equal(wsm__ledger_load(&g.ledger, AGENTS, wsm__slice(buf.ptr, buf.len)), 0);
    wsm__ledger_save(&g.ledger, &again);
    assert_true(wsm__slice_eq(wsm__slice(buf.ptr, buf.len), wsm__slice(again.ptr, again.len)));
    assert_int_equal(find(&g, 1, 1)->state, WSM__DELIVERY_QUEUED);
    assert_int_equal(wsm__ledger_find(&g.ledger, id_of(1), 5, 10)->offset, 8);
    assert_int_equal(find(&g, 2, 0)->state, WSM__DELIVERY_SEEN);
    assert_int_equal(wsm__ledger_due_ms(find(&g, 3, 1)), 6777);
    assert_true(find(&g, 2, 0)->is_urgent && !find(&g, 1, 1)->is_urgent);
    wsm__buf_fini(&buf);
    wsm__buf_fini(&again);
    end(&g);
    end(&f);
}

static void a_broken_snapshot_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "[7]",
        "[[]]",
        "[[1,\"AQEBAQEBAQEBAQEBAQEBAQ\",1,1,1,1,0,0,1]]",
        "[[1,\"AQEBAQEBAQEBAQEBAQEBA\",1,1,1,1,0,0,1,0]]",
        "[[1,\"AQEBAQEBAQEBAQEBAQEBAQ\",1,1,1,1,0,0,5,0]]",
        "[[1,\"AQEBAQEBAQEBAQEBAQEBAQ\",4294967295,1,1,1,0,0,1,0]]",
        "[[1,\"AQEBAQEBAQEBAQEBAQEBAQ\",100,1,1,1,0,0,1,0]]", /* an agent that nobody knows */
        "[[1,\"AQEBAQEBAQEBAQEBAQEBAQ\",1,100,1,1,0,0,1,0]]",
        "[[1,\"AQEBAQEBAQEBAQEBAQEBAQ\",1,1,1,1,0,0,1,0],[1,\"AQEBAQEBAQEBAQEBAQEBAQ\",1,1,1,1,0,0,1,0]]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fixture f;
        begin(&f);
        assert_int_equal(wsm__ledger_load(&f.ledger, AGENTS, wsm__slice_str(bad[i])), WSM_ERR_LOG_CORRUPT);
        wsm__ledger_clear(&f.ledger);
        assert_int_equal(wsm__ledger_count(&f.ledger), 0);
        end(&f);
    }
}

static void any_allocation_may_fail_and_nothing_has_changed(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        fixture f;
        begin(&f);
        add(&f, 1, 0, 10);
        f.host.fail_at = f.host.calls + n;
        int err = add(&f, 2, 100, 10);
        bool failed = test_mem_has_failed(&f.host);
        f.host.fail_at = 0;
        assert_int_equal(err, failed ? WSM_ERR_NOMEM : 0);
        assert_int_equal(wsm__ledger_count(&f.ledger), failed ? 1 : 2);
        if (failed) assert_int_equal(add(&f, 2, 100, 10), 0);
        end(&f);
        if (!failed) break;
    }
}

static bool fits_there(fixture *f, uint32_t context, bool is_hidden) {
    wsm__ledger_item item = {.bytes = 10, .context = context, .is_hidden = is_hidden};
    return wsm__ledger_fits(&f->ledger, &item, 5, 0);
}

static void what_is_hidden_fills_a_mailbox_of_its_own(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    for (uint64_t n = 1; n <= 3; n++) {
        wsm__ledger_item item = {.offset = n, .id = id_of(n), .context = 7, .bytes = 10, .is_hidden = true};
        assert_true(fits_there(&f, 7, true));
        assert_int_equal(wsm__ledger_add(&f.ledger, &item, 5), 0);
    }
    assert_false(fits_there(&f, 7, true));
    assert_true(fits_there(&f, 8, true)); /* another hidden one */
    assert_true(fits_there(&f, 0, false));
    for (uint64_t n = 4; n <= 6; n++) assert_int_equal(add(&f, n, 5, 10), 0);
    assert_false(fits_there(&f, 0, false));
    assert_true(fits_there(&f, 8, true));
    wsm__ledger_set(&f.ledger, find(&f, 2, 5), WSM__DELIVERY_REPLIED, 0, 0);
    assert_true(fits_there(&f, 7, true)); /* one has gone, and makes room where it was */
    assert_false(fits_there(&f, 0, false));
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mailbox_holds_its_deliveries_in_order_of_their_records),
        cmocka_unit_test(of_one_id_each_sender_has_his_own),
        cmocka_unit_test(what_is_hidden_fills_a_mailbox_of_its_own),
        cmocka_unit_test(a_full_mailbox_takes_no_more),
        cmocka_unit_test(states_follow_each_other_and_an_end_is_forgotten),
        cmocka_unit_test(a_clock_set_back_keeps_no_end_waiting),
        cmocka_unit_test(what_is_due_first_is_found_first),
        cmocka_unit_test(a_frame_is_kept_as_long_as_the_delivery),
        cmocka_unit_test(a_snapshot_brings_back_what_is_open),
        cmocka_unit_test(a_broken_snapshot_is_refused),
        cmocka_unit_test(any_allocation_may_fail_and_nothing_has_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
