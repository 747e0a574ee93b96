/* The keys that sign tokens, in DATA/secret.key: one line a key, `KID HEX` with 64 hex digits, comments after `#`. The
 * first signs, all verify; so a key is rotated by putting a new line on top and taking the old one away a day later. */
#ifndef WSMD_SECRETS_H
#define WSMD_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <wsm/token.h>

#define SECRETS_MAX  8
#define SECRET_BYTES ((size_t)32)
#define KID_CAP      33

typedef struct secrets {
    struct {
        char kid[KID_CAP];
        unsigned char bytes[SECRET_BYTES];
    } list[SECRETS_MAX];
    size_t count;
} secrets;

/* Make the directory with mode 0700 if it is absent. False with a sentence. */
bool data_dir_make(const char *dir, char *why, size_t cap);

/* Read the file, after making it with mode 0600 and one random key if it is absent. Refused: a file that others may
 * touch, that is not ours, or that holds anything else. False with a sentence. `is_new` (may be NULL): it was absent.
 */
bool secrets_load(secrets *all, const char *dir, bool *is_new, char *why, size_t cap);
void secrets_get(const secrets *all, size_t index, wsm_key *key); /* borrowed */
void secrets_wipe(secrets *all);

#endif
