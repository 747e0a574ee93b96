/* What a server or a client may put on the wire, read by eyes of our own. Each ends the program if it finds anything
 * else. */
#ifndef WSM_TESTS_FUZZ_WIRE_CHECK_H
#define WSM_TESTS_FUZZ_WIRE_CHECK_H

#include "fuzz.h"

typedef void (*wire_message_fn)(void *user, int opcode, const unsigned char *payload, size_t len);

typedef struct wire_checks {
    bool masked;                /* frames of a client */
    bool json;                  /* text is one strict JSON object */
    wire_message_fn on_message; /* may be NULL; of text and binary */
    void *user;
} wire_checks;

/* Whole frames: FIN set, nothing reserved, shortest length, a close at most once and last, with a code that may be
 * sent. Returns that code, 1005 for a close without one, 0 for none. */
unsigned wire_check_frames(const void *bytes, size_t len, const wire_checks *checks);

/* Whether a close frame may carry it (RFC 6455, section 7.4, and the IANA registry). */
bool wire_code_may_be_sent(unsigned code);

/* One HTTP/1.1 response and nothing else; behind a 101 come frames, whose place is returned (the length otherwise).
 * `*status` is set. */
size_t wire_check_response(const void *bytes, size_t len, int *status);

#endif
