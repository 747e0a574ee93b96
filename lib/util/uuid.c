/* UUIDs. A version 7 id is 48 bits of milliseconds, the version, a counter of 12 bits, the variant, and 62 random bits
 * (RFC 9562, sections 5.7 and 6.2, method 1). The counter starts each millisecond in its lower half, so that at least
 * 2048 ids fit in; beyond them the generator's time runs ahead of the clock. The random numbers are xoshiro256**
 * (Blackman and Vigna). */
#include "util/uuid.h"

#include <string.h>

#include "util/hex.h"

#define COUNTER_MAX   0xFFFu
#define COUNTER_START 0x7FFu
#define TIME_MAX      0xFFFFFFFFFFFF

void wsm__uuid_seed(wsm__uuid_gen *gen, const unsigned char seed[32]) {
    for (int i = 0; i < 4; i++) {
        gen->state[i] = 0;
        for (int j = 0; j < 8; j++) gen->state[i] |= (uint64_t)seed[8 * i + j] << (8 * j);
    }
    /* All zeroes is the one state that the generator never leaves. */
    if (!(gen->state[0] | gen->state[1] | gen->state[2] | gen->state[3])) gen->state[0] = 1;
    gen->last_ms = -1;
    gen->counter = 0;
}

static uint64_t rotl(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

uint64_t wsm__uuid_random(wsm__uuid_gen *gen) {
    uint64_t *s = gen->state;
    uint64_t result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

static void step(wsm__uuid_gen *gen, int64_t wall_ms) {
    if (wall_ms <= gen->last_ms && gen->counter < COUNTER_MAX) {
        gen->counter++;
        return;
    }
    gen->last_ms = wall_ms > gen->last_ms ? wall_ms : gen->last_ms + 1;
    gen->counter = (uint32_t)wsm__uuid_random(gen) & COUNTER_START;
}

/* Where the two digits of each byte stand in the text. */
static const unsigned char places[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

void wsm__uuid_format(const unsigned char id[16], char out[WSM__UUID_LEN]) {
    static const char digits[] = "0123456789abcdef";
    out[8] = out[13] = out[18] = out[23] = '-';
    for (size_t i = 0; i < 16; i++) {
        out[places[i]] = digits[id[i] >> 4];
        out[places[i] + 1] = digits[id[i] & 15];
    }
}

void wsm__uuid_v7(wsm__uuid_gen *gen, int64_t wall_ms, char out[WSM__UUID_LEN]) {
    step(gen, wall_ms < 0 ? 0 : wall_ms > TIME_MAX ? TIME_MAX : wall_ms);
    uint64_t high = (uint64_t)gen->last_ms << 16 | 0x7000 | gen->counter;
    uint64_t low = 0x8000000000000000u | wsm__uuid_random(gen) >> 2;
    unsigned char id[16];
    for (int i = 0; i < 8; i++) {
        id[i] = (unsigned char)(high >> (56 - 8 * i));
        id[8 + i] = (unsigned char)(low >> (56 - 8 * i));
    }
    wsm__uuid_format(id, out);
}

bool wsm__uuid_parse(const char *text, size_t len, unsigned char out[16]) {
    unsigned char bytes[16];
    int bad = 0; /* negative once a digit was none */
    if (len != WSM__UUID_LEN) return false;
    if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
    for (size_t i = 0; i < 16; i++) {
        int high = wsm__hex_value(text[places[i]]), low = wsm__hex_value(text[places[i] + 1]);
        bad |= high | low;
        bytes[i] = (unsigned char)((unsigned)high << 4 | (unsigned)low);
    }
    if (bad < 0) return false;
    memcpy(out, bytes, sizeof bytes);
    return true;
}
