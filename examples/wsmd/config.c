/* The two sources of keys that are no flags: the config file and the environment. */
#define _POSIX_C_SOURCE 200809L
#include "keys.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES_MAX 4096
#define NAME_BYTES_MAX 64

static char *strip(char *text) {
    while (*text == ' ' || *text == '\t') text++;
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) text[--len] = '\0';
    return text;
}

/* One line of the file. `first_line[i]` is where key i was set already, 0 for not yet. */
static bool take_line(options *all, char *line, unsigned number, unsigned *first_line, char *why, size_t cap) {
    char *text = strip(line);
    if (text[0] == '\0' || text[0] == '#') return true;
    char *equals = strchr(text, '=');
    if (equals == NULL) return blame(why, cap, "expected KEY = VALUE");
    *equals = '\0';
    const char *name = strip(text);
    long index = keys_find(name);
    if (index >= 0 && index < KEYS_COUNT_MAX && first_line[index] != 0) {
        return blame(why, cap, "%s is set already in line %u", name, first_line[index]);
    }
    if (index >= 0 && index < KEYS_COUNT_MAX) first_line[index] = number;
    return keys_set(all, name, strip(equals + 1), why, cap);
}

bool config_load_file(options *all, const char *path, char *why, size_t cap) {
    FILE *file = fopen(path, "re");
    if (file == NULL) return blame(why, cap, "%s: %s", path, strerror(errno));
    unsigned first_line[KEYS_COUNT_MAX] = {0};
    char line[LINE_BYTES_MAX], sentence[256] = "";
    bool good = true;
    unsigned number = 0;
    for (int c = getc(file); good && c != EOF; c = getc(file)) {
        size_t len = 0;
        number++;
        for (; c != EOF && c != '\n'; c = getc(file)) {
            if (c == '\0' || len == sizeof line - 1) {
                good = blame(sentence, sizeof sentence, c == '\0' ? "a NUL byte" : "longer than %d bytes",
                             LINE_BYTES_MAX - 1);
                break;
            }
            line[len++] = (char)c;
        }
        line[len] = '\0';
        good = good && take_line(all, line, number, first_line, sentence, sizeof sentence);
    }
    if (!good) (void)blame(why, cap, "%s:%u: %s", path, number, sentence);
    if (good && ferror(file)) good = blame(why, cap, "%s: %s", path, strerror(errno));
    (void)fclose(file);
    return good;
}

/* WSMD_LISTEN=... sets `listen`. WSMD_CONFIG names the config file and was used before. */
bool config_load_environment(options *all, const char *const *environment, char *why, size_t cap) {
    static const char prefix[] = "WSMD_";
    for (; *environment != NULL; environment++) {
        const char *at = *environment, *equals = strchr(at, '=');
        char name[NAME_BYTES_MAX], sentence[256];
        size_t len = 0;
        if (strncmp(at, prefix, sizeof prefix - 1) != 0 || equals == NULL) continue;
        if (strncmp(at, "WSMD_CONFIG=", 12) == 0) continue;
        for (at += sizeof prefix - 1; at < equals && len < sizeof name - 1; at++) {
            /* A lower-case letter is as unknown as any other name that is none. */
            name[len++] = (char)(islower((unsigned char)*at) ? '?' : tolower((unsigned char)*at));
        }
        name[len] = '\0';
        if (!keys_set(all, name, equals + 1, sentence, sizeof sentence)) {
            return blame(why, cap, "environment, %.*s: %s", (int)(equals - *environment), *environment, sentence);
        }
    }
    return true;
}
