/* The command line of wsmcat, and its beginning and end. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction, for libuv */

#include <signal.h>

#include "../args.h"
#include "wsmcat.h"

#define WINDOW 32u /* unanswered at a time, below what the hub takes at once */

static const char help[] =
    "usage: wsmcat [options]\n"
    "\n"
    "Prints each message of a hub as one line of JSON. Sends each line of stdin:\n"
    "\n"
    "  {\"type\":...}        as it is, with a message_id if it has none\n"
    "  :type name=value    as that message; a value is JSON, a list such as [bob,cy], or a word\n"
    "  anything else       as the text of a memory_update\n"
    "\n"
    "  --url URL           ws://HOST[:PORT]/PATH or wss://...   (ws://127.0.0.1:8002/ws)\n"
    "  --token-file FILE   where the token stands; read again at each connect\n"
    "  --token TOKEN       the token itself; other users of this machine can see it\n"
    "                      (without either: the environment variable WSM_TOKEN)\n"
    "  --ca FILE           PEM file of trust anchors, for wss\n"
    "  --epoch E --after N resume after this position\n"
    "  --context ID        where text goes; main without it\n"
    "  --pretty            lines for people: time, offset, sender, type, context, what it says\n"
    "  --linger            keep listening when stdin ends (a terminal always does); without it wsmcat\n"
    "                      waits for the answers to what it sent, and closes\n"
    "  --no-reconnect      end when the connection is cut, instead of coming back\n"
    "  --strict            exit with 7 if a message was answered with an error\n"
    "  --help\n"
    "\n"
    "exit status: 0 clean, also after SIGINT or SIGTERM   1 internal error   2 usage\n"
    "             3 cannot connect, or cut with --no-reconnect   4 refused by the server (HTTP status)\n"
    "             5 closed by the server for good   6 the protocol was broken   7 see --strict\n";

void say(const char *format, const char *what) {
    fputs("wsmcat: ", stderr);
    fprintf(stderr, format, what);
    fputc('\n', stderr);
}

void finish(cat *self, int result) {
    if (self->finishing) return;
    self->finishing = 1;
    if (self->result == EXIT_CLEAN) self->result = result;
    wsm_uv_client_close(self->uv, NULL, NULL);
    self->uv = NULL;
    uv_close((uv_handle_t *)&self->timer, NULL);
    for (int i = 0; i < 2; i++) uv_close((uv_handle_t *)&self->signals[i], NULL);
    if (self->in_type != UV_FILE && !uv_is_closing(&self->in.handle)) uv_close(&self->in.handle, NULL);
}

static int usage_error(const char *what, const char *arg) {
    fprintf(stderr, "wsmcat: %s: %s\nwsmcat --help tells more\n", what, arg);
    return EXIT_USAGE;
}

/* 0, or EXIT_USAGE after a complaint. */
static int parse(options *opts, int argc, char **argv) {
    const arg_row table[] = {{"--url", &opts->url, NULL},
                             {"--token", &opts->token, NULL},
                             {"--token-file", &opts->token_file, NULL},
                             {"--ca", &opts->ca, NULL},
                             {"--epoch", &opts->epoch, NULL},
                             {"--after", &opts->after, NULL},
                             {"--context", &opts->context, NULL},
                             {"--pretty", NULL, &opts->pretty},
                             {"--linger", NULL, &opts->linger},
                             {"--no-reconnect", NULL, &opts->no_reconnect},
                             {"--strict", NULL, &opts->strict},
                             {NULL, NULL, NULL}};
    const char *what, *at;
    if (args_parse(table, argc, argv, &what, &at)) return usage_error(what, at);
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
