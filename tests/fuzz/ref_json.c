/* See ref_json.h. */
#include "ref_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ref_utf8.h"

typedef struct parser {
    const unsigned char *text;
    size_t len, at;
    const ref_json_limits *limits;
    ref_json_verdict *verdict;
} parser;

static int peek(const parser *p) {
    return p->at < p->len ? p->text[p->at] : -1;
}

static void space(parser *p) {
    while (peek(p) == ' ' || peek(p) == '\t' || peek(p) == '\n' || peek(p) == '\r') p->at++;
}

static ref_json *node_new(ref_kind kind) {
    ref_json *node = calloc(1, sizeof *node);
    if (!node) abort();
    node->kind = kind;
    return node;
}

void ref_json_free(ref_json *json) {
    while (json) {
        ref_json *next = json->next;
        ref_json_free(json->child);
        free(json->text);
        free(json->key);
        free(json);
        json = next;
    }
}

/* ---- strings ---- */

static long hex4(parser *p) {
    long value = 0;
    if (p->len - p->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *found = p->text[p->at] ? strchr(digits, p->text[p->at]) : NULL;
        if (!found) return -1;
        value = value * 16 + (found - digits) % 16;
        p->at++;
    }
    return value;
}

static size_t encode(char *out, unsigned long c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 + c / 64);
        out[1] = (char)(0x80 + c % 64);
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 + c / 4096);
        out[1] = (char)(0x80 + c / 64 % 64);
        out[2] = (char)(0x80 + c % 64);
        return 3;
    }
    out[0] = (char)(0xf0 + c / 262144);
    out[1] = (char)(0x80 + c / 4096 % 64);
    out[2] = (char)(0x80 + c / 64 % 64);
    out[3] = (char)(0x80 + c % 64);
    return 4;
}

/* Behind a backslash: what it stands for, into `out`; 0: nothing that is allowed. */
static size_t escaped(parser *p, char *out) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = peek(p);
    if (c < 0) return 0;
    p->at++;
    const char *name = c ? strchr(names, c) : NULL;
    if (name) {
        out[0] = values[name - names];
        return 1;
    }
    if (c != 'u') return 0;
    long unit = hex4(p);
    if (unit <= 0) return 0;
    if (unit < 0xd800 || unit > 0xdfff) return encode(out, (unsigned long)unit);
    if (unit > 0xdbff || peek(p) != '\\') return 0;
    p->at++;
    if (peek(p) != 'u') return 0;
    p->at++;
    long low = hex4(p);
    if (low < 0xdc00 || low > 0xdfff) return 0;
    return encode(out, (unsigned long)(0x10000 + (unit - 0xd800) * 1024 + (low - 0xdc00)));
}

/* A string with its quotes; `*raw` without them. NULL: none. */
static char *string(parser *p, size_t *len, wsm_slice *raw) {
    if (peek(p) != '"') return NULL;
    p->at++;
    size_t from = p->at;
    char *out = malloc(p->len - p->at + 1);
    if (!out) abort();
    *len = 0;
    for (;;) {
        int c = peek(p);
        if (c < 0x20) break; /* the end too */
        p->at++;
        if (c == '"') {
            raw->ptr = (const char *)p->text + from;
            raw->len = p->at - 1 - from;
            out[*len] = '\0';
            if (ref_utf8_valid_len(p->text + from, raw->len) != raw->len) break;
            return out;
        }
        if (c != '\\') {
            out[(*len)++] = (char)c;
            continue;
        }
        size_t more = escaped(p, out + *len);
        if (more == 0) break;
        *len += more;
    }
    free(out);
    return NULL;
}

/* ---- numbers ---- */

static bool digits(parser *p) {
    size_t from = p->at;
    while (peek(p) >= '0' && peek(p) <= '9') p->at++;
    return p->at > from;
}

/* Whether the digits are those of the largest double, so that the last of them would decide. */
static bool is_borderline(const char *number) {
    static const char limit[] = "17976931348623158079372897140530";
    size_t same = 0;
    for (const char *c = number; *c && *c != 'e' && *c != 'E' && limit[same]; c++) {
        if (*c < '0' || *c > '9' || (same == 0 && *c == '0')) continue;
        if (*c != limit[same++]) return false;
    }
    return limit[same] == '\0';
}

static ref_json *number(parser *p) {
    size_t from = p->at;
    if (peek(p) == '-') p->at++;
    if (peek(p) == '0')
        p->at++;
    else if (!digits(p))
        return NULL;
    if (peek(p) == '.') {
        p->at++;
        if (!digits(p)) return NULL;
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->at++;
        if (peek(p) == '+' || peek(p) == '-') p->at++;
        if (!digits(p)) return NULL;
    }
    char *copy = calloc(1, p->at - from + 1);
    if (!copy) abort();
    memcpy(copy, p->text + from, p->at - from);
    double value = strtod(copy, NULL);
    if (is_borderline(copy)) p->verdict->borderline = true;
    free(copy);
    if (isinf(value)) return NULL;
    ref_json *node = node_new(REF_NUMBER);
    node->number = value;
    return node;
}

/* ---- values ---- */

static ref_json *value(parser *p, size_t depth);

static bool word(parser *p, const char *text) {
    size_t len = strlen(text);
    if (p->len - p->at < len || memcmp(p->text + p->at, text, len) != 0) return false;
    p->at += len;
    return true;
}

static bool member_key(parser *p, wsm_slice *raw, char **key, size_t *key_len) {
    *key = string(p, key_len, raw);
    if (!*key || raw->len > p->limits->key_bytes_max) return false;
    space(p);
    if (peek(p) != ':') return false;
    p->at++;
    space(p);
    return true;
}

static ref_json *container(parser *p, size_t depth) {
    bool is_object = peek(p) == '{';
    char end = is_object ? '}' : ']';
    ref_json *node = node_new(is_object ? REF_OBJECT : REF_ARRAY), **last = &node->child;
    p->at++;
    space(p);
    if (peek(p) == end) {
        p->at++;
        return node;
    }
    for (;;) {
        wsm_slice raw = {NULL, 0};
        char *key = NULL;
        size_t key_len = 0;
        space(p);
        ref_json *child = !is_object || member_key(p, &raw, &key, &key_len) ? value(p, depth + 1) : NULL;
        if (!child) {
            free(key);
            break;
        }
        child->key_raw = raw;
        child->key = key;
        child->key_len = key_len;
        *last = child;
        last = &child->next;
        node->count++;
        space(p);
        int c = peek(p);
        if (c != ',' && c != end) break;
        p->at++;
        if (c == end) return node;
    }
    ref_json_free(node);
    return NULL;
}

static ref_json *value(parser *p, size_t depth) {
    size_t from = p->at;
    ref_json *node = NULL;
    if (++p->verdict->values > p->limits->values_max) return NULL;
    int c = peek(p);
    if (c == '{' || c == '[') {
        node = depth < p->limits->depth_max ? container(p, depth) : NULL;
    } else if (c == '"') {
        wsm_slice raw;
        size_t len = 0;
        char *text = string(p, &len, &raw);
        if (text) {
            node = node_new(REF_STRING);
            node->text = text;
            node->text_len = len;
        }
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        node = number(p);
    } else if (word(p, "true")) {
        node = node_new(REF_TRUE);
    } else if (word(p, "false")) {
        node = node_new(REF_FALSE);
    } else if (word(p, "null")) {
        node = node_new(REF_NULL);
    }
    if (node) node->raw = (wsm_slice){(const char *)p->text + from, p->at - from};
    return node;
}

ref_json *ref_json_parse(const void *text, size_t len, const ref_json_limits *limits, ref_json_verdict *verdict) {
    parser p = {.text = text, .len = len, .limits = limits, .verdict = verdict};
    *verdict = (ref_json_verdict){.good = false};
    space(&p);
    ref_json *json = value(&p, 0);
    space(&p);
    if (json && p.at != len) {
        ref_json_free(json);
        json = NULL;
    }
    verdict->good = json != NULL;
    return json;
}

const ref_json *ref_json_get(const ref_json *object, const char *key) {
    if (!object || object->kind != REF_OBJECT) return NULL;
    for (const ref_json *child = object->child; child; child = child->next)
        if (child->key_len == strlen(key) && memcmp(child->key, key, child->key_len) == 0) return child;
    return NULL;
}

bool ref_json_is(const ref_json *json, const char *text) {
    return json && json->kind == REF_STRING && json->text_len == strlen(text) &&
           memcmp(json->text, text, json->text_len) == 0;
}

bool ref_json_is_ambiguous(const ref_json *json, size_t most) {
    if (json->kind == REF_OBJECT && json->count > most) return true;
    for (const ref_json *a = json->child; a; a = a->next) {
        if (ref_json_is_ambiguous(a, most)) return true;
        for (const ref_json *b = a->next; json->kind == REF_OBJECT && b; b = b->next)
            if (a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0) return true;
    }
    return false;
}
