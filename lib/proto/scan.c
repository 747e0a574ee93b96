/* The scanner proper: one cursor that runs over the text once.
 *
 * It does not recurse. What is open is a depth and a word of bits, one for each open container (1: an object), so 64
 * levels need no memory. Each step either passes a whole value, or stands inside a container where the next key or
 * element is due; scan_value() drives the steps until the depth is back where it began.
 *
 * Nearly all bytes of a real message stand in strings. There, runs of bytes that mean nothing special are passed 16 at
 * a time with SSE2, else 8 at a time; neither ever loads a byte behind the text. */
#include "proto/scan.h"

#include <assert.h>

#if defined(__SSE2__) && !defined(WSM__SCAN_PORTABLE)
#include <emmintrin.h>
#endif

#include "wsm/error.h"

#define DEPTH_HARD 64u /* bits in `objects` */

typedef struct scanner {
    const unsigned char *start;
    const unsigned char *at;
    const unsigned char *end;
    const wsm__scan_limits *limits;
    uint64_t objects; /* bit 0 is the innermost open container; 1: an object */
    uint32_t depth;
    uint32_t values;
    wsm__scan_error error;
} scanner;

typedef enum step {
    STEP_FAILED,
    STEP_PASSED, /* a value has ended */
    STEP_INSIDE  /* in a container, where a key or an element is due */
} step;

static void scan_begin(scanner *s, wsm_slice text, const wsm__scan_limits *limits) {
    assert(limits != NULL && limits->depth_max <= DEPTH_HARD);
    const char *bytes = text.len > 0 ? text.ptr : ""; /* an absent text has no pointer to reckon with */
    *s = (scanner){.start = (const unsigned char *)bytes, .limits = limits};
    s->at = s->start;
    s->end = s->start + text.len;
}

static bool refuse(scanner *s, int err, const char *why) {
    s->error = (wsm__scan_error){.err = err, .at = (size_t)(s->at - s->start), .why = why};
    return false;
}

static bool bad(scanner *s, const char *why) {
    return refuse(s, WSM_ERR_BAD_JSON, why);
}

static step stop(scanner *s, int err, const char *why) {
    refuse(s, err, why);
    return STEP_FAILED;
}

/* The byte under the cursor; 0, which is legal nowhere, at the end. */
static unsigned char peek(const scanner *s) {
    return s->at < s->end ? *s->at : 0;
}

static void skip_space(scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t')) s->at++;
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

/* The first byte from `p` on that is a quote, a backslash, a control character or not ASCII; or `end`. */
static const unsigned char *skip_plain(const unsigned char *p, const unsigned char *end) {
#if defined(__SSE2__) && !defined(WSM__SCAN_PORTABLE)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (end - p >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        hit = _mm_or_si128(hit, _mm_cmplt_epi8(bytes, space)); /* signed: 0x80 and above are less than a space too */
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask != 0) return p + __builtin_ctz(mask);
        p += 16;
    }
#else
    const uint64_t ones = 0x0101010101010101u;
    while (end - p >= 8) {
        uint64_t bytes;
        memcpy(&bytes, p, sizeof bytes);
        uint64_t quote = bytes ^ ones * '"';
        uint64_t backslash = bytes ^ ones * '\\';
        /* The high bit of each byte that is zero, zero, below a space, or has it already. A borrow can flag too many
         * bytes, but only if one is flagged rightly; which one it is the loop below finds. */
        uint64_t hit = (quote - ones) | (backslash - ones) | (bytes - ones * ' ') | bytes;
        if ((hit & ones * 0x80) != 0) break;
        p += 8;
    }
#endif
    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') p++;
    return p;
}

/* Pass the characters beyond ASCII under the cursor (RFC 3629, section 4). */
static bool scan_utf8(scanner *s) {
    while (s->at < s->end && *s->at >= 0x80) {
        const unsigned char *p = s->at;
        const size_t left = (size_t)(s->end - p);
        size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
        unsigned char low = 0x80, high = 0xBF; /* of the second byte */
        if (p[0] == 0xE0) low = 0xA0;
        if (p[0] == 0xED) high = 0x9F;
        if (p[0] == 0xF0) low = 0x90;
        if (p[0] == 0xF4) high = 0x8F;
        if (p[0] < 0xC2 || p[0] > 0xF4 || left < len || p[1] < low || p[1] > high) return bad(s, "invalid UTF-8");
        for (size_t i = 2; i < len; i++)
            if (p[i] < 0x80 || p[i] > 0xBF) return bad(s, "invalid UTF-8");
        s->at += len;
    }
    return true;
}

/* The four hex digits at the cursor, which moves behind them; -1: there are none. */
static long scan_hex4(scanner *s) {
    if (s->end - s->at < 4) return -1;
    long unit = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = s->at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    s->at += 4;
    return unit;
}

static bool scan_unicode_escape(scanner *s) {
    long unit = scan_hex4(s);
    if (unit < 0) return bad(s, "expected four hex digits");
    if (unit == 0) return bad(s, "\\u0000 is not allowed");
    if (unit >= 0xDC00 && unit <= 0xDFFF) return bad(s, "lone surrogate");
    if (unit < 0xD800 || unit > 0xDBFF) return true;
    if (s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u') return bad(s, "lone surrogate");
    s->at += 2;
    unit = scan_hex4(s);
    return (unit >= 0xDC00 && unit <= 0xDFFF) || bad(s, "lone surrogate");
}

/* The cursor stands on the backslash. */
static bool scan_escape(scanner *s) {
    s->at++;
    switch (peek(s)) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': s->at++; return true;
    case 'u': s->at++; return scan_unicode_escape(s);
    default: return bad(s, "unknown escape");
    }
}

/* The cursor stands on the opening quote and ends behind the closing one. */
static bool scan_string(scanner *s) {
    s->at++;
    for (;;) {
        s->at = skip_plain(s->at, s->end);
        if (s->at == s->end) return bad(s, "string without end");
        if (*s->at == '"') {
            s->at++;
            return true;
        }
        if (*s->at < 0x20) return bad(s, "control character in a string");
        if (*s->at == '\\' ? !scan_escape(s) : !scan_utf8(s)) return false;
    }
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* From 2^1024 - 2^970 on a number rounds to infinity. Its first digits, of 309: what agrees with all of them is refused
 * too, although it might lie a hair below. */
static const char OVERFLOW_DIGITS[] = "17976931348623158079372897140530";
#define OVERFLOW_EXPONENT 308

static bool is_digit(unsigned char c) {
    return c >= '0' && c <= '9';
}

static size_t skip_digits(scanner *s) {
    const unsigned char *from = s->at;
    while (s->at < s->end && is_digit(*s->at)) s->at++;
    return (size_t)(s->at - from);
}

/* Whether the mantissa [p, end) of digits and perhaps a point, whose first digit that is not 0 is worth 10^308, is too
 * large. */
static bool digits_overflow(const unsigned char *p, const unsigned char *end) {
    while (*p == '0' || *p == '.') p++;
    for (const char *limit = OVERFLOW_DIGITS; *limit != '\0'; p++) {
        if (p < end && *p == '.') continue;
        char digit = p < end ? (char)*p : '0';
        if (digit != *limit) return digit > *limit;
        limit++;
    }
    return true;
}

/* Whether no double can hold the number: mantissa [p, end) without sign, times 10^exponent. */
static bool number_overflows(const unsigned char *p, const unsigned char *end, int64_t exponent) {
    const unsigned char *point = p;
    while (point < end && *point != '.') point++;
    const unsigned char *first = p;
    while (first < end && (*first == '0' || *first == '.')) first++;
    if (first == end) return false; /* zero, whatever its exponent */
    exponent += first < point ? point - first - 1 : point - first;
    if (exponent != OVERFLOW_EXPONENT) return exponent > OVERFLOW_EXPONENT;
    return digits_overflow(p, end);
}

/* The exponent at the cursor, if there is one. */
static bool scan_exponent(scanner *s, int64_t *exponent) {
    if ((peek(s) | 0x20) != 'e') return true;
    s->at++;
    bool negative = peek(s) == '-';
    if (negative || peek(s) == '+') s->at++;
    const unsigned char *digits = s->at;
    if (skip_digits(s) == 0) return bad(s, "expected a digit");
    for (; digits < s->at && *exponent < INT32_MAX; digits++) *exponent = *exponent * 10 + (*digits - '0');
    if (negative) *exponent = -*exponent;
    return true;
}

static bool scan_number(scanner *s) {
    if (*s->at == '-') s->at++;
    const unsigned char *mantissa = s->at;
    size_t digits = skip_digits(s);
    if (digits == 0) return bad(s, "expected a digit");
    if (digits > 1 && *mantissa == '0') return bad(s, "number with a leading zero");
    if (peek(s) == '.') {
        s->at++;
        if (skip_digits(s) == 0) return bad(s, "expected a digit");
    }
    const unsigned char *mantissa_end = s->at;
    int64_t exponent = 0;
    if (!scan_exponent(s, &exponent)) return false;
    if ((exponent > 0 || digits > OVERFLOW_EXPONENT) && number_overflows(mantissa, mantissa_end, exponent))
        return bad(s, "number out of range");
    return true;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool scan_word(scanner *s, const char *word, size_t len) {
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0) return bad(s, "expected a value");
    s->at += len;
    return true;
}

/* Pass a closing bracket. */
static step leave(scanner *s) {
    s->at++;
    s->objects >>= 1;
    s->depth--;
    return STEP_PASSED;
}

/* Pass an opening bracket. */
static step enter(scanner *s, bool is_object) {
    if (s->depth == s->limits->depth_max) return stop(s, WSM_ERR_BAD_JSON, "nested too deeply");
    s->at++;
    s->objects = s->objects << 1 | is_object;
    s->depth++;
    skip_space(s);
    return peek(s) == (is_object ? '}' : ']') ? leave(s) : STEP_INSIDE;
}

/* A value is due: pass it if it is a scalar or empty, else go inside. */
static step begin_value(scanner *s) {
    skip_space(s);
    if (s->values == s->limits->values_max) return stop(s, WSM_ERR_TOO_LARGE, "too many values");
    s->values++;
    unsigned char c = peek(s);
    bool good;
    switch (c) {
    case '{': return enter(s, true);
    case '[': return enter(s, false);
    case '"': good = scan_string(s); break;
    case 't': good = scan_word(s, "true", 4); break;
    case 'f': good = scan_word(s, "false", 5); break;
    case 'n': good = scan_word(s, "null", 4); break;
    default: good = c == '-' || is_digit(c) ? scan_number(s) : bad(s, "expected a value");
    }
    return good ? STEP_PASSED : STEP_FAILED;
}

/* Behind a value inside a container. */
static step after_value(scanner *s) {
    bool in_object = (s->objects & 1) != 0;
    skip_space(s);
    unsigned char c = peek(s);
    if (c == ',') {
        s->at++;
        return STEP_INSIDE;
    }
    if (c == (in_object ? '}' : ']')) return leave(s);
    return stop(s, WSM_ERR_BAD_JSON, in_object ? "expected ',' or '}'" : "expected ',' or ']'");
}

static bool scan_key(scanner *s, wsm_slice *key) {
    skip_space(s);
    if (peek(s) != '"') return bad(s, "expected a key");
    const unsigned char *from = s->at + 1;
    if (!scan_string(s)) return false;
    *key = wsm__slice((const char *)from, (size_t)(s->at - from) - 1);
    if (key->len > s->limits->key_bytes_max) return refuse(s, WSM_ERR_TOO_LARGE, "key too long");
    skip_space(s);
    if (peek(s) != ':') return bad(s, "expected ':'");
    s->at++;
    return true;
}

static bool scan_value(scanner *s, wsm__json_value *value) {
    const uint32_t outside = s->depth;
    skip_space(s);
    const unsigned char *from = s->at;
    step now = begin_value(s);
    while (now == STEP_INSIDE || (now == STEP_PASSED && s->depth > outside)) {
        wsm_slice key;
        if (now == STEP_PASSED) {
            now = after_value(s);
        } else if ((s->objects & 1) != 0 && !scan_key(s, &key)) {
            now = STEP_FAILED;
        } else {
            now = begin_value(s);
        }
    }
    if (now == STEP_FAILED) return false;
    value->raw = wsm__slice((const char *)from, (size_t)(s->at - from));
    value->kind = wsm__json_kind_of(value->raw);
    return true;
}

static bool scan_end(scanner *s) {
    skip_space(s);
    return s->at == s->end || bad(s, "text behind the value");
}

int wsm__json_check(wsm_slice text, const wsm__scan_limits *limits, wsm__json_value *value, wsm__scan_error *error) {
    scanner s;
    wsm__json_value whole;
    scan_begin(&s, text, limits);
    bool good = scan_value(&s, &whole) && scan_end(&s);
    if (good && value != NULL) *value = whole;
    if (error != NULL) *error = s.error;
    return s.error.err;
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

/* Whether `key` stands among the first `count` members. Unless one of them holds an escape, bytes decide. */
static bool is_known_key(wsm_slice key, const wsm__json_member *members, size_t count, bool escapes) {
    for (size_t i = 0; i < count; i++)
        if (escapes ? wsm__json_keys_equal(members[i].key, key) : wsm__slice_eq(members[i].key, key)) return true;
    return false;
}

static bool scan_members(scanner *s, wsm__json_member *members, size_t cap, size_t *count) {
    skip_space(s);
    if (peek(s) != '{') return bad(s, "expected an object");
    bool escapes = false;
    step now = begin_value(s);
    while (now == STEP_INSIDE) {
        wsm__json_member member;
        if (!scan_key(s, &member.key)) return false;
        escapes = escapes || memchr(member.key.ptr, '\\', member.key.len) != NULL;
        if (is_known_key(member.key, members, *count, escapes)) return bad(s, "a key stands twice");
        if (*count == cap) return refuse(s, WSM_ERR_TOO_LARGE, "too many members");
        if (!scan_value(s, &member.value)) return false;
        members[(*count)++] = member;
        now = after_value(s);
    }
    return now == STEP_PASSED && scan_end(s);
}

int wsm__json_members(wsm_slice text, const wsm__scan_limits *limits, wsm__json_member *members, size_t cap,
                      size_t *count, wsm__scan_error *error) {
    scanner s;
    *count = 0;
    scan_begin(&s, text, limits);
    if (!scan_members(&s, members, cap, count)) *count = 0;
    if (error != NULL) *error = s.error;
    return s.error.err;
}
