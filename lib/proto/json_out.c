/* JSON text, written front to back. Errors stay in the buffer. */
#include "proto/json_out.h"

#include <assert.h>

/* What stands behind the backslash for a control character, a quote or a backslash; 0: \u00XX. */
static char short_escape(unsigned char c) {
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

static void put_escape(wsm__buf *buf, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    char letter = short_escape(c);
    assert(c != 0); /* our own scanner would refuse it */
    if (letter != 0) {
        wsm__buf_put(buf, (const char[]){'\\', letter}, 2);
    } else {
        wsm__buf_put(buf, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
}

void wsm__json_put_string(wsm__buf *buf, wsm_slice text) {
    size_t from = 0;
    wsm__buf_putc(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        if (i > from) wsm__buf_put(buf, text.ptr + from, i - from);
        put_escape(buf, c);
        from = i + 1;
    }
    if (text.len > from) wsm__buf_put(buf, text.ptr + from, text.len - from);
    wsm__buf_putc(buf, '"');
}

void wsm__json_open(wsm__json_out *out, wsm__buf *buf) {
    *out = (wsm__json_out){.buf = buf, .first = true};
    wsm__buf_putc(buf, '{');
}

void wsm__json_close(wsm__json_out *out) {
    wsm__buf_putc(out->buf, '}');
}

void wsm__json_name(wsm__json_out *out, const char *name) {
    wsm__buf_puts(out->buf, out->first ? "\"" : ",\"");
    wsm__buf_puts(out->buf, name);
    wsm__buf_puts(out->buf, "\":");
    out->first = false;
}

void wsm__json_str(wsm__json_out *out, const char *name, wsm_slice text) {
    wsm__json_name(out, name);
    wsm__json_put_string(out->buf, text);
}

void wsm__json_raw(wsm__json_out *out, const char *name, wsm_slice json) {
    wsm__json_name(out, name);
    wsm__buf_put_slice(out->buf, json);
}

void wsm__json_num(wsm__json_out *out, const char *name, uint64_t number) {
    wsm__json_name(out, name);
    wsm__buf_put_u64(out->buf, number);
}

void wsm__json_bool(wsm__json_out *out, const char *name, bool value) {
    wsm__json_name(out, name);
    wsm__buf_puts(out->buf, value ? "true" : "false");
}
