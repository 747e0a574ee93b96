/* A log that a hub has written: at least one record of every type there is, and a snapshot in the middle of it. Made
 * when it is first asked for; the same in every run. */
#ifndef WSM_TESTS_FUZZ_CHRONICLE_H
#define WSM_TESTS_FUZZ_CHRONICLE_H

#include "kept_log.h"

const kept_log *chronicle(void);
int64_t chronicle_ms(void); /* how long it took */

#endif
