/* Lanes: five small rings and the rules of who goes first and what fits. */
#include "conn/lanes.h"

#include "wsm/error.h"

#define BACKGROUND_EVERY 16u

typedef struct item {
    wsm__frame *frame;
    uint64_t offset;
} item;

void wsm__lanes_init(wsm__lanes *lanes) {
    *lanes = (wsm__lanes){0};
    for (int i = 0; i < WSM__LANES; i++) wsm__ring_init(&lanes->lane[i], sizeof(item));
}

uint32_t wsm__lanes_drop_all(wsm__lanes *lanes, wsm__mem *mem, uint32_t dropped[WSM__LANES]) {
    uint32_t all = lanes->count;
    for (int i = 0; i < WSM__LANES; i++) {
        if (dropped) dropped[i] = lanes->lane[i].count;
        for (uint32_t k = 0; k < lanes->lane[i].count; k++)
            wsm__frame_unref(((item *)wsm__ring_at(&lanes->lane[i], k))->frame);
        wsm__ring_fini(&lanes->lane[i], mem);
    }
    wsm__lanes_init(lanes);
    return all;
}

void wsm__lanes_fini(wsm__lanes *lanes, wsm__mem *mem) {
    wsm__lanes_drop_all(lanes, mem, NULL);
}

static bool is_soft(wsm__lane lane) {
    return lane == WSM__LANE_NORMAL || lane == WSM__LANE_BACKGROUND;
}

static size_t room(const wsm__lane_limits *limits, wsm__lane lane) {
    if (limits->bytes_max == 0) return SIZE_MAX;
    if (lane == WSM__LANE_CONTROL) return (size_t)limits->bytes_max + limits->control_reserve;
    return is_soft(lane) ? limits->bytes_max - limits->bytes_max / 4 : limits->bytes_max;
}

int wsm__lanes_push(wsm__lanes *lanes, wsm__mem *mem, const wsm__lane_limits *limits, wsm__lane lane, wsm__frame *frame,
                    uint64_t offset, uint32_t more_count, size_t more_bytes, bool is_notice) {
    size_t len = wsm__frame_bytes(frame).len;
    if (lanes->bytes + more_bytes + len > room(limits, lane)) return WSM_ERR_BUSY;
    if (is_soft(lane) && !is_notice && limits->messages_max && lanes->soft + more_count >= limits->messages_max)
        return WSM_ERR_BUSY;
    item *place = wsm__ring_push(&lanes->lane[lane], mem);
    if (!place) return WSM_ERR_NOMEM;
    *place = (item){wsm__frame_ref(frame), offset};
    lanes->bytes += len;
    lanes->count++;
    if (is_soft(lane)) lanes->soft++;
    return WSM_OK;
}

static int pick(const wsm__lanes *lanes) {
    for (int i = 0; i < WSM__LANE_NORMAL; i++)
        if (lanes->lane[i].count > 0) return i;
    bool background = lanes->lane[WSM__LANE_BACKGROUND].count > 0;
    if (background && lanes->since_background + 1 >= BACKGROUND_EVERY) return WSM__LANE_BACKGROUND;
    if (lanes->lane[WSM__LANE_NORMAL].count > 0) return WSM__LANE_NORMAL;
    return background ? WSM__LANE_BACKGROUND : -1;
}

wsm__frame *wsm__lanes_pop(wsm__lanes *lanes, wsm__mem *mem, uint64_t *offset) {
    int lane = pick(lanes);
    if (lane < 0) return NULL;
    item *front = wsm__ring_at(&lanes->lane[lane], 0);
    wsm__frame *frame = front->frame;
    if (offset) *offset = front->offset;
    wsm__ring_pop(&lanes->lane[lane], mem);
    lanes->bytes -= wsm__frame_bytes(frame).len;
    lanes->count--;
    if (is_soft((wsm__lane)lane)) lanes->soft--;
    if (lane == WSM__LANE_NORMAL) lanes->since_background++;
    if (lane == WSM__LANE_BACKGROUND) lanes->since_background = 0;
    return frame;
}

/* Closes the ranks of one lane over what goes. */
static uint32_t purge_lane(wsm__lanes *lanes, wsm__ring *ring, wsm__mem *mem, uint32_t tag) {
    uint32_t kept = 0, all = ring->count;
    for (uint32_t i = 0; i < all; i++) {
        item *at = wsm__ring_at(ring, i);
        if (wsm__frame_tag(at->frame) != tag) {
            *(item *)wsm__ring_at(ring, kept++) = *at;
            continue;
        }
        lanes->bytes -= wsm__frame_bytes(at->frame).len;
        wsm__frame_unref(at->frame);
    }
    while (ring->count > kept) wsm__ring_pop_back(ring, mem);
    return all - kept;
}

uint32_t wsm__lanes_purge(wsm__lanes *lanes, wsm__mem *mem, uint32_t tag) {
    uint32_t purged = 0;
    for (int i = 0; i < WSM__LANES; i++) {
        uint32_t gone = purge_lane(lanes, &lanes->lane[i], mem, tag);
        if (is_soft((wsm__lane)i)) lanes->soft -= gone;
        purged += gone;
    }
    lanes->count -= purged;
    return purged;
}

uint64_t wsm__lanes_lowest(const wsm__lanes *lanes) {
    uint64_t lowest = 0;
    for (int i = 0; i < WSM__LANES; i++) {
        for (uint32_t k = 0; k < lanes->lane[i].count;
             k++) { /* within a lane offsets rise: the first one is its lowest */
            uint64_t offset = ((item *)wsm__ring_at(&lanes->lane[i], k))->offset;
            if (offset == 0) continue;
            if (lowest == 0 || offset < lowest) lowest = offset;
            break;
        }
    }
    return lowest;
}

const char *wsm__lane_name(wsm__lane lane) {
    static const char *const names[WSM__LANES] = {"control", "emergency", "critical", "normal", "background"};
    return names[lane];
}
