/* Presence: who is there, announced at the first connection that may take part, changed by the agent itself, ended some
 * time after the last connection. Soft state: never in the log, and never queued up; see route/registry.h. */
#include "hub/hub.h"
#include "hub/sides.h"
#include "util/siphash.h"

#define RETRY_MS     1000u
#define SIDEBARS_MAX 64u /* as many as the message may name; the load counts all */
#define MARK_FACTOR  1099511628211u

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

/* ---- what is seen ---------------------------------------------------------------------------------------------------
 * One frame for all: nothing in it tells of a sidebar that not everybody may know of, whatever the agent says. */

typedef struct seen {
    wsm_slice fields[WSM__PRESENCE_FIELDS]; /* raw JSON; absent: left out */
    uint32_t load;
    wsm__buf sidebars;
    uint64_t mark; /* hash of all */
} seen;

/* What the agent says it works in, if everybody may know of that. */
static wsm_slice seen_context(const wsm_hub *hub, const wsm__agent *agent) {
    wsm_slice id, raw = wsm__agent_field(agent, WSM__PRESENCE_CONTEXT), nothing = wsm__slice(NULL, 0);
    if (!raw.ptr || !wsm__json_string_is_plain(raw, &id)) return nothing;
    const wsm__context *context = wsm__context_named(hub, id);
    const wsm__side *side = context ? wsm__tree_of(&hub->tree, context) : NULL;
    return side && !side->is_hidden ? raw : nothing;
}

static void put_sidebars(const wsm_hub *hub, const wsm__agent *agent, seen *what) {
    uint32_t found = 0;
    const wsm__member *member = what->load > 0 ? wsm__tree_first_of(&hub->tree, agent->number) : NULL;
    wsm__buf_putc(&what->sidebars, '[');
    for (; member && found < what->load && found < SIDEBARS_MAX; member = wsm__tree_next_of(member)) {
        if (member->side->is_hidden || !wsm__side_is_live(member->side)) continue;
        if (found++ > 0) wsm__buf_putc(&what->sidebars, ',');
        wsm__json_put_string(&what->sidebars, wsm__side_id(member->side));
    }
    wsm__buf_putc(&what->sidebars, ']');
}

/* To be given back with see_no_more. WSM_ERR_NOMEM: too, and it is of no use. */
static int see(wsm_hub *hub, const wsm__agent *agent, bool present, seen *what) {
    *what = (seen){.load = wsm__tree_agent_load(&hub->tree, agent->number)};
    wsm__buf_init(&what->sidebars, &hub->mem, 0);
    put_sidebars(hub, agent, what);
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) what->fields[i] = wsm__agent_field(agent, (wsm__presence_field)i);
    what->fields[WSM__PRESENCE_CONTEXT] = seen_context(hub, agent);
    what->fields[WSM__PRESENCE_SIDEBARS] = wsm__slice(what->sidebars.ptr, what->sidebars.len);
    if (!present) what->fields[WSM__PRESENCE_STATUS] = wsm__slice_str("\"offline\"");
    if (!present) what->fields[WSM__PRESENCE_AVAILABILITY] = wsm__slice_str("\"offline\"");
    what->mark = what->load;
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) {
        wsm_slice field = what->fields[i].ptr ? what->fields[i] : wsm__slice_str("");
        what->mark = what->mark * MARK_FACTOR + wsm__siphash(hub->seed, field.ptr, field.len);
    }
    return what->sidebars.err ? WSM_ERR_NOMEM : WSM_OK;
}

static void see_no_more(seen *what) {
    wsm__buf_fini(&what->sidebars);
}

/* ---- announcing -----------------------------------------------------------------------------------------------------
 */

static wsm__frame *frame_of(wsm_hub *hub, const wsm__agent *agent, const seen *what, wsm_slice sender) {
    char id[WSM__UUID_LEN];
    wsm__encoder enc;
    wsm__uuid_v7(&hub->ids, hub->wall, id);
    wsm__buf_clear(&hub->scratch);
    wsm__encode_begin(&enc, &hub->scratch, WSM__MSG_AGENT_PRESENCE, id, hub->wall, sender);
    wsm__encode_str(&enc, "agent_id", wsm__agent_name(agent));
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++)
        if (what->fields[i].ptr) wsm__encode_raw(&enc, names[i], what->fields[i]);
    wsm__encode_num(&enc, "current_load", what->load);
    wsm__encode_end(&enc);
    wsm__frame *frame = hub->scratch.err ? NULL : wsm__frame_of(&hub->mem, 1, hub->scratch.ptr, hub->scratch.len, NULL);
    wsm__buf_clear(&hub->scratch);
    return frame;
}

/* Tell everybody how the agent is now. WSM_ERR_NOMEM: nobody was told. */
static int announce(wsm_hub *hub, wsm__agent *agent, bool present, wsm_slice sender) {
    seen what;
    wsm__frame *frame = see(hub, agent, present, &what) ? NULL : frame_of(hub, agent, &what, sender);
    see_no_more(&what);
    if (!frame) return WSM_ERR_NOMEM;
    agent->told_at = hub->now ? hub->now : 1;
    agent->told_mark = what.mark;
    wsm__heap_disarm(&hub->heap, &agent->soon);
    wsm__registry_announce(&hub->registry, agent, frame, present);
    wsm__frame_unref(frame);
    hub->count.presence_changes++;
    for (uint32_t i = wsm__audience_main(hub)->count; i > 0; i--)
        push_to(wsm__peer_slot(hub, wsm__audience_main(hub)->slots[i - 1])->conn, agent);
    if (hub->presence_lagging == 0)
        wsm__registry_release_frame(agent); /* everybody has it: nobody will ask for it again */
    return WSM_OK;
}

/* When the next announcement may go out: one for each agent and interval, so that the newest value wins. */
static uint64_t next_turn(const wsm_hub *hub, const wsm__agent *agent) {
    uint64_t when = agent->told_at ? agent->told_at + hub->config.presence_interval_ms : 0;
    return when > hub->now ? when : hub->now;
}

static void arm_soon(wsm_hub *hub, wsm__agent *agent, uint64_t when) {
    agent->soon.kind = WSM__TIMER_PRESENCE;
    wsm__heap_arm(&hub->heap, &agent->soon, when);
}

/* Is what everybody would see another than what everybody was told? Lack of memory says yes. */
static bool is_news(wsm_hub *hub, const wsm__agent *agent) {
    seen what;
    int err = see(hub, agent, true, &what);
    see_no_more(&what);
    return err || what.mark != agent->told_mark;
}

void wsm__presence_soon(wsm_hub *hub, wsm__agent *agent) {
    wsm__heap_disarm(&hub->heap, &agent->soon);
    if (!agent->present || !is_news(hub, agent)) return;
    if (next_turn(hub, agent) > hub->now) {
        arm_soon(hub, agent, next_turn(hub, agent));
    } else if (announce(hub, agent, true, agent->by_itself ? wsm__agent_name(agent) : wsm__slice_str("hub"))) {
        hub->count.no_memory++;
        arm_soon(hub, agent, hub->now + RETRY_MS);
    }
}

/* It goes out after the turn, when the record that did it is out. Of what is secret not even the moment shows. */
void wsm__presence_shifted(wsm_hub *hub, uint32_t number, const wsm__side *side) {
    wsm__agent *agent = side->is_hidden ? NULL : wsm__audience_agent(hub, number);
    if (!agent || !agent->present || agent->soon.armed) return;
    agent->by_itself = false;
    arm_soon(hub, agent, next_turn(hub, agent));
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
    fields[WSM__PRESENCE_SPECIALTIES] = wsm__slice(list.ptr, list.len);
    fields[WSM__PRESENCE_AVAILABILITY] = wsm__slice_str("\"available\"");
    int err = list.err ? WSM_ERR_NOMEM : wsm__agent_set_fields(&hub->registry, agent, fields);
    wsm__buf_fini(&list);
    return err < 0 ? err : WSM_OK;
}

static void come_online(wsm_hub *hub, wsm__agent *agent, const wsm_claims *claims) {
    agent->hands_over = false;
    if (agent->present) return;
    int err = agent->has_fields ? WSM_OK : set_first_fields(hub, agent, claims);
    agent->has_fields = !err;
    uint64_t when = next_turn(hub, agent);
    if (!err && when <= hub->now) err = announce(hub, agent, true, wsm__slice_str("hub"));
    if (err) hub->count.no_memory++;
    if (err || when > hub->now) wsm__heap_arm(&hub->heap, &agent->timer, when > hub->now ? when : hub->now + RETRY_MS);
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
    if (was_present && next_turn(hub, agent) > hub->now) {
        wsm__heap_arm(&hub->heap, &agent->timer, next_turn(hub, agent));
        return;
    }
    agent->has_fields = false; /* who comes back begins anew */
    if (was_present && announce(hub, agent, false, wsm__slice_str("hub"))) {
        hub->count.no_memory++;
        wsm__heap_arm(&hub->heap, &agent->timer, hub->now + RETRY_MS);
        return;
    }
    if (was_present) agent->hands_over = agent->number != WSM__ROSTER_NONE;
    if (agent->hands_over) agent->hands_over = wsm__sides_offline(hub, agent->number);
    if (agent->hands_over) { /* until the records have come back: their appends may fail */
        wsm__heap_arm(&hub->heap, &agent->timer, hub->now + RETRY_MS);
        return;
    }
    if (agent->slots_count > 0) return;
    if (hub->presence_lagging > 0 && agent->version > 0) /* somebody has still to hear of it */
        wsm__heap_arm(&hub->heap, &agent->timer, hub->now + RETRY_MS);
    else if (next_turn(hub, agent) > hub->now) /* who comes back before that is told of then, not at once */
        wsm__heap_arm(&hub->heap, &agent->timer, next_turn(hub, agent));
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
    const wsm__dedup_entry *known = wsm__dedup_find(&hub->soft_dedup, wsm__agent_name(agent), message->id, hub->wall);
    if (!known) return false;
    int err = wsm__digest_of(hub->digest, text.ptr, text.len, digest);
    if (!err && !wsm__ct_eq(known->digest, digest, sizeof digest)) err = WSM_ERR_ID_CONFLICT;
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
    if (!agent || (!agent->present && agent->actives == 0)) {
        wsm__answer_error(hub, origin, WSM_ERR_CONFLICT, NULL, "an agent without a connection has no presence");
        return;
    }
    if (is_repeat(hub, agent, message, command->text, origin)) return;
    const wsm_conn *conn = agent->has_fields ? NULL : active_of(hub, agent); /* there was no memory for them before */
    if (conn && set_first_fields(hub, agent, &conn->identity.claims)) {
        wsm__answer_error(hub, origin, WSM_ERR_NOMEM, NULL, NULL);
        return;
    }
    if (conn) agent->has_fields = true;
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) { /* what is not said stays as it was */
        wsm__json_value value = wsm__message_field(message, names[i]);
        fields[i] = value.kind ? value.raw : wsm__agent_field(agent, (wsm__presence_field)i);
    }
    fields[WSM__PRESENCE_SIDEBARS] = wsm__slice(NULL, 0); /* the hub knows better */
    int changed = wsm__agent_set_fields(&hub->registry, agent, fields);
    if (changed > 0) {
        agent->by_itself = true;
        wsm__presence_soon(hub, agent);
    }
    if (changed >= 0) remember(hub, agent, message, command->text);
    wsm__verdict verdict = {.err = changed < 0 ? changed : WSM_OK, .duplicate = changed == 0};
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

static bool passes(const seen *what, wsm__json_value filter) {
    static const struct {
        const char *name;
        wsm__presence_field field;
    } of[] = {{"status", WSM__PRESENCE_STATUS},
              {"context", WSM__PRESENCE_CONTEXT},
              {"availability", WSM__PRESENCE_AVAILABILITY},
              {"specialty", WSM__PRESENCE_SPECIALTIES}};
    size_t at = 0;
    wsm__json_member member;
    while (filter.kind == WSM__JSON_OBJECT && wsm__json_next_member(filter.raw, &at, &member)) {
        for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
            wsm_slice field = what->fields[of[i].field], wanted = member.value.raw;
            if (!wsm__json_key_is(member.key, of[i].name)) continue;
            if (!field.ptr) return false;
            bool fits =
                of[i].field == WSM__PRESENCE_SPECIALTIES ? list_has(field, wanted) : wsm__slice_eq(wanted, field);
            if (!fits) return false;
        }
    }
    return true;
}

static void put_agent(wsm__buf *buf, const wsm__agent *agent, const seen *what) {
    static const char *const kinds[] = {"agent", "human", "service"};
    wsm__json_out out;
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "agent_id", wsm__agent_name(agent));
    wsm__json_str(&out, "kind", wsm__slice_str(kinds[agent->kind]));
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++)
        if (what->fields[i].ptr) wsm__json_raw(&out, names[i], what->fields[i]);
    wsm__json_num(&out, "current_load", what->load);
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
    while (whole && (agent = wsm__map_next(&hub->registry.agents, &cursor)) != NULL) {
        seen what;
        if (!agent->present) continue;
        if (see(hub, agent, true, &what)) list.err = WSM_ERR_NOMEM;
        bool is_wanted = passes(&what, filter);
        whole = !is_wanted || list.len < most;
        if (is_wanted && whole && !first) wsm__buf_putc(&list, ',');
        if (is_wanted && whole) put_agent(&list, agent, &what);
        first = first && !is_wanted;
        see_no_more(&what);
    }
    wsm__buf_puts(&list, whole ? "]}" : "],\"truncated\":true}");
    wsm__verdict verdict = {.err = list.err ? WSM_ERR_NOMEM : WSM_OK, .result = wsm__slice(list.ptr, list.len)};
    wsm__answer(hub, origin, &verdict);
    wsm__buf_fini(&list);
}
