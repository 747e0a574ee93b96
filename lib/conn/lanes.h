/* The queue of a connection, in lanes: what waits and may still be overtaken. First in, first out within a lane. */
#ifndef WSM_LIB_CONN_LANES_H
#define WSM_LIB_CONN_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/outq.h"

typedef enum wsm__lane {
    WSM__LANE_CONTROL = 0, /* answers, welcome, position */
    WSM__LANE_EMERGENCY,
    WSM__LANE_CRITICAL,
    WSM__LANE_NORMAL, /* high, normal, low, in offset order */
    WSM__LANE_BACKGROUND,
    WSM__LANES
} wsm__lane;

typedef struct wsm__lane_limits {
    uint32_t messages_max;    /* normal and background; 0: none */
    uint32_t bytes_max;       /* all; its last quarter for critical and above only; 0: none */
    uint32_t control_reserve; /* bytes beyond bytes_max that answers may take */
} wsm__lane_limits;

typedef struct wsm__lanes {
    wsm__chain lane[WSM__LANES];
    uint32_t count;            /* of all lanes */
    uint32_t soft;             /* of the lanes normal and background */
    uint32_t since_background; /* frames of normal since one of background went */
    size_t bytes;
} wsm__lanes;

void wsm__lanes_init(wsm__lanes *lanes);
void wsm__lanes_fini(wsm__lanes *lanes, wsm__chain_pool *pool);

/* Whether wsm__lanes_push would find room. */
bool wsm__lanes_fit(const wsm__lanes *lanes, const wsm__lane_limits *limits, wsm__lane lane, const wsm__frame *frame,
                    uint32_t more_count, size_t more_bytes, bool is_notice);

/* Bytes that the normal lane would still take; SIZE_MAX: it has no end. */
size_t wsm__lanes_left(const wsm__lanes *lanes, const wsm__lane_limits *limits, size_t more_bytes);

/* 0, WSM_ERR_BUSY (over a limit; `more_*` is what is counted beside the lanes: frames handed out), or WSM_ERR_NOMEM;
 * then no effect. Takes a reference of its own. `offset` 0: no record. A notice (gap, replay_start, replay_end) is
 * exempt from the number of messages and may use what is kept for critical ones: it must not fail for a small queue. */
int wsm__lanes_push(wsm__lanes *lanes, wsm__chain_pool *pool, const wsm__lane_limits *limits, wsm__lane lane,
                    wsm__frame *frame, uint64_t offset, uint32_t more_count, size_t more_bytes, bool is_notice);

/* The next frame by priority moves to `out`, if something waits. Background gets one in 16. Returns 1 if one moved, 0,
 * or WSM_ERR_NOMEM: no effect. */
int wsm__lanes_pop(wsm__lanes *lanes, wsm__chain_pool *pool, wsm__outq *out);

uint64_t wsm__lanes_lowest(const wsm__lanes *lanes); /* the lowest offset that waits; 0: no record waits */
/* Drop what `drops` says; returns how many, and in `dropped`, unless that is NULL, how many of each lane. */
uint32_t wsm__lanes_purge(wsm__lanes *lanes, wsm__chain_pool *pool, wsm__chain_drops *drops, const void *user,
                          uint32_t dropped[WSM__LANES]);
/* The first record of a lane behind an offset, 0: there is none; and drop all of them. */
uint64_t wsm__lanes_first(const wsm__lanes *lanes, wsm__lane lane, uint64_t after);
uint32_t wsm__lanes_cut(wsm__lanes *lanes, wsm__chain_pool *pool, wsm__lane lane, uint64_t after);
uint32_t wsm__lanes_drop_all(wsm__lanes *lanes, wsm__chain_pool *pool, uint32_t dropped[WSM__LANES]);
const char *wsm__lane_name(wsm__lane lane);

#endif
