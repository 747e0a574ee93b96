/* The rules by name, the first breach of a script, and the bytes that records and snapshots are made of. */
#include "logcheck.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *sentence;
} rules[WSM__RULES] = {
    [WSM__RULE_OPENS] = {"opens", "open() loads and says ready, unless the storage fails"},
    [WSM__RULE_READY_ONCE] = {"ready_once", "wsm_log_ready is said exactly once, and at most one snapshot before it"},
    [WSM__RULE_LOAD_ORDER] = {"load_order", "a snapshot comes before the records, and they follow it without a hole"},
    [WSM__RULE_INFO_TRUE] = {"info_true", "first and last offset are those of what was loaded and can be read"},
    [WSM__RULE_EPOCH_FORM] = {"epoch_form", "the epoch is 16 hex digits in lower case"},
    [WSM__RULE_EPOCH_KEPT] = {"epoch_kept", "an opening that has lost nothing that was delivered keeps the epoch"},
    [WSM__RULE_EPOCH_NEW] = {"epoch_new", "an opening that has lost what was delivered has a new epoch"},
    [WSM__RULE_OFFSET_ORDER] = {"offset_order", "records are delivered at 1, 2, 3 and so on, without a hole"},
    [WSM__RULE_DELIVER_ONCE] = {"deliver_once", "a record is delivered once in an opening"},
    [WSM__RULE_DELIVER_ALL] = {"deliver_all", "every record of an append that was kept is delivered"},
    [WSM__RULE_APPEND_ORDER] = {"append_order", "records are delivered in the order in which they were appended"},
    [WSM__RULE_BYTES_EXACT] = {"bytes_exact", "a record comes back exactly as it went"},
    [WSM__RULE_ALL_OR_NOTHING] = {"all_or_nothing", "an append is kept whole or not at all"},
    [WSM__RULE_REFUSED_SILENT] = {"refused_silent", "an append that returned an error leaves no record and no end"},
    [WSM__RULE_DONE_ONCE] = {"done_once", "an append ends once"},
    [WSM__RULE_DONE_KNOWN] = {"done_known", "wsm_log_done names an append of this opening, and an outcome that exists"},
    [WSM__RULE_DONE_COMES] = {"done_comes", "every append ends, before close() returns at the latest"},
    [WSM__RULE_APPENDS_WORK] = {"appends_work", "appends are kept as long as the storage does not fail"},
    [WSM__RULE_READ_ONCE] = {"read_once", "a read is answered once, and only what was asked"},
    [WSM__RULE_READ_COMES] = {"read_comes", "every read is answered, before close() returns at the latest"},
    [WSM__RULE_READ_RANGE] = {"read_range", "a page holds the records of the range from its first on, without a hole"},
    [WSM__RULE_READ_LIMITS] = {"read_limits", "a page keeps to its limits, uses them, and has at least one record"},
    [WSM__RULE_READ_EXACT] = {"read_exact", "what is read is what was delivered"},
    [WSM__RULE_SNAPSHOT_EXACT] = {"snapshot_exact", "the snapshot that is loaded is one that was saved, byte for byte"},
    [WSM__RULE_SNAPSHOT_KEPT] = {"snapshot_kept",
                                 "after a close the snapshot that was saved last is loaded, or none and all records"},
    [WSM__RULE_TRIM_KEEPS] = {"trim_keeps", "trimming takes nothing above its offset, or that no snapshot stands for"},
    [WSM__RULE_CLOSE_KEEPS] = {"close_keeps", "what was kept before a close is there after it"},
    [WSM__RULE_SYNCED_SURVIVES] = {"synced_survives", "what was called synced or durable survives a crash"},
    [WSM__RULE_HISTORY_FIXED] = {"history_fixed", "an offset of an epoch never shows two different records"},
    [WSM__RULE_SILENT_AFTER_CLOSE] = {"silent_after_close", "after close() the hub is not called any more"},
};

const char *wsm_log_rule(size_t idx, const char **sentence) {
    if (sentence) *sentence = idx < WSM__RULES ? rules[idx].sentence : NULL;
    return idx < WSM__RULES ? rules[idx].name : NULL;
}

void wsm__lc_breach(wsm__lc *check, wsm__rule rule, const char *format, ...) {
    if (check->has_breach) return;
    va_list args;
    va_start(args, format);
    vsnprintf(check->what, sizeof check->what, format, args);
    va_end(args);
    check->has_breach = true;
    check->rule = rule;
}

const char *wsm__lc_rule_name(wsm__rule rule) {
    return rules[rule].name;
}

bool wsm__lc_grow(void **array, size_t count, size_t *cap, size_t size) {
    if (count < *cap) return true;
    size_t wanted = *cap ? *cap * 2 : 64;
    void *moved = realloc(*array, wanted * size);
    if (!moved) return false;
    *array = moved;
    *cap = wanted;
    return true;
}

/* splitmix64 */
static uint64_t mix(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t wsm__lc_random(wsm__lc *check, uint64_t below) {
    check->random += 0x9E3779B97F4A7C15u;
    return below ? mix(check->random) % below : 0;
}

#define HEAD_LEN 18 /* "%08x.%08x " */

size_t wsm__lc_record_len(const wsm__lc *check, wsm__lc_place place) {
    uint64_t draw = mix((uint64_t)place.batch << 32 | place.idx);
    size_t len = draw % 16 == 0 ? 4000 + draw / 16 % 3000 : draw % 16 < 4 ? draw / 16 % 3 : draw / 16 % 300;
    bool is_giant = check->batches[place.batch].count == 1 && place.batch == 0 && strcmp(check->script, "giant") == 0;
    return is_giant ? check->maker.record_max : HEAD_LEN + len;
}

void wsm__lc_record_make(const wsm__lc *check, wsm__sim_bytes *out, wsm__lc_place place) {
    static const char filler[] = "the quick brown f\xC3\xB6x jumps \xE2\x82\xAC over \xF0\x9F\x98\x80 the lazy dog\n";
    size_t len = wsm__lc_record_len(check, place);
    unsigned char *at = wsm__sim_bytes_room(out, len + HEAD_LEN + 1);
    if (!at) return;
    snprintf((char *)at, HEAD_LEN + 1, "%08x.%08x ", (unsigned)place.batch, (unsigned)place.idx);
    size_t used = HEAD_LEN;
    while (len - used >= sizeof filler - 1) { /* whole characters only: records are UTF-8 */
        memcpy(at + used, filler, sizeof filler - 1);
        used += sizeof filler - 1;
    }
    if (used < len) memset(at + used, 'a' + (int)((place.batch + place.idx) % 26), len - used);
    out->len += len;
}

void wsm__lc_save_make(wsm__sim_bytes *out, size_t number) {
    size_t len = 1 + mix(number) % 5000;
    unsigned char *at = wsm__sim_bytes_room(out, len + 32);
    if (!at) return;
    int used = snprintf((char *)at, 32, "snapshot %zu ", number);
    if (len < (size_t)used) len = (size_t)used;
    for (size_t i = (size_t)used; i < len; i++) at[i] = (unsigned char)mix(number ^ i << 20); /* any bytes */
    out->len += len;
}

uint64_t wsm__lc_id(const wsm__lc *check, size_t batch) {
    return (batch - check->batches_first) * 7 + 1; /* ids start anew with each hub, and are not consecutive */
}

bool wsm__lc_record_is(wsm__lc *check, const wsm_record *record, wsm__lc_place *place) {
    unsigned batch, idx;
    char head[HEAD_LEN + 1] = "";
    if (record->bytes && record->len >= HEAD_LEN) memcpy(head, record->bytes, HEAD_LEN);
    /* NOLINTNEXTLINE(cert-err34-c): the widths keep both within 32 bits */
    if (sscanf(head, "%8x.%8x ", &batch, &idx) != 2 || batch >= check->batches_count ||
        idx >= check->batches[batch].count) {
        wsm__lc_breach(check, WSM__RULE_BYTES_EXACT, "the record at %llu (%zu bytes) is none that was appended",
                       (unsigned long long)record->offset, record->len);
        return false;
    }
    *place = (wsm__lc_place){batch, idx};
    wsm__sim_bytes_clear(&check->expected);
    wsm__lc_record_make(check, &check->expected, *place);
    if (record->len == check->expected.len && memcmp(record->bytes, check->expected.at, record->len) == 0) return true;
    wsm__lc_breach(check, WSM__RULE_BYTES_EXACT, "the record at %llu came back changed, %zu bytes instead of %zu",
                   (unsigned long long)record->offset, record->len, check->expected.len);
    return false;
}
