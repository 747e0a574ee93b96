/* Claims as JSON: types, words, the audience, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/claims_json.h"
#include "mem_fault.h"
#include "util/slice.h"

static int read_claims(const char *json, const char *audience, wsm__claims_view *view) {
    int err;
    wsm__json *tree = wsm__json_parse(wsm__slice_str(json), &err);
    if (!tree) fail_msg("not JSON: %s", json);
    err = wsm__claims_read(wsm__json_root(tree), audience, view);
    wsm__json_free(tree); /* the tests below look at no text of the view */
    return err;
}

static void what_is_absent_has_the_least_rights(void **state) {
    (void)state;
    wsm__claims_view view;
    assert_int_equal(read_claims("{\"wsm\":{}}", NULL, &view), 0);
    assert_int_equal(view.claims.permission, WSM_PERMISSION_OBSERVER);
    assert_int_equal(view.claims.kind, WSM_KIND_AGENT);
    assert_int_equal(view.claims.purpose, WSM_PURPOSE_PRIMARY);
    assert_int_equal(view.claims.can, 0);
    assert_int_equal(view.claims.contexts_present, 0);
    assert_int_equal(read_claims("{}", NULL, &view), 0);
    assert_int_equal(view.claims.permission, WSM_PERMISSION_OBSERVER);
    assert_int_equal(view.claims.exp, 0);
}

static void words_and_lists_are_read(void **state) {
    (void)state;
    wsm__claims_view view;
    assert_int_equal(
        read_claims("{\"exp\":7,\"iat\":5,\"nbf\":6,\"other\":[1],\"wsm\":{\"permission\":\"active\",\"kind\":"
                    "\"human\",\"purpose\":\"backup\",\"specialties\":[\"a\",\"b\"],\"contexts\":[],\"can\":["
                    "\"admin\",\"fly\",\"broadcast_emergency\",\"admin\"],\"new\":{}}}",
                    NULL, &view),
        0);
    assert_int_equal(view.claims.exp, 7);
    assert_int_equal(view.claims.iat, 5);
    assert_int_equal(view.claims.nbf, 6);
    assert_int_equal(view.claims.permission, WSM_PERMISSION_ACTIVE);
    assert_int_equal(view.claims.kind, WSM_KIND_HUMAN);
    assert_int_equal(view.claims.purpose, WSM_PURPOSE_BACKUP);
    assert_int_equal(view.claims.specialties_count, 2);
    assert_int_equal(view.claims.contexts_present, 1);
    assert_int_equal(view.claims.contexts_count, 0);
    assert_int_equal(view.claims.can, WSM_CAN_ADMIN | WSM_CAN_BROADCAST_EMERGENCY);
}

static void a_wrong_type_or_word_is_an_error(void **state) {
    (void)state;
    static const char *const bad[] = {"{\"sub\":1}",
                                      "{\"sub\":null}",
                                      "{\"jti\":[]}",
                                      "{\"exp\":\"7\"}",
                                      "{\"exp\":null}",
                                      "{\"iat\":true}",
                                      "{\"nbf\":{}}",
                                      "{\"exp\":1e300}",
                                      "{\"aud\":1}",
                                      "{\"aud\":[\"a\",1]}",
                                      "{\"wsm\":null}",
                                      "{\"wsm\":[]}",
                                      "{\"wsm\":{\"permission\":\"root\"}}",
                                      "{\"wsm\":{\"permission\":\"Active\"}}",
                                      "{\"wsm\":{\"permission\":1}}",
                                      "{\"wsm\":{\"permission\":null}}",
                                      "{\"wsm\":{\"kind\":\"robot\"}}",
                                      "{\"wsm\":{\"purpose\":\"\"}}",
                                      "{\"wsm\":{\"specialties\":\"a\"}}",
                                      "{\"wsm\":{\"specialties\":[1]}}",
                                      "{\"wsm\":{\"contexts\":{}}}",
                                      "{\"wsm\":{\"contexts\":[null]}}",
                                      "{\"wsm\":{\"can\":\"admin\"}}",
                                      "{\"wsm\":{\"can\":[true]}}"};
    wsm__claims_view view;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_claims(bad[i], NULL, &view) != WSM_ERR_TOKEN_CLAIM) fail_msg("accepted: %s", bad[i]);
}

static void too_many_elements_are_an_error(void **state) {
    (void)state;
    char json[400] = "{\"wsm\":{\"specialties\":[\"0\"";
    wsm__claims_view view;
    for (int i = 1; i <= 16; i++) strcat(json, ",\"x\"");
    strcat(json, "]}}");
    assert_int_equal(read_claims(json, NULL, &view), WSM_ERR_TOKEN_CLAIM);
}

static void the_audience_must_name_us_if_we_have_a_name(void **state) {
    (void)state;
    wsm__claims_view view;
    assert_int_equal(read_claims("{\"aud\":\"hub-a\"}", "hub-a", &view), 0);
    assert_int_equal(read_claims("{\"aud\":[\"x\",\"hub-a\"]}", "hub-a", &view), 0);
    assert_int_equal(read_claims("{\"aud\":\"hub-b\"}", NULL, &view), 0);
    assert_int_equal(read_claims("{\"aud\":[]}", NULL, &view), 0);
    assert_int_equal(read_claims("{}", "hub-a", &view), WSM_ERR_TOKEN_CLAIM);
    assert_int_equal(read_claims("{\"aud\":\"hub-b\"}", "hub-a", &view), WSM_ERR_TOKEN_CLAIM);
    assert_int_equal(read_claims("{\"aud\":[\"hub-\",\"hub-aa\"]}", "hub-a", &view), WSM_ERR_TOKEN_CLAIM);
    assert_int_equal(read_claims("{\"aud\":[]}", "hub-a", &view), WSM_ERR_TOKEN_CLAIM);
}

static void assert_written(const wsm_claims *claims, const char *json) {
    test_mem host = {0};
    wsm__mem mem;
    wsm__buf buf;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__buf_init(&buf, &mem, 0);
    wsm__claims_write(&buf, claims);
    assert_int_equal(buf.err, 0);
    wsm__buf_putc(&buf, 0);
    assert_string_equal(buf.ptr, json);
    wsm__buf_fini(&buf);
    assert_int_equal(mem.used, 0);
}

static void only_what_is_not_the_default_is_written(void **state) {
    (void)state;
    wsm_slice specialties[] = {wsm__slice_str("C \"11\""), wsm__slice_str("\xc3\xa9")},
              contexts[] = {wsm__slice_str("main")};
    wsm_claims claims;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = wsm__slice_str("a");
    claims.exp = 9;
    assert_written(&claims, "{\"sub\":\"a\",\"exp\":9,\"wsm\":{\"permission\":\"observer\"}}");
    claims.contexts_present = 1;
    assert_written(&claims, "{\"sub\":\"a\",\"exp\":9,\"wsm\":{\"permission\":\"observer\",\"contexts\":[]}}");
    claims.aud = wsm__slice_str("hub-a");
    claims.jti = wsm__slice_str("id");
    claims.iat = 7;
    claims.nbf = 8;
    claims.permission = WSM_PERMISSION_ACTIVE;
    claims.kind = WSM_KIND_HUMAN;
    claims.purpose = WSM_PURPOSE_OBSERVER;
    claims.specialties = specialties;
    claims.specialties_count = 2;
    claims.contexts = contexts;
    claims.contexts_count = 1;
    claims.can = WSM_CAN_MENTION_ALL | WSM_CAN_ADMIN;
    assert_written(
        &claims,
        "{\"sub\":\"a\",\"aud\":\"hub-a\",\"jti\":\"id\",\"iat\":7,\"nbf\":8,\"exp\":9,\"wsm\":{\"permission\":"
        "\"active\",\"kind\":\"human\",\"purpose\":\"observer\",\"specialties\":[\"C \\\"11\\\"\",\"\xc3\xa9\"],"
        "\"contexts\":[\"main\"],\"can\":[\"mention_all\",\"admin\"]}}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_absent_has_the_least_rights),
        cmocka_unit_test(words_and_lists_are_read),
        cmocka_unit_test(a_wrong_type_or_word_is_an_error),
        cmocka_unit_test(too_many_elements_are_an_error),
        cmocka_unit_test(the_audience_must_name_us_if_we_have_a_name),
        cmocka_unit_test(only_what_is_not_the_default_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
