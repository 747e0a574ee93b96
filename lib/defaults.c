/* The built-in defaults: the one file of the core that asks the operating system for the time and for random bytes. A
 * host that sets all three callbacks never comes here. */
#define _DEFAULT_SOURCE

#include "defaults.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "wsm/error.h"

static int64_t millis(clockid_t clock) {
    struct timespec ts;
    if (clock_gettime(clock, &ts) != 0) return 0;
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t wsm__default_clock_mono(void *user) {
    (void)user;
    return (uint64_t)millis(CLOCK_MONOTONIC);
}

int64_t wsm__default_clock_wall(void *user) {
    (void)user;
    return millis(CLOCK_REALTIME);
}

int wsm__default_random(void *user, void *bytes, size_t len) {
    (void)user;
    unsigned char *at = bytes;
    while (len) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return WSM_ERR_RANDOM;
        at += got;
        len -= (size_t)got;
    }
    return 0;
}
