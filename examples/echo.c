/* A WebSocket peer that sends back whatever it gets, text and binary, as a server or as a client: what the conformance
 * suites want to talk to, and the smallest use of plain mode. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "args.h"
#include "wsm/uv.h"

#define MESSAGE_BYTES (16u << 20)
#define FRAGMENTS     131072u
#define QUEUE_BYTES                                                                                                    \
    (64u << 20) /* two of the largest messages and more; a peer that reads even less is closed with 1013 */
#define MEMORY_BYTES ((uint64_t)1 << 30)

enum {
    EXIT_CLEAN = 0,
    EXIT_INTERNAL = 1,
    EXIT_USAGE = 2,
    EXIT_CONNECT = 3,
    EXIT_REFUSED = 4,
    EXIT_CLOSED = 5,
    EXIT_CUT = 6
};

typedef struct options {
    const char *listen, *connect, *cert, *key, *ca;
} options;

typedef struct server {
    wsm_uv *uv; /* first, as wsm_uv_new wants it */
    wsm_hub *hub;
    uv_signal_t signals[2];
    uv_timer_t timer; /* while stopping */
    int stopping;
} server;

typedef struct client {
    wsm_uv_client *uv; /* first, as wsm_uv_connect wants it */
    uv_signal_t signals[2];
    int opened;
    int result;
} client;

static void usage(FILE *out) {
    fputs("usage: echo --listen ADDRESS:PORT [--cert FILE --key FILE]\n"
          "       echo --connect ws://HOST[:PORT][/PATH] [--ca FILE]\n"
          "\n"
          "Sends every message back as it came. With --listen it serves until SIGINT or SIGTERM; ADDRESS is\n"
          "numeric ([::1]:9001 for IPv6), PORT 0 takes any free one, and the first line of output tells it.\n"
          "With --connect it runs until the other side closes.\n"
          "\n"
          "exit status: 0 closed cleanly, 1 internal error, 2 usage, 3 cannot connect, 4 refused by the server,\n"
          "             5 closed with an error code, 6 cut off without a close\n",
          out);
}

static int complain(int result, const char *what, const char *why) {
    fprintf(stderr, "echo: %s: %s\n", what, why);
    return result;
}

static void signals_start(uv_loop_t *loop, uv_signal_t signals[2], uv_signal_cb on_signal, void *data) {
    static const int numbers[2] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(loop, &signals[i]);
        uv_signal_start(&signals[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&signals[i]);
        signals[i].data = data;
    }
}

static void signals_stop(uv_signal_t signals[2]) {
    for (int i = 0; i < 2; i++)
        if (!uv_is_closing((uv_handle_t *)&signals[i])) uv_close((uv_handle_t *)&signals[i], NULL);
}

/* ---- the server -------------------------------------------------------------------------------------------------- */

static void server_data(void *user, wsm_conn *conn, void *conn_user, wsm_data type, const void *bytes, size_t len) {
    (void)user, (void)conn_user;
    if (wsm_conn_send(conn, type, bytes, len, WSM_PRIORITY_DEFAULT)) wsm_conn_close(conn, 1013, NULL);
}

static void server_config(wsm_config *config) {
    wsm_config_init(config, sizeof *config);
    config->connections_max = config->connections_per_address = config->connections_per_s = 0;
    config->connections_burst = config->preauth_max = config->preauth_per_address = 0;
    config->stall_timeout_ms = config->ping_interval_ms = config->assembly_timeout_ms = 0;
    config->control_frames_per_s = config->control_frames_burst = 0;
    config->message_bytes_max = MESSAGE_BYTES;
    config->fragments_max = FRAGMENTS;
    config->queue_messages_agent = config->queue_messages_human = 0;
    config->queue_bytes_max = QUEUE_BYTES;
    config->memory_budget_bytes = MEMORY_BYTES;
}

static void server_check(uv_timer_t *timer) {
    server *self = timer->data;
    if (wsm_hub_is_down(self->hub)) uv_stop(timer->loop);
}

/* Closes every connection with 1001 before it goes; a second signal does not wait for them. */
static void server_signal(uv_signal_t *signal, int number) {
    server *self = signal->data;
    (void)number;
    wsm_shutdown how;
    wsm_shutdown_init(&how, sizeof how);
    how.deadline_ms = 2000;
    if (self->stopping++) {
        uv_stop(signal->loop);
        return;
    }
    wsm_hub_shutdown(self->hub, &how);
    uv_timer_start(&self->timer, server_check, 0, 20);
}

/* "ADDRESS:PORT", with brackets around an IPv6 address. Cuts `text` in two. */
static int split(char *text, const char **address, uint16_t *port) {
    char *colon = strrchr(text, ':'), *end = NULL;
    if (!colon || colon == text || colon[1] < '0' || colon[1] > '9') return -1;
    unsigned long number = strtoul(colon + 1, &end, 10);
    if (*end || number > UINT16_MAX) return -1;
    *colon = '\0';
    if (text[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        text++;
    }
    *address = text;
    *port = (uint16_t)number;
    return 0;
}

static int server_open(server *self, uv_loop_t *loop, wsm_uv_listener *at) {
    char why[256] = "";
    wsm_config config;
    wsm_host host;
    server_config(&config);
    wsm_host_init(&host, sizeof host);
    host.on_data = server_data;
    int err = wsm_uv_new(&self->uv, loop, &host);
    if (!err) err = wsm_hub_new(&self->hub, &config, &host, NULL, self);
    if (!err) err = wsm_uv_attach(self->uv, self->hub);
    if (err) return complain(EXIT_INTERNAL, "cannot start", wsm_strerror(err));
    err = wsm_uv_listen(self->uv, at, why, sizeof why);
    if (err) return complain(EXIT_CONNECT, "cannot listen", why[0] ? why : wsm_strerror(err));
    const char *form = strchr(at->address, ':') ? "ws%s://[%s]:%u/\n" : "ws%s://%s:%u/\n";
    printf(form, at->tls_cert ? "s" : "", at->address, wsm_uv_port(self->uv));
    (void)fflush(stdout);
    return EXIT_CLEAN;
}

static int serve(uv_loop_t *loop, const options *opts) {
    server self = {0};
    wsm_uv_listener at;
    char text[128];
    wsm_uv_listener_init(&at, sizeof at);
    snprintf(text, sizeof text, "%s", opts->listen);
    if (split(text, &at.address, &at.port)) return complain(EXIT_USAGE, "not ADDRESS:PORT", opts->listen);
    at.plain = 1;
    at.tls_cert = opts->cert;
    at.tls_key = opts->key;
    signals_start(loop, self.signals, server_signal, &self);
    uv_timer_init(loop, &self.timer);
    self.timer.data = &self;
    int result = server_open(&self, loop, &at);
    if (result == EXIT_CLEAN) uv_run(loop, UV_RUN_DEFAULT);
    wsm_uv_close(self.uv, NULL, NULL);
    wsm_hub_free(self.hub);
    uv_close((uv_handle_t *)&self.timer, NULL);
    signals_stop(self.signals);
    uv_run(loop, UV_RUN_DEFAULT);
    return result;
}

/* ---- the client -------------------------------------------------------------------------------------------------- */

static void client_open(void *user, wsm_client *ws) {
    client *self = user;
    (void)ws;
    self->opened = 1;
}

static void client_data(void *user, wsm_client *ws, wsm_data type, const void *bytes, size_t len) {
    (void)user;
    if (wsm_client_send(ws, type, bytes, len)) wsm_client_close(ws, 1013, NULL);
}

static void client_refused(void *user, wsm_client *ws, int status, wsm_slice body) {
    client *self = user;
    (void)ws, (void)body;
    fprintf(stderr, "echo: refused with HTTP status %d\n", status);
    self->result = EXIT_REFUSED;
}

static void client_close(void *user, wsm_client *ws, uint16_t code, wsm_slice reason) {
    client *self = user;
    const char *why = wsm_uv_client_error(self->uv);
    (void)ws;
    if (self->result == EXIT_REFUSED) {
        /* told already */
    } else if (!self->opened) {
        self->result = complain(EXIT_CONNECT, "cannot connect", why[0] ? why : "the server closed the connection");
    } else if (code == 1006) {
        self->result = complain(EXIT_CUT, "cut off", why[0] ? why : "no close frame came");
    } else if (code != 1000 && code != 1001 && code != 1005) {
        fprintf(stderr, "echo: closed with %u %.*s\n", code, (int)reason.len, reason.ptr ? reason.ptr : "");
        self->result = EXIT_CLOSED;
    }
    wsm_uv_client_close(self->uv, NULL, NULL);
    signals_stop(self->signals);
}

static void client_signal(uv_signal_t *signal, int number) {
    client *self = signal->data;
    (void)number;
    wsm_client_close(wsm_uv_client_get(self->uv), 1001, NULL);
}

static int answer(uv_loop_t *loop, const options *opts) {
    client self = {0};
    wsm_client_config config;
    wsm_client_host host;
    wsm_client_config_init(&config, sizeof config);
    config.plain = 1;
    config.ping_interval_ms = 0;
    config.message_bytes_max = MESSAGE_BYTES;
    config.fragments_max = FRAGMENTS;
    config.queue_bytes_max = QUEUE_BYTES;
    config.memory_budget_bytes = MEMORY_BYTES;
    wsm_client_host_init(&host, sizeof host);
    host.on_open = client_open;
    host.on_data = client_data;
    host.on_refused = client_refused;
    host.on_close = client_close;
    int err = wsm_uv_connect(&self.uv, loop, opts->connect, opts->ca, &config, &host, &self);
    if (err == WSM_ERR_INVALID) return complain(EXIT_USAGE, "cannot use this URL or --ca", opts->connect);
    if (err) return complain(EXIT_INTERNAL, "cannot start", wsm_strerror(err));
    signals_start(loop, self.signals, client_signal, &self);
    uv_run(loop, UV_RUN_DEFAULT);
    return self.result;
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

/* 0, or -1 after a complaint. */
static int parse(options *opts, int argc, char **argv) {
    const arg_row table[] = {{"--listen", &opts->listen, NULL}, {"--connect", &opts->connect, NULL},
                             {"--cert", &opts->cert, NULL},     {"--key", &opts->key, NULL},
                             {"--ca", &opts->ca, NULL},         {NULL, NULL, NULL}};
    const char *what, *at;
    if (args_parse(table, argc, argv, &what, &at)) {
        complain(0, what, at);
        return -1;
    }
    if (!opts->listen == !opts->connect || !opts->cert != !opts->key) {
        complain(0, "usage", "one of --listen and --connect; --cert and --key together");
        return -1;
    }
    return 0;
}

int main(int argc, char **argv) {
    options opts = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return EXIT_CLEAN;
    }
    if (parse(&opts, argc, argv)) {
        usage(stderr);
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    uv_loop_t *loop = uv_default_loop();
    int result = opts.listen ? serve(loop, &opts) : answer(loop, &opts);
    uv_loop_close(loop);
    return result;
}
