/* Runs a fuzz target over files, so that its corpus is an ordinary test with any compiler:
 *
 *     fuzz_NAME [--splits[=BYTES]] FILE-OR-FOLDER...
 *
 * Each input runs as it is; then again with its first allocation failing, then with its second, and so on, once and
 * from there on (I-64, I-65), as far as ALLOCATIONS_MAX. Prints how many inputs there were, and ends as every test
 * does. An input that breaks something ends the program, and its name is printed.
 *
 * With --splits it cuts streams instead, see splits.c: those of up to BYTES in every two places. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "splits.h"

#define ALLOCATIONS_MAX 40
#define PATHS_MAX       8192

static char current[512];
static unsigned inputs;
static unsigned long long plain_runs, starved_runs;

/* Only what is safe in a handler. */
static void on_crash(int signal) {
    static const char said[] = "\nFAILED on the input ";
    ssize_t wrote = write(STDERR_FILENO, said, sizeof said - 1);
    wrote += write(STDERR_FILENO, current, strlen(current));
    wrote += write(STDERR_FILENO, "\n", 1);
    (void)wrote;
    (void)signal;
    _exit(1);
}

/* An input has its own block of its exact size, so that reading past its end shows. */
static unsigned char *load(const char *path, size_t *len) {
    snprintf(current, sizeof current, "%s", path);
    FILE *file = fopen(path, "rb");
    struct stat about;
    unsigned char *bytes = NULL;
    *len = 0;
    if (file && fstat(fileno(file), &about) == 0 && about.st_size >= 0) {
        bytes = malloc((size_t)about.st_size + (about.st_size == 0));
        if (bytes) *len = fread(bytes, 1, (size_t)about.st_size, file);
    }
    if (file) fclose(file);
    if (!bytes) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    return bytes;
}

static void run_starved(const unsigned char *bytes, size_t len) {
    for (int forever = 0; forever <= 1; forever++) {
        for (size_t n = 1; n <= ALLOCATIONS_MAX; n++) {
            fuzz_fail_at = n;
            fuzz_fail_forever = forever;
            fuzz_failed = false;
            LLVMFuzzerTestOneInput(bytes, len);
            if (!fuzz_failed) break;
            starved_runs++;
        }
    }
    fuzz_fail_at = 0;
    fuzz_fail_forever = 0;
}

static void run_file(const char *path) {
    size_t len;
    unsigned char *bytes = load(path, &len);
    LLVMFuzzerTestOneInput(bytes, len);
    plain_runs++;
    if (fuzz_counts) run_starved(bytes, len);
    free(bytes);
    inputs++;
}

static void split_file(const char *path) {
    size_t len;
    unsigned char *bytes = load(path, &len);
    splits_run(bytes, len);
    free(bytes);
    inputs++;
}

static void (*run_one)(const char *path) = run_file;

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run_folder(const char *folder) {
    static char *paths[PATHS_MAX];
    size_t count = 0;
    DIR *dir = opendir(folder);
    if (!dir) {
        fprintf(stderr, "cannot open %s\n", folder);
        exit(2);
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL && count < PATHS_MAX;) {
        if (entry->d_name[0] == '.') continue;
        size_t size = strlen(folder) + strlen(entry->d_name) + 2;
        paths[count] = malloc(size);
        if (!paths[count]) exit(2);
        snprintf(paths[count++], size, "%s/%s", folder, entry->d_name);
    }
    closedir(dir);
    qsort(paths, count, sizeof *paths, by_name);
    for (size_t i = 0; i < count; i++) {
        run_one(paths[i]);
        free(paths[i]);
    }
}

/* A sanitizer ends the program without a signal. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void on_death(void) {
    on_crash(0);
}

int main(int argc, char **argv) {
    struct stat about;
    signal(SIGABRT, on_crash);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(on_death);
    else
        signal(SIGSEGV, on_crash);
    int first = 1;
    fuzz_is_thorough = true;
    if (argc > 1 && strncmp(argv[1], "--splits", 8) == 0) {
        if (argv[1][8] == '=') splits_bytes_max = strtoul(argv[1] + 9, NULL, 10);
        if (!fuzz_run_begin) {
            fprintf(stderr, "this target reads no stream\n");
            return 2;
        }
        run_one = split_file;
        first = 2;
    }
    for (int i = first; i < argc; i++) {
        if (stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode))
            run_folder(argv[i]);
        else
            run_one(argv[i]);
    }
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    if (run_one == run_file)
        printf("report: %s: %u inputs, %llu runs, %llu more with failing allocations\n", name, inputs, plain_runs,
               starved_runs);
    else
        splits_report(name);
    printf("%u passed, %u failed\n", inputs, inputs == 0 ? 1u : 0u);
    return inputs == 0;
}
