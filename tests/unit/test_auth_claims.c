/* The rules of claims, owning them, and the patterns of what may be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/claims.h"
#include "limits.h"
#include "mem_fault.h"

static wsm_slice s(const char *text) {
    return wsm__slice_str(text);
}

static wsm_claims good_claims(void) {
    wsm_claims claims;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = s("agent-1");
    claims.exp = 2000;
    claims.iat = 1000;
    return claims;
}

static void an_agent_id_is_short_and_plain(void **state) {
    (void)state;
    char longest[66];
    memset(longest, 'a', sizeof longest);
    assert_true(wsm__agent_id_is_valid(s("Az09._-")));
    assert_true(wsm__agent_id_is_valid(s("hub")));
    assert_true(wsm__agent_id_is_valid(wsm__slice(longest, 64)));
    assert_false(wsm__agent_id_is_valid(wsm__slice(longest, 65)));
    const char *const bad[] = {"", "a b", "a/b", "a:b", "a@b", "\xc3\xa9", "a\n", "[", "`", "{"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(wsm__agent_id_is_valid(s(bad[i])));
    assert_false(wsm__agent_id_is_valid(wsm__slice("a\0b", 3)));
}

static void a_copy_owns_its_text(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__identity identity;
    char text[] = "agent-1 jti aud first second main sb-*";
    wsm_slice specialties[] = {wsm__slice(text + 16, 5), wsm__slice(text + 22, 6)};
    wsm_slice contexts[] = {wsm__slice(text + 29, 4), wsm__slice(text + 34, 4)};
    wsm_claims claims = good_claims();
    wsm__mem_init(&mem, test_alloc, &host, 0);
    claims.sub = wsm__slice(text, 7);
    claims.jti = wsm__slice(text + 8, 3);
    claims.aud = wsm__slice(text + 12, 3);
    claims.specialties = specialties;
    claims.specialties_count = 2;
    claims.contexts = contexts;
    claims.contexts_count = 2;
    claims.can = WSM_CAN_ADMIN | WSM_CAN_STATUS;
    claims.kind = WSM_KIND_SERVICE;

    assert_int_equal(wsm__identity_copy(&identity, &mem, &claims), 0);
    memset(text, 'x', sizeof text);
    memset(specialties, 0, sizeof specialties);
    memset(contexts, 0, sizeof contexts);
    const wsm_claims *copy = &identity.claims;
    assert_true(wsm__slice_is(copy->sub, "agent-1"));
    assert_true(wsm__slice_is(copy->jti, "jti"));
    assert_true(wsm__slice_is(copy->aud, "aud"));
    assert_true(wsm__slice_is(copy->specialties[1], "second"));
    assert_true(wsm__slice_is(copy->contexts[1], "sb-*"));
    assert_int_equal(copy->contexts_present, 1);
    assert_int_equal(copy->can, WSM_CAN_ADMIN | WSM_CAN_STATUS);
    assert_int_equal(copy->kind, WSM_KIND_SERVICE);
    assert_int_equal(copy->exp, 2000);
    wsm__identity_fini(&identity, &mem);
    wsm__identity_fini(&identity, &mem);

    assert_int_equal(mem.used, 0);
}

static void assert_refused(const wsm_claims *claims) {
    test_mem host = {0};
    wsm__mem mem;
    wsm__identity identity;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    assert_int_equal(wsm__identity_copy(&identity, &mem, claims), WSM_ERR_INVALID);
    assert_int_equal(host.calls, 0);
}

#define REFUSED(change)                                                                                                \
    do {                                                                                                               \
        wsm_claims claims = good_claims();                                                                             \
        change;                                                                                                        \
        assert_refused(&claims);                                                                                       \
    } while (0)

static void broken_claims_are_refused(void **state) {
    (void)state;
    static char big[200];
    memset(big, 'b', sizeof big);
    wsm_slice empty[] = {{"", 0}}, nul[] = {{"a\0b", 3}}, not_utf8[] = {{"\xff", 1}}, pattern[] = {{big, 129}},
              specialty[] = {{big, 65}}, many[65];
    for (size_t i = 0; i < 65; i++) many[i] = s("x");

    REFUSED(claims.sub = s(""));
    REFUSED(claims.sub = s("hub"));
    REFUSED(claims.sub = s("a b"));
    REFUSED(claims.exp = 0);
    REFUSED(claims.exp = -1);
    REFUSED(claims.exp = INT64_MAX);
    REFUSED(claims.iat = -1);
    REFUSED(claims.iat = 2000);
    REFUSED(claims.exp = claims.iat + WSM__TOKEN_LIFE_MAX_S + 1);
    REFUSED(claims.nbf = -1);
    REFUSED(claims.jti = wsm__slice(big, 129));
    REFUSED(claims.jti = not_utf8[0]);
    REFUSED(claims.permission = (wsm_permission)2);
    REFUSED(claims.kind = (wsm_kind)3);
    REFUSED(claims.purpose = (wsm_purpose)-1);
    REFUSED(claims.can = 0x20);
    REFUSED(claims.specialties_count = 1);
    REFUSED((claims.specialties = empty, claims.specialties_count = 1));
    REFUSED((claims.specialties = nul, claims.specialties_count = 1));
    REFUSED((claims.specialties = specialty, claims.specialties_count = 1));
    REFUSED((claims.specialties = many, claims.specialties_count = 17));
    REFUSED((claims.contexts = not_utf8, claims.contexts_count = 1));
    REFUSED((claims.contexts = pattern, claims.contexts_count = 1));
    REFUSED((claims.contexts = many, claims.contexts_count = 65));
    assert_refused(NULL);
}

static void the_largest_claims_are_taken(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__identity identity;
    static char big[128];
    wsm_slice specialties[16], contexts[64];
    wsm_claims claims = good_claims();
    wsm__mem_init(&mem, test_alloc, &host, 0);
    memset(big, 'b', sizeof big);
    for (size_t i = 0; i < 16; i++) specialties[i] = wsm__slice(big, 64);
    for (size_t i = 0; i < 64; i++) contexts[i] = wsm__slice(big, 128);
    claims.specialties = specialties;
    claims.specialties_count = 16;
    claims.contexts = contexts;
    claims.contexts_count = 64;
    claims.jti = wsm__slice(big, 128);
    claims.exp = claims.iat + WSM__TOKEN_LIFE_MAX_S;

    assert_int_equal(wsm__identity_copy(&identity, &mem, &claims), 0);
    wsm__identity_fini(&identity, &mem);
    assert_int_equal(mem.used, 0);
}

static void a_struct_of_another_version_is_read_by_its_size(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__identity identity;
    struct {
        wsm_claims claims;
        int64_t newer;
    } larger = {good_claims(), 0};
    wsm__mem_init(&mem, test_alloc, &host, 0);
    larger.claims.size = sizeof larger;

    assert_int_equal(wsm__identity_copy(&identity, &mem, &larger.claims), 0);
    assert_int_equal(identity.claims.size, sizeof(wsm_claims));
    wsm__identity_fini(&identity, &mem);
    larger.newer = 1;
    assert_int_equal(wsm__identity_copy(&identity, &mem, &larger.claims), WSM_ERR_VERSION);
    assert_int_equal(mem.used, 0);
}

static void without_memory_nothing_is_copied(void **state) {
    (void)state;
    test_mem host = {.fail_at = 1};
    wsm__mem mem;
    wsm__identity identity = {0};
    wsm_claims claims = good_claims();
    wsm__mem_init(&mem, test_alloc, &host, 0);

    assert_int_equal(wsm__identity_copy(&identity, &mem, &claims), WSM_ERR_NOMEM);
    assert_null(identity.block);
    assert_int_equal(mem.used, 0);
}

static bool may_read(const char *pattern, const char *context) {
    wsm_slice patterns[] = {s("nothing-else"), s(pattern)};
    wsm__identity identity = {.claims = {.contexts = patterns, .contexts_count = 2, .contexts_present = 1}};
    return wsm__identity_may_read(&identity, s(context));
}

static void a_star_stands_for_any_run(void **state) {
    (void)state;
    assert_true(may_read("main", "main"));
    assert_false(may_read("main", "main2"));
    assert_false(may_read("main2", "main"));
    assert_true(may_read("*", ""));
    assert_true(may_read("*", "anything/at.all"));
    assert_true(may_read("sb-*", "sb-"));
    assert_true(may_read("sb-*", "sb-17"));
    assert_false(may_read("sb-*", "xsb-17"));
    assert_true(may_read("*-eu", "team-a-eu"));
    assert_false(may_read("*-eu", "team-a-eu-2"));
    assert_true(may_read("a*b*c", "a-b-b-c"));
    assert_true(may_read("a**c", "abc"));
    assert_false(may_read("a*b*c", "acb"));
    assert_false(may_read("A*", "abc"));
    assert_false(may_read("?ain", "main")); /* only the star is special */
}

static void a_hostile_pattern_costs_no_more_than_its_length_allows(void **state) {
    (void)state;
    char pattern[129], context[129];
    for (size_t i = 0; i < 128; i++) pattern[i] = i % 2 ? 'a' : '*';
    memset(context, 'a', 128);
    pattern[127] = 'b';
    pattern[128] = context[128] = 0;
    for (int i = 0; i < 1000; i++) assert_false(may_read(pattern, context)); /* exponential would never end */
}

static void no_list_reads_all_and_an_empty_one_nothing(void **state) {
    (void)state;
    wsm__identity identity = {0};
    assert_true(wsm__identity_may_read(&identity, s("main")));
    identity.claims.contexts_present = 1;
    assert_false(wsm__identity_may_read(&identity, s("main")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_id_is_short_and_plain),
        cmocka_unit_test(a_copy_owns_its_text),
        cmocka_unit_test(broken_claims_are_refused),
        cmocka_unit_test(the_largest_claims_are_taken),
        cmocka_unit_test(a_struct_of_another_version_is_read_by_its_size),
        cmocka_unit_test(without_memory_nothing_is_copied),
        cmocka_unit_test(a_star_stands_for_any_run),
        cmocka_unit_test(a_hostile_pattern_costs_no_more_than_its_length_allows),
        cmocka_unit_test(no_list_reads_all_and_an_empty_one_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
