/* Worlds of a test's own: time, faults, machines, and tokens. */
#include <string.h>

#include "world.h"

int wsm_sim_new(wsm_sim **sim, uint64_t seed, wsm_sim_profile profile) {
    if (!sim || profile > WSM_SIM_BRUTAL) return WSM_ERR_INVALID;
    *sim = wsm__sim_new(seed, profile, NULL, NULL);
    (*sim)->is_users = true;
    (*sim)->delay_us = 1000;
    (*sim)->store_us = 2000;
    (*sim)->window = 65536;
    if (profile != WSM_SIM_CALM) (*sim)->rates[WSM_SIM_SPLIT] = profile == WSM_SIM_ROUGH ? 100 : 600;
    return WSM_OK;
}

uint64_t wsm_sim_now(const wsm_sim *sim) {
    return sim ? sim->now / WSM__SIM_MS : 0;
}

int wsm_sim_run(wsm_sim *sim, uint64_t ms, int (*until)(void *user), void *user) {
    if (!sim) return WSM_ERR_INVALID;
    uint64_t end = sim->now + ms * WSM__SIM_MS;
    do {
        if (wsm__sim_is_broken(sim)) return WSM_ERR_INTERNAL;
        if (until && until(user)) return 1;
    } while (wsm__sim_step(sim, end));
    return wsm__sim_is_broken(sim) ? WSM_ERR_INTERNAL : 0;
}

typedef struct later {
    void (*fn)(void *user);
    void *user;
} later;

static void call_later(wsm_sim *sim, void *object, uint64_t number) {
    later *self = object;
    (void)sim;
    (void)number;
    self->fn(self->user);
}

int wsm_sim_after(wsm_sim *sim, uint64_t ms, void (*fn)(void *user), void *user) {
    if (!sim || !fn) return WSM_ERR_INVALID;
    later *self = wsm__sim_arena_take(&sim->arena, sizeof *self);
    *self = (later){fn, user};
    wsm__sim_in(sim, ms * WSM__SIM_MS, call_later, self, 0);
    return WSM_OK;
}

/* What strikes at the steps of a workload, or at clients that are no test's own: a rate would wait for ever. */
static bool is_of_swarms(wsm_sim_fault_kind kind) {
    return (kind >= WSM_SIM_CUT && kind <= WSM_SIM_CRASH) || kind == WSM_SIM_NO_MEMORY || kind == WSM_SIM_DISK_FULL ||
           kind == WSM_SIM_BAD_BYTES || kind == WSM_SIM_TOKEN_LATE || kind == WSM_SIM_TOKEN_NEVER;
}

int wsm_sim_fault(wsm_sim *sim, wsm_sim_fault_kind kind, uint32_t per_mille) {
    if (!sim || (unsigned)kind >= WSM_SIM_FAULTS || per_mille > 1000) return WSM_ERR_INVALID;
    if (per_mille > 0 && is_of_swarms(kind)) return WSM_ERR_UNSUPPORTED;
    sim->rates[kind] = per_mille;
    return WSM_OK;
}

void wsm_sim_trace(wsm_sim *sim, wsm_sim_line_fn fn, void *user) {
    if (!sim) return;
    sim->say = fn;
    sim->say_user = user;
}

bool wsm__sim_may_be_named(const char *agent) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = agent ? strlen(agent) : 0;
    return len > 0 && len < sizeof((wsm__sim_agent *)0)->name && strspn(agent, letters) == len &&
           strcmp(agent, "hub") != 0;
}

const char *wsm_sim_token(wsm_sim *sim, const char *agent, wsm_permission permission) {
    wsm_claims claims;
    if (!sim || !wsm__sim_may_be_named(agent) || sim->nodes_count == 0) return NULL;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){agent, strlen(agent)};
    claims.permission = permission;
    claims.iat = wsm__sim_machine_wall(sim->nodes[0]) / 1000;
    claims.exp = claims.iat + 86400;
    wsm__sim_mint(sim, &claims, sim->token, sizeof sim->token);
    return sim->token;
}

/* ---- machines -------------------------------------------------------------------------------------------------------
 */

/* A struct of the caller's, over the defaults: no more than both know. */
static void copy_sized(void *to, size_t known, const void *from) {
    size_t given;
    memcpy(&given, from, sizeof given);
    memcpy(to, from, given < known ? given : known);
    memcpy(to, &known, sizeof known);
}

int wsm_sim_hub_add(wsm_sim *sim, wsm_sim_hub **hub, const wsm_config *config, const wsm_host *host, void *user) {
    wsm_config own_config;
    wsm_host own_host;
    if (!sim || !hub) return WSM_ERR_INVALID;
    *hub = NULL;
    if (sim->nodes_count == WSM__SIM_NODES) return WSM_ERR_LIMIT;
    wsm_config_init(&own_config, sizeof own_config);
    wsm_host_init(&own_host, sizeof own_host);
    if (config) copy_sized(&own_config, sizeof own_config, config);
    if (host) copy_sized(&own_host, sizeof own_host, host);
    wsm__sim_machine *node = wsm__sim_machine_new(sim, &own_config, &own_host, user);
    int err = wsm__sim_machine_start(node);
    if (!err) *hub = node;
    return err;
}

wsm_hub *wsm_sim_hub_get(const wsm_sim_hub *hub) {
    return hub ? hub->hub : NULL;
}

void wsm_sim_crash(wsm_sim_hub *hub) {
    if (hub) wsm__sim_machine_crash(hub, "the test says so");
}

int wsm_sim_restart(wsm_sim_hub *hub) {
    if (!hub) return WSM_ERR_INVALID;
    return hub->hub ? WSM_OK : wsm__sim_machine_start(hub);
}

void wsm_sim_cut_all(wsm_sim_hub *hub) {
    if (!hub) return;
    for (wsm__sim_line *line = hub->sim->lines; line; line = line->next)
        if (line->node == hub) wsm__sim_line_cut(line);
}
