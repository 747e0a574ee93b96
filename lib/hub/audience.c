/* Who sees a record: the members of its context, those of a second context, those whom it names. Always what the
 * reader's token covers, and with the membership of the moment: who has left sees nothing more, not even of the time
 * when he belonged. */
#include "hub/hub.h"

wsm__reader wsm__audience_reader(const wsm_conn *conn) {
    return (wsm__reader){.identity = &conn->identity,
                         .agent = conn->agent ? conn->agent->number : WSM__ROSTER_NONE,
                         .reads_main = conn->reads_main};
}

static bool covers(const wsm__reader *reader, const wsm__context *context) {
    return !reader->identity || wsm__identity_may_read(reader->identity, wsm__slice(context->id, context->id_len));
}

static bool is_side(const wsm_hub *hub, const wsm__context *context) {
    return context != hub->main && context != hub->mail;
}

/* As a member of the context at that offset, and still. What a joining grants of the time before comes by itself, as
 * the history that it begins (history.c). */
static bool sees_as_member(const wsm_hub *hub, const wsm__reader *reader, const wsm__context *context,
                           uint64_t offset) {
    if (context == hub->main) return reader->reads_main;
    const wsm__side *side = is_side(hub, context) ? wsm__tree_of(&hub->tree, context) : NULL;
    const wsm__member *member = side ? wsm__side_member(side, reader->agent) : NULL;
    if (!member || !member->is_member || !covers(reader, context)) return false;
    for (uint32_t i = member->spans.count; i > 0; i--) {
        const wsm__span *span = wsm__ring_at(&member->spans, i - 1);
        if (offset >= span->from) return span->to == 0 || offset <= span->to;
    }
    return false;
}

bool wsm__audience_may_read(const wsm_hub *hub, const wsm__reader *reader, const wsm__context *context,
                            uint64_t offset) {
    if (context == hub->main) return reader->reads_main;
    const wsm__side *side = is_side(hub, context) ? wsm__tree_of(&hub->tree, context) : NULL;
    return side && covers(reader, context) && wsm__tree_sees(&hub->tree, side, reader->agent, offset);
}

bool wsm__audience_sees(const wsm_hub *hub, const wsm__reader *reader, const wsm__context *context,
                        const wsm__reach *reach, uint64_t offset) {
    if (!reader->identity && reader->is_host) return true;
    if (sees_as_member(hub, reader, context, offset)) return true;
    if (!reach) return false;
    if (reach->also && sees_as_member(hub, reader, reach->also, offset)) return true;
    return reader->agent != WSM__ROSTER_NONE && wsm__reach_has(reach, reader->agent) &&
           (context == hub->mail || covers(reader, context));
}

bool wsm__audience_may_have(const wsm_hub *hub, const wsm__reader *reader, const wsm__context *context,
                            const wsm__reach *reach, uint64_t offset) {
    return wsm__audience_sees(hub, reader, context, reach, offset) ||
           wsm__audience_may_read(hub, reader, context, offset);
}

bool wsm__audience_reads(const wsm_hub *hub, const wsm__reader *reader, const wsm__context *context) {
    return sees_as_member(hub, reader, context, UINT64_MAX - 1);
}

/* ---- what a record's head says --------------------------------------------------------------------------------------
 */

bool wsm__audience_is_silent(wsm__msg_type type) {
    return type == WSM__MSG_MENTION_ACK || type == WSM__MSG_AGENT_CARD;
}

/* Whom a mention is for gets it as a delivery; here are those who see a record like a member. */
static uint32_t addressees(const wsm_hub *hub, const wsm__record_head *head, uint32_t *agents) {
    uint32_t count = 0;
    wsm_slice name;
    wsm__json_value value;
    if (head->type == WSM__MSG_MENTION_ROUTE || head->type == WSM__MSG_MENTION_DIGEST) {
        if (agents) agents[0] = wsm__roster_find(&hub->roster, head->sender);
        return 1;
    }
    if (head->type == WSM__MSG_MEMORY_UPDATE) return 0;
    for (size_t at = 0; head->to.ptr && wsm__json_next_element(head->to, &at, &value); count++)
        if (agents)
            agents[count] =
                wsm__json_string_is_plain(value.raw, &name) ? wsm__roster_find(&hub->roster, name) : WSM__ROSTER_NONE;
    return count;
}

int wsm__audience_reach(const wsm_hub *hub, const wsm__record_head *head, wsm__context *also, wsm__reach **reach) {
    bool has_history = head->may & WSM__MAY_HISTORY;
    uint32_t count = addressees(hub, head, NULL);
    *reach = NULL;
    if (count == 0 && !also && !has_history) return WSM_OK;
    *reach = wsm__reach_new(hub->records.mem, count);
    if (!*reach) return WSM_ERR_NOMEM;
    addressees(hub, head, (*reach)->agents);
    (*reach)->also = also;
    if (has_history) (*reach)->history_of = wsm__roster_find(&hub->roster, head->sender);
    if ((*reach)->history_of == WSM__ROSTER_HUB) (*reach)->history_of = WSM__REACH_NAMED;
    return WSM_OK;
}

static void drop_reach(wsm__mem *mem, void *reach) {
    wsm__reach_free(mem, reach);
}

void wsm__audience_mark(wsm__frame *frame, const wsm__context *context, wsm__reach *reach) {
    wsm__frame_set_tag(frame, context->idx + 1);
    if (reach) wsm__frame_set_note(frame, wsm__reach_ref(reach), drop_reach);
}

/* ---- receivers ------------------------------------------------------------------------------------------------------
 */

wsm__receivers *wsm__audience_receivers(const wsm_hub *hub, const wsm__context *context) {
    return context->idx < hub->audiences.count ? wsm__ring_at(&hub->audiences, context->idx) : NULL;
}

wsm__receivers *wsm__audience_main(const wsm_hub *hub) {
    return wsm__ring_at(&hub->audiences, hub->main->idx);
}

int wsm__audience_grow(wsm_hub *hub) {
    while (hub->audiences.count < wsm__log_context_count(&hub->records)) {
        wsm__receivers *place = wsm__ring_push(&hub->audiences, &hub->mem);
        if (!place) return WSM_ERR_NOMEM;
        *place = (wsm__receivers){0};
    }
    return WSM_OK;
}

void wsm__audience_fini(wsm_hub *hub) {
    for (uint32_t i = 0; i < hub->audiences.count; i++)
        wsm__receivers_fini(wsm__ring_at(&hub->audiences, i), &hub->mem);
    wsm__ring_fini(&hub->audiences, &hub->mem);
}

/* Walks the contexts that a connection reads as a member: main, then its sidebars. Start with *member NULL and
 * *is_main false; NULL: no more. */
static wsm__context *next_read(const wsm_conn *conn, const wsm__reader *reader, bool *is_main, wsm__member **member) {
    const wsm_hub *hub = conn->hub;
    if (!*is_main) {
        *is_main = true;
        if (conn->reads_main) return hub->main;
    }
    while (reader->agent < wsm__roster_count(&hub->roster)) {
        *member = *member ? wsm__tree_next_of(*member) : wsm__tree_first_of(&hub->tree, reader->agent);
        if (!*member) return NULL;
        wsm__context *context = (*member)->side->context;
        if (covers(reader, context)) return context;
    }
    return NULL;
}

int wsm__audience_connect(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__reader reader = wsm__audience_reader(conn);
    wsm__member *member = NULL;
    bool is_main = false;
    wsm__context *context;
    while ((context = next_read(conn, &reader, &is_main, &member)) != NULL) {
        if (!wsm__receivers_add(wsm__audience_receivers(hub, context), &hub->mem, conn->slot)) continue;
        wsm__audience_disconnect(conn);
        return WSM_ERR_NOMEM;
    }
    return WSM_OK;
}

void wsm__audience_disconnect(wsm_conn *conn) {
    wsm__reader reader = wsm__audience_reader(conn);
    wsm__member *member = NULL;
    bool is_main = false;
    wsm__context *context;
    while ((context = next_read(conn, &reader, &is_main, &member)) != NULL)
        wsm__receivers_remove(wsm__audience_receivers(conn->hub, context), conn->slot);
}

/* ---- membership changes ---------------------------------------------------------------------------------------------
 */

wsm__agent *wsm__audience_agent(const wsm_hub *hub, uint32_t number) {
    return number < wsm__roster_count(&hub->roster)
               ? wsm__registry_get(&hub->registry, wsm__roster_name(&hub->roster, number))
               : NULL;
}

int wsm__audience_reserve(wsm_hub *hub, uint32_t context_idx, uint32_t count) {
    int err = wsm__audience_grow(hub);
    if (err) return err;
    return wsm__receivers_reserve(wsm__ring_at(&hub->audiences, context_idx), &hub->mem, count * WSM__AGENT_SLOTS);
}

void wsm__audience_joined(wsm_hub *hub, uint32_t number, const wsm__context *context) {
    wsm__receivers *receivers = wsm__audience_receivers(hub, context);
    wsm__agent *agent = wsm__audience_agent(hub, number);
    for (uint8_t i = 0; agent && i < agent->slots_count; i++) {
        wsm_conn *conn = wsm__peer_slot(hub, agent->slots[i])->conn;
        wsm__reader reader = wsm__audience_reader(conn);
        if (!conn->agent || !covers(&reader, context)) continue;
        wsm__receivers_add(receivers, &hub->mem, conn->slot);
        conn->mail_waits = true; /* what called him there before comes behind the record that lets him in */
    }
    wsm__presence_shifted(hub, number, wsm__tree_of(&hub->tree, context));
}

typedef struct leaver {
    wsm_hub *hub;
    const wsm_conn *conn;
    const wsm__context *left;
    wsm__reader reader;
} leaver;

/* A record of that context, one that its members see too, or a mention about it, which he may not have in another way.
 * Whom it called is called again when he comes back. */
static bool is_lost_to(const void *user, const wsm__chain_item *item) {
    const leaver *who = user;
    uint32_t tag = wsm__frame_tag(item->frame);
    const wsm__reach *reach = wsm__frame_note(item->frame);
    bool is_of_it = tag == who->left->idx + 1 || (reach && (reach->also == who->left || reach->about == who->left));
    if (!is_of_it) return false;
    const wsm__context *context = wsm__log_context_at(&who->hub->records, tag - 1);
    if (wsm__audience_may_have(who->hub, &who->reader, context, reach, item->offset)) return false;
    uint64_t offset = item->offset ? item->offset : wsm__record_message_offset(wsm__frame_payload(item->frame));
    wsm__ledger_withdraw(&who->hub->ledger, who->reader.agent, who->conn->slot, who->conn->gen, offset);
    return true;
}

void wsm__audience_left(wsm_hub *hub, uint32_t number, const wsm__context *context) {
    wsm__receivers *receivers = wsm__audience_receivers(hub, context);
    wsm__agent *agent = wsm__audience_agent(hub, number);
    for (uint8_t i = 0; agent && i < agent->slots_count; i++) {
        wsm_conn *conn = wsm__peer_slot(hub, agent->slots[i])->conn;
        wsm__receivers_remove(receivers, conn->slot);
        wsm__history_forget(conn, context);
        wsm__watch_drop(conn, context);
        leaver who = {.hub = hub, .conn = conn, .left = context, .reader = wsm__audience_reader(conn)};
        uint32_t dropped[WSM__LANES];
        wsm__io_purge(&conn->io, is_lost_to, &who, dropped);
        wsm__drops_note(hub, WSM__UNTOLD_LEFT, dropped);
    }
    wsm__presence_shifted(hub, number, wsm__tree_of(&hub->tree, context));
}

/* ---- what has left memory -------------------------------------------------------------------------------------------
 */

uint64_t wsm__audience_trimmed(const wsm_conn *conn) {
    const wsm_hub *hub = conn->hub;
    wsm__reader reader = wsm__audience_reader(conn);
    wsm__member *member = NULL;
    bool is_main = false;
    uint64_t trimmed = 0;
    if (hub->log.read && reader.agent != WSM__ROSTER_NONE) { /* what names him may stand in contexts that are not his */
        trimmed = hub->mail->trimmed_to;
        if (hub->records.reached_to > trimmed) trimmed = hub->records.reached_to;
    }
    wsm__context *context;
    while ((context = next_read(conn, &reader, &is_main, &member)) != NULL)
        if (context->trimmed_to > trimmed) trimmed = context->trimmed_to;
    return trimmed;
}

uint64_t wsm__audience_lost(const wsm_conn *conn) {
    wsm__reader reader = wsm__audience_reader(conn);
    wsm__member *member = NULL;
    bool is_main = false;
    uint64_t sum = 0;
    wsm__context *context;
    while ((context = next_read(conn, &reader, &is_main, &member)) != NULL) sum += context->trimmed_to;
    return sum;
}

uint64_t wsm__audience_last_seq(const wsm__context *context, uint64_t end, const wsm__stored *next) {
    if (next && next->context == context && next->seq > 0) return next->seq - 1;
    if (end == context->trimmed_to) return context->trimmed_to_seq;
    if (end < context->trimmed_to) return 0;
    const wsm__entry *entry = wsm__log_next_in(context, end);
    return entry ? entry->seq - 1 : context->seq;
}

void wsm__audience_gaps(wsm_conn *conn, uint64_t from, uint64_t to, const char *reason, const wsm__stored *next) {
    wsm__reader reader = wsm__audience_reader(conn);
    wsm__member *member = NULL;
    bool is_main = false;
    bool is_trim = strcmp(reason, "trimmed") == 0;
    wsm__context *context;
    while (conn->phase == WSM__PHASE_LIVE && (context = next_read(conn, &reader, &is_main, &member)) != NULL) {
        uint64_t end = is_trim && context->trimmed_to < to ? context->trimmed_to : to;
        if (end < from) continue; /* nothing of it is missing */
        wsm__replay_gap(conn, context, from, end, wsm__audience_last_seq(context, end, next), reason);
    }
}
