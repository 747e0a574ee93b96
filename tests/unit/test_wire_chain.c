/* Chains of frames: order, references, and blocks that are shared by all chains of a pool. */
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

static void push(fixture *f, wsm__chain *chain, uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; i++) assert_int_equal(wsm__chain_push(chain, &f->pool, f->frame, i), 0);
}

static void frames_come_in_the_order_in_which_they_went_in(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain chain = {0};
    for (uint64_t round = 1; round <= 20; round++) { /* so that blocks are begun, filled and left at every place */
        push(&f, &chain, 1, round);
        for (uint64_t i = 1; i <= round; i++) {
            assert_int_equal(wsm__chain_first(&chain)->offset, i);
            assert_ptr_equal(wsm__chain_first(&chain)->frame, f.frame);
            wsm__chain_pop(&chain, &f.pool);
        }
        assert_true(wsm__chain_is_empty(&chain));
    }
    teardown(&f);
}

static void a_walk_sees_each_item_once(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain chain = {0};
    wsm__chain_place place = {0};
    assert_null(wsm__chain_next(&chain, &place));
    push(&f, &chain, 1, 20);
    for (int i = 0; i < 3; i++) wsm__chain_pop(&chain, &f.pool);
    for (uint64_t i = 4; i <= 20; i++) assert_int_equal(wsm__chain_next(&chain, &place)->offset, i);
    assert_null(wsm__chain_next(&chain, &place));
    assert_int_equal(wsm__chain_clear(&chain, &f.pool), 17);
    teardown(&f);
}

static void moving_keeps_the_order_and_the_reference(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain from = {0}, to = {0};
    push(&f, &from, 1, 10);
    for (int i = 0; i < 9; i++) assert_int_equal(wsm__chain_move(&to, &from, &f.pool), 0);
    assert_int_equal(wsm__chain_first(&from)->offset, 10);
    for (uint64_t i = 1; i <= 9; i++) {
        assert_int_equal(wsm__chain_first(&to)->offset, i);
        wsm__chain_pop(&to, &f.pool);
    }
    assert_int_equal(wsm__chain_clear(&from, &f.pool), 1);
    teardown(&f);
}

static bool has_tag(const void *user, const wsm__chain_item *item) {
    const uint32_t *tag = user;
    return wsm__frame_tag(item->frame) == *tag;
}

static void what_carries_a_tag_is_purged(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__frame *tagged = wsm__frame_of(&f.mem, 1, "four", 4, NULL);
    const uint32_t tag = 9;
    wsm__frame_set_tag(tagged, tag);
    for (uint32_t mask = 0; mask < 1u << 9; mask++) { /* every pattern over the edge of a block */
        wsm__chain chain = {0};
        wsm__chain_place place = {0};
        uint32_t wanted = 0;
        size_t bytes = 0;
        for (uint64_t i = 0; i < 9; i++) {
            bool is_tagged = mask >> i & 1;
            assert_int_equal(wsm__chain_push(&chain, &f.pool, is_tagged ? tagged : f.frame, i), 0);
            wanted += is_tagged;
        }
        assert_int_equal(wsm__chain_purge(&chain, &f.pool, has_tag, &tag, &bytes), wanted);
        assert_int_equal(bytes, wanted * wsm__frame_bytes(tagged).len);
        push(&f, &chain, 9, 9);
        for (uint64_t i = 0; i <= 9; i++)
            if (i == 9 || !(mask >> i & 1)) assert_int_equal(wsm__chain_next(&chain, &place)->offset, i);
        assert_null(wsm__chain_next(&chain, &place));
        assert_int_equal(wsm__chain_clear(&chain, &f.pool), 10 - wanted);
    }
    wsm__frame_unref(tagged);
    teardown(&f);
}

static void blocks_serve_one_chain_after_the_other(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    for (int i = 0; i < 100; i++) {
        wsm__chain chain = {0};
        push(&f, &chain, 1, 1);
        wsm__chain_pop(&chain, &f.pool);
    }
    assert_int_equal(atomic_load(&f.fault.calls), 2); /* the frame and one block */
    teardown(&f);
}

static void what_a_pool_keeps_has_a_limit(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain chain = {0};
    push(&f, &chain, 1, 100000);
    assert_int_equal(wsm__chain_clear(&chain, &f.pool), 100000);
    assert_in_range(atomic_load(&f.mem.used), 1, (1 << 20) + 100);
    teardown(&f);
}

static void without_memory_nothing_changes(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain chain = {0}, other = {0};
    f.fault.fail_at = atomic_load(&f.fault.calls) + 1;
    assert_int_equal(wsm__chain_push(&chain, &f.pool, f.frame, 0), WSM_ERR_NOMEM);
    assert_true(wsm__chain_is_empty(&chain));
    push(&f, &chain, 1, 2);
    f.fault.fail_at = atomic_load(&f.fault.calls) + 1;
    assert_int_equal(wsm__chain_move(&other, &chain, &f.pool), WSM_ERR_NOMEM);
    assert_true(wsm__chain_is_empty(&other));
    assert_int_equal(wsm__chain_clear(&chain, &f.pool), 2);
    teardown(&f);
}

static void a_reserved_block_lets_the_next_push_succeed_without_memory(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__chain chain = {0};
    f.fault.fail_at = f.fault.calls + 1;
    f.fault.fail_forever = 1;
    assert_int_equal(wsm__chain_pool_reserve(&f.pool), WSM_ERR_NOMEM);
    f.fault.fail_at = 0;
    assert_int_equal(wsm__chain_pool_reserve(&f.pool), 0);
    f.fault.fail_at = f.fault.calls + 1;
    assert_int_equal(wsm__chain_pool_reserve(&f.pool), 0); /* one is there */
    assert_int_equal(wsm__chain_push(&chain, &f.pool, f.frame, 1), 0);
    f.fault.fail_at = 0;
    wsm__chain_clear(&chain, &f.pool);
    teardown(&f);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_in_the_order_in_which_they_went_in),
        cmocka_unit_test(a_walk_sees_each_item_once),
        cmocka_unit_test(moving_keeps_the_order_and_the_reference),
        cmocka_unit_test(what_carries_a_tag_is_purged),
        cmocka_unit_test(blocks_serve_one_chain_after_the_other),
        cmocka_unit_test(what_a_pool_keeps_has_a_limit),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(a_reserved_block_lets_the_next_push_succeed_without_memory),
    };
    return cmocka_run_group_tests_name("wire_chain", tests, NULL, NULL);
}
