/* F14: what wsmd is told. Lines that begin with `@` are flags, with `%` variables of the environment, all others a
 * config file. Either everything is understood, or there is one sentence, which names the file's line if that is to
 * blame; what is left empty never widens anybody's rights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../examples/wsmd/keys.h"
#include "../../examples/wsmd/options.h"
#include "fuzz.h"

#define ARGS_MAX 24

static char *terminated(wsm_slice text) {
    char *copy = malloc(text.len + 1);
    if (!copy) abort();
    if (text.len) memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

typedef struct told {
    char *args[ARGS_MAX + 1], *environment[ARGS_MAX + 1];
    int args_count, environment_count;
    fuzz_text file;
} told;

static void read_input(told *t, fuzz_in in) {
    while (in.left > 0) {
        bool has_end = memchr(in.at, '\n', in.left) != NULL;
        wsm_slice line = fuzz_until(&in, '\n');
        wsm_slice rest = {line.ptr + 1, line.len ? line.len - 1 : 0};
        if (line.len && line.ptr[0] == '@' && t->args_count < ARGS_MAX)
            t->args[t->args_count++] = terminated(rest);
        else if (line.len && line.ptr[0] == '%' && t->environment_count < ARGS_MAX - 1)
            t->environment[t->environment_count++] = terminated(rest);
        else {
            fuzz_put(&t->file, line.ptr, line.len);
            if (has_end) fuzz_put(&t->file, "\n", 1);
        }
    }
}

static void forget(told *t) {
    for (int i = 0; i < t->args_count; i++) free(t->args[i]);
    for (int i = 0; i < t->environment_count; i++) free(t->environment[i]);
    fuzz_text_free(&t->file);
}

static void check_why(const char *why, size_t cap) {
    size_t len = strnlen(why, cap);
    FUZZ_EXPECT(len > 0 && len < cap && !memchr(why, '\n', len));
}

static void check_options(const options *all) {
    FUZZ_EXPECT(all->listen && all->data && all->log && all->log_level);
    FUZZ_EXPECT(all->insecure_plaintext <= 1);
    FUZZ_EXPECT((all->tls_cert == NULL) == (all->tls_key == NULL));
    FUZZ_EXPECT(!all->origins || all->origins[0]);
    FUZZ_EXPECT(!all->hosts || all->hosts[0]);
    FUZZ_EXPECT(all->hub.hello_auth <= 1);
}

/* The file alone: the sentence begins with its name and the line that is to blame. */
static void check_file(const char *path, size_t lines) {
    options all;
    char why[512] = "", expected[64];
    keys_set_defaults(&all);
    bool good = config_load_file(&all, path, why, sizeof why);
    if (good) {
        FUZZ_EXPECT(why[0] == '\0');
    } else {
        check_why(why, sizeof why);
        size_t len = (size_t)snprintf(expected, sizeof expected, "%s:", path);
        FUZZ_EXPECT(strncmp(why, expected, len) == 0);
        unsigned long line = strtoul(why + len, NULL, 10);
        FUZZ_EXPECT(line >= 1 && line <= lines);
    }
    options_free(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    told t = {.args_count = 0};
    char path[64], flag[96], variable[96], why[512] = "";
    read_input(&t, (fuzz_in){data, size});
    int fd = memfd_create("wsmd.conf", 0);
    FUZZ_EXPECT(fd >= 0);
    for (size_t done = 0; done < t.file.len;) {
        ssize_t wrote = write(fd, t.file.ptr + done, t.file.len - done);
        FUZZ_EXPECT(wrote > 0);
        done += (size_t)wrote;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    size_t lines = 1;
    for (size_t i = 0; i < t.file.len; i++) lines += t.file.ptr[i] == '\n';
    check_file(path, lines);

    options all;
    snprintf(flag, sizeof flag, "--config=%s", path);
    snprintf(variable, sizeof variable, "WSMD_CONFIG=%s", path);
    bool by_variable = size % 2 == 1 && t.environment_count < ARGS_MAX;
    for (int i = t.args_count; i > 0; i--) t.args[i] = t.args[i - 1];
    t.args[0] = flag;
    for (int i = 0; i < t.args_count + 1; i++) { /* another file would be one of this machine */
        bool names_file = i > 0 && strncmp(t.args[i], "--config", 8) == 0;
        if (names_file) t.args[i][2] = 'x';
    }
    for (int i = 0; i < t.environment_count; i++)
        if (strncmp(t.environment[i], "WSMD_CONFIG=", 12) == 0) t.environment[i][0] = 'X';
    if (by_variable) t.environment[t.environment_count] = variable;
    const char *const *args = (const char *const *)(by_variable ? t.args + 1 : t.args);
    bool good =
        options_load(&all, args, t.args_count + !by_variable, (const char *const *)t.environment, why, sizeof why);
    if (by_variable) t.environment[t.environment_count] = NULL;
    if (!good) check_why(why, sizeof why);
    if (good && all.action == OPTIONS_RUN) check_options(&all);
    options_free(&all);
    for (int i = 0; i < t.args_count; i++) t.args[i] = t.args[i + 1];
    close(fd);
    forget(&t);
    return 0;
}
