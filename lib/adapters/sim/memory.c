/* Plain malloc, and an arena of chunks for what lives as long as its world. */
#include "memory.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 * 1024)

typedef struct wsm__sim_chunk {
    struct wsm__sim_chunk *next;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
} wsm__sim_chunk;

static void *must(void *ptr) {
    if (ptr) return ptr;
    fputs("wsm-sim: the simulator itself has no memory left\n", stderr);
    abort();
}

void *wsm__sim_resize(void *ptr, size_t size) {
    return must(realloc(ptr, size));
}

void *wsm__sim_zalloc(size_t size) {
    return must(calloc(1, size));
}

char *wsm__sim_copy(const void *bytes, size_t len) {
    char *copy = must(malloc(len + 1));
    if (len) memcpy(copy, bytes, len);
    copy[len] = 0;
    return copy;
}

void *wsm__sim_arena_take(wsm__sim_arena *arena, size_t size) {
    size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (size > arena->left || !arena->chunks) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        wsm__sim_chunk *chunk = must(malloc(offsetof(wsm__sim_chunk, bytes) + room));
        chunk->next = arena->chunks;
        chunk->size = room;
        arena->chunks = chunk;
        arena->left = room;
    }
    void *at = arena->chunks->bytes + (arena->chunks->size - arena->left);
    arena->left -= size;
    memset(at, 0, size);
    return at;
}

char *wsm__sim_arena_copy(wsm__sim_arena *arena, const void *bytes, size_t len) {
    char *copy = wsm__sim_arena_take(arena, len + 1);
    if (len) memcpy(copy, bytes, len);
    return copy;
}

void wsm__sim_arena_fini(wsm__sim_arena *arena) {
    while (arena->chunks) {
        wsm__sim_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    arena->left = 0;
}
