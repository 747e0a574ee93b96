/* Values and messages made from the table of messages.def, so that a new row is tested by being there: for each field
 * what its row allows, from the smallest to the largest, and what it refuses. Sender fields hold SAMPLE_SENDER. */
#ifndef WSM_TESTS_MESSAGE_SAMPLES_H
#define WSM_TESTS_MESSAGE_SAMPLES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/messages.h"

#define SAMPLE_ID     "0190e0a0-7b1c-7def-8123-456789abcdef"
#define SAMPLE_SENDER "ada"

/* ---- texts and lists of them --------------------------------------------------------------------------------------
 */

typedef struct samples {
    char **text;
    size_t count, cap;
} samples;

__attribute__((format(printf, 1, 2))) static inline char *sample_text(const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : malloc((size_t)len + 1);
    if (text == NULL) abort();
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(args);
    va_end(again);
    return text;
}

/* Takes the text over. */
static inline void samples_add(samples *list, char *text) {
    if (list->count == list->cap) {
        list->cap = list->cap > 0 ? 2 * list->cap : 16;
        list->text = realloc(list->text, list->cap * sizeof *list->text);
        if (list->text == NULL) abort();
    }
    list->text[list->count++] = text;
}

static inline void samples_free(samples *list) {
    for (size_t i = 0; i < list->count; i++) free(list->text[i]);
    free(list->text);
    *list = (samples){0};
}

/* A JSON string of `len` times the letter. */
static inline char *sample_run(char letter, size_t len) {
    char *text = malloc(len + 3);
    if (text == NULL) abort();
    memset(text, letter, len + 2);
    text[0] = text[len + 1] = '"';
    text[len + 2] = '\0';
    return text;
}

/* An array of `count` times the item. */
static inline char *sample_array(const char *item, size_t count) {
    size_t len = strlen(item), at = 1;
    char *text = malloc(count * (len + 1) + 3);
    if (text == NULL) abort();
    text[0] = '[';
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text[at++] = ',';
        memcpy(text + at, item, len);
        at += len;
    }
    memcpy(text + at, "]", 2);
    return text;
}

static inline void samples_add_array(samples *list, char *item, size_t count) {
    samples_add(list, sample_array(item, count));
    free(item);
}

/* Calls `put` with each word of "a|b|c" as a JSON string. */
static inline void samples_add_words(samples *list, const char *words, const char *but) {
    while (words != NULL && *words != '\0') {
        size_t len = strcspn(words, "|");
        char *word = sample_text("\"%.*s\"", (int)len, words);
        char *bare = sample_text("%.*s", (int)len, words);
        const char *at = but != NULL ? strstr(but, bare) : NULL;
        bool skipped = at != NULL && (at[len] == '|' || at[len] == '\0') && (at == but || at[-1] == '|');
        free(bare);
        if (skipped)
            free(word);
        else
            samples_add(list, word);
        words += len + (words[len] == '|');
    }
}

/* ---- what a row allows ----------------------------------------------------------------------------------------------
 */

static inline void right_values(samples *out, const wsm__field_row *row);

/* An object of the shape with the smallest values of what must be there, but for `skip`, and then `extra`. */
static inline char *sample_object(const wsm__shape *shape, const wsm__field_row *skip, const char *extra) {
    char *text = sample_text("{");
    for (size_t i = 0; i < shape->count; i++) {
        const wsm__field_row *row = &shape->members[i];
        if (!(row->need & WSM__NEED_UP) || row == skip) continue;
        samples values = {0};
        right_values(&values, row);
        char *longer = sample_text("%s%s\"%s\":%s", text, text[1] != '\0' ? "," : "", row->name, values.text[0]);
        free(text);
        samples_free(&values);
        text = longer;
    }
    char *whole = sample_text("%s%s%s}", text, text[1] != '\0' && *extra != '\0' ? "," : "", extra);
    free(text);
    return whole;
}

static inline void samples_add_member(samples *list, const wsm__shape *shape, const wsm__field_row *row,
                                      const char *value) {
    char *extra = sample_text("\"%s\":%s", row->name, value);
    samples_add(list, sample_object(shape, row, extra));
    free(extra);
}

static inline void right_objects(samples *out, const wsm__shape *shape) {
    if (shape == NULL || !shape->is_one)
        samples_add(out, shape == NULL ? sample_text("{}") : sample_object(shape, NULL, ""));
    for (size_t i = 0; shape != NULL && i < shape->count; i++) {
        samples values = {0};
        right_values(&values, &shape->members[i]);
        for (size_t j = 0; j < values.count; j++) samples_add_member(out, shape, &shape->members[i], values.text[j]);
        samples_free(&values);
    }
}

/* The smallest first, the largest last. */
static inline void right_values(samples *out, const wsm__field_row *row) {
    if (row->need & WSM__SENDER) {
        samples_add(out, sample_text("\"" SAMPLE_SENDER "\""));
        return;
    }
    switch (row->kind) {
    case WSM__KIND_TEXT:
        samples_add(out, sample_run('a', (size_t)row->low));
        samples_add(out, sample_text("\"\\u00e9 \xE2\x82\xAC\\n\""));
        samples_add(out, sample_run('a', (size_t)row->high));
        break;
    case WSM__KIND_NAME:
    case WSM__KIND_AGENT:
        samples_add(out, sample_run('a', (size_t)row->low));
        samples_add(out, sample_run('_', (size_t)row->high));
        break;
    case WSM__KIND_UUID: samples_add(out, sample_text("\"" SAMPLE_ID "\"")); break;
    case WSM__KIND_TIME:
        samples_add(out, sample_text("\"2026-01-02T03:04:05Z\""));
        samples_add(out, sample_text("\"2026-01-02T03:04:05.678+02:00\""));
        break;
    case WSM__KIND_EPOCH: samples_add(out, sample_text("\"0123456789abcdef\"")); break;
    case WSM__KIND_NUMBER:
        samples_add(out, sample_text("%llu", (unsigned long long)row->low));
        samples_add(out, sample_text("%llu", (unsigned long long)row->high));
        break;
    case WSM__KIND_BOOL:
        samples_add(out, sample_text("false"));
        samples_add(out, sample_text("true"));
        break;
    case WSM__KIND_ENUM: samples_add_words(out, row->words, row->hub_words); break;
    case WSM__KIND_TEXTS:
    case WSM__KIND_NAMES:
    case WSM__KIND_AGENTS:
        samples_add_array(out, sample_run('b', (size_t)row->low), row->items_min);
        samples_add_array(out, sample_run('b', (size_t)row->low), row->items_max);
        samples_add_array(out, sample_run('b', (size_t)row->high), row->items_max);
        break;
    case WSM__KIND_NUMBERS:
        samples_add(out, sample_array("0", row->items_min));
        samples_add(out, sample_array("9007199254740991", row->items_max));
        samples_add_words(out, row->words, NULL);
        break;
    case WSM__KIND_OBJECT:
        right_objects(out, row->shape);
        if (row->text_max > 0) samples_add(out, sample_run('a', 1));
        if (row->text_max > 0) samples_add(out, sample_run('a', row->text_max));
        break;
    case WSM__KIND_OBJECTS: samples_add(out, sample_text("[]")); break;
    case WSM__KIND_OPAQUE:
        samples_add(out, sample_text("0"));
        samples_add(out, sample_text("{\"a\":1,\"a\":[2,{}]}"));
        if (row->need & WSM__NULL_SAYS) samples_add(out, sample_text("null"));
        break;
    }
}

/* ---- what it refuses ------------------------------------------------------------------------------------------------
 */

static inline void wrong_values(samples *out, const wsm__field_row *row);

static inline void wrong_objects(samples *out, const wsm__field_row *field) {
    const wsm__shape *shape = field->shape;
    samples_add(out, sample_object(shape, NULL, "\"no such\":\"a\""));
    for (size_t i = 0; i < shape->count; i++) {
        const wsm__field_row *row = &shape->members[i];
        samples values = {0};
        wrong_values(&values, row);
        for (size_t j = 0; j < values.count; j++) samples_add_member(out, shape, row, values.text[j]);
        samples_free(&values);
        if (row->need & WSM__NEED_UP) samples_add(out, sample_object(shape, row, ""));
        if (row->need & WSM__NEED_UP) samples_add_member(out, shape, row, "null");
    }
    if (!shape->is_one) return;
    samples_add(out, sample_text("{}"));
    samples first = {0}, second = {0};
    right_values(&first, &shape->members[0]);
    right_values(&second, &shape->members[1]);
    samples_add(out, sample_text("{\"%s\":%s,\"%s\":%s}", shape->members[0].name, first.text[0], shape->members[1].name,
                                 second.text[0]));
    samples_free(&first);
    samples_free(&second);
}

/* Every kind of JSON that it is not. */
static inline void wrong_kinds(samples *out, const wsm__field_row *row) {
    bool is_array = row->kind == WSM__KIND_TEXTS || row->kind == WSM__KIND_NAMES || row->kind == WSM__KIND_AGENTS ||
                    row->kind == WSM__KIND_NUMBERS || row->kind == WSM__KIND_OBJECTS;
    bool may_be_text = row->kind == WSM__KIND_TEXT || row->text_max > 0;
    samples_add(out, sample_text("1.5"));
    samples_add(out, sample_text("-1"));
    samples_add(out, sample_text("[null]"));
    samples_add(out, sample_text("[[]]"));
    samples_add(out, sample_text("{\"a\":{}}"));
    if (row->kind != WSM__KIND_BOOL) samples_add(out, sample_text("true"));
    if (row->kind != WSM__KIND_BOOL) samples_add(out, sample_text("false"));
    if (row->kind != WSM__KIND_NUMBER) samples_add(out, sample_text("1"));
    if (row->kind != WSM__KIND_OBJECT) samples_add(out, sample_text("{}"));
    if (!may_be_text) samples_add(out, sample_text("\"\\u0001 \\n\""));
    if (row->kind != WSM__KIND_TEXT || row->low > 0) samples_add(out, sample_text("\"\""));
    if (!is_array) samples_add(out, sample_text("[\"a\"]"));
    if (row->kind != WSM__KIND_NUMBERS) samples_add(out, sample_text("[1]"));
}

static inline void wrong_items(samples *out, const wsm__field_row *row) {
    samples_add_array(out, sample_run('a', (size_t)row->low), row->items_max + 1);
    if (row->items_min > 0) samples_add_array(out, sample_run('a', (size_t)row->low), row->items_min - 1);
    samples_add_array(out, sample_run('a', (size_t)row->high + 1), 1);
    if (row->low > 0) samples_add_array(out, sample_run('a', (size_t)row->low - 1), 1);
    samples_add(out, sample_text("[\"a\",1]"));
    samples_add(out, sample_text("\"a\""));
    if (row->kind != WSM__KIND_TEXTS) samples_add(out, sample_text("[\"a\",\"a b\"]"));
    if (row->kind != WSM__KIND_TEXTS) samples_add(out, sample_text("[\"\\u0061\"]"));
}

/* Its own kind gone wrong. */
static inline void wrong_values(samples *out, const wsm__field_row *row) {
    if (row->kind == WSM__KIND_OPAQUE) return;
    wrong_kinds(out, row);
    switch (row->kind) {
    case WSM__KIND_TEXT:
    case WSM__KIND_NAME:
    case WSM__KIND_AGENT:
        samples_add(out, sample_run('a', (size_t)row->high + 1));
        if (row->low > 0) samples_add(out, sample_run('a', (size_t)row->low - 1));
        if (row->kind == WSM__KIND_TEXT) break;
        samples_add(out, sample_text("\"a b\""));
        samples_add(out, sample_text("\"\xC3\xA9\""));
        samples_add(out, sample_text("\"\\u0061\""));
        if (row->kind == WSM__KIND_AGENT) samples_add(out, sample_text("\"a:b\""));
        break;
    case WSM__KIND_UUID:
        samples_add(out, sample_text("\"0190e0a0-7b1c-7def-8123-456789abcde\""));
        samples_add(out, sample_text("\"0190e0a0-7b1c-7def-8123-456789abcdeg\""));
        break;
    case WSM__KIND_TIME:
        samples_add(out, sample_text("\"2026-13-02T03:04:05Z\""));
        samples_add(out, sample_text("\"tomorrow\""));
        break;
    case WSM__KIND_EPOCH: samples_add(out, sample_text("\"0123456789ABCDEF\"")); break;
    case WSM__KIND_NUMBER:
        samples_add(out, sample_text("%llu", (unsigned long long)row->high + 1));
        if (row->low > 0) samples_add(out, sample_text("%llu", (unsigned long long)row->low - 1));
        samples_add(out, sample_text("1e3"));
        samples_add(out, sample_text("\"1\""));
        break;
    case WSM__KIND_ENUM:
        samples_add_words(out, row->hub_words, NULL);
        samples_add(out, sample_text("\"ACTIVE\""));
        samples_add(out, sample_text("\"%s|\"", row->words));
        samples_add(out, sample_text("\"%.*s\"", (int)strcspn(row->words, "|") - 1, row->words));
        samples_add(out, sample_text("\"\\u%04x%.*s\"", (unsigned)row->words[0], (int)strcspn(row->words, "|") - 1,
                                     row->words + 1));
        break;
    case WSM__KIND_TEXTS:
    case WSM__KIND_NAMES:
    case WSM__KIND_AGENTS: wrong_items(out, row); break;
    case WSM__KIND_NUMBERS:
        samples_add(out, sample_array("1", row->items_max + 1));
        samples_add(out, sample_text("[1,\"1\"]"));
        samples_add(out, sample_text("[9007199254740992]"));
        samples_add(out, sample_text("\"some\""));
        if (row->words != NULL) samples_add(out, sample_text("[\"%.*s\"]", (int)strcspn(row->words, "|"), row->words));
        break;
    case WSM__KIND_OBJECT:
        if (row->shape != NULL) wrong_objects(out, row);
        if (row->text_max > 0) samples_add(out, sample_run('a', row->text_max + 1));
        break;
    default: break;
    }
}

/* ---- messages
 * --------------------------------------------------------------------------------------------------------- */

/* A message of the type with all that a client must say, but for `skip`, and then `extra`. */
static inline char *sample_message(const wsm__msg_row *type, const wsm__field_row *skip, const char *extra) {
    char *text = sample_text("{\"type\":\"%s\",\"message_id\":\"%s\"", type->name, SAMPLE_ID);
    for (size_t i = 0; i < type->fields_count; i++) {
        const wsm__field_row *row = &type->fields[i];
        if (!(row->need & WSM__NEED_UP) || row == skip) continue;
        samples values = {0};
        right_values(&values, row);
        char *longer = sample_text("%s,\"%s\":%s", text, row->name, values.text[0]);
        free(text);
        samples_free(&values);
        text = longer;
    }
    char *whole = sample_text("%s%s%s}", text, *extra != '\0' ? "," : "", extra);
    free(text);
    return whole;
}

/* The same with one field, under its own name or another, of this value. */
static inline char *sample_message_with(const wsm__msg_row *type, const wsm__field_row *row, const char *name,
                                        const char *value) {
    char *extra = sample_text("\"%s\":%s", name, value);
    char *text = sample_message(type, row, extra);
    free(extra);
    return text;
}

#endif
