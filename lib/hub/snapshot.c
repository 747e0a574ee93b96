/* Snapshots: the folded state as one JSON object, so that a restart folds only what came after it.
 *
 *     {"v":1,"offset":17,"lost":0,"contexts":[{"id":"main","seq":17,"fixes":[[9,1]]}],"voids":[[4,0],[8,1]],
 *      "ages":[[3,1767323040000]],
 *      "dedup":[{"s":"ada","i":"…","d":"…","o":17,"t":1767323045678}]}
 *
 * `i` and `d` are base64url, `h` is the hop, `r` is the result that the first ack carried. The cache of frames is not
 * in it: older records are read from the log's store.
 *
 * Of the seen ids only the oldest WSM__SNAPSHOT_IDS are in it, because five busy minutes of them would take megabytes,
 * written on the hub's thread. The others come back with their records: the log is told that the snapshot stands at the
 * last id that is in it, so it delivers what follows, and of that the records up to `offset` are folded into the table
 * of ids alone (apply.c), with the result that their heads have; those whose result became another are all in it. These
 * places never go back, because a log lets go of what lies before its snapshots. */
#include "hub/hub.h"
#include "limits.h"
#include "sidebar/tree_state.h"
#include "util/base64.h"

static void put_bytes(wsm__json_out *out, const char *name, const unsigned char *bytes, size_t len) {
    char text[64];
    wsm__json_str(out, name, wsm__slice(text, wsm__base64url_encode(text, bytes, len)));
}

static void put_pair(wsm__buf *buf, bool first, uint64_t a, uint64_t b, bool negative) {
    wsm__buf_puts(buf, first ? "[" : ",[");
    wsm__buf_put_u64(buf, a);
    wsm__buf_puts(buf, negative ? ",-" : ",");
    wsm__buf_put_u64(buf, b);
    wsm__buf_putc(buf, ']');
}

static void put_contexts(wsm_hub *hub, wsm__buf *buf) {
    for (uint32_t i = 0; i < wsm__log_context_count(&hub->records); i++) {
        const wsm__context *context = wsm__log_context_at(&hub->records, i);
        wsm__json_out out;
        if (i > 0) wsm__buf_putc(buf, ',');
        wsm__json_open(&out, buf);
        wsm__json_str(&out, "id", wsm__slice(context->id, context->id_len));
        wsm__json_num(&out, "seq", context->seq);
        wsm__json_name(&out, "fixes");
        wsm__buf_putc(buf, '[');
        for (uint32_t k = 0; k < context->fixes.count; k++) {
            const wsm__seq_fix *fix = wsm__ring_at(&context->fixes, k);
            put_pair(buf, k == 0, fix->offset, (uint64_t)(fix->ahead < 0 ? -fix->ahead : fix->ahead), fix->ahead < 0);
        }
        wsm__buf_putc(buf, ']');
        wsm__json_close(&out);
    }
}

/* Returns the place of the snapshot. */
static uint64_t put_dedup(wsm_hub *hub, wsm__buf *buf) {
    const wsm__dedup_entry *entry = NULL;
    uint64_t last = 0;
    for (uint32_t count = 0; (entry = wsm__dedup_next(&hub->dedup, entry)) != NULL; count++) {
        wsm__json_out out;
        if (count >= WSM__SNAPSHOT_IDS && last >= hub->snapshot_at && last >= hub->told_to) return last;
        last = entry->offset;
        if (count > 0) wsm__buf_putc(buf, ',');
        wsm__json_open(&out, buf);
        wsm__json_str(&out, "s", wsm__dedup_sender_name(entry));
        put_bytes(&out, "i", entry->id, 16);
        if (entry->has_digest) put_bytes(&out, "d", entry->digest, WSM__DIGEST_LEN);
        wsm__json_num(&out, "o", entry->offset);
        wsm__json_num(&out, "t", (uint64_t)entry->time_ms);
        if (entry->hop) wsm__json_num(&out, "h", entry->hop);
        if (entry->result) wsm__json_raw(&out, "r", wsm__slice(entry->result, entry->result_len));
        wsm__json_close(&out);
    }
    return hub->records.applied;
}

int wsm__snapshot_save(wsm_hub *hub) {
    wsm__buf buf;
    wsm__json_out out;
    if (!hub->log.save || hub->records.applied == 0) return WSM_OK;
    wsm__buf_init(&buf, &hub->mem, 0);
    wsm__json_open(&out, &buf);
    wsm__json_num(&out, "v", 1);
    wsm__json_num(&out, "offset", hub->records.applied);
    wsm__json_num(&out, "lost", hub->records.lost);
    wsm__json_name(&out, "contexts");
    wsm__buf_putc(&buf, '[');
    put_contexts(hub, &buf);
    wsm__buf_putc(&buf, ']');
    wsm__json_name(&out, "voids");
    wsm__buf_putc(&buf, '[');
    for (uint32_t i = 0; i < hub->records.voids.count; i++) {
        const wsm__void *at = wsm__ring_at(&hub->records.voids, i);
        put_pair(&buf, i == 0, at->offset, at->is_corrupt, false);
    }
    wsm__buf_putc(&buf, ']');
    wsm__json_name(&out, "ages");
    wsm__buf_putc(&buf, '[');
    for (size_t i = 0; i < hub->ages.count; i++)
        put_pair(&buf, i == 0, hub->ages.marks[i].offset, (uint64_t)hub->ages.marks[i].time_ms, false);
    wsm__buf_putc(&buf, ']');
    wsm__json_name(&out, "roster");
    wsm__roster_save(&hub->roster, &buf);
    wsm__json_name(&out, "tree");
    wsm__tree_save(&hub->tree, &buf);
    wsm__json_name(&out, "ledger");
    wsm__ledger_save(&hub->ledger, &buf);
    wsm__json_name(&out, "dedup");
    wsm__buf_putc(&buf, '[');
    uint64_t at = put_dedup(hub, &buf);
    wsm__buf_putc(&buf, ']');
    wsm__json_close(&out);
    int err = buf.err ? WSM_ERR_NOMEM : wsm__call_log_save(hub, at, buf.ptr, buf.len);
    wsm__buf_fini(&buf);
    if (!err) {
        hub->snapshot_at = at;
        hub->count.snapshots++;
        wsm__retain(hub);
    }
    hub->since_snapshot = 0; /* one that failed is tried again as many records later: what it spares is only time */
    return err;
}

/* ---- loading --------------------------------------------------------------------------------------------------------
 */

static wsm__json_value member_of(wsm_slice object, const char *name) {
    size_t at = 0;
    wsm__json_member member;
    while (wsm__json_next_member(object, &at, &member))
        if (wsm__json_key_is(member.key, name)) return member.value;
    return (wsm__json_value){0};
}

static bool number_of(wsm_slice object, const char *name, uint64_t *number) {
    return wsm__json_u64(member_of(object, name), WSM__NUMBER_MAX, number);
}

static bool text_of(wsm_slice object, const char *name, wsm_slice *text) {
    wsm__json_value value = member_of(object, name);
    return value.kind == WSM__JSON_STRING && wsm__json_string_is_plain(value.raw, text);
}

static bool pair_of(wsm_slice array, uint64_t *a, int64_t *b) {
    size_t at = 0;
    wsm__json_value value;
    uint64_t number;
    if (!wsm__json_next_element(array, &at, &value) || !wsm__json_u64(value, WSM__NUMBER_MAX, a)) return false;
    if (!wsm__json_next_element(array, &at, &value) || value.kind != WSM__JSON_NUMBER) return false;
    bool negative = value.raw.ptr[0] == '-';
    if (negative) value.raw = wsm__slice(value.raw.ptr + 1, value.raw.len - 1);
    if (!wsm__json_u64(value, WSM__NUMBER_MAX, &number)) return false;
    *b = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static int load_context(wsm_hub *hub, wsm_slice object, uint64_t offset) {
    wsm_slice id;
    uint64_t seq, from;
    int64_t ahead;
    size_t at = 0;
    wsm__json_value value, fixes = member_of(object, "fixes");
    if (!text_of(object, "id", &id) || !number_of(object, "seq", &seq) || fixes.kind != WSM__JSON_ARRAY)
        return WSM_ERR_LOG_CORRUPT;
    if (seq > offset) return WSM_ERR_LOG_CORRUPT; /* each is of a record of its own */
    wsm__context *context = wsm__log_context(&hub->records, id);
    if (!context && wsm__log_context_new(&hub->records, id, &context)) return WSM_ERR_NOMEM;
    context->seq = context->expected = context->trimmed_to_seq = seq;
    context->trimmed_to = offset;
    while (context->fixes.count > 0) wsm__ring_pop_back(&context->fixes, &hub->mem);
    while (wsm__json_next_element(fixes.raw, &at, &value)) {
        if (value.kind != WSM__JSON_ARRAY || !pair_of(value.raw, &from, &ahead)) return WSM_ERR_LOG_CORRUPT;
        wsm__seq_fix *fix = wsm__ring_push(&context->fixes, &hub->mem);
        if (!fix) return WSM_ERR_NOMEM;
        *fix = (wsm__seq_fix){from, ahead};
    }
    return WSM_OK;
}

static int load_dedup(wsm_hub *hub, wsm_slice object) {
    wsm_slice sender, id, digest;
    unsigned char id_bytes[32], digest_bytes[32];
    uint64_t offset, time, hop;
    if (!text_of(object, "s", &sender) || !text_of(object, "i", &id) || id.len != 22 ||
        !number_of(object, "o", &offset) || !number_of(object, "t", &time) ||
        wsm__base64url_decode(id_bytes, id.ptr, id.len) != 16)
        return WSM_ERR_LOG_CORRUPT;
    bool has_digest = text_of(object, "d", &digest);
    if (has_digest && (digest.len != 22 || wsm__base64url_decode(digest_bytes, digest.ptr, 22) != WSM__DIGEST_LEN))
        return WSM_ERR_LOG_CORRUPT;
    int err = wsm__dedup_add(&hub->dedup, sender, id_bytes, has_digest ? digest_bytes : NULL, offset, (int64_t)time,
                             member_of(object, "r").raw);
    if (!err && number_of(object, "h", &hop)) err = wsm__dedup_set_hop(&hub->dedup, sender, id_bytes, (uint32_t)hop);
    return err;
}

static int load_voids(wsm_hub *hub, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value;
    uint64_t offset;
    int64_t is_corrupt;
    while (wsm__json_next_element(array, &at, &value)) {
        if (value.kind != WSM__JSON_ARRAY || !pair_of(value.raw, &offset, &is_corrupt)) return WSM_ERR_LOG_CORRUPT;
        int err = wsm__log_add_void(&hub->records, offset, is_corrupt != 0);
        if (err) return err;
    }
    return WSM_OK;
}

static int load_ages(wsm_hub *hub, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value;
    wsm__age_mark mark;
    hub->ages.count = 0;
    while (hub->ages.count < WSM__AGES_MARKS && wsm__json_next_element(array, &at, &value)) {
        if (value.kind != WSM__JSON_ARRAY || !pair_of(value.raw, &mark.offset, &mark.time_ms))
            return WSM_ERR_LOG_CORRUPT;
        hub->ages.marks[hub->ages.count++] = mark;
    }
    return WSM_OK;
}

static int load(wsm_hub *hub, uint64_t offset, wsm_slice text) {
    static const wsm__scan_limits limits = {.depth_max = 32, .values_max = UINT32_MAX, .key_bytes_max = 128};
    wsm__json_value root, value;
    uint64_t version, lost, own;
    size_t at = 0;
    int err = wsm__json_check(text, &limits, &root, NULL);
    if (err || root.kind != WSM__JSON_OBJECT) return WSM_ERR_LOG_CORRUPT;
    wsm__json_value contexts = member_of(root.raw, "contexts"), voids = member_of(root.raw, "voids"),
                    ages = member_of(root.raw, "ages"), dedup = member_of(root.raw, "dedup");
    if (!number_of(root.raw, "v", &version) || version != 1 || !number_of(root.raw, "lost", &lost) ||
        !number_of(root.raw, "offset", &own) || own < offset || lost > own || contexts.kind != WSM__JSON_ARRAY ||
        voids.kind != WSM__JSON_ARRAY || dedup.kind != WSM__JSON_ARRAY)
        return WSM_ERR_LOG_CORRUPT;
    while (!err && wsm__json_next_element(contexts.raw, &at, &value))
        err = value.kind == WSM__JSON_OBJECT ? load_context(hub, value.raw, own) : WSM_ERR_LOG_CORRUPT;
    if (!err) err = load_voids(hub, voids.raw);
    if (!err && ages.kind == WSM__JSON_ARRAY) err = load_ages(hub, ages.raw);
    value = member_of(root.raw, "roster"); /* not there: of a hub that knew no cards */
    if (!err && value.kind)
        err = value.kind == WSM__JSON_ARRAY ? wsm__roster_load(&hub->roster, value.raw) : WSM_ERR_LOG_CORRUPT;
    uint32_t agents = wsm__roster_count(&hub->roster);
    value = member_of(root.raw, "ledger");
    if (!err && value.kind)
        err = value.kind == WSM__JSON_ARRAY ? wsm__ledger_load(&hub->ledger, agents, value.raw) : WSM_ERR_LOG_CORRUPT;
    value = member_of(root.raw, "tree"); /* not there: of a hub that knew no sidebars */
    if (!err && value.kind)
        err = value.kind == WSM__JSON_ARRAY ? wsm__tree_load(&hub->tree, &hub->records, agents, value.raw)
                                            : WSM_ERR_LOG_CORRUPT;
    if (!err) err = wsm__audience_grow(hub);
    at = 0;
    while (!err && wsm__json_next_element(dedup.raw, &at, &value))
        err = value.kind == WSM__JSON_OBJECT ? load_dedup(hub, value.raw) : WSM_ERR_LOG_CORRUPT;
    if (err) return err;
    hub->records.applied = hub->snapshot_at = offset;
    hub->refold_to = own;
    hub->records.lost = lost;
    return WSM_OK;
}

/* A snapshot that cannot be read makes the log unusable: folding from the middle would give another state. Without
 * memory what was read so far goes again, so that it can be tried anew. */
int wsm__snapshot_load(wsm_hub *hub, uint64_t offset, wsm_slice text) {
    if (hub->is_ready || hub->is_failed || hub->records.applied > 0) return WSM_OK;
    int err = load(hub, offset, text);
    if (!err) return WSM_OK;
    wsm__dedup_clear(&hub->dedup);
    while (hub->records.voids.count > 0) wsm__ring_pop_back(&hub->records.voids, &hub->mem);
    wsm__roster_clear(&hub->roster);
    wsm__ledger_clear(&hub->ledger);
    wsm__tree_clear(&hub->tree);
    hub->records.corrupt = 0;
    hub->records.lost = hub->records.applied = 0;
    if (err == WSM_ERR_NOMEM) return err;
    wsm__hub_ready(hub, WSM_ERR_LOG_CORRUPT);
    return WSM_OK;
}
