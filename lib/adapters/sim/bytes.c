/* A buffer that grows by doubling and never shrinks. */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

void wsm__sim_bytes_fini(wsm__sim_bytes *bytes) {
    free(bytes->at);
    *bytes = (wsm__sim_bytes){0};
}

unsigned char *wsm__sim_bytes_room(wsm__sim_bytes *bytes, size_t len) {
    if (bytes->failed) return NULL;
    if (len <= bytes->cap - bytes->len) return bytes->at + bytes->len;
    size_t cap = bytes->cap < 128 ? 256 : bytes->cap * 2;
    if (cap - bytes->len < len) cap = bytes->len + len;
    unsigned char *moved = cap < bytes->cap ? NULL : realloc(bytes->at, cap);
    if (!moved) {
        bytes->failed = true;
        return NULL;
    }
    bytes->at = moved;
    bytes->cap = cap;
    return bytes->at + bytes->len;
}

void wsm__sim_bytes_add(wsm__sim_bytes *bytes, const void *from, size_t len) {
    unsigned char *room = len > 0 ? wsm__sim_bytes_room(bytes, len) : NULL;
    if (!room) return;
    memcpy(room, from, len);
    bytes->len += len;
}

void wsm__sim_bytes_text(wsm__sim_bytes *bytes, const char *text) {
    wsm__sim_bytes_add(bytes, text, strlen(text));
}

void wsm__sim_bytes_drop(wsm__sim_bytes *bytes, size_t len) {
    if (len >= bytes->len) {
        bytes->len = 0;
        return;
    }
    memmove(bytes->at, bytes->at + len, bytes->len - len);
    bytes->len -= len;
}

void wsm__sim_bytes_clear(wsm__sim_bytes *bytes) {
    bytes->len = 0;
    bytes->failed = false;
}
