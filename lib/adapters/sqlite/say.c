/* Sentences for people. Paths and SQLite's messages may hold any byte, so what is not printable becomes '?': one event
 * stays one line. Bytes from 0x80 on pass, for paths are UTF-8. */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_CAP 1024

static void make_printable(char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
    }
}

void wsm__sqlite_say_line(const wsm__sqlite_say *say, wsm_level level, const char *format, ...) {
    if (!say->on_log) return;
    char line[LINE_CAP] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    make_printable(line);
    say->on_log(say->user, (int)level, line);
}

int wsm__sqlite_say_why(char *why, size_t why_cap, int err, const char *format, ...) {
    if (!why || why_cap == 0) return err;
    why[0] = '\0';
    va_list args;
    va_start(args, format);
    vsnprintf(why, why_cap, format, args);
    va_end(args);
    make_printable(why);
    return err;
}
