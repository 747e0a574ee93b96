/* The worker. Each turn takes what waits and does it in this order: load (a hub has come), repair (a write has failed),
 * one commit for all appends, a few reads, the snapshot, one step of retention. While a commit waits for the disk the
 * next appends gather; that is all there is to group commit.
 *
 * A hub without memory answers WSM_ERR_NOMEM: the worker tries again until it is heard, or until the hub is closing.
 * The records are on the disk meanwhile, and the queue in front of the worker has an end. */
#define _POSIX_C_SOURCE 200809L
#include "worker.h"

#include <signal.h>
#include <time.h>

#define PAGE_RECORDS      1024               /* per delivery while loading */
#define PAGE_BYTES        ((size_t)32 << 10) /* a hub may have little memory, and this is held twice */
#define READS_PER_TURN    8                  /* so that appends do not wait behind a crowd that replays */
#define TELL_WAIT_MS_MAX  100
#define REPAIR_WAIT_MS    50
#define REPAIR_WAIT_MAX   1000
#define RETAIN_WAIT_MS    500 /* removals after an append are gathered */
#define RETAIN_FAILED_MS  60000
#define RETAIN_AGE_MS_MAX 60000 /* how often ages are looked at */
#define NEVER             ((int64_t)-1)

/* What one turn takes from the handle. */
typedef struct work {
    wsm_hub *hub; /* NULL: none is here */
    bool load, closing, stop;
    wsm__sqlite_batch *batches;
    wsm__sqlite_read *reads;
    wsm__sqlite_snapshot save;
} work;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(int64_t ms) {
    struct timespec wait = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&wait, NULL);
}

static bool is_closing(wsm_sqlite *db) {
    pthread_mutex_lock(&db->mutex);
    bool closing = db->state == WSM__SQLITE_HUB_CLOSING;
    pthread_mutex_unlock(&db->mutex);
    return closing;
}

/* After a call that answered `err`: whether to make it again. Has slept if so; `*wait_ms` begins at 0. */
static bool again(wsm_sqlite *db, int err, int64_t *wait_ms) {
    if (err == 0) return false;
    if (err != WSM_ERR_NOMEM) {
        wsm__sqlite_say_line(&db->store.say, WSM_LEVEL_ERROR, "%s: the hub refused an answer (%d)", db->path, err);
        return false;
    }
    if (is_closing(db)) return false;
    *wait_ms = *wait_ms == 0 ? 1 : *wait_ms * 2;
    if (*wait_ms > TELL_WAIT_MS_MAX) *wait_ms = TELL_WAIT_MS_MAX;
    sleep_ms(*wait_ms);
    return true;
}

static void tell_deliver(wsm_sqlite *db, wsm_hub *hub, const wsm_record *records, size_t count) {
    int64_t wait_ms = 0;
    while (again(db, db->calls.deliver(hub, records, count), &wait_ms)) {
    }
    db->delivered = records[count - 1].offset;
}

static void tell_done(wsm_sqlite *db, wsm_hub *hub, uint64_t append_id, int outcome) {
    int64_t wait_ms = 0;
    while (again(db, db->calls.done(hub, append_id, outcome), &wait_ms)) {
    }
}

static void tell_page(wsm_sqlite *db, wsm_hub *hub, uint64_t read_id, const wsm__sqlite_page *page, int outcome) {
    int64_t wait_ms = 0;
    size_t count = outcome == 0 ? page->count : 0;
    while (again(db, db->calls.page(hub, read_id, page->records, count, outcome), &wait_ms)) {
    }
}

static void tell_ready(wsm_sqlite *db, wsm_hub *hub, int outcome) {
    int64_t wait_ms = 0;
    wsm_log_info info = {
        .size = sizeof info,
        .epoch = db->store.epoch,
        .first_offset = db->store.first,
        .last_offset = db->store.last,
        .durable = 1,
    };
    while (again(db, db->calls.ready(hub, &info, outcome), &wait_ms)) {
    }
}

/* Deliver what the store has and the hub has not, in pages. */
static int deliver_rest(wsm_sqlite *db, wsm_hub *hub) {
    wsm__sqlite_page page = {0};
    int err = 0;
    while (err == 0 && db->delivered < db->store.last && !is_closing(db)) {
        int64_t wait_ms = 0;
        do {
            err = wsm__sqlite_page_read(&db->store, &page, db->delivered + 1, db->store.last, PAGE_RECORDS, PAGE_BYTES);
        } while (err == WSM_ERR_NOMEM && again(db, err, &wait_ms));
        if (err == 0) tell_deliver(db, hub, page.records, page.count);
    }
    wsm__sqlite_page_fini(&page);
    return err;
}

static int load_snapshot(wsm_sqlite *db, wsm_hub *hub) {
    wsm__sqlite_snapshot snapshot;
    int64_t wait_ms = 0;
    int err;
    do {
        err = wsm__sqlite_snapshot_load(&db->store, &snapshot);
    } while (err == WSM_ERR_NOMEM && again(db, err, &wait_ms));
    if (err) return err;
    wait_ms = 0;
    while (snapshot.bytes &&
           again(db, db->calls.snapshot(hub, snapshot.offset, snapshot.bytes, snapshot.len), &wait_ms)) {
    }
    sqlite3_free(snapshot.bytes);
    db->delivered = snapshot.offset;
    return 0;
}

static void load(wsm_sqlite *db, wsm_hub *hub) {
    db->delivered = 0;
    int err = load_snapshot(db, hub);
    if (err == 0) err = deliver_rest(db, hub);
    db->loaded = err == 0;
    if (err) {
        wsm__sqlite_say_line(&db->store.say, WSM_LEVEL_ERROR, "%s: the log cannot be loaded (%d)", db->path, err);
    }
    /* A hub that closed meanwhile has not had everything, and does not want to know. */
    if (!is_closing(db)) tell_ready(db, hub, err);
}

/* Open a broken store again. What was kept although its append was called a failure is delivered now. */
static void repair(wsm_sqlite *db, const work *turn) {
    if (!db->store.broken || (now_ms() < db->repair_at && !turn->load && !turn->closing)) return;
    char why[1024];
    if (wsm__sqlite_store_reopen(&db->store, why, sizeof why) == 0) {
        db->repair_wait = REPAIR_WAIT_MS;
        if (turn->hub && db->loaded) deliver_rest(db, turn->hub);
        return;
    }
    if (db->repair_wait == REPAIR_WAIT_MS) wsm__sqlite_say_line(&db->store.say, WSM_LEVEL_ERROR, "%s", why);
    db->repair_at = now_ms() + db->repair_wait;
    db->repair_wait = db->repair_wait * 2 < REPAIR_WAIT_MAX ? db->repair_wait * 2 : REPAIR_WAIT_MAX;
}

static void count_outcomes(wsm_sqlite *db, const wsm__sqlite_batch *batches, bool committed) {
    uint64_t failures = 0, records = 0;
    pthread_mutex_lock(&db->mutex);
    for (const wsm__sqlite_batch *batch = batches; batch; batch = batch->next) {
        failures += batch->outcome != 0;
        records += batch->outcome == 0 ? batch->count : 0;
        db->stats.queued -= batch->count;
        db->queued_bytes -= batch->bytes;
    }
    db->stats.commits += committed;
    db->stats.records += records;
    db->stats.failures += failures;
    pthread_mutex_unlock(&db->mutex);

    if (failures == 0 && db->failing > 0) {
        wsm__sqlite_say_line(&db->store.say, WSM_LEVEL_INFO, "%s: appends work again; %llu failed", db->path,
                             (unsigned long long)db->failing);
        db->failing = 0;
    }
    db->failing += failures;
}

static void deliver_batches(wsm_sqlite *db, wsm_hub *hub, const wsm__sqlite_batch *batches) {
    for (const wsm__sqlite_batch *batch = batches; batch; batch = batch->next) {
        if (batch->outcome != 0 || batch->records[0].offset <= db->delivered) continue;
        /* What a repair could not read is owed still. If it cannot be read now either, the hub notices the hole. */
        if (batch->records[0].offset > db->delivered + 1 && deliver_rest(db, hub) == 0) continue;
        tell_deliver(db, hub, batch->records, batch->count);
    }
}

/* One transaction for all that waited; then the records, then the ends of the appends. */
static void commit(wsm_sqlite *db, wsm_hub *hub, wsm__sqlite_batch *batches) {
    if (!batches) return;
    bool committed = false;
    if (db->loaded) {
        committed = wsm__sqlite_store_append(&db->store, batches) == 0;
    } else {
        for (wsm__sqlite_batch *batch = batches; batch; batch = batch->next) batch->outcome = WSM_ERR_STORE_FAILED;
    }
    if (committed && db->retain_at == NEVER) db->retain_at = now_ms() + RETAIN_WAIT_MS;
    deliver_batches(db, hub, batches);
    count_outcomes(db, batches, committed);
    while (batches) {
        wsm__sqlite_batch *batch = batches;
        batches = batch->next;
        tell_done(db, hub, batch->append_id, batch->outcome == 0 ? WSM_LOG_SYNCED : batch->outcome);
        sqlite3_free(batch);
    }
}

static void answer_reads(wsm_sqlite *db, const work *turn) {
    wsm__sqlite_page page = {0};
    wsm__sqlite_read *next;
    for (wsm__sqlite_read *read = turn->reads; read; read = next) {
        next = read->next;
        int outcome = WSM_ERR_SHUTTING_DOWN;
        if (!turn->closing) {
            uint64_t from = read->from < db->store.first ? db->store.first : read->from;
            uint64_t to = db->store.first == 0 ? 0 : read->to;
            outcome = wsm__sqlite_page_read(&db->store, &page, from, to, read->records_max, read->bytes_max);
        }
        tell_page(db, turn->hub, read->read_id, &page, outcome);
        sqlite3_free(read);
    }
    wsm__sqlite_page_fini(&page);
}

static void save(wsm_sqlite *db, wsm__sqlite_snapshot *snapshot) {
    if (!snapshot->bytes) return;
    if (snapshot->offset > db->store.last || db->store.broken) {
        wsm__sqlite_say_line(&db->store.say, WSM_LEVEL_ERROR, "%s: the snapshot at offset %llu was not kept", db->path,
                             (unsigned long long)snapshot->offset);
    } else {
        wsm__sqlite_snapshot_save(&db->store, snapshot->offset, snapshot->bytes, snapshot->len);
        db->retain_at = now_ms(); /* it may have let records go */
    }
    sqlite3_free(snapshot->bytes);
}

static void retain(wsm_sqlite *db) {
    int64_t now = now_ms();
    if (db->retain_at == NEVER || now < db->retain_at) return;
    int more = wsm__sqlite_retain_step(&db->store, (int64_t)time(NULL));
    if (more < 0) {
        db->retain_at = now + RETAIN_FAILED_MS;
    } else if (more > 0) {
        db->retain_at = now;
    } else if (db->store.age_s > 0) {
        uint64_t wait_s = 1 + db->store.age_s / 8;
        db->retain_at = now + (wait_s < RETAIN_AGE_MS_MAX / 1000 ? (int64_t)wait_s * 1000 : RETAIN_AGE_MS_MAX);
    } else {
        db->retain_at = NEVER;
    }
}

/* When the worker has to wake up by itself; NEVER: not before there is work. */
static int64_t deadline(const wsm_sqlite *db) {
    if (!db->store.broken) return db->retain_at;
    return db->retain_at == NEVER || db->repair_at < db->retain_at ? db->repair_at : db->retain_at;
}

static bool has_work(const wsm_sqlite *db) {
    return db->stop || db->state == WSM__SQLITE_HUB_OPENING || db->state == WSM__SQLITE_HUB_CLOSING || db->batches ||
           db->reads || db->save.bytes || db->trim_to > db->store.trim_to;
}

/* Wait until there is something to do. The mutex is held. */
static void wait_for_work(wsm_sqlite *db) {
    while (!has_work(db)) {
        int64_t until = deadline(db);
        if (until == NEVER) {
            pthread_cond_wait(&db->work, &db->mutex);
            continue;
        }
        if (now_ms() >= until) return;
        struct timespec at = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
        pthread_cond_timedwait(&db->work, &db->mutex, &at);
    }
}

static wsm__sqlite_read *reads_take(wsm_sqlite *db) {
    wsm__sqlite_read *first = db->reads, **end = &first;
    for (int i = 0; i < READS_PER_TURN && *end; i++) {
        end = &(*end)->next;
        db->reads_count--;
    }
    db->reads = *end;
    *end = NULL;
    if (!db->reads) db->reads_end = &db->reads;
    return first;
}

static void turn_take(wsm_sqlite *db, work *turn) {
    pthread_mutex_lock(&db->mutex);
    wait_for_work(db);
    turn->load = db->state == WSM__SQLITE_HUB_OPENING;
    if (turn->load) db->state = WSM__SQLITE_HUB_OPEN;
    turn->hub = db->hub;
    turn->closing = db->state == WSM__SQLITE_HUB_CLOSING;
    turn->stop = db->stop && db->state == WSM__SQLITE_HUB_NONE;
    turn->batches = db->batches;
    db->batches = NULL;
    db->batches_end = &db->batches;
    turn->reads = reads_take(db);
    turn->save = db->save;
    db->save = (wsm__sqlite_snapshot){0};
    if (db->trim_to > db->store.trim_to) {
        db->store.trim_to = db->trim_to;
        db->retain_at = now_ms();
    }
    pthread_mutex_unlock(&db->mutex);
}

/* Publish the counters; let the hub go if it is closing and nothing waits any more. */
static void turn_end(wsm_sqlite *db, const work *turn) {
    pthread_mutex_lock(&db->mutex);
    db->stats.corrupt = db->store.corrupt;
    if (turn->closing && !db->batches && !db->reads && !db->save.bytes) {
        db->state = WSM__SQLITE_HUB_NONE;
        db->hub = NULL;
        db->loaded = false;
        db->trim_to = db->store.trim_to = 0;
        pthread_cond_broadcast(&db->idle);
    }
    pthread_mutex_unlock(&db->mutex);
}

static void *run(void *arg) {
    wsm_sqlite *db = arg;
    work turn;
    do {
        turn_take(db, &turn);
        repair(db, &turn);
        if (turn.load) load(db, turn.hub);
        commit(db, turn.hub, turn.batches);
        answer_reads(db, &turn);
        save(db, &turn.save);
        retain(db);
        turn_end(db, &turn);
    } while (!turn.stop);
    return NULL;
}

int wsm__sqlite_worker_start(wsm_sqlite *db) {
    db->repair_wait = REPAIR_WAIT_MS;
    db->retain_at = now_ms() + RETAIN_WAIT_MS;
    /* Signals are the program's business, on its own threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&db->thread, NULL, run, db);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err == 0 ? 0 : WSM_ERR_LOG_IO;
}

void wsm__sqlite_worker_stop(wsm_sqlite *db) {
    pthread_mutex_lock(&db->mutex);
    db->stop = true;
    if (db->state != WSM__SQLITE_HUB_NONE) db->state = WSM__SQLITE_HUB_CLOSING;
    pthread_cond_signal(&db->work);
    pthread_mutex_unlock(&db->mutex);
    pthread_join(db->thread, NULL);
}

void wsm__sqlite_calls_set(wsm_sqlite *db, const wsm__sqlite_calls *calls) {
    db->calls = *calls;
}
