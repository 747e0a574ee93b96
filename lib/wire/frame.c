/* Frames. The header is written by hand (RFC 6455, section 5.2) and stands right before the payload, so that a frame is
 * one block and goes out as one vector. */
#include "wire/frame.h"

#include <assert.h>
#include <string.h>

#define HEADER_BYTES_MAX 14u /* 2, 8 of length, 4 of mask */

struct wsm__frame {
    wsm__mem *mem;
    void *note;
    void (*drop)(wsm__mem *mem, void *note); /* NULL: there is no note */
    size_t payload_len;
    uint32_t refs;
    uint32_t header_len : 4;
    uint32_t tag : 28;
    char bytes[];
};

static uint32_t header_len_of(size_t payload_len, bool masked) {
    uint32_t len = payload_len < 126 ? 2 : payload_len <= 0xffff ? 4 : 10;
    return masked ? len + 4 : len;
}

static void header_write(unsigned char *at, uint8_t opcode, uint64_t payload_len, const unsigned char *mask) {
    uint8_t masked = mask ? 0x80 : 0;
    size_t ext = payload_len < 126 ? 0 : payload_len <= 0xffff ? 2 : 8;
    at[0] = (unsigned char)(0x80u | opcode);
    at[1] = (unsigned char)(masked | (ext == 0 ? payload_len : ext == 2 ? 126u : 127u));
    for (size_t i = 0; i < ext; i++) at[2 + i] = (unsigned char)(payload_len >> (8 * (ext - 1 - i)));
    if (mask) memcpy(at + 2 + ext, mask, 4);
}

static wsm__frame *frame_alloc(wsm__mem *mem, uint32_t header_len, size_t payload_len) {
    if (payload_len > SIZE_MAX - sizeof(wsm__frame) - HEADER_BYTES_MAX) return NULL;
    wsm__frame *frame = wsm__alloc(mem, sizeof *frame + header_len + payload_len);
    if (!frame) return NULL;
    frame->mem = mem;
    frame->note = NULL;
    frame->drop = NULL;
    frame->payload_len = payload_len;
    frame->refs = 1;
    frame->header_len = header_len & 15;
    frame->tag = 0;
    return frame;
}

wsm__frame *wsm__frame_new(wsm__mem *mem, uint8_t opcode, size_t len, char **payload) {
    wsm__frame *frame = frame_alloc(mem, header_len_of(len, false), len);
    if (!frame) return NULL;
    header_write((unsigned char *)frame->bytes, opcode, len, NULL);
    *payload = frame->bytes + frame->header_len;
    return frame;
}

wsm__frame *wsm__frame_of(wsm__mem *mem, uint8_t opcode, const void *payload, size_t len, const unsigned char *mask) {
    wsm__frame *frame = frame_alloc(mem, header_len_of(len, mask != NULL), len);
    if (!frame) return NULL;
    header_write((unsigned char *)frame->bytes, opcode, len, mask);
    char *to = frame->bytes + frame->header_len;
    if (len > 0) memcpy(to, payload, len);
    if (mask) {
        for (size_t i = 0; i < len; i++) to[i] = (char)((unsigned char)to[i] ^ mask[i & 3]);
    }
    return frame;
}

wsm__frame *wsm__frame_raw(wsm__mem *mem, const void *bytes, size_t len) {
    wsm__frame *frame = frame_alloc(mem, 0, len);
    if (frame && len > 0) memcpy(frame->bytes, bytes, len);
    return frame;
}

void wsm__frame_set_tag(wsm__frame *frame, uint32_t tag) {
    frame->tag = tag & 0xfffffff;
}

uint32_t wsm__frame_tag(const wsm__frame *frame) {
    return frame->tag;
}

void wsm__frame_set_note(wsm__frame *frame, void *note, void (*drop)(wsm__mem *mem, void *note)) {
    assert(!frame->drop);
    frame->note = note;
    frame->drop = drop;
}

const void *wsm__frame_note(const wsm__frame *frame) {
    return frame->note;
}

wsm__frame *wsm__frame_ref(wsm__frame *frame) {
    assert(frame->refs < UINT32_MAX);
    frame->refs++;
    return frame;
}

void wsm__frame_unref(wsm__frame *frame) {
    if (!frame) return;
    assert(frame->refs > 0);
    if (--frame->refs > 0) return;
    if (frame->drop) frame->drop(frame->mem, frame->note);
    wsm__free(frame->mem, frame, wsm__frame_cost(frame));
}

wsm_slice wsm__frame_bytes(const wsm__frame *frame) {
    return wsm__slice(frame->bytes, frame->header_len + frame->payload_len);
}

wsm_slice wsm__frame_payload(const wsm__frame *frame) {
    return wsm__slice(frame->bytes + frame->header_len, frame->payload_len);
}

size_t wsm__frame_cost(const wsm__frame *frame) {
    return sizeof *frame + frame->header_len + frame->payload_len;
}
