/* See side_talk.h. */
#include "side_talk.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX  32768
#define UUID_LEN    36
#define SEEN_MAX    4096
#define MEMBERS_MAX 96

/* ---- asking ---------------------------------------------------------------------------------------------------------
 */

static unsigned long ids;

static char *format_message(const char *type, char id[UUID_LEN + 1], const char *fields, va_list args) {
    static char text[ANSWER_MAX];
    snprintf(id, UUID_LEN + 1, "00000000-0000-4000-8000-%012lx", ++ids);
    int at = snprintf(text, sizeof text, "{\"type\":\"%s\",\"message_id\":\"%s\",", type, id);
    int len = vsnprintf(text + at, sizeof text - (size_t)at, fields, args);
    at += len > 0 ? len : -1; /* without fields no comma, either */
    if (at + 2 > (int)sizeof text) abort();
    memcpy(text + at, "}", 2);
    return text;
}

const char *peer_ask(peer *p, const char *type, const char *fields, ...) {
    static char answer[ANSWER_MAX];
    char id[UUID_LEN + 1], wanted[80];
    va_list args;
    va_start(args, fields);
    const char *text = format_message(type, id, fields, args);
    va_end(args);
    snprintf(wanted, sizeof wanted, "\"original_message_id\":\"%s\"", id);
    if (p->conn) wsm_conn_recv(p->conn, text, strlen(text));
    world_run(p->world, 1);
    answer[0] = '\0';
    const char *at = p->text ? strstr(p->text, wanted) : NULL;
    if (!at) return answer;
    while (at > p->text && at[-1] != '\n') at--;
    snprintf(answer, sizeof answer, "%.*s", (int)strcspn(at, "\n"), at);
    return answer;
}

int host_ask(hub_world *world, const char *as_agent, const char *json, ...) {
    static char text[ANSWER_MAX];
    va_list args;
    va_start(args, json);
    int len = vsnprintf(text, sizeof text, json, args);
    va_end(args);
    uint64_t tag = ++ids;
    int err = wsm_submit(world->hub, as_agent, text, (size_t)len, tag);
    if (err) return err;
    world->results_count = 0;
    world_run(world, 1);
    for (int i = 0; i < world->results_count; i++)
        if (world->results[i].tag == tag) return world->results[i].err;
    return 1;
}

/* ---- reading --------------------------------------------------------------------------------------------------------
 */

/* The element of that number in an array of JSON that was checked. */
static wsm_slice element(wsm_slice array, unsigned long number) {
    size_t at = 1, begin = 1;
    int depth = 0;
    bool in_string = false;
    for (; at < array.len; at++) {
        char c = array.ptr[at];
        if (in_string) {
            if (c == '\\') at++;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '[' || c == '{') depth++;
        bool ends = depth == 0 && (c == ',' || c == ']');
        if (c == ']' || c == '}') depth--;
        if (!ends) continue;
        if (number-- == 0) return (wsm_slice){array.ptr + begin, at - begin};
        begin = at + 1;
    }
    return (wsm_slice){NULL, 0};
}

static wsm_slice member(wsm_slice object, const char *name, size_t len) {
    wsm_json_member members[MEMBERS_MAX];
    size_t count;
    if (wsm_json_members(object.ptr, object.len, members, MEMBERS_MAX, &count, NULL, NULL)) return (wsm_slice){NULL, 0};
    for (size_t i = 0; i < count; i++)
        if (members[i].key.len == len && memcmp(members[i].key.ptr, name, len) == 0) return members[i].value;
    return (wsm_slice){NULL, 0};
}

const char *line_get(const char *line, const char *path) {
    static char rooms[8][ANSWER_MAX];
    static unsigned next;
    char *room = rooms[next++ % 8];
    room[0] = '\0';
    if (!line) return room;
    wsm_slice value = {line, strlen(line)};
    while (*path != '\0' && value.ptr) {
        size_t len = strcspn(path, ".");
        bool is_array = value.len > 0 && value.ptr[0] == '[';
        value = is_array ? element(value, strtoul(path, NULL, 10)) : member(value, path, len);
        path += len + (path[len] == '.');
    }
    if (!value.ptr) return room;
    if (value.len > 1 && value.ptr[0] == '"')
        wsm_json_string(value, room, ANSWER_MAX);
    else
        snprintf(room, ANSWER_MAX, "%.*s", (int)value.len, value.ptr);
    return room;
}

int line_is(const char *line, const char *path, const char *value) {
    return strcmp(line_get(line, path), value) == 0;
}

const char *answer_of(const char *line) {
    const char *type = line_get(line, "type");
    return strcmp(type, "error") == 0 ? line_get(line, "code") : type;
}

void side_spawn(peer *by, const char *participants, const char *more, char id[SIDE_ID]) {
    const char *answer =
        peer_ask(by, "sidebar_spawn", "\"participants\":[%s],\"task_description\":\"a task\"%s", participants, more);
    snprintf(id, SIDE_ID, "%s", line_get(answer, "result.sidebar_id"));
}

/* ---- renumbering ----------------------------------------------------------------------------------------------------
 */

typedef struct seen {
    char *text[SEEN_MAX];
    int count;
} seen;

static int number_of(seen *known, const char *text, size_t len) {
    for (int i = 0; i < known->count; i++)
        if (strlen(known->text[i]) == len && memcmp(known->text[i], text, len) == 0) return i + 1;
    if (known->count == SEEN_MAX) abort();
    char *copy = malloc(len + 1);
    if (!copy) abort();
    memcpy(copy, text, len);
    copy[len] = '\0';
    known->text[known->count++] = copy;
    return known->count;
}

static bool is_uuid(const char *text, size_t len) {
    if (len < UUID_LEN) return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])) return false;
    }
    return true;
}

/* Length of a minted id at the beginning of a string; 0: there is none. */
static size_t minted_len(const char *text, size_t len) {
    if (len > 3 && memcmp(text, "sb-", 3) == 0) return len;
    return is_uuid(text, len) ? UUID_LEN : 0;
}

static bool is_key(const char *name, const char *key, size_t len) {
    return strlen(name) == len && memcmp(name, key, len) == 0;
}

/* Whether the numbers under a key are offsets. A snapshot's version is one, other versions count something. */
static bool is_offset_key(const char *key, size_t len, int depth, bool is_snapshot) {
    static const char *const keys[] = {"offset", "up_to_offset", "from_offset", "to_offset", "at_offset", "from",
                                       "to",     "based_on",     "accept",      "refuse",    "offsets",   "next_after"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (is_key(keys[i], key, len)) return true;
    if (is_key("bytes", key, len)) return true; /* of records that hold their offset */
    return is_snapshot && depth == 1 && is_key("version", key, len);
}

static bool is_type(const char *line, const char *type) {
    static const char before[] = "{\"type\":\"";
    size_t len = strlen(type);
    return strncmp(line, before, sizeof before - 1) == 0 && strncmp(line + sizeof before - 1, type, len) == 0 &&
           line[sizeof before - 1 + len] == '"';
}

/* Messages whose offsets are places in the log, where there may be a hole, and not records. */
static bool is_about_places(const char *line) {
    static const char *const types[] = {"welcome", "position", "replay_start", "replay_end"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_type(line, types[i])) return true;
    return false;
}

typedef struct out {
    char *text;
    size_t len, cap;
} out;

static void put(out *o, const char *text, size_t len) {
    if (o->len + len + 1 > o->cap) {
        o->cap = 2 * (o->len + len + 1);
        o->text = realloc(o->text, o->cap);
        if (!o->text) abort();
    }
    memcpy(o->text + o->len, text, len);
    o->len += len;
    o->text[o->len] = '\0';
}

static void put_number(out *o, const char *prefix, int number) {
    char text[32];
    put(o, text, (size_t)snprintf(text, sizeof text, "%s%d", prefix, number));
}

static size_t string_len(const char *at) { /* between the quotes */
    size_t len = 0;
    while (at[len] != '"') len += at[len] == '\\' ? 2 : 1;
    return len;
}

static void renumber_line(out *o, const char *line, size_t line_len, seen *minted, seen *offsets) {
    const char *key = "", *end = line + line_len;
    size_t key_len = 0;
    int depth = 0;
    bool is_snapshot = is_type(line, "context_snapshot"), is_place = is_about_places(line);
    for (const char *at = line; at < end;) {
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        if (*at == '"') {
            size_t len = string_len(at + 1), id = minted_len(at + 1, len);
            put(o, "\"", 1);
            if (id > 0) put_number(o, "id", number_of(minted, at + 1, id));
            put(o, at + 1 + id, len - id);
            put(o, "\"", 1);
            if (at[len + 2] == ':') key = at + 1, key_len = len;
            at += len + 2;
        } else if (isdigit((unsigned char)*at) && is_offset_key(key, key_len, depth, is_snapshot)) {
            size_t len = strspn(at, "0123456789");
            if (is_place || is_key("bytes", key, key_len))
                put(o, "#", 1);
            else
                put_number(o, "#", number_of(offsets, at, len));
            at += len;
        } else {
            put(o, at++, 1);
        }
    }
    put(o, "\n", 1);
}

static void forget(seen *known) {
    for (int i = 0; i < known->count; i++) free(known->text[i]);
    known->count = 0;
}

/* Whether the line is of one of the types in "a|b". */
static bool is_one_of(const char *line, const char *types) {
    while (types && *types) {
        char type[64];
        size_t len = strcspn(types, "|");
        snprintf(type, sizeof type, "%.*s", (int)len, types);
        if (is_type(line, type)) return true;
        types += len + (types[len] == '|');
    }
    return false;
}

char *peer_transcript(const peer *p, const char *but) {
    static seen minted, offsets;
    out o = {0};
    put(&o, "", 0);
    for (const char *line = p->text; line && *line; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line, "\n");
        if (!is_one_of(line, but)) renumber_line(&o, line, len, &minted, &offsets);
    }
    forget(&minted);
    forget(&offsets);
    return o.text;
}
