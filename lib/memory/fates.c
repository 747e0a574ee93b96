/* Lists of fates: written into heads, counted, and read again. See fates.h for what they are for. */
#include "memory/fates.h"

#include "limits.h"
#include "proto/scan.h"
#include "wsm/error.h"

static wsm__fate *at_of(const wsm__ring *fates, uint32_t idx) {
    return wsm__ring_at(fates, idx);
}

void wsm__fates_init(wsm__ring *fates) {
    wsm__ring_init(fates, sizeof(wsm__fate));
}

/* Told often enough, in the middle, they wait until they are the first. */
static void drop_told(wsm__ring *fates, wsm__mem *mem) {
    while (fates->count > 0 && at_of(fates, 0)->tellers >= WSM__FATE_TELLERS) wsm__ring_pop(fates, mem);
}

int wsm__fates_note(wsm__ring *fates, wsm__mem *mem, const wsm__fate *fate) {
    wsm__fate *place = wsm__ring_push(fates, mem);
    if (!place) return WSM_ERR_NOMEM;
    *place = *fate;
    if (fates->count > WSM__FATES_KEPT) wsm__ring_pop(fates, mem); /* so many at once, and nothing appended since */
    return WSM_OK;
}

void wsm__fates_unnote(wsm__ring *fates, wsm__mem *mem) {
    wsm__ring_pop_back(fates, mem);
}

/* ---- writing --------------------------------------------------------------------------------------------------------
 */

static void put_one(wsm__buf *buf, const wsm__fate *fate, uint64_t at, bool is_first) {
    wsm__buf_putc(buf, is_first ? '[' : ',');
    wsm__buf_put_u64(buf, at - fate->offset);
    wsm__buf_puts(buf, fate->ahead < 0 ? ",-" : ",");
    wsm__buf_put_u64(buf, fate->is_void ? 0 : fate->ahead < 0 ? (uint64_t)-fate->ahead : (uint64_t)fate->ahead);
}

uint64_t wsm__fates_put(const wsm__ring *fates, wsm__buf *buf, uint64_t at) {
    uint32_t listed = 0;
    for (uint32_t i = 0; i < fates->count; i++) {
        const wsm__fate *fate = at_of(fates, i);
        if (fate->offset > at) break;
        if (fate->tellers >= WSM__FATE_TELLERS) continue;
        if (listed == WSM__FATES_LISTED) {
            wsm__buf_putc(buf, ']');
            return fate->offset - 1;
        }
        put_one(buf, fate, at, listed++ == 0);
    }
    if (listed > 0) wsm__buf_putc(buf, ']');
    return at;
}

/* ---- reading --------------------------------------------------------------------------------------------------------
 */

static bool next_number(wsm_slice list, size_t *place, uint64_t *number, bool *is_negative) {
    wsm__json_value value;
    if (!list.ptr || !wsm__json_next_element(list, place, &value) || value.kind != WSM__JSON_NUMBER) return false;
    *is_negative = value.raw.ptr[0] == '-';
    if (*is_negative) value.raw = wsm__slice(value.raw.ptr + 1, value.raw.len - 1);
    return wsm__json_u64(value, WSM__NUMBER_MAX, number);
}

/* The next one of a head's list; offsets rise. False: there is none, or what follows makes no sense. */
static bool next_fate(const wsm__record_head *head, size_t *place, wsm__fate *fate) {
    uint64_t back, ahead, before = fate->offset;
    bool is_negative;
    if (!next_number(head->fates, place, &back, &is_negative) || is_negative || back >= head->at) return false;
    if (!next_number(head->fates, place, &ahead, &is_negative)) return false;
    *fate = (wsm__fate){
        .offset = head->at - back, .ahead = is_negative ? -(int64_t)ahead : (int64_t)ahead, .is_void = ahead == 0};
    return fate->offset > before;
}

void wsm__fates_count(wsm__ring *fates, wsm__mem *mem, const wsm__record_head *head) {
    wsm__fate told = {0};
    uint32_t i = 0;
    for (size_t place = 0; fates->count > 0 && next_fate(head, &place, &told);) {
        while (i < fates->count && at_of(fates, i)->offset < told.offset) i++;
        if (i == fates->count) break;
        wsm__fate *fate = at_of(fates, i);
        if (fate->offset == told.offset && fate->tellers < WSM__FATE_TELLERS) fate->tellers++;
    }
    drop_told(fates, mem);
}

int wsm__fates_hear(wsm__fates_heard *heard, wsm__mem *mem, const wsm__record_head *head, uint64_t offset,
                    uint64_t applied) {
    uint64_t to = head->told ? head->told : head->at;
    uint32_t count = heard->fates.count;
    wsm__fate told = {0};
    if (!head->has_at || head->at >= offset || to > head->at || to <= heard->to) return WSM_OK;
    for (size_t place = 0; next_fate(head, &place, &told) && told.offset <= to;) {
        if (told.offset <= heard->to || told.offset <= applied) continue;
        wsm__fate *fate = wsm__ring_push(&heard->fates, mem);
        if (!fate) {
            while (heard->fates.count > count) wsm__ring_pop_back(&heard->fates, mem);
            return WSM_ERR_NOMEM;
        }
        *fate = told;
    }
    heard->to = to;
    uint64_t oldest = heard->broken[heard->broken_next]; /* of so many that all may have told what stands before them */
    heard->untold_to = oldest > 0 ? oldest - 1 : 0;
    return WSM_OK;
}

void wsm__fates_miss(wsm__fates_heard *heard, uint64_t offset) {
    uint64_t newest = heard->broken[(heard->broken_next + WSM__FATE_TELLERS - 1) % WSM__FATE_TELLERS];
    if (offset <= newest) return; /* it was delivered twice */
    heard->broken[heard->broken_next] = offset;
    heard->broken_next = (heard->broken_next + 1) % WSM__FATE_TELLERS;
}

const wsm__fate *wsm__fates_of(wsm__fates_heard *heard, wsm__mem *mem, uint64_t offset) {
    while (heard->fates.count > 0 && at_of(&heard->fates, 0)->offset < offset) wsm__ring_pop(&heard->fates, mem);
    if (heard->fates.count == 0 || at_of(&heard->fates, 0)->offset != offset) return NULL;
    return at_of(&heard->fates, 0);
}

bool wsm__fates_is_untold(const wsm__fates_heard *heard, uint64_t offset) {
    return offset <= heard->untold_to;
}
