/* The table of keys, and where their values come from but for flags. Every function that can fail returns false with a
 * sentence in `why`. */
#ifndef WSMD_KEYS_H
#define WSMD_KEYS_H

#include "options.h"

#define KEYS_COUNT_MAX 160 /* rows that a config file can tell apart; the table has about half as many */

void keys_set_defaults(options *all);
void keys_free(options *all);
void keys_print(FILE *out);

long keys_find(const char *name);                                                        /* its row, or -1 */
bool keys_set(options *all, const char *name, const char *value, char *why, size_t cap); /* `value` is copied */

/* Write a sentence; always false, so that a failure is one line. */
bool blame(char *why, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

bool config_load_file(options *all, const char *path, char *why, size_t cap);
bool config_load_environment(options *all, const char *const *environment, char *why, size_t cap);

#endif
