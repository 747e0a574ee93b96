/* See ref_mention.h. */
#include "ref_mention.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    uint32_t *c;
    bool *is_struck;
    size_t len;
} text;

static text characters(const uint8_t *bytes, size_t size) {
    text t = {calloc(size + 1, sizeof *t.c), calloc(size + 1, sizeof *t.is_struck), 0};
    if (!t.c || !t.is_struck) abort();
    for (size_t i = 0; i < size;) {
        unsigned more = bytes[i] < 0x80 ? 0 : bytes[i] < 0xE0 ? 1 : bytes[i] < 0xF0 ? 2 : 3;
        uint32_t c = more == 0 ? bytes[i] : bytes[i] & (0x3Fu >> more);
        for (i++; more > 0; more--) c = c * 64 + (bytes[i++] & 63u);
        t.c[t.len++] = c;
    }
    return t;
}

static size_t run_at(const text *t, size_t at) { /* backquotes from `at` on */
    size_t end = at;
    while (end < t->len && t->c[end] == '`') end++;
    return end - at;
}

/* Where the code that a run of `count` before `at` opens ends; 0: it is not closed. */
static size_t code_end(const text *t, size_t at, size_t count) {
    while (at < t->len) {
        size_t run = run_at(t, at);
        if (run == count) return at + run;
        at += run ? run : 1;
    }
    return 0;
}

static bool ends_url(uint32_t c) {
    return c < 33 || c == 0xA0 || c == 0x3000 || (c < 128 && strchr("<>\"`", (int)c));
}

static void strike_out(text *t) {
    for (size_t i = 0; i < t->len;) {
        size_t run = run_at(t, i), end = run && run <= 8 ? code_end(t, i + run, run) : 0;
        if (run) {
            if (end) memset(t->is_struck + i, true, end - i);
            i = end ? end : i + run;
        } else if (t->c[i] == '/' && i > 0 && t->c[i - 1] == '/') {
            while (i < t->len && !ends_url(t->c[i])) t->is_struck[i++] = true;
        } else {
            i++;
        }
    }
}

static bool is_plain(uint32_t c) {
    return c - '0' < 10 || (c | 32) - 'a' < 26;
}

static bool is_in_name(uint32_t c) {
    return is_plain(c) || c == '.' || c == '-' || c == '_';
}

static bool is_letter(uint32_t c) { /* of words that blanks divide */
    return is_plain(c) || (0xC0 <= c && c <= 0x1FFF) || (0x2C00 <= c && c <= 0x2DFF);
}

static bool is_free(const text *t, size_t at) { /* what stands before may stand before a mention */
    if (at == 0) return true;
    uint32_t c = t->c[at - 1];
    return !is_letter(c) && !(c < 128 && strchr("._%+-@/=&", (int)c));
}

/* The name from `at` on; its length, 0: it is none. */
static size_t name_at(const text *t, size_t at, char *name) {
    size_t len = 0;
    while (at + len < t->len && is_in_name(t->c[at + len])) len++;
    if (len == 0 || len > REF_MENTION_NAME_MAX || !is_plain(t->c[at])) return 0;
    if (at + len < t->len && (t->c[at + len] == '@' || is_letter(t->c[at + len]))) return 0;
    for (size_t i = 0; i < len; i++) name[i] = (char)t->c[at + i];
    return len;
}

static bool is_here(const ref_mention *m) {
    size_t len = m->len;
    while (len > 4 && strchr(".-_", m->name[len - 1])) len--;
    return len == 4 && memcmp(m->name, "here", 4) == 0;
}

size_t ref_mentions(const uint8_t *bytes, size_t size, ref_mention *out, size_t cap) {
    text t = characters(bytes, size);
    size_t count = 0;
    strike_out(&t);
    for (size_t i = 0; i < t.len; i++) {
        ref_mention m = {0};
        if (t.c[i] != '@' || t.is_struck[i] || !is_free(&t, i) || (m.len = name_at(&t, i + 1, m.name)) == 0) continue;
        if (m.len == 4 && memcmp(m.name, "role", 4) == 0 && i + 5 < t.len && t.c[i + 5] == ':') {
            m.kind = 1;
            if ((m.len = name_at(&t, i + 6, m.name)) == 0) continue;
        } else if (is_here(&m)) {
            m.kind = 2;
        }
        if (count < cap) out[count] = m;
        count++;
    }
    free(t.c);
    free(t.is_struck);
    return count;
}
