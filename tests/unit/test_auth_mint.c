/* Minting tokens, and that what is minted is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/jwt.h"
#include "limits.h"
#include "mem_fault.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW    1000000

static wsm_key good_key(const char *kid) {
    wsm_key key;
    wsm_key_init(&key, sizeof key);
    key.kid = kid;
    key.secret = SECRET;
    key.secret_len = strlen(SECRET);
    return key;
}

static wsm_claims good_claims(void) {
    wsm_claims claims;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = wsm__slice_str("agent-1");
    claims.iat = NOW;
    claims.exp = NOW + 3600;
    return claims;
}

static void the_initialisers_fill_the_size_they_are_told(void **state) {
    (void)state;
    char bytes[sizeof(wsm_claims) + 8];
    wsm_claims *claims = (wsm_claims *)(void *)memset(bytes, 0xff, sizeof bytes);
    wsm_claims_init(claims, offsetof(wsm_claims, contexts_present)); /* an older program's struct */
    assert_int_equal(claims->size, offsetof(wsm_claims, contexts_present));
    assert_null(claims->sub.ptr);
    assert_int_equal(claims->contexts_present, -1); /* beyond it nothing is written */
    wsm_key key;
    wsm_key_init(&key, sizeof key);
    assert_int_equal(key.size, sizeof key);
    assert_null(key.kid);
    wsm_claims_init(NULL, sizeof *claims);
}

static void a_token_is_the_same_bytes_each_time(void **state) {
    (void)state;
    char token[WSM__TOKEN_BYTES_MAX];
    size_t len = 0;
    wsm_claims claims = good_claims();
    wsm_key key = good_key("k1");
    assert_int_equal(wsm_token_mint(&claims, &key, token, sizeof token, &len), 0);
    /* Its three parts were made with Python's json, base64 and hmac. */
    assert_string_equal(token, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsxIn0."
                               "eyJzdWIiOiJhZ2VudC0xIiwiaWF0IjoxMDAwMDAwLCJleHAiOjEwMDM2MDAsIndzbSI6eyJwZXJtaXNzaW9uIjo"
                               "ib2JzZXJ2ZXIifX0.pwK37N7VLdYoMc96QtJnKmq-Qf3NmvgqyQlVzSyw4bU");
    assert_int_equal(len, strlen(token));
}

static void what_is_minted_is_accepted_with_the_same_claims(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__keyring ring;
    wsm__identity identity;
    char token[WSM__TOKEN_BYTES_MAX];
    size_t len;
    wsm_slice specialties[] = {wsm__slice_str("\"quoted\"\n\x01"), wsm__slice_str("\xf0\x9f\x98\x80")},
              contexts[] = {wsm__slice_str("sb-*")};
    wsm_claims claims = good_claims();
    wsm_key key = good_key("\xc3\xa9\\");
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__keyring_init(&ring, &mem);
    claims.nbf = NOW - 5;
    claims.jti = wsm__slice_str("jti");
    claims.aud = wsm__slice_str("hub-a");
    claims.permission = WSM_PERMISSION_ACTIVE;
    claims.kind = WSM_KIND_SERVICE;
    claims.purpose = WSM_PURPOSE_BACKUP;
    claims.can = WSM_CAN_STATUS | WSM_CAN_CURATOR;
    claims.specialties = specialties;
    claims.specialties_count = 2;
    claims.contexts = contexts;
    claims.contexts_count = 1;

    assert_int_equal(wsm_token_mint(&claims, &key, token, sizeof token, &len), 0);
    assert_int_equal(wsm__keyring_add(&ring, &key), 0);
    assert_int_equal(wsm__jwt_check(&ring, wsm__slice(token, len), "hub-a", NOW, &mem, &identity), 0);
    const wsm_claims *got = &identity.claims;
    assert_true(wsm__slice_eq(got->sub, claims.sub));
    assert_true(wsm__slice_eq(got->jti, claims.jti));
    assert_true(wsm__slice_eq(got->specialties[0], specialties[0]));
    assert_true(wsm__slice_eq(got->specialties[1], specialties[1]));
    assert_true(wsm__slice_eq(got->contexts[0], contexts[0]));
    assert_int_equal(got->exp, claims.exp);
    assert_int_equal(got->iat, claims.iat);
    assert_int_equal(got->nbf, claims.nbf);
    assert_int_equal(got->permission, claims.permission);
    assert_int_equal(got->kind, claims.kind);
    assert_int_equal(got->purpose, claims.purpose);
    assert_int_equal(got->can, claims.can);
    wsm__identity_fini(&identity, &mem);
    wsm__keyring_fini(&ring);

    assert_int_equal(mem.used, 0);
}

static void broken_claims_keys_and_arguments_are_refused(void **state) {
    (void)state;
    char token[WSM__TOKEN_BYTES_MAX] = "untouched";
    size_t len = 42;
    const wsm_claims good = good_claims();
    wsm_claims claims = good;
    wsm_key key = good_key(NULL);
#define REFUSED(change)                                                                                                \
    do {                                                                                                               \
        change;                                                                                                        \
        assert_int_equal(wsm_token_mint(&claims, &key, token, sizeof token, &len), WSM_ERR_INVALID);                   \
        claims = good;                                                                                                 \
        key = good_key(NULL);                                                                                          \
    } while (0)
    REFUSED(claims.sub = wsm__slice_str("hub"));
    REFUSED(claims.exp = 0);
    REFUSED(claims.iat = 0);
    REFUSED(claims.exp = NOW + WSM__TOKEN_LIFE_MAX_S + 1);
    REFUSED(claims.exp = NOW);
    REFUSED(claims.nbf = claims.exp);
    REFUSED(claims.can = 1u << 31);
    REFUSED(claims.size = 0);
    REFUSED(key.secret_len = 31);
    REFUSED(key.secret = NULL);
    REFUSED(key.kid = "");
    assert_int_equal(wsm_token_mint(NULL, &key, token, sizeof token, &len), WSM_ERR_INVALID);
    assert_int_equal(wsm_token_mint(&claims, NULL, token, sizeof token, &len), WSM_ERR_INVALID);
    assert_int_equal(wsm_token_mint(&claims, &key, NULL, sizeof token, &len), WSM_ERR_INVALID);
    assert_int_equal(wsm_token_mint(&claims, &key, token, sizeof token, NULL), WSM_ERR_INVALID);
    assert_string_equal(token, "untouched");
    assert_int_equal(len, 42);
}

static void the_room_must_hold_the_token_and_its_end(void **state) {
    (void)state;
    char token[WSM__TOKEN_BYTES_MAX];
    size_t len, again;
    wsm_claims claims = good_claims();
    wsm_key key = good_key(NULL);
    assert_int_equal(wsm_token_mint(&claims, &key, token, sizeof token, &len), 0);
    memset(token, 'x', sizeof token);
    assert_int_equal(wsm_token_mint(&claims, &key, token, len, &again), WSM_ERR_TOO_LARGE);
    assert_int_equal(token[0], 'x');
    assert_int_equal(wsm_token_mint(&claims, &key, token, len + 1, &again), 0);
    assert_int_equal(again, len);
    assert_int_equal(token[len], 0);
    assert_int_equal(token[len + 1], 'x');
}

static void a_token_above_4_kib_is_not_minted(void **state) {
    (void)state;
    static char big[128], token[3 * WSM__TOKEN_BYTES_MAX];
    wsm_slice contexts[64];
    size_t len;
    wsm_claims claims = good_claims();
    wsm_key key = good_key(NULL);
    memset(big, 'b', sizeof big);
    for (size_t i = 0; i < 64; i++) contexts[i] = wsm__slice(big, 128);
    claims.contexts = contexts;
    for (claims.contexts_count = 0; claims.contexts_count <= 64; claims.contexts_count++) {
        int err = wsm_token_mint(&claims, &key, token, sizeof token, &len);
        if (claims.contexts_count < 20) assert_int_equal(err, 0);
        if (claims.contexts_count > 24) assert_int_equal(err, WSM_ERR_TOO_LARGE);
        if (err == 0) assert_true(len < WSM__TOKEN_BYTES_MAX);
    }
}

static void without_memory_nothing_is_minted(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        test_mem host = {.fail_at = n};
        wsm__mem mem;
        char token[WSM__TOKEN_BYTES_MAX] = "untouched";
        size_t len;
        wsm_claims claims = good_claims();
        wsm_key key = good_key("k1");
        wsm__mem_init(&mem, test_alloc, &host, 0);
        int err = wsm__jwt_mint(&mem, &claims, &key, token, sizeof token, &len);
        assert_int_equal(mem.used, 0);
        assert_int_equal(host.live, 0);
        if (!test_mem_has_failed(&host)) {
            assert_int_equal(err, 0);
            break;
        }
        assert_int_equal(err, WSM_ERR_NOMEM);
        assert_string_equal(token, "untouched");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_initialisers_fill_the_size_they_are_told),
        cmocka_unit_test(a_token_is_the_same_bytes_each_time),
        cmocka_unit_test(what_is_minted_is_accepted_with_the_same_claims),
        cmocka_unit_test(broken_claims_keys_and_arguments_are_refused),
        cmocka_unit_test(the_room_must_hold_the_token_and_its_end),
        cmocka_unit_test(a_token_above_4_kib_is_not_minted),
        cmocka_unit_test(without_memory_nothing_is_minted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
