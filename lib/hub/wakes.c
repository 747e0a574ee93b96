/* What wakes cost. A wake is a mention that reaches an agent's mailbox. Each agent takes so many a minute, and so many
 * from one other; more is refused as loop_guard, because it is how agents keep each other busy for nothing. A sidebar
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
static bool take(wsm_hub *hub, rate *at, uint32_t per_min) {
    at->used_at = hub->now;
    return wsm__bucket_take(&at->bucket, hub->now, per_min * 1000u / 60u, per_min * 1000u, 1000u);
}

int wsm__wake_may(wsm_hub *hub, uint32_t sender, uint32_t target, const wsm__side *side) {
    uint32_t purse = side->is_hidden ? side->context->idx : hub->main->idx;
    uint32_t all = hub->config.mentions_per_min_to_agent, pair = hub->config.mention_pair_per_min;
    if (sender == WSM__ROSTER_HUB) return WSM_OK; /* the host knows what it does */
    rate *of_pair = pair ? rate_of(hub, sender, target, purse) : NULL;
    rate *of_target = all ? rate_of(hub, WSM__ROSTER_NONE, target, purse) : NULL;
    if ((pair && !of_pair) || (all && !of_target)) return WSM_ERR_NOMEM;
    if (pair && !take(hub, of_pair, pair)) return WSM_ERR_LOOP_GUARD;
    return all && !take(hub, of_target, all) ? WSM_ERR_LOOP_GUARD : WSM_OK;
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
}

void wsm__wakes_fini(wsm_hub *hub) {
    wsm__map_node *cursor = NULL;
    rate *at;
    while ((at = wsm__map_next(&hub->wake_rates, &cursor)) != NULL) wsm__free(&hub->mem, at, sizeof *at);
    wsm__map_fini(&hub->wake_rates);
}

/* ---- the reproduction number ----------------------------------------------------------------------------------------
 */

static wsm__wake_minute *minute_of(wsm_hub *hub) {
    uint64_t number = hub->now / MINUTE_MS + 1;
    wsm__wake_minute *at = &hub->wakes[number % WSM__WAKE_MINUTES];
    if (at->number != number) *at = (wsm__wake_minute){.number = number};
    return at;
}

uint32_t wsm__wake_reproduction(const wsm_hub *hub) {
    uint64_t now = hub->now / MINUTE_MS + 1, parents = 0, children = 0;
    for (size_t i = 0; i < WSM__WAKE_MINUTES; i++) {
        const wsm__wake_minute *at = &hub->wakes[i];
        if (at->number == 0 || at->number > now || now - at->number > WINDOW) continue;
        if (at->number < now) parents += at->all;
        if (now - at->number < WINDOW) children += at->caused;
    }
    return parents > 0 ? (uint32_t)(children * 1000 / parents) : 0;
}

void wsm__wake_count(wsm_hub *hub, const wsm__fold *fold, uint32_t targets) {
    if (targets == 0 || !hub->is_ready) return;
    wsm__wake_minute *at = minute_of(hub);
    at->all += targets;
    if (fold->head.hop > 0) at->caused += targets;
    if (at->warned || at->all < WARN_WAKES || wsm__wake_reproduction(hub) < WARN_AT) return;
    at->warned = true;
    wsm__call_security(hub, "wake_reproduction", NULL, "mentions keep causing mentions", WSM_ERR_LOOP_GUARD);
}
