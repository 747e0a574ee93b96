/* The set of offsets above the position. The room in front of `start` is used again before the array grows. */
#include "client/seen.h"

#include <string.h>

#define FIRST_CAP 64u

/* Index, counted from `start`, of the first offset that is not below the given one. */
static uint32_t lower_bound(const wsm__seen *seen, uint64_t offset) {
    uint32_t low = 0, high = seen->count;
    if (!high) return 0; /* there may be no array yet */
    const uint64_t *at = seen->offsets + seen->start;
    if (at[high - 1] < offset) return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (at[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void front_drop(wsm__seen *seen, uint32_t count) {
    seen->start += count;
    seen->count -= count;
    if (!seen->count) seen->start = 0;
}

/* Make room for one more at the end. */
static int grow(wsm__seen *seen, wsm__mem *mem) {
    if (seen->count == WSM__SEEN_MAX) front_drop(seen, WSM__SEEN_MAX / 8);
    if (seen->start + seen->count < seen->cap) return 0;
    if (seen->start > seen->cap / 8) { /* amortised: a move of n follows at least n / 8 that were dropped */
        memmove(seen->offsets, seen->offsets + seen->start, seen->count * sizeof *seen->offsets);
        seen->start = 0;
        return 0;
    }
    uint32_t cap = seen->cap ? seen->cap * 2 : FIRST_CAP;
    uint64_t *offsets = wsm__resize(mem, seen->offsets, seen->cap * sizeof *offsets, cap * sizeof *offsets);
    if (!offsets) return WSM_ERR_NOMEM;
    seen->offsets = offsets;
    seen->cap = cap;
    return 0;
}

void wsm__seen_fini(wsm__seen *seen, wsm__mem *mem) {
    wsm__free(mem, seen->offsets, seen->cap * sizeof *seen->offsets);
    *seen = (wsm__seen){0};
}

bool wsm__seen_has(const wsm__seen *seen, uint64_t offset) {
    uint32_t idx = lower_bound(seen, offset);
    return idx < seen->count && seen->offsets[seen->start + idx] == offset;
}

int wsm__seen_add(wsm__seen *seen, wsm__mem *mem, uint64_t offset) {
    if (wsm__seen_has(seen, offset)) return 0;
    int err = grow(seen, mem);
    if (err) return err;
    uint32_t idx = lower_bound(seen, offset);
    uint64_t *at = seen->offsets + seen->start + idx;
    memmove(at + 1, at, (seen->count - idx) * sizeof *at);
    *at = offset;
    seen->count++;
    return 0;
}

void wsm__seen_drop(wsm__seen *seen, uint64_t position) {
    if (position == UINT64_MAX) {
        front_drop(seen, seen->count);
        return;
    }
    front_drop(seen, lower_bound(seen, position + 1));
}
