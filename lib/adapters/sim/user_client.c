/* Worlds of a test's own: scripted clients, and streams for client code that is the test's own. */
#include <string.h>

#include "world.h"

/* ---- scripted clients -----------------------------------------------------------------------------------------------
 */

int wsm_sim_client_add(wsm_sim *sim, wsm_sim_client **client, wsm_sim_hub *hub, const char *agent,
                       wsm_permission permission, int comes_back) {
    if (!client) return WSM_ERR_INVALID;
    *client = NULL;
    if (!sim || !hub || hub->sim != sim || !wsm__sim_may_be_named(agent)) return WSM_ERR_INVALID;
    if (permission != WSM_PERMISSION_OBSERVER && permission != WSM_PERMISSION_ACTIVE) return WSM_ERR_INVALID;
    *client = wsm__sim_client_new(sim, hub, agent, permission);
    if (!*client) return WSM_ERR_LIMIT;
    (*client)->is_scripted = true;
    (*client)->comes_back = comes_back != 0;
    wsm__sim_client_come_back(*client, 0);
    return WSM_OK;
}

int wsm_sim_client_send(wsm_sim_client *client, const char *json) {
    if (!client || !json) return WSM_ERR_INVALID;
    if (client->phase != WSM__SIM_LIVE) return WSM_ERR_STATE;
    client->is_tampered = true; /* what it asks for is the test's business: answers to it are not accounted for */
    wsm__sim_client_raw(client, json, strlen(json));
    return WSM_OK;
}

int wsm_sim_client_publish(wsm_sim_client *client, wsm_priority priority) {
    if (!client || priority > WSM_PRIORITY_CRITICAL) return WSM_ERR_INVALID;
    return (int)wsm__sim_client_publish(client, priority) + 1;
}

int wsm_sim_client_saw(wsm_sim_client *client, const char *part) {
    size_t len = part ? strlen(part) : 0;
    if (!client || len == 0) return 0;
    for (size_t at = client->tail_seen; at + len <= client->tail.len; at++) {
        if (memcmp(client->tail.at + at, part, len) != 0) continue;
        client->tail_seen = at + len;
        return 1;
    }
    return 0;
}

int wsm_sim_client_is_live(const wsm_sim_client *client) {
    return client && wsm__sim_client_is_at_head(client);
}

void wsm_sim_client_cut(wsm_sim_client *client) {
    if (client && client->line) wsm__sim_line_cut(client->line);
}

/* ---- streams --------------------------------------------------------------------------------------------------------
 */

struct wsm_sim_stream {
    wsm__sim_line *line;
    wsm_sim_stream_calls calls;
    void *user;
};

void wsm_sim_stream_calls_init(wsm_sim_stream_calls *calls, size_t size) {
    if (!calls || size < sizeof calls->size) return;
    memset(calls, 0, size);
    calls->size = size;
}

static void on_bytes(wsm_sim *sim, void *user, const void *bytes, size_t len) {
    wsm_sim_stream *stream = user;
    (void)sim;
    if (stream->calls.on_bytes) stream->calls.on_bytes(stream->user, stream, bytes, len);
}

static void on_closed(wsm_sim *sim, void *user) {
    wsm_sim_stream *stream = user;
    (void)sim;
    if (stream->calls.on_closed) stream->calls.on_closed(stream->user, stream);
}

int wsm_sim_stream_open(wsm_sim_stream **out, wsm_sim_hub *hub, const wsm_sim_stream_calls *calls, void *user) {
    if (!out || !hub || !calls || calls->size < sizeof *calls) return WSM_ERR_INVALID;
    wsm_sim_stream *stream = wsm__sim_arena_take(&hub->sim->arena, sizeof *stream);
    wsm__sim_ear ear = {on_bytes, on_closed, stream};
    stream->calls = *calls;
    stream->user = user;
    stream->line = wsm__sim_line_open(hub->sim, hub, WSM_PEER_RAW, &ear);
    wsm__sim_line_dial(stream->line);
    *out = stream;
    return WSM_OK;
}

void wsm_sim_stream_write(wsm_sim_stream *stream, const void *bytes, size_t len) {
    if (stream && (bytes || len == 0) && stream->line->client_open) wsm__sim_line_write(stream->line, bytes, len);
}

void wsm_sim_stream_close(wsm_sim_stream *stream) {
    if (stream && stream->line->client_open) wsm__sim_line_close(stream->line);
}
