/* What model clients do with mentions: they call others, by message or in the text of an update, in all the ways that
 * there are and in some that are none; and they answer those that reach them, late, out of turn, or not at all. */
#include <stdio.h>
#include <string.h>

#include "world.h"

static uint32_t draw(wsm__sim_client *client, uint32_t bound) {
    return wsm__sim_draw(client->sim, WSM__SIM_WORK, bound);
}

static uint32_t call_new(wsm__sim_client *client, const wsm__sim_call *call) {
    wsm__sim_mail *mail = client->sim->mail;
    if (mail->calls_count == mail->calls_cap) {
        mail->calls_cap = mail->calls_cap ? mail->calls_cap * 2 : 32;
        mail->calls = wsm__sim_resize(mail->calls, mail->calls_cap * sizeof *mail->calls);
    }
    wsm__sim_call *made = &mail->calls[mail->calls_count++];
    *made = *call;
    made->command = (uint32_t)client->sim->oracle.commands_count; /* it comes next */
    memcpy(made->epoch, client->node->store.epoch, sizeof made->epoch);
    made->may_group = (client->claims.can & WSM_CAN_MENTION_ALL) != 0;
    made->sent_at = client->node->hub ? wsm_hub_position(client->node->hub, NULL) : 0;
    return (uint32_t)mail->calls_count;
}

/* Somebody else, most often one of those who are likely, if there are any; the sender himself if he is alone. */
static const wsm__sim_agent *somebody(wsm__sim_client *client, wsm__sim_agents likely) {
    const wsm__sim_oracle *oracle = &client->sim->oracle;
    uint32_t idx = draw(client, oracle->agents_count), own = client->agent->idx;
    likely &= ~(1ull << own);
    if (likely && draw(client, 5))
        while (!wsm__sim_is_in(likely, idx)) idx = (idx + 1) % oracle->agents_count;
    if (idx == own) idx = (idx + 1) % oracle->agents_count;
    return &oracle->agents[idx];
}

static void add(wsm__sim_call *call, const wsm__sim_agent *agent) {
    for (uint32_t i = 0; i < call->count; i++)
        if (call->agents[i] == agent->idx) return;
    if (call->count < WSM__SIM_CALLS) call->agents[call->count++] = agent->idx;
}

/* ---- in the text of an update ---------------------------------------------------------------------------------------
 */

static const struct {
    const char *text; /* with the name in it */
    bool calls;
} ways[] = {{"@%s, look", true},
            {"mail to a@%s.example", false},
            {"see `@%s` there", false},
            {"(@%s)", true},
            {"http://host/@%s", false},
            {"\xe4\xbd\xa0\xe5\xa5\xbd@%s\xef\xbc\x8c", true},
            {"thanks, @%s.", true},
            {"\\u0040%s", true},
            {"a ` and @%s", true},
            {"``@%s``", false},
            {"@%s\xe3\x80\x82", true},
            {"\\n@%s\\n", true},
            {"x/@%s", false}};
#define WAYS (uint32_t)(sizeof ways / sizeof ways[0])

void wsm__sim_client_say(wsm__sim_client *client, wsm__sim_command *command, wsm__sim_agents likely, char *out,
                         size_t cap) {
    wsm__sim_call call = {.count = 0};
    if (draw(client, 8) != 7) return;
    const wsm__sim_agent *agent = somebody(client, likely);
    uint32_t way = draw(client, WAYS);
    size_t at = (size_t)snprintf(out, cap, ",\"say\":\"");
    at += (size_t)snprintf(out + at, cap - at, ways[way].text, agent->name);
    if (ways[way].calls && agent != client->agent) add(&call, agent);
    if (draw(client, 3) == 2) {
        const wsm__sim_agent *other = somebody(client, likely);
        at += (size_t)snprintf(out + at, cap - at, " and @%s", other->name);
        if (other != client->agent) add(&call, other);
    }
    snprintf(out + at, cap - at, "\"");
    command->call = call_new(client, &call);
}

void wsm__sim_client_calls(wsm__sim_client *client, wsm__sim_command *command) {
    wsm__sim_call call = {.count = 0};
    for (uint32_t i = 0; i < client->sim->oracle.agents_count; i++)
        if (wsm__sim_is_in(command->named, i) && i != client->agent->idx) add(&call, &client->sim->oracle.agents[i]);
    command->call = call_new(client, &call);
}

/* ---- by message -----------------------------------------------------------------------------------------------------
 */

static size_t put_names(wsm__sim_client *client, wsm__sim_agents likely, wsm__sim_call *call, char *out, size_t cap) {
    uint32_t count = draw(client, 3) == 2 ? 2 : 1;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        const wsm__sim_agent *agent = somebody(client, likely);
        uint32_t dice = draw(client, 16);
        const char *name = dice == 15   ? "nobody"
                           : dice == 14 ? "here"
                           : dice == 13 ? "role:" WSM__SIM_SKILL
                                        : agent->name;
        if (dice < 13 && agent != client->agent) add(call, agent);
        call->is_here = call->is_here || dice == 14;
        call->is_role = call->is_role || dice == 13;
        call->is_group = call->is_here || call->is_role;
        at += (size_t)snprintf(out + at, cap - at, "%s\"%s\"", i ? "," : "", name);
    }
    return at;
}

/* A message of his agent's, or one that reached him: what he says may be caused by it. */
static const char *some_cause(wsm__sim_client *client) {
    const wsm__sim_mail *mail = client->sim->mail;
    if (mail->count == 0 || draw(client, 2) == 0) return NULL;
    const wsm__sim_delivery *delivery = &mail->deliveries[draw(client, (uint32_t)mail->count)];
    return delivery->command == WSM__SIM_NOBODY ? NULL : client->sim->oracle.commands[delivery->command].id;
}

static void send_new(wsm__sim_client *client, wsm__sim_command *command, const char *text) {
    wsm_sim *sim = client->sim;
    command->text[0] = wsm__sim_copy(text, strlen(text));
    command->is_forbidden = client->is_observer;
    uint32_t k = wsm__sim_oracle_command(&sim->oracle, command);
    wsm__sim_say(sim, "client %u: command %u is %s", client->idx, k, text);
    wsm__sim_client_open(client, k);
    wsm__sim_client_transmit(client, k, 0);
}

static wsm__sim_command command_of(wsm__sim_client *client, wsm__sim_kind kind) {
    wsm__sim_command command = {.client = client->idx,
                                .number = ++client->numbers,
                                .agent = client->agent->idx,
                                .priority = WSM_PRIORITY_NORMAL,
                                .kind = (uint8_t)kind};
    wsm__sim_client_id(client, command.number, command.id);
    return command;
}

/* What it is about: main, or a sidebar, most often one of his own; now and then one that is not there. */
static const wsm__sim_side *some_side(wsm__sim_client *client, char about[40]) {
    const wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&client->sim->oracle, client->epoch);
    if (!client->sim->sides_max || !epoch || epoch->sides.count < 2 || draw(client, 2) == 0) return NULL;
    uint32_t count = epoch->sides.count - 1, first = draw(client, count), dice = draw(client, 16);
    const wsm__sim_side *side = epoch->sides.at[1 + first];
    for (uint32_t i = 0; dice < 13 && i < count && !wsm__sim_is_in(side->members, client->agent->idx); i++)
        side = epoch->sides.at[1 + (first + i) % count];
    if (dice == 15) side = NULL;
    snprintf(about, 40, "%s", side ? side->id : "sb-zzzzzzzzzzzzzzzzzzz000");
    return side;
}

/* A thief calls under the id of another one's call; returns whom that has called. */
static wsm__sim_agents steal_id(wsm__sim_client *client, wsm__sim_command *command) {
    const wsm__sim_mail *mail = client->sim->mail;
    wsm__sim_agents agents = 0;
    if (!client->is_thief || mail->calls_count == 0 || draw(client, 2) == 0) return 0;
    const wsm__sim_call *call = &mail->calls[mail->calls_count - 1 - draw(client, (uint32_t)mail->calls_count)];
    const wsm__sim_command *other = &client->sim->oracle.commands[call->command];
    if (!other->id[0] || other->agent == command->agent || wsm__sim_client_has_used(client, other->id)) return 0;
    memcpy(command->id, other->id, sizeof command->id);
    for (uint32_t i = 0; i < call->count; i++) agents |= 1ull << call->agents[i];
    return agents;
}

static void call_somebody(wsm__sim_client *client) {
    wsm__sim_command command = command_of(client, WSM__SIM_ROUTE);
    wsm__sim_call call = {.count = 0};
    char names[160], text[720];
    wsm__sim_agents likely = steal_id(client, &command);
    const wsm__sim_side *side = some_side(client, command.about);
    if (!likely && side) likely = side->members;
    size_t len = put_names(client, likely, &call, names, sizeof names);
    bool is_urgent = draw(client, 3) == 2;
    const char *cause = some_cause(client);
    uint32_t pad = draw(client, 200);
    command.priority = is_urgent ? WSM_PRIORITY_URGENT : WSM_PRIORITY_NORMAL;
    int at =
        snprintf(text, sizeof text,
                 "{\"type\":\"mention_route\",\"message_id\":\"%s\",\"target_agents\":[%.*s],\"message\":\"k=%zu;%*s\"",
                 command.id, (int)len, names, client->sim->oracle.commands_count, (int)pad, "");
    if (is_urgent) at += snprintf(text + at, sizeof text - (size_t)at, ",\"priority\":\"urgent\"");
    if (command.about[0]) at += snprintf(text + at, sizeof text - (size_t)at, ",\"sidebar_id\":\"%s\"", command.about);
    if (cause && cause[0]) at += snprintf(text + at, sizeof text - (size_t)at, ",\"cause\":\"%s\"", cause);
    snprintf(text + at, sizeof text - (size_t)at, "}");
    command.call = call_new(client, &call);
    send_new(client, &command, text);
}

/* ---- answers --------------------------------------------------------------------------------------------------------
 */

static void answer(wsm__sim_client *client, uint32_t called, wsm__sim_stage stage) {
    wsm__sim_command command = command_of(client, WSM__SIM_ANSWER);
    char text[480];
    const wsm__sim_command *mention = &client->sim->oracle.commands[called];
    int at = snprintf(
        text, sizeof text,
        "{\"type\":\"mention_ack\",\"message_id\":\"%s\",\"mention_id\":\"%s\",\"state\":\"%s\",\"note\":\"k=%zu;\"",
        command.id, mention->id, wsm__sim_stage_words[stage], client->sim->oracle.commands_count);
    if (stage == WSM__SIM_IS_WORKING && draw(client, 2))
        at += snprintf(text + at, sizeof text - (size_t)at, ",\"lease_seconds\":%u", 1 + draw(client, 20));
    if (mention->agent < client->sim->oracle.agents_count && draw(client, 2))
        at += snprintf(text + at, sizeof text - (size_t)at, ",\"mention_sender\":\"%s\"",
                       client->sim->oracle.agents[mention->agent].name);
    snprintf(text + at, sizeof text - (size_t)at, "}");
    send_new(client, &command, text);
}

static void answer_some(wsm__sim_client *client) {
    const wsm__sim_mail *mail = client->sim->mail;
    for (size_t back = 0; back < mail->count && back < 32; back++) {
        const wsm__sim_delivery *delivery = &mail->deliveries[mail->count - 1 - back];
        if (delivery->agent != client->agent->idx || delivery->command == WSM__SIM_NOBODY || draw(client, 2)) continue;
        answer(client, delivery->command, (wsm__sim_stage)(WSM__SIM_IS_SEEN + draw(client, 5)));
        return;
    }
}

void wsm__sim_client_mail_act(wsm__sim_client *client) {
    if (client->sim->oracle.agents_count < 2 || draw(client, 3) == 2)
        answer_some(client);
    else
        call_somebody(client);
}

typedef struct later {
    wsm__sim_client *client;
    uint32_t command;
    wsm__sim_stage stage;
} later;

static void answer_later(wsm_sim *sim, void *object, uint64_t number) {
    later *self = object;
    (void)number;
    if (self->client->phase == WSM__SIM_LIVE && !self->client->replays && !sim->is_ending)
        answer(self->client, self->command, self->stage);
}

void wsm__sim_client_mail_came(wsm__sim_client *client, const wsm__sim_delivery *delivery) {
    uint32_t dice = draw(client, 16);
    if (dice < 6 || delivery->command == WSM__SIM_NOBODY) return;
    later *self = wsm__sim_arena_take(&client->sim->arena, sizeof *self);
    *self = (later){client, delivery->command, (wsm__sim_stage)(WSM__SIM_IS_SEEN + (dice - 6) / 2)};
    wsm__sim_in(client->sim, draw(client, 40) * 50ull * WSM__SIM_MS, answer_later, self, 0);
}
