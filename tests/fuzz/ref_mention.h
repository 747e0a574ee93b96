/* Mentions in a text by the rules of lib/route/mention.h, read another way: the text is turned into characters, those
 * in code and in URLs are struck out, and what is left is gone through. Nothing of it is the library's. */
#ifndef WSM_TESTS_FUZZ_REF_MENTION_H
#define WSM_TESTS_FUZZ_REF_MENTION_H

#include <stddef.h>
#include <stdint.h>

#define REF_MENTION_NAME_MAX 64u

typedef struct ref_mention {
    int kind; /* 0: a handle, 1: a role, 2: here */
    size_t len;
    char name[REF_MENTION_NAME_MAX];
} ref_mention;

/* Of valid UTF-8 without NUL. At most `cap` are written; returns how many there are. */
size_t ref_mentions(const uint8_t *text, size_t size, ref_mention *out, size_t cap);

#endif
