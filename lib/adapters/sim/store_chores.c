/* What the log does beside appending: it keeps snapshots, and lets go of records, by a limit of its own or because the
 * hub says so. All of that is done later, in the order in which it was asked; a crash in between loses what was not
 * done. Nothing goes that no snapshot stands for. */
#include <stdlib.h>

#include "world.h"

struct wsm__sim_chore {
    wsm__sim_chore *next;
    wsm__sim_snap snap; /* to be kept; offset 0: none */
    uint64_t trim_to;   /* 0: nothing is to go */
};

void wsm__sim_store_drop_chores(wsm__sim_store *store) {
    while (store->chores) {
        wsm__sim_chore *next = store->chores->next;
        free(store->chores->snap.bytes);
        free(store->chores);
        store->chores = next;
    }
    store->chores_end = &store->chores;
}

static void go_to(wsm__sim_store *store, uint64_t offset) { /* what lies below goes */
    if (offset > store->first) store->first = offset;
}

static void keep_snap(wsm__sim_store *store, wsm__sim_snap *snap) {
    free(store->snap.bytes);
    store->snap = *snap;
    snap->bytes = NULL;
    if (store->retain && snap->offset > store->retain) go_to(store, snap->offset - store->retain);
}

/* A trim may take a part of what it should, and the rest with the next one. */
static void trim_some(wsm__sim_store *store, uint64_t offset) {
    wsm_sim *sim = store->node->sim;
    if (offset > store->snap.offset) offset = store->snap.offset; /* the snapshot that it relied on was not kept */
    if (offset < store->first) return;
    uint64_t count = offset - store->first + 1;
    if (wsm__sim_fails(sim, WSM_SIM_STORE_FAIL, WSM__SIM_STORE))
        count = wsm__sim_draw(sim, WSM__SIM_STORE, (uint32_t)count);
    go_to(store, store->first + count);
    wsm__sim_say(sim, "the log begins at %llu", (unsigned long long)store->first);
}

static void do_first(wsm__sim_store *store, bool is_clean) {
    wsm__sim_chore *chore = store->chores;
    wsm_sim *sim = store->node->sim;
    store->chores = chore->next;
    if (!chore->next) store->chores_end = &store->chores;
    bool is_lost = chore->snap.offset && !is_clean && wsm__sim_fails(sim, WSM_SIM_STORE_FAIL, WSM__SIM_STORE);
    if (chore->snap.offset && !is_lost) keep_snap(store, &chore->snap);
    if (chore->trim_to) trim_some(store, chore->trim_to);
    free(chore->snap.bytes);
    free(chore);
}

void wsm__sim_store_do_chores(wsm__sim_store *store) {
    while (store->chores) do_first(store, true);
}

static void do_event(wsm_sim *sim, void *object, uint64_t life) {
    wsm__sim_store *store = object;
    (void)sim;
    if (store->life == life && store->chores) do_first(store, false);
}

static void do_later(wsm__sim_store *store, wsm__sim_snap snap, uint64_t trim_to) {
    wsm_sim *sim = store->node->sim;
    wsm__sim_chore *chore = wsm__sim_zalloc(sizeof *chore);
    *chore = (wsm__sim_chore){.snap = snap, .trim_to = trim_to};
    *store->chores_end = chore;
    store->chores_end = &chore->next;
    wsm__sim_in(sim, wsm__sim_store_latency(store, sim->store_us), do_event, store, store->life);
}

int wsm__sim_store_save(void *user, uint64_t offset, const void *bytes, size_t len) {
    wsm__sim_store *store = user;
    wsm_sim *sim = store->node->sim;
    if (store->node->dying || wsm__sim_fails(sim, WSM_SIM_STORE_REFUSE, WSM__SIM_STORE)) return WSM_ERR_STORE_FAILED;
    if (offset == 0 || offset > store->count) return WSM_ERR_INVALID;
    store->saved_to = offset;
    wsm__sim_say(sim, "snapshot at %llu, %zu bytes", (unsigned long long)offset, len);
    do_later(store, (wsm__sim_snap){offset, wsm__sim_copy(bytes, len), len}, 0);
    return WSM_OK;
}

int wsm__sim_store_trim(void *user, uint64_t offset) {
    wsm__sim_store *store = user;
    wsm_sim *sim = store->node->sim;
    if (store->node->dying || wsm__sim_fails(sim, WSM_SIM_STORE_REFUSE, WSM__SIM_STORE)) return WSM_ERR_LOG_IO;
    wsm__sim_say(sim, "hub %u lets go of what is up to %llu", store->node->idx, (unsigned long long)offset);
    uint64_t stands = store->saved_to > store->snap.offset ? store->saved_to : store->snap.offset;
    if (offset == 0 || offset > stands)
        wsm__sim_break(sim, "I-20", "records up to %llu are let go of, and snapshots stand for those up to %llu",
                       (unsigned long long)offset, (unsigned long long)stands);
    if (offset > store->let_go) store->let_go = offset;
    do_later(store, (wsm__sim_snap){0}, offset);
    return WSM_OK;
}

uint64_t wsm__sim_store_readable(const wsm__sim_store *store) {
    return store->let_go >= store->first ? store->let_go + 1 : store->first;
}
