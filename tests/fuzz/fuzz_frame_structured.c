/* F3: frames made of a few bytes of the input each, sound ones and broken ones, from a client or from a server. The
 * message layer says the same of their bytes as a reference model says of the frames, however the bytes are cut. */
#include <stdlib.h>
#include <string.h>

#include "ref_frames.h"
#include "wire/ws.h"
#include "wsm/error.h"

#define FRAMES_MAX  64
#define PAYLOAD_MAX 70000u

typedef struct script {
    ref_frames_limits limits;
    ref_frame frames[FRAMES_MAX];
    unsigned char *payloads[FRAMES_MAX];
    size_t count;
    fuzz_text bytes;
} script;

static void encode(fuzz_text *out, const ref_frame *f, const unsigned char mask[4]) {
    unsigned char head[14];
    size_t at = 2;
    head[0] = (unsigned char)((f->fin ? 0x80u : 0) | f->rsv << 4 | f->opcode);
    head[1] = (unsigned char)((f->masked ? 0x80u : 0) | (f->length_form == 0   ? (unsigned)f->announced
                                                         : f->length_form == 2 ? 126u
                                                                               : 127u));
    for (int i = f->length_form - 1; i >= 0; i--) head[at++] = (unsigned char)(f->announced >> (8 * i));
    if (f->masked) memcpy(head + at, mask, 4), at += 4;
    fuzz_put(out, head, at);
    size_t from = out->len;
    fuzz_put(out, f->payload, f->len);
    for (size_t i = 0; f->masked && i < f->len; i++) out->ptr[from + i] = (char)(f->payload[i] ^ mask[i % 4]);
}

/* A payload: bytes of the input, or a run that no input has room for. */
static unsigned char *make_payload(fuzz_in *in, size_t *len) {
    static const size_t runs[] = {125, 126, 127, 128, 4095, 4096, 4097, 65535, 65536, 65537};
    unsigned char kind = fuzz_u8(in);
    if (kind < 246) {
        wsm_slice part = fuzz_take(in, kind % 64);
        *len = part.len;
        return (unsigned char *)fuzz_copy(part.ptr, part.len);
    }
    *len = runs[kind % 10];
    unsigned char *bytes = malloc(*len);
    if (!bytes) abort();
    memset(bytes, kind < 254 ? 'a' : 0x80 | kind, *len);
    return bytes;
}

/* False: this frame is the last, since it is not whole. */
static bool make_frame(script *s, fuzz_in *in) {
    static const unsigned opcodes[] = {1, 1, 2, 0, 0, 9, 10, 8};
    ref_frame *f = &s->frames[s->count];
    unsigned char shape = fuzz_u8(in), fault = fuzz_u8(in);
    *f = (ref_frame){.fin = !(shape & 8), .opcode = opcodes[shape & 7], .masked = s->limits.from_client};
    s->payloads[s->count] = make_payload(in, &f->len);
    f->payload = s->payloads[s->count];
    if (f->opcode == 8 && shape & 0x10 && f->len >= 2) { /* a sound code, so that the reason is looked at */
        s->payloads[s->count][0] = 0x03;
        s->payloads[s->count][1] = 0xe8;
    }
    if (f->opcode >= 8 && f->len > 125) f->len = 125;
    f->announced = f->len;
    f->length_form = f->len < 126 ? 0 : f->len < 65536 ? 2 : 8;
    bool whole = true;
    switch (fault) { /* most values leave the frame as it is */
    case 1: f->rsv = 1u + (shape >> 5) % 7; break;
    case 2: f->opcode = shape >> 4; break;
    case 3: f->masked = !f->masked; break;
    case 4: f->length_form = f->length_form == 0 ? 2 : 8; break;
    case 5: f->length_form = 8; break;
    case 6: /* announces more than comes */
        f->announced += 1 + (uint64_t)fuzz_u8(in);
        if (f->opcode >= 8 && f->announced > 125) f->announced = 125;
        f->length_form = f->announced < 126 ? 0 : f->announced < 65536 ? 2 : 8;
        whole = f->announced == f->len;
        break;
    case 7:
        f->announced = 0x7fffffffffffff00u;
        f->length_form = 8;
        whole = false;
        break;
    case 8:
        f->announced = 0x8000000000000001u;
        f->length_form = 8;
        whole = false;
        break;
    case 9: f->fin = !f->fin; break;
    default: break;
    }
    unsigned char mask[4] = {0, 0, 0, 0};
    if (shape & 0x20) mask[0] = 0x37, mask[1] = 0xfa, mask[2] = 0x21, mask[3] = 0x3d;
    encode(&s->bytes, f, mask);
    s->count++;
    return whole && s->bytes.len < 4 * PAYLOAD_MAX;
}

static void make_script(script *s, fuzz_in *in) {
    unsigned char mode = fuzz_u8(in);
    *s = (script){.limits = {.from_client = mode & 1, .binary = !(mode & 2)}};
    s->limits.message_max = mode & 4 ? 10 : mode & 8 ? 200000 : 70000;
    s->limits.fragments_max = mode & 16 ? 2 : 5;
    while (in->left > 0 && s->count < FRAMES_MAX)
        if (!make_frame(s, in)) break;
}

/* What the engine says, cut at most `part` bytes at a time. */
static void run(const script *s, size_t part, fuzz_text *events) {
    static const char *const kinds[] = {"none", "text", "binary", "ping", "pong", "close", "error"};
    test_mem memory;
    wsm__mem mem;
    wsm__ws ws;
    bool over = false;
    wsm__ws_limits limits = {(size_t)s->limits.message_max, s->limits.fragments_max, s->limits.binary};
    fuzz_mem_begin(&memory);
    wsm__mem_init(&mem, test_alloc, &memory, 0);
    wsm__ws_pool *pool = wsm__ws_pool_new(&mem, 4);
    if (pool) wsm__ws_init(&ws, &mem, pool, &limits, s->limits.from_client);
    for (size_t at = 0, len; pool && at < s->bytes.len && !over; at += len) {
        len = part < s->bytes.len - at ? part : s->bytes.len - at;
        char *copy = fuzz_copy(s->bytes.ptr + at, len);
        for (size_t used = 0, step;;) {
            wsm__ws_event event;
            int err = wsm__ws_recv(&ws, copy + used, len - used, &step, &event);
            used += step;
            FUZZ_EXPECT(used <= len);
            if (err) FUZZ_EXPECT(err == WSM_ERR_NOMEM && fuzz_mem_is_short(&memory));
            over = err != 0;
            if (over || event.kind == WSM__WS_NONE) break;
            ref_frames_event(events, kinds[event.kind], event.kind >= WSM__WS_CLOSE ? event.code : 0, event.payload.ptr,
                             event.payload.len);
            if (event.kind == WSM__WS_ERROR) FUZZ_EXPECT(event.why);
            over = event.kind >= WSM__WS_CLOSE;
            if (over) break;
        }
        free(copy);
    }
    FUZZ_EXPECT(!pool || memory.live <= 3 * s->bytes.len + 24576);
    if (over) { /* whatever comes now is swallowed */
        size_t step = 0;
        wsm__ws_event event;
        FUZZ_EXPECT(wsm__ws_recv(&ws, "\x81\x80", 2, &step, &event) == 0);
        FUZZ_EXPECT(step == 2 && event.kind == WSM__WS_NONE);
    }
    if (pool) wsm__ws_fini(&ws);
    wsm__ws_pool_free(pool);
    fuzz_mem_end(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    uint64_t dice = fuzz_hash(data, size);
    script s;
    fuzz_text expected = {0};
    make_script(&s, &in);
    ref_frames_judge(s.frames, s.count, &s.limits, &expected);
    size_t parts[] = {SIZE_MAX, s.bytes.len < 2000 ? 1 : 4095,
                      s.bytes.len < 20000 ? 1 + (size_t)(fuzz_next(&dice) % 20) : 1000, 4096,
                      1 + (size_t)(fuzz_next(&dice) % 5000)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        fuzz_text got = {0};
        run(&s, parts[i], &got);
        if (fuzz_fail_at == 0 && !fuzz_same(&got, &expected)) {
            fuzz_show("bytes", s.bytes.ptr, s.bytes.len);
            fuzz_show("expected", expected.ptr, expected.len);
            fuzz_show("got", got.ptr, got.len);
            FUZZ_FAIL("the verdict of the reference");
        }
        fuzz_text_free(&got);
        if (fuzz_fail_at) break;
    }
    for (size_t i = 0; i < s.count; i++) free(s.payloads[i]);
    fuzz_text_free(&s.bytes);
    fuzz_text_free(&expected);
    return 0;
}
