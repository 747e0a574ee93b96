/* Writing goes two ways. What is pending is offered to the kernel as it lies in the end's queues; only when the kernel
 * takes no more, a write request is made, for a small part: its callback is the sign to go on, and the end sees the
 * progress. So a connection that is idle, or keeps up, owns nothing here but its handle.
 *
 * Offers are made for some streams at a time, in three passes: ask the ends, write, tell the ends. A system call leaves
 * the caches full of the kernel's data, so that an end that is looked at before and after each of them costs all its
 * cache misses twice. And they are made with the socket's own call, which costs less than the write() that libuv makes;
 * libuv has no write of its own under way then. */
#define _POSIX_C_SOURCE 200809L /* libuv needs pthread_rwlock_t */

#include "stream.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

#define VECS            64                 /* handed to one write */
#define BATCH           16                 /* streams that are offered together */
#define END_BYTES       384                /* of an end, that writing looks at */
#define WRITES_PER_TURN 16                 /* then other streams have their turn */
#define REQUEST_BYTES   ((size_t)64 << 10) /* to one write request */
#define LEAVE_MS        3000               /* without progress in leaving: cut */
#define LEAVING_MAX     1024               /* nobody counts those that linger any more: then the oldest goes */

#define OF(link, member) ((wsm__uv_stream *)(void *)((char *)(link)-offsetof(wsm__uv_stream, member)))

typedef struct write_request {
    uv_write_t req;
    size_t len;
} write_request;

typedef struct offer {
    wsm__uv_stream *stream;
    size_t count; /* of the vectors; 0: withdrawn */
    size_t total; /* bytes of them */
    ssize_t wrote;
    int err; /* errno, if `wrote` is -1 */
    wsm_vec vecs[VECS];
} offer;

wsm__uv_stream *wsm__uv_stream_new(wsm__uv_turn *turn) {
    wsm__uv_stream *stream = calloc(1, sizeof *stream);
    if (!stream) return NULL;
    if (uv_tcp_init(turn->loop, &stream->tcp)) {
        free(stream);
        return NULL;
    }
    stream->tcp.data = stream;
    stream->turn = turn;
    wsm__uv_link_init(&stream->dirty);
    wsm__uv_link_init(&stream->leaving);
    wsm__uv_link_append(&turn->streams, &stream->all);
    wsm__uv_turn_hold(turn);
    return stream;
}

/* ---- the end of it ----------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
    wsm__uv_stream *stream = handle->data;
    wsm__uv_turn *turn = stream->turn;
    wsm__uv_link_remove(&stream->all);
    free(stream);
    wsm__uv_turn_release(turn);
}

static void leave(wsm__uv_stream *stream) {
    wsm__uv_turn *turn = stream->turn;
    if (wsm__uv_link_is_alone(&stream->leaving)) turn->leaving_count++;
    wsm__uv_link_remove(&stream->leaving);
    wsm__uv_link_append(&turn->leaving, &stream->leaving);
    stream->deadline = uv_now(turn->loop) + LEAVE_MS;
    if (turn->leaving_count > LEAVING_MAX) wsm__uv_stream_cut(OF(turn->leaving.next, leaving));
}

static void tell_closed(wsm__uv_stream *stream) {
    const wsm__uv_end *ops = stream->ops;
    stream->ops = NULL;
    if (ops) ops->closed(stream->end);
}

void wsm__uv_stream_cut(wsm__uv_stream *stream) {
    if (stream->state == WSM__UV_GONE) return;
    stream->state = WSM__UV_GONE;
    wsm__uv_link_remove(&stream->dirty);
    if (!wsm__uv_link_is_alone(&stream->leaving)) stream->turn->leaving_count--;
    wsm__uv_link_remove(&stream->leaving);
    /* First the handle: from then on libuv does not look at the end's bytes again. */
    uv_close((uv_handle_t *)&stream->tcp, on_closed);
    tell_closed(stream);
}

void wsm__uv_stream_close(wsm__uv_stream *stream) {
    if (stream->state != WSM__UV_OPEN) return;
    stream->state = WSM__UV_CLOSING;
    leave(stream);
    wsm__uv_stream_mark(stream);
}

static void on_shutdown(uv_shutdown_t *req, int status) {
    (void)status; /* a stream that is broken shows it in reading */
    free(req);
}

/* Everything is written. Closing a socket at once, with input unread, would make the kernel send a reset that can
 * destroy what the other side has not read yet; so our FIN goes out, and theirs is awaited. */
static void linger(wsm__uv_stream *stream) {
    tell_closed(stream);
    if (stream->state == WSM__UV_GONE) return;
    stream->state = WSM__UV_LINGERING;
    uv_shutdown_t *req = stream->eof ? NULL : malloc(sizeof *req);
    if (!req || uv_shutdown(req, (uv_stream_t *)&stream->tcp, on_shutdown)) {
        free(req);
        wsm__uv_stream_cut(stream);
        return;
    }
    leave(stream);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static size_t pending(wsm__uv_stream *stream, wsm_vec vecs[VECS]) {
    return stream->ops ? stream->ops->pending(stream->end, vecs, VECS) : 0;
}

static void progress(wsm__uv_stream *stream, size_t len) {
    if (stream->state == WSM__UV_CLOSING) leave(stream);
    if (stream->ops) stream->ops->sent(stream->end, len);
}

static void on_write(uv_write_t *req, int status) {
    write_request *request = (write_request *)req;
    wsm__uv_stream *stream = req->handle->data;
    size_t len = request->len;
    free(request);
    stream->writing = 0;
    if (stream->state == WSM__UV_GONE) return;
    if (status < 0) {
        wsm__uv_stream_cut(stream);
        return;
    }
    progress(stream, len);
    wsm__uv_stream_mark(stream);
}

/* libuv's own vector is filled in: its members stand in another order elsewhere. */
static void request_write(wsm__uv_stream *stream) {
    wsm_vec vecs[VECS];
    uv_buf_t bufs[VECS];
    unsigned n = 0;
    size_t count = pending(stream, vecs);
    if (count == 0) {
        wsm__uv_stream_mark(stream);
        return;
    }
    write_request *request = calloc(1, sizeof *request);
    if (!request) {
        wsm__uv_stream_cut(stream);
        return;
    }
    for (; n < count && request->len < REQUEST_BYTES; n++) {
        size_t room = REQUEST_BYTES - request->len;
        bufs[n].base = (char *)(uintptr_t)vecs[n].base;
        bufs[n].len = vecs[n].len < room ? vecs[n].len : room;
        request->len += bufs[n].len;
    }
    if (uv_write(&request->req, (uv_stream_t *)&stream->tcp, bufs, n, on_write)) {
        free(request);
        wsm__uv_stream_cut(stream);
        return;
    }
    stream->writing = 1;
}

/* Nothing is pending. */
static void drained(wsm__uv_stream *stream) {
    if (stream->state != WSM__UV_CLOSING) return;
    if (!stream->finished && stream->ops && stream->ops->finish) {
        stream->finished = 1;
        stream->ops->finish(stream->end);
        wsm__uv_stream_mark(stream);
        return;
    }
    linger(stream);
}

/* ---- offers ------------------------------------------------------------------------------------------------------ */

/* False: there is nothing to offer. */
static int offer_make(offer *o, wsm__uv_stream *stream) {
    if (stream->writing || stream->state >= WSM__UV_LINGERING) return 0;
    o->stream = stream;
    o->count = pending(stream, o->vecs);
    o->total = 0;
    for (size_t i = 0; i < o->count; i++) o->total += o->vecs[i].len;
    if (o->count == 0) drained(stream);
    return o->count > 0;
}

/* A wsm_vec is laid out as a struct iovec. */
static void offer_write(offer *o) {
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (o->stream->state >= WSM__UV_LINGERING) { /* it was cut since, and its bytes are gone */
        o->count = 0;
        return;
    }
    if (o->count == 1) {
        o->wrote = send(o->stream->fd, o->vecs[0].base, o->vecs[0].len, flags);
    } else {
        struct msghdr message = {.msg_iov = (struct iovec *)(void *)o->vecs, .msg_iovlen = o->count};
        o->wrote = sendmsg(o->stream->fd, &message, flags);
    }
    o->err = o->wrote < 0 ? errno : 0;
}

static int is_full(int err) {
    return err == EAGAIN || err == EWOULDBLOCK || err == EINTR || err == ENOBUFS;
}

/* True: all of it went, and there may be more. */
static int offer_settle(const offer *o) {
    wsm__uv_stream *stream = o->stream;
    if (o->count == 0 || stream->state >= WSM__UV_LINGERING) return 0;
    if (o->wrote < 0 && !is_full(o->err)) {
        wsm__uv_stream_cut(stream);
        return 0;
    }
    if (o->wrote > 0) progress(stream, (size_t)o->wrote);
    if (o->wrote >= 0 && (size_t)o->wrote == o->total) return 1;
    if (stream->state < WSM__UV_LINGERING) request_write(stream);
    return 0;
}

static void offer_all(offer offers[BATCH], unsigned count) {
    for (int round = 0; round < WRITES_PER_TURN && count > 0; round++) {
        unsigned next = 0;
        for (unsigned i = 0; i < count; i++) offer_write(&offers[i]);
        for (unsigned i = 0; i < count; i++)
            if (offer_settle(&offers[i]) && offer_make(&offers[next], offers[i].stream)) next++;
        count = next;
    }
    for (unsigned i = 0; i < count; i++) wsm__uv_stream_mark(offers[i].stream);
}

void wsm__uv_stream_mark(wsm__uv_stream *stream) {
    if (stream->state >= WSM__UV_LINGERING || !wsm__uv_link_is_alone(&stream->dirty)) return;
    wsm__uv_link_append(&stream->turn->dirty, &stream->dirty);
    uv_ref((uv_handle_t *)&stream->turn->prepare); /* the loop may have nothing else that keeps it from ending */
}

/* The first of `list` is looked at next: its end is on its way to the cache meanwhile, and the stream behind it. */
static void look_ahead(const wsm__uv_link *list) {
#if defined(__GNUC__)
    if (wsm__uv_link_is_alone(list)) return;
    uintptr_t end = (uintptr_t)OF(list->next, dirty)->end;
    for (size_t at = 0; at < END_BYTES; at += 64) __builtin_prefetch((const void *)(end + at), 1);
    __builtin_prefetch(list->next->next, 1);
#else
    (void)list;
#endif
}

void wsm__uv_streams_flush(wsm__uv_turn *turn) {
    offer offers[BATCH];
    wsm__uv_link now;
    wsm__uv_link_init(&now);
    wsm__uv_link_move_all(&now, &turn->dirty);
    while (!wsm__uv_link_is_alone(&now)) {
        unsigned count = 0;
        while (count < BATCH && !wsm__uv_link_is_alone(&now)) {
            wsm__uv_stream *stream = OF(now.next, dirty);
            wsm__uv_link_remove(&stream->dirty);
            look_ahead(&now);
            count += (unsigned)offer_make(&offers[count], stream);
        }
        offer_all(offers, count);
    }
    if (wsm__uv_link_is_alone(&turn->dirty)) uv_unref((uv_handle_t *)&turn->prepare);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    wsm__uv_stream *stream = handle->data;
    buf->base = stream->turn->buffer;
    buf->len = sizeof stream->turn->buffer;
}

static void on_eof(wsm__uv_stream *stream) {
    stream->eof = 1;
    if (stream->ops)
        stream->ops->eof(stream->end);
    else
        wsm__uv_stream_cut(stream); /* it lingered for this */
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf) {
    wsm__uv_stream *stream = tcp->data;
    if (n == UV_EOF)
        on_eof(stream);
    else if (n < 0)
        wsm__uv_stream_cut(stream);
    else if (n > 0 && stream->state == WSM__UV_OPEN)
        stream->ops->recv(stream->end, buf->base, (size_t)n);
}

void wsm__uv_stream_start(wsm__uv_stream *stream, const wsm__uv_end *ops, void *end) {
    stream->ops = ops;
    stream->end = end;
    uv_tcp_nodelay(&stream->tcp, 1);
    if (uv_fileno((const uv_handle_t *)&stream->tcp, &stream->fd) ||
        uv_read_start((uv_stream_t *)&stream->tcp, on_alloc, on_read))
        wsm__uv_stream_cut(stream);
    else
        wsm__uv_stream_mark(stream);
}

/* ---- for the turn ------------------------------------------------------------------------------------------------ */

void wsm__uv_streams_expire(wsm__uv_turn *turn) {
    uint64_t now = uv_now(turn->loop);
    while (!wsm__uv_link_is_alone(&turn->leaving)) {
        wsm__uv_stream *stream = OF(turn->leaving.next, leaving);
        if (stream->deadline > now) return;
        wsm__uv_stream_cut(stream);
    }
}

void wsm__uv_streams_cut_all(wsm__uv_turn *turn) {
    for (wsm__uv_link *link = turn->streams.next; link != &turn->streams; link = link->next)
        wsm__uv_stream_cut(OF(link, all));
}

uint64_t wsm__uv_streams_deadline(const wsm__uv_turn *turn) {
    if (!wsm__uv_link_is_alone(&turn->dirty)) return 0;
    if (wsm__uv_link_is_alone(&turn->leaving)) return UINT64_MAX;
    return OF(turn->leaving.next, leaving)->deadline;
}
