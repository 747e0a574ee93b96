/* Lines on standard error. A line is built on the stack and leaves in one write(), so lines of two threads never mix.
 */
#define _POSIX_C_SOURCE 200809L
#include "log_out.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define LINES_PER_S    10

typedef struct line {
    char bytes[LINE_MAX_BYTES];
    size_t len;
} line;

/* Always leaves room for the line feed. */
static void put(line *out, const char *bytes, size_t len) {
    size_t room = sizeof out->bytes - 1 - out->len;
    if (len > room) len = room;
    memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

static void put_escaped(line *out, const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char hex[5];
        if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
            put(out, bytes + i, 1);
        } else {
            (void)snprintf(hex, sizeof hex, "\\x%02x", byte);
            put(out, hex, 4);
        }
    }
}

static void begin(line *out, wsm_level level) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct timespec now = {0};
    struct tm utc = {0};
    char head[48];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(head, sizeof head, "%Y-%m-%dT%H:%M:%S", &utc);
    int more = snprintf(head + len, sizeof head - len, ".%03dZ %s ", (int)(now.tv_nsec / 1000000),
                        names[level <= WSM_LEVEL_ERROR ? level : WSM_LEVEL_ERROR]);
    out->len = 0;
    put(out, head, len + (more > 0 ? (size_t)more : 0));
}

/* A log that cannot be written is no reason to stop serving. */
static void end(line *out) {
    out->bytes[out->len++] = '\n';
    ssize_t written = write(STDERR_FILENO, out->bytes, out->len);
    (void)written;
}

void log_line(const log_out *log, wsm_level level, const char *text) {
    if (level < log->level_min) return;
    line out;
    begin(&out, level);
    put_escaped(&out, text, strlen(text));
    end(&out);
}

void log_format(const log_out *log, wsm_level level, const char *format, ...) {
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_line(log, level, text);
}

/* Whether one more line of this kind may be written in this second; tells first what the last second left out. */
static bool admit(log_out *log, wsm_level level, const char *name) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    for (size_t i = 0; i < LOG_KINDS_MAX; i++) {
        if (log->kinds[i].name == NULL) log->kinds[i].name = name;
        if (strcmp(log->kinds[i].name, name) != 0) continue;
        if (log->kinds[i].second != now.tv_sec) {
            uint64_t left_out = log->kinds[i].left_out;
            log->kinds[i].second = now.tv_sec;
            log->kinds[i].lines = 0;
            log->kinds[i].left_out = 0;
            if (left_out > 0) log_format(log, level, "%s: %llu lines left out", name, (unsigned long long)left_out);
        }
        if (log->kinds[i].lines++ < LINES_PER_S) return true;
        log->kinds[i].left_out++;
        return false;
    }
    return true;
}

static void put_pair(line *out, const char *name, wsm_slice value) {
    if (value.ptr == NULL) return;
    put(out, name, strlen(name));
    put_escaped(out, value.ptr, value.len);
}

void log_event(log_out *log, wsm_level level, const wsm_event *event) {
    if (level < log->level_min || !admit(log, level, event->name)) return;
    line out;
    begin(&out, level);
    put_escaped(&out, event->name, strlen(event->name));
    put_pair(&out, " agent=", event->agent_id);
    put_pair(&out, " connection=", event->connection_id);
    put_pair(&out, " address=", event->address);
    if (event->err != 0) {
        const char *code = wsm_err_name(event->err);
        put_pair(&out, " error=", (wsm_slice){code, strlen(code)});
    }
    put_pair(&out, ": ", event->detail);
    end(&out);
}
