/* Opening: what is made, what is refused, and that what is refused is not touched. */
#define _DEFAULT_SOURCE
#include "sqlite_hub.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

static int open_only(bench *b) {
    b->why[0] = '\0';
    return wsm_sqlite_open(&b->db, &b->config, b->why, sizeof b->why);
}

/* The whole file, to compare. Free it. */
static char *slurp(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *len = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*len + 1);
    assert_int_equal(fread(bytes, 1, *len, file), *len);
    fclose(file);
    return bytes;
}

static size_t files_in(const char *path) {
    size_t count = 0;
    DIR *folder = opendir(path);
    while (readdir(folder)) count++;
    closedir(folder);
    return count - 2; /* . and .. */
}

/* Opening is refused with `err` and a sentence that names the file and holds `word`; no byte and no file changes. */
static void assert_refused(bench *b, int err, const char *word) {
    size_t before_len, after_len, files = files_in(b->folder);
    char *before = slurp(b->path, &before_len);
    assert_int_equal(open_only(b), err);
    assert_null(b->db);
    assert_non_null(strstr(b->why, b->path));
    if (!strstr(b->why, word)) fail_msg("no \"%s\" in: %s", word, b->why);
    char *after = slurp(b->path, &after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    assert_int_equal(files_in(b->folder), files);
    free(before);
    free(after);
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static unsigned mode_of(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void new_file_belongs_to_its_owner_whatever_the_umask(void **state) {
    bench *b = *state;
    const mode_t umasks[] = {0, 022, 0777};
    for (size_t i = 0; i < 3; i++) {
        mode_t before = umask(umasks[i]);
        bench_open(b);
        umask(before);
        bench_append(b, 1, "x");
        recorder_wait(&b->hub, TOLD_DONE, 1);
        char wal[128], shm[128];
        snprintf(wal, sizeof wal, "%s-wal", b->path);
        snprintf(shm, sizeof shm, "%s-shm", b->path);
        assert_int_equal(mode_of(b->path), 0600);
        assert_int_equal(mode_of(wal), 0600);
        assert_int_equal(mode_of(shm), 0600);
        bench_close(b);
        assert_int_equal(files_in(b->folder), 1); /* no WAL, no lock stays behind */
        unlink(b->path);
    }
}

static void empty_file_becomes_a_log(void **state) {
    bench *b = *state;
    write_file(b->path, "");
    bench_open(b);
    bench_fill(b, 3);
    bench_close(b);
    bench_open(b);
    assert_int_equal(recorder_count(&b->hub, TOLD_RECORD), 3);
    bench_close(b);
}

static void file_can_be_told_by_its_header(void **state) {
    bench *b = *state;
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    size_t len;
    char *bytes = slurp(b->path, &len);
    assert_memory_equal(bytes + 68, "WSML", 4);
    assert_memory_equal(bytes + 60, "\0\0\0\1", 4);
    free(bytes);
}

static void text_file_is_refused(void **state) {
    bench *b = *state;
    write_file(b->path, "Dear diary");
    assert_refused(b, WSM_ERR_LOG_FORMAT, "not a SQLite database");
}

static void foreign_database_is_refused(void **state) {
    bench *b = *state;
    bench_sql(b, "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    assert_refused(b, WSM_ERR_LOG_FORMAT, "another application");
}

static void newer_schema_is_refused_with_both_versions(void **state) {
    bench *b = *state;
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    bench_sql(b, "PRAGMA user_version = 7");
    assert_refused(b, WSM_ERR_LOG_FORMAT, "version 7");
    assert_non_null(strstr(b->why, "up to 1"));
}

/* The header says 1 still, the WAL says 7. */
static void newer_schema_in_the_wal_is_refused_and_not_checkpointed(void **state) {
    bench *b = *state;
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db;
        if (sqlite3_open(b->path, &db) != SQLITE_OK) _exit(1);
        _exit(sqlite3_exec(db, "PRAGMA user_version = 7", NULL, NULL, NULL) == SQLITE_OK ? 0 : 1); /* never closed */
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    size_t before_len, after_len;
    char *before = slurp(b->path, &before_len);

    assert_int_equal(open_only(b), WSM_ERR_LOG_FORMAT);

    char *after = slurp(b->path, &after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    free(before);
    free(after);
}

static void log_without_its_tables_is_refused(void **state) {
    bench *b = *state;
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    bench_sql(b, "DROP TABLE snapshot");
    assert_refused(b, WSM_ERR_LOG_FORMAT, "its tables");
}

static void log_without_an_epoch_is_refused(void **state) {
    bench *b = *state;
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    bench_sql(b, "UPDATE meta SET value = 'no epoch' WHERE key = 'epoch'");
    assert_refused(b, WSM_ERR_LOG_FORMAT, "its tables");
}

static void folder_is_refused(void **state) {
    bench *b = *state;
    b->config.path = b->folder;
    assert_int_equal(open_only(b), WSM_ERR_LOG_FORMAT);
    assert_non_null(strstr(b->why, "not a regular file"));
    char lock[128];
    snprintf(lock, sizeof lock, "%s.lock", b->folder);
    assert_int_equal(access(lock, F_OK), -1);
}

static void missing_folder_is_an_error_that_names_it(void **state) {
    bench *b = *state;
    b->config.path = "/nonexistent/folder/log.db";
    assert_int_equal(open_only(b), WSM_ERR_LOG_IO);
    assert_non_null(strstr(b->why, "/nonexistent/folder/log.db"));
}

static void log_in_use_by_another_process_is_refused(void **state) {
    bench *b = *state;
    int up[2], down[2];
    assert_int_equal(pipe(up) | pipe(down), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte = open_only(b) == 0 ? 'k' : 'x';
        if (write(up[1], &byte, 1) != 1 || read(down[0], &byte, 1) != 1) _exit(1);
        wsm_sqlite_close(b->db);
        _exit(0);
    }
    char byte = 0;
    assert_int_equal(read(up[0], &byte, 1), 1);
    assert_int_equal(byte, 'k');

    assert_refused(b, WSM_ERR_LOG_LOCKED, "in use by another process");

    assert_int_equal(write(down[1], "q", 1), 1);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    bench_open(b);
    bench_close(b);
    for (int i = 0; i < 2; i++) {
        close(up[i]);
        close(down[i]);
    }
}

static void log_that_is_open_here_is_refused_also_through_a_link(void **state) {
    bench *b = *state;
    assert_int_equal(open_only(b), 0);
    wsm_sqlite *first = b->db;
    char link[128];
    snprintf(link, sizeof link, "%s/link.db", b->folder);
    assert_int_equal(symlink("log.db", link), 0);

    assert_int_equal(open_only(b), WSM_ERR_LOG_LOCKED);
    b->config.path = link;
    assert_int_equal(open_only(b), WSM_ERR_LOG_LOCKED);

    wsm_sqlite_close(first);
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
}

static void lock_file_left_by_a_crash_is_no_hindrance_and_one_with_content_stays(void **state) {
    bench *b = *state;
    char lock[128];
    snprintf(lock, sizeof lock, "%s.lock", b->path);
    write_file(lock, "");
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    assert_int_equal(access(lock, F_OK), -1);
    write_file(lock, "somebody's");
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    assert_int_equal(access(lock, F_OK), 0);
}

/* In a child that is not root, for root may write anywhere. Returns the error of opening. */
static int open_as_nobody(bench *b) {
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(99);
        int err = open_only(b);
        _exit(err == WSM_ERR_LOG_IO && strstr(b->why, b->path) ? 1 : 2);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_only_folder_is_an_error_and_nothing_is_made(void **state) {
    bench *b = *state;
    assert_int_equal(chmod(b->folder, 0555), 0);
    assert_int_equal(open_as_nobody(b), 1);
    assert_int_equal(files_in(b->folder), 0);
    chmod(b->folder, 0700);
}

static void read_only_file_is_an_error_and_not_touched(void **state) {
    bench *b = *state;
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    assert_int_equal(chmod(b->path, 0444), 0);
    assert_int_equal(chmod(b->folder, 0777), 0);
    size_t before_len, after_len;
    char *before = slurp(b->path, &before_len);

    assert_int_equal(open_as_nobody(b), 1);

    char *after = slurp(b->path, &after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    assert_int_equal(files_in(b->folder), 1);
    free(before);
    free(after);
}

static void relative_path_is_taken_from_the_folder_of_the_moment(void **state) {
    bench *b = *state;
    char before[512];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(b->folder), 0);
    b->config.path = "file:log.db"; /* a name, no URI */
    bench_open(b);
    assert_int_equal(chdir(before), 0);
    bench_fill(b, 2);
    char path[128];
    snprintf(path, sizeof path, "%s/file:log.db", b->folder);
    assert_int_equal(access(path, F_OK), 0);
    bench_close(b);
}

static void count_line(void *user, int level, const char *line) {
    (void)level;
    assert_null(strchr(line, '\n'));
    (*(int *)user)++;
}

static void file_that_others_may_open_is_warned_about(void **state) {
    bench *b = *state;
    int lines = 0;
    b->config.on_log = count_line;
    b->config.user = &lines;
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    assert_int_equal(lines, 0);
    chmod(b->path, 0644);
    assert_int_equal(open_only(b), 0);
    wsm_sqlite_close(b->db);
    assert_int_equal(lines, 1);
}

/* Memory of this size, which the compiler must not know: it would warn about the very thing that is tested. */
static void *exactly(volatile size_t size) {
    return malloc(size);
}

static void structs_of_other_versions_are_understood_or_refused(void **state) {
    bench *b = *state;
    size_t old_size = offsetof(wsm_sqlite_config, queue_max), new_size = sizeof(wsm_sqlite_config) + 8;

    wsm_sqlite_config *old = exactly(old_size);
    wsm_sqlite_config_init(old, old_size);
    old->path = b->path;
    assert_int_equal(wsm_sqlite_open(&b->db, old, NULL, 0), 0);
    wsm_sqlite_close(b->db);
    old->size = sizeof(size_t);
    assert_int_equal(wsm_sqlite_open(&b->db, old, NULL, 0), WSM_ERR_INVALID);
    free(old);

    wsm_sqlite_config *new = exactly(new_size);
    wsm_sqlite_config_init(new, new_size);
    new->path = b->path;
    assert_int_equal(wsm_sqlite_open(&b->db, new, NULL, 0), 0);
    size_t stats_size = offsetof(wsm_sqlite_stats, queued);
    wsm_sqlite_stats *stats = exactly(stats_size);
    wsm_sqlite_stats_init(stats, stats_size);
    assert_int_equal(wsm_sqlite_stats_get(b->db, stats), 0);
    assert_int_equal(stats->size, stats_size);
    free(stats);
    wsm_sqlite_close(b->db);
    ((char *)new)[new_size - 1] = 1;
    assert_int_equal(wsm_sqlite_open(&b->db, new, b->why, sizeof b->why), WSM_ERR_VERSION);
    free(new);
}

static void wrong_configuration_is_refused(void **state) {
    bench *b = *state;
    assert_int_equal(wsm_sqlite_open(NULL, &b->config, NULL, 0), WSM_ERR_INVALID);
    assert_int_equal(wsm_sqlite_open(&b->db, NULL, NULL, 0), WSM_ERR_INVALID);
    b->config.path = NULL;
    assert_int_equal(open_only(b), WSM_ERR_INVALID);
    b->config.path = "";
    assert_int_equal(open_only(b), WSM_ERR_INVALID);
    b->config.path = b->path;
    b->config.vfs = "no such vfs";
    assert_int_equal(open_only(b), WSM_ERR_LOG_IO);
    assert_int_equal(files_in(b->folder), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(new_file_belongs_to_its_owner_whatever_the_umask),
        TEST(empty_file_becomes_a_log),
        TEST(file_can_be_told_by_its_header),
        TEST(text_file_is_refused),
        TEST(foreign_database_is_refused),
        TEST(newer_schema_is_refused_with_both_versions),
        TEST(newer_schema_in_the_wal_is_refused_and_not_checkpointed),
        TEST(log_without_its_tables_is_refused),
        TEST(log_without_an_epoch_is_refused),
        TEST(folder_is_refused),
        TEST(missing_folder_is_an_error_that_names_it),
        TEST(log_in_use_by_another_process_is_refused),
        TEST(log_that_is_open_here_is_refused_also_through_a_link),
        TEST(lock_file_left_by_a_crash_is_no_hindrance_and_one_with_content_stays),
        TEST(read_only_folder_is_an_error_and_nothing_is_made),
        TEST(read_only_file_is_an_error_and_not_touched),
        TEST(relative_path_is_taken_from_the_folder_of_the_moment),
        TEST(file_that_others_may_open_is_warned_about),
        TEST(structs_of_other_versions_are_understood_or_refused),
        TEST(wrong_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
