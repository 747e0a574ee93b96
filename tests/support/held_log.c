/* The log that is told what to keep. See held_log.h. */
#include "held_log.h"

#include <stdlib.h>
#include <string.h>

static held_append take_first(held_log *log) {
    if (log->count == 0) abort(); /* a test that asks too much */
    held_append first = log->appends[0];
    memmove(log->appends, log->appends + 1, (size_t)--log->count * sizeof *log->appends);
    return first;
}

static void append_free(held_append *append) {
    for (size_t i = 0; i < append->count; i++) free((void *)(uintptr_t)append->records[i].base);
    free(append->records);
}

static int take_append(void *user, uint64_t id, const wsm_vec *records, size_t count) {
    held_log *log = user;
    if (log->count == HELD_LOG_APPENDS) abort();
    held_append *append = &log->appends[log->count++];
    *append = (held_append){id, calloc(count, sizeof *records), count};
    for (size_t i = 0; append->records && i < count; i++) {
        char *copy = malloc(records[i].len + 1);
        if (!copy) abort();
        memcpy(copy, records[i].base, records[i].len);
        append->records[i] = (wsm_vec){copy, records[i].len};
    }
    if (!append->records) abort();
    if (log->at_once) held_log_keep(log);
    return 0;
}

static void put(held_log *log, const held_append *append) {
    kept_log *kept = &log->kept;
    for (size_t i = 0; i < append->count; i++) {
        kept->records = realloc(kept->records, (kept->count + 1) * sizeof *kept->records);
        char *copy = malloc(append->records[i].len + 1);
        if (!kept->records || !copy) abort();
        memcpy(copy, append->records[i].base, append->records[i].len);
        kept->records[kept->count] = (wsm_record){kept->count + 1, copy, append->records[i].len};
        kept->cap = ++kept->count;
    }
}

static void tell(held_log *log) {
    for (; log->told < log->kept.count; log->told++)
        if (wsm_log_deliver(log->kept.hub, &log->kept.records[log->told], 1)) abort();
}

void held_log_keep(held_log *log) {
    held_append first = take_first(log);
    put(log, &first);
    tell(log);
    wsm_log_done(log->kept.hub, first.id, WSM_LOG_SYNCED);
    append_free(&first);
}

void held_log_fail(held_log *log) {
    held_append first = take_first(log);
    wsm_log_done(log->kept.hub, first.id, WSM_ERR_LOG_IO);
    append_free(&first);
}

void held_log_fail_but_keep(held_log *log) {
    put(log, &log->appends[0]);
    held_log_fail(log);
}

void held_log_break(held_log *log, uint64_t offset) {
    log->kept.records[offset - 1].len = 0;
}

static int held_open(void *user, wsm_hub *hub) {
    held_log *log = user;
    log->told = log->kept.count;
    if (log->loads_to == 0) return log->inner.open(log->inner.user, hub);
    log->kept.hub = hub;
    log->loaded = 0;
    held_log_load(log, log->loads_to);
    return 0;
}

void held_log_load(held_log *log, uint64_t to) {
    kept_log *kept = &log->kept;
    while (log->loaded < to) log->loaded += wsm_log_deliver(kept->hub, &kept->records[log->loaded], 1) == 0;
    if (to < kept->count) return;
    wsm_log_info info;
    wsm_log_info_init(&info, sizeof info);
    info.epoch = "00000000000000aa";
    info.first_offset = 1;
    info.last_offset = kept->count;
    info.durable = 1;
    while (wsm_log_ready(kept->hub, &info, 0) == WSM_ERR_NOMEM) continue;
}

static int held_read(void *user, uint64_t id, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    held_log *log = user;
    return log->inner.read(log->inner.user, id, from, to, records_max, bytes_max);
}

static int held_save(void *user, uint64_t offset, const void *bytes, size_t len) {
    held_log *log = user;
    return log->inner.save(log->inner.user, offset, bytes, len);
}

wsm_log held_log_of(held_log *log) {
    wsm_log out;
    log->inner = kept_log_of(&log->kept);
    wsm_log_init(&out, sizeof out);
    out.user = log;
    out.open = held_open;
    out.append = take_append;
    out.read = held_read;
    out.save = held_save;
    return out;
}

void held_log_free(held_log *log) {
    while (log->count > 0) {
        held_append first = take_first(log);
        append_free(&first);
    }
    kept_log_free(&log->kept);
}
