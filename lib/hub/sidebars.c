/* Commands about sidebars: checked, completed with what the hub knows, and appended. */
#include "hub/sides.h"
#include "util/base64.h"

#include <assert.h>

#define SIDE_ID_LEN 25u /* "sb-" and 22 characters of a UUID's 16 bytes */

/* ---- parts of bodies ------------------------------------------------------------------------------------------------
 */

void wsm__side_refuse(wsm_hub *hub, const wsm__command *command, const wsm__no *no) {
    wsm__answer_error(hub, command->origin, no->err, no->field, no->why);
}

static bool is_listed(const char *const *names, const char *name) {
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

void wsm__side_relay(wsm__json_out *out, const wsm__ask *ask, const char *const *except) {
    const wsm__message *message = ask->command->message;
    const wsm__msg_row *type = wsm__msg_row_of(ask->type);
    for (size_t i = 0; i < type->fields_count; i++) {
        const wsm__field_row *row = &type->fields[i];
        if (!(row->need & WSM__MAY_DOWN) || is_listed(except, row->name)) continue;
        if (row->need & WSM__SENDER)
            wsm__json_str(out, row->name, ask->sender);
        else if (message->fields[i].kind != 0)
            wsm__json_raw(out, row->name, message->fields[i].raw);
    }
}

void wsm__side_parent_id(wsm__json_out *out, const wsm__side *parent) {
    if (wsm__side_is_main(parent))
        wsm__json_raw(out, "parent_id", wsm__slice_str("null"));
    else
        wsm__json_str(out, "parent_id", wsm__side_id(parent));
}

void wsm__side_names(wsm__buf *buf, const wsm_hub *hub, const uint32_t *agents, uint32_t count) {
    wsm__buf_putc(buf, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) wsm__buf_putc(buf, ',');
        wsm__json_put_string(buf, wsm__roster_name(&hub->roster, agents[i]));
    }
    wsm__buf_putc(buf, ']');
}

static void put_names(wsm__json_out *out, const char *field, const wsm__ask *ask) {
    wsm__json_name(out, field);
    wsm__side_names(out->buf, ask->hub, ask->agents, ask->agents_count);
}

static void put_status(wsm__json_out *out, const char *field, wsm__status status) {
    wsm__json_str(out, field, wsm__slice_str(wsm__status_word(status)));
}

void wsm__side_close(wsm_hub *hub, wsm__record_head *head, wsm__json_out *out, const wsm__origin *origin,
                     wsm__side *side, wsm__side *other) {
    uint64_t number = hub->next_number;
    int err = wsm__submit_room(hub, hub->scratch.len);
    if (err) {
        wsm__buf_clear(&hub->scratch);
        if (origin->kind != WSM__ORIGIN_NONE) wsm__answer_error(hub, origin, err, NULL, NULL);
        return;
    }
    if (wsm__submit_close(hub, head, out, origin)) return;
    wsm__append_changes(hub, number, side, other);
}

/* ---- beginning ------------------------------------------------------------------------------------------------------
 */

static wsm_slice mint(wsm_hub *hub, char id[SIDE_ID_LEN]) {
    char text[WSM__UUID_LEN], coded[WSM__BASE64_LEN(16)];
    unsigned char bytes[16];
    wsm__uuid_v7(&hub->ids, hub->wall, text);
    wsm__uuid_parse(text, sizeof text, bytes);
    wsm__base64url_encode(coded, bytes, sizeof bytes);
    memcpy(id, "sb-", 3);
    memcpy(id + 3, coded, 22);
    return wsm__slice(id, SIDE_ID_LEN);
}

void wsm__side_put_views(wsm__json_out *out, const char *field, const wsm_hub *hub, uint32_t who,
                         const wsm__view *views, uint32_t count) {
    uint64_t records, bytes;
    wsm__json_name(out, field);
    wsm__buf_putc(out->buf, '[');
    for (uint32_t i = 0; i < count; i++) {
        wsm__json_out view;
        if (i > 0) wsm__buf_putc(out->buf, ',');
        wsm__json_open(&view, out->buf);
        wsm__json_str(&view, "context_id", wsm__side_id(views[i].of));
        if (views[i].from) wsm__json_num(&view, "from_offset", views[i].from);
        wsm__json_num(&view, "up_to_offset", views[i].up_to);
        wsm__json_str(&view, "mode", wsm__slice_str(wsm__inherit_word((wsm__inherit)views[i].mode)));
        if (wsm__view_count(&hub->tree, &views[i], who, &records, &bytes)) {
            wsm__json_num(&view, "records", records);
            wsm__json_num(&view, "bytes", bytes);
        }
        wsm__json_close(&view);
    }
    wsm__buf_putc(out->buf, ']');
}

/* What is not known exactly is not said. */
static void put_sum(wsm__json_out *out, const wsm__ask *ask, const wsm__view *views, uint32_t count) {
    uint64_t records = 0, bytes = 0, of_one, bytes_of_one;
    for (uint32_t i = 0; i < count; i++) {
        if (!wsm__view_count(&ask->hub->tree, &views[i], ask->who, &of_one, &bytes_of_one)) return;
        records += of_one;
        bytes += bytes_of_one;
    }
    wsm__json_num(out, "records", records);
    wsm__json_num(out, "bytes", bytes);
}

static void dry_run(wsm_hub *hub, const wsm__command *command, const wsm__ask *ask, const wsm__view *views,
                    uint32_t count) {
    wsm__buf buf;
    wsm__json_out out;
    wsm__buf_init(&buf, &hub->mem, 0);
    wsm__json_open(&out, &buf);
    wsm__side_put_views(&out, "inherited_context", hub, ask->who, views, count);
    put_sum(&out, ask, views, count);
    wsm__json_close(&out);
    wsm__verdict verdict = {.err = buf.err ? WSM_ERR_NOMEM : WSM_OK, .result = wsm__slice(buf.ptr, buf.len)};
    wsm__answer(hub, command->origin, &verdict);
    wsm__buf_fini(&buf);
}

/* How the three ways to begin differ: names of fields. */
static const struct birth_words {
    wsm__msg_type type;
    const char *id, *members;
    const char *const *own; /* fields that are not passed on as they came */
} births[] = {
    {WSM__MSG_SIDEBAR_SPAWN, "sidebar_id", "participants", (const char *const[]){"participants", "parent_id", NULL}},
    {WSM__MSG_SIDEBAR_CHILD_SPAWN, "child_sidebar_id", "assigned_agents",
     (const char *const[]){"assigned_agents", NULL}},
    {WSM__MSG_SIDEBAR_FORK, "new_sidebar_id", "participants", (const char *const[]){"participants", NULL}},
};

static const struct birth_words *birth_words(wsm__msg_type type) {
    for (size_t i = 0; i < sizeof births / sizeof *births; i++)
        if (births[i].type == type) return &births[i];
    return NULL;
}

/* A view ends with the parent's last record: where the log ends would tell of contexts that are none of the asker's.
 * With the last that all may see: behind it nothing but names of hidden sidebars is left out. */
static uint32_t views_of(const wsm__ask *ask, wsm__view views[WSM__VIEWS_MAX], wsm__unread *unread) {
    static const wsm__inherit_how everything = {.mode = WSM__INHERIT_ALL};
    bool is_fork = ask->type == WSM__MSG_SIDEBAR_FORK;
    uint64_t up_to = is_fork ? ask->at_offset : ask->offset;
    if (up_to >= ask->side->active) up_to = ask->side->shown;
    return wsm__inherit_views(&ask->hub->tree, ask->side, up_to, ask->who, is_fork ? &everything : &ask->inherit, views,
                              unread);
}

static void submit_birth(wsm_hub *hub, const wsm__command *command, wsm__ask *ask, wsm__record_head *head) {
    const struct birth_words *words = birth_words(ask->type);
    assert(words); /* nothing else begins a sidebar */
    wsm__view views[WSM__VIEWS_MAX];
    char id[SIDE_ID_LEN];
    wsm__json_out out, result;
    wsm__buf told;
    wsm__unread unread = {.side = NULL};
    uint32_t count = views_of(ask, views, &unread);
    if (unread.side && wsm__sum_ask(hub, command, &unread)) return;
    bool is_fork = ask->type == WSM__MSG_SIDEBAR_FORK;
    if (wsm__ask_field(ask, "dry_run").kind == WSM__JSON_TRUE) {
        dry_run(hub, command, ask, views, count);
        return;
    }
    head->context_id = mint(hub, id);
    head->priority = wsm__ask_priority(ask, ask->side);
    head->may = ask->may;
    if (is_fork) head->also = wsm__side_id(ask->side);
    wsm__buf_init(&told, &hub->mem, 0);
    wsm__json_open(&result, &told);
    wsm__json_str(&result, "sidebar_id", head->context_id);
    wsm__json_value ref = wsm__ask_field(ask, "client_ref");
    if (ref.kind) wsm__json_raw(&result, "client_ref", ref.raw);
    put_sum(&result, ask, views, count);
    wsm__json_close(&result);
    head->result = wsm__slice(told.ptr, told.len);
    wsm__submit_open(hub, command->message, head, &out);
    wsm__side_relay(&out, ask, words->own);
    wsm__json_str(&out, words->id, head->context_id);
    put_names(&out, words->members, ask);
    if (ask->type == WSM__MSG_SIDEBAR_SPAWN) wsm__json_str(&out, "parent_id", wsm__side_id(ask->side));
    if (is_fork && ask->side->criteria.ptr)
        wsm__json_raw(&out, "success_criteria", wsm__text_get(&ask->side->criteria));
    wsm__side_put_views(&out, "inherited_context", hub, WSM__AGENT_NONE, views, count); /* one text for all */
    if (told.err)
        wsm__answer_error(hub, command->origin, WSM_ERR_NOMEM, NULL, NULL);
    else
        wsm__side_close(hub, head, &out, command->origin, NULL, NULL);
    wsm__buf_fini(&told);
}

/* ---- the others -----------------------------------------------------------------------------------------------------
 */

static void put_version(wsm__json_out *out, const wsm__ask *ask, uint64_t more) {
    wsm__json_num(out, "version", ask->side->version + more);
}

static void put_status_update(wsm__json_out *out, const wsm__ask *ask) {
    put_status(out, "old_status", ask->was);
    put_version(out, ask, 1);
}

static void put_pause(wsm__json_out *out, const wsm__ask *ask) {
    put_status(out, "old_status", ask->was);
    put_version(out, ask, 1);
}

static void put_resume(wsm__json_out *out, const wsm__ask *ask) {
    put_status(out, "new_status", ask->change.to);
    put_version(out, ask, 1);
}

static void put_waiting(wsm__json_out *out, const wsm__ask *ask) {
    put_status(out, "old_status", ask->was);
    put_version(out, ask, ask->was == WSM__STATUS_WAITING ? 0 : 1);
}

static void put_archive(wsm__json_out *out, const wsm__ask *ask) {
    bool by_table = wsm__status_may(ask->was, (wsm__status)ask->side->before, WSM__STATUS_ARCHIVED);
    put_status(out, "final_status", ask->was == WSM__STATUS_PAUSED ? (wsm__status)ask->side->before : ask->was);
    put_version(out, ask, by_table ? 1 : 2); /* it is paused on its way */
}

static void put_decision(wsm__json_out *out, const wsm__ask *ask) {
    wsm__side_parent_id(out, ask->side->parent);
}

static void put_data_ref(wsm__json_out *out, const wsm__ask *ask) {
    wsm__json_num(out, "version", wsm__refs_version(ask->side, ask->set.name) + 1);
}

static const struct row {
    wsm__msg_type type;
    bool names_subjects;                                  /* they see the record though they may be no members */
    bool in_parent;                                       /* it counts there, and the sidebar's members see it too */
    void (*put)(wsm__json_out *out, const wsm__ask *ask); /* the hub's own fields; NULL: none */
} rows[] = {
    {WSM__MSG_SIDEBAR_STATUS_UPDATE, false, false, put_status_update},
    {WSM__MSG_SIDEBAR_PAUSE, false, false, put_pause},
    {WSM__MSG_SIDEBAR_RESUME, false, false, put_resume},
    {WSM__MSG_SIDEBAR_ARCHIVE, false, false, put_archive},
    {WSM__MSG_SIDEBAR_WAITING_UPDATE, false, false, put_waiting},
    {WSM__MSG_SIDEBAR_TEST_RESULT, false, false, NULL},
    {WSM__MSG_SIDEBAR_JOIN, false, false, NULL},
    {WSM__MSG_SIDEBAR_LEAVE, true, false, NULL},
    {WSM__MSG_SIDEBAR_INVITE, true, false, NULL},
    {WSM__MSG_SIDEBAR_REMOVE, true, false, NULL},
    {WSM__MSG_SIDEBAR_MERGE_DECISION, false, true, put_decision},
    {WSM__MSG_DATA_REF, false, false, put_data_ref},
};

static const struct row *row_of(wsm__msg_type type) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].type == type) return &rows[i];
    return NULL;
}

static void submit_change(wsm_hub *hub, const wsm__command *command, wsm__ask *ask, wsm__record_head *head) {
    const struct row *row = row_of(ask->type);
    assert(row); /* the table of commands brings no other type here */
    wsm__side *place = row->in_parent ? ask->side->parent : ask->side;
    wsm__json_out out;
    wsm__buf names;
    head->context_id = wsm__side_id(place);
    head->priority = wsm__ask_priority(ask, place);
    if (row->in_parent) head->also = wsm__side_id(ask->side);
    if (ask->type == WSM__MSG_SIDEBAR_JOIN && ask->history == WSM__HISTORY_ALL) head->may |= WSM__MAY_HISTORY;
    wsm__buf_init(&names, &hub->mem, 0);
    bool is_letting_in = ask->type == WSM__MSG_SIDEBAR_JOIN && ask->who == WSM__AGENT_HUB;
    if (row->names_subjects || is_letting_in) {
        wsm__side_names(&names, hub, ask->agents, ask->agents_count);
        head->to = wsm__slice(names.ptr, names.len);
    }
    wsm__submit_open(hub, command->message, head, &out);
    wsm__side_relay(&out, ask, NULL);
    if (row->put) row->put(&out, ask);
    if (names.err)
        wsm__answer_error(hub, command->origin, WSM_ERR_NOMEM, NULL, NULL);
    else
        wsm__side_close(hub, head, &out, command->origin, ask->side, row->in_parent ? place : NULL);
    wsm__buf_fini(&names);
}

/* ---- entry ----------------------------------------------------------------------------------------------------------
 */

/* One that is merged is not merged again: the answer is that of the first time. */
static bool is_merged_already(wsm_hub *hub, const wsm__command *command, const wsm__ask *ask) {
    const wsm__side *side = ask->side;
    if (ask->type != WSM__MSG_SIDEBAR_MERGE || !side || side->status != WSM__STATUS_MERGED) return false;
    if (wsm__rights_no(&hub->tree, side, ask->who, WSM__OP_MERGE, NULL).err) return false;
    wsm__verdict verdict = {.duplicate = true, .has_offset = true, .offset = side->merged_at};
    wsm__answer(hub, command->origin, &verdict);
    return true;
}

void wsm__side_submit(wsm_hub *hub, const wsm__command *command) {
    wsm__record_head head;
    wsm__ask ask;
    if (!wsm__submit_begin(hub, command, &head)) return;
    wsm__ask_of_command(&ask, hub, command);
    if (ask.who == WSM__AGENT_NONE && wsm__park(hub, command, NULL)) return;
    wsm__no no = wsm__ask_check(&ask);
    if (wsm__park(hub, command, ask.side)) return;
    bool merges = ask.type == WSM__MSG_SIDEBAR_MERGE && !no.err; /* it takes on what is being said */
    if (merges && wsm__park_once(hub, command, wsm__append_last_in(hub, ask.side->context))) return;
    if (is_merged_already(hub, command, &ask)) return;
    if (!no.err) no.err = wsm__submit_room(hub, command->text.len);
    if (no.err) {
        wsm__side_refuse(hub, command, &no);
        return;
    }
    if (ask.type == WSM__MSG_SIDEBAR_MERGE)
        wsm__merge_submit(hub, command, &ask);
    else if (birth_words(ask.type))
        submit_birth(hub, command, &ask, &head);
    else
        submit_change(hub, command, &ask, &head);
}

bool wsm__side_may_publish(wsm_hub *hub, const wsm__command *command, wsm__side **side) {
    wsm__ask ask;
    wsm__no no = {WSM_OK, NULL, NULL};
    if (wsm__slice_is(command->message->context_id, "main")) { /* all may; whether the token does was asked before */
        *side = hub->tree.main;
        return !wsm__park_behind(hub, command);
    }
    wsm__ask_of_command(&ask, hub, command);
    *side = wsm__ask_context(&ask, command->message->context_id, "context_id", &no);
    if (ask.who == WSM__AGENT_NONE && wsm__park(hub, command, NULL)) return false;
    if (wsm__park(hub, command, *side)) return false;
    if (*side) no = wsm__rights_no(&hub->tree, *side, ask.who, WSM__OP_PUBLISH, "context_id");
    if (!no.err && !wsm__side_is_live(*side) && ask.who != WSM__AGENT_HUB)
        no = (wsm__no){WSM_ERR_INVALID_TRANSITION, "context_id", "the sidebar has ended"};
    if (!no.err) return true;
    wsm__side_refuse(hub, command, &no);
    return false;
}
