/* The toy's storage is a list of records, of which the first `synced` survive a crash, and a snapshot. Appends, reads
 * and saves wait in one queue; toy_pump does one of them. Without sync an append ends as written; the storage then
 * syncs by itself now and then, and a crash that takes what was delivered makes a new epoch. */
#include "toy_log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct blob {
    char *bytes;
    size_t len;
    uint64_t number; /* of the append it came with */
} blob;

typedef enum job_kind { JOB_LOAD, JOB_APPEND, JOB_READ, JOB_SAVE, JOB_TRIM } job_kind;

typedef struct job {
    struct job *next;
    job_kind kind;
    uint64_t id, from, to, number;
    size_t records_max, bytes_max, count;
    blob *blobs;
    wsm_vec *borrowed;
} job;

struct toy_log {
    toy_bug bug;
    bool syncs;

    blob records[8192]; /* [offset - 1] */
    uint64_t count, synced, first, shown, epoch_number, appends;
    blob snapshot, old_snapshot;
    uint64_t snapshot_at, old_snapshot_at;
    bool lost, failing, broken;

    wsm_hub *hub, *gone;
    bool open, loaded;
    uint64_t delivered;
    job *jobs, **jobs_end;
};

#define NAME(name, rule) [TOY_##name] = #name,
#define RULE(name, rule) [TOY_##name] = rule,

const char *toy_bug_name(toy_bug bug) {
    static const char *const names[] = {[TOY_HONEST] = "HONEST", TOY_BUGS(NAME)};
    return names[bug];
}

const char *toy_bug_rule(toy_bug bug) {
    static const char *const names[] = {[TOY_HONEST] = "", TOY_BUGS(RULE)};
    return names[bug];
}

static blob blob_copy(const void *bytes, size_t len, uint64_t number) {
    blob copy = {malloc(len + 1), len, number};
    memcpy(copy.bytes, bytes, len);
    return copy;
}

static void blob_free(blob *it) {
    free(it->bytes);
    *it = (blob){0};
}

static void job_free(job *it) {
    for (size_t i = 0; i < it->count; i++) blob_free(&it->blobs[i]);
    free(it->blobs);
    free(it->borrowed);
    free(it);
}

static job *job_add(toy_log *toy, job_kind kind) {
    job *it = calloc(1, sizeof *it);
    it->kind = kind;
    *toy->jobs_end = it;
    toy->jobs_end = &it->next;
    return it;
}

static void jobs_drop(toy_log *toy) {
    while (toy->jobs) {
        job *it = toy->jobs;
        toy->jobs = it->next;
        job_free(it);
    }
    toy->jobs_end = &toy->jobs;
}

/* ---- storage ---- */

static void cut_to(toy_log *toy, uint64_t count) {
    if (count < toy->shown) toy->lost = true;
    while (toy->count > count) blob_free(&toy->records[--toy->count]);
    if (toy->shown > count) toy->shown = count;
}

static int toy_fresh(void *user) {
    toy_log *toy = user;
    jobs_drop(toy);
    for (uint64_t i = 0; i < toy->count; i++) blob_free(&toy->records[i]);
    blob_free(&toy->snapshot);
    blob_free(&toy->old_snapshot);
    toy->count = toy->synced = toy->shown = toy->snapshot_at = toy->old_snapshot_at = 0;
    toy->first = 1;
    toy->lost = toy->failing = toy->broken = false;
    toy->gone = NULL;
    toy->epoch_number++;
    toy->appends = 0;
    return 0;
}

static void toy_fail(void *user, int on) {
    toy_log *toy = user;
    toy->failing = on;
    if (toy->bug == TOY_STAYS_BROKEN && on) toy->broken = true;
}

/* Power is lost: what was not synced goes, from some append on. */
static void toy_crash(void *user) {
    toy_log *toy = user;
    jobs_drop(toy);
    toy->open = false;
    toy->gone = toy->hub;
    uint64_t left = toy->synced + (toy->count - toy->synced) / 2;
    while (left > toy->synced && left < toy->count && toy->records[left].number == toy->records[left - 1].number)
        left--;
    if (toy->bug == TOY_TORN_BATCH && toy->count > 1 &&
        toy->records[toy->count - 1].number == toy->records[toy->count - 2].number)
        left = toy->count - 1;
    if (toy->bug == TOY_SYNCED_IS_NOT && toy->count > 0) left = 0;
    cut_to(toy, left);
    if (toy->bug == TOY_RECOVERS_OTHERS && toy->count > 1) {
        blob last = toy->records[toy->count - 1];
        toy->records[toy->count - 1] = toy->records[toy->count - 2];
        toy->records[toy->count - 2] = last;
    }
    if (toy->bug == TOY_EPOCH_STAYS) toy->lost = false;
    toy->synced = toy->count;
    if (toy->snapshot_at > toy->count) blob_free(&toy->snapshot), toy->snapshot_at = 0;
}

/* ---- the way back ---- */

static void deliver(toy_log *toy, uint64_t from, uint64_t to) {
    wsm_record *records = calloc(to - from + 1, sizeof *records);
    size_t count = 0;
    for (uint64_t o = from; o <= to; o++)
        records[count++] = (wsm_record){o, toy->records[o - 1].bytes, toy->records[o - 1].len};
    char *changed = NULL;
    if (toy->bug == TOY_CHANGES_BYTES && records[0].len > 30) {
        changed = blob_copy(records[0].bytes, records[0].len, 0).bytes;
        changed[25] ^= 1;
        records[0].bytes = changed;
    }
    if (toy->bug == TOY_CUTS_BYTES && records[0].len > 40) records[0].len--;
    if (toy->bug == TOY_SWAPS && count > 1) {
        wsm_record first = records[0];
        records[0].bytes = records[1].bytes, records[0].len = records[1].len;
        records[1].bytes = first.bytes, records[1].len = first.len;
    }
    if (toy->bug == TOY_HOLE && toy->loaded && from > 5)
        for (size_t i = 0; i < count; i++) records[i].offset++;
    if (toy->bug == TOY_FROM_TWO && toy->loaded)
        for (size_t i = 0; i < count; i++) records[i].offset++;
    if (toy->bug == TOY_DELIVERS_NEVER && toy->loaded) count--;
    while (count > 0 && wsm_log_deliver(toy->hub, records, count) == WSM_ERR_NOMEM && toy->bug != TOY_NO_MEMORY_LOSES) {
    }
    if (toy->bug == TOY_DELIVERS_TWICE && toy->loaded) wsm_log_deliver(toy->hub, records, count);
    free(changed);
    free(records);
    toy->delivered = to;
    if (toy->shown < to) toy->shown = to;
}

static void done(toy_log *toy, uint64_t id, int outcome) {
    if (toy->bug == TOY_DONE_NEVER && id % 5 == 3) return;
    if (toy->bug == TOY_DONE_UNKNOWN) id += 3;
    if (toy->bug == TOY_DONE_STRANGE) outcome = 2;
    while (wsm_log_done(toy->hub, id, outcome) == WSM_ERR_NOMEM && toy->bug != TOY_NO_MEMORY_DONE) {
    }
    if (toy->bug == TOY_DONE_TWICE) wsm_log_done(toy->hub, id, outcome);
}

static void snapshot(toy_log *toy) {
    const blob *it = &toy->snapshot;
    uint64_t at = toy->snapshot_at;
    if (toy->bug == TOY_SNAPSHOT_OLD && toy->old_snapshot_at) it = &toy->old_snapshot, at = toy->old_snapshot_at;
    if (toy->bug == TOY_SNAPSHOT_CHANGED && at) it->bytes[it->len / 2] ^= 1;
    if (toy->bug == TOY_SNAPSHOT_AT_WRONG && at) at = toy->count + 1;
    if (at)
        while (wsm_log_snapshot(toy->hub, at, it->bytes, it->len) == WSM_ERR_NOMEM) {
        }
    toy->delivered = at;
}

static void do_load(toy_log *toy) {
    char epoch[17];
    if (toy->lost || (toy->bug == TOY_EPOCH_CHANGES && toy->count > 0)) toy->epoch_number++;
    toy->lost = false;
    snprintf(epoch, sizeof epoch, toy->bug == TOY_EPOCH_SHOUTS ? "%016llX" : "%016llx",
             0xABCDEF0000000000u + (toy->bug == TOY_EPOCH_SAME ? 1 : (unsigned long long)toy->epoch_number));
    bool late = toy->bug == TOY_SNAPSHOT_LAST && toy->snapshot_at;
    toy->delivered = 0;
    if (!late) snapshot(toy);
    if (toy->delivered == 0) toy->delivered = toy->first - 1;
    uint64_t last = toy->count - (toy->bug == TOY_LOADS_LATE && toy->count > toy->delivered);
    if (toy->delivered < last) deliver(toy, toy->delivered + 1, last);
    if (late) snapshot(toy), toy->delivered = last;
    wsm_log_info info;
    wsm_log_info_init(&info, sizeof info);
    info.epoch = epoch;
    info.first_offset = toy->first > toy->count || toy->bug == TOY_FIRST_WRONG ? 0 : toy->first;
    info.last_offset = toy->count + (toy->bug == TOY_INFO_WRONG);
    info.durable = toy->syncs || toy->bug == TOY_DURABLE_IS_NOT;
    if (toy->bug == TOY_DURABLE_IS_NOT) toy->synced = 0;
    if (toy->bug == TOY_READY_NEVER && toy->count > 20) return;
    while (wsm_log_ready(toy->hub, &info, toy->failing ? WSM_ERR_LOG_IO : 0) == WSM_ERR_NOMEM) {
    }
    if (toy->bug == TOY_READY_TWICE) wsm_log_ready(toy->hub, &info, 0);
    toy->loaded = !toy->failing;
    if (toy->delivered < toy->count) deliver(toy, toy->delivered + 1, toy->count);
}

static void do_append(toy_log *toy, const job *it) {
    toy->appends++;
    bool fails = toy->failing || toy->broken || (toy->bug == TOY_FAILS_FOR_NOTHING && toy->appends % 9 == 0);
    size_t kept = !fails ? it->count : toy->bug == TOY_HALF_ON_FAILURE && it->count > 1 ? 1 : 0;
    for (size_t i = 0; i < kept; i++) {
        const blob *from = &it->blobs[i];
        const char *bytes = toy->bug == TOY_KEEPS_POINTERS ? it->borrowed[i].base : from->bytes;
        toy->records[toy->count++] = blob_copy(bytes, from->len, it->number);
    }
    if (toy->syncs && toy->bug != TOY_SYNCED_IS_NOT && toy->bug != TOY_TORN_BATCH) toy->synced = toy->count;
    if (toy->delivered < toy->count) deliver(toy, toy->delivered + 1, toy->count);
    done(toy, it->id, fails ? WSM_ERR_STORE_FAILED : toy->syncs ? WSM_LOG_SYNCED : WSM_LOG_WRITTEN);
}

static void do_read(toy_log *toy, const job *it) {
    wsm_record records[2048];
    size_t count = 0, bytes = 0, most = it->records_max > 2000 ? 2000 : it->records_max;
    uint64_t from = (it->from < toy->first ? toy->first : it->from) + (toy->bug == TOY_READ_FROM_NEXT);
    uint64_t to = (it->to < toy->count ? it->to : toy->count) + (toy->bug == TOY_READ_PAST_TO && it->to < toy->count);
    for (uint64_t o = from; o <= to && count < most + (toy->bug == TOY_READ_MANY); o++) {
        const blob *record = &toy->records[o - 1];
        bool is_full = record->len > it->bytes_max - (bytes < it->bytes_max ? bytes : it->bytes_max);
        if (is_full && (count > 0 || toy->bug == TOY_READ_NONE) && toy->bug != TOY_READ_FAT) break;
        if (toy->bug == TOY_READ_OTHER && o > 1) record--;
        records[count++] = (wsm_record){o, record->bytes, record->len};
        bytes += record->len;
        if (toy->bug == TOY_READ_THIN) break;
    }
    if (toy->bug == TOY_READ_NEVER && count == 0) return;
    while (wsm_log_page(toy->hub, it->id, records, count, 0) == WSM_ERR_NOMEM) {
    }
    if (toy->bug == TOY_READ_TWICE) wsm_log_page(toy->hub, it->id, records, count, 0);
}

static void do_save(toy_log *toy, job *it) {
    if (toy->failing) return;
    if (toy->old_snapshot_at == 0) {
        toy->old_snapshot = blob_copy(it->blobs[0].bytes, it->blobs[0].len, 0);
        toy->old_snapshot_at = it->from;
    }
    blob_free(&toy->snapshot);
    toy->snapshot = it->blobs[0];
    toy->snapshot_at = it->from;
    it->blobs[0] = (blob){0};
    if (toy->snapshot_at > toy->synced) toy->synced = toy->count; /* it stands for them: they must not go before it */
}

static void do_trim(toy_log *toy, const job *it) {
    uint64_t to = it->to < toy->snapshot_at ? it->to : toy->snapshot_at;
    if (toy->bug == TOY_TRIMS_MORE) to = it->to < toy->count ? it->to + 1 : it->to;
    if (to >= toy->first) toy->first = to + 1;
}

static int toy_pump(void *user) {
    toy_log *toy = user;
    job *it = toy->jobs;
    if (toy->bug == TOY_SPEAKS_AFTER_CLOSE && toy->gone && !toy->open) wsm_log_done(toy->gone, 1, 0), toy->gone = NULL;
    if (!it || !toy->open) return 0;
    if (toy->bug == TOY_BATCHES_SWAP && it->kind == JOB_APPEND && it->next && it->next->kind == JOB_APPEND) {
        job *second = it->next;
        it->next = second->next;
        second->next = it;
        if (toy->jobs_end == &second->next) toy->jobs_end = &it->next;
        it = second;
    }
    toy->jobs = it->next;
    if (!toy->jobs) toy->jobs_end = &toy->jobs;
    switch (it->kind) {
    case JOB_LOAD: do_load(toy); break;
    case JOB_APPEND: do_append(toy, it); break;
    case JOB_READ: do_read(toy, it); break;
    case JOB_SAVE: do_save(toy, it); break;
    case JOB_TRIM: do_trim(toy, it); break;
    }
    job_free(it);
    return toy->jobs != NULL;
}

/* ---- wsm_log ---- */

static int log_open(void *user, wsm_hub *hub) {
    toy_log *toy = user;
    toy->hub = hub;
    toy->open = true;
    toy->loaded = false;
    job_add(toy, JOB_LOAD);
    return 0;
}

static int log_append(void *user, uint64_t id, const wsm_vec *records, size_t count) {
    toy_log *toy = user;
    if (!toy->loaded || count > 4000) return WSM_ERR_BUSY;
    job *it = job_add(toy, JOB_APPEND);
    static uint64_t number;
    it->id = id;
    it->number = ++number;
    it->count = count;
    it->blobs = calloc(count, sizeof *it->blobs);
    it->borrowed = calloc(count, sizeof *it->borrowed);
    memcpy(it->borrowed, records, count * sizeof *records);
    for (size_t i = 0; i < count; i++) it->blobs[i] = blob_copy(records[i].base, records[i].len, number);
    return toy->bug == TOY_REFUSES_BUT_KEEPS && id % 9 == 1 ? WSM_ERR_BUSY : 0;
}

static int log_read(void *user, uint64_t id, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    job *it = job_add(user, JOB_READ);
    it->id = id, it->from = from, it->to = to, it->records_max = records_max, it->bytes_max = bytes_max;
    return 0;
}

static int log_trim(void *user, uint64_t offset) {
    job_add(user, JOB_TRIM)->to = offset;
    return 0;
}

static int log_save(void *user, uint64_t offset, const void *bytes, size_t len) {
    job *it = job_add(user, JOB_SAVE);
    it->from = offset;
    it->count = 1;
    it->blobs = calloc(1, sizeof *it->blobs);
    it->blobs[0] = blob_copy(bytes, len, 0);
    return 0;
}

static void log_close(void *user) {
    toy_log *toy = user;
    if (toy->bug == TOY_CLOSE_FORGETS) jobs_drop(toy);
    if (toy->bug == TOY_CLOSE_DROPS_READS)
        for (job *it = toy->jobs; it; it = it->next) it->kind = it->kind == JOB_READ ? JOB_TRIM : it->kind;
    while (toy->jobs) toy_pump(toy);
    if (toy->bug == TOY_CLOSE_LOSES && toy->count > 0) blob_free(&toy->records[--toy->count]);
    if (toy->bug == TOY_SNAPSHOT_LOST) blob_free(&toy->snapshot), toy->snapshot_at = 0;
    toy->open = false;
    toy->gone = toy->hub;
}

static int toy_make(void *user, wsm_hub *hub, wsm_log *log) {
    (void)hub;
    *log = (wsm_log){sizeof *log, user, log_open, log_append, log_read, log_trim, log_save, log_close};
    return 0;
}

toy_log *toy_new(toy_bug bug, int syncs) {
    toy_log *toy = calloc(1, sizeof *toy);
    toy->bug = bug;
    toy->syncs = syncs;
    toy->jobs_end = &toy->jobs;
    return toy;
}

void toy_free(toy_log *toy) {
    toy_fresh(toy);
    free(toy);
}

void toy_maker(toy_log *toy, wsm_log_maker *maker) {
    wsm_log_maker_init(maker, sizeof *maker);
    maker->user = toy;
    maker->fresh = toy_fresh;
    maker->make = toy_make;
    maker->pump = toy_pump;
    maker->crash = toy_crash;
    maker->fail = toy_fail;
    maker->pumps_max = 100;
    maker->record_max = 100000;
}
