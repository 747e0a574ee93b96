/* Sentences without printf, which the core does not use. */
#include "proto/phrase.h"

static void add_char(wsm__phrase *phrase, char c) {
    if (phrase->len + 1 >= phrase->cap) return;
    phrase->ptr[phrase->len++] = c;
    phrase->ptr[phrase->len] = '\0';
}

void wsm__phrase_init(wsm__phrase *phrase, char *room, size_t cap) {
    *phrase = (wsm__phrase){.ptr = room, .cap = cap};
    room[0] = '\0';
}

void wsm__phrase_add(wsm__phrase *phrase, const char *text) {
    for (; *text != '\0'; text++) add_char(phrase, *text);
}

void wsm__phrase_add_u64(wsm__phrase *phrase, uint64_t number) {
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    wsm__phrase_add(phrase, digits + at);
}

void wsm__phrase_add_words(wsm__phrase *phrase, const char *words) {
    for (; *words != '\0'; words++) {
        if (*words == '|') {
            wsm__phrase_add(phrase, ", ");
        } else {
            add_char(phrase, *words);
        }
    }
}
