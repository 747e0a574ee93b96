/* The heap of deadlines, against a plain search of an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/heap.h"

static void deadlines_come_out_in_their_order(void **state) {
    (void)state;
    wsm__heap heap;
    wsm__heap_node nodes[4] = {0};
    const uint64_t when[4] = {30, 10, 40, 20};
    wsm__heap_init(&heap);
    assert_null(wsm__heap_first(&heap));
    for (int i = 0; i < 4; i++) wsm__heap_arm(&heap, &nodes[i], when[i]);

    assert_ptr_equal(wsm__heap_first(&heap), &nodes[1]);
    assert_null(wsm__heap_pop_due(&heap, 9));
    assert_ptr_equal(wsm__heap_pop_due(&heap, 25), &nodes[1]);
    assert_false(nodes[1].armed);
    assert_ptr_equal(wsm__heap_pop_due(&heap, 25), &nodes[3]);
    assert_null(wsm__heap_pop_due(&heap, 25));
    assert_ptr_equal(wsm__heap_pop_due(&heap, UINT64_MAX), &nodes[0]);
    assert_ptr_equal(wsm__heap_pop_due(&heap, UINT64_MAX), &nodes[2]);
    assert_null(wsm__heap_pop_due(&heap, UINT64_MAX));
}

static void equal_deadlines_fire_in_the_order_of_arming(void **state) {
    (void)state;
    wsm__heap heap;
    wsm__heap_node nodes[100] = {0};
    wsm__heap_init(&heap);
    for (int i = 0; i < 100; i++) wsm__heap_arm(&heap, &nodes[i], 5);
    wsm__heap_arm(&heap, &nodes[0], 5); /* again: now the last */

    for (int i = 1; i < 100; i++) assert_ptr_equal(wsm__heap_pop_due(&heap, 5), &nodes[i]);
    assert_ptr_equal(wsm__heap_pop_due(&heap, 5), &nodes[0]);
}

static void a_disarmed_node_does_not_fire(void **state) {
    (void)state;
    wsm__heap heap;
    wsm__heap_node a = {0}, b = {0};
    wsm__heap_init(&heap);
    wsm__heap_disarm(&heap, &a);
    wsm__heap_arm(&heap, &a, 1);
    wsm__heap_arm(&heap, &b, 2);
    wsm__heap_disarm(&heap, &a);
    wsm__heap_disarm(&heap, &a);

    assert_ptr_equal(wsm__heap_pop_due(&heap, 9), &b);
    assert_null(wsm__heap_first(&heap));
}

#define MANY 300

static wsm__heap_node *least_of(wsm__heap_node *nodes) {
    wsm__heap_node *least = NULL;
    for (int i = 0; i < MANY; i++) {
        wsm__heap_node *node = &nodes[i];
        if (!node->armed) continue;
        if (!least || node->when < least->when || (node->when == least->when && node->order < least->order))
            least = node;
    }
    return least;
}

static void any_mix_of_calls_agrees_with_a_plain_search(void **state) {
    (void)state;
    wsm__heap heap;
    static wsm__heap_node nodes[MANY];
    uint64_t random = 1;
    wsm__heap_init(&heap);
    for (int i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        wsm__heap_node *node = &nodes[(random >> 40) % MANY];
        switch ((random >> 33) % 4) {
        case 0:
        case 1: wsm__heap_arm(&heap, node, (random >> 50) % 64); break;
        case 2: wsm__heap_disarm(&heap, node); break;
        default: {
            wsm__heap_node *least = least_of(nodes);
            assert_ptr_equal(wsm__heap_pop_due(&heap, UINT64_MAX), least);
        }
        }
        assert_ptr_equal(wsm__heap_first(&heap), least_of(nodes));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_come_out_in_their_order),
        cmocka_unit_test(equal_deadlines_fire_in_the_order_of_arming),
        cmocka_unit_test(a_disarmed_node_does_not_fire),
        cmocka_unit_test(any_mix_of_calls_agrees_with_a_plain_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
