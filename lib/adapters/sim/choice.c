/* Choices: xoshiro256** (Blackman and Vigna) seeded by splitmix64, a tape for each stream, and the replay of a script.
 */
#include "choice.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static uint64_t splitmix(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void wsm__sim_rng_seed(wsm__sim_rng *rng, uint64_t seed, uint64_t stream) {
    uint64_t state = seed * 0x2545f4914f6cdd1du + stream * 0x632be59bd9b4e019u;
    for (int i = 0; i < 4; i++) rng->s[i] = splitmix(&state);
}

static uint64_t rotl(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

uint64_t wsm__sim_rng_next(wsm__sim_rng *rng) {
    uint64_t *s = rng->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

void wsm__sim_choices_init(wsm__sim_choices *choices, uint64_t seed, const wsm_sim_script *script) {
    *choices = (wsm__sim_choices){.script = script};
    for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) wsm__sim_rng_seed(&choices->rng[i], seed, i);
}

void wsm__sim_choices_fini(wsm__sim_choices *choices) {
    for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) {
        free(choices->tape[i].values);
        free(choices->tape[i].blocks);
    }
}

static void push(uint32_t **at, size_t *count, size_t *cap, uint32_t value) {
    if (*count == *cap) {
        *cap = *cap ? *cap * 2 : 256;
        *at = wsm__sim_resize(*at, *cap * sizeof **at);
    }
    (*at)[(*count)++] = value;
}

uint32_t wsm__sim_pick(wsm__sim_choices *choices, unsigned stream, uint32_t bound) {
    uint32_t value = 0;
    if (bound < 2) return 0;
    const wsm_sim_script *script = choices->script;
    if (!script)
        value = (uint32_t)(((wsm__sim_rng_next(&choices->rng[stream]) >> 32) * bound) >> 32);
    else if (choices->at[stream] < script->counts[stream])
        value = script->choices[stream][choices->at[stream]++] % bound;
    wsm__sim_tape *tape = &choices->tape[stream];
    push(&tape->values, &tape->count, &tape->cap, value);
    return value;
}

bool wsm__sim_chance(wsm__sim_choices *choices, unsigned stream, uint32_t per_mille) {
    uint32_t value = 0;
    if (per_mille == 0) return false;
    const wsm_sim_script *script = choices->script;
    if (!script)
        value = ((wsm__sim_rng_next(&choices->rng[stream]) >> 32) * 1000 >> 32) < per_mille;
    else if (choices->at[stream] < script->counts[stream])
        value = script->choices[stream][choices->at[stream]++] != 0;
    wsm__sim_tape *tape = &choices->tape[stream];
    push(&tape->values, &tape->count, &tape->cap, value);
    return value != 0;
}

void wsm__sim_block(wsm__sim_choices *choices, unsigned stream) {
    wsm__sim_tape *tape = &choices->tape[stream];
    push(&tape->blocks, &tape->blocks_count, &tape->blocks_cap, (uint32_t)tape->count);
}
