/* Checking values by their kind, and saying what was expected. */
#include "proto/field.h"

#include "limits.h"
#include "util/clock.h"
#include "util/uuid.h"

#define EPOCH_LEN 16

bool wsm__words_have(const char *words, wsm_slice word) {
    while (words != NULL) {
        const char *bar = strchr(words, '|');
        size_t len = bar != NULL ? (size_t)(bar - words) : strlen(words);
        if (len == word.len && memcmp(words, word.ptr, len) == 0) return true;
        words = bar != NULL ? bar + 1 : NULL;
    }
    return false;
}

static bool is_name(wsm_slice text, bool is_agent) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '_' || c == '-' || (!is_agent && (c == ':' || c == '/'));
        if (!good) return false;
    }
    return true;
}

static bool is_epoch(wsm_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return text.len == EPOCH_LEN;
}

static bool text_fits(const wsm__field_row *row, wsm__json_value value) {
    if (value.kind != WSM__JSON_STRING) return false;
    size_t len = wsm__json_string_len(value.raw);
    return len >= row->low && len <= row->high;
}

/* The kinds whose strings have an alphabet or a form. */
static bool word_fits(const wsm__field_row *row, wsm__field_kind kind, wsm__json_value value) {
    wsm_slice text;
    if (value.kind != WSM__JSON_STRING || !wsm__json_string_is_plain(value.raw, &text)) return false;
    unsigned char id[16];
    int64_t ms;
    switch (kind) {
    case WSM__KIND_UUID: return wsm__uuid_parse(text.ptr, text.len, id);
    case WSM__KIND_TIME: return wsm__time_parse(text.ptr, text.len, &ms);
    case WSM__KIND_EPOCH: return is_epoch(text);
    case WSM__KIND_ENUM: return wsm__words_have(row->words, text) && !wsm__words_have(row->hub_words, text);
    default: return text.len >= row->low && text.len <= row->high && is_name(text, kind == WSM__KIND_AGENT);
    }
}

static bool number_fits(const wsm__field_row *row, wsm__json_value value) {
    uint64_t number;
    return wsm__json_u64(value, row->high, &number) && number >= row->low;
}

static bool item_fits(const wsm__field_row *row, wsm__json_value item) {
    switch (row->kind) {
    case WSM__KIND_TEXTS: return text_fits(row, item);
    case WSM__KIND_NAMES: return word_fits(row, WSM__KIND_NAME, item);
    case WSM__KIND_AGENTS: return word_fits(row, WSM__KIND_AGENT, item);
    default: return number_fits(row, item);
    }
}

static bool items_fit(const wsm__field_row *row, wsm__json_value value) {
    if (value.kind == WSM__JSON_STRING && row->words != NULL) return word_fits(row, WSM__KIND_ENUM, value);
    if (value.kind != WSM__JSON_ARRAY) return false;
    wsm__json_value item;
    size_t count = 0;
    for (size_t at = 0; wsm__json_next_element(value.raw, &at, &item); count++)
        if (count == row->items_max || !item_fits(row, item)) return false;
    return count >= row->items_min;
}

static int member_idx(const wsm__shape *shape, wsm_slice key) {
    for (size_t i = 0; i < shape->count; i++)
        if (wsm__json_key_is(key, shape->members[i].name)) return (int)i;
    return -1;
}

/* A member that is null is as good as absent. */
static const wsm__field_row *object_fault(const wsm__field_row *row, wsm__json_value value) {
    const wsm__shape *shape = row->shape;
    wsm__json_member member;
    uint32_t seen = 0;
    for (size_t at = 0; wsm__json_next_member(value.raw, &at, &member);) {
        int i = member_idx(shape, member.key);
        if (i < 0) return row;
        if (member.value.kind == WSM__JSON_NULL) continue;
        const wsm__field_row *fault = wsm__field_fault(&shape->members[i], member.value);
        if (fault != NULL) return fault;
        seen |= UINT32_C(1) << i;
    }
    for (size_t i = 0; i < shape->count; i++)
        if ((shape->members[i].need & WSM__NEED_UP) && !(seen >> i & 1)) return &shape->members[i];
    return shape->is_one && (seen == 0 || (seen & (seen - 1)) != 0) ? row : NULL;
}

static bool text_instead_fits(const wsm__field_row *row, wsm__json_value value) {
    size_t len = value.kind == WSM__JSON_STRING && row->text_max > 0 ? wsm__json_string_len(value.raw) : 0;
    return len > 0 && len <= row->text_max;
}

bool wsm__field_fits(const wsm__field_row *row, wsm__json_value value) {
    return wsm__field_fault(row, value) == NULL;
}

const wsm__field_row *wsm__field_fault(const wsm__field_row *row, wsm__json_value value) {
    bool good;
    switch (row->kind) {
    case WSM__KIND_TEXT: good = text_fits(row, value); break;
    case WSM__KIND_NUMBER: good = number_fits(row, value); break;
    case WSM__KIND_BOOL: good = value.kind == WSM__JSON_TRUE || value.kind == WSM__JSON_FALSE; break;
    case WSM__KIND_TEXTS:
    case WSM__KIND_NAMES:
    case WSM__KIND_AGENTS:
    case WSM__KIND_NUMBERS: good = items_fit(row, value); break;
    case WSM__KIND_OBJECT:
        if (value.kind == WSM__JSON_OBJECT && row->shape != NULL) return object_fault(row, value);
        good = value.kind == WSM__JSON_OBJECT || text_instead_fits(row, value);
        break;
    case WSM__KIND_OBJECTS: good = false; break; /* no client sends these */
    case WSM__KIND_OPAQUE: good = true; break;
    default: good = word_fits(row, row->kind, value); break;
    }
    return good ? NULL : row;
}

static void add_range(wsm__phrase *phrase, const wsm__field_row *row, const char *unit) {
    if (row->low > 0) {
        wsm__phrase_add_u64(phrase, row->low);
        wsm__phrase_add(phrase, " to ");
    } else {
        wsm__phrase_add(phrase, "at most ");
    }
    wsm__phrase_add_u64(phrase, row->high);
    wsm__phrase_add(phrase, unit);
}

static void add_count(wsm__phrase *phrase, const wsm__field_row *row) {
    wsm__phrase_add(phrase, "expected an array of ");
    if (row->items_min > 0) {
        wsm__phrase_add_u64(phrase, row->items_min);
        wsm__phrase_add(phrase, " to ");
    } else {
        wsm__phrase_add(phrase, "at most ");
    }
    wsm__phrase_add_u64(phrase, row->items_max);
}

static void add_items(wsm__phrase *phrase, const wsm__field_row *row, const char *what, const char *unit) {
    add_count(phrase, row);
    wsm__phrase_add(phrase, what);
    add_range(phrase, row, unit);
    if (row->words == NULL) return;
    wsm__phrase_add(phrase, ", or one of ");
    wsm__phrase_add_words(phrase, row->words);
}

static void add_members(wsm__phrase *phrase, const wsm__field_row *row, const char *what) {
    const wsm__shape *shape = row->shape;
    wsm__phrase_add(phrase, what);
    if (shape != NULL) wsm__phrase_add(phrase, shape->is_one ? " with exactly one of " : " with no members but ");
    for (size_t i = 0; shape != NULL && i < shape->count; i++) {
        if (i > 0) wsm__phrase_add(phrase, ", ");
        wsm__phrase_add(phrase, shape->members[i].name);
    }
    if (row->text_max == 0) return;
    wsm__phrase_add(phrase, ", or a string of 1 to ");
    wsm__phrase_add_u64(phrase, row->text_max);
    wsm__phrase_add(phrase, " bytes");
}

static void add_enum(wsm__phrase *phrase, const wsm__field_row *row) {
    wsm__phrase_add(phrase, "expected one of ");
    wsm__phrase_add_words(phrase, row->words);
    if (row->hub_words == NULL) return;
    wsm__phrase_add(phrase, "; only the hub says ");
    wsm__phrase_add_words(phrase, row->hub_words);
}

void wsm__field_expected(const wsm__field_row *row, wsm__phrase *phrase) {
    static const char name_unit[] = " plain characters of A-Z, a-z, 0-9 and ._:/-";
    static const char agent_unit[] = " plain characters of A-Z, a-z, 0-9 and ._-";
    switch (row->kind) {
    case WSM__KIND_TEXT: wsm__phrase_add(phrase, "expected a string of "), add_range(phrase, row, " bytes"); break;
    case WSM__KIND_NAME: wsm__phrase_add(phrase, "expected "), add_range(phrase, row, name_unit); break;
    case WSM__KIND_AGENT: wsm__phrase_add(phrase, "expected "), add_range(phrase, row, agent_unit); break;
    case WSM__KIND_UUID: wsm__phrase_add(phrase, "expected a UUID in plain characters"); break;
    case WSM__KIND_TIME: wsm__phrase_add(phrase, "expected an RFC 3339 time in plain characters"); break;
    case WSM__KIND_EPOCH: wsm__phrase_add(phrase, "expected 16 lower-case hex digits"); break;
    case WSM__KIND_NUMBER: wsm__phrase_add(phrase, "expected a whole number of "), add_range(phrase, row, ""); break;
    case WSM__KIND_BOOL: wsm__phrase_add(phrase, "expected true or false"); break;
    case WSM__KIND_ENUM: add_enum(phrase, row); break;
    case WSM__KIND_TEXTS: add_items(phrase, row, " strings of ", " bytes"); break;
    case WSM__KIND_NAMES: add_items(phrase, row, " names of ", name_unit); break;
    case WSM__KIND_AGENTS: add_items(phrase, row, " agent ids of ", agent_unit); break;
    case WSM__KIND_NUMBERS: add_items(phrase, row, " whole numbers of ", ""); break;
    case WSM__KIND_OBJECT: add_members(phrase, row, "expected an object"); break;
    case WSM__KIND_OBJECTS: add_count(phrase, row), add_members(phrase, row, " objects"); break;
    case WSM__KIND_OPAQUE: wsm__phrase_add(phrase, "expected a value"); break;
    }
}
