/* The upgrade from the client's side. The answer's head is collected byte by byte until its empty line, so that nothing
 * of the frames behind it is taken; then its lines are looked up where they lie. */
#include "upgrade.h"

#include <stdlib.h>
#include <string.h>

#define KEY      "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define HEAD_MAX 8192
#define BODY_MAX 65536

static void header(wsm__sim_bytes *out, const char *name, const char *value) {
    if (!value) return;
    wsm__sim_bytes_text(out, name);
    wsm__sim_bytes_text(out, value);
    wsm__sim_bytes_text(out, "\r\n");
}

void wsm__sim_upgrade_write(wsm__sim_bytes *out, const wsm__sim_upgrade *ask) {
    wsm__sim_bytes_text(out, "GET ");
    wsm__sim_bytes_text(out, ask->target ? ask->target : "/ws");
    wsm__sim_bytes_text(out, " HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: " KEY "\r\n");
    header(out, "Host: ", ask->host ? ask->host : "localhost");
    header(out, "Sec-WebSocket-Protocol: ", ask->protocols ? ask->protocols : "wsm.v1");
    header(out, "Authorization: Bearer ", ask->token);
    header(out, "X-Memory-Session: ", ask->session);
    header(out, "Origin: ", ask->origin);
    if (ask->more) wsm__sim_bytes_text(out, ask->more);
    wsm__sim_bytes_text(out, "\r\n");
}

void wsm__sim_response_fini(wsm__sim_response *response) {
    wsm__sim_bytes_fini(&response->text);
    *response = (wsm__sim_response){0};
}

static unsigned char lower(unsigned char c) {
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Whether `text` is `word`, letters of either case alike; `word` is in lower case. */
static bool is_word(const unsigned char *text, size_t len, const char *word) {
    if (len != strlen(word)) return false;
    for (size_t i = 0; i < len; i++) {
        if (lower(text[i]) != (unsigned char)word[i]) return false;
    }
    return true;
}

const char *wsm__sim_response_header(const wsm__sim_response *response, const char *name, size_t *len) {
    const unsigned char *at = response->text.at, *end = at + response->head_len;
    size_t name_len = strlen(name);
    *len = 0;
    while (at < end) {
        const unsigned char *line = at;
        at = memchr(at, '\n', (size_t)(end - at));
        const unsigned char *stop = at - 1; /* its CR: check_lines has seen it */
        at++;
        if ((size_t)(stop - line) <= name_len || line[name_len] != ':' || !is_word(line, name_len, name)) continue;
        line += name_len + 1;
        while (line < stop && (*line == ' ' || *line == '\t')) line++;
        while (stop > line && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
        *len = (size_t)(stop - line);
        return (const char *)line;
    }
    return NULL;
}

static bool header_is(const wsm__sim_response *response, const char *name, const char *lower_value) {
    size_t len;
    const char *value = wsm__sim_response_header(response, name, &len);
    return value && is_word((const unsigned char *)value, len, lower_value);
}

/* Every line ends in CRLF; the first is a status line, the others have a name and a colon. */
static const char *check_lines(const wsm__sim_response *response) {
    const unsigned char *at = response->text.at, *end = at + response->head_len;
    for (bool first = true; at < end; first = false) {
        const unsigned char *line = at;
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at || at == line || at[-1] != '\r') return "a line of the answer does not end in CRLF";
        size_t len = (size_t)(at++ - 1 - line);
        if (len == 0) return at == end ? NULL : "an empty line inside the head";
        if (memchr(line, '\r', len) || memchr(line, 0, len)) return "a control character in the head";
        if (first && (len < 12 || memcmp(line, "HTTP/1.1 ", 9) != 0)) return "no status line";
        const unsigned char *colon = first ? line : memchr(line, ':', len);
        if (!first && (!colon || colon == line || colon[-1] == ' ')) return "a header without a name";
    }
    return "the head does not end";
}

static const char *check_accept(const wsm__sim_response *response) {
    size_t len;
    const char *value = wsm__sim_response_header(response, "sec-websocket-accept", &len);
    if (!value || len != strlen(ACCEPT) || memcmp(value, ACCEPT, len) != 0) return "a wrong Sec-WebSocket-Accept";
    if (!header_is(response, "upgrade", "websocket")) return "101 without Upgrade: websocket";
    if (!header_is(response, "connection", "upgrade")) return "101 without Connection: Upgrade";
    if (wsm__sim_response_header(response, "sec-websocket-extensions", &len)) return "an extension nobody asked for";
    return NULL;
}

static const char *end_head(wsm__sim_response *response) {
    const char *why = check_lines(response);
    if (why) return why;
    const unsigned char *digits = response->text.at + 9;
    for (int i = 0; i < 3; i++) {
        if (digits[i] < '0' || digits[i] > '9') return "no status";
        response->status = response->status * 10 + (digits[i] - '0');
    }
    if (response->status == 101) {
        response->answer = WSM__SIM_ANSWER_UPGRADED;
        return check_accept(response);
    }
    size_t len;
    const char *value = wsm__sim_response_header(response, "content-length", &len);
    if (!value || len == 0 || len > 5) return "an answer without a usable Content-Length";
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9') return "an answer without a usable Content-Length";
        response->body_len = response->body_len * 10 + (size_t)(value[i] - '0');
    }
    return response->body_len > BODY_MAX ? "a body that is too long" : NULL;
}

/* Take one byte; the head ends with the first CRLF CRLF. */
static void feed_head(wsm__sim_response *response, unsigned char byte) {
    wsm__sim_bytes_add(&response->text, &byte, 1);
    const wsm__sim_bytes *text = &response->text;
    if (text->failed || text->len > HEAD_MAX) {
        response->why = text->failed ? "no memory" : "a head that is too long";
        return;
    }
    if (text->len < 4 || memcmp(text->at + text->len - 4, "\r\n\r\n", 4) != 0) return;
    response->head_len = text->len;
    response->why = end_head(response);
}

size_t wsm__sim_response_feed(wsm__sim_response *response, const void *bytes, size_t len) {
    const unsigned char *from = bytes;
    size_t took = 0;
    while (took < len && response->head_len == 0 && !response->why) feed_head(response, from[took++]);
    if (response->head_len > 0 && response->answer == WSM__SIM_ANSWER_WAITING && !response->why) {
        size_t left = response->head_len + response->body_len - response->text.len;
        size_t part = left < len - took ? left : len - took;
        if (part > 0) wsm__sim_bytes_add(&response->text, from + took, part);
        took += part;
        if (response->text.failed) response->why = "no memory";
        if (part == left) response->answer = WSM__SIM_ANSWER_REFUSED;
    }
    if (response->why) response->answer = WSM__SIM_ANSWER_BROKEN;
    return took;
}
