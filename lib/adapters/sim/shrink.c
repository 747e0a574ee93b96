/* From a seed that breaks something to the smallest script that still does. A run's choices are a tape; from it are
 * taken clients, then steps, then names, then choices, in portions of falling size; at last values become smaller. What
 * still breaks the same invariant is kept, and what that run really chose is the next tape. Choices are found by step
 * and name, so what is taken away does not shift the rest.
 *
 * Most of what is tried breaks nothing, and would go on to the end of a long world: a try that has taken twice as many
 * events as the best so far is given up. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define FIRST_STEP  2     /* of the workload, see wsm_sim_choice */
#define MORE_EVENTS 2000u /* that a try may take beside */
#define SAME_WORDS  4

typedef struct shrinking {
    wsm__sim_how how;
    wsm__sim_tape tape;
    wsm__sim_made *best, *next; /* next: what is tried */
    size_t best_count;
    uint32_t steps;
    wsm_sim_report report; /* of the best */
    wsm__sim_run_fn run;
    size_t runs, runs_max;
    wsm_sim_shrink_fn tell;
    void *user;
    bool is_over;
} shrinking;

/* What the run just chose, in place of the best so far. */
static void adopt(shrinking *self, const wsm_sim_report *report, uint32_t steps) {
    size_t count = self->tape.made_count;
    self->best = wsm__sim_resize(self->best, (count + 1) * sizeof *self->best);
    self->next = wsm__sim_resize(self->next, (count + 1) * sizeof *self->next);
    if (count) memcpy(self->best, self->tape.made, count * sizeof *self->best);
    self->best_count = count;
    self->steps = steps ? steps : 1;
    self->report = *report;
    bool spins = strstr(report->what, "something spins") != NULL;
    self->how.events_max = spins ? 0 : report->events * 2 + MORE_EVENTS;
}

static bool is_over(const shrinking *self) {
    return self->is_over || self->runs >= self->runs_max;
}

/* The next word without a digit in it: numbers, names and ids differ from run to run. NULL: there is no more. */
static const char *next_word(const char *text, size_t *len) {
    for (text += strspn(text, " "); *text; text += *len, text += strspn(text, " ")) {
        *len = strcspn(text, " ");
        if (strcspn(text, "0123456789") >= *len) return text;
    }
    return NULL;
}

/* The same invariant in the same words: one has many ways to break, and another one would be another bug. */
static bool is_same(const wsm_sim_report *a, const wsm_sim_report *b) {
    const char *at = a->what, *other = b->what;
    size_t len = 0, other_len = 0;
    if (strcmp(a->invariant, b->invariant) != 0) return false;
    for (int i = 0; i < SAME_WORDS && at && other; i++) {
        at = next_word(at + len, &len);
        other = next_word(other + other_len, &other_len);
        if (at && other && (len != other_len || memcmp(at, other, len) != 0)) return false;
    }
    return !at == !other;
}

/* Whether the first `count` of next still break the same; then they are the best. */
static bool is_enough(shrinking *self, size_t count, uint32_t steps) {
    wsm_sim_report report;
    uint32_t begun;
    if (is_over(self)) return false;
    self->runs++;
    wsm__sim_tape_start(&self->tape, self->next, count);
    self->how.steps = steps;
    self->run(&self->how, &report, &begun);
    bool same = is_same(&report, &self->report);
    if (same) adopt(self, &report, begun);
    if (self->tell && self->tell(self->user, self->runs, self->best_count, self->steps)) self->is_over = true;
    return same;
}

/* Without the steps from .. to-1 of the workload; later ones come earlier. */
static bool try_without_steps(shrinking *self, uint32_t from, uint32_t to) {
    int32_t first = FIRST_STEP + (int32_t)from, last = FIRST_STEP + (int32_t)to;
    size_t count = 0;
    for (size_t i = 0; i < self->best_count; i++) {
        wsm__sim_made made = self->best[i];
        if (made.step >= first && made.step < last) continue;
        if (made.step >= last && made.step != WSM_SIM_AFTER) made.step -= last - first;
        self->next[count++] = made;
    }
    return is_enough(self, count, self->steps - (to - from));
}

static void drop_steps(shrinking *self) {
    for (uint32_t run = self->steps / 2; run > 0; run /= 2)
        for (uint32_t end = self->steps; end > 0 && self->steps > 1 && !is_over(self);) {
            uint32_t from = end > run ? end - run : 0;
            if (end - from < self->steps) try_without_steps(self, from, end);
            end = from < self->steps ? from : self->steps;
        }
}

/* Names from..to-1, of those that the tape knows now: a run adds new ones behind them. */
static bool try_without_names(shrinking *self, uint32_t from, uint32_t to) {
    size_t count = 0;
    for (size_t i = 0; i < self->best_count; i++)
        if (self->best[i].name < from || self->best[i].name >= to) self->next[count++] = self->best[i];
    return count == self->best_count || is_enough(self, count, self->steps);
}

static void drop_names(shrinking *self, uint32_t from, uint32_t to) {
    if (is_over(self) || try_without_names(self, from, to) || to - from < 2) return;
    drop_names(self, from + (to - from) / 2, to);
    drop_names(self, from, from + (to - from) / 2);
}

#define FEW  "wsm__sim_plan_draw 10" /* how many clients there are */
#define MANY "wsm__sim_plan_draw 36"

static bool is_named(const shrinking *self, const wsm__sim_made *made, const char *end) {
    const char *text = self->tape.names[made->name].text;
    size_t len = strlen(text), rest = strlen(end);
    return len >= rest && strcmp(text + len - rest, end) == 0;
}

/* Without the clients from..to-1: those behind them come earlier, and so does each choice of one of them. */
static bool try_without_clients(shrinking *self, uint32_t from, uint32_t to) {
    uint32_t less = to - from;
    size_t count = 0;
    for (size_t i = 0; i < self->best_count; i++) {
        wsm__sim_made made = self->best[i];
        bool counts = is_named(self, &made, FEW) || is_named(self, &made, MANY);
        bool picks = is_named(self, &made, "clients_count") || is_named(self, &made, "agents_count");
        if (made.step < 0 && made.step >= -(int32_t)to && made.step < -(int32_t)from) continue;
        if (made.step < -(int32_t)to) made.step += (int32_t)less;
        if (counts || (picks && made.value >= to)) made.value = made.value > less ? made.value - less : 0;
        if (picks && made.value >= from && self->best[i].value < to) made.value = from ? from - 1 : 0;
        if (made.value > 0) self->next[count++] = made; /* 0 is not kept */
    }
    return is_enough(self, count, self->steps);
}

static uint32_t clients(const shrinking *self) {
    int32_t last = 0;
    for (size_t i = 0; i < self->best_count; i++)
        if (self->best[i].step < last) last = self->best[i].step;
    return (uint32_t)-last;
}

static void drop_clients(shrinking *self) {
    for (uint32_t run = clients(self) / 2 + 1; run > 0; run /= 2)
        for (uint32_t end = clients(self); end > 0 && !is_over(self);) {
            uint32_t from = end > run ? end - run : 0;
            try_without_clients(self, from, end);
            end = from;
        }
}

/* Of the steps from..to, as wsm_sim_choice has them, what is said: all that happens in them is the quietest. */
static bool try_quiet(shrinking *self, int32_t from, int32_t to) {
    size_t count = 0;
    for (size_t i = 0; i < self->best_count; i++)
        if (self->best[i].step < from || self->best[i].step > to) self->next[count++] = self->best[i];
    return count == self->best_count || is_enough(self, count, self->steps);
}

static void quieten(shrinking *self) {
    for (int32_t run = (int32_t)self->steps; run > 0 && !is_over(self); run /= 2)
        for (int32_t end = (int32_t)self->steps; end > 0; end -= run)
            try_quiet(self, FIRST_STEP + (end > run ? end - run : 0), FIRST_STEP + end - 1);
}

static void drop_choices(shrinking *self) {
    for (size_t run = self->best_count / 2 + 1; run > 0; run /= 2)
        for (size_t end = self->best_count; end > 0 && !is_over(self);) {
            size_t from = end > run ? end - run : 0, rest = self->best_count - end;
            memcpy(self->next, self->best, from * sizeof *self->next);
            memcpy(self->next + from, self->best + end, rest * sizeof *self->next);
            is_enough(self, from + rest, self->steps);
            end = from < self->best_count ? from : self->best_count;
        }
}

static bool try_value(shrinking *self, size_t at, uint32_t value) {
    memcpy(self->next, self->best, self->best_count * sizeof *self->next);
    self->next[at].value = value;
    return is_enough(self, self->best_count, self->steps);
}

/* Towards 1: by halves, then by ones. */
static void lessen_values(shrinking *self) {
    for (size_t i = 0; i < self->best_count && !is_over(self); i++) {
        if (self->best[i].value > 1 && try_value(self, i, 1)) continue;
        for (uint32_t by = i < self->best_count ? self->best[i].value / 2 : 0; by > 0; by /= 2)
            while (!is_over(self) && i < self->best_count && self->best[i].value > by + 1 &&
                   try_value(self, i, self->best[i].value - by))
                continue;
    }
}

static wsm_sim_script *script_of(const shrinking *self) {
    size_t texts = 0;
    for (size_t i = 0; i < self->best_count; i++) texts += strlen(self->tape.names[self->best[i].name].text) + 1;
    wsm_sim_script *script = wsm__sim_zalloc(sizeof *script);
    wsm_sim_choice *named = wsm__sim_zalloc((self->best_count + 1) * sizeof *named + texts);
    char *text = (char *)(named + self->best_count + 1);
    for (size_t i = 0; i < self->best_count; i++) {
        const wsm__sim_made *made = &self->best[i];
        size_t len = strlen(self->tape.names[made->name].text) + 1;
        memcpy(text, self->tape.names[made->name].text, len);
        named[i] = (wsm_sim_choice){made->step, made->nth, text, made->value};
        text += len;
    }
    *script = (wsm_sim_script){.size = sizeof *script, .seed = self->how.seed, .profile = self->how.profile};
    script->named = named;
    script->named_count = self->best_count;
    script->steps = self->steps;
    return script;
}

void wsm_sim_script_free(wsm_sim_script *script) {
    if (!script) return;
    free((void *)(uintptr_t)script->named);
    free(script);
}

static void shrink(shrinking *self) {
    size_t before;
    uint32_t steps;
    try_quiet(self, WSM_SIM_AFTER, WSM_SIM_AFTER); /* by far the most, where somebody comes back for ever */
    do {
        before = self->best_count;
        steps = self->steps;
        drop_clients(self); /* what makes a run long goes first */
        drop_steps(self);
        quieten(self);
        drop_names(self, 0, (uint32_t)self->tape.names_count);
        drop_choices(self);
        lessen_values(self);
    } while ((self->best_count < before || self->steps < steps) && !is_over(self));
}

int wsm__sim_shrink_by(wsm__sim_run_fn run, uint64_t seed, wsm_sim_profile profile, size_t runs_max,
                       wsm_sim_shrink_fn tell, void *user, wsm_sim_script **out, wsm_sim_report *report) {
    shrinking self = {.run = run, .runs_max = runs_max, .tell = tell, .user = user};
    wsm_sim_report first;
    uint32_t begun;
    if (!out || !report || profile > WSM_SIM_BRUTAL) return WSM_ERR_INVALID;
    *out = NULL;
    self.how = (wsm__sim_how){.seed = seed, .profile = profile, .tape = &self.tape, .fill = 0xa5};
    wsm__sim_tape_start(&self.tape, NULL, 0);
    int broken = run(&self.how, &first, &begun);
    if (broken) {
        adopt(&self, &first, begun);
        shrink(&self);
        *out = script_of(&self);
        size_t size = report->size;
        memcpy(report, &self.report, size < sizeof self.report ? size : sizeof self.report);
        report->size = size;
    }
    wsm__sim_tape_fini(&self.tape);
    free(self.best);
    free(self.next);
    return broken ? WSM_OK : WSM_ERR_NOT_FOUND;
}

int wsm_sim_shrink(uint64_t seed, wsm_sim_profile profile, size_t runs_max, wsm_sim_shrink_fn tell, void *user,
                   wsm_sim_script **out, wsm_sim_report *report) {
    return wsm__sim_shrink_by(wsm__sim_swarm_run, seed, profile, runs_max, tell, user, out, report);
}
