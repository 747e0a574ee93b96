/* A machine: it starts a hub, ticks it when it asks to be ticked, and ends it by shutdown or by crash.
 *
 * A crash is a process that dies: from that moment nothing that the hub does reaches anybody, its log keeps what it
 * had, its transports break; the memory is given back when the call into the hub has returned, since the crash may come
 * inside a callback. That way every crash is also a test that freeing a hub in any state leaves nothing. */
#include <string.h>

#include "world.h"

#define MONO_BASE 1000u
#define WALL_BASE 1767323045678 /* a day in January 2026, ms */
#define FOREVER   UINT64_MAX

wsm__sim_machine *wsm__sim_machine_new(wsm_sim *sim, const wsm_config *config, const wsm_host *own, void *own_user) {
    wsm__sim_machine *node = wsm__sim_arena_take(&sim->arena, sizeof *node);
    node->sim = sim;
    node->idx = sim->nodes_count;
    node->config = *config;
    if (own) node->own = *own;
    node->own_user = own_user;
    node->mono_base = MONO_BASE;
    node->stall_from = node->tick_at = FOREVER;
    wsm__sim_store_init(&node->store, node);
    sim->nodes[sim->nodes_count++] = node;
    return node;
}

/* ---- clocks ---------------------------------------------------------------------------------------------------------
 */

uint64_t wsm__sim_machine_mono(const wsm__sim_machine *node) {
    uint64_t now = node->sim->now, lost = node->stall_lost;
    if (node->stall_from != FOREVER) lost += (now < node->stall_until ? now : node->stall_until) - node->stall_from;
    return node->mono_base + (now - lost) / WSM__SIM_MS;
}

int64_t wsm__sim_machine_wall(const wsm__sim_machine *node) {
    return WALL_BASE + (int64_t)(node->sim->now / WSM__SIM_MS) + node->wall_offset;
}

/* ---- ticking --------------------------------------------------------------------------------------------------------
 */

static void tick(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_machine *node = object;
    if (!node->hub || node->tick_at != sim->now || (uint32_t)number != node->life) return;
    if (wsm__sim_fails(sim, WSM_SIM_LATE_TICK, WSM__SIM_HOST)) {
        uint64_t late = (1 + wsm__sim_draw(sim, WSM__SIM_HOST, 600)) * 100ull * WSM__SIM_MS;
        node->tick_at = FOREVER;
        node->late_until = sim->now + late;
        wsm__sim_machine_tick_soon(node, late);
        return;
    }
    node->tick_at = FOREVER;
    if (!wsm__sim_machine_enter(node, node->life)) return;
    wsm_hub_tick(node->hub);
    wsm__sim_machine_leave(node);
}

void wsm__sim_machine_tick_soon(wsm__sim_machine *node, uint64_t ns) {
    uint64_t at = node->sim->now + ns;
    if (at >= node->tick_at) return;
    node->tick_at = at;
    wsm__sim_at(node->sim, at, tick, node, node->life);
}

/* A hub that asks for a tick at once, again and again, without anything to do, burns a processor. */
static void check_spin(wsm__sim_machine *node, int64_t next) {
    if (next != 0 || node->spin_at != node->sim->now) {
        node->spin_at = node->sim->now;
        node->spins = 0;
    } else if (++node->spins > 10000) {
        wsm__sim_break(node->sim, "I-80", "10000 ticks within one instant: the hub asks for the next at once");
    }
}

/* ---- in and out of a hub --------------------------------------------------------------------------------------------
 */

bool wsm__sim_machine_enter(wsm__sim_machine *node, uint32_t life) {
    if (!node->hub || node->life != life) return false;
    node->depth++;
    return true;
}

static void bury(wsm__sim_machine *node) {
    wsm_hub *hub = node->dying;
    wsm_hub_free(hub);
    node->dying = NULL;
    wsm__sim_check_freed(node);
}

static void down(wsm__sim_machine *node) { /* after a shutdown that has ended */
    wsm_hub *hub = node->hub;
    for (size_t i = 0; i < node->tags.count && node->sim->now < node->shutdown_late; i++)
        if (!(node->tags.open[i] & WSM__SIM_PAGE_TAG))
            wsm__sim_break(node->sim, "I-07", "broadcast %llu has no result, and the hub has shut down",
                           (unsigned long long)(node->tags.open[i] & 0xffffffff));
    node->tags.count = 0;
    node->shutdown_by = 0;
    wsm__sim_mail_last(node);
    wsm__sim_store_crash(&node->store, true);
    node->sim->report.hub_ms += (node->sim->now - node->up_since) / WSM__SIM_MS;
    node->hub = NULL;
    node->is_ready = false;
    node->dying = hub; /* its log is closed within */
    wsm__sim_lines_lost(node);
    bury(node);
    wsm__sim_say(node->sim, "hub %u is down", node->idx);
    if (node->starts_again) wsm__sim_machine_restart_in(node, 500ull * WSM__SIM_MS);
}

static void check_shutdown(wsm__sim_machine *node) {
    if (node->shutdown_by == 0 || node->depth > 0) return;
    if (wsm_hub_is_down(node->hub))
        down(node);
    else if (node->sim->now > node->shutdown_by)
        wsm__sim_break(node->sim, "I-81", "the shutdown has not ended by its deadline");
}

void wsm__sim_machine_leave(wsm__sim_machine *node) {
    if (--node->depth > 0) return;
    if (node->dying) bury(node);
    if (!node->hub) return;
    wsm__sim_check_step(node);
    node->depth++;
    int64_t next = wsm_hub_next(node->hub);
    node->depth--;
    check_spin(node, next);
    if (next >= 0) wsm__sim_machine_tick_soon(node, (uint64_t)next * WSM__SIM_MS);
    check_shutdown(node);
}

/* ---- life -----------------------------------------------------------------------------------------------------------
 */

static void start_event(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_machine *node = object;
    (void)sim;
    if (node->hub || node->life != (uint32_t)number) return;
    if (node->dying)
        wsm__sim_machine_restart_in(node, WSM__SIM_MS);
    else if (wsm__sim_machine_start(node))
        wsm__sim_machine_restart_in(node, 1000ull * WSM__SIM_MS);
}

void wsm__sim_machine_restart_in(wsm__sim_machine *node, uint64_t ns) {
    wsm__sim_in(node->sim, ns, start_event, node, node->life);
}

#define SMALLER_BYTES 8192u

/* Whoever runs it may have given it smaller queues since its last life. Only a script says so: a seed keeps its world.
 */
static void configure_anew(wsm__sim_machine *node) {
    wsm__sim_point point = {__func__, "smaller_queue"};
    if (node->life == 1 || !wsm__sim_chance(&node->sim->choices, WSM__SIM_HOST, 0, point)) return;
    if (node->config.queue_bytes_max > SMALLER_BYTES) node->config.queue_bytes_max = SMALLER_BYTES;
}

int wsm__sim_machine_start(wsm__sim_machine *node) {
    wsm_log log;
    wsm_sim *sim = node->sim;
    if (node->hub || node->dying) return WSM_ERR_STATE;
    node->life++;
    configure_anew(node);
    node->tick_at = FOREVER;
    node->is_ready = node->has_must_close = false;
    memset(node->drops, 0, sizeof node->drops);
    node->random = (sim->seed ^ 0x5851f42d4c957f2du) + node->life * 0x9e3779b97f4a7c15u + node->idx;
    for (uint32_t i = 0; i < sim->oracle.agents_count; i++)
        sim->oracle.agents[i].primaries = sim->oracle.agents[i].sessions = 0;
    wsm__sim_machine_host(node, &node->host);
    wsm__sim_store_log(&node->store, &log);
    node->up_since = sim->now;
    node->depth++;
    wsm_hub *hub = NULL;
    int err = wsm_hub_new(&hub, &node->config, &node->host, &log, node);
    node->depth--;
    wsm__sim_say(sim, "hub %u starts (%d): %s", node->idx, err, err ? wsm_strerror(err) : node->store.epoch);
    if (err) {
        wsm__sim_store_forget(&node->store);
        if (hub) wsm__sim_break(sim, "I-64", "wsm_hub_new failed and left a hub");
        wsm__sim_check_freed(node);
        return err;
    }
    node->hub = hub;
    wsm_key key;
    wsm_key_init(&key, sizeof key);
    key.secret = "the secret of a world that is not";
    key.secret_len = 33;
    node->depth++;
    err = wsm_hub_key_add(hub, &key);
    wsm__sim_machine_leave(node);
    if (err) wsm__sim_machine_crash(node, "no memory for its key");
    return err;
}

void wsm__sim_machine_crash(wsm__sim_machine *node, const char *why) {
    wsm_sim *sim = node->sim;
    if (!node->hub) return;
    wsm__sim_say(sim, "hub %u dies: %s", node->idx, why);
    wsm__sim_mail_last(node);
    node->dying = node->hub;
    node->hub = NULL;
    node->is_ready = false;
    node->shutdown_by = 0;
    node->tags.count = 0;
    node->fail_for = 0;
    sim->report.crashes++;
    sim->report.hub_ms += (sim->now - node->up_since) / WSM__SIM_MS;
    wsm__sim_store_crash(&node->store, false);
    wsm__sim_lines_lost(node);
    if (node->depth == 0) bury(node);
}

void wsm__sim_machine_shutdown(wsm__sim_machine *node, bool restart) {
    wsm_shutdown how;
    if (node->shutdown_by || !wsm__sim_machine_enter(node, node->life)) return;
    wsm_shutdown_init(&how, sizeof how);
    how.restart = restart;
    how.deadline_ms = 1000 + 1000 * wsm__sim_draw(node->sim, WSM__SIM_HOST, 10);
    node->shutdown_by =
        node->sim->now + (how.deadline_ms + 4000ull) * WSM__SIM_MS; /* transports take a while to close */
    node->shutdown_late = node->sim->now + (how.deadline_ms - 10ull) * WSM__SIM_MS;
    node->starts_again = restart;
    if (node->sim->rates[WSM_SIM_LATE_TICK]) node->shutdown_by += 61ull * WSM__SIM_S;
    if (node->stall_from != FOREVER || node->sim->rates[WSM_SIM_CLOCK_STALL]) node->shutdown_by += 700ull * WSM__SIM_S;
    wsm__sim_say(node->sim, "hub %u shuts down", node->idx);
    wsm_hub_shutdown(node->hub, &how);
    wsm__sim_machine_leave(node);
}

void wsm__sim_machine_heal(wsm__sim_machine *node) {
    if (node->stall_from != FOREVER && node->sim->now >= node->stall_until) {
        node->stall_lost += node->stall_until - node->stall_from;
        node->stall_from = FOREVER;
    }
    if (!node->sim->is_calm) return;
    if (node->stall_from != FOREVER) {
        node->stall_lost += node->sim->now - node->stall_from;
        node->stall_from = FOREVER;
    }
    node->fail_for = 0;
    node->store.is_full = false;
}

void wsm__sim_machine_free(wsm__sim_machine *node) {
    if (node->hub) {
        node->sim->report.hub_ms += (node->sim->now - node->up_since) / WSM__SIM_MS;
        node->dying = node->hub;
        node->hub = NULL;
        wsm__sim_store_forget(&node->store);
        bury(node);
    }
    wsm__sim_store_fini(&node->store);
    wsm__sim_tags_fini(&node->tags);
}
