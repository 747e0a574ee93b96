/* What the tests of the SQLite log share: a hub that writes down what it is told, and a folder that is removed again.
 */
#ifndef WSM_TEST_SQLITE_HUB_H
#define WSM_TEST_SQLITE_HUB_H

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/sqlite/worker.h"

#define WAIT_S 20

typedef enum told { TOLD_SNAPSHOT, TOLD_RECORD, TOLD_DONE, TOLD_PAGE, TOLD_READY } told;

typedef struct event {
    told what;
    uint64_t id; /* of the append or read; else the offset */
    int outcome;
    size_t count; /* of a page's records; they follow as TOLD_RECORD */
    char *bytes;
    size_t len;
    uint64_t first, last; /* READY */
    char epoch[17];
} event;

/* The recorder stands in for a hub: only its address goes through the log. */
typedef struct recorder {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    event *events;
    size_t count, cap;
    int nomem;   /* so many of the next calls answer WSM_ERR_NOMEM */
    int gate;    /* deliver waits while this is set */
    int at_gate; /* somebody does */
} recorder;

static inline void recorder_init(recorder *rec) {
    *rec = (recorder){0};
    pthread_mutex_init(&rec->mutex, NULL);
    pthread_cond_init(&rec->changed, NULL);
}

static inline void recorder_clear(recorder *rec) {
    pthread_mutex_lock(&rec->mutex);
    for (size_t i = 0; i < rec->count; i++) free(rec->events[i].bytes);
    rec->count = 0;
    pthread_mutex_unlock(&rec->mutex);
}

static inline void recorder_fini(recorder *rec) {
    recorder_clear(rec);
    free(rec->events);
    pthread_cond_destroy(&rec->changed);
    pthread_mutex_destroy(&rec->mutex);
}

static inline void recorder_put(recorder *rec, event ev, const void *bytes, size_t len) {
    if (rec->count == rec->cap) {
        rec->cap = rec->cap ? rec->cap * 2 : 64;
        rec->events = realloc(rec->events, rec->cap * sizeof *rec->events);
    }
    if (bytes) {
        ev.bytes = malloc(len + 1);
        memcpy(ev.bytes, bytes, len);
        ev.bytes[len] = '\0';
        ev.len = len;
    }
    rec->events[rec->count++] = ev;
    pthread_cond_broadcast(&rec->changed);
}

/* Take the mutex, unless this call is one that finds no memory. */
static inline int recorder_enter(recorder *rec) {
    pthread_mutex_lock(&rec->mutex);
    if (rec->nomem == 0) return 0;
    rec->nomem--;
    pthread_mutex_unlock(&rec->mutex);
    return WSM_ERR_NOMEM;
}

static inline int told_snapshot(wsm_hub *hub, uint64_t offset, const void *bytes, size_t len) {
    recorder *rec = (recorder *)hub;
    if (recorder_enter(rec)) return WSM_ERR_NOMEM;
    recorder_put(rec, (event){.what = TOLD_SNAPSHOT, .id = offset}, bytes, len);
    pthread_mutex_unlock(&rec->mutex);
    return 0;
}

static inline int told_deliver(wsm_hub *hub, const wsm_record *records, size_t count) {
    recorder *rec = (recorder *)hub;
    if (recorder_enter(rec)) return WSM_ERR_NOMEM;
    while (rec->gate) {
        rec->at_gate = 1;
        pthread_cond_broadcast(&rec->changed);
        pthread_cond_wait(&rec->changed, &rec->mutex);
    }
    rec->at_gate = 0;
    for (size_t i = 0; i < count; i++) {
        recorder_put(rec, (event){.what = TOLD_RECORD, .id = records[i].offset}, records[i].bytes, records[i].len);
    }
    pthread_mutex_unlock(&rec->mutex);
    return 0;
}

static inline int told_done(wsm_hub *hub, uint64_t append_id, int outcome) {
    recorder *rec = (recorder *)hub;
    if (recorder_enter(rec)) return WSM_ERR_NOMEM;
    recorder_put(rec, (event){.what = TOLD_DONE, .id = append_id, .outcome = outcome}, NULL, 0);
    pthread_mutex_unlock(&rec->mutex);
    return 0;
}

static inline int told_page(wsm_hub *hub, uint64_t read_id, const wsm_record *records, size_t count, int outcome) {
    recorder *rec = (recorder *)hub;
    if (recorder_enter(rec)) return WSM_ERR_NOMEM;
    recorder_put(rec, (event){.what = TOLD_PAGE, .id = read_id, .outcome = outcome, .count = count}, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        recorder_put(rec, (event){.what = TOLD_RECORD, .id = records[i].offset}, records[i].bytes, records[i].len);
    }
    pthread_mutex_unlock(&rec->mutex);
    return 0;
}

static inline int told_ready(wsm_hub *hub, const wsm_log_info *info, int outcome) {
    recorder *rec = (recorder *)hub;
    if (recorder_enter(rec)) return WSM_ERR_NOMEM;
    event ev = {.what = TOLD_READY, .outcome = outcome, .first = info->first_offset, .last = info->last_offset};
    snprintf(ev.epoch, sizeof ev.epoch, "%s", info->epoch);
    recorder_put(rec, ev, NULL, 0);
    pthread_mutex_unlock(&rec->mutex);
    return 0;
}

static const wsm__sqlite_calls recorder_calls = {told_snapshot, told_deliver, told_done, told_page, told_ready};

static inline size_t recorder_count(recorder *rec, told what) {
    size_t count = 0;
    for (size_t i = 0; i < rec->count; i++) count += rec->events[i].what == what;
    return count;
}

/* Wait until there are `count` events of a kind. */
static inline void recorder_wait(recorder *rec, told what, size_t count) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    int err = 0;
    pthread_mutex_lock(&rec->mutex);
    while (err == 0 && recorder_count(rec, what) < count) {
        err = pthread_cond_timedwait(&rec->changed, &rec->mutex, &until);
    }
    pthread_mutex_unlock(&rec->mutex);
    assert_int_equal(err, 0);
}

/* The idx-th event of a kind. */
static inline const event *recorder_get(recorder *rec, told what, size_t idx) {
    for (size_t i = 0; i < rec->count; i++) {
        if (rec->events[i].what == what && idx-- == 0) return &rec->events[i];
    }
    fail_msg("no such event");
    return NULL;
}

static inline void gate_close(recorder *rec) {
    pthread_mutex_lock(&rec->mutex);
    rec->gate = 1;
    pthread_mutex_unlock(&rec->mutex);
}

static inline void gate_wait(recorder *rec) {
    pthread_mutex_lock(&rec->mutex);
    while (!rec->at_gate) pthread_cond_wait(&rec->changed, &rec->mutex);
    pthread_mutex_unlock(&rec->mutex);
}

static inline void gate_open(recorder *rec) {
    pthread_mutex_lock(&rec->mutex);
    rec->gate = 0;
    pthread_cond_broadcast(&rec->changed);
    pthread_mutex_unlock(&rec->mutex);
}

/* A folder of the test's own, with the database's path in it, and a log that is open with a recorder as its hub. */
typedef struct bench {
    char folder[64];
    char path[96];
    wsm_sqlite_config config;
    wsm_sqlite *db;
    wsm_log log;
    recorder hub;
    char why[512];
} bench;

static inline void bench_init_in(bench *b, const char *parent) {
    memset(b, 0, sizeof *b);
    snprintf(b->folder, sizeof b->folder, "%s/wsm-sqlite-XXXXXX", parent);
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->path, sizeof b->path, "%s/log.db", b->folder);
    wsm_sqlite_config_init(&b->config, sizeof b->config);
    b->config.path = b->path;
    recorder_init(&b->hub);
    assert_int_equal(sqlite3_memory_used(), 0);
}

static inline void bench_init(bench *b) {
    bench_init_in(b, "/tmp");
}

/* Open the database and attach the recorder; answers when the log has loaded. */
static inline void bench_open(bench *b) {
    int err = wsm_sqlite_open(&b->db, &b->config, b->why, sizeof b->why);
    if (err) fail_msg("%s", b->why);
    wsm__sqlite_calls_set(b->db, &recorder_calls);
    b->log = (wsm_log){.size = sizeof b->log};
    assert_int_equal(wsm_sqlite_log(b->db, &b->log), 0);
    recorder_clear(&b->hub);
    assert_int_equal(b->log.open(b->log.user, (wsm_hub *)&b->hub), 0);
    recorder_wait(&b->hub, TOLD_READY, 1);
}

static inline void bench_close(bench *b) {
    b->log.close(b->log.user);
    wsm_sqlite_close(b->db);
    b->db = NULL;
}

/* Every test ends here: nothing of the log is left allocated. */
static inline void bench_fini(bench *b) {
    assert_int_equal(sqlite3_memory_used(), 0);
    recorder_fini(&b->hub);
    DIR *folder = opendir(b->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[sizeof b->folder + sizeof entry->d_name + 1];
        snprintf(path, sizeof path, "%s/%s", b->folder, entry->d_name);
        unlink(path);
    }
    if (folder) closedir(folder);
    assert_int_equal(rmdir(b->folder), 0);
}

/* Append one record with the text. */
static inline int bench_append(bench *b, uint64_t append_id, const char *text) {
    wsm_vec record = {text, strlen(text)};
    return b->log.append(b->log.user, append_id, &record, 1);
}

/* Append `count` records "record 1" … one by one, wait for each end, and forget what was told. */
static inline void bench_fill(bench *b, size_t count) {
    for (size_t i = 1; i <= count; i++) {
        char text[32];
        snprintf(text, sizeof text, "record %zu", i);
        assert_int_equal(bench_append(b, i, text), 0);
    }
    recorder_wait(&b->hub, TOLD_DONE, count);
    recorder_clear(&b->hub);
}

static inline wsm_sqlite_stats bench_stats(bench *b) {
    wsm_sqlite_stats stats;
    wsm_sqlite_stats_init(&stats, sizeof stats);
    assert_int_equal(wsm_sqlite_stats_get(b->db, &stats), 0);
    return stats;
}

/* Change the closed database as somebody else would. */
static inline void bench_sql(bench *b, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

#endif
