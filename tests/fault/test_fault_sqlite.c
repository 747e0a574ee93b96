/* A hub on a SQLite log while any allocation fails, in whichever thread: opening, loading, appending, a snapshot,
 * reading back, opening again. A call answers with an error that says so, each command has one result, what was
 * acknowledged is there afterwards, and nothing is left. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "malloc_fault.h"
#include "wsm/sqlite.h"
#include "wsm/wsm.h"

#define TAGS       6
#define EACH_UP_TO 40 /* the first allocations one by one, then every STRIDE-th */
#define STRIDE     17
#define WAIT_MS    10000

typedef struct world {
    char folder[64], path[96];
    wsm_sqlite *db;
    wsm_hub *hub;
    int ready, ready_err, results, kept, pages;
    bool has_result[TAGS + 1];
} world;

static void waiting(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user;
}

static void on_ready(void *user, int err) {
    world *w = user;
    w->ready++;
    w->ready_err = err;
}

static void on_result(void *user, const wsm_result *result) {
    world *w = user;
    assert_false(w->has_result[result->tag]);
    w->has_result[result->tag] = true;
    w->results++;
    w->kept += result->err == 0 && result->durable;
}

static void on_page(void *user, const wsm_page *page) {
    (void)page;
    ((world *)user)->pages++;
}

static int open_log(world *w) {
    wsm_sqlite_config config;
    wsm_sqlite_config_init(&config, sizeof config);
    config.path = w->path;
    return wsm_sqlite_open(&w->db, &config, NULL, 0);
}

static int open_hub(world *w) {
    wsm_host host;
    wsm_log log;
    wsm_config config;
    wsm_host_init(&host, sizeof host);
    wsm_log_init(&log, sizeof log);
    wsm_config_init(&config, sizeof config);
    config.snapshot_records = 3;
    host.bytes_waiting = host.close_transport = waiting;
    host.on_ready = on_ready;
    host.on_result = on_result;
    host.on_page = on_page;
    wsm_sqlite_log(w->db, &log);
    return wsm_hub_new(&w->hub, &config, &host, &log, w);
}

static void tick_until(world *w, const int *count, int least, int ms) {
    for (; ms > 0 && *count < least; ms--) {
        wsm_hub_tick(w->hub);
        if (*count < least) usleep(1000);
    }
}

/* Broadcast and read; how many commands were taken. */
static int talk(world *w) {
    int taken = 0;
    for (uint64_t tag = 1; tag <= TAGS; tag++) {
        wsm_update update;
        wsm_update_init(&update, sizeof update);
        update.exchange = (wsm_slice){"{\"text\":\"kept\"}", 15};
        update.sender_agent_id = "ada";
        taken += wsm_broadcast(w->hub, &update, tag) == 0;
        wsm_hub_tick(w->hub);
    }
    wsm_records_read(w->hub, NULL, 0, 10, 99);
    return taken;
}

static void close_all(world *w) {
    wsm_hub_free(w->hub);
    wsm_sqlite_close(w->db);
    w->hub = NULL;
    w->db = NULL;
    w->ready = w->results = 0;
    memset(w->has_result, 0, sizeof w->has_result);
}

static void remove_files(world *w) {
    static const char *const suffixes[] = {"", "-wal", "-shm", ".new", ".new-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", w->path, suffixes[i]);
        unlink(path);
    }
}

/* Libraries keep what they make at their first use. */
static bool is_warm;

/* One telling: whether an allocation failed. */
static bool tell(world *w, size_t n, fault_mode mode) {
    remove_files(w);
    w->kept = 0;
    size_t live = fault_live();
    if (n) fault_arm(n, mode);
    int err = open_log(w);
    if (err) {
        bool failed = fault_disarm();
        assert_true(failed && !w->db);
        assert_true(err == WSM_ERR_NOMEM || err == WSM_ERR_LOG_IO); /* SQLite calls a few of its own an I/O error */
        assert_int_equal(open_log(w), 0);
    }
    err = open_hub(w);
    if (err) {
        fault_disarm();
        assert_int_equal(err, WSM_ERR_NOMEM);
        assert_null(w->hub);
        assert_int_equal(open_hub(w), 0);
    }
    tick_until(w, &w->ready, 1, n && mode == FAULT_FOREVER ? 3 : WAIT_MS);
    int taken = w->ready ? talk(w) : 0;
    if (mode == FAULT_FOREVER) usleep(2000); /* the worker meets it, too */
    bool failed = fault_disarm();
    tick_until(w, &w->ready, 1, WAIT_MS);
    assert_int_equal(w->ready, 1);
    assert_int_equal(w->ready_err, 0);
    tick_until(w, &w->results, taken, WAIT_MS);
    assert_int_equal(w->results, taken);
    int kept = w->kept;
    uint64_t position = wsm_hub_position(w->hub, NULL);
    assert_true(position >= (uint64_t)kept);
    if (n == 0) assert_int_equal(kept, TAGS);
    close_all(w);

    assert_int_equal(open_log(w), 0); /* and again, in peace */
    assert_int_equal(open_hub(w), 0);
    tick_until(w, &w->ready, 1, WAIT_MS);
    assert_int_equal(w->ready_err, 0);
    assert_true(wsm_hub_position(w->hub, NULL) >= position);
    taken = talk(w);
    assert_int_equal(taken, TAGS);
    tick_until(w, &w->results, taken, WAIT_MS);
    assert_int_equal(w->kept, kept + TAGS);
    close_all(w);
    if (is_warm && fault_live() > live) fail_msg("allocation %zu: %zu blocks are left", n, fault_live() - live);
    return failed;
}

static void any_allocation_may_fail_under_a_durable_log(void **state) {
    (void)state;
    world w = {.folder = "/dev/shm/wsm-fault-XXXXXX"};
    if (access("/dev/shm", W_OK)) strcpy(w.folder, "/tmp/wsm-fault-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    snprintf(w.path, sizeof w.path, "%s/log.db", w.folder);
    for (int i = 0; i < 3; i++) tell(&w, 0, FAULT_ONCE);
    is_warm = true;
    for (int mode = 0; mode < 2; mode++)
        for (size_t n = 1; tell(&w, n, (fault_mode)mode); n += n < EACH_UP_TO ? 1 : STRIDE) {
        }
    remove_files(&w);
    assert_int_equal(rmdir(w.folder), 0);
}

static int report(void **state) {
    (void)state;
    printf("report: allocation points failed: %zu\n", fault_points());
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_may_fail_under_a_durable_log)};
    return cmocka_run_group_tests(tests, NULL, report);
}
