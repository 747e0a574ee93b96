/* What a hub says against the table of messages.def: only known fields, each of its kind, none missing. */
#ifndef WSM_TESTS_MESSAGE_CHECK_H
#define WSM_TESTS_MESSAGE_CHECK_H

#include <stdio.h>

#include "proto/field.h"
#include "proto/scan.h"

#define CHECK_MEMBERS_MAX 64

static inline const wsm__field_row *check_row(const wsm__field_row *rows, size_t count, wsm_slice key) {
    for (size_t i = 0; i < count; i++)
        if ((rows[i].need & WSM__MAY_DOWN) && wsm__json_key_is(key, rows[i].name)) return &rows[i];
    return NULL;
}

static inline bool check_value(const wsm__field_row *row, wsm__json_value value);

static inline bool check_object(const wsm__field_row *row, wsm__json_value value) {
    const wsm__shape *shape = row->shape;
    wsm__json_member member;
    uint32_t seen = 0;
    if (value.kind == WSM__JSON_STRING) return row->text_max > 0;
    if (value.kind != WSM__JSON_OBJECT) return false;
    if (shape == NULL) return true;
    for (size_t at = 0; wsm__json_next_member(value.raw, &at, &member);) {
        const wsm__field_row *known = check_row(shape->members, shape->count, member.key);
        if (known == NULL || !check_value(known, member.value)) return false;
        seen |= UINT32_C(1) << (known - shape->members);
    }
    for (size_t i = 0; i < shape->count; i++)
        if ((shape->members[i].need & WSM__NEED_DOWN) && !(seen >> i & 1)) return false;
    return true;
}

static inline bool check_value(const wsm__field_row *row, wsm__json_value value) {
    wsm__field_row spoken = *row;
    wsm__json_value item;
    spoken.hub_words = NULL; /* these are what only the hub says */
    if (value.kind == WSM__JSON_NULL) return row->need & WSM__NULLABLE;
    if (row->kind == WSM__KIND_OBJECT) return check_object(row, value);
    if (row->kind != WSM__KIND_OBJECTS) return wsm__field_fits(&spoken, value);
    if (value.kind != WSM__JSON_ARRAY) return false;
    for (size_t at = 0; wsm__json_next_element(value.raw, &at, &item);)
        if (!check_object(row, item)) return false;
    return true;
}

/* 0, or 1 with what is wrong in `why`. `origin_time` is a client's timestamp, kept beside the hub's. */
static inline int check_line(wsm_slice line, char *why, size_t cap) {
    static const wsm__scan_limits limits = {.depth_max = 32, .values_max = 65536, .key_bytes_max = 256};
    wsm__json_member members[CHECK_MEMBERS_MAX];
    size_t count, envelope_count;
    const wsm__field_row *envelope = wsm__envelope_rows(&envelope_count);
    const wsm__msg_row *type = NULL;
    uint64_t seen = 0, seen_envelope = 0;
    snprintf(why, cap, "no strict JSON");
    if (wsm__json_members(line, &limits, members, CHECK_MEMBERS_MAX, &count, NULL)) return 1;
    for (size_t i = 0; i < count; i++) {
        wsm_slice text;
        if (!wsm__json_key_is(members[i].key, "type") || members[i].value.kind != WSM__JSON_STRING) continue;
        if (wsm__json_string_is_plain(members[i].value.raw, &text)) type = wsm__msg_row_of(wsm__msg_type_of(text));
    }
    snprintf(why, cap, "a type that the hub does not send");
    if (type == NULL || !(type->flow & WSM__FLOW_DOWN)) return 1;
    for (size_t i = 0; i < count; i++) {
        const wsm__field_row *own = check_row(type->fields, type->fields_count, members[i].key);
        const wsm__field_row *row = own != NULL ? own : check_row(envelope, envelope_count, members[i].key);
        snprintf(why, cap, "%s.%.*s is wrong or unknown", type->name, (int)members[i].key.len, members[i].key.ptr);
        if (row == NULL && wsm__json_key_is(members[i].key, "origin_time")) row = &envelope[WSM__ENV_TIMESTAMP];
        if (row == NULL || !check_value(row, members[i].value)) return 1;
        if (own != NULL)
            seen |= UINT64_C(1) << (own - type->fields);
        else
            seen_envelope |= UINT64_C(1) << (row - envelope);
    }
    for (size_t i = 0; i < type->fields_count; i++) {
        snprintf(why, cap, "%s.%s is missing", type->name, type->fields[i].name);
        if ((type->fields[i].need & WSM__NEED_DOWN) && !(seen >> i & 1)) return 1;
    }
    for (size_t i = 0; i < envelope_count; i++) {
        snprintf(why, cap, "%s.%s is missing", type->name, envelope[i].name);
        if ((envelope[i].need & WSM__NEED_DOWN) && !(seen_envelope >> i & 1)) return 1;
    }
    return 0;
}

#endif
