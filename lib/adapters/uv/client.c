/* A client on a loop: its name is looked up, the addresses are tried in turn, and the first that answers carries it. */
#define _POSIX_C_SOURCE 200809L /* libuv needs pthread_rwlock_t */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "take.h"
#include "tls.h"
#include "url.h"
#include "wsm/uv.h"

struct wsm_uv_client {
    wsm_client *client;      /* NULL: freed */
    wsm__uv_stream *stream;  /* of the attempt under way, or the one that carries us; NULL: none */
    wsm__uv_tls_config *tls; /* NULL: plain */
    wsm__uv_url url;
    uv_getaddrinfo_t lookup;
    struct addrinfo *found, *candidate; /* what the lookup gave, and whom to try next */
    uv_connect_t connect;
    int looking; /* the lookup is under way */
    int over;    /* the client knows that its transport is gone */
    char why[384];
    void (*done)(void *user);
    void *done_user;
    wsm__uv_turn turn; /* last: its buffer is large */
};

/* ---- the client as an end ---------------------------------------------------------------------------------------- */

static void client_recv(void *end, const void *bytes, size_t len) {
    wsm_uv_client *self = end;
    (void)wsm_client_recv(self->client, bytes, len);
}

static size_t client_pending(void *end, wsm_vec *vec, size_t cap) {
    wsm_uv_client *self = end;
    return wsm_client_pending(self->client, vec, cap);
}

static void client_sent(void *end, size_t len) {
    wsm_uv_client *self = end;
    wsm_client_sent(self->client, len);
}

/* A server that is done with us has closed; nobody is half open here. At once: a socket that has read its end does not
 * keep the loop alive, so a later turn might never come. */
static void client_eof(void *end) {
    wsm_uv_client *self = end;
    wsm__uv_stream_cut(self->stream);
}

static void client_closed(void *end) {
    wsm_uv_client *self = end;
    self->stream = NULL;
    self->over = 1;
    if (self->client) wsm_client_closed(self->client);
}

static const wsm__uv_end client_end = {
    .recv = client_recv, .pending = client_pending, .sent = client_sent, .eof = client_eof, .closed = client_closed};

/* ---- connecting -------------------------------------------------------------------------------------------------- */

static void give_up(wsm_uv_client *self) {
    if (self->over) return;
    self->over = 1;
    if (self->client) wsm_client_closed(self->client);
}

static void connected(wsm_uv_client *self) {
    self->why[0] = '\0'; /* an address before this one may have failed */
    if (!self->tls) {
        wsm__uv_stream_start(self->stream, &client_end, self);
        return;
    }
    wsm__uv_tls *tls =
        wsm__uv_tls_new(self->tls, self->stream, self->url.host, &client_end, self, self->why, sizeof self->why);
    if (tls) {
        wsm__uv_stream_start(self->stream, &wsm__uv_tls_end, tls);
        return;
    }
    wsm__uv_stream_cut(self->stream);
    self->stream = NULL;
    give_up(self);
}

static void try_next(wsm_uv_client *self);

static void on_connect(uv_connect_t *req, int status) {
    wsm_uv_client *self = req->data;
    if (self->turn.closed || self->over) return;
    if (status == 0) {
        connected(self);
        return;
    }
    snprintf(self->why, sizeof self->why, "cannot connect to %s: %s", self->url.authority, uv_strerror(status));
    wsm__uv_stream_cut(self->stream);
    self->stream = NULL;
    try_next(self);
}

static void try_next(wsm_uv_client *self) {
    while (self->candidate) {
        const struct addrinfo *to = self->candidate;
        self->candidate = to->ai_next;
        self->stream = wsm__uv_stream_new(&self->turn);
        if (!self->stream) break;
        self->connect.data = self;
        int err = uv_tcp_connect(&self->connect, &self->stream->tcp, to->ai_addr, on_connect);
        if (!err) return;
        snprintf(self->why, sizeof self->why, "cannot connect to %s: %s", self->url.authority, uv_strerror(err));
        wsm__uv_stream_cut(self->stream);
        self->stream = NULL;
    }
    give_up(self);
}

static void on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *found) {
    wsm_uv_client *self = req->data;
    self->looking = 0;
    self->found = self->candidate = found;
    if (!self->turn.closed && !self->over) {
        if (status) snprintf(self->why, sizeof self->why, "cannot find %s: %s", self->url.host, uv_strerror(status));
        try_next(self);
    }
    wsm__uv_turn_release(&self->turn);
}

/* ---- the client's callbacks and the turn's ----------------------------------------------------------------------- */

static void bytes_waiting(void *user, wsm_client *client) {
    (void)client;
    wsm_uv_client *self = *(wsm_uv_client **)user;
    if (self->stream) wsm__uv_stream_mark(self->stream);
}

/* Also while it is still connecting, when that took too long. */
static void close_transport(void *user, wsm_client *client) {
    (void)client;
    wsm_uv_client *self = *(wsm_uv_client **)user;
    if (self->stream && self->stream->ops) {
        wsm__uv_stream_close(self->stream);
        return;
    }
    if (self->looking) uv_cancel((uv_req_t *)&self->lookup);
    if (self->stream) wsm__uv_stream_cut(self->stream);
    self->stream = NULL;
    give_up(self);
}

static int64_t next(void *owner) {
    wsm_uv_client *self = owner;
    return wsm_client_next(self->client);
}

static void tick(void *owner) {
    wsm_uv_client *self = owner;
    wsm_client_tick(self->client);
}

static void gone(void *owner) {
    wsm_uv_client *self = owner;
    void (*done)(void *) = self->done;
    void *user = self->done_user;
    uv_freeaddrinfo(self->found);
    wsm__uv_tls_config_free(self->tls);
    free(self);
    if (done) done(user);
}

static const wsm__uv_driver driver = {.next = next, .tick = tick, .gone = gone};

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* Everything that can fail before libuv knows of us. */
static int prepare(wsm_uv_client *self, const char *url, const char *tls_ca, const wsm_client_config *config,
                   const wsm_client_host *host, void *user) {
    wsm_client_config with;
    wsm_client_host on;
    wsm_client_config_init(&with, sizeof with);
    wsm_client_host_init(&on, sizeof on);
    int err = config ? wsm__uv_take(&with, sizeof with, config) : WSM_OK;
    if (!err) err = wsm__uv_take(&on, sizeof on, host);
    if (!err) err = wsm__uv_url_parse(&self->url, url);
    if (!err && self->url.secure)
        err = tls_ca ? wsm__uv_tls_client(&self->tls, tls_ca, self->why, sizeof self->why) : WSM_ERR_INVALID;
    if (err) return err;
    with.host = self->url.authority;
    with.path = self->url.path;
    on.bytes_waiting = bytes_waiting;
    on.close_transport = close_transport;
    return wsm_client_new(&self->client, &with, &on, user);
}

static int look_up(wsm_uv_client *self, uv_loop_t *loop) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    self->lookup.data = self;
    int err = uv_getaddrinfo(loop, &self->lookup, on_lookup, self->url.host, self->url.port, &hints);
    if (err) return err == UV_ENOMEM ? WSM_ERR_NOMEM : WSM_ERR_INVALID;
    self->looking = 1;
    return WSM_OK;
}

int wsm_uv_connect(wsm_uv_client **client, struct uv_loop_s *loop, const char *url, const char *tls_ca,
                   const wsm_client_config *config, const wsm_client_host *host, void *user) {
    if (!client) return WSM_ERR_INVALID;
    *client = NULL;
    if (!loop || !url || !host || !user) return WSM_ERR_INVALID;
    wsm_uv_client *self = calloc(1, sizeof *self);
    if (!self) return WSM_ERR_NOMEM;
    *(wsm_uv_client **)user = self;
    int err = prepare(self, url, tls_ca, config, host, user);
    if (!err) err = look_up(self, loop);
    if (err) {
        *(wsm_uv_client **)user = NULL;
        wsm_client_free(self->client);
        wsm__uv_tls_config_free(self->tls);
        free(self);
        return err;
    }
    wsm__uv_turn_init(&self->turn, loop, &driver, self);
    wsm__uv_turn_hold(&self->turn);
    *client = self;
    return WSM_OK;
}

wsm_client *wsm_uv_client_get(wsm_uv_client *client) {
    return client ? client->client : NULL;
}

const char *wsm_uv_client_error(const wsm_uv_client *client) {
    return client ? client->why : "";
}

void wsm_uv_client_close(wsm_uv_client *client, void (*done)(void *user), void *user) {
    if (!client || client->turn.closed) return;
    client->done = done;
    client->done_user = user;
    if (client->looking) uv_cancel((uv_req_t *)&client->lookup);
    wsm_client *freed = client->client;
    client->client = NULL; /* its calls do nothing then: nobody is told of the end that he asked for */
    wsm__uv_turn_close(&client->turn);
    wsm_client_free(freed);
}
