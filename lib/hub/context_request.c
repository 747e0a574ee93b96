/* context_request: a context as it is now, and of it exactly what the asker may see. watch.c asks for the same. */
#include "hub/sides.h"
#include "limits.h"
#include "util/clock.h"

typedef struct lens {
    wsm_hub *hub;
    const wsm__side *side;
    uint32_t who;
    const wsm_conn *conn; /* NULL: it is for the host */
} lens;

static bool may_know(const lens *view, const wsm__side *other) {
    if (view->conn && !wsm__identity_may_read(&view->conn->identity, wsm__side_id(other))) return false;
    return wsm__tree_knows(&view->hub->tree, other, view->who);
}

static bool may_read(const lens *view, uint64_t offset) {
    return view->who == WSM__AGENT_HUB || wsm__tree_sees(&view->hub->tree, view->side, view->who, offset);
}

static void put_id(wsm__json_out *out, const char *field, const lens *view, const wsm__side *other) {
    if (other && may_know(view, other))
        wsm__json_str(out, field, wsm__side_id(other));
    else
        wsm__json_raw(out, field, wsm__slice_str("null"));
}

static void put_time(wsm__json_out *out, const char *field, int64_t ms) {
    char time[WSM__TIME_LEN];
    wsm__time_format(time, ms);
    wsm__json_str(out, field, wsm__slice(time, sizeof time));
}

static void put_text(wsm__json_out *out, const char *field, const wsm__text *text) { /* raw JSON, or null */
    wsm__json_raw(out, field, text->ptr ? wsm__text_get(text) : wsm__slice_str("null"));
}

static void put_element(wsm__buf *buf, wsm_slice text) {
    if (buf->ptr[buf->len - 1] != '[') wsm__buf_putc(buf, ',');
    wsm__json_put_string(buf, text);
}

/* Live ones first, so that they are there when there are too many. */
static void put_children(wsm__json_out *out, const lens *view) {
    uint32_t count = 0;
    wsm__json_name(out, "child_sidebar_ids");
    wsm__buf_putc(out->buf, '[');
    for (int round = 0; round < 2; round++)
        for (const wsm__side *at = view->side->first_child; at && count < WSM__ITEMS_MAX; at = at->sibling) {
            if (wsm__side_is_live(at) != (round == 0) || !may_know(view, at)) continue;
            if (out->buf->err) return;
            put_element(out->buf, wsm__side_id(at));
            count++;
        }
    wsm__buf_putc(out->buf, ']');
}

static void put_sides(wsm__json_out *out, const char *field, const lens *view, const wsm__ring *sides) {
    wsm__json_name(out, field);
    wsm__buf_putc(out->buf, '[');
    for (uint32_t i = 0; i < sides->count; i++) {
        const wsm__side *other = *(wsm__side **)wsm__ring_at(sides, i);
        if (!out->buf->err && may_know(view, other)) put_element(out->buf, wsm__side_id(other));
    }
    wsm__buf_putc(out->buf, ']');
}

static void put_waiting(wsm__json_out *out, const lens *view) {
    const wsm__side *side = view->side;
    wsm__json_out waiting;
    if (side->status != WSM__STATUS_WAITING || side->waiting_for == WSM__WAITING_NONE) return;
    wsm__json_name(out, "waiting");
    wsm__json_open(&waiting, out->buf);
    wsm__json_str(&waiting, "waiting_for", wsm__slice_str(wsm__waiting_word((wsm__waiting_for)side->waiting_for)));
    wsm__json_raw(&waiting, "description",
                  side->waiting_text.ptr ? wsm__text_get(&side->waiting_text) : wsm__slice_str("\"\""));
    put_sides(&waiting, "dependency_refs", view, &side->waits);
    wsm__json_close(&waiting);
}

/* ---- who belongs ----------------------------------------------------------------------------------------------------
 */

static void put_participants(wsm__json_out *out, const lens *view) {
    wsm__json_name(out, "participants");
    wsm__buf_putc(out->buf, '[');
    for (wsm__member *m = wsm__side_first_member(view->side); m; m = wsm__side_next_member(m))
        if (!out->buf->err) put_element(out->buf, wsm__roster_name(&view->hub->roster, m->agent));
    wsm__buf_putc(out->buf, ']');
}

static wsm_slice field_of(const wsm__agent *agent, wsm__presence_field field) {
    return agent && agent->present ? wsm__agent_field(agent, field) : wsm__slice(NULL, 0);
}

/* Load counts private sidebars only for those who may know of them all: the number would tell. */
static uint32_t load_of(const lens *view, uint32_t agent) {
    uint32_t load = 0;
    for (wsm__member *m = wsm__tree_first_of(&view->hub->tree, agent); m; m = wsm__tree_next_of(m))
        if (wsm__side_is_live(m->side) && may_know(view, m->side)) load++;
    return load;
}

static void put_capabilities(wsm__json_out *out, const lens *view) {
    wsm__json_out all;
    wsm__json_name(out, "agent_capabilities");
    wsm__json_open(&all, out->buf);
    for (wsm__member *m = wsm__side_first_member(view->side); m; m = wsm__side_next_member(m)) {
        char name[WSM__AGENT_ID_MAX + 1];
        wsm__json_out one;
        wsm_slice id = wsm__roster_name(&view->hub->roster, m->agent);
        const wsm__agent *agent = wsm__audience_agent(view->hub, m->agent);
        wsm_slice specialties = wsm__card_specialties(wsm__roster_at(&view->hub->roster, m->agent));
        wsm_slice said = field_of(agent, WSM__PRESENCE_SPECIALTIES);
        wsm_slice availability = field_of(agent, WSM__PRESENCE_AVAILABILITY);
        wsm_slice preferred = field_of(agent, WSM__PRESENCE_COLLABORATORS);
        memcpy(name, id.ptr, id.len);
        name[id.len] = '\0';
        wsm__json_name(&all, name);
        wsm__json_open(&one, out->buf);
        wsm__json_str(&one, "agent_id", id);
        wsm__json_raw(&one, "specialties", said.ptr ? said : specialties.ptr ? specialties : wsm__slice_str("[]"));
        wsm__json_raw(&one, "availability", availability.ptr ? availability : wsm__slice_str("\"offline\""));
        wsm__json_num(&one, "current_load", load_of(view, m->agent));
        wsm__json_raw(&one, "preferred_collaborators", preferred.ptr ? preferred : wsm__slice_str("[]"));
        wsm__json_close(&one);
    }
    wsm__json_close(&all);
}

/* ---- what it knows --------------------------------------------------------------------------------------------------
 */

static void put_local(wsm__json_out *out, const lens *view) {
    wsm__json_out local;
    wsm__content content;
    uint32_t skip = view->side->context->count > WSM__ITEMS_MAX ? view->side->context->count - WSM__ITEMS_MAX : 0;
    const wsm__entry *entry = wsm__log_next_in(view->side->context, 0);
    int err = WSM_OK;
    wsm__content_init(&content, &view->hub->mem, view->hub->seed, true);
    wsm__json_name(out, "local_memory");
    wsm__json_open(&local, out->buf);
    wsm__json_name(&local, "offsets");
    wsm__buf_putc(out->buf, '[');
    for (bool first = true; entry && !err; entry = wsm__log_next_in(view->side->context, entry->offset)) {
        if (!may_read(view, entry->offset)) continue;
        err = wsm__content_add(&content, wsm__frame_payload(entry->frame));
        if (skip > 0) {
            skip--;
            continue;
        }
        if (!first) wsm__buf_putc(out->buf, ',');
        first = false;
        wsm__buf_put_u64(out->buf, entry->offset);
    }
    wsm__buf_putc(out->buf, ']');
    wsm__json_name(&local, "keys");
    wsm__content_put_values(&content, out->buf);
    wsm__json_close(&local);
    wsm__content_fini(&content);
    if (err) out->buf->err = err;
}

static void put_refs(wsm__json_out *out, const lens *view) {
    wsm__refs_walk at = {0};
    const wsm__value *value;
    const wsm__side *where;
    const wsm__ref *ref;
    bool first = true;
    wsm__json_name(out, "data_refs");
    wsm__buf_putc(out->buf, '{');
    while ((ref = wsm__refs_next(view->side, &at, &value, &where)) != NULL) {
        wsm__json_out one;
        if (!first) wsm__buf_putc(out->buf, ',');
        first = false;
        wsm__json_put_string(out->buf, wsm__slice(ref->name, ref->name_len));
        wsm__buf_putc(out->buf, ':');
        wsm__json_open(&one, out->buf);
        wsm__json_raw(&one, "value", wsm__slice(value->json, value->len));
        wsm__json_num(&one, "version", value->version);
        wsm__json_str(&one, "context_id", wsm__side_id(where));
        wsm__json_close(&one);
    }
    wsm__buf_putc(out->buf, '}');
}

static void put_status(wsm__json_out *out, const char *field, wsm__status status) {
    const char *word = wsm__status_word(status);
    if (word)
        wsm__json_str(out, field, wsm__slice_str(word));
    else
        wsm__json_raw(out, field, wsm__slice_str("null"));
}

static void put_context(wsm__buf *buf, const lens *view) {
    const wsm__side *side = view->side;
    bool is_main = wsm__side_is_main(side);
    wsm__json_out out;
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "sidebar_id", wsm__side_id(side));
    put_id(&out, "parent_context_id", view, side->parent);
    put_children(&out, view);
    put_id(&out, "forked_from", view, side->forked_from);
    put_participants(&out, view);
    put_capabilities(&out, view);
    if (side->coordinator == WSM__AGENT_NONE)
        wsm__json_raw(&out, "coordinator_agent", wsm__slice_str("null"));
    else
        wsm__json_str(&out, "coordinator_agent", wsm__roster_name(&view->hub->roster, side->coordinator));
    wsm__side_put_views(&out, "inherited_memory", view->hub, view->who, side->views, side->views_count);
    put_local(&out, view);
    put_refs(&out, view);
    put_sides(&out, "cross_sidebar_refs", view, &side->cross);
    put_status(&out, "status", (wsm__status)side->status);
    put_status(&out, "final_status", (wsm__status)side->final);
    put_waiting(&out, view);
    wsm__json_num(&out, "version", side->version);
    wsm__json_str(&out, "priority", wsm__slice_str(wsm__priority_word((wsm_priority)side->priority)));
    wsm__json_str(&out, "visibility", wsm__slice_str(side->is_private ? "private" : "open"));
    if (!is_main) wsm__json_str(&out, "merge_policy", wsm__slice_str(side->is_reviewed ? "review" : "auto"));
    if (side->task.ptr) wsm__json_raw(&out, "task_description", wsm__text_get(&side->task));
    put_time(&out, "created_at", side->born_ms);
    put_time(&out, "last_activity", side->active_ms);
    put_text(&out, "success_criteria", &side->criteria);
    put_text(&out, "failure_reason", &side->failure);
    wsm__json_close(&out);
}

void wsm__context_put(wsm__buf *buf, wsm_hub *hub, const wsm__side *side, uint32_t who, const wsm_conn *conn) {
    lens view = {hub, side, who, conn};
    put_context(buf, &view);
}

/* ---- the answer -----------------------------------------------------------------------------------------------------
 */

/* The version is the last record of the context: what a reader's snapshot holds does not tell of records elsewhere. */
void wsm__context_tell(wsm_conn *conn, const wsm__side *side, const wsm__origin *origin, wsm_slice context) {
    wsm__encoder enc;
    wsm__answer_begin(conn->hub, &enc, WSM__MSG_CONTEXT_SNAPSHOT);
    wsm__encode_str(&enc, "context_id", wsm__side_id(side));
    if (origin->has_id) wsm__encode_str(&enc, "cause", wsm__slice(origin->message_id, WSM__UUID_LEN));
    wsm__encode_num(&enc, "version", side->active);
    wsm__encode_raw(&enc, "context", context);
    wsm__encode_end(&enc);
    wsm__peer_notice(conn, WSM__LANE_NORMAL);
}

static void answer_host(wsm_hub *hub, const wsm__command *command, wsm_slice context) {
    wsm__verdict verdict = {.result = context};
    wsm__answer(hub, command->origin, &verdict);
}

static void answer_conn(wsm_hub *hub, const wsm__command *command, const wsm__ask *ask, wsm__buf *context) {
    wsm__verdict verdict = {.err = WSM_OK};
    wsm__json_value have = wsm__ask_field(ask, "have_version");
    uint64_t version = UINT64_MAX;
    if (have.kind) wsm__json_u64(have, UINT64_MAX, &version);
    if (!wsm__watch_answer(command->conn, ask->side, command->origin, version, context))
        wsm__context_tell(command->conn, ask->side, command->origin, wsm__slice(context->ptr, context->len));
    wsm__answer(hub, command->origin, &verdict);
}

wsm__side *wsm__context_readable(wsm__ask *ask, wsm_hub *hub, const wsm__command *command) {
    wsm__no no = {WSM_OK, NULL, NULL};
    wsm__ask_of_command(ask, hub, command);
    ask->side = wsm__ask_context(ask, command->message->context_id, "context_id", &no);
    if (ask->side) no = wsm__rights_no(&hub->tree, ask->side, ask->who, WSM__OP_READ, "context_id");
    if (!no.err) return ask->side;
    wsm__side_refuse(hub, command, &no);
    return NULL;
}

bool wsm__context_take(wsm__buf *buf, wsm_hub *hub, const wsm__command *command, const wsm__ask *ask) {
    size_t most = hub->config.queue_bytes_max ? hub->config.queue_bytes_max / 2 : SIZE_MAX;
    wsm__buf_init(buf, &hub->mem, most);
    wsm__context_put(buf, hub, ask->side, ask->who, command->conn);
    if (buf->err == WSM_ERR_TOO_LARGE)
        wsm__answer_error(hub, command->origin, WSM_ERR_LIMIT, "context_id", "context_id: too large for one message");
    else if (buf->err)
        wsm__answer_error(hub, command->origin, WSM_ERR_NOMEM, NULL, NULL);
    return !buf->err;
}

void wsm__context_submit(wsm_hub *hub, const wsm__command *command) {
    wsm__ask ask;
    wsm__buf buf;
    if (!wsm__context_readable(&ask, hub, command)) return;
    if (wsm__ask_field(&ask, "records").kind) {
        wsm__context_records(hub, command, ask.side, ask.who);
        return;
    }
    if (wsm__context_take(&buf, hub, command, &ask)) {
        if (command->conn)
            answer_conn(hub, command, &ask, &buf);
        else
            answer_host(hub, command, wsm__slice(buf.ptr, buf.len));
    }
    wsm__buf_fini(&buf);
}
