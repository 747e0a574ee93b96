/* A terminal client for a hub: what arrives goes to stdout, a line each; what is typed is sent. Read main.c (the
 * command line), link.c (the connection, and coming back), input.c (stdin), commands.c (what is sent), typed.c (as
 * people type it), arrivals.c (what comes), pretty.c (for people), members.c (a look into a message). */
#ifndef WSMCAT_H
#define WSMCAT_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "wsm/json.h"
#include "wsm/uv.h"

#define DELAY_FIRST_MS 250u /* before coming back; doubles */

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

typedef struct options {
    const char *url, *token, *token_file, *ca, *epoch, *after, *context;
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

/* main.c */
void say(const char *format, const char *what); /* to stderr */
void finish(cat *self, int result);             /* everything is closed, and the loop ends; twice does nothing */

/* link.c */
int connect_now(cat *self); /* 0, or the exit status it has finished with */
void on_signal(uv_signal_t *signal, int number);

/* input.c */
int input_open(cat *self); /* 0 or an error of libuv */
void input_resume(cat *self);

/* commands.c */
void command_text(cat *self, wsm_slice line); /* a line of text, and one of JSON */
void command_json(cat *self, wsm_slice line);
void command_failed(cat *self, const char *why); /* the line is not sent */
void command_remove(cat *self, command **at);
command **command_find(cat *self, wsm_slice id); /* NULL: it does not wait */
void commands_hold(cat *self, uint64_t ms);      /* none goes before `ms` have passed */
void commands_pump(cat *self); /* send what may go, in order; when stdin is over and everything is answered, close */

/* typed.c */
int typed_is(wsm_slice line); /* `:type`, or `:type name=value ...` */
void command_typed(cat *self, wsm_slice line);

/* arrivals.c */
void on_message(void *user, wsm_client *client, const wsm_client_message *message);

/* pretty.c */
void print_pretty(const wsm_client_message *message);

/* members.c */
#define MEMBERS 64u

typedef struct members {
    wsm_json_member list[MEMBERS];
    size_t count;
} members;

int members_of(members *m, wsm_slice json);
wsm_slice member(const members *m, const char *key); /* raw, as written; absent: there is none */
/* Decoded and safe for a terminal. "" for something else than a string. */
void member_text(const members *m, const char *key, char *out, size_t cap);
void text_clean(char *text); /* no control characters any more, neither C0 nor C1 */

#endif
