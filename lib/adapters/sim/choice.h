/* Every choice of a run goes through here, so that it can be recorded, replayed and shrunk.
 *
 * Choices belong to streams with random numbers of their own (xoshiro256**), so that one class of fault does not shift
 * the others. A replayed stream that has come to its end yields 0, and 0 always is the quietest choice: nothing fails,
 * the shortest wait, the first of a list. Blocks mark where a step begins; shrinking takes whole steps away. */
#ifndef WSM_LIB_SIM_CHOICE_H
#define WSM_LIB_SIM_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

typedef struct wsm__sim_tape {
    uint32_t *values;
    size_t count, cap;
    uint32_t *blocks; /* where steps begin */
    size_t blocks_count, blocks_cap;
} wsm__sim_tape;

typedef struct wsm__sim_choices {
    wsm__sim_rng rng[WSM_SIM_STREAMS];
    wsm__sim_tape tape[WSM_SIM_STREAMS]; /* what was chosen */
    const wsm_sim_script *script;        /* NULL: random */
    size_t at[WSM_SIM_STREAMS];          /* read up to here in the script */
} wsm__sim_choices;

void wsm__sim_choices_init(wsm__sim_choices *choices, uint64_t seed, const wsm_sim_script *script);
void wsm__sim_choices_fini(wsm__sim_choices *choices);

/* 0 .. bound-1; bound 0 and 1 yield 0 and are not recorded. */
uint32_t wsm__sim_pick(wsm__sim_choices *choices, unsigned stream, uint32_t bound);

/* True with a chance of per_mille in a thousand; 0 is not recorded. */
bool wsm__sim_chance(wsm__sim_choices *choices, unsigned stream, uint32_t per_mille);

/* A step begins. */
void wsm__sim_block(wsm__sim_choices *choices, unsigned stream);

#endif
