/* Client frames out, server frames in. A frame's header is collected in `head` (2, 4 or 10 bytes, a server's has no
 * key), its payload goes to `message` or `control`; a message that lies whole in the input is handed out from there. */
#include "codec.h"

#include <string.h>

/* ---- out ---- */

static size_t put_length(unsigned char *at, const wsm__sim_frame *frame) {
    uint64_t len = frame->lies ? frame->declared : frame->len;
    int form = frame->len_bytes ? frame->len_bytes : len < 126 ? 0 : len < 65536 ? 2 : 8;
    at[0] = (unsigned char)(form == 8 ? 127 : form == 2 ? 126 : len & 0x7f);
    for (int i = 0; i < form; i++) at[1 + i] = (unsigned char)(len >> (8 * (form - 1 - i)));
    return 1 + (size_t)form;
}

void wsm__sim_frame_write(wsm__sim_bytes *out, const wsm__sim_frame *frame) {
    unsigned char *at = wsm__sim_bytes_room(out, 14 + frame->len);
    if (!at) return;
    unsigned char *start = at;
    *at++ = (unsigned char)((frame->more ? 0 : 0x80) | (frame->rsv & 7) << 4 | (frame->opcode & 15));
    unsigned char *second = at;
    at += put_length(at, frame);
    unsigned char key[4] = {(unsigned char)(frame->mask >> 24), (unsigned char)(frame->mask >> 16),
                            (unsigned char)(frame->mask >> 8), (unsigned char)frame->mask};
    if (!frame->unmasked) {
        *second |= 0x80;
        memcpy(at, key, sizeof key);
        at += sizeof key;
    } else {
        memset(key, 0, sizeof key);
    }
    const unsigned char *from = frame->payload;
    for (size_t i = 0; i < frame->len; i++) at[i] = from[i] ^ key[i & 3];
    out->len += (size_t)(at - start) + frame->len;
}

void wsm__sim_message_write(wsm__sim_bytes *out, unsigned opcode, const void *payload, size_t len, uint32_t mask,
                            size_t piece) {
    const unsigned char *from = payload;
    wsm__sim_frame frame = {.opcode = opcode, .mask = mask};
    do {
        frame.payload = from;
        frame.len = piece > 0 && piece < len ? piece : len;
        frame.more = frame.len < len;
        wsm__sim_frame_write(out, &frame);
        if (frame.len > 0) from += frame.len;
        len -= frame.len;
        frame.opcode = WSM__SIM_CONTINUATION;
        frame.mask = frame.mask * 2654435761u + 1;
    } while (len > 0);
}

void wsm__sim_close_write(wsm__sim_bytes *out, uint32_t mask, unsigned code, const char *reason) {
    unsigned char body[125] = {(unsigned char)(code >> 8), (unsigned char)code};
    size_t len = reason ? strlen(reason) : 0;
    if (len > sizeof body - 2) len = sizeof body - 2;
    if (len > 0) memcpy(body + 2, reason, len);
    wsm__sim_frame frame = {.opcode = WSM__SIM_CLOSE, .mask = mask, .payload = body, .len = code ? len + 2 : 0};
    wsm__sim_frame_write(out, &frame);
}

/* ---- UTF-8 ---- */

bool wsm__sim_utf8(const unsigned char *bytes, size_t len) {
    size_t i = 0;
    while (i < len) {
        uint64_t word;
        if (len - i >= sizeof word) { /* most of what is sent is ASCII */
            memcpy(&word, bytes + i, sizeof word);
            if ((word & 0x8080808080808080u) == 0) {
                i += sizeof word;
                continue;
            }
        }
        unsigned char lead = bytes[i++];
        if (lead < 0x80) continue;
        int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
        if (lead < 0xC0 || lead > 0xF7 || len - i < (size_t)more) return false;
        uint32_t rune = lead & (0x3Fu >> more);
        for (int k = 0; k < more; k++) {
            unsigned char byte = bytes[i++];
            if ((byte & 0xC0) != 0x80) return false;
            rune = rune << 6 | (byte & 0x3Fu);
        }
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (rune < least[more] || rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) return false;
    }
    return true;
}

/* ---- in ---- */

void wsm__sim_reader_init(wsm__sim_reader *reader, size_t len_max) {
    *reader = (wsm__sim_reader){.len_max = len_max};
}

void wsm__sim_reader_fini(wsm__sim_reader *reader) {
    wsm__sim_bytes_fini(&reader->message);
    wsm__sim_bytes_fini(&reader->control);
    *reader = (wsm__sim_reader){0};
}

static bool is_control(unsigned opcode) {
    return opcode >= WSM__SIM_CLOSE;
}

/* How long the header is, as far as its first two bytes tell. */
static unsigned head_need(const wsm__sim_reader *reader) {
    if (reader->head_len < 2) return 2;
    unsigned form = reader->head[1] & 0x7f;
    return form == 127 ? 10 : form == 126 ? 4 : 2;
}

/* The rules that a frame's first two bytes can break, or NULL. */
static const char *check_head(const wsm__sim_reader *reader) {
    unsigned first = reader->head[0], second = reader->head[1], opcode = first & 15;
    if (reader->closed) return "a frame after the close frame";
    if (first & 0x70) return "a reserved bit is set";
    if (second & 0x80) return "a server's frame is masked";
    if ((opcode > WSM__SIM_BINARY && opcode < WSM__SIM_CLOSE) || opcode > WSM__SIM_PONG) return "unknown opcode";
    if (is_control(opcode) && !(first & 0x80)) return "a control frame is fragmented";
    if (is_control(opcode) && (second & 0x7f) > 125) return "a control frame is longer than 125 bytes";
    if (opcode == WSM__SIM_CONTINUATION && !reader->in_message) return "a continuation of nothing";
    if (!is_control(opcode) && opcode != WSM__SIM_CONTINUATION && reader->in_message)
        return "a message begins inside another";
    return NULL;
}

static const char *check_length(const wsm__sim_reader *reader, unsigned head_len) {
    if (head_len == 4 && reader->left < 126) return "a length is not in its shortest form";
    if (head_len == 10 && reader->left < 65536) return "a length is not in its shortest form";
    if (reader->left >> 63) return "a length has its highest bit set";
    if (!is_control(reader->opcode) && reader->left > reader->len_max - reader->message.len)
        return "a message is too long";
    return NULL;
}

/* The header is whole. */
static const char *begin_frame(wsm__sim_reader *reader) {
    unsigned need = reader->head_len;
    reader->opcode = reader->head[0] & 15;
    reader->fin = reader->head[0] & 0x80;
    reader->left = need == 2 ? reader->head[1] & 0x7fu : 0;
    for (unsigned i = 2; i < need; i++) reader->left = reader->left << 8 | reader->head[i];
    if (!is_control(reader->opcode) && !reader->in_message) wsm__sim_bytes_clear(&reader->message);
    const char *why = check_length(reader, need);
    if (why) return why;
    reader->in_payload = true;
    reader->head_len = 0;
    if (is_control(reader->opcode)) {
        wsm__sim_bytes_clear(&reader->control);
        return NULL;
    }
    if (reader->opcode != WSM__SIM_CONTINUATION) {
        reader->message_opcode = reader->opcode;
        reader->frames = 0;
    }
    reader->in_message = true;
    reader->frames++;
    return NULL;
}

static bool may_be_sent(unsigned code) {
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static const char *end_close(wsm__sim_reader *reader, wsm__sim_event *event) {
    reader->closed = true;
    event->seen = WSM__SIM_SEEN_CLOSE;
    event->code = 1005;
    if (event->len == 0) return NULL;
    if (event->len == 1) return "a close frame with half a code";
    event->code = (unsigned)event->bytes[0] << 8 | event->bytes[1];
    event->bytes += 2;
    event->len -= 2;
    if (!may_be_sent(event->code)) return "a close code that may not be sent";
    return wsm__sim_utf8(event->bytes, event->len) ? NULL : "a close reason is not UTF-8";
}

/* The frame's payload is whole and lies at bytes..len (the message's, if it is the last of several). */
static const char *end_frame(wsm__sim_reader *reader, wsm__sim_event *event) {
    event->opcode = is_control(reader->opcode) ? reader->opcode : reader->message_opcode;
    if (reader->opcode == WSM__SIM_CLOSE) return end_close(reader, event);
    if (is_control(reader->opcode)) {
        event->seen = reader->opcode == WSM__SIM_PING ? WSM__SIM_SEEN_PING : WSM__SIM_SEEN_PONG;
        return NULL;
    }
    event->seen = WSM__SIM_SEEN_MESSAGE;
    event->frames = reader->frames;
    reader->in_message = false;
    return event->opcode == WSM__SIM_TEXT && !wsm__sim_utf8(event->bytes, event->len) ? "a text is not UTF-8" : NULL;
}

/* Take what there is of the payload. Returns whether an event came out of it, and in *took how many bytes. */
static bool read_payload(wsm__sim_reader *reader, const unsigned char *bytes, size_t len, size_t *took,
                         wsm__sim_event *event) {
    wsm__sim_bytes *into = is_control(reader->opcode) ? &reader->control : &reader->message;
    bool whole = len >= reader->left;
    *took = whole ? (size_t)reader->left : len;
    bool whole_here = whole && into->len == 0 && (is_control(reader->opcode) || reader->fin);
    if (!whole_here) wsm__sim_bytes_add(into, bytes, *took);
    reader->left -= *took;
    if (!whole) return false;
    reader->in_payload = false;
    if (!is_control(reader->opcode) && !reader->fin) return false;
    event->bytes = whole_here ? bytes : into->at;
    event->len = whole_here ? *took : into->len;
    reader->broken = into->failed ? "no memory" : end_frame(reader, event);
    return true;
}

size_t wsm__sim_reader_feed(wsm__sim_reader *reader, const void *bytes, size_t len, wsm__sim_event *event) {
    const unsigned char *start = len > 0 ? bytes : (const unsigned char *)"", *at = start, *end = at + len;
    *event = (wsm__sim_event){.seen = WSM__SIM_SEEN_NONE};
    while (!reader->broken) {
        if (!reader->in_payload) {
            while (at < end && reader->head_len < head_need(reader) && !reader->broken) {
                reader->head[reader->head_len++] = *at++;
                if (reader->head_len == 2) reader->broken = check_head(reader);
            }
            if (reader->broken || reader->head_len < head_need(reader)) break;
            reader->broken = begin_frame(reader);
            if (reader->broken) break;
        }
        size_t took;
        bool seen = read_payload(reader, at, (size_t)(end - at), &took, event);
        at += took;
        if (seen || reader->in_payload) break;
    }
    if (reader->broken) *event = (wsm__sim_event){.seen = WSM__SIM_SEEN_BROKEN, .why = reader->broken};
    return (size_t)(at - start);
}
