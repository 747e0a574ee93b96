/* The keyring: a short array, because a service has one key, and two while they are being exchanged. */
#include "auth/keyring.h"

#include "abi.h"
#include "limits.h"
#include "util/crypto.h"
#include "util/utf8.h"

int wsm__key_check(const wsm_key *key) {
    if (!key->secret || key->secret_len < WSM__SECRET_BYTES_MIN) return WSM_ERR_INVALID;
    if (!key->kid) return 0;
    size_t len = strlen(key->kid);
    if (len == 0 || len > WSM__KID_BYTES_MAX || !wsm__utf8_is_valid(key->kid, len)) return WSM_ERR_INVALID;
    return 0;
}

void wsm__keyring_init(wsm__keyring *ring, wsm__mem *mem) {
    *ring = (wsm__keyring){.mem = mem};
}

static void key_fini(wsm__key *key, wsm__mem *mem) {
    if (key->kid) wsm__free(mem, key->kid, strlen(key->kid) + 1);
    if (key->secret) wsm__wipe(key->secret, key->secret_len);
    wsm__free(mem, key->secret, key->secret_len);
    *key = (wsm__key){0};
}

static int key_init(wsm__key *key, wsm__mem *mem, const wsm_key *from) {
    *key = (wsm__key){.secret_len = from->secret_len};
    key->secret = wsm__alloc(mem, from->secret_len);
    if (!key->secret) return WSM_ERR_NOMEM;
    memcpy(key->secret, from->secret, from->secret_len);
    if (!from->kid) return 0;
    key->kid = wsm__strndup(mem, from->kid, strlen(from->kid));
    if (key->kid) return 0;
    key_fini(key, mem);
    return WSM_ERR_NOMEM;
}

void wsm__keyring_fini(wsm__keyring *ring) {
    for (size_t i = 0; i < ring->count; i++) key_fini(&ring->keys[i], ring->mem);
    ring->count = 0;
}

static bool is_kid(const wsm__key *key, wsm_slice kid) {
    return key->kid ? kid.ptr && wsm__slice_is(kid, key->kid) : !kid.ptr;
}

static size_t idx_of(const wsm__keyring *ring, wsm_slice kid) {
    size_t idx = 0;
    while (idx < ring->count && !is_kid(&ring->keys[idx], kid)) idx++;
    return idx;
}

int wsm__keyring_add(wsm__keyring *ring, const wsm_key *given) {
    wsm_key from = {0};
    wsm__key made;
    int err = wsm__abi_copy(&from, sizeof from, given);
    if (!err) err = wsm__key_check(&from);
    if (err) return err;
    size_t idx = idx_of(ring, wsm__slice_str(from.kid));
    if (idx == WSM__KEYS_MAX) return WSM_ERR_LIMIT;
    err = key_init(&made, ring->mem, &from);
    if (err) return err;
    if (idx < ring->count)
        key_fini(&ring->keys[idx], ring->mem);
    else
        ring->count++;
    ring->keys[idx] = made;
    return 0;
}

int wsm__keyring_remove(wsm__keyring *ring, const char *kid) {
    size_t idx = idx_of(ring, wsm__slice_str(kid));
    if (idx == ring->count) return WSM_ERR_NOT_FOUND;
    key_fini(&ring->keys[idx], ring->mem);
    ring->count--;
    memmove(&ring->keys[idx], &ring->keys[idx + 1], (ring->count - idx) * sizeof ring->keys[0]);
    return 0;
}

const wsm__key *wsm__keyring_get(const wsm__keyring *ring, wsm_slice kid) {
    size_t idx = kid.ptr ? idx_of(ring, kid) : 0;
    return idx < ring->count ? &ring->keys[idx] : NULL;
}
