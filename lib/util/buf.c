/* The growing buffer. Room doubles, so that appending costs O(1) amortised. */
#include "util/buf.h"

#define FIRST_CAP 64u

void wsm__buf_init(wsm__buf *buf, wsm__mem *mem, size_t max) {
    *buf = (wsm__buf){.mem = mem, .max = max};
}

void wsm__buf_fini(wsm__buf *buf) {
    wsm__free(buf->mem, buf->ptr, buf->cap);
    wsm__buf_init(buf, buf->mem, buf->max);
}

void wsm__buf_clear(wsm__buf *buf) {
    buf->len = 0;
    buf->err = 0;
}

static int enlarge(wsm__buf *buf, size_t need) {
    size_t most = buf->max ? buf->max : SIZE_MAX / 2;
    if (need > most) return WSM_ERR_TOO_LARGE;
    size_t cap = buf->cap ? buf->cap : FIRST_CAP;
    while (cap < need) cap *= 2;
    if (cap > most) cap = most;
    char *moved = wsm__resize(buf->mem, buf->ptr, buf->cap, cap);
    if (!moved) return WSM_ERR_NOMEM;
    buf->ptr = moved;
    buf->cap = cap;
    return 0;
}

char *wsm__buf_grow(wsm__buf *buf, size_t len) {
    if (buf->err) return NULL;
    if (!buf->ptr || len > buf->cap - buf->len) {
        buf->err = len > SIZE_MAX - buf->len ? WSM_ERR_TOO_LARGE : enlarge(buf, buf->len + len);
        if (buf->err) return NULL;
    }
    return buf->ptr + buf->len;
}

void wsm__buf_put_u64(wsm__buf *buf, uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    wsm__buf_put(buf, digits + at, sizeof digits - at);
}

void wsm__buf_drop(wsm__buf *buf, size_t len) {
    if (len > buf->len) len = buf->len;
    buf->len -= len;
    if (buf->len) memmove(buf->ptr, buf->ptr + len, buf->len);
}
