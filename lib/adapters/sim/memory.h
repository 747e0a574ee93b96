/* The simulator's own memory. It is not what is tested: without any the process ends with a message. */
#ifndef WSM_LIB_SIM_MEMORY_H
#define WSM_LIB_SIM_MEMORY_H

#include <stddef.h>

void *wsm__sim_resize(void *ptr, size_t size);      /* as realloc */
void *wsm__sim_zalloc(size_t size);                 /* zeroed; freed by free() */
char *wsm__sim_copy(const void *bytes, size_t len); /* with a NUL behind it; freed by free() */

/* Things that live as long as their world: zeroed, freed together. */
typedef struct wsm__sim_arena {
    struct wsm__sim_chunk *chunks;
    size_t left;
} wsm__sim_arena;

void *wsm__sim_arena_take(wsm__sim_arena *arena, size_t size);
char *wsm__sim_arena_copy(wsm__sim_arena *arena, const void *bytes, size_t len); /* with a NUL behind it */
void wsm__sim_arena_fini(wsm__sim_arena *arena);

#endif
