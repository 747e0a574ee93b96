/* Every message of messages.def through the decoder: each field with every right value, every wrong one, missing, under
 * its other names, and surplus. The cases are made from the table, one test for each thing that is true of a field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message_samples.h"
#include "proto/decode.h"
#include "wsm/error.h"

#define CASES_MAX 4096

static const wsm__scan_limits usual = {.depth_max = 32, .values_max = 4096, .key_bytes_max = 128};

static wsm__message message;
static wsm__decode_error error;
static unsigned long messages_tried;

typedef struct field_case {
    const wsm__msg_row *type;
    const wsm__field_row *row;
    char name[160];
} field_case;

static field_case cases[CASES_MAX];
static struct CMUnitTest tests[CASES_MAX];
static size_t count;

static int decode(const char *text) {
    int err = wsm__decode(wsm__slice_str(text), &usual, &message, &error);
    messages_tried++;
    assert_int_equal(err, error.err);
    if (err != 0) {
        assert_true(strlen(error.message) > 0 && strlen(error.message) < sizeof error.message - 1);
        for (const char *c = error.message; *c != '\0'; c++) assert_true(*c >= 0x20 && *c < 0x7F);
    }
    return err;
}

static void assert_refused(char *text, const char *field) {
    if (decode(text) != WSM_ERR_BAD_MESSAGE) fail_msg("%.400s: got %d, %s", text, error.err, error.message);
    if (error.field == NULL || strcmp(error.field, field) != 0)
        fail_msg("%.400s: blames %s", text, error.field != NULL ? error.field : "nothing");
    assert_memory_equal(error.message, field, strlen(field));
    assert_true(error.has_id);
    assert_memory_equal(error.message_id, SAMPLE_ID, 36);
    free(text);
}

static size_t idx_of(const field_case *c) {
    return (size_t)(c->row - c->type->fields);
}

/* ---- of a field -----------------------------------------------------------------------------------------------------
 */

static void keeps_right_values(void **state) {
    const field_case *c = *state;
    samples values = {0};
    right_values(&values, c->row);
    assert_true(values.count > 0);
    for (size_t i = 0; i < values.count; i++) {
        char *text = sample_message_with(c->type, c->row, c->row->name, values.text[i]);
        if (decode(text) != 0) fail_msg("%.400s: %s", text, error.message);
        assert_int_equal(message.type, c->type->type);
        assert_true(wsm__slice_is(message.fields[idx_of(c)].raw, values.text[i]));
        assert_true(wsm__slice_is(wsm__message_field(&message, c->row->name).raw, values.text[i]));
        assert_null(wsm__message_impostor(&message, wsm__slice_str(SAMPLE_SENDER)));
        free(text);
    }
    samples_free(&values);
}

static void refuses_wrong_values(void **state) {
    const field_case *c = *state;
    samples values = {0};
    wrong_values(&values, c->row);
    assert_true(values.count > 0);
    for (size_t i = 0; i < values.count; i++) {
        assert_refused(sample_message_with(c->type, c->row, c->row->name, values.text[i]), c->row->name);
        assert_non_null(strstr(error.message, "expected"));
    }
    samples_free(&values);
}

static void is_missed(void **state) {
    const field_case *c = *state;
    assert_refused(sample_message(c->type, c->row, ""), c->row->name);
    assert_non_null(strstr(error.message, "required"));
    if (c->row->need & WSM__NULL_SAYS) return;
    assert_refused(sample_message_with(c->type, c->row, c->row->name, "null"), c->row->name);
    assert_non_null(strstr(error.message, "required"));
}

static void may_be_absent_or_null(void **state) {
    const field_case *c = *state;
    for (int with_null = 0; with_null < 2; with_null++) {
        char *text = with_null ? sample_message_with(c->type, c->row, c->row->name, "null")
                               : sample_message(c->type, c->row, "");
        assert_int_equal(decode(text), 0);
        assert_int_equal(message.fields[idx_of(c)].kind, 0);
        free(text);
    }
}

static void has_another_name(void **state) {
    const field_case *c = *state;
    samples values = {0}, wrong = {0};
    if (c->row->if_true != NULL) {
        samples_add(&values, sample_text("true"));
        samples_add(&values, sample_text("false"));
        samples_add(&wrong, sample_text("0"));
        samples_add(&wrong, sample_text("\"true\""));
        samples_add(&wrong, sample_text("{}"));
    } else {
        right_values(&values, c->row);
        wrong_values(&wrong, c->row);
    }
    for (size_t i = 0; i < values.count; i++) {
        char *text = sample_message_with(c->type, c->row, c->row->alias, values.text[i]);
        const char *kept = c->row->if_true == NULL ? values.text[i] : i == 0 ? c->row->if_true : c->row->if_false;
        if (decode(text) != 0) fail_msg("%.400s: %s", text, error.message);
        assert_true(wsm__slice_is(message.fields[idx_of(c)].raw, kept));
        free(text);
        char *twice = sample_text("\"%s\":%s,\"%s\":%s", c->row->name, kept, c->row->alias, values.text[i]);
        assert_refused(sample_message(c->type, c->row, twice), c->row->name);
        free(twice);
    }
    const char *blamed = c->row->if_true != NULL ? c->row->alias : c->row->name;
    for (size_t i = 0; i < wrong.count; i++)
        assert_refused(sample_message_with(c->type, c->row, c->row->alias, wrong.text[i]), blamed);
    samples_free(&values);
    samples_free(&wrong);
}

static void names_nobody_else(void **state) {
    static const char *const others[] = {"\"bob\"", "\"ad\"", "\"adaa\"", "\"Ada\"", "\"hub\""};
    const field_case *c = *state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char *text = sample_message_with(c->type, c->row, c->row->name, others[i]);
        assert_int_equal(decode(text), 0);
        assert_string_equal(wsm__message_impostor(&message, wsm__slice_str(SAMPLE_SENDER)), c->row->name);
        free(text);
    }
}

static void is_dropped_from_a_client(void **state) {
    static const char *const values[] = {"\"a\"", "1", "[{}]", "{\"a\":1,\"a\":2}", "null", "true"};
    const field_case *c = *state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char *text = sample_message_with(c->type, NULL, c->row->name, values[i]);
        if (decode(text) != 0) fail_msg("%.400s: %s", text, error.message);
        assert_int_equal(message.fields[idx_of(c)].kind, 0);
        free(text);
    }
}

/* ---- of a type ------------------------------------------------------------------------------------------------------
 */

static void is_not_for_clients(void **state) {
    const field_case *c = *state;
    assert_refused(sample_message(c->type, NULL, ""), "type");
}

static void assert_bare_envelope(void) {
    assert_true(message.has_id);
    assert_true(wsm__slice_is(message.message_id, SAMPLE_ID));
    assert_true(wsm__slice_is(message.context_id, "main"));
    assert_false(message.has_priority);
    assert_int_equal(message.priority, WSM_PRIORITY_NORMAL);
    assert_null(message.sender_agent_id.ptr);
    assert_null(message.origin_time.ptr);
    assert_null(message.cause.ptr);
}

static void decodes_with_no_more_than_it_must(void **state) {
    const field_case *c = *state;
    const char *alias = wsm__msg_alias_of(c->type->type);
    char *text = sample_message(c->type, NULL, "");
    assert_int_equal(decode(text), 0);
    assert_int_equal(message.type, c->type->type);
    assert_bare_envelope();
    for (size_t i = 0; i < c->type->fields_count; i++)
        assert_int_equal(message.fields[i].kind != 0, (c->type->fields[i].need & WSM__NEED_UP) != 0);
    free(text);
    if (alias == NULL) return;
    wsm__msg_row renamed = *c->type;
    renamed.name = alias;
    text = sample_message(&renamed, NULL, "");
    assert_int_equal(decode(text), 0);
    assert_int_equal(message.type, c->type->type);
    free(text);
}

static void drops_surplus_fields(void **state) {
    const field_case *c = *state;
    char *text =
        sample_message(c->type, NULL, "\"no such\":{\"a\":[1,null],\"a\":2},\"\":0,\"Type\":\"x\",\"message_id \":1");
    assert_int_equal(decode(text), 0);
    assert_bare_envelope();
    free(text);
}

static void checks_its_envelope(void **state) {
    const field_case *c = *state;
    size_t rows;
    const wsm__field_row *envelope = wsm__envelope_rows(&rows);
    for (size_t i = WSM__ENV_TIMESTAMP; i < rows; i++) {
        samples values = {0};
        if (wsm__msg_field_idx(c->type->type, envelope[i].name, WSM__MAY_UP) >= 0) continue;
        right_values(&values, &envelope[i]);
        for (size_t j = 0; j < values.count; j++) {
            char *text = sample_message_with(c->type, NULL, envelope[i].name, values.text[j]);
            if (envelope[i].need & WSM__MAY_UP) {
                assert_int_equal(decode(text), 0);
                free(text);
            } else {
                assert_refused(text, envelope[i].name);
            }
        }
        samples_free(&values);
        wrong_values(&values, &envelope[i]);
        for (size_t j = 0; j < values.count; j++)
            assert_refused(sample_message_with(c->type, NULL, envelope[i].name, values.text[j]), envelope[i].name);
        samples_free(&values);
    }
}

/* ---- for the JSON Schema --------------------------------------------------------------------------------------------
 */

static void print_samples(const wsm__msg_row *type, const wsm__field_row *row, bool is_right) {
    samples values = {0};
    if (is_right)
        right_values(&values, row);
    else
        wrong_values(&values, row);
    if (!is_right && (row->need & WSM__NEED_UP)) {
        char *text = sample_message(type, row, "");
        printf("wrong %s %s\n", type->name, text);
        free(text);
    }
    for (size_t i = 0; i < values.count; i++) {
        char *text = sample_message_with(type, row, row->name, values.text[i]);
        printf("%s %s %s\n", is_right ? "right" : "wrong", type->name, text);
        free(text);
    }
    samples_free(&values);
}

/* One message a line, behind `right` or `wrong` and its type: what compare_schema.py shows to the schema. */
static int print_all_samples(void) {
    for (int t = WSM__MSG_NONE + 1; t < WSM__MSG_COUNT; t++) {
        const wsm__msg_row *type = wsm__msg_row_of((wsm__msg_type)t);
        for (size_t i = 0; (type->flow & WSM__FLOW_UP) && i < type->fields_count; i++) {
            if (!(type->fields[i].need & WSM__MAY_UP)) continue;
            print_samples(type, &type->fields[i], true);
            print_samples(type, &type->fields[i], false);
        }
    }
    return 0;
}

/* ---- the list -------------------------------------------------------------------------------------------------------
 */

static void add(const wsm__msg_row *type, const wsm__field_row *row, CMUnitTestFunction fn, const char *what) {
    if (count == CASES_MAX) abort();
    field_case *c = &cases[count];
    *c = (field_case){.type = type, .row = row};
    snprintf(c->name, sizeof c->name, "%s%s%s %s", type->name, row ? "." : "", row ? row->name : "", what);
    tests[count++] = (struct CMUnitTest){.name = c->name, .test_func = fn, .initial_state = c};
}

static void add_field(const wsm__msg_row *type, const wsm__field_row *row) {
    if (!(row->need & WSM__MAY_UP)) {
        bool has_client_form = wsm__msg_field_idx(type->type, row->name, WSM__MAY_UP) >= 0;
        bool is_alias = false;
        for (size_t i = 0; i < type->fields_count; i++)
            is_alias |= type->fields[i].alias != NULL && strcmp(type->fields[i].alias, row->name) == 0;
        size_t envelope_count;
        const wsm__field_row *envelope = wsm__envelope_rows(&envelope_count);
        bool is_envelope = false;
        for (size_t i = 0; i < envelope_count; i++) is_envelope |= strcmp(envelope[i].name, row->name) == 0;
        if (!has_client_form && !is_alias && !is_envelope) add(type, row, is_dropped_from_a_client, "is dropped");
        return;
    }
    add(type, row, keeps_right_values, "keeps right values");
    if (row->kind != WSM__KIND_OPAQUE) add(type, row, refuses_wrong_values, "refuses wrong values");
    if (row->need & WSM__NEED_UP)
        add(type, row, is_missed, "is missed");
    else
        add(type, row, may_be_absent_or_null, "may be absent or null");
    if (row->alias != NULL) add(type, row, has_another_name, "has another name");
    if (row->need & WSM__SENDER) add(type, row, names_nobody_else, "names nobody but the sender");
}

static void add_type(const wsm__msg_row *type) {
    if (!(type->flow & WSM__FLOW_UP)) {
        add(type, NULL, is_not_for_clients, "is not for clients");
        return;
    }
    add(type, NULL, decodes_with_no_more_than_it_must, "decodes with no more than it must have");
    add(type, NULL, drops_surplus_fields, "drops surplus fields");
    add(type, NULL, checks_its_envelope, "checks its envelope");
    for (size_t i = 0; i < type->fields_count; i++) add_field(type, &type->fields[i]);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--samples") == 0) return print_all_samples();
    for (int t = WSM__MSG_NONE + 1; t < WSM__MSG_COUNT; t++) add_type(wsm__msg_row_of((wsm__msg_type)t));
    int failed = _cmocka_run_group_tests("proto/messages", tests, count, NULL, NULL);
    printf("%lu messages in %zu tests\n", messages_tried, count);
    return failed;
}
