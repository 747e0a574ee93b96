/* The decoder: the envelope, names and their aliases, JSON, and the table itself. What is true of every field of every
 * type is in test_proto_messages.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "proto/decode.h"
#include "proto/field.h"
#include "wsm/error.h"

#define ID "0190e0a0-7b1c-7def-8123-456789abcdef"

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

static char text[4096];

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

static void test_a_wrong_message_id_is_refused_and_not_echoed(void **state) {
    static const char *const ids[] = {
        "1", "\"\"", "\"0190\"", "{}", "[]", "true", "\"\\u0030190e0a0-7b1c-7def-8123-456789abcdef\""};
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        sprintf(text, "{\"type\":\"agent_list\",\"message_id\":%s}", ids[i]);
        assert_error(text, WSM_ERR_BAD_MESSAGE, "message_id");
        assert_false(error.has_id);
    }
}

static void test_null_in_the_envelope_is_absence(void **state) {
    size_t rows;
    const wsm__field_row *envelope = wsm__envelope_rows(&rows);
    (void)state;
    for (size_t i = WSM__ENV_MESSAGE_ID; i < rows; i++) {
        sprintf(text, "{\"type\":\"agent_list\",\"%s\":null}", envelope[i].name);
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
        cmocka_unit_test(test_the_envelope_is_read),
        cmocka_unit_test(test_a_wrong_message_id_is_refused_and_not_echoed),
        cmocka_unit_test(test_null_in_the_envelope_is_absence),
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
