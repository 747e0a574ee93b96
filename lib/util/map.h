/* A hash map from bytes to pointers: uthash inside, keyed SipHash outside, insertion order when walked.
 *
 * Keys are copied. The seed comes from the host's random bytes, so that nobody can choose colliding names (I-70). */
#ifndef WSM_LIB_UTIL_MAP_H
#define WSM_LIB_UTIL_MAP_H

#include <stdbool.h>

#include "mem.h"
#include "util/slice.h"

typedef struct wsm__map_node wsm__map_node;

typedef struct wsm__map {
    wsm__mem *mem;
    wsm__map_node *head;
    unsigned char seed[16];
} wsm__map;

void wsm__map_init(wsm__map *map, wsm__mem *mem, const unsigned char seed[16]);
void wsm__map_fini(wsm__map *map);                                    /* frees the nodes, not what they point to */
void *wsm__map_get(const wsm__map *map, const void *key, size_t len); /* NULL: not there */
int wsm__map_put(wsm__map *map, const void *key, size_t len,
                 void *value); /* replaces; value not NULL; WSM_ERR_NOMEM: no effect */
void *wsm__map_remove(wsm__map *map, const void *key, size_t len); /* the value, or NULL */
size_t wsm__map_count(const wsm__map *map);

/* Walk in the order of insertion. Start with *cursor NULL. The node just returned may be removed. */
void *wsm__map_next(const wsm__map *map, wsm__map_node **cursor);

#endif
