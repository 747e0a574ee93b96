/* The growing buffer and its sticky error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "util/buf.h"

static void assert_content(const wsm__buf *buf, const char *text) {
    assert_int_equal(buf->len, strlen(text));
    assert_memory_equal(buf->ptr, text, buf->len);
}

static void what_is_appended_stands_in_order(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__buf buf;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__buf_init(&buf, &mem, 0);

    wsm__buf_puts(&buf, "offset=");
    wsm__buf_put_u64(&buf, 0);
    wsm__buf_putc(&buf, ',');
    wsm__buf_put_u64(&buf, UINT64_MAX);
    wsm__buf_put_slice(&buf, wsm__slice(";tail", 1));
    wsm__buf_put(&buf, NULL, 0);
    assert_content(&buf, "offset=0,18446744073709551615;");
    char *room = wsm__buf_room(&buf, 1000);
    memset(room, 'x', 1000);
    buf.len += 1000;
    assert_int_equal(buf.len, 1030);
    assert_memory_equal(buf.ptr, "offset=0,", 9);
    wsm__buf_fini(&buf);

    assert_int_equal(mem.used, 0);
}

static void dropping_from_the_front_keeps_the_rest(void **state) {
    (void)state;
    wsm__mem mem;
    wsm__buf buf;
    test_mem host = {0};
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__buf_init(&buf, &mem, 0);

    wsm__buf_drop(&buf, 5);
    wsm__buf_puts(&buf, "abcdef");
    wsm__buf_drop(&buf, 2);
    assert_content(&buf, "cdef");
    wsm__buf_drop(&buf, 99);
    assert_int_equal(buf.len, 0);
    wsm__buf_fini(&buf);

    assert_int_equal(mem.used, 0);
}

static void the_limit_is_exact_and_its_error_sticks(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__buf buf;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__buf_init(&buf, &mem, 100);

    for (int i = 0; i < 100; i++) wsm__buf_putc(&buf, 'a');
    assert_int_equal(buf.err, 0);
    assert_int_equal(buf.cap, 100);
    wsm__buf_putc(&buf, 'b');
    assert_int_equal(buf.err, WSM_ERR_TOO_LARGE);
    wsm__buf_drop(&buf, 50);
    wsm__buf_puts(&buf, "ignored");
    assert_null(wsm__buf_room(&buf, 1));
    assert_int_equal(buf.len, 50);
    wsm__buf_clear(&buf);
    wsm__buf_puts(&buf, "again");
    assert_content(&buf, "again");
    assert_null(wsm__buf_room(&buf, SIZE_MAX));
    assert_int_equal(buf.err, WSM_ERR_TOO_LARGE);
    wsm__buf_fini(&buf);

    assert_int_equal(mem.used, 0);
}

static void without_memory_nothing_more_is_appended(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        test_mem host = {.fail_at = n};
        wsm__mem mem;
        wsm__buf buf;
        wsm__mem_init(&mem, test_alloc, &host, 0);
        wsm__buf_init(&buf, &mem, 0);
        for (int i = 0; i < 300; i++) wsm__buf_puts(&buf, "0123456789");
        if (test_mem_has_failed(&host)) {
            assert_int_equal(buf.err, WSM_ERR_NOMEM);
            assert_true(buf.len < 3000 && buf.len % 10 == 0);
        } else {
            assert_int_equal(buf.len, 3000);
        }
        wsm__buf_fini(&buf);
        assert_int_equal(mem.used, 0);
        assert_int_equal(host.live, 0);
        if (!test_mem_has_failed(&host)) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_stands_in_order),
        cmocka_unit_test(dropping_from_the_front_keeps_the_rest),
        cmocka_unit_test(the_limit_is_exact_and_its_error_sticks),
        cmocka_unit_test(without_memory_nothing_more_is_appended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
