/* Decoding is one pass of the scanner, which yields the members of the message, and then one look at each member
 * against the table. The type's own fields go before the envelope's, so that a type may give an envelope's name another
 * meaning. */
#include "proto/decode.h"

#include <assert.h>

#include "proto/field.h"
#include "util/uuid.h"
#include "wsm/error.h"

typedef struct decoding {
    wsm__json_member members[WSM__MEMBERS_MAX];
    size_t count;
    wsm__json_value envelope[WSM__ENV_COUNT]; /* kind 0: absent */
    wsm__message *message;
    wsm__decode_error *error;
} decoding;

/* "field: what" or "what"; the caller may add to the phrase. */
static wsm__phrase refuse(wsm__decode_error *error, int err, const char *field, const char *what) {
    wsm__phrase phrase;
    error->err = err;
    error->field = field;
    wsm__phrase_init(&phrase, error->message, sizeof error->message);
    if (field != NULL) {
        wsm__phrase_add(&phrase, field);
        wsm__phrase_add(&phrase, ": ");
    }
    wsm__phrase_add(&phrase, what);
    return phrase;
}

/* `fault` is the field's row, or that of a member of its object. */
static int bad_field(wsm__decode_error *error, const wsm__field_row *row, const wsm__field_row *fault) {
    wsm__phrase phrase = refuse(error, WSM_ERR_BAD_MESSAGE, row->name, "");
    if (fault != row) {
        wsm__phrase_add(&phrase, fault->name);
        wsm__phrase_add(&phrase, ": ");
    }
    wsm__field_expected(fault, &phrase);
    return error->err;
}

static int scan(decoding *d, wsm_slice text, const wsm__scan_limits *limits) {
    wsm__scan_error found;
    int err = wsm__json_members(text, limits, d->members, WSM__MEMBERS_MAX, &d->count, &found);
    if (err == 0) return 0;
    wsm__phrase phrase = refuse(d->error, err, NULL, err == WSM_ERR_BAD_JSON ? "not strict JSON: " : "too large: ");
    wsm__phrase_add(&phrase, found.why);
    wsm__phrase_add(&phrase, " at byte ");
    wsm__phrase_add_u64(&phrase, found.at);
    return err;
}

static const wsm__json_value *find_member(const decoding *d, const char *name) {
    for (size_t i = 0; i < d->count; i++)
        if (wsm__json_key_is(d->members[i].key, name)) return &d->members[i].value;
    return NULL;
}

/* Comes before every check of fields, so that their errors can name the message. */
static void read_id(decoding *d) {
    wsm_slice id;
    const wsm__json_value *value = find_member(d, "message_id");
    if (value == NULL || value->kind != WSM__JSON_STRING || !wsm__json_string_is_plain(value->raw, &id)) return;
    if (!wsm__uuid_parse(id.ptr, id.len, d->message->id)) return;
    d->message->has_id = true;
    d->error->has_id = true;
    memcpy(d->error->message_id, id.ptr, sizeof d->error->message_id);
}

static int read_type(decoding *d) {
    wsm_slice name;
    const wsm__json_value *value = find_member(d, "type");
    if (value == NULL || value->kind != WSM__JSON_STRING || !wsm__json_string_is_plain(value->raw, &name)) {
        refuse(d->error, WSM_ERR_BAD_MESSAGE, "type", "expected the name of a message type in plain characters");
        return d->error->err;
    }
    d->message->type = wsm__msg_type_from_client(name);
    if (d->message->type == WSM__MSG_NONE) {
        refuse(d->error, WSM_ERR_UNKNOWN_TYPE, "type", "no message has this type");
    } else if (!(wsm__msg_row_of(d->message->type)->flow & WSM__FLOW_UP)) {
        refuse(d->error, WSM_ERR_BAD_MESSAGE, "type", "only the hub sends messages of this type");
    }
    return d->error->err;
}

static bool is_key_of(wsm_slice key, bool escapes, const wsm__field_row *row) {
    if (escapes) return wsm__json_key_is(key, row->name);
    return key.len == row->name_len && memcmp(key.ptr, row->name, key.len) == 0;
}

/* The row of a key among those with one of the needs in `may`; -1: none. */
static int find_row(wsm_slice key, const wsm__field_row *rows, size_t count, unsigned may) {
    bool escapes = key.len > 0 && memchr(key.ptr, '\\', key.len) != NULL;
    for (size_t i = 0; i < count; i++)
        if (is_key_of(key, escapes, &rows[i]) && (rows[i].need & may)) return (int)i;
    return -1;
}

static int find_alias(wsm_slice key, const wsm__field_row *rows, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (rows[i].alias != NULL && wsm__json_key_is(key, rows[i].alias)) return (int)i;
    return -1;
}

/* What a value under an alias stands for: itself, or one of two values for true and false; false: neither of these. */
static bool translate(const wsm__field_row *row, wsm__json_value *value) {
    if (row->if_true == NULL) return true;
    if (value->kind != WSM__JSON_TRUE && value->kind != WSM__JSON_FALSE) return false;
    value->raw = wsm__slice_str(value->kind == WSM__JSON_TRUE ? row->if_true : row->if_false);
    value->kind = wsm__json_kind_of(value->raw);
    return true;
}

/* A field of the type's own, by its name or its alias. */
static int read_own(decoding *d, const wsm__field_row *row, wsm__json_value *kept, const wsm__json_member *member,
                    bool is_alias) {
    wsm__json_value value = member->value;
    if (value.kind == WSM__JSON_NULL && !(row->need & WSM__NULL_SAYS)) return 0;
    if (kept->kind != 0)
        return refuse(d->error, WSM_ERR_BAD_MESSAGE, row->name, "given under two names"), d->error->err;
    if (is_alias && !translate(row, &value))
        return refuse(d->error, WSM_ERR_BAD_MESSAGE, row->alias, "expected true or false"), d->error->err;
    const wsm__field_row *fault = value.kind == WSM__JSON_NULL ? NULL : wsm__field_fault(row, value);
    if (fault != NULL) return bad_field(d->error, row, fault);
    if (row->kind == WSM__KIND_OBJECT && wsm__json_has_duplicate_keys(value.raw))
        return refuse(d->error, WSM_ERR_BAD_JSON, row->name, "a key stands twice"), d->error->err;
    *kept = value;
    return 0;
}

/* null says as much as absence, unless it counts; a value that is required is then missed at the end. */
static int read_member(decoding *d, const wsm__msg_row *type, const wsm__json_member *member) {
    size_t envelope_count;
    const wsm__field_row *envelope = wsm__envelope_rows(&envelope_count);
    int i = find_row(member->key, type->fields, type->fields_count, WSM__MAY_UP);
    if (i >= 0) {
        int err = read_own(d, &type->fields[i], &d->message->fields[i], member, false);
        bool is_priority = strcmp(type->fields[i].name, envelope[WSM__ENV_PRIORITY].name) == 0;
        if (is_priority) d->envelope[WSM__ENV_PRIORITY] = d->message->fields[i]; /* its own words for the same thing */
        return err;
    }

    i = find_row(member->key, envelope, envelope_count, WSM__MAY_UP | WSM__MAY_DOWN);
    if (i < 0) {
        i = find_alias(member->key, type->fields, type->fields_count);
        return i < 0 ? 0 : read_own(d, &type->fields[i], &d->message->fields[i], member, true);
    }
    if (member->value.kind == WSM__JSON_NULL) return 0;
    if (!(envelope[i].need & WSM__MAY_UP))
        return refuse(d->error, WSM_ERR_BAD_MESSAGE, envelope[i].name, "only the hub sets this"), d->error->err;
    if (!wsm__field_fits(&envelope[i], member->value)) return bad_field(d->error, &envelope[i], &envelope[i]);
    d->envelope[i] = member->value;
    return 0;
}

static int read_fields(decoding *d) {
    const wsm__msg_row *type = wsm__msg_row_of(d->message->type);
    for (size_t i = 0; i < d->count; i++) {
        int err = read_member(d, type, &d->members[i]);
        if (err != 0) return err;
    }
    for (size_t i = 0; i < type->fields_count; i++) {
        const wsm__field_row *row = &type->fields[i];
        if (!(row->need & WSM__NEED_UP) || d->message->fields[i].kind != 0) continue;
        wsm__phrase phrase = refuse(d->error, WSM_ERR_BAD_MESSAGE, row->name, "required; ");
        wsm__field_expected(row, &phrase);
        return d->error->err;
    }
    return 0;
}

/* A string of the envelope without its quotes; absent if it is. All of them are plain. */
static wsm_slice envelope_text(const decoding *d, wsm__env_field field) {
    wsm_slice text = {NULL, 0};
    if (d->envelope[field].kind != 0) wsm__json_string_is_plain(d->envelope[field].raw, &text);
    return text;
}

static void take_envelope(const decoding *d) {
    wsm__message *message = d->message;
    message->message_id = envelope_text(d, WSM__ENV_MESSAGE_ID);
    message->sender_agent_id = envelope_text(d, WSM__ENV_SENDER_AGENT_ID);
    message->cause = envelope_text(d, WSM__ENV_CAUSE);
    message->origin_time = d->envelope[WSM__ENV_TIMESTAMP].raw;
    message->context_id = envelope_text(d, WSM__ENV_CONTEXT_ID);
    if (message->context_id.ptr == NULL) message->context_id = wsm__slice_str("main");
    message->has_priority = d->envelope[WSM__ENV_PRIORITY].kind != 0;
    message->priority = WSM_PRIORITY_NORMAL;
    if (message->has_priority) message->priority = wsm__priority_of(envelope_text(d, WSM__ENV_PRIORITY));
}

int wsm__decode(wsm_slice text, const wsm__scan_limits *limits, wsm__message *message, wsm__decode_error *error) {
    decoding d; /* `members` is left as it is: clearing it would cost more than a small message */
    d.message = message;
    d.error = error;
    memset(d.envelope, 0, sizeof d.envelope);
    *message = (wsm__message){.type = WSM__MSG_NONE};
    error->err = 0;
    error->field = NULL;
    error->message[0] = '\0';
    error->has_id = false;

    int err = scan(&d, text, limits);
    if (err != 0) return err;
    read_id(&d);
    err = read_type(&d);
    if (err == 0) err = read_fields(&d);
    if (err == 0) take_envelope(&d);
    return err;
}

wsm__json_value wsm__message_field(const wsm__message *message, const char *name) {
    int idx = wsm__msg_field_idx(message->type, name, WSM__MAY_UP);
    assert(idx >= 0);
    return message->fields[idx];
}

const char *wsm__message_impostor(const wsm__message *message, wsm_slice sender) {
    const wsm__msg_row *type = wsm__msg_row_of(message->type);
    wsm_slice name;
    if (message->sender_agent_id.ptr != NULL && !wsm__slice_eq(message->sender_agent_id, sender))
        return wsm__envelope_rows(&(size_t){0})[WSM__ENV_SENDER_AGENT_ID].name;
    for (size_t i = 0; i < type->fields_count; i++) {
        if (!(type->fields[i].need & WSM__SENDER) || message->fields[i].kind == 0) continue;
        if (!wsm__json_string_is_plain(message->fields[i].raw, &name) || !wsm__slice_eq(name, sender))
            return type->fields[i].name;
    }
    return NULL;
}
