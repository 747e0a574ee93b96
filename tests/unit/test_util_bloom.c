/* util/bloom: never "no" for what is in it, seldom "yes" for what is not, and full when it was made for less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "util/bloom.h"
#include "wsm/error.h"

static const unsigned char seed[16] = "0123456789abcde";

static size_t name_of(char out[32], const char *kind, uint32_t n) {
    return (size_t)snprintf(out, 32, "%s-%u", kind, n);
}

static void what_is_in_it_is_found_and_one_in_a_hundred_of_the_rest(void **state) {
    (void)state;
    static const uint32_t sizes[] = {10, 1000, 100000};
    for (size_t s = 0; s < 3; s++) {
        test_mem host = {0};
        wsm__mem mem;
        wsm__bloom bloom;
        char name[32];
        wsm__mem_init(&mem, test_alloc, &host, 0);
        wsm__bloom_init(&bloom, seed);
        assert_int_equal(wsm__bloom_resize(&bloom, &mem, sizes[s]), 0);
        uint32_t wrong = 0, count = bloom.room; /* as many as it takes before it calls itself full */
        for (uint32_t n = 0; n < count; n++) wsm__bloom_add(&bloom, name, name_of(name, "in", n));
        assert_false(wsm__bloom_is_full(&bloom));
        for (uint32_t n = 0; n < count; n++) assert_true(wsm__bloom_may_have(&bloom, name, name_of(name, "in", n)));
        for (uint32_t n = 0; n < 20000; n++) wrong += wsm__bloom_may_have(&bloom, name, name_of(name, "out", n));
        assert_in_range(wrong, 0, 20000 / 100 + 60); /* the seed is fixed: the number is the same every time */
        wsm__bloom_add(&bloom, "one more", 8);
        assert_true(wsm__bloom_is_full(&bloom));
        wsm__bloom_fini(&bloom, &mem);
        assert_int_equal(host.live, 0);
    }
}

static void without_room_everything_may_be_in_it(void **state) {
    (void)state;
    test_mem host = {.fail_at = 1};
    wsm__mem mem;
    wsm__bloom bloom;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__bloom_init(&bloom, seed);
    assert_int_equal(wsm__bloom_resize(&bloom, &mem, 10), WSM_ERR_NOMEM);
    wsm__bloom_add(&bloom, "ada", 3);
    assert_true(wsm__bloom_may_have(&bloom, "bob", 3));
    assert_int_equal(wsm__bloom_resize(&bloom, &mem, 10), 0);
    wsm__bloom_add(&bloom, "ada", 3);
    host.fail_at = host.calls + 1;
    assert_int_equal(wsm__bloom_resize(&bloom, &mem, 100000), WSM_ERR_NOMEM); /* and it is as before */
    assert_true(wsm__bloom_may_have(&bloom, "ada", 3));
    assert_false(wsm__bloom_may_have(&bloom, "bob", 3));
    wsm__bloom_fini(&bloom, &mem);
    assert_int_equal(host.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_it_is_found_and_one_in_a_hundred_of_the_rest),
        cmocka_unit_test(without_room_everything_may_be_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
