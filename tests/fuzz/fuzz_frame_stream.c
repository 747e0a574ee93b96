/* F2: bytes of a client behind the upgrade. The same for every cut (I-60) and every pattern of writes (I-61); what
 * comes back are whole frames, a close at most once and last, with a code that the protocol has; memory follows what
 * was received, never what was announced (I-62).
 *
 * The first byte picks the settings. */
#include <stdio.h>
#include <stdlib.h>

#include "box.h"
#include "wire_check.h"

#define EACH_BYTE 2000u /* inputs up to this length go in byte by byte too */

enum { PLAIN = 1, SMALL = 2, CALM = 4, WAITS = 8 };

static bool begin(box *b, unsigned mode) {
    box_init(b);
    if (mode & SMALL) {
        b->config.message_bytes_max = 100;
        b->config.fragments_max = 4;
        b->config.json_values_max = 20;
    }
    if (mode & CALM) b->config.control_frames_per_s = 0;
    return box_start(b) && box_open(b, WSM_PEER_WEBSOCKET, (mode & PLAIN) != 0);
}

static void settle(box *b, unsigned mode, size_t sent_max) {
    b->sent_max = sent_max;
    box_drain(b);
    if (mode & WAITS && b->conn) box_run(b, 40000); /* an assembly time, a heartbeat */
    box_drain(b);
}

static void finish(box *b, unsigned mode, size_t sent_max) {
    settle(b, mode, sent_max);
    box_end(b);
}

/* Our own codes (protocol.md, section 3), or what the peer has said himself. */
static void check_code(unsigned code, unsigned mode, const box *b) {
    static const unsigned ours[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013,
                                    4001, 4003, 4004, 4008, 4009, 4010, 4011, 4012, 4013, 4014};
    if (code == 0) return;
    FUZZ_EXPECT(code == 1005 || wire_code_may_be_sent(code));
    bool is_ours = false;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) is_ours = is_ours || ours[i] == code;
    FUZZ_EXPECT(is_ours || code == b->code); /* an echo is what the host was told, too */
    if (mode & PLAIN) FUZZ_EXPECT(code < 4000 || code == 4012 || code == 4008 || code == b->code);
}

static void check_memory(const box *b, unsigned mode, size_t size) {
    size_t most = mode & PLAIN ? 4 * size + 24576 : 16 * size + 65536; /* answers are longer than what they answer */
    if (b->peak > most) fprintf(stderr, "memory: %zu bytes, at most %zu\n", b->peak, most);
    FUZZ_EXPECT(b->peak <= most);
}

/* ---- step by step ---- */

struct fuzz_run {
    box b;
    unsigned mode;
    fuzz_in in;
};

fuzz_run *fuzz_run_begin(const uint8_t *data, size_t size) {
    fuzz_run *run = malloc(sizeof *run);
    FUZZ_EXPECT(run);
    run->in = (fuzz_in){data, size};
    run->mode = fuzz_u8(&run->in);
    FUZZ_EXPECT(begin(&run->b, run->mode));
    return run;
}

size_t fuzz_run_len(const fuzz_run *run) {
    return run->in.left;
}

size_t fuzz_run_first(const fuzz_run *run) {
    (void)run;
    return 0; /* of what waits, some goes ahead of the rest: it is the same only if all of it waits */
}

void fuzz_run_recv(fuzz_run *run, size_t from, size_t to) {
    box_recv(&run->b, run->in.at + from, to - from);
}

size_t fuzz_run_write(fuzz_run *run, size_t to) {
    return box_write(&run->b, to);
}

size_t fuzz_run_see(fuzz_run *run, fuzz_text *seen) {
    settle(&run->b, run->mode, 0);
    box_count(&run->b);
    box_tell(&run->b, seen);
    return run->b.out.len;
}

void fuzz_run_end(fuzz_run *run) {
    box_leave(&run->b);
    box_free(&run->b);
    free(run);
}

/* ---- all at once, and cut at random ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    unsigned mode = fuzz_u8(&in);
    uint64_t dice = fuzz_hash(data, size), picks = dice >> 32;
    box whole;
    bool good = begin(&whole, mode);
    if (good && in.left) box_recv(&whole, in.at, in.left);
    bool is_short = fuzz_mem_is_short(&whole.mem);
    if (whole.hub)
        finish(&whole, mode, 0);
    else
        box_end(&whole);
    wire_checks checks = {.json = !(mode & PLAIN)};
    unsigned code = wire_check_frames(whole.out.ptr, whole.out.len, &checks);
    if (!is_short) {
        check_code(code, mode, &whole);
        check_memory(&whole, mode, size);
    }
    for (int round = 0; round < 4 && fuzz_fail_at == 0; round++) {
        box cut;
        if (!fuzz_round(round, 4, picks) || (round == 0 && in.left > EACH_BYTE)) continue;
        FUZZ_EXPECT(begin(&cut, mode));
        for (size_t at = 0, part; at < in.left; at += part) {
            part = round == 0 ? 1 : 1 + (size_t)(fuzz_next(&dice) % (round == 1 ? 8 : in.left));
            if (part > in.left - at) part = in.left - at;
            box_recv(&cut, in.at + at, part);
        }
        finish(&cut, mode, round == 0 ? 1 : 1 + (size_t)(fuzz_next(&dice) % 50));
        box_expect_same(&whole, &cut);
        box_free(&cut);
    }
    box_free(&whole);
    return 0;
}
