/* Which message ids were seen: by (authenticated sender, id), within a window of time, a bounded number a sender. The
 * limits are those at the time of adding, and may be others for the next one (hub/rules.h).
 *
 * The table for records is part of the fold and goes by the records' own times; the one for presence goes by the hub's
 * clock. Nothing here reads a clock: `now_ms` is handed in and only ever moves the table's own time forwards. Eviction
 * forgets, it never invents: a forgotten id is new again, never a false duplicate (I-32). */
#ifndef WSM_LIB_MEMORY_DEDUP_H
#define WSM_LIB_MEMORY_DEDUP_H

#include "util/crypto.h"
#include "util/list.h"
#include "util/map.h"

typedef struct wsm__dedup_entry {
    wsm__list in_all;    /* by age */
    wsm__list in_sender; /* by age */
    struct wsm__dedup_sender *sender;
    unsigned char id[16];
    unsigned char digest[WSM__DIGEST_LEN];
    bool has_digest;
    bool is_durable;            /* as this process knows it; not part of the fold */
    uint64_t offset;            /* the first result; 0: none */
    int64_t time_ms, window_ms; /* it is known for so long */
    uint32_t hop;               /* of the message: how many causes stand behind it */
    char *result;               /* what its ack carried, NULL: nothing */
    uint32_t result_len;
} wsm__dedup_entry;

typedef struct wsm__dedup {
    wsm__mem *mem;
    wsm__map entries; /* by id and sender */
    wsm__map senders; /* by name */
    wsm__map chained; /* those with a hop, by id alone: of several of one id the one with the highest */
    wsm__list all;
    int64_t window_ms; /* of what is added from now on */
    uint32_t ids_max;  /* a sender, as of the next that is added; 0: no limit */
    int64_t now_ms;    /* the latest time seen */
    uint64_t evicted;
} wsm__dedup;

void wsm__dedup_init(wsm__dedup *dedup, wsm__mem *mem, const unsigned char seed[16], int64_t window_ms,
                     uint32_t ids_max);
void wsm__dedup_fini(wsm__dedup *dedup);
void wsm__dedup_clear(wsm__dedup *dedup); /* as after init */

/* The entry, if the id was seen within the window as of `now_ms`; NULL: it is new. No effect. */
const wsm__dedup_entry *wsm__dedup_find(const wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16],
                                        int64_t now_ms);

/* Remember an id; moves the table's time to `now_ms`, and evicts. `digest` may be NULL, `result` (copied) absent.
 * WSM_ERR_NOMEM: no effect. */
int wsm__dedup_add(wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16], const unsigned char *digest,
                   uint64_t offset, int64_t now_ms, wsm_slice result);

/* Take back an id that was just added; note that one's record is kept for good. Both harmless if it is not there. */
void wsm__dedup_undo(wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16]);
void wsm__dedup_set_durable(wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16]);

/* Note how many causes stand behind an id that was just added (WSM_ERR_NOMEM: no effect); and how many stand behind an
 * id, whoever sent it, 0 if it is not known. */
int wsm__dedup_set_hop(wsm__dedup *dedup, wsm_slice sender, const unsigned char id[16], uint32_t hop);
uint32_t wsm__dedup_hop(const wsm__dedup *dedup, const unsigned char id[16]);

/* Forget what has fallen out of the window as of `now_ms`. */
void wsm__dedup_expire(wsm__dedup *dedup, int64_t now_ms);

uint32_t wsm__dedup_count(const wsm__dedup *dedup);
wsm_slice wsm__dedup_sender_name(const wsm__dedup_entry *entry);
/* Walk by age; start with NULL. */
const wsm__dedup_entry *wsm__dedup_next(const wsm__dedup *dedup, const wsm__dedup_entry *entry);

#endif
