/* What survives: kill -9 at any instant, and a file system that takes no more. */
#define _DEFAULT_SOURCE
#include "sqlite_hub.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define KILLS     20
#define APPENDERS 8 /* appends that wait at a time */

static int setup(void **state) {
    bench *b = malloc(sizeof *b);
    bench_init(b);
    *state = b;
    return 0;
}

static int teardown(void **state) {
    bench *b = *state;
    bench_fini(b);
    free(b);
    return 0;
}

static int report_fd;

/* The child's hub: what is told as synced goes up the pipe at once. */
static int report_done(wsm_hub *hub, uint64_t append_id, int outcome) {
    if (outcome == WSM_LOG_SYNCED && write(report_fd, &append_id, sizeof append_id) != sizeof append_id) _exit(3);
    return told_done(hub, append_id, outcome);
}

/* Append records "id <n>" from `first` on, until killed. */
static void child_run(bench *b, uint64_t first) {
    wsm__sqlite_calls calls = recorder_calls;
    calls.done = report_done;
    if (wsm_sqlite_open(&b->db, &b->config, b->why, sizeof b->why) != 0) _exit(2);
    wsm__sqlite_calls_set(b->db, &calls);
    b->log = (wsm_log){.size = sizeof b->log};
    wsm_sqlite_log(b->db, &b->log);
    b->log.open(b->log.user, (wsm_hub *)&b->hub);
    recorder_wait(&b->hub, TOLD_READY, 1);
    for (uint64_t n = 0;; n++) {
        char text[256];
        memset(text, ' ', sizeof text);
        snprintf(text, sizeof text, "id %llu", (unsigned long long)(first + n));
        text[strlen(text)] = ' '; /* some bytes, so that the WAL grows and is checkpointed */
        wsm_vec record = {text, sizeof text};
        while (b->log.append(b->log.user, first + n, &record, 1) != 0) usleep(100);
        if (n >= APPENDERS) recorder_wait(&b->hub, TOLD_DONE, n - APPENDERS);
        if (n % 50 == 49) b->log.save(b->log.user, 1, "s", 1); /* another kind of commit */
    }
}

static void everything_told_as_synced_survives_kill_9(void **state) {
    bench *b = *state;
    static unsigned char synced[1 << 20];
    uint64_t next = 1;
    unsigned seed = (unsigned)time(NULL);
    memset(synced, 0, sizeof synced);
    for (int kills = 0; kills < KILLS; kills++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            close(pipes[0]);
            report_fd = pipes[1];
            child_run(b, next);
        }
        close(pipes[1]);
        seed = seed * 1103515245u + 12345u;
        usleep(20000 + (seed >> 8) % 150000);
        kill(child, SIGKILL);
        uint64_t id;
        while (read(pipes[0], &id, sizeof id) == sizeof id) {
            assert_true(id < sizeof synced);
            synced[id] = 1;
            if (id >= next) next = id + 1;
        }
        close(pipes[0]);
        waitpid(child, NULL, 0);

        bench_open(b);
        const event *ready = recorder_get(&b->hub, TOLD_READY, 0);
        assert_int_equal(ready->outcome, 0);
        size_t records = recorder_count(&b->hub, TOLD_RECORD);
        if (records > 0) assert_int_equal(recorder_get(&b->hub, TOLD_RECORD, 0)->id, ready->last - records + 1);
        assert_int_equal(bench_stats(b).corrupt, 0);
        /* The snapshot at 1 hides the first record: it is the only one that is not delivered. */
        static unsigned char found[1 << 20];
        memset(found, 0, sizeof found);
        uint64_t offset = ready->last - records;
        assert_true(offset <= 1);
        found[1] = 1;
        for (size_t i = 0; i < b->hub.count; i++) {
            const event *e = &b->hub.events[i];
            if (e->what != TOLD_RECORD) continue;
            assert_int_equal(e->id, ++offset);
            unsigned long long n;
            assert_int_equal(sscanf(e->bytes, "id %llu", &n), 1);
            found[n] = 1;
            if (n >= next) next = n + 1; /* kept, but nobody was told */
        }
        for (uint64_t n = 1; n < next; n++) {
            if (synced[n] && !found[n]) fail_msg("append %llu was synced and is gone", (unsigned long long)n);
        }
        bench_close(b);
    }
    assert_true(next > KILLS); /* the children did something */
}

/* Nobody knows whether a WAL that a crash left was synced: its records go into the database before they are delivered.
 */
static void opening_after_a_crash_empties_the_wal_before_anything_is_delivered(void **state) {
    bench *b = *state;
    char wal[128];
    struct stat st;
    snprintf(wal, sizeof wal, "%s-wal", b->path);
    pid_t child = fork();
    if (child == 0) {
        bench_open(b);
        bench_fill(b, 3);
        _exit(0); /* without closing */
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > 0);

    bench_open(b);

    assert_int_equal(recorder_count(&b->hub, TOLD_RECORD), 3);
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_size, 0);
    bench_close(b);
}

/* RLIMIT_FSIZE makes real writes fail, with EFBIG. In a child, for the limit holds for the process. */
static void file_that_may_not_grow_fails_appends_until_it_may(void **state) {
    bench *b = *state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit small = {300000, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
        char text[2000];
        memset(text, 'x', sizeof text);
        wsm_vec record = {text, sizeof text};
        signal(SIGXFSZ, SIG_IGN);
        bench_open(b);
        setrlimit(RLIMIT_FSIZE, &small);
        size_t kept = 0, failed = 0;
        for (uint64_t i = 1; i <= 500; i++) {
            b->log.append(b->log.user, i, &record, 1);
            recorder_wait(&b->hub, TOLD_DONE, i);
            if (recorder_get(&b->hub, TOLD_DONE, i - 1)->outcome == WSM_LOG_SYNCED) {
                kept++;
            } else {
                failed++;
            }
            if (recorder_count(&b->hub, TOLD_RECORD) < kept) _exit(2);
        }
        if (kept == 0 || failed == 0) _exit(3);
        size_t delivered = recorder_count(&b->hub, TOLD_RECORD);
        setrlimit(RLIMIT_FSIZE, &none);
        uint64_t id = 500;
        do {
            usleep(20000);
            b->log.append(b->log.user, ++id, &record, 1);
            recorder_wait(&b->hub, TOLD_DONE, id);
        } while (recorder_get(&b->hub, TOLD_DONE, id - 1)->outcome != WSM_LOG_SYNCED && id < 700);
        if (id == 700 || recorder_count(&b->hub, TOLD_RECORD) <= delivered) _exit(4);
        delivered = recorder_count(&b->hub, TOLD_RECORD);
        bench_close(b);
        bench_open(b);
        if (recorder_count(&b->hub, TOLD_RECORD) != delivered) _exit(5);
        bench_close(b);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_told_as_synced_survives_kill_9, setup, teardown),
        cmocka_unit_test_setup_teardown(opening_after_a_crash_empties_the_wal_before_anything_is_delivered, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(file_that_may_not_grow_fails_appends_until_it_may, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
