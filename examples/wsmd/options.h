/* What wsmd was told: flags over environment over the config file over defaults. Every key stands in one table, which
 * is wsmd's own rows followed by the library's (wsm_config_key_at). */
#ifndef WSMD_OPTIONS_H
#define WSMD_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>
#include <wsm/hub.h>

typedef enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_KEYS } options_action;

typedef struct options {
    const char *listen, *data, *log, *log_level;
    const char *tls_cert, *tls_key, *origins, *hosts; /* NULL: not set */
    uint64_t insecure_plaintext;
    uint64_t sqlite_records_max, sqlite_bytes_max, sqlite_age_s;
    wsm_config hub;
    options_action action;
    bool banner;
    struct kept *kept; /* texts that had to be copied */
} options;

/* Read everything. `args` are `count` flags without the program's name; `environment` ends with NULL. False with a
 * sentence in `why`
 * ("FILE:LINE: ..." where a file is to blame). */
bool options_load(options *all, const char *const *args, int count, const char *const *environment, char *why,
                  size_t cap);
void options_free(options *all);

void options_print_help(FILE *out);
/* One line a key: name, default, what it is; divided by tabs. */
void options_print_keys(FILE *out);

#endif
