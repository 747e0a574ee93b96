/* From a seed that breaks something to the smallest script that still does. A run's choices are tapes; taking whole
 * steps away, then single choices, then replacing choices by 0, the quietest, and keeping whatever breaks the same
 * invariant. What a kept run really chose becomes the next script, so that the tapes stay in step with what is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

typedef struct shrinking {
    wsm_sim_script *best;
    uint32_t *blocks; /* of WORK, in the best one */
    size_t blocks_count;
    char invariant[8];
    wsm_sim_report report;
    size_t runs_left;
} shrinking;

void wsm_sim_script_free(wsm_sim_script *script) {
    if (!script) return;
    for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) free((void *)(uintptr_t)script->choices[i]);
    free(script);
}

/* Takes over the tapes. Zeros at the end say nothing. */
static void adopt(shrinking *self, uint64_t seed, wsm_sim_profile profile, wsm__sim_choices *taken) {
    wsm_sim_script *script = wsm__sim_zalloc(sizeof *script);
    *script = (wsm_sim_script){.size = sizeof *script, .seed = seed, .profile = profile};
    for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) {
        size_t count = taken->tape[i].count;
        while (count > 0 && taken->tape[i].values[count - 1] == 0) count--;
        script->choices[i] = taken->tape[i].values;
        script->counts[i] = count;
        taken->tape[i].values = NULL;
    }
    free(self->blocks);
    self->blocks = taken->tape[WSM__SIM_WORK].blocks;
    self->blocks_count = taken->tape[WSM__SIM_WORK].blocks_count;
    taken->tape[WSM__SIM_WORK].blocks = NULL;
    wsm_sim_script_free(self->best);
    self->best = script;
}

/* Whether it still breaks the same; then it is the best one. */
static bool try_script(shrinking *self, const wsm_sim_script *script) {
    wsm__sim_choices taken;
    wsm_sim_report report;
    if (self->runs_left == 0) return false;
    self->runs_left--;
    wsm__sim_swarm_run(script->seed, script->profile, script, &report, NULL, NULL, 0xa5, &taken);
    bool same = strcmp(report.invariant, self->invariant) == 0;
    if (same) {
        adopt(self, script->seed, script->profile, &taken);
        self->report = report;
    }
    wsm__sim_choices_fini(&taken);
    return same;
}

/* The best one without choices from..to of a stream, or with zeros there. */
static bool try_without(shrinking *self, unsigned stream, size_t from, size_t to, bool zero) {
    wsm_sim_script script = *self->best;
    size_t count = script.counts[stream];
    if (to > count) to = count;
    if (from >= to) return false;
    uint32_t *values = wsm__sim_resize(NULL, count * sizeof *values);
    memcpy(values, script.choices[stream], count * sizeof *values);
    bool differs = !zero;
    for (size_t i = from; zero && i < to; i++) {
        differs = differs || values[i] != 0;
        values[i] = 0;
    }
    if (!zero) {
        memmove(values + from, values + to, (count - to) * sizeof *values);
        script.counts[stream] = count - (to - from);
    }
    script.choices[stream] = values;
    bool better = differs && try_script(self, &script);
    free(values);
    return better;
}

static void drop_steps(shrinking *self) {
    for (size_t run = self->blocks_count / 2; run > 0; run /= 2) {
        size_t i = self->blocks_count;
        while (i > 0 && self->runs_left > 0) {
            size_t begin = i > run ? i - run : 0;
            if (i > self->blocks_count) i = self->blocks_count;
            if (begin >= i) break;
            size_t from = self->blocks[begin];
            size_t to = i < self->blocks_count ? self->blocks[i] : self->best->counts[WSM__SIM_WORK];
            try_without(self, WSM__SIM_WORK, from, to, false);
            i = begin;
        }
    }
}

static void thin(shrinking *self, unsigned stream, bool zero) {
    for (size_t run = self->best->counts[stream]; run > 0 && self->runs_left > 0; run /= 2) {
        size_t i = self->best->counts[stream];
        while (i > 0 && self->runs_left > 0) {
            size_t from = i > run ? i - run : 0;
            try_without(self, stream, from, i, zero);
            i = from;
        }
        if (run > 64 && run / 2 == 0) break;
    }
}

int wsm_sim_shrink(uint64_t seed, wsm_sim_profile profile, size_t runs_max, wsm_sim_script **out,
                   wsm_sim_report *report) {
    shrinking self = {.runs_left = runs_max};
    wsm__sim_choices taken;
    if (!out || !report || profile > WSM_SIM_BRUTAL) return WSM_ERR_INVALID;
    *out = NULL;
    int broken = wsm__sim_swarm_run(seed, profile, NULL, &self.report, NULL, NULL, 0xa5, &taken);
    if (broken) {
        memcpy(self.invariant, self.report.invariant, sizeof self.invariant);
        adopt(&self, seed, profile, &taken);
    }
    wsm__sim_choices_fini(&taken);
    if (!broken) return WSM_ERR_NOT_FOUND;
    static const unsigned order[] = {WSM__SIM_PEER,  WSM__SIM_NET,  WSM__SIM_HOST, WSM__SIM_STORE,
                                     WSM__SIM_ALLOC, WSM__SIM_WORK, WSM__SIM_PLAN};
    size_t before;
    do {
        before = self.runs_left;
        size_t size = 0, smaller = 0;
        for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) size += self.best->counts[i];
        drop_steps(&self);
        for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) thin(&self, order[i], true);
        for (size_t i = 0; i + 1 < sizeof order / sizeof order[0]; i++) thin(&self, order[i], false);
        for (unsigned i = 0; i < WSM_SIM_STREAMS; i++) smaller += self.best->counts[i];
        if (smaller >= size) break;
    } while (self.runs_left > 0 && self.runs_left < before);
    free(self.blocks);
    size_t size = report->size;
    memcpy(report, &self.report, size < sizeof self.report ? size : sizeof self.report);
    report->size = size;
    *out = self.best;
    return WSM_OK;
}
