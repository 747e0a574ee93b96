/* The life of a hub: made, ticked, freed. */
#include "hub/mentions.h"

#include "abi.h"
#include "defaults.h"
#include "limits.h"

#define CONTROL_RESERVE 4096u /* bytes of answers that a queue takes beyond its limit */
#define POOL_IDLE       64u   /* frame readers kept for the next connection that is in the middle of a frame */
#define AGED_PER_CHORE  1024u /* records that leave memory for their age at a time */
#define CHORE_MS        1000u

void wsm_host_init(wsm_host *host, size_t size) {
    static const wsm_host empty = {.size = sizeof(wsm_host)};
    wsm__abi_init(host, size, &empty, sizeof empty);
}

void wsm_log_init(wsm_log *log, size_t size) {
    static const wsm_log empty = {.size = sizeof(wsm_log)};
    wsm__abi_init(log, size, &empty, sizeof empty);
}

void wsm_log_info_init(wsm_log_info *info, size_t size) {
    static const wsm_log_info empty = {.size = sizeof(wsm_log_info)};
    wsm__abi_init(info, size, &empty, sizeof empty);
}

/* ---- making ---------------------------------------------------------------------------------------------------------
 */

static void fill_limits(wsm_hub *hub) {
    const wsm_config *config = &hub->config;
    size_t message_max = config->message_bytes_max ? config->message_bytes_max : WSM__MESSAGE_BYTES_HARD;
    hub->link_limits = (wsm__link_limits){
        .ws = {.message_bytes_max = message_max,
               .fragments_max = config->fragments_max ? config->fragments_max : UINT32_MAX,
               .binary = false},
        .control_per_s = config->control_frames_per_s,
        .control_burst = config->control_frames_burst,
        .assembly_timeout_ms = config->assembly_timeout_ms,
        .close_timeout_ms = config->close_timeout_ms,
        .ping_interval_ms = config->ping_interval_ms,
        .ping_strikes = config->ping_strikes,
    };
    hub->plain_limits = hub->link_limits;
    hub->plain_limits.ws.binary = true;
    hub->http_limits = (wsm__http_limits){config->http_line_bytes_max, config->http_header_bytes_max,
                                          config->http_headers_max, config->http_body_bytes_max};
    hub->agent_lanes = (wsm__lane_limits){config->queue_messages_agent, config->queue_bytes_max, CONTROL_RESERVE};
    hub->human_lanes = (wsm__lane_limits){config->queue_messages_human, config->queue_bytes_max, CONTROL_RESERVE};
    hub->scan_limits = (wsm__scan_limits){config->json_depth_max, config->json_values_max, config->json_key_bytes_max};
    hub->log_scan_limits = (wsm__scan_limits){64, 65536, 65536}; /* another node may be configured wider */
}

static int grow_tree(wsm_hub *hub) {
    return wsm__tree_init(&hub->tree, &hub->mem, hub->seed, &hub->rules.tree, hub->main);
}

static int fill_parts(wsm_hub *hub) {
    const wsm_config *config = &hub->config;
    unsigned char random[32 + 8];
    int err = wsm__call_random(hub, hub->seed, sizeof hub->seed);
    if (!err) err = wsm__call_random(hub, random, sizeof random);
    if (err) return err;
    wsm__uuid_seed(&hub->ids, random);
    memcpy(&hub->node, random + 32, sizeof hub->node);
    wsm__log_limits limits = {config->history_records_max, config->history_bytes_max, config->history_age_s};
    wsm__log_init(&hub->records, &hub->mem, hub->seed, &limits);
    wsm__dedup_init(&hub->dedup, &hub->mem, hub->seed, config->dedup_window_ms, config->dedup_ids_max);
    wsm__dedup_init(&hub->soft_dedup, &hub->mem, hub->seed, config->dedup_soft_ms, config->dedup_ids_max);
    wsm__registry_init(&hub->registry, &hub->mem, hub->seed);
    wsm__map_init(&hub->addresses, &hub->mem, hub->seed);
    wsm__map_init(&hub->inflight, &hub->mem, hub->seed);
    hub->pool = wsm__ws_pool_new(&hub->mem, POOL_IDLE);
    if (!hub->pool) return WSM_ERR_NOMEM;
    wsm__roster_init(&hub->roster, &hub->mem, hub->seed);
    wsm__map_init(&hub->wake_rates, &hub->mem, hub->seed);
    wsm__map_init(&hub->context_wakes, &hub->mem, hub->seed);
    wsm__map_init(&hub->held, &hub->mem, hub->seed);
    wsm__rules_init(hub);
    wsm__ledger_init(&hub->ledger, &hub->mem, hub->seed, &hub->rules.mail);
    err = wsm__log_context_new(&hub->records, wsm__slice_str("main"), &hub->main);
    if (!err) err = wsm__log_context_new(&hub->records, wsm__slice_str(WSM__MAIL), &hub->mail);
    if (!err) err = grow_tree(hub);
    return err ? err : wsm__audience_grow(hub);
}

static void init_empty(wsm_hub *hub) { /* so that freeing is right from every point on */
    wsm__heap_init(&hub->heap);
    hub->chores.kind = WSM__TIMER_CHORES;
    wsm__list_init(&hub->conns);
    wsm__list_init(&hub->noisy);
    wsm__list_init(&hub->shells);
    wsm__list_init(&hub->readers);
    wsm__list_init(&hub->watches);
    wsm__list_init(&hub->parked);
    wsm__ring_init(&hub->slots, sizeof(wsm__slot));
    wsm__ring_init(&hub->batch_items, sizeof(wsm__batch_item));
    wsm__ring_init(&hub->pendings, sizeof(wsm__pending *));
    wsm__ring_init(&hub->audiences, sizeof(wsm__receivers));
    wsm__append_init(hub);
    wsm__fates_init(&hub->heard.fates);
    hub->free_slot = WSM__SLOT_NONE;
    hub->next_number = 1;
    wsm__chain_pool_init(&hub->blocks, &hub->mem);
    wsm__buf_init(&hub->batch, &hub->mem, 0);
    wsm__buf_init(&hub->scratch, &hub->mem, 0);
    wsm__keyring_init(&hub->keys, &hub->mem);
    wsm__log_init(&hub->records, &hub->mem, hub->seed, &(wsm__log_limits){0});
    wsm__dedup_init(&hub->dedup, &hub->mem, hub->seed, 0, 0);
    wsm__dedup_init(&hub->soft_dedup, &hub->mem, hub->seed, 0, 0);
    wsm__registry_init(&hub->registry, &hub->mem, hub->seed);
    wsm__roster_init(&hub->roster, &hub->mem, hub->seed);
    wsm__map_init(&hub->wake_rates, &hub->mem, hub->seed);
    wsm__map_init(&hub->context_wakes, &hub->mem, hub->seed);
    wsm__map_init(&hub->held, &hub->mem, hub->seed);
    wsm__ledger_init(&hub->ledger, &hub->mem, hub->seed, &(wsm__ledger_limits){0});
    wsm__map_init(&hub->addresses, &hub->mem, hub->seed);
    wsm__map_init(&hub->inflight, &hub->mem, hub->seed);
}

static int take_host(wsm_host *host, const wsm_host *given) {
    wsm_host_init(host, sizeof *host);
    int err = wsm__abi_copy(host, sizeof *host, given);
    if (err) return err;
    if (!host->clock_mono) host->clock_mono = wsm__default_clock_mono;
    if (!host->clock_wall) host->clock_wall = wsm__default_clock_wall;
    if (!host->random) host->random = wsm__default_random;
    return host->bytes_waiting && host->close_transport ? WSM_OK : WSM_ERR_INVALID;
}

static int take_log(wsm_hub *hub, const wsm_log *given) {
    if (!given) return wsm__log_memory_new(&hub->log, hub);
    wsm_log_init(&hub->log, sizeof hub->log);
    int err = wsm__abi_copy(&hub->log, sizeof hub->log, given);
    if (err) return err;
    return hub->log.open && hub->log.append ? WSM_OK : WSM_ERR_INVALID;
}

/* What carrying out accepted commands may need, and nothing else gets. */
static size_t kept_of(size_t budget) {
    size_t part = budget / WSM__MEM_KEPT;
    if (part >= WSM__MEM_KEPT_MIN) return part;
    return budget / 8 < WSM__MEM_KEPT_MIN ? budget / 8 : WSM__MEM_KEPT_MIN;
}

static int build(wsm_hub *hub, const wsm_config *config, const wsm_log *log) {
    int err = wsm__config_take(hub, config);
    if (err) return err;
    hub->mem.budget = hub->config.memory_budget_bytes > SIZE_MAX ? SIZE_MAX : (size_t)hub->config.memory_budget_bytes;
    hub->mem.kept = kept_of(hub->mem.budget);
    fill_limits(hub);
    err = fill_parts(hub);
    if (!err) err = take_log(hub, log);
    if (err) return err;
    hub->log_opened = true;
    return hub->log.open(hub->log.user, hub);
}

int wsm_hub_new(wsm_hub **out, const wsm_config *config, const wsm_host *given, const wsm_log *log, void *user) {
    wsm_host host;
    wsm__mem mem;
    if (!out) return WSM_ERR_INVALID;
    *out = NULL;
    if (!given) return WSM_ERR_INVALID;
    int err = take_host(&host, given);
    if (err) return err;
    wsm__mem_init(&mem, host.alloc, user, 0);
    wsm_hub *hub = wsm__zalloc(&mem, sizeof *hub);
    if (!hub) return WSM_ERR_NOMEM;
    wsm__mem_init(&hub->mem, host.alloc, user, 0);
    atomic_store(&hub->mem.used, sizeof *hub);
    hub->host = host;
    hub->user = user;
    init_empty(hub);
    hub->depth = 1; /* a turn of its own: the host's callbacks must not find the hub half made */
    hub->now = host.clock_mono(user);
    hub->wall = host.clock_wall(user);
    err = build(hub, config, log);
    if (err) {
        wsm__hub_free_now(hub);
        return err;
    }
    *out = hub;
    if (wsm__turn_leave(hub) && *out == hub) *out = NULL;
    return WSM_OK;
}

void wsm__hub_ready(wsm_hub *hub, int err) {
    if (hub->is_ready || hub->is_failed) return;
    hub->is_ready = err == WSM_OK;
    hub->is_failed = !hub->is_ready;
    wsm__ahead_end(hub);
    if (err) wsm__call_log(hub, WSM_LEVEL_ERROR, "log_unusable", NULL, wsm_strerror(err));
    wsm__turn_chores_soon(hub, CHORE_MS);
    if (!err) wsm__sides_ready(hub);
    wsm__call_ready(hub, err);
}

/* ---- ticking --------------------------------------------------------------------------------------------------------
 */

static void chores(wsm_hub *hub) {
    wsm__dedup_expire(&hub->soft_dedup, hub->wall);
    bool more = wsm__log_trim_aged(&hub->records, hub->wall, AGED_PER_CHORE);
    if (more)
        wsm__turn_chores_soon(hub, 0);
    else if (hub->records.bytes > 0 || wsm__dedup_count(&hub->soft_dedup) > 0)
        wsm__turn_chores_soon(hub, UINT64_C(10) * CHORE_MS);
    wsm__read_next(hub); /* the log may have refused one */
    wsm__mention_due(hub);
    wsm__digests_due(hub);
    wsm__cards_retry(hub);
    wsm__wakes_expire(hub);
    wsm__retain(hub);
    if (hub->ages.count > 0) wsm__turn_chores_soon(hub, UINT64_C(10) * CHORE_MS);
    if (hub->is_shutting_down && hub->now < hub->shutdown_by) wsm__turn_chores_soon(hub, hub->shutdown_by - hub->now);
}

static void fire(wsm_hub *hub, wsm__heap_node *node) {
    switch (node->kind) {
    case WSM__TIMER_CONN: wsm__peer_timer(WSM__CONTAINER(node, wsm_conn, timer)); break;
    case WSM__TIMER_AGENT: wsm__presence_timer(hub, WSM__CONTAINER(node, wsm__agent, timer)); break;
    case WSM__TIMER_PRESENCE: wsm__presence_soon(hub, WSM__CONTAINER(node, wsm__agent, soon)); break;
    case WSM__TIMER_ADDRESS: wsm__address_timer(hub, WSM__CONTAINER(node, wsm__address, timer)); break;
    case WSM__TIMER_SIDE: wsm__side_timer(hub, WSM__CONTAINER(node, wsm__side, timer)); break;
    default: chores(hub); break;
    }
}

int64_t wsm_hub_tick(wsm_hub *hub) {
    if (!hub || hub->depth > 0) return 0;
    wsm__heap_node *node;
    uint32_t quantum = 4096; /* deadlines a tick: the rest follows at once */
    wsm__turn_enter(hub);
    while (quantum-- > 0 && (node = wsm__heap_pop_due(&hub->heap, hub->now)) != NULL) fire(hub, node);
    bool is_freed = wsm__turn_leave(hub);
    return is_freed ? -1 : wsm_hub_next(hub);
}

int64_t wsm_hub_next(const wsm_hub *hub) {
    if (!hub) return -1;
    if (!hub->backlog && atomic_load(&hub->inbox)) return 0;
    const wsm__heap_node *first = wsm__heap_first(&hub->heap);
    if (!first) return -1;
    uint64_t now = hub->host.clock_mono(hub->user);
    return first->when <= now ? 0 : (int64_t)(first->when - now);
}

int wsm_hub_is_ready(const wsm_hub *hub) {
    return hub && hub->is_ready && !hub->is_shutting_down;
}

uint64_t wsm_hub_position(const wsm_hub *hub, char epoch[17]) {
    if (epoch) memcpy(epoch, hub ? hub->epoch : "", hub ? 17 : 1);
    return hub ? hub->records.applied : 0;
}

/* ---- keys -----------------------------------------------------------------------------------------------------------
 */

int wsm_hub_key_add(wsm_hub *hub, const wsm_key *key) {
    return hub && key ? wsm__keyring_add(&hub->keys, key) : WSM_ERR_INVALID;
}

int wsm_hub_key_remove(wsm_hub *hub, const char *kid) {
    return hub ? wsm__keyring_remove(&hub->keys, kid) : WSM_ERR_INVALID;
}

int wsm_hub_token_check(wsm_hub *hub, const char *token, size_t len, wsm_claims *claims) {
    if (!hub || !token || !claims) return WSM_ERR_INVALID;
    wsm__identity_fini(&hub->checked, &hub->mem);
    int64_t now = hub->host.clock_wall(hub->user) / 1000;
    int err = wsm__jwt_check(&hub->keys, wsm__slice(token, len), hub->config.audience, now, &hub->mem, &hub->checked);
    return err ? err : wsm__abi_fill(claims, &hub->checked.claims, sizeof hub->checked.claims);
}

/* ---- freeing --------------------------------------------------------------------------------------------------------
 */

void wsm_hub_free(wsm_hub *hub) {
    if (!hub) return;
    hub->free_asked = true;
    if (hub->depth == 0) wsm__hub_free_now(hub);
}

static void free_conns(wsm__list *list) {
    wsm__list *node;
    while ((node = wsm__list_first(list)) != NULL) {
        wsm_conn *conn = WSM__CONTAINER(node, wsm_conn, in_conns);
        conn->phase = WSM__PHASE_GONE;
        wsm__peer_free(conn);
    }
}

void wsm__hub_free_now(wsm_hub *hub) {
    hub->depth = 1; /* nothing that the log or a connection says now starts a turn */
    if (hub->log_opened && hub->log.close) hub->log.close(hub->log.user);
    free_conns(&hub->conns);
    free_conns(&hub->shells);
    wsm__inbox_drop_all(hub);
    wsm__list *node;
    while ((node = wsm__list_first(&hub->readers)) != NULL) wsm__read_free(hub, WSM__CONTAINER(node, wsm__read, node));
    wsm__parked_fini(hub);
    wsm__ahead_end(hub);
    wsm__append_fini(hub);
    wsm__registry_fini(&hub->registry, &hub->heap);
    wsm__roster_fini(&hub->roster);
    wsm__ledger_fini(&hub->ledger);
    wsm__wakes_fini(hub);
    wsm__digests_fini(hub);
    wsm__addresses_fini(hub);
    wsm__map_fini(&hub->inflight);
    wsm__dedup_fini(&hub->dedup);
    wsm__dedup_fini(&hub->soft_dedup);
    wsm__tree_fini(&hub->tree);
    wsm__log_fini(&hub->records);
    wsm__audience_fini(hub);
    wsm__ws_pool_free(hub->pool);
    wsm__chain_pool_fini(&hub->blocks);
    wsm__digest_free(hub->digest);
    wsm__keyring_fini(&hub->keys);
    wsm__identity_fini(&hub->checked, &hub->mem);
    wsm__ring_fini(&hub->slots, &hub->mem);
    wsm__buf_fini(&hub->scratch);
    wsm__config_release(hub);
    wsm__mem mem;
    wsm__mem_init(&mem, hub->mem.alloc, hub->mem.user, 0);
    atomic_store(&mem.used, atomic_load(&hub->mem.used));
    wsm__free(&mem, hub, sizeof *hub);
}
