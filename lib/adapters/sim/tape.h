/* The choices of a run by step, name and turn: `nth` counts those of one name within one step. Only those that are not
 * 0 are kept. Such a tape can be cut anywhere, and what is left still means the same. */
#ifndef WSM_LIB_SIM_TAPE_H
#define WSM_LIB_SIM_TAPE_H

#include <stddef.h>
#include <stdint.h>

/* The place that asks: a function, and which choice of it. Both live for ever; together they are the name. */
typedef struct wsm__sim_point {
    const char *where, *which;
} wsm__sim_point;

typedef struct wsm__sim_made {
    int32_t step; /* as in wsm_sim_choice */
    uint32_t name, nth, value;
} wsm__sim_made;

typedef struct wsm__sim_name {
    char *text;    /* "where which" */
    int32_t step;  /* in which it was asked for last */
    uint32_t next; /* and how often */
} wsm__sim_name;

typedef struct wsm__sim_known { /* an answer to "which name has this place?" */
    wsm__sim_point point;
    uint32_t name;
} wsm__sim_known;

typedef struct wsm__sim_tape {
    wsm__sim_name *names;
    size_t names_count, names_cap;
    wsm__sim_known *known; /* a hash table */
    size_t known_count, known_cap;
    const wsm__sim_made *says; /* borrowed: to be made; NULL: choices are random */
    size_t says_count;
    wsm__sim_made *index; /* a hash table of them */
    size_t index_cap;
    wsm__sim_made *made; /* what this run chose */
    size_t made_count, made_cap;
    int32_t step;
} wsm__sim_tape;

void wsm__sim_tape_fini(wsm__sim_tape *tape);
uint32_t wsm__sim_tape_name(wsm__sim_tape *tape, const char *text);
/* A run begins. `says` is borrowed until the next one; NULL: it chooses at random, and is only recorded. */
void wsm__sim_tape_start(wsm__sim_tape *tape, const wsm__sim_made *says, size_t count);
/* The next choice of that point: its place on the tape, with the value that the tape says, or 0. */
wsm__sim_made wsm__sim_tape_ask(wsm__sim_tape *tape, wsm__sim_point point);
void wsm__sim_tape_keep(wsm__sim_tape *tape, wsm__sim_made made);

#endif
