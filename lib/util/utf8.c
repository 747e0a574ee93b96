/* The check of UTF-8, as the table 3-7 of the Unicode standard has it: the first byte tells how many follow, and
 * narrows the second where that keeps out overlong forms, surrogates and what lies above U+10FFFF. */
#include "util/utf8.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080u

void wsm__utf8_init(wsm__utf8 *utf8) {
    *utf8 = (wsm__utf8){.need = 0, .low = 0x80, .high = 0xBF};
}

static const unsigned char *skip_ascii(const unsigned char *at, const unsigned char *end) {
    while (end - at >= 16) {
        uint64_t words[2];
        memcpy(words, at, sizeof words);
        if ((words[0] | words[1]) & HIGH_BITS) break;
        at += sizeof words;
    }
    while (at < end && *at < 0x80) at++;
    return at;
}

static bool take_lead(wsm__utf8 *utf8, unsigned char byte) {
    if (byte < 0xC2 || byte > 0xF4) return false;
    utf8->need = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    utf8->low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    utf8->high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    return true;
}

static bool take_next(wsm__utf8 *utf8, unsigned char byte) {
    if (byte < utf8->low || byte > utf8->high) return false;
    utf8->need--;
    utf8->low = 0x80;
    utf8->high = 0xBF;
    return true;
}

bool wsm__utf8_feed(wsm__utf8 *utf8, const void *bytes, size_t len) {
    if (len == 0) return true;
    const unsigned char *at = bytes, *end = at + len;
    while (at < end) {
        if (utf8->need) {
            if (!take_next(utf8, *at++)) return false;
        } else if (*at < 0x80) {
            at = skip_ascii(at, end);
        } else if (!take_lead(utf8, *at++)) {
            return false;
        }
    }
    return true;
}

bool wsm__utf8_is_whole(const wsm__utf8 *utf8) {
    return utf8->need == 0;
}

bool wsm__utf8_is_valid(const void *bytes, size_t len) {
    wsm__utf8 utf8;
    wsm__utf8_init(&utf8);
    return wsm__utf8_feed(&utf8, bytes, len) && wsm__utf8_is_whole(&utf8);
}
