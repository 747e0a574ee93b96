/* Frames: encoded once, immutable, counted, shared by all receivers. A frame holds a whole WebSocket frame of the
 * server (RFC 6455, section 5.2): its header and then the payload, in one block. Counts belong to the hub's thread. */
#ifndef WSM_LIB_WIRE_FRAME_H
#define WSM_LIB_WIRE_FRAME_H

#include <stdint.h>

#include "mem.h"
#include "util/slice.h"

typedef struct wsm__frame wsm__frame;

/* A frame with room for `len` bytes of payload, to be filled by the caller before anyone else sees it. NULL: no memory.
 */
wsm__frame *wsm__frame_new(wsm__mem *mem, uint8_t opcode, size_t len, char **payload);
/* The same from bytes that are there, masked for the client's side when mask is not NULL (4 bytes). */
wsm__frame *wsm__frame_of(wsm__mem *mem, uint8_t opcode, const void *payload, size_t len, const unsigned char *mask);
/* Bytes without a frame around them, as HTTP answers are. */
wsm__frame *wsm__frame_raw(wsm__mem *mem, const void *bytes, size_t len);

/* A number of the maker's own, 0 at first: what kind of content it is, so that queues can be purged of it. */
void wsm__frame_set_tag(wsm__frame *frame, uint32_t tag);
uint32_t wsm__frame_tag(const wsm__frame *frame);
/* What else its maker has to know of it, NULL at first; the frame owns it, and ends it with `drop`. */
void wsm__frame_set_note(wsm__frame *frame, void *note, void (*drop)(wsm__mem *mem, void *note));
const void *wsm__frame_note(const wsm__frame *frame);

wsm__frame *wsm__frame_ref(wsm__frame *frame);
void wsm__frame_unref(wsm__frame *frame);              /* NULL does nothing */
wsm_slice wsm__frame_bytes(const wsm__frame *frame);   /* header and payload */
wsm_slice wsm__frame_payload(const wsm__frame *frame); /* payload alone */
size_t wsm__frame_cost(const wsm__frame *frame);       /* bytes of memory it holds */

#endif
