/* What a host gets that brings no clocks and no random source of its own. */
#ifndef WSM_LIB_DEFAULTS_H
#define WSM_LIB_DEFAULTS_H

#include <stddef.h>
#include <stdint.h>

/* The `user` of each is ignored; the signatures are those of wsm_host. */
uint64_t wsm__default_clock_mono(void *user);
int64_t wsm__default_clock_wall(void *user);
int wsm__default_random(void *user, void *bytes, size_t len); /* 0 or WSM_ERR_RANDOM */

#endif
