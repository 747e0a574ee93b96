/* Every allocation fails once, and then all from there on: a clean error, nothing half done, nothing left. The log's
 * memory is SQLite's, so its allocator is where they fail. */
#define _DEFAULT_SOURCE
#include "sqlite_hub.h"

#include <stdatomic.h>

static sqlite3_mem_methods real;
static atomic_size_t calls, fail_at; /* 0: none */
static atomic_bool fail_forever;
static atomic_size_t failed;

static bool fails(void) {
    size_t call = atomic_fetch_add(&calls, 1) + 1;
    size_t at = atomic_load(&fail_at);
    if (at == 0 || call < at || (call > at && !atomic_load(&fail_forever))) return false;
    atomic_fetch_add(&failed, 1);
    return true;
}

static void *failing_malloc(int size) {
    return fails() ? NULL : real.xMalloc(size);
}

static void *failing_realloc(void *ptr, int size) {
    return fails() ? NULL : real.xRealloc(ptr, size);
}

static void fail_from(size_t n, bool forever) {
    atomic_store(&calls, 0);
    atomic_store(&failed, 0);
    atomic_store(&fail_forever, forever);
    atomic_store(&fail_at, n);
}

static int setup(void **state) {
    bench *b = malloc(sizeof *b);
    bench_init(b);
    *state = b;
    return 0;
}

static int teardown(void **state) {
    fail_from(0, false);
    bench *b = *state;
    bench_fini(b);
    free(b);
    return 0;
}

static void open_without_memory_fails_cleanly(bench *b, bool forever) {
    for (size_t n = 1;; n += forever ? 7 : 1) {
        char lock[128];
        snprintf(lock, sizeof lock, "%s.lock", b->path);
        fail_from(n, forever);
        int err = wsm_sqlite_open(&b->db, &b->config, b->why, sizeof b->why);
        size_t hit = atomic_load(&failed);
        fail_from(0, false);
        if (err == 0) {
            wsm_sqlite_close(b->db);
        } else {
            /* SQLite calls a few of its own failures an I/O error. */
            if (err != WSM_ERR_NOMEM && err != WSM_ERR_LOG_IO) fail_msg("allocation %zu: %d %s", n, err, b->why);
            assert_null(b->db);
            assert_int_equal(access(b->path, F_OK), -1); /* what was made is removed */
        }
        assert_int_equal(sqlite3_memory_used(), 0);
        assert_int_equal(access(lock, F_OK), -1);
        if (err == 0) { /* SQLite could do without; what it made is a log */
            assert_int_equal(wsm_sqlite_open(&b->db, &b->config, b->why, sizeof b->why), 0);
            wsm_sqlite_close(b->db);
            unlink(b->path);
        }
        if (hit == 0) {
            assert_int_equal(err, 0);
            break;
        }
    }
}

static void opening_without_memory_fails_cleanly(void **state) {
    open_without_memory_fails_cleanly(*state, false);
    open_without_memory_fails_cleanly(*state, true);
}

/* Either the append is kept, whole, or it failed and the next one works. */
static void append_without_memory_is_kept_or_failed_but_never_half(void **state) {
    bench *b = *state;
    char big[20000];
    memset(big, 'x', sizeof big);
    wsm_vec records[3] = {{"one", 3}, {big, sizeof big}, {"three", 5}};
    size_t kept = 0;
    for (size_t n = 1;; n++) {
        bench_open(b);
        assert_int_equal(recorder_count(&b->hub, TOLD_RECORD), kept);
        recorder_clear(&b->hub);
        fail_from(n, false);
        int err = b->log.append(b->log.user, n, records, 3);
        if (err == 0) recorder_wait(&b->hub, TOLD_DONE, 1);
        size_t hit = atomic_load(&failed);
        fail_from(0, false);
        if (err != 0) {
            assert_int_equal(err, WSM_ERR_NOMEM);
        } else {
            int outcome = recorder_get(&b->hub, TOLD_DONE, 0)->outcome;
            assert_true(outcome == WSM_LOG_SYNCED || outcome == WSM_ERR_STORE_FAILED);
            assert_int_equal(recorder_count(&b->hub, TOLD_RECORD), outcome == WSM_LOG_SYNCED ? 3 : 0);
            if (outcome == WSM_LOG_SYNCED) kept += 3;
        }
        bench_close(b);
        assert_int_equal(sqlite3_memory_used(), 0);
        if (hit == 0) break;
    }
    assert_true(kept >= 3);
}

static void loading_waits_for_memory(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 100);
    b->log.save(b->log.user, 50, "state", 5);
    bench_close(b);
    for (size_t n = 1;; n++) {
        assert_int_equal(wsm_sqlite_open(&b->db, &b->config, b->why, sizeof b->why), 0);
        wsm__sqlite_calls_set(b->db, &recorder_calls);
        b->log = (wsm_log){.size = sizeof b->log};
        wsm_sqlite_log(b->db, &b->log);
        recorder_clear(&b->hub);
        fail_from(n, false);
        b->log.open(b->log.user, (wsm_hub *)&b->hub);
        recorder_wait(&b->hub, TOLD_READY, 1);
        size_t hit = atomic_load(&failed);
        fail_from(0, false);
        assert_int_equal(recorder_get(&b->hub, TOLD_READY, 0)->outcome, 0);
        assert_int_equal(b->hub.events[0].what, TOLD_SNAPSHOT);
        assert_int_equal(recorder_count(&b->hub, TOLD_RECORD), 50);
        for (size_t i = 0; i < 50; i++) assert_true(recorder_get(&b->hub, TOLD_RECORD, i)->len > 0);
        bench_close(b);
        if (hit == 0) break;
    }
}

static void reading_without_memory_answers_with_an_error(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 10);
    for (size_t n = 1;; n++) {
        recorder_clear(&b->hub);
        fail_from(n, false);
        int err = b->log.read(b->log.user, n, 1, 10, 100, 10000);
        if (err == 0) recorder_wait(&b->hub, TOLD_PAGE, 1);
        size_t hit = atomic_load(&failed);
        fail_from(0, false);
        if (err == 0) {
            const event *page = recorder_get(&b->hub, TOLD_PAGE, 0);
            assert_true(page->outcome == 0 ? page->count == 10 : page->outcome == WSM_ERR_NOMEM);
        } else {
            assert_int_equal(err, WSM_ERR_NOMEM);
        }
        if (hit == 0) break;
    }
    assert_int_equal(bench_stats(b).corrupt, 0);
    bench_close(b);
}

int main(void) {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    sqlite3_mem_methods methods = real;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opening_without_memory_fails_cleanly, setup, teardown),
        cmocka_unit_test_setup_teardown(append_without_memory_is_kept_or_failed_but_never_half, setup, teardown),
        cmocka_unit_test_setup_teardown(loading_waits_for_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_without_memory_answers_with_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
