/* Chains of frames: order, references, and links that are shared by all chains of a pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "wire/chain.h"
#include "wsm/error.h"

typedef struct fixture {
    test_mem fault;
    wsm__mem mem;
    wsm__chain_pool pool;
    wsm__frame *frame;
} fixture;

static void setup(fixture *f) {
    *f = (fixture){0};
    wsm__mem_init(&f->mem, test_alloc, &f->fault, 0);
    wsm__chain_pool_init(&f->pool, &f->mem);
    f->frame = wsm__frame_of(&f->mem, 1, "one", 3, NULL);
}

/* The frame's last reference is the fixture's: chains have let go of theirs. */
static void teardown(fixture *f) {
    wsm__frame_unref(f->frame);
    wsm__chain_pool_fini(&f->pool);
    assert_int_equal(atomic_load(&f->mem.used), 0);
}

static void frames_come_in_the_order_in_which_they_went_in(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain chain = {0};
    for (uint64_t i = 1; i <= 3; i++) assert_int_equal(wsm__chain_push(&chain, &f.pool, f.frame, i), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(chain.first->offset, i);
        assert_ptr_equal(chain.first->frame, f.frame);
        wsm__chain_pop(&chain, &f.pool);
    }
    assert_true(wsm__chain_is_empty(&chain));
    assert_int_equal(wsm__chain_push(&chain, &f.pool, f.frame, 4), 0); /* one that ran empty is as new */
    assert_int_equal(chain.first->offset, 4);
    assert_int_equal(wsm__chain_clear(&chain, &f.pool), 1);
    teardown(&f);
}

static void moving_needs_no_memory_and_keeps_the_order(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain from = {0}, to = {0};
    for (uint64_t i = 1; i <= 3; i++) wsm__chain_push(&from, &f.pool, f.frame, i);
    size_t calls = atomic_load(&f.fault.calls);
    wsm__chain_move(&to, &from);
    wsm__chain_move(&to, &from);
    assert_int_equal(atomic_load(&f.fault.calls), calls);
    assert_int_equal(from.first->offset, 3);
    assert_int_equal(to.first->offset, 1);
    assert_int_equal(to.last->offset, 2);
    assert_int_equal(wsm__chain_clear(&from, &f.pool) + wsm__chain_clear(&to, &f.pool), 3);
    teardown(&f);
}

static void links_serve_one_chain_after_the_other(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    for (int i = 0; i < 100; i++) {
        wsm__chain chain = {0};
        assert_int_equal(wsm__chain_push(&chain, &f.pool, f.frame, 0), 0);
        wsm__chain_pop(&chain, &f.pool);
    }
    assert_int_equal(atomic_load(&f.fault.calls), 2); /* the frame and one link */
    teardown(&f);
}

static void what_a_pool_keeps_has_a_limit(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain chain = {0};
    for (int i = 0; i < 10000; i++) wsm__chain_push(&chain, &f.pool, f.frame, 0);
    assert_int_equal(wsm__chain_clear(&chain, &f.pool), 10000);
    assert_in_range(atomic_load(&f.mem.used), 1, 200000);
    teardown(&f);
}

static void a_push_without_memory_has_no_effect(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain chain = {0};
    f.fault.fail_at = atomic_load(&f.fault.calls) + 1;
    assert_int_equal(wsm__chain_push(&chain, &f.pool, f.frame, 0), WSM_ERR_NOMEM);
    assert_true(wsm__chain_is_empty(&chain));
    teardown(&f);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_in_the_order_in_which_they_went_in),
        cmocka_unit_test(moving_needs_no_memory_and_keeps_the_order),
        cmocka_unit_test(links_serve_one_chain_after_the_other),
        cmocka_unit_test(what_a_pool_keeps_has_a_limit),
        cmocka_unit_test(a_push_without_memory_has_no_effect),
    };
    return cmocka_run_group_tests_name("wire_chain", tests, NULL, NULL);
}
