/* What a merge takes along: see content.h. Works on records one by one, so it does not matter whether they come from
 * memory or are read back from the log page by page. */
#include "sidebar/content.h"

#include "limits.h"
#include "wsm/error.h"

#define KEY_MAX 128u /* bytes of a key, as messages.def says */

typedef struct content_value {
    uint64_t offset;
    size_t key_len, len;
    char text[]; /* the key, decoded, then the exchange */
} content_value;

void wsm__content_init(wsm__content *content, wsm__mem *mem, const unsigned char seed[16], bool wants_findings) {
    *content = (wsm__content){.wants_findings = wants_findings};
    wsm__buf_init(&content->exchanges, mem, 0);
    wsm__buf_init(&content->critical, mem, 0);
    wsm__buf_init(&content->tests, mem, 0);
    wsm__map_init(&content->values, mem, seed);
}

static void value_free(wsm__map *values, content_value *value) {
    if (value) wsm__free(values->mem, value, sizeof *value + value->key_len + value->len);
}

void wsm__content_fini(wsm__content *content) {
    wsm__map_node *cursor = NULL;
    content_value *value;
    while ((value = wsm__map_next(&content->values, &cursor)) != NULL) value_free(&content->values, value);
    wsm__map_fini(&content->values);
    wsm__buf_fini(&content->exchanges);
    wsm__buf_fini(&content->critical);
    wsm__buf_fini(&content->tests);
}

/* The members of a record that matter here. */
typedef struct pieces {
    uint64_t offset;
    wsm_slice type, sender, priority, exchange, key, description, result, findings;
} pieces;

static void read_parts(wsm_slice message, pieces *parts) {
    size_t at = 0;
    wsm__json_member member;
    while (wsm__json_next_member(message, &at, &member)) {
        static const struct {
            const char *name;
            size_t place;
        } wanted[] = {
            {"type", offsetof(struct pieces, type)},         {"sender_agent_id", offsetof(struct pieces, sender)},
            {"priority", offsetof(struct pieces, priority)}, {"exchange", offsetof(struct pieces, exchange)},
            {"key", offsetof(struct pieces, key)},           {"test_description", offsetof(struct pieces, description)},
            {"result", offsetof(struct pieces, result)},     {"findings", offsetof(struct pieces, findings)},
        };
        if (wsm__json_key_is(member.key, "offset")) wsm__json_u64(member.value, WSM__NUMBER_MAX, &parts->offset);
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            if (wsm__json_key_is(member.key, wanted[i].name))
                *(wsm_slice *)(void *)((char *)parts + wanted[i].place) = member.value.raw;
    }
}

static bool is_chosen(wsm__content *content, uint64_t offset) {
    size_t low = 0, high = content->offsets_count;
    if (content->takes_all) return true;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (content->offsets[mid] < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low < content->offsets_count && content->offsets[low] == offset;
}

static void put_exchange(wsm__buf *buf, const pieces *parts) {
    wsm__json_out out;
    if (buf->len > 0) wsm__buf_putc(buf, ',');
    wsm__json_open(&out, buf);
    wsm__json_num(&out, "offset", parts->offset);
    wsm__json_raw(&out, "sender_agent_id", parts->sender);
    wsm__json_raw(&out, "exchange", parts->exchange);
    wsm__json_close(&out);
}

static void put_test(wsm__buf *buf, const pieces *parts) {
    wsm__json_out out;
    if (buf->len > 0) wsm__buf_putc(buf, ',');
    wsm__json_open(&out, buf);
    wsm__json_num(&out, "offset", parts->offset);
    wsm__json_raw(&out, "tested_by", parts->sender);
    wsm__json_raw(&out, "test_description", parts->description);
    wsm__json_raw(&out, "result", parts->result);
    wsm__json_raw(&out, "findings", parts->findings);
    wsm__json_close(&out);
}

static int keep_value(wsm__map *values, const pieces *parts) {
    char key[KEY_MAX];
    long key_len = wsm__json_string_decode(parts->key, key, sizeof key);
    size_t len = parts->exchange.len;
    if (key_len < 0) return WSM_OK; /* longer than a key may be */
    content_value *value = wsm__alloc(values->mem, sizeof *value + (size_t)key_len + len);
    if (!value) return WSM_ERR_NOMEM;
    *value = (content_value){parts->offset, (size_t)key_len, len};
    memcpy(value->text, key, (size_t)key_len);
    memcpy(value->text + key_len, parts->exchange.ptr, len);
    content_value *old = wsm__map_get(values, key, (size_t)key_len);
    if (wsm__map_put(values, key, (size_t)key_len, value)) {
        value_free(values, value);
        return WSM_ERR_NOMEM;
    }
    value_free(values, old);
    return WSM_OK;
}

int wsm__content_add(wsm__content *content, wsm_slice message) {
    pieces parts = {0};
    int err = WSM_OK;
    read_parts(message, &parts);
    if (wsm__slice_is(parts.type, "\"memory_update\"") && parts.exchange.ptr) {
        if (is_chosen(content, parts.offset)) {
            put_exchange(&content->exchanges, &parts);
            content->found++;
        }
        if (content->wants_findings && wsm__slice_is(parts.priority, "\"critical\""))
            put_exchange(&content->critical, &parts);
        if (content->wants_findings && parts.key.ptr) err = keep_value(&content->values, &parts);
    } else if (content->wants_findings && wsm__slice_is(parts.type, "\"sidebar_test_result\"")) {
        put_test(&content->tests, &parts);
    }
    return content->exchanges.err || content->critical.err || content->tests.err ? WSM_ERR_NOMEM : err;
}

static void put_array(wsm__buf *buf, const wsm__buf *elements) {
    wsm__buf_putc(buf, '[');
    wsm__buf_put(buf, elements->ptr, elements->len);
    wsm__buf_putc(buf, ']');
}

void wsm__content_put_exchanges(const wsm__content *content, wsm__buf *buf) {
    put_array(buf, &content->exchanges);
}

void wsm__content_put_values(const wsm__content *content, wsm__buf *buf) {
    wsm__map_node *cursor = NULL;
    content_value *value;
    bool first = true;
    wsm__buf_putc(buf, '{');
    while ((value = wsm__map_next(&content->values, &cursor)) != NULL) {
        wsm__json_out out;
        if (!first) wsm__buf_putc(buf, ',');
        first = false;
        wsm__json_put_string(buf, wsm__slice(value->text, value->key_len));
        wsm__buf_putc(buf, ':');
        wsm__json_open(&out, buf);
        wsm__json_num(&out, "offset", value->offset);
        wsm__json_raw(&out, "exchange", wsm__slice(value->text + value->key_len, value->len));
        wsm__json_close(&out);
    }
    wsm__buf_putc(buf, '}');
}

void wsm__content_put_findings(const wsm__content *content, wsm__buf *buf) {
    wsm__buf_puts(buf, "{\"critical\":");
    put_array(buf, &content->critical);
    wsm__buf_puts(buf, ",\"tests\":");
    put_array(buf, &content->tests);
    wsm__buf_puts(buf, ",\"values\":");
    wsm__content_put_values(content, buf);
    wsm__buf_putc(buf, '}');
}
