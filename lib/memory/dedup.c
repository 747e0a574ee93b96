/* The table of seen message ids: a map for the lookup, one list by age for the window, one a sender for its limit. */
#include "memory/dedup.h"

#include "limits.h"
#include "wsm/error.h"

typedef struct wsm__dedup_sender {
    wsm__list entries;
    uint32_t count;
    size_t name_len;
    char name[WSM__AGENT_ID_MAX];
} wsm__dedup_sender;

#define KEY_MAX (16 + WSM__AGENT_ID_MAX)

static size_t key_of(unsigned char key[KEY_MAX], const unsigned char id[16], wsm_slice sender) {
    size_t len = sender.len > WSM__AGENT_ID_MAX ? WSM__AGENT_ID_MAX : sender.len;
    memcpy(key, id, 16);
    memcpy(key + 16, sender.ptr, len);
    return 16 + len;
}

void wsm__dedup_init(wsm__dedup *dedup, wsm__mem *mem, const unsigned char seed[16], int64_t window_ms,
                     uint32_t ids_max) {
    *dedup = (wsm__dedup){.mem = mem, .window_ms = window_ms, .ids_max = ids_max, .now_ms = INT64_MIN};
    wsm__map_init(&dedup->entries, mem, seed);
    wsm__map_init(&dedup->senders, mem, seed);
    wsm__map_init(&dedup->chained, mem, seed);
    wsm__list_init(&dedup->all);
}

static void entry_free(wsm__dedup *dedup, wsm__dedup_entry *entry) {
    if (entry->hop && wsm__map_get(&dedup->chained, entry->id, sizeof entry->id) == entry)
        wsm__map_remove(&dedup->chained, entry->id, sizeof entry->id);
    wsm__free(dedup->mem, entry->result, entry->result_len);
    wsm__free(dedup->mem, entry, sizeof *entry);
}

static void forget(wsm__dedup *dedup, wsm__dedup_entry *entry) {
    unsigned char key[KEY_MAX];
    wsm__dedup_sender *sender = entry->sender;
    size_t len = key_of(key, entry->id, wsm__slice(sender->name, sender->name_len));
    wsm__map_remove(&dedup->entries, key, len);
    wsm__list_remove(&entry->in_all);
    wsm__list_remove(&entry->in_sender);
    entry_free(dedup, entry);
    if (--sender->count > 0) return;
    wsm__map_remove(&dedup->senders, sender->name, sender->name_len);
    wsm__free(dedup->mem, sender, sizeof *sender);
}

static wsm__dedup_entry *oldest(const wsm__list *all) {
    wsm__list *first = wsm__list_first(all);
    return first ? WSM__CONTAINER(first, wsm__dedup_entry, in_all) : NULL;
}

void wsm__dedup_clear(wsm__dedup *dedup) {
    wsm__dedup_entry *entry;
    while ((entry = oldest(&dedup->all)) != NULL) forget(dedup, entry);
    dedup->now_ms = INT64_MIN;
}

void wsm__dedup_fini(wsm__dedup *dedup) {
    wsm__dedup_clear(dedup);
    wsm__map_fini(&dedup->entries);
    wsm__map_fini(&dedup->senders);
    wsm__map_fini(&dedup->chained);
}

static wsm__dedup_entry *entry_of(const wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16]) {
    unsigned char key[KEY_MAX];
    size_t len = key_of(key, id, sender);
    return wsm__map_get(&dedup->entries, key, len);
}

const wsm__dedup_entry *wsm__dedup_find(const wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16],
                                        int64_t now_ms) {
    const wsm__dedup_entry *entry = entry_of(dedup, sender, id);
    if (!entry) return NULL;
    int64_t now = now_ms > dedup->now_ms ? now_ms : dedup->now_ms;
    return now - entry->time_ms <= entry->window_ms ? entry : NULL;
}

void wsm__dedup_expire(wsm__dedup *dedup, int64_t now_ms) {
    wsm__dedup_entry *entry;
    if (now_ms > dedup->now_ms) dedup->now_ms = now_ms;
    while ((entry = oldest(&dedup->all)) != NULL && dedup->now_ms - entry->time_ms > entry->window_ms)
        forget(dedup, entry);
}

static wsm__dedup_sender *sender_of(wsm__dedup *dedup, wsm_slice name) {
    wsm__dedup_sender *sender = wsm__map_get(&dedup->senders, name.ptr, name.len);
    if (sender) return sender;
    sender = wsm__zalloc(dedup->mem, sizeof *sender);
    if (!sender) return NULL;
    sender->name_len = name.len > WSM__AGENT_ID_MAX ? WSM__AGENT_ID_MAX : name.len;
    memcpy(sender->name, name.ptr, sender->name_len);
    wsm__list_init(&sender->entries);
    if (wsm__map_put(&dedup->senders, sender->name, sender->name_len, sender)) {
        wsm__free(dedup->mem, sender, sizeof *sender);
        return NULL;
    }
    return sender;
}

static void sender_release(wsm__dedup *dedup, wsm__dedup_sender *sender) { /* one that got no entry after all */
    if (sender->count > 0) return;
    wsm__map_remove(&dedup->senders, sender->name, sender->name_len);
    wsm__free(dedup->mem, sender, sizeof *sender);
}

/* A new entry with its result; NULL: no memory. */
static wsm__dedup_entry *entry_new(wsm__dedup *dedup, wsm_slice result) {
    wsm__dedup_entry *entry = wsm__zalloc(dedup->mem, sizeof *entry);
    if (!entry || result.len == 0) return entry;
    entry->result = wsm__alloc(dedup->mem, result.len);
    if (!entry->result) {
        wsm__free(dedup->mem, entry, sizeof *entry);
        return NULL;
    }
    memcpy(entry->result, result.ptr, result.len);
    entry->result_len = (uint32_t)result.len;
    return entry;
}

int wsm__dedup_add(wsm__dedup *dedup, wsm_slice sender_name, const unsigned char id[16], const unsigned char *digest,
                   uint64_t offset, int64_t now_ms, wsm_slice result) {
    unsigned char key[KEY_MAX];
    wsm__dedup_sender *sender = sender_of(dedup, sender_name);
    if (!sender) return WSM_ERR_NOMEM;
    wsm__dedup_entry *entry = entry_new(dedup, result);
    size_t len = key_of(key, id, sender_name);
    wsm__dedup_entry *stale = wsm__map_get(&dedup->entries, key, len); /* out of the window, not evicted yet */
    if (!entry || wsm__map_put(&dedup->entries, key, len, entry)) {
        if (entry) entry_free(dedup, entry);
        sender_release(dedup, sender);
        return WSM_ERR_NOMEM;
    }
    if (now_ms > dedup->now_ms) dedup->now_ms = now_ms;
    entry->sender = sender;
    entry->offset = offset;
    entry->time_ms = dedup->now_ms;
    entry->window_ms = dedup->window_ms;
    entry->has_digest = digest != NULL;
    memcpy(entry->id, id, 16);
    if (digest) memcpy(entry->digest, digest, WSM__DIGEST_LEN);
    wsm__list_push(&dedup->all, &entry->in_all);
    wsm__list_push(&sender->entries, &entry->in_sender);
    sender->count++;
    if (stale) { /* the map points at the new entry already */
        wsm__list_remove(&stale->in_all);
        wsm__list_remove(&stale->in_sender);
        entry_free(dedup, stale);
        sender->count--;
    }
    if (dedup->ids_max && sender->count > dedup->ids_max) {
        forget(dedup, WSM__CONTAINER(wsm__list_first(&sender->entries), wsm__dedup_entry, in_sender));
        dedup->evicted++;
    }
    wsm__dedup_expire(dedup, now_ms);
    return WSM_OK;
}

void wsm__dedup_undo(wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16]) {
    wsm__dedup_entry *entry = entry_of(dedup, sender, id);
    if (entry) forget(dedup, entry);
}

void wsm__dedup_set_durable(wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16]) {
    wsm__dedup_entry *entry = entry_of(dedup, sender, id);
    if (entry) entry->is_durable = true;
}

int wsm__dedup_set_hop(wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16], uint32_t hop) {
    wsm__dedup_entry *entry = entry_of(dedup, sender, id);
    if (!entry || hop <= wsm__dedup_hop(dedup, id)) return WSM_OK;
    if (wsm__map_put(&dedup->chained, entry->id, sizeof entry->id, entry)) return WSM_ERR_NOMEM;
    entry->hop = hop;
    return WSM_OK;
}

uint32_t wsm__dedup_hop(const wsm__dedup *dedup, const unsigned char id[16]) {
    const wsm__dedup_entry *entry = wsm__map_get(&dedup->chained, id, 16);
    return entry ? entry->hop : 0;
}

uint32_t wsm__dedup_count(const wsm__dedup *dedup) {
    return (uint32_t)wsm__map_count(&dedup->entries);
}

wsm_slice wsm__dedup_sender_name(const wsm__dedup_entry *entry) {
    return wsm__slice(entry->sender->name, entry->sender->name_len);
}

const wsm__dedup_entry *wsm__dedup_next(const wsm__dedup *dedup, const wsm__dedup_entry *entry) {
    wsm__list *next = entry ? entry->in_all.next : dedup->all.next;
    return next == &dedup->all ? NULL : WSM__CONTAINER(next, wsm__dedup_entry, in_all);
}
