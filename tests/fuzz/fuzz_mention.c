/* Mentions in a text: those that a reference of our own finds, the same however JSON spells it, and well-formed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ref_mention.h"
#include "route/mention.h"
#include "util/utf8.h"

#define TEXT_MAX 4096

/* The text as a JSON string: as it is, or every ASCII character by its number. To be freed. */
static char *spell(const uint8_t *text, size_t size, bool by_number, size_t *len) {
    char *out = malloc(size * 6 + 3), *at = out;
    if (!out) abort();
    *at++ = '"';
    for (size_t i = 0; i < size; i++) {
        bool must = text[i] < 0x20 || text[i] == '"' || text[i] == '\\';
        if (must || (by_number && text[i] < 0x80))
            at += snprintf(at, 7, "\\u%04x", text[i]);
        else
            *at++ = (char)text[i];
    }
    *at++ = '"';
    *len = (size_t)(at - out);
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
    char *plain = spell(data, size, false, &plain_len), *number = spell(data, size, true, &number_len);
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
