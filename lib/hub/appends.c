/* Records on their way into the log. What a turn produces is collected and appended as one batch at its end; each
 * record waits as a `pending` until it is both kept (the log says so) and applied (it came back), in whichever order,
 * and then its sender is answered, and with him whoever repeated it meanwhile. Its head says where its writer stood
 * (memory/fates.h): until it is applied, or has failed, it is counted as under way in its context. */
#include "hub/hub.h"
#include "limits.h"

#include <assert.h>

#define BATCH_PART 4u /* of what the budget keeps: it comes back as one delivery */

typedef struct batch {
    uint64_t first;
    uint32_t count;
} batch;

static size_t key_of(unsigned char key[16 + WSM__AGENT_ID_MAX], const unsigned char id[16], wsm_slice sender) {
    memcpy(key, id, 16);
    memcpy(key + 16, sender.ptr, sender.len);
    return 16 + sender.len;
}

wsm__pending *wsm__append_in_flight(const wsm_hub *hub, wsm_slice sender, const unsigned char id[16]) {
    unsigned char key[16 + WSM__AGENT_ID_MAX];
    size_t len = key_of(key, id, sender);
    return wsm__map_get(&hub->inflight, key, len);
}

int wsm__append_wait(wsm_hub *hub, wsm__pending *pending, const wsm__origin *origin) {
    wsm__waiter *waiter = wsm__alloc(&hub->mem, sizeof *waiter);
    if (!waiter) return WSM_ERR_NOMEM;
    waiter->origin = *origin;
    wsm__list_push(&pending->waiters, &waiter->node);
    return WSM_OK;
}

wsm__pending *wsm__append_find(const wsm_hub *hub, uint64_t number) {
    if (number < hub->pendings_base || number - hub->pendings_base >= hub->pendings.count) return NULL;
    return *(wsm__pending **)wsm__ring_at(&hub->pendings, (uint32_t)(number - hub->pendings_base));
}

/* The walk costs what is under way. */
uint64_t wsm__append_last_in(const wsm_hub *hub, const wsm__context *context) {
    for (uint32_t i = context->inflight > 0 ? hub->pendings.count : 0; i > 0; i--) {
        const wsm__pending *pending = *(wsm__pending **)wsm__ring_at(&hub->pendings, i - 1);
        if (pending && pending->counted == context) return pending->number;
    }
    return 0;
}

void wsm__append_changes(wsm_hub *hub, uint64_t number, wsm__side *side, wsm__side *other) {
    wsm__pending *pending = wsm__append_find(hub, number);
    assert(pending); /* it has just been added */
    pending->changes[0] = side;
    pending->changes[1] = other;
    if (side) side->in_flight = number;
    if (other) other->in_flight = number;
}

/* The last one may have been refused, and one before it is still to come. What has been found is found at once the next
 * time, and none that came before one that has been applied is looked for. */
uint64_t wsm__append_last_changing(const wsm_hub *hub, wsm__side *side) {
    uint64_t first = hub->pendings_base > hub->passed_number ? hub->pendings_base : hub->passed_number;
    for (; side->in_flight > 0 && side->in_flight >= first; side->in_flight--) {
        const wsm__pending *pending = wsm__append_find(hub, side->in_flight);
        bool changes = pending && (pending->changes[0] == side || pending->changes[1] == side);
        if (changes && !pending->is_applied) return side->in_flight;
    }
    return 0;
}

static wsm__pending *pending_new(wsm_hub *hub, const wsm__record_head *head, const wsm__origin *origin) {
    unsigned char key[16 + WSM__AGENT_ID_MAX];
    wsm__pending *pending = wsm__zalloc(&hub->mem, sizeof *pending);
    if (!pending) return NULL;
    pending->origin = *origin;
    wsm__list_init(&pending->waiters);
    memcpy(pending->id, head->id, 16);
    memcpy(pending->digest, head->digest, sizeof pending->digest);
    memcpy(pending->sender, head->sender.ptr, head->sender.len);
    pending->sender_len = (uint8_t)head->sender.len;
    pending->hop = head->hop;
    wsm__pending **place = wsm__ring_push(&hub->pendings, &hub->mem);
    if (!place) goto fail;
    *place = pending;
    if (!wsm__map_put(&hub->inflight, key, key_of(key, head->id, head->sender), pending)) return pending;
    wsm__ring_pop_back(&hub->pendings, &hub->mem);
fail:
    wsm__free(&hub->mem, pending, sizeof *pending);
    return NULL;
}

static void uncount(wsm__pending *pending) {
    if (pending->counted) pending->counted->inflight--;
    pending->counted = NULL;
}

void wsm__append_passed(wsm_hub *hub, uint64_t number) {
    if (hub->passed_number + 1 < hub->pendings_base) hub->passed_number = hub->pendings_base - 1;
    while (hub->passed_number < number) {
        wsm__pending *pending = wsm__append_find(hub, ++hub->passed_number);
        if (pending) uncount(pending);
    }
    if (hub->maybe_number == 0 || hub->maybe_number > number) return;
    hub->maybe_number = 0;
    for (uint32_t i = 0; i < wsm__log_context_count(&hub->records); i++)
        wsm__log_context_at(&hub->records, i)->maybe = 0;
}

/* Its append has failed. `may_come`: what a failed sync has kept after all comes before anything later does. */
static void failed(wsm_hub *hub, wsm__pending *pending, bool may_come) {
    if (pending->counted && may_come) {
        pending->counted->maybe++;
        if (pending->number > hub->maybe_number) hub->maybe_number = pending->number;
    }
    uncount(pending);
}

static void pending_free(wsm_hub *hub, wsm__pending *pending) {
    unsigned char key[16 + WSM__AGENT_ID_MAX];
    wsm__list *node;
    uncount(pending);
    while ((node = wsm__list_first(&pending->waiters)) != NULL) {
        wsm__list_remove(node);
        wsm__free(&hub->mem, WSM__CONTAINER(node, wsm__waiter, node), sizeof(wsm__waiter));
    }
    wsm__map_remove(&hub->inflight, key, key_of(key, pending->id, wsm__slice(pending->sender, pending->sender_len)));
    if (pending->number >= hub->pendings_base)
        *(wsm__pending **)wsm__ring_at(&hub->pendings, (uint32_t)(pending->number - hub->pendings_base)) = NULL;
    if (pending->bytes) wsm__free(&hub->mem, pending->bytes, pending->bytes_len + 1);
    if (pending->told) wsm__free(&hub->mem, pending->told, pending->told_len + 1);
    wsm__free(&hub->mem, pending, sizeof *pending);
    while (hub->pendings.count > 0 && !*(wsm__pending **)wsm__ring_at(&hub->pendings, 0)) {
        wsm__ring_pop(&hub->pendings, &hub->mem);
        hub->pendings_base++;
    }
}

/* What the head tells of where its writer stands. A context that this very record begins starts at 1; mail is not
 * counted for its readers. `fates` takes what is to be told, and its error. */
static void tell(wsm_hub *hub, wsm__record_head *head, const wsm__context *context, wsm__buf *fates) {
    const wsm__log *log = &hub->records;
    head->has_at = true;
    head->at = log->applied;
    head->is_again = wsm__dedup_find(&hub->dedup, head->sender, head->id, head->time_ms) != NULL;
    head->inflight = context && context != hub->mail ? context->inflight : 0;
    head->maybe = context && context != hub->mail ? context->maybe : 0;
    head->expected_seq = 1; /* records that are gone may have had the numbers of the room */
    if (context) head->expected_seq += context->seq + wsm__log_room(log, context) + head->inflight;
    if (context == hub->mail) head->expected_seq = 0;
    uint64_t told = wsm__fates_put(&log->untold, fates, head->at);
    head->told = told < head->at ? told : 0;
    if (fates->len > 0) head->fates = wsm__slice(fates->ptr, fates->len);
}

static int put(wsm_hub *hub, wsm__record_head *head, const wsm__context *context, wsm_slice body) {
    wsm__buf fates;
    wsm__buf_init(&fates, &hub->mem, 0);
    tell(hub, head, context, &fates);
    wsm__record_put_head(&hub->batch, head);
    wsm__buf_put_slice(&hub->batch, body);
    int err = hub->batch.err || fates.err ? WSM_ERR_NOMEM : WSM_OK;
    head->fates = wsm__slice(NULL, 0);
    wsm__buf_fini(&fates);
    return err;
}

int wsm__append_add(wsm_hub *hub, wsm__record_head *head, const wsm__origin *origin, wsm_slice body) {
    wsm__context *context = wsm__log_context(&hub->records, head->context_id);
    if (hub->pendings.count == 0) hub->pendings_base = hub->next_number;
    wsm__batch_item *item = wsm__ring_push(&hub->batch_items, &hub->mem);
    if (!item) return WSM_ERR_NOMEM;
    wsm__pending *pending = pending_new(hub, head, origin);
    if (!pending) {
        wsm__ring_pop_back(&hub->batch_items, &hub->mem);
        return WSM_ERR_NOMEM;
    }
    pending->number = head->number = hub->next_number;
    head->node = hub->node;
    head->rules = wsm__rules_text(hub, head->type);
    size_t at = hub->batch.len;
    if (put(hub, head, context, body) == WSM_OK) {
        pending->bytes_len = hub->batch.len - at;
        pending->bytes = wsm__strndup(&hub->mem, hub->batch.ptr + at, pending->bytes_len);
    }
    if (!pending->bytes) {
        hub->batch.len = at;
        hub->batch.err = 0;
        wsm__ring_pop_back(&hub->batch_items, &hub->mem);
        pending_free(hub, pending);
        if (hub->pendings.count > 0) wsm__ring_pop_back(&hub->pendings, &hub->mem); /* its number was not used */
        return WSM_ERR_NOMEM;
    }
    *item = (wsm__batch_item){at, hub->batch.len - at};
    if (hub->batch_items.count == 1) hub->batch_first = hub->next_number;
    hub->next_number++;
    if (!context || context == hub->mail) return WSM_OK;
    pending->counted = context;
    context->inflight++;
    return WSM_OK;
}

static void fail_range(wsm_hub *hub, uint64_t first, uint32_t count, int err, bool may_come) {
    hub->count.append_failed += count;
    for (uint64_t number = first; number < first + count; number++) {
        wsm__pending *pending = wsm__append_find(hub, number);
        if (!pending) continue;
        failed(hub, pending, may_come);
        pending->err = err;
        pending->is_kept = pending->is_applied = true;
        wsm__append_settle(hub, pending);
    }
}

/* How many of the batch go together, from this one on: one at least. */
static uint32_t part_of(const wsm_hub *hub, uint32_t from) {
    size_t most = hub->mem.kept ? hub->mem.kept / BATCH_PART : SIZE_MAX, bytes = 0;
    uint32_t count = 0;
    while (from + count < hub->batch_items.count) {
        const wsm__batch_item *item = wsm__ring_at(&hub->batch_items, from + count);
        bytes += item->len;
        if (count > 0 && bytes > most) break;
        count++;
    }
    return count;
}

static int append_part(wsm_hub *hub, uint32_t from, uint32_t count) {
    uint64_t first = hub->batch_first + from;
    wsm_vec *records = wsm__alloc(&hub->mem, count * sizeof *records);
    batch *place = records ? wsm__ring_push(&hub->batches, &hub->mem) : NULL;
    int err = WSM_ERR_NOMEM;
    if (place) {
        *place = (batch){first, count};
        for (uint32_t i = 0; i < count; i++) {
            const wsm__batch_item *item = wsm__ring_at(&hub->batch_items, from + i);
            records[i] = (wsm_vec){hub->batch.ptr + item->at, item->len};
        }
        hub->count.appended += count;
        err = wsm__call_log_append(hub, first, records, count);
        if (err) wsm__ring_pop_back(&hub->batches, &hub->mem);
    }
    if (records) wsm__free(&hub->mem, records, count * sizeof *records);
    return err;
}

/* Who is told of a failure is told when the batch is over: what he does then belongs to the next. */
void wsm__append_flush(wsm_hub *hub) {
    uint32_t count = hub->batch_items.count, done = 0;
    uint64_t first = hub->batch_first;
    int err = WSM_OK;
    while (!err && done < count) {
        uint32_t part = part_of(hub, done);
        err = append_part(hub, done, part);
        if (!err) done += part;
    }
    wsm__buf_clear(&hub->batch);
    while (hub->batch_items.count > 0) wsm__ring_pop_back(&hub->batch_items, &hub->mem);
    if (err)
        fail_range(hub, first + done, count - done,
                   err == WSM_ERR_BUSY    ? WSM_ERR_BUSY
                   : err == WSM_ERR_NOMEM ? err
                                          : WSM_ERR_STORE_FAILED,
                   false);
}

void wsm__append_done(wsm_hub *hub, uint64_t append_id, int outcome) {
    batch found = {0, 0};
    for (uint32_t i = 0; i < hub->batches.count; i++) { /* logs end appends in order: it is the first, as a rule */
        batch *at = wsm__ring_at(&hub->batches, i);
        if (at->first != append_id || at->count == 0) continue;
        found = *at;
        at->count = 0;
        break;
    }
    while (hub->batches.count > 0 && ((batch *)wsm__ring_at(&hub->batches, 0))->count == 0)
        wsm__ring_pop(&hub->batches, &hub->mem);
    if (outcome < 0) {
        wsm__call_log(hub, WSM_LEVEL_ERROR, "store_failed", NULL, wsm_strerror(outcome));
        fail_range(hub, found.first, found.count, WSM_ERR_STORE_FAILED, true);
        return;
    }
    for (uint64_t number = found.first; number < found.first + found.count; number++) {
        wsm__pending *pending = wsm__append_find(hub, number);
        if (!pending) continue;
        pending->is_kept = true;
        pending->is_durable = outcome == WSM_LOG_SYNCED;
        wsm__append_settle(hub, pending);
    }
}

static void answer_waiters(wsm_hub *hub, wsm__list *waiters, wsm__verdict *verdict) {
    wsm__list *node;
    verdict->duplicate = true;
    while ((node = wsm__list_first(waiters)) != NULL) {
        wsm__waiter *waiter = WSM__CONTAINER(node, wsm__waiter, node);
        wsm__list_remove(node);
        wsm__answer(hub, &waiter->origin, verdict);
        wsm__free(&hub->mem, waiter, sizeof *waiter);
    }
}

void wsm__append_settle(wsm_hub *hub, wsm__pending *pending) {
    if (!pending->is_kept || !pending->is_applied) return;
    wsm__verdict verdict = {.err = pending->err,
                            .field = pending->field,
                            .message = pending->why,
                            .duplicate = pending->is_duplicate,
                            .durable = pending->is_durable,
                            .has_offset = true,
                            .offset = pending->offset,
                            .result = pending->result};
    wsm__list waiters;
    wsm__list_init(&waiters);
    wsm__list_splice(&waiters, &pending->waiters);
    wsm__origin origin = pending->origin;
    char *bytes = pending->bytes, *told = pending->told; /* the result lies in one of them */
    size_t bytes_size = pending->bytes_len + 1, told_size = pending->told_len + 1;
    if (!verdict.err && pending->is_durable)
        wsm__dedup_set_durable(&hub->dedup, wsm__slice(pending->sender, pending->sender_len), pending->id);
    pending->bytes = pending->told = NULL;
    pending_free(hub, pending);
    wsm__answer(hub, &origin, &verdict);
    answer_waiters(hub, &waiters, &verdict);
    if (bytes) wsm__free(&hub->mem, bytes, bytes_size);
    if (told) wsm__free(&hub->mem, told, told_size);
}

void wsm__append_init(wsm_hub *hub) {
    wsm__ring_init(&hub->batches, sizeof(batch));
}

void wsm__append_fini(wsm_hub *hub) {
    while (hub->pendings.count > 0) pending_free(hub, *(wsm__pending **)wsm__ring_at(&hub->pendings, 0));
    wsm__ring_fini(&hub->pendings, &hub->mem);
    wsm__ring_fini(&hub->batches, &hub->mem);
    wsm__ring_fini(&hub->batch_items, &hub->mem);
    wsm__buf_fini(&hub->batch);
}
