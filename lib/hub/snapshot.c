/* Snapshots: the folded state as one JSON object, so that a restart folds only what came after it.
 *
 *     {"v":1,"offset":17,"lost":1,"broken":1,"contexts":[{"id":"main","seq":17,"lost":1,"fixes":[[9,1]]}],
 *      "voids":[[4,0],[8,1]],"untold":[[4,0,1]],"ages":[[3,1767323040000]],
 *      "dedup":[{"s":"ada","i":"…","d":"…","o":17,"t":1767323045678,"w":300000}]}
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

static void put_numbers(wsm__buf *buf, bool first, const int64_t *numbers, size_t count) {
    wsm__buf_puts(buf, first ? "[" : ",[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) wsm__buf_putc(buf, ',');
        if (numbers[i] < 0) wsm__buf_putc(buf, '-');
        wsm__buf_put_u64(buf, (uint64_t)(numbers[i] < 0 ? -numbers[i] : numbers[i]));
    }
    wsm__buf_putc(buf, ']');
}

static void put_pair(wsm__buf *buf, bool first, uint64_t offset, int64_t number) {
    put_numbers(buf, first, (const int64_t[]){(int64_t)offset, number}, 2);
}

static void put_contexts(wsm_hub *hub, wsm__buf *buf) {
    for (uint32_t i = 0; i < wsm__log_context_count(&hub->records); i++) {
        const wsm__context *context = wsm__log_context_at(&hub->records, i);
        wsm__json_out out;
        if (i > 0) wsm__buf_putc(buf, ',');
        wsm__json_open(&out, buf);
        wsm__json_str(&out, "id", wsm__slice(context->id, context->id_len));
        wsm__json_num(&out, "seq", context->seq);
        wsm__json_num(&out, "lost", context->lost);
        wsm__json_name(&out, "fixes");
        wsm__buf_putc(buf, '[');
        for (uint32_t k = 0; k < context->fixes.count; k++) {
            const wsm__seq_fix *fix = wsm__ring_at(&context->fixes, k);
            put_pair(buf, k == 0, fix->offset, fix->ahead);
        }
        wsm__buf_putc(buf, ']');
        wsm__json_close(&out);
    }
}

/* What it is: refused (0), broken (1), broken and void before (2), refused for want of what has broken (3). */
static void put_voids(wsm_hub *hub, wsm__buf *buf) {
    for (uint32_t i = 0; i < hub->records.voids.count; i++) {
        const wsm__void *at = wsm__ring_at(&hub->records.voids, i);
        put_pair(buf, i == 0, at->offset, at->is_corrupt ? (at->is_lost ? 1 : 2) : (at->is_lost ? 3 : 0));
    }
}

static void put_untold(wsm_hub *hub, wsm__buf *buf) {
    for (uint32_t i = 0; i < hub->records.untold.count; i++) {
        const wsm__fate *fate = wsm__ring_at(&hub->records.untold, i);
        put_numbers(buf, i == 0, (const int64_t[]){(int64_t)fate->offset, fate->ahead, fate->tellers}, 3);
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
        wsm__json_num(&out, "w", (uint64_t)entry->window_ms);
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
    wsm__json_num(&out, "broken", hub->records.broken);
    wsm__json_name(&out, "contexts");
    wsm__buf_putc(&buf, '[');
    put_contexts(hub, &buf);
    wsm__buf_putc(&buf, ']');
    wsm__json_name(&out, "voids");
    wsm__buf_putc(&buf, '[');
    put_voids(hub, &buf);
    wsm__buf_putc(&buf, ']');
    wsm__json_name(&out, "untold");
    wsm__buf_putc(&buf, '[');
    put_untold(hub, &buf);
    wsm__buf_putc(&buf, ']');
    wsm__json_name(&out, "ages");
    wsm__buf_putc(&buf, '[');
    for (size_t i = 0; i < hub->ages.count; i++)
        put_pair(&buf, i == 0, hub->ages.marks[i].offset, hub->ages.marks[i].time_ms);
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

static bool number_of(wsm_slice object, const char *name, uint64_t *number) {
    return wsm__json_u64(wsm__json_member_of(object, name), WSM__NUMBER_MAX, number);
}

static bool text_of(wsm_slice object, const char *name, wsm_slice *text) {
    wsm__json_value value = wsm__json_member_of(object, name);
    return value.kind == WSM__JSON_STRING && wsm__json_string_is_plain(value.raw, text);
}

static bool next_number(wsm_slice array, size_t *at, int64_t *out) {
    wsm__json_value value;
    uint64_t number;
    if (!wsm__json_next_element(array, at, &value) || value.kind != WSM__JSON_NUMBER) return false;
    bool negative = value.raw.ptr[0] == '-';
    if (negative) value.raw = wsm__slice(value.raw.ptr + 1, value.raw.len - 1);
    if (!wsm__json_u64(value, WSM__NUMBER_MAX, &number)) return false;
    *out = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

/* An offset, and so many numbers behind it. */
static bool numbers_of(wsm__json_value array, uint64_t *offset, int64_t *numbers, size_t count) {
    size_t at = 0;
    int64_t first;
    if (array.kind != WSM__JSON_ARRAY || !next_number(array.raw, &at, &first) || first < 0) return false;
    *offset = (uint64_t)first;
    for (size_t i = 0; i < count; i++)
        if (!next_number(array.raw, &at, &numbers[i])) return false;
    return true;
}

static int load_context(wsm_hub *hub, wsm_slice object, uint64_t offset) {
    wsm_slice id;
    uint64_t seq, from, lost = 0;
    int64_t ahead;
    size_t at = 0;
    wsm__json_value value, fixes = wsm__json_member_of(object, "fixes");
    if (!text_of(object, "id", &id) || !number_of(object, "seq", &seq) || fixes.kind != WSM__JSON_ARRAY)
        return WSM_ERR_LOG_CORRUPT;
    if (seq > offset) return WSM_ERR_LOG_CORRUPT; /* each is of a record of its own */
    wsm__context *context = wsm__log_context(&hub->records, id);
    if (!context && wsm__log_context_new(&hub->records, id, &context)) return WSM_ERR_NOMEM;
    number_of(object, "lost", &lost); /* not there: of a hub that did not tell contexts apart */
    context->seq = context->trimmed_to_seq = seq;
    context->lost = lost;
    context->trimmed_to = offset;
    while (context->fixes.count > 0) wsm__ring_pop_back(&context->fixes, &hub->mem);
    while (wsm__json_next_element(fixes.raw, &at, &value)) {
        if (!numbers_of(value, &from, &ahead, 1)) return WSM_ERR_LOG_CORRUPT;
        wsm__seq_fix *fix = wsm__ring_push(&context->fixes, &hub->mem);
        if (!fix) return WSM_ERR_NOMEM;
        *fix = (wsm__seq_fix){from, ahead};
    }
    return WSM_OK;
}

static int load_dedup(wsm_hub *hub, wsm_slice object) {
    wsm_slice sender, id, digest;
    unsigned char id_bytes[32], digest_bytes[32];
    uint64_t offset, time, hop, window;
    if (!text_of(object, "s", &sender) || !text_of(object, "i", &id) || id.len != 22 ||
        !number_of(object, "o", &offset) || !number_of(object, "t", &time) ||
        wsm__base64url_decode(id_bytes, id.ptr, id.len) != 16)
        return WSM_ERR_LOG_CORRUPT;
    bool has_digest = text_of(object, "d", &digest);
    if (has_digest && (digest.len != 22 || wsm__base64url_decode(digest_bytes, digest.ptr, 22) != WSM__DIGEST_LEN))
        return WSM_ERR_LOG_CORRUPT;
    hub->dedup.ids_max = 0; /* they are as many as there were, until the next record */
    hub->dedup.window_ms = number_of(object, "w", &window) ? (int64_t)window : hub->config.dedup_window_ms;
    int err = wsm__dedup_add(&hub->dedup, sender, id_bytes, has_digest ? digest_bytes : NULL, offset, (int64_t)time,
                             wsm__json_member_of(object, "r").raw);
    wsm__rules_leave(hub);
    if (!err && number_of(object, "h", &hop)) err = wsm__dedup_set_hop(&hub->dedup, sender, id_bytes, (uint32_t)hop);
    return err;
}

static int load_voids(wsm_hub *hub, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value;
    uint64_t offset;
    int64_t what;
    while (wsm__json_next_element(array, &at, &value)) {
        if (!numbers_of(value, &offset, &what, 1)) return WSM_ERR_LOG_CORRUPT;
        wsm__void place = {.offset = offset, .is_corrupt = what == 1 || what == 2, .is_lost = what == 1 || what == 3};
        int err = wsm__log_add_void(&hub->records, &place, false);
        if (err) return err;
    }
    return WSM_OK;
}

static int load_untold(wsm_hub *hub, wsm_slice array, uint64_t own) {
    size_t at = 0;
    wsm__json_value value;
    uint64_t offset, before = 0;
    int64_t rest[2];
    while (wsm__json_next_element(array, &at, &value)) {
        if (!numbers_of(value, &offset, rest, 2) || offset <= before || offset > own || rest[1] < 0)
            return WSM_ERR_LOG_CORRUPT;
        uint8_t tellers = rest[1] < WSM__FATE_TELLERS ? (uint8_t)rest[1] : WSM__FATE_TELLERS;
        wsm__fate fate = {.offset = offset, .ahead = rest[0], .is_void = rest[0] == 0, .tellers = tellers};
        int err = wsm__fates_note(&hub->records.untold, &hub->mem, &fate);
        if (err) return err;
        before = offset;
    }
    return WSM_OK;
}

static int load_ages(wsm_hub *hub, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value;
    wsm__age_mark mark;
    hub->ages.count = 0;
    while (hub->ages.count < WSM__AGES_MARKS && wsm__json_next_element(array, &at, &value)) {
        if (!numbers_of(value, &mark.offset, &mark.time_ms, 1)) return WSM_ERR_LOG_CORRUPT;
        hub->ages.marks[hub->ages.count++] = mark;
    }
    return WSM_OK;
}

/* What is told of single records. The counts of the log come last: adding voids has changed them. */
static int load_records(wsm_hub *hub, wsm_slice object, uint64_t own) {
    uint64_t lost, broken;
    wsm__json_value voids = wsm__json_member_of(object, "voids"), untold = wsm__json_member_of(object, "untold");
    if (!number_of(object, "lost", &lost) || lost > own || voids.kind != WSM__JSON_ARRAY) return WSM_ERR_LOG_CORRUPT;
    for (uint32_t i = 0; i < wsm__log_context_count(&hub->records); i++)
        if (wsm__log_context_at(&hub->records, i)->lost > lost) return WSM_ERR_LOG_CORRUPT;
    int err = load_voids(hub, voids.raw);
    if (!err && untold.kind) /* not there: of a hub whose heads told nothing */
        err = untold.kind == WSM__JSON_ARRAY ? load_untold(hub, untold.raw, own) : WSM_ERR_LOG_CORRUPT;
    if (!number_of(object, "broken", &broken) || broken > own) broken = hub->records.broken;
    hub->records.lost = lost;
    hub->records.broken = broken;
    return err;
}

static int load(wsm_hub *hub, uint64_t offset, wsm_slice text) {
    static const wsm__scan_limits limits = {.depth_max = 32, .values_max = UINT32_MAX, .key_bytes_max = 128};
    wsm__json_value root, value;
    uint64_t version, own;
    size_t at = 0;
    int err = wsm__json_check(text, &limits, &root, NULL);
    if (err || root.kind != WSM__JSON_OBJECT) return WSM_ERR_LOG_CORRUPT;
    wsm__json_value contexts = wsm__json_member_of(root.raw, "contexts"), ages = wsm__json_member_of(root.raw, "ages"),
                    dedup = wsm__json_member_of(root.raw, "dedup");
    if (!number_of(root.raw, "v", &version) || version != 1 || !number_of(root.raw, "offset", &own) || own < offset ||
        contexts.kind != WSM__JSON_ARRAY || dedup.kind != WSM__JSON_ARRAY)
        return WSM_ERR_LOG_CORRUPT;
    while (!err && wsm__json_next_element(contexts.raw, &at, &value))
        err = value.kind == WSM__JSON_OBJECT ? load_context(hub, value.raw, own) : WSM_ERR_LOG_CORRUPT;
    if (!err) err = load_records(hub, root.raw, own);
    if (!err && ages.kind == WSM__JSON_ARRAY) err = load_ages(hub, ages.raw);
    value = wsm__json_member_of(root.raw, "roster"); /* not there: of a hub that knew no cards */
    if (!err && value.kind)
        err = value.kind == WSM__JSON_ARRAY ? wsm__roster_load(&hub->roster, value.raw) : WSM_ERR_LOG_CORRUPT;
    uint32_t agents = wsm__roster_count(&hub->roster);
    value = wsm__json_member_of(root.raw, "ledger");
    if (!err && value.kind)
        err = value.kind == WSM__JSON_ARRAY ? wsm__ledger_load(&hub->ledger, agents, value.raw) : WSM_ERR_LOG_CORRUPT;
    value = wsm__json_member_of(root.raw, "tree"); /* not there: of a hub that knew no sidebars */
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
    while (hub->records.untold.count > 0) wsm__ring_pop_back(&hub->records.untold, &hub->mem);
    wsm__roster_clear(&hub->roster);
    wsm__ledger_clear(&hub->ledger);
    wsm__tree_clear(&hub->tree);
    hub->records.corrupt = 0;
    hub->records.lost = hub->records.broken = hub->records.applied = 0;
    if (err == WSM_ERR_NOMEM) return err;
    wsm__hub_ready(hub, WSM_ERR_LOG_CORRUPT);
    return WSM_OK;
}
