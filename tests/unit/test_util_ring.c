/* The ring: order over wrapping and growing, storage given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "mem_fault.h"
#include "util/ring.h"

static bool push(wsm__ring *ring, wsm__mem *mem, int value) {
    int *slot = wsm__ring_push(ring, mem);
    if (slot) *slot = value;
    return slot != NULL;
}

static int at(const wsm__ring *ring, uint32_t idx) {
    return *(int *)wsm__ring_at(ring, idx);
}

static void order_is_kept_while_it_wraps_and_grows(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__ring ring;
    int in = 0, out = 0;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__ring_init(&ring, sizeof(int));

    for (int round = 0; round < 200; round++) { /* two in, one out: the head stands anywhere when it grows */
        assert_true(push(&ring, &mem, in++));
        assert_true(push(&ring, &mem, in++));
        assert_int_equal(at(&ring, 0), out);
        wsm__ring_pop(&ring, &mem);
        out++;
        for (uint32_t i = 0; i < ring.count; i++) assert_int_equal(at(&ring, i), out + (int)i);
    }
    wsm__ring_pop_back(&ring, &mem);
    assert_int_equal(at(&ring, ring.count - 1), in - 2);
    wsm__ring_fini(&ring, &mem);

    assert_int_equal(mem.used, 0);
}

static void a_ring_that_was_large_holds_nothing_once_empty(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__ring ring;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__ring_init(&ring, sizeof(int));

    for (int i = 0; i < 64; i++) push(&ring, &mem, i);
    for (int i = 0; i < 64; i++) wsm__ring_pop(&ring, &mem);
    assert_int_equal(mem.used, 64 * sizeof(int)); /* small enough to keep */
    for (int i = 0; i < 65; i++) push(&ring, &mem, i);
    for (int i = 0; i < 65; i++) wsm__ring_pop_back(&ring, &mem);
    assert_int_equal(mem.used, 0);
    assert_true(push(&ring, &mem, 7));
    assert_int_equal(at(&ring, 0), 7);
    wsm__ring_fini(&ring, &mem);

    assert_int_equal(mem.used, 0);
}

static void without_memory_a_push_has_no_effect(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        test_mem host = {.fail_at = n};
        wsm__mem mem;
        wsm__ring ring;
        int done = 0;
        wsm__mem_init(&mem, test_alloc, &host, 0);
        wsm__ring_init(&ring, sizeof(int));
        while (done < 100 && push(&ring, &mem, done)) done++;
        assert_int_equal(ring.count, done);
        for (int i = 0; i < done; i++) assert_int_equal(at(&ring, (uint32_t)i), i);
        wsm__ring_fini(&ring, &mem);
        assert_int_equal(mem.used, 0);
        if (done == 100) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_kept_while_it_wraps_and_grows),
        cmocka_unit_test(a_ring_that_was_large_holds_nothing_once_empty),
        cmocka_unit_test(without_memory_a_push_has_no_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
