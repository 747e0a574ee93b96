/* Frames: their bytes, as RFC 6455, section 5.2 has them, their counts and their cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "wire/frame.h"
#include "wsm/error.h"

typedef struct fixture {
    test_mem fault;
    wsm__mem mem;
} fixture;

static void setup(fixture *f) {
    *f = (fixture){0};
    wsm__mem_init(&f->mem, test_alloc, &f->fault, 0);
}

static void teardown(fixture *f) {
    assert_int_equal(atomic_load(&f->mem.used), 0);
    assert_int_equal(atomic_load(&f->fault.live), 0);
}

static void expect_bytes(const wsm__frame *frame, const char *bytes, size_t len) {
    assert_int_equal(wsm__frame_bytes(frame).len, len);
    assert_memory_equal(wsm__frame_bytes(frame).ptr, bytes, len);
}

static void a_text_is_encoded_as_in_the_rfc(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__frame *frame = wsm__frame_of(&f.mem, 1, "Hello", 5, NULL);
    expect_bytes(frame, "\x81\x05Hello", 7);
    assert_true(wsm__slice_is(wsm__frame_payload(frame), "Hello"));
    wsm__frame_unref(frame);
    teardown(&f);
}

static void a_clients_text_is_masked_as_in_the_rfc(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__frame *frame = wsm__frame_of(&f.mem, 1, "Hello", 5, (const unsigned char *)"\x37\xfa\x21\x3d");
    expect_bytes(frame, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    wsm__frame_unref(frame);
    teardown(&f);
}

static void a_frame_can_be_filled_after_it_was_made(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    char *payload;
    wsm__frame *frame = wsm__frame_new(&f.mem, 2, 3, &payload);
    memcpy(payload, "abc", 3);
    expect_bytes(frame,
                 "\x82\x03"
                 "abc",
                 5);
    wsm__frame_unref(frame);
    teardown(&f);
}

static void an_empty_frame_is_its_header(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__frame *plain = wsm__frame_of(&f.mem, 8, NULL, 0, NULL);
    wsm__frame *masked = wsm__frame_of(&f.mem, 9, NULL, 0, (const unsigned char *)"abcd");
    expect_bytes(plain, "\x88\x00", 2);
    expect_bytes(masked,
                 "\x89\x80"
                 "abcd",
                 6);
    assert_int_equal(wsm__frame_payload(plain).len, 0);
    wsm__frame_unref(plain);
    wsm__frame_unref(masked);
    teardown(&f);
}

static void lengths_take_the_fewest_bytes(void **state) {
    (void)state;
    static const struct {
        size_t len;
        const char *header;
        size_t header_len;
    } rows[] = {
        {0, "\x82\x00", 2},
        {125, "\x82\x7d", 2},
        {126, "\x82\x7e\x00\x7e", 4},
        {127, "\x82\x7e\x00\x7f", 4},
        {65535, "\x82\x7e\xff\xff", 4},
        {65536, "\x82\x7f\0\0\0\0\0\x01\0\0", 10},
        {1234567, "\x82\x7f\0\0\0\0\0\x12\xd6\x87", 10},
    };
    fixture f;
    setup(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *payload;
        wsm__frame *frame = wsm__frame_new(&f.mem, 2, rows[i].len, &payload);
        memset(payload, 'x', rows[i].len);
        wsm_slice bytes = wsm__frame_bytes(frame);
        assert_int_equal(bytes.len, rows[i].header_len + rows[i].len);
        assert_memory_equal(bytes.ptr, rows[i].header, rows[i].header_len);
        assert_ptr_equal(wsm__frame_payload(frame).ptr, bytes.ptr + rows[i].header_len);
        wsm__frame_unref(frame);
    }
    teardown(&f);
}

static void raw_bytes_have_no_header(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__frame *frame = wsm__frame_raw(&f.mem, "HTTP/1.1 200 OK\r\n\r\n", 19);
    expect_bytes(frame, "HTTP/1.1 200 OK\r\n\r\n", 19);
    assert_int_equal(wsm__frame_payload(frame).len, 19);
    wsm__frame_unref(frame);
    teardown(&f);
}

static void the_last_reference_frees(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__frame *frame = wsm__frame_of(&f.mem, 1, "shared", 6, NULL);
    assert_ptr_equal(wsm__frame_ref(frame), frame);
    assert_int_equal(wsm__frame_cost(frame), atomic_load(&f.mem.used));
    wsm__frame_unref(frame);
    expect_bytes(frame, "\x81\x06shared", 8);
    wsm__frame_unref(frame);
    wsm__frame_unref(NULL);
    teardown(&f);
}

static void no_memory_and_no_room_yield_null(void **state) {
    (void)state;
    fixture f;
    char *payload = NULL;
    setup(&f);
    assert_null(wsm__frame_new(&f.mem, 1, SIZE_MAX - 8, &payload));
    f.fault = (test_mem){.fail_at = 1, .fail_forever = 1};
    assert_null(wsm__frame_new(&f.mem, 1, 5, &payload));
    assert_null(wsm__frame_of(&f.mem, 1, "Hello", 5, NULL));
    assert_null(wsm__frame_raw(&f.mem, "Hello", 5));
    assert_null(payload);
    teardown(&f);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_encoded_as_in_the_rfc),
        cmocka_unit_test(a_clients_text_is_masked_as_in_the_rfc),
        cmocka_unit_test(a_frame_can_be_filled_after_it_was_made),
        cmocka_unit_test(an_empty_frame_is_its_header),
        cmocka_unit_test(lengths_take_the_fewest_bytes),
        cmocka_unit_test(raw_bytes_have_no_header),
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(no_memory_and_no_room_yield_null),
    };
    return cmocka_run_group_tests_name("wire_frame", tests, NULL, NULL);
}
