/* One prepare handle and one timer: everything that a hub or a client wants of the loop in time. */
#define _POSIX_C_SOURCE 200809L /* libuv needs pthread_rwlock_t */

#include "turn.h"

#include "stream.h"

#define NEVER UINT64_MAX

static void on_timer(uv_timer_t *timer) {
    wsm__uv_turn *turn = timer->data;
    turn->armed_at = NEVER;
    turn->driver->tick(turn->owner);
}

/* The timer is touched only when the deadline has moved: it is asked for in every turn. */
static void arm(wsm__uv_turn *turn) {
    uint64_t now = uv_now(turn->loop);
    uint64_t at = wsm__uv_streams_deadline(turn);
    int64_t next = turn->driver->next(turn->owner);
    if (next >= 0 && now + (uint64_t)next < at) at = now + (uint64_t)next;
    if (at == turn->armed_at) return;
    turn->armed_at = at;
    if (at == NEVER)
        uv_timer_stop(&turn->timer);
    else
        uv_timer_start(&turn->timer, on_timer, at > now ? at - now : 0, 0);
}

/* Any call to the owner may close the turn. */
static void on_prepare(uv_prepare_t *prepare) {
    wsm__uv_turn *turn = prepare->data;
    if (turn->driver->begin) turn->driver->begin(turn->owner);
    if (!turn->closed) wsm__uv_streams_expire(turn);
    if (!turn->closed && turn->driver->next(turn->owner) == 0) turn->driver->tick(turn->owner);
    if (!turn->closed) wsm__uv_streams_flush(turn);
    if (!turn->closed) arm(turn);
}

void wsm__uv_turn_init(wsm__uv_turn *turn, uv_loop_t *loop, const wsm__uv_driver *driver, void *owner) {
    turn->loop = loop;
    turn->driver = driver;
    turn->owner = owner;
    turn->armed_at = NEVER;
    turn->closed = 0;
    turn->leaving_count = 0;
    wsm__uv_link_init(&turn->streams);
    wsm__uv_link_init(&turn->dirty);
    wsm__uv_link_init(&turn->leaving);
    turn->held = 2;
    turn->prepare.data = turn;
    turn->timer.data = turn;
    uv_prepare_init(loop, &turn->prepare);
    uv_timer_init(loop, &turn->timer);
    uv_prepare_start(&turn->prepare, on_prepare);
    /* Neither keeps the loop alive: a stream, a listener or the hub's wake-up does. */
    uv_unref((uv_handle_t *)&turn->prepare);
    uv_unref((uv_handle_t *)&turn->timer);
}

void wsm__uv_turn_hold(wsm__uv_turn *turn) {
    turn->held++;
}

void wsm__uv_turn_release(wsm__uv_turn *turn) {
    if (--turn->held == 0) turn->driver->gone(turn->owner);
}

static void on_closed(uv_handle_t *handle) {
    wsm__uv_turn_release(handle->data);
}

void wsm__uv_turn_close(wsm__uv_turn *turn) {
    if (turn->closed) return;
    turn->closed = 1;
    wsm__uv_streams_cut_all(turn);
    uv_close((uv_handle_t *)&turn->prepare, on_closed);
    uv_close((uv_handle_t *)&turn->timer, on_closed);
}
