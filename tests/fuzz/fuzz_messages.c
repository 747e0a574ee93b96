/* F6, from the other side: messages are made from the table of messages.def, so what the decoder ought to say is known.
 * Each field that a client may send is left out, null, given a value that its row allows, or one that it refuses, under
 * its name, its name with an escape, or its alias. The decoder agrees, and blames the first that is wrong. A type or
 * field that is new in the table is fuzzed without a change here. */
#include "fuzz.h"
#include "message_samples.h"
#include "proto/decode.h"

typedef struct maker {
    fuzz_in *in;
    fuzz_text text;
    const char *blamed;  /* the field that is wrong first; NULL: none yet */
    const char *missing; /* the first that is required and is not there: noticed after all others */
} maker;

static const char *pick(fuzz_in *in, const samples *values) {
    return values->text[fuzz_below(in, values->count < 256 ? values->count : 256)];
}

static void put_key(maker *m, const char *name, unsigned how) {
    if (how & 0x40) /* written with an escape, it is the same key */
        fuzz_print(&m->text, ",\"\\u%04x%s\":", (unsigned char)name[0], name + 1);
    else
        fuzz_print(&m->text, ",\"%s\":", name);
}

static void blame(maker *m, const char *name) {
    if (!m->blamed) m->blamed = name;
}

/* One field, in one of the ways there are; `is_ours`: only the hub may set it. */
static void put_field(maker *m, const wsm__field_row *row, bool required, bool is_ours) {
    unsigned how = fuzz_u8(m->in), fate = how % 8;
    bool by_alias = row->alias && how & 0x20;
    const char *name = by_alias ? row->alias : row->name;
    samples values = {0};
    if (fate >= 5 && !required) return;
    if (fate == 0) { /* null is absence, unless it counts */
        put_key(m, name, how);
        fuzz_print(&m->text, "null");
        if (row->need & WSM__NULL_SAYS && by_alias && row->if_true) blame(m, name);
        if (required && !(row->need & WSM__NULL_SAYS) && !m->missing) m->missing = row->name;
        return;
    }
    if (fate == 1)
        wrong_values(&values, row);
    else
        right_values(&values, row);
    if (values.count > 0) {
        const char *value = pick(m->in, &values);
        bool translated = by_alias && row->if_true;
        put_key(m, name, how);
        fuzz_print(&m->text, "%s", value);
        if (translated ? strcmp(value, "true") != 0 && strcmp(value, "false") != 0 : fate == 1)
            blame(m, translated ? name : row->name);
        if (is_ours) blame(m, row->name);
    } else if (required && !m->missing) {
        m->missing = row->name;
    }
    samples_free(&values);
}

static bool has_own(const wsm__msg_row *row, const char *name) {
    return wsm__msg_field_idx(row->type, name, WSM__MAY_UP) >= 0;
}

static void check(const maker *m, const wsm__msg_row *row) {
    static const wsm__scan_limits limits = {32, 1000000, 128};
    wsm__message message;
    wsm__decode_error error;
    const char *blamed = m->blamed ? m->blamed : m->missing;
    char *copy = fuzz_copy(m->text.ptr, m->text.len);
    int err = wsm__decode((wsm_slice){copy, m->text.len}, &limits, &message, &error);
    bool ok = blamed ? err != 0 && strstr(error.message, blamed) : err == 0;
    if (!ok) {
        fuzz_show("message", m->text.ptr, m->text.len);
        fuzz_show("expected to be blamed", blamed ? blamed : "nothing", strlen(blamed ? blamed : "nothing"));
        fuzz_show("said", error.message, strlen(error.message));
    }
    FUZZ_EXPECT(ok);
    if (err == 0) {
        FUZZ_EXPECT(message.type == row->type);
        FUZZ_EXPECT(message.has_id);
        wsm__message_impostor(&message, (wsm_slice){SAMPLE_SENDER, 3});
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    maker m = {.in = &in};
    unsigned number = fuzz_u8(&in);
    if (number == WSM__MSG_NONE || number >= WSM__MSG_COUNT) { /* no type: it has no row, and no field */
        FUZZ_EXPECT(!wsm__msg_row_of((wsm__msg_type)number));
        FUZZ_EXPECT(wsm__msg_field_idx((wsm__msg_type)number, "exchange", WSM__MAY_UP) == -1);
    }
    const wsm__msg_row *row = wsm__msg_row_of((wsm__msg_type)(1 + number % (WSM__MSG_COUNT - 1)));
    const char *alias = wsm__msg_alias_of(row->type);
    size_t envelope_count;
    const wsm__field_row *envelope = wsm__envelope_rows(&envelope_count);
    unsigned picks = fuzz_u8(&in);
    fuzz_print(&m.text, "{\"type\":\"%s\",\"message_id\":\"%s\"", alias && picks & 1 ? alias : row->name, SAMPLE_ID);
    if (!(row->flow & WSM__FLOW_UP)) blame(&m, "type");
    for (size_t i = 0; i < row->fields_count; i++)
        if (row->fields[i].need & WSM__MAY_UP)
            put_field(&m, &row->fields[i], (row->fields[i].need & WSM__NEED_UP) != 0, false);
    for (size_t i = WSM__ENV_TIMESTAMP; i < envelope_count; i++)
        if (picks >> (i % 8) & 1 && !has_own(row, envelope[i].name))
            put_field(&m, &envelope[i], false, !(envelope[i].need & WSM__MAY_UP));
    fuzz_print(&m.text, ",\"an unknown field\":{\"x\":[]}}");
    check(&m, row);
    fuzz_text_free(&m.text);
    return 0;
}
