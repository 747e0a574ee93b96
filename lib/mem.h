/* Memory: the host's allocator behind one counted, bounded door. Every allocation of the core goes through here.
 *
 * A `wsm__mem` belongs to one hub (or client). `used` counts live bytes and may be changed from any thread, because the
 * inbox allocates on the caller's. Above `budget` an allocation fails as if the host had none (0: no budget). `kept` of
 * it is for who says that he needs it: what was accepted must always find the memory to be carried out. Who that is
 * stands in one place, hub/inbox.c. */
#ifndef WSM_LIB_MEM_H
#define WSM_LIB_MEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "wsm/host.h"

typedef struct wsm__mem {
    wsm_alloc_fn alloc;
    void *user;
    atomic_size_t used;
    size_t budget, kept;
    atomic_bool is_open; /* all of it may be used now */
} wsm__mem;

/* alloc == NULL takes the built-in default (realloc and free). */
void wsm__mem_init(wsm__mem *mem, wsm_alloc_fn alloc, void *user, size_t budget);

void *wsm__alloc(wsm__mem *mem, size_t size);                              /* NULL: no memory; size 0 is not allowed */
void *wsm__zalloc(wsm__mem *mem, size_t size);                             /* zeroed */
void *wsm__alloc_kept(wsm__mem *mem, size_t size);                         /* from all of the budget */
void *wsm__resize(wsm__mem *mem, void *ptr, size_t old_size, size_t size); /* NULL: ptr is untouched */
void wsm__free(wsm__mem *mem, void *ptr, size_t size);                     /* ptr may be NULL */
char *wsm__strndup(wsm__mem *mem, const char *text, size_t len);           /* terminated; freed with size len + 1 */

void wsm__mem_open(wsm__mem *mem, bool is_open);    /* whether all of the budget may be used now, by everybody */
bool wsm__mem_has_room(wsm__mem *mem, size_t size); /* in what is not kept */

/* Counts bytes that a dependency holds by its own malloc, so that the budget sees them. charge fails over the budget.
 */
int wsm__mem_charge(wsm__mem *mem, size_t size);
void wsm__mem_uncharge(wsm__mem *mem, size_t size);

#endif
