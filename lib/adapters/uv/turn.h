/* A turn of the loop, as a hub or a client sees it: what must be done before the loop goes to sleep, and when it has to
 * be woken again. One of these stands behind each wsm_uv and each wsm_uv_client, and owns its streams.
 *
 * libuv's order is timers, prepare, sleep and I/O, check, closing. Work ends in the prepare phase: whatever a timer or
 * the I/O of the last turn has left to write is then known, and nothing can put the loop to sleep before it is written.
 */
#ifndef WSM_UV_TURN_H
#define WSM_UV_TURN_H

#include <stdint.h>
#include <uv.h>

#include "list.h"

#define WSM__UV_READ_BYTES (64u << 10) /* the most that libuv reads in one call; one buffer for all streams */

/* What a turn drives. All run on the loop's thread, with the owner. */
typedef struct wsm__uv_driver {
    void (*begin)(void *owner);   /* first of all, once a turn; may be NULL */
    int64_t (*next)(void *owner); /* ms until the next deadline, -1: none */
    void (*tick)(void *owner);    /* do what is due */
    void (*gone)(void *owner);    /* the loop holds nothing of the turn any more: free the owner */
} wsm__uv_driver;

typedef struct wsm__uv_turn {
    uv_loop_t *loop;
    uv_prepare_t prepare;
    uv_timer_t timer;
    const wsm__uv_driver *driver;
    void *owner;
    wsm__uv_link streams; /* all of them, until libuv has let go */
    wsm__uv_link dirty;   /* those that have something to write */
    wsm__uv_link leaving; /* those that are closing, in the order of their deadlines */
    unsigned leaving_count;
    unsigned held;     /* handles and requests that libuv still knows */
    uint64_t armed_at; /* loop time the timer is set to; UINT64_MAX: it is not */
    int closed;
    char buffer[WSM__UV_READ_BYTES];
} wsm__uv_turn;

void wsm__uv_turn_init(wsm__uv_turn *turn, uv_loop_t *loop, const wsm__uv_driver *driver, void *owner);

/* Count a handle or request; the last release calls `gone`. */
void wsm__uv_turn_hold(wsm__uv_turn *turn);
void wsm__uv_turn_release(wsm__uv_turn *turn);

/* Cut all streams and close the turn's own handles. Twice does nothing. */
void wsm__uv_turn_close(wsm__uv_turn *turn);

#endif
