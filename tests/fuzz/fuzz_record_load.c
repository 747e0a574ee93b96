/* F12, first third: what a log hands back when a hub loads: records and snapshots of any bytes (I-93). See tape.h for
 * what is expected.
 *
 * The input is parts divided by the byte 0x1e, behind a byte of settings. A part that begins with `S` is a snapshot,
 * with `G` a hole, with `B` a record that came back broken; any other is a record. In a record {N} stands for its
 * offset. */
#include <stdlib.h>
#include <string.h>

#include "tape.h"

#define RECORDS_MAX 64

static char *filled_in(wsm_slice part, uint64_t offset, size_t *len) {
    fuzz_text text = {0};
    for (size_t i = 0; i < part.len; i++) {
        if (part.len - i >= 3 && memcmp(part.ptr + i, "{N}", 3) == 0) {
            fuzz_print(&text, "%llu", (unsigned long long)offset);
            i += 2;
        } else {
            fuzz_put(&text, part.ptr + i, 1);
        }
    }
    char *copy = fuzz_copy(text.ptr, text.len);
    *len = text.len;
    fuzz_text_free(&text);
    return copy;
}

static void wind(tape *t, fuzz_in in) {
    *t = (tape){.mode = fuzz_u8(&in)};
    uint64_t offset = 0;
    while (in.left > 0 && t->count < RECORDS_MAX) {
        wsm_slice part = fuzz_until(&in, 0x1e);
        char kind = part.len ? part.ptr[0] : 'R';
        if (kind == 'G') {
            offset++;
        } else if (kind == 'S' && !t->snapshot && t->count == 0) {
            t->snapshot_offset = offset;
            t->snapshot = filled_in((wsm_slice){part.ptr + 1, part.len - 1}, offset, &t->snapshot_len);
            if (t->snapshot_len == 0 || offset == 0) { /* the log gives none that says nothing */
                free(t->snapshot);
                t->snapshot = NULL;
                t->snapshot_offset = 0;
            }
        } else {
            wsm_record *record = &t->records[t->count++];
            *record = (wsm_record){++offset, NULL, 0};
            if (kind != 'B') record->bytes = filled_in(part, offset, &record->len);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tape t;
    wind(&t, (fuzz_in){data, size});
    tape_run(&t);
    tape_unwind(&t);
    return 0;
}
