/* The way out of a connection: control frames, then lanes, into what is handed out; nothing behind a close frame. */
#include "conn/io.h"

#include "wsm/error.h"

void wsm__io_init(wsm__io *io, wsm__mem *mem, const wsm__lane_limits *limits, bool payload_only) {
    *io = (wsm__io){.mem = mem, .limits = limits};
    wsm__lanes_init(&io->lanes);
    wsm__outq_init(&io->out, payload_only);
}

void wsm__io_fini(wsm__io *io) {
    if (io->linked) wsm__link_fini(&io->link);
    io->linked = false;
    wsm__lanes_fini(&io->lanes, io->mem);
    wsm__outq_fini(&io->out, io->mem);
}

static void starts_to_wait(wsm__io *io, uint64_t now) {
    if (io->out.bytes == 0 && io->lanes.count == 0) io->progress_at = now;
}

int wsm__io_push(wsm__io *io, wsm__lane lane, wsm__frame *frame, uint64_t offset, bool is_notice, uint64_t now) {
    if (io->finishing || io->closed || io->cut) return WSM_ERR_CLOSED;
    starts_to_wait(io, now);
    return wsm__lanes_push(&io->lanes, io->mem, io->limits, lane, frame, offset, io->out.frames.count, io->out.bytes,
                           is_notice);
}

int wsm__io_push_raw(wsm__io *io, wsm__frame *frame, uint64_t now) {
    starts_to_wait(io, now);
    return wsm__outq_push(&io->out, io->mem, frame);
}

uint32_t wsm__io_purge(wsm__io *io, uint32_t tag) {
    return wsm__lanes_purge(&io->lanes, io->mem, tag);
}

/* The next frame that may be handed out; `*is_close` as from wsm__link_take. */
static wsm__frame *next_frame(wsm__io *io, bool *is_close) {
    *is_close = false;
    if (io->linked) {
        wsm__frame *frame = wsm__link_take(&io->link, io->lanes.count > 0, is_close);
        if (frame) return frame;
    }
    wsm__frame *frame = wsm__lanes_pop(&io->lanes, io->mem, NULL);
    if (frame) io->messages_out++;
    return frame;
}

size_t wsm__io_vec(wsm__io *io, wsm_vec *vec, size_t cap) {
    while (!io->closed && !io->cut && io->out.frames.count < cap && io->out.bytes < WSM__IO_HANDED_BYTES) {
        bool is_close = false;
        wsm__frame *frame = next_frame(io, &is_close);
        if (!frame) break;
        int err = wsm__outq_push(&io->out, io->mem, frame);
        wsm__frame_unref(frame);
        if (err || is_close) io->closed = true; /* without memory for a pointer the stream would have a hole: end it */
        if (err && io->linked) io->link.state = WSM__LINK_DEAD;
        if (err) io->finishing = true;
    }
    return wsm__outq_vec(&io->out, vec, cap);
}

void wsm__io_sent(wsm__io *io, size_t len, uint64_t now) {
    uint32_t done = 0;
    size_t went = wsm__outq_sent(&io->out, io->mem, len, &done);
    if (went == 0) return;
    io->bytes_out += went;
    io->progress_at = now;
    if (io->linked && io->out.bytes == 0) wsm__link_wrote_all(&io->link);
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
    return io->out.frames.count + io->lanes.count;
}

uint32_t wsm__io_room(const wsm__io *io, uint32_t most) {
    uint32_t waiting = io->lanes.soft + io->out.frames.count;
    size_t bytes_max = io->limits->bytes_max ? io->limits->bytes_max / 2 : SIZE_MAX;
    if (wsm__io_bytes(io) >= bytes_max) return 0;
    if (io->limits->messages_max == 0) return most;
    if (waiting >= io->limits->messages_max) return 0;
    uint32_t left = io->limits->messages_max - waiting;
    return left < most ? left : most;
}
