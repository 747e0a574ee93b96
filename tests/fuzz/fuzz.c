/* See fuzz.h. */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t fuzz_fail_at;
int fuzz_fail_forever;
bool fuzz_failed;
bool fuzz_counts;
bool fuzz_is_thorough;

bool fuzz_round(int round, int rounds, uint64_t dice) {
    return fuzz_is_thorough || (uint64_t)round == dice % (uint64_t)rounds;
}

void fuzz_broken(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: expected %s", file, line, what);
    if (fuzz_fail_at)
        fprintf(stderr, " (allocation %zu fails%s)", fuzz_fail_at, fuzz_fail_forever ? ", and all after it" : "");
    fputc('\n', stderr);
    abort();
}

void fuzz_show(const char *name, const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    fprintf(stderr, "%s (%zu bytes): ", name, len);
    for (size_t i = 0; i < len && i < 4096; i++)
        fprintf(stderr, at[i] >= 0x20 && at[i] < 0x7f ? "%c" : "\\x%02x", at[i]);
    fputc('\n', stderr);
}

/* ---- input ---- */

uint8_t fuzz_u8(fuzz_in *in) {
    if (in->left == 0) return 0;
    in->left--;
    return *in->at++;
}

uint16_t fuzz_u16(fuzz_in *in) {
    uint8_t high = fuzz_u8(in);
    return (uint16_t)(high << 8 | fuzz_u8(in));
}

size_t fuzz_below(fuzz_in *in, size_t count) {
    return fuzz_u8(in) % count;
}

wsm_slice fuzz_take(fuzz_in *in, size_t len) {
    if (len > in->left) len = in->left;
    wsm_slice got = {(const char *)in->at, len};
    in->at += len;
    in->left -= len;
    return got;
}

wsm_slice fuzz_until(fuzz_in *in, char end) {
    const uint8_t *found = in->left > 0 ? memchr(in->at, end, in->left) : NULL;
    wsm_slice got = fuzz_take(in, found ? (size_t)(found - in->at) : in->left);
    if (found) fuzz_take(in, 1);
    return got;
}

uint64_t fuzz_next(uint64_t *state) { /* splitmix64, after Steele, Lea and Flood */
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t fuzz_hash(const void *bytes, size_t len) { /* FNV-1a */
    const unsigned char *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

void fuzz_cut(fuzz_cuts *cuts, size_t at) {
    if (cuts->count > 0 && cuts->at[cuts->count - 1] == at) return;
    FUZZ_EXPECT(cuts->count < FUZZ_CUTS_MAX);
    cuts->at[cuts->count++] = at;
}

size_t fuzz_piece(const fuzz_cuts *cuts, size_t at) {
    for (size_t i = 0; i < cuts->count; i++)
        if (cuts->at[i] > at) return cuts->at[i] - at;
    return SIZE_MAX;
}

char *fuzz_copy(const void *bytes, size_t len) {
    char *copy = malloc(len ? len : 1);
    if (!copy) abort();
    if (len) memcpy(copy, bytes, len);
    return copy;
}

/* ---- text ---- */

static void text_room(fuzz_text *text, size_t len) {
    if (text->len + len + 1 <= text->cap) return;
    text->cap = (text->len + len + 1) * 2;
    text->ptr = realloc(text->ptr, text->cap);
    if (!text->ptr) abort();
}

void fuzz_put(fuzz_text *text, const void *bytes, size_t len) {
    text_room(text, len);
    if (len) memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
    text->ptr[text->len] = '\0';
}

void fuzz_print(fuzz_text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text_room(text, (size_t)len);
    va_start(args, format);
    vsnprintf(text->ptr + text->len, text->cap - text->len, format, args);
    va_end(args);
    text->len += (size_t)len;
}

void fuzz_text_free(fuzz_text *text) {
    free(text->ptr);
    *text = (fuzz_text){0};
}

bool fuzz_same(const fuzz_text *a, const fuzz_text *b) {
    return a->len == b->len && (a->len == 0 || memcmp(a->ptr, b->ptr, a->len) == 0);
}

/* ---- memory ---- */

void fuzz_mem_begin(test_mem *mem) {
    memset(mem, 0, sizeof *mem);
    fuzz_counts = true;
    mem->fail_at = fuzz_fail_at;
    mem->fail_forever = fuzz_fail_forever;
}

bool fuzz_mem_is_short(const test_mem *mem) {
    return test_mem_has_failed(mem);
}

void fuzz_mem_end(test_mem *mem) {
    if (test_mem_has_failed(mem)) fuzz_failed = true;
    FUZZ_EXPECT(mem->live == 0);
}
