/* Records as bytes. A head is read in two steps: its members are found, then understood. Heads that a node of this
 * version wrote are found by their known order, which is quick; any other by the scanner. What they mean is decided by
 * the same code. */
#include "proto/record.h"

#include <assert.h>

#include "limits.h"
#include "proto/field.h"
#include "proto/json_out.h"
#include "util/base64.h"
#include "util/hex.h"
#include "util/uuid.h"
#include "wsm/error.h"

#define HEAD_MEMBERS_MAX 32 /* a newer node's own ones included */
#define NODE_DIGITS      16
#define DIGEST_TEXT_LEN  22 /* of 16 bytes in base64url */

static const char hex_digits[] = "0123456789abcdef";

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_uuid(wsm__buf *buf, const unsigned char id[16]) {
    char text[WSM__UUID_LEN];
    wsm__uuid_format(id, text);
    wsm__buf_put(buf, text, sizeof text);
}

static void put_digest(wsm__buf *buf, const unsigned char digest[WSM__DIGEST_LEN]) {
    char text[WSM__BASE64_LEN(WSM__DIGEST_LEN)];
    wsm__buf_put(buf, text, wsm__base64url_encode(text, digest, WSM__DIGEST_LEN));
}

static void put_by(wsm__buf *buf, uint64_t node, uint64_t number) {
    char text[NODE_DIGITS];
    for (int i = 0; i < NODE_DIGITS; i++) text[i] = hex_digits[node >> (60 - 4 * i) & 15];
    wsm__buf_put(buf, text, sizeof text);
    wsm__buf_putc(buf, ':');
    wsm__buf_put_u64(buf, number);
}

static void put_member_zero(wsm__buf *buf, const char *name, uint64_t number) { /* 0 too */
    wsm__buf_puts(buf, ",\"");
    wsm__buf_puts(buf, name);
    wsm__buf_puts(buf, "\":");
    wsm__buf_put_u64(buf, number);
}

static void put_member_u64(wsm__buf *buf, const char *name, uint64_t number) { /* 0: left out */
    if (number > 0) put_member_zero(buf, name, number);
}

static void put_member_raw(wsm__buf *buf, const char *name, wsm_slice json) {
    if (!json.ptr) return;
    wsm__buf_puts(buf, ",\"");
    wsm__buf_puts(buf, name);
    wsm__buf_puts(buf, "\":");
    wsm__buf_put_slice(buf, json);
}

void wsm__record_put_head(wsm__buf *buf, const wsm__record_head *head) {
    const wsm__msg_row *row = wsm__msg_row_of(head->type);
    assert(row != NULL && head->time_ms >= 0);
    wsm__buf_puts(buf, "{\"v\":1,\"type\":\"");
    wsm__buf_puts(buf, row->name);
    wsm__buf_puts(buf, "\",\"id\":\"");
    put_uuid(buf, head->id);
    wsm__buf_puts(buf, "\",\"sender\":");
    wsm__json_put_string(buf, head->sender);
    wsm__buf_puts(buf, ",\"context\":");
    wsm__json_put_string(buf, head->context_id);
    wsm__buf_puts(buf, ",\"time\":");
    wsm__buf_put_u64(buf, (uint64_t)head->time_ms);
    wsm__buf_puts(buf, ",\"priority\":\"");
    wsm__buf_puts(buf, wsm__priority_word(head->priority));
    if (head->has_digest) {
        wsm__buf_puts(buf, "\",\"digest\":\"");
        put_digest(buf, head->digest);
    }
    wsm__buf_putc(buf, '"');
    put_member_u64(buf, "seq", head->expected_seq);
    if (head->also.ptr) {
        wsm__buf_puts(buf, ",\"also\":");
        wsm__json_put_string(buf, head->also);
    }
    put_member_u64(buf, "hop", head->hop);
    put_member_u64(buf, "may", head->may);
    if (head->rules.ptr) {
        wsm__buf_puts(buf, ",\"rules\":");
        wsm__json_put_string(buf, head->rules);
    }
    if (head->has_at) put_member_zero(buf, "at", head->at);
    put_member_u64(buf, "inflight", head->inflight);
    put_member_u64(buf, "maybe", head->maybe);
    put_member_u64(buf, "told", head->told);
    put_member_u64(buf, "again", head->is_again);
    wsm__buf_puts(buf, ",\"by\":\"");
    put_by(buf, head->node, head->number);
    wsm__buf_putc(buf, '"');
    put_member_raw(buf, "to", head->to);
    put_member_raw(buf, "result", head->result);
    put_member_raw(buf, "fates", head->fates);
    wsm__buf_puts(buf, "}\n");
}

/* ---- finding the members of a head ------------------------------------------------------------------------------- */

enum {
    TYPE,
    ID,
    SENDER,
    CONTEXT,
    TIME,
    PRIORITY,
    DIGEST,
    SEQ,
    ALSO,
    HOP,
    MAY,
    RULES,
    AT,
    INFLIGHT,
    MAYBE,
    TOLD,
    AGAIN,
    BY,
    TO,
    RESULT,
    FATES,
    MEMBER_COUNT
};

/* By the enumeration above, and in our own order. */
static const char *const names[MEMBER_COUNT] = {"type",  "id",   "sender", "context", "time",  "priority", "digest",
                                                "seq",   "also", "hop",    "may",     "rules", "at",       "inflight",
                                                "maybe", "told", "again",  "by",      "to",    "result",   "fates"};
#define PLAIN_MEMBERS TO /* those before it are strings and numbers, and end with a string */

static bool is_optional(int member) {
    return member == DIGEST || (member >= SEQ && member != BY);
}

typedef struct found {
    wsm__json_value member[MEMBER_COUNT]; /* kind 0: absent */
} found;

static bool take_literal(wsm_slice *rest, const char *text) {
    size_t len = strlen(text);
    if (rest->len < len || memcmp(rest->ptr, text, len) != 0) return false;
    *rest = wsm__slice(rest->ptr + len, rest->len - len);
    return true;
}

/* The name of a member and its value: a string up to the next quote, or else a number up to the next comma. If an
 * escape makes that the wrong quote, nothing that is accepted can follow. */
static bool take_member(wsm_slice *rest, const char *name, wsm__json_value *value) {
    wsm_slice tail = *rest;
    if (!take_literal(&tail, ",\"") || !take_literal(&tail, name) || !take_literal(&tail, "\":")) return false;
    bool is_string = tail.len > 0 && tail.ptr[0] == '"';
    if (tail.len < 2) return false;
    const char *end = memchr(tail.ptr + 1, is_string ? '"' : ',', tail.len - 1);
    if (end == NULL) return false;
    size_t len = (size_t)(end - tail.ptr) + (is_string ? 1 : 0);
    value->kind = is_string ? WSM__JSON_STRING : WSM__JSON_NUMBER;
    value->raw = wsm__slice(tail.ptr, len);
    *rest = wsm__slice(tail.ptr + len, tail.len - len);
    return true;
}

/* The members in our own order, of a head without arrays and objects. */
static bool find_ours(wsm_slice head, found *out) {
    if (!take_literal(&head, "{\"v\":1")) return false;
    for (int i = 0; i < PLAIN_MEMBERS; i++)
        if (!take_member(&head, names[i], &out->member[i]) && !is_optional(i)) return false;
    return take_literal(&head, "}") && head.len == 0;
}

/* The members in any order, among others. */
static bool find_any(wsm_slice head, found *out) {
    static const wsm__scan_limits limits = {.depth_max = 16, .values_max = 4096, .key_bytes_max = 128};
    wsm__json_member members[HEAD_MEMBERS_MAX];
    size_t count;
    uint64_t version = 0;
    if (wsm__json_members(head, &limits, members, HEAD_MEMBERS_MAX, &count, NULL) != 0) return false;
    for (size_t i = 0; i < count; i++) {
        if (wsm__json_key_is(members[i].key, "v") && !wsm__json_u64(members[i].value, 1, &version)) return false;
        for (int j = 0; j < MEMBER_COUNT; j++)
            if (wsm__json_key_is(members[i].key, names[j])) out->member[j] = members[i].value;
    }
    return version == 1;
}

/* ---- what they mean ---------------------------------------------------------------------------------------------- */

static bool plain(wsm__json_value value, wsm_slice *text) {
    return value.kind == WSM__JSON_STRING && wsm__json_string_is_plain(value.raw, text);
}

static bool read_digest(wsm__json_value value, wsm__record_head *head) {
    wsm_slice text;
    unsigned char bytes[WSM__DIGEST_LEN + 2]; /* room for what the decoder may write at most */
    if (value.kind == 0) return true;
    if (!plain(value, &text) || text.len != DIGEST_TEXT_LEN) return false;
    if (wsm__base64url_decode(bytes, text.ptr, text.len) != WSM__DIGEST_LEN) return false;
    memcpy(head->digest, bytes, WSM__DIGEST_LEN);
    head->has_digest = true;
    return true;
}

static bool read_by(wsm__json_value value, wsm__record_head *head) {
    wsm_slice text;
    if (!plain(value, &text) || text.len <= NODE_DIGITS || text.ptr[NODE_DIGITS] != ':') return false;
    for (size_t i = 0; i < NODE_DIGITS; i++) {
        int digit = wsm__hex_value(text.ptr[i]);
        if (digit < 0 || (text.ptr[i] >= 'A' && text.ptr[i] <= 'F')) return false; /* ours are lower case */
        head->node = head->node << 4 | (uint64_t)digit;
    }
    text = wsm__slice(text.ptr + NODE_DIGITS + 1, text.len - NODE_DIGITS - 1);
    return wsm__slice_u64(text, UINT64_MAX, &head->number);
}

static bool read_priority(wsm__json_value value, wsm__record_head *head) {
    wsm_slice text;
    if (!plain(value, &text)) return false;
    head->priority = wsm__priority_of(text);
    return head->priority != WSM_PRIORITY_DEFAULT;
}

static bool read_type(wsm__json_value value, wsm__record_head *head) {
    wsm_slice text;
    if (!plain(value, &text)) return false;
    head->type = wsm__msg_type_of(text);
    return head->type != WSM__MSG_NONE && (wsm__msg_row_of(head->type)->flow & WSM__FLOW_RECORD);
}

/* A name that obeys an envelope field's row. */
static bool read_name(wsm__json_value value, wsm__env_field field, wsm_slice *name) {
    size_t count;
    return value.kind != 0 && wsm__field_fits(&wsm__envelope_rows(&count)[field], value) && plain(value, name);
}

static bool read_u64(wsm__json_value value, uint64_t max, uint64_t *number) { /* absent: 0 */
    *number = 0;
    return value.kind == 0 || wsm__json_u64(value, max, number);
}

/* What is told of earlier records. */
static bool read_earlier(const found *in, wsm__record_head *head) {
    uint64_t again;
    const wsm__json_value *fates = &in->member[FATES];
    head->has_at = in->member[AT].kind != 0;
    if (!read_u64(in->member[AT], WSM__NUMBER_MAX, &head->at) ||
        !read_u64(in->member[INFLIGHT], WSM__NUMBER_MAX, &head->inflight) ||
        !read_u64(in->member[MAYBE], WSM__NUMBER_MAX, &head->maybe) ||
        !read_u64(in->member[TOLD], WSM__NUMBER_MAX, &head->told) || !read_u64(in->member[AGAIN], 1, &again))
        return false;
    head->is_again = again != 0;
    if (fates->kind && fates->kind != WSM__JSON_ARRAY) return false;
    if (fates->kind) head->fates = fates->raw;
    return true;
}

/* What only some records have. */
static bool read_rest(const found *in, wsm__record_head *head) {
    uint64_t hop, may;
    const wsm__json_value *to = &in->member[TO];
    if (!read_u64(in->member[SEQ], WSM__NUMBER_MAX, &head->expected_seq)) return false;
    if (!read_u64(in->member[HOP], UINT32_MAX, &hop) || !read_u64(in->member[MAY], UINT32_MAX, &may)) return false;
    head->hop = (uint32_t)hop;
    head->may = (uint32_t)may;
    if (in->member[ALSO].kind && !read_name(in->member[ALSO], WSM__ENV_CONTEXT_ID, &head->also)) return false;
    if (to->kind && to->kind != WSM__JSON_ARRAY) return false;
    wsm_slice name;
    wsm__json_value value;
    for (size_t at = 0; to->kind && wsm__json_next_element(to->raw, &at, &value);)
        if (!read_name(value, WSM__ENV_SENDER_AGENT_ID, &name)) return false;
    if (to->kind) head->to = to->raw;
    if (in->member[RULES].kind && !plain(in->member[RULES], &head->rules)) return false;
    if (in->member[RESULT].kind) head->result = in->member[RESULT].raw;
    return true;
}

static bool read_head(const found *in, wsm__record_head *head) {
    wsm_slice id;
    uint64_t time;
    if (!read_type(in->member[TYPE], head) || !read_priority(in->member[PRIORITY], head)) return false;
    if (!plain(in->member[ID], &id) || !wsm__uuid_parse(id.ptr, id.len, head->id)) return false;
    if (!read_name(in->member[SENDER], WSM__ENV_SENDER_AGENT_ID, &head->sender)) return false;
    if (!read_name(in->member[CONTEXT], WSM__ENV_CONTEXT_ID, &head->context_id)) return false;
    if (!wsm__json_u64(in->member[TIME], WSM__TIME_MS_MAX, &time)) return false;
    head->time_ms = (int64_t)time;
    return read_digest(in->member[DIGEST], head) && read_by(in->member[BY], head) && read_rest(in, head) &&
           read_earlier(in, head);
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

/* A body is an object without white space around it, and without what is put in front of it. */
static bool body_is_sound(wsm_slice body, const wsm__scan_limits *limits) {
    if (body.len < 2 || body.ptr[0] != '{' || body.ptr[body.len - 1] != '}') return false;
    if (limits == NULL) return true;
    wsm__json_value value;
    if (wsm__json_check(body, limits, &value, NULL) != 0) return false;
    wsm__json_member member;
    for (size_t at = 0; wsm__json_next_member(body, &at, &member);) {
        wsm_slice key = member.key;
        if (wsm__json_key_is(key, "type") || wsm__json_key_is(key, "offset") || wsm__json_key_is(key, "seq"))
            return false;
    }
    return true;
}

int wsm__record_parse(wsm_slice bytes, const wsm__scan_limits *limits, wsm__record_head *head, wsm_slice *body) {
    const char *feed = bytes.len > 0 ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
    if (feed == NULL) return WSM_ERR_LOG_CORRUPT;
    wsm_slice line = wsm__slice(bytes.ptr, (size_t)(feed - bytes.ptr));
    *body = wsm__slice(feed + 1, bytes.len - line.len - 1);
    *head = (wsm__record_head){.type = WSM__MSG_NONE};

    found ours = {0}, any = {0};
    bool good = find_ours(line, &ours) ? read_head(&ours, head) : find_any(line, &any) && read_head(&any, head);
    return good && body_is_sound(*body, limits) ? 0 : WSM_ERR_LOG_CORRUPT;
}

/* What is put in front of a body's members; returns its length, at most PREFIX_MAX. */
#define PREFIX_MAX 160 /* a type's name has at most 64 bytes, a number 20 */

static size_t put_text(char *out, size_t at, const char *text) {
    size_t len = strlen(text);
    memcpy(out + at, text, len);
    return at + len;
}

static size_t put_number(char *out, size_t at, uint64_t number) {
    char digits[20];
    size_t len = 0;
    do digits[len++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (len > 0) out[at++] = digits[--len];
    return at;
}

static bool is_empty(wsm_slice object) {
    size_t at = 0;
    wsm__json_member member;
    return !wsm__json_next_member(object, &at, &member);
}

static size_t make_prefix(char out[PREFIX_MAX], wsm__msg_type type, uint64_t offset, uint64_t seq, wsm_slice body) {
    size_t at = put_text(out, 0, "{\"type\":\"");
    at = put_text(out, at, wsm__msg_row_of(type)->name);
    at = put_text(out, at, "\",\"offset\":");
    at = put_number(out, at, offset);
    if (seq > 0) {
        at = put_text(out, at, ",\"seq\":");
        at = put_number(out, at, seq);
    }
    return is_empty(body) ? at : put_text(out, at, ",");
}

size_t wsm__record_message_len(wsm__msg_type type, uint64_t offset, uint64_t seq, wsm_slice body) {
    char prefix[PREFIX_MAX];
    return make_prefix(prefix, type, offset, seq, body) + body.len - 1;
}

void wsm__record_message_write(char *out, wsm__msg_type type, uint64_t offset, uint64_t seq, wsm_slice body) {
    char prefix[PREFIX_MAX];
    size_t len = make_prefix(prefix, type, offset, seq, body);
    memcpy(out, prefix, len);
    memcpy(out + len, body.ptr + 1, body.len - 1);
}

/* The digits of its offset, which stands first behind the type; NULL: there are none. */
static const char *offset_in(wsm_slice message) {
    static const char name[] = "\",\"offset\":";
    const char *end = message.ptr + message.len;
    for (const char *at = message.ptr; at + sizeof name - 1 < end && *at != ','; at++)
        if (memcmp(at, name, sizeof name - 1) == 0) return at + sizeof name - 1;
    return NULL;
}

static const char *digits_end(wsm_slice message, const char *at) {
    while (at < message.ptr + message.len && *at >= '0' && *at <= '9') at++;
    return at;
}

uint64_t wsm__record_message_offset(wsm_slice message) {
    uint64_t offset = 0;
    const char *at = offset_in(message);
    if (!at) return 0;
    for (const char *end = digits_end(message, at); at < end; at++) offset = offset * 10 + (uint64_t)(*at - '0');
    return offset;
}

size_t wsm__record_message_seq(wsm_slice message, size_t *len) {
    static const char name[] = ",\"seq\":";
    const char *at = offset_in(message);
    *len = 0;
    if (!at) return 0;
    at = digits_end(message, at);
    size_t left = (size_t)(message.ptr + message.len - at);
    if (left < sizeof name || memcmp(at, name, sizeof name - 1) != 0) return 0;
    *len = (size_t)(digits_end(message, at + sizeof name - 1) - at);
    return (size_t)(at - message.ptr);
}

size_t wsm__record_unnumbered_len(wsm_slice message) {
    size_t len;
    wsm__record_message_seq(message, &len);
    return message.len - len;
}
