/* UUIDs (RFC 9562): version 7 from a time and a seeded generator, and strict parsing of any version. */
#ifndef WSM_LIB_UTIL_UUID_H
#define WSM_LIB_UTIL_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WSM__UUID_LEN 36

/* The generator belongs to a hub or client and is seeded from the host's random bytes. Ids are unique and rise with the
 * time; they are no secrets. */
typedef struct wsm__uuid_gen {
    uint64_t state[4];
    int64_t last_ms; /* of the last id; ahead of the clock after a burst, or when the clock went back */
    uint32_t counter;
} wsm__uuid_gen;

void wsm__uuid_seed(wsm__uuid_gen *gen, const unsigned char seed[32]);
void wsm__uuid_v7(wsm__uuid_gen *gen, int64_t wall_ms, char out[WSM__UUID_LEN]);
uint64_t wsm__uuid_random(wsm__uuid_gen *gen);                              /* a number for jitter; not a secret */
bool wsm__uuid_parse(const char *text, size_t len, unsigned char out[16]);  /* 8-4-4-4-12 hex digits, either case */
void wsm__uuid_format(const unsigned char id[16], char out[WSM__UUID_LEN]); /* lower case */

#endif
