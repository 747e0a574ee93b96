/* A stream: one TCP connection, pumped between the loop and its end. The end is whoever the bytes are for: a wsm_conn,
 * a wsm_client, or a TLS session that stands before one of them and looks the same from both sides. */
#ifndef WSM_UV_STREAM_H
#define WSM_UV_STREAM_H

#include "turn.h"
#include "wsm/types.h"

/* The calls of wsm/conn.h, whatever is behind them. `closed` is called exactly once, and is the last. */
typedef struct wsm__uv_end {
    void (*recv)(void *end, const void *bytes, size_t len);
    size_t (*pending)(void *end, wsm_vec *vec, size_t cap);
    void (*sent)(void *end, size_t len);
    void (*eof)(void *end);
    void (*finish)(void *end); /* all was written: the last words, if there are any; may be NULL */
    void (*closed)(void *end);
} wsm__uv_end;

typedef enum wsm__uv_stream_state {
    WSM__UV_OPEN = 0,
    WSM__UV_CLOSING,   /* writing what is pending */
    WSM__UV_LINGERING, /* all is written and our FIN sent; the other side's is awaited */
    WSM__UV_GONE       /* libuv is closing the handle */
} wsm__uv_stream_state;

typedef struct wsm__uv_stream { /* what every write looks at stands first */
    wsm__uv_link dirty;
    wsm__uv_turn *turn;
    const wsm__uv_end *ops; /* NULL: not started, or told that it is over */
    void *end;
    wsm__uv_stream_state state;
    int fd;                 /* of the socket, once it was started */
    unsigned char writing;  /* a write request is under way */
    unsigned char eof;      /* the other side sent its FIN */
    unsigned char finished; /* `finish` was called */
    uv_tcp_t tcp;
    wsm__uv_link all, leaving;
    uint64_t deadline; /* loop time; only while in `leaving` */
} wsm__uv_stream;

/* NULL: no memory. The handle is initialised and nothing else; connect or accept with it, then start. */
wsm__uv_stream *wsm__uv_stream_new(wsm__uv_turn *turn);

/* Read from now on. */
void wsm__uv_stream_start(wsm__uv_stream *stream, const wsm__uv_end *ops, void *end);

/* Something waits to be written: it will be, at the end of the turn. */
void wsm__uv_stream_mark(wsm__uv_stream *stream);

/* Close when everything pending is written, or when that makes no progress. Before it was started: as cut. */
void wsm__uv_stream_close(wsm__uv_stream *stream);

/* Close at once. The stream frees itself when libuv lets go. */
void wsm__uv_stream_cut(wsm__uv_stream *stream);

/* The turn's part: write what is pending, and cut what has outstayed its deadline. */
void wsm__uv_streams_flush(wsm__uv_turn *turn);
void wsm__uv_streams_expire(wsm__uv_turn *turn);
void wsm__uv_streams_cut_all(wsm__uv_turn *turn);

/* Loop time of the first deadline, UINT64_MAX for none; 0 when streams still wait to be flushed. */
uint64_t wsm__uv_streams_deadline(const wsm__uv_turn *turn);

#endif
