/* See saga_text.h. */
#include "saga_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_MAX   512
#define ID_LEN    40
#define HEARD_MAX 256

static char ids[IDS_MAX][ID_LEN];
static int ids_count;

void saga_text_begin(saga_text *text, char *out) {
    *text = (saga_text){.out = out};
    out[0] = '\0';
    ids_count = 0;
}

static void put(saga_text *text, const char *bytes, size_t len) {
    if (text->len + len + 1 > SAGA_TEXT_MAX) abort();
    memcpy(text->out + text->len, bytes, len);
    text->len += len;
    text->out[text->len] = '\0';
}

static bool is_uuid(const char *at, size_t len) {
    if (len != 36) return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? at[i] != '-' : !isxdigit((unsigned char)at[i])) return false;
    }
    return true;
}

static bool is_base64(const char *at, size_t len) { /* of 16 bytes */
    if (len != 22) return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)at[i]) && at[i] != '-' && at[i] != '_') return false;
    return true;
}

static bool is_time(const char *at, size_t len) {
    return len == 24 && at[4] == '-' && at[10] == 'T' && at[23] == 'Z';
}

static void put_id(saga_text *text, const char *at, size_t len) {
    char name[16];
    int i = 0;
    while (i < ids_count && (strncmp(ids[i], at, len) != 0 || ids[i][len])) i++;
    if (i == IDS_MAX || len >= ID_LEN) abort();
    if (i == ids_count) snprintf(ids[ids_count++], ID_LEN, "%.*s", (int)len, at);
    put(text, name, (size_t)snprintf(name, sizeof name, "id%d", i + 1));
}

static void put_string(saga_text *text, const char *at, size_t len) {
    size_t before = len >= 25 && memcmp(at + len - 25, "sb-", 3) == 0 ? len - 25 : len; /* n@sb-... has one, too */
    put(text, "\"", 1);
    if (is_uuid(at, len) || is_base64(at, len)) before = 0;
    if (!is_time(at, len)) put(text, at, before);
    if (before < len) put_id(text, at + before, len - before);
    put(text, "\"", 1);
}

void saga_text_add(saga_text *text, const char *bytes, size_t len) {
    for (size_t at = 0; at < len;) {
        size_t run = 0;
        if (bytes[at] == '"') {
            while (bytes[at + 1 + run] != '"') run += bytes[at + 1 + run] == '\\' ? 2 : 1;
            put_string(text, bytes + at + 1, run);
            at += run + 2;
            continue;
        }
        while (at + run < len && isdigit((unsigned char)bytes[at + run])) run++;
        if (run == 0) put(text, bytes + at, 1);
        if (run > 0 && run < 13) put(text, bytes + at, run); /* longer ones are times */
        at += run ? run : 1;
    }
    put(text, "\n", 1);
}

bool saga_text_field(const char *line, const char *name, char *out, size_t cap) {
    char part[64];
    snprintf(part, sizeof part, "\"%s\":\"", name);
    const char *at = strstr(line, part);
    if (!at) return false;
    at += strlen(part);
    snprintf(out, cap, "%.*s", (int)strcspn(at, "\""), at);
    return true;
}

/* The offset of a record's line: it stands behind the type. 0: it is none. */
static unsigned long long offset_of(const char *line) {
    const char *at = strncmp(line, "{\"type\":\"", 9) == 0 ? strchr(line + 9, '"') : NULL;
    return at && strncmp(at, "\",\"offset\":", 11) == 0 ? strtoull(at + 11, NULL, 10) : 0;
}

static bool is_same(const char *a, const char *b) {
    size_t len = strcspn(a, "\n");
    return len == strcspn(b, "\n") && memcmp(a, b, len) == 0;
}

static bool is_gap(const char *line) {
    return strncmp(line, "{\"type\":\"gap\"", 13) == 0;
}

const char *saga_text_heard(saga_text *text, const hub_world *world, const char *agent, const char *const *names) {
    static const char *heard[HEARD_MAX];
    memset(heard, 0, sizeof heard);
    for (int i = 0; i < world->peers_count; i++) {
        if (strcmp(names[i], agent) != 0) continue;
        for (const char *line = world->peers[i].text; line && *line; line = strchr(line, '\n') + 1) {
            unsigned long long offset = offset_of(line);
            if (is_gap(line)) return "was told of a gap";
            if (offset >= HEARD_MAX) abort();
            if (offset && heard[offset] && !is_same(heard[offset], line)) return "got other bytes at the same offset";
            if (offset) heard[offset] = line;
        }
    }
    for (size_t i = 1; i < HEARD_MAX; i++)
        if (heard[i]) saga_text_add(text, heard[i], strcspn(heard[i], "\n"));
    return NULL;
}
