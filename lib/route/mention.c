/* The scan for mentions: from string to string, and in each from character to character. See mention.h for the rules.
 */
#include "route/mention.h"

#include <string.h>

#define RUN_MAX 8u /* longer runs of backquotes are plain text */

/* ---- characters ---- */

static uint32_t hex4(const char *at) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

static uint32_t escape_value(char c) {
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    default: return (unsigned char)c;
    }
}

/* The character at `*at` inside a string, decoded, and `*at` behind it. 0: the string ends here; `*at` stays. */
static uint32_t take(wsm_slice json, size_t *at) {
    const char *p = json.ptr + *at;
    unsigned char c = (unsigned char)*p;
    if (c == '"') return 0;
    if (c == '\\' && p[1] != 'u') {
        *at += 2;
        return escape_value(p[1]);
    }
    if (c == '\\') {
        uint32_t high = hex4(p + 2);
        bool is_pair = high >= 0xD800 && high < 0xDC00;
        *at += is_pair ? 12 : 6;
        return is_pair ? 0x10000 + ((high - 0xD800) << 10) + (hex4(p + 8) - 0xDC00) : high;
    }
    size_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    uint32_t value = len == 1 ? c : c & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) value = value << 6 | ((unsigned char)p[i] & 0x3Fu);
    *at += len;
    return value;
}

static bool is_alnum(uint32_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_name(uint32_t c) {
    return is_alnum(c) || c == '.' || c == '_' || c == '-';
}

/* Letters of scripts that put spaces between words; ideographs, kana and what lies beyond them are not among them. */
static bool is_spaced_letter(uint32_t c) {
    return is_alnum(c) || (c >= 0xC0 && c < 0x2000) || (c >= 0x2C00 && c < 0x2E00);
}

/* May an `@` behind this begin a mention? Behind what can stand in the local part of an address it may not. */
static bool is_boundary(uint32_t c) {
    return c == 0 || !(is_spaced_letter(c) || (c < 0x80 && strchr("._%+-@/=&", (int)c) != NULL));
}

static bool ends_url(uint32_t c) {
    return c <= ' ' || c == '<' || c == '>' || c == '"' || c == '`' || c == 0x3000 || c == 0xA0;
}

/* ---- strings ---- */

void wsm__mention_init(wsm__mention_scan *scan, wsm_slice json) {
    *scan = (wsm__mention_scan){.json = json};
}

static size_t string_end(wsm_slice json, size_t at) { /* behind the closing quote */
    while (json.ptr[at] != '"') at += json.ptr[at] == '\\' ? 2 : 1;
    return at + 1;
}

static bool is_key(wsm_slice json, size_t end) {
    while (end < json.len && strchr(" \t\r\n", json.ptr[end]) != NULL) end++;
    return end < json.len && json.ptr[end] == ':';
}

/* To the first character of the next string that is a value. */
static bool next_string(wsm__mention_scan *scan) {
    while (scan->at < scan->json.len) {
        const char *quote = memchr(scan->json.ptr + scan->at, '"', scan->json.len - scan->at);
        if (!quote) break;
        scan->at = (size_t)(quote - scan->json.ptr) + 1;
        size_t end = string_end(scan->json, scan->at);
        bool may_hold = memchr(scan->json.ptr + scan->at, '@', end - scan->at) != NULL ||
                        memchr(scan->json.ptr + scan->at, '\\', end - scan->at) != NULL;
        if (may_hold && !is_key(scan->json, end)) {
            scan->in_string = true;
            scan->in_url = false;
            scan->before = 0;
            scan->closed_until_n = 0;
            return true;
        }
        scan->at = end;
    }
    scan->at = scan->json.len;
    return false;
}

/* ---- inside ---- */

static uint32_t run_of_backquotes(wsm_slice json, size_t *at) {
    uint32_t count = 0;
    for (size_t next = *at; take(json, &next) == '`'; count++) *at = next;
    return count;
}

/* `scan->at` is behind the first backquote of a run. Skips the code that it opens, if it is closed. */
static void skip_code(wsm__mention_scan *scan) {
    uint32_t opened = 1 + run_of_backquotes(scan->json, &scan->at), c;
    scan->before = '`';
    if (opened > RUN_MAX || scan->closed_until_n & (1u << (opened - 1))) return;
    for (size_t at = scan->at; (c = take(scan->json, &at)) != 0;) {
        if (c != '`') continue;
        if (1 + run_of_backquotes(scan->json, &at) != opened) continue;
        scan->at = at;
        return;
    }
    scan->closed_until_n |= (uint8_t)(1u << (opened - 1)); /* none is closed from here on: looked for once */
}

/* The name behind an `@` at scan->at. False: none, and scan->at is behind what was looked at. */
static bool take_name(wsm__mention_scan *scan, wsm__mention *mention) {
    size_t next = scan->at;
    uint32_t c;
    mention->len = 0;
    while ((c = take(scan->json, &next)) != 0 && is_name(c)) {
        if (mention->len == sizeof mention->name) return false;
        mention->name[mention->len++] = (char)c;
        scan->at = next;
        scan->before = c;
    }
    if (mention->len == 0 || !is_alnum((unsigned char)mention->name[0])) return false;
    return c != '@' && !is_spaced_letter(c);
}

static bool is_role(const wsm__mention *mention, wsm_slice json, size_t at) {
    return mention->len == 4 && memcmp(mention->name, "role", 4) == 0 && take(json, &(size_t){at}) == ':';
}

static bool take_mention(wsm__mention_scan *scan, wsm__mention *mention) {
    size_t next;
    mention->kind = WSM__MENTION_HANDLE;
    if (!take_name(scan, mention)) return false;
    if (is_role(mention, scan->json, scan->at)) {
        next = scan->at;
        scan->before = take(scan->json, &next);
        scan->at = next;
        mention->kind = WSM__MENTION_ROLE;
        return take_name(scan, mention);
    }
    wsm__mention word = *mention;
    while (word.len > 4 && wsm__mention_shorten(&word)) {
    }
    if (word.len == 4 && memcmp(word.name, "here", 4) == 0) mention->kind = WSM__MENTION_HERE;
    return true;
}

bool wsm__mention_next(wsm__mention_scan *scan, wsm__mention *mention) {
    while (scan->in_string || next_string(scan)) {
        uint32_t c = take(scan->json, &scan->at), before = scan->before;
        if (c == 0) {
            scan->in_string = false;
            scan->at++;
            continue;
        }
        scan->before = c;
        if (scan->in_url && !ends_url(c)) continue;
        scan->in_url = c == '/' && before == '/'; /* `://`, and `//host` too */
        if (c == '`') skip_code(scan);
        if (c == '@' && is_boundary(before) && take_mention(scan, mention)) return true;
    }
    return false;
}

bool wsm__mention_shorten(wsm__mention *mention) {
    if (mention->len < 2) return false;
    char last = mention->name[mention->len - 1];
    if (last != '.' && last != '-' && last != '_') return false;
    mention->len--;
    return true;
}
