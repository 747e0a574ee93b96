/* Every choice of a run goes through here, so that it can be recorded, replayed and shrunk.
 *
 * Random choices belong to streams with random numbers of their own (xoshiro256**), so that one class of fault does not
 * shift the others. Each choice also has a name, which is the place that asks for it; a tape (tape.h) keeps choices by
 * step and name, so that a choice which is new or no longer made shifts no other. What a script does not say is 0, and
 * 0 always is the quietest choice: nothing fails, the shortest wait, the first of a list. */
#ifndef WSM_LIB_SIM_CHOICE_H
#define WSM_LIB_SIM_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tape.h"
#include "wsm/sim.h"

enum { /* streams */
       WSM__SIM_PLAN,
       WSM__SIM_NET,
       WSM__SIM_STORE,
       WSM__SIM_WORK,
       WSM__SIM_ALLOC,
       WSM__SIM_PEER,
       WSM__SIM_HOST
};

typedef struct wsm__sim_rng {
    uint64_t s[4];
} wsm__sim_rng;

void wsm__sim_rng_seed(wsm__sim_rng *rng, uint64_t seed, uint64_t stream);
uint64_t wsm__sim_rng_next(wsm__sim_rng *rng);

typedef struct wsm__sim_choices {
    wsm__sim_rng rng[WSM_SIM_STREAMS];
    const wsm_sim_script *script; /* its choices by stream; NULL: none */
    size_t at[WSM_SIM_STREAMS];   /* read up to here in the script */
    wsm__sim_tape *tape;          /* borrowed: choices by name, to be made and to be kept; NULL: neither */
} wsm__sim_choices;

void wsm__sim_choices_init(wsm__sim_choices *choices, uint64_t seed, const wsm_sim_script *script, wsm__sim_tape *tape);

/* 0 .. bound-1; bound 0 and 1 yield 0 and are no choice. */
uint32_t wsm__sim_pick(wsm__sim_choices *choices, unsigned stream, uint32_t bound, wsm__sim_point point);

/* True with a chance of per_mille in a thousand. A tape says it whatever the chance is. */
bool wsm__sim_chance(wsm__sim_choices *choices, unsigned stream, uint32_t per_mille, wsm__sim_point point);

/* A step begins. */
void wsm__sim_begin(wsm__sim_choices *choices, int32_t step);

#endif
