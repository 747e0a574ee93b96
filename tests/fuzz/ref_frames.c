/* See ref_frames.h. Rules are asked in the order in which their bytes arrive: first byte, second byte, length, payload.
 */
#include "ref_frames.h"

#include "ref_utf8.h"
#include "wire_check.h"

typedef struct state {
    const ref_frames_limits *limits;
    unsigned opcode; /* of the message under way, 0: none */
    unsigned fragments;
    fuzz_text message;
} state;

void ref_frames_event(fuzz_text *events, const char *kind, unsigned code, const void *payload, size_t len) {
    fuzz_print(events, "%s %u %zu %016llx\n", kind, code, len, (unsigned long long)fuzz_hash(payload, len));
}

/* The code that the header alone earns; 0: none. */
static unsigned judge_header(const state *s, const ref_frame *f) {
    bool control = f->opcode >= 8;
    if (f->rsv) return 1002;
    if (f->opcode > 10 || (f->opcode > 2 && f->opcode < 8)) return 1002;
    if (f->opcode == 0 && s->opcode == 0) return 1002;
    if ((f->opcode == 1 || f->opcode == 2) && s->opcode != 0) return 1002;
    if (control && !f->fin) return 1002;
    if (f->masked != s->limits->from_client) return 1002;
    if (control && (f->length_form > 0 || f->announced > 125)) return 1002;
    if (f->announced > INT64_MAX) return 1002;
    if (f->length_form == 2 && f->announced < 126) return 1002;
    if (f->length_form == 8 && f->announced < 65536) return 1002;
    if (control) return 0;
    if (f->opcode == 2 && !s->limits->binary) return 1003;
    if (s->fragments == s->limits->fragments_max) return 1008;
    if (s->message.len + f->announced > s->limits->message_max) return 1009;
    return 0;
}

/* 0, or the code that ends it; *over: a close has come. */
static unsigned judge_control(const ref_frame *f, fuzz_text *events, bool *over) {
    if (f->opcode != 8) {
        ref_frames_event(events, f->opcode == 9 ? "ping" : "pong", 0, f->payload, f->len);
        return 0;
    }
    if (f->len == 0) {
        ref_frames_event(events, "close", 1005, "", 0);
    } else {
        if (f->len == 1) return 1002;
        unsigned code = (unsigned)f->payload[0] << 8 | f->payload[1];
        if (!wire_code_may_be_sent(code)) return 1002;
        if (ref_utf8_valid_len(f->payload + 2, f->len - 2) != f->len - 2) return 1007;
        ref_frames_event(events, "close", code, f->payload + 2, f->len - 2);
    }
    *over = true;
    return 0;
}

static unsigned judge_data(state *s, const ref_frame *f, fuzz_text *events) {
    if (f->opcode != 0) s->opcode = f->opcode;
    s->fragments++;
    fuzz_put(&s->message, f->payload, f->len);
    if (s->opcode == 1 && ref_utf8_possible_len(s->message.ptr, s->message.len) != s->message.len) return 1007;
    if (!f->fin || f->len < f->announced) return 0;
    if (s->opcode == 1 && ref_utf8_valid_len(s->message.ptr, s->message.len) != s->message.len) return 1007;
    ref_frames_event(events, s->opcode == 1 ? "text" : "binary", 0, s->message.ptr, s->message.len);
    s->message.len = 0;
    s->opcode = s->fragments = 0;
    return 0;
}

void ref_frames_judge(const ref_frame *frames, size_t count, const ref_frames_limits *limits, fuzz_text *events) {
    state s = {.limits = limits};
    bool over = false;
    for (size_t i = 0; i < count && !over; i++) {
        const ref_frame *f = &frames[i];
        unsigned code = judge_header(&s, f);
        if (code == 0 && f->opcode >= 8 && f->len == f->announced) code = judge_control(f, events, &over);
        if (code == 0 && f->opcode < 8) code = judge_data(&s, f, events);
        if (code == 0) continue;
        ref_frames_event(events, "error", code, "", 0);
        over = true;
    }
    fuzz_text_free(&s.message);
}
