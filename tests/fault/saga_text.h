/* What a saga ends with, as text that can be compared: minted ids are renumbered in the order in which they appear, and
 * times are left out. */
#ifndef WSM_TESTS_SAGA_TEXT_H
#define WSM_TESTS_SAGA_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "hub_world.h"

#define SAGA_TEXT_MAX (512u << 10)

typedef struct saga_text {
    char *out; /* room for SAGA_TEXT_MAX */
    size_t len;
} saga_text;

void saga_text_begin(saga_text *text, char *out); /* and ids are numbered from 1 again */
void saga_text_add(saga_text *text, const char *bytes, size_t len);

/* The records that went to an agent's connections, by offset. `names` says whose each peer is. Returns NULL, or what is
 * wrong with them: the same offset with other bytes, or a gap. */
const char *saga_text_heard(saga_text *text, const hub_world *world, const char *agent, const char *const *names);

/* The text of the first member of that name, without its quotes; false: it has none. */
bool saga_text_field(const char *line, const char *name, char *out, size_t cap);

#endif
