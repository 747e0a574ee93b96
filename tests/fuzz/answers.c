/* See answers.h. */
#include "answers.h"

#include <string.h>

#include "ref_json.h"

static const ref_json_limits limits = {64, 1000000, 65536}, hub_limits = {32, 4096, 128};

#define MEMBERS_MAX 64 /* of a message */

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_uuid(const char *text, size_t len) {
    if (len != 36) return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
    }
    return true;
}

static size_t row_of(answers *book, const char *id) {
    for (size_t i = 0; i < book->count; i++)
        if (memcmp(book->rows[i].id, id, 36) == 0) return i;
    if (book->count == ANSWERS_MAX) return ANSWERS_MAX;
    memset(&book->rows[book->count], 0, sizeof book->rows[0]);
    memcpy(book->rows[book->count].id, id, 36);
    return book->count++;
}

/* A key twice, and nothing of the message is believed. */
static bool has_twin(const ref_json *object) {
    for (const ref_json *a = object->child; a; a = a->next)
        for (const ref_json *b = a->next; b; b = b->next)
            if (a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0) return true;
    return false;
}

bool answers_asked(answers *book, const void *text, size_t len) {
    ref_json_verdict verdict;
    ref_json *json = ref_json_parse(text, len, &hub_limits, &verdict);
    const ref_json *id = ref_json_get(json, "message_id");
    bool has_id = id && json->count <= MEMBERS_MAX && !has_twin(json) && id->kind == REF_STRING &&
                  is_uuid(id->text, id->text_len) && id->raw.len == 38;
    if (has_id) {
        size_t row = row_of(book, id->text);
        if (row < ANSWERS_MAX) book->rows[row].asked++;
    }
    ref_json_free(json);
    return has_id;
}

void answers_came(answers *book, const void *text, size_t len) {
    ref_json_verdict verdict;
    ref_json *json = ref_json_parse(text, len, &limits, &verdict);
    if (!json) fuzz_show("from the hub", text, len);
    FUZZ_EXPECT(json && json->kind == REF_OBJECT);
    const ref_json *original = ref_json_get(json, "original_message_id"), *type = ref_json_get(json, "type");
    FUZZ_EXPECT(type && type->kind == REF_STRING);
    bool is_error = ref_json_is(type, "error");
    if (is_error)
        FUZZ_EXPECT(ref_json_get(json, "code") && ref_json_get(json, "message") && ref_json_get(json, "retry"));
    if (is_error) FUZZ_EXPECT(original);
    if (is_error && original->kind == REF_NULL) book->nameless++;
    if ((is_error || ref_json_is(type, "ack") || ref_json_is(type, "duplicate_ack")) && original->kind == REF_STRING) {
        FUZZ_EXPECT(is_uuid(original->text, original->text_len));
        size_t row = row_of(book, original->text);
        if (row < ANSWERS_MAX && is_error) book->rows[row].errors++;
        if (row < ANSWERS_MAX && !is_error) book->rows[row].acks++;
    }
    ref_json_free(json);
}

void answers_check(const answers *book, bool all) {
    for (size_t i = 0; i < book->count; i++) {
        unsigned got = book->rows[i].acks + book->rows[i].errors, asked = book->rows[i].asked;
        if (all ? got != asked : got > asked)
            fuzz_show(got > asked ? "answered twice" : "not answered", book->rows[i].id, 36);
        FUZZ_EXPECT(all ? got == asked : got <= asked);
    }
}
