/* The other half of the log: loading at the start, reading back, and what the hub is told. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define PAGE        64u /* records of one delivery */
#define REFUSED_MAX 1000u

static wsm_record record_of(const wsm__sim_store *store, uint64_t offset) {
    const wsm__sim_kept *kept = &store->records[offset - 1];
    return (wsm_record){offset, kept->bytes, kept->is_broken ? 0 : kept->len};
}

/* Records from..to, as many as `records_max` and about `bytes_max` allow; NULL with *count 0: none. */
static wsm_record *page_of(const wsm__sim_store *store, uint64_t from, uint64_t to, size_t records_max,
                           size_t bytes_max, size_t *count) {
    *count = 0;
    if (from < store->first) from = store->first;
    if (to > store->count) to = store->count;
    if (store->first == 0 || from > to) return NULL;
    size_t most = (size_t)(to - from + 1) < records_max ? (size_t)(to - from + 1) : records_max;
    wsm_record *page = wsm__sim_resize(NULL, (most ? most : 1) * sizeof *page);
    size_t bytes = 0;
    while (*count < most && (*count == 0 || bytes < bytes_max)) {
        page[*count] = record_of(store, from + *count);
        bytes += page[(*count)++].len;
    }
    return page;
}

static int tell_records(wsm__sim_store *store, const wsm__sim_news *news) {
    size_t count;
    wsm_record *page = page_of(store, news->from, news->to, SIZE_MAX, SIZE_MAX, &count);
    int err = page ? wsm_log_deliver(store->node->hub, page, count) : WSM_OK;
    free(page);
    return err;
}

static int tell_page(wsm__sim_store *store, const wsm__sim_news *news) {
    size_t count;
    if (news->outcome < 0) return wsm_log_page(store->node->hub, news->id, NULL, 0, news->outcome);
    /* what has gone since it was read is passed over: no record at all would say that the whole range has gone */
    bool has_gone = news->to && news->to < store->first;
    wsm_record *page = has_gone ? page_of(store, store->first, news->asked_to, 1, SIZE_MAX, &count)
                                : page_of(store, news->from, news->to, SIZE_MAX, SIZE_MAX, &count);
    int err = wsm_log_page(store->node->hub, news->id, page, count, 0);
    free(page);
    return err;
}

static int tell_ready(wsm__sim_store *store, const wsm__sim_news *news) {
    wsm_log_info info;
    wsm_log_info_init(&info, sizeof info);
    info.epoch = store->epoch;
    info.first_offset = store->first <= store->count ? store->first : 0;
    info.last_offset = store->count;
    info.durable = store->is_durable;
    return wsm_log_ready(store->node->hub, news->outcome ? NULL : &info, news->outcome);
}

int wsm__sim_store_news(wsm__sim_store *store, const wsm__sim_news *news) {
    wsm_hub *hub = store->node->hub;
    switch (news->kind) {
    case WSM__SIM_NEWS_DELIVER: return tell_records(store, news);
    case WSM__SIM_NEWS_DONE: return wsm_log_done(hub, news->id, news->outcome);
    case WSM__SIM_NEWS_PAGE: return tell_page(store, news);
    case WSM__SIM_NEWS_SNAPSHOT: return wsm_log_snapshot(hub, store->snap.offset, store->snap.bytes, store->snap.len);
    case WSM__SIM_NEWS_READY: return tell_ready(store, news);
    }
    return WSM_OK;
}

/* ---- loading --------------------------------------------------------------------------------------------------------
 */

static bool is_broken_to(const wsm__sim_store *store, uint64_t offset) {
    for (uint64_t i = 0; i < offset && i < store->count; i++)
        if (store->records[i].is_broken) return true;
    return false;
}

static void load(wsm_sim *sim, void *object, uint64_t life) {
    wsm__sim_store *store = object;
    if (store->life != life) return;
    if (wsm__sim_fails(sim, WSM_SIM_READ_FAIL, WSM__SIM_STORE)) {
        wsm__sim_store_tell(store, (wsm__sim_news){.kind = WSM__SIM_NEWS_READY, .outcome = WSM_ERR_LOG_IO});
        return;
    }
    uint64_t from = 1;
    /* Without its snapshot it is the same, unless something that the snapshot stands for has broken since. */
    bool whole =
        store->first <= 1 && wsm__sim_draw(sim, WSM__SIM_STORE, 4) == 3 && !is_broken_to(store, store->snap.offset);
    if (store->snap.offset && !whole) {
        wsm__sim_store_tell(store, (wsm__sim_news){.kind = WSM__SIM_NEWS_SNAPSHOT});
        from = store->snap.offset + 1;
    }
    for (; from <= store->count; from += PAGE) {
        uint64_t to = from + PAGE - 1 < store->count ? from + PAGE - 1 : store->count;
        wsm__sim_store_tell(store, (wsm__sim_news){.kind = WSM__SIM_NEWS_DELIVER, .from = from, .to = to});
    }
    store->delivered = store->count;
    store->loaded_from = whole ? 0 : store->snap.offset;
    wsm__sim_epoch *epoch = wsm__sim_oracle_epoch(&sim->oracle, store->epoch);
    if (epoch) epoch->applied = store->loaded_from;
    wsm__sim_store_tell(store, (wsm__sim_news){.kind = WSM__SIM_NEWS_READY});
}

int wsm__sim_store_open(void *user, wsm_hub *hub) {
    wsm__sim_store *store = user;
    wsm_sim *sim = store->node->sim;
    (void)hub;
    if (wsm__sim_fails(sim, WSM_SIM_STORE_REFUSE, WSM__SIM_STORE)) return WSM_ERR_LOG_IO;
    store->is_open = true;
    wsm__sim_in(sim, wsm__sim_store_latency(store, sim->store_us), load, store, store->life);
    return WSM_OK;
}

/* ---- reading back ---------------------------------------------------------------------------------------------------
 */

typedef struct asked {
    wsm__sim_store *store;
    uint64_t id, from, to;
    size_t records, bytes;
} asked;

static void answer_read(wsm_sim *sim, void *object, uint64_t life) {
    asked *read = object;
    wsm__sim_store *store = read->store;
    if (store->life != life) return;
    wsm__sim_news news = {.kind = WSM__SIM_NEWS_PAGE, .id = read->id, .from = read->from, .asked_to = read->to};
    size_t count;
    free(page_of(store, read->from, read->to, read->records, read->bytes, &count));
    if (read->from < store->first) news.from = store->first;
    news.to = count ? news.from + count - 1 : 0; /* what comes into being until it is told was not asked for */
    if (wsm__sim_fails(sim, WSM_SIM_READ_FAIL, WSM__SIM_STORE)) news.outcome = WSM_ERR_LOG_IO;
    wsm__sim_store_tell(store, news);
}

/* A log that refuses a read does so until the call into the hub is over: who asks again at once asks for ever. */
static bool refuses(wsm__sim_store *store) {
    wsm_sim *sim = store->node->sim;
    bool again = store->refused_in == sim->report.events;
    if (!again && !wsm__sim_fails(sim, WSM_SIM_STORE_REFUSE, WSM__SIM_STORE)) return false;
    store->refused_in = sim->report.events;
    store->refused = again ? store->refused + 1 : 1;
    if (store->refused <= REFUSED_MAX) return true;
    wsm__sim_break(sim, "I-80", "a log that refuses to read is asked again and again within one call");
    return false;
}

int wsm__sim_store_read(void *user, uint64_t id, uint64_t from, uint64_t to, size_t records, size_t bytes) {
    wsm__sim_store *store = user;
    wsm_sim *sim = store->node->sim;
    if (store->node->dying || refuses(store)) return WSM_ERR_LOG_IO;
    wsm__sim_say(sim, "hub %u reads %llu to %llu: %zu records, %zu bytes", store->node->idx, (unsigned long long)from,
                 (unsigned long long)to, records, bytes);
    asked *read = wsm__sim_arena_take(&sim->arena, sizeof *read);
    *read = (asked){store, id, from, to, records, bytes};
    wsm__sim_in(sim, wsm__sim_store_latency(store, sim->store_us), answer_read, read, store->life);
    return WSM_OK;
}
