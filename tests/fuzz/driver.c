/* Runs a fuzz target over files, so that its corpus is an ordinary test with any compiler:
 *
 *     fuzz_NAME [--splits[=BYTES]] FILE-OR-FOLDER...
 *
 * Each input runs as it is; then again with its first allocation failing, then with its second, and so on, once and
 * from there on (I-64, I-65), as far as ALLOCATIONS_MAX. Prints how many inputs there were, and ends as every test
 * does. An input that breaks something ends the program, and its name is printed.
 *
 * With --splits, of a target that reads a stream: every way to receive each transcript in two, three and four pieces,
 * and every way to write what comes out, and all must be observed as the same (I-60, I-61). Streams of up to BYTES are
 * cut in every two places, a fifth of that, at most 50, in every three; longer ones in every one. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define ALLOCATIONS_MAX 40
#define PATHS_MAX       8192

#define ONE_CUT_MAX    1024u
#define ONE_OUT_MAX    8192u /* output, of transcripts of agents and where more than usual is asked for */
#define TWO_CUTS_MAX   72u
#define THREE_CUTS_MAX 50u

static size_t two_cuts_max = TWO_CUTS_MAX;

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
    FILE *file = fopen(path, "rb");
    struct stat about;
    unsigned char *bytes = NULL;
    *len = 0;
    if (file && fstat(fileno(file), &about) == 0 && about.st_size >= 0) {
        bytes = malloc((size_t)about.st_size + (about.st_size == 0));
        if (bytes) *len = fread(bytes, 1, (size_t)about.st_size, file);
    }
    if (file) fclose(file);
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
    snprintf(current, sizeof current, "%s", path);
    unsigned char *bytes = load(path, &len);
    if (!bytes) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    LLVMFuzzerTestOneInput(bytes, len);
    plain_runs++;
    if (fuzz_counts) run_starved(bytes, len);
    free(bytes);
    inputs++;
}

/* ---- every way to cut a stream ---- */

static unsigned long long in_runs[4], out_runs[4], transcripts[4];

static void run_cut(const unsigned char *bytes, size_t len, fuzz_cuts in, fuzz_cuts out, const fuzz_text *whole) {
    fuzz_text seen = {0};
    fuzz_stream(bytes, len, in, out, &seen);
    if (!fuzz_same(&seen, whole)) {
        const fuzz_cuts *cuts = in.count ? &in : &out;
        for (size_t i = 0; i < cuts->count; i++)
            fprintf(stderr, "cut at %zu of the %s\n", cuts->at[i], in.count ? "input" : "output");
        fuzz_show("whole", whole->ptr, whole->len);
        fuzz_show("cut", seen.ptr, seen.len);
        FUZZ_FAIL("the same for every cut");
    }
    fuzz_text_free(&seen);
}

/* All sets of `count` cuts of a stream of `stream` bytes. */
static void run_cuts(const unsigned char *bytes, size_t len, size_t stream, size_t count, bool of_input,
                     const fuzz_text *whole) {
    size_t at[3] = {1, 2, 3};
    fuzz_cuts cuts = {at, count}, none = {at, 0};
    if (stream <= count) return;
    for (;;) {
        run_cut(bytes, len, of_input ? cuts : none, of_input ? none : cuts, whole);
        (of_input ? in_runs : out_runs)[count]++;
        size_t i = count;
        while (i > 0 && at[i - 1] == stream - 1 - (count - i)) i--;
        if (i == 0) return;
        at[i - 1]++;
        for (; i < count; i++) at[i] = at[i - 1] + 1;
    }
}

static void split_file(const char *path) {
    const size_t most[] = {0, ONE_CUT_MAX, two_cuts_max,
                           two_cuts_max < THREE_CUTS_MAX * 5 ? two_cuts_max / 5 : THREE_CUTS_MAX};
    size_t len;
    fuzz_text whole = {0};
    fuzz_cuts none = {NULL, 0};
    bool is_named = strstr(path, "/session-") != NULL; /* of agents: what comes out is long, and matters */
    snprintf(current, sizeof current, "%s", path);
    unsigned char *bytes = load(path, &len);
    if (!bytes) exit(2);
    fuzz_lens lens = fuzz_stream(bytes, len, none, none, &whole);
    for (size_t count = 1; count <= 3; count++) {
        if (lens.in <= most[count]) {
            run_cuts(bytes, len, lens.in, count, true, &whole);
            transcripts[count]++;
        }
        size_t out_max = count == 1 && (is_named || two_cuts_max > TWO_CUTS_MAX) ? ONE_OUT_MAX : most[count];
        if (lens.out <= out_max) run_cuts(bytes, len, lens.out, count, false, &whole);
    }
    fuzz_text_free(&whole);
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
    if (argc > 1 && strncmp(argv[1], "--splits", 8) == 0) {
        if (argv[1][8] == '=') two_cuts_max = strtoul(argv[1] + 9, NULL, 10);
        if (!fuzz_stream) {
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
        printf(
            "report: %s: %u transcripts; input cut once in %llu ways, twice in %llu (of %llu transcripts), three times "
            "in %llu (of %llu); output in %llu, %llu and %llu ways\n",
            name, inputs, in_runs[1], in_runs[2], transcripts[2], in_runs[3], transcripts[3], out_runs[1], out_runs[2],
            out_runs[3]);
    printf("%u passed, %u failed\n", inputs, inputs == 0 ? 1u : 0u);
    return inputs == 0;
}
