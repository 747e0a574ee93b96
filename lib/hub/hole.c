/* A hole in what the log delivers: records that it has kept, by the offsets of their neighbours, and left out. They are
 * read again, and what was delivered behind them waits meanwhile. Only what that does not bring becomes a `gap`; a log
 * that does not answer is waited for no longer than WSM__HOLE_WAIT_MS. */
#include "hub/hub.h"
#include "limits.h"

#define RETRY_MS 20u

static int give_up(wsm_hub *hub, uint64_t to) {
    while (hub->records.applied < to) {
        int err = wsm__apply_corrupt(hub, hub->records.applied + 1);
        if (err) return err;
    }
    hub->hole.state = WSM__HOLE_NONE;
    return WSM_OK;
}

static int ask(wsm_hub *hub, uint64_t to) {
    wsm__read read = {.id = ++hub->next_read,
                      .from = hub->records.applied + 1,
                      .to = to,
                      .records_max = hub->config.replay_page_records,
                      .bytes_max = hub->config.replay_page_bytes};
    if (hub->hole.by == 0) { /* the first time that it is asked for this one */
        hub->hole.by = hub->now + WSM__HOLE_WAIT_MS;
        hub->count.holes++;
        wsm__call_log(hub, WSM_LEVEL_WARN, "log_hole", NULL, "the log has left records out; they are read again");
    }
    hub->hole.state = WSM__HOLE_ASKED; /* before the call: a log may answer inside it */
    hub->hole.read_id = read.id;
    hub->count.pages_read++;
    int err = wsm__call_log_read(hub, &read);
    if (!err) {
        wsm__turn_chores_soon(hub, hub->hole.by - hub->now);
        return WSM_ERR_PENDING;
    }
    hub->hole.state = WSM__HOLE_NONE;
    if (hub->now >= hub->hole.by || (err != WSM_ERR_NOMEM && err != WSM_ERR_BUSY)) return give_up(hub, to);
    wsm__turn_chores_soon(hub, RETRY_MS);
    return WSM_ERR_PENDING;
}

int wsm__hole_fill(wsm_hub *hub, uint64_t to) {
    bool is_late = hub->hole.by > 0 && hub->now >= hub->hole.by;
    int err;
    if (hub->hole.state == WSM__HOLE_ASKED && !is_late) return WSM_ERR_PENDING;
    /* While it loads, a log reads its own store: asking again would not help. */
    if (hub->is_ready && hub->log.read && hub->hole.state == WSM__HOLE_NONE && !is_late)
        err = ask(hub, to);
    else
        err = give_up(hub, to);
    if (!err) hub->hole.by = 0;
    return err;
}

int wsm__hole_page(wsm_hub *hub, const wsm_record *records, size_t count, int outcome) {
    int err = WSM_OK;
    for (size_t i = 0; i < count && outcome == 0 && !err; i++) {
        hub->hole.state = WSM__HOLE_READ; /* what is missing in the page itself is missing for good */
        err = wsm__apply(hub, &records[i]);
    }
    hub->hole.state = err ? WSM__HOLE_ASKED : WSM__HOLE_READ;
    if (err) return err; /* no memory: the page is looked at again */
    /* a page may be shorter than the hole; one that brought nothing is the log's last word */
    if (count > 0 && outcome == 0) hub->hole.state = WSM__HOLE_NONE;
    return WSM_OK;
}
