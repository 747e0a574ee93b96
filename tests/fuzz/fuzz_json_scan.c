/* F5: the JSON scanner accepts exactly what the strict reference accepts, with both of its loops over strings; the
 * slices it yields are the text, piece by piece; and what it says of strings and numbers is what they mean.
 *
 * The first byte picks the limits. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/scan.h"
#include "ref_json.h"
#include "ref_utf8.h"
#include "wsm/error.h"
#include "wsm/json.h"

/* The same scanner with the loop for machines without SSE2, under other names. */
#define WSM__SCAN_PORTABLE
#define wsm__json_check   portable_check
#define wsm__json_members portable_members
int portable_check(wsm_slice text, const wsm__scan_limits *limits, wsm__json_value *value, wsm__scan_error *error);
int portable_members(wsm_slice text, const wsm__scan_limits *limits, wsm__json_member *members, size_t cap,
                     size_t *count, wsm__scan_error *error);
#include "proto/scan.c"
#undef wsm__json_check
#undef wsm__json_members

#define MEMBERS_MAX  8
#define COMPARED_MAX 64 /* members of an object that wsm__json_has_duplicate_keys compares */

static bool same_slice(wsm_slice a, wsm_slice b) {
    return a.ptr == b.ptr && a.len == b.len;
}

static bool same_error(const wsm__scan_error *a, const wsm__scan_error *b) {
    return a->err == b->err && a->at == b->at && strcmp(a->why ? a->why : "", b->why ? b->why : "") == 0;
}

static bool is_text(wsm_slice a, const char *text, size_t len) {
    return a.len == len && (len == 0 || memcmp(a.ptr, text, len) == 0);
}

/* What a checked string says, decoded in too little, just enough and ample room. */
static void check_string(const ref_json *json) {
    wsm_slice inner;
    bool plain = wsm__json_string_is_plain(json->raw, &inner);
    FUZZ_EXPECT(plain == (json->raw.len == 2 || !memchr(json->raw.ptr, '\\', json->raw.len)));
    if (plain) FUZZ_EXPECT(is_text(inner, json->text, json->text_len));
    FUZZ_EXPECT(wsm__json_string_len(json->raw) == json->text_len);
    FUZZ_EXPECT(wsm__json_string_is(json->raw, json->text)); /* no NUL gets in */
    FUZZ_EXPECT(!wsm__json_string_is(json->raw, "another text, which no input has"));
    char *out = malloc(json->text_len + 1);
    if (!out) abort();
    FUZZ_EXPECT(wsm__json_string_decode(json->raw, out, json->text_len) == (long)json->text_len);
    FUZZ_EXPECT(memcmp(out, json->text, json->text_len) == 0);
    if (json->text_len) FUZZ_EXPECT(wsm__json_string_decode(json->raw, out, json->text_len - 1) == -1);
    FUZZ_EXPECT(wsm_json_string(json->raw, out, json->text_len + 1) == (long)json->text_len);
    FUZZ_EXPECT(wsm_json_string(json->raw, out, json->text_len) == WSM_ERR_TOO_LARGE);
    free(out);

    /* Written again, it means the same. */
    char *quoted = malloc(json->text_len * 6 + 3);
    if (!quoted) abort();
    long len = wsm_json_quote((wsm_slice){json->text, json->text_len}, quoted, json->text_len * 6 + 3);
    FUZZ_EXPECT(len > 0);
    FUZZ_EXPECT(wsm__json_string_is((wsm_slice){quoted, (size_t)len}, json->text));
    FUZZ_EXPECT(wsm_json_quote((wsm_slice){json->text, json->text_len}, quoted, (size_t)len) == WSM_ERR_TOO_LARGE);
    free(quoted);
}

static void check_number(const ref_json *json) {
    uint64_t number = 0;
    wsm__json_value value = {WSM__JSON_NUMBER, json->raw};
    bool whole = true;
    for (size_t i = 0; i < json->raw.len; i++) whole = whole && json->raw.ptr[i] >= '0' && json->raw.ptr[i] <= '9';
    bool small = whole && json->number <= 9007199254740992.0;
    bool got = wsm__json_u64(value, 9007199254740992u, &number);
    if (!whole) FUZZ_EXPECT(!got);
    if (small && json->number < 9007199254740992.0) FUZZ_EXPECT(got && (double)number == json->number);
}

static void check_tree(const ref_json *json) {
    FUZZ_EXPECT((int)wsm__json_kind_of(json->raw) == (int)json->kind);
    if (json->kind == REF_STRING) check_string(json);
    if (json->kind == REF_NUMBER) check_number(json);
    const ref_json *child = json->child;
    size_t at = 0;
    if (json->kind == REF_ARRAY) {
        wsm__json_value value;
        for (; wsm__json_next_element(json->raw, &at, &value); child = child->next) {
            FUZZ_EXPECT(child && same_slice(value.raw, child->raw));
            FUZZ_EXPECT((int)value.kind == (int)child->kind);
        }
    } else if (json->kind == REF_OBJECT) {
        wsm__json_member member;
        for (; wsm__json_next_member(json->raw, &at, &member); child = child->next) {
            FUZZ_EXPECT(child && same_slice(member.value.raw, child->raw));
            FUZZ_EXPECT(same_slice(member.key, child->key_raw));
            FUZZ_EXPECT(wsm__json_key_is(member.key, child->key));
            FUZZ_EXPECT(!wsm__json_key_is(member.key, "another key, which no input has"));
        }
    }
    FUZZ_EXPECT(!child || json->child == NULL || (json->kind != REF_ARRAY && json->kind != REF_OBJECT));
    FUZZ_EXPECT(wsm__json_has_duplicate_keys(json->raw) == ref_json_is_ambiguous(json, COMPARED_MAX));
    for (child = json->child; child; child = child->next) check_tree(child);
}

static bool has_twin(const ref_json *object) {
    for (const ref_json *a = object->child; a; a = a->next)
        for (const ref_json *b = a->next; b; b = b->next)
            if (a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0) return true;
    return false;
}

static void check_members(wsm_slice text, const wsm__scan_limits *limits, const ref_json *json) {
    wsm__json_member members[MEMBERS_MAX];
    size_t count = 99, count2 = 98;
    wsm__scan_error error, error2;
    int err = wsm__json_members(text, limits, members, MEMBERS_MAX, &count, &error);
    FUZZ_EXPECT(portable_members(text, limits, members, MEMBERS_MAX, &count2, &error2) == err && count == count2);
    FUZZ_EXPECT(same_error(&error, &error2));
    bool good = json && json->kind == REF_OBJECT && json->count <= MEMBERS_MAX && !has_twin(json);
    FUZZ_EXPECT((err == 0) == good);
    if (err) {
        FUZZ_EXPECT(count == 0 && error.at <= text.len && error.why && error.err == err);
        FUZZ_EXPECT(err == WSM_ERR_BAD_JSON || err == WSM_ERR_TOO_LARGE);
        return;
    }
    const ref_json *child = json->child;
    for (size_t i = 0; i < count; i++, child = child->next)
        FUZZ_EXPECT(same_slice(members[i].key, child->key_raw) && same_slice(members[i].value.raw, child->raw));
    FUZZ_EXPECT(!child);
}

/* <wsm/json.h> has the default limits. */
static void check_public(wsm_slice text) {
    static const ref_json_limits limits = {32, 4096, 128};
    ref_json_verdict verdict;
    wsm_json_member members[MEMBERS_MAX];
    size_t count, at = 0;
    const char *why = NULL;
    ref_json *json = ref_json_parse(text.ptr, text.len, &limits, &verdict);
    int err = wsm_json_members(text.ptr, text.len, members, MEMBERS_MAX, &count, &at, &why);
    bool good = json && json->kind == REF_OBJECT && json->count <= MEMBERS_MAX && !has_twin(json);
    if (!verdict.borderline) FUZZ_EXPECT((err == 0) == good);
    if (err == 0) FUZZ_EXPECT(count == json->count);
    if (err) FUZZ_EXPECT(why && at <= text.len);
    int err2 = wsm_json_members(text.ptr, text.len, members, 2, &count, NULL, NULL);
    if (good && !verdict.borderline) FUZZ_EXPECT(err2 == (json->count > 2 ? WSM_ERR_TOO_LARGE : 0));
    FUZZ_EXPECT(wsm_json_members(text.ptr, text.len, NULL, 1, &count, NULL, NULL) == WSM_ERR_INVALID);
    FUZZ_EXPECT(wsm_json_members(text.ptr, text.len, members, 1, NULL, NULL, NULL) == WSM_ERR_INVALID);
    FUZZ_EXPECT(wsm_json_members(NULL, text.len, members, 1, &count, NULL, NULL) == WSM_ERR_INVALID);
    ref_json_free(json);
}

/* Any bytes, as the text of a string: quoted if they are UTF-8, and then they mean the same. And what is no string. */
static void check_quote(wsm_slice text) {
    char *quoted = malloc(text.len * 6 + 3), *back = malloc(text.len + 1);
    if (!quoted || !back) abort();
    bool valid = ref_utf8_valid_len(text.ptr, text.len) == text.len;
    long len = wsm_json_quote(text, quoted, text.len * 6 + 3);
    FUZZ_EXPECT((len > 0) == valid);
    if (valid) FUZZ_EXPECT(wsm_json_string((wsm_slice){quoted, (size_t)len}, back, text.len + 1) == (long)text.len);
    if (valid && text.len) FUZZ_EXPECT(memcmp(back, text.ptr, text.len) == 0);
    FUZZ_EXPECT(wsm_json_quote(text, NULL, 0) == WSM_ERR_INVALID);
    FUZZ_EXPECT(wsm_json_quote((wsm_slice){NULL, 1}, quoted, 3) == WSM_ERR_INVALID);
    FUZZ_EXPECT(wsm_json_quote((wsm_slice){"", 0}, quoted, 2) == WSM_ERR_TOO_LARGE);
    FUZZ_EXPECT(wsm_json_string((wsm_slice){NULL, 0}, back, 1) == WSM_ERR_INVALID);
    FUZZ_EXPECT(wsm_json_string((wsm_slice){"\"", 1}, back, 1) == WSM_ERR_INVALID);
    FUZZ_EXPECT(wsm_json_string((wsm_slice){"x\"", 2}, back, 1) == WSM_ERR_INVALID);
    FUZZ_EXPECT(wsm_json_string((wsm_slice){"\"x", 2}, back, 1) == WSM_ERR_INVALID);
    FUZZ_EXPECT(wsm_json_string((wsm_slice){"\"\"", 2}, NULL, 1) == WSM_ERR_INVALID);
    FUZZ_EXPECT(wsm_json_string((wsm_slice){"\"\"", 2}, back, 0) == WSM_ERR_TOO_LARGE);
    free(quoted);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const wsm__scan_limits limits[] = {{32, 4096, 128}, {3, 10, 5}, {64, 100000, 1000}, {1, 3, 1}};
    fuzz_in in = {data, size};
    const wsm__scan_limits *mine = &limits[fuzz_below(&in, 4)];
    ref_json_limits same = {mine->depth_max, mine->values_max, mine->key_bytes_max};
    size_t len = in.left;
    char *copy = fuzz_copy(in.at, len);
    wsm_slice text = {copy, len};

    ref_json_verdict verdict;
    ref_json *json = ref_json_parse(copy, len, &same, &verdict);
    wsm__json_value value, value2;
    wsm__scan_error error, error2;
    int err = wsm__json_check(text, mine, &value, &error);
    FUZZ_EXPECT(portable_check(text, mine, &value2, &error2) == err);
    FUZZ_EXPECT(same_error(&error, &error2));
    if (!verdict.borderline) {
        if ((err == 0) != verdict.good) fuzz_show(err ? error.why : "accepted", copy, len);
        FUZZ_EXPECT((err == 0) == verdict.good);
        check_members(text, mine, json);
    }
    if (err) FUZZ_EXPECT(error.at <= len && error.why && (err == WSM_ERR_BAD_JSON || err == WSM_ERR_TOO_LARGE));
    if (err == 0 && json) {
        FUZZ_EXPECT(same_slice(value.raw, json->raw) && (int)value.kind == (int)json->kind);
        FUZZ_EXPECT(same_slice(value2.raw, json->raw));
        check_tree(json);
    }
    check_public(text);
    check_quote(text);
    ref_json_free(json);
    free(copy);
    return 0;
}
