/* Flags, and the order of all sources: they are read from the weakest to the strongest, so that the later word stands.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "keys.h"

#define NAME_BYTES_MAX          64
#define WORKSPACE_KEY_BYTES_MIN 32 /* as the library wants it */

static const struct {
    const char *name; /* with its dashes */
    const char *key;  /* what it sets, or NULL */
    const char *value;
    const char *about;
} flags[] = {
    {"--listen", "listen", "ADDR:PORT", "where to listen (127.0.0.1:8002)"},
    {"--data", "data", "DIR", "where the log and the secret are kept (./wsmd-data)"},
    {"--log", "log", "sqlite|memory", "how records are kept (sqlite)"},
    {"--config", NULL, "FILE", "lines KEY = VALUE"},
    {"--set", NULL, "KEY=VALUE", "any key; may be given often"},
    {"--tls-cert", "tls_cert", "FILE", "certificate chain, PEM"},
    {"--tls-key", "tls_key", "FILE", "its private key, PEM"},
    {"--banner", NULL, NULL, "print the dashboard's URL, a token, and a line to try"},
    {"--keys", NULL, NULL, "print every key with its default and what it is"},
    {"--help", NULL, NULL, "print this"},
    {"--version", NULL, NULL, "print the version"},
};

/* Whoever wrote `--ping-interval-ms 5000` meant the key. */
static void no_flag(const char *text, size_t len, char *why, size_t cap) {
    char name[NAME_BYTES_MAX] = "";
    for (size_t i = 2; len > 2 && i < len && len < sizeof name; i++)
        name[i - 2] = (char)(text[i] == '-' ? '_' : text[i]);
    if (strncmp(text, "--", 2) == 0 && keys_find(name) >= 0)
        (void)blame(why, cap, "'%.64s' is no flag, but a key: --set %s=VALUE", text, name);
    else
        (void)blame(why, cap, "'%.64s' is no flag; `wsmd --help` and `wsmd token --help` list them", text);
}

/* A flag with its value, from `--name value` or `--name=value`. Returns how many arguments it took, 0 for an error. */
static int take_flag(const char *const *args, int count, size_t *flag, const char **value, char *why, size_t cap) {
    size_t len = strcspn(args[0], "=");
    *flag = 0;
    while (*flag < sizeof flags / sizeof flags[0] &&
           (strlen(flags[*flag].name) != len || strncmp(args[0], flags[*flag].name, len) != 0)) {
        (*flag)++;
    }
    *value = NULL;
    if (*flag == sizeof flags / sizeof flags[0]) {
        no_flag(args[0], len, why, cap);
    } else if (flags[*flag].value == NULL) {
        if (args[0][len] == '\0') return 1;
        (void)blame(why, cap, "%s takes no value", flags[*flag].name);
    } else if (args[0][len] == '=') {
        *value = args[0] + len + 1;
        return 1;
    } else if (count >= 2) {
        *value = args[1];
        return 2;
    } else {
        (void)blame(why, cap, "%s needs a value: %s", flags[*flag].name, flags[*flag].value);
    }
    return 0;
}

static bool set_pair(options *all, const char *pair, char *why, size_t cap) {
    char name[NAME_BYTES_MAX];
    size_t len = strcspn(pair, "="); /* NOLINT(gcc-analyzer): --set is a flag with a value, so there is one */
    if (pair[len] == '\0' || len >= sizeof name) return blame(why, cap, "--set: expected KEY=VALUE");
    memcpy(name, pair, len);
    name[len] = '\0';
    return keys_set(all, name, pair + len + 1, why, cap);
}

static bool is_one_of(const char *text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) return true;
    }
    return false;
}

/* As a browser sends them (RFC 6454, section 6.2): scheme, host and perhaps a port; or `null`. Anything else would
 * never fit, and nobody would know why. */
static bool is_origin(const char *at, size_t len) {
    while (len > 0 && *at == ' ') at++, len--;
    while (len > 0 && at[len - 1] == ' ') len--;
    if (len == 0 || (len == 4 && memcmp(at, "null", 4) == 0)) return true; /* an empty part is no origin, and no harm */
    const char *host = strstr(at, "://"), *end = at + len;
    return host != NULL && host > at && host + 3 < end && memchr(host + 3, '/', (size_t)(end - host - 3)) == NULL;
}

static bool are_origins(const char *list) {
    for (const char *at = list;; at++) {
        size_t len = strcspn(at, ",");
        if (!is_origin(at, len)) return false;
        at += len;
        if (*at == '\0') return true;
    }
}

static bool check(const options *all, char *why, size_t cap) {
    static const char *const logs[] = {"sqlite", "memory"};
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    if (!is_one_of(all->log, logs, 2)) return blame(why, cap, "log: expected sqlite or memory");
    if (!is_one_of(all->log_level, levels, 4)) {
        return blame(why, cap, "log_level: expected debug, info, warn or error");
    }
    if (all->hub.workspace_key != NULL && strlen(all->hub.workspace_key) < WORKSPACE_KEY_BYTES_MIN) {
        return blame(why, cap, "workspace_key: expected a secret of at least %d bytes", WORKSPACE_KEY_BYTES_MIN);
    }
    if (all->hub.ws_path[0] != '/') return blame(why, cap, "ws_path: expected a path, as in /ws");
    if (all->origins != NULL && !are_origins(all->origins)) {
        return blame(why, cap,
                     "origins: expected a list as in https://a.example,https://b.example:8443, without a path");
    }
    if ((all->tls_cert == NULL) != (all->tls_key == NULL)) {
        return blame(why, cap, "tls_cert and tls_key belong together: only one of them is set");
    }
    return true;
}

/* What must be known before the other sources are read: which file, and whether to run at all. */
static bool scan_flags(options *all, const char *const *args, int count, const char **config, char *why, size_t cap) {
    size_t flag;
    const char *value;
    for (int i = 0, took; i < count; i += took) {
        took = take_flag(args + i, count - i, &flag, &value, why, cap);
        if (took == 0) return false;
        const char *name = flags[flag].name;
        if (strcmp(name, "--config") == 0) *config = value;
        if (strcmp(name, "--banner") == 0) all->banner = true;
        if (strcmp(name, "--keys") == 0) all->action = OPTIONS_KEYS;
        if (strcmp(name, "--help") == 0) all->action = OPTIONS_HELP;
        if (strcmp(name, "--version") == 0) all->action = OPTIONS_VERSION;
    }
    return true;
}

static bool apply_flags(options *all, const char *const *args, int count, char *why, size_t cap) {
    size_t flag;
    const char *value;
    for (int i = 0, took; i < count; i += took) {
        took = take_flag(args + i, count - i, &flag, &value, why, cap);
        const char *key = flags[flag].key;
        if (key != NULL && !keys_set(all, key, value, why, cap)) return false;
        if (strcmp(flags[flag].name, "--set") == 0 && !set_pair(all, value, why, cap)) return false;
    }
    return true;
}

bool options_load(options *all, const char *const *args, int count, const char *const *environment, char *why,
                  size_t cap) {
    const char *config = NULL;
    keys_set_defaults(all);
    for (const char *const *at = environment; *at != NULL; at++) {
        if (strncmp(*at, "WSMD_CONFIG=", 12) == 0) config = *at + 12;
    }
    if (!scan_flags(all, args, count, &config, why, cap)) return false;
    if (all->action != OPTIONS_RUN) return true;
    return (config == NULL || config_load_file(all, config, why, cap)) &&
           config_load_environment(all, environment, why, cap) && apply_flags(all, args, count, why, cap) &&
           check(all, why, cap);
}

void options_free(options *all) {
    keys_free(all);
}

void options_print_help(FILE *out) {
    (void)fprintf(out, "usage: wsmd [FLAG...]\n"
                       "       wsmd token --agent NAME [FLAG...]    (wsmd token --help)\n\n");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s %s", flags[i].name, flags[i].value != NULL ? flags[i].value : "");
        (void)fprintf(out, "  %-24s %s\n", left, flags[i].about);
    }
    (void)fprintf(out,
                  "\nFlags are stronger than the environment (WSMD_<KEY>), that than the config file. See wsmd(1).\n");
}

void options_print_keys(FILE *out) {
    keys_print(out);
}
