/* A reference for the message layer (RFC 6455, sections 5 to 8): it judges frames that were never bytes. */
#ifndef WSM_TESTS_FUZZ_REF_FRAMES_H
#define WSM_TESTS_FUZZ_REF_FRAMES_H

#include "fuzz.h"

typedef struct ref_frame {
    bool fin;
    unsigned rsv, opcode;
    bool masked;
    int length_form;    /* bytes of the length: 0 (in the header), 2, 8 */
    uint64_t announced; /* length that the header says; fits the form */
    const unsigned char *payload;
    size_t len; /* bytes that are there: `announced`, or fewer, and then it is the last */
} ref_frame;

typedef struct ref_frames_limits {
    uint64_t message_max;
    unsigned fragments_max;
    bool binary, from_client;
} ref_frames_limits;

/* The events of these frames, one a line: "text HASH LEN", "binary ...", "ping ...", "pong ...", "close CODE ...",
 * "error CODE" (the last). */
void ref_frames_judge(const ref_frame *frames, size_t count, const ref_frames_limits *limits, fuzz_text *events);

/* How both sides write an event. */
void ref_frames_event(fuzz_text *events, const char *kind, unsigned code, const void *payload, size_t len);

#endif
