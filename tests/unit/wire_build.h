/* Frames as text, for tests: "T:hi P:x X1000:bye" is a text message, a ping and a close frame. A token is
 *
 *     [!] [Rn] [Ln] kind [code] [:payload | *count]        or      #hex
 *
 * kind: T t text, B b binary, C c continuation, P p ping, O o pong, X x close (small letters: FIN is not set), N and a
 * number: any opcode. `!` turns the mask the wrong way round, R sets the reserved bits, L takes 2 or 8 bytes for the
 * length. In a payload %NN is a byte; a space is %20; *count stands for that many letters a. X may be followed by a
 * code. Events are written the same way, with E and a code for an error. */
#ifndef WSM_TESTS_WIRE_BUILD_H
#define WSM_TESTS_WIRE_BUILD_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct build {
    unsigned char *ptr;
    size_t len, cap;
} build;

static inline void build_put(build *b, const void *bytes, size_t len) {
    if (b->len + len > b->cap) {
        b->cap = (b->len + len) * 2;
        b->ptr = realloc(b->ptr, b->cap);
    }
    if (len > 0) memcpy(b->ptr + b->len, bytes, len);
    b->len += len;
}

static inline void build_byte(build *b, unsigned byte) {
    unsigned char c = (unsigned char)byte;
    build_put(b, &c, 1);
}

static inline void build_free(build *b) {
    free(b->ptr);
    *b = (build){0};
}

static inline unsigned build_hex(const char *at) {
    char two[3] = {at[0], at[1], 0};
    return (unsigned)strtoul(two, NULL, 16);
}

/* ":text" or "*count"; stops at a space. Returns where it ended. */
static inline const char *build_payload(build *out, const char *at) {
    if (*at == '*') {
        char *end;
        for (unsigned long n = strtoul(at + 1, &end, 10); n > 0; n--) build_byte(out, 'a');
        return end;
    }
    if (*at == ':') at++;
    for (; *at && *at != ' '; at++) {
        if (*at == '%') {
            build_byte(out, build_hex(at + 1));
            at += 2;
        } else {
            build_byte(out, (unsigned char)*at);
        }
    }
    return at;
}

static const unsigned char build_mask[4] = {0x37, 0xfa, 0x21, 0x3d};

static inline void build_frame(build *out, unsigned first, bool masked, unsigned form, const build *payload) {
    build_byte(out, first);
    unsigned m = masked ? 0x80 : 0;
    if (form == 0) form = payload->len < 126 ? 1 : payload->len <= 0xffff ? 2 : 8;
    build_byte(out, m | (form == 1 ? (unsigned)payload->len : form == 2 ? 126u : 127u));
    for (unsigned i = form; form > 1 && i-- > 0;) build_byte(out, (unsigned)((uint64_t)payload->len >> (8 * i)));
    if (masked) build_put(out, build_mask, 4);
    for (size_t i = 0; i < payload->len; i++) build_byte(out, payload->ptr[i] ^ (masked ? build_mask[i % 4] : 0u));
}

static inline const char *build_token(build *out, const char *at, bool masked) {
    unsigned rsv = 0, form = 0, opcode = 0;
    char *end;
    if (*at == '!') masked = !masked, at++;
    if (*at == 'R') rsv = (unsigned)strtoul(at + 1, &end, 10), at = end;
    if (*at == 'L') form = (unsigned)strtoul(at + 1, &end, 10), at = end;
    char kind = *at++;
    bool fin = isupper((unsigned char)kind);
    build payload = {0};
    switch (toupper((unsigned char)kind)) {
    case 'T': opcode = 1; break;
    case 'B': opcode = 2; break;
    case 'C': opcode = 0; break;
    case 'P': opcode = 9; break;
    case 'O': opcode = 10; break;
    case 'N':
        opcode = (unsigned)strtoul(at, &end, 10);
        at = end;
        break;
    case 'X':
        opcode = 8;
        if (isdigit((unsigned char)*at)) {
            unsigned code = (unsigned)strtoul(at, &end, 10);
            build_byte(&payload, code >> 8);
            build_byte(&payload, code);
            at = end;
        }
        break;
    default: fprintf(stderr, "bad token: %c\n", kind); exit(2);
    }
    at = build_payload(&payload, at);
    build_frame(out, (fin ? 0x80u : 0) | rsv << 4 | opcode, masked, form, &payload);
    build_free(&payload);
    return at;
}

static inline void build_frames(build *out, const char *script, bool masked) {
    while (*script) {
        if (*script == ' ') {
            script++;
        } else if (*script == '#') {
            for (script++; isxdigit((unsigned char)*script); script += 2) build_byte(out, build_hex(script));
        } else {
            script = build_token(out, script, masked);
        }
    }
}

/* Writes one event in the same notation, a space before it; long payloads as their length and a checksum. */
static inline void build_event(build *out, char kind, unsigned code, const void *payload, size_t len) {
    char text[64];
    const unsigned char *at = payload;
    if (code)
        snprintf(text, sizeof text, " %c%u:", kind, code);
    else
        snprintf(text, sizeof text, " %c:", kind);
    build_put(out, text, strlen(text));
    if (len > 80) {
        uint32_t sum = 2166136261u;
        for (size_t i = 0; i < len; i++) sum = (sum ^ at[i]) * 16777619u;
        snprintf(text, sizeof text, "(%zu bytes, %08x)", len, (unsigned)sum);
        build_put(out, text, strlen(text));
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (isgraph(at[i]))
            snprintf(text, sizeof text, "%c", at[i]);
        else
            snprintf(text, sizeof text, "%%%02x", at[i]);
        build_put(out, text, strlen(text));
    }
}

/* The events that a script names, written as build_event writes them. */
static inline void build_events(build *out, const char *script) {
    char *end;
    while (*script) {
        if (*script == ' ') {
            script++;
            continue;
        }
        build payload = {0};
        char kind = *script++;
        unsigned code = 0;
        if (kind == 'X' || kind == 'E') code = (unsigned)strtoul(script, &end, 10), script = end;
        script = build_payload(&payload, script);
        build_event(out, kind, code, payload.ptr, payload.len);
        build_free(&payload);
    }
}

#endif
