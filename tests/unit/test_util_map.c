/* The hash map: content, order, failure without effect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "mem_fault.h"
#include "util/map.h"

static const unsigned char seed[16] = "a seed of 16 by";

static size_t key_of(char key[16], int i) {
    return (size_t)snprintf(key, 16, "key-%d", i);
}

static void what_is_put_is_found_until_it_is_removed(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__map map;
    int a = 1, b = 2;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__map_init(&map, &mem, seed);

    assert_null(wsm__map_get(&map, "a", 1));
    assert_null(wsm__map_remove(&map, "a", 1));
    assert_int_equal(wsm__map_count(&map), 0);
    assert_int_equal(wsm__map_put(&map, "a", 1, &a), 0);
    assert_int_equal(wsm__map_put(&map, "a\0b", 3, &b), 0);
    assert_int_equal(wsm__map_put(&map, "", 0, &b), 0);
    assert_ptr_equal(wsm__map_get(&map, "a", 1), &a);
    assert_ptr_equal(wsm__map_get(&map, "a\0b", 3), &b);
    assert_null(wsm__map_get(&map, "a\0c", 3));
    assert_int_equal(wsm__map_put(&map, "a", 1, &b), 0);
    assert_ptr_equal(wsm__map_get(&map, "a", 1), &b);
    assert_int_equal(wsm__map_count(&map), 3);
    assert_ptr_equal(wsm__map_remove(&map, "a", 1), &b);
    assert_null(wsm__map_get(&map, "a", 1));
    assert_int_equal(wsm__map_count(&map), 2);
    wsm__map_fini(&map);

    assert_int_equal(mem.used, 0);
}

static void a_walk_follows_the_order_of_insertion(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__map map;
    static int values[1000];
    char key[16];
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__map_init(&map, &mem, seed);

    for (int i = 0; i < 1000; i++) {
        values[i] = i;
        assert_int_equal(wsm__map_put(&map, key, key_of(key, i), &values[i]), 0);
    }
    assert_int_equal(wsm__map_put(&map, "key-0", 5, &values[0]), 0); /* replacing keeps the place */
    wsm__map_node *cursor = NULL;
    for (int i = 0; i < 1000; i++) {
        int *value = wsm__map_next(&map, &cursor);
        assert_int_equal(*value, i);
        if (i % 3) assert_ptr_equal(wsm__map_remove(&map, key, key_of(key, i)), value); /* the one just returned */
    }
    assert_null(wsm__map_next(&map, &cursor));
    assert_null(wsm__map_next(&map, &cursor));
    assert_int_equal(wsm__map_count(&map), 334);
    wsm__map_fini(&map);

    assert_int_equal(mem.used, 0);
}

static void a_walk_may_remove_everything(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__map map;
    char key[16];
    int value, seen = 0;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__map_init(&map, &mem, seed);

    for (int i = 0; i < 50; i++) assert_int_equal(wsm__map_put(&map, key, key_of(key, i), &value), 0);
    for (wsm__map_node *cursor = NULL; wsm__map_next(&map, &cursor); seen++)
        wsm__map_remove(&map, key, key_of(key, seen));
    assert_int_equal(seen, 50);
    assert_int_equal(mem.used, 0); /* an empty map holds nothing */
    wsm__map_fini(&map);
}

static void a_put_without_memory_has_no_effect(void **state) {
    (void)state;
    static int values[400];
    for (size_t n = 1;; n++) {
        test_mem host = {.fail_at = n};
        wsm__mem mem;
        wsm__map map;
        char key[16];
        int err = 0, done = 0;
        wsm__mem_init(&mem, test_alloc, &host, 0);
        wsm__map_init(&map, &mem, seed);
        for (; done < 400; done++) {
            size_t used = mem.used;
            err = wsm__map_put(&map, key, key_of(key, done), &values[done]);
            if (!err) continue;
            assert_int_equal(err, WSM_ERR_NOMEM);
            assert_int_equal(mem.used, used);
            break;
        }
        assert_int_equal(wsm__map_count(&map), done);
        if (err) { /* tried again, it works, and what was there before still is */
            assert_null(wsm__map_get(&map, key, key_of(key, done)));
            assert_int_equal(wsm__map_put(&map, key, key_of(key, done), &values[done]), 0);
            done++;
        }
        wsm__map_node *cursor = NULL;
        for (int i = 0; i < done; i++) {
            assert_ptr_equal(wsm__map_get(&map, key, key_of(key, i)), &values[i]);
            assert_ptr_equal(wsm__map_next(&map, &cursor), &values[i]);
        }
        wsm__map_fini(&map);
        assert_int_equal(mem.used, 0);
        assert_int_equal(host.live, 0);
        if (!err) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found_until_it_is_removed),
        cmocka_unit_test(a_walk_follows_the_order_of_insertion),
        cmocka_unit_test(a_walk_may_remove_everything),
        cmocka_unit_test(a_put_without_memory_has_no_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
