/* The decoder: every type of the table, with every field right, missing, of every wrong kind, and surplus. The messages
 * are made from the table, so a new row is tested by being there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "proto/decode.h"
#include "proto/field.h"
#include "wsm/error.h"

#define VALUE_MAX 40000 /* 256 agent ids of 64 bytes, and 16 names of 128 bytes, fit */
#define WRONG_MAX 24
#define ID        "0190e0a0-7b1c-7def-8123-456789abcdef"

static const wsm__scan_limits usual = {.depth_max = 32, .values_max = 4096, .key_bytes_max = 128};

static wsm__message message;
static wsm__decode_error error;

static int decode(const char *text) {
    int err = wsm__decode(wsm__slice_str(text), &usual, &message, &error);
    assert_int_equal(err, error.err);
    if (err != 0) {
        assert_true(strlen(error.message) > 0 && strlen(error.message) < sizeof error.message - 1);
        for (const char *c = error.message; *c != '\0'; c++) assert_true(*c >= 0x20 && *c < 0x7F);
    }
    return err;
}

static void assert_error(const char *text, int err, const char *field) {
    if (decode(text) != err) fail_msg("%s: got %d, %s", text, error.err, error.message);
    if (field == NULL) {
        assert_null(error.field);
        return;
    }
    if (error.field == NULL || strcmp(error.field, field) != 0) fail_msg("%s: blames %s", text, error.field);
    assert_memory_equal(error.message, field, strlen(field));
}

/* ---- samples by kind ----------------------------------------------------------------------------------------------
 */

static void print(char *out, size_t cap, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out, cap, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < cap);
}

/* A JSON string of `len` times the letter. */
static void put_run(char *out, char letter, size_t len) {
    out[0] = '"';
    memset(out + 1, letter, len);
    memcpy(out + 1 + len, "\"", 2);
}

/* An array of `count` times `item`. */
static void put_array(char *out, const char *item, size_t count) {
    size_t at = (size_t)sprintf(out, "[");
    for (size_t i = 0; i < count; i++) at += (size_t)sprintf(out + at, "%s%s", i > 0 ? "," : "", item);
    memcpy(out + at, "]", 2);
}

static void put_right(char *out, const wsm__field_row *row);

/* An object with all members of the shape, or, where just one may be there, with the first. */
static void put_object(char *out, const wsm__shape *shape) {
    static char value[VALUE_MAX];
    size_t at = (size_t)sprintf(out, "{");
    for (size_t i = 0; shape != NULL && i < (shape->is_one ? 1 : shape->count); i++) {
        put_right(value, &shape->members[i]);
        at += (size_t)sprintf(out + at, "%s\"%s\":%s", i > 0 ? "," : "", shape->members[i].name, value);
    }
    memcpy(out + at, "}", 2);
}

/* A value that the row allows, as large as may be. */
static void put_right(char *out, const wsm__field_row *row) {
    char item[20000];
    switch (row->kind) {
    case WSM__KIND_TEXT:
    case WSM__KIND_NAME:
    case WSM__KIND_AGENT: put_run(out, 'a', (size_t)row->high); break;
    case WSM__KIND_UUID: strcpy(out, "\"" ID "\""); break;
    case WSM__KIND_TIME: strcpy(out, "\"2026-01-02T03:04:05Z\""); break;
    case WSM__KIND_EPOCH: strcpy(out, "\"0123456789abcdef\""); break;
    case WSM__KIND_NUMBER: strcpy(out, "9007199254740991"); break;
    case WSM__KIND_BOOL: strcpy(out, "false"); break;
    case WSM__KIND_ENUM: sprintf(out, "\"%.*s\"", (int)strcspn(row->words, "|"), row->words); break;
    case WSM__KIND_TEXTS:
    case WSM__KIND_NAMES:
    case WSM__KIND_AGENTS:
        put_run(item, 'b', (size_t)row->high);
        put_array(out, item, row->items_max);
        break;
    case WSM__KIND_NUMBERS: put_array(out, "9007199254740991", row->items_max); break;
    case WSM__KIND_OBJECT: put_object(out, row->shape); break;
    case WSM__KIND_OBJECTS: strcpy(out, "[]"); break;
    case WSM__KIND_OPAQUE: strcpy(out, "{\"a\":1,\"a\":2}"); break;
    }
}

/* Values that the row refuses: every kind of JSON that it is not, and its own kind gone wrong. Returns how many. */
static size_t put_wrong(char out[WRONG_MAX][VALUE_MAX], const wsm__field_row *row) {
    static const char *const common[] = {"1.5", "-1", "[null]", "{\"a\":{}}"};
    char item[20000];
    size_t n = 0;
    if (row->kind == WSM__KIND_OPAQUE) return 0;
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) strcpy(out[n++], common[i]);
    if (row->kind != WSM__KIND_NUMBERS) strcpy(out[n++], "[1]");
    if (row->kind != WSM__KIND_TEXT && row->text_max == 0) strcpy(out[n++], "\"\\u0001 \\n\"");
    if (row->kind != WSM__KIND_BOOL) strcpy(out[n++], "true");
    if (row->kind != WSM__KIND_NUMBER) strcpy(out[n++], "1");
    if (row->kind != WSM__KIND_OBJECT || row->shape->is_one) strcpy(out[n++], "{}");
    if (row->kind != WSM__KIND_TEXT || row->low > 0) strcpy(out[n++], "\"\"");
    switch (row->kind) {
    case WSM__KIND_TEXT:
    case WSM__KIND_NAME:
    case WSM__KIND_AGENT: put_run(out[n++], 'a', (size_t)row->high + 1); break;
    case WSM__KIND_NUMBER:
        strcpy(out[n++], "9007199254740992");
        strcpy(out[n++], "1e3");
        strcpy(out[n++], "\"1\"");
        break;
    case WSM__KIND_ENUM:
        strcpy(out[n++], "\"ACTIVE\"");
        sprintf(out[n++], "\"%s\"", row->words);
        sprintf(out[n++], "\"%.*s\"", (int)strcspn(row->words, "|") - 1, row->words);
        sprintf(out[n++], "\"\\u%04x%.*s\"", (unsigned)row->words[0], (int)strcspn(row->words, "|") - 1,
                row->words + 1);
        break;
    case WSM__KIND_TEXTS:
    case WSM__KIND_NAMES:
    case WSM__KIND_AGENTS:
        put_array(out[n++], "\"a\"", row->items_max + 1);
        if (row->items_min > 0) put_array(out[n++], "\"a\"", row->items_min - 1);
        put_run(item, 'a', (size_t)row->high + 1);
        put_array(out[n++], item, 1);
        strcpy(out[n++], "[\"\"]");
        strcpy(out[n++], "[\"a\",1]");
        break;
    case WSM__KIND_NUMBERS:
        put_array(out[n++], "1", row->items_max + 1);
        strcpy(out[n++], "[1,\"1\"]");
        strcpy(out[n++], "[9007199254740992]");
        if (row->words != NULL) sprintf(out[n++], "[\"%.*s\"]", (int)strcspn(row->words, "|"), row->words);
        break;
    case WSM__KIND_OBJECT:
        strcpy(out[n++], "{\"no such\":\"a\"}");
        if (row->text_max > 0) put_run(out[n++], 'a', row->text_max + 1);
        break;
    default: break;
    }
    if (row->kind == WSM__KIND_NAME || row->kind == WSM__KIND_AGENT) {
        strcpy(out[n++], "\"a b\"");
        strcpy(out[n++], "\"\xC3\xA9\"");
        strcpy(out[n++], row->kind == WSM__KIND_AGENT ? "\"a:b\"" : "\"\\u0061\"");
    }
    assert_true(n <= WRONG_MAX);
    return n;
}

/* A message of a type with all that a client must say, but for `skip`, and then `extra`. */
static void put_message(char *out, const wsm__msg_row *type, const wsm__field_row *skip, const char *extra) {
    static char value[VALUE_MAX];
    size_t at = (size_t)sprintf(out, "{\"type\":\"%s\",\"message_id\":\"%s\"", type->name, ID);
    for (size_t i = 0; i < type->fields_count; i++) {
        const wsm__field_row *row = &type->fields[i];
        if (!(row->need & WSM__NEED_UP) || row == skip) continue;
        put_right(value, row);
        at += (size_t)sprintf(out + at, ",\"%s\":%s", row->name, value);
    }
    sprintf(out + at, "%s%s}", *extra != '\0' ? "," : "", extra);
}

static char text[4 * VALUE_MAX];
static char extra[VALUE_MAX + 64];
static char wrong[WRONG_MAX][VALUE_MAX];

/* Calls `fn` for each field of each type that a client may send. */
static void for_each_field(void (*fn)(const wsm__msg_row *type, size_t idx)) {
    size_t calls = 0;
    for (int t = WSM__MSG_NONE + 1; t < WSM__MSG_COUNT; t++) {
        const wsm__msg_row *type = wsm__msg_row_of((wsm__msg_type)t);
        if (!(type->flow & WSM__FLOW_UP)) continue;
        for (size_t i = 0; i < type->fields_count; i++, calls++)
            if (type->fields[i].need & WSM__MAY_UP) fn(type, i);
    }
    assert_true(calls > 20);
}

/* ---- every type, every field --------------------------------------------------------------------------------------
 */

static void test_every_type_of_a_client_decodes(void **state) {
    (void)state;
    for (int t = WSM__MSG_NONE + 1; t < WSM__MSG_COUNT; t++) {
        const wsm__msg_row *type = wsm__msg_row_of((wsm__msg_type)t);
        put_message(text, type, NULL, "");
        if (!(type->flow & WSM__FLOW_UP)) {
            assert_error(text, WSM_ERR_BAD_MESSAGE, "type");
            continue;
        }
        assert_int_equal(decode(text), 0);
        assert_int_equal(message.type, t);
        assert_true(message.has_id);
        assert_true(wsm__slice_is(message.message_id, ID));
        assert_true(wsm__slice_is(message.context_id, "main"));
        assert_false(message.has_priority);
        assert_int_equal(message.priority, WSM_PRIORITY_NORMAL);
        assert_null(message.sender_agent_id.ptr);
        assert_null(message.origin_time.ptr);
        assert_null(message.cause.ptr);
    }
}

static void expect_right_value_kept(const wsm__msg_row *type, size_t idx) {
    const wsm__field_row *row = &type->fields[idx];
    static char value[VALUE_MAX];
    put_right(value, row);
    print(extra, sizeof extra, "\"%s\":%s", row->name, value);
    put_message(text, type, row, extra);
    if (decode(text) != 0) fail_msg("%s.%s: %s", type->name, row->name, error.message);
    assert_true(wsm__slice_is(message.fields[idx].raw, value));
    assert_true(wsm__slice_is(wsm__message_field(&message, row->name).raw, value));
}

static void test_a_right_value_is_kept_as_written(void **state) {
    (void)state;
    for_each_field(expect_right_value_kept);
}

static void expect_wrong_values_refused(const wsm__msg_row *type, size_t idx) {
    const wsm__field_row *row = &type->fields[idx];
    size_t count = put_wrong(wrong, row);
    for (size_t i = 0; i < count; i++) {
        print(extra, sizeof extra, "\"%s\":%s", row->name, wrong[i]);
        put_message(text, type, row, extra);
        assert_error(text, WSM_ERR_BAD_MESSAGE, row->name);
        assert_non_null(strstr(error.message, "expected"));
        assert_true(error.has_id);
        assert_memory_equal(error.message_id, ID, 36);
    }
}

static void test_a_wrong_value_is_refused_and_the_field_named(void **state) {
    (void)state;
    for_each_field(expect_wrong_values_refused);
}

static void expect_absence_judged(const wsm__msg_row *type, size_t idx) {
    const wsm__field_row *row = &type->fields[idx];
    for (int with_null = 0; with_null < 2; with_null++) {
        if (with_null && (row->need & WSM__NULL_SAYS)) continue;
        print(extra, sizeof extra, with_null ? "\"%s\":null" : "\"x\":\"%s\"", row->name);
        put_message(text, type, row, extra);
        if (row->need & WSM__NEED_UP) {
            assert_error(text, WSM_ERR_BAD_MESSAGE, row->name);
            assert_non_null(strstr(error.message, "required"));
        } else {
            assert_int_equal(decode(text), 0);
            assert_int_equal(message.fields[idx].kind, 0);
        }
    }
}

static void test_absent_and_null_are_the_same(void **state) {
    (void)state;
    for_each_field(expect_absence_judged);
}

static void test_unknown_fields_and_those_of_the_hub_alone_are_dropped(void **state) {
    (void)state;
    assert_int_equal(
        decode("{\"type\":\"agent_presence\",\"status\":\"idle\",\"agent_id\":7,\"current_load\":[],\"\":{\"a\":1}}"),
        0);
    for (size_t i = 1; i < WSM__FIELDS_MAX; i++) assert_int_equal(message.fields[i].kind, 0);
}

/* ---- the envelope -------------------------------------------------------------------------------------------------
 */

static void test_the_envelope_is_read(void **state) {
    (void)state;
    assert_int_equal(
        decode("{\"exchange\":[1],\"cause\":\"" ID "\",\"priority\":\"critical\",\"context_id\":\"side:1/a\","
               "\"sender_agent_id\":\"ada\",\"timestamp\":\"2026-01-02T03:04:05+02:00\",\"message_id\":\"" ID
               "\",\"type\":\"memory_update\"}"),
        0);
    assert_int_equal(message.type, WSM__MSG_MEMORY_UPDATE);
    assert_true(wsm__slice_is(message.cause, ID));
    assert_true(message.has_priority);
    assert_int_equal(message.priority, WSM_PRIORITY_CRITICAL);
    assert_true(wsm__slice_is(message.context_id, "side:1/a"));
    assert_true(wsm__slice_is(message.sender_agent_id, "ada"));
    assert_true(wsm__slice_is(message.origin_time, "\"2026-01-02T03:04:05+02:00\""));
    assert_int_equal(message.id[0], 0x01);
    assert_int_equal(message.id[15], 0xEF);
}

static void test_every_field_of_the_envelope_is_checked(void **state) {
    size_t rows;
    const wsm__field_row *envelope = wsm__envelope_rows(&rows);
    (void)state;
    for (size_t i = WSM__ENV_MESSAGE_ID; i < rows; i++) {
        static char value[VALUE_MAX];
        put_right(value, &envelope[i]);
        print(text, sizeof text, "{\"type\":\"agent_list\",\"%s\":%s}", envelope[i].name, value);
        if (!(envelope[i].need & WSM__MAY_UP)) {
            assert_error(text, WSM_ERR_BAD_MESSAGE, envelope[i].name);
            assert_non_null(strstr(error.message, "only the hub"));
            continue;
        }
        assert_int_equal(decode(text), 0);
        size_t count = put_wrong(wrong, &envelope[i]);
        for (size_t j = 0; j < count; j++) {
            print(text, sizeof text, "{\"type\":\"agent_list\",\"%s\":%s}", envelope[i].name, wrong[j]);
            assert_error(text, WSM_ERR_BAD_MESSAGE, envelope[i].name);
            assert_false(error.has_id);
        }
        print(text, sizeof text, "{\"type\":\"agent_list\",\"%s\":null}", envelope[i].name);
        assert_int_equal(decode(text), 0);
    }
}

static void test_the_priority_urgent_is_for_mentions_only(void **state) {
    (void)state;
    assert_error("{\"type\":\"memory_update\",\"exchange\":1,\"priority\":\"urgent\"}", WSM_ERR_BAD_MESSAGE,
                 "priority");
    assert_string_equal(error.message, "priority: expected one of critical, high, normal, low, background");
}

static void test_only_the_hub_says_offline(void **state) {
    (void)state;
    assert_error("{\"type\":\"agent_presence\",\"status\":\"offline\"}", WSM_ERR_BAD_MESSAGE, "status");
    assert_non_null(strstr(error.message, "only the hub says offline"));
    assert_int_equal(decode("{\"type\":\"agent_presence\",\"status\":\"working\",\"availability\":\"offline\"}"), 0);
}

/* ---- other names, the sender, null ------------------------------------------------------------------------------- */

#define SPAWN "\"participants\":[\"bob\"],"

static void test_the_names_of_the_design_are_understood(void **state) {
    (void)state;
    assert_int_equal(decode("{\"type\":\"spawn_sidebar\"," SPAWN "\"task\":\"x\",\"inherit_context\":true,"
                            "\"sidebar_id\":\"my own\"}"),
                     0);
    assert_int_equal(message.type, WSM__MSG_SIDEBAR_SPAWN);
    assert_true(wsm__slice_is(wsm__message_field(&message, "task_description").raw, "\"x\""));
    assert_true(wsm__slice_is(wsm__message_field(&message, "inherit").raw, "{\"mode\":\"all\"}"));
    assert_int_equal(wsm__message_field(&message, "inherit").kind, WSM__JSON_OBJECT);
    assert_true(wsm__slice_is(wsm__message_field(&message, "client_ref").raw, "\"my own\""));
    assert_int_equal(decode("{\"type\":\"sidebar_spawn\"," SPAWN "\"task\":\"x\",\"inherit\\u005fcontext\":false}"), 0);
    assert_true(wsm__slice_is(wsm__message_field(&message, "inherit").raw, "{\"mode\":\"none\"}"));
    assert_int_equal(decode("{\"type\":\"sidebar_spawn\"," SPAWN "\"task\":\"x\",\"inherit_context\":null}"), 0);
    assert_int_equal(wsm__message_field(&message, "inherit").kind, 0);
}

static void test_another_name_is_checked_like_the_first(void **state) {
    (void)state;
    assert_error("{\"type\":\"spawn_sidebar\"," SPAWN "\"task\":1}", WSM_ERR_BAD_MESSAGE, "task_description");
    assert_error("{\"type\":\"spawn_sidebar\"," SPAWN "\"task\":null}", WSM_ERR_BAD_MESSAGE, "task_description");
    assert_error("{\"type\":\"spawn_sidebar\"," SPAWN "\"task\":\"x\",\"sidebar_id\":7}", WSM_ERR_BAD_MESSAGE,
                 "client_ref");
    assert_error("{\"type\":\"spawn_sidebar\"," SPAWN "\"task\":\"x\",\"inherit_context\":\"all\"}",
                 WSM_ERR_BAD_MESSAGE, "inherit_context");
    assert_error("{\"type\":\"spawn_sidebar\"," SPAWN "\"task\":\"x\",\"task_description\":\"x\"}", WSM_ERR_BAD_MESSAGE,
                 "task_description");
    assert_error("{\"type\":\"spawn_sidebar\"," SPAWN "\"task_description\":\"x\",\"task\":\"x\"}", WSM_ERR_BAD_MESSAGE,
                 "task_description");
}

static void test_a_client_names_nobody_else_as_the_sender(void **state) {
    (void)state;
    assert_int_equal(decode("{\"type\":\"sidebar_spawn\"," SPAWN "\"task\":\"x\",\"requested_by\":\"ada\"}"), 0);
    assert_null(wsm__message_impostor(&message, wsm__slice_str("ada")));
    assert_string_equal(wsm__message_impostor(&message, wsm__slice_str("ad")), "requested_by");
    assert_string_equal(wsm__message_impostor(&message, wsm__slice_str("bob")), "requested_by");
    assert_int_equal(decode("{\"type\":\"sidebar_spawn\"," SPAWN "\"task\":\"x\",\"sender_agent_id\":\"ada\"}"), 0);
    assert_null(wsm__message_impostor(&message, wsm__slice_str("ada")));
    assert_string_equal(wsm__message_impostor(&message, wsm__slice_str("bob")), "sender_agent_id");
    assert_int_equal(decode("{\"type\":\"agent_list\"}"), 0);
    assert_null(wsm__message_impostor(&message, wsm__slice_str("bob")));
}

static void test_null_removes_a_data_reference(void **state) {
    (void)state;
    assert_int_equal(decode("{\"type\":\"data_ref\",\"name\":\"a\",\"value\":null}"), 0);
    assert_int_equal(wsm__message_field(&message, "value").kind, WSM__JSON_NULL);
    assert_error("{\"type\":\"data_ref\",\"name\":\"a\"}", WSM_ERR_BAD_MESSAGE, "value");
}

static void test_a_mention_has_a_priority_of_its_own(void **state) {
    (void)state;
    assert_int_equal(
        decode("{\"type\":\"mention_route\",\"target_agents\":[\"bob\"],\"message\":\"x\",\"priority\":\"urgent\"}"),
        0);
    assert_true(message.has_priority);
    assert_int_equal(message.priority, WSM_PRIORITY_URGENT);
    assert_error("{\"type\":\"mention_route\",\"target_agents\":[\"bob\"],\"message\":\"x\",\"priority\":\"high\"}",
                 WSM_ERR_BAD_MESSAGE, "priority");
    assert_int_equal(
        decode("{\"type\":\"mention_route\",\"target_agents\":[\"bob\"],\"message\":\"x\",\"priority\":null}"), 0);
    assert_false(message.has_priority);
    assert_int_equal(message.priority, WSM_PRIORITY_NORMAL);
}

static void test_an_error_names_the_member_at_fault(void **state) {
    (void)state;
    assert_error("{\"type\":\"spawn_sidebar\"," SPAWN "\"task\":\"x\",\"inherit\":{\"mode\":\"some\"}}",
                 WSM_ERR_BAD_MESSAGE, "inherit");
    assert_string_equal(error.message, "inherit: mode: expected one of all, last_n, refs, none");
    assert_error("{\"type\":\"spawn_sidebar\"," SPAWN "\"task\":\"x\",\"inherit\":{\"n\":3}}", WSM_ERR_BAD_MESSAGE,
                 "inherit");
    assert_error("{\"type\":\"spawn_sidebar\"," SPAWN "\"task\":\"x\",\"inherit\":{\"mode\":\"all\",\"n\":-1}}",
                 WSM_ERR_BAD_MESSAGE, "inherit");
}

#define PAUSE "{\"type\":\"sidebar_pause\",\"sidebar_id\":\"s\",\"reason\":\"r\",\"resume_condition\":"

static void test_a_condition_is_one_thing_or_a_text(void **state) {
    (void)state;
    assert_int_equal(decode(PAUSE "\"when it rains\"}"), 0);
    assert_int_equal(decode(PAUSE "{\"sidebar\":\"t\"}}"), 0);
    assert_int_equal(decode(PAUSE "{\"sidebar\":null,\"time\":\"2026-01-02T03:04:05Z\"}}"), 0);
    assert_int_equal(decode(PAUSE "{\"mention\":\"bob\"}}"), 0);
    assert_int_equal(decode(PAUSE "{\"key\":\"k\"}}"), 0);
    assert_error(PAUSE "{\"key\":\"k\",\"mention\":\"bob\"}}", WSM_ERR_BAD_MESSAGE, "resume_condition");
    assert_error(PAUSE "{\"key\":null}}", WSM_ERR_BAD_MESSAGE, "resume_condition");
    assert_error(PAUSE "{\"key\":\"a\",\"key\":\"b\"}}", WSM_ERR_BAD_JSON, "resume_condition");
    assert_error(PAUSE "\"\"}", WSM_ERR_BAD_MESSAGE, "resume_condition");
}

static void test_a_message_without_id_is_no_request(void **state) {
    (void)state;
    assert_int_equal(decode("{\"type\":\"agent_list\"}"), 0);
    assert_false(message.has_id);
    assert_null(message.message_id.ptr);
}

static void test_the_type_must_be_known(void **state) {
    (void)state;
    assert_error("{\"exchange\":1}", WSM_ERR_BAD_MESSAGE, "type");
    assert_error("{\"type\":null}", WSM_ERR_BAD_MESSAGE, "type");
    assert_error("{\"type\":1}", WSM_ERR_BAD_MESSAGE, "type");
    assert_error("{\"type\":\"agent\\u005flist\"}", WSM_ERR_BAD_MESSAGE, "type");
    assert_error("{\"type\":\"\"}", WSM_ERR_UNKNOWN_TYPE, "type");
    assert_error("{\"type\":\"Agent_list\"}", WSM_ERR_UNKNOWN_TYPE, "type");
    assert_error("{\"type\":\"agent_lis\"}", WSM_ERR_UNKNOWN_TYPE, "type");
    assert_error("{\"type\":\"agent_lists\",\"message_id\":\"" ID "\"}", WSM_ERR_UNKNOWN_TYPE, "type");
    assert_true(error.has_id);
    assert_error("{\"Type\":\"agent_list\"}", WSM_ERR_BAD_MESSAGE, "type");
}

static void test_names_of_fields_compare_after_decoding(void **state) {
    (void)state;
    assert_int_equal(decode("{\"\\u0074ype\":\"memory_update\",\"e\\u0078change\":1}"), 0);
    assert_true(wsm__slice_is(wsm__message_field(&message, "exchange").raw, "1"));
    assert_error("{\"type\":\"agent_list\",\"\\u006fffset\":1}", WSM_ERR_BAD_MESSAGE, "offset");
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------
 */

static void test_json_must_be_strict(void **state) {
    (void)state;
    assert_error("", WSM_ERR_BAD_JSON, NULL);
    assert_error("[]", WSM_ERR_BAD_JSON, NULL);
    assert_error("{\"type\":\"agent_list\"", WSM_ERR_BAD_JSON, NULL);
    assert_string_equal(error.message, "not strict JSON: expected ',' or '}' at byte 20");
    assert_error("{\"type\":\"agent_list\",\"type\":\"agent_list\"}", WSM_ERR_BAD_JSON, NULL);
    assert_error("{\"type\":\"memory_update\",\"exchange\":1,\"x\":1e999}", WSM_ERR_BAD_JSON, NULL);
}

static void test_duplicate_keys_are_allowed_in_opaque_payloads_only(void **state) {
    (void)state;
    assert_int_equal(decode("{\"type\":\"memory_update\",\"exchange\":{\"a\":1,\"a\":[{\"b\":1,\"b\":2}]}}"), 0);
    assert_true(wsm__slice_is(wsm__message_field(&message, "exchange").raw, "{\"a\":1,\"a\":[{\"b\":1,\"b\":2}]}"));
    assert_error("{\"type\":\"agent_list\",\"filter\":{\"status\":\"idle\",\"status\":\"online\"}}", WSM_ERR_BAD_JSON,
                 "filter");
    assert_int_equal(
        decode("{\"type\":\"agent_list\",\"filter\":{\"status\":\"idle\",\"context\":null,\"specialty\":\"c\"}}"), 0);
}

static void test_depth_counts_the_envelope(void **state) {
    (void)state;
    for (size_t depth = 30; depth <= 33; depth++) {
        size_t at = (size_t)sprintf(text, "{\"type\":\"memory_update\",\"exchange\":");
        for (size_t i = 1; i < depth; i++) text[at++] = '[';
        for (size_t i = 1; i < depth; i++) text[at++] = ']';
        memcpy(text + at, "}", 2);
        assert_int_equal(decode(text), depth <= 32 ? 0 : WSM_ERR_BAD_JSON);
    }
}

static void test_sizes_are_bounded(void **state) {
    size_t at = (size_t)sprintf(text, "{\"type\":\"agent_list\"");
    (void)state;
    for (int i = 1; i < WSM__MEMBERS_MAX; i++) at += (size_t)sprintf(text + at, ",\"x%d\":%d", i, i);
    memcpy(text + at, "}", 2);
    assert_int_equal(decode(text), 0);
    memcpy(text + at, ",\"y\":1}", 8);
    assert_error(text, WSM_ERR_TOO_LARGE, NULL);
}

static void test_lengths_are_measured_after_decoding(void **state) {
    size_t at = (size_t)sprintf(text, "{\"type\":\"memory_update\",\"exchange\":1,\"topic\":\"");
    (void)state;
    for (int i = 0; i < 64; i++) at += (size_t)sprintf(text + at, "\\u00e9");
    memcpy(text + at, "\"}", 3);
    assert_int_equal(decode(text), 0); /* 64 characters of two bytes */
    memcpy(text + at, "x\"}", 4);
    assert_error(text, WSM_ERR_BAD_MESSAGE, "topic");
}

static void test_errors_never_echo(void **state) {
    static const char *const texts[] = {
        "{\"type\":\"SECRET\"}", "{\"type\":\"agent_list\",\"filter\":{\"SECRET\":\"SECRET\"}}",
        "{\"type\":\"agent_list\",\"priority\":\"SECRET\"}", "{\"type\":\"agent_list\" SECRET}",
        "{\"type\":\"hello\",\"token\":[\"SECRET\"]}"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_not_equal(decode(texts[i]), 0);
        assert_null(strstr(error.message, "SECRET"));
    }
}

/* ---- the table itself ---------------------------------------------------------------------------------------------
 */

#define BOTH_WAYS (WSM__MAY_UP | WSM__MAY_DOWN)

static void assert_row_is_sound(const wsm__msg_row *type, const wsm__field_row *row) {
    assert_int_equal(row->name_len, strlen(row->name));
    assert_true(strlen(row->about) > 0);
    assert_true(!(row->need & WSM__NEED_UP) || (row->need & WSM__MAY_UP));
    assert_true(!(row->need & WSM__NEED_DOWN) || (row->need & WSM__MAY_DOWN));
    assert_true(!(row->need & WSM__MAY_UP) || (type->flow & WSM__FLOW_UP));
    assert_true(!(row->need & WSM__MAY_DOWN) || (type->flow & (WSM__FLOW_DOWN | WSM__FLOW_RECORD)));
    assert_true(row->kind != WSM__KIND_OBJECTS || !(row->need & WSM__MAY_UP));
    assert_true(!(row->need & WSM__SENDER) || row->kind == WSM__KIND_AGENT);
    assert_true(row->items_min <= row->items_max && row->low <= row->high);
    assert_true(row->alias == NULL || wsm__msg_field_idx(type->type, row->alias, WSM__MAY_UP) < 0);
    assert_true((row->if_true == NULL) == (row->if_false == NULL) && (row->alias != NULL || row->if_true == NULL));
}

static void test_the_table_is_sound(void **state) {
    size_t rows;
    const wsm__field_row *envelope = wsm__envelope_rows(&rows);
    (void)state;
    assert_int_equal(rows, WSM__ENV_COUNT);
    assert_null(wsm__msg_row_of(WSM__MSG_NONE));
    assert_null(wsm__msg_row_of(WSM__MSG_COUNT));
    for (int t = WSM__MSG_NONE + 1; t < WSM__MSG_COUNT; t++) {
        const wsm__msg_row *type = wsm__msg_row_of((wsm__msg_type)t);
        assert_int_equal(type->type, t);
        assert_int_equal(wsm__msg_type_of(wsm__slice_str(type->name)), t);
        assert_true(strlen(type->about) > 0 && strlen(type->name) <= envelope[WSM__ENV_TYPE].high);
        assert_true(type->flow != 0);
        for (size_t i = 0; i < type->fields_count; i++) {
            const wsm__field_row *row = &type->fields[i];
            assert_int_equal(wsm__msg_field_idx(type->type, row->name, row->need & BOTH_WAYS), i);
            assert_row_is_sound(type, row);
        }
    }
    assert_int_equal(wsm__msg_field_idx(WSM__MSG_HELLO, "no such", BOTH_WAYS), -1);
    assert_string_equal(envelope[WSM__ENV_HOP].name, "hop");
}

static void test_errors_of_the_table_are_those_of_the_library(void **state) {
    int idx = wsm__msg_field_idx(WSM__MSG_ERROR, "code", BOTH_WAYS);
    const wsm__field_row *code = &wsm__msg_row_of(WSM__MSG_ERROR)->fields[idx];
    size_t words = 1, codes = 0;
    (void)state;
#define CODE(name, number, code_, sentence)                                                                            \
    if ((const char *)(code_) != NULL) {                                                                               \
        codes++;                                                                                                       \
        assert_true(wsm__words_have(code->words, wsm__slice_str(code_)));                                              \
    }
    WSM_ERROR_MAP(CODE)
#undef CODE
    for (const char *c = code->words; *c != '\0'; c++) words += *c == '|';
    assert_int_equal(words, codes);
}

static void test_priorities_have_words(void **state) {
    (void)state;
    for (int p = WSM_PRIORITY_BACKGROUND; p <= WSM_PRIORITY_CRITICAL; p++)
        assert_int_equal(wsm__priority_of(wsm__slice_str(wsm__priority_word((wsm_priority)p))), p);
    assert_string_equal(wsm__priority_word(WSM_PRIORITY_DEFAULT), "normal");
    assert_int_equal(wsm__priority_of(wsm__slice_str("soon")), WSM_PRIORITY_DEFAULT);
    assert_int_equal(wsm__priority_of((wsm_slice){NULL, 0}), WSM_PRIORITY_DEFAULT);
}

static void test_sentences_that_do_not_fit_are_cut(void **state) {
    char room[8];
    wsm__phrase phrase;
    (void)state;
    wsm__phrase_init(&phrase, room, sizeof room);
    wsm__phrase_add(&phrase, "abc");
    wsm__phrase_add_u64(&phrase, 18446744073709551615u);
    wsm__phrase_add_words(&phrase, "x|y");
    assert_string_equal(room, "abc1844");
    wsm__phrase_init(&phrase, room, sizeof room);
    wsm__phrase_add_words(&phrase, "x|y");
    wsm__phrase_add_u64(&phrase, 0);
    assert_string_equal(room, "x, y0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_of_a_client_decodes),
        cmocka_unit_test(test_a_right_value_is_kept_as_written),
        cmocka_unit_test(test_a_wrong_value_is_refused_and_the_field_named),
        cmocka_unit_test(test_absent_and_null_are_the_same),
        cmocka_unit_test(test_unknown_fields_and_those_of_the_hub_alone_are_dropped),
        cmocka_unit_test(test_the_envelope_is_read),
        cmocka_unit_test(test_every_field_of_the_envelope_is_checked),
        cmocka_unit_test(test_the_priority_urgent_is_for_mentions_only),
        cmocka_unit_test(test_only_the_hub_says_offline),
        cmocka_unit_test(test_the_names_of_the_design_are_understood),
        cmocka_unit_test(test_another_name_is_checked_like_the_first),
        cmocka_unit_test(test_a_client_names_nobody_else_as_the_sender),
        cmocka_unit_test(test_null_removes_a_data_reference),
        cmocka_unit_test(test_a_mention_has_a_priority_of_its_own),
        cmocka_unit_test(test_an_error_names_the_member_at_fault),
        cmocka_unit_test(test_a_condition_is_one_thing_or_a_text),
        cmocka_unit_test(test_a_message_without_id_is_no_request),
        cmocka_unit_test(test_the_type_must_be_known),
        cmocka_unit_test(test_names_of_fields_compare_after_decoding),
        cmocka_unit_test(test_json_must_be_strict),
        cmocka_unit_test(test_duplicate_keys_are_allowed_in_opaque_payloads_only),
        cmocka_unit_test(test_depth_counts_the_envelope),
        cmocka_unit_test(test_sizes_are_bounded),
        cmocka_unit_test(test_lengths_are_measured_after_decoding),
        cmocka_unit_test(test_errors_never_echo),
        cmocka_unit_test(test_the_table_is_sound),
        cmocka_unit_test(test_errors_of_the_table_are_those_of_the_library),
        cmocka_unit_test(test_priorities_have_words),
        cmocka_unit_test(test_sentences_that_do_not_fit_are_cut),
    };
    return cmocka_run_group_tests_name("proto/decode", tests, NULL, NULL);
}
