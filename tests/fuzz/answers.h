/* Keeps the book of requests and their answers (I-07): of each message_id that was sent, how many answers must come,
 * and which came. Reads what the hub sends with the reference's JSON. */
#ifndef WSM_TESTS_FUZZ_ANSWERS_H
#define WSM_TESTS_FUZZ_ANSWERS_H

#include "fuzz.h"

#define ANSWERS_MAX 128

typedef struct answers {
    struct {
        char id[37];
        unsigned asked, acks, errors;
    } rows[ANSWERS_MAX];
    size_t count;
    unsigned nameless; /* errors whose original_message_id is null */
} answers;

/* A message goes out. If it has a message_id that can be read, the hub owes an answer. True if so. */
bool answers_asked(answers *book, const void *text, size_t len);
/* A message came from the hub: it is strict JSON with a known type. */
void answers_came(answers *book, const void *text, size_t len);
/* Every id has as many answers as were asked for; `all` false: at most. Never an ack and an error for one request. */
void answers_check(const answers *book, bool all);

#endif
