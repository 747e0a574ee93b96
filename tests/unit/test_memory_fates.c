/* memory/fates: what heads tell of earlier records, how often, and what a start hears of it. And the number of a record
 * that nobody vouches for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "memory/fates.h"
#include "memory/log.h"
#include "wsm/error.h"

typedef struct fixture {
    test_mem host;
    wsm__mem mem;
    wsm__ring fates;
    wsm__fates_heard heard;
    wsm__buf buf;
} fixture;

static void open(fixture *f) {
    *f = (fixture){.host = {0}};
    wsm__mem_init(&f->mem, test_alloc, &f->host, 0);
    wsm__fates_init(&f->fates);
    wsm__fates_init(&f->heard.fates);
    wsm__buf_init(&f->buf, &f->mem, 0);
}

static void close(fixture *f) {
    wsm__ring_fini(&f->fates, &f->mem);
    wsm__ring_fini(&f->heard.fates, &f->mem);
    wsm__buf_fini(&f->buf);
    assert_int_equal(f->host.live, 0);
}

static void note(fixture *f, uint64_t offset, int64_t ahead) {
    wsm__fate fate = {.offset = offset, .ahead = ahead, .is_void = ahead == 0};
    assert_int_equal(wsm__fates_note(&f->fates, &f->mem, &fate), 0);
}

/* The head that one would write who has applied all up to `at`. */
static wsm__record_head head_of(fixture *f, uint64_t at) {
    wsm__record_head head = {.has_at = true, .at = at};
    wsm__buf_clear(&f->buf);
    uint64_t told = wsm__fates_put(&f->fates, &f->buf, at);
    if (told < at) head.told = told;
    if (f->buf.len) head.fates = wsm__slice(f->buf.ptr, f->buf.len);
    return head;
}

static wsm__record_head head_with(uint64_t at, const char *fates) {
    return (wsm__record_head){.has_at = true, .at = at, .fates = wsm__slice_str(fates)};
}

static void what_differs_is_told_and_heard(void **state) {
    (void)state;
    fixture f;
    open(&f);
    note(&f, 3, 0);
    note(&f, 5, 2);
    note(&f, 9, -1);
    wsm__record_head head = head_of(&f, 9);
    assert_true(wsm__slice_is(head.fates, "[6,0,4,2,0,-1]"));
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &head, 11, 3), 0);
    assert_int_equal(f.heard.to, 9);
    assert_null(wsm__fates_of(&f.heard, &f.mem, 4)); /* it is as its head says */
    assert_int_equal(wsm__fates_of(&f.heard, &f.mem, 5)->ahead, 2);
    assert_int_equal(wsm__fates_of(&f.heard, &f.mem, 5)->ahead, 2); /* asked again after a failure: the same */
    assert_null(wsm__fates_of(&f.heard, &f.mem, 8));
    assert_int_equal(wsm__fates_of(&f.heard, &f.mem, 9)->ahead, -1);
    close(&f);
}

static void nothing_is_told_where_nothing_differs(void **state) {
    (void)state;
    fixture f;
    open(&f);
    wsm__record_head head = head_of(&f, 7);
    assert_null(head.fates.ptr);
    assert_int_equal(head.told, 0);
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &head, 8, 0), 0);
    assert_int_equal(f.heard.to, 7); /* silence tells, too */
    close(&f);
}

static void what_was_told_often_enough_is_told_no_more(void **state) {
    (void)state;
    fixture f;
    open(&f);
    note(&f, 3, 0);
    for (uint32_t i = 0; i < WSM__FATE_TELLERS; i++) {
        if (i == 2) note(&f, 6, 1);
        wsm__record_head head = head_of(&f, 6 + i);
        assert_non_null(head.fates.ptr);
        wsm__fates_count(&f.fates, &f.mem, &head);
    }
    assert_true(wsm__slice_is(head_of(&f, 20).fates, "[14,1]"));
    assert_int_equal(f.fates.count, 1);
    close(&f);
}

/* Its `told` says where it had to stop; a later head takes over from there. */
static void a_head_has_room_for_so_many_and_says_so(void **state) {
    (void)state;
    fixture f;
    open(&f);
    for (uint64_t o = 1; o <= WSM__FATES_LISTED + 8; o++) note(&f, o * 10, 0);
    wsm__record_head head = head_of(&f, 1000);
    assert_int_equal(head.told, WSM__FATES_LISTED * 10 + 9);
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &head, 1001, 0), 0);
    assert_int_equal(f.heard.to, head.told);
    assert_int_equal(f.heard.fates.count, WSM__FATES_LISTED);
    for (uint32_t i = 0; i < WSM__FATE_TELLERS; i++) wsm__fates_count(&f.fates, &f.mem, &head);
    head = head_of(&f, 1001);
    assert_int_equal(head.told, 0);
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &head, 1002, 0), 0);
    assert_int_equal(f.heard.to, 1001);
    assert_int_equal(f.heard.fates.count, WSM__FATES_LISTED + 8);
    close(&f);
}

static void they_are_bounded_though_nothing_is_appended(void **state) {
    (void)state;
    fixture f;
    open(&f);
    for (uint64_t o = 1; o <= WSM__FATES_KEPT + 100; o++) note(&f, o, 0);
    assert_int_equal(f.fates.count, WSM__FATES_KEPT);
    close(&f);
}

static void the_first_head_that_tells_is_believed(void **state) {
    (void)state;
    fixture f;
    open(&f);
    wsm__record_head first = head_with(9, "[4,0]"), second = head_with(12, "[8,1,7,0,1,3]");
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &first, 10, 0), 0);
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &second, 13, 0), 0);
    assert_null(wsm__fates_of(&f.heard, &f.mem, 4)); /* the second says so; the first was silent */
    assert_true(wsm__fates_of(&f.heard, &f.mem, 5)->is_void);
    assert_int_equal(wsm__fates_of(&f.heard, &f.mem, 11)->ahead, 3);
    close(&f);
}

/* As many broken ones as tell what is unusual: of what stands before all of them, silence says nothing. */
static void silence_behind_enough_broken_ones_tells_nothing(void **state) {
    (void)state;
    fixture f;
    open(&f);
    wsm__record_head head = head_with(9, "[6,0]"), later = head_with(20, "");
    for (uint64_t o = 5; o < 5 + WSM__FATE_TELLERS; o++) {
        assert_false(wsm__fates_is_untold(&f.heard, 1));
        wsm__fates_miss(&f.heard, o);
        wsm__fates_miss(&f.heard, o); /* as a log may deliver it */
    }
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &head, 13, 0), 0);
    assert_true(wsm__fates_is_untold(&f.heard, 4));
    assert_true(wsm__fates_of(&f.heard, &f.mem, 3)->is_void); /* what is told is told */
    assert_false(wsm__fates_is_untold(&f.heard, 5));          /* seven of them stand behind it */
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &later, 21, 0), 0);
    assert_false(wsm__fates_is_untold(&f.heard, 14));
    close(&f);
}

static void what_makes_no_sense_is_not_heard(void **state) {
    (void)state;
    static const char *const lists[] = {"[]",    "[1]",    "[1,0,1,0]", "[0,0,3,0]",
                                        "[9,0]", "[-1,0]", "[\"a\",0]", "[[],0]"};
    fixture f;
    open(&f);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        wsm__record_head head = head_with(9, lists[i]);
        f.heard.to = 0;
        assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &head, 10, 0), 0);
        assert_true(f.heard.fates.count <= 1); /* what stands before it is */
        wsm__fates_of(&f.heard, &f.mem, 10);
        assert_int_equal(f.heard.fates.count, 0);
        wsm__fates_count(&f.fates, &f.mem, &head);
    }
    wsm__record_head ahead = head_with(10, "[0,0]"), old = {.at = 9}, told = head_with(9, "[0,0]");
    told.told = 10;
    f.heard.to = 0;
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &ahead, 10, 0), 0); /* of itself, and of what comes later */
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &old, 10, 0), 0);
    assert_int_equal(wsm__fates_hear(&f.heard, &f.mem, &told, 10, 0), 0);
    assert_int_equal(f.heard.to, 0);
    close(&f);
}

static void without_memory_nothing_is_half_heard(void **state) {
    (void)state;
    fixture f;
    open(&f);
    char list[2048] = "[";
    for (int i = 300; i > 0; i--) snprintf(list + strlen(list), 8, i > 1 ? "%d,0," : "%d,0]", i);
    wsm__record_head head = head_with(400, list);
    for (size_t n = 1;; n++) {
        f.host.fail_at = f.host.calls + n;
        int err = wsm__fates_hear(&f.heard, &f.mem, &head, 401, 0);
        f.host.fail_at = 0;
        if (!err) break;
        assert_int_equal(err, WSM_ERR_NOMEM);
        assert_int_equal(f.heard.fates.count, 0);
        assert_int_equal(f.heard.to, 0);
    }
    assert_int_equal(f.heard.fates.count, 300);
    close(&f);
}

/* ---- numbers --------------------------------------------------------------------------------------------------------
 */

typedef struct counted {
    test_mem host;
    wsm__mem mem;
    wsm__log log;
    wsm__context *main;
    uint64_t room;
} counted;

static uint64_t number(counted *c, const wsm__record_head *head, const int64_t *ahead) {
    wsm__log_claim claim = {.head = head, .is_vouched = ahead != NULL, .ahead = ahead ? *ahead : 0};
    return wsm__log_number(&c->log, c->main, &claim, &c->room);
}

/* A context with ten records, at 1 to 10, and two that are gone, at 12 and 14; 11 and 13 were others'. */
static void open_counted(counted *c) {
    *c = (counted){.host = {0}};
    wsm__mem_init(&c->mem, test_alloc, &c->host, 0);
    wsm__log_init(&c->log, &c->mem, (const unsigned char *)"0123456789abcdef", &(wsm__log_limits){0});
    assert_int_equal(wsm__log_context_new(&c->log, wsm__slice_str("main"), &c->main), 0);
    c->main->seq = 10;
    wsm__log_pass(&c->log, 11);
    assert_int_equal(wsm__log_add_void(&c->log, &(wsm__void){12, true, true}, false), 0);
    wsm__log_pass(&c->log, 13);
    assert_int_equal(wsm__log_add_void(&c->log, &(wsm__void){14, true, true}, false), 0);
}

static void a_number_comes_from_whoever_vouches_or_from_the_head_itself(void **state) {
    (void)state;
    counted c;
    open_counted(&c);
    assert_int_equal(wsm__log_room(&c.log, c.main), 2);
    wsm__record_head all = {.has_at = true, .at = 14, .expected_seq = 12}; /* its writer knew of one */
    assert_int_equal(number(&c, &all, NULL), 12);
    assert_int_equal(c.room, 0);
    wsm__record_head one = {.has_at = true, .at = 12, .expected_seq = 12, .inflight = 1}; /* one more was under way */
    assert_int_equal(number(&c, &one, NULL), 12);
    assert_int_equal(c.room, 0);
    wsm__record_head other = {.has_at = true, .at = 12, .expected_seq = 11}; /* nothing of this context was */
    assert_int_equal(number(&c, &other, NULL), 11);
    assert_int_equal(c.room, 1); /* as far as its writer knew */
    wsm__record_head many = {.has_at = true, .at = 13, .expected_seq = 14, .inflight = 3}; /* some have failed */
    assert_int_equal(number(&c, &many, NULL), 12);
    wsm__record_head maybe = {.has_at = true, .at = 13, .expected_seq = 11, .maybe = 1};
    assert_int_equal(number(&c, &maybe, NULL), 12);
    assert_int_equal(number(&c, &many, &(int64_t){2}), 12); /* and whoever vouches is right */
    assert_int_equal(number(&c, &many, &(int64_t){3}), 11);
    assert_int_equal(number(&c, &many, &(int64_t){1}), 13);
    wsm__log_fini(&c.log);
    assert_int_equal(c.host.live, 0);
}

static void a_number_is_never_absurd(void **state) {
    (void)state;
    counted c;
    open_counted(&c);
    wsm__record_head far = {.has_at = true, .at = 14, .expected_seq = 1000}, back = {.has_at = true, .expected_seq = 3};
    assert_int_equal(number(&c, &far, NULL), 11); /* higher than its offset */
    assert_int_equal(number(&c, &far, &(int64_t){0}), 11);
    assert_int_equal(number(&c, &back, &(int64_t){0}), 11); /* and below the last */
    assert_int_equal(number(&c, &back, &(int64_t){INT64_MIN + 1}), 11);
    wsm__log_fini(&c.log);
}

static void as_long_as_nothing_is_gone_records_are_counted(void **state) {
    (void)state;
    counted c;
    open_counted(&c);
    c.log.lost = 0;
    wsm__record_head far = {.has_at = true, .at = 14, .expected_seq = 14};
    assert_int_equal(number(&c, &far, NULL), 11);
    assert_int_equal(number(&c, &far, &(int64_t){0}), 11);
    wsm__log_fini(&c.log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_is_told_and_heard),
        cmocka_unit_test(nothing_is_told_where_nothing_differs),
        cmocka_unit_test(what_was_told_often_enough_is_told_no_more),
        cmocka_unit_test(a_head_has_room_for_so_many_and_says_so),
        cmocka_unit_test(they_are_bounded_though_nothing_is_appended),
        cmocka_unit_test(the_first_head_that_tells_is_believed),
        cmocka_unit_test(silence_behind_enough_broken_ones_tells_nothing),
        cmocka_unit_test(what_makes_no_sense_is_not_heard),
        cmocka_unit_test(without_memory_nothing_is_half_heard),
        cmocka_unit_test(a_number_comes_from_whoever_vouches_or_from_the_head_itself),
        cmocka_unit_test(a_number_is_never_absurd),
        cmocka_unit_test(as_long_as_nothing_is_gone_records_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
