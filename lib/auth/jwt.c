/* Checking a token. The order matters: form, algorithm, key, signature, and only then the claims, so that nothing but
 * the small header is parsed of what a stranger wrote. */
#include "auth/jwt.h"

#include "auth/claims_json.h"
#include "limits.h"
#include "proto/json.h"
#include "util/base64.h"
#include "util/crypto.h"

#define DECODED_MAX (WSM__TOKEN_BYTES_MAX / 4 * 3 + 2)

/* header.claims.signature, still encoded. */
typedef struct token_parts {
    wsm_slice header, claims, signature;
    wsm_slice signed_text; /* the first two with their dot */
} token_parts;

static bool cut_at_dot(wsm_slice *rest, wsm_slice *part) {
    const char *dot = memchr(rest->ptr, '.', rest->len);
    if (!dot) return false;
    *part = wsm__slice(rest->ptr, (size_t)(dot - rest->ptr));
    *rest = wsm__slice(dot + 1, rest->len - part->len - 1);
    return true;
}

static bool split(wsm_slice token, token_parts *parts) {
    if (token.len == 0 || token.len > WSM__TOKEN_BYTES_MAX) return false;
    wsm_slice rest = token;
    if (!cut_at_dot(&rest, &parts->header) || !cut_at_dot(&rest, &parts->claims)) return false;
    parts->signature = rest; /* a third dot is no digit of base64 */
    parts->signed_text = wsm__slice(token.ptr, token.len - rest.len - 1);
    return true;
}

/* The JSON object that `part` encodes. `room` has DECODED_MAX bytes; nothing points to them afterwards. */
static int parse_part(wsm_slice part, unsigned char *room, wsm__json **json) {
    int err = WSM_ERR_TOKEN;
    long len = wsm__base64url_decode(room, part.ptr, part.len);
    if (len <= 0) return WSM_ERR_TOKEN;
    *json = wsm__json_parse(wsm__slice((const char *)room, (size_t)len), &err);
    if (!*json) return err == WSM_ERR_NOMEM ? err : WSM_ERR_TOKEN;
    if (wsm__json_is_object(wsm__json_root(*json))) return 0;
    wsm__json_free(*json);
    return WSM_ERR_TOKEN;
}

static int judge_header(const wsm__json_node *header, const wsm__keyring *ring, const wsm__key **key) {
    const wsm__json_node *alg = wsm__json_get(header, "alg"), *typ = wsm__json_get(header, "typ"),
                         *kid = wsm__json_get(header, "kid");
    wsm_slice text, id = {NULL, 0};
    if (!alg || !wsm__json_text(alg, &text) || !wsm__slice_is(text, "HS256")) return WSM_ERR_TOKEN_ALG;
    if (wsm__json_get(header, "crit")) return WSM_ERR_TOKEN; /* we understand no extension (RFC 7515, section 4.1.11) */
    if (typ && !wsm__json_text(typ, &text)) return WSM_ERR_TOKEN;
    if (kid && !wsm__json_text(kid, &id)) return WSM_ERR_TOKEN;
    *key = wsm__keyring_get(ring, id);
    return *key ? 0 : WSM_ERR_TOKEN_KEY;
}

static int find_key(wsm_slice part, const wsm__keyring *ring, unsigned char *room, const wsm__key **key) {
    wsm__json *json;
    int err = parse_part(part, room, &json);
    if (err) return err;
    err = judge_header(wsm__json_root(json), ring, key);
    wsm__json_free(json);
    return err;
}

static int check_signature(const token_parts *parts, const wsm__key *key) {
    unsigned char given[WSM__BASE64_LEN(WSM__SHA256_LEN)], right[WSM__SHA256_LEN];
    if (parts->signature.len > sizeof given) return WSM_ERR_TOKEN_SIGNATURE;
    long len = wsm__base64url_decode(given, parts->signature.ptr, parts->signature.len);
    if (len != sizeof right) return len < 0 ? WSM_ERR_TOKEN : WSM_ERR_TOKEN_SIGNATURE;
    int err = wsm__hmac_sha256(key->secret, key->secret_len, parts->signed_text.ptr, parts->signed_text.len, right);
    if (!err && !wsm__ct_eq(given, right, sizeof right)) err = WSM_ERR_TOKEN_SIGNATURE;
    wsm__wipe(right, sizeof right);
    return err;
}

static int judge_claims(const wsm_claims *claims, int64_t now_s) {
    if (wsm__claims_check(claims) != 0) return WSM_ERR_TOKEN_CLAIM;
    if (claims->iat == 0 && claims->exp > now_s + WSM__TOKEN_LIFE_MAX_S + WSM__TOKEN_LEEWAY_S)
        return WSM_ERR_TOKEN_CLAIM;
    if (now_s > claims->exp + WSM__TOKEN_LEEWAY_S) return WSM_ERR_TOKEN_EXPIRED;
    if (claims->nbf > now_s + WSM__TOKEN_LEEWAY_S || claims->iat > now_s + WSM__TOKEN_LEEWAY_S)
        return WSM_ERR_TOKEN_EARLY;
    return 0;
}

int wsm__jwt_check(const wsm__keyring *ring, wsm_slice token, const char *audience, int64_t now_s, wsm__mem *mem,
                   wsm__identity *out) {
    unsigned char room[DECODED_MAX];
    token_parts parts;
    const wsm__key *key;
    wsm__json *json;
    wsm__claims_view view;
    if (!split(token, &parts)) return WSM_ERR_TOKEN;
    int err = find_key(parts.header, ring, room, &key);
    if (!err) err = check_signature(&parts, key);
    if (!err) err = parse_part(parts.claims, room, &json);
    if (err) return err;
    err = wsm__claims_read(wsm__json_root(json), audience, &view);
    if (!err) err = judge_claims(&view.claims, now_s);
    if (!err) err = wsm__identity_copy(out, mem, &view.claims);
    wsm__json_free(json);
    return err;
}
