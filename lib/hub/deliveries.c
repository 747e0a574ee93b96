/* Deliveries: a record that calls somebody is entered in the ledger as it is folded, and goes to one connection of each
 * whom it calls: the primary, or the backup where there is none. What nobody has seen is delivered again on the next
 * connection. Rights are looked at again when it is sent: who may not read what it is about gets nothing. */
#include "hub/mentions.h"

bool wsm__delivery_is_made_by(const wsm__record_head *head) {
    switch (head->type) {
    case WSM__MSG_MENTION_ROUTE:
    case WSM__MSG_MENTION_DIGEST:
    case WSM__MSG_MEMORY_UPDATE: return head->to.ptr != NULL;
    case WSM__MSG_SIDEBAR_SPAWN:
    case WSM__MSG_SIDEBAR_CHILD_SPAWN: return head->priority != WSM_PRIORITY_BACKGROUND; /* it wakes nobody */
    default: return false;
    }
}

/* ---- the fold -------------------------------------------------------------------------------------------------------
 */

/* The names of those whom a record calls: a JSON array. */
static wsm_slice targets_of(const wsm__fold *fold) {
    if (fold->head.to.ptr) return fold->head.to;
    const char *field = fold->head.type == WSM__MSG_SIDEBAR_SPAWN ? "participants" : "assigned_agents";
    wsm__json_value value = wsm__json_member_of(fold->body, field);
    return value.kind == WSM__JSON_ARRAY ? value.raw : wsm__slice("[]", 2);
}

/* The next agent that a record calls, the sender left out; WSM__ROSTER_NONE: no more. */
static uint32_t next_target(const wsm_hub *hub, const wsm__fold *fold, wsm_slice targets, size_t *at) {
    wsm_slice name;
    wsm__json_value value;
    while (wsm__json_next_element(targets, at, &value)) {
        if (!wsm__json_string_is_plain(value.raw, &name) || wsm__slice_eq(name, fold->head.sender)) continue;
        uint32_t target = wsm__roster_find(&hub->roster, name);
        if (target < wsm__roster_count(&hub->roster)) return target;
    }
    return WSM__ROSTER_NONE;
}

uint32_t wsm__delivery_next_target(const wsm_hub *hub, const wsm__fold *fold, size_t *at) {
    return next_target(hub, fold, targets_of(fold), at);
}

/* What one must be able to read to get it. */
const wsm__context *wsm__delivery_subject(const wsm_hub *hub, const wsm__context *own, wsm_slice body) {
    wsm_slice id;
    if (own != hub->mail) return own;
    wsm__json_value value = wsm__json_member_of(body, "sidebar_id");
    if (value.kind != WSM__JSON_STRING || !wsm__json_string_is_plain(value.raw, &id)) return hub->main;
    const wsm__context *context = wsm__log_context(&hub->records, id);
    return context ? context : hub->main;
}

static const wsm__context *subject_of(const wsm_hub *hub, const wsm__fold *fold) {
    return wsm__delivery_subject(hub, fold->context, fold->body);
}

/* Whether not everybody knows of what it is about: then it fills a mailbox of its own. */
static bool is_hidden(const wsm_hub *hub, const wsm__fold *fold, const wsm__context *subject) {
    bool begins = fold->head.type == WSM__MSG_SIDEBAR_SPAWN || fold->head.type == WSM__MSG_SIDEBAR_CHILD_SPAWN;
    const wsm__side *side = begins ? wsm__side_born_by(fold) : wsm__tree_of(&hub->tree, subject);
    return side && side->is_hidden;
}

/* A mailbox that has filled up since the command was checked takes no more: its owner is passed over, and the sender
 * told. The record stays, though it may call nobody any more: whether there was room hangs on all that came before, and
 * a record that everybody has seen must not vanish because one of those has broken in the store. */
int wsm__delivery_prepare(wsm_hub *hub, wsm__fold *fold) {
    size_t at = 0;
    uint32_t target;
    bool all_fit = true;
    int err = WSM_OK;
    wsm_slice targets = targets_of(fold);
    const wsm__context *subject = subject_of(hub, fold);
    wsm__ledger_item item = {.offset = fold->offset,
                             .id = fold->head.id,
                             .sender = wsm__roster_find(&hub->roster, fold->head.sender),
                             .context = subject->idx,
                             .is_hidden = is_hidden(hub, fold, subject),
                             .bytes = (uint32_t)fold->body.len,
                             .is_urgent = fold->head.priority >= WSM_PRIORITY_URGENT,
                             .time_ms = fold->head.time_ms};
    while (err != WSM_ERR_NOMEM && (target = next_target(hub, fold, targets, &at)) != WSM__ROSTER_NONE) {
        bool fits = wsm__ledger_fits(&hub->ledger, &item, target, 0);
        if (fits) err = wsm__ledger_add(&hub->ledger, &item, target);
        all_fit = all_fit && fits;
    }
    if (err != WSM_ERR_NOMEM) err = all_fit ? WSM_OK : wsm__callees_amend(hub, fold);
    if (err) wsm__delivery_abandon(hub, fold);
    return err;
}

void wsm__delivery_abandon(wsm_hub *hub, const wsm__fold *fold) {
    size_t at = 0;
    uint32_t target;
    wsm_slice targets = targets_of(fold);
    while ((target = next_target(hub, fold, targets, &at)) != WSM__ROSTER_NONE)
        wsm__ledger_undo(&hub->ledger, fold->offset, target);
}

/* ---- to a connection ------------------------------------------------------------------------------------------------
 */

wsm_conn *wsm__delivery_conn(const wsm_hub *hub, const wsm__agent *agent) {
    wsm_conn *backup = NULL;
    for (uint8_t i = 0; i < agent->slots_count; i++) {
        wsm_conn *conn = wsm__peer_slot(hub, agent->slots[i])->conn;
        const wsm_claims *claims = &conn->identity.claims;
        if (conn->phase != WSM__PHASE_LIVE || claims->permission != WSM_PERMISSION_ACTIVE) continue;
        if (claims->purpose == WSM_PURPOSE_PRIMARY) return conn;
        backup = conn;
    }
    return backup;
}

static bool may_have(const wsm_conn *conn, const wsm__delivery *delivery) {
    const wsm_hub *hub = conn->hub;
    wsm__reader reader = wsm__audience_reader(conn);
    return delivery->context < wsm__log_context_count(&hub->records) &&
           wsm__audience_reads(hub, &reader, wsm__log_context_at(&hub->records, delivery->context));
}

void wsm__delivery_status(wsm_hub *hub, const wsm__delivery *delivery, wsm__delivery_state state, wsm_slice note) {
    const wsm__agent *agent = wsm__audience_agent(hub, delivery->sender);
    char id[WSM__UUID_LEN];
    uint32_t lost[WSM__LANES] = {0};
    wsm__uuid_format(delivery->id, id);
    for (uint8_t i = agent ? agent->slots_count : 0; i > 0; i--) {
        wsm_conn *conn = wsm__peer_slot(hub, agent->slots[i - 1])->conn;
        wsm__encoder enc;
        if (conn->phase != WSM__PHASE_LIVE) continue;
        wsm__answer_begin(hub, &enc, WSM__MSG_MENTION_STATUS);
        wsm__encode_str(&enc, "mention_id", wsm__slice(id, sizeof id));
        wsm__encode_str(&enc, "target", wsm__roster_name(&hub->roster, delivery->target));
        wsm__encode_str(&enc, "state", wsm__slice_str(wsm__delivery_word(state)));
        if (note.ptr) wsm__encode_raw(&enc, "note", note);
        wsm__encode_end(&enc);
        if (!wsm__peer_hint(conn, WSM__LANE_NORMAL)) lost[WSM__LANE_NORMAL]++;
    }
    hub->count.enqueued += lost[WSM__LANE_NORMAL];
    wsm__drops_note(hub, WSM__UNTOLD_STATUS, lost);
}

static void mark(wsm_conn *conn, wsm__delivery *delivery) {
    if (delivery->state != WSM__DELIVERY_QUEUED) return;
    wsm__ledger_delivered(delivery, conn->slot, conn->gen);
    conn->hub->count.mentions_delivered++;
    wsm__delivery_status(conn->hub, delivery, WSM__DELIVERY_DELIVERED, wsm__slice(NULL, 0));
}

/* False: not now. What does not fit waits until what is before it is written: who is cut comes back, and so does it. */
static bool send(wsm_conn *conn, wsm__delivery *delivery, wsm__frame *frame) {
    wsm__lane lane = delivery->is_urgent ? WSM__LANE_CRITICAL : WSM__LANE_NORMAL;
    conn->mail_waits = !wsm__io_fits(&conn->io, lane, frame);
    if (conn->mail_waits) return false;
    if (!wsm__peer_push(conn, lane, frame, 0)) return false;
    if (conn->phase != WSM__PHASE_LIVE) return false; /* its queue ran over, and wsm__delivery_lost is behind us */
    mark(conn, delivery);
    return conn->phase == WSM__PHASE_LIVE;
}

/* Its record is in the log's store only. */
static void ask(wsm_conn *conn, const wsm__delivery *delivery) {
    wsm_hub *hub = conn->hub;
    wsm__read *read = hub->log.read ? wsm__zalloc(&hub->mem, sizeof *read) : NULL;
    if (!read) {
        if (hub->log.read) wsm__peer_rearm(conn, hub->now + WSM__RETRY_MS);
        return;
    }
    *read = (wsm__read){.from = delivery->offset,
                        .to = delivery->offset,
                        .records_max = 1,
                        .bytes_max = hub->config.replay_page_bytes,
                        .slot = conn->slot,
                        .gen = conn->gen,
                        .for_delivery = true};
    conn->reads_mail = true;
    wsm__read_ask(hub, read);
}

/* The first that waits for it. */
static wsm__delivery *next_queued(const wsm_conn *conn) {
    uint64_t after = 0;
    wsm__delivery *delivery;
    while ((delivery = wsm__ledger_next(&conn->hub->ledger, conn->agent->number, after)) != NULL) {
        if (delivery->state == WSM__DELIVERY_QUEUED && may_have(conn, delivery)) return delivery;
        after = delivery->offset;
    }
    return NULL;
}

static bool is_stopped(const wsm_conn *conn) {
    return conn->phase != WSM__PHASE_LIVE || !conn->agent || conn->catching_up || conn->reads_mail;
}

void wsm__delivery_pump(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__delivery *delivery;
    conn->mail_waits = false;
    if (is_stopped(conn) || conn->agent->number == WSM__ROSTER_NONE || wsm__delivery_conn(hub, conn->agent) != conn)
        return;
    const wsm__mailbox *box = wsm__ledger_mailbox(&hub->ledger, conn->agent->number);
    if (!box || box->count == 0) return;
    while (!is_stopped(conn) && (delivery = next_queued(conn)) != NULL) {
        conn->mail_waits = wsm__io_room(&conn->io, 1) == 0; /* its progress brings us back */
        if (conn->mail_waits) return;
        wsm__entry *entry = wsm__log_at(&hub->records, delivery->offset);
        wsm__frame *frame = entry ? entry->frame : delivery->frame;
        if (!frame) { /* the page goes on from here; a log that refuses at once is not asked again at once */
            ask(conn, delivery);
            return;
        }
        if (!send(conn, delivery, frame)) return;
    }
}

void wsm__delivery_page(wsm_hub *hub, const wsm__read *read, const wsm_record *records, size_t count, int outcome) {
    wsm_conn *conn = wsm__peer_of(hub, read->slot, read->gen);
    wsm__stored stored = {0};
    if (!conn || conn->phase != WSM__PHASE_LIVE || !conn->agent) return;
    conn->reads_mail = false;
    wsm__delivery *delivery = wsm__ledger_next(&hub->ledger, conn->agent->number, read->from - 1);
    bool is_open = delivery && delivery->offset == read->from && delivery->state == WSM__DELIVERY_QUEUED &&
                   may_have(conn, delivery); /* another connection may have got it while this one's page was read */
    if (is_open && outcome == 0 && count > 0 && records[0].offset == read->from)
        outcome = wsm__read_record(hub, &records[0], &stored);
    bool is_sent = is_open && stored.frame && send(conn, delivery, stored.frame);
    bool is_left = is_open && stored.frame && !is_sent; /* it is asked for again when there is room, or memory */
    if (is_open && outcome == 0 && !stored.frame)
        wsm__ledger_delivered(delivery, conn->slot, conn->gen); /* the log has let it go: it ends by its age */
    wsm__read_release(hub, &stored);
    if (is_left) return;
    if (outcome < 0) /* another time */
        wsm__peer_rearm(conn, hub->now + WSM__RETRY_MS);
    else
        wsm__delivery_pump(conn);
}

void wsm__delivery_came(wsm_conn *conn, uint64_t offset) {
    wsm_hub *hub = conn->hub;
    if (conn->phase != WSM__PHASE_LIVE) return; /* it never leaves the queue */
    if (!conn->agent || conn->agent->number == WSM__ROSTER_NONE || offset == 0) return;
    const wsm__mailbox *box = wsm__ledger_mailbox(&hub->ledger, conn->agent->number);
    if (!box || box->count == 0 || wsm__delivery_conn(hub, conn->agent) != conn) return;
    wsm__delivery *delivery = wsm__ledger_next(&hub->ledger, conn->agent->number, offset - 1);
    if (delivery && delivery->offset == offset) mark(conn, delivery);
}

void wsm__delivery_go(wsm_hub *hub, const wsm__fold *fold, wsm__frame *frame) {
    size_t at = 0;
    uint32_t target, called = 0;
    wsm_slice targets = targets_of(fold);
    while ((target = next_target(hub, fold, targets, &at)) != WSM__ROSTER_NONE) {
        wsm__delivery *delivery = wsm__ledger_at(&hub->ledger, target, fold->offset);
        const wsm__agent *agent = wsm__audience_agent(hub, target);
        wsm_conn *conn = agent ? wsm__delivery_conn(hub, agent) : NULL;
        if (!delivery) continue;
        called++;
        if (!hub->log.read) wsm__ledger_pin(delivery, frame); /* a log that cannot be read back may trim it */
        if (conn && conn->cursor == fold->offset && !conn->catching_up)
            mark(conn, delivery);
        else if (conn)
            wsm__delivery_pump(conn);
    }
    hub->count.mentions += called;
    wsm__wake_count(hub, fold, subject_of(hub, fold), called);
    if (called > 0) wsm__turn_chores_soon(hub, 1000);
}

void wsm__delivery_lost(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__agent *agent = conn->agent;
    conn->reads_mail = false;
    if (!agent || agent->number == WSM__ROSTER_NONE) return;
    wsm__ledger_lost(&hub->ledger, agent->number, conn->slot, conn->gen);
    wsm_conn *other = wsm__delivery_conn(hub, agent); /* it may be allowed to read what this one was not */
    if (other && other != conn) wsm__delivery_pump(other);
}
