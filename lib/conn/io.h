/* What goes in and out of one connection once it is past HTTP, and its HTTP answer before that: the link, the lanes and
 * what was handed out, with the rules of who goes next. Returns what happened; calls nobody. */
#ifndef WSM_LIB_CONN_IO_H
#define WSM_LIB_CONN_IO_H

#include "conn/lanes.h"
#include "wire/link.h"
#include "wire/outq.h"

#define WSM__IO_HANDED_BYTES                                                                                           \
    (256u << 10) /* frames are handed out until this much is on its way: the rest can still be overtaken */

typedef struct wsm__io {
    wsm__chain_pool *pool;
    const wsm__lane_limits *limits; /* shared */
    wsm__lanes lanes;
    wsm__outq out;
    uint64_t progress_at; /* monotonic ms when bytes last went, or when they began to wait */
    bool waits;           /* something did, when wsm__io_note last looked */
    uint64_t messages_out, bytes_out;
    bool linked;    /* upgraded: `link` is alive */
    bool finishing; /* nothing more is taken; over when all is written */
    bool cut;       /* over, whatever still waits */
    bool closed;    /* the close frame was handed out: nothing may follow */
    wsm__link link;
} wsm__io;

void wsm__io_init(wsm__io *io, wsm__chain_pool *pool, const wsm__lane_limits *limits, bool payload_only);
void wsm__io_fini(wsm__io *io);

/* Queue a frame; errors as wsm__lanes_push. */
int wsm__io_push(wsm__io *io, wsm__lane lane, wsm__frame *frame, uint64_t offset, bool is_notice, uint64_t now);
/* The same of one that is too large for the queue at any time, into an empty one. */
int wsm__io_push_alone(wsm__io *io, wsm__lane lane, wsm__frame *frame, uint64_t offset, uint64_t now);
/* Queue bytes that go before everything else (HTTP answers). WSM_ERR_NOMEM: no effect. */
int wsm__io_push_raw(wsm__io *io, wsm__frame *frame, uint64_t now);

/* Call whenever something may have been queued, by the link too (a ping, a pong, a close): when output begins to wait,
 * the time in which it must make progress begins. */
void wsm__io_note(wsm__io *io, uint64_t now);

/* Drop of what was not handed out what `drops` says; how many of each lane. */
void wsm__io_purge(wsm__io *io, wsm__chain_drops *drops, const void *user, uint32_t dropped[WSM__LANES]);

size_t wsm__io_vec(wsm__io *io, wsm_vec *vec, size_t cap);
void wsm__io_sent(wsm__io *io, size_t len, uint64_t now);

bool wsm__io_has_output(const wsm__io *io); /* something waits, handed out or not */
bool wsm__io_is_over(const wsm__io *io);    /* the transport can go */
size_t wsm__io_bytes(const wsm__io *io);
uint32_t wsm__io_count(const wsm__io *io);
/* Whether the lane takes this frame now, or nothing waits: then it is never easier than now. */
bool wsm__io_fits(const wsm__io *io, wsm__lane lane, const wsm__frame *frame);
/* Bytes that the normal lane would still take; SIZE_MAX: it has no end. */
size_t wsm__io_left(const wsm__io *io);
/* How many more messages of the normal lane fit, at most `most`. */
uint32_t wsm__io_room(const wsm__io *io, uint32_t most);

#endif
