/* Checking tokens: what is accepted, and that everything else is refused for its own reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "auth/jwt.h"
#include "limits.h"
#include "mem_fault.h"
#include "util/base64.h"
#include "util/crypto.h"

#define SECRET   "0123456789abcdef0123456789abcdef"
#define SECRET_2 "another secret of more than 32 bytes"
#define HS256    "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define NOW      1000000
#define EXP      "\"exp\":1000600"

typedef struct fixture {
    test_mem host;
    wsm__mem mem;
    wsm__keyring ring;
    char token[8000];
} fixture;

static void add_key(wsm__keyring *ring, const char *kid, const char *secret, size_t len) {
    wsm_key key;
    wsm_key_init(&key, sizeof key);
    key.kid = kid;
    key.secret = secret;
    key.secret_len = len;
    assert_int_equal(wsm__keyring_add(ring, &key), 0);
}

static void given_two_keys(fixture *f) {
    memset(f, 0, sizeof *f);
    wsm__mem_init(&f->mem, test_alloc, &f->host, 0);
    wsm__keyring_init(&f->ring, &f->mem);
    add_key(&f->ring, "one", SECRET, strlen(SECRET));
    add_key(&f->ring, "two", SECRET_2, strlen(SECRET_2));
}

static void then_nothing_is_left(fixture *f) {
    wsm__keyring_fini(&f->ring);
    assert_int_equal(f->mem.used, 0);
    assert_int_equal(f->host.live, 0);
}

/* Written apart from the library's minting, so that it can also make what must be refused. */
static void sign(char *token, const char *header, const char *claims, const char *secret) {
    unsigned char mac[WSM__SHA256_LEN];
    size_t len = wsm__base64url_encode(token, header, strlen(header));
    token[len++] = '.';
    len += wsm__base64url_encode(token + len, claims, strlen(claims));
    assert_int_equal(wsm__hmac_sha256(secret, strlen(secret), token, len, mac), 0);
    token[len++] = '.';
    len += wsm__base64url_encode(token + len, mac, sizeof mac);
    token[len] = 0;
}

/* From a block of exactly this size, so that the sanitizer sees a byte too many. */
static int check_bytes(fixture *f, const char *token, size_t len, const char *audience, int64_t now) {
    wsm__identity identity = {0};
    char *exact = malloc(len ? len : 1);
    if (len) memcpy(exact, token, len);
    int err = wsm__jwt_check(&f->ring, wsm__slice(exact, len), audience, now, &f->mem, &identity);
    free(exact);
    if (err) assert_null(identity.block);
    wsm__identity_fini(&identity, &f->mem);
    return err;
}

static int check_at(fixture *f, const char *header, const char *claims, int64_t now) {
    sign(f->token, header, claims, SECRET);
    return check_bytes(f, f->token, strlen(f->token), NULL, now);
}

static int check(fixture *f, const char *claims) {
    return check_at(f, HS256, claims, NOW);
}

static void a_good_token_yields_its_claims(void **state) {
    (void)state;
    fixture f;
    wsm__identity identity;
    given_two_keys(&f);
    sign(f.token, HS256,
         "{\"sub\":\"agent-1\"," EXP ",\"jti\":\"j\",\"aud\":[\"x\",\"hub-a\"],\"wsm\":{\"permission\":\"active\","
         "\"specialties\":[\"\\u00e9\"],\"contexts\":[\"main\",\"sb-*\"]}}",
         SECRET);

    assert_int_equal(wsm__jwt_check(&f.ring, wsm__slice_str(f.token), "hub-a", NOW, &f.mem, &identity), 0);
    assert_true(wsm__slice_is(identity.claims.sub, "agent-1"));
    assert_true(wsm__slice_is(identity.claims.aud, "hub-a"));
    assert_true(wsm__slice_is(identity.claims.jti, "j"));
    assert_true(wsm__slice_is(identity.claims.specialties[0], "\xc3\xa9"));
    assert_int_equal(identity.claims.permission, WSM_PERMISSION_ACTIVE);
    assert_int_equal(identity.claims.exp, 1000600);
    assert_true(wsm__identity_may_read(&identity, wsm__slice_str("sb-1")));
    assert_false(wsm__identity_may_read(&identity, wsm__slice_str("secret")));
    wsm__identity_fini(&identity, &f.mem);

    then_nothing_is_left(&f);
}

static void the_token_of_rfc_7515_has_a_right_signature(void **state) {
    (void)state;
    fixture f;
    unsigned char key[64];
    const char *text = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    const char *token =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6"
        "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"; /* A.1 */
    memset(&f, 0, sizeof f);
    wsm__mem_init(&f.mem, test_alloc, &f.host, 0);
    wsm__keyring_init(&f.ring, &f.mem);
    assert_int_equal(wsm__base64url_decode(key, text, strlen(text)), 64);
    add_key(&f.ring, NULL, (const char *)key, 64);

    /* Its claims lack `sub`: that is only found out behind the signature. */
    assert_int_equal(check_bytes(&f, token, strlen(token), NULL, 1300819000), WSM_ERR_TOKEN_CLAIM);
    then_nothing_is_left(&f);
}

static void the_algorithm_is_hs256_and_nothing_else(void **state) {
    (void)state;
    fixture f;
    const char *const bad[] = {"{\"alg\":\"none\"}",    "{\"alg\":\"hs256\"}",
                               "{\"alg\":\"HS512\"}",   "{\"alg\":\"RS256\"}",
                               "{\"typ\":\"JWT\"}",     "{\"alg\":1}",
                               "{\"alg\":[\"HS256\"]}", "{\"alg\":\"HS256 \"}",
                               "{\"ALG\":\"HS256\"}",   "{}"};
    given_two_keys(&f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(check_at(&f, bad[i], "{\"sub\":\"a\"," EXP "}", NOW), WSM_ERR_TOKEN_ALG);
    sign(f.token, "{\"alg\":\"none\"}", "{\"sub\":\"a\"," EXP "}", SECRET);
    *(strrchr(f.token, '.') + 1) = 0;
    assert_int_equal(check_bytes(&f, f.token, strlen(f.token), NULL, NOW), WSM_ERR_TOKEN_ALG);
    then_nothing_is_left(&f);
}

static void an_odd_header_is_refused(void **state) {
    (void)state;
    fixture f;
    const char *const bad[] = {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
                               "{\"alg\":\"HS256\",\"crit\":null}",
                               "{\"alg\":\"HS256\",\"typ\":1}",
                               "{\"alg\":\"HS256\",\"kid\":7}",
                               "{\"alg\":\"none\",\"alg\":\"HS256\"}",
                               "[\"HS256\"]",
                               "\"HS256\"",
                               "{\"alg\":\"HS256\"} x",
                               "{'alg':'HS256'}",
                               ""};
    given_two_keys(&f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(check_at(&f, bad[i], "{\"sub\":\"a\"," EXP "}", NOW), WSM_ERR_TOKEN);
    then_nothing_is_left(&f);
}

static void kid_picks_the_key(void **state) {
    (void)state;
    fixture f;
    const char *claims = "{\"sub\":\"a\"," EXP "}", *two = "{\"alg\":\"HS256\",\"kid\":\"two\"}";
    given_two_keys(&f);
    sign(f.token, two, claims, SECRET_2);
    assert_int_equal(check_bytes(&f, f.token, strlen(f.token), NULL, NOW), 0);
    assert_int_equal(check_at(&f, two, claims, NOW), WSM_ERR_TOKEN_SIGNATURE);
    sign(f.token, HS256, claims, SECRET_2);
    assert_int_equal(check_bytes(&f, f.token, strlen(f.token), NULL, NOW), WSM_ERR_TOKEN_SIGNATURE);
    assert_int_equal(check_at(&f, "{\"alg\":\"HS256\",\"kid\":\"three\"}", claims, NOW), WSM_ERR_TOKEN_KEY);
    assert_int_equal(check_at(&f, "{\"alg\":\"HS256\",\"kid\":\"\"}", claims, NOW), WSM_ERR_TOKEN_KEY);
    wsm__keyring_fini(&f.ring);
    assert_int_equal(check(&f, claims), WSM_ERR_TOKEN_KEY);
    then_nothing_is_left(&f);
}

static void no_bit_of_a_token_can_be_changed(void **state) {
    (void)state;
    fixture f;
    given_two_keys(&f);
    assert_int_equal(check(&f, "{\"sub\":\"a\"," EXP ",\"wsm\":{\"permission\":\"observer\"}}"), 0);
    size_t len = strlen(f.token);
    for (size_t bit = 0; bit < len * 8; bit++) {
        f.token[bit / 8] = (char)(f.token[bit / 8] ^ (1 << bit % 8));
        assert_int_not_equal(check_bytes(&f, f.token, len, NULL, NOW), 0);
        f.token[bit / 8] = (char)(f.token[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t cut = 0; cut < len; cut++) assert_int_not_equal(check_bytes(&f, f.token, cut, NULL, NOW), 0);
    assert_int_equal(check_bytes(&f, f.token, len, NULL, NOW), 0);
    then_nothing_is_left(&f);
}

static void a_token_has_exactly_three_parts(void **state) {
    (void)state;
    fixture f;
    given_two_keys(&f);
    assert_int_equal(check(&f, "{\"sub\":\"a\"," EXP "}"), 0);
    strcat(f.token, ".");
    assert_int_equal(check_bytes(&f, f.token, strlen(f.token), NULL, NOW), WSM_ERR_TOKEN);
    f.token[strlen(f.token) - 1] = '=';
    assert_int_equal(check_bytes(&f, f.token, strlen(f.token), NULL, NOW), WSM_ERR_TOKEN);
    const char *const bad[] = {"", ".", "..", "...", "a.b", "a.b.c", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(check_bytes(&f, bad[i], strlen(bad[i]), NULL, NOW), WSM_ERR_TOKEN);
    then_nothing_is_left(&f);
}

static void a_token_of_more_than_4_kib_is_not_looked_at(void **state) {
    (void)state;
    fixture f;
    char claims[4000] = "{\"sub\":\"a\"," EXP ",\"x\":\"";
    given_two_keys(&f);
    size_t start = strlen(claims), pad = 2900;
    for (;; pad++) { /* up to the longest that fits, and one step beyond */
        memset(claims + start, 'x', pad);
        strcpy(claims + start + pad, "\"}");
        int err = check(&f, claims);
        if (strlen(f.token) > WSM__TOKEN_BYTES_MAX) {
            assert_int_equal(err, WSM_ERR_TOKEN);
            break;
        }
        assert_int_equal(err, 0);
    }
    then_nothing_is_left(&f);
}

static void the_claims_are_not_read_before_the_signature_is_right(void **state) {
    (void)state;
    fixture f;
    given_two_keys(&f);
    sign(f.token, HS256, "not json", SECRET_2);
    assert_int_equal(check_bytes(&f, f.token, strlen(f.token), NULL, NOW), WSM_ERR_TOKEN_SIGNATURE);
    assert_int_equal(check(&f, "not json"), WSM_ERR_TOKEN);
    assert_int_equal(check(&f, "[]"), WSM_ERR_TOKEN);
    assert_int_equal(check(&f, "{\"sub\":\"a\",\"sub\":\"b\"," EXP "}"), WSM_ERR_TOKEN);
    then_nothing_is_left(&f);
}

static void times_are_judged_with_half_a_minute_of_leeway(void **state) {
    (void)state;
    fixture f;
    const char *plain = "{\"sub\":\"a\"," EXP "}", *nbf = "{\"sub\":\"a\"," EXP ",\"nbf\":1000100}",
               *iat = "{\"sub\":\"a\"," EXP ",\"iat\":1000100}";
    given_two_keys(&f);
    assert_int_equal(check_at(&f, HS256, plain, 1000630), 0);
    assert_int_equal(check_at(&f, HS256, plain, 1000631), WSM_ERR_TOKEN_EXPIRED);
    assert_int_equal(check_at(&f, HS256, nbf, 1000070), 0);
    assert_int_equal(check_at(&f, HS256, nbf, 1000069), WSM_ERR_TOKEN_EARLY);
    assert_int_equal(check_at(&f, HS256, iat, 1000070), 0);
    assert_int_equal(check_at(&f, HS256, iat, 1000069), WSM_ERR_TOKEN_EARLY);
    then_nothing_is_left(&f);
}

static void a_token_lives_for_a_day_at_most(void **state) {
    (void)state;
    fixture f;
    given_two_keys(&f);
    assert_int_equal(check(&f, "{\"sub\":\"a\",\"exp\":1086430}"), 0); /* no iat: from now, with leeway */
    assert_int_equal(check(&f, "{\"sub\":\"a\",\"exp\":1086431}"), WSM_ERR_TOKEN_CLAIM);
    assert_int_equal(check(&f, "{\"sub\":\"a\",\"iat\":1000000,\"exp\":1086400}"), 0);
    assert_int_equal(check(&f, "{\"sub\":\"a\",\"iat\":1000000,\"exp\":1086401}"), WSM_ERR_TOKEN_CLAIM);
    assert_int_equal(check(&f, "{\"sub\":\"a\",\"iat\":900000,\"exp\":1000100}"), WSM_ERR_TOKEN_CLAIM);
    then_nothing_is_left(&f);
}

static void a_broken_claim_is_refused(void **state) {
    (void)state;
    fixture f;
    const char *const bad[] = {"{" EXP "}",
                               "{\"sub\":\"\"," EXP "}",
                               "{\"sub\":\"hub\"," EXP "}",
                               "{\"sub\":\"a b\"," EXP "}",
                               "{\"sub\":\"a\"}",
                               "{\"sub\":\"a\",\"exp\":\"1000600\"}",
                               "{\"sub\":\"a\",\"exp\":-1}",
                               "{\"sub\":\"a\"," EXP ",\"iat\":-1}",
                               "{\"sub\":\"a\"," EXP ",\"wsm\":{\"permission\":\"root\"}}",
                               "{\"sub\":\"a\"," EXP ",\"wsm\":{\"specialties\":[\"\"]}}",
                               "{\"sub\":\"a\"," EXP ",\"wsm\":{\"contexts\":[\"\"]}}"};
    given_two_keys(&f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (check(&f, bad[i]) != WSM_ERR_TOKEN_CLAIM) fail_msg("%s", bad[i]);
    then_nothing_is_left(&f);
}

static void the_audience_is_checked_when_it_is_set(void **state) {
    (void)state;
    fixture f;
    given_two_keys(&f);
    assert_int_equal(check(&f, "{\"sub\":\"a\"," EXP ",\"aud\":\"hub-a\"}"), 0);
    assert_int_equal(check_bytes(&f, f.token, strlen(f.token), "hub-a", NOW), 0);
    assert_int_equal(check_bytes(&f, f.token, strlen(f.token), "hub-b", NOW), WSM_ERR_TOKEN_CLAIM);
    then_nothing_is_left(&f);
}

static void without_memory_the_answer_says_so(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        fixture f;
        given_two_keys(&f);
        f.host.fail_at = f.host.calls + n;
        int err = check(&f, "{\"sub\":\"a\"," EXP "}");
        int failed = test_mem_has_failed(&f.host);
        assert_int_equal(err, failed ? WSM_ERR_NOMEM : 0);
        then_nothing_is_left(&f);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_yields_its_claims),
        cmocka_unit_test(the_token_of_rfc_7515_has_a_right_signature),
        cmocka_unit_test(the_algorithm_is_hs256_and_nothing_else),
        cmocka_unit_test(an_odd_header_is_refused),
        cmocka_unit_test(kid_picks_the_key),
        cmocka_unit_test(no_bit_of_a_token_can_be_changed),
        cmocka_unit_test(a_token_has_exactly_three_parts),
        cmocka_unit_test(a_token_of_more_than_4_kib_is_not_looked_at),
        cmocka_unit_test(the_claims_are_not_read_before_the_signature_is_right),
        cmocka_unit_test(times_are_judged_with_half_a_minute_of_leeway),
        cmocka_unit_test(a_token_lives_for_a_day_at_most),
        cmocka_unit_test(a_broken_claim_is_refused),
        cmocka_unit_test(the_audience_is_checked_when_it_is_set),
        cmocka_unit_test(without_memory_the_answer_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
