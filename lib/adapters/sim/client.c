/* The life of a model client: it connects, with its position if it has one, comes back after a cut with growing
 * patience, and stops when it is told to. What it hears is in client_recv.c, what it says in client_send.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "upgrade.h"
#include "world.h"

#define GREETING_NS (20ull * WSM__SIM_S) /* for welcome to come */
#define LOOK_NS     (15ull * WSM__SIM_S) /* between two looks at the time of the last sign of life */
#define MESSAGE_MAX (32u << 20)
#define PACE_MS_MAX 2000u

wsm__sim_client *wsm__sim_client_new(wsm_sim *sim, wsm__sim_machine *node, const char *name,
                                     wsm_permission permission) {
    wsm__sim_agent *agent = wsm__sim_oracle_agent(&sim->oracle, name);
    if (!agent) return NULL;
    wsm__sim_client *client = wsm__sim_arena_take(&sim->arena, sizeof *client);
    if (sim->clients_count == sim->clients_cap) {
        sim->clients_cap = sim->clients_cap ? sim->clients_cap * 2 : 16;
        sim->clients = wsm__sim_resize(sim->clients, sim->clients_cap * sizeof(wsm__sim_client *));
    }
    client->idx = sim->clients_count;
    sim->clients[sim->clients_count++] = client;
    client->sim = sim;
    client->node = node;
    client->agent = agent;
    client->reads_main = client->reads_sides = client->comes_back = true;
    client->is_observer = permission == WSM_PERMISSION_OBSERVER;
    client->mask = sim->seed + client->idx;
    wsm_claims_init(&client->claims, sizeof client->claims);
    client->claims.sub = (wsm_slice){agent->name, strlen(agent->name)};
    client->claims.permission = permission;
    client->claims.purpose = client->is_observer ? WSM_PURPOSE_OBSERVER : WSM_PURPOSE_PRIMARY;
    client->reader = wsm__sim_arena_take(&sim->arena, sizeof *client->reader);
    client->response = wsm__sim_arena_take(&sim->arena, sizeof *client->response);
    client->seen = wsm__sim_arena_take(&sim->arena, WSM__SIM_AGENTS * sizeof *client->seen);
    wsm__sim_reader_init(client->reader, MESSAGE_MAX);
    return client;
}

void wsm__sim_client_fini(wsm__sim_client *client) {
    wsm__sim_reader_fini(client->reader);
    wsm__sim_response_fini(client->response);
    wsm__sim_bytes_fini(&client->out);
    wsm__sim_bytes_fini(&client->roster);
    wsm__sim_bytes_fini(&client->tail);
    free(client->got);
    free(client->sent);
    free(client->open);
    wsm__sim_told_fini(client);
}

/* ---- tokens ---------------------------------------------------------------------------------------------------------
 */

void wsm__sim_mint(wsm_sim *sim, const wsm_claims *claims, char *out, size_t cap) {
    wsm_key key;
    size_t len;
    (void)sim;
    wsm_key_init(&key, sizeof key);
    key.secret = "the secret of a world that is not";
    key.secret_len = 33;
    if (wsm_token_mint(claims, &key, out, cap, &len)) snprintf(out, cap, "none");
}

#define LONG_AGO_S 1577836800 /* 2020; clocks jump by days */

static const char *token_of(wsm__sim_client *client) {
    int64_t wall = wsm__sim_machine_wall(client->node), age = wall - client->token_at;
    int64_t life = client->token_s ? client->token_s : 6 * 3600;
    bool is_fresh = client->token_at && age >= 0 && age < life * 1000 / 6;
    if (is_fresh && !client->node->late_tokens) return client->token;
    client->claims.iat = wall / 1000;
    client->claims.exp = client->claims.iat + life;
    if (client->node->late_tokens) return "opaque";
    bool is_old = client->is_stranger && client->idx % 2; /* else its signature is wrong */
    if (is_old) client->claims.iat = LONG_AGO_S, client->claims.exp = LONG_AGO_S + 3600;
    wsm__sim_mint(client->sim, &client->claims, client->token, sizeof client->token);
    client->token_at = wall;
    if (client->is_stranger && !is_old) client->token[strlen(client->token) - 3] ^= 1;
    return client->token;
}

/* ---- the end of a connection ----------------------------------------------------------------------------------------
 */

static void dial_event(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_client *client = object;
    (void)sim;
    if (client->life == number && client->phase == WSM__SIM_AWAY && !client->is_stopped)
        wsm__sim_client_connect(client);
}

void wsm__sim_client_come_back(wsm__sim_client *client, uint64_t ns) {
    wsm__sim_in(client->sim, ns, dial_event, client, client->life);
}

void wsm__sim_client_lost(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    wsm__sim_check_pings(client);
    wsm__sim_say(sim, "client %u is cut", client->idx);
    client->line = NULL;
    client->phase = WSM__SIM_AWAY;
    client->life++;
    client->replays = false;
    client->sent_count = client->sent_from = 0;
    client->nameless = 0;
    if (client->is_stopped || !client->comes_back) return;
    uint64_t wait = 100ull << (client->fails < 6 ? client->fails : 6);
    if (client->flaps) wait = client->fails + client->told_off < 20 ? 20 : 2000;
    client->fails++;
    wsm__sim_client_come_back(client, (wait + wsm__sim_draw(sim, WSM__SIM_PEER, (uint32_t)wait)) * WSM__SIM_MS);
}

/* It ends the transport itself. */
static void hang_up(wsm__sim_client *client) {
    wsm__sim_line *line = client->line;
    if (!line) return;
    wsm__sim_line_close(line);
    wsm__sim_client_lost(client);
}

void wsm__sim_client_leave(wsm__sim_client *client) {
    if (!client->line) return;
    if (client->kind != WSM_PEER_MESSAGE && client->phase >= WSM__SIM_WAITING) {
        wsm__sim_close_write(&client->out, 0, 1000, "bye");
        wsm__sim_client_bytes_out(client);
    }
    hang_up(client);
}

static void note_code(wsm__sim_client *client, unsigned code) {
    wsm_sim *sim = client->sim;
    wsm__sim_say(sim, "client %u is closed with %u", client->idx, code);
    wsm__sim_mix(sim, code);
    if (!client->is_tampered && (code == 1002 || code == 1003 || code == 1007))
        wsm__sim_break(sim, "I-60", "client %u has spoken as it should and is closed with %u", client->idx, code);
    bool is_final = code == 4002 || code == 4004 || code == 4009 || code == 4011 || code == 4014;
    if (is_final && !client->flaps) client->is_stopped = true;
    if (is_final) client->told_off++;
    if (code == 4003) wsm__sim_check_4003(client);
    if (code == 4013) client->pace_ms = client->pace_ms < PACE_MS_MAX / 2 ? client->pace_ms * 2 + 250 : PACE_MS_MAX;
    if (code == 4010) client->epoch[0] = '\0';
}

void wsm__sim_client_closing(wsm__sim_client *client, unsigned code) {
    note_code(client, code);
    if (client->kind != WSM_PEER_MESSAGE && client->line) {
        wsm__sim_close_write(&client->out, 0, code == 1005 ? 0 : code, NULL);
        wsm__sim_client_bytes_out(client);
    }
    hang_up(client);
}

static void look(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_client *client = object;
    uint64_t ping = client->kind == WSM_PEER_MESSAGE ? 0 : client->node->config.ping_interval_ms,
             patience = (ping ? ping * 4 : 200000) * WSM__SIM_MS + LOOK_NS;
    if (client->life != number || !client->line) return;
    if (client->phase < WSM__SIM_LIVE) patience = GREETING_NS;
    if (client->node->late_tokens) patience += 10ull * WSM__SIM_S;
    if (sim->now - client->heard_at > patience && !client->line->is_stalled) {
        wsm__sim_say(sim, "client %u gives up: it has heard nothing", client->idx);
        hang_up(client);
        return;
    }
    wsm__sim_in(sim, LOOK_NS, look, client, number);
}

/* ---- the beginning --------------------------------------------------------------------------------------------------
 */

static void refused(wsm__sim_client *client, int status) {
    wsm_sim *sim = client->sim;
    wsm__sim_say(sim, "client %u is refused with %d", client->idx, status);
    wsm__sim_mix(sim, (uint64_t)status);
    bool is_accused = status == 400 || status == 404 || status == 405 || status == 413 || status == 414 ||
                      status == 426 || status == 431 || status == 505;
    if (is_accused && !client->is_tampered)
        wsm__sim_break(sim, "I-60", "client %u has asked as it should and is refused with %d", client->idx, status);
    client->token_at = 0;
    hang_up(client);
}

static void frames(wsm__sim_client *client, const unsigned char *bytes, size_t len) {
    wsm_sim *sim = client->sim;
    wsm__sim_event event;
    uint64_t life = client->life;
    while (client->life == life && !wsm__sim_is_broken(sim)) {
        size_t used = wsm__sim_reader_feed(client->reader, bytes, len, &event);
        bytes += used;
        len -= used;
        switch (event.seen) {
        case WSM__SIM_SEEN_NONE: return;
        case WSM__SIM_SEEN_MESSAGE: wsm__sim_client_text(client, (const char *)event.bytes, event.len); break;
        case WSM__SIM_SEEN_PING:
            client->pings++;
            wsm__sim_frame_write(&client->out, &(wsm__sim_frame){.opcode = WSM__SIM_PONG,
                                                                 .payload = event.bytes,
                                                                 .len = event.len,
                                                                 .mask = (uint32_t)++client->mask});
            wsm__sim_client_bytes_out(client);
            break;
        case WSM__SIM_SEEN_PONG: break;
        case WSM__SIM_SEEN_CLOSE: wsm__sim_client_closing(client, event.code); return;
        case WSM__SIM_SEEN_BROKEN:
            wsm__sim_break(sim, "I-14", "client %u reads what is no frame: %s", client->idx, event.why);
            return;
        }
    }
}

static void on_bytes(wsm_sim *sim, void *user, const void *bytes, size_t len) {
    wsm__sim_client *client = user;
    const unsigned char *at = bytes;
    client->heard_at = sim->now;
    if (client->kind == WSM_PEER_MESSAGE) {
        wsm__sim_client_text(client, bytes, len);
        return;
    }
    if (client->phase == WSM__SIM_HTTP) {
        size_t used = wsm__sim_response_feed(client->response, at, len);
        at += used;
        len -= used;
        switch (client->response->answer) {
        case WSM__SIM_ANSWER_WAITING: return;
        case WSM__SIM_ANSWER_UPGRADED: client->phase = WSM__SIM_WAITING; break;
        case WSM__SIM_ANSWER_REFUSED: refused(client, client->response->status); return;
        case WSM__SIM_ANSWER_BROKEN:
            wsm__sim_break(sim, "I-14", "client %u reads what is no HTTP: %s", client->idx, client->response->why);
            return;
        }
    }
    frames(client, at, len);
}

/* When nothing fails any more, who answers is not cut without a word. */
static void check_cut(const wsm__sim_client *client) {
    const wsm_sim *sim = client->sim;
    bool is_healthy = sim->is_calm && client->opened_at > sim->calm_at && client->kind != WSM_PEER_MESSAGE;
    if (!is_healthy || client->phase != WSM__SIM_LIVE || !client->line || client->line->is_cut || client->is_tampered)
        return;
    if (client->node->hub && client->node->shutdown_by == 0)
        wsm__sim_break(client->sim, "I-80", "client %u is cut without a word, after %llu ms, and nothing fails",
                       client->idx, (unsigned long long)((sim->now - client->opened_at) / WSM__SIM_MS));
}

static void on_closed(wsm_sim *sim, void *user) {
    wsm__sim_client *client = user;
    (void)sim;
    check_cut(client);
    if (client->kind == WSM_PEER_MESSAGE && client->line && client->line->close_code >= 4000) /* its host tells it */
        note_code(client, client->line->close_code);
    wsm__sim_client_lost(client);
}

static void ask_upgrade(wsm__sim_client *client) {
    char target[80] = "/ws";
    if (client->asked_resume)
        snprintf(target, sizeof target, "/ws?epoch=%s&after=%llu", client->asked_epoch,
                 (unsigned long long)client->asked_after);
    wsm__sim_upgrade_write(&client->out, &(wsm__sim_upgrade){.target = target, .token = token_of(client)});
}

void wsm__sim_client_connect(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    wsm__sim_ear ear = {on_bytes, on_closed, client};
    if (client->line) return;
    client->life++;
    client->phase = client->kind == WSM_PEER_RAW ? WSM__SIM_HTTP : WSM__SIM_WAITING;
    client->is_tampered = false;
    client->pings = 0;
    client->heard_at = client->opened_at = sim->now;
    wsm__sim_reader_fini(client->reader);
    wsm__sim_reader_init(client->reader, MESSAGE_MAX);
    wsm__sim_response_fini(client->response);
    wsm__sim_bytes_clear(&client->out);
    client->asked_resume = client->epoch[0] != '\0';
    memcpy(client->asked_epoch, client->epoch, sizeof client->epoch);
    client->asked_after = client->position;
    if (client->asked_resume && client->lies) {
        uint32_t how = wsm__sim_draw(sim, WSM__SIM_PEER, 4);
        if (how == 1) client->asked_after += 1 + wsm__sim_draw(sim, WSM__SIM_PEER, 1000);
        if (how == 2) client->asked_after = wsm__sim_draw(sim, WSM__SIM_PEER, (uint32_t)client->asked_after + 1);
        if (how == 3) memcpy(client->asked_epoch, "0123456789abcdef", 17);
    }
    wsm__sim_say(sim, "client %u (%s) dials%s", client->idx, client->agent->name,
                 client->asked_resume ? " to resume" : "");
    client->line = wsm__sim_line_open(sim, client->node, client->kind, &ear);
    wsm__sim_line *line = client->line;
    snprintf(line->address, sizeof line->address, "10.0.0.%u", client->idx);
    token_of(client);
    line->claims = &client->claims;
    if (client->asked_resume) memcpy(line->epoch, client->asked_epoch, sizeof line->epoch);
    line->after = client->asked_after;
    wsm__sim_line_dial(line);
    if (client->kind == WSM_PEER_RAW) ask_upgrade(client);
    if (client->is_malicious) wsm__sim_client_misbehave(client);
    wsm__sim_client_bytes_out(client);
    wsm__sim_in(sim, LOOK_NS, look, client, client->life);
}

void wsm__sim_client_bytes_out(wsm__sim_client *client) {
    if (client->line) wsm__sim_line_write(client->line, client->out.at, client->out.len);
    wsm__sim_bytes_clear(&client->out);
}

bool wsm__sim_client_is_at_head(const wsm__sim_client *client) {
    if (client->phase != WSM__SIM_LIVE || client->replays || client->open_count > 0 || !client->node->hub) return false;
    uint64_t head = wsm_hub_position(client->node->hub, NULL);
    return wsm__sim_has_all(client, head);
}
