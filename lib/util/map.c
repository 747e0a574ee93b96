/* The hash map. uthash keeps the table and the order of insertion; we give it the hash value and the memory, so that it
 * needs neither a hash function of its own nor malloc. A node carries its key behind it: one allocation an entry. */
#include "util/map.h"

#include <assert.h>
#include <limits.h>

#include "util/siphash.h"

/* Both are only expanded where a `map` is in scope. */
#define uthash_malloc(size)    wsm__alloc(map->mem, (size))
#define uthash_free(ptr, size) wsm__free(map->mem, (ptr), (size))
#define HASH_NONFATAL_OOM      1
#include <uthash.h>

struct wsm__map_node {
    UT_hash_handle hh;
    void *value;
    char key[];
};

/* Where a walk stands when its last node was handed out: NULL would start it again. */
static const wsm__map_node walk_end;

void wsm__map_init(wsm__map *map, wsm__mem *mem, const unsigned char seed[16]) {
    map->mem = mem;
    map->head = NULL;
    memcpy(map->seed, seed, sizeof map->seed);
}

static size_t node_size(size_t key_len) {
    return sizeof(wsm__map_node) + key_len;
}

static void node_free(wsm__map *map, wsm__map_node *node) {
    wsm__free(map->mem, node, node_size(node->hh.keylen));
}

void wsm__map_fini(wsm__map *map) {
    wsm__map_node *node = map->head;
    HASH_CLEAR(hh, map->head);
    while (node) {
        wsm__map_node *next = node->hh.next;
        node_free(map, node);
        node = next;
    }
}

static unsigned hash_of(const wsm__map *map, const void *key, size_t len) {
    return (unsigned)wsm__siphash(map->seed, key, len);
}

static wsm__map_node *find(const wsm__map *map, const void *key, size_t len, unsigned hash) {
    wsm__map_node *node;
    if (len > UINT_MAX) return NULL;
    HASH_FIND_BYHASHVALUE(hh, map->head, key, (unsigned)len, hash, node);
    return node;
}

void *wsm__map_get(const wsm__map *map, const void *key, size_t len) {
    wsm__map_node *node = map->head ? find(map, key, len, hash_of(map, key, len)) : NULL;
    return node ? node->value : NULL;
}

int wsm__map_put(wsm__map *map, const void *key, size_t len, void *value) {
    assert(value && len <= UINT_MAX);
    unsigned hash = hash_of(map, key, len);
    wsm__map_node *node = find(map, key, len, hash);
    if (node) {
        node->value = value;
        return 0;
    }
    node = wsm__alloc(map->mem, node_size(len));
    if (!node) return WSM_ERR_NOMEM;
    node->value = value;
    if (len) memcpy(node->key, key, len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, map->head, node->key, (unsigned)len, hash, node);
    if (node->hh.tbl) return 0;
    wsm__free(map->mem, node, node_size(len)); /* uthash had no memory and has taken the node out again */
    return WSM_ERR_NOMEM;
}

void *wsm__map_remove(wsm__map *map, const void *key, size_t len) {
    wsm__map_node *node = map->head ? find(map, key, len, hash_of(map, key, len)) : NULL;
    if (!node) return NULL;
    void *value = node->value;
    HASH_DELETE(hh, map->head, node);
    node_free(map, node);
    return value;
}

size_t wsm__map_count(const wsm__map *map) {
    return HASH_COUNT(map->head);
}

void *wsm__map_next(const wsm__map *map, wsm__map_node **cursor) {
    wsm__map_node *node = *cursor ? *cursor : map->head;
    if (!node || node == &walk_end) return NULL;
    *cursor = node->hh.next ? node->hh.next : (wsm__map_node *)&walk_end;
    return node->value;
}
