/* What arrives: printed, and matched with the commands that wait for it. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction, for libuv */

#include <stdbool.h>

#include "wsmcat.h"

#define REST_MS 1000u /* when the hub found us too fast */

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
    commands_hold(self, ms > REST_MS ? ms : REST_MS);
    return 1;
}

static void error_text(const members *m, char *out, size_t cap) {
    char code[32], field[80], message[320];
    member_text(m, "code", code, sizeof code);
    member_text(m, "field", field, sizeof field);
    member_text(m, "message", message, sizeof message);
    bool is_named = strncmp(message, field, strlen(field)) == 0; /* most sentences begin with the field */
    snprintf(out, cap, "%s%s%s: %s", code, is_named ? "" : ", ", is_named ? "" : field, message);
}

static void answered(cat *self, const wsm_client_message *message) {
    command **at = command_find(self, message->original_message_id);
    members m;
    char text[512];
    if (type_is(message, "error") && members_of(&m, message->json) == 0) {
        if (is_later(self, at ? *at : NULL, &m)) return;
        error_text(&m, text, sizeof text);
        say("answered with an error: %s", text);
        if (self->opts.strict) self->result = EXIT_ANSWERED;
    }
    if (at) command_remove(self, at);
}

void on_message(void *user, wsm_client *client, const wsm_client_message *message) {
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
    if (self->ready) commands_pump(self);
}
