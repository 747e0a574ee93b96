/* A terminal client for a hub: what arrives goes to stdout, a line each; what is typed is sent.
 *
 * Commands wait in one list, oldest first, until they are answered. After a cut the client comes back with the position
 * of the one before, takes out of the list what the replay shows, and sends the rest again under the same message_id:
 * the hub does nothing twice. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction, for libuv */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "wsm/json.h"
#include "wsm/uv.h"

#define LINE_MAX_BYTES (1u << 20)
#define WAITING_HIGH   256u /* commands: above it stdin is not read */
#define WAITING_LOW    128u
#define WINDOW         32u   /* unanswered at a time, below what the hub takes at once */
#define REST_MS        1000u /* when the hub found us too fast */
#define DELAY_FIRST_MS 250u  /* before coming back; doubles */
#define DELAY_LAST_MS  5000u
#define STABLE_MS      5000u /* a connection that lived this long starts the delays anew */
#define MEMBERS        64u

enum {
    EXIT_CLEAN = 0,
    EXIT_INTERNAL = 1,
    EXIT_USAGE = 2,
    EXIT_CONNECT = 3,
    EXIT_REFUSED = 4,
    EXIT_STOPPED = 5,
    EXIT_PROTOCOL = 6,
    EXIT_ANSWERED = 7
};

static const char help[] =
    "usage: wsmcat [options]\n"
    "\n"
    "Prints each message of a hub as one line of JSON. Sends each line of stdin: one that begins with '{' as it is,\n"
    "any other as the text of a memory_update.\n"
    "\n"
    "  --url URL           ws://HOST[:PORT]/PATH or wss://...   (ws://127.0.0.1:8002/ws)\n"
    "  --token-file FILE   where the token stands; read again at each connect\n"
    "  --token TOKEN       the token itself; other users of this machine can see it\n"
    "                      (without either: the environment variable WSM_TOKEN)\n"
    "  --ca FILE           PEM file of trust anchors, for wss\n"
    "  --epoch E --after N resume after this position\n"
    "  --pretty            lines for people: time, sender, type, text\n"
    "  --linger            keep listening when stdin ends (a terminal always does); without it wsmcat\n"
    "                      waits for the answers to what it sent, and closes\n"
    "  --no-reconnect      end when the connection is cut, instead of coming back\n"
    "  --strict            exit with 7 if a message was answered with an error\n"
    "  --help\n"
    "\n"
    "exit status: 0 clean, also after SIGINT or SIGTERM   1 internal error   2 usage\n"
    "             3 cannot connect, or cut with --no-reconnect   4 refused by the server (HTTP status)\n"
    "             5 closed by the server for good   6 the protocol was broken   7 see --strict\n";

typedef struct options {
    const char *url, *token, *token_file, *ca, *epoch, *after;
    int pretty, linger, no_reconnect, strict;
} options;

typedef struct command {
    struct command *next;
    char id[64]; /* "": nobody will answer */
    int sent;    /* on this connection */
    size_t len;
    char json[];
} command;

typedef struct cat {
    wsm_uv_client *uv; /* first, as wsm_uv_connect wants it; NULL: not connected */
    options opts;
    uv_loop_t *loop;
    uv_timer_t timer; /* coming back, or sending again */
    uv_signal_t signals[2];
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tty_t tty;
        uv_pipe_t pipe;
    } in;
    uv_handle_type in_type; /* UV_FILE: read with `read`, and no handle */
    uv_fs_t read;
    int reading, input_over;
    char chunk[65536];
    char *line;
    size_t line_len;
    int line_too_long;

    command *waiting;
    unsigned waiting_count, in_flight, window; /* at most `window` are in flight */
    uint64_t not_before;                       /* loop time: commands rest until then */
    char epoch[17];
    uint64_t after, opened_at;
    unsigned delay_ms;
    int was_open, replaying, ready; /* ready: commands may go */
    int status;                     /* of a refusal; 0: none */
    int stopping, finishing, result;
} cat;

static void say(const char *format, const char *what) {
    fputs("wsmcat: ", stderr);
    fprintf(stderr, format, what);
    fputc('\n', stderr);
}

static void finish(cat *self, int result) {
    if (self->finishing) return;
    self->finishing = 1;
    if (self->result == EXIT_CLEAN) self->result = result;
    wsm_uv_client_close(self->uv, NULL, NULL);
    self->uv = NULL;
    uv_close((uv_handle_t *)&self->timer, NULL);
    for (int i = 0; i < 2; i++) uv_close((uv_handle_t *)&self->signals[i], NULL);
    if (self->in_type != UV_FILE && !uv_is_closing(&self->in.handle)) uv_close(&self->in.handle, NULL);
}

/* ---- a message's members ----------------------------------------------------------------------------------------- */

typedef struct members {
    wsm_json_member list[MEMBERS];
    size_t count;
} members;

/* Raw, as written; absent: there is none. */
static wsm_slice member(const members *m, const char *key) {
    for (size_t i = 0; i < m->count; i++)
        if (m->list[i].key.len == strlen(key) && memcmp(m->list[i].key.ptr, key, m->list[i].key.len) == 0)
            return m->list[i].value;
    return (wsm_slice){NULL, 0};
}

/* Decoded and safe for a terminal: no control characters, neither C0 nor C1. "" for something else than a string. */
static void member_text(const members *m, const char *key, char *out, size_t cap) {
    if (wsm_json_string(member(m, key), out, cap) < 0) out[0] = '\0';
    for (unsigned char *p = (unsigned char *)out; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) *p = ' ';
        if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) p[0] = p[1] = ' ';
    }
}

static int members_of(members *m, wsm_slice json) {
    m->count = 0;
    return json.ptr ? wsm_json_members(json.ptr, json.len, m->list, MEMBERS, &m->count, NULL, NULL) : WSM_ERR_INVALID;
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static void input_resume(cat *self);

static void timer_wake(uv_timer_t *timer);

static void command_remove(cat *self, command **at) {
    command *gone = *at;
    *at = gone->next;
    if (gone->sent) self->in_flight--;
    self->waiting_count--;
    free(gone);
}

static command **command_find(cat *self, wsm_slice id) {
    for (command **at = &self->waiting; id.ptr && *at; at = &(*at)->next)
        if (strlen((*at)->id) == id.len && memcmp((*at)->id, id.ptr, id.len) == 0) return at;
    return NULL;
}

static void command_failed(cat *self, const char *why) {
    say("not sent: %s", why);
    if (self->opts.strict) self->result = EXIT_ANSWERED;
}

/* No command goes before `ms` have passed. */
static void hold(cat *self, uint64_t ms) {
    self->not_before = uv_now(self->loop) + ms;
    uv_timer_start(&self->timer, timer_wake, ms, 0);
}

/* Send what may go, in order; when stdin is over and everything is answered, close. */
static void pump(cat *self) {
    wsm_client *client = wsm_uv_client_get(self->uv);
    if (!self->ready) return;
    for (command **at = &self->waiting;
         *at && self->in_flight < self->window && uv_now(self->loop) >= self->not_before;) {
        command *c = *at;
        int err = c->sent ? WSM_OK : wsm_client_send(client, WSM_DATA_TEXT, c->json, c->len);
        if (err == WSM_ERR_BUSY || err == WSM_ERR_STATE || err == WSM_ERR_NOMEM) {
            hold(self, 100);
            break;
        }
        if (err) command_failed(self, wsm_strerror(err));
        if (!err && !c->sent) {
            c->sent = 1;
            self->in_flight++;
        }
        if (err || !c->id[0])
            command_remove(self, at);
        else
            at = &c->next;
    }
    if (self->waiting_count < WAITING_LOW) input_resume(self);
    if (self->input_over && !self->opts.linger && !self->waiting) wsm_client_close(client, 1000, NULL);
}

static void timer_wake(uv_timer_t *timer) {
    pump(timer->data);
}

static void command_add(cat *self, const char *id, const char *json, size_t len) {
    command *c = malloc(sizeof *c + len);
    command **at = &self->waiting;
    if (!c) {
        say("%s", "out of memory");
        finish(self, EXIT_INTERNAL);
        return;
    }
    *c = (command){.len = len};
    snprintf(c->id, sizeof c->id, "%s", id);
    memcpy(c->json, json, len);
    while (*at) at = &(*at)->next;
    *at = c;
    self->waiting_count++;
}

/* A UUID of version 4 (RFC 9562, section 5.4). */
static int uuid(char out[37]) {
    unsigned char b[16];
    if (uv_random(NULL, NULL, b, sizeof b, 0, NULL)) return -1;
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (int i = 0, at = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out[at++] = '-';
        at += snprintf(out + at, 3, "%02x", b[i]);
    }
    return 0;
}

static void line_as_text(cat *self, wsm_slice line) {
    static const char form[] = "{\"type\":\"memory_update\",\"message_id\":\"%s\",\"exchange\":{\"text\":%s}}";
    char id[37];
    size_t cap = 6 * line.len + 3;
    char *quoted = malloc(cap), *json = malloc(sizeof form + sizeof id + cap);
    if (!quoted || !json || uuid(id)) {
        say("%s", "out of memory or random numbers");
        finish(self, EXIT_INTERNAL);
    } else if (wsm_json_quote(line, quoted, cap) < 0) {
        command_failed(self, "the line is not UTF-8");
    } else {
        int len = snprintf(json, sizeof form + sizeof id + cap, form, id, quoted);
        command_add(self, id, json, (size_t)len);
    }
    free(quoted);
    free(json);
}

static void line_as_json(cat *self, wsm_slice line) {
    members m;
    char id[64] = "";
    if (members_of(&m, line)) {
        command_failed(self, "the line is not a strict JSON object");
        return;
    }
    if (wsm_json_string(member(&m, "message_id"), id, sizeof id) < 0) id[0] = '\0';
    command_add(self, id, line.ptr, line.len);
}

/* ---- stdin ------------------------------------------------------------------------------------------------------- */

static void line_end(cat *self) {
    wsm_slice line = {self->line, self->line_len};
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
    if (self->line_too_long)
        command_failed(self, "the line is longer than 1 MiB");
    else if (line.len > 0 && line.ptr[0] == '{')
        line_as_json(self, line);
    else if (line.len > 0)
        line_as_text(self, line);
    self->line_len = 0;
    self->line_too_long = 0;
}

static void input(cat *self, const char *bytes, size_t len) {
    while (len > 0 && !self->finishing) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) : len;
        if (part > LINE_MAX_BYTES - self->line_len)
            self->line_too_long = 1;
        else
            memcpy(self->line + self->line_len, bytes, part), self->line_len += part;
        if (end) line_end(self);
        bytes += part + (end != NULL);
        len -= part + (end != NULL);
    }
}

/* `n` as from read(2): 0 or an error is the end. */
static void input_got(cat *self, ssize_t n) {
    if (self->finishing) return;
    if (n > 0) {
        input(self, self->chunk, (size_t)n);
    } else {
        line_end(self);
        self->input_over = 1;
        self->reading = 0;
        if (self->in_type == UV_TTY) self->opts.linger = 1;
    }
    if (self->in_type != UV_FILE && self->reading && (n <= 0 || self->waiting_count > WAITING_HIGH)) {
        uv_read_stop(&self->in.stream);
        self->reading = 0;
    }
    if (!self->finishing) pump(self);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    cat *self = handle->data;
    (void)suggested;
    *buf = uv_buf_init(self->chunk, sizeof self->chunk);
}

static void on_stream(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    (void)buf;
    if (n != 0) input_got(stream->data, n);
}

static void on_file(uv_fs_t *req) {
    cat *self = req->data;
    ssize_t n = req->result;
    uv_fs_req_cleanup(req);
    self->reading = 0;
    input_got(self, n);
}

static void input_resume(cat *self) {
    uv_buf_t buf = uv_buf_init(self->chunk, sizeof self->chunk);
    int err;
    if (self->reading || self->input_over || self->finishing) return;
    self->reading = 1;
    self->read.data = self;
    if (self->in_type == UV_FILE)
        err = uv_fs_read(self->loop, &self->read, 0, &buf, 1, -1, on_file);
    else
        err = uv_read_start(&self->in.stream, on_alloc, on_stream);
    if (err) {
        say("cannot read stdin: %s", uv_strerror(err));
        self->input_over = 1;
    }
}

static int input_open(cat *self) {
    int err = 0;
    self->in_type = uv_guess_handle(0);
    self->line = malloc(LINE_MAX_BYTES);
    if (!self->line) return UV_ENOMEM;
    if (self->in_type == UV_TTY) {
        err = uv_tty_init(self->loop, &self->in.tty, 0, 0);
    } else if (self->in_type == UV_NAMED_PIPE) {
        uv_pipe_init(self->loop, &self->in.pipe, 0);
        err = uv_pipe_open(&self->in.pipe, 0);
    } else {
        self->in_type = UV_FILE;
    }
    self->in.handle.data = self;
    return err;
}

/* ---- what arrives ------------------------------------------------------------------------------------------------ */

static void print_pretty(const wsm_client_message *message) {
    static const char *const texts[] = {"text", "message", "note", "reason"};
    members m, inner;
    char time[40], sender[80], text[4096] = "";
    if (members_of(&m, message->json)) return;
    member_text(&m, "timestamp", time, sizeof time);
    member_text(&m, "sender_agent_id", sender, sizeof sender);
    int nested = members_of(&inner, member(&m, "exchange")) == 0;
    for (size_t i = 0; i < 4 && !text[0]; i++) {
        if (nested) member_text(&inner, texts[i], text, sizeof text);
        if (!text[0]) member_text(&m, texts[i], text, sizeof text);
    }
    const char *clock = strlen(time) > 19 ? time + 11 : "--:--:--"; /* behind "2026-01-31T" */
    printf("%.8s %-12s %-16.*s %s\n", clock, sender[0] ? sender : "-", (int)message->type.len, message->type.ptr, text);
}

/* Line breaks can stand between tokens only: spaces mean the same. */
static void print_json(wsm_slice json) {
    for (size_t i = 0; i < json.len; i++) putchar(json.ptr[i] == '\n' || json.ptr[i] == '\r' ? ' ' : json.ptr[i]);
    putchar('\n');
}

static int type_is(const wsm_client_message *message, const char *type) {
    return message->type.len == strlen(type) && memcmp(message->type.ptr, type, message->type.len) == 0;
}

/* An error that says "now" or "after" is no answer yet: the same command goes again. Who was too fast once goes on one
 * by one, and with so long a rest that the hub need not count the rest against him. */
static int is_later(cat *self, command *c, const members *m) {
    char retry[16];
    wsm_slice wait = member(m, "retry_after_ms");
    member_text(m, "retry", retry, sizeof retry);
    if (!c || (strcmp(retry, "after") != 0 && strcmp(retry, "now") != 0)) return 0;
    uint64_t ms = wait.ptr ? strtoull(wait.ptr, NULL, 10) : 0;
    self->in_flight -= c->sent != 0;
    c->sent = 0;
    self->window = 1;
    hold(self, ms > REST_MS ? ms : REST_MS);
    return 1;
}

static void answered(cat *self, const wsm_client_message *message) {
    command **at = command_find(self, message->original_message_id);
    members m;
    char text[512];
    if (type_is(message, "error") && members_of(&m, message->json) == 0) {
        if (is_later(self, at ? *at : NULL, &m)) return;
        member_text(&m, "message", text, sizeof text);
        say("answered with an error: %s", text);
        if (self->opts.strict) self->result = EXIT_ANSWERED;
    }
    if (at) command_remove(self, at);
}

static void on_message(void *user, wsm_client *client, const wsm_client_message *message) {
    cat *self = user;
    members m;
    (void)client;
    if (self->opts.pretty)
        print_pretty(message);
    else
        print_json(message->json);
    if (fflush(stdout)) { /* nobody reads any more */
        finish(self, EXIT_CLEAN);
        return;
    }
    if (message->original_message_id.ptr) {
        answered(self, message);
    } else if (type_is(message, "welcome") && members_of(&m, message->json) == 0) {
        char resume[16];
        member_text(&m, "resume", resume, sizeof resume);
        self->replaying = strcmp(resume, "replayed") == 0 || strcmp(resume, "gap") == 0;
    } else if (type_is(message, "replay_end")) {
        self->replaying = 0;
        self->ready = 1;
    } else if (self->replaying && message->offset && members_of(&m, message->json) == 0) {
        char id[64];
        member_text(&m, "message_id", id, sizeof id);
        command **at = command_find(self, (wsm_slice){id, strlen(id)});
        if (at) command_remove(self, at);
    }
    if (self->ready) pump(self);
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

static void on_open(void *user, wsm_client *client) {
    cat *self = user;
    (void)client;
    say("connected to %s", self->opts.url);
    self->was_open = 1;
    self->opened_at = uv_now(self->loop);
    self->ready = !self->replaying;
    pump(self);
}

static void on_refused(void *user, wsm_client *client, int status, wsm_slice body) {
    cat *self = user;
    (void)client, (void)body;
    self->status = status ? status : -1;
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

static int connect_now(cat *self);

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
    if (self->status > 0)
        fprintf(stderr, "wsmcat: refused with HTTP status %d\n", self->status);
    else if (why[0])
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

/* 0, or the exit status it has finished with. */
static int connect_now(cat *self) {
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
        say("%s", "cannot use --url, --ca, --epoch or the token");
    else
        say("%s", wsm_strerror(err));
    finish(self, result);
    return result;
}

/* The first one closes cleanly, the second at once. */
static void on_signal(uv_signal_t *signal, int number) {
    cat *self = signal->data;
    (void)number;
    if (self->uv && self->was_open && !self->stopping++)
        wsm_client_close(wsm_uv_client_get(self->uv), 1000, NULL);
    else
        finish(self, EXIT_CLEAN);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static int usage_error(const char *what, const char *arg) {
    fprintf(stderr, "wsmcat: %s: %s\nwsmcat --help tells more\n", what, arg);
    return EXIT_USAGE;
}

/* 0, or EXIT_USAGE after a complaint. */
static int parse(options *opts, int argc, char **argv) {
    const struct {
        const char *name;
        const char **value;
        int *flag;
    } table[] = {{"--url", &opts->url, NULL},
                 {"--token", &opts->token, NULL},
                 {"--token-file", &opts->token_file, NULL},
                 {"--ca", &opts->ca, NULL},
                 {"--epoch", &opts->epoch, NULL},
                 {"--after", &opts->after, NULL},
                 {"--pretty", NULL, &opts->pretty},
                 {"--linger", NULL, &opts->linger},
                 {"--no-reconnect", NULL, &opts->no_reconnect},
                 {"--strict", NULL, &opts->strict}};
    for (int i = 1; i < argc; i++) {
        size_t k = 0, rows = sizeof table / sizeof table[0];
        while (k < rows && strcmp(argv[i], table[k].name) != 0) k++;
        if (k == rows) return usage_error("unknown option", argv[i]);
        if (table[k].flag)
            *table[k].flag = 1;
        else if (i + 1 == argc)
            return usage_error("a value is missing", argv[i]);
        else
            *table[k].value = argv[++i];
    }
    if (opts->token && opts->token_file) return usage_error("one of", "--token and --token-file");
    if (!opts->epoch != !opts->after) return usage_error("only together", "--epoch and --after");
    return 0;
}

/* The position to start from. 0, or EXIT_USAGE after a complaint. */
static int position_set(cat *self) {
    char *end = NULL;
    if (!self->opts.epoch) return 0;
    if (strlen(self->opts.epoch) != 16) return usage_error("not 16 hex digits", self->opts.epoch);
    memcpy(self->epoch, self->opts.epoch, sizeof self->epoch);
    self->after = strtoull(self->opts.after, &end, 10);
    if (!self->opts.after[0] || self->opts.after[0] == '-' || *end)
        return usage_error("not a number", self->opts.after);
    return 0;
}

static void run(cat *self) {
    static const int numbers[2] = {SIGINT, SIGTERM};
    uv_timer_init(self->loop, &self->timer);
    self->timer.data = self;
    for (int i = 0; i < 2; i++) {
        uv_signal_init(self->loop, &self->signals[i]);
        self->signals[i].data = self;
        uv_signal_start(&self->signals[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&self->signals[i]);
    }
    int err = input_open(self);
    if (err) {
        say("cannot read stdin: %s", uv_strerror(err));
        finish(self, EXIT_INTERNAL);
    } else {
        connect_now(self);
    }
    uv_run(self->loop, UV_RUN_DEFAULT);
    while (self->waiting) command_remove(self, &self->waiting);
    free(self->line);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EXIT_CLEAN;
    }
    cat *self = calloc(1, sizeof *self);
    if (!self) return EXIT_INTERNAL;
    self->opts.url = "ws://127.0.0.1:8002/ws";
    self->delay_ms = DELAY_FIRST_MS;
    self->window = WINDOW;
    int result = parse(&self->opts, argc, argv);
    if (!result) result = position_set(self);
    if (!result) {
        if (!self->opts.token && !self->opts.token_file) self->opts.token = getenv("WSM_TOKEN");
        signal(SIGPIPE, SIG_IGN);
        self->loop = uv_default_loop();
        run(self);
        uv_loop_close(self->loop);
        result = self->result;
    }
    free(self);
    return result;
}
