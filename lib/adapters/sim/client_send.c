/* What a model client says: memory updates that it accounts for and sends again until they are answered, the same once
 * more, the same id with other content, presence, questions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "world.h"

#define RESEND_AT_ONCE 8u

static const char *const words[] = {NULL, "background", "low", "normal", "high", "urgent", "critical"};

void wsm__sim_client_raw(wsm__sim_client *client, const char *text, size_t len) {
    if (client->kind == WSM_PEER_MESSAGE) {
        if (client->line) wsm__sim_line_write(client->line, text, len);
        return;
    }
    wsm__sim_message_write(&client->out, WSM__SIM_TEXT, text, len, (uint32_t)(++client->mask * 2654435761u),
                           client->piece ? client->piece + len / 32 : 0);
    wsm__sim_client_bytes_out(client);
}

wsm__sim_sent *wsm__sim_client_note(wsm__sim_client *client, uint32_t command, uint32_t variant, const char *id) {
    if (client->sent_count == client->sent_cap) {
        client->sent_cap = client->sent_cap ? client->sent_cap * 2 : 32;
        client->sent = wsm__sim_resize(client->sent, client->sent_cap * sizeof *client->sent);
    }
    wsm__sim_sent *sent = &client->sent[client->sent_count++];
    *sent = (wsm__sim_sent){.command = command, .variant = variant};
    snprintf(sent->id, sizeof sent->id, "%s", id);
    return sent;
}

void wsm__sim_client_id(const wsm__sim_client *client, uint32_t number, char id[37]) {
    uint32_t spread = (number * 2654435761u) ^ (client->idx << 8) ^ (uint32_t)client->sim->seed;
    snprintf(id, 37, "%08x-0000-7000-8000-%04x%08x", spread, client->idx & 0xffff, number);
}

/* ---- commands -------------------------------------------------------------------------------------------------------
 */

static char *content(uint32_t k, unsigned v, uint32_t pad, const char *say) {
    size_t said = strlen(say);
    char *text = wsm__sim_resize(NULL, pad + said + 64);
    int len = snprintf(text, 64, "{\"k\":%u,\"v\":%u,\"pad\":\"", k, v);
    memset(text + len, 'a' + (int)(k % 26), pad);
    snprintf(text + len + pad, said + 3, "\"%s}", say);
    return text;
}

static char *message(const wsm__sim_client *client, const wsm__sim_command *command, const char *exchange,
                     uint32_t looks) {
    size_t cap = strlen(exchange) + 400;
    char *text = wsm__sim_resize(NULL, cap);
    size_t at = (size_t)snprintf(text, cap, "{\"type\":\"memory_update\"");
    if (command->id[0]) at += (size_t)snprintf(text + at, cap - at, ",\"message_id\":\"%s\"", command->id);
    if (command->priority != WSM_PRIORITY_NORMAL || (looks & 1))
        at += (size_t)snprintf(text + at, cap - at, ", \"priority\" : \"%s\"", words[command->priority]);
    if (looks & 2)
        at += (size_t)snprintf(text + at, cap - at, ",\"topic\":\"t%u\",\"tags\":[\"a\",\"b\"]", command->number % 5);
    if (looks & 4) at += (size_t)snprintf(text + at, cap - at, ",\"key\":\"key-%u\"", command->number % 3);
    if (looks & 8) at += (size_t)snprintf(text + at, cap - at, ",\"sender_agent_id\":\"%s\"", client->agent->name);
    if (looks & 16)
        at += (size_t)snprintf(text + at, cap - at, ",\"context_id\":\"main\",\"unknown\":[1,{\"x\":null}]");
    snprintf(text + at, cap - at, ",\"exchange\":%s}", exchange);
    return text;
}

void wsm__sim_client_open(wsm__sim_client *client, uint32_t command) {
    if (client->open_count == client->open_cap) {
        client->open_cap = client->open_cap ? client->open_cap * 2 : 16;
        client->open = wsm__sim_resize(client->open, client->open_cap * sizeof *client->open);
    }
    client->open[client->open_count++] = command;
}

void wsm__sim_client_settled(wsm__sim_client *client, uint32_t command) {
    for (size_t i = 0; i < client->open_count; i++) {
        if (client->open[i] != command) continue;
        memmove(client->open + i, client->open + i + 1, (client->open_count - i - 1) * sizeof *client->open);
        client->open_count--;
        if (client->open_count == 0) client->pace_ms = 0;
        return;
    }
}

static bool is_open(const wsm__sim_client *client, uint32_t command) {
    for (size_t i = 0; i < client->open_count; i++)
        if (client->open[i] == command) return true;
    return false;
}

void wsm__sim_client_transmit(wsm__sim_client *client, uint32_t k, uint32_t variant) {
    wsm_sim *sim = client->sim;
    wsm__sim_command *command = &sim->oracle.commands[k];
    if (client->phase != WSM__SIM_LIVE || !command->text[variant]) return;
    if (command->sends[0] + command->sends[1] == 0) {
        command->line_life = client->life;
        command->line_order = ++client->orders;
    }
    command->sends[variant]++;
    wsm__sim_wake_tried(client, k);
    command->is_refused = false;
    if (command->id[0])
        wsm__sim_client_note(client, k, variant, command->id);
    else
        client->nameless++;
    if (command->id[0]) {
        wsm__sim_sent *sent = &client->sent[client->sent_count - 1];
        sent->op = command->kind == WSM__SIM_ROUTE ? (uint8_t)WSM__SIM_OP_CALL : command->op;
        memcpy(sent->about, command->about, sizeof sent->about);
    }
    wsm__sim_say(sim, "client %u sends command %u, content %u%s%.200s", client->idx, k, variant,
                 command->op ? ": " : "", command->op ? command->text[variant] : "");
    wsm__sim_client_raw(client, command->text[variant], strlen(command->text[variant]));
}

bool wsm__sim_client_has_used(const wsm__sim_client *client, const char *id) {
    const wsm__sim_oracle *oracle = &client->sim->oracle;
    for (size_t i = 0; i < oracle->commands_count; i++)
        if (oracle->commands[i].agent == client->agent->idx && strcmp(oracle->commands[i].id, id) == 0) return true;
    return false;
}

static uint32_t command_new(wsm__sim_client *client, wsm_priority priority, bool has_id, uint32_t pad, uint32_t looks) {
    wsm_sim *sim = client->sim;
    wsm__sim_command command = {.client = client->idx, .number = ++client->numbers, .agent = client->agent->idx};
    uint32_t k = (uint32_t)sim->oracle.commands_count;
    char say[400] = "";
    command.priority = priority ? (int)priority : (int)WSM_PRIORITY_NORMAL;
    command.is_forbidden = client->is_observer || !client->reads_main;
    if (has_id) wsm__sim_client_id(client, command.number, command.id);
    if (has_id && client->is_thief && k > 0 && wsm__sim_draw(sim, WSM__SIM_WORK, 2) == 1) {
        const wsm__sim_command *other = &sim->oracle.commands[wsm__sim_draw(sim, WSM__SIM_WORK, k)];
        if (other->id[0] && other->agent != command.agent && !wsm__sim_client_has_used(client, other->id))
            memcpy(command.id, other->id, sizeof command.id);
    }
    if (has_id && sim->mail && !client->is_thief) wsm__sim_client_say(client, &command, 0, say, sizeof say);
    command.exchange[0] = content(k, 0, pad, say);
    command.text[0] = message(client, &command, command.exchange[0], looks);
    return wsm__sim_oracle_command(&sim->oracle, &command);
}

uint32_t wsm__sim_client_publish(wsm__sim_client *client, wsm_priority priority) {
    uint32_t k = command_new(client, priority, true, 20, 0);
    wsm__sim_client_open(client, k);
    wsm__sim_client_transmit(client, k, 0);
    return k;
}

void wsm__sim_client_resend(wsm__sim_client *client) {
    for (size_t i = 0; i < client->open_count; i++) {
        uint32_t k = client->open[i];
        wsm__sim_command *command = &client->sim->oracle.commands[k];
        if (command->effects > 0 && client->reads_main && !client->is_resynced && command->sends[1] == 0 &&
            wsm__sim_draw(client->sim, WSM__SIM_PEER, 2) == 0) { /* the replay has shown it: answered enough */
            wsm__sim_client_settled(client, k);
            i--;
            continue;
        }
        if (i < (client->pace_ms ? 1 : RESEND_AT_ONCE))
            wsm__sim_client_transmit(client, k, 0);
        else
            wsm__sim_client_retry(client, k, 100 * (i / RESEND_AT_ONCE)); /* their answers must fit a small queue */
    }
}

static void retry(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_client *client = object;
    uint32_t k = (uint32_t)number;
    (void)sim;
    if (client->pace_ms && number >> 32 != (uint32_t)client->life) return; /* the way back has begun anew */
    if (client->phase == WSM__SIM_LIVE && !client->replays && is_open(client, k)) {
        for (size_t i = client->sent_from; i < client->sent_count; i++)
            if (!client->sent[i].is_answered && client->sent[i].command == k && client->sent[i].variant == 0)
                return; /* it is on its way */
        wsm__sim_client_transmit(client, k, 0);
    }
}

/* Who was closed for its rate lets them go one after the other. */
void wsm__sim_client_retry(wsm__sim_client *client, uint32_t command, uint64_t ms) {
    for (size_t i = 0; client->pace_ms && i < client->open_count && client->open[i] != command; i++)
        ms += client->pace_ms;
    wsm__sim_in(client->sim, (ms + 1) * WSM__SIM_MS, retry, client, client->life << 32 | command);
}

void wsm__sim_client_order(wsm__sim_client *client, wsm__sim_command *command, const char *type, const char *fields) {
    wsm_sim *sim = client->sim;
    size_t cap = strlen(fields) + 160;
    command->client = client->idx;
    command->number = ++client->numbers;
    command->agent = client->agent->idx;
    command->priority = WSM_PRIORITY_NORMAL;
    command->is_forbidden = client->is_observer;
    wsm__sim_client_id(client, command->number, command->id);
    command->text[0] = wsm__sim_resize(NULL, cap);
    snprintf(command->text[0], cap, "{\"type\":\"%s\",\"message_id\":\"%s\"%s}", type, command->id, fields);
    uint32_t k = wsm__sim_oracle_command(&sim->oracle, command);
    wsm__sim_client_open(client, k);
    wsm__sim_client_transmit(client, k, 0);
}

wsm__sim_sent *wsm__sim_client_ask_about(wsm__sim_client *client, const char *id, const char *fields) {
    size_t count = client->sent_count;
    wsm__sim_client_ask(client, "context_request", fields);
    if (client->sent_count == count) return NULL;
    client->sent[count].op = WSM__SIM_OP_ASK;
    snprintf(client->sent[count].about, sizeof client->sent[count].about, "%s", id);
    return &client->sent[count];
}

void wsm__sim_client_ask(wsm__sim_client *client, const char *type, const char *fields) {
    char id[37], text[512];
    if (client->phase != WSM__SIM_LIVE) return;
    wsm__sim_client_id(client, 0x40000000u + ++client->numbers, id);
    int len = snprintf(text, sizeof text, "{\"type\":\"%s\",\"message_id\":\"%s\"%s}", type, id, fields);
    wsm__sim_client_note(client, WSM__SIM_NOBODY, 0, id)->is_presence = strcmp(type, "agent_presence") == 0;
    wsm__sim_client_raw(client, text, (size_t)len);
}

/* ---- a step of the workload
 * ------------------------------------------------------------------------------------------ */

static void again(wsm__sim_client *client) { /* the same once more, or the same id with other content */
    wsm_sim *sim = client->sim;
    size_t count = sim->oracle.commands_count;
    for (size_t back = 0; back < 64 && back < count; back++) {
        uint32_t k = (uint32_t)(count - 1 - back);
        wsm__sim_command *command = &sim->oracle.commands[k];
        if (command->client != client->idx || !command->id[0]) continue;
        bool is_plain = command->op == WSM__SIM_OP_UPDATE && !command->about[0] && command->kind == WSM__SIM_UPDATE;
        bool other = wsm__sim_draw(sim, WSM__SIM_WORK, 3) == 2 && !client->is_thief && is_plain;
        if (other && !command->text[1]) {
            command->exchange[1] = content(k, 1, 7, "");
            command->text[1] = message(client, command, command->exchange[1], 0);
        }
        wsm__sim_client_transmit(client, k, other ? 1 : 0);
        return;
    }
}

static void presence(wsm__sim_client *client) {
    static const char *const states[] = {"online", "working", "idle"};
    char fields[96];
    snprintf(fields, sizeof fields, ",\"status\":\"%s\",\"note\":\"%u\"",
             states[wsm__sim_draw(client->sim, WSM__SIM_WORK, 3)], client->numbers + 1);
    size_t count = client->sent_count;
    wsm__sim_client_ask(client, "agent_presence", fields);
    if (client->sent_count > count) client->sent[count].note = client->numbers;
}

static void update(wsm__sim_client *client, bool has_id) {
    wsm_sim *sim = client->sim;
    uint32_t dice = wsm__sim_draw(sim, WSM__SIM_WORK, 64);
    bool is_large = dice == 63 || (sim->is_heavy && dice >= 32);
    uint32_t pad = is_large ? wsm__sim_draw(sim, WSM__SIM_WORK, 20000) : wsm__sim_draw(sim, WSM__SIM_WORK, 200);
    wsm_priority priority = (wsm_priority)(dice < 40 ? 0 : wsm__sim_draw(sim, WSM__SIM_WORK, 7));
    if (priority == WSM_PRIORITY_URGENT) priority = WSM_PRIORITY_HIGH; /* not for clients to say */
    uint32_t k = command_new(client, priority, has_id, pad, wsm__sim_draw(sim, WSM__SIM_WORK, 32));
    if (has_id) wsm__sim_client_open(client, k);
    wsm__sim_client_transmit(client, k, 0);
}

static void ping(wsm__sim_client *client) {
    if (client->kind == WSM_PEER_MESSAGE) return;
    wsm__sim_frame_write(&client->out,
                         &(wsm__sim_frame){.opcode = WSM__SIM_PING, .payload = "here", .len = 4, .mask = 7});
    wsm__sim_client_bytes_out(client);
}

void wsm__sim_client_act(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    if (client->phase != WSM__SIM_LIVE) return;
    if (client->is_malicious && wsm__sim_fails_on(client->line, WSM_SIM_BAD_BYTES, WSM__SIM_PEER)) {
        wsm__sim_client_misbehave(client);
        return;
    }
    if (client->replays) return;
    if (sim->sides_max && wsm__sim_draw(sim, WSM__SIM_WORK, 2)) {
        wsm__sim_client_side_act(client);
        return;
    }
    if (sim->mail && wsm__sim_draw(sim, WSM__SIM_WORK, 4) == 3) {
        wsm__sim_client_mail_act(client);
        return;
    }
    uint32_t dice = wsm__sim_draw(sim, WSM__SIM_WORK, 100);
    if (client->floods && dice < 10) {
        for (int i = 0; i < 20; i++) update(client, true);
    } else if (dice < 70) {
        update(client, true);
    } else if (dice < 80) {
        if (client->repeats)
            again(client);
        else
            update(client, true);
    } else if (dice < 86) {
        presence(client);
    } else if (dice < 89) {
        wsm__sim_client_ask(client, "agent_list", "");
    } else if (dice < 92) {
        ping(client);
    } else if (dice < 96 || !client->flaps) {
        update(client, false);
    } else {
        wsm__sim_client_leave(client);
    }
}
