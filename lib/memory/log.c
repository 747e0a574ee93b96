/* The cache of the log and the sequence numbers of its contexts. See log.h for the idea.
 *
 * Entries stand in one ring by offset, so that a cursor finds its place by bisection. Trimming a context leaves holes
 * in the ring; once more than half of it is holes, it is packed. */
#include "memory/log.h"

#include <assert.h>

#include "limits.h"
#include "wsm/error.h"

#define TRIM_LOOKS 128 /* of wsm__log_trim_one: in front may stand many that are the newest of their contexts */

typedef struct slot {
    uint64_t offset;
    wsm__entry *entry;
} slot;

static slot *slot_at(const wsm__log *log, uint32_t idx) {
    return wsm__ring_at(&log->slots, idx);
}

int wsm__log_init(wsm__log *log, wsm__mem *mem, const unsigned char seed[16], const wsm__log_limits *limits) {
    *log = (wsm__log){.mem = mem, .limits = *limits};
    wsm__map_init(&log->by_id, mem, seed);
    wsm__ring_init(&log->contexts, sizeof(wsm__context *));
    wsm__ring_init(&log->slots, sizeof(slot));
    wsm__ring_init(&log->voids, sizeof(wsm__void));
    wsm__fates_init(&log->untold);
    return WSM_OK;
}

wsm__reach *wsm__reach_new(wsm__mem *mem, uint32_t count) {
    wsm__reach *reach = wsm__alloc(mem, sizeof *reach + count * sizeof *reach->agents);
    if (reach) *reach = (wsm__reach){.refs = 1, .history_of = WSM__REACH_NOBODY, .count = count};
    return reach;
}

wsm__reach *wsm__reach_ref(wsm__reach *reach) {
    if (reach) reach->refs++;
    return reach;
}

void wsm__reach_free(wsm__mem *mem, wsm__reach *reach) {
    if (reach && --reach->refs == 0) wsm__free(mem, reach, sizeof *reach + reach->count * sizeof *reach->agents);
}

bool wsm__reach_has(const wsm__reach *reach, uint32_t agent) {
    for (uint32_t i = 0; reach && i < reach->count; i++)
        if (reach->agents[i] == agent) return true;
    return false;
}

bool wsm__reach_grants(const wsm__reach *reach, uint32_t agent) {
    if (reach->history_of == WSM__REACH_NAMED) return wsm__reach_has(reach, agent);
    return reach->history_of != WSM__REACH_NOBODY && reach->history_of == agent;
}

static void entry_free(wsm__log *log, wsm__entry *entry) {
    log->bytes -= wsm__frame_cost(entry->frame);
    wsm__frame_unref(entry->frame);
    wsm__reach_free(log->mem, entry->reach);
    wsm__free(log->mem, entry, sizeof *entry);
}

void wsm__log_fini(wsm__log *log) {
    for (uint32_t i = 0; i < log->slots.count; i++)
        if (slot_at(log, i)->entry) entry_free(log, slot_at(log, i)->entry);
    for (uint32_t i = 0; i < log->contexts.count; i++) {
        wsm__context *context = wsm__log_context_at(log, i);
        wsm__ring_fini(&context->fixes, log->mem);
        wsm__free(log->mem, context->id, context->id_len + 1);
        wsm__free(log->mem, context, sizeof *context);
    }
    wsm__map_fini(&log->by_id);
    wsm__ring_fini(&log->contexts, log->mem);
    wsm__ring_fini(&log->slots, log->mem);
    wsm__ring_fini(&log->voids, log->mem);
    wsm__ring_fini(&log->untold, log->mem);
}

wsm__context *wsm__log_context(const wsm__log *log, wsm_slice id) {
    return wsm__map_get(&log->by_id, id.ptr, id.len);
}

wsm__context *wsm__log_context_at(const wsm__log *log, uint32_t idx) {
    return *(wsm__context **)wsm__ring_at(&log->contexts, idx);
}

uint32_t wsm__log_context_count(const wsm__log *log) {
    return log->contexts.count;
}

int wsm__log_context_new(wsm__log *log, wsm_slice id, wsm__context **out) {
    wsm__context *context = wsm__zalloc(log->mem, sizeof *context);
    if (!context) return WSM_ERR_NOMEM;
    context->id = wsm__strndup(log->mem, id.ptr, id.len);
    context->id_len = id.len;
    context->idx = log->contexts.count;
    context->lost = log->lost;
    wsm__list_init(&context->entries);
    wsm__ring_init(&context->fixes, sizeof(wsm__seq_fix));
    wsm__context **place = context->id ? wsm__ring_push(&log->contexts, log->mem) : NULL;
    if (!place) goto fail;
    *place = context;
    if (wsm__map_put(&log->by_id, id.ptr, id.len, context)) {
        wsm__ring_pop_back(&log->contexts, log->mem);
        goto fail;
    }
    *out = context;
    return WSM_OK;
fail:
    if (context->id) wsm__free(log->mem, context->id, id.len + 1);
    wsm__free(log->mem, context, sizeof *context);
    return WSM_ERR_NOMEM;
}

/* ---- numbers --------------------------------------------------------------------------------------------------------
 */

static int64_t ahead_at(const wsm__context *context, uint64_t offset) {
    for (uint32_t i = context->fixes.count; i > 0; i--) {
        const wsm__seq_fix *fix = wsm__ring_at(&context->fixes, i - 1);
        if (fix->offset <= offset) return fix->ahead;
    }
    return 0;
}

uint64_t wsm__log_number_at(const wsm__context *context, uint64_t offset, uint64_t expected) {
    return (uint64_t)((int64_t)expected - ahead_at(context, offset));
}

uint64_t wsm__log_room(const wsm__log *log, const wsm__context *context) {
    return log->lost - context->lost;
}

/* Records that are gone behind an offset, at most `most`. */
static uint64_t lost_behind(const wsm__log *log, uint64_t offset, uint64_t most) {
    uint64_t lost = 0;
    for (uint32_t i = log->voids.count; i > 0 && lost < most; i--) {
        const wsm__void *at = wsm__ring_at(&log->voids, i - 1);
        if (at->offset <= offset) break;
        lost += at->is_lost;
    }
    return lost;
}

/* The number of a record that nobody vouches for: where its context stood at its `at`, and of what was lost since then
 * as much as its writer knew of. What is left of that stays free, because nobody may get a number that was shown. */
static uint64_t guess(const wsm__log *log, const wsm__context *context, const wsm__record_head *head, uint64_t *room) {
    uint64_t stood = head->expected_seq > head->inflight ? head->expected_seq - head->inflight - 1 : 0;
    uint64_t next = (stood > context->seq ? stood : context->seq) + 1;
    uint64_t known = (head->expected_seq > next ? head->expected_seq - next : 0) + head->maybe;
    uint64_t lost = lost_behind(log, head->at, *room);
    *room = known < lost ? lost - known : 0;
    return next + (known < lost ? known : lost);
}

/* Of an older writer: what its head says more than the others'. */
static uint64_t guess_old(const wsm__context *context, uint64_t expected, uint64_t *room) {
    uint64_t next = context->seq + 1, claimed = expected - (uint64_t)ahead_at(context, UINT64_MAX);
    if (claimed <= next || claimed - next > *room) return next;
    *room -= claimed - next;
    return claimed;
}

/* One more than the last, as long as nothing is gone. A number is never higher than its offset. */
uint64_t wsm__log_number(const wsm__log *log, const wsm__context *context, const wsm__log_claim *claim,
                         uint64_t *room) {
    const wsm__record_head *head = claim->head;
    uint64_t claimed, next = context->seq + 1, left = wsm__log_room(log, context);
    *room = left;
    if (head->expected_seq == 0 || log->lost == 0) return next;
    if (claim->is_vouched) {
        claimed = head->expected_seq - (uint64_t)claim->ahead; /* a nonsense wraps, and is seen below */
        left = lost_behind(log, head->at, left); /* a life in which nobody vouched for it has left so many free */
    } else {
        claimed = head->has_at ? guess(log, context, head, &left) : guess_old(context, head->expected_seq, &left);
    }
    if (claimed < next || claimed > log->applied + 1) return next; /* it cannot have been */
    *room = left;
    return claimed;
}

/* ---- trimming -------------------------------------------------------------------------------------------------------
 */

static uint32_t find_after(const wsm__log *log, uint64_t after) { /* index of the first slot behind `after` */
    uint32_t low = 0, high = log->slots.count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (slot_at(log, mid)->offset <= after)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void pack(wsm__log *log) {
    while (log->slots.count > 0 && !slot_at(log, 0)->entry) {
        wsm__ring_pop(&log->slots, log->mem);
        log->dead--;
    }
    if (log->dead < 64 || log->dead < log->slots.count / 2) return;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < log->slots.count; i++)
        if (slot_at(log, i)->entry) *slot_at(log, kept++) = *slot_at(log, i);
    while (log->slots.count > kept) wsm__ring_pop_back(&log->slots, log->mem);
    log->dead = 0;
}

static wsm__entry *oldest_of(const wsm__context *context) { /* count > 0 */
    wsm__list *first = wsm__list_first(&context->entries);
    assert(first);
    return WSM__CONTAINER(first, wsm__entry, in_context);
}

static void trim_oldest(wsm__log *log, wsm__context *context) {
    wsm__entry *entry = oldest_of(context);
    slot_at(log, find_after(log, entry->offset - 1))->entry = NULL;
    wsm__list_remove(&entry->in_context);
    context->count--;
    context->bytes -= wsm__frame_cost(entry->frame);
    context->trimmed_to = entry->offset;
    context->trimmed_to_seq = entry->seq;
    log->dead++;
    log->trimmed++;
    if (entry->reach && entry->offset > log->reached_to) log->reached_to = entry->offset;
    entry_free(log, entry);
    pack(log);
}

static bool is_over(const wsm__log *log, const wsm__context *context) {
    if (context->count <= 1) return false; /* the newest stays, however large */
    return (log->limits.records_max && context->count > log->limits.records_max) ||
           (log->limits.bytes_max && context->bytes > log->limits.bytes_max);
}

bool wsm__log_trim_aged(wsm__log *log, int64_t now_ms, uint32_t quantum) {
    if (!log->limits.age_s) return false;
    int64_t oldest = now_ms - (int64_t)log->limits.age_s * 1000;
    for (uint32_t i = 0; i < log->contexts.count; i++) {
        wsm__context *context = wsm__log_context_at(log, i);
        while (context->count > 0) {
            wsm__entry *entry = oldest_of(context);
            if (entry->time_ms >= oldest) break;
            if (quantum-- == 0) return true;
            trim_oldest(log, context);
        }
    }
    return false;
}

bool wsm__log_trim_one(wsm__log *log) {
    for (int looked = 0; looked < TRIM_LOOKS; looked++) {
        uint32_t idx = find_after(log, log->looked_to);
        bool is_end = idx == log->slots.count;
        wsm__entry *entry = is_end ? NULL : slot_at(log, idx)->entry;
        log->looked_to = is_end ? 0 : slot_at(log, idx)->offset;
        if (!entry || entry->context->count == 1) continue;
        trim_oldest(log, entry->context);
        return true;
    }
    return false;
}

/* ---- adding ---------------------------------------------------------------------------------------------------------
 */

/* Notes from which offset on heads are ahead of the fold. The oldest note goes when there are too many: what it was for
 * has long left every replay. */
static int note_ahead(wsm__log *log, const wsm__log_item *item) {
    wsm__context *context = item->context;
    int64_t ahead = (int64_t)item->expected - (int64_t)item->seq;
    if (item->expected == 0) return WSM_OK;
    wsm__fate fate = {.offset = item->offset, .ahead = ahead};
    bool is_told = item->is_vouchable && ahead != 0;
    if (is_told && wsm__fates_note(&log->untold, log->mem, &fate)) return WSM_ERR_NOMEM;
    if (ahead == ahead_at(context, UINT64_MAX)) return WSM_OK;
    wsm__seq_fix *fix = wsm__ring_push(&context->fixes, log->mem);
    if (!fix) {
        if (is_told) wsm__fates_unnote(&log->untold, log->mem);
        return WSM_ERR_NOMEM;
    }
    *fix = (wsm__seq_fix){item->offset, ahead};
    if (context->fixes.count > WSM__LOG_FIXES) wsm__ring_pop(&context->fixes, log->mem);
    return WSM_OK;
}

int wsm__log_add(wsm__log *log, const wsm__log_item *item) {
    wsm__context *context = item->context;
    wsm__entry *entry = wsm__alloc(log->mem, sizeof *entry);
    slot *place = entry ? wsm__ring_push(&log->slots, log->mem) : NULL;
    if (!place) {
        if (entry) wsm__free(log->mem, entry, sizeof *entry);
        return WSM_ERR_NOMEM;
    }
    if (note_ahead(log, item)) {
        wsm__ring_pop_back(&log->slots, log->mem);
        wsm__free(log->mem, entry, sizeof *entry);
        return WSM_ERR_NOMEM;
    }
    *entry = (wsm__entry){.context = context,
                          .frame = wsm__frame_ref(item->frame),
                          .reach = item->reach,
                          .offset = item->offset,
                          .seq = item->seq,
                          .time_ms = item->time_ms,
                          .priority = item->priority};
    *place = (slot){item->offset, entry};
    context->seq = item->seq;
    context->lost = log->lost - item->room;
    context->count++;
    context->bytes += wsm__frame_cost(item->frame);
    log->bytes += wsm__frame_cost(item->frame);
    wsm__list_push(&context->entries, &entry->in_context);
    log->applied = item->offset;
    while (is_over(log, context)) trim_oldest(log, context);
    return WSM_OK;
}

void wsm__log_pass(wsm__log *log, uint64_t offset) {
    log->applied = offset;
}

void wsm__log_release(wsm__log *log, wsm__context *context) {
    while (context->count > 0) trim_oldest(log, context);
}

int wsm__log_add_void(wsm__log *log, const wsm__void *at, bool is_vouchable) {
    wsm__void *place = wsm__ring_push(&log->voids, log->mem);
    if (!place) return WSM_ERR_NOMEM;
    wsm__fate fate = {.offset = at->offset, .is_void = true};
    if (is_vouchable && wsm__fates_note(&log->untold, log->mem, &fate)) {
        wsm__ring_pop_back(&log->voids, log->mem);
        return WSM_ERR_NOMEM;
    }
    *place = *at;
    if (at->is_corrupt) log->corrupt++, log->broken++;
    if (at->is_lost) log->lost++;
    if (log->voids.count > WSM__LOG_VOIDS) {
        if (((wsm__void *)wsm__ring_at(&log->voids, 0))->is_corrupt) log->corrupt--;
        wsm__ring_pop(&log->voids, log->mem);
    }
    log->applied = at->offset;
    return WSM_OK;
}

bool wsm__log_is_void(const wsm__log *log, uint64_t offset) {
    uint32_t low = 0, high = log->voids.count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        uint64_t at = ((wsm__void *)wsm__ring_at(&log->voids, mid))->offset;
        if (at == offset) return true;
        if (at < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

uint64_t wsm__log_next_corrupt(const wsm__log *log, uint64_t after) {
    for (uint32_t i = 0; i < log->voids.count && log->corrupt > 0; i++) {
        const wsm__void *at = wsm__ring_at(&log->voids, i);
        if (at->is_corrupt && at->offset > after) return at->offset;
    }
    return 0;
}

wsm__entry *wsm__log_next(const wsm__log *log, uint64_t after) {
    for (uint32_t i = find_after(log, after); i < log->slots.count; i++)
        if (slot_at(log, i)->entry) return slot_at(log, i)->entry;
    return NULL;
}

static wsm__entry *entry_of(wsm__list *node) {
    return WSM__CONTAINER(node, wsm__entry, in_context);
}

/* From the end that is nearer. */
wsm__entry *wsm__log_next_in(const wsm__context *context, uint64_t after) {
    if (wsm__list_is_empty(&context->entries)) return NULL;
    wsm__entry *oldest = entry_of(context->entries.next), *newest = entry_of(context->entries.prev);
    if (newest->offset <= after) return NULL;
    if (oldest->offset > after) return oldest;
    if (newest->offset - after < after - oldest->offset) {
        while (entry_of(newest->in_context.prev)->offset > after) newest = entry_of(newest->in_context.prev);
        return newest;
    }
    while (oldest->offset <= after) oldest = entry_of(oldest->in_context.next);
    return oldest;
}

wsm__entry *wsm__log_at(const wsm__log *log, uint64_t offset) {
    uint32_t at = offset > 0 ? find_after(log, offset - 1) : log->slots.count;
    if (at >= log->slots.count || slot_at(log, at)->offset != offset) return NULL;
    return slot_at(log, at)->entry;
}
