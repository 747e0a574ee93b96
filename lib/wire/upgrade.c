/* The handshake. Each thing that a request may say in several places (a token, a session) is read by one `agree`, so
 * that two different values never pass: who would win is exactly what an attacker likes to choose. */
#include "wire/upgrade.h"

#include <string.h>

#include "limits.h"
#include "util/base64.h"
#include "util/crypto.h"
#include "wsm/error.h"

#define KEY_BYTES    ((size_t)16)
#define EPOCH_DIGITS 16u
#define ACCEPT_LEN   WSM__BASE64_LEN(WSM__SHA1_LEN)
#define KEY_LEN      WSM__BASE64_LEN(KEY_BYTES)

static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, section 1.3 */

static int refuse(const char **why, int status, const char *sentence) {
    *why = sentence;
    return status;
}

/* ---- reading values ---- */

static bool list_has(const wsm__http_head *head, const char *name, const char *item) {
    wsm__http_list walk = {0};
    wsm_slice found;
    while (wsm__http_list_next(head, name, &walk, &found)) {
        if (wsm__slice_is_nocase(found, item)) return true;
    }
    return false;
}

static bool is_graphic(wsm_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= 0x20 || c >= 0x7f) return false;
    }
    return text.len > 0;
}

static bool is_hex(wsm_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!memchr("0123456789abcdefABCDEF", text.ptr[i], 22)) return false;
    }
    return true;
}

/* Take a secret that may stand in several places: false if it is malformed, or not what stood elsewhere. */
static bool agree(wsm_slice *kept, wsm_slice value) {
    if (!is_graphic(value)) return false;
    if (!kept->ptr) *kept = value;
    return wsm__slice_eq(*kept, value);
}

/* A header that may come once. False if it comes twice. */
static bool single(const wsm__http_head *head, const char *name, wsm_slice *value) {
    bool repeated;
    *value = wsm__http_header(head, name, &repeated);
    return !repeated;
}

static bool strip_prefix(wsm_slice *text, const char *prefix) {
    size_t len = strlen(prefix);
    if (text->len < len || memcmp(text->ptr, prefix, len) != 0) return false;
    *text = wsm__slice(text->ptr + len, text->len - len);
    return true;
}

static bool read_bearer(const wsm__http_head *head, wsm_slice *token) {
    wsm_slice value;
    if (!single(head, "authorization", &value)) return false;
    if (!value.ptr) return true;
    if (value.len < 7 || !wsm__slice_is_nocase(wsm__slice(value.ptr, 7), "bearer ")) return false;
    value = wsm__slice(value.ptr + 7, value.len - 7);
    while (value.len > 0 && value.ptr[0] == ' ') value = wsm__slice(value.ptr + 1, value.len - 1);
    return agree(token, value);
}

static bool read_header(const wsm__http_head *head, const char *name, wsm_slice *kept) {
    wsm_slice value;
    if (!single(head, name, &value)) return false;
    return !value.ptr || agree(kept, value);
}

static bool read_tokens(const wsm__http_head *head, wsm_slice *token) {
    return read_bearer(head, token) && read_header(head, "x-memory-auth", token);
}

/* ---- the server's side: reading ---- */

bool wsm__upgrade_is_wanted(const wsm__http_head *head) {
    for (size_t i = 0; i < head->headers_count; i++) {
        wsm_slice name = head->headers[i].name;
        if (wsm__slice_is_nocase(name, "upgrade") || wsm__slice_is_nocase(name, "sec-websocket-key")) return true;
    }
    return false;
}

/* What RFC 6455, section 4.2.1 asks for. */
static int read_handshake(const wsm__http_head *head, wsm__upgrade *out, const char **why) {
    unsigned char key[KEY_LEN];
    wsm_slice version;
    if (!wsm__slice_is(head->method, "GET")) return refuse(why, 405, "an upgrade is a GET");
    if (!list_has(head, "upgrade", "websocket")) return refuse(why, 426, "only websocket can be upgraded to");
    if (!single(head, "sec-websocket-version", &version)) return refuse(why, 400, "two versions");
    if (!wsm__slice_is(version, "13")) return refuse(why, 426, "only version 13 is spoken");
    if (!list_has(head, "connection", "upgrade")) return refuse(why, 400, "Connection does not say upgrade");
    if (head->content_length > 0) return refuse(why, 400, "an upgrade has no body");
    if (!single(head, "sec-websocket-key", &out->key) || out->key.len != KEY_LEN ||
        wsm__base64_decode(key, out->key.ptr, out->key.len) != (long)KEY_BYTES) {
        return refuse(why, 400, "Sec-WebSocket-Key is not 16 bytes of base64");
    }
    if (!single(head, "origin", &out->origin)) return refuse(why, 400, "two origins");
    return 0;
}

static int read_protocols(const wsm__http_head *head, wsm__upgrade *out, const char **why) {
    wsm__http_list walk = {0};
    wsm_slice offer;
    while (wsm__http_list_next(head, "sec-websocket-protocol", &walk, &offer)) {
        if (!is_graphic(offer)) return refuse(why, 400, "a malformed subprotocol");
        out->any_protocol = true;
        if (wsm__slice_is(offer, "wsm.v1")) out->has_protocol = true;
        if (strip_prefix(&offer, "wsm.token.") && !agree(&out->token, offer)) return refuse(why, 400, "two tokens");
        if (strip_prefix(&offer, "wsm.session.") && !agree(&out->session, offer))
            return refuse(why, 400, "two sessions");
    }
    return 0;
}

static int read_query(const wsm__http_head *head, wsm__upgrade *out, const char **why) {
    if (wsm__http_query_get(head->query, "token").ptr || wsm__http_query_get(head->query, "access_token").ptr) {
        return refuse(why, 400, "a token does not belong in the URL");
    }
    wsm_slice after = wsm__http_query_get(head->query, "after");
    out->epoch = wsm__http_query_get(head->query, "epoch");
    if (out->epoch.ptr && (out->epoch.len != EPOCH_DIGITS || !is_hex(out->epoch))) {
        return refuse(why, 400, "epoch is not 16 hex digits");
    }
    if (after.ptr && (!out->epoch.ptr || !wsm__slice_u64(after, WSM__NUMBER_MAX, &out->after))) {
        return refuse(why, 400, "after is not a number within an epoch");
    }
    return 0;
}

int wsm__upgrade_read(const wsm__http_head *head, wsm__upgrade *out, const char **why) {
    *out = (wsm__upgrade){.after = 0};
    *why = "";
    int status = read_handshake(head, out, why);
    if (status == 0) status = read_query(head, out, why);
    if (status != 0) return status;
    if (!read_tokens(head, &out->token)) return refuse(why, 400, "a malformed token, or two");
    if (!read_header(head, "x-memory-session", &out->session)) return refuse(why, 400, "a malformed session, or two");
    return read_protocols(head, out, why);
}

int wsm__http_token(const wsm__http_head *head, wsm_slice *token) {
    *token = (wsm_slice){NULL, 0};
    if (!read_tokens(head, token)) return 400;
    return token->ptr ? 0 : 401;
}

/* ---- the server's side: answers ---- */

static int accept_value(wsm_slice key, char out[ACCEPT_LEN]) {
    char text[KEY_LEN + sizeof accept_guid - 1];
    unsigned char digest[WSM__SHA1_LEN];
    if (key.len != KEY_LEN) return WSM_ERR_INTERNAL;
    memcpy(text, key.ptr, KEY_LEN);
    memcpy(text + KEY_LEN, accept_guid, sizeof accept_guid - 1);
    int err = wsm__sha1(text, sizeof text, digest);
    if (err == 0) wsm__base64_encode(out, digest, sizeof digest);
    return err;
}

int wsm__upgrade_accept(wsm__buf *out, wsm_slice key, const char *protocol) {
    char accept[ACCEPT_LEN];
    int err = accept_value(key, accept);
    if (err != 0) return err;
    wsm__buf_puts(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: ");
    wsm__buf_put(out, accept, sizeof accept);
    if (protocol) {
        wsm__buf_puts(out, "\r\nSec-WebSocket-Protocol: ");
        wsm__buf_puts(out, protocol);
    }
    wsm__buf_puts(out, "\r\n\r\n");
    return out->err;
}

/* 1xx and 204 have neither a body nor its length (RFC 9110, section 8.6). */
static bool has_body(int status) {
    return status >= 200 && status != 204;
}

/* Whether "Name: value\r\n" lines hold a Content-Type of the caller's own. */
static bool names_type(const char *headers) {
    for (const char *at = headers; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        if (wsm__slice_is_nocase(wsm__slice(at, strcspn(at, ":\n")), "Content-Type")) return true;
    return false;
}

void wsm__http_answer(wsm__buf *out, int status, const char *headers, const char *content_type, const void *body,
                      size_t len) {
    wsm__buf_puts(out, "HTTP/1.1 ");
    wsm__buf_put_u64(out, (uint64_t)status);
    wsm__buf_putc(out, ' ');
    wsm__buf_puts(out, wsm__http_reason(status));
    if (has_body(status)) {
        if (!names_type(headers)) {
            wsm__buf_puts(out, "\r\nContent-Type: ");
            wsm__buf_puts(out, content_type ? content_type : "application/json");
        }
        wsm__buf_puts(out, "\r\nContent-Length: ");
        wsm__buf_put_u64(out, len);
    }
    wsm__buf_puts(out, "\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    if (headers) wsm__buf_puts(out, headers);
    wsm__buf_puts(out, "\r\n");
    if (has_body(status) && body) wsm__buf_put(out, body, len);
}

/* ---- the client's side ---- */

static void put_header(wsm__buf *out, const char *name, const char *value) {
    if (!value) return;
    wsm__buf_puts(out, name);
    wsm__buf_puts(out, value);
    wsm__buf_puts(out, "\r\n");
}

static void put_position(wsm__buf *out, const wsm__upgrade_ask *ask) {
    if (!ask->epoch) return;
    wsm__buf_putc(out, strchr(ask->path, '?') ? '&' : '?');
    wsm__buf_puts(out, "epoch=");
    wsm__buf_puts(out, ask->epoch);
    wsm__buf_puts(out, "&after=");
    wsm__buf_put_u64(out, ask->after);
}

void wsm__upgrade_write(wsm__buf *out, const wsm__upgrade_ask *ask, const unsigned char nonce[16]) {
    char key[KEY_LEN + 1] = {0};
    wsm__base64_encode(key, nonce, KEY_BYTES);
    wsm__buf_puts(out, "GET ");
    wsm__buf_puts(out, ask->path);
    put_position(out, ask);
    wsm__buf_puts(out, " HTTP/1.1\r\n");
    put_header(out, "Host: ", ask->host);
    wsm__buf_puts(out, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    put_header(out, "Sec-WebSocket-Key: ", key);
    put_header(out, "Sec-WebSocket-Protocol: ", ask->protocol);
    put_header(out, "Origin: ", ask->origin);
    put_header(out, "Authorization: Bearer ", ask->token);
    wsm__buf_puts(out, "\r\n");
}

int wsm__upgrade_verify(const wsm__http_head *head, const unsigned char nonce[16], const char *protocol) {
    char key[KEY_LEN], accept[ACCEPT_LEN];
    wsm_slice upgrade, got, chosen;
    if (head->status != 101) return WSM_ERR_REFUSED;
    wsm__base64_encode(key, nonce, KEY_BYTES);
    int err = accept_value(wsm__slice(key, sizeof key), accept);
    if (err != 0) return err;

    if (!single(head, "upgrade", &upgrade) || !wsm__slice_is_nocase(upgrade, "websocket")) return WSM_ERR_HTTP;
    if (!list_has(head, "connection", "upgrade")) return WSM_ERR_HTTP;
    if (!single(head, "sec-websocket-accept", &got)) return WSM_ERR_HTTP;
    if (!wsm__slice_eq(got, wsm__slice(accept, sizeof accept))) return WSM_ERR_HTTP;

    bool repeated;
    wsm_slice extensions = wsm__http_header(head, "sec-websocket-extensions", &repeated);
    if (repeated || extensions.ptr) return WSM_ERR_HTTP;
    if (!single(head, "sec-websocket-protocol", &chosen)) return WSM_ERR_HTTP;
    if (!protocol) return chosen.ptr ? WSM_ERR_HTTP : 0;
    return wsm__slice_is(chosen, protocol) ? 0 : WSM_ERR_HTTP;
}
