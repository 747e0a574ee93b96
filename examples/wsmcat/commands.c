/* Commands wait in one list, oldest first, until they are answered. After a cut the client comes back with the position
 * of the one before, takes out of the list what the replay shows, and sends the rest again under the same message_id:
 * the hub does nothing twice. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction, for libuv */

#include "wsmcat.h"

#define WAITING_LOW 128u /* below it stdin is read again */

static void timer_wake(uv_timer_t *timer);

void command_remove(cat *self, command **at) {
    command *gone = *at;
    *at = gone->next;
    if (gone->sent) self->in_flight--;
    self->waiting_count--;
    free(gone);
}

command **command_find(cat *self, wsm_slice id) {
    for (command **at = &self->waiting; id.ptr && *at; at = &(*at)->next)
        if (strlen((*at)->id) == id.len && memcmp((*at)->id, id.ptr, id.len) == 0) return at;
    return NULL;
}

void command_failed(cat *self, const char *why) {
    say("not sent: %s", why);
    if (self->opts.strict) self->result = EXIT_ANSWERED;
}

void commands_hold(cat *self, uint64_t ms) {
    self->not_before = uv_now(self->loop) + ms;
    uv_timer_start(&self->timer, timer_wake, ms, 0);
}

void commands_pump(cat *self) {
    wsm_client *client = wsm_uv_client_get(self->uv);
    if (!self->ready) return;
    for (command **at = &self->waiting;
         *at && self->in_flight < self->window && uv_now(self->loop) >= self->not_before;) {
        command *c = *at;
        int err = c->sent ? WSM_OK : wsm_client_send(client, WSM_DATA_TEXT, c->json, c->len);
        if (err == WSM_ERR_BUSY || err == WSM_ERR_STATE || err == WSM_ERR_NOMEM) {
            commands_hold(self, 100);
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
    commands_pump(timer->data);
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

static void no_memory(cat *self) {
    say("%s", "out of memory or random numbers");
    finish(self, EXIT_INTERNAL);
}

void command_text(cat *self, wsm_slice line) {
    static const char form[] =
        "{\"type\":\"memory_update\",\"message_id\":\"%s\",\"context_id\":%s,\"exchange\":{\"text\":%s}}";
    const char *where = self->opts.context ? self->opts.context : "main";
    char id[37], context[1024];
    size_t cap = 6 * line.len + 3, room = sizeof form + sizeof id + sizeof context + cap;
    char *quoted = malloc(cap), *json = malloc(room);
    if (!quoted || !json || uuid(id)) {
        no_memory(self);
    } else if (wsm_json_quote((wsm_slice){where, strlen(where)}, context, sizeof context) < 0) {
        command_failed(self, "--context is no name");
    } else if (wsm_json_quote(line, quoted, cap) < 0) {
        command_failed(self, "the line is not UTF-8");
    } else {
        int len = snprintf(json, room, form, id, context, quoted);
        command_add(self, id, json, (size_t)len);
    }
    free(quoted);
    free(json);
}

/* The same with a message_id, so that it is answered, and may be sent again. */
static void add_named(cat *self, wsm_slice line, int has_members) {
    static const char form[] = "{\"message_id\":\"%s\"%s";
    char id[37];
    char *json = malloc(sizeof form + sizeof id + line.len);
    const char *brace = memchr(line.ptr, '{', line.len);
    if (!json || !brace || uuid(id)) {
        no_memory(self);
    } else {
        size_t rest = line.len - (size_t)(brace + 1 - line.ptr);
        int len = snprintf(json, sizeof form + sizeof id, form, id, has_members ? "," : "");
        memcpy(json + len, brace + 1, rest);
        command_add(self, id, json, (size_t)len + rest);
    }
    free(json);
}

void command_json(cat *self, wsm_slice line) {
    members m;
    char id[64] = "";
    if (members_of(&m, line)) {
        command_failed(self, "the line is not a strict JSON object");
        return;
    }
    if (!member(&m, "message_id").ptr) {
        add_named(self, line, m.count > 0);
        return;
    }
    if (wsm_json_string(member(&m, "message_id"), id, sizeof id) < 0) id[0] = '\0';
    command_add(self, id, line.ptr, line.len);
}
