/* Mentions in a text: those that a reference of our own finds, the same however JSON spells it, and well-formed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ref_mention.h"
#include "route/mention.h"
#include "util/utf8.h"

#define TEXT_MAX 4096

static uint32_t point_at(const uint8_t *at, size_t *len) {
    *len = at[0] < 0x80 ? 1 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    uint32_t point = *len == 1 ? at[0] : at[0] & (0x7Fu >> *len);
    for (size_t i = 1; i < *len; i++) point = point << 6 | (at[i] & 0x3Fu);
    return point;
}

static size_t by_number(char *out, uint32_t point) {
    if (point < 0x10000) return (size_t)sprintf(out, "\\u%04x", (unsigned)point);
    point -= 0x10000;
    return (size_t)sprintf(out, "\\u%04X\\u%04x", 0xD800 + (unsigned)(point >> 10), 0xDC00 + (unsigned)(point & 0x3FF));
}

/* The text as a JSON string with the short escapes that there are. To be freed. */
static char *spell(const uint8_t *text, size_t size, size_t *len) {
    static const char escaped[] = "\b\t\n\f\r\"\\/", letters[] = "btnfr\"\\/";
    char *out = malloc(size * 6 + 2), *at = out;
    if (!out) abort();
    *at++ = '"';
    for (size_t i = 0; i < size; i++) {
        const char *found = strchr(escaped, text[i]);
        if (found) {
            *at++ = '\\';
            *at++ = letters[found - escaped];
        } else if (text[i] < 0x20) {
            at += by_number(at, text[i]);
        } else {
            *at++ = (char)text[i];
        }
    }
    *at++ = '"';
    *len = (size_t)(at - out);
    return out;
}

/* The same with every character by its number, behind keys and white space, where nobody is mentioned. To be freed. */
static char *spell_otherwise(const uint8_t *text, size_t size, size_t *len) {
    static const char before[] = "{ \"@key\" :1,\"@\\\"\"\t\r\n :\"";
    char *out = malloc(sizeof before + size * 6 + 3), *at = out + sizeof before - 1;
    if (!out) abort();
    memcpy(out, before, sizeof before - 1);
    for (size_t i = 0, width; i < size; i += width) at += by_number(at, point_at(text + i, &width));
    memcpy(at, "\"}", 2);
    *len = (size_t)(at + 2 - out);
    return out;
}

static void check(wsm__mention mention) {
    FUZZ_EXPECT(mention.len <= WSM__MENTION_NAME_MAX);
    FUZZ_EXPECT(mention.kind == WSM__MENTION_HERE || mention.len > 0);
    if (mention.kind == WSM__MENTION_HERE) return;
    for (size_t i = 0; i < mention.len; i++) {
        char c = mention.name[i];
        FUZZ_EXPECT((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '_' || c == '-');
    }
    while (wsm__mention_shorten(&mention)) FUZZ_EXPECT(mention.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ref_mention expected[TEXT_MAX];
    size_t signs = 0, found = 0, plain_len, number_len;
    if (size > TEXT_MAX || !wsm__utf8_is_valid((const char *)data, size)) return 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\0') return 0; /* no text has one */
        signs += data[i] == '@';
    }
    char *plain = spell(data, size, &plain_len), *number = spell_otherwise(data, size, &number_len);
    wsm__mention_scan one, other;
    wsm__mention a = {0}, b = {0};
    wsm__mention_init(&one, wsm__slice(plain, plain_len));
    wsm__mention_init(&other, wsm__slice(number, number_len));
    size_t count = ref_mentions(data, size, expected, TEXT_MAX);
    for (bool more = true; more;) {
        more = wsm__mention_next(&one, &a);
        FUZZ_EXPECT(wsm__mention_next(&other, &b) == more);
        if (found == count || !more) {
            if (more || found != count) fuzz_show("text", data, size);
            FUZZ_EXPECT(!more && found == count);
            break;
        }
        const ref_mention *right = &expected[found];
        FUZZ_EXPECT((int)a.kind == right->kind);
        if (right->kind != 2) FUZZ_EXPECT(a.len == right->len && memcmp(a.name, right->name, a.len) == 0);
        FUZZ_EXPECT(++found <= signs);
        FUZZ_EXPECT(a.kind == b.kind && a.len == b.len && memcmp(a.name, b.name, a.len) == 0);
        check(a);
    }
    free(plain);
    free(number);
    return 0;
}
