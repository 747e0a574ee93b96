/* The strict scanner, as <wsm/json.h> offers it to hosts. */
#include "wsm/json.h"

#include "proto/scan.h"
#include "util/utf8.h"

#define PUBLIC_MEMBERS_MAX 64

int wsm_json_members(const char *text, size_t len, wsm_json_member *members, size_t cap, size_t *count, size_t *at,
                     const char **why) {
    static const wsm__scan_limits limits = {.depth_max = 32, .values_max = 4096, .key_bytes_max = 128};
    wsm__json_member found[PUBLIC_MEMBERS_MAX];
    wsm__scan_error error = {0};
    size_t n = 0;
    if (!text || !count || (!members && cap > 0)) return WSM_ERR_INVALID;
    *count = 0;
    if (cap > PUBLIC_MEMBERS_MAX) cap = PUBLIC_MEMBERS_MAX;
    int err = wsm__json_members(wsm__slice(text, len), &limits, found, cap, &n, &error);
    if (err) {
        if (at) *at = error.at;
        if (why) *why = error.why;
        return err;
    }
    for (size_t i = 0; i < n; i++) {
        members[i].key = found[i].key;
        members[i].value = found[i].value.raw;
        members[i].kind = (wsm_json_kind)found[i].value.kind;
    }
    *count = n;
    return WSM_OK;
}

long wsm_json_string(wsm_slice raw, char *out, size_t cap) {
    if (!raw.ptr || raw.len < 2 || raw.ptr[0] != '"' || raw.ptr[raw.len - 1] != '"' || !out) return WSM_ERR_INVALID;
    if (cap == 0) return WSM_ERR_TOO_LARGE;
    long len = wsm__json_string_decode(raw, out, cap - 1);
    if (len < 0) return WSM_ERR_TOO_LARGE;
    out[len] = '\0';
    return len;
}

/* The escape of one byte, or 0 for a byte that stands for itself. */
static size_t escape(unsigned char c, char out[7]) {
    static const char hex[] = "0123456789abcdef";
    const char *shorts = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; shorts[i]; i += 2) {
        if ((unsigned char)shorts[i] != c) continue;
        out[0] = '\\';
        out[1] = shorts[i + 1];
        return 2;
    }
    if (c >= 0x20) return 0;
    out[0] = '\\';
    out[1] = 'u';
    out[2] = out[3] = '0';
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

long wsm_json_quote(wsm_slice text, char *out, size_t cap) {
    size_t len = 0;
    char esc[7];
    if ((!text.ptr && text.len > 0) || !out) return WSM_ERR_INVALID;
    if (!wsm__utf8_is_valid(text.ptr, text.len)) return WSM_ERR_INVALID;
    if (cap < 3) return WSM_ERR_TOO_LARGE;
    out[len++] = '"';
    for (size_t i = 0; i < text.len; i++) {
        size_t n = escape((unsigned char)text.ptr[i], esc);
        if (n == 0) {
            esc[0] = text.ptr[i];
            n = 1;
        }
        if (len + n + 2 > cap) return WSM_ERR_TOO_LARGE;
        memcpy(out + len, esc, n);
        len += n;
    }
    out[len++] = '"';
    out[len] = '\0';
    return (long)len;
}
