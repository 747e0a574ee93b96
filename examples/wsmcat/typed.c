/* Commands as people type them, `:type name=value ...`, made into JSON. A value is JSON, a list such as [bob,cy], or a
 * word. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction, for libuv */

#include <ctype.h>

#include "wsmcat.h"

typedef struct text {
    char *ptr;
    size_t len, cap;
} text;

static void put(text *out, const char *bytes, size_t len) { /* there is room: see typed_json */
    if (len > out->cap - out->len) len = out->cap - out->len;
    memcpy(out->ptr + out->len, bytes, len);
    out->len += len;
}

static size_t name_len(const char *at, const char *end) {
    size_t len = 0;
    while (at + len < end && (islower((unsigned char)at[len]) || at[len] == '_')) len++;
    return len;
}

static int is_json(const char *at, size_t len) {
    members m;
    char *wrapped = malloc(len + 8);
    if (!wrapped) return 0;
    memcpy(wrapped, "{\"v\":", 5);
    memcpy(wrapped + 5, at, len);
    wrapped[5 + len] = '}';
    int good = members_of(&m, (wsm_slice){wrapped, len + 6}) == 0 && m.count == 1;
    free(wrapped);
    return good;
}

/* Up to the end of the line, or to a space outside of strings and brackets. */
static size_t value_len(const char *at, const char *end) {
    size_t len = 0;
    int depth = 0, in_string = 0;
    for (; at + len < end; len++) {
        char c = at[len];
        if (in_string) {
            if (c == '\\' && at + len + 1 < end) len++;
            if (c == '"') in_string = 0;
            continue;
        }
        if (c == '"') in_string = 1;
        if (c == '[' || c == '{') depth++;
        if (c == ']' || c == '}') depth--;
        if (c == ' ' && depth <= 0) break;
    }
    return len;
}

static int put_string(text *out, const char *at, size_t len) {
    long quoted = wsm_json_quote((wsm_slice){at, len}, out->ptr + out->len, out->cap - out->len);
    if (quoted < 0) return -1;
    out->len += (size_t)quoted;
    return 0;
}

/* [bob, cy] */
static int put_list(text *out, const char *at, size_t len) {
    const char *end = at + len - 1;
    put(out, "[", 1);
    for (at++; at < end;) {
        size_t word = 0;
        while (at < end && *at == ' ') at++;
        while (at + word < end && at[word] != ',') word++;
        const char *next = at + word + 1;
        while (word > 0 && at[word - 1] == ' ') word--;
        if (put_string(out, at, word)) return -1;
        if (next < end) put(out, ",", 1);
        at = next;
    }
    put(out, "]", 1);
    return 0;
}

static int put_value(text *out, const char *at, size_t len) {
    int is_list = len > 1 && at[0] == '[' && at[len - 1] == ']';
    if (len > 0 && is_json(at, len)) {
        put(out, at, len);
        return 0;
    }
    if (len == 0 || at[0] == '"' || at[0] == '{') return -1;
    return is_list ? put_list(out, at, len) : put_string(out, at, len);
}

static const char *put_members(text *out, const char *at, const char *end) {
    while (at < end) {
        size_t name = name_len(at, end);
        if (*at == ' ') {
            at++;
            continue;
        }
        if (name == 0 || at + name >= end || at[name] != '=') return "expected :type name=value ...";
        put(out, ",\"", 2);
        put(out, at, name);
        put(out, "\":", 2);
        at += name + 1;
        size_t len = value_len(at, end);
        if (put_value(out, at, len)) return "a value is neither JSON, nor a list, nor a word";
        at += len;
    }
    return NULL;
}

int typed_is(wsm_slice line) {
    if (line.len < 2 || line.ptr[0] != ':') return 0;
    size_t name = name_len(line.ptr + 1, line.ptr + line.len);
    return name > 0 && (name + 1 == line.len || line.ptr[name + 1] == ' ');
}

void command_typed(cat *self, wsm_slice line) {
    text out = {malloc(8 * line.len + 64), 0,
                8 * line.len + 64}; /* a byte becomes at most six, a comma is met by a name */
    const char *at = line.ptr + 1, *end = line.ptr + line.len;
    size_t name = name_len(at, end);
    if (!out.ptr) {
        command_failed(self, "out of memory");
        return;
    }
    put(&out, "{\"type\":\"", 9);
    put(&out, at, name);
    put(&out, "\"", 1);
    const char *why = put_members(&out, at + name, end);
    put(&out, "}", 1);
    if (why)
        command_failed(self, why);
    else
        command_json(self, (wsm_slice){out.ptr, out.len});
    free(out.ptr);
}
