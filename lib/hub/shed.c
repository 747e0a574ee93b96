/* Shedding: above four fifths of the memory budget the longest queues give up what they can read again.
 *
 * Before that, from seven tenths on, the records that memory holds beside the log go, the oldest first: many contexts,
 * none of them above its own bounds, would fill the budget with their histories, and no command be taken any more. The
 * store brings them again; a log that cannot be read keeps them until the memory is full. A part is left to them:
 * where that is not exceeded it is not they who fill the memory.
 *
 * Nothing is lost by it. The records of the lanes normal and background are dropped, and the connection's cursor is set
 * back before the first of them: it catches up from the log like one that has come back (replay.c), and is told of a
 * `gap` only where the log has let go meanwhile. Both lanes go at once, because what is read again comes in the order
 * of offsets. What is urgent, answers, notices and presence stay. The longest queue goes first: whoever takes what it
 * is sent is left alone. Catching up goes one by one from seven tenths on, or what was just read would be shed.
 * Above nine tenths no command is taken that has to be kept: what is under way needs the rest to be applied. */
#include "hub/hub.h"
#include "limits.h"

#define VICTIMS    16u /* found in one walk over the connections */
#define PAUSE_MS   100u
#define TRIM_MOST  1024u /* records in one turn */
#define TRIM_PART  8u    /* of so many parts of the budget one is left to the records in memory */
#define WAKE_UP_MS 10u

static bool is_over(const wsm_hub *hub, size_t tenths) {
    size_t budget = hub->mem.budget;
    return budget > 0 && atomic_load_explicit(&hub->mem.used, memory_order_relaxed) > budget / 10 * tenths;
}

bool wsm__memory_is_short(const wsm_hub *hub) {
    return is_over(hub, 8);
}

bool wsm__memory_is_full(const wsm_hub *hub) {
    return is_over(hub, 9);
}

bool wsm__memory_is_tight(const wsm_hub *hub) {
    return is_over(hub, 7);
}

void wsm__shed_history(wsm_hub *hub) {
    for (uint32_t i = 0; i < TRIM_MOST && hub->records.bytes > hub->mem.budget / TRIM_PART; i++) {
        if (!is_over(hub, hub->log.read ? 7 : 9)) return;
        if (!wsm__log_trim_one(&hub->records)) return;
    }
}

/* Those with the longest queues, longest first. */
static size_t find(const wsm_hub *hub, wsm_conn *victims[VICTIMS]) {
    size_t count = 0;
    for (const wsm__list *node = hub->conns.next; node != &hub->conns; node = node->next) {
        wsm_conn *conn = WSM__CONTAINER(node, wsm_conn, in_conns);
        size_t bytes = conn->io.lanes.bytes, at;
        if (conn->phase != WSM__PHASE_LIVE || bytes < WSM__SHED_BYTES_MIN) continue;
        if (conn->reading || conn->history) continue; /* a page is on its way that belongs behind its cursor */
        /* NOLINT(gcc-analyzer): with count == VICTIMS all places are filled */
        if (count == VICTIMS && bytes <= victims[count - 1]->io.lanes.bytes) continue;
        if (count < VICTIMS) count++;
        for (at = count - 1; at > 0 && victims[at - 1]->io.lanes.bytes < bytes; at--) victims[at] = victims[at - 1];
        victims[at] = conn;
    }
    return count;
}

static uint64_t lower(uint64_t a, uint64_t b) { /* 0: none */
    return a == 0 || (b > 0 && b < a) ? b : a;
}

static uint32_t shed_one(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__lanes *lanes = &conn->io.lanes;
    uint64_t after = conn->keep_to;
    uint64_t first_normal = wsm__lanes_first(lanes, WSM__LANE_NORMAL, after);
    uint64_t first_background = wsm__lanes_first(lanes, WSM__LANE_BACKGROUND, after);
    uint64_t first = lower(first_normal, first_background);
    if (first == 0) return 0;
    uint32_t background = wsm__lanes_cut(lanes, conn->io.pool, WSM__LANE_BACKGROUND, after);
    uint32_t normal = wsm__lanes_cut(lanes, conn->io.pool, WSM__LANE_NORMAL, after);
    hub->count.dropped_shed += background + normal;
    if (!conn->catching_up) {
        conn->had_from = after;
        conn->had_to = hub->records.applied;
        conn->had_normal = first_normal ? first_normal : UINT64_MAX; /* one lane may have been ahead of the other */
        conn->had_background = first_background ? first_background : UINT64_MAX;
        conn->keep_to = first - 1;
    }
    conn->catching_up = true;
    conn->cursor = first - 1;
    wsm__peer_rearm(conn, hub->now + WAKE_UP_MS); /* there may be nothing left whose sending would wake it */
    wsm__call_drop(conn, wsm__lane_name(WSM__LANE_BACKGROUND), "shed", background);
    wsm__call_drop(conn, wsm__lane_name(WSM__LANE_NORMAL), "shed", normal);
    return background + normal;
}

void wsm__shed(wsm_hub *hub) {
    wsm_conn *victims[VICTIMS];
    uint32_t shed = 0;
    if (hub->now < hub->shed_at) return;
    size_t count = find(hub, victims);
    for (size_t i = 0; i < count && wsm__memory_is_short(hub); i++)
        if (victims[i]->phase == WSM__PHASE_LIVE) shed += shed_one(victims[i]); /* a callback may have closed it */
    if (shed == 0) hub->shed_at = hub->now + PAUSE_MS;
    wsm__call_log(hub, WSM_LEVEL_WARN, "memory_short", NULL,
                  shed ? "the longest queues were given up, to be read again" : "no queue is long enough to help");
}
