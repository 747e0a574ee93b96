/* What goes wrong at a step of the workload, and how it ends. */
#include "world.h"

#define draw(sim, bound)   wsm__sim_draw_at(sim, WSM__SIM_WORK, bound, __func__, #bound)
#define some_ms(sim, most) ((1 + draw(sim, most)) * (uint64_t)WSM__SIM_MS)

static wsm__sim_line *some_line(wsm_sim *sim) {
    if (sim->clients_count == 0) return NULL;
    return sim->clients[draw(sim, sim->clients_count)]->line;
}

static void unstall(wsm_sim *sim, void *object, uint64_t number) {
    (void)sim;
    (void)number;
    wsm__sim_line_stall(object, false);
}

static void heal(wsm_sim *sim, void *object, uint64_t number) {
    (void)sim;
    (void)number;
    wsm__sim_machine_heal(object);
}

static void memory_again(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_machine *node = object;
    (void)sim;
    (void)number;
    node->fail_for = 0;
}

static void disk_again(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_machine *node = object;
    (void)sim;
    (void)number;
    node->store.is_full = false;
}

/* The connection that it strikes: that one or, if it is NULL, any. NULL: it does not happen, or strikes nobody. */
static wsm__sim_line *struck_at(wsm_sim *sim, wsm__sim_line *line, wsm_sim_fault_kind kind, const char *where) {
    if (!wsm__sim_fails_at(sim, kind, WSM__SIM_WORK, where)) return NULL;
    if (!line) line = some_line(sim);
    if (line) wsm__sim_mark_line(line, kind);
    return line;
}
#define struck(sim, line, kind) struck_at(sim, line, kind, __func__)

static void strike_lines(wsm_sim *sim, wsm__sim_line *at) {
    wsm__sim_line *line;
    if ((line = struck(sim, at, WSM_SIM_CUT)) != NULL) wsm__sim_line_cut(line);
    if ((line = struck(sim, at, WSM_SIM_HALF_CLOSE)) != NULL) wsm__sim_line_half(line);
    if ((line = struck(sim, at, WSM_SIM_SILENCE)) != NULL) wsm__sim_line_silence(line);
    if ((line = struck(sim, at, WSM_SIM_STALL)) != NULL) {
        wsm__sim_line_stall(line, true);
        wsm__sim_in(sim, some_ms(sim, 20000), unstall, line, 0);
    }
    if (!wsm__sim_fails(sim, WSM_SIM_STORM, WSM__SIM_WORK)) return;
    for (uint32_t i = 0; i < sim->clients_count; i++)
        if (sim->clients[i]->line && draw(sim, 4) > 0) wsm__sim_line_cut(sim->clients[i]->line);
}

static void strike_clocks(wsm_sim *sim, wsm__sim_machine *node) {
    if (wsm__sim_fails(sim, WSM_SIM_CLOCK_JUMP, WSM__SIM_WORK)) {
        int64_t by = (int64_t)draw(sim, 86400) * 1000;
        static const int64_t small[] = {1, 1000, 61000};
        if (draw(sim, 2)) by = small[draw(sim, 3)];
        node->wall_offset += draw(sim, 2) ? by : -by;
    }
    if (wsm__sim_fails(sim, WSM_SIM_CLOCK_STALL, WSM__SIM_WORK) && node->stall_from == UINT64_MAX) {
        node->stall_from = sim->now;
        node->stall_until = sim->now + some_ms(sim, 60000);
        wsm__sim_at(sim, node->stall_until, heal, node, 0);
    }
}

static void strike_process(wsm_sim *sim, wsm__sim_machine *node) {
    if (wsm__sim_fails(sim, WSM_SIM_NO_MEMORY, WSM__SIM_WORK) && node->fail_for == 0) {
        uint32_t how = wsm__sim_draw(sim, WSM__SIM_ALLOC, 3);
        node->fail_after = wsm__sim_draw(sim, WSM__SIM_ALLOC, 60);
        node->fail_for = how == 0 ? 1 : how == 1 ? 1 + wsm__sim_draw(sim, WSM__SIM_ALLOC, 20) : UINT64_MAX;
        wsm__sim_in(sim, some_ms(sim, 3000), memory_again, node, 0);
    }
    if (wsm__sim_fails(sim, WSM_SIM_DISK_FULL, WSM__SIM_WORK)) {
        node->store.is_full = true;
        wsm__sim_in(sim, some_ms(sim, 20000), disk_again, node, 0);
    }
    if (wsm__sim_fails(sim, WSM_SIM_SHUTDOWN, WSM__SIM_WORK)) wsm__sim_machine_shutdown(node, true);
    if (wsm__sim_fails(sim, WSM_SIM_CRASH, WSM__SIM_WORK)) {
        wsm__sim_machine_crash(node, "killed");
        wsm__sim_machine_restart_in(node, some_ms(sim, 5000));
    }
}

static void strike(wsm_sim *sim, wsm__sim_line *line) {
    wsm__sim_machine *node = sim->nodes[0];
    strike_lines(sim, line);
    strike_clocks(sim, node);
    strike_process(sim, node);
}

void wsm__sim_strike(wsm_sim *sim) {
    strike(sim, NULL);
}

static void strike_event(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_client *client = object;
    if (sim->is_calm || !client->line || client->life != number) return;
    strike(sim, client->line);
    bool is_there = client->life == number && client->line && client->phase == WSM__SIM_LIVE && !client->line->is_cut;
    if (is_there && client->is_malicious && wsm__sim_fails_on(client->line, WSM_SIM_BAD_BYTES, WSM__SIM_PEER))
        wsm__sim_client_misbehave(client);
}

void wsm__sim_strike_soon(wsm__sim_client *client) {
    if (client->sim->is_users) return; /* a test's own world: what it wants to strike is its own affair */
    for (uint64_t ms = 0; ms < 4; ms++) wsm__sim_in(client->sim, ms * WSM__SIM_MS, strike_event, client, client->life);
}

void wsm__sim_calm(wsm_sim *sim) {
    wsm__sim_check_silent(sim);
    sim->is_calm = true;
    wsm__sim_begin(&sim->choices, WSM_SIM_AFTER);
    sim->calm_at = sim->now;
    sim->bytes_per_ms = 0; /* a network that is slower than the limits allow would never come to rest */
    if (sim->window && sim->window < 16384) sim->window = 16384;
    if (sim->delay_us > 20000) sim->delay_us = 20000;
    if (sim->store_us > 2000) sim->store_us = 2000;
    wsm__sim_say(sim, "the faults are over");
    for (uint32_t i = 0; i < sim->nodes_count; i++) {
        wsm__sim_machine *node = sim->nodes[i];
        wsm__sim_machine_heal(node);
        if (node->hub) wsm__sim_machine_tick_soon(node, WSM__SIM_MS); /* one that was late is so no longer */
        if (!node->hub) wsm__sim_machine_restart_in(node, 100ull * WSM__SIM_MS);
    }
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        wsm__sim_client *client = sim->clients[i];
        bool is_brief = client->token_s > 0; /* who is cut by and by would never be at rest */
        client->token_s = 0;
        client->token_at = 0;
        client->flaps = client->lies = client->is_malicious = client->floods = false;
        if (client->is_stranger) client->comes_back = false;
        if (!client->line) continue;
        if (client->line->is_stalled) wsm__sim_line_stall(client->line, false);
        if (client->line->is_silent || client->is_tampered || is_brief) {
            client->line->is_silent = client->line->is_cut = false;
            wsm__sim_line_cut(client->line);
        }
    }
}
