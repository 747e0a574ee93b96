/* The simulator's own RFC 6455 codec, from the client's side: builds masked frames, right and wrong ones, and reads
 * what a server sends, strictly. It shares no code with lib/wire, so that a bug there meets a second opinion.
 *
 * Extensions are not negotiated, so every reserved bit is an error. */
#ifndef WSM_LIB_SIM_CODEC_H
#define WSM_LIB_SIM_CODEC_H

#include <stdint.h>

#include "bytes.h"

enum { /* opcodes */
       WSM__SIM_CONTINUATION = 0x0,
       WSM__SIM_TEXT = 0x1,
       WSM__SIM_BINARY = 0x2,
       WSM__SIM_CLOSE = 0x8,
       WSM__SIM_PING = 0x9,
       WSM__SIM_PONG = 0xA
};

/* One frame as it goes out. The zero of every field but the first is what an honest client sends, apart from `mask`:
 * 0 is a legal key that changes nothing. */
typedef struct wsm__sim_frame {
    unsigned opcode;
    bool more;     /* FIN is not set */
    unsigned rsv;  /* 0..7 */
    uint32_t mask; /* the key */
    bool unmasked; /* break the rule for clients */
    int len_bytes; /* 0: the shortest form; 2 or 8: that many bytes of extended length, whether needed or not */
    bool lies;     /* the header says `declared` instead of `len` */
    uint64_t declared;
    const void *payload;
    size_t len;
} wsm__sim_frame;

void wsm__sim_frame_write(wsm__sim_bytes *out, const wsm__sim_frame *frame);

/* A whole message, in pieces of at most `piece` bytes (0: in one). Each piece gets a key made from `mask`. */
void wsm__sim_message_write(wsm__sim_bytes *out, unsigned opcode, const void *payload, size_t len, uint32_t mask,
                            size_t piece);

/* A close frame; code 0: with an empty body. `reason` may be NULL. */
void wsm__sim_close_write(wsm__sim_bytes *out, uint32_t mask, unsigned code, const char *reason);

typedef enum wsm__sim_seen {
    WSM__SIM_SEEN_NONE,    /* the bytes ended before anything was whole */
    WSM__SIM_SEEN_MESSAGE, /* `opcode` is text or binary */
    WSM__SIM_SEEN_PING,
    WSM__SIM_SEEN_PONG,
    WSM__SIM_SEEN_CLOSE, /* `code` (1005: none was given) and the reason in `bytes` */
    WSM__SIM_SEEN_BROKEN /* the server broke RFC 6455: `why`. Nothing can be read after it */
} wsm__sim_seen;

/* What was read. The bytes lie in the input or in the reader and are valid until the next call. */
typedef struct wsm__sim_event {
    wsm__sim_seen seen;
    unsigned opcode;
    const unsigned char *bytes;
    size_t len;
    unsigned code;
    unsigned frames; /* of which the message was made */
    const char *why;
} wsm__sim_event;

/* Reads server frames that come in pieces of any size. */
typedef struct wsm__sim_reader {
    size_t len_max; /* of a message; longer is an error */
    unsigned char head[10];
    unsigned head_len;
    uint64_t left; /* bytes of the frame's payload that are still to come */
    bool in_payload, in_message, closed;
    unsigned opcode, message_opcode, frames;
    bool fin;
    wsm__sim_bytes message, control;
    const char *broken;
} wsm__sim_reader;

void wsm__sim_reader_init(wsm__sim_reader *reader, size_t len_max);
void wsm__sim_reader_fini(wsm__sim_reader *reader);

/* Read up to and including the next event, and no further. Returns how many of the bytes it took: call again with the
 * rest until `event->seen` is NONE or BROKEN. */
size_t wsm__sim_reader_feed(wsm__sim_reader *reader, const void *bytes, size_t len, wsm__sim_event *event);

/* Whether the bytes are UTF-8 as RFC 3629 has it. */
bool wsm__sim_utf8(const unsigned char *bytes, size_t len);

#endif
