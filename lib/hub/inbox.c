/* The inbox: what other threads, and the log, hand to a hub. Pushing is one allocation and one compare-and-swap, from
 * any thread; the hub takes the whole stack at once and turns it round. What cannot be done for lack of memory stays at
 * the front of the backlog and is tried again, so that the order of records holds. */
#include <stdalign.h>

#include "hub/hub.h"
#include "limits.h"

typedef enum item_kind { ITEM_SUBMIT, ITEM_DELIVER, ITEM_DONE, ITEM_PAGE, ITEM_SNAPSHOT, ITEM_READY } item_kind;

/* One block: this head, then records, then bytes. */
struct wsm__inbox_item {
    struct wsm__inbox_item *next;
    size_t size;
    item_kind kind;
    int outcome;
    bool has_agent;
    uint64_t id; /* tag, append id (0: the end comes by itself), read id, or offset of the snapshot */
    uint64_t first, last;
    bool is_durable;
    size_t count; /* of records */
    size_t name_len;
    size_t text_len;
    char epoch[17];
    alignas(wsm_record) char rest[];
};

#define RETRY_MS 20u

/* Who may take the part of the budget that is kept (mem.h): an item for itself while it waits, and whatever is asked
 * for while it is carried out. Nobody else does. */
static const struct {
    enum { NEVER, FIRST_OF_ITS_KIND, ALWAYS } waits;
    bool is_carried_out;
} takes_kept[] = {
    [ITEM_SUBMIT] = {NEVER, false},             /* it can be said again */
    [ITEM_DELIVER] = {FIRST_OF_ITS_KIND, true}, /* the others would leave it none to be applied with */
    [ITEM_DONE] = {ALWAYS, false},              /* it gives memory back */
    [ITEM_PAGE] = {ALWAYS, false},              /* it may hold up what is behind it */
    [ITEM_SNAPSHOT] = {NEVER, true},            /* nothing behind it is applied before */
    [ITEM_READY] = {ALWAYS, true},              /* what has been delivered may wait for it */
};

/* Nobody will be told of it: the log says it again, and a hub that waits for it to go on would wait for ever. */
static void note_starved(wsm_hub *hub, item_kind kind, size_t want) {
    if (kind != ITEM_SUBMIT && !wsm__mem_has_room(&hub->mem, want)) atomic_store(&hub->inbox_starved, true);
}

static wsm__inbox_item *item_new(wsm_hub *hub, item_kind kind, size_t rest) {
    size_t size = offsetof(wsm__inbox_item, rest) + rest;
    bool counts = kind == ITEM_DELIVER, is_first = counts && atomic_fetch_add(&hub->inbox_records, 1) == 0;
    bool may_all = takes_kept[kind].waits == ALWAYS || (takes_kept[kind].waits == FIRST_OF_ITS_KIND && is_first);
    wsm__inbox_item *item = may_all ? wsm__alloc_kept(&hub->mem, size) : wsm__alloc(&hub->mem, size);
    if (!item) {
        if (counts) atomic_fetch_sub(&hub->inbox_records, 1);
        note_starved(hub, kind, size);
        return NULL;
    }
    memset(item, 0, sizeof *item < size ? sizeof *item : size);
    item->size = size;
    item->kind = kind;
    return item;
}

static void push(wsm_hub *hub, wsm__inbox_item *item, bool wake) {
    wsm__inbox_item *head = atomic_load_explicit(&hub->inbox, memory_order_relaxed);
    do {
        item->next = head;
    } while (
        !atomic_compare_exchange_weak_explicit(&hub->inbox, &head, item, memory_order_release, memory_order_relaxed));
    if (wake && !head) wsm__call_wake(hub); /* it was empty: whoever filled it first has woken the hub already */
}

/* ---- from any thread ------------------------------------------------------------------------------------------------
 */

int wsm_submit(wsm_hub *hub, const char *as_agent, const char *json, size_t len, uint64_t tag) {
    if (!hub || !json || len == 0 || len > WSM__MESSAGE_BYTES_HARD) return WSM_ERR_INVALID;
    size_t name_len = as_agent ? strlen(as_agent) : 0;
    if (as_agent && !wsm__agent_id_is_valid(wsm__slice(as_agent, name_len))) return WSM_ERR_INVALID;
    if (atomic_load(&hub->inbox_closed)) return WSM_ERR_SHUTTING_DOWN;
    if (atomic_fetch_add(&hub->inbox_count, 1) >= hub->config.inbox_max && hub->config.inbox_max) {
        atomic_fetch_sub(&hub->inbox_count, 1);
        return WSM_ERR_BUSY;
    }
    wsm__inbox_item *item = item_new(hub, ITEM_SUBMIT, name_len + len);
    if (!item) {
        atomic_fetch_sub(&hub->inbox_count, 1);
        return WSM_ERR_NOMEM;
    }
    item->id = tag;
    item->has_agent = as_agent != NULL;
    item->name_len = name_len;
    item->text_len = len;
    if (name_len) memcpy(item->rest, as_agent, name_len);
    memcpy(item->rest + name_len, json, len);
    push(hub, item, true);
    return WSM_OK;
}

/* While a snapshot waits, half of the budget is left to what it will make of itself: it cannot be put off. */
static bool is_before_its_turn(wsm_hub *hub, size_t want) {
    if (!hub->mem.budget || !atomic_load(&hub->inbox_snapshot)) return false;
    return atomic_load(&hub->mem.used) + want > hub->mem.budget / 2;
}

static wsm__inbox_item *item_of_records(wsm_hub *hub, item_kind kind, const wsm_record *records, size_t count) {
    size_t bytes = count * sizeof *records;
    for (size_t i = 0; i < count; i++) bytes += records[i].len;
    if (kind == ITEM_DELIVER && is_before_its_turn(hub, bytes)) return NULL;
    wsm__inbox_item *item = item_new(hub, kind, bytes);
    if (!item) return NULL;
    wsm_record *copy = (wsm_record *)(void *)item->rest;
    char *text = item->rest + count * sizeof *records;
    for (size_t i = 0; i < count; i++) {
        copy[i] = (wsm_record){records[i].offset, text, records[i].len};
        if (records[i].len) memcpy(text, records[i].bytes, records[i].len);
        text += records[i].len;
    }
    item->count = count;
    return item;
}

static bool records_are_valid(const wsm_record *records, size_t count) {
    if (count > 0 && !records) return false;
    for (size_t i = 0; i < count; i++)
        if (records[i].offset == 0 || (records[i].len > 0 && !records[i].bytes)) return false;
    return true;
}

/* A delivery waits in pieces: each gives its memory back once it is applied, and what there is no room for is refused
 * alone. At least one record, however large; all of them, if there is no budget. */
static size_t piece_of(const wsm_hub *hub, const wsm_record *records, size_t count) {
    size_t most = wsm__read_most(hub, SIZE_MAX), n = 0, bytes = 0;
    do {
        bytes += sizeof *records + records[n].len;
        n++;
    } while (n < count && bytes < most && sizeof *records + records[n].len <= most - bytes);
    return n;
}

/* Of a delivery that comes again, because it had found no room: how many records wait already, or are applied. */
static size_t taken_of(wsm_hub *hub, const wsm_record *records, size_t count) {
    uint64_t to = atomic_load(&hub->inbox_part_to);
    size_t n = 0;
    if (records[0].offset < atomic_load(&hub->inbox_part_from)) return 0;
    while (n < count && records[n].offset <= to) n++;
    return n;
}

static void note_taken(wsm_hub *hub, const wsm_record *records, size_t before, size_t count) {
    if (count == before) return;
    if (before == 0) atomic_store(&hub->inbox_part_from, records[0].offset);
    atomic_store(&hub->inbox_part_to, records[count - 1].offset);
}

int wsm_log_deliver(wsm_hub *hub, const wsm_record *records, size_t count) {
    if (hub && hub->probe) return wsm__probe_deliver(hub, records, count);
    if (!hub || !records_are_valid(records, count)) return WSM_ERR_INVALID;
    if (count == 0) return WSM_OK;
    size_t before = taken_of(hub, records, count), n;
    for (size_t done = before; done < count; done += n) {
        n = piece_of(hub, &records[done], count - done);
        wsm__inbox_item *item = item_of_records(hub, ITEM_DELIVER, &records[done], n);
        if (!item) {
            note_taken(hub, records, before, done);
            return WSM_ERR_NOMEM;
        }
        push(hub, item, true);
    }
    return WSM_OK;
}

int wsm_log_done(wsm_hub *hub, uint64_t append_id, int outcome) {
    if (hub && hub->probe) return wsm__probe_done(hub, append_id, outcome);
    if (!hub || append_id == 0 || outcome > WSM_LOG_WRITTEN) return WSM_ERR_INVALID;
    wsm__inbox_item *item = item_new(hub, ITEM_DONE, 0);
    if (!item) return WSM_ERR_NOMEM;
    item->id = append_id;
    item->outcome = outcome;
    push(hub, item, true);
    return WSM_OK;
}

int wsm__inbox_append_ended(wsm_hub *hub, uint64_t append_id, int outcome, const wsm_record *records, size_t count) {
    if (hub->probe) {
        int err = wsm__probe_deliver(hub, records, count);
        return err ? err : wsm__probe_done(hub, append_id, outcome);
    }
    wsm__inbox_item *item = item_of_records(hub, ITEM_DELIVER, records, count);
    if (!item) return WSM_ERR_NOMEM;
    item->id = append_id;
    item->outcome = outcome;
    push(hub, item, false);
    return WSM_OK;
}

int wsm_log_page(wsm_hub *hub, uint64_t read_id, const wsm_record *records, size_t count, int outcome) {
    if (hub && hub->probe) return wsm__probe_page(hub, read_id, records, count, outcome);
    if (!hub || outcome > 0 || !records_are_valid(records, count)) return WSM_ERR_INVALID;
    wsm__inbox_item *item = item_of_records(hub, ITEM_PAGE, records, count);
    if (!item) return WSM_ERR_NOMEM;
    item->id = read_id;
    item->outcome = outcome;
    push(hub, item, true);
    return WSM_OK;
}

int wsm_log_snapshot(wsm_hub *hub, uint64_t offset, const void *bytes, size_t len) {
    if (hub && hub->probe) return wsm__probe_snapshot(hub, offset, bytes, len);
    if (!hub || !bytes || len == 0) return WSM_ERR_INVALID;
    wsm__inbox_item *item = item_new(hub, ITEM_SNAPSHOT, len);
    if (!item) return WSM_ERR_NOMEM;
    item->id = offset;
    item->text_len = len;
    memcpy(item->rest, bytes, len);
    atomic_store(&hub->inbox_snapshot, true);
    push(hub, item, true);
    return WSM_OK;
}

static bool is_epoch(const char *epoch) {
    if (!epoch || strlen(epoch) != 16) return false;
    return strspn(epoch, "0123456789abcdef") == 16;
}

int wsm_log_ready(wsm_hub *hub, const wsm_log_info *info, int outcome) {
    if (hub && hub->probe) return wsm__probe_ready(hub, info, outcome);
    if (!hub || outcome > 0 || (outcome == 0 && (!info || !is_epoch(info->epoch)))) return WSM_ERR_INVALID;
    wsm__inbox_item *item = item_new(hub, ITEM_READY, 0);
    if (!item) return WSM_ERR_NOMEM;
    item->outcome = outcome;
    if (outcome == 0) {
        memcpy(item->epoch, info->epoch, 17);
        item->first = info->first_offset;
        item->last = info->last_offset;
        if (info->size >= offsetof(wsm_log_info, durable) + sizeof info->durable) item->is_durable = info->durable != 0;
    }
    push(hub, item, true);
    return WSM_OK;
}

/* ---- on the hub's thread --------------------------------------------------------------------------------------------
 */

static void take(wsm_hub *hub) {
    if (!atomic_load_explicit(&hub->inbox, memory_order_relaxed)) return;
    wsm__inbox_item *newest = atomic_exchange_explicit(&hub->inbox, NULL, memory_order_acquire);
    wsm__inbox_item *last = newest, *first = NULL;
    while (newest) {
        wsm__inbox_item *next = newest->next;
        newest->next = first;
        first = newest;
        newest = next;
    }
    if (!first) return;
    if (hub->backlog)
        hub->backlog_last->next = first;
    else
        hub->backlog = first;
    hub->backlog_last = last;
}

static int deliver(wsm_hub *hub, const wsm__inbox_item *item) {
    const wsm_record *records = (const wsm_record *)(const void *)item->rest;
    while (hub->backlog_done < item->count) {
        int err = wsm__apply(hub, &records[hub->backlog_done]);
        if (err) return err;
        hub->backlog_done++;
    }
    if (item->id) wsm__append_done(hub, item->id, item->outcome);
    return WSM_OK;
}

static int ready(wsm_hub *hub, const wsm__inbox_item *item) {
    unsigned char key[32];
    wsm_slice secret = wsm__slice_str(hub->config.workspace_key);
    if (item->outcome) {
        wsm__hub_ready(hub, item->outcome);
        return WSM_OK;
    }
    int err = wsm__hmac_sha256(secret.ptr ? secret.ptr : "", secret.len, item->epoch, 16, key);
    if (!err && !hub->digest) err = wsm__digest_new(&hub->digest, &hub->mem, key);
    wsm__wipe(key, sizeof key);
    if (err == WSM_ERR_NOMEM) return err;
    memcpy(hub->epoch, item->epoch, 17);
    hub->store_first = item->first;
    hub->loaded_to = item->last;
    hub->loaded_durable = item->is_durable;
    if (!err && (hub->records.applied < item->last || hub->records.applied < hub->refold_to))
        err = WSM_ERR_LOG_CORRUPT; /* it kept back what it says it has */
    wsm__hub_ready(hub, err);
    return WSM_OK;
}

static int carry_out(wsm_hub *hub, const wsm__inbox_item *item) {
    switch (item->kind) {
    case ITEM_SUBMIT:
        wsm__command_host(hub, item->has_agent ? wsm__slice(item->rest, item->name_len) : wsm__slice(NULL, 0),
                          wsm__slice(item->rest + item->name_len, item->text_len), item->id);
        return WSM_OK;
    case ITEM_DELIVER: return deliver(hub, item);
    case ITEM_SNAPSHOT: return wsm__snapshot_load(hub, item->id, wsm__slice(item->rest, item->text_len));
    case ITEM_DONE: wsm__append_done(hub, item->id, item->outcome); return WSM_OK;
    case ITEM_PAGE:
        wsm__replay_page(hub, item->id, (const wsm_record *)(const void *)item->rest, item->count, item->outcome);
        return WSM_OK;
    case ITEM_READY: return ready(hub, item);
    }
    return WSM_OK;
}

static int handle(wsm_hub *hub, const wsm__inbox_item *item) {
    if (!takes_kept[item->kind].is_carried_out) return carry_out(hub, item);
    wsm__mem_open(&hub->mem, true);
    int err = carry_out(hub, item);
    wsm__mem_open(&hub->mem, false);
    return err;
}

/* Over to the next one that is looked at ahead. */
static void ahead_to(wsm_hub *hub, wsm__inbox_item *item) {
    hub->ahead = item;
    hub->ahead_done = 0;
    if (item) hub->ahead_bytes += item->size;
}

const wsm_record *wsm__inbox_ahead(wsm_hub *hub, bool *has_ended) {
    take(hub);
    if (!hub->ahead) ahead_to(hub, hub->backlog);
    for (wsm__inbox_item *item; (item = hub->ahead) != NULL; ahead_to(hub, item->next)) {
        const wsm_record *records = (const wsm_record *)(const void *)item->rest;
        *has_ended = item->kind == ITEM_READY;
        if (*has_ended) return NULL;
        if (item->kind == ITEM_DELIVER && hub->ahead_done < item->count) return &records[hub->ahead_done];
        if (!item->next) return NULL; /* it stays here */
    }
    return NULL;
}

static void drop_first(wsm_hub *hub) {
    wsm__inbox_item *item = hub->backlog;
    if (hub->ahead) hub->ahead_bytes -= item->size; /* it was looked at first */
    if (hub->ahead == item) ahead_to(hub, item->next);
    hub->backlog = item->next;
    hub->backlog_done = 0;
    if (item->kind == ITEM_SUBMIT) atomic_fetch_sub(&hub->inbox_count, 1);
    if (item->kind == ITEM_DELIVER) atomic_fetch_sub(&hub->inbox_records, 1);
    if (item->kind == ITEM_SNAPSHOT) atomic_store(&hub->inbox_snapshot, false);
    wsm__free(&hub->mem, item, item->size);
}

/* The first of the backlog waits for records that are read again: their page overtakes it. WSM_ERR_PENDING: it has not
 * come. */
static int take_missing(wsm_hub *hub) {
    take(hub);
    wsm__inbox_item *before = hub->backlog, *item;
    for (; (item = before->next) != NULL; before = item)
        if (item->kind == ITEM_PAGE && item->id == hub->hole.read_id) break;
    if (!item || hub->hole.state == WSM__HOLE_NONE) return WSM_ERR_PENDING;
    int err = wsm__hole_page(hub, (const wsm_record *)(const void *)item->rest, item->count, item->outcome);
    if (err) return err;
    before->next = item->next;
    if (hub->backlog_last == item) hub->backlog_last = before;
    wsm__free(&hub->mem, item, item->size);
    return WSM_OK;
}

int wsm__inbox_drain(wsm_hub *hub, uint32_t quantum) {
    take(hub);
    while (hub->backlog) {
        if (quantum-- == 0) return 1;
        int err = handle(hub, hub->backlog);
        if (err == WSM_ERR_PENDING) {
            err = take_missing(hub);
            if (!err) continue;
        }
        if (err == WSM_ERR_PENDING) return 0;
        if (err == WSM_ERR_NOMEM) {
            hub->count.no_memory++;
            wsm__turn_chores_soon(hub, RETRY_MS);
            return 0;
        }
        drop_first(hub);
        if (!hub->backlog) take(hub);
    }
    return 0;
}

void wsm__inbox_drop_all(wsm_hub *hub) {
    take(hub);
    while (hub->backlog) drop_first(hub);
}
