/* The table of keys, and the one function that sets a key. wsmd's own rows have the form of the library's, so that both
 * are read, checked and listed alike. */
#include "keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct kept *next;
    char text[];
};

static const wsm_config_key own_keys[] = {
    {"listen", offsetof(options, listen), 0, 0, "where to listen: ADDRESS:PORT, numeric; port 0 takes a free one"},
    {"data", offsetof(options, data), 0, 0, "directory of the log and the secret; made with mode 0700"},
    {"log", offsetof(options, log), 0, 0, "where records are kept: sqlite, or memory (gone at the end)"},
    {"log_level", offsetof(options, log_level), 0, 0,
     "least level of lines on standard error: debug, info, warn, error"},
    {"tls_cert", offsetof(options, tls_cert), 0, 0, "PEM file with the certificate chain; with tls_key turns on TLS"},
    {"tls_key", offsetof(options, tls_key), 0, 0, "PEM file with the certificate's private key"},
    {"origins", offsetof(options, origins), 0, 0,
     "values of Origin to accept beside wsmd's own, as in https://a.example, comma-separated"},
    {"hosts", offsetof(options, hosts), 0, 0, "values of Host to accept beside wsmd's own, comma-separated"},
    {"insecure_plaintext", offsetof(options, insecure_plaintext), 8, 1,
     "1: listen without TLS on an address that is not loopback"},
    {"sqlite_records_max", offsetof(options, sqlite_records_max), 8, UINT64_MAX, "records kept on disk; 0: no limit"},
    {"sqlite_bytes_max", offsetof(options, sqlite_bytes_max), 8, UINT64_MAX,
     "bytes of records kept on disk; 0: no limit"},
    {"sqlite_age_s", offsetof(options, sqlite_age_s), 8, UINT64_MAX,
     "seconds that records are kept on disk; 0: no limit"},
};
#define OWN_COUNT (sizeof own_keys / sizeof own_keys[0])

static const wsm_config_key *key_at(size_t index) {
    return index < OWN_COUNT ? &own_keys[index] : wsm_config_key_at(index - OWN_COUNT);
}

long keys_find(const char *name) {
    const wsm_config_key *key;
    for (size_t i = 0; (key = key_at(i)) != NULL; i++) {
        if (strcmp(key->name, name) == 0) return (long)i;
    }
    return -1;
}

bool blame(char *why, size_t cap, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, cap, format, args);
    va_end(args);
    return false;
}

static const char *keep(options *all, const char *text) {
    size_t size = strlen(text) + 1;
    struct kept *kept = malloc(sizeof *kept + size);
    if (kept == NULL) return NULL;
    memcpy(kept->text, text, size);
    kept->next = all->kept;
    all->kept = kept;
    return kept->text;
}

static bool read_number(const char *text, uint64_t max, uint64_t *number) {
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text)) return false;
    errno = 0;
    unsigned long long value = strtoull(text, NULL, 10);
    *number = value;
    return errno == 0 && value <= max;
}

bool keys_set(options *all, const char *name, const char *value, char *why, size_t cap) {
    long index = keys_find(name);
    if (index < 0) return blame(why, cap, "there is no key '%.64s'; `wsmd --keys` lists them", name);
    const wsm_config_key *key = key_at((size_t)index);
    if (value[0] == '\0') return blame(why, cap, "%s has no value", key->name);
    const char *copy = keep(all, value);
    if (copy == NULL) return blame(why, cap, "out of memory");
    if ((size_t)index >= OWN_COUNT) {
        if (wsm_config_set(&all->hub, key->name, copy) == 0) return true;
    } else if (key->width == 0) {
        memcpy((char *)all + key->offset, &copy, sizeof copy);
        return true;
    } else {
        uint64_t number = 0;
        if (read_number(value, key->max, &number)) {
            memcpy((char *)all + key->offset, &number, sizeof number);
            return true;
        }
    }
    if (key->width == 0) return blame(why, cap, "%s: not a valid value", key->name);
    return blame(why, cap, "%s: not a whole number from 0 to %llu", key->name, (unsigned long long)key->max);
}

void keys_set_defaults(options *all) {
    *all = (options){.listen = "127.0.0.1:8002",
                     .data = "./wsmd-data",
                     .log = "sqlite",
                     .log_level = "info",
                     .sqlite_records_max = 1000000,
                     .sqlite_bytes_max = 4ull << 30};
    wsm_config_init(&all->hub, sizeof all->hub);
}

void keys_free(options *all) {
    while (all->kept != NULL) {
        struct kept *next = all->kept->next;
        free(all->kept);
        all->kept = next;
    }
}

void keys_print(FILE *out) {
    options all;
    const wsm_config_key *key;
    keys_set_defaults(&all);
    for (size_t i = 0; (key = key_at(i)) != NULL; i++) {
        const char *at = (i < OWN_COUNT ? (const char *)&all : (const char *)&all.hub) + key->offset, *word;
        uint64_t wide;
        uint32_t narrow;
        (void)fprintf(out, "%s\t", key->name);
        if (key->width == 0) {
            memcpy(&word, at, sizeof word);
            (void)fputs(word != NULL ? word : "-", out);
        } else if (key->width == sizeof narrow) {
            memcpy(&narrow, at, sizeof narrow);
            (void)fprintf(out, "%lu", (unsigned long)narrow);
        } else {
            memcpy(&wide, at, sizeof wide);
            (void)fprintf(out, "%llu", (unsigned long long)wide);
        }
        (void)fprintf(out, "\t%s\n", key->about);
    }
}
