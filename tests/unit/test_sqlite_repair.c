/* A damaged newest row cannot make the log longer than it is. */
#define _GNU_SOURCE
#include "sqlite_hub.h"

static int setup(void **state) {
    bench *b = malloc(sizeof *b);
    bench_init(b);
    bench_open(b);
    bench_fill(b, 5);
    *state = b;
    return 0;
}

static int teardown(void **state) {
    bench *b = *state;
    bench_fini(b);
    free(b);
    return 0;
}

/* Close, damage, open: what the hub is told then. */
static void damage(bench *b, const char *sql) {
    bench_close(b);
    bench_sql(b, sql);
    bench_open(b);
}

static void assert_loaded(bench *b, uint64_t last, size_t broken) {
    size_t records = recorder_count(&b->hub, TOLD_RECORD), empty = 0;
    assert_int_equal(recorder_get(&b->hub, TOLD_READY, 0)->outcome, 0);
    assert_int_equal(recorder_get(&b->hub, TOLD_READY, 0)->last, last);
    for (size_t i = 0; i < records; i++) empty += recorder_get(&b->hub, TOLD_RECORD, i)->len == 0;
    assert_int_equal(empty, broken);
    assert_int_equal(recorder_get(&b->hub, TOLD_RECORD, records - 1)->id, last);
}

static void assert_goes_on_after(bench *b, uint64_t last, size_t broken) {
    recorder_clear(&b->hub);
    bench_append(b, 77, "the next");
    recorder_wait(&b->hub, TOLD_DONE, 1);
    assert_int_equal(recorder_get(&b->hub, TOLD_RECORD, 0)->id, last + 1);
    bench_close(b);
    bench_open(b);
    assert_loaded(b, last + 1, broken);
    bench_close(b);
}

static void row_with_a_damaged_offset_is_put_back_whole(void **state) {
    bench *b = *state;
    damage(b, "UPDATE record SET \"offset\" = 9007199254740000 WHERE \"offset\" = 5");
    assert_loaded(b, 5, 0);
    assert_string_equal(recorder_get(&b->hub, TOLD_RECORD, 4)->bytes, "record 5");
    assert_goes_on_after(b, 5, 0);
}

static void offset_beyond_all_numbers_is_no_offset(void **state) {
    bench *b = *state;
    damage(b, "UPDATE record SET \"offset\" = 9223372036854775806 WHERE \"offset\" = 5");
    assert_loaded(b, 5, 0);
    assert_goes_on_after(b, 5, 0);
}

static void row_that_fits_nowhere_is_the_next_one_and_a_gap(void **state) {
    bench *b = *state;
    damage(b, "UPDATE record SET \"offset\" = 4000000000, bytes = x'00' WHERE \"offset\" = 5");
    assert_loaded(b, 5, 1);
    assert_goes_on_after(b, 5, 1);
}

static void damaged_row_in_its_place_stays_there(void **state) {
    bench *b = *state;
    damage(b, "UPDATE record SET bytes = x'00' WHERE \"offset\" = 5");
    assert_loaded(b, 5, 1);
    assert_goes_on_after(b, 5, 1);
}

static void rows_lost_before_a_whole_one_are_gaps(void **state) {
    bench *b = *state;
    damage(b, "DELETE FROM record WHERE \"offset\" IN (2, 3, 4)");
    assert_loaded(b, 5, 3);
    assert_goes_on_after(b, 5, 3);
}

static void several_damaged_rows_come_back_one_by_one(void **state) {
    bench *b = *state;
    damage(b, "UPDATE record SET \"offset\" = 1000000 * \"offset\" WHERE \"offset\" > 2");
    assert_loaded(b, 5, 0);
    assert_goes_on_after(b, 5, 0);
}

static void file_of_nothing_but_strange_rows_is_refused(void **state) {
    bench *b = *state;
    bench_close(b);
    bench_sql(b, "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
                 " INSERT INTO record SELECT 1000000 * i, x'00', 1, 1 FROM n");
    assert_int_equal(wsm_sqlite_open(&b->db, &b->config, b->why, sizeof b->why), WSM_ERR_LOG_IO);
    assert_non_null(strstr(b->why, "malformed"));
}

/* One byte of a row's number in the page itself: 3 becomes 2950, and stays between 2 and 4. */
static void rows_out_of_order_are_refused_before_they_swallow_new_ones(void **state) {
    static const unsigned char row[] = {3, 5, 0}; /* its number, the length of its head, the type of its first column */
    static char bytes[1 << 20];
    bench *b = *state;
    bench_close(b);
    FILE *file = fopen(b->config.path, "r+b");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    char *found = memmem(bytes, len, row, sizeof row);
    assert_non_null(found);
    assert_null(memmem(found + 1, len - (size_t)(found + 1 - bytes), row, sizeof row));
    assert_int_equal(fseek(file, found - bytes, SEEK_SET), 0);
    assert_int_equal(fputc(0x97, file), 0x97);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(wsm_sqlite_open(&b->db, &b->config, b->why, sizeof b->why), WSM_ERR_LOG_IO);
    assert_non_null(strstr(b->why, "malformed"));
}

static void broken_snapshot_beyond_all_records_does_not_make_the_log_longer(void **state) {
    bench *b = *state;
    b->log.save(b->log.user, 2, "old", 3);
    bench_append(b, 6, "record 6");
    recorder_wait(&b->hub, TOLD_DONE, 1);
    damage(b, "INSERT INTO snapshot SELECT 123456789, bytes, checksum FROM snapshot");
    assert_loaded(b, 6, 0);
    assert_int_equal(recorder_get(&b->hub, TOLD_SNAPSHOT, 0)->id, 2);
    assert_goes_on_after(b, 6, 0);
}

/* The newest records are lost, and the snapshot that is newer knows it. */
static void row_is_not_put_below_a_snapshot(void **state) {
    bench *b = *state;
    b->log.save(b->log.user, 5, "at five", 7);
    damage(b, "UPDATE record SET \"offset\" = 4000000000, bytes = x'00' WHERE \"offset\" = 3;"
              "DELETE FROM record WHERE \"offset\" IN (4, 5)");
    assert_int_equal(recorder_get(&b->hub, TOLD_READY, 0)->last, 6);
    bench_close(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(row_with_a_damaged_offset_is_put_back_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(offset_beyond_all_numbers_is_no_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(row_that_fits_nowhere_is_the_next_one_and_a_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_row_in_its_place_stays_there, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_lost_before_a_whole_one_are_gaps, setup, teardown),
        cmocka_unit_test_setup_teardown(several_damaged_rows_come_back_one_by_one, setup, teardown),
        cmocka_unit_test_setup_teardown(file_of_nothing_but_strange_rows_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_out_of_order_are_refused_before_they_swallow_new_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_snapshot_beyond_all_records_does_not_make_the_log_longer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(row_is_not_put_below_a_snapshot, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
