/* A growing run of bytes with a limit. A writer keeps its first error and then does nothing, so that a caller appends,
 * appends, appends and checks once. */
#ifndef WSM_LIB_UTIL_BUF_H
#define WSM_LIB_UTIL_BUF_H

#include "mem.h"
#include "util/slice.h"

typedef struct wsm__buf {
    wsm__mem *mem;
    char *ptr;
    size_t len;
    size_t cap;
    size_t max; /* 0: no limit */
    int err;    /* 0, WSM_ERR_NOMEM or WSM_ERR_TOO_LARGE; sticky until wsm__buf_clear */
} wsm__buf;

/* What is called for nearly every word that is written stands here, for the compiler to put it in place. */

char *wsm__buf_grow(wsm__buf *buf, size_t len); /* the slow way of wsm__buf_room */

/* Room for len more bytes; NULL on error. Commit by adding to `len`. */
static inline char *wsm__buf_room(wsm__buf *buf, size_t len) {
    bool fits = buf->err == 0 && buf->ptr && len <= buf->cap - buf->len;
    return fits ? buf->ptr + buf->len : wsm__buf_grow(buf, len);
}

static inline void wsm__buf_put(wsm__buf *buf, const void *bytes, size_t len) {
    char *room = len > 0 ? wsm__buf_room(buf, len) : NULL;
    if (!room) return;
    memcpy(room, bytes, len);
    buf->len += len;
}

static inline void wsm__buf_puts(wsm__buf *buf, const char *text) {
    wsm__buf_put(buf, text, strlen(text));
}

static inline void wsm__buf_put_slice(wsm__buf *buf, wsm_slice slice) {
    wsm__buf_put(buf, slice.ptr, slice.len);
}

static inline void wsm__buf_putc(wsm__buf *buf, char c) {
    wsm__buf_put(buf, &c, 1);
}

void wsm__buf_init(wsm__buf *buf, wsm__mem *mem, size_t max);
void wsm__buf_fini(wsm__buf *buf);                    /* frees; usable again as after init */
void wsm__buf_clear(wsm__buf *buf);                   /* keeps the room, forgets content and error */
void wsm__buf_put_u64(wsm__buf *buf, uint64_t value); /* decimal */
void wsm__buf_drop(wsm__buf *buf, size_t len);        /* from the front */

#endif
