/* What wakes cost. A wake is a mention that reaches an agent's mailbox. Each agent takes so many a minute, and so many
 * from one other; more is refused as loop_guard and held back
 * for a digest, because it is how agents keep each other busy for nothing. A sidebar
 * that not everybody knows of has a purse of its own: else who finds an agent's exhausted would learn of it.
 *
 * The reproduction number says how many wakes a wake causes: those of the last five minutes that answer something (they
 * have a `cause`), for each of the five minutes that began one minute earlier. At one the conversation feeds itself.
 * Soft state: it is gone with the process. */
#include "hub/mentions.h"

#define MINUTE_MS   60000u
#define WARN_WAKES  10u   /* fewer say nothing */
#define WARN_AT     1000u /* thousandths */
#define WINDOW      5u    /* minutes */
#define IDLE_FOR_MS (UINT64_C(10) * MINUTE_MS)

typedef struct rate {
    wsm__bucket bucket;
    uint64_t used_at;
    uint32_t key[3]; /* sender, target, purse; sender WSM__ROSTER_NONE: of the target alone */
} rate;

static rate *rate_of(wsm_hub *hub, uint32_t sender, uint32_t target, uint32_t purse) {
    uint32_t key[3] = {sender, target, purse};
    rate *at = wsm__map_get(&hub->wake_rates, key, sizeof key);
    if (at) return at;
    at = wsm__zalloc(&hub->mem, sizeof *at);
    if (!at) return NULL;
    memcpy(at->key, key, sizeof key);
    if (wsm__map_put(&hub->wake_rates, key, sizeof key, at)) {
        wsm__free(&hub->mem, at, sizeof *at);
        return NULL;
    }
    wsm__turn_chores_soon(hub, IDLE_FOR_MS);
    return at;
}

/* Buckets count whole tokens a second; here they are thousandths of a mention, so that a minute's share can be small.
 */
static void take(wsm_hub *hub, rate *at, uint32_t per_min) {
    at->used_at = hub->now;
    wsm__bucket_take(&at->bucket, hub->now, per_min * 1000u / 60u, per_min * 1000u, 1000u);
}

static uint64_t wait_of(const wsm_hub *hub, const rate *at, uint32_t per_min) {
    return at ? wsm__bucket_wait(&at->bucket, hub->now, per_min * 1000u / 60u, per_min * 1000u, 1000u) : 0;
}

int wsm__wake_may(wsm_hub *hub, uint32_t sender, uint32_t target, const wsm__side *side, uint64_t *wait_ms) {
    uint32_t purse = side->is_hidden ? side->context->idx : hub->main->idx;
    uint32_t all = hub->config.mentions_per_min_to_agent, pair = hub->config.mention_pair_per_min;
    if (sender == WSM__ROSTER_HUB) pair = 0;
    rate *of_pair = pair ? rate_of(hub, sender, target, purse) : NULL;
    rate *of_target = all ? rate_of(hub, WSM__ROSTER_NONE, target, purse) : NULL;
    if ((pair && !of_pair) || (all && !of_target)) return WSM_ERR_NOMEM;
    uint64_t wait_pair = wait_of(hub, of_pair, pair), wait_all = wait_of(hub, of_target, all);
    *wait_ms = wait_pair > wait_all ? wait_pair : wait_all;
    if (*wait_ms > 0) return WSM_ERR_LOOP_GUARD;
    if (of_pair) take(hub, of_pair, pair);
    if (of_target) take(hub, of_target, all);
    return WSM_OK;
}

/* ---- the reproduction number ----------------------------------------------------------------------------------------
 */

typedef struct wakes {
    uint32_t context; /* its idx */
    uint64_t last;    /* the last minute with a wake */
    wsm__wake_minute minutes[WSM__WAKE_MINUTES];
} wakes;

static uint64_t minute_now(const wsm_hub *hub) {
    return hub->now / MINUTE_MS + 1;
}

static wakes *wakes_of(wsm_hub *hub, uint32_t context) {
    wakes *at = wsm__map_get(&hub->context_wakes, &context, sizeof context);
    if (at) return at;
    at = wsm__zalloc(&hub->mem, sizeof *at);
    if (!at) return NULL;
    at->context = context;
    if (!wsm__map_put(&hub->context_wakes, &context, sizeof context, at)) return at;
    wsm__free(&hub->mem, at, sizeof *at);
    return NULL;
}

static uint32_t reproduction(const wsm__wake_minute *minutes, uint64_t now) {
    uint64_t parents = 0, children = 0;
    for (size_t i = 0; i < WSM__WAKE_MINUTES; i++) {
        const wsm__wake_minute *at = &minutes[i];
        if (at->number == 0 || at->number > now || now - at->number > WINDOW) continue;
        if (at->number < now) parents += at->all;
        if (now - at->number < WINDOW) children += at->caused;
    }
    return parents > 0 ? (uint32_t)(children * 1000 / parents) : 0;
}

uint32_t wsm__wake_reproduction(const wsm_hub *hub, const wsm__context *context) {
    if (!context) return reproduction(hub->wakes, minute_now(hub));
    const wakes *at = wsm__map_get(&hub->context_wakes, &context->idx, sizeof context->idx);
    return at ? reproduction(at->minutes, minute_now(hub)) : 0;
}

/* Counts them; returns whether there is something to warn of, once a minute. */
static bool count(wsm__wake_minute *minutes, uint64_t now, uint32_t targets, bool is_caused) {
    wsm__wake_minute *at = &minutes[now % WSM__WAKE_MINUTES];
    if (at->number != now) *at = (wsm__wake_minute){.number = now};
    at->all += targets;
    if (is_caused) at->caused += targets;
    if (at->warned || at->all < WARN_WAKES || reproduction(minutes, now) < WARN_AT) return false;
    at->warned = true;
    return true;
}

/* The warning is for the host; of a context that not everybody knows of it gives no name either. */
static void warn(wsm_hub *hub, const wsm__context *context) {
    static const char what[] = "mentions keep causing mentions", in[] = " in ";
    char detail[sizeof what + sizeof in + WSM__CONTEXT_ID_MAX];
    const wsm__side *side = context ? wsm__tree_of(&hub->tree, context) : NULL;
    wsm_slice name = side && !side->is_hidden ? wsm__slice(context->id, context->id_len) : wsm__slice("", 0);
    memcpy(detail, what, sizeof what);
    if (name.len > 0 && name.len <= WSM__CONTEXT_ID_MAX) {
        memcpy(detail + sizeof what - 1, in, sizeof in);
        memcpy(detail + sizeof what + sizeof in - 2, name.ptr, name.len);
        detail[sizeof what + sizeof in - 2 + name.len] = '\0';
    }
    wsm__call_security(hub, "wake_reproduction", NULL, detail, WSM_ERR_LOOP_GUARD);
}

void wsm__wake_count(wsm_hub *hub, const wsm__fold *fold, const wsm__context *about, uint32_t targets) {
    uint64_t now = minute_now(hub);
    bool is_caused = fold->head.hop > 0;
    if (targets == 0 || !hub->is_ready) return;
    if (count(hub->wakes, now, targets, is_caused)) warn(hub, NULL);
    wakes *at = wakes_of(hub, about->idx);
    if (!at) {
        hub->count.no_memory++;
        return;
    }
    at->last = now;
    if (count(at->minutes, now, targets, is_caused)) warn(hub, about);
    wsm__turn_chores_soon(hub, IDLE_FOR_MS);
}

static bool is_listed(const wsm__side *side, const wsm__identity *reader) {
    if (!side || wsm__side_is_main(side) || side->is_hidden || !wsm__side_is_live(side)) return false;
    return !reader || wsm__identity_may_read(reader, wsm__side_id(side));
}

uint32_t wsm__wake_top(const wsm_hub *hub, const wsm__identity *reader, const wsm__context **top, uint32_t most) {
    uint32_t count = 0;
    const wakes *one;
    wsm__map_node *cursor = NULL;
    while ((one = wsm__map_next(&hub->context_wakes, &cursor)) != NULL) {
        const wsm__context *context = wsm__log_context_at(&hub->records, one->context);
        uint32_t value = reproduction(one->minutes, minute_now(hub)), at = count;
        if (value == 0 || !is_listed(wsm__tree_of(&hub->tree, context), reader)) continue;
        while (at > 0 && wsm__wake_reproduction(hub, top[at - 1]) < value) at--;
        if (at == most) continue;
        if (count < most) count++;
        for (uint32_t i = count - 1; i > at; i--) top[i] = top[i - 1];
        top[at] = context;
    }
    return count;
}

/* ---- forgetting -----------------------------------------------------------------------------------------------------
 */

static void expire_contexts(wsm_hub *hub) {
    wsm__map_node *cursor = NULL;
    wakes *at;
    while ((at = wsm__map_next(&hub->context_wakes, &cursor)) != NULL) {
        uint32_t context = at->context;
        if (minute_now(hub) - at->last <= WINDOW) continue;
        wsm__map_remove(&hub->context_wakes, &context, sizeof context);
        wsm__free(&hub->mem, at, sizeof *at);
    }
    if (wsm__map_count(&hub->context_wakes) > 0) wsm__turn_chores_soon(hub, IDLE_FOR_MS);
}

void wsm__wakes_expire(wsm_hub *hub) {
    wsm__map_node *cursor = NULL;
    rate *at;
    while ((at = wsm__map_next(&hub->wake_rates, &cursor)) != NULL) {
        if (hub->now < at->used_at + IDLE_FOR_MS) continue;
        uint32_t key[3] = {at->key[0], at->key[1], at->key[2]};
        wsm__map_remove(&hub->wake_rates, key, sizeof key);
        wsm__free(&hub->mem, at, sizeof *at);
    }
    if (wsm__map_count(&hub->wake_rates) > 0) wsm__turn_chores_soon(hub, IDLE_FOR_MS);
    expire_contexts(hub);
}

void wsm__wakes_fini(wsm_hub *hub) {
    wsm__map_node *cursor = NULL;
    rate *at;
    wakes *counted;
    while ((at = wsm__map_next(&hub->wake_rates, &cursor)) != NULL) wsm__free(&hub->mem, at, sizeof *at);
    wsm__map_fini(&hub->wake_rates);
    cursor = NULL;
    while ((counted = wsm__map_next(&hub->context_wakes, &cursor)) != NULL)
        wsm__free(&hub->mem, counted, sizeof *counted);
    wsm__map_fini(&hub->context_wakes);
}
