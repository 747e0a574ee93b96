/* Asking a document that was read. A document that was refused has nothing but what is "not there". */
#include "json.h"

#include <string.h>

#define INTEGER_MAX ((UINT64_C(1) << 53) - 1)

static const wsm__sim_node *get(const wsm__sim_json *json, uint32_t node) {
    static const wsm__sim_node missing = {.type = WSM__SIM_MISSING};
    return !json->why && node < json->count ? &json->nodes[node] : &missing;
}

wsm__sim_type wsm__sim_json_type(const wsm__sim_json *json, uint32_t node) {
    return (wsm__sim_type)get(json, node)->type;
}

uint32_t wsm__sim_json_count(const wsm__sim_json *json, uint32_t node) {
    return get(json, node)->count;
}

uint32_t wsm__sim_json_first(const wsm__sim_json *json, uint32_t node) {
    return get(json, node)->count > 0 ? node + 1 : 0;
}

uint32_t wsm__sim_json_next(const wsm__sim_json *json, uint32_t node) {
    const wsm__sim_node *it = get(json, node);
    return it->parent && it->end < get(json, it->parent)->end ? it->end : 0;
}

uint32_t wsm__sim_json_element(const wsm__sim_json *json, uint32_t array, uint32_t idx) {
    if (get(json, array)->type != WSM__SIM_ARRAY || idx >= get(json, array)->count) return 0;
    uint32_t it = array + 1;
    while (idx-- > 0) it = get(json, it)->end;
    return it;
}

const char *wsm__sim_json_raw(const wsm__sim_json *json, uint32_t node, size_t *len) {
    const wsm__sim_node *it = get(json, node);
    *len = it->to - it->from;
    return json->text + it->from;
}

static void put_rune(char **to, uint32_t rune) {
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    int len = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    for (int i = len - 1; i > 0; i--, rune >>= 6) (*to)[i] = (char)(0x80 | (rune & 0x3F));
    (*to)[0] = (char)(len == 1 ? rune : lead[len] | rune);
    *to += len;
}

static uint32_t take_hex4(const char **at) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = *(*at)++;
        value = value * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

/* After a backslash; the reader has seen that the escape is a good one. */
static void unescape(const char **at, char **to) {
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    char c = *(*at)++;
    const char *name = strchr(names, c);
    if (name) {
        *(*to)++ = values[name - names];
    } else if (c != 'u') {
        *(*to)++ = c;
    } else {
        uint32_t rune = take_hex4(at);
        if (rune >= 0xD800 && rune < 0xDC00) {
            *at += 2;
            rune = 0x10000 + ((rune - 0xD800) << 10) + (take_hex4(at) - 0xDC00);
        }
        put_rune(to, rune);
    }
}

size_t wsm__sim_json_string(const wsm__sim_json *json, uint32_t node, char *into, size_t cap) {
    const wsm__sim_node *it = get(json, node);
    if (it->type != WSM__SIM_STRING) return SIZE_MAX;
    const char *at = json->text + it->from + 1, *end = json->text + it->to - 1;
    char *to = into;
    if (cap <= (size_t)(end - at)) return SIZE_MAX;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
        } else {
            at++;
            unescape(&at, &to);
        }
    }
    *to = 0;
    return (size_t)(to - into);
}

bool wsm__sim_json_is(const wsm__sim_json *json, uint32_t node, const char *text) {
    const wsm__sim_node *it = get(json, node);
    if (it->type != WSM__SIM_STRING) return false;
    const char *at = json->text + it->from + 1, *end = json->text + it->to - 1;
    if (!it->escaped) return strlen(text) == (size_t)(end - at) && memcmp(at, text, (size_t)(end - at)) == 0;
    while (at < end) {
        char part[4], *to = part;
        if (*at != '\\') {
            *to++ = *at++;
        } else {
            at++;
            unescape(&at, &to);
        }
        size_t len = (size_t)(to - part);
        if (strncmp(text, part, len) != 0) return false;
        text += len;
    }
    return *text == 0;
}

uint32_t wsm__sim_json_member(const wsm__sim_json *json, uint32_t object, const char *name) {
    if (get(json, object)->type != WSM__SIM_OBJECT) return 0;
    for (uint32_t it = wsm__sim_json_first(json, object); it;) {
        uint32_t value = wsm__sim_json_next(json, it);
        if (wsm__sim_json_is(json, it, name)) return value;
        it = wsm__sim_json_next(json, value);
    }
    return 0;
}

bool wsm__sim_json_uint(const wsm__sim_json *json, uint32_t node, uint64_t *value) {
    const wsm__sim_node *it = get(json, node);
    uint64_t sum = 0;
    if (it->type != WSM__SIM_NUMBER || it->to - it->from > 16) return false;
    for (uint32_t i = it->from; i < it->to; i++) {
        char c = json->text[i];
        if (c < '0' || c > '9') return false;
        sum = sum * 10 + (uint64_t)(c - '0');
    }
    if (sum > INTEGER_MAX) return false;
    *value = sum;
    return true;
}
