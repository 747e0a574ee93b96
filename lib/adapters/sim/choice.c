/* Choices: xoshiro256** (Blackman and Vigna) seeded by splitmix64, unless a script or a tape says what is chosen. */
#include "choice.h"

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

void wsm__sim_choices_init(wsm__sim_choices *choices, uint64_t seed, const wsm_sim_script *script,
                           wsm__sim_tape *tape) {
    *choices = (wsm__sim_choices){.script = script, .tape = tape};
    for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) wsm__sim_rng_seed(&choices->rng[i], seed, i);
}

void wsm__sim_begin(wsm__sim_choices *choices, int32_t step) {
    if (choices->tape) choices->tape->step = step;
}

/* Whether a script or a tape decides; then *value is what it says. */
static bool is_said(wsm__sim_choices *choices, unsigned stream, const wsm__sim_made *made, uint32_t *value) {
    const wsm_sim_script *script = choices->script;
    bool by_tape = choices->tape && choices->tape->says;
    *value = by_tape ? made->value : 0;
    if (!by_tape && script && choices->at[stream] < script->counts[stream])
        *value = script->choices[stream][choices->at[stream]++];
    return by_tape || script;
}

uint32_t wsm__sim_pick(wsm__sim_choices *choices, unsigned stream, uint32_t bound, wsm__sim_point point) {
    wsm__sim_made made = {0};
    uint32_t value;
    if (bound < 2) return 0;
    if (choices->tape) made = wsm__sim_tape_ask(choices->tape, point);
    if (is_said(choices, stream, &made, &value))
        made.value = value % bound;
    else
        made.value = (uint32_t)(((wsm__sim_rng_next(&choices->rng[stream]) >> 32) * bound) >> 32);
    if (choices->tape) wsm__sim_tape_keep(choices->tape, made);
    return made.value;
}

bool wsm__sim_chance(wsm__sim_choices *choices, unsigned stream, uint32_t per_mille, wsm__sim_point point) {
    wsm__sim_made made = {0};
    uint32_t value;
    if (choices->tape) made = wsm__sim_tape_ask(choices->tape, point);
    if (per_mille == 0 && !made.value) return false;
    if (is_said(choices, stream, &made, &value))
        made.value = value != 0;
    else
        made.value = ((wsm__sim_rng_next(&choices->rng[stream]) >> 32) * 1000 >> 32) < per_mille;
    if (choices->tape) wsm__sim_tape_keep(choices->tape, made);
    return made.value != 0;
}
