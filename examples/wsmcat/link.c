/* The connection: opening it, what its end means, and coming back. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction, for libuv */

#include <stdbool.h>

#include "wsmcat.h"

#define DELAY_LAST_MS 5000u
#define STABLE_MS     5000u /* a connection that lived this long starts the delays anew */

static void on_open(void *user, wsm_client *client) {
    cat *self = user;
    (void)client;
    say("connected to %s", self->opts.url);
    self->was_open = 1;
    self->opened_at = uv_now(self->loop);
    self->ready = !self->replaying;
    commands_pump(self);
}

static void on_refused(void *user, wsm_client *client, int status, wsm_slice body) {
    cat *self = user;
    members m;
    char message[256];
    (void)client;
    self->status = status ? status : -1;
    if (status <= 0) return;
    message[0] = '\0';
    if (members_of(&m, body) == 0 && members_of(&m, member(&m, "error")) == 0)
        member_text(&m, "message", message, sizeof message);
    fprintf(stderr, "wsmcat: refused with HTTP status %d%s%s\n", status, message[0] ? ": " : "", message);
}

/* How it goes on after a close: an exit status, or -1 for coming back (protocol.md, section 3). */
static int verdict(const cat *self, uint16_t code) {
    if (self->status && (!self->was_open || (self->status != 503 && self->status != 429))) return EXIT_REFUSED;
    if (!self->was_open && code == 1006) return EXIT_CONNECT;
    switch (code) {
    case 1000: return EXIT_CLEAN;
    case 1008:
    case 4001:
    case 4002:
    case 4004:
    case 4009:
    case 4011:
    case 4014: return EXIT_STOPPED;
    case 4003: return self->opts.token_file ? -1 : EXIT_STOPPED; /* a new token may stand there */
    case 1002:
    case 1003:
    case 1007:
    case 1009:
    case 1010: return EXIT_PROTOCOL;
    default: return -1;
    }
}

static void timer_connect(uv_timer_t *timer) {
    connect_now(timer->data);
}

static void come_back(cat *self) {
    uint32_t random = 0;
    if (self->opened_at && uv_now(self->loop) - self->opened_at >= STABLE_MS) self->delay_ms = DELAY_FIRST_MS;
    uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    uint64_t wait = self->delay_ms / 2 + random % (self->delay_ms / 2 + 1);
    self->delay_ms = self->delay_ms * 2 < DELAY_LAST_MS ? self->delay_ms * 2 : DELAY_LAST_MS;
    uv_timer_start(&self->timer, timer_connect, wait, 0);
}

static void report(const cat *self, uint16_t code, wsm_slice reason) {
    const char *why = wsm_uv_client_error(self->uv);
    if (self->status > 0) return; /* told by on_refused */
    if (why[0])
        say("%s", why);
    else
        fprintf(stderr, "wsmcat: closed with %u %.*s\n", code, (int)reason.len, reason.ptr ? reason.ptr : "");
}

static void on_close(void *user, wsm_client *client, uint16_t code, wsm_slice reason) {
    cat *self = user;
    int result = self->stopping ? EXIT_CLEAN : verdict(self, code);
    self->ready = 0;
    if (code != 1000 || self->status) report(self, code, reason);
    if (result < 0 && self->opts.no_reconnect) result = EXIT_CONNECT;
    if (result >= 0) {
        finish(self, result);
        return;
    }
    if (self->was_open) self->after = wsm_client_position(client, self->epoch);
    if (code == 4010) self->epoch[0] = '\0'; /* start afresh */
    wsm_uv_client_close(self->uv, NULL, NULL);
    self->uv = NULL;
    for (command *c = self->waiting; c; c = c->next) c->sent = 0;
    self->in_flight = 0;
    self->not_before = 0;
    come_back(self);
}

/* The token's first line; static text tells what went wrong. */
static const char *token_read(const char *path, char *out, size_t cap) {
    FILE *file = fopen(path, "r");
    if (!file) return "cannot open it";
    int got = fgets(out, (int)cap, file) != NULL;
    (void)fclose(file);
    if (!got) return "it is empty";
    out[strcspn(out, " \t\r\n")] = '\0';
    return NULL;
}

/* What wsm_uv_connect has found wrong: it says only that something is. */
static const char *unusable(const cat *self) {
    const char *url = self->opts.url;
    bool is_secure = strncmp(url, "wss://", 6) == 0;
    if (!is_secure && strncmp(url, "ws://", 5) != 0) return "--url: expected ws://HOST[:PORT]/PATH or wss://...";
    if (is_secure && !self->opts.ca) return "--url: wss needs --ca FILE, whom to trust";
    if (strspn(self->epoch, "0123456789abcdef") != strlen(self->epoch)) return "--epoch: expected 16 hex digits";
    return is_secure ? "cannot use --url, the file of --ca, or the token" : "cannot use --url or the token";
}

int connect_now(cat *self) {
    char token[4100];
    wsm_client_config config;
    wsm_client_host host;
    wsm_client_config_init(&config, sizeof config);
    config.token = self->opts.token;
    if (self->opts.token_file) {
        const char *why = token_read(self->opts.token_file, token, sizeof token);
        if (why) {
            fprintf(stderr, "wsmcat: %s: %s\n", self->opts.token_file, why);
            finish(self, EXIT_USAGE);
            return EXIT_USAGE;
        }
        config.token = token;
    }
    config.epoch = self->epoch[0] ? self->epoch : NULL;
    config.after = self->after;
    wsm_client_host_init(&host, sizeof host);
    host.on_open = on_open;
    host.on_message = on_message;
    host.on_refused = on_refused;
    host.on_close = on_close;
    self->replaying = self->status = 0;
    self->opened_at = 0;
    int err = wsm_uv_connect(&self->uv, self->loop, self->opts.url, self->opts.ca, &config, &host, self);
    memset(token, 0, sizeof token);
    if (!err) return 0;
    int result = err == WSM_ERR_INVALID ? EXIT_USAGE : EXIT_INTERNAL;
    if (result == EXIT_USAGE)
        say("%s", unusable(self));
    else
        say("%s", wsm_strerror(err));
    finish(self, result);
    return result;
}

/* The first one closes cleanly, the second at once. */
void on_signal(uv_signal_t *signal, int number) {
    cat *self = signal->data;
    (void)number;
    if (self->uv && self->was_open && !self->stopping++)
        wsm_client_close(wsm_uv_client_get(self->uv), 1000, NULL);
    else
        finish(self, EXIT_CLEAN);
}
