/* lib/abi.c: programs and libraries of different age. Structs are allocated at exactly their size, so that a sanitizer
 * sees one byte too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "wsm/error.h"

typedef struct {
    size_t size;
    uint64_t a;
} old_struct;

typedef struct {
    size_t size;
    uint64_t a, b;
} known_struct;

typedef struct {
    size_t size;
    uint64_t a, b, c;
} new_struct;

static const known_struct defaults = {sizeof(known_struct), 10, 20};

static void copy_takes_an_older_struct_and_keeps_the_defaults_behind_it(void **state) {
    (void)state;
    old_struct *given = malloc(sizeof *given);
    *given = (old_struct){sizeof *given, 1};
    known_struct known = defaults;

    assert_int_equal(wsm__abi_copy(&known, sizeof known, given), 0);

    assert_int_equal(known.size, sizeof known);
    assert_int_equal(known.a, 1);
    assert_int_equal(known.b, 20);
    free(given);
}

static void copy_takes_a_newer_struct_whose_surplus_is_zero(void **state) {
    (void)state;
    new_struct given = {sizeof given, 1, 2, 0};
    known_struct known = defaults;

    assert_int_equal(wsm__abi_copy(&known, sizeof known, &given), 0);

    assert_int_equal(known.size, sizeof known);
    assert_int_equal(known.a, 1);
    assert_int_equal(known.b, 2);
}

static void copy_refuses_a_newer_struct_that_wants_something_unknown(void **state) {
    (void)state;
    new_struct given = {sizeof given, 1, 2, UINT64_C(1) << 63};
    known_struct known = defaults;

    assert_int_equal(wsm__abi_copy(&known, sizeof known, &given), WSM_ERR_VERSION);

    assert_memory_equal(&known, &defaults, sizeof known);
}

static void copy_refuses_what_cannot_hold_its_own_size(void **state) {
    (void)state;
    known_struct known = defaults;
    known_struct zero = {0, 1, 2};
    known_struct tiny = {sizeof(size_t) - 1, 1, 2};

    assert_int_equal(wsm__abi_copy(&known, sizeof known, NULL), WSM_ERR_INVALID);
    assert_int_equal(wsm__abi_copy(&known, sizeof known, &zero), WSM_ERR_INVALID);
    assert_int_equal(wsm__abi_copy(&known, sizeof known, &tiny), WSM_ERR_INVALID);

    assert_memory_equal(&known, &defaults, sizeof known);
}

static void init_writes_no_byte_beyond_an_older_struct(void **state) {
    (void)state;
    old_struct *out = malloc(sizeof *out);

    wsm__abi_init(out, sizeof *out, &defaults, sizeof defaults);

    assert_int_equal(out->size, sizeof *out);
    assert_int_equal(out->a, 10);
    free(out);
}

static void init_zeroes_what_it_does_not_know(void **state) {
    (void)state;
    new_struct out;
    memset(&out, 0xff, sizeof out);

    wsm__abi_init(&out, sizeof out, &defaults, sizeof defaults);

    assert_int_equal(out.size, sizeof out);
    assert_int_equal(out.b, 20);
    assert_int_equal(out.c, 0);
    wsm__abi_init(NULL, sizeof out, &defaults, sizeof defaults);
    wsm__abi_init(&out, 1, &defaults, sizeof defaults);
    assert_int_equal(out.size, sizeof out);
}

static void fill_leaves_the_size_of_the_caller(void **state) {
    (void)state;
    old_struct *older = malloc(sizeof *older);
    *older = (old_struct){sizeof *older, 0};
    new_struct newer = {sizeof newer, 0, 0, 7};
    size_t zero = 0;

    assert_int_equal(wsm__abi_fill(older, &defaults, sizeof defaults), 0);
    assert_int_equal(wsm__abi_fill(&newer, &defaults, sizeof defaults), 0);
    assert_int_equal(wsm__abi_fill(&zero, &defaults, sizeof defaults), WSM_ERR_INVALID);
    assert_int_equal(wsm__abi_fill(NULL, &defaults, sizeof defaults), WSM_ERR_INVALID);

    assert_int_equal(older->size, sizeof *older);
    assert_int_equal(older->a, 10);
    assert_int_equal(newer.size, sizeof newer);
    assert_int_equal(newer.b, 20);
    assert_int_equal(newer.c, 7);
    free(older);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_takes_an_older_struct_and_keeps_the_defaults_behind_it),
        cmocka_unit_test(copy_takes_a_newer_struct_whose_surplus_is_zero),
        cmocka_unit_test(copy_refuses_a_newer_struct_that_wants_something_unknown),
        cmocka_unit_test(copy_refuses_what_cannot_hold_its_own_size),
        cmocka_unit_test(init_writes_no_byte_beyond_an_older_struct),
        cmocka_unit_test(init_zeroes_what_it_does_not_know),
        cmocka_unit_test(fill_leaves_the_size_of_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
