/* A run from a seed: while the faults last, a workload; then calm, in which everybody must come to the log's end; then
 * the end, in which everything must add up and nothing may be left. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define EVENTS_MAX 20000000u

typedef struct run {
    wsm_sim *sim;
    wsm__sim_plan plan;
    uint32_t step;
} run;

static void step(wsm_sim *sim, void *object, uint64_t number) {
    run *self = object;
    (void)number;
    if (sim->is_calm || self->step++ >= self->plan.steps) return;
    wsm__sim_begin(&sim->choices, 1 + (int32_t)self->step);
    wsm__sim_strike(sim);
    uint32_t dice = wsm__sim_draw(sim, WSM__SIM_WORK, 64);
    if (dice < 56 && sim->clients_count > 0)
        wsm__sim_client_act(sim->clients[wsm__sim_draw(sim, WSM__SIM_WORK, sim->clients_count)]);
    else if (dice < 61)
        wsm__sim_machine_publish(sim->nodes[0]);
    else
        wsm__sim_machine_read(sim->nodes[0]);
    uint64_t gap = self->plan.gap_ms * (uint64_t)WSM__SIM_MS / 8 * (1 + wsm__sim_draw(sim, WSM__SIM_WORK, 15));
    if (wsm__sim_draw(sim, WSM__SIM_WORK, 50) == 49) gap *= 20;
    wsm__sim_in(sim, gap, step, self, 0);
}

static void go(wsm_sim *sim, uint64_t until) {
    uint64_t most = sim->events_max ? sim->events_max : EVENTS_MAX;
    while (!wsm__sim_is_broken(sim) && sim->report.events < most && wsm__sim_step(sim, until)) continue;
    if (sim->report.events < most) return;
    if (sim->events_max) wsm__sim_break(sim, "long", "more events than asked for");
    wsm__sim_break(sim, "I-80", "%u events: something spins", EVENTS_MAX);
}

static bool all_at_head(const wsm_sim *sim) {
    for (uint32_t i = 0; i < sim->nodes_count; i++)
        if (!sim->nodes[i]->hub || !sim->nodes[i]->is_ready || sim->nodes[i]->tags.count > 0) return false;
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        const wsm__sim_client *client = sim->clients[i];
        if (client->is_stopped || !client->comes_back) continue;
        if (!wsm__sim_client_is_at_head(client)) return false;
    }
    return true;
}

static const wsm__sim_client *first_behind(const wsm_sim *sim) {
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        const wsm__sim_client *client = sim->clients[i];
        if (!client->is_stopped && client->comes_back && !wsm__sim_client_is_at_head(client)) return client;
    }
    return NULL;
}

static void say_metric(void *user, const wsm_metric *metric) {
    if (metric->value > 0)
        wsm__sim_say(user, "%s{%s} %.0f", metric->name, metric->labels ? metric->labels : "", metric->value);
}

static void break_late(wsm_sim *sim) {
    const wsm__sim_client *behind = first_behind(sim);
    if (sim->nodes[0]->hub) wsm_hub_metrics(sim->nodes[0]->hub, say_metric, sim);
    wsm__sim_break(
        sim, "I-80",
        "the faults have been over for %llu ms; client %d is in phase %d, checked to %llu, with %zu commands "
        "open (%d); the hub is %s at %llu",
        (unsigned long long)sim->report.heal_most_ms, behind ? (int)behind->idx : -1, behind ? (int)behind->phase : -1,
        behind ? (unsigned long long)behind->checked_to : 0, behind ? behind->open_count : 0,
        behind && behind->open_count ? (int)behind->open[0] : -1, sim->nodes[0]->is_ready ? "ready" : "not ready",
        (unsigned long long)wsm_hub_position(sim->nodes[0]->hub, NULL));
}

/* Calm: within three heartbeats and the time for replays everybody is at the log's end. */
static void converge(wsm_sim *sim) {
    wsm__sim_calm(sim);
    sim->report.heal_most_ms = wsm__sim_heal_ms(sim);
    uint64_t until = sim->now + sim->report.heal_most_ms * WSM__SIM_MS;
    while (!wsm__sim_is_broken(sim) && !all_at_head(sim)) {
        if (sim->now >= until)
            break_late(sim);
        else
            go(sim, sim->now + 500ull * WSM__SIM_MS);
    }
    sim->report.heal_ms = (sim->now - sim->calm_at) / WSM__SIM_MS;
}

/* Some say goodbye for good: who is not there may not be listed. */
static void go_home(wsm_sim *sim) {
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        if (wsm__sim_draw(sim, WSM__SIM_WORK, 6) != 5) continue;
        sim->clients[i]->comes_back = false;
        wsm__sim_client_leave(sim->clients[i]);
    }
}

/* Nobody says anything more. What the hub says by itself, that a sidebar is idle for example, may come at any moment,
 * also in this one, and has to reach everybody. */
static void fall_silent(wsm_sim *sim) {
    uint64_t until = sim->now + 60ull * WSM__SIM_S;
    sim->is_ending = true;
    do go(sim, sim->now + 5ull * WSM__SIM_S);
    while (!wsm__sim_is_broken(sim) && sim->now < sim->applied_at + 2ull * WSM__SIM_S && sim->now < until);
}

static void look_around(wsm_sim *sim) {
    uint64_t grace = (sim->nodes[0]->config.presence_grace_ms + 3000ull) * WSM__SIM_MS, until = sim->now + 10 * grace;
    go_home(sim);
    do go(sim, sim->now + grace);
    while (!wsm__sim_is_broken(sim) && sim->now < sim->left_at + grace && sim->now < until);
    go(sim, sim->now + 3ull * sim->nodes[0]->config.ping_interval_ms * WSM__SIM_MS);     /* who is idle stays, too */
    if (sim->mail && sim->mail->held_count > 0) go(sim, sim->now + 150ull * WSM__SIM_S); /* for digests */
    for (uint32_t i = 0; i < sim->clients_count; i++) {
        if (sim->clients[i]->phase != WSM__SIM_LIVE) continue;
        wsm__sim_client_ask(sim->clients[i], "agent_list", "");
        break;
    }
    fall_silent(sim);
    if (!wsm__sim_is_broken(sim)) wsm__sim_check_end(sim);
}

/* Half of the runs end by a shutdown, the others by a crash. */
static void end(wsm_sim *sim) {
    wsm__sim_machine *node = sim->nodes[0];
    if (wsm__sim_is_broken(sim) || wsm__sim_draw(sim, WSM__SIM_PLAN, 2) == 0) return;
    wsm__sim_machine_shutdown(node, false);
    for (uint32_t i = 0; i < sim->clients_count; i++) sim->clients[i]->comes_back = false;
    go(sim, sim->now + 30ull * WSM__SIM_S);
    if (node->hub && !wsm__sim_is_broken(sim))
        wsm__sim_break(sim, "I-81", "a shutdown in calm has not ended after 30 s");
}

static uint32_t run_all(wsm_sim *sim, uint32_t steps) {
    run self = {.sim = sim};
    wsm__sim_begin(&sim->choices, 0);
    wsm__sim_plan_draw(sim, &self.plan);
    if (steps) self.plan.steps = steps;
    wsm__sim_begin(&sim->choices, 1);
    if (wsm__sim_machine_start(sim->nodes[0])) wsm__sim_machine_restart_in(sim->nodes[0], WSM__SIM_S);
    wsm__sim_in(sim, 100ull * WSM__SIM_MS, step, &self, 0);
    while (!wsm__sim_is_broken(sim) && self.step < self.plan.steps) go(sim, sim->now + 60ull * WSM__SIM_S);
    if (!wsm__sim_is_broken(sim)) converge(sim);
    if (!wsm__sim_is_broken(sim)) look_around(sim);
    end(sim);
    return self.step < self.plan.steps ? self.step : self.plan.steps;
}

int wsm__sim_swarm_run(const wsm__sim_how *how, wsm_sim_report *report, uint32_t *steps) {
    wsm_sim *sim = wsm__sim_new(how->seed, how->profile, how->script, how->tape);
    sim->say = how->line;
    sim->say_user = how->user;
    sim->fill = how->fill;
    sim->events_max = how->events_max;
    uint32_t begun = run_all(sim, how->steps);
    if (steps) *steps = begun;
    for (uint32_t i = 0; i < sim->nodes_count; i++) wsm__sim_machine_free(sim->nodes[i]);
    sim->nodes_count = 0;
    *report = sim->report;
    int broken = wsm__sim_is_broken(sim) ? 1 : 0;
    wsm_sim_free(sim);
    return broken;
}

static int give_report(wsm_sim_report *out, const wsm_sim_report *made) {
    size_t size = out->size;
    if (size < sizeof out->size) return WSM_ERR_INVALID;
    memcpy(out, made, size < sizeof *made ? size : sizeof *made);
    out->size = size;
    return WSM_OK;
}

/* Run it, with the choices of its script if it has one. */
static int run_script(wsm__sim_how how, const wsm_sim_script *script, wsm_sim_report *report) {
    if (!script->named && !script->steps) {
        how.script = script;
        return wsm__sim_swarm_run(&how, report, NULL);
    }
    wsm__sim_tape tape = {0};
    wsm__sim_made *says = wsm__sim_zalloc((script->named_count + 1) * sizeof *says);
    for (size_t i = 0; i < script->named_count; i++) {
        const wsm_sim_choice *said = &script->named[i];
        says[i] = (wsm__sim_made){said->step, wsm__sim_tape_name(&tape, said->name), said->nth, said->value};
    }
    wsm__sim_tape_start(&tape, says, script->named_count);
    how.tape = &tape;
    how.steps = script->steps;
    int broken = wsm__sim_swarm_run(&how, report, NULL);
    wsm__sim_tape_fini(&tape);
    free(says);
    return broken;
}

static int run_once(const wsm__sim_how *how, const wsm_sim_script *script, wsm_sim_report *report) {
    return script ? run_script(*how, script, report) : wsm__sim_swarm_run(how, report, NULL);
}

int wsm_sim_swarm(uint64_t seed, wsm_sim_profile profile, const wsm_sim_script *script, wsm_sim_report *report,
                  wsm_sim_line_fn line, void *user) {
    wsm_sim_report made;
    wsm_sim_script whole = {0};
    if (!report || profile > WSM_SIM_BRUTAL) return WSM_ERR_INVALID;
    if (script) {
        memcpy(&whole, script, script->size < sizeof whole ? script->size : sizeof whole);
        script = &whole;
        if (whole.profile > WSM_SIM_BRUTAL) return WSM_ERR_INVALID;
        seed = whole.seed, profile = whole.profile;
    }
    wsm__sim_how how = {.seed = seed, .profile = profile, .line = line, .user = user, .fill = 0xa5};
    int broken = run_once(&how, script, &made);
    if (!broken &&
        seed % 50 == 0) { /* again, with other bytes in fresh memory: what differs was not decided by the seed */
        wsm_sim_report again;
        how.line = NULL;
        how.fill = 0x00;
        broken = run_once(&how, script, &again);
        if (again.trace != made.trace || broken) {
            wsm_sim_report_init(&made, sizeof made);
            made.seed = seed;
            memcpy(made.invariant, "I-68", 5);
            memcpy(made.what, "the same seed ran twice, and not in the same way", 49);
            broken = 1;
        }
    }
    int err = give_report(report, &made);
    return err ? err : broken;
}
