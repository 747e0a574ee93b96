/* F8: tokens. A token is accepted only if it is, bit for bit, one that was signed with the right key and whose claims
 * are acceptable; what is accepted says what was signed.
 *
 * The first byte picks the way:
 *   even   the rest is JSON of a header, a line feed, and JSON of claims, which are signed as they stand; a plain
 * reading of both decides whether they are acceptable. odd    claims made of the next bytes are minted; the rest are
 * changes to the token: (place, byte) each. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwt.h"
#include "fuzz.h"
#include "limits.h"
#include "ref_json.h"
#include "ref_utf8.h"
#include "util/base64.h"
#include "util/crypto.h"

#define NOW 1767323045

static const char secrets[2][40] = {"the first secret of some thirty-six b", "the second secret of thirty-seven byte"};
static const char *const kids[2] = {NULL, "k2"};

typedef struct bench {
    test_mem memory;
    wsm__mem mem;
    wsm__keyring ring;
    bool good;
} bench;

static void bench_init(bench *b) {
    fuzz_mem_begin(&b->memory);
    wsm__mem_init(&b->mem, test_alloc, &b->memory, 0);
    wsm__keyring_init(&b->ring, &b->mem);
    b->good = true;
    for (int i = 0; i < 2; i++) {
        wsm_key key;
        wsm_key_init(&key, sizeof key);
        key.kid = kids[i];
        key.secret = secrets[i];
        key.secret_len = strlen(secrets[i]);
        if (wsm__keyring_add(&b->ring, &key) != 0) b->good = false;
    }
    FUZZ_EXPECT(b->good || fuzz_mem_is_short(&b->memory));
}

static void bench_fini(bench *b) {
    wsm__keyring_fini(&b->ring);
    fuzz_mem_end(&b->memory);
}

static int check(bench *b, const char *token, size_t len, const char *audience, wsm__identity *identity) {
    char *copy = fuzz_copy(token, len);
    *identity = (wsm__identity){0};
    int err = wsm__jwt_check(&b->ring, (wsm_slice){copy, len}, audience, NOW, &b->mem, identity);
    FUZZ_EXPECT(err <= 0);
    if (err) FUZZ_EXPECT(!identity->block);
    if (err == WSM_ERR_NOMEM) FUZZ_EXPECT(fuzz_mem_is_short(&b->memory));
    free(copy);
    return err;
}

/* ---- signing what stands there ---- */

static void put_part(fuzz_text *token, const void *bytes, size_t len) {
    char *text = malloc(WSM__BASE64_LEN(len) + 1);
    if (!text) abort();
    fuzz_put(token, text, wsm__base64url_encode(text, bytes, len));
    free(text);
}

static bool is_text_of(const ref_json *json, size_t low, size_t high) {
    return json && json->kind == REF_STRING && json->text_len >= low && json->text_len <= high;
}

static bool is_agent(const ref_json *sub) {
    if (!is_text_of(sub, 1, 64) || ref_json_is(sub, "hub")) return false;
    return strspn(sub->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == sub->text_len;
}

static bool is_list_of(const ref_json *list, size_t most, size_t len) {
    if (!list) return true;
    if (list->kind != REF_ARRAY || list->count > most) return false;
    for (const ref_json *item = list->child; item; item = item->next)
        if (!is_text_of(item, 1, len)) return false;
    return true;
}

/* Seconds, 0 if absent; -1: no time. */
static double time_of(const ref_json *claims, const char *name) {
    const ref_json *value = ref_json_get(claims, name);
    if (!value) return 0;
    return value->kind == REF_NUMBER && value->number >= 0 && value->number <= 9007199254740992.0 ? floor(value->number)
                                                                                                  : -1;
}

static bool header_is_fit(const ref_json *header, int *key) {
    const ref_json *kid = ref_json_get(header, "kid");
    if (!header || header->kind != REF_OBJECT || !ref_json_is(ref_json_get(header, "alg"), "HS256")) return false;
    if (ref_json_get(header, "crit")) return false;
    *key = !kid ? 0 : ref_json_is(kid, kids[1]) ? 1 : -1;
    return *key >= 0;
}

static bool claims_are_fit(const ref_json *claims) {
    if (!claims || claims->kind != REF_OBJECT || ref_json_is_ambiguous(claims, 64)) return false;
    double exp = time_of(claims, "exp"), iat = time_of(claims, "iat"), nbf = time_of(claims, "nbf");
    const ref_json *wsm = ref_json_get(claims, "wsm");
    if (exp < NOW - 30 || exp < 1 || iat < 0 || nbf < 0 || iat > NOW + 30 || nbf > NOW + 30) return false;
    if (iat > 0 ? exp <= iat || exp - iat > 86400 : exp > NOW + 86400 + 30) return false;
    if (!is_agent(ref_json_get(claims, "sub"))) return false;
    if (!wsm) return true;
    return wsm->kind == REF_OBJECT && is_list_of(ref_json_get(wsm, "specialties"), 16, 64) &&
           is_list_of(ref_json_get(wsm, "contexts"), 64, 128);
}

static void check_identity(const wsm__identity *identity, const ref_json *claims) {
    const wsm_claims *got = &identity->claims;
    const ref_json *wsm = ref_json_get(claims, "wsm"), *permission = ref_json_get(wsm, "permission");
    FUZZ_EXPECT(ref_json_is(ref_json_get(claims, "sub"), "hub") == false);
    FUZZ_EXPECT(got->sub.len == ref_json_get(claims, "sub")->text_len);
    FUZZ_EXPECT((double)got->exp == time_of(claims, "exp"));
    /* The least of rights when unclear. */
    FUZZ_EXPECT((got->permission == WSM_PERMISSION_ACTIVE) == ref_json_is(permission, "active"));
    if (!ref_json_get(wsm, "can")) FUZZ_EXPECT(got->can == 0);
    FUZZ_EXPECT((got->contexts_present != 0) == (ref_json_get(wsm, "contexts") != NULL));
    static const char *const asked[] = {"main", "", "a", "other/x", "mai"};
    const ref_json *contexts = ref_json_get(wsm, "contexts");
    for (size_t i = 0; i < 5; i++) {
        bool may = wsm__identity_may_read(identity, wsm__slice_str(asked[i]));
        if (!contexts) FUZZ_EXPECT(may);
        if (contexts && contexts->count == 0) FUZZ_EXPECT(!may);
    }
}

static void signed_as_it_stands(bench *b, fuzz_in *in, unsigned mode) {
    static const ref_json_limits limits = {32, 4096, 128};
    wsm_slice header = fuzz_until(in, '\n'), claims = {(const char *)in->at, in->left};
    fuzz_text token = {0};
    unsigned char mac[WSM__SHA256_LEN];
    ref_json_verdict verdict;
    int key = 0;
    ref_json *head = ref_json_parse(header.ptr, header.len, &limits, &verdict);
    bool fit = header_is_fit(head, &key);
    ref_json *body = ref_json_parse(claims.ptr, claims.len, &limits, &verdict);
    fit = fit && claims_are_fit(body);
    put_part(&token, header.ptr, header.len);
    fuzz_put(&token, ".", 1);
    put_part(&token, claims.ptr, claims.len);
    const char *secret = secrets[key == 1 ? 1 : 0];
    FUZZ_EXPECT(wsm__hmac_sha256(secret, strlen(secret), token.ptr, token.len, mac) == 0);
    fuzz_put(&token, ".", 1);
    put_part(&token, mac, sizeof mac);

    wsm__identity identity;
    const char *audience = mode & 2 ? "wsm" : NULL;
    int err = check(b, token.ptr, token.len, audience, &identity);
    if (err == 0) {
        if (!fit) fuzz_show("accepted", claims.ptr, claims.len);
        FUZZ_EXPECT(fit && !verdict.borderline);
        check_identity(&identity, body);
        wsm__identity_fini(&identity, &b->mem);

        /* One bit elsewhere, and it is another token. */
        uint64_t dice = fuzz_hash(token.ptr, token.len);
        size_t at = (size_t)(fuzz_next(&dice) % token.len);
        token.ptr[at] = (char)(token.ptr[at] ^ (1 << fuzz_next(&dice) % 8));
        FUZZ_EXPECT(check(b, token.ptr, token.len, audience, &identity) != 0);
    }
    ref_json_free(head);
    ref_json_free(body);
    fuzz_text_free(&token);
}

/* ---- minted, then changed ---- */

static void minted(bench *b, fuzz_in *in) {
    static const char *const subs[] = {
        "ada", "hub", "", "a/b", "A-very.long_name-of-64-bytes-which-is-as-long-as-a-name-may-be-1", "x"};
    static const int64_t times[] = {0,        1,        NOW - 100,   NOW - 31,    NOW - 29, NOW,
                                    NOW + 29, NOW + 31, NOW + 86400, NOW + 90000, -1,       INT64_MAX};
    wsm_slice texts[20];
    wsm_claims claims;
    wsm_key key;
    wsm_claims_init(&claims, sizeof claims);
    wsm_key_init(&key, sizeof key);
    claims.sub = wsm__slice_str(subs[fuzz_below(in, 6)]);
    claims.exp = times[fuzz_below(in, 12)];
    claims.iat = times[fuzz_below(in, 12)];
    claims.nbf = times[fuzz_below(in, 12)];
    claims.permission = (wsm_permission)fuzz_below(in, 3);
    claims.kind = (wsm_kind)fuzz_below(in, 4);
    claims.purpose = (wsm_purpose)fuzz_below(in, 4);
    claims.can = fuzz_u8(in);
    claims.jti = fuzz_take(in, fuzz_below(in, 8));
    claims.aud = fuzz_u8(in) & 1 ? (wsm_slice){"wsm", 3} : (wsm_slice){NULL, 0};
    size_t count = fuzz_below(in, 20);
    for (size_t i = 0; i < count; i++) texts[i] = fuzz_take(in, fuzz_below(in, 4));
    claims.specialties = claims.contexts = texts;
    claims.specialties_count = fuzz_below(in, 2) ? count : 0;
    claims.contexts_count = fuzz_below(in, 2) ? count : 0;
    claims.contexts_present = (int)fuzz_below(in, 2);
    size_t which = fuzz_below(in, 3); /* the last: a key that the ring has not */
    key.kid = which == 1 ? kids[1] : NULL;
    key.secret = which == 2 ? "a secret that nobody in here has ever seen" : secrets[which];
    key.secret_len = which == 2 ? 42 : strlen(secrets[which]);

    char token[4097], changed[4097];
    size_t len = 0;
    int err = wsm__jwt_mint(&b->mem, &claims, &key, token, sizeof token, &len);
    if (err) {
        FUZZ_EXPECT(err == WSM_ERR_INVALID || err == WSM_ERR_TOO_LARGE || fuzz_mem_is_short(&b->memory));
        return;
    }
    FUZZ_EXPECT(wsm__claims_check(&claims) == 0 && token[len] == '\0');
    wsm__identity identity;
    err = check(b, token, len, NULL, &identity);
    bool fit = which < 2 && claims.exp + 30 >= NOW && claims.iat <= NOW + 30 && claims.nbf <= NOW + 30;
    if (!fuzz_mem_is_short(&b->memory)) FUZZ_EXPECT((err == 0) == fit);
    if (err == 0) {
        const wsm_claims *got = &identity.claims;
        FUZZ_EXPECT(wsm__slice_eq(got->sub, claims.sub) && got->exp == claims.exp && got->iat == claims.iat);
        FUZZ_EXPECT(got->nbf == claims.nbf && got->permission == claims.permission && got->kind == claims.kind);
        FUZZ_EXPECT(got->purpose == claims.purpose && got->can == claims.can && wsm__slice_eq(got->jti, claims.jti));
        FUZZ_EXPECT(got->specialties_count == claims.specialties_count && got->contexts_count == claims.contexts_count);
        for (size_t i = 0; i < got->contexts_count; i++)
            FUZZ_EXPECT(wsm__slice_eq(got->contexts[i], claims.contexts[i]));
        wsm__identity_fini(&identity, &b->mem);
    }
    memcpy(changed, token, len);
    size_t changed_len = len;
    while (in->left >= 3) {
        size_t at = fuzz_u16(in) % (changed_len + 1);
        char byte = (char)fuzz_u8(in);
        if (at == changed_len && changed_len < sizeof changed - 1)
            changed[changed_len++] = byte;
        else if (byte == 0 && changed_len > 1)
            changed_len = at ? at : 1;
        else if (at < changed_len)
            changed[at] = byte;
    }
    if (changed_len == len && memcmp(changed, token, len) == 0) return;
    err = check(b, changed, changed_len, NULL, &identity);
    if (err == 0) fuzz_show("accepted", changed, changed_len);
    FUZZ_EXPECT(err != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    unsigned mode = fuzz_u8(&in);
    bench b;
    if (in.left > 6000) return 0; /* a token has at most 4 KiB */
    bench_init(&b);
    if (b.good && mode & 1)
        minted(&b, &in);
    else if (b.good)
        signed_as_it_stands(&b, &in, mode);
    if (b.good && mode & 4) { /* the bytes as a token, as they are */
        wsm__identity identity;
        FUZZ_EXPECT(check(&b, (const char *)data, size, NULL, &identity) != 0);
    }
    bench_fini(&b);
    return 0;
}
