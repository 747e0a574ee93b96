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

void wsm__buf_init(wsm__buf *buf, wsm__mem *mem, size_t max);
void wsm__buf_fini(wsm__buf *buf);              /* frees; usable again as after init */
void wsm__buf_clear(wsm__buf *buf);             /* keeps the room, forgets content and error */
char *wsm__buf_room(wsm__buf *buf, size_t len); /* room for len more bytes; NULL on error. Commit by adding to len. */
void wsm__buf_put(wsm__buf *buf, const void *bytes, size_t len);
void wsm__buf_puts(wsm__buf *buf, const char *text);
void wsm__buf_put_slice(wsm__buf *buf, wsm_slice slice);
void wsm__buf_putc(wsm__buf *buf, char c);
void wsm__buf_put_u64(wsm__buf *buf, uint64_t value); /* decimal */
void wsm__buf_drop(wsm__buf *buf, size_t len);        /* from the front */

#endif
