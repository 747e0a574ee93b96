/* One pass over the text and no recursion: where a value ends, its parent says what may come next. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

typedef struct reading {
    wsm__sim_json *json;
    const unsigned char *start, *at, *end;
    uint32_t open; /* the innermost array or object that has not ended; 0: none */
    unsigned depth;
} reading;

void wsm__sim_json_fini(wsm__sim_json *json) {
    free(json->nodes);
    *json = (wsm__sim_json){0};
}

static bool refuse(reading *r, const char *why) {
    r->json->why = why;
    return false;
}

static bool add(reading *r, wsm__sim_type type, const unsigned char *from) {
    wsm__sim_json *json = r->json;
    if (json->count == json->cap) {
        uint32_t cap = json->cap ? json->cap * 2 : 64;
        wsm__sim_node *moved = cap > json->cap ? realloc(json->nodes, cap * sizeof *moved) : NULL;
        if (!moved) return refuse(r, "no memory");
        json->nodes = moved;
        json->cap = cap;
    }
    uint32_t idx = json->count++;
    json->nodes[idx] = (wsm__sim_node){.type = (uint8_t)type,
                                       .from = (uint32_t)(from - r->start),
                                       .to = (uint32_t)(r->at - r->start),
                                       .parent = r->open,
                                       .end = idx + 1};
    return true;
}

static void skip_space(reading *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
}

static bool is_digit(const reading *r) {
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static bool skip_digits(reading *r) {
    if (!is_digit(r)) return refuse(r, "a digit is missing");
    while (is_digit(r)) r->at++;
    return true;
}

static bool read_number(reading *r) {
    const unsigned char *from = r->at;
    if (*r->at == '-') r->at++;
    if (r->at < r->end && *r->at == '0') {
        r->at++;
    } else if (!skip_digits(r)) {
        return false;
    }
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!skip_digits(r)) return false;
    }
    if (r->at < r->end && (*r->at | 0x20) == 'e') {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
        if (!skip_digits(r)) return false;
    }
    return add(r, WSM__SIM_NUMBER, from);
}

static int hex_value(unsigned char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits after \u, or -1. */
static int32_t hex4(const unsigned char *at, const unsigned char *end) {
    if (end - at < 4) return -1;
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static bool is_high(int32_t unit) {
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low(int32_t unit) {
    return unit >= 0xDC00 && unit < 0xE000;
}

/* At the byte after a backslash. */
static bool skip_escape(reading *r) {
    if (r->at == r->end || *r->at == 0 || !strchr("\"\\/bfnrtu", *r->at)) return refuse(r, "a bad escape");
    if (*r->at++ != 'u') return true;
    int32_t unit = hex4(r->at, r->end);
    if (unit <= 0) return refuse(r, unit < 0 ? "a bad \\u" : "\\u0000");
    if (is_low(unit)) return refuse(r, "a lone surrogate");
    r->at += 4;
    if (!is_high(unit)) return true;
    if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u' || !is_low(hex4(r->at + 2, r->end)))
        return refuse(r, "a lone surrogate");
    r->at += 6;
    return true;
}

/* At the first byte of a character beyond ASCII: RFC 3629's table, row by row. */
static bool skip_rune(reading *r) {
    unsigned char a = r->at[0];
    size_t left = (size_t)(r->end - r->at), need = a >= 0xF0 ? 4 : a >= 0xE0 ? 3 : 2;
    if (a < 0xC2 || a > 0xF4 || left < need) return refuse(r, "not UTF-8");
    unsigned char b = r->at[1];
    unsigned char low = a == 0xE0 ? 0xA0 : a == 0xF0 ? 0x90 : 0x80;
    unsigned char high = a == 0xED ? 0x9F : a == 0xF4 ? 0x8F : 0xBF;
    if (b < low || b > high) return refuse(r, "not UTF-8");
    for (size_t i = 2; i < need; i++) {
        if ((r->at[i] & 0xC0) != 0x80) return refuse(r, "not UTF-8");
    }
    r->at += need;
    return true;
}

static bool read_string(reading *r) {
    const unsigned char *from = r->at++;
    bool escaped = false;
    for (;;) {
        while (r->at < r->end && *r->at >= 0x20 && *r->at < 0x80 && *r->at != '"' && *r->at != '\\') r->at++;
        if (r->at == r->end) return refuse(r, "a string does not end");
        if (*r->at == '"') break;
        if (*r->at < 0x20) return refuse(r, "a control character in a string");
        if (*r->at == '\\') {
            escaped = true;
            r->at++;
            if (!skip_escape(r)) return false;
        } else if (!skip_rune(r)) {
            return false;
        }
    }
    r->at++;
    if (!add(r, WSM__SIM_STRING, from)) return false;
    r->json->nodes[r->json->count - 1].escaped = escaped;
    return true;
}

static bool read_word(reading *r, const char *word, wsm__sim_type type) {
    size_t len = strlen(word);
    const unsigned char *from = r->at;
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0) return refuse(r, "no value");
    r->at += len;
    return add(r, type, from);
}

/* Compare two names of one object, unescaping only where one has escapes. */
static bool same_name(const wsm__sim_json *json, uint32_t a, uint32_t b) {
    size_t a_len, b_len;
    const char *a_raw = wsm__sim_json_raw(json, a, &a_len), *b_raw = wsm__sim_json_raw(json, b, &b_len);
    if (!json->nodes[a].escaped && !json->nodes[b].escaped) return a_len == b_len && memcmp(a_raw, b_raw, a_len) == 0;
    char a_text[512], b_text[512]; /* a longer name with escapes is none of ours */
    a_len = wsm__sim_json_string(json, a, a_text, sizeof a_text);
    b_len = wsm__sim_json_string(json, b, b_text, sizeof b_text);
    return a_len == b_len && a_len != SIZE_MAX && memcmp(a_text, b_text, a_len) == 0;
}

static bool has_twice(const wsm__sim_json *json, uint32_t object) {
    for (uint32_t name = wsm__sim_json_first(json, object); name;) {
        uint32_t next = wsm__sim_json_next(json, wsm__sim_json_next(json, name));
        for (uint32_t other = next; other; other = wsm__sim_json_next(json, wsm__sim_json_next(json, other))) {
            if (same_name(json, name, other)) return true;
        }
        name = next;
    }
    return false;
}

static bool begin_group(reading *r, wsm__sim_type type) {
    if (++r->depth > DEPTH_MAX) return refuse(r, "too deep");
    const unsigned char *from = r->at++;
    if (!add(r, type, from)) return false;
    r->open = r->json->count - 1;
    return true;
}

static bool end_group(reading *r) {
    wsm__sim_node *node = &r->json->nodes[r->open];
    r->at++;
    node->to = (uint32_t)(r->at - r->start);
    node->end = r->json->count;
    uint32_t ended = r->open;
    r->open = node->parent;
    r->depth--;
    if (node->type == WSM__SIM_OBJECT && r->depth < 2 && has_twice(r->json, ended))
        return refuse(r, "a name stands twice");
    return true;
}

static bool read_value(reading *r) {
    skip_space(r);
    if (r->at == r->end) return refuse(r, "a value is missing");
    switch (*r->at) {
    case '{': return begin_group(r, WSM__SIM_OBJECT);
    case '[': return begin_group(r, WSM__SIM_ARRAY);
    case '"': return read_string(r);
    case 't': return read_word(r, "true", WSM__SIM_TRUE);
    case 'f': return read_word(r, "false", WSM__SIM_FALSE);
    case 'n': return read_word(r, "null", WSM__SIM_NULL);
    default: return *r->at == '-' || is_digit(r) ? read_number(r) : refuse(r, "no value");
    }
}

/* A name, its colon, and its value. */
static bool read_member(reading *r) {
    skip_space(r);
    if (r->at == r->end || *r->at != '"') return refuse(r, "a name is missing");
    if (!read_string(r)) return false;
    skip_space(r);
    if (r->at == r->end || *r->at != ':') return refuse(r, "a colon is missing");
    r->at++;
    return read_value(r);
}

/* Inside a group: its end, or the next of what it holds. */
static bool read_more(reading *r) {
    wsm__sim_node *group = &r->json->nodes[r->open];
    bool object = group->type == WSM__SIM_OBJECT;
    skip_space(r);
    if (r->at == r->end) return refuse(r, "an array or object does not end");
    if (*r->at == (object ? '}' : ']')) return end_group(r);
    if (group->count++ > 0) {
        if (*r->at != ',') return refuse(r, "a comma is missing");
        r->at++;
    }
    return object ? read_member(r) : read_value(r);
}

bool wsm__sim_json_read(wsm__sim_json *json, const void *text, size_t len) {
    reading r = {.json = json, .start = len > 0 ? text : (const unsigned char *)""};
    r.at = r.start;
    r.end = r.start + len;
    json->text = (const char *)r.start;
    json->count = 0;
    json->why = NULL;
    if (len > UINT32_MAX / 2) return refuse(&r, "too long");
    if (!add(&r, WSM__SIM_MISSING, r.start) || !read_value(&r)) return false;
    while (r.open) {
        if (!read_more(&r)) return false;
    }
    skip_space(&r);
    return r.at == r.end || refuse(&r, "something follows the value");
}
