/* F12, third third: a log with a record of every type, sidebars, mentions and cards, and a snapshot of them all, with
 * some damage done to it. See tape.h for what is expected.
 *
 * The first byte picks the hub's settings and whether it begins with the snapshot, the second how many of the records
 * there are. Then comes the damage: which record, of what kind, and the bytes that kind asks for. */
#include <stdlib.h>
#include <string.h>

#include "chronicle.h"
#include "proto/scan.h"
#include "tape.h"

enum { FROM_SNAPSHOT = 16, MODES = TAPE_READS | TAPE_SHORT | TAPE_SAVES | TAPE_LATE };

#define DAMAGE_MAX 24

/* Bytes that are damaged: a record's, or the snapshot's. */
typedef struct victim {
    char *bytes;
    size_t len;
} victim;

/* ---- values of JSON in it ---- */

static size_t string_end(wsm_slice text, size_t at) {
    for (at++; at < text.len && text.ptr[at] != '"'; at++)
        if (text.ptr[at] == '\\') at++;
    return at < text.len ? at + 1 : text.len;
}

/* The value, key or container number `idx` modulo their count, as it stands; empty: there is none. */
static wsm_slice part_of(wsm_slice text, size_t idx) {
    wsm_slice found = {text.ptr, 0};
    size_t count = 0, wanted = idx;
    for (int round = 0; round < 2; round++) {
        size_t seen = 0;
        for (size_t at = 0; at < text.len;) {
            size_t from = at;
            char c = text.ptr[at];
            if (c == '"')
                at = string_end(text, at);
            else if (strchr("{}[],: \n", c))
                at++;
            else
                while (at < text.len && !strchr("{}[],: \n\"", text.ptr[at])) at++;
            if (at == from + 1 && strchr("}],: \n", c)) continue;
            if (round == 1 && seen == wanted) return (wsm_slice){text.ptr + from, at - from};
            seen++;
        }
        count = seen;
        if (count == 0) return found;
        wanted = idx % count;
    }
    return found;
}

/* ---- damage ---- */

static void put_in_place(victim *v, wsm_slice place, wsm_slice what) {
    size_t at = place.len || place.ptr ? (size_t)(place.ptr - v->bytes) : v->len;
    fuzz_text text = {0};
    fuzz_put(&text, v->bytes, at);
    fuzz_put(&text, what.ptr, what.len);
    fuzz_put(&text, v->bytes + at + place.len, v->len - at - place.len);
    char *copy = fuzz_copy(text.ptr, text.len);
    v->len = text.len;
    fuzz_text_free(&text);
    free(v->bytes);
    v->bytes = copy;
}

static wsm_slice place_in(const victim *v, fuzz_in *in, size_t len) {
    size_t at = v->len > 0 ? fuzz_u16(in) % v->len : 0;
    return (wsm_slice){v->bytes + at, len < v->len - at ? len : v->len - at};
}

static wsm_slice other_value(fuzz_in *in) {
    static const char *const values[] = {"0",
                                         "1",
                                         "-1",
                                         "2",
                                         "7",
                                         "255",
                                         "4294967295",
                                         "4294967296",
                                         "9007199254740991",
                                         "1e3",
                                         "9007199254740992",
                                         "null",
                                         "true",
                                         "\"\"",
                                         "\"ada\"",
                                         "\"bob\"",
                                         "\"hub\"",
                                         "\"main\"",
                                         "\"a b\"",
                                         "[]",
                                         "{}",
                                         "[[]]",
                                         "[0,0,0]",
                                         "[1,2,3]",
                                         "[\"ada\"]",
                                         "[\"x\",\"x\"]",
                                         "\"sb-none\"",
                                         "\"\\ud800\"",
                                         "\"\xff\"",
                                         "\"archived\"",
                                         "\"active\"",
                                         "{\"a\":1,\"a\":2}"};
    return (wsm_slice){values[fuzz_below(in, sizeof values / sizeof *values)], 0};
}

static void damage_bytes(victim *v, fuzz_in *in, const victim *other) {
    wsm_slice place, what;
    switch (fuzz_below(in, 8)) {
    case 0: /* one byte is another */
        place = place_in(v, in, 1);
        what = fuzz_take(in, 1);
        break;
    case 1: /* some are missing */
        place = place_in(v, in, 1 + fuzz_u8(in));
        what = (wsm_slice){"", 0};
        break;
    case 2: /* some are too many */
        place = place_in(v, in, 0);
        what = fuzz_take(in, 1 + fuzz_below(in, 8));
        break;
    case 3: /* the end is missing */
        place = place_in(v, in, SIZE_MAX);
        what = (wsm_slice){"", 0};
        break;
    case 4: /* a value is missing */
        place = part_of((wsm_slice){v->bytes, v->len}, fuzz_u16(in));
        what = (wsm_slice){"", 0};
        break;
    case 5: /* a value of another record */
        place = part_of((wsm_slice){v->bytes, v->len}, fuzz_u16(in));
        what = part_of((wsm_slice){other->bytes, other->len}, fuzz_u16(in));
        break;
    default: /* another value */
        place = part_of((wsm_slice){v->bytes, v->len}, fuzz_u16(in));
        what = other_value(in);
        what.len = strlen(what.ptr);
        break;
    }
    fuzz_text kept = {0}; /* it may lie in what is changed */
    fuzz_put(&kept, what.ptr, what.len);
    put_in_place(v, place, (wsm_slice){kept.ptr, kept.len});
    fuzz_text_free(&kept);
}

static victim record_at(const tape *t, size_t idx) {
    return (victim){(char *)(uintptr_t)t->records[idx].bytes, t->records[idx].len};
}

static void set_record(tape *t, size_t idx, victim v) {
    t->records[idx].bytes = v.bytes;
    t->records[idx].len = v.len;
}

static void drop(tape *t, size_t idx) {
    free((void *)(uintptr_t)t->records[idx].bytes);
    memmove(t->records + idx, t->records + idx + 1, (t->count - idx - 1) * sizeof *t->records);
    t->count--;
}

static void damage(tape *t, fuzz_in *in) {
    size_t which = fuzz_u8(in), kind = fuzz_below(in, 16);
    if (t->snapshot && (which == 255 || t->count == 0)) {
        victim v = {t->snapshot, t->snapshot_len}, none = {NULL, 0};
        damage_bytes(&v, in,
                     t->count > 0 ? &(victim){(char *)(uintptr_t)t->records[0].bytes, t->records[0].len} : &none);
        t->snapshot = v.bytes;
        t->snapshot_len = v.len;
        return;
    }
    if (t->count == 0) return;
    size_t idx = which % t->count, other = fuzz_u8(in) % t->count;
    victim a = record_at(t, idx), b = record_at(t, other);
    if (kind == 0) {
        drop(t, idx);
    } else if (kind == 1) { /* came back broken */
        free(a.bytes);
        set_record(t, idx, (victim){NULL, 0});
    } else if (kind == 2) { /* two have changed their places */
        set_record(t, idx, b);
        set_record(t, other, a);
    } else if (kind == 3 && b.bytes && idx != other) { /* once more */
        free(a.bytes);
        set_record(t, idx, (victim){fuzz_copy(b.bytes, b.len), b.len});
    } else if (a.bytes) {
        damage_bytes(&a, in, b.bytes && idx != other ? &b : &(victim){NULL, 0});
        set_record(t, idx, a);
    }
}

static void wind(tape *t, fuzz_in *in) {
    const kept_log *log = chronicle();
    unsigned mode = fuzz_u8(in);
    *t = (tape){.mode = mode & MODES, .later_ms = chronicle_ms()};
    size_t from = mode & FROM_SNAPSHOT ? (size_t)log->snapshot_offset : 0, left = log->count - from;
    size_t count = fuzz_u8(in) % (left + 1);
    if (count == 0) count = left;
    if (mode & FROM_SNAPSHOT) {
        t->snapshot = fuzz_copy(log->snapshot, log->snapshot_len);
        t->snapshot_len = log->snapshot_len;
        t->snapshot_offset = log->snapshot_offset;
    }
    FUZZ_EXPECT(count <= TAPE_RECORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        wsm_record copy = log->records[from + i];
        copy.bytes = fuzz_copy(copy.bytes, copy.len);
        t->records[t->count++] = copy;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    tape t;
    wind(&t, &in);
    for (int i = 0; i < DAMAGE_MAX && in.left > 0; i++) damage(&t, &in);
    tape_run(&t);
    tape_unwind(&t);
    return 0;
}
