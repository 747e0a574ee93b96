/* What the files of wsm-sim offer each other. */
#ifndef WSM_EXAMPLES_SIM_CLI_H
#define WSM_EXAMPLES_SIM_CLI_H

#include <wsm/sim.h>

typedef struct sim_options {
    unsigned long long first, last; /* seeds, both included */
    int profile;                    /* wsm_sim_profile, or 3: mixed */
    int jobs, seconds;              /* seconds 0: until all seeds are done */
    int marks;                      /* print them */
    size_t runs;
    const char *out;
    const char *word; /* seed, or invariant */
} sim_options;

typedef struct sim_marks {
    unsigned long long at[WSM_SIM_FAULTS][WSM_SIM_DURINGS];
} sim_marks;

/* The table, and what is missing in it: how many cells are 0 that should not be, after so many seeds. */
unsigned sim_marks_print(const sim_marks *marks, unsigned long long seeds);
wsm_sim_profile sim_profile_of(const sim_options *options, unsigned long long seed);
int sim_run(const sim_options *options);
int sim_shrink(const sim_options *options);

#endif
