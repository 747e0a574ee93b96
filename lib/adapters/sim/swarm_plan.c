/* What a seed draws before it begins: which faults there are and how often, limits that are often tiny, the log, the
 * network, and who takes part. Every seed leaves most faults out, so that those that are there meet each other
 * undisturbed (swarm testing). */
#include <stdio.h>
#include <string.h>

#include "world.h"

static const uint16_t rates[WSM_SIM_FAULTS][3] = {
    /* rare, frequent, brutal; per mille of its occasions */
    [WSM_SIM_SPLIT] = {50, 300, 700},      [WSM_SIM_DELAY] = {1, 10, 50},
    [WSM_SIM_CUT] = {5, 30, 150},          [WSM_SIM_HALF_CLOSE] = {3, 15, 60},
    [WSM_SIM_STALL] = {5, 30, 120},        [WSM_SIM_SILENCE] = {3, 10, 40},
    [WSM_SIM_STORM] = {2, 8, 30},          [WSM_SIM_CLOCK_JUMP] = {3, 15, 60},
    [WSM_SIM_CLOCK_STALL] = {2, 8, 30},    [WSM_SIM_SHUTDOWN] = {2, 6, 20},
    [WSM_SIM_CRASH] = {4, 15, 50},         [WSM_SIM_LATE_TICK] = {1, 5, 30},
    [WSM_SIM_NO_MEMORY] = {10, 60, 250},   [WSM_SIM_NO_RANDOM] = {10, 50, 200},
    [WSM_SIM_STORE_REFUSE] = {5, 40, 200}, [WSM_SIM_STORE_FAIL] = {5, 40, 200},
    [WSM_SIM_SYNC_FAIL] = {5, 40, 200},    [WSM_SIM_DISK_FULL] = {2, 8, 30},
    [WSM_SIM_STORE_SLOW] = {5, 30, 150},   [WSM_SIM_STORE_ORDER] = {30, 200, 600},
    [WSM_SIM_READ_FAIL] = {10, 60, 250},   [WSM_SIM_BAD_RECORD] = {100, 300, 800},
    [WSM_SIM_TOKEN_LATE] = {50, 300, 900}, [WSM_SIM_TOKEN_NEVER] = {10, 50, 150},
    [WSM_SIM_VETO] = {5, 40, 150},         [WSM_SIM_REENTRY] = {3, 20, 80},
    [WSM_SIM_CRASH_INSIDE] = {1, 1, 2},    [WSM_SIM_BAD_BYTES] = {50, 200, 600}};

#define draw(sim, bound) wsm__sim_draw_at(sim, WSM__SIM_PLAN, bound, __func__, #bound)

/* The first, which is the usual one, half of the time. */
static uint32_t one_of(wsm_sim *sim, const uint32_t *list, uint32_t count, const char *where, const char *which) {
    bool usual = wsm__sim_draw_at(sim, WSM__SIM_PLAN, 2, where, which) == 0;
    return list[usual ? 0 : wsm__sim_draw_at(sim, WSM__SIM_PLAN, count, where, which)];
}
#define ONE_OF(sim, ...)                                                                                               \
    one_of(sim, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), __func__, \
           #__VA_ARGS__)

static void draw_faults(wsm_sim *sim) {
    for (unsigned kind = 0; kind < WSM_SIM_FAULTS; kind++) {
        uint32_t level = 0;
        uint32_t dice =
            wsm__sim_draw_at(sim, WSM__SIM_PLAN, 100, __func__, wsm_sim_fault_name((wsm_sim_fault_kind)kind));
        if (sim->profile == WSM_SIM_CALM) level = kind == WSM_SIM_SPLIT && dice > 50;
        if (sim->profile == WSM_SIM_ROUGH) level = dice < 60 ? 0 : dice < 90 ? 1 : 2;
        if (sim->profile == WSM_SIM_BRUTAL) level = dice < 50 ? 0 : dice < 75 ? 1 : dice < 92 ? 2 : 3;
        sim->rates[kind] = level ? rates[kind][level - 1] : 0;
    }
    if (draw(sim, 5)) sim->rates[WSM_SIM_CRASH_INSIDE] = 0; /* it would hide what comes after it */
}

static void draw_network(wsm_sim *sim) {
    sim->delay_us = ONE_OF(sim, 500, 0, 50, 20000, 200000);
    sim->bytes_per_ms = ONE_OF(sim, 0, 10000, 500, 20);
    sim->window = ONE_OF(sim, 65536, 0, 8192, 1500, 300);
    sim->store_us = ONE_OF(sim, 2000, 0, 100, 20000, 300000);
    sim->async_writes = draw(sim, 3) == 2;
    sim->pump_later = draw(sim, 3) == 2;
    sim->close_later = draw(sim, 3) == 2;
}

static void draw_limits(wsm_sim *sim, wsm_config *config) {
    if (sim->profile == WSM_SIM_CALM && draw(sim, 2) == 0) return;
    config->queue_messages_agent = ONE_OF(sim, 200, 2, 5, 20, 0);
    config->queue_messages_human = ONE_OF(sim, 50, 2, 5, 0);
    config->queue_bytes_max = ONE_OF(sim, 1048576, 8192, 16384, 65536);
    config->history_records_max = ONE_OF(sim, 1000, 1, 2, 8, 50);
    config->history_bytes_max = ONE_OF(sim, 4194304, 2000, 20000);
    config->history_age_s = ONE_OF(sim, 86400, 5, 60);
    config->replay_page_records = ONE_OF(sim, 1024, 1, 3, 20);
    config->replay_page_bytes = ONE_OF(sim, 1048576, 100, 4000);
    config->replays_max = ONE_OF(sim, 16, 1, 2);
    config->replay_bytes_per_min = ONE_OF(sim, 16777216, 200000, 0);
    config->dedup_window_ms = ONE_OF(sim, 300000, 1000, 20000);
    config->dedup_ids_max = ONE_OF(sim, 4096, 1, 3, 20);
    config->dedup_soft_ms = ONE_OF(sim, 30000, 100);
    config->inbox_max = ONE_OF(sim, 65536, 1, 4);
    config->appends_max = ONE_OF(sim, 65536, 1, 3, 20);
    config->snapshot_records = ONE_OF(sim, 10000, 1, 7, 50, 0);
    config->ping_interval_ms = ONE_OF(sim, 30000, 1000, 5000);
    config->ping_strikes = ONE_OF(sim, 3, 2, 5);
    config->stall_timeout_ms = ONE_OF(sim, 10000, 500, 3000, 0);
    config->close_timeout_ms = ONE_OF(sim, 5000, 100);
    config->position_interval_ms = ONE_OF(sim, 1000, 10, 200, 5000);
    config->presence_grace_ms = ONE_OF(sim, 15000, 0, 500);
    config->presence_interval_ms = ONE_OF(sim, 1000, 0, 200, 2500);
    config->agent_messages_per_s = ONE_OF(sim, 50, 0, 2);
    config->agent_messages_burst = ONE_OF(sim, 100, 3);
    config->agent_deliveries_per_s = ONE_OF(sim, 100000, 0, 50);
    config->connections_per_agent = ONE_OF(sim, 2, 1, 3);
    config->connections_max = ONE_OF(sim, 10000, 60);
    config->connections_per_s = ONE_OF(sim, 200, 1);
    config->connections_burst = ONE_OF(sim, 2000, 3);
    config->control_frames_per_s = ONE_OF(sim, 10, 1);
    if (config->history_bytes_max <= 20000) config->memory_budget_bytes = ONE_OF(sim, 268435456, 3000000, 5000000);
    config->auth_failures_per_min = ONE_OF(sim, 10, 0, 1);
}

/* In a third of the worlds the hub has a say in what its log keeps. */
static void draw_retention(wsm_sim *sim, wsm_config *config) {
    if (sim->profile == WSM_SIM_CALM || draw(sim, 3) < 2) return;
    config->store_records_max = ONE_OF(sim, 10, 1, 4, 60, 0);
    config->store_age_s = ONE_OF(sim, 0, 5, 60);
    config->snapshot_records = ONE_OF(sim, 7, 1, 20);
}

static void draw_log(wsm_sim *sim, wsm__sim_store *store, const wsm_config *config) {
    store->is_durable = draw(sim, 5) != 4;
    store->retain = ONE_OF(sim, 0, 1, 10, 100);
    store->trims = draw(sim, 4) > 0;
    if (config->store_records_max && draw(sim, 4)) store->retain = 0; /* it does nothing by itself */
}

/* In some worlds memory is short: what is said is large, and a few slow readers are enough to make the hub shed. */
static void draw_memory(wsm_sim *sim, wsm_config *config) {
    if (sim->profile == WSM_SIM_CALM || draw(sim, 12) < 11) return;
    sim->is_heavy = sim->oracle.memory_failed = true; /* its budget may run out */
    config->memory_budget_bytes = ONE_OF(sim, 600000, 450000, 900000);
    config->queue_bytes_max = ONE_OF(sim, 1048576, 262144);
    config->history_bytes_max = 20000;
    config->dedup_ids_max = 20;
    sim->window = ONE_OF(sim, 1500, 8192, 300);
}

/* Half of the worlds have sidebars. */
static void draw_sides(wsm_sim *sim, wsm_config *config) {
    if (draw(sim, 2) == 0) return;
    sim->sides_max = ONE_OF(sim, 6, 1, 2, 12);
    config->sidebar_participants_max = ONE_OF(sim, 64, 2, 4);
    config->sidebar_depth_max = ONE_OF(sim, 4, 1, 2);
    config->sidebar_children_max = ONE_OF(sim, 64, 1, 2);
    config->sidebars_per_creator = ONE_OF(sim, 32, 1, 3);
    config->sidebars_per_min = ONE_OF(sim, 10, 1, 0);
    config->sidebar_idle_warn_s = ONE_OF(sim, 86400, 5, 100, 0);
    config->sidebar_idle_archive_s = ONE_OF(sim, 604800, 20, 300, 0);
}

/* Half have mentions. */
static void draw_mentions(wsm_sim *sim, wsm_config *config) {
    if (draw(sim, 2) == 0) return;
    wsm__sim_mail_begin(sim);
    config->mention_lease_ms = ONE_OF(sim, 300000, 1000, 20000);
    if (sim->profile == WSM_SIM_CALM && draw(sim, 2) == 0) return;
    config->mailbox_messages_max = ONE_OF(sim, 1000, 1, 2, 5);
    config->mailbox_bytes_max = ONE_OF(sim, 1048576, 400, 2000);
    config->mailbox_age_s = ONE_OF(sim, 604800, 2, 20, 120);
    config->mentions_per_message = ONE_OF(sim, 16, 1, 2);
    config->mention_group_max = ONE_OF(sim, 64, 1, 3);
    config->mentions_per_min_to_agent = ONE_OF(sim, 60, 1, 5, 0);
    config->mention_pair_per_min = ONE_OF(sim, 30, 1, 3, 0);
    config->hop_max = ONE_OF(sim, 8, 1, 2, 0);
}

static wsm_peer_kind draw_kind(wsm_sim *sim) {
    uint32_t dice = draw(sim, 10);
    return dice < 7 ? WSM_PEER_RAW : dice < 9 ? WSM_PEER_WEBSOCKET : WSM_PEER_MESSAGE;
}

#define one_in(sim, count) (draw(sim, count) == (count)-1 && (sim)->profile != WSM_SIM_CALM)

static void draw_client(wsm_sim *sim, wsm__sim_machine *node, uint32_t idx) {
    char name[16];
    wsm__sim_begin(&sim->choices, -1 - (int32_t)idx);
    bool shares = idx > 0 && draw(sim, 6) == 5;
    snprintf(name, sizeof name, "agent-%u", shares ? draw(sim, idx) : idx);
    bool observes = draw(sim, 7) == 6;
    wsm__sim_client *client =
        wsm__sim_client_new(sim, node, name, observes ? WSM_PERMISSION_OBSERVER : WSM_PERMISSION_ACTIVE);
    if (!client) return;
    client->kind = draw_kind(sim);
    client->claims.kind = (wsm_kind)(client->agent->idx % 3); /* one for all: else each of its visits is a new card */
    if (client->agent->idx % 2) {
        client->skills[0] = (wsm_slice){WSM__SIM_SKILL, sizeof WSM__SIM_SKILL - 1};
        client->claims.specialties = client->skills;
        client->claims.specialties_count = 1;
    }
    if (shares && !observes && draw(sim, 2)) client->claims.purpose = WSM_PURPOSE_BACKUP;
    client->piece = draw(sim, 4) == 3 ? 1 + draw(sim, 200) : 0;
    client->repeats = draw(sim, 3) == 2;
    client->flaps = one_in(sim, 10);
    client->lies = one_in(sim, 10);
    client->is_thief = one_in(sim, 20);
    client->floods = one_in(sim, 20);
    client->is_malicious = one_in(sim, 12);
    client->is_stranger = one_in(sim, 20) && client->kind == WSM_PEER_RAW;
    if (sim->mail && draw(sim, 4) == 3) client->claims.can |= WSM_CAN_MENTION_ALL;
    if (draw(sim, 20) == 19) { /* its token covers nothing that there is */
        client->contexts[0] = (wsm_slice){"side-*", 6};
        client->claims.contexts = client->contexts;
        client->claims.contexts_count = 1;
        client->claims.contexts_present = 1;
        client->reads_main = client->reads_sides = false;
    }
    wsm__sim_client_come_back(client, draw(sim, 20) * 50ull * WSM__SIM_MS);
}

static void say_config(wsm_sim *sim, const wsm_config *config) {
    wsm_config usual;
    const wsm_config_key *key;
    wsm_config_init(&usual, sizeof usual);
    for (size_t i = 0; (key = wsm_config_key_at(i)) != NULL; i++) {
        uint64_t value = 0;
        uint32_t narrow;
        if (key->width == 0 ||
            memcmp((const char *)config + key->offset, (const char *)&usual + key->offset, key->width) == 0)
            continue;
        memcpy(&value, (const char *)config + key->offset, key->width);
        memcpy(&narrow, (const char *)config + key->offset, sizeof narrow);
        wsm__sim_say(sim, "%s %llu", key->name,
                     key->width == 4 ? (unsigned long long)narrow : (unsigned long long)value);
    }
    for (unsigned kind = 0; kind < WSM_SIM_FAULTS; kind++)
        if (sim->rates[kind])
            wsm__sim_say(sim, "%s: %u in a thousand", wsm_sim_fault_name((wsm_sim_fault_kind)kind), sim->rates[kind]);
}

void wsm__sim_plan_draw(wsm_sim *sim, wsm__sim_plan *plan) {
    wsm_config config;
    wsm_config_init(&config, sizeof config);
    draw_faults(sim);
    draw_network(sim);
    draw_limits(sim, &config);
    plan->steps = 20 + draw(sim, 300);
    plan->gap_ms = ONE_OF(sim, 1000, 2, 30, 200, 3000, 20000);
    draw_retention(sim, &config);
    draw_memory(sim, &config);
    draw_sides(sim, &config);
    draw_mentions(sim, &config);
    say_config(sim, &config);
    wsm__sim_machine *node = wsm__sim_machine_new(sim, &config, NULL, NULL);
    node->late_tokens = sim->rates[WSM_SIM_TOKEN_LATE] || sim->rates[WSM_SIM_TOKEN_NEVER];
    node->cannot_read = draw(sim, 8) == 7;
    node->mono_base = ONE_OF(sim, 1000, 0, 4294967000u, 2147483000u);
    draw_log(sim, &node->store, &config);
    uint32_t clients = draw(sim, 8) == 7 ? 1 + draw(sim, 36) : 1 + draw(sim, 10);
    if (sim->is_heavy) node->config.memory_budget_bytes += (size_t)clients * 20000u; /* what each holds in any case */
    for (uint32_t i = 0; i < clients; i++) draw_client(sim, node, i);
    for (uint32_t i = 0; i < sim->clients_count && !sim->is_users; i++)
        if (one_in(sim, 6)) sim->clients[i]->token_s = 5 + draw(sim, 120);
}
