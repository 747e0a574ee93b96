/* The log that keeps. See kept_log.h. */
#include "kept_log.h"

#include <stdlib.h>
#include <string.h>

static void *copy_of(const void *bytes, size_t len) {
    void *copy = malloc(len ? len : 1);
    if (!copy) abort();
    memcpy(copy, bytes, len);
    return copy;
}

static int kept_open(void *user, wsm_hub *hub) {
    kept_log *log = user;
    wsm_log_info info;
    uint64_t from = 0;
    log->hub = hub;
    if (log->snapshot && !log->no_snapshots) {
        wsm_log_snapshot(hub, log->snapshot_offset, log->snapshot, log->snapshot_len);
        from = log->snapshot_offset;
    }
    for (uint64_t i = from; i < log->count; i++) wsm_log_deliver(hub, &log->records[i], 1);
    wsm_log_info_init(&info, sizeof info);
    info.epoch = "00000000000000aa";
    info.first_offset = log->count > log->trimmed ? log->trimmed + 1 : 0;
    info.last_offset = log->count;
    info.durable = 1;
    return wsm_log_ready(hub, &info, 0);
}

static int kept_append(void *user, uint64_t append_id, const wsm_vec *records, size_t count) {
    kept_log *log = user;
    for (size_t i = 0; i < count; i++) {
        if (log->count == log->cap) {
            log->cap = log->cap ? log->cap * 2 : 64;
            log->records = realloc(log->records, log->cap * sizeof *log->records);
            if (!log->records) abort();
        }
        wsm_record *record = &log->records[log->count];
        *record = (wsm_record){log->count + 1, copy_of(records[i].base, records[i].len), records[i].len};
        log->count++;
        if (!log->holds && record->offset != log->loses) wsm_log_deliver(log->hub, record, 1);
    }
    if (log->holds) {
        if (log->waiting_count == KEPT_LOG_WAITING) abort();
        log->waiting[log->waiting_count].id = append_id;
        log->waiting[log->waiting_count++].to = log->count;
        return 0;
    }
    return wsm_log_done(log->hub, append_id, WSM_LOG_SYNCED);
}

int kept_log_release(kept_log *log) {
    int done = 0, err = 0;
    for (; !err && done < log->waiting_count; done++) {
        for (; !err && log->told < log->waiting[done].to; log->told += !err)
            err = wsm_log_deliver(log->hub, &log->records[log->told], 1);
        if (!err) err = wsm_log_done(log->hub, log->waiting[done].id, WSM_LOG_SYNCED);
        if (err) break;
    }
    memmove(log->waiting, log->waiting + done, (size_t)(log->waiting_count - done) * sizeof log->waiting[0]);
    log->waiting_count -= done;
    return err;
}

static int page(kept_log *log, uint64_t read_id, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    size_t count = 0, bytes = 0;
    if (from <= log->trimmed) from = log->trimmed + 1;
    while (from + count <= to && from + count <= log->count && count < records_max && (count == 0 || bytes < bytes_max))
        bytes += log->records[from + count++ - 1].len;
    if (count && log->misses >= from && log->misses < from + count) count = (size_t)(log->misses - from);
    log->records_read += (int)count;
    return wsm_log_page(log->hub, read_id, count ? &log->records[from - 1] : NULL, count, 0);
}

static int kept_read(void *user, uint64_t read_id, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    kept_log *log = user;
    log->reads++;
    if (log->refuses > 0) {
        log->refuses--;
        return log->refuses_with ? log->refuses_with : WSM_ERR_LOG_IO;
    }
    if (log->no_pages) return 0;
    if (!log->holds_pages) return page(log, read_id, from, to, records_max, bytes_max);
    if (log->held_count == KEPT_LOG_HELD) abort(); /* a test that asks too much */
    int idx = log->held_count++;
    log->held[idx].id = read_id;
    log->held[idx].from = from;
    log->held[idx].to = to;
    log->held[idx].records_max = records_max;
    log->held[idx].bytes_max = bytes_max;
    return 0;
}

void kept_log_answer(kept_log *log, int idx) {
    if (page(log, log->held[idx].id, log->held[idx].from, log->held[idx].to, log->held[idx].records_max,
             log->held[idx].bytes_max))
        abort();
}

static int kept_trim(void *user, uint64_t offset) {
    kept_log *log = user;
    if (offset > log->trimmed) log->trimmed = offset;
    return 0;
}

static int kept_save(void *user, uint64_t offset, const void *bytes, size_t len) {
    kept_log *log = user;
    free(log->snapshot);
    log->snapshot = copy_of(bytes, len);
    log->snapshot_len = len;
    log->snapshot_offset = offset;
    return 0;
}

wsm_log kept_log_of(kept_log *log) {
    wsm_log out;
    wsm_log_init(&out, sizeof out);
    out.user = log;
    out.open = kept_open;
    out.append = kept_append;
    out.read = kept_read;
    out.trim = kept_trim;
    out.save = kept_save;
    return out;
}

void kept_log_free(kept_log *log) {
    for (size_t i = 0; i < log->count; i++) free((void *)(uintptr_t)log->records[i].bytes);
    free(log->records);
    free(log->snapshot);
}
