/* The settings of a hub: one table of numbers with defaults and bounds, and the copy that a hub keeps. */
#include "abi.h"
#include "hub/hub.h"
#include "limits.h"
#include "wsm/version.h"

/* X(member, default, highest, phrase) */
#define NUMBERS(X)                                                                                                     \
    X(hello_auth, 0, 1, "1: the token may come in the first message")                                                  \
    X(connections_max, 10000, 1000000, "connections of the hub")                                                       \
    X(connections_per_agent, 2, WSM__AGENT_SLOTS, "connections of one agent, one of them a primary; 0: 8")             \
    X(connections_per_address, 64, UINT32_MAX, "connections from one address")                                         \
    X(connections_per_s, 200, UINT32_MAX, "new connections a second")                                                  \
    X(connections_burst, 2000, UINT32_MAX, "new connections at once")                                                  \
    X(preauth_max, 1024, UINT32_MAX, "connections that have shown no token yet")                                       \
    X(preauth_per_address, 16, UINT32_MAX, "the same from one address")                                                \
    X(auth_failures_per_min, 10, UINT32_MAX, "refused tokens from one address before it is blocked")                   \
    X(auth_block_ms, 60000, 86400000, "how long such an address is blocked")                                           \
    X(handshake_timeout_ms, 10000, 60000, "time for the whole HTTP request")                                           \
    X(auth_timeout_ms, 5000, 60000, "time for hello after the upgrade")                                                \
    X(close_timeout_ms, 5000, 60000, "time for the close handshake")                                                   \
    X(stall_timeout_ms, 10000, 120000, "time without progress in writing")                                             \
    X(ping_interval_ms, 30000, 600000, "silence before a ping")                                                        \
    X(ping_strikes, 3, 100, "intervals without a byte, or output that goes, before the end")                           \
    X(presence_grace_ms, 15000, 86400000, "time from the last connection to offline")                                  \
    X(position_interval_ms, 1000, 600000, "shortest time between two positions")                                       \
    X(http_line_bytes_max, 2048, 32768, "request line")                                                                \
    X(http_header_bytes_max, 8192, 32768, "all header lines")                                                          \
    X(http_headers_max, 64, WSM__HTTP_HEADERS_MAX, "header lines")                                                     \
    X(http_body_bytes_max, 262144, WSM__MESSAGE_BYTES_HARD, "body of a request")                                       \
    X(message_bytes_max, 262144, WSM__MESSAGE_BYTES_HARD, "one message")                                               \
    X(fragments_max, 128, 131072, "frames of one message")                                                             \
    X(assembly_timeout_ms, 30000, 600000, "time for a fragmented message")                                             \
    X(control_frames_per_s, 10, UINT32_MAX, "pings, pongs and the like from one connection")                           \
    X(control_frames_burst, 20, UINT32_MAX, "the same at once")                                                        \
    X(json_depth_max, 32, 64, "nesting of a message")                                                                  \
    X(json_values_max, 4096, 65536, "values in a message")                                                             \
    X(json_key_bytes_max, 128, 65536, "bytes of a key")                                                                \
    X(agent_messages_per_s, 50, UINT32_MAX, "messages of one agent")                                                   \
    X(agent_messages_burst, 100, UINT32_MAX, "the same at once")                                                       \
    X(agent_deliveries_per_s, 100000, UINT32_MAX, "receivers that one agent reaches")                                  \
    X(violations_per_min, 10, UINT32_MAX, "malformed messages before 4011")                                            \
    X(rate_violations_per_min, 100, UINT32_MAX, "messages over the rate before 4013")                                  \
    X(queue_messages_agent, 200, UINT32_MAX, "messages that wait for an agent's connection")                           \
    X(queue_messages_human, 50, UINT32_MAX, "messages that wait for a person's connection")                            \
    X(queue_bytes_max, 1048576, 67108864, "bytes that wait, the last quarter for critical ones")                       \
    X(history_records_max, 1000, UINT32_MAX, "records of a context in memory")                                         \
    X(history_bytes_max, 4194304, UINT32_MAX, "bytes of a context in memory")                                          \
    X(history_age_s, 86400, UINT32_MAX, "age of records in memory")                                                    \
    X(replay_page_records, 1024, 65536, "records of a page read from the log")                                         \
    X(replay_page_bytes, 1048576, 67108864, "bytes of such a page")                                                    \
    X(replays_max, 16, UINT32_MAX, "pages asked of the log at a time")                                                 \
    X(dedup_window_ms, 300000, 3600000, "how long the message ids of records are known")                               \
    X(dedup_soft_ms, 30000, 3600000, "how long the message ids of presence are known")                                 \
    X(dedup_ids_max, 4096, UINT32_MAX, "known message ids of one sender")                                              \
    X(inbox_max, 65536, UINT32_MAX, "commands from other threads that wait")                                           \
    X(appends_max, 65536, UINT32_MAX, "records that the log has not kept yet")                                         \
    X(snapshot_records, 10000, UINT32_MAX, "records between snapshots")                                                \
    X(replay_bytes_per_min, 16777216, UINT32_MAX, "bytes of replays for one agent in a minute")                        \
    X(store_records_max, 0, UINT32_MAX, "newest records that the log's store keeps; 0: all")                           \
    X(store_age_s, 0, UINT32_MAX, "age at which the log's store lets records go; 0: never")                            \
    X(sidebar_idle_warn_s, 86400, UINT32_MAX, "idleness of a sidebar before a warning; 0: none")                       \
    X(sidebar_idle_archive_s, 604800, UINT32_MAX, "idleness of a sidebar before it is archived; 0: never")             \
    X(sidebars_per_creator, 32, UINT32_MAX, "open sidebars that one agent has begun")                                  \
    X(sidebars_per_min, 10, UINT32_MAX, "sidebars that one agent begins within a minute")                              \
    X(sidebar_participants_max, 64, WSM__PARTICIPANTS_HARD, "members of a sidebar")                                    \
    X(sidebar_depth_max, 8, 32, "sidebars below one another")                                                          \
    X(sidebar_children_max, 64, UINT32_MAX, "live children of a sidebar")                                              \
    X(data_refs_max, 256, UINT32_MAX, "data references of a context")                                                  \
    X(data_refs_bytes_max, 524288, UINT32_MAX, "bytes of their names and values")                                      \
    X(mentions_per_message, 16, UINT32_MAX, "names in the text of one update that are looked at")                      \
    X(mention_group_max, 64, WSM__CALLEES_MAX, "agents that one group mention calls")                                  \
    X(mentions_per_min_to_agent, 60, 1000000, "mentions of one agent in a minute")                                     \
    X(mention_pair_per_min, 30, 1000000, "mentions of one agent by one other in a minute")                             \
    X(hop_max, 8, UINT32_MAX, "length of a chain of causes that may still mention somebody")                           \
    X(mailbox_messages_max, 1000, UINT32_MAX, "open deliveries of one agent")                                          \
    X(mailbox_bytes_max, 1048576, UINT32_MAX, "bytes of them")                                                         \
    X(mailbox_age_s, 604800, UINT32_MAX, "age at which an unanswered delivery expires")                                \
    X(mention_lease_ms, 300000, UINT32_MAX, "time to work on a mention when none is given")                            \
    X(mailbox_total_bytes_max, 268435456, INT64_MAX, "bytes of the open deliveries of all agents")                     \
    X(presence_interval_ms, 1000, 600000, "shortest time between two changes of one agent's presence; 0: none")        \
    X(memory_budget_bytes, 268435456, INT64_MAX, "memory of the hub")

/* X(member, phrase) */
#define TEXTS(X)                                                                                                       \
    X(server_name, "name in welcome")                                                                                  \
    X(server_version, "version in welcome")                                                                            \
    X(ws_path, "path of the hub's WebSocket")                                                                          \
    X(audience, "aud that a token must carry")                                                                         \
    X(workspace_key, "secret of at least 32 bytes behind the digests of messages; without it the log's epoch")

static const wsm_config_key keys[] = {
#define NUMBER_ROW(member, preset, highest, phrase)                                                                    \
    {#member, offsetof(wsm_config, member), sizeof(((wsm_config *)0)->member), (highest), phrase},
#define TEXT_ROW(member, phrase) {#member, offsetof(wsm_config, member), 0, 0, phrase},
    NUMBERS(NUMBER_ROW) TEXTS(TEXT_ROW)
#undef NUMBER_ROW
#undef TEXT_ROW
};

static const wsm_config defaults = {.size = sizeof(wsm_config),
                                    .server_name = "libwsm",
                                    .server_version = WSM_VERSION,
                                    .ws_path = "/ws",
#define PRESET(member, preset, highest, phrase) .member = (preset),
                                    NUMBERS(PRESET)
#undef PRESET
};

void wsm_config_init(wsm_config *config, size_t size) {
    wsm__abi_init(config, size, &defaults, sizeof defaults);
}

const wsm_config_key *wsm_config_key_at(size_t index) {
    return index < sizeof keys / sizeof *keys ? &keys[index] : NULL;
}

int wsm_config_set(wsm_config *config, const char *name, const char *value) {
    const wsm_config_key *key = NULL;
    uint64_t number;
    if (!config || !name || !value) return WSM_ERR_INVALID;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !key; i++)
        if (strcmp(keys[i].name, name) == 0) key = &keys[i];
    if (!key || key->offset + (key->width ? key->width : sizeof(char *)) > config->size) return WSM_ERR_NOT_FOUND;
    char *member = (char *)config + key->offset;
    if (key->width == 0) {
        memcpy(member, &value, sizeof value);
        return WSM_OK;
    }
    if (!wsm__slice_u64(wsm__slice_str(value), key->max, &number)) return WSM_ERR_INVALID;
    uint32_t narrow = (uint32_t)number;
    memcpy(member, key->width == 8 ? (const void *)&number : (const void *)&narrow, key->width);
    return WSM_OK;
}

/* ---- the hub's own copy ---------------------------------------------------------------------------------------------
 */

static int own_text(wsm_hub *hub, const char **text) {
    if (!*text) return WSM_OK;
    char **place = wsm__ring_push(&hub->config_texts, &hub->mem);
    char *copy = place ? wsm__strndup(&hub->mem, *text, strlen(*text)) : NULL;
    if (!copy) {
        if (place) wsm__ring_pop_back(&hub->config_texts, &hub->mem);
        return WSM_ERR_NOMEM;
    }
    *place = copy;
    *text = copy;
    return WSM_OK;
}

static int own_list(wsm_hub *hub, const char *const **list, size_t *count) {
    const char **copy = NULL;
    size_t n = *count;
    const char *const *given = *list;
    *list = NULL; /* on failure what was not copied must not be released */
    *count = 0;
    if (n == 0) return WSM_OK;
    if (!given) return WSM_ERR_INVALID;
    copy = wsm__alloc(&hub->mem, n * sizeof *copy);
    if (!copy) return WSM_ERR_NOMEM;
    memcpy(copy, given, n * sizeof *copy);
    *list = copy;
    *count = n;
    for (size_t i = 0; i < n; i++) {
        int err = copy[i] ? own_text(hub, &copy[i]) : WSM_ERR_INVALID;
        if (err) return err;
    }
    return WSM_OK;
}

static int check_numbers(const wsm_config *config) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        uint64_t wide = 0;
        uint32_t narrow = 0;
        const char *member = (const char *)config + keys[i].offset;
        if (keys[i].width == 8) memcpy(&wide, member, sizeof wide);
        if (keys[i].width == 4) memcpy(&narrow, member, sizeof narrow);
        if (keys[i].width && wide + narrow > keys[i].max) return WSM_ERR_INVALID;
    }
    if (config->workspace_key && strlen(config->workspace_key) < WSM__SECRET_BYTES_MIN) return WSM_ERR_INVALID;
    return config->ws_path && config->ws_path[0] == '/' ? WSM_OK : WSM_ERR_INVALID;
}

/* What may be no larger than its highest value in any case: without a limit it is that. A log need not know what a page
 * of no records is. */
static void lift(wsm_config *config) {
    uint32_t *const limits[] = {
        &config->http_line_bytes_max, &config->http_header_bytes_max, &config->http_headers_max,
        &config->http_body_bytes_max, &config->json_depth_max,        &config->json_values_max,
        &config->json_key_bytes_max,  &config->replay_page_records,   &config->replay_page_bytes};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const wsm_config_key *key = keys;
        while (key->offset != (size_t)((char *)limits[i] - (char *)config)) key++;
        if (*limits[i] == 0) *limits[i] = (uint32_t)key->max;
    }
}

int wsm__config_take(wsm_hub *hub, const wsm_config *given) {
    wsm_config config = defaults;
    int err = given ? wsm__abi_copy(&config, sizeof config, given) : WSM_OK;
    if (!err && !config.server_name) config.server_name = defaults.server_name;
    if (!err && !config.server_version) config.server_version = defaults.server_version;
    if (!err && !config.ws_path) config.ws_path = defaults.ws_path;
    if (!err) err = check_numbers(&config);
    if (err) return err;
    lift(&config);
    wsm__ring_init(&hub->config_texts, sizeof(char *));
    hub->config = config;
    const char **texts[] = {&hub->config.server_name, &hub->config.server_version, &hub->config.ws_path,
                            &hub->config.audience, &hub->config.workspace_key};
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !err; i++) err = own_text(hub, texts[i]);
    int lists = own_list(hub, &hub->config.origins, &hub->config.origins_count);
    if (!lists) {
        lists = own_list(hub, &hub->config.hosts, &hub->config.hosts_count);
    } else {
        hub->config.hosts = NULL;
        hub->config.hosts_count = 0;
    }
    return err ? err : lists;
}

void wsm__config_release(wsm_hub *hub) {
    for (uint32_t i = 0; i < hub->config_texts.count; i++) {
        char *text = *(char **)wsm__ring_at(&hub->config_texts, i);
        size_t size = strlen(text) + 1; /* before it is wiped */
        wsm__wipe(text, size - 1);      /* the workspace key is among them */
        wsm__free(&hub->mem, text, size);
    }
    wsm__ring_fini(&hub->config_texts, &hub->mem);
    wsm__free(&hub->mem, (void *)(uintptr_t)hub->config.origins, hub->config.origins_count * sizeof(char *));
    wsm__free(&hub->mem, (void *)(uintptr_t)hub->config.hosts, hub->config.hosts_count * sizeof(char *));
}
