/* Text that grows by doubling. */
#include "writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(writer *out, size_t more) {
    if (out->failed) return false;
    if (more <= out->cap - out->len) return true;
    size_t cap = out->cap != 0 ? out->cap : 512;
    while (cap - out->len < more && cap <= (size_t)-1 / 4) cap *= 2;
    char *ptr = cap - out->len >= more ? realloc(out->ptr, cap) : NULL;
    if (ptr == NULL) {
        out->failed = true;
        return false;
    }
    out->ptr = ptr;
    out->cap = cap;
    return true;
}

void writer_put(writer *out, const void *bytes, size_t len) {
    if (len == 0 || !reserve(out, len)) return;
    memcpy(out->ptr + out->len, bytes, len);
    out->len += len;
}

void writer_str(writer *out, const char *string) {
    writer_put(out, string, strlen(string));
}

void writer_format(writer *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    /* vsnprintf ends with a NUL, for which there must be room although it does not count. */
    if (need < 0 || !reserve(out, (size_t)need + 1)) {
        out->failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(out->ptr + out->len, (size_t)need + 1, format, args);
    va_end(args);
    out->len += (size_t)need;
}

void writer_quote(writer *out, const char *string) {
    writer_str(out, "\"");
    for (const char *at = string; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte < 0x20) {
            writer_format(out, "\\u%04x", byte);
        } else {
            if (byte == '"' || byte == '\\') writer_str(out, "\\");
            writer_put(out, at, 1);
        }
    }
    writer_str(out, "\"");
}

void writer_free(writer *out) {
    free(out->ptr);
    *out = (writer){0};
}
