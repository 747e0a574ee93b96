/* An allocator for tests: counts, fails on request, and makes misuse visible.
 *
 * Hand `test_alloc` with a zeroed `test_mem` to wsm__mem_init() or wsm_host.alloc. It always moves a buffer that
 * changes its size, fills new bytes with 0xCD and freed ones with 0xDD, guards both ends, and ends the program with a
 * message if a size given back is not exactly the one that was asked for.
 *
 * A loop over every failing allocation reads:
 *
 *     for (size_t n = 1;; n++) {
 *         test_mem mem = {.fail_at = n};
 *         int err = the_thing(&mem);
 *         assert_int_equal(mem.live, 0);
 *         if (!test_mem_has_failed(&mem)) break;
 *         assert_int_equal(err, WSM_ERR_NOMEM);
 *     } */
#ifndef WSM_TESTS_MEM_FAULT_H
#define WSM_TESTS_MEM_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct test_mem {
    atomic_size_t live;  /* bytes */
    atomic_size_t calls; /* allocations and resizes asked for; frees do not count */
    size_t fail_at;      /* the call that fails, from 1; 0: none does */
    int fail_forever;    /* 1: and all after it */
} test_mem;

void *test_alloc(void *user, void *ptr, size_t old_size, size_t new_size); /* a wsm_alloc_fn; `user` is a test_mem */
bool test_mem_has_failed(const test_mem *mem);

#endif
