/* A log for tests that is not done before the test says so: appends wait, one record each, to be delivered and ended by
 * hand. The cards of agents are kept at once, unless the test wants it otherwise. */
#ifndef WSM_TESTS_SLOW_LOG_H
#define WSM_TESTS_SLOW_LOG_H

#include "wsm/wsm.h"

#define SLOW_LOG_APPENDS 16

typedef struct slow_log {
    wsm_hub *hub;
    uint64_t ids[SLOW_LOG_APPENDS]; /* of the appends, in the order in which they came */
    char bytes[SLOW_LOG_APPENDS][1024];
    size_t lens[SLOW_LOG_APPENDS];
    int count;
    uint64_t last;   /* offset that was given last */
    int holds_cards; /* 1: cards wait like the others */
} slow_log;

wsm_log slow_log_of(slow_log *log); /* `log` zeroed at first */

/* Deliver the record of the append `idx` under the next offset. Its end is told with wsm_log_done(log->hub,
 * log->ids[idx],
 * ...). */
void slow_log_deliver(slow_log *log, int idx);

#endif
