/* Minting a token: the claims as JSON, both parts encoded, and the signature over them. */
#include "abi.h"
#include "auth/claims_json.h"
#include "auth/jwt.h"
#include "limits.h"
#include "proto/json_out.h"
#include "util/base64.h"
#include "util/crypto.h"

void wsm_claims_init(wsm_claims *claims, size_t size) {
    const wsm_claims defaults = {0};
    wsm__abi_init(claims, size, &defaults, sizeof defaults);
}

void wsm_key_init(wsm_key *key, size_t size) {
    const wsm_key defaults = {0};
    wsm__abi_init(key, size, &defaults, sizeof defaults);
}

static void write_header(wsm__buf *buf, const char *kid) {
    wsm__json_out out;
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "alg", wsm__slice_str("HS256"));
    wsm__json_str(&out, "typ", wsm__slice_str("JWT"));
    if (kid) wsm__json_str(&out, "kid", wsm__slice_str(kid));
    wsm__json_close(&out);
}

static void put_encoded(wsm__buf *buf, const void *bytes, size_t len) {
    char *room = wsm__buf_room(buf, WSM__BASE64_LEN(len));
    if (room) buf->len += wsm__base64url_encode(room, bytes, len);
}

static void write_signed_text(wsm__buf *text, wsm__buf *json, const wsm_claims *claims, const char *kid) {
    write_header(json, kid);
    put_encoded(text, json->ptr, json->len);
    wsm__buf_putc(text, '.');
    json->len = 0;
    wsm__claims_write(json, claims);
    if (!json->err) put_encoded(text, json->ptr, json->len);
}

static int sign(wsm__buf *text, const wsm_key *key) {
    unsigned char signature[WSM__SHA256_LEN];
    int err = wsm__hmac_sha256(key->secret, key->secret_len, text->ptr, text->len, signature);
    if (err) return err;
    wsm__buf_putc(text, '.');
    put_encoded(text, signature, sizeof signature);
    return text->err;
}

static bool may_be_minted(const wsm_claims *claims, const wsm_key *key) {
    return wsm__claims_check(claims) == 0 && wsm__key_check(key) == 0 && claims->iat != 0 && claims->nbf < claims->exp;
}

int wsm__jwt_mint(wsm__mem *mem, const wsm_claims *given_claims, const wsm_key *given_key, char *out, size_t cap,
                  size_t *len) {
    wsm_claims claims = {0};
    wsm_key key = {0};
    wsm__buf json, text;
    int err = wsm__abi_copy(&claims, sizeof claims, given_claims);
    if (!err) err = wsm__abi_copy(&key, sizeof key, given_key);
    if (err) return err;
    if (!may_be_minted(&claims, &key) || !out || !len) return WSM_ERR_INVALID;
    wsm__buf_init(&json, mem, WSM__TOKEN_BYTES_MAX);
    wsm__buf_init(&text, mem, WSM__TOKEN_BYTES_MAX + 2); /* encoding asks for room in whole fours */
    write_signed_text(&text, &json, &claims, key.kid);
    err = json.err ? json.err : text.err;
    if (!err) err = sign(&text, &key);
    if (!err && (text.len >= cap || text.len >= WSM__TOKEN_BYTES_MAX)) err = WSM_ERR_TOO_LARGE;
    if (!err) {
        memcpy(out, text.ptr, text.len);
        out[text.len] = 0;
        *len = text.len;
    }
    wsm__buf_fini(&json);
    wsm__buf_fini(&text);
    return err;
}

int wsm_token_mint(const wsm_claims *claims, const wsm_key *key, char *out, size_t cap, size_t *len) {
    wsm__mem mem;
    wsm__mem_init(&mem, NULL, NULL, 0);
    return wsm__jwt_mint(&mem, claims, key, out, cap, len);
}
