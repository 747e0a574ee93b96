/* Agent cards: by a record of its own the log comes to know an agent, at first sight of one that may take part and
 * whenever its card changes. It goes ahead of everything else that the agent does, so that every sender, participant
 * and mentioned agent of a later record has a number.
 *
 * A card that breaks in the store takes nothing along of what others say: whom a later record names its writer knew, so
 * the fold knows him by his name from there on. What only the card said, his specialties, comes again with himself. */
#include "hub/hub.h"

#define AGAIN_MS 1000u /* a card whose append may have failed is written once more after this time */

static const char *const kinds[] = {"agent", "human", "service"};

static void put_specialties(wsm__buf *buf, const wsm_claims *claims) {
    wsm__buf_putc(buf, '[');
    for (size_t i = 0; i < claims->specialties_count; i++) {
        if (i > 0) wsm__buf_putc(buf, ',');
        wsm__json_put_string(buf, claims->specialties[i]);
    }
    wsm__buf_putc(buf, ']');
}

static void append(wsm_hub *hub, const wsm__agent *agent, wsm_kind kind, wsm_slice specialties) {
    static const wsm__origin nobody = {.kind = WSM__ORIGIN_NONE};
    char id[WSM__UUID_LEN];
    wsm__json_out out;
    wsm__record_head head = {.type = WSM__MSG_AGENT_CARD,
                             .sender = wsm__slice_str("hub"),
                             .context_id = wsm__slice_str(WSM__MAIL),
                             .time_ms = hub->wall,
                             .priority = WSM_PRIORITY_NORMAL};
    wsm__uuid_v7(&hub->ids, hub->wall, id);
    wsm__uuid_parse(id, sizeof id, head.id);
    wsm__submit_open(hub, NULL, &head, &out);
    wsm__json_str(&out, "agent_id", wsm__agent_name(agent));
    wsm__json_str(&out, "kind", wsm__slice_str(kinds[kind]));
    if (specialties.ptr) wsm__json_raw(&out, "specialties", specialties);
    if (wsm__submit_close(hub, &head, &out, &nobody)) hub->count.no_memory++;
}

/* Until the record comes back nobody knows whether the log has taken it. */
static void again(wsm_hub *hub) {
    hub->cards_due = true;
    wsm__turn_chores_soon(hub, AGAIN_MS);
}

static bool is_on_its_way(const wsm_hub *hub, const wsm__agent *agent) {
    return agent->card_at && hub->now < agent->card_at + AGAIN_MS;
}

/* Whether the log is known to have this card of the agent; if not, it is written, now or later. Without claims: the
 * host vouches for the agent. */
static bool ensure(wsm_hub *hub, wsm__agent *agent, const wsm_claims *claims) {
    wsm_kind kind = claims ? claims->kind : WSM_KIND_AGENT;
    if (agent->number == WSM__ROSTER_NONE && is_on_its_way(hub, agent)) {
        again(hub);
        return false;
    }
    wsm__buf list;
    wsm__buf_init(&list, &hub->mem, 0);
    if (claims) put_specialties(&list, claims);
    wsm_slice specialties = wsm__slice(list.ptr, list.len);
    bool has = !list.err && wsm__roster_has(&hub->roster, wsm__agent_name(agent), kind, specialties);
    if (!has) again(hub);
    if (list.err) {
        hub->count.no_memory++;
    } else if (!has) {
        agent->card_at = hub->now ? hub->now : 1;
        append(hub, agent, kind, specialties);
    }
    wsm__buf_fini(&list);
    return has;
}

void wsm__cards_retry(wsm_hub *hub) {
    if (!hub->cards_due || !hub->is_ready || hub->is_shutting_down) return;
    hub->cards_due = false;
    for (wsm__list *node = hub->conns.next; node != &hub->conns; node = node->next) {
        wsm_conn *conn = WSM__CONTAINER(node, wsm_conn, in_conns);
        if (conn->phase != WSM__PHASE_LIVE || !conn->agent || !conn->card_waits) continue;
        if (is_on_its_way(hub, conn->agent))
            again(hub);
        else
            wsm__card_of(conn);
    }
}

void wsm__card_of(wsm_conn *conn) {
    conn->card_waits = !ensure(conn->hub, conn->agent, &conn->identity.claims);
}

/* Of one of its connections that takes part; NULL: there is none. */
static const wsm_claims *claims_of(const wsm_hub *hub, const wsm__agent *agent) {
    for (uint8_t i = agent->slots_count; i > 0; i--) {
        const wsm_conn *conn = wsm__peer_slot(hub, agent->slots[i - 1])->conn;
        if (conn->phase == WSM__PHASE_LIVE && conn->identity.claims.permission == WSM_PERMISSION_ACTIVE)
            return &conn->identity.claims;
    }
    return NULL;
}

void wsm__card_ensure(wsm_hub *hub, wsm__agent *agent) {
    if (agent->number != WSM__ROSTER_NONE) return;
    (void)ensure(hub, agent, claims_of(hub, agent)); /* its card may be on its way, and would be undone */
}

/* ---- the fold -------------------------------------------------------------------------------------------------------
 */

static bool text_of(wsm_slice body, const char *name, wsm_slice *text) {
    wsm__json_value value = wsm__json_member_of(body, name);
    return value.kind == WSM__JSON_STRING && wsm__json_string_is_plain(value.raw, text);
}

static wsm_slice list_of(wsm_slice body, const char *name) {
    wsm__json_value value = wsm__json_member_of(body, name);
    return value.kind == WSM__JSON_ARRAY ? value.raw : wsm__slice(NULL, 0);
}

/* Without specialties it says that there is such an agent, and no more: the host has vouched for it. */
static int put(wsm__roster *roster, wsm_slice name, wsm_kind kind, wsm_slice specialties, uint32_t *number) {
    *number = wsm__roster_find(roster, name);
    if (!specialties.ptr && *number != WSM__ROSTER_NONE) return WSM_OK;
    return wsm__roster_put(roster, name, kind, specialties.ptr ? specialties : wsm__slice("[]", 2), number, NULL);
}

/* Putting a card in twice changes nothing, so it is done at once: a record that must be tried again finds it there. */
int wsm__card_prepare(wsm_hub *hub, wsm__fold *fold) {
    wsm_slice name, kind;
    uint32_t number;
    size_t at = 0;
    fold->refusal = WSM_ERR_BAD_MESSAGE;
    if (!wsm__slice_is(fold->head.sender, "hub") || !text_of(fold->body, "agent_id", &name) ||
        !text_of(fold->body, "kind", &kind) || !wsm__agent_id_is_valid(name))
        return WSM_OK;
    while (at < sizeof kinds / sizeof *kinds && !wsm__slice_is(kind, kinds[at])) at++;
    if (at == sizeof kinds / sizeof *kinds) return WSM_OK;
    int err = put(&hub->roster, name, (wsm_kind)at, list_of(fold->body, "specialties"), &number);
    if (err == WSM_ERR_NOMEM) return err;
    if (err) return WSM_OK;
    fold->refusal = WSM_OK;
    wsm__agent *agent = wsm__registry_get(&hub->registry, name);
    if (agent) agent->number = number;
    return WSM_OK;
}

/* ---- where a card has broken ----------------------------------------------------------------------------------------
 */

/* As a card would, but for what is known of him already. The name is one that was checked before it was written. */
static int learn(wsm_hub *hub, wsm_slice name) {
    uint32_t number;
    if (!wsm__agent_id_is_valid(name) || wsm__roster_find(&hub->roster, name) != WSM__ROSTER_NONE) return WSM_OK;
    int err = put(&hub->roster, name, WSM_KIND_AGENT, wsm__slice(NULL, 0), &number);
    if (err) return err == WSM_ERR_NOMEM ? err : WSM_OK;
    wsm__agent *agent = wsm__registry_get(&hub->registry, name);
    if (agent) agent->number = number;
    return WSM_OK;
}

/* A name, or a list of names. */
static int learn_all(wsm_hub *hub, wsm__json_value value) {
    char room[WSM__AGENT_ID_MAX];
    size_t at = 0;
    wsm__json_value one;
    if (value.kind == WSM__JSON_STRING) {
        long len = wsm__json_string_decode(value.raw, room, sizeof room);
        return len < 0 ? WSM_OK : learn(hub, wsm__slice(room, (size_t)len));
    }
    int err = WSM_OK;
    while (!err && value.kind == WSM__JSON_ARRAY && wsm__json_next_element(value.raw, &at, &one))
        if (one.kind == WSM__JSON_STRING) err = learn_all(hub, one);
    return err;
}

/* Members of a body that name agents whom its writer knew; not all that a client may write there are such. */
static bool names_the_known(wsm__msg_type type, wsm_slice key) {
    static const char *const of_sides[] = {"participants", "assigned_agents", "agent_ids", "coordinator_agent"};
    if (type == WSM__MSG_MENTION_ACK) return wsm__json_key_is(key, "target") || wsm__json_key_is(key, "mention_sender");
    for (size_t i = 0; i < sizeof of_sides / sizeof *of_sides; i++)
        if (wsm__json_key_is(key, of_sides[i])) return true;
    return false;
}

int wsm__cards_learn(wsm_hub *hub, const wsm__fold *fold) {
    size_t at = 0;
    wsm__json_member member;
    const wsm__record_head *head = &fold->head;
    bool is_update = head->type == WSM__MSG_MEMORY_UPDATE || head->type == WSM__MSG_MEMORY_ARCHIVED;
    if (is_update && !head->to.ptr) return WSM_OK; /* its sender's card may not have been kept, and may come yet */
    int err = learn(hub, head->sender);
    if (!err && head->to.ptr) err = learn_all(hub, (wsm__json_value){.kind = WSM__JSON_ARRAY, .raw = head->to});
    if (is_update) return err; /* its body is its sender's */
    while (!err && wsm__json_next_member(fold->body, &at, &member)) {
        if (names_the_known(head->type, member.key)) err = learn_all(hub, member.value);
        if (member.value.kind == WSM__JSON_OBJECT && wsm__json_key_is(member.key, "resume_condition"))
            err = learn_all(hub, wsm__json_member_of(member.value.raw, "mention"));
    }
    return err;
}

void wsm__card_told(wsm_hub *hub, const wsm__fold *fold) {
    wsm_slice name;
    if (!hub->is_ready || !text_of(fold->body, "agent_id", &name)) return; /* not of what the log loads */
    const wsm__card *card = wsm__roster_at(&hub->roster, wsm__roster_find(&hub->roster, name));
    wsm_intake intake = {.size = sizeof intake,
                         .agent_id = name,
                         .kind = (wsm_kind)card->kind,
                         .specialties = wsm__card_specialties(card),
                         .offset = fold->offset};
    wsm__call_intake(hub, &intake);
}
