/* What checked strings and numbers mean: comparing and decoding without a copy. All of it rests on the scanner having
 * seen the text: escapes are whole, surrogates come in pairs. */
#include "proto/scan.h"

/* Decodes a string byte by byte: an escape becomes up to four bytes of UTF-8, which wait in `out`. */
typedef struct decoder {
    const char *at;
    const char *end;
    unsigned char out[4];
    unsigned out_len;
    unsigned out_at;
} decoder;

static decoder decode_begin(wsm_slice inner) {
    return (decoder){.at = inner.ptr, .end = inner.ptr + inner.len};
}

static wsm_slice inner_of(wsm_slice raw) {
    return wsm__slice(raw.ptr + 1, raw.len - 2);
}

static bool has_escape(wsm_slice inner) {
    return inner.len > 0 && memchr(inner.ptr, '\\', inner.len) != NULL;
}

static uint32_t take_hex4(decoder *d) {
    uint32_t unit = 0;
    for (int i = 0; i < 4 && d->at < d->end; i++) {
        uint32_t c = (unsigned char)*d->at++;
        unit = unit << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return unit;
}

static void put_character(decoder *d, uint32_t c) {
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    d->out_at = 0;
    d->out_len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (unsigned i = d->out_len - 1; i > 0; i--, c >>= 6) d->out[i] = (unsigned char)(0x80 | (c & 0x3F));
    d->out[0] = (unsigned char)(d->out_len == 1 ? c : lead[d->out_len] | c);
}

/* The cursor stands behind the backslash. */
static void take_escape(decoder *d) {
    static const char names[] = "bfnrt", controls[] = "\b\f\n\r\t";
    char c = d->at < d->end ? *d->at++ : '\\';
    const char *name = memchr(names, c, sizeof names - 1);
    if (c != 'u') {
        put_character(d, name != NULL ? (uint32_t)controls[name - names] : (uint32_t)c);
        return;
    }
    uint32_t unit = take_hex4(d);
    if (unit >= 0xD800 && unit <= 0xDBFF && d->end - d->at >= 6) {
        d->at += 2; /* the other half's \u */
        unit = 0x10000 + ((unit - 0xD800) << 10) + (take_hex4(d) - 0xDC00);
    }
    put_character(d, unit);
}

/* The next byte of the text, or -1 at its end. */
static int decode_next(decoder *d) {
    if (d->out_at == d->out_len) {
        if (d->at == d->end) return -1;
        if (*d->at != '\\') return (unsigned char)*d->at++;
        d->at++;
        take_escape(d);
    }
    return d->out[d->out_at++];
}

bool wsm__json_keys_equal(wsm_slice a, wsm_slice b) {
    if (!has_escape(a) && !has_escape(b)) return wsm__slice_eq(a, b);
    decoder x = decode_begin(a), y = decode_begin(b);
    int c;
    do {
        c = decode_next(&x);
        if (c != decode_next(&y)) return false;
    } while (c >= 0);
    return true;
}

bool wsm__json_key_is(wsm_slice key, const char *text) {
    if (!has_escape(key)) return wsm__slice_is(key, text);
    decoder d = decode_begin(key);
    for (;; text++) {
        int c = decode_next(&d);
        if (c < 0) return *text == '\0';
        if (c != (unsigned char)*text) return false;
    }
}

bool wsm__json_string_is(wsm_slice raw, const char *text) {
    return wsm__json_key_is(inner_of(raw), text);
}

bool wsm__json_string_is_plain(wsm_slice raw, wsm_slice *inner) {
    *inner = inner_of(raw);
    return !has_escape(*inner);
}

size_t wsm__json_string_len(wsm_slice raw) {
    wsm_slice inner;
    if (wsm__json_string_is_plain(raw, &inner)) return inner.len;
    decoder d = decode_begin(inner);
    size_t len = 0;
    while (decode_next(&d) >= 0) len++;
    return len;
}

long wsm__json_string_decode(wsm_slice raw, char *out, size_t cap) {
    wsm_slice inner;
    if (wsm__json_string_is_plain(raw, &inner)) {
        if (inner.len > cap) return -1;
        if (inner.len > 0) memcpy(out, inner.ptr, inner.len);
        return (long)inner.len;
    }
    decoder d = decode_begin(inner);
    size_t len = 0;
    for (int c = decode_next(&d); c >= 0; c = decode_next(&d)) {
        if (len == cap) return -1;
        out[len++] = (char)c;
    }
    return (long)len;
}

bool wsm__json_u64(wsm__json_value value, uint64_t max, uint64_t *number) {
    return value.kind == WSM__JSON_NUMBER && wsm__slice_u64(value.raw, max, number);
}
