/* The store below the thread: transactions, reading, snapshots and retention. */
#define _DEFAULT_SOURCE
#include "sqlite_hub.h"
#include "vfs_fault.h"

typedef struct fixture {
    bench b;
    wsm__sqlite_store store;
} fixture;

static void store_open(fixture *f) {
    char why[256] = "";
    int err = wsm__sqlite_store_open(&f->store, why, sizeof why);
    if (err) fail_msg("%s", why);
}

static int setup(void **state) {
    static fixture only;
    fixture *f = &only;
    memset(f, 0, sizeof *f);
    bench_init(&f->b);
    f->store.path = f->b.path;
    store_open(f);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture *f = *state;
    wsm__sqlite_db_close(&f->store);
    bench_fini(&f->b);
    return 0;
}

static void store_again(fixture *f) {
    wsm__sqlite_db_close(&f->store);
    store_open(f);
}

/* `count` appends, one record of `len` bytes each, in one transaction; the bytes are the append's number. */
static int append(fixture *f, size_t count, size_t len) {
    wsm__sqlite_batch *first = NULL, **end = &first;
    char *bytes = malloc(len);
    for (size_t i = 0; i < count; i++) {
        *end = calloc(1, sizeof **end + sizeof(wsm_record));
        (*end)->count = 1;
        (*end)->records[0] = (wsm_record){.bytes = bytes, .len = len};
        end = &(*end)->next;
    }
    memset(bytes, 'x', len);
    int err = wsm__sqlite_store_append(&f->store, first);
    while (first) {
        wsm__sqlite_batch *next = first->next;
        free(first);
        first = next;
    }
    free(bytes);
    return err;
}

static wsm__sqlite_page read_page(fixture *f, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    wsm__sqlite_page page = {0};
    assert_int_equal(wsm__sqlite_page_read(&f->store, &page, from, to, records_max, bytes_max), 0);
    return page;
}

static void run_sql(fixture *f, const char *sql) {
    assert_int_equal(sqlite3_exec(f->store.db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void offsets_count_from_one_without_a_hole(void **state) {
    fixture *f = *state;
    assert_int_equal(append(f, 3, 10), 0);
    assert_int_equal(append(f, 2, 10), 0);
    assert_int_equal(f->store.first, 1);
    assert_int_equal(f->store.last, 5);

    store_again(f);

    assert_int_equal(f->store.first, 1);
    assert_int_equal(f->store.last, 5);
    wsm__sqlite_page page = read_page(f, 1, 100, 100, 1000);
    assert_int_equal(page.count, 5);
    for (size_t i = 0; i < page.count; i++) {
        assert_int_equal(page.records[i].offset, i + 1);
        assert_int_equal(page.records[i].len, 10);
    }
    wsm__sqlite_page_fini(&page);
}

static void append_that_sqlite_refuses_fails_alone_and_uses_no_offset(void **state) {
    fixture *f = *state;
    char small[] = "small", big[5000];
    memset(big, 'b', sizeof big);
    sqlite3_limit(f->store.db, SQLITE_LIMIT_LENGTH, 4000);
    wsm__sqlite_batch *batches[3];
    for (size_t i = 0; i < 3; i++) {
        batches[i] = calloc(1, sizeof **batches + 2 * sizeof(wsm_record));
        batches[i]->count = 2;
        batches[i]->records[0] = (wsm_record){.bytes = small, .len = 5};
        batches[i]->records[1] = (wsm_record){.bytes = i == 1 ? big : small, .len = i == 1 ? sizeof big : 5};
        if (i > 0) batches[i - 1]->next = batches[i];
    }

    assert_int_equal(wsm__sqlite_store_append(&f->store, batches[0]), 0);

    assert_int_equal(batches[0]->outcome, 0);
    assert_int_equal(batches[1]->outcome, WSM_ERR_STORE_FAILED);
    assert_int_equal(batches[2]->outcome, 0);
    assert_int_equal(batches[2]->records[0].offset, 3);
    assert_int_equal(f->store.last, 4);
    wsm__sqlite_page page = read_page(f, 1, 4, 10, 1000);
    assert_int_equal(page.count, 4);
    assert_int_equal(f->store.corrupt, 0);
    wsm__sqlite_page_fini(&page);
    for (size_t i = 0; i < 3; i++) free(batches[i]);
}

static void offsets_end_at_the_largest_number_that_json_keeps(void **state) {
    fixture *f = *state;
    f->store.last = WSM__SQLITE_OFFSET_MAX - 1;
    wsm__sqlite_batch *batch = calloc(1, sizeof *batch + 2 * sizeof(wsm_record));
    *batch = (wsm__sqlite_batch){.count = 2};

    assert_int_equal(wsm__sqlite_store_append(&f->store, batch), 0);

    assert_int_equal(batch->outcome, WSM_ERR_STORE_FAILED);
    assert_int_equal(f->store.last, WSM__SQLITE_OFFSET_MAX - 1);
    free(batch);
}

static void page_keeps_both_limits_and_has_at_least_one_record(void **state) {
    fixture *f = *state;
    append(f, 10, 100);

    wsm__sqlite_page page = read_page(f, 2, 9, 3, 10000);
    assert_int_equal(page.count, 3);
    assert_int_equal(page.records[0].offset, 2);
    wsm__sqlite_page_fini(&page);
    page = read_page(f, 2, 9, 100, 250);
    assert_int_equal(page.count, 2);
    wsm__sqlite_page_fini(&page);
    page = read_page(f, 2, 9, 100, 200);
    assert_int_equal(page.count, 2);
    wsm__sqlite_page_fini(&page);
    page = read_page(f, 2, 9, 0, 0);
    assert_int_equal(page.count, 1);
    wsm__sqlite_page_fini(&page);
    page = read_page(f, 2, 9, 100, 10000);
    assert_int_equal(page.count, 8);
    assert_int_equal(page.records[7].offset, 9);
    wsm__sqlite_page_fini(&page);
    page = read_page(f, 11, 20, 100, 10000);
    assert_int_equal(page.count, 0);
    wsm__sqlite_page_fini(&page);
}

static void record_that_is_changed_moved_or_lost_comes_back_empty(void **state) {
    fixture *f = *state;
    append(f, 6, 100);
    run_sql(f, "UPDATE record SET bytes = zeroblob(100) WHERE offset = 2;" /* changed */
               "DELETE FROM record WHERE offset = 3;"                      /* lost */
               "UPDATE record SET offset = -4 WHERE offset = 4;"           /* two that changed places */
               "UPDATE record SET offset = 4 WHERE offset = 5;"
               "UPDATE record SET offset = 5 WHERE offset = -4;");

    wsm__sqlite_page page = read_page(f, 1, 6, 100, 10000);

    assert_int_equal(page.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(page.records[i].offset, i + 1);
        assert_int_equal(page.records[i].len, i == 0 || i == 5 ? 100 : 0);
    }
    assert_int_equal(f->store.corrupt, 4);
    wsm__sqlite_page_fini(&page);
}

static void damaged_page_of_the_file_hides_the_records_on_it_only(void **state) {
    fixture *f = *state;
    append(f, 200, 1000);
    wsm__sqlite_db_close(&f->store);
    /* A leaf of the record table in the middle of the file. */
    FILE *file = fopen(f->b.path, "r+b");
    assert_non_null(file);
    fseek(file, 4096 * 20, SEEK_SET);
    for (int i = 0; i < 4096; i++) fputc(0xA5, file);
    fclose(file);
    store_open(f);

    wsm__sqlite_page page = read_page(f, 1, 200, 1000, 1000000);

    assert_int_equal(page.count, 200);
    size_t broken = 0;
    for (size_t i = 0; i < 200; i++) broken += page.records[i].len == 0;
    assert_in_range(broken, 1, 10);
    assert_int_equal(f->store.corrupt, broken);
    assert_false(f->store.broken);
    wsm__sqlite_page_fini(&page);
}

static void sector_that_cannot_be_read_hides_a_record_and_no_more(void **state) {
    fixture *f = *state;
    vfs_fault *fault = vfs_fault_register();
    wsm__sqlite_db_close(&f->store);
    f->store.vfs = VFS_FAULT;
    store_open(f);
    append(f, 50, 1000);
    store_again(f);
    wsm__sqlite_page page = read_page(f, 1, 1, 1, 1); /* the pages above the records are in the cache now */
    wsm__sqlite_page_fini(&page);
    fault->reads = 1;

    page = read_page(f, 20, 40, 100, 1000000);

    assert_int_equal(page.count, 21);
    assert_int_equal(page.records[0].len, 0);
    for (size_t i = 1; i < page.count; i++) assert_int_equal(page.records[i].len, 1000);
    assert_int_equal(f->store.corrupt, 1);
    assert_int_equal(append(f, 1, 10), 0);
    wsm__sqlite_page_fini(&page);
    wsm__sqlite_db_close(&f->store);
    vfs_fault_unregister();
}

static void two_snapshots_are_kept_and_the_newest_loads(void **state) {
    fixture *f = *state;
    wsm__sqlite_snapshot snapshot;
    append(f, 9, 10);
    assert_int_equal(wsm__sqlite_snapshot_load(&f->store, &snapshot), 0);
    assert_null(snapshot.bytes);

    assert_int_equal(wsm__sqlite_snapshot_save(&f->store, 3, "three", 5), 0);
    assert_int_equal(wsm__sqlite_snapshot_save(&f->store, 6, "six", 3), 0);
    assert_int_equal(wsm__sqlite_snapshot_save(&f->store, 9, "nine", 4), 0);
    store_again(f);

    assert_int_equal(f->store.snapshot_floor, 6);
    assert_int_equal(wsm__sqlite_snapshot_load(&f->store, &snapshot), 0);
    assert_int_equal(snapshot.offset, 9);
    assert_int_equal(snapshot.len, 4);
    assert_memory_equal(snapshot.bytes, "nine", 4);
    sqlite3_free(snapshot.bytes);
}

static void older_snapshot_stands_in_for_a_broken_one(void **state) {
    fixture *f = *state;
    wsm__sqlite_snapshot snapshot;
    append(f, 9, 10);
    wsm__sqlite_snapshot_save(&f->store, 6, "six", 3);
    wsm__sqlite_snapshot_save(&f->store, 9, "nine", 4);
    run_sql(f, "UPDATE snapshot SET bytes = CAST('nope' AS BLOB) WHERE offset = 9");

    assert_int_equal(wsm__sqlite_snapshot_load(&f->store, &snapshot), 0);

    assert_int_equal(snapshot.offset, 6);
    assert_memory_equal(snapshot.bytes, "six", 3);
    sqlite3_free(snapshot.bytes);
}

static void broken_snapshots_matter_only_once_records_are_gone(void **state) {
    fixture *f = *state;
    wsm__sqlite_snapshot snapshot;
    append(f, 9, 10);
    wsm__sqlite_snapshot_save(&f->store, 6, "six", 3);
    run_sql(f, "UPDATE snapshot SET bytes = CAST('nope' AS BLOB)");

    assert_int_equal(wsm__sqlite_snapshot_load(&f->store, &snapshot), 0);
    assert_null(snapshot.bytes);

    f->store.trim_to = 6;
    assert_int_equal(wsm__sqlite_retain_step(&f->store, 0), 0);
    assert_int_equal(f->store.first, 7);
    assert_int_equal(wsm__sqlite_snapshot_load(&f->store, &snapshot), WSM_ERR_LOG_CORRUPT);
}

static void offsets_go_on_after_the_snapshot_when_the_newest_records_are_lost(void **state) {
    fixture *f = *state;
    append(f, 9, 10);
    wsm__sqlite_snapshot_save(&f->store, 9, "nine", 4);
    run_sql(f, "DELETE FROM record");

    store_again(f);

    assert_int_equal(f->store.last, 9);
    append(f, 1, 10);
    assert_int_equal(f->store.last, 10);
}

static void retention_removes_the_oldest_in_small_steps(void **state) {
    fixture *f = *state;
    f->store.records_max = 100;
    append(f, 1000, 10);
    wsm__sqlite_snapshot_save(&f->store, 1000, "s", 1);

    assert_int_equal(wsm__sqlite_retain_step(&f->store, 0), 1);
    assert_int_equal(f->store.first, 1 + WSM__SQLITE_RETAIN_ROWS);
    while (wsm__sqlite_retain_step(&f->store, 0) == 1) {
    }

    assert_int_equal(f->store.first, 901);
    assert_int_equal(f->store.last, 1000);
}

static void retention_keeps_what_the_older_snapshot_needs(void **state) {
    fixture *f = *state;
    f->store.records_max = 10;
    append(f, 100, 10);
    assert_int_equal(wsm__sqlite_retain_step(&f->store, 0), 0);
    assert_int_equal(f->store.first, 1); /* no snapshot: all are needed */

    wsm__sqlite_snapshot_save(&f->store, 30, "s", 1);
    wsm__sqlite_snapshot_save(&f->store, 80, "s", 1);
    assert_int_equal(wsm__sqlite_retain_step(&f->store, 0), 0);

    assert_int_equal(f->store.first, 31);
}

static void retention_never_removes_the_newest_record(void **state) {
    fixture *f = *state;
    append(f, 5, 10);
    wsm__sqlite_snapshot_save(&f->store, 5, "s", 1);
    f->store.trim_to = 1000;

    assert_int_equal(wsm__sqlite_retain_step(&f->store, 0), 0);

    assert_int_equal(f->store.first, 5);
    assert_int_equal(f->store.last, 5);
}

static void retention_by_age_removes_what_is_older(void **state) {
    fixture *f = *state;
    append(f, 10, 10);
    wsm__sqlite_snapshot_save(&f->store, 10, "s", 1);
    run_sql(f, "UPDATE record SET kept_at = 1000 + offset");
    f->store.age_s = 100;

    assert_int_equal(wsm__sqlite_retain_step(&f->store, 1105), 0);

    assert_int_equal(f->store.first, 5); /* record 5 is 100 s old: not older than 100 */
}

static void retention_by_bytes_removes_until_the_rest_fits(void **state) {
    fixture *f = *state;
    append(f, 100, 10000);
    wsm__sqlite_snapshot_save(&f->store, 100, "s", 1);
    f->store.bytes_max = 500000;

    while (wsm__sqlite_retain_step(&f->store, 0) == 1) {
    }

    assert_in_range(f->store.first, 50, 75);
}

static void store_that_failed_takes_nothing_until_it_is_reopened(void **state) {
    fixture *f = *state;
    vfs_fault *fault = vfs_fault_register();
    wsm__sqlite_db_close(&f->store);
    f->store.vfs = VFS_FAULT;
    store_open(f);
    append(f, 1, 10);
    fault->syncs = 1;
    assert_int_equal(append(f, 1, 10), WSM_ERR_STORE_FAILED);
    assert_true(f->store.broken);
    assert_int_equal(append(f, 1, 10), WSM_ERR_STORE_FAILED);
    assert_int_equal(wsm__sqlite_snapshot_save(&f->store, 1, "s", 1), WSM_ERR_STORE_FAILED);
    assert_int_equal(wsm__sqlite_retain_step(&f->store, 0), WSM_ERR_STORE_FAILED);

    assert_int_equal(wsm__sqlite_store_reopen(&f->store, NULL, 0), 0);

    assert_int_equal(append(f, 1, 10), 0);
    assert_int_equal(f->store.last, 2);
    wsm__sqlite_db_close(&f->store);
    vfs_fault_unregister();
}

static void reopening_refuses_another_log_in_its_place(void **state) {
    fixture *f = *state;
    char why[256] = "";
    append(f, 3, 10);
    f->store.broken = true;
    run_sql(f, "UPDATE meta SET value = '0123456789abcdef' WHERE key = 'epoch'");
    assert_int_equal(wsm__sqlite_store_reopen(&f->store, why, sizeof why), WSM_ERR_LOG_IO);
    assert_non_null(strstr(why, "replaced"));
    assert_true(f->store.broken);

    unlink(f->b.path);
    assert_int_equal(wsm__sqlite_store_reopen(&f->store, why, sizeof why), WSM_ERR_LOG_IO);
    assert_non_null(strstr(why, "gone"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(offsets_count_from_one_without_a_hole, setup, teardown),
        cmocka_unit_test_setup_teardown(append_that_sqlite_refuses_fails_alone_and_uses_no_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(offsets_end_at_the_largest_number_that_json_keeps, setup, teardown),
        cmocka_unit_test_setup_teardown(page_keeps_both_limits_and_has_at_least_one_record, setup, teardown),
        cmocka_unit_test_setup_teardown(record_that_is_changed_moved_or_lost_comes_back_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_page_of_the_file_hides_the_records_on_it_only, setup, teardown),
        cmocka_unit_test_setup_teardown(sector_that_cannot_be_read_hides_a_record_and_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(two_snapshots_are_kept_and_the_newest_loads, setup, teardown),
        cmocka_unit_test_setup_teardown(older_snapshot_stands_in_for_a_broken_one, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_snapshots_matter_only_once_records_are_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(offsets_go_on_after_the_snapshot_when_the_newest_records_are_lost, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(retention_removes_the_oldest_in_small_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_keeps_what_the_older_snapshot_needs, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_never_removes_the_newest_record, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_by_age_removes_what_is_older, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_by_bytes_removes_until_the_rest_fits, setup, teardown),
        cmocka_unit_test_setup_teardown(store_that_failed_takes_nothing_until_it_is_reopened, setup, teardown),
        cmocka_unit_test_setup_teardown(reopening_refuses_another_log_in_its_place, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
