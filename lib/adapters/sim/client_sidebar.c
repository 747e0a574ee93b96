/* What model clients do with sidebars: they begin them, open and private, come and go, let others in, say something
 * inside, change their status, merge and archive them; and ask for what is none of their business, or is not there. */
#include <stdio.h>
#include <string.h>

#include "world.h"

#define FIELDS 900u

typedef struct doing {
    wsm__sim_client *client;
    wsm_sim *sim;
    wsm__sim_sides *sides;
    const wsm__sim_side *side; /* NULL: one that is not there */
    char id[40];
    char fields[FIELDS];
    wsm__sim_command command;
} doing;

#define draw(at, bound) wsm__sim_draw_at((at)->sim, WSM__SIM_WORK, bound, __func__, #bound)

/* Most often one in which the client is; else any; now and then one that does not exist. */
static void pick_side(doing *at) {
    uint32_t agent = at->client->agent->idx, dice = draw(at, 16), count = at->sides->count;
    at->side = NULL;
    snprintf(at->id, sizeof at->id, "sb-zzzzzzzzzzzzzzzzzzz%03u", draw(at, 1000));
    if (dice == 15 || count < 2) return;
    uint32_t first = draw(at, count - 1);
    const wsm__sim_side *found = at->sides->at[1 + first];
    for (uint32_t i = 0; dice < 12 && i + 1 < count; i++) {
        const wsm__sim_side *side = at->sides->at[1 + (first + i) % (count - 1)];
        if (!wsm__sim_is_in(side->members | side->asked, agent)) continue;
        found = side;
        if (wsm__sim_side_is_live(side)) break;
    }
    at->side = found;
    snprintf(at->id, sizeof at->id, "%s", found->id);
}

/* A list of up to `most` agents by name. */
static void names(doing *at, const char *field, uint32_t most) {
    size_t len = strlen(at->fields);
    uint32_t count = strcmp(field, "agent_ids") == 0 ? 1 + draw(at, most) : draw(at, most + 1);
    len += (size_t)snprintf(at->fields + len, FIELDS - len, ",\"%s\":[", field);
    at->command.named = 0;
    for (uint32_t i = 0; i < count; i++) {
        const wsm__sim_agent *agent = &at->sim->oracle.agents[draw(at, at->sim->oracle.agents_count)];
        bool is_again = wsm__sim_is_in(at->command.named, agent->idx);
        at->command.named |= 1ull << agent->idx;
        if (is_again) continue;
        len += (size_t)snprintf(at->fields + len, FIELDS - len, "%s\"%s\"", at->fields[len - 1] == '[' ? "" : ",",
                                agent->name);
    }
    snprintf(at->fields + len, FIELDS - len, "]");
}

static void add(doing *at, const char *text) {
    size_t len = strlen(at->fields);
    snprintf(at->fields + len, FIELDS - len, "%s", text);
}

static void add_about(doing *at, const char *field) {
    size_t len = strlen(at->fields);
    snprintf(at->fields + len, FIELDS - len, ",\"%s\":\"%s\"", field, at->id);
    snprintf(at->command.about, sizeof at->command.about, "%s", at->id);
}

static void add_version(doing *at) {
    size_t len = strlen(at->fields);
    uint32_t dice = draw(at, 4);
    if (dice < 2 || !at->side) return;
    uint64_t version = at->side->version + (dice == 3);
    snprintf(at->fields + len, FIELDS - len, ",\"if_version\":%llu", (unsigned long long)version);
}

/* ---- each of them ---------------------------------------------------------------------------------------------------
 */

static void birth_words(doing *at) {
    static const char *const inherit[] = {"", ",\"inherit\":{\"mode\":\"refs\"}", ",\"inherit\":{\"mode\":\"none\"}",
                                          ",\"inherit\":{\"mode\":\"last_n\",\"n\":2}"};
    static const char *const policy[] = {"", ",\"conflict_policy\":\"keep_parent\"",
                                         ",\"conflict_policy\":\"keep_sidebar\""};
    static const char *const priority[] = {"", "", ",\"priority\":\"background\"", ",\"priority\":\"high\""};
    add(at, inherit[draw(at, 4)]);
    add(at, policy[draw(at, 3)]);
    add(at, priority[draw(at, 4)]);
    if (draw(at, 3) == 2) add(at, ",\"merge_policy\":\"review\"");
    if (draw(at, 2) == 1) add(at, ",\"visibility\":\"private\"");
    if (draw(at, 3) != 2) return;
    size_t len = strlen(at->fields);
    snprintf(at->fields + len, FIELDS - len, ",\"coordinator_agent\":\"%s\"", at->client->agent->name);
}

static void do_spawn(doing *at) {
    add(at, ",\"task_description\":\"what one does beside\"");
    names(at, "participants", 3);
    birth_words(at);
}

static void do_child(doing *at) {
    add_about(at, "parent_sidebar_id");
    add(at, ",\"sub_task_description\":\"what one does below\"");
    names(at, "assigned_agents", 2);
    birth_words(at);
}

static void do_fork(doing *at) {
    add_about(at, "original_sidebar_id");
    add(at, ",\"fork_reason\":\"once more\"");
    if (draw(at, 2)) names(at, "participants", 2);
}

static void do_join(doing *at) {
    add_about(at, "sidebar_id");
    if (at->side && wsm__sim_is_in(at->side->asked_all, at->client->agent->idx) ? draw(at, 4) > 0 : draw(at, 6) == 5)
        add(at, ",\"history\":\"all\"");
}

static void do_leave(doing *at) {
    add_about(at, "sidebar_id");
    add(at, ",\"reason\":\"enough\"");
    if (draw(at, 2)) add(at, ",\"priority\":\"critical\""); /* it overtakes what waits for the one who leaves */
}

/* One that is there, where the client may let others in. */
static void pick_led(doing *at) {
    uint32_t count = at->sides->count - 1, first = count ? draw(at, count) : 0, agent = at->client->agent->idx;
    for (uint32_t i = 0; i < count; i++) {
        const wsm__sim_side *side = at->sides->at[1 + (first + i) % count];
        bool may = side->coordinator == agent || side->coordinator == WSM__SIM_NOBODY;
        if (!may || !wsm__sim_side_is_live(side) || !wsm__sim_is_in(side->members, agent)) continue;
        at->side = side;
        snprintf(at->id, sizeof at->id, "%s", side->id);
        return;
    }
}

/* Somebody who is not in it yet, if there is somebody. */
static void stranger(doing *at) {
    const wsm__sim_oracle *oracle = &at->sim->oracle;
    uint32_t first = draw(at, oracle->agents_count), idx = first;
    for (uint32_t i = 0; i < oracle->agents_count && wsm__sim_is_in(at->side->members, idx); i++)
        idx = (first + i) % oracle->agents_count;
    size_t len = strlen(at->fields);
    snprintf(at->fields + len, FIELDS - len, ",\"agent_ids\":[\"%s\"]", oracle->agents[idx].name);
}

static void do_invite(doing *at) {
    if (draw(at, 4)) pick_led(at);
    add_about(at, "sidebar_id");
    if (at->side && draw(at, 4))
        stranger(at);
    else
        names(at, "agent_ids", 3);
    at->command.named = 0;
    if (draw(at, 2) || draw(at, 4) > 1) add(at, ",\"history\":\"all\"");
}

/* Who was called lately in the sidebar: his mention may still be on its way to him. NULL: nobody. */
static const wsm__sim_agent *called_lately(doing *at) {
    const wsm__sim_mail *mail = at->sim->mail;
    for (size_t i = mail && at->side ? mail->count : 0; i > 0 && mail->count - i < 32; i--) {
        const wsm__sim_delivery *delivery = &mail->deliveries[i - 1];
        bool is_in = delivery->side == at->side->idx && wsm__sim_is_in(at->side->members, delivery->agent);
        if (is_in && draw(at, 3)) return &at->sim->oracle.agents[delivery->agent];
    }
    return NULL;
}

static void do_remove(doing *at) {
    size_t len;
    const wsm__sim_agent *agent = called_lately(at);
    add_about(at, "sidebar_id");
    len = strlen(at->fields);
    if (agent)
        snprintf(at->fields + len, FIELDS - len, ",\"agent_ids\":[\"%s\"]", agent->name);
    else
        names(at, "agent_ids", 2);
    at->command.named = 0;
    if (draw(at, 2)) add(at, ",\"priority\":\"critical\"");
}

static void do_status(doing *at) {
    size_t len;
    uint32_t status = 1 + draw(at, WSM__SIM_STATUSES - 1);
    if (draw(at, 3)) status = draw(at, 3) ? WSM__SIM_ACTIVE : WSM__SIM_SPAWNING;
    add_about(at, "sidebar_id");
    len = strlen(at->fields);
    snprintf(at->fields + len, FIELDS - len, ",\"new_status\":\"%s\",\"reason\":\"so it is\"",
             wsm__sim_status_word((wsm__sim_status)status));
    add_version(at);
}

static void do_pause(doing *at) {
    add_about(at, "sidebar_id");
    add(at, ",\"reason\":\"later\"");
    if (at->sides->count > 1 && draw(at, 2)) {
        size_t len = strlen(at->fields);
        snprintf(at->fields + len, FIELDS - len, ",\"resume_condition\":{\"sidebar\":\"%s\"}",
                 at->sides->at[1 + draw(at, at->sides->count - 1)]->id);
    }
    add_version(at);
}

static void do_resume(doing *at) {
    add_about(at, "sidebar_id");
    add(at, ",\"reason\":\"now\"");
    add_version(at);
}

/* One that waits itself, if there is one: so circles come about. */
static const char *waited_for(const doing *at) {
    uint32_t count = at->sides->count - 1, first = draw(at, count);
    for (uint32_t i = 0; i < count && draw(at, 3); i++) {
        const wsm__sim_side *side = at->sides->at[1 + (first + i) % count];
        if (side->status == WSM__SIM_WAITS_FOR && strcmp(side->id, at->id) != 0) return side->id;
    }
    return at->sides->at[1 + first]->id;
}

static void do_wait(doing *at) {
    add_about(at, "sidebar_id");
    bool for_others = at->sides->count > 1 && draw(at, 4) > 0;
    add(at, for_others ? ",\"waiting_for\":\"other_sidebar\"" : ",\"waiting_for\":\"human_input\"");
    add(at, ",\"description\":\"it takes a while\"");
    size_t len = strlen(at->fields);
    if (for_others)
        snprintf(at->fields + len, FIELDS - len, ",\"dependency_refs\":[\"%s\",\"%s\"]", waited_for(at),
                 waited_for(at));
}

static void do_test(doing *at) {
    add_about(at, "sidebar_id");
    add(at, ",\"test_description\":\"does it hold\",\"result\":\"passed\",\"findings\":\"it does\"");
}

static void do_ref(doing *at) {
    size_t len;
    if (draw(at, 4)) add_about(at, "context_id");
    len = strlen(at->fields);
    uint32_t name = draw(at, 4);
    if (draw(at, 5) == 4)
        snprintf(at->fields + len, FIELDS - len, ",\"name\":\"r%u\",\"value\":null", name);
    else
        snprintf(at->fields + len, FIELDS - len, ",\"name\":\"r%u\",\"value\":{\"is\":%u}", name, draw(at, 5));
}

static void do_merge(doing *at) {
    add_about(at, "sidebar_id");
    uint32_t dice = draw(at, 4);
    if (dice == 3) add(at, ",\"exchanges_to_merge\":\"none\"");
    if (dice == 2) add(at, ",\"consolidated_findings\":{\"it\":\"works\"}");
    at->command.wants_all = dice != 3;
    add_version(at);
}

static void do_decide(doing *at) {
    add_about(at, "sidebar_id");
    add(at, draw(at, 3) ? ",\"accept\":\"all\"" : ",\"accept\":\"none\"");
}

static void do_archive(doing *at) {
    add_about(at, "sidebar_id");
    add(at, ",\"archive_reason\":\"done\"");
}

static const struct row {
    wsm__sim_op op;
    uint32_t weight;
    void (*write)(doing *at);
} rows[] = {
    {WSM__SIM_OP_UPDATE, 24, NULL},     {WSM__SIM_OP_SPAWN, 8, do_spawn},     {WSM__SIM_OP_CHILD, 6, do_child},
    {WSM__SIM_OP_FORK, 2, do_fork},     {WSM__SIM_OP_JOIN, 8, do_join},       {WSM__SIM_OP_LEAVE, 6, do_leave},
    {WSM__SIM_OP_INVITE, 7, do_invite}, {WSM__SIM_OP_REMOVE, 6, do_remove},   {WSM__SIM_OP_STATUS, 4, do_status},
    {WSM__SIM_OP_PAUSE, 2, do_pause},   {WSM__SIM_OP_RESUME, 2, do_resume},   {WSM__SIM_OP_WAIT, 6, do_wait},
    {WSM__SIM_OP_TEST, 2, do_test},     {WSM__SIM_OP_REF, 10, do_ref},        {WSM__SIM_OP_MERGE, 4, do_merge},
    {WSM__SIM_OP_DECIDE, 3, do_decide}, {WSM__SIM_OP_ARCHIVE, 2, do_archive}, {WSM__SIM_OP_ASK, 10, NULL}};

static const struct row *pick_row(doing *at) {
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) sum += rows[i].weight;
    uint32_t dice = draw(at, sum);
    for (size_t i = 0;; i++) {
        if (dice < rows[i].weight) return &rows[i];
        dice -= rows[i].weight;
    }
}

static void say(doing *at) { /* an update inside */
    size_t len;
    static const char *const words[] = {"", "", "", ",\"priority\":\"critical\"", ",\"priority\":\"background\""};
    char exchange[520], called[400] = "";
    add_about(at, "context_id");
    add(at, words[draw(at, 5)]);
    if (at->sim->mail)
        wsm__sim_client_say(at->client, &at->command, at->side ? at->side->members : 0, called, sizeof called);
    int size =
        snprintf(exchange, sizeof exchange, "{\"k\":%zu,\"v\":0,\"pad\":\"%.*s\"%s}", at->sim->oracle.commands_count,
                 (int)draw(at, 60), "////////////////////////////////////////////////////////////", called);
    at->command.exchange[0] = wsm__sim_copy(exchange, (size_t)size);
    len = strlen(at->fields);
    snprintf(at->fields + len, FIELDS - len, ",\"exchange\":%s", exchange);
}

/* Of what it asks for records: its own, what it has inherited, or any other. */
static const char *pick_source(doing *at) {
    uint32_t dice = draw(at, 8);
    if (dice < 2 || !at->side) return NULL;
    if (dice == 7) return at->sides->at[draw(at, at->sides->count)]->id;
    if (at->side->views_count == 0) return NULL;
    return at->sides->at[at->side->views[draw(at, at->side->views_count)].of]->id;
}

static void ask(doing *at, uint64_t applied) {
    bool is_pull = draw(at, 2) == 1;
    uint64_t after = 0, limit = 0;
    add_about(at, "context_id");
    if (is_pull) {
        const char *of = pick_source(at);
        size_t len = strlen(at->fields);
        limit = 1 + draw(at, 24);
        if (draw(at, 2)) after = draw(at, 200);
        snprintf(at->fields + len, FIELDS - len, ",\"records\":{\"after\":%llu,\"limit\":%llu%s%s%s}",
                 (unsigned long long)after, (unsigned long long)limit, of ? ",\"of\":\"" : "", of ? of : "",
                 of ? "\"" : "");
    }
    wsm__sim_sent *sent = wsm__sim_client_ask_about(at->client, at->id, at->fields);
    if (!sent) return;
    sent->pull_after = after;
    sent->pull_limit = limit;
    sent->pull_at = applied;
}

void wsm__sim_client_side_act(wsm__sim_client *client) {
    doing at = {.client = client, .sim = client->sim};
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&client->sim->oracle, client->epoch);
    if (!epoch) return;
    at.sides = &epoch->sides;
    const struct row *row = pick_row(&at);
    pick_side(&at);
    bool is_full = at.sides->live >= at.sim->sides_max || at.sides->count > 40;
    bool begins = row->op == WSM__SIM_OP_SPAWN || row->op == WSM__SIM_OP_CHILD || row->op == WSM__SIM_OP_FORK;
    if (begins && is_full) row = &rows[0];
    if (row->op == WSM__SIM_OP_ASK) {
        ask(&at, epoch->count);
        return;
    }
    at.command.op = (uint8_t)row->op;
    if (row->op == WSM__SIM_OP_UPDATE)
        say(&at);
    else
        row->write(&at);
    if (at.sim->mail && (row->op == WSM__SIM_OP_SPAWN || row->op == WSM__SIM_OP_CHILD))
        wsm__sim_client_calls(client, &at.command);
    wsm__sim_client_order(client, &at.command, wsm__sim_op_type(row->op), at.fields);
}

typedef struct later {
    wsm__sim_client *client;
    char id[40];
} later;

static void join_later(wsm_sim *sim, void *object, uint64_t number) {
    const later *self = object;
    wsm__sim_client *client = self->client;
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&sim->oracle, client->epoch);
    doing at = {.client = client, .sim = sim, .command = {.op = WSM__SIM_OP_JOIN}};
    (void)number;
    if (!epoch || client->phase != WSM__SIM_LIVE || client->replays || sim->is_calm) return;
    at.sides = &epoch->sides;
    at.side = wsm__sim_side_find(at.sides, self->id, strlen(self->id));
    memcpy(at.id, self->id, sizeof at.id);
    do_join(&at);
    wsm__sim_client_order(client, &at.command, wsm__sim_op_type(WSM__SIM_OP_JOIN), at.fields);
}

/* Most of those who are invited come; histories would be rare else. */
void wsm__sim_client_invited(wsm__sim_client *client, const wsm__sim_side *side) {
    wsm_sim *sim = client->sim;
    if (client->is_observer || sim->is_calm || wsm__sim_draw(sim, WSM__SIM_WORK, 4) == 0) return;
    later *self = wsm__sim_arena_take(&sim->arena, sizeof *self);
    self->client = client;
    snprintf(self->id, sizeof self->id, "%s", side->id);
    wsm__sim_in(sim, wsm__sim_draw(sim, WSM__SIM_WORK, 40) * 50ull * WSM__SIM_MS, join_later, self, 0);
}
