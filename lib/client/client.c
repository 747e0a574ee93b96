/* The client's life: made, fed with bytes and time, closed, freed. Every public function that may lead to a callback
 * runs between `enter` and `leave`; the outermost `leave` tells the host what has changed and frees what was given up.
 */
#include "client/client.h"

#include <assert.h>

#include "abi.h"
#include "defaults.h"

static const wsm_client_config config_defaults = {
    .size = sizeof(wsm_client_config),
    .path = "/ws",
    .handshake_timeout_ms = 10000,
    .close_timeout_ms = 5000,
    .ping_interval_ms = 30000,
    .ping_strikes = 3,
    .message_bytes_max = WSM__MESSAGE_BYTES_HARD,
    .fragments_max = 131072,
    .queue_bytes_max = 16u << 20,
    .memory_budget_bytes = 256u << 20,
};

static const wsm_client_host host_defaults = {.size = sizeof(wsm_client_host)};

void wsm_client_config_init(wsm_client_config *config, size_t size) {
    wsm__abi_init(config, size, &config_defaults, sizeof config_defaults);
}

void wsm_client_host_init(wsm_client_host *host, size_t size) {
    wsm__abi_init(host, size, &host_defaults, sizeof host_defaults);
}

/* ---- new and free
 * ---------------------------------------------------------------------------------------------------- */

static int config_read(wsm_client_config *config, const wsm_client_config *given) {
    *config = config_defaults;
    int err = wsm__abi_copy(config, sizeof *config, given);
    if (err) return err;
    if (!config->message_bytes_max) config->message_bytes_max = WSM__MESSAGE_BYTES_HARD;
    if (!config->fragments_max) config->fragments_max = UINT32_MAX;
    if (config->message_bytes_max > WSM__MESSAGE_BYTES_HARD || config->memory_budget_bytes > SIZE_MAX)
        return WSM_ERR_INVALID;
    return 0;
}

static int host_read(wsm_client_host *host, const wsm_client_host *given) {
    *host = host_defaults;
    int err = wsm__abi_copy(host, sizeof *host, given);
    if (err) return err;
    if (!host->bytes_waiting || !host->close_transport) return WSM_ERR_INVALID;
    if (!host->clock_mono) host->clock_mono = wsm__default_clock_mono;
    if (!host->clock_wall) host->clock_wall = wsm__default_clock_wall;
    if (!host->random) host->random = wsm__default_random;
    return 0;
}

/* The client counts its own bytes in its own `mem`, so a door that is not inside it serves to get and to return them.
 */
static wsm_client *shell_new(const wsm_client_config *config, const wsm_client_host *host, void *user) {
    wsm__mem door;
    wsm__mem_init(&door, host->alloc, user, (size_t)config->memory_budget_bytes);
    wsm_client *client = wsm__zalloc(&door, sizeof *client);
    if (!client) return NULL;
    wsm__mem_init(&client->mem, host->alloc, user, (size_t)config->memory_budget_bytes);
    if (wsm__mem_charge(&client->mem, sizeof *client) == 0) return client;
    wsm__free(&door, client, sizeof *client);
    return NULL;
}

static void destroy(wsm_client *client) {
    wsm__client_outbox_fini(client);
    if (client->pool) wsm__link_fini(&client->link);
    if (client->pool) wsm__ws_pool_free(client->pool);
    wsm__buf_fini(&client->answer);
    wsm__seen_fini(&client->seen, &client->mem);
    wsm__mem_uncharge(&client->mem, sizeof *client);
    assert(atomic_load(&client->mem.used) == 0);
    wsm__mem door;
    wsm__mem_init(&door, client->host.alloc, client->user, 0);
    wsm__mem_charge(&door, sizeof *client);
    wsm__free(&door, client, sizeof *client);
}

/* Heartbeats of clients that started together are spread by a tenth of the interval to either side. */
static int32_t jitter_of(uint32_t interval_ms, const unsigned char random[4]) {
    uint32_t value = (uint32_t)random[0] << 24 | (uint32_t)random[1] << 16 | (uint32_t)random[2] << 8 | random[3];
    uint32_t tenth = interval_ms / 10;
    return (int32_t)(value % (2 * tenth + 1)) - (int32_t)tenth;
}

/* The link is made with the client, so that an upgrade cannot fail for want of memory. Its silence counts from here: at
 * worst the first ping leaves early by what the handshake took. */
static int link_new(wsm_client *client, uint64_t now, const unsigned char random[4]) {
    const wsm_client_config *config = &client->config;
    client->limits = (wsm__link_limits){
        .ws = {.message_bytes_max = config->message_bytes_max,
               .fragments_max = config->fragments_max,
               .binary = config->plain != 0},
        .close_timeout_ms = config->close_timeout_ms,
        .ping_interval_ms = config->ping_interval_ms,
        .ping_strikes = config->ping_strikes,
    };
    wsm__ws_pool *pool = wsm__ws_pool_new(&client->mem, 1);
    if (!pool) return WSM_ERR_NOMEM;
    int err = wsm__link_init(&client->link, &client->mem, pool, &client->limits, true, client->host.random,
                             client->user, now, jitter_of(config->ping_interval_ms, random));
    if (err)
        wsm__ws_pool_free(pool);
    else
        client->pool = pool;
    return err;
}

static int client_init(wsm_client *client, const wsm_client_config *config, const wsm_client_host *host, void *user,
                       const unsigned char random[20]) {
    client->host = *host;
    client->user = user;
    client->config = *config;
    uint64_t now = host->clock_mono(user);
    client->open_by = config->handshake_timeout_ms ? now + config->handshake_timeout_ms : UINT64_MAX;
    client->due = client->open_by;
    memcpy(client->nonce, random, sizeof client->nonce);
    wsm__buf_init(&client->answer, &client->mem, 0);
    wsm__ring_init(&client->data, sizeof(wsm__frame *));
    wsm__chain_pool_init(&client->blocks, &client->mem);
    wsm__outq_init(&client->out, false);
    int err = link_new(client, now, random + 16);
    if (!err) err = wsm__client_ask(client, config);
    client->config.host = client->config.path = client->config.origin = NULL;
    client->config.token = client->config.epoch = NULL;
    return err;
}

int wsm_client_new(wsm_client **client, const wsm_client_config *config, const wsm_client_host *host, void *user) {
    if (!client) return WSM_ERR_INVALID;
    *client = NULL;
    wsm_client_config known_config;
    wsm_client_host known_host;
    int err = config_read(&known_config, config);
    if (!err) err = host_read(&known_host, host);
    if (err) return err;
    unsigned char random[20];
    if (known_host.random(user, random, sizeof random) != 0) return WSM_ERR_RANDOM;
    wsm_client *made = shell_new(&known_config, &known_host, user);
    if (!made) return WSM_ERR_NOMEM;
    err = client_init(made, &known_config, &known_host, user, random);
    if (err)
        destroy(made);
    else
        *client = made;
    return err;
}

/* ---- the turn
 * -------------------------------------------------------------------------------------------------------- */

static void enter(wsm_client *client) {
    client->depth++;
}

/* False: the client is gone. */
static bool leave(wsm_client *client) {
    if (client->depth == 1) wsm__client_call_news(client);
    if (--client->depth) return true;
    if (!client->freed) return true;
    destroy(client);
    return false;
}

void wsm_client_free(wsm_client *client) {
    if (!client) return;
    if (client->depth)
        client->freed = true;
    else
        destroy(client);
}

void wsm__client_end(wsm_client *client, uint16_t code) {
    if (client->state == WSM__CLIENT_OVER) return;
    client->state = WSM__CLIENT_OVER;
    client->due = UINT64_MAX;
    if (!client->code) client->code = code;
}

void wsm__client_opened(wsm_client *client) {
    client->state = WSM__CLIENT_OPEN;
    client->open_by = UINT64_MAX;
    wsm__client_call_open(client);
}

static bool is_upgraded(const wsm_client *client) {
    return client->state == WSM__CLIENT_GREETING || client->state == WSM__CLIENT_OPEN;
}

static void code_set(wsm_client *client, uint16_t code, wsm_slice reason) {
    if (client->code) return;
    client->code = code;
    client->reason_len = reason.len < sizeof client->reason ? reason.len : sizeof client->reason;
    if (reason.len) memcpy(client->reason, reason.ptr, client->reason_len);
}

/* Close for a reason of our own, which on_close will tell unless the peer's code has come before. */
static void fail(wsm_client *client, uint16_t code, const char *why, uint64_t now) {
    wsm__link_close(&client->link, code, wsm__slice_str(why), now);
    code_set(client, code, wsm__slice_str(why));
}

/* Lets the link do what is due and asks it for its next deadline. A link that closes by itself here gives the reason.
 */
static void settle(wsm_client *client, uint64_t now) {
    if (client->freed || !is_upgraded(client)) return;
    bool was_open = client->link.state == WSM__LINK_OPEN, pinged = false;
    client->due = wsm__link_tick(&client->link, now, wsm_client_queued(client) > 0, &pinged);
    if (was_open && client->link.state != WSM__LINK_OPEN && client->link.code_sent)
        code_set(client, client->link.code_sent, wsm__slice_str(wsm_close_name(client->link.code_sent)));
    if (client->open_by < client->due) client->due = client->open_by;
    uint32_t waiting = wsm__client_control_count(client);
    if (waiting > client->control_known) client->fresh = true;
    client->control_known = waiting;
}

/* ---- bytes in
 * -------------------------------------------------------------------------------------------------------- */

/* A text for the session. Its errors are the hub's fault, but for the want of memory. */
static int text_take(wsm_client *client, wsm_slice text, uint64_t now) {
    int err = wsm__client_message(client, text);
    if (!err) return 0;
    if (err == WSM_ERR_NOMEM)
        fail(client, 1013, wsm_close_name(1013), now);
    else
        fail(client, 1002, wsm_err_code(err), now);
    return err == WSM_ERR_NOMEM ? err : 0;
}

static int event_take(wsm_client *client, const wsm__ws_event *event, uint64_t now) {
    if (event->kind == WSM__WS_CLOSE) {
        bool ours = event->why != NULL;
        code_set(client, event->code, ours ? wsm__slice_str(wsm_close_name(event->code)) : event->payload);
        return ours && event->code == 1013 ? WSM_ERR_NOMEM : 0;
    }
    if (client->link.state != WSM__LINK_OPEN) return 0; /* after our close frame nobody listens any more */
    if (!client->config.plain) return text_take(client, event->payload, now);
    wsm__client_call_data(client, event->kind == WSM__WS_TEXT ? WSM_DATA_TEXT : WSM_DATA_BINARY, event->payload);
    return 0;
}

static int link_recv(wsm_client *client, const char *bytes, size_t len, uint64_t now) {
    int err = 0;
    while (!client->freed && is_upgraded(client)) {
        wsm__ws_event event;
        size_t used = 0;
        wsm__link_recv(&client->link, bytes, len, &used, &event, now);
        bytes += used;
        len -= used;
        if (event.kind == WSM__WS_NONE) break;
        int got = event_take(client, &event, now);
        if (!err) err = got;
    }
    return err;
}

static int bytes_take(wsm_client *client, const char *bytes, size_t len, uint64_t now) {
    while (len && !client->freed && client->state <= WSM__CLIENT_REFUSED) {
        size_t used = 0;
        if (wsm__client_answer(client, bytes, len, &used) != 0) {
            wsm__client_end(client, 1013);
            return WSM_ERR_NOMEM;
        }
        bytes += used;
        len -= used;
    }
    return len ? link_recv(client, bytes, len, now) : 0;
}

int wsm_client_recv(wsm_client *client, const void *bytes, size_t len) {
    if (!client || (!bytes && len)) return WSM_ERR_INVALID;
    if (client->receiving) return WSM_ERR_REENTRANT;
    if (client->freed || client->state == WSM__CLIENT_OVER) return WSM_ERR_CLOSED;
    if (!len) return 0;
    enter(client);
    client->receiving = true;
    uint64_t now = client->host.clock_mono(client->user);
    int err = bytes_take(client, bytes, len, now);
    client->receiving = false;
    settle(client, now);
    leave(client);
    return err;
}

/* ---- the other ways in
 * ----------------------------------------------------------------------------------------------- */

void wsm_client_sent(wsm_client *client, size_t len) {
    if (!client || client->freed) return;
    enter(client);
    wsm__client_wrote(client, len);
    leave(client);
}

int wsm_client_send(wsm_client *client, wsm_data type, const void *bytes, size_t len) {
    if (!client || (!bytes && len)) return WSM_ERR_INVALID;
    if (client->freed) return WSM_ERR_STATE;
    enter(client);
    int err = wsm__client_queue(client, type, wsm__slice(bytes, len));
    leave(client);
    return err;
}

int wsm_client_close(wsm_client *client, uint16_t code, const char *reason) {
    if (!client || !wsm__ws_close_code_is_valid(code)) return WSM_ERR_INVALID;
    wsm_slice text = wsm__slice_str(reason ? reason : wsm_close_name(code));
    if (!wsm__utf8_is_valid(text.ptr, text.len)) return WSM_ERR_INVALID;
    if (client->freed || client->state == WSM__CLIENT_OVER) return 0;
    enter(client);
    uint64_t now = client->host.clock_mono(client->user);
    if (is_upgraded(client))
        wsm__link_close(&client->link, code, text, now);
    else
        wsm__client_end(client, 1006);
    settle(client, now);
    leave(client);
    return 0;
}

void wsm_client_closed(wsm_client *client) {
    if (!client || client->freed) return;
    enter(client);
    client->gone = true;
    wsm__client_end(client, 1006);
    leave(client);
}

static void handshake_late(wsm_client *client, uint64_t now) {
    client->open_by = UINT64_MAX;
    if (is_upgraded(client))
        fail(client, 1008, "no welcome", now);
    else
        wsm__client_end(client, 1006);
}

int64_t wsm_client_tick(wsm_client *client) {
    if (!client || client->freed) return -1;
    if (client->depth) return 0;
    enter(client);
    uint64_t now = client->host.clock_mono(client->user);
    if (client->state < WSM__CLIENT_OPEN && now >= client->open_by) handshake_late(client, now);
    settle(client, now);
    return leave(client) ? wsm_client_next(client) : -1;
}

int64_t wsm_client_next(const wsm_client *client) {
    if (!client || client->freed || client->due == UINT64_MAX) return -1;
    uint64_t now = client->host.clock_mono(client->user);
    uint64_t wait = client->due > now ? client->due - now : 0;
    return wait < INT64_MAX ? (int64_t)wait : INT64_MAX;
}
