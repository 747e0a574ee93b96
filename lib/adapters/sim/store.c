/* The log of a machine: batches wait, are written as a group, synced as a group (a durable log) and delivered; then the
 * hub hears how its append ended. What is written and not synced may be lost at a crash, from the end. Everything that
 * the hub is told goes through one list of news, so that its order can be disturbed in the ways that the contract
 * allows.
 *
 * A log that is not durable delivers what is only written; it starts anew, with a new epoch, after a crash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define RETRY_NS (5ull * WSM__SIM_MS)
#define TELLERS  8u /* heads that tell the same */

static void begin_write(wsm__sim_store *store);

static void new_epoch(wsm__sim_store *store) {
    wsm_sim *sim = store->node->sim;
    uint64_t n = (sim->seed + 1) * 0x9e3779b97f4a7c15u ^ (++store->epochs * 0xd1342543de82ef95u + store->node->idx);
    snprintf(store->epoch, sizeof store->epoch, "%016llx", (unsigned long long)n);
}

void wsm__sim_store_init(wsm__sim_store *store, wsm__sim_machine *node) {
    *store = (wsm__sim_store){.node = node, .is_durable = true, .was_clean = true};
    store->queue_end = &store->queue;
    store->news_end = &store->news;
    store->chores_end = &store->chores;
    new_epoch(store);
}

static void free_batch(wsm__sim_batch *batch, bool with_bytes) {
    for (size_t i = 0; batch && with_bytes && i < batch->count; i++) free(batch->records[i].bytes);
    free(batch);
}

static void free_batches(wsm__sim_batch **list) {
    while (*list) {
        wsm__sim_batch *batch = *list;
        *list = batch->next;
        free_batch(batch, true);
    }
}

void wsm__sim_store_forget(wsm__sim_store *store) {
    free_batches(&store->queue);
    free_batches(&store->writing); /* the world ends, or the hub that has not started, with a write under way */
    store->queue_end = &store->queue;
    while (store->news) {
        wsm__sim_news *next = store->news->next;
        free(store->news);
        store->news = next;
    }
    store->news_end = &store->news;
    wsm__sim_store_drop_chores(store);
    store->saved_to = 0;
    store->news_due = store->is_busy = store->is_open = false;
    store->life++;
}

static void cut_to(wsm__sim_store *store, uint64_t count) {
    while (store->count > count) free(store->records[--store->count].bytes);
    if (store->synced > count) store->synced = count;
}

static void drop_snaps(wsm__sim_store *store) {
    free(store->snap.bytes);
    store->snap = (wsm__sim_snap){0};
}

void wsm__sim_store_fini(wsm__sim_store *store) {
    wsm__sim_store_forget(store);
    cut_to(store, 0);
    drop_snaps(store);
    free(store->records);
}

uint64_t wsm__sim_store_latency(wsm__sim_store *store, uint64_t base_us) {
    wsm_sim *sim = store->node->sim;
    uint64_t ns = base_us * 1000;
    if (ns) ns = ns / 2 + wsm__sim_draw(sim, WSM__SIM_STORE, 32) * ns / 32;
    if (wsm__sim_fails(sim, WSM_SIM_STORE_SLOW, WSM__SIM_STORE))
        ns += (1 + wsm__sim_draw(sim, WSM__SIM_STORE, 100)) * 100ull * WSM__SIM_MS;
    return ns;
}

/* ---- news -----------------------------------------------------------------------------------------------------------
 */

static void tell_all(wsm_sim *sim, void *object, uint64_t life) {
    wsm__sim_store *store = object;
    (void)sim;
    if (store->life != life) return;
    store->news_due = false;
    while (store->news && store->life == life && wsm__sim_machine_enter(store->node, store->node->life)) {
        int err = wsm__sim_store_news(store, store->news);
        bool is_same = store->life == life;
        wsm__sim_machine_leave(store->node);
        if (!is_same || store->life != life) return;
        if (err == WSM_ERR_NOMEM) { /* it was not taken, or not all of it */
            store->news_due = true;
            wsm__sim_in(store->node->sim, RETRY_NS, tell_all, store, life);
            return;
        }
        wsm__sim_news *next = store->news->next;
        free(store->news);
        store->news = next;
        if (!next) store->news_end = &store->news;
    }
}

void wsm__sim_store_tell(wsm__sim_store *store, wsm__sim_news news) {
    wsm__sim_news *item = wsm__sim_zalloc(sizeof *item);
    *item = news;
    item->next = NULL;
    *store->news_end = item;
    store->news_end = &item->next;
    if (store->news_due) return;
    store->news_due = true;
    wsm__sim_in(store->node->sim, 0, tell_all, store, store->life);
}

/* Records from..to have been kept, and the append of `id` (0: none) has ended: in one order or the other, once or, what
 * is delivered, twice. */
static void tell_kept(wsm__sim_store *store, uint64_t id, uint64_t from, uint64_t to, int outcome) {
    wsm_sim *sim = store->node->sim;
    wsm__sim_news deliver = {.kind = WSM__SIM_NEWS_DELIVER, .from = from, .to = to};
    wsm__sim_news done = {.kind = WSM__SIM_NEWS_DONE, .id = id, .outcome = outcome};
    bool odd = wsm__sim_fails(sim, WSM_SIM_STORE_ORDER, WSM__SIM_STORE);
    uint32_t how = odd ? 1 + wsm__sim_draw(sim, WSM__SIM_STORE, 3) : 0;
    if (how == 1 && id) wsm__sim_store_tell(store, done);
    wsm__sim_store_tell(store, deliver);
    if (how == 2) wsm__sim_store_tell(store, deliver);
    if (how != 1 && id) wsm__sim_store_tell(store, done);
    if (how == 3 && id) wsm__sim_store_tell(store, done);
    if (how == 3) wsm__sim_store_tell(store, deliver);
}

/* ---- appending ------------------------------------------------------------------------------------------------------
 */

static void keep(wsm__sim_store *store, wsm__sim_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        if (store->count == store->cap) {
            store->cap = store->cap ? store->cap * 2 : 64;
            store->records = wsm__sim_resize(store->records, store->cap * sizeof *store->records);
        }
        store->records[store->count++] = batch->records[i];
        if (store->first == 0) store->first = store->count;
    }
}

/* The group is written and, if the log is durable, synced: tell of each batch. `from` is the offset before it. */
static void tell_group(wsm__sim_store *store, uint64_t from, int outcome) {
    while (store->writing) {
        wsm__sim_batch *batch = store->writing;
        store->writing = batch->next;
        tell_kept(store, batch->id, from + 1, from + batch->count, outcome);
        from += batch->count;
        free_batch(batch, false);
    }
    store->delivered = from;
}

static void fail_group(wsm__sim_store *store, bool with_bytes) {
    store->node->sim->oracle.store_failed = true;
    while (store->writing) {
        wsm__sim_batch *batch = store->writing;
        store->writing = batch->next;
        wsm__sim_store_tell(store,
                            (wsm__sim_news){.kind = WSM__SIM_NEWS_DONE, .id = batch->id, .outcome = WSM_ERR_LOG_IO});
        free_batch(batch, with_bytes);
    }
}

static void finish(wsm_sim *sim, void *object, uint64_t life) {
    wsm__sim_store *store = object;
    if (store->life != life) return;
    store->is_busy = false;
    if (store->is_full) wsm__sim_mark(sim, WSM_SIM_DISK_FULL);
    if (store->is_full || wsm__sim_fails(sim, WSM_SIM_STORE_FAIL, WSM__SIM_STORE)) {
        fail_group(store, true);
        begin_write(store);
        return;
    }
    uint64_t from = store->count;
    for (wsm__sim_batch *batch = store->writing; batch; batch = batch->next) keep(store, batch);
    if (!store->is_durable) {
        tell_group(store, from, WSM_LOG_WRITTEN);
    } else if (wsm__sim_fails(sim, WSM_SIM_SYNC_FAIL, WSM__SIM_STORE)) {
        bool kept =
            wsm__sim_draw(sim, WSM__SIM_STORE, 2) == 1; /* what was kept after all appears before the next append */
        fail_group(store, false);
        for (uint64_t i = from; i < store->count; i++) store->records[i].was_failed = true;
        if (kept)
            store->synced = store->count;
        else
            cut_to(store, from);
    } else {
        store->synced = store->count;
        tell_group(store, from, WSM_LOG_SYNCED);
    }
    begin_write(store);
}

/* Between written and synced a crash may come. */
static void sync_later(wsm_sim *sim, void *object, uint64_t life) {
    wsm__sim_store *store = object;
    if (store->life == life) wsm__sim_in(sim, wsm__sim_store_latency(store, sim->store_us / 2), finish, store, life);
}

static void begin_write(wsm__sim_store *store) {
    wsm_sim *sim = store->node->sim;
    if (store->is_busy || !store->queue) return;
    if (store->delivered < store->count) { /* kept after a sync that failed */
        tell_kept(store, 0, store->delivered + 1, store->count, 0);
        store->delivered = store->count;
    }
    store->writing = store->queue;
    store->queue = NULL;
    store->queue_end = &store->queue;
    store->is_busy = true;
    wsm__sim_in(sim, wsm__sim_store_latency(store, sim->store_us), sync_later, store, store->life);
}

static int append(void *user, uint64_t append_id, const wsm_vec *records, size_t count) {
    wsm__sim_store *store = user;
    wsm_sim *sim = store->node->sim;
    static const int refusals[] = {WSM_ERR_BUSY, WSM_ERR_STORE_FAILED, WSM_ERR_NOMEM, WSM_ERR_LOG_IO};
    if (store->node->dying) return WSM_ERR_STORE_FAILED;
    if (wsm__sim_fails(sim, WSM_SIM_STORE_REFUSE, WSM__SIM_STORE)) {
        int err = refusals[wsm__sim_draw(sim, WSM__SIM_STORE, 4)];
        sim->oracle.store_failed = true;
        if (err == WSM_ERR_NOMEM) sim->oracle.memory_failed = true;
        return err;
    }
    wsm__sim_batch *batch = wsm__sim_zalloc(sizeof *batch + count * sizeof batch->records[0]);
    batch->id = append_id;
    batch->count = count;
    for (size_t i = 0; i < count; i++) {
        batch->records[i].bytes = wsm__sim_copy(records[i].base, records[i].len);
        batch->records[i].len = (uint32_t)records[i].len;
        batch->records[i].at = wsm_hub_position(store->node->hub, NULL);
    }
    *store->queue_end = batch;
    store->queue_end = &batch->next;
    begin_write(store);
    return WSM_OK;
}

/* ---- the end of a process
 * -------------------------------------------------------------------------------------------- */

/* `writing` batches that were not kept yet: some of them may have reached the disk, in order, the last one torn. */
static void lose(wsm__sim_store *store) {
    wsm_sim *sim = store->node->sim;
    size_t pending = 0;
    for (wsm__sim_batch *batch = store->writing; batch; batch = batch->next) pending++;
    uint32_t kept = wsm__sim_draw(sim, WSM__SIM_STORE, (uint32_t)pending + 1);
    while (store->writing) {
        wsm__sim_batch *batch = store->writing;
        store->writing = batch->next;
        bool stays = kept > 0 && store->is_durable;
        if (stays) {
            keep(store, batch);
            kept--;
        }
        free_batch(batch, !stays);
    }
}

static void keep_all(wsm__sim_store *store, wsm__sim_batch **list) {
    while (*list) {
        wsm__sim_batch *batch = *list;
        *list = batch->next;
        keep(store, batch);
        free_batch(batch, false);
    }
}

/* What follows from a record about sidebars, or from a mention, goes with it, and the model does not unfold. What a
 * card made known the records that name the agent say, too. */
static bool may_break(const wsm__sim_store *store, const wsm__sim_entry *entry, uint64_t offset) {
    const wsm_sim *sim = store->node->sim;
    bool is_plain = entry && entry->state != WSM__SIM_ENTRY_NONE && entry->op == WSM__SIM_OP_UPDATE;
    return (!sim->sides_max && !sim->mail) || is_plain || wsm__sim_mail_is_card(&store->records[offset - 1]);
}

/* Cards are few, and one that breaks is worth more than an update that does. */
static uint64_t card_before(const wsm__sim_store *store, uint64_t at) {
    for (uint64_t o = at; o >= store->first && o > 0; o--)
        if (wsm__sim_mail_is_card(&store->records[o - 1]) && !store->records[o - 1].is_broken) return o;
    return at;
}

static void break_record(wsm__sim_store *store, uint64_t at) {
    wsm_sim *sim = store->node->sim;
    if ((sim->sides_max || sim->mail) && wsm__sim_draw(sim, WSM__SIM_STORE, 4) == 1) at = card_before(store, at);
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&sim->oracle, store->epoch);
    wsm__sim_entry *entry = epoch ? wsm__sim_oracle_entry(epoch, at) : NULL;
    if (!may_break(store, entry, at)) return;
    store->records[at - 1].is_broken = true;
    if (entry && entry->state == WSM__SIM_ENTRY_RECORD) {
        entry->state = WSM__SIM_ENTRY_BROKEN;
        epoch->broken++;
        if (entry->command != WSM__SIM_NOBODY) sim->oracle.commands[entry->command].effects--;
    }
    if (wsm__sim_mail_is_card(&store->records[at - 1]))
        wsm__sim_mail_card_broke(store->node);
    else
        wsm__sim_mail_broke(sim);
    wsm__sim_say(sim, "record %llu of %s is broken", (unsigned long long)at, store->epoch);
}

void wsm__sim_store_crash(wsm__sim_store *store, bool is_clean) {
    wsm_sim *sim = store->node->sim;
    if (is_clean) { /* close waits for what was appended */
        keep_all(store, &store->writing);
        keep_all(store, &store->queue);
        wsm__sim_store_do_chores(store);
    }
    lose(store);
    wsm__sim_store_forget(store);
    store->was_clean = is_clean;
    if (!store->is_durable && !is_clean) { /* what was shown may be gone: nobody may take the rest for the whole */
        wsm__sim_epoch *lost = wsm__sim_oracle_epoch(&sim->oracle, store->epoch);
        if (lost) lost->lost_from = wsm__sim_store_readable(store);
        cut_to(store, 0);
        drop_snaps(store);
        store->first = store->synced = store->let_go = 0;
        new_epoch(store);
        return;
    }
    store->synced = store->count;
    bool has_any = store->count > 0 && store->first <= store->count;
    if (!is_clean && has_any && wsm__sim_fails(sim, WSM_SIM_BAD_RECORD, WSM__SIM_STORE)) {
        uint64_t low = store->first, at = low + wsm__sim_draw(sim, WSM__SIM_STORE, (uint32_t)(store->count - low + 1));
        break_record(store, at);
    }
}

/* The first record that can be read of those whose hubs had applied this one tells what became of it. A hub tells what
 * is unusual TELLERS times: if so many before that first one are broken, they may have been those. */
static bool is_told(const wsm__sim_store *store, uint64_t offset) {
    unsigned broken = 0;
    for (uint64_t i = offset; i < store->count; i++) {
        const wsm__sim_kept *later = &store->records[i];
        if (!later->is_broken && later->at >= offset) return broken < TELLERS;
        if (later->is_broken) broken++;
    }
    return false;
}

/* Nothing in the log says what became of this record, and one that is broken, or as vague, stands between it and what
 * its own hub had applied (tests/sim/FOUND.md). */
bool wsm__sim_store_is_vague(const wsm__sim_store *store, uint64_t offset) {
    uint64_t vague = 0;
    for (uint64_t o = 1; o <= offset && o <= store->count; o++) {
        const wsm__sim_kept *kept = &store->records[o - 1];
        if (kept->is_broken || (kept->at < vague && !is_told(store, o))) vague = o;
    }
    return vague == offset && offset <= store->count && !store->records[offset - 1].is_broken;
}

static void close_log(void *user) {
    wsm__sim_store *store = user;
    if (store->node->dying) return; /* a process that died closed nothing */
    store->is_open = false;
}

void wsm__sim_store_log(wsm__sim_store *store, wsm_log *log) {
    wsm_log_init(log, sizeof *log);
    log->user = store;
    log->open = wsm__sim_store_open;
    log->append = append;
    log->read = store->node->cannot_read ? NULL : wsm__sim_store_read;
    log->save = wsm__sim_store_save;
    log->trim = store->trims ? wsm__sim_store_trim : NULL;
    log->close = close_log;
}
