/* Times as text: RFC 3339 in UTC with milliseconds, as `timestamp` carries it. No clock is read here. */
#ifndef WSM_LIB_UTIL_CLOCK_H
#define WSM_LIB_UTIL_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WSM__TIME_LEN 24 /* 2026-01-02T03:04:05.678Z */

void wsm__time_format(char out[WSM__TIME_LEN], int64_t ms); /* ms since the Unix epoch; years 0000 to 9999, clamped */
bool wsm__time_parse(const char *text, size_t len, int64_t *ms); /* RFC 3339, any offset, 0-9 fractional digits */

#endif
