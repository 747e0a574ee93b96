/* Messages of the hub, checked against the table as they are written: a wrong field is our own fault, an assertion. */
#include "proto/encode.h"

#include <assert.h>

#include "util/clock.h"
#include "util/uuid.h"

/* Whether the envelope has a field that is written behind its beginning. */
static bool is_late_envelope(const char *field) {
    size_t count;
    const wsm__field_row *rows = wsm__envelope_rows(&count);
    for (size_t i = WSM__ENV_CONTEXT_ID; i < count; i++)
        if (strcmp(rows[i].name, field) == 0) return true;
    return false;
}

/* Marks a field as written. */
static void note(wsm__encoder *enc, const char *field) {
    int idx = wsm__msg_field_idx(enc->type, field, WSM__MAY_DOWN);
    bool is_known = idx >= 0 || is_late_envelope(field);
    assert(is_known);
    if (!is_known || idx < 0) return;
    assert(!(enc->seen >> idx & 1));
    enc->seen |= UINT32_C(1) << idx;
}

void wsm__encode_begin(wsm__encoder *enc, wsm__buf *buf, wsm__msg_type type, const char message_id[36], int64_t wall_ms,
                       wsm_slice sender) {
    const wsm__msg_row *row = wsm__msg_row_of(type);
    char time[WSM__TIME_LEN];
    assert(row != NULL && (row->flow & WSM__FLOW_DOWN));
    enc->type = type;
    enc->seen = 0;
    wsm__time_format(time, wall_ms);
    wsm__json_open(&enc->out, buf);
    wsm__json_str(&enc->out, "type", wsm__slice(row->name, row->name_len));
    wsm__json_str(&enc->out, "message_id", wsm__slice(message_id, WSM__UUID_LEN));
    wsm__json_str(&enc->out, "timestamp", wsm__slice(time, sizeof time));
    if (sender.ptr != NULL) wsm__json_str(&enc->out, "sender_agent_id", sender);
}

void wsm__encode_str(wsm__encoder *enc, const char *field, wsm_slice text) {
    note(enc, field);
    wsm__json_str(&enc->out, field, text);
}

void wsm__encode_raw(wsm__encoder *enc, const char *field, wsm_slice json) {
    note(enc, field);
    wsm__json_raw(&enc->out, field, json);
}

void wsm__encode_num(wsm__encoder *enc, const char *field, uint64_t number) {
    note(enc, field);
    wsm__json_num(&enc->out, field, number);
}

void wsm__encode_bool(wsm__encoder *enc, const char *field, bool value) {
    note(enc, field);
    wsm__json_bool(&enc->out, field, value);
}

void wsm__encode_relay(wsm__json_out *out, const wsm__message *message, wsm_slice sender) {
    const wsm__msg_row *type = wsm__msg_row_of(message->type);
    for (size_t i = 0; i < type->fields_count; i++) {
        const wsm__field_row *row = &type->fields[i];
        if (!(row->need & WSM__MAY_DOWN)) continue;
        if (row->need & WSM__SENDER)
            wsm__json_str(out, row->name, sender);
        else if (message->fields[i].kind != 0)
            wsm__json_raw(out, row->name, message->fields[i].raw);
    }
}

/* Whether every field that the hub always gives was written. */
static bool is_complete(const wsm__encoder *enc) {
    const wsm__msg_row *row = wsm__msg_row_of(enc->type);
    for (size_t i = 0; i < row->fields_count; i++)
        if ((row->fields[i].need & WSM__NEED_DOWN) && !(enc->seen >> i & 1)) return false;
    return true;
}

void wsm__encode_end(wsm__encoder *enc) {
    bool complete = is_complete(enc);
    assert(complete);
    (void)complete;
    wsm__json_close(&enc->out);
}
