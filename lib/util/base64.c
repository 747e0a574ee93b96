/* Base64, three bytes to four characters. Decoding is strict, so that each run of bytes has exactly one text: a token
 * cannot be changed without becoming another one. */
#include "util/base64.h"

#include <stdbool.h>
#include <stdint.h>

static const char std_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(char *out, const unsigned char *bytes, size_t len, const char *digits) {
    char *to = out;
    for (; len >= 3; bytes += 3, len -= 3) {
        uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = digits[bits >> 6 & 63];
        *to++ = digits[bits & 63];
    }
    if (len) {
        uint32_t bits = (uint32_t)bytes[0] << 16 | (len == 2 ? (uint32_t)bytes[1] << 8 : 0);
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        if (len == 2) *to++ = digits[bits >> 6 & 63];
    }
    return (size_t)(to - out);
}

size_t wsm__base64_encode(char *out, const void *bytes, size_t len) {
    size_t used = encode(out, bytes, len, std_digits);
    while (used % 4) out[used++] = '=';
    return used;
}

size_t wsm__base64url_encode(char *out, const void *bytes, size_t len) {
    return encode(out, bytes, len, url_digits);
}

static int digit_value(unsigned char c, bool url) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == (url ? '-' : '+')) return 62;
    if (c == (url ? '_' : '/')) return 63;
    return -1;
}

static long decode(unsigned char *out, const char *text, size_t len, bool url) {
    if (len % 4 == 1) return -1;
    unsigned char *to = out;
    uint32_t bits = 0;
    unsigned held = 0; /* bits that wait for the rest of their byte */
    for (size_t i = 0; i < len; i++) {
        int value = digit_value((unsigned char)text[i], url);
        if (value < 0) return -1;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        *to++ = (unsigned char)(bits >> held);
    }
    if (bits & ((1u << held) - 1)) return -1;
    return (long)(to - out);
}

long wsm__base64_decode(unsigned char *out, const char *text, size_t len) {
    if (len % 4) return -1;
    if (len && text[len - 1] == '=') len -= text[len - 2] == '=' ? 2 : 1;
    return decode(out, text, len, false);
}

long wsm__base64url_decode(unsigned char *out, const char *text, size_t len) {
    return decode(out, text, len, true);
}
