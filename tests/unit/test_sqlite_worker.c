/* The log as a hub sees it: order, group commit, loading, reading, failures of the disk and of the hub, the end. */
#define _DEFAULT_SOURCE
#include "sqlite_hub.h"
#include "vfs_fault.h"

static vfs_fault *fault;

static int setup(void **state) {
    fault = vfs_fault_register();
    bench *b = malloc(sizeof *b);
    bench_init(b);
    b->config.vfs = VFS_FAULT;
    *state = b;
    return 0;
}

static int teardown(void **state) {
    bench *b = *state;
    bench_fini(b);
    vfs_fault_unregister();
    free(b);
    return 0;
}

static void records_are_delivered_before_their_append_is_done(void **state) {
    bench *b = *state;
    bench_open(b);
    wsm_vec records[2] = {{"alpha", 5}, {"beta", 4}};
    assert_int_equal(b->log.append(b->log.user, 71, records, 2), 0);
    recorder_wait(&b->hub, TOLD_DONE, 1);

    assert_int_equal(b->hub.count, 4);
    const event *e = b->hub.events;
    assert_int_equal(e[0].what, TOLD_READY);
    assert_int_equal(e[0].last, 0);
    assert_int_equal(e[1].what, TOLD_RECORD);
    assert_int_equal(e[1].id, 1);
    assert_string_equal(e[1].bytes, "alpha");
    assert_int_equal(e[2].id, 2);
    assert_string_equal(e[2].bytes, "beta");
    assert_int_equal(e[3].what, TOLD_DONE);
    assert_int_equal(e[3].id, 71);
    assert_int_equal(e[3].outcome, WSM_LOG_SYNCED);
    bench_close(b);
}

static void append_is_synced_before_it_is_done(void **state) {
    bench *b = *state;
    bench_open(b);
    for (uint64_t i = 1; i <= 5; i++) {
        unsigned long long before = fault->synced;
        bench_append(b, i, "x");
        recorder_wait(&b->hub, TOLD_DONE, i);
        assert_true(fault->synced > before);
    }
    bench_close(b);
}

static void appends_that_come_during_a_commit_share_the_next(void **state) {
    bench *b = *state;
    bench_open(b);
    gate_close(&b->hub);
    bench_append(b, 1, "first");
    gate_wait(&b->hub); /* the worker is busy with the first */
    for (uint64_t i = 2; i <= 200; i++) assert_int_equal(bench_append(b, i, "more"), 0);
    assert_int_equal(bench_stats(b).commits, 0);
    gate_open(&b->hub);
    recorder_wait(&b->hub, TOLD_DONE, 200);

    wsm_sqlite_stats stats = bench_stats(b);
    assert_int_equal(stats.commits, 2);
    assert_int_equal(stats.records, 200);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(stats.failures, 0);
    assert_true(stats.bytes > 0);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(recorder_get(&b->hub, TOLD_RECORD, i)->id, i + 1);
        assert_int_equal(recorder_get(&b->hub, TOLD_DONE, i)->id, i + 1);
    }
    bench_close(b);
}

static void queue_has_an_end(void **state) {
    bench *b = *state;
    b->config.queue_max = 3;
    bench_open(b);
    wsm_vec many[4] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}};
    assert_int_equal(b->log.append(b->log.user, 1, many, 4), WSM_ERR_TOO_LARGE);
    gate_close(&b->hub);
    assert_int_equal(b->log.append(b->log.user, 2, many, 1), 0);
    gate_wait(&b->hub);
    assert_int_equal(b->log.append(b->log.user, 3, many, 2), 0);
    assert_int_equal(b->log.append(b->log.user, 4, many, 1), WSM_ERR_BUSY);
    gate_open(&b->hub);
    recorder_wait(&b->hub, TOLD_DONE, 2);
    assert_int_equal(b->log.append(b->log.user, 5, many, 3), 0);
    recorder_wait(&b->hub, TOLD_DONE, 3);
    assert_int_equal(bench_stats(b).records, 6);
    bench_close(b);
}

static void wrong_arguments_are_refused(void **state) {
    bench *b = *state;
    bench_open(b);
    wsm_vec none = {"x", 0}, null = {NULL, 1}, huge = {"x", WSM__SQLITE_RECORD_BYTES_MAX + 1};
    void *user = b->log.user;
    assert_int_equal(b->log.append(user, 1, NULL, 1), WSM_ERR_INVALID);
    assert_int_equal(b->log.append(user, 1, &none, 0), WSM_ERR_INVALID);
    assert_int_equal(b->log.append(user, 1, &none, 1), WSM_ERR_INVALID);
    assert_int_equal(b->log.append(user, 1, &null, 1), WSM_ERR_INVALID);
    assert_int_equal(b->log.append(user, 1, &huge, 1), WSM_ERR_TOO_LARGE);
    assert_int_equal(b->log.read(user, 1, 2, 1, 1, 1), WSM_ERR_INVALID);
    assert_int_equal(b->log.save(user, 0, "x", 1), WSM_ERR_INVALID);
    assert_int_equal(b->log.save(user, 1, NULL, 1), WSM_ERR_INVALID);
    assert_int_equal(b->log.open(user, NULL), WSM_ERR_INVALID);
    assert_int_equal(b->log.open(user, (wsm_hub *)&b->hub), WSM_ERR_STATE);
    wsm_log blank = {0};
    assert_int_equal(wsm_sqlite_log(b->db, &blank), WSM_ERR_INVALID);
    assert_int_equal(wsm_sqlite_log(NULL, &b->log), WSM_ERR_INVALID);
    bench_close(b);
}

static void log_without_a_hub_takes_nothing(void **state) {
    bench *b = *state;
    bench_open(b);
    b->log.close(b->log.user);
    assert_int_equal(bench_append(b, 1, "x"), WSM_ERR_STATE);
    assert_int_equal(b->log.read(b->log.user, 1, 1, 2, 1, 1), WSM_ERR_STATE);
    assert_int_equal(b->log.trim(b->log.user, 1), WSM_ERR_STATE);
    assert_int_equal(b->log.save(b->log.user, 1, "x", 1), WSM_ERR_STATE);
    b->log.close(b->log.user); /* twice does nothing */
    wsm_sqlite_close(b->db);
    wsm_sqlite_close(NULL);
}

static void reopening_gives_the_same_epoch_offsets_and_bytes(void **state) {
    bench *b = *state;
    bench_open(b);
    char epoch[17];
    memcpy(epoch, b->hub.events[0].epoch, sizeof epoch);
    assert_int_equal(strspn(epoch, "0123456789abcdef"), 16);
    bench_fill(b, 2500); /* more than one page */
    bench_close(b);

    bench_open(b);

    assert_int_equal(b->hub.count, 2501);
    for (size_t i = 0; i < 2500; i++) {
        char text[32];
        snprintf(text, sizeof text, "record %zu", i + 1);
        assert_int_equal(b->hub.events[i].what, TOLD_RECORD);
        assert_int_equal(b->hub.events[i].id, i + 1);
        assert_string_equal(b->hub.events[i].bytes, text);
    }
    const event *ready = &b->hub.events[2500];
    assert_int_equal(ready->what, TOLD_READY);
    assert_int_equal(ready->outcome, 0);
    assert_string_equal(ready->epoch, epoch);
    assert_int_equal(ready->first, 1);
    assert_int_equal(ready->last, 2500);
    bench_append(b, 1, "next");
    recorder_wait(&b->hub, TOLD_DONE, 1);
    assert_int_equal(recorder_get(&b->hub, TOLD_RECORD, 2500)->id, 2501);
    bench_close(b);
}

static void snapshot_stands_before_the_records_after_it(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 10);
    assert_int_equal(b->log.save(b->log.user, 7, "state at seven", 14), 0);
    bench_close(b); /* finishes what was saved, too */

    bench_open(b);

    assert_int_equal(b->hub.count, 5);
    assert_int_equal(b->hub.events[0].what, TOLD_SNAPSHOT);
    assert_int_equal(b->hub.events[0].id, 7);
    assert_string_equal(b->hub.events[0].bytes, "state at seven");
    for (size_t i = 1; i <= 3; i++) assert_int_equal(b->hub.events[i].id, 7 + i);
    assert_int_equal(b->hub.events[4].what, TOLD_READY);
    assert_int_equal(b->hub.events[4].first, 1);
    bench_close(b);
}

static void snapshot_ahead_of_the_log_is_not_kept(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 2);
    assert_int_equal(b->log.save(b->log.user, 3, "future", 6), 0);
    bench_close(b);
    bench_open(b);
    assert_int_equal(b->hub.events[0].what, TOLD_RECORD);
    bench_close(b);
}

static void read_answers_with_one_page_within_the_limits(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 20);

    assert_int_equal(b->log.read(b->log.user, 5, 3, 12, 4, 1000), 0);
    assert_int_equal(b->log.read(b->log.user, 6, 3, 12, 100, 17), 0);
    assert_int_equal(b->log.read(b->log.user, 7, 19, 1000, 100, 1000), 0);
    assert_int_equal(b->log.read(b->log.user, 8, 21, 30, 100, 1000), 0);
    recorder_wait(&b->hub, TOLD_PAGE, 4);

    size_t counts[] = {4, 2, 2, 0};
    for (size_t i = 0; i < 4; i++) {
        const event *page = recorder_get(&b->hub, TOLD_PAGE, i);
        assert_int_equal(page->id, 5 + i);
        assert_int_equal(page->outcome, 0);
        assert_int_equal(page->count, counts[i]);
    }
    assert_string_equal(recorder_get(&b->hub, TOLD_RECORD, 0)->bytes, "record 3");
    assert_string_equal(recorder_get(&b->hub, TOLD_RECORD, 7)->bytes, "record 20");
    bench_close(b);
}

static void trimmed_records_go_up_to_the_older_snapshot(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 20);
    b->log.save(b->log.user, 8, "s", 1);
    b->log.trim(b->log.user, 15);
    const event *page;
    uint64_t id = 0;
    do { /* the worker does it when it has time */
        b->log.read(b->log.user, ++id, 1, 20, 1, 1);
        recorder_wait(&b->hub, TOLD_PAGE, id);
        page = recorder_get(&b->hub, TOLD_RECORD, id - 1);
    } while (page->id == 1 && id < 1000);

    assert_int_equal(page->id, 9);
    bench_close(b);
    bench_open(b);
    assert_int_equal(recorder_get(&b->hub, TOLD_READY, 0)->first, 9);
    bench_close(b);
}

static void corrupt_record_is_delivered_empty_and_counted(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 5);
    bench_close(b);
    bench_sql(b, "UPDATE record SET bytes = CAST('xxxxxxxx' AS BLOB) WHERE offset = 2;"
                 "DELETE FROM record WHERE offset = 4");

    bench_open(b);

    assert_int_equal(b->hub.count, 6);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(b->hub.events[i].id, i + 1);
        assert_int_equal(b->hub.events[i].len == 0, i == 1 || i == 3);
    }
    assert_int_equal(b->hub.events[5].outcome, 0);
    bench_append(b, 1, "goes on");
    recorder_wait(&b->hub, TOLD_DONE, 1);
    assert_int_equal(recorder_get(&b->hub, TOLD_RECORD, 5)->id, 6);
    assert_int_equal(bench_stats(b).corrupt, 2);
    bench_close(b);
}

static void log_whose_state_is_lost_says_so_instead_of_starting_empty(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 5);
    b->log.save(b->log.user, 3, "s", 1);
    bench_close(b);
    bench_sql(b, "DELETE FROM record WHERE offset < 4; UPDATE snapshot SET checksum = 1");

    bench_open(b);

    assert_int_equal(b->hub.count, 1);
    assert_int_equal(b->hub.events[0].outcome, WSM_ERR_LOG_CORRUPT);
    bench_append(b, 1, "no");
    recorder_wait(&b->hub, TOLD_DONE, 1);
    assert_int_equal(recorder_get(&b->hub, TOLD_DONE, 0)->outcome, WSM_ERR_STORE_FAILED);
    bench_close(b);
}

static void full_disk_fails_the_append_and_nothing_is_delivered(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 3);
    fault->writes = -1;
    for (uint64_t i = 11; i <= 15; i++) {
        bench_append(b, i, "no room");
        recorder_wait(&b->hub, TOLD_DONE, i - 10);
    }
    assert_int_equal(recorder_count(&b->hub, TOLD_RECORD), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(recorder_get(&b->hub, TOLD_DONE, i)->outcome, WSM_ERR_STORE_FAILED);
    }
    assert_int_equal(bench_stats(b).failures, 5);

    fault->writes = 0;
    recorder_clear(&b->hub);
    uint64_t tries = 0;
    do { /* until the store has been opened again */
        usleep(20000);
        bench_append(b, ++tries, "room again");
        recorder_wait(&b->hub, TOLD_DONE, tries);
    } while (recorder_get(&b->hub, TOLD_DONE, tries - 1)->outcome != 0 && tries < 200);

    assert_int_equal(recorder_get(&b->hub, TOLD_RECORD, 0)->id, 4);
    assert_string_equal(recorder_get(&b->hub, TOLD_RECORD, 0)->bytes, "room again");
    bench_close(b);
}

/* The sync of the COMMIT fails, and so do those of the checkpoint when the store is closed: the WAL stays, with the
 * record in it. */
static void record_kept_although_its_sync_failed_is_delivered_later(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 3);
    fault->syncs = 2;
    bench_append(b, 50, "kept after all");
    recorder_wait(&b->hub, TOLD_RECORD, 1);

    assert_int_equal(b->hub.events[0].what, TOLD_DONE);
    assert_int_equal(b->hub.events[0].outcome, WSM_ERR_STORE_FAILED);
    assert_int_equal(b->hub.events[1].what, TOLD_RECORD);
    assert_int_equal(b->hub.events[1].id, 4);
    assert_string_equal(b->hub.events[1].bytes, "kept after all");
    bench_append(b, 51, "next");
    recorder_wait(&b->hub, TOLD_DONE, 2);
    assert_int_equal(b->hub.events[2].id, 5);
    assert_int_equal(b->hub.events[3].outcome, 0);
    bench_close(b);
    bench_open(b);
    assert_int_equal(recorder_count(&b->hub, TOLD_RECORD), 5);
    bench_close(b);
}

static void failed_sync_leaves_no_trace_when_the_store_could_undo_it(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 3);
    fault->syncs = 1;
    bench_append(b, 50, "undone");
    recorder_wait(&b->hub, TOLD_DONE, 1);
    bench_append(b, 51, "kept");
    recorder_wait(&b->hub, TOLD_DONE, 2);

    assert_int_equal(recorder_count(&b->hub, TOLD_RECORD), 1);
    assert_int_equal(recorder_get(&b->hub, TOLD_RECORD, 0)->id, 4);
    assert_string_equal(recorder_get(&b->hub, TOLD_RECORD, 0)->bytes, "kept");
    bench_close(b);
}

static void hub_without_memory_is_told_again_until_it_hears(void **state) {
    bench *b = *state;
    bench_open(b);
    bench_fill(b, 3);
    b->log.save(b->log.user, 2, "s", 1);
    pthread_mutex_lock(&b->hub.mutex);
    b->hub.nomem = 5;
    pthread_mutex_unlock(&b->hub.mutex);
    bench_append(b, 9, "heard");
    recorder_wait(&b->hub, TOLD_DONE, 1);
    assert_int_equal(b->hub.count, 2);
    assert_string_equal(b->hub.events[0].bytes, "heard");
    bench_close(b);

    b->hub.nomem = 3;
    bench_open(b);
    assert_int_equal(b->hub.count, 4);
    assert_int_equal(b->hub.events[0].what, TOLD_SNAPSHOT);
    bench_close(b);
}

static void close_finishes_what_was_appended_and_ends_the_calls(void **state) {
    bench *b = *state;
    bench_open(b);
    gate_close(&b->hub);
    bench_append(b, 1, "one");
    gate_wait(&b->hub);
    for (uint64_t i = 2; i <= 50; i++) bench_append(b, i, "more");
    b->log.read(b->log.user, 1, 1, 50, 10, 10);
    gate_open(&b->hub);
    b->log.close(b->log.user);
    size_t count = b->hub.count;
    assert_int_equal(recorder_count(&b->hub, TOLD_DONE), 50);
    assert_int_equal(recorder_count(&b->hub, TOLD_PAGE), 1);
    usleep(50000);
    assert_int_equal(b->hub.count, count);

    /* A second hub finds everything. */
    recorder second;
    recorder_init(&second);
    assert_int_equal(b->log.open(b->log.user, (wsm_hub *)&second), 0);
    recorder_wait(&second, TOLD_READY, 1);
    assert_int_equal(recorder_count(&second, TOLD_RECORD), 50);
    assert_int_equal(b->hub.count, count);
    b->log.close(b->log.user);
    recorder_fini(&second);
    wsm_sqlite_close(b->db);
}

static void close_does_not_wait_for_a_hub_that_has_no_memory(void **state) {
    bench *b = *state;
    bench_open(b);
    pthread_mutex_lock(&b->hub.mutex);
    b->hub.nomem = 1000000;
    pthread_mutex_unlock(&b->hub.mutex);
    bench_append(b, 1, "unheard");
    bench_close(b);
    b->hub.nomem = 0;
    bench_open(b);
    assert_string_equal(recorder_get(&b->hub, TOLD_RECORD, 0)->bytes, "unheard");
    bench_close(b);
}

static void closing_the_database_with_a_hub_still_attached_ends_cleanly(void **state) {
    bench *b = *state;
    bench_open(b);
    for (uint64_t i = 1; i <= 20; i++) {
        bench_append(b, i, "x");
        b->log.read(b->log.user, i, 1, 1, 1, 1);
    }
    wsm_sqlite_close(b->db);
    assert_int_equal(recorder_count(&b->hub, TOLD_DONE), 20);
    assert_int_equal(recorder_count(&b->hub, TOLD_PAGE), 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(records_are_delivered_before_their_append_is_done),
        TEST(append_is_synced_before_it_is_done),
        TEST(appends_that_come_during_a_commit_share_the_next),
        TEST(queue_has_an_end),
        TEST(wrong_arguments_are_refused),
        TEST(log_without_a_hub_takes_nothing),
        TEST(reopening_gives_the_same_epoch_offsets_and_bytes),
        TEST(snapshot_stands_before_the_records_after_it),
        TEST(snapshot_ahead_of_the_log_is_not_kept),
        TEST(read_answers_with_one_page_within_the_limits),
        TEST(trimmed_records_go_up_to_the_older_snapshot),
        TEST(corrupt_record_is_delivered_empty_and_counted),
        TEST(log_whose_state_is_lost_says_so_instead_of_starting_empty),
        TEST(full_disk_fails_the_append_and_nothing_is_delivered),
        TEST(record_kept_although_its_sync_failed_is_delivered_later),
        TEST(failed_sync_leaves_no_trace_when_the_store_could_undo_it),
        TEST(hub_without_memory_is_told_again_until_it_hears),
        TEST(close_finishes_what_was_appended_and_ends_the_calls),
        TEST(close_does_not_wait_for_a_hub_that_has_no_memory),
        TEST(closing_the_database_with_a_hub_still_attached_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
