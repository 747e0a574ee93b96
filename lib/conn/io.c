/* The way out of a connection: control frames, then lanes, into what is handed out; nothing behind a close frame. */
#include "conn/io.h"

#include "wsm/error.h"

void wsm__io_init(wsm__io *io, wsm__chain_pool *pool, const wsm__lane_limits *limits, bool payload_only) {
    *io = (wsm__io){.pool = pool, .limits = limits};
    wsm__lanes_init(&io->lanes);
    wsm__outq_init(&io->out, payload_only);
}

void wsm__io_fini(wsm__io *io) {
    if (io->linked) wsm__link_fini(&io->link);
    io->linked = false;
    wsm__lanes_fini(&io->lanes, io->pool);
    wsm__outq_fini(&io->out, io->pool);
}

void wsm__io_note(wsm__io *io, uint64_t now) {
    bool waits = wsm__io_has_output(io);
    if (waits && !io->waits) io->progress_at = now;
    io->waits = waits;
}

int wsm__io_push(wsm__io *io, wsm__lane lane, wsm__frame *frame, uint64_t offset, bool is_notice, uint64_t now) {
    if (io->finishing || io->closed || io->cut) return WSM_ERR_CLOSED;
    int err =
        wsm__lanes_push(&io->lanes, io->pool, io->limits, lane, frame, offset, io->out.count, io->out.bytes, is_notice);
    wsm__io_note(io, now);
    return err;
}

int wsm__io_push_alone(wsm__io *io, wsm__lane lane, wsm__frame *frame, uint64_t offset, uint64_t now) {
    static const wsm__lane_limits none = {0};
    if (io->finishing || io->closed || io->cut) return WSM_ERR_CLOSED;
    if (wsm__io_count(io) > 0) return WSM_ERR_BUSY;
    int err = wsm__lanes_push(&io->lanes, io->pool, &none, lane, frame, offset, 0, 0, false);
    wsm__io_note(io, now);
    return err;
}

int wsm__io_push_raw(wsm__io *io, wsm__frame *frame, uint64_t now) {
    int err = wsm__outq_push(&io->out, io->pool, frame);
    wsm__io_note(io, now);
    return err;
}

void wsm__io_purge(wsm__io *io, wsm__chain_drops *drops, const void *user, uint32_t dropped[WSM__LANES]) {
    wsm__lanes_purge(&io->lanes, io->pool, drops, user, dropped);
}

/* Hand out the next frame: false if there is none, or no memory, and then nothing is lost. `*is_close` as from
 * wsm__link_take. */
static bool hand_out(wsm__io *io, bool *is_close) {
    if (wsm__chain_pool_reserve(io->pool)) return false;
    wsm__frame *frame = io->linked ? wsm__link_take(&io->link, io->lanes.count > 0, is_close) : NULL;
    if (frame) {
        (void)wsm__outq_push(&io->out, io->pool, frame); /* its place is reserved */
        wsm__frame_unref(frame);
        return true;
    }
    if (wsm__lanes_pop(&io->lanes, io->pool, &io->out) <= 0) return false;
    io->messages_out++;
    return true;
}

size_t wsm__io_vec(wsm__io *io, wsm_vec *vec, size_t cap) {
    while (!io->closed && !io->cut && io->out.count < cap && io->out.bytes < WSM__IO_HANDED_BYTES) {
        bool is_close = false;
        if (!hand_out(io, &is_close)) break;
        if (is_close) io->closed = true;
    }
    return wsm__outq_vec(&io->out, vec, cap);
}

void wsm__io_sent(wsm__io *io, size_t len, uint64_t now) {
    uint32_t done = 0;
    size_t went = wsm__outq_sent(&io->out, io->pool, len, &done);
    if (went == 0) return;
    io->bytes_out += went;
    io->progress_at = now;
    if (io->linked) wsm__link_wrote(&io->link, io->out.bytes == 0);
    io->waits = wsm__io_has_output(io);
}

bool wsm__io_has_output(const wsm__io *io) {
    if (io->out.bytes > 0) return true;
    if (io->closed) return false;
    return io->lanes.count > 0 || (io->linked && wsm__link_has_control(&io->link));
}

bool wsm__io_is_over(const wsm__io *io) {
    if (io->cut || (io->linked && io->link.state == WSM__LINK_DEAD)) return true;
    return io->finishing && !wsm__io_has_output(io);
}

size_t wsm__io_bytes(const wsm__io *io) {
    return io->out.bytes + io->lanes.bytes;
}

uint32_t wsm__io_count(const wsm__io *io) {
    return io->out.count + io->lanes.count;
}

bool wsm__io_fits(const wsm__io *io, wsm__lane lane, const wsm__frame *frame) {
    if (wsm__io_count(io) == 0) return true;
    return wsm__lanes_fit(&io->lanes, io->limits, lane, frame, io->out.count, io->out.bytes, false);
}

size_t wsm__io_left(const wsm__io *io) {
    return wsm__lanes_left(&io->lanes, io->limits, io->out.bytes);
}

uint32_t wsm__io_room(const wsm__io *io, uint32_t most) {
    uint32_t waiting = io->lanes.soft + io->out.count;
    size_t bytes_max = io->limits->bytes_max ? io->limits->bytes_max / 2 : SIZE_MAX;
    if (wsm__io_bytes(io) >= bytes_max) return 0;
    if (io->limits->messages_max == 0) return most;
    if (waiting >= io->limits->messages_max) return 0;
    uint32_t left = io->limits->messages_max - waiting;
    return left < most ? left : most;
}
