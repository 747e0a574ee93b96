/* The base: the counted allocator, the table of errors, the version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "mem.h"
#include "mem_fault.h"
#include "wsm/error.h"
#include "wsm/version.h"

static void memory_is_counted_and_given_back(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__mem_init(&mem, test_alloc, &host, 0);

    char *text = wsm__strndup(&mem, "hello, world", 5);
    unsigned char *zeroes = wsm__zalloc(&mem, 32);
    assert_string_equal(text, "hello");
    for (size_t i = 0; i < 32; i++) assert_int_equal(zeroes[i], 0);
    assert_int_equal(mem.used, 6 + 32);
    zeroes = wsm__resize(&mem, zeroes, 32, 100);
    assert_int_equal(mem.used, 6 + 100);
    zeroes = wsm__resize(&mem, zeroes, 100, 10);
    assert_int_equal(mem.used, 6 + 10);
    wsm__free(&mem, zeroes, 10);
    wsm__free(&mem, text, 6);
    wsm__free(&mem, NULL, 77);

    assert_int_equal(mem.used, 0);
    assert_int_equal(host.live, 0);
}

static void the_built_in_allocator_serves_a_host_without_one(void **state) {
    (void)state;
    wsm__mem mem;
    wsm__mem_init(&mem, NULL, NULL, 0);

    char *ptr = wsm__alloc(&mem, 10);
    memcpy(ptr, "123456789", 10);
    ptr = wsm__resize(&mem, ptr, 10, 5000);
    assert_string_equal(ptr, "123456789");
    wsm__free(&mem, ptr, 5000);

    assert_int_equal(mem.used, 0);
}

static void above_the_budget_there_is_no_memory(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__mem_init(&mem, test_alloc, &host, 100);

    char *ptr = wsm__alloc(&mem, 60);
    assert_null(wsm__alloc(&mem, 41));
    assert_null(wsm__resize(&mem, ptr, 60, 101));
    assert_null(wsm__alloc(&mem, SIZE_MAX));
    assert_int_equal(wsm__mem_charge(&mem, 40), 0);
    assert_int_equal(wsm__mem_charge(&mem, 1), WSM_ERR_NOMEM);
    assert_int_equal(mem.used, 100);
    wsm__mem_uncharge(&mem, 40);
    wsm__free(&mem, ptr, 60);

    assert_int_equal(mem.used, 0);
    assert_int_equal(host.live, 0);
}

static void a_failed_allocation_counts_nothing_and_leaves_the_old_block(void **state) {
    (void)state;
    test_mem host = {.fail_at = 2, .fail_forever = 1};
    wsm__mem mem;
    wsm__mem_init(&mem, test_alloc, &host, 0);

    char *ptr = wsm__strndup(&mem, "kept", 4);
    assert_null(wsm__resize(&mem, ptr, 5, 50));
    assert_null(wsm__resize(&mem, ptr, 5, 2));
    assert_null(wsm__zalloc(&mem, 3));
    assert_null(wsm__strndup(&mem, "x", 1));
    assert_string_equal(ptr, "kept");
    assert_int_equal(mem.used, 5);
    wsm__free(&mem, ptr, 5);

    assert_int_equal(mem.used, 0);
    assert_int_equal(host.live, 0);
}

#define NUMBER(name, number, code, sentence) (number),
static const int numbers[] = {WSM_ERROR_MAP(NUMBER)};
#define NUMBERS (sizeof numbers / sizeof *numbers)

static void every_error_has_its_own_negative_number_name_and_sentence(void **state) {
    (void)state;
    for (size_t i = 0; i < NUMBERS; i++) {
        assert_true(numbers[i] < 0);
        assert_true(strlen(wsm_strerror(numbers[i])) > 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(numbers[i], numbers[j]);
            assert_string_not_equal(wsm_err_name(numbers[i]), wsm_err_name(numbers[j]));
            assert_string_not_equal(wsm_strerror(numbers[i]), wsm_strerror(numbers[j]));
        }
    }
    assert_string_equal(wsm_err_name(WSM_ERR_RATE_LIMITED), "RATE_LIMITED");
    assert_string_equal(wsm_strerror(WSM_ERR_RATE_LIMITED), "too many messages");
    assert_string_equal(wsm_err_name(WSM_OK), "OK");
}

static void a_number_that_is_no_error_is_still_answered(void **state) {
    (void)state;
    const int strange[] = {1, -7, -9999, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        assert_string_equal(wsm_strerror(strange[i]), "unknown error");
        assert_string_equal(wsm_err_name(strange[i]), "UNKNOWN");
        assert_string_equal(wsm_err_code(strange[i]), "internal");
        assert_int_equal(wsm_err_close_code(strange[i]), 1011);
    }
}

static void an_error_without_a_wire_code_is_internal_there(void **state) {
    (void)state;
    assert_string_equal(wsm_err_code(WSM_ERR_ID_CONFLICT), "id_conflict");
    assert_string_equal(wsm_err_code(WSM_ERR_NOMEM), "internal");
    assert_string_equal(wsm_err_code(WSM_ERR_INTERNAL), "internal");
}

static void the_wire_codes_are_those_of_the_protocol(void **state) {
    (void)state;
    static const char list[] =
        " bad_json bad_message unknown_type too_large unauthorized token_expired forbidden not_found "
        "conflict id_conflict invalid_transition limit rate_limited loop_guard unknown_agent "
        "ambiguous_agent mailbox_full resync_required store_failed busy shutting_down unsupported "
        "internal ";
    for (size_t i = 0; i < NUMBERS; i++) {
        char word[40] = " ";
        strncat(word, wsm_err_code(numbers[i]), 30);
        strcat(word, " ");
        assert_non_null(strstr(list, word));
    }
}

static void every_error_closes_with_a_code_that_has_a_name(void **state) {
    (void)state;
    for (size_t i = 0; i < NUMBERS; i++) assert_string_not_equal(wsm_close_name(wsm_err_close_code(numbers[i])), "");
    assert_int_equal(wsm_err_close_code(WSM_OK), 1000);
    assert_int_equal(wsm_err_close_code(WSM_ERR_PROTOCOL), 1002);
    assert_int_equal(wsm_err_close_code(WSM_ERR_UTF8), 1007);
    assert_int_equal(wsm_err_close_code(WSM_ERR_TOO_LARGE), 1009);
    assert_int_equal(wsm_err_close_code(WSM_ERR_NOMEM), 1013);
    assert_int_equal(wsm_err_close_code(WSM_ERR_TOKEN_SIGNATURE), 4002);
    assert_int_equal(wsm_err_close_code(WSM_ERR_TOKEN_EXPIRED), 4003);
}

static void close_codes_are_named_as_the_protocol_does(void **state) {
    (void)state;
    size_t named = 0;
    for (unsigned code = 0; code <= UINT16_MAX; code++) {
        size_t len = strlen(wsm_close_name((uint16_t)code));
        assert_true(len <= 123);
        named += len > 0;
    }
    assert_int_equal(named, 21);
    assert_string_equal(wsm_close_name(4008), "slow_consumer");
    assert_string_equal(wsm_close_name(4011), "too_many_violations");
    assert_string_equal(wsm_close_name(1005), "");
}

static void the_version_linked_is_that_of_the_headers(void **state) {
    (void)state;
    assert_string_equal(wsm_version(), WSM_VERSION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_counted_and_given_back),
        cmocka_unit_test(the_built_in_allocator_serves_a_host_without_one),
        cmocka_unit_test(above_the_budget_there_is_no_memory),
        cmocka_unit_test(a_failed_allocation_counts_nothing_and_leaves_the_old_block),
        cmocka_unit_test(every_error_has_its_own_negative_number_name_and_sentence),
        cmocka_unit_test(a_number_that_is_no_error_is_still_answered),
        cmocka_unit_test(an_error_without_a_wire_code_is_internal_there),
        cmocka_unit_test(the_wire_codes_are_those_of_the_protocol),
        cmocka_unit_test(every_error_closes_with_a_code_that_has_a_name),
        cmocka_unit_test(close_codes_are_named_as_the_protocol_does),
        cmocka_unit_test(the_version_linked_is_that_of_the_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
