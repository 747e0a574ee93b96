/* Lanes: five chains of frames, and the rules of who goes first and what fits. */
#include "conn/lanes.h"

#include "wsm/error.h"

#define BACKGROUND_EVERY 16u

void wsm__lanes_init(wsm__lanes *lanes) {
    *lanes = (wsm__lanes){0};
}

uint32_t wsm__lanes_drop_all(wsm__lanes *lanes, wsm__chain_pool *pool, uint32_t dropped[WSM__LANES]) {
    uint32_t all = lanes->count;
    for (int i = 0; i < WSM__LANES; i++) {
        uint32_t count = wsm__chain_clear(&lanes->lane[i], pool);
        if (dropped) dropped[i] = count;
    }
    wsm__lanes_init(lanes);
    return all;
}

void wsm__lanes_fini(wsm__lanes *lanes, wsm__chain_pool *pool) {
    wsm__lanes_drop_all(lanes, pool, NULL);
}

static bool is_soft(wsm__lane lane) {
    return lane == WSM__LANE_NORMAL || lane == WSM__LANE_BACKGROUND;
}

static size_t room(const wsm__lane_limits *limits, wsm__lane lane) {
    if (limits->bytes_max == 0) return SIZE_MAX;
    if (lane == WSM__LANE_CONTROL) return (size_t)limits->bytes_max + limits->control_reserve;
    return is_soft(lane) ? limits->bytes_max - limits->bytes_max / 4 : limits->bytes_max;
}

bool wsm__lanes_fit(const wsm__lanes *lanes, const wsm__lane_limits *limits, wsm__lane lane, const wsm__frame *frame,
                    uint32_t more_count, size_t more_bytes, bool is_notice) {
    size_t most = room(limits, is_notice && is_soft(lane) ? WSM__LANE_CRITICAL : lane);
    if (lanes->bytes + more_bytes + wsm__frame_bytes(frame).len > most) return false;
    return !is_soft(lane) || is_notice || !limits->messages_max || lanes->soft + more_count < limits->messages_max;
}

size_t wsm__lanes_left(const wsm__lanes *lanes, const wsm__lane_limits *limits, size_t more_bytes) {
    size_t most = room(limits, WSM__LANE_NORMAL), held = lanes->bytes + more_bytes;
    return most == SIZE_MAX ? most : held < most ? most - held : 0;
}

int wsm__lanes_push(wsm__lanes *lanes, wsm__chain_pool *pool, const wsm__lane_limits *limits, wsm__lane lane,
                    wsm__frame *frame, uint64_t offset, uint32_t more_count, size_t more_bytes, bool is_notice) {
    size_t len = wsm__frame_bytes(frame).len;
    if (!wsm__lanes_fit(lanes, limits, lane, frame, more_count, more_bytes, is_notice)) return WSM_ERR_BUSY;
    int err = wsm__chain_push(&lanes->lane[lane], pool, frame, offset);
    if (err) return err;
    lanes->bytes += len;
    lanes->count++;
    if (is_soft(lane)) lanes->soft++;
    return WSM_OK;
}

static bool has(const wsm__lanes *lanes, wsm__lane lane) {
    return !wsm__chain_is_empty(&lanes->lane[lane]);
}

/* Whose turn it is; something waits. */
static wsm__lane pick(const wsm__lanes *lanes) {
    for (int i = 0; i < WSM__LANE_NORMAL; i++)
        if (has(lanes, (wsm__lane)i)) return (wsm__lane)i;
    if (!has(lanes, WSM__LANE_NORMAL)) return WSM__LANE_BACKGROUND;
    bool background = has(lanes, WSM__LANE_BACKGROUND) && lanes->since_background + 1 >= BACKGROUND_EVERY;
    return background ? WSM__LANE_BACKGROUND : WSM__LANE_NORMAL;
}

int wsm__lanes_pop(wsm__lanes *lanes, wsm__chain_pool *pool, wsm__outq *out) {
    if (lanes->count == 0) return 0;
    wsm__lane lane = pick(lanes);
    size_t len = wsm__frame_bytes(wsm__chain_first(&lanes->lane[lane])->frame).len;
    if (wsm__outq_move(out, pool, &lanes->lane[lane])) return WSM_ERR_NOMEM;
    lanes->bytes -= len;
    lanes->count--;
    if (is_soft(lane)) lanes->soft--;
    if (lane == WSM__LANE_NORMAL) lanes->since_background++;
    if (lane == WSM__LANE_BACKGROUND) lanes->since_background = 0;
    return 1;
}

uint32_t wsm__lanes_purge(wsm__lanes *lanes, wsm__chain_pool *pool, wsm__chain_drops *drops, const void *user,
                          uint32_t dropped[WSM__LANES]) {
    uint32_t purged = 0;
    size_t bytes = 0;
    for (int i = 0; i < WSM__LANES; i++) {
        uint32_t gone = wsm__chain_purge(&lanes->lane[i], pool, drops, user, &bytes);
        if (is_soft((wsm__lane)i)) lanes->soft -= gone;
        if (dropped) dropped[i] = gone;
        purged += gone;
    }
    lanes->count -= purged;
    lanes->bytes -= bytes;
    return purged;
}

uint32_t wsm__lanes_cut(wsm__lanes *lanes, wsm__chain_pool *pool, wsm__lane lane, uint64_t after) {
    size_t bytes = 0;
    uint32_t gone = wsm__chain_cut(&lanes->lane[lane], pool, after, &bytes);
    if (is_soft(lane)) lanes->soft -= gone;
    lanes->count -= gone;
    lanes->bytes -= bytes;
    return gone;
}

uint64_t wsm__lanes_first(const wsm__lanes *lanes, wsm__lane lane, uint64_t after) {
    wsm__chain_place place = {0};
    const wsm__chain_item *item;
    while ((item = wsm__chain_next(&lanes->lane[lane], &place)) != NULL && item->offset <= after) {
    }
    return item ? item->offset : 0;
}

uint64_t wsm__lanes_lowest(const wsm__lanes *lanes) {
    uint64_t lowest = 0;
    for (int i = 0; i < WSM__LANES; i++) {
        uint64_t first = wsm__lanes_first(lanes, (wsm__lane)i, 0); /* within a lane offsets rise */
        if (first && (lowest == 0 || first < lowest)) lowest = first;
    }
    return lowest;
}

const char *wsm__lane_name(wsm__lane lane) {
    static const char *const names[WSM__LANES] = {"control", "emergency", "critical", "normal", "background"};
    return names[lane];
}
