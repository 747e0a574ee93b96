/* route/roster: numbers by order of the first card, handles without regard to case, and the way through a snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "route/roster.h"
#include "wsm/error.h"

static const unsigned char seed[16] = "0123456789abcde";

typedef struct fixture {
    test_mem host;
    wsm__mem mem;
    wsm__roster roster;
} fixture;

static void begin(fixture *f) {
    *f = (fixture){.host = {0}};
    wsm__mem_init(&f->mem, test_alloc, &f->host, 0);
    wsm__roster_init(&f->roster, &f->mem, seed);
}

static void end(fixture *f) {
    wsm__roster_fini(&f->roster);
    assert_int_equal(f->host.live, 0);
}

static uint32_t put(fixture *f, const char *name, wsm_kind kind, const char *specialties) {
    uint32_t idx = 12345;
    assert_int_equal(wsm__roster_put(&f->roster, wsm__slice_str(name), kind, wsm__slice_str(specialties), &idx, NULL),
                     0);
    return idx;
}

static uint32_t find(fixture *f, const char *name) {
    return wsm__roster_find(&f->roster, wsm__slice_str(name));
}

static uint32_t handle(fixture *f, const char *name) {
    return wsm__roster_handle(&f->roster, wsm__slice_str(name));
}

static void agents_are_numbered_in_the_order_of_their_first_card(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    assert_int_equal(put(&f, "ada", WSM_KIND_AGENT, NULL), 0);
    assert_int_equal(put(&f, "bob", WSM_KIND_HUMAN, "[\"testing\"]"), 1);
    assert_int_equal(put(&f, "ada", WSM_KIND_SERVICE, "[\"a\",\"b\"]"), 0); /* a change keeps the number */
    assert_int_equal(wsm__roster_count(&f.roster), 2);
    assert_int_equal(find(&f, "bob"), 1);
    assert_int_equal(find(&f, "Bob"), WSM__ROSTER_NONE);
    assert_int_equal(find(&f, "hub"), WSM__ROSTER_HUB);
    assert_int_equal(wsm__roster_at(&f.roster, 0)->kind, WSM_KIND_SERVICE);
    assert_true(wsm__slice_is(wsm__roster_name(&f.roster, 1), "bob"));
    assert_true(wsm__slice_is(wsm__roster_name(&f.roster, WSM__ROSTER_HUB), "hub"));
    end(&f);
}

static void a_handle_is_found_without_regard_to_case_unless_that_is_ambiguous(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    put(&f, "Ada", WSM_KIND_AGENT, NULL);
    assert_int_equal(handle(&f, "ADA"), 0);
    put(&f, "aDa", WSM_KIND_AGENT, NULL);
    assert_int_equal(handle(&f, "ada"), WSM__ROSTER_MANY);
    assert_int_equal(handle(&f, "Ada"), 0); /* the exact name is never ambiguous */
    assert_int_equal(handle(&f, "aDa"), 1);
    assert_int_equal(handle(&f, "eve"), WSM__ROSTER_NONE);
    assert_int_equal(handle(&f, ""), WSM__ROSTER_NONE);
    end(&f);
}

static void specialties_are_compared_decoded(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    put(&f, "ada", WSM_KIND_AGENT, "[\"deb\\u0075gging\",\"research\"]");
    assert_true(wsm__card_has_specialty(wsm__roster_at(&f.roster, 0), wsm__slice_str("debugging")));
    assert_false(wsm__card_has_specialty(wsm__roster_at(&f.roster, 0), wsm__slice_str("debug")));
    assert_true(wsm__roster_has(&f.roster, wsm__slice_str("ada"), WSM_KIND_AGENT,
                                wsm__slice_str("[\"deb\\u0075gging\",\"research\"]")));
    assert_false(wsm__roster_has(&f.roster, wsm__slice_str("ada"), WSM_KIND_HUMAN,
                                 wsm__slice_str("[\"deb\\u0075gging\",\"research\"]")));
    end(&f);
}

static void a_snapshot_brings_back_the_same_numbers(void **state) {
    (void)state;
    fixture f, g;
    wsm__buf buf, again;
    begin(&f);
    begin(&g);
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%d", i * 7 % 300);
        put(&f, name, (wsm_kind)(i % 3), i % 2 ? "[\"x\"]" : NULL);
    }
    wsm__buf_init(&buf, &f.mem, 0);
    wsm__buf_init(&again, &f.mem, 0);
    wsm__roster_save(&f.roster, &buf);
    assert_int_equal(wsm__roster_load(&g.roster, wsm__slice(buf.ptr, buf.len)), 0);
    wsm__roster_save(&g.roster, &again);
    assert_true(wsm__slice_eq(wsm__slice(buf.ptr, buf.len), wsm__slice(again.ptr, again.len)));
    assert_int_equal(find(&g, "agent-7"), 1);
    wsm__buf_fini(&buf);
    wsm__buf_fini(&again);
    end(&g);
    end(&f);
}

static void a_broken_snapshot_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "[1]", "[[]]", "[[\"a\"]]", "[[\"a\",3]]", "[[\"hub\",0]]", "[[\"a\",0],[\"a\",0]]", "[[\"a\",0,1]]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fixture f;
        begin(&f);
        assert_int_equal(wsm__roster_load(&f.roster, wsm__slice_str(bad[i])), WSM_ERR_LOG_CORRUPT);
        wsm__roster_clear(&f.roster);
        assert_int_equal(wsm__roster_count(&f.roster), 0);
        end(&f);
    }
}

static void any_allocation_may_fail_and_nothing_has_changed(void **state) {
    (void)state;
    for (size_t n = 0;; n++) {
        fixture f;
        uint32_t idx = 7;
        begin(&f);
        put(&f, "Bob", WSM_KIND_AGENT, NULL);
        f.host.fail_at = f.host.calls + n + 1;
        int err = wsm__roster_put(&f.roster, wsm__slice_str("bob"), WSM_KIND_HUMAN, wsm__slice_str("[]"), &idx, NULL);
        f.host.fail_at = 0;
        if (err) {
            assert_int_equal(err, WSM_ERR_NOMEM);
            assert_int_equal(wsm__roster_count(&f.roster), 1);
            assert_int_equal(handle(&f, "bob"), 0);
        }
        assert_int_equal(put(&f, "bob", WSM_KIND_HUMAN, "[]"), 1);
        end(&f);
        if (!err) {
            assert_true(n > 2);
            return;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agents_are_numbered_in_the_order_of_their_first_card),
        cmocka_unit_test(a_handle_is_found_without_regard_to_case_unless_that_is_ambiguous),
        cmocka_unit_test(specialties_are_compared_decoded),
        cmocka_unit_test(a_snapshot_brings_back_the_same_numbers),
        cmocka_unit_test(a_broken_snapshot_is_refused),
        cmocka_unit_test(any_allocation_may_fail_and_nothing_has_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
