/* Time: a heap of events in virtual nanoseconds, equal times in the order of asking; and the trace of what happens. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fault_names[WSM_SIM_FAULTS] = {
    "split",        "delay",       "cut",         "half_close", "stall",      "silence",      "storm",
    "clock_jump",   "clock_stall", "shutdown",    "crash",      "late_tick",  "no_memory",    "no_random",
    "store_refuse", "store_fail",  "sync_fail",   "disk_full",  "store_slow", "store_order",  "read_fail",
    "bad_record",   "token_late",  "token_never", "veto",       "reentry",    "crash_inside", "bad_bytes"};

const char *wsm_sim_fault_name(wsm_sim_fault_kind kind) {
    return (unsigned)kind < WSM_SIM_FAULTS ? fault_names[kind] : NULL;
}

void wsm_sim_report_init(wsm_sim_report *report, size_t size) {
    wsm_sim_report empty = {.size = sizeof empty};
    if (!report || size < sizeof empty.size) return;
    memset(report, 0, size);
    memcpy(report, &empty, size < sizeof empty ? size : sizeof empty);
    report->size = size;
}

/* ---- the heap -------------------------------------------------------------------------------------------------------
 */

static bool is_before(const wsm__sim_due *a, const wsm__sim_due *b) {
    return a->at != b->at ? a->at < b->at : a->tie < b->tie;
}

void wsm__sim_at(wsm_sim *sim, uint64_t ns, wsm__sim_fn fn, void *object, uint64_t number) {
    if (sim->heap_count == sim->heap_cap) {
        sim->heap_cap = sim->heap_cap ? sim->heap_cap * 2 : 256;
        sim->heap = wsm__sim_resize(sim->heap, sim->heap_cap * sizeof *sim->heap);
    }
    wsm__sim_due due = {ns < sim->now ? sim->now : ns, sim->ties++, fn, object, number};
    size_t at = sim->heap_count++;
    while (at > 0 && is_before(&due, &sim->heap[(at - 1) / 2])) {
        sim->heap[at] = sim->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->heap[at] = due;
}

void wsm__sim_in(wsm_sim *sim, uint64_t ns, wsm__sim_fn fn, void *object, uint64_t number) {
    wsm__sim_at(sim, sim->now + ns, fn, object, number);
}

static wsm__sim_due pop(wsm_sim *sim) {
    wsm__sim_due first = sim->heap[0], last = sim->heap[--sim->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= sim->heap_count) break;
        if (child + 1 < sim->heap_count && is_before(&sim->heap[child + 1], &sim->heap[child])) child++;
        if (!is_before(&sim->heap[child], &last)) break;
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return first;
}

bool wsm__sim_step(wsm_sim *sim, uint64_t until) {
    if (sim->heap_count == 0 || sim->heap[0].at > until) {
        if (until > sim->now) sim->now = until;
        return false;
    }
    wsm__sim_due due = pop(sim);
    sim->now = due.at;
    sim->report.events++;
    due.fn(sim, due.object, due.number);
    return true;
}

/* ---- the trace ------------------------------------------------------------------------------------------------------
 */

void wsm__sim_mix(wsm_sim *sim, uint64_t value) {
    uint64_t h = (sim->report.trace ^ value) * 0x9e3779b97f4a7c15u;
    sim->report.trace = h ^ (h >> 29);
}

void wsm__sim_mix_bytes(wsm_sim *sim, const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    wsm__sim_mix(sim, sim->now ^ len);
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word = 0;
        for (unsigned i = 0; i < 8; i++) word |= (uint64_t)at[i] << (8 * i);
        wsm__sim_mix(sim, word);
    }
    for (; len > 0; at++, len--) wsm__sim_mix(sim, *at);
}

void wsm__sim_say(wsm_sim *sim, const char *format, ...) {
    char line[1200];
    if (!sim->say) return;
    int at = snprintf(line, sizeof line, "%8llu.%06llu  ", (unsigned long long)(sim->now / WSM__SIM_S),
                      (unsigned long long)(sim->now % WSM__SIM_S / 1000));
    va_list args;
    va_start(args, format);
    vsnprintf(line + at, sizeof line - (size_t)at, format, args);
    va_end(args);
    sim->say(sim->say_user, line);
}

void wsm__sim_break(wsm_sim *sim, const char *invariant, const char *format, ...) {
    if (wsm__sim_is_broken(sim)) return;
    snprintf(sim->report.invariant, sizeof sim->report.invariant, "%s", invariant);
    va_list args;
    va_start(args, format);
    vsnprintf(sim->report.what, sizeof sim->report.what, format, args);
    va_end(args);
    wsm__sim_say(sim, "BROKEN %s: %s", sim->report.invariant, sim->report.what);
}

bool wsm__sim_is_broken(const wsm_sim *sim) {
    return sim->report.invariant[0] != '\0';
}

const char *wsm_sim_broken(const wsm_sim *sim, const char **what) {
    if (!sim || !wsm__sim_is_broken(sim)) return NULL;
    if (what) *what = sim->report.what;
    return sim->report.invariant;
}

/* ---- choices --------------------------------------------------------------------------------------------------------
 */

uint32_t wsm__sim_draw_at(wsm_sim *sim, unsigned stream, uint32_t bound, const char *where, const char *which) {
    return wsm__sim_pick(&sim->choices, stream, bound, (wsm__sim_point){where, which});
}

/* Whoever knows which connection, or when it strikes, marks it. */
static bool is_marked_there(wsm_sim_fault_kind kind) {
    return kind == WSM_SIM_SPLIT || kind == WSM_SIM_DELAY || kind == WSM_SIM_CUT || kind == WSM_SIM_HALF_CLOSE ||
           kind == WSM_SIM_STALL || kind == WSM_SIM_SILENCE || kind == WSM_SIM_TOKEN_LATE ||
           kind == WSM_SIM_TOKEN_NEVER || kind == WSM_SIM_BAD_BYTES || kind == WSM_SIM_VETO ||
           kind == WSM_SIM_NO_MEMORY || kind == WSM_SIM_DISK_FULL;
}

bool wsm__sim_fails_at(wsm_sim *sim, wsm_sim_fault_kind kind, unsigned stream, const char *where) {
    wsm__sim_point point = {where, fault_names[kind]};
    if (sim->is_calm || !wsm__sim_chance(&sim->choices, stream, sim->rates[kind], point)) return false;
    sim->report.faults[kind]++;
    if (!is_marked_there(kind)) wsm__sim_mark(sim, kind);
    wsm__sim_mix(sim, kind + 1);
    if (kind != WSM_SIM_SPLIT) wsm__sim_say(sim, "fault %s", fault_names[kind]);
    return true;
}

bool wsm__sim_fails_on_at(const wsm__sim_line *line, wsm_sim_fault_kind kind, unsigned stream, const char *where) {
    if (!wsm__sim_fails_at(line->sim, kind, stream, where)) return false;
    wsm__sim_mark_line(line, kind);
    return true;
}

/* ---- life -----------------------------------------------------------------------------------------------------------
 */

wsm_sim *wsm__sim_new(uint64_t seed, wsm_sim_profile profile, const wsm_sim_script *script, wsm__sim_tape *tape) {
    wsm_sim *sim = wsm__sim_zalloc(sizeof *sim);
    sim->seed = seed;
    sim->profile = profile;
    sim->fill = 0xa5;
    wsm_sim_report_init(&sim->report, sizeof sim->report);
    sim->report.seed = seed;
    wsm__sim_choices_init(&sim->choices, seed, script, tape);
    wsm__sim_oracle_init(&sim->oracle);
    return sim;
}

void wsm_sim_free(wsm_sim *sim) {
    if (!sim) return;
    sim->is_calm = true;
    for (uint32_t i = 0; i < sim->nodes_count; i++) wsm__sim_machine_free(sim->nodes[i]);
    for (uint32_t i = 0; i < sim->clients_count; i++) wsm__sim_client_fini(sim->clients[i]);
    wsm__sim_lines_fini(sim);
    wsm__sim_mail_fini(sim);
    wsm__sim_oracle_fini(&sim->oracle);
    wsm__sim_arena_fini(&sim->arena);
    free(sim->clients);
    free(sim->replies);
    free(sim->heap);
    free(sim);
}
