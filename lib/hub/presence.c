/* Presence: who is there, announced at the first connection that may take part, changed by the agent itself, ended some
 * time after the last connection. Soft state: never in the log, and never queued up; see route/registry.h. */
#include "hub/hub.h"
#include "hub/sides.h"

#define RETRY_MS 1000u

static const char *const names[WSM__PRESENCE_FIELDS] = {
    "status", "current_context", "active_sidebars", "specialties", "availability", "preferred_collaborators", "note"};

static void push_to(wsm_conn *conn, wsm__agent *agent) {
    if (!conn->presence_lags && !conn->catching_up && wsm__io_room(&conn->io, 1) > 0 &&
        wsm__peer_push(conn, WSM__LANE_NORMAL, agent->frame, 0)) {
        conn->presence_seen = agent->version;
    } else if (!conn->presence_lags) {
        conn->presence_lags = true;
        conn->hub->presence_lagging++;
    }
}

/* Encode the agent's fields as they are and tell everybody. WSM_ERR_NOMEM: nobody was told. */
static int announce(wsm_hub *hub, wsm__agent *agent, bool present, wsm_slice sender) {
    char id[WSM__UUID_LEN];
    wsm__encoder enc;
    wsm__uuid_v7(&hub->ids, hub->wall, id);
    wsm__buf_clear(&hub->scratch);
    wsm__encode_begin(&enc, &hub->scratch, WSM__MSG_AGENT_PRESENCE, id, hub->wall, sender);
    wsm__encode_str(&enc, "agent_id", wsm__agent_name(agent));
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) {
        wsm_slice value = wsm__agent_field(agent, (wsm__presence_field)i);
        if (i == WSM__PRESENCE_STATUS && !present) value = wsm__slice_str("\"offline\"");
        if (i == WSM__PRESENCE_AVAILABILITY && !present) value = wsm__slice_str("\"offline\"");
        if (value.ptr) wsm__encode_raw(&enc, names[i], value);
    }
    wsm__encode_num(&enc, "current_load", 0);
    wsm__encode_end(&enc);
    wsm__frame *frame = hub->scratch.err ? NULL : wsm__frame_of(&hub->mem, 1, hub->scratch.ptr, hub->scratch.len, NULL);
    wsm__buf_clear(&hub->scratch);
    if (!frame) return WSM_ERR_NOMEM;
    wsm__registry_announce(&hub->registry, agent, frame, present);
    wsm__frame_unref(frame);
    hub->count.presence_changes++;
    for (uint32_t i = wsm__audience_main(hub)->count; i > 0; i--)
        push_to(wsm__peer_slot(hub, wsm__audience_main(hub)->slots[i - 1])->conn, agent);
    if (hub->presence_lagging == 0)
        wsm__registry_release_frame(agent); /* everybody has it: nobody will ask for it again */
    return WSM_OK;
}

static int set_first_fields(wsm_hub *hub, wsm__agent *agent, const wsm_claims *claims) {
    wsm_slice fields[WSM__PRESENCE_FIELDS] = {{0}};
    wsm__buf list;
    wsm__buf_init(&list, &hub->mem, 0);
    wsm__buf_putc(&list, '[');
    for (size_t i = 0; i < claims->specialties_count; i++) {
        if (i > 0) wsm__buf_putc(&list, ',');
        wsm__json_put_string(&list, claims->specialties[i]);
    }
    wsm__buf_putc(&list, ']');
    fields[WSM__PRESENCE_STATUS] = wsm__slice_str("\"online\"");
    fields[WSM__PRESENCE_CONTEXT] = wsm__slice_str("\"main\"");
    fields[WSM__PRESENCE_SIDEBARS] = wsm__slice_str("[]");
    fields[WSM__PRESENCE_SPECIALTIES] = wsm__slice(list.ptr, list.len);
    fields[WSM__PRESENCE_AVAILABILITY] = wsm__slice_str("\"available\"");
    int err = list.err ? WSM_ERR_NOMEM : wsm__agent_set_fields(&hub->registry, agent, fields);
    wsm__buf_fini(&list);
    return err < 0 ? err : WSM_OK;
}

static void come_online(wsm_hub *hub, wsm__agent *agent, const wsm_claims *claims) {
    if (agent->present) return;
    int err = set_first_fields(hub, agent, claims);
    if (!err) err = announce(hub, agent, true, wsm__slice_str("hub"));
    if (!err) return;
    hub->count.no_memory++;
    wsm__heap_arm(&hub->heap, &agent->timer, hub->now + RETRY_MS);
}

void wsm__presence_joined(wsm_hub *hub, wsm_conn *conn) {
    if (!conn->agent) return; /* it was closed meanwhile */
    come_online(hub, conn->agent, &conn->identity.claims);
}

void wsm__presence_left(wsm_hub *hub, wsm__agent *agent) {
    if (--agent->actives == 0) wsm__heap_arm(&hub->heap, &agent->timer, hub->now + hub->config.presence_grace_ms);
}

/* One of its connections that may take part; NULL: none. */
static wsm_conn *active_of(const wsm_hub *hub, const wsm__agent *agent) {
    for (uint8_t i = 0; i < agent->slots_count; i++) {
        wsm_conn *conn = wsm__peer_slot(hub, agent->slots[i])->conn;
        if (conn->identity.claims.permission == WSM_PERMISSION_ACTIVE) return conn;
    }
    return NULL;
}

void wsm__presence_timer(wsm_hub *hub, wsm__agent *agent) {
    wsm_conn *conn = active_of(hub, agent);
    if (conn) {
        come_online(hub, agent, &conn->identity.claims); /* there was no memory for it before */
        return;
    }
    bool was_present = agent->present;
    if (was_present && announce(hub, agent, false, wsm__slice_str("hub"))) {
        hub->count.no_memory++;
        wsm__heap_arm(&hub->heap, &agent->timer, hub->now + RETRY_MS);
        return;
    }
    if (was_present && agent->number != WSM__ROSTER_NONE) wsm__sides_offline(hub, agent->number);
    if (agent->slots_count > 0) return;
    if (hub->presence_lagging > 0 && agent->version > 0) /* somebody has still to hear of it */
        wsm__heap_arm(&hub->heap, &agent->timer, hub->now + RETRY_MS);
    else
        wsm__registry_forget(&hub->registry, agent, &hub->heap);
}

void wsm__presence_pump(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    if (!conn->presence_lags || conn->catching_up || conn->phase != WSM__PHASE_LIVE) return;
    wsm__agent *agent = wsm__registry_changed_after(&hub->registry, conn->presence_seen);
    wsm__list *node = agent ? &agent->in_order : &hub->registry.order;
    for (; node != &hub->registry.order; node = node->next) {
        agent = WSM__CONTAINER(node, wsm__agent, in_order);
        if (wsm__io_room(&conn->io, 1) == 0) return;
        if (agent->frame && !wsm__peer_push(conn, WSM__LANE_NORMAL, agent->frame, 0)) return;
        conn->presence_seen = agent->version;
        if (!conn->presence_lags) return; /* it was closed for its overflow */
    }
    conn->presence_lags = false;
    hub->presence_lagging--;
}

/* ---- what agents send -----------------------------------------------------------------------------------------------
 */

static bool is_repeat(wsm_hub *hub, wsm__agent *agent, const wsm__message *message, wsm_slice text,
                      const wsm__origin *origin) {
    unsigned char digest[WSM__DIGEST_LEN];
    if (!message->has_id) return false;
    const wsm__dedup_entry *seen = wsm__dedup_find(&hub->soft_dedup, wsm__agent_name(agent), message->id, hub->wall);
    if (!seen) return false;
    int err = wsm__digest_of(hub->digest, text.ptr, text.len, digest);
    if (!err && !wsm__ct_eq(seen->digest, digest, sizeof digest)) err = WSM_ERR_ID_CONFLICT;
    wsm__verdict verdict = {.err = err, .duplicate = true, .field = err ? "message_id" : NULL};
    wsm__answer(hub, origin, &verdict);
    return true;
}

static void remember(wsm_hub *hub, wsm__agent *agent, const wsm__message *message, wsm_slice text) {
    unsigned char digest[WSM__DIGEST_LEN];
    if (!message->has_id || wsm__digest_of(hub->digest, text.ptr, text.len, digest)) return;
    if (wsm__dedup_add(&hub->soft_dedup, wsm__agent_name(agent), message->id, digest, 0, hub->wall,
                       wsm__slice(NULL, 0)))
        hub->count.no_memory++;
    wsm__turn_chores_soon(hub, hub->config.dedup_soft_ms + 1u);
}

void wsm__presence_submit(wsm_hub *hub, const wsm__command *command) {
    wsm__agent *agent = command->agent;
    const wsm__message *message = command->message;
    const wsm__origin *origin = command->origin;
    wsm_slice fields[WSM__PRESENCE_FIELDS];
    if (!agent || !agent->present) {
        wsm__answer_error(hub, origin, WSM_ERR_CONFLICT, NULL, "an agent without a connection has no presence");
        return;
    }
    if (is_repeat(hub, agent, message, command->text, origin)) return;
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) { /* what is not said stays as it was */
        wsm__json_value value = wsm__message_field(message, names[i]);
        fields[i] = value.kind ? value.raw : wsm__agent_field(agent, (wsm__presence_field)i);
    }
    int changed = wsm__agent_set_fields(&hub->registry, agent, fields);
    int err = changed < 0 ? changed : WSM_OK;
    if (changed > 0 && announce(hub, agent, true, wsm__agent_name(agent))) {
        hub->count.no_memory++; /* the fields have changed all the same: the next change, or the timer, tells of them */
        err = WSM_ERR_NOMEM;
    }
    if (!err) remember(hub, agent, message, command->text);
    wsm__verdict verdict = {.err = err, .duplicate = changed == 0};
    wsm__answer(hub, origin, &verdict);
}

/* ---- agent_list -----------------------------------------------------------------------------------------------------
 */

static bool list_has(wsm_slice array, wsm_slice wanted) {
    size_t at = 0;
    wsm__json_value value;
    while (array.ptr && wsm__json_next_element(array, &at, &value))
        if (wsm__slice_eq(value.raw, wanted)) return true;
    return false;
}

static bool passes(const wsm__agent *agent, wsm__json_value filter) {
    size_t at = 0;
    wsm__json_member member;
    while (filter.kind == WSM__JSON_OBJECT && wsm__json_next_member(filter.raw, &at, &member)) {
        wsm_slice wanted = member.value.raw;
        if (wsm__json_key_is(member.key, "status") &&
            !wsm__slice_eq(wanted, wsm__agent_field(agent, WSM__PRESENCE_STATUS)))
            return false;
        if (wsm__json_key_is(member.key, "context") &&
            !wsm__slice_eq(wanted, wsm__agent_field(agent, WSM__PRESENCE_CONTEXT)))
            return false;
        if (wsm__json_key_is(member.key, "availability") &&
            !wsm__slice_eq(wanted, wsm__agent_field(agent, WSM__PRESENCE_AVAILABILITY)))
            return false;
        if (wsm__json_key_is(member.key, "specialty") &&
            !list_has(wsm__agent_field(agent, WSM__PRESENCE_SPECIALTIES), wanted))
            return false;
    }
    return true;
}

static void put_agent(wsm__buf *buf, const wsm__agent *agent) {
    static const char *const kinds[] = {"agent", "human", "service"};
    wsm__json_out out;
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "agent_id", wsm__agent_name(agent));
    wsm__json_str(&out, "kind", wsm__slice_str(kinds[agent->kind]));
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) {
        wsm_slice value = wsm__agent_field(agent, (wsm__presence_field)i);
        if (value.ptr) wsm__json_raw(&out, names[i], value);
    }
    wsm__json_num(&out, "current_load", 0);
    wsm__json_close(&out);
}

void wsm__presence_list(wsm_hub *hub, const wsm__command *command) {
    const wsm__origin *origin = command->origin;
    wsm__json_value filter = wsm__message_field(command->message, "filter");
    wsm__buf list;
    wsm__map_node *cursor = NULL;
    wsm__agent *agent;
    bool first = true, whole = true;
    size_t most = hub->config.queue_bytes_max ? hub->config.queue_bytes_max / 2 : SIZE_MAX;
    if (!origin->has_id && origin->kind == WSM__ORIGIN_CONN) {
        wsm__answer_error(hub, origin, WSM_ERR_BAD_MESSAGE, "message_id",
                          "message_id: expected a UUID, because the answer is the ack");
        return;
    }
    wsm__buf_init(&list, &hub->mem, 0);
    wsm__buf_puts(&list, "{\"agents\":[");
    while ((agent = wsm__map_next(&hub->registry.agents, &cursor)) != NULL) {
        if (!agent->present || !passes(agent, filter)) continue;
        whole = list.len < most;
        if (!whole) break;
        if (!first) wsm__buf_putc(&list, ',');
        first = false;
        put_agent(&list, agent);
    }
    wsm__buf_puts(&list, whole ? "]}" : "],\"truncated\":true}");
    wsm__verdict verdict = {.err = list.err ? WSM_ERR_NOMEM : WSM_OK, .result = wsm__slice(list.ptr, list.len)};
    wsm__answer(hub, origin, &verdict);
    wsm__buf_fini(&list);
}
