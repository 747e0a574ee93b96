/* Walking arrays and objects that the scanner has checked: only their brackets, quotes and commas are looked at. */
#include "proto/scan.h"

#define COMPARED_MAX 64 /* members of one object that are compared with one another */

wsm__json_kind wsm__json_kind_of(wsm_slice raw) {
    switch (raw.ptr[0]) {
    case '{': return WSM__JSON_OBJECT;
    case '[': return WSM__JSON_ARRAY;
    case '"': return WSM__JSON_STRING;
    case 't': return WSM__JSON_TRUE;
    case 'f': return WSM__JSON_FALSE;
    case 'n': return WSM__JSON_NULL;
    default: return WSM__JSON_NUMBER;
    }
}

static size_t skip_space(wsm_slice text, size_t at) {
    while (at < text.len &&
           (text.ptr[at] == ' ' || text.ptr[at] == '\n' || text.ptr[at] == '\r' || text.ptr[at] == '\t'))
        at++;
    return at;
}

/* From a string's opening quote to behind its closing one: the first that an even number of backslashes precedes. */
static size_t skip_string(wsm_slice text, size_t at) {
    for (at++; at < text.len; at++) {
        const char *quote = memchr(text.ptr + at, '"', text.len - at);
        if (quote == NULL) break;
        const char *run = quote;
        while (run > text.ptr + at && run[-1] == '\\') run--;
        at = (size_t)(quote - text.ptr);
        if ((quote - run) % 2 == 0) return at + 1;
    }
    return text.len;
}

static size_t skip_container(wsm_slice text, size_t at) {
    size_t depth = 0;
    while (at < text.len) {
        char c = text.ptr[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        at++;
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && --depth == 0) break;
    }
    return at;
}

static size_t skip_value(wsm_slice text, size_t at) {
    char c = text.ptr[at];
    if (c == '"') return skip_string(text, at);
    if (c == '{' || c == '[') return skip_container(text, at);
    while (at < text.len && memchr(" \n\r\t,]}", text.ptr[at], 7) == NULL) at++;
    return at;
}

static size_t take_value(wsm_slice text, size_t at, wsm__json_value *value) {
    size_t end = skip_value(text, at);
    value->raw = wsm__slice(text.ptr + at, end - at);
    value->kind = wsm__json_kind_of(value->raw);
    return end;
}

/* To the next key or element of a container, past the bracket or comma before it; false: its end. */
static bool next_item(wsm_slice container, size_t *at) {
    *at = skip_space(container, *at);
    if (*at >= container.len || container.ptr[*at] == ']' || container.ptr[*at] == '}') return false;
    *at = skip_space(container, *at + 1);
    return *at < container.len && container.ptr[*at] != ']' && container.ptr[*at] != '}';
}

bool wsm__json_next_element(wsm_slice array, size_t *at, wsm__json_value *value) {
    if (!next_item(array, at)) return false;
    *at = take_value(array, *at, value);
    return true;
}

bool wsm__json_next_member(wsm_slice object, size_t *at, wsm__json_member *member) {
    if (!next_item(object, at)) return false;
    size_t end = skip_string(object, *at);
    member->key = wsm__slice(object.ptr + *at + 1, end - *at - 2);
    end = skip_space(object, end);
    *at = take_value(object, skip_space(object, end + 1), &member->value);
    return true;
}

wsm__json_value wsm__json_member_of(wsm_slice object, const char *name) {
    size_t at = 0;
    wsm__json_member member;
    while (wsm__json_next_member(object, &at, &member))
        if (wsm__json_key_is(member.key, name)) return member.value;
    return (wsm__json_value){0};
}

/* `object` may go on behind its closing bracket. */
static bool is_ambiguous(wsm_slice object) {
    wsm_slice keys[COMPARED_MAX];
    wsm__json_member member;
    size_t count = 0;
    for (size_t at = 0; wsm__json_next_member(object, &at, &member);) {
        if (count == COMPARED_MAX) return true;
        for (size_t i = 0; i < count; i++)
            if (wsm__json_keys_equal(keys[i], member.key)) return true;
        keys[count++] = member.key;
    }
    return false;
}

bool wsm__json_has_duplicate_keys(wsm_slice value) {
    for (size_t at = 0; at < value.len;) {
        char c = value.ptr[at];
        if (c == '{' && is_ambiguous(wsm__slice(value.ptr + at, value.len - at))) return true;
        at = c == '"' ? skip_string(value, at) : at + 1;
    }
    return false;
}
