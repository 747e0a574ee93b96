/* The offsets above the position to resume from whose records were handed to the host already: an ordered array.
 * Records come almost in order, so adding is nearly always appending; a new position drops a run from the front.
 *
 * The hub sends positions often enough to keep the set small, except in a long replay. When WSM__SEEN_MAX are kept the
 * lowest are forgotten, never guessed about: a record may then be taken for new when it comes again, but none that has
 * not come is ever taken for seen. Twice is better than never. */
#ifndef WSM_LIB_CLIENT_SEEN_H
#define WSM_LIB_CLIENT_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

#define WSM__SEEN_MAX                                                                                                  \
    65536u /* 512 KiB; the records of a second at the highest rates, while positions come every second */

typedef struct wsm__seen {
    uint64_t *offsets; /* rising, from `start` on */
    uint32_t start;
    uint32_t count;
    uint32_t cap;
} wsm__seen;

void wsm__seen_fini(wsm__seen *seen, wsm__mem *mem); /* empty again, as when zeroed */
bool wsm__seen_has(const wsm__seen *seen, uint64_t offset);
int wsm__seen_add(wsm__seen *seen, wsm__mem *mem, uint64_t offset); /* twice is once; WSM_ERR_NOMEM: no effect */
void wsm__seen_drop(wsm__seen *seen, uint64_t position);            /* forgets all up to and including it */

#endif
