/* A buffer that grows, for the simulator's own codec. It shares no code with the core's, on purpose: what checks the
 * hub must not err as the hub errs. */
#ifndef WSM_LIB_SIM_BYTES_H
#define WSM_LIB_SIM_BYTES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct wsm__sim_bytes {
    unsigned char *at;
    size_t len, cap;
    bool failed; /* memory was lacking once: what was added since then is missing, and stays so until it is cleared */
} wsm__sim_bytes;

/* A zeroed struct is an empty buffer. fini gives its memory back and leaves it empty again. */
void wsm__sim_bytes_fini(wsm__sim_bytes *bytes);

/* Room for `len` more bytes, at the end; NULL without memory. They count as soon as `len` is raised. */
unsigned char *wsm__sim_bytes_room(wsm__sim_bytes *bytes, size_t len);

void wsm__sim_bytes_add(wsm__sim_bytes *bytes, const void *from, size_t len);
void wsm__sim_bytes_text(wsm__sim_bytes *bytes, const char *text);

/* Take the first `len` bytes away; the rest moves to the front. */
void wsm__sim_bytes_drop(wsm__sim_bytes *bytes, size_t len);

/* Empty it, keep its memory. */
void wsm__sim_bytes_clear(wsm__sim_bytes *bytes);

#endif
